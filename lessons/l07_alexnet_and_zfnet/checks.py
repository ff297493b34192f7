"""Checks: AlexNet and ZFNet."""

import torch

from helpers.convolution import output_size
from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.mistakes import listed, of_value, outside
from lessons.modules import by_function, on_input

# --- 07.1: how the challenge counts ---------------------------------------------------


def _scored(count, classes, k, seed) -> Case:
    """No two scores of an image are the same."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, classes, generator=generator).argsort(dim=1).float()
    labels = torch.randint(classes, (count,), generator=generator)
    return case(scores, labels, k)


add(Exercise("07.1", "Top-5 error", level=2,
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
        "accuracy": Wrong({3: "found.float().mean()"}, "This is the share that "
            "was found. The error is the rest, 1 minus this."),
        "not-each-with-each": Wrong({2: "labels"}, "Each label belongs to one row of "
            "`best`. Make them a column, `labels[:, None]`, and each label is compared "
            "with the k classes of its own row."),
        "first-label": Wrong({2: "labels[0]"}, "Here every image is compared with the "
            "label of the first one."),
        "one-guess": Wrong({1: "1"}, "This looks at the best guess only. k "
            "guesses are allowed."),
        "always-five": Wrong({1: "5"}, "This allows five guesses, whatever k is."),
        "one-guess-more": Wrong({1: "k + 1"}, "One guess too many: `topk(k)` gives k "
            "of them."),
        "one-guess-less": Wrong({1: "k - 1"}, "One guess too few: `topk(k)` gives k of "
            "them."),
        "a-number-of-images": Wrong({3: "len(labels) - found.sum()"},
            "This counts images. The error is a share of them, between 0 and 1: take "
            "the mean."),
        "number-found": Wrong({3: "found.sum()"}, "This counts the images that were "
            "found. The error is 1 minus their *share*, which is the mean."),
        "sum-for-mean": Wrong({3: "1 - found.sum()"}, "1 minus a number of images "
            "means nothing. Take the mean, which is their share."),
        "divided-by-k": Wrong({3: "1 - found.sum() / k"}, "`found` has one entry for "
            "each image: divide by the number of images, not by k."),
        "each-image": Wrong({3: "1 - found.float()"}, "That is one value for each "
            "image, found or not. The exercise asks for their mean."),
        "mean-of-truths": Wrong({3: "1 - found.mean()"}, "`found` holds True and "
            "False, which have no mean. `.float()` turns them into 1 and 0."),
        "percent": Wrong({3: "100 * (1 - found.float().mean())"}, "This is in per "
            "cent. The exercise asks for a share, between 0 and 1."),
    },
    hints=(
        "`topk(k, dim=1).indices` holds the k best classes of each image, (N, k).",
        "`labels[:, None]` has the shape (N, 1), so it is compared with each of the k.",
        "`found` is true where the label was among them; the error is 1 minus its "
        "mean.",
    ),
))  # fmt: skip

# --- Widths and weights, layer by layer -----------------------------------------------


def _width(name, W, F, S, P):
    """Wrong widths of a layer whose input is W wide."""
    moves, both = (W - F + 2 * P) // S, F // 2 * 2
    way = f"{W} − {F}{f' + 2·{P}' if P else ''}"
    way = f"({way})/{S}" if S > 1 else way
    return {
        "one-short": (moves, f"{way} counts the moves. Add 1 for the first place."),
        "rounded-up": (-((F - W - 2 * P) // S) + 1, f"{way} is rounded down, to "
            f"{moves} moves, and then the first place is added."),
        "stride-forgotten": (W - F + 2 * P + 1, f"That is with S = 1. Here S = {S}."),
        "no-window": (W // S if S > 1 else 0, f"{W}/{S} forgets that a whole window of "
            f"{F} must fit. Take {way}, rounded down, and add 1."),
        "no-window-rounded-up": (W // S + 1 if W % S else 0, f"{W}/{S}, rounded up, "
            f"forgets that a whole window of {F} must fit. Take {way}, rounded down, "
            "and add 1."),
        "side-by-side": (W // F if S > 1 else 0, f"Windows side by side would have "
            f"S = {F}. Here S = {S}."),
        "padding-forgotten": ((W - F) // S + 1, "That is without padding. "
            f"Here P = {P}."),
        "padding-once": ((W - F + P) // S + 1, f"P = {P} counts on *each* side, which "
            f"makes {2 * P} along the row."),
        "padded": ((W - F + both) // S + 1 if S < F - 1 else 0, f"That is with "
            f"P = {F // 2}. Here P = {P}."),
        "one-end": (W - F // 2 if (S, P) == (1, 0) else 0, f"A kernel of {F} takes off "
            f"{F // 2} at *each* end, {both} in all."),
    }  # fmt: skip


def _widths(W, **layers):
    """Misconceptions of widths; of a layer: F, S, P.

    A wrong width is also recognised together with those that follow from it.
    """
    names, right, mistakes, before = list(layers), {}, [], W
    for name, (F, S, P) in layers.items():
        right[name] = before = output_size(before, F, P, S)
    for at, name in enumerate(names):
        given = {names[at - 1]: right[names[at - 1]]} if at else {}
        wrongs = _width(name, W if not at else right[names[at - 1]], *layers[name])
        for key, (wrong, says) in wrongs.items():
            values = given | {name: wrong}
            mistakes.append((f"{name}-{key}", values, f"`{name}`: {says}"))
            for later in names[at + 1 :]:
                F, S, P = layers[later]
                wrong = (wrong - F + 2 * P) // S + 1
                values = values | {later: wrong}
            if wrong > 0 and any(values[k] != right[k] for k in names[at + 1 :]):
                more = f"`{name}`: {says} The widths after it follow from that."
                mistakes.append((f"{name}-{key}-on", values, more))
    return listed(right, (m for m in mistakes if min(m[1].values()) > 0))


def _convolution(name, W, F, D, K, slide):
    """Misconceptions of the weights of K filters of F×F×D that put out maps of W×W."""
    right, one = F * F * D * K, F * F * D
    return of_value(name, right, {
        "flat-filters": (F * F * K, "A filter is as deep as its input: "
            f"{F}·{F}·{D} weights."),
        "one-filter": (one, f"{one} are the weights of one filter. There are {K} "
            "filters."),
        "extent-once": (F * D * K, f"A filter is {F} high *and* {F} wide."),
        "biases-in": (right + K, f"{right + K} includes the {K} biases. Count weights "
            "only, as the lecture does."),
        "depth-of-the-image": (F * F * 3 * K, "The input of this layer is not the "
            f"image. It has {D} maps, so each filter has {F}·{F}·{D} weights."),
        "depth-of-the-output": (F * F * K * K, "The depth of a filter is that of its "
            f"input, {D}, not the number of filters."),
        "grouped": (right // 2, "That is half of them, as on one of the paper's two "
            f"GPUs. Count all {K} filters." if D == 3 else "That is in two groups, as "
            f"published. As lectured, each filter sees all {D} maps."),
        "work": (right * W * W, "A weight counts once, no matter at how many "
            "places it is used."),
        "the-slide's": (slide, f"{slide} is what the slide says. Write down the exact "
            "number."),
    })  # fmt: skip


add(Exercise("07.2", "conv1 and pool1", level=1,
    tolerance=1e-9,
    wrong={
        **_widths(227, W2=(11, 4, 0), pooled=(3, 2, 0)),
        **_convolution("weights", 55, F=11, D=3, K=96, slide=34000),
    },
    hints=(
        "W2 = ⌊(W1 − F + 2P)/S⌋ + 1, with W1 = 227, F = 11, P = 0, S = 4.",
        "One filter has 11·11·3 weights. `96 * 11 * 11 * 3` may stand as it is.",
        "pool1: the same formula from 55, with F = 3 and S = 2.",
    ),
))  # fmt: skip

add(Exercise("07.3", "conv2 and pool2", level=1,
    tolerance=1e-9,
    wrong={
        **_widths(27, W2=(5, 1, 0), pooled=(3, 2, 0)),
        **_convolution("weights", 23, F=5, D=96, K=256, slide=600000),
        **of_value("pooled", 11, {
            "from-27": (13, "The input of pool2 is conv2's output: 23 wide, not 27."),
        }, W2=23),
    },
    hints=(
        "conv2 sees what pool1 puts out: 27×27×96.",
        "One filter has 5·5·96 weights, and there are 256.",
        "pool2: ⌊(23 − 3)/2⌋ + 1.",
    ),
))  # fmt: skip

add(Exercise("07.4", "conv3 to pool5", level=2,
    tolerance=1e-9,
    wrong={
        "sizes-kept": Wrong({"conv3": 11, "conv4": 11, "conv5": 11}, "A 3×3 kernel "
            "keeps the size only with P = 1. As lectured, P = 0, so each layer takes "
            "off 2."),
        "one-taken-off": Wrong({"conv3": 10, "conv4": 9, "conv5": 8}, "A 3×3 kernel "
            "takes off one pixel at *each* end, so each layer takes off 2."),
        "three-taken-off": Wrong({"conv3": 8, "conv4": 5, "conv5": 2}, "The width "
            "is W1 − F + 1, and in each layer the + 1 is missing."),
        **_widths(11, **dict.fromkeys(("conv3", "conv4", "conv5"), (3, 1, 0)),
            pool5=(3, 2, 0)),
        **_convolution("conv5_weights", 5, F=3, D=384, K=256, slide=800000),
        **of_value("conv5_weights", 9 * 384 * 256, {
            "of-conv4": (9 * 384 * 384, "Those are the weights of conv4. conv5 has "
                "only 256 filters."),
            "depth-of-pool2": (9 * 96 * 256, "The input of conv5 is what conv4 puts "
                "out, 384 maps."),
        }),
    },
    hints=(
        "Each 3×3 without padding takes off 2 pixels along each side.",
        "11 → 9 → 7 → 5, then ⌊(5 − 3)/2⌋ + 1.",
        "conv5 has 256 filters of 3·3·384.",
    ),
))  # fmt: skip

# --- 07.5 and 07.6: dense layers ------------------------------------------------------

add(Exercise("07.5", "Where in the row?", level=2,
    cases=lambda: [
        case(c=0, i=0, j=1, H=2, W=2), case(c=0, i=1, j=0, H=2, W=3),
        case(c=1, i=0, j=2, H=2, W=3), case(c=1, i=1, j=0, H=3, W=2),
        case(c=3, i=2, j=1, H=4, W=5), case(c=7, i=0, j=6, H=3, W=8),
        case(c=255, i=5, j=5, H=6, W=6),
    ],
    tolerance=1e-9,
    wrong={
        "columns-first": Wrong({2: "i", 3: "j * H"}, "This goes down the columns. A "
            "map is read row by row: i whole rows of W numbers come first."),
        "swapped": Wrong({2: "j * W", 3: "i"}, "Row and column are swapped: i whole "
            "rows come first, then j numbers of the same row."),
        "height-for-width": Wrong({2: "i * H"}, "A row holds W numbers, not H."),
        "rows-of-maps": Wrong({1: "c * W"}, "Each map that comes before this one "
            "counts with all its numbers: H·W."),
        "columns-of-maps": Wrong({1: "c * H"}, "A map does not have H numbers. It has "
            "H rows of W, which makes H·W."),
        "maps-as-numbers": Wrong({1: "c"}, "Each earlier map counts with all its "
            "numbers, H·W."),
        "one-map": Wrong({1: "0"}, "The maps before this one come first, c of "
            "them."),
        "always-one-map": Wrong({1: "H * W"}, "H·W is one map. c maps come before "
            "this one."),
        "maps-from-one": Wrong({1: "(c - 1) * H * W"}, "Maps are counted from 0, so c "
            "maps come before map c."),
        "rows-as-numbers": Wrong({2: "i"}, "Each earlier row counts with all its "
            "numbers, W."),
        "rows-as-maps": Wrong({2: "i * H * W"}, "A row holds W numbers. H·W is a whole "
            "map."),
        "all-from-one": Wrong({1: "(c - 1) * H * W", 2: "(i - 1) * W", 3: "j - 1"},
            "Maps, rows and columns are counted from 0 already: subtract nothing."),
        "counted-from-one": Wrong({3: "j + 1"}, "Places are counted from 0: nothing "
            "comes before the first number."),
        "columns-from-one": Wrong({3: "j - 1"}, "Columns are counted from 0, so j "
            "numbers come before column j."),
        "columns-as-rows": Wrong({3: "j * W"}, "Each column is only one number of its "
            "row: j, not j·W."),
    },
    hints=(
        "How many numbers come before this one?",
        "c whole maps of H·W numbers, then i whole rows of W, then j.",
    ),
))  # fmt: skip


def _dense(name, inputs, outputs, slide=None):
    """Misconceptions of a dense layer's weights."""
    return of_value(name, inputs * outputs, {
        "biases-in": (inputs * outputs + outputs, "Weights only: leave out the "
            f"{outputs} biases of {name}."),
        "inputs-only": (inputs, f"Each of the {inputs} inputs of {name} has a weight "
            f"to each of {outputs} outputs."),
        "outputs-only": (outputs, f"Each of the {outputs} neurons of {name} has "
            f"{inputs} weights."),
        "added": (inputs + outputs, f"Each of {inputs} inputs of {name} meets each of "
            f"{outputs} outputs: multiply."),
        "the-slide's": (slide or inputs * outputs, f"{slide} is the slide's number, "
            f"cut off. Write down the exact one for {name}."),
    })  # fmt: skip


