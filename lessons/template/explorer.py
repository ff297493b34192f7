"""Contrast: what a factor does to four pixels."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.drawing import Drawing
from helpers.explorers import Explorer, slider


class ContrastExplorer(Explorer):
    """See `contrast_explorer`."""

    SIDE = 90

    def __init__(self, pixels: Sequence[int]) -> None:
        self.pixels = pixels
        self.factor = slider("factor", 1, 0, 6)
        super().__init__([self.factor], [self.factor])

    def values(self) -> list[int]:
        """The pixels now, cut off at 255."""
        return [min(255, self.factor.value * pixel) for pixel in self.pixels]

    def draw(self) -> Drawing:
        """The pixels in their grey, with their values below."""
        picture = Drawing(self.SIDE * len(self.pixels), self.SIDE + 30)
        for k, value in enumerate(self.values()):
            picture.cell(
                k * self.SIDE, 0, self.SIDE, fill=f"rgb({value},{value},{value})"
            )
            picture.text((k + 0.5) * self.SIDE, self.SIDE + 16, str(value))
        return picture

    def describe(self) -> str:
        """The pixels' values in words."""
        cut = sum(self.factor.value * pixel > 255 for pixel in self.pixels)
        values = ", ".join(map(str, self.values()))
        return f"Times {self.factor.value}: {values}. {cut} cut off at 255."


def contrast_explorer(pixels: Sequence[int] = (20, 40, 60, 80)) -> Explorer:
    """Choose a factor, and see pixels get brighter and further apart.

    Args:
        pixels: their values, 0 to 255.
    """
    return ContrastExplorer(pixels)


EXAMPLES = {"contrast_explorer": contrast_explorer}
