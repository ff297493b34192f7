"""To add a lesson is to add a folder; a mistake in one lesson stays in that lesson."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from tools import build


@pytest.fixture
def clone(tmp_path):
    """What git knows of the project, elsewhere."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=build.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (build.ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(build.ROOT / name, tmp_path / name)
    who = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "All"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def run(clone, *words):
    """Run a Python module there; return what it printed, and fail when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_lesson_is_added_by_adding_its_folder(clone):
    first, last, *others = build.lessons()  # the others take longer to build
    for lesson in others:
        shutil.rmtree(clone / "lessons" / lesson.folder.name)
        for path in lesson.targets.values():
            (clone / path.relative_to(build.ROOT)).unlink()
    number = f"{int(last.number) + 1:02d}"
    folder = clone / "lessons" / f"l{number}_contrast"
    shutil.copytree(clone / "lessons" / "template", folder)
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8").replace(
            "lessons.template", f"lessons.{folder.name}"
        )
        path.write_text(text.replace("NN", number), "utf-8")

    built = run(clone, "tools.build").splitlines()
    name = f"{number}_contrast"
    # The one before links to it, and lesson 00 shows how far one has come in all.
    assert {line.split()[1] for line in built[:-1]} == {name, last.name, first.name}
    readme = (clone / "README.md").read_text("utf-8")
    assert f"\n| {number} | Brightness and contrast | Say in one sentence" in readme
    before = nbformat.read(clone / "notebooks" / f"{last.name}.ipynb", as_version=4)
    texts = [cell.source for cell in before.cells if cell.cell_type == "markdown"]
    assert f"[{number} Brightness and contrast]({name}.ipynb)" in texts[-1]

    assert run(clone, "tools.build", "--check") == ""
    handed_in = clone / "build" / "handed in"
    handed_in.mkdir(parents=True)
    shutil.copy(clone / "notebooks" / "solutions" / f"{name}.ipynb", handed_in)
    assert "2 of 2" in run(clone, "tools.grade", str(handed_in), "--unprotected")
    assert f"lessons/{folder.name}/test_lesson.py" in run(
        clone, "tools.check", "--list"
    )

    own = "tests/test_build.py::test_{}".format
    tests = [
        f"lessons/{folder.name}",
        "tests/test_structure.py",
        own("readme_lists_the_lessons"),
        own("there_is_a_notebook_for_each_lesson_and_no_other"),
        own("nine_in_ten_outputs_are_compared"),
    ]
    assert " passed" in run(clone, "pytest", "-q", *tests)


def test_a_mistake_in_one_lesson_stays_in_that_lesson(clone):
    *others, broken = build.lessons()
    for name in ("checks.py", "explorer.py"):
        (clone / "lessons" / broken.folder.name / name).write_text("def (", "utf-8")
    # What a notebook needs of its lesson: exercises, explorers, and all its imports.
    code = [
        "from helpers.exercises import engine",
        "import helpers.exercises.lessons as known",
        "import importlib",
    ]
    for lesson in others:
        code.append(f"engine.of_lesson('{lesson.number}')")
        if (lesson.folder / "explorer.py").exists():
            code.append(
                f"importlib.import_module('lessons.{lesson.folder.name}.explorer')"
            )
    code += [
        f"assert len(known.lessons()) == {len(others) + 1}",
        f"try: engine.of_lesson('{broken.number}')",
        "except SyntaxError as error: print('found', error.filename)",
    ]
    (clone / "look.py").write_text("\n".join(code), "utf-8")
    assert f"{broken.folder.name}/checks.py" in run(clone, "look").replace("\\", "/")
    first = f"notebooks/{others[0].name}.ipynb"
    assert " passed" in run(clone, "pytest", "-q", "--nbval", first)
