"""One JupyterLab and one Chromium for all browser tests of a worker."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tools.browser import MISSING, find_chromium
from tools.slides import Server, notebooks, serve
from tools.stage import copy_to
from tools.walk import COUNT_RUNS, PageWatch, launch, wait_for_kernel


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab on copies of the notebooks."""

    server: Server
    folder: Path
    progress: Path  # the file that its kernels keep

    def student(self, lesson: str, name: str, **edits: str) -> str:
        """Copy a student's notebook under a new name, some exercises filled in.

        ``edits`` maps an exercise, "03.2" as ``e03_2``, to the new source of its cell.
        Returns the path to open.
        """
        source = next((self.folder / "students").glob(f"{lesson}_*.ipynb"))
        book = nbformat.read(source, as_version=4)
        for key, text in edits.items():
            self.cell(book, key.removeprefix("e").replace("_", ".")).source = text
        nbformat.write(book, self.folder / f"{name}.ipynb")
        return f"{name}.ipynb"

    @staticmethod
    def cell(book: nbformat.NotebookNode, number: str) -> nbformat.NotebookNode:
        """The cell of an exercise."""
        return next(cell for cell in book.cells if f'("{number}"' in cell.source)

    def read(self, path: str) -> nbformat.NotebookNode:
        """What is saved in a notebook now."""
        return nbformat.read(self.folder / path, as_version=4)


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("notebooks")
    progress = tmp_path_factory.mktemp("progress") / "progress.json"
    copy_to(folder, [])  # for notebooks that tests put there
    (folder / "students").mkdir()
    for path in notebooks(unsolved=True):
        shutil.copy(path, folder / "students")
    with serve(folder, environment={"CONVNETS_PROGRESS": str(progress)}) as server:
        yield Lab(server, folder, progress)


# For this package only: as long as Playwright is active, tests elsewhere would run
# inside its event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if find_chromium() is None:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(MISSING.strip())
    with sync_playwright() as playwright, launch(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def open_page(lab):
    """Open a notebook in JupyterLab for the time of a block.

    The page may neither raise errors nor ask other computers for anything.
    """

    @contextlib.contextmanager
    def open_page(browser: Browser, path: str) -> Iterator[Page]:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        watch = PageWatch(page, lab.server)
        page.add_init_script(COUNT_RUNS)
        # A workspace of its own, or the notebooks opened before come back beside it.
        name = Path(path).stem
        page.goto(lab.server.address(f"lab/workspaces/{name}/tree/{path}"))
        try:
            yield page
            assert watch.take() == []
        finally:
            page.close()

    return open_page


@pytest.fixture(scope="session")
def run_all(lab):
    """Run all cells by JupyterLab's menu, save, and return the saved notebook."""

    def run_all(page: Page, path: str) -> nbformat.NotebookNode:
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        wait_for_kernel(lab.server, path)
        book = lab.read(path)
        count = sum(c.cell_type == "code" and bool(c.source) for c in book.cells)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(
            """count => window.cellsRun >= count
              && ![...document.querySelectorAll('.jp-InputPrompt')]
                .some(prompt => prompt.textContent.includes('*'))""",
            arg=count,
            timeout=120_000,
        )
        return save(page, path)

    def save(page: Page, path: str) -> nbformat.NotebookNode:
        with page.expect_response(
            lambda answer: (
                answer.request.method == "PUT" and "/api/contents/" in answer.url
            )
        ):
            page.keyboard.press("Control+s")
        return lab.read(path)

    run_all.save = save
    return run_all


@pytest.fixture(scope="session")
def drag():
    """Drag an explorer's first slider by some pixels; return when it has answered."""

    def drag(page: Page, explorer: Locator, by: int) -> None:
        picture = explorer.locator("> .widget-html svg").last
        before = picture.inner_html()
        handle = explorer.locator(".noUi-handle").first
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + by, y, steps=4)
        page.mouse.up()
        page.wait_for_function(
            "([explorer, before]) => [...explorer.querySelectorAll("
            "':scope > .widget-html svg')].pop().innerHTML !== before",
            arg=[explorer.element_handle(), before],
            timeout=10_000,
        )

    return drag
