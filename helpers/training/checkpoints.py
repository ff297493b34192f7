"""Checkpoints: a run goes on from one as if it had never stopped."""

import json
import os
import pickle
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from helpers.files import regular, replaced
from helpers.training.history import History
from helpers.training.run import Run

FORMAT = "helpers.training checkpoint 2"
# How a run computes is no setting: not channels_last, bf16 or an optimizer's WAYS.
FORMER = {"channels_last", "bf16", "loss"}  # settings that were compared once
WAYS = {"params", "lr", "foreach", "fused", "capturable", "differentiable"}


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or is of another network or other settings."""


def restore(network: nn.Module, checkpoint: str | Path) -> History:
    """Load a checkpoint's weights, whatever settings they were trained with."""
    saved = _read(Path(checkpoint))
    _compare(checkpoint, _shapes(saved["network"]), _shapes(network.state_dict()))
    network.load_state_dict(saved["network"])
    return History.from_json(saved["history"])


def resume(run: Run, epochs: int) -> str:
    """Make the run what it was when its checkpoint was written; say if it is over.

    Without ``resume`` only see to it that no file of others will be overwritten.
    """
    if not run.path:
        return ""
    if not regular(run.path).exists():
        new = f"No checkpoint at {run.path} yet: starting anew."
        return new if run.options.resume else ""
    if not run.options.resume:
        if run.path.stat().st_size:  # an empty one was made for this run
            _read(run.path)
        return ""
    saved = _read(run.path)
    done = len(History.from_json(saved["history"]).rows)
    _compare(run.path, _shapes(saved["network"]), _shapes(run.network.state_dict()))
    there = {k: v for k, v in saved["settings"].items() if k not in FORMER}
    _compare(run.path, there, _settings(run, done))
    _put_back(run, saved)
    if done < epochs:
        return ""
    return f"{run.path} holds {done} finished epochs, {epochs} were asked for."


def write(run: Run) -> None:
    """Save all that decides how the run goes on; the old file stays until then."""
    generator = getattr(run.batches, "generator", None)  # a DataLoader's
    name, keys, *rest = np.random.get_state()
    state = {
        "format": FORMAT,
        "settings": _settings(run, len(run.history.rows)),
        "history": run.history.to_json(),
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": (name, keys.tolist(), *rest),
        "python": random.getstate(),
        "loader": generator and generator.get_state(),
    }
    try:
        with replaced(run.path) as part:
            with part.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())  # on the disk before the old one is gone
            _read(part)  # an optimizer of one's own may hold what cannot be read
    except (OSError, RuntimeError) as problem:
        raise OSError(
            f"cannot write the checkpoint {run.path}: {problem}. The one before, if "
            "any, is untouched; is the disk full?"
        ) from problem


def after_interrupt(run: Run, epoch: int) -> str:
    """Go back to the last finished epoch, where it is saved; say how to go on."""
    stopped = f"Stopped in epoch {epoch}."
    try:
        saved = _read(run.path)
    except (CheckpointError, OSError, TypeError):  # none, or not this run's
        saved = {"history": "[]"}
    rows = History.from_json(saved["history"]).rows
    ours = History(run.history.rows[: len(rows)]).to_json()
    if not rows or ours != saved["history"]:  # or it is an older run's
        return (
            f"{stopped} Nothing is saved, and the network has learned a little: build "
            "it anew to start again. A run with a checkpoint can go on from there."
        )
    _put_back(run, saved)
    return (
        f"{stopped} The network is as after epoch {len(rows)}, saved in {run.path}. "
        "To go on, run the same with resume=True."
    )


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; tensors and numbers only, never code."""
    file = regular(path)
    try:
        with zipfile.ZipFile(file) as archive:  # PyTorch does not compare the checksums
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as problem:  # the readers raise nearly anything
        what = f"is no checkpoint, or only a part of one ({problem})"
        if isinstance(problem, pickle.UnpicklingError):
            what = "holds more than numbers and could run code, so it was not read"
        raise CheckpointError(f"{path} {what}; pass another path") from problem
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was not written by this version of fit; if it holds weights only, "
            "use network.load_state_dict(torch.load(PATH)), and another checkpoint path"
        )
    with _understood(path):
        _shapes(saved["network"]), saved["settings"].items()
        History.from_json(saved["history"])
    return saved


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Tell in a sentence that a checkpoint's contents are not what `write` wrote."""
    try:
        yield
    except Exception as problem:  # wrong contents raise nearly anything
        raise CheckpointError(
            f"{path} is a checkpoint with wrong contents ({repr(problem)[:200]}); to "
            "start anew, pass another checkpoint path"
        ) from problem


