"""From lessons to notebooks: nothing stale, always the same bytes, no answer left."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import tokenize
from functools import partial
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tools import build, warm
from tools.blanks import LessonError

LESSONS = build.lessons()
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)

TINY = '''# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 Tiny

# %% [markdown] slideshow={"slide_type": "notes"}
# Say hello.

# %% slideshow={"slide_type": "skip"}
import time

from helpers.authoring import blank
from helpers.exercises import answer, exercise, start
from helpers.widgets import size_explorer

start()

# %% slideshow={"slide_type": "-"}
answer("00.1", days=blank(7))


# %% slideshow={"slide_type": "-"}
@exercise("00.2")
def midpoint(a, b):
    """The value halfway between a and b."""
    # BEGIN SOLUTION
    middle = (a + b) / 2
    # END SOLUTION
    return middle


# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
# Not compared: the time.
print(time.time(), midpoint(2, 4))

# %% slideshow={"slide_type": "-"}
size_explorer()
'''
HELLO = '# %% [markdown]\n# # Hello\n\n# %%\nprint("hello")\n'
BROKEN = "# %%\nx = 1\n\n# %%\nx / 0\n"


# --- The course's own notebooks -------------------------------------------------------


@every_lesson
def test_notebooks_are_fresh(lesson):
    assert build.is_fresh(lesson), f"{lesson.name} has changed: run make notebooks"


def test_there_is_a_notebook_for_each_lesson_and_no_other():
    wanted = {path for lesson in LESSONS for path in build.targets(lesson).values()}
    assert {path for path in wanted if not path.exists()} == set()
    assert build._orphans() == []


def test_the_kept_solutions_are_those_of_the_lessons():
    solved = {}
    for lesson in LESSONS:
        found = build.convert(lesson)[1]
        assert not solved.keys() & found.keys(), "an exercise is in two lessons"
        solved |= found
    assert json.loads(build.SOLUTIONS.read_text("utf-8")) == solved


class Hidden(ast.NodeTransformer):
    """The tree with each ``blank(x)`` replaced by ``____``."""

    def visit_Call(self, node):
        self.generic_visit(node)
        is_blank = isinstance(node.func, ast.Name) and node.func.id == "blank"
        return ast.Name("____", ast.Load()) if is_blank else node


def answers_in(source):
    """The texts of the blanks in a cell of a lesson's source."""
    return [
        ast.get_source_segment(source, node.args[0])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "blank"
    ]


def comments_in(source):
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@every_lesson
def test_no_answer_is_left_in_a_students_notebook(lesson):
    source = jupytext.read(lesson, fmt="py:percent")
    book = nbformat.read(build.targets(lesson)["student"], as_version=4)
    students = {cell.id: cell.source for cell in book.cells}
    above, blanks = "", 0
    for index, cell in enumerate(source.cells):
        text = students.get(f"cell-{index:03d}", "")
        if cell.cell_type == "code" and (answers := answers_in(cell.source)):
            if "# BEGIN SOLUTION" not in cell.source:
                hidden = Hidden().visit(ast.parse(cell.source))
                assert ast.dump(ast.parse(text)) == ast.dump(hidden)
            remarks = "\n".join(comments_in(text))
            for answer in answers:
                blanks += 1
                # A number, a shape or a word may well be written above.
                if isinstance(ast.parse(answer).body[0].value, ast.BinOp | ast.Call):
                    assert answer not in remarks, cell.source
                    assert answer not in above, cell.source
        if cell.cell_type == "code":
            above += text + "\n"
    assert blanks >= 2


@every_lesson
def test_a_students_notebook_shows_all_its_exercises_open(lesson):
    book = nbformat.read(build.targets(lesson)["student"], as_version=4)
    cards = [output.data["text/plain"] for output in shown_cards(book)]
    solved = build.exercises_in(lesson)
    assert [card.split()[:2] for card in cards] == [["○", number] for number in solved]


def shown_cards(book):
    return [
        output
        for cell in book.cells
        for output in cell.get("outputs", [])
        if 'role="group"' in output.get("data", {}).get("text/html", "")
    ]


# --- A small project of its own -------------------------------------------------------


