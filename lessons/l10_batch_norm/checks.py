"""Checks: batch norm."""

import torch

from helpers.exercises.engine import Exercise, Wrong, add, case
from lessons.modules import by_function, on_input


def _randn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _positive(*shape, seed):
    return 0.2 + torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# --- 10.1: by hand --------------------------------------------------------------------

_BATCH = torch.tensor([[9.0, 10], [1, 30], [3, 30], [3, 10]])
_CENTRED = _BATCH - _BATCH.mean(0)
_DEVIATION = _BATCH.std(0, correction=0)

_VARIANCES = {
    "unbiased": (_BATCH.var(0),
        "This divides by N − 1 = 3. To normalise a batch, divide by N = 4."),
    "deviation": (_DEVIATION,
        "These are the standard deviations; the variances are their squares."),
    "not-centred": ((_BATCH**2).mean(0),
        "This is the mean of the squares. Subtract the mean of the column before you "
        "square."),
    "summed": ((_CENTRED**2).sum(0),
        "The squares are added up; now divide by N = 4."),
    "unbiased-deviation": (_BATCH.std(0),
        "These are standard deviations, and they divide by N − 1. The variance is a "
        "square, and divides by N."),
    "not-squared": (_CENTRED.abs().mean(0),
        "This is the mean distance from the mean. Square the differences first."),
}  # fmt: skip

add(
    Exercise(
        "10.1",
        "Normalise by hand",
        level=2,
        exact={"image_0": [5 / 3, -1]},
        tolerance=0.005,
        wrong={
            "mean-of-each-image": Wrong({"means": _BATCH.mean(1)},
                "These are the means of the rows, one for each image. Batch norm "
                "averages a feature, which is a column, over the batch."),
            "each-image": Wrong(
                {"means": _BATCH.mean(1), "variances": _BATCH.var(1, correction=0)},
                "This averages along the rows, each image by itself. A mean and a "
                "variance belong to a feature: a column, over the batch."),
            "one-mean": Wrong({"means": _BATCH.mean()},
                "12 is the mean of all eight numbers. Each feature has its own."),
            "sums": Wrong({"means": _BATCH.sum(0)},
                "These are the sums. Divide them by N = 4."),
            "zero": Wrong({"variances": [0, 0]},
                "Differences from a mean always add up to 0. Square them first."),
            **{k: Wrong({"variances": v}, says) for k, (v, says) in _VARIANCES.items()},
            **{
                f"{key}-throughout": Wrong(
                    {"variances": v, "image_0": _CENTRED[0] / v.sqrt()},
                    f"{says} (`image_0` changes with it.)")
                for key, (v, says) in _VARIANCES.items()
            },
            "only-centred": Wrong({"image_0": _CENTRED[0]},
                "The mean is subtracted. Now divide by the standard deviation as "
                "well."),
            "only-divided": Wrong({"image_0": _BATCH[0] / _DEVIATION},
                "This only divides by the deviation. Subtract the mean first."),
            "by-the-variance": Wrong({"image_0": _CENTRED[0] / _DEVIATION**2},
                "Divide by the standard deviation, the root of the variance."),
            "by-unbiased-deviation": Wrong({"image_0": _CENTRED[0] / _BATCH.std(0)},
                "This divides by the root of the variance with N − 1. Use N."),
            "by-itself": Wrong({"image_0": [-1, 1]},
                "Image 0 was normalised by its own row. Each of its numbers needs the "
                "mean and the deviation of its column."),
            "sign": Wrong({"image_0": -_CENTRED[0] / _DEVIATION},
                "The sign is the wrong way round: what lies above the mean should come "
                "out positive."),
        },
        hints=(
            "A column at a time: 9 + 1 + 3 + 3 = 16, divided by 4.",
            "Differences from the mean: 5, −3, −1, −1. Square them, take the mean.",
            "The first number of image 0: (9 − 4) / √9.",
        ),
    )
)  # fmt: skip

# --- 10.2 and 10.3: code --------------------------------------------------------------

_UNBIASED = (
    "This variance divides by one less than the count, which is PyTorch's default. "
    "`correction=0` divides by the count itself."
)
_ROOT_TWICE = (
    "`std` is already the root of the variance, and the root is taken again further "
    "down. The variance belongs here: `var`."
)
_NOT_CENTRED = (
    "The mean of the squares is not the variance. Subtract the mean before you square."
)
_SUMMED = "The squares are added up. The variance is their mean."
_NOT_AVERAGED = (
    "These are the squares, one for each number. The variance is the mean of them."
)
_EPS_TWICE = "`eps` is added further down, so here it would come in twice."
_SUM = "That is a sum. The mean divides it by how many there are."

