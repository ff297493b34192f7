"""Training: the loop that the lessons write out, with what a long run needs.

`fit` adds checks of what goes into the network, a progress bar, a history, and
checkpoints that a run continues from as if it had never stopped. Needs no Jupyter: a
figure's libraries are imported when it is drawn.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import re
import sys
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.conv import _ConvNd
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau
from tqdm import tqdm

FORMAT = "helpers.training checkpoint 1"
EXPLODED = 1e4  # times the first loss, or times 1 where that was smaller
# Of a scheduler's state: what changes on the way, and is no setting.
PROGRESS = {"last_epoch", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i"}
EMPTY = (
    "the loader is empty: no batch came out of it. Look at the number of images, and "
    "at drop_last with a batch size above it"
)
READ_EVERY = 50  # steps; reading a loss makes the processor wait for the GPU


class Scores(NamedTuple):
    """Means over all images: the loss, and the part classified correctly (0 to 1)."""

    loss: float
    accuracy: float


class Row(NamedTuple):
    """One epoch: means over it while learning, over the test set after it.

    ``seconds`` is the whole epoch, the test included; ``images_per_second`` counts
    images learned from, in the time that took. The learning rate is that of the
    optimizer's first group. Epochs count from 1.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float | None
    learning_rate: float
    seconds: float
    images_per_second: float


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or belongs to another run."""


class TrainingDivergedError(RuntimeError):
    """The loss is infinite, not a number, or far above where it began."""


@dataclass
class History:
    """What happened in each epoch."""

    rows: list[Row] = field(default_factory=list)

    @property
    def best(self) -> Row:
        """The row of highest test accuracy; of train accuracy without a test set."""
        if not self.rows:
            raise ValueError("no epoch is finished yet, so none is the best")
        tested = [row for row in self.rows if row.test_accuracy is not None]
        if tested:
            return max(tested, key=lambda row: row.test_accuracy)
        return max(self.rows, key=lambda row: row.train_accuracy)

    def table(self) -> str:
        """All rows as plain text, in columns."""
        titles = "epoch", "train loss", "acc", "test loss", "acc", "lr", "s", "images/s"
        formats = "d", ".4f", ".1%", ".4f", ".1%", ".3g", ".1f", ",.0f"
        lines = [
            [
                "–" if value is None else format(value, f)
                for value, f in zip(row, formats)
            ]
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(titles, *lines)]
        return "\n".join(
            "  ".join(text.rjust(width) for text, width in zip(line, widths))
            for line in (titles, *lines)
        )

    def to_json(self) -> str:
        """Write all rows; `from_json` reads them back, digit for digit."""
        return json.dumps([row._asdict() for row in self.rows])

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what `to_json` wrote."""
        return cls([Row(**row) for row in json.loads(text)])

    def plot(self, alt: str, title: str = "") -> None:
        """Show loss and accuracy by epoch.

        Args:
            alt: what there is to see, for those who cannot.
            title: names the data set, a stand-in in particular.
        """
        from helpers import plots

        plots.show(self._figure(title), alt)

    def _figure(self, title: str = "") -> Any:
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator

        figure, axes = plt.subplots(1, 2)
        epochs = [row.epoch for row in self.rows]
        for ax, name in zip(axes, ("loss", "accuracy")):
            for part, style in (("train", "o-"), ("test", "s--")):
                values = [getattr(row, f"{part}_{name}") for row in self.rows]
                if any(value is not None for value in values):
                    ax.plot(epochs, values, style, label=part)
                    ax.legend()
            ax.set(xlabel="epoch", ylabel=name)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.suptitle(title or None)
        return figure


def divide_at(*epochs: int, by: float = 10) -> Callable[[int], float]:
    """A schedule: divide the learning rate once each of these epochs is finished."""
    return lambda finished: by ** -sum(epoch <= finished for epoch in epochs)


