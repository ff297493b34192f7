"""Which processor the tensors live on."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def best_device() -> torch.device:
    """The GPU when there is one (NVIDIA, AMD or Apple), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device(device: torch.device | None = None) -> str:
    """Name the device for a reader: model and memory, or cores."""
    device = device or best_device()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU (Metal)"
    name = platform.processor() or platform.machine()
    return f"CPU, {name}, {os.cpu_count()} cores"


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bfloat16, rather than imitating it slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":  # these two have other names in other versions, or none
        names = "_is_avx512_bf16_supported", "_is_amx_tile_supported"
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return False


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error says so, by whichever allocator it was raised."""
    signs = "out of memory", "allocate memory", "enough memory", "alloc_failed"
    text = str(problem).lower()
    return isinstance(problem, MemoryError) or any(sign in text for sign in signs)


@contextmanager
def advice_on_memory(batch_size: Callable[[], int]) -> Iterator[None]:
    """When memory runs out, let go of what did not fit, and say what to try.

    Raises:
        MemoryError: in the place of whatever the allocator raised.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
        # A notebook keeps the last traceback, and with it every map of the network.
        traceback.clear_frames(problem.__traceback__)
        size = batch_size()
        advice = f"batch_size={size // 2}" if size > 1 else "a smaller network or image"
        raise MemoryError(
            f"a batch of {size} images does not fit into memory; try {advice}"
        ) from None
