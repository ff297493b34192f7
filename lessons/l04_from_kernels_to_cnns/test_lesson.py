"""Right and wrong answers to the exercises of this lesson, its explorer and figures."""

import itertools
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers import convolution
from helpers.exercises.engine import case
from lessons.l04_from_kernels_to_cnns.checks import matrix_of
from lessons.l04_from_kernels_to_cnns.explorer import (
    draw_layers,
    field_explorer,
    reaching,
    windows,
)
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import SVG, size_of, svg

# --- Right answers, written differently -----------------------------------------------


def step_by_lists(kernel, gradient, rate):
    def step(k, g):
        if isinstance(k, list):
            return [step(*pair) for pair in zip(k, g)]
        return k - rate * g

    return step(kernel.tolist(), gradient.tolist())


def step_by_optimizer(kernel, gradient, rate):
    weight = nn.Parameter(kernel)
    weight.grad = gradient
    torch.optim.SGD([weight], lr=rate).step()
    return weight


def step_in_place(kernel, gradient, rate):
    kernel -= gradient.mul_(rate)
    return kernel


def field_from_the_output(layers):
    field = 1
    for F, S in reversed(layers):
        field = (field - 1) * S + F
    return field


def field_by_positions(layers):
    seen = {0}
    for F, S in layers[::-1]:
        seen = {p * S + k for p in seen for k in range(F)}
    return max(seen) - min(seen) + 1


def field_by_products(layers):
    return 1 + sum(
        (F - 1) * math.prod(S for _, S in layers[:at])
        for at, (F, _) in enumerate(layers)
    )


def matrix_by_lists(kernel, H1, W1):
    kernel = kernel.tolist()
    m, n = len(kernel), len(kernel[0])
    rows = []
    for i, j in itertools.product(range(H1 - m + 1), range(W1 - n + 1)):
        row = [0] * (H1 * W1)
        for a, b in itertools.product(range(m), range(n)):
            row[(i + a) * W1 + j + b] = kernel[a][b]
        rows.append(row)
    return rows


def matrix_by_single_pixels(kernel, H1, W1):
    pixels = torch.eye(H1 * W1).view(-1, 1, H1, W1)
    return functional.conv2d(pixels, kernel[None, None]).flatten(1).T


def matrix_by_numpy(kernel, H1, W1):
    numbers = np.arange(H1 * W1).reshape(H1, W1)
    windows = np.lib.stride_tricks.sliding_window_view(numbers, kernel.shape)
    matrix = np.zeros((windows.shape[0] * windows.shape[1], H1 * W1))
    np.put_along_axis(
        matrix,
        windows.reshape(len(matrix), -1),
        kernel.numpy().reshape(1, -1).repeat(len(matrix), 0),
        axis=1,
    )
    return matrix


def gradient_by_lists(matrix, g):
    return [sum(a * b for a, b in zip(column, g)) for column in zip(*matrix)]


def gradient_by_autograd(matrix, g):
    x = torch.zeros(matrix.shape[1], requires_grad=True)
    (matrix @ x).backward(g)
    return x.grad


def moves_along(layer):
    """Whether a layer's output moves by one pixel when its picture does."""
    picture = torch.zeros(1, 1, 14, 14)
    picture[..., 5:9, 5:9] = torch.arange(1.0, 17).view(4, 4)
    return torch.allclose(layer(picture.roll(1, -1)), layer(picture).roll(1, -1))


def convolve(maps, **options):
    kernel = torch.tensor([[1.0, -2, 1], [3, -1, 0], [-1, 2, -2]])
    return functional.conv2d(maps, kernel[None, None], **options)


def with_own_kernels(maps):
    kernels = torch.arange(9.0 * 144).view(9, 144)
    return (functional.unfold(maps, 3) * kernels).sum(dim=1).view(12, 12)


def row_in_letters(output):
    matrix = matrix_of(torch.tensor([[1.0, 2], [3, 4]]), 3, 3).int()
    return ["0wxyz"[weight] for weight in matrix[output].tolist()]


PIXELS = torch.arange(1, 17).view(4, 4)  # numbered as in the lesson

