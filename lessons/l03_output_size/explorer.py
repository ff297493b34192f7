"""How large is the output?"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from helpers.convolution import output_size
from helpers.drawing import BLUE, GREY, ORANGE, PALE_BLUE, PALE_GREY, RED, Drawing
from helpers.explorers import DARK_GREY, Explorer, number, slider


class SizeExplorer(Explorer):
    """See `size_explorer`."""

    WIDTH, HEIGHT, AREA = 846, 428, 324
    LEFT, RIGHT, TOP = 12, 498, 94  # corners of the two areas, wide and high as AREA
    PADDING = 3  # the most there can be: the input's first pixel keeps its place

    def __init__(self, W1: int, F: int, P: int, S: int) -> None:
        self.W1 = slider("width W1", W1, 1, 12)
        self.F = slider("kernel F", F, 1, 7)
        self.P = slider("padding P", P, 0, self.PADDING)
        self.S = slider("stride S", S, 1, 4)
        controls = [self.W1, self.F, self.P, self.S]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def quantities(self) -> tuple[int, int, int, int]:
        """W1, F, P and S."""
        return self.W1.value, self.F.value, self.P.value, self.S.value

    def width(self) -> int | None:
        """The output's width W2; None when the kernel does not fit."""
        W1, F, P, S = self.quantities()
        return output_size(W1, F, P, S) if F <= W1 + 2 * P else None

    @property
    def side(self) -> int:
        """Pixels of a cell: larger where an area has room for 12 × 12 of them."""
        few = self.PADDING + self.W1.value + self.P.value <= 12
        return self.AREA // (12 if few else 18)

    def describe(self) -> str:
        """The four quantities, the output's width and what is never used."""
        W1, F, P, S = self.quantities()
        W2 = self.width()
        start = f"W1 = {W1}, F = {F}, P = {P}, S = {S}: "
        if W2 is None:
            return f"{start}no output. {self._formula()}. {' '.join(self._remarks())}"
        return (
            f"{start}the output is {W2} × {W2}. {self._formula()}. "
            f"{' '.join(self._remarks())}"
        )

    def _formula(self) -> str:
        W1, F, P, S = self.quantities()
        W2 = (W1 - F + 2 * P) // S + 1
        result = number(W2) if W2 > 0 else f"{number(W2)}, so none"
        numbers = f"⌊({W1} − {F} + 2·{P}) / {S}⌋ + 1"
        return f"W2 = ⌊(W1 − F + 2P) / S⌋ + 1 = {numbers} = {result}"

    def _remarks(self) -> list[str]:
        """Up to two sentences: does the kernel fit, does the stride divide."""
        W1, F, P, S = self.quantities()
        W2, way = self.width(), W1 - F + 2 * P
        if W2 is None:
            return [
                f"The kernel does not fit: F = {F}, but W1 + 2P = {W1 + 2 * P}.",
                "Make F smaller, or W1 or P larger.",
            ]
        end = "the last position ends at the edge"
        rest = way % S
        if rest:
            last = "column (and row) is" if rest == 1 else f"{_lines(rest)} are"
            end = f"the last {last} never used{_of_padding(rest, P)}"
        divides = "does not divide" if rest else "divides"
        remarks = [f"S = {S} {divides} {W1} − {F} + 2·{P} = {way}: {end}."]
        if S > F and W2 > 1:
            remarks.append(f"S is larger than F: each step skips {_lines(S - F)}.")
        return remarks

    def reached(self) -> list[bool]:
        """For each of the W1 + 2P columns, whether some window covers it."""
        W1, F, P, S = self.quantities()
        starts = [S * k for k in range(self.width() or 0)]
        return [any(s <= c < s + F for s in starts) for c in range(W1 + 2 * P)]

    def draw(self) -> Drawing:
        """Formula, input with its kernel positions, output, and a legend."""
        W1, _, P, _ = self.quantities()
        W2 = self.width()
        picture = Drawing(self.WIDTH, self.HEIGHT)
        picture.text(self.LEFT, 14, self._formula(), 17, anchor="start", bold=True)
        for k, remark in enumerate(self._remarks()):
            picture.text(self.LEFT, 38 + 20 * k, remark, 14.5, anchor="start")
        padded = f", with padding {W1 + 2 * P} × {W1 + 2 * P}" if P else ""
        title = f"input {W1} × {W1}{padded}"
        picture.text(self.LEFT, 82, title, 14, anchor="start", bold=True)
        output = f"output {W2} × {W2}" if W2 else "no output"
        picture.text(self.RIGHT, 82, output, 14, anchor="start", bold=True)
        for x in (self.LEFT, self.RIGHT):
            area = self.AREA + 8
            picture.rect(x - 4, self.TOP - 4, area, area, "#f6f6f6")
        self._draw_input(picture)
        self._draw_output(picture)
        self._draw_legend(picture, (self.LEFT + self.AREA + self.RIGHT) / 2)
        return picture

    def _draw_input(self, picture: Drawing) -> None:
        W1, F, P, S = self.quantities()
        W2, side, reached = self.width(), self.side, self.reached()
        x0 = self.LEFT + (self.PADDING - P) * side
        y0 = self.TOP + (self.PADDING - P) * side
        unused = []
        for i in range(W1 + 2 * P):
            for j in range(W1 + 2 * P):
                x, y = x0 + j * side, y0 + i * side
                inside = P <= i < P + W1 and P <= j < P + W1
                _draw_pixel(picture, x, y, side, inside)
                if W2 is not None and not (reached[i] and reached[j]):
                    unused.append((x, y))
        _draw_stripes(picture, unused, side)
        for i in range(W2 or 0):
            for j in range(W2 or 0):
                x = x0 + (j * S + F / 2) * side
                picture.dot(x, y0 + (i * S + F / 2) * side, side / 7, BLUE)
        frame = (x0, y0, F * side, F * side, "none")
        if W2 is None:
            picture.rect(*frame, RED, 4, 'stroke-dasharray="8 5"')
        else:
            picture.rect(*frame, ORANGE, 4)

    def _draw_output(self, picture: Drawing) -> None:
        W2, side = self.width(), self.side
        for i in range(W2 or 0):
            for j in range(W2 or 0):
                x, y = self.RIGHT + j * side, self.TOP + i * side
                picture.cell(x, y, side, "", PALE_BLUE)
        if W2 is not None:
            picture.rect(self.RIGHT, self.TOP, side, side, "none", ORANGE, 4)

    def _draw_legend(self, picture: Drawing, middle: float) -> None:
        """What the signs mean, between the two areas, each above its words."""
        side = self.AREA // 18
        signs = ("first position", "all positions", "padding", "never used")
        for k, words in enumerate(signs):
            x, y = middle - side / 2, 150 + 60 * k
            if k == 0:
                picture.rect(x, y, side, side, "none", ORANGE, 4)
            elif k == 1:
                picture.dot(middle, y + side / 2, 2.5, BLUE)
            else:
                _draw_pixel(picture, x, y, side, inside=k == 3)
            if k == 3:
                _draw_stripes(picture, [(x, y)], side)
            picture.text(middle, y + side + 13, words, 13, DARK_GREY)


