"""Checks: VGG."""

import torch
from torch import nn

from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input

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


def _gradient(layers, image, of):
    image = image.clone().requires_grad_()
    of(layers(image[None, None])[0, 0]).backward()
    return image.grad


def _shown(name: str, each: Case) -> str:
    layers, image, i, j = each.args
    kernels = ", ".join(f"{c.kernel_size[0]}×{c.kernel_size[0]}" for c in layers)
    size = "×".join(map(str, image.shape))
    return f"{name}(layers of {kernels}, an image of {size}, {i}, {j})"


add(
    Exercise(
        "08.1",
        "Which pixels does it see?",
        cases=lambda: [
            case(stack((1, 1)), picture(2, 3), 0, 1),
            case(stack((2, 1)), picture(3, 4), 1, 2),
            case(stack((3, 1)), picture(4, 6), 1, 3),
            case(stack((3, 1), (3, 1), seed=2), picture(7, 8), 1, 2),
            case(stack((3, 2), (2, 1), seed=3), picture(8, 9), 0, 1),
            case(stack((3, 1), (3, 1), (3, 1), seed=4), picture(9, 10), 2, 1),
            case(stack((5, 1), seed=5), picture(9, 9), 4, 0),
        ],
        shown=_shown,
        wrong={
            "all-outputs": Wrong(
                lambda layers, image, i, j: (
                    _gradient(layers, image, lambda maps: maps.sum()) != 0
                ),
                "These are the pixels that any output sees. Ask one output only, the "
                "one in row i and column j.",
            ),
            "row-and-column-swapped": Wrong(
                lambda layers, image, i, j: (
                    _gradient(layers, image, lambda maps: maps[j, i]) != 0
                ),
                "Row and column are swapped: i counts rows, j columns.",
                any_error=True,  # of an index: the lesson's own has two axes more
            ),
            "pixels-not-gradient": Wrong(
                lambda layers, image, i, j: image != 0,
                "This asks which pixels are not 0. Ask which *derivatives* are not 0: "
                "`image.grad`.",
            ),
            "unseen": Wrong(
                lambda layers, image, i, j: ~reference("08.1")(layers, image, i, j),
                "These are the pixels that it does not see.",
            ),
            "gradient-itself": Wrong(
                lambda layers, image, i, j: _gradient(
                    layers, image, lambda maps: maps[i, j]
                ),
                "The gradient itself says how much. Only whether it is 0 was asked.",
            ),
        },
        hints=(
            "A pixel matters when the output's derivative by it is not 0.",
            "`backward` starts from one number: row i, column j. It leaves the "
            "derivatives in `image.grad`.",
        ),
    )
)

add(
    Exercise(
        "08.2",
        "The price of a view",
        tolerance=1e-9,
        wrong={
            "depth-once": Wrong(
                {"two_of_3": 180, "one_of_5": 250, "three_of_3": 270, "one_of_7": 490},
                "A filter reaches through all 10 channels, and there are 10 filters: "
                "F·F·10·10 for each layer.",
            ),
            "no-depth": Wrong(
                {"two_of_3": 18, "one_of_5": 25, "three_of_3": 27, "one_of_7": 49},
                "That is one channel. Here 10 go in and 10 come out.",
            ),
            "one-layer": Wrong(
                {"two_of_3": 900},
                "That is one layer of 3×3. Each of the two has weights of its own.",
            ),
            "still-one-layer": Wrong(
                {"three_of_3": 900},
                "900 is a single layer of 3×3. There are three, each with weights of "
                "its own.",
            ),
            "extent-once": Wrong(
                {"two_of_3": 600, "one_of_5": 500, "three_of_3": 900, "one_of_7": 700},
                "A kernel is F high and F wide: F·F.",
            ),
            "biases-in": Wrong(
                {"two_of_3": 1820, "one_of_5": 2510},
                "Biases are in this count. Weights only, here.",
            ),
            "layers-multiplied": Wrong(
                {"two_of_3": 900 * 900},
                "The weights of two layers add up; nothing multiplies them.",
            ),
        },
        hints=(
            "One layer: 10 filters of F×F×10.",
            "F·F·10·10 for each layer, times the number of layers.",
        ),
    )
)


def _field(n, F):
    return n * (F - 1) + 1