def _stretched(side, maps, fc6, others, **given):
    """Misconceptions of the numbers that fc6 sees, and of fc6, which follows."""
    right, mistakes = side * side * maps, []
    wrongs = others | {
        "one-map": (side * side, f"All {maps} maps are stretched, not only one."),
        "maps-only": (maps, f"Each of the {maps} maps has {side}·{side} numbers."),
        "side-once": (side * maps, f"A map is {side} high *and* {side} wide."),
    }
    for key, (wrong, says) in wrongs.items():
        alone, after = {"inputs": wrong}, {"fc6": fc6(wrong)}
        more = f"{says} `fc6` follows from it."
        mistakes += [
            (f"inputs-{key}", given | alone, says),
            (f"inputs-{key}-on", given | alone | after, more),
            (
                f"fc6-{key}",
                {"inputs": right} | after,
                f"`fc6` sees {right} numbers. {says}",
            ),
        ]
    return listed(given | {"inputs": right, "fc6": fc6(right)}, mistakes)


add(Exercise("07.6", "The dense layers", level=1,
    tolerance=1e-9,
    wrong={
        **_stretched(2, 256, lambda inputs: inputs * 4096, {
            "published": (9216, "9216 = 6·6·256 is with padding. Here P = 0."),
            "unpooled": (5 * 5 * 256, "5×5 is the size before the last pooling, which "
                "leaves 2×2."),
        }),
        **_dense("fc6", 1024, 4096, slide=4000000),
        **_dense("fc7", 4096, 4096, slide=16000000),
        **of_value("fc7", 4096 * 4096, {
            "from-the-volume": (4194304, "The input of fc7 is what fc6 puts out, 4096 "
                "numbers."),
            "to-the-scores": (4096000, "`fc7` puts out 4096 numbers. The 1000 scores "
                "come from fc8."),
        }),
        **_dense("fc8", 4096, 1000, slide=4000000),
        **of_value("fc8", 4096 * 1000, {
            "not-the-last": (4096 * 4096, "`fc8` puts out 1000 scores, not 4096."),
            "1024": (4194304, "ImageNet has 1000 classes, not 1024: 4096·1000."),
            "from-the-volume": (1024 * 1000, "The input of fc8 is what fc7 puts out, "
                "4096 numbers."),
        }),
    },
    hints=(
        "pool5 puts out 256 maps of 2×2.",
        "A dense layer has inputs · outputs weights.",
        "1024·4096, then 4096·4096, then 4096·1000.",
    ),
))  # fmt: skip

