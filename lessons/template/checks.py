"""Checks: brightness and contrast.

The right answers are not here: they are taken from lesson.py. A misconception is what
learners really write into the blank, with what it means. The card names it when, on
every case, the learner's answer does the same as the cell with that in its blank.
"""

import torch

from helpers.exercises.engine import Exercise, Wrong, add, case

add(
    Exercise(
        "NN.1",
        "After 3x − 10",
        level=1,
        wrong={
            "not-moved": Wrong(
                {"darkest": 60, "brightest": 240},
                "That is 3x. Then 10 is taken from every pixel.",
            ),
            "moved-first": Wrong(
                {"darkest": 30, "brightest": 210},
                "That is 3(x − 10). Multiply first, then subtract.",
            ),
        },
        hints=("The darkest pixel is 20, the brightest 80.",),
    )
)


def _pictures():
    random = torch.Generator().manual_seed(0)
    return [
        case(torch.tensor([[20.0, 40], [60, 80]])),
        case(torch.tensor([[-1.0, 1]])),
        case(torch.rand(3, 5, generator=random)),
        case(100 * torch.randn(2, 4, generator=random)),
        case(255 - 9 * torch.rand(4, 3, generator=random)),
    ]


add(
    Exercise(
        "NN.2",
        "From 0 to 1",
        level=2,
        cases=_pictures,
        wrong={
            "by-maximum": Wrong(
                "x / x.max()",
                "The brightest pixel is 1 now, but the darkest is not 0. Subtract the "
                "minimum first.",
            ),
            "by-255": Wrong(
                "x / 255",
                "255 is the camera's range. This picture has a darkest and a brightest "
                "pixel of its own.",
            ),
            "range-forgotten": Wrong(
                "(x - x.min()) / x.max()",
                "After the minimum is subtracted, the largest value is max − min: "
                "divide by that.",
            ),
        },
        hints=(
            "First make the darkest pixel 0. Which is the brightest value then?",
            "Divide by the whole range, max − min.",
        ),
    )
)