def project_in(folder, patch, **sources):
    """Let tools.build work on a project whose lessons have these names and sources."""
    (folder / "lessons").mkdir()
    (folder / "helpers").mkdir()
    for name, source in sources.items():
        (folder / "lessons" / f"{name.strip('_')}.py").write_text(source, "utf-8")
    patch.setattr(build, "ROOT", folder)
    patch.setattr(build, "STAMP", folder / "build" / "notebooks.json")
    patch.setattr(build, "SOLUTIONS", folder / "solutions.json")
    found = build.lessons
    patch.setattr(build, "lessons", lambda root=folder: found(root))
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    return lambda **sources: project_in(tmp_path, monkeypatch, **sources)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The bytes of both notebooks of the small lesson, built twice."""
    with pytest.MonkeyPatch.context() as patch:
        folder = project_in(tmp_path_factory.mktemp("tiny"), patch, _00_tiny=TINY)
        versions = []
        warmed = partial(NotebookClient, kernel_name=warm.kernel())  # to save time
        for client in (NotebookClient, warmed):
            patch.setattr(build, "NotebookClient", client)
            assert build.make(force=True) == 1
            books = build.targets(folder / "lessons" / "00_tiny.py")
            versions.append({form: path.read_bytes() for form, path in books.items()})
        assert build.is_fresh(folder / "lessons" / "00_tiny.py")
        return versions


@pytest.fixture(scope="module")
def books(tiny):
    return {form: nbformat.reads(text, as_version=4) for form, text in tiny[0].items()}


def test_building_twice_changes_no_byte(tiny):
    assert tiny[0] == tiny[1]


def test_the_student_has_blanks_and_the_solution_has_answers(books):
    sources = {
        form: "\n".join(cell.source for cell in book.cells)
        for form, book in books.items()
    }
    assert sources["student"].count("____") == 2
    assert "____" not in sources["solution"]
    assert 'answer("00.1", days=7)' in sources["solution"]
    assert "    middle = (a + b) / 2\n    return middle" in sources["solution"]
    for text in sources.values():
        assert "blank(" not in text
        assert "helpers.authoring" not in text
        assert "SOLUTION" not in text
    marks = {
        form: [card.data["text/plain"][0] for card in shown_cards(book)]
        for form, book in books.items()
    }
    assert marks == {"student": ["○", "○"], "solution": ["✓", "✓"]}


def test_speaker_notes_are_in_the_solution_only(books):
    kinds = {
        form: [cell.metadata["slideshow"]["slide_type"] for cell in book.cells]
        for form, book in books.items()
    }
    assert "notes" in kinds["solution"]
    assert kinds["student"] == [kind for kind in kinds["solution"] if kind != "notes"]


def test_cells_are_counted_and_the_same_in_both(books):
    ids = {form: [cell.id for cell in book.cells] for form, book in books.items()}
    assert ids["solution"] == [f"cell-{index:03d}" for index in range(7)]
    assert ids["student"] == [id for id in ids["solution"] if id != "cell-001"]


def test_what_depends_on_machine_or_moment_is_left_out(books):
    for book in books.values():
        assert set(book.metadata) == {"kernelspec", "language_info", "rise"}
        assert book.metadata.language_info == {"name": "python"}
        for cell in book.cells:
            assert set(cell.metadata) <= {"slideshow", "tags"}
            for output in cell.get("outputs", []):
                assert build.WIDGET_VIEW not in output.get("data", {})
        explorer = book.cells[-1].outputs[0].data
        assert explorer["text/plain"]
        assert "<img alt=" in explorer["text/html"]
        assert book.cells[-2].metadata.tags == ["nbval-ignore-output"]
        assert book.cells[-2].outputs == []


def test_only_what_is_stale_is_built(project, monkeypatch):
    folder = project(_01_one=HELLO, _02_two=HELLO)
    built = []

    def pretend(lesson):
        built.append(lesson.stem)
        convert = build.convert(lesson)
        for form, path in build.targets(lesson).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(convert[0][form], path)

    monkeypatch.setattr(build, "build", pretend)

    def make(**options):
        built.clear()
        assert build.make(**options) == len(built)
        return sorted(built)

    both = ["01_one", "02_two"]
    assert make() == both
    assert make() == []
    lesson = folder / "lessons" / "02_two.py"
    lesson.write_text(HELLO.replace("hello", "good day"), "utf-8")
    assert make() == ["02_two"]
    lesson.touch()
    assert make() == []
    (folder / "helpers" / "new.py").write_text("x = 1", "utf-8")
    assert make() == both  # outputs may depend on any helper
    build.targets(lesson)["solution"].unlink()
    assert make() == ["02_two"]
    student = build.targets(lesson)["student"]
    student.write_text(student.read_text("utf-8").replace("good day", "x"), "utf-8")
    assert make() == ["02_two"]  # edited by hand
    build.STAMP.unlink()  # as in a fresh clone
    assert make() == []
    assert make(force=True) == both


def test_check_names_what_is_stale(project, monkeypatch, capsys):
    project(_01_one=HELLO, _02_two=HELLO)
    monkeypatch.setattr(build, "is_fresh", lambda lesson: lesson.stem == "01_one")
    monkeypatch.setattr(sys, "argv", ["build", "--check"])
    assert build.main() == 1
    assert capsys.readouterr().out == "stale: 02_two.py; run make notebooks\n"


def test_an_error_in_a_cell_names_the_lesson(project, monkeypatch, capsys):
    folder = project(_01_broken=BROKEN)
    monkeypatch.setattr(sys, "argv", ["build"])
    assert build.main() == 1
    said = capsys.readouterr().err
    assert "01_broken.py" in said
    assert "ZeroDivisionError" in said
    assert not list(folder.rglob("*.ipynb"))
    assert not build.is_fresh(folder / "lessons" / "01_broken.py")


def test_an_exercise_that_comes_twice_is_an_error(project):
    source = '# %%\nanswer("01.1", x=blank(1))\n\n# %%\n\nanswer("01.1", x=blank(2))\n'
    folder = project(_01_twice=source)
    with pytest.raises(LessonError, match=r"01_twice\.py:\d+: exercise 01\.1 comes"):
        build.make()
    assert not list(folder.rglob("*.ipynb"))


def test_a_mistake_in_a_cell_is_told_with_its_line_in_the_file(project):
    source = f"{HELLO}\n# %%\nx = 1\n\ny = blank(2)\n"
    folder = project(_01_outside=source)
    line = source.splitlines().index("y = blank(2)") + 1
    with pytest.raises(LessonError, match=rf"01_outside\.py:{line}: .*outside"):
        build.convert(folder / "lessons" / "01_outside.py")


def test_notebooks_without_a_lesson_are_removed(project, monkeypatch, capsys):
    folder = project(_01_one=HELLO)
    monkeypatch.setattr(build, "build", lambda lesson: {})
    notebooks = folder / "notebooks"
    gone = [notebooks / "09_gone.ipynb", notebooks / "solutions" / "09_gone.ipynb"]
    kept = [notebooks / "01_one.ipynb", notebooks / "solutions" / "01_one.ipynb"]
    kept += [notebooks / ".ipynb_checkpoints" / "09_gone-checkpoint.ipynb"]
    for path in gone + kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(), path)
    build.make()
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    place = Path("notebooks", "09_gone.ipynb")
    assert f"removed   {place}: it has no lesson" in capsys.readouterr().out


def test_the_share_counts_cells_with_output(project):
    folder = project(_01_one=HELLO)
    cells = [
        nbformat.v4.new_markdown_cell("text"),
        nbformat.v4.new_code_cell("x = 1"),
        *(
            nbformat.v4.new_code_cell(
                "print(1)",
                outputs=[nbformat.v4.new_output("stream", text="1\n")],
                metadata={"tags": tags},
            )
            for tags in ([], [], ["nbval-ignore-output"])
        ),
    ]
    for path in build.targets(folder / "lessons" / "01_one.py").values():
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert build.share() == (6, 4)


# --- How pytest treats notebooks ------------------------------------------------------

SLOW = ["x = 1", "while True: pass", "print(x)", "print(x)"]


@pytest.fixture
def notebooks_elsewhere(tmp_path):
    """A folder with the project's settings of pytest, and its notebooks folder."""
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(Path(build.__file__).parents[1] / name, tmp_path)
    (tmp_path / "tests").mkdir()
    settings = Path(__file__).with_name("nbval_sanitize.cfg")
    shutil.copy(settings, tmp_path / "tests")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def write_notebook(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)


