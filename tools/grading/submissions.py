"""What was handed in: which files, whose, and the exercises in them.

Of a notebook only the exercises are taken, the last cell of each, and the learner's own
definitions and imports that they use. Everything else in it is never run. Files are
looked at carefully: a link, a pipe, a folder with a notebook's name or something huge
is told, not followed, waited for or read.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import re
import stat
import symtable
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from helpers.exercises.cells import exercises_in, exercises_in_text, holds_blank

MOST_BYTES = 32_000_000  # of a notebook
_MOST_IN_ZIP = 2_000  # files
_MOST_UNPACKED = 2_000_000_000  # bytes in a zip file
_LONGEST_CELL = 200_000  # characters
_OWN_NAMES = {"exercise", "answer"}
_PLATFORMS = {
    "Moodle": re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_\w*?_?$"),
    "Gradescope": re.compile(r"(?P<name>submission_(?P<id>\d+))$"),
    "Canvas": re.compile(r"(?P<name>[^_\W]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_.+", re.I),
}
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnreadableError(ValueError):
    """This file is no notebook that can be read; the words say why."""


@dataclass(frozen=True)
class Submission:
    """One notebook of one student.

    ``name`` is how it is called in reports: its path in the folder, through zip files.
    ``student`` and ``key`` (a number or name that a gradebook knows) come from the
    folder or file name; ``late`` says that the name says so; ``time`` is when it was
    saved, if known.
    """

    name: str
    path: Path
    member: str = ""  # of a zip file
    problem: str = ""  # known before it is read
    student: str = ""
    key: str = ""
    late: bool = False
    time: datetime | None = None

    def read(self) -> bytes:
        """Its bytes; UnreadableError where that is not possible."""
        if self.problem:
            raise UnreadableError(self.problem)
        if not self.member:
            return _bytes_of(self.path)
        try:
            archive = zipfile.ZipFile(self.path)
            with archive, archive.open(self.member) as file:
                found = file.read(MOST_BYTES + 1)
        # A broken archive meets with errors of many kinds.
        except Exception as error:
            raise UnreadableError(
                f"cannot be unpacked ({type(error).__name__})"
            ) from None
        if len(found) > MOST_BYTES:
            raise UnreadableError(f"too large: more than {MOST_BYTES // 10**6} MB")
        return found


def _bytes_of(path: Path) -> bytes:
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise UnreadableError(f"cannot be opened ({error.strerror})") from None
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError("not a file")
        if found.st_size > MOST_BYTES:
            raise UnreadableError(f"too large: {found.st_size / 1e6:.0f} MB")
        return file.read(MOST_BYTES + 1)


def digest(data: bytes) -> str:
    """What tells one file's content from another's."""
    return hashlib.sha256(data).hexdigest()


# --- Finding --------------------------------------------------------------------------


def collect(folder: Path) -> tuple[list[Submission], list[str]]:
    """The notebooks of a folder at any depth, in zip files too, and what is skipped."""
    found: list[Submission] = []
    skipped: list[str] = []
    people = _gradescope(folder)

    def unread(error: OSError) -> None:
        skipped.append(f"{_named(folder, Path(error.filename))} ({error.strerror})")

    for at, folders, files in os.walk(folder, onerror=unread, followlinks=False):
        here = Path(at)
        for name in sorted(folders):
            path = here / name
            if _is_hidden(name):
                folders.remove(name)
                skipped.append(f"{_named(folder, path)} (saved copies)")
            elif name.lower().endswith(".ipynb"):
                what = "a link" if path.is_symlink() else "a folder"
                found.append(_submission(folder, path, f"{what}, not a file"))
            elif path.is_symlink():
                skipped.append(f"{_named(folder, path)} (a link, not followed)")
        folders.sort()
        for name in sorted(files):
            path, end = here / name, name.lower()
            if _is_hidden(name):
                skipped.append(f"{_named(folder, path)} (hidden)")
            elif end.endswith(".ipynb"):
                found.append(_submission(folder, path, _odd(path)))
            elif end.endswith(".zip"):
                found += _in_zip(folder, path, skipped)
            else:
                skipped.append(_named(folder, path))
    levels: dict[str, int] = {}
    for each in found:
        for level, platform, _ in _marks(each.name):
            levels[platform] = min(level, levels.get(platform, level))
    for platform in ("Moodle", "Canvas"):  # names every folder, or a student did it
        level = levels.get(platform, 0)
        deep = [each.name for each in found if each.name.count("/") >= level]
        marked = [n for n in deep if (level, platform) in {m[:2] for m in _marks(n)}]
        within = {tuple(name.split("/")[:level]) for name in deep}
        if 2 * len({tuple(n.split("/")[:level]) for n in marked}) <= len(within):
            levels.pop(platform, None)
    named = [_with_student(each, levels, people) for each in found]
    return sorted(named, key=lambda each: each.name), skipped


def _named(folder: Path, path: Path) -> str:
    return printable(path.relative_to(folder).as_posix())


def printable(text: str) -> str:
    """A name that can be written anywhere: no half characters, nothing invisible."""
    return "".join(c if c.isprintable() and c != "\\" else repr(c)[1:-1] for c in text)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _odd(path: Path) -> str:
    """Why this is not a file to open, or ""."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(mode):
        return "a link, which is not followed"
    return "" if stat.S_ISREG(mode) else "not a file"


