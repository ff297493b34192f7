"""Data sets as tensors, batches of them, and two photographs.

    data = load("mnist")  # what stands in for it, unless it was downloaded
    for images, labels in Batches(*data.train, batch_size=128, augment=True):
        ...  # one epoch

A data set is normalised once and stays on the device as a whole, where shuffling,
cropping and flipping work on whole batches. Nothing is fetched except by `make data`.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from helpers.data.batches import PADDING, Batches, crop, flipped  # noqa: F401
from helpers.data.downloads import DATA, DOWNLOADED, DataError, missing  # noqa: F401
from helpers.data.shapes import SHAPES, draw_shapes
from helpers.device import best_device

TITLES = DOWNLOADED | {
    "digits": "scikit-learn digits (stand-in for MNIST)",
    "shapes": "drawn shapes (stand-in for CIFAR-10)",
}
STAND_INS = {"digits": "mnist", "shapes": "cifar10"}
PHOTOGRAPHS = {"monument": "china.jpg", "flower": "flower.jpg"}
SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"  # in the project


class Split(NamedTuple):
    """One half of a data set: the training images or the test images."""

    images: Tensor  # (N, C, H, W) float32, normalised
    labels: Tensor  # (N,) int64


@dataclass(frozen=True, eq=False)
class DataSet:
    """Images and labels on one device, normalised by the training set.

    `title` is for plots and tables: that of a stand-in says so. A stand-in's results
    are its own, never those of the set it stands in for.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    mean: Tensor  # (C,) of the training pixels, black 0 to white 1, before normalising
    std: Tensor  # (C,)
    stand_in: str | None  # what it stands in for, "MNIST" or "CIFAR-10"

    @property
    def pad_value(self) -> Tensor:
        """(C,) what normalising makes of black: the border for cropped images."""
        return (0 - self.mean) / self.std


def load(
    name: str,
    device: torch.device | str | None = None,
    folder: str | Path | None = None,
    *,
    size: int | None = None,
    counts: tuple[int, int] | None = None,
    stand_in: bool = True,
) -> DataSet:
    """A data set as tensors on the device.

    Args:
        name: "mnist" (60 000 + 10 000, 1 × 28 × 28) or "cifar10" (50 000 + 10 000,
            3 × 32 × 32), downloaded once; or, with no download, "digits" (1438 + 359,
            1 × 8 × 8, scikit-learn's) or "shapes" (3 × 32 × 32, drawn on the spot),
            which stand in for them, at their height and width, if they are not there.
        device: the best there is, unless given.
        folder: where the downloads lie; `DATA` unless given.
        size: height and width in pixels; MNIST gets a black border, the digits are
            enlarged too. 32 is LeNet-5's.
        counts: training and test images of "shapes", (5000, 1000) unless given.
        stand_in: whether a stand-in will do.

    Raises:
        ValueError: for an unknown name, or a size or counts that are impossible.
        FileNotFoundError: when it was not downloaded, and no stand-in will do.
        DataError: when a file is damaged or not the right one; it is left as it is.
    """
    if name not in TITLES:
        raise ValueError(f"no data set {name!r}; there are {', '.join(TITLES)}")
    if size is not None and size < {"mnist": 28, "digits": 8}.get(name, float("inf")):
        raise ValueError(f'size is for "mnist" (from 28) and "digits" (from 8): {size}')
    if counts is not None and name != "shapes":
        raise ValueError('`counts` is for "shapes", which are drawn to order')
    folder = Path(folder or DATA)
    if name in DOWNLOADED and (absent := missing(name, folder)):
        substitute = next(key for key, value in STAND_INS.items() if value == name)
        if not stand_in:
            raise FileNotFoundError(
                f"{TITLES[name]} is not in {folder} ({Path(absent[0]).name} is missing)"
                f": run `make data` (or `python -m tools.data {name}`), or use "
                f"{substitute!r}, which needs no download."
            )
        size = 28 if name == "mnist" and size is None else size
        name = substitute
    classes = tuple("0123456789")
    if name == "mnist":
        halves = _read_mnist(folder, size or 28)
    elif name == "cifar10":
        classes, halves = _read_cifar10(folder)
    elif name == "digits":
        halves = _read_digits(size or 8)
    else:
        classes = SHAPES
        halves = [draw_shapes(n, seed) for seed, n in enumerate(counts or (5000, 1000))]
    device = torch.device(device) if device else best_device()
    mean, std = (value.to(device) for value in _mean_and_std(halves[0][0]))
    splits = []
    for pixels, labels in halves:
        images = pixels.to(device).float().div_(255)  # bytes: a quarter as much to move
        images.sub_(mean[:, None, None]).div_(std[:, None, None])
        splits.append(Split(images, labels.to(device, copy=True)))
    original = TITLES.get(STAND_INS.get(name, ""))
    return DataSet(name, TITLES[name], classes, *splits, mean, std, original)


