"""Checks: LeNet."""

import torch
from torch import nn

from helpers.exercises.compare import describe
from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.l06_lenet.observe import learned, tested
from lessons.mistakes import of_value, outside
from lessons.modules import by_function, on_input

# --- 06.1 to 06.3: the table by hand --------------------------------------------------


def _parameters(name, inputs, outputs, bearer="outputs", others="inputs"):
    """Misconceptions of a layer's parameters: its weights, and a bias per output."""
    weights = inputs * outputs
    return of_value(name, weights + outputs, {
        "weights-only": (weights, f"The {outputs} biases of `{name}` are missing."),
        "one-bias": (weights + 1, f"A single bias is too few: {name} has {outputs}."),
        "input-biases": (weights + inputs, f"In {name} each of the {outputs} "
            f"{bearer} has a bias, and not each of the {inputs} {others}."),
    })  # fmt: skip


add(Exercise("06.1", "C1 by hand",
    level=2,
    tolerance=1e-9,
    wrong={
        **of_value("W2", 28, {
            "size-kept": (32, "Without padding a 5×5 kernel has 32 − 5 + 1 places."),
            "one-short": (32 - 5, "32 − 5 = 27 counts the moves. Add 1 for the first "
                "place."),
            "half-taken-off": (32 - 5 // 2, "A 5×5 kernel takes off two pixels at each "
                "end: 4 in all."),
        }),
        **of_value("weights", 150, {
            "one-filter": (25, "25 is one filter. Six different ones are learned."),
            "for-each-place": (150 * 28 * 28, "Weights are shared: a filter has the "
                "same 25 at each of its 784 places."),
            "biases-in": (156, "156 counts the biases too. Give them separately, as "
                "`biases`."),
            "extent-once": (6 * 5, "A filter is 5 high *and* 5 wide: 25 weights, not "
                "5."),
            "colours": (6 * 25 * 3, "That is for an image of three channels. This one "
                "has depth 1."),
            "outputs": (6 * 28 * 28, "4704 is how many numbers come out. Far fewer "
                "weights make them all."),
        }),
        **of_value("biases", 6, {
            "one-bias": (1, "Each filter adds a bias of its own to its map."),
            "none": (0, "Each filter has a bias: PyTorch adds it unasked."),
            "bias-for-each-weight": (150, "A bias is added to the weighted sum, once: "
                "one for each filter."),
            "bias-for-each-place": (28 * 28, "A bias is shared as weights are: one for "
                "a whole map."),
            "bias-for-each-output": (6 * 28 * 28, "All places of a map share one bias: "
                "six in all."),
        }),
    },
    hints=(
        "W2 = W1 − F + 1.",
        "One filter on an image of depth 1 has 5·5·1 weights. There are K = 6.",
    ),
))  # fmt: skip

add(Exercise("06.2", "Parameters of a convolution",
    level=2,
    cases=lambda: [
        case(D1=1, K=1, F=1), case(D1=1, K=6, F=5), case(D1=6, K=16, F=5),
        case(D1=3, K=2, F=1), case(D1=4, K=3, F=2), case(D1=3, K=64, F=7),
    ],
    tolerance=1e-9,
    wrong={
        "no-bias": Wrong("K * F * F * D1", "The biases are missing, one for each of "
            "the K filters."),
        "one-bias": Wrong("K * F * F * D1 + 1", "Only one bias. Every filter has its "
            "own: put the + 1 inside the brackets."),
        "flat-filters": Wrong("K * (F * F + 1)", "A filter reaches through the whole "
            "depth of its input: F·F·D1 weights."),
        "extent-once": Wrong("K * (F * D1 + 1)", "A filter is F high and F wide: F·F."),
        "extent-doubled": Wrong("K * (2 * F * D1 + 1)", "F high and F wide make F·F "
            "places, not F + F."),
        "bias-for-each-channel": Wrong("K * (F * F + 1) * D1", "One bias for each "
            "channel is too many. The channels are added up first, then the filter's "
            "one bias."),
        "bias-for-each-place": Wrong("K * F * F * (D1 + 1)", "Here the + 1 is "
            "multiplied by F·F. A filter has one bias: K·(F·F·D1 + 1)."),
        "bias-for-each-input": Wrong("K * F * F * D1 + D1", "That is D1 biases. There "
            "are K, one for each filter."),
        "one-filter": Wrong("F * F * D1 + 1", "That is one filter, with its bias. "
            "There are K."),
        "one-filter-and-all-biases": Wrong("F * F * D1 + K", "These are the weights of "
            "one filter, and K biases. All K filters have weights."),
        "no-depth-no-bias": Wrong("K * F * F", "A filter reaches through the whole "
            "depth, F·F·D1 weights, and has a bias."),
        "always-six": Wrong("6 * (F * F * D1 + 1)", "6 is C1's number of filters. Here "
            "it is K."),
        "as-deep-as-wide": Wrong("K * (F * F * K + 1)", "A filter is as deep as its "
            "*input*, D1. K is how many filters there are."),
        "always-C1": Wrong("6 * (5 * 5 * 1 + 1)", "156 is right for C1 only. Write K, "
            "F and D1 in place of its numbers."),
        "always-five": Wrong("K * (5 * 5 * D1 + 1)", "25 is 5·5. A kernel of another F "
            "has F·F."),
    },
    hints=(
        "How many weights does one filter have? It is F high, F wide, D1 deep.",
        "One filter has F·F·D1 weights and one bias, and there are K.",
    ),
))  # fmt: skip

