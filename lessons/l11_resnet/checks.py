"""Checks: ResNet."""

import math

import torch
from torch.nn import functional

from helpers.exercises.engine import Exercise, Wrong, add, case
from lessons.modules import by_function, on_input

# --- 11.1 and 11.2: what is wrong with deep plain networks? ---------------------------

add(
    Exercise(
        "11.1",
        "Overfitting or underfitting?",
        level=1,
        wrong={
            "all-overfit": Wrong({"A": "over", "B": "over", "C": "over"},
                "Every network is somewhat worse in the test. Overfitting shows in a "
                "training error far *below* the test error."),
            "deeper-overfits": Wrong({"B": "over"},
                "B is a large network, but it does not even fit the training images: "
                "it gets 13 % of them wrong."),
            "swapped": Wrong({"A": "under", "B": "over"},
                "It is the other way round: a network that overfits has learned its "
                "images by heart."),
            "low-error-underfits": Wrong({"A": "under"},
                "A gets 99 % of the training images right, so it does not underfit."),
            "A-is-fine": Wrong({"A": "neither"},
                "From 1 % in training to 15 % in the test: A knows its images by heart "
                "and is at a loss with others."),
            "test-only": Wrong({"C": "over"},
                "C's errors are close to each other, and low: nothing is wrong."),
            "C-underfits": Wrong({"C": "under"},
                "C gets 3 % wrong in training, half as many as the small network: it "
                "fits."),
            "B-is-fine": Wrong({"B": "neither"},
                "A smaller network gets 6 % wrong in training, and B gets 13 % wrong: "
                "it could do better on images that it has seen."),
        },
        otherwise='Each answer is "over", "under" or "neither".',
        hints=(
            "Look at the training error first: has the network learned its own images?",
            "A: nearly perfect in training, far worse in the test. B: bad at both.",
        ),
    )
)  # fmt: skip

add(
    Exercise(
        "11.2",
        "At most a quarter",
        level=2,
        tolerance=1e-6,
        wrong={
            "added": Wrong({"three": 3 / 4},
                "The chain rule multiplies the slopes: ¼ · ¼ · ¼, not ¼ + ¼ + ¼."),
            "divided-by-layers": Wrong({"three": 1 / 12},
                "¼ · ¼ · ¼ has 4 · 4 · 4 in the denominator, not 4 · 3."),
            "one-slope": Wrong({"three": 1 / 4},
                "That is the slope of one layer. There are three σ in a row."),
            "squared": Wrong({"three": 1 / 16}, "That is two layers."),
            "fourth-power": Wrong({"three": 1 / 4**4},
                "That is four layers, from x₀ to x₄. There are three σ here."),
            "slope-of-a-half": Wrong({"three": 1 / 8},
                "½ is how high σ is at 0. Its slope there is ½ · (1 − ½)."),
            "slope-of-a-half-throughout": Wrong({"three": 1 / 8, "layers": 20},
                "Both answers use a slope of ½, which is how high σ is at 0. Its slope "
                "there is ½ · (1 − ½)."),
            "upside-down": Wrong({"three": 4**3},
                "Slopes of at most ¼ make the product small, not large: it is 1 over "
                "that."),
            "by-halves": Wrong({"layers": 20},
                "20 would be right for slopes of ½: 2²⁰ is a million."),
            "by-tenths": Wrong({"layers": 6},
                "6 would be right for slopes of 1/10. 4⁶ is only 4096."),
            "by-tenths-strictly": Wrong({"layers": 7},
                "7 would do for slopes of 1/10. 4⁷ is only 16 384."),
            "just-not": Wrong({"layers": 9},
                "4⁹ = 262 144: a quarter of a million, not yet a million."),
            "one-more": Wrong({"layers": 11},
                "10 are enough already: 4¹⁰ = 1 048 576, more than a million."),
            "a-thousandth": Wrong({"layers": 5},
                "4⁵ = 1024: with five layers it is below a thousandth."),
            "divided": Wrong({"layers": 10**6 / 4},
                "Each layer divides by 4 once more. How many layers does it take to "
                "reach a million?"),
            "not-whole": Wrong({"layers": round(math.log(10**6, 4), 2)},
                "The number of layers is whole: the first for which the slope is below "
                "a millionth."),
        },
        hints=(
            "Multiply one factor of ¼ for each layer.",
            "¼ · ¼ · ¼ for three. And 4⁵ = 1024: what is 4¹⁰?",
        ),
    )
)  # fmt: skip

# --- 11.3: clipping -------------------------------------------------------------------


