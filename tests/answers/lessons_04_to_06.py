"""Hand-written answers to the exercises of lessons 04 to 06, for test_exercises.py.

RIGHT holds right answers written otherwise, WRONG answers that nobody listed.
"""

import math
from collections import Counter
from itertools import product

import numpy as np
import torch
from torch import nn
from torch.nn import functional

# --- lesson 04, right -----------------------------------------------------------------


def step_by_lists(kernel, gradient, rate):
    def step(k, g):
        if isinstance(k, list):
            return [step(*pair) for pair in zip(k, g)]
        return k - rate * g

    return step(kernel.tolist(), gradient.tolist())


def step_by_optimizer(kernel, gradient, rate):
    weight = nn.Parameter(kernel)
    weight.grad = gradient
    torch.optim.SGD([weight], lr=rate).step()
    return weight


def step_in_place(kernel, gradient, rate):
    kernel -= gradient.mul_(rate)
    return kernel


def field_from_the_output(layers):
    field = 1
    for F, S in reversed(layers):
        field = (field - 1) * S + F
    return field


def field_by_positions(layers):
    seen = {0}
    for F, S in layers[::-1]:
        seen = {p * S + k for p in seen for k in range(F)}
    return max(seen) - min(seen) + 1


def field_by_products(layers):
    return 1 + sum(
        (F - 1) * math.prod(S for _, S in layers[:at])
        for at, (F, _) in enumerate(layers)
    )


def matrix_by_lists(kernel, H1, W1):
    kernel = kernel.tolist()
    m, n = len(kernel), len(kernel[0])
    rows = []
    for i, j in product(range(H1 - m + 1), range(W1 - n + 1)):
        row = [0] * (H1 * W1)
        for a, b in product(range(m), range(n)):
            row[(i + a) * W1 + j + b] = kernel[a][b]
        rows.append(row)
    return rows


def matrix_by_single_pixels(kernel, H1, W1):
    pixels = torch.eye(H1 * W1).view(-1, 1, H1, W1)
    return functional.conv2d(pixels, kernel[None, None]).flatten(1).T


def matrix_by_numpy(kernel, H1, W1):
    numbers = np.arange(H1 * W1).reshape(H1, W1)
    windows = np.lib.stride_tricks.sliding_window_view(numbers, kernel.shape)
    matrix = np.zeros((windows.shape[0] * windows.shape[1], H1 * W1))
    np.put_along_axis(
        matrix,
        windows.reshape(len(matrix), -1),
        kernel.numpy().reshape(1, -1).repeat(len(matrix), 0),
        axis=1,
    )
    return matrix


def gradient_by_lists(matrix, g):
    return [sum(a * b for a, b in zip(column, g)) for column in zip(*matrix)]


def gradient_by_autograd(matrix, g):
    x = torch.zeros(matrix.shape[1], requires_grad=True)
    (matrix @ x).backward(g)
    return x.grad


# --- lesson 05, right -----------------------------------------------------------------


def max_pool_by_lists(image, F, S):
    rows = image.tolist()
    tops, lefts = (range(0, length - F + 1, S) for length in image.shape)
    return [
        [
            max(max(row[left : left + F]) for row in rows[top : top + F])
            for left in lefts
        ]
        for top in tops
    ]


def max_pool_by_numpy(image, F, S):
    windows = np.lib.stride_tricks.sliding_window_view(image.numpy(), (F, F))
    return windows[::S, ::S].max(axis=(2, 3))


def max_pool_by_shifts(image, F, S):
    H2, W2 = ((length - F) // S + 1 for length in image.shape)
    out = torch.full((H2, W2), -math.inf)
    for a, b in product(range(F), repeat=2):
        shifted = image[a::S, b::S][:H2, :W2]
        out = torch.maximum(out, shifted)
    return out


def global_average_by_lists(maps):
    return [
        [sum(map(sum, channel)) / sum(map(len, channel)) for channel in image]
        for image in maps.tolist()
    ]


def average_by_groups(images):
    C = images.shape[1]
    return functional.conv2d(images, torch.ones(C, 1, 2, 2) / 4, stride=2, groups=C)


def average_by_eye(images):
    weight = torch.eye(images.shape[1])[:, :, None, None] * torch.full((2, 2), 0.25)
    return functional.conv2d(images, weight, None, 2)


def average_by_slices(images):
    H, W = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    x = images[:, :, :H, :W].numpy()
    return (
        x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]
    ) / 4


