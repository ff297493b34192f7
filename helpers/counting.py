"""What a network costs, layer by layer: shapes, parameters, multiply-adds.

Counted on PyTorch's meta device, whose tensors have a shape and no contents: VGG costs
milliseconds and no memory. Needs no Jupyter.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

HEAD = ("layer", "type", "output", "weights", "biases", "multiply-adds")
BYTES = 4  # of a number in float32


@dataclass(frozen=True)
class Layer:
    """One layer of a table; all numbers are for one image.

    ``output`` is the shape without the batch: (K, H2, W2), or (features,).
    """

    name: str
    type: str
    output: tuple[int, ...]
    weights: int
    biases: int
    multiply_adds: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def activations(self) -> int:
        """Numbers that the layer puts out; training keeps them for the way back."""
        return math.prod(self.output) if self.output else 0

    @property
    def entries(self) -> tuple[str, str, str, int, int, int]:
        """The row as it is shown."""
        size = "×".join(map(str, self.output))
        counts = self.weights, self.biases, self.multiply_adds
        return self.name, self.type, size, *counts


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network in the order in which they computed, and their sums."""

    rows: tuple[Layer, ...]

    @property
    def weights(self) -> int:
        """Sum over all layers."""
        return sum(row.weights for row in self.rows)

    @property
    def biases(self) -> int:
        """Sum over all layers."""
        return sum(row.biases for row in self.rows)

    @property
    def parameters(self) -> int:
        """Weights and biases of all layers."""
        return self.weights + self.biases

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with its addition, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def activations(self) -> int:
        """Numbers that all layers put out, for one image."""
        return sum(row.activations for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Memory of all activations of one image, in float32."""
        return BYTES * self.activations

    @property
    def parameter_bytes(self) -> int:
        """Memory of all parameters, in float32."""
        return BYTES * self.parameters

    def counted(self) -> LayerTable:
        """The same without layers that have neither parameters nor multiply-adds."""
        return LayerTable(
            tuple(row for row in self.rows if row.parameters or row.multiply_adds)
        )

    def entries(self, activations: bool = False) -> list[tuple[object, ...]]:
        """All rows as they are shown, and a last one with the totals."""
        rows = [
            (*row.entries, row.activations) if activations else row.entries
            for row in self.rows
        ]
        totals = [self.weights, self.biases, self.multiply_adds]
        if activations:
            totals.append(self.activations)
        return [*rows, ("total", "", "", *totals)]

    def show(self, activations: bool = False) -> None:
        """Show the table in a notebook: HTML, and plain text in columns.

        Args:
            activations: with a column of them.
        """
        from helpers.plots import show_table

        head = (*HEAD, "activations") if activations else HEAD
        show_table(head, self.entries(activations))

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary a layer, without totals: for JSON, or a data frame."""
        return [
            asdict(row) | {"parameters": row.parameters, "activations": row.activations}
            for row in self.rows
        ]

    def to_csv(self, path: str | Path) -> None:
        """Write one line a layer, without totals, under a line of names."""
        rows = self.to_dicts()
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
            writer.writeheader()
            for row in rows:
                size = "×".join(map(str, row["output"]))
                writer.writerow(row | {"output": size})

    def __str__(self) -> str:
        lines = [HEAD, *([str(entry) for entry in row] for row in self.entries())]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join(
            "  ".join(text.rjust(width) for text, width in zip(line, widths))
            for line in lines
        )


def layer_table(network: nn.Module, input_size: Sequence[int]) -> LayerTable:
    """Count a network's layers, for one image. Lesson 06.

    A layer is a module that holds no others, or that computes or has parameters of its
    own beside those it holds. One that is called twice has two rows; its parameters are
    counted once. One that does not run in the network's present mode (train or eval)
    has none. The network itself is neither changed nor computed with.

    Multiply-adds are those of convolutions and matrix products, half of what
    `torch.utils.flop_counter` counts as operations.

    Args:
        network: from (N, *input_size) to anything.
        input_size: of one image, (C, H, W).

    Raises:
        ValueError: when the network does not take such an image.
    """
    device = torch.device("meta")
    tensors = {
        name: tensor.detach().to(device)
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    }
    flops = FlopCounterMode(display=False)
    calls = _Calls(flops.get_total_flops)
    # Two images: batch norm in training refuses one value in each channel.
    with calls.of(network), torch.no_grad(), device, flops:
        images = torch.empty(2, *input_size)
        try:
            functional_call(network, tensors, (images,))
        except RuntimeError as error:
            size = "×".join(map(str, input_size))
            raise ValueError(
                f"the network does not take images of {size}: {error}"
            ) from error
    return LayerTable(tuple(calls.layers(batch=2)))


@dataclass
class _Call:
    """One call of a module: what it put out, and the operations within it."""

    name: str
    module: nn.Module
    start: int
    inner: int = 0  # operations of the modules that it called
    own: int = 0
    output: tuple[int, ...] = ()


@dataclass
class _Calls:
    """All calls while a network computes, those of layers kept."""

    total: Callable[[], int]
    running: list[_Call] = field(default_factory=list)
    kept: list[_Call] = field(default_factory=list)

    @contextmanager
    def of(self, network: nn.Module) -> Iterator[None]:
        """Watch every module of a network."""
        handles = []
        for name, module in network.named_modules():
            name = name or type(network).__name__
            handles.append(module.register_forward_pre_hook(self._before(name)))
            handles.append(module.register_forward_hook(self._after))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _before(self, name: str) -> Callable:
        def hook(module: nn.Module, _inputs: object) -> None:
            self.running.append(_Call(name, module, self.total()))

        return hook

    def _after(self, module: nn.Module, _inputs: object, output: Any) -> None:
        call = self.running.pop()
        operations = self.total() - call.start
        call.own, call.output = operations - call.inner, _shape(output)
        if self.running:
            self.running[-1].inner += operations
        parameters = next(module.parameters(recurse=False), None)
        alone = next(module.children(), None) is None
        if alone or call.own or parameters is not None:
            self.kept.append(call)

    def layers(self, batch: int) -> Iterator[Layer]:
        """The rows of the table."""
        seen: set[int] = set()  # a parameter that two modules share counts once
        for call in self.kept:
            counts = {True: 0, False: 0}
            for name, parameter in call.module.named_parameters(recurse=False):
                if id(parameter) not in seen:
                    counts[name.startswith("bias")] += parameter.numel()
                    seen.add(id(parameter))
            yield Layer(
                call.name,
                type(call.module).__name__,
                call.output,
                weights=counts[False],
                biases=counts[True],
                multiply_adds=call.own // (2 * batch),
            )


def _shape(output: Any) -> tuple[int, ...]:
    """Shape of an output without its batch; of the first where there are several."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
