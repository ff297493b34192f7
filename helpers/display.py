"""Showing things: in a notebook as HTML, elsewhere as text."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """The running IPython shell, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def show(plain: str, markup: str) -> None:
    """Display markup in a notebook, its plain-text form elsewhere.

    In a notebook both are saved: the plain text is what CI compares.
    """
    if shell() is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/plain": plain, "text/html": markup}, raw=True)
