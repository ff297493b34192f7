"""Figures of the lesson on output sizes."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.convolution import output_size
from helpers.drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE_GREEN,
    PALE_GREY,
    WHITE,
    Drawing,
)  # fmt: skip
from helpers.plots import show

_ZERO = "#666666"  # on grey


def show_positions(
    settings: Sequence[tuple[int, int, int, int]], alt: str, side: float = 24
) -> None:
    """Show where a kernel can stand: input grids, and the outputs they give.

    A dot marks each pixel that the kernel can be centred on; crossed-out pixels have no
    room for it. Padding is grey.

    Args:
        settings: (W1, F, P, S) of each picture, side by side; F odd.
        alt: what there is to see.
        side: of a pixel.
    """
    gap, top, widest = 44, 30, max(W1 + 2 * P for W1, _, P, _ in settings)
    outputs = [output_size(*setting) for setting in settings]
    width = sum(
        (W1 + 2 * P + W2) * side + 2.5 * gap
        for (W1, _, P, _), W2 in zip(settings, outputs)
    )
    drawing = Drawing(width - 1.5 * gap + 4, top + widest * side + 4)
    x = 2.0
    for (W1, F, P, S), W2 in zip(settings, outputs):
        whole = W1 + 2 * P
        title = f"W1 = {W1}, F = {F}" + f", P = {P}" * (P > 0) + f", S = {S}" * (S > 1)
        drawing.text(x, 12, title, 15, anchor="start")
        _input_grid(drawing, x, top, (W1, F, P, S), side)
        x += whole * side
        middle = top + whole * side / 2
        drawing.arrow(x + 8, middle, x + gap - 8, middle, BLACK)
        x += gap
        drawing.text(x, 12, f"W2 = {W2}", 15, anchor="start", bold=True)
        drawing.grid(x, middle - W2 * side / 2, [[""] * W2] * W2, side, PALE_GREEN)
        x += W2 * side + 1.5 * gap
    show(drawing, alt)


def _input_grid(
    drawing: Drawing,
    x: float,
    y: float,
    setting: tuple[int, int, int, int],
    side: float,
) -> None:
    W1, F, P, S = setting
    whole, W2 = W1 + 2 * P, output_size(*setting)
    centres = {F // 2 + S * k for k in range(W2)}
    room = range(F // 2, whole - F // 2)
    for i in range(whole):
        for j in range(whole):
            left, above = x + j * side, y + i * side
            padding = not (P <= i < P + W1 and P <= j < P + W1)
            drawing.cell(left, above, side, fill=PALE_GREY if padding else WHITE)
            centre = (left + side / 2, above + side / 2)
            if i in centres and j in centres:
                drawing.dot(*centre, side / 6, BLUE)
            elif padding:
                drawing.text(*centre, "0", 13, _ZERO)
            elif i not in room or j not in room:
                drawing.text(*centre, "×", side * 0.6, GREY)
    drawing.rect(x, y, F * side, F * side, "none", ORANGE, 3)


def draw_overhang(W1: int, F: int, rows: int = 3, side: float = 28) -> Drawing:
    """Draw a kernel centred on a corner pixel: question marks where it hangs over.

    Args:
        W1: pixels in a row.
        F: extent of the kernel, odd.
        rows: how many rows of pixels to draw, from the top.
        side: of a pixel.
    """
    out = F // 2
    edge, top, bottom = 2 + out * side, 2 + out * side, 2 + (out + rows) * side
    drawing = Drawing(edge + W1 * side + 2, bottom + 22)
    drawing.grid(edge, top, [[""] * W1] * rows, side)
    drawing.text(edge + W1 * side / 2, bottom + 12, "⋮", 18)  # and so on
    for i in range(F):
        for j in range(F):
            if i < out or j < out:
                x, y = 2 + j * side, 2 + i * side
                more = 'stroke-dasharray="3 3"'
                drawing.rect(x, y, side, side, "none", GREY, 1, more)
                drawing.text(x + side / 2, y + side / 2, "?", 15)
    drawing.dot(edge + side / 2, top + side / 2, side / 6, BLUE)
    drawing.rect(2, 2, F * side, F * side, "none", ORANGE, 3)
    return drawing


def draw_steps(
    W1: int, F: int, P: int, S: int, places: int, side: float = 42
) -> Drawing:
    """Draw one row of pixels and, beneath, the first places of the kernel along it."""
    whole, pitch = W1 + 2 * P, 36
    drawing = Drawing(whole * side + 4, side + 8 + pitch * places)
    for k in range(whole):
        padding = not P <= k < P + W1
        drawing.cell(2 + k * side, 2, side, fill=PALE_GREY if padding else WHITE)
        if padding:
            drawing.text(2 + (k + 0.5) * side, 2 + side / 2, "0", 16, _ZERO)
    for k in range(places):
        x, y = 2 + S * k * side, side + 12 + pitch * k
        drawing.rect(x, y, F * side, 28, "none", ORANGE, 3)
        drawing.text(x + F * side / 2, y + 14, f"place {k + 1}", 14)
        if k:
            drawing.text(x - S * side / 2, y + 8, f"S = {S}", 14)
            drawing.arrow(x - S * side, y + 22, x - 3, y + 22, BLACK)
    return drawing
