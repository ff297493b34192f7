"""Checks: pooling."""

import math

import torch
from torch.nn import functional

from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference

EXAMPLE = torch.tensor(
    [[1.0, 4, 2, 1], [5, 8, 3, 4], [7, 6, 4, 5], [1, 3, 1, 2]]
)  # the lecture's


def _random(*shape, seed=5):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _counting(*shape):
    """1, 2, 3, … in the given shape: cases that can be checked by hand."""
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).view(shape)


# --- 05.1 -----------------------------------------------------------------------------

_STRIDE_2 = [[8, 4], [7, 5]]
_STRIDE_1 = [[8, 8, 4], [8, 8, 5], [7, 6, 5]]

add(
    Exercise(
        "05.1",
        "The largest of each window",
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
            "average": Wrong(
                {"stride_2": [[4.5, 2.5], [4.25, 3]]},
                "These are the means. Max pooling takes the largest of the four.",
            ),
            "corner": Wrong(
                {"stride_2": [[1, 2], [7, 4]]},
                "That is the first number of each window. Take the largest.",
            ),
            "columns-first": Wrong(
                {"stride_2": [[8, 7], [4, 5]]},
                "Rows and columns are swapped: the window to the right comes second.",
            ),
            "only-full-steps": Wrong(
                {"stride_1": [[8, 8], [8, 8]]},
                "4 − 2 moves, and the first place: three along each side.",
            ),
        },
        hints=(
            "Write rows in brackets: `[[8, …], […, …]]`.",
            "Stride 2: four windows side by side. The first holds 1, 4, 5, 8.",
            "Stride 1: nine windows. The second of the first row holds 4, 2, 8, 3.",
        ),
        otherwise="Cover all but one window with your hand. Which is the largest "
        "number left?",
    )
)

# --- 05.2 -----------------------------------------------------------------------------


def _pool(
    size=lambda W1, F, S: (W1 - F) // S + 1,
    start=lambda i, F, S: i * S,
    keep=lambda window: window.max(),
    more=0,
):
    """Pooling by loops, with a part of it done otherwise."""

    def max_pool2d(image, F, S):
        H1, W1 = image.shape
        H2, W2 = size(H1, F, S), size(W1, F, S)
        out = torch.zeros(H2, W2)
        for i in range(H2):
            for j in range(W2):
                top, left = start(i, F, S), start(j, F, S)
                window = image[top : top + F + more, left : left + F + more]
                out[i, j] = keep(window)
        return out

    return max_pool2d


def _sides_swapped(image, F, S):
    H2, W2 = (image.shape[0] - F) // S + 1, (image.shape[1] - F) // S + 1
    return reference("05.2")(image, F, S).reshape(W2, H2)


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
    ]


