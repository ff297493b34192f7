"""Checks: practice, a ResNet for CIFAR-10."""

from functools import cache, partial

import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference
from helpers.exercises.modules import by_function, on_input
from helpers.networks import ResidualBlock


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 12.1: the constants --------------------------------------------------------------


def _photographs(N, C, H, W, seed):
    """Channels and images of different brightness, so that each axis matters."""
    pixels = 128 + 30 * _random(N, C, H, W, seed=seed)
    pixels += 40 * _random(N, 1, 1, 1, seed=seed + 1)
    pixels += 20 * torch.arange(C)[:, None, None] + torch.arange(W)
    return case(pixels.round().clamp(0, 255))


def _over(*dims):
    def over(pixels):
        pixels = pixels / 255
        return pixels.mean(dim=dims), pixels.std(dim=dims)

    return over


def _each_image(pixels):
    pixels = pixels / 255
    return pixels.mean(dim=(0, 2, 3)), pixels.std(dim=(2, 3)).mean(dim=0)


def _each_pixel(pixels):
    pixels = pixels / 255
    return pixels.mean(dim=(0, 2, 3)), pixels.std(dim=0).mean(dim=(1, 2))


add(
    Exercise(
        "12.1",
        "The constants",
        # So many pixels that dividing by n or by n − 1 makes no difference.
        cases=lambda: [
            _photographs(40, 1, 6, 9, seed=1),
            _photographs(50, 3, 8, 5, seed=2),
            _photographs(200, 3, 4, 4, seed=3),
            _photographs(60, 2, 5, 7, seed=4),
            _photographs(80, 4, 3, 8, seed=5),
        ],
        tolerance=5e-4,
        wrong={
            "not-divided": Wrong(
                lambda pixels: (pixels.mean(dim=(0, 2, 3)), pixels.std(dim=(0, 2, 3))),
                "These are for pixels from 0 to 255. Divide by 255 first.",
            ),
            "divided-by-256": Wrong(
                lambda pixels: tuple(v * 255 / 256 for v in reference("12.1")(pixels)),
                "White is 255, and should become 1.",
            ),
            "all-channels-together": Wrong(
                _over(0, 1, 2, 3),
                "One mean for everything. Each channel, red, green and blue, has its "
                "own: not over axis 1.",
            ),
            "each-pixel": Wrong(
                _over(0),
                "That is a mean for each pixel of each channel: a mean image. Go over "
                "rows and columns, too.",
            ),
            "each-image-has-its-own": Wrong(
                _over(2, 3),
                "That is a mean for each image. The constants are the same for all: "
                "over axis 0, too.",
            ),
            "rows-of-channels": Wrong(
                _over(0, 1), "Axis 1 holds the channels. Keep it, and go over the rest."
            ),
            "std-of-each-image": Wrong(
                _each_image,
                "The mean is right. This deviation is that inside an image, averaged; "
                "that images differ from each other is left out.",
            ),
            "std-of-each-pixel": Wrong(
                _each_pixel,
                "The mean is right. The deviation is over all pixels at once, not "
                "averaged over places.",
            ),
            "variance": Wrong(
                lambda pixels: (
                    reference("12.1")(pixels)[0],
                    (pixels / 255).var(dim=(0, 2, 3)),
                ),
                "That is the variance; its root is the standard deviation.",
            ),
        },
        hints=(
            "Which axis of (N, C, H, W) should be left? Average over all the others.",
            "`dim=(0, 2, 3)`: images, rows and columns.",
        ),
    )
)

# --- 12.2 and 12.3: crops -------------------------------------------------------------


def _numbers(C, H, W, *rest):
    return case(torch.arange(1.0, C * H * W + 1).view(C, H, W), *rest)


def _not_padded(image, top, left, P=4):
    _, H, W = image.shape
    return image[:, top : top + H, left : left + W]


def _until(image, top, left, P=4):
    _, H, W = image.shape
    return functional.pad(image, (P, P, P, P))[:, top:H, left:W]


def _repeated(image, top, left, P=4):
    _, H, W = image.shape
    padded = functional.pad(image[None], (P, P, P, P), mode="replicate")[0]
    return padded[:, top : top + H, left : left + W]


add(
    Exercise(
        "12.2",
        "Crop",
        cases=lambda: [
            _numbers(1, 2, 2, 1, 1, 1),
            _numbers(1, 2, 2, 0, 1, 1),
            _numbers(1, 2, 3, 0, 2, 1),
            _numbers(2, 4, 3, 3, 1, 2),
            _numbers(3, 5, 7, 4, 4),
            _numbers(3, 5, 7, 8, 0),
            _numbers(3, 6, 5, 1, 7),
            _numbers(2, 2, 3, 8, 8),
        ],
        wrong={
            "not-padded": Wrong(
                _not_padded, "Nothing was padded: near the border rows are missing."
            ),
            "padding-is-always-4": Wrong(
                lambda image, top, left, P=4: reference("12.2")(image, top, left, 4),
                "Use P; it need not be 4.",
            ),
            "rows-and-columns-swapped": Wrong(
                lambda image, top, left, P=4: reference("12.2")(image, left, top, P),
                "`top` is a row, and rows come first: (C, H, W).",
            ),
            "end-not-moved": Wrong(
                _until,
                "A cut from `top` to H gets shorter, the further down it begins. It "
                "ends H rows below `top`.",
            ),
            "counted-from-the-image": Wrong(
                lambda image, top, left, P=4: reference("12.2")(
                    image, top + P, left + P, P
                ),
                "This begins P rows and columns too late. Zeros stand above and left, "
                "too: count from the corner of the *padded* image.",
            ),
            "border-repeated": Wrong(
                _repeated, "The padding should be zeros, not the border once more."
            ),
            "centre-always": Wrong(
                lambda image, top, left, P=4: image,
                "That is the image as it was: `top` and `left` should move it.",
            ),
        },
        hints=(
            "`functional.pad` takes (left, right, above, below).",
            "H rows from `top` on end before row `top + H`.",
        ),
    )
)