add(Exercise("06.3", "The rest of the table",
    level=2,
    tolerance=1e-9,
    wrong={
        "weights-only": Wrong({"C3": 2400, "C5": 48000, "F6": 10080, "output": 840},
            "These are the weights, as in the lecture. Add one bias for each filter or "
            "output."),
        **_parameters("C3", 6 * 25, 16, "filters", "weights of a filter"),
        **_parameters("C5", 400, 120),
        **_parameters("F6", 120, 84),
        **_parameters("output", 84, 10),
        **of_value("C3", 2416, {
            "flat-filters": (16 * 26, "C3's input is 6 maps deep, so each filter has "
                "6·25 weights."),
            "flat-weights": (16 * 25, "C3's input is 6 maps deep, so each filter has "
                "6·25 weights; and its bias is missing."),
            "extent-once": (16 * (5 * 6 + 1), "A filter is 5 high *and* 5 wide: 6·25 "
                "weights."),
            "work": (2400 * 100, "Weights are shared by all places: they count once."),
            "bias-for-each-map": (16 * 26 * 6, "A filter has one bias in all, not one "
                "for each of 6 maps."),
            "1998": (1516, "1516 is the C3 of 1998, whose maps see only some of S2. "
                "This one sees all."),
        }),
        **of_value("C5", 48120, {
            "one-map-flattened": (120 * 26, "All 16 maps are flattened, not only one: "
                "16·5·5 = 400 numbers."),
            "maps-only": (120 * 17, "Each of the 16 maps has 5·5 numbers: 400 inputs, "
                "not 16."),
            "side-once": (120 * 81, "A map is 5 high *and* 5 wide: 16·5·5 = 400 "
                "inputs, not 80."),
            "not-pooled": (120 * 1601, "S4 halves both sides first: 16 maps of 5×5 "
                "remain."),
        }),
        **of_value("F6", 10164, {
            "C5's-inputs": (401 * 84, "F6 sees what C5 puts out, 120 numbers, and no "
                "longer the 400."),
        }),
        **of_value("output", 850, {
            "C5's-outputs": (121 * 10, "The last layer sees what F6 puts out, 84 "
                "numbers."),
        }),
    },
    hints=(
        "C3: 16 filters of 5×5, as deep as S2 has maps, and a bias each.",
        "C5: flattened, S4 is 16·5·5 = 400 numbers, each with a weight to each of 120 "
        "outputs.",
        "(inputs + 1) · outputs, for all three dense layers.",
    ),
))  # fmt: skip

# --- 06.4: the table of 1998 ----------------------------------------------------------


def c3_1998() -> list[list[int]]:
    """Which maps of S2 each of the 16 maps of C3 sees (LeCun et al. 1998, Table I)."""
    three = [[(k + step) % 6 for step in (0, 1, 2)] for k in range(6)]
    four = [[(k + step) % 6 for step in (0, 1, 2, 3)] for k in range(6)]
    split = [[(k + step) % 6 for step in (0, 1, 3, 4)] for k in range(3)]
    return [sorted(seen) for seen in (*three, *four, *split, range(6))]


