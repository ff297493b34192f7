"""The walk through the slides finds what it is there to find."""

import nbformat
import pytest

from tools.build import RISE
from tools.walk import walk

pytestmark = pytest.mark.browser

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
WIDGET = """from IPython.display import display
view = {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}
display({"application/vnd.jupyter.widget-view+json": view}, raw=True)"""
SLIDES = {
    # First, because the page asks for it when it is opened.
    "asks another computer": MARKDOWN("![far](http://192.0.2.1/far.png)"),
    "": MARKDOWN("# Fine\n\n$W_2 = W_1 - F + 1$, and `code` with `$dollars$`"),
    "px too high": CODE("print('line\\n' * 60)"),
    "code": CODE("a = '" + "x" * 200 + "'"),
    "error: ZeroDivisionError": CODE("1 / 0"),
    "error: UserWarning": CODE("import warnings\nwarnings.warn('old')"),
    "widget not drawn": CODE(WIDGET),
    "formula not drawn": MARKDOWN(r"# An open one: $\frac{1}{$"),
    "formula": MARKDOWN(r"# An unknown command: $x + \unknown$"),
    "output in a scrolled box": CODE("print(1)", metadata={"scrolled": True}),
}


def test_every_fault_is_found_and_no_other(browser, lab):
    for cell in SLIDES.values():
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    kernel = {"name": "python3", "display_name": "", "language": "python"}
    book = nbformat.v4.new_notebook(
        cells=list(SLIDES.values()), metadata={"rise": RISE, "kernelspec": kernel}
    )
    nbformat.write(book, lab.folder / "faults.ipynb")
    reports = walk(browser, lab.server, "faults.ipynb")
    assert len(reports) == len(SLIDES)
    for (fault, _), report in zip(SLIDES.items(), reports):
        assert bool(report.problems) == bool(fault), report
        assert fault in " ".join(report.problems)
