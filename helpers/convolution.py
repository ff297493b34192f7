"""Convolution written out, in the forms that the lessons derive.

Plain tensors, one channel at a time: code to read and to check by hand. Networks use
`torch.nn.functional`, and the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def output_size(W1: int, F: int, P: int = 0, S: int = 1, dilation: int = 1) -> int:
    """Width (or height) of a feature map: ⌊(W1 − F + 2P) / S⌋ + 1.

    Args:
        W1: width of the input, in pixels.
        F: spatial extent of the kernel.
        P: zeros added on *each* side.
        S: stride, pixels from one position to the next.
        dilation: pixels from one tap to the next; the kernel then covers
            dilation · (F − 1) + 1 pixels.

    Raises:
        ValueError: when a quantity is out of range, or the kernel does not fit.
    """
    given = {"W1": W1, "F": F, "P": P, "S": S, "dilation": dilation}
    for name, value in given.items():
        least = 0 if name == "P" else 1
        if int(value) != value or value < least:
            raise ValueError(f"{name} must be a whole number ≥ {least}, not {value}")
    extent = dilation * (F - 1) + 1
    if extent > W1 + 2 * P:
        raise ValueError(
            f"a kernel that covers {extent} does not fit into {W1} + 2·{P} = "
            f"{W1 + 2 * P} pixels; use a smaller F or a larger P"
        )
    return (W1 - extent + 2 * P) // S + 1


def conv2d(image: Tensor, kernel: Tensor, padding: int = 0, stride: int = 1) -> Tensor:
    """Slide a kernel over an image, by shift and add.

    One addition of a whole shifted image for each tap of the kernel:
    S_ij = Σ_a Σ_b I_{i+a, j+b} K_{a,b}, which is cross-correlation, as in PyTorch.

    Args:
        image: (H, W).
        kernel: (m, n), not larger than the padded image.
        padding: zeros on each side.
        stride: pixels from one position to the next.

    Returns:
        (H2, W2), see `output_size`.
    """
    for name, tensor in (("image", image), ("kernel", kernel)):
        if tensor.ndim != 2:
            shape = tuple(tensor.shape)
            raise ValueError(f"{name} must have 2 dimensions, not shape {shape}")
    (H1, W1), (m, n) = image.shape, kernel.shape
    H2 = output_size(H1, m, padding, stride)
    W2 = output_size(W1, n, padding, stride)
    padded = torch.nn.functional.pad(image, [padding] * 4)
    out = torch.zeros(H2, W2, dtype=image.dtype, device=image.device)
    for a in range(m):
        for b in range(n):
            rows = slice(a, a + stride * (H2 - 1) + 1, stride)
            columns = slice(b, b + stride * (W2 - 1) + 1, stride)
            out += kernel[a, b] * padded[rows, columns]
    return out


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Input pixels, along one side, from the first to the last that one output sees.

    Each layer adds F − 1 steps, and a step of a later layer is as long as the product
    of all strides before it. Where S > F, some pixels between are skipped.

    Args:
        layers: (F, S) of each layer, from the input on; pooling counts too.
    """
    field, step = 1, 1
    for F, S in layers:
        if F < 1 or S < 1:
            raise ValueError(f"F and S must be at least 1, not {F} and {S}")
        field += (F - 1) * step
        step *= S
    return field
