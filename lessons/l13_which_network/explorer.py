"""Networks as dots, with any two of their numbers as axes."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ipywidgets

from helpers.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    WHITE,
    Drawing,
)
from helpers.explorers import DARK_GREY, Explorer


class Network(NamedTuple):
    """What is known of one network; all numbers are for one image."""

    year: int  # of publication
    depth: int  # layers with weights, along the longest way
    top1: float  # accuracy in %
    top5: float  # accuracy in %
    multiply_adds: int
    parameters: int
    activations: int  # numbers that all layers put out

    @property
    def error(self) -> float:
        """Top-1 error in %."""
        return 100 - self.top1


LABELS = {
    "year": "year",
    "depth": "depth in layers",
    "top1": "top-1 accuracy in %",
    "error": "top-1 error in %",
    "top5": "top-5 accuracy in %",
    "multiply_adds": "multiply-adds",
    "parameters": "parameters",
    "activations": "activations",
}
SIZES = ("parameters", "multiply_adds", "activations", "depth")
ALIKE = "all alike"

_COLOURS = (BLACK, ORANGE, GREEN, BLUE, PURPLE, SKY, RED, GREY)
_TEXT = 13  # pixels
_WIDE = 0.68  # of bold DejaVu Sans, per pixel of size
_GAPS = (3, 9, 16, 24, 34, 46, 60, 76, 94, 114, 136, 160, 190)

Box = tuple[float, float, float, float]  # left, top, right, bottom
Dot = tuple[float, float, float]  # x, y, radius


class NetworkExplorer(Explorer):
    """See `network_explorer`."""

    WIDTH, HEIGHT = 846, 436
    LEFT, TOP, RIGHT, BOTTOM = 62, 52, 836, 386
    MARGIN, LARGEST, LEAST, USUAL = 34, 26, 4, 8  # radii of dots, room for them

    def __init__(
        self, networks: Mapping[str, Network], x: str, y: str, size: str, show: str
    ) -> None:
        if not networks:
            raise ValueError("there is no network to show")
        self.networks = dict(networks)
        axes = [(label, name) for name, label in LABELS.items()]
        sizes = [(LABELS[name], name) for name in SIZES] + [(ALIKE, "")]
        self.x = _dropdown("across", axes, x, 216, 48)
        self.y = _dropdown("up", axes, y, 196, 26)
        self.size = _dropdown("dot size", sizes, size, 190, 56)
        names = list(self.networks)
        self.show = _dropdown("show", names, show or names[0], 196, 40)
        controls = [self.x, self.y, self.size, self.show]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def values(self, quantity: str) -> list[float]:
        """One number of every network, in their order."""
        return [getattr(network, quantity) for network in self.networks.values()]

    def is_log(self, quantity: str) -> bool:
        """Whether the axis is logarithmic, as it is where numbers span a wide range."""
        values = self.values(quantity)
        return min(values) > 0 and max(values) / min(values) > 8

    def dots(self) -> list[Dot]:
        """Centre and radius of each network's dot; its area is what size says."""
        xs = self._places(self.x.value, self.LEFT, self.RIGHT)
        ys = self._places(self.y.value, self.BOTTOM, self.TOP)
        if not self.size.value:
            return [(x, y, self.USUAL) for x, y in zip(xs, ys)]
        values = self.values(self.size.value)
        most = max(values)
        radii = [
            max(self.LEAST, self.LARGEST * math.sqrt(max(v, 0) / most)) for v in values
        ]
        return list(zip(xs, ys, radii))

    def labels(self) -> list[Box]:
        """Where each network's name stands."""
        sizes = [(_WIDE * _TEXT * len(name), _TEXT + 4) for name in self.networks]
        area = (self.LEFT + 2, self.TOP, self.RIGHT, self.BOTTOM - 2)
        return [box for box, _ in place(self.dots(), sizes, area)]

    def describe(self) -> str:
        """The axes, the chosen network's numbers, and both numbers of all."""
        x, y, size = self.x.value, self.y.value, self.size.value
        scale = " (logarithmic)" if self.is_log(x) else ""
        dots = f"dot area by {LABELS[size]}" if size else "dots all alike"
        pairs = (
            f"{name} {written(y, getattr(n, y))} at {written(x, getattr(n, x))}"
            for name, n in self.networks.items()
        )
        return (
            f"{len(self.networks)} networks, {LABELS[y]} over {LABELS[x]}{scale}, "
            f"{dots}. {self._chosen()}. {'; '.join(pairs)}."
        )

    def draw(self) -> Drawing:
        """The chosen network in words, the axes, the dots, the names."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        picture.text(
            8, 12, self._chosen(), 15, anchor="start", bold=True, width=self.WIDTH - 16
        )
        self._draw_axes(picture)
        dots, names = self.dots(), list(self.networks)
        chosen = names.index(self.show.value)
        x, y, _ = dots[chosen]
        picture.line([(x, y), (x, self.BOTTOM)], DARK_GREY, 1, "4 4")
        picture.line([(x, y), (self.LEFT, y)], DARK_GREY, 1, "4 4")
        sizes = [(_WIDE * _TEXT * len(name), _TEXT + 4) for name in names]
        area = (self.LEFT + 2, self.TOP, self.RIGHT, self.BOTTOM - 2)
        placed = place(dots, sizes, area)
        for _, leader in placed:
            if leader:
                picture.line(leader, GREY, 1)
        colours = self._colours()
        for k in sorted(range(len(dots)), key=lambda k: -dots[k][2]):
            outline = (BLACK, 3) if k == chosen else (WHITE, 1)
            self._draw_dot(picture, names[k], dots[k], colours[k], *outline)
        for k, (box, _) in enumerate(placed):
            _draw_name(picture, names[k], box, bold=k == chosen)
        return picture

    def _chosen(self) -> str:
        name = self.show.value
        network = self.networks[name]
        numbers = ", ".join(
            f"{written(quantity, getattr(network, quantity))} {words}"
            for quantity, words in (
                ("depth", "layers"),
                ("top1", "% top-1"),
                ("top5", "% top-5"),
                ("multiply_adds", "multiply-adds"),
                ("parameters", "parameters"),
                ("activations", "activations"),
            )
        )
        return f"{name} ({network.year}): {numbers}"

    def _colours(self) -> list[str]:
        """One colour for each family, such as VGG."""
        families = [name.split("-")[0] for name in self.networks]
        order = list(dict.fromkeys(families))
        return [_COLOURS[order.index(f) % len(_COLOURS)] for f in families]

    def _draw_dot(
        self,
        picture: Drawing,
        name: str,
        dot: Dot,
        colour: str,
        stroke: str,
        width: float,
    ) -> None:
        network = self.networks[name]
        lines = [name] + [
            f"{label}: {written(quantity, getattr(network, quantity))}"
            for quantity, label in LABELS.items()
        ]
        title = html.escape("\n".join(lines))
        x, y, radius = dot
        picture.add(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" '
            f'fill-opacity="0.75" stroke="{stroke}" stroke-width="{width}">'
            f"<title>{title}</title></circle>"
        )

    def _draw_axes(self, picture: Drawing) -> None:
        area = (self.RIGHT - self.LEFT, self.BOTTOM - self.TOP)
        picture.rect(self.LEFT, self.TOP, *area, "none", GREY, 1)
        for at, text in self._ticks(self.x.value, self.LEFT, self.RIGHT):
            picture.line([(at, self.BOTTOM), (at, self.BOTTOM + 5)], DARK_GREY, 1)
            picture.text(at, self.BOTTOM + 15, text, 12, DARK_GREY)
        for at, text in self._ticks(self.y.value, self.BOTTOM, self.TOP):
            picture.line([(self.LEFT - 5, at), (self.LEFT, at)], DARK_GREY, 1)
            picture.text(self.LEFT - 8, at, text, 12, DARK_GREY, "end")
        middle = (self.LEFT + self.RIGHT) / 2
        across = f"{self._title(self.x.value)} →"
        picture.text(middle, self.HEIGHT - 14, across, 14, bold=True)
        up = f"↑ {self._title(self.y.value)}"
        picture.text(8, self.TOP - 13, up, 14, anchor="start", bold=True)

    def _title(self, quantity: str) -> str:
        return LABELS[quantity] + ", logarithmic" * self.is_log(quantity)

    def _range(self, quantity: str) -> tuple[float, float]:
        """The least and the largest value, as they are drawn: logarithms or not."""
        values = [self._scaled(quantity, v) for v in self.values(quantity)]
        low, high = min(values), max(values)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def _scaled(self, quantity: str, value: float) -> float:
        return math.log10(value) if self.is_log(quantity) else value

    def _place(self, quantity: str, value: float, start: float, end: float) -> float:
        low, high = self._range(quantity)
        inwards = math.copysign(self.MARGIN, end - start)
        part = (self._scaled(quantity, value) - low) / (high - low)
        return start + inwards + part * (end - start - 2 * inwards)

    def _places(self, quantity: str, start: float, end: float) -> list[float]:
        return [self._place(quantity, v, start, end) for v in self.values(quantity)]

    def _ticks(
        self, quantity: str, start: float, end: float
    ) -> list[tuple[float, str]]:
        """Round numbers along an axis: where they stand, and their text."""
        low, high = self._range(quantity)
        if self.is_log(quantity):
            powers = range(math.floor(low), math.ceil(high) + 1)
            values = [m * 10**p for p in powers for m in (1, 2, 5)]
        else:
            step = _round_step((high - low) / 7)
            step = max(step, 1) if quantity in ("year", "depth") else step
            first = math.ceil(low / step)
            values = [step * k for k in range(first, math.floor(high / step) + 1)]
        placed = [(self._place(quantity, v, start, end), v) for v in values]
        inside = sorted((start, end))
        return [
            (at, written(quantity, value, tick=True))
            for at, value in placed
            if inside[0] + 8 <= at <= inside[1] - 8
        ]


def network_explorer(
    networks: Mapping[str, Network],
    x: str = "multiply_adds",
    y: str = "top1",
    size: str = "parameters",
    show: str = "",
) -> Explorer:
    """Put networks on a map of any two of their numbers. Lesson 13.

    To find out: accuracy grows with the logarithm of the work; the network with most
    parameters is neither the deepest nor the best; a network that is large by one
    number may be small by another. Pointing at a dot names the network and its numbers;
    the list does the same without a mouse.

    Args:
        networks: name → numbers. What comes before a hyphen is its family: one colour.
        x: number across, a field of `Network` or "error".
        y: number upwards.
        size: number that a dot's area shows: "parameters", "multiply_adds",
            "activations", "depth", or "" for dots all alike.
        show: name of the network whose numbers are written out; the first by default.
    """
    return NetworkExplorer(networks, x, y, size, show)


def _draw_name(picture: Drawing, name: str, box: Box, bold: bool) -> None:
    """Write a name into its box, with a white rim against lines behind it."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    picture.add(
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{_TEXT}" text-anchor="middle" '
        f'dominant-baseline="central" fill="{BLACK}" stroke="{WHITE}" '
        f'stroke-width="3" stroke-linejoin="round" paint-order="stroke" '
        f'font-weight="{600 if bold else 400}">{html.escape(name)}</text>'
    )


