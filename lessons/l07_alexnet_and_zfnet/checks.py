"""Checks: AlexNet and ZFNet."""

import torch
from torch import nn

from helpers.convolution import output_size
from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input

# --- 07.1: how the challenge counts ---------------------------------------------------


def _top_error(scores, labels, k):
    return reference("07.1")(scores, labels, k)


def _scored(count, classes, k, seed) -> Case:
    """No two scores of an image are the same."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, classes, generator=generator).argsort(dim=1).float()
    labels = torch.randint(classes, (count,), generator=generator)
    return case(scores, labels, k)


add(
    Exercise(
        "07.1",
        "Top-5 error",
        cases=lambda: [
            case(torch.tensor([[1.0, 6, 3, 2, 5, 4]]), torch.tensor([4]), 1),
            case(torch.tensor([[1.0, 6, 3, 2, 5, 4]] * 2), torch.tensor([4, 0]), 2),
            case(torch.tensor([[1.0, 6, 3, 2, 5, 4]] * 3), torch.tensor([5, 1, 3]), 3),
            _scored(4, 8, 5, seed=1),
            _scored(20, 10, 5, seed=2),
            _scored(50, 9, 3, seed=3),
            _scored(7, 12, 7, seed=4),
        ],
        wrong={
            "accuracy": Wrong(
                lambda scores, labels, k=5: 1 - _top_error(scores, labels, k),
                "This is the part that was found. The error is the rest: 1 minus it.",
            ),
            "not-each-with-each": Wrong(
                lambda scores, labels, k=5: (
                    1 - (scores.topk(k).indices == labels).any(dim=1).float().mean()
                ),
                "Each label belongs to a row of `best`: a column of labels, "
                "`labels[:, None]`, is compared with all k of its row.",
            ),
            "one-guess": Wrong(
                lambda scores, labels, k=5: _top_error(scores, labels, 1),
                "Only the best guess is looked at. k are allowed.",
            ),
            "always-five": Wrong(
                lambda scores, labels, k=5: _top_error(scores, labels, 5),
                "This allows five guesses, whatever k is.",
            ),
            "one-guess-more": Wrong(
                lambda scores, labels, k=5: _top_error(scores, labels, k + 1),
                "One guess too many: `topk(k)` gives k of them.",
            ),
            "a-number-of-images": Wrong(
                lambda scores, labels, k=5: _top_error(scores, labels, k) * len(labels),
                "This counts images. The error is a part of them, 0 to 1: take the "
                "mean.",
            ),
            "percent": Wrong(
                lambda scores, labels, k=5: 100 * _top_error(scores, labels, k),
                "This is in percent. A part of all images is asked for, 0 to 1.",
            ),
        },
        hints=(
            "`topk(k, dim=1).indices` holds the k best classes of each image, (N, k).",
            "`labels[:, None]` has the shape (N, 1), so it is compared with each of "
            "the k.",
            "`found` is true where the label was among them; the error is 1 minus its "
            "mean.",
        ),
    )
)

# --- 07.2 to 07.4: layer by layer -----------------------------------------------------

add(
    Exercise(
        "07.2",
        "conv1 and pool1",
        tolerance=1e-9,
        wrong={
            "one-short": Wrong(
                {"W2": 54}, "(227 − 11)/4 = 54 are moves. The first place makes it 55."
            ),
            "stride-forgotten": Wrong(
                {"W2": 217}, "That is with S = 1. Here S = 4, so divide by 4."
            ),
            "flat-filters": Wrong(
                {"weights": 11616},
                "The image has three channels, and so has each filter: 11·11·3.",
            ),
            "one-filter": Wrong(
                {"weights": 363}, "363 is one filter. There are 96 of them."
            ),
            "biases-in": Wrong(
                {"weights": 34944},
                "34 944 has the 96 biases in it. Like the lecture, count weights only.",
            ),
            "the-slide's": Wrong(
                {"weights": 34000}, "34K is cut off. Write down the whole number."
            ),
            "rounded-up": Wrong(
                {"pooled": 28}, "(55 − 3)/2 = 26 moves, and the first place: 27."
            ),
            "moves-of-the-pooling": Wrong(
                {"pooled": 26}, "26 are moves; the first place makes it 27."
            ),
        },
        hints=(
            "W2 = ⌊(W1 − F + 2P)/S⌋ + 1, with W1 = 227, F = 11, P = 0, S = 4.",
            "One filter has 11·11·3 weights. `96 * 11 * 11 * 3` may stand as it is.",
            "pool1: the same formula from 55, with F = 3 and S = 2.",
        ),
    )
)

add(
    Exercise(
        "07.3",
        "conv2 and pool2",
        tolerance=1e-9,
        wrong={
            "size-kept": Wrong(
                {"W2": 27}, "27 stay only with P = 2. As lectured, P = 0: 27 − 5 + 1."
            ),
            "one-short": Wrong({"W2": 22}, "27 − 5 = 22 moves, and the first place."),
            "depth-of-the-image": Wrong(
                {"weights": 19200},
                "The input of conv2 is not the image: it has 96 maps, so each filter "
                "has 5·5·96 weights.",
            ),
            "flat-filters": Wrong(
                {"weights": 6400}, "A filter is as deep as its input: 5·5·96 weights."
            ),
            "biases-in": Wrong(
                {"weights": 614656}, "Weights only: leave out the 256 biases."
            ),
            "half-the-depth": Wrong(
                {"weights": 307200},
                "That is conv2 in two groups, as published. As lectured each filter "
                "sees all 96 maps.",
            ),
            "moves-of-the-pooling": Wrong(
                {"pooled": 10},
                "10 is the number of moves. The first place comes on top.",
            ),
            "pooled-from-27": Wrong(
                {"pooled": 13}, "The input of pool2 is what conv2 puts out: 23, not 27."
            ),
            "rounded-up": Wrong(
                {"pooled": 12}, "(23 − 3)/2 = 10 moves, and the first place."
            ),
        },
        hints=(
            "conv2 sees what pool1 puts out: 27×27×96.",
            "One filter has 5·5·96 weights, and there are 256.",
            "pool2: ⌊(23 − 3)/2⌋ + 1.",
        ),
    )
)

add(
    Exercise(
        "07.4",
        "conv3 to pool5",
        tolerance=1e-9,
        wrong={
            "sizes-kept": Wrong(
                {"conv3": 11, "conv4": 11, "conv5": 11},
                "3×3 keeps the size only with P = 1. As lectured, P = 0: each layer "
                "takes off 2.",
            ),
            "one-taken-off": Wrong(
                {"conv3": 10, "conv4": 9, "conv5": 8},
                "A 3×3 kernel takes off one pixel at each end: 2 in all.",
            ),
            "three-taken-off": Wrong(
                {"conv3": 8, "conv4": 5, "conv5": 2},
                "W1 − F + 1: the + 1 is missing.",
            ),
            "pooling-stride-one": Wrong(
                {"pool5": 3}, "That is with S = 1. Like the other two, pool5 has S = 2."
            ),
            "pooling-moves": Wrong(
                {"pool5": 1}, "(5 − 3)/2 = 1 move, and the first place."
            ),
            "depth-of-the-output": Wrong(
                {"conv5_weights": 589824},
                "The depth of a filter is that of its input: 384 maps of conv4.",
            ),
            "depth-of-pool2": Wrong(
                {"conv5_weights": 9 * 96 * 256},
                "The input of conv5 is what conv4 puts out, 384 maps.",
            ),
            "biases-in": Wrong(
                {"conv5_weights": 884992}, "Weights only: leave out the 256 biases."
            ),
        },
        hints=(
            "Each 3×3 without padding takes off 2 pixels along each side.",
            "11 → 9 → 7 → 5, then ⌊(5 − 3)/2⌋ + 1.",
            "conv5 has 256 filters of 3·3·384.",
        ),
    )
)

# --- 07.5 and 07.6: dense layers ------------------------------------------------------

add(
    Exercise(
        "07.5",
        "Where in the row?",
        cases=lambda: [
            case(c=0, i=0, j=1, H=2, W=2),
            case(c=0, i=1, j=0, H=2, W=3),
            case(c=1, i=0, j=2, H=2, W=3),
            case(c=1, i=1, j=0, H=3, W=2),
            case(c=3, i=2, j=1, H=4, W=5),
            case(c=7, i=0, j=6, H=3, W=8),
            case(c=255, i=5, j=5, H=6, W=6),
        ],
        tolerance=1e-9,
        wrong={
            "columns-first": Wrong(
                lambda c, i, j, H, W: c * H * W + j * H + i,
                "This goes down the columns. A map is read row by row: i rows of W "
                "numbers stand before.",
            ),
            "height-for-width": Wrong(
                lambda c, i, j, H, W: c * H * W + i * H + j,
                "A row holds W numbers, not H.",
            ),
            "rows-of-maps": Wrong(
                lambda c, i, j, H, W: c * W + i * W + j,
                "A whole map stands before the next one: H·W numbers.",
            ),
            "counted-from-one": Wrong(
                lambda c, i, j, H, W: c * H * W + i * W + j + 1,
                "Places count from 0: nothing stands before the first number.",
            ),
            "one-map": Wrong(
                lambda c, i, j, H, W: i * W + j,
                "All maps before this one come first.",
            ),
            "added": Wrong(
                lambda c, i, j, H, W: c + i + j,
                "How many numbers stand before? Each map before counts H·W of them, "
                "each row W.",
            ),
        },
        hints=(
            "How many numbers stand before this one?",
            "c whole maps of H·W numbers, then i whole rows of W, then j.",
        ),
    )
)

add(
    Exercise(
        "07.6",
        "The dense layers",
        tolerance=1e-9,
        wrong={
            "one-map": Wrong({"inputs": 4}, "All 256 maps are stretched: 2·2·256."),
            "maps-only": Wrong(
                {"inputs": 256}, "Each of the 256 maps has 2·2 numbers."
            ),
            "published": Wrong(
                {"inputs": 9216}, "9216 = 6·6·256 comes with padding, and P = 0 here."
            ),
            "fc6-biases-in": Wrong(
                {"fc6": 4198400}, "Weights only: leave out the 4096 biases of fc6."
            ),
            "fc7-biases-in": Wrong(
                {"fc7": 16781312}, "Weights only: leave out the 4096 biases of fc7."
            ),
            "fc7-from-the-volume": Wrong(
                {"fc7": 4194304}, "The input of fc7 is what fc6 puts out, 4096 numbers."
            ),
            "fc8-inputs-only": Wrong(
                {"fc8": 4096},
                "One weight for each pair of 4096 inputs and 1000 scores.",
            ),
            "fc8-1024": Wrong(
                {"fc8": 4194304}, "ImageNet has 1000 classes, not 1024: 4096·1000."
            ),
            "fc8-biases-in": Wrong(
                {"fc8": 4097000}, "Weights only: leave out the 1000 biases of fc8."
            ),
        },
        hints=(
            "pool5 puts out 256 maps of 2×2.",
            "A dense layer has inputs · outputs weights.",
            "1024·4096, then 4096·4096, then 4096·1000.",
        ),
    )
)

# --- 07.7 and 07.8: the whole table ---------------------------------------------------


def _miscounted(layers, W, D, depth=True, stretched=True, into=True):
    """Weights of each layer, for images of W×W×D; with something done wrong."""
    counts, first = [], D
    for kind, *numbers in layers:
        if kind == "conv":
            K, F, S, P = numbers
            counts.append(F * F * (D if depth else first) * K)
            W, D = output_size(W, F, P, S), K
        elif kind == "pool":
            F, S = numbers
            counts.append(0)
            W = output_size(W, F, 0, S)
        else:
            (N,) = numbers
            counts.append((W * W if stretched else 1) * D * N)
            W, D = 1 if into else W, N
    return counts


def _with_biases(layers, W, D):
    outputs = [layer[1] if layer[0] != "pool" else 0 for layer in layers]
    return [a + b for a, b in zip(reference("07.7")(layers, W, D), outputs)]


def _pools_count(layers, W, D):
    counts = reference("07.7")(layers, W, D)
    depth = D
    for at, (kind, *numbers) in enumerate(layers):
        if kind == "pool":
            counts[at] = numbers[0] ** 2 * depth
        else:
            depth = numbers[0]
    return counts


_PLAIN = ("conv", 4, 3, 1, 0), ("pool", 2, 2), ("conv", 5, 2, 1, 0), ("dense", 7)

add(
    Exercise(
        "07.7",
        "The weights of a network",
        shown=lambda name, each: f"{name}({', '.join(map(repr, each.args))})",
        cases=lambda: [
            case([("conv", 2, 3, 1, 0)], 5, 1),
            case([("conv", 2, 3, 1, 0), ("conv", 4, 2, 1, 0)], 6, 3),
            case([("pool", 2, 2), ("dense", 3)], 4, 2),
            case([("dense", 3), ("dense", 5)], 2, 2),
            case([("conv", 6, 4, 2, 1), ("dense", 4)], 9, 2),  # 3.5 moves
            case([*_PLAIN, ("dense", 3)], 9, 3),
            case([("conv", 6, 5, 2, 2), ("pool", 3, 2), ("dense", 4)], 15, 3),
            case(
                [
                    *(("conv", 96, 11, 4, 0), ("pool", 3, 2), ("conv", 256, 5, 1, 2)),
                    *(("pool", 3, 2), ("dense", 4096), ("dense", 1000)),
                ],
                227,
                3,
            ),
        ],
        tolerance=1e-9,
        wrong={
            "biases-in": Wrong(
                _with_biases, "Weights only: these are weights and biases."
            ),
            "depth-of-the-image": Wrong(
                lambda layers, W, D: _miscounted(layers, W, D, depth=False),
                "The depth is that of the layer's own input. After a convolution it "
                "is K.",
            ),
            "not-stretched": Wrong(
                lambda layers, W, D: _miscounted(layers, W, D, stretched=False),
                "A dense layer sees the whole volume: W·W·D numbers.",
            ),
            "still-a-volume": Wrong(
                lambda layers, W, D: _miscounted(layers, W, D, into=False),
                "After a dense layer there is no width left: W is 1, D the number of "
                "its outputs.",
            ),
            "pooling-learns": Wrong(
                _pools_count, "A pooling layer learns nothing: 0 weights."
            ),
            "no-pooling-rows": Wrong(
                lambda layers, W, D: [
                    count
                    for count, layer in zip(reference("07.7")(layers, W, D), layers)
                    if layer[0] != "pool"
                ],
                "One number for each layer: a pooling layer has 0, and its row.",
            ),
            "one-sum": Wrong(
                lambda layers, W, D: sum(reference("07.7")(layers, W, D)),
                "The number of each layer is asked for, not only their sum.",
            ),
        },
        hints=(
            "K filters of F·F·D weights, and then the volume is K deep.",
            "A dense layer has a weight for each pair of one of W·W·D inputs and one "
            "of N outputs.",
            "What a dense layer puts out is a row: a volume of 1×1×N.",
        ),
    )
)

add(
    Exercise(
        "07.8",
        "The total of the slide",
        tolerance=1e-6,
        wrong={
            "the-slide's-total": Wrong(
                {"rows_added": 27.55},
                "This is what the slide prints. Add its rows: is it that?",
            ),
            "the-true-total": Wrong(
                {"rows_added": 28.813344},
                "This is the sum of the computed column. Add the lectured one.",
            ),
            "not-in-millions": Wrong(
                {"rows_added": 27561000}, "Right, but in millions: divide by 1 000 000."
            ),
            "conv1-as-millions": Wrong(
                {"rows_added": 61.527}, "34K are 0.034 million, not 34."
            ),
            "conv1-left-out": Wrong(
                {"rows_added": 27.527},
                "The row of conv1 is missing: 34K are 0.034 million.",
            ),
            "conv5-left-out": Wrong(
                {"rows_added": 26.761}, "0.8 occurs twice, for conv3 and for conv5."
            ),
            "by-ratio": Wrong(
                {"worst": "conv3"},
                "That is the row that loses the largest part of itself. Which one is "
                "the largest number off?",
            ),
            "fc6": Wrong(
                {"worst": "fc6"},
                "Off by 0.19 million. One row is off by more.",
            ),
        },
        hints=(
            "0.034 + 0.6 + 0.8 + …: Python may add them up.",
            "Computed minus lectured, for each row: which is the largest?",
        ),
    )
)

# --- 07.9: build it -------------------------------------------------------------------


def _changed(change):
    """The lesson's network, its list of layers changed."""
    return lambda w: nn.Sequential(*change(list(reference("07.9")(w))))


