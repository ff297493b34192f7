"""Where does a network look, for which class, in which layer?"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import ipywidgets
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from helpers.data import photograph
from helpers.drawing import BLUE, GREY, ORANGE, WHITE, Drawing
from helpers.explorers import Explorer, slider
from helpers.networks import cifar_resnet
from lessons.l14_your_own.heat import laid_over

_HIDDEN = nn.Conv2d, nn.BatchNorm2d  # followed by a ReLU, whose maps are shown


class CamExplorer(Explorer):
    """See `cam_explorer`."""

    WIDTH, HEIGHT = 846, 372
    TOP, GAP = 26, 16  # above the pictures, and between them
    ROOM = 236  # height of the pictures
    BAR = 430  # length of a probability of 1

    def __init__(
        self,
        network: nn.Sequential,
        pixels: Tensor,
        images: Tensor,
        classes: Sequence[str],
        title: str,
    ) -> None:
        if len(pixels) != len(images):
            raise ValueError(f"{len(pixels)} pictures, but {len(images)} inputs")
        self.network, self.images = network, images
        self.pixels, self.classes, self.title = pixels.cpu(), list(classes), title
        self.layers = self._layers()
        options = [
            (f"{at + 1} ({K} maps, {H}×{W})", at) for at, (K, H, W) in self.layers
        ]
        wide = {"style": {"description_width": "46px"}, "layout": {"width": "270px"}}
        self.layer = ipywidgets.Dropdown(
            options=options, value=options[-1][1], description="layer", **wide
        )
        self.of = ipywidgets.Dropdown(
            options=self.classes, value=self.classes[0], description="class", **wide
        )
        self.number = slider("picture", 1, 1, len(images), "260px", "56px")
        controls = [self.number, self.of, self.layer]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def _layers(self) -> list[tuple[int, tuple[int, int, int]]]:
        """Positions of the layers that put out maps, and the maps' sizes."""
        found, x = [], self.images[:1]
        with torch.no_grad():
            for at, layer in enumerate(self.network):
                x = layer(x)
                maps = x.ndim == 4 and x.shape[2] * x.shape[3] > 1
                if maps and not isinstance(layer, _HIDDEN):
                    found.append((at, tuple(x.shape[1:])))
        return found

    def heat(self) -> Tensor:
        """Grad-CAM of the chosen class at the chosen layer: (H, W), 0 or more."""
        image = self.images[self.number.value - 1][None]
        end, k = self.layer.value + 1, self.classes.index(self.of.value)
        with torch.no_grad():
            maps = self.network[:end](image)
        maps.requires_grad_()
        score = self.network[end:](maps)[0, k]
        (slopes,) = torch.autograd.grad(score, maps)
        heat = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).relu()
        return heat[0].detach().float().cpu()

    def shares(self) -> list[float]:
        """The classes' probabilities for the chosen picture."""
        image = self.images[self.number.value - 1][None]
        with torch.no_grad():
            return self.network(image)[0].float().softmax(dim=0).tolist()

    def describe(self) -> str:
        """Class, layer and picture; where the heat is, and what the network says."""
        heat, shares = self.heat(), self.shares()
        H, W = heat.shape
        parts = [
            f"Grad-CAM for {self.of.value} in picture {self.number.value}, at layer "
            f"{self.layer.label}",
            self.title,
        ]
        if heat.max() > 0:
            row, column = divmod(int(heat.argmax()), W)
            left = (heat[:, : W // 2].sum() / heat.sum()).item()
            parts.append(
                f"Hottest in row {row + 1} of {H}, column {column + 1} of {W}; "
                f"{left:.0%} of the heat is in the left half"
            )
        else:
            parts.append("No heat anywhere: nothing speaks for this class")
        said = ", ".join(f"{n} {s:.0%}" for n, s in zip(self.classes, shares))
        return ". ".join([*parts, f"The network says: {said}"]) + "."

    def _pictures(self) -> tuple[Image.Image, Image.Image]:
        """The picture, and the same under its heat map."""
        pixels, heat = self.pixels[self.number.value - 1], self.heat()
        size = tuple(pixels.shape[1:])
        large = functional.interpolate(heat[None, None], size, mode="bilinear")[0, 0]
        return _image(pixels), _image(laid_over(pixels, large))

    def _places(self) -> list[tuple[float, float, float, float]]:
        """Left, top, width and height of the two pictures."""
        H, W = self.pixels.shape[2:]
        scale = min(self.ROOM / H, (self.WIDTH - self.GAP - 8) / 2 / W)
        width, height = scale * W, scale * H
        return [(4 + k * (width + self.GAP), self.TOP, width, height) for k in range(2)]

    def draw(self) -> Drawing:
        """Both pictures, and the classes' probabilities beneath."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        titles = self.title, f"what speaks for {self.of.value}"
        for title, place, image in zip(titles, self._places(), self._pictures()):
            x, y, width, height = place
            picture.text(x, 11, title, 14, anchor="start", bold=True, width=width)
            picture.add(
                f'<image x="{x:.1f}" y="{y}" width="{width:.1f}" '
                f'height="{height:.1f}" preserveAspectRatio="none" '
                f'href="data:image/png;base64,{_base64(image)}"/>'
            )
            picture.rect(x, y, width, height, "none", GREY, 1)
        ranked = sorted(zip(self.shares(), self.classes), reverse=True)[:4]
        top = self.TOP + self.ROOM + 14
        for k, (share, name) in enumerate(ranked):
            y = top + 24 * k
            colour = ORANGE if name == self.of.value else BLUE
            picture.text(150, y + 8, name, 13, anchor="end", width=146)
            picture.rect(158, y, max(1, self.BAR * share), 16, colour)
            at = 164 + self.BAR * share
            picture.text(at, y + 8, f"{share:.0%}", 13, anchor="start")
        return picture

    def still(self) -> dict[str, str]:
        """Both pictures as PNG: the bytes differ from machine to machine."""
        whole = Image.new("RGB", (self.WIDTH, self.TOP + self.ROOM + 8), WHITE)
        for (x, y, width, height), image in zip(self._places(), self._pictures()):
            size = (max(1, round(width)), max(1, round(height)))
            whole.paste(image.resize(size), (round(x), round(y)))
        return {"image/png": _base64(whole)}


def cam_explorer(
    network: nn.Sequential,
    pixels: Tensor,
    images: Tensor,
    classes: Sequence[str],
    title: str,
) -> Explorer:
    """Choose picture, layer and class, and see what speaks for that class. Lesson 14.

    To find out: another class has another map; the last maps are coarse and tell
    objects apart, the first are fine and show hardly more than edges.

    Args:
        network: layers that compute one after the other, (N, 3, H, W) → (N, classes).
        pixels: (N, 3, H, W) pictures to choose from, 0 to 255.
        images: the same as the network wants them, on its device.
        classes: their names.
        title: of pictures and network; a stand-in's says so.
    """
    return CamExplorer(network, pixels, images, classes, title)


def _image(pixels: Tensor) -> Image.Image:
    values = pixels.round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).contiguous().numpy())


def _base64(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _example() -> Explorer:
    """With a network that has learned nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = cifar_resnet(8, classes=2).eval()
    halves = [photograph(name, 48)[..., :48] for name in ("flower", "monument")]
    pixels = torch.stack([torch.cat(order, dim=2) for order in (halves, halves[::-1])])
    title = "flower and monument (stand-ins), an untrained ResNet-8"
    images = pixels / 128 - 1
    return cam_explorer(network, pixels, images, ("flower", "monument"), title)


EXAMPLES = {"cam_explorer": _example}
