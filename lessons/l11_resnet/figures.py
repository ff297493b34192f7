"""Figures of the lesson on ResNet."""

from __future__ import annotations

from helpers.drawing import BLACK, ORANGE, PALE_BLUE, PALE_ORANGE, WHITE, Drawing

STEPS = ("conv 3×3", "batch norm", "ReLU", "conv 3×3", "batch norm")


def draw_block(shortcut: bool) -> Drawing:
    """Draw what a block of two convolutions computes, with a shortcut or without."""
    drawing = Drawing(840, 148 if shortcut else 80)
    y, name = (100, "F(x)") if shortcut else (32, "H(x)")
    drawing.text(24, y, "x", 20, bold=True)
    for k, step in enumerate(STEPS):
        fill = PALE_BLUE if step.startswith("conv") else WHITE
        drawing.arrow(36 + 122 * k, y, 62 + 122 * k, y, BLACK)
        drawing.rect(64 + 122 * k, y - 22, 92, 44, fill, BLACK)
        drawing.text(110 + 122 * k, y, step, 14)
    drawing.text(354, y + 39, name, 16, bold=True)
    if shortcut:
        drawing.arrow(646, y, 672, y, BLACK)
        _plus(drawing, 688, y)
        drawing.line([(48, y), (48, 36), (688, 36)], ORANGE)
        drawing.arrow(688, 36, 688, y - 16, ORANGE)
        drawing.text(368, 20, "shortcut: x as it is", 15)
    drawing.arrow(704 if shortcut else 646, y, 722, y, BLACK)
    drawing.rect(724, y - 22, 60, 44, WHITE, BLACK)
    drawing.text(754, y, "ReLU", 14)
    drawing.arrow(786, y, 814, y, BLACK)
    return drawing


def draw_way_back() -> Drawing:
    """Draw how a gradient g comes back through F(x) + x: by both ways."""
    drawing = Drawing(840, 132)
    y = 94
    drawing.text(752, y, "gradient g", 16, bold=True)
    drawing.arrow(696, y, 622, y, BLACK)
    _plus(drawing, 604, y)
    drawing.arrow(588, y, 482, y, BLACK)
    drawing.rect(340, y - 24, 140, 48, PALE_BLUE, BLACK)
    drawing.text(410, y, "F(x)", 16, bold=True)
    drawing.arrow(338, y, 204, y, BLACK)
    drawing.line([(604, y - 16), (604, 30), (236, 30)], ORANGE)
    drawing.arrow(236, 30, 236, y - 2, ORANGE)
    drawing.text(272, y + 18, "g · F′", 16)
    drawing.text(410, 14, "g · 1", 16)
    drawing.text(112, y, "g · (F′ + 1)", 16, bold=True)
    return drawing


def _plus(drawing: Drawing, x: float, y: float) -> None:
    drawing.rect(x - 14, y - 14, 28, 28, PALE_ORANGE, BLACK)
    drawing.text(x, y, "+", 20, bold=True)
