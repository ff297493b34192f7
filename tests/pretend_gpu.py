"""A pretended GPU: tensors that say they are on one, on a computer without.

    with pretend_gpu() as waits:
        network, images = lenet5().to("cuda"), images.to("cuda")
        loss = network(images).mean()  # a mix of devices would raise, as on a GPU
        loss.item()
    assert waits["item"] == 1 < waits.kernels

A `GpuTensor` is a tensor in the CPU's memory, of a class that says "cuda:0". Within the
block every call of one of PyTorch's functions, those of tensors included, first comes
to `_Pretence`, where

- a CPU tensor among GPU ones raises the error that CUDA would raise;
- the function is computed on the CPU, so that losses, accuracies and checkpoints have
  the values of a run on the CPU, bit for bit, and what it gives becomes a GpuTensor;
- each place is counted where the processor would wait for the GPU: `.item()`, an `if`,
  a copy, a boolean mask.

Why not PyTorch's own FakeTensor: it knows devices, but no values, so that a training
ends at the first `.item()`. Other backends are not called "cuda": no branch that asks
for it would run.

What cannot be found here is whatever needs the hardware: cuDNN and its rounding, Triton
and torch.compile (compiling changes nothing here), bfloat16 (there is none), CUDA
graphs, memory, several GPUs, speed. And what PyTorch does on its own is not looked at:
hooks of gradients get CPU tensors. What was saved comes back on the CPU, whatever
`torch.load` is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

GPU = torch.device("cuda", 0)
PROPERTIES = SimpleNamespace(name="pretended GPU", total_memory=80 * 2**30)
SET_DATA = Tensor.data.__set__  # tensor.data = …, with which modules move parameters
# Functions of which the processor reads the result, or the size of the result.
WAITS = {"item", "tolist", "__bool__", "__float__", "__int__", "__index__"}
WAITS |= {"equal", "allclose", "nonzero", "masked_select", "unique", "bincount"}
INDEXING = {"__getitem__", "__setitem__", "index_put_"}
MAY_MIX = {"_has_compatible_shallow_copy_type", "grad", "backward"}
NO_NUMBERS = {"cat", "stack", "equal"}  # refuse 0-dimensional CPU tensors too


class GpuTensor(Tensor):
    """A CPU tensor that says it is on the GPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # see `_Pretence`
    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def numpy(self, *_, **__):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.")

    def __repr__(self, **_) -> str:
        return f"{_plain(self)!r}"[:-1] + ", device='cuda:0')"

    def __format__(self, form: str) -> str:
        return format(repr(self) if self.ndim else self.item(), form)

    def __reduce_ex__(self, protocol):  # what torch.load(map_location="cpu") gives
        return _plain(self).__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        copy = _on_gpu(_plain(self)).requires_grad_(self.requires_grad)
        copy._is_param = isinstance(self, nn.Parameter)
        return memo.setdefault(id(self), copy)


def _plain(tensor: Tensor) -> Tensor:
    """A copy of its numbers, on the CPU."""
    with torch._C.DisableTorchFunction():
        return tensor.detach().clone()


def _on_gpu(value: Any) -> Any:
    """What a function gave, with the tensors in it made the GPU's."""
    if type(value) is Tensor:
        value.__class__ = GpuTensor
    elif isinstance(value, list | tuple):
        for each in value:
            _on_gpu(each)
    return value


def _places(values: Iterable, gpu: list[Tensor], cpu: list[Tensor]) -> None:
    """Add the tensors among the values to those of the GPU and those of the CPU."""
    for value in values:
        if isinstance(value, GpuTensor):
            gpu.append(value)
        elif isinstance(value, Tensor):
            cpu.append(value)
        elif isinstance(value, list | tuple):
            _places(value, gpu, cpu)


class Waits(Counter):
    """How often the processor waits for the GPU, by what it does; what it asks for."""

    kernels = 0  # functions that were computed there


