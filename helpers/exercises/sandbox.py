"""Run a learner's code so that it can hurt nothing.

Time limit, output captured and cut, ``exit()`` and ``input()`` disarmed, the state of
random generators kept: whatever the code does ends as an `Outcome`, never as a
traceback, a hang or a dead kernel. What this cannot stop is one endless call inside C
code (``10**10**10``) and code that means harm; the kernel is the learner's own.
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
from typing import Any

import numpy as np
import torch

SECONDS = 5.0  # what a learner's code may take for one case
_KEPT_OUTPUT = 400  # characters shown in a card
_MOST_OUTPUT = 200_000  # characters after which the code is stopped
_AGAIN = 0.05  # seconds between repeats of an expired limit


class TimeLimitError(BaseException):
    """The learner's code ran too long. Not an Exception, so ``except Exception`` in
    their code does not swallow it."""


class OutputLimitError(BaseException):
    """The learner's code printed without end."""


class ExitError(BaseException):
    """The learner's code tried to end the kernel."""


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
        if isinstance(error, TimeLimitError):
            text = "the time limit: does a loop never end?"
        elif isinstance(error, OutputLimitError):
            text = "too much output: it prints without end."
        elif isinstance(error, ExitError | SystemExit):
            text = "an attempt to leave Python. Return a value instead."
        elif isinstance(error, RecursionError):
            text = "RecursionError: the function calls itself without end."
        else:
            text = f"{type(error).__name__}: {error}".rstrip(": ")
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
    code: Callable[[], Any], filename: str | None = None, seconds: float = SECONDS
) -> Outcome:
    """Call ``code()`` under guard and return its `Outcome`.

    ``filename`` is that of the learner's code: the line at fault is looked up there.
    """
    buffer = _Buffer()
    value, error = None, None
    with _kept_random_state(), disarmed(), _captured(buffer):
        try:
            with time_limit(seconds):
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
    guard = _alarm if main and hasattr(signal, "setitimer") else _watchdog
    with guard(seconds):
        yield


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """By signal: interrupts sleeping and waiting too. POSIX, main thread only."""

    active = True

    def ring(signum: int, frame: Any) -> None:
        if active:
            raise TimeLimitError

    handler = signal.signal(signal.SIGALRM, ring)
    # It rings again and again: a bare `except:` in a loop swallows some of the errors,
    # but sooner or later one falls outside its `try`.
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        active = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if outer:  # a limit around this one goes on
            signal.setitimer(signal.ITIMER_REAL, outer, _AGAIN)


@contextlib.contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """By thread, where there are no alarms (Windows) or in another thread."""
    target, done = threading.get_ident(), threading.Event()
    lock = threading.Lock()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            with lock:
                if not done.is_set():
                    _raise_in(target, TimeLimitError)
            wait = _AGAIN

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with lock:
            done.set()
        _raise_in(target, None)  # an exception that is set but not yet raised


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )


@contextlib.contextmanager
def _kept_random_state() -> Iterator[None]:
    """Checking an exercise must not change the numbers that later cells draw."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


@contextlib.contextmanager
def disarmed() -> Iterator[None]:
    """Within the block, leaving Python or waiting for the keyboard raises."""

    def leave(*args: Any, **kwargs: Any) -> None:
        raise ExitError

    def ask(*args: Any) -> None:
        raise RuntimeError("a checked function cannot ask for input")

    ipython = shell()
    swaps = [(os, "_exit", leave), (sys, "exit", leave), (builtins, "input", ask)]
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


def shell() -> Any:
    """The running IPython shell, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
