"""Figures of the lesson on batch norm."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.drawing import BLACK, GREY, ORANGE, PALE_ORANGE, WHITE, Drawing

IMAGES, CHANNELS, SIDE = 3, 4, 3  # of the block that is drawn
MARKED = (0, 1)  # image and channel of the number with the dot
SHARED = {  # norm → its axes, and the maps (image, channel) that share a mean with it
    "batch norm": ("over N, H, W", [(n, 1) for n in range(IMAGES)]),
    "layer norm": ("over C, H, W", [(0, c) for c in range(CHANNELS)]),
    "instance norm": ("over H, W", [(0, 1)]),
    "group norm": ("over H, W, 2 channels", [(0, 0), (0, 1)]),
}

_CELL, _ACROSS, _DOWN = 13, 56, 47  # a number, and from map to map
_LABELS, _TOP, _GAP = 78, 54, 64


def draw_sharing(norms: Sequence[str]) -> Drawing:
    """Draw blocks of maps, images down and channels across, one for each norm.

    A dot marks a number; the maps with whose numbers it shares a mean are tinted and
    have a thick frame.

    Args:
        norms: keys of `SHARED`.
    """
    width = _LABELS + _ACROSS * CHANNELS
    drawing = Drawing((width + _GAP) * len(norms) - _GAP + 6, _TOP + _DOWN * IMAGES - 5)
    for k, name in enumerate(norms):
        _draw_block(drawing, k * (width + _GAP) + _LABELS, name)
    return drawing


def _draw_block(drawing: Drawing, x: float, name: str) -> None:
    axes, shared = SHARED[name]
    drawing.text(x - _LABELS + 2, 11, name, 16, anchor="start", bold=True)
    drawing.text(x + _ACROSS * CHANNELS - 17, 11, axes, 14, anchor="end")
    drawing.text(x - 12, _TOP - 15, "channel", 13, anchor="end")
    for c in range(CHANNELS):
        drawing.text(x + _ACROSS * c + _CELL * 1.5, _TOP - 15, str(c), 13)
    for n in range(IMAGES):
        middle = _TOP + _DOWN * n + _CELL * 1.5
        drawing.text(x - 12, middle, f"image {n}", 13, anchor="end")
        for c in range(CHANNELS):
            corner = (x + _ACROSS * c, _TOP + _DOWN * n)
            lit = (n, c) in shared
            empty = [[""] * SIDE] * SIDE
            drawing.grid(*corner, empty, _CELL, PALE_ORANGE if lit else WHITE)
            line = (ORANGE, 4) if lit else (GREY, 1)
            drawing.rect(*corner, SIDE * _CELL, SIDE * _CELL, "none", *line)
            if (n, c) == MARKED:
                drawing.dot(corner[0] + _CELL / 2, corner[1] + _CELL / 2, 4.5, BLACK)