# --- 07.7 and 07.8: the whole table ---------------------------------------------------

_PLAIN = ("conv", 4, 3, 1, 0), ("pool", 2, 2), ("conv", 5, 2, 1, 0), ("dense", 7)

add(Exercise("07.7", "The weights of a network", level=3,
    shown=lambda name, each: f"{name}({', '.join(map(repr, each.args))})",
    cases=lambda: [
        case([("conv", 2, 3, 1, 0)], 5, 1),
        case([("conv", 2, 3, 1, 0), ("conv", 4, 2, 1, 0)], 6, 3),
        case([("pool", 2, 2), ("dense", 3)], 4, 2),
        case([("dense", 3), ("dense", 5)], 2, 2),
        case([("conv", 6, 4, 2, 1), ("dense", 4)], 9, 2),  # 3.5 moves
        case([*_PLAIN, ("dense", 3)], 9, 3),
        case([("conv", 6, 5, 2, 2), ("pool", 3, 2), ("dense", 4)], 15, 3),
        case([("conv", 9, 11, 4, 0), ("pool", 3, 2), ("conv", 8, 5, 1, 2),
            ("pool", 3, 2), ("dense", 12), ("dense", 10)], 227, 3),
    ],
    tolerance=1e-9,
    wrong={
        "biases-in": Wrong({1: "F * F * D * K + K"}, "Weights only: the K biases of a "
            "convolution do not count here."),
        "dense-biases-in": Wrong({4: "W * W * D * N + N"}, "Weights only: the N biases "
            "of a dense layer do not count here."),
        "flat-filters": Wrong({1: "F * F * K"}, "A filter is as deep as its input: "
            "F·F·D weights."),
        "extent-once": Wrong({1: "F * D * K"}, "A filter is F high *and* F wide: F·F·D "
            "weights."),
        "one-filter": Wrong({1: "F * F * D"}, "That is one filter. A convolution has K "
            "of them."),
        "width-for-extent": Wrong({1: "W * W * D * K"}, "A filter is F wide. W is "
            "the width of its input."),
        "work": Wrong({1: "F * F * D * K * W * W"}, "A weight counts once, at however "
            "many places it is used."),
        "depth-of-the-image": Wrong({2: "D"}, "The depth is that of the layer's own "
            "input. After a convolution it is K."),
        "depth-multiplied": Wrong({2: "D * K"}, "A filter adds up over its whole "
            "depth, so K filters put out K maps."),
        "pooling-learns": Wrong({3: "F * F * D"}, "A pooling layer learns nothing: 0 "
            "weights."),
        "pooling-window": Wrong({3: "F * F"}, "A pooling window has F·F places but "
            "learns nothing: 0 weights."),
        "pooling-one": Wrong({3: "1"}, "A pooling layer learns nothing: it has 0 "
            "weights, not 1."),
        "not-stretched": Wrong({4: "D * N"}, "A dense layer sees the whole volume: "
            "W·W·D numbers."),
        "one-row": Wrong({4: "W * D * N"}, "A map is W high *and* W wide: W·W·D "
            "numbers."),
        "one-map": Wrong({4: "W * W * N"}, "All D maps are stretched: W·W·D."),
        "inputs-only": Wrong({4: "W * W * D"}, "Those are the inputs. Each has a "
            "weight to each of N neurons."),
        "outputs-only": Wrong({4: "N"}, "Each of the N neurons has a weight for each "
            "of W·W·D inputs."),
        "still-a-volume": Wrong({5: "W"}, "After a dense layer there is no width left: "
            "W is 1, and D is the number of its outputs."),
        "as-wide-as-long": Wrong({5: "N", 6: "1"}, "W counts twice, as height and "
            "width. A row is a volume of 1×1×N: W is 1, D is N."),
        "same-depth": Wrong({6: "D"}, "A dense layer of N neurons puts out N numbers, "
            "so D is N."),
        "one-output": Wrong({6: "1"}, "N neurons put out N numbers, 1×1×N: D is N, and "
            "W is 1."),
        "one-sum": outside("07.7", "The exercise asks for the weights of each layer, "
            "not only for their sum.", ("return counts", "return sum(counts)")),
    },
    hints=(
        "K filters of F·F·D weights, and then the volume is K deep.",
        "A dense layer has a weight for each pair of one of W·W·D inputs and one of N "
        "outputs.",
        "What a dense layer puts out is a row: a volume of 1×1×N.",
    ),
))  # fmt: skip

