"""The explorer of lesson 08 computes what PyTorch computes, wherever it is set."""

import itertools
import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

from helpers import widgets
from helpers.counting import layer_table
from helpers.networks import vgg

torch.set_num_threads(1)


def texts(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    found = picture.iter("{http://www.w3.org/2000/svg}text")
    return [element.text for element in found], picture.get("height")


def settings(explorer):
    """Set every kernel and number of layers."""
    for F, layers in itertools.product(range(1, 8), range(1, 6)):
        explorer.set_values([explorer.F, explorer.layers], (F, layers))
        yield F, layers


def ones(F, layers):
    """The stack, of one channel, all weights 1: gradients count paths."""
    network = nn.Sequential(*(nn.Conv2d(1, 1, F, bias=False) for _ in range(layers)))
    for layer in network:
        nn.init.ones_(layer.weight)
    return network.double()


def test_field_and_paths_are_the_gradient():
    explorer, heights = widgets.stack_explorer(), set()
    for F, layers in settings(explorer):
        field = explorer.field()
        image = torch.zeros(1, 1, field, field, dtype=torch.float64)
        output = ones(F, layers)(image.requires_grad_())
        assert output.numel() == 1  # one pixel less, and nothing fits
        output.sum().backward()
        paths = torch.tensor(explorer.paths(), dtype=torch.float64)
        assert torch.equal(image.grad[0, 0], torch.outer(paths, paths))
        words, height = texts(explorer)
        heights.add(height)
        assert f"one layer of {field}×{field}" in words
    assert len(heights) == 1  # nothing below jumps


def test_costs_are_those_of_the_layer_table():
    explorer = widgets.stack_explorer(C=3)
    for F, layers in settings(explorer):
        field = explorer.field()
        found = explorer.compared()
        for which, (n, extent) in enumerate([(layers, F), (1, field)]):
            # Padded on one side, so that every layer has the same 4×4 places.
            pad = (extent - 1, 0, extent - 1, 0)
            parts = [
                part
                for _ in range(n)
                for part in (nn.ZeroPad2d(pad), nn.Conv2d(3, 3, extent), nn.ReLU())
            ]
            table = layer_table(nn.Sequential(*parts), (3, 4, 4))
            convs = [row for row in table.rows if row.type == "Conv2d"]
            kept = sum(row.activations for row in convs)
            assert found["weights"][which] == table.weights
            assert found["multiply-adds per pixel"][which] == table.multiply_adds / 16
            assert found["values kept per pixel"][which] == kept / 16
            assert found["bends (ReLU)"][which] == len(convs)


def test_channels_do_not_change_the_ratio():
    explorer = widgets.stack_explorer(F=3, layers=2)
    for C in (1, 7, 512):
        explorer.C.value = C
        stack, one = explorer.compared()["weights"]
        assert (stack, one) == (18 * C * C, 25 * C * C)
        assert "The stack needs 72 %" in explorer.describe()


def test_what_it_says():
    explorer = widgets.stack_explorer(F=3, layers=3, C=64)
    assert repr(explorer) == (
        "3 layers of 3×3 see 1 + 3·(3 − 1) = 7 pixels along a side, as one layer of "
        "7×7 does."
    )
    assert "weights 110 592 against 200 704" in explorer.describe()
    explorer.relu.value = False
    assert "Without ReLU one layer could do all that it does." in explorer.describe()
    assert "bends (ReLU) 0 against 0" in explorer.describe()
    explorer.F.value = 2
    assert "F is even" in explorer.describe()
    explorer.F.value = 1
    assert "nothing is seen but the pixel itself" in explorer.describe()
    explorer.layers.value = 1
    assert "A stack of one layer is that layer." in explorer.describe()


def test_still_is_the_same_each_time():
    still = widgets.stack_explorer().still()
    assert still == widgets.stack_explorer().still()
    assert "Run this cell to play with it." in still["text/html"]


@pytest.mark.parametrize(("depth", "model", "measured"), [(16, 60, 73), (19, 66, 78)])
def test_what_lesson_08_says_of_memory(depth, model, measured):
    """PyTorch keeps the model's activations, and where each pooling's largest stood."""
    with torch.device("meta"):
        network = vgg(depth)
    own = {p.untyped_storage()._cdata for p in network.parameters()}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage  # held, so that no other gets its place
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with hooks, torch.device("meta"):
        scores = network(torch.empty(1, 3, 224, 224))
    assert scores.shape == (1, 1000)
    megabytes = sum(storage.nbytes() for storage in kept.values()) / 1e6
    assert megabytes == pytest.approx(measured, abs=0.5)
    rows = layer_table(network, (3, 224, 224)).rows
    counted = [row for row in rows if row.type in ("Conv2d", "MaxPool2d", "Linear")]
    activations = sum(row.activations for row in counted)
    assert 4 * activations / 1e6 == pytest.approx(model, abs=0.5)