add(
    Exercise(
        "08.3",
        "Any stack against one layer",
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
            "upside-down": Wrong(
                lambda n, F: _field(n, F) ** 2 / (n * F * F),
                "Upside down: the stack's weights belong above the line, the one "
                "layer's below.",
            ),
            "fields-added": Wrong(
                lambda n, F: n * F * F / (n * F) ** 2,
                "n layers do not see n·F pixels: after the first, each adds only "
                "F − 1.",
            ),
            "one-short": Wrong(
                lambda n, F: n * F * F / (n * (F - 1)) ** 2,
                "The output's own pixel is missing in the field: add 1.",
            ),
            "one-layer": Wrong(
                lambda n, F: F * F / _field(n, F) ** 2,
                "That is one layer of the stack. There are n.",
            ),
            "lines-not-squares": Wrong(
                lambda n, F: n * F / _field(n, F),
                "That is along one line. Kernels are squares: F·F and field·field.",
            ),
            "always-3": Wrong(
                lambda n, F: 9 * n / (2 * n + 1) ** 2,
                "That is for 3×3 kernels, whatever F is.",
            ),
            "saved": Wrong(
                lambda n, F: 1 - n * F * F / _field(n, F) ** 2,
                "That is the part which is saved. Asked is the part which is needed.",
            ),
        },
        hints=(
            "What n layers of F×F see along one side: lesson 04.",
            "field = n·(F − 1) + 1, and one layer that sees it has field·field "
            "weights for each pair of channels.",
        ),
    )
)

# --- 08.4 and 08.5: without ReLU ------------------------------------------------------

add(
    Exercise(
        "08.4",
        "Two kernels as one",
        wrong={
            "no-overlap": Wrong(
                {"twice_ones": [1, 1, 1, 1, 1]},
                "The middle pixel is in all three sums, and so counts three times.",
            ),
            "same-size": Wrong(
                {"twice_ones": [1, 1, 1]},
                "Two layers of three see five pixels, so the one kernel has five "
                "numbers.",
            ),
            "added": Wrong(
                {"twice_ones": [2, 2, 2]},
                "The kernels are not added: the second works on what the first puts "
                "out.",
            ),
            "squared": Wrong(
                {"twice_ones": [3, 3, 3]},
                "Each output does sum nine numbers, but over five pixels: how often "
                "is each among them?",
            ),
            "turned": Wrong(
                {"ones_then_edge": [1, 1, 0, -1, -1]},
                "The sign is turned. The second layer takes its left neighbour away "
                "and adds its right one.",
            ),
            "edge-only": Wrong(
                {"ones_then_edge": [-1, 0, 1]},
                "That is the second kernel alone. Its neighbours are sums of three "
                "pixels each.",
            ),
            "edge-widened": Wrong(
                {"ones_then_edge": [-1, 0, 0, 0, 1]},
                "The left neighbour is h1 = x1 + x2 + x3: all three pixels count, and "
                "what is in both sums cancels.",
            ),
        },
        hints=(
            "Write the two or three sums of the first layer below each other, pixel "
            "under pixel, and add up the columns with the second kernel's weights.",
            "Ones twice: h1 = x1 + x2 + x3, h2 = x2 + x3 + x4, h3 = x3 + x4 + x5. "
            "How often is x3 in h1 + h2 + h3?",
        ),
    )
)


def _composed(put, more=0, second_as=lambda second: second):
    """Shift and put, with something changed."""

    def changed(first, second):
        second = second_as(second)
        (m, n), (p, q) = first.shape, second.shape
        kernel = torch.zeros(m + p - 1 + more, n + q - 1 + more)
        for a in range(p):
            for b in range(q):
                place = kernel[a : a + m, b : b + n]
                place.copy_(put(place, second[a, b], first))
        return kernel

    return changed


def _plus(place, weight, first):
    return place + weight * first


def _kernels(*shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(*(torch.randn(shape, generator=generator) for shape in shapes))


add(
    Exercise(
        "08.5",
        "One kernel for two",
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
            "overwritten": Wrong(
                _composed(lambda place, weight, first: weight * first),
                "Shifted copies overlap, and the later ones wipe out what is there. "
                "Add: `+=`.",
            ),
            "unweighted": Wrong(
                _composed(lambda place, weight, first: place + first),
                "Each shifted copy of the first kernel counts as much as the second "
                "kernel says: times its weight.",
            ),
            "turned": Wrong(
                _composed(_plus, second_as=lambda second: second.flip(0, 1)),
                "The second kernel is turned by half a turn. Its tap in row a and "
                "column b belongs to the copy that is shifted by a and b.",
            ),
            "one-too-large": Wrong(
                _composed(_plus, more=1),
                "One row and one column too many: the first tap of the second kernel "
                "does not shift.",
            ),
            "matrix-product": Wrong(
                lambda first, second: first @ second,
                "A matrix product is something else: it does not shift.",
            ),
            "pixel-by-pixel": Wrong(
                lambda first, second: first * second,
                "Multiplied number by number, a stack would see no more than one "
                "layer. Shift, weigh and add up.",
            ),
        },
        hints=(
            "Every tap of the second kernel looks at a shifted copy of the first.",
            "`weight * first`, with the weight `second[a, b]`, added at rows a to "
            "a + m and columns b to b + n.",
        ),
    )
)