def _submission(folder: Path, path: Path, problem: str, member: str = "") -> Submission:
    inner = "/".join((*path.relative_to(folder).parts, *([member] if member else [])))
    time = None
    with contextlib.suppress(OSError):
        time = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    return Submission(printable(inner), path, member, problem, time=time)


def _marks(name: str) -> Iterator[tuple[int, str, re.Match]]:
    """Where in its path are names as a learning platform gives, outermost first."""
    for level, part in enumerate(name.split("/")):
        handed_in = part.lower().endswith((".ipynb", ".zip"))
        for platform, pattern in _PLATFORMS.items():
            match = pattern.match(part)
            if match and (handed_in or platform != "Canvas"):
                yield level, platform, match


def _with_student(
    each: Submission, levels: Mapping[str, int], people: Mapping
) -> Submission:
    """Whose it is, by the conventions of Moodle, Canvas, Gradescope and nbgrader.

    ``levels`` says how deep in the folder each platform's names begin: what lies
    deeper, a student has named.
    """
    student, key, late, time = "", "", False, each.time
    for level, platform, match in _marks(each.name):
        if level == levels.get(platform):
            student, key = match["name"], match["id"]
            late = bool(match.groupdict().get("late"))
            student, key = map(printable, people.get(student, (student, key)))
            break
    if not key:  # nbgrader keeps when it came; elsewhere the student could say so
        with contextlib.suppress(OSError, ValueError):
            text = _bytes_of(each.path.with_name("timestamp.txt")).decode()[:40]
            told = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
            time = told if told.tzinfo else told.replace(tzinfo=UTC)
    if not student:
        *folders, file = each.name.split("/")
        folders = [part for part in folders if part not in ("submitted", "handed-in")]
        student = folders[0].removesuffix(".zip") if folders else Path(file).stem
    return replace(each, student=student, key=key, late=late, time=time)


def _in_zip(folder: Path, path: Path, skipped: list[str]) -> Iterator[Submission]:
    problem = _odd(path)
    names: list[str] = []
    size = 0
    if not problem:
        try:
            with zipfile.ZipFile(path) as archive:
                inside = [each for each in archive.infolist() if not each.is_dir()]
            names = [each.filename for each in inside]
            books = [e for e in inside if e.filename.lower().endswith(".ipynb")]
            size = sum(each.file_size for each in books)  # nothing else is read
        except Exception as error:
            problem = f"cannot be unpacked ({type(error).__name__})"
    if not problem and len(books) > _MOST_IN_ZIP:
        problem = f"more than {_MOST_IN_ZIP} notebooks in it"
    elif size > _MOST_UNPACKED:
        problem = f"more than {_MOST_UNPACKED / 1e9:.0f} GB in it"
    if problem:
        yield _submission(folder, path, problem)
        return
    for name in sorted(set(names)):  # read from the archive, never written anywhere
        if any(map(_is_hidden, name.split("/"))) or not name.lower().endswith(".ipynb"):
            skipped.append(f"{_named(folder, path)}/{printable(name)}")
        else:
            yield _submission(folder, path, "", name)


