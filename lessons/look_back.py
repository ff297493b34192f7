"""Five quick questions about earlier lessons, at the end of each lesson.

A question is an exercise of an earlier lesson with one blank, and up to four ways to
fill it: the right one, and wrong ones that learners have given. Where this learner's
progress shows slips in such blanks, the questions come from those. Exercises that ask
for values give none.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from helpers.display import show
from helpers.exercises import engine
from helpers.exercises.cards import inline
from helpers.exercises.cells import BLANK, filled
from helpers.exercises.lessons import lessons
from helpers.exercises.progress import read

_QUESTIONS, _WRONG = 5, 3
_LONGEST = 9  # lines of code that a quick question may show
_LETTERS = "abcd"


@dataclass(frozen=True)
class Question:
    """An exercise's code with one blank: the right filling, and wrong ones by key."""

    number: str
    code: str
    right: str
    wrong: Mapping[str, str]


def questions_of(number: str) -> Iterator[Question]:
    """One question for each blank of an exercise that has known wrong fillings."""
    exercise, built = engine.get(number), lessons()[number.split(".")[0]].built
    cell, right = built["cells"][number], built["fillings"][number]
    pattern = "(.*?)".join(map(re.escape, cell.split(BLANK)))
    for at, text in enumerate(right):
        wrong = {}
        for key, each in exercise.wrong.items():
            found = re.fullmatch(pattern, each.source, re.DOTALL)
            others = [*right[:at], found and found[at + 1], *right[at + 1 :]]
            if found and [*found.groups()] == others:
                wrong[key] = found[at + 1]
        code = filled(cell, [*right[:at], BLANK, *right[at + 1 :]])
        code = code.partition("\n")[2]  # without @exercise
        if wrong and code.count("\n") < _LONGEST:
            yield Question(number, code, text, wrong)


def look_back(lesson: str, letters: str = "") -> None:
    """Show five questions about the lessons before this one, and judge the letters.

    Args:
        lesson: number of the lesson at whose end it stands.
        letters: an answer to each question, such as "bacad"; fewer letters answer the
            first questions, and a space leaves one out.
    """
    letters = letters.lower()
    if odd := set(letters) - {*_LETTERS, " "}:
        print(f"Answer with the letters a to d: {', '.join(sorted(odd))} will not do.")
        letters = ""
    plain, rich = [], []
    answers = letters.ljust(_QUESTIONS)
    for place, (question, keys) in enumerate(_chosen(lesson, read() or {}), 1):
        letter = answers[place - 1]
        verdict = "" if letter == " " else _verdict(question, keys, letter)
        head = f"{place}  {engine.get(question.number).heading}"
        options = [_filling(question, key) for key in keys]
        rows = [f"{name}  {text}" for name, text in zip(_LETTERS, options)]
        lines = [head, *question.code.splitlines(), *rows, *verdict.splitlines()]
        plain.append("\n   ".join(lines))
        rich.append(_as_html(head, question.code, options, verdict))
    show("\n\n".join(plain), "".join(rich))


def _chosen(lesson: str, kept: Mapping) -> list[tuple[Question, list[str]]]:
    """The questions, each with the keys of its options in order; "" is the right one.

    First come exercises where this learner slipped, those with most slips first; then
    one from each lesson, as far as they go. The draw is the same every time.
    """
    random = Random(int(lesson))
    earlier = [n for n in lessons() if n < lesson]
    numbers = [n for each in earlier for n in engine.of_lesson(each)]
    random.shuffle(numbers)
    slips = {n: kept.get(n, {}).get("kinds", {}) for n in numbers}
    drawn: Counter[str] = Counter()
    ranks = {}
    for number in numbers:
        ranks[number] = -sum(slips[number].values()), drawn[number[:2]]
        drawn[number[:2]] += 1
    chosen = []
    for number in sorted(numbers, key=ranks.__getitem__):
        if len(chosen) == _QUESTIONS:
            break
        own, known = slips[number], list(questions_of(number))
        if not known:
            continue
        question = max(known, key=lambda q: (len(own.keys() & q.wrong), len(q.wrong)))
        keys = list(question.wrong)
        random.shuffle(keys)
        keys = ["", *sorted(keys, key=lambda key: -own.get(key, 0))[:_WRONG]]
        random.shuffle(keys)
        chosen.append((question, keys))
    return sorted(chosen, key=lambda each: each[0].number[:2])


def _filling(question: Question, key: str) -> str:
    return question.wrong[key] if key else question.right


def _verdict(question: Question, keys: list[str], letter: str) -> str:
    """Whether the letter is the right one, and what each wrong one means."""
    wrong = engine.get(question.number).wrong
    if _LETTERS.index(letter) >= len(keys):
        return f"✗ There is no {letter} here."
    key = keys[_LETTERS.index(letter)]
    if key:
        return f"✗ {letter}: {wrong[key].says}"
    others = [(n, k) for n, k in zip(_LETTERS, keys) if k]
    return "\n".join([f"✓ {letter}", *(f"{n}: {wrong[k].says}" for n, k in others)])


def _as_html(head: str, code: str, options: list[str], verdict: str) -> str:
    rows = "".join(
        f"<div>{name}</div><code>{html.escape(text)}</code>"
        for name, text in zip(_LETTERS, options)
    )
    said = "".join(f"<div>{inline(line)}</div>" for line in verdict.splitlines())
    return (
        '<div style="margin:0 0 1.4em;max-width:60em;line-height:1.45">'
        f'<div style="font-weight:600">{html.escape(head)}</div>'
        f'<pre style="margin:4px 0">{html.escape(code)}</pre>'
        '<div style="display:grid;grid-template-columns:max-content 1fr;gap:2px 14px">'
        f'{rows}</div><div style="margin-top:4px">{said}</div></div>'
    )
