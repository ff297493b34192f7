"""Checks: inception and GoogLeNet."""

import torch

from helpers.exercises.compare import same
from helpers.exercises.engine import Exercise, Wrong, add, case, reference
from lessons.l09_inception.observe import loss_with_gradients
from lessons.mistakes import of_values
from lessons.modules import by_function, on_input

# --- 09.1: sizes ----------------------------------------------------------------------


def _widths(of):
    return {name: of(F) for name, F in (("three", 3), ("five", 5), ("pool", 2))}


def _paddings(of):
    return {name: of(F) for name, F in (("P3", 3), ("P5", 5))}


add(
    Exercise(
        "09.1",
        "Do they meet?",
        level=1,
        tolerance=1e-9,
        wrong=of_values(
            _widths(lambda F: 28 - F + 1) | _paddings(lambda F: F // 2),
            {
                "already-padded": ({"three": 28, "five": 28},
                    "The width stays 28 only with padding, and the first question has "
                    "none: W2 = W1 − F + 1."),
                "one-place-short": (_widths(lambda F: 28 - F),
                    "W1 − F counts the moves. The first place counts, too."),
                "stride-of-F": ({"three": 9, "five": 5},
                    "That is with windows side by side, S = F. Here S = 1."),
                "exchanged": ({"three": 24, "five": 26},
                    "3×3 and 5×5 are swapped: the larger window has fewer places."),
                "pool-halves": ({"pool": 14},
                    "Halving needs stride 2. Here all branches have S = 1."),
                "pool-kept": ({"pool": 28},
                    "A window of 2 has 28 − 2 + 1 places. Padding on both sides never "
                    "makes that 28: 27 + 2P is odd."),
                "padding-as-lost": (_paddings(lambda F: F - 1),
                    "P is what is put on *each* side: half of what the width loses."),
                "padding-is-F": (_paddings(lambda F: F),
                    "28 − F + 2P + 1 should be 28, so 2P = F − 1."),
                "half-of-F": (_paddings(lambda F: F / 2),
                    "Half of F − 1, not of F: the kernel's middle lies on the pixel, "
                    "and F − 1 cells are left, half of them on each side."),
                "half-rounded-up": (_paddings(lambda F: F // 2 + 1),
                    "Half of F, rounded up, is one too many: the kernel's middle lies "
                    "on the pixel, and half of the other F − 1 cells on each side."),
                "no-padding": (_paddings(lambda F: 0),
                    "Without padding the width shrinks. How many places are lost on "
                    "each side?"),
                "as-for-3": ({"P5": 1}, "P = 1 is for 3×3. 5×5 loses four places."),
            },
        ),
        hints=(
            "W2 = W1 − F + 2P + 1 at stride 1.",
            "Without padding F − 1 places are lost; P = (F − 1)/2 brings them back.",
        ),
    )
)  # fmt: skip

# --- 09.2: convolution and ReLU -------------------------------------------------------

add(
    Exercise(
        "09.2",
        "A convolution that keeps the width",
        level=2,
        cases=lambda: [
            case((1, 1, 3, 3), 1, 1, 1),
            case((1, 1, 5, 4), 1, 2, 3),
            case((2, 3, 6, 7), 3, 4, 5),
            case((2, 2, 9, 8), 2, 3, 7, S=2),
            case((1, 4, 5, 7), 4, 2, 1),
            case((1, 2, 7, 5), 2, 5, 3, S=3),
            case((1, 3, 9, 9), 3, 2, 5, S=2),
            case((1, 2, 6, 5), 2, 2, 5),
            case((1, 2, 8, 7), 2, 2, 7),
        ],
        **by_function("09.2"),
        shown=on_input,
        wrong={
            "depths-swapped": Wrong({"D": "K", "K": "D"},
                "Depth and filters are swapped: first what comes in, D, then how many "
                "go out, K."),
            "depth-kept": Wrong({"K": "D"},
                "As many maps come out here as go in. K filters make K maps."),
            "no-padding": Wrong({"F // 2": "0"},
                "The maps shrink: F − 1 places are lost without padding."),
            "not-whole": Wrong({"F // 2": "F / 2"},
                "`/` gives a number such as 1.5 or 1.0, and padding must be a whole "
                "number: divide with `//`."),
            "padded-by-one": Wrong({"F // 2": "1"},
                "Padding 1 is right for F = 3 only. Compute it from F."),
            "padded-by-two": Wrong({"F // 2": "2"},
                "Padding 2 is right for F = 5 only. Compute it from F."),
            "padded-by-F": Wrong({"F // 2": "F - 1"},
                "F − 1 is what both sides need together. P is for one side."),
            "padded-by-all-of-F": Wrong({"F // 2": "F - 1 // 2"},
                "This pads by F. (F − 1)/2 are lost on each side, and in `F - 1 // 2` "
                "the division comes first."),
            "one-too-many": Wrong({"F // 2": "F // 2 + 1"},
                "One too many on each side: the kernel's middle lies on the pixel, and "
                "half of the other F − 1 cells on each side."),
            "same": Wrong({"F // 2": '"same"'},
                'PyTorch takes `"same"` for stride 1 only, and S may be larger: write '
                'the number.'),
            "stride-forgotten": Wrong({"S": "1"},
                "S is never used: hand it to the convolution."),
            "stride-of-F": Wrong({"S": "F"},
                "With windows side by side the maps shrink: the stride is S."),
            "no-relu": Wrong({"nn.ReLU()": "nn.Identity()"},
                "The convolution is right. After it comes a ReLU."),
            "relu-not-made": Wrong({"nn.ReLU()": "nn.ReLU"},
                "`nn.ReLU` is the kind of layer. Brackets make one: `nn.ReLU()`."),
            "relu-as-function": Wrong({"nn.ReLU()": "functional.relu"},
                "`functional.relu` is a function, and `nn.Sequential` wants layers: "
                "`nn.ReLU()`."),
        },
        hints=(
            "P = (F − 1)/2, a whole number: `F // 2` does it for odd F.",
            "`nn.Conv2d(D, K, F, stride=S, padding=F // 2)`, then `nn.ReLU()`.",
        ),
    )
)  # fmt: skip

# --- 09.3: work -----------------------------------------------------------------------

_PLACES = "(W - F + 2 * P + 1) * (H - F + 2 * P + 1)"
_EACH = "(K * F * F * D)"

add(
    Exercise(
        "09.3",
        "What a convolution costs",
        level=2,
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
            "places-of-the-input": Wrong({_PLACES: "W * H"},
                "There are as many outputs as pixels only where the padding keeps the "
                "size. Compute width and height of the output."),
            "padding-forgotten": Wrong({_PLACES: "(W - F + 1) * (H - F + 1)"},
                "Right without padding. With it the output is 2P wider and 2P higher."),
            "padded-once": Wrong({_PLACES: "(W - F + P + 1) * (H - F + P + 1)"},
                "There are P zeros on *each* side, which makes 2P."),
            "one-short": Wrong({_PLACES: "(W - F + 2 * P) * (H - F + 2 * P)"},
                "W − F + 2P counts the moves. The first place counts, too: + 1."),
            "all-positions": Wrong({_PLACES: "(W + 2 * P) * (H + 2 * P)"},
                "The window must fit: F − 1 places fall away along each side."),
            "square": Wrong({_PLACES: "(W - F + 2 * P + 1) ** 2"},
                "This squares the width, as if the input were as high as it is wide. "
                "Its height is H."),
            "along-the-width": Wrong({_PLACES: "W - F + 2 * P + 1"},
                "That is one row of places. There are H − F + 2P + 1 rows."),
            "no-brackets": Wrong({_PLACES: "W - F + 2 * P + 1 * H - F + 2 * P + 1"},
                "Without brackets only 1 and H are multiplied. Put the width into one "
                "bracket and the height into another."),
            "one-filter": Wrong({_EACH: "(F * F * D)"},
                "This is the cost of one map. There are K filters."),
            "flat-filters": Wrong({_EACH: "(K * F * F)"},
                "Each filter reaches through the depth of the input: F·F·D."),
            "extent-once": Wrong({_EACH: "(K * F * D)"},
                "A filter is F high and F wide: F·F·D."),
            "biases-in": Wrong({_EACH: "K * (F * F * D + 1)"},
                "This counts an addition for the bias as well. Here only F·F·D count "
                "for each output."),
            "operations": Wrong({_EACH: "2 * K * F * F * D"},
                "This counts multiplications and additions separately. A multiply-add "
                "is both together, once."),
        },
        hints=(
            "How many numbers come out, and how many products go into each?",
            "Width times height times K numbers come out, each a sum of F·F·D "
            "products. The width is W − F + 2P + 1.",
        ),
    )
)  # fmt: skip

# --- 09.4: 1×1 as a matrix ------------------------------------------------------------


def _maps(N, D, H, W, K, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(
        torch.randn(N, D, H, W, generator=generator),
        torch.randn(K, D, generator=generator),
    )


def _order(axes):
    """Another order on the way back: it fills the blanks from the second on."""
    return dict(enumerate(axes, 2))


add(
    Exercise(
        "09.4",
        "1×1 is a matrix",
        level=2,
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
            _maps(2, 2, 3, 4, 2, seed=5),
        ],
        wrong={
            "not-turned": Wrong({"weight.T": "weight"},
                "A row of D numbers needs a matrix with D rows, and `weight` has K. "
                "Swap its rows and columns: `weight.T`."),
            "reshaped": Wrong({"weight.T": "weight.reshape(weight.shape[::-1])"},
                "`reshape` and `view` keep the order of the numbers and only cut the "
                "rows elsewhere. To swap rows and columns, take `.T`."),
            "axes-left-last": Wrong(_order("0123"),
                "The numbers are right, but their axes are still (N, H, W, K). Move "
                "the last one to the second place."),
            "shuffled-back": Wrong(_order("0321"),
                "Height and width are swapped on the way back: the axes are (N, H, W, "
                "K), and they should become (N, K, H, W)."),
            "permuted-twice": Wrong(_order("0231"),
                "The way back is not the same as the way there: K is the last axis, "
                "number 3, and should come second."),
            "depth-third": Wrong(_order("0132"),
                "That gives (N, H, K, W). K should come second."),
            "only-swapped": Wrong(_order("0213"),
                "That swaps H and W, (N, W, H, K). Move K to the second place."),
            "depth-first": Wrong(_order("3012"),
                "That gives (K, N, H, W). N stays in front."),
            "named-twice": Wrong(_order("0112"),
                "An axis is named twice, and another not at all: name each of 0, 1, 2, "
                "3 once."),
        },
        hints=(
            "A pixel is a row of D numbers, and `weight.T` has D rows: `pixels @ "
            "weight.T`.",
            "After multiplying, the axes 0, 1, 2, 3 are N, H, W, K. In which order do "
            "they have to stand for (N, K, H, W)?",
            "`permute(0, 3, 1, 2)`.",
        ),
    )
)  # fmt: skip

# --- 09.5: bottlenecks by hand --------------------------------------------------------


def _steps(of):
    """Of both convolutions: outputs along a side, depth, filters, extent."""
    return {"reduce": of(28, 192, 16, 1), "five": of(28, 16, 32, 5)}


add(
    Exercise(
        "09.5",
        "Bottlenecks by hand",
        level=2,
        tolerance=1e-9,
        wrong=of_values(
            {"depth": 32, "weights": 64 * 32}
            | _steps(lambda side, D, K, F: side * side * K * F * F * D),
            {
                "depth-kept": ({"depth": 64},
                    "Each filter gives one map, and there are 32."),
                "maps-multiplied": ({"depth": 64 * 32},
                    "A filter adds up over the depth, so it gives one map, however "
                    "deep its input is."),
                "flat-weights": ({"weights": 32},
                    "A filter is 1×1 across, but as deep as the input: 64 weights "
                    "each."),
                "one-filter": ({"weights": 64},
                    "That is one filter of 1×1×64. There are 32."),
                "weights-with-biases": ({"weights": 65 * 32},
                    "2080 includes the 32 biases. Count weights only."),
                "weights-at-each-pixel": ({"weights": 56 * 56 * 64 * 32},
                    "The same weights serve every pixel, so they count once. (These "
                    "are the multiply-adds.)"),
                "one-pixel": (_steps(lambda side, D, K, F: K * F * F * D),
                    "That is what one pixel costs. There are 28·28 of them."),
                "one-map": (_steps(lambda side, D, K, F: side * side * F * F * D),
                    "That is one filter, at all pixels. How many filters are there?"),
                "flat-filters": (_steps(lambda side, D, K, F: side * side * K * F * F),
                    "The filters are as deep as what they get: 192 maps at first, then "
                    "16."),
                "operations": (
                    _steps(lambda side, D, K, F: 2 * side * side * K * F * F * D),
                    "This counts multiplications and additions separately. A "
                    "multiply-add is both together, once."),
                "biases-in": (
                    _steps(lambda side, D, K, F: side * side * K * (F * F * D + 1)),
                    "This includes the additions of the biases. Count the products "
                    "only."),
                "five-extent-once": ({"five": 28 * 28 * 32 * 5 * 16},
                    "The kernel is 5 high and 5 wide: 5·5."),
                "five-without-extent": ({"five": 28 * 28 * 32 * 16},
                    "That would be 1×1. Each filter has 5·5·16 products."),
                "five-on-192": ({"five": 28 * 28 * 32 * 25 * 192},
                    "That is the 5×5 on all 192 maps. After the reduction it sees only "
                    "16."),
                "five-on-its-own": ({"five": 28 * 28 * 32 * 25 * 32},
                    "The 5×5 sees the 16 maps of the reduction, not its own 32."),
                "five-unpadded": ({"five": 24 * 24 * 32 * 25 * 16},
                    "24·24 places are left without padding. In the module it is "
                    "padded: 28·28."),
                "both-together": ({"five": 28 * 28 * 16 * (192 + 32 * 25)},
                    "That is the whole branch. Give the cost of the 5×5 alone."),
                "exchanged": (
                    {"reduce": 28 * 28 * 32 * 25 * 16, "five": 28 * 28 * 16 * 192},
                    "The two steps are swapped: first 1×1, then 5×5."),
            },
        ),
        hints=(
            "A 1×1 filter on a depth of 64 has 64 weights and gives one map.",
            "reduce: 28·28 pixels, 16 filters, 192 products each.",
            "five: 28·28 pixels, 32 filters, 5·5·16 products each.",
        ),
    )
)  # fmt: skip

# --- 09.6: the module -----------------------------------------------------------------


def _branch(first, second, r, k, other, size):
    """Mistakes in one branch: in the blanks `first` and `second`, where r belongs."""
    return {
        f"reduced-to-{k}": Wrong({first: k, second: k},
            f"The 1×1 before the {size} has {r} filters; {k} is how many the "
            f"{size} itself has."),
        f"not-reduced-{r}": Wrong({first: "D", second: "D"},
            f"The 1×1 before the {size} keeps all D maps. It should leave {r}, or the "
            "wide convolution becomes no cheaper."),
        f"{other}-for-{r}": Wrong({first: other, second: other},
            f"{other} belongs to the other branch. The 1×1 before the {size} leaves "
            f"{r}."),
        f"wide-on-all-{r}": Wrong({second: "D"},
            f"The reduction leaves {r} maps. That is what the {size} takes, not D."),
    }  # fmt: skip


add(
    Exercise(
        "09.6",
        "The inception module",
        level=3,
        cases=lambda: [
            case((1, 2, 3, 3), 2, 1, 1, 1, 1, 1, 1),
            case((1, 3, 5, 4), 3, 2, 4, 5, 1, 2, 6),
            case((2, 5, 6, 7), 5, 4, 2, 3, 3, 6, 1),
            case((2, 4, 1, 1), 4, 1, 2, 5, 3, 6, 2),
            case((1, 12, 7, 7), 12, 4, 6, 8, 1, 2, 5),
            case((3, 4, 6, 6), 4, 4, 4, 4, 4, 4, 4),
        ],
        **by_function("09.6"),
        shown=on_input,
        wrong={
            **_branch(1, 2, "r3", "k3", "r5", "3×3"),
            **_branch(3, 4, "r5", "k5", "r3", "5×5"),
            "reductions-swapped": Wrong({"r3": "r5", "r5": "r3"},
                "r3 and r5 are swapped: the number says which kernel the reduction "
                "comes before."),
            "pool-strides": Wrong({5: "3"},
                "Windows side by side leave a third of the width, and the branches do "
                "not meet. Here the window moves by 1."),
            "pool-halves": Wrong({5: "2"},
                "Stride 2 halves the maps, and the branches do not meet. Inside a "
                "module the pooling keeps the size: stride 1."),
            "pool-unpadded": Wrong({6: "0"},
                "The pooling shrinks its maps by 2, so the branches do not meet. Pad "
                "it, too."),
            "projected-from-pool": Wrong({"D": "pool"},
                "Pooling keeps the depth: all D maps come to the 1×1, which leaves "
                "`pool`."),
            "batches-concatenated": Wrong({8: "0"},
                "That makes the batch larger. Maps are concatenated along the depth: "
                "axis 1 of (N, C, H, W)."),
            "rows-concatenated": Wrong({8: "2"},
                "That puts the maps below each other. Concatenate along the depth: "
                "axis 1 of (N, C, H, W)."),
            "columns-concatenated": Wrong({8: "3"},
                "That puts the maps side by side. Concatenate along the depth: axis 1 "
                "of (N, C, H, W)."),
        },
        hints=(
            "The reduction's output is the input of the wide convolution: r3, r5.",
            "3×3 pooling that keeps the size: stride 1, padding 1. D maps leave it.",
            "Concatenate along the depth: axis 1 of (N, C, H, W).",
        ),
    )
)  # fmt: skip

# --- 09.7: the table ------------------------------------------------------------------

_GAPS = {  # what the row says besides, depth before, depth of the output
    "k5_3b": ({"k1": 128, "r3": 128, "k3": 192, "r5": 32, "pool": 64}, 256, 480),
    "k3_4a": ({"k1": 192, "r3": 96, "r5": 16, "k5": 48, "pool": 64}, 480, 512),
    "pool_4e": ({"k1": 256, "r3": 160, "k3": 320, "r5": 32, "k5": 128}, 528, 832),
    "k1_5b": ({"r3": 192, "k3": 384, "r5": 48, "k5": 128, "pool": 128}, 832, 1024),
}


def _gaps(of):
    """What `of` makes of each gap's row; only values above 0 are kept."""
    found = {name: of(*row) for name, row in _GAPS.items()}
    return {name: value for name, value in found.items() if value and value > 0}


def _others(row, *left_out):
    return sum(n for k, n in row.items() if k[0] != "r" and k not in left_out)


def _without(part):
    """Forgets one of the branches."""
    return _gaps(lambda row, D, out: part in row and out - _others(row, part))


add(
    Exercise(
        "09.7",
        "Gaps in the table",
        level=1,
        tolerance=1e-9,
        wrong=of_values(
            _gaps(lambda row, D, out: out - _others(row)),
            {
                "reductions-counted": (
                    _gaps(lambda row, D, out: out - sum(row.values())),
                    "Reductions stay inside their branch. The output is k1 + k3 + k5 + "
                    "pool."),
                "others-added": (_gaps(lambda row, D, out: _others(row)),
                    "That is how many maps the other branches give. Subtract them from "
                    "the output."),
                "output-itself": (_gaps(lambda row, D, out: out),
                    "That is the whole output. Subtract what the other branches give."),
                "depth-of-the-input": ({"pool_4e": 528},
                    "Pooling alone would keep 528 maps; the 1×1 after it leaves "
                    "fewer."),
                "what-is-new": (_gaps(lambda row, D, out: out - D),
                    "What came in does not go out again: subtract what the other "
                    "branches give, not the depth of the input."),
                "without-the-first": (_without("k1"),
                    "The 1×1 branch is concatenated like the others: subtract it, "
                    "too."),
                "without-3": (_without("k3"), "The 3×3 branch gives maps, too."),
                "without-5": (_without("k5"), "The 5×5 branch gives maps, too."),
                "pool-left-out": (_without("pool"),
                    "The pooling branch gives maps, too: subtract them."),
            },
        ),
        hints=(
            "k1 + k3 + k5 + pool is the depth that goes out.",
            "3b: 480 − 128 − 192 − 64.",
        ),
    )
)  # fmt: skip

# --- 09.8: stacking -------------------------------------------------------------------

_SMALL, _OTHER = (3, 2, 5, 1, 2, 4), (2, 5, 1, 3, 6, 4)
_NEXT = "k1 + k3 + k5 + pool"

add(
    Exercise(
        "09.8",
        "Stack them",
        level=2,
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
        **by_function("09.8"),
        shown=on_input,
        wrong={
            "depth-unchanged": Wrong({_NEXT: "D"},
                "The next module sees this one's output, not its input."),
            "reductions-counted": Wrong({_NEXT: "sum(row)"},
                "The reductions do not leave the module: k1 + k3 + k5 + pool only."),
            "pool-forgotten": Wrong({_NEXT: "k1 + k3 + k5"},
                "The branch with the pooling gives maps, too: add `pool`."),
            "first-forgotten": Wrong({_NEXT: "k3 + k5 + pool"},
                "The 1×1 branch gives maps, too: add `k1`."),
            "pool-keeps-depth": Wrong({_NEXT: "k1 + k3 + k5 + D"},
                "The 1×1 after the pooling leaves `pool` maps of the D."),
            "input-added": Wrong({_NEXT: "D + k1 + k3 + k5 + pool"},
                "What came in does not go out again: the four branches only."),
            "last-branch": Wrong({_NEXT: "pool"},
                "That is one of four branches. Add them all."),
            "first-module-s-depth": Wrong({"D": "192"},
                "GoogLeNet's first module sees 192 maps. But D changes from module to "
                "module."),
            "pool-keeps-size": Wrong({"2": "1"},
                "Between the modules the pooling halves the size: stride 2. The one "
                "inside a module keeps it."),
            "pool-by-its-window": Wrong({"2": "3"},
                "The windows are 3×3 and overlap: they move by 2, and so halve the "
                "size."),
        },
        hints=(
            "After each module D has to become the depth of its output.",
            "`k1 + k3 + k5 + pool`; the reductions r3 and r5 stay inside.",
        ),
    )
)  # fmt: skip

# --- 09.9: depth, and the end ---------------------------------------------------------


def _count(in_modules):
    return {"in_modules": in_modules, "depth": 3 + in_modules + 1}


def _ends(of):
    return {"dense": of(7 * 7 * 1024), "after": of(1024)}


add(
    Exercise(
        "09.9",
        "22 layers, and the last of them",
        level=2,
        tolerance=1e-9,
        wrong=of_values(
            _count(18) | _ends(lambda n: n * 1000),
            {
                "one-a-module": (_count(9),
                    "On the longest path through a module there are two convolutions."),
                "all-branches": (_count(54),
                    "Branches stand side by side. Count the longest path only."),
                "four-branches": (_count(36),
                    "Branches stand side by side. The longest path has two."),
                "one-module": (_count(2), "That is one module. There are nine."),
                "three-a-module": (_count(27),
                    "Three layers in each module are one too many: pooling and "
                    "concatenation learn nothing."),
                "poolings-in": ({"depth": 22 + 5},
                    "Poolings learn nothing and do not count."),
                "dense-forgotten": ({"depth": 21},
                    "The dense layer at the end learns, so it counts."),
                "stem-forgotten": ({"depth": 19}, "The stem has 3 layers, too."),
                "modules-only": ({"depth": 18},
                    "Outside the modules there are layers that learn, too: 3 in the "
                    "stem and 1 at the end."),
                "heads-in": ({"depth": 22 + 6}, "The auxiliary heads do not count."),
                "inputs-only": (_ends(lambda n: n),
                    "That many numbers come in, and each of 1000 classes has a weight "
                    "for each of them."),
                "one-map": ({"dense": 1024 * 1000},
                    "Flattened, all 7·7·1024 numbers go into the dense layer."),
                "one-side": ({"dense": 7 * 1024 * 1000},
                    "A map is 7 high and 7 wide: 7·7."),
                "forty-nine-million": ({"dense": 49_000_000},
                    "That is the lecture's figure. Multiply: 7·7·1024·1000."),
                "with-biases": (_ends(lambda n: (n + 1) * 1000),
                    "This includes the 1000 biases. Count weights only."),
                "not-averaged": ({"after": 7 * 7 * 1024 * 1000},
                    "After the mean one number is left of each 7×7 map."),
                "averaged-over-all": ({"after": 7 * 7 * 1000},
                    "The mean is taken over 7×7 places of each map: 1024 means "
                    "remain."),
            },
        ),
        hints=(
            "Longest path through a module: a 1×1 reduction and a 3×3 (or 5×5).",
            "3 in the stem, 2 in each of nine modules, 1 at the end.",
            "A dense layer has inputs · outputs weights; after averaging the inputs "
            "are 1024.",
        ),
    )
)  # fmt: skip

# --- 09.10: twelve times fewer? -------------------------------------------------------

_OWN = 6998552


def _fewer(of):
    return {"alexnet": of(60965224), "vgg16": of(138357544)}


add(
    Exercise(
        "09.10",
        "Twelve times fewer?",
        level=1,
        exact=_fewer(lambda count: count / _OWN),
        tolerance=0.002,
        wrong=of_values(
            _fewer(lambda count: count / _OWN),
            {
                "as-lectured": ({"alexnet": 12, "vgg16": 27},
                    "That is what the lecture says. Divide the counts."),
                "five-million": (_fewer(lambda count: count / 5e6),
                    "Right for 5 million parameters. GoogLeNet has 6 998 552."),
                "torchvision-s": (_fewer(lambda count: count / 6624904),
                    "That divides by torchvision's 6 624 904. GoogLeNet has "
                    "6 998 552."),
                "upside-down": (_fewer(lambda count: _OWN / count),
                    "It is the other way round: how many times does GoogLeNet's count "
                    "fit into the other?"),
                "how-many-more": (_fewer(lambda count: count / _OWN - 1),
                    "That is one less than the ratio: it says how much *more* the "
                    "other has. Just divide."),
                "exchanged": ({"alexnet": 138357544 / _OWN, "vgg16": 60965224 / _OWN},
                    "AlexNet and VGG-16 are swapped."),
                "whole": ({"alexnet": 9, "vgg16": 20},
                    "The exercise asks for one decimal place."),
                "cut": ({"vgg16": 19.7}, "19.77 is nearer to 19.8 than to 19.7."),
            },
        ),
        hints=(
            "61 million by 7 million, 138 million by 7 million.",
            "You may write a division: `60965224 / 6998552`.",
        ),
    )
)  # fmt: skip

# --- 09.11: the loss with heads -------------------------------------------------------


def _read_loss(ask, each):
    """The loss, or what is wrong with the way back from the right one."""
    scores, heads, labels = each.args
    seen = ask()
    if not isinstance(seen, dict):
        return seen
    value, found = seen["loss"], seen["gradients"]
    leaves = [t.clone().requires_grad_() for t in (scores, *heads)]
    loss = reference("09.11")(leaves[0], leaves[1:], labels)
    wanted = float(loss.detach())
    if not abs(value - wanted) <= 1e-4 * (1 + wanted):
        return value
    if found is None:
        return f"{value:.4g}, a number from which no gradient goes back"
    if any(gradient is None for gradient in found):
        return f"{value:.4g}, but its gradient does not reach all the heads"
    if not same(found, torch.autograd.grad(loss, leaves)):
        return f"{value:.4g}, but its gradients are those of another loss"
    return value


def _scored(N, classes, heads, seed):
    generator = torch.Generator().manual_seed(seed)
    scores, *others = 2 * torch.randn(heads + 1, N, classes, generator=generator)
    return case(scores, others, torch.randint(classes, (N,), generator=generator))


add(
    Exercise(
        "09.11",
        "The loss with heads",
        level=1,
        run=loss_with_gradients,
        read=_read_loss,
        cases=lambda: [
            _scored(1, 2, 0, seed=1),
            _scored(1, 2, 1, seed=2),
            _scored(3, 4, 2, seed=3),
            _scored(5, 10, 2, seed=4),
            _scored(4, 3, 3, seed=5),
            _scored(8, 5, 0, seed=6),
        ],
        wrong={
            "full-weight": Wrong({"0.3": "1"},
                "The heads should help, not rule: take 0.3 of the loss of each."),
            "mean-of-heads": Wrong({"0.3": "0.3 / len(heads)"},
                "0.3 of the loss of *each* head, not of their mean."),
            "subtracted": Wrong({"0.3": "-0.3"},
                "A minus would teach the heads to be wrong. Add their losses."),
            "scores-again": Wrong({"each": "scores"},
                "That is the loss of the scores, once more. Each head has its own."),
            "all-heads-at-once": Wrong({"each": "heads"},
                "`heads` is the whole list, and a loss wants the scores of one."),
            "one-head": Wrong({"each": "heads[0]"},
                "That is the first head, every time. The loop hands over the next one "
                "each time."),
            "softmax-twice": Wrong({"each": "each.softmax(1)"},
                "`cross_entropy` has its own softmax: give it the scores."),
            "detached": Wrong({"each": "each.detach()"},
                "The number is right, but the heads learn nothing from it: `.detach()` "
                "or `.data` cuts the way back."),
            "all-scaled": Wrong({"0.3": "1", "loss": "0.3 * loss"},
                "The last layer's loss counts in full; only the heads' are scaled."),
            "averaged": Wrong({"loss": "loss / (1 + len(heads))"},
                "The losses are added, and not averaged."),
            "by-heads": Wrong({"loss": "loss / len(heads)"},
                "The losses are added, and the sum is not divided. (There may be no "
                "heads at all.)"),
            "number-only": Wrong({"loss": "loss.item()"},
                "The number is right, but nothing learns from it: `.item()` or "
                "`.detach()` cuts the way back. Return the tensor."),
            "forgotten": Wrong({"loss": "functional.cross_entropy(scores, labels)"},
                "That is the loss of the scores alone: what was added in the loop is "
                "thrown away."),
        },
        hints=(
            "One term for the scores, one for each head.",
            "`0.3 * functional.cross_entropy(each, labels)` is added for each head.",
        ),
    )
)  # fmt: skip