_SLIDE = {  # in millions, as printed there
    **{"conv1": 0.034, "conv2": 0.6, "conv3": 0.8, "conv4": 1.327, "conv5": 0.8},
    **{"fc6": 4, "fc7": 16, "fc8": 4},
}
_COUNTED = {"conv2": 614400, "conv3": 884736, "conv4": 1327104, "conv5": 884736}
_COUNTED |= {"conv1": 34848, "fc6": 4194304, "fc8": 4096000}
_ADDED = round(sum(_SLIDE.values()), 3)

add(Exercise("07.8", "The total of the slide", level=1,
    tolerance=1e-6,
    wrong={
        **of_value("rows_added", _ADDED, {
            "the-slide's": (27.55, "This is what the slide prints. Add up its rows: is "
                "that the sum?"),
            "the-true-total": (28.813344, "This is the sum of the computed column. Add "
                "up the lectured one."),
            "not-in-millions": (27561000, "Right, but give it in millions: divide by "
                "1 000 000."),
            "conv1-as-millions": (61.527, "34K is 0.034 million, not 34."),
            "conv1-as-tenths": (27.867, "34K is 0.034 million, not 0.34."),
            "conv4-cut": (27.554, "The row of conv4 says 1.327: add that, not 1.32."),
            **{f"{name}-left-out": (round(_ADDED - value, 3), f"The row of {name} is "
                f"missing: {value} million.") for name, value in _SLIDE.items()},
        }),
        **{f"worst-{name}": Wrong({"worst": name}, f"`{name}` is off by "
            f"{abs(count / 1e6 - _SLIDE[name]):.3f} million. Another row is off by "
            "more. Try the row of the layer with the most weights.")
            for name, count in _COUNTED.items()},
    },
    hints=(
        "0.034 + 0.6 + 0.8 + …: Python may add them up.",
        "Computed minus lectured, for each row: which is the largest?",
    ),
))  # fmt: skip

