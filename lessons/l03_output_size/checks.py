"""Checks: output size."""

import torch
from torch.nn import functional

from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.l03_output_size.observe import built, images_of


def _fillings(wrong):
    """Wrong fillings of the only blank, each with what it means."""
    return {text.replace(" + ", "+"): Wrong(text, says) for text, says in wrong.items()}


# --- 03.1 to 03.3: the formula, step by step ------------------------------------------

_PLACES = {
    "W1 - F": "W1 − F counts the moves. The place before the first move counts too: a "
    "kernel as wide as the input has one place, not none.",
    "W1 - F + 2": "That is one too many: a kernel as wide as the input has one place.",
    "W1 - F - 1": "That is two short: there are W1 − F moves, and the place before the "
    "first of them is one *more*.",
    "W1 - F // 2": "For odd F the kernel loses ⌊F/2⌋ places, but at *each* of the two "
    "borders.",
    "W1 - F // 2 * 2": "That works for odd F only. On 4 pixels, a kernel of 2 has 3 "
    "places, and this gives 2.",
    "W1 // F + 1": "That lays the kernels side by side and adds one. But the kernel "
    "moves on by a single pixel, so neighbouring windows overlap.",
    "W1 // F": "That lays the kernels side by side. But the kernel moves on by a "
    "single pixel, so neighbouring windows overlap.",
    "W1 / F": "That lays the kernels side by side and counts part of one, too. But "
    "neighbouring windows overlap, and only whole ones count.",
    "W1": "Near both ends, part of the kernel would hang over the edge, so not every "
    "pixel gives a place.",
    "W1 + F - 1": "That is more than there are pixels. A larger kernel has *fewer* "
    "places.",
    "F - W1 + 1": "It is the other way round: more pixels make more places.",
    "W1 - 2": "That works for a kernel of 3 only. A larger one loses more places.",
}
add(
    Exercise(
        "03.1",
        "No padding, stride 1",
        level=1,
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
            "Put a kernel of 3 on a row of 3 pixels, then on 4 and on 5. How many "
            "places does it have each time?",
            "On F pixels there is one place. Every further pixel adds one more.",
        ),
    )
)

