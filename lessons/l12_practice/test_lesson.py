"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import base64
import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from torchvision.transforms import v2

from helpers.data import crop as crop_batch
from helpers.data import load
from helpers.exercises.engine import case
from helpers.networks import ResidualBlock, cifar_resnet
from helpers.networks.named import Mirrored
from lessons.l12_practice.explorer import ANY, error_explorer
from lessons.l12_practice.explorer import WRONG as ANYTHING_ELSE
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import SVG, svg

# --- Right answers, written differently -----------------------------------------------


def constants_by_numpy(pixels):
    values = pixels.numpy().transpose(1, 0, 2, 3).reshape(pixels.shape[1], -1) / 255
    return values.mean(axis=1), values.std(axis=1)


def constants_by_channel(pixels):
    means, stds = [], []
    for channel in pixels.double().div(255).unbind(1):
        means.append(channel.mean().item())
        stds.append(((channel - channel.mean()) ** 2).mean().sqrt().item())
    return means, stds


def crop_by_filling(image, top, left, P=4):
    C, H, W = image.shape
    out = torch.zeros(C, H, W)
    for i in range(H):
        for j in range(W):
            y, x = i + top - P, j + left - P
            if 0 <= y < H and 0 <= x < W:
                out[:, i, j] = image[:, y, x]
    return out


def crop_by_numpy(image, top, left, P=4):
    _, H, W = image.shape
    padded = np.pad(image.numpy(), ((0, 0), (P, P), (P, P)))
    return padded[..., top : H + top, left : W + left]


def crop_of_a_batch(image, top, left, P=4):
    at = torch.tensor([top]), torch.tensor([left])
    return crop_batch(image[None], *at, torch.tensor(0.0), P)[0]


class BlockOfLayers(nn.Module):
    def __init__(self, channels_in, channels_out, step):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, step, 1, bias=False),
            *(nn.BatchNorm2d(channels_out), nn.ReLU()),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.step = step

    def forward(self, x):
        out = self.layers(x)
        out[:, : x.shape[1]] += x[..., :: self.step, :: self.step]
        return out.clamp(min=0)


class BlockMadeBackwards(nn.Module):
    """Layers made from last to first, padding as a layer, one ReLU too many."""

    def __init__(self, C1, C2, stride):
        super().__init__()
        self.last = nn.Sequential(
            nn.Conv2d(C2, C2, 3, padding="same", bias=False), nn.BatchNorm2d(C2)
        )
        self.norm = nn.BatchNorm2d(C2)
        self.first = nn.Sequential(
            nn.ZeroPad2d(1), nn.Conv2d(C1, C2, 3, stride, bias=False)
        )
        self.pool = nn.MaxPool2d(1, stride)  # of windows of one pixel: every stride-th
        self.new = C2 - C1

    def forward(self, x):
        out = self.last(self.norm(self.first(x)).relu())
        zeros = torch.zeros(*out.shape[:1], self.new, *out.shape[2:])
        return (out + torch.cat([self.pool(x), zeros], dim=1)).relu().relu()


def layers_by_a_list(block, C1, C2, n, stride):
    widths, strides = [C1] + [C2] * n, [stride] + [1] * (n - 1)
    return nn.Sequential(*[block(*w) for w in zip(widths, widths[1:], strides)])


def layers_by_adding(block, C1, C2, n, stride):
    stage = nn.Sequential()
    for k in range(n):
        stage.append(block(C2 if k else C1, C2, 1 if k else stride))
    return stage


class Network(nn.Module):
    def __init__(self, n, block=ResidualBlock):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.one = layers_by_a_list(block, 16, 16, n, 1)
        self.two = layers_by_a_list(block, 16, 32, n, 2)
        self.three = layers_by_adding(block, 32, 64, n, 2)
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.norm(self.conv(x)))
        x = self.three(self.two(self.one(x)))
        return self.dense(x.mean(dim=(2, 3)))


def course_network(n, block=ResidualBlock):
    return cifar_resnet(6 * n + 2, plain=block is not ResidualBlock)


def worst_by_sorting(scores, labels, count):
    shares = scores.double().softmax(1).tolist()
    right = [row[label] for row, label in zip(shares, labels.tolist())]
    return sorted(range(len(right)), key=right.__getitem__)[:count]


def worst_by_loss(scores, labels, count):
    losses = functional.cross_entropy(scores, labels, reduction="none")
    return losses.argsort(descending=True)[:count]


