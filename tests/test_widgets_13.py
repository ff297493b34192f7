"""The explorer of lesson 13 reads its networks right, and no name is ever hidden."""

import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections import deque

import pytest
import torch
from torchvision import models

from helpers import widgets
from helpers.counting import layer_table
from helpers.exercises.lesson_13 import NETWORKS
from helpers.networks import alexnet, googlenet, resnet, vgg
from helpers.widgets.networks_map import LABELS, Network, place, written

torch.set_num_threads(1)

SVG = "{http://www.w3.org/2000/svg}"
KEYS = {"mobilenetv2": "mobilenet_v2", "efficientnetb0": "efficientnet_b0"}
YEARS = {"AlexNet": 2012, "GoogLeNet": 2014, "VGG": 2014, "ResNet": 2015,
         "DenseNet": 2016, "MobileNet": 2018, "EfficientNet": 2019}  # fmt: skip
DEPTHS = {"AlexNet": 8, "GoogLeNet": 22, "MobileNet-V2": 53, "EfficientNet-B0": 82}


def make(name):
    family, _, depth = name.partition("-")
    if family == "VGG":
        return vgg(int(depth))
    if family == "ResNet":
        return resnet(int(depth))
    if family == "AlexNet":
        return alexnet("torchvision")
    if family == "GoogLeNet":
        return googlenet(False, "torchvision")
    return models.get_model(key(name))


def key(name):
    plain = name.lower().replace("-", "")
    return KEYS.get(plain, plain)


@pytest.fixture(scope="module")
def networks():
    found = {}
    for name, (top1, work, parameters) in NETWORKS.items():
        family, _, number = name.partition("-")
        depth = DEPTHS.get(name) or int(number)
        numbers = round(work * 1e9), round(parameters * 1e6), round(parameters**2 * 1e5)
        found[name] = Network(YEARS[family], depth, top1, 90.0, *numbers)
    return found


def picture(explorer):
    text = explorer.picture.value
    return ET.fromstring(text[text.index("<svg") :])


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_of_the_exercises_are_those_counted_and_published(name):
    top1, work, parameters = NETWORKS[name]
    with torch.device("meta"):
        network = make(name).eval()
    table = layer_table(network, (3, 224, 224))
    assert table.multiply_adds / 1e9 == pytest.approx(work, abs=6e-4)
    assert table.parameters / 1e6 == pytest.approx(parameters, abs=6e-3)
    meta = models.get_model_weights(key(name)).IMAGENET1K_V1.meta
    assert meta["_metrics"]["ImageNet-1K"]["acc@1"] == pytest.approx(top1, abs=6e-4)
    assert meta["num_params"] == table.parameters


@pytest.mark.parametrize("name", ["AlexNet", "VGG-19", "GoogLeNet", "ResNet-152",
                                  "DenseNet-121", *DEPTHS])  # fmt: skip
def test_depth_is_the_longest_chain_of_layers_with_weights(name):
    with torch.device("meta"):
        end = make(name).eval()(torch.empty(1, 3, 224, 224)).grad_fn
    users, waiting = {}, deque([end])
    while waiting:  # the graph, each node once
        for node, _ in waiting.popleft().next_functions:
            if node is not None:
                if node not in users:
                    users[node] = 0
                    waiting.append(node)
                users[node] += 1
    longest, ready, best = {end: 0}, deque([end]), 0
    while ready:  # each node after all that use it
        node = ready.popleft()
        here = longest[node] + ("Convolution" in node.name() or "Addmm" in node.name())
        best = max(best, here)
        for below, _ in node.next_functions:
            if below is not None:
                longest[below] = max(longest.get(below, 0), here)
                users[below] -= 1
                if not users[below]:
                    ready.append(below)
    assert best == (DEPTHS.get(name) or int(name.split("-")[1]))


def test_no_name_overlaps_another_or_leaves_the_picture(networks):
    explorer = widgets.network_explorer(networks)
    controls = [explorer.x, explorer.y, explorer.size]
    for x, y, size in itertools.product(LABELS, LABELS, ("parameters", "")):
        explorer._quiet = True  # drawing all of them would take long
        for control, value in zip(controls, (x, y, size)):
            control.value = value
        boxes = explorer.labels()
        assert not any(overlap(*pair) for pair in itertools.combinations(boxes, 2))
        for left, top, right, bottom in boxes:
            assert explorer.LEFT <= left < right <= explorer.RIGHT
            assert explorer.TOP <= top < bottom <= explorer.BOTTOM
        for (cx, cy, radius), box in zip(explorer.dots(), boxes):
            assert explorer.LEFT + radius <= cx <= explorer.RIGHT - radius
            assert explorer.TOP + radius <= cy <= explorer.BOTTOM - radius
            nearest = (min(max(cx, box[0]), box[2]), min(max(cy, box[1]), box[3]))
            assert math.dist((cx, cy), nearest) >= radius  # never on its own dot


