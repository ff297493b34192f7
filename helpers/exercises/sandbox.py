"""Run a learner's code so that it can do no harm.

Time limit, output captured and cut, ``exit()`` and ``input()`` disarmed, the state of
random generators kept: whatever the code does ends as an `Outcome`, never as a
traceback, a hang or a dead kernel. What this cannot stop is one endless call inside C
code (``10**10**10``; `apart` can) and what means harm; the kernel is the learner's own.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import io
import linecache
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch

from helpers.display import shell

SECONDS = 5.0  # what a learner's code may take for one case
_KEPT_OUTPUT = 400  # characters shown in a card
_MOST_OUTPUT = 200_000  # characters after which the code is stopped
_AGAIN = 0.05  # seconds between repeats of an expired limit
_OWN_FILES = {__file__, contextlib.__file__}
_SPARE = np.random.MT19937(0)  # lent to NumPy: keeping its state takes 70 µs


class TimeLimitError(BaseException):
    """The learner's code ran too long. Not an Exception, so ``except Exception`` in
    their code does not swallow it."""


class OutputLimitError(BaseException):
    """The learner's code printed without end."""


class ExitError(BaseException):
    """The learner's code tried to end the kernel."""


class ProcessDiedError(BaseException):
    """The process that ran the learner's code came to an end."""


_WORDS = {
    TimeLimitError: "the time limit: does a loop never end?",
    OutputLimitError: "too much output: it prints without end.",
    ExitError: "an attempt to leave Python. Return a value instead.",
    SystemExit: "an attempt to leave Python. Return a value instead.",
    ProcessDiedError: "the end of its process.",
    KeyboardInterrupt: "the stop button.",
    RecursionError: "RecursionError: the function calls itself without end.",
}


@dataclass(frozen=True)
class Outcome:
    """What running a piece of code led to: a value or an error, and what it printed."""

    value: Any = None
    error: BaseException | None = None
    line: str = ""
    output: str = ""

    @property
    def problem(self) -> str:
        """The error in one sentence, or '' when there was none."""
        error = self.error
        if error is None:
            return ""
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        text = _WORDS.get(type(error), words)
        text = text if len(text) < 400 else text[:397] + "..."
        return f"{text}\n{self.line}" if self.line else text


class _Buffer(io.StringIO):
    """Text output that keeps its head and stops a flood."""

    written = 0

    def write(self, text: str) -> int:
        self.written += len(text)
        if self.written > _MOST_OUTPUT:
            raise OutputLimitError
        room = _KEPT_OUTPUT - self.tell()
        return super().write(text[:room]) if room > 0 else 0


def run(
    code: Callable[[], Any], filename: str | None = None, seconds: float | None = None
) -> Outcome:
    """Call ``code()`` under guard and return its `Outcome`.

    ``filename`` is that of the learner's code: the line at fault is looked up there.
    ``seconds`` is the time limit, `SECONDS` when None.
    """
    buffer = _Buffer()
    value, error = None, None
    with _kept_random_state(), disarmed(), _captured(buffer):
        try:
            with time_limit(SECONDS if seconds is None else seconds):
                value = code()
        except KeyboardInterrupt:
            raise  # the learner pressed stop: theirs to decide
        except BaseException as caught:
            error = caught
    line = line_at_fault(error, filename) if error is not None else ""
    return Outcome(value, error, line, buffer.getvalue())


def line_at_fault(error: BaseException, filename: str | None) -> str:
    """The innermost line of the learner's own code that the error came through."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {(error.text or '').strip()}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if filename is not None and frame.filename == filename:
            text = frame.line or linecache.getline(frame.filename, frame.lineno)
            return f"line {frame.lineno}: {text.strip()}"
    return ""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitError` in the calling thread when the block takes longer."""
    main = threading.current_thread() is threading.main_thread()
    limit = (_Alarm if main and hasattr(signal, "setitimer") else _Watchdog)(seconds)
    limit.start()
    try:
        yield
    finally:
        limit.stop()


def _is_ours(frame: FrameType | None) -> bool:
    """Whether a frame is at work on the limit itself, where no error may strike."""
    return frame is not None and frame.f_code.co_filename in _OWN_FILES


class _Alarm:
    """A limit by signal: interrupts sleeping and waiting too. POSIX, main thread only.

    It rings again and again: a bare `except:` in a loop swallows some of the errors,
    but sooner or later one falls outside its `try`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.active = seconds, True

    def start(self) -> None:
        self._handler = signal.signal(signal.SIGALRM, self._ring)
        self._outer, _ = signal.setitimer(signal.ITIMER_REAL, self.seconds, _AGAIN)

    def stop(self) -> None:
        self.active = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        if self._outer:  # a limit around this one goes on
            signal.setitimer(signal.ITIMER_REAL, self._outer, _AGAIN)

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        if self.active and not _is_ours(frame):
            raise TimeLimitError


class _Watchdog:
    """A limit by thread, where there are no alarms (Windows) or in another thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.target = threading.get_ident()
        self.done, self.lock = threading.Event(), threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        while not self.done.is_set():
            with contextlib.suppress(TimeLimitError), self.lock:
                self.done.set()
        _raise_in(self.target, None)  # an error that is set but not yet raised

    def _watch(self) -> None:
        wait = self.seconds
        while not self.done.wait(wait):
            with self.lock:
                frame = sys._current_frames().get(self.target)
                if not self.done.is_set() and not _is_ours(frame):
                    _raise_in(self.target, TimeLimitError)
            wait = _AGAIN


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )


@contextlib.contextmanager
def _kept_random_state() -> Iterator[None]:
    """Checking an exercise must not change the numbers that later cells draw."""
    generator = torch.random.default_generator  # the CPU's; no GPU is woken for this
    states = random.getstate(), np.random.get_bit_generator(), generator.get_state()
    generator.manual_seed(0)
    np.random.set_bit_generator(_SPARE)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_bit_generator(states[1])
        generator.set_state(states[2])


@contextlib.contextmanager
def disarmed() -> Iterator[None]:
    """Within the block, leaving Python or waiting for the keyboard raises."""

    here, end = os.getpid(), os._exit

    def leave(status: Any = None, *_: Any, **__: Any) -> None:
        if os.getpid() != here:  # forked in the block, such as a loader's worker
            end(status if isinstance(status, int) else 1)
        raise ExitError

    def ask(*args: Any) -> None:
        raise RuntimeError("a checked function cannot ask for input")

    ipython = shell()
    swaps = [(os, "_exit", leave), (sys, "exit", leave), (builtins, "input", ask)]
    swaps += [(builtins, "exit", leave), (builtins, "quit", leave)]
    if ipython is not None:
        swaps.append((ipython, "ask_exit", leave))  # what exit() calls in a notebook
    missing = object()
    before = [(o, n, vars(o).get(n, missing)) for o, n, _ in swaps]
    limit = sys.getrecursionlimit()
    try:
        for owner, name, new in swaps:
            setattr(owner, name, new)
        yield
    finally:
        sys.setrecursionlimit(limit)
        for owner, name, old in before:
            if old is missing:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


@contextlib.contextmanager
def _captured(buffer: io.StringIO) -> Iterator[None]:
    """Text goes to the buffer; what the code displays is dropped."""
    ipython = shell()
    with contextlib.redirect_stdout(buffer), contextlib.redirect_stderr(buffer):
        if ipython is None:
            yield
            return
        from IPython.core.displaypub import CapturingDisplayPublisher

        publisher = ipython.display_pub
        ipython.display_pub = CapturingDisplayPublisher()
        try:
            yield
        finally:
            ipython.display_pub = publisher
