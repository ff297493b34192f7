"""Checks: LeNet."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from helpers.exercises.compare import describe
from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input

# --- 06.1 to 06.3: the table by hand --------------------------------------------------

add(
    Exercise(
        "06.1",
        "C1 by hand",
        tolerance=1e-9,
        wrong={
            "size-kept": Wrong(
                {"W2": 32}, "Without padding a 5×5 kernel has 32 − 5 + 1 places."
            ),
            "one-filter": Wrong(
                {"weights": 25},
                "25 is one filter. Six different ones are learned.",
            ),
            "weights-for-each-place": Wrong(
                {"weights": 150 * 28 * 28},
                "Weights are shared: a filter has the same 25 at each of its 784 "
                "places.",
            ),
            "biases-in": Wrong(
                {"weights": 156}, "156 counts the biases too. Here they have a name."
            ),
            "one-bias": Wrong(
                {"biases": 1}, "Each filter adds a bias of its own to its map."
            ),
            "bias-for-each-weight": Wrong(
                {"biases": 150},
                "A bias is added to the weighted sum, once: one for each filter.",
            ),
        },
        hints=(
            "W2 = W1 − F + 1.",
            "One filter on an image of depth 1 has 5·5·1 weights. There are K = 6.",
        ),
    )
)

add(
    Exercise(
        "06.2",
        "Parameters of a convolution",
        cases=lambda: [
            case(D1=1, K=1, F=1),
            case(D1=1, K=6, F=5),
            case(D1=6, K=16, F=5),
            case(D1=3, K=2, F=1),
            case(D1=4, K=3, F=2),
            case(D1=3, K=64, F=7),
        ],
        tolerance=1e-9,
        wrong={
            "no-bias": Wrong(
                lambda D1, K, F: K * F * F * D1,
                "The biases are missing, one for each of the K filters.",
            ),
            "one-bias": Wrong(
                lambda D1, K, F: K * F * F * D1 + 1,
                "Only one bias. Every filter has its own: put the + 1 inside the "
                "brackets.",
            ),
            "flat-filters": Wrong(
                lambda D1, K, F: K * (F * F + 1),
                "A filter reaches through the whole depth of its input: F·F·D1 "
                "weights.",
            ),
            "extent-once": Wrong(
                lambda D1, K, F: K * (F * D1 + 1),
                "A filter is F high and F wide: F·F.",
            ),
            "bias-for-each-channel": Wrong(
                lambda D1, K, F: K * (F * F + 1) * D1,
                "One bias for each channel is too many. The channels are added up "
                "first, then the filter's one bias.",
            ),
        },
        hints=(
            "How many weights has one filter? It is F high, F wide, D1 deep.",
            "One filter has F·F·D1 weights and one bias, and there are K.",
        ),
    )
)

add(
    Exercise(
        "06.3",
        "The rest of the table",
        tolerance=1e-9,
        wrong={
            "weights-only": Wrong(
                {"C3": 2400, "C5": 48000, "F6": 10080, "output": 840},
                "These are the weights, as in the lecture. Add one bias for each "
                "filter or neuron.",
            ),
            "flat-filters": Wrong(
                {"C3": 416},
                "C3's input is 6 maps deep, so each filter has 6·25 weights.",
            ),
            "C3-weights-only": Wrong({"C3": 2400}, "16 biases are missing in C3."),
            "one-map-flattened": Wrong(
                {"C5": 120 * 26},
                "All 16 maps are flattened, not only one: 16·5·5 = 400 numbers.",
            ),
            "not-pooled": Wrong(
                {"C5": 120 * 1601},
                "S4 halves both sides first: 16 maps of 5×5 remain.",
            ),
            "C5-one-bias": Wrong({"C5": 48001}, "Each of the 120 neurons has a bias."),
            "C5-weights-only": Wrong({"C5": 48000}, "120 biases are missing in C5."),
            "F6-weights-only": Wrong({"F6": 10080}, "84 biases are missing in F6."),
            "output-weights-only": Wrong(
                {"output": 840}, "The 10 biases of the output are missing."
            ),
        },
        hints=(
            "C3: 16 filters of 5×5, as deep as S2 has maps, and a bias each.",
            "C5: flattened, S4 is 16·5·5 = 400 numbers, each with a weight to each of "
            "120 neurons.",
            "(inputs + 1) · outputs, for all three dense layers.",
        ),
    )
)

# --- 06.4: the table of 1998 ----------------------------------------------------------


def c3_1998() -> list[list[int]]:
    """Which maps of S2 each of the 16 maps of C3 sees (LeCun et al. 1998, Table I)."""
    three = [[(k + step) % 6 for step in (0, 1, 2)] for k in range(6)]
    four = [[(k + step) % 6 for step in (0, 1, 2, 3)] for k in range(6)]
    split = [[(k + step) % 6 for step in (0, 1, 3, 4)] for k in range(3)]
    return [sorted(seen) for seen in (*three, *four, *split, range(6))]


def _count(weights, biases):
    return lambda table, F: sum(weights(s, F) for s in table) + biases(table)


add(
    Exercise(
        "06.4",
        "C3 as in 1998",
        cases=lambda: [
            case([[0]], 1),
            case([[0], [0, 1]], 1),
            case([[0, 1, 2]], 2),
            case([[1, 2], [0, 1, 2], [2]], 3),
            case([[0, 1, 2, 3, 4, 5]] * 16, 5),
            case(c3_1998(), 5),
        ],
        tolerance=1e-9,
        wrong={
            "no-bias": Wrong(
                _count(lambda s, F: F * F * len(s), lambda t: 0),
                "Each map has a bias, too.",
            ),
            "one-bias": Wrong(
                _count(lambda s, F: F * F * len(s), lambda t: 1),
                "A bias for each map of C3, not one for all.",
            ),
            "bias-for-each-connection": Wrong(
                _count(lambda s, F: (F * F + 1) * len(s), lambda t: 0),
                "A bias belongs to a map of C3, not to each connection: brackets.",
            ),
            "one-connection": Wrong(
                _count(lambda s, F: F * F + 1, lambda t: 0),
                "A map has F·F weights for each map that it sees, and it may see "
                "several.",
            ),
            "all-connected": Wrong(
                lambda table, F: len(table) * (F * F * 6 + 1),
                "That is a C3 whose maps see all six. Ask the table how many each "
                "sees.",
            ),
            "extent-once": Wrong(
                _count(lambda s, F: F * len(s) + 1, lambda t: 0),
                "A kernel is F high and F wide: F·F weights.",
            ),
        },
        hints=(
            "`len(seen)` is the number of maps that one map of C3 sees.",
            "F·F weights for each map seen, and one bias.",
        ),
    )
)

# --- 06.5: work -----------------------------------------------------------------------

add(
    Exercise(
        "06.5",
        "Multiply-adds",
        tolerance=1e-9,
        wrong={
            "parameters": Wrong(
                {"C1": 150},
                "150 weights, but each is used at every place of its filter: 28·28 "
                "times.",
            ),
            "one-filter": Wrong(
                {"C1": 19600}, "That is one filter. C1 has six of them."
            ),
            "places-of-the-input": Wrong(
                {"C1": 153600},
                "Count the places of the output, 28×28, not the pixels of the input.",
            ),
            "biases-in": Wrong(
                {"C1": 6 * 26 * 784},
                "A bias is only added. Count multiplications: weights.",
            ),
            "dense-with-biases": Wrong(
                {"C5": 48120}, "The 120 biases of C5 are added, nothing is multiplied."
            ),
            "dense-has-places": Wrong(
                {"C5": 1200000},
                "A dense layer has no places: each weight is used once for an image.",
            ),
        },
        hints=(
            "How many outputs has C1, and how many multiplications makes each?",
            "6·28·28 outputs of 25 multiplications each.",
            "C5: 120 outputs of 400 multiplications each.",
        ),
    )
)

# --- 06.6: build it -------------------------------------------------------------------


def _changed(number, change):
    """The network of an exercise, its list of layers changed."""
    return lambda: nn.Sequential(*change(list(reference(number)())))


def _each(number, kind, new):
    return _changed(
        number,
        lambda layers: [
            new() if isinstance(layer, kind) else layer for layer in layers
        ],
    )


def _ended(number, last):
    return _changed(number, lambda layers: [*layers, last])


add(
    Exercise(
        "06.6",
        "Build LeNet-5",
        cases=lambda: [case((N, 1, 32, 32)) for N in (1, 2, 3, 5, 8)],
        run=by_function("06.6"),
        shown=on_input,
        wrong={
            "stride-one": Wrong(
                _each("06.6", nn.AvgPool2d, lambda: nn.AvgPool2d(2, stride=1)),
                "A layer cannot be made, or cannot take what the one before it gives. "
                "Pooling halves both sides, a filter is as deep as there are maps "
                "before it, and C5 sees 16 maps of 5×5, flattened.",
                any_error=True,
            ),
            "max-pooling": Wrong(
                _each("06.6", nn.AvgPool2d, lambda: nn.MaxPool2d(2)),
                "The shapes are right. But this takes the largest of each window, and "
                "the mean was asked for.",
            ),
            "softmax": Wrong(
                _ended("06.6", nn.Softmax(dim=1)),
                "No softmax at the end: `cross_entropy` contains it, and would apply "
                "it to probabilities.",
            ),
            "activated-output": Wrong(
                _ended("06.6", nn.Tanh()),
                "Scores may be of any size: no tanh after the last layer.",
            ),
            "relu": Wrong(
                _each("06.6", nn.Tanh, nn.ReLU),
                "The shapes are right. But this is ReLU, and tanh was asked for.",
            ),
            "no-activation": Wrong(
                _each("06.6", nn.Tanh, nn.Identity),
                "Without activations all layers together are one linear function. "
                "Keep the tanh.",
            ),
        },
        hints=(
            "The shapes in the comments: a layer's input is the output before it.",
            "`nn.Conv2d(depth of the input, number of filters, kernel_size=F)`.",
            "C5 sees 16 maps of 5×5, flattened: 400 numbers.",
        ),
    )
)

# --- 06.7: a step of training ---------------------------------------------------------


def _learned(candidate, each: Case):
    """Losses of a few steps on a small network, and the weights after them."""
    steps, momentum, shape = each.args
    generator = torch.Generator().manual_seed(6)
    images = torch.randn(steps, 4, *shape, generator=generator)
    labels = torch.randint(3, (steps, 4), generator=generator)
    network = nn.Sequential(nn.Flatten(), nn.Linear(images[0, 0].numel(), 3))
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn(p.shape, generator=generator))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=momentum)
    losses = []
    for x, y in zip(images, labels):
        loss = candidate(network, x, y, optimizer)
        losses.append(loss.detach() if isinstance(loss, torch.Tensor) else loss)
    weights = torch.cat([p.detach().flatten() for p in network.parameters()])
    losses = torch.tensor([-1.0 if v is None else float(v) for v in losses])
    return torch.cat([losses, weights])


def _learning_cases() -> list[Case]:
    # The first optimizer of a process loads a good part of PyTorch, which may take
    # seconds: not in the learner's time.
    torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1).step()
    return [
        case(1, 0.0, (1, 1, 2)),
        case(2, 0.0, (1, 1, 2)),
        case(3, 0.0, (1, 2, 3)),
        case(3, 0.9, (1, 2, 3)),
        case(4, 0.9, (2, 3, 2)),
    ]


def _in_order(*names):
    def steps(network, images, labels, optimizer):
        loss = functional.cross_entropy(network(images), labels)
        does = {
            "zero": optimizer.zero_grad,
            "backward": loss.backward,
            "step": optimizer.step,
        }
        for name in names:
            does[name]()
        return loss.item()

    return steps


def _of_probabilities(network, images, labels, optimizer):
    loss = functional.cross_entropy(network(images).softmax(1), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


add(
    Exercise(
        "06.7",
        "One step",
        cases=_learning_cases,
        run=_learned,
        shown=lambda name, each: (
            f"{each.args[0]} × {name}(…) with momentum {each.args[1]:g}: "
            "losses, then weights"
        ),
        otherwise="Losses or weights are not those of gradient descent.",
        wrong={
            "never-zeroed": Wrong(
                _in_order("backward", "step"),
                "The gradients of earlier batches are still there: `backward` adds to "
                "them. Forget them with `zero_grad`.",
            ),
            "nothing-learned": Wrong(
                _in_order("backward", "zero", "step"),
                "No weight moves: the step finds no gradients. `zero_grad` forgets "
                "them, `backward` computes them, and only then can `step` use them.",
            ),
            "step-on-the-last-batch": Wrong(
                _in_order("step", "zero", "backward"),
                "This steps along the gradients of the batch before. First "
                "`zero_grad` and `backward` on this one, then `step`.",
            ),
            "softmax-twice": Wrong(
                _of_probabilities,
                "`cross_entropy` takes scores and contains the softmax. Give it what "
                "the network puts out.",
            ),
        },
        hints=(
            "`backward` adds to the gradients that are there. What must happen before?",
            "Forget, compute, move: `zero_grad`, `backward`, `step`.",
        ),
    )
)

# --- 06.8: the confusion matrix -------------------------------------------------------


def _confusion(labels, guesses, classes):
    return reference("06.8")(labels, guesses, classes)


def _guessing(count, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    return case(
        *(torch.randint(classes, (count,), generator=generator) for _ in "ab"), classes
    )


add(
    Exercise(
        "06.8",
        "Confusion matrix",
        cases=lambda: [
            case(torch.tensor([0]), torch.tensor([1]), 2),
            case(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), 2),
            case(torch.tensor([2, 2, 2]), torch.tensor([0, 0, 2]), 3),
            # Classes that nobody is, and nobody guesses, have rows and columns too.
            case(torch.tensor([0, 1, 0]), torch.tensor([1, 1, 0]), 4),
            _guessing(30, 4, 1),
            _guessing(200, 10, 2),
            _guessing(7, 10, 3),
        ],
        wrong={
            "transposed": Wrong(
                lambda labels, guesses, classes: _confusion(labels, guesses, classes).T,
                "Rows and columns are swapped: the row is what the digit *is*, the "
                "column what the network says.",
            ),
            "counted-once": Wrong(
                lambda labels, guesses, classes: _confusion(
                    labels, guesses, classes
                ).clamp(max=1),
                "Several images may fall into one cell: count them, `+= 1`.",
            ),
            "labels-only": Wrong(
                lambda labels, guesses, classes: _confusion(labels, labels, classes),
                "This counts the labels on the diagonal and never looks at the "
                "guesses.",
            ),
            "guesses-only": Wrong(
                lambda labels, guesses, classes: _confusion(guesses, guesses, classes),
                "This counts the guesses on the diagonal and never looks at the "
                "labels.",
            ),
            "hits-only": Wrong(
                lambda labels, guesses, classes: torch.diag(
                    _confusion(labels, guesses, classes).diagonal()
                ),
                "The mistakes are missing: they stand off the diagonal.",
            ),
        },
        hints=(
            "Row: the label. Column: the guess.",
            "`counts[label, guess]` gets one more.",
        ),
    )
)

# --- 06.9: dropout --------------------------------------------------------------------


def _mask(p, *shape, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator)
    return x, (torch.rand(*shape, generator=generator) >= p).float(), p


add(
    Exercise(
        "06.9",
        "Dropout",
        cases=lambda: [
            case(torch.ones(4), torch.tensor([1.0, 0, 1, 0]), 0.5, True),
            case(torch.ones(4), torch.tensor([1.0, 0, 1, 0]), 0.5, False),
            case(torch.ones(5), torch.tensor([1.0, 1, 0, 1, 1]), 0.2, True),
            case(*_mask(0.2, 3, 4, seed=1), True),
            case(*_mask(0.75, 2, 3, 4, seed=2), True),
            case(*_mask(0.75, 2, 3, 4, seed=3), False),
            case(torch.ones(3), torch.ones(3), 0.0, True),
        ],
        wrong={
            "not-scaled": Wrong(
                lambda x, kept, p, training: x * kept if training else x,
                "The mean shrinks to 1 − p of what it was. Scale up what is left.",
            ),
            "divided-by-p": Wrong(
                lambda x, kept, p, training: x * kept / p if training else x,
                "A part of 1 − p is kept, so that is what to divide by. (At p = 0.5 "
                "nobody notices.)",
            ),
            "scaled-in-eval": Wrong(
                lambda x, kept, p, training: x * kept / (1 - p) if training else x * p,
                "In evaluation x stays as it is: the scale was put right in training.",
            ),
            "always-on": Wrong(
                lambda x, kept, p, training: x * kept / (1 - p),
                "In evaluation nothing is dropped: the answer should not be random.",
            ),
            "scaled-down": Wrong(
                lambda x, kept, p, training: x * kept * (1 - p) if training else x,
                "That makes the mean smaller still. What is kept must grow: divide.",
            ),
            "modes-swapped": Wrong(
                lambda x, kept, p, training: x if training else x * kept / (1 - p),
                "The other way round: dropping is for training.",
            ),
        },
        hints=(
            "`x * kept` is zero where nothing is kept.",
            "Of 10 ones, 10 · (1 − p) are left. By what do you divide them to get the "
            "sum 10 again?",
        ),
    )
)

# --- 06.10 and 06.11: the practice session --------------------------------------------

add(
    Exercise(
        "06.10",
        "Shapes, the PyTorch way",
        wrong={
            "one-channel-filter": Wrong(
                {"weight": (1, 1, 5, 5)},
                "A filter is as deep as its input, and the image has 3 channels.",
            ),
            "channels-swapped": Wrong(
                {"weight": (3, 1, 5, 5)},
                "(K, D1, F, F): first the number of filters, 1, then their depth, 3.",
            ),
            "no-batch-axis": Wrong(
                {"one_image": (1, 28, 28)},
                "A batch of one image is still a batch: four axes, (N, C, H, W).",
            ),
            "map-for-each-colour": Wrong(
                {"one_image": (1, 3, 28, 28)},
                "One filter gives one map, whatever the depth of its input.",
            ),
            "stride-forgotten": Wrong(
                {"batch": (128, 16, 28, 28)}, "With stride 2, 28 become 14."
            ),
            "rounded-up": Wrong(
                {"batch": (128, 16, 15, 15)},
                "(28 − 3 + 2)/2 = 13.5 is rounded down to 13 moves, then add 1.",
            ),
            "one-short": Wrong(
                {"batch": (128, 16, 13, 13)}, "13 moves, and the first place."
            ),
            "batch-flattened": Wrong(
                {"flat": (401408,)},
                "The batch axis stays: each image is flattened by itself.",
            ),
            "per-map": Wrong(
                {"flat": (128, 16, 196)},
                "`nn.Flatten` makes one row for each image, of all maps: 16·14·14.",
            ),
        },
        hints=(
            "Weights are (K, D1, F, F), images and maps (N, C, H, W).",
            "N never changes: each image is treated by itself.",
            "Flattened: 16·14·14 numbers for each image.",
        ),
    )
)


def _dropped_scores(layers):
    kept = [layer for layer in layers if not isinstance(layer, nn.Dropout)]
    return [*kept, nn.Dropout(0.5)]


add(
    Exercise(
        "06.11",
        "The simple CNN",
        cases=lambda: [case((N, 1, 28, 28)) for N in (1, 2, 3, 5, 8)],
        run=by_function("06.11", scales=(1, 10)),  # at 10, ReLU6 is not ReLU
        shown=on_input,
        wrong={
            "sizes-do-not-fit": Wrong(
                _each("06.11", nn.Linear, lambda: nn.Linear(32 * 7 * 7, 10)),
                "A layer cannot be made, or cannot take what the one before it gives. "
                "28 → 24 → 12 → 8 → 4: the last one sees 32 maps of 4×4, flattened, "
                "and a filter is as deep as there are maps before it.",
                any_error=True,
            ),
            "mean-pooling": Wrong(
                _each("06.11", nn.MaxPool2d, lambda: nn.AvgPool2d(2)),
                "The shapes are right. But this takes the mean of each window, and "
                "the largest was asked for.",
            ),
            "no-dropout": Wrong(
                _each("06.11", nn.Dropout, nn.Identity),
                "In evaluation it is right. In training half of the features should "
                "be dropped.",
            ),
            "dropped-scores": Wrong(
                _changed("06.11", _dropped_scores),
                "The scores themselves are dropped here. Drop the features before the "
                "last layer.",
            ),
            "softmax": Wrong(
                _ended("06.11", nn.Softmax(dim=1)),
                "No softmax at the end: `cross_entropy` contains it.",
            ),
            "tanh": Wrong(
                _each("06.11", nn.ReLU, nn.Tanh),
                "The shapes are right. But this is tanh, and ReLU was asked for.",
            ),
        },
        hints=(
            "A convolution's input depth is the number of maps before it.",
            "Each 5×5 takes off 4 pixels, each pooling halves.",
            "32 maps of 4×4 are 512 features.",
        ),
    )
)

# --- 06.12: on a device ---------------------------------------------------------------


# These take tensors of both devices.
_ACROSS = Tensor.copy_, Tensor.__getitem__, torch._has_compatible_shallow_copy_type


class PretendedGPU(TorchFunctionMode):
    """Within it, whatever is moved to "cuda" says that it is there; no GPU is needed.

    All stays in the CPU's memory. What computes with tensors of both devices stops with
    PyTorch's words; single numbers may be mixed, as in PyTorch.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu):
            return _moved(func, *args, **kwargs)
        if func is torch._C._nn._parse_to:  # reads what `network.to` was told
            return func(*args, **kwargs)
        if func is Tensor.__iter__:
            return iter(self.__torch_function__(Tensor.unbind, types, args))
        if func in _ACROSS:
            return _placed(func(*args, **kwargs), _place(args[0]))
        if func == Tensor.data.__set__:  # how a network moves its parameters
            args[0].place = _place(args[1])
            return func(*args)
        place = _common_place(args, kwargs)
        if func == Tensor.device.__get__:
            return torch.device(place)
        if func in (Tensor.numpy, Tensor.__array__) and place == "cuda":
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        place = _type(kwargs.pop("device", None)) or place
        return _placed(func(*args, **kwargs), place)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _place(tensor: Tensor) -> str:
    return getattr(tensor, "place", "cpu")


