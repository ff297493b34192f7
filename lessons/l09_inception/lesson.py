# %% [markdown] slideshow={"slide_type": "slide"}
# # 09 Inception and GoogLeNet
#
# Which filter size? All of them. After this lesson you can
#
# - run filters of different sizes side by side, and put their maps together;
# - make them cheap with 1×1 convolutions;
# - build GoogLeNet from its table, and count it;
# - say what auxiliary heads do, and measure it.
#
# About 85 minutes. You need: lessons 05 to 08.

# %% [markdown] slideshow={"slide_type": "notes"}
# 85 minutes with the exercises, 40 without. The explorer is worth five minutes.
# Training takes about four seconds in all.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import GoogLeNet as TorchvisionGoogLeNet

from helpers.authoring import blank
from helpers.convolution import output_size
from helpers.counting import layer_table
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import BLACK, GREY, ORANGE, PALE_BLUE, PALE_GREEN, Drawing
from helpers.exercises import answer, exercise, start
from helpers.networks import alexnet, vgg
from helpers.plots import show, show_table
from helpers.training import evaluate
from lessons.l09_inception.explorer import inception_explorer
from lessons.l09_inception.figures import NAIVE, REDUCED, draw_module
from lessons.look_back import look_back
from lessons.volumes import show_volumes

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why choose?
#
# VGG says 3×3, everywhere. But a whisker and a whole cat differ in size. The next layer
# could just as well be 1×1, or 5×5, or pooling.
#
# **Predict:** how could a network have all of them at once?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
drawing = Drawing(700, 262)
drawing.rect(20, 88, 30, 90, PALE_BLUE, BLACK)
drawing.text(35, 194, "input", 14)
for k, name in enumerate(("1×1", "3×3", "5×5", "max pooling")):
    y = 34 + 66 * k
    drawing.line([(50, 133), (130, y), (180, y)], GREY)
    drawing.rect(180, y - 20, 170, 40, PALE_GREEN, BLACK)
    drawing.text(265, y, name, 16)
    drawing.line([(350, y), (400, y), (480, 84 + 33 * k)], GREY)
    drawing.rect(480, 67 + 33 * k, 30, 33, PALE_BLUE, BLACK)
