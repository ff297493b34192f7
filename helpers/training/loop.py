"""The loop that the lessons write out, with what a long run needs."""

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from tqdm import tqdm

from helpers.device import advice_on_memory
from helpers.files import claimed
from helpers.training import checkpoints, ranks
from helpers.training.checks import check_loss
from helpers.training.history import History, Row, Scores
from helpers.training.run import Options, Run, Schedule

READ_EVERY = 50  # steps; reading a loss makes the processor wait for the GPU
EMPTY = "the loader is empty; does it drop_last, with fewer images than a batch?"


def divide_at(*epochs: int, by: float = 10) -> Schedule:
    """A schedule: divide the learning rate once each of these epochs is finished."""
    return lambda finished: by ** -sum(epoch <= finished for epoch in epochs)


def triangle(warm_up: float, epochs: float, start: float = 0.2) -> Schedule:
    """A schedule: up to 1 at ``warm_up``, then down to 0 (Smith and Topin, 2017)."""
    if not 0 < warm_up < epochs:
        raise ValueError(f"0 < warm_up < epochs is needed, not {warm_up} and {epochs}")

    def factor(finished: float) -> float:
        rise = start + (1 - start) * finished / warm_up
        return max(0.0, min(rise, (epochs - finished) / (epochs - warm_up)))

    return factor


def evaluate(
    network: nn.Module, batches: Iterable, options: Options | None = None
) -> Scores:
    """Mean loss and accuracy over all images of ``batches``, without gradients.

    In evaluation mode; every module is then put back into the mode it was in. What goes
    wrong is reported in a ValueError, or a MemoryError with a batch size to try.

    Args:
        network: images (N, C, H, W) → scores (N, classes).
        batches: of (images, labels), labels (N,) whole numbers from 0. Where they are
            one process's share, all processes call this, for the same result.
        options: how to compute.
    """
    run = Run(network, batches, options or Options())
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    tally = _Tally()
    try:
        with torch.no_grad(), advice_on_memory(lambda: run.batch_size):
            for images, labels in batches:
                tally.add(*run.forward(images, labels), labels)
    finally:
        for module, training in modes:
            module.training = training
    return tally.scores(together=hasattr(batches, "ranks") and batches.ranks[1] > 1)


def fit(
    network: nn.Module,
    train: Iterable,
    test: Iterable | None = None,
    epochs: int = 10,
    optimizer: Optimizer | Callable[[list], Optimizer] | None = None,
    schedule: Schedule | None = None,
    options: Options | None = None,
    progress: bool = True,
) -> History:
    """Train a network, in place; return a row for each finished epoch.

    Ctrl+C (or the notebook's stop button) ends the run quietly, with the history so
    far. With a checkpoint, the network is then as after the last finished epoch.

    Where torch.distributed is initialised, all its processes train together, each on
    its own batches (`Batches` with ``ranks``): the history is of all of them, and only
    the first writes the checkpoint, which all read, and shows bars.

    Args:
        network: images (N, C, H, W) → scores (N, classes). On the device of the data.
        train: iterable of (images, labels) with a length. Before epoch e (from 0), its
            ``set_epoch(e)`` is called, where it has one.
        test: the same, evaluated after every epoch.
        epochs: in all, those of the checkpoint included.
        optimizer: one made for this network, or parameters → optimizer; SGD with
            learning rate 0.05 and momentum 0.9 when None.
        schedule: epochs finished → factor of the learning rate, asked before each step:
            2.5 in the middle of the third epoch (see `divide_at` and `triangle`).
        options: checkpoint and more, see `Options`.
        progress: show a bar on stderr. When False, only an interruption is reported.

    Raises:
        ValueError, CheckpointError, TrainingDivergedError, MemoryError, OSError.
    """
    options, first = options or Options(), ranks.rank() == 0
    if epochs < 0 or int(epochs) != epochs:
        raise ValueError(f"epochs must be a whole number from 0, not {epochs}")
    if schedule is not None and not callable(schedule):
        raise ValueError("schedule must be a function: epochs finished → factor")
    if options.resume and options.checkpoint is None:
        raise ValueError("resume=True needs to know from where: checkpoint=PATH")
    for batches in (train, test):
        ranks.check_share(batches)
        if hasattr(batches, "__len__") and len(batches) == 0:
            raise ValueError(EMPTY)
    if options.channels_last:
        network.to(memory_format=torch.channels_last)
    path = Path(options.checkpoint) if options.checkpoint else None
    run = Run(network, train, options, _optimizer(network, optimizer), schedule, path)
    progress, say = progress and first, partial(tqdm.write, file=sys.stderr)
    told = checkpoints.resume(run, epochs)
    if told and progress:
        say(told)
    done = len(run.history.rows)
    if done >= epochs:
        return run.history
    total, before = int(epochs) * len(train), done * len(train)
    with (
        claimed(run.path if first else None),
        tqdm(total=total, initial=before, disable=not progress) as bar,
    ):
        # From here the processes wait for each other: each has read the checkpoint.
        run.learner = ranks.wrapped(network)
        epoch = done
        try:
            for epoch in range(done, int(epochs)):
                bar.set_description_str(f"epoch {epoch + 1}/{epochs}")
                run.history.rows.append(_epoch(run, epoch, test, bar))
                if run.path and first:
                    checkpoints.write(run)
        except KeyboardInterrupt:
            bar.leave = False
            bar.close()
            if first:
                say(checkpoints.after_interrupt(run, epoch + 1))
    return run.history


