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
    otherwise PyTorch complains about the names as usual.
    """

    def translate(
        module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object
    ) -> None:
        ours = module.state_dict()
        theirs = {name: t for name, t in state.items() if name.startswith(prefix)}
        same = [prefix + name for name in ours] == list(theirs)
        if same or len(ours) != len(theirs):
            return
        pairs = list(zip(ours.items(), theirs.items()))
        if all(
            name.rpartition(".")[2] == other.rpartition(".")[2]
            and tensor.shape == value.shape
            for (name, tensor), (other, value) in pairs
        ):
            for name in theirs:
                del state[name]
            state.update({prefix + name: value for (name, _), (_, value) in pairs})

    network.register_load_state_dict_pre_hook(translate)
    return network
