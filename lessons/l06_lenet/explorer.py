"""What each layer of a network turns a digit into."""

from __future__ import annotations

import base64
import copy
import io
import math
from collections.abc import Sequence

import ipywidgets
import torch
from PIL import Image
from torch import Tensor, nn

from helpers.data import load
from helpers.device import best_device
from helpers.drawing import BLUE, GREY, ORANGE, WHITE, Drawing
from helpers.explorers import DARK_GREY, SIGNED_COLOURS, Explorer, fixed, slider
from helpers.networks import lenet5


class MapExplorer(Explorer):
    """See `map_explorer`."""

    WIDTH, HEIGHT, TOP = 846, 352, 28
    INPUT = 150  # pixels, side of the digit
    LEFT, GAP = 196, 6  # of the maps, between them

    def __init__(
        self,
        network: nn.Sequential,
        images: Tensor,
        labels: Sequence[int] | Tensor,
        classes: Sequence[str] | None = None,
        image: int = 0,
    ) -> None:
        device = next(network.parameters()).device
        self.network = copy.deepcopy(network).eval()  # stays as it is now
        self.images = images.detach().to(device)
        self.labels = [int(label) for label in labels]
        found = self._outputs(0)
        self.classes = classes or [str(k) for k in range(found[-1][1].numel())]
        spatial = [
            (self._called(name), name) for name, output in found if output.ndim == 3
        ]
        self.number = slider("image", image, 0, len(images) - 1, "400px", "48px")
        self.layer = ipywidgets.ToggleButtons(
            options=spatial, style={"button_width": "104px"}
        )
        # A label of its own: the buttons' description takes a line for itself.
        label = ipywidgets.Label("after", layout={"width": "52px"})
        layers = ipywidgets.HBox([label, self.layer], layout={"align_items": "center"})
        super().__init__([self.number, layers], [self.number, self.layer])

    def _called(self, name: str) -> str:
        """A layer's name; with its type where the name is only a number."""
        layer = type(self.network.get_submodule(name)).__name__
        return f"{name} {layer}" if name.isdigit() else name

    def _outputs(self, number: int) -> list[tuple[str, Tensor]]:
        """Each layer's name and its output for one image, without the batch axis."""
        x, outputs = self.images[number : number + 1], []
        with torch.no_grad():
            for name, layer in self.network.named_children():
                x = layer(x)
                outputs.append((name, x[0].float().cpu()))
        return outputs

    def maps(self) -> Tensor:
        """The chosen layer's maps of the chosen image, (K, H, W)."""
        return dict(self._outputs(self.number.value))[self.layer.value]

    def shares(self) -> list[float]:
        """The network's scores for the chosen image as probabilities."""
        return self._outputs(self.number.value)[-1][1].softmax(0).tolist()

    def describe(self) -> str:
        """The digit, the layer, its maps, and what the network says."""
        K, H, W = self.maps().shape
        shares = self.shares()
        best = max(range(len(shares)), key=shares.__getitem__)
        what = self.classes[self.labels[self.number.value]]
        return (
            f"Image {self.number.value}, labelled {what}, after {self.layer.label}: "
            f"{K} maps of {H} × {W}. {self._caption()}. The network says "
            f"{self.classes[best]}, with a probability of {shares[best]:.0%}."
        )

    def _caption(self) -> str:
        maps = self.maps()
        low, high = fixed(maps.min().item(), 1), fixed(maps.max().item(), 1)
        return f"Values from {low} to {high}: orange below 0, purple above"

    def draw(self) -> Drawing:
        """The digit with the scores beneath, and beside it the maps."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        label = self.classes[self.labels[self.number.value]]
        picture.text(4, 12, f"labelled {label}", 15, anchor="start", bold=True)
        digit = _grey(self.images[self.number.value, 0].cpu())
        _place(picture, digit, 4, self.TOP, self.INPUT, self.INPUT)
        self._draw_scores(picture)
        K, H, W = self.maps().shape
        title = f"after {self.layer.label}: {K} maps of {H} × {W}"
        picture.text(self.LEFT, 12, title, 15, anchor="start", bold=True)
        for x, y, width, height, image in self._tiles():
            _place(picture, image, x, y, width, height)
            picture.rect(x, y, width, height, "none", GREY, 1)
        caption = self._caption()
        picture.text(self.LEFT, self.HEIGHT - 10, caption, 14, anchor="start")
        return picture

    def _tiles(self) -> list[tuple[float, float, float, float, Image.Image]]:
        """Place and picture of each map, all in the same colours."""
        maps = self.maps()
        K, H, W = maps.shape
        width, height = self.WIDTH - self.LEFT - 4, self.HEIGHT - self.TOP - 24

        def scale(columns: int) -> float:
            rows = math.ceil(K / columns)
            across = (width - self.GAP * (columns - 1)) / (columns * W)
            return min(across, (height - self.GAP * (rows - 1)) / (rows * H))

        columns = max(range(1, K + 1), key=scale)
        side = scale(columns)
        most = maps.abs().max().item() or 1.0
        return [
            (
                self.LEFT + (k % columns) * (W * side + self.GAP),
                self.TOP + (k // columns) * (H * side + self.GAP),
                W * side,
                H * side,
                _signed(each / most),
            )
            for k, each in enumerate(maps)
        ]

    def _draw_scores(self, picture: Drawing) -> None:
        """A bar for each class; the label's is blue, whatever the network says."""
        shares, top = self.shares(), self.TOP + self.INPUT + 30
        picture.text(4, top - 14, "the network says", 14, anchor="start")
        step = (self.HEIGHT - top - 2) / len(shares)
        for k, share in enumerate(shares):
            y = top + step * (k + 0.5)
            right = k == self.labels[self.number.value]
            size = min(13, step * 0.95)
            picture.text(12, y, self.classes[k], size, DARK_GREY)
            colour = BLUE if right else ORANGE
            picture.rect(24, y - step * 0.35, 90 * share, step * 0.7, colour)
            if share >= 0.01:
                words = f"{share:.0%}"
                picture.text(30 + 90 * share, y, words, size, anchor="start")

    def still(self) -> dict[str, str]:
        """Digit and maps as PNG: the bytes differ from machine to machine."""
        whole = Image.new("RGB", (self.WIDTH, self.HEIGHT - 24), WHITE)
        digit = _grey(self.images[self.number.value, 0].cpu())
        place = (4, self.TOP, self.INPUT, self.INPUT, digit)
        for x, y, width, height, image in [place, *self._tiles()]:
            size = (max(1, round(width)), max(1, round(height)))
            tile = image.convert("RGB").resize(size, Image.Resampling.NEAREST)
            whole.paste(tile, (round(x), round(y)))
        return {"image/png": _png(whole.crop((0, self.TOP, *whole.size)))}


