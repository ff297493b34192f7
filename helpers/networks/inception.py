"""The inception module, and GoogLeNet made of nine."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.networks.alexnet import response_norm
from helpers.networks.weights import accept_names

TORCHVISION = {  # parts of names there and here
    "bn": "norm",
    "branch2.0": "branch3.reduce", "branch2.1": "branch3.conv",
    "branch3.0": "branch5.reduce", "branch3.1": "branch5.conv",
    "branch4.1": "branch_pool.project",
}  # fmt: skip


def conv_relu(
    channels_in: int, channels: int, F: int, norm: bool = False, **options: int
) -> nn.Sequential:
    """Convolution and ReLU, as in the paper; options are those of `nn.Conv2d`.

    ``norm``: with batch norm between them, in place of the bias, as in torchvision.
    """
    conv = nn.Conv2d(channels_in, channels, F, bias=not norm, **options)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
    if norm:
        layers["norm"] = nn.BatchNorm2d(channels, eps=0.001)
    layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class Inception(nn.Module):
    """1×1, 3×3, 5×5 and max pooling side by side, their maps concatenated.

    Szegedy and others, "Going deeper with convolutions", CVPR 2015, figure 2: (b) with
    1×1 reductions; (a), the naive one, with none: leave out ``reduce3``, ``reduce5``
    and ``pool``.

    Args:
        channels_in: D, the depth of the input.
        k1, k3, k5: filters of each size.
        reduce3, reduce5: filters of 1×1 before the 3×3 and the 5×5; None: none.
        pool: filters of 1×1 after the pooling; None: none, and its D maps go out.
        F5: size of the largest filters; torchvision's "5×5" are 3×3.
        norm: as in `conv_relu`.
    """

    def __init__(
        self,
        channels_in: int,
        k1: int,
        k3: int,
        k5: int,
        reduce3: int | None = None,
        reduce5: int | None = None,
        pool: int | None = None,
        F5: int = 5,
        norm: bool = False,
    ) -> None:
        super().__init__()

        def branch(reduce: int | None, channels: int, F: int) -> nn.Sequential:
            layers = OrderedDict()
            if reduce is not None:
                layers["reduce"] = conv_relu(channels_in, reduce, 1, norm)
            depth, P = reduce or channels_in, (F - 1) // 2
            layers["conv"] = conv_relu(depth, channels, F, norm, padding=P)
            return nn.Sequential(layers)

        self.branch1 = conv_relu(channels_in, k1, 1, norm)
        self.branch3 = branch(reduce3, k3, 3)
        self.branch5 = branch(reduce5, k5, F5)
        pooled = OrderedDict(pool=nn.MaxPool2d(3, stride=1, padding=1))
        if pool is not None:
            pooled["project"] = conv_relu(channels_in, pool, 1, norm)
        self.branch_pool = nn.Sequential(pooled)
        self.channels = k1 + k3 + k5 + (channels_in if pool is None else pool)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) → (N, channels, H, W)."""
        branches = self.branch1, self.branch3, self.branch5, self.branch_pool
        return torch.cat([branch(x) for branch in branches], dim=1)


class AuxiliaryHead(nn.Module):
    """A small classifier half-way up, whose loss sends gradient down.

    Section 5 of the paper: average pooling to 4×4, 128 filters of 1×1, a dense layer of
    1024, dropout of 0.7, scores. Trained with 0.3 of its loss; thrown away afterwards.
    The pooling is torchvision's, which fits any input; the paper's, F = 5 and S = 3,
    takes 14×14 maps to the same size. ``norm``: as in `conv_relu`.
    """

    def __init__(self, channels_in: int, classes: int, norm: bool = False) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.conv = conv_relu(channels_in, 128, 1, norm)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.drop = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) → (N, classes)."""
        x = self.conv(self.pool(x)).flatten(start_dim=1)  # (N, 2048)
        return self.fc2(self.drop(functional.relu(self.fc1(x))))


class GoogLeNetScores(NamedTuple):
    """Output in training: three times (N, classes), in torchvision's order."""

    scores: Tensor
    aux2: Tensor
    aux1: Tensor


