"""The networks of the course, each as its lesson derives it and its paper names it.

Needs no Jupyter. Layers have names, so that a table (`helpers.counting`) reads like the
paper, and stand in the order in which they compute. To count a large one without
spending memory on it, build it under ``with torch.device("meta"):``.
"""

from helpers.networks.alexnet import alexnet, zfnet
from helpers.networks.inception import (
    AuxiliaryHead,
    GoogLeNet,
    GoogLeNetScores,
    Inception,
    googlenet,
)
from helpers.networks.lenet import lenet5, simple_cnn
from helpers.networks.resnet import Bottleneck, ResidualBlock, cifar_resnet, resnet
from helpers.networks.vgg import vgg

__all__ = [
    "AuxiliaryHead",
    "Bottleneck",
    "GoogLeNet",
    "GoogLeNetScores",
    "Inception",
    "ResidualBlock",
    "alexnet",
    "cifar_resnet",
    "googlenet",
    "lenet5",
    "resnet",
    "simple_cnn",
    "vgg",
    "zfnet",
]
