"""The explorer of lesson 07 shows the numbers of the table that it is given."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

from helpers import widgets
from helpers.counting import LayerTable, layer_table
from helpers.networks import alexnet, lenet5, resnet, vgg
from helpers.widgets.costs import QUANTITIES

with torch.device("meta"):
    TABLES = {
        "LeNet-5": layer_table(lenet5(), (1, 32, 32)),
        "AlexNet": layer_table(alexnet("lectured"), (3, 227, 227)),
        "VGG-19": layer_table(vgg(19), (3, 224, 224)),
        "ResNet-152": layer_table(resnet(152), (3, 224, 224)),
    }
SVG = "{http://www.w3.org/2000/svg}"


def picture_of(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    return picture


def settings(explorer):
    for name, table in explorer.tables.items():
        for quantity in QUANTITIES:
            explorer.set_values([explorer.network, explorer.quantity], (name, quantity))
            yield table, quantity.replace("-", "_")


def test_shares_are_those_of_the_table():
    explorer = widgets.cost_explorer(TABLES)
    for table, quantity in settings(explorer):
        rows, total = explorer.rows(), getattr(table, quantity)
        assert explorer.total() == total
        assert [row for row in table.rows if getattr(row, quantity)] == rows
        shares = [100 * getattr(row, quantity) / total for row in rows]
        assert list(map(explorer.share, rows)) == pytest.approx(shares)
        assert sum(shares) == pytest.approx(100)
        assert sum(explorer.shares().values()) == pytest.approx(100)
        described = explorer.describe()
        assert all(f"{row.name} " in described for row in rows)


def test_every_layer_has_its_bar_inside_the_picture():
    explorer = widgets.cost_explorer(TABLES)
    heights = set()
    for _, quantity in settings(explorer):
        picture, rows = picture_of(explorer), explorer.rows()
        heights.add(picture.get("height"))
        ground = explorer.BOTTOM
        bars = [
            r
            for r in picture.iter(f"{SVG}rect")
            if r.get("width") != "100%"
            and float(r.get("y")) + float(r.get("height"))
            == pytest.approx(ground, abs=0.1)
        ]
        assert len(bars) == len(rows)
        tallest = max(float(bar.get("height")) for bar in bars)
        most = max(getattr(row, quantity) for row in rows)
        for bar, row in zip(bars, rows):
            height = tallest * getattr(row, quantity) / most
            assert float(bar.get("height")) == pytest.approx(height, abs=0.02)
            assert float(bar.get("x")) >= 0
            right = float(bar.get("x")) + float(bar.get("width"))
            assert right <= explorer.WIDTH
    assert len(heights) == 1  # nothing below jumps


def test_dense_layers_hold_the_parameters_of_alexnet_and_convolutions_do_the_work():
    explorer = widgets.cost_explorer({"AlexNet": TABLES["AlexNet"]})
    assert repr(explorer) == "AlexNet: 28 823 912 parameters."
    assert explorer.shares()["dense layers"] == pytest.approx(87.0, abs=0.05)
    explorer.quantity.value = "multiply-adds"
    assert explorer.shares()["convolutions"] == pytest.approx(95.9, abs=0.05)
    assert "others" not in explorer.shares()
    explorer.quantity.value = "activations"
    assert "others" in explorer.shares()


def test_the_slider_keeps_its_layer():
    explorer = widgets.cost_explorer(TABLES)
    explorer.network.value, explorer.layer.value = "AlexNet", 7
    assert explorer.chosen().name == "fc7"
    assert "fc7 (Linear) → 4096: 16\u202f777\u202f216 weights" in explorer.describe()
    for quantity in ("activations", "multiply-adds", "parameters"):
        explorer.quantity.value = quantity
        assert explorer.chosen().name == "fc7"
        assert explorer.layer.max == len(explorer.rows())
    explorer.network.value = "VGG-19"
    assert explorer.chosen().name == "fc7"
    explorer.network.value = "LeNet-5"  # which has none
    assert explorer.layer.value <= explorer.layer.max == 5


def test_every_position_of_the_slider_is_another_picture():
    explorer = widgets.cost_explorer({"AlexNet": TABLES["AlexNet"]})
    pictures = set()
    for position in range(1, explorer.layer.max + 1):
        explorer.layer.value = position
        pictures.add(explorer.picture.value)
    assert len(pictures) == explorer.layer.max == 8


def test_small_shares_are_not_written_as_nothing():
    explorer = widgets.cost_explorer({"VGG-19": TABLES["VGG-19"]})
    assert "conv1_1 <0.1 %" in explorer.describe()
    assert not re.search(r"\b0\.0 %", explorer.describe())


def test_still_and_limits():
    explorer = widgets.cost_explorer(TABLES)
    assert explorer.still() == widgets.cost_explorer(TABLES).still()
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    with pytest.raises(ValueError, match="one network or more"):
        widgets.cost_explorer({})
    with pytest.raises(ValueError, match="nothing has no parameters"):
        widgets.cost_explorer({"nothing": LayerTable(())})
    with pytest.raises(ValueError, match="pooling has no parameters"):
        widgets.cost_explorer({"pooling": layer_table(nn.MaxPool2d(2), (1, 4, 4))})