add(
    Exercise(
        "12.3",
        "How many?",
        tolerance=1e-9,
        wrong={
            "not-mirrored": Wrong(
                {"versions": 81}, "81 places; and each of them mirrored as well."
            ),
            "one-direction": Wrong(
                {"versions": 18}, "9 rows *and* 9 columns to begin at."
            ),
            "eight-places": Wrong(
                {"versions": 128},
                "From 0 to 8 there are nine places to begin at, in each direction.",
            ),
            "padding-only": Wrong(
                {"versions": 32},
                "By up to 4 pixels up *or* down, or not at all: nine places.",
            ),
            "added": Wrong(
                {"versions": 20}, "Rows and columns are chosen independently: multiply."
            ),
            "rounded-down": Wrong(
                {"steps": 390},
                "390 batches of 128 are 49 920 images. Some are left, which also "
                "make a step.",
            ),
            "not-whole": Wrong({"steps": 390.625}, "A part of a batch is a step, too."),
            "full-batch": Wrong(
                {"last": 128}, "128 does not divide 50 000: the last batch is smaller."
            ),
            "what-is-lacking": Wrong(
                {"last": 48}, "48 are lacking. How many are there?"
            ),
        },
        hints=(
            "Padded there are 40 rows. At how many can a cut of 32 rows begin?",
            "9·9 places, each mirrored or not.",
            "50 000 / 128 = 390.625: 390 full batches, and the rest.",
        ),
    )
)

# --- 12.13 and 12.14: the class's pipeline --------------------------------------------

_DRAWS = 100  # an outermost of nine places is missed in one of 30 000 answers
_BLUE = 200  # of all pixels; red tells the row, green the column


@cache
def _picture():
    rows, columns = torch.meshgrid(*[torch.arange(32)] * 2, indexing="ij")
    blue = torch.full((32, 32), _BLUE)
    pixels = torch.stack([20 + 5 * rows, 20 + 5 * columns, blue], dim=2)
    return Image.fromarray(pixels.to(torch.uint8).numpy())


def _run(start, end):
    return f"by {start}" if start == end else f"by {start} to {end}"


def _differs(image, other):
    both = isinstance(image, torch.Tensor) and isinstance(other, torch.Tensor)
    return not both or not torch.equal(image, other)


