"""Make the README's pictures: screenshots of the course itself, as it is now.

    python -m tools.pictures

One shows a student's page with a wrong answer and its card, one a live slide with an
explorer. Both are taken in Chromium on copies of the built notebooks.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tools.slides import ROOT, Server, SlidesError, choose, notebooks, serve
from tools.stage import copy_to
from tools.walk import SIZES, Slides, launch, wait_for_kernel

DOCS = ROOT / "docs"
WRONG = """@exercise("03.3")
def output_size(W1, F, P=0, S=1):
    \"\"\"Width of a feature map.\"\"\"
    return (W1 - F + P) // S + 1"""


def student_page(browser: Browser, server: Server, folder: Path) -> bytes:
    """A wrong answer in lesson 03, judged."""
    path = folder / choose("03", notebooks(unsolved=True)).name
    book = nbformat.read(path, as_version=4)
    start = next(i for i, c in enumerate(book.cells) if "start()" in c.source)
    cell = next(i for i, c in enumerate(book.cells) if '("03.3"' in c.source)
    book.cells[cell].source = WRONG
    book.cells = [book.cells[start], *book.cells[cell - 2 : cell + 1]]
    nbformat.write(book, path)
    page = browser.new_page(viewport={"width": 1280, "height": 780})
    page.goto(server.address(f"lab/tree/{path.name}"))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(server, path.name)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    card = page.locator('.jp-OutputArea-output [role="group"]')
    card.get_by_text("✗").wait_for(timeout=60_000)
    card.locator("summary").first.click()
    return page.locator(".jp-Notebook").screenshot()


def slide(browser: Browser, server: Server, folder: Path) -> bytes:
    """The kernel explorer of lesson 02 as a live slide."""
    with Slides(browser, server, choose("02", notebooks()).name) as slides:
        for name in slides.names():
            slides.show_and_run(name)
            _, title, _ = slides.measure(SIZES[0])  # comes to rest
            if title == "Play with nine numbers":
                return slides.page.screenshot()
    raise SlidesError("Lesson 02 has no slide with its kernel explorer.")


def main() -> int:
    """Take and save both."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        for name, take in (("card", student_page), ("slide", slide)):
            folder = Path(scratch) / name
            folder.mkdir()
            if take is student_page:
                shutil.copy(choose("03", notebooks(unsolved=True)), folder)
            else:
                copy_to(folder, [choose("02", notebooks())], solved=True)
            with serve(folder) as server, launch(playwright) as browser:
                picture = Image.open(io.BytesIO(take(browser, server, folder)))
            small = picture.convert("RGB").quantize(256)
            small.save(DOCS / f"{name}.png", optimize=True)
            print(f"docs/{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
