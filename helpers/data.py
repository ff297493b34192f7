"""Data sets as tensors, batches of them, and pictures that come with the libraries.

    data = load("mnist")  # after `make data`; "digits" and "shapes" need no download
    batches = Batches(*data.train, batch_size=128, augment=True)
    for images, labels in batches:  # one epoch
        ...

A data set is normalised once and stays on the device as a whole; shuffling, cropping
and flipping work on whole batches there. Nothing is fetched except by
`download`.
"""

from __future__ import annotations

import errno
import functools
import gzip
import http.client
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from helpers.device import best_device

PHOTOGRAPHS = {"monument": "china.jpg", "flower": "flower.jpg"}

# Where the downloads lie; no other folder is read or written unless a caller names it.
DATA = Path(
    os.environ.get("CONVNETS_DATA") or Path(__file__).resolve().parents[1] / "data"
).expanduser()
TITLES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "digits": "scikit-learn digits (stand-in for MNIST)",
    "shapes": "drawn shapes (stand-in for CIFAR-10)",
}
STAND_INS = {"digits": "mnist", "shapes": "cifar10"}
SHAPES = (
    "disc",
    "square",
    "triangle",
    "cross",
    "star",
    "ring",
    "horizontal stripes",
    "vertical stripes",
    "diagonal stripes",
    "checker",
)

# torchvision knows the md5 of the compressed files only. Without these, Fashion-MNIST,
# whose files have the same names, would pass for MNIST.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class DataError(RuntimeError):
    """Data that cannot be had or must not be used, told in a sentence."""


# --- Pictures -------------------------------------------------------------------------


def photograph(name: str = "monument", height: int = 214) -> Tensor:
    """A photograph bundled with scikit-learn; nothing is downloaded.

    Args:
        name: "monument" or "flower".
        height: in pixels, up to 427; the width follows (3 : 2).

    Returns:
        (3, height, W) red, green and blue, float32 from 0 to 255.

    Raises:
        ValueError: for a name that is not known.
    """
    from sklearn.datasets import load_sample_image

    if name not in PHOTOGRAPHS:
        raise ValueError(f"no photograph {name!r}; there are {', '.join(PHOTOGRAPHS)}")
    pixels = torch.tensor(load_sample_image(PHOTOGRAPHS[name])).float()  # (H, W, 3)
    image = pixels.permute(2, 0, 1)[None]  # (1, 3, H, W)
    size = (height, round(height * pixels.shape[1] / pixels.shape[0]))
    small = torch.nn.functional.interpolate(image, size, mode="area")
    return small[0]


def to_grey(image: Tensor) -> Tensor:
    """Grey values of a colour image: (3, H, W) → (H, W), the mean of the channels."""
    return image.mean(dim=0)


# --- Data sets ------------------------------------------------------------------------


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
        """(C,) what black becomes by normalising: the border for cropped images."""
        return (0 - self.mean) / self.std


