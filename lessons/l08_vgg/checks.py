"""Checks: VGG."""

import torch
from torch import nn

from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.mistakes import of_values
from lessons.modules import by_function, on_input

# --- 08.1 to 08.3: a stack against one layer ------------------------------------------


def stack(*layers: tuple[int, int], seed: int = 0) -> nn.Sequential:
    """Convolutions (F, S) of one channel, with random kernels."""
    generator = torch.Generator().manual_seed(seed)
    made = [nn.Conv2d(1, 1, F, stride=S, bias=False) for F, S in layers]
    with torch.no_grad():
        for layer in made:
            numbers = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.copy_(numbers)
    return nn.Sequential(*made)


def picture(H: int, W: int, seed: int = 1) -> torch.Tensor:
    """An image of random numbers."""
    return torch.randn(H, W, generator=torch.Generator().manual_seed(seed))


def _shown(name: str, each: Case) -> str:
    layers, image, i, j = each.args
    kernels = ", ".join(f"{c.kernel_size[0]}×{c.kernel_size[0]}" for c in layers)
    size = "×".join(map(str, image.shape))
    return f"{name}(layers of {kernels}, an image of {size}, {i}, {j})"


add(
    Exercise(
        "08.1",
        "Which pixels does it see?",
        level=2,
        cases=lambda: [
            case(stack((1, 1)), picture(2, 3), 0, 1),
            case(stack((2, 1)), picture(3, 4), 1, 2),
            case(stack((3, 1)), picture(4, 6), 1, 3),
            case(stack((3, 1), (3, 1), seed=2), picture(7, 8), 1, 2),
            case(stack((3, 2), (2, 1), seed=3), picture(8, 9), 0, 1),
            case(stack((3, 1), (3, 1), (3, 1), seed=4), picture(9, 10), 2, 1),
            case(stack((5, 1), seed=5), picture(9, 9), 4, 0),
            case(stack((2, 1), seed=6), picture(4, 3), 2, 1),
            case(stack((1, 1), seed=7), picture(4, 2), 3, 1),
        ],
        shown=_shown,
        wrong={
            "row-and-column-swapped": Wrong({"i": "j", "j": "i"},
                "Row and column are swapped: i counts rows, j columns."),
            "column-twice": Wrong({"i": "j"},
                "The first place is for the row, i. You asked for row j."),
            "row-twice": Wrong({"j": "i"},
                "The second place is for the column, j. You asked for column i."),
            "corner": Wrong({"i": "0", "j": "0"},
                "This always takes the output in the upper left corner. The exercise "
                "asks for the one in row i and column j."),
            "several-outputs": Wrong({"i": ":"},
                "`:` takes several outputs, but `backward` starts from a single one: "
                "row i, column j."),
            "pixels-not-gradient": Wrong({"image.grad": "image"},
                "This asks which pixels are not 0. Ask which *derivatives* are not 0: "
                "`image.grad`."),
            "outputs-not-gradient": Wrong({"image.grad": "maps"},
                "This asks which outputs are not 0. Ask which derivatives of the one "
                "output, with respect to the pixels, are not 0."),
            "one-for-all": Wrong({"image.grad": "maps.grad"},
                "This gives one single True, but each pixel has a derivative of its "
                "own. They are stored with the image, because `requires_grad_` was "
                "called on it; `maps.grad` is None."),
            "compared-twice": Wrong({"image.grad": "image.grad != 0"},
                "The comparison with 0 already follows the blank, and Python "
                "cannot do two in a row for a whole image. Fill in only what is "
                "compared."),
            "unseen": Wrong({"image.grad": "(image.grad == 0)"},
                "These are the pixels that it does not see."),
            "rising-only": Wrong({"image.grad": "(image.grad > 0)"},
                "A pixel with a negative derivative matters, too."),
        },
        hints=(
            "A pixel matters when the output's derivative with respect to it is not "
            "0.",
            "`backward` starts from one number: row i, column j. It leaves the "
            "derivatives in `image.grad`.",
        ),
    )
)  # fmt: skip


