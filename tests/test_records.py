"""Recorded runs: what is written is read back, and what is damaged is named."""

import json
import shutil

import pytest

from helpers.training import __main__ as command_line
from helpers.training import records
from helpers.training.records import RecordError, recorded, recordings

ROW = {
    "epoch": 1,
    "train_loss": 1.5,
    "train_accuracy": 0.4,
    "test_loss": 1.4,
    "test_accuracy": 0.5,
    "learning_rate": 0.1,
    "seconds": 12.5,
    "images_per_second": 4000.0,
}
GOOD = {
    "format": records.FORMAT,
    "date": "2026-01-02T03:04:05+00:00",
    "command": "python -m helpers.training plain20 --recipe lecture --epochs 2 "
    "--checkpoint /tmp/a.pt --resume --record=/tmp/x.json",
    "network": "plain20",
    "parameters": 269722,
    "data": {"name": "shapes", "title": "drawn shapes (stand-in for CIFAR-10)"},
    "recipe": "lecture",
    "settings": {"epochs": 2, "learning_rate": 0.1},
    "seed": 3,
    "device": "CPU, x86_64, 2 cores",
    "processes": 1,
    "threads": 2,
    "torch": "2.15.0",
    "finished": True,
    "epochs": [ROW, ROW | {"epoch": 2, "test_loss": None, "test_accuracy": None}],
    "test_accuracy": 0.5,
    "test_accuracy_mirrored": None,
    "seconds": 25.0,
    "compile_seconds": 0.0,
}


def written(folder, content, name="run"):
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_a_record_is_read(tmp_path):
    run = recorded("run", written(tmp_path, GOOD))
    assert (run.name, run.network, run.parameters) == ("run", "plain20", 269722)
    assert [row.epoch for row in run.history.rows] == [1, 2]
    assert run.history.rows[0]._asdict() == ROW
    assert run.history.best.epoch == 1
    assert run.mirrored is None
    assert run.settings["epochs"] == 2


def test_provenance_is_one_line_without_private_paths(tmp_path):
    said = recorded("run", written(tmp_path, GOOD)).provenance()
    assert said == (
        "drawn shapes (stand-in for CIFAR-10): recorded 2026-01-02, "
        "python -m helpers.training plain20 --recipe lecture --epochs 2; "
        "CPU, x86_64, 2 cores, 2 threads used; seed 3"
    )
    written(tmp_path, GOOD | {"processes": 2, "finished": False, "device": "GPU"})
    said = recorded("run", tmp_path).provenance()
    assert "2026-01-02, stopped early, python" in said
    assert "GPU, 2 processes; seed 3" in said
    written(tmp_path, GOOD | {"command": 'python "of whom'})
    assert 'python "of whom' in recorded("run", tmp_path).provenance()


def test_a_missing_one_tells_which_there_are(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"recorded: none.*--record"):
        recorded("run", tmp_path / "nowhere")
    written(tmp_path, GOOD, "b")
    written(tmp_path, GOOD, "a")
    with pytest.raises(FileNotFoundError, match=r"'run'.*recorded: a, b"):
        recorded("run", tmp_path)
    assert list(recordings(tmp_path)) == ["a", "b"]
    assert recordings(tmp_path / "nowhere") == {}


def without(key):
    return {k: v for k, v in GOOD.items() if k != key}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "damaged: no JSON from line 1"),
        (json.dumps(GOOD, indent=2)[:-300], "damaged: no JSON from line"),
        ("[" * 100_000, "run.json"),
        ("null", '"format" should be'),
        ([GOOD], '"format" should be'),
        (GOOD | {"format": "helpers.training record 9"}, '"format" should be'),
        (without("seed"), '"seed" is missing'),
        (without("epochs"), '"epochs" is missing'),
        (GOOD | {"seed": "3"}, "\"seed\" cannot be '3'"),
        (GOOD | {"seed": True}, '"seed" cannot be True'),
        (GOOD | {"finished": 1}, '"finished" cannot be 1'),
        (GOOD | {"data": {}}, 'data: "title" is missing'),
        (GOOD | {"epochs": [7]}, "epoch 1: not a row"),
        (GOOD | {"epochs": [ROW, ROW]}, "epoch 2: numbered 1"),
        (GOOD | {"epochs": [ROW | {"train_loss": None}]}, 'epoch 1: "train_loss"'),
        (GOOD | {"epochs": [{"epoch": 1}]}, 'epoch 1: "train_loss" is missing'),
    ],
)
def test_a_damaged_one_is_named(tmp_path, content, says):
    written(tmp_path, content)
    with pytest.raises(RecordError) as told:
        recorded("run", tmp_path)
    assert str(tmp_path / "run.json") in str(told.value)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_what_cannot_be_read_at_all_is_named(tmp_path):
    (tmp_path / "run.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RecordError, match="no text"):
        recorded("run", tmp_path)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(RecordError, match="cannot be read"):
        recorded("folder", tmp_path)


def test_the_command_line_writes_what_is_read(tmp_path, monkeypatch):
    small = command_line.load("digits", "cpu", size=32)
    monkeypatch.setattr(command_line, "load", lambda *a, **k: small)
    path = tmp_path / "lenet.json"
    words = "lenet5 --data digits --recipe lecture --epochs 1 --device cpu --quiet "
    assert command_line.main([*words.split(), "--record", str(path)]) == 0
    run = recorded("lenet", tmp_path)
    assert (run.network, run.recipe, run.seed) == ("lenet5", "lecture", 0)
    assert run.title == small.title
    assert run.accuracy == run.history.rows[-1].test_accuracy
    assert run.finished
    assert str(tmp_path) not in run.provenance()
    shutil.copy(path, tmp_path / "again.json")
    assert recorded("again", tmp_path).history == run.history


def test_all_that_come_with_the_course_can_be_read():
    for run in recordings().values():
        assert run.history.rows
        assert run.title in run.provenance()
