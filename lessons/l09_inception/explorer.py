"""What does an inception module cost?"""

from __future__ import annotations

from typing import NamedTuple

import ipywidgets

from helpers.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_GREY,
    PALE_ORANGE,
    PURPLE,
    Drawing,
)
from helpers.explorers import (
    DARK_GREY,
    Explorer,
    Presets,
    dropdown,
    number,
    slider,
)

NONE = 0  # a reduction that is left out
STEP = 8
_PALE_PURPLE = "#f3e0ea"
_COLOURS = (  # of a branch: its maps, their frame
    (PALE_BLUE, BLUE),
    (PALE_ORANGE, ORANGE),
    (PALE_GREEN, GREEN),
    (_PALE_PURPLE, PURPLE),
)


class Stage(NamedTuple):
    """One step of a branch: what it does, the depth it puts out, its weights."""

    name: str
    depth: int
    weights: int


class InceptionExplorer(Presets):
    """See `inception_explorer`."""

    WIDTH, HEIGHT = 846, 404
    TOP, PITCH, THICK = 78, 66, 16
    INPUT, FIRST, SECOND, OUTPUT = 68, 262, 468, 676  # left edges of the volumes

    def __init__(self, W: int, H: int, D: int) -> None:
        if not 96 <= D <= 1024 or min(W, H) < 1:
            raise ValueError(
                f"the input should have a depth of 96 to 1024 and at least one pixel, "
                f"not {W} × {H} × {D}"
            )
        self.W, self.H, self.D = W, H, D
        self.k1 = _wide("1×1", 64, 256)
        self.k3 = _wide("3×3", 128, 256)
        self.k5 = _wide("5×5", 32, 128)
        self.reduce3 = _or_none("before 3×3", 96, D)
        self.reduce5 = _or_none("before 5×5", 16, D)
        self.pool = _or_none("after pool", 32, 128)
        presets = {
            "GoogLeNet's first": (64, 96, 128, 16, 32, 32),
            "the same, naive": (64, NONE, 128, NONE, 32, NONE),
        }
        preset = dropdown("module", presets, "GoogLeNet's first")
        numbers = [self.k1, self.reduce3, self.k3, self.reduce5, self.k5, self.pool]
        rows = [
            ipywidgets.HBox([preset, self.k1, self.pool]),
            ipywidgets.HBox([self.reduce3, self.k3, self.reduce5, self.k5]),
        ]
        super().__init__(rows, presets, preset, numbers)

    def branches(self, naive: bool = False) -> list[list[Stage]]:
        """The stages of each branch; of the naive module, or as the sliders stand."""
        k1, r3, k3, r5, k5, pool = self.values()
        if naive:
            r3 = r5 = pool = NONE
        pooling = [Stage("max 3×3", self.D, 0)]
        if pool:
            pooling.append(Stage("1×1", pool, self.D * pool))
        return [
            [Stage("1×1", k1, self.D * k1)],
            _reduced(self.D, r3, k3, 3),
            _reduced(self.D, r5, k5, 5),
            pooling,
        ]

    def depths(self) -> list[int]:
        """What each branch puts out."""
        return [branch[-1].depth for branch in self.branches()]

    def weights(self, naive: bool = False) -> int:
        """Of the module as it stands, or of the naive one; biases not counted."""
        return sum(s.weights for branch in self.branches(naive) for s in branch)

    def multiply_adds(self, naive: bool = False) -> int:
        """Each weight is used at every pixel: padding keeps the size."""
        return self.W * self.H * self.weights(naive)

    def describe(self) -> str:
        """The depth of the output, the cost, and the naive module's."""
        steps = "; ".join(
            " then ".join(f"{s.name} to {s.depth}" for s in branch)
            for branch in self.branches()
        )
        return f"{self._output()}. {' '.join(self._remarks())} Branches: {steps}."

    def draw(self) -> Drawing:
        """Sentences, the branches from the input to the output, and two bars."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        picture.text(12, 14, self._output(), 17, anchor="start", bold=True)
        for k, remark in enumerate(self._remarks()):
            picture.text(12, 38 + 20 * k, remark, 14.5, anchor="start")
        middle = self.TOP + 2 * self.PITCH
        size, height = f"{self.W}×{self.H}", self._height(self.D)
        place = (self.INPUT, middle - height / 2, self.THICK, height)
        picture.rect(*place, PALE_GREY, BLACK, 1.5)
        corner = self.INPUT + self.THICK, middle - height / 2 - 12
        words = f"{size}×{self.D}"
        picture.text(*corner, words, 14, anchor="end", width=corner[0] - 16)
        end = middle - self._height(sum(self.depths())) / 2
        for k, branch in enumerate(self.branches()):
            y = self.TOP + (k + 0.5) * self.PITCH
            self._branch(picture, branch, y, k)
            height = self._height(branch[-1].depth)
            last = self.FIRST if len(branch) == 1 else self.SECOND
            ends = [(last + self.THICK, y), (self.OUTPUT, end + height / 2)]
            picture.line([(last + self.THICK, y), (self.SECOND + 96, y), ends[1]], GREY)
            place = (self.OUTPUT, end, self.THICK + 6, height)
            picture.rect(*place, *_COLOURS[k], 1.5)
            end += height
        x, total = self.OUTPUT + self.THICK + 16, sum(self.depths())
        picture.text(x, middle - 10, f"{size}×{total}", 16, anchor="start", bold=True)
        picture.text(x, middle + 12, "concatenated", 14.5, DARK_GREY, anchor="start")
        self._bars(picture)
        return picture

    def _branch(
        self, picture: Drawing, branch: list[Stage], y: float, which: int
    ) -> None:
        """Its arrows and volumes, from left to right."""
        middle = self.TOP + 2 * self.PITCH
        spread = (which - 1.5) * min(self._height(self.D) / 4, 14)
        start, bend = self.INPUT + self.THICK, self.INPUT + 88
        picture.line([(start, middle + spread), (bend, y)], GREY)
        x = bend
        for stage, left in zip(branch, (self.FIRST, self.SECOND)):
            picture.arrow(x, y, left - 3, y, GREY)
            words = f"{stage.name}: {_short(self.W * self.H * stage.weights)}"
            if not stage.weights:
                words = stage.name
            picture.text((x + left) / 2 - 2, y - 12, words, 14.5)
            self._volume(picture, left, y, stage.depth, *_COLOURS[which])
            x = left + self.THICK

    def _volume(
        self, picture: Drawing, x: float, y: float, depth: int, fill: str, line: str
    ) -> None:
        """A bar as high as the volume is deep, with its depth beside it."""
        height = self._height(depth)
        picture.rect(x, y - height / 2, self.THICK, height, fill, line, 1.5)
        picture.text(
            x + self.THICK + 5, y + 11, str(depth), 14.5, anchor="start", bold=True
        )

    def _height(self, depth: int) -> float:
        most = 256 + 256 + 128 + self.D  # the deepest output there can be
        return max(2.0, depth * min(0.25, 250 / most))

    def _bars(self, picture: Drawing) -> None:
        """Multiply-adds of this module and of the naive one."""
        most = max(self.multiply_adds(), self.multiply_adds(naive=True))
        bars = (("this module", False, ORANGE), ("naive", True, GREY))
        for k, (name, naive, colour) in enumerate(bars):
            y, work = self.HEIGHT - 44 + 24 * k, self.multiply_adds(naive)
            picture.text(104, y + 8, name, 14, anchor="end")
            width = max(2.0, 560 * work / most)
            picture.rect(112, y, width, 16, colour)
            words = f"{_short(work)} multiply-adds"
            picture.text(120 + width, y + 8, words, 14, anchor="start")

    def _output(self) -> str:
        parts = " + ".join(map(str, self.depths()))
        return f"output {self.W} × {self.H} × {sum(self.depths())}: {parts} maps"

    def _remarks(self) -> list[str]:
        """The cost against the naive module, and which reduction does not pay."""
        work, naive = self.multiply_adds(), self.multiply_adds(naive=True)
        against = "as many as the naive module"
        if work < naive:
            times = number(round(naive / work, 2))
            against = f"{times} times fewer than the naive module"
        elif work > naive:
            against = f"{number(round(work / naive, 2))} times the naive module's"
        cost = f"{self.weights():,} weights, {_short(work)} multiply-adds, {against}."
        remarks = [cost.replace(",", " ", cost.split(" weights")[0].count(","))]
        now, then = self.branches(), self.branches(naive=True)
        lost = [
            F
            for k, F in ((1, "3×3"), (2, "5×5"))
            if sum(s.weights for s in now[k]) > then[k][0].weights
        ]
        if lost:
            remarks.append(
                f"The reduction before {lost[0]} costs more than it saves."
                if len(lost) == 1
                else "The reductions before 3×3 and 5×5 cost more than they save."
            )
        elif not self.pool.value:
            remarks.append(
                f"All {self.D} maps of the input come out of the pooling again."
            )
        return remarks


def inception_explorer(W: int = 28, H: int = 28, D: int = 192) -> Explorer:
    """Choose the filters of an inception module, and see what it costs. Lesson 09.

    To find out: reductions save most before the widest filters; without the 1×1 after
    the pooling the output is deeper than the input whatever else is chosen; a reduction
    that leaves nearly all maps costs more than it saves.

    Args:
        W: width of the input.
        H: height of the input.
        D: depth of the input, 96 to 1024.
    """
    return InceptionExplorer(W, H, D)


def _reduced(D: int, reduce: int, K: int, F: int) -> list[Stage]:
    """A branch of K filters of F×F, behind its reduction where there is one."""
    stages = [Stage("1×1", reduce, D * reduce)] if reduce else []
    stages.append(Stage(f"{F}×{F}", K, F * F * (reduce or D) * K))
    return stages


def _wide(text: str, value: int, most: int) -> ipywidgets.IntSlider:
    """A slider of filters, in steps of eight."""
    control = slider(text, value, STEP, most, "200px", "44px")
    control.step = STEP
    return control


def _or_none(text: str, value: int, most: int) -> ipywidgets.SelectionSlider:
    """A slider of filters that begins with none."""
    counts = range(STEP, most + 1, STEP)
    return ipywidgets.SelectionSlider(
        options=[("none", NONE), *((str(count), count) for count in counts)],
        value=value,
        description=text,
        style={"description_width": "84px"},
        layout={"width": "222px"},
    )


def _short(count: int) -> str:
    """In millions: 128.0 M."""
    return f"{count / 1e6:.1f} M"


EXAMPLES = {"inception_explorer": inception_explorer}
