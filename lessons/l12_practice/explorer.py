"""Which images does a trained network get wrong, and how?"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import ipywidgets
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from helpers.data import DataSet, load
from helpers.device import best_device
from helpers.drawing import BLACK, BLUE, GREY, ORANGE, WHITE, Drawing
from helpers.explorers import DARK_GREY, Explorer, slider

ANY, WRONG = "any class", "anything else"


class ErrorExplorer(Explorer):
    """See `error_explorer`."""

    WIDTH, HEIGHT = 846, 386
    LEFT, TOP, CELL = 134, 64, 26  # of the matrix
    IMAGES, SIDE, ACROSS, DOWN = 412, 112, 3, 2  # left edge, side, columns, rows
    STEP = 146, 178  # from image to image

    def __init__(
        self, data: DataSet, scores: Tensor, it_is: str | None, says: str | None
    ) -> None:
        images, labels = data.test
        count = len(data.classes)
        if tuple(scores.shape) != (len(images), count):
            raise ValueError(
                f"scores are ({len(images)}, {count}) for these images and classes, "
                f"not {tuple(scores.shape)}"
            )
        for name in (it_is, says):
            if name not in (None, *data.classes):
                raise ValueError(f"no class {name!r}; there are {data.classes}")
        self.title, self.classes = data.title, data.classes
        # One image at a time is drawn: all of them stay as they are.
        self.images, self.mean, self.std = images, data.mean, data.std
        self.labels = labels.cpu()
        self.shares = scores.detach().float().softmax(dim=1).cpu()
        self.guesses = self.shares.argmax(dim=1)
        places = self.labels * count + self.guesses
        self.counts = torch.bincount(places, minlength=count**2).view(count, count)
        self.it_is = _list("it is", [ANY, *self.classes], it_is or ANY)
        self.says = _list("it says", [WRONG, *self.classes], says or WRONG)
        self.first = slider("from image", 1, 1, 1, "300px", "80px")
        self.first.step = self.ACROSS * self.DOWN
        controls = [self.it_is, self.says, self.first]
        super().__init__([ipywidgets.HBox(controls)], controls)

    def chosen(self) -> list[int]:
        """Numbers of the images in the chosen cells, the worst first.

        The worst has the lowest probability of the right class. Images that are right
        are sorted in the same way, so that the doubtful ones come first.
        """
        return [i for _, i in sorted(self._probabilities())]

    def _probabilities(self) -> list[tuple[float, int]]:
        inside = torch.ones(len(self.labels), dtype=torch.bool)
        if self.it_is.value != ANY:
            inside &= self.labels == self.classes.index(self.it_is.value)
        if self.says.value == WRONG:
            inside &= self.guesses != self.labels
        else:
            inside &= self.guesses == self.classes.index(self.says.value)
        found = inside.nonzero()[:, 0]
        right = self.shares[found, self.labels[found]]
        return list(zip(right.tolist(), found.tolist()))

    def shown(self) -> list[int]:
        """Numbers of the images that there is room for."""
        start = self.first.value - 1
        return self.chosen()[start : start + self.ACROSS * self.DOWN]

    def redraw(self) -> None:
        """As for any explorer, after leaving a page that no longer exists."""
        quiet, self._quiet = self._quiet, True
        # Pages begin at 1, 7, 13 …: the last beginning is as far as the slider goes.
        step, count = self.first.step, len(self.chosen())
        self.first.max = 1 + step * max(0, (count - 1) // step)
        self.first.disabled = count <= step
        self._quiet = quiet
        super().redraw()

    def _lit(self, i: int, j: int) -> bool:
        """Whether the images of that cell are chosen."""
        row = self.it_is.value in (ANY, self.classes[i])
        if self.says.value == WRONG:
            return row and i != j
        return row and self.says.value == self.classes[j]

    def _question(self) -> str:
        says = self.says.value
        if self.it_is.value == says:
            return f"{says}, recognised as {says}"
        if self.it_is.value == ANY:
            return "all mistakes" if says == WRONG else f"all taken for {says}"
        return f"{self.it_is.value} taken for {says}"

    def _words(self, number: int) -> tuple[str, str, str]:
        """What an image is and is taken for, and the probabilities of both."""
        label, guess = int(self.labels[number]), int(self.guesses[number])
        sure, right = (f"{self.shares[number, k]:.0%}" for k in (guess, label))
        if label == guess:
            return f"is {self.classes[label]}", "said so", sure
        said = f"said {self.classes[guess]}"
        return f"is {self.classes[label]}", said, f"{sure} against {right}"

    def describe(self) -> str:
        """How many are right, which cells are chosen, and what is shown of them."""
        total, chosen, shown = len(self.labels), self.chosen(), self.shown()
        right = int(self.counts.trace())
        parts = [
            f"Errors of a network on {total} images of {self.title}",
            f"{right} of {total} are right, {right / total:.0%}",
            f"Chosen: {self._question()}, {_images(len(chosen))}",
        ]
        if shown:
            first = self.first.value
            parts.append(f"Shown are {first} to {first + len(shown) - 1}, worst first")
        for number in shown:
            is_it, said, sure = self._words(number)
            parts.append(f"Image {number} {is_it}, {said}, {sure}")
        return ". ".join(parts) + "."

    def draw(self) -> Drawing:
        """The matrix, and beside it the images of the chosen cells."""
        picture = Drawing(self.WIDTH, self.HEIGHT)
        right = int(self.counts.trace())
        words = f"{right} of {len(self.labels)} right"
        picture.text(
            4, 12, f"{self.title}: {words}", 15, anchor="start", bold=True, width=396
        )
        self._draw_matrix(picture)
        count = len(self.chosen())
        title = f"{self._question()}: {_images(count)}"
        width = self.WIDTH - self.IMAGES
        picture.text(self.IMAGES, 12, title, 15, anchor="start", bold=True, width=width)
        if not count:
            text = "There is no image here. Choose another cell."
            picture.text(self.IMAGES, 44, text, 14, anchor="start")
        for (x, y), number in zip(self._places(), self.shown()):
            picture.add(
                f'<image x="{x}" y="{y}" width="{self.SIDE}" height="{self.SIDE}" '
                'style="image-rendering:pixelated" '
                f'href="data:image/png;base64,{_base64(self._image(number))}"/>'
            )
            wrong = self.labels[number] != self.guesses[number]
            colour = ORANGE if wrong else BLUE
            picture.rect(x, y, self.SIDE, self.SIDE, "none", colour, 3)
            for k, words in enumerate(self._words(number)):
                y_words = y + self.SIDE + 13 + 16 * k
                picture.text(
                    x, y_words, words, 13, anchor="start", width=self.STEP[0] - 4
                )
        return picture

    def _places(self) -> list[tuple[int, int]]:
        return [
            (self.IMAGES + self.STEP[0] * column, 30 + self.STEP[1] * row)
            for row in range(self.DOWN)
            for column in range(self.ACROSS)
        ]

    def _draw_matrix(self, picture: Drawing) -> None:
        count, cell = len(self.classes), self.CELL
        picture.text(
            4,
            self.TOP - 12,
            "it is ↓   it says →",
            12,
            anchor="start",
            width=self.LEFT - 10,
        )
        for k, name in enumerate(self.classes):
            y = self.TOP + cell * (k + 0.5)
            bold = self.it_is.value == name
            picture.text(
                self.LEFT - 8,
                y,
                name,
                13,
                colour=BLACK,
                anchor="end",
                bold=bold,
                width=self.LEFT - 12,
            )
            x = self.LEFT + cell * (k + 0.5)
            bold = self.says.value == name
            picture.text(x, self.TOP - 12, name[:3], 12.5, DARK_GREY, bold=bold)
        lit = []
        for i, j, number, fill in self._cells():
            x, y = self.LEFT + cell * j, self.TOP + cell * i
            picture.rect(x, y, cell, cell, fill, "#d0d0d0", 1)
            if number:
                size = 13 if number < 100 else 10.5
                picture.text(x + cell / 2, y + cell / 2, str(number), size)
            if self._lit(i, j):
                lit.append((x, y))
        for x, y in lit if len(lit) < count * count // 2 else ():
            picture.rect(x + 1.5, y + 1.5, cell - 3, cell - 3, "none", BLUE, 3)

    def _cells(self) -> list[tuple[int, int, int, str]]:
        """Row, column, count and tint of each cell: the more mistakes, the darker."""
        wrong = self.counts.clone().fill_diagonal_(0)
        most = max(1, int(wrong.max()))
        cells = []
        for i, row in enumerate(self.counts.tolist()):
            for j, number in enumerate(row):
                part = number / most if i != j else 0
                mixed = [round(255 + part * (c - 255)) for c in (246, 190, 80)]
                fill = "#eaf2f8" if i == j else f"#{bytes(mixed).hex()}"
                cells.append((i, j, number, fill))
        return cells

    def _image(self, number: int) -> Image.Image:
        """An image in its own colours."""
        image = self.images[number] * self.std[:, None, None]
        image = (image + self.mean[:, None, None]).clamp(0, 1).cpu()
        pixels = (255 * image).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return Image.fromarray(pixels.squeeze())

    def still(self) -> dict[str, str]:
        """Matrix and images as PNG: the bytes differ from machine to machine."""
        whole = Image.new("RGB", (self.WIDTH, self.HEIGHT), WHITE)
        drawn = ImageDraw.Draw(whole)
        font = ImageFont.load_default(13)
        for i, j, number, fill in self._cells():
            x, y = self.LEFT + self.CELL * j, self.TOP + self.CELL * i
            drawn.rectangle((x, y, x + self.CELL, y + self.CELL), fill, "#d0d0d0")
            middle = (x + self.CELL / 2, y + self.CELL / 2)
            drawn.text(middle, str(number or ""), BLACK, font, "mm")
        for k, name in enumerate(self.classes):
            middle = (self.LEFT - 8, self.TOP + self.CELL * (k + 0.5))
            drawn.text(middle, name, BLACK, font, "rm")
            middle = (self.LEFT + self.CELL * (k + 0.5), self.TOP - 14)
            drawn.text(middle, name[:3], GREY, font, "mm")
        drawn.text((4, self.TOP - 14), "row seen as column", GREY, font, "lm")
        for (x, y), number in zip(self._places(), self.shown()):
            size = (self.SIDE, self.SIDE)
            tile = self._image(number).convert("RGB")
            whole.paste(tile.resize(size, Image.Resampling.NEAREST), (x, y))
            for k, words in enumerate(self._words(number)):
                at = (x, y + self.SIDE + 13 + 16 * k)
                drawn.text(at, words, BLACK, ImageFont.load_default(11), "lm")
        drawn.text((4, 12), self.title, BLACK, font, "lm")
        return {"image/png": _base64(whole)}


def error_explorer(
    data: DataSet,
    scores: Tensor,
    it_is: str | None = None,
    says: str | None = None,
) -> Explorer:
    """Choose a cell of the confusion matrix, see the images in it. Lesson 12.

    To find out: mistakes gather in a few cells; what a network gets wrong is often, but
    not always, what a person finds hard; and it can be very sure, and wrong.

    Args:
        data: its test images are shown.
        scores: (N, classes) the network's scores for the N test images.
        it_is: name of the class whose images to start with; any when None.
        says: name of the class that the network says; any wrong one when None.

    Raises:
        ValueError: when the scores are not those of all test images, or for a class
            that is not one of the data.
    """
    return ErrorExplorer(data, scores, it_is, says)


def _list(text: str, names: Sequence[str], start: str) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(
        options=list(names),
        value=start,
        description=text,
        style={"description_width": "52px"},
        layout={"width": "240px"},
    )


def _images(count: int) -> str:
    return f"{count or 'no'} image{'s' * (count != 1)}"


def _base64(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _example() -> Explorer:
    data = load("shapes", best_device(), counts=(10, 60))
    generator = torch.Generator().manual_seed(0)
    return error_explorer(data, torch.randn(60, 10, generator=generator))


EXAMPLES = {"error_explorer": _example}