add(Exercise("06.4", "C3 as in 1998",
    level=2,
    cases=lambda: [
        case([[0]], 1), case([[0], [0, 1]], 1), case([[0, 1, 2]], 2),
        case([[1, 2], [0, 1, 2], [2]], 3), case([[0, 1, 2, 3, 4, 5]] * 16, 5),
        case(c3_1998(), 5),
    ],
    tolerance=1e-9,
    wrong={
        "no-bias": Wrong("F * F * len(seen)", "Each map has a bias, too."),
        "bias-for-each-connection": Wrong("(F * F + 1) * len(seen)", "A bias belongs "
            "to a map of C3, not to each connection. Multiply first, and then add 1, "
            "once."),
        "bias-for-each-place": Wrong("F * F * (len(seen) + 1)", "Here the + 1 is "
            "multiplied by F·F. A map of C3 has a single bias."),
        "one-connection": Wrong("F * F + 1", "A map has F·F weights for each map that "
            "it sees, and it may see several."),
        "all-connected": Wrong("F * F * 6 + 1", "That is a C3 whose maps see all six. "
            "Ask the table how many each sees."),
        "extent-once": Wrong("F * len(seen) + 1", "A kernel is F high and F wide: F·F "
            "weights."),
        "always-five": Wrong("5 * 5 * len(seen) + 1", "25 is 5·5. A kernel of another "
            "F has F·F."),
        "added": Wrong("F * F + len(seen)", "F·F weights for *each* map that is seen: "
            "multiply, and add one bias."),
        "connections": Wrong("len(seen)", "That is how many kernels a map has. Each "
            "has F·F weights, and the map a bias."),
        "rows-of-the-table": Wrong("F * F * len(table) + 1", "`len(table)` is how many "
            "maps C3 has. `len(seen)` is how many maps this one sees."),
        "names-added": Wrong("F * F * sum(seen) + 1", "`seen` holds the numbers that "
            "serve as the maps' names. `len` tells you how many there are; their sum "
            "means nothing."),
        "list-for-number": Wrong("F * F * seen + 1", "`seen` is a list of maps. What "
            "counts is its length, `len(seen)`."),
    },
    hints=(
        "`len(seen)` is the number of maps that one map of C3 sees.",
        "F·F weights for each map seen, and one bias.",
    ),
))  # fmt: skip

# --- 06.5: work -----------------------------------------------------------------------

add(Exercise("06.5", "Multiply-adds",
    level=2,
    tolerance=1e-9,
    wrong={
        **of_value("C1", 117600, {
            "weights": (150, "150 weights, but each is used at every place of its "
                "filter: 28·28 times."),
            "parameters-of-C1": (156, "156 parameters, but each weight is used at "
                "every place of its filter: 28·28 times. Biases are only added."),
            "one-filter": (25 * 784, "That is one filter. C1 has six of them."),
            "places-of-the-input": (150 * 32 * 32, "Count the places of the output, "
                "28×28, not the pixels of the input."),
            "biases-in": (156 * 784, "A bias is only added. Count multiplications, "
                "and it takes part in none."),
            "outputs": (6 * 784, "4704 numbers come out, and each takes 25 "
                "multiplications."),
            "extent-once": (6 * 784 * 5, "A filter has 5·5 weights, not 5."),
            "both-counted": (2 * 117600, "This counts C1's multiplications and its "
                "additions separately. A multiply-add is one of each, counted once."),
        }),
        **of_value("C5", 48000, {
            "biases-in": (48120, "The 120 biases of C5 are added, nothing is "
                "multiplied."),
            "places": (48000 * 25, "A dense layer has no places: each weight is used "
                "once for an image."),
            "outputs-only": (120, "120 outputs, and each takes 400 multiplications."),
            "inputs-only": (400, "400 multiplications make one output. There are 120."),
            "both-counted": (2 * 48000, "This counts C5's multiplications and its "
                "additions separately. A multiply-add is one of each, counted once."),
        }),
    },
    hints=(
        "How many outputs does C1 have, and how many multiplications does each take?",
        "6·28·28 outputs, at 25 multiplications each.",
        "C5: 120 outputs, at 400 multiplications each.",
    ),
))  # fmt: skip

# --- 06.6: build it -------------------------------------------------------------------

_NOTHING_RETURNED = "The network is made and then lost: write `return` before it."

