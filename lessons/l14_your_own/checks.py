"""Checks: your own pictures."""

import torch

from helpers.exercises.engine import Case, Exercise, Wrong, add, case
from lessons.l14_your_own.observe import network_of, probed
from lessons.mistakes import in_rows, of_values, outside
from lessons.modules import by_function, on_input


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 14.1: the honest split -----------------------------------------------------------


def _numbered(*counts):
    """The photographs' numbers, with so many crops of each."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


add(
    Exercise(
        "14.1",
        "The honest split",
        level=1,
        cases=lambda: [
            case(_numbered(3, 3, 3), 3),
            case(_numbered(2, 2, 2, 2, 2, 2), 3),
            case(_numbered(4, 1, 2, 5, 3), 2),
            case(_numbered(1, 2, 3, 4, 5, 6, 7), 4),
            case(torch.tensor([5, 0, 3, 6, 2, 2, 1, 6, 4]), 3),
            case(torch.tensor([10, 11, 12, 10, 11, 12, 15]), 5),
            case(torch.tensor([7, 7, 7, 8]), 2),
        ],
        wrong=in_rows("""
            every-third-crop: #1 → torch.arange(len(photograph))
              This counts the *crops*, so crops of one photograph land in both sets.
              Go by the number of each crop's photograph.
            exchanged: #4 → test; #5 → ~test
              The two are exchanged: the crops for training come first.
            both-for-the-test: #4 → test
              This gives the test crops twice. The others are for training: `~test`.
            both-for-training: #5 → ~test
              This gives the training crops twice. Those for the test are `test`.
            always-3: every → 3
              The 3 is the lesson's choice. Here it is `every` that says how far apart
              the test's photographs are.
            begins-at-1: #3 → 1
              This takes photographs 1, `every` + 1, and so on. The first one for the
              test is number 0, whose remainder is 0.
            begins-with-the-last: #3 → every - 1
              This takes the last of every group. The first one for the test is number
              0, whose remainder is 0.
            one-apart-too-many: every → (every + 1)
              The photographs for the test are one too far apart: use `every` itself.
            remainder-plus-1: every → every + 1
              `%` comes before `+`, so this adds 1 to the remainder, and the sum is
              never 0. Use `every` itself.
            trains-with-everything: #4 → torch.ones_like(test)
              This trains with all crops, those of the test among them. Train with the
              ones that are not in the test.
            nothing-in-the-test: #5 → torch.zeros_like(test)
              No crop is left for the test.
        """)
        | {
            "first-ones": outside(
                "14.1",
                "This takes the first photographs, those below `every`. As they come "
                "class by class, the other classes would have no test.",
                ("photograph % every == 0", "photograph < every"),
            ),
        },
        hints=(
            "A number is a multiple of `every` when nothing remains: "
            "`number % every == 0`.",
            "`photograph % every == 0` is True for the crops of the test. `~` turns "
            "True and False round.",
        ),
    )
)

# --- 14.2: a probe --------------------------------------------------------------------


def _networks():
    """Kind of network, numbers before its last layer, classes, and the new classes."""
    return [
        case("dense", 4, 5, 2),
        case("dense", 3, 3, 7),
        case("maps", 6, 10, 3),
        case("maps", 5, 2, 5),
        case("maps", 4, 1000, 4),
        case("signed", 3, 4, 2),
    ]


def _read_probe(ask, each):
    """What learns in a probe, and what it says, with given weights in what learns."""
    seen = ask()
    if isinstance(seen, str):
        return f"{seen}, not a Sequential, of which the cells below use parts"
    wanted = dict(network_of(each)[:-1].named_parameters())
    kept = [(name, p) for name, p in seen["backbone"] if name in wanted]
    same = all(torch.equal(p, wanted[name]) for name, p in kept)
    told = f"{seen['numbers']} numbers learn; "
    told += f"backbone weights are {'kept' * same or 'new'}"
    scores = seen["scores"]
    return [f"{told}; scores {tuple(scores.shape)}", scores.flatten().tolist()]


def _shown_network(name: str, each: Case) -> str:
    _, D, before, classes = each.args
    return f"{name}(a network with {D} features and {before} classes, {classes})"


add(
    Exercise(
        "14.2",
        "A probe",
        level=2,
        cases=_networks,
        run=probed,
        read=_read_probe,
        shown=_shown_network,
        wrong=in_rows("""
            nothing-frozen: False → True
              Everything learns here: that is fine-tuning. A probe leaves all other
              weights as they are, so they need no gradient.
            old-layer-kept: network[:-1] → network
              The old last layer is still there, so the new one gets scores for the old
              classes, and not features.
            two-layers-gone: network[:-1] → network[:-2]
              This takes off two layers. Only the last one, which knows the old classes,
              goes.
            first-layer-gone: network[:-1] → network[1:]
              This takes off the *first* layer, and keeps the last.
            only-the-old-layer: network[:-1] → network[-1:]
              This keeps the last layer alone, and throws the backbone away.
            old-number-of-classes: #4 → network[-1].out_features
              That is how many classes the old network had. You have `classes`.
            features-for-classes: #4 → D
              D numbers go in. One score for each of your `classes` comes out.
            exchanged: D → classes; classes → D
              The two are exchanged: D features go in, and a score for each class comes
              out.
            classes-go-in: D → classes
              The new layer gets the D features of the backbone, and not `classes`
              numbers.
            always-two: classes → 2
              The lesson's stand-ins have two classes. Use `classes`.
            one-class-more: classes → classes + 1
              One class too many: each of the `classes` has one score.
        """)
        | {
            "softmax-behind": outside(
                "14.2",
                "A softmax follows the last layer. The loss has its own, so the "
                "network gives plain scores.",
                ("nn.Linear(D, classes))", "nn.Linear(D, classes), nn.Softmax(1))"),
            ),
            "on-top-of-the-old": outside(
                "14.2",
                "The new layer stands on top of the old one and gets its scores. Put "
                "it in the old one's place, where it gets D features.",
                (
                    "*network[:-1], nn.Linear(D, classes)",
                    "*network, nn.Linear(network[-1].out_features, classes)",
                ),
            ),
            "relu-between": outside(
                "14.2",
                "A ReLU before the new layer cuts off what is below 0 in the features. "
                "Only the new layer is added.",
                ("nn.Linear(D, classes))", "nn.ReLU(), nn.Linear(D, classes))"),
            ),
            "no-bias": outside(
                "14.2",
                "The new layer has no bias. It needs one, for instance to take account "
                "of classes that are more frequent.",
                ("nn.Linear(D, classes)", "nn.Linear(D, classes, bias=False)"),
            ),
        },
        hints=(
            "What is frozen does not need a gradient: `requires_grad_(False)`. A new "
            "layer comes with its own parameters, which do learn.",
            "`network[:-1]` is all but the last layer. Then `nn.Linear(D, classes)`.",
        ),
    )
)

# --- 14.3: Grad-CAM -------------------------------------------------------------------


def _maps(K, H, W, seed):
    """Maps as after a ReLU, and slopes around a mean of their own for each map."""
    maps = _random(K, H, W, seed=seed).relu()
    slopes = _random(K, H, W, seed=seed + 100) + 2 * _random(K, 1, 1, seed=seed + 200)
    return case(maps, slopes)


add(
    Exercise(
        "14.3",
        "Grad-CAM",
        level=3,
        cases=lambda: [
            case(
                torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[2.0, 0.0], [1.0, 1.0]]]),
                torch.tensor([[[1.0, 3.0], [2.0, 2.0]], [[-1.0, -1.0], [-2.0, 0.0]]]),
            ),
            _maps(3, 4, 5, seed=1),
            _maps(8, 7, 7, seed=2),
            _maps(5, 3, 8, seed=3),
            _maps(2, 6, 4, seed=4),
            _maps(6, 1, 9, seed=5),
            case(_random(4, 5, 6, seed=6), _random(4, 5, 6, seed=7)),
            case(_random(3, 2, 5, seed=8), _random(3, 2, 5, seed=9)),
        ],
        wrong=in_rows(
            """
            no-relu: #3 → weighted.sum(dim=0)
              The ReLU is missing: where the sum is negative, something speaks against
              the class.
            size-only: #3 → weighted.sum(dim=0).abs()
              What speaks *against* the class counts here as if it spoke for it. A ReLU
              makes it 0.
            turned-round: #3 → (-weighted).sum(dim=0).relu()
              This shows what speaks against the class.
            relu-of-each: #3 → weighted.relu().sum(dim=0)
              The ReLU comes once, after the sum: before it, maps that speak against the
              class must be able to take something away.
            positive-weights-only: #2 → weights.relu() * maps
              Maps with a negative weight are left out. They should take something away
              from the sum; only then comes the ReLU.
            place-by-place: #2 → slopes * maps
              Here each place has its own slope. Grad-CAM gives each map *one* weight,
              the mean of its slopes.
            maps-alone: #2 → maps
              The maps are not weighted, so every class would get the same picture.
            weights-alone: #2 → weights.expand_as(maps)
              The maps are missing: this is the same at all places.
            added: #2 → weights + maps
              A weight multiplies its map.
            sum-over-places: #3 → weighted.sum(dim=(1, 2)).relu()
              This adds up the places and leaves one number for each map. Add up the
              maps, axis 0, so that the places stay.
            mean-over-maps: #1 → 0
              This is the mean over the maps, at each place. Each map needs one weight:
              the mean over its places, axes 1 and 2.
            mean-over-rows: #1 → 1
              This is the mean over the rows only. A map's places lie along both axes, 1
              and 2.
            mean-over-columns: #1 → 2
              This is the mean over the columns only. A map's places lie along both
              axes, 1 and 2.
            one-weight-for-all: #1 → (0, 1, 2)
              This is one weight for all maps together. Each map has its own: the mean
              over its places, axes 1 and 2.
        """
        )
        | {
            "squared": Wrong(
                {2: "weights * maps**2"},
                "The maps are squared here. Their weighted sum was asked for.",
            ),
            "stretched": Wrong(
                {3: "weighted.sum(dim=0).relu() / weighted.sum(dim=0).relu().max()"},
                "This divides by the largest, which is good for a picture, but maps of "
                "two classes can no longer be compared. Leave it as it is.",
            ),
        },
        hints=(
            "Places lie along axes 1 and 2, maps along axis 0. A weight is a mean over "
            "places, the sum goes over maps.",
            "`weights * maps` gives each map its weight. Then `weighted.sum(dim=0)`, "
            "and what is below 0 becomes 0.",
        ),
    )
)

# --- 14.4: too sure -------------------------------------------------------------------


def _scored(N, classes, size, seed):
    scores = size * _random(N, classes, seed=seed)
    labels = torch.randint(classes, (N,), generator=torch.Generator().manual_seed(seed))
    return case(scores, labels)


add(
    Exercise(
        "14.4",
        "Too sure?",
        level=2,
        cases=lambda: [
            case(torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.5]]),
                 torch.tensor([0, 0, 0])),
            case(torch.tensor([[0.0, 1.0, 5.0]]), torch.tensor([1])),
            case(torch.tensor([[0.0, 1.0, 5.0]]), torch.tensor([2])),
            _scored(10, 4, 1.0, seed=1),
            _scored(25, 3, 4.0, seed=2),
            _scored(8, 10, 0.3, seed=3),
            _scored(3, 3, 2.0, seed=4),
            _scored(40, 2, 6.0, seed=5),
        ],
        wrong=in_rows("""
            probabilities-down: #1 → 0
              Along axis 0 the probabilities of one *class* add up to 1. Those of one
              picture should: axis 1.
            highest-of-each-class: #2 → 0
              Along axis 0 this is the surest picture for each class. You were asked for
              the most probable class of each picture: axis 1.
            both-along-0: #1 → 0; #2 → 0
              Both go along the pictures. Each picture has its own probabilities, and
              its own highest one: axis 1.
            turned-round: #4 → right.mean(); #5 → confidence.mean()
              This is positive where the confidence is *below* the accuracy. You were
              asked for confidence minus accuracy.
            confidence-alone: right.mean() → 0
              This is the mean confidence. Take away the share that is right.
            accuracy-alone: confidence.mean() → 0
              This is the accuracy with a minus sign. The mean confidence is missing.
            error-for-accuracy: right.mean() → (1 - right).mean()
              This takes away the share that is *wrong*. Take away the share that is
              right.
            sum-of-confidence: confidence.mean() → confidence.sum()
              The sum grows with the number of pictures: take the mean.
            number-right: right.mean() → right.sum()
              This is the number of pictures that are right. Their share is the mean.
            surest-only: confidence.mean() → confidence.max()
              This is the surest of all pictures. Take the mean over them.
            only-where-right: confidence.mean() → confidence[right > 0].mean()
              This is the confidence of the right answers only. The wrong ones are given
              with confidence, too.
            each-picture: confidence.mean() → confidence; right.mean() → right
              This is one number for each picture. Take the mean of both.
        """)
        | {
            "scores-not-probabilities": outside(
                "14.4",
                "These are scores, which may be any numbers. Probabilities come from "
                "the softmax.",
                ("scores.softmax(dim=1).max", "scores.max"),
            ),
            "least-likely": outside(
                "14.4",
                "This looks at the *least* probable class of each picture.",
                (".max(dim=1)", ".min(dim=1)"),
            ),
        },
        hints=(
            "Probabilities of one picture add up to 1: which axis do the classes lie "
            "along?",
            "`guesses == labels` says what is right. The result is "
            "`confidence.mean() - right.mean()`.",
        ),
    )
)  # fmt: skip

# --- 14.5 and 14.6: depthwise ---------------------------------------------------------


add(
    Exercise(
        "14.5",
        "One after the other",
        level=2,
        cases=lambda: [  # shape of the input, then C1 and C2
            case((2, 2, 4, 5), 2, 4),
            case((2, 3, 5, 4), 3, 6),
            case((1, 4, 6, 6), 4, 8),
            case((3, 6, 3, 7), 6, 3),
            case((2, 4, 5, 3), 4, 4),
            case((1, 2, 3, 4), 2, 2),
        ],
        **by_function("14.5"),
        shown=on_input,
        wrong=in_rows("""
            not-grouped: #2 → 1
              With one group each kernel looks at all C1 channels: an ordinary
              convolution. To treat each channel by itself takes C1 groups.
            two-groups: #2 → 2
              Two groups, as in AlexNet: each kernel looks at half of the channels. As
              many groups as channels are needed.
            widened-too-early: #1 → C2
              The depthwise convolution gives each channel one kernel: C1 in, C1 out.
              The 1×1 convolution changes their number.
            groups-of-the-output: #2 → C2
              There are as many groups as channels come *in*: C1.
            mixes-C2: #3 → C2
              C1 channels come out of the depthwise convolution, so C1 go in here.
            never-widened: #4 → C1
              The 1×1 convolution puts out C2 channels.
            mixes-3-by-3: #5 → 3
              The neighbours have been looked at. Only channels are mixed here: 1×1.
              (And without padding the sides would shrink.)
            no-norm: self.norm2(self.mix(x)) → self.mix(x)
              The second batch norm is not used.
            not-mixed: self.norm2(self.mix(x)) → self.norm2(x)
              The 1×1 convolution is not used, so the channels never mix.
            no-second-norm-but-first: self.norm2(self.mix(x)) → self.mix(self.norm1(x))
              Here x is normalised a second time by `norm1`. The 1×1 comes first, then
              `norm2`.
            depthwise-twice: #6 → self.norm2(self.mix(self.depthwise(x)))
              The depthwise convolution runs a second time here. It has done its part.
            with-shortcut: self.norm2(self.mix(x)) → self.norm2(self.mix(x)) + x
              A shortcut came later, with MobileNet-V2. Here nothing is added.
        """)
        | {
            "no-relu-between": outside(
                "14.5",
                "The ReLU between the two convolutions is missing.",
                ("x = functional.relu(self.norm1(self.depthwise(x)))",
                 "x = self.norm1(self.depthwise(x))"),
            ),
            "no-relu-behind": outside(
                "14.5",
                "The ReLU after the second batch norm is missing.",
                ("return functional.relu(self.norm2(self.mix(x)))",
                 "return self.norm2(self.mix(x))"),
            ),
        },
        hints=(
            "Depthwise: as many channels out as in, and as many groups as channels.",
            "The 1×1 convolution goes from C1 to C2; `norm2` follows it.",
        ),
    )
)  # fmt: skip

_COSTS = {
    "standard": 256 * 256 * 9,
    "separable": 256 * 9 + 256 * 256,
    "work": (256 * 9 + 256 * 256) * 14 * 14,
}

add(
    Exercise(
        "14.6",
        "What it saves",
        level=2,
        tolerance=1e-9,
        otherwise="Weights of a filter times the number of filters. A depthwise filter "
        "is one channel deep.",
        wrong=of_values(
            _COSTS,
            {
                "one-filter": ({"standard": 9 * 256},
                    "This is one filter, 3·3·256. There are 256 of them."),
                "one-channel": ({"standard": 9},
                    "This is a kernel on one channel. A filter is 256 channels deep, "
                    "and there are 256 filters."),
                "1-by-1": ({"standard": 256 * 256},
                    "This is a 1×1 convolution. A 3×3 has nine times as many."),
                "kernel-side": ({"standard": 3 * 256 * 256},
                    "The kernel has 3·3 places, and not 3."),
                "with-biases": ({"standard": 9 * 256 * 256 + 256,
                                 "separable": 9 * 256 + 256 * 256 + 512},
                    "The biases are counted here. They were to be left out."),
                "depthwise-only": ({"separable": 9 * 256, "work": 9 * 256 * 196},
                    "This is the depthwise convolution alone. Add the 1×1."),
                "mixing-only": ({"separable": 256 * 256, "work": 256 * 256 * 196},
                    "This is the 1×1 convolution alone. Add the depthwise one: nine "
                    "weights for each channel."),
                "full-depth": ({"separable": 9 * 256 * 256 + 256 * 256,
                                "work": (9 * 256 * 256 + 256 * 256) * 196},
                    "A depthwise kernel looks at one channel, so it has nine weights, "
                    "and not 9·256."),
                "one-kernel": ({"separable": 9 + 256 * 256,
                                "work": (9 + 256 * 256) * 196},
                    "Each of the 256 channels has a 3×3 kernel of its own."),
                "multiplied": ({"separable": 9 * 256 * 256 * 256},
                    "One convolution follows the other: add their weights."),
                "work-of-the-standard": ({"work": 9 * 256 * 256 * 196},
                    "This is the work of the standard convolution. What is that of the "
                    "two together?"),
                "weights-for-work": ({"work": 9 * 256 + 256 * 256},
                    "These are the weights. Each is used at all 14·14 places."),
                "one-side": ({"work": (9 * 256 + 256 * 256) * 14},
                    "There are 14·14 places, and not 14."),
                "smaller-map": ({"work": (9 * 256 + 256 * 256) * 12 * 12},
                    "The convolution is padded, so it stands at all 14·14 places."),
                "work-twice": ({"work": 2 * (9 * 256 + 256 * 256) * 196},
                    "A multiplication with its addition counts once: they are "
                    "multiply-adds."),
            },
        ),
        hints=(
            "Standard: 3·3·256 weights for each of 256 filters. Depthwise: 3·3 for "
            "each of 256 channels. The 1×1: 256·256.",
            "Every weight is used once at each of the 14·14 = 196 places.",
        ),
    )
)  # fmt: skip

# --- 14.7: squeeze and excite ---------------------------------------------------------


add(
    Exercise(
        "14.7",
        "Squeeze and excite",
        level=3,
        cases=lambda: [  # shape of the input, then C and r
            case((2, 4, 3, 5), 4, 2),
            case((3, 6, 4, 2), 6, 3),
            case((2, 8, 5, 5), 8, 4),
            case((1, 6, 2, 7), 6, 2),
            case((2, 32, 2, 3), 32),
            case((4, 5, 3, 3), 5, 2),
        ],
        **by_function("14.7"),
        shown=on_input,
        wrong=in_rows("""
            not-squeezed: #1 → C; #2 → C
              The layers keep all C numbers. In the middle there are only C // r.
            r-in-the-middle: #1 → r; #2 → r
              In the middle there are C // r numbers, r times *fewer* than C.
            up-to-C-over-r: #3 → C // r
              The second layer must go back to C numbers, one for each map.
            middle-does-not-fit: #2 → C
              The second layer gets what the first puts out: C // r numbers.
            mean-over-channels: #4 → 1
              This is the mean over the channels. Each map is squeezed to one number:
              over its places, axes 2 and 3.
            mean-over-rows: #4 → 2
              Only the rows are gone. The mean of a map goes over both axes, 2 and 3.
            mean-over-the-batch: #4 → (0, 2, 3)
              This mixes the pictures of a batch. Each picture is squeezed by itself.
            no-relu: #5 → self.down(s)
              Without a ReLU the two dense layers are one linear layer.
            sigmoid-in-the-middle: #5 → self.down(s).sigmoid()
              A ReLU comes between the two layers; the sigmoid comes after the second.
            down-forgotten: #5 → functional.relu(s)
              The first dense layer is not used.
            no-sigmoid: #6 → self.up(s)
              Without a sigmoid the factors may be negative, or large. They should lie
              between 0 and 1.
            softmax: #6 → self.up(s).softmax(dim=1)
              A softmax shares out 1 among all maps, so that one takes from the others.
              Each map gets its own number between 0 and 1: a sigmoid.
            relu-behind: #6 → functional.relu(self.up(s))
              A ReLU has no upper end. A sigmoid lies between 0 and 1.
            not-multiplied: #7 → x
              The factors are not used.
            added: #7 → x + s[:, :, None, None]
              The maps are *multiplied* by their numbers.
            residual: #7 → x + x * s[:, :, None, None]
              x is added once more. Here only the product comes out.
            factors-only: #7 → s[:, :, None, None].expand_as(x)
              These are the factors alone. Multiply the maps by them.
        """),
        hints=(
            "Squeeze: the mean over axes 2 and 3 leaves (N, C). Then C → C // r → C.",
            "A ReLU after the first layer, a sigmoid after the second, then "
            "`x * s[:, :, None, None]`.",
        ),
    )
)

# --- 14.8: attention ------------------------------------------------------------------


def _asked(N, M, D, E, seed):
    parts = _random(N, D, seed=seed), _random(M, D, seed=seed + 50)
    return case(*parts, _random(M, E, seed=seed + 90))


add(
    Exercise(
        "14.8",
        "Attention",
        level=3,
        cases=lambda: [
            case(torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 0.0], [0.0, 3.0]]),
                 torch.tensor([[1.0], [5.0]])),
            _asked(3, 5, 4, 2, seed=1),
            _asked(6, 2, 8, 3, seed=2),
            _asked(4, 4, 4, 4, seed=3),
            _asked(1, 7, 2, 5, seed=4),
            _asked(5, 5, 16, 5, seed=5),
        ],
        wrong=in_rows("""
            not-divided: #2 → 1
              The scores are not divided, so if D is large, softmax gives one place
              nearly all the weight: divide by √D.
            divided-by-D: #2 → D
              Divide by the root of D. A sum of D products of random numbers grows like
              √D.
            divided-by-the-places: #2 → len(keys) ** 0.5
              Divide by the root of D, the length of a query, and not of the number of
              keys.
            multiplied: #2 → D ** -0.5
              Dividing by D to the power −½ multiplies by √D.
            each-by-itself: #1 → queries @ queries.T
              Each query is compared with the *keys*, not with other queries.
            keys-ask: #1 → keys @ queries.T
              Here each row belongs to a key. It should belong to one query.
            not-transposed: #1 → queries @ keys
              (N, D) times (M, D) does not fit: a query meets a key along D, so turn the
              keys with `.T`.
            number-by-number: #1 → queries * keys
              This multiplies number by number. Every query meets every key: a matrix
              product.
            softmax-down: #3 → 0
              Along axis 0 the weights of one *key* add up to 1. Those of one query
              should: axis 1.
            scores-for-weights: #4 → scores @ values
              These are scores. Softmax turns them into weights that add up to 1.
            values-left-out: #4 → weights
              These are the weights. The output is the mean of the *values*, weighted
              by them.
            mean-of-keys: #4 → weights @ keys
              Keys say only how much a place counts. What comes out are its values.
            mean-of-queries: #4 → weights @ queries
              This is a weighted mean of the queries. Take that of the *values*.
            shortcut: #4 → queries + weights @ values
              The shortcut comes later, in the block. Here only the mean comes out.
            largest-only: #4 → values[weights.argmax(dim=1)]
              This takes the value of one place alone. All places count, each by its
              weight.
        """),
        hints=(
            "A matrix product of (N, D) and (D, M) has each query's product with each "
            "key.",
            "`queries @ keys.T`, divided by `D**0.5`; softmax along axis 1; then "
            "`weights @ values`.",
        ),
    )
)  # fmt: skip
