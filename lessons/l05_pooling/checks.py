"""Checks: pooling."""

import re

import torch

from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.mistakes import in_place

EXAMPLE = torch.tensor(
    [[1.0, 4, 2, 1], [5, 8, 3, 4], [7, 6, 4, 5], [1, 3, 1, 2]]
)  # the lecture's


def _random(*shape, seed=5):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _counting(*shape):
    """1, 2, 3, … in the given shape: cases that can be checked by hand."""
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape)


# --- 05.1 -----------------------------------------------------------------------------

_TURNED = "rows and columns are swapped: the window to the right comes second."


def _windows(S):
    """The four numbers of each 2×2 window of the example, on the last axis."""
    return EXAMPLE.unfold(0, 2, S).unfold(1, 2, S).flatten(2)


def _not_largest(windows):
    return {
        "these are the means. Max pooling takes the largest.": windows.mean(2),
        "these are the sums. Max pooling takes the largest.": windows.sum(2),
        "these are the smallest. Max pooling takes the largest.": windows.amin(2),
        "that is the first number of each window.": windows[..., 0],
        _TURNED: windows.amax(2).T,
    }


_STRIDE_1, _STRIDE_2 = _windows(1).amax(2), _windows(2).amax(2)

add(
    Exercise(
        "05.1",
        "The largest of each window",
        level=1,
        wrong={
            "no-overlap": Wrong(
                {"stride_1": _STRIDE_2},
                "With stride 1 the window moves by one pixel and overlaps the one "
                "before: it has three places along each side.",
            ),
            "swapped": Wrong(
                {"stride_2": _STRIDE_1, "stride_1": _STRIDE_2},
                "The two are swapped: the smaller stride gives the larger output.",
            ),
            "overlap": Wrong(
                {"stride_2": _STRIDE_1},
                "With stride 2 the windows lie side by side: two along each side.",
            ),
            "only-full-steps": Wrong(
                {"stride_1": _STRIDE_1[:2, :2]},
                "There are 4 − 2 moves, and the first place: that makes three places "
                "along each side.",
            ),
        }
        | {
            f"stride {S}: {says}": Wrong({f"stride_{S}": found}, f"Stride {S}: {says}")
            for S in (2, 1)
            for says, found in _not_largest(_windows(S)).items()
        },
        hints=(
            "Write each row in brackets: `[[8, …], […, …]]`.",
            "With stride 2 there are four windows, side by side. The first holds 1, 4, "
            "5 and 8.",
            "With stride 1 there are nine windows. The second one holds 4, 2, 8 and 3.",
        ),
        otherwise="Cover all but one window with your hand. Which is the largest "
        "number left?",
    )
)

# --- 05.2 -----------------------------------------------------------------------------


def _pool_cases() -> list[Case]:
    return [
        case(_counting(2, 2), 2, 2),
        case(-_counting(2, 4), 2, 2),
        case(EXAMPLE, 2, 2),
        case(EXAMPLE, 2, 1),
        case(EXAMPLE[:3], 2, 2),
        case(_random(5, 7), 2, 2),
        case(_random(7, 6), 3, 2),
        case(_random(6, 9), 2, 3),
        case(_random(4, 3) - 9, 3, 1),
        case(_random(8, 8), 4, 3),
        case(_random(3, 5), 1, 2),
        case(_random(3, 3), 3, 2),
        case(_random(5, 2), 2, 2),
        case(_random(7, 3), 3, 2),
    ]


