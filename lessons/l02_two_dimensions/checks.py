"""Checks: two dimensions."""

import re

import torch

from helpers import convolution
from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.mistakes import in_place


def _random(*shapes, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def _counting(*shape):
    """1, 2, 3, … in the given shape: cases that can be checked by hand."""
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape)


_COLUMNS = {"rows": "columns", "row": "column", "column": "row", "height": "width"}
_COLUMNS |= {"above": "to the left of", "below": "to the right of"}
_COLUMNS |= {"i": "j", "a": "b", "m": "n", "H1": "W1", "H2": "W2"}
_COLUMNS |= {"j": "i", "b": "a", "n": "m", "W1": "H1", "W2": "H2"}


def _other_way(text):
    return re.sub(r"\w+", lambda word: _COLUMNS.get(word[0], word[0]), text)


def _rows_and_columns(rows):
    """Wrong fillings of blanks for rows, and their counterparts for columns."""
    columns = {
        _other_way(right): {
            # Letters in code only: "a" is a word, too.
            _other_way(text): re.sub("`[^`]+`|[a-z]{3,}", lambda m: _other_way(m[0]), s)
            for text, s in wrong.items()
        }
        for right, wrong in rows.items()
    }
    return in_place(rows | columns)


# --- 02.1 -----------------------------------------------------------------------------


def _terms(text):
    """A sum of products in one form: order of factors and terms does not matter."""
    if not isinstance(text, str):
        return text
    letters = text.casefold().replace("ℓ", "l")
    for sign in " *·⋅×\n":
        letters = letters.replace(sign, "")
    return "+".join(sorted("".join(sorted(term)) for term in letters.split("+")))


_SUMS = {  # what is said of a wrong S_01, and of a wrong S_10
    "that is S_00. Move the kernel by one pixel.": ["aw+bx+ey+fz"] * 2,
    "that is S_11, one step down *and* one to the right.": ["fw+gx+jy+kz"] * 2,
    "the window moves by one pixel only, so neighbouring windows overlap.": [
        "cw+dx+gy+hz"
    ],
    "here the kernel is rotated by half a turn. Lay it on as it is written, with w on "
    "the top left pixel of the window.": ["bz+cy+fx+gw", "ez+fy+ix+jw"],
    "in the kernel, x stands beside w, and y below it.": [
        "bw+cy+fx+gz",
        "ew+fy+ix+jz",
    ],
    "the kernel is a square, with y below w and z below x.": [
        "bw+cx+dy+ez",
        "ew+fx+gy+hz",
    ],
    "the kernel has a second row, y z.": ["bw+cx", "ew+fx"],
}

add(
    Exercise(
        "02.1",
        "Letters",
        level=1,
        normal=_terms,
        wrong={
            "rows-and-columns": Wrong(
                {"S_01": "ew + fx + iy + jz", "S_10": "bw + cx + fy + gz"},
                "The row comes first, then the column: S_01 is one step to the right, "
                "and S_10 one step down.",
            )
        }
        | in_place(
            {
                name: {sums[k]: f"{name}: {w}" for w, sums in _SUMS.items() if sums[k:]}
                for k, name in enumerate(("S_01", "S_10"))
            }
        ),
        hints=(
            "Lay the kernel on the input, with w on b. What lies under x, y and z?",
            "For S_10, put w on e.",
        ),
        otherwise="Write four products, each of a pixel and the weight that lies on "
        "it, with + between them. Which four pixels does the kernel cover?",
    )
)

# --- 02.2 and 02.3 --------------------------------------------------------------------

