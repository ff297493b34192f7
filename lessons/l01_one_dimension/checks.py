"""Checks: one dimension."""

import numpy as np
import torch

from helpers.exercises.engine import Case, Exercise, Wrong, add, case


def _signal(*values):
    return torch.tensor(values, dtype=torch.float32)


def _random(*sizes, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, generator=generator) for size in sizes]


# --- 01.1 -----------------------------------------------------------------------------


add(
    Exercise(
        "01.1",
        "Mean of the latest n readings",
        level=2,
        cases=lambda: [
            case(_signal(1, 2, 4, 8), 2),
            case(_signal(1, 2, 4, 8, 16), 3),
            case(_signal(3, 1, 2), 1),
            case(_random(9)[0], 4),
            case(_random(7)[0], 7),
        ],
        wrong={
            "newest-left-out": Wrong(
                {"t + 1": "t"},
                "A slice ends before its second number: `x[2:5]` is x_2, x_3, x_4. "
                "Yours leaves out x_t, the newest reading.",
            ),
            "shifted-back": Wrong(
                {"t - n + 1": "t - n", "t + 1": "t"},
                "This window ends one reading before x_t. And at its first place it "
                "starts at −1, which Python counts from the end, so that window is "
                "empty.",
            ),
            "one-too-many": Wrong(
                {"t - n + 1": "t - n"},
                "From x_{t − n} up to x_t there are n + 1 readings. Count them for "
                "n = 1.",
            ),
            "future": Wrong(
                {"t - n + 1": "t", "t + 1": "t + n"},
                "This averages the readings from x_t on. At time t, all but the first "
                "of them still lie in the future.",
            ),
            "sum": Wrong(
                lambda x, n: x.unfold(0, n, 1).sum(dim=1),
                "That is the sum of the window; the mean is the sum divided by n.",
            ),
        },
        hints=(
            "For n = 3 and t = 2 the window is x_0, x_1, x_2. Write that as `x[…:…]`.",
            "A slice ends before its second number, so to include x_t it has to stop "
            "at `t + 1`.",
            "If x_t is the last of n readings, x_{t − n + 1} is the first.",
        ),
    )
)

# --- 01.2 -----------------------------------------------------------------------------

_X = np.array([1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90])  # the lecture's x_0 ... x_6
_W = np.array([0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50])  # w_-6 ... w_0

add(
    Exercise(
        "01.2",
        "The first output, by hand",
        level=2,
        tolerance=3e-4,
        wrong={
            "flipped": Wrong(
                {"s_6": float(_X @ _W[::-1])},
                "The weights lie the wrong way round: w_0 = 0.50 belongs to the newest "
                "reading, x_6 = 1.90, not to x_0.",
            ),
            "plain-mean": Wrong(
                {"s_6": float(_X.mean())},
                "That is the plain mean. Multiply each reading by its own weight.",
            ),
            "lectured": Wrong(
                {"s_6": 1.80},
                "1.80 is what the lecture prints: it kept only one decimal. Give "
                "three.",
            ),
            "one-short": Wrong(
                {"outputs": 5},
                "12 − 7 counts the moves, and the place before the first move gives "
                "an output, too.",
            ),
            "one-per-reading": Wrong(
                {"outputs": 12},
                "At times 0 to 5 there are fewer than seven readings so far, so there "
                "is no output yet.",
            ),
        },
        hints=(
            "Multiply column by column and add: 1.00 · 0.01 + 1.10 · 0.01 + …",
            "The first output is s_6 and the last is s_11. How many are there?",
        ),
    )
)

# --- 01.3 -----------------------------------------------------------------------------


def _conv1d_cases() -> list[Case]:
    five, three, nine, four = _random(5, 3, 9, 4)
    return [
        case(_signal(1, 2, 3, 4), _signal(1, 0)),
        case(_signal(1, 2, 4), _signal(2)),
        case(_signal(1, 0, 0, 0, 2), _signal(1, 2, 3)),
        case(five, three),
        case(nine, four),
        case(four, four.flip(0)),
    ]


add(
    Exercise(
        "01.3",
        "Slide a filter along a signal",
        level=2,
        cases=_conv1d_cases,
        wrong={
            "one-short": Wrong(
                {"len(x) - len(w) + 1": "len(x) - len(w)"},
                "The last position is missing. With 4 readings and 2 weights the "
                "window can start at 0, 1 and 2.",
            ),
            "one-per-reading": Wrong(
                {"len(x) - len(w) + 1": "len(x)"},
                "Near the end the window runs out of readings. It may only start "
                "where all of it still fits.",
            ),
            "window-short": Wrong(
                {"i + len(w)": "i + len(w) - 1"},
                "A slice ends before its second number, so your window has one "
                "reading fewer than the filter has weights.",
            ),
            "window-long": Wrong(
                {"i + len(w)": "i + len(w) + 1"},
                "A slice ends before its second number, so `x[i : i + len(w) + 1]` has "
                "one reading more than the filter has weights.",
            ),
            "flipped": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) @ w.flip(0),
                "Your filter is reversed. Here the first weight meets the first "
                "reading of the window.",
            ),
            "mean": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) @ w / len(w),
                "Add the products, but do not divide: the weights already say how "
                "much each reading counts.",
            ),
            "product-only": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) * w,
                "The products are right. One output is their sum.",
            ),
        },
        hints=(
            "At how many places does a window of 2 fit on 4 readings?",
            "`range(n)` counts from 0 to n − 1, and the last start is "
            "`len(x) - len(w)`.",
            "The window that starts at i has as many readings as `w` has weights.",
        ),
    )
)

