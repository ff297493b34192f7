"""`make lab` listens on this computer only, with a token, whatever Jupyter is told."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 90
HOSTILE = """
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.token = c.IdentityProvider.token = c.PasswordIdentityProvider.token = ""
c.ServerApp.password = ""
c.ServerApp.allow_remote_access = True
c.ServerApp.open_browser = False
c.ServerApp.port = 0
c.ServerApp.root_dir = "/"
"""


@pytest.fixture
def lab(tmp_path):
    """Starts it with settings that open it to everyone; gives it once it is ready."""
    started = []

    def start(*words):
        (tmp_path / "jupyter_server_config.py").write_text(HOSTILE, "utf-8")
        more = {"IdentityProvider": {"token": ""}, "ServerApp": {"ip": "*"}}
        (tmp_path / "jupyter_server_config.json").write_text(json.dumps(more))
        names = "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE"
        environment = {k: v for k, v in os.environ.items() if k not in names}
        environment |= {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_TOKEN": ""}
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tools.lab", *words],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        started.append(process)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and process.poll() is None:
            said = log.read_text("utf-8", "replace")
            if found := re.search(r"http://127\S+:(\d+)/\S*\?token=(\w*)\n", said):
                return process, int(found[1]), found[2]
            time.sleep(0.2)
        raise AssertionError(log.read_text("utf-8", "replace"))

    yield start
    for process in started:
        process.kill()
        process.wait()


def listening(process):
    """The addresses at which anybody may knock."""
    found = psutil.Process(process.pid).net_connections("tcp")
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}


def status(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_settings_that_open_the_door_are_not_heeded(lab):
    process, port, token = lab()
    assert listening(process) == {"127.0.0.1"}
    assert len(token) == 48
    assert status(port, "api/contents") == 403
    assert status(port, "api/contents?token=") == 403
    assert status(port, f"api/contents/notebooks?token={token}") == 200
    assert token not in " ".join(psutil.Process(process.pid).cmdline())


def test_other_computers_are_let_in_by_name_and_with_the_token(lab):
    process, port, token = lab("--host", "0.0.0.0")
    assert listening(process) == {"0.0.0.0"}
    assert status(port, "api/contents") == 403
    assert status(port, f"api/contents?token={token}") == 200