def evaluate(
    network: nn.Module,
    batches: Iterable,
    loss: Callable = cross_entropy,
    amp: str | bool | None = None,
    channels_last: bool = False,
) -> Scores:
    """Mean loss and accuracy over all images of ``batches``.

    In evaluation mode and without gradients; every module is then put back into the
    mode it was in. Each image counts the same, also where the last batch is smaller.

    Args:
        network: images (N, C, H, W) → scores (N, classes).
        batches: of (images, labels), labels (N,) whole numbers from 0.
        loss: (output, labels) → mean over the batch.
        amp: see `fit`.
        channels_last: see `fit`.

    Raises:
        ValueError: when images, labels and network do not fit together.
        MemoryError: when a batch does not fit into memory.
    """
    guard = _Guard(network, batches, loss, loss, amp, channels_last)
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    tally = _Tally()
    try:
        with torch.no_grad(), _advice_on_memory(guard):
            for images, labels in batches:
                scores, value = guard.forward(images, labels)
                tally.add(value, scores, labels)
    finally:
        for module, training in modes:
            module.training = training
    return tally.scores()


def fit(
    network: nn.Module,
    train: Iterable,
    test: Iterable | None = None,
    epochs: int = 10,
    optimizer: Optimizer | Callable[[list], Optimizer] | None = None,
    schedule: Callable[[int], float] | LRScheduler | None = None,
    loss: Callable = cross_entropy,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    live: bool = False,
    on_epoch: Callable[[History], object] | None = None,
    clip: float | None = None,
    label_smoothing: float = 0.0,
    channels_last: bool = False,
    amp: str | bool | None = "auto",
) -> History:
    """Train a network; ``network`` itself learns.

    Ctrl+C (or the notebook's stop button) ends the run quietly, with the history so
    far. With a checkpoint, the network is then as after the last finished epoch.

    Args:
        network: images (N, C, H, W) → scores (N, classes), or a tuple that starts with
            them, which ``loss`` then gets whole. On the device of the data.
        train: iterable of (images, labels) with a length. Before epoch e (from 0), its
            ``set_epoch(e)`` is called, where it has one.
        test: the same, evaluated after every epoch, always without label smoothing.
        epochs: in all, those of the checkpoint included.
        optimizer: one made for this network, or parameters → optimizer; SGD with
            learning rate 0.05 and momentum 0.9 when None.
        schedule: epochs finished → factor of the learning rate (see `divide_at`), or
            one of PyTorch's schedulers, stepped after every epoch.
        loss: (output, labels) → mean over the batch.
        checkpoint: file to write after every epoch. Without ``resume`` one that is
            there is replaced, at the end of the first epoch.
        resume: continue from the checkpoint; on a CPU to the same weights, bit for bit,
            as without the stop. Starts anew where there is none.
        progress: show a bar on stderr. When False, nothing is printed, except about a
            run that was interrupted.
        live: in a notebook, draw the history after every epoch.
        on_epoch: called with the history after every epoch, before the checkpoint.
        clip: largest norm of all gradients together.
        label_smoothing: 0 to 1, for the default loss.
        channels_last: store images and weights (N, H, W, C): faster on most GPUs.
        amp: "auto" computes in bfloat16 where a GPU has it; True always, None never.

    Returns:
        One row for each finished epoch.

    Raises:
        ValueError: when images, labels, network and settings do not fit together.
        CheckpointError: when the checkpoint cannot be read or is of another run.
        TrainingDivergedError: when the loss is no number any more, or explodes.
        MemoryError: when a batch does not fit into memory.
        OSError: when the checkpoint cannot be written.
    """
    if epochs < 0 or int(epochs) != epochs:
        raise ValueError(f"epochs must be a whole number from 0, not {epochs}")
    if label_smoothing and loss is not cross_entropy:
        raise ValueError("label_smoothing is for the default loss; build it into yours")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs to know from where: pass checkpoint=PATH")
    if channels_last:
        network.to(memory_format=torch.channels_last)
    optimizer = _optimizer(network, optimizer)
    learnt = partial(loss, label_smoothing=label_smoothing) if label_smoothing else loss
    run = _Run(
        guard=_Guard(network, train, loss, learnt, amp, channels_last),
        optimizer=optimizer,
        scheduler=_scheduler(optimizer, schedule),
        train=train,
        clip=clip,
    )
    run.settings = _settings(run, label_smoothing, amp)
    if test is not None:
        _Guard(network, test, loss, loss, amp, channels_last)  # before a whole epoch

    path = None if checkpoint is None else Path(checkpoint)
    say = partial(tqdm.write, file=sys.stderr)
    if path and resume and path.exists():
        saved = _read(path)
        _check_same_run(run, saved, path)
        _put_back(run, saved)
    elif path and resume and progress:
        say(f"No checkpoint at {path} yet: starting anew.")
    done = len(run.history.rows)
    if done >= epochs:
        if progress and epochs:
            say(f"{path} holds {done} finished epochs, {epochs} were asked for: done.")
        return run.history
    if path:
        _check_writable(path)

    draw = _live_plot() if live else None
    bar = tqdm(
        total=epochs * len(train),
        initial=done * len(train),
        disable=not progress,
        dynamic_ncols=True,
        bar_format="{desc} {bar} {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
    )
    epoch = done
    with bar:
        try:
            for epoch in range(done, epochs):
                bar.set_description_str(f"epoch {epoch + 1}/{epochs}")
                run.history.rows.append(_epoch_and_test(run, epoch, test, bar))
                for tell in (draw, on_epoch):
                    if tell is not None:
                        tell(run.history)
                if path:  # last: random numbers that on_epoch drew are in it
                    _write(path, run)
        except KeyboardInterrupt:
            bar.leave = False
            bar.close()
            say(_after_interrupt(run, path, epoch))
    return run.history


