"""Build the notebooks from the lessons.

    python -m tools.build            rebuild what is stale
    python -m tools.build 03 04      rebuild these, stale or not
    python -m tools.build --force    rebuild all
    python -m tools.build --check    name what is stale, exit 1 if anything is
    python -m tools.build --share    share of output-producing cells that CI compares

Each `lessons/NN_name.py` becomes `notebooks/NN_name.ipynb` (blanks) and
`notebooks/solutions/NN_name.ipynb` (solved), both executed. Building twice changes no
byte: cell ids are counted, and what depends on machine or moment is left out.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)
from nbformat import NotebookNode

from tools.blanks import LessonError, split_cell

ROOT = Path(__file__).resolve().parents[1]
STAMP = ROOT / "build" / "notebooks.json"
SOLUTIONS = ROOT / "helpers" / "exercises" / "solutions.json"
IGNORE = "nbval-ignore-output"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Of the live slides' themes only white, black and serif fetch nothing from the network.
RISE = {
    "theme": "white",
    "transition": "none",
    "center": False,
    "scroll": True,
    "progress": False,
}


def lessons(root: Path = ROOT) -> list[Path]:
    """The sources, in lecture order."""
    return sorted((root / "lessons").glob("[0-9][0-9]_*.py"))


def targets(lesson: Path) -> dict[str, Path]:
    """Where a lesson's two notebooks stand."""
    folder = lesson.parents[1] / "notebooks"
    name = f"{lesson.stem}.ipynb"
    return {"student": folder / name, "solution": folder / "solutions" / name}


def convert(lesson: Path) -> tuple[dict[str, NotebookNode], dict[str, str]]:
    """Make both notebooks of a lesson, not executed, and its solved exercises."""
    text = lesson.read_text("utf-8")
    source = jupytext.reads(text, fmt="py:percent")
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        "rise": RISE,
    }
    books = {}
    for form in ("student", "solution"):
        book = nbformat.v4.new_notebook(metadata=copy.deepcopy(metadata))
        book.nbformat_minor = 5
        books[form] = book
    solutions: dict[str, str] = {}
    position = 0
    for index, cell in enumerate(source.cells):
        forms = {"student": cell.source, "solution": cell.source}
        if cell.cell_type == "code":
            found = text.find(cell.source, position)
            position = found if found >= 0 else position
            line = text.count("\n", 0, position) + 1
            split = split_cell(cell.source, str(lesson), line)
            forms = {"student": split.student, "solution": split.solution}
            for number in split.exercises:
                if number in solutions:
                    raise LessonError(f"{lesson}:{line}: exercise {number} comes twice")
                solutions[number] = split.solution
        is_note = cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
        for form, book in books.items():
            if is_note and form == "student":
                continue  # what the lecturer says is not what a student reads
            new = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(forms[form])
            new.id = f"cell-{index:03d}"
            new.metadata.update(_kept_metadata(cell.metadata))
            book.cells.append(new)
    return books, solutions


def _kept_metadata(metadata: dict) -> dict:
    dropped = ("lines_to_next_cell", "jupytext", "collapsed")
    return {k: v for k, v in metadata.items() if k not in dropped}


