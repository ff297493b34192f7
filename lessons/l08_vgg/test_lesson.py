"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import itertools
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers import networks
from helpers.counting import layer_table
from helpers.exercises.engine import case
from lessons.l08_vgg.checks import picture, stack
from lessons.l08_vgg.explorer import stack_explorer
from tests.lesson_tests import LessonTests
from tests.pictures import size_of, words

# --- Right answers, written differently -----------------------------------------------


def seen_by_trial(layers, image, i, j):
    with torch.no_grad():
        before = layers(image[None, None])[0, 0, i, j].item()
        found = torch.zeros_like(image, dtype=torch.bool)
        for at in np.ndindex(*image.shape):
            other = image.clone()
            other[at] += 100
            found[at] = layers(other[None, None])[0, 0, i, j].item() != before
    return found


def seen_by_autograd(layers, image, i, j):
    image = image.requires_grad_()
    output = layers(image.view(1, 1, *image.shape)).squeeze()
    output = output.view(-1, layers(image[None, None]).shape[-1])
    (gradient,) = torch.autograd.grad(output[i, j], image)
    return gradient.abs().gt(0).tolist()


def seen_by_geometry(layers, image, i, j):
    rows, columns = {i}, {j}
    for layer in list(layers)[::-1]:
        F, S = layer.kernel_size[0], layer.stride[0]
        rows = {S * r + k for r in rows for k in range(F)}
        columns = {S * c + k for c in columns for k in range(F)}
    H, W = image.shape
    return [[r in rows and c in columns for c in range(W)] for r in range(H)]


def share_by_layers(n, F):
    stacked = sum(nn.Conv2d(1, 1, F, bias=False).weight.numel() for _ in range(n))
    return stacked / nn.Conv2d(1, 1, 1 + n * (F - 1), bias=False).weight.numel()


def share_by_steps(n, F):
    field = 1
    for _ in range(n):
        field += F - 1
    return float(Fraction(n * F**2, field**2))


def compose_by_lists(first, second):
    first, second = first.tolist(), second.tolist()
    out = [
        [0.0] * (len(first[0]) + len(second[0]) - 1)
        for _ in range(len(first) + len(second) - 1)
    ]
    for a, row in enumerate(first):
        for b, x in enumerate(row):
            for c, other in enumerate(second):
                for d, y in enumerate(other):
                    out[a + c][b + d] += x * y
    return out


def compose_by_transposed(first, second):
    return functional.conv_transpose2d(first[None, None], second[None, None])[0, 0]


def compose_by_fourier(first, second):
    size = [a + b - 1 for a, b in zip(first.shape, second.shape)]
    product = np.fft.rfft2(first.numpy(), size) * np.fft.rfft2(second.numpy(), size)
    return np.fft.irfft2(product, size)


def compose_by_impulses(first, second):
    """What the stack turns one bright pixel into, turned by half a turn."""
    (m, n), (p, q) = first.shape, second.shape
    M, N = m + p - 1, n + q - 1
    image = torch.zeros(1, 1, 2 * M - 1, 2 * N - 1)
    image[0, 0, M - 1, N - 1] = 1
    maps = functional.conv2d(image, first[None, None])
    return functional.conv2d(maps, second[None, None])[0, 0].flip(0, 1)


class VggFunctional(nn.Module):
    """Written as a class, with the dense part first."""

    def __init__(self, configuration, side, neurons, classes, p=0.5):
        super().__init__()
        self.configuration, self.p = configuration, p
        numbers = [3] + [K for K in configuration if K != "M"]
        side >>= configuration.count("M")
        self.dense = nn.ModuleList(
            nn.Linear(a, b)
            for a, b in (
                (numbers[-1] * side**2, neurons),
                (neurons, neurons),
                (neurons, classes),
            )
        )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, (3, 3), padding="same") for a, b in pairwise(numbers)
        )

    def forward(self, x):
        convolutions = iter(self.convolutions)
        for K in self.configuration:
            if K == "M":
                x = functional.max_pool2d(x, 2, 2)
            else:
                x = next(convolutions)(x).relu()
        x = x.flatten(1)
        for layer in self.dense[:2]:
            x = functional.dropout(layer(x).relu(), self.p, self.training)
        return self.dense[2](x)


