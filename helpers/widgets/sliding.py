"""Lesson 01: the filter slides along the signal."""

from __future__ import annotations

import ipywidgets

from helpers.convolution import output_size
from helpers.drawing import (
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    WHITE,
    Drawing,
)
from helpers.widgets.base import (
    DARK_GREY,
    Explorer,
    Numbers,
    fit,
    fixed,
    floats,
    slider,
    sub,
)


class SlidingWindow(Explorer):
    """See `sliding_window`."""

    WIDTH, HEIGHT, LEFT = 846, 312, 104

    def __init__(self, x: list[float], w: list[float]) -> None:
        output_size(len(x), len(w))  # a filter longer than the signal says so
        self.x, self.w = x, w
        first, last = len(w) - 1, len(x) - 1
        self.play = ipywidgets.Play(
            value=first, min=first, max=last, interval=900, show_repeat=False
        )
        self.t = slider("time t", first, first, last, "380px", "60px")
        ipywidgets.link((self.play, "value"), (self.t, "value"))
        self.back, self.forward = (
            ipywidgets.Button(description=text, layout={"width": "100px"})
            for text in ("step back", "step")
        )
        self.back.on_click(lambda _: self._step(-1))
        self.forward.on_click(lambda _: self._step(1))
        row = ipywidgets.HBox([self.play, self.back, self.forward, self.t])
        super().__init__([row], [self.t])

    def _step(self, by: int) -> None:
        self.t.value = min(max(self.t.value + by, self.t.min), self.t.max)

    def products(self, t: int) -> list[float]:
        """The (F,) terms of the weighted sum at time ``t``."""
        start = t - len(self.w) + 1
        return [a * b for a, b in zip(self.x[start : t + 1], self.w)]

    def describe(self) -> str:
        """The window's place, the terms and their sum."""
        t = self.t.value
        start = t - len(self.w) + 1
        return (
            f"The filter lies over {sub('x', start)} to {sub('x', t)}: "
            f"{sub('s', t)} = {fixed(sum(self.products(t)))}. The {len(self.w)} "
            f"products are {', '.join(map(fixed, self.products(t)))}. Outputs so far: "
            f"{', '.join(fixed(v) for v in self._outputs())}."
        )

    def _outputs(self) -> list[float]:
        return [sum(self.products(u)) for u in range(len(self.w) - 1, self.t.value + 1)]

    def draw(self) -> Drawing:
        """Rows x, w and products, the sum, and the outputs, t under t."""
        t, F = self.t.value, len(self.w)
        start = t - F + 1
        side = min(60.0, (self.WIDTH - self.LEFT - 8) / len(self.x))
        picture = Drawing(self.WIDTH, self.HEIGHT)

        def row(y: float, title: str, at: int, texts: list[str], fills: list[str]):
            picture.text(self.LEFT - 12, y + 17, title, 14, anchor="end")
            for k, (text, fill) in enumerate(zip(texts, fills)):
                picture.cell(self.LEFT + (at + k) * side, y, side, text, fill, 34)

        def names(y: float, at: int, texts: list[str]):
            for k, text in enumerate(texts):
                x = self.LEFT + (at + k + 0.5) * side
                picture.text(x, y, text, 13, DARK_GREY)

        inside = [PALE_ORANGE if start <= i <= t else WHITE for i in range(len(self.x))]
        names(12, 0, [sub("x", i) for i in range(len(self.x))])
        row(24, "input x", 0, [fixed(v, 2) for v in self.x], inside)
        names(78, start, [sub("w", i) for i in range(1 - F, 1)])
        row(90, "weights w", start, [fixed(v, 2) for v in self.w], [WHITE] * F)
        row(132, "products", start, [fixed(v) for v in self.products(t)], [WHITE] * F)
        window = (self.LEFT + start * side - 2, F * side + 4)
        picture.rect(window[0], 22, window[1], 146, stroke=ORANGE, line=3)
        picture.text(self.LEFT - 12, 192, "sum", 14, anchor="end")
        fit(picture, self.LEFT, 192, 16, self._sum(t), self.WIDTH - self.LEFT - 8)
        self._draw_outputs(picture, side, row)
        return picture

    def _sum(self, t: int) -> str:
        terms = " + ".join(map(fixed, self.products(t)))
        return f"{sub('s', t)} = {terms} = {fixed(sum(self.products(t)))}"

    def _draw_outputs(self, picture: Drawing, side: float, row) -> None:
        t, first, y = self.t.value, len(self.w) - 1, 226
        outputs = [fixed(v) for v in self._outputs()]
        fills = [PALE_BLUE] * (len(outputs) - 1) + [PALE_GREEN]
        for i in [*range(first), *range(t + 1, len(self.x))]:
            place = (self.LEFT + i * side + 1, y + 1, side - 2, 32)
            picture.rect(*place, stroke=GREY, more='stroke-dasharray="3 4"')
        row(y, "output s", first, outputs, fills)
        here = self.LEFT + t * side
        picture.rect(here, y, side, 34, stroke=ORANGE, line=3)
        picture.arrow(here + side / 2, 204, here + side / 2, 222, ORANGE)
        for i in range(first, t + 1):
            x = self.LEFT + (i + 0.5) * side
            picture.text(x, y + 46, sub("s", i), 13, DARK_GREY)
        note = f"The first output is {sub('s', first)}: it takes {len(self.w)} "
        fit(picture, self.LEFT, 298, 13, note + "measurements.", 700, DARK_GREY)


def sliding_window(x: Numbers, w: Numbers) -> Explorer:
    """Let a filter slide along a signal, step by step. Lesson 01.

    To find out: each output is one weighted sum, the same weights at every step; the
    first outputs are missing because the window needs its full length.

    Args:
        x: (W1,) signal, for instance measured positions.
        w: (F,) weights, oldest first: w₋₆ … w₀ for F = 7; F ≤ W1.
    """
    return SlidingWindow(floats(x), floats(w))
