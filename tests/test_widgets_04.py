"""The explorer of receptive fields, and the pictures of layers."""

import itertools
import xml.etree.ElementTree as ET

import pytest
import torch
from torch.nn import functional

from helpers import convolution, widgets
from helpers.widgets.fields import draw_layers, reaching, windows

SETTINGS = list(itertools.product(range(1, 6), range(1, 6), range(1, 4)))


def svg(explorer):
    """The picture's markup, parsed: well formed, or the test fails here."""
    text = explorer.picture.value
    return ET.fromstring(text[text.index("<svg") :])


def seen_by_autograd(widths, F, S, output):
    """The inputs whose gradient is not zero."""
    x = torch.zeros(1, 1, widths[0], dtype=torch.float64, requires_grad=True)
    y = x
    for _ in widths[1:]:
        y = functional.conv1d(y, torch.ones(1, 1, F, dtype=torch.float64), stride=S)
    assert y.shape[-1] == widths[-1]
    y[0, 0, output].backward()
    return set(x.grad[0, 0].nonzero().flatten().tolist())


def test_every_setting_shows_what_an_output_really_sees():
    explorer = widgets.field_explorer()
    size = svg(explorer).get("width"), svg(explorer).get("height")
    for depth, F, S in SETTINGS:
        explorer.set_values([explorer.depth, explorer.F, explorer.S], [depth, F, S])
        widths = explorer.widths()
        assert explorer.output.max == widths[-1]
        for output in {1, widths[-1]}:
            explorer.output.value = output
            seen = seen_by_autograd(widths, F, S, output - 1)
            assert explorer.lit()[0] == seen, (depth, F, S, output)
            assert max(seen) - min(seen) + 1 == explorer.field()
            picture = svg(explorer)
            assert (picture.get("width"), picture.get("height")) == size
            assert picture.get("aria-label") == explorer.describe()


def test_dots_stay_inside_the_picture():
    explorer = widgets.field_explorer()
    for values in SETTINGS:
        explorer.set_values([explorer.depth, explorer.F, explorer.S], values)
        circles = list(svg(explorer).iter("{http://www.w3.org/2000/svg}circle"))
        assert len(circles) == sum(explorer.widths())
        for circle in circles:
            assert 100 < float(circle.get("cx")) < explorer.WIDTH - 9
            assert 70 < float(circle.get("cy")) < explorer.HEIGHT - 9


def test_the_formula_is_the_helpers():
    explorer = widgets.field_explorer(depth=3, F=3, S=2)
    assert explorer.field() == convolution.receptive_field([(3, 2)] * 3) == 15
    assert "= 1 + 2·1 + 2·2 + 2·4 = 15" in explorer.describe()


def test_layers_that_do_not_fit_are_named():
    explorer = widgets.field_explorer(depth=5, F=4, S=3)
    assert explorer.widths() == [31, 10, 3]
    assert "Layer 3 does not fit: 3 values left for a kernel of 4." in (
        explorer.describe()
    )


def test_skipped_inputs_are_counted():
    explorer = widgets.field_explorer(depth=2, F=2, S=3)
    explorer.output.value = 1
    assert explorer.lit()[0] == {0, 1, 3, 4}
    assert "inputs 1 to 5, except 1 that falls between windows." in explorer.describe()


def test_an_output_that_is_gone_is_left():
    explorer = widgets.field_explorer(depth=1, F=1, S=1)
    explorer.output.value = 31
    explorer.depth.value = explorer.F.value = 5
    assert explorer.output.value == explorer.output.max == 11
    assert "Output 11 of layer 5 sees inputs 11 to 31." in explorer.describe()


def test_two_fresh_instances_are_the_same():
    first, second = widgets.field_explorer(), widgets.field_explorer()
    assert first.still() == second.still()
    assert (
        repr(first) == "2 layers, F = 3, S = 1: the receptive field is 5 of 31 inputs."
    )


@pytest.mark.parametrize(("unit", "seen"), [(0, {0, 1, 2}), (2, {0, 1, 2, 3, 4})])
def test_padding_has_no_links(unit, seen):
    layer = windows(5, F=3, P=1, W1=5)
    assert len(layer) == 13
    assert reaching([layer, layer], unit)[0] == seen


def test_a_picture_of_layers_names_every_dot():
    layer = windows(2, F=2)
    picture = ET.fromstring(draw_layers(["abc", "de"], [layer], unit=1).svg("three"))
    texts = picture.iter("{http://www.w3.org/2000/svg}text")
    assert [text.text for text in texts] == ["a", "b", "c", "d", "e"]
