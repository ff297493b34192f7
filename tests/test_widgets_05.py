"""The explorer of lesson 05 computes what PyTorch computes, wherever it is set."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
import torch
from torch.nn.functional import avg_pool2d, max_pool2d

from helpers import widgets
from helpers.widgets.pools import AVERAGE, MAX

torch.set_num_threads(1)

EXAMPLE = [[1.0, 4, 2, 1], [5, 8, 3, 4], [7, 6, 4, 5], [1, 3, 1, 2]]
IMAGE = torch.arange(30.0).view(5, 6) * 7 % 11 - 3  # negative ones, and ties


def texts(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    found = picture.iter("{http://www.w3.org/2000/svg}text")
    return [element.text for element in found], picture.get("height")


def settings(explorer):
    """Set every kind, F and S; yield what they are and PyTorch's output."""
    image = torch.tensor(explorer.image)[None, None]
    controls = [explorer.kind, explorer.F, explorer.S]
    for kind, F, S in itertools.product((MAX, AVERAGE), range(1, 5), range(1, 5)):
        explorer.set_values(controls, (kind, F, S))
        pool = max_pool2d if kind == MAX else avg_pool2d
        yield kind, F, S, image, pool


def test_outputs_are_those_of_torch():
    explorer = widgets.pool_explorer(IMAGE)
    heights = set()
    for _, F, S, image, pool in settings(explorer):
        expected = pool(image, F, S)[0, 0]
        assert explorer.size() == tuple(expected.shape)
        assert explorer.cell.max == expected.numel() - 1
        for i, j in itertools.product(*map(range, expected.shape)):
            assert explorer.output(i, j) == pytest.approx(expected[i, j].item())
        words, height = texts(explorer)
        heights.add(height)
        rows, columns = expected.shape
        assert any(f"pooled, {rows} × {columns}" in text for text in words)
    assert len(heights) == 1  # nothing below jumps


def test_wins_are_the_gradient():
    explorer = widgets.pool_explorer(IMAGE)
    for kind, F, S, image, pool in settings(explorer):
        if kind == AVERAGE:
            continue
        image = image.clone().requires_grad_()
        pool(image, F, S).sum().backward()
        wins = torch.zeros(5, 6, dtype=torch.float64)
        for at, count in explorer.wins().items():
            wins[at] = count
        assert torch.equal(wins, image.grad[0, 0].double())


def test_the_lecture_s_example():
    explorer = widgets.pool_explorer(EXAMPLE)
    explorer.S.value = 1
    assert repr(explorer) == (
        "Max pooling, F = 2, S = 2, of 4 × 4 numbers: the output is 2 × 2."
    )
    assert "8 in row 1, column 1 (4)" in explorer.describe()
    assert "Windows overlap." in explorer.describe()
    explorer.cell.value = 4
    assert "row 1, column 1 is the largest of 8, 3, 6, 4: 8." in explorer.describe()
    explorer.kind.value = AVERAGE
    assert "is (8 + 3 + 6 + 4) / 4 = 5.25." in explorer.describe()
    assert "Winners" not in explorer.describe()


def test_numbers_that_no_window_sees_are_counted():
    explorer = widgets.pool_explorer(IMAGE)
    for _, F, S, image, _ in settings(explorer):
        image = image.clone().requires_grad_()
        avg_pool2d(image, F, S).sum().backward()
        lost = int((image.grad == 0).sum())
        found = re.search(r"(\d+) numbers? (?:is|are) never seen", explorer.describe())
        assert (int(found[1]) if found else 0) == lost


def test_each_output_shows_its_window_under_the_pointer():
    explorer = widgets.pool_explorer(EXAMPLE)
    other = widgets.pool_explorer(IMAGE)
    names = [
        set(re.findall(r'class="(pool-\w+)"', e.picture.value))
        for e in (explorer, other)
    ]
    assert [len(name) for name in names] == [1, 1]
    assert names[0] != names[1]
    assert explorer.picture.value.count('class="window"') == 4


def test_still_and_limits():
    explorer = widgets.pool_explorer(EXAMPLE)
    assert explorer.still() == widgets.pool_explorer(EXAMPLE).still()
    assert "Run this cell to play with it." in explorer.still()["text/html"]
    for shape in [(1, 4), (4, 8)]:
        with pytest.raises(ValueError, match="2 to 7 rows"):
            widgets.pool_explorer(torch.zeros(shape))
    explorer = widgets.pool_explorer(torch.zeros(2, 7))
    assert explorer.F.max == 2