add(Exercise("06.6", "Build LeNet-5",
    level=3,
    cases=lambda: [case((N, 1, 32, 32)) for N in (1, 2, 3, 5, 8)],
    **by_function("06.6"),
    shown=on_input,
    wrong={
        "nothing-returned":                     outside(
            "06.6", _NOTHING_RETURNED, ("return nn.Seq", "nn.Seq")
        ),
        "colours": Wrong({1: "3"}, "The images are grey: one channel, so C1's filters "
            "are 1 deep."),
        "C1-swapped": Wrong({1: "6", 2: "1"}, "First the depth of the input, 1, then "
            "the number of filters, 6."),
        "C1-of-3": Wrong({3: "3"}, "C1's kernels are 5×5: from 32 they leave 28, and "
            "3×3 would leave 30."),
        "stride-one": Wrong({4: "1"}, "Windows of 1×1 pool nothing: 28 stays 28. "
            "Windows of 2×2 leave 14."),
        "C3-swapped": Wrong({5: "16", 6: "6"}, "First the depth of the input, 6, then "
            "the number of filters, 16."),
        "C3-of-3": Wrong({7: "3"}, "C5 gets 16·6·6 numbers, not 16·5·5: a kernel "
            "before it is smaller than 5×5."),
        "not-pooled": Wrong({8: "16 * 10 * 10"}, "1600 = 16·10·10 is before the last "
            "pooling. It leaves 16 maps of 5×5."),
        "maps-only": Wrong({8: "16"}, "C5 sees all numbers of 16 maps of 5×5: 16·5·5, "
            "not 16."),
        "one-map": Wrong({8: "5 * 5"}, "25 is one map. C5 sees all 16 of them: "
            "16·5·5."),
        "C5-swapped": Wrong({8: "120", 9: "16 * 5 * 5"}, "A dense layer asks for its "
            "inputs first, 400, then for its outputs, 120."),
        "output-swapped": Wrong({10: "10", 11: "84"}, "The inputs of a dense layer "
            "come first: 84, then 10 scores."),
        "one-score": Wrong({11: "1"}, "Each of the ten digits gets a score of its "
            "own."),
        "max-pooling": outside("06.6", "The shapes are right. But this takes the "
            "largest of each window, and the mean was asked for.",
            ("AvgPool", "MaxPool")),
        "softmax": outside("06.6", "No softmax at the end: `cross_entropy` contains "
            "it, and would apply it to probabilities.",
            (", 10),", ", 10),\nnn.Softmax(dim=1),")),
        "activated-output": outside("06.6", "Scores may be of any size: no tanh after "
            "the last layer.", (", 10),", ", 10),\nnn.Tanh(),")),
        "relu": outside("06.6", "The shapes are right. But this is ReLU, and tanh was "
            "asked for.", ("Tanh", "ReLU")),
        "no-activation": outside("06.6", "Without activations all layers together are "
            "one linear function. Keep the tanh.", ("Tanh", "Identity")),
    },
    hints=(
        "The shapes in the comments: a layer's input is the output before it.",
        "`nn.Conv2d(depth of the input, number of filters, kernel_size=F)`.",
        "C5 sees 16 maps of 5×5, flattened: 400 numbers.",
    ),
))  # fmt: skip

# --- 06.7: a step of training ---------------------------------------------------------


def _learning_cases() -> list[Case]:
    # The first optimizer of a process loads a good part of PyTorch, which may take
    # seconds: not in the learner's time.
    torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1).step()
    return [
        case(1, 0.0, (1, 1, 2)),
        case(2, 0.0, (1, 1, 2)),
        case(3, 0.0, (1, 2, 3)),
        case(3, 0.9, (1, 2, 3)),
        case(4, 0.9, (2, 3, 2)),
    ]


add(Exercise("06.7", "One step",
    level=2,
    cases=_learning_cases,
    run=learned,
    shown=lambda name, each: (
        f"{each.args[0]} × {name}(…) with momentum {each.args[1]:g}: "
        "losses, then weights"
    ),
    otherwise="The losses or the weights are not those of gradient descent. The first "
        "number that differs shows which step goes astray.",
    wrong={
        "never-zeroed": Wrong({2: "network.train"}, "The gradients of earlier batches "
            "are still there: `backward` adds to them. Forget them with `zero_grad`."),
        "nothing-learned": Wrong({2: "loss.backward", 3: "optimizer.zero_grad"},
            "No weight moves. `zero_grad` forgets gradients, `backward` computes them, "
            "and only a `step` after that, with no `zero_grad` between, can use them."),
        "step-on-the-last-batch": Wrong(
            {2: "optimizer.step", 3: "optimizer.zero_grad", 4: "loss.backward"},
            "This steps by the gradients of the batch before. First `zero_grad` and "
            "`backward` on this one, then `step`."),
        "stepped-twice": Wrong({2: "loss.backward", 3: "optimizer.step"},
            "Two steps for one batch, and the gradients are never forgotten: "
            "`zero_grad` is missing."),
        "called-twice": Wrong({2: "optimizer.zero_grad()"}, "The brackets after the "
            "blank are there already. A second pair would call what the first one "
            "returned, None. Write the name only."),
        "softmax-twice": Wrong({1: "network(images).softmax(dim=1)"},
            "`cross_entropy` takes scores and contains the softmax. Give it what the "
            "network puts out."),
        "classes-for-scores": Wrong({1: "network(images).argmax(dim=1)"},
            "These are class numbers. The loss wants all scores, `(N, classes)`: only "
            "they say how far off a guess was."),
        "images-for-scores": Wrong({1: "images"}, "The loss wants the network's "
            "scores, and gets the images: `network(images)`."),
        "not-called": Wrong({1: "network"}, "This hands over the network itself. Its "
            "scores come from calling it with images."),
    },
    hints=(
        "`backward` adds to the gradients that are there. What must happen first?",
        "Forget, compute, move: `zero_grad`, `backward`, `step`.",
    ),
))  # fmt: skip