_PIXELS = {
    "i - a": {
        "i + a": "`i + a` lies below the pixel; the preceding rows lie above it.",
        "i - b": "`a` belongs with `i`: it counts the rows of the kernel.",
        "j - b": "`j - b` is a column, but this blank asks for the row.",
        "i - 1": "That takes the same row of the image for every `a`.",
        "i - m": "That takes the same row for every `a`, and one that lies just beyond "
        "the kernel's reach.",
        "i": "That takes the same row for every `a`. The row has to move with `a`.",
        "a": "`a` alone takes the same row of the image whatever `i` is.",
        "a - i": "It is the other way round: start from row `i` and go back by `a`.",
        "i - a - 1": "That goes back one row too far: K[0, 0] meets the pixel (i, j).",
        "i - a + 1": "Go back one row further: K[0, 0] meets the pixel (i, j) itself.",
        "i - m + 1 + a": "These are the right rows in the wrong order: row `i` comes "
        "first.",
    }
}
add(
    Exercise(
        "02.2",
        "The preceding neighbours",
        level=2,
        cases=lambda: [
            case(_counting(5, 6), torch.tensor([[1.0, 10.0]]), 1, 2),
            case(_counting(5, 6), torch.tensor([[1.0], [10.0]]), 2, 2),
            case(_counting(5, 6), _counting(2, 2), 2, 3),
            case(*_random((6, 8), (2, 3)), 2, 3),
            case(*_random((8, 7), (3, 2)), 3, 2),
            case(*_random((9, 7), (2, 3), seed=5), 5, 4),
        ],
        wrong=_rows_and_columns(_PIXELS),
        hints=(
            "For a = b = 0, the weight meets the pixel (i, j) itself.",
            "For a = 1, it meets a pixel one row above, in row i − 1.",
        ),
    )
)

add(
    Exercise(
        "02.3",
        "One bright pixel",
        level=2,
        wrong={
            "swapped": Wrong(
                {"preceding": "turned", "succeeding": "upright"},
                "It is the other way round. With succeeding neighbours, the outputs "
                "*above and to the left* of the bright pixel see it, the furthest of "
                "them through the last weight.",
            ),
            "both-upright": Wrong(
                {"succeeding": "upright"},
                "Look at the place one row above and one column to the left of the "
                "bright pixel. With succeeding neighbours it sees the pixel through "
                "the weight K[1, 1], so that weight is drawn *before* K[0, 0].",
            ),
            "both-turned": Wrong(
                {"preceding": "turned"},
                "With preceding neighbours, the place below the bright pixel sees it "
                "with a = 1, that is, with the weight below the first. So the kernel "
                "comes out as it is.",
            ),
        },
        hints=(
            "Compare each drawing above with the kernel: where are its 1 and its 9?",
            'Each answer is either "upright" or "turned".',
        ),
    )
)

# --- 02.4 and 02.5 --------------------------------------------------------------------


def _conv2d_cases() -> list[Case]:
    return [
        case(_counting(2, 3), torch.tensor([[1.0, 2.0]])),
        case(_counting(3, 2), torch.tensor([[1.0], [2.0]])),
        case(_counting(3, 4), torch.tensor([[1.0, 10.0], [100.0, 1000.0]])),
        case(*_random((4, 7), (3, 2))),
        case(*_random((7, 5), (2, 4))),
        case(*_random((5, 5), (3, 3))),
        case(*_random((3, 3), (3, 3))),
        case(*_random((8, 3), (5, 1))),
        case(*_random((3, 8), (1, 5))),
    ]


_FLIPPED = Wrong(
    lambda image, kernel: convolution.conv2d(image, kernel.flip(0, 1)),
    "Your kernel is rotated by half a turn. In the second formula its first weight "
    "meets the window's first pixel.",
)
_STOP = "A slice's second number is where it stops, not how long it is"
_BEFORE = "A slice ends before its second number, so "

