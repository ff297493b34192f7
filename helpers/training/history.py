"""What a training leaves: one row an epoch, as a table, as JSON, as a figure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Scores(NamedTuple):
    """Means over all images: the loss, and the part classified correctly (0 to 1)."""

    loss: float
    accuracy: float


class Row(NamedTuple):
    """One epoch: means over it while learning, over the test set after it.

    ``seconds`` is the whole epoch, the test included; ``images_per_second`` counts
    images learned from, in the time that took. The learning rate is that of the
    optimizer's first group. Epochs count from 1.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float | None
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass
class History:
    """What happened in each epoch."""

    rows: list[Row] = field(default_factory=list)

    @property
    def best(self) -> Row:
        """The row of highest test accuracy; of train accuracy without a test set."""
        if not self.rows:
            raise ValueError("no epoch is finished yet, so none is the best")
        tested = [row for row in self.rows if row.test_accuracy is not None]
        if tested:
            return max(tested, key=lambda row: row.test_accuracy)
        return max(self.rows, key=lambda row: row.train_accuracy)

    def table(self) -> str:
        """All rows as plain text, in columns."""
        titles = "epoch", "train loss", "acc", "test loss", "acc", "lr", "s", "images/s"
        formats = "d", ".4f", ".1%", ".4f", ".1%", ".3g", ".1f", ",.0f"
        lines = [
            [
                "–" if value is None else format(value, f)
                for value, f in zip(row, formats)
            ]
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(titles, *lines)]
        return "\n".join(
            "  ".join(text.rjust(width) for text, width in zip(line, widths))
            for line in (titles, *lines)
        )

    def to_json(self) -> str:
        """Write all rows; `from_json` reads them back, digit for digit."""
        return json.dumps([row._asdict() for row in self.rows])

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what `to_json` wrote."""
        return cls([Row(**row) for row in json.loads(text)])

    def plot(self, alt: str, title: str = "") -> None:
        """Show loss and accuracy by epoch.

        Args:
            alt: what there is to see, for those who cannot.
            title: names the data set, a stand-in in particular.
        """
        from helpers import plots

        plots.show(self._figure(title), alt)

    def _figure(self, title: str = "") -> Any:
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator

        figure, axes = plt.subplots(1, 2)
        epochs = [row.epoch for row in self.rows]
        for ax, name in zip(axes, ("loss", "accuracy")):
            for part, style in (("train", "o-"), ("test", "s--")):
                values = [getattr(row, f"{part}_{name}") for row in self.rows]
                if any(value is not None for value in values):
                    ax.plot(epochs, values, style, label=part)
                    ax.legend()
            ax.set(xlabel="epoch", ylabel=name)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.suptitle(title or None)
        return figure
