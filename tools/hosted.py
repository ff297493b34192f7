"""Run every notebook as it runs on a hosted service.

    python -m tools.hosted          # all lessons; or: make hosted
    python -m tools.hosted 03 06    # these

There, Python packages are the service's own: other versions than ours, no JupyterLab. A
notebook stands in a folder of its own, and the course in another, where nothing can be
written. Such an environment is made in ``build/hosted``, once, in some minutes. Needs
Python 3.11 or 3.12.

Ends with 1 if a cell stops, an exercise has no card (in a solved notebook: is not
right), an explorer does not show, or progress is not kept in the home folder.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from subprocess import CalledProcessError, SubprocessError

import nbformat
from nbformat import NotebookNode

from helpers.exercises.cells import exercises_in
from tools.build import WIDGET_VIEW, LessonError, lessons, trouble
from tools.handout import HandoutError, contents
from tools.setup import python_in
from tools.stage import explorers_in

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "build" / "hosted"
# What a large service installs, but for torch, which is the oldest that we admit.
PACKAGES = (
    *("torch==2.11.0", "torchvision==0.26.0", "ipywidgets==7.7.1", "notebook==6.5.7"),
    *("ipykernel==6.17.1", "ipython==7.34.0", "matplotlib==3.10.0", "numpy==2.0.2"),
    *("pillow==11.3.0", "tqdm", "filelock", "nbconvert"),
)
PYTHONS = "3.11", "3.12"  # for which each of them has a wheel
MINUTES = 15  # that a notebook may take
PROGRESS = ".convnets-progress.json"  # in the home folder
# For root, whom permissions do not bind: a mount that only the command sees.
_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


class HostedError(Exception):
    """A reason not to begin, told in a sentence without a traceback."""


def environment(
    folder: Path, packages: Sequence[str], seen: Sequence[str] = ()
) -> Path:
    """The Python of an environment of its own, made anew when anything changes.

    Args:
        folder: where it is made.
        packages: what pip installs there.
        seen: folders with modules that it finds, too.
    """
    stamp = folder / "made-of.json"
    story = json.dumps([str(folder), sys.version, [*packages], [*seen]])
    if not stamp.is_file() or stamp.read_text("utf-8") != story:
        print(f"Making an environment in {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        inner = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
        Path(inner, "seen.pth").write_text("\n".join(seen), "utf-8")
        pip = [python_in(folder), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *packages], check=True)
        stamp.write_text(story, "utf-8")
    return python_in(folder)


def unpack(folder: Path) -> None:
    """Write the course's files as a handout has them."""
    for name, content in contents(with_solutions=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@contextmanager
def read_only(folder: Path) -> Iterator[list[str]]:
    """Lock a folder; give the beginning of a command line that finds it so."""
    if not hasattr(os, "geteuid"):
        raise HostedError("On Windows a folder cannot be locked: use Linux or macOS.")
    if os.geteuid() == 0:
        start = ["unshare", "--mount", "sh", "-c", _MOUNT, str(folder)]
        if not shutil.which("unshare") or subprocess.run([*start, "true"]).returncode:
            raise HostedError("This root may not mount, so run it as another user.")
        yield start
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
        if cell.cell_type == "code" and exercises_in(ast.parse(cell.source)):
            shown = [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
            if not any(text.startswith(("✓", "✗", "○")) for text in shown):
                yield f"cell {at}: no card"
    if said := trouble(book, solved):
        yield said
    for at in explorers_in(book.cells):
        if not any(WIDGET_VIEW in o.get("data", {}) for o in book.cells[at].outputs):
            yield f"cell {at}: no explorer"


def report(numbers: set[str]) -> int:
    """Run these lessons' notebooks, solved ones too; return how many problems arose."""
    row = "{:44}{:>7}{:>11}{:>10}{:>9}".format
    totals = [0, 0, 0, 0]
    with tempfile.TemporaryDirectory() as scratch:
        course, elsewhere = Path(scratch) / "course", Path(scratch) / "elsewhere"
        elsewhere.mkdir()
        unpack(course)
        asked = [lesson for lesson in lessons() if lesson.number in numbers]
        with read_only(course) as start:
            python = environment(ENVIRONMENT, PACKAGES)
            heads = "notebook", "cells", "explorers", "problems", "seconds"
            print(row(*heads), flush=True)
            for form, source in chain(*(each.targets.items() for each in asked)):
                path = elsewhere / f"{form}_{source.name}"
                shutil.copy(source, path)
                began = time.monotonic()
                try:
                    book = run(path, start, course, python)
                    found = [*problems(book, form == "solution")]
                except SubprocessError as error:  # too slow, a dead kernel
                    ended = str(error).rpartition("' ")[2]  # behind the command
                    book, found = nbformat.v4.new_notebook(), [f"nbconvert {ended}"]
                took = round(time.monotonic() - began)
                ran = sum(bool(cell.get("execution_count")) for cell in book.cells)
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
    asked = {n.zfill(2) for n in parser.parse_args(arguments).lessons or known}
    if unknown := asked - {*known}:
        parser.error(f"no lesson {', '.join(unknown)}; choose from {', '.join(known)}")
    try:
        this = platform.python_version()
        if this.rpartition(".")[0] not in PYTHONS:
            raise HostedError(f"Python {' or '.join(PYTHONS)} is needed, not {this}.")
        return bool(report(asked))
    except (HostedError, LessonError, HandoutError, CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
