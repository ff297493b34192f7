"""From lessons to notebooks: nothing stale, always the same bytes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import build
from tools.blanks import LessonError

TINY = '''# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 Tiny
#
# About 5 minutes. You need: nothing.

# %% [markdown] slideshow={"slide_type": "notes"}
# Say hello.

# %% slideshow={"slide_type": "skip"}
import time

from helpers.authoring import blank
from helpers.exercises import answer, exercise, start
from lessons.l03_output_size.explorer import size_explorer

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
HELLO = '# %% [markdown]\n# # 01 Hello\n\n# %%\nprint("hello")\n'
BROKEN = "# %% [markdown]\n# # 01 Broken\n\n# %%\nx = 1\n\n# %%\nx / 0\n"
README = "# Course\n\n| | lesson | you will |\n|---|---|---|\n| 00 | x | y | z |\n"


# --- The course's own notebooks -------------------------------------------------------


def test_there_is_a_notebook_for_each_lesson_and_no_other():
    wanted = {path for lesson in build.lessons() for path in lesson.targets.values()}
    assert {path for path in wanted if not path.exists()} == set()
    assert build._orphans() == []


def test_readme_lists_the_lessons():
    assert build.readme() == (build.ROOT / "README.md").read_text("utf-8")
    numbers = [lesson.number for lesson in build.lessons()]
    assert numbers == [f"{n:02d}" for n in range(len(numbers))]


def test_nine_in_ten_outputs_are_compared():
    compared, total = reversed(build.share())
    assert compared / total >= 0.9


def test_a_lesson_depends_on_its_own_folder_and_the_helpers_it_uses():
    lesson = build.lessons()[1]
    used = {path.relative_to(build.ROOT).as_posix() for path in build.used_by(lesson)}
    own = f"lessons/{lesson.folder.name}"
    assert {f"{own}/lesson.py", f"{own}/checks.py", "helpers/plots.py"} <= used
    others = {path for path in used if path.startswith("lessons/l")}
    assert {path.rsplit("/", 1)[0] for path in others} == {own}
    assert f"{own}/test_lesson.py" not in used
    assert not any(path.startswith("helpers/training") for path in used)


def test_a_lesson_runs_as_a_script(tmp_path):
    lesson = build.lessons()[3]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, lesson.text],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(build.ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    marks = [line.split()[:2] for line in run.stdout.splitlines() if line[:1] == "✓"]
    assert marks == [["✓", number] for number in build.numbers_of(lesson)]
    assert list(tmp_path.iterdir()) == []
    assert "base64" not in run.stdout, "a figure's markup is printed"


# --- A small project of its own -------------------------------------------------------


def project_in(folder, patch, **sources):
    """Let tools.build work on a project whose lessons have these names and sources."""
    (folder / "helpers").mkdir()
    (folder / "README.md").write_text(README, "utf-8")
    for name, source in sources.items():
        lesson = folder / "lessons" / name
        lesson.mkdir(parents=True)
        (lesson / "__init__.py").write_text('"""Say hello."""\n', "utf-8")
        (lesson / "lesson.py").write_text(source, "utf-8")
    patch.setattr(build, "ROOT", folder)
    patch.setattr(build, "STAMP", folder / "build" / "notebooks.json")
    found, readme = build.lessons, build.readme
    patch.setattr(build, "lessons", lambda root=folder: found(root))
    patch.setattr(build, "readme", lambda root=folder: readme(root))
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    return lambda **sources: project_in(tmp_path, monkeypatch, **sources)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The bytes of what is built of the small lesson, built twice."""
    with pytest.MonkeyPatch.context() as patch:
        folder = project_in(tmp_path_factory.mktemp("tiny"), patch, l00_tiny=TINY)
        (lesson,) = build.lessons()
        versions = []
        for _ in range(2):
            assert build.make(force=True) == 1
            built = {**lesson.targets, "brief": lesson.folder / "lesson.json"}
            versions.append({form: path.read_bytes() for form, path in built.items()})
        assert build.is_fresh(lesson)
        assert "| 00 | Tiny | Say hello. | 5 |\n" in (folder / "README.md").read_text()
        return versions


@pytest.fixture(scope="module")
def books(tiny):
    return {
        form: nbformat.reads(text, as_version=4)
        for form, text in tiny[0].items()
        if form != "brief"
    }


def test_building_twice_changes_no_byte(tiny):
    assert tiny[0] == tiny[1]


def test_the_solved_cells_are_kept_for_checks_and_cards(tiny):
    brief = json.loads(tiny[0]["brief"])
    assert brief["title"] == "Tiny"
    assert brief["cells"]["00.1"] == 'answer("00.1", days=____)'
    assert list(brief["cells"]) == ["00.1", "00.2"]