RIGHT = {
    "04.1": [
        step_by_lists,
        step_by_optimizer,
        step_in_place,
        lambda kernel, gradient, rate: kernel.numpy() - rate * gradient.numpy(),
        lambda kernel, gradient, rate: torch.sub(kernel, gradient, alpha=rate),
        lambda kernel, gradient, rate: -(rate * gradient - kernel),
    ],
    "04.2": [
        {"pixels": PIXELS.unfold(0, 2, 1).unfold(1, 2, 1)[1, 2].flatten().tolist()},
    ],
    "04.3": [
        {
            "dense": nn.Linear(16, 9).weight.numel(),
            "local": functional.unfold(torch.zeros(1, 1, 4, 4), 2).numel(),
            "shared": nn.Conv2d(1, 1, 2).weight.numel(),
        },
    ],
    "04.4": [
        {
            "three_of_3": field_by_positions([(3, 1)] * 3),
            "two_of_5": field_by_positions([(5, 1)] * 2),
            "layers_for_11": next(
                n for n in range(11) if field_by_positions([(3, 1)] * n) == 11
            ),
        },
    ],
    "04.5": [field_from_the_output, field_by_positions, field_by_products],
    "04.6": [
        {
            "relu": moves_along(lambda x: convolve(x).relu()),
            "two_layers": moves_along(lambda x: convolve(convolve(x).relu()).relu()),
            "own_kernels": moves_along(with_own_kernels),
            "stride_2": moves_along(lambda x: convolve(x, stride=2)),
        },
    ],
    "04.7": [
        {"row_m": row_in_letters(1), "row_n": row_in_letters(2)},
    ],
    "04.8": [matrix_by_lists, matrix_by_single_pixels, matrix_by_numpy],
    "04.9": [
        gradient_by_lists,
        gradient_by_autograd,
        lambda matrix, g: g @ matrix,
        lambda matrix, g: np.einsum("ok,o->k", matrix, g),
        lambda matrix, g: (matrix * g[:, None]).sum(dim=0),
    ],
}


# --- Wrong answers that nobody listed -------------------------------------------------


def field_with(first=1, rule=lambda field, F, S, step: field + (F - 1) * step):
    def receptive_field(layers):
        field, step = first, 1
        for F, S in layers:
            field, step = rule(field, F, S, step), step * S
        return field

    return receptive_field


def field_by_last_layer(layers):
    field = 1
    for F, S in reversed(layers):
        field = field * S + F - 1
    return field


def matrix_for_square_kernels(kernel, H1, W1):
    F = max(kernel.shape)
    square = functional.pad(kernel, (0, F - kernel.shape[1], 0, F - kernel.shape[0]))
    return matrix_by_single_pixels(square, H1, W1)


def matrix_same_size(kernel, H1, W1):
    pixels = torch.eye(H1 * W1).view(-1, 1, H1, W1)
    out = functional.conv2d(pixels, kernel[None, None], padding="same")
    return out.flatten(1).T


def matrix_wrong_in_the_last_row(kernel, H1, W1):
    matrix = matrix_by_single_pixels(kernel, H1, W1).clone()
    matrix[-1] = matrix[0]
    return matrix


