"""Locking candidates in with what this computer has, and talking to the lock.

In order of preference: Linux's own namespaces; bubblewrap, where that may make some and
Python may not; or nothing, which has to be asked for. What protects is tried, not
looked up: a room is good when a process in it says that it is ready. To see what
protects here:

    python -m tools.grading.lockup
"""

from __future__ import annotations

import json
import os
import shutil
import site
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.build import STAND_INS_ONLY

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 1536 * 2**20  # bytes that a candidate may take beyond what it starts with
DISK = 32 * 2**20  # bytes in its scratch folder
PROCESSES = 16  # threads among them
USER = 61_000  # where there may be another user: numbers from here
_DEVICES = ("null", "zero", "full", "random", "urandom")
_START_SECONDS = 120  # for importing PyTorch, on a busy machine
WAYS = ("namespaces", "bubblewrap", "nothing")
TOLD = {
    "namespaces": "namespaces of users, mounts, network and processes; limits",
    "bubblewrap": "bubblewrap: no network, no other files or processes; limits",
    "nothing": "limits of memory, time, files and processes only: what was handed in "
    "runs with the rights of your account, and can read and write your files",
}
# What a candidate may see of the course: no checks, no texts, no solutions, no tests.
_STRIPPED = (
    "helpers/__init__.py",
    "helpers/display.py",
    "helpers/errors.*",
    "helpers/files.py",
    "helpers/exercises/*.py",
    "lessons/__init__.py",
    "lessons/observe_networks.py",
    "lessons/l[0-9][0-9]_*/__init__.py",
    "lessons/l[0-9][0-9]_*/observe.py",
    "tools/__init__.py",
    "tools/grading/__init__.py",
    "tools/grading/plain.py",
    "tools/grading/candidate.py",
    "tools/grading/inside.py",
)


class LockError(RuntimeError):
    """A room cannot be made that way here; the words say why."""


def stripped(folder: Path) -> Path:
    """Copy what a candidate may see of the course; return where it is."""
    for pattern in _STRIPPED:
        for path in ROOT.glob(pattern):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o644)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return folder


@dataclass
class Room:
    """A process that is locked in and forks candidates; `open_room` makes one."""

    way: str
    process: subprocess.Popen
    control: socket.socket
    folder: tempfile.TemporaryDirectory

    def begin(self) -> socket.socket:
        """Start a candidate: the end to talk to it by. LockError if that fails."""
        mine, other = socket.socketpair()
        with other:
            try:
                socket.send_fds(self.control, [b"begin\n"], [other.fileno()])
            except OSError as error:
                mine.close()
                raise LockError("the room is gone") from error
        return mine

    def end(self) -> bool:
        """End the candidate and all it started: whether its memory had to stop it.

        LockError if the room does not say so: then it is not to be used again.
        """
        try:
            self.control.settimeout(20)
            self.control.sendall(b"end\n")
            return {b"memory\n": True, b"ended\n": False}[self.control.recv(16)]
        except (OSError, KeyError) as error:
            raise LockError("the room is gone") from error

    def close(self) -> None:
        """End it, with all processes in it, and remove its folder."""
        self.control.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


