"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import math
import re
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import avg_pool2d, max_pool2d

from helpers.exercises.engine import case
from lessons.l05_pooling.checks import EXAMPLE
from lessons.l05_pooling.explorer import AVERAGE, MAX, pool_explorer
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import size_of, words

# --- Right answers, written differently -----------------------------------------------


def max_pool_by_lists(image, F, S):
    rows = image.tolist()
    tops, lefts = (range(0, length - F + 1, S) for length in image.shape)
    return [
        [
            max(max(row[left : left + F]) for row in rows[top : top + F])
            for left in lefts
        ]
        for top in tops
    ]


def max_pool_by_numpy(image, F, S):
    windows = np.lib.stride_tricks.sliding_window_view(image.numpy(), (F, F))
    return windows[::S, ::S].max(axis=(2, 3))


def max_pool_by_shifts(image, F, S):
    H2, W2 = ((length - F) // S + 1 for length in image.shape)
    out = torch.full((H2, W2), -math.inf)
    for a, b in product(range(F), repeat=2):
        shifted = image[a::S, b::S][:H2, :W2]
        out = torch.maximum(out, shifted)
    return out


def global_average_by_lists(maps):
    return [
        [sum(map(sum, channel)) / sum(map(len, channel)) for channel in image]
        for image in maps.tolist()
    ]


def average_by_groups(images):
    C = images.shape[1]
    return functional.conv2d(images, torch.ones(C, 1, 2, 2) / 4, stride=2, groups=C)


def average_by_eye(images):
    weight = torch.eye(images.shape[1])[:, :, None, None] * torch.full((2, 2), 0.25)
    return functional.conv2d(images, weight, None, 2)


def average_by_slices(images):
    H, W = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    x = images[:, :, :H, :W].numpy()
    return (
        x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]
    ) / 4


def average_by_lists(images):
    return [
        [
            [
                [
                    (c[i][j] + c[i][j + 1] + c[i + 1][j] + c[i + 1][j + 1]) / 4
                    for j in range(0, len(c[0]) - 1, 2)
                ]
                for i in range(0, len(c) - 1, 2)
            ]
            for c in image
        ]
        for image in images.tolist()
    ]


def gradient_of_all_outputs():
    """The gradient of the sum of all outputs with stride 1, by autograd."""
    image = EXAMPLE.clone().requires_grad_()
    max_pool2d(image[None, None], 2, stride=1).sum().backward()
    return image.grad


def sizes_of_two_pairs():
    """(W, H, D) after each layer, and what one pooling learns, by PyTorch."""
    pool, x, sizes = nn.MaxPool2d(2), torch.zeros(1, 3, 32, 32), []
    for layer in (nn.Conv2d(3, 8, 5), pool, nn.Conv2d(8, 16, 5), pool):
        x = layer(x)
        sizes.append((x.shape[3], x.shape[2], x.shape[1]))
    names = ("conv1", "pool1", "conv2", "pool2")
    return {**dict(zip(names, sizes)), "pool_parameters": len([*pool.parameters()])}


GRADIENT = gradient_of_all_outputs()
RIGHT = {
    "05.2": [
        max_pool_by_lists,
        max_pool_by_numpy,
        max_pool_by_shifts,
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S).amax(dim=(2, 3)),
        lambda image, F, S: nn.MaxPool2d(F, S)(image[None]).squeeze(0),
    ],
    "05.4": [
        global_average_by_lists,
        lambda maps: maps.numpy().mean(axis=(2, 3)),
        lambda maps: maps.flatten(2).mean(-1),
        lambda maps: maps.mean(3).mean(2),
        lambda maps: torch.einsum("nchw->nc", maps) / maps[0, 0].numel(),
        lambda maps: functional.avg_pool2d(maps, maps.shape[2:])[:, :, 0, 0],
    ],
    "05.7": [average_by_groups, average_by_eye, average_by_slices, average_by_lists],
    "05.1": [
        {f"stride_{S}": max_pool2d(EXAMPLE[None, None], 2, S)[0, 0] for S in (1, 2)}
    ],
    "05.3": [
        {
            "stride_2": avg_pool2d(EXAMPLE[None, None], 2)[0, 0],
            "middle": EXAMPLE[1:3, 1:3].mean(),
        }
    ],
    "05.5": [sizes_of_two_pairs()],
    "05.6": [
        {
            "eight": GRADIENT[1, 1],
            "seven": GRADIENT[2, 0],
            "six": GRADIENT[2, 1],
            "five": GRADIENT[2, 3],
            "three": GRADIENT[1, 2],
        }
    ],
}

# --- Wrong answers that nobody listed -------------------------------------------------


def pool_square_only(image, F, S):
    side = min(image.shape)
    return RIGHT["05.2"][-1](image[:side, :side], F, S)


def max_pool(image, F, S, **options):
    return functional.max_pool2d(image[None, None], F, S, **options)[0, 0]