def vgg_lazily(configuration, side, neurons, classes, p=0.5):
    features = [
        layer
        for K in configuration
        for layer in (
            [nn.MaxPool2d(2, 2)]
            if K == "M"
            else [nn.LazyConv2d(K, 3, 1, 1), nn.ReLU(inplace=True)]
        )
    ]
    dense = [
        layer
        for _ in range(2)
        for layer in (nn.LazyLinear(neurons), nn.ReLU(), nn.Dropout(p))
    ]
    return nn.Sequential(
        nn.Sequential(*features),
        nn.Flatten(),
        nn.Sequential(*dense, nn.LazyLinear(classes)),
    )


class Padded(nn.Module):
    """A convolution that pads in a layer of its own, and bends."""

    def __init__(self, K):
        super().__init__()
        self.padding, self.inner = nn.ZeroPad2d(1), nn.LazyConv2d(K, 3)

    def forward(self, x):
        return self.inner(self.padding(x)).clamp(min=0)


def vgg_padded_apart(configuration, side, neurons, classes, p=0.5):
    features = [nn.MaxPool2d(2) if K == "M" else Padded(K) for K in configuration]
    _, flatten, dense = vgg_lazily([], side, neurons, classes, p)
    return nn.Sequential(*features, flatten, dense)


def vgg_pooled_first(configuration, side, neurons, classes, p=0.5):
    """ReLU after the pooling instead of before: the same for a maximum."""
    depth, layers, bent = 3, [], True
    for K in configuration:
        if K == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [] if bent else [nn.ReLU()]
        layers.append(nn.Conv2d(depth, K, 3, padding=(1, 1)))
        depth, bent = K, False
    side = math.floor(side / 2 ** configuration.count("M"))
    sizes = [depth * side * side, neurons, neurons]
    dense = [
        layer
        for a, b in pairwise(sizes)
        for layer in (nn.Linear(a, b), nn.ReLU(), nn.Dropout(p))
    ]
    return nn.Sequential(
        *layers, nn.ReLU(), nn.Flatten(), *dense, nn.Linear(neurons, classes)
    )


def weights_by_pairs(configuration, D1=3):
    widths = [D1, *(K for K in configuration if K != "M")]
    return sum(9 * a * b for a, b in pairwise(widths))


def weights_by_layers(configuration, D1=3):
    count = 0
    for K in filter(lambda entry: isinstance(entry, int), configuration):
        count += nn.Conv2d(D1, K, 3, device="meta").weight.numel()
        D1 = K
    return count


def weights_by_recursion(configuration, D1=3):
    if not configuration:
        return 0
    K, *rest = configuration
    if K == "M":
        return weights_by_recursion(rest, D1)
    return 3 * 3 * D1 * K + weights_by_recursion(rest, K)


def batch_by_trying(memory, parameters, activations):
    """Doubles, then goes back."""

    def need(images):
        return 4 * (3 * parameters + images * activations)

    images, step = 0, 1 << 40
    while step:
        if need(images + step) <= memory:
            images += step
        step //= 2
    return images


def batch_with_floor(memory, parameters, activations):
    left = memory / 4 - 3 * parameters
    return math.floor(left / activations) if left > 0 else 0


with torch.device("meta"):
    VGG_16 = networks.vgg(16)
    AVERAGED = nn.Sequential(
        *VGG_16[:31], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)
    )
TABLE, LEAN = (layer_table(each, (3, 224, 224)) for each in (VGG_16, AVERAGED))
POOLED = [row.output for row in TABLE.rows if row.type == "MaxPool2d"]
DENSE = [row for row in TABLE.rows if row.type == "Linear"]


def weights_of_ten_channels(*extents):
    layers = [nn.Conv2d(10, 10, F, bias=False) for F in extents]
    return sum(layer.weight.numel() for layer in layers)


