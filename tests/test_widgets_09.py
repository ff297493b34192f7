"""The explorer of lesson 09 counts what PyTorch's module counts, wherever it is set."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
import torch

from helpers import widgets
from helpers.counting import layer_table
from helpers.networks import Inception

torch.set_num_threads(1)


def texts(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    found = picture.iter("{http://www.w3.org/2000/svg}text")
    return [element.text for element in found], picture.get("height")


def counted(explorer, naive=False):
    """The module of PyTorch that the sliders describe."""
    k1, r3, k3, r5, k5, pool = (value or None for value in explorer.values())
    if naive:
        r3 = r5 = pool = None
    with torch.device("meta"):
        module = Inception(explorer.D, k1, k3, k5, r3, r5, pool)
        size = (explorer.D, explorer.H, explorer.W)
        return layer_table(module, size), module.channels


@pytest.mark.parametrize("D", [96, 192, 832])
def test_counts_are_those_of_the_module(D):
    explorer = widgets.inception_explorer(12, 9, D)
    heights = set()
    for reduce3, reduce5, pool in itertools.product((0, 64), (0, 24), (0, 40)):
        explorer.set_values(explorer.numbers, (72, reduce3, 256, reduce5, 128, pool))
        for naive in (False, True):
            table, depth = counted(explorer, naive)
            assert explorer.weights(naive) == table.weights
            assert explorer.multiply_adds(naive) == table.multiply_adds
            if not naive:
                assert sum(explorer.depths()) == depth
        words, height = texts(explorer)
        heights.add(height)
        assert f"12×9×{sum(explorer.depths())}" in words
    assert len(heights) == 1  # nothing below jumps


def test_the_paper_s_first_module():
    explorer = widgets.inception_explorer()
    assert repr(explorer) == "output 28 × 28 × 256: 64 + 128 + 32 + 32 maps."
    assert "163 328 weights, 128.0 M" in explorer.describe()
    assert "2.37 times fewer than naive" in explorer.describe()
    explorer.preset.value = "the same, naive"
    assert "28 × 28 × 416" in explorer.describe()
    assert "as many as the naive module" in explorer.describe()
    assert "All 192 maps" in explorer.describe()
    explorer.k1.value = 72
    assert explorer.preset.value == widgets.base.OWN
    explorer.preset.value = "GoogLeNet's first"
    assert explorer.values() == [64, 96, 128, 16, 32, 32]


def test_a_reduction_may_cost_more_than_it_saves():
    explorer = widgets.inception_explorer()
    for r in range(8, 193, 8):
        explorer.reduce3.value = r
        costs_more = 192 * r + 9 * r * 128 > 9 * 192 * 128
        assert costs_more == (r > 164)
        assert ("before 3×3 costs more" in explorer.describe()) == costs_more
    explorer.reduce5.value = 192
    assert "before 3×3 and 5×5 costs more" in explorer.describe()
    explorer.reduce3.value = 0
    assert "before 5×5 costs more" in explorer.describe()


def test_nothing_is_drawn_outside():
    explorer = widgets.inception_explorer(112, 112, 1024)
    numbers = explorer.numbers
    for values in ((256, 0, 256, 0, 128, 0), (8, 8, 8, 8, 8, 8)):
        explorer.set_values(numbers, values)
        text = explorer.picture.value
        picture = ET.fromstring(text[text.index("<svg") :])
        for rect in picture.iter("{http://www.w3.org/2000/svg}rect"):
            if rect.get("width") == "100%":
                continue
            x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            assert 0 <= x <= explorer.WIDTH - w
            assert 60 <= y <= explorer.HEIGHT - h


def test_still_and_limits():
    explorer = widgets.inception_explorer()
    assert explorer.still() == widgets.inception_explorer().still()
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    assert re.search(
        r"Branches: 1×1 to 64; 1×1 to 96 then 3×3 to 128", explorer.describe()
    )
    for size in [(28, 28, 95), (28, 28, 1025), (0, 28, 192)]:
        with pytest.raises(ValueError, match="depth of 96 to 1024"):
            widgets.inception_explorer(*size)