def _mean_and_std(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """(C,) mean and standard deviation of the channels, pixels counted from 0 to 1.

    From a histogram: exact, and without a copy of the data set as floats.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    counts = [channel.flatten().bincount(minlength=256) for channel in pixels.unbind(1)]
    weights = torch.stack(counts) / pixels[:, 0].numel()  # (C, 256)
    mean = (weights * values).sum(1)
    variance = (weights * (values - mean[:, None]) ** 2).sum(1)
    return mean.float(), variance.sqrt().clamp(min=1 / 255).float()  # not 0


# The readers give training and test images, (N, C, H, W) uint8, with labels, (N,)
# int64. The md5 of every downloaded file was checked just before.
def _read_mnist(folder, size):
    from torchvision.datasets.mnist import read_image_file, read_label_file

    halves = []
    for start in ("MNIST/raw/train", "MNIST/raw/t10k"):
        pixels = read_image_file(folder / f"{start}-images-idx3-ubyte")[:, None]
        labels = read_label_file(folder / f"{start}-labels-idx1-ubyte")
        halves.append((_padded(pixels, size), labels))
    return halves


def _read_cifar10(folder):
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
    files = [(folder / "cifar-10-batches-py" / name).read_bytes() for name in names]
    *train, test, meta = [pickle.loads(file, encoding="latin1") for file in files]
    halves = []
    for parts in (train, [test]):
        pixels = np.concatenate([part["data"] for part in parts]).reshape(-1, 3, 32, 32)
        labels = [label for part in parts for label in part["labels"]]
        halves.append((torch.from_numpy(pixels), torch.tensor(labels)))
    return tuple(meta["label_names"]), halves


def _read_digits(size):
    """The digits of scikit-learn: a fifth of each class, fixed by a seed, for testing.

    The strokes reach the border. Enlarged, they fill three quarters of the width, about
    as MNIST's do in LeNet-5's 32 × 32 pixels, so that corners of strokes can appear in
    the centre of the receptive field (LeCun et al. 1998).
    """
    table = np.loadtxt(SAMPLES / "digits.csv.gz", delimiter=",")  # 64 pixels, label
    pixels = torch.tensor(table[:, :64], dtype=torch.float32)  # 0 to 16
    pixels = pixels.reshape(-1, 1, 8, 8)
    labels = torch.tensor(table[:, 64], dtype=torch.int64)
    if size > 8:
        inner = max(8, round(size * 3 / 4))
        pixels = torch.nn.functional.interpolate(pixels, inner, mode="bilinear")
    pixels = _padded((pixels * (255 / 16)).round().to(torch.uint8), size)
    generator = np.random.Generator(np.random.PCG64(0))
    test = torch.zeros(len(labels), dtype=torch.bool)
    for digit in range(10):
        members = generator.permutation(np.flatnonzero(labels == digit))
        test[members[: round(len(members) / 5)]] = True
    return [(pixels[~test], labels[~test]), (pixels[test], labels[test])]


def _padded(pixels: Tensor, size: int) -> Tensor:
    """Centre square (N, C, H, H) images in size × size pixels, black all round."""
    before = (size - pixels.shape[-1]) // 2
    after = size - pixels.shape[-1] - before
    return torch.nn.functional.pad(pixels, (before, after, before, after))


def photograph(name: str = "monument", height: int = 214) -> Tensor:
    """The "monument" or the "flower", from data/samples; nothing is downloaded.

    Returns (3, height, W) red, green and blue, float32 from 0 to 255. The height is up
    to 427 pixels; the width follows (3 : 2). ValueError for another name.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"no photograph {name!r}; there are {', '.join(PHOTOGRAPHS)}")
    pixels = torch.tensor(np.asarray(Image.open(SAMPLES / PHOTOGRAPHS[name]))).float()
    image = pixels.permute(2, 0, 1)[None]  # (1, 3, H, W)
    size = (height, round(height * image.shape[3] / image.shape[2]))
    return torch.nn.functional.interpolate(image, size, mode="area")[0]


def to_grey(image: Tensor) -> Tensor:
    """Grey values of a colour image: (3, H, W) → (H, W), the mean of the channels."""
    return image.mean(dim=0)
