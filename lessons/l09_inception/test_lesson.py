"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.counting import layer_table
from helpers.drawing import PALE_ORANGE
from helpers.exercises.engine import case
from helpers.explorers import OWN
from helpers.networks import Inception as Finished
from helpers.networks import alexnet, googlenet, vgg
from lessons.l09_inception.explorer import inception_explorer
from lessons.l09_inception.figures import NAIVE, REDUCED, draw_module
from tests.lesson_tests import LessonTests
from tests.pictures import SVG, filled, size_of, svg, tidy, words

# --- Right answers, written differently -----------------------------------------------


class ConvFunctional(nn.Module):
    def __init__(self, D, K, F, S=1):
        super().__init__()
        self.layer = nn.Conv2d(D, K, (F, F), S, ((F - 1) // 2, (F - 1) // 2))

    def forward(self, x):
        return self.layer(x).clamp(min=0)


def conv_padded_apart(D, K, F, S=1):
    P = (F - 1) // 2
    return nn.Sequential(nn.ZeroPad2d(P), nn.LazyConv2d(K, F, S), nn.ReLU(inplace=True))


def multiply_adds_by_layer(W, H, D, F, K, P=0):
    layer = nn.Conv2d(1, 1, F, padding=P)
    places = layer(torch.zeros(1, 1, H, W))[0, 0].numel()
    return places * torch.Size((K, D, F, F)).numel()


def multiply_adds_by_counting(W, H, D, F, K, P=0):
    columns = len(range(-P, W + P - F + 1))
    rows = len(range(-P, H + P - F + 1))
    return columns * rows * (F**2 * D) * K


def mix_by_lists(maps, weight):
    return [
        [
            [
                [
                    sum(w * m[i][j] for w, m in zip(row, image))
                    for j in range(len(image[0][0]))
                ]
                for i in range(len(image[0]))
            ]
            for row in weight.tolist()
        ]
        for image in maps.tolist()
    ]


def mix_by_linear(maps, weight):
    return functional.linear(maps.transpose(1, 3), weight).transpose(1, 3)


class InceptionFlat(nn.Module):
    """Every layer by itself, ReLU once at the end where the order does not matter."""

    def __init__(self, D, k1, r3, k3, r5, k5, pool):
        super().__init__()
        self.a = nn.Conv2d(D, k1, 1)
        self.b1, self.b2 = nn.Conv2d(D, r3, 1), nn.Conv2d(r3, k3, 3, padding="same")
        self.c1, self.c2 = nn.Conv2d(D, r5, 1), nn.Conv2d(r5, k5, 5, padding="same")
        self.d = nn.Conv2d(D, pool, 1)

    def forward(self, x):
        pooled = functional.max_pool2d(x, 3, 1, 1)
        three = self.b2(self.b1(x).relu())
        five = self.c2(self.c1(x).relu())
        return torch.cat((self.a(x), three, five, self.d(pooled)), -3).relu()


class InceptionBackwards(nn.Module):
    """Its layers are made in a different order from that in which they compute."""

    def __init__(self, D, k1, r3, k3, r5, k5, pool):
        super().__init__()
        self.wide = nn.ModuleList([nn.Conv2d(r3, k3, 3, 1, 1)])
        self.wide.append(nn.Conv2d(r5, k5, 5, 1, 2))
        self.narrow = nn.ModuleList(nn.Conv2d(D, r, 1) for r in (r3, r5))
        self.last, self.first = nn.Conv2d(D, pool, 1), nn.Conv2d(D, k1, 1)
        self.pooling = nn.MaxPool2d((3, 3), (1, 1), (1, 1))

    def forward(self, x):
        out = [self.first(x)]
        for wide, narrow in zip(self.wide, self.narrow):
            out.append(wide(torch.relu(narrow(x))))
        out.append(self.last(self.pooling(x)))
        return functional.relu(torch.cat(out, dim=1))


class InceptionUpwards(InceptionBackwards):
    """It computes in a different order, too."""

    def forward(self, x):
        last = self.last(self.pooling(x))
        five, three = (self.wide[k](torch.relu(self.narrow[k](x))) for k in (1, 0))
        return functional.relu(torch.cat((self.first(x), three, five, last), dim=1))


def finished(D, k1, r3, k3, r5, k5, pool):
    return Finished(D, k1, k3, k5, reduce3=r3, reduce5=r5, pool=pool)


def stack_by_module(D, rows):
    network = nn.Sequential()
    for row in rows:
        if row == "pool":
            network.append(nn.MaxPool2d((3, 3), (2, 2), ceil_mode=True))
            continue
        module = finished(D, *row)
        network.append(module)
        D = module.channels
    return network


def stack_by_depths(D, rows, module=InceptionFlat):
    modules = [row for row in rows if row != "pool"]
    depths = iter([D, *(sum(row) - row[1] - row[3] for row in modules)])
    return nn.Sequential(
        *(
            nn.MaxPool2d(3, 2, ceil_mode=True)
            if row == "pool"
            else module(next(depths), *row)
            for row in rows
        )
    )


def loss_of_all(scores, heads, labels):
    losses = [nn.CrossEntropyLoss()(s, labels) for s in (scores, *heads)]
    return losses[0] + 0.3 * sum(losses[1:])


def loss_by_log(scores, heads, labels):
    total, rows = 0, torch.arange(len(labels))
    for share, each in [(1, scores), *((0.3, head) for head in heads)]:
        total -= share * each.log_softmax(1)[rows, labels].mean()
    return total


def sides_by_layers():
    image = torch.zeros(1, 1, 28, 28)

    def side(layer):
        return layer(image).shape[-1]

    def kept(F):
        return next(P for P in range(F) if side(nn.Conv2d(1, 1, F, padding=P)) == 28)

    return {
        "three": side(nn.Conv2d(1, 1, 3)),
        "five": side(nn.Conv2d(1, 1, 5)),
        "pool": side(nn.MaxPool2d(2, stride=1)),
        "P3": kept(3),
        "P5": kept(5),
    }


def bottlenecks_by_table():
    with torch.device("meta"):
        half = nn.Conv2d(64, 32, 1, bias=False)
        branch = nn.Sequential(nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2))
    halved = layer_table(half, (64, 56, 56))
    reduce, five = layer_table(branch, (192, 28, 28)).rows
    return {
        "depth": halved.rows[0].output[0],
        "weights": halved.weights,
        "reduce": reduce.multiply_adds,
        "five": five.multiply_adds,
    }


with torch.device("meta"):
    GOOGLENET = googlenet(aux=False)


def gaps_by_network():
    filters = {
        name: layer.out_channels
        for name, layer in GOOGLENET.named_modules()
        if isinstance(layer, nn.Conv2d)
    }
    return {
        "k5_3b": filters["inception3b.branch5.conv.conv"],
        "k3_4a": filters["inception4a.branch3.conv.conv"],
        "pool_4e": filters["inception4e.branch_pool.project.conv"],
        "k1_5b": filters["inception5b.branch1.conv"],
    }


def longest_way(part):
    """Layers that learn, one after the other."""
    if isinstance(part, nn.Conv2d | nn.Linear):
        return 1
    ways = list(map(longest_way, part.children()))
    return max(ways) if isinstance(part, Finished) else sum(ways)


def end_by_network():
    modules = [part for part in GOOGLENET.children() if isinstance(part, Finished)]
    with torch.device("meta"):
        dense = nn.Linear(7 * 7 * 1024, 1000)
    return {
        "in_modules": sum(map(longest_way, modules)),
        "depth": longest_way(GOOGLENET),
        "dense": dense.weight.numel(),
        "after": GOOGLENET.fc.weight.numel(),
    }


def ratios_by_networks():
    with torch.device("meta"):
        networks = {"alexnet": alexnet("published"), "vgg16": vgg(16)}
    counts = {
        name: sum(p.numel() for p in network.parameters())
        for name, network in networks.items()
    }
    own = sum(p.numel() for p in GOOGLENET.parameters())
    return {name: count / own for name, count in counts.items()}


RIGHT = {
    "09.2": [
        ConvFunctional,
        conv_padded_apart,
        lambda D, K, F, S=1: nn.Sequential(conv_padded_apart(D, K, F, S)),
    ],
    "09.3": [
        multiply_adds_by_layer,
        multiply_adds_by_counting,
        lambda W, H, D, F, K, P=0: np.prod(
            [W + 2 * P - (F - 1), H + 2 * P - (F - 1), K, F, F, D]
        ),
    ],
    "09.4": [
        mix_by_lists,
        mix_by_linear,
        lambda maps, weight: functional.conv2d(maps, weight[:, :, None, None]),
        lambda maps, weight: torch.einsum("ndhw,kd->nkhw", maps, weight),
        lambda maps, weight: (weight @ maps.flatten(2)).unflatten(2, maps.shape[2:]),
        lambda maps, weight: np.tensordot(maps, weight, ([1], [1])).transpose(
            0, 3, 1, 2
        ),
    ],
    "09.6": [InceptionFlat, InceptionBackwards, InceptionUpwards, finished],
    "09.8": [
        stack_by_module,
        stack_by_depths,
        lambda D, rows: stack_by_depths(D, rows, InceptionUpwards),
    ],
    "09.11": [
        loss_of_all,
        loss_by_log,
        lambda scores, heads, labels: loss_of_all(scores, heads, labels).view(1),
    ],
    "09.1": [sides_by_layers()],
    "09.5": [bottlenecks_by_table()],
    "09.7": [gaps_by_network()],
    "09.9": [end_by_network()],
    "09.10": [ratios_by_networks()],
}


# --- Wrong answers that nobody listed -------------------------------------------------


class InceptionWith(nn.Module):
    """An inception module of the right kind, with something else in it."""

    def __init__(self, *widths, F3=3, pool=None, act=nn.ReLU, order=None, bias=True):
        super().__init__()
        D, k1, r3, k3, r5, k5, project = widths
        pool = pool or (lambda: nn.MaxPool2d(3, 1, 1))
        self.order = order

        def conv(d, k, F):
            return nn.Conv2d(d, k, F, padding=F // 2, bias=bias), act()

        self.branches = nn.ModuleList(
            [
                nn.Sequential(*conv(D, k1, 1)),
                nn.Sequential(*conv(D, r3, 1), *conv(r3, k3, F3)),
                nn.Sequential(*conv(D, r5, 1), *conv(r5, k5, 5)),
                nn.Sequential(pool(), *conv(D, project, 1)),
            ]
        )

    def forward(self, x):
        order = self.order or range(4)
        return torch.cat([self.branches[k](x) for k in order], dim=1)


def inception_with(**options):
    return lambda *widths: InceptionWith(*widths, **options)


class InceptionOneImage(InceptionFlat):
    def forward(self, x):
        return super().forward(x)[:1]


def conv_with(F=lambda F: F, K=lambda K: K, act=nn.ReLU, bias=True, mode="zeros"):
    def make(D, k, f, S=1):
        side = F(f)
        options = {"padding": side // 2, "bias": bias, "padding_mode": mode}
        return nn.Sequential(nn.Conv2d(D, K(k), side, S, **options), act())

    return make


def stack_with(pool=None, act=nn.Identity, rows_of=list):
    def make(D, rows):
        network = nn.Sequential()
        for row in rows_of(rows):
            if row == "pool":
                network.append(pool() if pool else nn.MaxPool2d(3, 2, ceil_mode=True))
            else:
                network.append(nn.Sequential(finished(D, *row), act()))
                D = row[0] + row[2] + row[4] + row[5]
        return network

    return make


WRONG = {
    "09.1": [
        {"three": 26, "five": 24, "pool": 27, "P3": 1, "P5": 1},
        {"three": 24, "five": 26, "pool": 27, "P3": 2, "P5": 1},
        {"three": 26, "five": 24, "pool": 13, "P3": 1, "P5": 2},
        {"three": 26, "five": 24, "pool": 26, "P3": 0, "P5": 0},
        {"three": "26", "five": "24", "pool": "27", "P3": "1", "P5": "2"},
        {"three": (26, 26), "five": (24, 24), "pool": (27, 27), "P3": 1, "P5": 2},
    ],
    "09.2": [
        conv_with(F=lambda F: 3),
        conv_with(K=lambda K: K + 1),
        conv_with(act=nn.Tanh),
        conv_with(act=nn.LeakyReLU),
        conv_with(bias=False),
        conv_with(mode="reflect"),
        conv_with(mode="replicate"),
        lambda D, K, F, S=1: nn.Sequential(
            nn.ReLU(), nn.Conv2d(D, K, F, S, padding=F // 2)
        ),
        lambda D, K, F, S=1: nn.Conv2d(K, D, F, S, padding=F // 2),
        lambda D, K, F, S=1: functional.relu,
    ],
    "09.3": [
        lambda W, H, D, F, K, P=0: (W - F + 2 * P) * (H - F + 2 * P) * K * F * F * D,
        lambda W, H, D, F, K, P=0: (W - F + 2 * P + 1) ** 2 * K * F * F * D,
        lambda W, H, D, F, K, P=0: (H - F + 2 * P + 1) ** 2 * K * F * F * D,
        lambda W, H, D, F, K, P=0: (W + 2 * P) * (H + 2 * P) * K * F * F * D,
        lambda W, H, D, F, K, P=0: (
            (W - F + 2 * P + 1) * (H - F + 2 * P + 1) * K * (F * F * D + 1)
        ),
        lambda W, H, D, F, K, P=0: 2 * multiply_adds_by_layer(W, H, D, F, K, P),
        lambda W, H, D, F, K, P=0: multiply_adds_by_layer(W, H, K, F, 1, P),
        lambda W, H, D, F, K, P=0: str(multiply_adds_by_layer(W, H, D, F, K, P)),
        lambda W, H, D, F, K, P=0: multiply_adds_by_layer(W, H, D, F, K, P) / F,
    ],
    "09.4": [
        lambda maps, weight: maps,
        lambda maps, weight: weight,
        lambda maps, weight: mix_by_linear(maps, weight)[0],
        lambda maps, weight: mix_by_linear(maps, weight).flip(1),
        lambda maps, weight: mix_by_linear(maps, weight).transpose(2, 3),
        lambda maps, weight: mix_by_linear(maps, weight.abs()),
        lambda maps, weight: mix_by_linear(maps, weight) + 1,
        lambda maps, weight: mix_by_linear(maps, weight).mean(dim=(2, 3)),
        lambda maps, weight: mix_by_linear(maps, weight.softmax(dim=1)),
    ],
    "09.5": [
        {"depth": 32, "weights": 2048, "reduce": 10035200, "five": 2408448},
        {"depth": 32, "weights": 64, "reduce": 2408448, "five": 10035200},
        {"depth": 96, "weights": 2048, "reduce": 2408448, "five": 10035200},
        {"depth": 32, "weights": 2048, "reduce": 2408448, "five": 12800},
        {"depth": 32, "weights": 2048, "reduce": 2408448, "five": 2007040},
        {"depth": "32", "weights": "2048", "reduce": 0, "five": 0},
    ],
    "09.6": [
        InceptionOneImage,
        inception_with(F3=5),
        inception_with(act=nn.Tanh),
        inception_with(act=nn.LeakyReLU),
        inception_with(bias=False),
        inception_with(order=(0, 2, 1, 3)),
        inception_with(order=(0, 1, 3, 2)),
        inception_with(order=(0, 1, 2)),
        inception_with(pool=nn.Identity),
        inception_with(pool=lambda: nn.AvgPool2d(3, 1, 1)),
        inception_with(pool=lambda: nn.MaxPool2d(5, 1, 2)),
        lambda D, k1, r3, k3, r5, k5, pool: finished(D, k1, k3, r3, k5, r5, pool),
        lambda D, k1, r3, k3, r5, k5, pool: Finished(D, k1, k3, k5),
    ],
    "09.7": [
        {"k5_3b": 96, "k3_4a": 208, "pool_4e": 128, "k1_5b": 256},
        {"k5_3b": 32, "k3_4a": 208, "pool_4e": 128, "k1_5b": 384},
        {"k5_3b": 480, "k3_4a": 512, "pool_4e": 832, "k1_5b": 1024},
        {"k5_3b": 208, "k3_4a": 96, "pool_4e": 384, "k1_5b": 128},
        {"k5_3b": 0, "k3_4a": 0, "pool_4e": 0, "k1_5b": 0},
    ],
    "09.8": [
        stack_with(lambda: nn.AvgPool2d(3, 2, ceil_mode=True)),
        stack_with(lambda: nn.MaxPool2d(3, 2, padding=1)),
        stack_with(lambda: nn.MaxPool2d(2, 2, ceil_mode=True)),
        stack_with(lambda: nn.MaxPool2d(3, 3, ceil_mode=True)),
        stack_with(nn.Identity),
        stack_with(act=nn.Tanh),
        stack_with(rows_of=lambda rows: rows[::-1]),
        stack_with(rows_of=lambda rows: rows[:1]),
        stack_with(rows_of=lambda rows: [row for row in rows if row != "pool"]),
        lambda D, rows: stack_by_module(D, rows)[0],
    ],
    "09.9": [
        {"in_modules": 18, "depth": 23, "dense": 50176000, "after": 1024000},
        {"in_modules": 27, "depth": 31, "dense": 50176000, "after": 1024000},
        {"in_modules": 36, "depth": 40, "dense": 50176000, "after": 1024000},
        {"in_modules": 18, "depth": 22, "dense": 50176, "after": 1024},
        {"in_modules": 18, "depth": 22, "dense": 7168000, "after": 1024000},
        {"in_modules": 22, "depth": 18, "dense": 1024000, "after": 50176000},
    ],
    "09.10": [
        {"alexnet": 9, "vgg16": 20},
        {"alexnet": 8.7, "vgg16": 2.3},
        {"alexnet": 9.2, "vgg16": 20.9},
        {"alexnet": 19.8, "vgg16": 8.7},
        {"alexnet": 10.2, "vgg16": 23.2},
        {"alexnet": "8.7", "vgg16": "19.8"},
    ],
    "09.11": [
        lambda scores, heads, labels: 0.3,
        lambda scores, heads, labels: loss_of_all(scores, heads, labels).item(),
        lambda scores, heads, labels: loss_of_all(scores.detach(), heads, labels),
        lambda scores, heads, labels: loss_of_all(scores, heads, labels) / 1.3,
        lambda scores, heads, labels: loss_of_all(scores, heads, labels.flip(0)),
        lambda scores, heads, labels: loss_of_all(scores, heads[1:], labels),
        lambda scores, heads, labels: loss_of_all(scores, [scores] * 2, labels),
        lambda scores, heads, labels: loss_of_all(scores, heads[:2], labels),
        lambda scores, heads, labels: loss_of_all(scores, heads, labels) + 0.3,
        lambda scores, heads, labels: functional.cross_entropy(
            scores + 0.3 * sum(heads), labels
        ),
        lambda scores, heads, labels: loss_of_all(scores, heads, labels) * len(labels),
    ],
}


# --- Inputs for the mutants -----------------------------------------------------------


def _images(rng, D, least=3):
    return (rng.randint(1, 3), D, rng.randint(least, 9), rng.randint(least, 9))


def _conv(rng):
    D, F = rng.randint(1, 5), rng.choice((1, 3, 5, 7))
    return case(_images(rng, D), D, rng.randint(1, 5), F, S=rng.randint(1, 3))


def _cost(rng):
    F, P = rng.randint(1, 7), rng.randint(0, 3)
    W, H = (F + rng.randint(0, 20) for _ in "WH")
    return case(W, H, rng.randint(1, 9), F, rng.randint(1, 9), P)


def _mixed(rng):
    generator = torch.Generator().manual_seed(rng.randrange(10**6))
    maps = torch.randn(_images(rng, rng.randint(1, 6), 1), generator=generator)
    return case(
        maps, torch.randn(rng.randint(1, 6), maps.shape[1], generator=generator)
    )


def _module(rng):
    D, *widths = (rng.randint(1, 6) for _ in range(7))
    return case(_images(rng, D), D, *widths)


def _rows(rng):
    D, count = rng.randint(1, 5), rng.randint(1, 4)
    rows = [tuple(rng.randint(1, 5) for _ in range(6)) for _ in range(count)]
    rows.insert(rng.randint(0, count), "pool")
    return case(_images(rng, D, 4), D, rows)


def _scores(rng):
    generator = torch.Generator().manual_seed(rng.randrange(10**6))
    N, classes = rng.randint(1, 6), rng.randint(2, 9)
    shape = (rng.randint(1, 4), N, classes)
    scores, *heads = 2 * torch.randn(shape, generator=generator)
    return case(scores, heads, torch.randint(classes, (N,), generator=generator))


INPUTS = {
    "09.2": _conv,
    "09.3": _cost,
    "09.4": _mixed,
    "09.6": _module,
    "09.8": _rows,
    "09.11": _scores,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"09.2", "09.6", "09.8"})


# --- The explorer ---------------------------------------------------------------------


def counted(explorer, naive=False):
    """The module of PyTorch that the sliders describe."""
    k1, r3, k3, r5, k5, pool = (value or None for value in explorer.values())
    if naive:
        r3 = r5 = pool = None
    with torch.device("meta"):
        module = Finished(explorer.D, k1, k3, k5, r3, r5, pool)
        size = (explorer.D, explorer.H, explorer.W)
        return layer_table(module, size), module.channels


@pytest.mark.parametrize("D", [96, 192, 832])
def test_counts_are_those_of_the_module(D):
    explorer = inception_explorer(12, 9, D)
    sizes = set()
    for reduce3, reduce5, pool in itertools.product((0, 64), (0, 24), (0, 40)):
        explorer.set_values(explorer.numbers, (72, reduce3, 256, reduce5, 128, pool))
        for naive in (False, True):
            table, depth = counted(explorer, naive)
            assert explorer.weights(naive) == table.weights
            assert explorer.multiply_adds(naive) == table.multiply_adds
            if not naive:
                assert sum(explorer.depths()) == depth
        sizes.add(size_of(explorer))
        assert f"12×9×{sum(explorer.depths())}" in words(explorer)
    assert len(sizes) == 1  # nothing below jumps


def test_the_paper_s_first_module():
    explorer = inception_explorer()
    assert repr(explorer) == "output 28 × 28 × 256: 64 + 128 + 32 + 32 maps."
    assert "Branches: 1×1 to 64; 1×1 to 96 then 3×3 to 128" in explorer.describe()
    assert "163 328 weights, 128.0 M" in explorer.describe()
    assert "2.37 times fewer than the naive module" in explorer.describe()
    explorer.preset.value = "the same, naive"
    assert "28 × 28 × 416" in explorer.describe()
    assert "as many as the naive module" in explorer.describe()
    assert "All 192 maps" in explorer.describe()
    explorer.k1.value = 72
    assert explorer.preset.value == OWN
    explorer.preset.value = "GoogLeNet's first"
    assert explorer.values() == [64, 96, 128, 16, 32, 32]


def test_a_reduction_may_cost_more_than_it_saves():
    explorer = inception_explorer()
    for r in range(8, 193, 8):
        explorer.reduce3.value = r
        costs_more = 192 * r + 9 * r * 128 > 9 * 192 * 128
        assert costs_more == (r > 164)
        assert ("before 3×3 costs more" in explorer.describe()) == costs_more
    explorer.reduce5.value = 192
    assert "before 3×3 and 5×5 cost more" in explorer.describe()
    explorer.reduce3.value = 0
    assert "before 5×5 costs more" in explorer.describe()


def test_nothing_is_drawn_outside():
    explorer = inception_explorer(112, 112, 1024)
    numbers = explorer.numbers
    for values in ((256, 0, 256, 0, 128, 0), (8, 8, 8, 8, 8, 8)):
        explorer.set_values(numbers, values)
        for rect in svg(explorer).iter(f"{SVG}rect"):
            if rect.get("width") == "100%":
                continue
            x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            assert 0 <= x <= explorer.WIDTH - w
            assert 60 <= y <= explorer.HEIGHT - h


def test_the_input_has_limits():
    for size in [(28, 28, 95), (28, 28, 1025), (0, 28, 192)]:
        with pytest.raises(ValueError, match="depth of 96 to 1024"):
            inception_explorer(*size)


# --- The figure -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "naive", "total", "new"),
    [(NAIVE, True, 416, 0), (REDUCED, False, 256, 3)],
)
def test_the_figure_shows_the_first_module(drawn, naive, total, new):
    stages = inception_explorer().branches(naive)
    assert [[(s.name, s.depth) for s in branch] for branch in stages] == list(drawn)
    picture = tidy(draw_module(192, drawn))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    for name, maps in itertools.chain.from_iterable(drawn):
        assert {name, str(maps)} <= set(texts)
    assert f"{total} maps" in texts
    assert len(filled(picture, PALE_ORANGE)) == new
