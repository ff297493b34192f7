"""The explorers: a picture for any position of the controls, with the right numbers."""

import itertools
import math
import re
import time
import xml.etree.ElementTree as ET

import pytest
import torch
from torch.nn.functional import conv1d, conv2d

from helpers import convolution, drawing, widgets
from helpers.widgets import kernels
from helpers.widgets.base import OWN
from helpers.widgets.kernels import CLIP, KERNELS, SIGNED, STRETCH, KernelExplorer
from helpers.widgets.sizes import SizeExplorer
from helpers.widgets.sliding import SlidingWindow
from helpers.widgets.weights import WeightChooser
from helpers.widgets.windows import WindowExplorer

torch.set_num_threads(1)

X = [1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90, 2.10, 2.20, 2.40, 2.50, 2.70]
W = [0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50]
IMAGE = torch.arange(30.0).reshape(5, 6) % 7
KERNEL = torch.tensor([[0.0, -1, 2], [-1, 5, -1], [0, -3, 0]])  # not symmetric
VIEWS = (CLIP, STRETCH, SIGNED)


def a_signal():
    noise = torch.randn(60, generator=torch.Generator().manual_seed(0))
    true = torch.linspace(0, 10, 60)
    return true + 0.6 * noise, true


def a_photograph():
    rows, columns = torch.arange(60.0)[:, None], torch.arange(90.0)
    return 127 + 127 * torch.sin(rows / 5) * torch.cos(columns / 7)


MAKERS = {
    "sliding": lambda: widgets.sliding_window(torch.tensor(X), torch.tensor(W)),
    "chooser": lambda: widgets.weight_chooser(*a_signal()),
    "kernel": lambda: widgets.kernel_explorer(a_photograph()),
    "window": lambda: widgets.window_explorer(
        IMAGE, KERNEL, convolution.conv2d(IMAGE, KERNEL)
    ),
    "size": widgets.size_explorer,
}
every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def svg(explorer):
    """The picture's markup, parsed: well formed, or the test fails here."""
    text = explorer.picture.value
    return ET.fromstring(text[text.index("<svg") :])


def words(explorer):
    """All that is written in the picture."""
    texts = svg(explorer).iter("{http://www.w3.org/2000/svg}text")
    return [text.text for text in texts]


def size_of(explorer):
    picture = svg(explorer)
    return picture.get("width"), picture.get("height")


def visit(explorer, controls, values):
    """Set the controls to each combination of values; yield after each redraw."""
    before = size_of(explorer)
    for combination in itertools.product(*values):
        explorer.set_values(controls, combination)
        assert size_of(explorer) == before, combination
        assert svg(explorer).get("aria-label") == explorer.describe()
        yield combination


# --- Every explorer -------------------------------------------------------------------


@every
def test_moving_a_control_changes_picture_and_description(make):
    explorer = make()
    control = {
        SlidingWindow: lambda e: e.t,
        WeightChooser: lambda e: e.numbers[0],
        KernelExplorer: lambda e: e.numbers[0],
        WindowExplorer: lambda e: e.number,
        SizeExplorer: lambda e: e.S,
    }[type(explorer)](explorer)
    picture, description = explorer.picture.value, explorer.describe()
    control.value += 1
    assert explorer.picture.value != picture
    assert explorer.describe() != description
    assert svg(explorer).get("aria-label") == explorer.describe()


@every
def test_without_a_kernel_a_still_picture_remains(make):
    explorer = make()
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == repr(explorer)
    assert 0 < len(repr(explorer)) <= 110
    if isinstance(explorer, KernelExplorer):
        assert "text/html" not in bundle  # PNG bytes are not the same everywhere
        assert bundle["image/png"].startswith("iVBOR")
    else:
        assert bundle["text/html"].startswith("<img alt=")
        assert "Run this cell to play with it." in bundle["text/html"]


@every
def test_two_fresh_instances_are_the_same(make):
    first, second = make(), make()
    assert first.still() == second.still()
    assert repr(first) == repr(second)
    assert first.picture.value == second.picture.value


