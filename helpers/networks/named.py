"""Networks by name, as the command line takes them, and one that looks twice."""

import re

from torch import Tensor, nn

from helpers.networks.lenet import lenet5
from helpers.networks.resnet import cifar_resnet

NETWORKS = "resnetD and plainD, D = 20, 32, 44, 56, 110 …, and lenet5"


def build(name: str) -> nn.Module:
    """A network by name, with 10 classes; ValueError for one not in `NETWORKS`."""
    if name == "lenet5":
        return lenet5()
    known = re.fullmatch(r"(resnet|plain)(\d+)", name)
    if known is None:
        raise ValueError(f"no network {name!r}; choose from {NETWORKS}")
    return cifar_resnet(int(known[2]), plain=known[1] == "plain")


class Mirrored(nn.Module):
    """The mean of a network's scores for an image and its mirror image, for testing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, classes)."""
        return (self.network(images) + self.network(images.flip(3))) / 2
