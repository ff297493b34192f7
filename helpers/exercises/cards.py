"""Cards: what running an exercise cell shows.

Each has a `text/plain` form, the message of the result, which is what CI compares and
what a terminal shows. Colours come from JupyterLab's theme; the mark (○ ✓ ✗) and the
words say the same without colour.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from helpers import __version__
from helpers.display import columns, show, table
from helpers.exercises import engine
from helpers.exercises.lessons import lessons

_LOOK = {  # status: (mark, colour)
    "passed": ("✓", "var(--jp-success-color1, #2e7d32)"),
    "failed": ("✗", "var(--jp-error-color1, #c62828)"),
    "error": ("✗", "var(--jp-error-color1, #c62828)"),
    "blank": ("○", "var(--jp-border-color0, #757575)"),
}
GOES_ON = "The cells below use the reference solution until yours is right."


def show_result(result: engine.Result, times: int = 0) -> None:
    """Show the card of a judgement, whose mistake was made that many times."""
    exercise = engine.get(result.number)
    plain, notes = result.message, []
    if times >= 3:  # of one kind
        heading = lessons()[exercise.lesson].built["slides"][result.number]
        again = f"The same slip, {times} times now. Read “{heading}”, above, again."
        plain += f"\n  {again}"
        link = f"[{heading}](#{heading.replace(' ', '-')})"  # as JupyterLab names it
        notes.append(again.replace(heading, link))
    if result.status in ("failed", "error") and not exercise.is_answer:
        plain += f"\n  {GOES_ON}"
        notes.append(GOES_ON)
    show(plain, card(result, notes))


def card(result: engine.Result, notes: Iterable[str] = ()) -> str:
    """The card as HTML."""
    exercise = engine.get(result.number)
    mark, colour = _LOOK[result.status]
    parts = [
        f'<div style="font-weight:600"><span style="color:{colour}">{mark}</span> '
        f"{inline(exercise.heading)}</div>"
    ]
    if result.failing:
        rows = "".join(
            f'<div style="opacity:.75">{html.escape(label)}</div>'
            f'<code style="white-space:pre-wrap;overflow-wrap:anywhere">'
            f"{html.escape(text)}</code>"
            for label, text in result.failing
        )
        parts.append(
            '<div style="display:grid;grid-template-columns:max-content 1fr;'
            f'gap:2px 14px;margin:6px 0">{rows}</div>'
        )
    if result.says:
        parts.append(f'<div style="margin:4px 0">{inline(result.says)}</div>')
    if result.output.strip():
        printed = html.escape(result.output.rstrip())
        printed = f"<summary>Your code printed</summary>{_pre(printed)}"
        parts.append(f"<details>{printed}</details>")
    parts += [f'<div style="opacity:.75">{inline(note)}</div>' for note in notes]
    if not result.passed:
        parts.append(_help(exercise))
    return (
        f'<div role="group" aria-label="Exercise {html.escape(exercise.heading)}" '
        f'style="border-left:5px solid {colour};padding:6px 12px;margin:4px 0;'
        f'line-height:1.45;max-width:60em">{"".join(parts)}</div>'
    )


def _help(exercise: engine.Exercise) -> str:
    """Hints one inside the other, so that they come one at a time; solution last."""
    lesson, inner = lessons()[exercise.lesson], ""
    if lesson.shows_solutions:
        solution = html.escape(lesson.solved[exercise.number])
        inner = _details("Solution", _pre(solution))
    total = len(exercise.hints)
    for position in range(total, 0, -1):
        text = f'<div style="margin:4px 0">{inline(exercise.hints[position - 1])}</div>'
        inner = _details(f"Hint {position} of {total}", text + inner)
    return inner


def _details(summary: str, inside: str) -> str:
    return (
        f'<details style="margin-top:4px"><summary style="cursor:pointer">{summary}'
        f'</summary><div style="padding-left:1.2em">{inside}</div></details>'
    )


def _pre(text: str) -> str:
    return f'<pre style="margin:4px 0;white-space:pre-wrap">{text}</pre>'


def inline(text: str) -> str:
    """HTML of text; `code` in backticks, *stress* in asterisks, [link](#heading)."""
    parts = html.escape(text, quote=False).split("`")
    link = r"\[([^]]+)\]\((#[^)\"]+)\)", r'<a href="\2">\1</a>'
    for mark, tag in ((r"\*(\w[^*]*)\*", r"<em>\1</em>"), link):
        parts[::2] = [re.sub(mark, tag, part) for part in parts[::2]]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(parts)


def show_progress(kept: Mapping[str, dict]) -> None:
    """Show each lesson's exercises, and how many of them are solved."""
    rows = []
    for number, lesson in lessons().items():
        marks = "".join(_mark(kept.get(n)) for n in lesson.solved)
        solved = sum(bool(kept.get(n, {}).get("passed")) for n in lesson.solved)
        rows.append((number, lesson.title, marks, f"{solved} of {len(lesson.solved)}"))
    head = ("lesson", "exercises", "solved")
    body = [(f"{number} {title}", *rest) for number, title, *rest in rows]
    said = f"ConvNets, cell by cell {__version__}"
    rich = f"{table(head, body, 'text-align:left')}<div>{said}</div>"
    show(f"{columns(rows, '<')}\n{said}", rich)


def _mark(entry: Mapping | None) -> str:
    return "○" if entry is None else "✓" if entry.get("passed") else "✗"