def test_repr_keeps_describing_the_first_state():
    explorer = widgets.size_explorer()
    explorer.F.value = 5
    assert repr(explorer) == "W1 = 7, F = 3, P = 0, S = 1: the output is 5 × 5."


@every
def test_a_redraw_is_quick(make):
    explorer = make()
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        explorer.redraw()
        best = min(best, time.perf_counter() - start)
    assert best < 0.1  # far above the few milliseconds it takes: CI machines are slow


# --- Lesson 01 ------------------------------------------------------------------------


def test_sliding_window_writes_each_weighted_sum():
    explorer = MAKERS["sliding"]()
    x, w = torch.tensor(X), torch.tensor(W)
    expected = conv1d(x[None, None], w[None, None])[0, 0].tolist()
    assert (explorer.t.min, explorer.t.max) == (6, 11)
    for (t,) in visit(explorer, [explorer.t], [range(6, 12)]):
        outputs = [f"{value:.3f}" for value in expected[: t - 5]]
        assert f"= {outputs[-1]}." in explorer.describe()
        assert any(text.endswith(f" = {outputs[-1]}") for text in words(explorer))
        assert set(outputs) <= set(words(explorer))


def test_sliding_window_steps_and_plays():
    explorer = MAKERS["sliding"]()
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
        explorer = widgets.sliding_window(X, [1 / F] * F)
        assert len(list(visit(explorer, [explorer.t], [range(F - 1, 12)]))) == 13 - F
    with pytest.raises(ValueError, match="does not fit"):
        widgets.sliding_window(X, [1.0] * 13)


def test_weight_chooser_measures_what_the_filter_does():
    measured, true = a_signal()
    explorer = widgets.weight_chooser(measured, true)
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
    explorer = MAKERS["chooser"]()
    cases = {"latest only": (1, 0), "oldest only": (1, 6), "mean of 7": (7**-0.5, 3)}
    for name, (noise, lag) in cases.items():
        explorer.preset.value = name
        found = explorer.read_outs(explorer.weights())
        assert found["noise"] == pytest.approx(noise)
        assert found["lag"] == pytest.approx(lag)


def test_weight_chooser_names_the_preset_that_the_sliders_show():
    explorer = MAKERS["chooser"]()
    explorer.preset.value = "latest only"
    assert explorer.values() == [0, 0, 0, 0, 0, 0, 1]
    explorer.numbers[0].value = 1
    assert explorer.preset.value == OWN
    explorer.numbers[6].value = 0
    assert explorer.preset.value == "oldest only"


def test_weight_chooser_sweep_and_nothing_to_average():
    explorer = MAKERS["chooser"]()
    levels = [(0.0, 1.0)] * 7
    for values in visit(explorer, explorer.numbers, levels):
        assert ("nothing to average" in explorer.describe()) == (sum(values) == 0)
    explorer.set_values(explorer.numbers, [0.0] * 7)
    assert "nothing to average" in " ".join(words(explorer))


@pytest.mark.parametrize("F", [1, 2, 5, 60])
def test_weight_chooser_of_other_lengths(F):
    explorer = widgets.weight_chooser(*a_signal(), F=F)
    assert sum(explorer.weights()) == pytest.approx(1)


# --- Lesson 02 ------------------------------------------------------------------------


def test_kernel_explorer_answers_as_torch_does():
    image = a_photograph()
    explorer = widgets.kernel_explorer(image)
    for name, view in visit(
        explorer, [explorer.preset, explorer.view], [list(KERNELS), VIEWS]
    ):
        explorer.set_values(explorer.numbers, KERNELS[name])
        kernel = torch.tensor(KERNELS[name], dtype=torch.float32)
        kernel = kernel.reshape(1, 1, 3, 3)
        answer = conv2d(image[None, None], kernel, padding=1)[0, 0]
        torch.testing.assert_close(explorer.answer(), answer)
        low, high = (f"{v:.0f}" for v in (answer.min().item(), answer.max().item()))
        expected = f"values from {low} to {high}".replace("-", "−")
        assert expected in words(explorer), (name, view)
        assert expected in explorer.describe()


