"""Judge in a process of its own, which can be stopped whatever it does.

An endless call inside C code, `except BaseException` around everything, a list that
fills the memory: none of it can be stopped from within. So on Linux a notebook's kernel
forks. The child judges, tells its judgement as JSON, and is killed with all it started;
what it changes, it changes in its own copy.

On other systems forking is not safe, and beside a GPU the child could not use it. There
the kernel judges itself, within the limits of `sandbox`, and after a while a line says
what can be done.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from helpers.display import shell
from helpers.exercises import sandbox
from helpers.exercises.engine import Result

SECONDS = 9.0  # for all that judging takes; a check has shorter limits of its own
MEMORY = 2 * 2**30  # bytes, besides what the kernel holds already
_STUCK = (
    "This takes long. If the stop button does not end it, restart the kernel, and look "
    "for a number or a size that is much too large."
)


def judged(judge: Callable[[], Result]) -> Result:
    """What a judge says, who never raises, never prints and can be sent away.

    Raises:
        TimeLimitError: it took longer than `SECONDS`.
        ProcessDiedError: its process came to an end before it said anything.
        KeyboardInterrupt: the learner pressed stop.
    """
    if sys.platform != "linux" or shell() is None or torch.cuda.is_available():
        watch = threading.Timer(SECONDS, print, [_STUCK])
        watch.start()
        try:
            return judge()
        finally:
            watch.cancel()
    read, write = os.pipe()
    with warnings.catch_warnings():  # of other threads, which a child does without
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _tell(judge, write)
    try:
        os.close(write)
        with contextlib.suppress(OSError):  # done by the child
            os.setpgid(child, child)
        told = json.loads(_line(read, time.monotonic() + SECONDS))
    finally:
        os.close(read)
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    told["failing"] = tuple(map(tuple, told["failing"]))
    return Result(**told)


def _line(read: int, end: float) -> bytes:
    """What stands in a pipe before the first line break."""
    told = b""
    while not told.endswith(b"\n"):
        if not select.select([read], [], [], max(0, end - time.monotonic()))[0]:
            raise sandbox.TimeLimitError
        part = os.read(read, 2**16)
        if not part:
            raise sandbox.ProcessDiedError
        told += part
    return told


def _tell(judge: Callable[[], Result], write: int) -> None:
    """Be the child: judge, tell, and end without any of the kernel's cleaning up."""
    try:
        os.setpgid(0, 0)  # so that all it starts can be killed with it
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        torch.set_num_threads(1)  # the parent's other threads are not there
        _limit_memory()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(json.dumps(asdict(judge())).encode() + b"\n")
    finally:
        os._exit(0)


def _limit_memory() -> None:
    import resource  # not on Windows

    status = Path("/proc/self/status").read_text("utf-8")
    most = 1024 * int(re.search(r"VmData:\s+(\d+)", status)[1]) + MEMORY
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