def worst_by_topk(scores, labels, count):
    right = scores.log_softmax(1).gather(1, labels[:, None])[:, 0]
    return right.topk(count, largest=False).indices


def mirrored_at_once(network, images):
    return (
        network(torch.cat([images, images.flip(-1)])).view(2, len(images), -1).mean(0)
    )


def mirrored_by_numpy(network, images):
    mirror = torch.from_numpy(images.numpy()[..., ::-1].copy())
    return 0.5 * network(images) + 0.5 * network(mirror)


def counted_in_an_epoch():
    places = {(top, left) for top in range(9) for left in range(9)}  # P = 4
    batches = torch.arange(50_000).split(128)
    return {
        "versions": 2 * len(places),
        "steps": len(batches),
        "last": len(batches[-1]),
    }


def measured_shapes():
    def shape(layer, *size):
        return tuple(layer(torch.empty(size)).shape)

    with torch.device("meta"):
        valid = {shape(nn.Conv2d(3, 1, F), 1, 3, 32, 32): F for F in range(1, 9)}
        halving = [nn.Conv2d(16, 32, 3, 2, P) for P in range(4)]
        padded = {shape(layer, 128, 16, 32, 32): layer for layer in halving}
        output = shape(nn.Conv2d(32, 64, 1, 2), 128, 32, 15, 15)
    layer = padded[128, 32, 16, 16]
    return {
        "F": valid[1, 1, 28, 28],
        "P": layer.padding[0],
        "weight": layer.weight.shape,
        "output": output,
    }


def counted_in_56_layers():
    with torch.device("meta"):
        network, plain = cifar_resnet(56), cifar_resnet(56, plain=True)
    numbers, of_plain = (
        sum(p.numel() for p in each.parameters()) for each in (network, plain)
    )
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    strides = [getattr(layer, "stride", None) for layer in layers]
    return {
        "depth": len(layers),
        "strided": strides.count((2, 2)),
        "shortcuts": numbers - of_plain,
    }


def smoothed_by_gradient():
    """The gradient is softmax − truth, and softmax of zeros is 0.1 everywhere."""
    scores = torch.zeros(1, 10, dtype=torch.double, requires_grad=True)
    loss = functional.cross_entropy(scores, torch.tensor([3]), label_smoothing=0.1)
    loss.backward()
    truth = 0.1 - scores.grad[0]
    return {"right": truth[3], "other": truth[0], "share": torch.tensor(0.0).exp()}


def by_functions(mean, std):
    """The same with tensors, by hand, and with torchvision's newer transforms."""
    normalise = v2.Normalize(mean, std)

    def test(picture):
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        return normalise(pixels / 255)

    def train(picture):
        top, left = torch.randint(9, (2,)).tolist()
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255
        moved = crop_by_numpy(pixels, top, left)
        moved = torch.from_numpy(moved)
        return normalise(moved.flip(2) if torch.rand(()) < 0.5 else moved)

    return train, test


def by_newer_transforms(mean, std):
    numbers = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean, std),
    ]
    moves = [v2.RandomHorizontalFlip(), v2.RandomCrop(32, 4)]
    return v2.Compose(moves + numbers), v2.Compose(numbers)


def loaders_by_samplers(train, test, workers=0):
    order = RandomSampler(train)
    return (
        DataLoader(train, 128, sampler=order, num_workers=workers),
        DataLoader(test, 128, num_workers=workers),
    )


def loaders_by_batch_samplers(train, test, workers=0):
    orders = RandomSampler(train), SequentialSampler(test)
    return [
        DataLoader(
            images, batch_sampler=BatchSampler(order, 128, False), num_workers=workers
        )
        for images, order in zip((train, test), orders)
    ]


