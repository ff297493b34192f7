"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.drawing import PALE_ORANGE
from helpers.exercises.engine import case
from helpers.explorers import OWN
from lessons.l10_batch_norm.explorer import KINDS, norm_explorer
from lessons.l10_batch_norm.figures import (
    CHANNELS,
    IMAGES,
    MARKED,
    SHARED,
    SIDE,
    draw_sharing,
)
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import SVG, filled, size_of, tidy, words

# --- Right answers, written differently -----------------------------------------------


def norm_by_lists(x, gamma, beta, eps=1e-5):
    columns = []
    for column, g, b in zip(zip(*x.tolist()), gamma.tolist(), beta.tolist()):
        mean = sum(column) / len(column)
        variance = sum((v - mean) ** 2 for v in column) / len(column)
        columns.append([g * (v - mean) / (variance + eps) ** 0.5 + b for v in column])
    return [list(row) for row in zip(*columns)]


def norm_by_numpy(x, gamma, beta, eps=1e-5):
    x = x.double().numpy()
    spread = np.sqrt(x.var(axis=0) + eps)
    return (x - x.mean(axis=0)) / spread * gamma.numpy() + beta.numpy()


def norm_by_squares(x, gamma, beta, eps=1e-5):
    x = x.double()
    centred = x - x.sum(0, keepdim=True) / len(x)
    return gamma * centred * torch.rsqrt(centred.square().mean(0) + eps) + beta


def norm2d_by_columns(images, gamma, beta, eps=1e-5):
    N, C, H, W = images.shape
    x = images.permute(0, 2, 3, 1).reshape(-1, C)
    return norm_by_squares(x, gamma, beta, eps).view(N, H, W, C).permute(0, 3, 1, 2)


def norm2d_by_channels(images, gamma, beta, eps=1e-5):
    out = images.clone()
    for c in range(images.shape[1]):
        variance, mean = torch.var_mean(images[:, c], correction=0)
        out[:, c] = gamma[c] * (images[:, c] - mean) / (variance + eps) ** 0.5 + beta[c]
    return out


def norm2d_by_module(images, gamma, beta, eps=1e-5):
    layer = nn.BatchNorm2d(len(gamma), eps=eps)
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
        return layer(images)


def running_by_lerp(batches, momentum=0.1):
    C = batches[0].shape[1]
    mean, variance = torch.zeros(C), torch.ones(C)
    for x in batches:
        x = x.transpose(0, 1).flatten(1)
        mean.lerp_(x.mean(1), momentum)
        variance.lerp_(x.var(1), momentum)
    return [mean, variance]


def running_by_weights(batches, momentum=0.1):
    keep, count = 1 - momentum, len(batches)
    weights = [momentum * keep ** (count - 1 - k) for k in range(count)]
    pairs = [torch.var_mean(x, dim=(0, 2, 3)) for x in batches]
    mean = sum(w * m for w, (_, m) in zip(weights, pairs))
    return mean, keep**count + sum(w * v for w, (v, _) in zip(weights, pairs))


def running_by_numpy(batches, momentum=0.1):
    mean, variance = 0.0, 1.0
    for x in batches:
        x = x.double().numpy()
        mean = mean + momentum * (x.mean((0, 2, 3)) - mean)
        variance = variance + momentum * (x.var((0, 2, 3), ddof=1) - variance)
    return np.stack([mean, variance])


def fold_by_probing(weight, bias, gamma, beta, mean, variance, eps=1e-5):
    """What comes out for zeros, and for each single 1."""
    K, D1, F1, F2 = weight.shape
    ones = torch.eye(D1 * F1 * F2, dtype=torch.float64).view(-1, D1, F1, F2)
    numbers = (weight, bias, gamma, beta, mean, variance)
    weight, bias, gamma, beta, mean, variance = (t.double() for t in numbers)

    def both(x):
        y = functional.conv2d(x, weight, bias)
        y = y[:, :, 0, 0]  # (N, K)
        return (y - mean) / (variance + eps).sqrt() * gamma + beta

    at_zero = both(0 * ones[:1])[0]
    return (both(ones) - at_zero).T.reshape(K, D1, F1, F2), at_zero


def fold_by_filters(weight, bias, gamma, beta, mean, variance, eps=1e-5):
    new_weight, new_bias = weight.clone(), bias.clone()
    for k in range(len(weight)):
        s = gamma[k] / (variance[k] + eps) ** 0.5
        new_weight[k] *= s
        new_bias[k] = s * bias[k] - s * mean[k] + beta[k]
    return new_weight, new_bias


