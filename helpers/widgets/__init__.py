"""Explorers: pictures that answer while a slider moves.

Each is a widget for JupyterLab and the live slides: controls on top, one SVG below that
the kernel writes anew in a few milliseconds. In a notebook opened without a kernel a
still picture stands in its place. One module for each; lessons import the functions.
"""

from helpers.widgets.fields import field_explorer
from helpers.widgets.kernels import kernel_explorer
from helpers.widgets.maps import map_explorer
from helpers.widgets.pools import pool_explorer
from helpers.widgets.sizes import size_explorer
from helpers.widgets.sliding import sliding_window
from helpers.widgets.weights import weight_chooser
from helpers.widgets.windows import window_explorer

__all__ = [
    "field_explorer",
    "kernel_explorer",
    "map_explorer",
    "pool_explorer",
    "size_explorer",
    "sliding_window",
    "weight_chooser",
    "window_explorer",
]
