"""The recipes, the rate that changes with each step, and the command line."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, lr_scheduler
from training_child import same

from helpers import training
from helpers.data import Batches, load
from helpers.networks import cifar_resnet, lenet5
from helpers.training import RECIPES, CheckpointError, fit, recipes, train, triangle
from helpers.training.__main__ import main
from helpers.training.records import recorded

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


def quick(data, recipe="fast", epochs=2, network="lenet5", **settings):
    settings = {"progress": False, "bf16": False, "batch_size": 32, **settings}
    return train(network, data, recipe, epochs, **settings)


# --- The rate of each step ------------------------------------------------------------


def test_the_triangle():
    factor = triangle(2, 10, start=0.25)
    assert [factor(e) for e in (0, 1, 2, 6, 10, 11)] == pytest.approx(
        [0.25, 0.625, 1, 0.5, 0, 0]
    )
    for warm_up, epochs in ((0, 4), (4, 4), (5, 4)):
        with pytest.raises(ValueError, match="0 < warm_up < epochs"):
            triangle(warm_up, epochs)


class Watched(SGD):
    """Writes down with which rates it stepped."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.rates = []

    def step(self, closure=None):
        self.rates.append([group["lr"] for group in self.param_groups])
        return super().step(closure)


def numbers():
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(48, 1, 4, 4, generator=generator)
    return Batches(images, images.flatten(1).sum(1).gt(0).long(), 12)  # 4 steps


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))


def stepping(epochs, schedule, **settings):
    network = linear()
    groups = [
        {"params": [network[1].weight]},
        {"params": [network[1].bias], "lr": 0.02},
    ]
    optimizer = Watched(groups, lr=0.1, momentum=0.9)
    settings = {"each_step": True, "progress": False, **settings}
    history = fit(
        network,
        numbers(),
        epochs=epochs,
        optimizer=optimizer,
        schedule=schedule,
        **settings,
    )
    return network.state_dict(), optimizer.rates, history


def test_the_schedule_is_asked_before_each_step():
    asked = []

    def schedule(finished):
        asked.append(finished)
        return 1 + finished

    _, rates, history = stepping(2, schedule)
    quarters = [step / 4 for step in range(8)]
    assert sorted(set(asked)) == quarters
    assert [rate for rate, _ in rates] == pytest.approx(
        [0.1 * (1 + q) for q in quarters]
    )
    assert [rate for _, rate in rates] == pytest.approx(
        [0.02 * (1 + q) for q in quarters]
    )
    assert [row.learning_rate for row in history.rows] == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("stop", [1, 3])
def test_a_rate_of_each_step_goes_on_bit_for_bit(stop, tmp_path):
    schedule = triangle(1.5, 4)
    whole, rates, _ = stepping(4, schedule)
    path = tmp_path / "run.pt"
    stepping(stop, schedule, checkpoint=path)
    resumed, rest, _ = stepping(4, schedule, checkpoint=path, resume=True)
    assert same(whole, resumed)
    assert rest == rates[4 * stop :]


def test_another_triangle_is_another_run(tmp_path):
    path = tmp_path / "run.pt"
    stepping(2, triangle(1, 4), checkpoint=path)
    with pytest.raises(CheckpointError, match="learning rate of epoch 1 there"):
        stepping(4, triangle(1, 4, start=0.5), checkpoint=path, resume=True)
    with pytest.raises(CheckpointError, match="there each step, here NoneType"):
        stepping(4, None, checkpoint=path, resume=True, each_step=False)


def test_each_step_needs_a_function():
    network = linear()
    optimizer = SGD(network.parameters(), lr=0.1)
    for schedule in (None, lr_scheduler.StepLR(optimizer, 1)):
        with pytest.raises(ValueError, match="each_step=True needs schedule"):
            fit(
                network,
                numbers(),
                optimizer=optimizer,
                schedule=schedule,
                each_step=True,
            )


# --- Recipes --------------------------------------------------------------------------


