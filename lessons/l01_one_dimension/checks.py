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
                "This window has n readings, but stops one before x_t, and where it "
                "starts at −1 Python counts from the end.",
            ),
            "one-too-many": Wrong(
                {"t - n + 1": "t - n"},
                "From `t - n` up to t are n + 1 readings. Count them for n = 1.",
            ),
            "future": Wrong(
                {"t - n + 1": "t", "t + 1": "t + n"},
                "This averages readings from x_t on: at time t they lie in the future.",
            ),
            "sum": Wrong(
                lambda x, n: x.unfold(0, n, 1).sum(dim=1),
                "That is the sum of the window; the mean is the sum divided by n.",
            ),
        },
        hints=(
            "For n = 3 and t = 2 the window is x_0, x_1, x_2. Write that as `x[…:…]`.",
            "A slice ends before its second number, so that one is `t + 1`.",
            "n readings, the last of them x_t: the first is x_{t − n + 1}.",
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
                "1.80 is what the lecture prints, cut to one decimal. Keep three.",
            ),
            "one-short": Wrong(
                {"outputs": 5},
                "12 − 7 counts the moves; the position before the first move counts "
                "too.",
            ),
            "one-per-reading": Wrong(
                {"outputs": 12},
                "x_0 to x_5 have fewer than seven readings up to and including "
                "themselves, so no output stands there.",
            ),
        },
        hints=(
            "Multiply column by column and add: 1.00 · 0.01 + 1.10 · 0.01 + …",
            "The first output is s_6, the last s_11. How many is that?",
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
        cases=_conv1d_cases,
        wrong={
            "one-short": Wrong(
                {"len(x) - len(w) + 1": "len(x) - len(w)"},
                "The last position is missing. With 4 readings and F = 2 the window "
                "can start at 0, 1 and 2.",
            ),
            "one-per-reading": Wrong(
                {"len(x) - len(w) + 1": "len(x)"},
                "Near the end the window runs out of readings: it may only start "
                "where all of it still fits.",
            ),
            "window-short": Wrong(
                {"i + len(w)": "i + len(w) - 1"},
                "A slice ends before its second number, so your window has one "
                "reading fewer than the filter has weights.",
            ),
            "window-long": Wrong(
                {"i + len(w)": "i + len(w) + 1"},
                "A slice ends before its second number, so `x[i : i + F + 1]` has one "
                "reading more than the filter has weights.",
            ),
            "flipped": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) @ w.flip(0),
                "Your filter is turned round. Here the first weight meets the first "
                "reading of the window.",
            ),
            "mean": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) @ w / len(w),
                "Add the products; do not divide. The weights say already how much "
                "each reading counts.",
            ),
            "product-only": Wrong(
                lambda x, w: x.unfold(0, len(w), 1) * w,
                "The products are right. One output is their sum.",
            ),
        },
        hints=(
            "How many places are there for a window of 2 on 4 readings?",
            "`range(n)` counts 0 to n − 1; the last start is `len(x) - len(w)`.",
            "The window that starts at i has as many readings as w has weights.",
        ),
    )
)

# --- 01.4 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.4",
        "Weights that add up to one",
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
                "Dividing by how many there are makes the sum 1 only when the weights "
                "were all 1. Divide by their sum.",
            ),
            "by-largest": Wrong(
                "w / w.max()",
                "Now the largest weight is 1, and the sum is more. Divide by the sum.",
            ),
            "by-length": Wrong(
                "w / w.norm()",
                "That makes the squares add up to 1. Here the weights themselves do.",
            ),
            "softmax": Wrong(
                "w.softmax(0)",
                "Softmax adds up to 1 but changes the proportions: a weight of 0 "
                "would count.",
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
        wrong={
            "counted-weights": Wrong(
                {"oldest_only": 7},
                "There are seven weights, but w_0 is now: w_-6 lies six steps back.",
            ),
            "half-of-seven": Wrong(
                {"mean_of_7": 3.5},
                "The ages of the readings are 0, 1, … 6. Their mean is 3.",
            ),
            "no-lag": Wrong(
                {"mean_of_7": 0},
                "Six of the seven readings are old, so their mean is late too.",
            ),
            "same-lag": Wrong(
                {"mean_of_7": 6},
                "Only the oldest reading is six steps late. The mean weighs all ages "
                "alike.",
            ),
        },
        hints=(
            "Choose each preset above and read the lag.",
            "The lag is the mean age of the readings, weighted like the readings.",
        ),
    )
)

# --- 01.6 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.6",
        "True convolution",
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
                "The idea is right, but tensors know no `[::-1]`: that works for "
                "lists. A tensor turns round with `w.flip(0)`.",
            ),
            "signal-flipped": Wrong(
                lambda x, w: x.flip(0).unfold(0, len(w), 1) @ w,
                "You turned the signal round: right numbers, but from last to first. "
                "Turn the filter.",
            ),
            "both-flipped": Wrong(
                lambda x, w: x.flip(0).unfold(0, len(w), 1) @ w.flip(0),
                "With both turned round they meet as before. Turn only the filter.",
            ),
        },
        hints=(
            "At t the formula pairs x_t with w_0, x_{t−1} with w_1, … In the window "
            "x_t stands last. Where must w_0 stand?",
            "`w.flip(0)` turns a tensor round along its axis 0.",
        ),
    )
)

# --- 01.7 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.7",
        "Does the flip matter?",
        wrong={
            "difference": Wrong(
                {"difference": False},
                "Turned round, (−1, 0, 1) is (1, 0, −1): every output changes sign.",
            ),
            "lecture": Wrong(
                {"lecture": False},
                "The lecture's filter gives 0.50 to one end and 0.01 to the other. "
                "Turned round it trusts the oldest reading most.",
            ),
            "symmetric": Wrong(
                {"peak": True},
                "(1, 2, 1) read from right to left is (1, 2, 1): nothing changes.",
            ),
            "constant": Wrong(
                {"mean": True},
                "All weights of a mean are equal, in either direction.",
            ),
        },
        hints=("Read each filter from right to left. Is it another filter?",),
    )
)

# --- 01.8 -----------------------------------------------------------------------------

add(
    Exercise(
        "01.8",
        "Shapes, the PyTorch way",
        wrong={
            "no-channel-axis": Wrong(
                {"signal": (8, 100)},
                "The channel axis is missing: (N, C, W), with C = 1 for one sensor.",
            ),
            "axes-swapped": Wrong(
                {"signal": (1, 8, 100)},
                "The batch comes first: N = 8 signals, then C = 1 channel each.",
            ),
            "batched-weight": Wrong(
                {"weight": (8, 1, 7)},
                "That would be eight filters. One filter serves all eight signals.",
            ),
            "bare-weight": Wrong(
                {"weight": (7,)},
                "A filter has axes too: (K, C, F), how many, channels, extent.",
            ),
            "same-length": Wrong(
                {"output": (8, 1, 100)},
                "The window fits at 100 − 7 + 1 places.",
            ),
            "one-short": Wrong(
                {"output": (8, 1, 93)},
                "100 − 7 moves, and the first position: 94 outputs.",
            ),
        },
        hints=(
            "Signals are (N, C, W): how many, channels, readings.",
            "Filters are (K, C, F): how many, channels, extent.",
            "The output is (N, K, W2), with W2 = W1 − F + 1.",
        ),
    )
)