def _done(transform, mean, std):
    """What a transform does to a picture, in words."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            seen = [transform(_picture().copy()) for _ in range(20)]
            if any(_differs(image, seen[0]) for image in seen):  # random: look again
                seen += [transform(_picture().copy()) for _ in range(_DRAWS - 20)]
        except TypeError as problem:
            if "ensor" not in str(problem):
                raise
            return "it stops: normalised before it is a tensor"
    if not all(isinstance(image, torch.Tensor) for image in seen):
        return f"no tensor, but {type(seen[0]).__name__}"
    shape = "×".join(map(str, seen[0].shape))
    if shape != "3×32×32":
        return f"{shape} numbers"
    seen = torch.stack(seen).double()  # (draws, 3, 32, 32)
    middle = seen[:, :, 12:20, 12:20]  # never padded, unless by more than 12
    mean, std = (torch.tensor(each).double()[:, None, None] for each in (mean, std))
    numbers = {  # and how to make them numbers from 0 to 1
        "normalised": lambda x: x * std + mean,
        "from 0 to 1, not normalised": lambda x: x,
        "from 0 to 255": lambda x: x / 255,
        "divided by std, the mean not subtracted": lambda x: x * std,
        "normalised with mean and std exchanged": lambda x: x * mean + std,
    }
    fits = [
        (kind, undo)
        for kind, undo in numbers.items()
        if (undo(middle)[:, 2] * 255 - _BLUE).abs().max() < 0.1
    ]
    if not fits:
        return (
            f"normalised in another way: blue {_BLUE} becomes {middle[0, 2, 0, 0]:.3f}"
        )
    kind, undo = fits[0]
    pixels = undo(middle) * 255
    red, green = ((pixels[:, k] - 20) / 5 for k in (0, 1))  # row and column, from where
    words = []
    upside = red[:, 1, 0] < red[:, 0, 0]
    mirrored = green[:, 0, 1] < green[:, 0, 0]
    for name, axis, turned in (("down", red, upside), ("across", green, mirrored)):
        start = torch.where(turned, 31 - axis[:, 0, 0], axis[:, 0, 0])
        moved = (12 - start).round().long().unique().tolist()
        words.append(f"moved {name} {_run(moved[0], moved[-1])}")
    for name, turned in (("mirrored", mirrored), ("upside down", upside)):
        share = turned.double().mean().item()
        often = "never" if share == 0 else "always" if share == 1 else "now and then"
        often = "half of the time" if 0.3 < share < 0.7 else often
        words.append(f"{name} {often}")
    border = undo(seen)[:, 2] * 255  # blue: elsewhere all the same
    strange = border[(border - _BLUE).abs() > 0.1]
    if len(strange):
        black = strange.abs().max() < 0.1
        words.append("black where it was padded" if black else "a border that is grey")
    return ", ".join([*words, kind])


def _pair(value):
    """Two things, in a tuple or a list, or None."""
    return value if isinstance(value, tuple | list) and len(value) == 2 else None


def _both(candidate, each: Case):
    mean, std = each.args
    steps = candidate(*each.args)
    if not _pair(steps):
        return f"no pair, for training and test, but {type(steps).__name__}"
    train, test = steps
    return f"train: {_done(train, mean, std)}; test: {_done(test, mean, std)}"


def _composed(train, test):
    """Two lists of names of transforms → that answer."""

    def make(mean, std):
        known = {
            "crop": transforms.RandomCrop(32, padding=4),
            "flip": transforms.RandomHorizontalFlip(),
            "tensor": transforms.ToTensor(),
            "normalise": transforms.Normalize(mean, std),
        }
        return tuple(
            transforms.Compose([known.get(name, name) for name in names])
            for names in (train, test)
        )

    return make


_TEST = "tensor", "normalise"
_TRAIN = "crop", "flip", *_TEST
_CIFAR = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)

add(
    Exercise(
        "12.13",
        "The pipeline",
        cases=lambda: [
            case(*_CIFAR),
            case((0.1, 0.6, 0.45), (0.3, 0.15, 0.2)),
        ],
        run=_both,
        wrong={
            "nothing-random": Wrong(
                _composed(_TEST, _TEST),
                "Training images are neither moved nor mirrored: it is the test's "
                "pipeline twice.",
            ),
            "random-in-the-test": Wrong(
                _composed(_TRAIN, _TRAIN),
                "The test moves and mirrors its images too: another number each time.",
            ),
            "exchanged": Wrong(
                _composed(_TEST, _TRAIN),
                "Exchanged: the first is for training, and there images are moved and "
                "mirrored.",
            ),
            "padded-after-normalising": Wrong(
                _composed((*_TEST, "crop", "flip"), _TEST),
                "The border is grey. Padding adds zeros, and after normalising zero is "
                "no longer black but the mean: move first.",
            ),
            "normalised-before-a-tensor": Wrong(
                _composed(("crop", "flip", *_TEST[::-1]), _TEST[::-1]),
                "`Normalize` computes with tensors: `ToTensor` stands before it.",
            ),
            "not-mirrored": Wrong(
                _composed(("crop", *_TEST), _TEST),
                "Nothing is ever mirrored in training: `RandomHorizontalFlip`.",
            ),
            "not-moved": Wrong(
                _composed(("flip", *_TEST), _TEST),
                "Training images are mirrored, and never moved. 32×32 can be cut out "
                "of 32×32 at one place only: `padding=4`.",
            ),
            "padding-8": Wrong(
                _composed((transforms.RandomCrop(32, 8), "flip", *_TEST), _TEST),
                "`padding` is on *each* side: 8 moves by up to 8 pixels.",
            ),
            "padding-2": Wrong(
                _composed((transforms.RandomCrop(32, 2), "flip", *_TEST), _TEST),
                "`padding` is on *each* side, and 4 there: 2 moves by 2 pixels only.",
            ),
            "upside-down": Wrong(
                _composed(("crop", transforms.RandomVerticalFlip(), *_TEST), _TEST),
                "That turns images upside down. Mirror them left to right.",
            ),
            "always-mirrored": Wrong(
                _composed(
                    ("crop", transforms.RandomHorizontalFlip(1.0), *_TEST), _TEST
                ),
                "All are mirrored: the network would never see them as they are.",
            ),
            "test-not-normalised": Wrong(
                _composed(_TRAIN, ("tensor",)),
                "Test images are not normalised: the network would get numbers unlike "
                "those it learned from.",
            ),
            "never-normalised": Wrong(
                _composed(("crop", "flip", "tensor"), ("tensor",)),
                "Numbers are from 0 to 1, and not normalised.",
            ),
            "mean-and-std-exchanged": Wrong(
                lambda mean, std: _composed(_TRAIN, _TEST)(std, mean),
                "`Normalize` takes the mean first, then the deviation.",
            ),
            "own-constants": Wrong(
                lambda mean, std: _composed(_TRAIN, _TEST)(*_CIFAR),
                "The constants of CIFAR-10 are written here. Use `mean` and `std`: "
                "other images have others.",
            ),
            "one-half": Wrong(
                lambda mean, std: _composed(_TRAIN, _TEST)((0.5,) * 3, (0.5,) * 3),
                "0.5 for all is a makeshift, from 0…1 to −1…1. Use `mean` and `std`.",
            ),
            "size-and-padding-exchanged": Wrong(
                _composed((transforms.RandomCrop(4, 32), "flip", *_TEST), _TEST),
                "4×4 pixels are left: first the size that is cut out, 32, then the "
                "padding.",
            ),
            "too-small": Wrong(
                _composed((transforms.RandomCrop(28, 4), "flip", *_TEST), _TEST),
                "28×28 pixels come out. Padded to 40, an image is cut to 32 again.",
            ),
            "also-upside-down": Wrong(
                _composed(
                    ("crop", "flip", transforms.RandomVerticalFlip(), *_TEST), _TEST
                ),
                "Left to right is right. But these are turned upside down, too, as "
                "photographs are not.",
            ),
            "one-only": Wrong(
                lambda mean, std: _composed(_TRAIN, _TEST)(mean, std)[0],
                "One pipeline comes back, and two are asked for: for training, and "
                "for the test.",
            ),
            "no-tensor": Wrong(
                _composed(("crop", "flip"), ()),
                "These are pictures still: `ToTensor` makes numbers from 0 to 1 of "
                "them, channels first.",
            ),
        },
        hints=(
            "Which two are random? They are for training only.",
            "Padding is black as long as zero is black: before anything is normalised.",
            "Lists are joined by `+`: first move, then make numbers of it.",
        ),
    )
)


def _order(loader, count):
    """How a loader goes through its images, in words."""
    epochs = []
    for _ in range(2):
        sizes, seen = [], []
        for images, labels in loader:
            sizes.append(len(images))
            seen += [int(i) for i in images[:, 0]]
            if images[:, 0].tolist() != labels.tolist():
                return "images with the labels of others"
        epochs.append(seen)
    words = [f"batches of {', '.join(map(str, dict.fromkeys(sizes)))}"]
    if sorted(epochs[0]) != list(range(count)):
        words.append(f"{len(set(epochs[0]))} of {count} images")
    kind = "in a new order each epoch"
    if epochs[0] == epochs[1]:
        kind = "in order" if epochs[0] == sorted(epochs[0]) else "in one mixed order"
    return ", ".join([*words, kind])


def _loaded(candidate, each: Case):
    counts = each.args[:2]
    sets = [
        TensorDataset(torch.arange(float(n))[:, None], torch.arange(n)) for n in counts
    ]
    made = {asked: candidate(*sets, workers=asked) for asked in (0, each.args[2])}
    for loaders in made.values():
        if not _pair(loaders):
            return f"no pair of loaders, but {type(loaders).__name__}"
    told = [f"{n} workers asked for: {_workers(made[n], n)}" for n in made]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for name, loader, count in zip(("train", "test"), made[0], counts):
            told.append(f"{name}: {_order(loader, count)}")
    return "; ".join(told)


def _workers(loaders, asked):
    """How many each has. Without any from now on: none is started for a check."""
    found = [getattr(loader, "num_workers", asked) for loader in loaders]
    for loader in loaders:
        if isinstance(loader, DataLoader):
            loader.num_workers = 0
    return " and ".join(map(str, found))


def _of(**settings):
    """An answer with other settings: each for both loaders, or a pair."""

    def make(train, test, workers=0):
        known = {"batch_size": 128, "shuffle": (True, False), "num_workers": workers}
        known |= settings
        return tuple(
            DataLoader(
                images,
                **{k: v[n] if isinstance(v, tuple) else v for k, v in known.items()},
            )
            for n, images in enumerate((train, test))
        )

    return make


add(
    Exercise(
        "12.14",
        "The loaders",
        cases=lambda: [case(300, 200, 2), case(257, 130, 1), case(500, 128, 2)],
        run=_loaded,
        shown=lambda name, each: "{}(train, test, workers), {} and {} images".format(
            name, *each.args
        ),
        wrong={
            "not-shuffled": Wrong(
                _of(shuffle=False),
                "Training images come in the same order in each epoch. Then all that "
                "lie side by side always make a batch: shuffle them.",
            ),
            "test-shuffled": Wrong(
                _of(shuffle=True),
                "The test is shuffled too. That costs nothing in accuracy, but then "
                "scores are not in the order of the test images any more.",
            ),
            "exchanged": Wrong(
                _of(shuffle=(False, True)),
                "Exchanged: training images are shuffled, test images are not.",
            ),
            "one-by-one": Wrong(
                _of(batch_size=1), "One image at a time. A batch has 128."
            ),
            "one-batch": Wrong(
                _of(batch_size=(128, 10**6)),
                "The test comes in one batch, whatever its size: too much for a GPU's "
                "memory some day. 128, too.",
            ),
            "last-training-batch-dropped": Wrong(
                _of(drop_last=(True, False)),
                "Training images that do not fill a batch are left out.",
            ),
            "test-images-twice": Wrong(
                lambda train, test, workers=0: _of()(test, test, workers),
                "The first loader has the test images: the network would learn what it "
                "is tested on.",
            ),
            "workers-of-ones-own": Wrong(
                lambda train, test, workers=0: _of()(train, test, 2),
                "There are 2 workers, however many are asked for: `workers`.",
            ),
            "one-only": Wrong(
                lambda train, test, workers=0: _of()(train, test, workers)[0],
                "One loader comes back, and two are asked for: for training, and for "
                "the test.",
            ),
            "last-batch-dropped": Wrong(
                _of(drop_last=True),
                "Images that do not fill a batch are left out, in the test as well.",
            ),
            "training-images-twice": Wrong(
                lambda train, test, workers=0: _of()(train, train, workers),
                "The second loader has the training images, too: that is no test.",
            ),
            "workers-ignored": Wrong(
                lambda train, test, workers=0: _of()(train, test, 0),
                "`workers` has no effect: it should become `num_workers`.",
            ),
        },
        hints=(
            "Which of the two needs a new order in each epoch?",
            "`shuffle=True` for training, `shuffle=False` for the test.",
        ),
    )
)

# --- 12.4: shapes ---------------------------------------------------------------------

add(
    Exercise(
        "12.4",
        "Shapes, backwards",
        tolerance=1e-9,
        wrong={
            "difference": Wrong(
                {"F": 4}, "32 − F + 1 = 28: without padding F − 1 pixels are lost."
            ),
            "three": Wrong({"F": 3}, "3×3 takes off two pixels, and four are missing."),
            "no-padding": Wrong(
                {"P": 0}, "⌊(32 − 3)/2⌋ + 1 = 15: one is missing. Pad."
            ),
            "half-of-F-rounded-up": Wrong(
                {"P": 2}, "⌊(32 − 3 + 4)/2⌋ + 1 = 17: one too many."
            ),
            "channels-swapped": Wrong(
                {"weight": (16, 32, 3, 3)},
                "(K, D1, F, F): first the number of filters, then their depth.",
            ),
            "batch-in-weight": Wrong(
                {"weight": (128, 32, 3, 3)},
                "Weights know nothing of the batch: 32 filters, 16 deep.",
            ),
            "sides-in-weight": Wrong(
                {"weight": (32, 16, 16, 16)},
                "A filter is as large as its kernel, 3×3, whatever the image.",
            ),
            "rounded-down": Wrong(
                {"output": (128, 64, 7, 7)},
                "⌊(15 − 1)/2⌋ + 1: seven moves, and the first place.",
            ),
            "sides-kept": Wrong(
                {"output": (128, 64, 15, 15)},
                "1×1 alone keeps the sides. Stride 2 takes every second pixel.",
            ),
            "not-halved-exactly": Wrong(
                {"output": (128, 64, 7.5, 7.5)}, "Pixels are whole: ⌊(15 − 1)/2⌋ + 1."
            ),
            "channels-kept": Wrong(
                {"output": (128, 32, 8, 8)}, "64 filters give 64 channels."
            ),
        },
        hints=(
            "W2 = ⌊(W1 − F + 2P)/S⌋ + 1, solved for what is asked.",
            "2: (32 − 3 + 2P)/2, rounded down, should be 15.",
            "3: pixels 0, 2, 4, … of 15: how many?",
        ),
    )
)

# --- 12.5: the block ------------------------------------------------------------------


def _restrided(first, second):
    """The lesson's block, but these of its two convolutions stride."""

    def make(C1, C2, stride):
        block = reference("12.5")(C1, C2, stride)
        for conv, strides in ((block.conv1, first), (block.conv2, second)):
            conv.stride = (stride if strides else 1,) * 2
        return block

    return make


