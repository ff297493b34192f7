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
            elif not padding and (i not in room or j not in room):
                drawing.text(*centre, "×", side * 0.6, GREY)
    drawing.rect(x, y, F * side, F * side, "none", ORANGE, 3)
