"""Checks: from kernels to CNNs."""

import torch

from helpers import convolution
from helpers.exercises.engine import Exercise, Wrong, add, case


def _random(*shapes, seed=4):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


# --- 04.1: one step of gradient descent -----------------------------------------------

add(
    Exercise(
        "04.1",
        "One step downhill",
        cases=lambda: [
            case(torch.tensor([[5.0]]), torch.tensor([[2.0]]), rate=1.0),
            case(torch.tensor([[5.0]]), torch.tensor([[2.0]]), rate=0.1),
            case(torch.tensor([[0.0, 1.0]]), torch.tensor([[-4.0, 0.0]]), rate=0.5),
            case(*_random((3, 3), (3, 3)), rate=0.1),
            case(*_random((2, 3, 5), (2, 3, 5)), rate=2.0),
        ],
        wrong={
            "uphill": Wrong(
                lambda kernel, gradient, rate: kernel + rate * gradient,
                "That climbs. The gradient points to where the error *grows*; go the "
                "other way.",
            ),
            "no-rate": Wrong(
                lambda kernel, gradient, rate: kernel - gradient,
                "The rate is missing. A whole gradient is usually too long a step: it "
                "jumps over the valley.",
            ),
            "only-the-step": Wrong(
                lambda kernel, gradient, rate: -rate * gradient,
                "That is the step alone. Add it to where the kernel is now.",
            ),
            "divided": Wrong(
                lambda kernel, gradient, rate: kernel - gradient / rate,
                "Divided by the rate, so a small rate makes a huge step. Multiply.",
            ),
            "backwards": Wrong(
                lambda kernel, gradient, rate: rate * gradient - kernel,
                "The other way round: start from the kernel and take something away.",
            ),
        },
        hints=(
            "Where the gradient is positive, a larger weight means a larger error. So "
            "should the weight grow or shrink?",
            "The new kernel is the old one minus a bit of the gradient: rate times it.",
        ),
    )
)

# --- 04.2 and 04.3: sparse connectivity -----------------------------------------------


def _in_order(value):
    """Pixels as a sorted list: their order does not matter."""
    try:
        return sorted(int(pixel) if int(pixel) == pixel else pixel for pixel in value)
    except (TypeError, ValueError, OverflowError):
        return value


add(
    Exercise(
        "04.2",
        "Who feeds h₂₃?",
        normal=_in_order,
        wrong={
            "rows-and-columns": Wrong(
                {"pixels": {10, 11, 14, 15}},
                "That is h₃₂: row first, then column. h₂₃ stands in the second row.",
            ),
            "one-short": Wrong(
                {"pixels": {6, 7, 10, 11}},
                "That is h₂₂, in the middle. h₂₃ is one step to its right.",
            ),
            "one-pixel": Wrong(
                {"pixels": {7}},
                "Pixel 7 is the window's first. A 2×2 kernel lies on four pixels.",
            ),
            "one-row": Wrong(
                {"pixels": {7, 8}},
                "The kernel has two rows: what lies below these two?",
            ),
            "neighbours": Wrong(
                {"pixels": {7, 8, 9, 10}},
                "The kernel is a square: its second row lies one row below, 4 pixels "
                "further on.",
            ),
            "first": Wrong(
                {"pixels": {1, 2, 5, 6}},
                "Those feed h₁₁. Move the kernel one row down and two columns right.",
            ),
            "all": Wrong(
                {"pixels": set(range(1, 17))},
                "All sixteen is what a dense layer does.",
            ),
        },
        hints=(
            "Start at h₁₁: pixels 1, 2, 5, 6. One step down adds 4 to each of them.",
            "One step to the right adds 1. From h₁₁ to h₂₃ it is 4 + 1 + 1.",
        ),
    )
)

