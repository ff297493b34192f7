"""How much of the gradient reaches the first layer?"""

from __future__ import annotations

import math

import ipywidgets
import torch

from helpers.drawing import BLACK, BLUE, GREY, ORANGE, PALE_GREY, RED, Drawing
from helpers.explorers import DARK_GREY, Explorer, slider

SLOPES = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
}
WIDTH, IMAGES = 32, 32  # neurons of each layer, inputs in the batch


def gradient_norms(
    depth: int, activation: str, shortcuts: bool = False, scale: float = 1.0
) -> list[float]:
    """Norm of the gradient before each layer of a dense network, and 1 above the last.

    Each of ``depth`` layers computes x → f(W·x) or, with shortcuts, x → x + f(W·x), all
    32 wide. The weights are random, of standard deviation ``scale`` / √32; the gradient
    that comes in above the last layer is random, too.

    Args:
        depth: number of layers.
        activation: "sigmoid", "tanh" or "ReLU".
        shortcuts: whether each layer adds its input to its output.
        scale: 1 makes W·x about as large as x; √2 is He's start.

    Returns:
        (depth + 1,) norms of ∂L/∂x₀ … ∂L/∂x_depth, divided by the last.
    """
    generator = torch.Generator().manual_seed(11)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    function = SLOPES[activation]
    values = [random(IMAGES, WIDTH).requires_grad_()]
    above = random(IMAGES, WIDTH)
    for _ in range(depth):
        out = function(values[-1] @ (random(WIDTH, WIDTH) * (scale / WIDTH**0.5)))
        values.append(values[-1] + out if shortcuts else out)
    found = torch.autograd.grad(values[-1], values, above)
    return [(each.norm() / above.norm()).item() for each in found]


