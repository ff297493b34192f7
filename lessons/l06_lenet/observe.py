"""Observing candidates, as plain data; knows no answers. See `Exercise.run`."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from helpers.exercises.engine import Case


def learned(candidate, each: Case):
    """Losses of a few steps on a small network, and the weights after them."""
    steps, momentum, shape = each.args
    generator = torch.Generator().manual_seed(6)
    images = torch.randn(steps, 4, *shape, generator=generator)
    labels = torch.randint(3, (steps, 4), generator=generator)
    network = nn.Sequential(nn.Flatten(), nn.Linear(images[0, 0].numel(), 3))
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn(p.shape, generator=generator))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=momentum)
    losses = [candidate(network, x, y, optimizer) for x, y in zip(images, labels)]
    if None in losses:
        return None
    weights = torch.cat([p.detach().flatten() for p in network.parameters()])
    return torch.cat([torch.tensor(list(map(float, losses))), weights])


# --- 06.12: on a device ---------------------------------------------------------------

# These take tensors of both devices.
_ACROSS = Tensor.copy_, Tensor.__getitem__, torch._has_compatible_shallow_copy_type


class PretendedGPU(TorchFunctionMode):
    """Within it, whatever is moved to "cuda" says that it is there; no GPU is needed.

    Everything stays in the CPU's memory. What computes with tensors of both devices
    stops with PyTorch's error message; single numbers may be mixed, as in PyTorch.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu):
            return _moved(func, *args, **kwargs)
        if func is torch._C._nn._parse_to:  # reads what `network.to` was told
            return func(*args, **kwargs)
        if func is Tensor.__iter__:
            return iter(self.__torch_function__(Tensor.unbind, types, args))
        if func in _ACROSS:
            return _placed(func(*args, **kwargs), _place(args[0]))
        if func == Tensor.data.__set__:  # how a network moves its parameters
            args[0].place = _place(args[1])
            return func(*args)
        place = _common_place(args, kwargs)
        if func == Tensor.device.__get__:
            return torch.device(place)
        if func in (Tensor.numpy, Tensor.__array__) and place == "cuda":
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        place = _type(kwargs.pop("device", None)) or place
        return _placed(func(*args, **kwargs), place)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _place(tensor: Tensor) -> str:
    return getattr(tensor, "place", "cpu")


def _placed(value: Any, place: str) -> Any:
    for tensor in _tensors(value):
        tensor.place = place
    return value


def _type(device: Any) -> str:
    return torch.device(device).type if device is not None else ""


def _moved(func: Any, tensor: Tensor, *told: Any, **named: Any) -> Tensor:
    """What `to`, `cuda` and `cpu` do, in all the ways to call them."""
    place, dtype = _place(tensor), tensor.dtype
    for value in (*told, *named.values()):
        if isinstance(value, Tensor):
            place, dtype = _place(value), value.dtype
        elif isinstance(value, torch.dtype):
            dtype = value
        elif isinstance(value, str | torch.device) and func is Tensor.to:
            place = _type(value)
    place = {Tensor.cuda: "cuda", Tensor.cpu: "cpu"}.get(func, place)
    if (place, dtype) == (_place(tensor), tensor.dtype):
        return tensor
    return _placed(tensor.to(dtype, copy=True), place)


def _common_place(args: tuple, kwargs: dict) -> str:
    """Where a function computes, if all that it needs lies there."""
    tensors = list(_tensors([args, list(kwargs.values())]))
    places = {_place(t) for t in tensors if t.ndim} or {_place(t) for t in tensors}
    if len(places) < 2:
        return places.pop() if places else "cpu"
    kinds = {"cpu": "torch.FloatTensor", "cuda": "torch.cuda.FloatTensor"}
    weights = [t for t in tensors if isinstance(t, nn.Parameter)]
    if weights:
        images, weight = (kinds.get(_place(t)) for t in (tensors[0], weights[0]))
        raise RuntimeError(
            f"Input type ({images}) and weight type ({weight}) should be the same"
        )
    raise RuntimeError(
        "Expected all tensors to be on the same device, but found at least two "
        "devices, cuda:0 and cpu!"
    )


def tested(candidate, each: Case):
    """What a candidate says of a small network, where that lies, where it computed."""
    sizes, device, start = each.args
    used = set()
    with torch.random.fork_rng(devices=[]), PretendedGPU():
        torch.random.default_generator.manual_seed(3)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(16, 3)
        )
        network.register_forward_hook(lambda *seen: used.add(seen[2].device.type))
        batches = [(torch.randn(N, 1, 3, 3), torch.randint(3, (N,))) for N in sizes]
        network.to(start)
        value = candidate(network, batches, torch.device(device))
    place = _place(value) if isinstance(value, Tensor) else None
    return {"value": value, "place": place, "used": sorted(used)}
