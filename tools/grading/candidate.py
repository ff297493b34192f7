"""The process that runs what was handed in. It has no answers and is locked in.

`lockup` starts it, in a folder that holds only what it needs. It imports what
candidates need once, and then forks a process for each exercise, which never comes
back: that one gives up what rights it has, gets the code and the inputs, and answers
with plain data (`plain`). Nothing of what it does reaches the next one.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import gc
import importlib
import json
import linecache
import os
import pickle
import re
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CELL = "<handed in>"
_NEW_MOUNTS, _NEW_IPC, _NEW_PIDS = 0x20000, 0x08000000, 0x20000000
_LOOK = 0.25  # seconds from one look at its memory to the next
_MOST_FILES = 4096  # in a scratch folder
_SHARED = 512 * 2**20  # bytes that processes share until they write there
_KILL_WITH_PARENT, _DUMPABLE, _DROP_BOUND, _NO_NEW_RIGHTS = 1, 4, 24, 38
_LIMITED = ("RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_NPROC")


def serve(control: socket.socket, options: dict[str, Any]) -> None:
    """Fork a candidate whenever one is asked for, until nobody asks any more."""
    prepare()
    home = options["home"]  # this process's own namespace of processes
    limits = _own_limits()
    control.sendall(b"ready\n")
    while True:
        _, found, *_ = socket.recv_fds(control, 16, 1)
        if not found:
            return
        (end,) = found
        pid = _fork(control, end, home, options)
        os.close(end)
        overflow = False
        while not select.select([control], [], [], _LOOK)[0]:
            if not overflow and _takes_too_much(options):
                overflow = True
                os.kill(pid, signal.SIGKILL)
        if control.recv(16) != b"end\n":
            _kill(pid, options)
            return
        _kill(pid, options)
        if _own_limits() != limits or _leaves_something(options):  # for the next one
            return
        control.sendall(b"memory\n" if overflow else b"ended\n")


def prepare() -> None:
    """Import what candidates use, so that each of them finds it there."""
    import torch
    import torchvision.transforms  # noqa: F401 (takes seconds)

    torch.set_num_threads(1)
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1).step()
    import lessons

    folder = Path(lessons.__file__).parent
    importlib.import_module("lessons.observe_networks")
    importlib.import_module("tools.grading.plain")
    for path in sorted(folder.glob("l*/observe.py")):
        importlib.import_module(f"lessons.{path.parent.name}.observe")
    gc.freeze()  # what is there stays shared with the forked processes


def _fork(control: socket.socket, end: int, home: int, options: dict[str, Any]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if options["apart"] and libc.unshare(_NEW_PIDS):
        raise OSError(ctypes.get_errno(), "no process namespace")
    pid = os.fork()
    if pid:
        if options["apart"]:
            libc.setns(home, _NEW_PIDS)
        return pid
    try:
        control.close()
        for number in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.dup2(end, 3)
        os.closerange(4, 1 << 16)
        os.setsid()
        lock(libc, options)
        answer(socket.socket(fileno=3))
    finally:
        os._exit(0)


def _takes_too_much(options: dict[str, Any]) -> bool:
    """Whether a candidate's memory is full, or its folder where that has no limit."""
    if options["alone"]:
        disk = os.statvfs(options["scratch"])
        if disk.f_files - disk.f_ffree > _MOST_FILES:
            return True
    return _memory(options) > options["memory"] + _SHARED


def _leaves_something(options: dict[str, Any]) -> bool:
    """Whether there are files, or System V memory, that only end with this room."""
    if options["apart"]:  # each candidate has its own
        return False
    lists = Path("/proc/sysvipc").glob("*") if options["alone"] else ()
    shared = any(len(path.read_text().splitlines()) > 1 for path in lists)
    return shared or any(Path(options["scratch"]).iterdir())


def _memory(options: dict[str, Any]) -> int:
    """Bytes that all processes of a candidate have for themselves, together."""
    total = 0
    if options["apart"] or options["alone"]:  # then all that are seen are its own
        for path in Path("/proc").glob("[0-9]*/smaps_rollup"):
            with contextlib.suppress(OSError):
                if path.parent.name != str(os.getpid()):
                    found = re.findall(r"Private_\w+: +(\d+)", path.read_text())
                    total += 1024 * sum(map(int, found))
    return total


