"""A student's way through lesson 03: run all, fill in, get it wrong, get stuck."""

import json

import nbformat
import pytest

from helpers.exercises import engine, exercises
from tools.slides import choose, notebooks

pytestmark = pytest.mark.browser

WHILE_TRUE = """@exercise("03.2")
def same_padding(F):
    import time
    while True:
        time.sleep(1)"""
PRECEDENCE = """@exercise("03.3")
def output_size(W1, F, P=0, S=1):
    return W1 - F + 2 * P / S + 1"""
FILLED_IN = {"03.1", "03.2", "03.3", "03.13"}
LEAVES = '@exercise("03.13")\ndef extent(F, dilation):\n    exit()'


def plain(cell):
    """What the outputs of a cell say, as text."""
    said = []
    for output in cell.outputs:
        said.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(said)


@pytest.fixture(scope="module")
def tried(browser, lab, open_page, run_all):
    """A notebook with one answer right and others wrong in every way, after Run All."""
    solved = nbformat.read(choose("03", notebooks()), as_version=4)
    path = lab.student(
        "03",
        "tried",
        e03_1=lab.cell(solved, "03.1").source,
        e03_2=WHILE_TRUE,
        e03_3=PRECEDENCE,
        e03_13=LEAVES,
    )
    lab.progress.unlink(missing_ok=True)  # what staged lessons answered before
    with open_page(browser, path) as page:
        yield page, run_all(page, path), path


def test_a_right_answer_gets_its_card(tried, lab):
    _, book, _ = tried
    assert plain(lab.cell(book, "03.1")).startswith("✓ 03.1 ")


def test_a_misconception_is_named(tried, lab):
    page, book, _ = tried
    says = exercises()["03.3"].wrong["precedence"].says
    card = plain(lab.cell(book, "03.3"))
    assert card.startswith("✗ 03.3 ")
    assert says in card
    shown = page.locator('[role="group"][aria-label^="Exercise 03.3 "]').text_content()
    assert says.replace("`", "") in shown


def test_an_endless_loop_is_stopped(tried, lab):
    _, book, _ = tried
    card = plain(lab.cell(book, "03.2"))
    assert card.startswith("✗ 03.2 ")
    assert "stopped by" in card
    assert "time.sleep(1)" in card  # the line that it is in


def test_leaving_python_is_not_possible(tried, lab):
    _, book, _ = tried
    card = plain(lab.cell(book, "03.13"))
    assert card.startswith("✗ 03.13 ")
    assert "stopped by" in card
    assert "exit()" in card


def test_the_cells_below_have_run_all_the_same(tried):
    _, book, _ = tried
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1))  # one kernel, in order
    assert all(o.output_type != "error" for cell in code for o in cell.outputs)


def test_what_is_not_filled_in_stays_open(tried, lab):
    page, book, _ = tried
    shown = page.locator('.jp-OutputArea-output [role="group"]').all_text_contents()
    numbers = [*engine.of_lesson("03")]
    assert len(shown) == len(numbers) > len(FILLED_IN)
    for number, text in zip(numbers, shown):
        is_open = number not in FILLED_IN
        assert plain(lab.cell(book, number)).startswith(f"○ {number} ") == is_open
        assert text.startswith(f"○ {number} ") == is_open


def test_progress_is_kept(tried, lab):
    kept = json.loads(lab.progress.read_text("utf-8"))
    assert kept["03.1"]["passed"]
    assert not kept["03.3"]["passed"]
    assert kept["03.3"]["misconception"] == "precedence"
    assert "03.4" not in kept  # still blank


def test_hints_open_by_keyboard(tried):
    page, _, _ = tried
    card = page.locator('[role="group"][aria-label^="Exercise 03.3 "]')
    hints = exercises()["03.3"].hints
    for position in range(len(hints)):
        summary = card.locator("summary", has_text=f"Hint {position + 1} of")
        summary.focus()
        page.keyboard.press("Enter")
        assert card.locator("details[open]").count() == position + 1
    solution = card.locator("details", has=page.get_by_text("Solution", exact=True))
    assert solution.last.get_attribute("open") is None
    page.keyboard.press("Tab")  # on from the last hint
    page.keyboard.press("Enter")
    assert solution.last.get_attribute("open") is not None


def test_typing_an_answer(tried, lab, run_all):
    page, _, path = tried
    cell = page.locator(".jp-CodeCell", has_text='answer("03.10"')
    before = page.evaluate("window.cellsRun")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type('answer("03.10", S=')
    page.keyboard.type("3)")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("before => window.cellsRun > before", arg=before)
    card = cell.locator('[role="group"]')
    card.get_by_text("✓").wait_for()
    assert plain(lab.cell(run_all.save(page, path), "03.10")).startswith("✓ 03.10 ")