MODULES = {  # k1, k3, k5, reduce3, reduce5, pool: table 1 of the paper
    "3a": (64, 128, 32, 96, 16, 32),
    "3b": (128, 192, 96, 128, 32, 64),
    "4a": (192, 208, 48, 96, 16, 64),
    "4b": (160, 224, 64, 112, 24, 64),
    "4c": (128, 256, 64, 128, 24, 64),
    "4d": (112, 288, 64, 144, 32, 64),
    "4e": (256, 320, 128, 160, 32, 128),
    "5a": (256, 320, 128, 160, 32, 128),
    "5b": (384, 384, 128, 192, 48, 128),
}


class GoogLeNet(nn.Module):
    """What `googlenet` returns; with batch norm it is torchvision's variant."""

    def __init__(self, aux: bool, norm: bool, classes: int) -> None:
        super().__init__()
        # Rounded up, or the sizes of the paper's table 1 would not come out.
        half = {"stride": 2, "ceil_mode": True}
        self.conv1 = conv_relu(3, 64, 7, norm, stride=2, padding=3)  # (N, 64, 112, 112)
        self.pool1 = nn.MaxPool2d(3, **half)  # (N, 64, 56, 56)
        self.norm1 = nn.Identity() if norm else response_norm()
        self.conv2 = conv_relu(64, 64, 1, norm)
        self.conv3 = conv_relu(64, 192, 3, norm, padding=1)  # (N, 192, 56, 56)
        self.norm2 = nn.Identity() if norm else response_norm()
        self.pool2 = nn.MaxPool2d(3, **half)  # (N, 192, 28, 28)
        channels = 192
        for name, widths in MODULES.items():
            module = Inception(channels, *widths, 3 if norm else 5, norm)
            self.add_module(f"inception{name}", module)
            channels = module.channels
            if name == "3b":
                self.pool3 = nn.MaxPool2d(3, **half)  # (N, 480, 14, 14)
            elif name == "4e":
                self.pool4 = nn.MaxPool2d(2 if norm else 3, **half)  # (N, 832, 7, 7)
        self.aux1 = AuxiliaryHead(512, classes, norm) if aux else None
        self.aux2 = AuxiliaryHead(528, classes, norm) if aux else None
        self.average = nn.AdaptiveAvgPool2d(1)  # (N, 1024, 1, 1)
        self.drop = nn.Dropout(0.2 if norm else 0.4)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetScores:
        """(N, 3, 224, 224) → (N, classes); in training, with heads, three of them."""
        x = self.norm1(self.pool1(self.conv1(x)))
        x = self.pool2(self.norm2(self.conv3(self.conv2(x))))
        x = self.pool3(self.inception3b(self.inception3a(x)))
        x = low = self.inception4a(x)
        x = high = self.inception4d(self.inception4c(self.inception4b(x)))
        x = self.pool4(self.inception4e(x))
        x = self.inception5b(self.inception5a(x))  # (N, 1024, 7, 7)
        scores = self.fc(self.drop(self.average(x).flatten(start_dim=1)))
        if self.training and self.aux1 is not None and self.aux2 is not None:
            return GoogLeNetScores(scores, self.aux2(high), self.aux1(low))
        return scores


def googlenet(
    aux: bool = True, variant: str = "published", classes: int = 1000
) -> GoogLeNet:
    """GoogLeNet: 22 layers, nine inception modules, no large dense layer.

    From (N, 3, 224, 224) to (N, classes), or to `GoogLeNetScores` in training with
    heads. Szegedy and others, CVPR 2015, table 1 and figure 3.

    Args:
        aux: with two auxiliary heads, on inception4a and inception4d. They compute in
            training only.
        variant:
            "published": filters of 5×5, response normalisation, no batch norm.
            6 998 552 parameters without the heads.
            "torchvision": 3×3 where the paper has 5×5, and batch norm; takes the
            weights of `torchvision.models.googlenet` of the same ``aux``. 6 624 904
            parameters without heads, 13 004 888 with them.

    Raises:
        ValueError: for another variant.
    """
    if variant not in ("published", "torchvision"):
        raise ValueError(
            f'variant must be "published" or "torchvision", not {variant!r}'
        )
    network = GoogLeNet(aux, variant == "torchvision", classes)
    return accept_names(network, TORCHVISION) if variant == "torchvision" else network
