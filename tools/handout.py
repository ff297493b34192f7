"""Pack what students need into build/handout.zip.

    python -m tools.handout                     # without the solutions
    python -m tools.handout --with-solutions    # cards show them, after the hints

The students' notebooks, the helpers they import, the recorded runs they show and the
files that set the environment up, with a README for students and the first part of the
Makefile. No lesson sources, no solved notebooks. Every file is packed because something
names it, none because it lies there: a copy, or what a killed build left, stays here.
The checks contain reference answers, as they must: this keeps solutions out of sight,
not out of reach.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat

from helpers import __version__
from helpers.exercises.lessons import FILE
from helpers.files import replaced
from tools import build
from tools.grading.submissions import exercise_cells
from tools.update import digests

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "build" / "handout.zip"
FOLDER = "convnets-cell-by-cell"  # what the archive unpacks to
FILES = (
    "LICENSE",
    "LICENSE-text",
    "THIRD-PARTY.md",
    "environment.yml",
    "environment-conda-forge.yml",
    "pyproject.toml",
    "requirements.txt",
    "tools/setup.py",
    "tools/__init__.py",
    "tools/data.py",
    "tools/fetch.py",
    "tools/lab.py",
    "tools/update.py",
    "data/README.md",
    *(f"data/samples/{name}" for name in ("digits.csv.gz", "china.jpg", "flower.jpg")),
)
README = "docs/HANDOUT.md"
_MAKEFILE_ENDS = "# For instructors and maintainers"
KINDS = ("*.py", "*.toml", "*.mplstyle")  # of files in helpers
NOT_IN_IT = ("lesson.py", "test_lesson.py")  # of a lesson's folder
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # so that the same files give the same archive


class HandoutError(Exception):
    """A reason not to pack, told in a sentence without a traceback."""


def contents(with_solutions: bool = False) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the handout."""
    for name in (*FILES, README, "Makefile"):
        if not (ROOT / name).is_file():
            raise HandoutError(f"{name} is missing.")
    for name in FILES:
        text = (ROOT / name).read_bytes()
        if name == "environment.yml":  # what builds and tests is not in the handout
            text = text.replace(b"requirements-dev.txt", b"requirements.txt")
        yield name, text
    title, rest = (ROOT / README).read_text("utf-8").split("\n", 1)
    yield "README.md", f"{title}\n\nVersion {__version__}\n{rest}".encode()
    targets, mark, _ = (ROOT / "Makefile").read_text("utf-8").partition(_MAKEFILE_ENDS)
    if not mark:
        raise HandoutError(f"The Makefile has no line {_MAKEFILE_ENDS!r}.")
    yield "Makefile", targets.encode()
    helpers = [path for kind in KINDS for path in (ROOT / "helpers").rglob(kind)]
    helpers = [path for path in helpers if ".ipynb_checkpoints" not in path.parts]
    for path in sorted([*helpers, *modules()]):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for path in sorted((ROOT / "data" / "recorded").glob("*.json")):
        yield f"data/recorded/{path.name}", path.read_bytes()
    for lesson in build.lessons(ROOT):
        path, book = lesson.folder / FILE, ROOT / "notebooks" / f"{lesson.name}.ipynb"
        if not (path.is_file() and book.is_file()):
            raise HandoutError(f"{lesson.name} is not built yet: run make notebooks.")
        built = json.loads(path.read_text("utf-8"))
        yield f"notebooks/{book.name}", notebook(book, built, with_solutions).encode()
        built["show_solutions"] = with_solutions
        # Tells tools/update.py later what a student changed.
        built["untouched"] = digests(nbformat.read(book, as_version=4))
        text = json.dumps(built, indent=1, ensure_ascii=False) + "\n"
        yield path.relative_to(ROOT).as_posix(), text.encode()


def modules() -> set[Path]:
    """What the lessons' texts and checks import from lessons/, and the checks."""
    names = "__init__.py", "lesson.py", "checks.py"
    waiting = [each.folder / name for each in build.lessons(ROOT) for name in names]
    found = set()
    while waiting:
        found.add(path := waiting.pop())
        waiting += {
            other
            for other in build.imported(path, ROOT)
            if ROOT / "lessons" in other.parents and other not in found
        }
    return {path for path in found if path.name not in NOT_IN_IT}


def notebook(path: Path, built: Mapping[str, Any], with_solutions: bool) -> str:
    """A student's notebook; its saved cards are left out if they show solutions."""
    book = nbformat.read(path, as_version=4)
    exercises = exercise_cells(book)
    for number, source in exercises.items():
        if source != built["cells"].get(number):
            raise HandoutError(
                f"In {path.name} exercise {number} is not as it was built: run make "
                "notebooks."
            )
    if with_solutions:
        return path.read_text("utf-8")
    for cell in book.cells:
        if cell.cell_type == "code" and cell.source in exercises.values():
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(book) + "\n"


def pack(target: Path = TARGET, with_solutions: bool = False) -> list[str]:
    """Write the archive; return the names in it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    names = []
    with (
        replaced(target) as scratch,
        zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in contents(with_solutions):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", _ALWAYS)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16  # readable after unpacking
            archive.writestr(entry, content)
            names.append(name)
    return names


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.handout", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--with-solutions", action="store_true", help="let cards show solutions"
    )
    options = parser.parse_args(arguments)
    try:
        names = pack(TARGET, options.with_solutions)
    except (HandoutError, build.LessonError) as error:
        print(error, file=sys.stderr)
        return 1
    size = TARGET.stat().st_size / 1e6
    what = "with solutions" if options.with_solutions else "without solutions"
    print(f"{TARGET.relative_to(ROOT)}: {len(names)} files, {size:.1f} MB, {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
