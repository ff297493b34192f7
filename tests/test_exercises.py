"""Each exercise takes every right answer and no wrong one, and names known mistakes."""

import math
import re

import answers
import mutants
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.exercises import check, engine, exercises
from helpers.exercises.cards import solutions

NUMBERS = list(exercises())
ANSWERS = [n for n in NUMBERS if exercises()[n].is_answer]
FUNCTIONS = [n for n in NUMBERS if not exercises()[n].is_answer]


def example_of(exercise, key):
    """A misconception as it is handed in: answers are complete, with the wrong ones."""
    example = exercise.misconceptions[key]
    return {**exercise.reference, **example} if exercise.is_answer else example


# --- what every exercise has ----------------------------------------------------------


def test_numbers_run_from_one_in_each_lesson():
    lessons = {}
    for number, exercise in exercises().items():
        assert re.fullmatch(r"(0\d|1[0-3])\.[1-9]\d?", number)
        assert exercise.number == number
        assert exercise.lesson == number[:2]
        assert int(exercise.lesson) < len(engine.LESSONS)
        lessons.setdefault(exercise.lesson, []).append(int(number[3:]))
    for positions in lessons.values():
        assert positions == list(range(1, len(positions) + 1))


@pytest.mark.parametrize("lesson", sorted({e.lesson for e in exercises().values()}))
def test_a_lesson_has_enough_exercises(lesson):
    least = {"00": 1}.get(
        lesson, 5 if lesson < "07" else 6 if lesson not in ("10", "11", "12") else 7
    )
    assert sum(e.lesson == lesson for e in exercises().values()) >= least


@pytest.mark.parametrize("number", NUMBERS)
def test_exercise_is_complete(number):
    exercise = exercises()[number]
    assert exercise.title == exercise.title.strip() != ""
    assert len(exercise.misconceptions) >= 2
    assert exercise.hints
    assert all(isinstance(hint, str) and hint.strip() for hint in exercise.hints)
    assert exercise.is_answer == (exercise.cases is None)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_learners_read_is_calm_and_whole(number):
    exercise = exercises()[number]
    says = [wrong.says for wrong in exercise.wrong.values()]
    assert len(set(says)) == len(says)
    for text in [*says, *exercise.hints, *filter(None, [exercise.otherwise])]:
        assert "!" not in text
        assert text[-1] in ".?)…"
        assert text.count("`") % 2 == 0
        assert text.count("(") == text.count(")")
    for text in says:
        assert len(text.split()) > 3
        assert not re.match(r"[a-z]{2}", text), "a sentence, or a variable"


def test_functions_are_tried_on_several_cases():
    for number in FUNCTIONS:
        assert len(list(exercises()[number].cases())) >= (2 if number == "03.12" else 5)


# --- how it judges --------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_passes(number):
    result = check(number, exercises()[number].reference)
    assert (result.status, result.misconception) == ("passed", None)


@pytest.mark.parametrize("number", NUMBERS)
def test_blank_is_blank(number):
    exercise, blank = exercises()[number], engine.Blank()
    open_values = dict.fromkeys(exercise.reference, blank) if exercise.is_answer else 0
    result = check(number, open_values or blank)
    assert result.status == "blank"
    assert engine.BLANK_NAME in result.message


@pytest.mark.parametrize("number", ANSWERS)
def test_one_open_answer_is_blank(number):
    exercise = exercises()[number]
    for name in exercise.reference:
        values = {**exercise.reference, name: engine.Blank()}
        result = check(number, values)
        assert result.status == "blank"
        assert name in result.message or len(exercise.reference) == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_each_misconception_is_told_apart(number):
    exercise = exercises()[number]
    for key, wrong in exercise.wrong.items():
        result = check(number, example_of(exercise, key))
        assert (result.status, result.misconception) == ("failed", key)
        assert result.says == wrong.says
        assert wrong.says in result.message


@pytest.mark.parametrize("number", ANSWERS)
def test_misconceptions_of_answers_name_what_is_asked(number):
    exercise = exercises()[number]
    for example in exercise.misconceptions.values():
        assert example
        assert example.keys() <= exercise.reference.keys()


