"""Assignments for nbgrader and otter-grader: marks, points, and no solution given away.

Whether the two programs take them, and give the same points, `make interop` tells.
"""

import copy
import re
from functools import cache
from unittest.mock import patch

import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import rc_context
from traitlets.config import Config

from helpers.exercises import notebook
from helpers.exercises.lessons import lessons
from helpers.exercises.progress import _in_memory, read
from tests.interop import InteropError, compared, without_solutions
from tools import build, interop
from tools.course_judge import solved

REGION = re.compile(f"\n{interop.BEGIN}\n.*?\n{interop.END}", re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def _converted_once():
    """Each lesson, which takes the time."""
    once = cache(build.convert)
    with patch.object(build, "convert", lambda each: copy.deepcopy(once(each))):
        yield


def lesson(number):
    return next(each for each in build.lessons() if each.number == number)


def students_cells(number):
    book = nbformat.read(lesson(number).targets["student"], as_version=4)
    return [cell.source for cell in book.cells]


def released(book, own):
    """Its cells, but for the program's own ones, as students get them."""
    return [REGION.sub("", cell.source) for cell in book.cells if not own(cell)]


@pytest.mark.parametrize("number", ["03", "12"])
def test_sources_for_nbgrader(number):
    book = interop.for_nbgrader(lesson(number))
    nbformat.validate(book)
    marked = [cell for cell in book.cells if "nbgrader" in cell.metadata]
    tests = [cell for cell in marked if cell.metadata["nbgrader"]["grade"]]
    solutions = [cell for cell in marked if cell.metadata["nbgrader"]["solution"]]
    assert marked == [cell for pair in zip(solutions, tests) for cell in pair]
    right = lessons()[number].solved
    for exercise, solution, test in zip(right, solutions, tests, strict=True):
        name = "exercise-" + exercise.replace(".", "-")
        marks = {"schema_version": 3, "task": False}
        mine = marks | {"grade": False, "solution": True, "locked": False}
        assert solution.metadata["nbgrader"] == mine | {"grade_id": f"cell-{name}"}
        its = marks | {"grade": True, "solution": False, "locked": True, "points": 1}
        assert test.metadata["nbgrader"] == its | {"grade_id": name}
        assert f'solved("{exercise}")' in test.source
        assert f"\n{right[exercise]}\n" in solution.source
    own = tests.__contains__
    assert released(book, own) == students_cells(number)


@pytest.mark.parametrize("number", ["03", "12"])
def test_masters_for_otter(number):
    book = interop.for_otter(lesson(number))
    nbformat.validate(book)
    raw = [cell.source for cell in book.cells if cell.cell_type == "raw"]
    settings = yaml.safe_load(raw.pop(0))
    assert settings["name"] == lesson(number).name
    assert settings["files"] == [interop.JUDGE.name]
    right = lessons()[number].solved
    for at, exercise in enumerate(right):
        begin, *others = raw[6 * at : 6 * at + 6]
        name = "exercise-" + exercise.replace(".", "-")
        assert begin.startswith("# BEGIN QUESTION\n")
        assert yaml.safe_load(begin) == {"name": name, "points": 1}
        assert others == [
            *("# BEGIN SOLUTION", "# END SOLUTION"),
            *("# BEGIN TESTS", "# END TESTS", "# END QUESTION"),
        ]
    assert len(raw) == 6 * len(right)
    sources = [cell.source for cell in book.cells]
    for exercise, source in right.items():
        at = next(i for i, text in enumerate(sources) if f"\n{source}\n" in text)
        assert sources[at - 1] == "# BEGIN SOLUTION"
        assert f'solved("{exercise}")' in sources[at + 3]

    def own(cell):
        return cell.cell_type == "raw" or "import solved" in cell.source

    assert released(book, own) == students_cells(number)


def test_a_course_folder_keeps_its_settings(tmp_path, capsys):
    folder = tmp_path / "course"
    assert interop.main(["nbgrader", "3", "--folder", str(folder)]) == 0
    config = folder / "nbgrader_config.py"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    source = "source/03_output_size/"
    assert names == {
        config.name,
        f"{source}03_output_size.ipynb",
        f"{source}{interop.JUDGE.name}",
    }
    config.write_text("mine", "utf-8")
    capsys.readouterr()
    interop.write_nbgrader([lesson("03")], folder)
    assert config.read_text("utf-8") == "mine"
    assert interop.CONFIG in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["otter", "99"], "no lessons '99'"), (["otter", "3", "--folder", __file__], "")],
)
def test_what_cannot_be_written_is_told(arguments, words, capsys):
    assert interop.main(arguments) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_a_solution_given_away_is_seen(tmp_path):
    without_solutions(lesson("03"), lesson("03").targets["student"])
    book = nbformat.read(lesson("03").targets["student"], as_version=4)
    book.cells[5].metadata["note"] = lessons()["03"].solved["03.12"]
    nbformat.write(book, tmp_path / "03.ipynb")
    with pytest.raises(InteropError, match=r"holds a solution:\n.*03\.12"):
        without_solutions(lesson("03"), tmp_path / "03.ipynb")
    book.cells = book.cells[1:]
    nbformat.write(book, tmp_path / "03.ipynb")
    with pytest.raises(InteropError, match="does not hold the students' cells"):
        without_solutions(lesson("03"), tmp_path / "03.ipynb")


