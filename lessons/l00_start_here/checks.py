"""Checks: how blanks and cards work."""

from helpers.exercises.engine import Exercise, Wrong, add, case

add(
    Exercise(
        "00.1",
        "A first blank",
        wrong={
            "text": Wrong(
                {"days": "7"}, "Right number, but in quotes it is text. Write `days=7`."
            ),
            "word": Wrong(
                {"days": "seven"}, "Python wants a figure here. Write `days=7`."
            ),
            "kept-blank": Wrong(
                {"days": 0}, "A week has more days than none. Write `days=7`."
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
                "Only `a` is halved here. Half of the sum is half of both.",
            ),
            "no-half": Wrong(
                "a + b", "That is the sum. The point halfway is half of it."
            ),
            "floored": Wrong(
                "(a + b) // 2", "`//` rounds down, and halfway from 1 to 2 is 1.5: `/`."
            ),
            "truncated": Wrong(
                "int((a + b) / 2)",
                "`int` cuts off the half in 1.5, halfway from 1 to 2.",
            ),
            "distance": Wrong(
                "(b - a) / 2", "That is half the distance between them. Add it to `a`."
            ),
            "constant": Wrong(
                "3", "That is halfway between 2 and 4 only. Write it with `a` and `b`."
            ),
        },
        hints=(
            "What must be added to 2 and 4, and divided by what, to get 3?",
            "The same with `a` and `b` in place of 2 and 4; mind the brackets.",
        ),
    )
)
