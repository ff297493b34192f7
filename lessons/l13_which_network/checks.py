"""Checks: which network?"""

import itertools
import random
from collections.abc import KeysView, Mapping
from typing import Any

import numpy as np
import torch

from helpers.exercises.engine import Exercise, Wrong, add, case
from lessons.mistakes import of_values, outside

# What the lesson counts and reads, for the messages: top-1 accuracy of torchvision's
# first weights in %, multiply-adds in thousand millions, parameters in millions.
NETWORKS = {
    "AlexNet": (56.522, 0.714, 61.10),
    "VGG-11": (69.020, 7.609, 132.86),
    "VGG-13": (69.928, 11.308, 133.05),
    "VGG-16": (71.592, 15.470, 138.36),
    "VGG-19": (72.376, 19.632, 143.67),
    "GoogLeNet": (69.778, 1.498, 6.62),
    "ResNet-18": (69.758, 1.814, 11.69),
    "ResNet-34": (73.314, 3.664, 21.80),
    "ResNet-50": (76.130, 4.089, 25.56),
    "ResNet-101": (77.374, 7.801, 44.55),
    "ResNet-152": (78.312, 11.514, 60.19),
    "DenseNet-121": (74.434, 2.834, 7.98),
    "MobileNet-V2": (71.878, 0.301, 3.50),
    "EfficientNet-B0": (77.692, 0.386, 5.29),
}


def _plain(value: Any) -> Any:
    """A name without what people write differently: ``resnet_50`` for ``ResNet-50``."""
    if not isinstance(value, str):
        return value
    return value.casefold().replace("-", "").replace("_", "").replace(" ", "")


def _names(value: Any) -> Any:
    """Names in no order."""
    if isinstance(value, Mapping | KeysView | np.ndarray):
        value = list(value)
    if not isinstance(value, set | frozenset | list | tuple):
        return value
    if not all(isinstance(name, str) for name in value):
        return value
    return tuple(sorted(map(_plain, value)))


# --- 13.1 to 13.3: errors -------------------------------------------------------------


def _better(of):
    """Of the error before and after."""
    return {"in_2012": of(25.8, 16.4), "in_2015": of(6.7, 3.57)}


add(
    Exercise(
        "13.1",
        "How much better?",
        level=1,
        exact=_better(lambda before, after: 100 * (before - after) / before),
        tolerance=0.014,  # whole numbers are near enough
        otherwise="By how many points did the error fall, and what part of the error "
        "before is that?",
        wrong=of_values(
            _better(lambda before, after: 100 * (before - after) / before),
            {
                "points": (_better(lambda before, after: before - after),
                    "This is the difference, in percentage points. What part is it of "
                    "the error that was there before?"),
                "of-the-new": (
                    _better(lambda before, after: 100 * (before - after) / after),
                    "Divide by the error before, not by the one after."),
                "what-is-left": (_better(lambda before, after: 100 * after / before),
                    "This is the part of the mistakes that is still made. How large is "
                    "the part that is gone?"),
                "fraction": (_better(lambda before, after: (before - after) / before),
                    "As a fraction that is right. Give it in %."),
                "of-the-accuracy": (_better(
                        lambda before, after: 100 * (before - after) / (100 - before)
                    ),
                    "This compares the accuracies. The mistakes show more: compare the "
                    "errors."),
                "the-next-step": ({"in_2012": 100 * (16.4 - 11.7) / 16.4},
                    "This is the example, from 2012 to 2013. Take the step before."),
                "since-alexnet": ({"in_2015": 100 * (16.4 - 3.57) / 16.4},
                    "This is all the way from AlexNet. Take the step from GoogLeNet."),
                "since-VGG": ({"in_2015": 100 * (7.3 - 3.57) / 7.3},
                    "This starts at VGG, 7.3 %. GoogLeNet had 6.7."),
                "exchanged": ({"in_2012": 47, "in_2015": 36},
                    "The two are exchanged."),
            },
        ),
        hints=(
            "The example: (16.4 − 11.7) / 16.4 is 0.29.",
            "2012: from 25.8 to 16.4 is 9.4 less, of 25.8.",
        ),
    )
)  # fmt: skip


def _top(of, *ranks):
    """Of five images whose labels stand at these ranks: 1, 2, 3, 4, 2, or others."""
    parts = [sum(r <= k for r in ranks or (1, 2, 3, 4, 2)) / 5 for k in (1, 3, 2)]
    return dict(zip(("top_1", "top_3", "top_2_error"), map(of, parts, "aae")))


