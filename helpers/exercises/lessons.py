"""The lessons' folders, and the right answers that the build found in their texts.

A lesson is a folder ``lessons/lNN_name``. Its ``lesson.json``, written by the build,
holds its title and the cell of each exercise, with blanks and what fills them. From it
come the reference that answers are judged by, the solution that a card shows, and, with
other fillings, the wrong answers that are recognised.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.cells import filled

FILE = "lesson.json"


@dataclass(frozen=True)
class Lesson:
    """One lesson's folder. What stands in it is read when it is asked for."""

    folder: Path

    @property
    def number(self) -> str:
        """Two digits; the exercises' numbers begin with them."""
        return self.folder.name[1:3]

    @cached_property
    def built(self) -> dict[str, Any]:
        """What the build wrote: title and, by exercise, cells, fillings and slides."""
        return json.loads((self.folder / FILE).read_text("utf-8"))

    @property
    def title(self) -> str:
        """What the lesson's first heading says after the number."""
        return self.built["title"]

    @cached_property
    def solved(self) -> Mapping[str, str]:
        """The solved cell of each exercise by number."""
        cells, right = self.built["cells"], self.built["fillings"]
        return {number: filled(cell, right[number]) for number, cell in cells.items()}

    def filled(self, number: str, other: str | Mapping[str | int, str]) -> str:
        """An exercise's cell with another filling: ``other``, in its only blank.

        Where there are several, ``other`` maps the right filling, or the position from
        1, to another filling. ValueError where there is no such blank.
        """
        right = self.built["fillings"][number]
        if isinstance(other, str):
            other = {1: other} if len(right) == 1 else {other: ""}
        if not {*right, *range(1, len(right) + 1)} >= {*other}:
            raise ValueError(f"{number} has the blanks {right}, not those of {other!r}")
        texts = [other.get(k, other.get(text, text)) for k, text in enumerate(right, 1)]
        return filled(self.built["cells"][number], texts)

    @property
    def shows_solutions(self) -> bool:
        """Whether cards may show the solved cells; a handout can say no."""
        return self.built.get("show_solutions", True)

    @cached_property
    def references(self) -> Mapping[str, Any]:
        """What each solved cell hands in: a function, a class, or a mapping of answers.

        The cells run one after the other in a namespace of their own, with torch, nn
        and functional: an exercise may use what an earlier one of its lesson defines.
        """
        with torch.random.fork_rng(devices=[]):  # a learner's numbers stay as drawn
            return {n: _run(cell, self._space, n) for n, cell in self.solved.items()}

    def run(self, source: str, number: str) -> Any:
        """What an exercise's cell hands in, beside the right cells of its lesson."""
        self.references  # noqa: B018 (they fill the namespace)
        return _run(source, dict(self._space), number)

    @cached_property
    def _space(self) -> dict[str, Any]:
        name = self.folder.name
        return {"torch": torch, "nn": nn, "functional": functional, "__name__": name}

    def load_checks(self) -> None:
        """Import its ``checks.py``, which enters its exercises in the engine's list."""
        importlib.import_module(f"lessons.{self.folder.name}.checks")


def _run(source: str, space: dict[str, Any], number: str) -> Any:
    handed_in: list[Any] = []

    def exercise(_number: str) -> Any:
        return lambda candidate: handed_in.append(candidate) or candidate

    def answer(_number: str, **values: Any) -> None:
        handed_in.append(values)

    space |= {"exercise": exercise, "answer": answer}
    exec(compile(source, f"<solution of {number}>", "exec"), space)
    return handed_in[0]


@cache
def lessons() -> Mapping[str, Lesson]:
    """All lessons by number, in lecture order."""
    package = importlib.import_module("lessons")
    # By a file, since git leaves the folder of a deleted lesson behind, for its caches.
    found = sorted(Path(package.__file__).parent.glob("l[0-9][0-9]_*/checks.py"))
    return {each.number: each for each in (Lesson(path.parent) for path in found)}
