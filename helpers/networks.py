"""The networks of the course, each as its lesson derives it and its paper names it.

Needs no Jupyter. Layers have names, so that a table (`helpers.counting`) reads like the
paper, and stand in the order in which they compute.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional


def lenet5(
    activation: Callable[[], nn.Module] = nn.Tanh,
    pooling: Callable[[int], nn.Module] = nn.AvgPool2d,
    classes: int = 10,
) -> nn.Sequential:
    """LeNet-5 as it is built today: 61 706 parameters. Lesson 06.

    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE, 1998; layer names as there. Against the paper
    C3 sees all six maps, S2 and S4 have no parameters of their own, and the output is a
    plain linear layer: its scores go into a cross-entropy.

    Tanh and mean pooling are the defaults because the paper's are a scaled tanh and a
    trainable mean; ReLU enters with AlexNet. Learning works with either.

    Args:
        activation: makes the layer after each of C1, C3, C5 and F6.
        pooling: window → layer; the stride is the window.
        classes: number of scores.

    Returns:
        A network from (N, 1, 32, 32) to (N, classes).
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


def simple_cnn(dropout: float = 0.5, classes: int = 10) -> nn.Sequential:
    """A small network for images of 28×28, as in a first practice session. Lesson 06.

    Two convolutions of 5×5 with ReLU and max pooling, dropout, one linear layer.

    Args:
        dropout: probability that one of the 512 features is zeroed in training.
        classes: number of scores.

    Returns:
        A network from (N, 1, 28, 28) to (N, classes).
    """
    layers = OrderedDict(
        conv1=nn.Conv2d(1, 16, kernel_size=5),  # (N, 16, 24, 24)
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),  # (N, 16, 12, 12)
        conv2=nn.Conv2d(16, 32, kernel_size=5),  # (N, 32, 8, 8)
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),  # (N, 32, 4, 4)
        flatten=nn.Flatten(),  # (N, 512)
        dropout=nn.Dropout(dropout),
        output=nn.Linear(512, classes),
    )
    return nn.Sequential(layers)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, and a shortcut around them. Lesson 11.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015, with
    the shortcut of its CIFAR-10 networks (option A, section 4.2): where the block
    halves the size and widens, the shortcut takes every second pixel and fills the new
    channels with zeros. It has no parameters.

    Args:
        channels_in: depth of the input.
        channels: depth of the output.
        stride: of the first convolution; 2 at the start of a stage.
        plain: leave out the shortcut.
    """

    def __init__(
        self, channels_in: int, channels: int, stride: int = 1, plain: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.stride, self.new, self.plain = stride, channels - channels_in, plain

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) → (N, channels, H / stride, W / stride)."""
        out = functional.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return functional.relu(out if self.plain else out + self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        """The input, in the shape of the output."""
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.new)) if self.new else x


def cifar_resnet(depth: int, plain: bool = False, classes: int = 10) -> nn.Sequential:
    """The ResNet for 32×32 images of He et al. 2015, section 4.2. Lesson 12.

    A 3×3 convolution to 16 channels, three stages of n residual blocks with 16, 32 and
    64 channels, global average pooling, one linear layer: 6n + 2 layers with weights.
    Depth 20 has 269 722 parameters; the plain twin, without shortcuts, as many.

    Args:
        depth: 6n + 2: 20, 32, 44, 56, 110, …
        plain: leave out all shortcuts.
        classes: number of scores.

    Returns:
        A network from (N, 3, 32, 32) to (N, classes).

    Raises:
        ValueError: for a depth that is not 6n + 2.
    """
    n, rest = divmod(depth - 2, 6)
    if rest or n < 1:
        raise ValueError(f"depth must be 6n + 2 (8, 14, 20, 32, …), not {depth}")
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(3, 16, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(16),
        relu=nn.ReLU(),
    )
    width = 16
    for stage, channels in enumerate((16, 32, 64), start=1):
        for block in range(n):
            stride = 2 if stage > 1 and block == 0 else 1
            name = f"stage{stage}_{block + 1}"
            layers[name] = ResidualBlock(width, channels, stride, plain)
            width = channels
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(64, classes)
    network = nn.Sequential(layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network
