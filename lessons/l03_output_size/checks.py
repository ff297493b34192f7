"""Checks: output size."""

import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.engine import Case, Exercise, Wrong, add, case


def _fillings(wrong):
    """Wrong fillings of the only blank, each with what it means."""
    return {text.replace(" + ", "+"): Wrong(text, says) for text, says in wrong.items()}


# --- 03.1 to 03.3: the formula, step by step ------------------------------------------

_PLACES = {
    "W1 - F": "W1 − F counts the moves. The place before the first move counts too: a "
    "kernel as wide as the input has one place, not none.",
    "W1 - F + 2": "One too many: a kernel as wide as the input fits in one place.",
    "W1 - F - 1": "Two short: W1 − F moves, and the first place is one *more*.",
    "W1 - F // 2": "The kernel loses ⌊F/2⌋ places at *each* border.",
    "W1 - F // 2 * 2": "Right for odd F only: of 4 pixels, a kernel of 2 has 3 places.",
    "W1 // F + 1": "That counts kernels side by side. Windows overlap.",
    "W1 // F": "That puts kernels side by side. Neighbouring windows overlap.",
    "W1 / F": "That counts kernels side by side, a broken one too. Windows overlap.",
    "W1": "Near both ends, part of the kernel would hang over the edge.",
    "W1 + F - 1": "More than there are pixels: larger kernels have *fewer* places.",
    "F - W1 + 1": "The other way round: more pixels make more places.",
    "W1 - 2": "Right for a kernel of 3. A larger one loses more.",
}
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
        wrong=_fillings(_PLACES),
        hints=(
            "Put a kernel of 3 on a row of 3 pixels, then of 4, then of 5. Count.",
            "Every further pixel gives one more place. For F pixels there is one.",
        ),
    )
)

