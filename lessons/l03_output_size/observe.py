"""Observing candidates, as plain data; knows no answers. See `Exercise.run`."""

import torch
from torch import Tensor, nn

from helpers.exercises.engine import Case


def images_of(each: Case) -> Tensor:
    """The images that the layer of 03.12 gets."""
    return torch.randn(*each.args[0], generator=torch.Generator().manual_seed(3))


def built(make, each: Case):
    """What a layer has and gives; for what is no layer, the name of its type."""
    layer = make()
    if not isinstance(layer, nn.Module):
        return type(layer).__name__
    output = layer(images_of(each))
    weights = [p for p in layer.parameters() if p.ndim > 1]
    bias = next((p for p in layer.parameters() if p.ndim == 1), None)
    return {"output": output, "weights": weights, "bias": bias}
