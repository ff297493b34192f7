"""Settings of `pytest --nbval`, the same from the project's root and from notebooks/.

They stand here, not in pyproject.toml: a path there would be relative to the folder
that pytest is started in, and an option of nbval an error where it is not installed.
"""

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
CELL_SECONDS = 120

pytest.register_assert_rewrite("tests.lesson_tests", "tests.pictures")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """Tests press it; what is started in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Leave the other cores to the other workers."""
    import torch

    torch.set_num_threads(1)


def pytest_configure(config):
    """Say how notebooks are compared, where the command line does not."""
    # The notebooks' kernels inherit these: who solved what must not show on a page, and
    # with a busy neighbour two threads are slower than one.
    os.environ["CONVNETS_PROGRESS"] = "memory"
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["PYTHONSTARTUP"] = str(ROOT / "tests" / "kernel_startup.py")
    # Stand-ins, whatever lies in data/: in this folder there is nothing.
    os.environ["CONVNETS_DATA"] = str(ROOT / "tests" / "no-downloads")
    option = config.option
    if hasattr(option, "nbval"):  # nbval is installed
        option.nbval_sanitize_with = str(ROOT / "tests" / "nbval_sanitize.cfg")
        option.nbval_cell_timeout = CELL_SECONDS