def run_pytest(folder, *options):
    command = [*warm.python(), "-m", "pytest", "-p", "no:cacheprovider", *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, timeout=120
    )


def test_a_cell_that_takes_too_long_is_seen_and_so_are_those_below(notebooks_elsewhere):
    write_notebook(
        notebooks_elsewhere / "slow.ipynb", map(nbformat.v4.new_code_cell, SLOW)
    )
    run = run_pytest(notebooks_elsewhere, "--nbval", "--nbval-cell-timeout=1")
    assert run.returncode == 1
    assert "Timeout of 1 seconds exceeded" in run.stdout
    assert "1 failed, 1 passed, 2 errors" in run.stdout
    assert run.stdout.count("not run: an earlier cell of this notebook took too") >= 2


def test_a_notebook_runs_in_an_empty_folder_and_leaves_it_empty(notebooks_elsewhere):
    looks = "import os\nassert os.listdir() == [], os.getcwd()"
    writes = "open('left.txt', 'w').close()"
    for name, source in {"looks": looks, "writes": writes}.items():
        cells = [nbformat.v4.new_code_cell(source)]
        write_notebook(notebooks_elsewhere / f"{name}.ipynb", cells)
    run = run_pytest(notebooks_elsewhere, "--nbval")
    assert "2 passed, 1 error" in run.stdout, run.stdout
    assert "the notebook leaves files behind: left.txt" in run.stdout
    found = {path.name for path in notebooks_elsewhere.iterdir()}
    assert found == {"looks.ipynb", "writes.ipynb"}