def test_points_that_differ_are_named():
    same = {"ann": {"exercise-03-1": 1.0, "exercise-03-2": 0.0}}
    other = {"ann": {"exercise-03-1": 0.0, "exercise-03-2": 1.0}}
    ours = {"ann": {"03.1": 1.0, "03.2": 0.0}}
    table, differing = compared(ours, same, same)
    assert table.splitlines()[1].split() == ["ann", "1", "1", "1", "2"]
    assert differing == []
    for theirs in ((same, other), (other, same)):
        assert len(compared(ours, *theirs)[1]) == 2, "though the sums are the same"
    assert len(compared(ours, same, {})[1]) == 2, "nobody was graded"


# --- The judge beside a notebook ------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    """Run cells in a shell as a notebook does."""
    config = Config({"HistoryManager": {"enabled": False}})  # in no file
    shell = InteractiveShell.instance(config=config, ipython_dir=str(tmp_path))
    shell.run_cell("from helpers.exercises import answer, exercise")
    with patch.dict(_in_memory, clear=True), rc_context():
        notebook.start()
        yield lambda cell: shell.run_cell(cell, store_history=True).raise_error()
    InteractiveShell.clear_instance()


RIGHT = '@exercise("03.2")\ndef same_padding(F):\n    return (F - 1) // 2'


def test_what_counts_is_the_cell_that_ran_last(run, capsys):
    with pytest.raises(AssertionError, match=r"Run the cell of exercise 03\.2 first"):
        solved("03.2")
    run(RIGHT)
    solved("03.2")
    for cell, words in {
        RIGHT.replace("(F - 1) // 2", "____"): "Not filled in yet",
        RIGHT.replace(" // 2", ""): "left and right together",
        RIGHT.replace("(F", "((F"): "SyntaxError",
        RIGHT.replace("F - 1", "G - 1"): "NameError",
    }.items():
        run(cell)
        with pytest.raises(AssertionError, match=words):
            solved("03.2")
    assert read()["03.2"]["passed"]  # noted once, and not what counts
    tries = read()["03.2"]["tries"]
    capsys.readouterr()
    run(f"%%time\n{RIGHT}\nprint('more')")
    solved("03.2")
    assert read()["03.2"]["tries"] == tries
    assert capsys.readouterr().out.count("more") == 1


def test_values_are_judged_too(run):
    run('answer("03.10", S=4)')
    with pytest.raises(AssertionError, match=r"03\.10"):
        solved("03.10")
    run('answer("03.10", S=3)')
    solved("03.10")
