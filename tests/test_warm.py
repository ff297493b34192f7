"""A program that is started warm cannot tell, and neither can whoever started it."""

import os
import signal
import subprocess
import sys

import pytest

from tools import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is warm there")

TELLS = """
import os, sys
print(__name__, sys.argv, os.getcwd(), os.environ.get("TOLD"), sys.path[0])
print(sys.stdin.read(), "helpers" in sys.modules, file=sys.stderr)
sys.exit(3)
"""
WAITS = """
import os, time
print(os.getpid(), flush=True)
time.sleep(100)
"""


@pytest.fixture
def program(tmp_path):
    def write(text):
        (tmp_path / "program.py").write_text(text, "utf-8")
        return str(tmp_path / "program.py")

    return write


def run(python, *arguments, **options):
    return subprocess.run(
        [*python, *arguments], capture_output=True, text=True, timeout=60, **options
    )


def test_it_does_as_plain_python(program, tmp_path):
    how = {
        "input": "é",
        "cwd": tmp_path.parent,
        "env": os.environ | {"TOLD": "x", "PYTHONPATH": str(tmp_path)},
    }
    for arguments in ([program(TELLS), "a b"], ["-m", "program", "c"]):
        plain = run([sys.executable], *arguments, **how)
        warmed = run(warm.python(), *arguments, **how)
        assert len(warm.python()) > 1
        assert (warmed.returncode, warmed.stdout) == (3, plain.stdout)
        assert warmed.stderr == plain.stderr == "é False\n"


def test_an_error_is_told(program):
    done = run(warm.python(), program("import torch\ntorch.ones(2) / no"))
    assert done.returncode == 1
    assert done.stderr.endswith("NameError: name 'no' is not defined\n")


def has_ended(pid):
    """Whether a process is gone; waits for that."""
    for _ in range(3000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        signal.sigtimedwait([], 0.01)
    return False


@pytest.mark.parametrize(
    ("leaves", "code", "says"),
    [("sys.exit()", 0, ""), ("sys.exit(3)", 3, ""), ("sys.exit('no')", 1, "no\n")],
)
def test_it_leaves_as_python_does(program, leaves, code, says):
    path = program(f"import sys\n{leaves}\n")
    run = subprocess.run([*warm.python(), path], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (code, says)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_whoever_asked(program, number):
    with subprocess.Popen(
        [*warm.python(), program(WAITS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as asks:
        pid = int(asks.stdout.readline())
        asks.send_signal(number)
        assert asks.wait(60) != 0
        assert has_ended(pid)


def test_its_sudden_end_is_told(program):
    with subprocess.Popen(
        [*warm.python(), program(WAITS)], stdout=subprocess.PIPE
    ) as asks:
        os.kill(int(asks.stdout.readline()), signal.SIGKILL)
        assert asks.wait(60) not in (0, 1)
