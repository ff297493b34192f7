"""The walk through the slides finds what it is there to find."""

import nbformat
import pytest

from tools import slides
from tools.build import RISE
from tools.walk import walk

pytestmark = pytest.mark.browser

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
WIDGET = """from IPython.display import display
view = {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}
display({"application/vnd.jupyter.widget-view+json": view}, raw=True)"""
DEAF = """import ipywidgets
deaf = ipywidgets.VBox([ipywidgets.IntSlider()])
deaf.add_class("convnets-explorer")
deaf"""
EXPLORER = """from lessons.l03_output_size.explorer import size_explorer
size_explorer()"""
SLIDES = {
    # First, because the page asks for it when it is opened.
    "asks another computer": MARKDOWN("![far](http://192.0.2.1/far.png)"),
    "": MARKDOWN("# Fine\n\n$W_2 = W_1 - F + 1$, and `code` with `$dollars$`"),
    "px too high": CODE("print('line\\n' * 60)"),
    "code": CODE("a = '" + "x" * 200 + "'"),
    "error: ZeroDivisionError": CODE("1 / 0"),
    "error: UserWarning": CODE("import warnings\nwarnings.warn('old')"),
    "widget not drawn": CODE(WIDGET),
    "an explorer does not answer": CODE(DEAF),
    "formula not drawn": MARKDOWN(r"# An open one: $\frac{1}{$"),
    "formula": MARKDOWN(r"# An unknown command: $x + \unknown$"),
    "output in a scrolled box": CODE("print(1)", metadata={"scrolled": True}),
}


def book_of(cells, path):
    """Write a notebook with each of the cells on a slide."""
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    kernel = {"name": "python3", "display_name": "", "language": "python"}
    metadata = {"rise": RISE, "kernelspec": kernel}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def test_every_fault_is_found_and_no_other(browser, lab):
    book_of(list(SLIDES.values()), lab.folder / "faults.ipynb")
    reports = walk(browser, lab.server, "faults.ipynb")
    assert len(reports) == len(SLIDES)
    for (fault, _), report in zip(SLIDES.items(), reports):
        assert bool(report.problems) == bool(fault), report
        assert fault in " ".join(report.problems)


def test_an_explorer_without_controls_is_found(browser, tmp_path, monkeypatch):
    """As it is where the slides' page lacks what the widgets import."""
    monkeypatch.setattr(slides, "EXTENSIONS", tmp_path / "none")
    book_of([CODE(EXPLORER)], tmp_path / "bare.ipynb")
    with slides.serve(tmp_path) as server:
        (report,) = walk(browser, server, "bare.ipynb", fullest=0)
    assert "no controls" in " ".join(report.problems)
