"""Which processor the tensors live on."""

from __future__ import annotations

import os
import platform

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