def written(quantity: str, value: float, tick: bool = False) -> str:
    """A number as short as a map needs: 61.1 M, 76.1, 2015."""
    if quantity in ("year", "depth"):
        return str(round(value))
    if quantity in ("top1", "top5", "error"):
        return f"{value:.3g}" if tick else f"{value:.1f}"
    giga = 1e8 if quantity == "multiply_adds" else 1e9
    for least, unit, name in ((giga, 1e9, "G"), (1e5, 1e6, "M"), (1e3, 1e3, "k")):
        if value >= 0.999 * least:
            return f"{value / unit:.3g} {name}"
    return f"{value:.3g}"


def place(
    dots: Sequence[Dot], sizes: Sequence[tuple[float, float]], area: Box
) -> list[tuple[Box, list[tuple[float, float]]]]:
    """Find room for a label beside each dot: no two overlap, none leaves the area.

    Args:
        dots: to be named.
        sizes: width and height of each label.
        area: that the labels must stay in.

    Returns:
        For each dot the label's box, and a line to it where it stands apart.
    """
    boxes: list[Box] = []
    lines: list[list[tuple[float, float]]] = []  # points along the leaders
    found = []
    for dot, size in zip(dots, sizes):
        best = None
        for gap in _GAPS:
            if best and best[0] <= gap:
                break  # further away costs more than the best so far
            for turn in range(16):
                box = _beside(dot, size, gap, turn * math.tau / 16)
                leader = _leader(dot, box) if gap > 10 else []
                cost = _cost(box, leader, gap + 0.2 * turn, dot, dots, boxes, lines)
                inside = area[0] <= box[0] and area[1] <= box[1]
                inside = inside and box[2] <= area[2] and box[3] <= area[3]
                if inside and cost is not None and (not best or cost < best[0]):
                    best = (cost, box, leader)
        if best is None:
            raise ValueError("there is no room for all names")
        _, box, leader = best
        boxes.append(box)
        lines.append(_along(leader))
        found.append((box, leader))
    return found