RIGHT = {
    "12.13": [by_functions, by_newer_transforms],
    "12.14": [loaders_by_samplers, loaders_by_batch_samplers],
    "12.1": [
        constants_by_numpy,
        constants_by_channel,
        lambda pixels: [
            f(pixels, dim=(0, 2, 3)) / 255 for f in (torch.mean, torch.std)
        ],
    ],
    "12.2": [crop_by_filling, crop_by_numpy, crop_of_a_batch],
    "12.5": [BlockOfLayers, BlockMadeBackwards, ResidualBlock],
    "12.6": [
        layers_by_a_list,
        layers_by_adding,
        lambda block, C1, C2, n, stride: nn.Sequential(
            block(C1=C1, C2=C2, stride=stride),
            *[block(C1=C2, C2=C2, stride=1) for _ in range(1, n)],
        ),
    ],
    "12.7": [Network, course_network],
    "12.9": [
        lambda epoch, epochs, highest: highest
        * 0.1 ** ((2 * epoch >= epochs) + (4 * epoch >= 3 * epochs)),
        lambda epoch, epochs, highest: (
            highest / (1, 1, 10, 100)[4 * epoch // epochs]
        ),
    ],
    "12.11": [worst_by_sorting, worst_by_loss, worst_by_topk],
    "12.12": [
        mirrored_at_once,
        mirrored_by_numpy,
        lambda network, images: Mirrored(network)(images),
    ],
    "12.3": [counted_in_an_epoch()],
    "12.4": [measured_shapes()],
    "12.8": [counted_in_56_layers()],
    "12.10": [smoothed_by_gradient()],
}  # fmt: skip

# --- Wrong answers that nobody listed -------------------------------------------------


class Halved(ResidualBlock):
    def forward(self, x):
        return super().forward(x) / 2


class Late(BlockOfLayers):
    """Takes the last pixels, not the first."""

    def forward(self, x):
        out = self.layers(x)
        kept = x.flip(2)[..., :: self.step, :: self.step]
        out[:, : x.shape[1]] += kept
        return out.relu()


class Cut(BlockOfLayers):
    """The right numbers, and no gradient through the shortcut."""

    def forward(self, x):
        out = self.layers(x)
        kept = x.detach()[..., :: self.step, :: self.step]
        return (
            out + functional.pad(kept, (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))
        ).relu()


class CutWhereWidened(ResidualBlock):
    """A shortcut that strides only where channels are added."""

    def shortcut(self, x):
        return super().shortcut(x) if self.new else x


class Averaged(ResidualBlock):
    """Means of pixels in the shortcut, and not every second one."""

    def shortcut(self, x):
        x = functional.avg_pool2d(x, self.stride, ceil_mode=True)
        return functional.pad(x, (0, 0, 0, 0, 0, self.new))


def padded_before(block, C1, C2, n, stride):
    return nn.Sequential(nn.ReLU(), layers_by_a_list(block, C1, C2, n, stride))


def reversed_stage(block, C1, C2, n, stride):
    blocks = [block(C1, C1, 1) for _ in range(n - 1)]
    return nn.Sequential(*blocks, block(C1, C2, stride))


class NoReLU(Network):
    def forward(self, x):
        x = self.three(self.two(self.one(self.norm(self.conv(x)))))
        return self.dense(x.mean(dim=(2, 3)))


class Corner(Network):
    def forward(self, x):
        x = self.one(functional.relu(self.norm(self.conv(x))))
        return self.dense(self.three(self.two(x))[:, :, 0, 0])


def turned(degrees):
    numbers = v2.ToImage(), v2.ToDtype(torch.float32, scale=True)
    return lambda mean, std: [
        v2.Compose([move, *numbers, v2.Normalize(mean, std)])
        for move in (v2.RandomRotation(degrees), v2.Identity())
    ]


WRONG = {
    "12.13": [
        turned(90),
        lambda mean, std: by_functions(mean, std)[0],
        lambda mean, std: by_functions(std, std),
        lambda mean, std: [
            v2.Compose([v2.Resize(36), step]) for step in by_functions(mean, std)
        ],
        lambda mean, std: [v2.PILToTensor(), v2.PILToTensor()],
        lambda mean, std: None,
    ],
    "12.14": [
        lambda train, test, workers=0: loaders_by_samplers(train, test)[0],
        lambda train, test, workers=0: loaders_by_samplers(test, train, workers),
        lambda train, test, workers=0: (train, test),
        lambda train, test, workers=0: [
            DataLoader(images, 64, shuffle, num_workers=workers)
            for images, shuffle in ((train, True), (test, False))
        ],
    ],
    "12.1": [
        lambda pixels: constants_by_numpy(pixels)[::-1],
        lambda pixels: constants_by_numpy(pixels)[0],
        lambda pixels: constants_by_numpy(pixels / 255),
        lambda pixels: constants_by_numpy(pixels[:1]),
        lambda pixels: (*constants_by_numpy(pixels.flip(1)), 0),
        lambda pixels: ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ],
    "12.2": [
        lambda image, top, left, P=4: crop_by_filling(image, top, left, P).flip(2),
        lambda image, top, left, P=4: crop_by_filling(image, top, left, P + 1),
        lambda image, top, left, P=4: crop_by_filling(image, top, left, P)[:1],
        lambda image, top, left, P=4: crop_by_filling(image, P, left, P),
        lambda image, top, left, P=4: crop_by_filling(image, top, P, P),
        lambda image, top, left, P=4: functional.pad(image, (P, P, P, P)),
        lambda image, top, left, P=4: image.roll((P - top, P - left), (1, 2)),
    ],
    "12.3": [
        {"versions": 162, "steps": 391, "last": 79},
        {"versions": 324, "steps": 391, "last": 80},
        {"versions": 162, "steps": 391, "last": 0},
        {"versions": 162, "steps": 400, "last": 80},
    ],
    "12.4": [
        {"F": 5, "P": 1, "weight": (32, 16, 3), "output": (128, 64, 8, 8)},
        {"F": 5, "P": 1, "weight": 4608, "output": (128, 64, 8, 8)},
        {"F": 5, "P": 1, "weight": (32, 16, 3, 3), "output": (64, 8, 8)},
        {"F": (5, 5), "P": 1, "weight": (32, 16, 3, 3), "output": (128, 64, 8, 8)},
    ],
    "12.5": [
        Halved,
        Late,
        Cut,
        Averaged,
        CutWhereWidened,
        lambda C1, C2, stride: ResidualBlock(C1, C2, 1),
        lambda C1, C2, stride: ResidualBlock(C1, C2, 2),
        lambda C1, C2, stride: ResidualBlock(C1, C2, stride, project=True),
        lambda C1, C2, stride: nn.Conv2d(C1, C2, 3, stride, 1),
        lambda C1, C2, stride: nn.Identity(),
    ],
    "12.6": [
        padded_before,
        reversed_stage,
        lambda block, C1, C2, n, stride: layers_by_a_list(
            block, C1, C2, n, stride if C1 != C2 else 1
        ),
        lambda block, C1, C2, n, stride: block(C1, C2, stride),
        lambda block, C1, C2, n, stride: [block(C1, C2, stride)] * n,
        lambda block, C1, C2, n, stride: layers_by_a_list(block, C1, C2, n, 2),
        lambda block, C1, C2, n, stride: layers_by_a_list(
            ResidualBlock, C1, C2, n, stride
        ),
    ],
    "12.7": [
        NoReLU,
        Corner,
        lambda n, block=ResidualBlock: Network(1, block),
        lambda n, block=None: Network(n),
        lambda n, block=ResidualBlock: Network(n + 1, block),
        lambda n, block=ResidualBlock: nn.Sequential(Network(n, block), nn.ReLU()),
        lambda n, block=ResidualBlock: Network(n, block).conv,
        lambda n, block=ResidualBlock: nn.Identity(),
    ],
    "12.8": [
        {"depth": 57, "strided": 2, "shortcuts": 0},
        {"depth": 56, "strided": 1, "shortcuts": 0},
        {"depth": 56, "strided": 2, "shortcuts": 2},
        {"depth": "56", "strided": 2, "shortcuts": 0},
    ],
    "12.9": [
        lambda epoch, epochs, highest: highest * (1 - epoch / epochs),
        lambda epoch, epochs, highest: highest / 10 ** (4 * epoch // epochs),
        lambda epoch, epochs, highest: 0.1 if epoch < epochs / 2 else 0.01,
        lambda epoch, epochs, highest: highest / (10 if epoch >= 82 else 1),
        lambda epoch, epochs, highest: highest / 10 if epoch >= epochs / 2 else 0,
        lambda epoch, epochs, highest: None,
    ],
    "12.10": [
        {"right": 0.95, "other": 0.01, "share": 1},
        {"right": 0.91, "other": 0.09, "share": 1},
        {"right": 0.91, "other": 0.01, "share": 10},
        {"right": 91, "other": 1, "share": 100},
    ],
    "12.11": [
        lambda scores, labels, count: worst_by_sorting(scores, labels, count)[::-1],
        lambda scores, labels, count: list(range(count)),
        lambda scores, labels, count: worst_by_sorting(scores, labels, count + 1),
        lambda scores, labels, count: worst_by_sorting(scores, labels * 0, count),
        lambda scores, labels, count: worst_by_sorting(-scores, labels, count),
        lambda scores, labels, count: labels[:count],
        lambda scores, labels, count: None,
    ],
    "12.12": [
        lambda network, images: network(images) / 2 + network(images.mT.mT) / 2,
        lambda network, images: network(images) - network(images.flip(3)),
        lambda network, images: torch.maximum(network(images), network(images.flip(3))),
        lambda network, images: mirrored_at_once(network, images)[:1].expand(9, -1),
        lambda network, images: mirrored_at_once(network, images).argmax(1),
        lambda network, images: mirrored_at_once(network, images) / 2,
        lambda network, images: (network(images) + network(images.roll(1, 3))) / 2,
    ],
}  # fmt: skip

# --- Random inputs --------------------------------------------------------------------


def _pixels(rng):
    shape = (
        rng.randint(40, 60),
        rng.randint(1, 4),
        rng.randint(6, 9),
        rng.randint(6, 9),
    )
    pixels = (
        random_tensor(rng, *shape, size=30.0)
        + 128
        + random_tensor(rng, shape[0], 1, 1, 1) * 40
    )
    return case((pixels + 9 * torch.arange(shape[3])).round().clamp(0, 255))


def _to_crop(rng):
    P = rng.randint(0, 4)
    image = random_tensor(rng, rng.randint(1, 3), rng.randint(1, 6), rng.randint(1, 6))
    return case(image, rng.randint(0, 2 * P), rng.randint(0, 2 * P), P)


def _in_block(rng):
    C1 = rng.randint(1, 4)
    shape = (rng.randint(2, 3), C1, rng.randint(3, 7), rng.randint(3, 7))
    return case(shape, C1, C1 + rng.randint(0, 4), rng.randint(1, 3))


def _in_stage(rng):
    C1 = rng.randint(1, 3)
    shape = (2, C1, rng.randint(4, 8), rng.randint(4, 8))
    return case(
        shape, ResidualBlock, C1, C1 + rng.randint(0, 3), rng.randint(1, 4),
        rng.randint(1, 2),
    )  # fmt: skip


def _epoch(rng):
    epochs = rng.randint(1, 300)
    return case(rng.randrange(epochs), epochs, rng.choice((0.05, 0.1, 0.5, 1.0)))


def _scored(rng):
    N, classes = rng.randint(1, 9), rng.randint(2, 10)
    scores = 2 * random_tensor(rng, N, classes) + 4 * random_tensor(rng, N, 1)
    labels = torch.tensor([rng.randrange(classes) for _ in range(N)])
    return case(scores, labels, rng.randint(0, N))


def _looked_at(rng):
    shape = (rng.randint(1, 4), rng.randint(1, 3), rng.randint(1, 5), rng.randint(2, 5))
    return case(shape, rng.randint(2, 10))


def _constants(rng):
    return case(*[[rng.uniform(0.1, 0.9) for _ in range(3)] for _ in range(2)])


INPUTS = {
    "12.13": _constants,
    "12.14": lambda rng: case(rng.randint(129, 400), rng.randint(129, 400), 1),
    "12.1": _pixels,
    "12.2": _to_crop,
    "12.5": _in_block,
    "12.6": _in_stage,
    "12.7": lambda rng: case((2, 3, 4 * rng.randint(2, 3), 8), rng.randint(1, 2)),
    "12.9": _epoch,
    "12.11": _scored,
    "12.12": _looked_at,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"12.1", "12.5", "12.6", "12.7", "12.13"})


# --- The explorer ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    return load("shapes", "cpu", counts=(50, 200))


@pytest.fixture(scope="module")
def scores(data):
    scores = torch.randn(200, 10, generator=torch.Generator().manual_seed(12))
    scores[torch.arange(200), data.test.labels] += 2
    scores[data.test.labels == 3, 4] += 50  # every cross a star: class 3 has none right
    return scores


def choose(explorer, it_is, says):
    explorer.set_values((explorer.it_is, explorer.says), (it_is, says))


def test_every_image_is_in_one_cell(data, scores):
    explorer = error_explorer(data, scores)
    labels, guesses = data.test.labels.tolist(), scores.argmax(dim=1).tolist()
    found = []
    for i, j in itertools.product(range(10), range(10)):
        choose(explorer, data.classes[i], data.classes[j])
        chosen = explorer.chosen()
        assert all((labels[k], guesses[k]) == (i, j) for k in chosen)
        assert len(chosen) == explorer.counts[i, j]
        found += chosen
    assert sorted(found) == list(range(200))


def test_the_worst_come_first(data, scores):
    explorer = error_explorer(data, scores)
    right = scores.softmax(dim=1)[torch.arange(200), data.test.labels]
    wrong = scores.argmax(dim=1) != data.test.labels
    chosen = explorer.chosen()
    assert chosen == sorted(wrong.nonzero()[:, 0].tolist(), key=lambda k: right[k])
    assert chosen[:6] == right.argsort()[:6].tolist()
    choose(explorer, "ring", ANYTHING_ELSE)
    assert explorer.chosen() == [k for k in chosen if data.test.labels[k] == 5]
    choose(explorer, ANY, "star")
    assert set(explorer.chosen()) == set(
        (scores.argmax(dim=1) == 4).nonzero()[:, 0].tolist()
    )


def test_pages_show_each_image_once(data, scores):
    explorer = error_explorer(data, scores)
    heights = set()
    for it_is, says in ((ANY, ANYTHING_ELSE), ("cross", "star"), ("cross", "cross")):
        choose(explorer, it_is, says)
        seen = []
        pages = range(1, explorer.first.max + 1, explorer.first.step)
        assert pages[-1] == explorer.first.max
        for first in pages:
            explorer.first.value = first
            picture = svg(explorer)
            heights.add(picture.get("height"))
            assert len(list(picture.iter(f"{SVG}image"))) == len(explorer.shown())
            seen += explorer.shown()
        assert seen == explorer.chosen()
        assert explorer.first.disabled == (len(seen) <= 6)
    assert len(heights) == 1  # nothing below jumps
    assert explorer.first.value == 1  # a page that is gone was left
    assert "no image" in explorer.describe()
    assert "There is no image here." in explorer.picture.value


def test_cells_hold_the_counts(data, scores):
    explorer = error_explorer(data, scores, "cross", "star")
    picture = svg(explorer)
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    shown = sum(int(text) for text in texts if text.isdigit())
    assert shown == 200
    frames = [
        rect
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("stroke-width") == "3" and float(rect.get("width")) < 30
    ]
    assert len(frames) == 1
    choose(explorer, "cross", ANYTHING_ELSE)
    frames = [
        rect
        for rect in svg(explorer).iter(f"{SVG}rect")
        if rect.get("stroke-width") == "3" and float(rect.get("width")) < 30
    ]
    assert len(frames) == 9


def test_nothing_leaves_the_picture(data, scores):
    explorer = error_explorer(data, scores)
    picture = svg(explorer)
    width, height = (float(picture.get(side)) for side in ("width", "height"))
    shapes = list(picture.iter(f"{SVG}rect"))[1:]
    for element in [*picture.iter(f"{SVG}image"), *shapes]:
        x, y = float(element.get("x")), float(element.get("y"))
        assert x >= 0
        assert y >= 0
        assert x + float(element.get("width")) <= width
        assert y + float(element.get("height")) <= height


def test_images_have_their_own_colours(data, scores):
    explorer = error_explorer(data, scores)
    first = next(svg(explorer).iter(f"{SVG}image")).get("href")
    bytes_of = base64.b64decode(first.partition(",")[2])
    pixels = torch.tensor(np.array(Image.open(io.BytesIO(bytes_of))))  # (H, W, 3)
    number = explorer.shown()[0]
    back = data.test.images[number] * data.std[:, None, None]
    expected = 255 * (back + data.mean[:, None, None])
    assert torch.allclose(pixels.permute(2, 0, 1).float(), expected, atol=0.51)


def test_words_do_not_depend_on_the_scores(data, scores):
    explorer = error_explorer(data, scores)
    assert repr(explorer) == (
        "Errors of a network on 200 images of drawn shapes (stand-in for CIFAR-10)."
    )
    right = int((scores.argmax(dim=1) == data.test.labels).sum())
    assert f"{right} of 200 are right" in explorer.describe()
    choose(explorer, "cross", "star")
    assert "Chosen: cross taken for star, 20 images" in explorer.describe()
    assert "is cross, said star, 100% against 0%" in explorer.describe()


def test_grey_images_too():
    digits = load("digits", "cpu")
    scores = torch.zeros(len(digits.test.labels), 10)
    explorer = error_explorer(digits, scores, it_is="7")
    assert explorer.guesses.unique().tolist() == [0]
    assert len(list(svg(explorer).iter(f"{SVG}image"))) == 6


def test_still_and_limits(data, scores):
    explorer = error_explorer(data, scores)
    still = explorer.still()
    assert list(still) == ["image/png"]  # which nobody compares: floats differ
    assert Image.open(io.BytesIO(base64.b64decode(still["image/png"]))).size == (
        explorer.WIDTH,
        explorer.HEIGHT,
    )
    with pytest.raises(ValueError, match=r"\(200, 10\)"):
        error_explorer(data, scores[:, :9])
    with pytest.raises(ValueError, match="no class 'cat'"):
        error_explorer(data, scores, it_is="cat")
