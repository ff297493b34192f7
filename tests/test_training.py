"""The training loop, its history, its checkpoints, and what it says when it stops."""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import weakref
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, lr_scheduler

mpl.use("Agg")

import matplotlib.pyplot as plt
from training_child import EPOCHS, Shuffled, build, same, train

from helpers import training
from helpers.training import (
    CheckpointError,
    History,
    Row,
    TrainingDivergedError,
    divide_at,
    evaluate,
    fit,
    restore,
)
from tools import warm

ROOT = Path(__file__).parents[1]
CHILD = Path(__file__).with_name("training_child.py")


def toy(n=100, size=32):
    """Batches of a problem that a small network learns; the last one is smaller."""
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(n, 1, 8, 8, generator=generator)
    labels = (images[:, 0, :4].sum((1, 2)) > 0).long()
    return [(images[i : i + size], labels[i : i + size]) for i in range(0, n, size)]


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 2),
    )


def quiet(network, batches, *others, **settings):
    return fit(network, batches, *others, **{"progress": False, **settings})


# --- The loop -------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 3])
def test_labels_that_are_no_classes_have_no_accuracy(outputs):
    batches = [(torch.randn(8, 5), torch.rand(8, outputs)) for _ in range(2)]
    network, loss = nn.Linear(5, outputs), nn.MSELoss()
    row = quiet(network, batches, batches, epochs=2.0, loss=loss).rows[-1]
    assert row.train_loss < 10
    assert row.train_accuracy != row.train_accuracy  # not a number


def test_it_learns():
    network = small()
    history = quiet(network, toy(), toy(), epochs=8)
    assert [row.epoch for row in history.rows] == list(range(1, 9))
    assert history.rows[-1].test_accuracy > 0.95
    assert history.rows[-1].train_loss < 0.5 * history.rows[0].train_loss
    assert all(row.seconds > 0 < row.images_per_second for row in history.rows)
    assert evaluate(network, toy()) == history.rows[-1][3:5]