# --- One epoch ------------------------------------------------------------------------


@dataclass
class _Run:
    """A network in training, and all that decides what it becomes."""

    guard: _Guard
    optimizer: Optimizer
    scheduler: LRScheduler | None
    train: Iterable
    clip: float | None
    history: History = field(default_factory=History)
    first_loss: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    readable: bool = False  # that its checkpoints are was tried
    # Tells this run's checkpoint from an older one; not from a seeded generator.
    key: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def network(self) -> nn.Module:
        return self.guard.network


def _one_epoch(run: _Run, epoch: int, bar: tqdm) -> tuple[Scores, float]:
    """Learn once from every batch; return the scores on the way, and images/s."""
    network, optimizer, tally = run.network, run.optimizer, _Tally()
    losses, step, start = [], 0, time.perf_counter()
    network.train()
    for step, (images, labels) in enumerate(run.train, 1):
        scores, loss = run.guard.forward(images, labels)
        losses.append(loss.detach())
        if loss.device.type == "cpu" or step % READ_EVERY == 0:
            _check_losses(run, losses, epoch, step)

        optimizer.zero_grad()
        loss.backward()
        if run.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), run.clip)
        optimizer.step()

        tally.add(loss, scores, labels)
        bar.update()
        if not losses and not bar.disable:  # they were just read
            bar.set_postfix_str(tally.text(start), refresh=False)
    run.guard.all_seen = True
    _check_losses(run, losses, epoch, step)
    scores = tally.scores()  # waits for the GPU: now the time is the true one
    return scores, tally.images / (time.perf_counter() - start)


def _epoch_and_test(run: _Run, epoch: int, test: Iterable | None, bar: tqdm) -> Row:
    start = time.perf_counter()
    rate = float(run.optimizer.param_groups[0]["lr"])
    if hasattr(run.train, "set_epoch"):
        run.train.set_epoch(epoch)
    with _advice_on_memory(run.guard):
        learned, speed = _one_epoch(run, epoch, bar)
    tested = None, None
    if test is not None:
        guard = run.guard
        tested = evaluate(
            run.network, test, guard.plain_loss, guard.bf16, guard.channels_last
        )
    if isinstance(run.scheduler, ReduceLROnPlateau):
        run.scheduler.step(learned.loss if test is None else tested[0])
    elif run.scheduler is not None:
        run.scheduler.step()
    seconds = time.perf_counter() - start
    return Row(epoch + 1, *learned, *tested, rate, seconds, speed)


class _Tally:
    """Sums on the data's device; reading them waits for it, so that is done once."""

    def __init__(self) -> None:
        self.loss: Tensor | float = 0.0
        self.correct: Tensor | int = 0
        self.images = 0

    def add(self, value: Tensor, scores: Tensor, labels: Tensor) -> None:
        exact = torch.float32 if value.device.type == "mps" else torch.float64
        self.loss = self.loss + value.detach().to(exact) * len(labels)
        self.correct = self.correct + (scores.detach().argmax(1) == labels).sum()
        self.images += len(labels)

    def scores(self) -> Scores:
        if not self.images:
            raise ValueError(EMPTY)
        return Scores(float(self.loss) / self.images, int(self.correct) / self.images)

    def text(self, start: float) -> str:
        speed = self.images / (time.perf_counter() - start)
        loss, accuracy = self.scores()
        return f"loss {loss:.3f}, accuracy {accuracy:.1%}, {speed:,.0f} images/s"


