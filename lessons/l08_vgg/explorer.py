"""A stack of small convolutions against one large one."""

from __future__ import annotations

import ipywidgets

from helpers.convolution import receptive_field
from helpers.drawing import BLACK, BLUE, GREY, ORANGE, Drawing
from helpers.explorers import DARK_GREY, Explorer, slider

_TINTS = ("#fff6e0", "#fbe3b0", "#f5cc72", "#edb43a", ORANGE)  # few paths to many
_NO_BREAK = " "


class StackExplorer(Explorer):
    """See `stack_explorer`."""

    WIDTH, HEIGHT = 846, 432
    NAMES, STACK, ONE, COLUMN = 12, 186, 522, 312  # left edges, width of a column
    TOP, ROOM, TALLEST, WIDEST = 104, 150, 20, 22
    BARS, ROW = 318, 30

    def __init__(self, F: int, layers: int, C: int) -> None:
        self.F = slider("kernel F", F, 1, 7)
        self.layers = slider("layers", layers, 1, 5)
        self.C = slider("channels C", C, 1, 512, text_width="82px")
        self.relu = ipywidgets.Checkbox(
            value=True, description="ReLU", indent=False, layout={"width": "80px"}
        )
        controls = [self.F, self.layers, self.C, self.relu]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def fields(self) -> list[int]:
        """What one output sees of each row, along a side: the output, …, the input."""
        layer = (self.F.value, 1)
        return [receptive_field([layer] * k) for k in range(self.layers.value + 1)]

    def field(self) -> int:
        """Input pixels along a side that one output sees."""
        return self.fields()[-1]

    def paths(self) -> list[int]:
        """In how many ways each of these pixels reaches the output, along a side."""
        ways = [1]
        for _ in range(self.layers.value):
            longer = [0] * (len(ways) + self.F.value - 1)
            for at, count in enumerate(ways):
                for tap in range(self.F.value):
                    longer[at + tap] += count
            ways = longer
        return ways

    def compared(self) -> dict[str, tuple[int, int]]:
        """What both cost: name → (stack, one layer)."""
        n, F, C, field = self.layers.value, self.F.value, self.C.value, self.field()
        weights = n * F * F * C * C, field * field * C * C
        return {
            "weights": weights,
            "multiply-adds per pixel": weights,  # each weight once, in all C maps
            "values kept per pixel": (n * C, C),
            "bends (ReLU)": (n, 1) if self.relu.value else (0, 0),
        }

    def describe(self) -> str:
        """Both costs, and what to think of them."""
        costs = "; ".join(
            f"{name} {_spaced(stack)} against {_spaced(one)}"
            for name, (stack, one) in self.compared().items()
        )
        return f"{self._headline()}. {costs}. {' '.join(self._remarks())}"

    def _headline(self) -> str:
        n, F, field = self.layers.value, self.F.value, self.field()
        many = f"{n} layers of {F}×{F} see" if n > 1 else f"1 layer of {F}×{F} sees"
        return (
            f"{many} 1 + {n}·({F} − 1) = {field} pixels along a side, as one "
            f"layer of {field}×{field} does"
        )

    def _remarks(self) -> list[str]:
        n, F = self.layers.value, self.F.value
        stack, one = self.compared()["weights"]
        share = f"{100 * stack / one:.0f} %"
        remarks = [f"The stack needs {share} of the one layer's weights."]
        if n == 1:
            remarks = ["A stack of one layer is that layer."]
        elif F == 1:
            remarks.append("With F = 1 nothing is seen but the pixel itself.")
        elif not self.relu.value:
            remarks.append("Without ReLU, one layer could do all that the stack does.")
        if F % 2 == 0:
            remarks.append(
                "F is even: the kernel has no middle, so no P keeps the size."
            )
        return remarks

    def draw(self) -> Drawing:
        """Both from the side, the input at the bottom; below, what they cost."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        width = self.WIDTH - 24
        picture.text(
            self.NAMES, 14, self._headline(), 16, anchor="start", bold=True, width=width
        )
        picture.text(
            self.NAMES, 40, " ".join(self._remarks()), 14.5, anchor="start", width=width
        )
        n, F, field = self.layers.value, self.F.value, self.field()
        titles = f"stack: {n} of {F}×{F}", f"one layer of {field}×{field}"
        rows = self.fields(), [1, field]
        ways = self.paths(), [1] * field
        for x, title, seen, counts in zip((self.STACK, self.ONE), titles, rows, ways):
            picture.text(x + self.COLUMN / 2, 74, title, 14.5, bold=True)
            self._draw_side(picture, x, seen, counts)
        self._draw_names(picture)
        self._draw_costs(picture)
        return picture

    def _heights(self, rows: int) -> list[float]:
        """Where each row's upper edge is, from the output down."""
        return [self.TOP + self.ROOM * k / (rows - 1) for k in range(rows)]

    def _draw_side(
        self, picture: Drawing, x: float, seen: list[int], counts: list[int]
    ) -> None:
        side = min(self.WIDEST, self.COLUMN / seen[-1])
        tall = min(self.TALLEST, max(side, 12))
        middle = x + self.COLUMN / 2
        heights = self._heights(len(seen))
        for k in range(len(seen) - 1):  # what a row sees of the one below
            upper, lower = seen[k] * side / 2, seen[k + 1] * side / 2
            a, b = heights[k] + tall, heights[k + 1]
            points = (
                f"{middle - upper:.1f},{a:.1f} {middle + upper:.1f},{a:.1f} "
                f"{middle + lower:.1f},{b:.1f} {middle - lower:.1f},{b:.1f}"
            )
            picture.add(f'<polygon points="{points}" fill="#f0f0f0"/>')
        most = max(counts)
        for k, (count, y) in enumerate(zip(seen, heights)):
            for i in range(count):
                fill, text = "#ffffff", ""
                if k == len(seen) - 1:
                    fill = _TINTS[min(4, 5 * (counts[i] - 1) // max(most - 1, 1))]
                    text = (
                        str(counts[i]) if side >= max(11, 9.5 * len(str(most))) else ""
                    )
                left = middle + (i - count / 2) * side
                picture.rect(left, y, side, tall, fill, GREY, 1)
                if text:
                    size = min(12, 1.5 * side / len(text))
                    picture.text(left + side / 2, y + tall / 2, text, size)
        picture.rect(middle - side / 2, heights[0], side, tall, "none", BLACK, 2)

    def _draw_names(self, picture: Drawing) -> None:
        heights = self._heights(len(self.fields()))
        names = ["output", *(f"layer {k}" for k in range(len(heights) - 2, 0, -1))]
        for name, y, seen in zip([*names, "input"], heights, self.fields()):
            middle = y + self.TALLEST / 2
            picture.text(self.NAMES, middle, name, 14.5, anchor="start")
            size = f"{seen}×{seen}"
            picture.text(self.NAMES + 140, middle, size, 14.5, DARK_GREY, "end")
        words = "input: in how many ways each pixel reaches the output, along a side"
        x = (self.STACK + self.ONE + self.COLUMN) / 2
        picture.text(x, self.TOP + self.ROOM + 36, words, 14, DARK_GREY)

    def _draw_costs(self, picture: Drawing) -> None:
        for k, (name, pair) in enumerate(self.compared().items()):
            y = self.BARS + self.ROW * k
            picture.text(self.NAMES, y, name, 14.5, anchor="start")
            most = max(*pair, 1)
            for x, value, colour in zip((self.STACK, self.ONE), pair, (ORANGE, BLUE)):
                length = 190 * value / most
                if value:
                    picture.rect(x, y - 9, max(length, 1.5), 18, colour)
                place = x + length + 8
                picture.text(place, y, _spaced(value), 14.5, anchor="start")


def stack_explorer(F: int = 3, layers: int = 2, C: int = 64) -> Explorer:
    """Stack convolutions, against one layer that sees as much. Lesson 08.

    To find out: two 3×3 see what one 5×5 sees, for 18/25 of the weights, and three what
    one 7×7 sees, for 27/49; C does not change the ratio; the middle of the field
    reaches the output in more ways than its edge; the stack keeps more values; without
    ReLU it can do no more than the one layer; 2×2 is cheaper still, but has no middle.

    Args:
        F: extent of each kernel, 1 to 7.
        layers: how many, 1 to 5, all with stride 1.
        C: channels in and out of every layer, 1 to 512.
    """
    return StackExplorer(F, layers, C)


def _spaced(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}".replace(",", _NO_BREAK)


EXAMPLES = {"stack_explorer": stack_explorer}
