"""Convolution written out, against PyTorch."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.convolution import conv2d, output_size, receptive_field


@pytest.fixture
def random():
    """Numbers that are the same in every run, with the shape asked for."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator)


# --- Output size ----------------------------------------------------------------------


def test_output_size_is_that_of_torch():
    ranges = range(1, 12), range(1, 8), range(4), range(1, 5), range(1, 4)
    fits = 0
    for W1, F, P, S, dilation in itertools.product(*ranges):
        if dilation * (F - 1) + 1 > W1 + 2 * P:
            with pytest.raises(ValueError, match="does not fit"):
                output_size(W1, F, P, S, dilation)
        else:
            layer = nn.Conv1d(1, 1, F, S, P, dilation, device="meta")
            expected = layer(torch.zeros(1, 1, W1, device="meta")).shape[-1]
            assert output_size(W1, F, P, S, dilation) == expected
            fits += 1
    assert fits > 2000


@pytest.mark.parametrize(
    ("quantities", "name"),
    [
        ({"W1": 0}, "W1"),
        ({"W1": 7.5}, "W1"),
        ({"F": 0}, "F"),
        ({"P": -1}, "P"),
        ({"S": 0}, "S"),
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
def test_conv2d(random, image_size, kernel_size):
    image, kernel = random(*image_size), random(*kernel_size)
    batch, weight = image[None, None], kernel[None, None]
    for padding, stride in itertools.product((0, 1, 3), (1, 2, 3)):
        expected = functional.conv2d(batch, weight, None, stride, padding)[0, 0]
        got = conv2d(image, kernel, padding, stride)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_the_kind_of_number_stays(dtype):
    image = torch.arange(20).view(4, 5).to(dtype)
    kernel = torch.tensor([[1, -2], [3, 1]], dtype=dtype)
    assert conv2d(image, kernel).dtype == dtype


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: conv2d(torch.zeros(3, 5, 6), torch.zeros(3, 3)), "image must have 2"),
        (lambda: conv2d(torch.zeros(5, 6), torch.zeros(3)), "kernel must have 2"),
        (lambda: conv2d(torch.zeros(5, 6), torch.zeros(3, 7)), "does not fit"),
        (lambda: conv2d(torch.zeros(5, 6), torch.zeros(3, 3), -1), "P must be"),
        (lambda: conv2d(torch.zeros(5, 6), torch.zeros(3, 3), 0, 0), "S must be"),
        (lambda: receptive_field([(0, 1)]), "at least 1, not 0 and 1"),
    ],
)
def test_what_does_not_go_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- What an output sees --------------------------------------------------------------


@pytest.mark.parametrize(
    "layers", [[], [(3, 1)], [(5, 1), (2, 2), (5, 1), (2, 2)], [(11, 4), (3, 2)]]
)
def test_a_receptive_field_is_what_the_gradient_reaches(layers):
    x = torch.zeros(1, 1, 64, requires_grad=True)
    out = x
    for F, S in layers:
        out = functional.conv1d(out, torch.ones(1, 1, F), stride=S)
    out[0, 0, 0].backward()
    assert receptive_field(layers) == int((x.grad != 0).sum())


def test_a_receptive_field_counts_skipped_pixels():
    assert receptive_field([(1, 3), (2, 1)]) == 4  # two pixels seen, two between
