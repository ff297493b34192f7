"""A heat map laid over a picture."""

from __future__ import annotations

import torch
from torch import Tensor

ORANGE = (230, 100, 0)  # red, green, blue


def laid_over(pixels: Tensor, heat: Tensor) -> Tensor:
    """The picture in grey, tinted orange where the heat is: (3, H, W), 0 to 255.

    Args:
        pixels: (3, H, W), 0 to 255.
        heat: (H, W), 0 or more; the largest becomes the full tint.
    """
    grey = pixels.mean(dim=0, keepdim=True).expand(3, -1, -1)
    part = 0.8 * heat / heat.max().clamp(min=1e-9)  # (H, W)
    tint = torch.tensor(ORANGE, dtype=grey.dtype, device=grey.device)[:, None, None]
    return grey + part * (tint - grey)