def test_it_is_the_loop_that_one_writes():
    by_hand = small()
    optimizer = SGD(by_hand.parameters(), lr=0.05, momentum=0.9)
    by_hand.train()
    losses = []
    for _ in range(3):
        for images, labels in toy():
            loss = cross_entropy(by_hand(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item() * len(labels))
    network = small()
    history = quiet(network, toy(), epochs=3)
    assert same(network.state_dict(), by_hand.state_dict())
    assert history.rows[-1].train_loss == pytest.approx(sum(losses[-4:]) / 100)


@pytest.mark.parametrize("clip", [0.05, 1e9])
def test_clipping_is_pytorchs(clip):
    by_hand, network = small(), small()
    optimizer = SGD(by_hand.parameters(), lr=0.1)
    for images, labels in toy():
        cross_entropy(by_hand(images), labels, label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(by_hand.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
    settings = {"clip": clip, "label_smoothing": 0.1, "epochs": 1}
    quiet(network, toy(), optimizer=lambda p: SGD(p, lr=0.1), **settings)
    assert same(network.state_dict(), by_hand.state_dict())


def test_the_same_seed_gives_the_same_weights():
    def weights():
        network, batches = build(), Shuffled()
        quiet(network, batches, epochs=2)
        return network.state_dict()

    assert same(weights(), weights())


def test_the_loader_is_told_the_epoch_from_0():
    batches, told = Shuffled(), []
    batches.set_epoch = told.append
    quiet(build(), batches, epochs=3)
    assert told == [0, 1, 2]


@pytest.mark.parametrize("amp", ["auto", None, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_other_ways_to_compute_learn_too(amp, channels_last):
    network = small()
    settings = {"amp": amp, "channels_last": channels_last}
    history = quiet(network, toy(), toy(), epochs=5, **settings)
    assert history.best.test_accuracy > 0.9
    assert network[0].weight.dtype == torch.float32


def test_a_network_with_several_outputs_and_its_loss():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()
            self.aux = nn.Linear(64, 2)

        def forward(self, x):
            scores = self.body(x)
            return (scores, self.aux(x.flatten(1))) if self.training else scores

    def loss(output, labels):
        if isinstance(output, tuple):
            return sum(cross_entropy(scores, labels) for scores in output)
        return cross_entropy(output, labels)

    torch.manual_seed(0)
    history = quiet(Two(), toy(), toy(), epochs=5, loss=loss)
    assert history.best.test_accuracy > 0.9


# --- Schedules and optimizers ---------------------------------------------------------


def test_divide_at():
    assert [divide_at(2, 4)(e) for e in range(6)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    assert divide_at(1, by=2)(1) == 0.5
    assert divide_at()(9) == 1


def test_a_schedule_sets_the_rate_of_each_epoch():
    history = quiet(small(), toy(), epochs=4, schedule=divide_at(1, 3))
    rates = [row.learning_rate for row in history.rows]
    assert rates == pytest.approx([0.05, 0.005, 0.005, 0.0005])


SCHEDULERS = {
    "steps": lambda o: lr_scheduler.MultiStepLR(o, [2, 4]),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 6),
    "cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=8),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "warm-up": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [2]
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_pytorchs_schedulers_go_on_too(name, tmp_path):
    def run(epochs, **settings):
        network = small()
        optimizer = Adam(network.parameters(), lr=0.01)
        schedule = SCHEDULERS[name](optimizer)
        settings |= {"optimizer": optimizer, "schedule": schedule, "epochs": epochs}
        history = quiet(network, toy(), toy(), **settings)
        return network.state_dict(), [row.learning_rate for row in history.rows]

    whole, rates = run(6)
    assert len(set(rates)) > 1
    run(3, checkpoint=tmp_path / "a.pt")
    weights, resumed = run(6, checkpoint=tmp_path / "a.pt", resume=True)
    assert resumed == rates
    assert same(weights, whole)


def test_an_optimizer_class_will_do():
    history = quiet(small(), toy(), epochs=1, optimizer=Adam)
    assert history.rows[0].learning_rate == 0.001


def test_an_optimizer_or_a_scheduler_of_another_network():
    other = SGD(small().parameters(), lr=0.1)
    with pytest.raises(ValueError, match="build its optimizer anew"):
        quiet(small(), toy(), optimizer=other)
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        quiet(small(), toy(), schedule=lr_scheduler.StepLR(other, 1))


# --- Evaluation -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 64, 33, 7])
def test_every_image_counts_the_same(size):
    network = small()
    images, labels = toy(size=100)[0]
    with torch.no_grad():
        scores = network.eval()(images)
    network.train()
    loss, accuracy = evaluate(network, toy(size=size))
    assert loss == pytest.approx(cross_entropy(scores.double(), labels).item(), 1e-6)
    assert accuracy == (scores.argmax(1) == labels).sum().item() / 100


def test_evaluation_leaves_the_network_as_it_was():
    network = small()
    network.train()
    network[2].eval()  # frozen on purpose
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(network, toy())
    assert same(network.state_dict(), before)
    assert [module.training for module in network] == [True, True, False, True, True]
    assert network.training
    assert all(p.grad is None for p in network.parameters())


def test_evaluation_reads_nothing_on_the_way(monkeypatch):
    """A read in each batch would let a GPU wait; of labels known beforehand, once."""
    batches = Shuffled(size=4)
    reads = []
    item = torch.Tensor.item
    monkeypatch.setattr(
        torch.Tensor, "item", lambda self: reads.append(1) or item(self)
    )
    evaluate(build(), batches)
    assert len(reads) <= 4


# --- History --------------------------------------------------------------------------


ROWS = [
    Row(1, 2.25, 0.25, 2.0, 0.3125, 0.05, 12.34, 4000.4),
    Row(2, 1.1, 0.5, 1.0, 0.75, 0.05, 1.0, 50000.0),
    Row(3, 0.7, 1.0, 1.5, 0.625, 0.005, 1.0, 50000.0),
]


def test_the_table_of_a_history():
    assert History(ROWS[:2]).table() == (
        "epoch  train loss    acc  test loss    acc    lr     s  images/s\n"
        "    1      2.2500  25.0%     2.0000  31.2%  0.05  12.3     4,000\n"
        "    2      1.1000  50.0%     1.0000  75.0%  0.05   1.0    50,000"
    )
    untested = History([ROWS[0]._replace(test_loss=None, test_accuracy=None)])
    assert untested.table().splitlines()[1].split()[3:5] == ["–", "–"]


def test_the_best_epoch():
    assert History(ROWS).best == ROWS[1]
    untested = [r._replace(test_loss=None, test_accuracy=None) for r in ROWS]
    assert History(untested).best == untested[2]
    with pytest.raises(ValueError, match="no epoch is finished"):
        _ = History().best


def test_a_history_as_json():
    history = quiet(small(), toy(), toy(), epochs=2)
    assert History.from_json(history.to_json()) == history
    assert json.loads(history.to_json())[1]["epoch"] == 2


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: (mime bundle, first or updated)."""
    import IPython
    import IPython.display

    bundles = []

    def display(bundle, raw, display_id=None):
        bundles.append((bundle, "first"))
        return SimpleNamespace(update=lambda b, raw: bundles.append((b, "updated")))

    plt.close(plt.figure())  # Matplotlib asks for the shell, once
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", display)
    return bundles


def test_a_plot_has_an_alternative_text(shown):
    History(ROWS).plot(alt="the loss falls", title="digits, a stand-in")
    assert shown[0][0]["text/plain"] == "the loss falls"
    assert 'alt="the loss falls"' in shown[0][0]["text/html"]


def test_a_live_plot_is_one_figure(shown):
    quiet(small(), toy(), epochs=3, live=True)
    assert [how for _, how in shown] == ["first", "updated", "updated"]


def test_a_live_plot_outside_a_notebook_is_none(capfd):
    quiet(small(), toy(), epochs=1, live=True)
    assert capfd.readouterr() == ("", "")


# --- What is printed ------------------------------------------------------------------


def test_the_bar_goes_to_stderr(capfd):
    fit(small(), toy(), epochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 2/2" in err
    for part in ("8/8", "loss 0.", "accuracy", "images/s"):
        assert part in err


def test_quiet_is_quiet(capfd, tmp_path):
    for epochs in (1, 2, 2):
        settings = {"checkpoint": tmp_path / "a.pt", "resume": True}
        quiet(small(), toy(), toy(), epochs=epochs, **settings)
    assert capfd.readouterr() == ("", "")


def test_on_epoch_is_called_with_the_history():
    seen = []
    quiet(small(), toy(), epochs=2, on_epoch=lambda h: seen.append(len(h.rows)))
    assert seen == [1, 2]


# --- Going on -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing stopped: weights and history."""
    network, history = train(tmp_path_factory.mktemp("whole"))
    return network.state_dict(), history


@pytest.mark.parametrize("stops", [[1], [4], [11], [2, 3, 8]])
def test_a_run_goes_on_as_if_it_had_not_stopped(stops, whole, tmp_path):
    for epochs in [*stops, EPOCHS]:
        torch.randn(7)  # the numbers that another program draws in between
        network, history = train(tmp_path, epochs)
        assert len(history.rows) == epochs
    assert same(network.state_dict(), whole[0])
    assert [r[:6] for r in history.rows] == [r[:6] for r in whole[1].rows]
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_a_callback_that_draws_random_numbers_does_not_disturb(tmp_path):
    def draw(history):
        torch.rand(3)

    straight, _ = train(tmp_path / "a", 4, on_epoch=draw)
    train(tmp_path / "b", 2, on_epoch=draw)
    resumed, _ = train(tmp_path / "b", 4, on_epoch=draw)
    assert same(straight.state_dict(), resumed.state_dict())


def test_a_data_loader_with_its_own_generator(tmp_path):
    images, labels = toy(size=100)[0]

    def run(epochs, **settings):
        network = small()
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(images, labels),
            batch_size=16,
            shuffle=True,
            generator=torch.Generator().manual_seed(4),
        )
        quiet(network, loader, epochs=epochs, **settings)
        return network.state_dict()

    run(2, checkpoint=tmp_path / "a.pt")
    resumed = run(4, checkpoint=tmp_path / "a.pt", resume=True)
    assert same(run(4), resumed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_at_any_moment_changes_nothing(tmp_path):
    done = subprocess.run(
        [*warm.python(), CHILD, tmp_path, "20"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["same"] == [True] * 20
    assert len(set(report["epochs"])) > 3, "the moments were not spread"


@pytest.mark.parametrize("moment", ["in the middle", "before", "after"])
def test_a_save_that_is_cut_short(moment, whole, tmp_path, monkeypatch):
    """As if killed at the three moments of the fifth save."""
    saves = []
    save, replace = torch.save, os.replace

    def cut_save(state, file):
        saves.append(1)
        if len(saves) == 5 and moment == "in the middle":
            file.write(b"PK\x03\x04 half a checkpoint")
            raise SystemExit
        save(state, file)

    def cut_replace(source, target):
        if len(saves) == 5 and moment == "before":
            raise SystemExit
        replace(source, target)
        if len(saves) == 5:
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", cut_save)
        patch.setattr(os, "replace", cut_replace)
        with pytest.raises(SystemExit):
            train(tmp_path)
    left = restore(build(), tmp_path / "run.pt")
    assert len(left.rows) == (5 if moment == "after" else 4)
    network, _ = train(tmp_path)
    assert same(network.state_dict(), whole[0])


class Stopped(Shuffled):
    """Ctrl+C in the fourth batch of an epoch, once."""

    at = None

    def __iter__(self):
        for step, batch in enumerate(super().__iter__()):
            if self.epoch == self.at and step == 3:
                self.at = None
                signal.raise_signal(signal.SIGINT)
            yield batch


@pytest.fixture
def stopped_run():
    """A run that Ctrl+C stops in epoch ``at``, counted from 0."""

    def run(at, **settings):
        network, batches = build(), Stopped()
        batches.at = at
        settings = {"schedule": divide_at(4, 8), "epochs": EPOCHS, **settings}
        return network, quiet(network, batches, batches, **settings)

    return run


def test_ctrl_c_leaves_the_last_epoch(stopped_run, whole, tmp_path, capfd):
    path = tmp_path / "run.pt"
    network, history = stopped_run(5, checkpoint=path)
    assert [row[:6] for row in history.rows] == [row[:6] for row in whole[1].rows[:5]]
    message = capfd.readouterr().err
    assert message.startswith("Stopped in epoch 6. The network is as after epoch 5")
    assert "resume=True" in message
    assert str(path) in message
    assert same(network.state_dict(), torch.load(path)["network"])
    network, _ = train(tmp_path)
    assert same(network.state_dict(), whole[0])


def test_ctrl_c_in_the_first_epoch(stopped_run, tmp_path, capfd):
    path = tmp_path / "run.pt"
    for _ in range(2):  # the second time with a file of an older run
        _, history = stopped_run(0, checkpoint=path)
        assert history.rows == []
        assert "Nothing is saved yet" in capfd.readouterr().err
        quiet(build(), Shuffled(), epochs=1, checkpoint=path)
    assert len(restore(build(), path).rows) == 1


def test_ctrl_c_without_a_checkpoint(stopped_run, capfd):
    _, history = stopped_run(2)
    assert len(history.rows) == 2
    assert "With checkpoint=PATH" in capfd.readouterr().err


def test_the_same_objects_go_on_after_ctrl_c(whole, tmp_path):
    """As when the notebook's cell is run again, but not the one that built them."""
    network, batches = build(), Stopped()
    optimizer = SGD(network.parameters(), lr=0.05, momentum=0.9)
    for batches.at in (6, 9, None):
        history = quiet(
            network,
            batches,
            batches,
            epochs=EPOCHS,
            optimizer=optimizer,
            schedule=divide_at(4, 8),
            checkpoint=tmp_path / "a.pt",
            resume=True,
        )
    assert len(history.rows) == EPOCHS
    assert same(network.state_dict(), whole[0])


def test_without_a_file_it_starts_anew_and_says_so(tmp_path, capfd):
    path = tmp_path / "new" / "run.pt"
    fit(small(), toy(), epochs=1, checkpoint=path, resume=True)
    assert f"No checkpoint at {path} yet: starting anew." in capfd.readouterr().err
    assert path.exists()


def test_a_finished_run_only_loads(tmp_path, capfd):
    path = tmp_path / "run.pt"
    first, again = small(), small(seed=1)
    quiet(first, toy(), epochs=2, checkpoint=path)
    before = path.read_bytes()
    history = fit(again, toy(), epochs=2, checkpoint=path, resume=True)
    assert "holds 2 finished epochs, 2 were asked for" in capfd.readouterr().err
    assert len(history.rows) == 2
    assert same(first.state_dict(), again.state_dict())
    assert path.read_bytes() == before


# --- Checkpoints that do not fit ------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.pt"
    quiet(small(), toy(), epochs=2, checkpoint=path)
    return path


def refused(path, network=None, batches=None, **settings):
    """The message of the error; neither network nor file is touched."""
    network = small(seed=5) if network is None else network
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    before = path.read_bytes()
    settings = {"checkpoint": path, "resume": True, "epochs": 4, **settings}
    with pytest.raises(CheckpointError) as caught:
        quiet(network, batches or toy(), **settings)
    assert same(network.state_dict(), weights)
    assert path.read_bytes() == before
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_a_part_of_a_checkpoint(part, saved):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(part * len(data))])
    assert "no checkpoint, or only a part of one" in refused(saved)


def test_one_bit_that_changed(saved):
    data = bytearray(saved.read_bytes())
    at = data.index(small_weights(saved))
    data[at + 5] ^= 1
    saved.write_bytes(data)
    assert "no checkpoint, or only a part of one" in refused(saved)


def small_weights(path):
    """The bytes of the first parameter, as they lie in the file."""
    return torch.load(path)["network"]["0.weight"].numpy().tobytes()


def test_files_of_others(saved):
    torch.save(small().state_dict(), saved)
    assert "holds weights only" in refused(saved)
    torch.save(small(), saved)
    assert "could run code" in refused(saved)
    saved.write_bytes(pickle.dumps({"format": training.FORMAT}))
    assert "no checkpoint" in refused(saved)
    saved.write_text("a text")
    assert "no checkpoint" in refused(saved)


def test_nothing_in_a_checkpoint_is_run(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"format": training.FORMAT, "network": Trap()}, saved)
    refused(saved)
    assert not (tmp_path / "sprung").exists()


def test_another_network(saved):
    wide = small()
    wide[4] = nn.Linear(144, 3)
    message = refused(saved, wide)
    assert "there 4.weight (2, 144), here 4.weight (3, 144)" in message
    deep = nn.Sequential(*small(), nn.Linear(2, 2))
    assert "there nothing more, here 5.weight (2, 2)" in refused(saved, deep)
    sigmoid = small()
    sigmoid[2] = nn.Sigmoid()
    assert "layers there (2): ReLU(), here (2): Sigmoid()" in refused(saved, sigmoid)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": Adam}, "optimizer there SGD, here Adam"),
        (
            {"optimizer": lambda p: SGD(p, lr=0.1, momentum=0.9)},
            "optimizer's lr there 0.05, here 0.1",
        ),
        ({"schedule": divide_at(1)}, "schedule there NoneType, here LambdaLR"),
        ({"clip": 1.0}, "clip there None, here 1.0"),
        ({"label_smoothing": 0.1}, "label_smoothing there 0.0, here 0.1"),
        ({"batches": toy(size=10)}, "data there batches 4, here batches 10"),
        ({"loss": nn.CrossEntropyLoss()}, "loss there cross_entropy, here Cross"),
    ],
)
def test_other_settings(settings, message, saved):
    assert message in refused(saved, **settings)


def test_another_schedule(saved):
    quiet(small(), toy(), epochs=3, checkpoint=saved, schedule=divide_at(2))
    message = refused(saved, schedule=divide_at(1))
    assert "learning rate of epoch 2 there 0.05, here 0.005" in message


def test_an_address_in_memory_is_no_setting(tmp_path):
    def run(epochs):
        settings = {"loss": partial(cross_entropy), "epochs": epochs}
        return quiet(small(), toy(), checkpoint=path, resume=True, **settings)

    path = tmp_path / "run.pt"
    run(1)
    described = torch.load(path)["settings"].values()
    assert not any(" at 0x" in text for text in described)
    assert len(run(2).rows) == 2


def test_the_first_loss_is_the_first_of_all_runs(saved):
    first = torch.load(saved)["first_loss"]
    quiet(small(), toy(), epochs=3, checkpoint=saved, resume=True)
    assert torch.load(saved)["first_loss"] == first


def test_weights_alone_can_be_restored(saved):
    network = small(seed=8)
    assert len(restore(network, saved).rows) == 2
    assert same(network.state_dict(), torch.load(saved)["network"])
    with pytest.raises(CheckpointError, match="another network"):
        restore(nn.Linear(2, 2), saved)
    with pytest.raises(FileNotFoundError):
        restore(network, saved.with_name("none.pt"))


def test_a_checkpoint_that_cannot_be_written(saved, monkeypatch):
    before = saved.read_bytes()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        quiet(small(), toy(), checkpoint=saved.parent)

    def full(state, file):
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="is untouched; is the disk full"):
        quiet(small(), toy(), checkpoint=saved)
    assert saved.read_bytes() == before


def test_a_state_that_could_not_be_read_back_is_not_written(saved):
    before = saved.read_bytes()
    network = small()
    optimizer = SGD(network.parameters(), lr=0.05)
    schedule = lr_scheduler.StepLR(optimizer, 1)
    schedule.mine = Path("not plain")
    settings = {"optimizer": optimizer, "schedule": schedule, "checkpoint": saved}
    with pytest.raises(OSError, match="more than tensors and numbers"):
        quiet(network, toy(), **settings)
    assert saved.read_bytes() == before


# --- Guards ---------------------------------------------------------------------------


def batch(images=(8, 1, 8, 8), labels=8, fill=0):
    return [(torch.randn(*images), torch.full((labels,), fill))]


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (batch(fill=2), r"label 2 is outside 0…1: .* 2 scores"),
        (batch(fill=-1), r"label -1 is outside 0…1"),
        (batch(fill=0.0), r"int64, of shape \(N,\), not torch.float32 .*labels.long"),
        ([(torch.randn(8, 1, 8, 8), torch.zeros(8, 2).long())], r"shape \(8, 2\)"),
        (batch(labels=7), "8 images, but 7 labels"),
        (
            batch((8, 8, 8)),
            r"'0', Conv2d\(1, 4.*takes \(N, 1, H, W\), but gets \(8, 8, 8\); add the "
            r"channel axis: images.unsqueeze\(1\)",
        ),
        (batch((8, 3, 8, 8)), r"takes \(N, 1, H, W\), but gets \(8, 3, 8, 8\); build"),
        (batch((8, 8, 8, 1)), r"gets \(8, 8, 8, 1\); put the channels first"),
        (batch((8, 1, 9, 9)), r"'4', Linear.*takes 144 values .* in_features=196"),
        ([(torch.ones(8, 1, 8, 8).byte(), torch.zeros(8).long())], "divided by 255"),
        ([(torch.ones(8, 1, 8, 8).double(), torch.zeros(8).long())], "float64"),
        ([(torch.full((8, 1, 8, 8), math.nan), torch.zeros(8).long())], "deviation"),
        ([], "loader is empty"),
    ],
)
def test_batches_that_do_not_fit(batches, message):
    network = small()
    parameters = [p.detach().clone() for p in network.parameters()]
    with pytest.raises(ValueError, match=message):
        quiet(network, batches)
    assert all(torch.equal(a, b) for a, b in zip(parameters, network.parameters()))
    with pytest.raises(ValueError, match=message):
        evaluate(network, batches)