add(
    Exercise(
        "10.2",
        "Batch norm of (N, D)",
        level=2,
        cases=lambda: [
            case(torch.tensor([[1.0, 10], [3, 30]]), torch.ones(2), torch.zeros(2)),
            case(_BATCH, torch.tensor([2.0, 1]), torch.tensor([0.0, -1])),
            # A feature that is the same in all images: 0 / 0 but for eps.
            case(
                torch.tensor([[1.0, 7], [2, 7], [6, 7]]),
                torch.tensor([3.0, 2]),
                torch.tensor([0.5, 4]),
            ),
            case(_randn(3, 3, seed=1), _randn(3, seed=2), _randn(3, seed=3), 0.1),
            case(torch.tensor([[4.0, 3], [4, 5]]), torch.ones(2), torch.zeros(2), 0.2),
            case(_randn(8, 5, seed=4) * 4, _randn(5, seed=5), _randn(5, seed=6), 0.5),
            case(_randn(2, 4, seed=7), _randn(4, seed=8), _randn(4, seed=9)),
            case(_randn(40, 2, seed=10) + 5, _randn(2, seed=11), _randn(2, seed=12)),
        ],
        wrong={
            "over-features": Wrong(
                {1: "x.mean(1, keepdim=True)", 2: "x.var(1, correction=0)[:, None]"},
                "Each image is normalised by itself. Average over the batch: dim 0."),
            "over-features-without-axis": Wrong({1: "x.mean(dim=1)"},
                "`mean(dim=1)` averages over the features of an image. A mean for each "
                "feature, over the batch, takes `dim=0`."),
            "variance-over-features": Wrong({2: "x.var(dim=1, correction=0)"},
                "`var(dim=1)` runs over the features of an image. A variance for each "
                "feature, over the batch, takes `dim=0`."),
            "one-mean": Wrong({1: "x.mean()"},
                "One mean for everything. Each feature has its own: `dim=0`."),
            "one-variance": Wrong({2: "x.var(correction=0)"},
                "One variance for everything. Each feature has its own: `dim=0`."),
            "sum": Wrong({1: "x.sum(dim=0)"}, _SUM),
            "unbiased": Wrong({2: "x.var(dim=0)"}, _UNBIASED),
            "root-twice": Wrong({2: "x.std(dim=0, correction=0)"}, _ROOT_TWICE),
            "not-centred": Wrong({2: "(x**2).mean(dim=0)"}, _NOT_CENTRED),
            "squares-summed": Wrong({2: "((x - mean) ** 2).sum(dim=0)"}, _SUMMED),
            "not-averaged": Wrong({2: "(x - mean) ** 2"}, _NOT_AVERAGED),
            "eps-twice": Wrong({2: "x.var(dim=0, correction=0) + eps"}, _EPS_TWICE),
            "not-rooted": Wrong({3: "variance + eps"},
                "This divides by the variance. The standard deviation is its root."),
            "bare-variance": Wrong({3: "variance"},
                "This divides by the variance itself. Take the root of σ² + ε."),
            "root-of-a-number": Wrong({3: "torch.sqrt(variance) + torch.sqrt(eps)"},
                "`torch.sqrt` takes a tensor, and ε is a plain number. First add it to "
                "σ²."),
            "eps-outside": Wrong({3: "torch.sqrt(variance) + eps"},
                "ε belongs under the root: √(σ² + ε)."),
            "only-eps-rooted": Wrong({3: "variance + eps ** 0.5"},
                "`**` comes before `+`, so only ε is under the root. Put brackets "
                "around `variance + eps`."),
            "no-eps": Wrong({3: "torch.sqrt(variance)"},
                "Without ε, a feature that is the same in all images becomes 0 / 0."),
            "eps-typed": Wrong({3: "torch.sqrt(variance + 1e-5)"},
                "Whoever calls the function chooses ε: write `eps`, not 1e-5."),
            "squared": Wrong({3: "(variance + eps) ** 2"},
                "The variance is a square already. Take its root."),
            "swapped": Wrong({"gamma": "beta", "beta": "gamma"},
                "γ and β are swapped: γ scales, β shifts."),
            "not-scaled": Wrong({"gamma": "1"},
                "γ is missing: it scales the normalised numbers."),
            "not-shifted": Wrong({"beta": "0"},
                "β is missing: it is added at the end."),
            "shifted-first": Wrong({"beta": "gamma * beta"},
                "This scales β as well. First multiply by γ, then add β."),
        },
        hints=(
            "`x` is (N, D). Which axis disappears when you average over the batch?",
            "`x.mean(dim=0)` and `x.var(dim=0, correction=0)` are (D,).",
            "Divide by `torch.sqrt(variance + eps)`; then `gamma * … + beta`.",
        ),
    )
)  # fmt: skip


def _block(*shape, seed, **eps):
    gamma, beta = _randn(shape[1], seed=seed + 50), _randn(shape[1], seed=seed + 90)
    return case(3 * _randn(*shape, seed=seed) + 2, gamma, beta, **eps)


