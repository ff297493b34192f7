"""VGG: 3×3 throughout."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from helpers.networks.weights import accept_names, he_initialise

STAGES = {  # depth → convolutions in each of five stages
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
WIDTHS = (64, 128, 256, 512, 512)


def vgg(depth: int = 16, classes: int = 1000) -> nn.Sequential:
    """VGG-11, 13, 16 or 19, from (N, 3, 224, 224) to (N, classes).

    Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
    recognition", ICLR 2015, table 1 (columns A, B, D, E). VGG-16 has 138 357 544
    parameters. Takes the weights of torchvision's network of the same depth.

    Raises:
        ValueError: for another depth, counted in layers with weights.
    """
    if depth not in STAGES:
        raise ValueError(f"depth must be 11, 13, 16 or 19, not {depth!r}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    theirs = {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "fc8"}
    channels = 3
    for stage, (count, width) in enumerate(zip(STAGES[depth], WIDTHS), start=1):
        for k in range(1, count + 1):
            theirs[f"features.{len(layers)}"] = f"conv{stage}_{k}"
            conv = nn.Conv2d(channels, width, kernel_size=3, padding=1)
            layers[f"conv{stage}_{k}"] = conv  # keeps H and W
            layers[f"relu{stage}_{k}"] = nn.ReLU()
            channels = width
        layers[f"pool{stage}"] = nn.MaxPool2d(2)  # halves H and W
    layers |= OrderedDict(
        flatten=nn.Flatten(),  # (N, 512, 7, 7) → (N, 25088)
        fc6=nn.Linear(512 * 7 * 7, 4096),
        relu6=nn.ReLU(),
        drop6=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        drop7=nn.Dropout(0.5),
        fc8=nn.Linear(4096, classes),
    )
    network = nn.Sequential(layers)
    he_initialise(network)
    return accept_names(network, theirs)
