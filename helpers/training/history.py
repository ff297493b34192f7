"""What a training run leaves: a row per epoch, as a table, as JSON, as a figure."""

import json
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from helpers.display import columns

FORMAT = "helpers.training record 1"  # of the file that --record writes


class Scores(NamedTuple):
    """Means over all images: the loss, and the share classified correctly (0 to 1)."""

    loss: float
    accuracy: float


class Row(NamedTuple):
    """One epoch: means over it while learning, over the test set after it."""

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float | None
    learning_rate: float  # at its start, of the optimizer's first group
    seconds: float  # the test included
    images_per_second: float  # that were learned from, in the time that took


@dataclass
class History:
    """What happened in each epoch."""

    rows: list[Row] = field(default_factory=list)

    def table(self) -> str:
        """All rows as plain text, in columns."""
        titles = "epoch", "train loss", "acc", "test loss", "acc", "lr", "s", "images/s"
        formats = "d", ".4f", ".1%", ".4f", ".1%", ".3g", ".1f", ",.0f"
        rows = [
            ["–" if x is None else format(x, form) for x, form in zip(row, formats)]
            for row in self.rows
        ]
        return columns([titles, *rows])

    def to_json(self) -> str:
        """Write all rows; `from_json` reads them back, digit for digit."""
        return json.dumps([row._asdict() for row in self.rows])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; from anything else, some exception."""
        rows = [Row(**row) for row in json.loads(text)]
        numbers = [row.epoch for row in rows]
        if text[:1] != "[" or numbers != list(range(1, len(rows) + 1)):
            raise ValueError("it is no list of epochs, numbered from 1")
        sum(value or 0 for row in rows for value in row)  # all of them numbers, or None
        return cls(rows)

    def plot(self, alt: str, title: str = "") -> None:
        """Show loss and accuracy by epoch; ``alt`` says it to those who cannot see."""
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator

        from helpers import plots

        figure, axes = plt.subplots(1, 2)
        for ax, name in zip(axes, ("loss", "accuracy")):
            for part, style in (("train", "o-"), ("test", "s--")):
                values = [getattr(row, f"{part}_{name}") for row in self.rows]
                if any(value is not None for value in values):
                    ax.plot([row.epoch for row in self.rows], values, style, label=part)
                    ax.legend()
            ax.set(xlabel="epoch", ylabel=name)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.suptitle(title or None)
        plots.show(figure, alt)
