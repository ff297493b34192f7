# %% [markdown] slideshow={"slide_type": "slide"}
# # 12 Practice: ResNet on CIFAR-10
#
# All parts are known; now they become one network, trained on photographs. Afterwards
# you can
#
# - prepare images for training and testing;
# - assemble a ResNet of any depth, and its plain twin;
# - train it, here or on a server, and read its errors.
#
# About 90 minutes. You need: lessons 06, 10 and 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 85 minutes with the exercises, 45 without. Training takes some five seconds, on drawn
# shapes. For CIFAR-10 itself run `make data` before, set DATA, and start the coffee
# break's run at "How long?": it is done when you reach the errors.

# %% slideshow={"slide_type": "skip"}
import math
import textwrap
from functools import partial
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.data import Batches, load
from helpers.drawing import BLACK, PALE_BLUE, PALE_ORANGE, Drawing
from helpers.exercises import answer, exercise, start
from helpers.networks import ResidualBlock
from helpers.networks.weights import he_initialise
from helpers.plots import show, show_images, show_lines, show_table
from helpers.training import RECIPES, train, triangle
from helpers.training.records import recordings
from lessons.l12_practice.explorer import error_explorer

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# CIFAR-10: 60 000 photographs of 32×32 pixels, ten classes; 10 000 of them are for
# testing. It must be downloaded (`make data`). Without it, drawn shapes **stand in**:
# 5000 for training, 1000 for testing, and every title says so.