def test_a_wrong_label_in_a_later_batch():
    with pytest.raises(ValueError, match="label 9 is outside 0…1"):
        quiet(small(), [*toy(), *batch(fill=9)])


def test_a_wrong_label_anywhere_stops_the_first_step_where_all_are_known():
    batches, network = Shuffled(), build()
    before = network[5].weight.detach().clone()
    batches.labels[-1] = 3
    with pytest.raises(ValueError, match="label 3 is outside 0…2"):
        quiet(network, batches)
    assert torch.equal(network[5].weight, before)
    batches.labels = batches.labels[:-1]
    with pytest.raises(ValueError, match="192 images, but 191 labels"):
        quiet(network, batches)
    with pytest.raises(ValueError, match="192 images, but 191 labels"):
        quiet(network, toy(), batches)  # the test set too, before it learns


def test_a_loader_that_can_be_read_only_once():
    class Once(list):
        def __iter__(self):
            while list.__len__(self):
                yield self.pop(0)

        def __len__(self):
            return 4

    with pytest.raises(ValueError, match="no batch came out"):
        quiet(small(), Once(toy()), epochs=2)


def test_a_network_that_adds_the_channel_itself():
    network = nn.Sequential(nn.Unflatten(1, (1, 8)), small())
    batches = [(images[:, 0], labels) for images, labels in toy()]
    assert len(quiet(network, batches, epochs=1).rows) == 1