WRONG = {
    "04.1": [
        lambda kernel, gradient, rate: kernel,
        lambda kernel, gradient, rate: gradient,
        lambda kernel, gradient, rate: kernel - rate,
        lambda kernel, gradient, rate: kernel - rate * gradient.sign(),
        lambda kernel, gradient, rate: kernel - rate * gradient.abs(),
        lambda kernel, gradient, rate: kernel - rate * gradient.mean(),
        lambda kernel, gradient, rate: kernel - rate * gradient / gradient.norm(),
        lambda kernel, gradient, rate: kernel - 2 * rate * gradient,
        lambda kernel, gradient, rate: kernel - rate**2 * gradient,
        lambda kernel, gradient, rate: kernel - min(rate, 1) * gradient,
        lambda kernel, gradient, rate: kernel - rate * kernel * gradient,
        lambda kernel, gradient, rate: rate * (kernel - gradient),
        lambda kernel, gradient, rate: (1 - rate) * kernel - rate * gradient,
        lambda kernel, gradient, rate: (kernel - rate * gradient).relu(),
        lambda kernel, gradient, rate: (kernel - rate * gradient).flatten(),
        lambda kernel, gradient, rate: str(kernel - rate * gradient),
    ],
    "04.2": [
        {"pixels": {7, 8, 12}},
        {"pixels": [7, 8, 11, 11, 12]},
        {"pixels": {6, 7, 8, 10, 11, 12, 14, 15, 16}},
        {"pixels": {3, 4, 7, 8}},
        {"pixels": {6, 7, 11, 12}},
        {"pixels": {7.5, 8, 11, 12}},
        {"pixels": (-7, -8, -11, -12)},
        {"pixels": 7},
        {"pixels": "7, 8, 11, 12"},
        {"pixels": set()},
    ],
    "04.3": [
        {"dense": 4, "local": 36, "shared": 144},
        {"dense": 144, "local": 36, "shared": 9},
        {"dense": 145, "local": 36, "shared": 4},
        {"dense": 144, "local": 40, "shared": 5},
        {"dense": 144, "local": 36, "shared": 2},
        {"dense": "144", "local": "36", "shared": "4"},
        {"dense": -144, "local": -36, "shared": -4},
    ],
    "04.4": [
        {"three_of_3": 6, "two_of_5": 9, "layers_for_11": 5},
        {"three_of_3": 7, "two_of_5": 25, "layers_for_11": 5},
        {"three_of_3": 7, "two_of_5": 9, "layers_for_11": 11},
        {"three_of_3": 7, "two_of_5": 9, "layers_for_11": 5.5},
        {"three_of_3": 49, "two_of_5": 81, "layers_for_11": 5},
        {"three_of_3": 9, "two_of_5": 7, "layers_for_11": 5},
        {"three_of_3": (7, 7), "two_of_5": (9, 9), "layers_for_11": 5},
        {"three_of_3": "7", "two_of_5": "9", "layers_for_11": "5"},
    ],
    "04.5": [
        field_by_last_layer,
        field_with(first=0),
        field_with(rule=lambda field, F, S, step: field + (F - 1) * S),
        field_with(rule=lambda field, F, S, step: field + F - 1),
        field_with(rule=lambda field, F, S, step: field * F),
        field_with(rule=lambda field, F, S, step: F),
        field_with(rule=lambda field, F, S, step: field + 2 * step),
        field_with(rule=lambda field, F, S, step: max(field, F * step)),
        field_with(rule=lambda field, F, S, step: field + (F - 1) * min(step, 4)),
        lambda layers: field_from_the_output(layers[::-1]),
        lambda layers: field_from_the_output(layers[:2]),
        lambda layers: field_from_the_output(layers) ** 2,
        lambda layers: sum(F for F, _ in layers),
        lambda layers: 2 * len(layers) + 1,
        lambda layers: str(field_from_the_output(layers)),
    ],
    "04.6": [
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), True),
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), False),
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), 0.5),
        {"relu": False, "two_layers": False, "own_kernels": True, "stride_2": True},
        {"relu": "yes", "two_layers": "yes", "own_kernels": "no", "stride_2": "no"},
        {"relu": True, "two_layers": True, "own_kernels": None, "stride_2": False},
    ],
    "04.7": [
        {"row_m": "0wx0yz000", "row_n": "000wx0yz"},
        {"row_m": "0wx0yz000", "row_n": "0000wx0yz"},
        {"row_m": "0wx00yz00", "row_n": "000wx0yz0"},
        {"row_m": "0wy0xz000", "row_n": "000wy0xz0"},
        {"row_m": "cw+dx+fy+gz", "row_n": "ew+fx+hy+iz"},
        {"row_m": "wxyz", "row_n": "wxyz"},
        {"row_m": ["w", "x", "y", "z"], "row_n": []},
        {"row_m": "010110000", "row_n": "000110110"},
        {"row_m": "", "row_n": ""},
        {"row_m": 0, "row_n": 0},
    ],
    "04.8": [
        matrix_for_square_kernels,
        matrix_same_size,
        matrix_wrong_in_the_last_row,
        lambda kernel, H1, W1: kernel,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).T,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, W1, H1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.T, H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.flip(1), H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.relu(), H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).flip(0),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1)[:1],
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1) != 0,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).view(-1, H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).sum(dim=0),
    ],
    "04.9": [
        lambda matrix, g: g,
        lambda matrix, g: matrix.T,
        lambda matrix, g: matrix[0] * g[0],
        lambda matrix, g: matrix * g[:, None],
        lambda matrix, g: -(matrix.T @ g),
        lambda matrix, g: matrix.T @ g.abs(),
        lambda matrix, g: matrix.T @ g.flip(0),
        lambda matrix, g: matrix.T.flip(0) @ g,
        lambda matrix, g: matrix.T @ (g / g.norm()),
        lambda matrix, g: matrix.T @ g / len(g),
        lambda matrix, g: matrix.sum(dim=0) * g.sum(),
        lambda matrix, g: matrix.sum(dim=0) * g.mean(),
        lambda matrix, g: (matrix.T @ g).sum(),
        lambda matrix, g: (matrix.T @ g)[None],
        lambda matrix, g: (matrix.T @ g).relu(),
    ],
}


def _descent(rng):
    shape = (rng.randint(1, 4), rng.randint(1, 4))
    return case(
        random_tensor(rng, *shape), random_tensor(rng, *shape), rng.uniform(0.01, 1)
    )


