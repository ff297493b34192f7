"""Several processes that train one network together, each on its share of the images.

    torchrun --nproc-per-node=2 -m helpers.training resnet20

PyTorch's DistributedDataParallel averages the gradients; here is what it leaves open:
batches that are not equally large, batch norm's running means, random numbers, and
sums over all processes. Without other processes every function does nothing.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


def rank() -> int:
    """This process's number, from 0. The first one writes and speaks for all."""
    return distributed.get_rank() if _several() else 0


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _several() else 1


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


@contextmanager
def joined(device: torch.device | None = None) -> Iterator[torch.device | None]:
    """Join the processes that torchrun started; nothing happens outside of it.

    Args:
        device: what was asked for; with NCCL each process gets a GPU of its own.

    Returns:
        This process's device; as asked for, where there is only one process.

    Raises:
        ValueError: when there are more processes on this machine than GPUs, or on a
            device that several cannot use.
    """
    if "LOCAL_RANK" not in os.environ or not distributed.is_available():
        yield device
        return
    cuda = torch.cuda.is_available() if device is None else device.type == "cuda"
    if cuda:
        local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= gpus:
            raise ValueError(
                f"process {local + 1} on this machine, but {gpus} GPUs: start with "
                f"--nproc-per-node={gpus}, or train on the processor with --device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    elif device is None or device.type == "cpu":
        device = torch.device("cpu")  # the only other that gloo knows
    else:
        raise ValueError(
            f"several processes cannot share a training on {device}: they can on GPUs "
            "that CUDA or ROCm knows, and with --device cpu"
        )
    nccl = cuda and distributed.is_nccl_available()
    distributed.init_process_group("nccl" if nccl else "gloo")
    yield device  # after an error the others would be waited for in vain
    distributed.barrier()  # none leaves while another still needs it
    distributed.destroy_process_group()


def wrapped(network: nn.Module) -> nn.Module:
    """The network as it learns: with the mean of all processes' gradients.

    All begin with the first one's weights.
    """
    if world() == 1:
        return network
    # Buffers are shared once an epoch, which is enough: see `share_buffers`. The option
    # has another name in newer versions of PyTorch.
    parallel = nn.parallel.DistributedDataParallel
    names = "forward_sync_buffers", "broadcast_buffers"
    known = inspect.signature(parallel.__init__).parameters
    return parallel(network, **{next(n for n in names if n in known): False})


def check_share(batches: Iterable) -> None:
    """Whether batches that know of several processes know of these.

    Raises:
        ValueError: when each process would see the same images.
    """
    mine = rank(), world()
    if getattr(batches, "ranks", mine) != mine:
        raise ValueError(
            f"process {mine[0]} of {mine[1]} got batches for {batches.ranks}: pass "
            f"ranks={mine} to Batches, so that each sees its own share"
        )


def weighted(loss: Tensor, labels: Tensor) -> Tensor:
    """The mean loss of a batch, (N,) labels, times N over the processes' mean N.

    The mean of all processes' gradients is then that of one batch of all their images,
    also where the last batch of one is larger.
    """
    if world() == 1:
        return loss
    count = loss.new_tensor(float(len(labels)), requires_grad=False)
    return loss * (count * world() / summed(count.clone()))


def summed(values: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    if world() > 1:
        distributed.all_reduce(values)
    return values


def share_buffers(network: nn.Module) -> None:
    """Average what is not learned by gradients: batch norm's running means.

    Each process has seen other images; what they saw together is the better estimate,
    and all then test the same network.
    """
    if world() == 1:
        return
    for buffer in network.buffers():
        if buffer.is_floating_point():
            distributed.all_reduce(buffer)
            buffer /= world()
        else:
            distributed.broadcast(buffer, 0)


def share_seed(device: torch.device) -> None:
    """Let each process but the first draw its own numbers in this epoch (dropout's).

    From the first one's, whose state the checkpoint holds: a run that goes on draws
    the same, and other processes draw others.
    """
    if world() == 1:
        return
    seed = torch.randint(2**62, ()).to(device)
    distributed.broadcast(seed, 0)
    if rank():
        torch.manual_seed(seed.item() + rank())
