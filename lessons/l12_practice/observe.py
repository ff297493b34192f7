"""Observing candidates, as plain data; knows no answers. See `Exercise.run`."""

from functools import cache

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.exercises.engine import Case

BLUE = 200  # of all pixels of the picture; red tells the row, green the column
_DRAWS = 40  # neither outermost of nine places is seen in one of 20 000 answers


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _pair(value):
    """Two things, in a tuple or a list, or None."""
    return value if isinstance(value, tuple | list) and len(value) == 2 else None


# --- 12.13 and 12.14: the class's pipeline --------------------------------------------


@cache
def _picture():
    rows, columns = torch.meshgrid(*[torch.arange(32)] * 2, indexing="ij")
    blue = torch.full((32, 32), BLUE)
    pixels = torch.stack([20 + 5 * rows, 20 + 5 * columns, blue], dim=2)
    return Image.fromarray(pixels.to(torch.uint8).numpy())


def _differs(image, other):
    return not isinstance(image, torch.Tensor) or not torch.equal(image, other)


def _drawn(transform):
    """What a transform makes of a picture, again and again; types of what is no tensor.

    Ten times, and more often where they differ.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = [transform(_picture().copy()) for _ in range(10)]
        if any(_differs(image, seen[0]) for image in seen):
            seen += [transform(_picture().copy()) for _ in range(_DRAWS - 10)]
    return [i if isinstance(i, torch.Tensor) else type(i).__name__ for i in seen]


def both(candidate, each: Case):
    """What both pipelines make of a picture; for what is no pair, its type's name."""
    steps = candidate(*each.args)
    if not _pair(steps):
        return type(steps).__name__
    return [_drawn(transform) for transform in steps]


def loaded(candidate, each: Case):
    """Workers of the loaders, and two epochs of each, batch by batch.

    For what is no pair of loaders, the name of its type.
    """
    counts = each.args[:2]
    sets = [
        TensorDataset(torch.arange(float(n))[:, None], torch.arange(n)) for n in counts
    ]
    made = {asked: candidate(*sets, workers=asked) for asked in (0, each.args[2])}
    for loaders in made.values():
        if not _pair(loaders):
            return type(loaders).__name__
    workers = [_workers(made[n], n) for n in made]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        epochs = [[_epoch(loader), _epoch(loader)] for loader in made[0]]
    return {"workers": workers, "epochs": epochs}


def _epoch(loader):
    return [(images[:, 0].tolist(), labels.tolist()) for images, labels in loader]


def _workers(loaders, asked):
    """How many each has. Without any from now on: none is started for a check."""
    found = [getattr(loader, "num_workers", asked) for loader in loaders]
    for loader in loaders:
        if isinstance(loader, DataLoader):
            loader.num_workers = 0
    return found


# --- 12.5 to 12.7: networks -----------------------------------------------------------


class Block(nn.Sequential):
    """A block to build with. What 12.5 asks for is another one, which is not here."""

    def __init__(self, C1, C2, stride):
        conv = nn.Conv2d(C1, C2, 3, stride, padding=1, bias=False)
        super().__init__(conv, nn.BatchNorm2d(C2), nn.Tanh())


def plain(C1, C2, stride):
    """What the lesson's `Plain` makes."""
    first = nn.Conv2d(C1, C2, 3, stride, padding=1, bias=False)
    second = nn.Conv2d(C2, C2, 3, padding=1, bias=False)
    norms = nn.BatchNorm2d(C2), nn.BatchNorm2d(C2)
    return nn.Sequential(first, norms[0], nn.ReLU(), second, norms[1], nn.ReLU())


# --- 12.12: the mirror test -----------------------------------------------------------


def looked(candidate, each: Case):
    """What the candidate makes of a small network that knows left from right."""
    shape, classes = each.args
    weights = _random(classes, *shape[1:], seed=12)
    # Not linear, or a mean of pixels would do as well as one of scores.
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(weights[0].numel(), classes), nn.Softplus()
    )
    with torch.no_grad():
        network[1].weight.copy_(weights.flatten(1))
        network[1].bias.copy_(_random(classes, seed=13))
        return candidate(network, _random(*shape, seed=sum(shape)))
