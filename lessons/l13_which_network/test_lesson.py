"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import itertools
import math
import re
from collections import deque
from functools import cache

import numpy as np
import pytest
import torch
from torchvision import models

from helpers.counting import layer_table
from helpers.exercises import check, engine
from helpers.exercises.engine import case
from helpers.networks import alexnet, googlenet, resnet, vgg
from lessons.l13_which_network.checks import NETWORKS
from lessons.l13_which_network.explorer import (
    LABELS,
    Network,
    network_explorer,
    place,
    written,
)
from tests.lesson_tests import LessonTests
from tests.pictures import SVG, svg, words

# --- Right answers, written differently -----------------------------------------------


def top_k_by_lists(scores, labels, k):
    hits = 0
    for row, label in zip(scores.tolist(), labels.tolist()):
        hits += sum(score > row[label] for score in row) < k
    return 100 * hits / len(labels)


def top_k_by_numpy(scores, labels, k):
    guesses = np.argsort(-scores.numpy(), axis=1)[:, :k]
    return 100 * np.mean([label in row for row, label in zip(guesses, labels.numpy())])


def top_k_by_rank(scores, labels, k):
    own = scores.gather(1, labels[:, None])
    return ((scores >= own).sum(dim=1) <= k).double().mean() * 100


def front_by_sorting(networks):
    front, best = [], None
    for name in sorted(networks, key=lambda n: (networks[n][0], -networks[n][1])):
        work, accuracy = networks[name]
        if best is None or accuracy > best[1] or (work, accuracy) == best:
            front.append(name)
            best = (work, accuracy)
    return front


def front_by_sets(networks):
    def beats(one, other):
        better = one[0] < other[0] or one[1] > other[1]
        return better and one[0] <= other[0] and one[1] >= other[1]

    beaten = {
        name
        for name, own in networks.items()
        if any(beats(other, own) for other in networks.values())
    }
    return set(networks) - beaten


def memory_by_loops(parameters, activations, batch):
    numbers = 0
    for _ in ("weight", "gradient", "momentum"):
        numbers += parameters
    for _ in range(batch):
        numbers += activations
    return numbers * 4


def choose_by_sorting(networks, most_work, most_parameters):
    for name in sorted(networks, key=lambda n: networks[n][2], reverse=True):
        work, parameters, _ = networks[name]
        if not (work > most_work or parameters > most_parameters):
            return name
    return None


def choose_by_loop(networks, most_work, most_parameters):
    best = None
    for name, (work, parameters, accuracy) in networks.items():
        if work > most_work or parameters > most_parameters:
            continue
        if best is None or accuracy > networks[best][2]:
            best = name
    return best


def counted_in_the_table():
    """The five images: scores for bus, car, cat, dog, fox, and the right class."""
    scores = [
        (20, 50, 5, 15, 10),
        (5, 10, 30, 40, 15),
        (45, 25, 5, 10, 15),
        (30, 5, 28, 15, 22),
        (20, 60, 10, 6, 4),
    ]
    five = torch.tensor(scores), torch.tensor([1, 2, 4, 3, 0])
    top_1, top_2, top_3 = (top_k_by_lists(*five, k) for k in (1, 2, 3))
    return {"top_1": top_1, "top_3": top_3, "top_2_error": 100 - top_2}


def beaten_of_six():
    """With the digits that the lesson's table shows."""
    six = ("AlexNet", "GoogLeNet", "ResNet-18", "ResNet-34", "ResNet-50", "VGG-16")
    rounded = {
        name: (round(NETWORKS[name][1], 2), round(NETWORKS[name][0], 1)) for name in six
    }
    return set(six) - set(front_by_sorting(rounded))


def gain(*depths):
    """Points of accuracy for each additional G, from one ResNet to the other."""
    (before, less, _), (after, more, _) = (NETWORKS[f"ResNet-{d}"] for d in depths)
    return (after - before) / (more - less)


def milliseconds(work, parameters):
    return 1000 * max(work / 100e9, 4 * parameters / 10e9)


def chosen_for_places():
    offers = {name: (work, size, top1) for name, (top1, work, size) in NETWORKS.items()}
    limits = {  # G for an image, millions of parameters
        "phone": (12 / 30, 20 / 4),
        "server": (100 / 10, 1000 / 4),
        "microcontroller": (0.1 / 1, 1 / 1),
    }
    return {
        place: choose_by_sorting(offers, *most) or "none"
        for place, most in limits.items()
    }


