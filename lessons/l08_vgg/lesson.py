# %% [markdown] slideshow={"slide_type": "slide"}
# # 08 VGG
#
# Only 3×3 kernels, layer after layer, up to nineteen layers deep. After this lesson you
# can
#
# - say what a stack of small kernels sees, costs and can do, compared with one large
#   kernel;
# - build any VGG from a list;
# - say which layers hold its parameters, do its work and need its memory.
#
# About 85 minutes. You need: lessons 04 to 07.

# %% [markdown] slideshow={"slide_type": "notes"}
# 85 minutes with the exercises, 35 without. There are two parts: why 3×3 (up to "And
# with ReLU?"), then the network. Let the room find the error in the lecture's sum
# (exercise 08.9) before the table shows it. Training takes about five seconds in all.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision import models

from helpers import networks
from helpers.authoring import blank
from helpers.convolution import conv2d, receptive_field
from helpers.counting import layer_table
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import (
    BLUE, GREEN, GREY, ORANGE, PALE_BLUE, PALE_GREEN, PALE_ORANGE, WHITE, Drawing
)  # fmt: skip
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images, show_table
from helpers.training import evaluate, fit
from lessons.l08_vgg.explorer import stack_explorer
from lessons.look_back import look_back
from lessons.volumes import show_volumes

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One large kernel, or several small ones?
#
# AlexNet's first kernels are 11×11. VGG (Simonyan and Zisserman, Oxford, 2014) has 3×3
# kernels throughout, and more than halved AlexNet's top-5 error on ImageNet: 7.3 %
# against 16.4 %.
#
# **Predict:** how many pixels does one output see after two layers of 3×3? And after
# three?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
drawing, side, above = Drawing(840, 226), 24, 0
for x, widths, title in (
    (24, (1, 3, 5), "two layers of 3×3"),
    (204, (1, 5), "one of 5×5"),
    (428, (1, 3, 5, 7), "three layers of 3×3"),
    (654, (1, 7), "one of 7×7"),
):
    middle = x + side * widths[-1] / 2
    drawing.text(middle, 12, title, 15, bold=True)
    for k, width in enumerate(widths):
        y = 190 - 150 * (len(widths) - 1 - k) / (len(widths) - 1)
        for i in range(width):
            left = middle + (i - width / 2) * side
            last = k == len(widths) - 1
            drawing.cell(left, y, side, fill=PALE_ORANGE if last else WHITE)
        if k:
            for sign in (-1, 1):
                inner = (middle + sign * widths[k - 1] * side / 2, above)
                drawing.line([inner, (middle + sign * width * side / 2, y)], GREY, 1.5)
        above = y + side
