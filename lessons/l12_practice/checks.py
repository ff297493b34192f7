"""Checks: practice, a ResNet for CIFAR-10."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from helpers.exercises.engine import Case, Exercise, Wrong, add, case, reference
from helpers.networks import ResidualBlock
from lessons.l12_practice.observe import BLUE, Block, both, loaded, looked, plain
from lessons.mistakes import in_rows
from lessons.modules import by_function, on_input


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Values may use what this file names.
_wrong_values = partial(in_rows, read=lambda text: eval(text))

# --- 12.1: the constants --------------------------------------------------------------


def _photographs(N, C, H, W, white):
    """Channels and images of different brightness, so that each axis matters."""
    pixels = 128 + 30 * _random(N, C, H, W, seed=N)
    pixels += 40 * _random(N, 1, 1, 1, seed=N + 1)
    pixels += 20 * torch.arange(C)[:, None, None] + torch.arange(W)
    return case(pixels.round().clamp(0, white))


# Lists: two tuples of axes would be taken for two mistakes in a third one.
_OVER = """
    all-channels-together{of}: {right} → [0, 1, 2, 3]
      {Of}That is one number for everything. Red, green and blue have one each: leave
      axis 1 out.
    each-pixel{of}: {right} → [0]
      {Of}That is one number for each pixel of each channel. Go over rows and
      columns, too.
    each-image-has-its-own{of}: {right} → [2, 3]
      {Of}That is one number for each channel of each image. The constants are the same
      for all images, so go over axis 0, too.
    rows-of-channels{of}: {right} → [0, 1]
      {Of}Axis 1 holds the channels. Keep it, and go over the rest.
    channels-last{of}: {right} → [0, 1, 2]
      {Of}Channels are axis 1, and not the last one. Keep axis 1, and go over the
      rest.
    over-channels{of}: {right} → [1]
      {Of}Axis 1 is the one to keep, and you went over it alone.
    images-kept{of}: {right} → [1, 2, 3]
      {Of}That is one number for each image. Keep axis 1, and go over the rest.
    """

add(
    Exercise(
        "12.1",
        "The constants",
        level=2,
        # So many pixels that dividing by n or by n − 1 makes no difference.
        cases=lambda: [
            _photographs(40, 2, 6, 9, white=255),
            _photographs(50, 3, 8, 5, white=240),
            _photographs(200, 3, 4, 4, white=255),
            _photographs(60, 2, 5, 7, white=210),
            _photographs(80, 4, 3, 8, white=230),
        ],
        tolerance=5e-4,
        wrong=in_rows("""
            not-divided: #1 → 1
              These constants fit pixels from 0 to 255. Divide by 255 first.
            divided-by-256: #1 → 256
              White is 255, and should become 1.
            by-the-largest: #1 → pixels.max()
              Divide by 255, which is white. The largest pixel need not be white.
            std-of-each-image: #3 → (2, 3)).mean(dim=0
              This is the deviation inside an image, averaged over images. It leaves
              out that images differ from each other.
            std-of-each-pixel: #3 → 0).mean(dim=(1, 2)
              The deviation is over all pixels at once, not averaged over places.
            variance: #3 → (0, 2, 3)).square(
              That is the variance; its root is the standard deviation.
        """)
        | in_rows(_OVER.format(right="(0, 2, 3)", of="", Of=""))
        | in_rows(_OVER.format(right="#2", of="-mean", Of="Mean: "))
        | in_rows(_OVER.format(right="#3", of="-deviation", Of="Deviation: ")),
        hints=(
            "Which axis of (N, C, H, W) should remain? Average over all the others.",
            "`dim=(0, 2, 3)`: images, rows and columns.",
        ),
    )
)

# --- 12.2 and 12.3: crops -------------------------------------------------------------


def _numbers(C, H, W, *rest):
    return case(torch.arange(1.0, C * H * W + 1).view(C, H, W), *rest)


_ENDS = """
    {side}-not-moved: {start} + {side} → {side}
      A cut that ends at {side} gets shorter, the later it begins. It should end {side}
      {what} after `{start}`.
    {side}-one-short: {start} + {side} → {start} + {side} - 1
      A slice ends before its second number, so `{start} + {side}` is outside already.
    {side}-one-too-many: {start} + {side} → {start} + {side} + 1
      A slice from `{start}` to `{start} + {side}` holds {side}. Yours holds one more.
    {side}-to-the-end: {start} + {side} →
      That goes on to the end of the padded image. Stop {side} after `{start}`.
    {side}-is-32: {start} + {side} → {start} + 32
      Not every image has 32 rows and columns. This one has {side} {what}.
    {side}-exchanged: {start} + {side} → {start} + {other}
      H is the number of rows, W that of columns. Here it is {side}.
    """

add(
    Exercise(
        "12.2",
        "Crop",
        level=2,
        cases=lambda: [
            _numbers(1, 2, 2, 1, 1, 1),
            _numbers(1, 2, 2, 0, 1, 1),
            _numbers(1, 2, 3, 0, 2, 1),
            _numbers(2, 4, 3, 3, 1, 2),
            _numbers(3, 5, 7, 4, 4),
            _numbers(3, 5, 7, 8, 0),
            _numbers(3, 6, 5, 1, 7),
            _numbers(2, 2, 3, 8, 8),
            _numbers(1, 40, 36, 2, 1, 3),
            _numbers(1, 35, 41, 5, 4),
        ],
        wrong=in_rows("""
            not-padded: P → 0
              Nothing was padded, so rows and columns are missing near the border.
            padding-is-always-4: P → 4
              P need not be 4: use the argument.
            padded-twice-at-the-left: #1 → 2 * P
              There should be P zeros on each side. At the left there are twice as many.
            padded-twice-at-the-top: #3 → 2 * P
              There should be P zeros on each side. At the top there are twice as many.
            padded-twice-as-much: P → 2 * P
              There should be P zeros on each side. These are twice as many.
            columns-only: #3 → 0; #4 → 0
              Only left and right are padded. Pad above and below, too.
            rows-only: #1 → 0; #2 → 0
              Only above and below are padded. Pad left and right, too.
            begins-at-left: top → left
              Rows begin at `top`, columns at `left`.
            begins-at-P: top → P
              Row P is where the image itself begins. The cut begins at `top`.
            begins-late: top → top + P
              Counted in the *padded* image, the first row is `top`.
            rows-counted-from-the-image: top → top + P; top + H → top + P + H
              This begins P rows too late. Zeros stand above, too: count from the corner
              of the *padded* image.
        """)
        | in_rows(_ENDS.format(start="top", side="H", other="W", what="rows"))
        | in_rows(_ENDS.format(start="left", side="W", other="H", what="columns"))
        | {
            "rows-and-columns-swapped": Wrong(
                lambda image, top, left, P=4: reference("12.2")(image, left, top, P),
                "`top` is a row, and rows come first: (C, H, W).",
            ),
            "counted-from-the-image": Wrong(
                lambda image, top, left, P=4: reference("12.2")(
                    image, top + P, left + P, P
                ),
                "This begins P rows and columns too late. Zeros stand above and left, "
                "too: count from the corner of the *padded* image.",
            ),
            "border-repeated": Wrong(
                lambda image, top, left, P=4: functional.pad(
                    image, (P, P, P, P), mode="replicate"
                )[:, top : top + image.shape[1], left : left + image.shape[2]],
                "The padding should be zeros. This repeats the border.",
            ),
            "centre-always": Wrong(
                lambda image, top, left, P=4: image,
                "That is the image as it was. `top` and `left` should move it.",
            ),
        },
        hints=(
            "`functional.pad` takes (left, right, above, below).",
            "H rows from `top` on end before row `top + H`.",
        ),
    )
)

_N, _B, _ALL = 50_000, 128, 60_000  # images, those of a batch, with the test's
_AT = 40 - 32 + 1  # places to begin at, in each direction

add(
    Exercise(
        "12.3",
        "How many?",
        level=2,
        tolerance=1e-9,
        wrong=_wrong_values("""
            not-mirrored: versions → _AT**2
              These are the 81 places. Each of them may be mirrored as well.
            one-direction: versions → 2 * _AT
              There are 9 rows *and* 9 columns to begin at.
            eight-places: versions → 2 * (_AT - 1) ** 2
              From 0 to 8 there are nine places to begin at, in each direction.
            padding-only: versions → 2 * 4**2
              It moves by up to 4 pixels up *or* down, or not at all: nine places.
            added: versions → _AT + _AT + 2
              Rows and columns are chosen independently: multiply.
            one-direction-not-mirrored: versions → _AT
              There are 9 rows *and* 9 columns to begin at, and each version may be
              mirrored.
            eight-places-not-mirrored: versions → (_AT - 1) ** 2
              From 0 to 8 there are nine places in each direction, and each image may
              be mirrored as well.
            one-way-only: versions → 2 * (4 + 1) ** 2
              It moves 0 to 4 pixels up *or* 1 to 4 down: nine places.
            one-way-only-not-mirrored: versions → (4 + 1) ** 2
              It moves 0 to 4 pixels up *or* 1 to 4 down, nine places in each direction,
              and each image may be mirrored as well.
            rows-and-columns-added: versions → 4 * _AT
              Rows and columns are chosen independently: multiply them.
            mirrored-both-ways: versions → 4 * _AT**2
              It is mirrored left to right only, never upside down.
            one-mirrored: versions → _AT**2 + 1
              Each of the 81 may be mirrored, not only one of them.
            original-left-out: versions → 2 * _AT**2 - 1
              The image as it was counts as one of them.
            as-many-as-rows: versions → 2 * 40**2
              A cut of 32 rows cannot begin at every one of the 40 rows.
            rounded-down: steps → _N // _B
              390 batches of 128 are 49 920 images. The rest make one more step.
            not-whole: steps → _N / _B
              A part of a batch is a step, too.
            not-whole-rounded: steps → round(_N / _B, 1)
              A part of a batch is a whole step, too.
            one-step-too-many: steps → _N // _B + 2
              390 full batches, and *one* that is smaller.
            test-images-too: steps → -(-_ALL // _B)
              10 000 of the 60 000 are for testing.
            test-images-too-rounded-down: steps → _ALL // _B
              10 000 of the 60 000 are for testing. And what is left over makes a step,
              too.
            images: steps → _N
              A step takes a batch of 128 images. This would be one image a step.
            full-batch: last → _B
              128 does not divide 50 000: the last batch is smaller.
            what-is-lacking: last → -_N % _B
              That is how many the last batch lacks. How many does it hold?
            a-fraction: last → _N / _B % 1
              That is the part of a batch that the last one fills. How many images is
              that?
            nothing-left: last → 0
              128 does not divide 50 000: something is left.
            last-of-all-images: last → _ALL % _B
              10 000 of the 60 000 are for testing. Divide 50 000 by 128.
        """),
        hints=(
            "With padding there are 40 rows. At how many can a cut of 32 rows begin?",
            "9·9 places, each mirrored or not.",
            "50 000 / 128 = 390.625: 390 full batches, and the rest.",
        ),
    )
)

# --- 12.13 and 12.14: the class's pipeline --------------------------------------------


def _done(seen, mean, std):
    """What a transform did to a picture, in words."""
    if not all(isinstance(image, torch.Tensor) for image in seen):
        kind = seen[0] if isinstance(seen[0], str) else type(seen[0]).__name__
        return f"no tensor, but {kind}"
    if seen[0].shape != (3, 32, 32):
        return f"{'×'.join(map(str, seen[0].shape))} numbers"
    seen = torch.stack(seen).double()  # (draws, 3, 32, 32)
    middle = seen[:, :, 12:20, 12:20]  # never padded, unless by more than 12
    mean, std = (torch.tensor(each).double()[:, None, None] for each in (mean, std))
    ways = {  # and how to make them numbers from 0 to 1
        "normalised": lambda x: x * std + mean,
        "from 0 to 1, not normalised": lambda x: x,
        "from 0 to 255": lambda x: x / 255,
        "divided by std, the mean not subtracted": lambda x: x * std,
        "normalised with mean and std exchanged": lambda x: x * mean + std,
    }
    off = {w: (undo(middle)[:, 2] * 255 - BLUE).abs().max() for w, undo in ways.items()}
    kind = min(off, key=off.get)
    if off[kind] > 0.1:
        blue = middle[0, 2, 0, 0]
        return f"normalised in another way: blue {BLUE} becomes {blue:.3f}"
    pixels = ways[kind](seen) * 255
    # Row and column that each pixel comes from.
    red, green = ((pixels[:, k, 12:20, 12:20] - 20) / 5 for k in (0, 1))
    upside = red[:, 1, 0] < red[:, 0, 0]
    mirrored = green[:, 0, 1] < green[:, 0, 0]
    words = []
    for name, axis, turned in (("down", red, upside), ("across", green, mirrored)):
        start = torch.where(turned, 31 - axis[:, 0, 0], axis[:, 0, 0])
        moved = (12 - start).round().int()
        most, both = moved.abs().max(), moved.min() < 0 < moved.max()
        words.append(f"moved {name} by {'up to ' * bool(most)}{most}")
        words[-1] += ", one way only" * bool(most and not both)
    for name, turned in (("mirrored", mirrored), ("upside down", upside)):
        share = turned.double().mean().item()
        often = "never" if share == 0 else "always" if share == 1 else "now and then"
        often = "half of the time" if 0.25 < share < 0.75 else often
        words.append(f"{name} {often}")
    border = pixels[:, 2]  # blue: elsewhere all the same
    strange = border[(border - BLUE).abs() > 0.1]
    if len(strange):
        black = strange.abs().max() < 0.1
        words.append("black where it was padded" if black else "a border that is grey")
    return ", ".join([*words, kind])


def _read_pipelines(ask, each: Case):
    seen = ask()
    if isinstance(seen, str):
        return f"no pair, for training and test, but {seen}"
    train, test = (_done(images, *each.args) for images in seen)
    return f"train: {train}; test: {test}"


add(
    Exercise(
        "12.13",
        "The pipeline",
        level=2,
        cases=lambda: [
            case((0.5, 0.3, 0.4), (0.2, 0.25, 0.3)),
            case((0.1, 0.6, 0.45), (0.3, 0.15, 0.2)),
        ],
        run=both,
        read=_read_pipelines,
        wrong=in_rows("""
            nothing-random: #6 → numbers
              Training images are neither moved nor mirrored: this is the test's
              pipeline twice.
            random-in-the-test: #7 → move + numbers
              The test moves and mirrors its images, too, so its result would change
              each time.
            exchanged: #6 → numbers; #7 → move + numbers
              The two are swapped. The first is for training, where images are moved
              and mirrored.
            padded-after-normalising: #6 → numbers + move
              The border is grey. Padding adds zeros, and after normalising zero is no
              longer black but the mean: move first.
            normalised-before-a-tensor: #6 → move + numbers[::-1]; #7 → numbers[::-1]
              `Normalize` computes with tensors, so `ToTensor` has to come first.
            not-mirrored: #3 → nn.Identity
              Nothing is ever mirrored in training: `RandomHorizontalFlip`.
            upside-down: #3 → transforms.RandomVerticalFlip
              That turns images upside down. Mirror them left to right.
            always-mirrored: #3 → (lambda: transforms.RandomHorizontalFlip(1.0))
              All images are mirrored: the network would never see them as they are.
            not-moved: 4 → 0
              Training images are mirrored, but never moved. 32×32 can be cut out of
              32×32 at one place only: set `padding=4`.
            padding-8: 4 → 8
              `padding` is for *each* side: 8 moves an image by up to 8 pixels.
            padding-2: 4 → 2
              `padding` is for *each* side: 2 moves an image by 2 pixels at most.
            size-and-padding-exchanged: 32 → 4; 4 → 32
              Only 4×4 pixels are left. The size to cut out, 32, comes first, then the
              padding.
            too-small: 32 → 28
              28×28 pixels come out. An image that was padded to 40 is cut to 32 again.
            test-not-normalised: #7 → numbers[:1]
              Test images are not normalised: the network would get numbers unlike those
              it learned from.
            never-normalised: #6 → move + numbers[:1]; #7 → numbers[:1]
              The numbers are from 0 to 1, and never normalised.
            mean-and-std-exchanged: mean → std; std → mean
              `Normalize` takes the mean first, then the deviation.
            mean-twice: std → mean
              `Normalize` takes two: first the mean, then the deviation, `std`.
            std-twice: mean → std
              `Normalize` takes two: first the `mean`, then the deviation.
            own-constants: #4 → (0.4914, 0.4822, 0.4465); #5 → (0.247, 0.2435, 0.2616)
              These are the constants of CIFAR-10. Use `mean` and `std`: other images
              have others.
            one-half: mean → (0.5, 0.5, 0.5); std → (0.5, 0.5, 0.5)
              0.5 for everything only stretches the range 0…1 to −1…1. Use `mean` and
              `std`.
            no-tensor: #6 → move; #7 → []
              These are still pictures. `ToTensor` turns them into numbers from 0 to 1,
              channels first.
            list-of-lists: move + numbers → [move, numbers]
              Here a step is itself a list, and a list cannot be called. `Compose` takes
              one flat list of steps; `+` joins two lists.
            two-lists: move + numbers → move, numbers
              `Compose` takes one list of steps: join the two with `+`.
        """)
        | {
            "one-only": Wrong(
                lambda mean, std: reference("12.13")(mean, std)[0],
                "One pipeline comes back. Return two: one for training, and one for "
                "the test.",
            ),
        },
        hints=(
            "Which two are random? They are for training only.",
            "Padding adds zeros, and zero is black only before normalising.",
            "Lists are joined with `+`: first move, then turn into numbers.",
        ),
    )
)


def _order(epochs, count):
    """How a loader went through its images, in words."""
    orders = []
    for epoch in epochs:
        if any(images != labels for images, labels in epoch):
            return "images with the labels of others"
        orders.append([int(image) for images, _ in epoch for image in images])
    sizes = dict.fromkeys(len(images) for images, _ in epochs[-1])
    words = [f"batches of {', '.join(map(str, sizes))}"]
    if sorted(orders[0]) != list(range(count)):
        words.append(f"{len(set(orders[0]))} of {count} images")
    kind = "in a new order each epoch"
    if orders[0] == orders[1]:
        kind = "in order" if orders[0] == sorted(orders[0]) else "in one mixed order"
    return ", ".join([*words, kind])


def _read_loaders(ask, each: Case):
    seen = ask()
    if isinstance(seen, str):
        return f"no pair of loaders, but {seen}"
    told = [
        f"{asked} workers asked for: {' and '.join(map(str, seen['workers'][k]))}"
        for k, asked in enumerate((0, each.args[2]))
    ]
    for name, epochs, count in zip(("train", "test"), seen["epochs"], each.args):
        told.append(f"{name}: {_order(epochs, count)}")
    return "; ".join(told)


add(
    Exercise(
        "12.14",
        "The loaders",
        level=1,
        cases=lambda: [case(300, 200, 2), case(257, 130, 1), case(500, 129, 2)],
        run=loaded,
        read=_read_loaders,
        shown=lambda name, each: "{}(train, test, workers), {} and {} images".format(
            name, *each.args
        ),
        wrong=in_rows("""
            not-shuffled: True → False
              The training images come in the same order in each epoch, so the same
              ones always share a batch. Shuffle them.
            test-shuffled: False → True
              The test is shuffled, too. The accuracy is the same, but the scores are
              no longer in the order of the test images.
            exchanged: True → False; False → True
              The two are swapped: training images are shuffled, test images are not.
            one-by-one: 128 → 1
              That is one image at a time. A batch has 128.
            one-batch: 128 → len(train)
              All training images come in one batch, which makes one step an epoch and
              needs a lot of memory. A batch has 128.
            as-many-as-pixels: 128 → 32
              32 is the side of an image. A batch has 128 images.
            half-a-batch: 128 → 64
              64 images make a batch here, and 128 should.
            batch-of-workers: 128 → workers
              That is the number of processes. A batch has 128 images.
            double-batch: 128 → 256
              256 images make a batch here, and 128 should.
            last-training-batch-dropped: True → True, drop_last=True
              Training images that do not fill a batch are left out. Use them all.
            last-test-batch-dropped: False → False, drop_last=True
              Test images that do not fill a batch are left out. Test them all.
            both-dropped: True → True, drop_last=True; False → False, drop_last=True
              Images that do not fill a batch are left out, in training and in the test.
              Use them all.
        """)
        | {
            "test-images-twice": Wrong(
                lambda train, test, workers=0: reference("12.14")(test, test, workers),
                "The first loader has the test images: the network would learn exactly "
                "what it is tested on.",
            ),
            "sets-exchanged": Wrong(
                lambda train, test, workers=0: reference("12.14")(test, train, workers),
                "The two sets are swapped: the network would learn from the test "
                "images and be tested on those for training.",
            ),
            "training-images-twice": Wrong(
                lambda train, test, workers=0: reference("12.14")(
                    train, train, workers
                ),
                "The second loader has the training images, too, so it tests nothing.",
            ),
            "workers-of-ones-own": Wrong(
                lambda train, test, workers=0: reference("12.14")(train, test, 2),
                "There are 2 workers, however many are asked for. Use `workers`.",
            ),
            "workers-ignored": Wrong(
                lambda train, test, workers=0: reference("12.14")(train, test),
                "`workers` has no effect: it should become `num_workers`.",
            ),
            "one-only": Wrong(
                lambda train, test, workers=0: reference("12.14")(train, test)[0],
                "One loader comes back. Return two: one for training, and one for the "
                "test.",
            ),
        },
        hints=(
            "Which of the two needs a new order in each epoch?",
            "`shuffle=True` for training, `shuffle=False` for the test.",
        ),
    )
)

# --- 12.4: shapes ---------------------------------------------------------------------

_W3 = 15 // 2 + 1  # pixels 0, 2, 4, … of 15

add(
    Exercise(
        "12.4",
        "Shapes, backwards",
        level=2,
        tolerance=1e-9,
        wrong=_wrong_values("""
            difference: F → 32 - 28
              32 − F + 1 = 28: without padding F − 1 pixels are lost.
            three: F → 3
              A 3×3 kernel takes off two pixels, and four are missing.
            padded: F → 32 - 28 + 2
              32 − 6 + 1 = 27: one too few.
            no-padding: P → 0
              ⌊(32 − 3)/2⌋ + 1 = 15, so one is missing. Pad.
            half-of-F-rounded-up: P → 2
              ⌊(32 − 3 + 4)/2⌋ + 1 = 17, which is one too many.
            not-rounded: P → 0.5
              You cannot pad by half a pixel: (32 − 3 + 2P)/2 is rounded down to 15.
            channels-swapped: weight → (16, 32, 3, 3)
              (K, D1, F, F): first the number of filters, then their depth.
            channels-last: weight → (32, 3, 3, 16)
              PyTorch has channels second: (K, D1, F, F).
            no-depth: weight → (32, 3, 3)
              Each of the 32 filters is 16 deep: (K, D1, F, F).
            one-filter: weight → (16, 3, 3)
              That is one filter of 32: (K, D1, F, F).
            flat-filters: weight → (32, 1, 3, 3)
              A filter is as deep as its input: 16.
            first-layer: weight → (32, 3, 3, 3)
              Its input has 16 channels, not three.
            strided-kernel: weight → (32, 16, 2, 2)
              2 is the stride; the kernel is 3×3.
            numbers: weight → 32 * 16 * 3**2
              That is how many numbers it holds. In what shape?
            kernel-only: weight → (3, 3)
              That is one channel of one filter. A filter is 16 deep, and there are 32.
            biases-too: weight → 32 * 16 * 3**2 + 32
              That is how many parameters there are, with the biases. What is the shape
              of `weight`?
            batch-in-weight: weight → (128, 32, 3, 3)
              The batch plays no part in the weights: 32 filters, 16 deep.
            batch-for-filters: weight → (128, 16, 3, 3)
              The batch plays no part in the weights: there are 32 filters, 16 deep, for
              any batch.
            sides-in-weight: weight → (32, 16, 16, 16)
              A filter is as large as its kernel, 3×3, however large the image is.
            rounded-down: output → (128, 64, _W3 - 1, _W3 - 1)
              ⌊(15 − 1)/2⌋ + 1: there are seven moves, and the first place.
            sides-kept: output → (128, 64, 15, 15)
              A 1×1 kernel alone keeps the sides, but stride 2 takes every second pixel.
            not-halved-exactly: output → (128, 64, 15 / 2, 15 / 2)
              Pixels are whole: ⌊(15 − 1)/2⌋ + 1.
            channels-kept: output → (128, 32, _W3, _W3)
              64 filters give 64 channels.
            channels-kept-rounded-down: output → (128, 32, _W3 - 1, _W3 - 1)
              64 filters give 64 channels. And seven moves and the first place make
              eight pixels.
            moves-not-halved: output → (128, 64, 15 - 1, 15 - 1)
              ⌊(15 − 1)/2⌋ + 1: with stride 2 there are half as many moves.
            channels-for-batch: output → (32, 64, _W3, _W3)
              32 is the depth of the input. The batch of 128 stays.
            sides-only: output → (_W3, _W3)
              That is the size of one map. Give all of (N, K, H2, W2).
            no-batch: output → (64, _W3, _W3)
              The batch stays: (N, K, H2, W2).
            one-image: output → (1, 64, _W3, _W3)
              The batch stays: all 128 images come out.
            output-channels-last: output → (128, _W3, _W3, 64)
              The channels come second: (N, K, H2, W2).
        """),
        hints=(
            "Solve W2 = ⌊(W1 − F + 2P)/S⌋ + 1 for what is asked.",
            "2: (32 − 3 + 2P)/2, rounded down, should be 15.",
            "3: how many of 15 pixels are numbers 0, 2, 4, …?",
        ),
    )
)

# --- 12.5: the block ------------------------------------------------------------------


add(
    Exercise(
        "12.5",
        "A block that may halve",
        level=3,
        cases=lambda: [  # shape of the input, then C1, C2, stride
            case((1, 2, 4, 5), 2, 2, 1),
            case((2, 2, 4, 5), 2, 4, 1),
            case((2, 2, 4, 6), 2, 4, 2),
            case((2, 3, 5, 7), 3, 6, 2),
            case((3, 4, 6, 5), 4, 4, 1),
            case((2, 4, 6, 5), 4, 4, 2),
            case((2, 2, 7, 8), 2, 5, 3),
        ],
        **by_function("12.5"),
        shown=on_input,
        # relu(y) + min(y, 0) is y: two of these end without a ReLU.
        wrong=in_rows("""
            second-strides: stride → 1; 1 → stride
              The shapes are right. But the second convolution strides here: the first
              would work on four times as many pixels.
            both-stride: 1 → stride
              Both convolutions stride, so the sides shrink twice and the shortcut no
              longer fits.
            stride-forgotten: stride → 1
              The shortcut strides and no convolution does, so they do not fit.
            stride-is-always-2: stride → 2
              Use `stride`: most blocks keep the sides.
            second-strides-by-2: 1 → 2
              The first convolution strides, by `stride`; the second has stride 1.
            C2-into-the-first: C1 → C2
              The first convolution takes the C1 channels of x.
            C1-into-the-second: C2 → C1
              The second convolution takes what the first puts out: C2.
            new-are-all: C2 - C1 → C2
              C1 of the C2 channels are there already: only C2 − C1 are new.
            new-are-old: C2 - C1 → C1
              These C1 channels are there already. C2 − C1 are new.
            new-negative: C2 - C1 → C1 - C2
              That is negative, and takes channels away.
            new-none: C2 - C1 → 0
              Where C2 is larger than C1, x has too few channels.
            new-shared-out: C2 - C1 → (C2 - C1) // 2
              All C2 − C1 new channels come after the old ones; none go before.
            no-shortcut: out + x → out
              The shortcut is missing: this is the plain twin.
            shortcut-only: out + x → x
              F(x) is missing: only the shortcut comes out.
            subtracted: out + x → out - x
              The shortcut is added. Here it is subtracted.
            mean: out + x → (out + x) / 2
              This is the mean of both. The block takes their sum.
            relu-twice: out + x → functional.relu(out) + x
              ReLU comes only after the addition. With a ReLU before it, F could only
              add, never take away.
            relu-before-the-addition: #6 → out.relu() + x) + (out.relu() + x).clip(max=0
              ReLU comes after the addition, once.
            no-last-relu: #6 → out + x) + (out + x).clip(max=0
              The last ReLU is missing, the one after the sum.
        """)
        | {
            "projected": Wrong(
                lambda C1, C2, stride: ResidualBlock(C1, C2, stride, project=True),
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


def _stages() -> list[Case]:
    return [  # shape of the input, then block, C1, C2, n, stride
        case((2, 2, 4, 4), Block, 2, 2, 1, 1),
        case((2, 2, 6, 8), Block, 2, 4, 2, 2),
        case((2, 2, 9, 7), Block, 2, 4, 4, 2),
        case((2, 2, 6, 5), Block, 2, 2, 2, 2),
        case((3, 3, 5, 6), plain, 3, 5, 3, 1),
        case((2, 2, 9, 8), plain, 2, 3, 2, 3),
    ]


def _shown_stage(name: str, each: Case) -> str:
    shape, block, *rest = each.args
    word = "Plain" if block is plain else "Block"
    numbers = ", ".join(map(str, rest))
    return f"{name}({word}, {numbers}) on an input {shape}"


add(
    Exercise(
        "12.6",
        "A stage",
        level=2,
        cases=_stages,
        **by_function("12.6"),
        shown=_shown_stage,
        wrong=in_rows("""
            all-stride: 1 → stride
              Only the first block strides. All the others have stride 1.
            none-strides: stride → 1
              The first block should get the stride.
            stride-is-always-2: stride → 2
              Use `stride`: stage 1 keeps the sides.
            C1-for-all: #5 → C1
              After the first block there are C2 channels, so the others take C2.
            never-widened: #2 → C1
              The first block should put out C2 channels.
            never-narrow: #1 → C2
              The first block gets C1 channels from the stage before.
            one-too-many: n - 1 → n
              There is one block too many: the first one counts, so n − 1 follow.
            one-missing: n - 1 → n - 2
              One block is missing: there are n in all, the first one included.
            no-others: n - 1 → 0
              That is the first block alone, and n are needed.
        """)
        | {
            "the-same-block": Wrong(
                lambda block, C1, C2, n, stride: nn.Sequential(
                    block(C1, C2, stride), *[block(C2, C2, 1)] * (n - 1)
                ),
                "That is one block used again and again, with the same weights. Make "
                "a new one each time round the loop.",
            ),
        },
        hints=(
            "The first block goes from C1 to C2, with the stride.",
            "n − 1 others follow, from C2 to C2, with stride 1.",
        ),
    )
)

# --- 12.7: the network ----------------------------------------------------------------


def _shown_network(name: str, each: Case) -> str:
    shape, n, *block = each.args
    return f"{name}({n}{', Plain' * bool(block)}) on an input {shape}"


add(
    Exercise(
        "12.7",
        "The whole network",
        level=2,
        # Sides of 8 are enough for two halvings, and quick.
        cases=lambda: [
            case((2, 3, 8, 9), 1),
            case((1, 3, 20, 16), 1),
            case((2, 3, 8, 12), 2, plain),
            case((2, 3, 32, 32), 1),
        ],
        **by_function("12.7"),
        shown=_shown_network,
        wrong=in_rows("""
            first-stage-strides: #3 → 2
              Stage 1 keeps the sides: only stages 2 and 3 begin with stride 2.
            second-stage-does-not: #5 → 1
              Stage 2 should begin with stride 2, like stage 3.
            not-padded: #1 → 0
              The first convolution keeps the sides: a 3×3 kernel needs padding 1.
            padded-twice: #1 → 2
              The first convolution keeps the sides: a 3×3 kernel needs 1, not 2.
            not-doubled-until-the-end: 32 → 16
              Stage 2 doubles the channels as well: 16, 32, 64.
            quadrupled: 32 → 64
              Channels double twice: 16, 32, 64.
            not-pooled: #7 → 8
              That leaves 8×8 numbers of each map. Only one should be left, the mean.
            not-averaged: #7 → 8; #8 → 64 * 8 * 8
              That is a weight for each of 8×8 places. Here the mean of each map is
              taken.
            dense-of-maps: #8 → 64 * 8 * 8
              After the mean there is one number for each map: 64.
            dense-swapped: #8 → 10; #9 → 64
              `Linear` is told first how many numbers come in, then how many go out.
            dense-of-64-scores: #9 → 64
              There is one score for each of ten classes.
            thousand-classes: #9 → 1000
              CIFAR-10 has ten classes.
            softmax: #9 → 10), nn.Softmax(dim=1
              No softmax at the end: `cross_entropy` contains it.
            relu-at-the-end: #9 → 10), nn.ReLU(
              No ReLU at the end: scores may be negative.
        """),
        hints=(
            "Each stage takes the channels that the one before puts out.",
            "Strides of the stages: 1, 2, 2.",
            "After the mean of each of 64 maps there are 64 numbers, for ten scores.",
        ),
    )
)

# --- 12.8 and 12.9: depth, learning rate ----------------------------------------------

_BLOCKS = 3 * 9
_CONVS = 2 * _BLOCKS  # in blocks

add(
    Exercise(
        "12.8",
        "Count",
        level=2,
        tolerance=1e-9,
        wrong=_wrong_values("""
            blocks: depth → _BLOCKS
              27 is the number of blocks; each has two convolutions.
            blocks-first-last: depth → _BLOCKS + 2
              Each of the 27 blocks has two convolutions.
            one-stage: depth → _CONVS // 3 + 2
              These are the 18 layers of one stage and the 2 outside the stages. There
              are three stages.
            one-stage-only: depth → _CONVS // 3
              18 are in one stage. There are three stages, and two layers outside.
            n: depth → 9
              9 is n, the number of blocks in one stage. Count their layers.
            without-first-and-last: depth → _CONVS
              Add the convolution before the stages and the dense layer.
            one-left-out: depth → _CONVS + 1
              Two layers stand outside the blocks: the first convolution *and* the dense
              layer, which has weights, too.
            projections-counted: depth → _CONVS + 4
              Shortcuts have no weights here, and lie beside the layers, not among them.
            batch-norm-in-blocks-counted: depth → 2 * _CONVS + 2
              By custom, batch norm is not counted, only convolutions and dense layers.
            batch-norm-counted: depth → 2 * (_CONVS + 1) + 1
              Batch norm is not counted, only the convolutions and the dense layer.
            every-stage: strided → 3
              Stage 1 has no such block: it keeps the 32×32 pixels.
            one-only: strided → 1
              Stages 2 *and* 3 begin with stride 2.
            none: strided → 0
              32 pixels become 16, then 8. What halves them?
            every-block: strided → _BLOCKS
              Then a single pixel would be left. Only the first blocks of stages 2 and
              3 have stride 2.
            all-of-a-stage: strided → 9
              Only the *first* block of a stage has stride 2, in two stages.
            all-but-stage-1: strided → 2 * 9
              Only the *first* block of stages 2 and 3 has stride 2.
            convolutions: strided → 4
              Two blocks have stride 2, and in each only the first convolution.
            projections: shortcuts → 16 * 32 + 32 * 64
              Those would be 1×1 convolutions. Here pixels are left out, and zeros
              filled in: nothing is learned.
            projections-with-biases: shortcuts → 17 * 32 + 33 * 64
              Those would be 1×1 convolutions with biases. Nothing is learned here.
            projections-with-batch-norm: shortcuts → 18 * 32 + 34 * 64
              Those would be 1×1 convolutions with batch norm. Nothing is learned here.
            projections-3×3: shortcuts → 9 * (16 * 32 + 32 * 64)
              Those would be 3×3 convolutions. Nothing is learned here.
            number-of-shortcuts: shortcuts → _BLOCKS
              That is how many shortcuts there are. What do they learn?
            shortcuts-that-widen: shortcuts → 2
              Two shortcuts change the shape. What do they learn for that?
            new-channels: shortcuts → 16 + 32
              That is how many channels of zeros are added. Zeros are not learned.
        """),
        hints=(
            "There are 3 stages of 9 blocks of 2 convolutions. What else is there?",
            "There is one block with stride 2 in stage 2, and one in stage 3.",
            "What does a shortcut learn that takes every second pixel and adds zeros?",
        ),
    )
)

add(
    Exercise(
        "12.9",
        "When to slow down",
        level=1,
        cases=lambda: [
            case(epoch, epochs, highest)
            for epochs, highest in ((4, 0.1), (5, 0.1), (164, 0.1), (10, 0.2))
            for epoch in sorted(
                {0, 1, epochs // 4, epochs // 2 - 1, epochs // 2, epochs // 2 + 1}
                | {epochs * 3 // 4 - 1, -(-epochs * 3 // 4), epochs - 1}
            )
        ],
        tolerance=1e-6,
        wrong=in_rows("""
            once-only: 100 → 10
              The rate never gets to a hundredth. From three quarters of the epochs on
              (0.75), it is divided by 100 in all.
            by-20: 100 → 20
              By 10, and then by 10 *again*: that is by 100, not by 20.
            by-1000: 100 → 1000
              By 10, and by 10 again, is by 10 · 10.
            divisors-exchanged: 100 → 10; 10 → 100
              The rate should be smallest late in the training. Here it rises again.
            by-100-at-once: 10 → 100
              After half of the epochs this rate is already a hundredth, and should be
              a tenth. (The first line is for three quarters.)
            halved: 100 → 4; 10 → 2
              Divide by 10 each time. Here it is halved.
            first-halved: 10 → 2
              After half of the epochs, divide by 10, not by 2.
            larger: 100 → 0.01; 10 → 0.1
              Dividing by 0.1 multiplies by 10: this rate grows.
            larger-in-the-end: 100 → 0.01
              Dividing by 0.01 multiplies by 100.
            larger-after-a-half: 10 → 0.1
              Dividing by 0.1 multiplies by 10.
            one-late: 0.75 → 1e-9 + 0.75; 0.5 → 1e-9 + 0.5
              Epochs count from 0: when half of them are done, epoch number epochs/2
              begins, and its rate is lower already.
            one-early: 0.75 → -1 + 0.75; 0.5 → -1 + 0.5
              This is one epoch early. Epochs count from 0, so half of them are done
              just before number epochs/2.
            thirds: 0.75 → 2 / 3; 0.5 → 1 / 3
              Divide after a half and three quarters. These are thirds.
            quarter: 0.75 → 0.5; 0.5 → 0.25
              Divide first after a half, then after three quarters.
            what-is-left: 0.75 → 0.25
              A quarter is what is left when three quarters are over.
            first-after-a-quarter: 0.5 → 0.25
              Divide the first time after a half, not after a quarter.
            never: 0.75 → 75; 0.5 → 50
              This rate never changes. Write 0.75 and 0.5: what follows the blank
              multiplies them by `epochs`.
        """),
        hints=(
            "Of 4 epochs, 0 and 1 have the highest rate, 2 a tenth, 3 a hundredth.",
            "Ask first whether three quarters are over. If so, divide by 100.",
        ),
    )
)

# --- 12.10: label smoothing -----------------------------------------------------------

add(
    Exercise(
        "12.10",
        "Never too sure",
        level=2,
        tolerance=1e-6,
        wrong=_wrong_values("""
            right-left-out: right → 0.9; other → 0.1 / 9
              The 0.1 is shared by all ten, the right class among them: 0.01 each.
            own-share-forgotten: right → 1 - 0.1
              The right class also gets its part of the shared 0.1.
            nothing-taken-away: right → 1
              The right class gives away 0.1 and gets a tenth of that back: 0.91.
            share-on-top-of-all: right → 1 + 0.1 / 10
              0.1 is taken away before it is shared, so the right class gets 1 − 0.1 and
              a tenth of 0.1.
            share-taken-away: right → 1 - 0.1 / 10
              All of 0.1 is taken away and shared; a tenth of it comes back.
            share-subtracted: right → 1 - 0.1 - 0.1 / 10
              The right class's part of the shared 0.1 is added, not subtracted.
            equal-share: right → 0.1 / 10
              Every class gets that. The right one gets 1 − s on top.
            not-shared: other → 0.1
              0.1 is for all of them together. Each gets a tenth of it.
            nine: other → 0.1 / 9
              It is shared by ten classes, not by nine.
            nine-rounded: other → 0.0111
              0.1 is shared by ten classes, not by nine.
            rest-shared: other → (1 - 0.1) / 10
              This shares the rest, 0.9. What is shared is s = 0.1.
            unsmoothed: other → 0
              That is without smoothing. With it, each gets a part of 0.1.
            smoothed-share: share → 1 - 0.1 + 0.1 / 10
              The question is about the loss without smoothing, −log of the share. For
              which share is that 0?
            unsmoothed-share: share → 1 - 0.1
              −log 0.9 = 0.105. Of which share is the −log equal to 0?
            guessing: share → 0.1
              −log 0.1 = 2.3, for a guess. Of which share is the −log equal to 0?
            half: share → 0.5
              −log 0.5 = 0.69. Of which share is the −log equal to 0?
            zero: share → 0
              −log 0 is infinite. Of which share is the −log equal to 0?
        """),
        hints=(
            "When ten share 0.1, how much does each get?",
            "The right class gets that, and 0.9.",
            "The loss is −log(share), and log 1 = 0.",
        ),
    )
)

# --- 12.11 and 12.12: the test --------------------------------------------------------


def _scored(N, classes, count, seed):
    # Images of different size of score and different level: scores do not compare.
    scores = 2 * _random(N, classes, seed=seed) + 5 * _random(N, 1, seed=seed + 1)
    scores[:, 0] += 6  # nor do the shares that images have of a class
    generator = torch.Generator().manual_seed(seed)
    return case(scores, torch.randint(classes, (N,), generator=generator), count)


_THREE = torch.tensor([[2.0, 1.0], [9.0, 9.5], [0.0, 3.0]])

add(
    Exercise(
        "12.11",
        "The worst",
        level=2,
        cases=lambda: [
            case(_THREE, torch.tensor([0, 0, 0]), 1),
            case(_THREE, torch.tensor([0, 0, 1]), 2),
            _scored(6, 3, 6, seed=1),
            _scored(20, 10, 5, seed=2),
            _scored(9, 4, 3, seed=3),
            _scored(7, 5, 0, seed=4),
            _scored(12, 3, 10, seed=5),
        ],
        wrong=in_rows("""
            best: #3 → right.argsort(descending=True)
              These are the best: their right class is *most* probable. The lowest
              should come first.
            softmax-over-images: #1 → 0
              Softmax went along the images. It is the classes of one image that share
              1: `dim=1`.
            least-sure: #2 → scores.argmax(dim=1)
              These are the images that the network is least sure of, right or wrong.
              Ask for the probability of the *label*.
            most-sure: #2 → scores.argmax(dim=1); #3 → right.argsort(descending=True)
              These are the images that the network is most sure of, right or wrong.
              Ask for the probability of the *label*.
            least-probable-class: #2 → scores.argmin(dim=1)
              That is the least probable class of each image. Ask for the probability of
              the *label*.
            class-0: #2 → 0
              That is class 0 of each image. Ask for its label.
            label-less-one: #2 → labels - 1
              Labels count from 0 already, as Python does.
            all-classes: #2 → :
              These are all classes of each image. Take only its label's.
            in-any-order: #3 → (scores.argmax(dim=1) != labels).nonzero()[:, 0]
              These are the images that are wrong, in the order of the data. The worst
              should come first.
            probabilities: #3 → right.sort().values
              These are the probabilities. Return the numbers of the images, which
              `argsort` finds.
            not-sorted: #3 → right
              These are the probabilities, in the order of the data. Return the numbers
              of the images, sorted: `argsort`.
            sort: #3 → right.sort()
              `sort` gives two tensors, values and places. `argsort` gives places.
            one-only: #3 → right.argmin()
              `argmin` and `argmax` find one image, and one number has no `[:count]`.
              Sort them all: `argsort`.
            ranks: #3 → right.argsort().argsort()
              Sorted twice, these are ranks: the place of each image among all.
            labels-sorted: #3 → labels.argsort()
              That sorts by class. Sort by the probability, `right`.
        """)
        | {
            "scores-compared": Wrong(
                lambda scores, labels, count: scores[
                    torch.arange(len(labels)), labels
                ].argsort()[:count],
                "Scores of different images cannot be compared. First take the softmax "
                "along an image's classes.",
            ),
        },
        hints=(
            "An image's probabilities add up to 1 along axis 1.",
            "`shares[row, label]` for each image is its label's probability.",
            "`right.argsort()` begins with the number of the smallest.",
        ),
    )
)


add(
    Exercise(
        "12.12",
        "The mirror test",
        level=1,
        cases=lambda: [
            case((1, 1, 1, 2), 2),
            case((1, 1, 2, 3), 2),
            case((2, 1, 3, 4), 3),
            case((3, 3, 5, 4), 10),
            case((4, 2, 2, 2), 4),
        ],
        run=looked,
        shown=lambda name, each: (
            f"{name}(network, images), images {each.args[0]}, {each.args[1]} classes"
        ),
        wrong=in_rows("""
            upside-down: 3 → 2
              That turns the image upside down: axis 2 holds the rows. Mirror left and
              right.
            both-axes: 3 → (2, 3)
              This turns the image by 180°. Mirror it left to right only.
            summed: 2 → 1
              That is the sum. The same class wins, but the loss changes. Take the mean.
            multiplied: 2 → 0.5
              Dividing by a half doubles the sum. Half of it is `/ 2`.
            quarter: 2 → 4
              There are two looks at each image, so divide by 2.
            by-images: 2 → len(images)
              The mean is over two looks at each image, not over images: divide by 2.
            not-mirrored: 3 → ()
              The mirror image is missing.
            batch-reversed: 3 → 0
              Axis 0 holds the images, so this adds the scores of another image.
            channels-reversed: 3 → 1
              Axis 1 holds the colours: this swaps red and blue.
            axis-counted-from-1: 3 → 4
              Axes count from 0, so the last one of (N, C, H, W) is 3.
        """)
        | {
            "mirror-only": Wrong(
                lambda network, images: network(images.flip(3)),
                "Only the mirror image was looked at. Add the scores of the image "
                "itself.",
            ),
            "images-averaged": Wrong(
                lambda network, images: network((images + images.flip(3)) / 2),
                "This averages the pixels. Average the scores.",
            ),
            "bracket": Wrong(
                lambda network, images: network(images) + network(images.flip(3)) / 2,
                "Division binds tighter than addition: only one of the two is halved.",
            ),
            "probabilities": Wrong(
                lambda network, images: reference("12.12")(
                    lambda x: network(x).softmax(dim=1), images
                ),
                "These are probabilities. Take the mean of the *scores*, which is what "
                "the loss needs.",
            ),
        },
        hints=(
            "Axes of (N, C, H, W): which one runs from left to right?",
            "The mean of two is their sum divided by two.",
        ),
    )
)
