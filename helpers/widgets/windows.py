"""Lesson 02: which window made this output?"""

from __future__ import annotations

import math
import zlib

import ipywidgets
import torch

from helpers.convolution import output_size
from helpers.drawing import BLUE, ORANGE, WHITE, Drawing
from helpers.widgets.base import SIGNED_COLOURS, Explorer, Grid, fit, number, slider


class WindowExplorer(Explorer):
    """See `window_explorer`."""

    SIDE, TOP, GAP = 40, 34, 46

    def __init__(self, image: Grid, kernel: Grid, output: Grid) -> None:
        self.image, self.kernel, self.output = map(_rows, (image, kernel, output))
        self.size = (len(self.output), len(self.output[0]))
        expected = (
            output_size(len(self.image), len(self.kernel)),
            output_size(len(self.image[0]), len(self.kernel[0])),
        )
        if self.size != expected:
            raise ValueError(
                f"the output should be {expected[0]} × {expected[1]} (no padding, "
                f"stride 1), not {self.size[0]} × {self.size[1]}"
            )
        last = self.size[0] * self.size[1] - 1
        self.number = slider("output cell", 0, 0, last, "420px", "84px")
        hint = ipywidgets.HTML("or point at a cell of the output")
        super().__init__([ipywidgets.HBox([self.number, hint])], [self.number])

    def terms(self, i: int, j: int) -> list[list[tuple[float, float]]]:
        """The (m, n) pairs (pixel, weight) whose products make output i, j."""
        return [
            [(self.image[i + a][j + b], v) for b, v in enumerate(row)]
            for a, row in enumerate(self.kernel)
        ]

    def total(self, i: int, j: int) -> float:
        """Their sum."""
        return sum(pixel * v for row in self.terms(i, j) for pixel, v in row)

    def describe(self) -> str:
        """The chosen cell, its window and its sum."""
        i, j = divmod(self.number.value, self.size[1])
        m, n = len(self.kernel), len(self.kernel[0])
        products = ", ".join(
            number(pixel * v) for row in self.terms(i, j) for pixel, v in row
        )
        return (
            f"Output row {i}, column {j} is {number(self.total(i, j))}. Its window "
            f"covers rows {i} to {i + m - 1} and columns {j} to {j + n - 1} of the "
            f"{len(self.image)} × {len(self.image[0])} input. The products are "
            f"{products}.{self._doubt(i, j)}"
        )

    def _doubt(self, i: int, j: int) -> str:
        given = self.output[i][j]
        if math.isclose(given, self.total(i, j), rel_tol=1e-4, abs_tol=1e-4):
            return ""
        return f" The output that was handed over holds {number(given)} instead."

    def draw(self) -> Drawing:
        """Input, kernel and output; each output cell knows its window."""
        width, kernel_x, output_x = self._columns()
        bottom = self.TOP + self.SIDE * max(len(self.image), len(self.kernel))
        height = bottom + 44 + 22 * (len(self.kernel) + 1)
        picture = Drawing(width, height)
        middle = self.TOP + self.SIDE * len(self.image) / 2
        self._draw_grid(picture, 8, "input I", self.image)
        self._draw_grid(picture, kernel_x, "kernel K", self.kernel)
        self._draw_grid(picture, output_x, "output S", self.output)
        picture.text(kernel_x - self.GAP / 2, middle, "∗", 26)
        picture.text(output_x - self.GAP / 2, middle, "=", 26)
        chosen = divmod(self.number.value, self.size[1])
        self._draw_choice(picture, chosen, bottom, ORANGE, "")
        self._draw_hovers(picture, bottom)
        return picture

    def _columns(self) -> tuple[int, int, int]:
        """The picture's width and where kernel and output begin."""
        kernel_x = 8 + self.SIDE * len(self.image[0]) + self.GAP
        output_x = kernel_x + self.SIDE * len(self.kernel[0]) + self.GAP
        return max(output_x + self.SIDE * self.size[1] + 8, 640), kernel_x, output_x

    def _draw_grid(
        self, picture: Drawing, x: float, title: str, rows: list[list[float]]
    ) -> None:
        picture.text(x, 14, title, 15, anchor="start", bold=True)
        # Centred on the input's height: the eye goes along one line.
        y = self._top(rows)
        signed = min(map(min, rows)) < 0
        most = max(abs(v) for row in rows for v in row)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                fill = _tint(value / most) if signed else WHITE
                place = (x + j * self.SIDE, y + i * self.SIDE)
                picture.cell(*place, self.SIDE, "", fill)
                middle = [corner + self.SIDE / 2 for corner in place]
                text = number(value)
                fit(picture, *middle, 17, text, self.SIDE - 4, anchor="middle")

    def _top(self, rows: list[list[float]]) -> float:
        spare = max(len(self.image) - len(rows), 0)
        return self.TOP + self.SIDE * spare / 2

    def _draw_choice(
        self,
        picture: Drawing,
        cell: tuple[int, int],
        bottom: float,
        colour: str,
        dash: str,
    ) -> None:
        """Frame an output cell and its window, and write the sum out."""
        i, j = cell
        side = self.SIDE
        more = f'stroke-dasharray="{dash}"' if dash else ""
        window = (side * len(self.kernel[0]), side * len(self.kernel))
        picture.rect(
            8 + j * side, self.TOP + i * side, *window, "none", colour, 4, more
        )
        x, y = self._columns()[2] + j * side, self._top(self.output) + i * side
        picture.rect(x, y, side, side, "none", colour, 4, more)
        self._write_sum(picture, i, j, bottom + 30)

    def _write_sum(self, picture: Drawing, i: int, j: int, y: float) -> None:
        name = f"S({i}, {j})"
        width = picture.width - 16
        for a, row in enumerate(self.terms(i, j)):
            products = " + ".join(f"{_factor(p)} · {_factor(v)}" for p, v in row)
            start = f"{name} =" if a == 0 else "+"
            picture.text(88, y + 22 * a, start, 16, anchor="end")
            fit(picture, 98, y + 22 * a, 16, products, width - 90)
        y += 22 * len(self.kernel)
        text = number(self.total(i, j)) + self._doubt(i, j).replace(" The", "; the")
        picture.text(88, y, "=", 16, anchor="end")
        fit(picture, 98, y, 16, text, width - 90, bold=True)

    def _draw_hovers(self, picture: Drawing, bottom: float) -> None:
        """A hidden frame and sum for each output cell, shown by CSS under the pointer.

        Styles in an SVG reach the whole page; the class is named after the numbers, so
        that it is this explorer's own and yet the same on every machine.
        """
        numbers = repr((self.image, self.kernel, self.output)).encode()
        name = f"window-{zlib.crc32(numbers):08x}"
        picture.add(
            f"<style>.{name} .window{{visibility:hidden;pointer-events:none}}"
            f".{name}:hover .window{{visibility:visible}}</style>"
        )
        x, y, side = self._columns()[2], self._top(self.output), self.SIDE
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                picture.add(f'<g class="{name}">')
                place = (x + j * side, y + i * side, side, side)
                picture.rect(*place, more='fill-opacity="0" pointer-events="all"')
                picture.add('<g class="window">')
                below = (picture.width, picture.height - bottom - 12)
                picture.rect(0, bottom + 12, *below, WHITE)  # covers the other sum
                self._draw_choice(picture, (i, j), bottom, BLUE, "7 3")
                picture.add("</g></g>")


def window_explorer(image: Grid, kernel: Grid, output: Grid) -> Explorer:
    """Point at an output cell and see the window that made it. Lesson 02.

    To find out: an output is the sum of the products in one window of the input;
    neighbouring outputs share most of their window; the output is smaller because the
    kernel has to lie inside.

    Args:
        image: (H, W) small, for instance 5 × 6.
        kernel: (m, n), for instance 3 × 3.
        output: (H − m + 1, W − n + 1), as `helpers.convolution.conv2d` computes it.
    """
    return WindowExplorer(image, kernel, output)


def _tint(part: float) -> str:
    """A pale colour for a value from −1 (orange) over 0 (white) to 1 (purple)."""
    # Half the range of the map: black digits stay readable on it.
    red, green, blue = SIGNED_COLOURS[round(127 + 62 * part)]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _rows(values: Grid) -> list[list[float]]:
    return torch.as_tensor(values, dtype=torch.float64).tolist()


def _factor(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)
