"""Which inputs reach an output? Dots in rows, and an explorer of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ipywidgets

from helpers.convolution import output_size, receptive_field
from helpers.drawing import BLACK, GREY, ORANGE, WHITE, Drawing
from helpers.explorers import Explorer, slider

Link = tuple[int, int]  # the lower end and the upper end, counted from 0 in their rows

_PALE_LINE, _LIT_LINE = "#cfcfcf", "#b06f00"


def windows(W2: int, F: int, S: int = 1, P: int = 0, W1: int = 0) -> list[Link]:
    """The links of a 1D convolution: output i is tied to the F inputs of its window.

    Args:
        W2: number of outputs.
        F: extent of the kernel.
        S: stride.
        P: padding on each side; it has no dots, so no links.
        W1: number of inputs; needed with padding only.
    """
    links = [(S * i + k - P, i) for i in range(W2) for k in range(F)]
    return [(x, i) for x, i in links if x >= 0 and (not W1 or x < W1)]


def reaching(links: Sequence[Sequence[Link]], unit: int) -> list[set[int]]:
    """The dots of each row, input first, that reach one dot of the top row."""
    lit = [{unit}]
    for layer in reversed(links):
        lit.insert(0, {below for below, above in layer if above in lit[0]})
    return lit


def draw_layers(
    rows: Sequence[Sequence[str]],
    links: Sequence[Sequence[Link]],
    unit: int,
    width: float = 800,
    gap: float = 84,
) -> Drawing:
    """Draw layers of named dots; what reaches one dot of the top row is lit.

    Args:
        rows: names of each layer's dots, the input first: it is drawn at the bottom.
        links: between each row and the next.
        unit: the chosen dot of the top row.
        width: of the picture, in pixels.
        gap: from row to row.
    """
    radius = min(20.0, 0.36 * width / max(map(len, rows)))
    picture = Drawing(width, gap * (len(rows) - 1) + 2 * radius + 8)
    places = []
    for k, names in enumerate(rows):
        pitch, y = width / len(names), picture.height - radius - 4 - gap * k
        places.append([(pitch * (i + 0.5), y) for i in range(len(names))])
    _draw(picture, places, links, reaching(links, unit), radius, rows)
    return picture


def _draw(
    picture: Drawing,
    places: Sequence[Sequence[tuple[float, float]]],
    links: Sequence[Sequence[Link]],
    lit: Sequence[set[int]],
    radius: float,
    names: Sequence[Sequence[str]] = (),
) -> None:
    """Links first, the lit ones on top; then the dots, lit ones larger and outlined."""
    for bright in (False, True):
        ends = [
            (places[k][below], places[k + 1][above])
            for k, layer in enumerate(links)
            for below, above in layer
            if (above in lit[k + 1]) == bright
        ]
        _lines(picture, ends, bright)
    for k, row in enumerate(places):
        for i, (x, y) in enumerate(row):
            fill, line = (ORANGE, BLACK) if i in lit[k] else (WHITE, GREY)
            size = radius if names or i in lit[k] else 0.7 * radius
            _dot(picture, x, y, size, fill, line)
            if names:
                picture.text(x, y, names[k][i], 0.8 * radius)


def _lines(
    picture: Drawing,
    ends: Iterable[tuple[tuple[float, float], tuple[float, float]]],
    bright: bool,
) -> None:
    path = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for (a, b), (c, d) in ends)
    colour, width = (_LIT_LINE, 2) if bright else (_PALE_LINE, 1)
    picture.add(
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
    )


def _dot(
    picture: Drawing, x: float, y: float, radius: float, fill: str, stroke: str
) -> None:
    picture.add(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="1.5"/>'
    )


class FieldExplorer(Explorer):
    """See `field_explorer`."""

    WIDTH, HEIGHT = 846, 424
    W1, DEEPEST = 31, 5
    LEFT, PITCH, BOTTOM, ROOM = 118, 23.5, 406, 320

    def __init__(self, depth: int, F: int, S: int) -> None:
        self.depth = slider("layers", depth, 1, self.DEEPEST, text_width="52px")
        self.F = slider("kernel F", F, 1, 5, text_width="60px")
        self.S = slider("stride S", S, 1, 3, text_width="60px")
        self.output = slider("output", 1, 1, self.W1, text_width="52px")
        controls = [self.depth, self.F, self.S, self.output]
        self.output.value = (self.widths()[-1] + 1) // 2
        super().__init__([ipywidgets.HBox(controls)], controls)

    def widths(self) -> list[int]:
        """Number of values in the input and in each layer for which a kernel fits."""
        widths = [self.W1]
        for _ in range(self.depth.value):
            if widths[-1] < self.F.value:
                break
            widths.append(output_size(widths[-1], self.F.value, 0, self.S.value))
        return widths

    def field(self) -> int:
        """Input pixels along the receptive field of one output."""
        return receptive_field(self._layers())

    def lit(self) -> list[set[int]]:
        """The values of each row, input first, that reach the chosen output."""
        return reaching(self._links(), self.output.value - 1)

    def redraw(self) -> None:
        """As for any explorer, after leaving an output that no longer exists."""
        quiet, self._quiet = self._quiet, True
        self.output.max = self.widths()[-1]  # the slider moves its value into range
        self._quiet = quiet
        super().redraw()

    def describe(self) -> str:
        """The receptive field as a number, and the inputs that it covers."""
        layers, F, S = len(self.widths()) - 1, self.F.value, self.S.value
        return (
            f"{layers} layer{'s' * (layers > 1)}, F = {F}, S = {S}: the receptive "
            f"field is {self.field()} of {self.W1} inputs. {self._formula()}. "
            f"{' '.join(self._remarks())}"
        )

    def draw(self) -> Drawing:
        """The formula, and the layers, each value above the middle of what it sees."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        picture.text(12, 14, self._formula(), 17, anchor="start", bold=True)
        for k, remark in enumerate(self._remarks()):
            picture.text(12, 38 + 20 * k, remark, 14.5, anchor="start")
        places, start, step = [], 0.0, 1
        for k, width in enumerate(self.widths()):
            y = self.BOTTOM - k * self.ROOM / (len(self.widths()) - 1)
            at = [self.LEFT + self.PITCH * (start + step * i) for i in range(width)]
            places.append([(x, y) for x in at])
            name = f"layer {k}: {width}" if k else f"input: {width}"
            picture.text(12, y, name, 14, anchor="start")
            start += step * (self.F.value - 1) / 2
            step *= self.S.value
        _draw(picture, places, self._links(), self.lit(), 9)
        return picture

    def _layers(self) -> list[tuple[int, int]]:
        return [(self.F.value, self.S.value)] * (len(self.widths()) - 1)

    def _links(self) -> list[list[Link]]:
        return [windows(w, self.F.value, self.S.value) for w in self.widths()[1:]]

    def _formula(self) -> str:
        steps = [self.S.value**k for k in range(len(self._layers()))]
        terms = "".join(f" + {self.F.value - 1}·{step}" for step in steps)
        return f"receptive field = 1{terms} = {self.field()}"

    def _remarks(self) -> list[str]:
        """What the chosen output sees; whether all layers fit."""
        layers, seen = len(self._layers()), sorted(self.lit()[0])
        which = f"inputs {seen[0] + 1} to {seen[-1] + 1}"
        if len(seen) == 1:
            which = f"input {seen[0] + 1}"
        missed = seen[-1] - seen[0] + 1 - len(seen)
        if missed:
            falls = "falls" if missed == 1 else "fall"
            which += f", except {missed} of them, which {falls} between windows"
        remarks = [f"Output {self.output.value} of layer {layers} sees {which}."]
        if layers < self.depth.value:
            left = self.widths()[-1]
            remarks.append(
                f"Layer {layers + 1} does not fit: {left} value{'s' * (left > 1)} left "
                f"for a kernel of {self.F.value}."
            )
        return remarks


def field_explorer(depth: int = 2, F: int = 3, S: int = 1) -> Explorer:
    """Stack 1D layers, and see what one output sees of 31 inputs. Lesson 04.

    To find out: each layer widens the receptive field by F − 1 steps; a stride makes
    the steps of all later layers longer, so the field grows much faster; with F = 1 it
    does not grow at all; with a stride above F some inputs are seen by no output.

    Args:
        depth: number of layers, 1 to 5.
        F: extent of every kernel, 1 to 5.
        S: stride of every layer, 1 to 3.
    """
    return FieldExplorer(depth, F, S)


EXAMPLES = {"field_explorer": field_explorer}
