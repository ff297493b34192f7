"""Where notebooks run alone: beside a course that cannot be written, or without it, so
that a first cell gets it."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest

from tools import build, handout, hosted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="takes rights away")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course's files as a handout has them."""
    folder = tmp_path_factory.mktemp("released") / handout.FOLDER
    hosted.unpack(folder)
    return folder


@pytest.fixture(scope="module")
def archive(course):
    where = {"root_dir": course.parent, "base_dir": course.name}
    return Path(shutil.make_archive(f"{course}", "zip", **where))


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python with our packages, but without the course, which is installed too."""
    env = tmp_path_factory.mktemp("hosted") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    (packages,) = env.glob("lib/python3*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("\n".join(ours))
    return env / "bin" / "python"


def run(folder, *command, **variables):
    """Run a command there; nothing leads it to the course but these variables."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONVNETS")}
    clean.pop("PYTHONPATH", None)
    options = {"cwd": folder, "capture_output": True, "text": True}
    return subprocess.run([*command], env=clean | variables, **options)


@pytest.fixture
def alone(tmp_path, monkeypatch, archive):
    """Lesson 00 as far as `progress()`, in a folder of its own, one blank filled."""
    monkeypatch.setattr(build, "setting", lambda name: archive.as_uri())
    book = build.convert(build.lessons()[0])[0]["student"]
    sources = [cell.source for cell in book.cells]
    del book.cells[sources.index("progress()") + 1 :]
    for cell in book.cells:
        cell.source = cell.source.replace("days=____", "days=7")
    (tmp_path / "alone").mkdir()
    nbformat.write(book, tmp_path / "alone" / "00.ipynb")
    return tmp_path / "alone" / "00.ipynb"


def test_a_notebook_without_the_course_gets_it_and_says_so(archive, python, alone):
    assert "No module named" in run(alone.parent, python, "-c", "import helpers").stderr
    book = hosted.run(alone, [], Path("nowhere"), python)
    assert list(hosted.problems(book, solved=False)) == []
    course = alone.parent / handout.FOLDER
    outputs = [o for cell in book.cells for o in cell.get("outputs", [])]
    said = f"Getting the course from {archive.as_uri()} into {course}\n"
    assert outputs[0].text == said
    texts = [o.data["text/plain"] for o in outputs if "data" in o]
    assert any(text.startswith("✓") for text in texts)
    assert json.loads((course / ".progress.json").read_text())["00.1"]["passed"]
    assert not [*alone.parent.glob("tmp*")]


def test_it_is_got_once_and_a_failure_is_told_in_a_sentence(archive, python, tmp_path):
    def get(path, where=tmp_path):
        source = build.GETTER.format(address=json.dumps(path.as_uri()))
        more = "\nimport helpers\nprint(helpers.__file__)"
        return run(where, python, "-c", source + more)

    failed = get(tmp_path / "none.zip")
    assert "That did not work (<urlopen error [Errno 2]" in failed.stdout
    assert "No module named 'helpers'" in failed.stderr
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:9999])
    assert "That did not work" in get(tmp_path / "half.zip").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["half.zip"]
    assert "Getting the course" in get(archive).stdout
    course = tmp_path / handout.FOLDER
    for folder in (tmp_path, course / "notebooks"):
        again = get(tmp_path / "none.zip", folder).stdout
        assert again == f"{course}/helpers/__init__.py\n"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("helpers.py", ""),
        ("helpers.py", "def broken("),
        ("helpers/own.py", ""),
        ("helpers/__init__.py", "import sys; sys.modules['helpers.files'] = sys"),
        ("../helpers/own.py", ""),
    ],
)
def test_other_helpers_are_not_taken_for_the_course(
    archive, python, tmp_path, where, text
):
    (folder := tmp_path / "notebooks").mkdir()
    (folder / where).parent.mkdir(exist_ok=True)
    (folder / where).write_text(text)
    source = build.GETTER.format(address=json.dumps(archive.as_uri()))
    more = "\nimport helpers.files\nprint(helpers.files.__file__)"
    got = run(folder, python, "-c", source + more).stdout.splitlines()
    assert got[-1] == f"{folder / handout.FOLDER}/helpers/files.py"


def test_a_folder_that_only_has_the_courses_name_is_told(archive, python, tmp_path):
    (tmp_path / handout.FOLDER / "helpers").mkdir(parents=True)
    source = build.GETTER.format(address=json.dumps(archive.as_uri()))
    said = run(tmp_path, python, "-c", source).stdout
    problem = f"{tmp_path / handout.FOLDER} lacks the course: rename that folder"
    assert said.startswith(f"That did not work ({problem}). Run this cell again")


def test_an_address_that_others_could_answer_for_is_refused(monkeypatch):
    monkeypatch.setattr(build, "setting", lambda name: "http://example.org/it.zip")
    with pytest.raises(build.LessonError, match="must be https://"):
        build.convert(build.lessons()[0])


