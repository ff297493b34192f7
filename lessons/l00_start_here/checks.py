"""Checks: how blanks and cards work, and tensors."""

import torch

from helpers.exercises.engine import Case, Exercise, Wrong, add, case

# --- 00.1 and 00.2: how blanks and cards work -----------------------------------------

add(
    Exercise(
        "00.1",
        "A first blank",
        level=1,
        wrong={
            "text": Wrong(
                {"days": "7"},
                "That is the right number, but in quotes it is text. Write `days=7`.",
            ),
            "word": Wrong(
                {"days": "seven"},
                "Python wants the number in digits here. Write `days=7`.",
            ),
            "kept-blank": Wrong(
                {"days": 0}, "A week has more than 0 days. Write `days=7`."
            ),
        },
        otherwise="A week has seven days. Write `days=7` and run the cell again.",
        hints=("Delete the four underscores and type a number in their place.",),
    )
)

add(
    Exercise(
        "00.2",
        "Halfway between two readings",
        level=1,
        cases=lambda: [
            case(a, b)
            for a, b in ((2, 4), (0, 0), (1, 2), (-3, 8), (5.5, 0.25), (-6, 1), (-4, 1))
        ],
        wrong={
            "precedence": Wrong(
                "a + b / 2",
                "Division binds tighter than addition: `a + b / 2` halves only `b`. "
                "Put the sum in brackets.",
            ),
            "first-halved": Wrong(
                "a / 2 + b",
                "Only `a` is halved here. Add first, then halve the sum.",
            ),
            "no-half": Wrong(
                "a + b", "That is the sum. The point halfway is half of it."
            ),
            "floored": Wrong(
                "(a + b) // 2",
                "`//` rounds down, but halfway from 1 to 2 is 1.5. Divide with `/`.",
            ),
            "truncated": Wrong(
                "int((a + b) / 2)",
                "`int` cuts off what follows the point, but halfway from 1 to 2 is "
                "1.5.",
            ),
            "distance": Wrong(
                "(b - a) / 2",
                "That is half the distance from `a` to `b`. Add it to `a`.",
            ),
            "constant": Wrong(
                "3",
                "That is halfway between 2 and 4 only. Write it with `a` and `b`.",
            ),
        },
        hints=(
            "How do you get from 2 and 4 to 3, with one sum and one division?",
            "Do the same with `a` and `b` in place of 2 and 4, and mind the brackets.",
        ),
    )
)

# --- 00.3 to 00.7: tensors ------------------------------------------------------------


