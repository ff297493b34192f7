"""Write lessons as assignments for nbgrader and for otter-grader.

    python -m tools.interop nbgrader 03-06      # or: make nbgrader LESSONS=03-06
    python -m tools.interop otter 03            # or: make otter LESSONS=03

``build/nbgrader`` becomes a course folder of nbgrader, ``build/otter`` gets a folder
with a master notebook for each lesson. Both hold the solutions; what students get is
made from them by `nbgrader generate_assignment` and by `otter assign`. Each exercise
gives the points that `make grade` gives without a rubric.

A cell to fill in holds both of its forms, the second between marks that both programs
read: without what is between them it is the cell of the students' notebook. A test cell
after it asks the course's judge (`tools/course_judge.py`, copied beside the notebook).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_raw_cell

from helpers.files import replaced
from tools import build
from tools.blanks import Cell
from tools.build import ROOT, Source
from tools.grading.report import Rubric
from tools.quiz import QuizError, lessons_named

JUDGE = ROOT / "tools" / "course_judge.py"
BEGIN, END = "# BEGIN SOLUTION NO PROMPT", "# END SOLUTION"
CONFIG = '''\
"""For nbgrader, written by the course's `make nbgrader`."""

import os

c = get_config()
# The cells to fill in hold their blanks already, so nothing replaces a solution.
c.ClearSolutions.code_stub = {"python": ""}
c.Execute.timeout = 300  # seconds for a cell: some of them train a network
# Grading is not learning: the progress on this computer stays as it is.
os.environ["CONVNETS_PROGRESS"] = "memory"
'''
_ASSIGNMENT = """\
# ASSIGNMENT CONFIG
name: "{name}"
files: ["{judge}"]
tests:
    ok_format: false
export_cell:
    pdf: false"""
_QUESTION = """\
# BEGIN QUESTION
name: {name}
points: {points}"""
_TEST = """\
def test_{number}():
    from {judge} import solved
    solved("{exercise}")"""


def grade_id(number: str) -> str:
    """What both programs call an exercise; it stays as long as its number does."""
    return f"exercise-{number.replace('.', '-')}"


def for_nbgrader(lesson: Source) -> NotebookNode:
    """A lesson's source for nbgrader: a solution cell and a test cell per exercise."""

    def marked(cell: NotebookNode, numbers: tuple[str, ...]) -> Iterator[NotebookNode]:
        name = f"cell-{grade_id(numbers[0])}"
        cell.metadata["nbgrader"] = _marks(name, solution=True)
        yield cell
        for number in numbers:
            test = new_code_cell(
                f"# Says nothing when exercise {number} is solved.\n"
                f"from {JUDGE.stem} import solved\n\n"
                f'solved("{number}")',
                id=f"test-{grade_id(number)}",
            )
            marks = _marks(grade_id(number), grade=True, locked=True)
            test.metadata["nbgrader"] = marks | {"points": Rubric().most(number)}
            yield test

    return _with(lesson, marked)


def _marks(name: str, **kinds: bool) -> dict[str, object]:
    all_kinds = dict.fromkeys(("grade", "solution", "locked", "task"), False)
    return all_kinds | kinds | {"grade_id": name, "schema_version": 3}


def for_otter(lesson: Source) -> NotebookNode:
    """A lesson's master notebook for `otter assign`: a question per exercise."""

    def marked(cell: NotebookNode, numbers: tuple[str, ...]) -> Iterator[NotebookNode]:
        for number in numbers:
            name, first = grade_id(number), number == numbers[0]
            question = _QUESTION.format(name=name, points=Rubric().most(number))
            test = _TEST.format(
                number=number.replace(".", "_"), exercise=number, judge=JUDGE.stem
            )
            solution = [new_raw_cell("# BEGIN SOLUTION"), cell]
            solution += [new_raw_cell("# END SOLUTION")]
            block = [
                new_raw_cell(question),
                *(solution if first else []),
                new_raw_cell("# BEGIN TESTS"),
                new_code_cell(test),
                new_raw_cell("# END TESTS"),
                new_raw_cell("# END QUESTION"),
            ]
            for at, each in enumerate(block):
                if each is not cell:
                    each.id = f"{name}-{at}"
            yield from block

    book = _with(lesson, marked)
    config = _ASSIGNMENT.format(name=lesson.name, judge=JUDGE.name)
    book.cells.insert(0, new_raw_cell(config, id="assignment"))
    return book


def _with(lesson: Source, marked: Callable) -> NotebookNode:
    """The students' notebook, with what stands in place of each exercise's cell."""
    books, cells = build.convert(lesson)
    exercises: dict[str, Cell] = {cell.student: cell for cell in cells.values()}
    book, found = books["student"], []
    for cell in book.cells:
        if exercise := exercises.get(cell.source):
            parts = exercise.student, BEGIN, exercise.solution, END
            cell.source = "\n".join(parts)
            found += marked(cell, exercise.exercises)
        else:
            found.append(cell)
    book.cells = found
    return book


def write_nbgrader(lessons: list[Source], folder: Path) -> None:
    """Write a course folder, or renew the sources in one; its settings are kept."""
    for lesson in lessons:
        _write(folder / "source" / lesson.name, lesson, for_nbgrader(lesson))
    config = folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, "utf-8")
    elif config.read_text("utf-8") != CONFIG:
        print(f"{config} is yours and was not changed. These settings are needed:")
        print(CONFIG)
    print(f"Go on in {folder}, for each lesson:")
    print(f"  nbgrader generate_assignment {lessons[0].name}")
    print(f"  nbgrader autograde {lessons[0].name}")


def write_otter(lessons: list[Source], folder: Path) -> None:
    """Write a folder with a master notebook for each lesson."""
    for lesson in lessons:
        _write(folder / lesson.name, lesson, for_otter(lesson))
    print(f"Go on in {folder}, for each lesson:")
    name = lessons[0].name
    print(f"  otter assign {name}/{name}.ipynb {name}/assigned")
    print(f"  otter run -a {name}/assigned/autograder/{name}-autograder_*.zip NOTEBOOK")


def _write(folder: Path, lesson: Source, book: NotebookNode) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with replaced(folder / f"{lesson.name}.ipynb") as scratch:
        scratch.write_text(nbformat.writes(book) + "\n", "utf-8")
    shutil.copyfile(JUDGE, folder / JUDGE.name)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    writers = {"nbgrader": write_nbgrader, "otter": write_otter}
    parser = argparse.ArgumentParser(
        prog="python -m tools.interop", description=__doc__.split("\n")[0]
    )
    parser.add_argument("format", choices=writers)
    parser.add_argument("lessons", nargs="?", default="", help="03-06; if none, all")
    parser.add_argument("--folder", type=Path, help="where to (build/FORMAT)")
    options = parser.parse_args(arguments)
    # Relative to where the caller stands: `make -C` goes to the course first.
    here = Path(os.environ.get("CALLED_FROM") or ".")
    folder = here / (options.folder or ROOT / "build" / options.format)
    try:
        numbers = lessons_named(options.lessons)
        chosen = [each for each in build.lessons() if each.number in numbers]
        writers[options.format](chosen, folder)
    except (QuizError, build.LessonError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{folder} cannot be written to: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