# %% slideshow={"slide_type": "-"}
DATA = "shapes"  # "cifar10" after `make data`; numbers and pictures below then differ
data = load(DATA, device="cpu")
print(data.title)
print("train", *data.train.images.shape, "| test", len(data.test.labels))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
mean, std = data.mean[:, None, None], data.std[:, None, None]
pixels = ((data.train.images * std + mean) * 255).round()  # (N, 3, 32, 32), 0 to 255
firsts = [int((data.train.labels == k).nonzero()[0]) for k in range(10)]
show_images(
    {name.replace(" ", "\n"): pixels[i] for name, i in zip(data.classes, firsts)},
    alt="Ten small colour images in a row, one of each class, with scraps and noise "
    f"over them ({data.title}).",
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
#
# `Batches` does both. Its training batches are moved and mirrored; those for the test
# come as they are.

# %% slideshow={"slide_type": "fragment"}
test = Batches(*data.test, 128, shuffle=False)
moved = Batches(*data.train, 128, augment=True, pad_value=data.pad_value)
for name, batches in (("test", test), ("train", moved)):
    one, two = next(iter(batches))[0], next(iter(batches))[0]
    print(f"{name}: the first batch twice, the same images:", torch.equal(one, two))

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
print("the same:", torch.allclose(with_skip, without, atol=1e-5))

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
Plain = partial(ResidualBlock, plain=True)
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
# ## Train it
#
# The loop of lesson 06, with crops, mirror images and `rate`. So that it takes seconds:
# 8 layers, 3200 images of half the width and height. Global average pooling takes any
# size.


# %% slideshow={"slide_type": "-"}
def half(images):
    return functional.avg_pool2d(images, 2)  # (N, 3, 32, 32) → (N, 3, 16, 16)


# %% slideshow={"slide_type": "-"}
EPOCHS = 4
torch.manual_seed(0)
network = resnet(1)  # 8 layers
he_initialise(network)
optimizer = torch.optim.SGD(
    network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4
)
some = data.train.images[:3200], data.train.labels[:3200]
batches = Batches(*some, 32, augment=True, pad_value=data.pad_value)

# %% slideshow={"slide_type": "subslide"}
losses = []
for epoch in range(EPOCHS):
    optimizer.param_groups[0]["lr"] = rate(epoch, EPOCHS, highest=0.05)
    for images, labels in batches:
        loss = functional.cross_entropy(network(half(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

# %% slideshow={"slide_type": "-"}
network.eval()
with torch.no_grad():
    scores = network(half(data.test.images))  # (1000, 10)
accuracy = (scores.argmax(dim=1) == data.test.labels).float().mean().item()
print(f"{data.title}: test accuracy above 0.3:", accuracy > 0.3)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(8.4, 3.6))
mean = torch.tensor(losses).unfold(0, 20, 1).mean(dim=1)
at = [(k + 20) / len(batches) for k in range(len(mean))]
ax.plot(at, mean)
for epoch in (2, 3):
    ax.axvline(epoch, color=BLACK, linestyle=":")
    ax.text(epoch + 0.03, mean.max(), "rate / 10", va="top")
ax.set(xlabel="epochs", ylabel="loss, mean of 20 steps", title=data.title)
show(
    figure,
    "Training loss over four epochs: from above 2 it falls to well below, less and "
    "less noisy. Dotted lines after two and three epochs say: rate / 10.",
)

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
# ## The drop
#
# **Predict:** when the learning rate is divided by 10, what does the loss do?


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def show_runs(chosen, title):
    """Training loss and test accuracy by epoch; dots where the rate was divided."""
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.5))
    told = []
    for run, style in zip(chosen, ("-", "--", "-.", ":")):
        rows = run.history.rows
        epochs = [row.epoch for row in rows]
        cuts = [b.epoch - 1 for a, b in pairwise(rows)
                if b.learning_rate < 0.2 * a.learning_rate]  # fmt: skip
        for ax, name in zip(axes, ("train_loss", "test_accuracy")):
            values = [getattr(row, name) for row in rows]
            (line,) = ax.plot(epochs, values, style, label=run.name)
            dots = [values[epoch - 1] for epoch in cuts]
            ax.plot(cuts, dots, "o", color=line.get_color(), markersize=8)
            ax.set(xlabel="epoch", ylabel=name.replace("_", " "))
        after = " and ".join(map(str, cuts)) or "no epoch"
        told.append(f"{run.name}: loss from {rows[0].train_loss:.2f} to "
                    f"{rows[-1].train_loss:.2f}, test accuracy to "
                    f"{rows[-1].test_accuracy:.0%}, divided after {after}")  # fmt: skip
    axes[0].legend()
    names = " / ".join(dict.fromkeys(run.title for run in chosen))
    figure.suptitle(f"{title}\n{names}, recorded", fontsize=13)
    show(figure, f"Training loss and test accuracy by epoch. {'; '.join(told)}.")


# %% slideshow={"slide_type": "fragment"}
stepped = [run for run in runs.values() if run.settings["schedule"] == "steps"]
stepped = [run for run in stepped if run.network.startswith("resnet")]
if stepped:
    show_runs(stepped, "a dot: after this epoch, the rate is divided by 10")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Small steps go down into a valley that large ones jump across. After 82 of 164 epochs
# the drop is a cliff; in so short a run the loss was falling anyway.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Plain against residual, 56 layers
#
# The same data, recipe, seed and starting weights. **Predict:** which learns more
# slowly, and does it catch up?

# %% slideshow={"slide_type": "fragment"}
pair = [runs[name] for name in ("plain56_lecture", "resnet56_lecture") if name in runs]
if len(pair) == 2:
    show_runs(pair, "56 layers")
    lower = [b.train_loss < a.train_loss
             for a, b in zip(*(run.history.rows for run in pair))]  # fmt: skip
    print(f"ResNet's training loss is lower in {sum(lower)} of {len(lower)} epochs")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is my network right?
#
# Lectured: **above 91 %** test accuracy, and your ResNet is right. That takes the whole
# recipe: 164 epochs. Published, as error in % (He and others 2015, table 6):

# %% slideshow={"slide_type": "-"}
published = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}
show_table(
    ["ResNet, CIFAR-10", *map(str, published)],
    [
        ["error in %, published", *published.values()],
        ["accuracy in %", *[f"{100 - error:.2f}" for error in published.values()]],
    ],
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Why not 91 % here?
#
# **Predict:** ResNet-20, recorded, after 5 and after 16 epochs. Does it lack data, or
# time? Compare its accuracy in training with that in the test.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
short = [run for run in runs.values() if run.network == "resnet20"]
rows = [[run.name, run.title, len(run.history.rows),
         f"{run.history.rows[-1].train_accuracy:.1%}", f"{run.accuracy:.1%}"]
        for run in short]  # fmt: skip
show_table(["recorded run", "data", "epochs", "right in training", "in the test"], rows)
below = all(run.history.rows[-1].train_accuracy < 0.91 for run in short)
print("below 91 % in training too:", below)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Time. It has not yet learned its own training images (cropped, mirrored) to 91 %, and
# the test follows closely. The lecture's recipe has ten times as many epochs. What JPEG
# costs besides is not in these numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Much less?
#
# Look at the *training* loss first. Near 2.3: it learns nothing. Low, while
# the test is bad: are images normalised alike, is `eval()` called?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How long?
#
# The way back costs about twice the way forward; a multiply-add is two operations.
# **Predict:** how long do 16 epochs of ResNet-20 take on your computer?

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    work = layer_table(resnet(3), input_size=(3, 32, 32)).multiply_adds
per_epoch = 2 * 3 * work * 50_000
# Operations a second, for such narrow layers; the GPU's is a guess.
speeds = {"two cores": 2.2e11, "a large GPU": 1e13}
for epochs, name in ((5, "coffee break"), (16, "fast"), (164, "lecture")):
    times = [f"{where} {epochs * per_epoch / speed / 60:.1f} min"
             for where, speed in speeds.items()]  # fmt: skip
    print(f"{name}, {epochs} epochs:", ", ".join(times))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Run it
#
# The **coffee break** needs `make data` first: five fast epochs, to about 80 %, in some
# five minutes on two cores, as recorded above. Set `EPOCHS_NOW` to 5; to 16 for all of
# it; on a GPU, why not.

# %% slideshow={"slide_type": "-"}
EPOCHS_NOW = 0  # 5: the coffee break
if EPOCHS_NOW:
    result = train(resnet(3), load("cifar10"), "fast", EPOCHS_NOW)
    print(result.history.table(), f"\ntest accuracy {result.accuracy:.2%}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# `train` takes your network, or the name of one. It shows a bar; stopping it (Ctrl+C,
# or the notebook's stop button) keeps what was learned.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without a notebook
#
# On a server, in a terminal; `--resume` goes on after a stop, to the same weights:
#
# - `python -m helpers.training resnet20 --checkpoint run.pt --resume`
# - `python -m helpers.training plain56 --recipe lecture --record run.json`
#
# Several GPUs share each batch, and average their gradients, so that all copies of the
# network stay the same:
#
# - `torchrun --nproc-per-node=4 -m helpers.training resnet20`
#
# With `--data shapes` it needs no download; `--help` tells the rest.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sixteen epochs instead of 164
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
by_hand = -(truth * guess.log_softmax(dim=1)).sum(dim=1).mean()
theirs = functional.cross_entropy(guess, labels, label_smoothing=0.1)
print("PyTorch's label smoothing is the same:", torch.allclose(by_hand, theirs))

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
found = torch.as_tensor(worst(scores, data.test.labels, 6))
wrong = scores[found].argmax(dim=1) != data.test.labels[found]
print("all six are taken for something else:", wrong.all().item())

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
    both = torch.as_tensor(mirrored(network, half(data.test.images)))
one, two = (functional.cross_entropy(s, data.test.labels) for s in (scores, both))
print(f"{data.title}: the mirror test lowers the loss:", bool(two < one))

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
