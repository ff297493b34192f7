"""Pictures that come with the libraries, as tensors."""

from __future__ import annotations

import torch
from sklearn.datasets import load_sample_image
from torch import Tensor

PHOTOGRAPHS = {"monument": "china.jpg", "flower": "flower.jpg"}


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
