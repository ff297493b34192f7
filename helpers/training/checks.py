"""Checks of what goes into a network and what comes out; each says what to try."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.conv import _ConvNd

if TYPE_CHECKING:
    from helpers.training.loop import Run

EXPLODED = 1e4  # times the first loss, or times 1 where that was smaller
EMPTY = (
    "the loader is empty: no batch came out of it. Look at the number of images, and "
    "at drop_last with a batch size above it"
)


class TrainingDivergedError(RuntimeError):
    """The loss is infinite, not a number, or far above where it began."""


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


class Guard:
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
        self.learner = network  # what is called to learn: may share the gradients
        self.bf16, self.channels_last = _bf16(network, amp), channels_last
        # Another loss may want other labels: one for which there is no accuracy.
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
                learns = torch.is_grad_enabled()
                output = (self.learner if learns else self.network)(images)
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
        """The first batch against the network's device; each one's counts."""
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
        compiled = any(
            hasattr(module, "_orig_mod") or module._compiled_call_impl is not None
            for module in self.network.modules()
        )
        if self.new and not compiled:
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


def check_losses(run: Run, losses: list[Tensor], epoch: int, step: int) -> None:
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
def advice_on_memory(guard: Guard) -> Iterator[None]:
    """Tell what to try, and let go of what did not fit, when memory runs out.

    Raises:
        MemoryError: in the place of whatever the allocator raised.
    """
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
