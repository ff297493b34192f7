"""Carry a student's answers into a new release's notebooks.

    python -m tools.update OLD_FOLDER   # run in the new one: a new handout, say
    python -m tools.update              # in a git clone: fetch the new release first

Filled blanks go to the exercise of the same number, into the same blanks; cells that
the student added follow the cell that they followed before; progress and the student's
own files come along. What no longer fits stands in ``notebooks/kept/DATE/``, as does
each old notebook, whole. Nothing is deleted, and running it again changes no notebook.

Two releases may lie apart, or ten: only the old notebooks and the new ones are
compared. Where the old folder has a ``lesson.json`` beside its lessons, its blanked
cells tell answers from text that the release gave.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.exercises.cells import BLANK, exercises_in_text, filled
from helpers.files import replaced

ROOT = Path(__file__).resolve().parents[1]
_OURS = re.compile(r"cell-\d{3}")  # the name that the build gives a cell
_BUILT = "[0-9][0-9]_*.ipynb"
PROGRESS = ".progress.json"
_COMMENT = "  # your code: as many lines as you need"
_EXERCISE = re.compile(r"^(?:@exercise|answer)\(", re.MULTILINE)
_LATER = (
    "Your notebooks and progress are in {0}. Run `make setup`, and then "
    "`python -m tools.update {0}`."
)
_NAMED = re.compile(r"(\w+)\s*=\s*$")


class UpdateError(Exception):
    """A reason to stop, told in a sentence without a traceback."""


@dataclass(frozen=True)
class Release:
    """What a release gave: an exercise's cell with blanks, and what each cell said.

    ``untouched`` has, by notebook, the digest of each cell under the cell's id. Both
    may be empty, for a folder that does not say.
    """

    cells: Mapping[str, str] = field(default_factory=dict)
    untouched: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Report:
    """What became of the student's work."""

    carried: list[str] = field(default_factory=list)  # exercises
    cells: int = 0  # the student's own
    kept: dict[str, list[tuple[NotebookNode, str]]] = field(default_factory=dict)
    renumbered: Mapping[str, str] = field(default_factory=dict)

    def keep(self, name: str, cell: NotebookNode, why: str) -> None:
        """Set a cell of an old notebook aside."""
        self.kept.setdefault(name, []).append((cell, why))


