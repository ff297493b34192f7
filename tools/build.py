"""Build the notebooks from the lessons.

    python -m tools.build            rebuild what is stale
    python -m tools.build 03 04      rebuild these, stale or not
    python -m tools.build --force    rebuild all
    python -m tools.build --check    name what is stale, exit 1 if anything is
    python -m tools.build --share    share of output-producing cells that CI compares

Each `lessons/lNN_name/lesson.py` becomes `notebooks/NN_name.ipynb` (blanks) and
`notebooks/solutions/NN_name.ipynb` (solved), both executed. `lesson.json` beside it
gets its title and the cell of each exercise: checks and cards take them from
there. The links to the next lesson and README's table are written too. Building twice
changes no byte: cell ids are numbered in order, and what depends on machine or moment
is left out.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property
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

from helpers.exercises.cells import exercises_in
from helpers.exercises.lessons import FILE
from helpers.explorers import Explorer
from helpers.files import replaced
from tools.blanks import Cell, LessonError, split_cell

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "pyproject.toml"
# Where a kernel finds no download, whatever lies in data/.
STAND_INS_ONLY = {"CONVNETS_DATA": str(ROOT / "tests" / "no-downloads")}
# Of a kernel that runs a lesson for its outputs, so that they are the same anywhere.
KERNEL = STAND_INS_ONLY | {"CONVNETS_PROGRESS": "memory", "OMP_NUM_THREADS": "1"}
STAMP = ROOT / "build" / "notebooks.json"
IGNORE = "nbval-ignore-output"
_SLIDE = re.compile("^## (.+)", re.MULTILINE)  # a slide's heading
GETS_COURSE = "gets-course"  # the tag of the cell that does it, where it stands alone
GETTER = """\
# Gets the course where it is missing; where it is installed, this does nothing.
import importlib.util
try:
    missing = not importlib.util.find_spec("helpers.exercises")
except Exception:  # another module or folder has this name
    missing = True
if missing:
    import os, shutil, sys, tempfile, urllib.request
    address, course = {address}, os.path.abspath("convnets-cell-by-cell")
    if os.path.exists("../helpers/exercises"):
        course = os.path.abspath("..")
    try:
        there = os.path.exists(f"{{course}}/helpers/exercises")
        if os.path.exists(course) and not there:
            raise FileExistsError(f"{{course}} lacks the course: rename that folder")
        if not there:
            print(f"Getting the course from {{address}} into {{course}}")
            with tempfile.TemporaryDirectory(dir=".") as scratch:
                with urllib.request.urlopen(address, timeout=30) as answer:
                    with open(f"{{scratch}}/course.zip", "wb") as archive:
                        shutil.copyfileobj(answer, archive)
                shutil.unpack_archive(archive.name, scratch)
                os.rename(f"{{scratch}}/convnets-cell-by-cell", course)
        sys.path.insert(0, course)
        for name in [each for each in sys.modules if each.split(".")[0] == "helpers"]:
            del sys.modules[name]
    except Exception as problem:
        print(f"That did not work ({{problem}}). Run this cell again, or get it")
        print("yourself and unpack it beside this notebook.")"""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Of the live slides' themes only white, black and serif fetch nothing from the network.
RISE = {
    "theme": "white",
    "transition": "none",
    "center": False,
    "scroll": True,
    "progress": False,
}


@dataclass(frozen=True)
class Source:
    """A lesson's folder, and what its text says about the lesson."""

    folder: Path

    @property
    def text(self) -> Path:
        """Where the text stands."""
        return self.folder / "lesson.py"

    @property
    def name(self) -> str:
        """Of its notebooks, without the ending: NN_name."""
        return self.folder.name[1:]

    @property
    def number(self) -> str:
        """Two digits."""
        return self.name[:2]

    @cached_property
    def _first(self) -> str:
        """The first text cell."""
        beginning, _, _ = self.text.read_text("utf-8").partition("\n# %%")
        cells = jupytext.reads(beginning, fmt="py:percent").cells
        first = next((c.source for c in cells if c.cell_type == "markdown"), "")
        if not re.match(rf"# {self.number} \S", first):
            raise LessonError(
                f"{self.text}: begin with a heading: # {self.number} Title"
            )
        return first

    @property
    def title(self) -> str:
        """The first heading, without the number."""
        return self._first.splitlines()[0].removeprefix(f"# {self.number} ").strip()

    @property
    def minutes(self) -> str:
        """How long it takes, "" where it does not say."""
        found = re.search(r"\bAbout (\d+) minutes\b", self._first)
        return found[1] if found else ""

    @property
    def needs(self) -> str:
        """What is said after "You need:", without the full stop."""
        found = re.search(r"You need: ([^.]*)\.", " ".join(self._first.split()))
        return found[1] if found else ""

    @property
    def summary(self) -> str:
        """What a student does in it: the docstring of its folder."""
        file = self.folder / "__init__.py"
        if not file.exists():
            raise LessonError(f"{file}: write one sentence about what a student does")
        tree = ast.parse(file.read_text("utf-8"))
        return " ".join((ast.get_docstring(tree) or "").split())

    @property
    def targets(self) -> dict[str, Path]:
        """Where its two notebooks stand."""
        folder = self.folder.parents[1] / "notebooks"
        name = f"{self.name}.ipynb"
        return {"student": folder / name, "solution": folder / "solutions" / name}

    @property
    def link(self) -> str:
        """A link to it from the notebook of another lesson."""
        short = self.title.split(":")[0]
        return f"[{self.number} {short}]({self.name}.ipynb)"