RIGHT = {
    "13.3": [
        top_k_by_lists,
        top_k_by_numpy,
        top_k_by_rank,
        lambda scores, labels, k: (
            (scores.argsort(dim=1)[:, -k:] == labels.view(-1, 1)).sum()
            * (100 / len(scores))
        ),
    ],
    "13.6": [
        front_by_sorting,
        front_by_sets,
        lambda networks: tuple(front_by_sets(networks)),
        lambda networks: {name: networks[name] for name in front_by_sets(networks)},
    ],
    "13.8": [
        memory_by_loops,
        lambda parameters, activations, batch: (
            12 * parameters + 4 * batch * activations
        ),
        lambda parameters, activations, batch: np.dot(
            [12, 4 * batch], [parameters, activations]
        ),
    ],
    "13.10": [
        choose_by_sorting,
        choose_by_loop,
        lambda networks, most_work, most_parameters: max(
            (
                (accuracy, name)
                for name, (work, parameters, accuracy) in networks.items()
                if most_work >= work and most_parameters >= parameters
            ),
            default=(0, None),
        )[1],
    ],
    "13.1": [{"in_2012": 100 * (1 - 16.4 / 25.8), "in_2015": 100 * (1 - 3.57 / 6.7)}],
    "13.2": [counted_in_the_table()],
    "13.5": [{"dominated": beaten_of_six()}],
    "13.7": [{"from_18_to_34": gain(18, 34), "from_50_to_152": gain(50, 152)}],
    "13.9": [
        {"alexnet": milliseconds(0.7e9, 61e6), "resnet18": milliseconds(1.8e9, 12e6)}
    ],
    "13.11": [chosen_for_places()],
}

# --- Wrong answers that nobody listed -------------------------------------------------


def front_of_the_neighbours(networks):
    """Compares with the one before only."""
    names = sorted(networks, key=lambda n: networks[n])
    return [
        name
        for before, name in zip([None, *names], names)
        if before is None or networks[name][1] >= networks[before][1]
    ]


def choose_first(networks, most_work, most_parameters):
    for name, (work, parameters, _) in networks.items():
        if work <= most_work and parameters <= most_parameters:
            return name
    return None


_MAP = engine.reference("13.4")
_PLACES = engine.reference("13.11")