def _prices(of):
    stacks = {"two_of_3": (2, 3), "one_of_5": (1, 5)}
    stacks |= {"three_of_3": (3, 3), "one_of_7": (1, 7)}
    return {name: of(n, F) for name, (n, F) in stacks.items()}


add(
    Exercise(
        "08.2",
        "The price of a view",
        level=1,
        tolerance=1e-9,
        wrong=of_values(
            _prices(lambda n, F: n * F * F * 100),
            {
                "depth-once": (_prices(lambda n, F: n * F * F * 10),
                    "A filter reaches through all 10 channels, and there are 10 "
                    "filters: F·F·10·10 for each layer."),
                "no-depth": (_prices(lambda n, F: n * F * F),
                    "That is for one channel, the factor before C². Here 10 channels "
                    "go in and 10 come out."),
                "one-layer": (_prices(lambda n, F: F * F * 100),
                    "That is one layer of 3×3. There are several, each with weights of "
                    "its own."),
                "extent-once": (_prices(lambda n, F: n * F * 100),
                    "A kernel is F high and F wide: F·F."),
                "biases-in": (_prices(lambda n, F: n * (F * F * 100 + 10)),
                    "This count includes biases, 10 for each layer. Count weights "
                    "only."),
                "layers-multiplied": (_prices(lambda n, F: (F * F * 100) ** n),
                    "The weights of several layers are added, not multiplied."),
                "exchanged-5": ({"two_of_3": 25 * 100, "one_of_5": 2 * 9 * 100},
                    "The stack and the one layer are swapped."),
                "exchanged-7": ({"three_of_3": 49 * 100, "one_of_7": 3 * 9 * 100},
                    "The stack of three and the one layer of 7×7 are swapped."),
            },
        ),
        hints=(
            "One layer: 10 filters of F×F×10.",
            "F·F·10·10 for each layer, times the number of layers.",
        ),
    )
)  # fmt: skip

_FIELD, _SHARE = "n * (F - 1) + 1", "n * F * F / field**2"

add(
    Exercise(
        "08.3",
        "Any stack against one layer",
        level=2,
        cases=lambda: [
            case(1, 3),
            case(2, 3),
            case(3, 3),
            case(4, 2),
            case(2, 5),
            case(3, 1),
            case(10, 3),
        ],
        tolerance=1e-6,
        wrong={
            "fields-added": Wrong({_FIELD: "n * F"},
                "n layers do not see n·F pixels: after the first, each adds only F − "
                "1."),
            "one-short": Wrong({_FIELD: "n * (F - 1)"},
                "The output's own pixel is missing from the field: add 1."),
            "sum-for-product": Wrong({_FIELD: "n + F - 1"},
                "This adds 1 for each further layer. Each adds F − 1."),
            "field-of-3": Wrong({_FIELD: "2 * n + 1"},
                "2n + 1 is the field of 3×3 kernels. Each layer adds F − 1."),
            "always-n": Wrong({_FIELD: "F"},
                "One layer of F×F sees F, but n of them see n·(F − 1) + 1, and the one "
                "layer must see as much."),
            "always-1": Wrong({_FIELD: "F", _SHARE: "F * F / field**2"},
                "This compares one layer of F×F with itself."),
            "upside-down": Wrong({_SHARE: "field**2 / (n * F * F)"},
                "Upside down: divide the stack's weights by the one layer's."),
            "one-layer": Wrong({_SHARE: "F * F / field**2"},
                "That is one layer of the stack. There are n of them."),
            "lines-not-squares": Wrong({_SHARE: "n * F / field"},
                "That is along one line. Kernels are squares: F·F and field·field."),
            "field-not-squared": Wrong({_SHARE: "n * F * F / field"},
                "The one layer's kernel is field high and field wide: square it."),
            "F-not-squared": Wrong({_SHARE: "n * F / field**2"},
                "Each kernel of the stack is F high and F wide: F·F."),
            "doubled-for-squared": Wrong({_SHARE: "n * F * F / (field * 2)"},
                "`field * 2` doubles. A square is `field**2`, or `field * field`."),
            "n-squared": Wrong({_SHARE: "(n * F) ** 2 / field**2"},
                "The n layers are added up, n·F·F, so only F is squared."),
            "not-divided": Wrong({_SHARE: "n * F * F / field * field"},
                "Those are the stack's weights, not divided by the one layer's. (`a / "
                "b * b` divides and then multiplies again: it needs brackets.)"),
            "kernels-of-3": Wrong({_SHARE: "9 * n / field**2"},
                "That is for 3×3 kernels, whatever F is."),
            "saved": Wrong({_SHARE: "1 - n * F * F / field**2"},
                "That is the share that is saved. The exercise asks for the share that "
                "is needed."),
            "percent": Wrong({_SHARE: "100 * n * F * F / field**2"},
                "That is in per cent. The exercise asks for a share of 1, which "
                "`print` turns into per cent."),
            "whole-numbers": Wrong({_SHARE: "n * F * F // field**2"},
                "`//` rounds down to whole numbers, here mostly to 0. Divide by `/`."),
        },
        hints=(
            "Recall from lesson 04 what n layers of F×F see along one side.",
            "field = n·(F − 1) + 1, and one layer that sees it has field·field "
            "weights for each pair of channels.",
        ),
    )
)  # fmt: skip

