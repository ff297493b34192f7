"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.counting import LayerTable, layer_table
from helpers.exercises.engine import case
from helpers.networks import alexnet, lenet5, resnet, vgg, zfnet
from lessons.l07_alexnet_and_zfnet.explorer import QUANTITIES, cost_explorer
from tests.lesson_tests import LessonTests
from tests.pictures import SVG, size_of, svg

with torch.device("meta"):
    TABLE_LECTURED = layer_table(alexnet("lectured"), (3, 227, 227))
    TABLE_PADDED = layer_table(alexnet("ungrouped"), (3, 227, 227))
    TABLE_ZFNET = layer_table(zfnet("lectured"), (3, 227, 227))

# --- Right answers, written differently -----------------------------------------------


def error_by_lists(scores, labels, k=5):
    missed = 0
    for row, label in zip(scores.tolist(), labels.tolist()):
        order = sorted(range(len(row)), key=row.__getitem__, reverse=True)
        missed += label not in order[:k]
    return missed / len(labels)


def error_by_rank(scores, labels, k=5):
    own = scores.gather(1, labels[:, None])
    return ((scores > own).sum(dim=1) >= k).double().mean()


def error_by_numpy(scores, labels, k=5):
    best = np.argsort(-scores.numpy(), axis=1)[:, :k]
    return np.mean([label not in row for row, label in zip(best, labels.numpy())])


def place_by_tensor(c, i, j, H, W):
    return torch.arange((c + 1) * H * W).view(-1, H, W)[c, i, j]


def counts_by_layers(layers, W, D):
    x, counts = torch.empty(1, D, W, W, device="meta"), []
    with torch.device("meta"):
        for kind, *q in layers:
            if kind == "conv":
                layer = nn.Conv2d(x.shape[1], *q)
            elif kind == "pool":
                layer = nn.MaxPool2d(*q)
            else:
                x = x.flatten(1)
                layer = nn.Linear(x.shape[1], *q)
            counts.append(sum(p.numel() for p in layer.parameters() if p.ndim > 1))
            x = layer(x)
    return counts


def counts_by_covering_kernels(layers, W, D):
    """A dense layer is a convolution that covers its input."""
    counts = np.zeros(len(layers))
    for at, layer in enumerate(layers):
        if layer[0] == "dense":
            layer = ("conv", layer[1], W, 1, 0)
        if layer[0] == "conv":
            _, K, F, S, P = layer
            counts[at] = math.prod((F, F, D, K))
            D, W = K, math.floor((W - F + 2 * P) / S + 1)
        else:
            W = len(range(0, W - layer[1] + 1, layer[2]))
    return counts


