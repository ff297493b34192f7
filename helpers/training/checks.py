"""Checks of what goes into a network and what comes out; each says what to try."""

import math
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from helpers.device import is_out_of_memory

EXPLODED = 1e4  # times the first loss, or times 1 where that was smaller


class TrainingDivergedError(RuntimeError):
    """The loss is infinite, not a number, or far above where it began."""


@contextmanager
def first_batch(network: nn.Module, images: Tensor, labels: Tensor) -> Iterator[None]:
    """Check a batch before the network gets it, and explain why a layer refuses it."""
    parameter = next(network.parameters(), images)
    for name, tensor in (("images", images), ("labels", labels)):
        if tensor.device != parameter.device:
            raise ValueError(
                f"the {name} are on {tensor.device}, the network on {parameter.device};"
                f" try network.to('{tensor.device}') before building the optimizer"
            )
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    if images.is_floating_point() and not images.isfinite().all():
        raise ValueError(
            "the images hold values that are infinite or not a number; check the "
            "normalisation (a standard deviation of 0?)"
        )
    try:
        yield
    except RuntimeError as problem:
        frames = [frame for frame, _ in traceback.walk_tb(problem.__traceback__)]
        for frame in frames if not is_out_of_memory(problem) else ():
            layer, x = (frame.f_locals.get(name) for name in ("self", "input"))
            if isinstance(layer, _ConvNd | nn.Linear) and isinstance(x, Tensor):
                names = {module: name for name, module in network.named_modules()}
                raise ValueError(
                    f"layer {names.get(layer, '')!r}, {layer}, cannot take "
                    f"{tuple(x.shape)}, {x.dtype}; {_advice(layer, x)} ({problem})"
                ) from problem
        raise


def _advice(layer: nn.Module, x: Tensor) -> str:
    if isinstance(layer, nn.Linear) and x.shape[-1] != layer.in_features:
        inputs = f"in_features={x.shape[-1]} if the image size is right"
        return f"flatten the maps before it (flatten(1)), or write {inputs}"
    if isinstance(layer, _ConvNd) and x.ndim == len(layer.kernel_size) + 1:
        return "add the channel axis: images.unsqueeze(1)"
    if isinstance(layer, _ConvNd) and x.shape[-1] == layer.in_channels != x.shape[1]:
        return "put the channels first: images.permute(0, 3, 1, 2)"
    if isinstance(layer, _ConvNd) and x.shape[1] != layer.in_channels:
        return "build it with as many in_channels as the images have"
    return "try images.float(), divided by 255 if they are bytes"


def check_output(scores: Tensor, labels: Tensor, count: int) -> None:
    """Refuse unusable scores and labels; on a GPU wrong labels end the process."""
    if not isinstance(scores, Tensor):
        kind = type(scores).__name__
        raise ValueError(f"the network gives a {kind}, not a tensor (N, classes)")
    if scores.ndim != 2 or len(scores) != count:
        raise ValueError(
            f"the network gives scores of shape {tuple(scores.shape)} for {count} "
            "images, not (N, classes): try flatten(1) before the last layer"
        )
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise ValueError(
            f"labels must be int64, of shape (N,), not {labels.dtype} of shape "
            f"{tuple(labels.shape)}; try labels.long(), or labels.argmax(1) of one-hot"
        )
    for label in (labels.min().item(), labels.max().item()):
        if not 0 <= label < scores.shape[1]:
            raise ValueError(
                f"label {label} is outside 0…{scores.shape[1] - 1}: the network gives "
                f"{scores.shape[1]} scores for an image. Labels count from 0; subtract "
                "1, or give the last layer more outputs"
            )


def check_loss(loss: float, first: float, step: int, epoch: int) -> None:
    """Refuse a loss that is no longer a number, or far above the first."""
    if not math.isfinite(loss) or loss > EXPLODED * max(first, 1.0):
        raise TrainingDivergedError(
            f"the loss is {loss:.4g}, from {first:.4g}, at step {step} of epoch "
            f"{epoch}. Build the network anew and try a learning rate ten times lower, "
            "clip=1.0, or check that the images are normalised. A checkpoint of an "
            "earlier epoch is untouched: restore(network, PATH) brings it back"
        )