def average_by_lists(images):
    return [
        [
            [
                [
                    (c[i][j] + c[i][j + 1] + c[i + 1][j] + c[i + 1][j + 1]) / 4
                    for j in range(0, len(c[0]) - 1, 2)
                ]
                for i in range(0, len(c) - 1, 2)
            ]
            for c in image
        ]
        for image in images.tolist()
    ]


# --- lesson 06, right -----------------------------------------------------------------


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


RIGHT = {
    "04.1": [
        step_by_lists,
        step_by_optimizer,
        step_in_place,
        lambda kernel, gradient, rate: kernel.numpy() - rate * gradient.numpy(),
        lambda kernel, gradient, rate: torch.sub(kernel, gradient, alpha=rate),
        lambda kernel, gradient, rate: -(rate * gradient - kernel),
    ],
    "04.5": [field_from_the_output, field_by_positions, field_by_products],
    "04.8": [matrix_by_lists, matrix_by_single_pixels, matrix_by_numpy],
    "04.9": [
        gradient_by_lists,
        gradient_by_autograd,
        lambda matrix, g: g @ matrix,
        lambda matrix, g: np.einsum("ok,o->k", matrix, g),
        lambda matrix, g: (matrix * g[:, None]).sum(dim=0),
    ],
    "05.2": [
        max_pool_by_lists,
        max_pool_by_numpy,
        max_pool_by_shifts,
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S).amax(dim=(2, 3)),
        lambda image, F, S: nn.MaxPool2d(F, S)(image[None]).squeeze(0),
    ],
    "05.4": [
        global_average_by_lists,
        lambda maps: maps.numpy().mean(axis=(2, 3)),
        lambda maps: maps.flatten(2).mean(-1),
        lambda maps: maps.mean(3).mean(2),
        lambda maps: torch.einsum("nchw->nc", maps) / maps[0, 0].numel(),
        lambda maps: functional.avg_pool2d(maps, maps.shape[2:])[:, :, 0, 0],
    ],
    "05.7": [average_by_groups, average_by_eye, average_by_slices, average_by_lists],
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
}  # fmt: skip


# --- wrong ----------------------------------------------------------------------------


def field_with(first=1, rule=lambda field, F, S, step: field + (F - 1) * step):
    def receptive_field(layers):
        field, step = first, 1
        for F, S in layers:
            field, step = rule(field, F, S, step), step * S
        return field

    return receptive_field


def field_by_last_layer(layers):
    field = 1
    for F, S in reversed(layers):
        field = field * S + F - 1
    return field


def matrix_for_square_kernels(kernel, H1, W1):
    F = max(kernel.shape)
    square = functional.pad(kernel, (0, F - kernel.shape[1], 0, F - kernel.shape[0]))
    return matrix_by_single_pixels(square, H1, W1)


def matrix_same_size(kernel, H1, W1):
    pixels = torch.eye(H1 * W1).view(-1, 1, H1, W1)
    out = functional.conv2d(pixels, kernel[None, None], padding="same")
    return out.flatten(1).T


def matrix_wrong_in_the_last_row(kernel, H1, W1):
    matrix = matrix_by_single_pixels(kernel, H1, W1).clone()
    matrix[-1] = matrix[0]
    return matrix


def pool_square_only(image, F, S):
    side = min(image.shape)
    return RIGHT["05.2"][-1](image[:side, :side], F, S)


def max_pool(image, F, S, **options):
    return functional.max_pool2d(image[None, None], F, S, **options)[0, 0]


def averaged(images, order=None, bias=None, **options):
    """A convolution whose filter c reads channel order(c)."""
    C = images.shape[1]
    weight = torch.zeros(C, C, 2, 2)
    for c in range(C):
        weight[c, order(c, C) if order else c] = 1 / 4
    bias = None if bias is None else torch.full((C,), bias)
    return functional.conv2d(images, weight, bias, **{"stride": 2, **options})


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


