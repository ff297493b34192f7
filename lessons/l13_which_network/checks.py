"""Checks: which network?"""

import random
from collections.abc import KeysView, Mapping
from typing import Any

import numpy as np
import torch

from helpers.exercises.engine import Exercise, Wrong, add, case, reference

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

add(
    Exercise(
        "13.1",
        "How much better?",
        exact={"in_2012": 100 * 9.4 / 25.8, "in_2015": 100 * 3.13 / 6.7},
        tolerance=0.014,  # whole numbers are near enough
        otherwise="How many points less, as a part of the error before?",
        wrong={
            "points": Wrong(
                {"in_2012": 9.4},
                "This is the difference, in percentage points. What part is it of the "
                "error that was there before?",
            ),
            "of-the-new": Wrong(
                {"in_2012": 100 * 9.4 / 16.4},
                "Divide by the error before, not by the one after.",
            ),
            "what-is-left": Wrong(
                {"in_2012": 100 * 16.4 / 25.8},
                "This is the part of the mistakes that is still made. How large is the "
                "part that is gone?",
            ),
            "fraction": Wrong(
                {"in_2012": 9.4 / 25.8},
                "A fraction is right in itself; here it is asked in %.",
            ),
            "points-in-2015": Wrong(
                {"in_2015": 3.13},
                "3.13 are the points. Of how many mistakes before?",
            ),
            "of-the-new-in-2015": Wrong(
                {"in_2015": 100 * 3.13 / 3.57},
                "Divide by the 6.7 of before, not by the 3.57 of after.",
            ),
            "since-alexnet": Wrong(
                {"in_2015": 100 * 12.83 / 16.4},
                "This is all the way from AlexNet. Asked is the step from GoogLeNet.",
            ),
            "of-the-accuracy": Wrong(
                {"in_2012": 100 * 9.4 / 74.2},
                "This compares the accuracies. The mistakes show more: compare the "
                "errors.",
            ),
        },
        hints=(
            "The example: (16.4 − 11.7) / 16.4 is 0.29.",
            "2012: from 25.8 to 16.4 is 9.4 less, of 25.8.",
        ),
    )
)

add(
    Exercise(
        "13.2",
        "Top-k by hand",
        wrong={
            "accuracy-and-error-swapped": Wrong(
                {"top_1": 80, "top_3": 20, "top_2_error": 60},
                "Accuracy counts what is right, error what is wrong; here they are "
                "swapped.",
            ),
            "accuracy-for-error": Wrong(
                {"top_2_error": 60},
                "60 % are right with two guesses. The error is the rest.",
            ),
            "at-this-rank-only": Wrong(
                {"top_3": 20},
                "One label stands third. But top-3 counts those that stand first or "
                "second, too.",
            ),
            "two-of-three": Wrong(
                {"top_3": 60},
                "60 % stand first or second. The third guess may be right as well.",
            ),
            "counted": Wrong(
                {"top_1": 1, "top_3": 4, "top_2_error": 2},
                "These are numbers of images. What part of the five, in %?",
            ),
            "fractions": Wrong(
                {"top_1": 0.2, "top_3": 0.8, "top_2_error": 0.4},
                "Fractions are right in themselves; here they are asked in %.",
            ),
        },
        hints=(
            "Write the rank of the label beside each row: 1 when its score is highest.",
            "The ranks are 1, 2, 3, 4, 2.",
        ),
    )
)