# --- 06.8: the confusion matrix -------------------------------------------------------


def _guessing(count, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(
        *(torch.randint(classes, (count,), generator=generator) for _ in "ab"), classes
    )


add(Exercise("06.8", "Confusion matrix",
    level=1,
    cases=lambda: [
        case(torch.tensor([0]), torch.tensor([1]), 2),
        case(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), 2),
        case(torch.tensor([2, 2, 2]), torch.tensor([0, 0, 2]), 3),
        # Classes that no label and no guess names have rows and columns, too.
        case(torch.tensor([0, 1, 0]), torch.tensor([1, 1, 0]), 4),
        _guessing(30, 4, 1),
        _guessing(200, 10, 2),
        _guessing(7, 10, 3),
    ],
    wrong={
        "transposed": Wrong({1: "guess", 2: "label"}, "Rows and columns are swapped: "
            "the row is what the digit *is*, the column what the network says."),
        "labels-only": Wrong({2: "label"}, "This counts the labels on the diagonal and "
            "never looks at the guesses."),
        "guesses-only": Wrong({1: "guess"}, "This counts the guesses on the diagonal "
            "and never looks at the labels."),
        "all-labels": Wrong({1: "labels"}, "`labels` are those of all images. In the "
            "loop, one image counts once: its own is `label`."),
        "all-guesses": Wrong({2: "guesses"}, "`guesses` are those of all images. In "
            "the loop, one image counts once: its own is `guess`."),
        "label-from-one": Wrong({1: "label - 1"}, "Classes count from 0, and rows do "
            "too: row 0 is class 0."),
        "guess-from-one": Wrong({2: "guess - 1"}, "Guesses count from 0, and columns "
            "do too: column 0 is class 0."),
        "counted-once": outside("06.8", "Several images may fall into one cell: count "
            "them, `+= 1`.", ("+= 1", "= 1")),
    },
    hints=(
        "Row: the label. Column: the guess.",
        "`counts[label, guess]` gets one more.",
    ),
))  # fmt: skip

# --- 06.9: dropout --------------------------------------------------------------------


def _mask(p, *shape, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator)
    return x, (torch.rand(*shape, generator=generator) >= p).float(), p


