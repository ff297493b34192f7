"""How long each lesson takes, estimated from what stands in it.

    python -m tools.minutes       what is estimated, beside what the lesson says

An estimate, not a measurement: nobody was timed. Text is read at 150 words a minute,
slower than the 238 of plain non-fiction (Brysbaert, "How many words do we read per
minute?", 2019), since a prediction is asked for on every other page; a line of code in
sight takes six seconds, a picture fifteen, an explorer three minutes; an exercise takes
two, five or ten minutes by its level.
"""

from __future__ import annotations

import ast
import re

import nbformat

from helpers.exercises import engine
from helpers.exercises.cells import exercises_in
from tools.build import Source, lessons

_WORDS_A_MINUTE = 150
_LINE, _PICTURE, _EXPLORER = 0.1, 0.25, 3.0  # minutes
BY_LEVEL = {1: 2, 2: 5, 3: 10}  # of an exercise


def estimate(lesson: Source) -> int:
    """Minutes for a student who reads all and solves all, to the nearest five."""
    book = nbformat.read(lesson.targets["student"], as_version=4)
    minutes = 0.0
    for cell in book.cells:
        if cell.cell_type == "markdown":
            minutes += len(re.findall(r"\w+", cell.source)) / _WORDS_A_MINUTE
        elif numbers := exercises_in(ast.parse(cell.source)).values():
            minutes += sum(BY_LEVEL[engine.get(number).level] for number in numbers)
        elif "_explorer(" in cell.source:
            minutes += _EXPLORER
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            minutes += _PICTURE
        else:
            minutes += cell.source.count("\n") * _LINE
    return 5 * round(minutes / 5)


def main() -> None:
    """Print both for every lesson."""
    for lesson in lessons():
        print(lesson.number, "estimated:", estimate(lesson), "said:", lesson.minutes)


if __name__ == "__main__":
    main()