def _placed(value: Any, place: str) -> Any:
    for tensor in _tensors(value):
        tensor.place = place
    return value


def _type(device: Any) -> str:
    return torch.device(device).type if device is not None else ""


def _moved(func: Any, tensor: Tensor, *told: Any, **named: Any) -> Tensor:
    """What `to`, `cuda` and `cpu` do, in all the ways to call them."""
    place, dtype = _place(tensor), tensor.dtype
    for value in (*told, *named.values()):
        if isinstance(value, Tensor):
            place, dtype = _place(value), value.dtype
        elif isinstance(value, torch.dtype):
            dtype = value
        elif isinstance(value, str | torch.device) and func is Tensor.to:
            place = _type(value)
    place = {Tensor.cuda: "cuda", Tensor.cpu: "cpu"}.get(func, place)
    if (place, dtype) == (_place(tensor), tensor.dtype):
        return tensor
    return _placed(tensor.to(dtype, copy=True), place)


def _common_place(args: tuple, kwargs: dict) -> str:
    """Where a function computes, if all that it needs lies there."""
    tensors = list(_tensors([args, list(kwargs.values())]))
    places = {_place(t) for t in tensors if t.ndim} or {_place(t) for t in tensors}
    if len(places) < 2:
        return places.pop() if places else "cpu"
    kinds = {"cpu": "torch.FloatTensor", "cuda": "torch.cuda.FloatTensor"}
    weights = [t for t in tensors if isinstance(t, nn.Parameter)]
    if weights:
        images, weight = (kinds.get(_place(t)) for t in (tensors[0], weights[0]))
        raise RuntimeError(
            f"Input type ({images}) and weight type ({weight}) should be the same"
        )
    raise RuntimeError(
        "Expected all tensors to be on the same device, but found at least two "
        "devices, cuda:0 and cpu!"
    )