def _percent(part, kind):
    return round(100 * (part if kind == "a" else 1 - part))


add(
    Exercise(
        "13.2",
        "Top-k by hand",
        level=2,
        wrong=of_values(
            _top(_percent),
            {
                "accuracy-and-error-swapped": (
                    _top(lambda part, kind: 100 - _percent(part, kind)),
                    "Accuracy counts what is right, error what is wrong. Here they are "
                    "swapped."),
                "at-this-rank-only": ({"top_3": 20, "top_2_error": 60},
                    "Only labels at rank k are counted. Top-k counts those at every "
                    "rank from 1 to k."),
                "one-guess-more": (_top(_percent, 0, 1, 2, 3, 1),
                    "That is one guess too many. Rank 1 is the highest score."),
                "one-guess-less": (_top(_percent, 2, 3, 4, 5, 3),
                    "That is one guess too few: with k guesses the k highest scores "
                    "count."),
                "counted": (_top(lambda part, kind: _percent(part, kind) // 20),
                    "These are numbers of images. What part of the five, in %?"),
                "fractions": (_top(lambda part, kind: _percent(part, kind) / 100),
                    "As fractions these are right. Give them in %."),
            },
        ),
        hints=(
            "Beside each row write the rank of its label, 1 when its score is highest.",
            "The ranks are 1, 2, 3, 4, 2.",
        ),
    )
)  # fmt: skip


def _scored(N, classes, k, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(N, classes, generator=generator)
    return case(scores, torch.randint(classes, (N,), generator=generator), k)


_MEAN = "100 * hits.float().mean()"

add(
    Exercise(
        "13.3",
        "Top-k accuracy",
        level=2,
        cases=lambda: [
            case(torch.tensor([[0.1, 0.7, 0.2]]), torch.tensor([1]), 1),
            case(torch.tensor([[0.1, 0.7, 0.2], [3.0, 1, 2]]), torch.tensor([2, 1]), 2),
            case(torch.tensor([[-1.0, -5, -2]] * 3), torch.tensor([0, 1, 2]), 2),
            _scored(20, 10, 1, seed=1),
            _scored(20, 10, 5, seed=2),
            _scored(7, 12, 3, seed=3),
            _scored(30, 6, 4, seed=4),
            _scored(4, 3, 3, seed=5),
            _scored(6, 9, 6, seed=6),
        ],
        wrong={
            "always-top-1": Wrong({"k": "1"},
                "This looks only at the highest score. Any of the k highest will do."),
            "always-top-5": Wrong({"k": "5"},
                "This makes five guesses, whatever k is. Hand over k."),
            "one-too-many": Wrong({"k": "k + 1"},
                "That is one guess too many: k, not k + 1."),
            "one-too-few": Wrong({"k": "k - 1"},
                "That is one guess too few: k, not k − 1."),
            "values": outside("13.3",
                "`.values` are the scores themselves. The class numbers are "
                "`.indices`.",
                (".indices", ".values")),
            "best-images": Wrong({2: "0"},
                "Along axis 0 these are the k images with the highest score in each "
                "class. The guesses of an image stand along axis 1."),
            "labels-flat": Wrong({"labels[:, None]": "labels"},
                "Comparing (N, k) with (N,) lines the labels up with the k guesses, "
                "not with the images. Give each image its own label: "
                "`labels[:, None]`."),
            "scores-for-labels": Wrong({"labels[:, None]": "scores"},
                "Guesses and labels are both class numbers. Scores are not."),
            "any-image": Wrong({4: "0"},
                "Along axis 0 this asks, for each guess, whether any image is hit. Ask "
                "for each image, along axis 1, whether any guess is."),
            "fraction": Wrong({_MEAN: "hits.float().mean()"},
                "A fraction between 0 and 1. In %, it is a hundred times that."),
            "not-real-numbers": Wrong({_MEAN: "100 * hits.mean()"},
                "True and False have no mean. Turn them into numbers: `.float()`."),
            "counted": Wrong({_MEAN: "hits.sum()"},
                "That is a number of images. Divide by how many there are."),
            "counted-times-100": Wrong({_MEAN: "100 * hits.sum()"},
                "A hundred times the number of images. The mean divides by how many "
                "there are."),
            "by-guesses": Wrong({_MEAN: "100 * hits.float().mean() / k"},
                "An image is right or not, however many guesses it took: do not divide "
                "by k."),
            "each-image": Wrong({_MEAN: "100 * hits.float()"},
                "That is a verdict on each image. Return one number, their mean."),
            "error": Wrong({_MEAN: "100 - 100 * hits.float().mean()"},
                "This is the error. The accuracy is what is right."),
        },
        hints=(
            "`scores.topk(k, dim=1).indices` are the k guesses for each image, (N, k).",
            "`labels[:, None]` is (N, 1): compared with (N, k), each label meets all "
            "guesses of its image.",
            "The mean of `hits` is a fraction. Multiply it by 100.",
        ),
    )
)  # fmt: skip

# --- 13.4 to 13.7: the map ------------------------------------------------------------

_SAID = {  # of some answers to 13.4, more than that others have more
    "most_parameters AlexNet": "(The speaker of the lecture said so too, and then "
    "corrected it.)",
    "most_parameters ResNet-152": "The deepest is not the largest: its last layer is "
    "small.",
    "most_parameters VGG-16": "Close: another VGG has three more layers, and with them "
    "5 M more parameters.",
    "most_work ResNet-152": "It has 152 layers, but bottlenecks are thin, so each does "
    "little work.",
}


def _not_the_most() -> dict[str, Wrong]:
    wrong = {}
    for asked, at, unit in (("most_work", 1, "G"), ("most_parameters", 2, "M")):
        for name, counts in NETWORKS.items():
            if more := sum(other[at] > counts[at] for other in NETWORKS.values()):
                says = f"{name} has {counts[at]:.3g} {unit}. Of the fourteen, {more} "
                says += "has more." if more == 1 else "have more."
                says = f"{says} {_SAID.get(f'{asked} {name}', '')}".strip()
                wrong[f"{asked}-{_plain(name)}"] = Wrong({asked: name}, says)
    return wrong


add(
    Exercise(
        "13.4",
        "Read the map",
        level=1,
        normal=_plain,
        otherwise="Names as on the map, in quotes: look at the far end of each axis.",
        wrong={
            **_not_the_most(),
            "work-is-memory": Wrong({"most_activations": "VGG-19"},
                "VGG-19 puts out 31 M numbers. Set an axis to activations, and look "
                "for those beyond it."),
            "many-maps-joined": Wrong({"most_activations": "DenseNet-121"},
                "That is 38.6 M, second of the fourteen. Look a little further."),
            "on-larger-images": Wrong({"most_activations": "Inception-v4"},
                "That is 65.4 M, on larger images, and not one of the fourteen. Look "
                "a little further."),
        },
        hints=(
            "Put the quantity on an axis, and look at its far end.",
            "One network has the most of the first two, another one of the third.",
        ),
    )
)  # fmt: skip

_SIX = "AlexNet", "GoogLeNet", "ResNet-18", "ResNet-34", "ResNet-50", "VGG-16"
_DOMINATED = {  # and why, without saying which
    "ResNet-18": "GoogLeNet and ResNet-18 are equally accurate; which of them does "
    "more work?",
    "VGG-16": "It does far more work than ResNet-34, and is less accurate.",
}
_STAYS = {
    "AlexNet": "it is the least accurate, but nothing else does as little work",
    "GoogLeNet": "it is as accurate as ResNet-18, with less work",
    "ResNet-34": "every network that does less work is less accurate",
    "ResNet-50": "nothing is more accurate",
}  # fmt: skip


def _sets() -> dict[str, Wrong]:
    """Every wrong set of the six names, with what is wrong in it."""
    front = "These are the ones that are not dominated. Name the others."
    wrong = {"front": Wrong({"dominated": tuple(_STAYS)}, front)}
    for chosen in itertools.product((False, True), repeat=len(_SIX)):
        names = tuple(itertools.compress(_SIX, chosen))
        says = [
            *(
                f"{n} is not dominated: {why}."
                for n, why in _STAYS.items()
                if n in names
            ),
            *(f"One is missing. {w}" for n, w in _DOMINATED.items() if n not in names),
        ]
        if says and names != tuple(_STAYS):
            key = "-".join(map(_plain, names)) or "none"
            wrong[key] = Wrong({"dominated": names}, " ".join(says))
    return wrong


add(
    Exercise(
        "13.5",
        "Dominated, by hand",
        level=2,
        normal=_names,
        otherwise="For each name you gave: which other network does no more work and "
        "is no less accurate? For each you left out: is there really none?",
        wrong=_sets(),
        hints=(
            "For each row: is there another with no more work and no less accuracy?",
            "Compare VGG-16 with ResNet-34, and ResNet-18 with GoogLeNet.",
        ),
    )
)  # fmt: skip


def _crowd(count, seed):
    rng = random.Random(seed)
    return case(
        {f"net{k}": (rng.randint(1, 9), rng.randint(50, 60)) for k in range(count)}
    )


_BEATS = "w <= work and a >= accuracy and (w, a) != (work, accuracy)"

add(
    Exercise(
        "13.6",
        "The front",
        level=3,
        cases=lambda: [
            case({"A": (1, 70), "B": (2, 60)}),
            case({"A": (1, 60), "B": (2, 70)}),
            case({"A": (1, 60), "B": (2, 60)}),
            case({"A": (2, 60), "B": (2, 70)}),
            # Twins: neither is better, so neither is beaten.
            case({"A": (1, 60), "B": (1, 60), "C": (2, 50)}),
            case({"A": (3, 50)}),
            case({name: (work, top1) for name, (top1, work, _) in NETWORKS.items()}),
            *(_crowd(count, seed=count) for count in (5, 8, 12, 20)),
        ],
        normal=_names,
        wrong={
            "better-in-both": Wrong({_BEATS: "w < work and a > accuracy"},
                "Equal in one and better in the other dominates as well: `<=`, `>=`."),
            "less-work-only": Wrong({_BEATS: "w < work and a >= accuracy"},
                "With equal work, the more accurate one dominates as well: `<=`."),
            "more-accuracy-only": Wrong({_BEATS: "w <= work and a > accuracy"},
                "With equal accuracy, the one that does less work dominates as well: "
                "`>=`."),
            "beaten-by-itself": Wrong({_BEATS: "w <= work and a >= accuracy"},
                "No network is left. Each is also compared with itself, and is no "
                "worse than itself. Being equal in both must not count, and all "
                "comparisons must hold: `and`."),
            "either": Wrong({_BEATS: "w < work or a > accuracy"},
                "Another is nearly always better in one of the two. Dominated means "
                "that it is no worse in the other: `and`."),
            "all-kept": Wrong({"not beaten": "True"},
                "Every network is kept, beaten or not."),
            "the-beaten": Wrong({"not beaten": "beaten"},
                "These are the dominated ones. Keep the others."),
            "more-work-is-better": Wrong({_BEATS: _BEATS.replace("w <=", "w >=")},
                "Less work is better: turn the first comparison round."),
            "less-accuracy-is-better": Wrong({_BEATS: _BEATS.replace("a >=", "a <=")},
                "More accuracy is better: turn the second comparison round."),
            "beats-another": Wrong(
                {_BEATS: _BEATS.replace("w <=", "w >=").replace("a >=", "a <=")},
                "This asks whether it beats another network, not whether it is beaten. "
                "Turn both comparisons round."),
            "most-accurate": Wrong({_BEATS: "a > accuracy"},
                "This keeps only the most accurate. A cheaper one that is less "
                "accurate may be on the front, too."),
            "cheapest": Wrong({_BEATS: "w < work"},
                "This keeps only those with the least work. One with more work that is "
                "more accurate may be on the front, too."),
        },
        hints=(
            "No more work, no less accuracy, and not equal in both.",
            "`w <= work and a >= accuracy`, and the pair `(w, a)` is not the pair "
            "`(work, accuracy)`.",
            "A network stays when it is not beaten.",
        ),
    )
)  # fmt: skip


def _steps(of):
    """Of accuracy and work, of the smaller network and of the larger."""
    pairs = {"from_18_to_34": (18, 34), "from_50_to_152": (50, 152)}
    return {
        name: of(*(n for depth in each for n in NETWORKS[f"ResNet-{depth}"][:2]))
        for name, each in pairs.items()
    }  # fmt: skip


def _step(less, more):
    """Points for each additional G from one ResNet to another."""
    before, after = NETWORKS[f"ResNet-{less}"], NETWORKS[f"ResNet-{more}"]
    return (after[0] - before[0]) / (after[1] - before[1])


add(
    Exercise(
        "13.7",
        "What the last points cost",
        level=2,
        exact={"from_18_to_34": _step(18, 34), "from_50_to_152": _step(50, 152)},
        tolerance=0.01,
        otherwise="How many points were gained, and by how many G did the work grow?",
        wrong=of_values(
            {"from_18_to_34": _step(18, 34), "from_50_to_152": _step(50, 152)},
            {
                "turned-round": (_steps(lambda a, w, a2, w2: (w2 - w) / (a2 - a)),
                    "This is G for each point. Give points for each G."),
                "whole": (_steps(lambda a, w, a2, w2: a2 / w2),
                    "This divides all of the accuracy by all of the work. What did the "
                    "*additional* G bring?"),
                "points-only": (_steps(lambda a, w, a2, w2: a2 - a),
                    "These are the points gained. For how many additional G?"),
                "work-only": (_steps(lambda a, w, a2, w2: w2 - w),
                    "These are the additional G. How many points came with each?"),
                "by-the-new-work": (_steps(lambda a, w, a2, w2: (a2 - a) / w2),
                    "Divide by the additional work, not by all of the larger "
                    "network's."),
                "another-step": (
                    {"from_18_to_34": _step(34, 50), "from_50_to_152": _step(101, 152)},
                    "This is one row further down: 34 to 50, or 101 to 152."),
                "one-step-only": ({"from_50_to_152": _step(50, 101)},
                    "This is the step from 50 to 101. Go on to 152."),
                "exchanged": ({"from_18_to_34": 0.29, "from_50_to_152": 1.9},
                    "The two are exchanged."),
            },
        ),
        hints=(
            "Divide the gain in accuracy by the growth in work.",
            "From 18 to 34 it is about 3.56 points for 1.85 G.",
        ),
    )
)  # fmt: skip

# --- 13.8 and 13.9: memory and time ---------------------------------------------------


add(
    Exercise(
        "13.8",
        "Memory for training",
        level=2,
        cases=lambda: [
            case(1, 0, 1),
            case(0, 1, 1),
            case(0, 1, 5),
            case(10, 7, 1),
            case(10, 7, 3),
            case(61_706, 8_094, 32),
            case(25_557_032, 23_236_584, 64),
        ],
        tolerance=1e-9,
        wrong={
            "no-momentum": Wrong(
                "4 * (2 * parameters + batch * activations)",
                "The optimizer remembers a momentum for each parameter: a third number "
                "beside the weight and its gradient.",
            ),
            "weights-only": Wrong(
                "4 * (parameters + batch * activations)",
                "Each parameter also has a gradient and a momentum.",
            ),
            "fourth-number": Wrong(
                "4 * (4 * parameters + batch * activations)",
                "Weight, gradient, momentum: three numbers for each parameter.",
            ),
            "one-image": Wrong(
                "4 * (3 * parameters + activations)",
                "Every image of the batch has activations of its own.",
            ),
            "weights-for-each-image": Wrong(
                "4 * batch * (3 * parameters + activations)",
                "All images share the weights, and the gradients of the images are "
                "summed, so neither grows with the batch.",
            ),
            "numbers": Wrong(
                "3 * parameters + batch * activations",
                "That is how many numbers there are. Each takes 4 bytes.",
            ),
            "bytes-of-parameters-only": Wrong(
                "4 * 3 * parameters + batch * activations",
                "An activation takes 4 bytes, too: put brackets around the sum.",
            ),
            "bytes-of-activations-only": Wrong(
                "3 * parameters + 4 * batch * activations",
                "The parameters' numbers take 4 bytes each, too.",
            ),
            "everything-three-times": Wrong(
                "12 * (parameters + batch * activations)",
                "Only a parameter has three numbers. An activation is kept once.",
            ),
            "activations-twice": Wrong(
                "4 * (3 * parameters + 2 * batch * activations)",
                "The text counts an activation once; its gradient need not stay.",
            ),
            "activations-forgotten": Wrong(
                "4 * 3 * parameters",
                "The activations are missing: all stay until the gradients are there.",
            ),
            "multiplied": Wrong(
                "4 * 3 * parameters * batch * activations",
                "Both are kept side by side: their numbers are added.",
            ),
        },
        hints=(
            "Weight, gradient, momentum: each parameter has three numbers.",
            "The batch multiplies only the activations.",
            "There are `3 * parameters + batch * activations` numbers of 4 bytes each.",
        ),
    )
)  # fmt: skip


def _times(of):
    """Of the milliseconds for computing and for fetching."""
    return {"alexnet": of(7, 24.4), "resnet18": of(18, 4.8)}


add(
    Exercise(
        "13.9",
        "Compute or fetch?",
        level=2,
        tolerance=0.01,
        wrong=of_values(
            _times(max),
            {
                "computing-only": (_times(lambda computing, fetching: computing),
                    "This is the computing. The weights must also come out of memory, "
                    "4 bytes each. How long does that take?"),
                "fetching-only": (_times(lambda computing, fetching: fetching),
                    "This is the fetching. Here the computing takes longer."),
                "faster-one-decides": (_times(min),
                    "This is the shorter of the two times. Both must be done, so take "
                    "the longer."),
                "one-after-the-other": (
                    _times(lambda computing, fetching: computing + fetching),
                    "This adds the two. They run side by side: the slower one "
                    "decides."),
                "seconds": (
                    _times(lambda computing, fetching: max(computing, fetching) / 1000),
                    "This is in seconds. Give milliseconds."),
                "one-byte-each": (
                    _times(lambda computing, fetching: max(computing, fetching / 4)),
                    "This fetches one byte for each weight. In float32 it has 4."),
                "operations": (
                    _times(lambda computing, fetching: max(2 * computing, fetching)),
                    "The processor's 100 G are multiply-adds, as the work is: do not "
                    "count them twice."),
                "exchanged": ({"alexnet": 18, "resnet18": 24.4},
                    "The two networks are exchanged."),
            },
        ),
        hints=(
            "Computing: 0.7 G at 100 G a second is 7 ms. Fetching: 61 M times 4 bytes, "
            "at 10 GB a second.",
            "AlexNet: 7 ms and 24.4 ms. ResNet-18: 18 ms and 4.8 ms.",
        ),
    )
)  # fmt: skip

# --- 13.10 and 13.11: choose ----------------------------------------------------------


def _market(count, seed):
    rng = random.Random(seed)
    accuracies = rng.sample(range(50, 90), count)
    networks = {
        f"net{k}": (rng.randint(1, 9), rng.randint(1, 9), accuracy)
        for k, accuracy in enumerate(accuracies)
    }
    return case(networks, rng.randint(2, 8), rng.randint(2, 8))


_SOME = {"A": (1, 9, 60), "B": (5, 2, 70), "C": (9, 1, 80), "D": (9, 9, 90)}

_FITS = "work <= most_work and parameters <= most_parameters"
_BEST = "max(fits, key=fits.get)"

add(
    Exercise(
        "13.10",
        "Choose within a budget",
        level=2,
        cases=lambda: [
            case(_SOME, 9, 9),
            case(_SOME, 5, 9),
            case(_SOME, 4, 9),
            case(_SOME, 9, 1),
            case(_SOME, 4, 4),
            case({}, 4, 4),
            case({"A": (1, 9, 60)}, 4, 4),
            case({"A": (9, 1, 60)}, 4, 4),
            *(_market(count, seed=count) for count in (4, 6, 9, 14, 15, 20, 21, 22)),
        ],
        wrong={
            "parameters-ignored": Wrong({_FITS: "work <= most_work"},
                "What it chose has too many parameters. Both limits must be kept."),
            "work-ignored": Wrong({_FITS: "parameters <= most_parameters"},
                "What it chose needs too much work. Both limits must be kept."),
            "either": Wrong(
                {_FITS: "work <= most_work or parameters <= most_parameters"},
                "Keeping one of the limits is not enough: `and`."),
            "just-below": Wrong(
                {_FITS: "work < most_work and parameters < most_parameters"},
                "A network that needs exactly what is allowed fits: `<=`."),
            "work-just-below": Wrong(
                {_FITS: "work < most_work and parameters <= most_parameters"},
                "Exactly the allowed work fits as well: `<=` in the first comparison."),
            "parameters-just-below": Wrong(
                {_FITS: "work <= most_work and parameters < most_parameters"},
                "Exactly the allowed parameters fit as well: `<=` in the second one."),
            "limits-exchanged": Wrong(
                {_FITS: "work <= most_parameters and parameters <= most_work"},
                "The limits are exchanged: `most_work` is for the work."),
            "least-accurate": Wrong({_BEST: "min(fits, key=fits.get)"},
                "It fits, and it is the least accurate of those that do."),
            "last-by-name": Wrong({_BEST: "max(fits)"},
                "`max` of a mapping is the last name in the alphabet. Say by what to "
                "compare: `key=…`."),
            "accuracy-for-name": Wrong({_BEST: "max(fits.values())"},
                "That is the best accuracy. Return the name of the network."),
            "first": Wrong({_BEST: "list(fits)[0]"},
                "That is the first that fits. Take the most accurate."),
            "all-that-fit": Wrong({_BEST: "fits"},
                "These are all that fit. Take the most accurate."),
            "most-work": Wrong({_BEST: "max(fits, key=networks.get)"},
                "`networks` holds the work first, so this takes the one with the most "
                "work. `fits` holds the accuracy."),
            "cheapest": Wrong({_BEST: "min(fits, key=networks.get)"},
                "It fits, and needs the least work. Within the budget, the accuracy "
                "decides."),
            "largest-that-fits": Wrong(
                {_BEST: "max(fits, key=lambda name: networks[name][1])"},
                "It fits, and is the largest that does. Size is no merit: the accuracy "
                "decides."),
            "outside-the-budget": Wrong(
                {_BEST: "max(networks, key=lambda name: networks[name][2])"},
                "This is the most accurate of all. Choose among those that fit."),
        },
        hints=(
            "Keep those with `work <= most_work` and `parameters <= most_parameters`.",
            "`max(fits, key=fits.get)` is the name with the largest value.",
        ),
    )
)  # fmt: skip

_PLACES = {  # G for an image, millions of parameters, bytes of each, and in words
    "phone": (0.4, 5.0, 4, "the phone"),
    "server": (10.0, 250.0, 4, "the server"),
    "microcontroller": (0.1, 1.0, 1, "the microcontroller"),
}


def _broken(name: str, place: str) -> list[str]:
    """The limits of a place that a network breaks, in words."""
    _, work, parameters = NETWORKS[name]
    most_work, most_parameters, size, _ = _PLACES[place]
    broken = []
    if work > most_work:
        broken.append(f"{work:.3g} G an image ({most_work:g} G at most)")
    if parameters > most_parameters:
        most, needed = size * most_parameters, size * parameters
        broken.append(f"{needed:.3g} MB of weights ({most:.0f} MB at most)")
    return broken


def _best(place: str) -> str | None:
    """The most accurate network that fits."""
    fits = [name for name in NETWORKS if not _broken(name, place)]
    return max(fits, key=NETWORKS.get, default=None)


def _verdict(name: str, place: str) -> str:
    """Why this network is not the one for this place."""
    accuracy, work, _ = NETWORKS[name]
    words = _PLACES[place][-1]
    if broken := _broken(name, place):
        return f"{name} breaks the budget of {words}: {' and '.join(broken)}."
    less = NETWORKS[_best(place)][1] < work
    return (
        f"{name} fits {words}, with {accuracy:.1f} %. Another that fits is more "
        f"accurate, with {'less' if less else 'a little more'} work: look to the "
        f"{'left' if less else 'right'} on the map."
    )


def _choices() -> dict[str, Wrong]:
    wrong = {
        f"{place}-{_plain(name)}": Wrong({place: name}, _verdict(name, place))
        for place in _PLACES
        for name in NETWORKS
        if name != _best(place)
    }
    for place, (_, _, _, words) in list(_PLACES.items())[:2]:
        wrong[f"{place}-none"] = Wrong(
            {place: "none"},
            f"Something does fit {words}. Work out the two limits for one image, and "
            "give them to `choose`.",
        )
    wrong["none-itself"] = Wrong(
        {"microcontroller": None},
        'Right, nothing fits. Write it as a word, in quotes: `"none"`.',
    )
    wrong["lenet"] = Wrong(
        {"microcontroller": "LeNet-5"},
        "LeNet-5 would fit, with 62 thousand parameters. But it knows ten digits, not "
        "the thousand classes of this list.",
    )
    return wrong


add(
    Exercise(
        "13.11",
        "Three places",
        level=3,
        normal=_plain,
        wrong=_choices(),
        otherwise="Names as on the map, such as ResNet-50, or none.",
        hints=(
            "Work for one image: the work available in a second, divided by the images "
            "in a second. Parameters: the bytes available, divided by those for each.",
            "Phone: 0.4 G and 5 M parameters. Server: 10 G and 250 M. Microcontroller: "
            "0.1 G and 1 M.",
            "On the phone only one fits. On the server the best that fits is not the "
            "largest.",
        ),
    )
)  # fmt: skip
