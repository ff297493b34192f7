"""The recipes, and the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers import training
from helpers.data import Batches, load
from helpers.device import has_bf16
from helpers.networks import cifar_resnet, lenet5
from helpers.networks.named import Mirrored
from helpers.training import RECIPES, Options, train
from helpers.training.__main__ import main
from lessons.l12_practice.records import recordings
from tests.training_child import same

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits():
    return load("digits", CPU, size=32)


@pytest.fixture(scope="module")
def few(digits):
    """A hundred digits: an epoch takes a few hundredths of a second."""
    parts = {
        name: type(part)(part.images[:100], part.labels[:100])
        for name, part in (("train", digits.train), ("test", digits.test))
    }
    return replace(digits, **parts)


def quick(data, recipe="fast", epochs=2, network="lenet5", change=None, **settings):
    change = {"bf16": False, "batch_size": 32, **(change or {})}
    recipe = replace(RECIPES[recipe], **change)
    return train(network, data, recipe, epochs, progress=False, **settings)


def test_the_lecture_is_he_and_others():
    recipe = RECIPES["lecture"]
    assert (recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (
        128,
        0.1,
        1e-4,
    )
    network = cifar_resnet(8)
    optimizer = recipe.optimizer(network)
    (group,) = optimizer.param_groups
    assert len(group["params"]) == len(list(network.parameters()))
    assert (group["momentum"], group["nesterov"]) == (0.9, False)
    factor = replace(recipe, epochs=160).factor()
    assert [factor(e) for e in (0, 79, 80, 119, 120, 159)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_fast_decays_weights_only():
    network = cifar_resnet(8)
    optimizer = RECIPES["fast"].optimizer(network)
    weights, others = optimizer.param_groups
    assert {p.ndim for p in weights["params"]} == {2, 4}
    assert {p.ndim for p in others["params"]} == {1}
    assert weights["weight_decay"] > 0 == others["weight_decay"]
    count = len(weights["params"]) + len(others["params"])
    assert count == len(list(network.parameters()))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_learns(recipe, digits):
    result = quick(digits, recipe, epochs=4, change={"learning_rate": 0.1})
    assert result.accuracy > 0.8
    assert result.accuracy == result.history.rows[-1].test_accuracy


def test_a_recipe_uses_what_the_hardware_has(few):
    for name, recipe in RECIPES.items():
        followed = train("lenet5", few, name, 1, progress=False).recipe
        assert followed.bf16 == (recipe.bf16 and has_bf16(CPU))
        assert not followed.compiled  # there is no GPU
        assert followed.channels_last == recipe.channels_last


class Stops(nn.Module):
    """LeNet-5, and Ctrl+C in one of its steps."""

    def __init__(self, at):
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.calls, self.at = lenet5(), 0, at

    def forward(self, images):
        self.calls += self.training
        if self.training and self.calls == self.at:
            raise KeyboardInterrupt
        return self.inner(images)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_goes_on_bit_for_bit(recipe, few, tmp_path):
    path = tmp_path / "run.pt"
    whole = quick(few, recipe, epochs=3, network=Stops(0))
    settings = {"epochs": 3, "checkpoint": path}
    stopped = quick(few, recipe, network=Stops(6), **settings)
    assert len(stopped.history.rows) == 1
    resumed = quick(few, recipe, network=Stops(0), resume=True, **settings)
    assert len(resumed.history.rows) == 3
    assert same(whole.network.state_dict(), resumed.network.state_dict())


def test_handwriting_is_not_mirrored(few):
    assert quick(few).mirrored is None
    shapes = load("shapes", CPU, counts=(64, 50))
    result = quick(shapes, network="resnet8", epochs=1)
    both = Mirrored(result.network.eval())
    images, labels = shapes.test
    with torch.no_grad():
        one, other = result.network(images), result.network(images.flip(3))
        assert torch.allclose(both(images), (one + other) / 2)
        right = (both(images).argmax(1) == labels).float().mean().item()
    assert result.accuracy == result.mirrored.accuracy == pytest.approx(right)


def test_a_seed_decides_everything(few):
    def weights(seed):
        return quick(few, epochs=1, seed=seed).network.state_dict()

    assert same(weights(1), weights(1))
    assert not same(weights(1), weights(2))


def test_a_network_of_ones_own_learns_itself(few):
    network = lenet5()
    before = network.output.weight.detach().clone()
    result = quick(few, network=network, epochs=1)
    assert result.network is network
    assert not torch.equal(before, network.output.weight)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "resnet18"}, r"depth must be 6n \+ 2"),
        ({"network": "lenet6"}, "no network 'lenet6'; choose from resnetD and plainD"),
        ({"network": "resnet20"}, r"cannot take .*as many in_channels"),
        ({"change": {"batch_size": 0}}, "batch_size must be 1 or more"),
        ({"change": {"learning_rate": -0.1}}, "Invalid learning rate: -0.1"),
        ({"change": {"schedule": "cosine"}}, "steps.*triangle"),
        ({"epochs": 0}, "epochs must be 1 or more"),
    ],
)
def test_what_makes_no_recipe(settings, message, few):
    with pytest.raises(ValueError, match=message):
        quick(few, **settings)


def test_a_recipe_that_is_not_there(few):
    with pytest.raises(ValueError, match="no recipe 'slow'; there are lecture, fast"):
        train("lenet5", few, "slow")


def test_after_ctrl_c_the_scores_are_those_of_the_network_that_is_left(few):
    network = Stops(6)
    result = quick(few, network=network, epochs=3)
    assert len(result.history.rows) == 1
    test = Batches(*few.test, 1000, shuffle=False)
    now = training.evaluate(network, test, Options(channels_last=True))
    assert result.scores == pytest.approx(now)
    assert result.scores.loss != result.history.rows[-1].test_loss


# --- The command line -----------------------------------------------------------------

WORDS = "lenet5 --data digits --device cpu --epochs 2 --learning-rate 0.1 --no-bf16"


def test_a_record_says_what_was_run(tmp_path, capfd):
    path = tmp_path / "new" / "run.json"
    assert main([*WORDS.split(), "--seed=3", "--record", str(path)]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0].split()[0] == "epoch"
    assert out[-1].startswith("scikit-learn digits (stand-in for MNIST): test accuracy")
    record = json.loads(path.read_text())
    assert record["command"].startswith(
        "python -m helpers.training lenet5 --data digits"
    )
    assert record["data"] == {
        "name": "digits",
        "title": "scikit-learn digits (stand-in for MNIST)",
        "stand_in_for": "MNIST",
        "train_images": 1438,
        "test_images": 359,
    }
    assert (record["recipe"], record["seed"], record["finished"]) == ("fast", 3, True)
    assert record["settings"]["learning_rate"] == 0.1
    assert record["settings"]["bf16"] is False
    assert record["torch"] == torch.__version__
    assert record["processes"] == 1
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]
    assert record["test_accuracy"] == record["epochs"][1]["test_accuracy"]
    assert record["seconds"] == sum(row["seconds"] for row in record["epochs"])
    assert record["parameters"] == 61_706
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]
    link = path.with_name("link.json")
    link.symlink_to("run.json")
    assert main([*WORDS.split(), "--epochs=1", f"--record={link}", "--quiet"]) == 0
    assert link.is_symlink()
    assert len(json.loads(path.read_text())["epochs"]) == 1


def test_a_record_names_no_files_but_what_to_know_of_the_images(tmp_path, capfd):
    words = [*WORDS.split(), "--epochs=1", "--note", "drawn anew", "--quiet"]
    assert main([*words, f"--record={tmp_path}/run.json"]) == 0
    title = "scikit-learn digits (stand-in for MNIST) (drawn anew)"
    assert capfd.readouterr().out.startswith(f"{title}: test accuracy")
    run = recordings(tmp_path)["run"]
    assert run.title == title
    assert run.accuracy == run.history.rows[-1].test_accuracy
    assert run.command == f"python -m helpers.training {WORDS} --epochs=1"


def test_the_command_line_goes_on(tmp_path, capfd):
    """After one epoch of two, as Ctrl+C would leave it."""
    words = [*WORDS.split(), "--recipe=lecture", "--batch-size=256", "--quiet"]
    words += [f"--checkpoint={tmp_path}/a.pt", "--resume"]
    words.append(f"--record={tmp_path}/run.json")
    assert main([*words, "--epochs=1"]) == 0
    assert main([*words, "--epochs=2"]) == 0
    out, err = capfd.readouterr()
    assert (out.count("\n"), err) == (2, "")
    run = recordings(tmp_path)["run"]
    assert [row.epoch for row in run.history.rows] == [1, 2]
    assert run.finished


def test_ctrl_c_on_the_command_line(tmp_path):
    words = (
        f"{WORDS} --epochs 500 --checkpoint {tmp_path}/a.pt --record {tmp_path}/r.json"
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "helpers.training", *words.split()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "a.pt").exists() and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "To go on, run the same with resume=True" in err
    assert "Traceback" not in err
    assert "test accuracy" in out
    assert not recordings(tmp_path)["r"].finished


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("resnet20 --device cpu --folder {}", "or use 'shapes', which"),
        (f"{WORDS} --record {{}}", "is a folder; name a file in it"),
        (f"{WORDS} --checkpoint {{}}", "is a folder; name a file in it"),
        (f"{WORDS} --record {os.devnull}", "is no regular file; name another"),
        (f"{WORDS} --checkpoint {os.devnull}", "is no regular file; name another"),
        (f"{WORDS} --record {__file__}", "is no record of a run and stays"),
        (f"{WORDS} --checkpoint {__file__}", "is no checkpoint, or only a part"),
        (f"{WORDS} --record {{0}}/a --checkpoint {{0}}/a", "both record and checkpo"),
        ("resnet20 --data digits --device cpu", "as many in_channels"),
        (f"{WORDS} --learning-rate=-1", "Invalid learning rate: -1.0"),
        ("resnet21 --data digits", r"depth must be 6n \+ 2"),
        (f"{WORDS} --resume", "resume=True needs to know from where"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(words, message, tmp_path, capfd):
    assert main([*words.format(tmp_path).split(), "--quiet"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert re.search(message, err)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--epochs=few", "no whole number from 1"),
        ("--device=gpu", "invalid choice: 'gpu'"),
        ("--recipe=slow", "invalid choice: 'slow'"),
    ],
)
def test_a_command_line_that_makes_no_sense(words, message, capfd):
    with pytest.raises(SystemExit) as caught:
        main([words])
    assert caught.value.code == 2
    assert message in capfd.readouterr().err


def test_a_server_without_jupyter_can_train():
    code = (
        "import sys; from helpers.training.__main__ import main\n"
        f"main('{WORDS} --epochs 1'.split())\n"
        "print([m for m in ('IPython', 'ipywidgets', 'matplotlib', 'jupyter_client',"
        " 'notebook') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
