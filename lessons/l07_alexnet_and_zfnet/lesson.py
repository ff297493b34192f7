# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 AlexNet and ZFNet
#
# LeNet's plan, a thousand times larger: the network of 2012. After this lesson you can
#
# - fill in a large network's table, by hand and by code;
# - say which layers hold parameters and which do the work;
# - check a published number, and find what is wrong with it.
#
# About 95 minutes. You need: lessons 03, 05 and 06.

# %% [markdown] slideshow={"slide_type": "notes"}
# 95 minutes with the exercises, 35 without. Allow 25 minutes for AlexNet's table, and
# give each part of the audience one row. Do not give the slide's errors away; let
# people find them. The measurement takes a few seconds.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.convolution import output_size
from helpers.counting import layer_table
from helpers.data import Batches, load, photograph
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    Drawing,
)
from helpers.exercises import answer, exercise, start
from helpers.networks import alexnet, lenet5, zfnet
from helpers.plots import show, show_grids, show_images, show_lines, show_table
from lessons.l07_alexnet_and_zfnet.explorer import cost_explorer
from lessons.look_back import look_back
from lessons.volumes import show_volumes

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A million photographs
#
# The ImageNet challenge (ILSVRC) offers 1.2 million photographs to learn from, in 1000
# classes, 120 of them breeds of dog. Many photographs show several things, so five
# guesses are allowed. The **top-5 error** is the share of images whose class is not
# among the five.
#
# **Predict:** what is the top-5 error of someone who guesses blindly?

# %% slideshow={"slide_type": "fragment"}
print(f"five of 1000 at random: {1 - 5 / 1000:.1%} wrong")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.1: top-5 error
#
# Each row of `scores` belongs to one image. `topk` finds its k highest scores, and
# `indices` says in which columns they stand: those are the classes. `any(dim=1)` is
# true for each row that holds at least one True.


# %% slideshow={"slide_type": "-"}
@exercise("07.1")
def top_error(scores, labels, k=5):
    """Part of the images whose label is not among the k highest scores."""
    best = scores.topk(blank(k), dim=1).indices  # (N, k)
    found = (best == blank(labels[:, None])).any(dim=1)  # (N,)
    return blank(1 - found.float().mean())


# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2012

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
winners = [  # year, who, top-5 error in %
    (2010, "features\nby hand", 28.2), (2011, "features\nby hand", 25.8),
    (2012, "AlexNet\n8 layers", 16.4), (2013, "Clarifai\n(Zeiler)", 11.7),
]  # fmt: skip
figure, ax = plt.subplots(figsize=(8.4, 3.1))
years = [f"{year}\n{who}" for year, who, _ in winners]
bars = ax.bar(years, [e for *_, e in winners], 0.55, color=[GREY, GREY, BLUE, BLUE])
ax.bar_label(bars, fmt="%.1f")
ax.axhline(5, color=ORANGE, linestyle="--")
ax.text(3.4, 6, "a person,\nabout 5", fontsize=12)
ax.set(ylabel="top-5 error, %", ylim=(0, 33), xlim=(-0.5, 4.2))
show(
    figure,
    "Top-5 errors of the winners: 28.2 % in 2010 and 25.8 % in 2011, both with "
    "features made by hand, 16.4 % by AlexNet in 2012, 11.7 % in 2013. A person: about "
    "5 %.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The year before, the error had fallen by 2.4 points; now it fell by 9.4. The 11.7 %
# of 2013 was reached by Clarifai, the company of Matthew Zeiler, one of ZFNet's two
# authors. The six networks of the ZFNet paper, averaged, reach 14.8 %. (ILSVRC, results
# pages of 2010 to 2013; Zeiler and Fergus 2013, table 2.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 16.4 % or 15.3 %?
#
# Other texts say that AlexNet won with 15.3 %. **Predict:** is one of the two numbers
# wrong?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
challenge, first = "the challenge's images", "first all of ImageNet, then these"
show_table(
    ["networks averaged", "learned from", "top-5 error"],
    [["1", challenge, "18.2 %"], ["5", challenge, "16.4 %"],
     ["1, a layer deeper", first, "16.6 %"], ["the five, and two more", "", "15.3 %"]]
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# Neither is wrong. Five networks, averaged, reach 16.4 % with the challenge's images
# alone. The 15.3 % took two more, which had first learned from all of ImageNet as it
# was in 2011: 15 million images in 22 000 classes. Either number would have won: the
# next team had 26.2 % (Krizhevsky and others 2012, table 2).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## AlexNet, as lectured
#
# AlexNet has five convolutions and three dense layers, with ReLU after each but the
# last, and three max pooling layers. The lecture pads nowhere: **P = 0**. The layers
# with weights are numbered from 1 to 8: conv1 to conv5, then fc6 to fc8 (fully
# connected; the lecture's FC1 to FC3).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
stages = [  # name, filters or neurons, what it does
    ("image", "227×227×3", ""), ("conv1", "K = 96", "F = 11, S = 4"),
    ("pool1", "", "F = 3, S = 2"), ("conv2", "K = 256", "F = 5"),
    ("pool2", "", "F = 3, S = 2"), ("conv3", "K = 384", "F = 3"),
    ("conv4", "K = 384", "F = 3"), ("conv5", "K = 256", "F = 3"),
    ("pool5", "", "F = 3, S = 2"), ("fc6", "4096", ""), ("fc7", "4096", ""),
    ("fc8", "1000", ""),
]  # fmt: skip
drawing = Drawing(846, 200)
for k, (name, depth, how) in enumerate(stages):
    x, y = 4 + 142 * (k % 6), 6 + 102 * (k // 6)
    colour = {"c": PALE_BLUE, "p": PALE_ORANGE, "f": PALE_GREEN}.get(name[0], "#ffffff")
    drawing.rect(x, y, 118, 80, colour, BLACK)
    drawing.text(x + 59, y + 18, name, 16, bold=True)
    lines = [text for text in (depth, how) if text]
    for row, text in enumerate(lines):
        drawing.text(x + 59, y + 42 + 20 * row, text, 14)
    if k % 6 < 5:
        drawing.arrow(x + 120, y + 40, x + 140, y + 40, BLACK)
show(
    drawing,
    "AlexNet as a row of boxes: image 227×227×3; conv1, K = 96, F = 11, S = 4; pool1, "
    "F = 3, S = 2; conv2, K = 256, F = 5; pool2 like pool1; conv3 and conv4, K = 384, "
    "F = 3; conv5, K = 256, F = 3; pool5 like pool1; fc6 and fc7, 4096; fc8, 1000.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 227 or 224?
#
# The paper says that images are 224 pixels wide, and that conv1's output is 55 wide.
# **Predict:** can both be true?

# %% slideshow={"slide_type": "fragment"}
for W1, P in ((224, 0), (227, 0), (224, 2)):
    print(f"W1 = {W1}, P = {P}: W2 = {output_size(W1, F=11, P=P, S=4)}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Not without padding. So everybody mends it in their own way: the lecture takes images
# of 227 pixels; torchvision, a library of ready-made networks for PyTorch, keeps 224
# and pads with P = 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.2: conv1 and pool1
#
# The image is 227×227×3. conv1 has 96 filters with F = 11, S = 4; then comes max
# pooling with F = 3, S = 2, whose windows overlap by one pixel. How wide are the two
# outputs? And how many weights does conv1 have, without biases?
#
# **Predict** first: thousands, or millions?

# %% slideshow={"slide_type": "-"}
answer("07.2", W2=blank(55), weights=blank(34848), pooled=blank(27))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.3: conv2 and pool2
#
# conv2 has 256 filters with F = 5, S = 1, P = 0; the same pooling follows. How wide are
# the two outputs, and how many weights does conv2 have? Think first: how deep is one of
# its filters?

# %% slideshow={"slide_type": "-"}
answer("07.3", W2=blank(23), weights=blank(614400), pooled=blank(11))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.4: conv3 to pool5
#
# Three convolutions in a row have 384, 384 and 256 filters, all with F = 3, S = 1,
# P = 0; then comes the same pooling. How wide is the output of each layer, and how many
# weights does conv5 have?

# %% slideshow={"slide_type": "-"}
answer(
    "07.4",
    conv3=blank(9),
    conv4=blank(7),
    conv5=blank(5),
    pool5=blank(2),
    conv5_weights=blank(884736),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a volume to a row
#
# A dense layer takes a row of numbers, but the output of pool5 is a volume. So the
# volume is **stretched** into a row: map after map, and each map row by row.

# %% slideshow={"slide_type": "-"}
volume = torch.arange(12).view(2, 2, 3)  # (C, H, W)
print(volume.flatten().tolist())

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"map 0": volume[0], "map 1": volume[1], "stretched": volume.flatten()[None]},
    alt="Two maps of 2×3: 0 to 5 in map 0, row by row, and 6 to 11 in map 1. "
    "Stretched: a row of 0 to 11. Number 8 is tinted in both.",
    side=38,
    lit={"map 1": [(0, 2)], "stretched": [(0, 8)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The number in map 1, row 0, column 2 stands at place 8. Any order would do, but the
# weights fit only the order in which they were learned.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.5: where in the row?
#
# At which place in the row does a number stand? Count from 0, as always. **Predict:**
# does it matter how many maps there are?


# %% slideshow={"slide_type": "-"}
@exercise("07.5")
def place(c, i, j, H, W):
    """Where map c, row i, column j of a (C, H, W) volume stands in the row."""
    return blank(c * H * W) + blank(i * W) + blank(j)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A dense layer is a convolution
#
# Each output of a dense layer, also called a **neuron**, has one weight for each number
# in the volume. So it is a filter as large as the volume, with only one place to stand.
# **Predict:** which shape must the weights be given, to serve as filters?

# %% slideshow={"slide_type": "fragment"}
volume = torch.randn(3, 8, 2, 4)  # (N, C, H, W)
dense = nn.Linear(8 * 2 * 4, 5)
kernels = dense.weight.view(5, 8, 2, 4)  # (K, C, H, W)
maps = functional.conv2d(volume, kernels, dense.bias)  # (3, 5, 1, 1)
off = (maps.flatten(1) - dense(volume.flatten(1))).abs().max().item()
print(f"off by {off:.1e} (the same numbers: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The convolution can do more: on a larger volume it finds several places to stand, and
# gives a map of scores. A dense layer fits one size only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.6: the dense layers
#
# How many numbers does fc6 see? And how many weights do the three dense layers have,
# with 4096, 4096 and 1000 neurons?
#
# **Predict:** is that more than the five convolutions have together?

# %% slideshow={"slide_type": "-"}
answer(
    "07.6",
    inputs=blank(1024),
    fc6=blank(4194304),
    fc7=blank(16777216),
    fc8=blank(4096000),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Let code do it
#
# Here is the whole network as a list, with K, F, S and P of each convolution, and with
# F and S of each pooling:

# %% slideshow={"slide_type": "-"}
lectured = [
    ("conv", 96, 11, 4, 0),
    ("pool", 3, 2),
    ("conv", 256, 5, 1, 0),
    ("pool", 3, 2),
    ("conv", 384, 3, 1, 0),
    ("conv", 384, 3, 1, 0),
    ("conv", 256, 3, 1, 0),
    ("pool", 3, 2),
    ("dense", 4096),
    ("dense", 4096),
    ("dense", 1000),
]

# %% slideshow={"slide_type": "-"}
names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
names += ["fc6", "fc7", "fc8"]

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.7: the weights of a network
#
# The loop goes through the list and keeps track of W and D. What does each layer leave
# for the next one?


# %% slideshow={"slide_type": "-"}
@exercise("07.7")
def count_weights(layers, W, D):
    """Weights of each layer, in order, for images of W×W×D."""
    counts = []
    for kind, *numbers in layers:
        if kind == "conv":
            K, F, S, P = numbers
            counts.append(blank(F * F * D * K))
            W, D = (W - F + 2 * P) // S + 1, blank(K)
        elif kind == "pool":
            F, S = numbers
            counts.append(blank(0))
            W = (W - F) // S + 1
        else:  # "dense"
            (N,) = numbers
            counts.append(blank(W * W * D * N))
            W, D = blank(1), blank(N)
    return counts


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The slide, and your code

# %% slideshow={"slide_type": "-"}
computed = dict(zip(names, count_weights(lectured, W=227, D=3)))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
slide = {  # as printed there, in millions
    "conv1": 0.034, "conv2": 0.6, "conv3": 0.8, "conv4": 1.327, "conv5": 0.8,
    "fc6": 4, "fc7": 16, "fc8": 4,
}  # fmt: skip
show_table(
    ["layer", "lectured", "computed"],
    [
        [name, "34K" if name == "conv1" else f"{millions}M", computed[name]]
        for name, millions in slide.items()
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Pooling has no weights. The slide gives a total of 27.55M. **Predict:** is the true
# total larger or smaller?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.8: the total of the slide
#
# Add up the slide's rows, in millions. Do you get 27.55? And which row is furthest from
# the computed number? (Write its name in quotes.)

# %% slideshow={"slide_type": "-"}
answer("07.8", rows_added=blank(27.561), worst=blank("fc7"))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The slide's rows are cut off where they should be rounded. Its total is smaller still,
# as if conv4 had been cut to 1.32:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
cut = sum(slide.values()) - slide["conv4"] + 1.32
show_table(
    ["total", "millions", "why"],
    [
        ["lectured", "27.55", "as printed"],
        ["its rows added", f"{sum(slide.values()):.3f}", "0.011 more than printed"],
        ["with conv4 cut to 1.32", f"{cut:.3f}", "cut once more: 27.55"],
        [
            "computed",
            f"{sum(computed.values()) / 1e6:.3f}",
            f"{sum(computed.values()):,} weights".replace(",", " "),
        ],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Parameters here, work there
#
# **Predict:** which layer holds most of the parameters, and which does most of the
# work? Then **find** out on the next slide, and also
#
# - what AlexNet and LeNet-5 have in common (`alexnet` and `lenet5` build them);
# - which layers produce most of the numbers that training must keep (the activations).

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):  # device: where to build; on "meta", shapes without numbers
    tables = {
        "AlexNet, as lectured": layer_table(alexnet("lectured"), (3, 227, 227)),
        "LeNet-5": layer_table(lenet5(), (1, 32, 32)),
    }

# %% slideshow={"slide_type": "subslide"}
cost_explorer(tables)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## AlexNet to scale
#
# You may halve a single layer. **Predict:** which one do you choose to save most
# parameters, and which one to save most work?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_volumes(
    "AlexNet, as lectured", tables["AlexNet, as lectured"], image=(3, 227, 227)
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two ends of one network
#
# As in LeNet-5, the dense layers hold most of the parameters, and the convolutions do
# most of the work. On the way back, training needs what each layer put out, and must
# keep it. Most of that comes from conv1, conv2 and their ReLUs: their maps are large.

# %% slideshow={"slide_type": "-"}
table = tables["AlexNet, as lectured"]
convolutions = [row for row in table.rows if row.type == "Conv2d"]
parameters = sum(row.parameters for row in convolutions) / table.parameters
work = sum(row.multiply_adds for row in convolutions) / table.multiply_adds
print(f"convolutions: {parameters:.1%} of the parameters, {work:.1%} of the work")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why ReLU?
#
# LeNet squeezes its numbers with tanh (`torch.tanh`). On its way back, a gradient is
# multiplied by the slope of each activation function (tanh, ReLU) that it passes.
# **Predict:** how steep is tanh at 3, and at −3?

# %% slideshow={"slide_type": "-"}
x = torch.linspace(-4, 4, 81, requires_grad=True)  # linspace: evenly spaced numbers
slopes = {}
for name, act in (("tanh", torch.tanh), ("ReLU", functional.relu)):
    # autograd.grad: the slope of the sum at each x; only one term contains that x
    (slopes[name],) = torch.autograd.grad(act(x).sum(), x)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_lines(
    x.detach(),
    slopes,
    "Slopes from −4 to 4. That of tanh is a bell, 1 at zero and nearly 0 beyond ±3. "
    "That of ReLU is 0 below zero and 1 above.",
    "x",
    "slope",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Through five layers
#
# Far from zero, tanh lets hardly any of the gradient through: it is **saturated**. ReLU
# lets all of it through, or, below zero, none.

# %% slideshow={"slide_type": "-"}
slope = (1 - torch.tanh(torch.tensor(2.0)) ** 2).item()
print(f"slope of tanh at 2: {slope:.3f}; five in a row: {slope**5:.7f}")
print(f"slope of ReLU at 2: {1.0}; five in a row: {1.0**5}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it faster? Measure
#
# We train the same small network twice, once with ReLU and once with tanh, from the
# same random numbers. How many steps does it take until the loss (its running mean) is
# below 0.1? We give up after 14 epochs, which are 322 steps.


# %% slideshow={"slide_type": "-"}
def network_with(act):
    """Three convolutions and two dense layers for 8×8 digits."""
    # *(…) puts what is in the brackets into the list of layers, one after the other.
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), act()),  # (N, 8, 8, 8)
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), act()),  # (N, 16, 4, 4)
        *(nn.Conv2d(16, 16, 3, stride=2, padding=1), act()),  # (N, 16, 2, 2)
        *(nn.Flatten(), nn.Linear(64, 64), act(), nn.Linear(64, 10)),
    )


# %% slideshow={"slide_type": "-"}
device = best_device()
digits = load("digits", device)
print(digits.title)


# %% slideshow={"slide_type": "subslide"}
def steps_needed(act, rate, epochs=14):
    """Steps until the running mean of the loss is below 0.1, or all there are."""
    torch.manual_seed(0)
    network, mean, step = network_with(act), 2.3, 0
    for p in network.parameters():
        # kaiming_normal_ in torch's nn.init draws random weights of a size that suits
        # ReLU (lesson 08); zeros_ sets biases to 0: they have one axis only, ndim 1.
        nn.init.kaiming_normal_(p) if p.ndim > 1 else nn.init.zeros_(p)
    network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    batches = Batches(*digits.train, batch_size=64)
    for _ in range(epochs):
        for images, labels in batches:
            loss = functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean, step = 0.9 * mean + 0.1 * loss.item(), step + 1
            if mean < 0.1:
                return step
    return step


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What came out
#
# **Predict:** does the same one win at every learning rate?

# %% slideshow={"slide_type": "-"}
for rate in (0.01, 0.1):
    relu, tanh = steps_needed(nn.ReLU, rate), steps_needed(nn.Tanh, rate)
    fewer = yes_no(relu < tanh)
    print(f"rate {rate}: ReLU {relu} steps, tanh {tanh} (fewer with ReLU: {fewer})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With small steps ReLU wins clearly. With steps ten times as large tanh wins, perhaps
# because its outputs stay between −1 and 1. (Both start from weights that suit ReLU.)
# Easy digits do not settle the question: on CIFAR-10, small colour photographs, with
# the best rate for each, ReLU learned six times as fast (Krizhevsky and others 2012,
# figure 1). Measure on your own data.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.9: AlexNet in PyTorch
#
# Build the convolutional part with 3w, 8w, 12w, 12w and 8w filters, for any w. With
# w = 32 it is AlexNet as lectured; the check uses small w.


# %% slideshow={"slide_type": "-"}
@exercise("07.9")
def features(w):
    """From (N, 3, 227, 227) to (N, 8w, 2, 2)."""
    return nn.Sequential(
        nn.Conv2d(3, 3 * w, kernel_size=blank(11), stride=blank(4)),  # 55×55
        nn.ReLU(),
        nn.MaxPool2d(blank(3), stride=blank(2)),  # 27×27
        nn.Conv2d(blank(3 * w), 8 * w, kernel_size=blank(5)),  # 23×23
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # 11×11
        nn.Conv2d(blank(8 * w), blank(12 * w), kernel_size=3),  # 9×9
        nn.ReLU(),
        nn.Conv2d(12 * w, blank(12 * w), kernel_size=3),  # 7×7
        nn.ReLU(),
        nn.Conv2d(12 * w, blank(8 * w), kernel_size=blank(3)),  # 5×5
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # 2×2
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## All of it
#
# Now the dense layers, with dropout (lesson 06) before the first two. On the device
# "meta" nothing is computed, so the count is there at once.

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):
    network = nn.Sequential(
        features(32),
        nn.Flatten(),
        *(nn.Dropout(0.5), nn.Linear(1024, 4096), nn.ReLU()),
        *(nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU()),
        nn.Linear(4096, 1000),
    )
weights = layer_table(network, (3, 227, 227)).weights
same = weights == sum(computed.values())
print(weights, "weights; as by your own code:", yes_no(same))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1.2 million are not enough
#
# What keeps AlexNet from learning its images by heart? Dropout, and **augmentation**:
# from photographs of 256×256, pieces of 224×224 are cut at random, and half of them
# mirrored. Mirrored, a monument is still a monument.
#
# The paper counts 2048 pieces from each photograph. **Predict:** at how many places can
# a window of 224 stand along 256?

# %% slideshow={"slide_type": "fragment"}
places = output_size(256, F=224)
print("the paper:", 32 * 32 * 2, "from 32 moves each way")
print("computed: ", places * places * 2, f"from {places} places each way")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
image = photograph("monument", height=256)[:, :, 64:320]  # (3, 256, 256)
corners = {"(0, 0)": (0, 0), "(9, 28)": (9, 28), "(30, 3)": (30, 3)}
pieces = {"the whole": image}
for name, (i, j) in corners.items():
    pieces[f"from {name}"] = image[:, i : i + 224, j : j + 224]
pieces["mirrored"] = pieces["from (9, 28)"].flip(-1)
show_images(
    pieces,
    "A photograph of a monument, three pieces cut from it at places that differ by "
    "some pixels, and one of them mirrored: all of them show the monument.",
    height=2.2,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two GPUs
#
# The authors' GPUs had 3 GB of memory each, too little for AlexNet. So they put half of
# the filters on one GPU and half on the other. In conv2, conv4 and conv5 a filter saw
# only the maps on its own GPU: the maps form two **groups**.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
layers = [("conv1", 48), ("conv2", 128), ("conv3", 192), ("conv4", 192), ("conv5", 128)]
drawing = Drawing(846, 214)
for k, (name, maps) in enumerate(layers):
    x = 100 + 152 * k
    drawing.text(x + 45, 12, name, 16, bold=True)
    for row, colour in enumerate((PALE_BLUE, PALE_ORANGE)):
        y = 32 + 106 * row
        drawing.rect(x, y, 90, 64, colour, BLACK)
        drawing.text(x + 45, y + 32, f"{maps} maps", 15)
        if k < 4:
            drawing.arrow(x + 92, y + 32, x + 150, y + 32, BLACK)
    if k == 1:  # conv3 sees the maps of both
        drawing.line([(x + 92, 72), (x + 150, 162)], BLACK, 2)
        drawing.line([(x + 92, 162), (x + 150, 72)], BLACK, 2)
drawing.text(6, 64, "GPU 0", 16, anchor="start", bold=True)
drawing.text(6, 170, "GPU 1", 16, anchor="start", bold=True)
show(
    drawing,
    "Two rows, one for each GPU, of five layers: 48, 128, 192, 192 and 128 maps on "
    "each. From one layer to the next the arrows stay on their own GPU, except into "
    "conv3, where they also cross.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# You know the idea from lesson 06: all but one of the maps in LeNet's C3 saw only
# some maps of S2. **Predict:** what do two groups do to the number of weights?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.10: weights in groups
#
# The D1 maps and the K filters are shared out equally among the groups, and each filter
# sees only the maps of its own group.


# %% slideshow={"slide_type": "-"}
@exercise("07.10")
def grouped_weights(D1, K, F, groups):
    """Weights of K filters of F×F in groups, biases left out."""
    depth = blank(D1 // groups)  # maps that one filter sees
    return blank(K) * blank(F * F) * depth


# %% slideshow={"slide_type": "fragment"}
conv2 = nn.Conv2d(96, 256, kernel_size=5, groups=2)
print("PyTorch:", tuple(conv2.weight.shape), conv2.weight.numel())
print("yours:  ", grouped_weights(96, 256, 5, groups=2))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Neighbours in competition
#
# After conv1 and conv2 the paper has one more layer, **local response normalisation**
# (`nn.LocalResponseNorm`): where the neighbouring maps are strong, a number gets
# weaker. This layer learns nothing.

# %% slideshow={"slide_type": "-"}
norm = nn.LocalResponseNorm(size=5, alpha=5e-4, beta=0.75, k=2)
x = torch.tensor([0.0, 0, 10, 0, 0, 0, 10, 200, 10]).view(1, 9, 1, 1)  # nine maps
print([round(v, 1) for v in norm(x).flatten().tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# A 10 on its own becomes 5.9; beside 200 it becomes only 2.6. The paper gained 1.2
# points from it. The authors of VGG (lesson 08) gained nothing and left it out; the
# lecture and torchvision leave it out as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.11: AlexNet, padded
#
# As published, conv2 has P = 2, and conv3 to conv5 have P = 1. How wide are the outputs
# now, how many numbers does fc6 see, and how many weights does it have?
#
# **Predict:** by how much does this change the total?

# %% slideshow={"slide_type": "-"}
answer(
    "07.11",
    conv2=blank(27),
    pool2=blank(13),
    conv5=blank(13),
    pool5=blank(6),
    inputs=blank(9216),
    fc6=blank(37748736),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four networks called AlexNet

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
why = {
    "lectured": "P = 0: fc6 sees 2×2×256 = 1024",
    "ungrouped": "padded: fc6 sees 6×6×256 = 9216",
    "published": "conv2, conv4, conv5 in two groups",
    "torchvision": "64, 192, 384, 256, 256 filters",
}
variants, rows = {}, []
with torch.device("meta"):
    for name in why:
        size = 224 if name == "torchvision" else 227
        table = layer_table(alexnet(name), (3, size, size))
        rows.append([name, table.weights, table.biases, table.parameters, why[name]])
        variants[name] = table
show_table(["AlexNet", "weights", "biases", "parameters", "why"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The 28.8 million that we computed for the lecture's network are weights only; the
# paper's "60 million" are parameters, biases included. torchvision builds a later
# version, of 2014, without groups.

# %% slideshow={"slide_type": "fragment"}
grouped = [("conv2", 96, 256, 5), ("conv4", 384, 384, 3), ("conv5", 384, 256, 3)]
saved = sum(q[0] * q[1] * q[2] ** 2 - grouped_weights(*q, 2) for _, *q in grouped)
print("groups save", saved)
print(variants["ungrouped"].weights - variants["published"].weights, "in the table")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## ZFNet
#
# A year later Zeiler and Fergus looked inside AlexNet. Its first filters miss details
# of medium size, and the stride of 4 leaves artefacts, patterns that are not in the
# photograph. So they made the first layers finer. The lecture's ZFNet differs in four
# layers:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
claims = [  # of the slide: layer, its name here, change, parameters
    ("1", "conv1", "F 11 → 7", "−20.7K"),
    ("2 to 4", "pool1, conv2, pool2", "", "no difference"),
    ("5", "conv3", "K 384 → 512", "0.29M"),
    ("6", "conv4", "K 384 → 1024", "0.8M"),
    ("7", "conv5", "K 256 → 512", "0.36M"),
    ("8 to 10", "fc6, fc7, fc8", "", "no difference"),
    ("total", "", "", "1.45M"),
]
show_table(["slide's layer", "here", "change", "lectured difference"], claims)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The slide counts pool1 and pool2 as layers, but not pool5. **Predict:** which of its
# lines do you believe?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.12: ZFNet's convolutions
#
# Check the slide. For its layers 1, 5, 6 and 7, subtract the weights of AlexNet, as
# lectured, from ZFNet's, and give the exact number. You may leave a product such as
# `9 * 100 * (50 - 20)` as it is.

# %% slideshow={"slide_type": "-"}
answer(
    "07.12",
    layer1=blank(-20736),
    layer5=blank(294912),
    layer6=blank(3391488),
    layer7=blank(3833856),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 07.13: no difference?
#
# With F = 7, and still S = 4 and P = 0, how wide are the outputs of conv1 and pool1?
# How many numbers does fc6 see? And how many more weights than in AlexNet are there in
# fc6, in fc7, and in all layers together?

# %% slideshow={"slide_type": "-"}
answer(
    "07.13",
    conv1=blank(56),
    pool1=blank(27),
    inputs=blank(2048),
    fc6=blank(4194304),
    fc7=blank(0),
    all_layers=blank(11693824),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# (56 − 3)/2 is rounded down, so the last column and the last row of conv1's output go
# unseen, and from pool1 on all widths are the same as in AlexNet.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By your own code

# %% slideshow={"slide_type": "-"}
zf_lectured = lectured.copy()
zf_lectured[0] = ("conv", 96, 7, 4, 0)
zf_lectured[4:7] = [("conv", K, 3, 1, 0) for K in (512, 1024, 512)]
zf = dict(zip(names, count_weights(zf_lectured, W=227, D=3)))
more = {name: zf[name] - computed[name] for name in names}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
convs = sum(count for name, count in more.items() if name[0] == "c")
show_table(
    ["slide's layer", "lectured", "computed", "why"],
    [
        ["1, conv1", "−20.7K", f"−{-more['conv1']:,}".replace(",", " "), "right"],
        ["5, conv3", "0.29M", more["conv3"], "right"],
        ["6, conv4", "0.8M", more["conv4"], "3·3·(512·1024 − 384·384)"],
        ["7, conv5", "0.36M", more["conv5"], "3·3·(1024·512 − 384·256)"],
        ["8, fc6", "none", more["fc6"], "conv5's depth, doubled, feeds fc6"],
        ["9 and 10", "none", more["fc7"] + more["fc8"], "right"],
        ["total", "1.45M", convs, "convolutions alone"],
        ["", "", convs + more["fc6"], "all layers"],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# For layers 6 and 7 the slide also gives formulas. They are right, apart from their
# sign; the values are not what they come to. And the slide's total?

# %% slideshow={"slide_type": "fragment"}
print(
    f"{0.29 + 0.8 + 0.36:.2f} without layer 1, {0.29 + 0.8 + 0.36 - 0.0207:.2f} with it"
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## ZFNet, as published
#
# The paper changes more: conv1 and conv2 have S = 2, images are 224×224, and there is
# padding. Its best single network, here "wide", has the lecture's 512, 1024 and 512
# filters; the one in its figure keeps AlexNet's numbers.
#
# **Predict:** conv1 (F = 7, S = 2) has fewer weights than AlexNet's. Does it do less
# work?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
first = [("AlexNet, lectured", variants["lectured"])]
with torch.device("meta"):
    for name in ("lectured", "published", "wide"):
        size = 227 if name == "lectured" else 224
        variants[f"ZFNet, {name}"] = layer_table(zfnet(name), (3, size, size))
        first.append((f"ZFNet, {name}", variants[f"ZFNet, {name}"]))
rows = [
    [name, f"{row.output[1]}×{row.output[1]}", row.weights, row.multiply_adds]
    for name, row in ((name, table.rows[0]) for name, table in first)
]
show_table(["conv1 of", "output", "weights", "multiply-adds"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# No, because its filters stand at 110×110 places instead of 55×55. A finer first layer
# costs work, not weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Compare them all
#
# **Find** the network with the most parameters, the one that does the least work, and
# what two groups do to conv2.

# %% slideshow={"slide_type": "subslide"}
cost_explorer(
    {n if "ZF" in n else f"AlexNet, {n}": table for n, table in variants.items()}
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Lectured, computed, published, torchvision

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
alex = [variants[name] for name in ("lectured", "published", "torchvision")]
zfs = [variants[f"ZFNet, {name}"] for name in ("lectured", "published")]


def of(tables, name):
    """That layer's row in each table."""
    return [next(row for row in t.rows if row.name == name) for t in tables]


def width(row):
    return f"{row.output[1]}×{row.output[2]}"


show_table(
    ["", "lectured", "computed", "published", "torchvision"],
    [
        ["AlexNet: conv1", "55×55", *map(width, of(alex, "conv1"))],
        ["pool5", "2×2", *map(width, of(alex, "pool5"))],
        ["fc6, weights", "4M", *(row.weights for row in of(alex, "fc6"))],
        ["all weights", "27.55M", *(t.weights for t in alex)],
        ["parameters", "", *(t.parameters for t in alex)],
        ["ZFNet: conv1", "", *map(width, of(zfs, "conv1")), "–"],
        ["all weights", "–", *(t.weights for t in zfs), "–"],
        ["more than AlexNet", "1.45M"]
        + [z.weights - a.weights for z, a in zip(zfs, alex)] + ["–"],
    ],
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **The next layer forgotten.** More filters in one layer deepen those of the next.
# - **fc6 miscounted.** Its inputs depend on the depth *and* the size of pool5.
# - **Rounded rows added up.** Errors add up, too.
# - **Weights or parameters?** Say which.
# - **Parameters taken for work.** They sit at opposite ends.
# - **Groups divided twice.** There are still K filters.
# - **Which AlexNet?** There are several.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("07", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - AlexNet: five convolutions, three dense layers, ReLU, dropout, augmentation.
# - Dense layers hold the parameters, convolutions do the work.
# - A dense layer is a convolution that covers the volume.
# - In groups, each filter sees only a part of the maps.
# - Let code compute a table, and errors come to light.
#
# Next: {next} asks why 11×11 at all.
