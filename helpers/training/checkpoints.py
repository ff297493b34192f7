"""Checkpoints: a run goes on from one as if it had never stopped."""

from __future__ import annotations

import math
import os
import pickle
import random
import re
import zipfile
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from helpers.training.history import History

if TYPE_CHECKING:
    from helpers.training.loop import Run

FORMAT = "helpers.training checkpoint 1"
# Of a scheduler's state: what changes on the way, and is no setting.
PROGRESS = {"last_epoch", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i"}
# Of an optimizer's: how it computes, which may differ from device to device.
WAYS = {"foreach", "fused", "capturable", "differentiable"}


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or belongs to another run."""


def restore(network: nn.Module, checkpoint: str | Path) -> History:
    """Load a checkpoint's weights, whatever settings they were trained with.

    Raises:
        FileNotFoundError: when there is none.
        CheckpointError: when it cannot be read or is of another architecture.
    """
    path = Path(checkpoint)
    saved = read(path)
    _check_same_network(network, saved["network"], path)
    bare(network).load_state_dict(saved["network"])
    return History.from_json(saved["history"])


def bare(network: nn.Module) -> nn.Module:
    """The network itself, whose weights have their own names."""
    return getattr(network, "_orig_mod", network)  # inside torch.compile


def settings_of(run: Run, smoothing: float, amp: object) -> dict[str, str]:
    """What a run that continues must share with the one that stopped, as text."""
    groups = run.optimizer.param_groups
    values = {"parameters": [len(group["params"]) for group in groups]}
    for name in run.optimizer.defaults:
        if name in WAYS:
            continue
        key = "initial_lr" if name == "lr" else name
        values[name] = [group.get(key) for group in groups]
    data = {}
    _, processes = getattr(run.train, "ranks", (0, 1))
    if not hasattr(run.train, "ranks"):  # of several processes, a detail of theirs
        data["batches"] = len(run.train)
    if hasattr(run.train, "labels"):
        data["images"] = len(run.train.labels)
    for name in ("batch_size", "shuffle", "augment", "seed", "drop_last"):
        value = getattr(run.train, name, None)
        if isinstance(value, int | str):
            data[name] = value * processes if name == "batch_size" else value
    # At a callable, the learning rates of the finished epochs are compared instead.
    schedule = "each step" if run.rate_at else type(run.scheduler).__name__
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
        "layers": repr(bare(run.network)),
    }
    # An address in memory is another one in the next process.
    return {k: re.sub(r" at 0x[0-9a-f]+", "", str(v)) for k, v in settings.items()}


def _check_same_network(network: nn.Module, saved: dict, path: Path) -> None:
    def described(state: dict) -> list[str]:
        return [f"{name} {tuple(value.shape)}" for name, value in state.items()]

    here = described(bare(network).state_dict())
    for there, mine in zip_longest(described(saved), here, fillvalue="nothing more"):
        if there != mine:
            raise CheckpointError(
                f"{path} is of another network: there {there}, here {mine}. Build the "
                "network as it was, or pass another checkpoint path"
            )


def check_same_run(run: Run, saved: dict, path: Path) -> None:
    """Refuse a checkpoint of another network or of a run with other settings.

    Raises:
        CheckpointError: with what differs, there and here.
    """
    _check_same_network(run.network, saved["network"], path)
    differing = []
    for name, mine in run.settings.items():
        there = saved["settings"].get(name, "none")
        if there != mine:  # the lines that differ are enough of a long description
            pairs = zip_longest(there.split("\n"), mine.split("\n"), fillvalue="none")
            first = next((a.strip(), b.strip()) for a, b in pairs if a != b)
            differing.append(f"{name} there {first[0]}, here {first[1]}")
    factor = run.rate_at
    if isinstance(run.scheduler, LambdaLR):
        factor = run.scheduler.lr_lambdas[0]
    if factor is not None:
        base = run.optimizer.param_groups[0]["initial_lr"]
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


def check_writable(path: Path) -> None:
    """Fail before the first epoch, not after it."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it as checkpoint")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.touch()
    part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def write(path: Path, run: Run) -> None:
    """Save all that decides how the run goes on; the old file stays until it is."""
    generator = getattr(run.train, "generator", None)  # a DataLoader's
    name, keys, *rest = np.random.get_state()
    state = {
        "format": FORMAT,
        "key": run.key,
        "settings": run.settings,
        "history": run.history.to_json(),
        "first_loss": run.first_loss,
        "network": bare(run.network).state_dict(),
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
            read(part)
            run.readable = True
        os.replace(part, path)
    except (OSError, RuntimeError) as problem:
        raise OSError(
            f"cannot write the checkpoint {path}: {problem}. The one before, if any, "
            "is untouched; is the disk full?"
        ) from problem


def read(path: Path) -> dict:
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


def put_back(run: Run, saved: dict) -> None:
    """Make the run what it was when ``saved`` was written."""
    bare(run.network).load_state_dict(saved["network"])
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


def after_interrupt(run: Run, path: Path | None, epoch: int) -> str:
    """Go back to the last finished epoch, where it is saved; say how to go on."""
    stopped = f"Stopped in epoch {epoch + 1}."
    if path is None:
        return (
            f"{stopped} The network has learned from a part of it. With "
            "checkpoint=PATH, a run can go on where it was stopped."
        )
    saved = read(path) if path.exists() else {}
    if saved.get("key") != run.key:
        return f"{stopped} Nothing is saved yet: build the network anew to start again."
    put_back(run, saved)
    return (
        f"{stopped} The network is as after epoch {len(run.history.rows)}, saved in "
        f"{path}. To go on, run the same with resume=True."
    )
