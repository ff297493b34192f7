"""Architectures to scale: a network's volumes, and below them what each layer costs.

Drawn from its layer table: `show_volumes` knows no network by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

from helpers.counting import Layer, LayerTable
from helpers.drawing import (
    BLUE,
    GREEN,
    PALE_BLUE,
    PALE_GREEN,
    PALE_GREY,
    PALE_ORANGE,
    Drawing,
)
from helpers.plots import show

CONVOLUTION, POOLING, DENSE, INPUT = "convolution", "pooling", "dense", "input"
_KINDS = {"Conv": CONVOLUTION, "Pool": POOLING, "Linear": DENSE}  # part of a type
_COLOURS = {  # front, top, side, outline
    INPUT: (PALE_GREY, "#f7f7f7", "#dadada", "#777777"),
    CONVOLUTION: (PALE_BLUE, "#eff6fb", "#b7d5ec", BLUE),
    POOLING: (PALE_ORANGE, "#fdf3dc", "#f4d28c", "#a87400"),
    DENSE: (PALE_GREEN, "#ebf8f3", "#a6dccb", GREEN),
}

_WIDTH, _HEIGHT = 1000, 420
_LEFT = 132  # of the first column after the input; titles of the rows stand here
_TEXT = 14.5  # 12 pixels where the picture is shrunk to 840
_TALLEST, _DEEPEST, _LONGEST = 122, 40, 98  # side, depth of maps, dense layer
_GROUND = 170  # what the volumes stand on
_SQUARE = 48  # side of the largest
_ROWS = {"parameters": 290, "multiply_adds": 373}  # what the squares stand on
_MOST = 12  # columns without merging
_RULE = (
    "Edges go by their square roots: 4 times as long is drawn twice as long. "
    "Squares: area = number."
)
_UNITS = {"G": (10**9, "billion"), "M": (10**6, "million")}


@dataclass(frozen=True)
class Step:
    """What makes one volume: a layer, or a block, and what follows it unchanged.

    ``size`` is (H, W, D), or (features,) after a dense layer.
    """

    rows: tuple[Layer, ...]
    kind: str
    size: tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """Steps of one kind whose maps have the same height and width, drawn together."""

    name: str
    steps: tuple[Step, ...]

    @property
    def kind(self) -> str:
        """What all of its steps are."""
        return self.steps[0].kind

    @property
    def sizes(self) -> list[tuple[tuple[int, ...], int]]:
        """The volumes, each with the number of equal neighbours that it stands for."""
        return [(s, len([*g])) for s, g in groupby(step.size for step in self.steps)]

    @property
    def parameters(self) -> int:
        """Weights and biases of all its layers."""
        return sum(row.parameters for step in self.steps for row in step.rows)

    @property
    def multiply_adds(self) -> int:
        """Work of all its layers, for one image."""
        return sum(row.multiply_adds for step in self.steps for row in step.rows)

    @property
    def labels(self) -> list[str]:
        """Its volume in two lines, such as 28×28 and ×256, 480; or one."""
        *side, _ = self.steps[0].size
        depths = list(dict.fromkeys(step.size[-1] for step in self.steps))
        depths = depths if len(depths) < 3 else [depths[0], depths[-1]]
        between = "…" if len({step.size for step in self.steps}) > 2 else ", "
        depth = between.join(map(str, depths))
        return ["×".join(map(str, side)), f"×{depth}"] if side else [depth]


def show_volumes(
    title: str,
    table: LayerTable,
    image: Sequence[int],
    names: Sequence[str] = (),
    blocks: str = "",
    concatenated: bool = False,
) -> None:
    """Show a network's volumes, with each layer's parameters and work as squares.

    Height and width of a volume, and its depth, are drawn by their square roots; the
    squares have the counts as their areas. A network of many layers has neighbours
    merged where kind, height and width agree.

    Args:
        title: the network's name.
        table: its `helpers.counting.layer_table`.
        image: the size of an image, (C, H, W).
        names: of the columns, from the first layer to the last; by default the layers'
            own where they are words, otherwise what they are.
        blocks: a pattern: layers whose names begin alike by it are one block.
        concatenated: whether a block's branches are put together; their depths add up
            then. Otherwise the last layer's output is the block's.
    """
    columns = columns_of(steps_of(table, blocks, concatenated), names)
    channels, *sides = image
    first = Column("input", (Step((), INPUT, (*sides, channels)),))
    scale = _Scale([first, *columns])
    widths = [_width_of(column, scale) for column in columns]
    gap = max((_WIDTH - _LEFT - 6 - sum(widths)) / len(widths), 8)
    drawing = Drawing(_LEFT + sum(widths) + gap * len(widths) + 6, _HEIGHT)
    _legend(drawing, table)
    for name, floor in _ROWS.items():
        drawing.rect(0, floor - 55, drawing.width, 78, "#f5f6f8", more='rx="8"')
        total = f"{_short(getattr(table, name))} in all"
        drawing.text(10, floor - 29, _words(name), _TEXT, anchor="start", bold=True)
        drawing.text(10, floor - 7, total, _TEXT, anchor="start")
    _column(drawing, first, _LEFT / 2 - 6, scale)
    most = {n: max(getattr(column, n) for column in columns) for n in _ROWS}
    x = _LEFT + gap / 2
    for column, width in zip(columns, widths):
        _column(drawing, column, x + width / 2, scale)
        for name, floor in _ROWS.items():
            count = getattr(column, name)
            if count:
                _square(drawing, x + width / 2, floor, name, count, most[name], column)
        x += width + gap
    show(drawing, _describe(title, table, [first, *columns]))


def steps_of(
    table: LayerTable, blocks: str = "", concatenated: bool = False
) -> list[Step]:
    """The rows of a table, in order, as steps.

    Layers that only change numbers, such as activations, norms and dropout, belong to
    the step before them.
    """
    groups: list[tuple[str, list[Layer]]] = []
    for row in table.rows:
        found = re.match(blocks, row.name) if blocks else None
        key = found[0] if found else ""
        if key and groups and groups[-1][0] == key:
            groups[-1][1].append(row)
        elif _kind([row]) or not groups:
            groups.append((key, [row]))
        else:
            groups[-1][1].append(row)
    return [
        Step(
            tuple(rows), _kind(rows) or INPUT, _size(rows, key if concatenated else "")
        )
        for key, rows in groups
    ]


def columns_of(steps: Sequence[Step], names: Sequence[str] = ()) -> list[Column]:
    """Steps as columns, one each where there are few, otherwise merged with others."""
    groups = [[step] for step in steps]
    if len(steps) >= _MOST:
        likeness = [(s.kind, s.size[:-1] or k) for k, s in enumerate(steps)]
        pairs = groupby(zip(likeness, steps), key=lambda pair: pair[0])
        groups = [[step for _, step in group] for _, group in pairs]
    names = names or [_name(group) for group in groups]
    if len(names) != len(groups):
        raise ValueError(f"{len(names)} names for {len(groups)} columns")
    return [Column(name, tuple(group)) for name, group in zip(names, groups)]


def _kind(rows: Sequence[Layer]) -> str:
    """What a step is; "" if it only follows another."""
    kinds = [kind for row in rows for part, kind in _KINDS.items() if part in row.type]
    return CONVOLUTION if CONVOLUTION in kinds else kinds[0] if kinds else ""


def _size(rows: Sequence[Layer], block: str) -> tuple[int, ...]:
    """(H, W, D) of what comes out of a step."""
    made = [row for row in rows if _kind([row])] or list(rows)
    depth, *sides = made[-1].output
    if block:
        ends = {row.name[len(block) :].strip(".").split(".")[0]: row for row in made}
        depth = sum(row.output[0] for row in ends.values())
    return (*sides, depth)


def _name(steps: Sequence[Step]) -> str:
    word = re.match(r"[A-Za-z]+\d*", steps[0].rows[0].name)
    return word[0] if word else steps[0].kind.replace(CONVOLUTION, "conv")


class _Scale:
    """From sizes to pixels, by square roots: four times as long looks twice as long."""

    def __init__(self, columns: Sequence[Column]) -> None:
        sizes = [step.size for column in columns for step in column.steps]
        self.largest = max(max(size[:-1], default=1) for size in sizes)
        deepest = max(size[-1] for size in sizes if size[:-1])
        longest = max((size[-1] for size in sizes if not size[:-1]), default=1)
        self.unit = min(_DEEPEST / sqrt(deepest), _LONGEST / sqrt(longest))

    def side(self, pixels: int) -> float:
        return _TALLEST * sqrt(pixels / self.largest)

    def depth(self, maps: int) -> float:
        return self.unit * sqrt(maps)

    def box(self, size: tuple[int, ...]) -> tuple[float, float, float, float]:
        """Width and height of the front, and how far the side goes right and up."""
        if len(size) == 1:  # a dense layer stands upright
            return 13, self.depth(size[0]), 6, 4
        H, W, D = size
        return self.depth(D), self.side(H), 0.3 * self.side(W), 0.18 * self.side(W)


def _column(drawing: Drawing, column: Column, middle: float, scale: _Scale) -> None:
    """Draw a column's boxes, and write beneath what they are."""
    x = middle - _boxes_width(column, scale) / 2
    for size, count in column.sizes:
        box = scale.box(size)
        _box(drawing, x, box, column.kind)
        if count > 1:
            top = _GROUND - box[1] - box[3] - 11
            drawing.text(x + (box[0] + box[2]) / 2, top, f"×{count}", _TEXT, bold=True)
        x += box[0] + 4
    for row, text in enumerate((column.name, *column.labels)):
        y = _GROUND + 15 + 18.5 * row
        drawing.text(middle, y, text, _TEXT, bold=not row)