def _joined(join):
    """The lesson's block, but H(x) = join(F(x), x, stride)."""

    def make(C1, C2, stride):
        block = reference("12.5")(C1, C2, stride)

        def forward(x):
            out = functional.relu(block.norm1(block.conv1(x)))
            return join(block.norm2(block.conv2(out)), x, stride)

        block.forward = forward
        return block

    return make


def _early(out, x, stride):
    return functional.relu(out) + _widened(x[:, :, ::stride, ::stride], out)


def _averaged(out, x, stride):
    small = functional.avg_pool2d(x, stride, ceil_mode=True)
    return functional.relu(out + _widened(small, out))


def _widened(x, out):
    """x with channels of zeros behind, as many in all as F(x) has."""
    return functional.pad(x, (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))


def _projected(C1, C2, stride):
    project = nn.Conv2d(C1, C2, 1, stride, bias=False)
    make = _joined(lambda out, x, stride: functional.relu(out + project(x)))
    block = make(C1, C2, stride)
    block.project = project
    return block


def _narrow(C1, C2, stride):
    """The second convolution takes what the first one took."""
    block = reference("12.5")(C1, C2, stride)
    block.conv1 = nn.Conv2d(C1, C1, 3, stride, 1, bias=False)
    block.norm1 = nn.BatchNorm2d(C1)
    block.conv2 = nn.Conv2d(C1, C2, 3, 1, 1, bias=False)
    return block