_WINDOWS = {
    "H1 - m + 1": {
        "H1 - m": "The last row is missing. Count the places where 2 weights fit on 4 "
        "pixels: there are 3.",
        "H1 - m - 1": "That is two rows short: there are `H1 - m` moves, and the place "
        "before the first move makes one *more*.",
        "H1": "The window cannot start in every row: in the last ones it would hang "
        "over the edge.",
        "H1 - n + 1": "`m` is a height and belongs with `H1`. Try a kernel that is not "
        "square.",
        "W1 - m + 1": "`H1` is a height and belongs with `m`. Try an image that is not "
        "square.",
        "W1 - n + 1": "How many rows the output has depends on `H1` and `m`.",
        "m": "That is the height of the kernel, not of the output.",
        "H1 - 2": "That works only for a kernel of height 3. In general its height is "
        "`m`.",
    },
    "i + m": {
        "i + m - 1": _BEFORE + "this window is one row too small.",
        "i + m + 1": _BEFORE + "this window is one row too large.",
        "m": _STOP + ": the window starts at row `i` and has `m` rows.",
        "i + n": "The window has as many rows as the kernel: `m`.",
        "H1": "This window goes on to the last row of the image. It should have only "
        "`m` rows.",
        "i + 3": "A window of 3 rows fits only a kernel of height 3. In general its "
        "height is `m`.",
    },
}
add(
    Exercise(
        "02.4",
        "conv2d with loops",
        level=2,
        cases=_conv2d_cases,
        wrong=_rows_and_columns(_WINDOWS) | {"flipped": _FLIPPED},
        hints=(
            "How many places are there for a kernel of height 2 on 3 rows?",
            "It is the formula of lesson 01, once for the rows and once for the "
            "columns.",
            "The window starts in row i and has m rows, so it stops before row i + m.",
        ),
    )
)

_PIECES = {
    "a + H2": {
        "a + m": "From `a` to `a + m` the piece is as large as the *kernel*. Each tap "
        "multiplies a piece as large as the *output*.",
        "H1": "This piece goes on to the last row. It should have `H2` rows.",
        "H2": _STOP + ": the piece starts at row `a` and has `H2` rows.",
        "m": _STOP + ". `m` is the kernel's height; the piece has `H2` rows.",
        "a + H2 - 1": _BEFORE + "this piece is one row too small.",
        "a + H2 + 1": _BEFORE + "this piece is one row too large.",
        "a + W2": "The piece has as many rows as the output: `H2`.",
        "a + 1": "That is a single row. A piece has `H2` rows.",
    }
}
add(
    Exercise(
        "02.5",
        "Shift and add",
        level=3,
        cases=_conv2d_cases,
        wrong=_rows_and_columns(_PIECES)
        | {
            "not-added": Wrong(
                lambda image, kernel: (
                    image[len(kernel) - 1 :, len(kernel[0]) - 1 :] * kernel[-1, -1]
                ),
                "Each tap replaces what the one before it gave, so only the last is "
                "left. Add them up with `+=`.",
            ),
            "flipped": _FLIPPED,
        },
        hints=(
            "For a = b = 0 the piece starts at the top left pixel. How many rows does "
            "it have?",
            "The piece has H2 rows, from row a on: `image[a : a + H2, …]`.",
        ),
    )
)

# --- 02.6 and 02.7 --------------------------------------------------------------------

_FLAT = {
    "ones": {
        255: "255 is the most that a screen can show. The sum itself is larger.",
        300: "Nine pixels lie under the kernel, not three.",
        100: "That is the mean of the nine pixels. Weights of 1 only add them up, and "
        "nothing divides the sum.",
        9: "`ones`: 9 is the sum of the weights, and each of them meets a pixel of "
        "100.",
    },
    "blur": {
        900: "That is the sum of the nine. Here each of them counts for one ninth.",
        100 / 9: "That is what one pixel adds. Nine lie under the kernel.",
        100 / 3: "Nine pixels, not three, add 100/9 each.",
        1: "`blur`: 1 is the sum of the weights, but each pixel is 100.",
    },
    "sharpen": {
        500: "The centre adds 5 · 100, but four neighbours add −1 · 100 each.",
        900: "The four neighbours are subtracted: their weight is −1.",
        400: "There are four weights of −1: subtract 100 for each of them.",
        -300: "Only four neighbours have the weight −1; the corners have 0.",
        0: "5 − 4 is 1, so 1 · 100 is left.",
        1: "`sharpen`: 1 is the sum of the weights, but each pixel is 100.",
    },
    "edges": {
        100: "Eight neighbours have the weight 1, and the centre −8: what is left?",
        -400: "All eight neighbours have the weight 1, the corners too.",
        -700: "There are eight ones: three above, three below and two beside the "
        "centre.",
        800: "That is what the neighbours add. The centre subtracts 800 again.",
        -800: "That is the centre alone. Its eight neighbours add 100 each.",
        1600: "The weight of the centre is −8, so it is subtracted.",
    },
}
add(
    Exercise(
        "02.6",
        "A flat area",
        level=1,
        wrong={
            "weights-only": Wrong(
                {"ones": 9, "blur": 1, "sharpen": 1},
                "These are the sums of the weights. All pixels are 100, so multiply "
                "each sum by 100.",
            )
        }
        | in_place(_FLAT),
        hints=(
            "All nine pixels are 100, so the output is 100 times the sum of the "
            "weights.",
        ),
    )
)

