"""Observing a network: what it computes with given parameters, as plain data.

The half of `lessons.modules` that knows no answers: the reference's results are
computed where answers are judged. See there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, permutations, product
from math import factorial, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy

from helpers.exercises.engine import Case

MODES = ("evaluation", "training", "evaluation after training", "gradient")
_TRIALS = 24  # orders for layers of the same shape; where there are more, only one
# The CPU's alone: torch.manual_seed would seed a GPU too, whose random state nobody
# keeps here, and where none has been used it takes 2 ms.
_SEEDED = torch.random.default_generator

Shapes = tuple[tuple[int, ...], ...]


def observe(
    candidate: Any,
    each: Case,
    scales: Sequence[float] = (1,),
    units: Sequence[Shapes] = (),
    order: int | None = 0,
) -> Any:
    """What the network that a candidate makes does on an input.

    Args:
        candidate: a class or function that makes the network.
        each: the shape of the input, then the arguments of the candidate.
        scales: how large the inputs of a batch are, in turn, and again from the start.
        units: the shapes of each module that has parameters, in the order in which
            modules of the same shapes are tried.
        order: which order of its modules to observe; 0 is that in which they are made.
            None: only the outputs in evaluation, of every order but that one.

    Returns:
        Shapes of its parameters and of each module's own, and outputs by mode; for
        None, a list of outputs; for what is no network, the name of its type.
    """
    shape, *arguments = each.args
    images = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    for position, image in enumerate(images):
        image *= scales[position % len(scales)]
    with torch.random.fork_rng(devices=[]):
        _SEEDED.manual_seed(0)
        network = Case(tuple(arguments), each.kwargs).call(candidate)
        if not isinstance(network, nn.Module):
            return type(network).__name__
        orders = _orders(network, images, units)
        if order is None:
            others = list(islice(orders, 1, None))
            return [_evaluated(network, modules, images)[0] for modules in others]
        return _behaviour(network, next(islice(orders, order, None)), images)


def _orders(
    network: nn.Module, images: Tensor, units: Sequence[Shapes] = ()
) -> Iterator[list[nn.Module]]:
    """All modules as they are made, as they compute, and as ``units`` ask for them."""
    network.to(torch.float32)
    if any(map(is_lazy, network.parameters())):
        _order_of_use(network, images)  # creates them
    yield (made := list(network.modules()))
    yield _order_of_use(network, images)
    groups: dict[Shapes, list[nn.Module]] = {}
    for module in made:
        groups.setdefault(_own_shapes(module), []).append(module)
    groups.pop((), None)
    if Counter(units) != {shapes: len(group) for shapes, group in groups.items()}:
        return
    count = prod(factorial(len(group)) for group in groups.values())
    turns = product(*map(permutations, groups.values()))
    for turn in islice(turns, count if count <= _TRIALS else 1):
        ranks = {_own_shapes(group[0]): iter(group) for group in turn}
        yield [next(ranks[shapes]) for shapes in units]


def _own_shapes(module: nn.Module) -> Shapes:
    return tuple(tuple(p.shape) for p in module.parameters(recurse=False))


def _order_of_use(network: nn.Module, images: Tensor) -> list[nn.Module]:
    """All modules, in the order in which they compute; unused ones last."""
    used: dict[nn.Module, None] = {}
    hook = register_module_forward_pre_hook(lambda module, _: used.setdefault(module))
    try:
        with torch.no_grad():
            network.eval()(images)
    finally:
        hook.remove()
    return list(used | dict.fromkeys(network.modules()))


def _evaluated(
    network: nn.Module, modules: list[nn.Module], images: Tensor
) -> tuple[list[Tensor], list[nn.Parameter]]:
    """Its outputs in evaluation with given parameters, and these in their order."""
    own = [p for m in modules for p in m.parameters(recurse=False)]
    parameters = list(dict.fromkeys(own))  # each once, where several share it
    _fill(parameters, [b for m in modules for b in m.buffers(recurse=False)])
    return _outputs(network.eval(), images), parameters


def _outputs(network: nn.Module, images: Tensor) -> list[Tensor]:
    _SEEDED.manual_seed(0)  # dropout zeroes the same elements
    with torch.no_grad():
        return _flat(network(images.clone()))


def _behaviour(
    network: nn.Module, modules: list[nn.Module], images: Tensor
) -> dict[str, Any]:
    evaluation, parameters = _evaluated(network, modules, images)
    training = _outputs(network.train(), images)
    after = _outputs(network.eval(), images)
    gradient = _gradients(network, images, parameters)
    return {
        "shapes": tuple(tuple(p.shape) for p in parameters),
        "units": tuple(shape for m in modules if (shape := _own_shapes(m))),
        "outputs": dict(zip(MODES, (evaluation, training, after, gradient))),
    }


def _gradients(
    network: nn.Module, images: Tensor, parameters: Sequence[Tensor]
) -> list[Tensor]:
    """Of a sum of all outputs, each with a weight of its own; none where it is cut."""
    learning = [images.clone().requires_grad_(), *parameters]
    outputs = [o for o in _flat(network(learning[0])) if o.requires_grad]
    weighted = [(o.flatten() * torch.linspace(-1, 1, o.numel())).sum() for o in outputs]
    if not weighted:
        return []
    found = torch.autograd.grad(sum(weighted), learning, allow_unused=True)
    return [torch.zeros(1) if g is None else g.flatten() for g in found]


def _fill(parameters: Iterable[Tensor], buffers: Iterable[Tensor]) -> None:
    """Same numbers in the same place, for any network with the same shapes."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in parameters:
            inputs = p[0].numel() if p.ndim > 1 else 1
            numbers = torch.randn(p.shape, generator=generator)
            p.copy_(numbers / max(inputs, 1) ** 0.5)
        for b in buffers:
            if b.is_floating_point():  # running mean and variance: positive
                b.copy_(0.5 + torch.rand(b.shape, generator=generator))


def _flat(output: Any) -> list[Tensor]:
    """The tensors of an output, also of a network with several."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, tuple | list):
        return [tensor for each in output for tensor in _flat(each)]
    raise TypeError(f"forward gives {type(output).__name__} but should give a tensor")