def test_scores_that_are_maps():
    with pytest.raises(ValueError, match=r"shape \(8, 2, 6, 6\) for 8 images"):
        quiet(nn.Conv2d(1, 2, 3), batch())


def test_nothing_to_learn():
    with pytest.raises(ValueError, match="requires_grad_"):
        quiet(small().requires_grad_(False), toy())
    with pytest.raises(ValueError, match="no parameter of the network can learn"):
        quiet(nn.Flatten(), toy())

    class Cut(nn.Sequential):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(ValueError, match="look for no_grad, detach"):
        quiet(Cut(small()), toy())


def test_a_network_on_another_device():
    with pytest.raises(ValueError, match=r"on cpu, the network on meta; .*to\('cpu'\)"):
        quiet(small().to("meta"), toy())


def test_settings_that_make_no_sense(tmp_path):
    with pytest.raises(ValueError, match="whole number from 0, not -1"):
        quiet(small(), toy(), epochs=-1)
    with pytest.raises(ValueError, match="pass checkpoint=PATH"):
        quiet(small(), toy(), resume=True)
    with pytest.raises(ValueError, match="label_smoothing is for the default loss"):
        quiet(small(), toy(), label_smoothing=0.1, loss=lambda a, b: a.sum())
    with pytest.raises(ValueError, match="amp must be"):
        quiet(small(), toy(), amp="fp8")
    assert quiet(small(), toy(), epochs=0).rows == []


