"""Recipes: all the settings of a training under one name. Lesson 12.

    data = load("shapes")
    result = train(20, data, "fast", epochs=3)  # ResNet-20
    print(result.history.table(), result.accuracy)

`lecture` is the usual recipe, as it is taught; `fast` is made for few and short
epochs. Neither changes the network.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD

from helpers.data import Batches, DataSet
from helpers.networks import cifar_resnet, lenet5
from helpers.training import ranks
from helpers.training.checks import Guard, advice_on_memory
from helpers.training.history import History, Scores
from helpers.training.loop import divide_at, evaluate, fit

TEST_BATCH = 1000  # images; no gradients, so that more fit into memory
ONE_WAY_ROUND = "mnist", "digits"  # a mirrored 3 is no 3
NETWORKS = "resnetD and plainD, D = 20, 32, 44, 56, 110 …, and lenet5"


@dataclass(frozen=True)
class Recipe:
    """How to train: what decides the outcome, and how the hardware is used.

    Args:
        epochs: unless `train` is told another number.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        schedule: "steps" divides it by 10 after 50 % and 75 % of the epochs, rounded;
            "triangle" lets it rise for the first part, then fall to 0, with each step.
        nesterov: look ahead along the momentum, which is 0.9.
        weight_decay: L2 penalty on the weights.
        decay_all: on batch norm and biases too.
        label_smoothing: 0 to 1.
        mirror_test: at the end, test with the mean of an image's and its mirror's
            scores.
        channels_last: store maps as (N, H, W, C), as convolutions like them best.
        bf16: compute in bfloat16 where the hardware does.
        compiled: let torch.compile merge steps, where there is a GPU.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    nesterov: bool = False
    weight_decay: float = 1e-4
    decay_all: bool = True
    label_smoothing: float = 0.0
    mirror_test: bool = False
    channels_last: bool = False
    bf16: bool = False
    compiled: bool = False


RECIPES = {
    # He et al. 2015, section 4.2: 64 000 steps, divided by 10 after 32 000 and 48 000.
    "lecture": Recipe(164, 128, 0.1, "steps"),
    # 16 epochs are meant for a GPU; on a processor, 5 take some minutes.
    "fast": Recipe(
        epochs=16,
        batch_size=256,
        learning_rate=0.5,
        schedule="triangle",
        nesterov=True,
        weight_decay=5e-4,
        decay_all=False,
        label_smoothing=0.1,
        mirror_test=True,
        channels_last=True,
        bf16=True,
        compiled=True,
    ),
}


@dataclass(frozen=True)
class Result:
    """A finished training, or as much of it as there was before Ctrl+C.

    `seconds` are those of the epochs, tests included, also of a run that this one went
    on from; compiling before the first one is apart. `scores` are the network's on the
    test set; `mirrored` those with mirrored images too, where the recipe says so.
    """

    network: nn.Module
    history: History
    recipe: Recipe  # as it was followed: with what `train` was told instead
    scores: Scores
    mirrored: Scores | None
    seconds: float
    compile_seconds: float

    @property
    def accuracy(self) -> float:
        """On the test set, 0 to 1, tested as the recipe says."""
        return (self.mirrored or self.scores).accuracy


def build(name: str) -> nn.Module:
    """A network of this course by name, with 10 classes and weights by chance.

    Args:
        name: "resnet20" or "plain20" (any depth of 6n + 2; from (N, 3, 32, 32)), or
            "lenet5" (from (N, 1, 32, 32)).

    Raises:
        ValueError: for another name or depth.
    """
    if name == "lenet5":
        return lenet5()
    known = re.fullmatch(r"(resnet|plain)(\d+)", name)
    if known is None:
        raise ValueError(f"no network {name!r}; there are {NETWORKS}")
    return cifar_resnet(int(known[2]), plain=known[1] == "plain")