# --- 08.6 and 08.7: build it ----------------------------------------------------------

add(
    Exercise(
        "08.6",
        "VGG-16 by its rules",
        tolerance=1e-9,
        wrong={
            "maps-double-on": Wrong(
                {"maps": [64, 128, 256, 512, 1024]},
                "It stops doubling at 512.",
            ),
            "all-the-same": Wrong(
                {"maps": [64, 64, 64, 64, 64]},
                "After each pooling the number of maps doubles.",
            ),
            "before-pooling": Wrong(
                {"sides": [224, 112, 56, 28, 14]},
                "These are the sides inside the stages. Asked is what leaves them, "
                "pooled.",
            ),
            "no-padding": Wrong(
                {"sides": [110, 53, 23, 8, 1]},
                "P = 1 keeps the size: only the pooling halves it.",
            ),
            "dense-forgotten": Wrong(
                {"layers": 13},
                "13 are the convolutions. The dense layers have weights, too.",
            ),
            "pooling-counted": Wrong(
                {"layers": 21}, "Pooling has no weights, and is not counted."
            ),
            "convolutions-and-pooling": Wrong(
                {"layers": 18},
                "Count layers with weights: convolutions and dense ones, no pooling.",
            ),
        },
        hints=(
            "224 is halved five times.",
            "2 + 2 + 3 + 3 + 3 convolutions, and three dense layers.",
        ),
    )
)


def _vgg(change):
    """A VGG whose list of layers is changed before it is put together."""

    def changed(configuration, side, neurons, classes, p=0.5):
        return nn.Sequential(
            *change(list(reference("08.7")(configuration, side, neurons, classes, p)))
        )

    return changed


def _each(kind, new):
    return _vgg(
        lambda layers: [
            layer if not isinstance(layer, kind) else new(layer) for layer in layers
        ]
    )


def _relu_at_pooling(layers):
    """ReLU only before each pooling, and in the dense part."""
    kept = []
    for layer, after in zip(layers, [*layers[1:], None]):
        ends = isinstance(after, nn.MaxPool2d | nn.Flatten | nn.Dropout)
        if not isinstance(layer, nn.ReLU) or ends:
            kept.append(layer)
    return kept


def _no_relu_in_stages(layers):
    end = next(k for k, layer in enumerate(layers) if isinstance(layer, nn.Flatten))
    return [
        layer
        for k, layer in enumerate(layers)
        if k > end or not isinstance(layer, nn.ReLU)
    ]


def _without_padding(layers):
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            layer.padding = (0, 0)
    return layers


add(
    Exercise(
        "08.7",
        "Any VGG from a list",
        cases=lambda: [
            case((1, 3, 8, 8), [2, "M"], 8, 3, 2),
            case((2, 3, 5, 5), [2, 4, "M"], 5, 5, 3),
            case((3, 3, 8, 8), [4, "M", 8, 8, "M"], 8, 6, 10, p=0.2),
            case((2, 3, 9, 9), [3, 5, "M", 4, "M"], 9, 7, 4),
            case((1, 3, 16, 16), [2, "M", 3, "M", 4, 4, "M", 6], 16, 5, 3, p=0.7),
        ],
        run=by_function("08.7"),
        shown=on_input,
        wrong={
            "does-not-fit": Wrong(
                _vgg(_without_padding),
                "One layer does not fit the one before it. P = 1 keeps the size, each "
                "pooling halves it, a layer's depth is the number of maps before it, "
                "and the first dense layer sees all maps, flattened.",
                any_error=True,
            ),
            "depth-never-changes": Wrong(
                _each(
                    nn.Conv2d,
                    lambda layer: nn.Conv2d(3, layer.out_channels, 3, padding=1),
                ),
                "Only the first convolution sees the image's 3 channels. For the next "
                "one D1 is the number of maps before it.",
            ),
            "no-relu": Wrong(
                _vgg(_no_relu_in_stages),
                "No ReLU after the convolutions: each stage is then one large kernel.",
            ),
            "relu-for-each-stage": Wrong(
                _vgg(_relu_at_pooling),
                "There is a ReLU for each stage only. Each convolution needs its own.",
            ),
            "mean-pooling": Wrong(
                _each(nn.MaxPool2d, lambda _: nn.AvgPool2d(2)),
                "The shapes are right. But this takes the mean of each window, and "
                "the largest was asked for.",
            ),
            "no-dropout": Wrong(
                _each(nn.Dropout, lambda _: nn.Identity()),
                "In evaluation it is right. In training, dropout is missing.",
            ),
            "dropout-fixed": Wrong(
                lambda configuration, side, neurons, classes, p=0.5: reference("08.7")(
                    configuration, side, neurons, classes
                ),
                "The network ignores p: dropout is 0.5 whatever was asked.",
            ),
            "softmax": Wrong(
                _vgg(lambda layers: [*layers, nn.Softmax(dim=1)]),
                "No softmax at the end: `cross_entropy` contains it.",
            ),
        },
        hints=(
            "`D1` is the number of maps that the next convolution gets, `side` their "
            "width. Which line changes which of the two?",
            "After a convolution D1 is K. After a pooling the side is `side // 2`.",
            "The first dense layer sees D1 maps of side·side numbers.",
        ),
    )
)

