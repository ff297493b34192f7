"""Checks: from kernels to CNNs."""

import torch
from torch.nn import functional

from helpers.exercises.engine import Exercise, Wrong, add, case
from lessons.mistakes import in_place


def _random(*shapes, seed=4):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


# --- 04.1: one step of gradient descent -----------------------------------------------

_STEPS = {
    "kernel - rate * gradient": {
        "kernel + rate * gradient": "That climbs. The gradient points to where the "
        "error *grows*; go the other way.",
        "kernel - gradient": "The rate is missing. A whole gradient is usually too "
        "long a step: it jumps over the valley.",
        "-rate * gradient": "That is the step alone. Where does it start from?",
        "rate * gradient": "That is the step alone, and uphill.",
        "kernel - gradient / rate": "A small rate makes a huge step here: multiply.",
        "rate * gradient - kernel": "This is the right kernel with the wrong sign: "
        "subtract the step from the kernel, not the kernel from the step.",
        "rate * (kernel - gradient)": "The rate shortens only the step, not the "
        "kernel: multiply it by the gradient alone.",
        "rate * kernel - gradient": "The rate belongs to the gradient: it says how "
        "far to go.",
        "kernel - rate": "The gradient is missing: it says which way to go.",
        "kernel - rate + gradient": "The step is the rate times the gradient: multiply "
        "the two, and subtract that.",
        "kernel - rate * kernel": "It is the gradient that says where to step, "
        "but this step is made of the kernel.",
        "kernel - rate * kernel * gradient": "The step is rate · gradient, no more.",
        "gradient - rate * kernel": "Kernel and gradient have changed places.",
        "kernel - rate * gradient.mean()": "Each weight has its own gradient.",
        "kernel - rate * gradient.sign()": "This uses only the signs of the gradient. "
        "Where the error is steeper, the step should be longer.",
    }
}
add(
    Exercise(
        "04.1",
        "One step downhill",
        level=1,
        cases=lambda: [
            case(torch.tensor([[5.0]]), torch.tensor([[2.0]]), rate=1.0),
            case(torch.tensor([[5.0]]), torch.tensor([[2.0]]), rate=0.1),
            case(torch.tensor([[0.0, 1.0]]), torch.tensor([[-4.0, 0.0]]), rate=0.5),
            case(*_random((3, 3), (3, 3)), rate=0.1),
            case(*_random((2, 3, 5), (2, 3, 5)), rate=2.0),
        ],
        wrong=in_place(_STEPS),
        hints=(
            "Where the gradient is positive, a larger weight means a larger error. So "
            "should the weight grow or shrink?",
            "The new kernel is the old one minus the rate times the gradient.",
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


_PIXELS = {
    (
        10,
        11,
        14,
        15,
    ): "That is h₃₂: row first, then column. h₂₃ stands in the second row.",
    (
        6,
        7,
        10,
        11,
    ): "That is h₂₂, in the middle. h₂₃ is one step to its right. (Or did you count "
    "the pixels from 0?)",
    (7,): "Pixel 7 is the window's first. A 2×2 kernel lies on four pixels.",
    (7, 8): "The kernel has two rows: what lies below these two?",
    (7, 11): "The kernel has two columns: what lies to the right of these two?",
    (7, 8, 9, 10): "The kernel is a square: its second row is 4 pixels further on.",
    (1, 2, 5, 6): "Those feed h₁₁. Move the kernel one row down and two columns right.",
    (3, 4, 7, 8): "Those feed h₁₃, in the first row. h₂₃ is one step below.",
    (5, 6, 9, 10): "Those feed h₂₁. h₂₃ is two steps to its right.",
    (2, 3, 6, 7): "Those feed h₁₂. h₂₃ is one step down and one to the right.",
    (11, 12, 15, 16): "Those feed h₃₃, the last output. h₂₃ is one step above.",
    (
        2,
        3,
        4,
        6,
        7,
        8,
        10,
        11,
        12,
    ): "Those are the 3×3 pixels around pixel 7. A 2×2 kernel lies on four.",
    (*range(1, 17),): "All sixteen feed an output in a dense layer, but not here.",
}
add(
    Exercise(
        "04.2",
        "Who feeds h₂₃?",
        level=1,
        normal=_in_order,
        wrong=in_place({"pixels": _PIXELS}),
        otherwise="The window of h₂₃ covers two rows and two columns: four pixels. "
        "Yours are not those four.",
        hints=(
            "Start at h₁₁, which sees pixels 1, 2, 5 and 6. One step down adds 4 to "
            "each.",
            "One step to the right adds 1. From h₁₁ to h₂₃ it is 4 + 1 + 1.",
        ),
    )
)

_COUNTS = {
    "dense": {
        16 * 16: "16·16 is for 16 outputs. There are only nine.",
        9 * 9: "9·9 is for nine pixels. There are sixteen.",
        16 * 10: "The ten classes belong to a later layer. Here there are 9 outputs.",
        16 + 9: "16 + 9 counts the dots. Count the lines: each pixel with each output.",
        16 * 9 + 9: "That counts biases, too. Here they are left out.",
        16 * 4: "That is four lines for each pixel: a dense layer has nine.",
        16: "That is one output's weights. There are nine outputs.",
        9 * 4: "That is `local`: four lines to each output. A dense layer has sixteen.",
    },
    "local": {
        16 * 4: "The kernel fits at 3·3 places, not at 16.",
        9: "That counts the places. At each of them there is a kernel of four weights.",
        9 * 4
        + 9: "That counts biases, too: `local` has four weights at each of 9 places.",
        16 * 9: "That is `dense`. Here, lines from outside the window are cut.",
        4: "That is `shared`. Here each of the nine places has a kernel of its own.",
        9 * 9: "A kernel of 2×2 has four weights, not nine.",
        4 * 4: "That is four kernels. There are nine places, each with four weights.",
    },
    "shared": {
        9 * 4: "One kernel for all places: its weights are counted once.",
        1: "One kernel, but how many numbers does it hold?",
        5: "That counts a bias, too: `shared` is the kernel alone.",
        9: "That counts the places. All of them use the same weights: how many?",
        2: "2 is the kernel's extent along one side. It is a square.",
        16: "That counts the pixels. The kernel has a weight for only four at a time.",
    },
}
add(
    Exercise(
        "04.3",
        "Count the weights",
        level=2,
        wrong={
            "biases": Wrong(
                {"dense": 16 * 9 + 9, "local": 9 * 4 + 9},
                "That counts a bias for each output as well. Layers often have biases, "
                "but here they are left out.",
            )
        }
        | in_place(_COUNTS),
        hints=(
            "Dense: each of the 9 outputs has a weight for each of the 16 pixels.",
            "Local: 9 outputs with 4 weights each. Shared: the same 4 for all of them.",
        ),
    )
)

# --- 04.4 and 04.5: receptive fields --------------------------------------------------

_FIELDS = {
    "three_of_3": {
        27: "Windows overlap: each layer adds one pixel on each side.",
        9: "Windows overlap: a layer adds F − 1 = 2 to what is seen.",
        5: "5 is reached with two layers. One more adds two.",
        6: "Three times F − 1 is what the layers add to the output's one pixel. Count "
        "that pixel, too.",
        3: "3 is what the first layer sees. Two more add two pixels each.",
        49: "7·7 is the area. The field is counted along one side.",
    },
    "two_of_5": {
        10: "The first layer sees 5, the second adds F − 1 = 4.",
        25: "Windows overlap: the second layer adds F − 1 = 4 to 5.",
        7: "A kernel of 5 reaches two pixels to each side, so it adds 4, not 2.",
        8: "Two times F − 1 is what the layers add to the output's one pixel. Count "
        "that pixel, too.",
        5: "5 is what the first layer sees. The second adds F − 1 = 4.",
        6: "A kernel of 5 adds four pixels, not one.",
        81: "9·9 is the area. The field is counted along one side, here as well.",
    },
    "layers_for_11": {
        4: "Four layers see 3, 5, 7, 9.",
        6: "Six layers see 13. The first one sees 3 already.",
        11 / 3: "Windows overlap, so 11/3 does not count layers. Count 3, 5, 7, …",
        11 / 2: "Each layer adds two, to *one* pixel: (11 − 1)/2.",
        3: "Three layers see 3, 5, 7.",
        10: "Ten pixels are added, and each layer adds two.",
    },
}
add(
    Exercise(
        "04.4",
        "Receptive fields by hand",
        level=2,
        wrong=in_place(_FIELDS),
        hints=(
            "Draw it: an output, the three below it, and what those see.",
            "The first layer sees F pixels, and every further one adds F − 1.",
        ),
    )
)

_GROWTH = {
    "(F - 1) * step": {
        "F - 1": "In your version, strides change nothing. But after a stride of 2, "
        "neighbouring values are two pixels apart, so each of the F − 1 steps counts "
        "double: `step` grows with the strides, and `field` with `step`.",
        "(F - 1) * step * S": "A layer's own stride does not widen its own windows: it "
        "spaces them out, which only later layers notice.",
        "(F - 1) * S": "A layer's own stride does not widen its own windows. The "
        "strides of the layers *before* it do, and `step` is their product.",
        "F * step": "From the first of F values to the last there are F − 1 steps.",
        "F": "That should be F − 1 steps, each of `step` pixels.",
        "F - 1 * step": "`*` comes before `-`: put `F - 1` in brackets.",
        "(F - 1) + step": "F − 1 steps of `step` pixels each: multiply.",
        "2 * step": "That is right only for F = 3: F values span F − 1 steps.",
    },
    "S": {
        "step * S": "`step *=` multiplies by the old step already.",
        "2": "That is right only for a stride of 2.",
        "F": "The step grows by the stride, S. The kernel makes the *field* grow.",
        "S - 1": "A stride of 1 leaves the step as it is, 2 doubles it.",
        "S + 1": "A stride of 1 leaves the step as it is.",
        "(F - 1) * S": "The step grows by the stride alone. F makes the *field* grow.",
    },
}
add(
    Exercise(
        "04.5",
        "Receptive field of any stack",
        level=3,
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
        ],
        wrong=in_place(_GROWTH),
        hints=(
            "`step` is the distance, in input pixels, between neighbouring values of "
            "the layer below.",
            "A window of F such values spans F − 1 steps more than one value does.",
            "After a layer of stride S, neighbours are S times as far apart.",
        ),
    )
)

# --- 04.6: equivariance ---------------------------------------------------------------

add(
    Exercise(
        "04.6",
        "Does the output move along?",
        level=2,
        wrong={
            "relu": Wrong(
                {"relu": False},
                "ReLU looks at each value alone, wherever it stands, so what it puts "
                "out moves along.",
            ),
            "two-layers": Wrong(
                {"two_layers": False},
                "The first layer's maps move along, and they are what the second layer "
                "gets as its picture.",
            ),
            "own-kernels": Wrong(
                {"own_kernels": True},
                "After the move, the digit meets different kernels. Only a shared "
                "kernel says the same thing about it in another place.",
            ),
            "stride": Wrong(
                {"stride_2": True},
                "With stride 2, neighbouring outputs are two pixels apart. Moved by "
                "one, the digit falls between the places: only even shifts come out "
                "as shifts.",
            ),
        },
        hints=(
            "Ask: does the layer treat all places alike?",
            "Stride 2 visits every second pixel. After the move, does it see the digit "
            "as it did before?",
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


_ROWS = {
    "row_m": {
        "0wxyz0000": "Your weights stand side by side. Between x and y the window "
        "leaves out a pixel and goes on in the next row.",
        "0wx00yz00": "One zero too many: f, below c, is three further on.",
        "0zy0xw000": "Here the kernel is turned round. w should lie on c, z on g.",
        "0wy0xz000": "x stands beside w, and y below it: `wx` and then `yz`.",
        "wx0yz0000": "That is the row of ℓ. For m the window is one pixel further.",
        "000wx0yz0": "That is the row of n, below ℓ. m is to the right of ℓ.",
        "0000wx0yz": "That is the last row. m is to the right of ℓ.",
        "00wx0yz00": "That is two pixels further than for ℓ, and m is only one "
        "further.",
    },
    "row_n": {
        "00wx0yz00": "That puts w on d and x on e: half of the window hangs over the "
        "right edge. n starts at e, a row further down.",
        "000wxyz00": "Below e lies h, not g, so a zero comes between x and y.",
        "000wx00yz": "One zero too many: h, below e, is three further on.",
        "000zy0xw0": "In row n the kernel is turned round. w should lie on e.",
        "000wy0xz0": "In row n, x stands beside w, and y below it.",
        "0wx0yz000": "That is the row of m, to the right of ℓ. n is below ℓ.",
        "0000wx0yz": "That is the last row: one row down *and* one column right of ℓ.",
        "wx0yz0000": "That is the row of ℓ. n is a row further down: w lies on e.",
    },
}
add(
    Exercise(
        "04.7",
        "Rows of the matrix",
        level=2,
        normal=_letters,
        wrong={
            "rows-swapped": Wrong(
                {"row_m": "000wx0yz0", "row_n": "0wx0yz000"},
                "These two have changed places: m is to the right of ℓ, n below it.",
            )
        }
        | in_place(_ROWS),
        hints=(
            "m = cw + dx + fy + gz. Put each weight under its pixel, zeros elsewhere.",
            "Pixels in order: b c d e f g h i j. For m, w stands under c, y under f.",
        ),
        otherwise="A row has nine places, one for each pixel from b to j: the four "
        "weights under the pixels of the window, and five zeros.",
    )
)

_NUMBERS = {
    "W2": {
        "W1": "A row of the *output* has W2 values, not W1.",
        "H2": "A row of the output holds W2 values: output i, j is number i·W2 + j.",
        "H1": "A row of the *output* has W2 values, not H1.",
    },
    "(i + a) * W1 + j + b": {
        "(i + a) * W2 + j + b": "The columns belong to the *input's* pixels, and a row "
        "of the input has W1 of them, not W2.",
        "(i + a) * H1 + j + b": "A row of the input has W1 pixels, not H1.",
        "i + a + j + b": "In your version, a step down counts like a step right. "
        "But in the flattened image, the pixel below is W1 further on.",
        "i + a * W1 + j + b": "Only `a` counts in rows here: put `i + a` in brackets.",
        "i * W1 + a + j + b": "`a` counts rows, as `i` does, and a row is W1 pixels "
        "long.",
        "i * W1 + j + b": "`a` is missing: it moves down in the kernel.",
        "(i + a) * W1 + j": "`b` is missing: it moves along the kernel's row.",
        "i * W1 + j": "That is the window's first pixel, for all weights. "
        "`kernel[a, b]` meets pixel (i + a, j + b).",
        "a * W1 + b": "That is the same for every output: `i` and `j` are missing.",
        "(j + b) * W1 + i + a": "Rows and columns are swapped: i and a count rows.",
        "(i + a) * (j + b)": "Do not multiply the two: count the rows above, W1 "
        "pixels each, and then the pixels along the row.",
        "(i + a) * n + j + b": "A row of the image has W1 pixels, not n.",
        "(i + m - 1 - a) * W1 + j + n - 1 - b": "The kernel is turned round. Its first "
        "weight belongs to the window's first pixel.",
    },
}
add(
    Exercise(
        "04.8",
        "Build the matrix",
        level=3,
        cases=lambda: [
            case(torch.tensor([[1.0, 2.0]]), H1=1, W1=3),
            case(torch.tensor([[1.0], [2.0]]), H1=3, W1=2),
            case(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), H1=3, W1=3),
            case(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), H1=2, W1=4),
            case(*_random((3, 2)), H1=4, W1=6),
            case(*_random((1, 3)), H1=5, W1=4),
            case(*_random((3, 3)), H1=3, W1=3),
        ],
        wrong=in_place(_NUMBERS),
        hints=(
            "Flattened, pixel (r, c) of an image with W columns is number r·W + c.",
            "The weight `kernel[a, b]` meets pixel (i + a, j + b), and each row of "
            "pixels holds W1.",
            "Row i·W2 + j, column (i + a)·W1 + j + b.",
        ),
    )
)

_WAYS_BACK = {
    "matrix.T @ g": {
        "matrix @ g": "That goes forward once more. The way back follows the same "
        "lines, but from output to input: the matrix transposed.",
        "matrix.sum(dim=0)": "That is right only if every output's gradient is 1. In "
        "general, each output's row is multiplied by its own gradient.",
        "torch.linalg.pinv(matrix) @ g": "An inverse would ask which input gave this "
        "output. The gradient asks how strongly each input affects each output, "
        "and the weights themselves say that.",
        "torch.linalg.inv(matrix) @ g": "A matrix that is not square has no inverse, "
        "and none is needed.",
        "matrix * g": "Each pixel adds up what comes back to it from all the outputs. "
        "The product `@` does that.",
        "matrix.T * g": "For each pixel, these products still have to be added up over "
        "all outputs, as `@` does.",
        "(matrix.T * g).sum()": "That is one number. Each pixel has a gradient of its "
        "own.",
        "(matrix.T * g).sum(dim=0)": "That adds over pixels, not outputs.",
        "matrix.T": "g is missing: each output's row is multiplied by its own "
        "gradient.",
        "matrix.T @ g / len(g)": "The outputs' gradients are added up, not averaged.",
        "matrix.T @ matrix @ g": "g comes from the outputs already: all that is left "
        "is to go back.",
    }
}


def matrix_of(kernel, H, W):
    """The convolution of an H×W image as a matrix: what becomes of each pixel."""
    pixels = torch.eye(H * W).view(H * W, 1, H, W)
    return functional.conv2d(pixels, kernel[None, None]).flatten(1).T


add(
    Exercise(
        "04.9",
        "Back through the matrix",
        level=2,
        cases=lambda: [
            case(torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([10.0])),
            case(
                torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]),
                torch.tensor([1.0, 10.0]),
            ),
            case(*_random((4, 9), (4,))),
            case(*_random((3, 3), (3,))),
            case(matrix_of(*_random((2, 3)), 4, 5), *_random((9,))),
        ],
        wrong=in_place(_WAYS_BACK),
        hints=(
            "Pixel k reaches output r with the weight M[r, k], so it collects M[r, "
            "k]·g[r] from every r.",
            "A sum over the rows: that is the transposed matrix times g.",
        ),
    )
)