_MIDDLES = {
    (
        1,
        0,
        -1,
    ): "That is left minus right. Nothing is reversed here: the weight on the "
    "right lies on the pixel on the right.",
    (0, -1, 1): "That is the right neighbour minus the pixel itself. Leave the centre "
    "out, and subtract the left neighbour.",
    (-1, 1, 0): "That is the pixel itself minus its left neighbour. Leave the centre "
    "out, and start from the right neighbour.",
    (1, 0, 1): "That adds the two neighbours. Which sign makes it a difference?",
    (-1, 1, 1): "The pixel itself counts here, too. Leave the centre out.",
    (0, 0, 1): "That is the right neighbour alone. Subtract the left one from it.",
    (-1, 0, 0): "That is minus the left neighbour. The right one is missing.",
    (-1 / 2, 0, 1 / 2): "That is half of the difference. Here nothing halves it.",
    (1, -1, 0): "That is the left neighbour minus the pixel itself. Leave the centre "
    "out, and subtract the left neighbour from the right one.",
    (0, 1, -1): "That is the pixel itself minus its right neighbour. Leave the centre "
    "out: take the right neighbour, and subtract the left one.",
    (1, -2, 1): "That adds both neighbours and subtracts the pixel itself twice.",
}
add(
    Exercise(
        "02.7",
        "Write a kernel",
        level=1,
        wrong={
            f"middle {row}": Wrong({"kernel": [[0, 0, 0], row, [0, 0, 0]]}, says)
            for row, says in _MIDDLES.items()
        },
        hints=(
            "From left to right, the three weights lie on the left neighbour, the "
            "pixel itself and the right neighbour.",
            "You want 1 · right + 0 · pixel − 1 · left.",
        ),
    )
)

# --- 02.8 and 02.9 --------------------------------------------------------------------

_MAPS = {
    "len(image)": {
        "3": "That is right for red, green and blue, but inside a network an image may "
        "have 1, 64 or 512 channels. Ask the image how many it has.",
        "len(image) - 1": "The last channel is missing: `range(n)` already ends before "
        "n.",
        "image.shape[1]": "`image.shape[1]` is the height; the channels come first.",
        "image.shape[2]": "`image.shape[2]` is the width; the channels come first.",
        "kernel.shape[1]": "`kernel.shape[1]` is the filter's height, not its depth.",
    },
    "sum(maps)": {
        "sum(maps) / len(maps)": "The channels' maps should be added, not averaged.",
        "sum(maps) / 3": "The channels' maps should be added, and nothing should "
        "divide the sum.",
        "maps": "That is one map for each channel. A filter gives a single map, so add "
        "them up.",
        "maps[0]": "Here only the first channel counts, but the filter reaches through "
        "all of them.",
        "maps[-1]": "Here only the last channel counts, but the filter reaches through "
        "all of them.",
        "torch.sum(maps)": "`torch.sum` takes one tensor, and `maps` is a list of "
        "them. Python's own `sum` adds up a list.",
        "sum(maps).sum()": "That is one number, since all places are added up, too. "
        "Add up the channels only, so that a map is left.",
        "torch.stack(maps).sum(1)": "Axis 1 is the height. The channels are axis 0.",
        "torch.stack(maps).amax(0)": "That keeps the largest value at each place. The "
        "channels should be added.",
        "torch.cat(maps)": "`torch.cat` lays the maps end to end. A filter adds them "
        "up.",
    },
}
add(
    Exercise(
        "02.8",
        "A filter is a volume",
        level=2,
        cases=lambda: [
            case(torch.ones(2, 1, 2), torch.ones(2, 1, 1)),
            case(_counting(1, 2, 2), torch.ones(1, 1, 1)),
            case(_counting(3, 2, 3), torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)),
            case(*_random((3, 5, 6), (3, 2, 3))),
            case(*_random((4, 4, 7), (4, 3, 3))),
        ],
        wrong=in_place(_MAPS),
        hints=(
            "`len(image)` is the number of channels.",
            "Each channel gives a map; the filter's answer is their sum.",
        ),
    )
)

