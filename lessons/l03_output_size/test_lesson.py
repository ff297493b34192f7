"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import base64
import itertools
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv1d, conv2d

from helpers import display, drawing
from helpers.convolution import output_size
from helpers.exercises import engine
from helpers.exercises.engine import case
from lessons.l03_output_size.explorer import size_explorer
from lessons.l03_output_size.figures import draw_overhang, draw_steps, show_positions
from tests.lesson_tests import LessonTests
from tests.pictures import SVG, tidy, visit, words

# --- Right answers, written differently -----------------------------------------------


def places_by_counting(W1, F):
    return len([i for i in range(W1) if i + F <= W1])


def size_by_counting(W1, F, P=0, S=1):
    start, places = -P, 0
    while start + F <= W1 + P:
        start, places = start + S, places + 1
    return places


def size_by_torch(W1, F, P=0, S=1):
    return nn.Conv1d(1, 1, F, S, P)(torch.zeros(1, 1, W1)).shape[-1]


def padding_by_search(F):
    return next(P for P in range(F + 1) if 100 - F + 2 * P + 1 == 100)


def extent_by_tensor(F, dilation):
    taps = torch.arange(F) * dilation
    return taps.max() - taps.min() + 1


class NamedLayer(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 64, (7, 7), (2, 2), (3, 3), bias=False)


