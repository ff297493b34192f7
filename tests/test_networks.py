"""Networks have the published sizes, and are told apart by what they compute."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.networks import he_initialise, lenet5


def parameters(network):
    return sum(p.numel() for p in network.parameters())


# --- The networks ---------------------------------------------------------------------


@pytest.mark.parametrize("make", [lenet5, partial(lenet5, nn.ReLU, nn.MaxPool2d)])
def test_lenet5_has_the_published_parameters(make):
    counts = {name: parameters(layer) for name, layer in make().named_children()}
    expected = {"c1": 156, "c3": 2416, "c5": 48_120, "f6": 10_164, "output": 850}
    assert {name: count for name, count in counts.items() if count} == expected
    assert sum(counts.values()) == 61_706


def test_lenet5_takes_other_activations_and_pooling():
    kinds = [type(layer) for layer in lenet5(nn.ReLU, nn.MaxPool2d)]
    assert (kinds.count(nn.ReLU), kinds.count(nn.MaxPool2d)) == (4, 2)


def test_shapes():
    assert lenet5()(torch.zeros(3, 1, 32, 32)).shape == (3, 10)
    assert lenet5(classes=7)(torch.zeros(1, 1, 32, 32)).shape == (1, 7)


def test_lenet5_computes_what_is_written_out():
    torch.manual_seed(0)
    network, x = lenet5(), torch.randn(2, 1, 32, 32)
    p = list(network.parameters())
    y = functional.avg_pool2d(functional.conv2d(x, p[0], p[1]).tanh(), 2)
    y = functional.avg_pool2d(functional.conv2d(y, p[2], p[3]).tanh(), 2).flatten(1)
    y = functional.linear(functional.linear(y, p[4], p[5]).tanh(), p[6], p[7]).tanh()
    torch.testing.assert_close(network(x), functional.linear(y, p[8], p[9]))


def test_he_initialise_draws_the_stated_variance():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 64, 5), nn.BatchNorm2d(64))
    he_initialise(network)
    std = network[0].weight.std().item()
    assert std == pytest.approx((2 / (5 * 5 * 64)) ** 0.5, rel=0.03)
    assert not network[0].bias.any()
