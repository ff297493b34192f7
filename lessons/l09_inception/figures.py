"""Figures of the lesson on inception."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.drawing import (
    BLACK,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    WHITE,
    Drawing,
)

Branch = Sequence[tuple[str, int]]  # (what a step does, how many maps leave it)

NAIVE = ([("1×1", 64)], [("3×3", 128)], [("5×5", 32)], [("max 3×3", 192)])
REDUCED = (
    [("1×1", 64)],
    [("1×1", 96), ("3×3", 128)],
    [("1×1", 16), ("5×5", 32)],
    [("max 3×3", 192), ("1×1", 32)],
)

_WIDTH, _PITCH, _BOX = 840, 45, 34
_INPUT, _STEPS, _OUTPUT = 96, (176, 404), 700  # left edges
_PER_MAP = 0.42  # pixels of height


def draw_module(D: int, branches: Sequence[Branch]) -> Drawing:
    """Draw an inception module: D maps in, its branches, the joined maps.

    What stands beside a box is how many maps leave it. A 1×1 that shares its branch
    with another step is tinted and has a thick frame. Input and output are as high as
    they have maps.
    """
    height = _PITCH * len(branches) + 4
    drawing = Drawing(_WIDTH, height)
    middle, total = height / 2, sum(branch[-1][1] for branch in branches)
    drawing.rect(_INPUT, middle - D * _PER_MAP / 2, 30, D * _PER_MAP, PALE_BLUE, BLACK)
    drawing.text(_INPUT - 10, middle, f"{D} maps", 15, anchor="end")
    top = middle - total * _PER_MAP / 2
    for k, branch in enumerate(branches):
        y = _PITCH * (k + 0.5) + 2
        drawing.line([(_INPUT + 30, middle), (_STEPS[0] - 14, y), (_STEPS[0], y)], GREY)
        _draw_branch(drawing, branch, y)
        high = branch[-1][1] * _PER_MAP
        end = [(_OUTPUT - 60, y), (_OUTPUT, top + high / 2)]
        drawing.line(end, GREY)
        drawing.rect(_OUTPUT, top, 30, high, PALE_BLUE, BLACK)
        top += high
    drawing.text(_OUTPUT + 42, middle, f"{total} maps", 17, anchor="start", bold=True)
    return drawing


def _draw_branch(drawing: Drawing, branch: Branch, y: float) -> None:
    ends = (*_STEPS[1 : len(branch)], _OUTPUT - 60)
    for step, ((name, maps), x, end) in enumerate(zip(branch, _STEPS, ends)):
        new = name == "1×1" and len(branch) > 1
        fill = PALE_ORANGE if new else WHITE if "max" in name else PALE_GREEN
        line = (ORANGE, 3) if new else (BLACK, 1)
        drawing.line([(x + 110, y), (end, y)], GREY)
        drawing.rect(x, y - _BOX / 2, 110, _BOX, fill, *line)
        drawing.text(x + 55, y, name, 16, bold=new)
        drawing.text(x + 150, y - 12, str(maps), 15, bold=step == len(branch) - 1)
