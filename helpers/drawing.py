"""Diagrams as SVG: sharp at any size, small, the same bytes on every machine.

For grids of numbers, and whatever an explorer redraws while a slider moves: an SVG's
text takes a millisecond or two. Measured data is plotted in `helpers.plots`.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

# Okabe and Ito's colours, which the colour-blind can tell apart, and their pale tints.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, BLACK = "#CC79A7", "#56B4E9", "#8a8a8a", "#1a1a1a"
PALE_BLUE, PALE_ORANGE, PALE_GREEN = "#dcebf6", "#fbe3b0", "#d3efe5"
PALE_GREY, WHITE = "#eeeeee", "#ffffff"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)  # of lines, in this order

_FONT = "'DejaVu Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


class Drawing:
    """A picture that grows shape by shape; coordinates are pixels, y downwards."""

    def __init__(self, width: float, height: float) -> None:
        """Start an empty drawing of that size."""
        self.width, self.height = width, height
        self._parts: list[str] = []

    def add(self, markup: str) -> None:
        """Append raw SVG."""
        self._parts.append(markup)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        stroke: str = "none",
        line: float = 1,
        more: str = "",
    ) -> None:
        """Draw a rectangle."""
        self.add(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="{_n(line)}" {more}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 14,
        colour: str = BLACK,
        anchor: str = "middle",
        bold: bool = False,
        width: float | None = None,
    ) -> None:
        """Write text, its middle line at ``y``; smaller where wider than ``width``."""
        if width is not None:
            size = min(size, width / (0.6 * len(text)))  # DejaVu Sans is about 0.6 wide
        weight = ' font-weight="600"' if bold else ""
        self.add(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" '
            f'text-anchor="{anchor}" dominant-baseline="central"{weight}>'
            f"{html.escape(text)}</text>"
        )

    def line(
        self,
        points: Iterable[tuple[float, float]],
        colour: str = BLACK,
        line: float = 2,
        dash: str = "",
    ) -> None:
        """Draw a line through points."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="{_n(line)}" stroke-linejoin="round"{dashed}/>'
        )

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draw a filled circle."""
        self.add(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{colour}"/>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
        """Draw a straight arrow, horizontal or vertical."""
        self.line([(x1, y1), (x2, y2)], colour, 2)
        dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
        tips = [
            (x2, y2),
            (x2 - 7 * dx - 4 * dy, y2 - 7 * dy - 4 * dx),
            (x2 - 7 * dx + 4 * dy, y2 - 7 * dy + 4 * dx),
        ]
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in tips)
        self.add(f'<polygon points="{path}" fill="{colour}"/>')

    def cell(
        self,
        x: float,
        y: float,
        side: float,
        text: str = "",
        fill: str = WHITE,
        height: float | None = None,
    ) -> None:
        """Draw one cell of a grid, with a number or nothing in it."""
        height = height or side
        self.rect(x, y, side, height, fill, GREY, 1)
        if text:
            size = min(height * 0.45, 1.7 * side / max(len(text), 2))
            self.text(x + side / 2, y + height / 2, text, size)

    def grid(
        self,
        x: float,
        y: float,
        rows: Sequence[Sequence[str]],
        side: float,
        fill: str = WHITE,
    ) -> None:
        """Draw a grid of cells from rows of texts."""
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                self.cell(x + j * side, y + i * side, side, text, fill)

    def svg(self, alt: str, responsive: bool = True) -> str:
        """The picture as an SVG element that a screen reader reads as ``alt``."""
        fit = ' style="max-width:100%;height:auto"' if responsive else ""
        label = html.escape(alt, quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" '
            f'viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'font-family="{_FONT}"{fit}>'
            f'<rect width="100%" height="100%" fill="{WHITE}"/>{"".join(self._parts)}'
            "</svg>"
        )

    def img(self, alt: str) -> str:
        """The picture as an ``<img>`` element, which untrusted notebooks show too."""
        return svg_image(self.svg(alt, responsive=False), self.width, alt)


def svg_image(svg: str, width: float, alt: str) -> str:
    """An SVG as an ``<img>`` element, so many pixels wide, with its text."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<img alt="{html.escape(alt, quote=True)}" width="{_n(width)}" '
        f'style="max-width:100%;height:auto" src="data:image/svg+xml;base64,{data}">'
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
