"""Checks: batch norm."""

import math

import torch
from torch import nn

from helpers.exercises.engine import Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input


def _randn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _positive(*shape, seed):
    return 0.2 + torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# --- 10.1: by hand --------------------------------------------------------------------

add(
    Exercise(
        "10.1",
        "Normalise by hand",
        exact={"image_0": [5 / 3, -1]},
        tolerance=0.005,
        wrong={
            "mean-of-each-image": Wrong(
                {"means": [9.5, 15.5, 16.5, 6.5]},
                "These are the means of the rows: of each image. Here a feature, a "
                "column, is averaged over the batch.",
            ),
            "one-mean": Wrong(
                {"means": 12},
                "12 is the mean of all eight numbers. Each feature has its own.",
            ),
            "unbiased": Wrong(
                {"variances": [12, 400 / 3]},
                "Divided by N − 1 = 3. To normalise a batch, divide by N = 4.",
            ),
            "deviation": Wrong(
                {"variances": [3, 10]},
                "These are the standard deviations; the variances are their squares.",
            ),
            "not-centred": Wrong(
                {"variances": [25, 500]},
                "This is the mean of the squares. Subtract the mean of the column "
                "before you square.",
            ),
            "summed": Wrong(
                {"variances": [36, 400]},
                "The squares are added up; now divide by N = 4.",
            ),
            "only-centred": Wrong(
                {"image_0": [5, -10]},
                "The mean is subtracted. Divide by the standard deviation, too.",
            ),
            "by-the-variance": Wrong(
                {"image_0": [5 / 9, -0.1]},
                "Divide by the standard deviation, the root of the variance.",
            ),
            "by-unbiased-deviation": Wrong(
                {"image_0": [5 / math.sqrt(12), -10 / math.sqrt(400 / 3)]},
                "This divides by the root of the variance with N − 1. Use N.",
            ),
        },
        hints=(
            "A column at a time: 9 + 1 + 3 + 3 = 16, divided by 4.",
            "Differences from the mean: 5, −3, −1, −1. Square them, take the mean.",
            "The first number of image 0: (9 − 4) / √9.",
        ),
    )
)

# --- 10.2 and 10.3: code --------------------------------------------------------------


def _normed(
    dim=0,
    correction=0,
    root=lambda variance, eps: torch.sqrt(variance + eps),
    affine=lambda z, gamma, beta: gamma * z + beta,
    keep=False,
):
    """Batch norm of (N, D) with something changed."""

    def changed(x, gamma, beta, eps=1e-5):
        mean = x.mean(dim=dim, keepdim=keep)
        variance = x.var(dim=dim, keepdim=keep, correction=correction)
        return affine((x - mean) / root(variance, eps), gamma, beta)

    return changed