def _beside(dot: Dot, size: tuple[float, float], gap: float, angle: float) -> Box:
    x, y, radius = dot
    width, height = size
    x += (radius + gap + width / 2) * math.cos(angle)
    y += (radius + gap + height / 2) * math.sin(angle)
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _leader(dot: Dot, box: Box) -> list[tuple[float, float]]:
    """From the dot's edge to the nearest point of the label."""
    x, y, radius = dot
    to = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
    away = math.dist((x, y), to)
    part = min(radius / away, 1) if away else 1
    return [(x + part * (to[0] - x), y + part * (to[1] - y)), to]


def _along(leader: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    if not leader:
        return []
    (x1, y1), (x2, y2) = leader
    steps = max(2, int(math.dist(*leader) / 6))
    return [
        (x1 + (x2 - x1) * k / steps, y1 + (y2 - y1) * k / steps)
        for k in range(steps + 1)
    ]


def _cost(
    box: Box,
    leader: Sequence[tuple[float, float]],
    distance: float,
    own: Dot,
    dots: Sequence[Dot],
    boxes: Sequence[Box],
    lines: Sequence[Sequence[tuple[float, float]]],
) -> float | None:
    """How bad a place is; None where the label would lie on another, or its dot."""
    if _touches(box, own) or any(_overlap(box, other) for other in boxes):
        return None
    cost = distance
    points = _along(leader)
    for dot in dots:
        if dot is not own:
            cost += 60 * _touches(box, dot)
            cost += 18 * _touches(box, (dot[0], dot[1], dot[2] + 8))  # whose is it?
            cost += 40 * any(math.dist(p, dot[:2]) < dot[2] for p in points)
    cost += 80 * sum(any(_holds(other, p) for p in points) for other in boxes)
    cost += 80 * sum(any(_holds(box, p) for p in line) for line in lines)
    return cost


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _touches(box: Box, dot: Dot) -> bool:
    x, y, radius = dot
    nearest = (min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3]))
    return math.dist((x, y), nearest) < radius


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, …"""
    power = 10 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= 0.999 * step)


def _dropdown(
    text: str, options: Sequence, value: str, width: int, text_width: int
) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        description=text,
        style={"description_width": f"{text_width}px"},
        layout={"width": f"{width}px"},
    )


def _example() -> Explorer:
    """With fourteen made-up networks, as many as the lesson has."""
    networks = {
        f"Net{k % 4}-{k}": Network(2000 + k, 8 + 5 * k, 50 + 2 * k, 75 + k, *[9**k] * 3)
        for k in range(14)
    }
    return network_explorer(networks, show="Net1-5")


EXAMPLES = {"network_explorer": _example}