def digest(source: str) -> str:
    """A short name for what a cell says."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def digests(book: NotebookNode) -> dict[str, str]:
    """The digest of each cell, by its id."""
    return {cell.id: digest(cell.source) for cell in book.cells}


# --- One exercise ---------------------------------------------------------------------


def fillings(blanked: str, source: str) -> list[str] | None:
    """What fills the blanks of a cell, or None where its other text was changed."""
    first, *others = _bare(blanked).split(BLANK)
    rest, found = _bare(source), []
    if not rest.startswith(first):
        return None
    rest = rest.removeprefix(first)
    for at, text in enumerate(others, 1):
        last = at == len(others)
        end = len(rest) - len(text) if last else rest.find(text)
        if end < 0 or not rest.startswith(text, end):
            return None
        found.append(rest[:end])
        rest = rest[end + len(text) :]
    return None if rest else found


def _bare(source: str) -> str:
    return source.replace(_COMMENT, "").strip()


def labels(blanked: str) -> list[tuple[str, int]]:
    """A name for each blank: the argument it is given to, or "", and its count."""
    seen: Counter[str] = Counter()
    found = []
    for part in blanked.split(BLANK)[:-1]:
        named = _NAMED.search(part)
        name = named[1] if named else ""
        found.append((name, seen[name]))
        seen[name] += 1
    return found


def moved(source: str, before: str, after: str) -> tuple[str | None, bool]:
    """An answer in the new form of its exercise, and whether it is the old one whole.

    Args:
        source: the student's cell.
        before: the cell as the old release gave it, "" where that is not known.
        after: the cell as the new release gives it.
    """
    from_exercise = _EXERCISE.search(source)  # below what the student wrote above it
    own = source[from_exercise.start() :] if from_exercise else source
    fits = fillings(after, source) or fillings(after, own)
    if fits is not None or _bare(before) == _bare(after):
        return source, True
    given = fillings(before, source) if before else None
    if given is None or _subject(before) != _subject(after):
        return None, False
    old, new = labels(before), labels(after)
    values = dict(zip(old, given))
    if sum(not name for name, _ in old) != sum(not name for name, _ in new):
        values = {label: text for label, text in values.items() if label[0]}
    if not values.keys() & {*new}:
        return None, False
    return filled(after, [values.get(label, BLANK) for label in new]), False


def _subject(source: str) -> str | None:
    """What an exercise defines: a function's or class's name, None for values."""
    return next(iter(exercises_in_text(source).values()), None)


def _number(cell: NotebookNode) -> str | None:
    """The number of the one exercise in a cell, or None."""
    numbers = list(exercises_in_text(cell.source)) if cell.cell_type == "code" else []
    return numbers[0] if len(numbers) == 1 else None


def _is_added(cell: NotebookNode) -> bool:
    """Whether the student made this cell: the build names its own."""
    return not _OURS.fullmatch(cell.id)


def _is_blank(source: str, blanked: str) -> bool:
    given = fillings(blanked, source) if blanked else None
    return given is not None and {text.strip() for text in given} <= {BLANK}


def renumbered(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Exercises that have another number and are otherwise what they were.

    Only where there is no doubt: neither number means the same in both releases, and
    exactly one exercise of each has this text.
    """

    def by_text(cells: Mapping[str, str], others: Mapping[str, str]) -> dict:
        found: dict[str, list[str]] = {}
        for number, cell in cells.items():
            if _bare(cell) != _bare(others.get(number, "")):
                text = _with_number(_bare(cell), number, "#")
                found.setdefault(text, []).append(number)
        return found

    gone, added = by_text(before, after), by_text(after, before)
    return {
        numbers[0]: added[text][0]
        for text, numbers in gone.items()
        if len(numbers) == len(added.get(text, ())) == 1
    }


def _with_number(source: str, number: str, other: str) -> str:
    pattern = rf"(?<=[\"']){re.escape(number)}(?=[\"'])"
    return re.sub(pattern, other, source, count=1)


# --- All notebooks --------------------------------------------------------------------


def carry(
    old: Mapping[str, NotebookNode],
    new: Mapping[str, NotebookNode],
    release: Release | None = None,
    blanked: Mapping[str, str] | None = None,
) -> Report:
    """Bring a student's notebooks into the new ones, which are changed in place.

    Args:
        old: the student's notebooks by name; they stay as they are.
        new: the new release's, which may have been worked in already.
        release: what the old release gave, as far as it is known.
        blanked: the cell of each exercise as the new release gives it.
    """
    carrier = _Carrier(new, release or Release(), blanked or {})
    # First the lessons that are still there: a copy under another name comes after.
    for name in sorted(old, key=lambda name: (name not in new, name)):
        carrier.carry_book(name, old[name])
    for book in new.values():
        _name_cells_apart(book)
    return carrier.report


