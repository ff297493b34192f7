"""Figures of the lesson on two dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.drawing import BLACK, ORANGE, PALE_ORANGE, WHITE, Drawing

FIRST = {"before it": -2, "after it": 0, "around it": -1}  # row of a 3×3 window, from i

_SIDE, _LABELS, _TOP, _GAP = 31, 58, 46, 64


def draw_windows(which: Sequence[str], kernel: bool = False) -> Drawing:
    """Draw which pixels around (i, j) a 3×3 kernel sees, by each formula.

    The window has a thick frame, the pixel of interest a dot.

    Args:
        which: keys of `FIRST`; the formulas are numbered in its order.
        kernel: whether to draw the kernel first, with the numbers of its weights.
    """
    widths = [_LABELS + 3 * _SIDE] * kernel + [_LABELS + 5 * _SIDE] * len(which)
    width = sum(widths) + _GAP * (len(widths) - 1)
    drawing = Drawing(width + 6, _TOP + 5 * _SIDE + 3)
    x = 0.0
    if kernel:
        rows, columns = ([f"{name} = {k}" for k in range(3)] for name in "ab")
        _grid(drawing, x, "kernel K", rows, [c.removeprefix("b = ") for c in columns])
        drawing.text(x + _LABELS - 10, 33, "b =", 14, anchor="end")
        x += widths[0] + _GAP
    for name in which:
        number = 1 + list(FIRST).index(name)
        rows, columns = ([_place(index, k) for k in range(-2, 3)] for index in "ij")
        _grid(drawing, x, f"{number} {name}", rows, columns, FIRST[name] + 2)
        x += widths[-1] + _GAP
    return drawing


def _grid(
    drawing: Drawing,
    x: float,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    first: int | None = None,
) -> None:
    """Cells with their rows and columns named; a window from row ``first`` on."""
    left = x + _LABELS
    drawing.text(left + _SIDE * len(columns) / 2, 11, title, 16, bold=True)
    for k, name in enumerate(columns):
        drawing.text(left + _SIDE * (k + 0.5), 33, name, 13)
    for k, name in enumerate(rows):
        y = _TOP + _SIDE * (k + 0.5)
        drawing.text(left - 10, y, name, 14, anchor="end")
    for i in range(len(rows)):
        for j in range(len(columns)):
            lit = first is not None and {i, j} <= {first, first + 1, first + 2}
            fill = PALE_ORANGE if lit else WHITE
            drawing.cell(left + _SIDE * j, _TOP + _SIDE * i, _SIDE, fill=fill)
    if first is not None:
        corner = (left + _SIDE * first, _TOP + _SIDE * first)
        drawing.rect(*corner, 3 * _SIDE, 3 * _SIDE, "none", ORANGE, 4)
        drawing.dot(left + 2.5 * _SIDE, _TOP + 2.5 * _SIDE, 6, BLACK)


def _place(index: str, away: int) -> str:
    return f"{index}{'−' if away < 0 else '+'}{abs(away)}" if away else index