_LAST = "PyTorch puts channels before height and width: (N, C, H, W)."
_ADDED = "Each filter adds up the colours, so 8 filters give 8 maps."

_SHAPES = {
    "images": {
        (4, 32, 32, 3): _LAST,
        (3, 32, 32): "That is a single image. With four of them, N = 4 comes first.",
        (32, 32, 3): "That is one image with its channels last. Four images are (N, C, "
        "H, W).",
        (1, 3, 32, 32): "That is a batch of one image. Here there are four.",
        (4, 32, 32): "The axis of the channels is missing: 3 for colour.",
        (4, 1, 32, 32): "With one channel an image is grey; a colour image has three.",
        (3, 4, 32, 32): "Batch and channels are swapped: N comes first.",
        (4, 8, 32, 32): "Eight is the number of maps. An image has 3 channels.",
    },
    "weight": {
        (8, 5, 5): "The depth is missing: each filter reaches through all 3 channels.",
        (8, 1, 5, 5): "A filter is as deep as its input, which has 3 channels here.",
        (3, 5, 5): "That is a single filter. There are eight, and their number comes "
        "first.",
        (8, 5, 5, 3): "The depth comes before height and width.",
        (3, 8, 5, 5): "First comes how many filters there are, 8, then how deep each "
        "is, 3.",
        (4, 3, 5, 5): "There are eight filters, whatever the number of images.",
        (4, 8, 3, 5, 5): "The same filters serve all images, so `weight` has no axis "
        "for the images.",
    },
    "maps": {
        (4, 24, 28, 28): _ADDED,
        (4, 3, 28, 28): "There are as many maps as filters, not as colours. " + _ADDED,
        (4, 8, 3, 28, 28): f"The colours have no axis of their own any more. {_ADDED}",
        (4, 28, 28): "The axis of the maps is missing: there are 8 for each image.",
        (4, 1, 28, 28): "Each filter makes a map of its own, so there are 8 maps.",
        (8, 28, 28): "Those are the maps of one image. There are four images, and N "
        "comes first.",
        (4, 28, 28, 8): "In `maps`, too, the number of maps comes before height and "
        "width.",
        (8, 4, 28, 28): "The axes of images and maps are swapped: N comes first.",
        (4, 8, 32, 32): "A 5×5 window fits at 32 − 5 + 1 places along each side.",
        (4, 8, 27, 27): "There are 32 − 5 moves, and the first place counts too: 28.",
        (4, 8, 30, 30): "The output is two places shorter at *each* end.",
    },
}
add(
    Exercise(
        "02.9",
        "Shapes of filters and maps",
        level=2,
        wrong={
            "channels-last": Wrong(
                {"images": (4, 32, 32, 3), "maps": (4, 28, 28, 8)},
                f"In `images` and in `maps`: {_LAST}",
            ),
        }
        | in_place(_SHAPES),
        hints=(
            "Images are (N, C, H, W).",
            "Filters are (K, C, F, F): each has as many channels as its input.",
            "Maps are (N, K, H2, W2).",
        ),
    )
)
