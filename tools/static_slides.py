"""Write slides that need no kernel, no server and no network: pages, and PDF.

    python -m tools.static_slides            # all lessons
    python -m tools.static_slides 03 04

They lie in ``build/slides``: copy the folder to a USB stick and open ``03.html`` in a
browser, where the arrow keys and space move on, N turns the stage dark and C starts
the clock of an exercise; or show ``03.pdf``, one page a slide. Lessons are run first,
by `tools.published`; their explorers can be turned through some values.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from jupyterlab_pygments import JupyterStyle
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from playwright.sync_api import Browser, sync_playwright
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from tools.mathml import with_mathml
from tools.published import published
from tools.slides import SlidesError, choose, notebooks
from tools.stage import LOOK, STAGE, staged
from tools.walk import launch

FOLDER = Path(__file__).resolve().parents[1] / "build" / "slides"
SIZE = {"width": 1280, "height": 720}
_JUPYTER_LOOKS = ("index.css", "theme-light.css")  # what nbconvert has of JupyterLab's
_LOOKS = (*_JUPYTER_LOOKS, "code.css", LOOK.name, "static_slides.css")
_LINK = re.compile(r"\]\((\d\d)_\w+\.ipynb\)")  # to another lesson
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
{looks}
<body class="jp-Notebook" data-jp-theme-light="true">
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="look/stage.js"></script>
<script src="look/static_slides.js"></script>
</body>
</html>
"""


def write(book: NotebookNode, target: Path) -> int:
    """Write a published notebook's slides as a page; return their number."""
    book = staged(book)
    title = book.cells[0].source.removeprefix("# ")
    groups = list(_slides(book))
    slides = [
        f"<section><section>{cells}"
        f'<p class="corner left">{html.escape(title)}</p>'
        f'<p class="corner right">{number} / {len(groups)}</p></section></section>'
        for number, cells in enumerate(groups, 1)
    ]
    looks = [f'<link rel="stylesheet" href="look/{name}">' for name in _LOOKS]
    page = _PAGE.format(
        title=html.escape(title), looks="\n".join(looks), slides="\n".join(slides)
    )
    target.write_text(page, "utf-8")
    return len(groups)


def _slides(book: NotebookNode) -> Iterator[str]:
    """The cells of each slide as HTML, those that appear later as fragments."""
    hide = Config({"TagRemovePreprocessor": {"remove_input_tags": ["no-input"]}})
    exporter = HTMLExporter(
        config=hide,
        template_name="lab",
        template_file="base.html.j2",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    parts: list[str] = []
    for cell in book.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind in ("skip", "notes"):
            continue
        if kind in ("slide", "subslide") and parts:
            yield "".join(parts)
            parts = []
        if cell.cell_type == "markdown":
            cell.source = with_mathml(_LINK.sub(r"](\1.html)", cell.source))
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.setdefault("tags", []).append("no-input")
        one = nbformat.v4.new_notebook(cells=[cell], metadata=book.metadata)
        body, _ = exporter.from_notebook_node(one)
        parts.append(
            f'<div class="fragment">{body}</div>' if kind == "fragment" else body
        )
    yield "".join(parts)


def write_looks(folder: Path) -> None:
    """Lay style sheets and scripts beside the slides."""
    folder.mkdir(parents=True, exist_ok=True)
    found = HTMLExporter(template_name="lab").template_paths
    for name in _JUPYTER_LOOKS:
        files = (Path(path) / "static" / name for path in found)
        shutil.copy(next(filter(Path.exists, files)), folder)
    code = HtmlFormatter(style=JupyterStyle).get_style_defs(".highlight")
    (folder / "code.css").write_text(code, "utf-8")
    shutil.copy(LOOK, folder)
    shutil.copy(STAGE, folder / "stage.js")
    for kind in ("css", "js"):
        shutil.copy(Path(__file__).with_suffix(f".{kind}"), folder)


def print_pdf(browser: Browser, page: Path) -> Path:
    """Print a page of slides, one a page."""
    tab = browser.new_page(viewport=SIZE)
    try:
        tab.goto(page.as_uri())
        tab.evaluate("document.fonts.ready")
        tab.evaluate("window.showAll()")
        target = page.with_suffix(".pdf")
        sizes = {side: f"{length}px" for side, length in SIZE.items()}
        tab.pdf(path=target, print_background=True, **sizes)
    finally:
        tab.close()
    return target


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.static_slides", description=__doc__.split("\n")[0]
    )
    parser.add_argument("lessons", nargs="*", help="such as 03; all if none is named")
    options = parser.parse_args(arguments)
    begin = time.monotonic()
    try:
        books = notebooks()
        books = [choose(lesson, books) for lesson in options.lessons] or books
        write_looks(FOLDER / "look")
        print("Running what has changed …", flush=True)
        with sync_playwright() as playwright, launch(playwright) as browser:
            for path in published(books):
                page = FOLDER / f"{path.stem[:2]}.html"
                count = write(nbformat.read(path, as_version=4), page)
                pdf = print_pdf(browser, page)
                print(f"{page.name}, {pdf.name}: {count} slides", flush=True)
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"In {FOLDER}, after {time.monotonic() - begin:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
