"""Make a notebook ready for the stage: a copy in which every slide has its title.

The notebook itself is not changed. In the copy a slide begins with a cell that holds
its title and nothing else; a slide below another one inherits that one's. An exercise
tells how many minutes the room gets. Its cell has blanks; the solution stands on a
slide of its own below it, with the question, where there is room for it, and what is
said about it. An explorer stands below the words before it, without its code, and what
is said after it on a slide below.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from itertools import chain, pairwise, starmap
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.exercises import engine
from helpers.exercises.cells import exercises_in
from helpers.exercises.lessons import lessons
from tools.minutes import BY_LEVEL

LOOK = Path(__file__).with_name("rise.css")
STAGE = LOOK.parent / "labextensions" / "convnets-stage" / "static" / "remoteEntry.js"
_HEADING = re.compile(r"(#{1,3} .+)\n*")
_QUESTION = '<div class="convnets-question">\n\n{}\n\n</div>'


def copy_to(
    folder: Path,
    books: list[Path],
    solved: bool = False,
    minutes: int | None = None,
) -> None:
    """Fill a folder with solved notebooks made ready for the stage, and their look.

    See `staged`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in books:
        book = nbformat.read(path, as_version=4)
        nbformat.write(staged(book, solved, minutes), folder / path.name)
    shutil.copy(LOOK, folder / "rise.css")  # the name that live slides look for


def staged(
    book: NotebookNode, solved: bool = False, minutes: int | None = None
) -> NotebookNode:
    """Return a solved notebook with a title on every slide, a footer, and blanks.

    Args:
        book: the notebook; it is changed.
        solved: leave the exercises filled in.
        minutes: that there are; exercises for which they are too few are marked "at
            home", see `left_for_home`.

    Raises:
        ValueError: the first slide has no heading.
    """
    title, cells = "", []
    shown, after_solution = _explorers_below(book.cells), False
    if not solved:
        pairs = zip([None, *shown], shown)
        shown = [*chain.from_iterable(starmap(_with_blank, pairs))]
    for cell, follows in zip(shown, [*shown[1:], None]):
        _unskip(cell)
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        asks = follows is not None and follows.id.startswith("blank-")
        if after_solution and asks and kind in ("-", "fragment"):
            kind = "subslide"  # the next exercise's words, off this solution's slide
        if kind in ("slide", "subslide"):
            after_solution = cell.id.startswith("solution-")
            heading = cell.cell_type == "markdown" and _HEADING.match(cell.source)
            if heading:
                title = heading[1]
                cell.source = cell.source[heading.end() :]
            if not title:
                raise ValueError(f"no heading on the first slide: {cell.source[:60]!r}")
            cells.append(_title(title, kind, cell.id))
            cell.metadata["slideshow"] = {"slide_type": "-"}
            if not cell.source:
                continue
        cells.append(cell)
    lesson = cells[0].source.removeprefix("# ")
    limited = minutes is not None
    _add_badges(cells, left_for_home(lesson[:2], minutes) if limited else set())
    rise = book.metadata.get("rise", {})
    book.metadata["rise"] = {**rise, "slideNumber": "c/t", "footer": lesson}
    book.cells = cells
    return book


def left_for_home(lesson: str, minutes: int) -> set[str]:
    """The exercises to leave out so that a lesson takes no more than some minutes.

    The hardest go first, and of equally hard ones the last. All of them, where even
    that does not do: the rest of a lesson is never cut.
    """
    levels = {n: e.level for n, e in engine.of_lesson(lesson).items()}
    total, out = int(lessons()[lesson].built["minutes"]), set()
    by_level = sorted(levels, key=lambda n: (levels[n], int(n[3:])), reverse=True)
    for number in by_level:
        if total <= minutes:
            break
        out.add(number)
        total -= BY_LEVEL[levels[number]]
    return out


def _with_blank(
    before: NotebookNode | None, cell: NotebookNode
) -> Iterator[NotebookNode]:
    """The cell; where it is an exercise, first with blanks, then below its question."""
    numbers = cell.cell_type == "code" and exercises_in(ast.parse(cell.source)).values()
    for number in numbers or ():
        source = lessons()[number.split(".")[0]].built["cells"][number]
        blank = nbformat.v4.new_code_cell(source, id=f"blank-{cell.id}")
        blank.metadata["slideshow"] = cell.metadata["slideshow"]
        yield blank
        cell.metadata["slideshow"] = {"slide_type": "subslide"}
        cell.id = f"solution-{cell.id}"
        if words := _words_of(before):
            again = nbformat.v4.new_markdown_cell(_QUESTION.format(words))
            again.id = f"{cell.id}-question"
            again.metadata["slideshow"] = cell.metadata["slideshow"]
            cell.metadata["slideshow"] = {"slide_type": "-"}
            yield again
    yield cell


def _words_of(cell: NotebookNode | None) -> str:
    """What a text cell says below its heading; nothing for any other cell."""
    is_text = cell is not None and cell.cell_type == "markdown"
    return _HEADING.sub("", cell.source, count=1).strip() if is_text else ""


def _explorers_below(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Hide the calls that show explorers; put these on the slide of the words before.

    Only where there is nothing but words on that slide. Words after it go to the next.
    """
    explorers, words, explored = set(explorers_in(cells)), False, False
    for position, cell in enumerate(cells):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        is_text, shows = cell.cell_type == "markdown", position in explorers
        if shows:
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
            if kind == "subslide" and words:
                kind = cell.metadata["slideshow"]["slide_type"] = "-"
        elif explored and is_text and kind in ("-", "fragment"):
            kind = cell.metadata["slideshow"]["slide_type"] = "subslide"
        if kind in ("slide", "subslide"):
            words, explored = bool(_words_of(cell)), shows
        elif kind in ("-", "fragment"):
            words, explored = words and is_text, explored or shows
    return cells


def explorers_in(cells: list[NotebookNode]) -> Iterator[int]:
    """Positions of the cells that do nothing but show an explorer."""
    names = set()
    for position, cell in enumerate(cells):
        code = ast.parse(cell.source).body if cell.cell_type == "code" else []
        for line in code:
            if isinstance(line, ast.ImportFrom) and line.module.endswith(".explorer"):
                names |= {alias.name for alias in line.names}
        match code:
            case [ast.Expr(ast.Call(ast.Name(name)))] if name in names:
                yield position


def _title(title: str, kind: str, of: str) -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(title, id=f"title-{of}")
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _add_badges(cells: list[NotebookNode], at_home: set[str]) -> None:
    """Write beside a title how long the room gets for the exercises on its slide."""
    titles = [at for at, cell in enumerate(cells) if cell.id.startswith("title-")]
    for start, end in pairwise([*titles, len(cells)]):
        on_it = [c.source for c in cells[start:end] if c.cell_type == "code"]
        numbers = {n for code in on_it for n in exercises_in(ast.parse(code)).values()}
        minutes = sum(BY_LEVEL[engine.get(n).level] for n in numbers - at_home)
        if cells[start].id.startswith("title-solution-"):
            badge = "solution"
        elif numbers:
            badge = f"{minutes} min" if minutes else "at home"
        else:
            continue
        cells[start].source += f' <span class="convnets-badge">{badge}</span>'


def _unskip(cell: NotebookNode) -> None:
    """Put skipped imports on the slide, as a line that only the mouse brings out.

    Otherwise stepping through the slides would not run them.
    """
    slideshow = cell.metadata.get("slideshow", {})
    imports = cell.cell_type == "code" and "import " in cell.source
    if imports and slideshow.get("slide_type") == "skip":
        slideshow["slide_type"] = "-"
        cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
