"""Which layers hold the parameters, and which do the work?"""

from __future__ import annotations

import html
from collections.abc import Mapping

import ipywidgets
import torch

from helpers.counting import Layer, LayerTable, layer_table
from helpers.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, Drawing
from helpers.explorers import DARK_GREY, Explorer, slider
from helpers.networks import alexnet, lenet5

QUANTITIES = ("parameters", "multiply-adds", "activations")
KINDS = ("convolutions", "dense layers", "others")
_COLOURS = dict(zip(KINDS, (BLUE, GREEN, GREY)))
_LEAST_PITCH = 11  # of bars whose names can be read


class CostExplorer(Explorer):
    """See `cost_explorer`."""

    WIDTH, HEIGHT = 846, 400
    LEFT, TOP, BOTTOM = 10, 96, 300  # of the bars
    WIDEST = 103  # of a bar with the gap beside it

    def __init__(self, tables: Mapping[str, LayerTable]) -> None:
        if not tables:
            raise ValueError("tables should name one network or more")
        for name, table in tables.items():
            for quantity in QUANTITIES:
                if not _of(table, quantity):
                    raise ValueError(f"{name} has no {quantity}: nothing to compare")
        self.tables = dict(tables)
        self.network = _choice("network", list(tables), "70px", "310px")
        self.quantity = _choice("quantity", list(QUANTITIES), "70px", "230px")
        self.layer = slider("layer", 1, 1, 1, "290px", "50px")
        self._names: list[str] = []
        controls = [self.network, self.quantity, self.layer]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def table(self) -> LayerTable:
        """The chosen network's."""
        return self.tables[self.network.value]

    def rows(self) -> list[Layer]:
        """Its layers that have any of the chosen quantity."""
        return [row for row in self.table().rows if _of(row, self.quantity.value)]

    def share(self, row: Layer) -> float:
        """What part of the network's quantity a layer has, in %."""
        return 100 * _of(row, self.quantity.value) / self.total()

    def total(self) -> int:
        """The chosen quantity of the whole network."""
        return _of(self.table(), self.quantity.value)

    def shares(self) -> dict[str, float]:
        """The shares of convolutions, dense layers and others; no empty kinds."""
        sums = dict.fromkeys(KINDS, 0.0)
        for row in self.rows():
            sums[_kind(row)] += self.share(row)
        return {kind: share for kind, share in sums.items() if share}

    def chosen(self) -> Layer:
        """The layer that the slider stands on."""
        return self.rows()[self.layer.value - 1]

    def redraw(self) -> None:
        """As for any explorer; the slider keeps its layer where there still is one."""
        names = [row.name for row in self.rows()]
        quiet, self._quiet = self._quiet, True
        before = self._names[self.layer.value - 1] if self._names else None
        self.layer.max = len(names)  # the slider moves its value into range
        if names != self._names and before in names:
            self.layer.value = names.index(before) + 1
        self._names = names
        self._quiet = quiet
        super().redraw()

    def describe(self) -> str:
        """The total, the shares of all kinds and layers, and the chosen layer."""
        layers = ", ".join(
            f"{row.name} {_percent(self.share(row))}" for row in self.rows()
        )
        return (
            f"{self._title()}. {self._summary()}. Layer by layer: {layers}. "
            f"{self._chosen_in_words()}."
        )

    def draw(self) -> Drawing:
        """The total, a bar for each layer, and the chosen layer in words."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        picture.text(self.LEFT, 14, self._title(), 17, anchor="start", bold=True)
        x = self.LEFT
        for kind, share in self.shares().items():
            words = f"{kind} {_percent(share)}"
            picture.rect(x, 34, 16, 16, _COLOURS[kind])
            picture.text(x + 23, 42, words, 14.5, anchor="start")
            x += 60 + 9 * len(words)
        rows = self.rows()
        pitch = min(self.WIDEST, (self.WIDTH - 2 * self.LEFT) / len(rows))
        self._draw_bars(picture, rows, pitch)
        ground = [(self.LEFT, self.BOTTOM), (self.WIDTH - self.LEFT, self.BOTTOM)]
        picture.line(ground, BLACK, 1)
        words = self._chosen_in_words()
        room = self.WIDTH - 2 * self.LEFT
        picture.text(
            self.LEFT,
            self.HEIGHT - 16,
            words,
            15.5,
            anchor="start",
            bold=True,
            width=room,
        )
        return picture

    def _draw_bars(self, picture: Drawing, rows: list[Layer], pitch: float) -> None:
        most = max(map(self.share, rows))
        names = [_short(row.name) for row in rows]
        upright = 7.6 * max(map(len, names)) < pitch
        for k, (row, name) in enumerate(zip(rows, names)):
            x, middle = self.LEFT + k * pitch, self.LEFT + (k + 0.5) * pitch
            height = (self.BOTTOM - self.TOP) * self.share(row) / most
            width = pitch - min(14, 0.25 * pitch)
            left, top = middle - width / 2, self.BOTTOM - height
            if k == self.layer.value - 1:
                named = not upright and pitch >= _LEAST_PITCH
                height_of_all = 350 - self.TOP + 48 * named
                picture.rect(x, self.TOP - 34, pitch, height_of_all, "none", ORANGE, 3)
            picture.rect(left, top, width, height, _COLOURS[_kind(row)])
            if upright:
                picture.text(middle, top - 10, _percent(self.share(row)), 13)
                picture.text(middle, self.BOTTOM + 14, name, 13)
            elif pitch >= _LEAST_PITCH:
                share = _percent(self.share(row), unit="")
                size = min(13, pitch - 1)
                _turned(picture, middle, top - 6, share, size, "start")
                _turned(picture, middle, self.BOTTOM + 6, name, size, "end")

    def _title(self) -> str:
        total, quantity = _grouped(self.total()), self.quantity.value
        return f"{self.network.value}: {total} {quantity}"

    def _summary(self) -> str:
        parts = [f"{kind} {_percent(v)}" for kind, v in self.shares().items()]
        return f"Of these: {', '.join(parts)}"

    def _chosen_in_words(self) -> str:
        row = self.chosen()
        size = "×".join(map(str, row.output))
        return (
            f"{row.name} ({row.type}) → {size}: {_grouped(row.weights)} weights, "
            f"{_grouped(row.biases)} biases, {_grouped(row.multiply_adds)} "
            f"multiply-adds, {_grouped(row.activations)} activations"
        )


def cost_explorer(tables: Mapping[str, LayerTable]) -> Explorer:
    """Compare networks layer by layer: parameters, work, memory. Lesson 07.

    A bar for each layer that has any of the chosen quantity, with its share of the
    network in %.

    To find out: parameters sit in the dense layers, work in the convolutions, and most
    activations are put out by the first few layers.

    Args:
        tables: name of a network → `helpers.counting.layer_table` of it.

    Raises:
        ValueError: without a table, or for one that has nothing to compare.
    """
    return CostExplorer(tables)


def _choice(text: str, options: list[str], words: str, width: str):
    return ipywidgets.Dropdown(
        options=options,
        description=text,
        style={"description_width": words},
        layout={"width": width},
    )


def _of(counted: Layer | LayerTable, quantity: str) -> int:
    return getattr(counted, quantity.replace("-", "_"))


def _kind(row: Layer) -> str:
    if "Conv" in row.type:
        return KINDS[0]
    return KINDS[1] if row.type.endswith("Linear") else KINDS[2]


def _percent(share: float, unit: str = " %") -> str:
    return f"{share:.1f}{unit}" if share >= 0.05 else f"<0.1{unit}"


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")  # a narrow no-break space


def _short(name: str) -> str:
    return name if len(name) <= 10 else f"…{name[-9:]}"


def _turned(
    picture: Drawing, x: float, y: float, text: str, size: float, anchor: str
) -> None:
    """Write upwards."""
    picture.add(
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" fill="{DARK_GREY}" '
        f'text-anchor="{anchor}" dominant-baseline="central" '
        f'transform="rotate(-90 {x:.1f} {y:.1f})">{html.escape(text)}</text>'
    )


def _example() -> Explorer:
    with torch.device("meta"):  # shapes only
        tables = {
            "AlexNet, as lectured": layer_table(alexnet("lectured"), (3, 227, 227)),
            "LeNet-5": layer_table(lenet5(), (1, 32, 32)),
        }
    return cost_explorer(tables)


EXAMPLES = {"cost_explorer": _example}