WRONG = {
    "13.1": [
        {"in_2012": 47, "in_2015": 36},
        {"in_2012": 36, "in_2015": 46},
        {"in_2012": 37, "in_2015": 47},
        {"in_2012": -36, "in_2015": -47},
        {"in_2012": "36 %", "in_2015": "47 %"},
        {"in_2012": 36, "in_2015": [47, 47]},
    ],
    "13.2": [
        {"top_1": 20, "top_3": 80, "top_2_error": 20},
        {"top_1": 40, "top_3": 80, "top_2_error": 40},
        {"top_1": 20, "top_3": 100, "top_2_error": 40},
        {"top_1": 80, "top_3": 20, "top_2_error": 40},
        {"top_1": "20", "top_3": "80", "top_2_error": "40"},
    ],
    "13.3": [
        lambda scores, labels, k: 100.0,
        lambda scores, labels, k: top_k_by_lists(scores, labels, k) / k,
        lambda scores, labels, k: top_k_by_lists(scores, labels[:, None, None], k),
        lambda scores, labels, k: 100 * k / scores.shape[1],
        lambda scores, labels, k: top_k_by_lists(-scores, labels, k),
        lambda scores, labels, k: top_k_by_lists(scores.abs(), labels, k),
        lambda scores, labels, k: top_k_by_lists(scores, labels, 5),
        lambda scores, labels, k: top_k_by_lists(scores, labels.flip(0), k),
        lambda scores, labels, k: round(top_k_by_lists(scores, labels, k)),
        lambda scores, labels, k: str(top_k_by_lists(scores, labels, k)),
        lambda scores, labels, k: (
            100 * (scores.topk(k, 1).indices == labels[:, None]).float().mean()
        ),
        lambda scores, labels, k: (
            100 * (scores.topk(k, 1).indices == labels[:, None]).any(1).float()
        ),
    ],
    "13.4": [
        dict.fromkeys(_MAP, "VGG-19"),
        dict.fromkeys(_MAP, "ResNet-152"),
        _MAP | {"most_parameters": "VGG"},
        _MAP | {"most_activations": "ResNet"},
        _MAP | {"most_work": 19.6},
        _MAP | {"most_work": ["VGG-19"]},
    ],
    "13.5": [
        {"dominated": set()},
        {"dominated": "ResNet-18, VGG-16"},
        {"dominated": {"ResNet-18", "VGG-16", "ResNet-34"}},
        {"dominated": {"GoogLeNet", "VGG-16"}},
        {"dominated": ["ResNet-18", 16]},
        {"dominated": 2},
    ],
    "13.6": [
        front_of_the_neighbours,
        lambda networks: list(networks),
        lambda networks: [],
        lambda networks: front_by_sorting(networks)[:1],
        lambda networks: sorted(networks)[:2],
        lambda networks: len(front_by_sorting(networks)),
        lambda networks: ", ".join(front_by_sorting(networks)),
        lambda networks: [networks[name] for name in front_by_sorting(networks)],
        lambda networks: [min(networks, key=lambda n: networks[n][0])],
        lambda networks: [
            name
            for name, (work, accuracy) in networks.items()
            if accuracy >= sum(a for _, a in networks.values()) / len(networks)
        ],
    ],
    "13.7": [
        {"from_18_to_34": 0.29, "from_50_to_152": 1.9},
        {"from_18_to_34": 1.9, "from_50_to_152": 0.2},
        {"from_18_to_34": 2, "from_50_to_152": 0.3},
        {"from_18_to_34": -1.9, "from_50_to_152": -0.29},
        {"from_18_to_34": "1.9", "from_50_to_152": "0.29"},
        {"from_18_to_34": 1.92, "from_50_to_152": 0.28},
        {"from_18_to_34": 1.96, "from_50_to_152": 0.29},
    ],
    "13.8": [
        lambda parameters, activations, batch: 4 * parameters,
        lambda parameters, activations, batch: (
            4 * (4 * parameters + batch * activations)
        ),
        lambda parameters, activations, batch: (
            8 * (3 * parameters + batch * activations)
        ),
        lambda parameters, activations, batch: 12 * parameters + batch * activations,
        lambda parameters, activations, batch: 3 * parameters + 4 * batch * activations,
        lambda parameters, activations, batch: (
            4 * (3 * parameters + batch + activations)
        ),
        lambda parameters, activations, batch: memory_by_loops(
            activations, parameters, batch
        ),
        lambda parameters, activations, batch: (
            memory_by_loops(parameters, activations, batch) / 1e6
        ),
        lambda parameters, activations, batch: str(
            memory_by_loops(parameters, activations, batch)
        ),
    ],
    "13.9": [
        {"alexnet": 18, "resnet18": 24.4},
        {"alexnet": 24.4, "resnet18": 24.4},
        {"alexnet": 6.1, "resnet18": 18},
        {"alexnet": -24.4, "resnet18": -18},
        {"alexnet": "24.4", "resnet18": "18"},
        {"alexnet": 25, "resnet18": 18},
    ],
    "13.10": [
        choose_first,
        lambda networks, most_work, most_parameters: None,
        lambda networks, most_work, most_parameters: next(iter(networks), None),
        lambda networks, most_work, most_parameters: choose_by_loop(
            networks, most_parameters, most_work
        ),
        lambda networks, most_work, most_parameters: choose_by_loop(
            networks, most_work + 1, most_parameters
        ),
        lambda networks, most_work, most_parameters: (
            choose_by_loop(networks, most_work, most_parameters) or "none"
        ),
        lambda networks, most_work, most_parameters: networks.get(
            choose_by_loop(networks, most_work, most_parameters)
        ),
        lambda networks, most_work, most_parameters: [
            choose_by_loop(networks, most_work, most_parameters)
        ],
    ],
    "13.11": [
        dict.fromkeys(_PLACES, "none"),
        dict.fromkeys(_PLACES, "MobileNet-V2"),
        _PLACES | {"phone": "MobileNet"},
        _PLACES | {"server": "EfficientNet-B7"},
        _PLACES | {"microcontroller": ""},
        _PLACES | {"microcontroller": "LeNet"},
        {"phone": "EfficientNet-B0", "server": "ResNet-152", "microcontroller": "none"},
    ],
}

# --- Random inputs --------------------------------------------------------------------


def _scores(rng):
    N, classes = rng.randint(1, 12), rng.randint(2, 9)
    values = [[rng.gauss(0, 1) for _ in range(classes)] for _ in range(N)]
    labels = [rng.randrange(classes) for _ in range(N)]
    return case(torch.tensor(values), torch.tensor(labels), rng.randint(1, classes))


def _crowd(rng):
    count = rng.randint(1, 12)
    return case({f"n{k}": (rng.randint(1, 6), rng.randint(1, 6)) for k in range(count)})


def _market(rng):
    count = rng.randint(0, 10)
    accuracies = rng.sample(range(100), count)
    networks = {
        f"n{k}": (rng.randint(1, 6), rng.randint(1, 6), accuracy)
        for k, accuracy in enumerate(accuracies)
    }
    return case(networks, rng.randint(1, 6), rng.randint(1, 6))