class GradientExplorer(Explorer):
    """See `gradient_explorer`."""

    WIDTH, HEIGHT = 846, 348
    LEFT, RIGHT, TOP, BOTTOM = 70, 830, 74, 306  # the plot's frame
    LOW, HIGH = -14, 8  # powers of ten that are shown
    DEEPEST = 50

    def __init__(
        self, depth: int, activation: str, shortcuts: bool, scale: float
    ) -> None:
        self.depth = slider("layers", depth, 1, self.DEEPEST, text_width="52px")
        self.activation = ipywidgets.Dropdown(
            options=list(SLOPES),
            value=activation,
            description="activation",
            style={"description_width": "76px"},
            layout={"width": "190px"},
        )
        self.shortcuts = ipywidgets.Checkbox(
            value=shortcuts,
            description="shortcuts",
            indent=False,
            layout={"width": "110px"},
        )
        self.scale = ipywidgets.FloatSlider(
            value=scale,
            min=0.1,
            max=3.0,
            step=0.1,
            readout_format=".1f",
            description="start, scale",
            style={"description_width": "84px"},
            layout={"width": "260px"},
        )
        controls = [self.depth, self.activation, self.shortcuts, self.scale]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def norms(self) -> list[float]:
        """See `gradient_norms`, for the controls' present values."""
        return gradient_norms(
            self.depth.value,
            self.activation.value,
            self.shortcuts.value,
            self.scale.value,
        )

    def redraw(self) -> None:
        """Compute once, for the picture and for its text."""
        self._norms = self.norms()
        super().redraw()

    def describe(self) -> str:
        """What is left at the input, as a power of ten."""
        depth, kind = self.depth.value, "with" if self.shortcuts.value else "without"
        layers = "1 layer" if depth == 1 else f"{depth} layers"
        return (
            f"{layers} of {self.activation.value} {kind} shortcuts, "
            f"scale {self.scale.value:.1f}: {self._verdict()}. One bar for "
            "each layer from the first (left) to the last, on a logarithmic scale; "
            "above the last layer the gradient's norm is 1."
        )

    def _verdict(self) -> str:
        value = self._norms[0]
        exponent = math.log10(value) if value else -math.inf
        if abs(exponent) < 0.5:
            return "the gradient roughly keeps its size"
        if exponent < -300:
            return "nothing of the gradient is left"
        power = _raised(round(exponent))
        if exponent < 0:
            return f"about 10{power} of the gradient is left"
        return f"the gradient grows about 10{power}-fold"

    def draw(self) -> Drawing:
        """Bars up or down from 1, and what they mean."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        verdict = self._verdict()
        title = f"{verdict[0].upper()}{verdict[1:]} at the input."
        picture.text(self.LEFT, 14, title, 17, BLACK,
                     "start", bold=True)  # fmt: skip
        formula = "x + f(W·x)" if self.shortcuts.value else "f(W·x)"
        words = f"each layer: x → {formula}, f = {self.activation.value}"
        picture.text(self.LEFT, 40, words, 14, DARK_GREY, "start")
        self._draw_axes(picture)
        self._draw_bars(picture)
        return picture

    def _height(self, exponent: float) -> float:
        part = (exponent - self.LOW) / (self.HIGH - self.LOW)
        return self.BOTTOM - part * (self.BOTTOM - self.TOP)

    def _draw_axes(self, picture: Drawing) -> None:
        for power in range(self.LOW, self.HIGH + 1, 2):
            y = self._height(power)
            colour = GREY if power == 0 else PALE_GREY
            picture.line([(self.LEFT, y), (self.RIGHT, y)], colour, 1)
            label = f"10{_raised(power)}" if power else "1"
            picture.text(self.LEFT - 8, y, label, 12, DARK_GREY, "end")
        y = (self.TOP + self.BOTTOM) / 2
        picture.add(f'<g transform="rotate(-90 14 {y})">')
        picture.text(14, y, "gradient’s norm", 13, DARK_GREY)
        picture.add("</g>")
        below = self.BOTTOM + 16
        picture.text(self.LEFT, below, "before the first layer", 13, DARK_GREY, "start")
        last = "before the last, layer " + str(self.depth.value)
        picture.text(self.RIGHT, below, last, 13, DARK_GREY, "end")
        middle = (self.LEFT + self.RIGHT) / 2
        picture.text(middle, below, "← the way back", 13, DARK_GREY)

    def _draw_bars(self, picture: Drawing) -> None:
        norms = self._norms[:-1]
        pitch = (self.RIGHT - self.LEFT) / len(norms)
        width = min(0.8 * pitch, 40.0)
        one = self._height(0)
        for k, norm in enumerate(norms):
            exponent = math.log10(norm) if norm else -math.inf
            inside = min(max(exponent, self.LOW), self.HIGH)
            y = self._height(inside)
            x = self.LEFT + (k + 0.5) * pitch - width / 2
            colour = BLUE if exponent < 0 else ORANGE
            picture.rect(x, min(y, one), width, max(abs(y - one), 1), colour)
            if inside != exponent:  # goes on outside the picture
                edge = y - 3 if exponent > 0 else y
                picture.rect(x, edge, width, 3, RED)


def gradient_explorer(
    depth: int = 10,
    activation: str = "sigmoid",
    shortcuts: bool = False,
    scale: float = 1.0,
) -> Explorer:
    """Follow the gradient back through a deep network. Lesson 11.

    To find out: behind sigmoids the gradient vanishes, whatever the weights; behind
    ReLU it keeps its size at one scale only, √2 (He's), and vanishes or explodes at all
    others; shortcuts stop it from vanishing, but not from exploding.

    Args:
        depth: number of layers, 1 to 50.
        activation: "sigmoid", "tanh" or "ReLU".
        shortcuts: whether each layer adds its input to its output.
        scale: of the starting weights, 0.1 to 3; 1 makes W·x about as large as x.
    """
    return GradientExplorer(depth, activation, shortcuts, scale)


_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _raised(power: int) -> str:
    return str(power).translate(_SUPERSCRIPTS)


EXAMPLES = {"gradient_explorer": lambda: gradient_explorer(depth=20)}
