"""Shuffled and augmented batches of images that lie on the device as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

PADDING = 4  # pixels on each side before cropping (He et al. 2015, section 4.2)


@dataclass(eq=False, repr=False)
class Batches:
    """An epoch of batches, drawn anew each time it is iterated.

    What is random comes from `seed` and the epoch alone, the same on every device and
    in a run resumed by `set_epoch`. Iterating moves on to the next epoch. As
    augmentation, "crop" moves each image by up to 4 pixels in both directions, and
    "flip" mirrors half of them, at random. Several processes together see every
    image once an epoch, in equally many batches; images that remain when N is shared
    make a last batch larger by one. ValueError for arguments that do not fit.
    """

    images: Tensor  # (N, C, H, W), on the device where the batches are wanted
    labels: Tensor  # (N,) on the same device
    batch_size: int  # for each process
    shuffle: bool = True  # in a new order each epoch
    augment: bool | str = False  # "crop", "flip", or True for both
    seed: int = 0  # of the order and of the augmentation
    drop_last: bool = False  # leave out what does not fill a batch
    _: KW_ONLY
    # The border of images that were moved, (C,) or one number; unless given, the least
    # in each channel, which is `DataSet.pad_value` where any pixel is black.
    pad_value: Tensor | float | None = None
    ranks: tuple[int, int] = (0, 1)  # this process's number, and how many there are

    def __post_init__(self) -> None:
        images, labels, (rank, world) = self.images, self.labels, self.ranks
        if self.augment not in (False, True, "crop", "flip"):
            wanted = 'True, False, "crop" or "flip"'
            raise ValueError(f"augment is {wanted}, not {self.augment!r}")
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images, but {len(labels)} labels")
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {self.batch_size}")
        if self.augment and images.ndim != 4:
            raise ValueError(f"cannot augment {tuple(images.shape)}: not (N, C, H, W)")
        if not 0 <= rank < world:
            raise ValueError(f"ranks are (rank, world), rank < world, not {self.ranks}")
        share = len(images) // world  # the smallest of all processes
        full, left_over = divmod(share, self.batch_size)
        self._count = full + bool(left_over and not self.drop_last)
        if self._count == 0:
            raise ValueError(
                f"{len(images)} images do not fill a batch for each process"
            )
        if self.augment in (True, "crop"):
            if self.pad_value is None:
                self.pad_value = images.amin(dim=(0, 2, 3))
            self.pad_value = torch.as_tensor(self.pad_value).to(images)
        self.epoch = 0

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Iterate over this epoch next (0 is the first)."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        N, size, (rank, world) = len(self.images), self.batch_size, self.ranks
        generator = torch.Generator()
        generator.manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        self.epoch += 1
        order = torch.randperm(N, generator=generator)
        if not self.shuffle:
            order = torch.arange(N)
        shift = torch.randint(2 * PADDING + 1, (2, N), generator=generator)
        flip = torch.randint(2, (1, N), generator=generator)
        drawn = torch.cat([order[None], shift, flip])[:, rank::world]
        if self.drop_last:
            drawn = drawn[:, : self._count * size]
        drawn = drawn.to(self.images.device)  # once an epoch: no waiting in between
        cuts = tuple(range(size, self._count * size, size))
        for index, top, left, mirrored in drawn.tensor_split(cuts, dim=1):
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

    Of (N, C, H, W) images, with a border of `padding` pixels of `pad_value`, (C,) or
    one number. `top` and `left`, (N,), are the first row and column in the padded
    image, 0 to 2 · padding; where both equal the padding, nothing moves.
    """
    N, C, H, W = images.shape
    padded = images.new_empty(N, C, H + 2 * padding, W + 2 * padding)
    padded[:] = pad_value.expand(C)[:, None, None]
    padded[:, :, padding : padding + H, padding : padding + W] = images
    # Every possible crop, as a view, which takes no memory: (N, C, top, left, H, W).
    crops = padded.unfold(2, H, 1).unfold(3, W, 1)
    return crops[torch.arange(N, device=images.device), :, top, left]


def flipped(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror, left to right, those (N, C, H, W) images that the (N,) bools mark."""
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)
