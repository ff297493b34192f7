"""A trained network that is stored here; nothing is ever downloaded."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models

from helpers.data import DATA
from helpers.networks import ResidualBlock, cifar_resnet, resnet
from helpers.training import restore

WEIGHTS = {  # depth → torchvision's weights, the smaller network first
    18: [models.ResNet18_Weights.IMAGENET1K_V1],
    50: [models.ResNet50_Weights.IMAGENET1K_V2, models.ResNet50_Weights.IMAGENET1K_V1],
}
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
    "truck",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trained:
    """A network whose last three layers are mean, flatten and dense."""

    network: nn.Sequential
    title: str  # what it is, and what it was trained on
    classes: tuple[str, ...]
    mean: Tensor  # (3, 1, 1) of its training pixels, 0 to 1
    std: Tensor  # (3, 1, 1)
    side: int  # of the crops that it is given here
    crops: int = 20  # of each photograph


def find_trained(
    device: torch.device | str = "cpu", folder: str | Path = DATA
) -> Trained | None:
    """The first of what is here, or None.

    - torchvision's ResNet-18 or ResNet-50, in the data folder or in torch's cache;
    - your own ResNet of lesson 12, where that lesson, or the terminal, saved it.

    A file that cannot be used is named and left alone. Without a data folder nothing is
    looked for: that is how the course is tested, alike on every computer.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return None
    for path, make in (*_published(folder), *_own(folder / "runs")):
        try:
            found = make(path)
        except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as e:
            said = str(e).splitlines()[0] if str(e) else type(e).__name__
            print(f"{path.name} cannot be used ({said}), so it is passed over.")
        else:
            found.network.to(device).eval()
            return found
    return None


def _published(folder: Path) -> Iterator[tuple]:
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    for depth, sets in WEIGHTS.items():
        for weights in sets:
            for place in (folder, cache):
                path = place / weights.url.rsplit("/", 1)[-1]
                if path.is_file():
                    yield path, lambda p, d=depth, w=weights: _imagenet(p, d, w)


def _imagenet(path: Path, depth: int, weights: models.WeightsEnum) -> Trained:
    network = resnet(depth)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    names, title = weights.meta["categories"], f"ResNet-{depth} (ImageNet)"
    # Smaller and fewer crops than it could take: a processor must manage them, too.
    return _trained(network, title, names, IMAGENET, 160, crops=6)


def _own(runs: Path) -> Iterator[tuple]:
    saved = {}  # (epochs, depth) → file
    for path in runs.glob("ResNet-*_*.pt"):
        if known := re.fullmatch(r"ResNet-(\d+)_(\d+)\.pt", path.name):
            saved[int(known[2]), int(known[1])] = path
    for (_, depth), path in sorted(saved.items(), reverse=True):
        yield path, lambda p, d=depth: _of_lesson(p, d)
    if (path := runs / "terminal.pt").is_file():
        yield path, _of_terminal


def _of_lesson(path: Path, depth: int) -> Trained:
    n = (depth - 2) // 6
    stages = [
        nn.Sequential(
            *(ResidualBlock(C1 if k == 0 else C2, C2, S if k == 0 else 1)
              for k in range(n))
        )
        for C1, C2, S in ((16, 16, 1), (16, 32, 2), (32, 64, 2))
    ]  # fmt: skip
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        *(nn.BatchNorm2d(16), nn.ReLU(), *stages),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )
    epochs = len(restore(nn.Sequential(nn.Identity(), layers), path).rows)
    return _cifar(layers, depth, epochs)


def _of_terminal(path: Path) -> Trained:
    network = cifar_resnet(20)
    return _cifar(network, 20, len(restore(network, path).rows))


def _cifar(network: nn.Sequential, depth: int, epochs: int) -> Trained:
    title = f"your ResNet-{depth} (lesson 12, {epochs} epoch{'s' * (epochs != 1)})"
    return _trained(network, title, THINGS, CIFAR10, 32)


def _trained(network, title, classes, constants, side, crops=20) -> Trained:
    mean, std = (torch.tensor(each)[:, None, None] for each in constants)
    return Trained(network, title, tuple(classes), mean, std, side, crops)
