"""Which weights for the filter, and how it slides along the signal."""

from __future__ import annotations

import math
import random
import textwrap
from collections.abc import Sequence

import ipywidgets
import torch
from torch import Tensor

from helpers.convolution import output_size
from helpers.drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_GREY,
    PALE_ORANGE,
    WHITE,
    Drawing,
)
from helpers.explorers import (
    DARK_GREY,
    Explorer,
    Presets,
    dropdown,
    fixed,
    number,
    slider,
    sub,
)

Numbers = Tensor | Sequence[float]


class SlidingWindow(Explorer):
    """See `sliding_window`."""

    WIDTH, HEIGHT, LEFT = 846, 312, 104

    def __init__(self, x: list[float], w: list[float]) -> None:
        output_size(len(x), len(w))  # raises if the filter is longer than the signal
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
        """Rows x, w and products, the sum, and each output under its time t."""
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
        picture.text(
            self.LEFT,
            192,
            self._sum(t),
            16,
            anchor="start",
            width=self.WIDTH - self.LEFT - 8,
        )
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
        picture.text(
            self.LEFT,
            298,
            note + "measurements.",
            13,
            colour=DARK_GREY,
            anchor="start",
            width=700,
        )


def sliding_window(x: Numbers, w: Numbers) -> Explorer:
    """Let a filter slide along a signal, step by step. Lesson 01.

    To find out: each output is one weighted sum, the same weights at every step; the
    first outputs are missing because the window needs its full length.

    Args:
        x: (W1,) signal, for instance measured positions.
        w: (F,) weights, oldest first: w₋₆ … w₀ for F = 7; F ≤ W1.
    """
    return SlidingWindow(_floats(x), _floats(w))


LECTURE_WEIGHTS = (0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50)


