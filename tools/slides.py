"""Present lessons as live slides.

    python -m tools.slides             # opens the first lesson, lists the others
    python -m tools.slides 03          # opens lesson 03
    python -m tools.slides 03 --minutes 45 --port 8888 --no-browser

The lesson opens with its kernel running and all its cells run, so that the widgets
answer at the first touch. Exercises have their blanks, and the slide below each has the
solution; ``--solved`` fills them in. The slides are copies: running, editing and saving
them while presenting changes no file of the course. They stay in ``build/present``
until the next presentation on the same port, so what was typed in class is not lost.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from jupyter_client import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError
from nbformat.sign import NotebookNotary

from tools.stage import copy_to, left_for_home

ROOT = Path(__file__).resolve().parents[1]
# Only for the slides' page: what it lacks for new widgets, and how slides fit.
EXTENSIONS = Path(__file__).with_name("labextensions")
HOST = "127.0.0.1"
_PORTS = range(8890, 8900)  # tried in this order when none is asked for
_START_SECONDS = 90.0
# Lab asks on its first start whether to fetch news; nothing is to leave the machine. A
# question on the screen in the middle of a lecture helps nobody.
_QUIET = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "checkForUpdates": False,
        "fetchNews": "false",
    },
    "@jupyterlab/apputils-extension/sessionDialogs.jupyterlab-settings": {
        "skipKernelRestartDialog": True,
    },
}


class SlidesError(Exception):
    """A reason not to present, told in a sentence or two without a traceback."""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab; ``url`` has no slash at its end."""

    url: str
    token: str

    def address(self, path: str) -> str:
        """Where a page is, with the token that lets a browser in."""
        return f"{self.url}/{path}?token={self.token}"

    def get(self, path: str) -> object:
        """Ask the server's REST interface, as in ``get("api/sessions")``."""
        with urllib.request.urlopen(self.address(path), timeout=5) as answer:
            return json.load(answer)

    def start_kernel(self, notebook: str) -> str:
        """Start a kernel for a notebook, as opening it does, and return its id."""
        asked = {"path": notebook, "type": "notebook", "name": notebook}
        request = urllib.request.Request(
            self.address("api/sessions"),
            json.dumps({**asked, "kernel": {"name": "python3"}}).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["kernel"]["id"]

    def interrupt_kernel(self, kernel: str) -> None:
        """Stop what the kernel with that id is doing."""
        address = self.address(f"api/kernels/{kernel}/interrupt")
        request = urllib.request.Request(address, method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def end_kernel(self, notebook: str) -> None:
        """Stop the kernel of a notebook in the server's folder."""
        for session in self.get("api/sessions"):
            if session["path"] == notebook:
                address = self.address(f"api/sessions/{session['id']}")
                request = urllib.request.Request(address, method="DELETE")
                urllib.request.urlopen(request, timeout=30).close()


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a port of this computer."""
    with socket.socket() as probe:
        if os.name != "nt":  # there it would allow sharing a port in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def _require(port: int) -> int:
    if not is_free(port):
        raise SlidesError(f"Port {port} is taken. Choose another one with --port.")
    return port


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serve(
    root_dir: Path,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run JupyterLab on a folder for as long as the block runs.

    It listens on this computer only, behind a token, and has settings and workspaces of
    its own, so that every run looks the same. ``environment`` is added to that of the
    kernels; progress is kept in memory unless it says otherwise.
    """
    port = _any_port() if port is None else _require(port)
    token = secrets.token_hex(16)
    server = Server(f"http://{HOST}:{port}", token)
    with tempfile.TemporaryDirectory(prefix="convnets-lab-") as scratch:
        state = Path(scratch)
        for name, settings in _QUIET.items():
            file = state / "settings" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings), "utf-8")
        log = state / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(Path(root_dir), port),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(state, token, environment or {}),
                # Of its own, or Ctrl+C would reach it too, and it would ask "sure?".
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            try:
                _wait_until_ready(server, process, log)
                yield server
            finally:
                _stop(process)


def _command(root_dir: Path, port: int) -> list[str]:
    settings = {
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": root_dir.resolve(),
        # Root is what one is in a container, where nobody else is; not elsewhere.
        "ServerApp.allow_root": getattr(os, "geteuid", lambda: 1)() == 0,
        "LabServerApp.extra_labextensions_path": EXTENSIONS,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "jupyterlab", *options]


def _environment(state: Path, token: str, more: Mapping[str, str]) -> dict[str, str]:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    own = {
        "CONVNETS_PROGRESS": "memory",
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_TOKEN": token,  # others may read a command line, but not this
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    return {**os.environ, **own, **more}


def _wait_until_ready(server: Server, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            server.get("api/status")
            return
        except OSError:
            time.sleep(0.1)
    tail = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-15:])
    what = "stopped" if process.poll() is not None else "is not ready"
    raise SlidesError(f"JupyterLab {what}; the last lines it wrote:\n{tail}")