# --- 08.4 and 08.5: without ReLU ------------------------------------------------------

add(
    Exercise(
        "08.4",
        "Two kernels as one",
        level=2,
        wrong={
            "no-overlap": Wrong({"twice_ones": [1, 1, 1, 1, 1]},
                "The middle pixel is in all three sums, and so counts three times."),
            "same-size": Wrong({"twice_ones": [1, 1, 1]},
                "Two layers of three see five pixels, so the one kernel has five "
                "numbers."),
            "added": Wrong({"twice_ones": [2, 2, 2]},
                "The kernels are not added: the second works on what the first puts "
                "out."),
            "squared": Wrong({"twice_ones": [3, 3, 3]},
                "It is true that each output adds up nine numbers. But they come from "
                "five pixels: how often does each of these occur?"),
            "middle-as-its-neighbours": Wrong({"twice_ones": [1, 2, 2, 2, 1]},
                "x2 is in two of the three sums, x3 in all three."),
            "not-counted-together": Wrong({"twice_ones": [1] * 9},
                "There are nine products but only five pixels: add up those of the "
                "same pixel."),
            "turned": Wrong({"ones_then_edge": [1, 1, 0, -1, -1]},
                "The signs are the wrong way round. The second layer subtracts its "
                "left neighbour and adds its right one."),
            "edge-only": Wrong({"ones_then_edge": [-1, 0, 1]},
                "That is the second kernel alone. The numbers it works on are "
                "themselves sums of three pixels."),
            "edge-of-sums": Wrong({"ones_then_edge": [-3, 0, 3]},
                "Three pixels are subtracted and three added, but they are different "
                "pixels: give each its own number."),
            "edge-not-counted-together": Wrong(
                {"ones_then_edge": [-1, -1, -1, 0, 0, 0, 1, 1, 1]},
                "The first and the third sum overlap: both contain x3, where −1 and 1 "
                "cancel. Five pixels, so five numbers."),
            "edge-widened": Wrong({"ones_then_edge": [-1, 0, 0, 0, 1]},
                "The second layer subtracts x1 + x2 + x3 and adds x3 + x4 + x5: only "
                "x3 cancels."),
        },
        hints=(
            "Write the two or three sums of the first layer below each other, pixel "
            "under pixel, and add up the columns with the second kernel's weights.",
            "Ones twice: h1 = x1 + x2 + x3, h2 = x2 + x3 + x4, h3 = x3 + x4 + x5. "
            "How often is x3 in h1 + h2 + h3?",
        ),
    )
)  # fmt: skip


