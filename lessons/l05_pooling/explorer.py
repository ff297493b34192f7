"""What does a window of pooling keep?"""

from __future__ import annotations

import zlib

import ipywidgets
import torch

from helpers.convolution import output_size
from helpers.drawing import (
    BLUE,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREY,
    PALE_ORANGE,
    WHITE,
    Drawing,
)
from helpers.explorers import DARK_GREY, Explorer, Grid, number, slider

MAX, AVERAGE = "max", "average"
Cell = tuple[int, int]


class PoolExplorer(Explorer):
    """See `pool_explorer`."""

    SIDE, TOP, LEFT, GAP = 42, 40, 8, 56
    WIDTH = 846

    def __init__(self, image: Grid) -> None:
        self.image = torch.as_tensor(image, dtype=torch.float64).tolist()
        self.H1, self.W1 = len(self.image), len(self.image[0])
        least = min(self.H1, self.W1)
        if least < 2 or max(self.H1, self.W1) > 7:
            raise ValueError(
                f"the image should have 2 to 7 rows and columns, not {self.H1} × "
                f"{self.W1}"
            )
        self.kind = ipywidgets.Dropdown(
            options=[MAX, AVERAGE],
            description="keep the",
            style={"description_width": "60px"},
            layout={"width": "170px"},
        )
        self.F = slider("window F", 2, 1, min(4, least), "190px", "66px")
        self.S = slider("stride S", 2, 1, 4, "190px", "60px")
        self.cell = slider("output cell", 0, 0, 0, "270px", "76px")
        controls = [self.kind, self.F, self.S, self.cell]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def size(self) -> Cell:
        """Rows and columns of the output."""
        F, S = self.F.value, self.S.value
        return output_size(self.H1, F, 0, S), output_size(self.W1, F, 0, S)

    def redraw(self) -> None:
        """Let the slider reach as many cells as there are now, then draw."""
        quiet, self._quiet = self._quiet, True
        H2, W2 = self.size()
        self.cell.max = H2 * W2 - 1
        self._quiet = quiet
        super().redraw()

    def window(self, i: int, j: int) -> list[Cell]:
        """The pixels that output i, j comes from, row by row."""
        F, S = self.F.value, self.S.value
        return [(i * S + a, j * S + b) for a in range(F) for b in range(F)]

    def values(self, i: int, j: int) -> list[float]:
        """Their values."""
        return [self.image[row][column] for row, column in self.window(i, j)]

    def output(self, i: int, j: int) -> float:
        """The largest of them, or their mean."""
        values = self.values(i, j)
        if self.kind.value == MAX:
            return max(values)
        return sum(values) / len(values)

    def winner(self, i: int, j: int) -> Cell:
        """The pixel with the largest value; of several the first, as in PyTorch."""
        return max(self.window(i, j), key=lambda at: self.image[at[0]][at[1]])

    def wins(self) -> dict[Cell, int]:
        """How many windows each pixel wins, of those that win any."""
        count: dict[Cell, int] = {}
        for cell in self._cells():
            at = self.winner(*cell)
            count[at] = count.get(at, 0) + 1
        return count

    def describe(self) -> str:
        """The sizes, the chosen window, and who wins."""
        F, S = self.F.value, self.S.value
        H2, W2 = self.size()
        i, j = divmod(self.cell.value, W2)
        text = (
            f"{self.kind.value.capitalize()} pooling, F = {F}, S = {S}, of {self.H1} × "
            f"{self.W1} numbers: the output is {H2} × {W2}. Output row {i}, column {j} "
            f"{self._sum(i, j)}. {self._remark()}"
        )
        if self.kind.value == MAX:
            wins = ", ".join(
                f"{number(self.image[row][column])} in row {row}, column {column} "
                f"({count})"
                for (row, column), count in sorted(self.wins().items())
            )
            text += f" Winners, and how many windows each wins: {wins}."
        return text

    def draw(self) -> Drawing:
        """Input with windows and winners, output, the chosen window in words."""
        bottom = self.TOP + self.SIDE * self.H1
        picture = Drawing(self.WIDTH, bottom + 74)
        H2, W2 = self.size()
        title = f"input {self.H1} × {self.W1}"
        picture.text(self.LEFT, 16, title, 15, anchor="start", bold=True)
        title = f"{self.kind.value} pooled, {H2} × {W2}"
        picture.text(self._output_x(), 16, title, 15, anchor="start", bold=True)
        self._draw_input(picture)
        for i, j in self._cells():
            text = number(self.output(i, j))
            self._draw_number(picture, self._output_x(), (i, j), text, PALE_BLUE)
        middle = self.TOP + self.SIDE * self.H1 / 2
        end = self._output_x() - 12
        picture.arrow(end - self.GAP + 24, middle, end, middle, DARK_GREY)
        self._draw_legend(picture)
        chosen = divmod(self.cell.value, W2)
        self._draw_choice(picture, chosen, bottom, ORANGE, "")
        picture.text(self.LEFT, bottom + 54, self._remark(), 14, DARK_GREY, "start")
        self._draw_hovers(picture, bottom)
        return picture

    def _cells(self) -> list[Cell]:
        H2, W2 = self.size()
        return [(i, j) for i in range(H2) for j in range(W2)]

    def _output_x(self) -> int:
        return self.LEFT + self.SIDE * self.W1 + self.GAP

    def _sum(self, i: int, j: int) -> str:
        values = [number(v) for v in self.values(i, j)]
        result = number(self.output(i, j))
        if self.kind.value == MAX:
            return f"is the largest of {', '.join(values)}: {result}"
        return f"is ({' + '.join(values)}) / {len(values)} = {result}".replace(
            "+ −", "− "
        )

    def _remark(self) -> str:
        """Do windows overlap, and what do none of them see?"""
        F, S = self.F.value, self.S.value
        H2, W2 = self.size()
        covered = {at for cell in self._cells() for at in self.window(*cell)}
        lost = self.H1 * self.W1 - len(covered)
        overlap = S < F and H2 * W2 > 1
        remark = "Windows overlap. " if overlap else ""
        if not lost:
            return f"{remark}Every number is seen by some window."
        what = "1 number is" if lost == 1 else f"{lost} numbers are"
        return f"{remark}{what} never seen."

    def _draw_input(self, picture: Drawing) -> None:
        F, S, side = self.F.value, self.S.value, self.SIDE
        wins = self.wins() if self.kind.value == MAX else {}
        covered = {at for cell in self._cells() for at in self.window(*cell)}
        for row in range(self.H1):
            for column in range(self.W1):
                at = (row, column)
                fill = PALE_ORANGE if at in wins else WHITE
                fill = fill if at in covered else PALE_GREY
                text = number(self.image[row][column])
                colour = "" if at in covered else DARK_GREY
                self._draw_number(picture, self.LEFT, at, text, fill, colour)
                if wins.get(at, 0) > 1:
                    x, y = self._corner(self.LEFT, at)
                    words = f"×{wins[at]}"
                    picture.text(x + side - 4, y + side - 9, words, 12, anchor="end")
        for i, j in self._cells():
            x, y = self._corner(self.LEFT, (i * S, j * S))
            picture.dot(x + 7, y + 7, 3, BLUE)
            if S >= F:
                extent = F * side - 5
                picture.rect(x + 2.5, y + 2.5, extent, extent, "none", BLUE, 1.5)

    def _corner(self, x: float, at: Cell) -> tuple[float, float]:
        return x + at[1] * self.SIDE, self.TOP + at[0] * self.SIDE

    def _draw_number(
        self,
        picture: Drawing,
        x: float,
        at: Cell,
        text: str,
        fill: str,
        colour: str = "",
    ) -> None:
        left, top = self._corner(x, at)
        side = self.SIDE
        picture.rect(left, top, side, side, fill, GREY)
        middle = (left + side / 2, top + side / 2)
        extra = {"colour": colour} if colour else {}
        picture.text(*middle, text, 17, width=side - 6, **extra)

    def _draw_legend(self, picture: Drawing) -> None:
        x = self._output_x() + self.SIDE * self.W1 + 24
        signs = ["a window starts", "never seen"]
        signs += ["wins (×2: two)"] if self.kind.value == MAX else []
        for k, words in enumerate(signs):
            y = self.TOP + 14 + 34 * k
            if k == 0:
                picture.dot(x + 9, y, 3, BLUE)
            else:
                fill = PALE_GREY if k == 1 else PALE_ORANGE
                picture.rect(x, y - 9, 18, 18, fill, GREY)
            picture.text(x + 27, y, words, 13, DARK_GREY, "start")

    def _draw_choice(
        self, picture: Drawing, cell: Cell, bottom: float, colour: str, dash: str
    ) -> None:
        """Frame an output cell and its window, and say what becomes of it."""
        i, j = cell
        F, S, side = self.F.value, self.S.value, self.SIDE
        more = f'stroke-dasharray="{dash}"' if dash else ""
        x, y = self._corner(self.LEFT, (i * S, j * S))
        picture.rect(x, y, F * side, F * side, "none", colour, 4, more)
        x, y = self._corner(self._output_x(), cell)
        picture.rect(x, y, side, side, "none", colour, 4, more)
        words = f"Output ({i}, {j}) {self._sum(i, j)}"
        picture.text(
            self.LEFT,
            bottom + 26,
            words,
            16,
            anchor="start",
            bold=True,
            width=self.WIDTH - 16,
        )

    def _draw_hovers(self, picture: Drawing, bottom: float) -> None:
        """A hidden frame for each output cell, shown by CSS under the pointer.

        Styles in an SVG reach the whole page; the class is named after the numbers, so
        that it is this explorer's own and yet the same on every machine.
        """
        name = f"pool-{zlib.crc32(repr(self.image).encode()):08x}"
        picture.add(
            f"<style>.{name} .window{{visibility:hidden;pointer-events:none}}"
            f".{name}:hover .window{{visibility:visible}}</style>"
        )
        for cell in self._cells():
            picture.add(f'<g class="{name}">')
            x, y = self._corner(self._output_x(), cell)
            place = (x, y, self.SIDE, self.SIDE)
            picture.rect(*place, more='fill-opacity="0" pointer-events="all"')
            picture.add('<g class="window">')
            picture.rect(0, bottom + 12, picture.width, 28, WHITE)  # the other's words
            self._draw_choice(picture, cell, bottom, BLUE, "7 3")
            picture.add("</g></g>")


def pool_explorer(image: Grid) -> Explorer:
    """Choose window and stride, and see what pooling keeps. Lesson 05.

    To find out: with S = F the windows lie side by side, with S < F they overlap and a
    large number wins several of them; where the last step does not fit, no window sees
    the last numbers; the average hears everybody, the maximum only one.

    Args:
        image: (H, W) small, 2 to 7 rows and columns.
    """
    return PoolExplorer(image)


def _example() -> Explorer:
    numbers = [
        [1, 4, 2, 1, 0, 3, 2],
        [5, 8, 3, 4, 1, 0, 1],
        [7, 6, 4, 5, 2, 9, 3],
        [1, 3, 1, 2, 6, 1, 0],
        [0, 2, 7, 1, 3, 2, 4],
        [3, 1, 0, 5, 2, 8, 1],
    ]
    return pool_explorer(numbers)


EXAMPLES = {"pool_explorer": _example}