def load(
    name: str,
    device: torch.device | str | None = None,
    folder: str | Path | None = None,
    *,
    size: int | None = None,
    counts: tuple[int, int] | None = None,
) -> DataSet:
    """A data set as tensors on the device.

    Args:
        name: "mnist" (60 000 + 10 000, 1 × 28 × 28) or "cifar10" (50 000 + 10 000,
            3 × 32 × 32), both to be downloaded once; or "digits" (1438 + 359,
            1 × 8 × 8, bundled with scikit-learn) or "shapes" (3 × 32 × 32, drawn on
            the spot), which need no download.
        device: the best there is, unless given.
        folder: where the downloads lie; `DATA` unless given.
        size: height and width of "mnist" or "digits", in pixels; 32 is LeNet-5's.
            MNIST gets a black border, the digits are enlarged too.
        counts: training and test images of "shapes", (5000, 1000) unless given.

    Raises:
        ValueError: for a name, a size or counts that there cannot be.
        FileNotFoundError: when it has not been downloaded.
        DataError: for a file that is damaged or another one; it is left as it is.
    """
    if name not in TITLES:
        raise ValueError(f"no data set {name!r}; there are {', '.join(TITLES)}")
    if size is not None and name not in ("mnist", "digits"):
        raise ValueError(f"{name} has one size, 32 × 32; leave `size` out")
    if counts is not None and name != "shapes":
        raise ValueError('`counts` is for "shapes", which are drawn to order')
    folder = Path(folder or DATA)
    if name == "mnist":
        train, test, classes = _read_mnist(folder, size or 28)
    elif name == "cifar10":
        train, test, classes = _read_cifar10(folder)
    elif name == "digits":
        train, test, classes = _read_digits(size or 8)
    else:
        train, test = (
            _drawn(count, seed) for seed, count in enumerate(counts or (5000, 1000))
        )
        classes = SHAPES

    device = torch.device(device) if device else best_device()
    mean, std = (value.to(device) for value in _mean_and_std(train[0]))
    halves = (
        Split(_normalised(pixels, mean, std, device), labels.to(device))
        for pixels, labels in (train, test)
    )
    original = TITLES.get(STAND_INS.get(name, ""))
    return DataSet(name, TITLES[name], classes, *halves, mean, std, original)


_Pixels = tuple[Tensor, Tensor]  # (N, C, H, W) uint8 and (N,) int64, on the CPU