add(
    Exercise(
        "04.3",
        "Count the weights",
        wrong={
            "as-many-outputs": Wrong(
                {"dense": 256},
                "16·16 would be a weight for each pair of pixels. There are only nine "
                "outputs.",
            ),
            "classes": Wrong(
                {"dense": 160},
                "The ten classes come later. These are weights from 16 pixels to 9 "
                "outputs.",
            ),
            "added": Wrong(
                {"dense": 25},
                "16 + 9 counts the dots. Count the lines: each pixel with each output.",
            ),
            "kernel-at-each-pixel": Wrong(
                {"local": 64},
                "The kernel does not fit at all 16 pixels: 3·3 places.",
            ),
            "forgot-the-kernel": Wrong(
                {"local": 9},
                "Nine places, and a kernel of four weights at each of them.",
            ),
            "not-shared": Wrong(
                {"shared": 36},
                "One kernel for all places: its weights are counted once.",
            ),
            "one-kernel": Wrong(
                {"shared": 1},
                "One kernel, but how many numbers does it hold?",
            ),
        },
        hints=(
            "Dense: each of the 9 outputs has a weight for each of the 16 pixels.",
            "Local: 9 outputs with 4 weights each. Shared: the same 4 for all of them.",
        ),
    )
)

# --- 04.4 and 04.5: receptive fields --------------------------------------------------

add(
    Exercise(
        "04.4",
        "Receptive fields by hand",
        wrong={
            "multiplied": Wrong(
                {"three_of_3": 27},
                "The windows of neighbours overlap. Each layer adds one pixel on each "
                "side: 3, 5, …",
            ),
            "added": Wrong(
                {"three_of_3": 9},
                "Three windows of 3 overlap. A layer adds F − 1 = 2 pixels to what is "
                "seen already.",
            ),
            "two-layers-only": Wrong(
                {"three_of_3": 5},
                "5 is reached with two layers. One more adds two.",
            ),
            "fives-added": Wrong(
                {"two_of_5": 10},
                "The first layer sees 5, the second adds F − 1 = 4.",
            ),
            "fives-as-threes": Wrong(
                {"two_of_5": 7},
                "A kernel of 5 reaches two pixels to each side, so it adds 4, not 2.",
            ),
            "one-short": Wrong(
                {"layers_for_11": 4},
                "Four layers see 3, 5, 7, 9.",
            ),
            "one-more": Wrong(
                {"layers_for_11": 6},
                "Six layers see 13. The first one sees 3 already.",
            ),
            "divided": Wrong(
                {"layers_for_11": 11 / 3},
                "Windows overlap, so 11/3 does not count layers. Count 3, 5, 7, …",
            ),
        },
        hints=(
            "Draw it: an output, the three below it, and what those see.",
            "The first layer sees F pixels, and every further one adds F − 1.",
        ),
    )
)


def _field(grow, next_step):
    """A learner's receptive_field with other rules for the two lines."""

    def receptive_field(layers):
        field, step = 1, 1
        for F, S in layers:
            field += grow(F, S, step)
            step = next_step(step, S)
        return field

    return receptive_field


add(
    Exercise(
        "04.5",
        "Receptive field of any stack",
        cases=lambda: [
            case([(3, 1)]),
            case([(3, 1), (3, 1)]),
            case([(2, 2), (2, 1)]),
            case([(5, 2), (3, 1)]),
            case([(3, 1), (5, 2)]),
            case([(3, 2), (3, 2), (3, 2)]),
            case([(2, 3), (1, 2), (4, 1), (2, 1)]),
            case([(11, 4), (3, 2), (5, 1)]),
            case([(1, 1)]),
            case([]),
        ],
        wrong={
            "strides-ignored": Wrong(
                _field(lambda F, S, step: F - 1, lambda step, S: step * S),
                "Right while every stride is 1. After a stride of 2, neighbouring "
                "values are two pixels apart, so each of the F − 1 steps counts "
                "double.",
            ),
            "stride-too-early": Wrong(
                _field(lambda F, S, step: (F - 1) * step * S, lambda step, S: step * S),
                "A layer's own stride does not widen its own windows: it spaces them "
                "out, which only later layers notice.",
            ),
            "whole-kernel": Wrong(
                _field(lambda F, S, step: F * step, lambda step, S: step * S),
                "One step too many: from the first to the last of F values it is F − 1 "
                "steps.",
            ),
            "last-stride-only": Wrong(
                _field(lambda F, S, step: (F - 1) * step, lambda step, S: S),
                "Only the last stride is kept. Strides of several layers multiply: 2 "
                "after 2 is 4 pixels.",
            ),
            "step-twice": Wrong(
                _field(
                    lambda F, S, step: (F - 1) * step, lambda step, S: step * step * S
                ),
                "`step *=` multiplies by the old step already: what stands behind it "
                "is only the new factor.",
            ),
            "strides-added": Wrong(
                _field(lambda F, S, step: (F - 1) * step, lambda step, S: step + S),
                "Strides multiply: a stride of 1 must not change the step.",
            ),
        },
        hints=(
            "`step` is the distance, in input pixels, between neighbouring values of "
            "the layer below.",
            "A window of F such values spans F − 1 steps more than one value does.",
            "Behind a layer of stride S, neighbours are S times as far apart.",
        ),
    )
)

