"""The training loop, its history, its checkpoints, and what it says when it stops."""

import json
import math
import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, lr_scheduler

mpl.use("Agg")

from helpers.data import Batches
from helpers.training import (
    CheckpointError,
    History,
    Options,
    Row,
    TrainingDivergedError,
    divide_at,
    evaluate,
    fit,
    restore,
    triangle,
)
from helpers.training.checkpoints import FORMAT
from tests.training_child import EPOCHS, Shuffled, build, same, train

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


NAMES = Options.__dataclass_fields__


def quiet(network, batches, test=None, **settings):
    """Fit without a bar; options by their names, like the other settings."""
    options = Options(**{k: settings.pop(k) for k in NAMES if k in settings})
    return fit(network, batches, test, options=options, progress=False, **settings)


# --- The loop -------------------------------------------------------------------------


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


def test_other_ways_to_compute_learn_too():
    network = small()
    history = quiet(network, toy(), toy(), epochs=5, bf16=True, channels_last=True)
    assert max(row.test_accuracy for row in history.rows) > 0.9
    assert network[0].weight.dtype == torch.float32


def test_clipping_and_smoothing_are_pytorchs():
    by_hand, network = small(), small()
    optimizer = SGD(by_hand.parameters(), lr=0.1)
    for images, labels in toy():
        cross_entropy(by_hand(images), labels, label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(by_hand.parameters(), 0.05)
        optimizer.step()
        optimizer.zero_grad()
    settings = {"clip": 0.05, "label_smoothing": 0.1, "epochs": 1}
    history = quiet(
        network, toy(), toy(), optimizer=lambda p: SGD(p, lr=0.1), **settings
    )
    assert same(network.state_dict(), by_hand.state_dict())
    assert history.rows[0][3:5] == evaluate(network, toy())  # not smoothed


# --- Schedules and optimizers ---------------------------------------------------------


def test_divide_at():
    assert [divide_at(2, 4)(e) for e in range(6)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    assert divide_at(1, by=2)(1) == 0.5
    assert divide_at()(9) == 1


def test_the_triangle():
    factor = triangle(2, 10, start=0.25)
    assert [factor(e) for e in (0, 1, 2, 6, 10, 11)] == pytest.approx(
        [0.25, 0.625, 1, 0.5, 0, 0]
    )
    for warm_up, epochs in ((0, 4), (4, 4)):
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


def test_the_schedule_is_asked_before_each_step():
    network = small()
    groups = [
        {"params": [network[4].weight]},
        {"params": [network[4].bias], "lr": 0.02},
    ]
    optimizer = Watched(groups, lr=0.1)
    schedule = lambda finished: 1 + finished  # noqa: E731
    history = quiet(network, toy(), epochs=2, optimizer=optimizer, schedule=schedule)
    for rates, step in zip(optimizer.rates, range(8), strict=True):
        assert rates == pytest.approx([0.1 * (1 + step / 4), 0.02 * (1 + step / 4)])
    assert [row.learning_rate for row in history.rows] == pytest.approx([0.1, 0.2])


def test_a_scheduler_of_pytorchs_is_no_function():
    network = small()
    optimizer = SGD(network.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="must be a function: epochs finished"):
        quiet(network, toy(), schedule=lr_scheduler.StepLR(optimizer, 1))


def test_an_optimizer_of_another_network():
    other = SGD(small().parameters(), lr=0.1)
    with pytest.raises(ValueError, match="build its optimizer anew"):
        quiet(small(), toy(), optimizer=other)


# --- Evaluation -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 33])
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


def test_a_history_as_json():
    history = quiet(small(), toy(), toy(), epochs=2)
    assert History.from_json(history.to_json()) == history
    assert json.loads(history.to_json())[1]["epoch"] == 2


def test_a_plot_has_an_alternative_text(capsys):
    History(ROWS).plot(alt="the loss falls", title="digits, a stand-in")
    assert capsys.readouterr().out == "the loss falls\n"


# --- What is printed ------------------------------------------------------------------


def test_the_bar_goes_to_stderr(capfd):
    fit(small(), toy(), epochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 2/2" in err
    for part in ("8/8", "loss=0.", "accuracy=0."):
        assert part in err


# --- Going on -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing stopped: weights and history."""
    network, history = train(tmp_path_factory.mktemp("whole"))
    return network.state_dict(), history


@pytest.mark.parametrize("stops", [[1], [2, 3, 8]])
def test_a_run_goes_on_as_if_it_had_not_stopped(stops, whole, tmp_path):
    for epochs in [*stops, EPOCHS]:
        torch.randn(7)  # the numbers that another program draws in between
        network, history = train(tmp_path, epochs)
        assert len(history.rows) == epochs
    assert same(network.state_dict(), whole[0])
    assert [r[:6] for r in history.rows] == [r[:6] for r in whole[1].rows]
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


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
        [sys.executable, CHILD, tmp_path, "6"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["same"] == [True] * 6
    assert report["left"] == [], "scratch files stay"
    assert len(set(report["epochs"])) > 2, "the moments were not spread"


class Fragile(SGD):
    """Its state cannot be saved the fifth time: as if the disk were full."""

    saves = 0

    def state_dict(self):
        self.saves += 1
        state = super().state_dict()
        if self.saves == 5:
            state["mine"] = Path("more than numbers")
        return state


def test_a_save_that_fails_leaves_the_one_before(whole, tmp_path):
    with pytest.raises(OSError, match="The one before, if any, is untouched"):
        train(tmp_path, optimizer=lambda p: Fragile(p, lr=0.05, momentum=0.9))
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    assert len(restore(build(), tmp_path / "run.pt").rows) == 4


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
        assert "Nothing is saved" in capfd.readouterr().err
        quiet(build(), Shuffled(), epochs=1, checkpoint=path)
    assert len(restore(build(), path).rows) == 1


def test_a_file_that_is_no_checkpoint_is_not_written_over(tmp_path):
    path = tmp_path / "run.pt"
    path.write_text("my notes")
    for resume in (False, True):
        with pytest.raises(CheckpointError, match=r"no checkpoint.*another path"):
            quiet(small(), toy(), epochs=1, checkpoint=path, resume=resume)
    assert path.read_text() == "my notes"
    path.write_text("")  # as mktemp leaves one
    quiet(small(), toy(), epochs=1, checkpoint=path)
    assert len(restore(small(), path).rows) == 1


@pytest.mark.skipif(os.name == "nt", reason="has other devices")
def test_a_device_a_pipe_or_a_circle_of_links_is_no_place_for_a_checkpoint(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "null").symlink_to(os.devnull)
    for name in ("pipe", "circle", "null"):
        path = tmp_path / name
        before = path.lstat().st_ino
        for resume in (False, True):
            with pytest.raises(OSError, match=f"{name} is no regular file; name"):
                quiet(small(), toy(), epochs=1, checkpoint=path, resume=resume)
        with pytest.raises(OSError, match="no regular file"):
            restore(small(), path)
        assert path.lstat().st_ino == before
    assert Path(os.devnull).is_char_device()


def test_a_link_stays_and_leads_to_the_checkpoint(tmp_path):
    link, place = tmp_path / "run.pt", tmp_path / "other" / "disk.pt"
    try:
        link.symlink_to(place)
    except OSError:
        pytest.skip("no links here")
    for epochs in (1, 2):
        quiet(small(), toy(), epochs=epochs, checkpoint=link, resume=True)
        assert link.is_symlink()
        assert [path.name for path in place.parent.iterdir()] == ["disk.pt"]
    assert len(restore(small(), place).rows) == 2


def test_two_runs_do_not_write_one_checkpoint(tmp_path):
    path, told = tmp_path / "run.pt", []

    class Second(From):
        def set_epoch(self, epoch):
            super().set_epoch(epoch)
            (tmp_path / "run.pt.7.part").write_text("of the run that is writing")
            with pytest.raises(TimeoutError) as caught:
                quiet(small(), toy(), epochs=1, checkpoint=path)
            told.append(str(caught.value))
            assert (tmp_path / "run.pt.7.part").exists()

    quiet(small(), Second(toy()), epochs=1, checkpoint=path)
    assert told == [
        f"{path} is being written by another run; wait until it has ended, or name "
        "another file"
    ]
    quiet(small(), toy(), epochs=1, checkpoint=path)  # now it has
    assert [left.name for left in tmp_path.iterdir()] == ["run.pt"]


def test_other_images_are_another_run(tmp_path):
    settings = {"batch_size": 16, "seed": 0}
    images, labels = (torch.cat(parts) for parts in zip(*toy()))
    path = tmp_path / "run.pt"
    quiet(small(), Batches(images, labels, **settings), epochs=1, checkpoint=path)
    fewer = Batches(images[:64], labels[:64], **settings)
    assert "images, or batches there 100, here 64" in refused(path, batches=fewer)


def test_empty_tests_are_refused_at_once():
    with pytest.raises(ValueError, match="loader is empty"):
        quiet(small(), toy(), [])


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


def test_what_is_printed_about_a_checkpoint(tmp_path, capfd):
    path = tmp_path / "new" / "run.pt"
    options = Options(checkpoint=path, resume=True)
    first, again = small(), small(seed=1)
    fit(first, toy(), epochs=1, options=options)
    assert f"No checkpoint at {path} yet: starting anew." in capfd.readouterr().err
    before = path.read_bytes()
    fit(again, toy(), epochs=1, options=options)  # only loads
    assert "holds 1 finished epochs, 1 were asked for" in capfd.readouterr().err
    assert same(first.state_dict(), again.state_dict())
    assert path.read_bytes() == before
    quiet(again, toy(), epochs=2, checkpoint=path, resume=True)
    assert capfd.readouterr() == ("", "")
    assert len(restore(small(seed=8), path).rows) == 2
    with pytest.raises(CheckpointError, match="another network"):
        restore(nn.Linear(2, 2), path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        quiet(small(), toy(), checkpoint=path.parent)


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


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
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
    torch.save({"format": "helpers.training checkpoint 1"}, saved)
    assert "not written by this version of fit" in refused(saved)
    saved.write_text("a text")
    assert "no checkpoint" in refused(saved)


def test_nothing_in_a_checkpoint_is_run(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"format": FORMAT, "network": Trap()}, saved)
    assert "could run code" in refused(saved)
    assert not (tmp_path / "sprung").exists()


def test_another_network(saved):
    wide = small()
    wide[4] = nn.Linear(144, 3)
    message = refused(saved, wide)
    assert "shape of 4.weight there [2, 144], here [3, 144]" in message
    deep = nn.Sequential(*small(), nn.Linear(2, 2))
    assert "shape of 5.weight there none, here [2, 2]" in refused(saved, deep)
    leaky = small()
    leaky[2] = nn.LeakyReLU()
    message = refused(saved, leaky)
    assert "layer 2 there {'kind': 'ReLU()'" in message
    assert "here {'kind': 'LeakyReLU(negative_slope=0.01)'" in message


def altered(state, part, value):
    """A checkpoint's contents, changed at a place such as "optimizer state 0"."""
    *outer, last = [int(key) if key.isdecimal() else key for key in part.split()]
    for key in outer:
        state = state[key]
    if value is ...:
        del state[last]
    else:
        state[last] = value


HISTORY = History([Row(2, 1.0, 0.5, None, None, 0.05, 1.0, 1.0)] * 2).to_json()
OF_NO_USE = {
    **{name: (..., None, 3, "x", [], {}) for name in ("network", "settings")},
    "network 0.weight": ("x", None),
    "history": (..., None, 3, "", "{}", "[1]", '[{"epoch": 1}]', HISTORY),
    "optimizer": (..., None, 3, "x", [], {}),
    "optimizer param_groups": ([], None),
    "optimizer param_groups 0 params": ([0], ...),
    "optimizer param_groups 0 lr": ("x", ...),
    "optimizer param_groups 0 momentum": (0.5, "x", ...),
    "optimizer state 0 momentum_buffer": ("x", torch.zeros(7)),
    "torch": (..., None, torch.zeros(3), "x"),
    "cuda": (..., None, 3),
    "numpy": (..., None, (), ("MT19937", [1, 2], 0, 0, 0.0)),
    "python": (..., None, (3, (1, 2), None)),
    "loader": (..., 3, {"a": 1}),
}


@pytest.mark.parametrize("part", OF_NO_USE)
def test_wrong_contents_are_told_in_a_sentence(part, saved):
    good = saved.read_bytes()
    for value in OF_NO_USE[part]:
        saved.write_bytes(good)
        state = torch.load(saved)
        altered(state, part, value)
        torch.save(state, saved)
        network = small(seed=1)
        before = {name: kept.clone() for name, kept in network.state_dict().items()}
        message = refused(saved, network)
        assert "\n" not in message
        assert len(message) < 500
        assert same(network.state_dict(), before)
        if part in ("network", "history"):
            with pytest.raises(CheckpointError):
                restore(network, saved)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": Adam}, "optimizer there SGD, here Adam"),
        (
            {"optimizer": lambda p: SGD(p, lr=0.1, momentum=0.9)},
            "initial_lr of parameter group 1 there 0.05, here 0.1",
        ),
        ({"schedule": divide_at(1)}, "factor in epoch 2 there none, here 0.1"),
        ({"clip": 1.0}, "clip there None, here 1.0"),
        ({"label_smoothing": 0.1}, "label_smoothing there 0.0, here 0.1"),
        ({"batches": toy(size=10)}, "images, or batches there 4, here 10"),
    ],
)
def test_other_settings(settings, message, saved):
    assert message in refused(saved, **settings)


def test_a_checkpoint_of_the_first_release_goes_on(saved):
    state = torch.load(saved)
    state["settings"] |= {"loss": "cross_entropy", "bf16": True, "channels_last": False}
    torch.save(state, saved)
    history = quiet(small(), toy(), epochs=3, checkpoint=saved, resume=True)
    assert len(history.rows) == 3


def test_a_bf16_run_goes_on_where_bf16_is_missing(tmp_path):
    settings = {"checkpoint": tmp_path / "run.pt", "resume": True}
    quiet(small(), toy(), epochs=2, bf16=True, channels_last=True, **settings)
    history = quiet(small(), toy(), epochs=3, **settings)
    assert len(history.rows) == 3


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
            r"'0', Conv2d\(1, 4.*cannot take \(8, 8, 8\).*add the channel axis: "
            r"images.unsqueeze\(1\)",
        ),
        (batch((8, 3, 8, 8)), r"cannot take \(8, 3, 8, 8\).*as many in_channels"),
        (batch((8, 8, 8, 1)), r"cannot take \(8, 8, 8, 1\).*put the channels first"),
        (batch((8, 1, 9, 9)), r"'4', Linear\(in_features=144.*write in_features=196"),
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


def test_scores_that_are_maps():
    with pytest.raises(ValueError, match=r"shape \(8, 2, 6, 6\) for 8 images, not"):
        quiet(nn.Conv2d(1, 2, 3), batch())
    halves = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (2, 32)), nn.Flatten(0, 1))
    halves.append(nn.Linear(32, 2))
    with pytest.raises(ValueError, match=r"shape \(16, 2\) for 8 images, not"):
        quiet(halves, batch())


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


def test_settings_that_make_no_sense():
    with pytest.raises(ValueError, match="whole number from 0, not -1"):
        quiet(small(), toy(), epochs=-1)
    with pytest.raises(ValueError, match="from where: checkpoint=PATH"):
        quiet(small(), toy(), resume=True)
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


@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e6])
def test_a_loss_that_explodes(factor, tmp_path):
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