def size_explorer(W1: int = 7, F: int = 3, P: int = 0, S: int = 1) -> Explorer:
    """Change input, kernel, padding and stride, and count the output. Lesson 03.

    To find out: W2 counts the positions of the kernel; P = (F − 1) / 2 keeps the size
    at stride 1; where the last step does not fit, no output sees the last columns;
    a kernel larger than the padded input has no position at all.

    Args:
        W1: width and height of the input, 1 to 12 pixels.
        F: extent of the kernel, 1 to 7.
        P: zeros on each side, 0 to 3.
        S: stride, 1 to 4.
    """
    return SizeExplorer(W1, F, P, S)


def _draw_pixel(
    picture: Drawing, x: float, y: float, side: float, inside: bool
) -> None:
    """One cell of the input: a pixel, or a zero of the padding."""
    if inside:
        picture.cell(x, y, side)
    else:
        place = (x + 1, y + 1, side - 2, side - 2)
        picture.rect(*place, PALE_GREY, GREY, 1, 'stroke-dasharray="2 2"')


def _draw_stripes(
    picture: Drawing, cells: Sequence[tuple[float, float]], side: float
) -> None:
    # Lines, not an SVG pattern: its name would be the page's, and a hidden picture that
    # holds it would hide the stripes of all.
    third = round(side / 3)
    strokes = (  # from the left or lower edge up to the upper or right one
        (0, third, third),
        (0, 2 * third, 2 * third),
        (0, side, side),
        (third, side, side - third),
        (2 * third, side, side - 2 * third),
    )
    path = "".join(
        f"M{x + right} {y + down}l{length} {-length}"
        for x, y in cells
        for right, down, length in strokes
    )
    picture.add(f'<path d="{path}" stroke="{DARK_GREY}" stroke-width="1"/>')


def _lines(count: int) -> str:
    return "1 column (and row)" if count == 1 else f"{count} columns (and rows)"


def _of_padding(rest: int, P: int) -> str:
    """How many of the columns never used are padding."""
    lost = min(rest, P)
    if not lost:
        return ""
    return " (padding only)" if lost == rest else f" ({lost} of padding)"


EXAMPLES = {"size_explorer": size_explorer}
