"""Notebooks made ready for the stage, and exercises left for home."""

import re

import nbformat
import pytest

from helpers.exercises import exercises
from helpers.exercises.lessons import lessons
from tools.minutes import BY_LEVEL
from tools.slides import notebooks
from tools.stage import left_for_home, staged

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


def book_of(*cells):
    """A notebook of cells, each given with its kind of slide."""
    for kind, cell in cells:
        cell.metadata["slideshow"] = {"slide_type": kind}
    return nbformat.v4.new_notebook(cells=[cell for _, cell in cells])


def shown(book):
    """Kind and text of each cell."""
    return [(c.metadata["slideshow"]["slide_type"], c.source) for c in book.cells]


def test_every_slide_begins_with_its_title():
    book = book_of(
        ("slide", MARKDOWN("# 99 A lesson\n\nWhat it is about")),
        ("skip", CODE("import torch")),
        ("subslide", CODE("1 + 1")),
        ("slide", MARKDOWN("## Only a title")),
        ("fragment", MARKDOWN("More")),
        ("subslide", MARKDOWN("Text")),
    )
    assert shown(staged(book)) == [
        ("slide", "# 99 A lesson"),
        ("-", "What it is about"),
        ("-", "import torch"),
        ("subslide", "# 99 A lesson"),
        ("-", "1 + 1"),
        ("slide", "## Only a title"),
        ("fragment", "More"),
        ("subslide", "## Only a title"),
        ("-", "Text"),
    ]
    assert book.metadata["rise"]["footer"] == "99 A lesson"
    assert book.cells[2].metadata["jupyter"] == {"source_hidden": True}


def test_a_solution_stands_below_its_exercise():
    solved = lessons()["03"].solved["03.2"]
    book = book_of(
        ("slide", MARKDOWN("# 03 Sizes")),
        ("slide", MARKDOWN("### Exercise 03.2: padding")),
        ("-", CODE(solved)),
        ("fragment", MARKDOWN("What is said about it")),
    )
    *_, title, blank, again, solution, after = shown(staged(book))
    minutes = BY_LEVEL[exercises()["03.2"].level]
    assert title == (
        "slide",
        f'### Exercise 03.2: padding <span class="convnets-badge">{minutes} min</span>',
    )
    assert blank[0] == "-"
    assert "____" in blank[1]
    assert again[0] == "subslide"
    assert ">solution<" in again[1]
    assert solution == ("-", solved)
    assert after[0] == "fragment"


def test_a_solution_stands_below_its_question():
    solved = lessons()["03"].solved["03.2"]
    book = book_of(
        ("slide", MARKDOWN("# 03 Sizes")),
        ("slide", MARKDOWN("### Exercise 03.2: padding\n\nWhich P?")),
        ("-", CODE(solved)),
    )
    *_, title, question, solution = shown(staged(book))
    assert title[0] == "subslide"
    assert question == ("-", '<div class="convnets-question">\n\nWhich P?\n\n</div>')
    assert solution == ("-", solved)


def test_an_explorer_stands_below_the_words_before_it():
    book = book_of(
        ("slide", MARKDOWN("# 03 Sizes")),
        ("skip", CODE("from lessons.l03_output_size.explorer import size_explorer")),
        ("slide", MARKDOWN("## Play\n\nFind a size.")),
        ("subslide", CODE("size_explorer(W1=7)")),
        ("fragment", MARKDOWN("Found?")),
        ("slide", MARKDOWN("## Only a title")),
        ("subslide", CODE("size_explorer(W1=8)")),
        ("-", CODE("size = size_explorer(W1=8)")),
    )
    *_, alone, kept = [c for c in staged(book).cells if c.cell_type == "code"]
    titles = [text for kind, text in shown(book) if "slide" in kind]
    only = "## Only a title"
    assert titles == ["# 03 Sizes", "## Play", "## Play", only, only]
    assert alone.metadata["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in kept.metadata


def test_a_second_exercise_is_not_on_the_first_ones_solution():
    solved = lessons()["03"].solved
    book = book_of(
        ("slide", MARKDOWN("# Sizes")),
        ("slide", MARKDOWN("## Two\n\n**03.4** Compute")),
        ("-", CODE(solved["03.4"])),
        ("-", MARKDOWN("**03.5** Again")),
        ("-", CODE(solved["03.5"])),
    )
    titles = [text for kind, text in shown(staged(book)) if "slide" in kind]
    assert [re.sub(r".*badge\">(.*)</span>", r"\1", text) for text in titles] == [
        "# Sizes",
        f"{BY_LEVEL[exercises()['03.4'].level]} min",
        "solution",
        f"{BY_LEVEL[exercises()['03.5'].level]} min",
        "solution",
    ]


def test_solved_slides_have_no_blanks():
    book = nbformat.read(notebooks()[3], as_version=4)
    assert not any("____" in c.source for c in staged(book, solved=True).cells)


def test_a_first_slide_without_a_heading_is_an_error():
    with pytest.raises(ValueError, match="no heading on the first slide: 'Text'"):
        staged(book_of(("slide", MARKDOWN("Text"))))


@pytest.mark.parametrize("minutes", [0, 30, 60, 1000])
def test_the_hardest_exercises_are_left_for_home(minutes):
    left = left_for_home("02", minutes)
    levels = {n: e.level for n, e in exercises().items() if n.startswith("02.")}
    total = int(lessons()["02"].built["minutes"])
    kept = set(levels) - left
    assert max((levels[n] for n in kept), default=0) <= min(
        (levels[n] for n in left), default=9
    )
    rest = total - sum(BY_LEVEL[levels[n]] for n in left)
    assert rest <= minutes or not kept
    assert left or total <= minutes


def test_what_is_left_for_home_says_so():
    book = staged(nbformat.read(notebooks()[2], as_version=4), minutes=0)
    badges = [c.source for c in book.cells if "convnets-badge" in c.source]
    assert not any(" min<" in text for text in badges)
    assert any(">at home<" in text for text in badges)