add(
    Exercise(
        "10.2",
        "Batch norm of (N, D)",
        cases=lambda: [
            case(
                torch.tensor([[1.0, 10], [3, 30]]), torch.ones(2), torch.zeros(2), 0.0
            ),
            case(
                torch.tensor([[9.0, 10], [1, 30], [3, 30], [3, 10]]),
                torch.tensor([2.0, 1]),
                torch.tensor([0.0, -1]),
                0.0,
            ),
            # A feature that is the same in all images: 0 / 0 but for eps.
            case(
                torch.tensor([[1.0, 7], [2, 7], [6, 7]]),
                torch.tensor([3.0, 2]),
                torch.tensor([0.5, 4]),
            ),
            case(_randn(3, 3, seed=1), _randn(3, seed=2), _randn(3, seed=3), 0.1),
            case(_randn(8, 5, seed=4) * 4, _randn(5, seed=5), _randn(5, seed=6), 0.5),
            case(_randn(1, 4, seed=7), _randn(4, seed=8), _randn(4, seed=9)),
            case(_randn(40, 2, seed=10) + 5, _randn(2, seed=11), _randn(2, seed=12)),
        ],
        wrong={
            "over-features": Wrong(
                _normed(dim=1, keep=True),
                "Each image is normalised by itself. Average over the batch: dim 0.",
            ),
            "over-features-without-axis": Wrong(
                _normed(dim=1),
                "`dim=1` averages over the features of an image. A mean for each "
                "feature, over the batch, is `dim=0`.",
            ),
            "one-mean": Wrong(
                _normed(dim=(0, 1)),
                "One mean for everything. Each feature has its own: `dim=0`.",
            ),
            "unbiased": Wrong(
                _normed(correction=1),
                "The variance divides by N − 1. Tell `var` to divide by N: "
                "`correction=0`.",
            ),
            "not-rooted": Wrong(
                _normed(root=lambda variance, eps: variance + eps),
                "Divided by the variance. The standard deviation is its root.",
            ),
            "eps-outside": Wrong(
                _normed(root=lambda variance, eps: torch.sqrt(variance) + eps),
                "ε belongs under the root: √(σ² + ε).",
            ),
            "no-eps": Wrong(
                _normed(root=lambda variance, eps: torch.sqrt(variance)),
                "Without ε a feature that is the same in all images becomes 0 / 0.",
            ),
            "swapped": Wrong(
                _normed(affine=lambda z, gamma, beta: beta * z + gamma),
                "γ and β are swapped: γ scales, β shifts.",
            ),
            "not-scaled": Wrong(
                _normed(affine=lambda z, gamma, beta: z),
                "Normalised. Now scale by γ and shift by β.",
            ),
            "shifted-first": Wrong(
                _normed(affine=lambda z, gamma, beta: gamma * (z + beta)),
                "β is scaled too. First multiply by γ, then add β.",
            ),
        },
        hints=(
            "`x` is (N, D). Which axis disappears when you average over the batch?",
            "`x.mean(dim=0)` and `x.var(dim=0, correction=0)` are (D,).",
            "Divide by `torch.sqrt(variance + eps)`; then `gamma * … + beta`.",
        ),
    )
)


def _over(axes, scale=None, correction=0):
    """Batch norm of (N, C, H, W) over other axes, or scaled along another one."""

    def changed(images, gamma, beta, eps=1e-5):
        mean = images.mean(dim=axes, keepdim=True)
        variance = images.var(dim=axes, correction=correction, keepdim=True)
        z = (images - mean) / torch.sqrt(variance + eps)
        if scale is None:
            return gamma.view(1, -1, 1, 1) * z + beta.view(1, -1, 1, 1)
        return scale(z, gamma, beta)

    return changed


def _block(*shape, seed, eps=None):
    gamma, beta = _randn(shape[1], seed=seed + 50), _randn(shape[1], seed=seed + 90)
    x = 3 * _randn(*shape, seed=seed) + 2
    return case(x, gamma, beta) if eps is None else case(x, gamma, beta, eps)


add(
    Exercise(
        "10.3",
        "Batch norm of (N, C, H, W)",
        cases=lambda: [
            case(
                torch.tensor([[[[1.0, 3]]], [[[5.0, 7]]]]),
                torch.ones(1),
                torch.zeros(1),
            ),
            _block(2, 2, 1, 3, seed=1),
            _block(3, 2, 4, 5, seed=2),
            _block(2, 4, 3, 4, seed=3),  # as many columns as channels
            _block(1, 3, 2, 2, seed=4),
            _block(5, 1, 3, 2, seed=5, eps=0.7),
            _block(4, 6, 5, 3, seed=6),
        ],
        wrong={
            "each-place": Wrong(
                _over((0,)),
                "Each place of each map is normalised by itself. A map is one feature "
                "seen at many places: average over H and W too.",
            ),
            "each-image": Wrong(
                _over((2, 3)),
                "Each image is normalised by itself. Average over the batch too: "
                "axis 0.",
            ),
            "over-channels": Wrong(
                _over((1, 2, 3)),
                "The channels of an image are mixed here. Each channel keeps its own "
                "mean; the images are mixed.",
            ),
            "over-everything": Wrong(
                _over((0, 1, 2, 3)),
                "One mean for everything. There is one for each channel: axis 1 stays.",
            ),
            "without-batch-axis": Wrong(
                _over((1, 2)), "These are channels and rows. The axes are 0 to 3: "
                "N, C, H, W."
            ),
            "scaled-by-column": Wrong(
                _over((0, 2, 3), lambda z, gamma, beta: gamma * z + beta),
                "γ of shape (C,) meets the last axis, W. Give it the shape "
                "(1, C, 1, 1).",
            ),
            "scaled-by-image": Wrong(
                _over(
                    (0, 2, 3),
                    lambda z, gamma, beta: (
                        gamma.view(-1, 1, 1, 1) * z + beta.view(-1, 1, 1, 1)
                    ),
                ),
                "This meets the batch axis. γ has one number for each channel: "
                "(1, C, 1, 1).",
            ),
            "unbiased": Wrong(
                _over((0, 2, 3), correction=1),
                "The variance must divide by how many there are: `correction=0`.",
            ),
        },
        hints=(
            "Axes 0 to 3 are N, C, H, W. All but one disappear.",
            "`dim=(0, 2, 3)` leaves one mean for each channel.",
            "`gamma.view(1, -1, 1, 1)` is (1, C, 1, 1).",
        ),
    )
)  # fmt: skip

