"""Start programs that use torch without importing it each time, for the tests.

Importing torch and matplotlib takes seconds, and the tests run each lesson several
times, in a process of its own. So one process imports them and waits, and each program
is a fork of it, with the arguments, folder, environment and open files of whoever asks.
`python` gives what stands for ``python`` in a command line::

    subprocess.run([*warm.python(), "lessons/03_output_size.py"], cwd=…, env=…)
    subprocess.run([*warm.python(), "-m", "ipykernel_launcher", "-f", …])

Only libraries are imported beforehand, no part of the course. The number of threads is
that of the waiting process. Elsewhere than on Linux, where forking after such imports
is not safe or not possible, it is the plain Python.
"""

from __future__ import annotations

import os
import signal
import sys

KERNEL = "convnets-warm"
_ADDRESS = "CONVNETS_WARM"  # where the waiting process listens: workers inherit it
_LIBRARIES = (
    "IPython.core.interactiveshell",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "sklearn.datasets",
    "torch",
    "torch._dynamo",  # imported by the first optimizer that is made
)  # not ipywidgets: where it is imported without a kernel, it never serves one


def python() -> list[str]:
    """The beginning of a command line that runs Python, warm where that is possible."""
    start()
    address = os.environ.get(_ADDRESS)
    return [sys.executable, *(["-I", "-S", __file__, address] if address else [])]


def start() -> None:
    """Let a process wait from now on until this one ends, unless one waits already."""
    if sys.platform != "linux" or _ADDRESS in os.environ:
        return
    import atexit
    import json
    import subprocess
    import tempfile
    from pathlib import Path

    folder = tempfile.TemporaryDirectory(prefix="convnets-warm-")
    address = os.path.join(folder.name, "socket")
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, "--wait", address],
        stdin=subprocess.PIPE,  # closed when this process ends, however it does
        cwd=folder.name,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    os.environ[_ADDRESS] = address
    kernel = Path(folder.name, "kernels", KERNEL, "kernel.json")
    kernel.parent.mkdir(parents=True)
    launch = [*python(), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": launch, "display_name": "Python 3 (warm)", "language": "python"}
    kernel.write_text(json.dumps(spec), "utf-8")
    paths = [folder.name, os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))

    def stop() -> None:
        process.stdin.close()
        process.wait()
        folder.cleanup()

    atexit.register(stop)


def kernel() -> str:
    """The name of a Jupyter kernel that starts warm where that is possible."""
    start()
    return KERNEL if _ADDRESS in os.environ else "python3"


# --- Who asks: a process without imports, which starts in a moment --------------------


def _ask(address: str, arguments: list[str]) -> int:
    """Have a program run, and stand for it: pass on signals, end as it does."""
    import json
    import socket
    import time

    for _ in range(6000):  # it may still be at its imports
        if os.path.exists(address):
            break
        time.sleep(0.01)
    request = [arguments, os.getcwd(), dict(os.environ)]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        socket.send_fds(line, [b"?"], [0, 1, 2])
        line.sendall(json.dumps(request).encode() + b"\n")
        answers = line.makefile("r")
        pid = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        code = answers.readline()
    return int(code or -signal.SIGKILL)  # nothing when it could say nothing


# --- Who waits, and becomes what is asked for -----------------------------------------


def _wait(address: str) -> None:
    """Answer until standard input is closed."""
    import gc
    import importlib
    import select
    import socket

    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # or every fork would copy all objects at its first collection
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the tests
    with socket.socket(socket.AF_UNIX) as listener:
        # Not to be found before it listens.
        listener.bind(f"{address}.new")
        listener.listen(64)
        os.rename(f"{address}.new", address)
        while True:
            ready, _, _ = select.select([0, listener], [], [])
            if 0 in ready:
                os._exit(0)  # triton has much to say on a way out with more ado
            line, _ = listener.accept()
            with line:
                _, files, _, _ = socket.recv_fds(line, 1, 3)
                if os.fork() == 0:
                    listener.close()
                    _become(line, files)
                for file in files:
                    os.close(file)


def _reap(*_: object) -> None:
    """Take note of forks that have ended: their processor time is counted then."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:  # none is left
        pass


def _become(line, files: list[int]) -> None:
    """Run the program that is asked for on the line, and never return."""
    import json
    import threading

    code = 1
    try:
        os.setsid()
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        arguments, folder, environment = json.loads(line.makefile("r").readline())
        line.sendall(f"{os.getpid()}\n".encode())
        tests = os.dup(0)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        watch = threading.Thread(target=_end_with, args=(line.fileno(), tests))
        watch.daemon = True
        watch.start()
        code = _run(arguments)
    finally:
        line.sendall(f"{code}\n".encode())
        os._exit(code)


def _end_with(line: int, tests: int) -> None:
    """Leave when whoever asked is gone, or the tests are."""
    import select

    select.select([line, tests], [], [])
    os.killpg(0, signal.SIGKILL)


def _run(arguments: list[str]) -> int:
    """Do what ``python arguments`` does: run a file, or with ``-m`` a module."""
    import atexit
    import io
    import runpy
    import threading
    import traceback

    import matplotlib as mpl

    if arguments[:2] == ["-m", "ipykernel_launcher"]:
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    if "MPLBACKEND" in os.environ:  # which is read at the import
        mpl.rcParams["backend"] = os.environ["MPLBACKEND"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = io.FileIO(number, "w" if number else "r", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(file) if number else io.BufferedReader(file),
            encoding="utf-8",
            errors="backslashreplace" if name == "stderr" else None,
            line_buffering=name == "stderr",
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    is_module = arguments[0] == "-m"
    sys.argv = arguments[1:] if is_module else arguments
    first = os.getcwd() if is_module else os.path.dirname(os.path.abspath(sys.argv[0]))
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [first, *filter(None, paths)]
    code = 0
    try:
        if is_module:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leave:
        code = 0 if leave.code is None else leave.code
        if not isinstance(code, int):
            print(code, file=sys.stderr)
        code = int(code) if isinstance(code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    if sys.argv[1] == "--wait":
        _wait(sys.argv[2])
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:]))
