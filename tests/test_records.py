"""Recorded runs: what is written is read back, and what is damaged is named."""

import json

import pytest

from helpers.training.history import FORMAT
from lessons.l12_practice.records import RecordError, recordings

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
    "format": FORMAT,
    "date": "2026-01-02T03:04:05+00:00",
    "command": "python -m helpers.training plain20 --recipe lecture --epochs 2",
    "network": "plain20",
    "data": {"name": "shapes", "title": "drawn shapes (stand-in for CIFAR-10)"},
    "settings": {"epochs": 2, "learning_rate": 0.1},
    "seed": 3,
    "device": "CPU, x86_64, 2 cores",
    "processes": 1,
    "threads": 2,
    "finished": True,
    "epochs": [ROW, ROW | {"epoch": 2, "test_loss": None, "test_accuracy": None}],
    "test_accuracy": 0.5,
    "test_accuracy_mirrored": None,
    "seconds": 25.0,
    "compile_seconds": 0.0,  # and whatever else there is
}


def read(folder, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "run.json").write_text(text, encoding="utf-8")
    return recordings(folder)["run"]


def test_a_record_is_read(tmp_path):
    run = read(tmp_path, GOOD)
    assert (run.name, run.network, run.mirrored) == ("run", "plain20", None)
    assert [row.epoch for row in run.history.rows] == [1, 2]
    assert run.history.rows[0]._asdict() == ROW
    assert run.settings["epochs"] == 2
    assert recordings(tmp_path / "nowhere") == {}


def test_provenance_is_one_line(tmp_path):
    assert read(tmp_path, GOOD).provenance() == (
        "drawn shapes (stand-in for CIFAR-10): recorded 2026-01-02, "
        "python -m helpers.training plain20 --recipe lecture --epochs 2; "
        "CPU, x86_64, 2 cores, 2 threads used; seed 3"
    )
    several = GOOD | {"processes": 2, "finished": False, "device": "GPU"}
    said = read(tmp_path, several).provenance()
    assert "2026-01-02, stopped early, python" in said
    assert "GPU, 2 processes; seed 3" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "JSONDecodeError"),
        (json.dumps(GOOD, indent=2)[:-300], "JSONDecodeError"),
        ("[" * 100_000, "RecursionError"),
        ([GOOD], "TypeError"),
        (GOOD | {"format": "helpers.training record 9"}, "its format is not"),
        ({k: v for k, v in GOOD.items() if k != "seed"}, "KeyError('seed')"),
        (GOOD | {"data": {}}, "KeyError('title')"),
        (GOOD | {"epochs": [{"epoch": 1}]}, "'train_loss'"),
    ],
)
def test_a_damaged_one_is_named(tmp_path, content, says):
    with pytest.raises(RecordError) as told:
        read(tmp_path, content)
    assert f"{tmp_path / 'run.json'} is no record of a run" in str(told.value)
    assert says in str(told.value)


def test_all_that_come_with_the_course_can_be_read():
    runs = recordings()
    assert list(runs) == sorted(runs)
    for run in runs.values():
        assert run.history.rows
        assert run.title in run.provenance()
