"""A filter reaches through the whole depth of its input, and gives one map."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.convolution import output_size
from helpers.drawing import BLUE, GREEN, ORANGE, PURPLE, Drawing

_SIDE, _AWAY = 26, 13  # of a cell, and how far the next channel lies right and up
_GAP, _TEXT = 50, 18
_CHANNELS = ("#f8d9cc", "#d3efe5", "#dcebf6")  # red, green, blue
_FILTERS = {ORANGE: "#fbe3b0", BLUE: "#bcdcf0", GREEN: "#bfe6d8", PURPLE: "#f1dce8"}


def draw_filters(W1: int, D1: int, F: int, K: int) -> Drawing:
    """Draw W1×W1×D1 numbers, K filters of F×F×D1 (K ≤ 4), and the maps they give.

    The first filter lies on the input; what it gives there is marked in its map. Stride
    1, no padding.
    """
    W2 = output_size(W1, F)
    tints = list(_FILTERS.values())[:K]
    inside = [_CHANNELS[c % 3] for c in range(D1)]
    rows, across = -(-K // 2), min(K, 2)  # of filters
    step = F * _SIDE + D1 * _AWAY + 20  # from one filter to the next
    widths = [
        W1 * _SIDE + D1 * _AWAY,
        max(across * step - 20, 100),
        W2 * _SIDE + K * _AWAY,
    ]
    high = max(widths[0], rows * step - 20)
    starts = [20, 20 + widths[0] + _GAP, 20 + sum(widths[:2]) + 2 * _GAP]
    drawing = Drawing(starts[2] + widths[2] + 20, high + 88)
    middle = 20 + high / 2

    floor = middle + widths[0] / 2
    _block(drawing, starts[0], floor, W1, inside)
    _frame(drawing, starts[0], floor - W1 * _SIDE, F, D1, ORANGE)
    left = starts[1] + (widths[1] - across * step + 20) / 2
    for k, colour in zip(range(K), _FILTERS):
        x = left + k % 2 * step
        floor = middle + (rows * step - 20) / 2 - (rows - 1 - k // 2) * step
        _block(drawing, x, floor, F, inside)
        _frame(drawing, x, floor - F * _SIDE, F, D1, colour)
    floor = middle + widths[2] / 2
    _block(drawing, starts[2], floor, W2, tints)
    drawing.rect(starts[2], floor - W2 * _SIDE, _SIDE, _SIDE, ORANGE, ORANGE, 2)

    for sign, start in zip("∗=", starts[1:]):
        drawing.text(start - _GAP / 2 - 4, middle, sign, 30)
    words = ("input", f"{K} filters, each" if K > 1 else "one filter")
    words = (*words, f"{K} maps" if K > 1 else "one map")
    sizes = (f"{W1}×{W1}×{D1}", f"{F}×{F}×{D1}", f"{W2}×{W2}×{K}")
    for start, width, word, size in zip(starts, widths, words, sizes):
        x = start + width / 2
        drawing.text(x, high + 42, word, _TEXT)
        drawing.text(x, high + 66, size, _TEXT, bold=True)
    return drawing


def _block(
    drawing: Drawing, x: float, floor: float, cells: int, tints: Sequence[str]
) -> None:
    """Channels one behind the other, the first in front, with its cells."""
    side, line = cells * _SIDE, 'stroke="#777777" stroke-width="1"'
    for c in reversed(range(len(tints))):
        left, bottom = x + c * _AWAY, floor - c * _AWAY
        right, top = left + side, bottom - side
        far = f"{right + _AWAY},{top - _AWAY}"
        faces = [
            f"{left},{top} {left + _AWAY},{top - _AWAY} {far} {right},{top}",
            f"{right},{top} {far} {right + _AWAY},{bottom - _AWAY} {right},{bottom}",
        ]
        for points in faces:
            drawing.add(f'<polygon points="{points}" fill="{tints[c]}" {line}/>')
    drawing.grid(x, floor - side, [[""] * cells] * cells, _SIDE, tints[0])


def _frame(drawing: Drawing, x: float, top: float, F: int, D: int, colour: str) -> None:
    """The edges of F×F×D numbers in the near upper left corner of a block."""
    side, away = F * _SIDE, D * _AWAY
    drawing.rect(x, top, side, side, "none", colour, 4)
    over = [(x, top), (x + away, top - away), (x + away + side, top - away)]
    drawing.line([*over, (x + side, top)], colour, 4)
