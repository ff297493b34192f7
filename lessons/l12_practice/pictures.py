"""Photographs one by one, as torchvision gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision.datasets import CIFAR10

from helpers.data import DATA, DataSet


class Pictures(Dataset):
    """A stand-in, in the form of torchvision's data sets.

    It is defined here and not in the notebook, because a loader's workers import it.
    """

    def __init__(
        self, data: DataSet, train: bool, transform: Callable[[Image.Image], Any]
    ) -> None:
        images, labels = data.train if train else data.test
        images = images.cpu() * data.std.cpu()[:, None, None]
        pixels = ((images + data.mean.cpu()[:, None, None]) * 255).round()
        self.pixels = pixels.to(torch.uint8).permute(0, 2, 3, 1).numpy()  # (N, H, W, C)
        self.labels, self.transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        picture = Image.fromarray(self.pixels[index])
        return self.transform(picture), self.labels[index]


def pictures(data: DataSet, train: bool, transform: Callable) -> Dataset:
    """torchvision's CIFAR-10 if it is in data/, else its stand-in in the same form.

    Args:
        data: from `load`: which of the two it is.
        train: the training images, or the test images.
        transform: what is done to each picture when it is asked for.
    """
    if data.stand_in:
        return Pictures(data, train, transform)
    return CIFAR10(DATA, train=train, transform=transform)
