"""Write the course as a website: the lessons as pages, with search and a glossary.

    python -m tools.site

It lies in ``build/site`` and asks no other computer for anything: open ``index.html``,
or lay the folder on any web server. Sphinx makes it, from the notebooks as
`tools.published` has run them: exercises with their blanks, hints and solutions folded.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from docutils.nodes import make_id
from nbformat import NotebookNode
from sphinx.application import Sphinx

from helpers.exercises import exercises
from helpers.exercises.cells import exercises_in
from helpers.exercises.lessons import lessons
from tools.mathml import with_mathml
from tools.published import published
from tools.slides import SlidesError, notebooks

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "site"
SOURCE = ROOT / "build" / "site-source"
TITLE = "ConvNets, cell by cell"
SETTINGS = {
    "project": TITLE,
    "html_title": TITLE,
    "extensions": ["myst_nb"],
    "myst_enable_extensions": ["deflist", "html_image"],
    "myst_heading_anchors": 3,
    "nb_execution_mode": "off",
    "nb_merge_streams": True,
    "html_theme": "furo",
    "html_show_sourcelink": False,
    "html_show_copyright": False,
    "html_copy_source": False,
    "html_static_path": ["static"],
    "html_css_files": ["site.css"],
    "suppress_warnings": ["myst.header", "mystnb.unknown_mime_type"],
}
_TERM = re.compile(r"\*\*([a-z][a-z0-9 /×’'()-]+)\*\*")
_SHORT = 70  # characters: a sentence that the next one explains
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_IN_CODE = re.compile(r"```.*?```", re.DOTALL)


def page_of(book: NotebookNode) -> NotebookNode:
    """A published notebook as a page of the site: no notes, solutions folded."""
    cells = []
    for cell in book.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind == "notes" or "look_back(" in cell.source:
            continue
        if cell.cell_type == "markdown":
            if not cell.source.startswith("## Look back"):
                cell.source = with_mathml(cell.source)
                cells.append(cell)
            continue
        tags = cell.metadata.setdefault("tags", [])
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            tags.append("remove-input")
        elif kind == "skip":
            tags.append("hide-cell")
        for number in exercises_in(ast.parse(cell.source)).values():
            source = lessons()[number.split(".")[0]].built["cells"][number]
            cells.append(nbformat.v4.new_code_cell(source))
            cells.append(nbformat.v4.new_markdown_cell(_hints(number)))
            tags.append("hide-cell")
            cell.metadata["mystnb"] = {"code_prompt_show": f"Solution of {number}"}
        cells.append(cell)
    book.cells = cells
    return book


def _hints(number: str) -> str:
    """The exercise's hints, each folded."""
    hints = exercises()[number].hints
    return "\n\n".join(
        f"<details><summary>Hint {at} of {len(hints)}</summary>\n\n{hint}\n\n</details>"
        for at, hint in enumerate(hints, 1)
    )


def terms_of(book: NotebookNode, page: str) -> Iterator[tuple[str, str, str]]:
    """Terms that a lesson sets in bold: term, its sentence, where it stands."""
    heading = ""
    for cell in book.cells:
        if cell.cell_type != "markdown":
            continue
        if found := _HEADING.search(cell.source):
            heading = found[1]
        if heading == "Common mistakes":
            continue
        text = _HEADING.sub("", _IN_CODE.sub("", cell.source))
        sentences = [" ".join(s.split()) for s in re.split(r"(?<=[.?])\s+|\n\n", text)]
        for sentence, follows in zip(sentences, [*sentences[1:], ""]):
            alone = len(sentence) > _SHORT or follows.startswith("**")
            says = sentence if alone else f"{sentence} {follows}"
            for term in _TERM.findall(sentence):
                yield term, says, f"{page}#{make_id(heading)}"


def glossary(books: dict[str, NotebookNode]) -> str:
    """All terms in alphabetical order, each with the sentence that brings it in."""
    first: dict[str, tuple[str, list[str]]] = {}
    for page, book in books.items():
        for term, sentence, place in terms_of(book, page):
            found = first.setdefault(term, (sentence, []))
            link = f"[{page[:2]}]({place.replace('#', '.ipynb#')})"
            if link not in found[1]:
                found[1].append(link)
    lines = ["# Glossary", "", "Terms, each in the sentence that brings it in.", ""]
    for term in sorted(first):
        sentence, places = first[term]
        lines += [f"**{term}**", f": {sentence} ({', '.join(places)})", ""]
    return "\n".join(lines)


def _index(books: dict[str, NotebookNode]) -> str:
    return "\n".join(
        [
            f"# {TITLE}",
            "",
            "A hands-on course on convolutional networks, from one noisy sensor to",
            "ResNet. These pages are for reading; the notebooks have blanks to fill",
            "in, and tell you at once whether you are right.",
            "",
            "```{toctree}",
            ":maxdepth: 1",
            ":caption: Lessons",
            *books,
            "```",
            "```{toctree}",
            ":hidden:",
            "glossary",
            "```",
        ]
    )


def write(books: dict[str, NotebookNode]) -> int:
    """Write published notebooks, by page name, as a site; return Sphinx's status."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    (SOURCE / "static").mkdir(parents=True)
    shutil.copy(Path(__file__).with_suffix(".css"), SOURCE / "static")
    (SOURCE / "glossary.md").write_text(glossary(books), "utf-8")
    (SOURCE / "index.md").write_text(_index(books), "utf-8")
    for page, book in books.items():
        nbformat.write(page_of(book), SOURCE / f"{page}.ipynb")
    app = Sphinx(
        SOURCE, None, FOLDER, FOLDER / ".doctrees", "html", SETTINGS, status=None
    )
    app.build()
    shutil.rmtree(FOLDER / ".doctrees")
    return app.statuscode


def main() -> int:
    """Run from the command line."""
    begin = time.monotonic()
    try:
        paths = list(published(notebooks()))
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    status = write({path.stem: nbformat.read(path, as_version=4) for path in paths})
    print(f"{FOLDER / 'index.html'}, after {time.monotonic() - begin:.0f} s.")
    return status


if __name__ == "__main__":
    sys.exit(main())