# --- 10.4 and 10.5: running averages --------------------------------------------------

add(
    Exercise(
        "10.4",
        "A running mean by hand",
        tolerance=0.001,
        wrong={
            "momentum-swapped": Wrong(
                {"pytorch": [9, 9.9, 18.99]},
                "Only a tenth of the new mean is taken, and nine tenths of the old "
                "one are kept.",
            ),
            "started-at-the-first": Wrong(
                {"pytorch": [10, 10, 11]},
                "PyTorch's running mean starts at 0, not at the first batch's.",
            ),
            "nothing-forgotten": Wrong(
                {"pytorch": [1, 2, 4]},
                "A tenth of the new is added, but the old one must shrink: 0.9 of it.",
            ),
            "true-mean": Wrong(
                {"pytorch": [10, 10, 40 / 3]},
                "That is the mean of all batches so far. This one forgets.",
            ),
            "halved-true-mean": Wrong(
                {"halved": [10, 10, 40 / 3]},
                "That is the mean of all batches so far, each with the same weight. "
                "Add to the running mean and halve, each time.",
            ),
            "halved-from-the-first": Wrong(
                {"halved": [10, 10, 15]},
                "It starts at 0 here as well: (0 + 10) / 2 is the first.",
            ),
            "not-halved": Wrong(
                {"halved": [10, 20, 40]}, "Add, and then divide by two."
            ),
        },
        hints=(
            "First batch: 0.9 · 0 + 0.1 · 10, and (0 + 10) / 2.",
            "Second batch: 0.9 · 1 + 0.1 · 10, and (5 + 10) / 2.",
        ),
    )
)


def _running(
    keep=lambda m: 1 - m,
    take=lambda m: m,
    correction=1,
    axes=(0, 2, 3),
    root=False,
    first=1,
):
    """Running averages with something changed."""

    def changed(batches, momentum=0.1):
        C = batches[0].shape[1]
        mean, variance = torch.zeros(C), first * torch.ones(C)
        for x in batches:
            new = x.var(dim=axes, correction=correction)
            new = new.sqrt() if root else new
            mean = keep(momentum) * mean + take(momentum) * x.mean(dim=axes)
            variance = keep(momentum) * variance + take(momentum) * new
        return mean, variance

    return changed


def _true_average(batches, momentum=0.1):
    means = [x.mean(dim=(0, 2, 3)) for x in batches]
    variances = [x.var(dim=(0, 2, 3)) for x in batches]
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


def _last_batch(batches, momentum=0.1):
    return batches[-1].mean(dim=(0, 2, 3)), batches[-1].var(dim=(0, 2, 3))


def _batches(*shapes, seed, momentum=None):
    batches = [2 * _randn(*s, seed=seed + k) + k for k, s in enumerate(shapes)]
    return case(batches) if momentum is None else case(batches, momentum)