def _tensor(*values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _random(*shapes, seed=1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


add(
    Exercise(
        "00.3",
        "Read a shape",
        level=1,
        wrong={
            "no-comma": Wrong(
                {"row": 4},
                "Even a shape with a single entry is a tuple, and the comma makes it "
                "one: `(4,)`. Without the comma, `(4)` is just the number 4.",
            ),
            "one-row-table": Wrong(
                {"row": (1, 4)},
                "That is a table with a single row, so it has two axes. With one "
                "axis, a shape has one entry.",
            ),
            "one-column-table": Wrong(
                {"row": (4, 1)},
                "That is a table with a single column, so it has two axes. With "
                "one axis, a shape has one entry.",
            ),
            "axes-swapped": Wrong(
                {"table": (60, 4)},
                "That is sixty rows of four. Rows are counted first, and there are "
                "four of them, one for each aeroplane.",
            ),
            "all-counted": Wrong(
                {"table": 240},
                "There are 240 readings in all. A shape says how many there are along "
                "each axis: rows, then columns.",
            ),
            "stop-included": Wrong(
                {"last": 60},
                "`arange` stops before the number you give it, like `range`. Counting "
                "starts at 0, so there are still sixty numbers.",
            ),
        },
        hints=(
            "Run `torch.ones(2, 3)` again. What does the first number count, and what "
            "does the second?",
            "One axis, one entry, and a comma: `(…,)`. Two axes: `(…, …)`.",
        ),
    )
)


def _latest_cases() -> list[Case]:
    seven, nine = _random(7, 9)
    return [
        case(_tensor(1.0, 1.1, 1.2, 1.4, 1.7), 2),
        case(_tensor(1, 2, 3), 1),
        case(_tensor(1, 2, 3, 5), 4),
        case(_tensor(4, 2), 1),
        case(seven, 3),
        case(nine, 5),
    ]


add(
    Exercise(
        "00.4",
        "The latest readings, newest first",
        level=2,
        cases=_latest_cases,
        wrong={
            "oldest-first": Wrong(
                "x[len(x) - n :]",
                "Those are the right readings, but the oldest of them comes first. "
                "Reverse the slice.",
            ),
            "negative-step": Wrong(
                "x[len(x) - n :][::-1]",
                "The idea is right, but a tensor refuses steps of −1. Reverse it "
                "with `.flip(0)`.",
            ),
            "no-axis": Wrong(
                "x[len(x) - n :].flip()",
                "`flip` has to be told along which axis to reverse the tensor: "
                "`.flip(0)`.",
            ),
            "newest-left-out": Wrong(
                "x[len(x) - n : -1].flip(0)",
                "The newest reading is missing. A slice stops before its second "
                "number, so a stop at −1 leaves it out; with no stop, the slice goes "
                "on to the end.",
            ),
            "oldest-n": Wrong(
                "x[:n].flip(0)",
                "Those are the first n readings, the oldest ones. The latest stand at "
                "the end of `x`.",
            ),
            "n-dropped": Wrong(
                "x[n:].flip(0)",
                "Like `x[n:]`, this leaves out the first n readings and keeps all the "
                "others. How many should be kept?",
            ),
            "one-short": Wrong(
                "x[len(x) - n + 1 :].flip(0)",
                "The oldest of the n readings is missing. From place k to the end "
                "there are `len(x) - k` readings, and that should be n.",
            ),
            "one-too-many": Wrong(
                "x[len(x) - n - 1 :].flip(0)",
                "This slice starts one place too early. From place k to the end there "
                "are `len(x) - k` readings, and that should be n.",
            ),
            "single": Wrong(
                "x[len(x) - n]",
                "That is one reading. A slice needs a colon: `x[start:]` goes from "
                "place `start` to the end.",
            ),
        },
        hints=(
            "First pick the last n readings, then reverse them. For n = 2, `x[-2:]` "
            "picks them.",
            "Of five readings the last two start at place 3, which is `len(x) - n`. "
            "`.flip(0)` reverses a slice.",
        ),
    )
)

add(
    Exercise(
        "00.5",
        "How far in each second?",
        level=2,
        cases=lambda: [
            case(_tensor(1.0, 1.1, 1.3)),
            case(_tensor(2, 5)),
            case(_tensor(4, 1, 1, 0)),
            *map(case, _random(6, 9)),
        ],
        wrong={
            "sign": Wrong(
                "x[:-1] - x[1:]",
                "That is older minus newer. The distance flown is the newer reading "
                "minus the older one.",
            ),
            "no-sign": Wrong(
                "(x[1:] - x[:-1]).abs()",
                "The sizes are right, but the signs are gone. When the aeroplane flies "
                "back, its reading falls, and the distance is negative.",
            ),
            "unequal": Wrong(
                "x[1:] - x",
                "`x[1:]` has one reading fewer than `x`, so the two do not match. "
                "`x` has to lose one reading as well: which one?",
            ),
            "since-the-start": Wrong(
                "x[1:] - x[0]",
                "`x[0]` is one number, the first reading, so this is the distance "
                "since the start. Each reading needs the one just before it.",
            ),
            "no-colon": Wrong(
                "x[1:] - x[-1]",
                "`x[-1]` is one number, the last reading. With a colon, `x[:-1]` is "
                "all readings but the last.",
            ),
            "to-the-end": Wrong(
                "x[-1] - x[:-1]",
                "That is the distance still to go from each reading to the last. "
                "Each reading needs the one just after it.",
            ),
            "total": Wrong(
                "x[-1] - x[0]",
                "That is the whole distance from the first reading to the last, in "
                "one number.",
            ),
            "first-only": Wrong(
                "x[1] - x[0]",
                "That is the first distance. With slices in place of single readings "
                "you get them all at once.",
            ),
            "two-apart": Wrong(
                "x[2:] - x[:-2]",
                "Those readings are two seconds apart. Neighbours are one place apart.",
            ),
        },
        hints=(
            "Write 1.1, 1.3 above 1.0, 1.1. Which slice of `x` is the upper row, and "
            "which is the lower?",
            "`x[1:]` is all readings but the first, `x[:-1]` all but the last.",
        ),
    )
)


def _error_cases() -> list[Case]:
    tables = _random((2, 3), (2, 3), (3, 3), (3, 3), (4, 2), (4, 2), (1, 5), (1, 5))
    return [
        case(
            _tensor([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]),
            _tensor([1.0, 1.0, 4.0], [1.0, 1.0, 3.0]),
        ),
        *(case(*tables[k : k + 2]) for k in range(0, len(tables), 2)),
    ]


_DIFFERENCE = "(measured - truth)"
add(
    Exercise(
        "00.6",
        "The typical error of each aeroplane",
        level=2,
        cases=_error_cases,
        wrong={
            "each-second": Wrong(
                f"{_DIFFERENCE}.square().mean(0).sqrt()",
                "`mean(0)` goes down the columns, so that is one error for each "
                "second. Name the axis that should disappear: the seconds, axis 1.",
            ),
            "all-together": Wrong(
                f"{_DIFFERENCE}.square().mean().sqrt()",
                "Without an axis, `mean` takes all readings of all aeroplanes "
                "together. Each row should have a mean of its own.",
            ),
            "no-root": Wrong(
                f"{_DIFFERENCE}.square().mean(1)",
                "That is the mean of the squares, in square kilometres. Take the root "
                "at the end.",
            ),
            "root-first": Wrong(
                f"{_DIFFERENCE}.square().sqrt().mean(1)",
                "That is the mean of the errors without their signs: a root straight "
                "after the square does no more than `abs`. Square first, then take "
                "the mean, and take the root last.",
            ),
            "squared-mean": Wrong(
                f"{_DIFFERENCE}.mean(1).square().sqrt()",
                "The mean comes too early here: errors of opposite sign cancel in "
                "it. Square first.",
            ),
            "no-square": Wrong(
                f"{_DIFFERENCE}.mean(1)",
                "Errors of opposite sign cancel in this mean, which may even be "
                "negative. Squared, they all count.",
            ),
            "sum": Wrong(
                f"{_DIFFERENCE}.square().sum(1).sqrt()",
                "That is the root of the sum, which grows with every further reading. "
                "Take the mean.",
            ),
            "no-brackets": Wrong(
                "measured - truth.square().mean(1).sqrt()",
                "Method calls such as `.square()` come before the minus, so only "
                "`truth` is squared and averaged. Put the difference in brackets.",
            ),
        },
        hints=(
            "Begin with `(measured - truth)` and append one step at a time. "
            "`.square()` comes first.",
            "One number for each row: the mean goes along axis 1. The root comes last.",
        ),
    )
)

add(
    Exercise(
        "00.7",
        "Shapes in your head",
        level=2,
        wrong={
            "first-row": Wrong(
                {"element": 0},
                "0 stands in row 0. Rows are counted from 0, so row 1 is the second.",
            ),
            "column-by-column": Wrong(
                {"element": 1},
                "`view` fills row by row: 0, 1, 2, 3 are the first row.",
            ),
            "rows-of-three": Wrong(
                {"element": 3},
                "(3, 4) means three rows of four, so row 0 holds 0, 1, 2, 3.",
            ),
            "not-flattened": Wrong(
                {"flattened": (3, 4)},
                "`flatten` leaves a single axis, with all the numbers along it.",
            ),
            "no-comma": Wrong(
                {"flattened": 12},
                "A shape is a tuple even with a single entry: `(12,)`, with a comma.",
            ),
            "one-row-table": Wrong(
                {"flattened": (1, 12)},
                "That is a table with one row. After `flatten` there is only one axis.",
            ),
            "front-behind": Wrong(
                {"in_front": (12, 1)},
                "In `t[None]` the new axis comes before the one that is there.",
            ),
            "behind-front": Wrong(
                {"behind": (1, 12)},
                "In `t[:, None]` the colon stands for the axis that is there, and the "
                "new one comes after it.",
            ),
            "end-to-end": Wrong(
                {"stacked": (36,)},
                "`stack` does not join them end to end: it makes a new axis, along "
                "which the three lie.",
            ),
            "stacked-as-columns": Wrong(
                {"stacked": (12, 3)},
                "The new axis is axis 0: three rows of twelve.",
            ),
            "one-too-many": Wrong(
                {"stacked": (3, 1, 12)},
                "`stack` adds one axis to the one that is there, so there are two.",
            ),
        },
        hints=(
            "Write 0 to 11 in three rows of four. Row 1 is the second row.",
            "Each `None`, and each `stack`, adds one axis. `flatten` leaves one.",
        ),
    )
)
