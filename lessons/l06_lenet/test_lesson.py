"""Right and wrong answers to the exercises of this lesson, and its explorer."""

import copy
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.counting import layer_table
from helpers.exercises.engine import case
from helpers.networks import lenet5
from helpers.training import evaluate
from lessons.l06_lenet.explorer import map_explorer
from lessons.l06_lenet.observe import PretendedGPU
from tests.lesson_tests import LessonTests, random_tensor
from tests.pictures import visit, words

# --- Right answers, written differently -----------------------------------------------


def parameters_by_counting(D1, K, F):
    return sum(p.numel() for p in nn.Conv2d(D1, K, F).parameters())


def parameters_by_loops(D1, K, F):
    count = 0
    for _ in range(K):
        for _ in range(D1):
            count += F**2
        count += 1
    return count


def connected_by_loops(table, F):
    count = 0
    for seen in table:
        for _ in seen:
            count += F * F
        count += 1
    return count


def connected_by_layers(table, F):
    layers = [nn.Conv2d(len(seen), 1, F) for seen in table]
    return sum(p.numel() for layer in layers for p in layer.parameters())


class LeNetFunctional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, (5, 5))
        self.second = nn.Conv2d(6, 16, (5, 5))
        self.a, self.b, self.c = nn.Linear(400, 120), nn.Linear(120, 84), None
        self.c = nn.Linear(84, 10)

    def forward(self, x):
        x = functional.avg_pool2d(torch.tanh(self.first(x)), 2)
        x = functional.avg_pool2d(self.second(x).tanh(), 2, 2)
        x = torch.tanh(self.a(x.view(-1, 400)))
        return self.c(torch.tanh(self.b(x)))


class LeNetHeadFirst(nn.Module):
    """Its layers are made in another order than they compute in."""

    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh()
        )
        self.scores = nn.Linear(84, 10)
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2, 2)),
            *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d((2, 2), stride=(2, 2))),
        )

    def forward(self, images):
        return self.scores(self.head(torch.flatten(self.body(images), 1)))


def lenet_of_convolutions():
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AdaptiveAvgPool2d(14)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AdaptiveAvgPool2d(5)),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Conv2d(120, 84, 1), nn.Tanh()),
        *(nn.Conv2d(84, 10, 1), nn.Flatten()),
    )


def lenet_lazily():
    network, squash = nn.Sequential(), nn.Tanh()
    for filters in (6, 16):
        network.append(nn.LazyConv2d(filters, 5)).append(squash)
        network.append(nn.AvgPool2d(2))
    network.append(nn.Flatten())
    for neurons in (120, 84):
        network.append(nn.LazyLinear(neurons)).append(squash)
    return network.append(nn.LazyLinear(10))


class SimpleFunctional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_a = nn.Conv2d(1, 16, 5)
        self.conv_b = nn.Conv2d(16, 32, 5)
        self.scores = nn.Linear(512, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv_a(x)), 2)
        x = functional.max_pool2d(self.conv_b(x).clamp(min=0), 2)
        x = functional.dropout(x.reshape(len(x), -1), 0.5, self.training)
        return self.scores(x)