def _scored(N, classes, k, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(N, classes, generator=generator)
    return case(scores, torch.randint(classes, (N,), generator=generator), k)


def _by_topk(guesses, of_each):
    """The lesson's cell, with another number of guesses or other labels."""

    def accuracy(scores, labels, k):
        found = scores.topk(guesses(k), dim=1).indices
        return 100 * (found == of_each(labels)).any(dim=1).float().mean()

    return accuracy


def _hits_at(rank):
    """Counts labels at some ranks only."""

    def accuracy(scores, labels, k):
        ranked = scores.argsort(dim=1, descending=True)
        hits = (ranked[:, rank(k)] == labels[:, None]).any(dim=1)
        return 100 * hits.float().mean()

    return accuracy


add(
    Exercise(
        "13.3",
        "Top-k accuracy",
        cases=lambda: [
            case(torch.tensor([[0.1, 0.7, 0.2]]), torch.tensor([1]), 1),
            case(torch.tensor([[0.1, 0.7, 0.2], [3.0, 1, 2]]), torch.tensor([2, 1]), 2),
            case(torch.tensor([[-1.0, -5, -2]] * 3), torch.tensor([0, 1, 2]), 2),
            _scored(20, 10, 1, seed=1),
            _scored(20, 10, 5, seed=2),
            _scored(7, 12, 3, seed=3),
            _scored(30, 6, 4, seed=4),
            _scored(4, 3, 3, seed=5),
        ],
        wrong={
            "always-top-1": Wrong(
                _hits_at(lambda k: slice(0, 1)),
                "This looks at the highest score only. Any of the k highest will do.",
            ),
            "kth-only": Wrong(
                _hits_at(lambda k: slice(k - 1, k)),
                "This looks at the score number k only. Those above it count, too.",
            ),
            "one-too-many": Wrong(
                _hits_at(lambda k: slice(0, k + 1)),
                "One guess too many: k, not k + 1.",
            ),
            "one-guess-more": Wrong(
                _by_topk(lambda k: k + 1, lambda labels: labels[:, None]),
                "`topk` is asked for one guess too many: k, not k + 1.",
            ),
            "labels-flat": Wrong(
                _by_topk(lambda k: k, lambda labels: labels),
                "(N, k) guesses meet (N,) labels along the guesses. Give each image "
                "its own label: `labels[:, None]`.",
            ),
            "one-too-few": Wrong(
                _hits_at(lambda k: slice(0, k - 1)), "One guess too few: k, not k − 1."
            ),
            "lowest": Wrong(
                _hits_at(lambda k: slice(-k, None)),
                "These are the k lowest scores, and the highest are the guesses.",
            ),
            "fraction": Wrong(
                lambda *a: reference("13.3")(*a) / 100,
                "A fraction between 0 and 1. In %, it is a hundred times that.",
            ),
            "counted": Wrong(
                lambda scores, labels, k: (
                    reference("13.3")(scores, labels, k) * len(labels) / 100
                ),
                "That is a number of images. Divide by how many there are.",
            ),
            "error": Wrong(
                lambda *a: 100 - reference("13.3")(*a),
                "This is the error. The accuracy is what is right.",
            ),
        },
        hints=(
            "`scores.topk(k, dim=1).indices` are the k guesses for each image, (N, k).",
            "`labels[:, None]` is (N, 1): compared with (N, k), each label meets all "
            "guesses of its image.",
            "The mean of `hits` is a fraction; times 100.",
        ),
    )
)

# --- 13.4 to 13.7: the map ------------------------------------------------------------

add(
    Exercise(
        "13.4",
        "Read the map",
        normal=_plain,
        otherwise="Names as on the map, in quotes: look at the far end of each axis.",
        wrong={
            "alexnet-is-largest": Wrong(
                {"most_parameters": "AlexNet"},
                "61 M parameters are many, and there are larger dots. (The speaker of "
                "the lecture said so too, and then corrected it.)",
            ),
            "deepest-is-largest": Wrong(
                {"most_parameters": "ResNet-152"},
                "The deepest of all is not the largest: 1×1 convolutions and a small "
                "last layer keep it at 60 M.",
            ),
            "deepest-works-most": Wrong(
                {"most_work": "ResNet-152"},
                "11.5 G, for all its 152 layers: bottlenecks are thin. Another works "
                "harder.",
            ),
            "work-is-memory": Wrong(
                {"most_activations": "VGG-19"},
                "VGG-19 puts out 31 M numbers. Set the axis to activations, and look "
                "for the one beyond.",
            ),
            "many-maps-joined": Wrong(
                {"most_activations": "DenseNet-121"},
                "38.6 M, second on this list. Look a little further.",
            ),
            "sixteen": Wrong(
                {"most_parameters": "VGG-16"},
                "Close: three layers more have 5 M parameters more.",
            ),
        },
        hints=(
            "Put the quantity on an axis, and look at its far end.",
            "It is one network for the first two, and another for the third.",
        ),
    )
)

_HAND = {
    name: NETWORKS[name]
    for name in (
        *("AlexNet", "GoogLeNet", "ResNet-18"),
        *("ResNet-34", "ResNet-50", "VGG-16"),
    )
}

add(
    Exercise(
        "13.5",
        "Dominated, by hand",
        normal=_names,
        otherwise="For each name: which other does no more work, no less accurately? "
        "And for each that you left out: does none?",
        wrong={
            "must-be-better-in-both": Wrong(
                {"dominated": ("VGG-16",)},
                "VGG-16 is one. But equal accuracy with less work dominates as well.",
            ),
            "vgg-forgotten": Wrong(
                {"dominated": ("ResNet-18",)},
                "One is missing: which does far more work than ResNet-34, and worse?",
            ),
            "worst-is-dominated": Wrong(
                {"dominated": ("AlexNet", "ResNet-18", "VGG-16")},
                "AlexNet is the least accurate, but none of the others does with less "
                "work: nobody beats it in both.",
            ),
            "worst-only": Wrong(
                {"dominated": ("AlexNet",)},
                "AlexNet is the least accurate, but also the cheapest. Dominated means "
                "that another is at least as good in both.",
            ),
            "the-cheaper-one": Wrong(
                {"dominated": ("GoogLeNet", "VGG-16")},
                "GoogLeNet and ResNet-18 are equally accurate. Which one works more?",
            ),
            "front": Wrong(
                {"dominated": ("AlexNet", "GoogLeNet", "ResNet-34", "ResNet-50")},
                "These are the ones that are not dominated: the others were asked for.",
            ),
            "all-but-the-best": Wrong(
                {"dominated": tuple(name for name in _HAND if name != "ResNet-50")},
                "ResNet-50 is the most accurate, and not the cheapest: it beats only "
                "those that work more.",
            ),
        },
        hints=(
            "For each row: is there another with no more work and no less accuracy?",
            "Compare VGG-16 with ResNet-34, and ResNet-18 with GoogLeNet.",
        ),
    )
)


def _front(beats):
    """The front by another idea of what beats what."""

    def front(networks):
        return [
            name
            for name, own in networks.items()
            if not any(beats(*other, *own) for other in networks.values())
        ]

    return front


def _crowd(count, seed):
    rng = random.Random(seed)
    return case(
        {f"net{k}": (rng.randint(1, 9), rng.randint(50, 60)) for k in range(count)}
    )


add(
    Exercise(
        "13.6",
        "The front",
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
            "better-in-both": Wrong(
                _front(lambda w, a, work, accuracy: w < work and a > accuracy),
                "Equal in one and better in the other dominates as well: `<=`, `>=`.",
            ),
            "beaten-by-itself": Wrong(
                _front(lambda w, a, work, accuracy: w <= work and a >= accuracy),
                "Each network is compared with itself, too, and it is no worse. Equal "
                "in both must not count. And both comparisons must hold: `and`.",
            ),
            "either": Wrong(
                _front(lambda w, a, work, accuracy: w < work or a > accuracy),
                "Another is nearly always better in one of the two. Dominated means "
                "that it is no worse in the other: `and`.",
            ),
            "the-beaten": Wrong(
                lambda networks: [
                    n for n in networks if n not in reference("13.6")(networks)
                ],
                "These are the dominated ones. Keep the others.",
            ),
            "more-work-is-better": Wrong(
                _front(
                    lambda w, a, work, accuracy: (
                        w >= work and a >= accuracy and (w, a) != (work, accuracy)
                    )
                ),
                "Less work is better: turn the first comparison round.",
            ),
            "less-accuracy-is-better": Wrong(
                _front(
                    lambda w, a, work, accuracy: (
                        w <= work and a <= accuracy and (w, a) != (work, accuracy)
                    )
                ),
                "More accuracy is better: turn the second comparison round.",
            ),
            "most-accurate": Wrong(
                lambda networks: [
                    name
                    for name, (_, accuracy) in networks.items()
                    if accuracy == max(a for _, a in networks.values())
                ],
                "This keeps the most accurate only. A cheaper one that is less "
                "accurate may stand on the front, too.",
            ),
        },
        hints=(
            "No more work, no less accuracy, and not equal in both.",
            "`w <= work and a >= accuracy`, and the pair `(w, a)` is not the pair "
            "`(work, accuracy)`.",
            "A network stays when it is not beaten.",
        ),
    )
)