INPUTS = {
    "13.3": _scores,
    "13.6": _crowd,
    "13.8": lambda rng: case(
        rng.randint(0, 10**6), rng.randint(0, 10**6), rng.randint(1, 99)
    ),
    "13.10": _market,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS


# --- The networks, and the explorer ---------------------------------------------------

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


@cache
def counted(name):
    with torch.device("meta"):
        network = make(name).eval()
    return layer_table(network, (3, 224, 224))


@pytest.fixture(scope="module")
def networks():
    found = {}
    for name, (top1, work, parameters) in NETWORKS.items():
        family, _, number = name.partition("-")
        depth = DEPTHS.get(name) or int(number)
        numbers = round(work * 1e9), round(parameters * 1e6), round(parameters**2 * 1e5)
        found[name] = Network(YEARS[family], depth, top1, 90.0, *numbers)
    return found


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_of_the_exercises_are_those_counted_and_published(name):
    top1, work, parameters = NETWORKS[name]
    table = counted(name)
    assert table.multiply_adds / 1e9 == pytest.approx(work, abs=6e-4)
    assert table.parameters / 1e6 == pytest.approx(parameters, abs=6e-3)
    meta = models.get_model_weights(key(name)).IMAGENET1K_V1.meta
    assert meta["_metrics"]["ImageNet-1K"]["acc@1"] == pytest.approx(top1, abs=6e-4)
    assert meta["num_params"] == table.parameters


def test_the_ends_of_the_map_are_those_counted():
    def most(quantity):
        return max(NETWORKS, key=lambda name: getattr(counted(name), quantity))

    ends = {
        "most_parameters": most("parameters"),
        "most_work": most("multiply_adds"),
        "most_activations": most("activations"),
    }
    assert check("13.4", ends).passed


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
    explorer = network_explorer(networks)
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
    explorer = network_explorer(networks)
    for (x, y, radius), box in zip(explorer.dots(), explorer.labels()):
        nearest = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
        assert math.dist((x, y), nearest) < radius + 20


def test_a_dot_further_right_or_higher_has_more(networks):
    explorer = network_explorer(networks)
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
    explorer = network_explorer(networks, size="parameters")
    radii = {n: dot[2] for n, dot in zip(networks, explorer.dots())}
    ratio = networks["VGG-16"].parameters / networks["ResNet-50"].parameters
    assert (radii["VGG-16"] / radii["ResNet-50"]) ** 2 == pytest.approx(ratio)
    explorer.size.value = ""
    assert {dot[2] for dot in explorer.dots()} == {explorer.USUAL}


def test_axes_are_logarithmic_where_numbers_span_much(networks):
    explorer = network_explorer(networks)
    logarithmic = {name for name in LABELS if explorer.is_log(name)}
    assert logarithmic == {"depth", "multiply_adds", "parameters", "activations"}
    assert {"multiply-adds, logarithmic →", "1 G", "10 G"} <= set(words(explorer))
    assert "↑ top-1 accuracy in %" in words(explorer)


def test_pointing_at_a_dot_names_it_and_its_numbers(networks):
    root = svg(network_explorer(networks))
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert sorted(title.splitlines()[0] for title in titles) == sorted(networks)
    (title,) = (t for t in titles if t.startswith("VGG-16"))
    assert "parameters: 138 M" in title
    assert "multiply-adds: 15.5 G" in title
    assert "year: 2014" in title


def test_the_list_chooses_a_network(networks):
    explorer = network_explorer(networks, show="AlexNet")
    for name, network in networks.items():
        explorer.show.value = name
        root = svg(explorer)
        first = next(root.iter(f"{SVG}text")).text
        assert first.startswith(f"{name} ({network.year}): {network.depth} layers")
        outlined = [
            c for c in root.iter(f"{SVG}circle") if c.get("stroke-width") == "3"
        ]
        assert [c[0].text.splitlines()[0] for c in outlined] == [name]
        assert f". {first}. " in explorer.describe()


def test_the_description_has_both_numbers_of_all(networks):
    explorer = network_explorer(networks, x="year", y="error")
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
    explorer = network_explorer(one)
    for name in LABELS:
        explorer.x.value = explorer.y.value = name
        assert "only <one>" in words(explorer)
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    with pytest.raises(ValueError, match="no network"):
        network_explorer({})
    with pytest.raises(ValueError, match="no room"):
        place([(10, 10, 3)], [(100, 10)], (0, 0, 20, 20))