class _Carrier:
    """Brings cells of old notebooks to where they belong in the new ones."""

    def __init__(self, new, release: Release, blanked: Mapping[str, str]) -> None:
        self.new, self.release = new, release
        cells = [cell for book in new.values() for cell in book.cells]
        self.places = {number: cell for cell in cells if (number := _number(cell))}
        self.forms = {
            number: blanked.get(number, cell.source)
            for number, cell in self.places.items()
        }
        self.texts = {cell.source: cell for cell in reversed(cells)}
        self.answered: set[str] = set()
        self.report = Report(renumbered=renumbered(release.cells, self.forms))

    def carry_book(self, name: str, book: NotebookNode) -> None:
        """Bring one old notebook's cells along."""
        named = [other for other in self.new if other[:3] == name[:3]]
        target = self.new.get(name if name in self.new else named[0] if named else "")
        given = self.release.untouched.get(name, {})
        same = _same_cells(book, target)
        holders: dict[str, NotebookNode] = {}
        for cell in sorted(book.cells, key=_is_added):
            if number := _number(cell):  # where it was copied, the release's own cell
                holders.setdefault(number, cell)
        taken = {id(cell) for cell in same.values()}
        free = {
            digest(cell.source): cell
            for cell in (target.cells if target else ())
            if id(cell) not in taken and not _number(cell)
        }
        anchor = target.cells[0] if target and target.cells else None
        for at, cell in enumerate(book.cells):
            number = _number(cell)
            if not cell.source.strip() and not cell.get("attachments"):
                continue
            if at in same:
                anchor = same[at]
            elif number not in self.answered and holders.get(number) is cell:
                self.answered.add(number)
                anchor = self._answer(name, cell, number) or anchor
            elif not number and digest(cell.source) in given.values():
                pass  # the release's own, as it was
            elif not _is_added(cell) and cell.source in self.texts:
                anchor = self.texts[cell.source]  # in another lesson now
            elif given.get(cell.id) in free:
                # The student wrote into a cell that both releases have.
                anchor = free.pop(given[cell.id])
                anchor.source = cell.source
                if cell.get("attachments"):
                    anchor.attachments = copy.deepcopy(cell.attachments)
                _clear(anchor)
                self.report.cells += 1
            elif not _is_added(cell):
                why = "This cell is another one now, changed by you or by the release."
                self.report.keep(name, cell, why)
            else:
                anchor = self._insert(name, cell, anchor)

    def _answer(self, name: str, cell: NotebookNode, was: str) -> NotebookNode | None:
        """Put an answer into its exercise's new cell, which is returned."""
        number = self.report.renumbered.get(was, was)
        before = self.release.cells.get(was, "")
        lost = number == was and number in self.report.renumbered.values()
        place = None if lost else self.places.get(number)
        if _is_blank(cell.source, before):
            return place
        if place is None:
            why = f"Exercise {was} is no longer part of the course."
            self.report.keep(name, cell, why)
            return None
        source = _with_number(cell.source, was, number)
        if _is_blank(source, self.forms[number]) or place.source == source:
            return place
        before = _with_number(before, was, number)
        open_here = _is_blank(place.source, self.forms[number])
        after = place.source if open_here else self.forms[number]
        answer, whole = moved(source, before, after)
        if answer is None:
            why = f"Exercise {number} asks for something else now."
            self.report.keep(name, cell, why)
        elif not open_here and answer != place.source:
            why = f"Exercise {number} is filled in already in the new notebook."
            self.report.keep(name, cell, why)
        elif open_here:
            place.source = answer
            _clear(place)
            self.report.carried.append(number)
            if not whole:
                why = f"Exercise {number} has changed: compare the two."
                self.report.keep(name, cell, why)
        return place

    def _insert(self, name: str, cell: NotebookNode, anchor) -> NotebookNode | None:
        """Put a student's own cell below another; set it aside where there is none."""
        for book in self.new.values():
            for at, other in enumerate(book.cells):
                if other is anchor:
                    for after in takewhile(_is_added, book.cells[at + 1 :]):
                        if after.source == cell.source:  # carried before
                            return after
                    book.cells.insert(at + 1, copy.deepcopy(cell))
                    self.report.cells += 1
                    return book.cells[at + 1]
        self.report.keep(name, cell, "The release has no such lesson any more.")
        return anchor


def _same_cells(book: NotebookNode, target: NotebookNode | None) -> dict:
    """Old cells that the new notebook has word for word: place → new cell.

    The release's own come first: what a student added may say the same.
    """
    waiting: dict[tuple, list[NotebookNode]] = {}
    for cell in target.cells if target else ():
        waiting.setdefault((cell.cell_type, cell.source), []).append(cell)
    order = sorted(enumerate(book.cells), key=lambda pair: _is_added(pair[1]))
    found = {}
    for at, cell in order:
        if alike := waiting.get((cell.cell_type, cell.source)):
            found[at] = alike.pop(0)
    return found


def _clear(cell: NotebookNode) -> None:
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None


