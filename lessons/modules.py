"""Judging a network by what it computes, whatever its layers are called.

Candidate and reference get the same numbers as parameters, one after the other, and
must then give the same outputs: in evaluation, in training, and in evaluation after
that (where running averages have moved); and the same gradients. An exercise says
``run=by_function("NN.6"), shown=on_input`` and has cases such as
``case((2, 1, 32, 32), …)``: the shape of the input, then arguments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, permutations, product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy

from helpers.exercises.engine import Case, reference

_TOLERANCE = 1e-4
_TRIALS = 24  # of another order for layers of the same shape
# The CPU's alone: torch.manual_seed would seed a GPU too, whose random state nobody
# keeps here, and where none has been used it takes 2 ms.
_SEEDED = torch.random.default_generator

Shapes = tuple[tuple[int, ...], ...]


class Behaviour:
    """What a network does: shapes of its parameters, and outputs by mode.

    Two are equal when the shapes are the same in order and the outputs agree. A dense
    layer is as good as the convolution whose kernel covers its whole input: of a shape
    only the first number and the product of the others count.
    """

    def __init__(
        self, shapes: Shapes, outputs: dict[str, Any], words: str, units: Sequence
    ) -> None:
        self.shapes, self.outputs, self.words = shapes, outputs, words
        self.units = units  # the shapes of each module that has parameters

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Behaviour)
            and list(map(_rows, self.shapes)) == list(map(_rows, other.shapes))
            and not self.differing(other)
        )

    __hash__ = None

    def differing(self, other: Behaviour) -> list[str]:
        """Names of the modes in which the outputs differ."""
        return [
            mode
            for mode, output in self.outputs.items()
            if not _close(output, other.outputs[mode])
        ]

    def __repr__(self) -> str:
        return self.words


def by_function(
    number: str, scales: Sequence[float] = (1,)
) -> Callable[[Any, Case], Any]:
    """Make the ``run`` of an exercise whose candidate is a class or makes a network.

    A case holds the shape of the input, then the arguments of the candidate. Parameters
    are matched in the order in which the layers are made; where that does not fit, in
    the order in which they compute, or layers of one shape by trial. The result of a
    candidate that does not match says what is different.

    Args:
        number: of the exercise, whose reference makes a network from the arguments.
        scales: how large the inputs of a batch are, in turn, and again from the start.
    """

    known: dict[str, list[Behaviour]] = {}  # of the reference, by case

    def run(candidate: Any, each: Case) -> Any:
        shape, *arguments = each.args
        images = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
        for position, image in enumerate(images):
            image *= scales[position % len(scales)]
        with torch.random.fork_rng(devices=[]):
            wanted = known.get(key := repr(each))
            if wanted is None:
                network = reference(number)(*arguments, **each.kwargs)
                orders = islice(_orders(network, images), 2)
                wanted = [_behaviour(network, order, images) for order in orders]
                if " at 0x" not in key and "tensor" not in key:  # says it all
                    known[key] = wanted
            if candidate is reference(number):
                return wanted[0]
            _SEEDED.manual_seed(0)
            network = Case(tuple(arguments), each.kwargs).call(candidate)
            if not isinstance(network, nn.Module):
                return f"{type(network).__name__}, not a network"
            first = None
            for order in _orders(network, images, wanted[0].units):
                got = _behaviour(network, order, images, wanted if first else ())
                if got in wanted:
                    return wanted[0]
                first = first or got
        first.words = _difference(first, wanted[0])
        return first

    return run


def on_input(name: str, each: Case) -> str:
    """Write a case for the card: ``Block(16, 32) on an input (2, 16, 8, 8)``."""
    inner = Case(each.args[1:], each.kwargs).shown(name)
    return f"{inner} on an input {tuple(each.args[0])}"


def _orders(
    network: nn.Module, images: Tensor, units: Sequence[Shapes] = ()
) -> Iterator[list[nn.Module]]:
    """All modules as they are made, as they compute, and as ``units`` ask for them."""
    network.to(torch.float32)
    if any(map(is_lazy, network.parameters())):
        _order_of_use(network, images)  # creates them
    yield (made := list(network.modules()))
    if (used := _order_of_use(network, images)) != made:
        yield used
    groups: dict[Shapes, list[nn.Module]] = {}
    for module in made:
        groups.setdefault(_own_shapes(module), []).append(module)
    if Counter(units) != {k: len(group) for k, group in groups.items() if k}:
        return
    turns = product(*(permutations(group) for k, group in groups.items() if k))
    for turn in islice(turns, _TRIALS):
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


def _behaviour(
    network: nn.Module,
    modules: Iterable[nn.Module],
    images: Tensor,
    like: Sequence[Behaviour] = (),
) -> Behaviour | None:
    """What it does; None where the first outputs are none of those of ``like``."""
    modules = list(modules)
    own = [p for m in modules for p in m.parameters(recurse=False)]
    parameters = list(dict.fromkeys(own))  # each once, where several share it
    _fill(parameters, [b for m in modules for b in m.buffers(recurse=False)])
    outputs = {}
    with torch.no_grad():
        for name, training in (
            ("evaluation", False),
            ("training", True),
            ("evaluation after training", False),
        ):
            _SEEDED.manual_seed(0)  # dropout zeroes the same elements
            outputs[name] = _flat(network.train(training)(images.clone()))
            if like and not any(_close(outputs[name], b.outputs[name]) for b in like):
                return None
    outputs["gradient"] = _gradients(network.eval(), images, parameters)
    shapes = tuple(tuple(p.shape) for p in parameters)
    total = sum(p.numel() for p in parameters)
    shown = [str(tuple(output.shape)) for output in outputs["evaluation"]]
    words = (
        f"output {' and '.join(shown)}, {len(shapes)} parameter tensors "
        f"with {total} numbers"
    )
    units = tuple(shape for m in modules if (shape := _own_shapes(m)))
    return Behaviour(shapes, outputs, words, units)


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


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(K, D1, F, F) → (K, D1·F·F)."""
    return shape[:1] + ((math.prod(shape[1:]),) if len(shape) > 1 else ())


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


def _close(got: list[Tensor], expected: list[Tensor]) -> bool:
    return len(got) == len(expected) and all(
        a.shape == b.shape and torch.allclose(a, b, _TOLERANCE, _TOLERANCE)
        for a, b in zip(got, expected)
    )


def _difference(got: Behaviour, expected: Behaviour) -> str:
    """What a learner can act on: shapes first, then outputs."""
    for position, (a, b) in enumerate(zip(got.shapes, expected.shapes), 1):
        if _rows(a) != _rows(b):
            return (
                f"{got.words}; number {position} in order has the shape {a} and "
                f"should have {b}"
            )
    here, wanted = len(got.shapes), len(expected.shapes)
    if here != wanted:
        extra = (got.shapes[wanted:] or expected.shapes[here:])[:5]
        what = "too much" if here > wanted else "missing"
        return f"{got.words}; {what}: {', '.join(map(str, extra))}"
    modes = expected.differing(got)
    if modes[0] == "gradient":
        return f"{got.words}; other gradients: does detach, no_grad or .data cut them?"
    first = got.outputs[modes[0]], expected.outputs[modes[0]]
    shapes = [[tuple(t.shape) for t in output] for output in first]
    if shapes[0] != shapes[1]:
        return got.words
    return f"{got.words}; other numbers in {modes[0]}, with the same parameters"
