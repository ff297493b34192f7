"""Lists of mistakes, as the checks of several lessons write them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from helpers.exercises.engine import Wrong
from helpers.exercises.lessons import lessons

Values = Mapping[str, Any]  # of an answer, by name


def in_place(rows: Mapping[str, Mapping[Any, str]]) -> dict[str, Wrong]:
    """From the right filling, or a value's name, to wrong ones with their words."""
    return {
        f"{name}: {value}".replace(" + ", "+"): Wrong({name: value}, says)
        for name, wrong in rows.items()
        for value, says in wrong.items()
    }


def in_rows(rows: str, read: Callable[[str], Any] = str) -> dict[str, Wrong]:
    """From rows of text, by key.

    A row begins "key: right → wrong", with ";" between several. ``right`` is the right
    filling, #2 for the second blank, or the name of a value, and ``read`` makes what is
    meant of ``wrong``. Below, indented, stands what is said.
    """
    found = {}
    for row in re.split(r"\n(?=\S)", textwrap.dedent(rows).strip()):
        head, *says = row.splitlines()
        key, _, changes = head.partition(": ")
        example = {}
        for right, _, wrong in (each.partition("→") for each in changes.split(";")):
            place = right.strip()
            place = int(place[1:]) if place[0] == "#" else place
            example[place] = read(wrong.strip())
        found[key] = Wrong(example, " ".join(map(str.strip, says)))
    return found


def outside(number: str, says: str, *changes: tuple[str, str]) -> Wrong:
    """A mistake that changes the solved cell outside its blanks: (right, wrong) texts.

    For what learners change although it was given.
    """
    source = lessons()[number.split(".")[0]].solved[number]
    for right, wrong in changes:
        source = source.replace(right, wrong)
    return Wrong({}, says, source=source)


def listed(
    right: Values, mistakes: Iterable[tuple[str, Values, str]]
) -> dict[str, Wrong]:
    """From (key, values, words): those alike are said together, right ones left out.

    Among the values may be right ones that the wrong one is computed from: elsewhere
    the words would not be true.
    """
    alike: dict[Hashable, dict[str, str]] = {}
    for key, values, says in mistakes:
        if any(value != right[name] for name, value in values.items()):
            alike.setdefault(tuple(values.items()), {})[key] = says
    return {
        next(iter(texts)): Wrong(
            dict(values), " Or: ".join(dict.fromkeys(texts.values()))
        )
        for values, texts in alike.items()
    }


def of_value(
    name: str, right: Any, mistakes: Mapping[str, tuple[Any, str]], **given: Any
) -> dict[str, Wrong]:
    """Mistakes in one value, by key: the wrong value, and words; see `listed`."""
    rows = [(f"{name}-{k}", given | {name: v}, w) for k, (v, w) in mistakes.items()]
    return listed(given | {name: right}, rows)


def of_values(
    right: Values, rows: Mapping[str, tuple[Values, str]]
) -> dict[str, Wrong]:
    """Mistakes in several values, and the same in each of these alone.

    What happens to be right is left out; mistakes that give the same value share a
    message. Exchanged values are a mistake only together.
    """
    wrong: dict[str, Wrong] = {}
    alone: dict[tuple[str, str], list[tuple[str, Any, str]]] = {}
    for key, (values, says) in rows.items():
        off = {name: v for name, v in values.items() if v != right[name]}
        if len(off) > 1:
            wrong[key] = Wrong(off, says)
        for name, v in off.items() if "exchanged" not in key else ():
            alone.setdefault((name, str(v)), []).append((key, v, says))
    for (name, _), found in alone.items():
        key, v, _ = found[0]
        says = " Or: ".join(each for *_, each in found)
        key = f"{key}-{name}" if key in wrong else key
        wrong[key] = Wrong({name: v}, f"`{name}`: {says}")
    return wrong