def _gradescope(folder: Path) -> dict[str, tuple[str, str]]:
    """Names and addresses by folder, from an export's list (simple YAML)."""
    found: dict[str, tuple[str, str]] = {}
    for path in folder.glob("*/submission_metadata.yml"):
        with contextlib.suppress(UnreadableError, UnicodeDecodeError):
            here = ""
            name = ""
            for line in _bytes_of(path).decode().splitlines():
                if match := re.match(r"(submission_\d+):", line):
                    here, name = match[1], ""
                elif match := re.match(r"\s+-?\s*:(name|email):\s*(.*)", line):
                    value = match[2].strip("'\"")
                    name = value if match[1] == "name" else name
                    if match[1] == "email" and here not in found:
                        found[here] = name, value
    return found


# --- Reading --------------------------------------------------------------------------


def code_cells(data: bytes) -> list[str]:
    """The sources of a notebook's code cells; UnreadableError says what is wrong."""
    try:
        book = json.loads(_text(data))
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"not a notebook ({type(error).__name__})") from None
    cells = book.get("cells") if isinstance(book, dict) else None
    if cells is None and isinstance(book, dict):  # as written until 2015
        sheets = book.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        parts = [s.get("cells") for s in sheets if isinstance(s, dict)]
        parts = [part for part in parts if isinstance(part, list)]
        cells = [cell for part in parts for cell in part] if parts else None
    if not isinstance(cells, list):
        raise UnreadableError("not a notebook (it has no cells)")
    found = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            if isinstance(source, list):
                source = "".join(line for line in source if isinstance(line, str))
            if isinstance(source, str) and len(source) <= _LONGEST_CELL:
                found.append(source)
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data), "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def exercise_cells(book: NotebookNode) -> dict[str, str]:
    """Source of the cell of each exercise that a notebook holds."""
    found = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            for number in _statements(cell.source)[1]:
                found[number] = cell.source
    return found


@dataclass(frozen=True)
class Answer:
    """One exercise as it was handed in.

    ``source`` is its statement alone, at its lines; ``pieces`` are the definitions that
    it uses, each with the number of the exercise that it is, if it is one; ``unknown``
    are names that the notebook does not define; ``blanks`` are the open ones among its
    values (or ``[""]``); ``problem`` is set where it is not Python.
    """

    number: str
    cell: str
    source: str = ""
    pieces: tuple[tuple[str, str], ...] = ()
    unknown: frozenset[str] = frozenset()
    blanks: tuple[str, ...] = ()
    problem: tuple[str, str] | None = None  # the error's words, and the line


@dataclass
class _Statement:
    """A statement at the top of a cell: what it binds and uses, its number if any."""

    source: str
    binds: set[str]
    uses: set[str]
    number: str = ""
    node: Any = field(default=None, repr=False)
    cell: str = ""

    @property
    def all_names(self) -> bool:
        """Whether it is ``from … import *``."""
        node = self.node
        return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def answers_in(cells: list[str]) -> dict[str, Answer]:
    """The exercises of a notebook by number: the last of each."""
    statements: list[_Statement] = []
    last: dict[str, tuple[int, Answer | None]] = {}
    for cell in cells:
        found, broken = _statements(cell)
        for each in found:
            # One inside a block, perhaps an `if False`, counts where there is no other.
            plain = isinstance(each.node, _SCOPES | ast.Expr | ast.Assign)
            if each.number and (plain or each.number not in last):
                last[each.number] = len(statements), None
            statements.append(each)
        for number, answer in broken.items():
            if answer is not None:
                last[number] = len(statements), answer
    return {
        number: answer or _answer(statements, at)
        for number, (at, answer) in last.items()
    }


