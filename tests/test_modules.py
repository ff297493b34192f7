"""A network is judged by what it computes, whatever its layers are called."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.engine import Case, Exercise, case
from lessons import modules
from lessons.modules import by_function, on_input


@pytest.fixture(autouse=True)
def _references(monkeypatch):
    """The networks of this file stand in for the lessons' right answers."""
    monkeypatch.setattr(modules, "reference", lambda name: globals()[name])


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


class Crossed(Block):
    """The same, its layers made in one order and used in a third."""

    def __init__(self, D1, K, p=0.5):
        super().__init__(D1, K, p)
        layers = dict(self.named_children())
        for name in ("beside", "norm", "conv"):  # made again, in this order
            delattr(self, name)
            setattr(self, name, layers[name])

    def forward(self, x):
        beside = self.beside(x)
        return beside + self.drop(self.norm(self.conv(x)))


class Twice(nn.Module):
    """Two layers of one shape after each other, which no shape tells apart."""

    def __init__(self, D1, K):
        super().__init__()
        self.first, self.second = nn.Conv2d(D1, D1, 3), nn.Conv2d(D1, D1, 3)
        self.beside = nn.Conv2d(D1, D1, 5)

    def forward(self, x):
        return self.second(self.first(x).relu()) + self.beside(x)


class MadeBackwards(Twice):
    def __init__(self, D1, K):
        super().__init__(D1, K)
        self.beside, self.first, self.second = self.beside, self.second, self.first

    def forward(self, x):
        return self.beside(x) + self.first(self.second(x).relu())


class Cut(Block):
    def forward(self, x):
        return self.drop(self.norm(self.conv(x))) + self.beside(x).detach()


class CutInput(Block):
    def forward(self, x):
        return super().forward(x.data)


def changed(**members):
    """Block with some of its members replaced after it was made."""

    class Changed(Block):
        def __init__(self, D1, K, p=0.5):
            super().__init__(D1, K, p)
            for name, make in members.items():
                setattr(self, name, make(D1, K))

    return Changed


EACH = case((4, 2, 6, 5), 2, 3)


def both_halves(name):
    """A network's observer, and what makes of it what is compared, as one function."""
    return Exercise("", "", {}, (), **by_function(name)).does


RUN = both_halves("Block")


def test_a_network_under_other_names_is_the_same():
    expected = RUN(Block, EACH)
    assert RUN(OtherNames, EACH) == expected
    assert RUN(Crossed, EACH) == expected
    assert RUN(lambda D1, K: Block(D1, K).eval(), EACH) == expected
    assert RUN(lambda D1, K: Block(D1, K).double(), EACH) == expected


def test_layers_of_one_shape_in_another_order():
    run = both_halves("Twice")
    assert run(MadeBackwards, EACH) == run(Twice, EACH)


@pytest.mark.parametrize("candidate", [Cut, CutInput])
def test_gradients_are_compared(candidate):
    got = RUN(candidate, EACH)
    assert got != RUN(Block, EACH)
    assert "other gradients" in repr(got)


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


class Two(Block):
    def forward(self, x):
        y = super().forward(x)
        return y, {True: y.sum(), False: y.mean()}[self.training]


def test_several_outputs_are_compared():
    class Swapped(Two):
        def forward(self, x):
            return super().forward(x)[::-1]

    run = both_halves("Two")
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
