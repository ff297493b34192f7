"""Right and wrong answers to the exercises of this lesson, and its explorers."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import conv1d

from helpers.exercises.engine import case
from helpers.explorers import OWN
from lessons.l01_one_dimension.explorer import EXAMPLES, sliding_window, weight_chooser
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import visit, words

X = [1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90, 2.10, 2.20, 2.40, 2.50, 2.70]
W = [0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50]

# --- Right answers, written differently -----------------------------------------------


def average_by_lists(x, n):
    x = x.tolist()
    return [sum(x[i : i + n]) / n for i in range(len(x) - n + 1)]


def average_by_running_sum(x, n):
    total = torch.cat([torch.zeros(1), x.cumsum(0)])
    return (total[n:] - total[:-n]) / n


def slide_by_lists(x, w):
    x, w = x.tolist(), w.tolist()
    places = range(len(x) - len(w) + 1)
    return [sum(x[i + k] * w[k] for k in range(len(w))) for i in places]


def slide_by_shifts(x, w):
    out = torch.zeros(x.numel() - w.numel() + 1, dtype=torch.float64)
    for k, weight in enumerate(w):
        out += weight * x[k : k + len(out)]
    return out


def convolve_by_formula(x, w):
    x, w = x.tolist(), w.tolist()
    times = range(len(w) - 1, len(x))
    return tuple(sum(x[t - k] * w[k] for k in range(len(w))) for t in times)


def flip_matters(*w):
    """Whether convolution and cross-correlation differ."""
    return not np.allclose(np.convolve(X, w, "full"), np.correlate(X, w, "full"))


SIGNALS, LAYER = torch.zeros(8, 1, 100), nn.Conv1d(1, 1, kernel_size=7)
AGES = np.arange(6, -1, -1)  # of the readings under w_-6 … w_0

RIGHT = {
    "01.1": [
        average_by_lists,
        average_by_running_sum,
        lambda x, n: np.convolve(x.numpy(), np.full(n, 1 / n), "valid"),
        lambda x, n: functional.avg_pool1d(x[None, None], n, stride=1).flatten(),
    ],
    "01.2": [
        {"outputs": torch.tensor(6), "s_6": np.float32(1.811)},
        {"s_6": np.correlate(X, W)[0], "outputs": len(np.correlate(X, W))},
    ],
    "01.3": [
        slide_by_lists,
        slide_by_shifts,
        lambda x, w: np.correlate(x.numpy(), w.numpy(), "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w,
        lambda x, w: functional.conv1d(x.view(1, 1, -1), w.view(1, 1, -1)).view(-1),
    ],
    "01.4": [
        lambda w: [v / sum(w.tolist()) for v in w.tolist()],
        lambda w: w.numpy() / w.numpy().sum(),
        lambda w: torch.div(w, torch.einsum("i->", w)),
        lambda w: w * (1 / w.sum()),
    ],
    "01.5": [
        {"oldest_only": 6.0, "mean_of_7": 21 / 7},
        {"oldest_only": AGES[0], "mean_of_7": AGES.mean()},
    ],
    "01.6": [
        convolve_by_formula,
        lambda x, w: np.convolve(x, w, "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w.flip(0),
        lambda x, w: slide_by_lists(x.flip(0), w)[::-1],
    ],
    "01.7": [
        {"mean": 0, "peak": 0, "difference": 1, "lecture": np.True_},
        {
            "mean": flip_matters(1, 1, 1),
            "peak": flip_matters(1, 2, 1),
            "difference": flip_matters(-1, 0, 1),
            "lecture": flip_matters(*W),
        },
    ],
    "01.8": [
        {
            "signal": [8, 1, 100],
            "weight": torch.Size([1, 1, 7]),
            "output": np.zeros((8, 1, 94)).shape,
        },
        {
            "signal": SIGNALS.shape,
            "weight": LAYER.weight.shape,
            "output": LAYER(SIGNALS).shape,
        },
    ],
}


# --- Wrong answers that nobody listed -------------------------------------------------


def right_until_it_wraps(x, w):
    """Windows that run on at the start."""
    return torch.stack([(x.roll(-i)[: len(w)] * w).sum() for i in range(len(x))])


WRONG = {
    "01.1": [
        lambda x, n: x,
        lambda x, n: x.mean(),
        lambda x, n: x.unfold(0, n, 1).median(dim=1).values,
        lambda x, n: x.unfold(0, n, 1).mean(dim=1)[:-1],
        lambda x, n: x.unfold(0, n, 1).mean(dim=1).flip(0),
        lambda x, n: x.unfold(0, n, n).mean(dim=1),
        lambda x, n: x.unfold(0, 2, 1).mean(dim=1),
        lambda x, n: x.unfold(0, n, 1).sum(dim=1) / (n - 1 or 1),
        lambda x, n: np.convolve(x, np.full(n, 1 / n), "same"),
        lambda x, n: np.convolve(x, np.full(n, 1 / n), "full"),
    ],
    "01.2": [
        {"s_6": 18.11, "outputs": 6},
        {"s_6": 1.82, "outputs": 6},
        {"s_6": 1.813, "outputs": 6},
        {"s_6": 1.811, "outputs": 7},
        {"s_6": 6, "outputs": 1.811},
        {"s_6": "1.811", "outputs": 6},
        {"s_6": [1.811, 1.811], "outputs": 6},
    ],
    "01.3": [
        right_until_it_wraps,
        lambda x, w: x,
        lambda x, w: slide_by_shifts(x, w).abs(),
        lambda x, w: slide_by_shifts(x, w).flip(0),
        lambda x, w: slide_by_shifts(x, w)[::2],
        lambda x, w: slide_by_shifts(x, w).sum(),
        lambda x, w: slide_by_shifts(x, w)[None],
        lambda x, w: slide_by_shifts(x, w).round(),
        lambda x, w: x.unfold(0, len(w), 1).sum(1) * w.sum() / len(w),
        lambda x, w: np.correlate(x, w, "same"),
        lambda x, w: np.correlate(x, w, "full"),
    ],
    "01.4": [
        lambda w: w,
        lambda w: w - w.mean() + 1 / len(w),
        lambda w: torch.ones(len(w)) / len(w),
        lambda w: w / (w[0] + w[-1]),
        lambda w: w.sort().values / w.sum(),
        lambda w: w / w.sum() ** 2,
        lambda w: (w / w.sum()).round(decimals=2),
        lambda w: w**2 / (w**2).sum(),
        lambda w: w / w.abs().sum(),
        lambda w: 1.0,
    ],
    "01.5": [
        {"oldest_only": 3, "mean_of_7": 6},
        {"oldest_only": -6, "mean_of_7": -3},
        {"oldest_only": 6, "mean_of_7": 3.01},
        {"oldest_only": 6, "mean_of_7": [0, 1, 2, 3, 4, 5, 6]},
    ],
    "01.6": [
        lambda x, w: np.convolve(x, w, "full"),
        lambda x, w: np.convolve(x, w, "same"),
        lambda x, w: np.convolve(x, w, "valid")[::-1],
        lambda x, w: -np.convolve(x, w, "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w.roll(1),
        lambda x, w: x.unfold(0, len(w), 1) @ w.sort().values,
        lambda x, w: w.flip(0),
    ],
    "01.7": [
        dict.fromkeys(("mean", "peak", "difference", "lecture"), True),
        dict.fromkeys(("mean", "peak", "difference", "lecture"), False),
        {"mean": "False", "peak": "False", "difference": "True", "lecture": "True"},
        {"mean": True, "peak": True, "difference": False, "lecture": False},
        {"mean": None, "peak": None, "difference": True, "lecture": True},
    ],
    "01.8": [
        {"signal": (8, 1, 100), "weight": (1, 7), "output": (8, 1, 94)},
        {"signal": (8, 1, 100), "weight": (1, 1, 7), "output": (8, 94)},
        {"signal": (8, 100, 1), "weight": (1, 1, 7), "output": (8, 1, 94)},
        {"signal": 800, "weight": 7, "output": 752},
        {"signal": "8, 1, 100", "weight": (1, 1, 7), "output": (8, 1, 94)},
    ],
}


def _window_in_signal(rng):
    F = rng.randint(1, 6)
    return case(random_tensor(rng, F + rng.randint(0, 7)), random_tensor(rng, F))


def _moving(rng):
    length = rng.randint(1, 12)
    return case(random_tensor(rng, length), rng.randint(1, length))


def _weights(rng):
    weights = random_tensor(rng, rng.randint(1, 8)).abs() + 0.01
    return case(weights * rng.choice((1, 10)))


INPUTS = {
    "01.1": _moving,
    "01.3": _window_in_signal,
    "01.4": _weights,
    "01.6": _window_in_signal,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS


# --- The explorers --------------------------------------------------------------------


def a_flight():
    noise = torch.randn(60, generator=torch.Generator().manual_seed(0))
    true = torch.linspace(0, 10, 60)
    return true + 0.6 * noise, true


def test_sliding_window_writes_each_weighted_sum():
    explorer = EXAMPLES["sliding_window"]()
    x, w = torch.tensor(X), torch.tensor(W)
    expected = conv1d(x[None, None], w[None, None])[0, 0].tolist()
    assert (explorer.t.min, explorer.t.max) == (6, 11)
    for (t,) in visit(explorer, [explorer.t], [range(6, 12)]):
        outputs = [f"{value:.3f}" for value in expected[: t - 5]]
        assert f"= {outputs[-1]}." in explorer.describe()
        assert any(text.endswith(f" = {outputs[-1]}") for text in words(explorer))
        assert set(outputs) <= set(words(explorer))


def test_sliding_window_steps_and_plays():
    explorer = EXAMPLES["sliding_window"]()
    explorer.forward.click()
    assert explorer.t.value == explorer.play.value == 7
    explorer.back.click()
    explorer.back.click()
    assert explorer.t.value == 6  # the first place stays the first
    explorer.play.value = 11
    assert "s₁₁ = 2.569" in explorer.describe()
    explorer.forward.click()
    assert explorer.t.value == 11


def test_sliding_window_of_any_length():
    for F in range(1, 13):
        explorer = sliding_window(X, [1 / F] * F)
        assert len(list(visit(explorer, [explorer.t], [range(F - 1, 12)]))) == 13 - F
    with pytest.raises(ValueError, match="does not fit"):
        sliding_window(X, [1.0] * 13)


def test_weight_chooser_measures_what_the_filter_does():
    measured, true = a_flight()
    explorer = weight_chooser(measured, true)
    assert set(explorer.presets) < set(explorer.preset.options)
    for (name,) in visit(explorer, [explorer.preset], [list(explorer.presets)]):
        w = torch.tensor(explorer.presets[name])
        explorer.set_values(explorer.numbers, w.tolist())
        w = w / w.sum()
        filtered = conv1d(measured[None, None], w[None, None])[0, 0]
        error = (filtered - true[6:]).square().mean().sqrt().item()
        lag = (w * torch.arange(6, -1, -1)).sum().item()
        numbers = [f"{v:.2f}" for v in (w.square().sum().sqrt().item(), lag, error)]
        found = re.findall(r"\d+\.\d\d", explorer.describe())[:3]
        assert found == numbers
        assert set(numbers) <= set(words(explorer))


def test_weight_chooser_noise_and_lag_of_simple_filters():
    explorer = EXAMPLES["weight_chooser"]()
    cases = {"latest only": (1, 0), "oldest only": (1, 6), "mean of 7": (7**-0.5, 3)}
    for name, (noise, lag) in cases.items():
        explorer.preset.value = name
        found = explorer.read_outs(explorer.weights())
        assert found["noise"] == pytest.approx(noise)
        assert found["lag"] == pytest.approx(lag)


def test_weight_chooser_names_the_preset_that_the_sliders_show():
    explorer = EXAMPLES["weight_chooser"]()
    explorer.preset.value = "latest only"
    assert explorer.values() == [0, 0, 0, 0, 0, 0, 1]
    explorer.numbers[0].value = 1
    assert explorer.preset.value == OWN
    explorer.numbers[6].value = 0
    assert explorer.preset.value == "oldest only"


def test_weight_chooser_sweep_and_nothing_to_average():
    explorer = EXAMPLES["weight_chooser"]()
    levels = [(0.0, 1.0)] * 7
    for values in visit(explorer, explorer.numbers, levels):
        assert ("nothing to average" in explorer.describe()) == (sum(values) == 0)
    explorer.set_values(explorer.numbers, [0.0] * 7)
    assert "nothing to average" in " ".join(words(explorer))


@pytest.mark.parametrize("F", [1, 2, 5, 60])
def test_weight_chooser_of_other_lengths(F):
    explorer = weight_chooser(*a_flight(), F=F)
    assert sum(explorer.weights()) == pytest.approx(1)