def lessons(root: Path = ROOT) -> list[Source]:
    """The lessons, in lecture order. To add one, add a folder."""
    found = (root / "lessons").glob("l[0-9][0-9]_*/lesson.py")
    return sorted((Source(path.parent) for path in found), key=lambda s: s.name)


def convert(lesson: Source) -> tuple[dict[str, NotebookNode], dict[str, Cell]]:
    """Make both notebooks of a lesson, not executed, and its exercises' cells."""
    text = lesson.text.read_text("utf-8")
    source = jupytext.reads(text, fmt="py:percent")
    _link_next(lesson, source)
    _get_course(source)
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
    cells: dict[str, Cell] = {}
    position, slide = 0, lesson.title
    for index, cell in enumerate(source.cells):
        forms = {"student": cell.source, "solution": cell.source}
        if cell.cell_type == "markdown":
            slide = next(iter(_SLIDE.findall(cell.source)), slide)
        if cell.cell_type == "code":
            found = text.find(cell.source, position)
            position = found if found >= 0 else position
            line = text.count("\n", 0, position) + 1
            split = split_cell(cell.source, str(lesson.text), line)
            forms = {"student": split.student, "solution": split.solution}
            for number in split.exercises:
                if number in cells:
                    raise LessonError(
                        f"{lesson.text}:{line}: exercise {number} comes twice"
                    )
                cells[number] = replace(split, slide=slide)
        is_note = cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
        for form, book in books.items():
            if is_note and form == "student":
                continue  # what the lecturer says is not what a student reads
            if GETS_COURSE in cell.metadata.get("tags", []) and form == "solution":
                continue  # who presents has the course
            new = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(forms[form])
            new.id = f"cell-{index:03d}"
            new.metadata.update(_kept_metadata(cell.metadata))
            book.cells.append(new)
    return books, cells


def _link_next(lesson: Source, source: NotebookNode) -> None:
    """Write the link to the next lesson: in place of {next}, or after the last text."""
    later = [
        other for other in lessons(lesson.folder.parents[1]) if other.name > lesson.name
    ]
    texts = [cell for cell in source.cells if cell.cell_type == "markdown"]
    marked = [cell for cell in texts if "{next}" in cell.source]
    if marked and not later:
        raise LessonError(f"{lesson.text}: no lesson follows, so leave {{next}} out")
    for cell in marked:
        cell.source = cell.source.replace("{next}", later[0].link)
    if later and not marked:
        texts[-1].source += f"\n\nNext: {later[0].link}."


def _get_course(source: NotebookNode) -> None:
    """Put in front of the first code what gets the course where it is missing.

    Nothing while no archive's address is set: then notebooks come with the course.
    """
    if address := setting("archive"):
        # Else anyone on the way could put code into each student's kernel.
        if not address.startswith(("https://", "file:")):
            raise LessonError(f"pyproject.toml: {address}: archive must be https://...")
        code = [k for k, cell in enumerate(source.cells) if cell.cell_type == "code"]
        cell = nbformat.v4.new_code_cell(GETTER.format(address=json.dumps(address)))
        cell.metadata |= {"tags": [GETS_COURSE], "jupyter": {"source_hidden": True}}
        cell.metadata["slideshow"] = {"slide_type": "skip"}
        source.cells.insert(code[0] if code else len(source.cells), cell)