def _put_back(run: Run, saved: dict[str, Any]) -> None:
    here = _settings(run, 0)
    with _understood(run.path):
        run.optimizer.load_state_dict(saved["optimizer"])
        _compare(run.path, _settings(run, 0), here)
        for parameter, state in run.optimizer.state.items():
            if (momentum := state.get("momentum_buffer")) is not None:
                momentum.view_as(parameter)
        run.history = History.from_json(saved["history"])
        run.set_rate(len(run.history.rows))
        torch.set_rng_state(saved["torch"])
        cuda = saved["cuda"]
        if len(cuda) == torch.cuda.device_count() and torch.cuda.is_initialized():
            torch.cuda.set_rng_state_all(cuda)
        np.random.set_state(saved["numpy"])
        random.setstate(saved["python"])
        if saved["loader"] is not None:
            run.batches.generator.set_state(saved["loader"])
        run.network.load_state_dict(saved["network"])  # last: all else was right


def _compare(path: str | Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    differing = [
        f"{name} there {there.get(name, 'none')}, here {here.get(name, 'none')}"
        for name in there | here
        if there.get(name, "none") != here.get(name, "none")
    ]
    if told := "; ".join(differing[:3]):
        raise CheckpointError(
            f"{path} is of another network or of other settings: {told}. To go on, "
            "make all as it was; to start anew, pass another checkpoint path"
        )


def _shapes(state: dict[str, Tensor]) -> dict[str, list[int]]:
    return {f"shape of {name}": list(value.shape) for name, value in state.items()}


def _settings(run: Run, epochs: int) -> dict[str, Any]:
    """What decides how a run goes on after so many epochs, as JSON can hold it."""
    data, (_, processes) = run.batches, getattr(run.batches, "ranks", (0, 1))
    names = "label_smoothing", "clip"
    settings = {name: getattr(run.options, name) for name in names}
    names = "shuffle", "augment", "seed", "drop_last"
    settings |= {name: getattr(data, name, None) for name in names}
    settings["batch_size"] = processes * (getattr(data, "batch_size", None) or 0)
    settings["images, or batches"] = len(getattr(data, "labels", data))
    settings["generator"] = getattr(data, "generator", None) is not None
    for epoch in range(epochs) if run.schedule else ():
        settings[f"learning rate's factor in epoch {epoch + 1}"] = run.schedule(epoch)
    settings["optimizer"] = type(run.optimizer).__name__
    for number, group in enumerate(run.optimizer.param_groups, 1):
        for name in sorted(group.keys() - WAYS):
            settings[f"{name} of parameter group {number}"] = group[name]
        settings[f"size of parameter group {number}"] = len(group["params"])
    for name, layer in run.network.named_modules():
        settings[f"layer {name}"] = layer
    return json.loads(json.dumps(settings, default=_plain))


def _plain(value: Any) -> Any:
    """A layer's kind, words and constants; of anything else, its name."""
    kind = getattr(value, "__name__", type(value).__name__)
    if isinstance(value, nn.Module):
        kind += f"({value.extra_repr()})"
    names = getattr(value, "__constants__", ())
    constants = {name: getattr(value, name, None) for name in names}
    return {"kind": kind} | constants if constants else kind
