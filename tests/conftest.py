"""What the tests share."""

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """Tests press it; what is started in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Leave the other cores to the other workers."""
    import torch

    torch.set_num_threads(1)