WRONG = {
    "04.1": [
        lambda kernel, gradient, rate: kernel,
        lambda kernel, gradient, rate: gradient,
        lambda kernel, gradient, rate: kernel - rate,
        lambda kernel, gradient, rate: kernel - rate * gradient.sign(),
        lambda kernel, gradient, rate: kernel - rate * gradient.abs(),
        lambda kernel, gradient, rate: kernel - rate * gradient.mean(),
        lambda kernel, gradient, rate: kernel - rate * gradient / gradient.norm(),
        lambda kernel, gradient, rate: kernel - 2 * rate * gradient,
        lambda kernel, gradient, rate: kernel - rate**2 * gradient,
        lambda kernel, gradient, rate: kernel - min(rate, 1) * gradient,
        lambda kernel, gradient, rate: kernel - rate * kernel * gradient,
        lambda kernel, gradient, rate: rate * (kernel - gradient),
        lambda kernel, gradient, rate: (1 - rate) * kernel - rate * gradient,
        lambda kernel, gradient, rate: (kernel - rate * gradient).relu(),
        lambda kernel, gradient, rate: (kernel - rate * gradient).flatten(),
        lambda kernel, gradient, rate: str(kernel - rate * gradient),
    ],
    "04.2": [
        {"pixels": {7, 8, 12}},
        {"pixels": [7, 8, 11, 11, 12]},
        {"pixels": {6, 7, 8, 10, 11, 12, 14, 15, 16}},
        {"pixels": {3, 4, 7, 8}},
        {"pixels": {6, 7, 11, 12}},
        {"pixels": {7.5, 8, 11, 12}},
        {"pixels": (-7, -8, -11, -12)},
        {"pixels": 7},
        {"pixels": "7, 8, 11, 12"},
        {"pixels": set()},
    ],
    "04.3": [
        {"dense": 4, "local": 36, "shared": 144},
        {"dense": 144, "local": 36, "shared": 9},
        {"dense": 145, "local": 36, "shared": 4},
        {"dense": 144, "local": 40, "shared": 5},
        {"dense": 144, "local": 36, "shared": 2},
        {"dense": "144", "local": "36", "shared": "4"},
        {"dense": -144, "local": -36, "shared": -4},
    ],
    "04.4": [
        {"three_of_3": 6, "two_of_5": 9, "layers_for_11": 5},
        {"three_of_3": 7, "two_of_5": 25, "layers_for_11": 5},
        {"three_of_3": 7, "two_of_5": 9, "layers_for_11": 11},
        {"three_of_3": 7, "two_of_5": 9, "layers_for_11": 5.5},
        {"three_of_3": 49, "two_of_5": 81, "layers_for_11": 5},
        {"three_of_3": 9, "two_of_5": 7, "layers_for_11": 5},
        {"three_of_3": (7, 7), "two_of_5": (9, 9), "layers_for_11": 5},
        {"three_of_3": "7", "two_of_5": "9", "layers_for_11": "5"},
    ],
    "04.5": [
        field_by_last_layer,
        field_with(first=0),
        field_with(rule=lambda field, F, S, step: field + (F - 1) * S),
        field_with(rule=lambda field, F, S, step: field + F - 1),
        field_with(rule=lambda field, F, S, step: field * F),
        field_with(rule=lambda field, F, S, step: F),
        field_with(rule=lambda field, F, S, step: field + 2 * step),
        field_with(rule=lambda field, F, S, step: max(field, F * step)),
        field_with(rule=lambda field, F, S, step: field + (F - 1) * min(step, 4)),
        lambda layers: field_from_the_output(layers[::-1]),
        lambda layers: field_from_the_output(layers[:2]),
        lambda layers: field_from_the_output(layers) ** 2,
        lambda layers: sum(F for F, _ in layers),
        lambda layers: 2 * len(layers) + 1,
        lambda layers: str(field_from_the_output(layers)),
    ],
    "04.6": [
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), True),
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), False),
        dict.fromkeys(("relu", "two_layers", "own_kernels", "stride_2"), 0.5),
        {"relu": False, "two_layers": False, "own_kernels": True, "stride_2": True},
        {"relu": "yes", "two_layers": "yes", "own_kernels": "no", "stride_2": "no"},
        {"relu": True, "two_layers": True, "own_kernels": None, "stride_2": False},
    ],
    "04.7": [
        {"row_m": "0wx0yz000", "row_n": "000wx0yz"},
        {"row_m": "0wx0yz000", "row_n": "0000wx0yz"},
        {"row_m": "0wx00yz00", "row_n": "000wx0yz0"},
        {"row_m": "0wy0xz000", "row_n": "000wy0xz0"},
        {"row_m": "cw+dx+fy+gz", "row_n": "ew+fx+hy+iz"},
        {"row_m": "wxyz", "row_n": "wxyz"},
        {"row_m": ["w", "x", "y", "z"], "row_n": []},
        {"row_m": "010110000", "row_n": "000110110"},
        {"row_m": "", "row_n": ""},
        {"row_m": 0, "row_n": 0},
    ],
    "04.8": [
        matrix_for_square_kernels,
        matrix_same_size,
        matrix_wrong_in_the_last_row,
        lambda kernel, H1, W1: kernel,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).T,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, W1, H1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.T, H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.flip(1), H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel.relu(), H1, W1),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).flip(0),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1)[:1],
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1) != 0,
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).view(
            -1, H1, W1
        ),
        lambda kernel, H1, W1: matrix_by_single_pixels(kernel, H1, W1).sum(dim=0),
    ],
    "04.9": [
        lambda matrix, g: g,
        lambda matrix, g: matrix.T,
        lambda matrix, g: matrix[0] * g[0],
        lambda matrix, g: matrix * g[:, None],
        lambda matrix, g: -(matrix.T @ g),
        lambda matrix, g: matrix.T @ g.abs(),
        lambda matrix, g: matrix.T @ g.flip(0),
        lambda matrix, g: matrix.T.flip(0) @ g,
        lambda matrix, g: matrix.T @ (g / g.norm()),
        lambda matrix, g: matrix.T @ g / len(g),
        lambda matrix, g: matrix.sum(dim=0) * g.sum(),
        lambda matrix, g: matrix.sum(dim=0) * g.mean(),
        lambda matrix, g: (matrix.T @ g).sum(),
        lambda matrix, g: (matrix.T @ g)[None],
        lambda matrix, g: (matrix.T @ g).relu(),
    ],
    "05.1": [
        {"stride_2": [8, 4, 7, 5], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": [[8, 4], [7, 5]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 4]]},
        {"stride_2": [[8, 4], [7, 5]], "stride_1": [[8, 8, 7], [8, 8, 6], [4, 5, 5]]},
        {"stride_2": [[1, 1], [1, 1]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": [[18, 10], [17, 12]], "stride_1": 8},
        {"stride_2": [[8, 4], [7]], "stride_1": [[8, 8, 4], [8, 8, 5], [7, 6, 5]]},
        {"stride_2": "8 4 7 5", "stride_1": "8 8 4 8 8 5 7 6 5"},
    ],
    "05.2": [
        pool_square_only,
        lambda image, F, S: image,
        lambda image, F, S: image.max(),
        lambda image, F, S: max_pool(image, S, F),
        lambda image, F, S: max_pool(image, 2, 2),
        lambda image, F, S: max_pool(image, F, S).T,
        lambda image, F, S: max_pool(image.T, F, S),
        lambda image, F, S: -max_pool(-image, F, S),
        lambda image, F, S: max_pool(image.abs(), F, S),
        lambda image, F, S: max_pool(image.relu(), F, S),
        lambda image, F, S: max_pool(image, F, S).round(),
        lambda image, F, S: max_pool(image, F, S).flatten(),
        lambda image, F, S: max_pool(image, F, S)[None],
        lambda image, F, S: max_pool(image, F, S, padding=F // 2),
        lambda image, F, S: max_pool(image, (F, 1), S),
        lambda image, F, S: max_pool(image, F, (S, 1)),
        lambda image, F, S: image[::S, ::S],
        lambda image, F, S: max_pool(image, F, S) - max_pool(-image, F, S),
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S).sum((2, 3)),
        lambda image, F, S: image.unfold(0, F, S).unfold(1, F, S)
        .flatten(2).median(2).values,
    ],
    "05.3": [
        {"stride_2": [[4.5, 4.25], [2.5, 3]], "middle": 5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": 5},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": -5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3.5]], "middle": 5.25},
        {"stride_2": [4.5, 2.5, 4.25, 3], "middle": 5.25},
        {"stride_2": 57 / 16, "middle": 5.25},
        {"stride_2": [[4.5, 2.5], [4.25, 3]], "middle": "5.25"},
    ],
    "05.4": [
        lambda maps: maps,
        lambda maps: 0.5,
        lambda maps: maps.mean(dim=(2, 3)).T,
        lambda maps: maps.mean(dim=(2, 3)).flatten(),
        lambda maps: maps.mean(dim=(2, 3)).round(),
        lambda maps: maps.mean(dim=(2, 3)).relu(),
        lambda maps: maps.mean(dim=(2, 3))[:1],
        lambda maps: maps.mean(dim=(1, 2)),
        lambda maps: maps.flatten(2).median(dim=2).values,
        lambda maps: (maps.amax((2, 3)) + maps.amin((2, 3))) / 2,
        lambda maps: maps.sum(dim=(2, 3)) / maps.shape[2] ** 2,
        lambda maps: maps.sum(dim=(2, 3)) / maps.shape[3] ** 2,
        lambda maps: maps.abs().mean(dim=(2, 3)),
        lambda maps: maps.mean(0).mean((1, 2)).expand(maps.shape[:2]),
        lambda maps: maps[:, :, 0, 0],
    ],
    "05.5": [
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (10, 10, 16),
         "pool2": (5, 5, 16), "pool_parameters": 12},
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (14, 14, 16),
         "pool2": (7, 7, 16), "pool_parameters": 0},
        {"conv1": (8, 28, 28), "pool1": (8, 14, 14), "conv2": (16, 10, 10),
         "pool2": (16, 5, 5), "pool_parameters": 0},
        {"conv1": (27, 27, 8), "pool1": (13, 13, 8), "conv2": (9, 9, 16),
         "pool2": (4, 4, 16), "pool_parameters": 0},
        {"conv1": (28, 28), "pool1": (14, 14), "conv2": (10, 10),
         "pool2": (5, 5), "pool_parameters": 0},
        {"conv1": 28, "pool1": 14, "conv2": 10, "pool2": 5, "pool_parameters": 0},
        {"conv1": (28, 28, 8), "pool1": (14, 14, 8), "conv2": (10, 10, 16),
         "pool2": (5, 5, 16), "pool_parameters": None},
    ],
    "05.6": [
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 1),
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 0),
        dict.fromkeys(("eight", "seven", "six", "five", "three"), 0.25),
        {"eight": 5, "seven": 1, "six": 1, "five": 2, "three": 0},
        {"eight": 4, "seven": 1, "six": 1, "five": 2, "three": 1},
        {"eight": -4, "seven": -1, "six": -1, "five": -2, "three": 0},
        {"eight": 32, "seven": 7, "six": 6, "five": 10, "three": 0},
        {"eight": [4], "seven": [1], "six": [1], "five": [1, 1], "three": []},
    ],
    "05.7": [
        lambda images: images,
        lambda images: averaged(images, order=lambda c, C: C - 1 - c),
        lambda images: averaged(images, order=lambda c, C: C - 1),
        lambda images: averaged(images, order=lambda c, C: (c + 1) % C),
        lambda images: averaged(images, bias=0.1),
        lambda images: averaged(images, padding=1),
        lambda images: averaged(images, stride=(2, 1)),
        lambda images: averaged(images, dilation=2),
        lambda images: averaged(images)[:1],
        lambda images: averaged(images).relu(),
        lambda images: averaged(images) / images.shape[1],
        lambda images: averaged(images).transpose(2, 3),
        lambda images: functional.avg_pool2d(images, 2, ceil_mode=True),
        lambda images: functional.avg_pool2d(images, 3, 2),
        lambda images: functional.max_pool2d(images, 2),
        lambda images: functional.lp_pool2d(images, 2, 2) / 2,
        lambda images: images[:, :, ::2, ::2],
        lambda images: torch.full((images.shape[1], images.shape[1], 2, 2), 0.25),
    ],
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
}  # fmt: skip
