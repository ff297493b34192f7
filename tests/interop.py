"""Whether `make grade`, nbgrader and otter-grader give the same points: make interop.

    python -m tests.interop 03

Of a lesson, three submissions (all solved; untouched; half solved, with a mistake) are
handed in to each. nbgrader and otter-grader come into an environment of their own, in
build/interop, which sees the course's packages.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import nbformat

from helpers.display import columns
from helpers.exercises import engine
from helpers.exercises.cells import exercises_in_text
from helpers.exercises.lessons import lessons
from tools import build, hosted
from tools.build import ROOT, Source
from tools.grade import grade
from tools.grading.report import Rubric
from tools.interop import grade_id, write_nbgrader, write_otter
from tools.setup import python_in

PINS = "nbgrader==0.9.6", "otter-grader==7.0.0"
HOME = ROOT / "build" / "interop"
ENVIRONMENT = HOME / "environment"
_GRADES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    of = book.assignment_submissions(ASSIGNMENT)
    found = {s.student.id: {g.name: g.score for n in s.notebooks for g in n.grades}
             for s in of}
print(json.dumps(found))
"""

Points = Mapping[str, Mapping[str, float]]  # of each submission, by exercise


class InteropError(Exception):
    """One of the programs does not do what it should; the words are its last ones."""


def environment() -> Path:
    """The Python of an environment with both programs, which sees ours."""
    seen = [str(ROOT), *{sysconfig.get_path(k): 0 for k in ("purelib", "platlib")}]
    python = hosted.environment(ENVIRONMENT, PINS, seen)
    _call(python, "-m", "ipykernel", "install", "--sys-prefix")
    return python


def _call(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints; InteropError where it fails."""
    # nbgrader starts another program of its environment by name.
    paths = str(python_in(ENVIRONMENT).parent), os.environ.get("PATH", "")
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | build.KERNEL | {"PATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        words = " ".join(map(str, command[1:]))
        raise InteropError(f"{words}\n{done.stdout[-3000:]}")
    return done.stdout


def submissions(lesson: Source) -> dict[str, dict[str, str]]:
    """What each of three students writes into which exercise's cell."""
    right = lessons()[lesson.number].solved
    half = {number: right[number] for number in [*right][::2]}
    number, source = next(
        (number, wrong.source)
        for number in [*right][1::2]
        for wrong in engine.get(number).wrong.values()
        if wrong.source
    )
    return {"all": dict(right), "none": {}, "half": {**half, number: source}}


def hand_in(released: Path, answers: Mapping[str, str], target: Path) -> Path:
    """Fill in a released notebook and hand it in."""
    book = nbformat.read(released, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            for number in exercises_in_text(cell.source):
                cell.source = answers.get(number, cell.source)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, target)
    return target


def without_solutions(lesson: Source, released: Path) -> None:
    """See that a released notebook holds the students' cells and no other answers."""
    want = [cell.source for cell in build.convert(lesson)[0]["student"].cells]
    book = nbformat.read(released, as_version=4)
    got = [cell.source.rstrip("\n") for cell in book.cells]
    if [source for source in got if source in want] != want:
        raise InteropError(f"{released} does not hold the students' cells.")
    text = json.dumps(book)
    for source in lessons()[lesson.number].solved.values():
        if json.dumps(source)[1:-1] in text:
            raise InteropError(f"{released} holds a solution:\n{source}")


def by_nbgrader(lesson: Source, python: Path) -> tuple[Points, Points]:
    """The points that nbgrader gives, and those that ours gives to the same files."""
    folder, name = HOME / "nbgrader", lesson.name
    write_nbgrader([lesson], folder)
    nbgrader = python, "-m", "nbgrader"
    source = folder / "source" / name / f"{name}.ipynb"
    said = _call(*nbgrader, "validate", source, cwd=folder)
    if "passes all the tests" not in said:
        raise InteropError(f"nbgrader validate {source}\n{said}")
    _call(*nbgrader, "generate_assignment", name, cwd=folder)
    released = folder / "release" / name / f"{name}.ipynb"
    without_solutions(lesson, released)
    ours = {}
    for student, answers in submissions(lesson).items():
        target = folder / "submitted" / student / name / f"{name}.ipynb"
        hand_in(released, answers, target)
        result, rubric = grade(target, student), Rubric()
        ours[student] = {n: rubric.of(n, what) for n, what in result.outcome.items()}
    _call(*nbgrader, "autograde", name, cwd=folder)
    code = _GRADES.replace("ASSIGNMENT", repr(name))
    found = json.loads(_call(python, "-c", code, cwd=folder).splitlines()[-1])
    return found, ours


def by_otter(lesson: Source, python: Path) -> Points:
    """The points that otter-grader gives, without a container."""
    folder, name = HOME / "otter", lesson.name
    write_otter([lesson], folder)
    otter = python, "-m", "otter"
    # Runs the solved notebook, too, and fails where that does not get all points.
    assigned = folder / name / "assigned"
    _call(*otter, "assign", folder / name / f"{name}.ipynb", assigned)
    released = assigned / "student" / f"{name}.ipynb"
    without_solutions(lesson, released)
    (archive,) = (assigned / "autograder").glob("*.zip")
    found = {}
    for student, answers in submissions(lesson).items():
        target = hand_in(released, answers, folder / student / f"{name}.ipynb")
        to = "-o", target.parent, "--no-logo"
        _call(*otter, "run", "-a", archive, *to, target)
        tests = json.loads((target.parent / "results.json").read_text())["tests"]
        found[student] = {t["name"]: t["score"] for t in tests if "score" in t}
    return found


def compared(ours: Points, nbgrader: Points, otter: Points) -> tuple[str, list[str]]:
    """The points of each submission, as a table; and where the three differ."""
    rows = [["submission", "make grade", "nbgrader", "otter", "of"]]
    differing = []
    for student, points in ours.items():
        three = points, nbgrader.get(student, {}), otter.get(student, {})
        most = sum(map(Rubric().most, points))
        rows.append([student, *(f"{sum(p.values()):g}" for p in three), f"{most:g}"])
        for number, mine in points.items():
            theirs = [each.get(grade_id(number)) for each in three[1:]]
            if theirs != [mine, mine]:
                differing.append(f"{student}, {number}: {mine:g}, but {theirs}")
    return columns(rows, "<"), differing


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lesson", nargs="?", default="03", help="such as 03")
    wanted = parser.parse_args(arguments).lesson.zfill(2)
    lesson = next((each for each in build.lessons() if each.number == wanted), None)
    if lesson is None:
        print(f"There is no lesson {wanted!r}.", file=sys.stderr)
        return 1
    try:
        python = environment()
        for left in ("nbgrader", "otter"):
            shutil.rmtree(HOME / left, ignore_errors=True)
        nbgrader, ours = by_nbgrader(lesson, python)
        otter = by_otter(lesson, python)
    except (InteropError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{lesson.name}, {', '.join(PINS)}, Python {platform.python_version()}")
    table, differing = compared(ours, nbgrader, otter)
    print("\n".join([table, *differing]))
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
