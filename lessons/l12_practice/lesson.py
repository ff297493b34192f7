# %% [markdown] slideshow={"slide_type": "slide"}
# # 12 Practice: ResNet on CIFAR-10
#
# You know all the parts. Now you make one network of them and train it on photographs.
# After this lesson you can
#
# - prepare images for training and testing;
# - assemble a ResNet, and its plain twin;
# - train both, here or on a server, and read their errors.
#
# About 115 minutes. You need: lessons 06, 10 and 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 115 minutes with the exercises, 50 without. On the drawn shapes both trainings take
# half a minute. For CIFAR-10 itself, run `make data` beforehand. `make present` then
# runs all cells before the training. Start that on its slide and keep talking while it
# runs, or run the notebook the day before: networks are saved, and only read next time.

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
from helpers.data import DATA, Batches, load, photograph
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
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# CIFAR-10 is 60 000 photographs of 32×32 pixels in ten classes; 10 000 of them are kept
# for testing. `make data` downloads it once. Where it is missing, drawn shapes **stand
# in** for it, 5000 for training and 1000 for testing. Every title says which of the two
# you are looking at.

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
# `Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))`. "Where do these come
# from?" a student asked. Most people copy them. Somebody computed them once: the mean
# and the standard deviation of each colour, over all pixels of all training images.
#
# **Predict:** why not of the test images as well?

