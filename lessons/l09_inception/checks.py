"""Checks: inception and GoogLeNet."""

import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.engine import Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input

# --- 09.1: sizes ----------------------------------------------------------------------

add(
    Exercise(
        "09.1",
        "Do they meet?",
        tolerance=1e-9,
        wrong={
            "already-padded": Wrong(
                {"three": 28, "five": 28},
                "They keep 28 only with padding. First without: W2 = W1 − F + 1.",
            ),
            "one-place-short": Wrong(
                {"three": 25, "five": 23},
                "W1 − F counts the moves. The first place counts, too.",
            ),
            "pool-halves": Wrong(
                {"pool": 14},
                "Halving needs stride 2. Here all branches have S = 1.",
            ),
            "pool-kept": Wrong(
                {"pool": 28},
                "A window of 2 has 28 − 2 + 1 places. No padding on both sides "
                "changes that to 28: 27 + 2P is odd.",
            ),
            "padding-as-lost": Wrong(
                {"P3": 2, "P5": 4},
                "P is what is put on *each* side: half of what the width loses.",
            ),
            "padding-is-F": Wrong(
                {"P3": 3, "P5": 5},
                "28 − F + 2P + 1 should be 28, so 2P = F − 1.",
            ),
        },
        hints=(
            "W2 = W1 − F + 2P + 1 at stride 1.",
            "Without padding F − 1 places are lost; P = (F − 1)/2 brings them back.",
        ),
    )
)

# --- 09.2: convolution and ReLU -------------------------------------------------------


