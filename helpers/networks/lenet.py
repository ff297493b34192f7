"""LeNet-5."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import nn


def lenet5(
    activation: Callable[[], nn.Module] = nn.Tanh,
    pooling: Callable[[int], nn.Module] = nn.AvgPool2d,
    classes: int = 10,
) -> nn.Sequential:
    """LeNet-5 as it is built today, from (N, 1, 32, 32) to (N, classes).

    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE, 1998; layer names as there. Unlike the
    paper's, C3 sees all six maps, S2 and S4 have no parameters, and the output is a
    plain linear layer, whose scores go into a cross-entropy. Tanh and mean pooling
    stand for the paper's scaled tanh and trainable mean. 61 706 parameters.

    Args:
        activation: makes the layer after each of C1, C3, C5 and F6.
        pooling: window → layer; the stride is the window.
    """
    layers = OrderedDict(
        c1=nn.Conv2d(1, 6, kernel_size=5),  # (N, 6, 28, 28)
        act1=activation(),
        s2=pooling(2),  # (N, 6, 14, 14)
        c3=nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
        act3=activation(),
        s4=pooling(2),  # (N, 16, 5, 5)
        flatten=nn.Flatten(),  # (N, 400)
        c5=nn.Linear(400, 120),
        act5=activation(),
        f6=nn.Linear(120, 84),
        act6=activation(),
        output=nn.Linear(84, classes),
    )
    return nn.Sequential(layers)