def test_every_exercise_has_its_solved_cell():
    assert list(solutions()) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_solved_cell_passes(number):
    source = solutions()[number]
    assert engine.BLANK_NAME not in source
    assert check(number, mutants.run(number, source)).status == "passed"


# --- right answers, written otherwise -------------------------------------------------


def average_by_lists(x, n):
    x = x.tolist()
    return [sum(x[i : i + n]) / n for i in range(len(x) - n + 1)]


def average_by_running_sum(x, n):
    total = torch.cat([torch.zeros(1), x.cumsum(0)])
    return (total[n:] - total[:-n]) / n


def slide_by_lists(x, w):
    x, w = x.tolist(), w.tolist()
    places = range(len(x) - len(w) + 1)
    return [sum(x[i + k] * w[k] for k in range(len(w))) for i in places]


def slide_by_shifts(x, w):
    out = torch.zeros(x.numel() - w.numel() + 1, dtype=torch.float64)
    for k, weight in enumerate(w):
        out += weight * x[k : k + len(out)]
    return out


def convolve_by_formula(x, w):
    x, w = x.tolist(), w.tolist()
    times = range(len(w) - 1, len(x))
    return tuple(sum(x[t - k] * w[k] for k in range(len(w))) for t in times)


def preceding_by_flip(image, K, i, j):
    m, n = K.shape
    window = image[i - m + 1 : i + 1, j - n + 1 : j + 1]
    return (window.flip(0, 1) * K).sum()


def preceding_by_lists(image, K, i, j):
    image, K, total = image.tolist(), K.tolist(), 0.0
    for a, row in enumerate(K):
        for b, weight in enumerate(row):
            total += weight * image[i - a][j - b]
    return total


def image_by_lists(image, kernel):
    image, kernel = image.tolist(), kernel.tolist()
    m, n = len(kernel), len(kernel[0])
    return [
        [
            sum(image[i + a][j + b] * kernel[a][b] for a in range(m) for b in range(n))
            for j in range(len(image[0]) - n + 1)
        ]
        for i in range(len(image) - m + 1)
    ]


def image_by_numpy(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image.numpy(), kernel.shape)
    return (windows * kernel.numpy()).sum(axis=(-1, -2))


def image_by_unfold(image, kernel):
    m, n = kernel.shape
    return torch.einsum("ijab,ab->ij", image.unfold(0, m, 1).unfold(1, n, 1), kernel)


def image_by_columns(image, kernel):
    columns = functional.unfold(image[None, None], kernel.shape)
    out = kernel.reshape(1, -1) @ columns[0]
    return out.view(image.shape[0] - kernel.shape[0] + 1, -1)


def image_by_torch(image, kernel):
    return functional.conv2d(image[None, None], kernel[None, None]).squeeze(0, 1)


def volume_by_lists(image, kernel):
    maps = [image_by_lists(i, k) for i, k in zip(image, kernel)]
    return [[sum(column) for column in zip(*rows)] for rows in zip(*maps)]


def volume_by_unfold(image, kernel):
    windows = image.unfold(1, kernel.shape[1], 1).unfold(2, kernel.shape[2], 1)
    return torch.einsum("cijab,cab->ij", windows, kernel)


def volume_by_groups(image, kernel):
    maps = functional.conv2d(image[None], kernel[:, None], groups=len(image))
    return maps.sum(dim=1)[0].numpy()


def places_by_counting(W1, F):
    return len([i for i in range(W1) if i + F <= W1])


def size_by_counting(W1, F, P=0, S=1):
    start, places = -P, 0
    while start + F <= W1 + P:
        start, places = start + S, places + 1
    return places


def size_by_torch(W1, F, P=0, S=1):
    return nn.Conv1d(1, 1, F, S, P)(torch.zeros(1, 1, W1)).shape[-1]


def padding_by_search(F):
    return next(P for P in range(F + 1) if 100 - F + 2 * P + 1 == 100)


def extent_by_tensor(F, dilation):
    taps = torch.arange(F) * dilation
    return taps.max() - taps.min() + 1


class NamedLayer(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 64, (7, 7), (2, 2), (3, 3), bias=False)


