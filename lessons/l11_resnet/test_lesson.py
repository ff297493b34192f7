"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.counting import layer_table
from helpers.drawing import ORANGE
from helpers.exercises.engine import case
from helpers.networks import Bottleneck as PublishedBottleneck
from helpers.networks import ResidualBlock
from lessons.l11_resnet.explorer import gradient_explorer, gradient_norms
from lessons.l11_resnet.figures import STEPS, draw_block, draw_way_back
from lessons.l11_resnet.recorded import (
    RECORDED,
    recorded_data,
    recorded_errors,
)
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import SVG, size_of, svg, tidy

# --- Right answers, written differently -----------------------------------------------


def clip_by_torch(gradients, most):
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = g
    nn.utils.clip_grad_norm_(parameters, most)
    return [p.grad for p in parameters]


def clip_by_lists(gradients, most):
    flat = [v for g in gradients for v in g.flatten().tolist()]
    norm = math.hypot(*flat)
    if norm <= most:
        return [g.tolist() for g in gradients]
    return tuple((g / norm * most).tolist() for g in gradients)


def clip_in_place(gradients, most):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    for g in gradients:
        g.mul_((most / norm).clamp(max=1))
    return gradients


def clip_by_numpy(gradients, most):
    arrays = [g.numpy() for g in gradients]
    norm = np.sqrt(sum(np.square(a).sum() for a in arrays))
    return [a / max(1, norm / most) for a in arrays]


class BlockOfLayers(nn.Module):
    def __init__(self, channels):
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [nn.Conv2d(channels, channels, (3, 3), 1, "same", bias=False)]
            layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, images):
        return torch.relu(images + self.layers(images))


class BlockNormsFirst(nn.Module):
    """Its layers are made in a different order from that in which they compute."""

    def __init__(self, D):
        super().__init__()
        self.b, self.d = nn.BatchNorm2d(D), nn.BatchNorm2d(D)
        self.a, self.c = nn.LazyConv2d(D, 3, padding=1, bias=False), None
        self.c = nn.Conv2d(D, D, 3, padding=1, bias=False)

    def forward(self, x):
        kept = x.clone()
        x = self.b(self.a(x)).clamp(min=0)
        return (self.d(self.c(x)) + kept).relu_()


class BlockPaddedApart(nn.Module):
    """Padding is a layer of its own, and each half a network of its own."""

    def __init__(self, D):
        super().__init__()
        self.first, self.second = (
            nn.Sequential(
                nn.ZeroPad2d(1),
                nn.Conv2d(D, D, 3, bias=False),
                nn.BatchNorm2d(num_features=D),
            )
            for _ in range(2)
        )

    def forward(self, x):
        kept, x = x, torch.relu(self.first(x))
        x = self.second(x)
        x += kept
        return x.relu()


