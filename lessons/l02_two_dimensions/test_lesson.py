"""Right and wrong answers to the exercises of this lesson, and its explorers."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import conv2d

from helpers import convolution
from helpers.drawing import PALE_ORANGE
from helpers.exercises.engine import case
from helpers.explorers import OWN
from lessons.l02_two_dimensions.explorer import (
    CLIP,
    KERNELS,
    SIGNED,
    STRETCH,
    _signed_picture,
    kernel_explorer,
    window_explorer,
)
from lessons.l02_two_dimensions.figures import FIRST, draw_windows
from lessons.l02_two_dimensions.formulas import at_centre, at_preceding, at_succeeding
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import SVG, filled, svg, tidy, visit, words

# --- Right answers, written differently -----------------------------------------------


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


def in_letters(i, j):
    """The output in row i, column j, as the lesson writes it."""
    pixels = ["abcd", "efgh", "ijkl"]
    taps = {(0, 0): "w", (0, 1): "x", (1, 0): "y", (1, 1): "z"}
    return " + ".join(pixels[i + a][j + b] + weight for (a, b), weight in taps.items())


def print_of_a_pixel(output):
    """How the kernel comes out where one pixel is bright: upright or turned."""
    image, kernel = torch.zeros(5, 5), torch.tensor([[1.0, 2], [3, 4]])
    image[2, 2] = 1
    rows = [[output(image, kernel, i, j) for j in range(5)] for i in range(5)]
    seen = torch.tensor(rows)[torch.tensor(rows) != 0]
    if torch.equal(seen, kernel.flatten()):
        return "upright"
    return "turned" if torch.equal(seen, kernel.flatten().flip(0)) else "neither"


def on_a_flat_area(weights):
    kernel = torch.tensor(weights, dtype=torch.float64).view(3, 3)
    return image_by_numpy(torch.full((3, 3), 100.0), kernel).item()


def by_gradient():
    """How right neighbour minus left neighbour grows with each pixel."""
    window = torch.zeros(3, 3, requires_grad=True)
    (window[1, 2] - window[1, 0]).backward()
    return window.grad


IMAGES, LAYER = torch.zeros(4, 3, 32, 32), nn.Conv2d(3, 8, kernel_size=5)

RIGHT = {
    "02.1": [
        {"S_01": "wb+xc+yf+zg", "S_10": "E*W + F*X + I*Y + J*Z"},
        {"S_01": "gz + fy + cx + bw", "S_10": "jz+iy  +fx+ew"},
        {"S_01": in_letters(0, 1), "S_10": in_letters(1, 0)},
        {"S_01": "b×w + c×x + f×y + g×z", "S_10": "e⋅w + f⋅x +\ni⋅y + j⋅z"},
    ],
    "02.2": [preceding_by_flip, preceding_by_lists],
    "02.3": [
        {"preceding": "Upright", "succeeding": " turned "},
        {
            "preceding": print_of_a_pixel(at_preceding),
            "succeeding": print_of_a_pixel(at_succeeding),
        },
    ],
    "02.4": [image_by_lists, image_by_numpy, image_by_unfold, image_by_torch],
    "02.5": [image_by_lists, image_by_numpy, image_by_columns, image_by_torch],
    "02.6": [
        {"ones": 9 * 100, "blur": 100 / 9 * 9, "sharpen": 100, "edges": -0.0},
        {
            "ones": on_a_flat_area([1] * 9),
            "blur": on_a_flat_area([1 / 9] * 9),
            "sharpen": on_a_flat_area(KERNELS["sharpen"]),
            "edges": on_a_flat_area(KERNELS["edges"]),
        },
    ],
    "02.7": [
        {"kernel": torch.tensor([[0, 0, 0], [-1, 0, 1], [0, 0, 0.0]])},
        {"kernel": by_gradient()},
    ],
    "02.8": [volume_by_lists, volume_by_unfold, volume_by_groups],
    "02.9": [
        {
            "images": torch.Size([4, 3, 32, 32]),
            "weight": [8, 3, 5, 5],
            "maps": nn.Conv2d(3, 8, 5)(torch.zeros(4, 3, 32, 32)).shape,
        },
        {
            "images": IMAGES.shape,
            "weight": LAYER.weight.shape,
            "maps": LAYER(IMAGES).shape,
        },
    ],
}


# --- Wrong answers that nobody listed -------------------------------------------------


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


WRONG = {
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
    "02.3": [
        {"preceding": "yes", "succeeding": "no"},
        {"preceding": True, "succeeding": False},
        {"preceding": "upright or turned", "succeeding": "turned or upright"},
        {"preceding": "", "succeeding": ""},
    ],
    "02.4": WRONG_IMAGES,
    "02.5": WRONG_IMAGES,
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
    "02.9": [
        {"images": (4, 3, 32, 32), "weight": (3, 8, 5, 5), "maps": (4, 8, 28, 28)},
        {"images": (3, 4, 32, 32), "weight": (8, 3, 5, 5), "maps": (4, 8, 28, 28)},
        {"images": (4, 3, 32, 32), "weight": (8, 3, 5, 5), "maps": (8, 28, 28)},
        {"images": (32, 32, 3, 4), "weight": (8, 3, 5, 5), "maps": (4, 8, 28, 28)},
    ],
}


def _kernel_in_image(rng):
    m, n = rng.randint(1, 4), rng.randint(1, 4)
    image = random_tensor(rng, m + rng.randint(0, 5), n + rng.randint(0, 5))
    return case(image, random_tensor(rng, m, n))


def _around_a_pixel(rng):
    m, n = rng.randint(1, 3), rng.randint(1, 3)
    i, j = rng.randint(m - 1, m + 3), rng.randint(n - 1, n + 3)
    image = random_tensor(rng, i + m + rng.randint(0, 3), j + n + rng.randint(0, 3))
    return case(image, random_tensor(rng, m, n), i, j)


def _volume(rng):
    C, m, n = rng.randint(1, 5), rng.randint(1, 3), rng.randint(1, 3)
    image = random_tensor(rng, C, m + rng.randint(0, 4), n + rng.randint(0, 4))
    return case(image, random_tensor(rng, C, m, n))


INPUTS = {
    "02.2": _around_a_pixel,
    "02.4": _kernel_in_image,
    "02.5": _kernel_in_image,
    "02.8": _volume,
}


def value_of(text, values):
    """The value of "bw + cx" for these values of the letters."""
    total = 0
    for term in text.split("+"):
        product = 1
        for letter in term.replace(" ", ""):
            product *= values[letter]
        total += product
    return total


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS

    def is_right(self, exercise, candidate):
        if exercise.number != "02.1":
            return super().is_right(exercise, candidate)
        rng = random.Random(exercise.number)
        values = {letter: rng.randint(2, 10**6) for letter in "abcdefghijklwxyzs"}
        return all(
            candidate[name].strip()
            and value_of(candidate[name], values) == value_of(wanted, values)
            for name, wanted in exercise.reference.items()
        )


# --- The explorers --------------------------------------------------------------------

IMAGE = torch.arange(30.0).reshape(5, 6) % 7
KERNEL = torch.tensor([[0.0, -1, 2], [-1, 5, -1], [0, -3, 0]])  # not symmetric
VIEWS = (CLIP, STRETCH, SIGNED)


def a_photograph():
    rows, columns = torch.arange(60.0)[:, None], torch.arange(90.0)
    return 127 + 127 * torch.sin(rows / 5) * torch.cos(columns / 7)


def test_kernel_explorer_answers_as_torch_does():
    image = a_photograph()
    explorer = kernel_explorer(image)
    for name, view in visit(
        explorer, [explorer.preset, explorer.view], [list(KERNELS), VIEWS]
    ):
        explorer.set_values(explorer.numbers, KERNELS[name])
        kernel = torch.tensor(KERNELS[name], dtype=torch.float32)
        kernel = kernel.reshape(1, 1, 3, 3)
        answer = conv2d(image[None, None], kernel, padding=1)[0, 0]
        torch.testing.assert_close(explorer.answer(), answer)
        low, high = (f"{v:.0f}" for v in (answer.min().item(), answer.max().item()))
        expected = f"values from {low} to {high}".replace("-", "−")
        assert expected in words(explorer), (name, view)
        assert expected in explorer.describe()


def test_kernel_explorer_says_how_much_is_clipped():
    explorer = kernel_explorer(a_photograph())
    explorer.preset.value = "edges"
    answer = explorer.answer()
    below = f"below 0, shown black: {(answer < 0).float().mean():.0%}"
    assert below in explorer.describe()
    explorer.view.value = SIGNED
    assert "orange: below 0; purple: above 0" in explorer.describe()


def test_kernel_explorer_endures_any_number():
    explorer = kernel_explorer(a_photograph())
    absurd = (math.nan, math.inf, -math.inf, 1e300, -1e7)
    for value, view in itertools.product(absurd, VIEWS):
        explorer.set_values([explorer.numbers[4], explorer.view], [value, view])
        assert explorer.preset.value in (OWN, "sharpen")
        assert "Type a number from" in " ".join(words(explorer))
        assert explorer.describe().startswith("No answer.")
        assert explorer.still()
    for values in visit(explorer, explorer.numbers, [(0.0,)] * 8 + [(0.0, 1e-30, 1e6)]):
        for view in VIEWS:
            explorer.view.value = view
            assert "No answer" not in explorer.describe(), values


def test_kernel_explorer_names_the_preset_that_the_boxes_show():
    explorer = kernel_explorer(a_photograph())
    explorer.numbers[4].value = 4
    assert explorer.preset.value == OWN
    explorer.numbers[4].value = 5
    assert explorer.preset.value == "sharpen"


def test_kernel_explorer_leaves_a_photograph_as_its_still():
    bundle = kernel_explorer(a_photograph())._repr_mimebundle_()
    assert "text/html" not in bundle  # PNG bytes are not the same everywhere
    assert bundle["image/png"].startswith("iVBOR")


def test_signed_colours_are_white_at_zero_and_differ_by_sign():
    picture = _signed_picture(torch.tensor([[-2.0, 0.0, 2.0]])).convert("RGB")
    low, zero, high = (picture.getpixel((x, 0)) for x in range(3))
    assert zero == (255, 255, 255)
    assert low == (0x7F, 0x3B, 0x08)
    assert high == (0x2D, 0x00, 0x4B)


def test_window_explorer_writes_each_output():
    explorer = window_explorer(IMAGE, KERNEL, convolution.conv2d(IMAGE, KERNEL))
    expected = conv2d(IMAGE[None, None], KERNEL[None, None])[0, 0].flatten().tolist()
    for (number,) in visit(explorer, [explorer.number], [range(12)]):
        value = f"{expected[number]:g}".replace("-", "−")
        row, column = divmod(number, 4)
        start = f"Output row {row}, column {column} is {value}."
        assert explorer.describe().startswith(start)
        assert f"S({row}, {column}) =" in words(explorer)
        assert "handed over" not in explorer.describe()


def test_window_explorer_shows_a_window_for_each_output_under_the_pointer():
    explorer = window_explorer(IMAGE, KERNEL, convolution.conv2d(IMAGE, KERNEL))
    groups = svg(explorer).findall(f"{SVG}g")
    assert len(groups) == 12
    assert len({group.get("class") for group in groups}) == 1
    name = groups[0].get("class")
    assert f".{name}:hover .window{{visibility:visible}}" in explorer.picture.value
    other = window_explorer(IMAGE + 1, KERNEL, convolution.conv2d(IMAGE + 1, KERNEL))
    assert name not in other.picture.value


def test_window_explorer_says_when_the_output_is_another():
    wrong = convolution.conv2d(IMAGE, KERNEL) + 1
    assert "handed over" in window_explorer(IMAGE, KERNEL, wrong).describe()
    with pytest.raises(ValueError, match="should be 3 × 4"):
        window_explorer(IMAGE, KERNEL, IMAGE)


# --- The three formulas ---------------------------------------------------------------


def everywhere(formula, image, kernel):
    """A formula's output at every pixel."""
    H, W = image.shape
    rows = [[formula(image, kernel, i, j) for j in range(W)] for i in range(H)]
    return torch.stack([torch.stack(row) for row in rows])


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (5, 1), (1, 1), (2, 2)])
def test_the_three_formulas(size):
    """Preceding and centred: convolution. Succeeding: cross-correlation."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(6, 7, generator=generator)
    kernel = torch.randn(size, generator=generator)
    m, n = size
    flipped = kernel.flip(0, 1)[None, None]  # PyTorch does not turn it
    full = conv2d(image[None, None], flipped, padding=(m - 1, n - 1))[0, 0]
    padded = functional.pad(image, (0, n - 1, 0, m - 1))  # zeros beyond the border
    for formula, expected in (
        (at_preceding, full[:6, :7]),
        (at_succeeding, convolution.conv2d(padded, kernel)),
        (at_centre, full[m // 2 : m // 2 + 6, n // 2 : n // 2 + 7]),
    ):
        got = everywhere(formula, image, kernel)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_one_bright_pixel_shows_the_kernel():
    picture = torch.zeros(7, 7)
    picture[3, 3] = 1
    kernel = torch.arange(1.0, 10).view(3, 3)
    assert torch.equal(everywhere(at_preceding, picture, kernel)[3:6, 3:6], kernel)
    turned = kernel.flip(0, 1)
    assert torch.equal(everywhere(at_succeeding, picture, kernel)[1:4, 1:4], turned)
    assert torch.equal(everywhere(at_centre, picture, kernel)[2:5, 2:5], kernel)


# --- The figure -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "formula"),
    [*zip(FIRST, (at_preceding, at_succeeding, at_centre))],
)
def test_a_window_holds_the_pixels_that_its_formula_sees(name, formula):
    image = torch.zeros(5, 5, requires_grad=True)
    formula(image, torch.ones(3, 3), 2, 2).backward()
    picture = tidy(draw_windows([name], kernel=True))
    lit = filled(picture, PALE_ORANGE)
    (dot,) = picture.iter(f"{SVG}circle")
    x, y = float(dot.get("cx")), float(dot.get("cy"))
    seen = {(round((b - y) / 31 + 2.5), round((a - x) / 31 + 2.5)) for a, b in lit}
    assert seen == set(map(tuple, image.grad.nonzero().tolist()))


def test_formulas_are_numbered_and_pictures_keep_apart():
    picture = tidy(draw_windows(["after it", "around it"]))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"2 after it", "3 around it"} <= set(texts)
    assert texts.count("i") == texts.count("j") == 2
    assert len(filled(picture, PALE_ORANGE)) == 2 * 9