def _stack(rng):
    layers = [(rng.randint(1, 6), rng.randint(1, 4)) for _ in range(rng.randint(1, 6))]
    return case(layers)


def _matrix(rng):
    m, n = rng.randint(1, 3), rng.randint(1, 3)
    return case(random_tensor(rng, m, n), m + rng.randint(0, 4), n + rng.randint(0, 4))


def _backward(rng):
    rows, columns = rng.randint(1, 6), rng.randint(1, 6)
    return case(random_tensor(rng, rows, columns), random_tensor(rng, rows))


INPUTS = {
    "04.1": _descent,
    "04.5": _stack,
    "04.8": _matrix,
    "04.9": _backward,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS


# --- The explorer, and the pictures of layers -----------------------------------------

SETTINGS = list(itertools.product(range(1, 6), range(1, 6), range(1, 4)))


def seen_by_autograd(widths, F, S, output):
    """The inputs whose gradient is not zero."""
    x = torch.zeros(1, 1, widths[0], dtype=torch.float64, requires_grad=True)
    y = x
    for _ in widths[1:]:
        y = functional.conv1d(y, torch.ones(1, 1, F, dtype=torch.float64), stride=S)
    assert y.shape[-1] == widths[-1]
    y[0, 0, output].backward()
    return set(x.grad[0, 0].nonzero().flatten().tolist())


def test_every_setting_shows_what_an_output_really_sees():
    explorer = field_explorer()
    size = size_of(explorer)
    for depth, F, S in SETTINGS:
        explorer.set_values([explorer.depth, explorer.F, explorer.S], [depth, F, S])
        widths = explorer.widths()
        assert explorer.output.max == widths[-1]
        for output in {1, widths[-1]}:
            explorer.output.value = output
            seen = seen_by_autograd(widths, F, S, output - 1)
            assert explorer.lit()[0] == seen, (depth, F, S, output)
            assert max(seen) - min(seen) + 1 == explorer.field()
            assert size_of(explorer) == size


def test_dots_stay_inside_the_picture():
    explorer = field_explorer()
    for values in SETTINGS:
        explorer.set_values([explorer.depth, explorer.F, explorer.S], values)
        circles = list(svg(explorer).iter(f"{SVG}circle"))
        assert len(circles) == sum(explorer.widths())
        for circle in circles:
            assert 100 < float(circle.get("cx")) < explorer.WIDTH - 9
            assert 70 < float(circle.get("cy")) < explorer.HEIGHT - 9


def test_what_stays_where_nothing_runs_is_the_first_state():
    first = "2 layers, F = 3, S = 1: the receptive field is 5 of 31 inputs."
    assert repr(field_explorer()) == first


def test_the_formula_is_the_helpers():
    explorer = field_explorer(depth=3, F=3, S=2)
    assert explorer.field() == convolution.receptive_field([(3, 2)] * 3) == 15
    assert "= 1 + 2·1 + 2·2 + 2·4 = 15" in explorer.describe()


def test_layers_that_do_not_fit_are_named():
    explorer = field_explorer(depth=5, F=4, S=3)
    assert explorer.widths() == [31, 10, 3]
    assert "Layer 3 does not fit: 3 values left for a kernel of 4." in (
        explorer.describe()
    )


def test_skipped_inputs_are_counted():
    explorer = field_explorer(depth=2, F=2, S=3)
    explorer.output.value = 1
    assert explorer.lit()[0] == {0, 1, 3, 4}
    assert "except 1 of them, which falls between windows" in explorer.describe()


def test_an_output_that_is_gone_is_left():
    explorer = field_explorer(depth=1, F=1, S=1)
    explorer.output.value = 31
    explorer.depth.value = explorer.F.value = 5
    assert explorer.output.value == explorer.output.max == 11
    assert "Output 11 of layer 5 sees inputs 11 to 31." in explorer.describe()


@pytest.mark.parametrize(("unit", "seen"), [(0, {0, 1, 2}), (2, {0, 1, 2, 3, 4})])
def test_padding_has_no_links(unit, seen):
    layer = windows(5, F=3, P=1, W1=5)
    assert len(layer) == 13
    assert reaching([layer, layer], unit)[0] == seen


def test_a_picture_of_layers_names_every_dot():
    layer = windows(2, F=2)
    picture = ET.fromstring(draw_layers(["abc", "de"], [layer], unit=1).svg("three"))
    texts = picture.iter(f"{SVG}text")
    assert [text.text for text in texts] == ["a", "b", "c", "d", "e"]
