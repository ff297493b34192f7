"""Observing candidates, as plain data; knows no answers. See `Exercise.run`."""

import torch
from torch import nn


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _made(kind, D, classes):
    if kind == "signed":  # its features may be below 0
        layers = [nn.Flatten(), nn.Linear(3 * 6 * 6, D)]
    elif kind == "dense":
        layers = [nn.Flatten(), nn.Linear(3 * 6 * 6, D), nn.ReLU()]
    else:
        layers = [nn.Conv2d(3, D, 3), nn.BatchNorm2d(D), nn.ReLU()]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(D, classes))


def network_of(each):
    """The network whose last layer 14.2 replaces, always with the same weights."""
    kind, D, before, _ = each.args
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        return _made(kind, D, before).eval()


def probed(candidate, each):
    """How many numbers learn in a probe, the backbone's weights, and scores.

    The scores are those with given weights in what learns. For what is no Sequential,
    whose parts the lesson uses, the name of its type.
    """
    network = network_of(each)
    with torch.random.fork_rng(devices=[]):
        # Other numbers: weights that are made anew must differ.
        torch.random.default_generator.manual_seed(1)
        probe = candidate(network, each.args[-1])
    if not isinstance(probe, nn.Sequential):
        return type(probe).__name__
    images = _random(2, 3, 6, 6, seed=each.args[1])
    probe.eval()(images).square().sum().backward()
    learning = [p for p in probe.parameters() if p.grad is not None]
    backbone = [(n, p.detach().clone()) for n, p in network[:-1].named_parameters()]
    with torch.no_grad():
        for p in learning:
            p.copy_(_random(*p.shape, seed=p.ndim))
        scores = probe(images)
    numbers = sum(p.numel() for p in learning)
    return {"numbers": numbers, "backbone": backbone, "scores": scores}