_PADDINGS = {
    "F - 1": "F − 1 is the padding of left and right together. P is the padding on "
    "*each* side.",
    "F": "That is the width of the kernel itself, but a kernel of 1, for example, "
    "needs no padding. (If you wrote `F - 1 // 2`: only the 1 is divided there.)",
    "(F + 1) // 2": "That is one too many on each side. Try F = 1: such a kernel loses "
    "nothing, so it needs no padding.",
    "1": "That works for F = 3 only. A kernel of 5 loses two pixels on each side.",
    "2": "That works for F = 5 only. A kernel of 3 loses one pixel on each side.",
    "F / 2": "F is odd, so that ends in half a pixel, which cannot be added. Which "
    "number just below F can be halved exactly?",
    "F - 1 / 2": "Only the 1 is divided, because `/` binds tighter than `-`. Put the "
    "difference in brackets.",
    "(1 - F) // 2": "Padding adds pixels, so P cannot be negative.",
    "F // 2 - 1": "That is one short on each side. A kernel of 3 loses one pixel.",
    "F - 2": "That works for F = 3 only. A kernel of 5 loses two pixels on each side, "
    "not three.",
}
add(
    Exercise(
        "03.2",
        "Padding that keeps the size",
        level=1,
        cases=lambda: [case(F=F) for F in (3, 1, 5, 7, 11)],
        wrong=_fillings(_PADDINGS),
        hints=(
            "Solve W1 − F + 2P + 1 = W1 for P.",
            "W1 drops out, and 2P = F − 1 is left.",
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
    "W1 - F + 2 * P // S + 1": "Only 2 * P is divided here, because `//` binds tighter "
    "than `+`. Put the sum in brackets.",
    "(W1 - F + P) // S + 1": "The padding is counted only once. It stands on both "
    "sides, so the row grows by 2P.",
    "(W1 - F) // S + 1": "The padding is missing: the row is W1 + 2P pixels long.",
    "(W1 - F) // S + 2 * P + 1": "The kernel strides over the padding, too, so 2P "
    "has to be divided as well.",
    "(W1 - F - 2 * P) // S + 1": "Padding makes the row longer, so 2P is added.",
    "(W1 - F + 2 * P) / S + 1": "An output has no fraction of a pixel. When the "
    "division leaves a remainder, the last step does not fit: round down, with `//`.",
    "-(-(W1 - F + 2 * P) // S) + 1": "That rounds up. But where the kernel does not "
    "fit, there is no output: round down.",
    "round((W1 - F + 2 * P) / S + 1)": "That rounds to the nearest whole number. A "
    "window that does not fit gives no output, so round down, with `//`.",
    "round((W1 - F + 2 * P) / S) + 1": "That rounds the moves to the nearest whole "
    "number. A window that does not fit gives no output, so always round down.",
    "(W1 - F + 2 * P) // S": "That counts the moves. Add 1 for the first place.",
    "(W1 - F + 2 * P) / S": "That counts the moves, and not in whole numbers: round "
    "down with `//`, and add 1 for the first place.",
    "(W1 - F + 2 * P) // S - 1": "The first place is added, not subtracted.",
    "(W1 - F + 2 * P + 1) // S": "The + 1 belongs outside the division, because the "
    "first place needs no move.",
    "(W1 - F + 2 * P) // (S + 1)": "The + 1 does not belong to the stride. It stands "
    "for the first place, and is added at the end.",
    "(W1 - F + 2 * P) // S + 2": "That is one too many: count the moves, and *one* "
    "more for the first place.",
    "(W1 - F + 2) // S + 1": "That works for P = 1 only. In general the row grows by "
    "2P.",
    "(W1 + F + 2 * P) // S + 1": "A larger kernel has *fewer* places, so F is "
    "subtracted.",
    "W1 - F + 2 * P + 1": "The stride is missing: with S = 2, for example, every other "
    "place is skipped.",
    "(W1 - F + 2 * P + 1) / S": "First count the whole moves, ⌊(W1 − F + 2P)/S⌋, and "
    "only then add 1.",
    "W1 // S": "The width divided by the stride leaves out the kernel and the padding.",
}
add(
    Exercise(
        "03.3",
        "The whole formula",
        level=2,
        cases=_output_size_cases,
        wrong={
            "precedence": Wrong(
                "W1 - F + 2 * P / S + 1",
                "Only 2 * P is divided here, because `/` binds tighter than `+`. Put "
                "the sum in brackets.",
            )
        }
        | _fillings(_FORMULAS),
        hints=(
            "Start from W1 − F + 2P + 1. The 1 is the first place; how many moves "
            "follow?",
            "How many moves of S pixels fit into W1 − F + 2P pixels? Divide, and round "
            "down.",
            "In Python, `//` divides and rounds down.",
        ),
    )
)

# --- 03.4 to 03.11: eight small layers ------------------------------------------------


def _side_lengths(W1, F, P, S):
    """What mistakes make of one side length, the right value first."""
    room = W1 - F + 2 * P
    found = {
        "": room // S + 1,
        "That counts the moves. The place before the first move counts, too.": room
        // S,
        "That is one too many: count the moves, and *one* more for the first "
        "place.": room // S + 2,
        "That is the size of the input. Can the kernel be centred on every pixel?": W1,
        "Without padding, the kernel loses ⌊F/2⌋ places at *each* border, not at "
        "one.": W1 - F // 2,
        "That lays the kernels side by side. But they move on by the stride.": W1 // F,
    }
    if P:
        found |= {
            "That is without the padding.": (W1 - F) // S + 1,
            "The padding is counted only once, but it stands on both sides.": (
                (room - P) // S + 1
            ),
            "That is without the padding, and without the first place.": (W1 - F) // S,
        }
    if S > 1:
        inside = "The + 1 comes after the division by the stride."
        over = "Dividing the size by the stride leaves out the kernel and the padding."
        found |= {
            "That is with stride 1.": room + 1,
            inside: (room + 1) // S,
            f"{inside} And the division is rounded down.": (room + 1) / S,
            over: W1 // S,
            f"{over} (Adding 1 does not mend that.)": W1 // S + 1,
        }
    if P and S > 1:
        found["Only the padding is divided by the stride here."] = (
            room - 2 * P * (1 - 1 / S) + 1
        )
    if room % S:
        fits = "A window that does not fit gives no output, so round down."
        found |= {
            f"The last step does not fit. {fits}": room / S + 1,
            f"The moves are rounded up. {fits}": room // S + 2,
            "Those are the moves. Round them down, and add the first place.": room / S,
        }
    return found


def _wrong_sizes(W1, H1, D1, K, F, P, S):
    """What goes wrong with the three sizes; mistakes with equal results are joined."""
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
        note("Width and height are swapped.", W2=right["H2"], H2=right["W2"])
        note("That is the width. Put the height into the formula, too.", H2=right["W2"])
        note("That is the height. Put the width into the formula, too.", W2=right["H2"])
    note("Each of the filters gives a map of its own: D2 = K.", D2=1)
    note("That is the depth of the input. D2 is the number of filters.", D2=D1)
    one = "A filter reaches through the whole depth of its input and gives one map"
    note(f"{one}. So there are {K}, not {D1} · {K}.", D2=D1 * K)
    note(f"{one}. So there are {K}, not {D1} + {K}.", D2=D1 + K)
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
        (
            "The kernel makes (227 − 11)/4 moves, which is a whole number.",
            "Then add 1 for the first place.",
        ),
    ),
    "03.6 7×7×3, two 3×3 filters, padding 1, stride 2": (
        (7, 7, 3, 2, 3, 1, 2),
        (
            "There are 7 − 3 + 2·1 = 6 pixels to move through, 2 at a time.",
            "Then add 1 for the first place: 6/2 + 1.",
        ),
    ),
    "03.7 224×224×3, 64 filters of 7×7, padding 3, stride 2": (
        (224, 224, 3, 64, 7, 3, 2),
        (
            "There are 224 − 7 + 2·3 = 223 pixels to move through, 2 at a time.",
            "The last step does not fit, since 223 is odd: round down, then add 1.",
        ),
    ),
    "03.8 wider than high: 640×480×3, 16 filters of 5×5, padding 2, stride 4": (
        (640, 480, 3, 16, 5, 2, 4),
        (
            "Use the formula twice, once with 640 and once with 480.",
            "(640 − 5 + 4)/4 = 159.75. Round down, then add 1.",
        ),
    ),
    "03.9 56×56×64, 32 filters of 1×1": (
        (56, 56, 64, 32, 1, 0, 1),
        (
            "With F = 1, is anything lost at the border?",
            "D2 = K, the number of filters.",
        ),
    ),
}
for _name, (_sizes, _hints) in _SIZES.items():
    add(Exercise(*_name.split(" ", 1), _wrong_sizes(*_sizes), _hints, level=1))