_PADDINGS = {
    "F - 1": "F − 1 is the total, left and right together. P is the padding on *each* "
    "side.",
    "F": "That is the kernel itself (`F - 1 // 2` is, too: only the 1 is divided). A "
    "kernel of 1 needs no padding.",
    "(F + 1) // 2": "One too many on each side: try F = 1, which loses nothing.",
    "1": "Right for F = 3. A kernel of 5 loses two pixels on each side.",
    "2": "Right for F = 5. A kernel of 3 loses one pixel on each side.",
    "F / 2": "Half a pixel cannot be added. Which number is halved exactly?",
    "F - 1 / 2": "Only the 1 is divided: `/` binds tighter than `-`.",
    "(1 - F) // 2": "Padding adds pixels: it is not negative.",
    "F // 2 - 1": "One short on each side: a kernel of 3 loses one pixel there.",
    "F - 2": "Right for F = 3 only: for F = 5, two are lost on each side.",
}
add(
    Exercise(
        "03.2",
        "Padding that keeps the size",
        cases=lambda: [case(F=F) for F in (3, 1, 5, 7, 11)],
        wrong=_fillings(_PADDINGS),
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


_FORMULAS = {
    "W1 - F + 2 * P // S + 1": "Only 2 * P is divided here: `//` binds tighter than "
    "`+`. Put the sum in brackets.",
    "(W1 - F + P) // S + 1": "Padding counted once: the row grows by 2P.",
    "(W1 - F) // S + 1": "The padding is missing: the row is W1 + 2P long.",
    "(W1 - F) // S + 2 * P + 1": "The stride goes over the padding, too.",
    "(W1 - F - 2 * P) // S + 1": "Padding makes the row longer: add it.",
    "(W1 - F + 2 * P) / S + 1": "There is no part of a pixel. When the stride does "
    "not divide, the last step does not fit: round down, with `//`.",
    "-(-(W1 - F + 2 * P) // S) + 1": "Rounded up. What does not fit gives no output.",
    "round((W1 - F + 2 * P) / S + 1)": "Rounded to the nearest. A window that does not "
    "fit whole gives no output: round down, with `//`.",
    "round((W1 - F + 2 * P) / S) + 1": "Rounded to the nearest. A window that does not "
    "fit whole gives no output: always round down.",
    "(W1 - F + 2 * P) // S": "Those are the moves. Add 1 for the first place.",
    "(W1 - F + 2 * P) / S": "That counts the moves, and not in whole ones: round down "
    "with `//`, and add 1 for the first place.",
    "(W1 - F + 2 * P) // S - 1": "The first place is added, not taken away.",
    "(W1 - F + 2 * P + 1) // S": "The + 1 belongs outside: the first place costs no "
    "step.",
    "(W1 - F + 2 * P) // (S + 1)": "The + 1 belongs outside: it is the first place.",
    "(W1 - F + 2 * P) // S + 2": "One too many: the moves, and *one* more for the "
    "first place.",
    "(W1 - F + 2) // S + 1": "Right for P = 1 only.",
    "(W1 + F + 2 * P) // S + 1": "A larger kernel has *fewer* places.",
    "W1 - F + 2 * P + 1": "The stride is missing: S = 2 skips every other place.",
    "(W1 - F + 2 * P + 1) / S": "First the moves, (W1 − F + 2P)/S; then add 1.",
    "W1 // S": "The size over the stride leaves out the kernel and the padding.",
}
add(
    Exercise(
        "03.3",
        "The whole formula",
        cases=_output_size_cases,
        wrong={
            "precedence": Wrong(
                "W1 - F + 2 * P / S + 1",
                "Only 2 * P is divided here: `/` binds tighter than `+`. Put the sum "
                "in brackets.",
            )
        }
        | _fillings(_FORMULAS),
        hints=(
            "Start from W1 − F + 2P + 1. The 1 is the first place; how many moves "
            "follow?",
            "Moves of S pixels into W1 − F + 2P pixels: divide, and round down.",
            "`//` divides and rounds down.",
        ),
    )
)

# --- 03.4 to 03.11: eight sizes -------------------------------------------------------


def _side_lengths(W1, F, P, S):
    """What mistakes make of one side length, the right value first."""
    room = W1 - F + 2 * P
    found = {
        "": room // S + 1,
        "That counts the moves. The place before the first move counts, too.": room
        // S,
        "One too many: the moves, and *one* more for the first place.": room // S + 2,
        "That is the size of the input. Can the kernel be centred on every pixel?": W1,
        "The kernel loses ⌊F/2⌋ places at *each* border.": W1 - F // 2,
        "That puts kernels side by side. The windows move by the stride.": W1 // F,
    }
    if P:
        found |= {
            "That is without the padding.": (W1 - F) // S + 1,
            "The padding is counted once. It stands on both sides.": (room - P) // S
            + 1,
            "That is without the padding, and without the first place.": (W1 - F) // S,
        }
    if S > 1:
        inside = "The + 1 belongs behind the division by the stride."
        over = "The size over the stride leaves out the kernel and the padding."
        found |= {
            "That is with stride 1.": room + 1,
            inside: (room + 1) // S,
            f"{inside} And that is rounded down.": (room + 1) / S,
            over: W1 // S,
            f"{over} (And one is added.)": W1 // S + 1,
        }
    if P and S > 1:
        found["Only the padding is divided by the stride here."] = (
            room - 2 * P * (1 - 1 / S) + 1
        )
    if room % S:
        fits = "A window that does not fit whole gives no output: round down."
        found |= {
            f"The stride does not divide. {fits}": room / S + 1,
            f"The moves are rounded up. {fits}": room // S + 2,
            "Those are the moves, not rounded down. Add the first place, too.": room
            / S,
        }
    return found


def _wrong_sizes(W1, H1, D1, K, F, P, S):
    """What goes wrong with the three sizes; mistakes that give the same go together."""
    widths, heights = (_side_lengths(side, F, P, S) for side in (W1, H1))
    right = {"W2": widths[""], "H2": heights[""], "D2": K}
    found = {}

    def note(says, **example):
        if all(value != right[name] for name, value in example.items()):
            found.setdefault(tuple(example.items()), []).append(says)

    for says in filter(heights.__contains__, widths):
        note(says, W2=widths[says], H2=heights[says])
        note(says, W2=widths[says])
        note(says, H2=heights[says])
    if H1 != W1:
        note("Width and height are exchanged.", W2=right["H2"], H2=right["W2"])
        note("The height gets its own turn in the formula.", H2=right["W2"])
        note("The width gets its own turn in the formula.", W2=right["H2"])
    note("Each of the filters gives a map of its own: D2 = K.", D2=1)
    note("That is the depth of the input. D2 is the number of filters.", D2=D1)
    one = "A filter reaches through the whole depth of its input and gives one map"
    note(f"{one}: {K}, not {D1} · {K}.", D2=D1 * K)
    note(f"{one}: {K}, not {D1} + {K}.", D2=D1 + K)
    note("That is the area of a kernel. D2 is the number of filters.", D2=F * F)
    note("That counts weights. D2 is the number of filters.", D2=K * F * F * D1)
    return {
        str(at): Wrong(dict(at), f"{', '.join(dict(at))}: {' Or: '.join(says)}")
        for at, says in found.items()
    }


_SIZES = {  # with W1, H1, D1, K, F, P, S
    "03.4 32×32×1, six 5×5 filters": (
        (32, 32, 1, 6, 5, 0, 1),
        ("W2 = W1 − F + 1.", "D2 = K, the number of filters."),
    ),
    "03.5 227×227×3, 96 filters of 11×11, stride 4": (
        (227, 227, 3, 96, 11, 0, 4),
        ("(227 − 11)/4 is a whole number.", "Then add 1."),
    ),
    "03.6 7×7×3, two 3×3 filters, padding 1, stride 2": (
        (7, 7, 3, 2, 3, 1, 2),
        ("7 − 3 + 2 = 6.", "6/2 + 1."),
    ),
    "03.7 224×224×3, 64 filters of 7×7, padding 3, stride 2": (
        (224, 224, 3, 64, 7, 3, 2),
        (
            "224 − 7 + 2·3 = 223.",
            "The stride does not divide: round down, then add 1.",
        ),
    ),
    "03.8 wider than high: 640×480×3, 16 filters of 5×5, padding 2, stride 4": (
        (640, 480, 3, 16, 5, 2, 4),
        (
            "Once with 640, once with 480.",
            "(640 − 5 + 4)/4 = 159.75; round down, add 1.",
        ),
    ),
    "03.9 56×56×64, 32 filters of 1×1": (
        (56, 56, 64, 32, 1, 0, 1),
        ("F = 1: does anything get lost at the border?", "D2 = K."),
    ),
}
for _name, (_sizes, _hints) in _SIZES.items():
    add(Exercise(*_name.split(" ", 1), _wrong_sizes(*_sizes), _hints))

_STRIDES = {
    12 / 5: "12 pixels to move in are right, but 5 places are only 4 moves.",
    12: "Those are the pixels to move in. 5 places are 4 moves: how long is each?",
    13 / 5: "W1 − F + 1 counts places. 5 of them are 4 moves, over 17 − 5 pixels.",
    13 / 4: "17 − 5 pixels are left to move in. The + 1 counts the first place.",
    17 / 5: "The kernel takes up 5 pixels itself: 17 − 5 are left to move in.",
    17 / 4: "4 moves are right. They have 17 − 5 pixels to go: the kernel takes up 5.",
} | {
    S: f"With S = {S} there are ⌊(17 − 5)/{S}⌋ + 1 = {12 // S + 1} places."
    for S in (1, 2, 4, 5, 6)
}
_PADS = {
    4: "4 is what both sides get together. P is for each side.",
    1: "P = 1 keeps the size for F = 3. Here F = 5.",
    0: "Without padding, 28 come out.",
    3: "With P = 3, 32 − 5 + 6 + 1 = 34 come out.",
    5 / 2: "Half a pixel cannot be added: 2P = F − 1, not F.",
    5: "That is the kernel. It loses two pixels on each side.",
}
add(
    Exercise(
        "03.10",
        "Which stride?",
        wrong={f"S = {S}": Wrong({"S": S}, says) for S, says in _STRIDES.items()},
        hints=("5 places are 4 moves.", "4 moves fill 17 − 5 = 12 pixels."),
    )
)
add(
    Exercise(
        "03.11",
        "Which padding?",
        wrong={f"P = {P}": Wrong({"P": P}, says) for P, says in _PADS.items()},
        hints=("32 − 5 + 2P + 1 = 32.",),
    )
)

# --- 03.12 ----------------------------------------------------------------------------


def _built(make, each: Case):
    """What a layer does: shapes, and whether it convolves as it should."""
    layer = make()
    if not isinstance(layer, nn.Module):
        return f"{type(layer).__name__}, and no layer"
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(*each.args[0], generator=generator)
    output = layer(images.clone())
    weights = [p for p in layer.parameters() if p.ndim > 1]
    bias = next((p for p in layer.parameters() if p.ndim == 1), None)
    does = f"output {(*output.shape,)}; weights {[(*p.shape,) for p in weights]}"
    if [p.shape for p in weights] == [(64, 3, 7, 7)]:
        wanted = functional.conv2d(images, weights[0], bias, 2, 3)
        if output.shape == wanted.shape and not torch.allclose(output, wanted, 0, 1e-4):
            return f"{does}; numbers that are not those of the convolution"
    return does


_LAYERS = {
    (1, 64, 2, 3):
        "The first number is the depth of the input, the second the number of "
        "filters.",
    (1, 64): "The input's depth comes first: a colour image has 3 channels.",
    (1, 1): "The input has depth 3: the filters reach through all its channels.",
    (1, 224): "224 is the image's width. A layer is told the depth only: 3.",
    (2, 3): "The second number is how many filters there are, 64.",
    (2, 112): "That is the output's width. The second number is 64, the filters.",
    (3, 3, 5, 1):
        "Filters of 3×3 with padding 1 give the same size. But these should be "
        "7×7.",
    (3, 3): "The filters are 3×3 here, and should be 7×7.",
    (4, 1): "With stride 1 nothing is halved.",
    (4, 3): "With stride 3 about a third of the places is left. Wanted is half.",
    (5, 0):
        "Without padding too little comes out. How many zeros on each side make "
        "112?",
    (5, 6): "PyTorch's `padding` is for each side. Yours adds 12 in all.",
    (5, 1): "One zero on each side is too little for a kernel of 7.",
    (5, 2): "Two zeros on each side are not enough for a kernel of 7.",
    (5, '"same"'):
        '`padding="same"` is for stride 1. Give the number of zeros on each '
        'side.',
}  # fmt: skip
add(
    Exercise(
        "03.12",
        "Build the layer",
        cases=lambda: [case((1, 3, 224, 224)), case((2, 3, 31, 50))],
        run=_built,
        shown=lambda name, each: f"{name}() on an input {each.args[0]}",
        wrong={
            f"blank {', '.join(map(str, at))}": Wrong(
                {at[k]: str(at[k + 1]) for k in range(0, len(at), 2)}, says
            )
            for at, says in _LAYERS.items()
        },
        hints=(
            "`nn.Conv2d(depth of the input, number of filters, …)`.",
            "The numbers are those of exercise 03.7.",
        ),
    )
)

# --- 03.13 ----------------------------------------------------------------------------

_EXTENTS = {
    "dilation * F": "Between F taps there are F − 1 gaps, not F.",
    "dilation * (F - 1)": "That is the distance of the outer taps: one pixel more.",
    "dilation * F - 1": "From the first tap to the last it is dilation · (F − 1), with "
    "brackets, and the last one covers a pixel too.",
    "dilation * F + 1": "F taps have F − 1 steps between them, not F.",
    "F + dilation": "Each of the F − 1 gaps gets wider, not only one.",
    "F + dilation - 1": "Each of the F − 1 gaps leaves out dilation − 1 pixels.",
    "F + dilation * (F - 1)": "With dilation 1 the taps are neighbours: no holes. "
    "There are dilation − 1 pixels left out in each gap.",
    "(dilation - 1) * (F - 1)": "Those are left out. The taps cover pixels too.",
    "(dilation - 1) * (F - 1) + 1": "A step from tap to tap is `dilation`.",
    "F": "Those are the taps. The pixels between them are covered, too.",
}
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
        wrong=_fillings(_EXTENTS),
        hints=(
            "Draw three taps two pixels apart and count from the first to the last.",
            "F taps have F − 1 steps of `dilation` pixels between them.",
        ),
    )
)