# --- 04.6: equivariance ---------------------------------------------------------------

add(
    Exercise(
        "04.6",
        "Does the output move along?",
        wrong={
            "relu": Wrong(
                {"relu": False},
                "ReLU looks at each value alone, wherever it stands: it moves along.",
            ),
            "two-layers": Wrong(
                {"two_layers": False},
                "The first layer's maps move along, and those are the second one's "
                "picture.",
            ),
            "own-kernels": Wrong(
                {"own_kernels": True},
                "The digit now meets other kernels than before. Only a shared kernel "
                "says the same thing somewhere else.",
            ),
            "stride": Wrong(
                {"stride_2": True},
                "With stride 2 one output is two pixels. Moved by one, the digit falls "
                "between the places: only even shifts come out as shifts.",
            ),
        },
        hints=(
            "Ask: does the layer treat all places alike?",
            "Stride 2 visits every second pixel. Does it see the digit as it did "
            "before?",
        ),
    )
)

# --- 04.7 to 04.9: convolution as a matrix --------------------------------------------


def _letters(row):
    """A row of the matrix in one form: "0 w x 0", "0wx0" or a list of its entries."""
    if isinstance(row, list | tuple):
        row = "".join(str(entry) for entry in row)
    if not isinstance(row, str):
        return row
    return "".join(c for c in row.casefold() if c not in " ,[]()|")


add(
    Exercise(
        "04.7",
        "Rows of the matrix",
        normal=_letters,
        wrong={
            "in-one-piece": Wrong(
                {"row_m": "0wxyz0000"},
                "Your weights stand side by side. Between x and y the window leaves "
                "out a pixel and goes on in the next row.",
            ),
            "turned": Wrong(
                {"row_m": "0zy0xw000"},
                "The kernel is turned round here. w lies on the window's first pixel.",
            ),
            "not-moved": Wrong(
                {"row_m": "wx0yz0000"},
                "That is the row of ℓ. For m the window is one pixel further.",
            ),
            "over-the-edge": Wrong(
                {"row_n": "00wx0yz00"},
                "That puts w on d and x on e: half of the window hangs over the right "
                "edge. n starts at e, a row further down.",
            ),
            "row-n-in-one-piece": Wrong(
                {"row_n": "000wxyz00"},
                "Below e and f lie h and i, not g and h: one zero between x and y.",
            ),
            "rows-swapped": Wrong(
                {"row_m": "000wx0yz0", "row_n": "0wx0yz000"},
                "The other way round: m is to the right of ℓ, n below it.",
            ),
        },
        hints=(
            "m = cw + dx + fy + gz. Put each weight under its pixel, zeros elsewhere.",
            "Pixels in order: b c d e f g h i j. For m, w stands under c, y under f.",
        ),
    )
)