_STRIDES = {
    12 / 5: "There are 12 pixels to move through, but 5 places take only 4 moves.",
    12: "Those are the pixels to move through. 5 places take 4 moves. How long is "
    "each?",
    13 / 5: "17 − 5 + 1 counts places, at stride 1. Here 5 places take 4 moves, over "
    "17 − 5 pixels.",
    13 / 4: "Only 17 − 5 pixels are left to move through. The + 1 stands for the first "
    "place.",
    17 / 5: "The kernel takes up 5 pixels itself, so 17 − 5 are left to move through, "
    "and 5 places take only 4 moves.",
    17 / 4: "There are 4 moves, but they go over 17 − 5 pixels only: the kernel takes "
    "up 5 itself.",
} | {
    S: f"With S = {S} there are ⌊(17 − 5)/{S}⌋ + 1 = {12 // S + 1} places, not 5."
    for S in (1, 2, 4, 5, 6)
}
_PADS = {
    4: "4 is the padding of both sides together. P is the padding on each side.",
    1: "P = 1 keeps the size for F = 3, but here F = 5.",
    0: "Without padding, only 28 pixels come out.",
    3: "With P = 3, 32 − 5 + 6 + 1 = 34 pixels come out.",
    5 / 2: "Half a pixel cannot be added. 2P is F − 1, not F.",
    5: "That is the width of the kernel, which loses only two pixels on each side.",
}
add(
    Exercise(
        "03.10",
        "Which stride?",
        level=2,
        wrong={f"S = {S}": Wrong({"S": S}, says) for S, says in _STRIDES.items()},
        hints=(
            "5 places take 4 moves.",
            "4 moves of S pixels cover exactly 17 − 5 = 12 pixels.",
        ),
    )
)
add(
    Exercise(
        "03.11",
        "Which padding?",
        level=1,
        wrong={f"P = {P}": Wrong({"P": P}, says) for P, says in _PADS.items()},
        hints=("Solve 32 − 5 + 2P + 1 = 32 for P.",),
    )
)

# --- 03.12 ----------------------------------------------------------------------------


