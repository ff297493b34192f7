"""Checks: output size."""

import math

import torch
from torch import nn

from helpers.exercises.engine import Case, Exercise, Wrong, add, case

# --- 03.1 to 03.3: the formula, step by step ------------------------------------------

add(
    Exercise(
        "03.1",
        "No padding, no stride",
        cases=lambda: [
            case(W1=3, F=3),
            case(W1=7, F=3),
            case(W1=7, F=5),
            case(W1=32, F=5),
            case(W1=10, F=2),
            case(W1=9, F=1),
        ],
        wrong={
            "one-short": Wrong(
                lambda W1, F: W1 - F,
                "W1 − F counts the moves. The place before the first move counts too: "
                "a kernel as wide as the input has one place, not none.",
            ),
            "too-many": Wrong(
                lambda W1, F: W1 - F + 2,
                "One too many: a kernel as wide as the input fits in one place.",
            ),
            "half-kernel": Wrong(
                lambda W1, F: W1 - F // 2,
                "The kernel loses ⌊F/2⌋ places at *each* border.",
            ),
            "tiles": Wrong(
                lambda W1, F: W1 // F,
                "That puts kernels side by side. Neighbouring windows overlap: the "
                "kernel moves by one pixel.",
            ),
        },
        hints=(
            "Put a kernel of 3 on a row of 3 pixels, then of 4, then of 5. Count.",
            "Every further pixel gives one more place. For F pixels there is one.",
        ),
    )
)

add(
    Exercise(
        "03.2",
        "Padding that keeps the size",
        cases=lambda: [case(F=F) for F in (3, 1, 5, 7, 11)],
        wrong={
            "padding-total": Wrong(
                lambda F: F - 1,
                "F − 1 is the total, left and right together. P is the padding on "
                "*each* side.",
            ),
            "kernel-itself": Wrong(
                lambda F: F,
                "A kernel of 1 needs no padding at all.",
            ),
            "rounded-up": Wrong(
                lambda F: (F + 1) // 2,
                "One too many on each side: try F = 1, which loses nothing.",
            ),
            "always-one": Wrong(
                lambda F: 1,
                "Right for F = 3. A kernel of 5 loses two pixels on each side.",
            ),
            "not-whole": Wrong(
                lambda F: F / 2,
                "Half a pixel cannot be added. Which number is halved exactly?",
            ),
        },
        hints=(
            "Solve W1 − F + 2P + 1 = W1 for P.",
            "2P = F − 1.",
        ),
    )
)


def _output_size_cases() -> list[Case]:
    return [
        case(W1=3, F=3, P=0, S=1),
        case(W1=5, F=3, P=1, S=1),
        case(W1=7, F=3, P=1, S=2),
        case(W1=8, F=3, P=0, S=2),
        case(W1=7, F=3, P=0, S=3),
        case(W1=10, F=5, P=2, S=3),
        case(W1=227, F=11, P=0, S=4),
        case(W1=224, F=7, P=3, S=2),
        case(W1=32, F=5),
        case(W1=6, F=1, S=4),
        case(W1=9, F=2, P=1, S=5),
    ]


add(
    Exercise(
        "03.3",
        "The whole formula",
        cases=_output_size_cases,
        wrong={
            "precedence": Wrong(
                lambda W1, F, P=0, S=1: W1 - F + 2 * P / S + 1,
                "Only 2 * P is divided here: `/` binds tighter than `+`. Put the sum "
                "in brackets.",
            ),
            "precedence-floored": Wrong(
                lambda W1, F, P=0, S=1: W1 - F + 2 * P // S + 1,
                "Only 2 * P is divided here: `//` binds tighter than `+`. Put the sum "
                "in brackets.",
            ),
            "padding-once": Wrong(
                lambda W1, F, P=0, S=1: (W1 - F + P) // S + 1,
                "Padding counted once. P zeros stand on *each* side, so the row grows "
                "by 2P.",
            ),
            "no-floor": Wrong(
                lambda W1, F, P=0, S=1: (W1 - F + 2 * P) / S + 1,
                "There is no third of a pixel. When the stride does not divide, the "
                "last step does not fit: round down, with `//`.",
            ),
            "rounded-up": Wrong(
                lambda W1, F, P=0, S=1: math.ceil((W1 - F + 2 * P) / S) + 1,
                "Rounded up. A window that does not fit whole gives no output: round "
                "down.",
            ),
            "rounded": Wrong(
                lambda W1, F, P=0, S=1: round((W1 - F + 2 * P) / S) + 1,
                "Rounded to the nearest. A window that does not fit whole gives no "
                "output: always round down.",
            ),
            "one-short": Wrong(
                lambda W1, F, P=0, S=1: (W1 - F + 2 * P) // S,
                "That counts the moves. Add 1 for the place before the first move.",
            ),
            "one-inside": Wrong(
                lambda W1, F, P=0, S=1: (W1 - F + 2 * P + 1) // S,
                "The + 1 belongs outside: it is the first place, which costs no step.",
            ),
            "stride-ignored": Wrong(
                lambda W1, F, P=0, S=1: W1 - F + 2 * P + 1,
                "The stride is missing: with S = 2 the kernel skips every other place.",
            ),
            "divided-by-stride": Wrong(
                lambda W1, F, P=0, S=1: (W1 - F + 2 * P + 1) / S,
                "First the moves: how often does S fit into W1 − F + 2P? Then add 1.",
            ),
        },
        hints=(
            "Start from W1 − F + 2P + 1. The 1 is the first place; how many moves "
            "follow?",
            "Moves of S pixels into W1 − F + 2P pixels: divide, and round down.",
            "`//` divides and rounds down.",
        ),
    )
)

