"""Checks: two dimensions."""

import torch

from helpers import convolution
from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.l02_two_dimensions.formulas import at_succeeding


def _random(*shapes, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def _counting(*shape):
    """1, 2, 3, … in the given shape: cases that can be checked by hand."""
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape)


# --- 02.1 -----------------------------------------------------------------------------


def _terms(text):
    """A sum of products in one form: order of factors and terms does not matter."""
    if not isinstance(text, str):
        return text
    letters = text.casefold().replace("ℓ", "l")
    for sign in " *·⋅×\n":
        letters = letters.replace(sign, "")
    return "+".join(sorted("".join(sorted(term)) for term in letters.split("+")))


add(
    Exercise(
        "02.1",
        "Letters",
        normal=_terms,
        wrong={
            "rows-and-columns": Wrong(
                {"S_01": "ew + fx + iy + jz", "S_10": "bw + cx + fy + gz"},
                "Row first, then column: S_01 is one step to the right, S_10 one step "
                "down.",
            ),
            "turned": Wrong(
                {"S_01": "bz + cy + fx + gw"},
                "Your kernel is turned round. Lay it on as it is written: w on the top "
                "left pixel of the window.",
            ),
            "two-steps": Wrong(
                {"S_01": "cw + dx + gy + hz"},
                "The window moves by one pixel, so neighbouring windows overlap.",
            ),
            "transposed": Wrong(
                {"S_01": "bw + cy + fx + gz"},
                "The kernel's second number of the first row, x, lies to the right of "
                "w, over c.",
            ),
        },
        hints=(
            "Cover the input with the kernel, w on b. What lies under x, y and z?",
            "For S_10 put w on e.",
        ),
    )
)

# --- 02.2 and 02.3 --------------------------------------------------------------------


def _swapped(I, K, i, j):
    m, n = K.shape
    return sum(I[i - b, j - a] * K[a, b] for a in range(m) for b in range(n))


add(
    Exercise(
        "02.2",
        "The preceding neighbours",
        cases=lambda: [
            case(_counting(5, 6), torch.tensor([[1.0, 10.0]]), 1, 2),
            case(_counting(5, 6), torch.tensor([[1.0], [10.0]]), 2, 2),
            case(_counting(5, 6), _counting(2, 2), 2, 3),
            case(*_random((6, 8), (2, 3)), 2, 3),
            case(*_random((8, 7), (3, 2)), 3, 2),
            case(*_random((9, 7), (2, 3), seed=5), 5, 4),
        ],
        wrong={
            "succeeding": Wrong(
                at_succeeding,
                "i + a and j + b are the *succeeding* neighbours, below and to the "
                "right. The preceding ones lie above and to the left.",
            ),
            "swapped": Wrong(
                _swapped,
                "a counts rows and b counts columns: a goes with i, b with j.",
            ),
            "no-move": Wrong(
                lambda I, K, i, j: I[i, j] * K.sum(),
                "Every weight meets the same pixel. It has to move with a and b.",
            ),
        },
        hints=(
            "For a = b = 0 it is the pixel (i, j) itself.",
            "For a = 1 it is the pixel one row above: row i − 1.",
        ),
    )
)

add(
    Exercise(
        "02.3",
        "One bright pixel",
        wrong={
            "swapped": Wrong(
                {"preceding": "turned", "succeeding": "upright"},
                "The other way round. With succeeding neighbours, the outputs *above "
                "and left* of the bright pixel see it, and they see it with the last "
                "weights.",
            ),
            "both-upright": Wrong(
                {"succeeding": "upright"},
                "Look at the place one above and one left of the bright pixel: it sees "
                "the pixel as its neighbour (+1, +1), with the weight K[1, 1].",
            ),
            "both-turned": Wrong(
                {"preceding": "turned"},
                "The place below the bright pixel sees it with a = 1, the weight one "
                "below the first: the kernel comes out as it is.",
            ),
        },
        hints=('Answer with "upright" or "turned"; the pictures above show both.',),
    )
)

# --- 02.4 and 02.5 --------------------------------------------------------------------


def _conv2d_cases() -> list[Case]:
    return [
        case(_counting(2, 3), torch.tensor([[1.0, 0.0]])),
        case(_counting(3, 2), torch.tensor([[1.0], [2.0]])),
        case(_counting(3, 4), torch.tensor([[1.0, 10.0], [100.0, 1000.0]])),
        case(*_random((4, 7), (3, 2))),
        case(*_random((7, 5), (2, 4))),
        case(*_random((6, 6), (3, 3))),
        case(*_random((3, 3), (3, 3))),
    ]