def test_the_lecture_is_he_and_others():
    recipe = RECIPES["lecture"]
    assert (recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (
        128,
        0.1,
        1e-4,
    )
    network = cifar_resnet(8)
    optimizer = recipes._optimizer(network, recipe)
    (group,) = optimizer.param_groups
    assert len(group["params"]) == len(list(network.parameters()))
    assert (group["momentum"], group["nesterov"]) == (0.9, False)
    factor = recipes._schedule(replace(recipe, epochs=160))
    assert [factor(e) for e in (0, 79, 80, 119, 120, 159)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_fast_decays_weights_only():
    network = cifar_resnet(8)
    optimizer = recipes._optimizer(network, RECIPES["fast"])
    weights, others = optimizer.param_groups
    assert {p.ndim for p in weights["params"]} == {2, 4}
    assert {p.ndim for p in others["params"]} == {1}
    assert weights["weight_decay"] > 0 == others["weight_decay"]
    count = len(weights["params"]) + len(others["params"])
    assert count == len(list(network.parameters()))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_learns(recipe, digits):
    result = quick(digits, recipe, epochs=4, learning_rate=0.1)
    assert result.accuracy > 0.8
    assert result.accuracy == result.history.rows[-1].test_accuracy
    assert result.seconds == sum(row.seconds for row in result.history.rows)


def test_the_lecture_computes_as_ever(few, monkeypatch):
    """float32, (N, C, H, W), not compiled; fast with what the hardware has."""
    told = {}

    def spy(*args, **settings):
        told.update(settings)
        return fit(*args, **settings)

    monkeypatch.setattr(recipes, "fit", spy)
    monkeypatch.setattr(recipes, "has_bf16", lambda device: True)
    result = quick(few, "lecture", epochs=1, bf16=None)
    assert (told["amp"], told["channels_last"], result.compile_seconds) == (
        None,
        False,
        0,
    )
    result = quick(few, "fast", epochs=1, bf16=None)
    assert (told["amp"], told["channels_last"]) == (True, True)
    assert result.recipe.bf16
    assert all(p.dtype == torch.float32 for p in result.network.parameters())


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_goes_on_bit_for_bit(recipe, few, tmp_path):
    path = tmp_path / "run.pt"
    whole = quick(few, recipe, epochs=3)
    calls = []

    def stop(history):
        calls.append(1)
        if len(calls) == 2:  # before the second epoch is saved
            raise KeyboardInterrupt

    stopped = quick(few, recipe, epochs=3, checkpoint=path, on_epoch=stop)
    assert len(stopped.history.rows) == 1
    resumed = quick(few, recipe, epochs=3, checkpoint=path, resume=True)
    assert len(resumed.history.rows) == 3
    assert same(whole.network.state_dict(), resumed.network.state_dict())


def test_handwriting_is_not_mirrored(few):
    assert quick(few).mirrored is None
    shapes = load("shapes", CPU, counts=(64, 50))
    result = quick(shapes, network=8, epochs=1)
    both = recipes.Mirrored(result.network.eval())
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
        ({"recipe": "slow"}, "no recipe 'slow'; there are lecture, fast"),
        ({"network": "resnet18"}, r"depth must be 6n \+ 2"),
        ({"network": "lenet6"}, "no network 'lenet6'; there are resnetD and plainD"),
        ({"network": 20}, r"takes \(N, 3, H, W\), but gets"),
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"learning_rate": -0.1}, "learning_rate above 0"),
        ({"recipe": replace(RECIPES["fast"], schedule="cosine")}, "steps.*triangle"),
        ({"epochs": 0}, "whole number from 1"),
    ],
)
def test_what_makes_no_recipe(settings, message, few):
    with pytest.raises(ValueError, match=message):
        quick(few, **settings)


def test_bf16_is_told_by_the_hardware(monkeypatch):
    names = "_is_avx512_bf16_supported", "_is_amx_tile_supported"
    for answers in ((True, False), (False, True), (False, False)):
        for name, answer in zip(names, answers):
            monkeypatch.setattr(torch.cpu, name, lambda a=answer: a, raising=False)
        assert recipes.has_bf16(CPU) == any(answers)
    for name in names:  # another version of PyTorch
        monkeypatch.delattr(torch.cpu, name)
    assert recipes.has_bf16(CPU) is False
    assert recipes.has_bf16(torch.device("mps")) is False


