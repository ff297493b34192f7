"""Runs that come with the course: JSON files in data/recorded.

`python -m helpers.training NETWORK --record FILE.json` writes such a file.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from helpers.training.history import FORMAT, History, Row

RECORDED = Path(__file__).resolve().parents[2] / "data" / "recorded"


class RecordError(RuntimeError):
    """A file that is no record of a run; the message says why."""


@dataclass(frozen=True)
class Record:
    """A run as it was written down when it ended."""

    name: str
    title: str  # of the data; a stand-in's says so
    history: History
    accuracy: float  # on the test set, 0 to 1
    mirrored: float | None  # the same with mirror images, where the recipe has them
    # From here on by the same names as in the file.
    date: str  # ISO 8601
    command: str
    network: str
    settings: dict[str, Any]  # the recipe's, as they were followed
    seed: int
    device: str
    processes: int
    threads: int
    finished: bool
    seconds: float  # of all epochs

    def provenance(self) -> str:
        """Where the numbers come from, in a line: data, command, device, seed, date."""
        device = self.device
        if self.processes > 1:
            device += f", {self.processes} processes"
        elif self.device.startswith("CPU"):
            device += f", {self.threads} thread{'s' * (self.threads != 1)} used"
        stopped = "" if self.finished else ", stopped early"
        return (
            f"{self.title}: recorded {self.date[:10]}{stopped}, {self.command}; "
            f"{device}; seed {self.seed}"
        )


def recordings(folder: str | Path = RECORDED) -> dict[str, Record]:
    """All runs in a folder, by name; RecordError for a file that is none."""
    return {path.stem: _read(path) for path in sorted(Path(folder).glob("*.json"))}


def _read(path: Path) -> Record:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f'its format is not "{FORMAT}"')
        history = History([Row(**row) for row in found["epochs"]])
        accuracies = found["test_accuracy"], found["test_accuracy_mirrored"]
        same = {field.name: found[field.name] for field in fields(Record)[5:]}
        return Record(path.stem, found["data"]["title"], history, *accuracies, **same)
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise RecordError(f"{path} is no record of a run ({problem!r})") from problem
