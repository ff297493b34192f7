"""The three formulas of the lesson on two dimensions, one output at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def at_preceding(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output of true convolution: Σ I_{i−a, j−b} K_{a,b}. Formula 1."""
    return _sum(image, kernel, lambda a, b: (i - a, j - b))


def at_succeeding(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output of cross-correlation: Σ I_{i+a, j+b} K_{a,b}. Formula 2."""
    return _sum(image, kernel, lambda a, b: (i + a, j + b))


def at_centre(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output, the kernel centred on the pixel of interest. Formula 3.

    Σ I_{i−a, j−b} K_{⌊m/2⌋+a, ⌊n/2⌋+b} with a from −⌊m/2⌋, b from −⌊n/2⌋, over the
    whole kernel.
    """
    m, n = kernel.shape
    return _sum(image, kernel, lambda a, b: (i + m // 2 - a, j + n // 2 - b))


def _sum(image: Tensor, kernel: Tensor, neighbour: Callable) -> Tensor:
    """Add image × kernel over the taps; pixels beyond the border count as zero."""
    (H, W), (m, n) = image.shape, kernel.shape
    total = torch.zeros((), dtype=image.dtype)
    for a in range(m):
        for b in range(n):
            row, column = neighbour(a, b)
            if 0 <= row < H and 0 <= column < W:
                total = total + image[row, column] * kernel[a, b]
    return total