# %% [markdown] slideshow={"slide_type": "fragment"}
# Because whatever is learned, constants included, should be learned from the training
# images alone. Otherwise the network would know a little about the test before it
# takes it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.1: the constants
#
# The pixels are whole numbers from 0 to 255. The constants are meant for pixels from 0
# to 1.


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
each = (pixels / 255).std(dim=(2, 3)).mean(dim=0)  # in each image, then averaged
print("slip", [round(v, 2) for v in each.tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last line is a famous slip. It averages the deviation *inside* each image and
# leaves out how much the images differ, so it is too small. For CIFAR-10 that gives
# 0.2023, 0.1994, 0.2010, which a lot of code still uses.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Same picture, other pixels
#
# A cat moved by three pixels is still a cat, as is its mirror image. So in training
# each image is **padded by 4** on every side, **cropped** back to 32×32 at a random
# place, and **mirrored** half of the time. The network rarely sees the same pixels
# twice, and learns what stays the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.2: crop
#
# Pad the image with P zeros on each side, then cut out as many rows and columns as it
# had before.


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
# How many `versions` of one image can come out, moved, mirrored, both or neither?
#
# CIFAR-10 has 50 000 training images, and a batch takes 128 of them. How many `steps`
# make an epoch, and how many images are left for the `last` batch?

# %% slideshow={"slide_type": "-"}
answer("12.3", versions=blank(162), steps=blank(391), last=blank(80))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When is a mirror image wrong?
#
# In the practical session, photographs were mirrored with torchvision's
# `RandomHorizontalFlip`. **Predict:** for which of these would you rather not: flowers,
# digits, a line of text, traffic signs?
#
# Let us try the digits. Each test image gets the label of the training image most like
# it; then the same again with mirrored test images.

# %% slideshow={"slide_type": "fragment"}
digits = load("digits", device)
known = digits.train.images.flatten(1)  # (N, 64)
for name, looked_at in (
    ("as they are", digits.test.images),
    ("mirrored", digits.test.images.flip(-1)),
):
    away = torch.cdist(looked_at.flatten(1), known)  # cdist: all distances, (M, N)
    guesses = digits.train.labels[away.argmin(dim=1)]  # argmin: where it is smallest
    right = (guesses == digits.test.labels).float().mean().item()
    print(f"{name}: {right:.0%} right (more than half: {yes_no(right > 0.5)})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
some = {k: int((digits.test.labels == k).nonzero()[0]) for k in (0, 8, 2, 5, 7)}
upright = {str(k): digits.test.images[i, 0] for k, i in some.items()}
show_images(
    upright | {f"{name}, mirrored": image.flip(-1) for name, image in upright.items()},
    alt="Five handwritten digits, and below each its mirror image: a mirrored 0 "
    f"or 8 looks as before, a 5 looks like a 2, a 7 like no digit ({digits.title}).",
    columns=5,
    height=2,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A mirrored 0 or 8 still passes, but a 5 becomes a 2, and a 7 no digit at all. In a
# text, b becomes d; on a traffic sign, "turn left" becomes "turn right" and keeps the
# old label. So ask first: could the mirror image be a real one, *with the same label*?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A question from the session
#
# "Why do we use the random crop in training only?" **Predict** the answer.

# %% [markdown] slideshow={"slide_type": "fragment"}
# A test should give the same number every time, and set everybody's network the same
# task. So nothing in it is random: turn the picture into numbers, normalise, done.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.13: the pipeline
#
# This is how the session wrote it, with torchvision: `Compose` does one thing after the
# other to each picture, and `ToTensor` turns it into numbers from 0 to 1, of shape (3,
# 32, 32).
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
# A `DataLoader` asks a data set for one picture after another, and gathers them into
# batches. Its **workers** are processes that prepare the next batches while the network
# is still learning from this one. The session used four.

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
# `pictures` gives torchvision's CIFAR-10, or the stand-in in the same form.
# **Predict:** what shapes do the images and the labels of one batch have?

# %% slideshow={"slide_type": "-"}
train_steps, test_steps = pipelines(data.mean.tolist(), data.std.tolist())
sets = pictures(data, True, train_steps), pictures(data, False, test_steps)
train_loader, test_loader = loaders(*sets, workers=2)

# %% slideshow={"slide_type": "fragment"}
images, labels = next(iter(test_loader))
print(tuple(images.shape), tuple(labels.shape))
off = (images - data.test.images[:128].cpu()).abs().max().item()
print(f"compared with `load`: off by {off:.1e} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The centre crop
#
# Another question was whether a centre crop is the same as a random crop. It is not:
# the **centre crop** always cuts out the middle, and belongs in the *test*, if the
# photographs are larger than the network's input.
#
# **Predict:** a photograph is 384 pixels wide and 256 high. Where does its centre crop
# of 224×224 begin?

# %% slideshow={"slide_type": "fragment"}
photo = photograph("flower", height=256) / 255  # (3, 256, 384)
top, left = (photo.shape[1] - 224) // 2, (photo.shape[2] - 224) // 2
middle = photo[:, top : top + 224, left : left + 224]
theirs = transforms.CenterCrop(224)(photo)
print(f"row {top}, column {left} (torchvision's: {yes_no(theirs.equal(middle))})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
torch.manual_seed(1)
crops = {f"centre, {when}": transforms.CenterCrop(224)(photo) for when in ("1", "2")}
crops |= {f"random, {when}": transforms.RandomCrop(224)(photo) for when in ("1", "2")}
show_images(
    {"the photograph": 255 * photo, **{k: 255 * v for k, v in crops.items()}},
    alt="A photograph of a flower, wider than high; two centre crops of it, which are "
    "the same; two random crops, which begin at different places.",
    height=2.2,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing in a centre crop is random, so the result is the same each time; and what a
# photograph is about is usually near its middle. Networks for ImageNet are tested like
# this: scale the shorter side to 256, then crop the centre. CIFAR-10's images have the
# right size already, so there is nothing to crop.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All at once
#
# Taking each picture by itself, on the processor, is too slow to keep a GPU busy.
# `Batches` keeps all images on the device, and crops and mirrors a whole batch in a few
# operations.
#
# **Predict:** how many times faster is that?


# %% slideshow={"slide_type": "fragment"}
def speed(batches, count=10):
    """Images a second, not counting the first batch."""
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
# Being faster is worth nothing if the images come out differently. Your `crop` makes 81
# versions of one image; with their mirror images there are 162. Let each way draw one
# of them at random, 2000 times over. **Predict:** how often does each version come up,
# if all are equally likely?

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
picture = transforms.ToPILImage()(image.byte())  # byte: whole numbers, 0 to 255
draws = {"one by one": torch.stack([train_steps(picture) for _ in range(2000)])}
copies = data.train.images[:1].expand(2000, -1, -1, -1), data.train.labels[:2000]
batches = Batches(*copies, 2000, augment=True, pad_value=data.pad_value)
draws["all at once"] = next(iter(batches))[0]

# %% slideshow={"slide_type": "fragment"}
for name, images in draws.items():
    which, off = drawn_by(images)
    counts = which.bincount(minlength=162)  # bincount: how often 0, 1, 2, … occur
    few, many, seen = counts.min(), counts.max(), (counts > 0).sum()
    print(f"{name}: off by {off:.1e} (each is one of the 162: {yes_no(off < 1e-4)})")
    print(f"  {seen} versions (all 162: {yes_no(seen == 162)})", end=", ")
    print(f"each {few} to {many} times (30 at most: {yes_no(many <= 30)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# About twelve times each, more or fewer by chance. Both ways draw the same images, so
# from here on we use the fast one, `Batches`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.4: shapes, backwards
#
# Which numbers make these shapes fit?
#
# 1. `Conv2d(3, 1, F)`: (1, 3, 32, 32) → (1, 1, 28, 28). What is `F`?
# 2. `Conv2d(16, 32, 3, stride=2, padding=P)`: (128, 16, 32, 32) → (128, 32, 16, 16).
#    What is `P`, and what is the shape of the layer's `weight`?
# 3. `Conv2d(32, 64, 1, stride=2)` gets (128, 32, 15, 15). What is the shape of its
#    `output`?

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
# First comes one convolution to 16 channels, then three **stages** of n residual blocks
# each, then the mean of each map and one dense layer. The first block of stages 2 and 3
# halves the sides and doubles the channels.

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
# "Why is there no 7×7 kernel, as for ImageNet?" That one has stride 2, and a pooling
# layer with stride 2 follows it. **Predict:** of 32 pixels a side, how many would be
# left before the first block, and how many in the last of four stages?

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1))
    left_over = tuple(stem(torch.empty(1, 3, 32, 32)).shape)
print(left_over, "before the first block; halved three times more, 1×1")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The shortcut that halves
#
# In lesson 11 you built a shortcut between stages that learns nothing: it takes every
# second pixel of x, and fills the new channels with zeros.
#
# "Does the gradient pass through the skip as well?" **Predict:** what share of the
# pixels of x does it reach through this one?

# %% slideshow={"slide_type": "fragment"}
block = ResidualBlock(16, 32, stride=2)
x = torch.ones(1, 16, 32, 32, requires_grad=True)
block.shortcut(x).sum().backward()  # the other way, through F, left out
print(f"it reaches {(x.grad != 0).float().mean().item():.0%} of the pixels")

# %% [markdown] slideshow={"slide_type": "fragment"}
# One in four; the others get their gradient only through F. That happens just twice in
# the network. Everywhere else the shortcut is x itself, and all of the gradient passes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.5: a block that may halve
#
# C1 channels come in and C2 go out; `new` is how many channels of zeros the shortcut
# adds. With stride 2 the sides are halved: by which of the two convolutions?


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
# "Two layers or three?" students asked, and: why not one? Take a shortcut around a
# *single* convolution, with no ReLU anywhere: Wh + h. **Predict:** what can it compute
# that a convolution alone cannot?

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
h, W = torch.randn(2, 4, 6, 7), torch.randn(4, 4, 3, 3)
identity = nn.init.dirac_(torch.empty(4, 4, 3, 3))  # of lesson 11: it copies
with_skip = functional.conv2d(h, W, padding=1) + h
without = functional.conv2d(h, W + identity, padding=1)
off = (with_skip - without).abs().max().item()
print(f"off by {off:.1e} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing. Adding h only adds 1 in the middle of each channel's own kernel, so Wh + h is
# again a single convolution, with the kernel W + identity.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With the ReLU inside
#
# The session wrote its skip over one layer in another way: f(Wh + b) + h, with the
# non-linearity f *inside*. **Predict:** is that, too, just a layer f(W′h + b′) with
# other weights? Try one neuron by hand, with W = 1, b = 0 and f = ReLU.

# %% slideshow={"slide_type": "fragment"}
few = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
print("h          ", few.tolist())
print("relu(h) + h", (few.relu() + few).tolist())
print("relu(2h)   ", (2 * few).relu().tolist())  # W + identity is 2

# %% [markdown] slideshow={"slide_type": "subslide"}
# And what about the earlier convolution, with the kernels W and W + identity?

# %% slideshow={"slide_type": "fragment"}
with_skip = functional.conv2d(h, W, padding=1).relu() + h
without = functional.conv2d(h, W + identity, padding=1).relu()
off = (with_skip - without).abs().max().item()
below = (with_skip < 0).any() and not (without < 0).any()
print(f"the convolution: off by {off:.1f} (the same: {yes_no(off < 1e-5)})")
print(f"only the skip puts out negative numbers: {yes_no(below)}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So f(Wh + b) + h is no such layer, whatever the weights: f(W′h + b′) is never
# negative, and with the skip the output can be. Nor is it linear, for its slope changes
# from 1 to 2 at zero. So this skip does add something: with W = 0 and b = 0 it passes h
# on, negative numbers and all.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## So one, two or three?
#
# The session called it the designer's choice. He and others (2015, section 3.2) put the
# ReLU *after* the plus, so a single layer inside is the linear case: they saw no
# advantage in it. They took two layers in the small blocks, and three in the
# bottleneck.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Down-sampling in every block?
#
# More than one student asked. With n = 3 there are nine blocks. **Predict:** if each of
# them halved the sides, what would be left of 32 pixels?

# %% slideshow={"slide_type": "fragment"}
side, sides = 32, []
for _ in range(9):
    side = math.ceil(side / 2)  # ceil rounds up
    sides.append(side)
print(sides)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A single pixel, from the fifth block on. So only the *first* block of stages 2 and 3
# halves. All the others keep their sides and channels, and their shortcut is x itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.6: a stage
#
# `block` is a class like yours: `block(C1, C2, stride)` makes a new one. The blocks of
# a stage are built alike, but each has weights of its own.


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
# Build the network of the plan, for images of any size.


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
# Take n = 9. How deep is the network, counting layers with weights along the longest
# path? How many of its blocks have stride 2? And how many parameters do all its
# `shortcuts` have together?

# %% slideshow={"slide_type": "-"}
answer("12.8", depth=blank(56), strided=blank(2), shortcuts=blank(0))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each of the three stages has 2n convolutions; one more comes before them, and a dense
# layer after: 6n + 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How deep?
#
# The session took a ResNet-18, and said that 32 layers would do as well. **Predict:**
# which of the two can be built to our plan?

# %% slideshow={"slide_type": "fragment"}
for layers in (18, 20, 32):
    n = (layers - 2) / 6
    print(f"{layers} layers: n = {n:.3g} (possible: {yes_no(n == int(n))})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# ResNet-18 is ImageNet's: four stages of two blocks. With three stages there is no 18,
# and 20 comes closest. 32 layers take 1.7 times the work, and in the paper the error
# falls from 8.75 % to 7.51 % (He and others 2015, table 6).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Flatten before dropout?
#
# "Why do some people flatten, then apply dropout, then use a dense layer?" Our network
# has no dropout, as in the paper. But suppose there were some before `nn.Linear`.
# **Predict:** does it matter which comes first?

# %% slideshow={"slide_type": "fragment"}
maps = torch.ones(1, 4, 3, 3)  # four maps of 3×3
for name, layer in (("Dropout", nn.Dropout(0.5)), ("Dropout2d", nn.Dropout2d(0.5))):
    torch.manual_seed(0)
    zeros = (layer(maps) == 0).flatten(2).sum(dim=2)[0].tolist()
    print(f"{name:9} zeros in each map of nine: {zeros}")
torch.manual_seed(0)
first = nn.Dropout(0.5)(maps).flatten(1)
torch.manual_seed(0)
print("flatten first, the same:", yes_no(first.equal(nn.Dropout(0.5)(maps.flatten(1)))))

# %% [markdown] slideshow={"slide_type": "fragment"}
# For `Dropout` it does not: it drops single numbers, however they are arranged.
# `Dropout2d` drops whole maps, and once flattened there are no maps any more. So
# flattening first simply says: drop numbers, and forget where they stood.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plain twin
#
# `Plain` has the same layers, without the plus. **Predict:** does it have fewer
# parameters? Does it do less work?


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
# No difference at all. Whatever the twins do differently, the plus is the reason.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.9: when to slow down
#
# Large steps come first and small ones later: the learning rate is divided by 10 after
# half of the epochs, and by 10 once more after three quarters. Epochs count from 0.


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
# ## How many epochs?
#
# The session named no number. The paper counts in steps of 128 images: it stops after
# 64 000 steps, a number found while 5000 of the 50 000 training images were held back
# (He and others 2015, section 4.2). **Predict:** how many epochs does that make with
# 45 000 images, and with 50 000?

# %% slideshow={"slide_type": "fragment"}
for held_back in (5000, 0):
    left_over = 50_000 - held_back
    print(f"{left_over} images: {64_000 * 128 / left_over:.1f} epochs", end=", ")
    slower = [round(steps * 128 / left_over) for steps in (32_000, 48_000)]
    print("the rate divided after {} and {}".format(*slower))

# %% [markdown] slideshow={"slide_type": "fragment"}
# We train on all 50 000, so the whole recipe has 164 epochs. And your `rate` divides
# where the paper does: after a half and after three quarters of its steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The plan for this computer
#
# 164 epochs are a job for a GPU: a processor would need hours for each of the twins. So
# how much is trained depends on the device and the data that you have here. **Change it
# as you like**, in the last line.


# %% slideshow={"slide_type": "-"}
def plan():
    """Depth, epochs, and whether the plain twin learns, too."""
    if data.stand_in:
        return 20, 6, True  # seconds
    if device.type == "cuda":
        return 20, 164, True  # all of it
    return 20, 5, False  # a coffee break


depth, epochs, twin = plan()  # or your own: 56, 164, True

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One loop for both
#
# `fit` is the loop of lesson 06. It follows your `rate`, and on CIFAR-10 it saves the
# network after each epoch; `Options` holds such settings.
#
# The drawn shapes get a shorter training: 1600 of them at half the width and height,
# which global average pooling allows, in smaller batches and at a lower rate.

# %% slideshow={"slide_type": "-"}
count, size, highest = (1600, 16, 0.03) if data.stand_in else (50_000, 128, 0.1)
shrink = nn.AvgPool2d(2) if data.stand_in else nn.Identity()
some = [part[:count] for part in data.train]
test = Batches(*data.test, 1000, shuffle=False)
# bf16 numbers have 16 bits, not 32; has_bf16: whether this hardware computes with them
quick = not data.stand_in and has_bf16(device)


# %% slideshow={"slide_type": "subslide"}
def built(block):
    """A network of this depth with He's starting weights, on the device."""
    torch.manual_seed(0)
    network = nn.Sequential(shrink, resnet((depth - 2) // 6, block))
    he_initialise(network)
    return network.to(device)


# %% slideshow={"slide_type": "-"}
def learn(network, images, labels, epochs, saved=None):
    """Train it; a run that was saved goes on from where it stopped."""
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
# The backward pass costs about twice as much as the forward pass, and in every epoch
# every image goes through both. **Predict:** how long will the plan take here? Ten
# batches, run twice, will tell us.

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
# Too long? The stop button ends the run. On CIFAR-10 the network is then as it was
# after the last finished epoch, and the same cell, run again, goes on from there.
# (`DATA` is the folder `data`. To start afresh, delete `data/runs`.)

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
# **Predict** two things. What does the loss do when the rate is divided by 10? And
# which of the twins is better in *training*, which in the test?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.9))
for (name, history), style in zip(histories.items(), ("-", "--")):
    at = [row.epoch for row in history.rows]
    losses = [row.train_loss for row in history.rows]
    (line,) = left.plot(at, losses, style)
    for part, width in (("train", 1.2), ("test", 3)):
        errors = [100 - 100 * getattr(row, f"{part}_accuracy") for row in history.rows]
        look = {"color": line.get_color(), "linewidth": width}
        right.plot(at, errors, style, label=f"{name}, {part}", **look)
cuts = [e for e in range(1, epochs) if rate(e, epochs, 1) < rate(e - 1, epochs, 1)]
for ax, name in ((left, "training loss"), (right, "error in %")):
    for cut in cuts:
        ax.axvline(cut + 0.5, color=BLACK, linestyle=":", linewidth=1)
    ax.set(xlabel="epoch", ylabel=name)
figure.legend(loc="outside lower center", ncols=4, fontsize=11)
figure.suptitle(f"{data.title}; dotted: the rate is divided by 10", fontsize=13)
losses = {name: row.train_loss for name, row in ended.items()}
told = " and ".join(f"{name}'s ends at {loss:.2f}" for name, loss in losses.items())
if len(ended) == 2:
    told += f" ({min(losses, key=losses.get)}'s is lower: yes)"
show(
    figure,
    f"Loss, and errors in training and test, by epoch. Dotted lines: where the rate is "
    f"divided by 10. {data.title}.\n"
    f"Training loss: {told}.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The twins in numbers

# %% slideshow={"slide_type": "-"}
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
# Where the plain network is behind, it is behind in *training* already. So it has not
# learned its images by heart: it has learned less. That is the puzzle of lesson 11, in
# your own curves.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Long runs, on photographs
#
# Hours of training do not fit into a lesson, so some runs were **recorded**. Only the
# table and the pictures are made here; the numbers come from those runs. Below, each
# line says what was run, on which machine, and when.

# %% slideshow={"slide_type": "subslide"}
runs = recordings()  # all in data/recorded
for name, run in runs.items():  # fill breaks a long line
    print(textwrap.fill(f"{name}: {run.provenance()}", 88, break_on_hyphens=False))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
rows = [
    [name, run.title, len(run.history.rows), f"{run.seconds / 60:.0f}",
     f"{run.history.rows[-1].train_loss:.3f}", f"{run.accuracy:.1%}"]
    for name, run in runs.items()
]  # fmt: skip
head = ["recorded run", "data", "epochs", "minutes", "last training loss",
        "test accuracy"]  # fmt: skip
none = ["none here: see python -m helpers.training --help", *[""] * 5]
show_table(head, rows or [none])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same, for longer
#
# Both twins were trained with the same recipe, the same seed and the same starting
# weights, once with 20 layers and once with 56. **Predict:** which pair differs more?


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
    title = "recorded; at a dot the rate is divided by 10"
    figure.suptitle(f"{names}\n{title}", fontsize=13)
    show(figure, f"Training loss and test accuracy by epoch. {'; '.join(told)}.")


# %% slideshow={"slide_type": "fragment"}
show_twins(20)

# %% slideshow={"slide_type": "subslide"}
show_twins(56)

# %% [markdown] slideshow={"slide_type": "fragment"}
# At a dot the loss drops, because small steps go down into a valley that large ones
# keep jumping across. The runs with 56 layers are shorter, and yet their plain network
# is much further behind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is my network right?
#
# With a test accuracy **above 91 %**, the session said, your ResNet is right. That
# takes CIFAR-10 itself and the whole recipe, 164 epochs. These are the published errors
# (He and others 2015, table 6):

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
    """What the last epoch's accuracy says about the network."""
    if data.stand_in:
        return "The 91 % is meant for CIFAR-10. It says nothing about drawn shapes."
    if row.test_accuracy > 0.91:
        return "Above 91 %: your ResNet is right."
    if row.epoch < 164:
        return "Below 91 %, and too early to say: the recipe has 164 epochs."
    return 'Below 91 % after all epochs: see "Much less?", below.'


if f"ResNet-{depth}" in ended:
    print(verdict(ended[f"ResNet-{depth}"]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not 91 % in the recorded runs?
#
# The best ResNet-20 among them was trained for 48 epochs. **Predict:** does it lack
# time, or something else? Compare training with test.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
rows = [
    [run.name, run.title, len(run.history.rows),
     f"{run.history.rows[-1].train_accuracy:.1%}", f"{run.accuracy:.1%}"]
    for run in runs.values() if run.network == "resnet20"
]  # fmt: skip
show_table(["recorded run", "data", "epochs", "right in training", "in the test"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Something else, for in training it is above 91 %. Its images are copies of CIFAR-10
# that went through **JPEG**, which smudges small pictures. A public ResNet-20 reaches
# 91.73 % on the true images, as its author reports. We loaded its weights into the
# course's own network, and measured 81.03 % on these copies. Copies cannot show us the
# 91 %; `make data` fetches the true ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Much less?
#
# Look at the *training* loss first. If it stays near 2.3, which is −log(1/10), the
# network only guesses. If it is low but the test is bad, ask: are the test images
# normalised like the others, and is `eval()` called?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without a notebook
#
# While a cell trains, the notebook waits. In a terminal beside it, or on a server, you
# can train the course's own ResNet-20 with the same recipe; `--resume` goes on after a
# stop:
#
# - `python -m helpers.training resnet20 --recipe lecture --checkpoint
#   data/runs/terminal.pt --resume`
#
# You can load what it has learned so far at any time, and read its errors below:

# %% slideshow={"slide_type": "-"}
network = networks[f"ResNet-{depth}"]
FROM_TERMINAL = False  # True: the network that the terminal trains
if FROM_TERMINAL:
    network = cifar_resnet(20).to(device)  # cifar_resnet: the course's own, 20 layers
    # restore loads the saved weights, and gives the history of their training
    print(restore(network, DATA / "runs" / "terminal.pt").table())

# %% [markdown] slideshow={"slide_type": "subslide"}
# Several GPUs can share each batch. They average their gradients, so that all copies of
# the network stay identical:
#
# - `torchrun --nproc-per-node=4 -m helpers.training resnet20`
#
# With `--data shapes` no download is needed; `--help` lists the rest.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fewer epochs
#
# The recipe `fast` trains the same network. **Predict** from its learning rate alone:
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
    "Learning rate over the training. Lecture: 0.1, then 0.01 after half of it, 0.001 "
    "after three quarters. Fast: a triangle, up from 0.1 to 0.5 in the first quarter, "
    "then down to 0 at the end.",
    "part of the training in %",
    "learning rate",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# It takes larger steps for most of the way. At the very start, such steps would throw
# the random weights far off, so the rate begins low and rises first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trick by trick

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
reasons = {
    "batch_size": "steps with less noise can be larger",
    "learning_rate": "for fast, the top of the triangle",
    "nesterov": "the gradient is taken one step ahead",
    "weight_decay": "with few epochs, shrink the weights more in each",
    "decay_all": "fast leaves γ, β and biases alone",
    "label_smoothing": "be sure, but never too sure",
    "mirror_test": "in the test, two looks at each image",
    "channels_last": "numbers lie in the order in which convolutions read them",
    "bf16": "numbers of 16 bits, where the hardware has them",
    "compiled": "several operations merged into one, on a GPU",
}
plain = {True: "yes", False: "no"}
rows = [
    [key.replace("_", " "), *[plain.get(v) if isinstance(v, bool) else f"{v:g}"
     for v in (getattr(lecture, key), getattr(fast, key))], why]
    for key, why in reasons.items()
]  # fmt: skip
show_table(["", "lecture", "fast", "why"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first six change what is learned, the mirror test changes how the network is
# tested, and the last three save time (bf16 by rounding the numbers). None of them
# changes the architecture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.10: never too sure
#
# In the truth, the right class has a 1. **Label smoothing** takes a small part s of
# this 1, and shares it equally among all ten classes, the right one included. That one
# also keeps the rest, 1 − s.
#
# For s = 0.1, how much does the `right` class get, and how much does each `other`?
# Without smoothing, at which predicted `share` of the right class is the loss zero?

# %% slideshow={"slide_type": "-"}
answer("12.10", right=blank(0.91), other=blank(0.01), share=blank(1))

# %% [markdown] slideshow={"slide_type": "fragment"}
# A share of 1 needs scores that are infinitely far apart, so the weights would have to
# grow forever.

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
guess, labels = torch.randn(4, 10), torch.tensor([3, 0, 9, 3])
truth = torch.full((4, 10), 0.01)  # full: one number everywhere
truth[range(4), labels] = 0.91  # in row 0 at label 0, in row 1 at label 1, …

# %% slideshow={"slide_type": "-"}
by_hand = -(truth * guess.log_softmax(dim=1)).sum(dim=1).mean()
theirs = functional.cross_entropy(guess, labels, label_smoothing=0.1)
off = (by_hand - theirs).abs().item()
print(f"off by {off:.1g} (PyTorch's label smoothing is the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Read the errors
#
# One number hides a lot. Which images does the network get wrong, and how sure is it?
#
# The **worst** image is the one whose right class got the lowest probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 12.11: the worst
#
# Between images, scores cannot be compared: a low one may still be the highest of its
# image. Probabilities can, and `softmax` makes them from the scores.


# %% slideshow={"slide_type": "-"}
@exercise("12.11")
def worst(scores, labels, count):
    """Numbers of the images whose right class is least probable, worst first."""
    shares = scores.softmax(dim=blank(1))
    right = shares[torch.arange(len(labels)), blank(labels)]
    return blank(right.argsort())[:count]


# %% slideshow={"slide_type": "fragment"}
network.eval()
with torch.no_grad():  # a thousand at a time, to save memory
    parts = [network(images) for images in data.test.images.split(1000)]
scores = torch.cat(parts)  # (N, 10)

# %% slideshow={"slide_type": "fragment"}
found = torch.as_tensor(worst(scores, data.test.labels, 6))
wrong = scores[found].argmax(dim=1) != data.test.labels[found]
shares = scores[found].softmax(dim=1)[range(6), data.test.labels[found]]
print(f"their right classes got {shares.max():.1e} at most", end=" ")
print(f"(all six are taken for something else: {yes_no(wrong.all())})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Cell by cell
#
# Here is the confusion matrix, with the images in its cells. It starts with your worst
# six. **Find**
#
# - the two classes that are confused most often, and the reason;
# - an image that you get wrong, too;
# - one that is wrong with more than 80 % confidence.

# %% slideshow={"slide_type": "subslide"}
error_explorer(data, scores)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A second look
#
# In training, some images were mirrored at random. In the test, mirror images can be
# used without any randomness: let the network look at the image *and* at its mirror
# image, and take, for each class, the mean of its two scores.
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
# The two looks do not always fail together, so their mean is often better. Testing
# takes twice as long; training takes no longer than before. Compare networks by the
# same test.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Random crops in the test.** The result changes.
# - **Mirrored digits.** The label no longer fits.
# - **Other constants in the test.** Use those of the training images.
# - **Stride 2 in every block.** Soon one pixel is left.
# - **C1 for all blocks.** After the first block, C2 channels come in.
# - **Softmax at the end.** The loss has its own.
# - **Settings chosen by the test.** Hold back training images.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("12", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Crop and mirror in training; nothing random in the test.
# - 6n + 2 layers, and two blocks with stride 2.
# - When the rate falls, the loss drops; 164 epochs reach above 91 %.
# - Shortcuts cost no parameters, and make training easier.
# - Read the errors, not only their number.
#
# Next: {next}. Source:
# [He and others 2015](https://arxiv.org/abs/1512.03385).