_BLOCKS = [  # shape of the input, then C1, C2, stride
    ((1, 2, 4, 5), 2, 2, 1),
    ((2, 2, 4, 5), 2, 4, 1),
    ((2, 2, 4, 6), 2, 4, 2),
    ((2, 3, 5, 7), 3, 6, 2),
    ((3, 4, 6, 5), 4, 4, 1),
    ((2, 2, 7, 8), 2, 5, 3),
]

add(
    Exercise(
        "12.5",
        "A block that may halve",
        cases=lambda: [case(*each) for each in _BLOCKS],
        run=by_function("12.5"),
        shown=on_input,
        wrong={
            "second-strides": Wrong(
                _restrided(False, True),
                "The shapes are right. But the second convolution strides here: the "
                "first would work on four times as many pixels.",
            ),
            "both-stride": Wrong(
                _restrided(True, True),
                "Both convolutions stride: the sides are quartered, and the shortcut "
                "does not fit.",
            ),
            "stride-forgotten": Wrong(
                _restrided(False, False),
                "No convolution strides, and the shortcut does: they do not fit.",
            ),
            "widened-late": Wrong(
                _narrow,
                "The first convolution should widen from C1 to C2 already; the "
                "second goes from C2 to C2.",
            ),
            "channels-do-not-fit": Wrong(
                lambda C1, C2, stride: reference("12.5")(C2, C2, stride),
                "A layer cannot be made, or cannot take what it is given: C1 → C2 → "
                "C2, and C2 − C1 channels of zeros are new.",
                any_error=True,
            ),
            "no-shortcut": Wrong(
                _joined(lambda out, x, stride: functional.relu(out)),
                "The shortcut is missing: this is the plain twin.",
            ),
            "x-unchanged": Wrong(
                _joined(lambda out, x, stride: functional.relu(out + x)),
                "x itself fits only where sides and channels stay. Else it must be "
                "brought into shape: every second pixel, and zeros.",
            ),
            "relu-before-the-addition": Wrong(
                _joined(_early), "ReLU comes after the addition, once."
            ),
            "relu-twice": Wrong(
                _joined(lambda out, x, stride: functional.relu(_early(out, x, stride))),
                "ReLU comes after the addition only. Before it, F could only add, "
                "never take away.",
            ),
            "averaged": Wrong(
                _joined(_averaged),
                "The shortcut should take every second pixel, and here it takes means.",
            ),
            "projected": Wrong(
                _projected,
                "That is remedy B, a 1×1 convolution. Here the shortcut learns "
                "nothing: remedy A.",
            ),
        },
        hints=(
            "Channels: C1 → C2 → C2.",
            "The first convolution strides, so that the second works on small maps.",
            "C2 − C1 channels are new; then x is added to F(x).",
        ),
    )
)

# --- 12.6: a stage --------------------------------------------------------------------


def _stage(first=None, later=None, more=0):
    """A stage whose blocks are given as functions of (C1, C2, stride)."""
    first = first or (lambda C1, C2, stride: (C1, C2, stride))
    later = later or (lambda C1, C2, stride: (C2, C2, 1))

    def changed(block, C1, C2, n, stride):
        layers = [block(*first(C1, C2, stride))]
        for _ in range(n - 1 + more):
            layers.append(block(*later(C1, C2, stride)))
        return nn.Sequential(*layers)

    return changed


def _one_for_all(block, C1, C2, n, stride):
    """The same block object over and over."""
    same = block(C2, C2, 1)
    return nn.Sequential(block(C1, C2, stride), *[same] * (n - 1))


_PLAIN = partial(ResidualBlock, plain=True)