def _name_cells_apart(book: NotebookNode) -> None:
    """Give a cell another id where two have the same: a notebook must not."""
    seen: set[str] = set()
    for cell in sorted(book.cells, key=_is_added):
        count = 0
        while cell.id in seen:
            count += 1
            cell.id = f"own-{digest(cell.source)}-{count}"
        seen.add(cell.id)


# --- Folders --------------------------------------------------------------------------


def read_release(folder: Path) -> Release:
    """What an old folder says about the release that it came with."""
    cells: dict[str, str] = {}
    untouched = {}
    for path in sorted(folder.glob("lessons/l[0-9][0-9]_*/lesson.json")):
        try:
            built = json.loads(path.read_text("utf-8"))
            cells |= built["cells"]
            untouched[f"{path.parent.name[1:]}.ipynb"] = built.get("untouched", {})
        except (ValueError, KeyError, TypeError, OSError):
            continue  # then its cells are not known, and more is set aside
    return Release(cells, untouched)


def read_books(
    paths: Iterable[Path],
) -> tuple[dict[str, NotebookNode], dict[str, Path]]:
    """Notebooks by name, and those that cannot be read."""
    books, damaged = {}, {}
    for path in paths:
        try:
            book = nbformat.read(path, as_version=4)
            for cell in book.cells:  # a broken file may lack any of these
                cell.source, cell.cell_type, cell.metadata  # noqa: B018
                cell.setdefault("id", f"own-{digest(cell.source)}")
            books[path.name] = book
        # nbformat meets a broken file with errors of many kinds.
        except Exception:
            damaged[path.name] = path
    return books, damaged


def update(old: Path, root: Path = ROOT, now: str = "") -> Iterator[str]:
    """Carry what a student did in another folder into this one; say what was done."""
    if not (old / "notebooks").is_dir():
        raise UpdateError(
            f"{old} has no folder `notebooks`. Give the folder of the old release, the "
            "one that holds README.md and notebooks."
        )
    if old.resolve() == root.resolve():
        raise UpdateError(
            "That is this folder. Unpack the new release beside the old one, and run "
            "this in the new one, with the old folder's name."
        )
    release = read_release(old)
    paths = _lessons_in(old, release)
    books, damaged = read_books(paths)
    new, broken = read_books(sorted((root / "notebooks").glob(_BUILT)))
    if broken or not new:
        names = ", ".join(broken) or "none at all"
        raise UpdateError(
            f"The new release's notebooks cannot be read: {names}. Unpack it once more."
        )
    before = {name: nbformat.writes(book) for name, book in new.items()}
    report = carry(books, new, release, read_release(root).cells)
    kept = root / "notebooks" / "kept" / (now or time.strftime("%Y-%m-%d-%H%M%S"))
    changed = [
        name for name, book in new.items() if nbformat.writes(book) != before[name]
    ]
    if not changed and not report.kept and not damaged:
        yield "There was nothing to carry over: every answer is here already."
    else:
        kept.mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copy2(path, kept / f"{path.stem}.before.ipynb")
        for name, cells in report.kept.items():
            _write(kept / name, nbformat.writes(_book_of(cells)) + "\n")
        for name in changed:
            _write(root / "notebooks" / name, nbformat.writes(new[name]) + "\n")
        yield (
            f"{_count(len(report.carried), 'answer')} and "
            f"{_count(report.cells, 'cell')} of your own are in the new notebooks."
        )
        where = kept.relative_to(root).as_posix()
        for name, cells in report.kept.items():
            yield f"{where}/{name} keeps what did not fit:"
            yield from (f"  {why}" for why in dict.fromkeys(why for _, why in cells))
        for name in damaged:
            yield (
                f"{name} cannot be read as a notebook. It is kept as it is: "
                f"{where}/{Path(name).stem}.before.ipynb"
            )
        yield f"Your old notebooks, as they were, are in {where} (NAME.before.ipynb)."
    yield from _carry_progress(old, root, report.renumbered, kept)
    yield from _carry_files(old, root, {*paths})


