"""The lessons' folders, and the right answers that the build found in their texts.

A lesson is a folder ``lessons/lNN_name``. Its ``lesson.json``, written by the build,
holds its title and the solved cell of each exercise. From this one text come the
reference that answers are judged by and the solution that a card shows.
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
    def _built(self) -> dict[str, Any]:
        return json.loads((self.folder / FILE).read_text("utf-8"))

    @property
    def title(self) -> str:
        """What the lesson's first heading says behind the number."""
        return self._built["title"]

    @property
    def solved(self) -> Mapping[str, str]:
        """The solved cell of each exercise by number, in the lesson's order."""
        return self._built["solved"]

    @property
    def shows_solutions(self) -> bool:
        """Whether cards may show the solved cells; a handout can say no."""
        return self._built.get("show_solutions", True)

    @cached_property
    def references(self) -> Mapping[str, Any]:
        """What each solved cell hands in: a function, a class, or a mapping of answers.

        The cells run one after the other in a namespace of their own, with torch, nn
        and functional: an exercise may use what an earlier one of its lesson defines.
        """
        handed_in: dict[str, Any] = {}

        def exercise(number: str) -> Any:
            return lambda right: handed_in.setdefault(number, right)

        def answer(number: str, **values: Any) -> None:
            handed_in[number] = values

        space = {"torch": torch, "nn": nn, "functional": functional}
        space |= {"exercise": exercise, "answer": answer, "__name__": self.folder.name}
        with torch.random.fork_rng(devices=[]):  # a learner's numbers stay as drawn
            for number, source in self.solved.items():
                exec(compile(source, f"<solution of {number}>", "exec"), space)
        return handed_in

    def load_checks(self) -> None:
        """Import its ``checks.py``, which enters its exercises in the engine's list."""
        importlib.import_module(f"lessons.{self.folder.name}.checks")


@cache
def lessons() -> Mapping[str, Lesson]:
    """All lessons by number, in lecture order."""
    package = importlib.import_module("lessons")
    # By a file, since git leaves the folder of a deleted lesson behind, for its caches.
    found = sorted(Path(package.__file__).parent.glob("l[0-9][0-9]_*/checks.py"))
    return {each.number: each for each in (Lesson(path.parent) for path in found)}