# --- 03.4 to 03.11: eight sizes -------------------------------------------------------


def _size(number, title, wrong, hints):
    add(Exercise(number, title, wrong, hints))


_size(
    "03.4",
    "32×32×1, six 5×5 filters",
    {
        "size-kept": Wrong(
            {"W2": 32},
            "Without padding a 5×5 kernel cannot stand on the outer two rows.",
        ),
        "one-short": Wrong({"W2": 27}, "32 − 5 moves, and the first place."),
        "depth-kept": Wrong(
            {"D2": 1}, "Each of the six filters gives a map of its own."
        ),
    },
    ("W2 = W1 − F + 1.", "D2 = K, the number of filters."),
)
_size(
    "03.5",
    "227×227×3, 96 filters of 11×11, stride 4",
    {
        "one-short": Wrong({"W2": 54}, "(227 − 11)/4 = 54 moves, and the first place."),
        "stride-forgotten": Wrong({"W2": 217}, "That is without the stride of 4."),
        "depth-times-filters": Wrong(
            {"D2": 288},
            "Each filter reaches through all 3 channels and gives one map: 96, not "
            "3 · 96.",
        ),
        "depth-kept": Wrong({"D2": 3}, "D2 is the number of filters."),
    },
    ("(227 − 11)/4 is a whole number.", "Then add 1."),
)
_size(
    "03.6",
    "7×7×3, two 3×3 filters, padding 1, stride 2",
    {
        "padding-once": Wrong(
            {"W2": 3},
            "7 − 3 + 2·1 = 6 pixels to move in: the padding counts on both sides. "
            "That makes 3 moves, and the first place comes on top.",
        ),
        "stride-forgotten": Wrong({"W2": 7}, "That is with stride 1."),
        "depth-kept": Wrong({"D2": 3}, "D2 is the number of filters, K = 2."),
    },
    ("7 − 3 + 2 = 6.", "6/2 + 1."),
)
_size(
    "03.7",
    "224×224×3, 64 filters of 7×7, padding 3, stride 2",
    {
        "no-floor": Wrong(
            {"W2": 112.5}, "223/2 = 111.5: the last half step does not fit. Round down."
        ),
        "rounded-up": Wrong(
            {"W2": 113}, "223/2 = 111.5 is rounded down to 111 moves, then add 1."
        ),
        "one-short": Wrong(
            {"W2": 111},
            "111 moves, and the first place. (Or is the padding counted once? It "
            "stands on both sides.)",
        ),
    },
    ("224 − 7 + 2·3 = 223.", "The stride does not divide: round down, then add 1."),
)
_size(
    "03.8",
    "wider than high: 640×480×3, 16 filters of 5×5, padding 2, stride 4",
    {
        "swapped": Wrong(
            {"W2": 120, "H2": 160}, "The width is 640, so it stays the larger one."
        ),
        "square": Wrong(
            {"H2": 160}, "The height is 480 and gets its own turn in the formula."
        ),
        "no-floor": Wrong({"W2": 160.75}, "639/4 is not whole. Round down."),
        "one-short": Wrong(
            {"W2": 159},
            "(640 − 5 + 2·2)/4 makes 159 moves, and the first place. (Or is the "
            "padding left out?)",
        ),
    },
    ("Once with 640, once with 480.", "(640 − 5 + 4)/4 = 159.75; round down, add 1."),
)
_size(
    "03.9",
    "56×56×64, 32 filters of 1×1",
    {
        "size-lost": Wrong(
            {"W2": 55}, "A kernel of one pixel can stand anywhere: W1 − 1 + 1."
        ),
        "depth-kept": Wrong(
            {"D2": 64},
            "Each 1×1 filter reaches through all 64 channels and gives one map.",
        ),
        "depth-times-filters": Wrong(
            {"D2": 2048}, "Maps of one filter are added over the channels: 32 maps."
        ),
    },
    ("F = 1: does anything get lost at the border?", "D2 = K."),
)
add(
    Exercise(
        "03.10",
        "Which stride?",
        wrong={
            "quotient": Wrong(
                {"S": 2},
                "With S = 2 there are (17 − 5)/2 + 1 = 7 places.",
            ),
            "one-more": Wrong(
                {"S": 4},
                "With S = 4 there are ⌊12/4⌋ + 1 = 4 places.",
            ),
            "places-for-moves": Wrong(
                {"S": 12 / 5},
                "12 pixels to move in are right, but 5 places are only 4 moves.",
            ),
        },
        hints=("5 places are 4 moves.", "4 moves fill 17 − 5 = 12 pixels."),
    )
)
add(
    Exercise(
        "03.11",
        "Which padding?",
        wrong={
            "padding-total": Wrong(
                {"P": 4}, "4 is what both sides get together. P is for each side."
            ),
            "as-for-three": Wrong(
                {"P": 1}, "P = 1 keeps the size for F = 3. Here F = 5."
            ),
            "none": Wrong({"P": 0}, "Without padding, 28 come out."),
        },
        hints=("32 − 5 + 2P + 1 = 32.",),
    )
)

