"""Check the exercises of handed-in notebooks.

    python -m tools.grade handed_in/                      # a folder, at any depth
    python -m tools.grade handed_in/ --csv results.csv
    python -m tools.grade handed_in/ --seconds 300 --jobs 4

A row per notebook: how many of its lessons' exercises are passed, which are wrong (with
the misconception, where it is a known one), which are still blank or missing. Each
notebook runs as a scratch copy in a kernel of its own: nothing that was handed in
changes. Students' code does run on this computer; where that is a worry, use a
container.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from helpers.display import columns
from helpers.exercises.cells import BLANK, exercises_in, exercises_in_text
from helpers.exercises.lessons import lessons
from tools.build import STAND_INS_ONLY

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 180  # for one notebook


@dataclass(frozen=True)
class Grade:
    """What became of one notebook.

    ``outcome`` has one entry for each exercise of its lessons: "passed", "wrong" or
    "wrong (misconception)", "blank", "missing" (no such cell), or "not run".
    ``problem`` says what is wrong with the file or the run, "" when nothing is.
    """

    file: str
    outcome: Mapping[str, str]
    problem: str = ""

    @property
    def passed(self) -> int:
        """How many exercises are right."""
        return sum(what == "passed" for what in self.outcome.values())

    def listed(self, kind: str) -> str:
        """The exercises of one kind, in words."""
        found = [
            number + what.removeprefix(kind)
            for number, what in self.outcome.items()
            if what.startswith(kind)
        ]
        return "all" if len(found) == len(self.outcome) > 1 else ", ".join(found)

    def row(self) -> list[str]:
        """What the table says: file, passed, wrong, open, remark."""
        score = f"{self.passed} of {len(self.outcome)}" if self.outcome else "-"
        others = [self.listed("blank")]
        for kind in ("missing", "not run"):
            others.append(f"{kind}: {self.listed(kind)}" if self.listed(kind) else "")
        opened = "; ".join(filter(None, others))
        return [self.file, score, self.listed("wrong"), opened, self.problem]


HEADER = ["file", "passed", "wrong", "blank", "remark"]


def exercise_cells(book: NotebookNode) -> dict[str, str]:
    """Source of the cell of each exercise that a notebook holds."""
    found = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            for number in _numbers(cell.source):
                found[number] = cell.source
    return found


def _numbers(source: str) -> list[str]:
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return list(exercises_in_text(source))
    return list(exercises_in(tree).values())


def grade(path: Path, name: str, seconds: float = SECONDS) -> Grade:
    """Run one notebook and say what became of its exercises."""
    try:
        book = nbformat.read(path, as_version=4)
        cells = exercise_cells(book)
    # nbformat meets a broken file with errors of many kinds.
    except Exception as error:
        return Grade(name, {}, f"not a notebook ({type(error).__name__})")
    held = {number.split(".")[0] for number in cells}
    wanted = [n for k, lesson in lessons().items() if k in held for n in lesson.solved]
    if not wanted:
        return Grade(name, {}, "no exercises in it")
    kept, problem = _run(book, seconds)
    outcome = {
        number: _outcome(cells.get(number), kept.get(number)) for number in wanted
    }
    return Grade(name, outcome, problem)


def _outcome(source: str | None, entry: Mapping | None) -> str:
    if source is None:
        return "missing"
    if entry is None:
        return "blank" if re.search(rf"\b{BLANK}\b", source) else "not run"
    if entry["passed"]:
        return "passed"
    key = entry.get("misconception")
    return f"wrong ({key})" if key else "wrong"


def _run(book: NotebookNode, seconds: float) -> tuple[dict[str, dict], str]:
    """Run all cells; return the progress that was recorded, and what went wrong."""
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="convnets-grade-") as scratch:
        progress = Path(scratch) / "progress.json"
        client = NotebookClient(
            book,
            kernel_name="python3",  # whatever the student's own was called
            allow_errors=True,
            record_timing=False,
            # For a cell; what is left of the notebook's time.
            timeout_func=lambda cell: max(1, end - time.monotonic()),
            resources={"metadata": {"path": scratch}},
        )
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        own = STAND_INS_ONLY | {
            "CONVNETS_PROGRESS": str(progress),
            "JPY_SESSION_NAME": "",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        problem = ""
        try:
            # What kernels and students write there would disturb the table.
            client.execute(env={**os.environ, **own}, stderr=subprocess.DEVNULL)
        except CellTimeoutError:
            problem = f"stopped after {seconds:.0f} s"
        except DeadKernelError:
            problem = "the kernel died"
        kept = json.loads(progress.read_text("utf-8")) if progress.exists() else {}
    return kept, problem


def handed_in(folder: Path) -> list[Path]:
    """The notebooks of a folder at any depth, but for hidden and saved copies."""
    return [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if not any(
            part.startswith(".") or part == "__MACOSX"
            for part in path.relative_to(folder).parts
        )
    ]


def table(grades: Iterable[Grade]) -> str:
    """The rows in columns, without the columns that are empty."""
    rows = [HEADER, *(grade.row() for grade in grades)]
    used = [i for i in range(len(HEADER)) if any(row[i] for row in rows[1:])]
    return columns([[row[i] for i in used] for row in rows], "<")


def write_csv(file: Path, grades: Iterable[Grade]) -> None:
    """Write one row per notebook and exercise, for a spreadsheet."""
    with file.open("w", newline="", encoding="utf-8-sig") as target:
        writer = csv.writer(target)
        writer.writerow(["file", "exercise", "outcome", "misconception", "remark"])
        for each in grades:
            for number, what in each.outcome.items():
                outcome, _, key = what.partition(" (")
                writer.writerow(
                    [each.file, number, outcome, key.rstrip(")"), each.problem]
                )
            if not each.outcome:
                writer.writerow([each.file, "", "", "", each.problem])


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.grade", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="with notebooks, at any depth")
    parser.add_argument("--csv", type=Path, help="write the results there too")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="for one notebook (%(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, help="notebooks at a time (%(default)s)"
    )
    options = parser.parse_args(arguments)
    found = handed_in(options.folder)
    if not found:
        print(f"There are no notebooks in {options.folder}.", file=sys.stderr)
        return 1
    print(f"{len(found)} notebooks, {options.seconds:.0f} s each at most", flush=True)
    names = [path.relative_to(options.folder).as_posix() for path in found]
    with ThreadPoolExecutor(options.jobs) as pool:
        grades = list(pool.map(lambda p, n: grade(p, n, options.seconds), found, names))
    print(table(grades))
    if options.csv:
        write_csv(options.csv, grades)
    return 0


if __name__ == "__main__":
    sys.exit(main())
