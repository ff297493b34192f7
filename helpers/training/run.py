"""What decides a training run, and what has become of it so far."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from helpers.training import checks
from helpers.training.history import History

Schedule = Callable[[float], float]  # epochs finished → factor of the learning rate


@dataclass(frozen=True)
class Options:
    """What `fit` is rarely told."""

    label_smoothing: float = 0.0  # 0 to 1, while learning
    clip: float | None = None  # largest norm of all gradients together
    channels_last: bool = False  # store as (N, H, W, C): faster on most GPUs
    bf16: bool = False  # compute in bfloat16: see `has_bf16` in helpers.device
    # Written after every epoch, in place of an older one, but of no other file. With
    # resume the run goes on from it, on a CPU bit for bit as without the stop.
    checkpoint: str | Path | None = None
    resume: bool = False


@dataclass
class Run:
    """A network in use, and all that decides what becomes of it."""

    network: nn.Module
    batches: Iterable
    options: Options
    optimizer: Optimizer | None = None
    schedule: Schedule | None = None
    path: Path | None = None  # of the checkpoint
    learner: nn.Module | None = None  # what learns: may share the gradients
    history: History = field(default_factory=History)
    batch_size: int = 0  # of the last batch; 0 before the first
    first_loss: float | None = None

    def set_rate(self, finished: float) -> float:
        """Set the learning rate for the next step; return that of the first group."""
        for group in self.optimizer.param_groups:
            if self.schedule is not None:
                group["lr"] = group["initial_lr"] * self.schedule(finished)
        return float(self.optimizer.param_groups[0]["lr"])

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N, classes) and the loss, one number, of one batch."""
        options, first, check = self.options, not self.batch_size, nullcontext()
        self.batch_size, learns = len(images), torch.is_grad_enabled()
        if first:
            check = checks.first_batch(self.network, images, labels)
        if options.channels_last and images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        device = images.device.type
        with check, torch.autocast(device, torch.bfloat16, enabled=options.bf16):
            scores = (self.learner if learns else self.network)(images)
            known = getattr(self.batches, "labels", None)
            # Reading labels waits for the GPU: there in the first epoch only.
            each = known is None and (labels.is_cpu or not self.history.rows)
            if first or each:
                labelled = labels if known is None else known
                checks.check_output(scores, labelled, len(images))
            smoothing = options.label_smoothing if learns else 0.0
            loss = cross_entropy(scores, labels, label_smoothing=smoothing)
        if learns and not loss.requires_grad:
            raise ValueError(
                "the loss does not depend on any parameter that learns; look for "
                "no_grad, detach, .data or NumPy inside the network"
            )
        return scores, loss