def _epoch(run: Run, epoch: int, test: Iterable | None, bar: tqdm) -> Row:
    """Learn once from every batch, then test."""
    network, train, options = run.network, run.batches, run.options
    start, rate, tally = time.perf_counter(), run.set_rate(epoch), _Tally()
    if hasattr(train, "set_epoch"):
        train.set_epoch(epoch)
    if ranks.rank():  # dropout of its own; the first one's state is in the checkpoint
        torch.manual_seed(1000 * epoch + ranks.rank())
    network.train()
    with advice_on_memory(lambda: run.batch_size):
        for step, (images, labels) in enumerate(train, 1):
            run.set_rate(epoch + (step - 1) / len(train))
            scores, loss = run.forward(images, labels)
            if loss.is_cpu or step % READ_EVERY == 1 or step == len(train):
                run.first_loss = run.first_loss or loss.item()
                check_loss(loss.item(), run.first_loss, step, epoch + 1)
            run.optimizer.zero_grad()
            loss.backward()
            if options.clip is not None:
                nn.utils.clip_grad_norm_(network.parameters(), options.clip)
            run.optimizer.step()
            tally.add(scores, loss, labels)
            bar.update()
            if step % READ_EVERY == 1 and not bar.disable:
                bar.set_postfix(tally.scores()._asdict(), refresh=False)
    learned = tally.scores(ranks.world() > 1)  # waits for the GPU: now the time is true
    speed = tally.images / (time.perf_counter() - start)
    ranks.share_buffers(network)
    tested = (None, None) if test is None else evaluate(network, test, options)
    seconds = time.perf_counter() - start
    return Row(epoch + 1, *learned, *tested, rate, seconds, speed)


class _Tally:
    """Sums on the data's device; reading them waits for it, so that is done once."""

    def __init__(self) -> None:
        self.sums, self.images = torch.zeros(2), 0

    def add(self, scores: Tensor, loss: Tensor, labels: Tensor) -> None:
        exact = torch.float32 if loss.device.type == "mps" else torch.float64
        right = (scores.detach().argmax(1) == labels).sum()
        sums = torch.stack([loss.detach().to(exact) * len(labels), right.to(exact)])
        self.sums = self.sums.to(sums) + sums
        self.images += len(labels)

    def scores(self, together: bool = False) -> Scores:
        if not self.images:
            raise ValueError(EMPTY)
        loss, correct = self.sums.tolist()
        if together:
            sums = [loss, correct, self.images]
            loss, correct, self.images = ranks.summed(sums, self.sums.device)
        return Scores(loss / self.images, correct / self.images)


def _optimizer(network: nn.Module, optimizer: Any) -> Optimizer:
    learning = [p for p in network.parameters() if p.requires_grad]
    if not learning:
        raise ValueError(
            "no parameter of the network can learn; has it any? If requires_grad is "
            "False for all, try network.requires_grad_(True)"
        )
    if not isinstance(optimizer, Optimizer):
        optimizer = (optimizer or partial(SGD, lr=0.05, momentum=0.9))(learning)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if held.isdisjoint(map(id, learning)):
        raise ValueError(
            "the optimizer holds no parameter of this network; after building the "
            "network anew, build its optimizer anew too"
        )
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    return optimizer
