"""The explorers answer: in JupyterLab and in a live slide, to slider and pointer."""

import nbformat
import pytest

from tools.build import RISE
from tools.walk import Slides

pytestmark = pytest.mark.browser

EXPLORER = ".jp-OutputArea-output .widget-vbox:has(> .widget-html svg)"


def picture(explorer):
    return explorer.locator("> .widget-html svg").last.inner_html()


def drag(page, explorer, by):
    """Drag the first slider's handle by so many pixels; return when it has answered."""
    before = picture(explorer)
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


@pytest.fixture(scope="module")
def path(lab):
    """A notebook with the explorers of lessons 02 and 03, each on a slide."""
    image, weights = "torch.arange(30.0).view(5, 6)", "torch.ones(3, 3)"
    sources = [
        "import torch\n"
        "from helpers.convolution import conv2d\n"
        "from lessons.l02_two_dimensions.explorer import window_explorer\n"
        "from lessons.l03_output_size.explorer import size_explorer",
        f"window_explorer({image}, {weights}, conv2d({image}, {weights}))",
        "size_explorer()",
    ]
    cells = [
        nbformat.v4.new_code_cell(
            source, metadata={"slideshow": {"slide_type": "slide"}}
        )
        for source in sources
    ]
    kernel = {"name": "python3", "display_name": "", "language": "python"}
    metadata = {"rise": RISE, "kernelspec": kernel}
    book = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.write(book, lab.folder / "explorers.ipynb")
    return "explorers.ipynb"


def test_explorers_answer_in_jupyterlab(browser, path, open_page, run_all):
    with open_page(browser, path) as page:
        run_all(page, path)
        explorers = page.locator(EXPLORER)
        assert explorers.count() == 2
        for explorer in explorers.all():
            drag(page, explorer, 60)

        # The pointer over an output cell lights the window that made it.
        shown = """windows => windows
            .filter(e => getComputedStyle(e).visibility != 'hidden').length"""
        windows = explorers.first.locator("svg .window")
        page.mouse.move(0, 0)
        assert windows.evaluate_all(shown) == 0
        explorers.first.locator("svg g:has(> .window) > rect").nth(1).hover()
        assert windows.evaluate_all(shown) == 1


def test_explorers_answer_in_slides_on_a_large_screen(browser, lab, path):
    # There the slides are zoomed, and the pointer must still hit what it points at.
    with Slides(browser, lab.server, path) as slides:
        slides.page.set_viewport_size({"width": 1920, "height": 1080})
        first, *others = slides.names()
        assert slides.show_and_run(first) == []
        for slide in others:
            assert slides.show_and_run(slide) == []
            drag(slides.page, slides.page.locator(f"#{slide} {EXPLORER}"), 90)
        assert slides.watch.take() == []