def _matrix(row, column, flip=False):
    """A learner's conv_matrix with other rules for row and column."""

    def conv_matrix(kernel, H1, W1):
        m, n = kernel.shape
        H2, W2 = H1 - m + 1, W1 - n + 1
        sizes = {"H1": H1, "W1": W1, "H2": H2, "W2": W2}
        matrix = torch.zeros(H2 * W2, H1 * W1)
        for i in range(H2):
            for j in range(W2):
                for a in range(m):
                    for b in range(n):
                        at = row(i, j, **sizes), column(i + a, j + b, **sizes)
                        tap = (m - 1 - a, n - 1 - b) if flip else (a, b)
                        matrix[at] = kernel[tap]
        return matrix

    return conv_matrix


def _in_rows_of(name):
    return lambda i, j, **sizes: i * sizes[name] + j


add(
    Exercise(
        "04.8",
        "Build the matrix",
        cases=lambda: [
            case(torch.tensor([[1.0, 2.0]]), H1=1, W1=3),
            case(torch.tensor([[1.0], [2.0]]), H1=3, W1=2),
            case(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), H1=3, W1=3),
            case(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), H1=2, W1=4),
            case(*_random((3, 2)), H1=4, W1=6),
            case(*_random((1, 3)), H1=5, W1=4),
            case(*_random((3, 3)), H1=3, W1=3),
        ],
        wrong={
            "columns-by-output": Wrong(
                _matrix(_in_rows_of("W2"), _in_rows_of("W2")),
                "The columns belong to the *input's* pixels, and a row of the input "
                "has W1 of them, not W2.",
            ),
            "columns-by-height": Wrong(
                _matrix(_in_rows_of("W2"), _in_rows_of("H1")),
                "One row down is W1 pixels further on, not H1. With a square input "
                "nobody notices.",
            ),
            "row-forgotten": Wrong(
                _matrix(_in_rows_of("W2"), lambda i, j, **sizes: i + j),
                "A step down counts like a step to the right here. Flattened, the "
                "pixel below is W1 further on.",
            ),
            "rows-by-input": Wrong(
                _matrix(_in_rows_of("W1"), _in_rows_of("W1")),
                "The matrix has a row for each *output*, and the output has W2 in a "
                "row, not W1.",
            ),
            "rows-by-height": Wrong(
                _matrix(_in_rows_of("H2"), _in_rows_of("W1")),
                "A row of the output holds W2 values: output i, j is number i·W2 + j.",
            ),
            "flipped": Wrong(
                _matrix(_in_rows_of("W2"), _in_rows_of("W1"), flip=True),
                "Your kernel is turned round. Its first weight belongs to the window's "
                "first pixel.",
            ),
        },
        hints=(
            "Flattened, pixel (r, c) of an image with W columns is number r·W + c.",
            "The weight K[a, b] meets pixel (i + a, j + b), in rows of W1.",
            "Row i·W2 + j, column (i + a)·W1 + j + b.",
        ),
    )
)


add(
    Exercise(
        "04.9",
        "Back through the matrix",
        cases=lambda: [
            case(torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([10.0])),
            case(
                torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]),
                torch.tensor([1.0, 10.0]),
            ),
            case(*_random((4, 9), (4,))),
            case(*_random((3, 3), (3,))),
            case(convolution.conv_matrix(*_random((2, 3)), 4, 5), *_random((9,))),
        ],
        wrong={
            "not-transposed": Wrong(
                lambda matrix, g: matrix @ g,
                "That goes forward once more. The way back has the lines of the same "
                "network, read from output to input: the matrix transposed.",
            ),
            "without-g": Wrong(
                lambda matrix, g: matrix.sum(dim=0),
                "That is right when every output's gradient is 1. Each output's row "
                "counts with its own gradient g.",
            ),
            "inverse": Wrong(
                lambda matrix, g: torch.linalg.pinv(matrix) @ g,
                "An inverse would ask which input gave this output. The gradient asks "
                "how far each input pulls at each output: the weights themselves.",
            ),
        },
        hints=(
            "Pixel k reaches output r with the weight M[r, k], so it collects "
            "M[r, k]·g[r] from every r.",
            "A sum over the rows: that is the transposed matrix times g.",
        ),
    )
)
