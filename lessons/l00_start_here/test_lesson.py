"""Right and wrong answers to the exercises of this lesson."""

import calendar

import numpy as np
import torch

from helpers.exercises.engine import case
from tests.lesson_tests import LessonTests

RIGHT = {
    "00.1": [
        {"days": 7.0},
        {"days": lambda: 3 + 4},
        {"days": len(calendar.day_name)},
    ],
    "00.2": [
        lambda a, b: a + (b - a) / 2,
        lambda a, b: np.mean([a, b]),
        lambda first, second: torch.tensor([first, second], dtype=float).mean(),
        lambda *readings: sum(readings) / len(readings),
    ],
}

WRONG = {
    "00.1": [{"days": 5}, {"days": 70}, {"days": [7, 7]}, {"days": None}, {"days": -7}],
    "00.2": [
        lambda a, b: 3,
        lambda a, b: (a + b) // 2 + (a + b) % 2,
        lambda a, b: round((a + b) / 2),
        lambda a, b: abs(a + b) / 2,
        lambda a, b: max(a, b) - 1,
        lambda a, b: (a * b) ** 0.5,
        lambda a, b: str((a + b) / 2),
        lambda a, b: [(a + b) / 2] * 2,
    ],
}

INPUTS = {"00.2": lambda rng: case(rng.randint(-9, 9), rng.uniform(-9, 9))}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    least_exercises = 2