add(
    Exercise(
        "10.5",
        "Running averages",
        cases=lambda: [
            case([torch.tensor([[[[1.0, 3]]]])]),
            case([torch.tensor([[[[1.0, 3]]]]), torch.tensor([[[[10.0, 20]]]])]),
            _batches((2, 3, 2, 2), (2, 3, 2, 2), seed=20),
            _batches((4, 2, 3, 5), (4, 2, 3, 5), (1, 2, 3, 5), seed=30),
            _batches((3, 5, 2, 4), (3, 5, 2, 4), seed=40, momentum=0.5),
            _batches(*[(2, 4, 3, 1)] * 7, seed=50, momentum=0.3),
        ],
        tolerance=1e-5,
        wrong={
            "biased": Wrong(
                _running(correction=0),
                "The means are right. The variance that is kept for later is the "
                "estimate for all images, divided by one less: `correction=1`.",
            ),
            "momentum-swapped": Wrong(
                _running(keep=lambda m: m, take=lambda m: 1 - m),
                "`momentum` is the weight of the *new* batch here: a tenth of it is "
                "taken, nine tenths of the old average are kept.",
            ),
            "nothing-forgotten": Wrong(
                _running(keep=lambda m: 1),
                "The weights must add up to 1: keep 1 − momentum of the old average.",
            ),
            "all-taken": Wrong(
                _running(take=lambda m: 1),
                "The new batch counts in full. It gets the weight `momentum`.",
            ),
            "true-average": Wrong(
                _true_average,
                "This is the plain mean of all batches. A running average starts "
                "somewhere and forgets.",
            ),
            "last-batch": Wrong(
                _last_batch, "Only the last batch is left; the others count too."
            ),
            "halved": Wrong(
                _running(keep=lambda m: 0.5, take=lambda m: 0.5),
                "Add and halve: that is a momentum of 0.5. Use the argument.",
            ),
            "variance-from-zero": Wrong(
                _running(first=0),
                "The running variance starts at 1, so that an untrained layer divides "
                "by 1.",
            ),
            "deviation": Wrong(
                _running(root=True), "The variance is kept, not its root."
            ),
            "each-place": Wrong(
                lambda batches, momentum=0.1: (
                    sum(x.mean(0) for x in batches),
                    sum(x.var(0) for x in batches),
                ),
                "One number for each channel: average over N, H and W.",
            ),
        },
        hints=(
            "As in 10.3, a mean for each channel leaves out axis 1.",
            "`(1 - momentum) * old + momentum * new`, for both.",
            "`correction=1` divides by one less than the count.",
        ),
    )
)

# --- 10.6: counting -------------------------------------------------------------------

add(
    Exercise(
        "10.6",
        "What is learned, what is counted",
        tolerance=1e-9,
        wrong={
            "one-of-two": Wrong(
                {"learned": 64}, "Each channel has a γ and a β: two are learned."
            ),
            "one-pair": Wrong(
                {"learned": 2},
                "One γ and one β for all? Each of the 64 channels has its own.",
            ),
            "running-learned": Wrong(
                {"learned": 256},
                "256 counts the running averages too. No gradient moves them.",
            ),
            "only-means": Wrong(
                {"running": 64},
                "A mean and a variance for each channel: two numbers.",
            ),
            "running-forgotten": Wrong(
                {"running": 0},
                "No parameters, but they are stored: a mean and a variance for each "
                "channel.",
            ),
            "bias-kept": Wrong(
                {"pair": 4704},
                "This convolution has `bias=False`; β does its work.",
            ),
            "norm-forgotten": Wrong(
                {"pair": 4608},
                "These are the convolution's weights. Batch norm learns, too.",
            ),
            "running-counted": Wrong(
                {"pair": 4736},
                "The running averages are stored, not learned: they are no parameters.",
            ),
            "one-for-each-channel": Wrong(
                {"pair": 4640}, "γ and β: two for each of the 32 channels."
            ),
        },
        hints=(
            "C channels: C numbers γ, C numbers β, C running means, C running "
            "variances.",
            "The convolution has 32·16·3·3 weights and no bias.",
        ),
    )
)

# --- 10.7: folding --------------------------------------------------------------------


def _folded(
    scale=lambda gamma, variance, eps: gamma / torch.sqrt(variance + eps),
    shift=lambda bias, mean, scale, beta: (bias - mean) * scale + beta,
    view=(-1, 1, 1, 1),
):
    def changed(weight, bias, gamma, beta, mean, variance, eps=1e-5):
        s = scale(gamma, variance, eps)
        return weight * (s.view(view) if view else s), shift(bias, mean, s, beta)

    return changed


def _conv_and_norm(K, D1, F1, F2, seed, eps=None):
    numbers = [_randn(K, D1, F1, F2, seed=seed)]
    numbers += [_randn(K, seed=seed + k) for k in range(1, 5)]
    numbers += [_positive(K, seed=seed + 5)]
    return case(*numbers) if eps is None else case(*numbers, eps)