def map_explorer(
    network: nn.Sequential,
    images: Tensor,
    labels: Sequence[int] | Tensor,
    classes: Sequence[str] | None = None,
    image: int = 0,
) -> Explorer:
    """Choose an image and a layer, see the layer's maps. Lesson 06.

    To find out: the first maps still look like the digit, as outlines of one direction
    each; pooling makes them coarser and keeps what they show; the later the layer, the
    less a map looks like anything, and the more it changes from one digit to another.

    Args:
        network: layers that compute one after the other, (N, C, H, W) → (N, classes).
        images: (N, C, H, W), some to choose from; the first channel is shown.
        labels: (N,) what they are, from 0.
        classes: names; the numbers when None.
        image: the one to start with.
    """
    return MapExplorer(network, images, labels, classes, image)


def _grey(values: Tensor) -> Image.Image:
    low, high = values.min(), values.max()
    part = (values - low) / (high - low).clamp(min=1e-9)
    return Image.fromarray((255 * part).round().to(torch.uint8).numpy())


def _signed(part: Tensor) -> Image.Image:
    """−1 orange, 0 white, 1 purple."""
    image = Image.fromarray((127 + 127 * part).round().to(torch.uint8).numpy())
    image.putpalette(SIGNED_COLOURS.tobytes())
    return image


def _place(
    picture: Drawing,
    image: Image.Image,
    x: float,
    y: float,
    width: float,
    height: float,
) -> None:
    picture.add(
        f'<image x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" '
        f'style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{_png(image)}"/>'
    )


def _png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _example() -> Explorer:
    """With a network that has learned nothing yet."""
    device = best_device()
    test = load("digits", device, size=32).test
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = lenet5().to(device)
    return map_explorer(network, test.images, test.labels, image=7)


EXAMPLES = {"map_explorer": _example}
