"""Training: the loop that the lessons write out, with what a long run needs.

`fit` adds checks of what goes into the network, a progress bar, a history, and
checkpoints that a run continues from as if it had never stopped. `train` does all of it
by a recipe; `python -m helpers.training` does so from the command line, also with
several processes. Needs no Jupyter: a figure's libraries are imported when it is drawn.
"""

# ruff: noqa: F401 (imported for those who use the package)
from helpers.training.checkpoints import CheckpointError, restore
from helpers.training.checks import TrainingDivergedError
from helpers.training.history import History, Row, Scores
from helpers.training.loop import divide_at, evaluate, fit, triangle
from helpers.training.recipes import RECIPES, Recipe, Result, train
from helpers.training.run import Options