def _kill(pid: int, options: dict[str, Any]) -> None:
    """End a candidate and all that it started."""
    os.kill(pid, signal.SIGKILL)  # if it has ended, its number is kept until now
    os.waitpid(pid, 0)
    if options["alone"]:  # the first process here: all others are the candidate's
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    if not options["apart"]:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        _kill_children()
        _empty(options["scratch"])


def _kill_children() -> None:
    """Whatever was left to this process by those that ended."""
    while True:
        task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        left = task.read_text().split() if task.exists() else []
        for pid in left:
            os.kill(int(pid), signal.SIGKILL)
        try:
            while os.waitpid(-1, 0 if left else os.WNOHANG)[0]:
                pass
            return
        except ChildProcessError:
            if not left:
                return


def _empty(folder: str) -> None:
    import subprocess

    for path in Path(folder).iterdir():
        subprocess.run(["rm", "-rf", "--", str(path)], stderr=subprocess.DEVNULL)


def _own_limits() -> list[tuple[int, int]]:
    return [resource.getrlimit(getattr(resource, name)) for name in _LIMITED]


def lock(libc: Any, options: dict[str, Any]) -> None:
    """Give up what rights this process has, and limit what it may use."""
    if options["apart"]:
        # Own folder and processes, which end with the last process of this candidate.
        if libc.unshare(_NEW_MOUNTS | _NEW_IPC):
            raise OSError(ctypes.get_errno(), "no namespaces")
        quota = f"size={options['disk']},nr_inodes={_MOST_FILES},mode=1777".encode()
        folder = options["scratch"].encode()
        if libc.mount(b"scratch", folder, b"tmpfs", 2 | 4, quota):
            raise OSError(ctypes.get_errno(), "no scratch folder")
        if libc.mount(b"proc", b"/proc", b"proc", 2 | 4 | 8, None):
            libc.mount(b"none", b"/proc", b"tmpfs", 1, b"size=0")
    os.chdir(options["scratch"])
    used = int(Path("/proc/self/statm").read_text().split()[0]) if _has_proc() else 0
    memory = used * resource.getpagesize() + options["memory"] if used else 0
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": memory or 8 * options["memory"],
        "RLIMIT_FSIZE": options["disk"],
        "RLIMIT_NOFILE": 128,
        "RLIMIT_NPROC": options["processes"],
        "RLIMIT_CPU": int(options["seconds"]) + 2,
    }
    if options["user"]:
        os.setgroups([])
        os.setresgid(*[options["user"]] * 3)
        # After the number of processes of another user has been limited.
    for name, most in limits.items():
        if name != "RLIMIT_NPROC" or options["limit_processes"]:
            _, hard = resource.getrlimit(getattr(resource, name))
            most = most if hard < 0 else min(most, hard)
            with contextlib.suppress(OSError, ValueError):  # not all systems have all
                resource.setrlimit(getattr(resource, name), (most, most))
    for right in range(64 if sys.platform == "linux" else 0):
        libc.prctl(_DROP_BOUND, right, 0, 0, 0)
    if options["user"]:
        os.setresuid(*[options["user"]] * 3)
    if sys.platform == "linux":
        libc.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0)
        head, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
        libc.capset(head, none)  # all rights, at once


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()


# --- The candidate --------------------------------------------------------------------


def answer(end: socket.socket) -> None:
    """Run the learner's code, and answer with what is observed until nobody asks."""
    from tools.grading import plain

    signal.signal(signal.SIGINT, signal.default_int_handler)
    task = _task(end)
    candidate = Candidate(task)
    _reply(plain, end, candidate.set_up())
    while True:
        task = _task(end)
        _reply(plain, end, getattr(candidate, task.pop("do"))(**task))


def _reply(plain: Any, end: socket.socket, value: Any) -> None:
    end.settimeout(None)
    try:
        message = plain.encode(value)
    except Exception:
        message = plain.encode({"error": ["ValueError", [], "too large a result"]})
    end.sendall(message)


def _task(end: socket.socket) -> dict[str, Any]:
    """What the judge asks: it may be pickled, since it comes from the judge."""
    end.settimeout(None)
    (length,) = struct.unpack("<I", _read(end, 4))
    return pickle.loads(_read(end, length))