add(
    Exercise(
        "13.7",
        "What the last points cost",
        exact={
            "from_18_to_34": (73.314 - 69.758) / (3.664 - 1.814),
            "from_50_to_152": (78.312 - 76.130) / (11.514 - 4.089),
        },
        tolerance=0.01,
        otherwise="Points gained, for each G that the work has grown.",
        wrong={
            "turned-round": Wrong(
                {"from_18_to_34": (3.664 - 1.814) / (73.314 - 69.758)},
                "This is G for each point. Asked are points for each G.",
            ),
            "turned-round-at-the-end": Wrong(
                {"from_50_to_152": (11.514 - 4.089) / (78.312 - 76.130)},
                "3.4 G for each point: turn it round, points for each G.",
            ),
            "one-step-only": Wrong(
                {"from_50_to_152": (77.374 - 76.130) / (7.801 - 4.089)},
                "This is the step from 50 to 101. Go on to 152.",
            ),
            "whole": Wrong(
                {"from_18_to_34": 73.314 / 3.664},
                "This divides all of the accuracy by all of the work. What did the "
                "*additional* G bring?",
            ),
            "points-only": Wrong(
                {"from_18_to_34": 3.556},
                "These are the points gained. By how many G more?",
            ),
            "work-only": Wrong(
                {"from_50_to_152": 7.425},
                "These are the additional G. How many points came with each?",
            ),
            "by-the-new-work": Wrong(
                {"from_50_to_152": 2.182 / 11.514},
                "Divide by the additional work, not by all of the larger network's.",
            ),
        },
        hints=(
            "Gain in accuracy, divided by what the work has grown.",
            "18 to 34: about 3.56 points for 1.85 G.",
        ),
    )
)

