"""Entering a locked room, before anything else is imported: Linux only, as a script.

A process that starts here gets namespaces of its own: users, mounts, network,
processes. Its new root holds Python and the stripped course, read-only, and nothing
else of this computer. Then it becomes `tools.grading.candidate`.
"""

import ctypes
import json
import os
import platform
import socket
import stat
import sys

_USERS, _MOUNTS, _NET, _PIDS = 0x10000000, 0x20000, 0x40000000, 0x20000000
_IPC, _NAMES = 0x08000000, 0x04000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _ALL_BELOW, _PRIVATE, _DETACH = 4096, 16384, 1 << 18, 2
_KEPT = {os.ST_NOATIME: 1024, os.ST_NODIRATIME: 2048, os.ST_RELATIME: 1 << 21}
_KEPT |= {os.ST_NOSUID: _NO_SUID, os.ST_NODEV: _NO_DEVICES, os.ST_NOEXEC: _NO_EXEC}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203}
_LIBC = ctypes.CDLL(None, use_errno=True)


def checked(failed: int, what: str) -> None:
    """Raise OSError where a call of the system failed."""
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str = ""):
    """Mount; OSError where that is not allowed."""
    words = [text.encode() if text is not None else None for text in (source, target)]
    kind_of = kind.encode() if kind else None
    done = _LIBC.mount(*words, kind_of, flags, data.encode() or None)
    checked(done, f"mount {target}")


def bind(source: str, root: str, target: str = "") -> None:
    """Show a file or folder inside, read-only, at its place or at another."""
    inner = root + (target or source)
    if os.path.isdir(source):
        os.makedirs(inner, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(inner), exist_ok=True)
        open(inner, "a").close()
    mount(source, inner, None, _BIND | _ALL_BELOW)
    if stat.S_ISCHR(os.stat(source).st_mode):
        return
    found = os.statvfs(inner).f_flag
    kept = sum(flag for bit, flag in _KEPT.items() if found & bit)
    flags = _BIND | _REMOUNT | _READ_ONLY | _NO_SUID | _NO_DEVICES | kept
    mount("none", inner, None, flags)


def furnish(root: str, options: dict) -> None:
    """Put into the new root what a candidate needs."""
    mount("room", root, "tmpfs", _NO_SUID, "size=1m,mode=755")
    for path in ("/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
    for path in options["shown"]:
        if not os.path.exists(root + path):
            bind(path, root)
    for path in options["hidden"]:  # such as the course itself, with its solutions
        within = any(path.startswith(f"{each}/") for each in options["shown"])
        if within and os.path.isdir(root + path):
            mount("none", root + path, "tmpfs", _NO_SUID | _NO_DEVICES, "size=1m")
    for path in options["shown"]:  # what was hidden with it
        if not os.path.exists(root + path):
            bind(path, root)
    bind(options["course"], root, "/course")
    for name in options["devices"]:
        bind(f"/dev/{name}", root)
    scratch = options["scratch"]
    for name in (scratch, "/proc"):
        os.mkdir(root + name)
    for name in ("/dev/shm", "/tmp"):
        if not os.path.exists(root + name):  # Python may lie below /tmp
            os.symlink(scratch, root + name)
    mount("scratch", root + scratch, "tmpfs", _NO_SUID | _NO_DEVICES, "size=1m")
    try:
        # Seen by the first process here only: candidates have one of their own.
        flags = _NO_SUID | _NO_DEVICES | _NO_EXEC
        mount("proc", root + "/proc", "proc", flags)
    except OSError:  # within a container that hides parts of its own
        pass


def main() -> None:
    """Enter, and go on as the process that forks candidates."""
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(os.environ["CONVNETS_ROOM"])
    try:
        spaces = _USERS | _MOUNTS | _NET | _PIDS | _IPC | _NAMES
        checked(_LIBC.unshare(spaces), "unshare")
        control.sendall(b"unshared\n")
        if control.recv(16) != b"go\n":
            os._exit(1)
        if pid := os.fork():
            _LIBC.prctl(1, 9, 0, 0, 0)  # ends when the judge does
            control.close()
            os.waitpid(pid, 0)
            os._exit(0)
        _LIBC.prctl(1, 9, 0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        options["home"] = os.open("/proc/self/ns/pid", os.O_RDONLY)
        os.set_inheritable(options["home"], True)
        mount("none", "/", None, _ALL_BELOW | _PRIVATE)
        root = options["root"]
        furnish(root, options)
        os.chdir(root)
        number = _PIVOT_ROOT[platform.machine()]
        checked(_LIBC.syscall(number, b".", b"."), "pivot_root")
        checked(_LIBC.umount2(b".", _DETACH), "umount")
        os.chdir("/")
        mount("none", "/", None, _REMOUNT | _READ_ONLY | _BIND | _NO_SUID)
        if os.path.exists("/proc/sys/user/max_user_namespaces"):
            try:
                with open("/proc/sys/user/max_user_namespaces", "w") as file:
                    file.write("0")  # no rooms within this room
            except OSError:
                pass
        os.set_inheritable(control.fileno(), True)
        os.environ["CONVNETS_ROOM"] = json.dumps(options)
        words = ["-m", "tools.grading.candidate", str(control.fileno())]
        os.execv(sys.executable, [sys.executable, *words])
    except (OSError, KeyError) as error:
        control.sendall(f"no: {error}\n".encode())
        os._exit(1)


if __name__ == "__main__":
    main()