add(
    Exercise(
        "10.3",
        "Batch norm of (N, C, H, W)",
        level=2,
        cases=lambda: [
            case(torch.arange(4.0).view(2, 1, 1, 2), torch.ones(1), torch.zeros(1)),
            _block(2, 2, 1, 3, seed=1),
            _block(3, 2, 4, 5, seed=2),
            _block(2, 4, 3, 4, seed=3),  # as many columns as channels
            _block(1, 3, 2, 2, seed=4),
            _block(5, 1, 3, 2, seed=5, eps=0.7),
            _block(4, 6, 5, 3, seed=6),
            _block(3, 3, 3, 3, seed=7),
        ],
        wrong={
            "each-place": Wrong({1: "0"},
                "Each place of each map is normalised by itself. A map is one feature "
                "seen at many places: average over H and W too."),
            "each-row": Wrong({1: "(0, 3)"},
                "Each row of a map has its own mean here. All places of a map should "
                "share one: average over H too, axis 2."),
            "each-column": Wrong({1: "(0, 2)"},
                "Each column of a map has its own mean here. All places of a map "
                "should share one: average over W too, axis 3."),
            "each-image": Wrong({1: "(2, 3)"},
                "Each image is normalised by itself. Average over the batch too: "
                "axis 0."),
            "over-channels": Wrong({1: "(1, 2, 3)"},
                "This averages over the channels of an image. Each channel keeps its "
                "own mean; average over the images instead."),
            "only-over-channels": Wrong({1: "1"},
                "Axis 1 is the one that stays: each channel has its own mean, over "
                "images and places."),
            "over-everything": Wrong({1: "(0, 1, 2, 3)"},
                "One mean for everything. Each channel has its own: axis 1 stays."),
            "channels-last": Wrong({1: "(0, 1, 2)"},
                "That would fit (N, H, W, C). PyTorch has the channels second: axis 1 "
                "stays, not axis 3."),
            "images-and-channels": Wrong({1: "(0, 1)"},
                "Axes 0 and 1 are images and channels. The channels should stay, and "
                "the places of a map go: H and W, axes 2 and 3."),
            "without-batch-axis": Wrong({1: "(1, 2)"},
                "Axes 1 and 2 are channels and rows: N, C, H, W are counted from 0."),
            **{
                f"{name}-{key}": Wrong(
                    {f"{name}.view(1, -1, 1, 1)": text.format(name)},
                    says.format(greek))
                for name, greek in (("gamma", "γ"), ("beta", "β"))
                for key, text, says in (
                    ("by-column", "{}",
                        "{} of shape (C,) lines up with the last axis, W. Give it the "
                        "shape (1, C, 1, 1)."),
                    ("by-row", "{}.view(-1, 1)",
                        "{} of shape (C, 1) lines up with the rows, H. Two axes of "
                        "length 1 must follow C: (1, C, 1, 1)."),
                    ("by-image", "{}.view(-1, 1, 1, 1)",
                        "{} lines up with the batch axis here. It has one number for "
                        "each channel: (1, C, 1, 1)."),
                )
            },
            "not-scaled": Wrong({2: "1"}, "γ is missing: it scales each channel."),
            "not-shifted": Wrong({3: "0"}, "β is missing: it is added at the end."),
            "swapped": Wrong(
                {2: "beta.view(1, -1, 1, 1)", 3: "gamma.view(1, -1, 1, 1)"},
                "γ and β are swapped: γ scales, β shifts."),
        },
        hints=(
            "Axes 0 to 3 are N, C, H, W. All but one are averaged over.",
            "`dim=(0, 2, 3)` leaves one mean for each channel.",
            "`gamma.view(1, -1, 1, 1)` is (1, C, 1, 1).",
        ),
    )
)  # fmt: skip

# --- 10.4 and 10.5: running averages --------------------------------------------------


def _follow(keep, take, start=0.0, means=(10, 10, 20)):
    """The running mean after each batch."""
    after = [start]
    for mean in means:
        after.append(keep * after[-1] + take * mean)
    return after[1:]


_TRUE_MEANS = [10, 10, 40 / 3]

add(
    Exercise(
        "10.4",
        "A running mean by hand",
        level=2,
        tolerance=0.001,
        wrong={
            "swapped": Wrong(
                {"pytorch": _follow(0.5, 0.5), "halved": _follow(0.9, 0.1)},
                "The two are swapped: it is PyTorch's rule that takes a tenth of the "
                "new mean."),
            "momentum-swapped": Wrong({"pytorch": _follow(0.1, 0.9)},
                "Here nine tenths of the new mean are taken. PyTorch's rule takes "
                "only a tenth, and keeps nine tenths of the old one."),
            "started-at-the-first": Wrong({"pytorch": _follow(0.9, 0.1, start=10)},
                "PyTorch's running mean starts at 0, not at the first batch's."),
            "nothing-forgotten": Wrong({"pytorch": _follow(1, 0.1)},
                "A tenth of the new mean is added, but the old one must shrink, too: "
                "keep 0.9 of it."),
            "nothing-kept": Wrong({"pytorch": _follow(0, 0.1)},
                "That is a tenth of each batch's mean. Add nine tenths of what was "
                "there before."),
            "true-mean": Wrong({"pytorch": _TRUE_MEANS},
                "That is the mean of all batches so far, each with the same weight. A "
                "running mean forgets the early ones."),
            "start-counted": Wrong(
                {"pytorch": [0, *_follow(0.9, 0.1)[:2]], "halved": [0, 5, 7.5]},
                "That is the running mean *before* each batch. Give it as it is after "
                "each."),
            "halved-true-mean": Wrong({"halved": _TRUE_MEANS},
                "That is the mean of all batches so far, each with the same weight. "
                "Add to the running mean and halve, each time."),
            "halved-from-the-first": Wrong({"halved": _follow(0.5, 0.5, start=10)},
                "It starts at 0 here as well: (0 + 10) / 2 is the first."),
            "not-halved": Wrong({"halved": _follow(1, 1)},
                "This only adds. Divide by two each time, too."),
            "halved-sum": Wrong({"halved": _follow(1, 0.5)},
                "Each mean is halved only once here. What was there before should be "
                "halved again with every batch: add the new mean, then halve."),
            "halved-nothing-kept": Wrong({"halved": _follow(0, 0.5)},
                "These are halves of the new means alone. Add the running mean before "
                "you halve."),
        },
        hints=(
            "First batch: 0.9 · 0 + 0.1 · 10, and (0 + 10) / 2.",
            "Second batch: 0.9 · 1 + 0.1 · 10, and (5 + 10) / 2.",
        ),
    )
)  # fmt: skip


