"""Several processes that train one network together, each on its share of the images.

PyTorch's DistributedDataParallel averages the gradients; here is what it leaves open.
Without other processes (see torchrun) every function does nothing.
"""

import inspect
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn

from helpers.device import best_device


def world() -> int:
    """How many processes train together."""
    several = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if several else 1


def rank() -> int:
    """This process's number, from 0. The first one writes and speaks for all."""
    return distributed.get_rank() if world() > 1 else 0


@contextmanager
def joined(kind: str | None = None) -> Iterator[torch.device]:
    """Join the processes that torchrun started, if any; give this one's device.

    That is the one asked for ("cpu", "cuda:1", "mps"), or the best there is; with
    several processes each gets a GPU of its own, or all of them share the CPU.
    ValueError when there are fewer GPUs than processes.
    """
    if "LOCAL_RANK" not in os.environ:
        yield torch.device(kind) if kind else best_device()
        return
    local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    kind = kind or ("cuda" if gpus else "cpu")
    if kind != "cpu" and local >= gpus:
        raise ValueError(
            f"process {local + 1} on this machine, but {gpus} GPUs: start with "
            f"--nproc-per-node={gpus}, or train on the processor with --device cpu"
        )
    device, backend = torch.device(kind), "gloo"
    if kind != "cpu":
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
        backend = "nccl" if distributed.is_nccl_available() else "gloo"
    distributed.init_process_group(backend)
    yield device  # after an error the others would be waited for in vain
    distributed.barrier()  # none leaves while another still needs it
    distributed.destroy_process_group()


def wrapped(network: nn.Module) -> nn.Module:
    """The network as it learns: from equal weights, and the mean of all gradients.

    Where the last shares of an epoch differ by an image, that mean is a little off.
    """
    if world() == 1:
        return network
    # Buffers are shared once an epoch, which is enough: see `share_buffers`. The option
    # has another name in newer versions of PyTorch.
    parallel = nn.parallel.DistributedDataParallel
    newer = "forward_sync_buffers" in inspect.signature(parallel).parameters
    option = "forward_sync_buffers" if newer else "broadcast_buffers"
    return parallel(network, **{option: False})


def check_share(batches: Iterable) -> None:
    """Refuse batches of which each process would see the same images."""
    mine = rank(), world()
    if getattr(batches, "ranks", mine) != mine:
        raise ValueError(
            f"process {mine[0]} of {mine[1]} got batches for {batches.ranks}: pass "
            f"ranks={mine} to Batches, so that each sees its own share"
        )


def summed(values: list[float], device: torch.device) -> list[float]:
    """The sums over all processes."""
    total = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return total.tolist()


def share_buffers(network: nn.Module) -> None:
    """Average batch norm's running means: each process has seen other images."""
    for buffer in network.buffers() if world() > 1 else ():
        if buffer.is_floating_point():
            distributed.all_reduce(buffer)
            buffer /= world()
