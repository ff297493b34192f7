"""Progress is never lost: two notebooks at once, other versions, odd files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from helpers.exercises.engine import Result

kept_in = sys.modules["helpers.exercises.progress"]

ROOT = Path(__file__).resolve().parents[1]
RIGHT, ALSO_RIGHT = Result("00.2", "passed", ""), Result("00.1", "passed", "")


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("CONVNETS_PROGRESS", str(file))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return file


RECORD_100 = """
import sys
from helpers.exercises.engine import Result
from helpers.exercises.progress import record
print("ready", flush=True)
sys.stdin.read()
for n in range(100):
    record(Result(f"{sys.argv[1]}.{n}", "passed", ""))
    record(Result("20.1", "failed", "", "both"))
"""


def test_two_notebooks_record_at_once(progress_file):
    progress_file.write_text('{"of another version": [1, 2]}', "utf-8")
    pipe, words = subprocess.PIPE, [sys.executable, "-c", RECORD_100]
    options = {"cwd": ROOT, "stdout": pipe, "text": True}
    notebooks = [
        subprocess.Popen([*words, n], stdin=pipe, **options) for n in ("21", "22")
    ]
    for each in notebooks:
        assert each.stdout.readline() == "ready\n"
    for each in notebooks:
        each.stdin.close()  # now
    assert [(each.stdout.read(), each.wait(60)) for each in notebooks] == [("", 0)] * 2
    found = kept_in.read()
    passed = {number for number, entry in found.items() if entry["passed"]}
    assert passed == {f"{lesson}.{n}" for lesson in (21, 22) for n in range(100)}
    assert found["20.1"]["tries"] == found["20.1"]["kinds"]["both"] == 200
    kept = json.loads(progress_file.read_text("utf-8"))
    assert kept["of another version"] == [1, 2]


def test_a_lock_that_cannot_be_had_stops_no_lesson(progress_file, monkeypatch):
    monkeypatch.setattr(kept_in, "_SECONDS", 0.05)
    with FileLock(f"{progress_file}.lock"):
        kept_in.record(RIGHT)
    assert kept_in.read()["00.2"]["passed"]
    os.unlink(f"{progress_file}.lock")
    os.mkdir(f"{progress_file}.lock")
    kept_in.record(ALSO_RIGHT)
    assert set(kept_in.read()) == {"00.1", "00.2"}


def test_what_another_version_noted_is_kept(progress_file, capsys):
    noted = {"settings": "dark", "00.2": {"tries": 2, "seconds": [3, 4]}}
    progress_file.write_text(json.dumps(noted), "utf-8")
    kept_in.record(RIGHT)
    kept = json.loads(progress_file.read_text("utf-8"))
    assert (kept["settings"], kept["00.2"]["seconds"]) == ("dark", [3, 4])
    assert (kept["00.2"]["tries"], kept["00.2"]["passed"]) == (3, True)
    assert set(kept_in.read()) == {"00.2"}
    kept_in.progress()
    newer = '{"format": 2, "00.2": "passed"}'
    progress_file.write_text(newer, "utf-8")
    assert kept_in.record(ALSO_RIGHT) == 0
    assert progress_file.read_text("utf-8") == newer
    assert "newer version of the course" in capsys.readouterr().out


def test_each_damaged_file_is_kept(progress_file):
    for text in ("{", "}"):
        progress_file.write_text(text, "utf-8")
        kept_in.record(RIGHT)
    found = progress_file.parent.glob("progress.damaged*")
    assert [path.read_text("utf-8") for path in sorted(found)] == ["{", "}"]


@pytest.mark.skipif(os.name == "nt", reason="makes links and pipes")
def test_a_link_stays_and_a_device_is_left_alone(progress_file, capsys):
    progress_file.symlink_to("elsewhere.json")
    kept_in.record(RIGHT)
    assert progress_file.is_symlink()
    assert kept_in.read()["00.2"]["passed"]
    progress_file.unlink()
    os.mkfifo(progress_file)
    kept_in.record(RIGHT)
    assert "no regular file" in capsys.readouterr().out
    assert progress_file.is_fifo()


def test_where_the_course_cannot_be_written_home_keeps_it_and_this_is_said(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("CONVNETS_PROGRESS")
    monkeypatch.setattr(kept_in.os, "access", lambda path, how: False)
    monkeypatch.setattr(kept_in.Path, "home", lambda: tmp_path)
    kept_in.record(RIGHT)
    assert kept_in.read()["00.2"]["passed"]
    kept_in.progress()
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"Your progress is kept in {tmp_path / '.convnets-progress.json'}."
    monkeypatch.setenv("CONVNETS_PROGRESS", str(tmp_path / ".progress.json"))
    kept_in.progress()
    assert "kept" not in capsys.readouterr().out
