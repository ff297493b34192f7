"""The tests of every lesson find what they are there to find."""

import dataclasses

import pytest
import torch

from helpers.exercises import engine
from helpers.exercises.engine import case
from tests.lesson_tests import LessonTests, alts_of
from tools import build


def test_a_weak_check_is_found(monkeypatch):
    """With square cases only, a mutant of the two-dimensional convolution passes."""
    lesson, number = build.lessons()[2], "02.4"
    square = case(torch.arange(16.0).view(4, 4), torch.ones(2, 2))
    weak = {number: dataclasses.replace(engine.get(number), cases=lambda: [square])}
    monkeypatch.setattr(engine, "of_lesson", lambda lesson: weak)

    def inputs(rng):
        image = torch.randn(rng.randint(4, 7), 5)
        return case(image, torch.randn(rng.randint(1, 3), 2))

    weak_tests = type("WeakTests", (LessonTests,), {"inputs": {number: inputs}})
    with pytest.raises(AssertionError, match="wrong, and passed"):
        weak_tests().test_no_mutant_passes(lesson, weak, monkeypatch)


def test_images_without_a_text_are_found():
    assert alts_of({"text/html": '<p><img src="x"><img alt="a"></p>'}) == ["", "a"]
    assert alts_of({"image/png": "…", "text/plain": "b"}) == ["b"]
    assert alts_of({"text/html": '<svg aria-label="c"><text>d</text></svg>'}) == ["c"]