# --- 08.8 and 08.9: count -------------------------------------------------------------


def _counted(weights, next_depth=lambda D1, K: K):
    def count(configuration, D1=3):
        total = 0
        for K in configuration:
            if K != "M":
                total += weights(D1, K)
                D1 = next_depth(D1, K)
        return total

    return count


def _last_only(configuration, D1=3):
    last = max((k for k, K in enumerate(configuration) if K != "M"), default=0)
    count = reference("08.8")
    return count(configuration, D1) - count(configuration[:last], D1)


add(
    Exercise(
        "08.8",
        "Weights of the convolutions",
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
            "depth-never-changes": Wrong(
                _counted(lambda D1, K: 9 * D1 * K, lambda D1, K: D1),
                "Only the first layer sees the image. The next one's depth is the "
                "number of maps before it.",
            ),
            "flat-filters": Wrong(
                _counted(lambda D1, K: 9 * K),
                "A filter reaches through all D1 maps: 3·3·D1 weights.",
            ),
            "extent-once": Wrong(
                _counted(lambda D1, K: 3 * D1 * K),
                "A kernel is 3 high and 3 wide: 9.",
            ),
            "biases-in": Wrong(
                _counted(lambda D1, K: 9 * D1 * K + K),
                "Biases are in this count. Weights only, here.",
            ),
            "depth-squared": Wrong(
                _counted(lambda D1, K: 9 * K * K),
                "Depth in and depth out differ where a new stage begins: 3·3·D1·K.",
            ),
            "last-only": Wrong(
                _last_only,
                "That is the last layer alone. Add them all up.",
            ),
        },
        hints=(
            "K filters of 3×3, as deep as what comes in.",
            "9·D1·K, and for the next layer D1 is K.",
        ),
    )
)

add(
    Exercise(
        "08.9",
        "The slide's sum",
        tolerance=1e-9,
        wrong={
            "as-printed": Wrong(
                {"instead_of_1024": 1024},
                "The last layer has one output for each class. How many has ImageNet?",
            ),
            "inputs-changed": Wrong(
                {"instead_of_1024": 4096},
                "4096 neurons come in, that is right. How many scores go out?",
            ),
            "maps-only": Wrong(
                {"fc6": 512 * 4096},
                "All 512 maps of 7×7 are flattened: 25 088 numbers come in.",
            ),
            "one-side": Wrong({"fc6": 512 * 7 * 4096}, "A map is 7 high and 7 wide."),
            "fc6-rounded": Wrong(
                {"fc6": 102e6}, "That is the rounded number. Multiply it out."
            ),
            "fc6-with-biases": Wrong(
                {"fc6": 102764544}, "4096 biases are in. Weights only, here."
            ),
            "total-with-1024": Wrong(
                {"total": 123731968},
                "That is the slide's formula, multiplied out: 123.7 million, and not "
                "122. Now put the right number in place of 1024.",
            ),
            "total-lectured": Wrong(
                {"total": 122e6}, "That is the slide's result. Multiply it out."
            ),
            "total-with-biases": Wrong(
                {"total": 123642856}, "9192 biases are in. Weights only, here."
            ),
        },
        hints=(
            "The last layer gives one score for each class.",
            "Python may do the arithmetic: write the product in the blank.",
            "512·7·7·4096 + 4096·4096 + 4096·1000.",
        ),
    )
)