# --- What goes into a run -------------------------------------------------------------


def _optimizer(network: nn.Module, optimizer: Any) -> Optimizer:
    learning = [p for p in network.parameters() if p.requires_grad]
    if not learning:
        raise ValueError(
            "no parameter of the network can learn: it has none, or requires_grad is "
            "False for all; try network.requires_grad_(True)"
        )
    if optimizer is None:
        optimizer = partial(SGD, lr=0.05, momentum=0.9)
    if not isinstance(optimizer, Optimizer):
        optimizer = optimizer(learning)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if held.isdisjoint(map(id, learning)):
        raise ValueError(
            "the optimizer holds no parameter of this network, so nothing would learn; "
            "after building the network anew, build its optimizer anew too"
        )
    for group in optimizer.param_groups:  # schedulers set this too, but not all
        group.setdefault("initial_lr", group["lr"])
    return optimizer


def _scheduler(optimizer: Optimizer, schedule: Any) -> LRScheduler | None:
    if schedule is None:
        return None
    if not isinstance(schedule, LRScheduler):
        return LambdaLR(optimizer, schedule)
    if schedule.optimizer is not optimizer:
        raise ValueError(
            "the scheduler belongs to another optimizer; pass its own as optimizer="
        )
    return schedule


def _bf16(network: nn.Module, amp: str | bool | None) -> bool:
    if amp not in ("auto", True, False, None):
        raise ValueError(f'amp must be "auto", True or None, not {amp!r}')
    if amp != "auto":
        return bool(amp)
    parameter = next(network.parameters(), None)
    if parameter is None or parameter.device.type != "cuda":
        return False
    # Older GPUs emulate bfloat16, slower than they compute in float32.
    return torch.cuda.is_bf16_supported(including_emulation=False)


