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
            raise ValueError(f"{name} must be a whole number from {least}, not {value}")
    extent = dilation * (F - 1) + 1
    if extent > W1 + 2 * P:
        raise ValueError(
            f"a kernel that covers {extent} does not fit into {W1} + 2·{P} = "
            f"{W1 + 2 * P} pixels; use a smaller F or a larger P"
        )
    return (W1 - extent + 2 * P) // S + 1


def conv1d(x: Tensor, w: Tensor) -> Tensor:
    """Slide a filter along a signal: s_i = Σ_k x_{i+k} w_k.

    The filter is written oldest weight first, as it lies over the window (in the
    lecture w₋₆ … w₀), so nothing is flipped: as in `torch.nn.functional.conv1d`. From
    (W,) and (F,), F ≤ W, to (W − F + 1,).
    """
    _require(x, 1, "x")
    _require(w, 1, "w")
    W2 = output_size(len(x), len(w))
    return torch.stack([(x[i : i + len(w)] * w).sum() for i in range(W2)])


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
    _require(image, 2, "image")
    _require(kernel, 2, "kernel")
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


def max_pool2d(image: Tensor, F: int = 2, S: int | None = None) -> Tensor:
    """The largest value of each window: (H, W) → (H2, W2), see `output_size`.

    Args:
        image: (H, W).
        F: extent of the window.
        S: stride; F when None, so that windows do not overlap.
    """
    return _windows(image, F, S).amax(dim=(2, 3))


def avg_pool2d(image: Tensor, F: int = 2, S: int | None = None) -> Tensor:
    """The mean of each window; arguments as in `max_pool2d`."""
    return _windows(image, F, S).mean(dim=(2, 3))


def _windows(image: Tensor, F: int, S: int | None) -> Tensor:
    """All windows of an image: (H2, W2, F, F), without a copy."""
    _require(image, 2, "image")
    S = F if S is None else S
    for extent in image.shape:
        output_size(extent, F, 0, S)  # raises what is wrong
    return image.unfold(0, F, S).unfold(1, F, S)


def conv_matrix(kernel: Tensor, H1: int, W1: int) -> Tensor:
    """The matrix (H2 · W2, H1 · W1) that convolves a flattened image (H1, W1).

    ``(conv_matrix(kernel, H1, W1) @ image.flatten()).view(H2, W2)`` is
    ``conv2d(image, kernel)``: each row holds the weights of the (m, n) kernel where its
    window lies, and zeros elsewhere.
    """
    _require(kernel, 2, "kernel")
    m, n = kernel.shape
    H2, W2 = output_size(H1, m), output_size(W1, n)
    matrix = torch.zeros(H2, W2, H1, W1, dtype=kernel.dtype, device=kernel.device)
    for i in range(H2):
        for j in range(W2):
            matrix[i, j, i : i + m, j : j + n] = kernel
    return matrix.view(H2 * W2, H1 * W1)


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


def _require(tensor: Tensor, dimensions: int, name: str) -> None:
    if tensor.ndim != dimensions:
        raise ValueError(
            f"{name} must have {dimensions} dimension{'s' * (dimensions > 1)}, "
            f"not shape {tuple(tensor.shape)}"
        )
