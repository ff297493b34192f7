"""Run every notebook as it runs on a hosted service.

    python -m tools.hosted          # all lessons; or: make hosted
    python -m tools.hosted 03 06    # these

There, Python packages are the service's own: other versions than ours, no JupyterLab. A
notebook stands in a folder of its own, and the course in another, where nothing can be
written. Such an environment is made in ``build/hosted``, once, in some minutes.

Ends with 1 if a cell stops, an exercise has no card (in a solved notebook: is not
right), an explorer does not show, or progress is not kept in the home folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import handout
from tools.build import WIDGET_VIEW, lessons, trouble
from tools.setup import python_in
from tools.stage import explorers_in

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "build" / "hosted"
# What a large service installs, but for torch, which is the oldest that we admit.
PACKAGES = (
    *("torch==2.11.0", "torchvision==0.26.0", "ipywidgets==7.7.1", "notebook==6.5.7"),
    *("ipykernel==6.17.1", "ipython==7.34.0", "matplotlib==3.10.0", "numpy==2.0.2"),
    *("scikit-learn==1.6.1", "pillow==11.3.0", "tqdm", "filelock", "nbconvert"),
)
MINUTES = 15  # that a notebook may take
PROGRESS = ".convnets-progress.json"  # in the home folder
# For root, whom permissions do not bind: a mount that only the command sees.
_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def environment() -> Path:
    """Make the environment unless it is there; return its Python."""
    done = ENVIRONMENT / "packages"
    if not done.is_file() or done.read_text("utf-8").split() != [*PACKAGES]:
        print(f"Making an environment in {ENVIRONMENT.relative_to(ROOT)}", flush=True)
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True
        )
        pip = [python_in(ENVIRONMENT), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES], check=True)
        done.write_text("\n".join(PACKAGES), "utf-8")
    return python_in(ENVIRONMENT)


def unpack(folder: Path) -> None:
    """Write the course's files as a handout has them."""
    for name, content in handout.contents(with_solutions=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@contextmanager
def read_only(folder: Path) -> Iterator[list[str]]:
    """Lock a folder; give the beginning of a command line that finds it so."""
    if os.geteuid() == 0:
        yield ["unshare", "--mount", "sh", "-c", _MOUNT, str(folder)]
        return
    subprocess.run(["chmod", "-R", "a-w", folder], check=True)
    try:
        yield []
    finally:
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def run(path: Path, start: list[str], course: Path, python: Path) -> NotebookNode:
    """Run a notebook where it stands, with the course elsewhere; cells may fail."""
    ours = ("CONVNETS_", "JUPYTER", "JPY_", "PYTHON")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    variables |= {"HOME": str(path.parent), "PYTHONPATH": str(course)}
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # or it prints a warning
    convert = [python, "-m", "nbconvert", "--to", "notebook", "--log-level", "ERROR"]
    command = [*start, *convert, "--inplace", "--execute", "--allow-errors", path]
    seconds = 60 * MINUTES
    subprocess.run(command, cwd=path.parent, env=variables, timeout=seconds, check=True)
    return nbformat.read(path, as_version=4)


def problems(book: NotebookNode, solved: bool) -> Iterator[str]:
    """What went wrong in a notebook that was run."""
    for at, cell in enumerate(book.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {at}: {output.ename}: {output.evalue}"
    if said := trouble(book, solved):
        yield said
    for at in explorers_in(book.cells):
        if not any(WIDGET_VIEW in o.get("data", {}) for o in book.cells[at].outputs):
            yield f"cell {at}: no explorer"


def report(numbers: list[str], python: Path) -> int:
    """Run these lessons' notebooks, solved ones too; return how many problems arose."""
    row = "{:44}{:>7}{:>11}{:>10}{:>9}".format
    print(row("notebook", "cells", "explorers", "problems", "seconds"), flush=True)
    totals = [0, 0, 0, 0]
    with tempfile.TemporaryDirectory() as scratch:
        course, elsewhere = Path(scratch) / "course", Path(scratch) / "elsewhere"
        elsewhere.mkdir()
        unpack(course)
        asked = [lesson for lesson in lessons() if lesson.number in numbers]
        with read_only(course) as start:
            for form, source in chain(*(each.targets.items() for each in asked)):
                path = elsewhere / f"{form}_{source.name}"
                shutil.copy(source, path)
                began = time.monotonic()
                book = run(path, start, course, python)
                took = round(time.monotonic() - began)
                ran = sum(bool(cell.get("execution_count")) for cell in book.cells)
                found = [*problems(book, form == "solution")]
                counts = ran, len([*explorers_in(book.cells)]), len(found), took
                totals = [a + b for a, b in zip(totals, counts)]
                print("\n  ".join([row(path.stem, *counts), *found]), flush=True)
        print(row("all", *totals))
        if not (elsewhere / PROGRESS).is_file():
            print("Progress was not kept in the home folder.")
            return totals[2] + 1
    return totals[2]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.hosted", description=__doc__.split("\n")[0]
    )
    parser.add_argument("lessons", nargs="*", help="such as 03; if none, all")
    known = [lesson.number for lesson in lessons()]
    asked = parser.parse_args(arguments).lessons or known
    if unknown := {*asked} - {*known}:
        parser.error(f"no lesson {', '.join(unknown)}; choose from {', '.join(known)}")
    return bool(report(asked, environment()))


if __name__ == "__main__":
    sys.exit(main())
