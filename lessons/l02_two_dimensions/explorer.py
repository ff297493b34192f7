"""Nine numbers that change a photograph, and the window that made an output."""

from __future__ import annotations

import base64
import io
import math
import textwrap
import zlib

import ipywidgets
import torch
from PIL import Image
from torch import Tensor

from helpers.convolution import conv2d, output_size
from helpers.data import photograph, to_grey
from helpers.drawing import BLUE, ORANGE, PALE_GREY, WHITE, Drawing
from helpers.explorers import (
    SIGNED_COLOURS,
    Explorer,
    Grid,
    Presets,
    dropdown,
    fixed,
    number,
    slider,
)

KERNELS = {
    "identity": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "blur (ones)": (1,) * 9,
    "blur ÷ 9": (0.1111,) * 9,  # four digits, which the box has room for
    "sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "edges": (1, 1, 1, 1, -8, 1, 1, 1, 1),
    "vertical edges (Sobel)": (-1, 0, 1, -2, 0, 2, -1, 0, 1),
    "horizontal edges (Sobel)": (-1, -2, -1, 0, 0, 0, 1, 2, 1),
    "emboss": (-2, -1, 0, -1, 1, 1, 0, 1, 2),
}


CLIP, STRETCH, SIGNED = "clip to 0–255", "stretch", "signed"