class SimpleHeadFirst(nn.Module):
    """Its layers are made in another order than they compute in."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(32 * 16, 10)
        self.off = nn.Dropout()
        self.two = nn.Conv2d(16, 32, 5)
        self.one = nn.Conv2d(1, 16, 5)

    def forward(self, x):
        for conv in (self.one, self.two):
            x = torch.relu(nn.MaxPool2d(2)(conv(x)))
        return self.out(self.off(x.flatten(1)))


def simple_pooled_first():
    """ReLU after the pooling, dropout before the flattening: the same numbers."""
    return nn.Sequential(
        *(nn.LazyConv2d(16, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True)),
        *(nn.LazyConv2d(32, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True)),
        *(nn.Dropout(), nn.Flatten(), nn.LazyLinear(10)),
    )


def learn_with_the_criterion(network, images, labels, optimizer):
    network.zero_grad()
    loss = nn.CrossEntropyLoss()(network(images), labels)
    loss.backward()
    optimizer.step()
    return float(loss)


def learn_and_tidy_up(network, images, labels, optimizer):
    scores = network(images).log_softmax(dim=1)
    loss = -scores[torch.arange(len(labels)), labels].mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def learn_by_closure(network, images, labels, optimizer):
    def closure():
        optimizer.zero_grad(set_to_none=False)
        loss = functional.nll_loss(functional.log_softmax(network(images), 1), labels)
        loss.backward()
        return loss

    return optimizer.step(closure)


def learn_by_grad(network, images, labels, optimizer):
    loss = functional.cross_entropy(network(images), labels)
    parameters = list(network.parameters())
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = gradient
    optimizer.step()
    return loss.item()


def confusion_by_lists(labels, guesses, classes):
    pairs = Counter(zip(labels.tolist(), guesses.tolist()))
    return [[pairs[row, column] for column in range(classes)] for row in range(classes)]


def confusion_by_numpy(labels, guesses, classes):
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels.numpy(), guesses.numpy()), 1)
    return counts


def confusion_by_bins(labels, guesses, classes):
    cells = torch.bincount(labels * classes + guesses, minlength=classes**2)
    return cells.view(classes, classes)


def confusion_by_one_hot(labels, guesses, classes):
    rows = functional.one_hot(labels, classes)
    return rows.T @ functional.one_hot(guesses, classes)


def dropout_by_lists(x, kept, p, training):
    def drop(value, keep):
        if isinstance(value, list):
            return [drop(*pair) for pair in zip(value, keep)]
        return value / (1 - p) if keep else 0

    return drop(x.tolist(), kept.tolist()) if training else x.tolist()


def dropout_in_place(x, kept, p, training):
    if not training:
        return x
    x[kept == 0] = 0
    return x.div_(1 - p)


def accuracy_at_once(network, batches, device):
    images, labels = (torch.cat(parts).to(device=device) for parts in zip(*batches))
    scores = network.eval().to(device)(images)
    return (scores.argmax(-1) == labels).float().mean().item()


def accuracy_on_the_device(network, batches, device):
    """Counts in tensors that are made there, and fetched once."""
    network.train(False)
    network.to(device=device)
    right = torch.zeros(1, dtype=torch.int64, device=device)
    count = torch.tensor(0, device=device)
    for images, labels in batches:
        guesses = network(images.to(device, non_blocking=True)).max(1).indices
        right += torch.eq(labels.to(guesses), guesses).sum()
        count += labels.size(0)
    return float(right / count)


def accuracy_by_loops(network, batches, device):
    copied, hits = copy.deepcopy(network).to(device), []
    copied.eval()
    for images, labels in batches:
        for image, label in zip(images.to(device), labels.to(device)):
            scores = copied(image.unsqueeze(0)).detach()[0]
            hits.append(scores.argmax() == label)
    return sum(map(bool, hits)) / len(hits)


def accuracy_by_numpy(network, batches, device):
    """The labels stay where they are, and the guesses are brought to them."""
    place, guesses, wanted = torch.device(device), [], []
    network = network.to(place)
    network.eval()
    with torch.inference_mode():
        for images, labels in batches:
            assert labels.device.type == "cpu"
            scores = network(torch.as_tensor(images, device=place)).softmax(dim=1)
            assert scores.device == place
            guesses += [scores.cpu().numpy().argmax(axis=1)]
            wanted += [np.asarray(labels)]
    return np.mean(np.concatenate(guesses) == np.concatenate(wanted))


def accuracy_by_helpers(network, batches, device):
    moved = [(images.to(device), labels.to(device)) for images, labels in batches]
    return evaluate(network.to(device), moved).accuracy


def accuracy_where_the_weights_are(network, batches, device):
    network.to(device).eval()
    weight, right = next(network.parameters()), []
    for images, labels in batches:
        right += (network(images.to(weight)).argmax(1).cpu() == labels).tolist()
    return right.count(True) / len(right)


TABLE = {row.name: row for row in layer_table(lenet5(), (1, 32, 32)).rows}


def shapes_of_layers():
    one = nn.Conv2d(3, 1, kernel_size=5)
    many = nn.Conv2d(8, 16, 3, stride=2, padding=1)
    batch = many(torch.zeros(128, 8, 28, 28))
    return {
        "weight": one.weight.shape,
        "one_image": one(torch.zeros(1, 3, 32, 32)).shape,
        "batch": batch.shape,
        "flat": nn.Flatten()(batch).shape,
    }


class ByModule(nn.Module):
    """LeNet-5 as in the paper: C5 a convolution; made from the last layer on."""

    def __init__(self):
        super().__init__()
        self.dense = nn.ModuleList([nn.Linear(84, 10), nn.Linear(120, 84)])
        self.five = nn.Conv2d(16, 120, 5)
        self.three, self.one = nn.Conv2d(6, 16, 5), nn.Conv2d(1, 6, 5)

    def forward(self, x):
        for conv in (self.one, self.three):
            x = functional.avg_pool2d(torch.tanh(conv(x)), 2)
        x = torch.tanh(self.five(x)).flatten(1)
        return self.dense[0](torch.tanh(self.dense[1](x)))


RIGHT = {
    "06.2": [
        parameters_by_counting,
        parameters_by_loops,
        lambda D1, K, F: K * F**2 * D1 + K,
        lambda D1, K, F: np.prod([K, D1, F, F]) + K,
        lambda D1, K, F: torch.zeros(K, D1 * F * F + 1).numel(),
    ],
    "06.4": [
        connected_by_loops,
        connected_by_layers,
        lambda table, F: F**2 * sum(map(len, table)) + len(table),
        lambda table, F: np.sum([1 + F * F * len(seen) for seen in table]),
    ],
    "06.6": [
        LeNetFunctional,
        lambda: LeNetFunctional(),
        LeNetHeadFirst,
        lenet_of_convolutions,
        lenet_lazily,
        ByModule,
        lenet5,
        lambda: nn.Sequential(nn.Sequential(*lenet5())),
    ],
    "06.7": [
        learn_with_the_criterion,
        learn_and_tidy_up,
        learn_by_closure,
        learn_by_grad,
    ],
    "06.8": [
        confusion_by_lists,
        confusion_by_numpy,
        confusion_by_bins,
        confusion_by_one_hot,
    ],
    "06.9": [
        dropout_by_lists,
        dropout_in_place,
        lambda x, kept, p, training: [x, x * kept / (1 - p)][training],
        lambda x, kept, p, training: torch.where(
            kept > 0, x / (1 - p), torch.zeros(())
        ) if training else x.clone(),
        lambda x, kept, p, training: np.where(
            training, x.numpy() * kept.numpy() / (1 - p), x
        ),
    ],
    "06.11": [
        SimpleFunctional,
        lambda: SimpleFunctional(),
        SimpleHeadFirst,
        simple_pooled_first,
    ],
    "06.12": [
        accuracy_at_once,
        accuracy_on_the_device,
        accuracy_by_loops,
        accuracy_by_numpy,
        accuracy_by_helpers,
        accuracy_where_the_weights_are,
    ],
    "06.1": [
        {
            "W2": TABLE["c1"].output[-1],
            "weights": TABLE["c1"].weights,
            "biases": TABLE["c1"].biases,
        },
    ],
    "06.3": [
        {
            name: TABLE[name.lower()].parameters
            for name in ("C3", "C5", "F6", "output")
        },
    ],
    "06.5": [{name: TABLE[name.lower()].multiply_adds for name in ("C1", "C5")}],
    "06.10": [shapes_of_layers()],
}  # fmt: skip

# --- Wrong answers that nobody listed -------------------------------------------------


def lenet(widths=(6, 16), neurons=(120, 84), F=5, classes=10, bias=True, **changed):
    """A network of the right kind; each layer may be named and replaced."""

    def make():
        first, second = widths
        layers = {
            "c1": [nn.Conv2d(1, first, F, bias=bias)],
            "act1": [nn.Tanh()],
            "s2": [nn.AvgPool2d(2)],
            "c3": [nn.Conv2d(first, second, F, bias=bias)],
            "act3": [nn.Tanh()],
            "s4": [nn.AvgPool2d(2)],
            "flatten": [nn.Flatten()],
            "c5": [nn.LazyLinear(neurons[0], bias=bias)],
            "act5": [nn.Tanh()],
            "f6": [nn.LazyLinear(neurons[1], bias=bias)],
            "act6": [nn.Tanh()],
            "output": [nn.LazyLinear(classes, bias=bias)],
        }
        layers |= {name: new() for name, new in changed.items()}
        return nn.Sequential(*(layer for group in layers.values() for layer in group))

    return make


def simple(widths=(16, 32), F=5, bias=True, **changed):
    """A network of the right kind; each layer may be named and replaced."""

    def make():
        first, second = widths
        layers = {
            "conv1": [nn.Conv2d(1, first, F, bias=bias)],
            "act1": [nn.ReLU()],
            "pool1": [nn.MaxPool2d(2)],
            "conv2": [nn.Conv2d(first, second, F, bias=bias)],
            "act2": [nn.ReLU()],
            "pool2": [nn.MaxPool2d(2)],
            "flatten": [nn.Flatten()],
            "dropout": [nn.Dropout(0.5)],
            "output": [nn.LazyLinear(10, bias=bias)],
        }
        layers |= {name: new() for name, new in changed.items()}
        return nn.Sequential(*(layer for group in layers.values() for layer in group))

    return make


class LeNetOneImage(LeNetFunctional):
    def forward(self, x):
        return super().forward(x)[:1]


class LeNetSqueezed(LeNetFunctional):
    def forward(self, x):
        return super().forward(x).squeeze()


class LeNetFlatBatch(LeNetFunctional):
    def forward(self, x):
        return super().forward(x).flatten()


class SimpleAlwaysDropping(SimpleFunctional):
    """`functional.dropout` does not know about `eval()` unless it is told."""

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv_a(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv_b(x)), 2)
        return self.scores(functional.dropout(x.flatten(1), 0.5))


class SimpleDroppingInEvaluation(SimpleFunctional):
    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv_a(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv_b(x)), 2)
        x = functional.dropout(x.flatten(1), 0.5, training=not self.training)
        return self.scores(x)


class SimpleSummed(SimpleFunctional):
    def forward(self, x):
        return super().forward(x).sum(dim=0)


class SimpleSharedFilters(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_a, self.scores = nn.Conv2d(1, 16, 5), nn.Linear(16 * 16, 10)

    def forward(self, x):
        for _ in range(2):
            x = self.conv_a(x.mean(1, keepdim=True)).relu()
            x = functional.max_pool2d(x, 2)
        return self.scores(x.flatten(1))


def learn_with(
    loss=lambda scores, y: functional.cross_entropy(scores, y),
    gives=lambda loss, network, x, y: loss.item(),
    backwards=1,
    steps=1,
    sign=1,
):
    """A step of training with something changed."""

    def learn(network, images, labels, optimizer):
        value = loss(network(images), labels)
        optimizer.zero_grad()
        for _ in range(backwards):
            (sign * value).backward(retain_graph=True)
        for _ in range(steps):
            optimizer.step()
        return gives(value, network, images, labels)

    return learn


def learn_without_momentum(network, images, labels, optimizer):
    rate = optimizer.param_groups[0]["lr"]
    plain = torch.optim.SGD(network.parameters(), lr=rate)
    return RIGHT["06.7"][0](network, images, labels, plain)


def learn_frozen(network, images, labels, optimizer):
    with torch.no_grad():
        return functional.cross_entropy(network(images), labels).item()


def learn_one_by_one(network, images, labels, optimizer):
    losses = [
        RIGHT["06.7"][0](network, images[i : i + 1], labels[i : i + 1], optimizer)
        for i in range(len(labels))
    ]
    return sum(losses) / len(losses)


def learn_weights_only(network, images, labels, optimizer):
    optimizer.zero_grad()
    loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    for p in network.parameters():
        if p.ndim == 1:
            p.grad.zero_()
    optimizer.step()
    return loss.item()


def confusion_one_short(labels, guesses, classes):
    return confusion_by_bins(labels[1:], guesses[1:], classes)


def accuracy_with(
    images=lambda x, device: x.to(device),
    labels=lambda y, device: y.to(device),
    network=lambda network, device: network.to(device).eval(),
    hits=lambda scores, y: (scores.argmax(1) == y).sum().item(),
    gives=lambda hits, count, batches: hits / count,
):
    """An answer to 06.12 with something changed."""

    def accuracy_of(net, batches, device):
        net, right, count = network(net, device), 0, 0
        for x, y in batches:
            right += hits(net(images(x, device)), labels(y, device))
            count += len(y)
        return gives(right, count, batches)

    return accuracy_of


WRONG = {
    "06.1": [
        {"W2": 27, "weights": 150, "biases": 6},
        {"W2": 28, "weights": 150, "biases": 0},
        {"W2": 28, "weights": 30, "biases": 6},
        {"W2": 28, "weights": 6, "biases": 150},
        {"W2": 28, "weights": 150.5, "biases": 6},
        {"W2": (28, 28), "weights": 150, "biases": 6},
        {"W2": "28", "weights": "150", "biases": "6"},
        {"W2": -28, "weights": -150, "biases": -6},
    ],
    "06.2": [
        lambda D1, K, F: 156,
        lambda D1, K, F: D1 * F * F + K,
        lambda D1, K, F: D1 * (F * F * K + 1),
        lambda D1, K, F: K * (F * F * D1 + F),
        lambda D1, K, F: K * (F * F + D1),
        lambda D1, K, F: (K + 1) * F * F * D1,
        lambda D1, K, F: K * (2 * F * D1 + 1),
        lambda D1, K, F: K * F * F * D1 + F * F,
        lambda D1, K, F: K * (25 * D1 + 1),
        lambda D1, K, F: min(K * (F * F * D1 + 1), 5000),
        lambda D1, K, F: (K * F * F * D1, K),
        lambda D1, K, F: str(K * (F * F * D1 + 1)),
        lambda D1, K, F: -K * (F * F * D1 + 1),
    ],
    "06.3": [
        {"C3": 1516, "C5": 48120, "F6": 10164, "output": 850},
        {"C3": 2416, "C5": 48120, "F6": 10200, "output": 850},
        {"C3": 2416, "C5": 48120, "F6": 10164, "output": 924},
        {"C3": 2401, "C5": 48001, "F6": 10081, "output": 841},
        {"C3": 2416, "C5": 48120, "F6": 850, "output": 10164},
        {"C3": 2416.5, "C5": 48120, "F6": 10164, "output": 850},
        {"C3": (2400, 16), "C5": 48120, "F6": 10164, "output": 850},
        dict.fromkeys(("C3", "C5", "F6", "output"), 61706),
    ],
    "06.4": [
        lambda table, F: 1516,
        lambda table, F: table,
        lambda table, F: sum(F * F * sum(seen) + 1 for seen in table),
        lambda table, F: sum(F * F * (max(seen) + 1) + 1 for seen in table),
        lambda table, F: len(table) * (F * F * len(table[0]) + 1),
        lambda table, F: len(table) * (F * F * len(table[-1]) + 1),
        lambda table, F: F * F * len({k for seen in table for k in seen}) + len(table),
        lambda table, F: F * F * len(table) + sum(map(len, table)),
        lambda table, F: sum(F * F * len(seen) + F for seen in table),
        lambda table, F: sum(F * F * (len(seen) + 1) for seen in table),
        lambda table, F: sum(25 * len(seen) + 1 for seen in table),
        lambda table, F: sum(F * F * len(seen) + 1 for seen in table[:4]),
        lambda table, F: [F * F * len(seen) + 1 for seen in table],
    ],
    "06.5": [
        {"C1": 48000, "C5": 117600},
        {"C1": 4704, "C5": 48000},
        {"C1": 117600, "C5": 400},
        {"C1": 117600, "C5": 120},
        {"C1": 117601, "C5": 48000},
        {"C1": 235200, "C5": 96000},
        {"C1": "117600", "C5": "48000"},
        {"C1": 117600 + 48000, "C5": 117600 + 48000},
    ],
    "06.6": [
        lenet(act1=list),
        lenet(act3=list),
        lenet(act6=list),
        lenet(act1=lambda: [nn.Sigmoid()], act3=lambda: [nn.Sigmoid()]),
        lenet(act5=lambda: [nn.ReLU()], act6=lambda: [nn.ReLU()]),
        lenet(act5=lambda: [nn.Hardtanh()]),
        lenet(act1=lambda: [nn.AvgPool2d(2)], s2=lambda: [nn.Tanh()]),
        lenet(s4=lambda: [nn.MaxPool2d(2)]),
        lenet(s2=lambda: [nn.LPPool2d(1, 2)]),
        lenet(widths=(16, 6)),
        lenet(widths=(6, 6)),
        lenet(widths=(12, 16)),
        lenet(neurons=(84, 120)),
        lenet(F=3),
        lenet(classes=9),
        lenet(bias=False),
        lenet(f6=list, act6=list),
        lenet(act6=lambda: [nn.Tanh(), nn.Dropout(0.5)]),
        lenet(c1=lambda: [nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6)]),
        lenet(c1=lambda: [nn.Conv2d(1, 6, 5, padding=2)]),
        lenet(c1=lambda: [nn.Conv2d(3, 6, 5)]),
        lenet(flatten=list),
        lenet(flatten=lambda: [nn.Flatten(0)]),
        lenet(end=lambda: [nn.Softmax(dim=1)]),
        lenet(end=lambda: [nn.LogSoftmax(dim=1)]),
        lenet(end=lambda: [nn.Sigmoid()]),
        lenet(end=lambda: [nn.Softmax(dim=0)]),
        LeNetOneImage,
        LeNetSqueezed,
        LeNetFlatBatch,
        lambda: list(lenet()()),
        lambda: LeNetFunctional,
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(1024, 10)),
        lambda: nn.Sequential(),
        lambda: lenet()()(torch.zeros(1, 1, 32, 32)),
    ],
    "06.7": [
        learn_without_momentum,
        learn_frozen,
        learn_one_by_one,
        learn_weights_only,
        learn_with(loss=lambda s, y: functional.cross_entropy(s, y, reduction="sum")),
        learn_with(
            loss=lambda s, y: functional.cross_entropy(s, y, label_smoothing=0.1)
        ),
        learn_with(loss=lambda s, y: functional.cross_entropy(s, s.argmax(1))),
        learn_with(loss=lambda s, y: functional.cross_entropy(s[:1], y[:1])),
        learn_with(loss=lambda s, y: functional.cross_entropy(s, y.flip(0))),
        learn_with(loss=lambda s, y: functional.cross_entropy(s.relu(), y)),
        learn_with(loss=lambda s, y: functional.nll_loss(s, y)),
        learn_with(loss=lambda s, y: functional.multi_margin_loss(s, y)),
        learn_with(loss=lambda s, y: ((s - functional.one_hot(y, 3)) ** 2).mean()),
        learn_with(backwards=2),
        learn_with(backwards=0),
        learn_with(steps=2),
        learn_with(steps=0),
        learn_with(sign=-1),
        learn_with(gives=lambda loss, network, x, y: None),
        learn_with(gives=lambda loss, network, x, y: network(x)),
        learn_with(gives=lambda loss, network, x, y: loss.item() * len(y)),
        learn_with(gives=lambda loss, network, x, y: -loss.item()),
        learn_with(gives=lambda loss, network, x, y: round(loss.item(), 1)),
        learn_with(gives=lambda loss, network, x, y:
                   functional.cross_entropy(network(x), y).item()),
        learn_with(gives=lambda loss, network, x, y:
                   (network(x).argmax(1) == y).float().mean()),
    ],
    "06.8": [
        confusion_one_short,
        lambda labels, guesses, classes: confusion_by_bins(labels, guesses, 10),
        lambda labels, guesses, classes: 1 + confusion_by_bins(
            labels, guesses, classes
        ),
        lambda labels, guesses, classes: confusion_by_bins(
            labels, guesses, classes
        ).flatten(),
        lambda labels, guesses, classes: confusion_by_bins(
            labels, guesses, classes
        ) / len(labels),
        lambda labels, guesses, classes: confusion_by_bins(
            labels, guesses, classes
        ).fill_diagonal_(0),
        lambda labels, guesses, classes: confusion_by_bins(
            labels, guesses, classes
        ).flip(0),
        lambda labels, guesses, classes: functional.normalize(
            confusion_by_bins(labels, guesses, classes).float(), p=1
        ),
        lambda labels, guesses, classes: confusion_by_bins(
            *(torch.cat([labels, guesses]), torch.cat([guesses, labels])), classes
        ),
        lambda labels, guesses, classes: confusion_by_bins(
            labels.sort().values, guesses.sort().values, classes
        ),
        lambda labels, guesses, classes: confusion_by_bins(
            labels, guesses, classes
        ).clamp(max=2),
        lambda labels, guesses, classes: (labels == guesses).sum(),
        lambda labels, guesses, classes: torch.bincount(labels, minlength=classes),
        lambda labels, guesses, classes: torch.zeros(classes, classes),
        lambda labels, guesses, classes: torch.eye(classes),
    ],
    "06.9": [
        lambda x, kept, p, training: x,
        lambda x, kept, p, training: kept,
        lambda x, kept, p, training: functional.dropout(x, p, training),
        lambda x, kept, p, training: 2 * x * kept if training else x,
        lambda x, kept, p, training: x * (1 - kept) / p if training else x,
        lambda x, kept, p, training: x * kept / kept.mean() if training else x,
        lambda x, kept, p, training: x * kept / kept.sum() if training else x,
        lambda x, kept, p, training: x[kept > 0] / (1 - p) if training else x,
        lambda x, kept, p, training: x + kept / (1 - p) if training else x,
        lambda x, kept, p, training: x * kept * (1 + p) if training else x,
        lambda x, kept, p, training: x * kept / (1 - p) ** 2 if training else x,
        lambda x, kept, p, training: x * kept / (1 - p) if training else x * (1 - p),
        lambda x, kept, p, training: x * kept / (1 - p) if training else x * kept,
        lambda x, kept, p, training: x * kept / (1 - p) if training else x * 0,
        lambda x, kept, p, training: x * kept / (1 - p) if training else None,
        lambda x, kept, p, training: (x * kept / (1 - p)).relu() if training else x,
        lambda x, kept, p, training: x * kept / (1 - p) if p else 0 * x,
        lambda x, kept, p, training: (
            x * kept * x.sum() / (x * kept).sum() if training else x
        ),
    ],
    "06.10": [
        {"weight": (5, 5, 3, 1), "one_image": (1, 1, 28, 28),
         "batch": (128, 16, 14, 14), "flat": (128, 3136)},
        {"weight": (1, 3, 5), "one_image": (1, 1, 28, 28),
         "batch": (128, 16, 14, 14), "flat": (128, 3136)},
        {"weight": (1, 3, 5, 5), "one_image": (1, 1, 32, 32),
         "batch": (128, 16, 14, 14), "flat": (128, 3136)},
        {"weight": (1, 3, 5, 5), "one_image": (1, 1, 28, 28),
         "batch": (16, 128, 14, 14), "flat": (128, 3136)},
        {"weight": (1, 3, 5, 5), "one_image": (1, 1, 28, 28),
         "batch": (128, 14, 14, 16), "flat": (128, 3136)},
        {"weight": (1, 3, 5, 5), "one_image": (1, 1, 28, 28),
         "batch": (128, 16, 14, 14), "flat": (3136, 128)},
        {"weight": (1, 3, 5, 5), "one_image": (1, 1, 28, 28),
         "batch": (128, 16, 14, 14), "flat": 3136},
        {"weight": 75, "one_image": 784, "batch": 401408, "flat": 401408},
        {"weight": "1, 3, 5, 5", "one_image": (1, 1, 28, 28),
         "batch": (128, 16, 14, 14), "flat": (128, 3136)},
    ],
    "06.11": [
        simple(act1=list),
        simple(act2=list),
        simple(act1=list, act2=list),
        simple(act1=lambda: [nn.LeakyReLU()], act2=lambda: [nn.LeakyReLU()]),
        simple(act2=lambda: [nn.GELU()]),
        simple(act1=lambda: [nn.Hardtanh(0, 1)]),
        simple(act1=lambda: [nn.ReLU6()]),
        simple(act2=lambda: [nn.ReLU6()]),
        simple(act2=lambda: [nn.Sigmoid()]),
        simple(pool2=lambda: [nn.AvgPool2d(2)]),
        simple(pool1=lambda: [nn.MaxPool2d(2, stride=1)]),
        simple(pool2=list),
        simple(widths=(32, 16)),
        simple(widths=(6, 16)),
        simple(F=3),
        simple(bias=False),
        simple(conv1=lambda: [nn.Conv2d(1, 16, 5, padding=2)]),
        simple(conv1=lambda: [nn.Conv2d(3, 16, 5)]),
        simple(dropout=lambda: [nn.Dropout(0.2)]),
        simple(dropout=lambda: [nn.Dropout(0.9)]),
        simple(dropout=lambda: [nn.Dropout(0.5), nn.Dropout(0.5)]),
        simple(dropout=lambda: [nn.AlphaDropout(0.5)]),
        simple(flatten=lambda: [nn.Dropout2d(0.5), nn.Flatten()], dropout=list),
        simple(pool1=lambda: [nn.MaxPool2d(2), nn.Dropout(0.5)]),
        simple(act2=lambda: [nn.ReLU(), nn.Dropout(0.5)], dropout=list),
        simple(output=lambda: [nn.LazyLinear(10), nn.ReLU()]),
        simple(output=lambda: [nn.LazyLinear(84), nn.ReLU(), nn.LazyLinear(10)]),
        simple(end=lambda: [nn.Softmax(dim=1)]),
        simple(end=lambda: [nn.LogSoftmax(dim=1)]),
        simple(flatten=list),
        simple(flatten=lambda: [nn.Flatten(0)]),
        SimpleAlwaysDropping,
        SimpleDroppingInEvaluation,
        SimpleSummed,
        SimpleSharedFilters,
        lambda: list(simple()()),
        lambda: SimpleFunctional,
        lambda: nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10)),
    ],
    "06.12": [
        accuracy_with(images=lambda x, device: x.to(device) is None or x),
        accuracy_with(images=lambda x, device: x.cuda()),
        accuracy_with(images=lambda x, device: x[:1].to(device)),
        accuracy_with(images=lambda x, device: 0 * x.to(device)),
        accuracy_with(images=lambda x, device: x.to("meta")),
        accuracy_with(labels=lambda y, device: y.cpu()),
        accuracy_with(labels=lambda y, device: y.flip(0).to(device)),
        accuracy_with(network=lambda network, device: network.eval()),
        accuracy_with(network=lambda network, device: network.to(device)),
        accuracy_with(network=lambda network, device: network.to(device).train()),
        accuracy_with(network=lambda network, device: network.eval().cpu()),
        accuracy_with(network=lambda network, device: network[:3].to(device)),
        accuracy_with(hits=lambda scores, y: (scores.argmax(0) == y).sum().item()),
        accuracy_with(hits=lambda scores, y: (scores.argmin(1) == y).sum().item()),
        accuracy_with(hits=lambda scores, y: (scores.argmax(1) != y).sum().item()),
        accuracy_with(hits=lambda scores, y: (scores.max(1).values == y).sum().item()),
        accuracy_with(hits=lambda scores, y: (scores.argmax(1).numpy() == y).sum()),
        accuracy_with(hits=lambda scores, y: nn.CrossEntropyLoss()(scores, y).item()),
        accuracy_with(gives=lambda hits, count, batches: 100 * hits / count),
        accuracy_with(gives=lambda hits, count, batches: hits // count),
        accuracy_with(gives=lambda hits, count, batches: count / max(hits, 1)),
        accuracy_with(gives=lambda hits, count, batches: 1 - hits / count),
        accuracy_with(gives=lambda hits, count, batches: hits / len(batches[0][1])),
        accuracy_with(gives=lambda hits, count, batches: hits / (4 * len(batches))),
        accuracy_with(gives=lambda hits, count, batches: f"{hits / count:.1%}"),
        accuracy_with(gives=lambda hits, count, batches: round(hits / count, 2)),
        accuracy_with(gives=lambda hits, count, batches: (hits, count)),
        accuracy_with(gives=lambda hits, count, batches: None),
        accuracy_with(
            hits=lambda scores, y: (scores.argmax(1) == y).sum(),
            gives=lambda hits, count, batches: hits / count,
        ),
        lambda network, batches, device: evaluate(network, batches).accuracy,
        lambda network, batches, device: accuracy_at_once(network, batches, "cpu"),
        lambda network, batches, device: accuracy_at_once(network, batches, "cuda"),
        lambda network, batches, device: accuracy_at_once(
            network, batches[:1], device
        ),
    ],
}  # fmt: skip

# --- Inputs ---------------------------------------------------------------------------


def _seen_maps(rng):
    table = [
        sorted(rng.sample(range(9), rng.randint(1, 6)))
        for _ in range(rng.randint(1, 9))
    ]
    return case(table, rng.randint(1, 7))


def _learning(rng):
    shape = (rng.randint(1, 3), rng.randint(1, 4), rng.randint(1, 4))
    return case(rng.randint(1, 5), rng.choice((0.0, 0.5, 0.9)), shape)


def _guesses(rng):
    classes, count = rng.randint(2, 10), rng.randint(1, 40)
    drawn = [[rng.randrange(classes) for _ in range(count)] for _ in range(2)]
    return case(*map(torch.tensor, drawn), classes)


def _dropped(rng):
    shape = (rng.randint(1, 4), rng.randint(1, 4))
    p = rng.choice((0.1, 0.5, 0.8))
    kept = (random_tensor(rng, *shape) > 0).float()
    return case(random_tensor(rng, *shape), kept, p, rng.choice((True, False)))


def _on_devices(rng):
    sizes = tuple(rng.randint(1, 9) for _ in range(rng.randint(1, 4)))
    return case(sizes, rng.choice(("cpu", "cuda")), rng.choice(("cpu", "cuda")))


INPUTS = {
    "06.2": lambda rng: case(rng.randint(1, 9), rng.randint(1, 9), rng.randint(1, 7)),
    "06.4": _seen_maps,
    "06.6": lambda rng: case((rng.randint(1, 3), 1, 32, 32)),
    "06.7": _learning,
    "06.8": _guesses,
    "06.9": _dropped,
    "06.11": lambda rng: case((rng.randint(1, 3), 1, 28, 28)),
    "06.12": _on_devices,
}


class TestLesson(LessonTests):
    right, wrong, inputs = RIGHT, WRONG, INPUTS
    few = frozenset({"06.6", "06.11"})  # one input shows everything about a network


# --- The GPU that 06.12 pretends to have ----------------------------------------------


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x + torch.ones(2, 3),
        lambda x: torch.cat([torch.ones(2, 3), x]),
        lambda x: x.max(1).values == torch.ones(2),
        lambda x: x.sum(1, keepdim=True).sqrt().T @ torch.ones(2),
        lambda x: nn.Linear(3, 1)(x),
        lambda x: nn.Linear(3, 1).to("cuda")(x.cpu()),
        lambda x: functional.cross_entropy(x, torch.tensor([0, 1])),
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
    ],
)
def test_the_pretended_gpu_refuses_a_mix(mixed):
    with PretendedGPU():
        x = torch.ones(2, 3).to("cuda")
        with pytest.raises((RuntimeError, TypeError), match=r"same|cuda:0"):
            mixed(x)


def test_the_pretended_gpu_holds_what_was_moved():
    with PretendedGPU():
        x, network = torch.ones(2, 3), nn.Linear(3, 1)
        there = x.to("cuda")
        assert (x.device.type, there.device.type) == ("cpu", "cuda")
        assert {p.device.type for p in network.to(there.device).parameters()} == {
            "cuda"
        }
        assert network(there)[0].device.type == "cuda"
        assert there.to("cuda") is there
        assert torch.zeros(2, device="cuda").to(torch.float64).device.type == "cuda"
        assert (there * torch.tensor(2.0)).cpu().sum().item() == 12
        assert {row.device.type for row in there} == {"cuda"}
        assert x.copy_(there)[0].device.type == "cpu"


# --- The explorer ---------------------------------------------------------------------


def test_maps_and_probabilities_are_those_of_the_network():
    network = lenet5().eval()
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    explorer = map_explorer(network, images, [3, 1, 4], image=2)
    assert explorer.number.value == 2
    layers = ["c1", "act1", "s2", "c3", "act3", "s4"]
    assert [name for _, name in explorer.layer.options] == layers
    names = [name for name, _ in network.named_children()]
    places = {name: k + 1 for k, name in enumerate(names)}
    for number, layer in visit(
        explorer, [explorer.number, explorer.layer], [range(3), layers]
    ):
        with torch.no_grad():
            maps = network[: places[layer]](images[number : number + 1])[0]
            shares = network(images)[number].softmax(0)
        torch.testing.assert_close(explorer.maps(), maps)
        assert explorer.shares() == pytest.approx(shares.tolist(), abs=1e-5)
        K, H, W = maps.shape
        assert f"after {layer}: {K} maps of {H} × {W}" in words(explorer)
        assert f"The network says {shares.argmax()}," in explorer.describe()
