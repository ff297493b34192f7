"""What errors mean, in words; each as Python or PyTorch really raises it."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import meaning

x = torch.zeros(2, 1, 8, 8)
row = torch.arange(3.0)


class Unready(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(1, 1)


def leave_out(a, b):
    return a


RAISED = {
    "passes 4 values where 2 should": lambda: (lambda a, b=1: a)(1, 2, 3, 4),
    "400 numbers in a row, but it was built for 1600. It happens in `Linear(": (
        lambda: nn.Linear(1600, 10)(torch.zeros(2, 400))
    ),
    "`Conv2d(3, 6, kernel_size=(5, 5))`": lambda: nn.Conv2d(3, 6, 5)(x),
    "built for 3 channels but receives 1": lambda: nn.BatchNorm2d(3)(x),
    "axis of the batch or of the channels": lambda: nn.Conv2d(1, 1, 3)(row[None]),
    "smaller than the kernel": lambda: nn.Conv2d(1, 1, 9)(x),
    "pooling window is larger": lambda: nn.MaxPool2d(9)(x),
    "along axis 0 one has length 3 and the other 2": lambda: row + torch.zeros(2),
    "one has 8 and another 7": lambda: torch.cat([x, x[:, :, 1:]], dim=1),
    "only tensors of the same shape": lambda: torch.stack([row, row[1:]]),
    "the loop never ran": lambda: torch.stack([]),
    "this is of type float": lambda: torch.stack([1.0]),
    "the shape [2, 5] holds a different number": lambda: row.view(2, 5),
    "`.flip(0)`": lambda: row[::-1],
    "no axis 2": lambda: row.sum(dim=2),
    "Index 7": lambda: row[7],
    "This list has no such index": lambda: [][0],
    "`x.max()`": lambda: max(row, 0),
    "`.item()` is for one number, but there are 3 here": lambda: row.item(),
    "`.float()` first": lambda: torch.tensor([1, 2]).mean(),
    "divide by `//`": lambda: nn.Conv2d(1, 4 / 2, 3),
    "repeats it": lambda: [1] * 1.5,
    "make them alike": lambda: nn.Linear(3, 1)(torch.tensor([1, 2, 3])),
    "scores, (N, classes), first": (
        lambda: functional.cross_entropy(torch.tensor([1, 2]), torch.tensor([1, 2]))
    ),
    "Class 3 has no score": (
        lambda: functional.cross_entropy(row[None], torch.tensor([3]))
    ),
    "under `no_grad`": lambda: row.sum().backward(),
    "super().__init__()": Unready,
    "in a plain list": lambda: torch.optim.SGD([], lr=0.1),
    "put a `*` before": lambda: nn.Sequential([nn.ReLU()]),
    "brackets missing": lambda: nn.Sequential(nn.ReLU),
    "`nowhere` has no value": lambda: nowhere,  # noqa: F821
    "perhaps a function without `return`": lambda: None + 1,
    "of type list, which has no `mean`": lambda: [1].mean(),
    "leaves out an argument: 'b'": lambda: leave_out(1),
    "passes 3 values where 2": lambda: leave_out(1, 2, 3),
    "called `c`": lambda: leave_out(1, c=2),
    "number of names on the left": lambda: [(a, b) for a, b in [(1, 2, 3)]],
    "divides by zero": lambda: 1 // 0,
}


@pytest.mark.parametrize("words", RAISED)
def test_an_error_is_told_in_words(words):
    with pytest.raises(Exception) as caught:  # noqa: PT011 (whatever it is)
        RAISED[words]()
    assert words in meaning(caught.value)


def test_a_layer_that_is_half_made_is_named():
    with pytest.raises(TypeError) as caught:
        nn.Linear(2, 1.5)
    assert "`Linear`" in meaning(caught.value)


def test_an_unknown_error_has_no_meaning():
    assert meaning(LookupError("of another kind")) == ""