def averaged(images, order=None, bias=None, **options):
    """A convolution whose filter c reads channel order(c)."""
    C = images.shape[1]
    weight = torch.zeros(C, C, 2, 2)
    for c in range(C):
        weight[c, order(c, C) if order else c] = 1 / 4
    bias = None if bias is None else torch.full((C,), bias)
    return functional.conv2d(images, weight, bias, **{"stride": 2, **options})


WRONG = {
    "05.1": [
        {"stride_2": [8, 4, 7, 5], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": [[8, 4], [7, 5]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 4]]},
        {"stride_2": [[8, 4], [7, 5]], "stride_1": [[8, 8, 7], [8, 8, 6], [4, 5, 5]]},
        {"stride_2": [[1, 1], [1, 1]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": [[18, 10], [17, 12]], "stride_1": 8},
        {"stride_2": [[8, 4], [7]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": "8 4 7 5", "stride_1": "8 8 4 8 8 5 7 6 5"},
    ],
    "05.2": [
        pool_square_only,
        lambda image, F, S: image,
        lambda image, F, S: image.max(),
        lambda image, F, S: max_pool(image, S, F),
        lambda image, F, S: max_pool(image, 2, 2),
        lambda image, F, S: max_pool(image, F, S).T,
        lambda image, F, S: max_pool(image.T, F, S),
        lambda image, F, S: -max_pool(-image, F, S),
        lambda image, F, S: max_pool(image.abs(), F, S),
        lambda image, F, S: max_pool(image.relu(), F, S),
        lambda image, F, S: max_pool(image, F, S).round(),
        lambda image, F, S: max_pool(image, F, S).flatten(),
        lambda image, F, S: max_pool(image, F, S)[None],
        lambda image, F, S: max_pool(image, F, S, padding=F // 2),
        lambda image, F, S: max_pool(image, (F, 1), S),
        lambda image, F, S: max_pool(image, F, (S, 1)),
        lambda image, F, S: image[::S, ::S],
        lambda image, F, S: max_pool(image, F, S) - max_pool(-image, F, S),
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S).sum((2, 3)),
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S)
        .flatten(2).median(2).values,
    ],
    "05.3": [
        {"stride_2": [[4.5, 4.25], [2.5, 3]], "middle": 5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": 5},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": -5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3.5]], "middle": 5.25},
        {"stride_2": [4.5, 2.5, 4.25, 3], "middle": 5.25},
        {"stride_2": 57 / 16, "middle": 5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": "5.25"},
    ],
    "05.4": [
        lambda maps: maps,
        lambda maps: 0.5,
        lambda maps: maps.mean(dim=(2, 3)).T,
        lambda maps: maps.mean(dim=(2, 3)).flatten(),
        lambda maps: maps.mean(dim=(2, 3)).round(),
        lambda maps: maps.mean(dim=(2, 3)).relu(),
        lambda maps: maps.mean(dim=(2, 3))[:1],
        lambda maps: maps.mean(dim=(1, 2)),
        lambda maps: maps.flatten(2).median(dim=2).values,
        lambda maps: (maps.amax((2, 3)) + maps.amin((2, 3))) / 2,
        lambda maps: maps.sum(dim=(2, 3)) / maps.shape[2] ** 2,
        lambda maps: maps.sum(dim=(2, 3)) / maps.shape[3] ** 2,
        lambda maps: maps.abs().mean(dim=(2, 3)),
        lambda maps: maps.mean(0).mean((1, 2)).expand(maps.shape[:2]),
        lambda maps: maps[:, :, 0, 0],
    ],
    "05.5": [
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (10, 10, 16),
         "pool2": (5, 5, 16), "pool_parameters": 12},
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (14, 14, 16),
         "pool2": (7, 7, 16), "pool_parameters": 0},
        {"conv1": (8, 28, 28), "pool1": (8, 14, 14), "conv2": (16, 10, 10),
         "pool2": (16, 5, 5), "pool_parameters": 0},
        {"conv1": (27, 27, 8), "pool1": (13, 13, 8), "conv2": (9, 9, 16),
         "pool2": (4, 4, 16), "pool_parameters": 0},
        {"conv1": (28, 28), "pool1": (14, 14), "conv2": (10, 10),
         "pool2": (5, 5), "pool_parameters": 0},
        {"conv1": 28, "pool1": 14, "conv2": 10, "pool2": 5, "pool_parameters": 0},
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (10, 10, 16),
         "pool2": (5, 5, 16), "pool_parameters": None},
    ],
    "05.6": [
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 1),
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 0),
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 0.25),
        {"eight": 5, "seven": 1, "six": 1, "five": 2, "three": 0},
        {"eight": 4, "seven": 1, "six": 1, "five": 2, "three": 1},
        {"eight": -4, "seven": -1, "six": -1, "five": -2, "three": 0},
        {"eight": 32, "seven": 7, "six": 6, "five": 10, "three": 0},
        {"eight": [4], "seven": [1], "six": [1], "five": [1, 1], "three": []},
    ],
    "05.7": [
        lambda images: images,
        lambda images: averaged(images, order=lambda c, C: C - 1 - c),
        lambda images: averaged(images, order=lambda c, C: C - 1),
        lambda images: averaged(images, order=lambda c, C: (c + 1) % C),
        lambda images: averaged(images, bias=0.1),
        lambda images: averaged(images, padding=1),
        lambda images: averaged(images, stride=(2, 1)),
        lambda images: averaged(images, dilation=2),
        lambda images: averaged(images)[:1],
        lambda images: averaged(images).relu(),
        lambda images: averaged(images) / images.shape[1],
        lambda images: averaged(images).transpose(2, 3),
        lambda images: functional.avg_pool2d(images, 2, ceil_mode=True),
        lambda images: functional.avg_pool2d(images, 3, 2),
        lambda images: functional.max_pool2d(images, 2),
        lambda images: functional.lp_pool2d(images, 2, 2) / 2,
        lambda images: images[:, :, ::2, ::2],
        lambda images: torch.full((images.shape[1], images.shape[1], 2, 2), 0.25),
    ],
}  # fmt: skip

