"""Ten classes of small colour images, drawn on the spot.

Nothing but + − × / and comparisons of 32-bit floats, which give the same bits on every
machine. A sine may differ in its last bit, hence the decimals below.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

_STRIPES = ("horizontal stripes", "vertical stripes", "diagonal stripes")
SHAPES = ("disc", "square", "triangle", "cross", "star", "ring", *_STRIPES, "checker")
# Unit normals of the sides of a triangle and of a five-pointed star.
_THREE = np.float32([(0, 1), (0.8660, -0.5), (-0.8660, -0.5)])
_FIVE = np.float32(
    [(0, 1), (0.9511, 0.309), (0.5878, -0.809), (-0.5878, -0.809), (-0.9511, 0.309)]
)


@lru_cache(maxsize=4)
def draw_shapes(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `count` images, the same for a seed on every machine.

    Equally many of each class, in random order: a figure of random colour, place, size
    and rotation on a sloping background of random colour, with scraps in front of it
    and behind, perhaps a bar across, and noise over all. Stripes are told apart by
    their direction, which varies by up to 15 degrees. Returns (count, 3, 32, 32) uint8
    and (count,) int64, which are kept for the next call: not to be written to.
    """
    if count < 1:
        raise ValueError(f"at least one image is needed, not {count}")
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = generator.permutation(np.arange(count) % len(SHAPES))
    pixels = np.empty((count, 3, 32, 32), np.uint8)
    for kind, shape in enumerate(SHAPES):
        members = np.flatnonzero(labels == kind)
        # So many at once still fit into the processor's cache.
        for block in np.split(members, range(100, len(members), 100)):
            pixels[block] = _draw(generator, shape, len(block))
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))


def _draw(generator, shape, count):
    """Draw images of one shape: (count, 3, 32, 32) uint8."""

    draw = partial(generator.random, dtype=np.float32)  # numbers from 0 to 1

    def pick(low=0.0, high=1.0):
        """One number for each image: (count, 1, 1)."""
        return low + (high - low) * draw((count, 1, 1))

    def colour():
        """One colour for each image, not too far from grey: (count, 3, 1, 1)."""
        return 0.6 * draw((count, 1, 1, 1)) + 0.4 * draw((count, 3, 1, 1))

    def direction(reach=1.0):
        """Cosine and sine of random angles: up to ±90° for 1, ±15° for 0.13."""
        half = pick(-reach, reach)  # tan(angle / 2)
        return (1 - half**2) / (1 + half**2), 2 * half / (1 + half**2)

    centres = np.arange(32, dtype=np.float32) + 0.5
    across, down = centres[None, None, :], centres[None, :, None]

    def scrap(width, length):
        """Cover of a bar somewhere, from bounds of half its sides: (count, 32, 32)."""
        x, y = across - pick(0, 32), down - pick(0, 32)
        cosine, sine = direction()
        past_side = abs(cosine * x + sine * y) - pick(*width)  # in pixels
        past_end = abs(cosine * y - sine * x) - pick(*length)
        return np.clip(0.5 - np.maximum(past_side, past_end), 0, 1)

    def lay(cover, paint):
        image[:] += cover[:, None] * (paint - image)

    background, figure = colour(), colour()
    alike = abs(background - figure).mean(axis=1, keepdims=True) < 0.3
    figure = np.where(alike, (background + 0.5) % 1, figure)
    slope = 0.3 * (draw((count, 3, 2, 1)) - 0.5)
    image = background + slope[:, :, :1] * (across / 32 - 0.5)
    image = image + slope[:, :, 1:] * (down / 32 - 0.5)
    for _ in range(2):
        lay(scrap((1, 3), (1, 5)), colour())
    lay(_figure(shape, pick, direction), figure)
    for _ in range(2):
        lay(scrap((0.7, 2), (1, 4)), colour())
    lay(scrap((1, 2.5), (40, 50)) * (pick() < 0.5), colour())
    noise = draw((2, *image.shape)).sum(axis=0)  # triangular, as a sum of two
    image += 0.15 * (noise - 1)
    return np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)


def _figure(shape, pick, direction):
    """How much of each pixel the figure covers, in quarters: (count, 32, 32)."""
    radius = pick(7.5, 13)
    # At most 30 % of the radius is beyond the border.
    x0, y0 = (pick() * (32 - 1.4 * radius) + 0.7 * radius for _ in range(2))
    cosine, sine = direction(0.13 if shape in _STRIPES else 1)
    sign = np.where(pick() < 0.5, np.float32(-1), np.float32(1))
    if shape == "vertical stripes":
        cosine, sine = -sine, cosine
    elif shape == "diagonal stripes":  # 45° more, or less
        cosine, sine = 0.7071 * (cosine - sign * sine), 0.7071 * (sine + sign * cosine)
    else:
        cosine, sine = cosine * sign, sine * sign
    fine = (np.arange(64, dtype=np.float32) + 0.5) / 2
    x, y = (fine[None, None, :] - x0) / radius, (fine[None, :, None] - y0) / radius
    u, v = cosine * x + sine * y, cosine * y - sine * x  # its own axes, radius 1
    phase, boxed = pick(0, 2), pick() < 0.5
    square = u * u + v * v
    small, large = np.minimum(abs(u), abs(v)), np.maximum(abs(u), abs(v))
    if shape == "disc":
        inside = square < 0.9
    elif shape == "square":
        inside = large < 0.8
    elif shape == "triangle":
        inside = np.max([a * u + b * v for a, b in _THREE], axis=0) < 0.5
    elif shape == "cross":
        inside = (small < 0.28) & (large < 0.95)
    elif shape == "star":  # all but one of the five lines that draw it
        inside = np.sum([a * u + b * v < 0.309 for a, b in _FIVE], axis=0) >= 4
    elif shape == "ring":
        inside = (square > 0.3) & (square < 0.95)
    else:
        odd = np.floor(v * 2.2 + phase) % 2 == 1
        if shape == "checker":
            odd ^= np.floor(u * 2.2 + phase) % 2 == 1
        inside = odd & np.where(boxed, large < 0.85, square < 1)
    return inside.reshape(len(u), 32, 2, 32, 2).mean(axis=(2, 4), dtype=np.float32)