_ROWS = {
    "(H1 - F) // S + 1": {
        "(H1 - F) // S": "That counts the moves from row to row. Add 1 for the first "
        "place.",
        "(H1 - F) / S + 1": "`/` gives a number with a decimal point, and the number "
        "of rows must be whole: divide with `//`.",
        "(H1 - F + 1) // S": "The + 1 comes after the division: the first row needs no "
        "move.",
        "H1 - F + 1": "The stride is missing: the window moves over H1 − F rows, S at "
        "a time.",
        "H1 // S": "H1 divided by S ignores the size of the window: the last one, too, "
        "needs F rows.",
        "(W1 - F) // S + 1": "How many rows the output has depends on the rows of the "
        "image, H1.",
    },
    "i * S": {
        "i": "The stride is missing: each window starts S rows after the one before.",
        "i * F": "These windows start F rows apart. They should start S rows apart.",
        "j * S": "`top` is a row, and it is `i` that counts the rows.",
    },
    "top + F": {
        "top + F - 1": "A slice leaves its end out, so this window has F − 1 rows.",
        "top + F + 1": "A slice leaves its end out, so `top + F` already makes F rows.",
        "i + F": "The F rows start at `top`, not at `i`.",
        "top + S": "This window has S rows. S is how far it moves, F how large it is.",
        "F": "A slice's second number says where it stops, and that is F rows after "
        "`top`.",
        "H1": "This window goes on to the last row. It should only have F rows.",
    },
}
_LARGEST = {
    "window.max()": {
        "window.mean()": "That is average pooling. Max pooling keeps the largest.",
        "window.sum()": "That is the sum of the window. Max pooling keeps the largest.",
        "window.max().clamp(min=0)": "Where all numbers of a window are negative, the "
        "largest is negative, too, but this turns it into 0.",
        "window.abs().max()": "That forgets the sign: −9 is smaller than −1.",
        "window.argmax()": "`argmax` says *where* the largest stands, not what it is.",
        "window.max(0)": "`max(0)` takes the maximum along one axis only. Leave the 0 "
        "out.",
        "window.max": "That is the method itself. Round brackets call it: "
        "`window.max()`.",
        "window[0, 0]": "That is the window's first number. Look at all of them.",
    }
}
_OTHER = {"H1": "W1", "W1": "H1", "i": "j", "j": "i", "top": "left", "left": "top"}
_OTHER |= {"rows": "columns", "row": "column"}


def _other_way(text):
    """What is said of rows, said of columns, and the other way round."""
    return re.sub(r"\w+", lambda word: _OTHER.get(word[0], word[0]), text)


_COLUMNS = {
    _other_way(right): {
        _other_way(text): _other_way(says) for text, says in wrong.items()
    }
    for right, wrong in _ROWS.items()
}

add(
    Exercise(
        "05.2",
        "Max pooling with loops",
        level=2,
        cases=_pool_cases,
        wrong=in_place(_ROWS | _COLUMNS | _LARGEST)
        | {
            "precedence": Wrong(
                {1: "H1 - F // S + 1", 2: "W1 - F // S + 1"},
                "Only F is divided, because `//` binds tighter than `-`. Put the "
                "difference in brackets, for rows and for columns.",
            )
        },
        hints=(
            "The output is as large as that of a convolution without padding.",
            "Row i of the output comes from F rows of the image. The first of them is "
            "row i · S.",
            "`window.max()` is the largest number of a tensor.",
        ),
    )
)

# --- 05.3 -----------------------------------------------------------------------------