def _live_plot() -> Callable[[History], None] | None:
    """Draws the history into one place of the notebook; None outside of one."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return None
    from IPython.display import display

    from helpers import plots

    handles: list = []

    def draw(history: History) -> None:
        last = history.rows[-1]
        alt = f"Epoch {last.epoch}: loss {last.train_loss:.3f}"
        markup = plots._image(history._figure(), alt)
        bundle = {"text/plain": alt, "text/html": markup}
        if handles:
            handles[0].update(bundle, raw=True)
        else:
            handles.append(display(bundle, raw=True, display_id=True))

    return draw


# --- Checks: each says what to try ----------------------------------------------------


class _Guard:
    """Runs the network, and looks at what goes in and comes out before it learns."""

    def __init__(
        self,
        network: nn.Module,
        batches: Iterable,
        plain_loss: Callable,
        loss: Callable,
        amp: str | bool | None,
        channels_last: bool,
    ) -> None:
        self.network, self.plain_loss, self.loss = network, plain_loss, loss
        self.bf16, self.channels_last = _bf16(network, amp), channels_last
        # Another loss may want other labels; accuracy then means what it can.
        self.classes = plain_loss is cross_entropy or isinstance(
            plain_loss, nn.CrossEntropyLoss
        )
        self.batch_size = 0
        self.new = True  # no batch has passed yet
        self.all_seen = False  # every batch has, once
        if hasattr(batches, "__len__") and len(batches) == 0:
            raise ValueError(EMPTY)
        self.all_labels = getattr(batches, "labels", None)
        if self.all_labels is not None and hasattr(batches, "images"):
            self._check_counts(batches.images, self.all_labels)

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N, classes) and the loss, one number, of one batch."""
        self.check_batch(images, labels)
        if self.channels_last and images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        device = images.device.type
        with torch.autocast(device, torch.bfloat16) if self.bf16 else nullcontext():
            with self.watch_layers():
                output = self.network(images)
            scores = output[0] if isinstance(output, tuple) else output
            self.check_scores(scores, labels)
            loss = self.loss(output, labels)
        if torch.is_grad_enabled() and not loss.requires_grad:
            raise ValueError(
                "the loss does not depend on any parameter that learns; look for "
                "no_grad, detach, .data or NumPy inside the network or the loss"
            )
        return scores, loss

    def check_batch(self, images: Tensor, labels: Tensor) -> None:
        self.batch_size = len(images)
        self._check_counts(images, labels)
        if not self.new:
            return
        parameter = next(self.network.parameters(), images)
        for name, tensor in (("images", images), ("labels", labels)):
            if tensor.device != parameter.device:
                raise ValueError(
                    f"the {name} are on {tensor.device}, the network on "
                    f"{parameter.device}; try network.to({str(tensor.device)!r}) "
                    "before building the optimizer"
                )
        if self.classes and (labels.dtype != torch.int64 or labels.ndim != 1):
            raise ValueError(
                "labels must be whole numbers, int64, of shape (N,), not "
                f"{labels.dtype} of shape {tuple(labels.shape)}; try labels.long(), "
                "and labels.argmax(1) if they are one-hot"
            )
        if images.is_floating_point() and not images.isfinite().all():
            raise ValueError(
                "the images hold values that are infinite or not a number; check the "
                "normalisation (a standard deviation of 0?)"
            )

    def check_scores(self, scores: Tensor, labels: Tensor) -> None:
        """Scores (N, classes) against the labels: of the whole set, if it has them."""
        if self.new and (scores.ndim != 2 or len(scores) != len(labels)):
            raise ValueError(
                f"the network gives scores of shape {tuple(scores.shape)} for "
                f"{len(labels)} images; one row of class scores for each is needed, "
                "(N, classes): try flatten(1) before the last layer"
            )
        # Reading a label waits for the GPU, and a wrong one there ends the process.
        wait = labels.device.type == "cpu" or torch.is_grad_enabled()
        each = self.all_labels is None and not self.all_seen and wait
        if self.classes and (self.new or each):
            known = labels if self.all_labels is None else self.all_labels
            least, most = known.min().item(), known.max().item()
            wrong = least if least < 0 else most
            if least < 0 or most >= scores.shape[1]:
                raise ValueError(
                    f"label {wrong} is outside 0…{scores.shape[1] - 1}: the network "
                    f"gives {scores.shape[1]} scores for an image. Labels count from "
                    "0; subtract 1, or give the last layer more outputs"
                )
        self.new = False

    @contextmanager
    def watch_layers(self) -> Iterator[None]:
        """In the first step, let each layer compare its input with what it takes."""
        hooks = []
        # A compiled network would be compiled once more for the hooks.
        if self.new and not hasattr(self.network, "_orig_mod"):
            hooks = [
                layer.register_forward_pre_hook(partial(_check_input, name))
                for name, layer in self.network.named_modules()
                if isinstance(layer, _ConvNd | nn.Linear)
            ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @staticmethod
    def _check_counts(images: Tensor, labels: Tensor) -> None:
        if len(images) != len(labels):
            raise ValueError(
                f"{len(images)} images, but {len(labels)} labels; each image needs one"
            )


def _check_input(name: str, layer: nn.Module, inputs: tuple) -> None:
    x = inputs[0] if inputs else None
    if not isinstance(x, Tensor):
        return
    where = f"layer {name!r}, {layer}," if name else f"{layer}"
    shape = tuple(x.shape)
    if isinstance(layer, nn.Linear):
        if x.shape[-1] != layer.in_features:
            raise ValueError(
                f"{where} takes {layer.in_features} values for each image, but gets "
                f"{shape}: {x.shape[-1]}. Flatten the maps before it (flatten(1)), or "
                f"write in_features={x.shape[-1]} if the image size is meant"
            )
    else:
        takes = ("N", str(layer.in_channels), *"DHW"[3 - len(layer.kernel_size) :])
        if x.ndim != len(takes) or x.shape[1] != layer.in_channels:
            advice = "build the layer with as many in_channels as the images have"
            if x.ndim == len(takes) - 1:
                advice = "add the channel axis: images.unsqueeze(1)"
            elif x.ndim == 4 and x.shape[-1] == layer.in_channels:
                advice = "put the channels first: images.permute(0, 3, 1, 2)"
            raise ValueError(
                f"{where} takes ({', '.join(takes)}), but gets {shape}; {advice}"
            )
    if x.dtype != layer.weight.dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"{where} computes in {layer.weight.dtype}, but gets {x.dtype}; try "
            "images.float(), divided by 255 if they are bytes"
        )