@pytest.mark.parametrize(
    ("address", "counts"), [("", (0, 0)), ("https://example.org/it.zip", (1, 0))]
)
def test_only_students_get_this_cell_and_only_with_an_address(
    monkeypatch, address, counts
):
    monkeypatch.setattr(build, "setting", lambda name: address)
    books, _ = build.convert(build.lessons()[0])
    texts = ["".join(c.source for c in b.cells) for b in books.values()]
    assert tuple(text.count("# Gets the course") for text in texts) == counts


DO = """
from helpers.exercises import answer, progress, start
start()
answer("00.1", days=7)
progress()
"""


@pytest.fixture
def locked(course):
    try:
        with hosted.read_only(course) as start:
            yield start
    except hosted.HostedError as error:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(str(error))


def test_a_course_that_cannot_be_written_stays_as_it_is(
    course, locked, python, tmp_path
):
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    variables = {"HOME": str(tmp_path), "PYTHONPATH": str(course)}
    done = run(tmp_path, *locked, python, "-c", DO, **variables)
    kept = tmp_path / hosted.PROGRESS
    assert done.stdout.splitlines()[-1] == f"Your progress is kept in {kept}."
    assert json.loads(kept.read_text())["00.1"]["passed"]
    after = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    assert after == before


def test_what_goes_wrong_is_named():
    new = nbformat.v4.new_code_cell
    error = nbformat.v4.new_output("error", ename="TypeError", evalue="x")
    line = nbformat.v4.new_output("stream", text="what stands there")
    cells = [
        new("from lessons.l03_output_size.explorer import size_explorer"),
        new("size_explorer()", outputs=[error]),
        new('answer("00.1", days=____)'),
        new('answer("00.1", days=____)', outputs=[line]),
    ]
    found = hosted.problems(nbformat.v4.new_notebook(cells=cells), solved=False)
    assert list(found) == [
        *("cell 1: TypeError: x", "cell 2: no card", "cell 3: no card"),
        *("what stands there", "cell 1: no explorer"),
    ]


def test_a_lesson_that_is_not_there_is_told(capsys):
    with pytest.raises(SystemExit):
        hosted.main(["99"])
    assert "no lesson 99; choose from 00" in capsys.readouterr().err


@pytest.fixture
def ready(monkeypatch):
    """As if the environment were made; nothing is unpacked or locked."""
    monkeypatch.setattr(hosted, "PYTHONS", ["{}.{}".format(*sys.version_info)])
    monkeypatch.setattr(hosted, "environment", lambda *_: Path("python"))
    monkeypatch.setattr(hosted, "read_only", nullcontext)
    monkeypatch.setattr(hosted, "unpack", lambda folder: None)


def test_a_notebook_without_an_end_is_a_problem_and_the_others_run(
    ready, monkeypatch, capsys
):
    def run(path, *_):
        if path.name.startswith("student"):
            raise subprocess.TimeoutExpired(["python", "-m", "nbconvert"], 900)
        (path.parent / hosted.PROGRESS).touch()
        return nbformat.read(path, as_version=4)

    monkeypatch.setattr(hosted, "run", run)
    assert hosted.main(["3"]) == 1
    said = capsys.readouterr().out
    assert "\n  nbconvert timed out after 900 seconds\n" in said
    assert re.search(r"^solution_03_output_size +[1-9]\d* +1 +1 ", said, re.MULTILINE)


def test_what_is_missing_is_told_before_anything_is_downloaded(
    ready, monkeypatch, capsys
):
    def unbuilt(folder):
        raise handout.HandoutError("03 is not built yet: run make notebooks.")

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(hosted, "unpack", unbuilt)
    monkeypatch.setattr(hosted, "environment", never)
    assert hosted.main([]) == 1
    monkeypatch.setattr(hosted, "PYTHONS", ("2.6", "2.7"))
    assert hosted.main([]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "03 is not built yet: run make notebooks."
    assert second.startswith("Python 2.6 or 2.7 is needed, not 3.")


def test_where_a_folder_cannot_be_locked_a_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))  # without unshare
    with pytest.raises(hosted.HostedError, match="another user"):
        hosted.read_only(tmp_path).__enter__()
    monkeypatch.delattr(os, "geteuid")
    with pytest.raises(hosted.HostedError, match="Windows"):
        hosted.read_only(tmp_path).__enter__()


def test_an_environment_is_made_anew_where_packages_or_paths_change(
    monkeypatch, tmp_path
):
    asked = []

    def run(command, check):
        asked.append(command[2])
        if command[2] == "venv":
            packages = "lib/python{}.{}/site-packages".format(*sys.version_info)
            (tmp_path / packages).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(hosted.subprocess, "run", run)
    for seen in (["/here"], ["/here"], ["/there"]):
        python = hosted.environment(tmp_path, ["a==1"], seen)
    assert asked == ["venv", "pip"] * 2
    assert python.is_relative_to(tmp_path)
    (found,) = tmp_path.rglob("seen.pth")
    assert found.read_text() == "/there"