class From(list):
    """Batches whose images are multiplied from an epoch on."""

    factor, start = math.inf, 2

    def set_epoch(self, epoch):
        self.now = epoch

    def __iter__(self):
        for step, (images, labels) in enumerate(super().__iter__(), 1):
            late = self.now >= self.start and step == 3
            yield images * (self.factor if late else 1), labels


@pytest.mark.parametrize(
    ("factor", "loss"), [(math.nan, "nan"), (math.inf, "nan"), (1e6, r"\d")]
)
def test_a_loss_that_explodes(factor, loss, tmp_path):
    path = tmp_path / "run.pt"
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    batches = From(toy())
    batches.factor = factor
    with pytest.raises(TrainingDivergedError) as caught:
        quiet(network, batches, epochs=5, checkpoint=path)
    message = str(caught.value)
    assert "at step 3 of epoch 3" in message
    for advice in ("learning rate ten times lower", "clip=1.0", "normalised"):
        assert advice in message
    assert len(restore(network, path).rows) == 2
    assert all(p.isfinite().all() for p in network.parameters())


def test_a_learning_rate_that_is_too_high():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    with pytest.raises(TrainingDivergedError, match="from 0"):
        quiet(network, toy(), epochs=99, optimizer=lambda p: SGD(p, lr=1e9))


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize(("size", "advice"), [(32, "batch_size=16"), (1, "smaller")])
def test_out_of_memory(problem, size, advice):
    class Greedy(nn.Linear):
        def forward(self, x):
            raise problem

    network = nn.Sequential(nn.Flatten(), Greedy(64, 2))
    for use in (quiet, evaluate):
        with pytest.raises(MemoryError, match=f"of {size} images .*{advice}"):
            use(network, toy(size=size))