# --- 07.9: build it -------------------------------------------------------------------

add(Exercise("07.9", "AlexNet in PyTorch", level=2,
    cases=lambda: [
        case((1, 3, 227, 227), 1),
        case((2, 3, 195, 195), 1),
        case((1, 3, 227, 227), 2),
        case((1, 3, 195, 227), 1),  # not square: 47×55
        case((1, 3, 195, 195), 3),
    ],
    **by_function("07.9"),
    shown=on_input,
    wrong={
        "nothing-returned": outside("07.9", "The network is made and then lost: write "
            "`return` before it.", ("return nn.Seq", "nn.Seq")),
        **{f"w-left-out-{at}": Wrong({at: text}, f"{text} fits only w = 1 (in blank "
            f"{at}): every number of filters grows with w, `{text} * w`.")
            for at, text in ((5, "3"), (7, "8"), (10, "8"))},
        "AlexNet's-own": Wrong({5: "96"}, "96 is AlexNet's own, at w = 32. Here conv1 "
            "puts out `3 * w` maps."),
        "swapped": Wrong({7: "12 * w", 8: "8 * w"}, "First the depth of the input, `8 "
            "* w`, then the number of filters, `12 * w`."),
        "conv1-of-5": Wrong({1: "5"}, "`conv1` has F = 11, and `conv2` F = 5."),
        "stride-one": Wrong({2: "1"}, "`conv1` has S = 4: from 227 pixels it leaves "
            "55."),
        "windows-of-two": Wrong({3: "2"}, "The windows are 3×3, with S = 2: they "
            "overlap."),
        "windows-side-by-side": Wrong({4: "3"}, "With S = 3 the windows stand side by "
            "side, and the first pooling leaves 18 of 55 pixels. Here S = 2."),
        "pooling-stride-one": Wrong({4: "1"}, "With S = 1 a pooling leaves 53 of 55 "
            "pixels. Here S = 2."),
        "conv2-of-3": Wrong({6: "3"}, "`conv2` has F = 5: from 27 it leaves 23."),
        "too-deep-an-end": Wrong({10: "12 * w"}, "The last convolution puts out `8 * "
            "w` maps."),
        "conv5-of-5": Wrong({11: "5"}, "`conv5` has F = 3: from 7 it leaves 5."),
        "mean-pooling": outside("07.9", "The shapes are right, but this takes the "
            "mean of each window. The exercise asks for the largest number.",
            ("MaxPool", "AvgPool")),
        "tanh": outside("07.9", "The shapes are right, but this is tanh. The exercise "
            "asks for ReLU.", ("ReLU", "Tanh")),
    },
    hints=(
        "A layer's first number is the second one of the convolution before.",
        "Filters: 3w, 8w, 12w, 12w, 8w. Extents: 11, 5, 3, 3, 3.",
        "Every pooling is `nn.MaxPool2d(3, stride=2)`.",
    ),
))  # fmt: skip