def test_compiling_leaves_the_network_as_it_was(few, monkeypatch):
    shapes = []

    def compiled(self, **settings):
        self.register_forward_pre_hook(lambda _, inputs: shapes.append(len(inputs[0])))

    monkeypatch.setattr(nn.Module, "compile", compiled)
    batches, test = Batches(*few.train, 32), Batches(*few.test, 60, shuffle=False)
    network = recipes.build("lenet5")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert recipes._compile(network, batches, test, None, True) > 0
    assert shapes == [32, 4, 60, 40]  # every size that there will be
    assert same(network.state_dict(), before)
    assert all(p.grad is None for p in network.parameters())
    whole = quick(few, epochs=1)
    assert same(
        whole.network.state_dict(),
        quick(few, epochs=1, compiled=True).network.state_dict(),
    )


def test_after_ctrl_c_the_scores_are_those_of_the_network_that_is_left(few):
    class StopsLate(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.calls = lenet5(), 0

        def forward(self, images):
            self.calls += self.training
            if self.training and self.calls == 6:
                raise KeyboardInterrupt
            return self.inner(images)

    network = StopsLate()
    steps = -(-len(few.train.labels) // 32)
    assert steps < 6 < 2 * steps
    result = quick(few, network=network, epochs=3, batch_size=32)
    assert len(result.history.rows) == 1
    test = Batches(*few.test, 1000, shuffle=False)
    now = training.evaluate(network, test, channels_last=True)
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
    assert record["compile_seconds"] == 0
    assert record["parameters"] == 61_706
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]


def test_a_record_says_what_to_know_of_the_images(tmp_path, capfd):
    words = [*WORDS.split(), "--epochs=1", "--note", "drawn anew", "--quiet"]
    assert main([*words, f"--record={tmp_path}/run.json"]) == 0
    title = "scikit-learn digits (stand-in for MNIST) (drawn anew)"
    assert capfd.readouterr().out.startswith(f"{title}: test accuracy")
    run = recorded("run", tmp_path)
    assert run.title == title
    assert run.command.endswith("--no-bf16 --epochs=1")


def test_the_command_line_goes_on(tmp_path, capfd, monkeypatch):
    words = [*WORDS.split(), "--quiet", f"--checkpoint={tmp_path}/a.pt", "--resume"]
    words.append(f"--record={tmp_path}/run.json")
    start = recipes.fit

    def interrupted(*args, **settings):
        def stop(history):
            if len(history.rows) == 2:
                raise KeyboardInterrupt

        return start(*args, **{**settings, "on_epoch": stop})

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "fit", interrupted)
        with pytest.raises(SystemExit) as caught:
            main(words)
    assert caught.value.code == 130
    assert "Stopped in epoch 2" in capfd.readouterr().err
    assert json.loads((tmp_path / "run.json").read_text())["finished"] is False
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert (out.count("\n"), err) == (1, "")
    record = json.loads((tmp_path / "run.json").read_text())
    assert [row["epoch"] for row in record["epochs"]] == [1, 2]
    assert record["finished"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("resnet20 --device cpu --folder {}", r"--data shapes, or --folder"),
        (f"{WORDS} --record {{}}", "is a folder; name a file in it"),
        (f"{WORDS} --checkpoint {{}}", "is a folder; name a file in it"),
        ("resnet20 --data digits --device cpu", r"takes \(N, 3, H, W\)"),
        (f"{WORDS} --learning-rate=-1", "learning_rate above 0"),
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
        ("resnet21", "depth must be 6n + 2"),
        ("vgg16", "no network 'vgg16'; there are resnetD"),
        ("--epochs=0", "a whole number from 1, not 0"),
        ("--threads=0", "a whole number from 1, not 0"),
        ("--device=gpu", "gpu: "),
        ("--resume", "--resume needs --checkpoint FILE"),
        ("--recipe=slow", "invalid choice: 'slow'"),
    ],
)
def test_a_command_line_that_makes_no_sense(words, message, capfd):
    with pytest.raises(SystemExit) as caught:
        main([words])
    assert caught.value.code == 2
    assert message in capfd.readouterr().err


def test_the_command_line_needs_no_jupyter():
    code = (
        "import sys; from helpers.training.__main__ import main\n"
        f"main('{WORDS} --epochs 1 --quiet'.split())\n"
        "print([m for m in ('IPython', 'ipywidgets', 'matplotlib', 'jupyter_client')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_package_names_what_is_for_everyone():
    assert sorted(training.__all__) == sorted(set(training.__all__))
    assert all(hasattr(training, name) for name in training.__all__)