def _lessons_in(folder: Path, release: Release) -> list[Path]:
    """Its lessons' notebooks. Where it does not say which, by their names."""
    found = sorted((folder / "notebooks").glob(_BUILT))
    return [p for p in found if not release.untouched or p.name in release.untouched]


def _book_of(cells: list[tuple[NotebookNode, str]]) -> NotebookNode:
    """A notebook of cells that were set aside, each below the reason."""
    book = nbformat.v4.new_notebook()
    for at, (cell, why) in enumerate(cells):
        said = nbformat.v4.new_markdown_cell(f"*{why}*", id=f"why-{at}")
        own = copy.deepcopy(cell)
        own.id = f"kept-{at}"
        book.cells += [said, own]
    return book


def _write(target: Path, text: str) -> None:
    with replaced(target) as scratch:
        scratch.write_text(text, "utf-8")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _carry_progress(old: Path, root: Path, names, kept: Path) -> Iterator[str]:
    """Bring solved exercises along; what is solved in either folder stays solved."""
    source, target = old / PROGRESS, root / PROGRESS
    if not source.is_file():
        return
    try:
        entries = json.loads(source.read_text("utf-8"))
        merged = json.loads(target.read_text("utf-8")) if target.exists() else {}
        if merged == entries:  # a clone's, as fetched: numbers are still the old ones
            merged = {}
        for number, entry in entries.items():
            if not _is_number(number):  # what another version noted
                merged.setdefault(number, entry)
                continue
            number = names.get(number, number)
            here = merged.get(number, {})
            rank = entry.get("passed", False), entry.get("tries", 0)
            has = here.get("passed", False), here.get("tries", 0)
            if number not in merged or rank > has:
                merged[number] = entry
    except (ValueError, AttributeError, TypeError, OSError):
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, kept / "progress.json")
        yield (
            f"{PROGRESS} cannot be read in one of the two folders. A copy of the old "
            "one is kept, too."
        )
        return
    _write(target, json.dumps(merged, indent=1, sort_keys=True))
    solved = sum(bool(merged[n].get("passed")) for n in merged if _is_number(n))
    yield f"{_count(solved, 'exercise')} solved so far: progress() shows them."


def _is_number(key: str) -> bool:
    return re.fullmatch(r"\d\d\.\d+", key) is not None


def _carry_files(old: Path, root: Path, lessons: set[Path]) -> Iterator[str]:
    """Copy files that the student made: beside the notebooks, and photographs."""
    copied = 0
    for folder in ("notebooks", "data/photographs"):
        for path in sorted((old / folder).rglob("*")):
            parts = path.relative_to(old).parts
            target = root.joinpath(*parts)
            hidden = any(part.startswith(".") for part in parts)
            if path.is_dir() or path in lessons or hidden or target.exists():
                continue
            if "solutions" in parts or "__pycache__" in parts:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            copied += 1
    if copied:
        yield f"{_count(copied, 'file')} of your own copied."
    if any((old / "data" / name).is_dir() for name in ("MNIST", "cifar-10-batches-py")):
        if old.resolve().is_relative_to(root.resolve()):
            return
        yield f"Downloads stay in {old / 'data'}: move them to data/ to use them here."


# --- A git clone ----------------------------------------------------------------------


