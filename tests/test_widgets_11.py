"""The gradient explorer of lesson 11: norms as autograd has them, words that fit."""

import math
import xml.etree.ElementTree as ET

import pytest
import torch

from helpers import widgets
from helpers.widgets.gradients import GradientExplorer, gradient_norms

torch.set_num_threads(1)


def drawn(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    return picture


def by_hand(depth, activation, shortcuts, scale):
    """The chain rule, layer by layer, without autograd."""
    generator = torch.Generator().manual_seed(11)
    draw = {"generator": generator, "dtype": torch.float64}
    x, g = torch.randn(32, 32, **draw), torch.randn(32, 32, **draw)
    layers = []
    for _ in range(depth):
        W = torch.randn(32, 32, **draw) * (scale / 32**0.5)
        z = x @ W
        out, slope = {
            "sigmoid": (z.sigmoid(), z.sigmoid() * (1 - z.sigmoid())),
            "tanh": (z.tanh(), 1 - z.tanh() ** 2),
            "ReLU": (z.relu(), (z > 0).double()),
        }[activation]
        x = x + out if shortcuts else out
        layers.append((W, slope))
    norms, first = [1.0], g.norm()
    for W, slope in reversed(layers):
        g = (g * slope) @ W.T + (g if shortcuts else 0)
        norms.insert(0, (g.norm() / first).item())
    return norms


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "ReLU"])
@pytest.mark.parametrize("shortcuts", [False, True])
@pytest.mark.parametrize(("depth", "scale"), [(1, 1.0), (4, 0.3), (9, 2.2)])
def test_norms_are_those_of_the_chain_rule(activation, shortcuts, depth, scale):
    got = gradient_norms(depth, activation, shortcuts, scale)
    assert got == pytest.approx(by_hand(depth, activation, shortcuts, scale))
    assert len(got) == depth + 1


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 3.0])
def test_what_there_is_to_find_out(scale):
    """The docstring's claims."""
    assert gradient_norms(20, "sigmoid", False, scale)[0] < 1e-5
    assert 0.3 < gradient_norms(50, "sigmoid", True, scale)[0] < 3
    assert gradient_norms(30, "ReLU", True, scale)[0] > 3
    left = gradient_norms(30, "ReLU", False, scale)[0]
    assert left < 1e-3 if scale < 1.4 else left > 1e3
    assert 0.1 < gradient_norms(30, "ReLU", False, 2**0.5)[0] < 10


def test_every_setting_draws_as_many_bars_as_layers():
    explorer = widgets.gradient_explorer()
    heights = set()
    for depth, activation, shortcuts, scale in (
        (1, "sigmoid", False, 1.0),
        (50, "sigmoid", False, 0.1),
        (50, "tanh", True, 3.0),
        (50, "ReLU", True, 3.0),
        (30, "ReLU", False, 0.1),
        (17, "ReLU", False, 1.4),
    ):
        controls = explorer.depth, explorer.activation
        controls += explorer.shortcuts, explorer.scale
        explorer.set_values(controls, (depth, activation, shortcuts, scale))
        picture = drawn(explorer)
        heights.add(picture.get("height"))
        rects = list(picture.iter("{http://www.w3.org/2000/svg}rect"))[1:]
        norms = explorer.norms()[:-1]
        powers = [math.log10(n) if n else -math.inf for n in norms]
        outside = sum(not explorer.LOW <= p <= explorer.HIGH for p in powers)
        assert len(rects) == depth + outside
        for rect in rects:
            top, height = float(rect.get("y")), float(rect.get("height"))
            assert top >= explorer.TOP - 3.1
            assert top + height <= explorer.BOTTOM + 3.1
    assert len(heights) == 1  # nothing below jumps


def test_words():
    explorer = widgets.gradient_explorer(depth=10)
    assert repr(explorer) == (
        "10 layers of sigmoid without shortcuts, scale 1.0: about 10⁻⁶ of the gradient "
        "is left."
    )
    explorer.shortcuts.value = True
    assert "the gradient about keeps its size" in explorer.describe()
    assert "x + f(W·x)" in explorer.picture.value
    explorer.set_values((explorer.activation, explorer.scale), ("ReLU", 3.0))
    assert "the gradient grows about 10⁴-fold" in explorer.describe()
    explorer.depth.value = 1
    assert "1 layer of ReLU" in explorer.describe()


def test_still_and_limits():
    explorer = widgets.gradient_explorer()
    assert explorer.still() == widgets.gradient_explorer().still()
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    assert explorer.depth.max == GradientExplorer.DEEPEST
    with pytest.raises(KeyError):
        gradient_norms(3, "ReLu")