def test_pictures_are_compared_without_their_bytes(notebooks_elsewhere):
    show = (
        "from IPython.display import HTML\n"
        'HTML(\'<img alt="{}" src="data:image/png;base64,iVBORw0KGgo=">\')'
    )

    def cell(now, saved):
        data = {
            "text/html": f'<img alt="{saved}" src="data:image/png;base64,AAAA+/==">',
            "text/plain": "<IPython.core.display.HTML object>",
        }
        output = nbformat.v4.new_output("execute_result", data, execution_count=1)
        return nbformat.v4.new_code_cell(
            show.format(now), outputs=[output], execution_count=1
        )

    write_notebook(
        notebooks_elsewhere / "pictures.ipynb", [cell("a", "a"), cell("a", "b")]
    )
    for folder in (notebooks_elsewhere, notebooks_elsewhere.parent):
        run = run_pytest(folder, "--nbval")
        assert "1 failed, 1 passed" in run.stdout, run.stdout


def test_copies_that_jupyter_keeps_are_not_collected(notebooks_elsewhere):
    root = notebooks_elsewhere.parent
    for path in (
        notebooks_elsewhere / "one.ipynb",
        notebooks_elsewhere / "solutions" / "one.ipynb",
        notebooks_elsewhere / ".ipynb_checkpoints" / "one-checkpoint.ipynb",
        root / "build" / "one.ipynb",
    ):
        write_notebook(path, [nbformat.v4.new_code_cell("1")])
    for folder in (root, notebooks_elsewhere):
        run = run_pytest(folder, "--nbval", "--collect-only", "-q")
        assert "2 tests collected" in run.stdout, run.stdout


def test_the_settings_do_no_harm_without_nbval(notebooks_elsewhere):
    (notebooks_elsewhere.parent / "test_it.py").write_text("def test_it(): pass")
    run = run_pytest(notebooks_elsewhere.parent, "-p", "no:nbval")
    assert "1 passed" in run.stdout, run.stdout + run.stderr


def test_a_notebooks_cells_stay_in_one_process(notebooks_elsewhere):
    sources = ["x = 1", *["assert x == 1; x = 1"] * 8]
    for name in "ab":
        cells = map(nbformat.v4.new_code_cell, sources)
        write_notebook(notebooks_elsewhere / f"{name}.ipynb", cells)
    run = run_pytest(notebooks_elsewhere, "--nbval", "-n", "2")
    assert "18 passed" in run.stdout, run.stdout
