"""Right and wrong answers to the exercises of this lesson."""

import calendar

import numpy as np
import torch

from helpers.exercises.engine import case
from tests.lesson_tests import LessonTests, random_tensor

T = torch.arange(12)

# --- Right answers, written differently -----------------------------------------------


def latest_by_loop(x, n):
    return [x[-k] for k in range(1, n + 1)]


def distances_by_loop(x):
    return torch.stack([x[i + 1] - x[i] for i in range(len(x) - 1)])


def error_by_loop(measured, truth):
    rows = [(m - t).square().mean().sqrt() for m, t in zip(measured, truth)]
    return torch.stack(rows)


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
    "00.3": [
        {"row": [4], "table": torch.Size([4, 60]), "last": torch.tensor(59.0)},
        {
            "row": torch.zeros(4).shape,
            "table": torch.zeros(4, 60).shape,
            "last": torch.arange(60)[-1],
        },
    ],
    "00.4": [
        latest_by_loop,
        lambda x, n: x[-n:].flip(0),
        lambda x, n: x.flip(0)[:n],
        lambda x, n: x.tolist()[::-1][:n],
        lambda x, n: x.numpy()[: -n - 1 : -1].copy(),
    ],
    "00.5": [
        distances_by_loop,
        lambda x: x.diff(),
        lambda x: np.diff(x.numpy()),
        lambda x: -(x[:-1] - x[1:]),
        lambda x: [x[k] - x[k - 1] for k in range(1, len(x))],
    ],
    "00.6": [
        error_by_loop,
        lambda measured, truth: ((measured - truth) ** 2).mean(dim=1) ** 0.5,
        lambda a, b: (b - a).square().mean(-1).sqrt(),
        lambda a, b: (a - b).norm(dim=1) / a.shape[1] ** 0.5,
        lambda a, b: np.sqrt(np.mean((a.numpy() - b.numpy()) ** 2, axis=1)),
    ],
    "00.7": [
        {
            "element": T.view(3, 4)[1, 0],
            "flattened": T.view(3, 4).flatten().shape,
            "in_front": T[None].shape,
            "behind": T[:, None].shape,
            "stacked": torch.stack([T, T, T]).shape,
        },
    ],
}

# --- Wrong answers that nobody listed -------------------------------------------------

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
    "00.3": [
        {"row": (4,), "table": (4, 60), "last": 58},
        {"row": (), "table": (4, 60), "last": 59},
        {"row": (4,), "table": (4,), "last": 59},
        {"row": "(4,)", "table": "(4, 60)", "last": 59},
        {"row": (4, 60), "table": (4,), "last": 59},
        {"row": (4,), "table": (1, 4, 60), "last": 59},
    ],
    "00.4": [
        lambda x, n: x,
        lambda x, n: x.flip(0),
        lambda x, n: x[-1],
        lambda x, n: x[-2:].flip(0),
        lambda x, n: x[-n:].sort(descending=True).values,
        lambda x, n: x[-n:].flip(0)[None],
        lambda x, n: x[-n:].sum(),
        lambda x, n: str(x[-n:].flip(0)),
    ],
    "00.5": [
        lambda x: x,
        lambda x: x[1:],
        lambda x: (x[1:] - x[:-1]).abs(),
        lambda x: x.flip(0) - x,
        lambda x: x - x.roll(1),
        lambda x: (x[1:] - x[:-1]).sum(),
        lambda x: (x[1:] - x[:-1]).mean(),
        lambda x: (x[1:] + x[:-1]) / 2,
        lambda x: [0.1, 0.2],
    ],
    "00.6": [
        lambda a, b: (a - b).abs(),
        lambda a, b: (a - b).square().mean(1, keepdim=True).sqrt(),
        lambda a, b: (a.mean(1) - b.mean(1)).abs(),
        lambda a, b: (a - b).std(1),
        lambda a, b: (a - b).abs().max(1).values,
        lambda a, b: (a - b).square().sum(1).sqrt() / 3,
        lambda a, b: (a.square() - b.square()).abs().mean(1).sqrt(),
        lambda a, b: [1.732, 1.0],
    ],
    "00.7": [
        dict.fromkeys(("element", "flattened", "in_front", "behind", "stacked"), 12),
        {
            "element": 5,
            "flattened": (12,),
            "in_front": (1, 12),
            "behind": (12, 1),
            "stacked": (3, 12),
        },
        {
            "element": 4,
            "flattened": (12,),
            "in_front": (12, 1),
            "behind": (1, 12),
            "stacked": (3, 12),
        },
        {
            "element": 4,
            "flattened": (4, 3),
            "in_front": (1, 12),
            "behind": (12, 1),
            "stacked": (3, 3, 4),
        },
    ],
}


def _readings_and_n(rng):
    length = rng.randint(1, 12)
    return case(random_tensor(rng, length), rng.randint(1, length))


def _two_tables(rng):
    rows, columns = rng.randint(1, 5), rng.randint(2, 6)
    return case(*(random_tensor(rng, rows, columns) for _ in range(2)))


INPUTS = {
    "00.2": lambda rng: case(rng.randint(-9, 9), rng.uniform(-9, 9)),
    "00.4": _readings_and_n,
    "00.5": lambda rng: case(random_tensor(rng, rng.randint(2, 9))),
    "00.6": _two_tables,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
