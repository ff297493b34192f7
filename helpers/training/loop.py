"""The loop that the lessons write out, with what a long run needs."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau
from tqdm import tqdm

from helpers.training import checkpoints, ranks
from helpers.training.checks import EMPTY, Guard, advice_on_memory, check_losses
from helpers.training.history import History, Row, Scores

READ_EVERY = 50  # steps; reading a loss makes the processor wait for the GPU


def divide_at(*epochs: int, by: float = 10) -> Callable[[int], float]:
    """A schedule: divide the learning rate once each of these epochs is finished."""
    return lambda finished: by ** -sum(epoch <= finished for epoch in epochs)


def evaluate(
    network: nn.Module,
    batches: Iterable,
    loss: Callable = cross_entropy,
    amp: str | bool | None = None,
    channels_last: bool = False,
    together: bool = False,
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
        together: over the batches of all processes; each of them must call this.

    Raises:
        ValueError: when images, labels and network do not fit together.
        MemoryError: when a batch does not fit into memory.
    """
    guard = Guard(network, batches, loss, loss, amp, channels_last)
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    tally = _Tally()
    try:
        with torch.no_grad(), advice_on_memory(guard):
            for images, labels in batches:
                scores, value = guard.forward(images, labels)
                tally.add(value, scores, labels)
    finally:
        for module, training in modes:
            module.training = training
    return tally.scores(together)


