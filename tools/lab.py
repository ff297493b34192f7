"""Open the course in JupyterLab, for this computer only and behind a token.

    python -m tools.lab                    # opens the first lesson in the browser
    python -m tools.lab --port 8888        # on that port or not at all
    python -m tools.lab --host 0.0.0.0     # for other computers, too

Where to listen and whom to let in is decided here, whatever the user's own Jupyter
settings say; all other settings stay theirs. What follows a `--` goes to Jupyter.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from jupyterlab.labapp import LabApp

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
FIRST = "/lab/tree/notebooks/00_start_here.ipynb"


def options(host: str | None, port: int | None) -> list[str]:
    """The command line for JupyterLab; it wins over all configuration files.

    They are given to it in this process: others may read a command line, but not this.
    """
    provider = "PasswordIdentityProvider"  # the more specific name wins over its base's
    settings = {
        "ServerApp.ip": host or HOST,
        "ServerApp.sock": "",
        "ServerApp.identity_provider_class": f"jupyter_server.auth.identity.{provider}",
        f"{provider}.token": os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24),
        f"{provider}.hashed_password": "",
        "ServerApp.root_dir": ROOT,
        "LabApp.default_url": FIRST,
        # Root is what one is in a container, where nobody else is; not elsewhere.
        "ServerApp.allow_root": getattr(os, "geteuid", lambda: 1)() == 0,
    }
    if port:
        settings |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    return [f"--{name}={value}" for name, value in settings.items()]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line, until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", help=f"an address to listen on; default: {HOST}")
    parser.add_argument("--port", type=int, help="this port or none")
    parser.add_argument("more", nargs="*", help="options of JupyterLab, after --")
    asked = parser.parse_args(arguments)
    # Ours come last: of two options with one name the last one counts.
    server = LabApp.initialize_server([*asked.more, *options(asked.host, asked.port)])
    # Then its address is printed with the token, not with three dots.
    server.identity_provider.token_generated = not os.environ.get("JUPYTER_TOKEN")
    server.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
