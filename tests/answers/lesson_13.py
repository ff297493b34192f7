"""Hand-written answers to the exercises of lesson 13, for test_exercises.py."""

import numpy as np
import torch

from helpers.exercises import exercises
from helpers.exercises.engine import case

# --- right ----------------------------------------------------------------------------


def top_k_by_lists(scores, labels, k):
    hits = 0
    for row, label in zip(scores.tolist(), labels.tolist()):
        hits += sum(score > row[label] for score in row) < k
    return 100 * hits / len(labels)


def top_k_by_numpy(scores, labels, k):
    guesses = np.argsort(-scores.numpy(), axis=1)[:, :k]
    return 100 * np.mean([label in row for row, label in zip(guesses, labels.numpy())])


def top_k_by_rank(scores, labels, k):
    own = scores.gather(1, labels[:, None])
    return ((scores >= own).sum(dim=1) <= k).double().mean() * 100


def front_by_sorting(networks):
    front, best = [], None
    for name in sorted(networks, key=lambda n: (networks[n][0], -networks[n][1])):
        work, accuracy = networks[name]
        if best is None or accuracy > best[1] or (work, accuracy) == best:
            front.append(name)
            best = (work, accuracy)
    return front


def front_by_sets(networks):
    def beats(one, other):
        better = one[0] < other[0] or one[1] > other[1]
        return better and one[0] <= other[0] and one[1] >= other[1]

    beaten = {
        name
        for name, own in networks.items()
        if any(beats(other, own) for other in networks.values())
    }
    return set(networks) - beaten


def memory_by_loops(parameters, activations, batch):
    numbers = 0
    for _ in ("weight", "gradient", "momentum"):
        numbers += parameters
    for _ in range(batch):
        numbers += activations
    return numbers * 4


def choose_by_sorting(networks, most_work, most_parameters):
    for name in sorted(networks, key=lambda n: networks[n][2], reverse=True):
        work, parameters, _ = networks[name]
        if not (work > most_work or parameters > most_parameters):
            return name
    return None


def choose_by_loop(networks, most_work, most_parameters):
    best = None
    for name, (work, parameters, accuracy) in networks.items():
        if work > most_work or parameters > most_parameters:
            continue
        if best is None or accuracy > networks[best][2]:
            best = name
    return best


RIGHT = {
    "13.3": [
        top_k_by_lists,
        top_k_by_numpy,
        top_k_by_rank,
        lambda scores, labels, k: (
            (scores.argsort(dim=1)[:, -k:] == labels.view(-1, 1)).sum()
            * (100 / len(scores))
        ),
    ],
    "13.6": [
        front_by_sorting,
        front_by_sets,
        lambda networks: tuple(front_by_sets(networks)),
        lambda networks: {name: networks[name] for name in front_by_sets(networks)},
    ],
    "13.8": [
        memory_by_loops,
        lambda parameters, activations, batch: (
            12 * parameters + 4 * batch * activations
        ),
        lambda parameters, activations, batch: np.dot(
            [12, 4 * batch], [parameters, activations]
        ),
    ],
    "13.10": [choose_by_sorting, choose_by_loop],
}

# --- wrong ----------------------------------------------------------------------------


def front_of_the_neighbours(networks):
    """Compares with the one before only."""
    names = sorted(networks, key=lambda n: networks[n])
    return [
        name
        for before, name in zip([None, *names], names)
        if before is None or networks[name][1] >= networks[before][1]
    ]


def choose_first(networks, most_work, most_parameters):
    for name, (work, parameters, _) in networks.items():
        if work <= most_work and parameters <= most_parameters:
            return name
    return None


_MAP = exercises()["13.4"].reference
_PLACES = exercises()["13.11"].reference

