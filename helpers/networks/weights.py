"""Starting weights, and loading those that torchvision publishes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def he_initialise(network: nn.Module) -> None:
    """Draw convolution weights with variance 2 / (F · F · K), and set biases to zero.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, section 2.2: with ReLU
    between the layers, gradients then keep their size on the way back.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def accept_names(network: Network, names: Mapping[str, str]) -> Network:
    """Let ``load_state_dict`` also take the names that another library gives.

    Args:
        network: changed in place, and returned.
        names: one or more parts of a dotted name there → the parts here. None of
            theirs may be among the network's own.
    """
    network.register_load_state_dict_pre_hook(partial(_rename, names))
    return network


def _rename(names: Mapping, _module: object, state: dict, prefix: str, *_) -> None:
    """A hook for `nn.Module.register_load_state_dict_pre_hook`."""
    for old in [name for name in state if name.startswith(prefix)]:
        new = "." + old.removeprefix(prefix)  # each part between two dots
        for theirs, ours in names.items():
            new = new.replace(f".{theirs}.", f".{ours}.")
        state[prefix + new[1:]] = state.pop(old)
