"""AlexNet and ZFNet: as lectured, as published, as torchvision builds it. Lesson 07."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from helpers.networks.weights import accept_torchvision


def _response_norm() -> nn.LocalResponseNorm:
    """Section 3.3 of the AlexNet paper: k = 2, n = 5, α = 1e-4, β = 0.75."""
    # PyTorch divides α by n.
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


def alexnet(variant: str = "published", classes: int = 1000) -> nn.Sequential:
    """AlexNet. Lesson 07.

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
            of `torchvision.models.alexnet`. 61 100 840 parameters. Krizhevsky, "One
            weird trick for parallelizing convolutional neural networks", 2014.
        classes: number of scores.

    Returns:
        A network from (N, 3, 227, 227) to (N, classes); "torchvision" takes 224 too.

    Raises:
        ValueError: for another variant.
    """
    if variant == "torchvision":
        return _alexnet_of_torchvision(classes)
    if variant not in ("lectured", "published", "ungrouped"):
        raise ValueError(
            'variant must be "lectured", "published", "ungrouped" or "torchvision", '
            f"not {variant!r}"
        )
    padded = variant != "lectured"
    groups = 2 if variant == "published" else 1
    p2, p = (2, 1) if padded else (0, 0)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 96, 11, stride=4),  # (N, 96, 55, 55)
        relu1=nn.ReLU(),
    )
    if padded:
        layers["norm1"] = _response_norm()
    layers["pool1"] = nn.MaxPool2d(3, stride=2)  # (N, 96, 27, 27)
    layers["conv2"] = nn.Conv2d(96, 256, 5, padding=p2, groups=groups)
    layers["relu2"] = nn.ReLU()
    if padded:
        layers["norm2"] = _response_norm()
    layers |= OrderedDict(
        pool2=nn.MaxPool2d(3, stride=2),  # 13×13; as lectured 11×11
        conv3=nn.Conv2d(256, 384, 3, padding=p),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=p, groups=groups),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=p, groups=groups),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, stride=2),  # 6×6; as lectured 2×2
        **_dense(256 * (6 * 6 if padded else 2 * 2), classes),
    )
    return nn.Sequential(layers)


def _dense(features: int, classes: int) -> OrderedDict[str, nn.Module]:
    """The three dense layers, with dropout before the first two, as torchvision has it.

    The paper drops "in the first two" layers; some programs take that to mean behind.
    """
    return OrderedDict(
        flatten=nn.Flatten(),  # (N, features)
        drop6=nn.Dropout(0.5),
        fc6=nn.Linear(features, 4096),
        relu6=nn.ReLU(),
        drop7=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        fc8=nn.Linear(4096, classes),
    )


def _alexnet_of_torchvision(classes: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 11, stride=4, padding=2),  # 224 → 55, 227 → 56
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2),  # (N, 64, 27, 27)
        conv2=nn.Conv2d(64, 192, 5, padding=2),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(3, stride=2),  # (N, 192, 13, 13)
        conv3=nn.Conv2d(192, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 256, 3, padding=1),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(256, 256, 3, padding=1),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        average=nn.AdaptiveAvgPool2d(6),  # makes other input sizes fit
        **_dense(256 * 6 * 6, classes),
    )
    return accept_torchvision(nn.Sequential(layers))


def zfnet(variant: str = "published", classes: int = 1000) -> nn.Sequential:
    """ZFNet, AlexNet with a finer first layer. Lesson 07.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2013,
    figure 3.

    Args:
        variant:
            "lectured": AlexNet as lectured, with F = 7 in conv1, and 512, 1024 and 512
            filters in conv3 to conv5. From 227×227.
            "published": figure 3: F = 7, S = 2 in conv1, S = 2 in conv2, and AlexNet's
            384, 384 and 256 filters. From 224×224.
            "wide": the published one with 512, 1024 and 512 filters (table 2).
        classes: number of scores.

    Returns:
        A network from (N, 3, 227, 227), or (N, 3, 224, 224), to (N, classes).

    Raises:
        ValueError: for another variant.
    """
    if variant not in ("lectured", "published", "wide"):
        raise ValueError(
            f'variant must be "lectured", "published" or "wide", not {variant!r}'
        )
    k3, k4, k5 = (384, 384, 256) if variant == "published" else (512, 1024, 512)
    if variant == "lectured":
        p, features = 0, k5 * 2 * 2
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, 96, 7, stride=4),  # (N, 96, 56, 56)
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, stride=2),  # (N, 96, 27, 27)
            conv2=nn.Conv2d(96, 256, 5),  # (N, 256, 23, 23)
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, stride=2),  # (N, 256, 11, 11)
        )
    else:
        p, features = 1, k5 * 6 * 6
        layers = OrderedDict(
            conv1=nn.Conv2d(3, 96, 7, stride=2, padding=1),  # (N, 96, 110, 110)
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, stride=2, padding=1),  # (N, 96, 55, 55)
            norm1=_response_norm(),
            conv2=nn.Conv2d(96, 256, 5, stride=2),  # (N, 256, 26, 26)
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, stride=2, padding=1),  # (N, 256, 13, 13)
            norm2=_response_norm(),
        )
    layers |= OrderedDict(
        conv3=nn.Conv2d(256, k3, 3, padding=p),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(k3, k4, 3, padding=p),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(k4, k5, 3, padding=p),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, stride=2),  # 6×6; as lectured 2×2
        **_dense(features, classes),
    )
    return nn.Sequential(layers)