add(Exercise("06.9", "Dropout",
    level=2,
    cases=lambda: [
        case(torch.ones(4), torch.tensor([1.0, 0, 1, 0]), 0.5, True),
        case(torch.ones(4), torch.tensor([1.0, 0, 1, 0]), 0.5, False),
        case(torch.ones(5), torch.tensor([1.0, 1, 0, 1, 1]), 0.2, True),
        case(*_mask(0.2, 3, 4, seed=1), True),
        case(*_mask(0.75, 2, 3, 4, seed=2), True),
        case(*_mask(0.75, 2, 3, 4, seed=3), False),
        case(*_mask(0.2, 3, 4, seed=4), False),
        case(torch.ones(3), torch.ones(3), 0.0, True),
    ],
    wrong={
        "not-scaled": Wrong({2: "1"}, "The mean shrinks to 1 − p of what it was. Scale "
            "up what is left."),
        "divided-by-p": Wrong({2: "p"}, "A part of 1 − p is kept, so that is what to "
            "divide by. (At p = 0.5 nobody notices.)"),
        "divided-by-more": Wrong({2: "1 + p"}, "Dividing by more than 1 makes the mean "
            "smaller still. A part of 1 − p is kept: divide by that."),
        "scaled-down": Wrong({2: "1 / (1 - p)"}, "That makes the mean smaller still. "
            "What is kept must grow: divide by 1 − p."),
        "by-what-was-kept": Wrong({2: "kept.mean()"}, "This divides by the part that "
            "happened to be kept this time. Divide by the part that is kept on "
            "average, 1 − p."),
        "by-the-mask": Wrong({2: "kept"}, "`kept` is 0 for what is dropped, and "
            "nothing can be divided by that. Divide by 1 − p."),
        "kept-for-dropped": Wrong({1: "(1 - kept)"}, "This keeps what should be "
            "dropped: `kept` is 1 where a number stays."),
        "no-brackets": Wrong({1: "1 - kept"}, "`x * 1 - kept` multiplies first and "
            "then subtracts. What is kept is x · kept; `kept` is 1 where a number "
            "stays."),
        "mean-of-the-mask": Wrong({1: "kept.mean()"}, "This shrinks all numbers alike "
            "and zeroes none: multiply by `kept` itself."),
        "only-scaled": Wrong({1: "1"}, "Nothing is dropped here. Zero what is not "
            "kept."),
        "not-dropped": Wrong({1: "(1 - p)"}, "Nothing is zeroed here: multiply by "
            "`kept`, which is 0 for what is not kept."),
        "p-for-the-mask": Wrong({1: "p"}, "All numbers shrink alike, none is zeroed: "
            "`kept` says which stay."),
        "scaled-in-eval": Wrong({3: "x * p"}, "In evaluation x stays as it is: the "
            "scale was put right in training."),
        "shrunk-in-eval": Wrong({3: "x * (1 - p)"}, "Times 1 − p in evaluation belongs "
            "to a dropout that does not divide in training. This one does, so x stays "
            "as it is."),
        "grown-in-eval": Wrong({3: "x / (1 - p)"}, "In evaluation all numbers are "
            "there, so nothing has to make up for dropped ones: x stays as it is."),
        "always-on": Wrong({3: "x * kept / (1 - p)"}, "In evaluation nothing is "
            "dropped: the answer should not be random."),
        "masked-in-eval": Wrong({3: "x * kept"}, "Numbers are dropped in evaluation, "
            "too. There x stays as it is."),
        "nothing-in-eval": Wrong({3: "0 * x"}, "In evaluation nothing is dropped, and "
            "here everything is."),
        "modes-swapped": Wrong({1: "1", 2: "1", 3: "x * kept / (1 - p)"},
            "The two modes have changed places: dropping is for training."),
    },
    hints=(
        "`x * kept` is zero where nothing is kept.",
        "Of 10 ones, 10 · (1 − p) are left. By what do you divide them so that the "
        "sum is 10 again?",
    ),
))  # fmt: skip

# --- 06.10 and 06.11: the practice session --------------------------------------------


def _batch(key, W, says):
    """A wrong width of the batch: alone, and with what follows from it."""
    wrong = {"batch": (128, 16, W, W)}
    more = {"flat": (128, 16 * W * W)}
    return {
        key: Wrong(wrong, says),
        f"{key}-flattened": Wrong(wrong | more, f"{says} `flat` follows from it."),
    }


add(Exercise("06.10", "Shapes, the PyTorch way",
    level=2,
    wrong={
        **of_value("weight", (1, 3, 5, 5), {
            "one-channel": ((1, 1, 5, 5), "A filter is as deep as its input, and the "
                "image has 3 channels."),
            "swapped": ((3, 1, 5, 5), "(K, D1, F, F): first the number of filters, 1, "
                "then their depth, 3."),
            "channels-last": ((1, 5, 5, 3), "PyTorch puts the depth before the sides: "
                "(K, D1, F, F)."),
            "no-filters": ((3, 5, 5), "The first axis is missing, that of the filters. "
                "One filter is K = 1."),
            "bare": ((5, 5), "The axes of filters and depth are missing: (K, D1, F, "
                "F)."),
        }),
        **of_value("one_image", (1, 1, 28, 28), {
            "no-batch-axis": ((1, 28, 28), "A batch of one image is still a batch: "
                "four axes, (N, C, H, W)."),
            "map-for-each-colour": ((1, 3, 28, 28), "One filter gives one map, "
                "whatever the depth of its input."),
            "colours-first": ((3, 1, 28, 28), "The first axis counts images, and there "
                "is one. One filter gives one map."),
            "size-kept": ((1, 1, 32, 32), "Without padding a 5×5 kernel takes off "
                "four: 32 − 5 + 1."),
            "one-short": ((1, 1, 27, 27), "32 − 5 = 27 counts the moves. Add 1 for "
                "the first place."),
        }),
        **_batch("stride-forgotten", 28, "With stride 2, 28 becomes 14."),
        **_batch("rounded-up", 15, "(28 − 3 + 2)/2 = 13.5 is rounded down to 13 "
            "moves. Then add 1."),
        **_batch("one-short", 13, "(28 − 3 + 2)/2, rounded down, is 13 moves: add 1 "
            "for the first place. You also get 13 if you leave out the padding, and "
            "here P = 1."),
        **of_value("batch", (128, 16, 14, 14), {
            "input-depth": ((128, 8, 14, 14), "8 maps go in. Each of the 16 filters "
                "puts out one."),
            "no-batch-axis": ((16, 14, 14), "The batch axis is missing: 128 images go "
                "in and come out."),
            "swapped": ((16, 128, 14, 14), "The batch comes first: (N, C, H, W)."),
        }),
        **of_value("flat", (128, 3136), {
            "batch-flattened": ((128 * 3136,), "The batch axis stays: each image is "
                "flattened by itself."),
            "one-image": ((3136,), "That is one image's row, and there are 128 "
                "images: (N, numbers)."),
            "one-number": (3136, "That is how long a row is: (N, numbers) has N "
                "of them."),
            "not-flattened": ((128, 16, 14, 14), "That is before the flattening: all "
                "maps of an image become one row."),
            "per-map": ((128, 16, 196), "`nn.Flatten` makes one row for each image, of "
                "all maps: 16·14·14."),
            "one-map": ((128, 196), "196 is one map. An image has 16 of them in its "
                "row."),
            "side-once": ((128, 16 * 14), "A map is 14 high *and* 14 wide: 16·14·14."),
        }),
    },
    hints=(
        "Weights are (K, D1, F, F), images and maps (N, C, H, W).",
        "N never changes: each image is treated by itself.",
        "Flattened: 16·14·14 numbers for each image.",
    ),
))  # fmt: skip