def triangle(
    warm_up: float, epochs: float, start: float = 0.2
) -> Callable[[float], float]:
    """A schedule for each step: up from ``start`` to 1 by ``warm_up``, then down to 0.

    Smith and Topin, "Super-convergence", 2017. For ``fit(..., each_step=True)``.

    Args:
        warm_up: epochs until the highest learning rate, more than 0.
        epochs: in all.
        start: factor of the first step.

    Raises:
        ValueError: unless 0 < warm_up < epochs.
    """
    if not 0 < warm_up < epochs:
        raise ValueError(f"0 < warm_up < epochs is needed, not {warm_up} and {epochs}")

    def factor(finished: float) -> float:
        if finished < warm_up:
            return start + (1 - start) * finished / warm_up
        return max(0.0, (epochs - finished) / (epochs - warm_up))

    return factor


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bfloat16, rather than imitate it slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":  # these two have other names in other versions, or none
        names = "_is_avx512_bf16_supported", "_is_amx_tile_supported"
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False


class Mirrored(nn.Module):
    """A network that looks at each image and its mirror image: the mean of the scores.

    (N, C, H, W) → (N, classes). For testing; twice the work.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, classes)."""
        return (self.network(images) + self.network(images.flip(3))) / 2


def train(
    network: nn.Module | int | str,
    data: DataSet,
    recipe: str | Recipe = "lecture",
    epochs: int | None = None,
    *,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    bf16: bool | None = None,
    compiled: bool | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    live: bool = False,
    on_epoch: Callable[[History], object] | None = None,
) -> Result:
    """Train a network by a recipe, on the data's device. Lesson 12.

    Random crops and mirror images are made there too, of whole batches; handwriting is
    never mirrored. With several processes (torchrun), each takes its share.

    Args:
        network: (N, C, H, W) → (N, 10); or a depth, of `cifar_resnet`; or a name that
            `build` knows. One that is given learns itself.
        data: from `load`, on the device to train on.
        recipe: "lecture", "fast", or your own `Recipe`.
        epochs: the recipe's, unless given; so are the next two.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        bf16: compute in bfloat16; as the recipe says, where the hardware does, if None.
        compiled: use torch.compile; as the recipe says, on a GPU that Triton knows, if
            None. It needs a C compiler, on a processor one for C++, and takes longer
            there than it saves in a short run.
        seed: of the weights (unless a network is given), the order and the crops.
        checkpoint: see `fit`, and so the last four.
        resume: continue from the checkpoint.
        progress: show a bar.
        live: draw the history in a notebook.
        on_epoch: called with the history after every epoch.

    Raises:
        ValueError: for settings that do not fit together.
        CheckpointError: when the checkpoint cannot be read or is of another run.
        TrainingDivergedError: when the loss is no number any more, or explodes.
        MemoryError: when a batch does not fit into memory.
    """
    recipe = _followed(recipe, data, epochs, batch_size, learning_rate, bf16, compiled)
    world = ranks.world()
    if recipe.batch_size % world:
        near = max(1, recipe.batch_size // world) * world
        raise ValueError(
            f"a batch of {recipe.batch_size} images cannot be shared equally by "
            f"{world} processes; try batch_size={near}"
        )
    torch.manual_seed(seed)
    if not isinstance(network, nn.Module):
        network = build(f"resnet{network}" if isinstance(network, int) else network)
    device = data.train.images.device
    network.to(device)
    if recipe.channels_last:
        network.to(memory_format=torch.channels_last)
    shares = {"seed": seed, "ranks": (ranks.rank(), world)}
    batches = Batches(
        *data.train,
        recipe.batch_size // world,
        augment="crop" if data.name in ONE_WAY_ROUND else True,
        pad_value=data.pad_value,
        **shares,
    )
    test = Batches(*data.test, TEST_BATCH, shuffle=False, **shares)
    compute = {"amp": recipe.bf16 or None, "channels_last": recipe.channels_last}

    with _quickest(device) if recipe.compiled else nullcontext():
        compile_seconds = 0.0
        if recipe.compiled:
            compile_seconds = _compile(network, batches, test, **compute)
        history = fit(
            network,
            batches,
            test,
            epochs=recipe.epochs,
            optimizer=_optimizer(network, recipe),
            schedule=_schedule(recipe),
            each_step=recipe.schedule == "triangle",
            label_smoothing=recipe.label_smoothing,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
            live=live,
            on_epoch=on_epoch,
            **compute,
        )
        together = len(history.rows) >= recipe.epochs
        if together:
            last = history.rows[-1]
            scores = Scores(last.test_loss, last.test_accuracy)
        else:  # stopped: the network is a later one, and other processes may be gone
            test = Batches(*data.test, TEST_BATCH, shuffle=False)
            scores = evaluate(network, test, **compute)
        mirrored = None
        if recipe.mirror_test:
            both = Mirrored(network)
            mirrored = evaluate(both, test, together=together, **compute)
    seconds = sum(row.seconds for row in history.rows)
    return Result(network, history, recipe, scores, mirrored, seconds, compile_seconds)


def _followed(
    recipe: str | Recipe,
    data: DataSet,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    bf16: bool | None,
    compiled: bool | None,
) -> Recipe:
    """The recipe, as this run on this hardware follows it."""
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise ValueError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
        recipe = RECIPES[recipe]
    told = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    recipe = replace(recipe, **{k: v for k, v in told.items() if v is not None})
    if recipe.epochs < 1 or int(recipe.epochs) != recipe.epochs:
        raise ValueError(f"epochs must be a whole number from 1, not {recipe.epochs}")
    if recipe.batch_size < 1 or not recipe.learning_rate > 0:
        raise ValueError(
            "batch_size must be 1 or more and learning_rate above 0, not "
            f"{recipe.batch_size} and {recipe.learning_rate}"
        )
    if recipe.schedule not in ("steps", "triangle"):
        raise ValueError(f'schedule is "steps" or "triangle", not {recipe.schedule!r}')
    device = data.train.images.device
    compiles = device.type == "cuda" and find_spec("triton") is not None
    return replace(
        recipe,
        bf16=recipe.bf16 and has_bf16(device) if bf16 is None else bf16,
        compiled=recipe.compiled and compiles if compiled is None else compiled,
        mirror_test=recipe.mirror_test and data.name not in ONE_WAY_ROUND,
    )


def _optimizer(network: nn.Module, recipe: Recipe) -> SGD:
    learning = [p for p in network.parameters() if p.requires_grad]
    weights = [p for p in learning if p.ndim > 1 or recipe.decay_all]
    others = [p for p in learning if p.ndim <= 1 and not recipe.decay_all]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return SGD(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        momentum=0.9,
        nesterov=recipe.nesterov,
        # One kernel for all parameters; on a processor that saves nothing.
        fused=True if all(p.device.type == "cuda" for p in learning) else None,
    )


def _schedule(recipe: Recipe) -> Callable[[float], float] | None:
    epochs = recipe.epochs
    if recipe.schedule == "triangle":
        return triangle(0.25 * epochs, epochs)
    return divide_at(*(max(1, round(part * epochs)) for part in (0.5, 0.75)))


def _quickest(device: torch.device) -> AbstractContextManager:
    """Let cuDNN try its algorithms out: the batches are always equally large."""
    if device.type != "cuda":
        return nullcontext()
    cudnn = torch.backends.cudnn
    return cudnn.flags(
        enabled=True,
        benchmark=True,
        deterministic=cudnn.deterministic,
        allow_tf32=cudnn.allow_tf32,
    )


def _compile(
    network: nn.Module,
    train: Batches,
    test: Batches,
    amp: bool | None,
    channels_last: bool,
) -> float:
    """Compile the network for the batches it will get, and leave it as it was.

    Returns:
        The seconds that took.
    """
    begin = time.perf_counter()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    guard = Guard(network, train, cross_entropy, cross_entropy, amp, channels_last)
    with advice_on_memory(guard):
        with torch.no_grad():  # what does not fit is told before it is compiled
            guard.forward(train.images[:2], train.labels[:2])
        network.compile(dynamic=False)
        # The first batch and the last: the sizes that there are.
        for images, labels in _first_and_last(train):
            guard.batch_size = len(images)
            _try(network, images, labels, amp, channels_last)
        network.zero_grad()
        network.load_state_dict(state)
        few = list(_first_and_last(test))
        evaluate(network, few, amp=amp, channels_last=channels_last)
    if train.images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _first_and_last(batches: Batches) -> Iterable[tuple[Tensor, Tensor]]:
    share = len(range(batches.ranks[0], len(batches.images), batches.ranks[1]))
    last = share - (len(batches) - 1) * batches.batch_size
    for count in dict.fromkeys((min(batches.batch_size, share), last)):
        yield batches.images[:count], batches.labels[:count]


def _try(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    amp: bool | None,
    channels_last: bool,
) -> None:
    network.train()
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bool(amp)):
        cross_entropy(network(images), labels).backward()