drawing.text(526, 128, "all maps,", 15, anchor="start")
drawing.text(526, 150, "one behind the other", 15, anchor="start")
show(drawing, "One input goes into four branches side by side, 1×1, 3×3, 5×5 and max "
     "pooling; their maps are put one behind the other into one volume.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Putting maps together
#
# `torch.cat` joins maps along axis 1 of (N, C, H, W), the depth: it **concatenates**
# them. The depths may differ, but heights and widths have to be the same.

# %% slideshow={"slide_type": "-"}
three, two = torch.zeros(1, 3, 28, 28), torch.zeros(1, 2, 28, 28)
print(tuple(torch.cat([three, two], dim=1).shape))

# %% slideshow={"slide_type": "fragment"}
smaller = torch.zeros(1, 2, 26, 26)
try:
    torch.cat([three, smaller], dim=1)
except RuntimeError:
    print("28×28 and 26×26 do not fit together")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.1: do they meet?
#
# The input is 28 wide, and S = 1. One lecture lets the branches shrink, and another
# pools 2×2 in one of them.
#
# 1. How wide are the outputs of 3×3, of 5×5 and of 2×2 pooling, without padding?
# 2. Which P brings 3×3 back to 28, and which 5×5? (Is there one for 2×2?)

# %% slideshow={"slide_type": "-"}
answer(
    "09.1",
    three=blank(26),
    five=blank(24),
    pool=blank(27),
    P3=blank(1),
    P5=blank(2),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## So: padded, and 3×3 pooling
#
# An even window cannot keep the width: 28 − 2 + 2P + 1 is odd, whatever P is. So the
# paper pools 3×3 with stride 1 and padding 1. (Max pooling pads with −∞, so that the
# padding never wins.)

# %% slideshow={"slide_type": "-"}
kept = [output_size(28, F, P) for F, P in ((3, 1), (5, 2))]
rows = [
    ["3×3", "shrinks", output_size(28, F=3), kept[0]],
    ["5×5", "shrinks more", output_size(28, F=5), kept[1]],
    ["3×3 pooling", "leaves a third", output_size(28, F=3, S=3), kept[0]],
    ["2×2 pooling, P = 0", "2×2", output_size(28, F=2), "not used"],
    ["2×2 pooling, P = 1", "2×2", output_size(28, F=2, P=1), "not used"],
]
show_table(["", "lectured", "then 28 becomes", "published, padded"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Why pad at all? Only maps of equal height and width can be concatenated.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.2: a convolution that keeps the width
#
# GoogLeNet repeats one piece all the way through: a convolution whose padding keeps the
# width at stride 1, for any odd F, and then ReLU.


# %% slideshow={"slide_type": "-"}
@exercise("09.2")
def conv(D, K, F, S=1):
    """K filters of F×F on a depth of D, then ReLU."""
    layer = nn.Conv2d(blank(D), blank(K), F, stride=blank(S), padding=blank(F // 2))
    return nn.Sequential(layer, blank(nn.ReLU()))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The naive module
#
# Branches side by side do not fit into `nn.Sequential`. So we write an `nn.Module`: its
# `__init__` makes the layers, and its `forward` says what flows where.


# %% slideshow={"slide_type": "-"}
class Naive(nn.Module):
    def __init__(self, D, k1, k3, k5):
        super().__init__()
        self.one, self.three, self.five = conv(D, k1, 1), conv(D, k3, 3), conv(D, k5, 5)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, x):  # (N, D, H, W)
        branches = [self.one(x), self.three(x), self.five(x), self.pool(x)]
        return torch.cat(branches, dim=1)


# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** 192 maps go in, and there are 64 filters of 1×1, 128 of 3×3 and 32 of
# 5×5. How many maps come out?

# %% slideshow={"slide_type": "fragment"}
naive = Naive(192, 64, 128, 32)
print(tuple(naive(torch.zeros(1, 192, 28, 28)).shape), "depth:", 64 + 128 + 32 + 192)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Pooling keeps the depth, so such a module can never output fewer maps than it
# receives.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.3: what a convolution costs
#
# K filters of F×F run over W×H×D with stride 1. Without padding they stand at
# (W − F + 1)(H − F + 1) places, and at each place each filter takes F·F·D
# multiply-adds. Write down the total with padding P.


# %% slideshow={"slide_type": "-"}
@exercise("09.3")
def multiply_adds(W, H, D, F, K, P=0):
    """Multiply-adds of K filters of F×F on W×H×D, at stride 1."""
    places = blank((W - F + 2 * P + 1) * (H - F + 2 * P + 1))
    return places * blank(K * F * F * D)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too expensive
#
# **Predict:** which branch costs most: 64 of 1×1, 128 of 3×3, or 32 of 5×5?

# %% slideshow={"slide_type": "fragment"}
branches = {"1×1": (1, 64), "3×3": (3, 128), "5×5": (5, 32)}
costs = {
    name: multiply_adds(28, 28, 192, F, K, P=F // 2)
    for name, (F, K) in branches.items()
}
show_table(["branch", "multiply-adds"], [*costs.items(), ("sum", sum(costs.values()))])

# %% [markdown] slideshow={"slide_type": "fragment"}
# This one module costs more than 40 % of what all of AlexNet does (724 million). 5×5
# gives a quarter as many maps as 3×3, for two thirds of the price.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What can a kernel of one pixel do?
#
# It sees no neighbours. But a filter is as deep as its input: 1×1×D.
#
# **Predict:** the filter (1, 0, −2) runs over the three maps printed below. What comes
# out?

# %% slideshow={"slide_type": "-"}
maps = torch.tensor([[[1.0, 2], [3, 4]], [[5, 5], [5, 5]], [[0, 1], [1, 0]]])
weight = torch.tensor([1.0, 0, -2]).view(1, 3, 1, 1)
print(maps.tolist())

# %% slideshow={"slide_type": "fragment"}
print(functional.conv2d(maps[None], weight)[0, 0].tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# At each pixel it takes a weighted sum over the depth: 1·1 + 0·5 − 2·0 at the first,
# and so on. K such filters turn the D numbers at each pixel into K. That is what a
# matrix does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.4: 1×1 is a matrix
#
# `permute` reorders the axes: you list the old ones in their new order. First it moves
# the depth to the end, so that each pixel is a row of D numbers. Multiply, and move the
# new depth back to its place.


# %% slideshow={"slide_type": "-"}
@exercise("09.4")
def mix(maps, weight):
    """(N, D, H, W) and (K, D) → (N, K, H, W): a 1×1 convolution without bias."""
    pixels = maps.permute(0, 2, 3, 1)  # (N, H, W, D)
    mixed = pixels @ blank(weight.T)  # (N, H, W, K)
    return mixed.permute(blank(0), blank(3), blank(1), blank(2))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three names for one thing
#
# **Predict:** 56×56×64 goes through 32 filters of 1×1. What comes out?

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
x = torch.randn(1, 64, 56, 56)
layer, dense = nn.Conv2d(64, 32, 1, bias=False), nn.Linear(64, 32, bias=False)
dense.weight.data = layer.weight.data[:, :, 0, 0]  # data: the numbers, (32, 64)
print(tuple(layer(x).shape))

# %% slideshow={"slide_type": "fragment"}
by_dense = dense(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
by_hand = torch.as_tensor(mix(x, layer.weight[:, :, 0, 0].detach()))
for name, other in {"dense layer": by_dense, "by hand": by_hand}.items():
    off = (layer(x) - other).abs().max().item()
    print(f"{name:11} off by {off:.1g} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So a 1×1 convolution is also a dense layer, applied to each pixel with the same
# weights. Here half of the depth is left, and every pixel keeps its place. Such a
# narrow layer is called a **bottleneck**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.5: bottlenecks by hand
#
# 1. 32 filters of 1×1 run over 56×56×64. How deep is the output, and how many weights
#    are there (no biases)?
# 2. Take the 5×5 branch again: 28×28×192, 32 filters. First come 16 filters of 1×1,
#    then the 5×5 on what they leave. How many multiply-adds does each step take?

# %% slideshow={"slide_type": "-"}
answer(
    "09.5",
    depth=blank(32),
    weights=blank(2048),
    reduce=blank(28 * 28 * 16 * 192),
    five=blank(28 * 28 * 32 * 5 * 5 * 16),
)

# %% slideshow={"slide_type": "fragment"}
reduced = multiply_adds(28, 28, 192, 1, 16) + multiply_adds(28, 28, 16, 5, 32, P=2)
print(f"5×5 branch: {costs['5×5'] / reduced:.2f} times fewer multiply-adds")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The inception module
#
# Here is the naive module once more. A 1×1 convolution can make the depth smaller.
#
# **Predict:** in which branches would you put one, and before or after what is there?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show(
    draw_module(192, NAIVE),
    alt="192 maps go into four branches: 1×1 makes 64 maps, 3×3 128 and 5×5 32; max "
    "pooling keeps 192. Joined, that is 416 maps.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A 1×1 before 3×3 and one before 5×5 **reduce** the depth. After the pooling, which
# keeps D maps, a third **projects** them to fewer.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_module(192, REDUCED),
    alt="The same four branches, with three new 1×1 in thick frames: before 3×3, to 96 "
    "maps; before 5×5, to 16; and after the pooling, to 32. The outputs of 64, 128, 32 "
    "and 32 maps make 256 when joined.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Play with it
#
# Start from GoogLeNet's first module and **find**
#
# - the reduction that saves most;
# - what happens without the 1×1 after the pooling;
# - how many maps the reduction before 3×3 may leave and still save work.

# %% slideshow={"slide_type": "subslide"}
inception_explorer(28, 28, 192)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A reduction to r maps pays as long as 192·r + 9·128·r is below 9·128·192: up to
# r = 164, far more than the 96 that were chosen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.6: the inception module
#
# The arguments come in the order of the paper's table: r3 and r5 are the reductions
# before 3×3 and 5×5. ReLU comes after every convolution; `conv` sees to that.


# %% slideshow={"slide_type": "-"}
@exercise("09.6")
class Inception(nn.Module):
    def __init__(self, D, k1, r3, k3, r5, k5, pool):
        super().__init__()
        self.one = conv(D, k1, 1)
        self.three = nn.Sequential(conv(D, blank(r3), 1), conv(blank(r3), k3, 3))
        self.five = nn.Sequential(conv(D, blank(r5), 1), conv(blank(r5), k5, 5))
        pooling = nn.MaxPool2d(3, stride=blank(1), padding=blank(1))
        self.pool = nn.Sequential(pooling, conv(blank(D), pool, 1))

    def forward(self, x):  # (N, D, H, W)
        branches = [self.one(x), self.three(x), self.five(x), self.pool(x)]
        return torch.cat(branches, dim=blank(1))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Before and after, by code
#
# GoogLeNet's first module has 64 filters of 1×1, 96 before 128 of 3×3, 16 before 32 of
# 5×5, and 32 after the pooling. **Predict:** roughly how much of the naive work is
# that: two thirds, two fifths, a tenth?

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):
    first = layer_table(Inception(192, 64, 96, 128, 16, 32, 32), (192, 28, 28))
    before = layer_table(Naive(192, 64, 128, 32), (192, 28, 28))
print(f"{before.multiply_adds / first.multiply_adds:.2f} times fewer multiply-adds")

# %% slideshow={"slide_type": "-"}
rows = [
    [name, f"28×28×{depth}", table.weights, table.multiply_adds]
    for name, depth, table in (("naive", 416, before), ("reduced", 256, first))
]
show_table(["module", "output", "weights", "multiply-adds"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The 5×5 branch became nearly ten times cheaper, the 3×3 branch 1.7 times. And 256 maps
# go on instead of 416, which makes the *next* module cheaper.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nine of them
#
# This is table 1 of the paper, with four gaps. A pooling layer halves the size between
# 3b and 4a, and again between 4e and 5a.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["module", "k1", "r3", "k3", "r5", "k5", "pool", "output"],
    [
        ["3a", 64, 96, 128, 16, 32, 32, "28×28×256"],
        ["3b", 128, 128, 192, 32, "?", 64, "28×28×480"],
        ["4a", 192, 96, "?", 16, 48, 64, "14×14×512"],
        ["4b", 160, 112, 224, 24, 64, 64, "14×14×512"],
        ["4c", 128, 128, 256, 24, 64, 64, "14×14×512"],
        ["4d", 112, 144, 288, 32, 64, 64, "14×14×528"],
        ["4e", 256, 160, 320, 32, 128, "?", "14×14×832"],
        ["5a", 256, 160, 320, 32, 128, 128, "7×7×832"],
        ["5b", "?", 192, 384, 48, 128, 128, "7×7×1024"],
    ],
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 09.7: gaps in the table
#
# Fill in the four gaps. Which of a row's numbers add up to the depth of its output?

# %% slideshow={"slide_type": "-"}
answer("09.7", k5_3b=blank(96), k3_4a=blank(208), pool_4e=blank(128), k1_5b=blank(384))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.8: stack them
#
# A row holds a module's six numbers, or it is "pool". Each module's D is the depth of
# the previous module's output. With `ceil_mode`, which rounds up, 3×3 pooling with
# stride 2 halves the width: 28 → 14 → 7.


# %% slideshow={"slide_type": "-"}
@exercise("09.8")
def stack(D, rows):
    """Modules one after the other, with poolings between them."""
    layers = []
    for row in rows:
        if row == "pool":
            layers.append(nn.MaxPool2d(3, stride=blank(2), ceil_mode=True))
        else:
            layers.append(Inception(blank(D), *row))
            k1, _, k3, _, k5, pool = row  # _: not needed
            D = blank(k1 + k3 + k5 + pool)
    return nn.Sequential(*layers)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same module, again and again
#
# The places of one convolution share its weights (lesson 04). Do repeated modules share
# theirs? **Predict:** how many parameters do two modules with the same six numbers
# have, as many as one of them, or twice as many?

# %% slideshow={"slide_type": "-"}
twins = stack(256, [(64, 96, 128, 16, 32, 32)] * 2)  # 256 maps in, 256 maps out
tensors = [list(module.parameters()) for module in twins]
alike = [a.shape == b.shape for a, b in zip(*tensors)]
equal = [torch.equal(a, b) for a, b in zip(*tensors)]
print(f"{len(alike)} pairs of tensors: {sum(alike)} alike in shape, {sum(equal)} equal")

# %% slideshow={"slide_type": "fragment"}
one, two = twins
for name, row in {"one": [one], "two": [one, two], "one, twice": [one, one]}.items():
    count = sum(p.numel() for p in nn.Sequential(*row).parameters())
    print(f"{name:10} {count} parameters")

# %% [markdown] slideshow={"slide_type": "fragment"}
# They share their architecture, but not their weights: each module learns its own. Only
# if the very same module stood there twice would its parameters count once.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## GoogLeNet
#
# The **stem**, which comes before the first module, brings 224×224×3 down to 28×28×192.
# `low`, `middle` and `high` are kept apart for later. (The paper also normalises
# responses in the stem, as AlexNet does. That learns nothing, and is left out here.)

# %% slideshow={"slide_type": "-"}
low = [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), "pool"]
low += [(192, 96, 208, 16, 48, 64)]
middle = [(160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64)]
middle += [(112, 144, 288, 32, 64, 64)]
high = [(256, 160, 320, 32, 128, 128), "pool"]
high += [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)]


# %% slideshow={"slide_type": "-"}
def stem():
    return nn.Sequential(
        conv(3, 64, 7, S=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        conv(64, 64, 1),
        conv(64, 192, 3),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Follow the volume
#
# **Predict** the shape at each arrow: image → stem → low → middle → high.

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    parts = [stem(), stack(192, low), stack(512, middle), stack(528, high)]
    x = torch.empty(1, 3, 224, 224)  # empty: of this shape, whatever it holds
    for part, name in zip(parts, ("stem", "low", "middle", "high")):
        x = part(x)
        print(f"{name:6}", "×".join(map(str, x.shape[1:])))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 224, 227 or 229?
#
# In one lecture, images are "227 or 229" pixels wide. **Predict:** would GoogLeNet run
# on them? And how could you tell which width is the right one?

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    for W1 in (224, 227, 229):
        image = torch.empty(1, 3, W1, W1)
        first, last = parts[0][0](image), nn.Sequential(*parts)(image)
        widths = f"after conv1 {first.shape[-1]}, at the end {last.shape[-1]}"
        print(f"{W1} pixels: {widths}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It runs on all three, and 7×7 are left each time. But the paper's table 1 says 112×112
# after conv1, and of the three only 224 gives that. 227 is AlexNet's number, from
# lesson 07.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.9: 22 layers, and the last of them
#
# 1. Count the layers that learn, along the *longest* path: parallel branches count
#    once. How many are in the nine modules? And in the whole network, with 3 in the
#    stem and 1 dense at the end?
# 2. 7×7×1024 are left. How many weights does a dense layer with 1000 outputs need? And
#    after averaging?

# %% slideshow={"slide_type": "-"}
answer(
    "09.9",
    in_modules=blank(18),
    depth=blank(22),
    dense=blank(7 * 7 * 1024 * 1000),
    after=blank(1024 * 1000),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# With the mean of each map, **global average pooling** (lesson 05), the layer needs 49
# times fewer weights. The lecture counts "49M" without averaging; it is really
# 49 × 1.024M.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole of it


# %% slideshow={"slide_type": "-"}
def classifier(D, classes, p=0.4):
    """(N, D, H, W) → (N, classes), from the mean of each map."""
    mean = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*mean, nn.Dropout(p), nn.Linear(D, classes))


# %% slideshow={"slide_type": "-"}
with torch.device("meta"):
    whole = nn.Sequential(*parts, classifier(1024, classes=1000))
table = layer_table(whole, input_size=(3, 224, 224))
print(f"{table.parameters:,} parameters".replace(",", " "))
print(f"{table.multiply_adds:,} multiply-adds".replace(",", " "))

# %% [markdown] slideshow={"slide_type": "fragment"}
# GoogLeNet won ImageNet's competition of 2014 with a top-5 error of 6.7 %; VGG had
# 7.3 %.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## GoogLeNet to scale
#
# In VGG-16, three dense layers hold nearly nine tenths of the parameters. GoogLeNet has
# a single one. **Predict:** how large is its share? And which modules do most of the
# work?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
names = ["conv1", "pool1", "conv2–3", "pool2", "3a–3b", "pool3", "4a–4e", "pool4"]
show_volumes(
    "GoogLeNet",
    table,
    image=(3, 224, 224),
    names=[*names, "5a–5b", "mean", "dense"],
    blocks=r"[123]\.\d",  # a module, or a pooling between modules
    concatenated=True,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fourteen layers, or 22?
#
# One lecture counts fourteen layers on its slide. **Predict:** what might it have
# counted as one?


# %% slideshow={"slide_type": "-"}
def depth(layer):
    """Layers with weights, along the longest path."""
    inner = [depth(part) for part in layer.children()]  # children: what it is made of
    if not inner:
        return int(hasattr(layer, "weight"))
    # One after the other they add up. Side by side, the longest branch counts.
    return sum(inner) if isinstance(layer, nn.Sequential) else max(inner)


# %% slideshow={"slide_type": "fragment"}
modules = [part for part in [*parts[1], *parts[2], *parts[3]] if depth(part)]
each = {depth(module) for module in modules}
print(f"all: {depth(whole)}; each of {len(modules)} modules: {each}")
print(f"a module as one: {depth(whole) - len(modules)}; and the averaging: 1")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each of the nine modules is two layers deep. Counted as one each, they leave 13 layers
# that learn; together with the averaging, which learns nothing, that makes fourteen
# boxes. Perhaps that was the count. The paper's 22 is right.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.10: twelve times fewer?
#
# The lectures say: 5 million parameters, 12 times fewer than AlexNet, 27 times fewer
# than VGG-16. You know better: AlexNet has 60 965 224, VGG-16 has 138 357 544, and
# GoogLeNet 6 998 552. How many times fewer parameters does GoogLeNet have than each of
# the others, to one decimal place?

# %% slideshow={"slide_type": "-"}
answer("09.10", alexnet=blank(8.7), vgg16=blank(19.8))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The other "5×5"
#
# torchvision's GoogLeNet has 6 624 904 parameters: neither 5 million nor your
# 6 998 552. **Look** at its third branch, which should be 5×5.

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):  # aux_logits=False: no auxiliary heads (see below)
    other = TorchvisionGoogLeNet(aux_logits=False, init_weights=False)
print(other.inception3a.branch3[1].conv)

# %% [markdown] slideshow={"slide_type": "fragment"}
# It is 3×3: an old mistake in the code that its weights came from, kept so that they
# still fit. And none of its convolutions has a bias, because batch norm follows (lesson
# 10).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Lectured and counted

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
size, alex_size = (3, 224, 224), (3, 227, 227)
with torch.device("meta"):
    theirs = layer_table(other.eval(), size)
    vgg16 = layer_table(vgg(16), size)
    alex, alex_one, alex_other = (
        layer_table(alexnet(variant), alex_size)
        for variant in ("published", "ungrouped", "torchvision")
    )
no_dense = table.parameters - 1024 * 1000 - 1000
flat = nn.Sequential(*other.children())


def times(a, b, what="parameters"):
    return f"{getattr(a, what) / getattr(b, what):.1f}×"


fewer = [times(alex, table), times(alex_other, theirs)]
than_vgg = [times(vgg16, table), times(vgg16, theirs)]
pairs = (table, alex), (theirs, alex_other), (table, alex_one)
work = [times(*pair, "multiply_adds") for pair in pairs]
show_table(
    ["GoogLeNet", "lectured", "by table 1", "torchvision", "why"],
    [
        ["parameters", "5M", table.parameters, theirs.parameters, "counted"],
        ["less the dense layer", "", no_dense, theirs.parameters - 1025 * 1000, ""],
        ["fewer than AlexNet", "12×", *fewer, "12× goes with 5M"],
        ["fewer than VGG-16", "27×", *than_vgg, "27× goes with 5M"],
        ["work, against AlexNet's", "2×", *work[:2], "right"],
        ["the same, ungrouped", "", work[2], "", "lesson 07"],
        ["dense on 7×7×1024", "49M", 7 * 7 * 1024 * 1000, "", "49 × 1.024M"],
        ["averaging saves", "50×", f"{7 * 7}×", "", "7·7 places"],
        ["layers", "14", depth(whole), depth(flat), "a module has two"],
        ["image", "227, 229", size[1], size[1], "112×112 after conv1"],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The columns *by table 1* (of the paper) and *torchvision* are computed, apart from the
# image. "12×" appears in the paper's introduction, too, but does not follow from its
# own table 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where did the parameters go?
#
# **Predict:** is it the inception module that saves so many, or the end?

# %% slideshow={"slide_type": "fragment"}
dense = sum(row.weights for row in alex.rows if row.type == "Linear")
print(f"AlexNet, dense:        {dense / 1e6:5.1f}M")
print(f"AlexNet, convolutions: {(alex.weights - dense) / 1e6:5.1f}M")
print(f"GoogLeNet, the rest:   {(table.weights - 1024 * 1000) / 1e6:5.1f}M")
print(f"GoogLeNet, dense:      {1024 * 1000 / 1e6:5.1f}M")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It is the end. GoogLeNet's convolutions have more than twice as many weights as
# AlexNet's. But nobody could have afforded 22 layers of naive modules.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does anything reach the stem?
#
# In 2014 there was neither the better start of lesson 08 nor batch norm. On its way
# down through 22 layers, the gradient gets smaller and smaller. So the authors put two
# small classifiers half-way up: **auxiliary heads**, each with a loss of its own.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
drawing, x = Drawing(760, 196), 20
for name in ("stem", "low", "middle", "high", "scores"):
    drawing.rect(x, 104, 104, 42, PALE_BLUE, BLACK)
    drawing.text(x + 52, 125, name, 16)
    if name != "scores":
        drawing.arrow(x + 104, 125, x + 146, 125, BLACK)
    if name in ("low", "middle"):
        drawing.arrow(x + 125, 125, x + 125, 60, BLACK)
        drawing.rect(x + 73, 22, 104, 36, PALE_GREEN, BLACK)
        drawing.text(x + 125, 40, "head", 16)
    x += 148
drawing.arrow(716, 174, 30, 174, ORANGE)
drawing.text(560, 162, "gradient", 14, anchor="start")
show(
    drawing,
    "Stem, low, middle, high and scores in a row; a head branches off after low, one "
    "after middle. An arrow below says that the gradient goes all the way back.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A head
#
# A head averages each map down to 4×4. Then come 128 filters of 1×1, two dense layers,
# and a lot of dropout.


# %% slideshow={"slide_type": "-"}
def head(D, classes):
    """(N, D, H, W) → (N, classes), for training only."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(4),
        conv(D, 128, 1),
        nn.Flatten(),
        nn.Linear(128 * 4 * 4, 1024),
        nn.ReLU(),
        nn.Dropout(0.7),
        nn.Linear(1024, classes),
    )


# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    heads = [sum(p.numel() for p in head(D, 1000).parameters()) for D in (512, 528)]
print(f"two heads: {sum(heads):,} parameters".replace(",", " "))

# %% [markdown] slideshow={"slide_type": "fragment"}
# That is nearly as many as in the whole network. But it is only a loan, as you will
# see.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network with heads
#
# In training it returns its own scores and those of the heads; in evaluation, only its
# own. `nn.ModuleList` is a list of layers that belong to the network: their parameters
# are found with the others.


# %% slideshow={"slide_type": "-"}
class WithHeads(nn.Module):
    def __init__(self, parts, heads, scores):
        super().__init__()
        self.low, self.middle, self.high = parts
        self.heads, self.scores = nn.ModuleList(heads), scores

    def forward(self, x):
        low = self.low(x)
        middle = self.middle(low)
        scores = self.scores(self.high(middle))
        if self.training:
            return scores, [head(m) for head, m in zip(self.heads, (low, middle))]
        return scores


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 09.11: the loss with heads
#
# The paper's recipe is to add the loss of the scores in full, and 0.3 of the loss of
# each head. `heads` is a list of the heads' scores, and may be empty.


# %% slideshow={"slide_type": "-"}
@exercise("09.11")
def total_loss(scores, heads, labels):
    """Cross-entropy of the scores, and a part of each head's."""
    loss = functional.cross_entropy(scores, labels)
    for each in heads:
        loss = loss + blank(0.3) * functional.cross_entropy(blank(each), labels)
    return blank(loss)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measure the gradient
#
# Take your GoogLeNet, untrained, and eight drawn shapes (a stand-in for ImageNet),
# which `interpolate` enlarges to 64×64. `norm` is a gradient's length: the root of the
# sum of its squares.


# %% slideshow={"slide_type": "-"}
def googlenet(classes):
    parts = [nn.Sequential(stem(), stack(192, low)), stack(512, middle)]
    heads = [head(512, classes), head(528, classes)]
    return WithHeads([*parts, stack(528, high)], heads, classifier(1024, classes))


# %% slideshow={"slide_type": "-"}
def gradients(network, images, labels, with_heads):
    """Size of the loss's gradient at the stem's convolutions and each module."""
    network.zero_grad()
    scores, others = network(images)
    total_loss(scores, others if with_heads else [], labels).backward()
    blocks = *network.low[0], *network.low[1], *network.middle, *network.high
    firsts = [next(block.parameters(), None) for block in blocks]  # poolings: None
    return [weight.grad.norm().item() for weight in firsts if weight is not None]


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict:** how much larger is the stem's gradient with heads than without: twice,
# ten times, a hundred times?

# %% slideshow={"slide_type": "-"}
device = best_device()
shapes = load("shapes", device, counts=(8, 1))
images = functional.interpolate(shapes.train.images, size=64)  # (8, 3, 64, 64)

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
network = googlenet(classes=10).to(device)
found = {
    name: gradients(network, images, shapes.train.labels, with_heads)
    for name, with_heads in (("with heads", True), ("without", False))
}

# %% slideshow={"slide_type": "fragment"}
ratio = found["with heads"][0] / found["without"][0]
print(f"stem's gradient, with heads / without: {ratio:.0f}", end=" ")
print(f"(more than 50: {yes_no(ratio > 50)})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
names = ["conv1", "conv2", "conv3", "3a", "3b", "4a", "4b", "4c", "4d"]
names += ["4e", "5a", "5b"]
figure, ax = plt.subplots(figsize=(8.4, 3.6))
for (name, values), style in zip(found.items(), ("o-", "s--")):
    ax.semilogy(names, values, style, label=name)
for place in (5, 8):
    ax.axvline(place, color="#8a8a8a", linestyle=":")
ax.set(ylabel="size of the gradient", title="fresh GoogLeNet; dotted: the heads")
ax.legend(loc="center right")
show(
    figure,
    "Size of the gradient at twelve places from conv1 to 5b, on a logarithmic axis. "
    "Without heads it falls towards the stem by several powers of ten. With heads it "
    "is the same above the second head at 4d, jumps up at each head, and stays about "
    "a hundred times larger from 4a down.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Above the second head nothing changes. Below each head the gradient has a shorter way
# to go. (In ten random starts, heads made the stem's gradient 122 to 203 times as
# large.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## At inference they do nothing
#
# **Predict:** does cutting off the heads change the scores?

# %% slideshow={"slide_type": "-"}
network.eval()
with torch.no_grad():
    before = network(images)
    network.heads = nn.ModuleList()
    after = network(images)
off = (after - before).abs().max().item()
print(f"without heads: off by {off:.1g} (the same scores: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So neither their parameters nor their layers count: 22 layers stay 22.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do they help?
#
# A larger gradient is not yet a better network. Try six narrow modules, with heads
# after the second and the fourth, on digits of 8×8 (a stand-in). `Adam` is an optimiser
# that divides each weight's steps by the usual size of that weight's gradients, so that
# even tiny gradients move it.


# %% slideshow={"slide_type": "-"}
def small(classes=10):
    pair = [(8, 8, 8, 4, 8, 8)] * 2  # 32 maps in, 32 maps out
    begin = [conv(1, 32, 3), nn.MaxPool2d(2)]
    parts = [nn.Sequential(*begin, stack(32, pair)), stack(32, pair), stack(32, pair)]
    heads = [
        nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, classes))
        for _ in range(2)
    ]
    return WithHeads(parts, heads, classifier(32, classes, p=0))


# %% slideshow={"slide_type": "subslide"}
digits = load("digits", device)
train = Batches(*digits.train, batch_size=64)


# %% slideshow={"slide_type": "-"}
def learned(with_heads, epochs=4):
    """Test accuracy after each epoch."""
    torch.manual_seed(0)
    network, accuracies = small().to(device), []
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(epochs):
        network.train()
        for images, labels in train:
            scores, heads = network(images)
            loss = total_loss(scores, heads if with_heads else [], labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracies.append(evaluate(network, [digits.test]).accuracy)
    return accuracies


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict** the two accuracies after four epochs.

# %% slideshow={"slide_type": "-"}
curves = {"with heads": learned(True), "without": learned(False)}
helped, alone = curves["with heads"][-1], curves["without"][-1]
ahead = yes_no(helped - alone > 0.05)
print(f"with heads {helped:.1%}, without {alone:.1%} (ahead by over 5 points: {ahead})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
figure, ax = plt.subplots(figsize=(8.4, 3))
for (name, values), style in zip(curves.items(), ("o-", "s--")):
    epochs = range(1, len(values) + 1)
    ax.plot(epochs, [100 * v for v in values], style, label=name)
ax.set(xlabel="epoch", ylabel="test accuracy in %", ylim=(0, 100), title=digits.title)
ax.set_xticks(epochs)
ax.legend()
show(
    figure,
    "Test accuracy over four epochs on scikit-learn digits, a stand-in for MNIST: the "
    "network with heads ends far above the one without.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much is that worth?
#
# Heads save time, above all. In ten random starts, the network with heads was ahead by
# some 25 to 50 percentage points after four epochs, but by only 0 to 5 after twenty.
#
# The authors found that heads gain around 0.5 %, and that one is enough for it. Why so
# little, with a hundred times the gradient?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With a better start
#
# Take lesson 08's start, which keeps numbers and gradients at their size. **Predict:**
# how much do the heads add at the stem now?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
network = googlenet(classes=10)
for layer in network.modules():  # modules: every part, however deep inside
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
network = network.to(device)

# %% slideshow={"slide_type": "-"}
now = [
    gradients(network, images, shapes.train.labels, heads)[0] for heads in (True, False)
]

# %% slideshow={"slide_type": "fragment"}
ratio = now[0] / now[1]
print(f"with heads / without: {ratio:.1f} (less than 5: {yes_no(ratio < 5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# From this start the small network, too, does well: after four epochs 85 to 92 %
# without heads, 91 to 94 % with them (four random starts). Heads mended what a good
# start avoids.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Branches without padding.** They cannot be concatenated.
# - **The pooling's stride forgotten.** PyTorch then takes the window's width, 3.
# - **Reductions counted as output.** They stay inside.
# - **Concatenated along axis 0.** That is the batch.
# - **The same module object used nine times.** Each place needs its own weights.
# - **No ReLU after 1×1.** Two linear layers are one.
# - **Heads counted** in depth or parameters, or left on in evaluation.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("09", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Inception: 1×1, 3×3, 5×5 and pooling side by side, concatenated.
# - 1×1 convolutions are matrices over the depth, and make the module cheap.
# - Repeated modules share architecture, not weights.
# - GoogLeNet: 22 layers, 6 998 552 parameters.
# - Auxiliary heads bring gradient to the stem, and are thrown away.
#
# Next: {next}. Numbers that neither fade nor explode.