def _batches(*shapes, seed, **momentum):
    batches = [2 * _randn(*s, seed=seed + k) + k for k, s in enumerate(shapes)]
    return case(batches, **momentum)


_AXES = {
    "each-place": (
        "0",
        "There is one for each place of a map here. Average over H and W too",
    ),
    "each-image": (
        "(2, 3)",
        "There is one for each image here. Average over the batch too, axis 0",
    ),
    "over-channels": (
        "(1, 2, 3)",
        "This one runs over the channels. Axis 1 is the one that stays",
    ),
    "only-over-channels": (
        "1",
        "This one runs over the channels alone, and they are what should stay",
    ),
}

add(
    Exercise(
        "10.5",
        "Running averages",
        level=3,
        cases=lambda: [
            case([torch.tensor([[[[1.0, 3]]]])]),
            case([torch.tensor([[[[1.0, 3]]]]), torch.tensor([[[[10.0, 20]]]])]),
            _batches((2, 3, 2, 2), (2, 3, 2, 2), seed=20),
            _batches((2, 2, 3, 2), (2, 2, 3, 2), seed=25),
            _batches((4, 2, 3, 5), (4, 2, 3, 5), (1, 2, 3, 5), seed=30),
            _batches((4, 4, 2, 4), (4, 4, 2, 4), seed=40, momentum=0.5),
            _batches(*[(2, 4, 3, 1)] * 7, seed=50, momentum=0.3),
        ],
        tolerance=1e-5,
        wrong={
            **{
                f"{name}-{key}": Wrong({at: axes}, f"Look at the {name}. {says}.")
                for at, name in ((1, "mean"), (2, "variance"))
                for key, (axes, says) in _AXES.items()
            },
            "biased": Wrong({3: "0"},
                "The stored variance is an estimate for all images, so its sum is "
                "divided by one less than the count: `correction=1`."),
            "momentum-swapped": Wrong({4: "momentum", 5: "(1 - momentum)"},
                "`momentum` is the weight of the *new* batch's mean: usually a tenth "
                "of it is taken, and nine tenths of the old average are kept."),
            "old-by-momentum": Wrong({4: "momentum"},
                "The old mean gets the weight `momentum` here. It should keep "
                "1 − momentum."),
            "new-by-the-rest": Wrong({5: "(1 - momentum)"},
                "The new mean gets 1 − momentum here. Its weight should be "
                "`momentum`."),
            "variance-without-brackets": Wrong(
                {6: "1 - momentum * variance + momentum * new_variance"},
                "`*` comes before `-`: without brackets, only `momentum` multiplies "
                "the old variance. Write `(1 - momentum)`."),
            "swapped-without-brackets": Wrong({4: "momentum", 5: "1 - momentum"},
                "`*` comes before `-`: without brackets, only `momentum` multiplies "
                "the new mean. And its weight should be `momentum` itself."),
            "rest-without-brackets": Wrong({5: "1 - momentum"},
                "`*` comes before `-`, so this adds 1 and takes a part of the new mean "
                "away. The new mean's weight should be `momentum`."),
            "nothing-forgotten": Wrong({4: "1"},
                "The mean's two weights must add up to 1: keep 1 − momentum of the old "
                "one."),
            "nothing-kept": Wrong({4: "0"},
                "Nothing of the old mean is kept. 1 − momentum of it should be."),
            "all-taken": Wrong({5: "1"},
                "The new batch's mean counts in full. It should get the weight "
                "`momentum`."),
            "last-batch": Wrong({4: "0", 5: "1"},
                "Only the last batch's mean is left; the others count too."),
            "halved": Wrong({4: "0.5", 5: "0.5"},
                "Add and halve: that is a momentum of 0.5. Use the argument."),
            "typed": Wrong({4: "0.9", 5: "0.1"},
                "0.9 and 0.1 are right for a momentum of 0.1. Whoever calls the "
                "function may choose another: use the argument."),
            "variance-momentum-swapped": Wrong(
                {6: "momentum * variance + (1 - momentum) * new_variance"},
                "For the variance, too, `momentum` is the weight of the *new* batch."),
            "variance-nothing-forgotten": Wrong(
                {6: "variance + momentum * new_variance"},
                "All of the old variance is kept. Keep 1 − momentum of it, so that the "
                "weights add up to 1."),
            "variance-all-taken": Wrong({6: "(1 - momentum) * variance + new_variance"},
                "The new variance counts in full. It should get the weight "
                "`momentum`."),
            "variance-nothing-kept": Wrong({6: "momentum * new_variance"},
                "Nothing of the old variance is kept. 1 − momentum of it should be."),
            "variance-of-the-last-batch": Wrong({6: "new_variance"},
                "Only the last batch's variance is left; the others count too."),
            "variance-halved": Wrong({6: "(variance + new_variance) / 2"},
                "This halves each time. The variance takes the same weights as the "
                "mean."),
            "variance-stays": Wrong({6: "variance"},
                "The variance stays at 1: no batch moves it."),
            "variance-typed": Wrong({6: "0.9 * variance + 0.1 * new_variance"},
                "The variance's weights are typed in. They should come from "
                "`momentum`."),
            "mean-again": Wrong({6: "(1 - momentum) * mean + momentum * new_mean"},
                "The variance gets the mean's numbers here. Use `variance` and "
                "`new_variance`."),
            "deviation": Wrong(
                {6: "(1 - momentum) * variance + momentum * new_variance.sqrt()"},
                "What is kept is the variance, not its root."),
        },
        hints=(
            "As in 10.3: one mean for each channel, over all axes but axis 1.",
            "`(1 - momentum) * old + momentum * new`, for both.",
            "`correction=1` divides by one less than the count.",
        ),
    )
)  # fmt: skip