def _loops(rows, columns, height=lambda m, n: m, width=lambda m, n: n):
    def conv2d_loops(image, kernel):
        (H1, W1), (m, n) = image.shape, kernel.shape
        out = torch.zeros(rows(H1, m, n), columns(W1, m, n))
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                window = image[i : i + height(m, n), j : j + width(m, n)]
                out[i, j] = (window * kernel).sum()
        return out

    return conv2d_loops


def _fits(W1, F):
    return W1 - F + 1


_FLIPPED = Wrong(
    lambda image, kernel: convolution.conv2d(image, kernel.flip(0, 1)),
    "Your kernel is turned round. Here its first weight lies on the window's first "
    "pixel, as in the second formula.",
)

add(
    Exercise(
        "02.4",
        "conv2d with loops",
        cases=_conv2d_cases,
        wrong={
            "one-short": Wrong(
                _loops(lambda H, m, n: H - m, lambda W, m, n: W - n),
                "The last row and column of positions are missing: count the places "
                "for 2 on 4 pixels.",
            ),
            "extents-swapped": Wrong(
                _loops(lambda H, m, n: _fits(H, n), lambda W, m, n: _fits(W, m)),
                "m is the kernel's height and goes with H1, n its width and goes with "
                "W1. With a square kernel nobody notices.",
            ),
            "window-swapped": Wrong(
                _loops(
                    lambda H, m, n: _fits(H, m),
                    lambda W, m, n: _fits(W, n),
                    lambda m, n: n,
                    lambda m, n: m,
                ),
                "The window has m rows and n columns, like the kernel. Yours has n "
                "rows.",
            ),
            "same-size": Wrong(
                _loops(lambda H, m, n: H, lambda W, m, n: W),
                "The window cannot start everywhere: near the right and lower border "
                "it does not fit any more.",
            ),
            "flipped": _FLIPPED,
        },
        hints=(
            "How many places are there for a kernel of height 2 on 3 rows?",
            "The same formula as in lesson 01, once for rows, once for columns.",
            "The window's rows go from i to i + m.",
        ),
    )
)


def _last_tap(image, kernel):
    (H1, W1), (m, n) = image.shape, kernel.shape
    return kernel[-1, -1] * image[m - 1 : H1, n - 1 : W1]


def _kernel_sized(image, kernel):
    (H1, W1), (m, n) = image.shape, kernel.shape
    out = torch.zeros(H1 - m + 1, W1 - n + 1)
    for a in range(m):
        for b in range(n):
            out += kernel[a, b] * image[a : a + m, b : b + n]
    return out


def _to_the_end(image, kernel):
    (H1, W1), (m, n) = image.shape, kernel.shape
    out = torch.zeros(H1 - m + 1, W1 - n + 1)
    for a in range(m):
        for b in range(n):
            out += kernel[a, b] * image[a:H1, b:W1]
    return out


add(
    Exercise(
        "02.5",
        "Shift and add",
        cases=_conv2d_cases,
        wrong={
            "kernel-sized": Wrong(
                _kernel_sized,
                "That cuts out a piece as large as the *kernel*. Each tap weighs a "
                "piece as large as the *output*.",
            ),
            "to-the-end": Wrong(
                _to_the_end,
                "These pieces get smaller as a and b grow. All must be as large as the "
                "output: H2 rows, W2 columns.",
            ),
            "not-added": Wrong(
                _last_tap,
                "Each tap replaces the one before, so only the last is left. Add them "
                "up: `+=`.",
            ),
            "flipped": _FLIPPED,
        },
        hints=(
            "For a = b = 0 the piece starts at the top left pixel. How many rows has "
            "it?",
            "From row a on, H2 rows: `image[a : a + H2, …]`.",
        ),
    )
)

# --- 02.6 and 02.7 --------------------------------------------------------------------