class WeightChooser(Presets):
    """See `weight_chooser`."""

    WIDTH, HEIGHT = 846, 262
    LEFT, RIGHT, TOP, BOTTOM = 56, 556, 30, 218  # the plot's frame

    def __init__(self, measured: list[float], true: list[float], F: int) -> None:
        if len(measured) != len(true):
            raise ValueError(
                f"{len(measured)} measured values but {len(true)} true ones"
            )
        output_size(len(measured), F)  # raises if the filter is longer than the signal
        self.measured, self.true = measured, true
        self.low, self.high = min(measured + true), max(measured + true)
        presets = _weight_presets(F)
        start = "lecture's weights" if F == 7 else f"mean of {F}"
        sliders = [
            ipywidgets.FloatSlider(
                value=value,
                min=0,
                max=1,
                step=0.01,
                description=sub("w", i + 1 - F),
                orientation="vertical",
                layout={"width": "60px", "height": "150px", "margin": "0"},
            )
            for i, value in enumerate(presets[start])
        ]
        preset = dropdown("weights", presets, start)
        note = ipywidgets.HTML(
            '<div style="line-height:1.5">One weight for each measurement in the '
            "window, from the oldest on the left to the latest on the right. They are "
            "divided by their sum before use.</div>",
            layout={"width": "330px"},
        )
        left = ipywidgets.VBox([preset, note], layout={"width": "345px"})
        row = ipywidgets.HBox([left, *sliders])
        super().__init__([row], presets, preset, sliders)

    def weights(self) -> list[float] | None:
        """The (F,) weights divided by their sum; None when all are zero."""
        total = sum(self.values())
        return [value / total for value in self.values()] if total > 0 else None

    def filtered(self, w: list[float]) -> list[float]:
        """The filter's (n − F + 1,) outputs, for t from F − 1."""
        return [
            sum(a * b for a, b in zip(self.measured[i:], w))
            for i in range(len(self.measured) - len(w) + 1)
        ]

    def read_outs(self, w: list[float]) -> dict[str, float]:
        """Noise factor, lag in steps, and RMS errors in the measurement's unit.

        Independent noise of standard deviation σ at each measurement leaves σ·√(Σ w²)
        in the weighted sum. A target of constant speed is seen Σ a·w₋ₐ steps late.
        """
        F = len(w)
        truth = self.true[F - 1 :]
        return {
            "noise": math.sqrt(sum(v * v for v in w)),
            "lag": sum((F - 1 - i) * v for i, v in enumerate(w)),
            "error": _rms(self.filtered(w), truth),
            "sensor": _rms(self.measured[F - 1 :], truth),
        }

    def describe(self) -> str:
        """The three numbers, or why there are none."""
        w = self.weights()
        if w is None:
            return _ALL_ZERO
        numbers = {name: fixed(v, 2) for name, v in self.read_outs(w).items()}
        return (
            f"Noise left: {numbers['noise']} of the sensor's; lag: {numbers['lag']} "
            f"steps; RMS error: {numbers['error']}. The sensor alone has an RMS error "
            f"of {numbers['sensor']}. Weights used, oldest first: "
            f"{', '.join(fixed(v) for v in w)}. The plot shows {len(self.measured)} "
            "measured positions as dots, the true ones as a dashed line and the "
            "filtered ones as a solid line."
        )

    def draw(self) -> Drawing:
        """The signal on the left, the numbers on the right."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        w = self.weights()
        self._draw_axes(picture)
        self._draw_signal(picture, w)
        x = self.RIGHT + 34
        if w is None:
            for k, line in enumerate(textwrap.wrap(_ALL_ZERO, 30)):
                picture.text(x, 60 + 22 * k, line, 15, anchor="start")
        else:
            self._draw_numbers(picture, w, x)
        return picture

    def _place(self, t: float, value: float) -> tuple[float, float]:
        margin = 0.05 * (self.high - self.low) or 0.5
        part = (value - self.low + margin) / (self.high - self.low + 2 * margin)
        along = (t + 0.5) / len(self.true)
        return (
            self.LEFT + along * (self.RIGHT - self.LEFT),
            self.BOTTOM - part * (self.BOTTOM - self.TOP),
        )

    def _draw_axes(self, picture: Drawing) -> None:
        for value in _ticks(self.low, self.high):
            y = self._place(0, value)[1]
            picture.line([(self.LEFT, y), (self.RIGHT, y)], PALE_GREY, 1)
            picture.text(self.LEFT - 8, y, number(value), 12, DARK_GREY, "end")
        for t in _ticks(0, len(self.true) - 1, 8):
            if t == int(t):
                x = self._place(t, 0)[0]
                picture.text(x, self.BOTTOM + 12, number(t), 12, DARK_GREY)
        corner = [(self.LEFT, self.TOP), (self.LEFT, self.BOTTOM)]
        picture.line([*corner, (self.RIGHT, self.BOTTOM)], GREY, 1)
        middle = (self.LEFT + self.RIGHT) / 2
        picture.text(middle, self.BOTTOM + 32, "time step t", 13, DARK_GREY)
        y = (self.TOP + self.BOTTOM) / 2
        picture.add(f'<g transform="rotate(-90 12 {y})">')
        picture.text(12, y, "position", 13, DARK_GREY)
        picture.add("</g>")

    def _draw_signal(self, picture: Drawing, w: list[float] | None) -> None:
        for t, value in enumerate(self.measured):
            picture.dot(*self._place(t, value), 3, GREY)
        true = [self._place(t, value) for t, value in enumerate(self.true)]
        picture.line(true, BLACK, 1.5, "6 4")
        if w is not None:
            start = len(w) - 1
            values = enumerate(self.filtered(w), start)
            picture.line([self._place(t, v) for t, v in values], BLUE, 3)
        picture.dot(self.LEFT + 12, 12, 3, GREY)
        picture.text(self.LEFT + 22, 12, "measured", 13, anchor="start")
        picture.line([(self.LEFT + 120, 12), (self.LEFT + 150, 12)], BLACK, 1.5, "6 4")
        picture.text(self.LEFT + 158, 12, "true", 13, anchor="start")
        picture.line([(self.LEFT + 220, 12), (self.LEFT + 250, 12)], BLUE, 3)
        picture.text(self.LEFT + 258, 12, "filtered", 13, anchor="start")

    def _draw_numbers(self, picture: Drawing, w: list[float], x: float) -> None:
        numbers = self.read_outs(w)
        for k, (label, value, unit) in enumerate(
            (
                ("noise left", numbers["noise"], "of the sensor's noise"),
                ("lag", numbers["lag"], "steps late"),
                (
                    "RMS error",
                    numbers["error"],
                    f"(sensor alone {fixed(numbers['sensor'], 2)})",
                ),
            )
        ):
            y = 14 + 62 * k
            picture.text(x, y, label, 14, DARK_GREY, "start")
            picture.text(x, y + 25, fixed(value, 2), 24, BLACK, "start", bold=True)
            picture.text(x + 72, y + 28, unit, 14, DARK_GREY, "start")
        picture.text(x, 206, "weights used, oldest first", 14, DARK_GREY, "start")
        used = " ".join(fixed(v, 2) for v in w)
        picture.text(x, 228, used, 14, anchor="start", width=self.WIDTH - x - 4)


_ALL_ZERO = "All weights are 0, so there is nothing to average. Raise at least one."


def _weight_presets(F: int) -> dict[str, tuple[float, ...]]:
    presets = {
        "latest only": (0.0,) * (F - 1) + (1.0,),
        f"mean of {F}": (1.0,) * F,
        "each half the next": tuple(round(0.5 ** (F - 1 - i), 2) for i in range(F)),
        "oldest only": (1.0,) + (0.0,) * (F - 1),
    }
    return presets | ({"lecture's weights": LECTURE_WEIGHTS} if F == 7 else {})


def weight_chooser(measured: Numbers, true_values: Numbers, F: int = 7) -> Explorer:
    """Choose the weights of the average: calm or quick? Lesson 01.

    To find out: many equal weights remove the most noise and come late; the latest
    measurement alone is on time and as noisy as the sensor. No weights are best at
    both; the smallest RMS error lies between.

    Args:
        measured: (n,) noisy positions.
        true_values: (n,) the positions without noise.
        F: number of weights, at most n.
    """
    return WeightChooser(_floats(measured), _floats(true_values), F)


def _rms(values: list[float], truth: list[float]) -> float:
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(values, truth)) / len(truth))


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from low to high, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low or 1.0) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _lecture() -> Explorer:
    """The lecture's readings and weights."""
    x = (1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90, 2.10, 2.20, 2.40, 2.50, 2.70)
    return sliding_window(x, LECTURE_WEIGHTS)


def _flight() -> Explorer:
    """The aeroplane's flight, with other noise."""
    rng = random.Random(0)
    truth = [1 + 0.12 * t + 0.8 * math.sin(t / 9) for t in range(60)]
    return weight_chooser([rng.gauss(x, 0.35) for x in truth], truth)


EXAMPLES = {"sliding_window": _lecture, "weight_chooser": _flight}


def _floats(values: Numbers) -> list[float]:
    """Plain Python numbers, in double precision."""
    return torch.as_tensor(values, dtype=torch.float64).flatten().tolist()