def fit(
    network: nn.Module,
    train: Iterable,
    test: Iterable | None = None,
    epochs: int = 10,
    optimizer: Optimizer | Callable[[list], Optimizer] | None = None,
    schedule: Callable[[float], float] | LRScheduler | None = None,
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
    each_step: bool = False,
) -> History:
    """Train a network; ``network`` itself learns.

    Ctrl+C (or the notebook's stop button) ends the run quietly, with the history so
    far. With a checkpoint, the network is then as after the last finished epoch.

    Where torch.distributed is initialised, all its processes train together, each on
    its own batches (`Batches` with ``ranks``): the history is of all of them, and only
    the first writes the checkpoint, which all read, calls ``on_epoch`` and shows bars.

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
        each_step: ask ``schedule``, a function, before each step instead, with the
            epochs finished so far: 2.5 in the middle of the third (see `triangle`).

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
    epochs = int(epochs)
    if label_smoothing and loss is not cross_entropy:
        raise ValueError("label_smoothing is for the default loss; build it into yours")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs to know from where: pass checkpoint=PATH")
    if channels_last:
        network.to(memory_format=torch.channels_last)
    if each_step and (schedule is None or isinstance(schedule, LRScheduler)):
        raise ValueError("each_step=True needs schedule: epochs finished → factor")
    for batches in (train, test):
        ranks.check_share(batches)
    optimizer = _optimizer(network, optimizer)
    learnt = partial(loss, label_smoothing=label_smoothing) if label_smoothing else loss
    run = Run(
        guard=Guard(network, train, loss, learnt, amp, channels_last),
        optimizer=optimizer,
        scheduler=None if each_step else _scheduler(optimizer, schedule),
        train=train,
        clip=clip,
        rate_at=schedule if each_step else None,
    )
    run.settings = checkpoints.settings_of(run, label_smoothing, amp)
    if test is not None:
        Guard(network, test, loss, loss, amp, channels_last)  # before a whole epoch

    path = None if checkpoint is None else Path(checkpoint)
    first = ranks.rank() == 0
    progress = progress and first
    say = partial(tqdm.write, file=sys.stderr)
    if path and resume and path.exists():
        saved = checkpoints.read(path)
        checkpoints.check_same_run(run, saved, path)
        checkpoints.put_back(run, saved)
    elif path and resume and progress:
        say(f"No checkpoint at {path} yet: starting anew.")
    done = len(run.history.rows)
    if done >= epochs:
        if progress and epochs:
            say(f"{path} holds {done} finished epochs, {epochs} were asked for: done.")
        return run.history
    if path and first:
        checkpoints.check_writable(path)
    # From here the processes wait for each other: each has read the checkpoint.
    run.guard.learner = ranks.wrapped(network)

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
                    if tell is not None and first:
                        tell(run.history)
                if path and first:  # last: random numbers that on_epoch drew are in it
                    checkpoints.write(path, run)
        except KeyboardInterrupt:
            bar.leave = False
            bar.close()
            if first:
                say(checkpoints.after_interrupt(run, path, epoch))
    return run.history


@dataclass
class Run:
    """A network in training, and all that decides what it becomes."""

    guard: Guard
    optimizer: Optimizer
    scheduler: LRScheduler | None
    train: Iterable
    clip: float | None
    rate_at: Callable[[float], float] | None = None  # epochs finished → factor
    history: History = field(default_factory=History)
    first_loss: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    readable: bool = False  # that its checkpoints are was tried
    # Tells this run's checkpoint from an older one; not from a seeded generator.
    key: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def network(self) -> nn.Module:
        """What learns, without what several processes wrap around it."""
        return self.guard.network

    def set_rate(self, epoch: int, step: int) -> None:
        """The learning rate before this step, where it changes within an epoch."""
        if self.rate_at is not None:
            factor = self.rate_at(epoch + step / len(self.train))
            for group in self.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor


def _one_epoch(run: Run, epoch: int, bar: tqdm) -> tuple[Scores, float]:
    """Learn once from every batch; return the scores on the way, and images/s."""
    network, optimizer, tally = run.network, run.optimizer, _Tally()
    losses, step, start = [], 0, time.perf_counter()
    network.train()
    for step, (images, labels) in enumerate(run.train, 1):
        run.set_rate(epoch, step - 1)
        scores, loss = run.guard.forward(images, labels)
        losses.append(loss.detach())
        if loss.device.type == "cpu" or step % READ_EVERY == 0:
            check_losses(run, losses, epoch, step)

        optimizer.zero_grad()
        ranks.weighted(loss, labels).backward()
        if run.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), run.clip)
        optimizer.step()

        tally.add(loss, scores, labels)
        bar.update()
        if not losses and not bar.disable:  # they were just read
            bar.set_postfix_str(tally.text(start), refresh=False)
    run.guard.all_seen = True
    check_losses(run, losses, epoch, step)
    # Waits for the GPU: now the time is the true one.
    scores = tally.scores(together=True)
    return scores, tally.images / (time.perf_counter() - start)


def _epoch_and_test(run: Run, epoch: int, test: Iterable | None, bar: tqdm) -> Row:
    start = time.perf_counter()
    run.set_rate(epoch, 0)
    rate = float(run.optimizer.param_groups[0]["lr"])
    if hasattr(run.train, "set_epoch"):
        run.train.set_epoch(epoch)
    with advice_on_memory(run.guard):
        ranks.share_seed(next(run.network.parameters()).device)
        learned, speed = _one_epoch(run, epoch, bar)
        ranks.share_buffers(run.network)
    tested = None, None
    if test is not None:
        guard = run.guard
        tested = evaluate(
            run.network,
            test,
            guard.plain_loss,
            guard.bf16,
            guard.channels_last,
            together=True,
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
        hits = scores.detach().argmax(1)
        # Labels that are no class numbers: there is no accuracy.
        right = (hits == labels).sum() if hits.shape == labels.shape else math.nan
        self.correct = self.correct + right
        self.images += len(labels)

    def scores(self, together: bool = False) -> Scores:
        if not self.images:
            raise ValueError(EMPTY)
        if together and ranks.world() > 1:
            images = self.loss.new_tensor(self.images)
            correct = self.loss.new_tensor(float(self.correct))
            sums = ranks.summed(torch.stack([self.loss, correct, images]))
            self.loss, self.correct, self.images = (x.item() for x in sums)
        return Scores(float(self.loss) / self.images, float(self.correct) / self.images)

    def text(self, start: float) -> str:
        speed = self.images / (time.perf_counter() - start)
        loss, accuracy = self.scores()
        return f"loss {loss:.3f}, accuracy {accuracy:.1%}, {speed:,.0f} images/s"


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
        markup = plots.html_image(history._figure(), alt)
        bundle = {"text/plain": alt, "text/html": markup}
        if handles:
            handles[0].update(bundle, raw=True)
        else:
            handles.append(display(bundle, raw=True, display_id=True))

    return draw
