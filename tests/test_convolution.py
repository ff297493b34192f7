"""Convolution written out, against PyTorch, NumPy and SciPy."""

import itertools

import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn
from torch.nn import functional

from helpers.convolution import (
    at_centre,
    at_preceding,
    at_succeeding,
    conv1d,
    conv2d,
    conv2d_loops,
    output_size,
)


@pytest.fixture
def random():
    """Numbers that are the same in every run, with the shape asked for."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator)


# --- Output size ----------------------------------------------------------------------


@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_output_size_is_that_of_torch(dilation):
    compared = 0
    ranges = range(1, 12), range(1, 8), range(4), range(1, 5)
    for W1, F, P, S in itertools.product(*ranges):
        layer = nn.Conv1d(1, 1, F, padding=P, stride=S, dilation=dilation)
        x = torch.zeros(1, 1, W1)
        if dilation * (F - 1) + 1 > W1 + 2 * P:
            with pytest.raises(ValueError, match="does not fit"):
                output_size(W1, F, P, S, dilation)
            with pytest.raises(RuntimeError):
                layer(x)
        else:
            assert output_size(W1, F, P, S, dilation) == layer(x).shape[-1]
            compared += 1
    assert compared > 400


def test_output_size_by_name_and_default():
    assert output_size(7, 3) == 5
    assert output_size(W1=227, F=11, P=0, S=4) == 55
    assert output_size(224, 7, P=3, S=2) == 112
    assert isinstance(output_size(8, 3, 0, 2), int)


@pytest.mark.parametrize(
    ("quantities", "name"),
    [
        ({"W1": 0}, "W1"),
        ({"W1": -7}, "W1"),
        ({"W1": 7.5}, "W1"),
        ({"F": 0}, "F"),
        ({"P": -1}, "P"),
        ({"P": 0.5}, "P"),
        ({"S": 0}, "S"),
        ({"S": -2}, "S"),
        ({"dilation": 0}, "dilation"),
    ],
)
def test_an_impossible_quantity_is_named(quantities, name):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number"):
        output_size(**{"W1": 7, "F": 3} | quantities)


def test_a_kernel_that_does_not_fit_says_why():
    with pytest.raises(ValueError, match=r"covers 9 does not fit into 5 \+ 2·1 = 7"):
        output_size(5, 5, P=1, dilation=2)


# --- One dimension --------------------------------------------------------------------


@pytest.mark.parametrize(("W", "F"), [(12, 7), (7, 7), (5, 1), (1, 1), (40, 3), (9, 2)])
def test_conv1d(random, W, F):
    x, w = random(W), random(F)
    expected = functional.conv1d(x[None, None], w[None, None])[0, 0]
    assert conv1d(x, w).shape == (W - F + 1,)
    torch.testing.assert_close(conv1d(x, w), expected)
    by_numpy = np.correlate(x.numpy(), w.numpy(), mode="valid")
    torch.testing.assert_close(conv1d(x, w), torch.from_numpy(by_numpy))


def test_conv1d_of_the_lectures_numbers():
    x = [1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90, 2.10, 2.20, 2.40, 2.50, 2.70]
    w = [0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50]
    outputs = conv1d(torch.tensor(x), torch.tensor(w))
    assert [f"{s:.3f}" for s in outputs[:3].tolist()] == ["1.811", "1.967", "2.112"]


def test_conv1d_turned_round_is_convolution_in_the_strict_sense(random):
    x, w = random(20), random(6)
    expected = np.convolve(x.numpy(), w.numpy(), mode="valid")
    torch.testing.assert_close(conv1d(x, w.flip(0)), torch.from_numpy(expected))


def test_conv1d_demands_what_it_says():
    with pytest.raises(ValueError, match=r"x must have 1 dimension, not .*\(2, 3\)"):
        conv1d(torch.zeros(2, 3), torch.zeros(2))
    with pytest.raises(ValueError, match="w must have 1 dimension"):
        conv1d(torch.zeros(3), torch.zeros(()))
    with pytest.raises(ValueError, match="does not fit"):
        conv1d(torch.zeros(3), torch.zeros(4))


# --- Two dimensions -------------------------------------------------------------------

SIZES = [  # image, kernel: none of them square in both
    ((5, 6), (3, 3)),
    ((9, 4), (2, 4)),
    ((4, 9), (4, 2)),
    ((7, 11), (5, 1)),
    ((3, 8), (1, 3)),
    ((3, 2), (3, 2)),
    ((6, 5), (1, 1)),
]


@pytest.mark.parametrize(("image_size", "kernel_size"), SIZES)
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv2d(random, image_size, kernel_size, padding, stride):
    image, kernel = random(*image_size), random(*kernel_size)
    batch, weight = image[None, None], kernel[None, None]
    expected = functional.conv2d(batch, weight, padding=padding, stride=stride)[0, 0]
    got = conv2d(image, kernel, padding, stride)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("image_size", "kernel_size"), SIZES)
def test_conv2d_loops(random, image_size, kernel_size):
    image, kernel = random(*image_size), random(*kernel_size)
    got = conv2d_loops(image, kernel)
    torch.testing.assert_close(got, conv2d(image, kernel), rtol=1e-5, atol=1e-5)
    by_scipy = signal.correlate2d(image.numpy(), kernel.numpy(), mode="valid")
    torch.testing.assert_close(got, torch.from_numpy(by_scipy), rtol=1e-5, atol=1e-5)


def test_conv2d_changes_neither_argument(random):
    image, kernel = random(5, 6), random(3, 2)
    before = image.clone(), kernel.clone()
    conv2d(image, kernel, padding=1)
    conv2d_loops(image, kernel)
    assert torch.equal(image, before[0])
    assert torch.equal(kernel, before[1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_the_kind_of_number_stays(dtype):
    image = torch.arange(20).view(4, 5).to(dtype)
    kernel = torch.tensor([[1, -2], [3, 1]], dtype=dtype)
    assert conv2d(image, kernel).dtype == dtype
    assert conv2d_loops(image, kernel).dtype == dtype
    assert torch.equal(conv2d(image, kernel), conv2d_loops(image, kernel))


@pytest.mark.parametrize("function", [conv2d, conv2d_loops])
def test_conv2d_demands_what_it_says(function):
    with pytest.raises(ValueError, match="image must have 2 dimensions, not shape"):
        function(torch.zeros(3, 5, 6), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="kernel must have 2 dimensions"):
        function(torch.zeros(5, 6), torch.zeros(3))
    with pytest.raises(ValueError, match="does not fit"):
        function(torch.zeros(5, 6), torch.zeros(6, 3))
    with pytest.raises(ValueError, match="does not fit"):
        function(torch.zeros(5, 6), torch.zeros(3, 7))


def test_conv2d_refuses_impossible_padding_and_stride():
    with pytest.raises(ValueError, match="P must be"):
        conv2d(torch.zeros(5, 6), torch.zeros(3, 3), padding=-1)
    with pytest.raises(ValueError, match="S must be"):
        conv2d(torch.zeros(5, 6), torch.zeros(3, 3), stride=0)


# --- The three formulas ---------------------------------------------------------------

KERNELS = [(3, 3), (2, 4), (5, 1), (1, 1), (2, 2), (3, 4)]


def everywhere(formula, image, kernel):
    """A formula's output at every pixel."""
    H, W = image.shape
    rows = [[formula(image, kernel, i, j) for j in range(W)] for i in range(H)]
    return torch.stack([torch.stack(row) for row in rows])