add(Exercise("06.11", "The simple CNN",
    level=3,
    cases=lambda: [case((N, 1, 28, 28)) for N in (1, 2, 3, 5, 8)],
    **by_function("06.11", scales=(1, 10)),
    shown=on_input,
    wrong={
        "nothing-returned":                     outside(
            "06.11", _NOTHING_RETURNED, ("return nn.Seq", "nn.Seq")
        ),
        "sees-the-image": Wrong({1: "1"}, "The second convolution sees the 16 maps of "
            "the first, and no longer the image."),
        "swapped": Wrong({1: "32", 2: "16"}, "First the depth of the input, 16, then "
            "the number of filters, 32."),
        "kernel-of-3": Wrong({3: "3"}, "From 12, kernels of 5×5 leave 8, and 3×3 would "
            "leave 10."),
        "window-of-1": Wrong({4: "1"}, "Windows of 1×1 pool nothing. Windows of 2×2 "
            "halve 8 to 4."),
        "no-dropout": Wrong({5: "0"}, "In evaluation it is right. In training half of "
            "the features should be dropped."),
        "all-dropped": Wrong({5: "1"}, "p = 1 drops everything. Half of them is p = "
            "0.5."),
        "one-in-five": Wrong({5: "0.2"}, "p = 0.2 drops one in five. Half of them is p "
            "= 0.5."),
        "not-pooled": Wrong({6: "32 * 8 * 8"}, "32·8·8 is before the last pooling, "
            "which leaves 32 maps of 4×4."),
        "padded": Wrong({6: "32 * 7 * 7"}, "28 halved twice is 7, but each 5×5 takes "
            "off four: 28 → 24 → 12 → 8 → 4. So 32·4·4."),
        "maps-only": Wrong({6: "32"}, "Each of the 32 maps has 4·4 numbers: 32·4·4 in "
            "a row."),
        "depth-of-the-input": Wrong({6: "16 * 4 * 4"}, "The last convolution puts out "
            "32 maps, not 16."),
        "LeNet's": Wrong({6: "16 * 5 * 5"}, "400 = 16·5·5 is LeNet's. Here 32 maps of "
            "4×4 are left."),
        "scores-swapped": Wrong({6: "10", 7: "32 * 4 * 4"}, "A dense layer asks for "
            "its inputs first, 512, then for its outputs, 10."),
        "one-score": Wrong({7: "1"}, "Each of the ten digits gets a score of its own."),
        "mean-pooling": outside("06.11", "The shapes are right. But this takes the "
            "mean of each window, and the largest was asked for.",
            ("MaxPool", "AvgPool")),
        "dropped-scores": outside("06.11", "The scores themselves are dropped here. "
            "Drop the features before the last layer.",
            ("nn.Dropout(p=0.5),", ""), (", 10),", ", 10),\nnn.Dropout(p=0.5),")),
        "softmax": outside("06.11", "No softmax at the end: `cross_entropy` contains "
            "it.", (", 10),", ", 10),\nnn.Softmax(dim=1),")),
        "tanh": outside("06.11", "The shapes are right. But this is tanh, and ReLU "
            "was asked for.", ("ReLU", "Tanh")),
    },
    hints=(
        "A convolution's input depth is the number of maps before it.",
        "Each convolution of 5×5 takes off 4 pixels, and each pooling halves what is "
        "left.",
        "32 maps of 4×4 are 512 features.",
    ),
))  # fmt: skip