def _read(end: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = end.recv(count - len(found))
        if not part:
            os._exit(0)
        found += part
    return found


class Candidate:
    """The learner's answer to one exercise.

    Args:
        task: ``pieces``, the learner's own definitions that it needs, and ``source``,
            the exercise; ``run``, what observes it (None for an exercise that asks for
            values); ``seconds`` that the definitions may take; ``helpers``, modules of
            the course by path, if any.
    """

    def __init__(self, task: dict[str, Any]) -> None:
        self.pieces, self.source, self.run = task["pieces"], task["source"], task["run"]
        self.seconds, self.helpers = task["seconds"], task.get("helpers", {})
        self.handed_in: Any = None

    def set_up(self) -> dict[str, Any]:
        """Run the definitions: of what kind it is and how it is called, or an error."""
        import helpers
        from helpers.exercises import sandbox

        for name, text in self.helpers.items():
            path = Path(".course", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        helpers.__path__.append(str(Path(".course/helpers").absolute()))
        outcome = sandbox.run(self._define, CELL, self.seconds)
        found = self._told(outcome)
        if outcome.error is None and self.run is not None:
            name = getattr(self.handed_in, "__name__", "your function")
            found["value"] = {
                "name": name if isinstance(name, str) else "your function",
                "callable": callable(self.handed_in),
                "type": type(self.handed_in).__name__,
            }
        return found

    def _define(self) -> None:
        import torch
        from torch import nn
        from torch.nn import functional

        from helpers.exercises import sandbox
        from helpers.exercises.cells import exercises_in

        space = {"torch": torch, "nn": nn, "functional": functional}
        space |= {"__name__": "__main__", "exercise": lambda number: lambda made: made}
        for piece in self.pieces:
            # Where one fails, its name stays unknown, as in a notebook.
            with contextlib.suppress(Exception, SystemExit, sandbox.ExitError):
                exec(compile(piece, "<own definitions>", "exec"), space)
        linecache.cache[CELL] = len(self.source), None, self.source.splitlines(1), CELL
        tree = ast.parse(self.source)
        exercises_in(tree)  # takes answers out of what stands around them
        for node in tree.body:
            if isinstance(node, ast.Expr):  # answer(...): each value under guard
                for keyword in node.value.keywords:
                    later = ast.parse("lambda: 0", mode="eval").body
                    later.body = keyword.value
                    keyword.value = ast.copy_location(later, keyword.value)
        ast.fix_missing_locations(tree)

        def exercise(_number: str) -> Callable:
            def keep(made: Any) -> Any:
                self.handed_in = made
                return made

            return keep

        def take(_number: str, **values: Callable) -> None:
            self.handed_in = values

        space |= {"exercise": exercise, "answer": take}
        exec(compile(tree, CELL, "exec"), space)

    def observe(self, case: Any, asked: dict, seconds: float) -> dict[str, Any]:
        """What it does on a case, as plain data."""
        from helpers.exercises import sandbox

        def look() -> Any:
            return self.run(self.handed_in, case, **asked)

        return self._told(sandbox.run(look, CELL, seconds))

    def changes(self, case: Any) -> dict[str, Any]:
        """Whether a call changes what it is given."""
        from helpers.exercises.engine import changes_input

        return {"value": changes_input(self.handed_in, case)}

    def values(self, seconds: float) -> dict[str, Any]:
        """The values of an answer by name, each with its error if it has one."""
        from helpers.exercises import sandbox

        found = {}
        for name, value in (self.handed_in or {}).items():
            outcome = sandbox.Outcome(value)
            if callable(value):
                outcome = sandbox.run(value, CELL, seconds)
            found[str(name)[:100]] = self._told(outcome)
        return {"value": found}

    def _told(self, outcome: Any) -> dict[str, Any]:
        error = outcome.error
        if error is None:
            return {"value": outcome.value, "output": outcome.output}
        try:
            words, values = str(error), list(error.args)
        except Exception:
            words, values = "", []
        kind = type(error).__name__
        told = [kind, values, words[:2000]]
        return {"error": told, "line": outcome.line, "output": outcome.output}


# --- Start ----------------------------------------------------------------------------


def main() -> None:
    """Start with a socket's number, and options in the environment; see `lockup`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(os.environ.pop("CONVNETS_ROOM"))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_KILL_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        libc.prctl(36, 1, 0, 0, 0)  # orphans are left to this process
        libc.prctl(_DUMPABLE, 0, 0, 0, 0)  # nobody looks into it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if options["alone"] and os.getpid() != 1:  # then others would be killed with them
        control.sendall(b"no: it is not the first process\n")
        return
    if options["probe"]:  # whether a room can be made that way
        control.sendall(b"ready\n")
        return
    serve(control, options)


if __name__ == "__main__":
    main()