@pytest.mark.parametrize("size", KERNELS)
def test_preceding_is_convolution(random, size):
    image, kernel = random(6, 7), random(*size)
    full = signal.convolve2d(image.numpy(), kernel.numpy(), mode="full")[:6, :7]
    got = everywhere(at_preceding, image, kernel)
    torch.testing.assert_close(got, torch.from_numpy(full), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", KERNELS)
def test_succeeding_is_cross_correlation(random, size):
    image, kernel = random(6, 7), random(*size)
    m, n = size
    padded = functional.pad(image, (0, n - 1, 0, m - 1))  # zeros beyond the border
    got = everywhere(at_succeeding, image, kernel)
    expected = conv2d(padded, kernel)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", KERNELS)
def test_centred_is_convolution_around_the_pixel(random, size):
    image, kernel = random(6, 7), random(*size)
    m, n = size
    full = signal.convolve2d(image.numpy(), kernel.numpy(), mode="full")
    around = full[m // 2 : m // 2 + 6, n // 2 : n // 2 + 7]
    got = everywhere(at_centre, image, kernel)
    torch.testing.assert_close(got, torch.from_numpy(around), rtol=1e-5, atol=1e-5)


def test_one_bright_pixel_shows_the_kernel():
    picture = torch.zeros(7, 7)
    picture[3, 3] = 1
    kernel = torch.arange(1.0, 10).view(3, 3)
    assert torch.equal(everywhere(at_preceding, picture, kernel)[3:6, 3:6], kernel)
    turned = kernel.flip(0, 1)
    assert torch.equal(everywhere(at_succeeding, picture, kernel)[1:4, 1:4], turned)
    assert torch.equal(everywhere(at_centre, picture, kernel)[2:5, 2:5], kernel)
