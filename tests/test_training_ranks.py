"""Several processes that train one network: the same gradients, images and weights."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from helpers.training import restore
from tests.training_child import same
from tests.training_ranks_child import N, build

ROOT = Path(__file__).parents[1]
CHILD = Path(__file__).with_name("training_ranks_child.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The folder with what all runs of the child left."""
    folder = tmp_path_factory.mktemp("ranks")
    done = subprocess.run(
        [sys.executable, CHILD, folder],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return folder


def reports(folder, name, world):
    return [torch.load(folder / f"{name}-{rank}.pt") for rank in range(world)]


def close(a, b):
    return all(torch.allclose(x, y, rtol=1e-4, atol=1e-6) for x, y in zip(a, b))


@pytest.mark.parametrize("world", [2, 3])
def test_the_gradients_are_those_of_one_process(world, found):
    """In the last batch and all steps before, where all have equally many images."""
    (alone,) = reports(found, "plain1", 1)
    for report in reports(found, f"plain{world}", world):
        assert close(report["gradients"], alone["gradients"])
        assert close(report["weights"].values(), alone["weights"].values())
    start = build().state_dict()
    assert not close(start.values(), alone["weights"].values())


@pytest.mark.parametrize(
    ("name", "world", "epochs"), [("whole", 2, 4), ("on1", 1, 2), ("on3", 3, 2)]
)
def test_every_image_is_seen_once_an_epoch(name, world, epochs, found):
    shares = [report["seen"] for report in reports(found, name, world)]
    orders = []
    for epoch in range(epochs):
        parts = []
        for share in shares:
            count = len(share) // epochs
            parts.append(share[epoch * count : (epoch + 1) * count])
        assert sorted(image for part in parts for image in part) == list(range(N))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        orders.append(parts)
    assert orders[0] != orders[1]


@pytest.mark.parametrize("world", [2, 3])
def test_the_history_is_of_all_processes(world, found):
    (alone,) = reports(found, "plain1", 1)
    for report in reports(found, f"plain{world}", world):
        for row, expected in zip(report["rows"], alone["rows"]):
            assert row == pytest.approx(expected, rel=1e-4)


def test_all_processes_end_with_the_same_network(found):
    """Batch norm's running means too; but each has drawn its own dropout."""
    first, second = reports(found, "whole", 2)
    assert same(first["weights"], second["weights"])
    assert first["rows"] == second["rows"]
    assert not torch.equal(first["random"], second["random"])


def test_only_the_first_process_writes_and_is_called_back(found):
    assert json.loads((found / "writers-0.json").read_text()) == 2
    assert json.loads((found / "writers-1.json").read_text()) == 0
    assert not list(found.glob("*.part"))


def test_the_same_number_of_processes_goes_on_bit_for_bit(found):
    for whole, resumed in zip(reports(found, "whole", 2), reports(found, "on2", 2)):
        assert same(whole["weights"], resumed["weights"])
        assert whole["rows"] == resumed["rows"]
        assert torch.equal(whole["random"], resumed["random"])


@pytest.mark.parametrize("world", [1, 3])
def test_another_number_of_processes_goes_on(world, found):
    whole = reports(found, "whole", 2)[0]
    for report in reports(found, f"on{world}", world):
        assert report["rows"][:2] == whole["rows"][:2]
        assert len(report["rows"]) == 4
        assert report["rows"][3][1] < report["rows"][0][1]  # and goes on learning
        assert len(report["seen"]) in (2 * (N // world), 2 * (N // world) + 2)
    assert len(restore(build(norm=True), found / f"from-two-{world}.pt").rows) == 4


def test_batches_that_do_not_know_of_the_others_are_refused(found):
    message = (found / "refused-0.txt").read_text()
    assert message.startswith(
        "process 0 of 2 got batches for (0, 1): pass ranks=(0, 2)"
    )
    message = (found / "refusing2-1.err").read_text()
    assert "process 1: a batch of 65 images cannot be shared equally by 2" in message


def test_the_command_line_speaks_and_records_once(found):
    out = [(found / f"by_command2-{rank}.out").read_text() for rank in range(2)]
    assert (
        out[0].splitlines()[-1].startswith("scikit-learn digits (stand-in for MNIST)")
    )
    assert "processes: 2" in out[0]
    assert out[1] == ""
    assert (found / "by_command2-1.err").read_text() == ""
    record = json.loads((found / "record.json").read_text())
    assert record["processes"] == 2
    assert record["settings"]["batch_size"] == 64
    assert record["finished"]


def test_torchrun(tmp_path):
    record = tmp_path / "run.json"
    words = f"-m torch.distributed.run --nproc-per-node=2 -m helpers.training lenet5 \
        --data digits --device cpu --epochs 1 --quiet --record {record}"
    done = subprocess.run(
        [sys.executable, *shlex.split(words)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test accuracy") == 1
    command = json.loads(record.read_text())["command"]
    assert command.startswith("torchrun --nproc-per-node=2 -m helpers.training lenet5 ")