# --- 08.10 and 08.11: memory, and a way out -------------------------------------------


def _batch(fixed, each, divide=lambda a, b: a // b, least=0):
    def changed(memory, parameters, activations):
        left = memory - fixed(parameters)
        number = divide(left, each(parameters, activations))
        return number if least is None else max(least, number)

    return changed


add(
    Exercise(
        "08.10",
        "The largest batch",
        cases=lambda: [
            case(100, 1, 1),
            case(1000, 10, 5),
            case(1000, 10, 22),  # to the last byte
            case(999, 10, 22),  # one byte short
            case(999, 50, 7),
            case(1000, 100, 5),  # the weights alone do not fit
            case(616, 50, 1),
            case(8 * 10**9, 138_357_544, 15_087_080),
        ],
        tolerance=1e-9,
        wrong={
            "weights-only": Wrong(
                _batch(lambda p: 4 * p, lambda p, a: 4 * a),
                "Only the weights are taken off. Each has a gradient and a momentum, "
                "too.",
            ),
            "no-momentum": Wrong(
                _batch(lambda p: 8 * p, lambda p, a: 4 * a),
                "Momentum is missing: it remembers one number for each weight.",
            ),
            "activations-thrice": Wrong(
                _batch(lambda p: 12 * p, lambda p, a: 12 * a),
                "Activations have no momentum. One number for each is kept.",
            ),
            "parameters-not-in-bytes": Wrong(
                _batch(lambda p: 3 * p, lambda p, a: 4 * a),
                "Memory is counted in bytes: four for each weight, gradient and "
                "momentum.",
            ),
            "activations-not-in-bytes": Wrong(
                _batch(lambda p: 12 * p, lambda p, a: a),
                "Memory is counted in bytes: four for each activation.",
            ),
            "parameters-for-each-image": Wrong(
                _batch(lambda p: 0, lambda p, a: 12 * p + 4 * a),
                "The weights are there once, however many images there are. Only the "
                "activations are there for each image.",
            ),
            "parts-of-images": Wrong(
                _batch(lambda p: 12 * p, lambda p, a: 4 * a, lambda a, b: a / b),
                "A part of an image does not fit: round down.",
            ),
            "below-zero": Wrong(
                _batch(lambda p: 12 * p, lambda p, a: 4 * a, least=None),
                "Where not even the parameters fit, the batch is 0 and not less.",
            ),
            "rounded-up": Wrong(
                _batch(lambda p: 12 * p, lambda p, a: 4 * a, lambda a, b: -(-a // b)),
                "Rounded up, the last image does not fit any more.",
            ),
        },
        hints=(
            "First take off what is there once: three numbers of four bytes for each "
            "parameter.",
            "What is left, divided by 4·activations, rounded down: `//`.",
        ),
    )
)

add(
    Exercise(
        "08.11",
        "Without fc6 and fc7",
        tolerance=1e-9,
        wrong={
            "not-averaged": Wrong(
                {"dense": 25088000},
                "That is without averaging. One number is left of each 7×7 map: 512.",
            ),
            "fc6-averaged": Wrong(
                {"dense": 512 * 4096},
                "This still leads to 4096 neurons. Here the 512 numbers go straight to "
                "the 1000 classes.",
            ),
            "biases-in": Wrong(
                {"dense": 513000}, "1000 biases are in. Weights only, here."
            ),
            "dense-part-only": Wrong(
                {"network": 512000},
                "The network has its convolutions still: 14 710 464 weights.",
            ),
            "fc7-kept": Wrong(
                {"network": 14710464 + 512000 + 16777216},
                "Nothing stands between the average and the classes: fc7 is gone, too.",
            ),
            "dense-compared": Wrong(
                {"times_fewer": 241},
                "That compares the dense parts. Compare the networks: 138 344 128 "
                "weights against these.",
            ),
            "not-rounded": Wrong(
                {"times_fewer": 138344128 / 15222464},
                "Rounded to a whole number, please.",
            ),
            "forty-nine": Wrong(
                {"times_fewer": 49},
                "49 times fewer numbers leave the pooling. Compare the weights of the "
                "networks.",
            ),
        },
        hints=(
            "512 numbers in, 1000 scores out.",
            "14 710 464 + 512 000, and 138 344 128 divided by that.",
        ),
    )
)