def setting(name: str) -> str:
    """What pyproject.toml says of the course in `tool.convnets`."""
    return tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["convnets"][name]


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
    environment = os.environ | KERNEL
    try:
        # The kernel's own warnings (about its transport) are not the lesson's.
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        said = trouble(book) or f"a cell stops\n{error}"
        raise LessonError(f"{name}: {said}") from None
    if said := trouble(book, solved="solution" in name):
        raise LessonError(f"{name}: {said}")
    book.metadata.pop("widgets", None)
    book.metadata["language_info"] = {"name": "python"}
    for cell in book.cells:
        if IGNORE in cell.metadata.get("tags", []):
            cell.outputs = []  # a time, a machine's name: not the same twice
        for output in cell.get("outputs", []):
            # A saved reference to a widget that no kernel knows would show as an
            # error; the explorer's still picture and description remain.
            output.get("data", {}).pop(WIDGET_VIEW, None)


def trouble(book: NotebookNode, solved: bool = False) -> str:
    """What the first exercise shows that has no card or, when solved, a wrong one."""
    for cell in book.cells:
        outputs = cell.get("outputs", [])
        if outputs and exercises_in(ast.parse(cell.source)):
            cards = [o.data.get("text/plain", "") for o in outputs if "data" in o]
            if not cards:
                return outputs[0].get("text", "").strip()
            if solved and not all(card.startswith("✓") for card in cards):
                return "a solved exercise is not right\n" + "\n".join(cards)
    return ""


def build(lesson: Source) -> None:
    """Build and save both notebooks of a lesson."""
    books, _ = convert(lesson)
    for form, target in lesson.targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        execute(books[form], target.parent, f"{lesson.name} ({form})")
        _write(target, nbformat.writes(books[form]) + "\n")


def _write(target: Path, text: str) -> None:
    with replaced(target) as scratch:
        scratch.write_text(text, "utf-8")


def in_brief(lesson: Source, cells: Mapping[str, Cell]) -> str:
    """What `lesson.json` holds: title and exercises, for checks and cards."""
    built = {
        "title": lesson.title,
        "minutes": lesson.minutes,
        "needs": lesson.needs,
        "cells": {number: cell.blanked for number, cell in cells.items()},
        "fillings": {number: cell.fillings for number, cell in cells.items()},
        "slides": {number: cell.slide for number, cell in cells.items()},
    }
    return json.dumps(built, indent=1, ensure_ascii=False) + "\n"


def readme(root: Path = ROOT) -> str:
    """README as it should be: with a row for each lesson in its table."""
    text = (root / "README.md").read_text("utf-8")
    rows = "".join(
        f"| {each.number} | {each.title} | {each.summary} | {each.minutes} |\n"
        for each in lessons(root)
    )
    links = launch_links(setting("repository"))
    text = re.sub(
        r"(^<!-- launch.*\n)(?:.*\n)*?(<!-- /launch)",
        lambda found: f"{found[1]}{links}{found[2]}",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r"(?:^\| \d\d \|.*\n)+", lambda _: rows, text, flags=re.MULTILINE)


def launch_links(repository: str) -> str:
    """Links that start the course in a browser; "" for a repository without address."""
    address = repository.rstrip("/").removesuffix(".git")
    if not address:
        return ""
    first = "urlpath=lab/tree/notebooks/00_start_here.ipynb"
    if found := re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", address):
        binder = f"https://mybinder.org/v2/gh/{found[1]}/HEAD?{first}"
        spaces = f", or in [Codespaces](https://codespaces.new/{found[1]})"
    else:
        where = urllib.parse.quote(address, safe="")
        binder, spaces = f"https://mybinder.org/v2/git/{where}/HEAD?{first}", ""
    return (
        f"Without installing anything: start it on [Binder]({binder}){spaces}.\n"
        f"The files are at <{address}>.\n"
    )


def is_fresh(lesson: Source) -> bool:
    """Whether the built files hold what the source says (outputs aside)."""
    books, cells = convert(lesson)
    brief = lesson.folder / FILE
    if not brief.exists() or brief.read_text("utf-8") != in_brief(lesson, cells):
        return False
    for form, target in lesson.targets.items():
        if not target.exists():
            return False
        saved = nbformat.read(target, as_version=4)
        for cell in saved.cells:
            if cell.cell_type == "code":
                if cell.source == "progress()" and not _lists_all(cell, lesson):
                    return False
                cell.outputs, cell.execution_count = [], None
        if saved != books[form]:
            return False
    return True