class KernelExplorer(Presets):
    """See `kernel_explorer`."""

    WIDTH, HEIGHT, PANEL, TOP = 846, 344, 413, 26
    LIMIT = 1_000_000  # far beyond any use, far below what single precision holds

    def __init__(self, image: Tensor) -> None:
        self.image = image.detach().float().cpu()
        H, W = self.image.shape
        self.scale = min(self.PANEL / W, 276 / H)
        self.original = _grey_picture(self.image)
        self.original_png = _png(self.original)
        boxes = [
            ipywidgets.FloatText(value=v, layout={"width": "84px", "margin": "1px"})
            for v in KERNELS["sharpen"]
        ]
        grid = ipywidgets.GridBox(
            boxes,
            layout={
                "grid_template_columns": "repeat(3, 88px)",
                "width": "280px",
                "align_content": "flex-start",
                "overflow": "hidden",
            },
        )
        preset = dropdown("kernel", KERNELS, "sharpen")
        self.view = ipywidgets.ToggleButtons(
            options=[CLIP, STRETCH, SIGNED],
            style={"button_width": "120px"},
            layout={"width": "400px"},
        )
        # A label of its own: the buttons' description takes a line for itself.
        label = ipywidgets.Label("show as", layout={"width": "64px"})
        view = ipywidgets.HBox([label, self.view], layout={"align_items": "baseline"})
        side = ipywidgets.VBox([preset, view], layout={"width": "520px"})
        super().__init__(
            [ipywidgets.HBox([grid, side])], KERNELS, preset, boxes, [self.view]
        )

    def kernel(self) -> Tensor | None:
        """The (3, 3) kernel; None when a number is unusable."""
        values = self.values()
        if any(not abs(value) <= self.LIMIT for value in values):  # also true for nan
            return None
        return torch.tensor(values).reshape(3, 3)

    def answer(self) -> Tensor | None:
        """The (H, W) feature map, zeros around the border; None without a kernel."""
        kernel = self.kernel()
        if kernel is None:
            return None
        batch = self.image[None, None]  # (1, 1, H, W)
        return torch.nn.functional.conv2d(batch, kernel[None, None], padding=1)[0, 0]

    def describe(self) -> str:
        """The kernel and what became of the values."""
        H, W = self.image.shape
        answer = self.answer()
        if answer is None:
            return f"No answer. {self._complaint()}"
        rows = [" ".join(map(number, self.values()[k : k + 3])) for k in (0, 3, 6)]
        return (
            f"Kernel {' / '.join(rows)} over a photograph of {H} × {W} pixels. "
            f"The original is on the left, the answer on the right: "
            f"{'; '.join(self._caption(answer))}."
        )

    def _complaint(self) -> str:
        bad = next(v for v in self.values() if not abs(v) <= self.LIMIT)
        return (
            f"The kernel holds {number(bad)}. Type a number from −1 000 000 to "
            "1 000 000 in that box, or choose a kernel from the list."
        )

    def _caption(self, answer: Tensor) -> list[str]:
        low, high = answer.min().item(), answer.max().item()
        lines = [f"values from {fixed(low, 0)} to {fixed(high, 0)}"]
        if self.view.value == CLIP:
            below = (answer < 0).float().mean().item()
            above = (answer > 255).float().mean().item()
            lines.append(
                f"below 0, shown black: {below:.0%}; "
                f"above 255, shown white: {above:.0%}"
            )
        elif self.view.value == STRETCH:
            lines.append("the lowest value is shown black, the highest white")
        else:
            most = fixed(_usual_most(answer), 0)
            lines.append(f"orange: below 0; purple: above 0; darkest beyond ±{most}")
        return lines

    def _answer_picture(self, answer: Tensor) -> Image.Image:
        if self.view.value == SIGNED:
            return _signed_picture(answer)
        low, high = answer.min(), answer.max()
        if self.view.value == STRETCH and high > low:
            answer = (answer - low) * (255 / (high - low))
        return _grey_picture(answer)

    def draw(self) -> Drawing:
        """Original and answer side by side, each with its caption beneath."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        answer = self.answer()
        left, right = 4, self.WIDTH - self.PANEL - 4
        self._draw_panel(picture, left, "original", self.original_png)
        low, high = self.image.min().item(), self.image.max().item()
        lines = [f"values from {fixed(low, 0)} to {fixed(high, 0)}"]
        self._write(picture, left, lines)
        if answer is None:
            self._draw_panel(picture, right, "no answer", None)
            for k, line in enumerate(textwrap.wrap(self._complaint(), 42)):
                picture.text(right + 20, 100 + 24 * k, line, 16, anchor="start")
        else:
            title = f"answer: {self.preset.value}"
            self._draw_panel(picture, right, title, _png(self._answer_picture(answer)))
            self._write(picture, right, self._caption(answer))
        return picture

    def _draw_panel(
        self, picture: Drawing, x: float, title: str, png: str | None
    ) -> None:
        width, height = (side * self.scale for side in reversed(self.image.shape))
        picture.text(x, 12, title, 15, anchor="start", bold=True)
        if png is None:
            picture.rect(x, self.TOP, width, height, PALE_GREY)
        else:
            picture.add(
                f'<image x="{x}" y="{self.TOP}" width="{width:.2f}" '
                f'height="{height:.2f}" href="data:image/png;base64,{png}"/>'
            )

    def _write(self, picture: Drawing, x: float, lines: list[str]) -> None:
        y = self.TOP + self.image.shape[0] * self.scale + 14
        for k, line in enumerate(lines):
            picture.text(x, y + 19 * k, line, 14, anchor="start", width=self.PANEL)

    def still(self) -> dict[str, str]:
        """Original and answer as PNG: its bytes differ from machine to machine."""
        answer = self.answer()
        H, W = self.image.shape
        both = Image.new("RGB", (2 * W + 12, H), WHITE)
        both.paste(self.original, (0, 0))
        if answer is not None:
            both.paste(self._answer_picture(answer).convert("RGB"), (W + 12, 0))
        return {"image/png": _png(both)}


def kernel_explorer(image: Tensor) -> Explorer:
    """Type the nine numbers of a kernel, see what becomes of a photograph. Lesson 02.

    To find out: ones blur and turn the picture white unless divided by 9; where the
    numbers add up to 0, flat regions become 0 and only edges remain, and these have a
    sign that a picture clipped to 0–255 hides.

    Args:
        image: (H, W) grey values, 0 to 255; about 214 × 320 is quick.
    """
    return KernelExplorer(image)


def _grey_picture(values: Tensor) -> Image.Image:
    return Image.fromarray(values.clamp(0, 255).round().to(torch.uint8).numpy())


def _signed_picture(values: Tensor) -> Image.Image:
    """Zero white, below it orange, above it purple."""
    part = (values / (_usual_most(values) or 1.0)).clamp(-1, 1)
    index = (127 + 127 * part).round().to(torch.uint8).numpy()
    picture = Image.fromarray(index)
    picture.putpalette(SIGNED_COLOURS.tobytes())
    return picture


def _usual_most(values: Tensor) -> float:
    """The absolute value that 2 % of the pixels exceed.

    The largest stands where the zeros around the picture meet its border; next to it
    all else would be pale.
    """
    sizes = values.abs().flatten()
    return sizes.kthvalue(math.ceil(0.98 * len(sizes))).values.item()


def _png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # quick rather than small
    return base64.b64encode(buffer.getvalue()).decode()


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
        """The sum of these products: output i, j."""
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
        return f" The output that was handed over has {number(given)} there instead."

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
                picture.text(*middle, text, 17, width=self.SIDE - 4)

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
            picture.text(98, y + 22 * a, products, 16, anchor="start", width=width - 90)
        y += 22 * len(self.kernel)
        text = number(self.total(i, j)) + self._doubt(i, j).replace(" The", "; the")
        picture.text(88, y, "=", 16, anchor="end")
        picture.text(98, y, text, 16, anchor="start", bold=True, width=width - 90)

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


def _edge() -> Explorer:
    """An edge, and the right pixel minus the left one."""
    step = torch.tensor([[0.0, 0, 0, 9, 9, 9]] * 5)
    right_minus_left = torch.tensor([[-1.0, 0, 1]] * 3)
    return window_explorer(step, right_minus_left, conv2d(step, right_minus_left))


EXAMPLES = {
    "kernel_explorer": lambda: kernel_explorer(to_grey(photograph())),
    "window_explorer": _edge,
}
