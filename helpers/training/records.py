"""Runs that come with the course: JSON files in data/recorded. Lesson 12.

    run = recorded("resnet20_fast")
    print(run.provenance())
    print(run.history.table())

`python -m helpers.training NETWORK --record FILE.json` writes such a file.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.training.history import History, Row

FORMAT = "helpers.training record 1"
RECORDED = Path(__file__).resolve().parents[2] / "data" / "recorded"

_NUMBER, _TEXT = (int, float), (str,)
_MAYBE = (*_NUMBER, type(None))
_FIELDS: dict[str, tuple[type, ...]] = {
    "date": _TEXT,
    "command": _TEXT,
    "network": _TEXT,
    "parameters": (int,),
    "data": (dict,),
    "recipe": _TEXT,
    "settings": (dict,),
    "seed": (int,),
    "device": _TEXT,
    "processes": (int,),
    "threads": (int,),
    "finished": (bool,),
    "epochs": (list,),
    "test_accuracy": _NUMBER,
    "test_accuracy_mirrored": _MAYBE,
    "seconds": _NUMBER,
}
_ROW = dict.fromkeys(Row._fields, _NUMBER) | {
    "epoch": (int,),
    "test_loss": _MAYBE,
    "test_accuracy": _MAYBE,
}
_PRIVATE = {"--record", "--checkpoint", "--folder"}  # each has a path behind it
_TOLD = {"--note"}  # stands in the title
_NO_MATTER = {"--resume", "--quiet"}


class RecordError(RuntimeError):
    """A file that is no record of a run, told in a sentence."""


@dataclass(frozen=True)
class Record:
    """A run as it was written down when it ended.

    ``title`` names the data, a stand-in as one. The accuracies are parts of the test
    set, from 0 to 1; ``mirrored`` is that with mirror images, where the recipe has
    them. ``seconds`` are those of all epochs.
    """

    name: str
    network: str
    parameters: int
    title: str
    recipe: str
    settings: Mapping[str, Any]  # the recipe's, as they were followed
    seed: int
    device: str
    processes: int
    threads: int
    command: str
    date: str  # YYYY-MM-DD
    finished: bool
    accuracy: float
    mirrored: float | None
    seconds: float
    history: History

    def provenance(self) -> str:
        """Where the numbers come from, in a line: data, command, device, seed, date."""
        device = self.device
        if self.processes > 1:
            device += f", {self.processes} processes"
        elif self.device.startswith("CPU"):
            device += f", {self.threads} thread{'s' * (self.threads != 1)} used"
        stopped = "" if self.finished else ", stopped early"
        return (
            f"{self.title}: recorded {self.date}{stopped}, {self.command}; "
            f"{device}; seed {self.seed}"
        )


def recorded(name: str, folder: str | Path | None = None) -> Record:
    """A run that was recorded.

    Args:
        name: of the file, without ".json".
        folder: where it lies; data/recorded unless given.

    Raises:
        FileNotFoundError: where there is none of that name; tells which there are.
        RecordError: when the file is damaged or something else.
    """
    folder = Path(folder or RECORDED)
    path = folder / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = ", ".join(names(folder)) or "none"
        raise FileNotFoundError(
            f"no run is recorded as {name!r} in {folder}; recorded: {there}. To record "
            f"one: python -m helpers.training resnet20 --record {path}"
        ) from None
    except UnicodeDecodeError as error:
        raise RecordError(f"{path} is no text ({error.reason}).") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return _record(name, json.loads(text))
    except json.JSONDecodeError as error:
        raise RecordError(
            f"{path} is damaged: no JSON from line {error.lineno} on."
        ) from error
    except (_WrongError, RecursionError) as error:
        raise RecordError(f"{path} is no record of a training: {error}.") from error


def names(folder: str | Path | None = None) -> list[str]:
    """Names of the runs that are there, in order; none where there is no folder."""
    return sorted(path.stem for path in Path(folder or RECORDED).glob("*.json"))


def recordings(folder: str | Path | None = None) -> dict[str, Record]:
    """All runs that are there, by name."""
    return {name: recorded(name, folder) for name in names(folder)}


def public_command(text: str) -> str:
    """The command without what decides nothing: files of the one who ran it."""
    try:
        words = iter(shlex.split(text))
    except ValueError:  # quotes that never close
        return text
    kept = []
    for word in words:
        option = word.partition("=")[0]
        if option in _PRIVATE | _TOLD:
            if option == word:
                next(words, None)
        elif word not in _NO_MATTER:
            kept.append(word)
    return shlex.join(kept)


class _WrongError(Exception):
    pass


def _record(name: str, found: Any) -> Record:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _WrongError(f'"format" should be "{FORMAT}"')
    _check(found, _FIELDS, "")
    _check(found["data"], {"title": _TEXT}, "data: ")
    for number, row in enumerate(found["epochs"], 1):
        where = f"epoch {number}: "
        if not isinstance(row, dict):
            raise _WrongError(f"{where}not a row")
        _check(row, _ROW, where)
        if row["epoch"] != number:
            raise _WrongError(f"{where}numbered {row['epoch']}")
    rows = [Row(*(row[key] for key in Row._fields)) for row in found["epochs"]]
    same = "network", "parameters", "recipe", "settings", "seed", "device"
    same += "processes", "threads", "finished", "seconds"
    return Record(
        name=name,
        title=found["data"]["title"],
        command=public_command(found["command"]),
        date=found["date"][:10],
        accuracy=found["test_accuracy"],
        mirrored=found["test_accuracy_mirrored"],
        history=History(rows),
        **{key: found[key] for key in same},
    )


def _check(found: dict, fields: Mapping[str, tuple[type, ...]], where: str) -> None:
    for key, kinds in fields.items():
        if key not in found:
            raise _WrongError(f'{where}"{key}" is missing')
        value = found[key]
        # True is an int to Python, and no number of epochs.
        if not isinstance(value, kinds) or (
            isinstance(value, bool) and bool not in kinds
        ):
            raise _WrongError(f'{where}"{key}" cannot be {value!r:.40}')