WRONG = {
    "13.1": [
        {"in_2012": 47, "in_2015": 36},
        {"in_2012": 36, "in_2015": 46},
        {"in_2012": 37, "in_2015": 47},
        {"in_2012": -36, "in_2015": -47},
        {"in_2012": "36 %", "in_2015": "47 %"},
        {"in_2012": 36, "in_2015": [47, 47]},
    ],
    "13.2": [
        {"top_1": 20, "top_3": 80, "top_2_error": 20},
        {"top_1": 40, "top_3": 80, "top_2_error": 40},
        {"top_1": 20, "top_3": 100, "top_2_error": 40},
        {"top_1": 80, "top_3": 20, "top_2_error": 40},
        {"top_1": "20", "top_3": "80", "top_2_error": "40"},
    ],
    "13.3": [
        lambda scores, labels, k: 100.0,
        lambda scores, labels, k: 100 * k / scores.shape[1],
        lambda scores, labels, k: top_k_by_lists(-scores, labels, k),
        lambda scores, labels, k: top_k_by_lists(scores.abs(), labels, k),
        lambda scores, labels, k: top_k_by_lists(scores, labels, 5),
        lambda scores, labels, k: top_k_by_lists(scores, labels.flip(0), k),
        lambda scores, labels, k: round(top_k_by_lists(scores, labels, k)),
        lambda scores, labels, k: str(top_k_by_lists(scores, labels, k)),
        lambda scores, labels, k: (
            100 * (scores.topk(k, 1).indices == labels[:, None]).float().mean()
        ),
        lambda scores, labels, k: (
            100 * (scores.topk(k, 1).indices == labels[:, None]).any(1).float()
        ),
    ],
    "13.4": [
        dict.fromkeys(_MAP, "VGG-19"),
        dict.fromkeys(_MAP, "ResNet-152"),
        _MAP | {"most_parameters": "VGG"},
        _MAP | {"most_activations": "ResNet"},
        _MAP | {"most_work": 19.6},
        _MAP | {"most_work": ["VGG-19"]},
    ],
    "13.5": [
        {"dominated": set()},
        {"dominated": "ResNet-18, VGG-16"},
        {"dominated": {"ResNet-18", "VGG-16", "ResNet-34"}},
        {"dominated": {"GoogLeNet", "VGG-16"}},
        {"dominated": ["ResNet-18", 16]},
        {"dominated": 2},
    ],
    "13.6": [
        front_of_the_neighbours,
        lambda networks: list(networks),
        lambda networks: [],
        lambda networks: front_by_sorting(networks)[:1],
        lambda networks: sorted(networks)[:2],
        lambda networks: len(front_by_sorting(networks)),
        lambda networks: ", ".join(front_by_sorting(networks)),
        lambda networks: [networks[name] for name in front_by_sorting(networks)],
        lambda networks: [min(networks, key=lambda n: networks[n][0])],
        lambda networks: [
            name
            for name, (work, accuracy) in networks.items()
            if accuracy >= sum(a for _, a in networks.values()) / len(networks)
        ],
    ],
    "13.7": [
        {"from_18_to_34": 0.29, "from_50_to_152": 1.9},
        {"from_18_to_34": 1.9, "from_50_to_152": 0.2},
        {"from_18_to_34": 2, "from_50_to_152": 0.3},
        {"from_18_to_34": -1.9, "from_50_to_152": -0.29},
        {"from_18_to_34": "1.9", "from_50_to_152": "0.29"},
    ],
    "13.8": [
        lambda parameters, activations, batch: 4 * parameters,
        lambda parameters, activations, batch: (
            4 * (4 * parameters + batch * activations)
        ),
        lambda parameters, activations, batch: (
            8 * (3 * parameters + batch * activations)
        ),
        lambda parameters, activations, batch: 12 * parameters + batch * activations,
        lambda parameters, activations, batch: 3 * parameters + 4 * batch * activations,
        lambda parameters, activations, batch: (
            4 * (3 * parameters + batch + activations)
        ),
        lambda parameters, activations, batch: memory_by_loops(
            activations, parameters, batch
        ),
        lambda parameters, activations, batch: (
            memory_by_loops(parameters, activations, batch) / 1e6
        ),
        lambda parameters, activations, batch: str(
            memory_by_loops(parameters, activations, batch)
        ),
    ],
    "13.9": [
        {"alexnet": 18, "resnet18": 24.4},
        {"alexnet": 24.4, "resnet18": 24.4},
        {"alexnet": 6.1, "resnet18": 18},
        {"alexnet": -24.4, "resnet18": -18},
        {"alexnet": "24.4", "resnet18": "18"},
        {"alexnet": 25, "resnet18": 18},
    ],
    "13.10": [
        choose_first,
        lambda networks, most_work, most_parameters: None,
        lambda networks, most_work, most_parameters: next(iter(networks), None),
        lambda networks, most_work, most_parameters: choose_by_loop(
            networks, most_parameters, most_work
        ),
        lambda networks, most_work, most_parameters: choose_by_loop(
            networks, most_work + 1, most_parameters
        ),
        lambda networks, most_work, most_parameters: (
            choose_by_loop(networks, most_work, most_parameters) or "none"
        ),
        lambda networks, most_work, most_parameters: networks.get(
            choose_by_loop(networks, most_work, most_parameters)
        ),
        lambda networks, most_work, most_parameters: [
            choose_by_loop(networks, most_work, most_parameters)
        ],
    ],
    "13.11": [
        dict.fromkeys(_PLACES, "none"),
        dict.fromkeys(_PLACES, "MobileNet-V2"),
        _PLACES | {"phone": "MobileNet"},
        _PLACES | {"server": "EfficientNet-B7"},
        _PLACES | {"microcontroller": ""},
        _PLACES | {"microcontroller": "LeNet"},
        {"phone": "EfficientNet-B0", "server": "ResNet-152", "microcontroller": "none"},
    ],
}

# --- random inputs --------------------------------------------------------------------


def _scores(rng):
    N, classes = rng.randint(1, 12), rng.randint(2, 9)
    values = [[rng.gauss(0, 1) for _ in range(classes)] for _ in range(N)]
    labels = [rng.randrange(classes) for _ in range(N)]
    return case(torch.tensor(values), torch.tensor(labels), rng.randint(1, classes))


def _crowd(rng):
    count = rng.randint(1, 12)
    return case({f"n{k}": (rng.randint(1, 6), rng.randint(1, 6)) for k in range(count)})


def _market(rng):
    count = rng.randint(0, 10)
    accuracies = rng.sample(range(100), count)
    networks = {
        f"n{k}": (rng.randint(1, 6), rng.randint(1, 6), accuracy)
        for k, accuracy in enumerate(accuracies)
    }
    return case(networks, rng.randint(1, 6), rng.randint(1, 6))


INPUTS = {
    "13.3": _scores,
    "13.6": _crowd,
    "13.8": lambda rng: case(
        rng.randint(0, 10**6), rng.randint(0, 10**6), rng.randint(1, 99)
    ),
    "13.10": _market,
}