def _stages() -> list[Case]:
    block = reference("12.5")
    return [  # shape of the input, then block, C1, C2, n, stride
        case((2, 2, 4, 4), block, 2, 2, 1, 1),
        case((2, 2, 6, 5), block, 2, 2, 2, 1),
        case((2, 2, 6, 8), block, 2, 4, 2, 2),
        case((2, 2, 9, 7), block, 2, 4, 3, 2),
        case((3, 3, 5, 6), _PLAIN, 3, 5, 4, 1),
    ]


def _shown_stage(name: str, each: Case) -> str:
    shape, block, *rest = each.args
    word = "Plain" if block is _PLAIN else "Block"
    numbers = ", ".join(map(str, rest))
    return f"{name}({word}, {numbers}) on an input {shape}"


add(
    Exercise(
        "12.6",
        "A stage",
        cases=_stages,
        run=by_function("12.6"),
        shown=_shown_stage,
        wrong={
            "all-stride": Wrong(
                _stage(later=lambda C1, C2, stride: (C2, C2, stride)),
                "Only the first block strides. All the others have stride 1.",
            ),
            "none-strides": Wrong(
                _stage(first=lambda C1, C2, stride: (C1, C2, 1)),
                "The first block should get the stride.",
            ),
            "C1-for-all": Wrong(
                _stage(later=lambda C1, C2, stride: (C1, C2, 1)),
                "Behind the first block there are C2 channels: the others take C2.",
            ),
            "never-widened": Wrong(
                _stage(
                    first=lambda C1, C2, stride: (C1, C1, stride),
                    later=lambda C1, C2, stride: (C1, C1, 1),
                ),
                "The first block should put out C2 channels.",
            ),
            "one-too-many": Wrong(
                _stage(more=1),
                "One block too many: the first counts, so n − 1 follow.",
            ),
            "one-missing": Wrong(
                _stage(more=-1), "One block is missing: n in all, with the first."
            ),
            "the-same-block": Wrong(
                _one_for_all,
                "That is one block used again and again, with the same weights. Make "
                "a new one in each round.",
            ),
        },
        hints=(
            "The first block goes from C1 to C2, with the stride.",
            "n − 1 others follow, from C2 to C2, with stride 1.",
        ),
    )
)

# --- 12.7: the network ----------------------------------------------------------------


def _replaced(layers):
    """The lesson's network with ``layers(stage)`` put in, by their places in it.

    Place 0 has the first convolution, 3 to 5 the stages, 6 the mean, 8 the dense layer.
    """

    def make(n, block=ResidualBlock):
        def stage(C1, C2, stride):
            return reference("12.6")(block, C1, C2, n, stride)

        network = reference("12.7")(n, block)
        for place, layer in layers(stage).items():
            network[place] = layer
        return network

    return make


def _shown_network(name: str, each: Case) -> str:
    shape, n, *block = each.args
    return f"{name}({n}{', Plain' * bool(block)}) on an input {shape}"


add(
    Exercise(
        "12.7",
        "The whole network",
        # Sides of 8 are enough for two halvings, and quick.
        cases=lambda: [
            case((2, 3, 8, 8), 1),
            case((3, 3, 9, 12), 1),
            case((2, 3, 16, 8), 2),
            case((2, 3, 32, 32), 1),
            case((2, 3, 8, 12), 2, _PLAIN),
        ],
        run=by_function("12.7"),
        shown=_shown_network,
        wrong={
            "first-stage-strides": Wrong(
                _replaced(lambda stage: {3: stage(16, 16, 2)}),
                "Stage 1 keeps the sides: only stages 2 and 3 begin with stride 2.",
            ),
            "second-stage-does-not": Wrong(
                _replaced(lambda stage: {4: stage(16, 32, 1)}),
                "Stage 2 begins with stride 2, too.",
            ),
            "never-strides": Wrong(
                _replaced(lambda stage: {4: stage(16, 32, 1), 5: stage(32, 64, 1)}),
                "Nothing is halved here: stages 2 and 3 begin with stride 2.",
            ),
            "not-padded": Wrong(
                _replaced(lambda stage: {0: nn.Conv2d(3, 16, 3, bias=False)}),
                "The first convolution keeps the sides: padding 1 for 3×3.",
            ),
            "seven-by-seven": Wrong(
                _replaced(lambda stage: {0: nn.Conv2d(3, 16, 7, 2, 3, bias=False)}),
                "7×7 with stride 2 is for large images; here 3×3.",
            ),
            "with-bias": Wrong(
                _replaced(lambda stage: {0: nn.Conv2d(3, 16, 3, padding=1)}),
                "The first convolution has a bias, which batch norm subtracts again: "
                "`bias=False`.",
            ),
            "widths-doubled": Wrong(
                _replaced(
                    lambda stage: {
                        3: stage(16, 32, 1),
                        4: stage(32, 64, 2),
                        5: stage(64, 128, 2),
                        8: nn.Linear(128, 10),
                    }
                ),
                "The stages have 16, 32 and 64 channels.",
            ),
            "last-not-widened": Wrong(
                _replaced(lambda stage: {5: stage(32, 32, 2), 8: nn.Linear(32, 10)}),
                "The third stage doubles the channels as well: 64.",
            ),
            "softmax": Wrong(
                _replaced(
                    lambda stage: {
                        8: nn.Sequential(nn.Linear(64, 10), nn.Softmax(dim=1))
                    }
                ),
                "No softmax at the end: `cross_entropy` contains it.",
            ),
            "max-pooled": Wrong(
                _replaced(lambda stage: {6: nn.AdaptiveMaxPool2d(1)}),
                "Everything fits. But the mean of each map was asked for, and this is "
                "the largest.",
            ),
            "thousand-classes": Wrong(
                _replaced(lambda stage: {8: nn.Linear(64, 1000)}),
                "CIFAR-10 has ten classes.",
            ),
            "does-not-fit": Wrong(
                _replaced(lambda stage: {8: nn.Linear(64 * 8 * 8, 10)}),
                "A layer cannot be made, or cannot take what it is given: 3 → 16, then "
                "16 → 32 → 64, and the mean leaves one number of each of 64 maps.",
                any_error=True,
            ),
            "block-ignored": Wrong(
                lambda n, block=None: reference("12.7")(n),
                "With another block it is still the same network: hand `block` on to "
                "`get_layers`.",
            ),
        },
        hints=(
            "Each stage takes the channels that the one before puts out.",
            "Strides of the stages: 1, 2, 2.",
            "After the mean of each of 64 maps there are 64 numbers, for ten scores.",
        ),
    )
)