add(
    Exercise(
        "10.7",
        "Fold batch norm into the convolution",
        cases=lambda: [
            case(
                torch.tensor([[[[2.0]]]]),
                *(torch.tensor([v]) for v in (1.0, 3, 5, -1, 4)),
                0.0,
            ),
            _conv_and_norm(2, 1, 1, 3, seed=60),
            _conv_and_norm(3, 2, 3, 3, seed=70),
            _conv_and_norm(2, 2, 2, 2, seed=80),
            _conv_and_norm(4, 3, 3, 1, seed=90, eps=0.5),
            _conv_and_norm(5, 6, 2, 3, seed=100, eps=0.1),
        ],
        wrong={
            "bias-not-scaled": Wrong(
                _folded(shift=lambda bias, mean, s, beta: bias - mean * s + beta),
                "The convolution's bias goes through the scaling, too.",
            ),
            "mean-forgotten": Wrong(
                _folded(shift=lambda bias, mean, s, beta: bias * s + beta),
                "The running mean is subtracted before the scaling: where is it?",
            ),
            "mean-not-scaled": Wrong(
                _folded(shift=lambda bias, mean, s, beta: bias * s - mean + beta),
                "The mean is subtracted first and scaled with the rest.",
            ),
            "mean-added": Wrong(
                _folded(shift=lambda bias, mean, s, beta: (bias + mean) * s + beta),
                "The mean is subtracted, not added.",
            ),
            "beta-scaled": Wrong(
                _folded(shift=lambda bias, mean, s, beta: (bias - mean + beta) * s),
                "β is added last, after the scaling.",
            ),
            "beta-only": Wrong(
                _folded(shift=lambda bias, mean, s, beta: beta),
                "β alone is the bias only where the convolution's own bias equals the "
                "running mean.",
            ),
            "only-gamma": Wrong(
                _folded(scale=lambda gamma, variance, eps: gamma),
                "γ is divided by the standard deviation: γ / √(σ² + ε).",
            ),
            "by-the-variance": Wrong(
                _folded(scale=lambda gamma, variance, eps: gamma / (variance + eps)),
                "Divided by the variance. Take its root.",
            ),
            "inputs-scaled": Wrong(
                _folded(view=(1, -1, 1, 1)),
                "Weights are (K, D1, F, F). The channels that batch norm saw are the K "
                "that come out: axis 0.",
            ),
            "columns-scaled": Wrong(
                _folded(view=None),
                "`scale` of shape (K,) meets the last axis of the weight. Give it the "
                "shape (K, 1, 1, 1).",
            ),
        },
        hints=(
            "y = scale · (w∗x + bias − mean) + beta. Multiply out.",
            "Before x: scale · w, one number for each of the K filters. The rest is "
            "the new bias.",
            "`scale.view(-1, 1, 1, 1)`, and `(bias - mean) * scale + beta`.",
        ),
    )
)

# --- 10.8 and 10.9: which numbers belong together -------------------------------------

add(
    Exercise(
        "10.8",
        "How many means?",
        tolerance=1e-9,
        wrong={
            "batch-counts-members": Wrong(
                {"batch": 160},
                "160 numbers go into each mean. How many means are there?",
            ),
            "batch-over-the-batch": Wrong(
                {"batch": 8},
                "The name says what is averaged over. The batch axis goes, the "
                "channels stay.",
            ),
            "batch-each-place": Wrong(
                {"batch": 120},
                "All places of a map share one mean: H and W go as well.",
            ),
            "layer-counts-members": Wrong(
                {"layer": 120},
                "120 numbers go into each mean. How many means are there?",
            ),
            "layer-one": Wrong(
                {"layer": 1}, "Each image has its own mean; the batch axis stays."
            ),
            "layer-channels": Wrong(
                {"layer": 6}, "Layer norm mixes the channels and keeps images apart."
            ),
            "instance-counts-members": Wrong(
                {"instance": 20},
                "20 numbers go into each mean. How many means are there?",
            ),
            "instance-images": Wrong(
                {"instance": 8},
                "Each *map* has its own mean: each channel of each image.",
            ),
            "instance-channels": Wrong(
                {"instance": 6},
                "Images are kept apart, too: each channel of each image.",
            ),
            "group-two": Wrong(
                {"group": 2}, "Two for each image, and there are 8 images."
            ),
            "group-of-two": Wrong(
                {"group": 24},
                "Two groups of 3 channels, not three groups of 2.",
            ),
            "group-counts-members": Wrong(
                {"group": 60},
                "60 numbers go into each mean. How many means are there?",
            ),
        },
        hints=(
            "Cross out the axes that are averaged over; multiply what is left.",
            "Batch: C is left. Layer: N. Instance: N and C.",
            "Group: 2 groups in each of N = 8 images.",
        ),
    )
)


def _normalised(axes=lambda axes: axes, correction=0, keep=True, root=True):
    def changed(x, axes_given, eps=1e-5):
        dims = axes(axes_given)
        mean = x.mean(dim=dims, keepdim=keep)
        variance = x.var(dim=dims, correction=correction, keepdim=keep) + eps
        return (x - mean) / (torch.sqrt(variance) if root else variance)

    return changed


def _others(x, axes, eps=1e-5):
    return reference("10.9")(x, tuple(k for k in range(x.ndim) if k not in axes), eps)


add(
    Exercise(
        "10.9",
        "Normalise over any axes",
        cases=lambda: [
            case(torch.tensor([[1.0, 3], [10, 30]]), (0,)),
            case(torch.tensor([[1.0, 3], [10, 30]]), (1,)),
            case(2 * _randn(3, 4, 2, 5, seed=110) + 1, (0, 2, 3)),
            case(2 * _randn(3, 4, 2, 5, seed=111) + 1, (1, 2, 3)),
            case(2 * _randn(3, 4, 2, 5, seed=112) + 1, (2, 3)),
            case(_randn(2, 2, 3, 4, 3, seed=113), (2, 3, 4), 0.3),
            case(_randn(4, 6, seed=114) * 3, (0, 1), 0.2),
        ],
        wrong={
            "axis-lost": Wrong(
                _normalised(keep=False),
                "Without `keepdim=True` the averaged axes are gone, and the means "
                "meet the wrong ones, or none.",
            ),
            "always-batch-norm": Wrong(
                lambda x, axes, eps=1e-5: reference("10.9")(
                    x, (0, 2, 3)[: x.ndim - 1], eps
                ),
                "These are the axes of batch norm. Use those that are asked for.",
            ),
            "other-axes": Wrong(
                _others,
                "`axes` are those to average *over*; here they are those that stay.",
            ),
            "over-everything": Wrong(
                lambda x, axes, eps=1e-5: reference("10.9")(
                    x, tuple(range(x.ndim)), eps
                ),
                "One mean for all. Hand the axes on: `dim=axes`.",
            ),
            "unbiased": Wrong(
                _normalised(correction=1),
                "Divide by how many there are: `correction=0`.",
            ),
            "not-rooted": Wrong(
                _normalised(root=False),
                "Divided by the variance. Take the root of `variance + eps`.",
            ),
        },
        hints=(
            "Batch norm from 10.3, without γ and β; the axes are an argument.",
            "`x.mean(dim=axes, keepdim=True)`, and the same for the variance.",
        ),
    )
)

# --- 10.10: dropout of whole maps -----------------------------------------------------


def _drop(scale=lambda p: 1 / (1 - p), mask=lambda kept: kept[:, :, None, None]):
    def changed(x, kept, p, training):
        return x * mask(kept) * scale(p) if training else x

    return changed


def _maps(*shape, p, training, seed):
    kept = (_positive(*shape[:2], seed=seed + 1) - 0.2 >= p).float()
    return case(_randn(*shape, seed=seed), kept, p, training)


add(
    Exercise(
        "10.10",
        "Dropout of whole maps",
        cases=lambda: [
            case(torch.ones(1, 2, 1, 2), torch.tensor([[1.0, 0]]), 0.5, True),
            case(torch.ones(1, 2, 1, 2), torch.tensor([[1.0, 0]]), 0.5, False),
            case(
                torch.ones(2, 2, 2, 3),
                torch.tensor([[1.0, 0], [1, 1]]),
                0.2,
                True,
            ),
            _maps(3, 5, 2, 4, p=0.5, training=True, seed=120),
            _maps(4, 3, 4, 3, p=0.25, training=True, seed=130),
            _maps(3, 3, 3, 3, p=0.4, training=True, seed=140),
            _maps(2, 6, 3, 5, p=0.75, training=False, seed=150),
        ],
        wrong={
            "last-axes": Wrong(
                _drop(mask=lambda kept: kept),
                "(N, C) meets the last two axes, H and W. Add two axes at the end: "
                "(N, C, 1, 1).",
            ),
            "same-for-all-images": Wrong(
                _drop(mask=lambda kept: kept[:1, :, None, None]),
                "Each image loses other maps: all rows of `kept`, not only the first.",
            ),
            "not-scaled": Wrong(
                _drop(scale=lambda p: 1),
                "The mean shrinks to 1 − p of what it was. Scale up what is left.",
            ),
            "divided-by-p": Wrong(
                _drop(scale=lambda p: 1 / p),
                "A part of 1 − p is kept: divide by that.",
            ),
            "scaled-down": Wrong(
                _drop(scale=lambda p: 1 - p),
                "What is kept must grow: divide by 1 − p.",
            ),
            "dropped-are-kept": Wrong(
                _drop(mask=lambda kept: 1 - kept[:, :, None, None]),
                "`kept` is 1 where a map stays.",
            ),
            "always-on": Wrong(
                lambda x, kept, p, training: reference("10.10")(x, kept, p, True),
                "In evaluation nothing is dropped: return `x`.",
            ),
        },
        hints=(
            "`kept` is (N, C), `x` is (N, C, H, W): what shape lets them be "
            "multiplied?",
            "`kept[:, :, None, None]` is (N, C, 1, 1).",
        ),
    )
)

# --- 10.11: a network -----------------------------------------------------------------


def _conv_net(
    norm=nn.BatchNorm2d,
    features=128,
    bias=False,
    after=False,
    act=nn.ReLU,
    last=(),
    widths=(16, 32),
    first_norm=True,
):
    """The network with something changed."""

    def changed():
        layers, depth = [], 1
        for position, width in enumerate(widths):
            layers.append(nn.Conv2d(depth, width, 3, padding=1, bias=bias))
            normed = [norm(width)] if position or first_norm else []
            layers += [act(), *normed] if after else [*normed, act()]
            layers.append(nn.MaxPool2d(2))
            depth = width
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 10), *last)

    return changed


add(
    Exercise(
        "10.11",
        "A network with batch norm",
        cases=lambda: [case((N, 1, 8, 8)) for N in (1, 2, 3, 5, 8)],
        run=by_function("10.11"),
        shown=on_input,
        wrong={
            "features-of-the-input": Wrong(
                _conv_net(norm=lambda width: nn.BatchNorm2d({16: 1, 32: 16}[width])),
                "One layer does not fit the one before it. Batch norm has as many "
                "features as channels come *out* of the convolution; the last layer "
                "sees 32 maps of 2×2, flattened.",
                any_error=True,
            ),
            "bias-kept": Wrong(
                _conv_net(bias=True),
                "The convolutions have a bias each, which batch norm subtracts again: "
                "`bias=False`.",
            ),
            "after-the-activation": Wrong(
                _conv_net(after=True),
                "Here ReLU comes before batch norm. Convolution, batch norm, ReLU was "
                "asked for.",
            ),
            "instance-norm": Wrong(
                _conv_net(norm=lambda width: nn.GroupNorm(width, width)),
                "The shapes are right. But each image is normalised by itself here, "
                "in training too.",
            ),
            "no-running-averages": Wrong(
                _conv_net(
                    norm=lambda width: nn.BatchNorm2d(width, track_running_stats=False)
                ),
                "In training it is right. In evaluation running averages should "
                "stand in for the batch's own.",
            ),
            "nothing-learned": Wrong(
                _conv_net(norm=lambda width: nn.BatchNorm2d(width, affine=False)),
                "γ and β are missing: leave `affine` as it is.",
            ),
            "second-only": Wrong(
                _conv_net(first_norm=False),
                "Batch norm is missing after the first convolution.",
            ),
            "softmax": Wrong(
                _conv_net(last=(nn.Softmax(dim=1),)),
                "No softmax at the end: `cross_entropy` contains it.",
            ),
        },
        hints=(
            "The comments give the shape after each layer; batch norm does not change "
            "it.",
            "`nn.BatchNorm2d(16)` after a convolution of 16 filters.",
            "8×8 is halved twice: 32 maps of 2×2 are 128 features.",
        ),
    )
)