_FOURS = _windows(2)
_MEANS = {
    "These are the sums. A window holds four numbers: divide by 4.": _FOURS.sum(2),
    "These are the largest numbers. Now take the mean of all four.": _STRIDE_2,
    "You divided by 2, but a window of 2×2 holds 4 numbers.": _FOURS.sum(2) / 2,
    "These are rounded up, but a mean need not be whole.": -(-_FOURS.sum(2) // 4),
    "These are rounded down, but a mean need not be whole.": _FOURS.sum(2) // 4,
    "These are rounded, but a mean need not be whole.": (_FOURS.sum(2) / 4 + 0.5) // 1,
    "That is with stride 1. With 2, windows lie side by side.": _windows(1).mean(2),
    "In `stride_2`, " + _TURNED: _FOURS.mean(2).T,
}
_MIDDLES = {
    21: "8 + 3 + 6 + 4 is 21. Now divide by 4.",
    21 / 2: "You divided by 2. The middle window, too, holds 4 numbers.",
    21 / 9: "You divided by 9, the number of windows. Each of them holds 4 numbers.",
    57 / 16: "That is the mean of all 16. The middle window holds 8, 3, 6 and 4.",
    57 / 4: "That is a quarter of the sum of all 16. The middle window holds 8, "
    "3, 6 and 4.",
    8: "8 is the largest of the middle window, not its mean.",
    5: "5 is the mean rounded, or the median. The mean is (8 + 3 + 6 + 4)/4.",
} | {
    mean: f"{mean:g} is the mean of another window. The middle one holds 8, 3, 6 and 4."
    for mean in _windows(1).mean(2).flatten().tolist()
    if mean != 21 / 4
}
add(
    Exercise(
        "05.3",
        "The mean of each window",
        level=1,
        wrong={says: Wrong({"stride_2": found}, says) for says, found in _MEANS.items()}
        | in_place({"middle": _MIDDLES}),
        hints=(
            "Add the four numbers of a window and divide by 4.",
            "The first mean is (1 + 4 + 5 + 8)/4, the one in the middle "
            "(8 + 3 + 6 + 4)/4.",
        ),
    )
)

# --- 05.4 -----------------------------------------------------------------------------

_AXES = {
    "(2, 3)": {
        "None": "That gives one number for the whole batch. Images and channels stay "
        "apart, so average over height and width only.",
        "1": "That averages over the channels. Pooling keeps them apart.",
        "0": "That averages over the images. Each of them is pooled by itself.",
        "(1, 2, 3)": "That gives one number for each image. Channels stay apart, too.",
        "(0, 2, 3)": "That gives one number for each channel. Images stay apart, too.",
        "(0, 1)": "0 and 1 are images and channels. Height and width are 2 and 3.",
        "(1, 2)": "Dimensions are counted from 0, so 1 and 2 are C and H.",
        "(3, 4)": "Dimensions are counted from 0: N is 0, C is 1, and so on.",
        "3": "Only the width is averaged away. The height has to go too.",
        "2": "Only the height is averaged away. The width has to go too.",
        "(2, 3), keepdim=True": "Two axes of length 1 are left: (N, C, 1, 1). It is "
        "`keepdim=True` that keeps them.",
    }
}
add(
    Exercise(
        "05.4",
        "Global average pooling",
        level=1,
        cases=lambda: [
            case(_counting(1, 1, 1, 2)),
            case(_counting(1, 2, 2, 2)),
            case(_counting(2, 1, 2, 3)),
            case(_counting(2, 3, 1, 2)),
            case(_random(4, 3, 5, 7)),
            case(_random(3, 6, 4, 4)),
            case(_random(2, 5, 1, 1)),
        ],
        wrong=in_place(_AXES)
        | {
            "sum": Wrong(
                lambda images: images.sum(dim=(2, 3)),
                "The sum grows with the size of the map. Take the mean.",
            ),
            "largest": Wrong(
                lambda images: images.amax(dim=(2, 3)),
                "That is global *max* pooling. Here you want the mean.",
            ),
        },
        hints=(
            "Which of N, C, H, W should be gone afterwards? Give their positions.",
            "N is dimension 0, C is 1, H is 2, W is 3.",
        ),
    )
)

# --- 05.5 -----------------------------------------------------------------------------


def _two_pairs(conv=lambda size: size - 4, pool=lambda size: size // 2):
    """(W, H, D) after each layer."""
    found, size = {}, 32
    for pair, K in ((1, 8), (2, 16)):
        found[f"conv{pair}"] = ((size := conv(size)),) * 2 + (K,)
        found[f"pool{pair}"] = ((size := pool(size)),) * 2 + (K,)
    return found


_LAYERS = {
    "conv": {
        "A 5×5 kernel takes 4 pixels off each side length: W1 − 5 + 1.": lambda W: W,
        "W1 − 5 counts the moves. The first place counts, too.": lambda W: W - 5,
        "That is one too many: W1 − 5 moves, and *one* first place.": lambda W: W - 3,
        "A kernel of 5 loses two places at *each* border.": lambda W: W - 2,
    },
    "pool": {
        "That is with stride 1. A stride of 2 halves the size.": lambda W: W - 1,
        "There are (W1 − 2)/2 moves, and the first place.": lambda W: W // 2 - 1,
        "A stride of 2 halves the size, but this is not halved.": lambda W: W,
        "A stride of 2 halves each side length only once.": lambda W: W // 4,
    },
}


def _wrong_layers():
    """Each mistake in one layer, and what follows from it in all later ones."""
    right, wrong = _two_pairs(), {}
    before = dict(zip(right, (32, *(size for size, *_ in right.values()))))
    for part, mistakes in _LAYERS.items():
        for says, size in mistakes.items():
            chain = _two_pairs(**{part: size})
            chain = {name: chain[name] for name in right if chain[name] != right[name]}
            wrong[f"{part}: {says}"] = Wrong(chain, f"`{part}1`, `{part}2`: {says}")
            for name in (f"{part}1", f"{part}2"):
                found = (size(before[name]),) * 2 + right[name][2:]
                wrong[f"{name}: {says}"] = Wrong({name: found}, f"`{name}`: {says}")
    return wrong


_OWN = "Each channel is pooled by itself, so the depth stays {}."
_DEPTHS = {
    "conv1": {
        (28, 28, 3): "The depth of the output is the number of filters, K = 8.",
        (28, 28, 24): "Each of the 8 filters reads all 3 channels and gives one map.",
        (28, 28, 1): "Each of the 8 filters gives a map of its own.",
        (8, 28, 28): "That is PyTorch's order. Here it is (W, H, D), the depth last.",
        (28, 28): "The depth is missing: (W, H, D).",
    },
    "pool1": {
        (14, 14, 4): "Pooling halves width and height only. " + _OWN.format(8),
        (14, 14, 1): "Channels are not merged. " + _OWN.format(8),
        (14, 14, 3): "The pooling receives 8 maps, not the 3 colours.",
    },
    "conv2": {
        (10, 10, 128): "Each of the 16 filters reads all 8 channels and gives one map.",
        (10, 10, 8): "The second convolution has 16 filters: 16 maps.",
        (10, 10, 24): "16 filters make 16 maps. The other 8 are what they look at.",
    },
    "pool2": {
        (5, 5, 8): "The depth stays in pooling: 16 maps go in, 16 come out.",
        (5, 5, 1): "Channels are not merged. " + _OWN.format(16),
    },
    "pool_parameters": {
        4: "Four numbers lie in a window, but none of them is a weight.",
        2 * 2 * 8: "A filter would have 2·2·8 weights. A maximum needs none.",
        2 * 2 * 16: "A filter would have 2·2·16 weights. A maximum needs none.",
        2 * 2 * 3: "A filter would have 2·2·3 weights. A maximum needs none.",
        2: "F and S are chosen beforehand, not learned, so they are not parameters.",
        1: "The largest of four is found without any number that is learned.",
        5: "A filter would have four weights and a bias. Pooling has neither.",
    },
}
add(
    Exercise(
        "05.5",
        "Two pairs of convolution and pooling",
        level=2,
        wrong=_wrong_layers()
        | {
            "channels-first": Wrong(
                {name: (D, W, H) for name, (W, H, D) in _two_pairs().items()},
                "That is PyTorch's order, throughout. Here it is (W, H, D), with the "
                "depth last.",
            )
        }
        | in_place(_DEPTHS),
        hints=(
            "A convolution gives W1 − F + 1, and its depth is K.",
            "Pooling gives (W1 − 2)/2 + 1, and the depth stays.",
            "The widths are 32, 28, 14, 10, 5.",
        ),
    )
)

# --- 05.6 -----------------------------------------------------------------------------

_SHARES = {
    "eight": {
        1: "The 8 wins more than one window, and what it gets from each adds up.",
        8: "8 is the number itself. If it grows by 1, how much does the sum grow?",
        32: "The 8 wins four windows, but gets 1 from each, not 8.",
        3: "That is one window short. How many of the nine outputs are 8?",
        2: "That is two windows short. How many of the nine outputs are 8?",
    },
    "seven": {
        2: "The 7 lies in two windows, but in the upper one the 8 wins.",
        7: "7 is the number itself. If it grows by 1, how much does the sum grow?",
        0: "The 7 does win a window: it is the largest of 7, 6, 1 and 3.",
    },
    "six": {
        0: "The 6 loses to 8 and to 7, but look at the window 6, 4, 3, 1.",
        4: "The 6 lies in four windows, but wins only one.",
        6: "6 is the number itself. If it grows by 1, how much does the sum grow?",
        2: "Only one of the nine outputs is 6.",
    },
    "five": {
        1: "This 5 lies in two windows, at the right edge. Who wins them?",
        5: "5 is the number itself. If it grows by 1, how much does the sum grow?",
        10: "The 5 wins two windows, but gets 1 from each, not 5.",
        0: "This 5, in the third row, wins both of the windows in which it lies.",
    },
    "three": {
        1: "The 3 loses every window: none of the nine outputs is 3.",
        3: "3 is the number itself, and no output is 3: nothing changes when it grows.",
        4: "The 3 lies in four windows, but wins none of them.",
    },
}
add(
    Exercise(
        "05.6",
        "Who gets the gradient?",
        level=2,
        wrong={
            "one-each": Wrong(
                {"eight": 1, "five": 1},
                "That is 1 for each winner. But with stride 1 the windows overlap, and "
                "a number that wins several of them gets 1 from each.",
            ),
            "values": Wrong(
                {"eight": 8, "seven": 7, "six": 6},
                "These are the numbers themselves. The gradient says how much the sum "
                "grows when the number grows by 1.",
            ),
            "times-values": Wrong(
                {"eight": 32, "seven": 7, "six": 6, "five": 10},
                "That is what each number adds to the sum. The gradient says how much "
                "the sum grows when the number grows by 1.",
            ),
            "windows-counted": Wrong(
                {"seven": 2, "six": 4, "three": 4},
                "That counts the windows in which a number lies. Only the winner of a "
                "window gets anything.",
            ),
            "shared-out": Wrong(
                {"eight": 1, "seven": 0.5, "six": 1, "five": 0.5, "three": 1},
                "That is average pooling, where each of four numbers gets 1/4. Here "
                "the winner takes all.",
            ),
        }
        | in_place(_SHARES),
        hints=(
            "Count how often each number appears in the output 8 8 4 / 8 8 5 / 7 6 5.",
            "A number that appears k times in the output gets k. (The other 5, in the "
            "second row, wins no window.)",
        ),
    )
)

# --- 05.7 -----------------------------------------------------------------------------

_WEIGHTS = {
    "c": {
        ":": "That reads all channels. Filter c should read channel c only.",
        "0": "Every filter reads channel 0. Filter c should read channel c.",
        "C - 1": "Every filter reads the last channel. Filter c should read channel c.",
        "c, 0, 0": "Here only the first of the window's four numbers counts.",
    },
    "1 / 4": {
        "1": "Weights of 1 give the sum. What turns a sum of four into a mean?",
        "1 / 2": "F is 2, but a window holds 2·2 numbers.",
        "4": "That multiplies the sum by 4. The mean divides it by 4.",
        "1 // 4": "`//` rounds down: 1 // 4 is 0.",
        "1 / C": "C counts channels. The mean is over the 2·2 numbers of a window.",
        "1 / (4 * C)": "That divides by C, too, but each filter reads one channel.",
    },
    "2": {
        "1": "The windows overlap: with stride 1 they move by one pixel.",
        "4": "A window of 2×2 moves by 2, not by its four numbers.",
    },
}
add(
    Exercise(
        "05.7",
        "Average pooling as a convolution",
        level=3,
        cases=lambda: [
            case(_counting(1, 1, 2, 2)),
            case(_counting(1, 1, 2, 4)),
            case(_counting(1, 2, 2, 2)),
            case(EXAMPLE[None, None]),
            case(_random(1, 3, 5, 7)),
            case(_random(4, 2, 6, 4)),
        ],
        wrong=in_place(_WEIGHTS),
        hints=(
            "The mean of four numbers is one quarter of each, added up.",
            "Map c should see only channel c. Windows lie side by side when S = F.",
            "Set `weight[c, c] = 1 / 4`, and use stride 2.",
        ),
    )
)