def _tested(candidate, each: Case):
    """What a candidate says of a small network; where it computed, if elsewhere."""
    sizes, device, start = each.args
    used = set()
    with torch.random.fork_rng(devices=[]), PretendedGPU():
        torch.random.default_generator.manual_seed(3)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(16, 3)
        )
        network.register_forward_hook(lambda *seen: used.add(seen[2].device.type))
        batches = [(torch.randn(N, 1, 3, 3), torch.randint(3, (N,))) for N in sizes]
        network.to(start)
        value = candidate(network, batches, torch.device(device))
    if isinstance(value, Tensor) and _place(value) == "cuda":
        return f"a tensor on cuda:0, {describe(value)}"
    if value is not None and used - {device}:
        return f"{describe(value)}, computed on the {' and the '.join(sorted(used))}"
    return value


def _scored(
    there=lambda x, device: x.to(device),
    images=None,
    labels=None,
    network=None,
    mode=nn.Module.eval,
    result=lambda hits, sizes: sum(hits).item() / sum(sizes),
):
    """An answer to 06.12; each of its parts may be another."""

    def accuracy_of(net, batches, device):
        net, hits, sizes = mode((network or there)(net, device)), [], []
        for x, y in batches:
            x, y = (images or there)(x, device), (labels or there)(y, device)
            hits.append((net(x).argmax(1) == y).sum())
            sizes.append(len(y))
        return result(hits, sizes)

    return accuracy_of


