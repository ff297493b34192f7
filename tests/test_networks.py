"""Networks have the published sizes, and are told apart by what they compute."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.exercises import check
from helpers.exercises.engine import Case, case
from helpers.exercises.modules import by_function, on_input
from helpers.networks import lenet5, simple_cnn
from tools import train_lenet


def parameters(network):
    return sum(p.numel() for p in network.parameters())


# --- The networks ---------------------------------------------------------------------


def test_lenet5_has_the_parameters_of_lesson_06():
    network = lenet5()
    assert parameters(network) == 61_706
    by_layer = {
        name: parameters(layer)
        for name, layer in network.named_children()
        if parameters(layer)
    }
    expected = {"c1": 156, "c3": 2416, "c5": 48_120, "f6": 10_164, "output": 850}
    assert by_layer == expected


@pytest.mark.parametrize("N", [1, 3])
def test_shapes(N):
    assert lenet5()(torch.zeros(N, 1, 32, 32)).shape == (N, 10)
    assert lenet5(classes=7)(torch.zeros(N, 1, 32, 32)).shape == (N, 7)
    assert simple_cnn(classes=3)(torch.zeros(N, 1, 28, 28)).shape == (N, 3)


def test_lenet5_takes_other_activations_and_pooling():
    network = lenet5(nn.ReLU, nn.MaxPool2d)
    kinds = [type(layer) for layer in network]
    assert kinds.count(nn.ReLU) == 4
    assert kinds.count(nn.MaxPool2d) == 2
    assert nn.Tanh not in kinds
    assert parameters(network) == 61_706


def test_lenet5_computes_what_is_written_out():
    torch.manual_seed(0)
    network, x = lenet5(), torch.randn(2, 1, 32, 32)
    p = list(network.parameters())
    y = functional.avg_pool2d(functional.conv2d(x, p[0], p[1]).tanh(), 2)
    y = functional.avg_pool2d(functional.conv2d(y, p[2], p[3]).tanh(), 2).flatten(1)
    y = functional.linear(functional.linear(y, p[4], p[5]).tanh(), p[6], p[7]).tanh()
    torch.testing.assert_close(network(x), functional.linear(y, p[8], p[9]))


def test_simple_cnn_drops_in_training_only():
    torch.manual_seed(0)
    network, x = simple_cnn(), torch.randn(2, 1, 28, 28)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_no_jupyter_is_imported():
    code = (
        "import sys, helpers.networks, helpers.counting\n"
        "print({'IPython', 'ipywidgets', 'matplotlib'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr


# --- Checking a network by what it computes -------------------------------------------


class Block(nn.Module):
    """A convolution, its norm and dropout, and a 1×1 convolution beside them."""

    def __init__(self, D1, K, p=0.5):
        super().__init__()
        self.conv = nn.Conv2d(D1, K, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(K)
        self.drop = nn.Dropout(p)
        self.beside = nn.Conv2d(D1, K, 1)

    def forward(self, x):
        return self.drop(self.norm(self.conv(x))) + self.beside(x)


class OtherNames(nn.Module):
    """The same, its layers made in another order under other names."""

    def __init__(self, D1, K, p=0.5):
        super().__init__()
        self.z = nn.Conv2d(D1, K, 1)
        self.a = nn.ModuleList([nn.BatchNorm2d(K), nn.Conv2d(D1, K, 3, 1, 1, bias=0)])
        self.p = p

    def forward(self, x):
        y = functional.dropout(self.a[0](self.a[1](x)), self.p, self.training)
        return y + self.z(x)


def changed(**members):
    """Block with some of its members replaced after it was made."""

    class Changed(Block):
        def __init__(self, D1, K, p=0.5):
            super().__init__(D1, K, p)
            for name, make in members.items():
                setattr(self, name, make(D1, K))

    return Changed


EACH = case((4, 2, 6, 5), 2, 3)
RUN = by_function(Block)


def test_a_network_under_other_names_is_the_same():
    expected = RUN(Block, EACH)
    assert RUN(OtherNames, EACH) == expected
    assert RUN(lambda D1, K: Block(D1, K).eval(), EACH) == expected
    assert RUN(lambda D1, K: Block(D1, K).double(), EACH) == expected


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (changed(drop=lambda D1, K: nn.Identity()), "other numbers in training"),
        (changed(drop=lambda D1, K: nn.Dropout(0.2)), "other numbers in training"),
        (changed(norm=lambda D1, K: nn.BatchNorm2d(K, momentum=0.5)), "after training"),
        (changed(norm=lambda D1, K: nn.Identity()), "number 2 in order"),
        (changed(beside=lambda D1, K: nn.Conv2d(D1, K, 1, bias=False)),
         "missing: (3,)"),
        (changed(extra=lambda D1, K: nn.Linear(7, 1)), "too much: (1, 7), (1,)"),
        (changed(conv=lambda D1, K: nn.Conv2d(D1, K, 5, 1, 2, bias=False)),
         "shape (3, 2, 5, 5) and should have (3, 2, 3, 3)"),
    ],
)  # fmt: skip
def test_a_difference_is_told(candidate, words):
    expected, got = RUN(Block, EACH), RUN(candidate, EACH)
    assert got != expected
    assert words in repr(got)
    assert len(repr(got)) < 200  # what a card shows
    assert got == RUN(candidate, EACH)


def test_what_is_no_network_is_told():
    assert "list" in RUN(lambda D1, K: [], EACH)
    assert RUN(lambda D1, K: 7, EACH) != RUN(Block, EACH)


def test_several_outputs_are_compared():
    class Two(Block):
        def forward(self, x):
            y = super().forward(x)
            return y, {True: y.sum(), False: y.mean()}[self.training]

    class Swapped(Two):
        def forward(self, x):
            return super().forward(x)[::-1]

    run = by_function(Two)
    assert run(lambda D1, K: Two(D1, K), EACH) == run(Two, EACH)
    assert run(Swapped, EACH) != run(Two, EACH)
    assert run(Block, EACH) != run(Two, EACH)


def test_a_case_is_written_as_a_call():
    each = Case(((2, 16, 8, 8), 16, 32), {"stride": 2})
    assert (
        on_input("Block", each) == "Block(16, 32, stride=2) on an input (2, 16, 8, 8)"
    )


def test_checking_keeps_the_random_numbers():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    RUN(OtherNames, EACH)
    assert torch.equal(torch.rand(3), wanted)


class ByModule(nn.Module):
    """LeNet-5 as in the paper: C5 a convolution; made from the last layer on."""

    def __init__(self):
        super().__init__()
        self.dense = nn.ModuleList([nn.Linear(84, 10), nn.Linear(120, 84)])
        self.five = nn.Conv2d(16, 120, 5)
        self.three, self.one = nn.Conv2d(6, 16, 5), nn.Conv2d(1, 6, 5)

    def forward(self, x):
        for conv in (self.one, self.three):
            x = functional.avg_pool2d(torch.tanh(conv(x)), 2)
        x = torch.tanh(self.five(x)).flatten(1)
        return self.dense[0](torch.tanh(self.dense[1](x)))


def test_lenet_of_any_making_passes():
    assert check("06.6", ByModule).passed
    assert check("06.6", lenet5).passed
    assert check("06.6", lambda: nn.Sequential(nn.Sequential(*lenet5()))).passed


# --- Training it ----------------------------------------------------------------------


def test_train_lenet_reads_the_digits(capsys):
    assert train_lenet.main(["--epochs", "1", "--device", "cpu", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "stand-in for MNIST" in said
    assert "after 1 epochs" in said


def test_train_lenet_without_mnist_says_what_to_do(capsys, tmp_path):
    assert train_lenet.main(["--data", "mnist", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.strip()