# --- 01.4 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.4",
        "Weights that add up to one",
        level=1,
        cases=lambda: [
            case(_signal(1, 3)),
            case(_signal(2)),
            case(_signal(1, 1, 1, 1)),
            case(_signal(0.5, 0, 2)),
            case(_random(6)[0].abs()),
            case(_signal(3, -1)),
        ],
        wrong={
            "by-count": Wrong(
                "w / len(w)",
                "Dividing by the number of weights makes the sum 1 only when the "
                "weights were 1 on average. Divide by their sum.",
            ),
            "by-largest": Wrong(
                "w / w.max()",
                "Now the largest weight is 1, and the sum is something else. Divide "
                "by the sum.",
            ),
            "by-length": Wrong(
                "w / w.norm()",
                "That makes the squares add up to 1. Here the weights themselves "
                "should.",
            ),
            "softmax": Wrong(
                "w.softmax(0)",
                "These add up to 1, but their proportions have changed: even a weight "
                "of 0 would count.",
            ),
        },
        hints=(
            "1 and 3 add up to 4. What must each be divided by, so that they add up "
            "to 1?",
            "`w.sum()` is the sum of all weights.",
        ),
    )
)

# --- 01.5 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.5",
        "How late is the answer?",
        level=2,
        wrong={
            "counted-weights": Wrong(
                {"oldest_only": 7},
                "There are seven weights, but the newest, w_0, belongs to now, so "
                "w_-6 lies only six seconds back.",
            ),
            "half-of-seven": Wrong(
                {"mean_of_7": 3.5},
                "The ages of the readings are 0, 1, … 6, and those begin with 0. What "
                "is their mean?",
            ),
            "no-lag": Wrong(
                {"mean_of_7": 0},
                "Six of the seven readings are old, so their mean is late too.",
            ),
            "same-lag": Wrong(
                {"mean_of_7": 6},
                "Only the oldest reading is six seconds old. The mean gives all ages "
                "the same weight.",
            ),
        },
        hints=(
            "Choose each preset above and read off the lag.",
            "The lag is the mean age of the readings, where each age has the weight "
            "of its reading.",
        ),
    )
)

# --- 01.6 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.6",
        "True convolution",
        level=2,
        cases=lambda: [
            case(_signal(1, 2, 3), _signal(1, 0)),
            case(_signal(1, 0, 0, 5), _signal(1, 2)),
            case(_random(6)[0], _random(3, seed=2)[0]),
            case(_random(9)[0], _random(4, seed=3)[0]),
            case(_random(5)[0], _signal(2)),
        ],
        wrong={
            "not-flipped": Wrong(
                "w",
                "That is cross-correlation: the first weight meets the oldest reading "
                "of the window. In the formula w_0 meets the newest.",
            ),
            "negative-step": Wrong(
                "w[::-1]",
                "The idea is right, but a tensor refuses `[::-1]`, which works for "
                "lists. Reverse it with `w.flip(0)`.",
            ),
            "signal-flipped": Wrong(
                lambda x, w: x.flip(0).unfold(0, len(w), 1) @ w,
                "These are the right numbers, but from last to first: the signal was "
                "reversed. Reverse the filter.",
            ),
            "both-flipped": Wrong(
                lambda x, w: x.flip(0).unfold(0, len(w), 1) @ w.flip(0),
                "Each weight meets the same reading as before, and only the order of "
                "the outputs is reversed. Reverse the filter alone.",
            ),
        },
        hints=(
            "At time t the formula pairs x_t with w_0, x_{t−1} with w_1, and so on. In "
            "the window x_t stands last. Where must w_0 stand?",
            "`w.flip(0)` reverses a tensor along its axis 0.",
        ),
    )
)

# --- 01.7 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.7",
        "Does the flip matter?",
        level=1,
        wrong={
            "difference": Wrong(
                {"difference": False},
                "Reversed, (−1, 0, 1) is (1, 0, −1): every output changes sign.",
            ),
            "lecture": Wrong(
                {"lecture": False},
                "The lecture's filter gives 0.50 to one end and 0.01 to the other. "
                "Reversed, it trusts the oldest reading most.",
            ),
            "symmetric": Wrong(
                {"peak": True},
                "(1, 2, 1) read from right to left is (1, 2, 1): nothing changes.",
            ),
            "constant": Wrong(
                {"mean": True},
                "All weights of a mean are equal, so reversing it changes nothing.",
            ),
        },
        hints=("Read each filter from right to left. Is it a different filter now?",),
    )
)

# --- 01.8 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.8",
        "Shapes, the PyTorch way",
        level=2,
        wrong={
            "no-channel-axis": Wrong(
                {"signal": (8, 100)},
                "The channel axis is missing: (N, C, W), with C = 1 for one sensor.",
            ),
            "axes-swapped": Wrong(
                {"signal": (1, 8, 100)},
                "The number of signals comes first, N = 8. Then come the channels of "
                "each: C = 1.",
            ),
            "batched-weight": Wrong(
                {"weight": (8, 1, 7)},
                "That would be eight filters. One filter serves all eight signals.",
            ),
            "bare-weight": Wrong(
                {"weight": (7,)},
                "`weight` has three axes, too: how many filters there are, their "
                "channels, and their extent, (K, C, F).",
            ),
            "same-length": Wrong(
                {"output": (8, 1, 100)},
                "There is one output for each place where the window fits, and there "
                "are 100 − 7 + 1 such places.",
            ),
            "one-short": Wrong(
                {"output": (8, 1, 93)},
                "100 − 7 counts the moves. The place before the first move gives an "
                "output, too.",
            ),
        },
        hints=(
            "Signals are (N, C, W): how many signals, channels and readings.",
            "Filters are (K, C, F): how many filters, channels and weights.",
            "The output is (N, K, W2). W2 is the number of places where the window "
            "fits, W − F + 1.",
        ),
    )
)