RIGHT = {
    "08.1": [seen_by_trial, seen_by_autograd, seen_by_geometry],
    "08.3": [
        share_by_layers,
        share_by_steps,
        lambda n, F: n * (F / (1 + n * (F - 1))) ** 2,
        lambda n, F: torch.tensor(n * F**2) / (n * F - n + 1) ** 2,
    ],
    "08.5": [
        compose_by_lists,
        compose_by_transposed,
        compose_by_fourier,
        compose_by_impulses,
    ],
    "08.7": [VggFunctional, vgg_lazily, vgg_pooled_first, vgg_padded_apart],
    "08.8": [weights_by_pairs, weights_by_layers, weights_by_recursion],
    "08.10": [
        batch_by_trying,
        batch_with_floor,
        lambda memory, parameters, activations: int(
            max((memory - 12 * parameters) // 4 // activations, 0)
        ),
    ],
    "08.2": [
        {
            "two_of_3": weights_of_ten_channels(3, 3),
            "one_of_5": weights_of_ten_channels(5),
            "three_of_3": weights_of_ten_channels(3, 3, 3),
            "one_of_7": weights_of_ten_channels(7),
        }
    ],
    "08.4": [
        {
            "twice_ones": np.convolve([1, 1, 1], [1, 1, 1]),
            "ones_then_edge": np.convolve([1, 1, 1], [-1, 0, 1]),
        }
    ],
    "08.6": [
        {
            "maps": [maps for maps, _, _ in POOLED],
            "sides": [side for _, _, side in POOLED],
            "layers": sum(row.weights > 0 for row in TABLE.rows),
        }
    ],
    "08.9": [
        {
            "instead_of_1024": DENSE[-1].output[-1],
            "fc6": DENSE[0].weights,
            "total": sum(row.weights for row in DENSE),
        }
    ],
    "08.11": [
        {
            "dense": LEAN.rows[-1].weights,
            "network": LEAN.weights,
            "times_fewer": round(TABLE.weights / LEAN.weights),
        }
    ],
}

# --- Wrong answers that nobody listed -------------------------------------------------


def seen_with(start=lambda maps, i, j: maps[i, j], test=lambda gradient: gradient != 0):
    def seen(layers, image, i, j):
        image = image.clone().requires_grad_()
        start(layers(image[None, None])[0, 0], i, j).backward()
        return test(image.grad)

    return seen


def seen_one_layer(layers, image, i, j):
    return seen_by_geometry(layers[:1], image, i, j)


def seen_without_strides(layers, image, i, j):
    found = torch.zeros(image.shape)
    field = 1 + sum(layer.kernel_size[0] - 1 for layer in layers)
    found[i : i + field, j : j + field] = 1
    return found


def seen_centred(layers, image, i, j):
    found = torch.as_tensor(seen_by_geometry(layers, image, i, j))
    return found.roll((-1, -1), (0, 1))


def composed_as(change):
    return lambda first, second: change(compose_by_transposed(first, second))


def vgg_with(
    F=3,
    padding=1,
    act=nn.ReLU,
    pool=lambda: nn.MaxPool2d(2),
    bias=True,
    dense=(1, 1),
    drops=(1, 1),
    last=(),
    norm=(),
    before=(),
    flat=nn.Flatten,
):
    """A network of the right kind with something changed."""

    def vgg(configuration, side, neurons, classes, p=0.5):
        layers = []
        for K in configuration:
            if K == "M":
                layers.append(pool())
            else:
                layers += [nn.LazyConv2d(K, F, padding=padding, bias=bias)]
                layers += [each(K) for each in norm] + [act()]
        layers += [each() for each in before]
        layers.append(flat())
        for wanted, dropped in zip(dense, drops):
            if wanted:
                layers += [nn.LazyLinear(neurons), nn.ReLU()]
            if dropped:
                layers.append(nn.Dropout(p))
        layers.append(nn.LazyLinear(classes))
        return nn.Sequential(*layers, *(each() for each in last))

    return vgg


def one_weight_less(configuration, D1=3):
    return max(0, weights_by_pairs(configuration, D1) - 1)


WRONG = {
    "08.1": [
        lambda layers, image, i, j: 25,
        lambda layers, image, i, j: torch.ones_like(image),
        lambda layers, image, i, j: torch.zeros_like(image),
        seen_with(start=lambda maps, i, j: maps[j, j]),
        seen_with(test=lambda gradient: gradient[None]),
        lambda layers, image, i, j: layers(image[None, None])[0, 0] != 0,
        seen_with(test=lambda gradient: gradient > 0),
        seen_with(test=lambda gradient: gradient < 0),
        seen_with(test=lambda gradient: gradient.abs() > 0.5),
        seen_with(test=lambda gradient: (gradient != 0).sum()),
        seen_with(test=lambda gradient: (gradient != 0).flatten()),
        seen_with(test=lambda gradient: (gradient != 0)[None, None]),
        seen_with(test=lambda gradient: (gradient != 0).nonzero()),
        seen_with(start=lambda maps, i, j: maps[0, 0]),
        seen_with(start=lambda maps, i, j: maps[-1, -1]),
        seen_with(start=lambda maps, i, j: maps[i].sum()),
        seen_with(start=lambda maps, i, j: maps[:, j].sum()),
        seen_with(start=lambda maps, i, j: maps[i, j] * 0),
        seen_with(start=lambda maps, i, j: maps.mean()),
        seen_one_layer,
        seen_without_strides,
        seen_centred,
    ],
    "08.2": [
        {"two_of_3": 2500, "one_of_5": 1800, "three_of_3": 4900, "one_of_7": 2700},
        {"two_of_3": 1801, "one_of_5": 2500, "three_of_3": 2700, "one_of_7": 4900},
        {"two_of_3": 1800, "one_of_5": 2500, "three_of_3": 2700, "one_of_7": 4910},
        {"two_of_3": "18C²", "one_of_5": "25C²", "three_of_3": "27C²",
         "one_of_7": "49C²"},
        {"two_of_3": (900, 900), "one_of_5": 2500, "three_of_3": 2700,
         "one_of_7": 4900},
        {"two_of_3": -1800, "one_of_5": -2500, "three_of_3": -2700, "one_of_7": -4900},
    ],
    "08.3": [
        lambda n, F: 0.72,
        lambda n, F: n * F * F / (n * (F - 1) + 1),
        lambda n, F: n * F / (n * (F - 1) + 1) ** 2,
        lambda n, F: n * F * F / (n + F - 1) ** 2,
        lambda n, F: (n * F) ** 2 / (n * (F - 1) + 1) ** 2,
        lambda n, F: F ** (2 * n) / (n * (F - 1) + 1) ** 2,
        lambda n, F: round(n * F * F / (n * (F - 1) + 1) ** 2, 2),
        lambda n, F: n * F * F // (n * (F - 1) + 1) ** 2,
        lambda n, F: 100 * n * F * F / (n * (F - 1) + 1) ** 2,
        lambda n, F: min(1, n * F * F / (n * (F - 1) + 1) ** 2),
        lambda n, F: (n * F * F, (n * (F - 1) + 1) ** 2),
        lambda n, F: str(n * F * F / (n * (F - 1) + 1) ** 2),
    ],
    "08.4": [
        {"twice_ones": [1, 2, 2, 2, 1], "ones_then_edge": [-1, -1, 0, 1, 1]},
        {"twice_ones": [1, 2, 4, 2, 1], "ones_then_edge": [-1, -1, 0, 1, 1]},
        {"twice_ones": [1, 2, 3, 2, 1], "ones_then_edge": [-1, -2, 0, 2, 1]},
        {"twice_ones": [1, 2, 3, 2, 1], "ones_then_edge": [-1, 0, 0, 1, 1]},
        {"twice_ones": [1, 2, 3, 3, 2, 1], "ones_then_edge": [-1, -1, 0, 1, 1]},
        {"twice_ones": 9, "ones_then_edge": 0},
        {"twice_ones": "1 2 3 2 1", "ones_then_edge": "-1 -1 0 1 1"},
        {"twice_ones": [[1, 2, 3, 2, 1]], "ones_then_edge": [[-1, -1, 0, 1, 1]]},
    ],
    "08.5": [
        lambda first, second: first,
        lambda first, second: first + second,
        lambda first, second: first.flatten().outer(second.flatten()),
        lambda first, second: torch.kron(first, second),
        lambda first, second: functional.conv2d(
            first[None, None], second[None, None], padding="same"
        )[0, 0],
        lambda first, second: compose_by_transposed(first, second.T),
        lambda first, second: compose_by_transposed(first.flip(0, 1), second),
        lambda first, second: compose_by_transposed(first, second.flip(0)),
        lambda first, second: compose_by_transposed(first, second.flip(1)),
        lambda first, second: compose_by_transposed(first[:3, :3], second[:3, :3]),
        composed_as(lambda kernel: kernel.T),
        composed_as(lambda kernel: -kernel),
        composed_as(lambda kernel: kernel.relu()),
        composed_as(lambda kernel: kernel.round()),
        composed_as(lambda kernel: kernel[:-1]),
        composed_as(lambda kernel: kernel.flatten()),
        composed_as(lambda kernel: kernel[None]),
        composed_as(lambda kernel: kernel.flip(0, 1)),
        composed_as(lambda kernel: kernel / kernel.abs().sum()),
    ],
    "08.6": [
        {"maps": [64, 128, 256, 512], "sides": [112, 56, 28, 14, 7], "layers": 16},
        {"maps": [128, 256, 512, 512, 512], "sides": [112, 56, 28, 14, 7],
         "layers": 16},
        {"maps": [64, 128, 256, 512, 512], "sides": [112, 56, 28, 14, 6.5],
         "layers": 16},
        {"maps": [64, 128, 256, 512, 512], "sides": [112, 56, 28, 14, 7],
         "layers": 19},
        {"maps": [64, 128, 256, 512, 512], "sides": [7, 14, 28, 56, 112],
         "layers": 16},
        {"maps": 512, "sides": 7, "layers": 16},
        {"maps": [112, 56, 28, 14, 7], "sides": [64, 128, 256, 512, 512],
         "layers": 16},
    ],
    "08.7": [
        vgg_with(F=5, padding=2),
        vgg_with(F=1, padding=0),
        vgg_with(bias=False),
        vgg_with(act=nn.Tanh),
        vgg_with(act=nn.LeakyReLU),
        vgg_with(act=nn.GELU),
        vgg_with(pool=lambda: nn.MaxPool2d(2, ceil_mode=True)),
        vgg_with(pool=lambda: nn.MaxPool2d(3, 2, 1)),
        vgg_with(pool=nn.Identity),
        vgg_with(dense=(1, 0)),
        vgg_with(dense=(0, 0)),
        vgg_with(drops=(1, 0)),
        vgg_with(drops=(0, 1)),
        vgg_with(last=(nn.ReLU,)),
        vgg_with(last=(lambda: nn.Softmax(dim=0),)),
        vgg_with(last=(lambda: nn.LogSoftmax(dim=1),)),
        vgg_with(last=(nn.Dropout,)),
        vgg_with(norm=(nn.BatchNorm2d,)),
        vgg_with(before=(lambda: nn.AdaptiveAvgPool2d(1),)),
        vgg_with(before=(lambda: nn.AdaptiveAvgPool2d(7),)),
        vgg_with(before=(nn.Dropout,)),
        vgg_with(flat=lambda: nn.Flatten(0)),
        vgg_with(flat=nn.Identity),
        lambda configuration, side, neurons, classes, p=0.5: vgg_lazily(
            configuration, side, classes, neurons, p
        ),
        lambda configuration, side, neurons, classes, p=0.5: vgg_lazily(
            configuration[::-1], side, neurons, classes, p
        ),
        lambda configuration, side, neurons, classes, p=0.5: vgg_lazily(
            configuration, side, neurons, classes, 1 - p
        ),
        lambda configuration, side, neurons, classes, p=0.5: vgg_lazily(
            [2, "M"], side, neurons, classes, p
        ),
        lambda configuration, side, neurons, classes, p=0.5: list(
            vgg_lazily(configuration, side, neurons, classes, p)
        ),
    ],
    "08.8": [
        one_weight_less,
        lambda configuration, D1=3: 14710464,
        lambda configuration, D1=3: 27 * len(configuration),
        lambda configuration, D1=3: weights_by_pairs(configuration),
        lambda configuration, D1=3: weights_by_pairs(configuration, 3),
        lambda configuration, D1=3: weights_by_pairs(configuration[:2], D1),
        lambda configuration, D1=3: weights_by_pairs(configuration[::-1], D1),
        lambda configuration, D1=3: 25 * weights_by_pairs(configuration, D1) // 9,
        lambda configuration, D1=3: weights_by_pairs(sorted(
            K for K in configuration if K != "M"
        ), D1),
        lambda configuration, D1=3: str(weights_by_pairs(configuration, D1)),
        lambda configuration, D1=3: [weights_by_pairs(configuration, D1)] * 2,
        lambda configuration, D1=3: -weights_by_pairs(configuration, D1),
        lambda configuration, D1=3: 9 * D1 * math.prod(
            K for K in configuration if K != "M"
        ),
    ],
    "08.9": [
        {"instead_of_1024": 512, "fc6": 102760448, "total": 123633664},
        {"instead_of_1024": 1000, "fc6": 102760449, "total": 123633664},
        {"instead_of_1024": 1000, "fc6": 102.76, "total": 123.63},
        {"instead_of_1024": 1000, "fc6": 102760448, "total": 138357544},
        {"instead_of_1024": 1000, "fc6": 102760448, "total": 119537664},
        {"instead_of_1024": "1000", "fc6": "102760448", "total": "123633664"},
        {"instead_of_1024": 1000, "fc6": 123633664, "total": 102760448},
    ],
    "08.10": [
        lambda memory, parameters, activations: 5,
        lambda memory, parameters, activations: memory // (4 * activations),
        lambda memory, parameters, activations: (
            abs(memory - 12 * parameters) // (4 * activations)
        ),
        lambda memory, parameters, activations: max(
            1, (memory - 12 * parameters) // (4 * activations)
        ),
        lambda memory, parameters, activations: max(
            0, (memory - 12 * parameters) // (4 * activations) + 1
        ),
        lambda memory, parameters, activations: max(
            0, (memory - 16 * parameters) // (4 * activations)
        ),
        lambda memory, parameters, activations: max(
            0, (memory - 12 * parameters) // (8 * activations)
        ),
        lambda memory, parameters, activations: max(
            0, (memory - 12 * activations) // (4 * parameters)
        ),
        lambda memory, parameters, activations: round(
            max(0, (memory - 12 * parameters) / (4 * activations))
        ),
        lambda memory, parameters, activations: str(
            batch_with_floor(memory, parameters, activations)
        ),
        lambda memory, parameters, activations: [
            batch_with_floor(memory, parameters, activations)
        ] * 2,
    ],
    "08.11": [
        {"dense": 1000, "network": 15222464, "times_fewer": 9},
        {"dense": 512000, "network": 14710464, "times_fewer": 9},
        {"dense": 512000, "network": 15222464, "times_fewer": 9.5},
        {"dense": 512000, "network": 15222464, "times_fewer": 1 / 9},
        {"dense": 512000, "network": 15222465, "times_fewer": 9},
        {"dense": "512000", "network": "15222464", "times_fewer": "9"},
        {"dense": 15222464, "network": 512000, "times_fewer": 9},
    ],
}  # fmt: skip

# --- Inputs ---------------------------------------------------------------------------


def _seen(rng):
    layers = [
        (rng.randint(1, 3), rng.choice((1, 1, 2))) for _ in range(rng.randint(1, 3))
    ]
    field, step = 1, 1
    for F, S in layers:
        field, step = field + (F - 1) * step, step * S
    rows, columns = rng.randint(2, 4), rng.randint(2, 4)
    H, W = field + step * (rows - 1), field + step * (columns - 1)
    network = stack(*layers, seed=rng.randint(0, 10**6))
    at = rng.randrange(rows), rng.randrange(columns)
    return case(network, picture(H, W, rng.randint(0, 10**6)), *at)


def _two_kernels(rng):
    shapes = [(rng.randint(1, 4), rng.randint(1, 4)) for _ in range(2)]
    generator = torch.Generator().manual_seed(rng.randint(0, 10**6))
    return case(*(torch.randn(shape, generator=generator) for shape in shapes))


def _configuration(rng, most=5):
    drawn = [rng.choice((rng.randint(1, 9), "M")) for _ in range(rng.randint(0, most))]
    return [rng.randint(1, 6), *drawn]


def _network(rng):
    configuration = _configuration(rng)
    side = 2 ** configuration.count("M") * rng.randint(1, 2) + rng.randint(0, 1)
    sizes = rng.randint(1, 6), rng.randint(1, 6)
    shape = (rng.randint(1, 3), 3, side, side)
    return case(shape, configuration, side, *sizes, p=rng.choice((0.2, 0.7)))


def _memory(rng):
    return case(rng.randint(0, 5000), rng.randint(1, 300), rng.randint(1, 60))


INPUTS = {
    "08.1": _seen,
    "08.3": lambda rng: case(rng.randint(1, 12), rng.randint(1, 9)),
    "08.5": _two_kernels,
    "08.7": _network,
    "08.8": lambda rng: case(_configuration(rng, most=9), D1=rng.randint(1, 9)),
    "08.10": _memory,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"08.7"})