def shown_cards(book):
    return [
        output
        for cell in book.cells
        for output in cell.get("outputs", [])
        if 'role="group"' in output.get("data", {}).get("text/html", "")
    ]


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
    folder = project(
        l01_one=HELLO, l02_two=HELLO.replace("01", "02") + "\nimport helpers.two\n"
    )
    (folder / "helpers" / "two.py").write_text("import helpers.three\n", "utf-8")
    (folder / "helpers" / "three.py").write_text("x = 1\n", "utf-8")
    built = []

    def pretend(lesson):
        built.append(lesson.name)
        for form, path in lesson.targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(build.convert(lesson)[0][form], path)

    monkeypatch.setattr(build, "build", pretend)

    def make(**options):
        built.clear()
        assert build.make(**options) == len(built)
        return sorted(built)

    both = ["01_one", "02_two"]
    assert make() == both
    assert make() == []
    lesson = build.lessons()[1]
    text = lesson.text.read_text("utf-8")
    lesson.text.write_text(text.replace("hello", "good day"), "utf-8")
    assert make() == ["02_two"]
    lesson.text.touch()
    assert make() == []
    (lesson.folder / "checks.py").write_text("hint = 1\n", "utf-8")
    assert make() == ["02_two"]
    (lesson.folder / "test_lesson.py").write_text("x = 1\n", "utf-8")
    (folder / "helpers" / "unused.py").write_text("x = 1\n", "utf-8")
    assert make() == []
    (folder / "helpers" / "three.py").write_text("x = 2\n", "utf-8")
    assert make() == ["02_two"]  # through helpers.two
    lesson.targets["solution"].unlink()
    assert make() == ["02_two"]
    student = lesson.targets["student"]
    student.write_text(student.read_text("utf-8").replace("good day", "x"), "utf-8")
    assert make() == ["02_two"]  # edited by hand
    build.STAMP.unlink()  # as in a fresh clone
    assert make() == []
    assert make(force=True) == both


def test_each_lesson_links_to_the_next(project):
    marked = HELLO + "\n# %% [markdown]\n# ## Recap\n#\n# Next: {next}. Goodbye.\n"
    project(
        l01_one=marked,
        l02_two=HELLO.replace("01 Hello", "02 Two: numbers"),
        l03_last=marked.replace("01 Hello", "03 Last"),
    )
    texts = []
    for lesson in build.lessons()[:2]:
        cells = build.convert(lesson)[0]["student"].cells
        texts.append([c.source for c in cells if c.cell_type == "markdown"][-1])
    assert texts[0].endswith("Next: [02 Two](02_two.ipynb). Goodbye.")
    assert texts[1] == "# 02 Two: numbers\n\nNext: [03 Last](03_last.ipynb)."
    with pytest.raises(LessonError, match="no lesson follows"):
        build.convert(build.lessons()[2])


def test_check_names_what_is_stale(project, monkeypatch, capsys):
    project(l01_one=HELLO, l02_two=HELLO.replace("01", "02"))
    monkeypatch.setattr(build, "is_fresh", lambda lesson: lesson.name == "01_one")
    monkeypatch.setattr(sys, "argv", ["build", "--check"])
    assert build.main() == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [f"stale: {x}; run make notebooks" for x in ("02_two", "README.md")]


def test_an_error_in_a_cell_names_the_lesson(project, monkeypatch, capsys):
    folder = project(l01_broken=BROKEN)
    monkeypatch.setattr(sys, "argv", ["build"])
    assert build.main() == 1
    said = capsys.readouterr().err
    assert "01_broken" in said
    assert "ZeroDivisionError" in said
    assert not list(folder.rglob("*.ipynb"))
    assert not build.is_fresh(build.lessons()[0])


def test_an_exercise_that_comes_twice_is_an_error(project):
    source = (
        HELLO
        + '\n# %%\nanswer("01.1", x=blank(1))\n\n# %%\n\nanswer("01.1", x=blank(2))\n'
    )
    folder = project(l01_twice=source)
    with pytest.raises(LessonError, match=r"lesson\.py:\d+: exercise 01\.1 comes"):
        build.make()
    assert not list(folder.rglob("*.ipynb"))


def test_a_mistake_in_a_cell_is_told_with_its_line_in_the_file(project):
    source = f"{HELLO}\n# %%\nx = 1\n\ny = blank(2)\n"
    project(l01_outside=source)
    line = source.splitlines().index("y = blank(2)") + 1
    with pytest.raises(LessonError, match=rf"lesson\.py:{line}: .*outside"):
        build.convert(build.lessons()[0])


def test_notebooks_without_a_lesson_are_removed(project, monkeypatch, capsys):
    folder = project(l01_one=HELLO)
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
    project(l01_one=HELLO)
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
    for path in build.lessons()[0].targets.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert build.share() == (6, 4)


# --- How pytest treats notebooks ------------------------------------------------------


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
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, timeout=120
    )


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
