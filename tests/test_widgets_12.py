"""The error explorer of lesson 12: every image in its cell, the worst first."""

import base64
import io
import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import widgets
from helpers.data import load
from helpers.widgets.errors import ANY, WRONG

torch.set_num_threads(1)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def data():
    return load("shapes", "cpu", counts=(50, 200))


@pytest.fixture(scope="module")
def scores(data):
    scores = torch.randn(200, 10, generator=torch.Generator().manual_seed(12))
    scores[torch.arange(200), data.test.labels] += 2
    scores[data.test.labels == 3, 4] += 50  # every cross a star: class 3 has none right
    return scores


def drawn(explorer):
    text = explorer.picture.value
    picture = ET.fromstring(text[text.index("<svg") :])
    assert picture.get("aria-label") == explorer.describe()
    return picture


def choose(explorer, it_is, says):
    explorer.set_values((explorer.it_is, explorer.says), (it_is, says))


def test_every_image_is_in_one_cell(data, scores):
    explorer = widgets.error_explorer(data, scores)
    labels, guesses = data.test.labels.tolist(), scores.argmax(dim=1).tolist()
    found = []
    for i, j in itertools.product(range(10), range(10)):
        choose(explorer, data.classes[i], data.classes[j])
        chosen = explorer.chosen()
        assert all((labels[k], guesses[k]) == (i, j) for k in chosen)
        assert len(chosen) == explorer.counts[i, j]
        found += chosen
    assert sorted(found) == list(range(200))


def test_the_worst_come_first(data, scores):
    explorer = widgets.error_explorer(data, scores)
    right = scores.softmax(dim=1)[torch.arange(200), data.test.labels]
    wrong = scores.argmax(dim=1) != data.test.labels
    chosen = explorer.chosen()
    assert chosen == sorted(wrong.nonzero()[:, 0].tolist(), key=lambda k: right[k])
    assert chosen[:6] == right.argsort()[:6].tolist()
    choose(explorer, "ring", WRONG)
    assert explorer.chosen() == [k for k in chosen if data.test.labels[k] == 5]
    choose(explorer, ANY, "star")
    assert set(explorer.chosen()) == set(
        (scores.argmax(dim=1) == 4).nonzero()[:, 0].tolist()
    )


def test_pages_show_each_image_once(data, scores):
    explorer = widgets.error_explorer(data, scores)
    heights = set()
    for it_is, says in ((ANY, WRONG), ("cross", "star"), ("cross", "cross")):
        choose(explorer, it_is, says)
        seen = []
        pages = range(1, explorer.first.max + 1, explorer.first.step)
        assert pages[-1] == explorer.first.max
        for first in pages:
            explorer.first.value = first
            picture = drawn(explorer)
            heights.add(picture.get("height"))
            assert len(list(picture.iter(f"{SVG}image"))) == len(explorer.shown())
            seen += explorer.shown()
        assert seen == explorer.chosen()
        assert explorer.first.disabled == (len(seen) <= 6)
    assert len(heights) == 1  # nothing below jumps
    assert explorer.first.value == 1  # a page that is gone was left
    assert "no image" in explorer.describe()
    assert "No image is in there." in explorer.picture.value


def test_cells_hold_the_counts(data, scores):
    explorer = widgets.error_explorer(data, scores, "cross", "star")
    picture = drawn(explorer)
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    shown = sum(int(text) for text in texts if text.isdigit())
    assert shown == 200
    frames = [
        rect
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("stroke-width") == "3" and float(rect.get("width")) < 30
    ]
    assert len(frames) == 1
    choose(explorer, "cross", WRONG)
    frames = [
        rect
        for rect in drawn(explorer).iter(f"{SVG}rect")
        if rect.get("stroke-width") == "3" and float(rect.get("width")) < 30
    ]
    assert len(frames) == 9


def test_nothing_leaves_the_picture(data, scores):
    explorer = widgets.error_explorer(data, scores)
    picture = drawn(explorer)
    width, height = (float(picture.get(side)) for side in ("width", "height"))
    shapes = list(picture.iter(f"{SVG}rect"))[1:]
    for element in [*picture.iter(f"{SVG}image"), *shapes]:
        x, y = float(element.get("x")), float(element.get("y"))
        assert x >= 0
        assert y >= 0
        assert x + float(element.get("width")) <= width
        assert y + float(element.get("height")) <= height


def test_images_have_their_own_colours(data, scores):
    explorer = widgets.error_explorer(data, scores)
    first = next(drawn(explorer).iter(f"{SVG}image")).get("href")
    bytes_of = base64.b64decode(first.partition(",")[2])
    pixels = torch.tensor(np.array(Image.open(io.BytesIO(bytes_of))))  # (H, W, 3)
    number = explorer.shown()[0]
    back = data.test.images[number] * data.std[:, None, None]
    expected = 255 * (back + data.mean[:, None, None])
    assert torch.allclose(pixels.permute(2, 0, 1).float(), expected, atol=0.51)


def test_words_do_not_depend_on_the_scores(data, scores):
    explorer = widgets.error_explorer(data, scores)
    assert repr(explorer) == (
        "Errors of a network on 200 images of drawn shapes (stand-in for CIFAR-10)."
    )
    right = int((scores.argmax(dim=1) == data.test.labels).sum())
    assert f"{right} of 200 are right" in explorer.describe()
    choose(explorer, "cross", "star")
    assert "Chosen: cross taken for star, 20 images" in explorer.describe()
    assert "is cross, said star with 100%, right 0%" in explorer.describe()


def test_grey_images_too():
    digits = load("digits", "cpu")
    scores = torch.zeros(len(digits.test.labels), 10)
    explorer = widgets.error_explorer(digits, scores, it_is="7")
    assert explorer.guesses.unique().tolist() == [0]
    assert len(list(drawn(explorer).iter(f"{SVG}image"))) == 6


def test_still_and_limits(data, scores):
    explorer = widgets.error_explorer(data, scores)
    still = explorer.still()
    assert list(still) == ["image/png"]  # which nobody compares: floats differ
    assert Image.open(io.BytesIO(base64.b64decode(still["image/png"]))).size == (
        explorer.WIDTH,
        explorer.HEIGHT,
    )
    with pytest.raises(ValueError, match=r"\(200, 10\)"):
        widgets.error_explorer(data, scores[:, :9])
    with pytest.raises(ValueError, match="no class 'cat'"):
        widgets.error_explorer(data, scores, it_is="cat")