# --- 07.10 and 07.11: as published ----------------------------------------------------

add(Exercise("07.10", "Weights in groups", level=2,
    cases=lambda: [
        case(D1=2, K=2, F=1, groups=1), case(D1=2, K=2, F=1, groups=2),
        case(D1=4, K=6, F=3, groups=2), case(D1=6, K=3, F=2, groups=3),
        case(D1=8, K=16, F=5, groups=8), case(D1=12, K=4, F=3, groups=1),
        case(D1=96, K=256, F=5, groups=2),
    ],
    tolerance=1e-9,
    wrong={
        "not-grouped": Wrong({1: "D1"}, "These are as many weights as without groups. "
            "Each of the K filters sees only the D1/groups maps of its own group."),
        "divided-twice": Wrong({2: "K // groups"}, "This counts one group only. "
            "There are as many as `groups` says, with K filters in all."),
        "multiplied": Wrong({1: "D1 * groups"}, "Groups save weights: each filter sees "
            "fewer maps, not more."),
        "biases-in": Wrong(lambda D1, K, F, groups: K * (F * F * (D1 // groups) + 1),
            "This counts weights and biases. Count weights only."),
        "one-map-each": Wrong({1: "1"}, "A filter sees all maps of its group: "
            "D1/groups of them."),
        "groups-for-maps": Wrong({1: "groups"}, "`groups` is how many groups there "
            "are. Each has D1/groups maps."),
        "always-two": Wrong({1: "D1 // 2"}, "AlexNet has two groups. There may be "
            "more, or only one."),
        "filters-for-maps": Wrong({1: "K // groups"}, "A group has K/groups filters, "
            "but each of them sees D1/groups maps."),
        "one-filter-each": Wrong({2: "groups"}, "That is one filter in each group. "
            "There are K in all."),
        "extent-once": Wrong({3: "F"}, "A filter is F high and F wide: F·F."),
        "extent-doubled": Wrong({3: "(F + F)"}, "A filter is F high and F wide: F "
            "times F, not F plus F."),
        "always-five": Wrong({3: "25"}, "25 is 5·5. A kernel of another F has F·F."),
    },
    hints=(
        "The D1 maps are shared out equally. How many does each group get?",
        "K filters, each with F·F·(D1/groups) weights.",
    ),
))  # fmt: skip

add(Exercise("07.11", "AlexNet, padded", level=2,
    tolerance=1e-9,
    wrong={
        "as-lectured": Wrong({"conv2": 23, "pool2": 11, "conv5": 5, "pool5": 2},
            "These are the widths without padding. Now conv2 has P = 2, and conv3 to "
            "conv5 have P = 1."),
        **_widths(27, conv2=(5, 1, 2), pool2=(3, 2, 0)),
        **_widths(13, conv5=(3, 1, 1), pool5=(3, 2, 0)),
        **of_value("conv5", 13, {
            "shrinking": (7, "With P = 1 a 3×3 kernel keeps the size, so it stays "
                "13 three times."),
            "padding-once-thrice": (10, "There is a zero on *each* side, so a 3×3 "
                "kernel takes nothing off: the width stays 13."),
        }, pool2=13),
        **_stretched(6, 256, lambda inputs: inputs * 4096, {
            "lectured": (1024, "1024 = 2·2·256 was without padding."),
            "unpooled": (13 * 13 * 256, "13×13 is the size before the last pooling."),
        }, pool5=6),
        **_dense("fc6", 9216, 4096),
    },
    hints=(
        "P = (F − 1)/2 keeps the size at stride 1.",
        "27 → 27 → 13 → 13 → 13 → 13 → 6.",
        "fc6: 6·6·256 inputs, 4096 outputs.",
    ),
))  # fmt: skip

# --- 07.12 and 07.13: ZFNet -----------------------------------------------------------


def _more(name, old, new, slide):
    """Misconceptions of what a convolution has more: F, D and K before and after."""
    (f, d, k), (F, D, K) = old, new
    before, after = f * f * d * k, F * F * D * K
    return of_value(name, after - before, {
        "the-slide's": (slide, f"{slide} is what the slide says. Work it out: "
            f"{F}·{F}·{D}·{K} − {f}·{f}·{d}·{k}."),
        "sign": (before - after, f"`{name}`: ZFNet's weights minus AlexNet's. "
            "The sign is the wrong way round."),
        "new-count": (after, f"{after} are ZFNet's own weights. Subtract AlexNet's "
            f"{f}·{f}·{d}·{k}."),
        "old-count": (before, f"{before} are AlexNet's own weights. The exercise asks "
            "for the difference."),
        "old-input": (F * F * d * K - before, f"The input of `{name}` has changed, "
            f"too: {D} maps, where AlexNet has {d}."),
        "flat-filters": (F * F * K - f * f * k, f"`{name}`: each filter is as deep as "
            f"its input, {d} before and {D} now."),
        "one-filter": (F * F * D - f * f * d, f"`{name}`: that is for one filter. "
            f"There were {k} before, and there are {K} now."),
        "the-difference-squared": ((F - f) * abs(F - f) * D * K or after - before,
            f"`{name}`: ({f} − {F})² is not {f}² − {F}². Count each layer, "
            "then subtract."),
        "differences-multiplied": (F * F * (D - d) * (K - k) or after - before,
            f"`{name}`: the differences multiplied are not the difference of products. "
            "Count each layer, then subtract."),
        "biases-in": (after + K - before - k, f"`{name}`: weights only, as lectured. "
            "The biases have grown, too."),
    })  # fmt: skip


add(Exercise("07.12", "ZFNet's convolutions", level=2,
    tolerance=1e-9,
    wrong={
        **_more("layer1", (11, 3, 96), (7, 3, 96), -20700),
        **_more("layer5", (3, 256, 384), (3, 256, 512), 290000),
        **_more("layer6", (3, 384, 384), (3, 512, 1024), 800000),
        **_more("layer7", (3, 384, 256), (3, 1024, 512), 360000),
    },
    hints=(
        "ZFNet's weights minus AlexNet's, layer by layer.",
        "A filter is as deep as its input, and the input of layers 6 and 7 has changed "
        "too.",
        "`3*3*512*1024 - 3*3*384*384` for layer 6; `3*3*1024*512 - 3*3*384*256` for "
        "layer 7.",
    ),
))  # fmt: skip

_CONVOLUTIONS = -20736 + 294912 + 3391488 + 3833856

add(Exercise("07.13", "No difference?", level=3,
    tolerance=1e-9,
    wrong={
        **_widths(227, conv1=(7, 4, 0), pool1=(3, 2, 0)),
        **of_value("conv1", 56, {
            "one-short": (55, "55 is AlexNet's width. Or did you count the moves, "
                "(227 − 7)/4? Then add 1 for the first place."),
        }),
        **_stretched(2, 512, lambda inputs: (inputs - 1024) * 4096, {
            "as-in-AlexNet": (1024, "1024 = 2·2·256 is AlexNet's. ZFNet's conv5 has "
                "512 filters, so pool5 puts out 512 maps."),
            "padded": (18432, "18432 = 6·6·512 is with padding. Here P = 0."),
        }),
        "fc7-changes-on": Wrong(
            {"fc7": 1024 * 4096, "all_layers": _CONVOLUTIONS + 2 * 1024 * 4096},
            "`fc7` sees the 4096 outputs of fc6, as before: nothing changes. The sum "
            "follows from it."),
        "no-difference": Wrong({"fc6": 0, "all_layers": _CONVOLUTIONS},
            "“No difference” in fc6 is what the slide says. But fc6 has more inputs "
            "than before. The sum follows from it."),
        **of_value("fc6", 1024 * 4096, {
            "new-count": (2048 * 4096, "These are ZFNet's own weights. Subtract "
                "AlexNet's 1024·4096."),
        }),
        **of_value("fc7", 0, {
            "changes": (1024 * 4096, "As before, fc7 sees the 4096 outputs of fc6. "
                "Nothing changes."),
            "own-count": (4096 * 4096, "Those are its weights, in both networks. The "
                "exercise asks for the difference."),
        }),
        **of_value("all_layers", _CONVOLUTIONS + 1024 * 4096, {
            "convolutions-only": (_CONVOLUTIONS, "Those are the convolutions. Dense "
                "layers count too."),
            "the-slide's": (1450000, "That is what the slide says. Add up your own "
                "numbers."),
            "conv1-added": (_CONVOLUTIONS + 1024 * 4096 + 2 * 20736, "Layer 1 gets "
                "smaller: subtract its 20 736."),
            "own-count": (28813344 + _CONVOLUTIONS + 1024 * 4096, "Those are all "
                "weights of ZFNet. How many more than AlexNet's?"),
            "fc6-in-full": (_CONVOLUTIONS + 2048 * 4096, "For `fc6`, too, add "
                "only the difference."),
            "fc7-too": (_CONVOLUTIONS + 2 * 1024 * 4096, "This also counts a "
                "difference for fc7, which has none."),
        }, fc6=1024 * 4096, fc7=0),
    },
    hints=(
        "conv1: ⌊(227 − 7)/4⌋ + 1. pool1: from there, F = 3, S = 2.",
        "pool5 puts out 512 maps of 2×2, where AlexNet has 256.",
        "All: −20 736 + 294 912 + 3 391 488 + 3 833 856, and the difference of fc6.",
    ),
))  # fmt: skip