RIGHT = {
    "03.1": [
        places_by_counting,
        lambda W1, F: 1 + (W1 - F),
        lambda W1, F: len(torch.zeros(W1).unfold(0, F, 1)),
        lambda W1, F: np.zeros(W1 - F + 1).size,
    ],
    "03.2": [
        lambda F: F // 2,
        lambda F: (F - 1) / 2,
        lambda F: int(F / 2),
        padding_by_search,
    ],
    "03.3": [
        size_by_counting,
        size_by_torch,
        lambda W1, F, P=0, S=1: math.floor((W1 - F + 2 * P) / S) + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * P + S) // S,
        lambda W1, F, P=0, S=1: np.floor((W1 - F + 2 * P) / S + 1),
    ],
    "03.12": [
        NamedLayer,
        lambda: nn.Conv2d(3, 64, 7, 2, 3),
        lambda: nn.LazyConv2d(64, 7, 2, 3),
        lambda: nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3)),
        lambda: nn.Sequential(nn.ZeroPad2d(3), nn.Conv2d(3, 64, 7, 2)),
        lambda: nn.Conv2d(
            in_channels=3, out_channels=64, kernel_size=7, stride=2, padding=(3, 3)
        ),
    ],
    "03.13": [
        extent_by_tensor,
        lambda F, dilation: F + (F - 1) * (dilation - 1),
        lambda F, dilation: len(range(0, (F - 1) * dilation + 1)),
    ],
    "03.8": [{"D2": 16, "H2": lambda: (480 - 5 + 4) // 4 + 1, "W2": 160}],
    "03.10": [{"S": (17 - 5) / (5 - 1)}],
}

# --- Wrong answers that nobody listed ------

WRONG = {
    "03.1": [
        lambda W1, F: 5,
        lambda W1, F: W1,
        lambda W1, F: W1 - 2,
        lambda W1, F: W1 - F // 2 * 2,
        lambda W1, F: W1 // F + 1,
        lambda W1, F: str(W1 - F + 1),
        lambda W1, F: F - W1 + 1,
        lambda W1, F: max(W1 - F + 1, 2),
    ],
    "03.2": [
        lambda F: 2,
        lambda F: F % 3,
        lambda F: round(F / 2),
        lambda F: F - 2,
        lambda F: min(F // 2, 3),
        lambda F: str(F // 2),
        lambda F: [(F - 1) // 2, (F - 1) // 2],
    ],
    "03.3": [
        lambda W1, F, P=0, S=1: W1,
        lambda W1, F, P=0, S=1: (W1 - F) // S + 1,
        lambda W1, F, P=0, S=1: (W1 - F) // S + 2 * P + 1,
        lambda W1, F, P=0, S=1: W1 // S - F + 2 * P + 1,
        lambda W1, F, P=0, S=1: W1 // S,
        lambda W1, F, P=0, S=1: -(-W1 // S),
        lambda W1, F, P=0, S=2: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P=1, S=1: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P, S: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * P) // min(S, 4) + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * min(P, 1)) // S + 1,
        lambda W1, F, P=0, S=1: str((W1 - F + 2 * P) // S + 1),
    ],
    "03.12": [
        lambda: nn.Conv2d,
        lambda: (3, 64, 7, 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, 3).weight,
        lambda: nn.Conv1d(3, 64, 7, 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, (3, 2)),
        lambda: nn.Conv2d(3, 64, 7, (2, 1), 3),
        lambda: nn.Conv2d(3, 64, (7, 5), 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, 3, dilation=2),
        lambda: nn.Conv2d(3, 64, 7, 2, 3, padding_mode="reflect"),
        lambda: nn.Conv2d(1, 64, 7, 2, 3),
        lambda: nn.ConvTranspose2d(3, 64, 7, 2, 3),
        lambda: nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU()),
    ],
    "03.13": [
        lambda F, dilation: 5,
        lambda F, dilation: F,
        lambda F, dilation: F + dilation - 1,
        lambda F, dilation: F + (F - 1) * dilation - 1,
        lambda F, dilation: F * dilation - 1,
        lambda F, dilation: 2 * (F - 1) + 1,
        lambda F, dilation: str(dilation * (F - 1) + 1),
    ],
    "03.10": [{"S": 5}, {"S": 1}, {"S": -3}, {"S": "3"}, {"S": None}],
    "03.11": [{"P": 3}, {"P": 2.5}, {"P": -2}, {"P": "same"}, {"P": (2, 2)}],
}
for _number in ("03.4", "03.5", "03.6", "03.7", "03.8", "03.9"):
    _right = engine.reference(_number)
    WRONG[_number] = [
        {"W2": _right["D2"], "H2": _right["D2"], "D2": _right["W2"]},
        dict.fromkeys(_right, _right["W2"]),
        {**_right, "H2": _right["H2"] + 1},
        {**_right, "W2": _right["W2"] - 2},
        {**_right, "D2": _right["D2"] + 1},
        {**_right, "D2": str(_right["D2"])},
        {**_right, "H2": _right["H2"] + 0.5},
        {name: -value for name, value in _right.items()},
    ]


def _extents(rng):
    F = rng.randint(1, 12)
    return case(F + rng.randint(0, 40), F)


def _sizes(rng):
    F, P = rng.randint(1, 12), rng.randint(0, 5)
    W1 = rng.randint(max(1, F - 2 * P), 60)
    return case(W1, F, P, rng.randint(1, 6))


INPUTS = {
    "03.1": _extents,
    "03.2": lambda rng: case(2 * rng.randint(0, 30) + 1),
    "03.3": _sizes,
    "03.12": lambda rng: case(
        (rng.randint(1, 2), 3, rng.randint(7, 60), rng.randint(7, 60))
    ),
    "03.13": lambda rng: case(rng.randint(1, 12), rng.randint(1, 9)),
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS


# --- The explorer ---


def test_size_explorer_agrees_with_torch_for_every_combination():
    explorer = size_explorer()
    controls = [explorer.W1, explorer.F, explorer.P, explorer.S]
    values = [range(c.min, c.max + 1) for c in controls]
    assert [len(v) for v in values] == [12, 7, 4, 4]
    for W1, F, P, S in itertools.product(*values):
        explorer.set_values(controls, (W1, F, P, S))
        image, kernel = torch.zeros(1, 1, W1, W1), torch.zeros(1, 1, F, F)
        if F > W1 + 2 * P:
            assert "does not fit" in explorer.describe()
            continue
        W2 = conv2d(image, kernel, padding=P, stride=S).shape[-1]
        assert f": the output is {W2} × {W2}. " in explorer.describe()
        assert f" = {W2}. " in explorer.describe()


def test_size_explorer_keeps_its_size_and_has_a_cell_for_each_pixel():
    explorer = size_explorer()
    controls = [explorer.W1, explorer.F, explorer.P, explorer.S]
    for W1, F, P, S in visit(
        explorer, controls, [(1, 7, 12), (1, 4, 7), (0, 3), (1, 4)]
    ):
        dots = explorer.picture.value.count("<circle")
        positions = explorer.width() or 0
        assert dots == positions**2 + 1, (W1, F, P, S)  # one in the legend
        outputs = explorer.picture.value.count(f'fill="{drawing.PALE_BLUE}"')
        assert outputs == positions**2


def test_size_explorer_finds_the_pixels_that_no_window_reaches():
    explorer = size_explorer()
    controls = [explorer.W1, explorer.F, explorer.P, explorer.S]
    for W1, F, P, S in itertools.product(range(1, 13), (1, 3, 6), (0, 2), (1, 2, 4)):
        explorer.set_values(controls, (W1, F, P, S))
        if F > W1 + 2 * P:
            continue
        # A column reaches some output exactly where its gradient is not zero.
        row = torch.zeros(1, 1, W1 + 2 * P, requires_grad=True)
        conv1d(row, torch.ones(1, 1, F), stride=S).sum().backward()
        assert explorer.reached() == (row.grad[0, 0] > 0).tolist()
        unused = explorer.reached().count(False)
        said = "never used" in explorer.describe() or "skips" in explorer.describe()
        assert said == (unused > 0)


def test_size_explorer_takes_its_start_from_the_call():
    explorer = size_explorer(W1=7, F=3, P=1, S=2)
    assert "⌊(7 − 3 + 2·1) / 2⌋ + 1 = 4" in explorer.describe()
    explorer = size_explorer(W1=2, F=5)
    assert repr(explorer) == "W1 = 2, F = 5, P = 0, S = 1: no output."
    assert "so none" in " ".join(words(explorer))


# --- The figures ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting", [(7, 3, 0, 1), (7, 5, 0, 1), (7, 3, 1, 2), (8, 3, 0, 2), (9, 5, 2, 3)]
)
def test_positions_have_a_dot_for_each_output(monkeypatch, setting):
    shown = []
    monkeypatch.setattr(display, "show", lambda *bundle: shown.append(bundle))
    show_positions([setting], "Where it can stand.")
    ((plain, markup),) = shown
    assert plain == "Where it can stand."
    data = re.search(r"base64,([^\"]+)", markup)[1]
    root = ET.fromstring(base64.b64decode(data))
    (W1, F, P, S), W2 = setting, output_size(*setting)
    assert len(list(root.iter(f"{SVG}circle"))) == W2 * W2
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert f"W2 = {W2}" in texts
    hanging = 2 * max(F // 2 - P, 0)  # pixels at both ends that it cannot be centred on
    if S == 1:
        assert texts.count("×") == W1**2 - (W1 - hanging) ** 2
    assert texts.count("0") == (W1 + 2 * P) ** 2 - W1**2


@pytest.mark.parametrize(("W1", "F"), [(7, 3), (7, 5), (6, 1)])
def test_what_hangs_over_the_edge_is_open(W1, F):
    picture = tidy(draw_overhang(W1, F))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts.count("?") == F**2 - (F - F // 2) ** 2
    assert len(list(picture.iter(f"{SVG}circle"))) == 1


@pytest.mark.parametrize("S", [2, 3])
def test_steps_are_as_long_as_the_stride(S):
    picture = tidy(draw_steps(7, 3, 1, S, places=3))
    frames = [r for r in picture.iter(f"{SVG}rect") if r.get("stroke-width") == "3"]
    assert [float(frame.get("x")) for frame in frames] == [2, 2 + 42 * S, 2 + 84 * S]
    assert {frame.get("width") for frame in frames} == {str(3 * 42)}
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts.count("0") == texts.count(f"S = {S}") == 2
