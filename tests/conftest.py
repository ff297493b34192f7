"""What the tests share."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Leave the other cores to the other workers."""
    import torch

    torch.set_num_threads(1)