class Features(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.fine = nn.ModuleList(
            [nn.Conv2d(8 * w, 12 * w, 3), nn.Conv2d(12 * w, 12 * w, (3, 3))]
        )
        self.last = nn.Conv2d(12 * w, 8 * w, 3)
        self.second = nn.Conv2d(3 * w, 8 * w, 5)
        self.first = nn.Conv2d(3, 3 * w, 11, 4)

    def forward(self, x):
        for conv in (self.first, self.second):
            x = functional.max_pool2d(conv(x), 3, 2).clamp(min=0)
        for conv in (*self.fine, self.last):
            x = functional.relu(conv(x))
        return functional.max_pool2d(x, (3, 3), stride=(2, 2))


def features_lazily(w):
    network, bend = nn.Sequential(), nn.ReLU(inplace=True)
    filters = {11: [3], 5: [8], 3: [12, 12, 8]}
    for F, numbers in filters.items():
        for number in numbers:
            network.append(nn.LazyConv2d(number * w, F, 4 if F == 11 else 1))
            network.append(bend)
        network.append(nn.MaxPool2d(3, 2))
    return network


def grouped_by_layer(D1, K, F, groups):
    return nn.Conv2d(D1, K, F, groups=groups).weight.numel()


def grouped_by_loops(D1, K, F, groups):
    count = 0
    for _ in range(groups):
        count += (K // groups) * (D1 // groups) * F**2
    return count


LECTURED, PADDED, ZFNET = (
    {row.name: row for row in table.rows}
    for table in (TABLE_LECTURED, TABLE_PADDED, TABLE_ZFNET)
)


def side(row):
    return row.output[-1]


def more(name):
    """How many more weights ZFNet's layer has than AlexNet's."""
    return ZFNET[name].weights - LECTURED[name].weights


RIGHT = {
    "07.1": [error_by_lists, error_by_rank, error_by_numpy],
    "07.5": [
        place_by_tensor,
        lambda c, i, j, H, W: (c * H + i) * W + j,
        lambda c, i, j, H, W: np.ravel_multi_index((c, i, j), (c + 1, H, W)),
        lambda c, i, j, H, W: j + W * i + W * H * c,
    ],
    "07.7": [counts_by_layers, counts_by_covering_kernels],
    "07.9": [Features, lambda w: Features(w), features_lazily],
    "07.10": [
        grouped_by_layer,
        grouped_by_loops,
        lambda D1, K, F, groups: K * F**2 * D1 / groups,
        lambda D1, K, F, groups: np.prod([K, F, F, D1]) // groups,
    ],
    "07.2": [
        {
            "W2": side(LECTURED["conv1"]),
            "weights": LECTURED["conv1"].weights,
            "pooled": side(LECTURED["pool1"]),
        }
    ],
    "07.4": [
        {
            **{name: side(LECTURED[name]) for name in ("conv3", "conv4", "conv5")},
            "pool5": side(LECTURED["pool5"]),
            "conv5_weights": LECTURED["conv5"].weights,
        }
    ],
    "07.6": [
        {
            "inputs": math.prod(LECTURED["pool5"].output),
            **{name: LECTURED[name].weights for name in ("fc6", "fc7", "fc8")},
        }
    ],
    "07.11": [
        {
            **{
                name: side(PADDED[name])
                for name in ("conv2", "pool2", "conv5", "pool5")
            },
            "inputs": math.prod(PADDED["pool5"].output),
            "fc6": PADDED["fc6"].weights,
        }
    ],
    "07.12": [
        {
            "layer1": more("conv1"),
            "layer5": more("conv3"),
            "layer6": more("conv4"),
            "layer7": more("conv5"),
        }
    ],
    "07.13": [
        {
            "conv1": side(ZFNET["conv1"]),
            "pool1": side(ZFNET["pool1"]),
            "inputs": math.prod(ZFNET["pool5"].output),
            "fc6": more("fc6"),
            "fc7": more("fc7"),
            "all_layers": sum(map(more, LECTURED)),
        }
    ],
}

# --- Wrong answers that nobody listed -------------------------------------------------


def _part(bad):
    """A changed way of counting each layer."""

    def count(layers, W, D):
        counts = counts_by_covering_kernels(layers, W, D).tolist()
        return bad(counts)

    return count


def _rounding_up(layers, W, D):
    counts = []
    for kind, *q in layers:
        if kind == "conv":
            K, F, S, P = q
            counts.append(F * F * D * K)
            W, D = math.ceil((W - F + 2 * P) / S) + 1, K
        elif kind == "pool":
            counts.append(0)
            W = math.ceil((W - q[0]) / q[1]) + 1
        else:
            counts.append(W * W * D * q[0])
            W, D = 1, q[0]
    return counts


def _unpadded(layers, W, D):
    plain = [(*q[:4], 0) if q[0] == "conv" else q for q in layers]
    return counts_by_covering_kernels(plain, W, D)


def _network(**changes):
    how = {"w": 1, "act": nn.ReLU, "stride": 4, "groups": 1, "p": 0, "ceil": False}
    how |= changes

    def build(w):
        w *= how["w"]
        g, p, act = how["groups"], how["p"], how["act"]
        return nn.Sequential(
            *(nn.Conv2d(3, 3 * w, 11, stride=how["stride"]), act()),
            nn.MaxPool2d(3, 2, ceil_mode=how["ceil"]),
            *(nn.Conv2d(3 * w, 8 * w, 5), act(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(8 * w, 12 * w, 3, groups=g), act(), nn.Dropout(p)),
            *(nn.Conv2d(12 * w, 12 * w, 3, groups=g), act()),
            *(nn.Conv2d(12 * w, 8 * w, 3, groups=g), act(), nn.MaxPool2d(3, 2)),
        )

    return build


WRONG = {
    "07.2": [
        {"W2": 56, "weights": 34_848, "pooled": 28},
        {"W2": 55, "weights": 34_848, "pooled": 28},
        {"W2": 55, "weights": 34_944, "pooled": 27},
        {"W2": 55, "weights": 34_000, "pooled": 27},
    ],
    "07.3": [
        {"W2": 27, "weights": 614_400, "pooled": 13},
        {"W2": 23, "weights": 614_656, "pooled": 11},
        {"W2": 23, "weights": 600_000, "pooled": 11},
    ],
    "07.4": [
        {"conv3": 9, "conv4": 7, "conv5": 5, "pool5": 1, "conv5_weights": 884_736},
        {"conv3": 9, "conv4": 7, "conv5": 5, "pool5": 2, "conv5_weights": 884_992},
        {"conv3": 9, "conv4": 9, "conv5": 9, "pool5": 4, "conv5_weights": 884_736},
    ],
    "07.6": [
        {"inputs": 1024, "fc6": 4_194_304, "fc7": 16_777_216, "fc8": 4_097_000},
        {"inputs": 256, "fc6": 1_048_576, "fc7": 16_777_216, "fc8": 4_096_000},
        {"inputs": 1024, "fc6": 4_000_000, "fc7": 16_000_000, "fc8": 4_000_000},
    ],
    "07.8": [
        {"rows_added": 27.527, "worst": "fc7"},
        {"rows_added": 27.561, "worst": "fc8"},
        {"rows_added": 27_561, "worst": "fc7"},
    ],
    "07.11": [
        {
            "conv2": 27,
            "pool2": 13,
            "conv5": 13,
            "pool5": 6,
            "inputs": 9216,
            "fc6": 37_752_832,
        },
        {
            "conv2": 27,
            "pool2": 13,
            "conv5": 13,
            "pool5": 7,
            "inputs": 12_544,
            "fc6": 51_380_224,
        },
        {
            "conv2": 23,
            "pool2": 11,
            "conv5": 5,
            "pool5": 2,
            "inputs": 1024,
            "fc6": 4_194_304,
        },
    ],
    "07.12": [
        {
            "layer1": -20_736,
            "layer5": 294_912,
            "layer6": 3_391_488,
            "layer7": 2_359_296,
        },
        {
            "layer1": -13_824,
            "layer5": 294_912,
            "layer6": 3_391_488,
            "layer7": 3_833_856,
        },
        {"layer1": -20_700, "layer5": 290_000, "layer6": 800_000, "layer7": 360_000},
    ],
    "07.13": [
        {
            "conv1": 56,
            "pool1": 28,
            "inputs": 2048,
            "fc6": 4_194_304,
            "fc7": 0,
            "all_layers": 11_693_824,
        },
        {
            "conv1": 56,
            "pool1": 27,
            "inputs": 2048,
            "fc6": 8_388_608,
            "fc7": 0,
            "all_layers": 15_888_128,
        },
        {
            "conv1": 56,
            "pool1": 27,
            "inputs": 2048,
            "fc6": 4_194_304,
            "fc7": 4_194_304,
            "all_layers": 15_888_128,
        },
    ],
    "07.1": [
        lambda scores, labels, k=5: error_by_rank(-scores, labels, k),
        lambda scores, labels, k=5: error_by_rank(scores, labels, k).round(),
        lambda scores, labels, k=5: error_by_rank(scores, labels, max(1, k - 1)),
        lambda scores, labels, k=5: error_by_rank(scores, labels - 1, k),
        lambda scores, labels, k=5: 1 - k / scores.shape[1],
        lambda scores, labels, k=5: str(error_by_rank(scores, labels, k)),
        lambda scores, labels, k=5: 0,
        lambda scores, labels, k=5: scores.topk(k, dim=0),
    ],
    "07.5": [
        lambda c, i, j, H, W: (c * W + i) * H + j,
        lambda c, i, j, H, W: (i * W + j) * 2 + c,
        lambda c, i, j, H, W: (c + 1) * H * W - 1,
        lambda c, i, j, H, W: c * H * W + j,
        lambda c, i, j, H, W: c * H * W + i * W,
        lambda c, i, j, H, W: (c, i, j),
        lambda c, i, j, H, W: str(c * H * W + i * W + j),
    ],
    "07.7": [
        _rounding_up,
        _unpadded,
        _part(lambda counts: counts[::-1]),
        _part(lambda counts: counts[:-1]),
        _part(lambda counts: [*counts, sum(counts)]),
        _part(lambda counts: [c / 1e6 for c in counts]),
        _part(str),
        lambda layers, W, D: None,
        lambda layers, W, D: [0 for _ in layers],
    ],
    "07.9": [
        _network(w=2),
        _network(stride=3),
        _network(groups=2),
        _network(act=nn.LeakyReLU),
        _network(act=nn.Sigmoid),
        _network(act=nn.Identity),
        _network(p=0.5),
        lambda w: nn.Sequential(*_network()(w), nn.Flatten()),
        lambda w: _network()(1),
        lambda w: list(_network()(w)),
        lambda w: _network(),
    ],
    "07.10": [
        lambda D1, K, F, groups: K * F * F * D1 // 2,
        lambda D1, K, F, groups: K * F * F * (D1 - groups),
        lambda D1, K, F, groups: (K // groups) * F * F * D1 + 1,
        lambda D1, K, F, groups: D1 * F * F * (D1 // groups),
        lambda D1, K, F, groups: K * F * F * max(1, D1 // groups // 2),
        lambda D1, K, F, groups: (K, D1 // groups, F, F),
        lambda D1, K, F, groups: None,
    ],
}


# --- Inputs ---------------------------------------------------------------------------


def _scored(rng):
    classes = rng.randint(3, 12)
    N = rng.randint(1, 30)
    scores = [rng.sample(range(100), classes) for _ in range(N)]
    labels = [rng.randrange(classes) for _ in range(N)]
    arguments = torch.tensor(scores).float(), torch.tensor(labels)
    return case(*arguments, rng.randint(1, classes))


def _at_a_place(rng):
    H, W = rng.randint(1, 9), rng.randint(1, 9)
    return case(rng.randint(0, 9), rng.randrange(H), rng.randrange(W), H, W)


def _layers(rng):
    W, D = rng.randint(12, 40), rng.randint(1, 4)
    layers, size = [], W
    for _ in range(rng.randint(0, 4)):
        F, S = rng.randint(1, 3), rng.randint(1, 2)
        P = rng.randint(0, 2) if rng.random() < 0.7 else None
        if P is None:
            layers.append(("pool", F, S))
        else:
            layers.append(("conv", rng.randint(1, 9), F, S, P))
        size = (size - F + 2 * (P or 0)) // S + 1
        if size < 4:
            break
    layers += [("dense", rng.randint(1, 9)) for _ in range(rng.randint(0, 2))]
    return case(layers, W, D)


def _grouped(rng):
    groups, F = rng.randint(1, 5), rng.randint(1, 7)
    return case(groups * rng.randint(1, 6), groups * rng.randint(1, 6), F, groups)


INPUTS = {
    "07.1": _scored,
    "07.5": _at_a_place,
    "07.7": _layers,
    "07.9": lambda rng: case((rng.randint(1, 2), 3, 227, 227), rng.randint(1, 2)),
    "07.10": _grouped,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"07.9"})


# --- The explorer ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables():
    with torch.device("meta"):
        return {
            "LeNet-5": layer_table(lenet5(), (1, 32, 32)),
            "AlexNet": TABLE_LECTURED,
            "VGG-19": layer_table(vgg(19), (3, 224, 224)),
            "ResNet-152": layer_table(resnet(152), (3, 224, 224)),
        }


def settings(explorer):
    for name, table in explorer.tables.items():
        for quantity in QUANTITIES:
            explorer.set_values([explorer.network, explorer.quantity], (name, quantity))
            yield table, quantity.replace("-", "_")


def test_shares_are_those_of_the_table(tables):
    explorer = cost_explorer(tables)
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


def test_every_layer_has_its_bar_inside_the_picture(tables):
    explorer = cost_explorer(tables)
    size = size_of(explorer)
    for _, quantity in settings(explorer):
        picture, rows = svg(explorer), explorer.rows()
        assert size_of(explorer) == size  # nothing below jumps
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


def test_dense_layers_hold_the_parameters_of_alexnet_and_convolutions_do_the_work():
    explorer = cost_explorer({"AlexNet": TABLE_LECTURED})
    assert repr(explorer) == "AlexNet: 28 823 912 parameters."
    assert explorer.shares()["dense layers"] == pytest.approx(87.0, abs=0.05)
    explorer.quantity.value = "multiply-adds"
    assert explorer.shares()["convolutions"] == pytest.approx(95.9, abs=0.05)
    assert "others" not in explorer.shares()
    explorer.quantity.value = "activations"
    assert "others" in explorer.shares()


def test_the_slider_keeps_its_layer(tables):
    explorer = cost_explorer(tables)
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
    explorer = cost_explorer({"AlexNet": TABLE_LECTURED})
    pictures = set()
    for position in range(1, explorer.layer.max + 1):
        explorer.layer.value = position
        pictures.add(explorer.picture.value)
    assert len(pictures) == explorer.layer.max == 8


def test_small_shares_are_not_written_as_nothing(tables):
    explorer = cost_explorer({"VGG-19": tables["VGG-19"]})
    assert "conv1_1 <0.1 %" in explorer.describe()
    assert not re.search(r"\b0\.0 %", explorer.describe())


def test_there_is_something_to_compare():
    with pytest.raises(ValueError, match="one network or more"):
        cost_explorer({})
    with pytest.raises(ValueError, match="nothing has no parameters"):
        cost_explorer({"nothing": LayerTable(())})
    with pytest.raises(ValueError, match="pooling has no parameters"):
        cost_explorer({"pooling": layer_table(nn.MaxPool2d(2), (1, 4, 4))})
