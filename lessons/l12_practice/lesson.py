# %% [markdown] slideshow={"slide_type": "slide"}
# # 12 Practice: ResNet on CIFAR-10
#
# All parts are known; now they become one network, trained on photographs. Afterwards
# you can
#
# - prepare images for training and testing;
# - assemble a ResNet of any depth, and its plain twin;
# - train both, here or on a server, compare them, and read their errors.
#
# About 100 minutes. You need: lessons 06, 10 and 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 95 minutes with the exercises, 50 without. On drawn shapes both trainings take half a
# minute. For CIFAR-10 itself run `make data` before: with a GPU, start at "The plan for
# this computer" and talk on; without, its five epochs are a coffee break.

# %% slideshow={"slide_type": "skip"}
import math
import textwrap
import time
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import MaxNLocator
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.data import DATA, Batches, load
from helpers.device import best_device, has_bf16
from helpers.display import yes_no
from helpers.drawing import BLACK, PALE_BLUE, PALE_ORANGE, Drawing
from helpers.exercises import answer, exercise, start
from helpers.networks import ResidualBlock, cifar_resnet
from helpers.networks.weights import he_initialise
from helpers.plots import show, show_images, show_lines, show_table
from helpers.training import RECIPES, Options, fit, restore, triangle
from lessons.l12_practice.explorer import error_explorer
from lessons.l12_practice.pictures import pictures
from lessons.l12_practice.records import recordings

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# CIFAR-10: 60 000 photographs of 32×32 pixels, ten classes; 10 000 of them are for
# testing. `make data` fetches it, once. Where it is missing, drawn shapes **stand in**:
# 5000 for training, 1000 for testing, and every title says so.