def _each(kind, new):
    return _changed(
        lambda layers: [new() if isinstance(layer, kind) else layer for layer in layers]
    )


def _padded(layers):
    for layer in layers[1:]:
        if isinstance(layer, nn.Conv2d):
            layer.padding = tuple(F // 2 for F in layer.kernel_size)
    return layers


add(
    Exercise(
        "07.9",
        "AlexNet in PyTorch",
        cases=lambda: [
            case((1, 3, 227, 227), 1),
            case((2, 3, 227, 227), 1),
            case((1, 3, 227, 227), 2),
            case((1, 3, 195, 227), 1),  # not square: 47×55
            case((1, 3, 227, 259), 3),
        ],
        run=by_function("07.9"),
        shown=on_input,
        wrong={
            "padded": Wrong(
                _changed(_padded),
                "These convolutions are padded, as in the paper. As lectured, P = 0 "
                "everywhere.",
            ),
            "windows-side-by-side": Wrong(
                _each(nn.MaxPool2d, lambda: nn.MaxPool2d(3)),
                "Without a stride the windows stand side by side, three pixels apart. "
                "Here S = 2.",
            ),
            "windows-of-two": Wrong(
                _each(nn.MaxPool2d, lambda: nn.MaxPool2d(2)),
                "The windows are 3×3, with S = 2: they overlap.",
            ),
            "mean-pooling": Wrong(
                _each(nn.MaxPool2d, lambda: nn.AvgPool2d(3, stride=2)),
                "The shapes are right. But this takes the mean of each window, and "
                "the largest was asked for.",
            ),
            "tanh": Wrong(
                _each(nn.ReLU, nn.Tanh),
                "The shapes are right. But this is tanh, and ReLU was asked for.",
            ),
            "no-last-pooling": Wrong(
                _changed(lambda layers: layers[:-1]),
                "The last pooling is missing: the output should be 2×2.",
            ),
        },
        hints=(
            "A layer's first number is the second one of the convolution before.",
            "Filters: 3w, 8w, 12w, 12w, 8w. Extents: 11, 5, 3, 3, 3.",
            "Every pooling is `nn.MaxPool2d(3, stride=2)`.",
        ),
    )
)

# --- 07.10 and 07.11: as published ----------------------------------------------------

add(
    Exercise(
        "07.10",
        "Weights in groups",
        cases=lambda: [
            case(D1=2, K=2, F=1, groups=1),
            case(D1=2, K=2, F=1, groups=2),
            case(D1=4, K=6, F=3, groups=2),
            case(D1=6, K=3, F=2, groups=3),
            case(D1=8, K=16, F=5, groups=8),
            case(D1=12, K=4, F=3, groups=1),
            case(D1=96, K=256, F=5, groups=2),
        ],
        tolerance=1e-9,
        wrong={
            "not-grouped": Wrong(
                lambda D1, K, F, groups: K * F * F * D1,
                "This is the layer without groups. A filter sees only the maps of its "
                "own group.",
            ),
            "divided-twice": Wrong(
                lambda D1, K, F, groups: (K // groups) * F * F * (D1 // groups),
                "This is one group. There are as many of them as `groups` says, and K "
                "filters in all.",
            ),
            "multiplied": Wrong(
                lambda D1, K, F, groups: K * F * F * D1 * groups,
                "Groups save weights: each filter sees fewer maps, not more.",
            ),
            "biases-in": Wrong(
                lambda D1, K, F, groups: K * (F * F * (D1 // groups) + 1),
                "Weights only: these are weights and biases.",
            ),
            "one-map-each": Wrong(
                lambda D1, K, F, groups: K * F * F,
                "A filter sees all maps of its group: D1/groups of them.",
            ),
            "extent-once": Wrong(
                lambda D1, K, F, groups: K * F * (D1 // groups),
                "A filter is F high and F wide: F·F.",
            ),
        },
        hints=(
            "Of D1 maps each group gets the same number. How many?",
            "K filters, each with F·F·(D1/groups) weights.",
        ),
    )
)

add(
    Exercise(
        "07.11",
        "AlexNet, padded",
        tolerance=1e-9,
        wrong={
            "as-lectured": Wrong(
                {"conv2": 23, "pool2": 11}, "Now conv2 is padded: 27 − 5 + 2·2 + 1."
            ),
            "padding-once": Wrong(
                {"conv2": 25}, "P = 2 zeros on each side, so four along a row."
            ),
            "shrinking": Wrong(
                {"conv5": 7}, "With P = 1 a 3×3 kernel keeps the size: 13, three times."
            ),
            "pool2-rounded-up": Wrong(
                {"pool2": 14}, "(27 − 3)/2 = 12 moves, and the first place: 13."
            ),
            "pool5-rounded-up": Wrong(
                {"pool5": 7}, "(13 − 3)/2 = 5 moves, and the first place: 6."
            ),
            "one-map": Wrong({"inputs": 36}, "36 is one map of 6×6. There are 256."),
            "as-lectured-inputs": Wrong(
                {"inputs": 1024}, "1024 = 2·2·256 was without padding."
            ),
            "as-lectured-fc6": Wrong(
                {"fc6": 4194304},
                "More inputs feed fc6 now: 6·6·256 instead of 2·2·256.",
            ),
            "fc6-biases-in": Wrong(
                {"fc6": 37752832}, "Weights only: leave out the 4096 biases."
            ),
        },
        hints=(
            "P = (F − 1)/2 keeps the size at stride 1.",
            "27 → 27 → 13 → 13 → 13 → 13 → 6.",
            "fc6: 6·6·256 inputs, 4096 outputs.",
        ),
    )
)

# --- 07.12 and 07.13: ZFNet -----------------------------------------------------------

add(
    Exercise(
        "07.12",
        "ZFNet's convolutions",
        tolerance=1e-9,
        wrong={
            "sign": Wrong(
                {"layer1": 20736}, "A smaller kernel has fewer weights: minus."
            ),
            "flat-filters": Wrong(
                {"layer1": -6912}, "Each filter is three deep: 7·7·3 and 11·11·3."
            ),
            "the-difference-squared": Wrong(
                {"layer1": -4608},
                "(11 − 7)² is not 11² − 7². Count each layer, then subtract.",
            ),
            "the-slide's": Wrong(
                {"layer6": 800000, "layer7": 360000},
                "These are the slide's numbers. Work out its formulas yourself: what "
                "is 3·3·(512·1024 − 384·384)?",
            ),
            "the-slide's-layer-5": Wrong(
                {"layer5": 290000}, "0.29M is rounded. Write down the whole number."
            ),
            "the-slide's-layer-6": Wrong(
                {"layer6": 800000},
                "So says the slide. Work out 3·3·512·1024 and 3·3·384·384.",
            ),
            "the-slide's-layer-7": Wrong(
                {"layer7": 360000},
                "So says the slide. Work out 3·3·1024·512 and 3·3·384·256.",
            ),
            "old-input-6": Wrong(
                {"layer6": 9 * 384 * (1024 - 384)},
                "The input of conv4 has changed too: conv3 has 512 filters now.",
            ),
            "old-input-7": Wrong(
                {"layer7": 9 * 384 * (512 - 256)},
                "The input of conv5 has changed too: conv4 has 1024 filters now.",
            ),
            "new-count-6": Wrong(
                {"layer6": 4718592},
                "These are ZFNet's own weights. Subtract AlexNet's 3·3·384·384.",
            ),
            "new-count-7": Wrong(
                {"layer7": 4718592},
                "These are ZFNet's own weights. Subtract AlexNet's 3·3·384·256.",
            ),
        },
        hints=(
            "ZFNet's weights minus AlexNet's, layer by layer.",
            "A filter is as deep as its input, and the input of layers 6 and 7 has "
            "changed too.",
            "`3*3*512*1024 - 3*3*384*384` for layer 6; `3*3*1024*512 - 3*3*384*256` "
            "for layer 7.",
        ),
    )
)

add(
    Exercise(
        "07.13",
        "No difference?",
        tolerance=1e-9,
        wrong={
            "conv1-as-in-AlexNet": Wrong(
                {"conv1": 55}, "With F = 7 there is one place more: (227 − 7)/4 + 1."
            ),
            "pool1-rounded-up": Wrong(
                {"pool1": 28}, "(56 − 3)/2 = 26.5 is rounded down, then add 1."
            ),
            "inputs-as-in-AlexNet": Wrong(
                {"inputs": 1024}, "Now conv5 has 512 filters: 2·2·512 numbers."
            ),
            "the-slide's-layer-8": Wrong(
                {"inputs": 1024, "fc6": 0},
                "That is AlexNet. But ZFNet's conv5 has 512 filters, so pool5 puts out "
                "512 maps.",
            ),
            "no-difference": Wrong(
                {"fc6": 0}, "So says the slide. But fc6 has more inputs than before."
            ),
            "new-count": Wrong(
                {"fc6": 8388608},
                "These are ZFNet's own weights. Subtract AlexNet's 1024·4096.",
            ),
            "fc7-changes": Wrong(
                {"fc7": 4194304},
                "As before, fc7 sees the 4096 outputs of fc6. Nothing changes.",
            ),
            "convolutions-only": Wrong(
                {"all_layers": 7499520},
                "Those are the convolutions. Dense layers count too.",
            ),
            "the-slide's-total": Wrong(
                {"all_layers": 1450000}, "So says the slide. Add your own numbers."
            ),
            "conv1-added": Wrong(
                {"all_layers": 11735296}, "Layer 1 gets smaller: subtract its 20 736."
            ),
        },
        hints=(
            "conv1: ⌊(227 − 7)/4⌋ + 1. pool1: from there, F = 3, S = 2.",
            "pool5 puts out 512 maps of 2×2, where AlexNet has 256.",
            "All: −20 736 + 294 912 + 3 391 488 + 3 833 856, and the difference of "
            "fc6.",
        ),
    )
)