def open_room(
    way: str,
    seconds: float,
    index: int = 0,
    hidden: Sequence[Path] = (),
    probe: bool = False,
    within: Path | None = None,
) -> Room:
    """Make a room.

    Args:
        way: one of `WAYS`.
        seconds: of computing that a candidate may take.
        index: of the room among those that are used at the same time.
        hidden: folders that must not be seen inside, besides the course.
        probe: only try whether it can be made; no candidate can be started.
        within: the folder for its scratch folder; if None, the system's.

    Raises:
        LockError: where it cannot be made that way here.
    """
    if not hasattr(os, "fork"):
        raise LockError("grading needs Linux or macOS; on Windows, use WSL")
    if way == "bubblewrap" and not shutil.which("bwrap"):
        raise LockError("bwrap is not installed")
    if way == "namespaces" and sys.platform != "linux":
        raise LockError("there are none on this system")
    is_root = os.getuid() == 0
    user = USER + index if is_root else 0
    if user and way != "namespaces" and not _open_to_all():
        if way == "bubblewrap":
            raise LockError("Python lies where only the administrator may read it")
        user = 0
    folder = tempfile.TemporaryDirectory(prefix="convnets-grade-", dir=within)
    base = Path(folder.name)
    base.chmod(0o755)
    course, scratch = stripped(base / "course"), base / "scratch"
    scratch.mkdir()
    if user:
        try:
            os.chown(scratch, user, user)
        except OSError:  # within a container that has no other users
            user = 0
    root = base / "root"
    root.mkdir()
    locked = way != "nothing"
    outside = user if way == "bubblewrap" else 0  # there is no other one inside
    options = {
        "root": str(root),
        "course": str(course),
        "devices": _DEVICES,
        "shown": _shown(),
        "hidden": [str(path) for path in (ROOT, *hidden, *_installed())],
        "apart": way == "namespaces",
        "alone": way == "bubblewrap",
        "scratch": "/scratch" if locked else str(scratch),
        "memory": MEMORY,
        "disk": DISK,
        "processes": PROCESSES,
        # Of one's own user there are others, outside, where nothing separates them.
        "limit_processes": locked or bool(user),
        "seconds": seconds,
        "user": user - outside,
        "home": -1,
        "probe": probe,
    }
    mine, other = socket.socketpair()
    if way == "namespaces":
        command = [sys.executable, str(course / "tools/grading/inside.py")]
    else:
        command = [sys.executable, "-m", "tools.grading.candidate"]
    command.append(str(other.fileno()))
    if way == "bubblewrap":
        command = [*_bubblewrap(options), *command]
    process = subprocess.Popen(
        command,
        cwd="/" if locked else scratch,
        env=_environment("/course" if locked else str(course), options),
        pass_fds=[other.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **({"user": user, "group": user, "extra_groups": []} if outside else {}),
    )
    other.close()
    room = Room(way, process, mine, folder)
    try:
        _greet(room, bool(user))
    except LockError:
        room.close()
        raise
    return room


def _greet(room: Room, others: bool) -> None:
    """Help the process into its room, with other users, and wait until it is ready."""
    room.control.settimeout(_START_SECONDS)
    try:
        said = room.control.recv(200)
        if said == b"unshared\n":
            proc = Path(f"/proc/{room.process.pid}")
            (proc / "setgroups").write_text("allow" if others else "deny")
            for name, own in (("uid_map", os.getuid()), ("gid_map", os.getgid())):
                (proc / name).write_text("0 0 65536" if others else f"0 {own} 1")
            room.control.sendall(b"go\n")
            said = room.control.recv(200)
    except OSError as error:
        raise LockError(str(error) or "it does not start") from error
    if said != b"ready\n":
        raise LockError(said.decode("utf-8", "replace").strip() or "it does not start")


def _shown() -> list[str]:
    """The folders that Python and its libraries need, outer ones first."""
    found = {"/usr", sys.prefix, sys.base_prefix, sys.exec_prefix}
    found |= {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}
    found |= {path for path in ("/lib", "/lib64") if not os.path.islink(path)}
    found.add("/etc/ld.so.cache")
    return sorted(path for path in found if os.path.exists(path) and path != "/")


def _open_to_all() -> bool:
    """Whether any user may use this Python."""
    found = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    parents = [each for path in found for each in (path, *path.parents)]
    return all(each.stat().st_mode & 0o001 for each in parents)


def _installed() -> list[Path]:
    """The course as it may have been installed, with its solutions."""
    folders = [Path(path) for path in site.getsitepackages()]
    return [folder / name for folder in folders for name in ("lessons", "tools")]


def _bubblewrap(options: dict[str, Any]) -> list[str]:
    words = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns"]
    words += ["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    scratch = options["scratch"]
    words += ["--proc", "/proc", "--symlink", scratch, "/dev/shm", "--chdir", "/"]
    words += ["--size", str(DISK), "--tmpfs", scratch]
    if not any(path.startswith("/tmp/") for path in options["shown"]):
        words += ["--symlink", scratch, "/tmp"]
    for name in _DEVICES:
        words += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for path in ("/bin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
    for path in options["shown"]:
        words += ["--ro-bind", path, path]
    hidden = [
        path
        for path in filter(os.path.isdir, options["hidden"])
        if any(path.startswith(f"{each}/") for each in options["shown"])
    ]
    for path in hidden:
        words += ["--size", "4096", "--tmpfs", path]
    for path in options["shown"]:  # what was hidden with it
        if any(path.startswith(f"{each}/") for each in hidden):
            words += ["--ro-bind", path, path]
    words += ["--ro-bind", options["course"], "/course"]
    for path in (*hidden, "/"):
        words += ["--remount-ro", path]
    return [*words, "--"]


def _environment(course: str, options: dict[str, Any]) -> dict[str, str]:
    """A clean one: nothing of the teacher's goes into the room.

    The options stand here since any process may read another one's arguments.
    """
    home = options["scratch"]
    one = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    return {
        **STAND_INS_ONLY,
        **one,
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONSAFEPATH": "1",  # nothing is imported from where it runs
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "CONVNETS_ROOM": json.dumps(options),
    }


def choose(unprotected: bool, hidden: Sequence[Path] = ()) -> tuple[str, str]:
    """The best way to lock candidates in here, and why not a better one.

    Raises:
        LockError: when there is none, and ``unprotected`` does not allow that.
    """
    reasons = []
    for way in WAYS[: None if unprotected else -1]:
        try:
            open_room(way, 10, 0, hidden, probe=True).close()
            return way, "; ".join(reasons)
        except LockError as error:
            reasons.append(f"{way}: {error}")
    raise LockError("; ".join(reasons))


def main() -> int:
    """Say what locks in what is handed in; 1 where nothing does."""
    try:
        way, _ = choose(unprotected=False)
    except LockError as error:
        print(f"Nothing here locks in what is handed in ({error}).", file=sys.stderr)
        return 1
    print(f"What is handed in is locked in by {TOLD[way]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