def _check_losses(run: _Run, losses: list[Tensor], epoch: int, step: int) -> None:
    """Read the losses of the last steps, up to ``step``, and empty the list."""
    values = torch.stack(losses).tolist() if losses else []
    losses.clear()
    for at, value in enumerate(values, step - len(values) + 1):
        if run.first_loss is None and math.isfinite(value):
            run.first_loss = value
        limit = EXPLODED * max(run.first_loss or 0.0, 1.0)
        if not math.isfinite(value) or value > limit:
            began = "" if run.first_loss is None else f", from {run.first_loss:.4g}"
            raise TrainingDivergedError(
                f"the loss is {value:.4g}{began}, at step {at} of epoch {epoch + 1}. "
                "Build the network anew and try a learning rate ten times lower, "
                "clip=1.0, or check that the images are normalised. A checkpoint of "
                "an earlier epoch is untouched: restore(network, PATH) brings it back"
            )


@contextmanager
def _advice_on_memory(guard: _Guard) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as problem:
        text = str(problem).lower()
        signs = "out of memory", "allocate memory", "not enough memory", "alloc_failed"
        if not isinstance(problem, MemoryError) and not any(s in text for s in signs):
            raise
        # A notebook keeps the last traceback, and with it every map of the network.
        traceback.clear_frames(problem.__traceback__)
        half = guard.batch_size // 2
        advice = f"try batch_size={half}" if half else "try a smaller network or images"
        raise MemoryError(
            f"a batch of {guard.batch_size} images does not fit into memory; {advice}"
        ) from None


# --- Checkpoints ----------------------------------------------------------------------


def restore(network: nn.Module, checkpoint: str | Path) -> History:
    """Load a checkpoint's weights, whatever settings they were trained with.

    Raises:
        FileNotFoundError: when there is none.
        CheckpointError: when it cannot be read or is of another architecture.
    """
    path = Path(checkpoint)
    saved = _read(path)
    _check_same_network(network, saved["network"], path)
    _bare(network).load_state_dict(saved["network"])
    return History.from_json(saved["history"])


def _bare(network: nn.Module) -> nn.Module:
    return getattr(network, "_orig_mod", network)  # inside torch.compile


def _settings(run: _Run, smoothing: float, amp: object) -> dict[str, str]:
    """What a run that continues must share with the one that stopped, as text."""
    groups = run.optimizer.param_groups
    values = {"parameters": [len(group["params"]) for group in groups]}
    for name in run.optimizer.defaults:
        key = "initial_lr" if name == "lr" else name
        values[name] = [group.get(key) for group in groups]
    data = {"batches": len(run.train)}
    if hasattr(run.train, "labels"):
        data["images"] = len(run.train.labels)
    for name in ("batch_size", "shuffle", "augment", "seed", "drop_last"):
        value = getattr(run.train, name, None)
        if isinstance(value, int | str):
            data[name] = value
    # At a callable, the learning rates of the finished epochs are compared instead.
    schedule = type(run.scheduler).__name__
    if run.scheduler is not None and not isinstance(run.scheduler, LambdaLR):
        constants = {
            k: v
            for k, v in run.scheduler.state_dict().items()
            if isinstance(v, int | float | str | Counter)
            and not k.startswith("_")
            and k not in PROGRESS
        }
        schedule += f" {constants}"
    loss = run.guard.plain_loss
    settings = {
        "optimizer": type(run.optimizer).__name__,
        **{f"optimizer's {k}": ", ".join(map(str, v)) for k, v in values.items()},
        "schedule": schedule,
        "loss": getattr(loss, "__name__", None) or repr(loss),
        "data": ", ".join(f"{name} {value}" for name, value in data.items()),
        "clip": run.clip,
        "label_smoothing": smoothing,
        "channels_last": run.guard.channels_last,
        "amp": amp,
        "layers": repr(_bare(run.network)),
    }
    # An address in memory is another one in the next process.
    return {k: re.sub(r" at 0x[0-9a-f]+", "", str(v)) for k, v in settings.items()}


def _check_same_network(network: nn.Module, saved: dict, path: Path) -> None:
    def described(state: dict) -> list[str]:
        return [f"{name} {tuple(value.shape)}" for name, value in state.items()]

    here = described(_bare(network).state_dict())
    for there, mine in zip_longest(described(saved), here, fillvalue="nothing more"):
        if there != mine:
            raise CheckpointError(
                f"{path} is of another network: there {there}, here {mine}. Build the "
                "network as it was, or pass another checkpoint path"
            )