add(
    Exercise(
        "02.6",
        "A flat area",
        wrong={
            "clipped": Wrong(
                {"ones": 255},
                "255 is what the screen can show. The sum itself is larger.",
            ),
            "one-row": Wrong(
                {"ones": 300},
                "Nine pixels lie under the kernel, not three.",
            ),
            "sharpen-times-five": Wrong(
                {"sharpen": 500},
                "5 · 100, and four times −1 · 100.",
            ),
            "edges-unchanged": Wrong(
                {"edges": 100},
                "Eight neighbours count +1, the centre −8. With all of them equal, "
                "what is left?",
            ),
            "edges-sign": Wrong(
                {"edges": -700},
                "The row above has three ones, the row below too, and two stand beside "
                "the centre: eight in all.",
            ),
        },
        hints=(
            "All nine pixels are 100, so the output is 100 times the sum of the "
            "weights.",
        ),
    )
)

add(
    Exercise(
        "02.7",
        "Write a kernel",
        wrong={
            "left-minus-right": Wrong(
                {"kernel": [[0, 0, 0], [1, 0, -1], [0, 0, 0]]},
                "That is left minus right. Nothing is turned round here: the weight on "
                "the right lies on the pixel on the right.",
            ),
            "minus-centre": Wrong(
                {"kernel": [[0, 0, 0], [0, -1, 1], [0, 0, 0]]},
                "That is right minus the pixel itself. Leave the centre out.",
            ),
            "sum": Wrong(
                {"kernel": [[0, 0, 0], [1, 0, 1], [0, 0, 0]]},
                "That adds the two. Which sign makes it a difference?",
            ),
        },
        hints=(
            "Three weights lie on: the left neighbour, the pixel, the right neighbour.",
            "1 · right + 0 · pixel − 1 · left.",
        ),
    )
)

# --- 02.8 and 02.9 --------------------------------------------------------------------


def _by_channel(image, kernel):
    return torch.stack([convolution.conv2d(i, k) for i, k in zip(image, kernel)])


add(
    Exercise(
        "02.8",
        "A filter is a volume",
        cases=lambda: [
            case(torch.ones(2, 1, 2), torch.ones(2, 1, 1)),
            case(_counting(1, 2, 2), torch.ones(1, 1, 1)),
            case(_counting(3, 2, 3), torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)),
            case(*_random((3, 5, 6), (3, 2, 3))),
            case(*_random((4, 4, 7), (4, 3, 3))),
        ],
        wrong={
            "mean": Wrong(
                lambda image, kernel: _by_channel(image, kernel).mean(0),
                "The channels' answers are added, not averaged.",
            ),
            "stacked": Wrong(
                _by_channel,
                "One map for each channel. A filter gives one map: add them up.",
            ),
            "first-only": Wrong(
                lambda image, kernel: _by_channel(image, kernel)[0],
                "Only the first channel counts here. The filter reaches through all.",
            ),
            "torch-sum": Wrong(
                lambda image, kernel: torch.sum(list(_by_channel(image, kernel))),
                "`torch.sum` takes one tensor, and `maps` is a list of them. Python's "
                "own `sum` adds up a list.",
            ),
            "three-always": Wrong(
                lambda image, kernel: sum(
                    convolution.conv2d(image[c], kernel[c]) for c in range(3)
                ),
                "Right for red, green and blue; but inside a network there are 1, 64 "
                "or 512 channels. Ask the image how many.",
            ),
        },
        hints=(
            "`len(image)` is the number of channels.",
            "Each channel gives a map; the filter's answer is their sum.",
        ),
    )
)

add(
    Exercise(
        "02.9",
        "Shapes of filters and maps",
        wrong={
            "flat-filters": Wrong(
                {"weight": (8, 5, 5)},
                "The depth is missing: each filter reaches through all 3 channels.",
            ),
            "one-channel-filters": Wrong(
                {"weight": (8, 1, 5, 5)},
                "A filter is as deep as its input: 3 channels here.",
            ),
            "map-for-each-colour": Wrong(
                {"maps": (4, 24, 28, 28)},
                "The colours are added up inside each filter: 8 filters, 8 maps.",
            ),
            "channels-last": Wrong(
                {"images": (4, 32, 32, 3)},
                "PyTorch puts channels before height and width: (N, C, H, W).",
            ),
            "same-size": Wrong(
                {"maps": (4, 8, 32, 32)},
                "A 5×5 window fits at 32 − 5 + 1 places along each side.",
            ),
            "one-short": Wrong(
                {"maps": (4, 8, 27, 27)},
                "32 − 5 moves, and the first position: 28.",
            ),
        },
        hints=(
            "Images are (N, C, H, W).",
            "Filters are (K, depth, F, F), and the depth is the input's.",
            "Maps are (N, K, H2, W2).",
        ),
    )
)
