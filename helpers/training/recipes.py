"""Recipes: all the settings of a training under one name.

`lecture` is the usual recipe, as it is taught; `fast` is made for few and short
epochs. Neither changes the network. `dataclasses.replace(RECIPES["fast"], ...)` is a
recipe with other settings.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.optim import SGD
from tqdm import tqdm

from helpers.data import Batches, DataSet
from helpers.device import has_bf16
from helpers.networks.named import Mirrored, build
from helpers.training import ranks
from helpers.training.history import History, Scores
from helpers.training.loop import divide_at, evaluate, fit, triangle
from helpers.training.run import Options, Schedule

TEST_BATCH = 1000  # images; no gradients, so that more fit into memory
ONE_WAY_ROUND = "mnist", "digits"  # a mirrored 3 is no 3


@dataclass(frozen=True)
class Recipe:
    """How to train: what decides the outcome, and how the hardware is used."""

    epochs: int  # unless `train` is told another number
    batch_size: int  # images in a step, of all processes together
    learning_rate: float  # the highest
    # "steps" divides it by 10 after 50 % and 75 % of the epochs, rounded; "triangle"
    # lets it rise for a quarter of them, then fall to 0.
    schedule: str
    nesterov: bool = False  # look ahead along the momentum, which is 0.9
    weight_decay: float = 1e-4  # L2 penalty on the weights
    decay_all: bool = True  # on batch norm and biases too
    label_smoothing: float = 0.0  # 0 to 1
    mirror_test: bool = False  # at the end, see `Mirrored`; never of handwriting
    channels_last: bool = False  # store maps (N, H, W, C), as convolutions like them
    bf16: bool = False  # compute in bfloat16, where the hardware does
    compiled: bool = False  # let torch.compile merge steps, on a GPU

    def factor(self) -> Schedule:
        """The schedule as `fit` takes it: epochs finished → factor."""
        if self.schedule == "steps":
            return divide_at(*(max(1, round(x * self.epochs)) for x in (0.5, 0.75)))
        if self.schedule == "triangle":
            return triangle(0.25 * self.epochs, self.epochs)
        raise ValueError(f'schedule is "steps" or "triangle", not {self.schedule!r}')

    def optimizer(self, network: nn.Module) -> SGD:
        """SGD for all that can learn in the network."""
        learning = [p for p in network.parameters() if p.requires_grad]
        decayed = [p for p in learning if p.ndim > 1 or self.decay_all]
        others = [p for p in learning if p.ndim <= 1 and not self.decay_all]
        groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        return SGD(
            [group for group in groups if group["params"]],
            lr=self.learning_rate,
            momentum=0.9,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
            # One kernel for all parameters; on a processor that saves nothing.
            fused=all(p.is_cuda for p in learning) or None,
        )


RECIPES = {
    # He et al. 2015, section 4.2: 64 000 steps; the rate falls after 32 000 and 48 000.
    "lecture": Recipe(164, 128, 0.1, "steps"),
    # 48 epochs are meant for a GPU; on a processor, 5 take some minutes.
    "fast": Recipe(
        epochs=48,
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
    """A finished training, or as much of it as there was before Ctrl+C."""

    network: nn.Module
    history: History
    recipe: Recipe  # as it was followed, on this hardware
    scores: Scores  # on the test set
    mirrored: Scores | None  # with mirrored images too, where the recipe says so

    @property
    def accuracy(self) -> float:
        """On the test set, 0 to 1, tested as the recipe says."""
        return (self.mirrored or self.scores).accuracy


def train(
    network: nn.Module | str,
    data: DataSet,
    recipe: str | Recipe = "lecture",
    epochs: int | None = None,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Result:
    """Train a network by a recipe, on the data's device.

    Random crops and mirror images are made there too; handwriting is never mirrored.
    With several processes (torchrun), each takes its share.

    Args:
        network: (N, C, H, W) → (N, 10), trained in place; or a name for `build`.
        data: from `load`, on the device to train on.
        recipe: "lecture", "fast", or your own `Recipe`.
        epochs: the recipe's, unless given.
        seed: of the weights (unless a network is given), the order and the crops.
        checkpoint, resume, progress: see `Options` and `fit`, also for what is raised.
    """
    if not isinstance(recipe, Recipe) and recipe not in RECIPES:
        raise ValueError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    recipe, device = RECIPES.get(recipe, recipe), data.train.images.device
    mirrors = data.name not in ONE_WAY_ROUND
    recipe = replace(  # as this run on this hardware follows it
        recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        bf16=recipe.bf16 and has_bf16(device),
        compiled=recipe.compiled and device.type == "cuda",
        mirror_test=recipe.mirror_test and mirrors,
    )
    if recipe.epochs < 1:
        raise ValueError(f"epochs must be 1 or more, not {recipe.epochs}")
    share = ranks.rank(), ranks.world()
    size, rest = divmod(recipe.batch_size, share[1])
    if rest:
        raise ValueError(
            f"a batch of {recipe.batch_size} images cannot be shared equally by "
            f"{share[1]} processes; try batch_size={(size + 1) * share[1]}"
        )
    torch.manual_seed(seed)
    network = (build(network) if isinstance(network, str) else network).to(device)
    augment = True if mirrors else "crop"
    drawn = {"augment": augment, "seed": seed, "pad_value": data.pad_value}
    batches = Batches(*data.train, size, **drawn, ranks=share)
    test = Batches(*data.test, TEST_BATCH, shuffle=False, ranks=share)
    names = "label_smoothing", "channels_last", "bf16"
    compute = {name: getattr(recipe, name) for name in names}
    options = Options(**compute, checkpoint=checkpoint, resume=resume)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # so few sizes: try all algorithms
    if recipe.compiled:
        network.compile(dynamic=False)  # for each size of batch
        try:
            evaluate(network, [[part[:size] for part in data.train]], options)
        except Exception as problem:  # no C compiler, no Triton, an old GPU …
            network._compiled_call_impl = None  # PyTorch has no word for it
            recipe = replace(recipe, compiled=False)
            why = str(problem).strip().partition("\n")[0]
            tqdm.write(f"Not compiled, so slower: {why}", file=sys.stderr)
    epochs, schedule = recipe.epochs, recipe.factor()
    optimizer = recipe.optimizer(network)
    history = fit(
        network, batches, test, epochs, optimizer, schedule, options, progress
    )
    network._compiled_call_impl = None  # left as it was given
    if len(history.rows) < epochs:  # stopped: other processes may be gone
        test = Batches(*data.test, TEST_BATCH, shuffle=False)
    scores, mirrored = evaluate(network, test, options), None
    if recipe.mirror_test:
        mirrored = evaluate(Mirrored(network), test, options)
    return Result(network, history, recipe, scores, mirrored)