def _left(x, device):
    return x


add(
    Exercise(
        "06.12",
        "Accuracy, on a device",
        cases=lambda: [
            case((4,), "cpu", "cpu"),
            case((6, 2), "cpu", "cpu"),
            case((5, 5, 3), "cuda", "cpu"),
            case((8, 1), "cuda", "cuda"),
            case((7, 2, 2), "cpu", "cuda"),
        ],
        run=_tested,
        shown=lambda name, each: (
            f"{name}(network on {each.args[2]}, batches on cpu of "
            f"{', '.join(map(str, each.args[0]))} images, {each.args[1]!r})"
        ),
        wrong={
            "images-left": Wrong(
                _scored(images=_left),
                "The images are still on the CPU, the weights on the GPU. "
                "`images.to(device)` gives a copy that is there: give it a name, "
                "`images = images.to(device)`.",
            ),
            "labels-left": Wrong(
                _scored(labels=_left),
                "The guesses are on the GPU, and the labels still on the CPU. To "
                "compare them, move the labels, too: `labels = labels.to(device)`.",
            ),
            "network-left": Wrong(
                _scored(network=_left),
                "The images are on the device, and the network may still be "
                "elsewhere. Move it, too; it is moved itself, not copied.",
            ),
            "nothing-moved": Wrong(
                _scored(there=_left),
                "Nothing is moved here, so this works only where all happens to lie "
                "in one place. Network, images and labels: three to move.",
            ),
            "on-the-cpu": Wrong(
                _scored(there=lambda x, device: x.to("cpu")),
                "The number is right, but it was not computed on `device`. Move "
                "everything there, wherever that is.",
            ),
            "always-on-a-gpu": Wrong(
                _scored(there=lambda x, device: x.to("cuda")),
                'The number is right, but "cuda" is written here, and `device` is not '
                "always that: many computers have no GPU.",
            ),
            "in-percent": Wrong(
                _scored(result=lambda hits, sizes: 100 * sum(hits).item() / sum(sizes)),
                "That is in percent. A part of all images is between 0 and 1.",
            ),
            "errors-counted": Wrong(
                _scored(result=lambda hits, sizes: 1 - sum(hits).item() / sum(sizes)),
                "That is the part that is *wrong*. Count the guesses that equal their "
                "labels.",
            ),
            "tensor-returned": Wrong(
                _scored(result=lambda hits, sizes: sum(hits) / sum(sizes)),
                "This is a tensor, and still on the GPU. `.item()` fetches the number "
                "from there.",
            ),
            "still-training": Wrong(
                _scored(mode=lambda network: network),
                "Dropout still drops. Call `network.eval()` before you test.",
            ),
            "mean-of-batches": Wrong(
                _scored(
                    result=lambda hits, sizes: (
                        sum(right.item() / size for right, size in zip(hits, sizes))
                        / len(sizes)
                    )
                ),
                "The mean of the batches' accuracies gives an image of a small batch "
                "more weight. Count over all batches, then divide once.",
            ),
            "not-divided": Wrong(
                _scored(result=lambda hits, sizes: sum(hits).item()),
                "That is how many are right. Divide by the number of images.",
            ),
            "divided-by-batches": Wrong(
                _scored(result=lambda hits, sizes: sum(hits).item() / len(sizes)),
                "Divide by the number of images, not of batches.",
            ),
            "first-batch-only": Wrong(
                _scored(result=lambda hits, sizes: hits[0].item() / sizes[0]),
                "Only the first batch counts here. Is the `return` inside the loop?",
            ),
            "last-batch-only": Wrong(
                _scored(result=lambda hits, sizes: hits[-1].item() / sizes[-1]),
                "Only the last batch counts here. Start the counts before the loop, "
                "and add to them in it: `+=`.",
            ),
        },
        hints=(
            "Three things have to lie on the device: the network, the images, and the "
            "labels that the guesses are compared with.",
            "A network is moved itself, by `network.to(device)`; of a tensor you get a "
            "copy, `images.to(device)`.",
            "`network.eval()` switches dropout off.",
        ),
    )
)
