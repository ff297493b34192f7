"""Figures: one style, sizes that fit a slide, and a text for those who cannot see them.

Every figure is shown by `show`, which demands that text. The notebook then holds an
image with an alternative text (HTML, so that screen readers say it in JupyterLab), and
the same text as plain text, which is what CI compares.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from helpers import display
from helpers.drawing import COLOURS, GREY, PALE_ORANGE, Drawing, svg_image
from helpers.moved import __getattr__  # noqa: F401 (show_positions, once of this module)

WIDTH = 8.4  # inches: 840 pixels on the page


def use_style() -> None:
    """Draw all figures of this session in the course's style."""
    plt.style.use(Path(__file__).with_suffix(".mplstyle"))
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)


def show(figure: Figure | Drawing, alt: str) -> None:
    """Show a figure and close it; ValueError without a text of what there is to see."""
    if not alt.strip():
        raise ValueError("a figure needs an alt text: say what there is to see")
    if isinstance(figure, Drawing):
        display.show(alt, figure.img(alt))
    else:
        display.show(alt, html_image(figure, alt), _png(figure))


def html_image(figure: Figure, alt: str) -> str:
    """A Matplotlib figure as an SVG image, sharp at any size, with its alt text."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    svg = re.sub(
        r'(?<=image/png;base64,)[^"]+',
        lambda found: _smaller(base64.b64decode(found[0])),
        buffer.getvalue(),
    )
    return svg_image(svg, round(figure.get_figwidth() * 100), alt)


def _png(figure: Figure) -> str:
    """The same as a PNG, for programs that show no HTML."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return _smaller(buffer.getvalue())


def _smaller(png: bytes) -> str:
    """A PNG (as base64) in 256 colours: it looks the same in a third of the space."""
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    buffer = io.BytesIO()
    image.convert("RGB").quantize(256).save(buffer, format="png", compress_level=8)
    return base64.b64encode(buffer.getvalue()).decode()


def show_lines(
    x: Sequence[float] | Tensor,
    lines: Mapping[str, Sequence[float] | Tensor],
    alt: str,
    xlabel: str,
    ylabel: str,
    dots: Sequence[str] = (),
) -> None:
    """Plot lines over a common axis, with a legend.

    Args:
        x: (n,) positions. A shorter line belongs to the last of them.
        lines: label → (≤ n,) values.
        alt: what there is to see.
        xlabel: of the axis, with its unit.
        ylabel: of the axis, with its unit.
        dots: labels of those drawn as dots without a line (measurements).
    """
    figure, ax = plt.subplots()
    styles = ("-", "--", "-.", ":")
    for position, (label, values) in enumerate(lines.items()):
        both = (x[len(x) - len(values) :], values)
        shown = [torch.as_tensor(v).detach().cpu() for v in both]
        if label in dots:
            ax.plot(*shown, "o", color=GREY, label=label, zorder=1)
        else:
            ax.plot(*shown, styles[position % 4], label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    show(figure, alt)


def show_images(
    images: Mapping[str, Tensor],
    alt: str,
    signed: bool = False,
    limits: tuple[float, float] | None = None,
    columns: int | None = None,
    height: float = 2.6,
) -> None:
    """Show pictures side by side under their titles.

    Args:
        images: title → (H, W) grey or (3, H, W) colour, 0 to 255.
        alt: what there is to see.
        signed: values below and above zero get two colours, zero is white.
        limits: values shown as black and white; each picture's own when None.
        columns: pictures in a row; all in one row when None.
        height: of a row, in inches.
    """
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, height * rows), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, (title, image) in zip(axes.flat, images.items()):
        image = torch.as_tensor(image).detach().cpu()
        if image.ndim == 3:
            ax.imshow(image.permute(1, 2, 0).clamp(0, 255) / 255)
        elif signed:
            most = image.abs().max().item() or 1.0
            ax.imshow(image, cmap="PuOr", vmin=-most, vmax=most)
        else:
            low, high = limits or (image.min().item(), image.max().item())
            ax.imshow(image, cmap="gray", vmin=low, vmax=high)
        ax.set_title(title)
    show(figure, alt)


def show_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table; its plain-text form, in columns, is what CI compares.

    Args:
        head: titles of the columns.
        rows: as many entries each; floats are written with up to four digits.
    """
    texts = [[_entry(value) for value in row] for row in rows]
    plain = display.columns([list(head), *texts])
    display.show(plain, display.table(head, texts))


def _entry(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")  # a narrow no-break space
    return f"{value:.4g}"


def show_grids(
    grids: Mapping[str, Tensor | Sequence[Sequence[object]]],
    alt: str,
    side: float = 42,
    lit: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> None:
    """Show small grids of numbers or letters side by side.

    Args:
        grids: title → (H, W) numbers, or rows of texts.
        alt: what there is to see.
        side: of a cell, in pixels.
        lit: title → cells (row, column) to tint.
    """
    rows = {title: _texts(grid) for title, grid in grids.items()}
    gap, top = 36, 34
    widths = [max(side * len(grid[0]), 9.0 * len(name)) for name, grid in rows.items()]
    height = max(len(grid) for grid in rows.values()) * side
    drawing = Drawing(sum(widths) + gap * (len(rows) - 1) + 4, top + height + 4)
    x = 2.0
    for (title, grid), width in zip(rows.items(), widths):
        drawing.text(x + width / 2, 14, title, 15, bold=True)
        left = x + (width - side * len(grid[0])) / 2
        drawing.grid(left, top, grid, side)
        for i, j in (lit or {}).get(title, ()):
            at = (left + j * side, top + i * side)
            drawing.cell(*at, side, grid[i][j], PALE_ORANGE)
        x += width + gap
    show(drawing, alt)


def _texts(grid: Tensor | Sequence[Sequence[object]]) -> list[list[str]]:
    rows = grid.tolist() if isinstance(grid, Tensor) else grid
    return [[f"{v:g}" if isinstance(v, float) else str(v) for v in r] for r in rows]