def _conv(padding=lambda F: F // 2, stride=lambda S: S, last=nn.ReLU, bias=True):
    def changed(D, K, F, S=1):
        layer = nn.Conv2d(D, K, F, stride(S), padding(F), bias=bias)
        return nn.Sequential(layer, last())

    return changed


add(
    Exercise(
        "09.2",
        "A convolution that keeps the width",
        cases=lambda: [
            case((1, 1, 3, 3), 1, 1, 1),
            case((1, 1, 5, 4), 1, 2, 3),
            case((2, 3, 6, 7), 3, 4, 5),
            case((2, 2, 9, 8), 2, 3, 7, S=2),
            case((1, 4, 5, 7), 4, 2, 1),
            case((1, 2, 7, 5), 2, 5, 3, S=3),
        ],
        run=by_function("09.2"),
        shown=on_input,
        wrong={
            "no-padding": Wrong(
                _conv(lambda F: 0),
                "The maps shrink: F − 1 places are lost without padding.",
            ),
            "not-whole": Wrong(
                _conv(lambda F: F / 2),
                "`/` gives 1.5, and padding must be a whole number: divide with `//`.",
            ),
            "padded-by-one": Wrong(
                _conv(lambda F: 1),
                "Padding 1 is right for F = 3 only. Compute it from F.",
            ),
            "padded-by-F": Wrong(
                _conv(lambda F: F - 1),
                "F − 1 is what both sides need together. P is for one side.",
            ),
            "stride-forgotten": Wrong(
                _conv(stride=lambda S: 1),
                "S is never used: hand it to the convolution.",
            ),
            "no-relu": Wrong(
                _conv(last=nn.Identity),
                "The convolution is right. After it comes a ReLU.",
            ),
        },
        hints=(
            "P = (F − 1)/2, a whole number: `F // 2` does it for odd F.",
            "`nn.Conv2d(D, K, F, stride=S, padding=F // 2)`, then `nn.ReLU()`.",
        ),
    )
)

# --- 09.3: work -----------------------------------------------------------------------

add(
    Exercise(
        "09.3",
        "What a convolution costs",
        cases=lambda: [
            case(W=1, H=1, D=1, F=1, K=1),
            case(W=3, H=4, D=1, F=2, K=1),
            case(W=5, H=7, D=2, F=3, K=4),
            case(W=5, H=7, D=2, F=3, K=4, P=1),
            case(W=9, H=6, D=3, F=5, K=2, P=2),
            case(W=28, H=28, D=192, F=5, K=32, P=2),
            case(W=6, H=9, D=7, F=1, K=3),
        ],
        tolerance=1e-9,
        wrong={
            "places-of-the-input": Wrong(
                lambda W, H, D, F, K, P=0: W * H * K * F * F * D,
                "There are as many outputs as pixels only where the padding keeps the "
                "size. Compute width and height of the output.",
            ),
            "padding-forgotten": Wrong(
                lambda W, H, D, F, K, P=0: (W - F + 1) * (H - F + 1) * K * F * F * D,
                "Right without padding. With it the output is larger: 2P more places.",
            ),
            "padded-once": Wrong(
                lambda W, H, D, F, K, P=0: (
                    (W - F + P + 1) * (H - F + P + 1) * K * F * F * D
                ),
                "P zeros stand on each of two sides: 2P.",
            ),
            "one-filter": Wrong(
                lambda W, H, D, F, K, P=0: (
                    (W - F + 2 * P + 1) * (H - F + 2 * P + 1) * F * F * D
                ),
                "This is the cost of one map. There are K filters.",
            ),
            "flat-filters": Wrong(
                lambda W, H, D, F, K, P=0: (
                    (W - F + 2 * P + 1) * (H - F + 2 * P + 1) * K * F * F
                ),
                "Each filter reaches through the depth of the input: F·F·D.",
            ),
            "weights-only": Wrong(
                lambda W, H, D, F, K, P=0: K * F * F * D,
                "These are the weights. Each is used once for every place.",
            ),
        },
        hints=(
            "How many numbers come out, and how many products has each?",
            "Width times height times K numbers come out, each a sum of F·F·D "
            "products. The width is W − F + 2P + 1.",
        ),
    )
)

# --- 09.4: 1×1 as a matrix ------------------------------------------------------------


def _maps(N, D, H, W, K, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(
        torch.randn(N, D, H, W, generator=generator),
        torch.randn(K, D, generator=generator),
    )


add(
    Exercise(
        "09.4",
        "1×1 is a matrix",
        cases=lambda: [
            case(torch.tensor([[[[1.0]], [[2]]]]), torch.tensor([[3.0, 4]])),
            case(
                torch.tensor([[[[1.0, 2]], [[3, 4]], [[5, 6]]]]),
                torch.tensor([[1.0, 0, 0], [0, 2, 1]]),
            ),
            _maps(1, 3, 2, 4, 2, seed=1),
            _maps(2, 4, 3, 5, 4, seed=2),
            _maps(2, 5, 4, 4, 3, seed=3),
            _maps(3, 1, 5, 2, 6, seed=4),
        ],
        wrong={
            "axes-left-last": Wrong(
                lambda maps, weight: maps.permute(0, 2, 3, 1) @ weight.T,
                "The numbers are right, their axes are still (N, H, W, K). Move the "
                "last one to the second place.",
            ),
            "shuffled-back": Wrong(
                lambda maps, weight: (maps.permute(0, 2, 3, 1) @ weight.T).permute(
                    0, 3, 2, 1
                ),
                "Height and width are swapped on the way back: the axes are "
                "(N, H, W, K), and wanted is (N, K, H, W).",
            ),
            "not-turned": Wrong(
                lambda maps, weight: (maps.permute(0, 2, 3, 1) @ weight).permute(
                    0, 3, 1, 2
                ),
                "A row of D numbers needs a matrix with D rows, and `weight` has K. "
                "Turn it: `weight.T`.",
            ),
            "permuted-twice": Wrong(
                lambda maps, weight: (maps.permute(0, 2, 3, 1) @ weight.T).permute(
                    0, 2, 3, 1
                ),
                "The way back is not the way there: K stands last, at number 3, and "
                "should come second.",
            ),
            "reshaped": Wrong(
                lambda maps, weight: (maps.permute(0, 2, 3, 1) @ weight.T).reshape(
                    len(maps), len(weight), *maps.shape[2:]
                ),
                "`reshape` keeps the numbers in line and gives them new places. Axes "
                "are moved by `permute`.",
            ),
            "relu": Wrong(
                lambda maps, weight: reference("09.4")(maps, weight).relu(),
                "Only the weighted sums were asked for, no ReLU.",
            ),
        },
        hints=(
            "A pixel is a row of D numbers, and `weight.T` has D rows: `pixels @ "
            "weight.T`.",
            "After it the axes 0, 1, 2, 3 are N, H, W, K. In which order do they have "
            "to stand for (N, K, H, W)?",
            "`permute(0, 3, 1, 2)`.",
        ),
    )
)

# --- 09.5: bottlenecks by hand --------------------------------------------------------

add(
    Exercise(
        "09.5",
        "Bottlenecks by hand",
        tolerance=1e-9,
        wrong={
            "depth-kept": Wrong(
                {"depth": 64},
                "Each filter gives one map, and there are 32.",
            ),
            "maps-multiplied": Wrong(
                {"depth": 2048},
                "A filter adds up over the depth: one map each, whatever the depth.",
            ),
            "flat-weights": Wrong(
                {"weights": 32},
                "1×1 across, but as deep as the input: 64 weights each.",
            ),
            "weights-with-biases": Wrong(
                {"weights": 2080}, "2080 has the 32 biases in it. Only weights here."
            ),
            "reduce-one-pixel": Wrong(
                {"reduce": 3072},
                "16·192 products make one pixel. There are 28·28 of them.",
            ),
            "five-on-192": Wrong(
                {"five": 120422400},
                "That is the 5×5 on all 192 maps. Behind the reduction it sees 16.",
            ),
            "both-together": Wrong(
                {"five": 12443648},
                "That is the whole branch. Here only the 5×5 itself.",
            ),
            "five-one-filter": Wrong(
                {"five": 313600}, "That is one filter of 5×5. There are 32."
            ),
        },
        hints=(
            "A 1×1 filter on a depth of 64 has 64 weights and gives one map.",
            "reduce: 28·28 pixels, 16 filters, 192 products each.",
            "five: 28·28 pixels, 32 filters, 5·5·16 products each.",
        ),
    )
)

# --- 09.6: the module -----------------------------------------------------------------


class _Changed(nn.Module):
    """An inception module with something changed."""

    def __init__(
        self,
        D,
        k1,
        r3,
        k3,
        r5,
        k5,
        pool,
        order=(0, 1, 2, 3),
        window=3,
        stride=1,
        before=True,
        relu=True,
        project_first=False,
        axis=1,
    ):
        super().__init__()
        inner = nn.ReLU if before else nn.Identity
        last = nn.ReLU if relu else nn.Identity
        wide = window // 2
        self.one = nn.Sequential(nn.Conv2d(D, k1, 1), last())
        self.three = nn.Sequential(
            *(nn.Conv2d(D, r3, 1), inner()),
            *(nn.Conv2d(r3, k3, 3, padding=1), last()),
        )
        self.five = nn.Sequential(
            *(nn.Conv2d(D, r5, 1), inner()),
            *(nn.Conv2d(r5, k5, 5, padding=2), last()),
        )
        pooling = nn.MaxPool2d(window, stride=stride, padding=wide)
        project = nn.Sequential(nn.Conv2d(D, pool, 1), last())
        parts = (project, pooling) if project_first else (pooling, project)
        self.pool = nn.Sequential(*parts)
        self.order, self.axis = order, axis

    def forward(self, x):
        branches = self.one, self.three, self.five, self.pool
        return torch.cat([branches[k](x) for k in self.order], dim=self.axis)


def _changed(**options):
    return lambda *widths: _Changed(*widths, **options)


def _reduced_to_k(D, k1, r3, k3, r5, k5, pool):
    return _Changed(D, k1, k3, k3, k5, k5, pool)


def _wide_on_all(D, k1, r3, k3, r5, k5, pool):
    network = _Changed(D, k1, r3, k3, r5, k5, pool)
    network.three[2] = nn.Conv2d(D, k3, 3, padding=1)
    network.five[2] = nn.Conv2d(D, k5, 5, padding=2)
    return network


def _summed(D, k1, r3, k3, r5, k5, pool):
    class Summed(_Changed):
        def forward(self, x):
            return self.one(x) + self.three(x) + self.five(x) + self.pool(x)

    return Summed(D, k1, r3, k3, r5, k5, pool)


add(
    Exercise(
        "09.6",
        "The inception module",
        cases=lambda: [
            case((1, 2, 3, 3), 2, 1, 1, 1, 1, 1, 1),
            case((1, 3, 5, 4), 3, 2, 3, 4, 1, 2, 2),
            case((2, 5, 6, 7), 5, 4, 2, 3, 3, 6, 1),
            case((2, 4, 1, 1), 4, 1, 2, 5, 2, 3, 2),
            case((1, 12, 7, 7), 12, 4, 6, 8, 1, 2, 2),
            case((3, 4, 4, 4), 4, 4, 4, 4, 4, 4, 4),
        ],
        run=by_function("09.6"),
        shown=on_input,
        wrong={
            "reductions-without-relu": Wrong(
                _changed(before=False),
                "The shapes are right. A ReLU belongs behind each convolution, also "
                "behind the reductions.",
            ),
            "project-then-pool": Wrong(
                _changed(project_first=True),
                "Pool first, then project. The other way round each pixel is mixed "
                "before its neighbours are compared: other numbers.",
            ),
            "reduced-to-k": Wrong(
                _reduced_to_k,
                "The reductions have r3 and r5 filters; k3 and k5 come after them.",
            ),
            "wide-on-all": Wrong(
                _wide_on_all,
                "The reduction leaves r3 (or r5) maps. That is what the wide "
                "convolution takes, not D.",
            ),
            "pool-first-in-line": Wrong(
                _changed(order=(3, 0, 1, 2)),
                "All maps are there, in another order. Concatenate 1×1, 3×3, 5×5, "
                "pooling.",
            ),
            "batches-concatenated": Wrong(
                _changed(axis=0),
                "That makes more images of them. Maps are concatenated along the "
                "depth: axis 1 of (N, C, H, W).",
            ),
            "rows-concatenated": Wrong(
                _changed(axis=2),
                "That puts the maps below each other. Concatenate along the depth: "
                "axis 1 of (N, C, H, W).",
            ),
            "summed": Wrong(
                _summed,
                "Adding needs equal depths and mixes what the branches found. "
                "Concatenate.",
            ),
            "pool-unpadded": Wrong(
                lambda *widths: _pool_with(widths, padding=0),
                "The pooling shrinks its maps by 2, so the branches do not meet. "
                "Pad it, too.",
            ),
            "pool-strides": Wrong(
                lambda *widths: _pool_with(widths, stride=3, padding=1),
                "Without `stride` a pooling window moves by its own width. Here it "
                "moves by 1.",
            ),
        },
        hints=(
            "The reduction's output is the input of the wide convolution: r3, r5.",
            "3×3 pooling that keeps the size: stride 1, padding 1. It puts out D maps.",
            "Concatenate along the depth: axis 1 of (N, C, H, W).",
        ),
    )
)


def _pool_with(widths, stride=1, padding=1):
    network = _Changed(*widths)
    network.pool[0] = nn.MaxPool2d(3, stride=stride, padding=padding)
    return network


# --- 09.7: the table ------------------------------------------------------------------

add(
    Exercise(
        "09.7",
        "Gaps in the table",
        tolerance=1e-9,
        wrong={
            "reductions-counted": Wrong(
                {"k3_4a": 96, "k1_5b": 144},
                "Reductions stay inside their branch. The output is k1 + k3 + k5 + "
                "pool.",
            ),
            "depth-of-the-input": Wrong(
                {"pool_4e": 528},
                "Pooling alone would keep 528 maps; the 1×1 after it has fewer.",
            ),
            "pool-left-out": Wrong(
                {"k5_3b": 160, "k3_4a": 272, "k1_5b": 512},
                "The pooling branch puts out maps, too: subtract them.",
            ),
            "without-the-first": Wrong(
                {"k5_3b": 224, "k3_4a": 400, "pool_4e": 384},
                "The 1×1 branch is concatenated like the others.",
            ),
        },
        hints=(
            "k1 + k3 + k5 + pool is the depth that goes out.",
            "3b: 480 − 128 − 192 − 64.",
        ),
    )
)

# --- 09.8: stacking -------------------------------------------------------------------


def _stack(depth=None, **options):
    """Stacking with another pooling, or another depth for the next module."""
    options = {"kernel_size": 3, "stride": 2, "ceil_mode": True} | options

    def changed(D, rows):
        layers = []
        for row in rows:
            if row == "pool":
                layers.append(nn.MaxPool2d(**options))
            else:
                layers.append(reference("09.6")(D, *row))
                D = depth(D, *row) if depth else row[0] + row[2] + row[4] + row[5]
        return nn.Sequential(*layers)

    return changed


_SMALL, _OTHER = (3, 2, 5, 1, 2, 4), (2, 5, 1, 3, 6, 4)

add(
    Exercise(
        "09.8",
        "Stack them",
        cases=lambda: [
            case((1, 2, 3, 3), 2, [_SMALL]),
            case((1, 2, 4, 4), 2, ["pool"]),
            case((1, 2, 5, 4), 2, [_SMALL, _OTHER]),
            case((2, 3, 6, 7), 3, [_OTHER, "pool", _SMALL]),
            case((1, 3, 8, 9), 3, [_SMALL, _OTHER, "pool", _OTHER, "pool", _SMALL]),
            case((2, 4, 7, 10), 4, ["pool", _SMALL, "pool"]),
            case((1, 4, 5, 6), 4, [(1, 2, 1, 3, 1, 1), _SMALL]),  # as deep as before
            case((1, 2, 6, 5), 2, [(3, 4, 1, 1, 4, 2), _OTHER]),  # pooling keeps all
        ],
        run=by_function("09.8"),
        shown=on_input,
        wrong={
            "depth-unchanged": Wrong(
                _stack(lambda D, *row: D),
                "The next module sees what this one puts out, not what it took in.",
            ),
            "reductions-counted": Wrong(
                _stack(lambda D, *row: sum(row)),
                "The reductions do not leave the module: k1 + k3 + k5 + pool only.",
            ),
            "pool-forgotten": Wrong(
                _stack(lambda D, k1, r3, k3, r5, k5, pool: k1 + k3 + k5),
                "The branch with the pooling gives maps, too: add `pool`.",
            ),
            "pool-keeps-depth": Wrong(
                _stack(lambda D, k1, r3, k3, r5, k5, pool: k1 + k3 + k5 + D),
                "The 1×1 after the pooling leaves `pool` maps of the D.",
            ),
            "rounded-down": Wrong(
                _stack(ceil_mode=False),
                "Where the stride does not divide, GoogLeNet rounds up: 28 becomes "
                "14, not 13. `ceil_mode=True`.",
            ),
            "window-2": Wrong(
                _stack(kernel_size=2),
                "The windows are 3×3 and overlap. The sizes come out right with 2×2, "
                "the numbers do not.",
            ),
            "pool-keeps-size": Wrong(
                _stack(stride=1, padding=1, ceil_mode=False),
                "Between the modules the pooling halves the size: stride 2. The one "
                "inside a module keeps it.",
            ),
        },
        hints=(
            "After each module D has to become the depth of its output.",
            "`k1 + k3 + k5 + pool`; the reductions r3 and r5 stay inside.",
        ),
    )
)

# --- 09.9: depth, and the end ---------------------------------------------------------

add(
    Exercise(
        "09.9",
        "22 layers, and the last of them",
        tolerance=1e-9,
        wrong={
            "one-a-module": Wrong(
                {"in_modules": 9},
                "On the longest way through a module there are two convolutions.",
            ),
            "all-branches": Wrong(
                {"in_modules": 54},
                "Branches stand side by side. Count the longest way only.",
            ),
            "poolings-in": Wrong(
                {"depth": 27},
                "Poolings learn nothing and do not count.",
            ),
            "dense-forgotten": Wrong(
                {"depth": 21}, "The dense layer at the end learns, so it counts."
            ),
            "heads-in": Wrong({"depth": 28}, "The auxiliary heads do not count."),
            "one-map": Wrong(
                {"dense": 1024000},
                "Flattened, all 7·7·1024 numbers go into the dense layer.",
            ),
            "forty-nine-million": Wrong(
                {"dense": 49000000},
                "That is the lecture's figure. Multiply: 7·7·1024·1000.",
            ),
            "with-biases": Wrong(
                {"dense": 50177000, "after": 1025000},
                "These have the 1000 biases in them. Only weights here.",
            ),
            "averaged-over-all": Wrong(
                {"after": 49000},
                "The mean is taken over 7×7 places of each map: 1024 means remain.",
            ),
        },
        hints=(
            "Longest way through a module: a 1×1 reduction and a 3×3 (or 5×5).",
            "3 in the stem, 2 in each of nine modules, 1 at the end.",
            "A dense layer has inputs · outputs weights; after averaging the inputs "
            "are 1024.",
        ),
    )
)

# --- 09.10: twelve times fewer? -------------------------------------------------------

add(
    Exercise(
        "09.10",
        "Twelve times fewer?",
        exact={"alexnet": 60965224 / 6998552, "vgg16": 138357544 / 6998552},
        tolerance=0.002,
        wrong={
            "as-lectured": Wrong(
                {"alexnet": 12, "vgg16": 27},
                "These are the lecture's. Divide the counts.",
            ),
            "five-million": Wrong(
                {"alexnet": 60965224 / 5e6, "vgg16": 138357544 / 5e6},
                "Right for 5 million parameters. GoogLeNet has 6 998 552.",
            ),
            "upside-down": Wrong(
                {"alexnet": 6998552 / 60965224, "vgg16": 6998552 / 138357544},
                "The other way round: how often does GoogLeNet's count fit in?",
            ),
        },
        hints=(
            "61 million by 7 million, 138 million by 7 million.",
            "You may write a division: `60965224 / 6998552`.",
        ),
    )
)

# --- 09.11: the loss with heads -------------------------------------------------------


def _loss(main=1.0, head=0.3, mean=False, softmax=False, only=None):
    def changed(scores, heads, labels):
        heads = heads[:only]
        if softmax:
            scores, heads = scores.softmax(1), [h.softmax(1) for h in heads]
        loss = main * functional.cross_entropy(scores, labels)
        for each in heads:
            share = len(heads) if mean else 1
            loss = loss + head / share * functional.cross_entropy(each, labels)
        return loss

    return changed


def _checked_loss(candidate, each):
    """The loss, or what is wrong with the way back from the right one."""
    scores, heads, labels = each.args
    leaves = [t.clone().requires_grad_() for t in (scores, *heads)]
    loss = candidate(leaves[0], leaves[1:], labels.clone())
    value, wanted = float(loss), float(reference("09.11")(scores, heads, labels))
    if abs(value - wanted) > 1e-4 * (1 + wanted):
        return value
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return f"{value:.4g}, a number from which no gradient goes back"
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    if any(gradient is None for gradient in found):
        return f"{value:.4g}, but from it no gradient reaches all the heads"
    return value


def _detached(scores, heads, labels):
    loss = functional.cross_entropy(scores, labels)
    return loss + sum(0.3 * functional.cross_entropy(h.detach(), labels) for h in heads)


def _scored(N, classes, heads, seed):
    generator = torch.Generator().manual_seed(seed)
    scores, *others = 2 * torch.randn(heads + 1, N, classes, generator=generator)
    return case(scores, others, torch.randint(classes, (N,), generator=generator))


add(
    Exercise(
        "09.11",
        "The loss with heads",
        run=_checked_loss,
        cases=lambda: [
            _scored(1, 2, 0, seed=1),
            _scored(1, 2, 1, seed=2),
            _scored(3, 4, 2, seed=3),
            _scored(5, 10, 2, seed=4),
            _scored(4, 3, 3, seed=5),
            _scored(8, 5, 0, seed=6),
        ],
        wrong={
            "full-weight": Wrong(
                _loss(head=1.0),
                "The heads help, and should not rule: 0.3 of the loss of each.",
            ),
            "all-scaled": Wrong(
                _loss(main=0.3),
                "The last layer's loss counts in full; only the heads' are scaled.",
            ),
            "mean-of-heads": Wrong(
                _loss(mean=True),
                "0.3 of the loss of *each* head, not of their mean.",
            ),
            "one-head": Wrong(
                _loss(only=1), "Only the first head is in it. Add the others."
            ),
            "heads-ignored": Wrong(
                _loss(only=0), "The heads' losses are missing: the sum has more terms."
            ),
            "subtracted": Wrong(
                _loss(head=-0.3),
                "A minus would teach the heads to be wrong. Add their losses.",
            ),
            "softmax-twice": Wrong(
                _loss(softmax=True),
                "`cross_entropy` has its own softmax: give it the scores.",
            ),
            "detached": Wrong(
                _detached,
                "The number is right, and the heads learn nothing from it: `.detach()` "
                "or `.item()` cuts the way back.",
            ),
        },
        hints=(
            "One term for the scores, one for each head.",
            "`0.3 * functional.cross_entropy(each, labels)` is added for each head.",
        ),
    )
)