# --- Inputs ---------------------------------------------------------------------------


def _pooled(rng):
    F = rng.randint(1, 4)
    image = random_tensor(rng, F + rng.randint(0, 6), F + rng.randint(0, 6))
    return case(image, F, rng.randint(1, 4))


def _batch(least):
    def batch(rng):
        N, C = rng.randint(1, 4), rng.randint(1, 5)
        size = (rng.randint(least, 7), rng.randint(least, 7))
        return case(random_tensor(rng, N, C, *size))

    return batch


INPUTS = {"05.2": _pooled, "05.4": _batch(1), "05.7": _batch(2)}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS


# --- The explorer ---------------------------------------------------------------------

IMAGE = torch.arange(30.0).view(5, 6) * 7 % 11 - 3  # negative ones, and ties


def settings(explorer):
    """Set every kind, F and S; yield these, the image and PyTorch's pooling."""
    image = torch.tensor(explorer.image)[None, None]
    controls = [explorer.kind, explorer.F, explorer.S]
    for kind, F, S in product((MAX, AVERAGE), range(1, 5), range(1, 5)):
        explorer.set_values(controls, (kind, F, S))
        pool = max_pool2d if kind == MAX else avg_pool2d
        yield kind, F, S, image, pool


def test_outputs_are_those_of_torch():
    explorer = pool_explorer(IMAGE)
    size = size_of(explorer)
    for _, F, S, image, pool in settings(explorer):
        expected = pool(image, F, S)[0, 0]
        assert explorer.size() == tuple(expected.shape)
        assert explorer.cell.max == expected.numel() - 1
        for i, j in product(*map(range, expected.shape)):
            assert explorer.output(i, j) == pytest.approx(expected[i, j].item())
        rows, columns = expected.shape
        assert any(f"pooled, {rows} × {columns}" in text for text in words(explorer))
        assert size_of(explorer) == size  # nothing below jumps


def test_wins_are_the_gradient():
    explorer = pool_explorer(IMAGE)
    for kind, F, S, image, pool in settings(explorer):
        if kind == AVERAGE:
            continue
        image = image.clone().requires_grad_()
        pool(image, F, S).sum().backward()
        wins = torch.zeros(5, 6, dtype=torch.float64)
        for at, count in explorer.wins().items():
            wins[at] = count
        assert torch.equal(wins, image.grad[0, 0].double())


def test_the_lecture_s_example():
    explorer = pool_explorer(EXAMPLE)
    explorer.S.value = 1
    assert repr(explorer) == (
        "Max pooling, F = 2, S = 2, of 4 × 4 numbers: the output is 2 × 2."
    )
    assert "8 in row 1, column 1 (4)" in explorer.describe()
    assert "Windows overlap." in explorer.describe()
    explorer.cell.value = 4
    assert "row 1, column 1 is the largest of 8, 3, 6, 4: 8." in explorer.describe()
    explorer.kind.value = AVERAGE
    assert "is (8 + 3 + 6 + 4) / 4 = 5.25." in explorer.describe()
    assert "Winners" not in explorer.describe()


def test_numbers_that_no_window_sees_are_counted():
    explorer = pool_explorer(IMAGE)
    for _, F, S, image, _ in settings(explorer):
        image = image.clone().requires_grad_()
        avg_pool2d(image, F, S).sum().backward()
        lost = int((image.grad == 0).sum())
        found = re.search(r"(\d+) numbers? (?:is|are) never seen", explorer.describe())
        assert (int(found[1]) if found else 0) == lost


def test_each_output_shows_its_window_under_the_pointer():
    explorer = pool_explorer(EXAMPLE)
    other = pool_explorer(IMAGE)
    names = [
        set(re.findall(r'class="(pool-\w+)"', e.picture.value))
        for e in (explorer, other)
    ]
    assert [len(name) for name in names] == [1, 1]
    assert names[0] != names[1]
    assert explorer.picture.value.count('class="window"') == 4


def test_images_are_small():
    for shape in [(1, 4), (4, 8)]:
        with pytest.raises(ValueError, match="2 to 7 rows"):
            pool_explorer(torch.zeros(shape))
    explorer = pool_explorer(torch.zeros(2, 7))
    assert explorer.F.max == 2