def normalise_by_moving(x, axes, eps=1e-5):
    kept = [k for k in range(x.ndim) if k not in axes]
    order = [*kept, *axes]
    y = x.permute(order)
    flat = y.flatten(len(kept)) if kept else y.flatten()
    variance, mean = torch.var_mean(flat, -1, correction=0, keepdim=True)
    z = ((flat - mean) / (variance + eps).sqrt()).view(y.shape)
    return z.permute([order.index(k) for k in range(x.ndim)])


def normalise_by_numpy(x, axes, eps=1e-5):
    x, axes = x.double().numpy(), tuple(axes)
    variance = x.var(axis=axes, keepdims=True)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(variance + eps)


def dropout2d_by_loops(x, kept, p, training):
    if not training:
        return x
    out = torch.zeros_like(x)
    for n, row in enumerate(kept):
        for c, keep in enumerate(row):
            if keep:
                out[n, c] = x[n, c] / (1 - p)
    return out


class NetFunctional(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(1, 16, 3, padding="same", bias=False)
        self.norm_one = nn.BatchNorm2d(16)
        self.two = nn.Conv2d(16, 32, 3, 1, 1, bias=False)
        self.norm_two = nn.BatchNorm2d(32)
        self.scores = nn.Linear(128, 10)

    def forward(self, x):
        x = functional.max_pool2d(self.norm_one(self.one(x)).relu(), 2)
        x = functional.max_pool2d(self.norm_two(self.two(x)).relu(), 2)
        return self.scores(x.flatten(1))


class NetHeadFirst(nn.Module):
    """Its layers are made in a different order from that in which they compute."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(32 * 4, 10)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(depth, 2 * half, 3, padding=1, bias=False),
                nn.BatchNorm2d(2 * half),
                nn.MaxPool2d(2),
                nn.ReLU(),
            )
            for depth, half in ((1, 8), (16, 16))
        )

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return self.head(x.reshape(len(x), -1))


def net_lazily():
    network = nn.Sequential()
    for filters in (16, 32):
        network.append(nn.LazyConv2d(filters, 3, padding=1, bias=False))
        network.append(nn.LazyBatchNorm2d()).append(nn.ReLU())
        network.append(nn.MaxPool2d(2))
    return network.append(nn.Flatten()).append(nn.LazyLinear(10))


def normalised_by_torch():
    batch = torch.tensor([[9.0, 10], [1, 30], [3, 30], [3, 10]])
    variances, means = torch.var_mean(batch, dim=0, correction=0)
    image_0 = functional.batch_norm(batch, None, None, training=True)[0]
    return {"means": means, "variances": variances, "image_0": image_0}


def running_means_by_torch():
    """Halving the sum is a momentum of ½."""
    layers = {"pytorch": nn.BatchNorm1d(1), "halved": nn.BatchNorm1d(1, momentum=0.5)}
    found = {name: [] for name in layers}
    for mean in (10.0, 10.0, 20.0):
        for name, layer in layers.items():
            layer(torch.tensor([[mean - 1], [mean + 1]]))
            found[name].append(layer.running_mean.item())
    return found


def counted_by_torch():
    norm = nn.BatchNorm2d(64)
    pair = nn.Sequential(nn.Conv2d(16, 32, 3, bias=False), nn.BatchNorm2d(32))
    return {
        "learned": sum(p.numel() for p in norm.parameters()),
        "running": norm.running_mean.numel() + norm.running_var.numel(),
        "pair": sum(p.numel() for p in pair.parameters()),
    }


def means_by_torch():
    """Layer norm is group norm with one group, instance norm with one a channel."""
    x = torch.zeros(8, 6, 5, 4)

    def means(groups):
        _, mean, _ = torch.native_group_norm(x, None, None, 8, 6, 5 * 4, groups, 1e-5)
        return mean.numel()

    batch = nn.BatchNorm2d(6).running_mean.numel()
    return {"batch": batch, "layer": means(1), "instance": means(6), "group": means(2)}


RIGHT = {
    "10.1": [
        {
            "means": torch.tensor([4.0, 20]),
            "variances": np.array([9.0, 100]),
            "image_0": [1.67, -1],
        },
        {"means": (4, 20), "variances": (9, 100), "image_0": (1.6667, -1.0)},
    ],
    "10.2": [
        norm_by_lists,
        norm_by_numpy,
        norm_by_squares,
        lambda x, g, b, eps=1e-5: functional.batch_norm(
            x, None, None, g, b, training=True, eps=eps
        ),
        lambda x, g, b, eps=1e-5: (
            g * (x - x.mean(0)) / ((x**2).mean(0) - x.mean(0) ** 2 + eps) ** 0.5 + b
        ),
    ],
    "10.3": [
        norm2d_by_columns,
        norm2d_by_channels,
        norm2d_by_module,
        lambda images, gamma, beta, eps=1e-5: functional.batch_norm(
            images, None, None, weight=gamma, bias=beta, training=True, eps=eps
        ),
    ],
    "10.4": [{"pytorch": np.array([1, 1.9, 3.71]), "halved": (5, 7.5, 13.75)}],
    "10.5": [running_by_lerp, running_by_weights, running_by_numpy],
    "10.6": [{"learned": 2 * 64, "running": 128.0, "pair": 32 * 16 * 9 + 64}],
    "10.7": [
        fold_by_probing,
        fold_by_filters,
        lambda weight, bias, gamma, beta, mean, variance, eps=1e-5: (
            nn.utils.fuse_conv_bn_weights(
                weight, bias, mean, variance, eps, gamma, beta
            )
        ),
    ],
    "10.8": [{"batch": 6, "layer": 8.0, "instance": 8 * 6, "group": 2 * 8}],
    "10.9": [
        normalise_by_moving,
        normalise_by_numpy,
        lambda x, axes, eps=1e-5: (
            (x - x.mean(axes, True)) * (x.var(axes, False, keepdim=True) + eps) ** -0.5
        ),
    ],
    "10.10": [
        dropout2d_by_loops,
        lambda x, kept, p, training: (
            torch.einsum("nchw,nc->nchw", x, kept) / (1 - p) if training else x.clone()
        ),
        lambda x, kept, p, training: [
            x,
            x / (1 - p) * kept.unsqueeze(-1).unsqueeze(-1),
        ][training],
    ],
    "10.11": [NetFunctional, lambda: NetFunctional(), NetHeadFirst, net_lazily],
}
RIGHT["10.1"].append(normalised_by_torch())
RIGHT["10.4"].append(running_means_by_torch())
RIGHT["10.6"].append(counted_by_torch())
RIGHT["10.8"].append(means_by_torch())

# --- Wrong answers that nobody listed -------------------------------------------------


class NetOnlyInTraining(NetFunctional):
    """Never lets its batch norm use the running averages."""

    def forward(self, x):
        self.norm_one.train()
        self.norm_two.train()
        return super().forward(x)


class NetOnlyInEvaluation(NetFunctional):
    def forward(self, x):
        self.norm_one.eval()
        self.norm_two.eval()
        return super().forward(x)


class NetQuick(NetFunctional):
    """Forgets faster: it shows only in evaluation after training."""

    def __init__(self):
        super().__init__()
        self.norm_one.momentum = self.norm_two.momentum = 0.5


class NetPooledFirst(NetFunctional):
    def forward(self, x):
        x = self.norm_one(functional.max_pool2d(self.one(x), 2)).relu()
        x = self.norm_two(functional.max_pool2d(self.two(x), 2)).relu()
        return self.scores(x.flatten(1))


class NetLargeEps(NetFunctional):
    def __init__(self):
        super().__init__()
        self.norm_one.eps = 0.1


def running_before_the_last(batches, momentum=0.1):
    return running_by_lerp(batches[:-1], momentum) if batches[1:] else (0, 1)


def running_backwards(batches, momentum=0.1):
    return running_by_lerp(batches[::-1], momentum)


def running_fixed(batches, momentum=0.1):
    return running_by_lerp(batches, 0.1)


def running_per_image(batches, momentum=0.1):
    return running_by_lerp([x for batch in batches for x in batch[:, None]], momentum)


WRONG = {
    "10.1": [
        {"means": [16, 80], "variances": [9, 100], "image_0": [5 / 3, -1]},
        {"means": [20, 4], "variances": [100, 9], "image_0": [-1, 5 / 3]},
        {"means": [4, 20], "variances": [9, 100], "image_0": [-5 / 3, 1]},
        {"means": [4, 20], "variances": [9, 100], "image_0": [2, -1]},
        {"means": 4, "variances": 9, "image_0": 5 / 3},
        {"means": [4, 20], "variances": [9, 100], "image_0": [9, 10]},
    ],
    "10.2": [
        lambda x, gamma, beta, eps=1e-5: x,
        lambda x, gamma, beta, eps=1e-5: torch.zeros_like(x),
        lambda x, gamma, beta, eps=1e-5: gamma * x + beta,
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma, beta, 1e-5),
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma, -beta, eps),
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma.abs(), beta, eps),
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma, 0 * beta, eps),
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma, beta, eps).relu(),
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma, beta, eps).T,
        lambda x, gamma, beta, eps=1e-5: norm_by_squares(x, gamma[:1], beta, eps),
        lambda x, gamma, beta, eps=1e-5: (
            gamma * (x - x.median(0).values) / (x.var(0, correction=0) + eps).sqrt()
            + beta
        ),
        lambda x, gamma, beta, eps=1e-5: gamma * (x - x.mean(0)) + beta,
    ],
    "10.3": [
        lambda images, gamma, beta, eps=1e-5: images,
        lambda images, gamma, beta, eps=1e-5: norm2d_by_columns(
            images, gamma.flip(0), beta, eps
        ),
        lambda images, gamma, beta, eps=1e-5: norm2d_by_columns(
            images, gamma, beta.mean() + 0 * beta, eps
        ),
        lambda images, gamma, beta, eps=1e-5: norm2d_by_columns(images, gamma, beta),
        lambda images, gamma, beta, eps=1e-5: norm2d_by_columns(
            images, gamma, beta, eps
        ).flatten(2),
        lambda images, gamma, beta, eps=1e-5: norm2d_by_columns(
            images, 0 * gamma + 1, 0 * beta, eps
        ),
        lambda images, gamma, beta, eps=1e-5: functional.group_norm(
            images, 1, gamma, beta, eps
        ),
        lambda images, gamma, beta, eps=1e-5: functional.batch_norm(
            images, 0 * beta, 0 * beta + 1, gamma, beta, eps=eps
        ),
    ],
    "10.4": [
        {"pytorch": [1, 2.8, 4.5], "halved": [5, 7.5, 13.75]},
        {"pytorch": 3.71, "halved": 13.75},
        {"pytorch": [0, 1, 1.9], "halved": [0, 5, 7.5]},
        {"pytorch": [5, 7.5, 13.75], "halved": [1, 1.9, 3.71]},
        {"pytorch": [1, 1.9, 3.7], "halved": [5, 7.5, 13.75]},
    ],
    "10.5": [
        running_before_the_last,
        running_backwards,
        running_fixed,
        running_per_image,
        lambda batches, momentum=0.1: running_by_lerp(batches, momentum)[::-1],
        lambda batches, momentum=0.1: running_by_lerp(batches, momentum)[0],
        lambda batches, momentum=0.1: running_by_lerp(
            [torch.cat(batches)], momentum
        ),
        lambda batches, momentum=0.1: [
            running_by_lerp(batches, momentum)[0],
            running_by_weights(batches, momentum)[1] - (1 - momentum) ** len(batches),
        ],
    ],
    "10.6": [
        {"learned": 130, "running": 128, "pair": 4672},
        {"learned": 128, "running": 129, "pair": 4672},
        {"learned": 128, "running": 128, "pair": 64},
        {"learned": 128, "running": 128, "pair": 4673},
        {"learned": "128 numbers", "running": 128, "pair": 4672},
    ],
    "10.7": [
        lambda weight, bias, *rest: (weight, bias),
        lambda *tensors: fold_by_filters(*tensors)[::-1],
        lambda *tensors: fold_by_filters(*tensors)[0],
        lambda *tensors: (fold_by_filters(*tensors)[0], tensors[1]),
        lambda *tensors: (tensors[0], fold_by_filters(*tensors)[1]),
        lambda weight, bias, gamma, beta, mean, variance, eps=1e-5: fold_by_filters(
            weight, bias, gamma, beta, mean, variance
        ),
        lambda weight, bias, gamma, beta, mean, variance, eps=1e-5: fold_by_filters(
            weight, bias, beta, gamma, mean, variance, eps
        ),
        lambda weight, bias, gamma, beta, mean, variance, eps=1e-5: fold_by_filters(
            weight, bias, gamma, beta, mean, variance.sqrt(), eps
        ),
        lambda weight, bias, gamma, beta, mean, variance, eps=1e-5: fold_by_filters(
            weight.flip(0), bias, gamma, beta, mean, variance, eps
        ),
    ],
    "10.8": [
        {"batch": 6, "layer": 8, "instance": 14, "group": 16},
        {"batch": 6, "layer": 8, "instance": 48, "group": 12},
        {"batch": 5, "layer": 4, "instance": 20, "group": 10},
        {"batch": 960, "layer": 960, "instance": 960, "group": 960},
        {"batch": (6,), "layer": (8, 1), "instance": (8, 6), "group": 16},
    ],
    "10.9": [
        lambda x, axes, eps=1e-5: x,
        lambda x, axes, eps=1e-5: normalise_by_moving(x, axes),
        lambda x, axes, eps=1e-5: normalise_by_moving(x, axes[:1], eps),
        lambda x, axes, eps=1e-5: normalise_by_moving(x, axes[-1:], eps),
        lambda x, axes, eps=1e-5: normalise_by_moving(x, (0,), eps),
        lambda x, axes, eps=1e-5: normalise_by_moving(x, axes, eps).abs(),
        lambda x, axes, eps=1e-5: normalise_by_moving(x, axes, eps) + 1e-2,
        lambda x, axes, eps=1e-5: (
            (x - x.mean(axes, keepdim=True))
            / (x.std(axes, correction=0, keepdim=True) + eps)
        ),
    ],
    "10.10": [
        lambda x, kept, p, training: x,
        lambda x, kept, p, training: functional.dropout2d(x, p, training),
        lambda x, kept, p, training: (
            x * kept.T[:, :, None, None] / (1 - p) if training else x
        ),
        lambda x, kept, p, training: 2 * x * kept[:, :, None, None] if training else x,
        lambda x, kept, p, training: x * kept[:, :, None, None] / (1 - p),
        lambda x, kept, p, training: x * kept[:, :1, None, None] / (1 - p),
        lambda x, kept, p, training: dropout2d_by_loops(x, kept, p, not training),
        lambda x, kept, p, training: dropout2d_by_loops(x, kept, p, training).mean(1),
    ],
    "10.11": [
        NetOnlyInTraining,
        NetOnlyInEvaluation,
        NetQuick,
        NetPooledFirst,
        NetLargeEps,
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)),
        lambda: nn.Sequential(nn.BatchNorm2d(1), NetFunctional()),
        lambda: nn.Sequential(NetFunctional(), nn.ReLU()),
        lambda: nn.Sequential(NetFunctional(), nn.BatchNorm1d(10)),
        lambda: nn.Sequential(nn.Dropout(), NetFunctional()),
        lambda: NetFunctional,
        lambda: NetFunctional().scores,
    ],
}  # fmt: skip

# --- Inputs for the mutants -----------------------------------------------------------


def _features(rng):
    N, D = rng.randint(1, 7), rng.randint(1, 6)
    x = rng.choice((1, 5)) * random_tensor(rng, N, D) + rng.choice((0, 4))
    return case(
        x, random_tensor(rng, D), random_tensor(rng, D), rng.choice((1e-5, 0.01, 0.5))
    )


def _maps(rng):
    shape = [rng.randint(2, 5), *(rng.randint(1, 5) for _ in range(3))]
    x, C = 2 * random_tensor(rng, *shape) + 1, shape[1]
    return case(
        x, random_tensor(rng, C), random_tensor(rng, C), rng.choice((1e-5, 0.01, 0.5))
    )


def _batches(rng):
    C, H, W = (rng.randint(1, 4) for _ in range(3))
    shapes = [(rng.randint(2, 4), C, H, W) for _ in range(rng.randint(1, 6))]
    return case(
        [2 * random_tensor(rng, *s) + 1 for s in shapes], rng.choice((0.1, 0.3, 0.9))
    )


def _conv_and_norm(rng):
    K, D1, F1, F2 = (rng.randint(1, 4) for _ in range(4))
    numbers = [random_tensor(rng, K) for _ in range(4)]
    variance = random_tensor(rng, K).abs() + 0.1
    return case(
        random_tensor(rng, K, D1, F1, F2), *numbers, variance, rng.choice((1e-5, 0.5))
    )


def _axes(rng):
    shape = [rng.randint(2, 4) for _ in range(rng.randint(2, 5))]
    axes = sorted(rng.sample(range(len(shape)), rng.randint(1, len(shape))))
    return case(
        2 * random_tensor(rng, *shape) + 1, tuple(axes), rng.choice((1e-5, 0.3))
    )


def _dropped_maps(rng):
    N, C, H, W = (rng.randint(1, 4) for _ in range(4))
    kept = (random_tensor(rng, N, C) > 0).float()
    p = rng.choice((0.1, 0.5, 0.8))
    return case(random_tensor(rng, N, C, H, W), kept, p, rng.choice((True, False)))


INPUTS = {
    "10.2": _features,
    "10.3": _maps,
    "10.5": _batches,
    "10.7": _conv_and_norm,
    "10.9": _axes,
    "10.10": _dropped_maps,
    "10.11": lambda rng: case((rng.randint(1, 4), 1, 8, 8)),
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"10.11"})


# --- The explorer ---------------------------------------------------------------------


BLOCK = (torch.arange(48.0) * 7 % 23 - 4).view(2, 4, 3, 2)
TORCH = {
    "batch norm": lambda x: functional.batch_norm(
        x, None, None, training=True, eps=1e-12
    ),
    "layer norm": lambda x: functional.layer_norm(x, x.shape[1:], eps=1e-12),
    "instance norm": lambda x: functional.instance_norm(x, eps=1e-12),
    "group norm": lambda x: functional.group_norm(x, 2, eps=1e-12),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_those_of_torch(kind):
    explorer = norm_explorer(BLOCK)
    explorer.kind.value = kind
    expected = TORCH[kind](BLOCK.double())
    assert torch.allclose(explorer.normalised(), expected)
    assert explorer.needs_running_averages() == (kind == "batch norm")
    assert any(text.startswith(kind.capitalize()) for text in words(explorer))
    assert norm_explorer(BLOCK, kind).describe() == explorer.describe()


def test_every_choice_of_axes():
    explorer = norm_explorer(BLOCK)
    sizes = set()
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
        sizes.add(size_of(explorer))
    assert len(sizes) == 1  # nothing below jumps


def test_neighbouring_groups_have_other_tints():
    explorer = norm_explorer(BLOCK)
    for kind in KINDS:
        explorer.kind.value = kind
        group_of = {p: k for k, g in enumerate(explorer.members()) for p in g}
        for (n, c, h, w), group in group_of.items():
            for other in ((n + 1, c, h, w), (n, c + 1, h, w)):
                if group_of.get(other, group) != group:
                    assert explorer._tint((n, c, h, w)) != explorer._tint(other)


def test_ticks_and_kinds_follow_each_other():
    explorer = norm_explorer()
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
    explorer = norm_explorer()
    assert repr(explorer) == (
        "Batch norm: over N, H, W: 4 means of 12 numbers each, shape (1, 4, 1, 1)."
    )
    assert "running averages must stand in" in explorer.describe()
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


def test_blocks_have_limits():
    for shape in [(3, 4), (9, 1, 1, 1), (1, 3, 1, 3)]:
        with pytest.raises(ValueError, match="block"):
            norm_explorer(torch.zeros(shape))
    odd = norm_explorer(torch.ones(2, 3, 1, 2))  # no two equal groups
    assert "group norm" not in odd.kind.options
    assert "stays 0" in odd.describe()


# --- The figure -----------------------------------------------------------------------

BY_PYTORCH = {
    "batch norm": nn.BatchNorm2d(CHANNELS),
    "layer norm": nn.LayerNorm((CHANNELS, SIDE, SIDE)),
    "instance norm": nn.InstanceNorm2d(CHANNELS),
    "group norm": nn.GroupNorm(CHANNELS // 2, CHANNELS),
}


@pytest.mark.parametrize("name", SHARED)
def test_the_figure_tints_what_shares_a_mean(name):
    """A number moves the marked output exactly if it shares a mean with it."""
    torch.manual_seed(0)
    block = torch.randn(IMAGES, CHANNELS, SIDE, SIDE, requires_grad=True)
    BY_PYTORCH[name](block)[MARKED][0, 0].backward()
    moves = (block.grad.abs() > 1e-9).flatten(2)  # (N, C, H·W)
    assert (moves.all(dim=2) == moves.any(dim=2)).all()
    assert moves.all(dim=2).nonzero().tolist() == [[*m] for m in SHARED[name][1]]


def test_the_figure_draws_each_norm_beside_the_others():
    picture = tidy(draw_sharing(list(SHARED)))
    shared = [maps for _, maps in SHARED.values()]
    assert len(filled(picture, PALE_ORANGE)) == SIDE**2 * sum(map(len, shared))
    dots = [float(dot.get("cx")) for dot in picture.iter(f"{SVG}circle")]
    texts = {t.text: float(t.get("x")) for t in picture.iter(f"{SVG}text")}
    assert sorted(dots) == dots
    for dot, name in zip(dots, SHARED, strict=True):
        assert 0 < dot - texts[name] < 150
