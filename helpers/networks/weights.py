"""Starting weights, and those that torchvision publishes."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def he_initialise(network: nn.Module) -> None:
    """Draw convolution weights with variance 2 / (F · F · K), biases zero. Lesson 11.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, section 2.2: with ReLU
    between the layers, gradients then keep their size on the way back.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def accept_torchvision(network: Network) -> Network:
    """Let ``load_state_dict`` take the weights of torchvision's network of this form.

    Layers are named otherwise there, but stand in the same order. Names are translated
    by that order, and only when every tensor finds one of its own kind and shape;
    otherwise PyTorch complains about the names as usual. The counts of batches that
    old files lack are not missed.
    """

    def translate(
        module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object
    ) -> None:
        ours = {prefix + name: t for name, t in module.state_dict().items()}
        theirs = {name: t for name, t in state.items() if name.startswith(prefix)}
        if ours.keys() == theirs.keys():
            return
        pairs = list(zip(_by_layer(ours).items(), _by_layer(theirs).items()))
        counts = len(_by_layer(ours)), len(_by_layer(theirs))
        if counts[0] == counts[1] and all(_alike(a, b) for (_, a), (_, b) in pairs):
            for name in theirs:
                del state[name]
            for (layer, _), (_, tensors) in pairs:
                state.update({f"{layer}.{kind}": t for kind, t in tensors.items()})

    network.register_load_state_dict_pre_hook(translate)
    return network


def _by_layer(state: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by kind ("weight", "bias" …) for each layer, in their order."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        found.setdefault(layer, {})[kind] = tensor
    return found


def _alike(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    shapes = [
        {k: t.shape for k, t in layer.items() if k != "num_batches_tracked"}
        for layer in (ours, theirs)
    ]
    return shapes[0] == shapes[1] and theirs.keys() <= ours.keys()
