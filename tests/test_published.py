"""Slides and pages that need no kernel: explorers, formulas, folded solutions."""

import re

import nbformat
import pytest

from lessons.l02_two_dimensions.explorer import EXAMPLES
from lessons.l03_output_size.explorer import size_explorer
from tools import published, site
from tools.mathml import with_mathml
from tools.slides import choose, notebooks


def read(lesson):
    return nbformat.read(choose(lesson, notebooks()), as_version=4)


def test_an_explorer_becomes_pictures():
    explorer = size_explorer()
    before = explorer.picture.value
    markup = published.states(explorer)
    assert explorer.picture.value == before
    pictures = re.findall(r'<div class="state"( hidden)?>.*?</svg>', markup, re.DOTALL)
    assert 2 < len(pictures) <= published.MOST_STATES
    assert pictures.count("") == 1
    assert f'value="{pictures.index("")}"' in markup
    assert before.split("<svg", 1)[1] in markup


def test_presets_come_before_single_numbers():
    markup = published.states(EXAMPLES["kernel_explorer"]())
    for name in ("sharpen", "edges"):
        assert f"kernel: {name}</p>" in markup
    assert "your own" not in markup


@pytest.mark.parametrize(
    ("markdown", "has"),
    [
        ("of $W_2$ pixels", "<msub><mi>W</mi><mn>2</mn></msub>"),
        ("$$\nW_2 = \\frac{a}{b}\n$$", 'display="block"'),
        ("$a$ and $b$", "</math> and <math"),
        ("broken\n$a\n+ b$", "<mi>a</mi><mo"),
    ],
)
def test_formulas_become_mathml(markdown, has):
    assert has in with_mathml(markdown)
    assert "$" not in with_mathml(markdown)


def test_code_keeps_its_dollars():
    text = "`$HOME` and\n```\n$x$\n```"
    assert with_mathml(text) == text


def test_a_page_folds_hints_and_solutions():
    book = site.page_of(read("03"))
    at = next(n for n, c in enumerate(book.cells) if '"03.2"' in c.source)
    blank, hints, solution = book.cells[at : at + 3]
    assert "____" in blank.source
    assert "<details><summary>Hint 1 of" in hints.source
    assert "____" not in solution.source
    assert "hide-cell" in solution.metadata["tags"]
    assert not any("look_back(" in cell.source for cell in book.cells)


def test_a_site_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "FOLDER", tmp_path / "site")
    monkeypatch.setattr(site, "SOURCE", tmp_path / "source")
    name = choose("03", notebooks()).stem
    assert site.write({name: read("03")}) == 0
    page = (tmp_path / "site" / f"{name}.html").read_text("utf-8")
    assert "Solution of 03.2" in page
    assert "<math" in page
    glossary = (tmp_path / "site" / "glossary.html").read_text("utf-8")
    targets = re.findall(rf'href="{name}.html#([^"]+)"', glossary)
    assert targets
    for target in targets:
        assert f'id="{target}"' in page
    # Other computers are named in links to follow only.
    for text in (page, glossary):
        assert not re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="https?:', text)
