"""Which numbers of a block (N, C, H, W) share a mean?"""

from __future__ import annotations

import itertools
import math

import ipywidgets
import torch
from torch import Tensor

from helpers.drawing import (
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    WHITE,
    Drawing,
)
from helpers.explorers import (
    DARK_GREY,
    OWN,
    Presets,
    dropdown,
    fixed,
    number,
    slider,
)

AXES = ("N", "C", "H", "W")
KINDS = {  # which axes are averaged over, and into how many groups the channels go
    "batch norm": (True, False, True, True, 1),
    "layer norm": (False, True, True, True, 1),
    "instance norm": (False, False, True, True, 1),
    "group norm": (False, True, True, True, 2),
}
Place = tuple[int, int, int, int]

_TINTS = (PALE_BLUE, PALE_GREEN, WHITE, "#ece3f1")
_MOST_ROWS, _MOST_COLUMNS = 8, 8  # of cells, in all images or channels together


class NormExplorer(Presets):
    """See `norm_explorer`."""

    WIDTH, LEFT, TOP, ROOM, GAP = 846, 68, 106, 346, 48

    def __init__(self, block: Tensor, kind: str) -> None:
        self.block = torch.as_tensor(block, dtype=torch.float64, device="cpu")
        if self.block.ndim != 4 or 0 in self.block.shape:
            raise ValueError(f"a block is (N, C, H, W), not {tuple(self.block.shape)}")
        N, C, H, W = self.shape = tuple(self.block.shape)
        if N * H > _MOST_ROWS or C * W > _MOST_COLUMNS:
            raise ValueError(
                f"the block should have up to {_MOST_ROWS} rows (N·H) and "
                f"{_MOST_COLUMNS} columns (C·W), not {N * H} and {C * W}"
            )
        self.axes = [
            ipywidgets.Checkbox(
                value=KINDS[kind][k],
                description=f"over {name}",
                indent=False,
                layout={"width": "82px"},
            )
            for k, name in enumerate(AXES)
        ]
        self.groups = ipywidgets.Dropdown(
            options=[g for g in range(1, C + 1) if C % g == 0],
            value=KINDS[kind][4] if C % KINDS[kind][4] == 0 else 1,
            description="groups of channels",
            style={"description_width": "130px"},
            layout={"width": "190px"},
        )
        kinds = {name: v for name, v in KINDS.items() if C % v[4] == 0}
        self.kind = dropdown("mean of", kinds, kind)
        self.group = slider("group", 0, 0, 0, "240px", "50px")
        rows = [
            ipywidgets.HBox([self.kind, self.group]),
            ipywidgets.HBox([*self.axes, self.groups]),
        ]
        super().__init__(rows, kinds, self.kind, [*self.axes, self.groups])
        self.group.observe(self._changed, "value")

    def values(self) -> list[float]:
        """The ticks, and the number of groups: 1 where channels are not averaged."""
        ticks = [box.value for box in self.axes]
        return [*ticks, self.groups.value if ticks[1] else 1]

    def mean_shape(self) -> Place:
        """Shape of the means: 1 for an averaged axis, the groups for the channels."""
        *ticks, groups = self.values()
        shape = [1 if tick else size for tick, size in zip(ticks, self.shape)]
        shape[1] = groups if ticks[1] else self.shape[1]
        return tuple(shape)

    def members(self) -> list[list[Place]]:
        """The places of each group, those that share a mean, in order."""
        groups: list[list[Place]] = [[] for _ in range(math.prod(self.mean_shape()))]
        for place in self._places():
            groups[self._group_of(place)].append(place)
        return groups

    def means(self) -> list[tuple[float, float]]:
        """Mean and standard deviation of each group."""
        return [self._mean(group) for group in self.members()]

    def normalised(self) -> Tensor:
        """(N, C, H, W) (x − mean) / standard deviation; 0 where that is 0."""
        out, means = torch.zeros_like(self.block), self.means()
        for place in self._places():
            mean, deviation = means[self._group_of(place)]
            if deviation:
                out[place] = (self.block[place] - mean) / deviation
        return out

    def needs_running_averages(self) -> bool:
        """Whether a mean mixes images, so that it depends on the batch."""
        return self.axes[0].value

    def redraw(self) -> None:
        """Let the slider reach as many groups as there are now, then draw."""
        quiet, self._quiet = self._quiet, True
        self.group.max = math.prod(self.mean_shape()) - 1
        self.groups.disabled = not self.axes[1].value
        self._quiet = quiet
        super().redraw()

    def describe(self) -> str:
        """How many means of how many numbers; the chosen group and its mean."""
        return (
            f"{self._title()}. Block {self._written(self.shape)}. {self._remark()} "
            f"{self._sum()} {self._example()}"
        )

    def draw(self) -> Drawing:
        """The block and the normalised block, each an N × C grid of small maps."""
        N, _, H, _ = self.shape
        side = self._side()
        bottom = self.TOP + N * (H * side + 8)
        picture = Drawing(self.WIDTH, bottom + 62)
        picture.text(
            12, 14, self._title(), 17, anchor="start", bold=True, width=self.WIDTH - 24
        )
        picture.text(12, 40, self._remark(), 14.5, anchor="start")
        right = self.LEFT + self.ROOM + self.GAP
        titles = (f"x, {self._written(self.shape)}", "(x − mean) / deviation")
        shown = (self.block.tolist(), self.normalised().tolist())
        for x, title, values, digits in zip(
            (self.LEFT, right), titles, shown, (None, 1)
        ):
            picture.text(x, 68, title, 14, anchor="start", bold=True)
            self._draw_block(picture, x, values, digits)
        for n in range(N):
            y = self.TOP + n * (H * side + 8) + H * side / 2
            picture.text(12, y, f"image {n}", 14, DARK_GREY, "start")
        middle = self.TOP + N * (H * side + 8) / 2 - 4
        end = right - 12
        start = self.LEFT + self._width() + 12
        picture.arrow(max(start, end - 34), middle, end, middle, DARK_GREY)
        picture.text(
            12,
            bottom + 14,
            self._sum(),
            15,
            anchor="start",
            bold=True,
            width=self.WIDTH - 24,
        )
        picture.text(12, bottom + 40, self._example(), 14.5, anchor="start")
        return picture

    def _places(self) -> itertools.product:
        return itertools.product(*map(range, self.shape))

    def _group_of(self, place: Place) -> int:
        index, shape = 0, self.mean_shape()
        for axis, (at, size) in enumerate(zip(place, shape)):
            if axis == 1:
                at = at * size // self.shape[1]
            index = index * size + (at if size > 1 else 0)
        return index

    def _mean(self, group: list[Place]) -> tuple[float, float]:
        values = [self.block[place].item() for place in group]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        return mean, math.sqrt(variance)

    def _title(self) -> str:
        *ticks, groups = self.values()
        over = [name for name, tick in zip(AXES, ticks) if tick]
        if ticks[1] and groups > 1:
            over[over.index("C")] = f"C in {groups} groups"
        name = self.kind.value
        name = "Your own" if name == OWN else name.capitalize()
        means = math.prod(self.mean_shape())
        each = math.prod(self.shape) // means
        return (
            f"{name}: over {', '.join(over) or 'nothing'}: {means} "
            f"mean{'s' * (means > 1)} of {each} number{'s' * (each > 1)} each, "
            f"shape {self._written(self.mean_shape())}"
        )

    @staticmethod
    def _written(shape: Place) -> str:
        return f"({', '.join(map(str, shape))})"

    def _remark(self) -> str:
        if math.prod(self.mean_shape()) == math.prod(self.shape):
            return "Each number is its own mean, and becomes 0: nothing is left."
        if self.needs_running_averages():
            return (
                "Each mean mixes images, so running averages must stand in for the "
                "batch at test time."
            )
        return "Each image is normalised by itself: no running averages needed."

    def _sum(self) -> str:
        """The highlighted group, its numbers (a few of them) and its mean."""
        index = self.group.value
        group = self.members()[index]
        values = [number(self.block[place].item()) for place in group]
        many = values if len(values) <= 12 else [*values[:10], "…", values[-1]]
        mean, deviation = self._mean(group)
        return (
            f"Group {index}: ({' + '.join(many)}) / {len(values)} = {number(mean)}, "
            f"deviation {number(deviation)}."
        ).replace("+ −", "− ")

    def _example(self) -> str:
        place = self.members()[self.group.value][0]
        mean, deviation = self._mean(self.members()[self.group.value])
        value = number(self.block[place].item())
        if not deviation:
            return f"Its deviation is 0: {value} − {number(mean)} stays 0."
        result = fixed((self.block[place].item() - mean) / deviation, 2)
        return (
            f"Its first number: ({value} − {number(mean)}) / {number(deviation)} = "
            f"{result}."
        ).replace("− −", "+ ")

    def _side(self) -> float:
        """Of a cell: both blocks as large as fits."""
        N, C, H, W = self.shape
        return min(38.0, (self.ROOM - 8 * C) / (C * W), (290 - 8 * N) / (N * H))

    def _width(self) -> float:
        return self.shape[1] * (self.shape[3] * self._side() + 8)

    def _corner(self, x: float, place: Place) -> tuple[float, float]:
        n, c, h, w = place
        _, _, H, W = self.shape
        side = self._side()
        return (
            x + c * (W * side + 8) + w * side,
            self.TOP + n * (H * side + 8) + h * side,
        )

    def _draw_block(
        self, picture: Drawing, x: float, values: list, digits: int | None
    ) -> None:
        side, chosen = self._side(), self.group.value
        step = self.shape[3] * side + 8
        for c in range(self.shape[1]):
            at = x + c * step + self.shape[3] * side / 2
            picture.text(at, self.TOP - 13.5, f"channel {c}", 12, DARK_GREY)
        lit = []
        for place in self._places():
            n, c, h, w = place
            group = self._group_of(place)
            left, top = self._corner(x, place)
            fill = PALE_ORANGE if group == chosen else self._tint(place)
            picture.rect(left, top, side, side, fill, GREY)
            value = values[n][c][h][w]
            text = number(value) if digits is None else fixed(value, digits)
            size = 15 if digits is None else 13.5
            middle = (left + side / 2, top + side / 2)
            picture.text(*middle, text, size, width=side - 4)
            if group == chosen:
                lit.append((place, left, top))
        members = {place for place, _, _ in lit}
        for place, left, top in lit:  # a line where the group ends
            self._draw_border(picture, place, (left, top), members)

    def _tint(self, place: Place) -> str:
        """A colour for each group, different from its neighbours'."""
        n, c, h, w = place
        shape = self.mean_shape()
        g = c * shape[1] // self.shape[1]
        steps = zip((n, g, h, w), shape, (1, 1, 2, 1))
        return _TINTS[sum(at * step for at, size, step in steps if size > 1) % 4]

    def _draw_border(
        self,
        picture: Drawing,
        place: Place,
        corner: tuple[float, float],
        members: set[Place],
    ) -> None:
        n, c, h, w = place
        x, y = corner
        side = self._side()
        edges = {
            (n, c, h - 1, w): [(x, y), (x + side, y)],
            (n, c, h + 1, w): [(x, y + side), (x + side, y + side)],
            (n, c, h, w - 1): [(x, y), (x, y + side)],
            (n, c, h, w + 1): [(x + side, y), (x + side, y + side)],
        }
        for neighbour, line in edges.items():
            if neighbour not in members:
                picture.line(line, ORANGE, 3.5)


_BLOCK = torch.tensor(
    [
        [[3, 1, 2, 2], [12, 9, 10, 13], [5, 0, 4, 7], [0, 1, 1, 0]],
        [[4, 6, 5, 5], [15, 12, 14, 11], [9, 6, 3, 6], [2, 1, 3, 2]],
        [[1, 0, 2, 1], [8, 9, 6, 9], [2, 4, 0, 2], [1, 0, 0, 1]],
    ]
).view(3, 4, 2, 2)


def norm_explorer(block: Tensor | None = None, kind: str = "batch norm") -> Presets:
    """Choose what is averaged over, and see which numbers share a mean. Lesson 10.

    To find out: batch norm leaves a mean for each channel, layer norm one for each
    image, instance norm one for each map; a group norm with one group is layer norm,
    one with as many groups as channels is instance norm; running averages are needed
    where images are mixed.

    Args:
        block: (N, C, H, W) small numbers, up to 8 rows (N·H) and 8 columns (C·W);
            (3, 4, 2, 2) unless given.
        kind: "batch norm", "layer norm", "instance norm" or "group norm" (2 groups).
    """
    return NormExplorer(_BLOCK if block is None else block, kind)


EXAMPLES = {"norm_explorer": norm_explorer}