# --- 13.8 and 13.9: memory and time ---------------------------------------------------


add(
    Exercise(
        "13.8",
        "Memory for training",
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
                lambda parameters, activations, batch: (
                    4 * (2 * parameters + batch * activations)
                ),
                "The optimizer remembers a momentum for each parameter: a third number "
                "beside the weight and its gradient.",
            ),
            "weights-only": Wrong(
                lambda parameters, activations, batch: (
                    4 * (parameters + batch * activations)
                ),
                "Each parameter also has a gradient and a momentum.",
            ),
            "one-image": Wrong(
                lambda parameters, activations, batch: (
                    4 * (3 * parameters + activations)
                ),
                "Every image of the batch has activations of its own.",
            ),
            "weights-for-each-image": Wrong(
                lambda parameters, activations, batch: (
                    4 * batch * (3 * parameters + activations)
                ),
                "All images share the weights, and their gradients are summed: those "
                "do not grow with the batch.",
            ),
            "numbers": Wrong(
                lambda parameters, activations, batch: (
                    3 * parameters + batch * activations
                ),
                "That many numbers. Each takes 4 bytes.",
            ),
            "everything-three-times": Wrong(
                lambda parameters, activations, batch: (
                    12 * (parameters + batch * activations)
                ),
                "Three numbers for each parameter. An activation is kept once.",
            ),
        },
        hints=(
            "Weight, gradient, momentum: three numbers for each parameter.",
            "The batch multiplies activations only.",
            "`3 * parameters + batch * activations` numbers, of 4 bytes each.",
        ),
    )
)

add(
    Exercise(
        "13.9",
        "Compute or fetch?",
        tolerance=0.01,
        wrong={
            "computing-only": Wrong(
                {"alexnet": 7},
                "7 ms is the computing. The weights must come out of the memory as "
                "well, 4 bytes each: how long does that take?",
            ),
            "fetching-only": Wrong(
                {"resnet18": 4.8},
                "4.8 ms is the fetching. Here the computing takes longer.",
            ),
            "one-after-the-other": Wrong(
                {"alexnet": 31.4, "resnet18": 22.8},
                "This adds the two. They run side by side: the slower one decides.",
            ),
            "faster-one-decides": Wrong(
                {"alexnet": 7, "resnet18": 4.8},
                "These are the shorter of the two times each. All must be done: take "
                "the longer.",
            ),
            "seconds": Wrong(
                {"alexnet": 0.0244, "resnet18": 0.018},
                "These are seconds; asked are milliseconds.",
            ),
        },
        hints=(
            "Computing: 0.7 G at 100 G a second is 7 ms. Fetching: 61 M times 4 bytes, "
            "at 10 GB a second.",
            "AlexNet: 7 ms and 24.4 ms. ResNet-18: 18 ms and 4.8 ms.",
        ),
    )
)

