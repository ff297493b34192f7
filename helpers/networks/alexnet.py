"""AlexNet and ZFNet: as lectured and as published; AlexNet also as in torchvision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from torch import nn

from helpers.networks.weights import accept_names


class Form(NamedTuple):
    """What tells one variant from another; five numbers are for conv1 to conv5."""

    filters: tuple[int, ...] = (96, 256, 384, 384, 256)
    extents: tuple[int, ...] = (11, 5, 3, 3, 3)
    strides: tuple[int, ...] = (4, 1, 1, 1, 1)
    paddings: tuple[int, ...] = (0, 2, 1, 1, 1)
    groups: tuple[int, ...] = (1, 1, 1, 1, 1)
    pool_padding: int = 0  # of pool1 and pool2
    norm_after: str | None = "relu"  # response normalisation, in stages 1 and 2
    average: bool = False  # to 6×6 before the dense layers, whatever the image's size
    side: int = 6  # of the maps that fc6 sees


WIDE = (96, 256, 512, 1024, 512)
FINE = (7, 5, 3, 3, 3)
ALEXNETS = {
    "lectured": Form(paddings=(0, 0, 0, 0, 0), norm_after=None, side=2),
    "published": Form(groups=(1, 2, 1, 2, 2)),
    "ungrouped": Form(),
    "torchvision": Form(
        filters=(64, 192, 384, 256, 256),
        paddings=(2, 2, 1, 1, 1),
        norm_after=None,
        average=True,
    ),
}
PUBLISHED_ZFNET = Form(
    extents=FINE,
    strides=(2, 2, 1, 1, 1),
    paddings=(1, 0, 1, 1, 1),
    pool_padding=1,
    norm_after="pool",
)
ZFNETS = {
    "lectured": ALEXNETS["lectured"]._replace(filters=WIDE, extents=FINE),
    "published": PUBLISHED_ZFNET,
    "wide": PUBLISHED_ZFNET._replace(filters=WIDE),
}
TORCHVISION = {  # names of layers there and here
    "features.0": "conv1", "features.3": "conv2", "features.6": "conv3",
    "features.8": "conv4", "features.10": "conv5",
    "classifier.1": "fc6", "classifier.4": "fc7", "classifier.6": "fc8",
}  # fmt: skip


def alexnet(variant: str = "published", classes: int = 1000) -> nn.Sequential:
    """AlexNet, from (N, 3, 227, 227) to (N, classes).

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional
    neural networks", NIPS 2012, section 3.5 and figure 2.

    Args:
        variant:
            "lectured": no padding anywhere, so that fc6 sees 2×2×256 numbers; without
            response normalisation. 28 813 344 weights, and biases.
            "published": conv2 padded by 2, the later ones by 1, so that fc6 sees
            6×6×256; conv2, conv4 and conv5 in two groups, one on each GPU of the time.
            60 965 224 parameters.
            "ungrouped": the published one with every filter as deep as its input.
            62 378 344 parameters.
            "torchvision": fewer filters, no response normalisation; takes the weights
            of `torchvision.models.alexnet`, and images of 224×224, too. 61 100 840
            parameters. Krizhevsky, "One weird trick for parallelizing convolutional
            neural networks", 2014.

    Raises:
        ValueError: for another variant.
    """
    network = _network(ALEXNETS, variant, classes)
    return accept_names(network, TORCHVISION) if variant == "torchvision" else network


def zfnet(variant: str = "published", classes: int = 1000) -> nn.Sequential:
    """ZFNet, AlexNet with a finer first layer, from (N, 3, H, H) to (N, classes).

    Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2013,
    figure 3.

    Args:
        variant:
            "lectured": AlexNet as lectured, with F = 7 in conv1, and 512, 1024 and 512
            filters in conv3 to conv5. H = 227.
            "published": figure 3: F = 7, S = 2 in conv1, S = 2 in conv2, and AlexNet's
            384, 384 and 256 filters. H = 224.
            "wide": the published one with 512, 1024 and 512 filters (table 2).

    Raises:
        ValueError: for another variant.
    """
    return _network(ZFNETS, variant, classes)


def response_norm() -> nn.LocalResponseNorm:
    """Section 3.3 of the AlexNet paper: k = 2, n = 5, α = 1e-4, β = 0.75."""
    # PyTorch divides α by n.
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


def _network(forms: Mapping[str, Form], variant: str, classes: int) -> nn.Sequential:
    if variant not in forms:
        *others, last = (f'"{name}"' for name in forms)
        raise ValueError(
            f"variant must be {', '.join(others)} or {last}, not {variant!r}"
        )
    form = forms[variant]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for k, (filters, F, S, P, groups) in enumerate(zip(*form[:5]), start=1):
        layers[f"conv{k}"] = nn.Conv2d(channels, filters, F, S, P, groups=groups)
        layers[f"relu{k}"] = nn.ReLU()
        channels = filters
        if k <= 2 and form.norm_after == "relu":
            layers[f"norm{k}"] = response_norm()
        if k in (1, 2, 5):
            padding = form.pool_padding if k <= 2 else 0
            layers[f"pool{k}"] = nn.MaxPool2d(3, stride=2, padding=padding)
        if k <= 2 and form.norm_after == "pool":
            layers[f"norm{k}"] = response_norm()
    if form.average:
        layers["average"] = nn.AdaptiveAvgPool2d(form.side)
    # Dropout before fc6 and fc7, as torchvision has it. The paper drops "in the first
    # two" dense layers; some programs take that to mean after them.
    layers |= OrderedDict(
        flatten=nn.Flatten(),
        drop6=nn.Dropout(0.5),
        fc6=nn.Linear(channels * form.side**2, 4096),
        relu6=nn.ReLU(),
        drop7=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        fc8=nn.Linear(4096, classes),
    )
    return nn.Sequential(layers)