# --- 06.12: on a device ---------------------------------------------------------------


def _read_tested(ask, each: Case):
    """What a candidate says of a small network; where it computed, if elsewhere."""
    seen, device = ask(), each.args[1]
    value, used = seen["value"], set(seen["used"])
    if seen["place"] == "cuda":
        return f"a tensor on cuda:0, {describe(value)}"
    if value is not None and used - {device}:
        return f"{describe(value)}, computed on the {' and the '.join(sorted(used))}"
    return value


add(Exercise("06.12", "Accuracy, on a device",
    level=3,
    cases=lambda: [
        case((4,), "cpu", "cpu"), case((6, 2), "cpu", "cpu"),
        case((5, 5, 3), "cuda", "cpu"), case((8, 1), "cuda", "cuda"),
        case((7, 2, 2), "cpu", "cuda"),
    ],
    run=tested,
    read=_read_tested,
    shown=lambda name, each: (
        f"{name}(network on {each.args[2]}, batches on cpu of "
        f"{', '.join(map(str, each.args[0]))} images, {each.args[1]!r})"
    ),
    wrong={
        "images-left": Wrong({3: "images"}, "The images are still on the CPU, the "
            "weights on the GPU. `images.to(device)` gives a copy that is there: give "
            "it a name, `images = images.to(device)`."),
        "labels-left": Wrong({4: "labels"}, "The guesses are on the GPU, and the "
            "labels still on the CPU. To compare them, move the labels, too: `labels = "
            "labels.to(device)`."),
        "network-left": Wrong({1: "network"}, "The images are on the device, and the "
            "network may still be elsewhere. Move it, too; it is moved itself, not "
            "copied."),
        "nothing-moved": Wrong({1: "network", 3: "images", 4: "labels"},
            "Nothing is moved here, so this works only where everything happens to "
            "lie in one place. Network, images and labels: three to move."),
        "on-the-cpu": Wrong({1: "network.cpu()", 3: "images.cpu()", 4: "labels.cpu()"},
            "The number is right, but it was not computed on `device`. Move everything "
            "there, wherever that is."),
        "always-on-a-gpu": Wrong(
            {1: "network.cuda()", 3: "images.cuda()", 4: "labels.cuda()"},
            "The number is right, but this names a GPU, and `device` is not always "
            "one: many computers have none."),
        "still-training": Wrong({2: "network.train()"}, "Dropout still drops. Call "
            "`network.eval()` before you test."),
        "divided-by-batches": Wrong({5: "1"}, "Divide by the number of images, not of "
            "batches."),
        "batches-for-images": Wrong({5: "len(batches)"}, "`len(batches)` is how many "
            "batches there are, and the loop adds it for every batch. Count the images "
            "of the batch instead."),
        "first-batch's-size": Wrong({5: "len(batches[0][1])"}, "Not every batch is as "
            "large as the first: the last may be smaller. Ask each how many images it "
            "has."),
        "labels-added": Wrong({5: "labels.sum().item()"}, "This adds up class numbers. "
            "What you need is how many labels there are."),
        "hits-by-hits": Wrong({5: "(guesses == labels).sum().item()"},
            "This counts only images that were guessed right, so the part is always 1. "
            "Count them all."),
        "in-percent": outside("06.12", "That is in percent. A share of the images "
            "is a number between 0 and 1.", ("return ", "return 100 * ")),
        "errors-counted": outside("06.12", "That is the part that is *wrong*. Count "
            "the guesses that equal their labels.", ("==", "!=")),
        "tensor-returned": outside("06.12", "This is a tensor, and still on the GPU. "
            "`.item()` fetches the number from there.", (".item()", "")),
        "mean-of-batches": outside("06.12", "The mean of the batches' accuracies "
            "gives an image of a small batch more weight. Count over all batches, then "
            "divide once.", ("sum()", "float().mean()"), ("len(labels)", "1")),
        "not-divided": outside("06.12", "That is how many are right. Divide by the "
            "number of images.", (" / count", "")),
        "first-batch-only": outside("06.12", "Only the first batch counts here. Is "
            "the `return` inside the loop?", ("    return", "            return")),
        "last-batch-only": outside("06.12", "Only the last batch counts here. Start "
            "the counts before the loop, and add to them in it: `+=`.", ("+=", "=")),
    },
    hints=(
        "Three things have to lie on the device: the network, the images, and the "
        "labels that the guesses are compared with.",
        "A network is moved itself, by `network.to(device)`; of a tensor you get a "
        "copy, `images.to(device)`.",
        "`network.eval()` switches dropout off.",
    ),
))  # fmt: skip