# --- 10.6: counting -------------------------------------------------------------------

_KERNELS = 32 * 16 * 3 * 3  # the weights of the convolution

add(
    Exercise(
        "10.6",
        "What is learned, what is counted",
        level=2,
        tolerance=1e-9,
        wrong={
            "one-of-two": Wrong({"learned": 64},
                "Each channel has a γ and a β: two are learned."),
            "one-pair": Wrong({"learned": 2},
                "One γ and one β for all? Each of the 64 channels has its own."),
            "running-learned": Wrong({"learned": 4 * 64},
                "256 counts the running averages too. No gradient moves them."),
            "only-means": Wrong({"running": 64},
                "A mean and a variance for each channel: that is two numbers each."),
            "running-forgotten": Wrong({"running": 0},
                "They are not parameters, but they are stored: a mean and a variance "
                "for each channel."),
            "batches-counted": Wrong({"running": 2 * 64 + 1},
                "The third buffer only counts batches, so it is not a running "
                "average."),
            "learned-counted-as-running": Wrong({"running": 4 * 64},
                "This counts γ and β too, but they are learned. The running averages "
                "are a mean and a variance for each channel."),
            "bias-kept": Wrong({"pair": _KERNELS + 32 + 64},
                "This convolution has `bias=False`; β does its work."),
            "norm-forgotten": Wrong({"pair": _KERNELS},
                "These are the convolution's weights. Batch norm learns something, "
                "too."),
            "running-counted": Wrong({"pair": _KERNELS + 4 * 32},
                "This counts the running averages. They are stored, not learned."),
            "one-for-each-channel": Wrong({"pair": _KERNELS + 32},
                "Batch norm learns two numbers, γ and β, for each of the 32 channels "
                "that come out (16 go in)."),
            "depth-forgotten": Wrong({"pair": 32 * 9 + 64},
                "Each of the 32 filters reaches through 16 channels: 16·3·3 weights."),
            "one-filter": Wrong({"pair": 16 * 9 + 64},
                "16·3·3 is one filter. There are 32 of them."),
            "extent-once": Wrong({"pair": 32 * 16 * 3 + 64},
                "A 3×3 filter has 9 weights in each channel, not 3."),
        },
        hints=(
            "C channels: C numbers γ, C numbers β, C running means, C running "
            "variances.",
            "The convolution has 32·16·3·3 weights and no bias.",
        ),
    )
)  # fmt: skip

# --- 10.7: folding --------------------------------------------------------------------


def _conv_and_norm(K, D1, F1, F2, seed, spread=1.0, **eps):
    numbers = [_randn(K, D1, F1, F2, seed=seed)]
    numbers += [_randn(K, seed=seed + k) for k in range(1, 5)]
    return case(*numbers, spread * _positive(K, seed=seed + 5), **eps)


