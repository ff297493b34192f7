"""Notebooks of the first release, half filled in, still find all that they import."""

import pytest

# The import lines of its fourteen lessons, one by one.
IMPORTS = """
from helpers import networks
from helpers.authoring import blank
from helpers.convolution import conv2d
from helpers.convolution import conv2d, output_size
from helpers.convolution import conv2d, receptive_field
from helpers.convolution import output_size
from helpers.counting import layer_table
from helpers.data import Batches, crop, load
from helpers.data import Batches, load
from helpers.data import Batches, load, photograph
from helpers.data import load
from helpers.data import photograph, to_grey
from helpers.device import best_device, describe_device
from helpers.drawing import BLACK, BLUE, GREY
from helpers.drawing import BLACK, BLUE, GREY, ORANGE
from helpers.drawing import PALE_BLUE, PALE_GREEN, PALE_ORANGE, Drawing
from helpers.drawing import BLACK, BLUE, ORANGE, PALE_BLUE, PALE_GREEN, Drawing
from helpers.drawing import BLACK, BLUE, ORANGE, PALE_BLUE, PALE_ORANGE, Drawing
from helpers.drawing import BLACK, GREY, ORANGE, PALE_BLUE, PALE_GREEN, Drawing
from helpers.drawing import BLACK, PALE_BLUE, PALE_ORANGE, Drawing
from helpers.drawing import BLUE, GREEN, GREY, ORANGE
from helpers.drawing import PALE_BLUE, PALE_GREEN, PALE_ORANGE, WHITE, Drawing
from helpers.exercises import answer, exercise, progress, start
from helpers.exercises import answer, exercise, start
from helpers.networks import ResidualBlock
from helpers.networks import ResidualBlock, resnet
from helpers.networks import alexnet, googlenet, resnet, vgg
from helpers.networks import alexnet, lenet5, zfnet
from helpers.networks import alexnet, vgg
from helpers.networks.weights import he_initialise
from helpers.plots import show, show_grids, show_images, show_lines, show_table
from helpers.plots import show, show_grids, show_images, show_table
from helpers.plots import show, show_grids, show_table
from helpers.plots import show, show_images, show_lines, show_table
from helpers.plots import show, show_lines, show_table
from helpers.plots import show, show_table
from helpers.plots import show_grids, show_images
from helpers.plots import show_grids, show_images, show_table
from helpers.plots import show_lines, show_table
from helpers.plots import show_positions, show_table
from helpers.training import RECIPES, train, triangle
from helpers.training import divide_at, evaluate, fit
from helpers.training import evaluate
from helpers.training import evaluate, fit
from helpers.training.records import recordings
from helpers.widgets import cost_explorer
from helpers.widgets import error_explorer
from helpers.widgets import field_explorer
from helpers.widgets import gradient_explorer
from helpers.widgets import inception_explorer
from helpers.widgets import kernel_explorer, window_explorer
from helpers.widgets import map_explorer
from helpers.widgets import network_explorer
from helpers.widgets import norm_explorer
from helpers.widgets import pool_explorer
from helpers.widgets import size_explorer
from helpers.widgets import sliding_window, weight_chooser
from helpers.widgets import stack_explorer
from helpers.widgets.fields import draw_layers, windows
from helpers.widgets.gradients import gradient_norms
from helpers.widgets.networks_map import Network
"""


@pytest.mark.parametrize("line", IMPORTS.split("\n")[1:-1])
def test_an_old_import_line_works(line):
    exec(line, {})


def test_what_never_was_is_told():
    with pytest.raises(ImportError, match="no_such_explorer"):
        exec("from helpers.widgets import no_such_explorer", {})