# --- 12.8 and 12.9: depth, learning rate ----------------------------------------------

add(
    Exercise(
        "12.8",
        "Count",
        tolerance=1e-9,
        wrong={
            "blocks": Wrong(
                {"depth": 27}, "27 is the number of blocks; each has two convolutions."
            ),
            "one-stage": Wrong(
                {"depth": 20}, "18 are in one stage. There are three stages."
            ),
            "without-first-and-last": Wrong(
                {"depth": 54},
                "Add the convolution before the stages and the dense layer.",
            ),
            "without-the-dense-layer": Wrong(
                {"depth": 55}, "The dense layer has weights, too."
            ),
            "batch-norm-counted": Wrong(
                {"depth": 111},
                "Batch norm is not counted: convolutions and the dense layer.",
            ),
            "every-stage": Wrong(
                {"strided": 3}, "Stage 1 does not: it keeps the 32×32 pixels."
            ),
            "every-block": Wrong(
                {"strided": 27},
                "Then one pixel would be left. Only where a stage begins.",
            ),
            "all-but-stage-1": Wrong(
                {"strided": 18}, "Only the *first* block of stages 2 and 3."
            ),
            "projections": Wrong(
                {"shortcuts": 16 * 32 + 32 * 64},
                "Those would be 1×1 convolutions. Here pixels are left out, and zeros "
                "filled in: nothing is learned.",
            ),
        },
        hints=(
            "3 stages of 9 blocks of 2 convolutions; and what stands outside?",
            "One block in stage 2, one in stage 3.",
            "What does a shortcut learn that takes every second pixel and adds zeros?",
        ),
    )
)


def _rates(first, second, by=(10, 100), strictly=False):
    def changed(epoch, epochs, highest):
        late = epoch - 1e-6 if strictly else epoch
        if late >= second * epochs:
            return highest / by[1]
        return highest / by[0] if late >= first * epochs else highest

    return changed


