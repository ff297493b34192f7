"""The quick questions at the end of a lesson."""

import json

import pytest

from helpers.exercises import engine
from helpers.exercises.lessons import lessons
from lessons.look_back import look_back, questions_of

OPTIONS = ("a  ", "b  ", "c  ", "d  ")
LATER = [n for n in lessons() if n >= "02"]


@pytest.fixture
def progress(monkeypatch, tmp_path):
    """Keeps progress in a file; returns how to fill it."""
    file = tmp_path / "progress.json"
    monkeypatch.setenv("CONVNETS_PROGRESS", str(file))
    return lambda kept: file.write_text(json.dumps(kept), "utf-8")


def asked(capsys, *given) -> list[str]:
    """The questions that a lesson shows."""
    look_back(*given)
    return capsys.readouterr().out.split("\n\n")


@pytest.mark.parametrize("lesson", LATER)
def test_five_questions_over_earlier_lessons(capsys, progress, lesson):
    shown = asked(capsys, lesson)
    numbers = [text.split()[1] for text in shown]
    assert len({*numbers}) == 5
    assert all("00" <= number[:2] < lesson for number in numbers)
    assert shown == asked(capsys, lesson)
    for text, number in zip(shown, numbers):
        options = [line[6:] for line in text.splitlines() if line[3:6] in OPTIONS]
        known = [q for q in questions_of(number) if q.right in options]
        assert len({*options}) == len(options) >= 2
        assert any({*options} <= {q.right, *q.wrong.values()} for q in known)


@pytest.mark.parametrize("lesson", LATER)
def test_one_letter_is_right_and_each_other_is_explained(capsys, progress, lesson):
    rounds = [asked(capsys, lesson, letter * 5) for letter in "abcd"]
    for texts in zip(*rounds):
        lines = [line.strip() for text in texts for line in text.splitlines()]
        verdicts = [line for line in lines if line.startswith(("✓", "✗"))]
        assert len(verdicts) == 4
        assert sum(line.startswith("✓") for line in verdicts) == 1
        assert all(len(line) > 12 for line in verdicts if line.startswith("✗"))


def test_the_learners_own_slips_come_first(capsys, progress):
    slip = list(engine.get("03.3").wrong)[5]
    progress({"03.3": {"passed": True, "tries": 4, "kinds": {slip: 3}}})
    shown = asked(capsys, "09")
    (own,) = [text for text in shown if text.split()[1] == "03.3"]
    (question,) = questions_of("03.3")
    assert question.wrong[slip] in own
    for letter in "abcd":  # and what it means is said
        text = next(t for t in asked(capsys, "09", letter * 5) if " 03.3 " in t)
        if f"✗ {letter}: {engine.get('03.3').wrong[slip].says}" in text:
            break
    else:
        pytest.fail("the slip has no explanation")


def test_letters_may_be_few_or_absurd(capsys, progress):
    one = asked(capsys, "05", "  a")
    assert sum("✓" in text or "✗" in text for text in one) == 1
    assert "✓" in one[2] or "✗" in one[2]
    look_back("05", "a?c")
    assert capsys.readouterr().out.startswith("Answer with the letters a to d: ?")
    assert asked(capsys, "05", "ABCDABCD")[:5] == asked(capsys, "05", "abcda")
