"""The explorers answer in JupyterLab, to slider and pointer; on slides: test_stage."""

import nbformat
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(lab):
    """A notebook with the explorers of lessons 02 and 03."""
    image, weights = "torch.arange(30.0).view(5, 6)", "torch.ones(3, 3)"
    sources = [
        "import torch\n"
        "from helpers.convolution import conv2d\n"
        "from lessons.l02_two_dimensions.explorer import window_explorer\n"
        "from lessons.l03_output_size.explorer import size_explorer",
        f"window_explorer({image}, {weights}, conv2d({image}, {weights}))",
        "size_explorer()",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "", "language": "python"}
    metadata = {"kernelspec": kernel}
    book = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.write(book, lab.folder / "explorers.ipynb")
    return "explorers.ipynb"


def test_explorers_answer_in_jupyterlab(browser, path, open_page, run_all, drag):
    with open_page(browser, path) as page:
        run_all(page, path)
        explorers = page.locator(".convnets-explorer")
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
