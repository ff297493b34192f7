"""The stage: keys, a warm kernel, and slides without one."""

import re

import nbformat
import pytest

from tools import static_slides
from tools.build import RISE
from tools.slides import choose, notebooks, warm_up
from tools.stage import copy_to
from tools.walk import SIZES, PageWatch, Slides

pytestmark = pytest.mark.browser

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
FIRST = """print("first")
import torch
from helpers.convolution import conv2d
from helpers.exercises import answer, start
from lessons.l02_two_dimensions.explorer import window_explorer
from lessons.l03_output_size.explorer import size_explorer
start()"""
WINDOW = """image, kernel = torch.arange(30.0).view(5, 6), torch.ones(3, 3)
window_explorer(image, kernel, conv2d(image, kernel))"""
CELLS = (
    MARKDOWN("# 03 Output size"),
    MARKDOWN("### Exercise 03.4: a layer"),
    CODE(FIRST),
    CODE('answer("03.4", W2=28, H2=28, D2=6)'),
    CODE(WINDOW),
    CODE("size_explorer()"),
)


@pytest.fixture(scope="module")
def slides(browser, lab):
    """A lesson of five slides, one of them a solution, shown with its kernel warm."""
    kernel = {"name": "python3", "display_name": "", "language": "python"}
    book = nbformat.v4.new_notebook(
        cells=[cell.copy() for cell in CELLS],
        metadata={"kernelspec": kernel, "rise": RISE},
    )
    kinds = ("slide", "slide", "-", "-", "subslide", "subslide")
    for cell, kind in zip(book.cells, kinds):
        cell.metadata = nbformat.from_dict({"slideshow": {"slide_type": kind}})
    path = lab.folder / "tiny.ipynb"
    nbformat.write(book, path)
    copy_to(lab.folder, [path])
    warm_up(lab.server, path)
    assert "first" in str(nbformat.read(path, as_version=4).cells[2].outputs)
    with Slides(browser, lab.server, path.name) as slides:
        yield slides


def test_widgets_answer_at_the_first_touch(slides):
    assert slides.show(slides.names()[-1]) == []
    _, title, problems = slides.measure(SIZES[0])
    assert problems == []
    assert title == "Exercise 03.4: a layer"
    assert slides.touch() == []


def test_a_closed_hint_does_not_make_code_small(slides):
    assert slides.show_and_run(slides.names()[1]) == []
    slides.measure(SIZES[0])  # waits until it is at rest
    hidden = slides.page.locator(".present .present details:not([open]) pre")
    assert hidden.count()
    size = "document.querySelector('.present > .present').style.getPropertyValue"
    assert float(slides.page.evaluate(f"{size}('--code')")) > 0.95  # it was 0.913


def test_keys_turn_the_stage_dark_and_start_the_clock(slides):
    page = slides.page
    assert slides.show(slides.names()[1]) == []
    badge = page.locator(".slides > .present > .present .convnets-badge")
    minutes = badge.inner_text()
    assert re.fullmatch(r"\d+ min", minutes)
    ink = "getComputedStyle(document.querySelector('.present h3')).color"
    light = page.evaluate(ink)
    page.keyboard.press("n")
    assert page.evaluate(ink) != light
    page.keyboard.press("c")
    assert re.fullmatch(r"\d+:\d\d", badge.inner_text())
    page.keyboard.press("c")
    assert badge.inner_text() == minutes
    page.keyboard.press("n")
    assert page.evaluate(ink) == light


def test_explorers_answer_on_a_large_screen(slides, drag):
    # There the slides are zoomed, and the pointer must still hit what it points at.
    large, small = SIZES[1], SIZES[0]
    slides.resize(large)
    for slide in slides.names()[-2:]:
        assert slides.show(slide) == []
        explorer = slides.page.locator(f"#{slide} .convnets-explorer")
        drag(slides.page, explorer, 90)
    slides.resize(small)
    assert slides.watch.take() == []


def test_a_key_restarts_and_runs_to_here(slides):
    assert slides.show_and_run(slides.names()[1]) == []
    prompt = "document.querySelector('.jp-CodeCell .jp-InputPrompt').textContent"
    assert slides.page.evaluate(prompt) not in ("[1]:", "[*]:")  # it had run before
    slides.page.keyboard.press("r")
    slides.page.wait_for_function(f"{prompt} === '[1]:'", timeout=60_000)
    output = slides.page.locator(".jp-OutputArea-output").first
    assert output.inner_text().strip() == "first"


def test_slides_without_a_kernel(browser, lab, tmp_path):
    """Every slide is reached by one key, fits, and is a page of the PDF."""
    book = nbformat.read(choose("02", notebooks()), as_version=4)
    static_slides.write_looks(tmp_path / "look")
    page = tmp_path / "02.html"
    count = static_slides.write(book, page)
    pdf = static_slides.print_pdf(browser, page).read_bytes()
    assert len(re.findall(rb"/Type /Page\b", pdf)) == count
    tab = browser.new_page(viewport=static_slides.SIZE)
    watch = PageWatch(tab, lab.server)
    try:
        tab.goto(page.as_uri())
        assert tab.evaluate("document.querySelectorAll('.fragment').length") < count
        seen = set()
        for _ in range(2 * count):  # as many as there are slides and fragments
            tab.wait_for_timeout(50)
            more = tab.evaluate(
                """() => {
                  const slide = document.querySelector('.present > .present');
                  return slide.scrollHeight - slide.clientHeight;
                }"""
            )
            assert more <= 2, tab.url
            seen.add(tab.url)
            tab.keyboard.press("ArrowRight")
        assert len(seen) == count
        assert not [found for found in watch.take() if "file:" not in found]
    finally:
        tab.close()