RIGHT = answers.RIGHT | {
    "00.2": [
        lambda a, b: a + (b - a) / 2,
        lambda a, b: np.mean([a, b]),
        lambda first, second: torch.tensor([first, second], dtype=float).mean(),
        lambda *readings: sum(readings) / len(readings),
    ],
    "01.1": [
        average_by_lists,
        average_by_running_sum,
        lambda x, n: np.convolve(x.numpy(), np.full(n, 1 / n), "valid"),
        lambda x, n: functional.avg_pool1d(x[None, None], n, stride=1).flatten(),
    ],
    "01.3": [
        slide_by_lists,
        slide_by_shifts,
        lambda x, w: np.correlate(x.numpy(), w.numpy(), "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w,
        lambda x, w: functional.conv1d(x.view(1, 1, -1), w.view(1, 1, -1)).view(-1),
    ],
    "01.4": [
        lambda w: [v / sum(w.tolist()) for v in w.tolist()],
        lambda w: w.numpy() / w.numpy().sum(),
        lambda w: torch.div(w, torch.einsum("i->", w)),
        lambda w: w * (1 / w.sum()),
    ],
    "01.6": [
        convolve_by_formula,
        lambda x, w: np.convolve(x, w, "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w.flip(0),
        lambda x, w: slide_by_lists(x.flip(0), w)[::-1],
    ],
    "02.2": [preceding_by_flip, preceding_by_lists],
    "02.4": [image_by_lists, image_by_numpy, image_by_unfold, image_by_torch],
    "02.5": [image_by_lists, image_by_numpy, image_by_columns, image_by_torch],
    "02.8": [volume_by_lists, volume_by_unfold, volume_by_groups],
    "03.1": [
        places_by_counting,
        lambda W1, F: 1 + (W1 - F),
        lambda W1, F: len(torch.zeros(W1).unfold(0, F, 1)),
        lambda W1, F: np.zeros(W1 - F + 1).size,
    ],
    "03.2": [
        lambda F: F // 2,
        lambda F: (F - 1) / 2,
        lambda F: int(F / 2),
        padding_by_search,
    ],
    "03.3": [
        size_by_counting,
        size_by_torch,
        lambda W1, F, P=0, S=1: math.floor((W1 - F + 2 * P) / S) + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * P + S) // S,
        lambda W1, F, P=0, S=1: np.floor((W1 - F + 2 * P) / S + 1),
    ],
    "03.12": [
        NamedLayer,
        lambda: nn.Conv2d(3, 64, 7, 2, 3),
        lambda: nn.LazyConv2d(64, 7, 2, 3),
        lambda: nn.Conv2d(in_channels=3, out_channels=64, kernel_size=7, stride=2,
                          padding=(3, 3)),
    ],
    "03.13": [
        extent_by_tensor,
        lambda F, dilation: F + (F - 1) * (dilation - 1),
        lambda F, dilation: len(range(0, (F - 1) * dilation + 1)),
    ],
}  # fmt: skip


def test_every_function_is_written_otherwise_too():
    assert RIGHT.keys() >= set(FUNCTIONS)
    assert all(len(RIGHT[number]) >= 2 for number in FUNCTIONS)


@pytest.mark.parametrize(
    ("number", "candidate"),
    [(number, other) for number, others in RIGHT.items() for other in others],
)
def test_right_answer_written_otherwise(number, candidate):
    result = check(number, candidate)
    assert result.status == "passed", result.message


OTHERWISE_RIGHT = [
    ("00.1", {"days": 7.0}),
    ("00.1", {"days": lambda: 3 + 4}),
    ("01.2", {"outputs": torch.tensor(6), "s_6": np.float32(1.811)}),
    ("01.5", {"oldest_only": 6.0, "mean_of_7": 21 / 7}),
    ("01.7", {"mean": 0, "peak": 0, "difference": 1, "lecture": np.True_}),
    ("01.8", {"signal": [8, 1, 100], "weight": torch.Size([1, 1, 7]),
              "output": np.zeros((8, 1, 94)).shape}),
    ("02.1", {"S_01": "wb+xc+yf+zg", "S_10": "E*W + F*X + I*Y + J*Z"}),
    ("02.1", {"S_01": "gz + fy + cx + bw", "S_10": "jz+iy  +fx+ew"}),
    ("02.3", {"preceding": "Upright", "succeeding": " turned "}),
    ("02.6", {"ones": 9 * 100, "blur": 100 / 9 * 9, "sharpen": 100, "edges": -0.0}),
    ("02.7", {"kernel": torch.tensor([[0, 0, 0], [-1, 0, 1], [0, 0, 0.0]])}),
    ("02.9", {"images": torch.Size([4, 3, 32, 32]), "weight": [8, 3, 5, 5],
              "maps": nn.Conv2d(3, 8, 5)(torch.zeros(4, 3, 32, 32)).shape}),
    ("03.8", {"D2": 16, "H2": lambda: (480 - 5 + 4) // 4 + 1, "W2": 160}),
    ("03.10", {"S": (17 - 5) / (5 - 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("number", "values"), OTHERWISE_RIGHT)
def test_right_values_written_otherwise(number, values):
    result = check(number, values)
    assert result.status == "passed", result.message


# --- wrong answers that nobody listed -------------------------------------------------


def square_only(image, kernel):
    """Right where the image and the kernel are square."""
    H2 = image.shape[0] - kernel.shape[0] + 1
    return image_by_torch(image, kernel)[:H2, :H2]


def long_way_only(image, kernel):
    """Takes the larger extent of the kernel for both."""
    F = max(kernel.shape)
    return image_by_torch(image, kernel)[
        : image.shape[0] - F + 1, : image.shape[1] - F + 1
    ]


def last_left_at_zero(image, kernel):
    out = image_by_torch(image, kernel).clone()
    out[-1, -1] = 0
    return out


def wrong_at_the_corner(image, kernel):
    out = image_by_torch(image, kernel).clone()
    out[0, 0] += 0.01
    return out


WRONG_IMAGES = [
    square_only,
    long_way_only,
    last_left_at_zero,
    wrong_at_the_corner,
    lambda image, kernel: image_by_torch(image, kernel).T,
    lambda image, kernel: image_by_torch(image.T, kernel),
    lambda image, kernel: image_by_torch(image, kernel.flip(0)),
    lambda image, kernel: image_by_torch(image, kernel.flip(1)),
    lambda image, kernel: image_by_torch(image, kernel).abs(),
    lambda image, kernel: image_by_torch(image, kernel).relu(),
    lambda image, kernel: image_by_torch(image, kernel).round(),
    lambda image, kernel: image_by_torch(image, kernel)[None],
    lambda image, kernel: image_by_torch(image, kernel).flatten(),
    lambda image, kernel: image_by_torch(image, kernel)[::2],
    lambda image, kernel: str(image_by_torch(image, kernel)),
    lambda image, kernel: functional.conv2d(
        image[None, None], kernel[None, None], padding="same"
    )[0, 0],
]


def right_until_it_wraps(x, w):
    """Windows that run on at the start."""
    return torch.stack([(x.roll(-i)[: len(w)] * w).sum() for i in range(len(x))])


WRONG = answers.WRONG | {
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
    "01.1": [
        lambda x, n: x,
        lambda x, n: x.mean(),
        lambda x, n: x.unfold(0, n, 1).median(dim=1).values,
        lambda x, n: x.unfold(0, n, 1).mean(dim=1)[:-1],
        lambda x, n: x.unfold(0, n, 1).mean(dim=1).flip(0),
        lambda x, n: x.unfold(0, n, n).mean(dim=1),
        lambda x, n: x.unfold(0, 2, 1).mean(dim=1),
        lambda x, n: x.unfold(0, n, 1).sum(dim=1) / (n - 1 or 1),
        lambda x, n: np.convolve(x, np.full(n, 1 / n), "same"),
        lambda x, n: np.convolve(x, np.full(n, 1 / n), "full"),
    ],
    "01.3": [
        right_until_it_wraps,
        lambda x, w: x,
        lambda x, w: slide_by_shifts(x, w).abs(),
        lambda x, w: slide_by_shifts(x, w).flip(0),
        lambda x, w: slide_by_shifts(x, w)[::2],
        lambda x, w: slide_by_shifts(x, w).sum(),
        lambda x, w: slide_by_shifts(x, w)[None],
        lambda x, w: slide_by_shifts(x, w).round(),
        lambda x, w: x.unfold(0, len(w), 1).sum(1) * w.sum() / len(w),
        lambda x, w: np.correlate(x, w, "same"),
        lambda x, w: np.correlate(x, w, "full"),
    ],
    "01.4": [
        lambda w: w,
        lambda w: w - w.mean() + 1 / len(w),
        lambda w: torch.ones(len(w)) / len(w),
        lambda w: w / (w[0] + w[-1]),
        lambda w: w.sort().values / w.sum(),
        lambda w: w / w.sum() ** 2,
        lambda w: (w / w.sum()).round(decimals=2),
        lambda w: w**2 / (w**2).sum(),
        lambda w: w / w.abs().sum(),
        lambda w: 1.0,
    ],
    "01.6": [
        lambda x, w: np.convolve(x, w, "full"),
        lambda x, w: np.convolve(x, w, "same"),
        lambda x, w: np.convolve(x, w, "valid")[::-1],
        lambda x, w: -np.convolve(x, w, "valid"),
        lambda x, w: x.unfold(0, len(w), 1) @ w.roll(1),
        lambda x, w: x.unfold(0, len(w), 1) @ w.sort().values,
        lambda x, w: w.flip(0),
    ],
    "02.2": [
        lambda x, K, i, j: preceding_by_flip(x, K, j, i),
        lambda x, K, i, j: preceding_by_flip(x, K.flip(0), i, j),
        lambda x, K, i, j: preceding_by_flip(x, K.flip(1), i, j),
        lambda x, K, i, j: preceding_by_flip(x, K, i - 1, j),
        lambda x, K, i, j: preceding_by_flip(x, K, K.shape[0], j),
        lambda x, K, i, j: preceding_by_flip(x, K, i, j)[None].repeat(2),
        lambda x, K, i, j: preceding_by_flip(x[:3], K, min(i, 2), j),
        lambda x, K, i, j: x[i, j],
    ],
    "02.4": WRONG_IMAGES,
    "02.5": WRONG_IMAGES,
    "02.8": [
        lambda image, kernel: image,
        lambda image, kernel: volume_by_unfold(image, kernel)[None],
        lambda image, kernel: volume_by_unfold(image, kernel).T,
        lambda image, kernel: volume_by_unfold(image, kernel.flip(0)),
        lambda image, kernel: volume_by_unfold(image, kernel.flip(1, 2)),
        lambda image, kernel: volume_by_unfold(image[:3], kernel[:3]),
        lambda image, kernel: volume_by_unfold(image[:1], kernel[:1]) * len(image),
        lambda image, kernel: image_by_torch(image.sum(0), kernel.sum(0)),
        lambda image, kernel: volume_by_unfold(image, kernel) / 3,
        lambda image, kernel: volume_by_unfold(image, kernel).relu(),
    ],
    "03.1": [
        lambda W1, F: 5,
        lambda W1, F: W1,
        lambda W1, F: W1 - 2,
        lambda W1, F: W1 - F // 2 * 2,
        lambda W1, F: W1 // F + 1,
        lambda W1, F: str(W1 - F + 1),
        lambda W1, F: F - W1 + 1,
        lambda W1, F: max(W1 - F + 1, 2),
    ],
    "03.2": [
        lambda F: 2,
        lambda F: F % 3,
        lambda F: round(F / 2),
        lambda F: F - 2,
        lambda F: min(F // 2, 3),
        lambda F: str(F // 2),
        lambda F: [(F - 1) // 2, (F - 1) // 2],
    ],
    "03.3": [
        lambda W1, F, P=0, S=1: W1,
        lambda W1, F, P=0, S=1: (W1 - F) // S + 1,
        lambda W1, F, P=0, S=1: (W1 - F) // S + 2 * P + 1,
        lambda W1, F, P=0, S=1: W1 // S - F + 2 * P + 1,
        lambda W1, F, P=0, S=1: W1 // S,
        lambda W1, F, P=0, S=1: -(-W1 // S),
        lambda W1, F, P=0, S=2: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P=1, S=1: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P, S: (W1 - F + 2 * P) // S + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * P) // min(S, 4) + 1,
        lambda W1, F, P=0, S=1: (W1 - F + 2 * min(P, 1)) // S + 1,
        lambda W1, F, P=0, S=1: str((W1 - F + 2 * P) // S + 1),
    ],
    "03.12": [
        lambda: nn.Conv2d,
        lambda: (3, 64, 7, 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, 3).weight,
        lambda: nn.Conv1d(3, 64, 7, 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, (3, 2)),
        lambda: nn.Conv2d(3, 64, 7, (2, 1), 3),
        lambda: nn.Conv2d(3, 64, (7, 5), 2, 3),
        lambda: nn.Conv2d(3, 64, 7, 2, 3, dilation=2),
        lambda: nn.Conv2d(1, 64, 7, 2, 3),
        lambda: nn.ConvTranspose2d(3, 64, 7, 2, 3),
        lambda: nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU()),
    ],
    "03.13": [
        lambda F, dilation: 5,
        lambda F, dilation: F,
        lambda F, dilation: F + dilation - 1,
        lambda F, dilation: F + (F - 1) * dilation - 1,
        lambda F, dilation: F * dilation - 1,
        lambda F, dilation: 2 * (F - 1) + 1,
        lambda F, dilation: str(dilation * (F - 1) + 1),
    ],
    "00.1": [{"days": 5}, {"days": 70}, {"days": [7, 7]}, {"days": None}, {"days": -7}],
    "01.2": [
        {"s_6": 18.11, "outputs": 6},
        {"s_6": 1.82, "outputs": 6},
        {"s_6": 1.813, "outputs": 6},
        {"s_6": 1.811, "outputs": 7},
        {"s_6": 6, "outputs": 1.811},
        {"s_6": "1.811", "outputs": 6},
        {"s_6": [1.811, 1.811], "outputs": 6},
    ],
    "01.5": [
        {"oldest_only": 3, "mean_of_7": 6},
        {"oldest_only": -6, "mean_of_7": -3},
        {"oldest_only": 6, "mean_of_7": 3.01},
        {"oldest_only": 6, "mean_of_7": [0, 1, 2, 3, 4, 5, 6]},
    ],
    "01.7": [
        dict.fromkeys(("mean", "peak", "difference", "lecture"), True),
        dict.fromkeys(("mean", "peak", "difference", "lecture"), False),
        {"mean": "False", "peak": "False", "difference": "True", "lecture": "True"},
        {"mean": True, "peak": True, "difference": False, "lecture": False},
        {"mean": None, "peak": None, "difference": True, "lecture": True},
    ],
    "01.8": [
        {"signal": (8, 1, 100), "weight": (1, 7), "output": (8, 1, 94)},
        {"signal": (8, 1, 100), "weight": (1, 1, 7), "output": (8, 94)},
        {"signal": (8, 100, 1), "weight": (1, 1, 7), "output": (8, 1, 94)},
        {"signal": 800, "weight": 7, "output": 752},
        {"signal": "8, 1, 100", "weight": (1, 1, 7), "output": (8, 1, 94)},
    ],
    "02.1": [
        {"S_01": "", "S_10": ""},
        {"S_01": "bw + cx + fy", "S_10": "ew + fx + iy + jz"},
        {"S_01": "bw + cx + fy + gz + gz", "S_10": "ew + fx + iy + jz"},
        {"S_01": "b + w + c + x + f + y + g + z", "S_10": "ew + fx + iy + jz"},
        {"S_01": "aw + bx + ey + fz", "S_10": "ew + fx + iy + jz"},
        {"S_01": "bwcxfygz", "S_10": "ewfxiyjz"},
        {"S_01": 0, "S_10": 0},
        {"S_01": "bw + cx + fy - gz", "S_10": "ew + fx + iy + jz"},
    ],
    "02.3": [
        {"preceding": "yes", "succeeding": "no"},
        {"preceding": True, "succeeding": False},
        {"preceding": "upright or turned", "succeeding": "turned or upright"},
        {"preceding": "", "succeeding": ""},
    ],
    "02.6": [
        {"ones": 900, "blur": 900, "sharpen": 100, "edges": 0},
        {"ones": 9, "blur": 1, "sharpen": 1, "edges": 0},
        {"ones": 900, "blur": 99, "sharpen": 100, "edges": 0},
        {"ones": 900, "blur": 100, "sharpen": -100, "edges": 0},
        {"ones": 900, "blur": 100, "sharpen": 100, "edges": 1},
    ],
    "02.7": [
        {"kernel": [[0, -1, 0], [0, 0, 0], [0, 1, 0]]},
        {"kernel": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]},
        {"kernel": [[0, 0, 0], [-1, 1, 0], [0, 0, 0]]},
        {"kernel": [[0, 0, 0], [-2, 0, 2], [0, 0, 0]]},
        {"kernel": [-1, 0, 1]},
        {"kernel": [[-1, 0, 1]]},
        {"kernel": 0},
    ],
    "02.9": [
        {"images": (4, 3, 32, 32), "weight": (3, 8, 5, 5), "maps": (4, 8, 28, 28)},
        {"images": (3, 4, 32, 32), "weight": (8, 3, 5, 5), "maps": (4, 8, 28, 28)},
        {"images": (4, 3, 32, 32), "weight": (8, 3, 5, 5), "maps": (8, 28, 28)},
        {"images": (32, 32, 3, 4), "weight": (8, 3, 5, 5), "maps": (4, 8, 28, 28)},
    ],
    "03.10": [{"S": 5}, {"S": 1}, {"S": -3}, {"S": "3"}, {"S": None}],
    "03.11": [{"P": 3}, {"P": 2.5}, {"P": -2}, {"P": "same"}, {"P": (2, 2)}],
}
for _number in ("03.4", "03.5", "03.6", "03.7", "03.8", "03.9"):
    _right = exercises()[_number].reference
    WRONG[_number] = [
        {"W2": _right["D2"], "H2": _right["D2"], "D2": _right["W2"]},
        dict.fromkeys(_right, _right["W2"]),
        {**_right, "H2": _right["H2"] + 1},
        {**_right, "W2": _right["W2"] - 2},
        {**_right, "D2": _right["D2"] + 1},
        {**_right, "D2": str(_right["D2"])},
        {**_right, "H2": _right["H2"] + 0.5},
        {name: -value for name, value in _right.items()},
    ]


def test_every_exercise_has_wrong_answers_of_its_own():
    assert sorted(WRONG) == sorted(NUMBERS)
    assert all(len(answers) >= 3 for answers in WRONG.values())


@pytest.mark.parametrize(
    ("number", "candidate"),
    [(number, answer) for number, answers in WRONG.items() for answer in answers],
)
def test_unlisted_wrong_answer_does_not_pass(number, candidate):
    result = check(number, candidate)
    assert result.status in ("failed", "error"), result.message
    assert result.message.startswith("✗")


def first_call_only(function):
    """Right on the first case and of the right kind on all others."""
    calls = []

    def candidate(*args, **kwargs):
        calls.append(args)
        value = function(*args, **kwargs)
        return value if len(calls) == 1 else value - value

    return candidate


@pytest.mark.parametrize("number", FUNCTIONS)
def test_absurd_answers_do_not_pass(number):
    exercise = exercises()[number]
    first = next(iter(exercise.cases()))
    # Where run() does more than call, a value of the right kind cannot be made here.
    plain = exercise.run is engine.Exercise.run
    constant = first.call(exercise.reference) if plain else nn.Linear(3, 64)
    absurd = [
        lambda *args, **kwargs: None,
        lambda *args, **kwargs: constant,
        lambda *args, **kwargs: [*args, *kwargs.values()][:1],
        lambda *args, **kwargs: "right",
        lambda *args, **kwargs: math.nan,
        lambda *args, **kwargs: [],
        lambda *args, **kwargs: exercise.reference,
        lambda: 0,
        print,
        7,
        None,
        "def f(): pass",
    ]
    if plain:
        absurd.append(first_call_only(exercise.reference))
    for candidate in absurd:
        assert check(number, candidate).status in ("failed", "error")


@pytest.mark.parametrize("number", ANSWERS)
def test_absurd_values_do_not_pass(number):
    exercise = exercises()[number]
    for absurd in (None, "right", [], {}, math.nan, math.inf, -1e9, object(), {7}):
        for name in exercise.reference:
            values = {**exercise.reference, name: absurd}
            assert check(number, values).status == "failed"
    some = dict(exercise.reference)
    some.popitem()
    for values in (some, {}, {**exercise.reference, "other": 1}, 7, None, print):
        assert check(number, values).status == "failed"