def _box(
    drawing: Drawing, x: float, box: tuple[float, float, float, float], kind: str
) -> None:
    width, height, right, up = box
    front, top, side, line = _COLOURS[kind]
    y = _GROUND - height
    far = [(x + right, y - up), (x + width + right, y - up)]
    corner = (x + width + right, _GROUND - up)
    _polygon(drawing, [(x, y), *far, (x + width, y)], top, line)
    right_face = [(x + width, y), far[1], corner, (x + width, _GROUND)]
    _polygon(drawing, right_face, side, line)
    drawing.rect(x, y, width, height, front, line, 1.2)
    if kind == POOLING:  # stripes, for those who do not see the colour
        for part in (0.25, 0.5, 0.75):
            at = _GROUND - part * height
            path = [(x, at), (x + width, at), (x + width + right, at - up)]
            drawing.line(path, line, 1)


def _polygon(
    drawing: Drawing, points: Sequence[tuple[float, float]], fill: str, line: str
) -> None:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawing.add(
        f'<polygon points="{path}" fill="{fill}" stroke="{line}" stroke-width="1.2" '
        'stroke-linejoin="round"/>'
    )


def _square(
    drawing: Drawing,
    middle: float,
    floor: float,
    name: str,
    count: int,
    most: int,
    column: Column,
) -> None:
    """Draw a count as a square's area, the number beneath it."""
    side = _SQUARE * sqrt(count / most)
    colour = _COLOURS[column.kind][3]
    mark = f'class="{name}"'
    drawing.rect(middle - side / 2, floor - side, side, side, colour, more=mark)
    drawing.text(middle, floor + 11, _short(count), _TEXT, bold=count == most)