# --- The explorer ---------------------------------------------------------------------


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
    explorer = stack_explorer()
    size = size_of(explorer)
    for F, layers in settings(explorer):
        field = explorer.field()
        image = torch.zeros(1, 1, field, field, dtype=torch.float64)
        output = ones(F, layers)(image.requires_grad_())
        assert output.numel() == 1  # one pixel less, and nothing fits
        output.sum().backward()
        paths = torch.tensor(explorer.paths(), dtype=torch.float64)
        assert torch.equal(image.grad[0, 0], torch.outer(paths, paths))
        assert f"one layer of {field}×{field}" in words(explorer)
        assert size_of(explorer) == size  # nothing below jumps


def test_costs_are_those_of_the_layer_table():
    explorer = stack_explorer(C=3)
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
    explorer = stack_explorer(F=3, layers=2)
    for C in (1, 7, 512):
        explorer.C.value = C
        stack, one = explorer.compared()["weights"]
        assert (stack, one) == (18 * C * C, 25 * C * C)
        assert "The stack needs 72 %" in explorer.describe()


def test_what_it_says():
    explorer = stack_explorer(F=3, layers=3, C=64)
    assert repr(explorer) == (
        "3 layers of 3×3 see 1 + 3·(3 − 1) = 7 pixels along a side, as one layer of "
        "7×7 does."
    )
    assert "weights 110 592 against 200 704" in explorer.describe()
    explorer.relu.value = False
    assert "one layer could do all that the stack does." in explorer.describe()
    assert "bends (ReLU) 0 against 0" in explorer.describe()
    explorer.F.value = 2
    assert "F is even" in explorer.describe()
    explorer.F.value = 1
    assert "nothing is seen but the pixel itself" in explorer.describe()
    explorer.layers.value = 1
    assert "A stack of one layer is that layer." in explorer.describe()


# --- What the lesson says of memory ---


@pytest.mark.parametrize(("depth", "model", "measured"), [(16, 60, 73), (19, 66, 78)])
def test_what_the_lesson_says_of_memory(depth, model, measured):
    """PyTorch keeps the model's activations, and where each pooling's largest stood."""
    with torch.device("meta"):
        network = networks.vgg(depth)
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