def test_kernel_explorer_says_how_much_is_clipped():
    explorer = MAKERS["kernel"]()
    explorer.preset.value = "edges"
    answer = explorer.answer()
    below = f"below 0, shown black: {(answer < 0).float().mean():.0%}"
    assert below in explorer.describe()
    explorer.view.value = SIGNED
    assert "orange: below 0; purple: above 0" in explorer.describe()


def test_kernel_explorer_endures_any_number():
    explorer = MAKERS["kernel"]()
    absurd = (math.nan, math.inf, -math.inf, 1e300, -1e7)
    for value, view in itertools.product(absurd, VIEWS):
        explorer.set_values([explorer.numbers[4], explorer.view], [value, view])
        assert explorer.preset.value in (OWN, "sharpen")
        assert "Type a number from" in " ".join(words(explorer))
        assert explorer.describe().startswith("No answer.")
        assert explorer.still()
    for values in visit(explorer, explorer.numbers, [(0.0,)] * 8 + [(0.0, 1e-30, 1e6)]):
        for view in VIEWS:
            explorer.view.value = view
            assert "No answer" not in explorer.describe(), values


def test_kernel_explorer_names_the_preset_that_the_boxes_show():
    explorer = MAKERS["kernel"]()
    explorer.numbers[4].value = 4
    assert explorer.preset.value == OWN
    explorer.numbers[4].value = 5
    assert explorer.preset.value == "sharpen"


def test_signed_colours_are_white_at_zero_and_differ_by_sign():
    picture = kernels._signed_picture(torch.tensor([[-2.0, 0.0, 2.0]])).convert("RGB")
    low, zero, high = (picture.getpixel((x, 0)) for x in range(3))
    assert zero == (255, 255, 255)
    assert low == (0x7F, 0x3B, 0x08)
    assert high == (0x2D, 0x00, 0x4B)


def test_window_explorer_writes_each_output():
    explorer = MAKERS["window"]()
    expected = conv2d(IMAGE[None, None], KERNEL[None, None])[0, 0].flatten().tolist()
    for (number,) in visit(explorer, [explorer.number], [range(12)]):
        value = f"{expected[number]:g}".replace("-", "−")
        row, column = divmod(number, 4)
        start = f"Output row {row}, column {column} is {value}."
        assert explorer.describe().startswith(start)
        assert f"S({row}, {column}) =" in words(explorer)
        assert "handed over" not in explorer.describe()


def test_window_explorer_shows_a_window_for_each_output_under_the_pointer():
    explorer = MAKERS["window"]()
    groups = svg(explorer).findall("{http://www.w3.org/2000/svg}g")
    assert len(groups) == 12
    assert len({group.get("class") for group in groups}) == 1
    name = groups[0].get("class")
    assert f".{name}:hover .window{{visibility:visible}}" in explorer.picture.value
    other = widgets.window_explorer(
        IMAGE + 1, KERNEL, convolution.conv2d(IMAGE + 1, KERNEL)
    )
    assert name not in other.picture.value


def test_window_explorer_says_when_the_output_is_another():
    wrong = convolution.conv2d(IMAGE, KERNEL) + 1
    assert "handed over" in widgets.window_explorer(IMAGE, KERNEL, wrong).describe()
    with pytest.raises(ValueError, match="should be 3 × 4"):
        widgets.window_explorer(IMAGE, KERNEL, IMAGE)


# --- Lesson 03 ------------------------------------------------------------------------


def test_size_explorer_agrees_with_torch_for_every_combination():
    explorer = widgets.size_explorer()
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
    explorer = widgets.size_explorer()
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
    explorer = widgets.size_explorer()
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
    explorer = widgets.size_explorer(W1=7, F=3, P=1, S=2)
    assert "⌊(7 − 3 + 2·1) / 2⌋ + 1 = 4" in explorer.describe()
    explorer = widgets.size_explorer(W1=2, F=5)
    assert repr(explorer) == "W1 = 2, F = 5, P = 0, S = 1: no output."
    assert "so none" in " ".join(words(explorer))