def _kernels(*shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(*(torch.randn(shape, generator=generator) for shape in shapes))


_ROWS, _COLUMNS, _TAP = "m + p - 1", "n + q - 1", "second[a, b]"

add(
    Exercise(
        "08.5",
        "One kernel for two",
        level=3,
        cases=lambda: [
            case(torch.tensor([[2.0]]), torch.tensor([[3.0]])),
            case(torch.ones(1, 3), torch.ones(1, 3)),
            case(torch.ones(1, 3), torch.tensor([[-1.0, 0, 1]])),
            case(torch.tensor([[1.0, 2]]), torch.tensor([[1.0], [3]])),
            _kernels((3, 3), (3, 3), seed=1),
            _kernels((2, 3), (4, 2), seed=2),
            _kernels((1, 5), (3, 2), seed=3),
            _kernels((5, 4), (2, 2), seed=4),
        ],
        wrong={
            "one-too-large": Wrong({_ROWS: "m + p", _COLUMNS: "n + q"},
                "One row and one column too many: the first tap of the second kernel "
                "does not shift."),
            "size-of-the-first": Wrong({_ROWS: "m", _COLUMNS: "n"},
                "This leaves room for an unshifted copy of the first kernel only, but "
                "copies are shifted by up to p − 1 rows and q − 1 columns."),
            "rows-and-columns-swapped": Wrong(
                {_ROWS: "n + q - 1", _COLUMNS: "m + p - 1"},
                "Rows and columns are swapped: m and p count rows, n and q columns."),
            "rows-with-columns": Wrong({_ROWS: "m + n - 1", _COLUMNS: "p + q - 1"},
                "m and n both belong to the first kernel. The rows of the two are m "
                "and p, the columns n and q."),
            "always-5": Wrong({_ROWS: "5", _COLUMNS: "5"},
                "5×5 comes from two kernels of 3×3 only. Compute it from the shapes."),
            "unweighted": Wrong({_TAP: "1"},
                "Each shifted copy of the first kernel counts as much as the second "
                "kernel says: multiply it by that weight."),
            "whole-second": Wrong({_TAP: "second"},
                "This multiplies the copy by the whole second kernel, number by "
                "number. Take one tap at a time: the number in row a and column b."),
            "whole-first-missing": Wrong({"first": "first[a, b]"},
                "Each tap weights the whole first kernel, not one number of it."),
            "roles-exchanged": Wrong({_TAP: "first[a, b]", "first": "second"},
                "a and b count the second kernel's taps, and the slice of `kernel` is "
                "as large as the first kernel. So each tap of the second weights the "
                "whole first."),
            "transposed": Wrong({_TAP: "second[b, a]"},
                "a counts rows and b columns, and in the brackets the row comes "
                "first."),
            "turned": Wrong({_TAP: "second[p - 1 - a, q - 1 - b]"},
                "The second kernel is turned by half a turn. Its tap in row a and "
                "column b belongs to the copy that is shifted by a and b."),
            "first-turned": Wrong({"first": "first.flip(0, 1)"},
                "The first kernel is turned by half a turn. Nothing is flipped here: "
                "its copies are only shifted."),
        },
        hints=(
            "Every tap of the second kernel looks at a shifted copy of the first.",
            "`weight * first`, with the weight `second[a, b]`, added at rows a to "
            "a + m and columns b to b + n.",
        ),
    )
)  # fmt: skip

# --- 08.6 and 08.7: build it ----------------------------------------------------------

_CONVOLUTIONS, _MAPS = (2, 2, 3, 3, 3), [64, 128, 256, 512, 512]


def _sides(lost=0):
    """What leaves each stage; a convolution without padding loses two."""
    sides = [224]
    for count in _CONVOLUTIONS:
        sides.append((sides[-1] - lost * count) // 2)
    return sides


add(
    Exercise(
        "08.6",
        "VGG-16 by its rules",
        level=2,
        tolerance=1e-9,
        wrong={
            "maps-double-on": Wrong({"maps": [*_MAPS[:4], 1024]},
                "The number of maps stops doubling at 512."),
            "all-the-same": Wrong({"maps": [64] * 5},
                "From stage to stage the number of maps doubles."),
            "what-comes-in": Wrong({"maps": [3, *_MAPS[:4]]},
                "That many maps go into each stage. The exercise asks how many come "
                "out."),
            "four-stages": Wrong({"maps": _MAPS[:4]},
                "There are five stages, the last two with 512."),
            "each-layer": Wrong(
                {"maps": [K for n, K in zip(_CONVOLUTIONS, _MAPS) for _ in range(n)]},
                "That is one number for each convolution. One for each stage will do."),
            "before-pooling": Wrong({"sides": _sides()[:5]},
                "These are the sides inside the stages, before the pooling. The "
                "exercise asks for the side after it."),
            "with-the-image": Wrong({"sides": _sides()},
                "224 is the image. Five stages, so five sides: what each pooling puts "
                "out."),
            "no-padding": Wrong({"sides": _sides(lost=2)[1:]},
                "P = 1 keeps the size: only the pooling halves it."),
            "dense-forgotten": Wrong({"layers": 13},
                "13 are the convolutions. The dense layers have weights, too."),
            "pooling-counted": Wrong({"layers": 21},
                "Pooling has no weights, and is not counted."),
            "convolutions-and-pooling": Wrong({"layers": 18},
                "Count layers with weights: convolutions and dense ones, no pooling."),
            "stages-counted": Wrong({"layers": 8},
                "Five stages and three dense layers make 8. But a stage has two or "
                "three convolutions."),
            "last-forgotten": Wrong({"layers": 15},
                "The layer of 1000 has weights, too: three are dense."),
            "the-larger-one": Wrong({"layers": 19},
                "VGG-19 is the larger sister, with four convolutions in each of the "
                "last three stages."),
        },
        hints=(
            "224 is halved five times.",
            "2 + 2 + 3 + 3 + 3 convolutions, and three dense layers.",
        ),
    )
)  # fmt: skip

_DENSE = "D1 * side * side"

add(
    Exercise(
        "08.7",
        "Any VGG from a list",
        level=3,
        cases=lambda: [
            case((1, 3, 8, 8), [2, "M"], 8, 3, 2),
            case((2, 3, 5, 5), [2, 4, "M"], 5, 5, 3),
            case((3, 3, 8, 8), [4, "M", 8, 8, "M"], 8, 6, 10, p=0.2),
            case((2, 3, 9, 9), [3, 5, "M", 4, "M"], 9, 7, 4),
            case((2, 3, 4, 4), ["M", 5], 4, 3, 2),
            case((1, 3, 16, 16), [2, "M", 3, "M", 4, 4, "M", 6], 16, 5, 3, p=0.7),
        ],
        **by_function("08.7"),
        shown=on_input,
        wrong={
            "pooling-of-3": Wrong({"2": "3"},
                "The pooling window is 2 wide: 3 would leave a third of the side."),
            "pooling-keeps-size": Wrong({"2": "2, 1"},
                "Pooling with stride 1 hardly shrinks the maps: S = 2."),
            "side-kept": Wrong({"side // 2": "side"},
                "The pooling halves the maps, so `side` must follow."),
            "side-not-whole": Wrong({"side // 2": "side / 2"},
                "`/` turns 8 into 4.0 and 5 into 2.5, but a layer has a whole number "
                "of inputs: divide with `//`."),
            "depth-fixed": Wrong({"D1": "3"},
                "Only the first convolution sees the image's 3 channels. For the next "
                "one D1 is the number of maps before it."),
            "filters-for-depth": Wrong({"D1": "K"},
                "K filters are as deep as what comes in: D1 maps, at first 3."),
            "depth-never-changes": Wrong({"K": "D1"},
                "This way D1 stays 3 for ever. After a convolution there are K maps, "
                "and the next layer gets all of them."),
            "depth-doubles": Wrong({"K": "2 * D1"},
                "The list says how many maps there are: K, not twice as many as "
                "before."),
            "no-padding": Wrong({"1": "0"},
                "Without padding each 3×3 takes two pixels off the side. P = 1 keeps "
                "it."),
            "no-relu": Wrong({"nn.ReLU()": "nn.Identity()"},
                "No ReLU after the convolutions: each stage is then one large kernel."),
            "relu-not-made": Wrong({"nn.ReLU()": "nn.ReLU"},
                "`nn.ReLU` is the kind of layer. Brackets make one: `nn.ReLU()`."),
            "relu-as-function": Wrong({"nn.ReLU()": "functional.relu"},
                "`functional.relu` is a function, and `nn.Sequential` wants layers: "
                "`nn.ReLU()`."),
            "one-side": Wrong({_DENSE: "D1 * side"},
                "A map is side high and side wide: side·side numbers."),
            "maps-only": Wrong({_DENSE: "D1"},
                "Flattened, every number of every map goes into the dense layer: D1 "
                "maps of side·side."),
            "last-entry": Wrong({_DENSE: "K * side * side"},
                'K is the last entry of the list, and that may be "M". The number '
                'of maps stands in D1.'),
            "as-in-VGG-16": Wrong({_DENSE: "512 * 7 * 7"},
                "512·7·7 is right for VGG-16 on 224×224 only. Compute it from D1 and "
                "side."),
            "dropout-fixed": Wrong({"p": "0.5"},
                "This dropout is always 0.5, whatever p is."),
            "no-dropout": Wrong({"p": "0"},
                "In evaluation this is right, but in training the first dropout drops "
                "nothing."),
            "kept-for-dropped": Wrong({"p": "1 - p"},
                "`nn.Dropout` wants the share that is dropped, p. This is the share "
                "that is kept."),
        },
        hints=(
            "`D1` is the number of maps that the next convolution gets, `side` their "
            "width. Which line changes which of the two?",
            "After a convolution D1 is K. After pooling the side is `side // 2`.",
            "The first dense layer sees D1 maps of side·side numbers.",
        ),
    )
)  # fmt: skip

# --- 08.8 and 08.9: count -------------------------------------------------------------

_WEIGHTS = "9 * D1 * K"

add(
    Exercise(
        "08.8",
        "Weights of the convolutions",
        level=2,
        cases=lambda: [
            case([]),
            case([1]),
            case(["M"]),
            case([4, 4]),
            case([4, "M", 8], D1=1),
            case([8, 8, "M", 16, 16, "M"]),
            case([5, 3, "M", 7, "M", 2, 4], D1=2),
        ],
        tolerance=1e-9,
        wrong={
            "depth-never-changes": Wrong({"K": "D1"},
                "Only the first layer sees the image. The next one's depth is the "
                "number of maps before it."),
            "always-3-deep": Wrong({_WEIGHTS: "27 * K"},
                "3·3·3 is a filter on the image. On D1 maps it has 3·3·D1 weights."),
            "depth-doubles": Wrong({"K": "2 * D1"},
                "The list says how many maps there are: K. It need not be twice as "
                "many as before."),
            "flat-filters": Wrong({_WEIGHTS: "9 * K"},
                "A filter reaches through all D1 maps: 3·3·D1 weights."),
            "one-filter": Wrong({_WEIGHTS: "9 * D1"},
                "That is one filter of each layer. There are K of them."),
            "no-extent": Wrong({_WEIGHTS: "D1 * K"},
                "That is 1×1. A 3×3 kernel has 9 weights."),
            "extent-once": Wrong({_WEIGHTS: "3 * D1 * K"},
                "A kernel is 3 high and 3 wide: 9."),
            "depths-added": Wrong({_WEIGHTS: "9 * (D1 + K)"},
                "Depth in and filters out are multiplied: each of K filters has 9·D1 "
                "weights."),
            "biases-in": Wrong({_WEIGHTS: "9 * D1 * K + K"},
                "This count includes biases. Count weights only."),
            "depth-squared": Wrong({_WEIGHTS: "9 * K * K"},
                "Depth in and depth out differ where a new stage begins: 3·3·D1·K."),
        },
        hints=(
            "K filters of 3×3, as deep as what comes in.",
            "9·D1·K, and for the next layer D1 is K.",
        ),
    )
)  # fmt: skip

_FC6, _FC7, _FC8 = 512 * 7 * 7 * 4096, 4096 * 4096, 4096 * 1000

add(
    Exercise(
        "08.9",
        "The slide's sum",
        level=1,
        tolerance=1e-9,
        wrong={
            "as-printed": Wrong({"instead_of_1024": 1024},
                "The last layer has one output for each class. How many classes does "
                "ImageNet have?"),
            "ten-classes": Wrong({"instead_of_1024": 10},
                "MNIST has ten classes. How many does ImageNet have?"),
            "inputs-changed": Wrong({"instead_of_1024": 4096},
                "It is true that 4096 numbers come in. But how many scores go out?"),
            "maps-only": Wrong({"fc6": 512 * 4096},
                "All 512 maps of 7×7 are flattened: 25 088 numbers come in."),
            "one-side": Wrong({"fc6": 512 * 7 * 4096}, "A map is 7 high and 7 wide."),
            "inputs-only": Wrong({"fc6": 512 * 7 * 7},
                "That many numbers come in. Each of the 4096 neurons has a weight for "
                "each of them."),
            "fc6-rounded": Wrong({"fc6": 102e6},
                "That is the rounded number. Multiply it out."),
            "fc6-with-biases": Wrong({"fc6": _FC6 + 4096},
                "This includes the 4096 biases. Count weights only."),
            "total-with-1024": Wrong({"total": _FC6 + _FC7 + 4096 * 1024},
                "That is the slide's formula, multiplied out: 123.7 million, and not "
                "122. Now put the right number in place of 1024."),
            "total-lectured": Wrong({"total": 122e6},
                "That is the slide's result. Multiply it out."),
            "total-with-biases": Wrong({"total": _FC6 + _FC7 + _FC8 + 2 * 4096 + 1000},
                "This includes 9192 biases. Count weights only."),
            "total-of-two": Wrong({"total": _FC6 + _FC7},
                "The last layer is missing: three terms."),
            "total-without-fc7": Wrong({"total": _FC6 + _FC8},
                "The middle term is missing: 4096·4096."),
            "total-without-fc6": Wrong({"total": _FC7 + _FC8},
                "The first term, the largest, is missing."),
            "total-of-all": Wrong({"total": 138357544},
                "That is all of VGG-16, with convolutions and biases. The exercise "
                "asks for the weights of the dense layers."),
        },
        hints=(
            "The last layer gives one score for each class.",
            "Python may do the arithmetic: write the product in the blank.",
            "512·7·7·4096 + 4096·4096 + 4096·1000.",
        ),
    )
)  # fmt: skip

# --- 08.10 and 08.11: memory, and a way out -------------------------------------------

_FIXED, _FITS = "3 * 4 * parameters", "left // (4 * activations)"

add(
    Exercise(
        "08.10",
        "The largest batch",
        level=2,
        cases=lambda: [
            case(100, 1, 1),
            case(1000, 10, 5),
            case(1000, 10, 22),  # to the last byte
            case(999, 10, 22),  # one byte short
            case(999, 50, 7),
            case(1000, 100, 5),  # the weights alone do not fit
            case(616, 50, 1),
            case(5004, 3, 2),
            case(780, 2, 3),
            case(8 * 10**9, 138_357_544, 15_087_080),
        ],
        tolerance=1e-9,
        wrong={
            "weights-only": Wrong({_FIXED: "4 * parameters"},
                "This subtracts the weights only. Each has a gradient and a momentum, "
                "too."),
            "no-momentum": Wrong({_FIXED: "8 * parameters"},
                "Momentum is missing: it remembers one number for each weight."),
            "parameters-not-in-bytes": Wrong({_FIXED: "3 * parameters"},
                "Memory is counted in bytes: four for each weight, gradient and "
                "momentum."),
            "parameters-once-as-bytes": Wrong({_FIXED: "parameters"},
                "Each parameter needs three numbers of four bytes."),
            "activations-thrice": Wrong({_FITS: "left // (12 * activations)"},
                "Activations have no momentum. One number for each is kept."),
            "activations-twice": Wrong({_FITS: "left // (8 * activations)"},
                "One number of four bytes for each activation: the model does not "
                "count their gradients."),
            "activations-not-in-bytes": Wrong({_FITS: "left // activations"},
                "Memory is counted in bytes: four for each activation."),
            "no-brackets": Wrong({_FITS: "left // 4 * activations"},
                "From left to right: this divides by 4 and then *multiplies* by the "
                "activations. Put brackets around what you divide by."),
            "parameters-for-each-image": Wrong(
                {_FITS: "left // (12 * parameters + 4 * activations)"},
                "The weights are there once, however many images there are. Only the "
                "activations are there for each."),
            "all-the-memory": Wrong({_FITS: "memory // (4 * activations)"},
                "This divides all the memory, but what the parameters need is not "
                "there for images: divide what is `left`."),
            "by-parameters": Wrong({_FITS: "left // (4 * parameters)"},
                "Each image needs room for its activations, not for parameters."),
            "parts-of-images": Wrong({_FITS: "left / (4 * activations)"},
                "A part of an image does not fit: round down."),
            "rounded": Wrong({_FITS: "round(left / (4 * activations))"},
                "Half an image does not fit, so `round` may promise one too many: "
                "round down."),
            "rounded-up": Wrong({_FITS: "-(-left // (4 * activations))"},
                "Rounded up, the last image no longer fits."),
            "one-too-many": Wrong({_FITS: "left // (4 * activations) + 1"},
                "`//` counts the whole images that fit. One more does not fit."),
        },
        hints=(
            "First subtract what is needed only once: three numbers of four bytes for "
            "each parameter.",
            "What is left, divided by 4·activations, rounded down: `//`.",
        ),
    )
)  # fmt: skip

_VGG, _CONVS, _LEAN = 138344128, 14710464, 14710464 + 512 * 1000

add(
    Exercise(
        "08.11",
        "Without fc6 and fc7",
        level=2,
        tolerance=1e-9,
        wrong={
            "not-averaged": Wrong({"dense": 512 * 7 * 7 * 1000},
                "That is without averaging, which leaves one number of each 7×7 map: "
                "512 in all."),
            "fc6-averaged": Wrong({"dense": 512 * 4096},
                "This still leads to 4096 neurons. Here the 512 numbers go straight to "
                "the 1000 classes."),
            "with-4096": Wrong({"dense": 4096 * 1000},
                "`fc7` is gone, and its 4096 outputs with it. The 512 means come in."),
            "means-of-all": Wrong({"dense": 7 * 7 * 1000},
                "The mean is taken within each map: 512 means, one for each."),
            "inputs-only": Wrong({"dense": 512},
                "512 numbers come in. Each class has a weight for each of them."),
            "classes-only": Wrong({"dense": 1000},
                "1000 scores go out. Each is a sum of 512 products."),
            "biases-in": Wrong({"dense": 513 * 1000},
                "This includes 1000 biases. Count weights only."),
            "dense-part-only": Wrong({"network": 512 * 1000},
                "The network still has its convolutions, with 14 710 464 weights."),
            "convolutions-only": Wrong({"network": _CONVS},
                "The dense part belongs to the network, too."),
            "network-not-averaged": Wrong({"network": _CONVS + 512 * 7 * 7 * 1000},
                "This adds a dense layer without averaging. One number is left of each "
                "map."),
            "fc7-kept": Wrong({"network": _LEAN + 4096 * 4096},
                "Nothing stands between the average and the classes: fc7 is gone, "
                "too."),
            "dense-compared": Wrong(
                {"times_fewer": round((_VGG - _CONVS) / (512 * 1000))},
                "That compares the dense parts. Compare the networks: 138 344 128 "
                "weights against these."),
            "with-the-dense-part": Wrong({"times_fewer": round(_VGG / (512 * 1000))},
                "That divides by the dense part alone. The network has its "
                "convolutions, too."),
            **{
                f"{digits}-digits-too-many": Wrong(
                    {"times_fewer": round(_VGG / _LEAN, digits)},
                    f"{_VGG / _LEAN:.{digits}f}: now round it to a whole number.")
                for digits in (1, 2, 3)
            },
            "not-rounded": Wrong({"times_fewer": _VGG / _LEAN},
                "Round it to a whole number, please."),
            "fraction": Wrong({"times_fewer": round(_LEAN / _VGG, 2)},
                "That is the share that is left. How many times do the weights that "
                "are left go into VGG-16's?"),
            "rounded-up": Wrong({"times_fewer": 10},
                "9.09 is nearer to 9: round to the nearest."),
            "forty-nine": Wrong({"times_fewer": 49},
                "49 times fewer numbers leave the pooling. Compare the weights of the "
                "networks."),
        },
        hints=(
            "512 numbers in, 1000 scores out.",
            "14 710 464 + 512 000, and 138 344 128 divided by that.",
        ),
    )
)  # fmt: skip