def _lists_all(cell: NotebookNode, lesson: Source) -> bool:
    """Whether the saved table of progress has each lesson, and all its exercises."""
    text = "".join(
        output.get("data", {}).get("text/plain", "") for output in cell.outputs
    )
    rows = [
        rf"^{other.number}  {re.escape(other.title)} .* of {len(numbers_of(other))}$"
        for other in lessons(lesson.folder.parents[1])
    ]
    return all(re.search(row, text, re.MULTILINE) for row in rows)


def numbers_of(lesson: Source) -> list[str]:
    """The numbers of a lesson's exercises, in order, as the last build found them."""
    if not (lesson.folder / FILE).exists():
        return []
    return list(json.loads((lesson.folder / FILE).read_text("utf-8"))["cells"])


def examples_of(lesson: Source) -> dict[str, Callable[[], Explorer]]:
    """What makes each of its explorers, as the lesson shows them, by name."""
    if not (lesson.folder / "explorer.py").exists():
        return {}
    module = importlib.import_module(f"lessons.{lesson.folder.name}.explorer")
    return module.EXAMPLES


def used_by(lesson: Source) -> list[Path]:
    """The files that decide a lesson's outputs: its own, and the helpers it imports."""
    root = lesson.folder.parents[1]
    found = dict.fromkeys(sorted(lesson.folder.glob("*.py")))
    found.pop(lesson.folder / "test_lesson.py", None)
    waiting = list(found)
    while waiting:
        for path in imported(waiting.pop(), root):
            if path not in found:
                found[path] = None
                waiting.append(path)
    data = [p.with_suffix(end) for p in found for end in (".toml", ".mplstyle")]
    beside = [path for path in data if path.is_file()]  # what a helper reads
    return [*found, *beside, Path(__file__), Path(__file__).with_name("blanks.py")]


def imported(file: Path, root: Path) -> list[Path]:
    """The project's own modules that a module imports, and the packages around them."""
    paths = []
    for name in names_imported(file):
        parts = name.split(".")
        if parts[0] in ("helpers", "lessons", "tests", "tools"):
            stems = [root.joinpath(*parts[:k]) for k in range(1, len(parts) + 1)]
            paths += [stem / "__init__.py" for stem in stems]
            paths += [stem.with_suffix(".py") for stem in stems]
    return [path for path in paths if path.is_file()]


def names_imported(file: Path) -> list[str]:
    """The dotted names that a module imports, also inside functions."""
    try:
        return _names_imported(file.read_text("utf-8"))
    except SyntaxError as problem:
        where = f"{file}:{problem.lineno}"
        raise LessonError(f"{where}: not Python: {problem.msg}") from None


@cache  # most helpers are asked for by every lesson
def _names_imported(source: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _fingerprint(lesson: Source) -> str:
    digest = hashlib.sha256()
    for file in used_by(lesson):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _orphans() -> list[Path]:
    wanted = {path for lesson in lessons() for path in lesson.targets.values()}
    return [
        p
        for p in (ROOT / "notebooks").rglob("[0-9][0-9]_*.ipynb")
        if p not in wanted
        and not {".ipynb_checkpoints", "kept"} & {*p.relative_to(ROOT).parts}
    ]


def make(force: bool = False, only: Sequence[str] = ()) -> int:
    """Rebuild stale lessons, or those whose numbers are given; return how many."""
    numbers = [lesson.number for lesson in lessons()]
    if unknown := set(only) - set(numbers):
        known = ", ".join(numbers)
        raise LessonError(f"no lesson {', '.join(unknown)}; choose from {known}")
    stamps = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    prints = {lesson.name: _fingerprint(lesson) for lesson in lessons()}
    # Checks and cards read these, so they are written before anything is executed.
    for lesson in lessons():
        _write(lesson.folder / FILE, in_brief(lesson, convert(lesson)[1]))
    # Without a stamp (a fresh clone) the committed outputs are taken as they are.
    stale = [
        lesson
        for lesson in lessons()
        if force
        or lesson.number in only
        or (
            not only
            and not (
                is_fresh(lesson)
                and stamps.get(lesson.name, prints[lesson.name]) == prints[lesson.name]
            )
        )
    ]
    _write(ROOT / "README.md", readme())
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
        for target in lesson.targets.values():
            for cell in nbformat.read(target, as_version=4).cells:
                ignored = IGNORE in cell.metadata.get("tags", [])
                if cell.cell_type == "code" and (cell.outputs or ignored):
                    total += 1
                    compared += not ignored
    return total, compared


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="*", help="such as 03; if none, what is stale")
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
            if readme() != (ROOT / "README.md").read_text("utf-8"):
                stale.append("README.md")
            for name in stale:
                print(f"stale: {name}; run make notebooks")
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