class _Pretence(TorchFunctionMode):
    """Is called in the place of PyTorch's functions, and calls them."""

    def __init__(self, default: bool) -> None:
        super().__init__()
        self.default = "cuda" if default else None
        self.waits = Waits()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func.__name__ == "__get__":  # x.grad, x.shape: more than half of all calls
            given = func(*args)
            return _on_gpu(given) if isinstance(args[0], GpuTensor) else given
        kwargs = dict(kwargs or {})
        if func is Tensor.to:
            return self._moved(*args, **kwargs)
        if func in (Tensor.cuda, Tensor.cpu):
            return self._moved(args[0], "cuda" if func is Tensor.cuda else "cpu")
        device, gpu, cpu = kwargs.pop("device", None), [], []
        _places([*args, *kwargs.values()], gpu, cpu)
        copies = args and isinstance(args[0], GpuTensor)  # torch.tensor(x)
        if func in _device_constructors() and not copies:
            self.waits["item"] += len(gpu)  # of a list with some of the GPU's in it
            return self._made(func, device or self.default, args, kwargs)
        if gpu and not (cpu and func.__name__ in MAY_MIX):
            given = self._computed(func, args, kwargs, cpu)
        else:
            given = func(*args, **kwargs)
        return given if device is None else self._moved(given, device)

    def _computed(self, func, args: tuple, kwargs: dict, cpu: list[Tensor]) -> Any:
        """What a function gives that is called with some of the GPU's tensors."""
        name = func.__name__
        if func == SET_DATA:
            return self._set_data(*args)
        if name in WAITS:
            self.waits[name] += 1
        if name in INDEXING:
            refused = self._is_refused_index(*args)
        elif name == "copy_":
            self.waits["copy"] += len(cpu)
            return func(*args, **kwargs)
        else:
            writes = name.endswith("_") and not name.endswith("__")
            refused = any(x.ndim or name in NO_NUMBERS for x in cpu)
            refused |= writes and any(x is args[0] for x in cpu)
        if refused:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two "
                f"devices, cuda:0 and cpu! (in {name})"
            )
        self.waits.kernels += 1
        return _on_gpu(func(*args, **kwargs))

    def _is_refused_index(self, tensor: Tensor, index: Any, *values: Any) -> bool:
        """Whether tensor[index], or tensor[index] = value, mixes devices."""
        at_gpu, at_cpu, cpu = [], [], []
        _places([index], at_gpu, at_cpu)
        _places(values, [], cpu)
        here = isinstance(tensor, GpuTensor)
        if not at_gpu and not at_cpu:  # a copy, which any may be
            self.waits["copy"] += bool(cpu) or not here
            return False
        self.waits["mask"] += any(each.dtype == torch.bool for each in at_gpu)
        self.waits["index from the CPU"] += len(at_cpu)
        return not here or any(value.ndim for value in cpu)

    def _made(self, func, device, args: tuple, kwargs: dict) -> Tensor:
        """What torch.zeros, torch.tensor and their like give."""
        if device is None or torch.device(device).type != "cuda":
            return func(*args, **kwargs, device=device)
        if kwargs.get("generator") is not None:
            raise RuntimeError("Expected a 'cuda' device type for generator")
        if any(isinstance(x, Tensor) for x in args):
            return self._moved(func(*args, **kwargs), device)
        return _on_gpu(func(*args, **kwargs, device="cpu"))

    def _moved(self, tensor: Tensor, *told, **kwargs) -> Tensor:
        """What Tensor.to does, in all its ways to be called."""
        kwargs.pop("non_blocking", None)
        device, rest = kwargs.pop("device", None), []
        for value in told:
            if isinstance(value, Tensor):
                device, value = value.device, value.dtype
            if isinstance(value, str | torch.device):
                device = value
            elif isinstance(value, torch.dtype):
                rest.append(value)
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
        where = torch.device(device or tensor.device).type
        if where == "meta" or tensor.is_meta:  # shapes without numbers
            return tensor.to(where, *rest, **kwargs)
        given = tensor.to(*rest, **kwargs) if rest or kwargs else tensor
        if where != tensor.device.type:
            self.waits["copy"] += 1
            given = given.clone() if given is tensor else given
        return _on_gpu(given) if where == "cuda" else given

    def _set_data(self, tensor: Tensor, data: Tensor) -> None:
        """Move a tensor, which stays the same object, to where the data are."""
        SET_DATA(tensor, data)
        tensor._is_param = isinstance(tensor, nn.Parameter)
        kind = nn.Parameter if tensor._is_param else Tensor
        tensor.__class__ = GpuTensor if isinstance(data, GpuTensor) else kind


@contextmanager
def pretend_gpu(default: bool = False) -> Iterator[Waits]:
    """Within the block there is a GPU, cuda:0; given is what it was asked for.

    With ``default``, as after torch.set_default_device("cuda").
    """
    answers = {
        "is_available": True,
        "device_count": 1,
        "get_device_properties": PROPERTIES,
        "is_bf16_supported": False,
    }
    with ExitStack() as stack:
        for name, value in answers.items():
            stack.enter_context(patch.object(torch.cuda, name, return_value=value))
        stack.enter_context(patch.object(nn.Module, "compile"))
        for kind in ("accelerator", "cuda"):  # of Adam; asks the driver in PyTorch 2.11
            check = f"_{kind}_graph_capture_health_check"
            stack.enter_context(patch.object(Optimizer, check, create=True))
        # On a GPU, optimizers update all parameters at once.
        types = [Tensor, nn.Parameter, GpuTensor]
        stack.enter_context(
            patch("torch.optim.optimizer._foreach_supported_types", types)
        )
        if default:
            said = patch.object(torch, "get_default_device", return_value=GPU)
            stack.enter_context(said)
        yield stack.enter_context(_Pretence(default)).waits