def _legend(drawing: Drawing, table: LayerTable) -> None:
    """Say above which box is what, and below by which rule they are drawn."""
    x = drawing.width - 340
    for kind, width in ((CONVOLUTION, 152), (POOLING, 120), (DENSE, 0)):
        front, _, _, line = _COLOURS[kind]
        tall = kind == DENSE
        drawing.rect(x + 3 * tall, 8, 14 - 6 * tall, 16, front, line, 1.2)
        if kind == POOLING:
            for y in (12, 16, 20):
                drawing.line([(x, y), (x + 14, y)], line, 1)
        drawing.text(x + 22, 16, kind, _TEXT, anchor="start")
        x += width
    units = [
        f"{k}: {word}" for k, (n, word) in _UNITS.items() if table.multiply_adds >= n
    ]
    rule = f"{_RULE} {', '.join(reversed(units))}{'.' if units else ''}"
    drawing.text(10, _HEIGHT - 12, rule.strip(), _TEXT, "#555555", anchor="start")


def _boxes_width(column: Column, scale: _Scale) -> float:
    boxes = [scale.box(size) for size, _ in column.sizes]
    return sum(box[0] + 4 for box in boxes) - 4 + boxes[-1][2]


def _width_of(column: Column, scale: _Scale) -> float:
    """Room that a column needs, texts included: DejaVu Sans is about 0.66 wide."""
    counts = [_short(getattr(column, name)) for name in _ROWS]
    longest = max(map(len, [*column.labels, *counts]))
    texts = max(0.66 * longest, 0.72 * len(column.name)) * _TEXT
    return max(_boxes_width(column, scale), texts, _SQUARE)


def _words(name: str) -> str:
    return name.replace("_", "-")


def _short(count: int) -> str:
    """A count in full up to a million, then with three digits: 37.7 M, 1.85 G."""
    for letter, (size, _) in _UNITS.items():
        if count >= 0.9995 * size:
            return f"{count / size:#.3g} {letter}".replace(". ", " ")
    return f"{count:,}".replace(",", "\u202f")  # a narrow no-break space


def _describe(title: str, table: LayerTable, columns: Sequence[Column]) -> str:
    """What there is to see, with its numbers."""
    parts = []
    for column in columns:
        times = f" ({len(column.steps)} in a row)" if len(column.steps) > 1 else ""
        parts.append(f"{column.name}{times} {''.join(column.labels)}")
    lines = [f"{title} to scale, as boxes from left to right: {', '.join(parts)}."]
    for name in _ROWS:
        total = getattr(table, name)
        most = max(getattr(column, name) for column in columns)
        where = [column.name for column in columns if getattr(column, name) == most]
        dense = sum(getattr(column, name) for column in columns if column.kind == DENSE)
        lines.append(
            f"Below, the {_words(name)} as squares, {_short(total)} in all: the "
            f"largest, in {' and '.join(where)}, {'is' if len(where) == 1 else 'are'} "
            f"{_percent(most, total)}{' each' * (len(where) > 1)}; the dense layers "
            f"together {_percent(dense, total)}."
        )
    return " ".join(lines)


def _percent(part: int, whole: int) -> str:
    share = 100 * part / max(whole, 1)
    return f"{share:.0f} %" if share >= 1 else "less than 1 %"