def shortcut_by_filling(x, channels, stride):
    N, C, H, W = x.shape
    out = torch.zeros(N, channels, -(-H // stride), -(-W // stride))
    out[:, :C] = x[:, :, ::stride, ::stride]
    return out


def shortcut_by_convolution(x, channels, stride):
    weight = torch.eye(channels, x.shape[1])[:, :, None, None]
    return functional.conv2d(x, weight, stride=stride)


def shortcut_by_numpy(x, channels, stride):
    kept = x.numpy()[..., ::stride, ::stride]
    new = channels - kept.shape[1]
    return np.pad(kept, ((0, 0), (0, new), (0, 0), (0, 0)))


def shortcut_by_joining(x, channels, stride):
    kept = functional.max_pool2d(x, 1, stride)
    rest = kept.new_zeros(len(x), channels - x.shape[1], *kept.shape[2:])
    return torch.cat([kept, rest], dim=1)


class BottleneckOfLayers(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        wide = channels * 4
        self.inner = nn.Sequential(
            nn.Conv2d(channels_in, channels, 1, bias=False),
            *(nn.BatchNorm2d(channels), nn.ReLU()),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            *(nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide)),
        )
        self.conv = nn.Conv2d(channels_in, wide, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(wide)

    def forward(self, x):
        return torch.relu(self.inner(x) + self.norm(self.conv(x)))


class BottleneckShortcutFirst(BottleneckOfLayers):
    """What goes past the three layers is made and computed first."""

    def __init__(self, D1, D, stride):
        nn.Module.__init__(self)
        others = BottleneckOfLayers(D1, D, stride)
        self.conv, self.norm, self.inner = others.conv, others.norm, others.inner

    def forward(self, x):
        kept = self.norm(self.conv(x))
        return (kept + self.inner(x)).relu()


def depth_by_loops(blocks, layers):
    count = 1
    for number in blocks:
        for _ in range(number):
            count += layers
    return count + 1


def entropy_by_lists(scores, labels):
    total = 0.0
    for row, label in zip(scores.double().tolist(), labels.tolist()):
        most = max(row)
        total += most + math.log(sum(math.exp(s - most) for s in row)) - row[label]
    return total / len(labels)


def slope(function, x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(x), x)[0].item()


def in_a_row(function, times):
    def all_of_them(x):
        for _ in range(times):
            x = function(x)
        return x

    return all_of_them


def steepest(layers):
    """σ is steepest at 0; moved down by ½, it hands a 0 to the next σ, too."""
    return slope(in_a_row(lambda x: torch.sigmoid(x) - 0.5, layers), 0.0)


def slopes_by_autograd():
    layers = next(n for n in itertools.count(1) if steepest(n) < 1e-6)
    return {"three": steepest(3), "layers": layers}


def paths_by_autograd():
    return {
        "plain": slope(in_a_row(lambda x: x / 2, 3), 1.0),
        "residual": slope(in_a_row(lambda x: x + x / 2, 3), 1.0),
        "paths": len(list(itertools.product(("through F", "past it"), repeat=3))),
    }


def costs_by_table():
    def table(*layers):
        with torch.device("meta"):
            convs = [nn.Conv2d(D1, D2, F, padding=F // 2) for D1, D2, F in layers]
            return layer_table(nn.Sequential(*convs), (256, 28, 28))

    wide = table((256, 256, 3), (256, 256, 3))
    narrow = table((256, 64, 1), (64, 64, 3), (64, 256, 1))
    return {
        "wide": wide.weights,
        "bottleneck": narrow.weights,
        "work": narrow.multiply_adds,
    }


RIGHT = {
    "11.3": [clip_by_torch, clip_by_lists, clip_in_place, clip_by_numpy],
    "11.5": [
        BlockOfLayers,
        BlockNormsFirst,
        BlockPaddedApart,
        lambda D: BlockOfLayers(D),
        lambda D: ResidualBlock(D, D),
    ],
    "11.6": [
        shortcut_by_filling,
        shortcut_by_convolution,
        shortcut_by_numpy,
        shortcut_by_joining,
    ],
    "11.8": [BottleneckOfLayers, PublishedBottleneck, BottleneckShortcutFirst],
    "11.9": [
        depth_by_loops,
        lambda blocks, layers: 2 + sum(n * layers for n in blocks),
        lambda blocks, layers: int(np.dot(blocks, [layers] * len(blocks))) + 2,
    ],
    "11.10": [
        lambda F, D1: math.sqrt(2 / (F**2 * D1)),
        lambda F, D1: 2**0.5 / F / D1**0.5,
        lambda F, D1: torch.tensor(2 / (F * F * D1)).sqrt(),
        lambda F, D1: nn.init.calculate_gain("relu") / np.sqrt(F * F * D1),
    ],
    "11.11": [
        functional.cross_entropy,
        entropy_by_lists,
        lambda scores, labels: nn.NLLLoss()(scores.log_softmax(1), labels),
        lambda scores, labels: (
            scores.logsumexp(1) - scores.gather(1, labels[:, None])[:, 0]
        ).mean(),
        lambda scores, labels: -(
            functional.one_hot(labels, scores.shape[1]) * scores.log_softmax(1)
        ).sum() / len(labels),
    ],
    "11.2": [slopes_by_autograd()],
    "11.4": [paths_by_autograd()],
    "11.7": [costs_by_table()],
}  # fmt: skip

# --- Wrong answers that nobody listed -------------------------------------------------


class Wide(nn.Module):
    """A block in which something else is wrong."""

    def __init__(
        self, D, F=3, momentum=0.1, act=functional.relu, half=False, last=None
    ):
        super().__init__()
        self.half, self.act, self.last = half, act, last or act
        self.conv1 = nn.Conv2d(D, D, F, padding=F // 2, bias=False)
        self.norm1 = nn.BatchNorm2d(D, momentum=momentum)
        self.conv2 = nn.Conv2d(D, D, F, padding=F // 2, bias=False)
        self.norm2 = nn.BatchNorm2d(D, momentum=momentum)

    def forward(self, x):
        out = self.act(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return self.last(out + (x / 2 if self.half else x))


class Subtracted(Wide):
    def forward(self, x):
        return functional.relu(x - self.norm2(self.conv2(self.norm1(self.conv1(x)))))


class Cut(Wide):
    """The same numbers, but nothing is learned through F."""

    def forward(self, x):
        return functional.relu(self.norm2(self.conv2(self.path(x))).detach() + x)

    def path(self, x):
        return functional.relu(self.norm1(self.conv1(x)))


class CutShortcut(Cut):
    def forward(self, x):
        return functional.relu(self.norm2(self.conv2(self.path(x))) + x.data)


class InPlace(Cut):
    def forward(self, x):
        x += self.norm2(self.conv2(self.path(x)))
        return functional.relu(x)


class Unwidened(PublishedBottleneck):
    def forward(self, x):
        return super().forward(x)[:, : x.shape[1]]


class Doubled(PublishedBottleneck):
    def forward(self, x):
        return 2 * super().forward(x)


WRONG = {
    "11.1": [
        {"A": "under", "B": "under", "C": "under"},
        {"A": "neither", "B": "neither", "C": "neither"},
        {"A": "overunder", "B": "under", "C": "neither"},
        {"A": True, "B": False, "C": None},
    ],
    "11.2": [
        {"three": 1 / 64, "layers": 11},
        {"three": 4**3, "layers": 10},
        {"three": "1/64", "layers": 10},
        {"three": 0.0156, "layers": 10},
        {"three": 1 / 64, "layers": -10},
    ],
    "11.3": [
        lambda gradients, most: [g * 0 for g in gradients],
        lambda gradients, most: [g.sign() * most for g in gradients],
        lambda gradients, most: [-g for g in clip_by_torch(gradients, most)],
        lambda gradients, most: clip_by_torch(gradients, most)[::-1],
        lambda gradients, most: clip_by_torch(gradients, most)[:1],
        lambda gradients, most: clip_by_torch(gradients, 10.0),
        lambda gradients, most: torch.cat([g.flatten() for g in gradients]),
        lambda gradients, most: [g.clamp(max=most) for g in gradients],
        lambda gradients, most: clip_by_torch(gradients, most / 2),
    ],
    "11.4": [
        {"plain": 1 / 8, "residual": 27 / 8, "paths": 9},
        {"plain": 27 / 8, "residual": 1 / 8, "paths": 8},
        {"plain": 0.5, "residual": 1.5, "paths": 8},
        {"plain": 1 / 8, "residual": 3.4, "paths": 8},
    ],
    "11.5": [
        Subtracted,
        Cut,
        CutShortcut,
        InPlace,
        lambda D: Wide(D, F=1),
        lambda D: Wide(D, F=5),
        lambda D: Wide(D, half=True),
        lambda D: Wide(D, momentum=0.5),
        lambda D: Wide(D, act=torch.tanh),
        lambda D: Wide(D, last=torch.sigmoid),
        lambda D: PublishedBottleneck(D, D),
        lambda D: ResidualBlock(D, D, plain=True),
        lambda D: ResidualBlock(D, 2 * D, stride=2),
        lambda D: nn.Conv2d(D, D, 3, padding=1),
        lambda D: nn.Identity(),
    ],
    "11.6": [
        lambda x, channels, stride: x,
        lambda x, channels, stride: shortcut_by_filling(x, channels, 2),
        lambda x, channels, stride: shortcut_by_filling(x, channels, stride).abs(),
        lambda x, channels, stride: shortcut_by_filling(x, channels, stride).flip(3),
        lambda x, channels, stride: shortcut_by_filling(x, channels, stride).mT,
        lambda x, channels, stride: functional.interpolate(x, scale_factor=1 / stride),
        lambda x, channels, stride: shortcut_by_filling(x, channels, stride)[0],
        lambda x, channels, stride: torch.zeros(
            shortcut_by_filling(x, channels, stride).shape
        ),
    ],
    "11.7": [
        {"wide": 69632, "bottleneck": 1179648, "work": 54591488},
        {"wide": 1179648, "bottleneck": 69633, "work": 54591488},
        {"wide": 1179648, "bottleneck": 69632, "work": 2 * 54591488},
        {"wide": "1179648", "bottleneck": 69632, "work": 54591488},
    ],
    "11.8": [
        Unwidened,
        Doubled,
        lambda D1, D, stride: PublishedBottleneck(D1, D, 1),
        lambda D1, D, stride: ResidualBlock(D1, 4 * D, stride, project=True),
        lambda D1, D, stride: ResidualBlock(D1, 4 * D, stride),
        lambda D1, D, stride: nn.Conv2d(D1, 4 * D, 3, stride, 1),
        lambda D1, D, stride: nn.Identity(),
    ],
    "11.9": [
        lambda blocks, layers: 18,
        lambda blocks, layers: 2 * sum(blocks) + 2,
        lambda blocks, layers: 3 * sum(blocks) + 2,
        lambda blocks, layers: layers * sum(blocks) + 3,
        lambda blocks, layers: layers * max(blocks) * len(blocks) + 2,
        lambda blocks, layers: layers * sum(set(blocks)) + 2,
        lambda blocks, layers: str(layers * sum(blocks) + 2),
        lambda blocks, layers: [layers * n + 2 for n in blocks],
    ],
    "11.10": [
        lambda F, D1: 0.01,
        lambda F, D1: 1 / (F * F * D1),
        lambda F, D1: (6 / (F * F * D1)) ** 0.5,
        lambda F, D1: (3 / (F * F * D1)) ** 0.5,
        lambda F, D1: -((2 / (F * F * D1)) ** 0.5),
        lambda F, D1: (2 / (9 * D1)) ** 0.5,
        lambda F, D1: round((2 / (F * F * D1)) ** 0.5, 2),
        lambda F, D1: (2 / (F * F * D1 + 1)) ** 0.5,
    ],
    "11.11": [
        lambda scores, labels: functional.cross_entropy(scores, labels) + 0.01,
        lambda scores, labels: functional.cross_entropy(scores.softmax(1), labels),
        lambda scores, labels: functional.nll_loss(scores, labels),
        lambda scores, labels: functional.cross_entropy(
            scores, labels, label_smoothing=0.1
        ),
        lambda scores, labels: functional.cross_entropy(scores.clamp(max=80), labels),
        lambda scores, labels: functional.cross_entropy(scores, labels) / math.log(2),
        lambda scores, labels: functional.cross_entropy(scores[:1], labels[:1]),
        lambda scores, labels: -(
            scores.softmax(1).gather(1, labels[:, None]) + 1e-9
        ).log().mean(),
    ],
}  # fmt: skip

# --- Inputs for the mutants -----------------------------------------------------------


def _gradients(rng):
    size = rng.choice((0.1, 1.0, 10.0))
    shapes = [
        [rng.randint(1, 4) for _ in range(rng.randint(1, 3))]
        for _ in range(rng.randint(1, 4))
    ]
    tensors = [random_tensor(rng, *shape, size=size) for shape in shapes]
    return case(tensors, rng.choice((0.5, 1.0, 5.0, 10.0)))


def _to_shrink(rng):
    C = rng.randint(1, 4)
    x = random_tensor(rng, rng.randint(1, 3), C, rng.randint(1, 7), rng.randint(1, 7))
    return case(x, C + rng.randint(0, 4), rng.randint(1, 3))


def _in_block(rng):
    D = rng.randint(1, 6)
    return case((rng.randint(2, 3), D, rng.randint(3, 6), rng.randint(3, 6)), D)


def _in_bottleneck(rng):
    D1 = 2 * rng.randint(1, 4) + 1  # never 4·D, where the shortcut may be left out
    shape = (rng.randint(2, 3), D1, rng.randint(3, 7), rng.randint(3, 7))
    return case(shape, D1, rng.randint(1, 3), rng.randint(1, 3))


def _stages(rng):
    blocks = [rng.randint(1, 40) for _ in range(rng.randint(1, 5))]
    return case(blocks, rng.randint(2, 3))


def _scores(rng):
    N, C = rng.randint(1, 6), rng.randint(2, 10)
    scores = random_tensor(rng, N, C, size=rng.choice((0.5, 3.0, 200.0)))
    return case(scores, torch.tensor([rng.randrange(C) for _ in range(N)]))


INPUTS = {
    "11.3": _gradients,
    "11.5": _in_block,
    "11.6": _to_shrink,
    "11.8": _in_bottleneck,
    "11.9": _stages,
    "11.10": lambda rng: case(rng.randint(1, 11), rng.randint(1, 512)),
    "11.11": _scores,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"11.5", "11.8"})


# --- The explorer ---------------------------------------------------------------------


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
    explorer = gradient_explorer()
    sizes = set()
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
        sizes.add(size_of(explorer))
        rects = list(svg(explorer).iter(f"{SVG}rect"))[1:]
        norms = explorer.norms()[:-1]
        powers = [math.log10(n) if n else -math.inf for n in norms]
        outside = sum(not explorer.LOW <= p <= explorer.HIGH for p in powers)
        assert len(rects) == depth + outside
        for rect in rects:
            top, height = float(rect.get("y")), float(rect.get("height"))
            assert top >= explorer.TOP - 3.1
            assert top + height <= explorer.BOTTOM + 3.1
    assert len(sizes) == 1  # nothing below jumps


def test_words():
    explorer = gradient_explorer(depth=10)
    assert repr(explorer) == (
        "10 layers of sigmoid without shortcuts, scale 1.0: about 10⁻⁶ of the gradient "
        "is left."
    )
    explorer.shortcuts.value = True
    assert "the gradient roughly keeps its size" in explorer.describe()
    assert "x + f(W·x)" in explorer.picture.value
    explorer.set_values((explorer.activation, explorer.scale), ("ReLU", 3.0))
    assert "the gradient grows about 10⁴-fold" in explorer.describe()
    explorer.depth.value = 1
    assert "1 layer of ReLU" in explorer.describe()


def test_an_unknown_activation_is_an_error():
    with pytest.raises(KeyError):
        gradient_norms(3, "ReLu")


# --- The recorded runs ----------------------------------------------------------------


def test_recorded_errors_are_those_of_the_first_epochs():
    for layers in (20, 56):
        name = f"plain{layers}_lecture"
        found = recorded_errors(name, epochs=3)
        assert list(found) == ["training", "test"]
        assert all(len(errors) == 3 for errors in found.values())
        assert all(0 < error < 100 for errors in found.values() for error in errors)
        assert recorded_data(name).startswith("CIFAR-10")


def test_the_figure_compares_the_same_recipe():
    """Over its three epochs, both runs have the same settings and learning rates."""
    runs = [
        json.loads((RECORDED / f"plain{layers}_lecture.json").read_text("utf-8"))
        for layers in (20, 56)
    ]
    rates = [[row["learning_rate"] for row in run["epochs"][:3]] for run in runs]
    assert rates[0] == rates[1]
    settings = [{**run["settings"], "epochs": None} for run in runs]
    assert settings[0] == settings[1]
    assert runs[0]["seed"] == runs[1]["seed"]


# --- The figures of a block -----------------------------------------------------------


@pytest.mark.parametrize(("shortcut", "name"), [(False, "H(x)"), (True, "F(x)")])
def test_a_block_shows_its_steps_and_its_ways(shortcut, name):
    picture = tidy(draw_block(shortcut))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[:6] == ["x", *STEPS]
    assert texts[-1] == "ReLU"
    assert name in texts
    assert ("+" in texts) == shortcut
    lines = [e.get("stroke") for e in picture.iter(f"{SVG}polyline")]
    assert (ORANGE in lines) == shortcut


def test_both_ways_back_begin_at_the_plus():
    picture = tidy(draw_way_back())
    texts = {t.text: float(t.get("x")) for t in picture.iter(f"{SVG}text")}
    assert set(texts) == {"gradient g", "+", "F(x)", "g · F′", "g · 1", "g · (F′ + 1)"}
    order = ["g · (F′ + 1)", "g · F′", "F(x)", "+", "gradient g"]
    assert sorted(order, key=texts.get) == order
    ends = [e.get("points").split() for e in picture.iter(f"{SVG}polyline")]
    starts = [float(points[0].split(",")[0]) for points in ends]
    near = [x for x in starts if abs(x - texts["+"]) <= 16]
    assert len(near) == 2
