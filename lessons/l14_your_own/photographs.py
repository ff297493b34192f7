"""The learner's own photographs, and what stands in where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional

from helpers.data import DATA, PHOTOGRAPHS, photograph

FOLDER = DATA / "photographs"
SHOWN = "data/photographs"  # what a learner calls it, wherever it is
LOOSE = "mine"  # the class of files that lie in no subfolder
SIDE = 400  # pixels of the shorter side that are kept
FEW, MOST = 4, 40  # photographs of a class: fewer are cut into tiles, more left out
PART = 0.75  # of the shorter side: how large a crop is


class Photograph(NamedTuple):
    """One photograph, or a tile that stands in for one."""

    name: str
    label: int
    pixels: Tensor  # (3, H, W), 0 to 255


class Crops(NamedTuple):
    """Square pieces of photographs."""

    pixels: Tensor  # (N, 3, side, side), 0 to 255
    labels: Tensor  # (N,)
    photograph: Tensor  # (N,) which one each was cut from, by number


@dataclass(frozen=True)
class Photographs:
    """All photographs, class by class; `title` says whether some are stand-ins."""

    title: str
    classes: tuple[str, ...]
    all: tuple[Photograph, ...]
    notes: tuple[str, ...]  # what a learner should know of them

    def crops(self, count: int, side: int, seed: int = 0) -> Crops:
        """Cut squares out of each photograph, at random places.

        Args:
            count: squares of each photograph.
            side: of a square, in pixels, once it is cut and resized.
            seed: of the places.
        """
        generator = torch.Generator().manual_seed(seed)
        squares = [
            square
            for each in self.all
            for square in _squares(each.pixels, count, side, generator)
        ]
        labels = torch.tensor([each.label for each in self.all])
        number = torch.arange(len(self.all)).repeat_interleave(count)
        return Crops(torch.stack(squares), labels[number], number)


def read_photographs(folder: str | Path = FOLDER) -> Photographs:
    """The JPEG and PNG files in a folder: a subfolder is a class, by its name.

    Files that lie in no subfolder are one class together. Each is turned as its camera
    noted (EXIF); a file that cannot be read is left out, and named in `notes`. Where
    there are fewer than two classes, the photographs that come with the course stand
    in. A class of fewer than four photographs is cut into tiles. Nothing is sent or
    fetched.
    """
    folder = Path(folder)
    found, skipped = _found(folder)
    notes = []
    if skipped:
        names = ", ".join(skipped[:5]) + ", …" * (len(skipped) > 5)
        notes.append(
            f"Skipped, because these cannot be read as JPEG or PNG: {names}. Export "
            "them as JPEG, and run this cell again."
        )
    own = bool(found)
    stand_ins = sorted(set(PHOTOGRAPHS) - set(found)) if len(found) < 2 else []
    if not own:
        notes.append(
            f"There are no photographs in {SHOWN}, so {' and '.join(stand_ins)} stand "
            "in. Make that folder with a subfolder for each class, put your JPEG or "
            "PNG files there, and run this cell again."
        )
    elif stand_ins:
        notes.append(
            f"Only one class was found in {SHOWN}, so {' and '.join(stand_ins)} stand "
            "in as others. A second subfolder would replace them."
        )
    for name in stand_ins:
        found[name] = [(name, photograph(name, SIDE))]
    every = []
    for label, (name, pictures) in enumerate(found.items()):
        if len(pictures) > MOST:
            notes.append(
                f"{name}: the first {MOST} of {len(pictures)} photographs are used."
            )
        if len(pictures) < FEW:
            count, pictures = len(pictures), _tiles(pictures)
            notes.append(
                f"{name}: {count} photograph{'s' * (count != 1)}, cut into "
                f"{len(pictures)} tiles that stand in for photographs."
            )
        every += [Photograph(n, label, pixels) for n, pixels in pictures[:MOST]]
    parts = ["your photographs"] * own
    parts += [f"{' and '.join(stand_ins)} (stand-ins)"] * bool(stand_ins)
    return Photographs(", ".join(parts), tuple(found), tuple(every), tuple(notes))


def _found(folder: Path) -> tuple[dict[str, list[tuple[str, Tensor]]], list[str]]:
    """By class, the readable photographs with their names; and what is unreadable."""
    found: dict[str, list[tuple[str, Tensor]]] = {}
    skipped: list[str] = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        name = inside.parts[0] if len(inside.parts) > 1 else LOOSE
        try:
            pixels = _pixels(path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            skipped.append(inside.as_posix())
        else:
            found.setdefault(name, []).append((inside.as_posix(), pixels))
    return dict(sorted(found.items())), skipped


def _pixels(path: Path) -> Tensor:
    """A file as (3, H, W), upright: shorter side `SIDE`, longer at most twice that."""
    with Image.open(path, formats=("JPEG", "PNG")) as file:
        file.draft("RGB", (2 * SIDE, 2 * SIDE))  # a large JPEG is read in less detail
        image = ImageOps.exif_transpose(file).convert("RGB")
    short = min(image.size)
    width, height = (min(length, 2 * short) for length in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    image = image.crop((left, top, left + width, top + height))
    size = [max(1, round(SIDE * length / short)) for length in image.size]
    image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float()


def _tiles(pictures: Sequence[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """Six tiles of each picture, three along its longer side."""
    tiles = []
    for name, pixels in pictures:
        H, W = pixels.shape[1:]
        down, across = (2, 3) if W >= H else (3, 2)
        h, w = H // down, W // across
        tiles += [
            (f"{name}, tile {i * across + j + 1}",
             pixels[:, i * h : (i + 1) * h, j * w : (j + 1) * w])
            for i in range(down)
            for j in range(across)
        ]  # fmt: skip
    return tiles


def _squares(
    pixels: Tensor, count: int, side: int, generator: torch.Generator
) -> list[Tensor]:
    H, W = pixels.shape[1:]
    length = round(PART * min(H, W))
    squares = []
    for _ in range(count):
        top, left = (
            int(torch.randint(most - length + 1, (), generator=generator))
            for most in (H, W)
        )
        square = pixels[None, :, top : top + length, left : left + length]
        size = {"size": (side, side), "mode": "bilinear", "antialias": True}
        squares.append(functional.interpolate(square, **size)[0])
    return squares