def _mean_and_std(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, pixels counted from 0 to 1.

    From a histogram: exact, and without a copy of the data set as floats.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    moments = []
    for channel in pixels.unbind(1):
        weight = torch.bincount(channel.flatten(), minlength=256) / channel.numel()
        mean = (weight * values).sum()
        variance = (weight * (values - mean) ** 2).sum()
        moments.append((mean, variance.sqrt().clamp(min=1 / 255)))  # all of one colour
    mean, std = zip(*moments)
    return torch.stack(mean).float(), torch.stack(std).float()


def _normalised(
    pixels: Tensor, mean: Tensor, std: Tensor, device: torch.device
) -> Tensor:
    """(N, C, H, W) uint8 → float32 of mean 0 and standard deviation 1."""
    images = pixels.to(device).float().div_(255)  # a quarter to move, as bytes
    return images.sub_(mean[:, None, None]).div_(std[:, None, None])


def _read_mnist(folder: Path, size: int) -> tuple[_Pixels, _Pixels, tuple[str, ...]]:
    from torchvision import datasets

    if size < 28:
        raise ValueError(f"MNIST's images are 28 × 28: size must be 28 or more: {size}")
    _require("mnist", folder)

    class MNIST(datasets.MNIST):  # of the same name, which is part of its path
        def _check_legacy_exist(self) -> bool:
            return False  # never an old training.pt in the place of the files checked

    halves = []
    for half, train in (("train", True), ("t10k", False)):
        with _told(folder / "MNIST" / "raw" / f"{half}-images-idx3-ubyte"):
            data = MNIST(folder, train=train)
            pixels = _padded(data.data[:, None], size)
            halves.append(_plausible(pixels, data.targets))
    return *halves, tuple(str(digit) for digit in range(10))


def _read_cifar10(folder: Path) -> tuple[_Pixels, _Pixels, tuple[str, ...]]:
    from torchvision.datasets import CIFAR10

    _require("cifar10", folder)

    halves = []
    for names in (CIFAR10.train_list, CIFAR10.test_list):
        parts = []
        for name, _ in names:
            # One file at a time, so that an error can name it, and with no md5: each
            # was compared a moment ago, which takes as long as reading.
            one = {"train_list": [[name, None]], "test_list": []}
            one["meta"] = {**CIFAR10.meta, "md5": None}
            with _told(folder / CIFAR10.base_folder / name):
                data = type("CIFAR10", (CIFAR10,), one)(folder)
                pixels = torch.from_numpy(data.data).permute(0, 3, 1, 2)
                parts.append(_plausible(pixels, torch.tensor(data.targets)))
        images, labels = zip(*parts)
        halves.append((torch.cat(images).contiguous(), torch.cat(labels)))
    return *halves, tuple(data.classes)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Name the file that torchvision could not read, whatever it stumbled over."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise DataError(f"{file} cannot be read ({reason}).{_RENEW}") from error


def _plausible(pixels: Tensor, labels: Tensor) -> _Pixels:
    if len(pixels) != len(labels):
        raise ValueError(f"{len(pixels)} images and {len(labels)} labels")
    if pixels.dtype != torch.uint8 or not ((labels >= 0) & (labels < 10)).all():
        raise ValueError("not images of bytes with labels from 0 to 9")
    return pixels, labels.long()


def _padded(pixels: Tensor, size: int) -> Tensor:
    """Centre (N, C, H, W) images in size × size pixels, black all round."""
    up, left = ((size - side) // 2 for side in pixels.shape[2:])
    down, right = size - pixels.shape[2] - up, size - pixels.shape[3] - left
    return torch.nn.functional.pad(pixels, (left, right, up, down))


def _read_digits(size: int) -> tuple[_Pixels, _Pixels, tuple[str, ...]]:
    """The digits of scikit-learn: a fifth of each class, fixed by a seed, for testing.

    The strokes reach the border. Enlarged, they fill three quarters of the width, about
    as MNIST's do in LeNet-5's 32 × 32 pixels, so that corners of strokes can appear in
    the centre of the receptive field (LeCun et al. 1998).
    """
    from sklearn.datasets import load_digits

    if size < 8:
        raise ValueError(f"the digits are 8 × 8: size must be 8 or more, not {size}")
    digits = load_digits()
    pixels = torch.tensor(digits.images, dtype=torch.float32)[:, None]  # 0 to 16
    labels = torch.tensor(digits.target)
    if size > 8:
        inner = max(8, round(size * 3 / 4))
        pixels = torch.nn.functional.interpolate(
            pixels, (inner, inner), mode="bilinear"
        )
    pixels = _padded((pixels * (255 / 16)).round().to(torch.uint8), size)

    generator = np.random.Generator(np.random.PCG64(0))
    tested = []
    for digit in range(10):
        members = np.flatnonzero(digits.target == digit)
        tested.extend(generator.permutation(members)[: round(len(members) / 5)])
    test = torch.zeros(len(labels), dtype=torch.bool)
    test[torch.tensor(np.array(tested))] = True
    classes = tuple(str(digit) for digit in range(10))
    return (pixels[~test], labels[~test]), (pixels[test], labels[test]), classes


# --- Drawn shapes ---------------------------------------------------------------------

_SIDE = 32
_BLOCK = 100  # images drawn at once: so many still fit into the processor's cache
# Unit normals of the sides of a triangle and of a five-pointed star, as decimals. A
# sine may differ in its last bit between machines; + − × / and comparisons do not.
_THREE = ((0.0, 1.0), (0.8660, -0.5), (-0.8660, -0.5))
_FIVE = (
    (0.0, 1.0),
    (0.9511, 0.3090),
    (0.5878, -0.8090),
    (-0.5878, -0.8090),
    (-0.9511, 0.3090),
)


@functools.lru_cache(maxsize=4)
def _drawn(count: int, seed: int) -> _Pixels:
    """Draw `count` images, the same for a seed on every machine.

    Ten classes by turns, in random order: a figure of random colour, place, size and
    rotation on a sloping background of random colour, with scraps before and behind it,
    a bar across and noise over all. Stripes are told apart by their direction, which
    varies by up to 15 degrees.

    Returns:
        (count, 3, 32, 32) uint8 and (count,) int64.
    """
    if count < 1:
        raise ValueError(f"at least one image is needed, not {count}")
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = generator.permutation(np.arange(count) % len(SHAPES))
    pixels = np.empty((count, 3, _SIDE, _SIDE), np.uint8)
    for kind in range(len(SHAPES)):
        members = np.flatnonzero(labels == kind)
        for start in range(0, len(members), _BLOCK):
            block = members[start : start + _BLOCK]
            pixels[block] = _draw(generator, SHAPES[kind], len(block))
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))


