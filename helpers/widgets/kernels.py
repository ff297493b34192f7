"""Lesson 02: nine numbers change a photograph."""

from __future__ import annotations

import base64
import io
import math
import textwrap

import ipywidgets
import torch
from PIL import Image
from torch import Tensor

from helpers.drawing import PALE_GREY, WHITE, Drawing
from helpers.widgets.base import (
    SIGNED_COLOURS,
    Explorer,
    Presets,
    dropdown,
    fit,
    fixed,
    number,
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
        view = ipywidgets.HBox([label, self.view])
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
            lines.append("the lowest is shown black, the highest white")
        else:
            most = fixed(_usual_most(answer), 0)
            lines.append(f"orange: below 0; purple: above 0; darkest from ±{most}")
        return lines

    def _answer_picture(self, answer: Tensor) -> Image.Image:
        if self.view.value == SIGNED:
            return _signed_picture(answer)
        low, high = answer.min(), answer.max()
        if self.view.value == STRETCH and high > low:
            answer = (answer - low) * (255 / (high - low))
        return _grey_picture(answer)

    def draw(self) -> Drawing:
        """Original and answer side by side, what is shown written beneath."""
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
            fit(picture, x, y + 19 * k, 14, line, self.PANEL)

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