add(
    Exercise(
        "10.7",
        "Fold batch norm into the convolution",
        level=3,
        cases=lambda: [
            case(
                torch.tensor([[[[2.0]]]]),
                *(torch.tensor([v]) for v in (1.0, 3, 5, -1, 4)),
            ),
            _conv_and_norm(2, 1, 1, 3, seed=60),
            _conv_and_norm(3, 2, 3, 3, seed=70),
            _conv_and_norm(3, 2, 2, 2, seed=75, spread=1e-4),  # maps nearly constant
            _conv_and_norm(2, 2, 2, 2, seed=80, spread=1e-4),
            _conv_and_norm(4, 3, 3, 1, seed=90, eps=0.5),
            _conv_and_norm(5, 6, 2, 3, seed=100, eps=0.1),
        ],
        wrong={
            "only-gamma": Wrong({1: "gamma"},
                "γ is divided by the standard deviation: γ / √(σ² + ε)."),
            "gamma-forgotten": Wrong({1: "1 / torch.sqrt(variance + eps)"},
                "γ is missing: it scales what has been normalised."),
            "by-the-variance": Wrong({1: "gamma / (variance + eps)"},
                "This divides by the variance. Take its root."),
            "bare-variance": Wrong({1: "gamma / variance"},
                "This divides by the variance itself. Take the root of σ² + ε."),
            "multiplied": Wrong({1: "gamma * torch.sqrt(variance + eps)"},
                "Batch norm divides by the deviation; this multiplies by it."),
            "no-eps": Wrong({1: "gamma / torch.sqrt(variance)"},
                "ε is missing: batch norm divides by √(σ² + ε)."),
            "eps-outside": Wrong({1: "gamma / (torch.sqrt(variance) + eps)"},
                "ε belongs under the root, beside σ²."),
            "eps-typed": Wrong({1: "gamma / torch.sqrt(variance + 1e-5)"},
                "The layer's ε is handed in, and may differ: write `eps`."),
            "weight-not-scaled": Wrong({2: "1"},
                "The weights stay as they were. Each filter must be multiplied by its "
                "scale."),
            "inputs-scaled": Wrong({2: "scale.view(1, -1, 1, 1)"},
                "Weights are (K, D1, F, F). The channels that batch norm saw are the K "
                "that come out: axis 0."),
            "columns-scaled": Wrong({2: "scale"},
                "`scale` of shape (K,) lines up with the last axis of the weight. Give "
                "it the shape (K, 1, 1, 1)."),
            "rows-scaled": Wrong({2: "scale.view(-1, 1)"},
                "A shape of (K, 1) lines up with the last two axes, the rows and "
                "columns of each filter. Give it the shape (K, 1, 1, 1)."),
            "weight-by-gamma": Wrong({2: "gamma.view(-1, 1, 1, 1)"},
                "The weights are scaled by γ alone. They need all of `scale`."),
            "bias-not-scaled": Wrong({3: "bias - mean * scale + beta"},
                "Only the mean is scaled here. The bias goes through the scaling, too: "
                "put brackets around `bias - mean`."),
            "nothing-scaled": Wrong({3: "bias - mean + beta"},
                "Bias and mean must be scaled, like everything that batch norm gets."),
            "bias-by-gamma": Wrong({3: "(bias - mean) * gamma + beta"},
                "The bias is scaled by γ alone. It needs all of `scale`."),
            "bias-forgotten": Wrong({3: "beta - mean * scale"},
                "The convolution's own bias is missing. It is scaled, too."),
            "mean-forgotten": Wrong({3: "bias * scale + beta"},
                "Where is the running mean? It is subtracted before the scaling."),
            "mean-not-scaled": Wrong({3: "bias * scale - mean + beta"},
                "The mean is subtracted first and scaled with the rest."),
            "mean-added": Wrong({3: "(bias + mean) * scale + beta"},
                "The mean is subtracted, not added."),
            "bias-subtracted": Wrong({3: "(mean - bias) * scale + beta"},
                "The other way round: the mean is subtracted from the bias."),
            "beta-scaled": Wrong({3: "(bias - mean + beta) * scale"},
                "β is added last, after the scaling."),
            "beta-subtracted": Wrong({3: "(bias - mean) * scale - beta"},
                "β is added, not subtracted."),
            "beta-forgotten": Wrong({3: "(bias - mean) * scale"},
                "β is missing: it is added at the end."),
            "beta-only": Wrong({3: "beta"},
                "β alone is the bias only where the convolution's own bias equals the "
                "running mean."),
            "bias-as-it-was": Wrong({3: "bias"},
                "The bias stays as it was. Batch norm subtracts the mean from it, "
                "scales it and adds β."),
        },
        otherwise="Multiply out scale · (w∗x + bias − mean) + beta. What stands before "
        "x is the new weight, and what stands alone is the new bias.",
        hints=(
            "y = scale · (w∗x + bias − mean) + beta. Multiply out.",
            "Before x: scale · w, one number for each of the K filters. The rest is "
            "the new bias.",
            "`scale.view(-1, 1, 1, 1)`, and `(bias - mean) * scale + beta`.",
        ),
    )
)  # fmt: skip

# --- 10.8 and 10.9: which numbers belong together -------------------------------------

