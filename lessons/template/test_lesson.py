"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import numpy as np
import torch

from helpers.exercises.engine import case
from lessons.template.explorer import contrast_explorer
from tests.lesson_tests import LessonTests

RIGHT = {
    "NN.1": [{"darkest": 3 * 20 - 10, "brightest": 3 * 80 - 10}],
    "NN.2": [
        lambda x: np.interp(x, [x.min(), x.max()], [0, 1]),
        lambda x: x.sub(x.min()).div(np.ptp(x.numpy())),
    ],
}
WRONG = {
    "NN.1": [
        {"darkest": 230, "brightest": 50},
        {"darkest": 20, "brightest": 80},
        {"darkest": 50, "brightest": 255},
    ],
    "NN.2": [
        lambda x: x,
        lambda x: x - x.min(),
        lambda x: x.clamp(0, 1),
        lambda x: (x - x.mean()) / x.std(),
    ],
}


def _picture(rng):
    values = [rng.gauss(0, 50) for _ in range(12)]
    return case(torch.tensor(values).view(3, 4))


INPUTS = {"NN.2": _picture}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    least_exercises = 2  # a lesson has five or more; this one only shows how


def test_pixels_are_multiplied_and_cut_off():
    explorer = contrast_explorer()
    assert explorer.values() == [20, 40, 60, 80]
    explorer.factor.value = 4
    assert explorer.values() == [80, 160, 240, 255]
    assert "1 cut off" in explorer.describe()
