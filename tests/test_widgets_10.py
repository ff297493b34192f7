"""The explorer of lesson 10 computes what PyTorch computes, wherever it is set."""

import itertools
import math
import xml.etree.ElementTree as ET

import pytest
import torch
from torch.nn import functional

from helpers import widgets
from helpers.widgets.base import OWN
from helpers.widgets.norms import KINDS

torch.set_num_threads(1)

BLOCK = (torch.arange(48.0) * 7 % 23 - 4).view(2, 4, 3, 2)
TORCH = {
    "batch norm": lambda x: functional.batch_norm(
        x, None, None, training=True, eps=1e-12
    ),
    "layer norm": lambda x: functional.layer_norm(x, x.shape[1:], eps=1e-12),
    "instance norm": lambda x: functional.instance_norm(x, eps=1e-12),
    "group norm": lambda x: functional.group_norm(x, 2, eps=1e-12),
}


def texts(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    found = picture.iter("{http://www.w3.org/2000/svg}text")
    return [element.text for element in found], picture.get("height")


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_those_of_torch(kind):
    explorer = widgets.norm_explorer(BLOCK)
    explorer.kind.value = kind
    expected = TORCH[kind](BLOCK.double())
    assert torch.allclose(explorer.normalised(), expected)
    assert explorer.needs_running_averages() == (kind == "batch norm")
    words, _ = texts(explorer)
    assert any(text.startswith(kind.capitalize()) for text in words)
    assert widgets.norm_explorer(BLOCK, kind).describe() == explorer.describe()


def test_every_choice_of_axes():
    explorer = widgets.norm_explorer(BLOCK)
    heights = set()
    controls = [*explorer.axes, explorer.groups]
    for *ticks, groups in itertools.product(*[(False, True)] * 4, (1, 2, 4)):
        explorer.set_values(controls, (*ticks, groups))
        x = BLOCK.double()
        shape = explorer.mean_shape()
        if not ticks[1]:
            groups = 4
        split = x.view(2, groups, 4 // groups, 3, 2)
        axes = [k for k, tick in zip((0, 2, 3, 4), ticks) if tick or k == 2]
        mean = split.mean(dim=axes, keepdim=True)
        assert tuple(mean.squeeze(2).shape) == shape
        values = torch.tensor([m for m, _ in explorer.means()]).view(shape)
        assert torch.allclose(values, mean.squeeze(2).float())
        assert explorer.group.max == math.prod(shape) - 1
        members = explorer.members()
        assert sorted(p for group in members for p in group) == list(
            itertools.product(*map(range, BLOCK.shape))
        )
        assert len({len(group) for group in members}) == 1
        heights.add(texts(explorer)[1])
    assert len(heights) == 1  # nothing below jumps


def test_neighbouring_groups_have_other_tints():
    explorer = widgets.norm_explorer(BLOCK)
    for kind in KINDS:
        explorer.kind.value = kind
        group_of = {p: k for k, g in enumerate(explorer.members()) for p in g}
        for (n, c, h, w), group in group_of.items():
            for other in ((n + 1, c, h, w), (n, c + 1, h, w)):
                if group_of.get(other, group) != group:
                    assert explorer._tint((n, c, h, w)) != explorer._tint(other)


def test_ticks_and_kinds_follow_each_other():
    explorer = widgets.norm_explorer()
    explorer.axes[0].value = False
    assert explorer.kind.value == "instance norm"
    explorer.axes[1].value = True
    assert explorer.kind.value == "layer norm"
    explorer.groups.value = 2
    assert explorer.kind.value == "group norm"
    explorer.groups.value = 4  # as many groups as channels
    assert explorer.kind.value == OWN
    assert explorer.mean_shape() == (3, 4, 1, 1)
    explorer.kind.value = "batch norm"
    assert [box.value for box in explorer.axes] == [True, False, True, True]
    assert explorer.groups.disabled


def test_what_it_says():
    explorer = widgets.norm_explorer()
    assert repr(explorer) == (
        "Batch norm: over N, H, W: 4 means of 12 numbers each, shape (1, 4, 1, 1)."
    )
    assert "needs running averages" in explorer.describe()
    explorer.kind.value = "instance norm"
    explorer.group.value = 1
    assert "(12 + 9 + 10 + 13) / 4 = 11, deviation 1.581." in explorer.describe()
    assert "(12 − 11) / 1.581 = 0.63." in explorer.describe()
    assert "no running averages" in explorer.describe()
    for box in explorer.axes:
        box.value = False
    assert "48 means of 1 number each" in explorer.describe()
    assert "Each number is its own mean" in explorer.describe()
    for box in explorer.axes:
        box.value = True
    assert "1 mean of 48 numbers each" in explorer.describe()
    assert explorer.group.max == 0


def test_still_and_limits():
    explorer = widgets.norm_explorer()
    assert explorer.still() == widgets.norm_explorer().still()
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    for shape in [(3, 4), (9, 1, 1, 1), (1, 3, 1, 3)]:
        with pytest.raises(ValueError, match="block"):
            widgets.norm_explorer(torch.zeros(shape))
    odd = widgets.norm_explorer(torch.ones(2, 3, 1, 2))  # no two equal groups
    assert "group norm" not in odd.kind.options
    assert "stays 0" in odd.describe()