def _draw(generator: np.random.Generator, shape: str, count: int) -> np.ndarray:
    """Draw images of one shape: (count, 3, 32, 32) uint8."""

    def pick(low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """One number for each image: (count, 1, 1)."""
        chosen = generator.random((count, 1, 1), dtype=np.float32)
        return np.float32(low) + np.float32(high - low) * chosen

    def colour() -> np.ndarray:
        """One colour for each image, not too far from grey: (count, 3, 1, 1)."""
        grey = generator.random((count, 1, 1, 1), dtype=np.float32)
        tint = generator.random((count, 3, 1, 1), dtype=np.float32)
        return np.float32(0.6) * grey + np.float32(0.4) * tint

    def direction(reach: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Cosine and sine of random angles: up to ±90° for 1, ±15° for 0.13."""
        half = pick(-reach, reach)  # tan(angle / 2)
        return (1 - half**2) / (1 + half**2), 2 * half / (1 + half**2)

    centres = np.arange(_SIDE, dtype=np.float32) + np.float32(0.5)
    across, down = centres[None, None, :], centres[None, :, None]

    def scrap(width: tuple[float, float], length: tuple[float, float]) -> np.ndarray:
        """Cover of a small bar anywhere, half its sides given: (count, 32, 32)."""
        x, y = across - pick(0, _SIDE), down - pick(0, _SIDE)
        cosine, sine = direction()
        beyond = np.maximum(
            abs(cosine * x + sine * y) - pick(*width),
            abs(cosine * y - sine * x) - pick(*length),
        )  # pixels outside its edge
        return np.clip(np.float32(0.5) - beyond, 0, 1)

    def lay(cover: np.ndarray, paint: np.ndarray) -> None:
        image[:] += cover[:, None] * (paint - image)

    background, figure = colour(), colour()
    alike = abs(background - figure).mean(axis=1, keepdims=True) < 0.3
    figure = np.where(alike, (background + np.float32(0.5)) % 1, figure)
    slope = generator.random((count, 3, 2, 1), dtype=np.float32) - np.float32(0.5)
    slope = slope * np.float32(0.3)
    image = background + slope[:, :, :1] * (across / _SIDE - np.float32(0.5))
    image = image + slope[:, :, 1:] * (down / _SIDE - np.float32(0.5))

    for _ in range(2):
        lay(scrap((1, 3), (1, 5)), colour())
    lay(_mask(generator, shape, pick, direction), figure)
    for _ in range(2):
        lay(scrap((0.7, 2), (1, 4)), colour())
    lay(scrap((1, 2.5), (40, 50)) * (pick() < 0.5), colour())

    noise = generator.random((2, *image.shape), dtype=np.float32)  # of two, a triangle
    image += np.float32(0.15) * (noise[0] + noise[1] - 1)
    return np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)


def _mask(
    generator: np.random.Generator, shape: str, pick: Callable, direction: Callable
) -> np.ndarray:
    """How much of each pixel the figure covers, in quarters: (count, 32, 32)."""
    radius = pick(7.5, 13)
    # At most 30 % of the radius is beyond the border.
    x0 = pick() * (_SIDE - np.float32(1.4) * radius) + np.float32(0.7) * radius
    y0 = pick() * (_SIDE - np.float32(1.4) * radius) + np.float32(0.7) * radius
    striped = shape.endswith("stripes")
    cosine, sine = direction(0.13 if striped else 1)
    upside = np.where(pick() < 0.5, np.float32(-1), np.float32(1))
    if shape == "vertical stripes":
        cosine, sine = -sine, cosine
    elif shape == "diagonal stripes":  # 45° more, or less
        root = np.float32(0.7071)
        cosine, sine = (
            root * (cosine - upside * sine),
            root * (sine + upside * cosine),
        )
    else:
        cosine, sine = cosine * upside, sine * upside

    fine = (np.arange(2 * _SIDE, dtype=np.float32) + np.float32(0.5)) / 2
    x, y = (fine[None, None, :] - x0) / radius, (fine[None, :, None] - y0) / radius
    u, v = cosine * x + sine * y, cosine * y - sine * x  # the figure's own directions
    inside = _inside(shape, u, v, phase=pick(0, 2), boxed=pick() < 0.5)
    count = len(inside)
    quarters = inside.reshape(count, _SIDE, 2, _SIDE, 2).sum(axis=(2, 4))
    return quarters.astype(np.float32) / 4


def _inside(
    shape: str, u: np.ndarray, v: np.ndarray, phase: np.ndarray, boxed: np.ndarray
) -> np.ndarray:
    """Which points belong to a figure of radius 1, in its own coordinates."""
    square = u * u + v * v
    small, large = np.minimum(abs(u), abs(v)), np.maximum(abs(u), abs(v))
    if shape == "disc":
        return square < 0.9
    if shape == "square":
        return large < 0.8
    if shape == "triangle":
        return np.max([a * u + b * v for a, b in _as_floats(_THREE)], axis=0) < 0.5
    if shape == "cross":
        return (small < 0.28) & (large < 0.95)
    if shape == "star":  # all but one of the five lines that draw it
        sides = [a * u + b * v < np.float32(0.309) for a, b in _as_floats(_FIVE)]
        return np.sum(sides, axis=0) >= 4
    if shape == "ring":
        return (square > 0.3) & (square < 0.95)
    patch = np.where(boxed, large < 0.85, square < 1)
    odd = np.floor(v * np.float32(2.2) + phase) % 2 == 1
    if shape == "checker":
        odd ^= np.floor(u * np.float32(2.2) + phase) % 2 == 1
    return patch & odd


def _as_floats(pairs: tuple) -> list[tuple[np.float32, np.float32]]:
    return [(np.float32(a), np.float32(b)) for a, b in pairs]


# --- Batches --------------------------------------------------------------------------

PADDING = 4  # pixels on each side before cropping (He et al. 2015, section 4.2)


class Batches:
    """An epoch of batches, drawn anew each time it is iterated.

    The draws are made on the CPU from `seed` and the epoch, so that every device gets
    the same, and a run resumed by `set_epoch` the same as one that was not interrupted.
    Iterating moves on to the next epoch.

    Args:
        images: (N, C, H, W), on the device that the batches shall be on.
        labels: (N,) on the same device.
        batch_size: images in a batch (for each process, where there are several).
        shuffle: in a new order each epoch.
        augment: "crop" moves each image by up to 4 pixels in both directions, "flip"
            mirrors every other one, at random; True does both.
        seed: of the order and of the augmentation.
        drop_last: leave out what does not fill a batch.
        pad_value: (C,) or one number, what an image that was moved is filled up with:
            `DataSet.pad_value`, or (unless given) the least value in each channel,
            which is the same where any pixel is black.
        ranks: (rank, world): this process's number and how many there are. Together
            they see every image exactly once an epoch, in equally many batches;
            images that remain when N is shared make a last batch larger by one.

    Raises:
        ValueError: for arguments that do not fit each other.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        shuffle: bool = True,
        augment: bool | str = False,
        seed: int = 0,
        drop_last: bool = False,
        *,
        pad_value: Tensor | float | None = None,
        ranks: tuple[int, int] = (0, 1),
    ):
        if augment not in (False, True, "crop", "flip"):
            raise ValueError(
                f'augment is True, False, "crop" or "flip", not {augment!r}'
            )
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images, but {len(labels)} labels")
        if images.device != labels.device:
            raise ValueError(f"images on {images.device}, labels on {labels.device}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
        if augment and images.ndim != 4:
            raise ValueError(f"not (N, C, H, W) but {tuple(images.shape)}: no augment")
        if not 0 <= ranks[0] < ranks[1]:
            raise ValueError(f"ranks are (rank, world), rank < world, not {ranks}")
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.shuffle, self.augment, self.seed = shuffle, augment, seed
        self.drop_last, self.ranks = drop_last, ranks
        self.epoch = 0
        share = len(images) // ranks[1]  # the smallest of all processes
        self._count = share // batch_size if drop_last else -(-share // batch_size)
        if self._count == 0:
            raise ValueError(f"{len(images)} images do not fill a batch {ranks=}")
        if augment in (True, "crop"):
            if pad_value is None:
                pad_value = images.amin(dim=(0, 2, 3))
            self.pad_value = torch.as_tensor(pad_value).to(images)

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Iterate over this epoch next (0 is the first)."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # Not itself a generator: the epoch counts from here, not from the first batch.
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        N = len(self.images)
        generator = torch.Generator()
        generator.manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(N, generator=generator)
        if not self.shuffle:
            order = torch.arange(N)
        shift = torch.randint(2 * PADDING + 1, (2, N), generator=generator)
        flip = torch.randint(2, (1, N), generator=generator)
        rank, world = self.ranks
        drawn = torch.cat([order[None], shift, flip])[:, rank::world]
        drawn = drawn.to(self.images.device)  # once an epoch: no waiting in between
        last = None if not self.drop_last else self._count * self.batch_size
        for i in range(self._count):
            stop = last if i == self._count - 1 else (i + 1) * self.batch_size
            index, top, left, mirrored = drawn[:, i * self.batch_size : stop]
            images = self.images[index]
            if self.augment in (True, "crop"):
                images = crop(images, top, left, self.pad_value)
            if self.augment in (True, "flip"):
                images = flipped(images, mirrored.bool())
            yield images, self.labels[index]


def crop(
    images: Tensor, top: Tensor, left: Tensor, pad_value: Tensor, padding: int = PADDING
) -> Tensor:
    """Pad each image, and cut one of its own size out of it, at a place of its own.

    Every possible crop of the padded batch is a view of it, which takes no memory; one
    index picks a crop for each image.

    Args:
        images: (N, C, H, W).
        top: (N,) first row in the padded image, 0 to 2 · padding.
        left: (N,) first column.
        pad_value: (C,) or one number, for the border.
        padding: pixels on each side.

    Returns:
        (N, C, H, W); as they were where top and left equal the padding.
    """
    N, C, H, W = images.shape
    padded = images.new_empty(N, C, H + 2 * padding, W + 2 * padding)
    padded[:] = pad_value.expand(C)[:, None, None]
    padded[:, :, padding : padding + H, padding : padding + W] = images
    crops = padded.unfold(2, H, 1).unfold(3, W, 1)  # (N, C, top, left, H, W)
    return crops[torch.arange(N, device=images.device), :, top, left]


def flipped(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror those of the (N, C, H, W) images, left to right, that (N,) bools name."""
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


# --- Downloads ------------------------------------------------------------------------

_RENEW = " Nothing was changed: move it away and run `make data`."
_AGAIN = "Run the same command again: it goes on where it stopped."
_CHUNK = 1 << 16
_PATIENCE = 30  # seconds without an answer
# No space, quota used up (which Windows does not know), file too large.
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)


@dataclass(frozen=True)
class Archive:
    """A file to download and what it holds; paths are relative to the data folder."""

    urls: tuple[str, ...]  # the same file, to be tried in turn
    path: str
    md5: str
    contents: tuple[tuple[str, str | None], ...]  # path and md5; None: any


def archives_of(name: str) -> tuple[Archive, ...]:
    """What to download for "mnist" or "cifar10", as torchvision knows it."""
    from torchvision.datasets import CIFAR10, MNIST

    if name == "mnist":
        return tuple(
            Archive(
                tuple(mirror + file for mirror in MNIST.mirrors),
                f"MNIST/raw/{file}",
                md5,
                ((f"MNIST/raw/{Path(file).stem}", MNIST_MD5[Path(file).stem]),),
            )
            for file, md5 in MNIST.resources
        )
    if name == "cifar10":
        files = [*CIFAR10.train_list, *CIFAR10.test_list]
        files.append([CIFAR10.meta["filename"], CIFAR10.meta["md5"]])
        contents = tuple((f"{CIFAR10.base_folder}/{file}", md5) for file, md5 in files)
        return (Archive((CIFAR10.url,), CIFAR10.filename, CIFAR10.tgz_md5, contents),)
    raise ValueError(f'only "mnist" and "cifar10" are downloaded, not {name!r}')


def missing(
    name: str,
    folder: str | Path | None = None,
    archives: tuple[Archive, ...] | None = None,
) -> list[str]:
    """Paths in the data folder of the files that are not there; the others are right.

    Raises:
        DataError: naming a file whose md5 is not that of the official one.
    """
    from torchvision.datasets.utils import check_integrity

    folder = Path(folder or DATA)
    absent = []
    for archive in archives or archives_of(name):
        for path, md5 in archive.contents:
            if not os.path.lexists(folder / path):
                absent.append(path)
            elif not check_integrity(folder / path, md5):
                raise _foreign(folder / path, name)
    return absent


def _require(name: str, folder: Path) -> None:
    """Raise unless all files of a data set are there and right."""
    with _local_errors(folder):
        absent = missing(name, folder)
    if absent:
        substitute = next(key for key, value in STAND_INS.items() if value == name)
        raise FileNotFoundError(
            f"{TITLES[name]} is not in {folder} ({Path(absent[0]).name} is missing): "
            f"run `make data` (or `python -m tools.data {name}`), or use "
            f'load("{substitute}"), which needs no download.'
        )


def _foreign(file: Path, name: str) -> DataError:
    return DataError(
        f"{file} is damaged, or not a file of {TITLES.get(name, name)} (its md5 is "
        f"another).{_RENEW}"
    )


def download(
    name: str,
    folder: str | Path | None = None,
    *,
    archives: tuple[Archive, ...] | None = None,
    attempts: int = 3,
    progress: bool = True,
    say: Callable[[str], object] = print,
) -> None:
    """Fetch "mnist" (12 MB) or "cifar10" (170 MB), unless it is there already.

    What has arrived is kept as `<file>.part`, and a later call goes on from there. Only
    a file with the right md5 gets its name; nothing that is there is overwritten.

    Args:
        name: of the data set.
        folder: where to; `DATA` unless given.
        archives: what to fetch in the place of torchvision's (tests do).
        attempts: how often a connection may break off, for each address.
        progress: show a bar.
        say: told what is done, a line at a time.

    Raises:
        DataError: with one sentence: no network, wrong content, no space, another file
            in place, or another program at it.
    """
    archives = archives or archives_of(name)
    folder, title = Path(folder or DATA), TITLES.get(name, name)
    with _local_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            for litter in folder.glob(".unpacking-*"):  # of a run that was killed
                shutil.rmtree(litter, ignore_errors=True)
            absent = missing(name, folder, archives)
            if not absent:
                say(f"{title}: already there, in {folder} ({_size(folder, archives)})")
                return
            for archive in archives:
                wanted = [path for path, _ in archive.contents if path in absent]
                if wanted:
                    _fetch(archive, folder, title, attempts, progress, say)
                    _unpack(archive, folder, wanted)
    say(f"{title}: ready, in {folder} ({_size(folder, archives)})")


def _size(folder: Path, archives: tuple[Archive, ...]) -> str:
    files = [folder / path for archive in archives for path, _ in archive.contents]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.0f} MB"


@contextmanager
def _local_errors(folder: Path) -> Iterator[None]:
    """Tell what this computer's disk refuses in a sentence, too."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DataError(
                f"The disk with {folder} is full: make room (MNIST takes 70 MB, "
                f"CIFAR-10 550 MB while unpacking). {_AGAIN}"
            ) from error
        raise DataError(f"{folder} cannot be used: {error}.") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second download out, which would write into the same unfinished files."""
    try:
        import fcntl
    except ImportError:  # Windows: files that are open cannot be replaced there anyway
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"Another program is downloading to {folder}.") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)


def _fetch(
    archive: Archive,
    folder: Path,
    title: str,
    attempts: int,
    progress: bool,
    say: Callable[[str], object],
) -> None:
    """Put the archive in place, from the first address that gives the right one."""
    from torchvision.datasets.utils import check_integrity

    target = folder / archive.path
    if os.path.lexists(target):
        if not check_integrity(target, archive.md5):
            raise _foreign(target, title)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    problems = []
    for url in archive.urls:
        host = urllib.parse.urlsplit(url).netloc
        failures = 0
        while failures < attempts:
            resumed = part.is_file() and part.stat().st_size > 0
            # Everything may have arrived already, just before a run was stopped.
            if not (resumed and check_integrity(part, archive.md5)):
                say(f"{title}: {target.name} from {host}{', resumed' * resumed}")
                try:
                    _receive(url, part, progress)
                except _Broken as broken:
                    problems.append(f"{host}: {broken}")
                    failures += 1 if broken.gained else attempts  # nobody there
                    continue
            if check_integrity(part, archive.md5):
                os.replace(part, target)
                return
            part.unlink()
            if not resumed:  # else the beginning may be at fault: once more, from there
                problems.append(f"{host}: the md5 of what it sent is wrong")
                break
    raise DataError(
        f"{title}: {target.name} could not be downloaded ({'; '.join(problems)}). "
        f"Is there a network? {_AGAIN} Lessons use a stand-in until then."
    )


class _Broken(Exception):  # noqa: N818 (never leaves this file)
    """A connection that failed, and the bytes that arrived before it did."""

    def __init__(self, reason: object, gained: int = 0):
        text = getattr(reason, "strerror", None) or str(reason)
        super().__init__(text or type(reason).__name__)
        self.gained = gained


def _receive(url: str, part: Path, progress: bool) -> None:
    """Append what the unfinished file lacks, or start afresh if the server must.

    Raises:
        _Broken: when the network or the server fails.
        OSError: when the disk does.
    """
    from torchvision.datasets.utils import USER_AGENT
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # not shorter than what the server has, and not right
            return _receive(url, part, progress)
        raise _Broken(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(getattr(error, "reason", error)) from error

    with response:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            start = response.headers.get("Content-Range", "").partition("-")[0]
            if start.split() != ["bytes", str(have)]:
                raise _Broken("it sent another part than was asked for")
        else:
            have = 0  # it sends the whole file
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        arrived = have
        bar = tqdm(
            total=total,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=part.stem,
            disable=not progress,
        )
        with bar, open(part, "ab" if have else "wb") as file:
            while True:
                try:
                    chunk = response.read(_CHUNK)
                except (OSError, http.client.HTTPException) as error:
                    raise _Broken(error, arrived - have) from error
                if not chunk:
                    break
                file.write(chunk)
                arrived += len(chunk)
                bar.update(len(chunk))
        if total is not None and arrived < total:
            raise _Broken(f"cut off after {arrived} of {total} bytes", arrived - have)


def _unpack(archive: Archive, folder: Path, wanted: list[str]) -> None:
    """Put those of its files that are wanted in place, each of them at once."""
    from torchvision.datasets.utils import check_integrity

    source, sums = folder / archive.path, dict(archive.contents)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as scratch:
        copies = {}
        try:
            for path, content in _members(source, wanted):
                copies[path] = Path(scratch) / Path(path).name
                with content, open(copies[path], "wb") as file:
                    shutil.copyfileobj(content, file)
        except (gzip.BadGzipFile, tarfile.TarError, EOFError, zlib.error) as error:
            raise DataError(f"{source} cannot be unpacked ({error}).") from error
        for path in wanted:
            if path not in copies or not check_integrity(copies[path], sums[path]):
                raise DataError(f"{source} does not hold the official {path}.")
        for path, copy in copies.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(copy, folder / path)


def _members(source: Path, wanted: list[str]) -> Iterator[tuple[str, BinaryIO]]:
    """The wanted files in an archive: (path, opened) one after the other."""
    if ".tar" not in source.suffixes:
        yield wanted[0], gzip.open(source)  # noqa: SIM115 (closed by who reads it)
        return
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile() and member.name in wanted:
                yield member.name, archive.extractfile(member)
