"""Explorers: pictures that answer while a slider moves.

Each is a widget for JupyterLab and the live slides: controls on top, one SVG below that
the kernel writes anew in a few milliseconds. In a notebook opened without a kernel a
still picture stands in its place. One module for each; lessons import the functions.
"""

from helpers.widgets.branches import inception_explorer
from helpers.widgets.costs import cost_explorer
from helpers.widgets.errors import error_explorer
from helpers.widgets.fields import field_explorer
from helpers.widgets.gradients import gradient_explorer
from helpers.widgets.kernels import kernel_explorer
from helpers.widgets.maps import map_explorer
from helpers.widgets.networks_map import network_explorer
from helpers.widgets.norms import norm_explorer
from helpers.widgets.pools import pool_explorer
from helpers.widgets.sizes import size_explorer
from helpers.widgets.sliding import sliding_window
from helpers.widgets.stacks import stack_explorer
from helpers.widgets.weights import weight_chooser
from helpers.widgets.windows import window_explorer

__all__ = [
    "cost_explorer",
    "error_explorer",
    "field_explorer",
    "gradient_explorer",
    "inception_explorer",
    "kernel_explorer",
    "map_explorer",
    "network_explorer",
    "norm_explorer",
    "pool_explorer",
    "size_explorer",
    "sliding_window",
    "stack_explorer",
    "weight_chooser",
    "window_explorer",
]