def execute(book: NotebookNode, folder: Path, name: str) -> None:
    """Run a notebook in its folder and keep the outputs that are the same anywhere."""
    client = NotebookClient(
        book,
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    environment = os.environ | {"CONVNETS_PROGRESS": "memory", "OMP_NUM_THREADS": "1"}
    try:
        # The kernel's own warnings (about its transport) are not the lesson's.
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise LessonError(f"{name}: a cell stops\n{error}") from None
    book.metadata.pop("widgets", None)
    book.metadata["language_info"] = {"name": "python"}
    for cell in book.cells:
        if IGNORE in cell.metadata.get("tags", []):
            cell.outputs = []  # a time, a machine's name: not the same twice
        for output in cell.get("outputs", []):
            # A saved reference to a widget that no kernel knows would show as an
            # error; the explorer's still picture and description remain.
            output.get("data", {}).pop(WIDGET_VIEW, None)


def build(lesson: Path) -> dict[str, str]:
    """Build and save both notebooks of a lesson; return its solved exercises."""
    books, solutions = convert(lesson)
    for form, target in targets(lesson).items():
        target.parent.mkdir(parents=True, exist_ok=True)
        execute(books[form], target.parent, f"{lesson.name} ({form})")
        _write(target, nbformat.writes(books[form]) + "\n")
    return solutions


def _write(target: Path, text: str) -> None:
    scratch = target.with_suffix(".tmp")
    scratch.write_text(text, "utf-8")
    os.replace(scratch, target)


def is_fresh(lesson: Path) -> bool:
    """Whether the saved notebooks hold what the source says (outputs aside)."""
    books, solutions = convert(lesson)
    kept = _saved_solutions()
    if any(kept.get(number) != text for number, text in solutions.items()):
        return False
    for form, target in targets(lesson).items():
        if not target.exists():
            return False
        saved = nbformat.read(target, as_version=4)
        for cell in saved.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        if saved != books[form]:
            return False
    return True


def exercises_in(lesson: Path) -> list[str]:
    """The numbers of a lesson's exercises, in order, as the last build found them."""
    return [n for n in _saved_solutions() if n.split(".")[0] == lesson.name[:2]]


def _saved_solutions() -> dict[str, str]:
    return json.loads(SOLUTIONS.read_text("utf-8")) if SOLUTIONS.exists() else {}


def _fingerprint(lesson: Path) -> str:
    """What a lesson's outputs depend on: its text, the helpers and the build."""
    files = [lesson, *sorted((ROOT / "helpers").rglob("*.py")), Path(__file__)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _orphans() -> list[Path]:
    wanted = {path for lesson in lessons() for path in targets(lesson).values()}
    return [
        p
        for p in (ROOT / "notebooks").rglob("[0-9][0-9]_*.ipynb")
        if p not in wanted and ".ipynb_checkpoints" not in p.parts
    ]


def make(force: bool = False, only: Sequence[str] = ()) -> int:
    """Rebuild stale lessons, or those whose numbers are given; return how many."""
    stamps = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    prints = {lesson.name: _fingerprint(lesson) for lesson in lessons()}
    # Without a stamp (a fresh clone) the committed outputs are taken as they are.
    stale = [
        lesson
        for lesson in lessons()
        if force
        or lesson.name[:2] in only
        or (
            not only
            and not (
                is_fresh(lesson)
                and stamps.get(lesson.name, prints[lesson.name]) == prints[lesson.name]
            )
        )
    ]
    # Cards show solutions, so these are written before anything is executed.
    solved: dict[str, str] = {}
    for lesson in lessons():
        solved |= convert(lesson)[1]
    _write(SOLUTIONS, json.dumps(solved, indent=1, ensure_ascii=False) + "\n")
    for orphan in _orphans():
        print(f"removed   {orphan.relative_to(ROOT)}: it has no lesson")
        orphan.unlink()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for lesson, _ in zip(stale, pool.map(build, stale)):
            print(f"built     {lesson.name}", flush=True)
            stamps[lesson.name] = prints[lesson.name]
            _keep_stamps(stamps)
    for name, value in prints.items():
        stamps.setdefault(name, value)
    _keep_stamps(stamps)
    return len(stale)


def _keep_stamps(stamps: dict[str, str]) -> None:
    STAMP.parent.mkdir(exist_ok=True)
    _write(STAMP, json.dumps(stamps, indent=1))


def share() -> tuple[int, int]:
    """Count the code cells with output, and those whose output CI compares."""
    total = compared = 0
    for lesson in lessons():
        for target in targets(lesson).values():
            for cell in nbformat.read(target, as_version=4).cells:
                ignored = IGNORE in cell.metadata.get("tags", [])
                if cell.cell_type == "code" and (cell.outputs or ignored):
                    total += 1
                    compared += not ignored
    return total, compared


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="*", help="as 03; what is stale without")
    parser.add_argument("--force", action="store_true", help="rebuild all")
    parser.add_argument("--check", action="store_true", help="name what is stale")
    parser.add_argument("--share", action="store_true", help="share that CI compares")
    options = parser.parse_args()
    try:
        if options.share:
            total, compared = share()
            print(
                f"{compared} of {total} cells with output are compared: "
                f"{compared / total:.1%}"
            )
        elif options.check:
            stale = [lesson.name for lesson in lessons() if not is_fresh(lesson)]
            print("\n".join(f"stale: {name}; run make notebooks" for name in stale))
            return bool(stale)
        else:
            count = make(options.force, options.lessons)
            print(f"{count} of {len(lessons())} lessons rebuilt.")
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