add(
    Exercise(
        "12.9",
        "When to slow down",
        cases=lambda: [
            case(epoch, epochs, highest)
            for epochs, highest in ((4, 0.1), (5, 0.1), (164, 0.1), (10, 0.2))
            for epoch in sorted(
                {0, 1, epochs // 4, epochs // 2 - 1, epochs // 2, epochs // 2 + 1}
                | {epochs * 3 // 4 - 1, -(-epochs * 3 // 4), epochs - 1}
            )
        ],
        tolerance=1e-6,
        wrong={
            "once-only": Wrong(
                _rates(0.5, 0.75, (10, 10)),
                "The rate never gets to a hundredth. From three quarters of the epochs "
                "on, 0.75 of them, it is divided by 100 in all.",
            ),
            "one-late": Wrong(
                _rates(0.5, 0.75, strictly=True),
                "Epochs count from 0: when half of them are done, epoch number "
                "epochs/2 begins, and it is slower already.",
            ),
            "by-20": Wrong(
                _rates(0.5, 0.75, (10, 20)),
                "By 10, and then by 10 *again*: that is by 100, not by 20.",
            ),
            "halved": Wrong(_rates(0.5, 0.75, (2, 4)), "Divided by 10, not by 2."),
            "larger": Wrong(
                _rates(0.5, 0.75, (0.1, 0.01)), "The rate should fall. This one grows."
            ),
            "thirds": Wrong(
                _rates(1 / 3, 2 / 3), "After a half and three quarters, not thirds."
            ),
            "quarter": Wrong(
                _rates(0.25, 0.5), "First after a half, then after three quarters."
            ),
            "never": Wrong(
                lambda epoch, epochs, highest: highest, "This rate never changes."
            ),
        },
        hints=(
            "With 4 epochs: 0 and 1 at the highest rate, then 2, then 3.",
            "First ask whether three quarters are over: then divide by 100.",
        ),
    )
)

# --- 12.10: label smoothing -----------------------------------------------------------

add(
    Exercise(
        "12.10",
        "Never too sure",
        tolerance=1e-6,
        wrong={
            "right-left-out": Wrong(
                {"right": 0.9, "other": 0.1 / 9},
                "The 0.1 is shared by all ten, the right class among them: 0.01 each.",
            ),
            "own-share-forgotten": Wrong(
                {"right": 0.9},
                "The right class gets its part of the shared 0.1 as well.",
            ),
            "not-shared": Wrong(
                {"other": 0.1}, "0.1 is for all together. Each gets a tenth of it."
            ),
            "nine": Wrong({"other": 0.1 / 9}, "Shared by ten classes, not by nine."),
            "smoothed-share": Wrong(
                {"share": 0.91},
                "Without smoothing: the loss is −log of the share, and zero for …?",
            ),
            "half": Wrong(
                {"share": 0.5}, "−log 0.5 = 0.69. For which share is −log zero?"
            ),
            "zero": Wrong({"share": 0}, "−log 0 is infinite."),
        },
        hints=(
            "0.1 shared by ten: how much each?",
            "The right class has that, and 0.9.",
            "The loss is −log(share), and log 1 = 0.",
        ),
    )
)

# --- 12.11 and 12.12: the test --------------------------------------------------------


def _by(value):
    """Images in the order of another value of (shares, scores, labels)."""

    def other(scores, labels, count):
        value_of = value(scores.softmax(dim=1), scores, torch.arange(len(labels)))
        chosen = value_of(labels) if callable(value_of) else value_of
        return chosen.argsort()[:count]

    return other


def _scored(N, classes, count, seed):
    # Images of different size of score and different level: scores do not compare.
    scores = 2 * _random(N, classes, seed=seed) + 5 * _random(N, 1, seed=seed + 1)
    generator = torch.Generator().manual_seed(seed)
    return case(scores, torch.randint(classes, (N,), generator=generator), count)


def _wrong_ones(scores, labels, count):
    return (scores.argmax(dim=1) != labels).nonzero()[:, 0][:count]


add(
    Exercise(
        "12.11",
        "The worst",
        cases=lambda: [
            case(
                torch.tensor([[2.0, 1.0], [9.0, 9.5], [0.0, 3.0]]),
                torch.tensor([0, 0, 0]),
                1,
            ),
            case(
                torch.tensor([[2.0, 1.0], [9.0, 9.5], [0.0, 3.0]]),
                torch.tensor([0, 0, 1]),
                2,
            ),
            _scored(6, 3, 6, seed=1),
            _scored(20, 10, 5, seed=2),
            _scored(9, 4, 3, seed=3),
            _scored(7, 5, 0, seed=4),
        ],
        wrong={
            "best": Wrong(
                lambda scores, labels, count: reference("12.11")(
                    scores, labels, len(labels)
                ).flip(0)[:count],
                "These are the best: the right class is *most* probable. Lowest first.",
            ),
            "scores-compared": Wrong(
                _by(lambda shares, scores, at: lambda labels: scores[at, labels]),
                "Scores of different images do not compare: softmax along an image's "
                "classes first.",
            ),
            "softmax-over-images": Wrong(
                _by(
                    lambda shares, scores, at: (
                        lambda labels: scores.softmax(dim=0)[at, labels]
                    )
                ),
                "Softmax went along the images. The classes of one image share 1: "
                "`dim=1`.",
            ),
            "least-sure": Wrong(
                _by(lambda shares, scores, at: shares.max(dim=1).values),
                "These are the images of which the network is least sure, whatever "
                "they are. Ask for the probability of the *label*.",
            ),
            "most-sure": Wrong(
                _by(lambda shares, scores, at: -shares.max(dim=1).values),
                "These are the images of which the network is most sure, right or "
                "wrong. Ask for the probability of the *label*.",
            ),
            "in-any-order": Wrong(
                _wrong_ones,
                "These are wrong, in the order of the data. The worst should come "
                "first.",
            ),
            "probabilities": Wrong(
                lambda scores, labels, count: (
                    scores.softmax(dim=1)[torch.arange(len(labels)), labels]
                    .sort()
                    .values[:count]
                ),
                "These are the probabilities. Asked for are the numbers of the "
                "images: `argsort`.",
            ),
        },
        hints=(
            "An image's probabilities add up to 1 along axis 1.",
            "`shares[row, label]` for each image is its label's probability.",
            "`right.argsort()` begins with the number of the smallest.",
        ),
    )
)


def _looked(candidate, each: Case):
    """What the candidate makes of a small network that knows left from right."""
    shape, classes = each.args
    weights = _random(classes, *shape[1:], seed=12)
    # Not linear, or a mean of pixels would do as well as one of scores.
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(weights[0].numel(), classes), nn.Softplus()
    )
    with torch.no_grad():
        network[1].weight.copy_(weights.flatten(1))
        network[1].bias.copy_(_random(classes, seed=13))
        return candidate(network, _random(*shape, seed=sum(shape)))


add(
    Exercise(
        "12.12",
        "The mirror test",
        cases=lambda: [
            case((1, 1, 1, 2), 2),
            case((1, 1, 2, 3), 2),
            case((2, 1, 3, 4), 3),
            case((3, 3, 5, 4), 10),
            case((4, 2, 2, 2), 4),
        ],
        run=_looked,
        shown=lambda name, each: (
            f"{name}(network, images), images {each.args[0]}, {each.args[1]} classes"
        ),
        wrong={
            "upside-down": Wrong(
                lambda network, images: (network(images) + network(images.flip(2))) / 2,
                "That stands on its head: axis 2 holds the rows. Mirror left and "
                "right.",
            ),
            "both-axes": Wrong(
                lambda network, images: (
                    (network(images) + network(images.flip((2, 3)))) / 2
                ),
                "That is turned by 180°: mirror left and right only.",
            ),
            "summed": Wrong(
                lambda network, images: network(images) + network(images.flip(3)),
                "That is the sum. The same class wins, but the loss would be "
                "another: take the mean.",
            ),
            "mirror-only": Wrong(
                lambda network, images: network(images.flip(3)),
                "Only the mirror image was looked at. Add the scores of the image "
                "itself.",
            ),
            "not-mirrored": Wrong(
                lambda network, images: network(images),
                "The mirror image is missing.",
            ),
            "images-averaged": Wrong(
                lambda network, images: network((images + images.flip(3)) / 2),
                "The scores are averaged, not the pixels.",
            ),
            "batch-reversed": Wrong(
                lambda network, images: (network(images) + network(images.flip(0))) / 2,
                "Axis 0 holds the images: this adds the scores of another one.",
            ),
            "channels-reversed": Wrong(
                lambda network, images: (network(images) + network(images.flip(1))) / 2,
                "Axis 1 holds the colours: this swaps red and blue.",
            ),
            "probabilities": Wrong(
                lambda network, images: (
                    (
                        network(images).softmax(dim=1)
                        + network(images.flip(3)).softmax(dim=1)
                    )
                    / 2
                ),
                "These are probabilities. The mean of the *scores* was asked for, "
                "which the loss can take.",
            ),
        },
        hints=(
            "Axes of (N, C, H, W): which one runs from left to right?",
            "The mean of two is their sum divided by two.",
        ),
    )
)
