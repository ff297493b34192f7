"""The networks of the course, each with the layer names of its paper.

Needs no Jupyter. Layers stand in the order in which they compute, so that a table
(`helpers.counting`) reads like the paper. To count a large network without spending
memory on it, build it under ``with torch.device("meta"):``.
"""

from helpers.networks.alexnet import alexnet, zfnet
from helpers.networks.inception import Inception, googlenet
from helpers.networks.lenet import lenet5
from helpers.networks.resnet import Bottleneck, ResidualBlock, cifar_resnet, resnet
from helpers.networks.vgg import vgg
from helpers.networks.weights import he_initialise

__all__ = [
    "Bottleneck",
    "Inception",
    "ResidualBlock",
    "alexnet",
    "cifar_resnet",
    "googlenet",
    "he_initialise",
    "lenet5",
    "resnet",
    "vgg",
    "zfnet",
]