def _stop(process: subprocess.Popen) -> None:
    """Ask the server to go, which ends its kernels; insist when it does not."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Running(AsyncKernelManager):
    """A kernel that a server has started already, and that it will end."""

    has_kernel = True  # nbclient starts one when there is none


def warm_up(server: Server, path: Path, seconds: int = 120) -> str | None:
    """Run all cells of a notebook in the server's folder, and save what they show.

    It is the kernel that the page will find: names are bound, and widgets are alive. An
    error is shown in its cell, as it would be on the slide. A cell that takes longer
    than ``seconds`` is interrupted, and it and the cells after it stay as they were.
    Returns the title of that slide then.
    """
    kernel = server.start_kernel(path.name)
    file = Path(jupyter_runtime_dir()) / f"kernel-{kernel}.json"
    manager = _Running(connection_file=str(file), owns_kernel=False)
    manager.load_connection_file()
    book, title, begun = nbformat.read(path, as_version=4), None, []
    saved = copy.deepcopy(book.cells)
    client = NotebookClient(
        book, km=manager, timeout=seconds, allow_errors=True, coalesce_streams=True
    )
    client.on_cell_execute = lambda cell, cell_index: begun.append(cell_index)
    try:
        client.execute()
    except CellTimeoutError:
        server.interrupt_kernel(kernel)
        title = next(c.source for c in saved[begun[-1] :: -1] if _is_title(c))
        book.cells[begun[-1]] = saved[begun[-1]]
    book.metadata.pop("widgets", None)  # the kernel knows them better
    nbformat.write(book, path)
    NotebookNotary().sign(book)  # or the page would show no colours
    return title and title.lstrip("# ").split(" <")[0]


def _is_title(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "markdown" and cell.source.startswith("#")


def notebooks(unsolved: bool = False, root: Path = ROOT) -> list[Path]:
    """The built notebooks, in lecture order: solved ones, or the students'."""
    folder = root / "notebooks" if unsolved else root / "notebooks" / "solutions"
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise SlidesError("The notebooks are not built yet: run make notebooks first.")
    return found


def choose(lesson: str, among: list[Path]) -> Path:
    """Return the notebook that ``3``, ``03`` or ``03_output_size`` means."""
    wanted = Path(lesson).name.removesuffix(".ipynb")
    for notebook in among:
        if wanted == notebook.stem or wanted.zfill(2) == notebook.stem[:2]:
            return notebook
    names = "\n".join(f"  {notebook.stem}" for notebook in among)
    raise SlidesError(f"There is no lesson {lesson!r}. There are:\n{names}")


def _claim(port: int | None) -> tuple[int, FileLock]:
    """A free port, held by a lock against a presentation started at the same time."""
    for candidate in [port] if port else _PORTS:
        file = ROOT / "build" / "present" / f"{candidate}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        with contextlib.suppress(Timeout):
            lock.acquire(blocking=False)
            if is_free(candidate):
                return candidate, lock
            lock.release()
    raise SlidesError(f"Port {port or _PORTS[0]} is taken. Choose another with --port.")


def _open(address: str, page: Path) -> None:
    """Open an address in the browser by way of a page that only its owner can read."""
    page.touch(mode=0o600)
    page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', "utf-8")
    webbrowser.open(page.as_uri())


def present(
    lesson: str | None,
    solved: bool = False,
    minutes: int | None = None,
    port: int | None = None,
    browser: bool = True,
) -> None:
    """Serve the slides until Ctrl+C."""
    books = notebooks()
    first = choose(lesson, books) if lesson else books[0]
    port, _lock = _claim(port)
    folder = ROOT / "build" / "present" / str(port)
    if folder.exists():
        shutil.rmtree(folder)
    shown = [first] if lesson else books
    copy_to(folder, shown, solved, minutes)
    if minutes is not None and (home := left_for_home(first.stem[:2], minutes)):
        print(f"For {minutes} minutes, leave for home: {', '.join(sorted(home))}.")
    print("Starting JupyterLab …", flush=True)
    with serve(folder, port) as server:
        print(f"Running {first.stem} …", flush=True)
        if late := warm_up(server, folder / first.name):
            print(
                f"  “{late}” takes longer than two minutes: run it and what follows\n"
                "  on its slide, or with R."
            )
        for book in shown:
            print(f"  {server.address(f'rise/{book.name}')}")
        print(
            "Keys: arrows and space move on, T opens the speaker notes, N is for dark\n"
            "rooms, C starts the clock of an exercise, R restarts and runs to here.\n"
            f"These are copies, in {folder.relative_to(ROOT)}. Ctrl+C stops.",
            flush=True,
        )
        if browser:
            _open(server.address(f"rise/{first.name}"), folder / ".open.html")
        # The others, to which links lead, while the page opens. A mistake in one of
        # them must not end what is shown.
        for book in [book for book in books if book not in shown]:
            try:
                copy_to(folder, [book], solved, minutes)
            except Exception as error:
                print(f"Links to {book.stem} lead nowhere: {error}", flush=True)
        while True:
            time.sleep(3600)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.slides", description=__doc__.split("\n")[0]
    )
    parser.add_argument("lesson", nargs="?", help="such as 03 or 03_output_size")
    parser.add_argument("--solved", action="store_true", help="no blanks")
    parser.add_argument(
        "--minutes", type=int, help="mark the exercises for which there is no time"
    )
    parser.add_argument("--port", type=int, help="this port or none")
    parser.add_argument("--no-browser", action="store_true", help="print addresses")
    options = parser.parse_args(arguments)
    # A plain kill and a closed terminal end Python without leaving the block that stops
    # the server.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), lambda *_: sys.exit(143))
    try:
        present(
            options.lesson,
            options.solved,
            options.minutes,
            options.port,
            not options.no_browser,
        )
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