def _statements(cell: str) -> tuple[list[_Statement], dict[str, Answer | None]]:
    """A cell's statements; and its exercises, as answers where it does not parse."""
    try:
        if re.match(r"\s*%%(time|capture|timeit)\b", cell):  # the rest is Python
            cell = re.sub(r"%%.*", "", cell, count=1)
        source = TransformerManager().transform_cell(cell)
        tree = ast.parse(source)
        numbers = exercises_in(tree)
        lines = source.splitlines(keepends=True)
        found = [_statement(n, _number_in(n, numbers), lines) for n in tree.body]
        for each in found:
            each.cell = cell
        return found, dict.fromkeys(numbers.values())
    except SyntaxError as error:
        at = f"line {error.lineno}: {(error.text or '').strip()}"
        problem = (str(error.msg), at[:200])
    except (ValueError, RuntimeError, MemoryError) as error:  # too deep, too many "!"
        problem = (f"it cannot be read as Python ({type(error).__name__})", "")
    broken = {
        n: Answer(n, cell, blanks=("",) if _has_blank(cell) else (), problem=problem)
        for n in exercises_in_text(cell)
    }
    return [], broken


def _number_in(node: ast.stmt, numbers: Mapping[ast.stmt, str]) -> str:
    """The exercise that a statement is or, such as an `if`, holds."""
    inner = [] if isinstance(node, _SCOPES) else ast.walk(node)
    return next((numbers[n] for n in (node, *inner) if n in numbers), "")


def _has_blank(text: str) -> bool:
    return re.search(r"\b____\b", text) is not None


def _statement(node: ast.stmt, number: str, lines: list[str]) -> _Statement:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    source = "\n" * (first - 1) + "".join(lines[first - 1 : node.end_lineno])
    binds, uses = _names(source)
    return _Statement(source, binds | {*_changed(node)}, uses, number, node)


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a statement binds at the top, and those it uses from there."""
    top = symtable.symtable(source, "cell", "exec")
    binds = {s.get_name() for s in top.get_symbols() if s.is_assigned()}
    if "helpers.exercises" not in source:
        binds |= {s.get_name() for s in top.get_symbols() if s.is_imported()}
    uses = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    waiting = list(top.get_children())
    while waiting:
        inner = waiting.pop()
        symbols = inner.get_symbols()
        uses |= {s.get_name() for s in symbols if s.is_global() and s.is_referenced()}
        binds |= {s.get_name() for s in symbols if s.is_declared_global()}
        waiting += inner.get_children()
    return binds, uses - _OWN_NAMES


def _changed(node: ast.stmt) -> Iterator[str]:
    """The names of objects of which a statement sets an element or a member."""
    for each in ast.walk(node):
        inside = isinstance(each, ast.Attribute | ast.Subscript)
        if inside and isinstance(each.ctx, ast.Store) and not isinstance(node, _SCOPES):
            inner = each.value
            while isinstance(inner, ast.Attribute | ast.Subscript):
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield inner.id


def _answer(statements: list[_Statement], at: int) -> Answer:
    mine = statements[at]
    blanks: tuple[str, ...] = ()
    if isinstance(mine.node, ast.Expr):
        keywords = mine.node.value.keywords
        blanks = tuple(k.arg or "" for k in keywords if holds_blank(k.value))
    elif holds_blank(mine.node):
        blanks = ("",)
    chosen: set[int] = set()
    unknown: set[str] = set()
    needed, seen = {*mine.uses}, set(mine.binds)
    while needed - seen:
        name = (needed - seen).pop()
        seen.add(name)
        found = [k for k, s in enumerate(statements) if name in s.binds and k != at]
        found = [k for k in found if k < at] or found
        found = [k for k in found if statements[k].number != mine.number]
        if not found:
            unknown.add(name)
        # What is bound by `from … import *` nobody can tell, so it is taken too.
        found += [k for k, s in enumerate(statements) if s.all_names and k < at]
        for k in found:
            chosen.add(k)
            needed |= statements[k].uses
    pieces = tuple((statements[k].number, statements[k].source) for k in sorted(chosen))
    return Answer(
        mine.number, mine.cell, mine.source, pieces, frozenset(unknown), blanks
    )
