"""Residual blocks, and the ResNets for ImageNet and for CIFAR-10."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from helpers.networks.weights import accept_names, he_initialise


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, and a shortcut around them.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015. Where
    the block halves the size and widens, the shortcut must as well. By default it takes
    every second pixel and fills the new channels with zeros: no parameters (option A,
    section 4.2, for CIFAR-10). ``project`` makes it a 1×1 convolution with batch norm
    (option B, for ImageNet).

    Args:
        channels_in: depth of the input.
        channels: depth of the output.
        stride: of the first convolution; 2 at the start of a stage.
        plain: leave out the shortcut.
        project: a 1×1 convolution where the shape changes.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        stride: int = 1,
        plain: bool = False,
        project: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.stride, self.plain = stride, plain
        self.new, self.channels_out = channels - channels_in, channels
        self.project = None
        if project and not plain:
            self.project = _projection(channels_in, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) → (N, channels, H / stride, W / stride)."""
        # In place: the same numbers, and a tenth less time on a CPU.
        out = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        out = self.norm2(self.conv2(out))
        if not self.plain:
            out += self.shortcut(x)
        return functional.relu(out, inplace=True)

    def shortcut(self, x: Tensor) -> Tensor:
        """The input, in the shape of the output."""
        if self.project is not None:
            return self.project(x)
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.new)) if self.new else x


class Bottleneck(nn.Module):
    """1×1 down, 3×3, 1×1 up by four, and a shortcut around them.

    He and others 2015, figure 5, right. The stride is the 3×3's, as torchvision has it
    (the paper strides in the first 1×1, and so skips three pixels in four).

    Args:
        channels_in: depth of the input.
        channels: depth of the 3×3; four times as many go out.
        stride: of the 3×3; 2 at the start of a stage.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        channels_out = 4 * channels
        self.channels_out = channels_out
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels_out, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels_out)
        self.project = _projection(channels_in, channels_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) → (N, 4 · channels, H / stride, W / stride)."""
        out = functional.relu(self.norm1(self.conv1(x)))
        out = functional.relu(self.norm2(self.conv2(out)))
        out = self.norm3(self.conv3(out))
        return functional.relu(out + (x if self.project is None else self.project(x)))


def _projection(channels_in: int, channels: int, stride: int) -> nn.Sequential | None:
    """A 1×1 convolution with batch norm, where the shape changes."""
    if stride == 1 and channels_in == channels:
        return None
    conv = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(channels)))


STAGES = {  # depth → blocks in each of four stages
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
TORCHVISION = {  # parts of names there and here, beside those of the stages
    "bn1": "norm1", "bn2": "norm2", "bn3": "norm3", "fc": "output",
    "downsample.0": "project.conv", "downsample.1": "project.norm",
}  # fmt: skip


def resnet(depth: int = 18, classes: int = 1000) -> nn.Sequential:
    """ResNet-18, 34, 50, 101 or 152, from (N, 3, 224, 224) to (N, classes).

    He and others 2015, table 1: 7×7 and pooling from 224 to 56, four stages with 64,
    128, 256 and 512 channels, global average pooling, one linear layer. Blocks of two
    convolutions up to depth 34, bottlenecks from 50. Takes the weights of torchvision's
    network of the same depth.

    Raises:
        ValueError: for another depth, counted in layers with weights.
    """
    if depth not in STAGES:
        raise ValueError(f"depth must be 18, 34, 50, 101 or 152, not {depth!r}")
    stem = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),  # 112×112
        norm1=nn.BatchNorm2d(64),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2, padding=1),  # (N, 64, 56, 56)
    )
    block = Bottleneck if depth >= 50 else partial(ResidualBlock, project=True)
    network = _network(stem, 64, STAGES[depth], block, classes)
    stages = {
        f"layer{stage}.{k}": f"stage{stage}_{k + 1}"
        for stage, count in enumerate(STAGES[depth], start=1)
        for k in range(count)
    }
    return accept_names(network, stages | TORCHVISION)


def cifar_resnet(depth: int, plain: bool = False, classes: int = 10) -> nn.Sequential:
    """The ResNet of He and others 2015, section 4.2: (N, 3, 32, 32) → (N, classes).

    A 3×3 convolution to 16 channels, three stages of n residual blocks with 16, 32 and
    64 channels, global average pooling, one linear layer: 6n + 2 layers with weights.
    Depth 20 has 269 722 parameters; the plain twin, without shortcuts, as many.

    Args:
        depth: 6n + 2: 20, 32, 44, 56, 110, …
        plain: leave out all shortcuts.

    Raises:
        ValueError: for a depth that is not 6n + 2.
    """
    n, rest = divmod(depth - 2, 6)
    if rest or n < 1:
        raise ValueError(f"depth must be 6n + 2 (8, 14, 20, 32, …), not {depth}")
    stem = OrderedDict(
        conv=nn.Conv2d(3, 16, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(16),
        relu=nn.ReLU(),
    )
    return _network(stem, 16, (n, n, n), partial(ResidualBlock, plain=plain), classes)


def _network(
    layers: OrderedDict[str, nn.Module],
    channels: int,
    counts: Sequence[int],
    make: Callable[[int, int, int], ResidualBlock | Bottleneck],
    classes: int,
) -> nn.Sequential:
    """Append stages of blocks, each stage twice as deep as the one before, and a head.

    ``make`` takes a block's input depth, depth and stride.
    """
    width = channels
    for stage, count in enumerate(counts, start=1):
        for k in range(1, count + 1):
            stride = 2 if stage > 1 and k == 1 else 1
            layers[f"stage{stage}_{k}"] = block = make(width, channels, stride)
            width = block.channels_out
        channels *= 2
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(width, classes)
    network = nn.Sequential(layers)
    he_initialise(network)
    return network
