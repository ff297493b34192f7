"""What a teacher reads: a table, CSV, JSON, one page, feedback, gradebooks.

Everything that comes from a submission (names, code, what it printed) is text here: it
is escaped in the page, and in CSV no spreadsheet takes it for a formula.
"""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.display import columns
from helpers.exercises import engine
from helpers.files import replaced
from tools.grading.judge import Grade
from tools.grading.submissions import Submission, printable

HEADER = ["file", "passed", "wrong", "blank", "remark"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Rubric:
    """How many points an exercise gives, and when work is late.

    A TOML file: ``due = 2026-12-01T18:00:00Z``; ``[points]`` by exercise, and
    ``default``; ``[partial]``, the share of its points that a wrong answer gets:
    by ``"03.3"`` or ``"03.3 precedence"`` (a misconception), ``known`` (any that is
    recognised) or ``wrong`` (any).
    """

    points: Mapping[str, float] = field(default_factory=dict)
    partial: Mapping[str, float] = field(default_factory=dict)
    due: datetime | None = None

    @classmethod
    def read(cls, file: Path) -> Rubric:
        """Read a rubric; ValueError says what in it is not understood."""
        found = tomllib.loads(file.read_text("utf-8"))
        if odd := found.keys() - {"points", "partial", "due"}:
            raise ValueError(f"{file.name}: {', '.join(sorted(odd))} is not known")
        due = found.get("due")
        if due is not None and not isinstance(due, datetime):
            raise ValueError(f"{file.name}: due is a date and a time")
        if due is not None and due.tzinfo is None:
            due = due.astimezone()
        for name in ("points", "partial"):
            for key, value in found.get(name, {}).items():
                if not isinstance(value, int | float) or value < 0:
                    raise ValueError(f"{file.name}: {name} of {key} is no number")
                if key not in ("default", "known", "wrong"):
                    number, _, wrong = key.partition(" ")
                    try:
                        known = engine.get(number)
                    except KeyError as error:
                        raise ValueError(f"{file.name}: {error.args[0]}") from None
                    if wrong and wrong not in known.wrong:
                        raise ValueError(f"{file.name}: {number} has no {wrong!r}")
        return cls(found.get("points", {}), found.get("partial", {}), due)

    def most(self, number: str) -> float:
        """Points of an exercise that is right."""
        return self.points.get(number, self.points.get("default", 1))

    def of(self, number: str, outcome: str) -> float:
        """Points of an exercise with that outcome."""
        if outcome == "passed":
            return self.most(number)
        if not outcome.startswith("wrong"):
            return 0.0
        _, key = parts(outcome)
        names = [f"{number} {key}", number, *(["known"] if key else []), "wrong"]
        share = next((self.partial[n] for n in names if n in self.partial), 0.0)
        return self.most(number) * min(share, 1.0)

    def is_late(self, submission: Submission) -> bool:
        """Whether it says so itself, or was saved after it was due."""
        after = self.due and submission.time and submission.time > self.due
        return submission.late or bool(after)


def parts(outcome: str) -> tuple[str, str]:
    """An outcome without its misconception, and that: known keys only."""
    word, _, key = outcome.partition(" (")
    return word, key.removesuffix(")")


Rows = Sequence[tuple[Submission, Grade]]


def table(grades: Iterable[Grade]) -> str:
    """The rows in columns, without the columns that are empty."""
    rows = [HEADER, *(map(printable, grade.row()) for grade in grades)]
    rows = [list(row) for row in rows]
    used = [i for i in range(len(HEADER)) if any(row[i] for row in rows[1:])]
    return columns([[row[i] for i in used] for row in rows], "<")


# --- Files ----------------------------------------------------------------------------


def defused(value: Any) -> Any:
    """What a spreadsheet shows as it is, whatever it begins with."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def write(file: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def _as_csv(rows: Iterable[Sequence[Any]]) -> str:
    target = io.StringIO()
    csv.writer(target).writerows([defused(value) for value in row] for row in rows)
    return "\ufeff" + target.getvalue()


def write_csv(file: Path, rows: Rows, rubric: Rubric) -> None:
    """Write one row per notebook and exercise, for a spreadsheet."""
    head = [
        "file",
        "exercise",
        "outcome",
        "misconception",
        "remark",
        "student",
        "points",
        "late",
    ]
    lines: list[list[Any]] = [head]
    for submission, grade in rows:
        late = "late" if rubric.is_late(submission) else ""
        end = [grade.problem, submission.student]
        for number, outcome in grade.outcome.items():
            points = rubric.of(number, outcome)
            found = [grade.file, number, *parts(outcome)]
            lines.append([*found, *end, points, late])
        if not grade.outcome:
            lines.append([grade.file, "", "", "", *end, "", late])
    write(file, _as_csv(lines))


@dataclass
class Student:
    """All that one student handed in: the best points for each exercise."""

    name: str
    key: str = ""
    late: bool = False
    files: list[str] = field(default_factory=list)
    points: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Points in all."""
        return round(sum(self.points.values()), 2)


def students(rows: Rows, rubric: Rubric) -> list[Student]:
    """The class, by name."""
    found: dict[tuple[str, str], Student] = {}
    for submission, grade in rows:
        who = submission.student, submission.key
        student = found.setdefault(who, Student(*who))
        student.files.append(grade.file)
        student.late |= rubric.is_late(submission)
        for number, outcome in grade.outcome.items():
            points = rubric.of(number, outcome)
            student.points[number] = max(points, student.points.get(number, 0.0))
    return sorted(found.values(), key=lambda each: (each.name.casefold(), each.key))


def asked(rows: Rows) -> list[str]:
    """The exercises of all notebooks, in the order of the lessons."""
    return list(dict.fromkeys(n for _, grade in rows for n in grade.outcome))


def most(rows: Rows, rubric: Rubric) -> float:
    """The points of somebody who solves all that was handed in by anybody."""
    return round(sum(map(rubric.most, asked(rows))), 2)


def write_json(file: Path, rows: Rows, rubric: Rubric, about: Mapping) -> None:
    """Write all there is, for programs."""
    books = [
        {
            "file": grade.file,
            "student": submission.student,
            "late": rubric.is_late(submission),
            "remark": grade.problem,
            "exercises": {
                number: {
                    "outcome": parts(outcome)[0],
                    "misconception": parts(outcome)[1] or None,
                    "points": rubric.of(number, outcome),
                }
                for number, outcome in grade.outcome.items()
            },
        }
        for submission, grade in rows
    ]
    found = {**about, "points": most(rows, rubric), "notebooks": books}
    write(file, json.dumps(found, indent=1, ensure_ascii=True) + "\n")


def write_moodle(file: Path, rows: Rows, rubric: Rubric) -> None:
    """Write Moodle's offline grading worksheet: known by the folders' numbers."""
    lines: list[list[Any]] = [
        ["Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments"]
    ]
    for each in students(rows, rubric):
        key = f"Participant {each.key}" if each.key else ""
        said = "late" if each.late else ""
        lines.append([key, each.name, each.total, most(rows, rubric), said])
    write(file, _as_csv(lines))


def write_canvas(file: Path, rows: Rows, rubric: Rubric, title: str) -> None:
    """Write Canvas's gradebook: known by the numbers in the files' names."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
    lines: list[list[Any]] = [head]
    lines.append(["    Points Possible", "", "", "", "", most(rows, rubric)])
    for each in students(rows, rubric):
        lines.append([each.name, each.key, "", "", "", each.total])
    write(file, _as_csv(lines))


def write_feedback(folder: Path, rows: Rows, rubric: Rubric) -> None:
    """Write each student's cards: a text for each notebook, by its own path."""
    used: set[str] = set()
    for _, grade in rows:
        lines = [grade.file, ""]
        if grade.problem:
            lines += [grade.problem, ""]
        for number, outcome in grade.outcome.items():
            points = f"{rubric.of(number, outcome):g} of {rubric.most(number):g} points"
            card = grade.cards.get(number) or f"○ {engine.get(number).heading}"
            said = "" if number in grade.cards else f"\n  {outcome}"
            lines += [f"{card}{said}\n  {points}", ""]
        name = re.sub(r"[^\w.,() -]+", "_", grade.file.removesuffix(".ipynb"))
        name = name.encode()[-150:].decode("utf-8", "ignore")  # systems count bytes
        first = name = name.strip(". ") or "notebook"
        again = itertools.count(2)
        while name.casefold() in used:  # whatever others are called
            name = f"{first} {next(again)}"
        used.add(name.casefold())
        text = "\n".join(map(printable, "\n".join(lines).split("\n")))
        write(folder / f"{name}.txt", text)


# --- One page -------------------------------------------------------------------------

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em;
  padding: 0 1em; color: #1b1b1b; background: #fff }
table { border-collapse: collapse; margin: 1em 0 } div.wide { overflow-x: auto }
th, td { border: 1px solid #bbb; padding: .2em .4em; text-align: left }
tr > th:first-child { position: sticky; left: 0; background: #fff }
td.n { text-align: center; min-width: 1.6em }
.passed { background: #cfe8cf } .wrong { background: #f6d5c9 } .blank { color: #666 }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; max-height: 24em }
summary { cursor: pointer }
"""
_MARKS = {"passed": "✓", "wrong": "✗", "blank": "○", "missing": "–", "not run": "…"}


def page(rows: Rows, rubric: Rubric, about: Mapping[str, str]) -> str:
    """One page that needs nothing else: who, what, why, and what to talk about."""
    wrong: dict[tuple[str, str], list[tuple[Submission, Grade]]] = defaultdict(list)
    for row in rows:
        for number, outcome in row[1].outcome.items():
            word, key = parts(outcome)
            if word == "wrong":
                wrong[number, key].append(row)
    told = "".join(f"<li>{_text(k)}: {_text(v)}</li>" for k, v in about.items())
    sections = [
        f"<h1>Handed in: {len(rows)} notebooks</h1><ul>{told}</ul>",
        f"<h2>What to talk about tomorrow</h2>{_tomorrow(rows, wrong)}",
        f"<h2>Who solved what</h2>{_who(rows, rubric)}",
        f"<h2>Misconceptions</h2>{_heat(rows, wrong)}",
        f"<h2>The answers behind them</h2>{_answers(wrong)}",
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Handed in</title><style>{_STYLE}</style></head><body>"
        f"{''.join(sections)}</body></html>\n"
    )


def _text(value: Any) -> str:
    text = str(value).encode("utf-8", "replace").decode()
    kept = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return html.escape(kept)


def _who(rows: Rows, rubric: Rubric) -> str:
    numbers = asked(rows)
    best = {(each.name, each.key): each for each in students(rows, rubric)}
    head = "".join(f"<th>{_text(number)}</th>" for number in numbers)
    lines = []
    for submission, grade in rows:
        cells = []
        for number in numbers:
            word, key = parts(grade.outcome.get(number, ""))
            title = f"{number}: {word} {key}".strip()
            mark = _MARKS.get(word, "")
            kind = word if word in ("passed", "wrong", "blank") else ""
            label = f'class="n {kind}" title="{_text(title)}"'
            cells.append(f"<td {label}>{mark}</td>")
        student = best[submission.student, submission.key]
        late = " (late)" if rubric.is_late(submission) else ""
        who = f"{student.name}{late}"
        lines.append(
            f'<tr><th title="{_text(grade.file)}">{_text(who)}</th>'
            f"<td>{student.total:g}</td>{''.join(cells)}<td>{_text(grade.problem)}</td>"
            "</tr>"
        )
    late = [each.name for each in best.values() if each.late]
    said = f"<p>Late: {_text(', '.join(late))}.</p>" if late else ""
    points = f"points of {most(rows, rubric):g}"
    return (
        f'<div class="wide"><table><thead><tr><th>student</th><th>{points}</th>{head}'
        "<th>remark</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        f"<p>✓ passed, ✗ wrong, ○ blank, – no such cell, … not run</p>{said}"
    )


def _heat(rows: Rows, wrong: Mapping) -> str:
    if not wrong:
        return "<p>No wrong answers.</p>"
    by_number: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (number, key), found in wrong.items():
        by_number[number].append((key or "not recognised", len(found)))
    lines = []
    for number in asked(rows):
        cells = []
        for key, count in sorted(by_number.get(number, ()), key=lambda one: -one[1]):
            share = round(15 + 70 * count / len(rows))
            colour = f"background: hsl(15 80% {100 - share // 2}%)"
            cells.append(f'<td style="{colour}">{_text(key)}: {count}</td>')
        if cells:
            heading = _text(engine.get(number).heading)
            lines.append(f"<tr><th>{heading}</th>{''.join(cells)}</tr>")
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _answers(wrong: Mapping) -> str:
    found = []
    for (number, key), rows in sorted(wrong.items(), key=lambda one: -len(one[1])):
        title = f"{engine.get(number).heading}: {key or 'not recognised'} ({len(rows)})"
        shown = "".join(
            f"<p>{_text(grade.file)}</p><pre>{_text(grade.sources.get(number, ''))}"
            f"</pre><pre>{_text(grade.cards.get(number, ''))}</pre>"
            for _, grade in rows
        )
        found.append(f"<details><summary>{_text(title)}</summary>{shown}</details>")
    return "".join(found) or "<p>None.</p>"


def _tomorrow(rows: Rows, wrong: Mapping) -> str:
    """The three mistakes that most have made, and the exercises that most left open."""
    found = []
    known = [(key, len(who)) for key, who in wrong.items() if key[1]]
    for (number, key), count in sorted(known, key=lambda one: -one[1])[:3]:
        exercise = engine.get(number)
        says = [exercise.wrong[k].says for k in key.split(" + ") if k in exercise.wrong]
        times = "once" if count == 1 else f"{count} times"
        words = _text(" ".join(says))
        found.append(f"<b>{_text(exercise.heading)}</b>, {times}: {words}")
    held: Counter[str] = Counter()
    unsolved: Counter[str] = Counter()
    for _, grade in rows:
        for number, outcome in grade.outcome.items():
            held[number] += 1
            unsolved[number] += outcome != "passed"
    for number, count in unsolved.most_common(3):
        if count:
            heading = _text(engine.get(number).heading)
            found.append(
                f"<b>{heading}</b>: {count} of {held[number]} did not solve it."
            )
    lines = "".join(f"<li>{line}</li>" for line in found)
    return f"<ul>{lines}</ul>" if lines else "<p>Everything is solved.</p>"


def now() -> str:
    """The time of a report."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