def _git(root: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", "-c", "core.quotepath=off", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if check and done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines()]
        said = [x for x in lines if x and x != "Aborting" and not x.startswith("hint:")]
        reason = " ".join(said[:3]).rstrip(".") or "no reason given"
        raise UpdateError(f"git {arguments[0]} stopped: {reason}.")
    return done.stdout.strip()


def fetch(root: Path = ROOT) -> Path | None:
    """Bring a clone to the newest release; return a folder with the student's files.

    None where there is nothing new. When git refuses, everything is as it was before.
    """
    if not shutil.which("git") or not (root / ".git").exists():
        raise UpdateError(
            "This folder is no git clone. Unpack the new release beside it, and there "
            "run `make update OLD=OLD_FOLDER` or, by .venv's Python, `-m tools.update "
            "OLD_FOLDER`, with this folder's name."
        )
    _git(root, "fetch", "--quiet")
    upstream = _git(root, "rev-parse", "--abbrev-ref", "@{upstream}", check=False)
    if not upstream:
        raise UpdateError(
            "This branch follows no other, so there is no new release to fetch. Name "
            "one: `git branch --set-upstream-to=origin/main`, for example."
        )
    base = _git(root, "merge-base", "HEAD", upstream)
    if base == _git(root, "rev-parse", upstream):
        return None
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    aside = root / "notebooks" / "kept" / f"{stamp}-before"
    changed = "diff", "--name-only", "--diff-filter=a", "HEAD"  # all but added ones
    touched = _git(root, *changed, "--", "notebooks").splitlines()
    _set_aside(root, aside, base, touched)
    try:
        if touched:
            _git(root, "checkout", "--quiet", "HEAD", "--", *touched)
        _merge(root, upstream)
    except KeyboardInterrupt:
        raise UpdateError(f"Interrupted. {_LATER.format(aside)}") from None
    except UpdateError as problem:
        for path in filter(Path.is_file, aside.glob("notebooks/**/*")):
            shutil.copy2(path, root / path.relative_to(aside))
        raise UpdateError(f"{problem} Your files are as they were before.") from None
    return aside


def _set_aside(root: Path, aside: Path, base: str, touched: Iterable[str]) -> None:
    """Copy what the student changed, and note what the release gave."""
    changed = filter(Path.is_file, [root / PROGRESS, *(root / n for n in touched)])
    for path in {*(root / "notebooks").glob(_BUILT), *changed}:
        copied = aside / path.relative_to(root)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)
    for path in root.glob("lessons/l[0-9][0-9]_*/lesson.json"):
        name = path.relative_to(root).as_posix()
        try:
            built = json.loads(_git(root, "show", f"{base}:{name}"))
            book = f"notebooks/{path.parent.name[1:]}.ipynb"
            given = nbformat.reads(_git(root, "show", f"{base}:{book}"), as_version=4)
        except (UpdateError, ValueError):
            continue  # a lesson of the student's own
        built["untouched"] = digests(given)
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        (aside / name).write_text(json.dumps(built), "utf-8")


def _merge(root: Path, upstream: str) -> None:
    """Take the release's files; a student may have committed answers."""
    if _git(root, "merge-base", "HEAD", upstream) == _git(root, "rev-parse", "HEAD"):
        _git(root, "merge", "--quiet", "--ff-only", upstream)
        return
    try:
        _git(root, "merge", "--no-commit", "--no-ff", upstream)
    except UpdateError:
        if not _git(
            root, "rev-parse", "--quiet", "--verify", "MERGE_HEAD", check=False
        ):
            raise  # nothing has begun; else there are conflicts, seen to below
    try:
        _git(root, "checkout", "--quiet", upstream, "--", "notebooks")
        files = _git(root, "diff", "--name-only", "--diff-filter=U").splitlines()
        gone = [name for name in files if name.startswith("notebooks/")]  # set aside
        if gone:
            _git(root, "rm", "--quiet", "--force", "--", *gone)
        if others := [name for name in files if name not in gone]:
            raise UpdateError(f"You and the release both changed {others[0]}.")
        _git(root, "commit", "--quiet", "--no-edit")
    except (UpdateError, KeyboardInterrupt):
        _git(root, "merge", "--abort", check=False)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.update", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "old", nargs="?", type=Path, help="folder of the old release; if none, by git"
    )
    options = parser.parse_args(arguments)
    try:
        old = options.old
        if old is None:
            old = fetch(ROOT)
            if old is None:
                print("This is the newest release already.")
                return 0
            # The new release's own rules, in a process that has not read the old ones.
            command = [sys.executable, "-m", "tools.update", str(old)]
            try:
                status = subprocess.call(command, cwd=ROOT)
            except KeyboardInterrupt:
                status = 130
            if status:
                print(_LATER.format(old), file=sys.stderr)
            return status
        for line in update(old):
            print(line)
    except UpdateError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