# --- 03.12 ----------------------------------------------------------------------------


def _built(make, each: Case):
    """What a layer does to sizes: shape of its output, and of its weight."""
    layer = make()
    if not isinstance(layer, nn.Conv2d):
        return type(layer).__name__
    output = layer(torch.zeros(each.args[0]))
    return {"output": tuple(output.shape), "weight": tuple(layer.weight.shape)}


def _layer(*arguments, **options):
    return lambda: nn.Conv2d(*arguments, **options)


add(
    Exercise(
        "03.12",
        "Build the layer",
        cases=lambda: [case((1, 3, 224, 224)), case((2, 3, 31, 50))],
        run=_built,
        shown=lambda name, each: f"{name}() on an input {each.args[0]}",
        wrong={
            "in-and-out-swapped": Wrong(
                _layer(64, 3, kernel_size=7, stride=2, padding=3),
                "The first number is the depth of the input, the second the number of "
                "filters.",
            ),
            "no-padding": Wrong(
                _layer(3, 64, kernel_size=7, stride=2),
                "Without padding 109 come out. How many zeros on each side make 112?",
            ),
            "padding-total": Wrong(
                _layer(3, 64, kernel_size=7, stride=2, padding=6),
                "PyTorch's `padding` is for each side. Yours adds 12 in all.",
            ),
            "no-stride": Wrong(
                _layer(3, 64, kernel_size=7, padding=3),
                "This keeps 224. Halving it takes a stride.",
            ),
            "too-small-kernel": Wrong(
                _layer(3, 64, kernel_size=3, stride=2, padding=1),
                "The output has the right size, but the filters are 3×3, not 7×7.",
            ),
        },
        hints=(
            "`nn.Conv2d(depth of the input, number of filters, …)`.",
            "The numbers are those of exercise 03.7.",
        ),
    )
)

# --- 03.13 ----------------------------------------------------------------------------

add(
    Exercise(
        "03.13",
        "Dilation",
        cases=lambda: [
            case(F=3, dilation=1),
            case(F=3, dilation=2),
            case(F=1, dilation=4),
            case(F=5, dilation=3),
            case(F=2, dilation=2),
        ],
        wrong={
            "times-taps": Wrong(
                lambda F, dilation: dilation * F,
                "Between F taps there are F − 1 gaps, not F.",
            ),
            "gaps-only": Wrong(
                lambda F, dilation: dilation * (F - 1),
                "That is the distance from the first tap to the last. The last one "
                "covers a pixel too.",
            ),
            "holes-added": Wrong(
                lambda F, dilation: F + dilation,
                "Each of the F − 1 gaps gets wider, not only one.",
            ),
            "holes-counted": Wrong(
                lambda F, dilation: F + dilation * (F - 1),
                "With dilation 1 the taps are neighbours: no holes. There are "
                "dilation − 1 pixels left out in each gap.",
            ),
        },
        hints=(
            "Draw three taps two pixels apart and count from the first to the last.",
            "F taps have F − 1 steps of `dilation` pixels between them.",
        ),
    )
)