def _check_same_run(run: _Run, saved: dict, path: Path) -> None:
    _check_same_network(run.network, saved["network"], path)
    differing = []
    for name, mine in run.settings.items():
        there = saved["settings"].get(name, "none")
        if there != mine:  # the lines that differ are enough of a long description
            pairs = zip_longest(there.split("\n"), mine.split("\n"), fillvalue="none")
            first = next((a.strip(), b.strip()) for a, b in pairs if a != b)
            differing.append(f"{name} there {first[0]}, here {first[1]}")
    if isinstance(run.scheduler, LambdaLR):
        base, factor = run.scheduler.base_lrs[0], run.scheduler.lr_lambdas[0]
        for row in History.from_json(saved["history"]).rows:
            mine = base * factor(row.epoch - 1)
            if not differing and not math.isclose(mine, row.learning_rate):
                differing.append(
                    f"schedule: the learning rate of epoch {row.epoch} there "
                    f"{row.learning_rate:g}, here {mine:g}"
                )
    if differing:
        raise CheckpointError(
            f"{path} is of a run with other settings: {'; '.join(differing)}. Pass the "
            "same settings to go on, or resume=False and another path to start anew"
        )


def _check_writable(path: Path) -> None:
    """Fail before the first epoch, not after it."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it as checkpoint")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.touch()
    part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write(path: Path, run: _Run) -> None:
    """Save all that decides how the run goes on; the old file stays until it is."""
    generator = getattr(run.train, "generator", None)  # a DataLoader's
    name, keys, *rest = np.random.get_state()
    state = {
        "format": FORMAT,
        "key": run.key,
        "settings": run.settings,
        "history": run.history.to_json(),
        "first_loss": run.first_loss,
        "network": _bare(run.network).state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": run.scheduler and run.scheduler.state_dict(),
        "random": {
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "numpy": (name, keys.tolist(), *rest),
            "python": random.getstate(),
            "loader": generator and generator.get_state(),
        },
    }
    part = _part(path)
    try:
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())  # on the disk before it takes the old one's place
        if not run.readable:  # a scheduler of one's own may hold what cannot be
            _read(part)
            run.readable = True
        os.replace(part, path)
    except (OSError, RuntimeError) as problem:
        raise OSError(
            f"cannot write the checkpoint {path}: {problem}. The one before, if any, "
            "is untouched; is the disk full?"
        ) from problem


def _read(path: Path) -> dict:
    """Read a checkpoint onto the CPU; tensors and numbers only, never code."""
    try:
        with zipfile.ZipFile(path) as file:  # PyTorch does not compare the checksums
            damaged = file.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except pickle.UnpicklingError as problem:
        raise CheckpointError(
            f"{path} holds more than tensors and numbers, and could run code when "
            "read, so it is not: pass a checkpoint that fit wrote"
        ) from problem
    except Exception as problem:  # the readers raise nearly anything
        raise CheckpointError(
            f"{path} is no checkpoint, or only a part of one ({problem}); delete it or "
            "pass another path"
        ) from problem
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was not written by this version of fit; if it holds weights only, "
            "use network.load_state_dict(torch.load(PATH)), and another checkpoint path"
        )
    return saved


def _put_back(run: _Run, saved: dict) -> None:
    """Make the run what it was when ``saved`` was written."""
    _bare(run.network).load_state_dict(saved["network"])
    run.optimizer.load_state_dict(saved["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(saved["scheduler"])
    run.history = History.from_json(saved["history"])
    run.first_loss, run.key = saved["first_loss"], saved["key"]
    state = saved["random"]
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    random.setstate(state["python"])
    if state["loader"] is not None:
        run.train.generator.set_state(state["loader"])


def _after_interrupt(run: _Run, path: Path | None, epoch: int) -> str:
    """Go back to the last finished epoch, where it is saved; say how to go on."""
    stopped = f"Stopped in epoch {epoch + 1}."
    if path is None:
        return (
            f"{stopped} The network has learned from a part of it. With "
            "checkpoint=PATH, a run can go on where it was stopped."
        )
    saved = _read(path) if path.exists() else {}
    if saved.get("key") != run.key:
        return f"{stopped} Nothing is saved yet: build the network anew to start again."
    _put_back(run, saved)
    return (
        f"{stopped} The network is as after epoch {len(run.history.rows)}, saved in "
        f"{path}. To go on, run the same with resume=True."
    )
