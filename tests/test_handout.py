"""The handout holds what students need, runs by itself, and gives no answer away."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.exercises.cells import BLANK
from helpers.exercises.lessons import lessons
from helpers.training import records
from tools import handout
from tools.grading.submissions import exercise_cells
from tools.handout import FOLDER, main, pack
from tools.slides import notebooks


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The handout, as it is packed without any wish."""
    path = tmp_path_factory.mktemp("handout") / "handout.zip"
    pack(path)
    return path


@pytest.fixture(scope="module")
def unpacked(packed):
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(packed.parent)
    return packed.parent / FOLDER


def names(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def texts(value):
    """All strings in a notebook."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def test_everything_needed_is_there_and_nothing_else(unpacked):
    found = names(unpacked)
    assert set(handout.FILES) <= found
    assert {f"notebooks/{path.name}" for path in notebooks(unsolved=True)} <= found
    helpers = {
        p.relative_to(handout.ROOT).as_posix()
        for p in (handout.ROOT / "helpers").rglob("*.py")
    }
    assert helpers <= found
    assert {f"data/recorded/{name}.json" for name in records.recordings()} <= found
    for lesson in lessons().values():
        own = f"lessons/{lesson.folder.name}"
        assert {f"{own}/checks.py", f"{own}/lesson.json"} <= found
        assert not {f"{own}/lesson.py", f"{own}/test_lesson.py"} & found
    others = found - helpers - set(handout.FILES) - {"README.md", "Makefile"}
    folders = "notebooks/", "helpers/", "lessons/", "data/recorded/"
    assert all(name.startswith(folders) for name in others)
    assert not any("solutions/" in name or "__pycache__" in name for name in found)


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_its_makefile_and_readme_name_only_what_is_there(unpacked):
    listed = subprocess.run(
        ["make", "help"], cwd=unpacked, capture_output=True, text=True, check=True
    )
    targets = re.findall(r"^  (\w+) ", listed.stdout, re.MULTILINE)
    assert {"help", "setup", "lab", "data", "update"} == set(targets)
    for target in ("test", "grade"):  # not "Nothing to be done"
        assert subprocess.run(["make", target], cwd=unpacked, stderr=-1).returncode == 2
    readme = (unpacked / "README.md").read_text("utf-8")
    assert set(re.findall(r"make (\w+)", readme)) <= set(targets)
    named = re.findall(r"\]\(([^)]+)\)", readme) + re.findall(r"tools/\w+\.py", readme)
    makefile = (unpacked / "Makefile").read_text("utf-8")
    modules = re.findall(r"-m (tools\.\w+)", makefile)
    named += [f"{module.replace('.', '/')}.py" for module in modules]
    assert all((unpacked / name).is_file() for name in named), named
    # They find all that they import.
    run = [sys.executable, "-c", f"import {', '.join(modules)}"]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    subprocess.run(run, cwd=unpacked, env=environment, check=True)


def test_no_answer_leaks(unpacked):
    solved = {n: s for lesson in lessons().values() for n, s in lesson.solved.items()}
    checked = set()
    for path in sorted((unpacked / "notebooks").glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        said = html.unescape("\n".join(texts(book)))
        for number, source in exercise_cells(book).items():
            assert BLANK in source, f"{path.name}: {number} has no blank"
            assert solved[number] not in said, f"{path.name}: {number}"
            checked.add(number)
    assert checked == set(solved)


def test_the_leak_would_be_found():
    solved = {n: s for lesson in lessons().values() for n, s in lesson.solved.items()}
    books = [nbformat.read(path, as_version=4) for path in notebooks(unsolved=True)]
    said = html.unescape("\n".join(text for book in books for text in texts(book)))
    assert all(source in said for source in solved.values())  # in the saved cards


def test_a_notebook_runs_from_the_unpacked_folder_alone(unpacked):
    book = nbformat.read(
        next((unpacked / "notebooks").glob("03_*.ipynb")), as_version=4
    )
    book.cells.append(
        nbformat.v4.new_code_cell("import helpers; print(helpers.__file__)")
    )
    environment = {
        **os.environ,
        "CONVNETS_PROGRESS": "memory",
        "PYTHONPATH": str(unpacked),
    }
    where = {"metadata": {"path": str(unpacked / "notebooks")}}
    NotebookClient(book, timeout=120, resources=where).execute(env=environment)
    assert book.cells[-1].outputs[0].text.startswith(str(unpacked))
    cards = [
        output.data["text/html"]
        for cell in book.cells
        for output in cell.get("outputs", [])
        if 'role="group"' in output.get("data", {}).get("text/html", "")
    ]
    assert len(cards) == len(exercise_cells(book))


def test_cards_show_solutions_on_request_only(packed, tmp_path):
    pack(tmp_path / "solved.zip", with_solutions=True)
    for path, shown in ((packed, False), (tmp_path / "solved.zip", True)):
        with zipfile.ZipFile(path) as archive:
            found = [n for n in archive.namelist() if n.endswith("/lesson.json")]
            built = [json.loads(archive.read(name)) for name in found]
        assert [each["show_solutions"] for each in built] == [shown] * len(lessons())


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the course to leave things in, which is packed instead of it."""
    for name in ("helpers", "lessons", "notebooks", "data/recorded"):
        ignored = shutil.ignore_patterns("__pycache__", "test_lesson.py")
        shutil.copytree(handout.ROOT / name, tmp_path / name, ignore=ignored)
    for name in (*handout.FILES, handout.README, "Makefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(handout.ROOT / name, tmp_path / name)
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    return tmp_path


STRAYS = (
    *("notebooks/xx_tmp.ipynb", "notebooks/03_output_size-Copy1.ipynb"),
    *("notebooks/03_output_size.ipynb.4711.0a1b2c3d.part", "notebooks/99_solved.ipynb"),
    "notebooks/.ipynb_checkpoints/03_output_size-checkpoint.ipynb",
    *("lessons/l03_output_size/lesson.json.tmp", "lessons/l03_output_size/solved.json"),
    *("lessons/l03_output_size/lesson.json.1.part", "lessons/l03_output_size/old.py"),
    *("lessons/l03_output_size/lesson (copy).py", "lessons/lesson.py"),
    "lessons/l03_output_size/.ipynb_checkpoints/lesson-checkpoint.py",
    *("lessons/l03_old/checks.py", "lessons/l03_old/lesson.json", "lessons/draft.py"),
    *("helpers/.ipynb_checkpoints/files-checkpoint.py", "helpers/notes.ipynb"),
)


def test_the_same_files_give_the_same_bytes_whatever_lies_about(packed, copy):
    for name in STRAYS:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text('"""The solution."""\n')
    pack(copy / "littered.zip")
    assert packed.read_bytes() == (copy / "littered.zip").read_bytes()


def test_a_notebook_that_somebody_worked_in_is_not_packed(copy):
    path = copy / "notebooks" / "03_output_size.ipynb"
    path.write_text(path.read_text("utf-8").replace(BLANK, "1 + 2"), "utf-8")
    with pytest.raises(handout.HandoutError, match=r"exercise 03\.1 is not"):
        pack(copy / "it.zip")
    assert not (copy / "it.zip").exists()
    path.unlink()
    with pytest.raises(handout.HandoutError, match="03_output_size is not built yet"):
        pack(copy / "it.zip")


def test_a_missing_file_is_named(monkeypatch, capsys):
    monkeypatch.setattr(handout, "FILES", ("no-such-file.md",))
    assert main([]) == 1
    assert "no-such-file.md is missing" in capsys.readouterr().err