def _read_layer(ask, each: Case):
    """What a layer does, in words: shapes, and whether it convolves as it should."""
    seen = ask()
    if isinstance(seen, str):
        return f"{seen}, which is not a layer"
    output, weights, bias = seen["output"], seen["weights"], seen["bias"]
    does = f"output {(*output.shape,)}; weights {[(*p.shape,) for p in weights]}"
    if [p.shape for p in weights] == [(64, 3, 7, 7)]:
        wanted = functional.conv2d(images_of(each), weights[0], bias, 2, 3)
        if output.shape == wanted.shape and not torch.allclose(output, wanted, 0, 1e-4):
            return f"{does}; its numbers are not those of the convolution"
    return does


_LAYERS = {
    (1, 64, 2, 3):
        "The first number is the depth of the input, the second the number of "
        "filters.",
    (1, 64): "The input's depth comes first: a colour image has 3 channels.",
    (1, 1): "The input has depth 3: the filters reach through all its channels.",
    (1, 224): "224 is the image's width. The layer only needs to know its depth, 3.",
    (2, 3): "The second number is how many filters there are, 64.",
    (2, 112): "That is the output's width. The second number counts the filters: 64.",
    (3, 3, 5, 1):
        "With 3×3 filters and padding 1 the output has the right size, too. But the "
        "filters should be 7×7.",
    (3, 3): "The filters are 3×3 here, and should be 7×7.",
    (4, 1): "With stride 1 the size is not halved.",
    (4, 3): "Stride 3 leaves about a third of each side. It should be about half.",
    (5, 0):
        "Without padding, fewer than 112 pixels come out. How many zeros does each "
        "side need?",
    (5, 6): "PyTorch's `padding` is for each side, so yours adds 12 in all.",
    (5, 1): "One zero on each side is not enough for a kernel of 7.",
    (5, 2): "Two zeros on each side are not enough for a kernel of 7.",
    (5, '"same"'):
        '`padding="same"` works with stride 1 only. Give the number of zeros on each '
        'side.',
}  # fmt: skip
add(
    Exercise(
        "03.12",
        "Build the layer",
        level=1,
        cases=lambda: [case((1, 3, 224, 224)), case((2, 3, 31, 50))],
        run=built,
        read=_read_layer,
        shown=lambda name, each: f"{name}() on an input {each.args[0]}",
        wrong={
            f"blank {', '.join(map(str, at))}": Wrong(
                {at[k]: str(at[k + 1]) for k in range(0, len(at), 2)}, says
            )
            for at, says in _LAYERS.items()
        },
        hints=(
            "The order is `nn.Conv2d(depth of the input, number of filters, …)`.",
            "All five numbers are given in exercise 03.7.",
        ),
    )
)

# --- 03.13 ----------------------------------------------------------------------------

_EXTENTS = {
    "dilation * F": "Between F taps there are only F − 1 steps, and the last tap "
    "adds a single pixel.",
    "dilation * (F - 1)": "That is how far the last tap is from the first. Counting "
    "both of them gives one pixel more.",
    "dilation * F - 1": "The last tap is dilation · (F − 1) pixels from the first "
    "(mind the brackets), and it covers a pixel itself, so add 1.",
    "dilation * F + 1": "F taps have F − 1 steps between them, not F.",
    "F + dilation": "Each of the F − 1 gaps gets wider, not only one.",
    "F + dilation - 1": "Every one of the F − 1 gaps leaves out dilation − 1 pixels, "
    "not only one of them.",
    "F + dilation * (F - 1)": "With dilation 1 the taps are neighbours, and nothing is "
    "left out. In general, each gap leaves out dilation − 1 pixels.",
    "(dilation - 1) * (F - 1)": "Those are the pixels left out. The taps cover pixels, "
    "too.",
    "(dilation - 1) * (F - 1) + 1": "The step from one tap to the next is `dilation`, "
    "not one less.",
    "F": "Those are the taps alone. The pixels between them are covered, too.",
}
add(
    Exercise(
        "03.13",
        "Dilation",
        level=2,
        cases=lambda: [
            case(F=3, dilation=1),
            case(F=3, dilation=2),
            case(F=1, dilation=4),
            case(F=5, dilation=3),
            case(F=2, dilation=2),
        ],
        wrong=_fillings(_EXTENTS),
        hints=(
            "Draw three taps, each two pixels from the next, and count the pixels from "
            "the first to the last.",
            "Between F taps there are F − 1 steps of `dilation` pixels.",
        ),
    )
)