add(
    Exercise(
        "05.2",
        "Max pooling with loops",
        cases=_pool_cases,
        wrong={
            "stride-forgotten": Wrong(
                _pool(start=lambda i, F, S: i),
                "These windows start at i and j. Output i belongs to the window that "
                "starts after i steps of S pixels.",
            ),
            "steps-of-F": Wrong(
                _pool(start=lambda i, F, S: i * F),
                "These windows always lie side by side. They move by the stride S, "
                "which may differ from F.",
            ),
            "one-short": Wrong(
                _pool(size=lambda W1, F, S: (W1 - F) // S),
                "That counts the moves. The place before the first move counts too.",
            ),
            "rounded-up": Wrong(
                _pool(size=lambda W1, F, S: math.ceil((W1 - F) / S) + 1),
                "The last windows hang over the edge. Round the number of moves down: "
                "`//`.",
            ),
            "divided-by-stride": Wrong(
                _pool(size=lambda W1, F, S: W1 // S),
                "W1 // S fits only when F = S. In general: ⌊(W1 − F)/S⌋ + 1.",
            ),
            "stride-not-in-size": Wrong(
                _pool(size=lambda W1, F, S: W1 - F + 1),
                "W1 − F + 1 is the size for stride 1. With larger strides there are "
                "fewer places.",
            ),
            "no-floor": Wrong(
                _pool(size=lambda W1, F, S: (W1 - F) / S + 1),
                "`/` gives a number with a decimal point, and a size must be whole: "
                "divide with `//`.",
            ),
            "average": Wrong(
                _pool(keep=lambda window: window.mean()),
                "That is average pooling. The largest of a window is `window.max()`.",
            ),
            "python-max": Wrong(
                _pool(keep=lambda window: max(window)),
                "Python's `max` compares whole rows of a tensor. The largest of all "
                "its numbers is `window.max()`.",
            ),
            "not-below-zero": Wrong(
                _pool(keep=lambda window: window.max().clamp(min=0)),
                "Right unless all numbers of a window are negative: nothing should "
                "stop at 0.",
            ),
            "sides-swapped": Wrong(
                _sides_swapped,
                "Height and width of the output are swapped: H2 comes from H1.",
            ),
            "window-too-large": Wrong(
                _pool(more=1),
                "The windows are one too large. A slice leaves its end out: from top "
                "to top + F are F rows.",
            ),
        },
        hints=(
            "The size is that of a convolution without padding.",
            "Output i comes from the rows i · S, i · S + 1, …: F of them.",
            "`window.max()` is the largest number of a tensor.",
        ),
    )
)

# --- 05.3 -----------------------------------------------------------------------------

add(
    Exercise(
        "05.3",
        "The mean of each window",
        wrong={
            "sums": Wrong(
                {"stride_2": [[18, 10], [17, 12]]},
                "These are the sums. Each window holds four numbers: divide by 4.",
            ),
            "largest": Wrong(
                {"stride_2": _STRIDE_2},
                "These are the largest. Now the mean of all four.",
            ),
            "divided-by-F": Wrong(
                {"stride_2": [[9, 5], [8.5, 6]]},
                "Divided by 2. A window of 2×2 holds 4 numbers.",
            ),
            "rounded": Wrong(
                {"stride_2": [[4, 2], [4, 3]]},
                "Do not round: a mean of whole numbers need not be whole.",
            ),
            "middle-sum": Wrong(
                {"middle": 21}, "8 + 3 + 6 + 4 = 21, and now divide by 4."
            ),
            "middle-of-all": Wrong(
                {"middle": 57 / 16},
                "That is the mean of all 16. The middle window holds 8, 3, 6 and 4.",
            ),
            "middle-largest": Wrong(
                {"middle": 8}, "8 is the largest of the middle window, not its mean."
            ),
        },
        hints=(
            "Add the four numbers of a window and divide by 4.",
            "The first: (1 + 4 + 5 + 8)/4. The middle: (8 + 3 + 6 + 4)/4.",
        ),
    )
)

# --- 05.4 -----------------------------------------------------------------------------

add(
    Exercise(
        "05.4",
        "Global average pooling",
        cases=lambda: [
            case(_counting(1, 1, 1, 2)),
            case(_counting(1, 2, 2, 2)),
            case(_counting(2, 1, 2, 3)),
            case(_counting(2, 3, 1, 2)),
            case(_random(4, 3, 5, 7)),
            case(_random(3, 6, 4, 4)),
            case(_random(2, 5, 1, 1)),
        ],
        wrong={
            "one-number": Wrong(
                lambda images: images.mean(),
                "One number for the whole batch. Images and channels stay apart: "
                "average over height and width only.",
            ),
            "over-channels": Wrong(
                lambda images: images.mean(dim=1),
                "That averages over the channels, dimension 1, and keeps the places. "
                "Pooling does the opposite.",
            ),
            "channels-too": Wrong(
                lambda images: images.mean(dim=(1, 2, 3)),
                "One number for each image: the channels are averaged too. Each "
                "channel is pooled alone.",
            ),
            "batch-and-channels": Wrong(
                lambda images: images.mean(dim=(0, 1)),
                "0 and 1 are the images and the channels. Height and width are the "
                "last two dimensions; count from 0.",
            ),
            "counted-from-one": Wrong(
                lambda images: images.mean(dim=(3, 4)),
                "Dimensions are counted from 0: N is 0, C is 1.",
            ),
            "width-only": Wrong(
                lambda images: images.mean(dim=3),
                "Only the width is averaged away. The height has to go too.",
            ),
            "height-only": Wrong(
                lambda images: images.mean(dim=2),
                "Only the height is averaged away. The width has to go too.",
            ),
            "kept-dimensions": Wrong(
                lambda images: images.mean(dim=(2, 3), keepdim=True),
                "The numbers are right, but the shape is (N, C, 1, 1). Leave "
                "`keepdim` out.",
            ),
            "sum": Wrong(
                lambda images: images.sum(dim=(2, 3)),
                "The sum grows with the size of the map. Take the mean.",
            ),
            "largest": Wrong(
                lambda images: images.amax(dim=(2, 3)),
                "That is global *max* pooling. Here: the mean.",
            ),
        },
        hints=(
            "Which of N, C, H, W should be gone afterwards? Give their positions.",
            "N is dimension 0, C is 1, H is 2, W is 3.",
        ),
    )
)

# --- 05.5 -----------------------------------------------------------------------------

add(
    Exercise(
        "05.5",
        "Two pairs of convolution and pooling",
        wrong={
            "conv-keeps-size": Wrong(
                {"conv1": (32, 32, 8)},
                "Without padding a 5×5 kernel takes 4 pixels off each side length: "
                "32 − 5 + 1.",
            ),
            "depth-kept": Wrong(
                {"conv1": (28, 28, 3)},
                "A convolution's depth is its number of filters, K = 8.",
            ),
            "conv-one-short": Wrong(
                {"conv1": (27, 27, 8), "pool1": (13, 13, 8)},
                "The pooling is right, but the convolution is one short: 32 − 5 = 27 "
                "moves, and the first place.",
            ),
            "channels-first": Wrong(
                {"conv1": (8, 28, 28)},
                "PyTorch's order. Here it is (W, H, D): the depth comes last.",
            ),
            "pool-by-one": Wrong(
                {"pool1": (27, 27, 8)},
                "That is with stride 1. A stride of 2 halves the size.",
            ),
            "one-short": Wrong(
                {"pool1": (13, 13, 8)}, "(28 − 2)/2 = 13 moves, and the first place."
            ),
            "depth-halved": Wrong(
                {"pool1": (14, 14, 4)},
                "Pooling halves width and height. Each channel is pooled alone, so "
                "the depth stays.",
            ),
            "pool-makes-one": Wrong(
                {"pool1": (14, 14, 1)},
                "Channels are not merged: each is pooled alone, so the depth stays.",
            ),
            "depth-times-filters": Wrong(
                {"conv2": (10, 10, 128)},
                "Each of the 16 filters reaches through all 8 channels and gives one "
                "map.",
            ),
            "last-depth-halved": Wrong(
                {"pool2": (5, 5, 8)},
                "The depth stays in pooling: 16 maps go in, 16 come out.",
            ),
            "weights-of-a-window": Wrong(
                {"pool_parameters": 4},
                "A 2×2 window holds four numbers, but none of them is a weight: there "
                "is nothing to learn.",
            ),
            "weights-for-each-map": Wrong(
                {"pool_parameters": 32},
                "2·2·8 is what a filter would have. The largest of four numbers is "
                "found without any weights.",
            ),
        },
        hints=(
            "Convolution: W1 − F + 1, and the depth is K.",
            "Pooling: (W1 − 2)/2 + 1, and the depth stays.",
            "32, 28, 14, 10, 5.",
        ),
    )
)

# --- 05.6 -----------------------------------------------------------------------------

add(
    Exercise(
        "05.6",
        "Who gets the gradient?",
        wrong={
            "one-each": Wrong(
                {"eight": 1, "five": 1},
                "One for each winner. With stride 1 windows overlap: a number that "
                "wins several of them gets 1 from each.",
            ),
            "eight-once": Wrong(
                {"eight": 1},
                "The 8 wins more than one window. What is its share in each? They add "
                "up.",
            ),
            "values": Wrong(
                {"eight": 8, "seven": 7, "six": 6},
                "These are the numbers themselves. The gradient says how much the sum "
                "grows when the number grows by 1.",
            ),
            "six-loses": Wrong(
                {"six": 0},
                "The 6 loses to 8 and to 7, but look at the window 6, 4, 3, 1.",
            ),
            "seven-twice": Wrong(
                {"seven": 2},
                "The 7 lies in two windows, and in the upper one the 8 wins.",
            ),
            "five-once": Wrong(
                {"five": 1},
                "This 5 lies in two windows, at the right edge. Who wins them?",
            ),
            "windows-counted": Wrong(
                {"seven": 2, "six": 4, "three": 4},
                "That counts the windows a number lies in. Only a window's winner "
                "gets something.",
            ),
            "shared-out": Wrong(
                {"eight": 1, "seven": 0.5, "six": 1, "five": 0.5, "three": 1},
                "That is average pooling, where each of four numbers gets 1/4. Here "
                "the winner takes all.",
            ),
        },
        hints=(
            "In the output 8 8 4 / 8 8 5 / 7 6 5, count each number.",
            "A number that appears k times in the output gets k. (The 5 in row 1 wins "
            "no window.)",
        ),
    )
)

# --- 05.7 -----------------------------------------------------------------------------


def _conv(weigh, **options):
    def average_by_convolution(images):
        C = images.shape[1]
        weight = torch.zeros(C, C, 2, 2)
        for c in range(C):
            weigh(weight, c, C)
        return functional.conv2d(images, weight, **options)

    return average_by_convolution


def _own(value):
    def weigh(weight, c, C):
        weight[c, c] = value

    return weigh


def _all(weight, c, C):
    weight[c] = 1 / 4


def _all_mean(weight, c, C):
    weight[c] = 1 / (4 * C)


def _first(weight, c, C):
    weight[c, 0] = 1 / 4


add(
    Exercise(
        "05.7",
        "Average pooling as a convolution",
        cases=lambda: [
            case(_counting(1, 1, 2, 2)),
            case(_counting(1, 1, 2, 4)),
            case(_counting(1, 2, 2, 2)),
            case(EXAMPLE[None, None]),
            case(_random(1, 3, 5, 7)),
            case(_random(4, 2, 6, 4)),
        ],
        wrong={
            "sum": Wrong(
                _conv(_own(1.0), stride=2),
                "With weights of 1 the window is added up. What makes a sum of four a "
                "mean?",
            ),
            "half": Wrong(
                _conv(_own(0.5), stride=2),
                "F is 2, but a window holds 2·2 numbers.",
            ),
            "channels-mixed": Wrong(
                _conv(_all, stride=2),
                "A filter adds up all channels. Here each reads its own channel only; "
                "its other weights stay 0.",
            ),
            "channels-averaged": Wrong(
                _conv(_all_mean, stride=2),
                "That averages over the channels too, so all maps are the same. Each "
                "filter should read its own channel only.",
            ),
            "first-channel": Wrong(
                _conv(_first, stride=2),
                "Every filter reads channel 0. Filter c should read channel c.",
            ),
            "stride-one": Wrong(
                _conv(_own(0.25)),
                "The windows overlap: a convolution moves by 1 unless told otherwise.",
            ),
            "stride-four": Wrong(
                _conv(_own(0.25), stride=4),
                "A window of 2×2 moves by 2, not by its four numbers.",
            ),
        },
        hints=(
            "The mean of four numbers: each times one quarter, and added.",
            "Map c should see only channel c. Windows lie side by side when S = F.",
            "`weight[c, c] = 1 / 4`, and stride 2.",
        ),
    )
)