show(
    drawing,
    "From the side: one output above three values above five pixels, two layers of "
    "3×3; beside it one output above five pixels. Then rows of 1, 3, 5 and 7, three "
    "layers of 3×3, beside one output above seven pixels.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do not believe the drawing
#
# Measure it. An output sees a pixel if it changes when that pixel changes; in other
# words, if its derivative with respect to that pixel is not 0. `backward` computes all
# these derivatives at once.

# %% [markdown] slideshow={"slide_type": "-"}
# ### Exercise 08.1: which pixels does it see?


# %% slideshow={"slide_type": "-"}
@exercise("08.1")
def seen(layers, image, i, j):
    """The pixels that output (i, j) depends on: (H, W), True or False."""
    image = image.clone().requires_grad_()  # (H, W)
    maps = layers(image[None, None])  # (1, 1, H2, W2)
    maps[0, 0, blank(i), blank(j)].backward()
    return blank(image.grad) != 0


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
stacks = {"two 3×3": [3, 3], "one 5×5": [5], "three 3×3": [3, 3, 3], "one 7×7": [7]}
fields = {}

# %% slideshow={"slide_type": "-"}
for name, kernels in stacks.items():
    layers = [nn.Conv2d(1, 1, F, padding=F // 2) for F in kernels]
    fields[name] = torch.as_tensor(
        seen(nn.Sequential(*layers), torch.randn(11, 11), 5, 5)
    )
print({name: int(field.sum()) for name, field in fields.items()})

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_images(
    {name: field.float() for name, field in fields.items()},
    alt="Four pictures of 11×11 pixels with a white square in the middle: 5×5 for two "
    "3×3 and for one 5×5, 7×7 for three 3×3 and for one 7×7.",
    height=2.4,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Two layers of 3×3 see the same 25 pixels as one of 5×5, and three see the same 49 as
# one of 7×7.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same view, at what price?
#
# With C channels in and C out, a layer of F×F has F·F·C·C weights.
#
# **Predict:** which is cheaper, two layers of 3×3 or one of 5×5?
#
# ### Exercise 08.2: the price of a view
#
# Count weights only. There are C = 10 channels before, between and after the layers.

# %% slideshow={"slide_type": "-"}
answer(
    "08.2",
    two_of_3=blank(2 * 9 * 100),
    one_of_5=blank(25 * 100),
    three_of_3=blank(3 * 9 * 100),
    one_of_7=blank(49 * 100),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# In letters: 18C² against 25C², and 27C² against 49C². The work shrinks in the same
# proportion, because at stride 1 each weight is used once for each pixel.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.3: any stack against one layer
#
# Compare n layers of F×F, at stride 1, with the one layer that sees as much. C² appears
# in both counts, so it cancels.


# %% slideshow={"slide_type": "-"}
@exercise("08.3")
def share(n, F):
    """Weights of the stack, as a part of the one layer's."""
    field = blank(n * (F - 1) + 1)  # what both see, along a side
    return blank(n * F * F / field**2)


# %% slideshow={"slide_type": "fragment"}
for n in (2, 3, 5, 10):
    print(f"{n:2} layers of 3×3: {share(n, 3):.0%} of one {2 * n + 1}×{2 * n + 1}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# Here are a stack and a single layer, seen from the side, and what they cost. **Find**
# a stack that needs less than a third of the single layer's weights, one that needs
# more than it, and something that every stack has more of.

# %% slideshow={"slide_type": "subslide"}
stack_explorer(F=3, layers=2, C=64)

# %% [markdown] slideshow={"slide_type": "notes"}
# Less than a third: five layers of 4×4 or more, four of 6×6 or more. More than the
# single layer: two or more layers with F = 1. A stack keeps more values, n·C for each
# pixel, and has more ReLUs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not 2×2?
#
# **Predict:** four layers of 2×2 see 5×5 as well. Are they cheaper than two of 3×3?

# %% slideshow={"slide_type": "-"}
for n, F in ((1, 5), (2, 3), (4, 2)):
    print(f"{n} of {F}×{F}: {25 * share(n, F):g} C²")

# %% slideshow={"slide_type": "fragment"}
for P in (0, 1):
    layer = nn.Conv2d(1, 1, kernel_size=2, padding=P)
    print(f"8 pixels, F = 2, P = {P}:", layer(torch.zeros(1, 1, 8, 8)).shape[-1])

# %% [markdown] slideshow={"slide_type": "fragment"}
# They are a little cheaper. But an even kernel has no middle: no amount of padding
# keeps the size, and each layer shifts the picture by half a pixel. Also, four layers
# keep four sets of maps. 3×3 is the smallest kernel with a left, a right and a middle.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And without ReLU in between?
#
# Take ReLU away. The first layer makes weighted sums of pixels, and the second makes
# weighted sums of those, which are weighted sums of pixels again.
#
# **Predict:** which single layer does the same as two of 3×3?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.4: two kernels as one
#
# Work in one dimension, without flipping: the kernel (w₁ w₂ w₃) turns three neighbours
# into w₁x₁ + w₂x₂ + w₃x₃. Which single kernel of five numbers does what these two do,
# one after the other?
#
# - (1 1 1), then (1 1 1)
# - (1 1 1), then (−1 0 1)

# %% slideshow={"slide_type": "-"}
answer(
    "08.4",
    twice_ones=blank([1, 2, 3, 2, 1]),
    ones_then_edge=blank([-1, -1, 0, 1, 1]),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.5: one kernel for two
#
# Each tap (each number) of the second kernel looks at a shifted copy of the first. Add
# up the copies.


# %% slideshow={"slide_type": "-"}
@exercise("08.5")
def compose(first, second):
    """The one kernel that does what first, then second do."""
    (m, n), (p, q) = first.shape, second.shape
    kernel = torch.zeros(blank(m + p - 1), blank(n + q - 1))
    for a in range(p):
        for b in range(q):
            kernel[a : a + m, b : b + n] += blank(second[a, b]) * blank(first)
    return kernel


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
blur, edge = torch.ones(3, 3), torch.tensor([[-1.0, 0, 1]] * 3)
show_grids(
    {"first": blur, "then": edge, "as one": torch.as_tensor(compose(blur, edge))},
    alt="A 3×3 kernel of ones, then a 3×3 kernel with columns −1, 0, 1. As one: 5×5, "
    "rows 1, 2, 3, 2, 1 times the columns −1, −1, 0, 1, 1.",
    side=30,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Equal, but for the last digits
#
# Try it with two random kernels and a random image.

# %% slideshow={"slide_type": "-"}
generator = torch.Generator().manual_seed(0)
image = torch.randn(12, 12, generator=generator)
first, second = torch.randn(2, 3, 3, generator=generator)

# %% slideshow={"slide_type": "-"}
one = conv2d(image, torch.as_tensor(compose(first, second)))  # 5×5
two = conv2d(conv2d(image, first), second)
bent = conv2d(torch.relu(conv2d(image, first)), second)

# %% slideshow={"slide_type": "-"}
for name, maps in {"two layers": two, "with ReLU in between": bent}.items():
    off = (maps - one).abs().max().item()
    print(f"{name}: off by {off:.1e} (equal to one 5×5: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** could some *other* 5×5 kernel equal the stack with ReLU?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And with ReLU?
#
# A single kernel is linear: if you change the sign of the image, the sign of its output
# changes, too. Does the stack do that?


# %% slideshow={"slide_type": "-"}
def bent_stack(image):
    return conv2d(torch.relu(conv2d(image, first)), second)


# %% slideshow={"slide_type": "-"}
turned = conv2d(-image, torch.as_tensor(compose(first, second)))
for name, maps in {"one 5×5": turned + one, "stack": bent_stack(-image) + bent}.items():
    off = maps.abs().max().item()  # opposite numbers add up to 0
    print(f"{name}: off by {off:.1e} (changes its sign: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So no single kernel, of whatever size, does what the stack with ReLU does. Fewer
# weights and more ReLUs: that is the argument for 3×3. (The authors tested it: with one
# 5×5 in place of each pair of 3×3, the top-1 error was, in their words, "7% higher";
# section 4.1 of their paper.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The rules of VGG-16
#
# - Input 224×224×3. All convolutions have F = 3, S = 1, P = 1, then ReLU.
# - Five stages have 2, 2, 3, 3 and 3 convolutions; each ends with max pooling, F = 2,
#   S = 2.
# - K = 64 in the first stage; it doubles from stage to stage, up to 512.
# - Then come three dense layers: 4096, 4096, 1000.

# %% [markdown] slideshow={"slide_type": "-"}
# ### Exercise 08.6: VGG-16 by its rules
#
# Give two lists: for each stage the number of maps, and how wide the output of its
# pooling is. And how many layers have weights?

# %% slideshow={"slide_type": "-"}
answer(
    "08.6",
    maps=blank([64, 128, 256, 512, 512]),
    sides=blank([112, 56, 28, 14, 7]),
    layers=blank(16),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In one picture

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
drawing = Drawing(840, 236)
drawing.rect(8, 10, 8, 168, PALE_ORANGE, GREY)
drawing.text(4, 196, "224×224", 12, anchor="start")
drawing.text(4, 214, "×3", 12, anchor="start")
convolutions, maps = (2, 2, 3, 3, 3), (64, 128, 256, 512, 512)
for stage, (count, K) in enumerate(zip(convolutions, maps)):
    side = 224 // 2**stage
    width, height = 8 + K / 32, max(0.75 * side, 14)
    middle = 122 + 122 * stage
    x = middle - (count * (width + 3) + 8) / 2
    for _ in range(count):
        drawing.rect(x, 94 - height / 2, width, height, PALE_BLUE, GREY)
        x += width + 3
    drawing.rect(x + 2, 94 - height / 4, 6, height / 2, ORANGE)
    drawing.text(middle, 196, f"{count} layers of {K}", 13, bold=True)
    drawing.text(middle, 216, f"{side}×{side} → {side / 2:.0f}", 12)
for k, neurons in enumerate((4096, 4096, 1000)):
    drawing.rect(700 + 48 * k, 94 - neurons / 60, 10, neurons / 30, PALE_GREEN, GREY)
    drawing.text(705 + 48 * k, 180, str(neurons), 12)
drawing.text(753, 200, "dense", 13, bold=True)
show(
    drawing,
    "Five stages of blue convolutions, 2, 2, 3, 3 and 3, lower and wider from stage to "
    "stage, each followed by an orange pooling layer; then three green dense layers of "
    "4096, 4096 and 1000.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** how much of the image does each of the last 7×7 outputs see?

# %% slideshow={"slide_type": "fragment"}
stages = [(3, 1)] * 2 + [(2, 2)] + [(3, 1)] * 2 + [(2, 2)]  # (F, S) of each layer
stages += ([(3, 1)] * 3 + [(2, 2)]) * 3
# receptive_field counts, as in lesson 04, what one output sees of the input.
print(receptive_field(stages), "of 224 pixels along a side")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.7: any VGG from a list
#
# In the list, a number stands for a convolution with that many filters, and "M" for a
# max-pooling layer: `[64, 64, "M", …]`.


# %% slideshow={"slide_type": "-"}
@exercise("08.7")
def vgg(configuration, side, neurons, classes, p=0.5):
    """From (N, 3, side, side) to (N, classes)."""
    layers, D1 = [], 3
    for K in configuration:
        if K == "M":
            layers.append(nn.MaxPool2d(blank(2)))
            side = blank(side // 2)
        else:
            layers += [nn.Conv2d(blank(D1), K, 3, padding=blank(1)), blank(nn.ReLU())]
            D1 = blank(K)
    layers += [nn.Flatten(), nn.Linear(blank(D1 * side * side), neurons)]
    layers += [nn.ReLU(), nn.Dropout(blank(p)), nn.Linear(neurons, neurons)]
    layers += [nn.ReLU(), nn.Dropout(p), nn.Linear(neurons, classes)]
    return nn.Sequential(*layers)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The real one
#
# VGG-19 has a fourth convolution in each of the last three stages. On the device "meta"
# tensors have a shape but no contents, so half a gigabyte of weights costs nothing.

# %% slideshow={"slide_type": "-"}
begin = [64, 64, "M", 128, 128, "M"]
vgg16 = [*begin, *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"]
vgg19 = [*begin, *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"]

# %% slideshow={"slide_type": "-"}
for name, configuration in (("VGG-16", vgg16), ("VGG-19", vgg19)):
    with torch.device("meta"):
        network = vgg(configuration, side=224, neurons=4096, classes=1000)
    table = layer_table(network, input_size=(3, 224, 224))
    print(name, f"{table.parameters:,} parameters".replace(",", " "))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A small one, to train
#
# Here is a VGG of seven narrow convolutions, for digits of 16×16 pixels (the real one
# learned from ImageNet). Three equal channels turn grey into "colour": `expand` shows
# the same channel three times, without copies. There is no dropout, because so small a
# network has nothing to spare.

# %% slideshow={"slide_type": "-"}
device = best_device()
digits = load("digits", device, size=16)
train = Batches(digits.train.images.expand(-1, 3, -1, -1), digits.train.labels, 16)
test = (digits.test.images.expand(-1, 3, -1, -1), digits.test.labels)

# %% slideshow={"slide_type": "-"}
small = [16, "M", 32, 32, "M", 64, 64, "M", 64, 64, "M"]


def learned(network):
    """Test accuracy after three epochs."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    fit(network, train, epochs=3, optimizer=optimizer, progress=False)
    return evaluate(network, [test]).accuracy


# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
network = vgg(small, side=16, neurons=128, classes=10, p=0)
accuracy = learned(network.to(device))
print(digits.title)
print(f"test accuracy {accuracy:.1%} (above 20 %: {yes_no(accuracy > 0.2)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why does it not learn?
#
# One in ten is what guessing would get. Follow some images through a fresh network.
# **Predict:** how much do its numbers still differ from image to image, layer by layer?


# %% slideshow={"slide_type": "-"}
def sizes(network):
    """How much each layer's output differs from image to image, on average."""
    x, found = test[0][:100], []
    for layer in network:
        x = layer(x)
        if hasattr(layer, "weight"):
            # std(dim=0): how far each number spreads over the images
            found.append(x.std(dim=0).mean().item())
    return found


# %% slideshow={"slide_type": "-"}
def started_well(network):
    """Random weights, scaled so that numbers keep their size from layer to layer."""
    for layer in network:
        if hasattr(layer, "weight"):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
lines = {}
starts = {"PyTorch's start": lambda network: network, "a better start": started_well}
for name, prepare in starts.items():
    torch.manual_seed(0)
    with torch.no_grad():
        fresh = prepare(vgg(small, side=16, neurons=128, classes=10, p=0))
        lines[name] = sizes(fresh.to(device).eval())
figure, ax = plt.subplots(figsize=(8.4, 3.2))
for (name, values), style in zip(lines.items(), ("o-", "s--")):
    ax.semilogy(range(1, len(values) + 1), values, style, label=name)
ax.set(xlabel="layer with weights", ylabel="differences between images")
ax.set_xticks(range(1, 11))
ax.legend()
show(
    figure,
    "Differences between images, layer by layer, on a logarithmic axis. With PyTorch's "
    "start they fall in a nearly straight line, by more than a thousand over ten "
    "layers; with a better start they keep their size.",
)

# %% slideshow={"slide_type": "-"}
for name, sides in lines.items():
    lost = sides[0] / sides[-1]
    print(f"{name}: divided by {lost:.0f} (more than 1000: {yes_no(lost > 1000)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With a better start
#
# The last layers hardly notice which image they get, and gradients fade in the same
# way. Larger weights at the start keep the differences and the gradients alive.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
network = started_well(vgg(small, side=16, neurons=128, classes=10, p=0))
accuracy = learned(network.to(device))
print(digits.title)
print(f"test accuracy {accuracy:.1%} (above 60 %: {yes_no(accuracy > 0.6)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# This start (He and others) came in 2015, after VGG. The authors of VGG trained VGG-11
# first, and copied its first four convolutions and its dense layers into the deeper
# networks. Later they found that an older scaled start, of 2010, would have done
# (section 3.1). Lessons 10 and 11 go on from here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where are the 138 million parameters?
#
# The lecture says that about 16 million are in the convolutions, and 122 million in the
# dense layers. Count for yourself.
#
# ### Exercise 08.8: weights of the convolutions


# %% slideshow={"slide_type": "-"}
@exercise("08.8")
def conv_weights(configuration, D1=3):
    """Weights of all 3×3 convolutions, without biases."""
    total = 0
    for K in configuration:
        if K != "M":
            total += blank(9 * D1 * K)
            D1 = blank(K)
    return total


# %% slideshow={"slide_type": "fragment"}
for name, configuration in (("VGG-16", vgg16), ("VGG-19", vgg19)):
    print(f"{name}: {conv_weights(configuration) / 1e6:.2f} million")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.9: the slide's sum
#
# For the dense layers, weights only, the lecture's slide has
#
# (512·7·7·4096) + (4096·4096) + (4096·1024) = ~122M
#
# One factor cannot be right: which number belongs in place of 1024? What is the first
# term, and what is the right total?

# %% slideshow={"slide_type": "-"}
answer(
    "08.9",
    instead_of_1024=blank(1000),
    fc6=blank(512 * 7 * 7 * 4096),
    total=blank(512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** with 1024 the sum would be larger still, 123.7 million. So where does 122
# come from?

# %% [markdown] slideshow={"slide_type": "fragment"}
# It is 102 + 16 + 4: each term was cut to whole millions, and then they were added.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Lectured, computed, published


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def million(number):
    return f"{number / 1e6:.2f}M"


tables, theirs, convs, denses = {}, {}, {}, {}
for depth in (16, 19):
    with torch.device("meta"):
        tables[depth] = layer_table(networks.vgg(depth), (3, 224, 224))
        theirs[depth] = layer_table(getattr(models, f"vgg{depth}")(), (3, 224, 224))
    for sums, kind in ((convs, "Conv2d"), (denses, "Linear")):
        sums[depth] = [
            sum(row.weights for row in table.rows if row.type == kind)
            for table in (tables[depth], theirs[depth])
        ]
with torch.device("meta"):
    alexnet_table = layer_table(networks.alexnet(), (3, 227, 227))
fc6 = next(row for row in tables[16].rows if row.name == "fc6")
fc6_theirs = next(row for row in theirs[16].rows if row.type == "Linear")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["weights of", "lectured", "computed", "torchvision", "why"],
    [
        ["convolutions, VGG-16", "~16M", *map(million, convs[16]), "no VGG has 16M"],
        ["convolutions, VGG-19", "", *map(million, convs[19]), ""],
        ["first dense layer", "~102M", *map(million, (fc6.weights, fc6_theirs.weights)),
         "102.76 cut to 102"],
        ["last dense layer", "4096·1024", *["4096·1000"] * 2, "1000 classes"],
        ["dense layers", "~122M", *map(million, denses[16]), "102 + 16 + 4"],
    ],
)  # fmt: skip

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["parameters of", "computed", "torchvision", "published"],
    [
        ["VGG-16", tables[16].parameters, theirs[16].parameters, "138M"],
        ["VGG-19", tables[19].parameters, theirs[19].parameters, "144M"],
        ["AlexNet", alexnet_table.parameters, "", "60M"],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The practice session calls AlexNet the largest network, and then corrects itself. It
# also says that VGG has fewer parameters than AlexNet; VGG has more than twice as many.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three costs
#
# Parameters are one of them, and work is another. The third is memory: to compute
# gradients, training keeps the output of each layer, for every image of the batch.
#
# **Predict:** where in VGG-16 are most parameters? Where is most of the work done? And
# where is most of the memory for activations?

# %% [markdown] slideshow={"slide_type": "fragment"}
# Count the outputs of a convolution and of its ReLU only once: after the ReLU, nobody
# needs the number before it.

# %% slideshow={"slide_type": "-"}
table = tables[16]
kept = [row for row in table.rows if row.type in ("Conv2d", "MaxPool2d", "Linear")]
activations = sum(row.activations for row in kept)
print(f"kept for one image: {activations / 1e6:.2f} million numbers")
print(f"of 4 bytes: {4 * activations / 1e6:.1f} MB; 128 images: "
      f"{128 * 4 * activations / 1e9:.2f} GB")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## VGG-16 to scale
#
# Here are the first two costs as squares. **Look** for the third: which boxes hold the
# most numbers?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_volumes("VGG-16", table, image=(3, 224, 224))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Layer by layer

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
figure, axes = plt.subplots(3, 1, figsize=(8.4, 4.7), sharex=True)
quantities = (
    ("activations", "activations kept", BLUE),
    ("multiply_adds", "multiply-adds", ORANGE),
    ("parameters", "parameters", GREEN),
)
for ax, (quantity, title, colour) in zip(axes, quantities):
    counts = [getattr(row, quantity) for row in kept]
    shares = [100 * count / sum(counts) for count in counts]
    ax.bar(range(len(kept)), shares, color=colour)
    ax.set_title(title, loc="left", pad=3)
    ax.set(ylabel="%", ylim=(0, 1.2 * max(shares)))
    for k, value in enumerate(shares):
        if value >= 2.5:
            ax.text(k, value, f"{value:.0f}", ha="center", va="bottom", fontsize=10)
names = [row.name.replace("_", ".") for row in kept]
axes[-1].set_xticks(range(len(kept)), names, rotation=60, ha="right", fontsize=10)
axes[-1].set_xlim(-0.6, len(kept) - 0.4)
show(
    figure,
    "VGG-16 layer by layer, in % of the network. Activations: 21 % in each of the "
    "first two layers, falling to nearly nothing. Multiply-adds: about 12 % in most "
    "layers of stages 1 to 4, less at both ends. Parameters: 74 % in fc6, 12 % in fc7.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Early layers need the memory, the middle does the work, fc6 has the parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stage by stage

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
parts = {f"stage {k}": (f"conv{k}_", f"pool{k}") for k in range(1, 6)}
parts["dense"] = ("fc",)
rows = []
for part, starts in parts.items():
    own = [row for row in kept if row.name.startswith(starts)]
    rows.append([
        part,
        f"{sum(4 * row.activations for row in own) / 1e6:.2f} MB",
        f"{sum(row.multiply_adds for row in own) / 1e9:.2f} G",
        million(sum(row.parameters for row in own)),
    ])  # fmt: skip
rows.append([
    "all",
    f"{4 * activations / 1e6:.2f} MB",
    f"{table.multiply_adds / 1e9:.2f} G",
    million(table.parameters),
])  # fmt: skip
show_table(["VGG-16, one image", "activations", "multiply-adds", "parameters"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# When the side is halved and the number of maps doubled, both in and out, a convolution
# has a quarter of the places and four times the weights. So it does the same work, with
# half of the activations.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 08.10: the largest batch
#
# Here is a simple model of training. Each parameter needs three numbers (weight,
# gradient, momentum), once; each activation needs one number, for each image. Every
# number takes 4 bytes.
#
# How many images fit into the memory? If not even the parameters fit, the answer is 0.


# %% slideshow={"slide_type": "-"}
@exercise("08.10")
def largest_batch(memory, parameters, activations):
    """Images that fit; memory in bytes, activations of one image."""
    left = memory - blank(3 * 4 * parameters)
    return max(0, blank(left // (4 * activations)))


# %% slideshow={"slide_type": "fragment"}
GB = 10**9
for memory in (2, 4, 8, 16, 24):
    batch = largest_batch(memory * GB, table.parameters, activations)
    print(f"{memory:2} GB: {batch} images")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the model leaves out
#
# - gradients of activations, a few layers at a time;
# - positions: for each maximum, pooling stores in 8 bytes where it was found. That
#   makes 73 MB per image, not 60;
# - room for fast convolutions to work in;
# - the GPU's own software, gaps in the memory, and the images themselves.
#
# So this is an upper limit. Start with half that batch, and watch the memory in use.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The trouble with 512×7×7
#
# fc6 joins each of 25 088 numbers to each of 4096 neurons by a weight of its own. These
# weights are three quarters of the network. **Predict:** in lesson 05, a layer without
# weights turned each map into one number. What would it save here?

# %% [markdown] slideshow={"slide_type": "-"}
# ### Exercise 08.11: without fc6 and fc7
#
# Average each map of 7×7, and go straight to 1000 classes. How many weights does the
# dense part have, and how many does the network have (its convolutions have
# 14 710 464)? How many times fewer is that than VGG-16's 138 344 128 weights (no
# biases), rounded?

# %% slideshow={"slide_type": "-"}
answer(
    "08.11",
    dense=blank(512 * 1000),
    network=blank(14710464 + 512 * 1000),
    times_fewer=blank(9),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Built, and counted

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):
    # networks.vgg(16) is VGG-16; AdaptiveAvgPool2d(1) takes the mean of each map.
    features = networks.vgg(16)[:31]  # up to the last pooling: (N, 512, 7, 7)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)]
    averaged = nn.Sequential(*features, *head)

# %% slideshow={"slide_type": "-"}
lean = layer_table(averaged, input_size=(3, 224, 224))
print("weights:", million(lean.weights), "in place of", million(table.weights))
print(f"work: {lean.multiply_adds / table.multiply_adds:.0%} of VGG-16's")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nine times fewer weights, but nearly the same work, because the work is in the
# convolutions. Counting cannot tell you what happens to the accuracy. But the next
# lesson's network averages its last maps, too, and it won in 2014, when VGG came
# second.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How deep?
#
# **Predict:** from 11 to 19 layers, what grows: parameters, work, memory? And does the
# error fall all the way?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
published = {11: "10.4 %", 13: "9.9 %", 16: "8.8 %", 19: "9.0 %"}
rows = []
for depth, error in published.items():
    with torch.device("meta"):
        each = layer_table(networks.vgg(depth), (3, 224, 224))
    numbers = sum(
        row.activations
        for row in each.rows
        if row.type in ("Conv2d", "MaxPool2d", "Linear")
    )
    rows.append([
        f"VGG-{depth}",
        million(each.parameters),
        f"{each.multiply_adds / 1e9:.2f} G",
        f"{4 * numbers / 1e6:.1f} MB",
        error,
    ])  # fmt: skip
show_table(
    ["", "parameters", "multiply-adds", "activations", "published top-5 error"], rows
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# (The errors are from the paper's table 3: one network, trained and tested at one
# scale.) Parameters hardly grow, work more than doubles, and from 16 to 19 layers
# nothing is gained. Why does depth stop helping? Lesson 11 asks again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **n·F pixels.** Each further layer adds F − 1.
# - **C once.** A layer has F·F·C·C weights.
# - **A stack without ReLU.** It is one kernel.
# - **Padding forgotten.** Then 3×3 eats two pixels a layer.
# - **Pooling counted as a layer.** VGG-16 has 16 layers *with weights*.
# - **Few weights, so little memory?** Activations grow with the batch.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("08", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Two 3×3 see 5×5 for 18C², not 25C²; three see 7×7 for 27C², not 49C².
# - Without ReLU, a stack is one kernel.
# - VGG-16: 138 357 544 parameters, three quarters in fc6.
# - Early layers need the memory; the middle does the work.
# - Deep networks need a good start.
#
# Next: {next}. Why not all sizes at once?