# %% slideshow={"slide_type": "-"}
device = best_device()
data = load("cifar10", device)  # or its stand-in
print(data.title)
print("train", *data.train.images.shape, "| test", len(data.test.labels))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
images, labels = (part[:5000].cpu() for part in data.train)
mean, std = data.mean.cpu()[:, None, None], data.std.cpu()[:, None, None]
pixels = ((images * std + mean) * 255).round()  # (5000, 3, 32, 32), 0 to 255
firsts = [int((labels == k).nonzero()[0]) for k in range(10)]
show_images(
    {name.replace(" ", "\n"): pixels[i] for name, i in zip(data.classes, firsts)},
    alt=f"Ten small colour images in a row, one of each class ({data.title}).",
    columns=10,
    height=1.6,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where do the constants come from?
#
# Code for CIFAR-10 often begins with
# `Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))`, copied from project
# to project. Somebody once computed them: of each colour the mean and the standard
# deviation, over all training images and all pixels.
#
# **Predict:** why not over the test images as well?

# %% [markdown] slideshow={"slide_type": "fragment"}
# Whatever is learned, constants too, is learned from training images only. Otherwise
# the test would tell a little about itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.1: the constants
#
# Pixels are whole numbers from 0 to 255; the constants are meant for 0 to 1.


# %% slideshow={"slide_type": "-"}
@exercise("12.1")
def constants(pixels):
    """Mean and standard deviation of each channel: (N, C, H, W) → two of (C,)."""
    pixels = pixels / blank(255)
    return pixels.mean(dim=blank((0, 2, 3))), pixels.std(dim=blank((0, 2, 3)))


# %% slideshow={"slide_type": "fragment"}
print(f"{data.title}, the first {len(pixels)} training images")
ours = [torch.as_tensor(each) for each in constants(pixels)]
print("mean", [round(v, 2) for v in ours[0].tolist()])
print("std ", [round(v, 2) for v in ours[1].tolist()])
each = (pixels / 255).std(dim=(2, 3)).mean(dim=0)  # of each image, then the mean
print("not ", [round(v, 2) for v in each.tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last line is a famous slip: it leaves out how much *images* differ, and is too
# small. For CIFAR-10 it gives 0.2023, 0.1994, 0.2010, which much code still uses.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Same picture, other pixels
#
# A cat moved by three pixels is a cat, and so is its mirror image. So in training each
# image is **padded by 4** on each side, **cropped** to 32×32 at a random place, and
# **mirrored** or not. The network never sees quite the same image twice, and learns
# what stays the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.2: crop
#
# Pad with P zeros on each side, then cut out as many rows and columns as there were.


# %% slideshow={"slide_type": "-"}
@exercise("12.2")
def crop(image, top, left, P=4):
    """(C, H, W) → (C, H, W), its first row and column being top and left."""
    H, W = image.shape[1:]
    padded = functional.pad(image, (blank(P), blank(P), blank(P), blank(P)))
    return padded[:, blank(top) : blank(top + H), left : blank(left + W)]


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
star = pixels[firsts[4]]
places = [(4, 4), (0, 4), (8, 4), (4, 0), (4, 8), (0, 0)]
views = {f"{top}, {left}": crop(star, top, left) for top, left in places}
views["4, 4,\nmirrored"] = star.flip(-1)
show_images(
    views,
    alt="An image as it is (4, 4), moved down, up, right, left and into a corner, with "
    f"black where it was padded; and mirrored ({data.title}).",
    height=1.6,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.3: how many?
#
# How many `versions` of an image are there, moved, mirrored or both?
#
# CIFAR-10 has 50 000 training images; batches have 128. How many `steps` are an epoch,
# and how many images has the `last` batch?

# %% slideshow={"slide_type": "-"}
answer("12.3", versions=blank(162), steps=blank(391), last=blank(80))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A question from the session
#
# "Why do we use the random crop in training only?" **Predict** the answer.

# %% [markdown] slideshow={"slide_type": "fragment"}
# A test should give the same number each time, and the same task to everybody's
# network. So there is no randomness: to tensor, normalise, done.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.13: the pipeline
#
# As the class wrote it, with torchvision: what is done to each picture, one step after
# the other. `ToTensor` makes numbers from 0 to 1 of it, (3, 32, 32).
#
# Mind the order: padding adds *zeros*.

# %% slideshow={"slide_type": "-"}
from torchvision import transforms


@exercise("12.13")
def pipelines(mean, std):
    """What is done to a picture: in training, and in the test."""
    move = [
        transforms.RandomCrop(blank(32), padding=blank(4)),
        blank(transforms.RandomHorizontalFlip)(),
    ]
    numbers = [transforms.ToTensor(), transforms.Normalize(blank(mean), blank(std))]
    return transforms.Compose(blank(move + numbers)), transforms.Compose(blank(numbers))


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.14: the loaders
#
# A `DataLoader` asks a data set for one picture after the other, and makes batches of
# them. **Workers** are processes that do so while the network learns.

# %% slideshow={"slide_type": "-"}
from torch.utils.data import DataLoader


@exercise("12.14")
def loaders(train, test, workers=0):
    """Batches of 128 of the training images, and of the test images."""
    common = {"batch_size": blank(128), "num_workers": workers}
    return (
        DataLoader(train, shuffle=blank(True), **common),
        DataLoader(test, shuffle=blank(False), **common),
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What comes out
#
# `pictures` is torchvision's CIFAR-10, or the stand-in in the same form. **Predict**
# the shapes of a batch.

# %% slideshow={"slide_type": "-"}
train_steps, test_steps = pipelines(data.mean.tolist(), data.std.tolist())
sets = pictures(data, True, train_steps), pictures(data, False, test_steps)
train_loader, test_loader = loaders(*sets, workers=2)

# %% slideshow={"slide_type": "fragment"}
images, labels = next(iter(test_loader))
print(tuple(images.shape), tuple(labels.shape))
off = (images - data.test.images[:128].cpu()).abs().max().item()
print(f"from what `load` gives: off by {off:.1e} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All at once
#
# Each picture by itself, on the processor: that cannot feed a GPU. `Batches` keeps all
# images on the device, and moves and mirrors a whole batch in a few operations.
#
# **Predict:** how much faster is it?


# %% slideshow={"slide_type": "fragment"}
def speed(batches, count=10):
    """Images a second, once it is under way."""
    batches = iter(batches)
    next(batches)
    start = time.perf_counter()
    seen = sum(len(next(batches)[0].cpu()) for _ in range(count))
    return seen / (time.perf_counter() - start)


# %% slideshow={"slide_type": "fragment"}
batches = Batches(*data.train, 128, augment=True, pad_value=data.pad_value)
one_by_one, at_once = speed(train_loader), speed(batches)
print(f"one by one, two workers: about {one_by_one:.0f} images a second")
print(f"all at once: about {at_once / one_by_one:.0f} times as many")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it the same?
#
# Faster is worth nothing if the images are others. Your `crop` makes all 162 versions
# of one image. Let both ways draw it 2000 times. **Predict:** how often does each
# version come, if all are equally likely?

# %% slideshow={"slide_type": "-"}
image = pixels[0]
moved = [torch.as_tensor(crop(image, i, j)) for i in range(9) for j in range(9)]
versions = torch.stack([*moved, *[each.flip(-1) for each in moved]])
versions = ((versions / 255 - mean) / std).flatten(1)  # (162, 3072)


# %% slideshow={"slide_type": "-"}
def drawn_by(images):
    """Which version each image is, and how far off the worst pixel is."""
    images = images.flatten(1).cpu()
    which = torch.cdist(images, versions).argmin(dim=1)  # (N,)
    return which, (images - versions[which]).abs().max().item()


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
picture = transforms.ToPILImage()(image.byte())
draws = {"one by one": torch.stack([train_steps(picture) for _ in range(2000)])}
copies = data.train.images[:1].expand(2000, -1, -1, -1), data.train.labels[:2000]
batches = Batches(*copies, 2000, augment=True, pad_value=data.pad_value)
draws["all at once"] = next(iter(batches))[0]

# %% slideshow={"slide_type": "fragment"}
for name, images in draws.items():
    which, off = drawn_by(images)
    counts = which.bincount(minlength=162)
    few, many, seen = counts.min(), counts.max(), (counts > 0).sum()
    print(f"{name}: off by {off:.1e} (none is another image: {yes_no(off < 1e-4)})")
    print(f"  {seen} versions (all 162: {yes_no(seen == 162)})", end=", ")
    print(f"each {few} to {many} times (never over 30: {yes_no(many <= 30)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Twelve times on average, as chance has it. So from here on it is `Batches`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.4: shapes, backwards
#
# Which numbers make the shapes fit?
#
# 1. `Conv2d(3, 1, F)`: (1, 3, 32, 32) → (1, 1, 28, 28). `F`?
# 2. `Conv2d(16, 32, 3, stride=2, padding=P)`: (128, 16, 32, 32) → (128, 32, 16, 16).
#    `P`, and the shape of its `weight`?
# 3. `Conv2d(32, 64, 1, stride=2)` on (128, 32, 15, 15): its `output`?

# %% slideshow={"slide_type": "-"}
answer(
    "12.4",
    F=blank(5),
    P=blank(1),
    weight=blank((32, 16, 3, 3)),
    output=blank((128, 64, 8, 8)),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plan
#
# One convolution to 16 channels, three **stages** of n residual blocks each, the mean
# of each map, one dense layer. The first block of stages 2 and 3 halves the sides and
# doubles the channels.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
parts = [
    ("input", "3", "32×32"), ("conv 3×3", "16", "32×32"),
    ("n blocks", "16", "32×32"), ("n blocks", "32", "16×16"),
    ("n blocks", "64", "8×8"), ("mean", "64", ""), ("dense", "10", ""),
]  # fmt: skip
drawing = Drawing(840, 132)
for k, (name, channels, size) in enumerate(parts):
    x = 6 + 120 * k
    drawing.rect(x, 30, 96, 40, PALE_BLUE if k in (2, 3, 4) else "#ffffff", BLACK)
    if k in (3, 4):
        drawing.rect(x, 30, 24, 40, PALE_ORANGE, BLACK)
        drawing.text(x + 12, 14, "stride 2", 13)
    drawing.text(x + (60 if k in (3, 4) else 48), 50, name, 14)
    drawing.text(x + 48, 88, channels, 15, bold=True)
    drawing.text(x + 48, 112, size, 14)
    if k < 6:
        drawing.arrow(x + 97, 50, x + 118, 50, BLACK)
show(drawing, "The network for CIFAR-10: input 3×32×32; convolution 3×3, 16×32×32; n "
     "blocks, 16×32×32; n blocks, the first with stride 2, 32×16×16; n blocks, the "
     "first with stride 2, 64×8×8; mean, 64; dense, 10.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# "Why no 7×7 kernel, as ImageNet's has?" **Predict:** that one has stride 2, and a
# pooling with stride 2 behind it. What would be left of 32 pixels before the first
# block, and in the last stage of four?

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1))
    print(*stem(torch.empty(1, 3, 32, 32)).shape, "and, halved three times more, 1×1")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The shortcut that halves
#
# Lesson 11 had the block, and a shortcut across stages that learns nothing: every
# second pixel of x, and zeros for new channels.
#
# "Does the gradient get through, there too?" **Predict:** to what part of the pixels?

# %% slideshow={"slide_type": "fragment"}
block = ResidualBlock(16, 32, stride=2)
x = torch.ones(1, 16, 32, 32, requires_grad=True)
block.shortcut(x).sum().backward()  # the other way, through F, left out
print(f"it reaches {(x.grad != 0).float().mean().item():.0%} of them")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The others get theirs through F. That happens twice in the network; everywhere else
# the shortcut is x itself, and passes all of it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.5: a block that may halve
#
# C1 channels in, C2 out. With stride 2 the sides are halved: by which of the two
# convolutions?


# %% slideshow={"slide_type": "-"}
@exercise("12.5")
class Block(nn.Module):
    def __init__(self, C1, C2, stride):
        super().__init__()
        self.stride, self.new = stride, blank(C2 - C1)
        common = {"kernel_size": 3, "padding": 1, "bias": False}
        self.conv1 = nn.Conv2d(blank(C1), C2, stride=blank(stride), **common)
        self.norm1 = nn.BatchNorm2d(C2)
        self.conv2 = nn.Conv2d(blank(C2), C2, stride=blank(1), **common)
        self.norm2 = nn.BatchNorm2d(C2)

    def forward(self, x):
        out = functional.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        x = x[:, :, :: self.stride, :: self.stride]
        x = functional.pad(x, (0, 0, 0, 0, 0, self.new))  # channels of zeros, behind
        return functional.relu(blank(out + x))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many layers to skip?
#
# "One, two, or three?" **Predict** what a shortcut around a *single* convolution adds.

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
x, kernels = torch.randn(2, 4, 6, 7), torch.randn(4, 4, 3, 3)
copying = nn.init.dirac_(torch.empty(4, 4, 3, 3))  # of lesson 11: it copies
with_skip = functional.conv2d(x, kernels, padding=1) + x
without = functional.conv2d(x, kernels + copying, padding=1)
off = (with_skip - without).abs().max().item()
print(f"off by {off:.1e} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing that other weights could not do. Two layers with a ReLU between them can do
# more; three do as well, as in the bottleneck. The authors chose two here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Down-sampling in every block?
#
# It was asked more than once. **Predict:** with n = 3 there are nine blocks. If each
# halved the sides, what would be left of 32 pixels?

# %% slideshow={"slide_type": "fragment"}
side, sides = 32, []
for _ in range(9):
    side = math.ceil(side / 2)
    sides.append(side)
print(sides)

# %% [markdown] slideshow={"slide_type": "fragment"}
# One pixel, from the fifth block on. Only the *first* block of stages 2 and 3 halves;
# all the others keep sides and channels, and their shortcut is x itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.6: a stage
#
# `block` is a class such as yours: `block(C1, C2, stride)`.


# %% slideshow={"slide_type": "-"}
@exercise("12.6")
def get_layers(block, C1, C2, n, stride):
    """n blocks one after the other; only the first changes channels and sides."""
    layers = [block(blank(C1), blank(C2), blank(stride))]
    for _ in range(blank(n - 1)):
        layers.append(block(blank(C2), C2, blank(1)))
    return nn.Sequential(*layers)


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.7: the whole network
#
# As in the plan, for images of any size.


# %% slideshow={"slide_type": "-"}
@exercise("12.7")
def resnet(n, block=Block):
    """(N, 3, H, W) → (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(3, 16, kernel_size=3, padding=blank(1), bias=False),
        nn.BatchNorm2d(blank(16)),
        nn.ReLU(),
        get_layers(block, 16, 16, n, stride=blank(1)),
        get_layers(block, 16, blank(32), n, stride=blank(2)),
        get_layers(block, blank(32), 64, n, stride=2),
        nn.AdaptiveAvgPool2d(blank(1)),
        nn.Flatten(),
        nn.Linear(blank(64), blank(10)),
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.8: count
#
# With n = 9: how deep is it (layers with weights, one behind the other)? How many of
# its blocks have a stride of 2? How many parameters have all `shortcuts` together?

# %% slideshow={"slide_type": "-"}
answer("12.8", depth=blank(56), strided=blank(2), shortcuts=blank(0))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Twice n convolutions in each of three stages, one before, a dense layer behind:
# 6n + 2. So there are 8, 14, 20, 32, 44, 56, 110.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plain twin
#
# The same layers without the plus: `Plain`. **Predict:** has it fewer parameters? Does
# it work less?


# %% slideshow={"slide_type": "-"}
class Plain(ResidualBlock):
    def __init__(self, C1, C2, stride):
        super().__init__(C1, C2, stride, plain=True)


rows = []
for name, n, block in (
    ("ResNet-20", 3, Block), ("plain-20", 3, Plain),
    ("ResNet-56", 9, Block), ("plain-56", 9, Plain),
):  # fmt: skip
    with torch.device("meta"):
        table = layer_table(resnet(n, block), input_size=(3, 32, 32))
    rows.append([name, table.parameters, table.multiply_adds])
show_table(["network", "parameters", "multiply-adds"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# No difference. Whatever the two do differently later, it is the plus.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.9: when to slow down
#
# Large steps first, small ones later: the learning rate is divided by 10 after half of
# the epochs, and by 10 once more after three quarters. Epochs count from 0.


# %% slideshow={"slide_type": "-"}
@exercise("12.9")
def rate(epoch, epochs, highest):
    """The learning rate in an epoch."""
    if epoch >= blank(0.75) * epochs:
        return highest / blank(100)
    if epoch >= blank(0.5) * epochs:
        return highest / blank(10)
    return highest


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plan for this computer
#
# The lecture's recipe has 164 epochs. That is work for a GPU: a processor needs hours
# for each of the twins. So how much is trained depends on what is here, device and
# data. **It is yours to change**, in the last line.


# %% slideshow={"slide_type": "-"}
def plan():
    """Depth, epochs, and whether the plain twin learns, too."""
    if data.stand_in:
        return 20, 8, True  # seconds
    if device.type == "cuda":
        return 20, 164, True  # all of it
    return 20, 5, False  # a coffee break


depth, epochs, twin = plan()  # or your own: 56, 164, True

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One loop for both
#
# `fit` is the loop of lesson 06. It is told your `rate`, and on CIFAR-10 where to save
# the network after each epoch.
#
# Drawn shapes may be small: 1600 of them, at half the width and height, which global
# average pooling takes as well, in smaller batches, at a lower rate.

# %% slideshow={"slide_type": "-"}
count, size, highest = (1600, 16, 0.03) if data.stand_in else (50_000, 128, 0.1)
shrink = nn.AvgPool2d(2) if data.stand_in else nn.Identity()
some = [part[:count] for part in data.train]
test = Batches(*data.test, 1000, shuffle=False)
quick = not data.stand_in and has_bf16(device)  # numbers of 16 bits, if they are fast


# %% slideshow={"slide_type": "subslide"}
def built(block):
    """A network of this depth with He's start, on the device."""
    torch.manual_seed(0)
    network = nn.Sequential(shrink, resnet((depth - 2) // 6, block))
    he_initialise(network)
    return network.to(device)


# %% slideshow={"slide_type": "-"}
def learn(network, images, labels, epochs, saved=None):
    """Train it; a run that was saved goes on from there."""
    batches = Batches(images, labels, size, augment=True, pad_value=data.pad_value)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=highest, momentum=0.9, weight_decay=1e-4
    )
    schedule = lambda finished: rate(int(finished), epochs, highest=1)
    ways = {"bf16": quick, "channels_last": quick}  # see "Trick by trick" below
    options = Options(**ways, checkpoint=saved, resume=bool(saved))
    bar = bool(saved)  # on CIFAR-10
    return fit(network, batches, test, epochs, optimizer, schedule, options, bar)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How long?
#
# The way back costs about twice the way forward, and every image of every epoch goes
# both. **Predict:** how long does the plan take here? Ten batches, twice, will tell.

# %% slideshow={"slide_type": "fragment"}
twins = {f"ResNet-{depth}": Block, f"plain-{depth}": Plain}
if not twin:
    del twins[f"plain-{depth}"]
tried = learn(built(Block), *[part[: 10 * size] for part in some], epochs=2)
seconds = len(twins) * epochs * len(some[0]) / tried.rows[-1].images_per_second
print(f"{' and '.join(twins)}, {epochs} epochs: about {seconds / 60:.1f} min")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train
#
# Too long? The stop button ends it; on CIFAR-10 the network is then as after the last
# finished epoch, and the same cell goes on from there. (To start anew, delete
# `data/runs`.)

# %% slideshow={"slide_type": "-"}
networks, histories = {}, {}
for name, block in twins.items():
    saved = None if data.stand_in else DATA / "runs" / f"{name}_{epochs}.pt"
    networks[name] = built(block)
    histories[name] = learn(networks[name], *some, epochs, saved)
    if len(histories[name].rows) < epochs:
        break  # stopped
ended = {name: history.rows[-1] for name, history in histories.items() if history.rows}

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The drop, and the gap
#
# **Predict** both: what does the loss do when the rate is divided by 10? Which of the
# twins is better in *training*, which in the test?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.9))
for (name, history), style in zip(histories.items(), ("-", "--")):
    at = [row.epoch for row in history.rows]
    losses = [row.train_loss for row in history.rows]
    (line,) = left.plot(at, losses, style, label=name)
    for part, width in (("train", 1.2), ("test", 3)):
        errors = [100 - 100 * getattr(row, f"{part}_accuracy") for row in history.rows]
        look = {"color": line.get_color(), "linewidth": width}
        right.plot(at, errors, style, label=f"{name}, {part}", **look)
cuts = [e for e in range(1, epochs) if rate(e, epochs, 1) < rate(e - 1, epochs, 1)]
for ax, name in ((left, "training loss"), (right, "error in %")):
    for cut in cuts:
        ax.axvline(cut + 0.5, color=BLACK, linestyle=":", linewidth=1)
    ax.set(xlabel="epoch", ylabel=name)
    ax.legend(fontsize=11)
figure.suptitle(f"{data.title}; dotted: the rate is divided by 10", fontsize=13)
losses = {name: row.train_loss for name, row in ended.items()}
told = " and ".join(f"{name}'s ends at {loss:.2f}" for name, loss in losses.items())
if len(ended) == 2:
    told += f" ({min(losses, key=losses.get)}'s is lower: yes)"
show(
    figure,
    f"Loss, and errors in training and test, by epoch. Dotted lines where the rate is "
    f"divided by 10. {data.title}.\n"
    f"Training loss: {told}.",
)

# %% slideshow={"slide_type": "slide"}
print(data.title)
for name, row in ended.items():
    print(f"{name}, {row.epoch} epochs: {row.train_accuracy:.1%} in training", end=", ")
    good = yes_no(row.test_accuracy > 0.91)
    print(f"{row.test_accuracy:.1%} in the test (above 91 %: {good})")

# %% slideshow={"slide_type": "-"}
if len(ended) == 2:
    ours, plain = losses.values()
    higher = yes_no(plain > ours)
    print(f"training loss {ours:.2f}, plain {plain:.2f} (higher: {higher})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Where a plain network is behind, it is so in *training* already. It has not learned by
# heart what it should not, it learns less: the puzzle of lesson 11, in your own curves.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Long runs, on photographs
#
# Hours do not fit into a lesson, so runs were **recorded**: nothing below is computed
# here but the table and the pictures. Each line says what was run, on what, and when.

# %% slideshow={"slide_type": "-"}
runs = recordings()  # all in data/recorded
for name, run in runs.items():
    print(textwrap.fill(f"{name}: {run.provenance()}", 88, break_on_hyphens=False))
if not runs:
    print("No run is recorded here. How to record one: see the slide on servers.")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
rows = [
    [name, run.title, len(run.history.rows), f"{run.seconds / 60:.0f}",
     f"{run.history.rows[-1].train_loss:.3f}", f"{run.accuracy:.1%}"]
    for name, run in runs.items()
]  # fmt: skip
head = ["recorded run", "data", "epochs", "minutes", "last training loss",
        "test accuracy"]  # fmt: skip
show_table(head, rows or [["none", "", "", "", "", ""]])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same, for longer
#
# Both twins by the same recipe, seed and starting weights, with 20 layers and with 56.
# **Predict:** which pair differs more?


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def show_twins(layers):
    """Training loss and test accuracy by epoch; dots where the rate was divided."""
    names = f"resnet{layers}_lecture", f"plain{layers}_lecture"
    chosen = [runs[name] for name in names if name in runs]
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.5))
    told = []
    for run, style in zip(chosen, ("-", "--")):
        rows = run.history.rows
        at = [row.epoch for row in rows]
        cuts = [b.epoch - 1 for a, b in pairwise(rows)
                if b.learning_rate < 0.2 * a.learning_rate]  # fmt: skip
        for ax, name in zip(axes, ("train_loss", "test_accuracy")):
            values = [getattr(row, name) for row in rows]
            (line,) = ax.plot(at, values, style, label=run.name)
            dots = [values[epoch - 1] for epoch in cuts]
            ax.plot(cuts, dots, "o", color=line.get_color(), markersize=8)
            ax.set(xlabel="epoch", ylabel=name.replace("_", " "))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        after = " and ".join(map(str, cuts)) or "no epoch"
        told.append(f"{run.name}: loss from {rows[0].train_loss:.2f} to "
                    f"{rows[-1].train_loss:.2f}, test accuracy to "
                    f"{rows[-1].test_accuracy:.0%}, divided after {after}")  # fmt: skip
    axes[0].legend()
    names = " / ".join(dict.fromkeys(run.title for run in chosen))
    title = "recorded; a dot: then the rate is divided by 10"
    figure.suptitle(f"{names}\n{title}", fontsize=13)
    show(figure, f"Training loss and test accuracy by epoch. {'; '.join(told)}.")


# %% slideshow={"slide_type": "fragment"}
show_twins(20)

# %% slideshow={"slide_type": "subslide"}
show_twins(56)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Small steps go down into a valley that large ones jump across: that is the drop. With
# 56 layers, though in fewer epochs, the plain network is much further behind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is my network right?
#
# Lectured: **above 91 %** test accuracy, and your ResNet is right. That takes CIFAR-10
# and the whole recipe, 164 epochs. Published, as error in % (He and others 2015, table
# 6):

# %% slideshow={"slide_type": "-"}
published = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}
show_table(
    ["ResNet, CIFAR-10", *map(str, published)],
    [
        ["error in %, published", *published.values()],
        ["accuracy in %", *[f"{100 - error:.2f}" for error in published.values()]],
    ],
)


# %% slideshow={"slide_type": "subslide"}
def verdict(row):
    """What the last epoch's accuracy says of the network."""
    if data.stand_in:
        return "91 % is meant for CIFAR-10. Of drawn shapes it says nothing."
    if row.test_accuracy > 0.91:
        return "Above 91 %: your ResNet is right."
    if row.epoch < 164:
        return "Below 91 %, and too early to say: the recipe has 164 epochs."
    return "Below 91 % after all epochs: see the slide after the next."


if f"ResNet-{depth}" in ended:
    print(verdict(ended[f"ResNet-{depth}"]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not 91 % in the recorded runs?
#
# The best ResNet-20 among them had 48 epochs. **Predict:** does it lack time, or
# something else? Compare training and test.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
rows = [
    [run.name, run.title, len(run.history.rows),
     f"{run.history.rows[-1].train_accuracy:.1%}", f"{run.accuracy:.1%}"]
    for run in runs.values() if run.network == "resnet20"
]  # fmt: skip
show_table(["recorded run", "data", "epochs", "right in training", "in the test"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Something else: in training it is far above. Its images are copies of CIFAR-10 that
# went through **JPEG**, which smudges small pictures. A public ResNet-20, 91.73 % by
# its authors on the true ones, scores 81.03 % on these. Copies cannot show 91 %; for
# that there is `make data`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Much less?
#
# Look at the *training* loss first. Near 2.3: it learns nothing. Low, while
# the test is bad: are images normalised alike, is `eval()` called?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without a notebook
#
# While a cell trains, the notebook waits. In a terminal beside it, or on a server, the
# course's own ResNet-20 trains by the same recipe; `--resume` goes on after a stop:
#
# - `python -m helpers.training resnet20 --recipe lecture --checkpoint
#   data/runs/terminal.pt --resume`
#
# What it has reached can be read at any time, for all that follows below:

# %% slideshow={"slide_type": "-"}
network = networks[f"ResNet-{depth}"]
FROM_TERMINAL = False  # True: the network that the terminal trains
if FROM_TERMINAL:
    network = cifar_resnet(20).to(device)
    print(restore(network, DATA / "runs" / "terminal.pt").table())

# %% [markdown] slideshow={"slide_type": "subslide"}
# Several GPUs share each batch, and average their gradients, so that all copies of the
# network stay the same:
#
# - `torchrun --nproc-per-node=4 -m helpers.training resnet20`
#
# With `--data shapes` it needs no download; `--help` tells the rest.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fewer epochs
#
# The recipe `fast` trains the same network. **Predict** from the learning rates alone:
# why does it need fewer epochs?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fast, lecture = RECIPES["fast"], RECIPES["lecture"]
done = torch.linspace(0, 1, 201)[:-1]
shape = triangle(0.25, 1)
show_lines(
    100 * done,
    {
        "lecture": torch.tensor(
            [rate(d.item(), 1, lecture.learning_rate) for d in done]
        ),
        "fast": torch.tensor([fast.learning_rate * shape(d.item()) for d in done]),
    },
    "Learning rate by part of the training. Lecture: 0.1, then 0.01 from half, 0.001 "
    "from three quarters. Fast: a triangle, up from 0.1 to 0.5 in the first quarter, "
    "down to 0 at the end.",
    "part of the training in %",
    "learning rate",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Larger steps for most of the way. Such a rate at the very start would ruin the random
# weights: so it begins low, and rises first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trick by trick

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
reasons = {
    "batch_size": "fewer, less noisy steps bear a higher rate",
    "learning_rate": "the highest of the triangle",
    "nesterov": "the gradient is taken a step ahead",
    "weight_decay": "few epochs: shrink more in each",
    "decay_all": "batch norm's γ, β and biases are let alone",
    "label_smoothing": "be sure, but never too sure",
    "mirror_test": "in the test, two looks at each image",
    "channels_last": "memory as convolutions read it",
    "bf16": "numbers of 16 bits, where the hardware has them",
    "compiled": "steps merged, on a GPU",
}
plain = {True: "yes", False: "no"}
rows = [
    [key.replace("_", " "), *[plain.get(v) if isinstance(v, bool) else f"{v:g}"
     for v in (getattr(lecture, key), getattr(fast, key))], why]
    for key, why in reasons.items()
]  # fmt: skip
show_table(["", "lecture", "fast", "why"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first six change what is learned, the mirror test how it is tested, the last three
# only how long it takes. None changes the network.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.10: never too sure
#
# With **label smoothing** s is shared equally by all ten classes, the right one among
# them, which gets the rest, 1 − s, on top.
#
# With s = 0.1: what has the `right` class, what each `other`? Without smoothing: at
# which `share` for the right class is the loss zero?

# %% slideshow={"slide_type": "-"}
answer("12.10", right=blank(0.91), other=blank(0.01), share=blank(1))

# %% [markdown] slideshow={"slide_type": "fragment"}
# A share of 1 needs scores that are infinitely far apart: weights would grow forever.

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
guess, labels = torch.randn(4, 10), torch.tensor([3, 0, 9, 3])
truth = torch.full((4, 10), 0.01)
truth[range(4), labels] = 0.91

# %% slideshow={"slide_type": "-"}
by_hand = -(truth * guess.log_softmax(dim=1)).sum(dim=1).mean()
theirs = functional.cross_entropy(guess, labels, label_smoothing=0.1)
off = (by_hand - theirs).abs().item()
print(f"off by {off:.1g} (PyTorch's label smoothing is the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Read the errors
#
# One number hides much. Which images are wrong, and is the network sure of them?
#
# The **worst** image is the one whose right class got the lowest probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.11: the worst
#
# Mind: a low *score* may still be the highest of its image. Probabilities compare.


# %% slideshow={"slide_type": "-"}
@exercise("12.11")
def worst(scores, labels, count):
    """Numbers of the images whose right class is least probable, worst first."""
    shares = scores.softmax(dim=blank(1))
    right = shares[torch.arange(len(labels)), blank(labels)]
    return blank(right.argsort())[:count]


# %% slideshow={"slide_type": "fragment"}
network.eval()
with torch.no_grad():  # a thousand at a time, for the memory
    parts = [network(images) for images in data.test.images.split(1000)]
scores = torch.cat(parts)  # (N, 10)

# %% slideshow={"slide_type": "fragment"}
found = torch.as_tensor(worst(scores, data.test.labels, 6))
wrong = scores[found].argmax(dim=1) != data.test.labels[found]
shares = scores[found].softmax(dim=1)[range(6), data.test.labels[found]]
print(f"the right class has at most {shares.max():.1e}", end=" ")
print(f"(all six are taken for something else: {yes_no(wrong.all())})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Cell by cell
#
# The confusion matrix, and the images in its cells; it begins with your worst six.
# **Find**
#
# - the two classes that are confused most, and why;
# - an image that you get wrong, too;
# - one that is wrong with more than 80 %.

# %% slideshow={"slide_type": "subslide"}
error_explorer(data, scores)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A second look
#
# In training, mirror images were shown, at random. In the test they can be used without
# randomness: look at the image *and* its mirror image, and take the mean of the scores.
#
# **Predict:** does that help? What does it cost?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.12: the mirror test


# %% slideshow={"slide_type": "-"}
@exercise("12.12")
def mirrored(network, images):
    """Mean of the scores of images and mirror images: (N, C, H, W) → (N, classes)."""
    return (network(images) + network(images.flip(blank(3)))) / blank(2)


# %% slideshow={"slide_type": "fragment"}
with torch.no_grad():
    parts = [mirrored(network, images) for images in data.test.images.split(1000)]
both = torch.cat([torch.as_tensor(part) for part in parts])
print(data.title)
one, two = (functional.cross_entropy(s, data.test.labels) for s in (scores, both))
print(f"test loss {one:.3f}, with two looks {two:.3f} (lower: {yes_no(two < one)})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
tested = [run for run in runs.values() if run.mirrored is not None]
rows = [[run.name, run.title, f"{run.history.rows[-1].test_accuracy:.2%}",
         f"{run.mirrored:.2%}"] for run in tested]  # fmt: skip
head = ["recorded run", "data", "one look", "two looks"]
show_table(head, rows or [["none", "", "", ""]])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Mistakes on the two are not all the same, and the mean of two opinions is better than
# one. It costs twice the time of a test, nothing in training. When you compare
# networks, test both in the same way.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Random crops in the test.** Another number each time.
# - **Other constants in the test.**
# - **Stride 2 in every block,** or in both convolutions.
# - **C1 for all blocks.** After the first: C2.
# - **Softmax at the end.** The loss has its own.
# - **91 % after four epochs.** Too early.
# - **Settings chosen by the test.** Keep training images for that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Crop and mirror in training; nothing random in the test.
# - 6n + 2 layers; two blocks stride, no other.
# - The rate falls, the loss drops; above 91 % in the end.
# - Shortcuts: the same parameters and work, easier to train.
# - Read the errors, not only their number.
#
# Next: {next}. Source:
# [He and others 2015](https://arxiv.org/abs/1512.03385).