def _gradients(*shapes, seed, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    return [size * torch.randn(shape, generator=generator) for shape in shapes]


add(
    Exercise(
        "11.3",
        "Clip the gradients",
        level=2,
        cases=lambda: [
            case([torch.tensor([6.0, 8.0])], 5.0),
            case([torch.tensor([6.0, 8.0])], 20.0),
            case([torch.tensor([12.0, 0.0]), torch.tensor([[0.0], [16.0]])], 10.0),
            case([torch.tensor([0.3, -0.4])], 10.0),
            case([torch.tensor([6.3, 8.4])], 10.0),  # just above, just below
            case([torch.tensor([5.7, 7.6])], 10.0),
            case(_gradients((3, 2), (4,), seed=1, size=9.0), 10.0),
            case(_gradients((2, 1, 3, 3), (2,), (5, 2), seed=2, size=30.0), 10.0),
            case(_gradients((2, 2), (3,), seed=3), 10.0),
            case(_gradients((2, 3), (1,), seed=4), 0.5),
        ],
        wrong={
            "by-value": Wrong(
                lambda gradients, most: [g.clamp(-most, most) for g in gradients],
                "This clips each number by itself, and so turns the gradient: it no "
                "longer points the steepest way. Shrink all by one factor."),
            "not-squared": Wrong({1: "g.sum()"},
                "This adds up the numbers themselves, and positive and negative ones "
                "cancel. The norm adds up squares."),
            "sum-squared": Wrong({1: "g.sum() ** 2"},
                "This squares a sum. Square each number first, then add up."),
            "absolute": Wrong({1: "g.abs().sum()"},
                "This adds up absolute values; the norm adds up squares."),
            "not-summed": Wrong({1: "g**2"},
                "That is a whole tensor of numbers. Each tensor should give one: the "
                "sum of its squares."),
            "averaged": Wrong({1: "(g**2).mean()"},
                "The norm adds up all squares. A mean forgets how many there are."),
            "root-twice": Wrong({1: "g.norm()"},
                "This takes the root for each tensor already. Add up the squares; the "
                "root comes once, at the end."),
            "to-one": Wrong({2: "(1 / norm)"},
                "Divided by the norm, the gradient has length 1. It should have length "
                "`most`."),
            "upside-down": Wrong({2: "(norm / most)"},
                "That makes a long gradient longer still. The factor is below 1: "
                "`most / norm`."),
            "times-most": Wrong({2: "most"},
                "This multiplies by `most`, but does not divide by the norm."),
            "difference": Wrong({2: "(most - norm)"},
                "A difference is not a factor. What must `norm` be multiplied by to "
                "become `most`?"),
            "divided-by-most": Wrong({2: "(1 / most)"},
                "This divides by `most`. A gradient of length `norm` should get the "
                "length `most`."),
            "each-by-itself": Wrong({2: "(most / g.norm())"},
                "This shrinks each tensor by its own norm. All of them get one factor, "
                "from the common norm."),
            "rooted-again": Wrong({2: "(most / norm**0.5)"},
                "The root is already taken in the line above."),
            "squared-norm": Wrong({2: "(most / norm**2)"},
                "This divides by the square of the norm. Divided by the norm itself, "
                "the gradient gets the right length."),
            "typed": Wrong({2: "(10 / norm)"},
                "10 is only one example: the length is handed in as `most`."),
            "never": Wrong({2: "1"},
                "Nothing is clipped here: a gradient that is too long stays too long."),
        },
        hints=(
            "The common norm: the root of the sum of the squares of all numbers.",
            "By what must a gradient of length `norm` be multiplied to get length "
            "`most`?",
            "`most / norm`.",
        ),
    )
)  # fmt: skip

# --- 11.4: why the sum helps ----------------------------------------------------------

add(
    Exercise(
        "11.4",
        "The gradient of a sum",
        level=2,
        tolerance=1e-6,
        wrong={
            "slopes-added": Wrong({"plain": 3 / 2},
                "Slopes of functions in a row are multiplied."),
            "added-throughout": Wrong({"plain": 3 / 2, "residual": 9 / 2},
                "Slopes of functions in a row are multiplied, plain or residual."),
            "one-plain-block": Wrong({"plain": 1 / 2}, "That is one block of three."),
            "two-plain-blocks": Wrong({"plain": 1 / 4}, "That is two blocks of three."),
            "divided-by-three": Wrong({"plain": 1 / 6},
                "½ · ½ · ½ has 2 · 2 · 2 in the denominator, not 2 · 3."),
            "exchanged": Wrong({"plain": 27 / 8, "residual": 1 / 8},
                "The two are swapped: x + F(x) has the slope 1 + F′, and F(x) has F′."),
            "one-missing": Wrong({"residual": 1 / 8},
                "x + F(x) has the slope 1 + F′: the 1 of the shortcut is missing."),
            "one-added-once": Wrong({"residual": 9 / 8},
                "Each of the three blocks has its own shortcut: (1 + ½) three times."),
            "ones-added": Wrong({"residual": 3 + 1 / 8},
                "This adds 1 for each shortcut to the slope of the three F. But each "
                "block has the slope 1 + ½, and these are multiplied."),
            "halves-added-to-one": Wrong({"residual": 1 + 3 / 2},
                "That is 1 + ½ + ½ + ½. The paths through two or three F are missing: "
                "multiply."),
            "all-added": Wrong({"residual": 9 / 2},
                "Multiply the three slopes of 1 + ½."),
            "one-block": Wrong({"residual": 3 / 2}, "That is one block, not three."),
            "two-blocks": Wrong({"residual": 9 / 4},
                "That is two blocks. There is one more."),
            "only-the-short-cut": Wrong({"residual": 1},
                "1 is what passes along the shortcuts alone. F adds ½ at each block."),
            "number-of-paths": Wrong({"residual": 8},
                "(1 + 1)³ counts the paths. The slope weighs each F with ½: 1 + ½."),
            "three-paths": Wrong({"paths": 3},
                "At each block a path chooses anew: through F, or past it."),
            "two-for-each": Wrong({"paths": 6},
                "Two ways at each of three blocks: 2 · 2 · 2, not 2 · 3."),
            "two-paths": Wrong({"paths": 2},
                "A path may go through one F and past another."),
            "four-paths": Wrong({"paths": 4},
                "Two blocks would have four. Or did you count how many F a path takes, "
                "0 to 3? It also matters which ones."),
            "three-squared": Wrong({"paths": 9}, "2 ways, 3 times: 2³, not 3²."),
            "one-left-out": Wrong({"paths": 7},
                "One is missing: past all of them, or through all of them, is a way, "
                "too."),
        },
        hints=(
            "(x + F(x))′ = 1 + F′(x).",
            "½ · ½ · ½, and (1 + ½)·(1 + ½)·(1 + ½).",
            "Multiply (1 + ½)·(1 + ½)·(1 + ½) out: how many products are there?",
        ),
    )
)  # fmt: skip

# --- 11.5: the block ------------------------------------------------------------------

_BLOCKS = [(2, 1, 3, 4), (2, 2, 5, 4), (3, 4, 4, 4), (2, 3, 6, 3), (5, 8, 2, 7)]

add(
    Exercise(
        "11.5",
        "The residual block",
        level=2,
        cases=lambda: [case(shape, shape[1]) for shape in _BLOCKS],
        **by_function("11.5"),
        shown=on_input,
        wrong={
            "no-padding": Wrong({1: "0"},
                "Without padding, a 3×3 takes one pixel off each side, and x no longer "
                "fits. With padding 1 it keeps the size."),
            "padding-too-large": Wrong({1: "2"},
                "With padding 2 the maps grow by 2, and x no longer fits. With padding "
                "1 a 3×3 keeps the size."),
            "norm-of-one": Wrong({2: "1"},
                "Batch norm has one mean for each channel, and D channels come in."),
            "no-relu-between": Wrong({3: "self.norm1(self.conv1(x))"},
                "Without a ReLU between them, the two convolutions are one linear "
                "function."),
            "norm-after-relu": Wrong({3: "self.norm1(functional.relu(self.conv1(x)))"},
                "Batch norm comes before the ReLU here, not after it."),
            "norm-before-convolution": Wrong(
                {3: "functional.relu(self.conv1(self.norm1(x)))"},
                "Batch norm comes after the convolution here, not before it."),
            "first-norm-forgotten": Wrong({3: "functional.relu(self.conv1(x))"},
                "The first batch norm is made, but never used."),
            "norm-and-relu-forgotten": Wrong({3: "self.conv1(x)"},
                "Batch norm and ReLU are missing after the first convolution."),
            "added-twice": Wrong({3: "functional.relu(self.norm1(self.conv1(x)) + x)"},
                "x is added after the first convolution already. One shortcut spans "
                "both."),
            "starts-anew": Wrong({4: "self.norm2(self.conv2(x))"},
                "The second convolution gets x here, and what the first made of it is "
                "lost."),
            "first-again": Wrong({4: "self.norm2(self.conv1(out))"},
                "The first convolution is used twice, and the second never."),
            "norm-again": Wrong({4: "self.norm1(self.conv2(out))"},
                "The first batch norm is used twice, and the second never."),
            "second-norm-forgotten": Wrong({4: "self.conv2(out)"},
                "The second batch norm is made, but never used."),
            "second-norm-after-relu": Wrong(
                {4: "self.norm2(functional.relu(self.conv2(out)))"},
                "After the second convolution comes batch norm, then x, then ReLU."),
            "second-norm-before-convolution": Wrong({4: "self.conv2(self.norm2(out))"},
                "The second batch norm comes after its convolution, not before it."),
            "relu-twice": Wrong(
                {4: "functional.relu(self.norm2(self.conv2(out)))"},
                "ReLU comes after the addition only. Before it, F could only add, "
                "never take away."),
            "added-early": Wrong({4: "self.norm2(self.conv2(out)) + x"},
                "x is added here, and once more in the last line."),
            "norm-after-the-addition": Wrong(
                {4: "self.conv2(out)", 5: "functional.relu(self.norm2(out + x))"},
                "Batch norm after the addition also rescales the shortcut. It belongs "
                "to the convolution: before the addition."),
            "no-shortcut": Wrong({5: "functional.relu(out)"},
                "The shortcut is missing: this is a plain block. Add x."),
            "nothing-at-the-end": Wrong({5: "out"},
                "That is F(x) alone. Add x, and put the sum through ReLU."),
            "path-forgotten": Wrong({5: "functional.relu(x)"},
                "F(x) is missing: only x comes out."),
            "relu-before-the-addition": Wrong({5: "functional.relu(out) + x"},
                "ReLU comes after the addition. Before it, F could only "
                "add, never take away."),
            "relu-of-each": Wrong({5: "functional.relu(out) + functional.relu(x)"},
                "F(x) and x each have their own ReLU here. Add first, so that F can "
                "take away."),
            "no-last-relu": Wrong({5: "out + x"},
                "The sum is right. The ReLU after it is missing."),
            "multiplied": Wrong({5: "functional.relu(out * x)"},
                "F(x) and x are added, not multiplied."),
            "subtracted": Wrong({5: "functional.relu(out - x)"},
                "F(x) and x are added, not subtracted."),
            "in-place": Wrong({5: "functional.relu(x.add_(out))"},
                "This changes x in place: whoever handed it in loses it, and gradients "
                "cannot be computed. Write `out + x`, not `x += …`."),
            "joined": Wrong({5: "functional.relu(torch.cat([out, x], dim=1))"},
                "Inception concatenates maps along the depth. Here they are added, so "
                "D channels stay D."),
        },
        hints=(
            "Convolution, batch norm, ReLU, convolution, batch norm: that is F(x).",
            "Only then x is added, and the sum goes through ReLU.",
            "The last line: `functional.relu(out + x)`.",
        ),
    )
)  # fmt: skip

# --- 11.6: the shortcut across a stage ------------------------------------------------


def _images(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


_NEW = "channels - x.shape[1]"

add(
    Exercise(
        "11.6",
        "A shortcut that shrinks and widens",
        level=2,
        cases=lambda: [
            case(torch.arange(1.0, 17).view(1, 1, 4, 4), 1, 2),
            case(torch.arange(1.0, 5).view(1, 1, 2, 2), 2, 1),
            case(torch.arange(1.0, 17).view(1, 1, 4, 4), 2, 2),
            case(_images(2, 3, 4, 6, seed=1), 6, 2),
            case(_images(3, 2, 5, 7, seed=2), 4, 2),
            case(_images(2, 4, 3, 2, seed=3), 4, 1),
            case(_images(1, 2, 7, 9, seed=4), 5, 3),
        ],
        wrong={
            **{
                f"{name}-{key}": Wrong({at: text}, says.format(name.capitalize()))
                for at, name in ((1, "rows"), (2, "columns"))
                for key, text, says in (
                    ("not-shrunk", "1",
                     "{} are all kept here. Take every stride-th one."),
                    ("by-two", "2",
                     "{} are halved here whatever the stride is, and it may be 1 or "
                     "3."),
                )
            },
            "not-widened": Wrong({4: "0"},
                "F(x) has `channels` channels, so nothing can be added to this yet: "
                "pad with zeros."),
            "zeros-in-front": Wrong({3: _NEW, 4: "0"},
                "The zeros stand before the old channels. They belong after them: the "
                "last number of the padding."),
            "zeros-on-both-sides": Wrong({3: _NEW},
                "The zeros are filled in twice here, before and after the old "
                "channels. None belong before them."),
            "zeros-shared": Wrong({3: f"({_NEW}) // 2", 4: f"({_NEW}) - ({_NEW}) // 2"},
                "The number is right, but half of the zeros come before the old "
                "channels. All of them belong after."),
            "too-many-zeros": Wrong({4: "channels"},
                "This adds `channels` channels. There should be `channels` of them in "
                "all."),
            "doubled": Wrong({4: "x.shape[1]"},
                "That always doubles the channels. `channels` of them are wanted."),
            "negative": Wrong({4: "x.shape[1] - channels"},
                "It is the other way round: with a negative number, `pad` cuts "
                "channels away. How many are missing?"),
            "counts-images": Wrong({4: "channels - x.shape[0]"},
                "`x.shape[0]` is how many images there are. Channels are axis 1."),
            "counts-rows": Wrong({4: "channels - x.shape[2]"},
                "`x.shape[2]` is how many rows there are. Channels are axis 1."),
            "counts-columns": Wrong({4: "channels - x.shape[3]"},
                "`x.shape[3]` is how many columns there are. Channels are axis 1."),
        },
        hints=(
            "The slice `x[:, :, ::2, ::2]` is every second row and column.",
            "There are `x.shape[1]` channels, and `channels` are wanted.",
        ),
    )
)  # fmt: skip

# --- 11.7 and 11.8: bottlenecks -------------------------------------------------------

_PLACES = 28 * 28
_WIDE = 2 * 9 * 256 * 256
_ONE = 256 * 64  # weights of each 1×1
_MIDDLE = 9 * 64 * 64
_NARROW = _ONE + _MIDDLE + _ONE
_BOTTLENECKS = {
    "only-the-middle": (_MIDDLE,
        "That is the 3×3 in the middle alone (or all three as 1×1). Each 1×1 has "
        "256·64 weights, and the 3×3 has 9·64·64."),
    "only-the-first": (_ONE, "That is one 1×1. Another one and a 3×3 follow."),
    "only-the-outer": (2 * _ONE,
        "These are the two 1×1. The 3×3 between them has 9·64·64 weights."),
    "one-way": (_ONE + _MIDDLE,
        "Down and up again: there are two 1×1 layers of 16 384."),
    "wide-middle": (2 * _ONE + 9 * 64 * 256,
        "The 3×3 goes from 64 to 64; only the last 1×1 widens."),
    "middle-on-all": (2 * _ONE + 9 * 256 * 256,
        "The 3×3 works on 64 channels, not on 256: that is what the 1×1 is for."),
    "threes": (9 * (2 * _ONE + 64 * 64),
        "The first and the last are 1×1: one weight for each channel."),
    "three-for-nine": (2 * _ONE + 3 * 64 * 64, "A 3×3 has nine weights, not three."),
    "last-to-64": (_ONE + _MIDDLE + 64 * 64,
        "The last 1×1 goes up again, from 64 to 256."),
    "depth-forgotten-below": (64 + 9 * 64 + 256,
        "Each filter is as deep as its input: 256, 64 and 64."),
    "with-biases-below": (_NARROW + 64 + 64 + 256,
        "This counts biases. Here there are none: batch norm has its own."),
    "with-norms-below": (_NARROW + 2 * (64 + 64 + 256),
        "This counts the γ and β of batch norm. Only convolutions count."),
}  # fmt: skip

add(
    Exercise(
        "11.7",
        "Two wide layers, or a bottleneck",
        level=2,
        tolerance=1e-9,
        wrong={
            "one-layer": Wrong({"wide": _WIDE // 2},
                "That is one 3×3 layer. The block has two."),
            "depth-forgotten": Wrong({"wide": 2 * 9 * 256},
                "Each of the 256 filters is 256 deep: 9·256 weights."),
            "with-biases": Wrong({"wide": _WIDE + 2 * 256},
                "No biases here: batch norm, which follows, has its own."),
            "with-norms": Wrong({"wide": _WIDE + 4 * 256},
                "This counts the γ and β of two batch norms. Only the weights of the "
                "convolutions are asked for."),
            "three-for-nine-above": Wrong({"wide": _WIDE // 3},
                "A 3×3 has nine weights in each channel, not three."),
            "one-by-one": Wrong({"wide": _WIDE // 9},
                "That would be two 1×1 layers. A 3×3 has nine times as many weights."),
            "narrow": Wrong({"wide": 2 * _MIDDLE},
                "That is from 64 to 64. The wide layers go from 256 to 256."),
            "wide-times-places": Wrong({"wide": _WIDE * _PLACES},
                "That is the work of both. The weights are the same at all 28·28 "
                "places: they count once."),
            **{
                key: Wrong({"bottleneck": n}, says)
                for key, (n, says) in _BOTTLENECKS.items()
            },
            **{
                f"{key}-throughout": Wrong({"bottleneck": n, "work": n * _PLACES},
                    f"{says} (`work` follows from that.)")
                for key, (n, says) in _BOTTLENECKS.items()
            },
            "weights-once": Wrong({"work": _NARROW},
                "Each weight works at every one of 28·28 places."),
            "one-side": Wrong({"work": _NARROW * 28}, "28·28 places, not 28."),
            "inner-places": Wrong({"work": _NARROW * 26 * 26},
                "26·26 would be without padding. Here the size is kept: 28·28."),
            "operations": Wrong({"work": 2 * _NARROW * _PLACES},
                "This counts multiplications and additions separately. A multiply-add "
                "is both in one."),
            "wide-work": Wrong({"work": _WIDE * _PLACES},
                "That is the work of the two wide layers."),
            "middle-work": Wrong({"work": _MIDDLE * _PLACES},
                "That is the work of the 3×3 alone. The two 1×1 do some, too."),
            "outputs": Wrong({"work": 256 * _PLACES},
                "That is how many numbers come out. Each of them takes many "
                "multiplications."),
        },
        hints=(
            "A layer has (channels in) · F · F · (channels out) weights.",
            "Bottleneck: 256·64, then 9·64·64, then 64·256.",
            "Work: each weight is used at 28·28 places.",
        ),
    )
)  # fmt: skip

_CASES = [
    ((2, 3, 3, 5), 1, 1),
    ((2, 2, 4, 6), 2, 2),
    ((3, 5, 5, 7), 2, 2),
    ((1, 6, 4, 4), 3, 1),
    ((2, 8, 7, 5), 1, 3),
    ((2, 3, 5, 4), 3, 1),
]

add(
    Exercise(
        "11.8",
        "A bottleneck with its shortcut",
        level=3,
        cases=lambda: [case(s, s[1], D, stride) for s, D, stride in _CASES],
        **by_function("11.8"),
        shown=on_input,
        wrong={
            "not-widened": Wrong({1: "D"},
                "A norm of 4·D features gets D here. The last 1×1 goes back up, and "
                "the shortcut must be as wide: both end with 4·D channels."),
            "up-to-the-input": Wrong({1: "D1"},
                "As many as came in? The last 1×1 and the shortcut both end with 4·D "
                "channels, as the norms that follow expect."),
            "four": Wrong({1: "4"},
                "This gives 4 channels, whatever D is. There should be 4·D."),
            "three-by-three": Wrong({2: "3"},
                "A 3×3 without padding shrinks the maps. The last layer is 1×1."),
            "shortcut-from-D": Wrong({3: "D"},
                "The shortcut starts from x, which has D1 channels."),
            "shortcut-from-4D": Wrong({3: "4 * D"},
                "4·D come out of the shortcut. What goes in is x: D1 channels."),
            "shortcut-turned": Wrong({3: "4 * D", 4: "D1"},
                "Channels in come first: D1, then 4·D."),
            "up-forgotten": Wrong({5: "out"},
                "The last 1×1 is made, but never used: `out` still has D channels."),
            "up-of-x": Wrong({5: "self.up(x)"},
                "The last 1×1 gets what the two layers before it made: `out`, not x."),
            "path-again": Wrong({5: "self.up(self.conv(out))"},
                "`out` has gone through the 3×3 already; here it goes once more."),
            "path-forgotten": Wrong({5: "0"},
                "Only the shortcut is left. F(x) is missing: `out`, "
                "widened by the last 1×1."),
            "relu-twice": Wrong({5: "functional.relu(self.up(out))"},
                "ReLU comes after the addition only, not before it as well."),
            "no-projection": Wrong({6: "x"},
                "x cannot be added as it is: F(x) has more or fewer channels, and with "
                "a stride it is smaller. The shortcut needs its 1×1."),
            "shortcut-forgotten": Wrong({6: "0"},
                "The shortcut is made, but never added."),
            "shortcut-of-out": Wrong({6: "self.shortcut(out)"},
                "The shortcut starts from x, not from what the path has made of it."),
            "relu-on-the-shortcut": Wrong({6: "functional.relu(self.shortcut(x))"},
                "The shortcut has a convolution and batch norm, and no ReLU."),
            "shortcut-twice": Wrong({5: "self.shortcut(x)"},
                "The shortcut is added to itself. F(x) is missing."),
            "path-twice": Wrong({6: "self.up(out)"},
                "F(x) is added to itself. The shortcut is missing."),
        },
        hints=(
            "Channels: D1 → D → D → 4·D. The shortcut goes from D1 to 4·D at once.",
            "The stride appears twice: in the 3×3, and in the shortcut's 1×1.",
            "At the end `functional.relu(self.up(out) + self.shortcut(x))`.",
        ),
    )
)  # fmt: skip

# --- 11.9: how deep? ------------------------------------------------------------------

add(
    Exercise(
        "11.9",
        "How deep is it?",
        level=1,
        cases=lambda: [
            case([1], 2),
            case([2, 2, 2, 2], 2),
            case([3, 4, 6, 3], 2),
            case([3, 4, 6, 3], 3),
            case([1, 3], 3),
            case([2, 5, 9], 2),
            case([3, 8, 36, 3], 3),
        ],
        tolerance=1e-9,
        wrong={
            "blocks-as-layers": Wrong({1: "1"},
                "A block has `layers` convolutions, one after the other."),
            "always-two": Wrong({1: "2"},
                "Blocks may also have three convolutions: `layers` says how many."),
            "always-three": Wrong({1: "3"},
                "Blocks may also have two convolutions: `layers` says how many."),
            "shortcuts-as-well": Wrong({1: "(layers + 1)"},
                "The shortcut stands beside the path, not on it: it does not count."),
            "stages": Wrong({2: "len(blocks)"},
                "`len` counts the stages; `sum` the blocks in them."),
            "not-summed": Wrong({2: "blocks"},
                "`blocks` is a list, and a number times a list only repeats it. Add "
                "its numbers up."),
            "first-stage": Wrong({2: "blocks[0]"},
                "That is the first stage alone. All of them count."),
            "last-stage": Wrong({2: "blocks[-1]"},
                "That is the last stage alone. All of them count."),
            "largest-stage": Wrong({2: "max(blocks)"},
                "That is the longest stage alone. All of them count."),
            "typed": Wrong({2: "16"},
                "16 is the number of blocks in [3, 4, 6, 3]. Other networks have other "
                "lists."),
            "blocks-only": Wrong({3: "0"},
                "Two layers stand outside the blocks: the first convolution, and the "
                "dense layer at the end."),
            "one-outside": Wrong({3: "1"},
                "There are two outside: the first convolution and the dense layer."),
            "three-outside": Wrong({3: "3"},
                "There are two outside. Pooling has no weights, and does not count."),
            "two-a-stage": Wrong({3: "2 + len(blocks)"},
                "The 1×1 of a shortcut stands beside the path, not on it: it does not "
                "count. Nor does what has no weights."),
            "layers-outside": Wrong({3: "layers"},
                "There are two layers outside, however many a block has."),
            "stages-outside": Wrong({3: "len(blocks)"},
                "There are two layers outside in all, not one for each stage."),
            "brackets": Wrong({3: "2 * layers"},
                "The two outside count once each, not `layers` times."),
        },
        hints=(
            "How many blocks are there in all stages together?",
            "Multiply by `layers`, then add the first convolution and the last layer.",
        ),
    )
)  # fmt: skip

# --- 11.10: He's start ----------------------------------------------------------------

add(
    Exercise(
        "11.10",
        "He's start",
        level=1,
        cases=lambda: [
            case(1, 2),
            case(1, 8),
            case(3, 1),
            case(3, 16),
            case(3, 64),
            case(7, 3),
            case(5, 6),
        ],
        wrong={
            "variance": Wrong("2 / (F * F * D1)",
                "That is the variance. The standard deviation is its root."),
            "half-the-variance": Wrong("(2 / (F * F * D1)) ** 1 / 2",
                "This is 1/(F·F·D1): half of He's variance, and its root is missing. "
                "Put 2 in the numerator and write `** 0.5`: `** 1 / 2` only halves, "
                "because `**` comes first."),
            "xavier": Wrong("(1 / (F * F * D1)) ** 0.5",
                "That is right without a nonlinearity. ReLU sets half of the numbers "
                "to zero, so the variance must be twice as large."),
            "half": Wrong("(1 / (2 * F * F * D1)) ** 0.5",
                "The 2 makes up for what ReLU takes away, so it must make the weights "
                "larger: it belongs in the numerator."),
            "one-channel": Wrong("(2 / (F * F)) ** 0.5",
                "A filter reaches through all D1 channels: F·F·D1 products are added."),
            "channels-only": Wrong("(2 / D1) ** 0.5",
                "A filter has F·F places in each channel: F·F·D1 products are added. "
                "(Or is a bracket missing around F * F * D1?)"),
            "extent-once": Wrong("(2 / (F * D1)) ** 0.5", "A filter is F by F."),
            "extent-doubled": Wrong("(2 / (2 * F * D1)) ** 0.5",
                "F high and F wide are F·F places, not 2·F."),
            "added": Wrong("(2 / (F * F + D1)) ** 0.5",
                "F·F places in each of D1 channels: multiply, do not add."),
            "no-brackets": Wrong("(2 / F * F * D1) ** 0.5",
                "`/` and `*` go from left to right: F cancels out, and D1 multiplies. "
                "Put brackets around F * F * D1."),
            "channels-above": Wrong("(2 / F**2 * D1) ** 0.5",
                "D1 multiplies here. It belongs in the denominator: put brackets "
                "around F**2 * D1."),
            "two-outside": Wrong("2 / (F * F * D1) ** 0.5",
                "The root covers the 2 as well: √2 / √(F·F·D1)."),
            "only-two-rooted": Wrong("2 ** 0.5 / (F * F * D1)",
                "The root covers all of it: √2 / √(F·F·D1)."),
            "all-above": Wrong("(2 * F * F * D1) ** 0.5",
                "The more products are added, the smaller each must be: F·F·D1 belongs "
                "in the denominator."),
            "typed": Wrong("(2 / (9 * D1)) ** 0.5",
                "9 is right for a 3×3. Other filters have other sizes: F·F."),
            "channels-typed": Wrong("(2 / (F * F * 64)) ** 0.5",
                "64 channels are only an example. D1 says how many there are."),
            "squared": Wrong("(2 / (F * F * D1)) ** 2",
                "The deviation is the root of the variance, not its square."),
            "inverse": Wrong("(F * F * D1 / 2) ** 0.5",
                "The more products are added, the smaller each must be."),
            "torch-sqrt": Wrong("torch.sqrt(2 / (F * F * D1))",
                "The idea is right. But `torch.sqrt` takes tensors, and this is a "
                "number: write `** 0.5`."),
        },
        hints=(
            "How many products does one output add up?",
            "F·F·D1 of them. The variance of a weight is 2 divided by that.",
            "The standard deviation is the root of the variance.",
        ),
    )
)  # fmt: skip

# --- 11.11: cross-entropy from scores -------------------------------------------------


def _scores(N, C, seed, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    scores = size * torch.randn(N, C, generator=generator)
    return case(scores, torch.randint(C, (N,), generator=generator))


add(
    Exercise(
        "11.11",
        "Cross-entropy from scores",
        level=3,
        cases=lambda: [
            case(torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
            case(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0])),
            case(torch.tensor([[1.0, 2, 3], [0, 5, 1]]), torch.tensor([2, 0])),
            _scores(4, 3, seed=1),
            _scores(3, 3, seed=4),
            _scores(7, 10, seed=2, size=5.0),
            case(torch.tensor([[1000.0, 999, 0]]), torch.tensor([1])),
            case(torch.tensor([[900.0, 901], [-900, -901]]), torch.tensor([0, 0])),
            _scores(5, 4, seed=3, size=300.0),
            case(torch.tensor([[500.0, 501, 502]]), torch.tensor([1])),
        ],
        wrong={
            "overflows": Wrong({1: "0"},
                "Right for small scores. But e¹⁰⁰⁰ is infinite on a computer: subtract "
                "the largest score of each image first."),
            "one-maximum-for-all": Wrong({1: "scores.max()"},
                "One maximum for the whole batch: for another image all e^… become 0, "
                "and the log infinite. Each row has its own."),
            "maximum-of-each-class": Wrong({1: "scores.max(dim=0).values"},
                "That is the largest score of each class, over the batch. Each image "
                "has its own maximum: `dim=1`."),
            "axis-lost": Wrong({1: "scores.max(dim=1).values"},
                "Without `keepdim=True` the maxima have the shape (N,), and line up "
                "with the classes instead of the images."),
            "values-forgotten": Wrong({1: "scores.max(dim=1, keepdim=True)"},
                "`max` along an axis gives values and places: take `.values`."),
            "not-the-largest": Wrong({1: "scores.mean(dim=1, keepdim=True)"},
                "Only if you subtract the largest is no score above 0. After "
                "subtracting the mean, or the smallest, e^… may still be infinite."),
            "always-class-0": Wrong({2: "0"},
                "That is the score of class 0 for every image. The label says which."),
            "one-early": Wrong({2: "labels - 1"},
                "Classes are counted from 0, and so are places: use the label as it "
                "is."),
            "all-classes": Wrong({2: ":"},
                "This takes all scores. Only that of the right class counts."),
            "best-class": Wrong({2: "scores.argmax(dim=1)"},
                "That is the class that the network believes in. The loss asks for the "
                "score of the true one, the label."),
            "first-label": Wrong({2: "labels[0]"},
                "All images get the first one's label. Each has its own."),
            "log-forgotten": Wrong({3: "scores.exp().sum(dim=1)"},
                "This is the sum. Its log is missing."),
            "exp-forgotten": Wrong({3: "scores.sum(dim=1).log()"},
                "The sum is of e^…, not of the scores themselves."),
            "log-first": Wrong({3: "scores.exp().log().sum(dim=1)"},
                "First the sum, then its log. The other way round the log undoes the "
                "exp."),
            "averaged": Wrong({3: "scores.exp().mean(dim=1).log()"},
                "This is the log of the mean of e^…. It should be the log of their "
                "sum."),
            "one-sum": Wrong({3: "scores.exp().sum().log()"},
                "One sum for the whole batch. Each image has its own: `dim=1`."),
            "sum-over-the-batch": Wrong({3: "scores.exp().sum(dim=0).log()"},
                "The sum runs over the images here. It is over the classes: `dim=1`."),
            "not-summed": Wrong({3: "scores"},
                "Without exp and sum, this is a number for each class. Each image "
                "should have one: log Σ e^…."),
            "base-10": Wrong({3: "scores.exp().sum(dim=1).log10()"},
                "The logarithm undoes e^…, so it is the natural one: `.log()`."),
            "sum-forgotten": Wrong({3: "0"},
                "The log of your sum is always 0 (as with softmax, whose sum is 1). "
                "What is left is how far the right score is below the largest."),
            "log-of-probabilities": Wrong({3: "scores.log_softmax(dim=1)"},
                "These are log p for all classes, and the score would be subtracted "
                "once more. What belongs here is one number for each image: log Σ "
                "e^…."),
            "softmax-first": Wrong(
                lambda scores, labels: functional.cross_entropy(
                    scores.softmax(1), labels),
                "This takes the softmax twice: cross-entropy starts from scores and "
                "contains it."),
            "probability": Wrong(
                lambda scores, labels: functional.nll_loss(scores.softmax(1), labels),
                "This is minus the probability. Its log is missing."),
            "sum": Wrong(
                lambda scores, labels: functional.cross_entropy(
                    scores, labels, reduction="sum"),
                "This is the sum over the batch. Take the mean."),
        },
        hints=(
            "−log(e^s / Σ e^t) = log Σ e^t − s.",
            "Subtracting the same number from all scores of an image changes nothing.",
            "`scores.exp().sum(dim=1).log()`, after subtracting the maximum.",
        ),
    )
)  # fmt: skip
