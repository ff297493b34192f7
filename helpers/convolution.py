"""Convolution written out, in the forms that the lessons derive.

Plain tensors, one channel at a time: code to read and to check by hand. Networks use
`torch.nn.functional`, and the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def output_size(W1: int, F: int, P: int = 0, S: int = 1, dilation: int = 1) -> int:
    """Width (or height) of a feature map: ⌊(W1 − F + 2P) / S⌋ + 1. Lesson 03.

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
    for name, value, least in (
        ("W1", W1, 1),
        ("F", F, 1),
        ("P", P, 0),
        ("S", S, 1),
        ("dilation", dilation, 1),
    ):
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
    """Slide a filter along a signal: s_i = Σ_k x_{i+k} w_k. Lesson 01.

    The filter is written oldest weight first, as it lies over the window (in the
    lecture w₋₆ … w₀), so nothing is flipped: as in `torch.nn.functional.conv1d`.

    Args:
        x: (W,) signal.
        w: (F,) filter, F ≤ W.

    Returns:
        (W − F + 1,) weighted sums.
    """
    _require(x, 1, "x")
    _require(w, 1, "w")
    W2 = output_size(len(x), len(w))
    return torch.stack([(x[i : i + len(w)] * w).sum() for i in range(W2)])


def conv2d(image: Tensor, kernel: Tensor, padding: int = 0, stride: int = 1) -> Tensor:
    """Slide a kernel over an image, by shift and add. Lesson 02.

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


def conv2d_loops(image: Tensor, kernel: Tensor) -> Tensor:
    """Slide a kernel over an image, one output pixel at a time. Lesson 02.

    Same result as `conv2d` without padding and stride; slow, and plain to read.
    """
    _require(image, 2, "image")
    _require(kernel, 2, "kernel")
    (H1, W1), (m, n) = image.shape, kernel.shape
    out = torch.zeros(output_size(H1, m), output_size(W1, n), dtype=image.dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + m, j : j + n] * kernel).sum()
    return out


def max_pool2d(image: Tensor, F: int = 2, S: int | None = None) -> Tensor:
    """The largest value of each window. Lesson 05.

    Args:
        image: (H, W).
        F: extent of the window.
        S: stride; F when None, so that windows do not overlap.

    Returns:
        (H2, W2), see `output_size`.
    """
    return _windows(image, F, S).amax(dim=(2, 3))


def avg_pool2d(image: Tensor, F: int = 2, S: int | None = None) -> Tensor:
    """The mean of each window; arguments as in `max_pool2d`. Lesson 05."""
    return _windows(image, F, S).mean(dim=(2, 3))


def _windows(image: Tensor, F: int, S: int | None) -> Tensor:
    """All windows of an image: (H2, W2, F, F), without a copy."""
    _require(image, 2, "image")
    S = F if S is None else S
    for extent in image.shape:
        output_size(extent, F, 0, S)  # raises what is wrong
    return image.unfold(0, F, S).unfold(1, F, S)


def conv_matrix(kernel: Tensor, H1: int, W1: int) -> Tensor:
    """The matrix that convolves a flattened image. Lesson 04.

    ``(conv_matrix(kernel, H1, W1) @ image.flatten()).view(H2, W2)`` is
    ``conv2d(image, kernel)``: each row holds the kernel's weights where its window
    lies, and zeros elsewhere.

    Args:
        kernel: (m, n).
        H1: height of the image.
        W1: width of the image.

    Returns:
        (H2 · W2, H1 · W1).
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
    """Pixels, along one side, from the first to the last one seen. Lesson 04.

    Of the input, that is, by one output of a stack; also where S > F skips some.
    Each layer adds F − 1 steps, and a step of a later layer is as long as the product
    of all strides before it.

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


def at_preceding(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output of true convolution: Σ I_{i−a, j−b} K_{a,b}. Lesson 02, formula 1."""
    return _sum(image, kernel, lambda a, b: (i - a, j - b))


def at_succeeding(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output of cross-correlation: Σ I_{i+a, j+b} K_{a,b}. Lesson 02, formula 2."""
    return _sum(image, kernel, lambda a, b: (i + a, j + b))


def at_centre(image: Tensor, kernel: Tensor, i: int, j: int) -> Tensor:
    """One output, the kernel centred on the pixel of interest. Lesson 02, formula 3.

    Σ I_{i−a, j−b} K_{⌊m/2⌋+a, ⌊n/2⌋+b} with a from −⌊m/2⌋, b from −⌊n/2⌋, over the
    whole kernel.
    """
    m, n = kernel.shape
    return _sum(image, kernel, lambda a, b: (i + m // 2 - a, j + n // 2 - b))


def _sum(image: Tensor, kernel: Tensor, neighbour) -> Tensor:
    """Add image × kernel over the taps; pixels beyond the border count as zero."""
    (H, W), (m, n) = image.shape, kernel.shape
    total = torch.zeros((), dtype=image.dtype)
    for a in range(m):
        for b in range(n):
            row, column = neighbour(a, b)
            if 0 <= row < H and 0 <= column < W:
                total = total + image[row, column] * kernel[a, b]
    return total


def _require(tensor: Tensor, dimensions: int, name: str) -> None:
    if tensor.ndim != dimensions:
        raise ValueError(
            f"{name} must have {dimensions} dimension{'s' * (dimensions > 1)}, "
            f"not shape {tuple(tensor.shape)}"
        )
