"""Asks the course's judge about an exercise, in the notebook that it stands in.

A copy lies beside each notebook that `make nbgrader` and `make otter` write: their test
cells import it. It needs the course's packages and what Jupyter brings.
"""

from __future__ import annotations

from unittest.mock import patch

import torch
from IPython import get_ipython
from IPython.utils.capture import capture_output

from helpers.exercises import notebook
from helpers.exercises.cells import exercises_in_text
from helpers.exercises.engine import Result


def solved(number: str) -> None:
    """Judge an exercise anew: its cell runs once more, as it last ran in this kernel.

    So what counts is the answer, not what was noted when it was given: nothing is read
    from the progress on this computer, and nothing is written there.

    Raises:
        AssertionError: it is not solved; the words are those on its card.
    """
    shell, results = get_ipython(), {}

    def keep(result: Result, **_: object) -> None:
        results[result.number] = result

    history = shell.history_manager.input_hist_raw
    cells = [cell for cell in history if number in exercises_in_text(cell)]
    if not cells:
        raise AssertionError(f"Run the cell of exercise {number} first.")
    with (
        patch.multiple(notebook, show_result=keep, record=lambda result: 0),
        torch.random.fork_rng(devices=[]),  # what comes next stays as drawn
        capture_output(),
    ):
        shell.run_cell(cells[-1])
    if number not in results:
        raise AssertionError(
            f"Exercise {number} could not be judged: run the notebook from its top."
        )
    if not results[number].passed:
        raise AssertionError(results[number].message)