_N, _C, _H, _W = 8, 6, 5, 4
_MEMBERS = {
    "batch": _N * _H * _W,
    "layer": _C * _H * _W,
    "instance": _H * _W,
    "group": _C // 2 * _H * _W,
}
_MEANS = {
    "batch": {
        "over-the-batch": (_N,
            "The name says what is averaged over: the batch. The channels stay."),
        "each-place": (_C * _H * _W,
            "All places of a map share one mean: H and W go as well."),
        "each-image": (_N * _C,
            "All images share a mean: only the channels are kept apart."),
        "one": (1, "One mean for all channels? Each has its own."),
    },
    "layer": {
        "one": (1, "Each image has its own mean; the batch axis stays."),
        "channels": (_C, "Layer norm mixes the channels and keeps images apart."),
        "each-map": (_N * _C,
            "Layer norm mixes the channels of an image. With a mean for each map it "
            "would be instance norm."),
        "each-place": (_N * _H * _W,
            "Not only the channels of an image share one mean: all its places do, "
            "too."),
    },
    "instance": {
        "images": (_N,
            "Each *map* has its own mean, that is, each channel of each image."),
        "channels": (_C,
            "Images are kept apart, too: there is a mean for each channel of each "
            "image."),
        "added": (_N + _C, "Each of 8 images has 6 maps: multiply, do not add."),
        "each-number": (_N * _C * _H * _W,
            "That is how many numbers there are. All those of a map share one mean."),
    },
    "group": {
        "images": (_N,
            "One for each image would be layer norm. Here there are two groups."),
        "two": (2, "Two for each image, and there are 8 images."),
        "of-two": (_N * _C // 2,
            "There are two groups of 3 channels, not three groups of 2."),
        "each-channel": (2 * _C,
            "The channels lie *in* the groups: 2 groups in each of 8 images."),
        "images-grouped": (_N // 2,
            "Channels are put into groups, not images: 2 groups in each image."),
        "size": (_C // 2, "3 channels are in each group. How many groups are there?"),
        "added": (_N + 2, "Each of 8 images has 2 groups: multiply, do not add."),
        "each-map": (_N * _C,
            "The channels of a group share a mean. With one for each map it would be "
            "instance norm."),
    },
}  # fmt: skip

add(
    Exercise(
        "10.8",
        "How many means?",
        level=2,
        tolerance=1e-9,
        wrong={
            "counts-members": Wrong(
                _MEMBERS,
                "These count how many numbers go into each mean, for all four norms. "
                "How many means are there?"),
            **{
                f"{name}-counts-members": Wrong({name: n},
                    f"{n} numbers go into each mean of {name} norm. How many means are "
                    "there?")
                for name, n in _MEMBERS.items()
            },
            **{
                f"{name}-{key}": Wrong({name: count}, says)
                for name, wrong in _MEANS.items()
                for key, (count, says) in wrong.items()
            },
        },
        hints=(
            "Cross out the axes that are averaged over; multiply what is left.",
            "Batch: C is left. Layer: N. Instance: N and C.",
            "Group: 2 groups in each of N = 8 images.",
        ),
    )
)  # fmt: skip

_OTHER_AXES = (
    ("axis-lost", "x.{}dim=axes)",
        "without `keepdim=True` the averaged axes are gone, and what is left lines up "
        "with the wrong ones, or with none."),
    ("always-batch-norm", "x.{}dim=(0, 2, 3), keepdim=True)",
        "these are always the axes of batch norm. Use those that are handed in."),
    ("always-axis-0", "x.{}dim=0, keepdim=True)",
        "axis 0 is not always the one to average over. Use those that are handed in."),
    ("over-everything", "x.{})",
        "there is only one for all numbers. Pass the axes on: `dim=axes`."),
)  # fmt: skip

add(
    Exercise(
        "10.9",
        "Normalise over any axes",
        level=1,
        cases=lambda: [
            case(torch.tensor([[1.0, 3], [10, 30]]), (0,)),
            case(torch.tensor([[1.0, 3], [10, 30]]), (1,)),
            case(2 * _randn(3, 4, 2, 5, seed=110) + 1, (0, 2, 3)),
            case(2 * _randn(3, 4, 2, 5, seed=111) + 1, (1, 2, 3)),
            case(2 * _randn(3, 4, 2, 5, seed=112) + 1, (2, 3)),
            case(_randn(2, 2, 3, 4, 3, seed=113), (2, 3, 4), 0.3),
            case(_randn(4, 6, seed=114) * 3, (0, 1), 0.2),
            case(_randn(3, 3, 3, seed=115) * 2, (1,), 0.1),
        ],
        wrong={
            **{
                f"{name}-{key}": Wrong({at: text.format(call)}, f"The {name}: {says}")
                for at, name, call in (
                    (1, "mean", "mean("),
                    (2, "variance", "var(correction=0, "),
                )
                for key, text, says in _OTHER_AXES
            },
            "sum": Wrong({1: "x.sum(dim=axes, keepdim=True)"}, _SUM),
            "unbiased": Wrong({2: "x.var(dim=axes, keepdim=True)"}, _UNBIASED),
            "root-twice": Wrong({2: "x.std(dim=axes, correction=0, keepdim=True)"},
                _ROOT_TWICE),
            "not-centred": Wrong({2: "(x**2).mean(dim=axes, keepdim=True)"},
                _NOT_CENTRED),
            "squares-summed": Wrong({2: "((x - mean)**2).sum(dim=axes, keepdim=True)"},
                _SUMMED),
            "not-averaged": Wrong({2: "(x - mean) ** 2"}, _NOT_AVERAGED),
            "eps-twice": Wrong({2: "x.var(dim=axes, correction=0, keepdim=True) + eps"},
                _EPS_TWICE),
        },
        hints=(
            "Batch norm from 10.3, without γ and β; the axes are an argument.",
            "`x.mean(dim=axes, keepdim=True)`, and the same for the variance.",
        ),
    )
)  # fmt: skip

# --- 10.10: dropout of whole maps -----------------------------------------------------


def _maps(*shape, p, training, seed):
    kept = (_positive(*shape[:2], seed=seed + 1) - 0.2 >= p).float()
    return case(_randn(*shape, seed=seed), kept, p, training)


add(
    Exercise(
        "10.10",
        "Dropout of whole maps",
        level=2,
        cases=lambda: [
            case(torch.ones(1, 2, 1, 2), torch.tensor([[1.0, 0]]), 0.5, True),
            case(torch.ones(1, 2, 1, 2), torch.tensor([[1.0, 0]]), 0.5, False),
            case(torch.ones(2, 2, 2, 3), torch.tensor([[1.0, 0], [1, 1]]), 0.2, True),
            _maps(3, 5, 2, 4, p=0.5, training=True, seed=120),
            _maps(4, 3, 4, 3, p=0.25, training=True, seed=130),
            _maps(3, 3, 3, 3, p=0.4, training=True, seed=140),
            _maps(2, 6, 3, 5, p=0.75, training=False, seed=150),
            _maps(3, 2, 2, 3, p=0.2, training=False, seed=160),
        ],
        wrong={
            "always-on": Wrong({1: "x * kept[:, :, None, None] / (1 - p)"},
                "In evaluation nothing is dropped: return `x`."),
            "dropped-in-evaluation": Wrong({1: "x * kept[:, :, None, None]"},
                "In evaluation all maps stay; here some are set to zero. Return `x`."),
            "shrunk-in-evaluation": Wrong({1: "x * (1 - p)"},
                "The scaling is done in training, so evaluation needs none: return "
                "`x`."),
            "grown-in-evaluation": Wrong({1: "x / (1 - p)"},
                "In evaluation nothing was dropped, so nothing needs to grow: return "
                "`x`."),
            "last-axes": Wrong({2: "kept"},
                "(N, C) lines up with the last two axes, H and W. Add two axes at the "
                "end: (N, C, 1, 1)."),
            "one-axis-short": Wrong({2: "kept[:, :, None]"},
                "(N, C, 1) lines up with the last three axes, C, H and W. Add one more "
                "at the end: (N, C, 1, 1)."),
            "channels-last": Wrong({2: "kept[:, None, None, :]"},
                "(N, 1, 1, C) puts the channels last, where W is. They are second: "
                "(N, C, 1, 1)."),
            "same-for-all-images": Wrong({2: "kept[:1, :, None, None]"},
                "Each image loses maps of its own: use all rows of `kept`, not only "
                "the first."),
            "nothing-dropped": Wrong({2: "1"},
                "Nothing is dropped in training: where is `kept`?"),
            "dropped-are-kept": Wrong({2: "(1 - kept[:, :, None, None])"},
                "This is upside down: `kept` is 1 where a map stays."),
            "without-brackets": Wrong({2: "1 - kept[:, :, None, None]"},
                "`*` comes before `-`, so only the 1 is multiplied. And `kept` is 1 "
                "where a map stays: multiply by it as it is."),
            "not-scaled": Wrong({3: "1"},
                "The mean shrinks to 1 − p of what it was. Scale up what is left."),
            "divided-by-p": Wrong({3: "p"},
                "The part that is kept is 1 − p: divide by that."),
            "scaled-down": Wrong({3: "1 / (1 - p)"},
                "What is kept must grow: divide by 1 − p."),
            "half": Wrong({3: "0.5"},
                "This divides by ½, whatever p is. The part that is kept is 1 − p."),
            "part-that-stayed": Wrong({3: "kept.mean()"},
                "This divides by the part that happened to stay. Divide by 1 − p, what "
                "stays on average."),
        },
        hints=(
            "`kept` is (N, C), `x` is (N, C, H, W): what shape lets them be "
            "multiplied?",
            "`kept[:, :, None, None]` is (N, C, 1, 1).",
        ),
    )
)  # fmt: skip

# --- 10.11: a network -----------------------------------------------------------------

_PLACES = "There are 32 maps of 2×2 at the end, because 8×8 is halved twice."

add(
    Exercise(
        "10.11",
        "A network with batch norm",
        level=2,
        cases=lambda: [case((N, 1, 8, 8)) for N in (1, 2, 3, 5, 8)],
        **by_function("10.11"),
        shown=on_input,
        wrong={
            **{
                f"{which}-bias-kept": Wrong({at: "True"},
                    f"The {which} convolution has a bias, which batch norm subtracts "
                    "again: `bias=False`.")
                for at, which in ((1, "first"), (5, "second"))
            },
            "features-of-the-input": Wrong({2: "1"},
                "Batch norm has as many features as channels come *out* of the "
                "convolution: 16. One channel goes in."),
            "second-features-of-the-input": Wrong({6: "nn.BatchNorm2d(16)"},
                "The second batch norm gets what comes *out* of its convolution, and "
                "that is 32 channels. 16 go in."),
            "input-channels": Wrong({3: "1"},
                "The second convolution gets the 16 maps of the first one, not the "
                "image."),
            "channels-swapped": Wrong({3: "32", 4: "16"},
                "Channels in come first, then channels out: 16, 32."),
            "norm-missing": Wrong({6: "nn.ReLU()"},
                "Batch norm is missing after the second convolution: the layer here "
                "learns nothing."),
            "norm-of-rows": Wrong({6: "nn.BatchNorm1d(32)"},
                "`BatchNorm1d` is for (N, D). Maps, (N, C, H, W), take `BatchNorm2d`."),
            "instance-norm": Wrong({6: "nn.GroupNorm(32, 32)"},
                "The shapes are right, but this normalises each image by itself, in "
                "training too."),
            "layer-norm": Wrong({6: "nn.GroupNorm(1, 32)"},
                "That is layer norm: the channels of each image share a mean. In batch "
                "norm each channel has its own, over all images."),
            "norm-of-columns": Wrong({6: "nn.LayerNorm(32)"},
                "`LayerNorm` works on the last axes, here the columns. `BatchNorm2d` "
                "works on the channels."),
            "no-running-averages": Wrong(
                {6: "nn.BatchNorm2d(32, track_running_stats=False)"},
                "This is right in training. In evaluation, running averages should "
                "stand in for the batch's own."),
            "nothing-learned": Wrong({6: "nn.BatchNorm2d(32, affine=False)"},
                "The second norm has no γ and no β here, and batch norm needs both."),
            "one-number-a-map": Wrong({7: "32"},
                f"{_PLACES} 32 would be one number for each."),
            "pooled-once": Wrong({7: "32 * 4 * 4"},
                f"{_PLACES} 4×4 is what goes into the second pooling."),
            "not-pooled": Wrong({7: "32 * 8 * 8"},
                f"{_PLACES} 8×8 is the image, before any pooling."),
            "maps-of-the-first": Wrong({7: "16 * 2 * 2"},
                f"{_PLACES} 64 would be 16 of 2×2, or 32 of 2×1."),
        },
        hints=(
            "The comments give the shape after each layer; batch norm does not change "
            "it.",
            "`nn.BatchNorm2d(16)` after a convolution of 16 filters.",
            "8×8 is halved twice: 32 maps of 2×2 are 128 features.",
        ),
    )
)  # fmt: skip