# --- 13.10 and 13.11: choose ----------------------------------------------------------


def _chosen(fits, best=max, key=lambda work, parameters, accuracy: accuracy):
    """A choice by other rules."""

    def choice(networks, most_work, most_parameters):
        left = [
            name
            for name, (work, parameters, _) in networks.items()
            if fits(work <= most_work, parameters <= most_parameters)
        ]
        return best(left, key=lambda n: key(*networks[n])) if left else None

    return choice


def _strictly(networks, most_work, most_parameters):
    return reference("13.10")(networks, most_work - 1e-6, most_parameters - 1e-6)


def _market(count, seed):
    rng = random.Random(seed)
    accuracies = rng.sample(range(50, 90), count)
    networks = {
        f"net{k}": (rng.randint(1, 9), rng.randint(1, 9), accuracy)
        for k, accuracy in enumerate(accuracies)
    }
    return case(networks, rng.randint(2, 8), rng.randint(2, 8))


_SOME = {"A": (1, 9, 60), "B": (5, 2, 70), "C": (9, 1, 80), "D": (9, 9, 90)}

add(
    Exercise(
        "13.10",
        "Choose within a budget",
        cases=lambda: [
            case(_SOME, 9, 9),
            case(_SOME, 5, 9),
            case(_SOME, 4, 9),
            case(_SOME, 9, 1),
            case(_SOME, 4, 4),
            case({}, 4, 4),
            *(_market(count, seed=count) for count in (4, 6, 9, 14, 15, 20)),
        ],
        wrong={
            "parameters-ignored": Wrong(
                _chosen(lambda work, parameters: work),
                "What it chose has too many parameters: two limits must be kept.",
            ),
            "work-ignored": Wrong(
                _chosen(lambda work, parameters: parameters),
                "What it chose works too much: two limits must be kept.",
            ),
            "either": Wrong(
                _chosen(lambda work, parameters: work or parameters),
                "One limit kept is not enough: `and`.",
            ),
            "no-budget": Wrong(
                _chosen(lambda work, parameters: True),
                "This is the most accurate of all. Does it fit the budget?",
            ),
            "just-below": Wrong(
                _strictly,
                "A network that uses exactly what is allowed fits: `<=`.",
            ),
            "least-accurate": Wrong(
                _chosen(lambda work, parameters: work and parameters, best=min),
                "It fits, and it is the least accurate of those that do.",
            ),
            "cheapest": Wrong(
                _chosen(
                    lambda work, parameters: work and parameters,
                    best=min,
                    key=lambda work, parameters, accuracy: work,
                ),
                "It fits, and works least. Within the budget, the accuracy decides.",
            ),
            "largest-that-fits": Wrong(
                _chosen(
                    lambda work, parameters: work and parameters,
                    key=lambda work, parameters, accuracy: parameters,
                ),
                "It fits, and is the largest that does. Size is no merit: the accuracy "
                "decides.",
            ),
        },
        hints=(
            "Keep those with `work <= most_work` and `parameters <= most_parameters`.",
            "`max(fits, key=fits.get)` is the name with the largest value.",
        ),
    )
)

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
        broken.append(f"{work:.3g} G an image where {most_work:g} G are to be had")
    if parameters > most_parameters:
        most, needed = size * most_parameters, size * parameters
        broken.append(f"{needed:.3g} MB of weights where {most:.0f} MB fit")
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
        normal=_plain,
        wrong=_choices(),
        otherwise="Names as on the map, such as ResNet-50, or none.",
        hints=(
            "Work for one image: what there is in a second, divided by the images in a "
            "second. Parameters: bytes there are, divided by bytes for each.",
            "Phone: 0.4 G and 5 M parameters. Server: 10 G and 250 M. Microcontroller: "
            "0.1 G and 1 M.",
            "On the phone only one fits. On the server the best that fits is not the "
            "largest.",
        ),
    )
)