def test_names_are_beside_their_dots_where_there_is_room(networks):
    explorer = widgets.network_explorer(networks)
    for (x, y, radius), box in zip(explorer.dots(), explorer.labels()):
        nearest = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
        assert math.dist((x, y), nearest) < radius + 20


def test_a_dot_further_right_or_higher_has_more(networks):
    explorer = widgets.network_explorer(networks)
    for x, y in itertools.product(LABELS, repeat=2):
        explorer._quiet = True
        explorer.x.value, explorer.y.value = x, y
        dots, xs, ys = explorer.dots(), explorer.values(x), explorer.values(y)
        order = range(len(dots))
        assert sorted(order, key=lambda k: dots[k][0]) == sorted(
            order, key=lambda k: xs[k]
        )
        assert sorted(order, key=lambda k: -dots[k][1]) == sorted(
            order, key=lambda k: ys[k]
        )


def test_areas_are_in_proportion(networks):
    explorer = widgets.network_explorer(networks, size="parameters")
    radii = {n: dot[2] for n, dot in zip(networks, explorer.dots())}
    ratio = networks["VGG-16"].parameters / networks["ResNet-50"].parameters
    assert (radii["VGG-16"] / radii["ResNet-50"]) ** 2 == pytest.approx(ratio)
    explorer.size.value = ""
    assert {dot[2] for dot in explorer.dots()} == {explorer.USUAL}


def test_axes_are_logarithmic_where_numbers_span_much(networks):
    explorer = widgets.network_explorer(networks)
    logarithmic = {name for name in LABELS if explorer.is_log(name)}
    assert logarithmic == {"depth", "multiply_adds", "parameters", "activations"}
    words = [element.text for element in picture(explorer).iter(f"{SVG}text")]
    assert "multiply-adds, logarithmic →" in words
    assert "↑ top-1 accuracy in %" in words
    assert {"1 G", "10 G"} <= set(words)


def test_pointing_at_a_dot_names_it_and_its_numbers(networks):
    root = picture(widgets.network_explorer(networks))
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert sorted(title.splitlines()[0] for title in titles) == sorted(networks)
    (title,) = (t for t in titles if t.startswith("VGG-16"))
    assert "parameters: 138 M" in title
    assert "multiply-adds: 15.5 G" in title
    assert "year: 2014" in title


def test_the_list_chooses_a_network(networks):
    explorer = widgets.network_explorer(networks, show="AlexNet")
    for name, network in networks.items():
        explorer.show.value = name
        root = picture(explorer)
        assert root.get("aria-label") == explorer.describe()
        first = next(root.iter(f"{SVG}text")).text
        assert first.startswith(f"{name} ({network.year}): {network.depth} layers")
        outlined = [
            c for c in root.iter(f"{SVG}circle") if c.get("stroke-width") == "3"
        ]
        assert [c[0].text.splitlines()[0] for c in outlined] == [name]
        assert f". {first}. " in explorer.describe()


def test_the_description_has_both_numbers_of_all(networks):
    explorer = widgets.network_explorer(networks, x="year", y="error")
    assert repr(explorer) == (
        "14 networks, top-1 error in % over year, dot area by parameters."
    )
    assert "AlexNet 43.5 at 2012; " in explorer.describe()
    assert len(re.findall(r" at 20\d\d", explorer.describe())) == 14


def test_numbers_are_written_short():
    assert [written("parameters", v) for v in (61_706, 3.5e6, 143_667_240, 2e9)] == [
        "61.7 k", "3.5 M", "144 M", "2 G",
    ]  # fmt: skip
    assert written("multiply_adds", 300_774_272) == "0.301 G"
    assert written("multiply_adds", 416_520) == "0.417 M"
    assert written("top1", 69.758) == "69.8"
    assert written("year", 2015) == "2015"


def test_few_networks_and_equal_numbers():
    one = {"only <one>": Network(2015, 8, 50.0, 80.0, 10**9, 10**6, 10**6)}
    explorer = widgets.network_explorer(one)
    for name in LABELS:
        explorer.x.value = explorer.y.value = name
        assert "only <one>" in [e.text for e in picture(explorer).iter(f"{SVG}text")]
    assert (
        explorer.still()
        == widgets.network_explorer(one, explorer.x.value, explorer.y.value).still()
    )
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    with pytest.raises(ValueError, match="no network"):
        widgets.network_explorer({})
    with pytest.raises(ValueError, match="no room"):
        place([(10, 10, 3)], [(100, 10)], (0, 0, 20, 20))