def test_out_of_memory_indeed():
    class Greedy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.empty(2**55, dtype=torch.uint8)

    with pytest.raises(MemoryError, match="try batch_size=16"):
        quiet(nn.Sequential(nn.Flatten(), Greedy(64, 2)), toy())


def test_what_did_not_fit_is_let_go():
    """A notebook keeps the error, and with it what its frames hold."""
    held = []

    class Greedy(nn.Linear):
        def forward(self, x):
            scores = super().forward(x)
            held.append(weakref.ref(scores))
            raise MemoryError

    with pytest.raises(MemoryError) as caught:
        quiet(nn.Sequential(nn.Flatten(), Greedy(64, 2)), toy())
    assert caught.value.__context__ is not None
    assert held[0]() is None


def test_another_error_is_left_as_it_is():
    class Broken(nn.Linear):
        def forward(self, x):
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match=r"^something else$"):
        quiet(nn.Sequential(nn.Flatten(), Broken(64, 2)), toy())


def test_a_server_without_jupyter_can_train():
    code = (
        "import sys, torch, helpers.training as t\n"
        "x = [(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))]\n"
        "t.fit(torch.nn.Linear(3, 2), x, epochs=1, live=True)\n"
        "print([m for m in ('IPython', 'ipywidgets', 'matplotlib', 'jupyter_client',"
        " 'notebook', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr
