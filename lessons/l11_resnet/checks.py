"""Checks: ResNet."""

import math

import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.engine import Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input

# --- 11.1 and 11.2: what is wrong with deep plain networks? ---------------------------

add(
    Exercise(
        "11.1",
        "Overfitting or underfitting?",
        wrong={
            "all-overfit": Wrong(
                {"A": "over", "B": "over", "C": "over"},
                "Every network is somewhat worse in the test. Overfitting shows in a "
                "training error that is far *below* the test error.",
            ),
            "deeper-overfits": Wrong(
                {"B": "over"},
                "B has more parameters than it needs, but it does not even fit the "
                "training images: 13 % of them are wrong.",
            ),
            "swapped": Wrong(
                {"A": "under", "B": "over"},
                "The other way round: who overfits knows the training images by heart.",
            ),
            "low-error-underfits": Wrong(
                {"A": "under"}, "A gets 99 % of the training images right."
            ),
            "test-only": Wrong(
                {"C": "over"},
                "C's errors are close to each other, and low: nothing is wrong.",
            ),
            "B-is-fine": Wrong(
                {"B": "neither"},
                "A smaller network gets 6 % in training, and B only 13 %: it could do "
                "better on images that it has seen.",
            ),
        },
        otherwise='Each answer is "over", "under" or "neither".',
        hints=(
            "Look at the training error first: has it learned its own images?",
            "A: nearly perfect in training, far worse in the test. B: bad at both.",
        ),
    )
)

add(
    Exercise(
        "11.2",
        "At most a quarter",
        tolerance=1e-6,
        wrong={
            "added": Wrong(
                {"three": 3 / 4},
                "The chain rule multiplies the slopes: ¼ · ¼ · ¼, not ¼ + ¼ + ¼.",
            ),
            "divided-by-layers": Wrong(
                {"three": 1 / 12}, "¼ · ¼ · ¼ has 4 · 4 · 4 below the line, not 4 · 3."
            ),
            "one-slope": Wrong(
                {"three": 1 / 4}, "That is one layer. There are three σ in a row."
            ),
            "squared": Wrong({"three": 1 / 16}, "That is two layers."),
            "by-halves": Wrong(
                {"layers": 20}, "20 would be right for slopes of ½: 2²⁰ is a million."
            ),
            "by-tenths": Wrong(
                {"layers": 6}, "6 would be right for slopes of 1/10. 4⁶ is only 4096."
            ),
            "just-not": Wrong(
                {"layers": 9},
                "4⁹ = 262 144: a quarter of a million, not yet a million.",
            ),
        },
        hints=(
            "Multiply one factor of ¼ for each layer.",
            "¼ · ¼ · ¼ for three. And 4⁵ = 1024: what is 4¹⁰?",
        ),
    )
)

# --- 11.3: clipping -------------------------------------------------------------------


def _norm(g):
    return float((g**2).sum() ** 0.5)


def _each_clipped(gradients, most):
    return [reference("11.3")([g], most)[0] for g in gradients]


def _always_scaled(gradients, most):
    norm = sum((g**2).sum() for g in gradients) ** 0.5
    return [g * most / norm for g in gradients]


def _not_rooted(gradients, most):
    norm = sum((g**2).sum() for g in gradients)
    return [g * (most / norm) for g in gradients] if norm > most else gradients


def _norms_added(gradients, most):
    norm = sum(map(_norm, gradients))
    return [g * (most / norm) for g in gradients] if norm > most else gradients


def _divided(gradients, most):
    norm = sum((g**2).sum() for g in gradients) ** 0.5
    return [g / norm for g in gradients] if norm > most else gradients


def _gradients(*shapes, seed, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    return [size * torch.randn(shape, generator=generator) for shape in shapes]


add(
    Exercise(
        "11.3",
        "Clip the gradients",
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
                "longer points downhill. Shrink all by one factor.",
            ),
            "each-by-itself": Wrong(
                _each_clipped,
                "Each tensor has a norm of its own here. Add up the squares of all.",
            ),
            "always": Wrong(
                _always_scaled,
                "A small gradient is blown up here. Leave alone what is not too long.",
            ),
            "no-root": Wrong(
                _not_rooted, "The norm is the square root of the sum of squares."
            ),
            "norms-added": Wrong(
                _norms_added,
                "Norms do not add up: √(3² + 4²) is 5, not 7. Add the squares.",
            ),
            "to-one": Wrong(
                _divided,
                "Divided by the norm, its length is 1. It should become `most`.",
            ),
            "never": Wrong(
                lambda gradients, most: gradients,
                "Nothing is clipped: too long a gradient stays too long.",
            ),
        },
        hints=(
            "The common norm: the root of the sum of the squares of all numbers.",
            "What has length `norm` gets length `most` when multiplied by …",
            "`most / norm`.",
        ),
    )
)

# --- 11.4: why the sum helps ----------------------------------------------------------

add(
    Exercise(
        "11.4",
        "The gradient of a sum",
        tolerance=1e-6,
        wrong={
            "slopes-added": Wrong(
                {"plain": 3 / 2}, "Slopes of functions in a row are multiplied."
            ),
            "one-missing": Wrong(
                {"residual": 1 / 8},
                "x + F(x) has the slope 1 + F′: the 1 of the shortcut is missing.",
            ),
            "one-added-once": Wrong(
                {"residual": 9 / 8},
                "Each of the three blocks has its own shortcut: (1 + ½) three times.",
            ),
            "all-added": Wrong(
                {"residual": 9 / 2}, "Multiply the three slopes of 1 + ½."
            ),
            "only-the-short-cut": Wrong(
                {"residual": 1},
                "1 is what goes along the shortcuts alone. F adds ½ at each block.",
            ),
            "three-paths": Wrong(
                {"paths": 3},
                "At each block a path chooses anew: through F, or past it.",
            ),
            "two-for-each": Wrong(
                {"paths": 6}, "Two ways at each of three blocks: 2 · 2 · 2, not 2 · 3."
            ),
            "two-paths": Wrong(
                {"paths": 2}, "A path may go through one F and past another."
            ),
        },
        hints=(
            "(x + F(x))′ = 1 + F′(x).",
            "½ · ½ · ½, and (1 + ½)·(1 + ½)·(1 + ½).",
            "Multiply (1 + ½)·(1 + ½)·(1 + ½) out: how many products are there?",
        ),
    )
)

# --- 11.5: the block ------------------------------------------------------------------


class _Block(nn.Module):
    """Two 3×3 convolutions, to be joined with x in some way: ``forward`` is missing."""

    def __init__(self, D, bias=False, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv1 = nn.Conv2d(D, D, 3, padding=1, bias=bias)
        self.norm1 = norm(D)
        self.conv2 = nn.Conv2d(D, D, 3, padding=1, bias=bias)
        self.norm2 = norm(D)

    def residual(self, x):
        """F(x)."""
        out = functional.relu(self.norm1(self.conv1(x)))
        return self.norm2(self.conv2(out))


def _block(forward, **options):
    """A block with this forward."""

    class Changed(_Block):
        def __init__(self, D):
            super().__init__(D, **options)

        def forward(self, x):
            return forward(self, x)

    return Changed


def _relu_first(self, x):
    return functional.relu(self.residual(x)) + x


def _no_relu_between(self, x):
    return functional.relu(self.norm2(self.conv2(self.norm1(self.conv1(x)))) + x)


def _norm_after_relu(self, x):
    out = self.norm1(functional.relu(self.conv1(x)))
    return functional.relu(self.norm2(self.conv2(out)) + x)


def _norm_last(self, x):
    out = functional.relu(self.norm1(self.conv1(x)))
    return functional.relu(self.norm2(self.conv2(out) + x))


def _no_norm(self, x):
    out = functional.relu(self.conv1(x))
    return functional.relu(self.conv2(out) + x)


def _added_twice(self, x):
    out = functional.relu(self.norm1(self.conv1(x)) + x)
    return functional.relu(self.norm2(self.conv2(out)) + x)


def _multiplied(self, x):
    return functional.relu(self.residual(x) * x)


_BLOCKS = [(1, 1, 3, 4), (2, 2, 5, 4), (3, 4, 4, 4), (2, 3, 6, 3), (5, 8, 2, 7)]

add(
    Exercise(
        "11.5",
        "The residual block",
        cases=lambda: [case(shape, shape[1]) for shape in _BLOCKS],
        run=by_function("11.5"),
        shown=on_input,
        wrong={
            "no-shortcut": Wrong(
                _block(lambda self, x: functional.relu(self.residual(x))),
                "The shortcut is missing: this is a plain block. Add x.",
            ),
            "relu-before-the-addition": Wrong(
                _block(_relu_first),
                "ReLU comes after the addition. Before it, F could only "
                "add, never take away.",
            ),
            "relu-twice": Wrong(
                _block(lambda self, x: functional.relu(_relu_first(self, x))),
                "ReLU comes after the addition only. Before it, F could only add, "
                "never take away.",
            ),
            "no-last-relu": Wrong(
                _block(lambda self, x: self.residual(x) + x),
                "The sum is right. The ReLU after it is missing.",
            ),
            "no-relu-between": Wrong(
                _block(_no_relu_between),
                "Without a ReLU between them, the two convolutions are one linear "
                "function.",
            ),
            "norm-after-relu": Wrong(
                _block(_norm_after_relu),
                "Convolution, then batch norm, then ReLU.",
            ),
            "norm-after-the-addition": Wrong(
                _block(_norm_last),
                "Batch norm after the addition also rescales the shortcut. It belongs "
                "to the convolution: before the addition.",
            ),
            "no-batch-norm": Wrong(
                _block(_no_norm, norm=nn.Identity),
                "Batch norm is missing, one after each convolution.",
            ),
            "added-twice": Wrong(
                _block(_added_twice),
                "x is added after each convolution here. One shortcut spans both.",
            ),
            "does-not-fit": Wrong(
                _block(lambda self, x: functional.relu(self.residual(x)[..., 4:] + x)),
                "One size does not fit another. A 3×3 keeps the sides with padding 1; "
                "convolutions and norms have D channels throughout.",
                any_error=True,
            ),
            "multiplied": Wrong(
                _block(_multiplied), "F(x) and x are added, not multiplied."
            ),
            "with-bias": Wrong(
                _block(
                    lambda self, x: functional.relu(self.residual(x) + x), bias=True
                ),
                "The convolutions have a bias, which batch norm subtracts again: "
                "`bias=False`.",
            ),
        },
        hints=(
            "Convolution, batch norm, ReLU, convolution, batch norm: that is F(x).",
            "Only then x is added, and the sum goes through ReLU.",
            "The last line: `functional.relu(out + x)`.",
        ),
    )
)

# --- 11.6: the shortcut across a stage ------------------------------------------------


def _zeros_first(x, channels, stride):
    x = x[:, :, ::stride, ::stride]
    return functional.pad(x, (0, 0, 0, 0, channels - x.shape[1], 0))


def _averaged(x, channels, stride):
    x = functional.avg_pool2d(x, stride, ceil_mode=True)
    return functional.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


def _repeated(x, channels, stride):
    x = x[:, :, ::stride, ::stride]
    times = -(-channels // x.shape[1])
    return x.repeat(1, times, 1, 1)[:, :channels]


def _columns_only(x, channels, stride):
    x = x[:, :, :, ::stride]
    return functional.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


def _cropped(x, channels, stride):
    H, W = (-(-side // stride) for side in x.shape[2:])
    return reference("11.6")(x[:, :, :H, :W], channels, 1)


def _images(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


add(
    Exercise(
        "11.6",
        "A shortcut that shrinks and widens",
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
            "not-shrunk": Wrong(
                lambda x, channels, stride: reference("11.6")(x, channels, 1),
                "The channels are there, but every pixel is. Take each stride-th.",
            ),
            "not-widened": Wrong(
                lambda x, channels, stride: x[:, :, ::stride, ::stride],
                "F(x) has `channels` channels, so nothing can be added to this yet: "
                "fill up with zeros.",
            ),
            "zeros-in-front": Wrong(
                _zeros_first,
                "The zeros stand before the old channels. They belong behind: the last "
                "number of the padding.",
            ),
            "averaged": Wrong(
                _averaged,
                "This takes the mean of each window. The shortcut picks one pixel, and "
                "drops the others.",
            ),
            "repeated": Wrong(
                _repeated, "The new channels are copies here; they should be zero."
            ),
            "second-first": Wrong(
                lambda x, channels, stride: reference("11.6")(
                    x[:, :, stride - 1 :, stride - 1 :], channels, stride
                ),
                "It starts one step late: pixels 0, 2, 4, … as the convolution with "
                "stride 2 does.",
            ),
            "columns-only": Wrong(
                _columns_only, "Rows are to be thinned out like columns."
            ),
            "cropped": Wrong(
                _cropped,
                "This cuts a corner out. Each stride-th pixel of the whole image.",
            ),
            "too-many-zeros": Wrong(
                lambda x, channels, stride: reference("11.6")(
                    x, channels + x.shape[1], stride
                ),
                "So many channels are added, instead of so many there in the end.",
            ),
        },
        hints=(
            "The slice `x[:, :, ::2, ::2]` is every second row and column.",
            "There are `x.shape[1]` channels, and `channels` are wanted.",
        ),
    )
)

# --- 11.7 and 11.8: bottlenecks -------------------------------------------------------

add(
    Exercise(
        "11.7",
        "Two wide layers, or a bottleneck",
        tolerance=1e-9,
        wrong={
            "one-layer": Wrong(
                {"wide": 589824}, "That is one 3×3 layer. The block has two."
            ),
            "depth-forgotten": Wrong(
                {"wide": 2 * 9 * 256},
                "Each of the 256 filters is 256 deep: 9·256 weights.",
            ),
            "with-biases": Wrong(
                {"wide": 1180160},
                "No biases here: batch norm, which follows, has its own.",
            ),
            "only-the-middle": Wrong(
                {"bottleneck": 36864},
                "That is the 3×3 in the middle. The two 1×1 have 256·64 weights each.",
            ),
            "one-way": Wrong(
                {"bottleneck": 53248},
                "Down and up again: there are two 1×1 layers of 16 384.",
            ),
            "wide-middle": Wrong(
                {"bottleneck": 16384 * 2 + 9 * 64 * 256},
                "The 3×3 goes from 64 to 64; only the last 1×1 widens.",
            ),
            "threes": Wrong(
                {"bottleneck": 9 * (2 * 16384 + 4096)},
                "The first and the last are 1×1: one weight for each channel.",
            ),
            "weights-once": Wrong(
                {"work": 69632}, "Each weight works at every one of 28·28 places."
            ),
            "one-side": Wrong({"work": 69632 * 28}, "28·28 places, not 28."),
            "wide-work": Wrong(
                {"work": 1179648 * 784}, "That is the work of the two wide layers."
            ),
        },
        hints=(
            "A layer has (channels in) · F · F · (channels out) weights.",
            "Bottleneck: 256·64, then 9·64·64, then 64·256.",
            "Work: each weight at 28·28 places.",
        ),
    )
)


def _projection(D1, D2, stride, norm=True, F=1):
    conv = nn.Conv2d(D1, D2, F, stride, padding=F // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(D2)) if norm else conv


class _Bottleneck(nn.Module):
    """A bottleneck with something changed."""

    def __init__(
        self, D1, D, stride, project=True, last=4, strides=(0, 1, 0), norm=True
    ):
        super().__init__()
        self.layers = nn.ModuleList()
        for D_in, D_out, F, strided in (
            (D1, D, 1, strides[0]),
            (D, D, 3, strides[1]),
            (D, last * D, 1, strides[2]),
        ):
            step = stride if strided else 1
            conv = nn.Conv2d(D_in, D_out, F, step, padding=F // 2, bias=False)
            self.layers.append(nn.Sequential(conv, nn.BatchNorm2d(D_out)))
        self.shortcut = _projection(D1, last * D, stride, norm) if project else None

    def residual(self, x):
        """F(x)."""
        first, second, third = self.layers
        return third(functional.relu(second(functional.relu(first(x)))))

    def forward(self, x):
        """H(x) = relu(F(x) + shortcut(x))."""
        x0 = x if self.shortcut is None else self.shortcut(x)
        return functional.relu(self.residual(x) + x0)


def _bottleneck(forward=_Bottleneck.forward, **options):
    class Changed(_Bottleneck):
        def __init__(self, D1, D, stride):
            super().__init__(D1, D, stride, **options)

        def forward(self, x):
            return forward(self, x)

    return Changed


def _early_relu(self, x):
    return functional.relu(self.residual(x)) + self.shortcut(x)


def _one_relu(self, x):
    first, second, third = self.layers
    return functional.relu(third(second(functional.relu(first(x)))) + self.shortcut(x))


def _bent_shortcut(self, x):
    return functional.relu(self.residual(x) + functional.relu(self.shortcut(x)))


class _ShortcutLast(nn.Module):
    """A network whose first convolution and norm are matched after all others."""

    def __init__(self, network):
        super().__init__()
        layers = [m for m in network.modules() if list(m.parameters(recurse=False))]
        self.layers = nn.ModuleList([*layers[2:], *layers[:2]])
        self.network = network

    def forward(self, x):
        return self.network(x)


_matched = by_function("11.8")


def _matched_either_way(candidate, each):
    """The shortcut may be made and computed before the path, or after it."""

    def turned(*arguments):
        network = candidate(*arguments)
        return _ShortcutLast(network) if isinstance(network, nn.Module) else network

    got, wanted = _matched(candidate, each), _matched(reference("11.8"), each)
    if got != wanted and _matched(turned, each) == wanted:
        return wanted
    return got


_BOTTLENECKS = [
    ((2, 3, 3, 5), 1, 1),
    ((2, 2, 4, 6), 2, 2),
    ((3, 5, 5, 7), 2, 2),
    ((1, 6, 4, 4), 3, 1),
    ((2, 8, 7, 5), 1, 3),
]

add(
    Exercise(
        "11.8",
        "A bottleneck with its shortcut",
        cases=lambda: [case(s, s[1], D, stride) for s, D, stride in _BOTTLENECKS],
        run=_matched_either_way,
        shown=on_input,
        wrong={
            "no-projection": Wrong(
                _bottleneck(project=False),
                "x cannot be added as it is: F(x) has other channels, and with a "
                "stride other sides. The shortcut needs its 1×1.",
            ),
            "shortcut-forgotten": Wrong(
                _bottleneck(lambda self, x: functional.relu(self.residual(x))),
                "The shortcut is made, but never added.",
            ),
            "not-widened": Wrong(
                _bottleneck(last=1),
                "The last 1×1 goes back up: 4·D channels come out.",
            ),
            "stride-in-the-first": Wrong(
                _bottleneck(strides=(1, 0, 0)),
                "The stride is in the first 1×1, which then skips three pixels of "
                "four. (The paper has it there; here, as in torchvision, in the 3×3.)",
            ),
            "stride-in-the-last": Wrong(
                _bottleneck(strides=(0, 0, 1)),
                "The stride belongs to the 3×3, which sees the pixels between; here "
                "the last 1×1 has it.",
            ),
            "relu-before-the-addition": Wrong(
                _bottleneck(_early_relu),
                "Add first, then ReLU.",
            ),
            "relu-twice": Wrong(
                _bottleneck(lambda self, x: functional.relu(_early_relu(self, x))),
                "ReLU comes after the addition only, not before it as well.",
            ),
            "does-not-fit": Wrong(
                _bottleneck(lambda self, x: self.shortcut(self.residual(x))),
                "A layer cannot be made, or cannot take what it is given: D1 → D → D → "
                "4·D on the path, and D1 → 4·D on the shortcut, which starts from x.",
                any_error=True,
            ),
            "one-relu-missing": Wrong(
                _bottleneck(_one_relu),
                "A ReLU stands between each two layers of F: one is missing.",
            ),
            "relu-on-the-shortcut": Wrong(
                _bottleneck(_bent_shortcut),
                "The shortcut has a convolution and batch norm, and no ReLU.",
            ),
            "shortcut-without-norm": Wrong(
                _bottleneck(norm=False),
                "The shortcut's 1×1 has batch norm behind it, like every convolution.",
            ),
        },
        hints=(
            "Channels: D1 → D → D → 4·D. The shortcut goes from D1 to 4·D at once.",
            "The stride stands twice: in the 3×3, and in the shortcut's 1×1.",
            "At the end `functional.relu(self.up(out) + self.shortcut(x))`.",
        ),
    )
)

# --- 11.9: how deep? ------------------------------------------------------------------

add(
    Exercise(
        "11.9",
        "How deep is it?",
        cases=lambda: [
            case([1], 2),
            case([2, 2, 2, 2], 2),
            case([3, 4, 6, 3], 2),
            case([3, 4, 6, 3], 3),
            case([1, 3], 3),
            case([9, 9, 9], 2),
            case([3, 8, 36, 3], 3),
        ],
        tolerance=1e-9,
        wrong={
            "blocks-only": Wrong(
                lambda blocks, layers: layers * sum(blocks),
                "Two layers stand outside the blocks: the first convolution, and the "
                "dense layer at the end.",
            ),
            "one-outside": Wrong(
                lambda blocks, layers: layers * sum(blocks) + 1,
                "Two stand outside: the first convolution and the dense layer.",
            ),
            "blocks-as-layers": Wrong(
                lambda blocks, layers: sum(blocks) + 2,
                "A block has `layers` convolutions, one after the other.",
            ),
            "stages": Wrong(
                lambda blocks, layers: layers * len(blocks) + 2,
                "`len` counts the stages; `sum` the blocks in them.",
            ),
            "two-a-stage": Wrong(
                lambda blocks, layers: layers * sum(blocks) + len(blocks) + 2,
                "The 1×1 of a shortcut stands beside the path, not on it: it does not "
                "count.",
            ),
            "brackets": Wrong(
                lambda blocks, layers: layers * (sum(blocks) + 2),
                "The two outside count once each, not `layers` times.",
            ),
        },
        hints=(
            "How many blocks are there in all stages together?",
            "So many times `layers`, and the first convolution and the last layer.",
        ),
    )
)

# --- 11.10: He's start ----------------------------------------------------------------

add(
    Exercise(
        "11.10",
        "He's start",
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
            "variance": Wrong(
                lambda F, D1: 2 / (F * F * D1),
                "That is the variance. The standard deviation is its root.",
            ),
            "xavier": Wrong(
                lambda F, D1: (1 / (F * F * D1)) ** 0.5,
                "That is for layers without a bend. ReLU zeroes half of the numbers, "
                "so the variance must be twice that.",
            ),
            "half": Wrong(
                lambda F, D1: (1 / (2 * F * F * D1)) ** 0.5,
                "The 2 makes up for what ReLU takes away: it stands above the line.",
            ),
            "one-channel": Wrong(
                lambda F, D1: (2 / (F * F)) ** 0.5,
                "A filter reaches through all D1 channels: F·F·D1 products are added.",
            ),
            "extent-once": Wrong(
                lambda F, D1: (2 / (F * D1)) ** 0.5, "A filter is F high and F wide."
            ),
            "two-outside": Wrong(
                lambda F, D1: 2 / (F * F * D1) ** 0.5,
                "The root is of the 2 as well: √2 / √(F·F·D1).",
            ),
            "inverse": Wrong(
                lambda F, D1: (F * F * D1 / 2) ** 0.5,
                "The more products are added, the smaller each must be.",
            ),
        },
        hints=(
            "How many products does one output add up?",
            "F·F·D1 of them. The variance of a weight is 2 divided by that.",
            "The standard deviation is the root of the variance.",
        ),
    )
)

# --- 11.11: cross-entropy from scores -------------------------------------------------


def _unsafe(scores, labels):
    right = scores[torch.arange(len(labels)), labels]
    return (scores.exp().sum(dim=1).log() - right).mean()


def _shifted_sum_only(scores, labels):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    right = scores[torch.arange(len(labels)), labels]
    return (shifted.exp().sum(dim=1).log() - right).mean()


def _one_maximum(scores, labels):
    shifted = scores - scores.max()
    right = shifted[torch.arange(len(labels)), labels]
    return (shifted.exp().sum(dim=1).log() - right).mean()


def _axis_lost(scores, labels):
    shifted = scores - scores.max(dim=1).values
    right = shifted[torch.arange(len(labels)), labels]
    return (shifted.exp().sum(dim=1).log() - right).mean()


def _probability(scores, labels):
    return -scores.softmax(dim=1)[torch.arange(len(labels)), labels].mean()


def _log_of_mean(scores, labels):
    return -scores.softmax(dim=1)[torch.arange(len(labels)), labels].mean().log()


def _scores(N, C, seed, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    scores = size * torch.randn(N, C, generator=generator)
    return case(scores, torch.randint(C, (N,), generator=generator))


add(
    Exercise(
        "11.11",
        "Cross-entropy from scores",
        cases=lambda: [
            case(torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
            case(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0])),
            case(
                torch.tensor([[1.0, 2.0, 3.0], [0.0, 5.0, 1.0]]), torch.tensor([2, 0])
            ),
            _scores(4, 3, seed=1),
            _scores(7, 10, seed=2, size=5.0),
            case(torch.tensor([[1000.0, 999.0, 0.0]]), torch.tensor([1])),
            case(
                torch.tensor([[900.0, 901.0], [-900.0, -901.0]]), torch.tensor([0, 0])
            ),
            _scores(5, 4, seed=3, size=300.0),
        ],
        wrong={
            "overflows": Wrong(
                _unsafe,
                "Right for small scores. But e¹⁰⁰⁰ is infinite on a computer: subtract "
                "the largest score of each image first.",
            ),
            "one-maximum-for-all": Wrong(
                _one_maximum,
                "One maximum for the whole batch: for another image all e^… become 0, "
                "and the log infinite. Each row has its own.",
            ),
            "not-shifted-twice": Wrong(
                _shifted_sum_only,
                "The sum is of shifted scores, the right score is not. Shift both, or "
                "add the maximum back.",
            ),
            "axis-lost": Wrong(
                _axis_lost,
                "Without `keepdim=True` the maxima have the shape (N,), and meet the "
                "classes instead of the images.",
            ),
            "values-forgotten": Wrong(
                lambda scores, labels: scores - scores.max(dim=1, keepdim=True),
                "`max` along an axis gives values and places: take `.values`.",
            ),
            "probability": Wrong(
                _probability, "This is minus the probability. Its log is missing."
            ),
            "log-of-mean": Wrong(
                _log_of_mean,
                "The log of the mean probability is not the mean of the logs: take the "
                "log of each image first.",
            ),
            "sum": Wrong(
                lambda scores, labels: reference("11.11")(scores, labels) * len(labels),
                "The sum over the batch. Take its mean.",
            ),
            "sign": Wrong(
                lambda scores, labels: -reference("11.11")(scores, labels),
                "The sign is turned: a loss is large when the network is wrong.",
            ),
            "sum-forgotten": Wrong(
                lambda scores, labels: (
                    scores.max(dim=1).values - scores[torch.arange(len(labels)), labels]
                ).mean(),
                "The log of the sum is missing; this is only how far the right score "
                "is below the largest.",
            ),
        },
        hints=(
            "−log(e^s / Σ e^t) = log Σ e^t − s.",
            "Taking the same number off all scores of an image changes nothing.",
            "`scores.exp().sum(dim=1).log()`, after the maximum is taken off.",
        ),
    )
)
