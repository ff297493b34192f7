"""Collecting handed-in notebooks: right, wrong, blank, broken, and never ending."""

import csv

import nbformat
import pytest

from helpers.exercises.lessons import lessons
from tools.grade import Grade, grade, main, table
from tools.grading import classes, judge
from tools.grading.submissions import collect, exercise_cells

START = "from helpers.exercises import answer, exercise, start\nstart()"
RIGHT = '@exercise("03.1")\ndef places(W1, F):\n    return W1 - F + 1'
WRONG = """@exercise("03.3")
def output_size(W1, F, P=0, S=1):
    return W1 - F + 2 * P / S + 1"""
BLANK = 'answer("03.4", W2=____, H2=____, D2=____)'
BROKEN = 'answer("03.10", S=)'
ENDS = """import ctypes
@exercise("03.2")
def same_padding(F):
    ctypes.string_at(0)"""


@pytest.fixture(scope="module", autouse=True)
def _kept_elsewhere(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(classes, "KEPT", tmp_path_factory.mktemp("kept"))
        yield


def write(path, *sources):
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        # As when it was made in an environment that this computer does not know.
        metadata={"kernelspec": {"name": "conda-mine", "display_name": "mine"}},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


def test_exercises_are_found_in_any_cell():
    sources = ["%matplotlib inline\n" + RIGHT, BLANK, BROKEN, '# answer("03.5", W2=1)']
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    book = nbformat.v4.new_notebook(cells=cells)
    assert list(exercise_cells(book)) == ["03.1", "03.4", "03.10"]


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed in")
    write(folder / "ann" / "03.ipynb", START, RIGHT, WRONG, BLANK, BROKEN, "1 / 0")
    write(folder / "ben" / "deep" / "03.ipynb", START, "import os; os._exit(1)", RIGHT)
    write(folder / "ben" / "dead.ipynb", START, RIGHT, ENDS)
    write(folder / "ben" / "notes.ipynb", "1 + 1")
    (folder / "cy.ipynb").write_text("this is no JSON", "utf-8")
    write(folder / "cy" / ".ipynb_checkpoints" / "03.ipynb", START)
    return folder


@pytest.fixture(scope="module")
def collected(class_folder, tmp_path_factory):
    before = {each.path: each.path.read_bytes() for each in collect(class_folder)[0]}
    target = tmp_path_factory.mktemp("results") / "results.csv"
    assert main([str(class_folder), "--csv", str(target), "--unprotected"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert sum(path.is_file() for path in class_folder.rglob("*")) == len(before) + 1
    with target.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def outcomes(collected, file):
    return {r["exercise"]: r["outcome"] for r in collected if r["file"] == file}


def test_right_wrong_blank_and_missing(collected):
    found = outcomes(collected, "ann/03.ipynb")
    assert found.pop("03.1") == "passed"
    assert found.pop("03.3") == "wrong"
    assert found.pop("03.4") == "blank"
    assert found.pop("03.10") == "wrong"
    assert set(found.values()) == {"missing"}
    assert len(found) + 4 == len(lessons()["03"].solved)
    (wrong,) = [
        row["misconception"]
        for row in collected
        if (row["file"], row["exercise"]) == ("ann/03.ipynb", "03.3")
    ]
    assert wrong == "precedence"


def test_only_exercises_run(collected):
    assert outcomes(collected, "ben/deep/03.ipynb")["03.1"] == "passed"


def test_a_process_that_ends_early_is_told(collected):
    rows = [row for row in collected if row["file"] == "ben/dead.ipynb"]
    assert outcomes(collected, "ben/dead.ipynb")["03.1"] == "passed"
    assert outcomes(collected, "ben/dead.ipynb")["03.2"] == "wrong"
    assert {row["remark"] for row in rows} == {"03.2 stopped: its process ended"}


def test_what_is_no_lesson_gets_one_row(collected):
    rows = {row["file"]: row for row in collected if not row["exercise"]}
    assert rows["ben/notes.ipynb"]["remark"] == "no exercises in it"
    assert rows["cy.ipynb"]["remark"].startswith("not a notebook")
    assert not any("checkpoints" in row["file"] for row in collected)


ENDLESS = """@exercise("03.2")
def same_padding(F):
    while True:
        pass"""


def test_when_time_is_up_the_rest_is_not_run(tmp_path, monkeypatch):
    last = RIGHT.replace("03.1", "03.3")
    path = write(tmp_path / "03.ipynb", START, RIGHT, ENDLESS, last, BLANK)
    start = judge.HandedIn.ask

    def slow(handed, task, seconds):  # the second exercise takes what time is left
        if "while True" in task.get("source", ""):
            handed.until = 0.0
        return start(handed, task, seconds)

    monkeypatch.setattr(judge.HandedIn, "ask", slow)
    result = grade(path, "slow", seconds=60)
    assert result.problem == "stopped after 60 s"
    assert result.outcome["03.1"] == "passed"
    assert result.outcome["03.2"] == result.outcome["03.3"] == "not run"
    assert result.row()[1] == f"1 of {len(result.outcome)}"


def test_the_table_names_what_is_wrong():
    grades = [
        Grade("a", {"03.1": "passed", "03.3": "wrong (precedence)"}),
        Grade("b", {"03.1": "blank", "03.3": "missing"}),
        Grade("c", {}, "not a notebook (NotJSONError)"),
    ]
    lines = table(grades).splitlines()
    assert lines[0].split() == ["file", "passed", "wrong", "blank", "remark"]
    assert "1 of 2" in lines[1]
    assert "03.3 (precedence)" in lines[1]
    assert "03.1; missing: 03.3" in lines[2]
    assert "NotJSONError" in lines[3]


def test_an_empty_folder_is_told(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "no notebooks" in capsys.readouterr().err
