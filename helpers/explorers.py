"""What explorers share: a picture that follows its controls, controls, numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import ipywidgets
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from helpers.drawing import Drawing

Grid = Tensor | Sequence[Sequence[float]]

OWN = "your own"  # the preset's name once a number was changed by hand

DARK_GREY = "#595959"  # readable on white, which GREY is not for small text

# ColorBrewer's PuOr, as in Matplotlib: orange below zero, purple above, here with pure
# white at zero. 255 entries, so that zero has one of its own.
_PUOR = "7f3b08 b35806 e08214 fdb863 fee0b6 ffffff d8daeb b2abd2 8073ac 542788 2d004b"
_SIGNED = LinearSegmentedColormap.from_list("", [f"#{c}" for c in _PUOR.split()], 255)
SIGNED_COLOURS = _SIGNED(range(255), bytes=True)[:, :3]  # (255, 3)
_SUBSCRIPTS = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")

# ipywidgets keeps 80 pixels for a slider's number, half of a narrow slider; the slides'
# own font has no subscripts.
_CSS_CLASS = "convnets-explorer"

_CSS = (
    f"<style>.{_CSS_CLASS} .widget-readout{{min-width:44px}}"
    f".{_CSS_CLASS} :is(.widget-label,.widget-html-content)"
    "{font-family:'DejaVu Sans','Segoe UI',Arial,sans-serif}</style>"
)


class Explorer(ipywidgets.VBox):
    """Controls above a picture that follows them.

    A subclass makes its controls, hands them to ``__init__`` and defines `draw` and
    `describe`, both from the controls' present values.
    """

    def __init__(
        self, rows: Sequence[ipywidgets.Widget], watched: Sequence[ipywidgets.Widget]
    ) -> None:
        """Put rows of controls above the picture; redraw when a watched one moves."""
        self.picture = ipywidgets.HTML()
        super().__init__([*rows, self.picture])
        self.add_class(_CSS_CLASS)
        self._quiet = False
        for control in watched:
            control.observe(self._changed, "value")
        self.redraw()
        self._first = _first_sentence(self.describe())

    def draw(self) -> Drawing:
        """The picture of the controls' present values."""
        raise NotImplementedError

    def describe(self) -> str:
        """What there is to see now, with its numbers: the alternative text."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Make the picture anew from the controls' present values."""
        self.picture.value = _CSS + self.draw().svg(self.describe())

    def set_values(
        self, controls: Sequence[ipywidgets.Widget], values: Sequence[object]
    ) -> None:
        """Move several controls and redraw once."""
        self._quiet = True
        try:
            for control, value in zip(controls, values):
                control.value = value
        finally:
            self._quiet = False
        self.redraw()

    def still(self) -> dict[str, str]:
        """What a notebook without a kernel shows, by mime type."""
        image = self.draw().img(self.describe())
        return {"text/html": f"{image}<p>Run this cell to play with it.</p>"}

    def _changed(self, _change: object) -> None:
        if not self._quiet:
            self.redraw()

    def __repr__(self) -> str:
        return self._first

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, object]:
        return (super()._repr_mimebundle_(**kwargs) or {}) | self.still()


class Presets(Explorer):
    """An explorer of several numbers that a list of named presets can set."""

    def __init__(
        self,
        rows: Sequence[ipywidgets.Widget],
        presets: Mapping[str, Sequence[float]],
        preset: ipywidgets.Dropdown,
        numbers: Sequence[ipywidgets.Widget],
        others: Sequence[ipywidgets.Widget] = (),
    ) -> None:
        self.presets, self.preset, self.numbers = presets, preset, list(numbers)
        super().__init__(rows, others)
        preset.observe(self._chosen, "value")
        for number in numbers:
            number.observe(self._edited, "value")

    def values(self) -> list[float]:
        """The numbers' present values."""
        return [number.value for number in self.numbers]

    def _chosen(self, _change: object) -> None:
        if not self._quiet and self.preset.value in self.presets:
            self.set_values(self.numbers, self.presets[self.preset.value])

    def _edited(self, _change: object) -> None:
        if not self._quiet:
            now = tuple(self.values())
            names = (n for n, v in self.presets.items() if tuple(v) == now)
            self.set_values([self.preset], [next(names, OWN)])


def slider(
    text: str,
    value: int,
    least: int,
    most: int,
    width: str = "208px",
    text_width: str = "70px",
) -> ipywidgets.IntSlider:
    """A slider of whole numbers, wide enough for its words."""
    return ipywidgets.IntSlider(
        value=value,
        min=least,
        max=most,
        description=text,
        style={"description_width": text_width},
        layout={"width": width},
    )


def dropdown(
    text: str, presets: Mapping[str, object], start: str
) -> ipywidgets.Dropdown:
    """A list of presets to choose from."""
    return ipywidgets.Dropdown(
        options=[*presets, OWN],
        value=start,
        description=text,
        style={"description_width": "64px"},
        layout={"width": "300px"},
    )


def fixed(value: float, digits: int = 3) -> str:
    """A number with that many decimals, and never −0."""
    text = f"{value:.{digits}f}"
    zero = not text.strip("-0.")  # no minus sign before a rounded zero
    return text.lstrip("-") if zero else text.replace("-", "−")


def number(value: float) -> str:
    """A number with up to four digits and a proper minus sign."""
    return f"{value + 0.0:.4g}".replace("-", "−")


def sub(name: str, index: int) -> str:
    """A name with a subscript: w₋₆."""
    return name + str(index).translate(_SUBSCRIPTS)


def _first_sentence(text: str) -> str:
    """The text up to the first full stop, in the 110 characters ipywidgets leaves."""
    sentence = text.split(". ")[0].rstrip(".") + "."
    return textwrap.shorten(sentence, 110, placeholder=" …")
