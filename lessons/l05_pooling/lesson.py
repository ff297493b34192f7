# %% [markdown] slideshow={"slide_type": "slide"}
# # 05 Pooling
#
# Between convolutions, many networks shrink their maps, and need no weights to do so.
# After this lesson you can
#
# - pool by hand and in code, with maximum and mean;
# - measure what pooling forgets, and what it does not;
# - say who gets the gradient;
# - tell pooling from a convolution with a stride.
#
# About 55 minutes. You need: lessons 03 and 04.

# %% [markdown] slideshow={"slide_type": "notes"}
# 55 minutes with the exercises, 25 without. Do the 4×4 example on the board, and keep
# it there: you need it again for the gradient. The shifted stroke is the heart of the
# hour.

# %% slideshow={"slide_type": "skip"}
from fractions import Fraction
from itertools import product

import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.convolution import conv2d
from helpers.data import photograph, to_grey
from helpers.device import best_device
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show_grids, show_images, show_table
from lessons.l05_pooling.explorer import pool_explorer
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One number for each window
#
# A feature map says how well each place matches the filter. Do we need to know exactly
# *where* an edge is, or only that it is somewhere about here?
#
# **Max pooling** slides a window over the map and keeps the largest number in it.
#
# **Predict:** with 2×2 windows, side by side, what is left of this map?

# %% slideshow={"slide_type": "-"}
example = torch.tensor([[1.0, 4, 2, 1], [5, 8, 3, 4], [7, 6, 4, 5], [1, 3, 1, 2]])

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"a map, 4×4": example},
    alt="A 4×4 map with the rows 1 4 2 1, 5 8 3 4, 7 6 4 5 and 1 3 1 2. The 2×2 window "
    "in the top left corner is tinted: 1, 4, 5 and 8.",
    lit={"a map, 4×4": [(0, 0), (0, 1), (1, 0), (1, 1)]},
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 05.1: the largest of each window
#
# Pool the map by hand, with windows of 2×2. With stride 2 they lie side by side; with
# stride 1 they overlap. Write each row in brackets: `[[…, …], …]`.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"the map again": example},
    alt="The same 4×4 map: 1 4 2 1, 5 8 3 4, 7 6 4 5, 1 3 1 2.",
    side=34,
)

# %% slideshow={"slide_type": "-"}
answer(
    "05.1",
    stride_2=blank([[8, 4], [7, 5]]),
    stride_1=blank([[8, 8, 4], [8, 8, 5], [7, 6, 5]]),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 05.2: max pooling with loops
#
# Pool any map, with any F and S. How many windows fit? You know the formula, and there
# is no padding here, so P = 0.


# %% slideshow={"slide_type": "-"}
@exercise("05.2")
def max_pool2d(image, F, S):
    """The largest number of each F×F window, S pixels apart."""
    H1, W1 = image.shape
    H2, W2 = blank((H1 - F) // S + 1), blank((W1 - F) // S + 1)
    out = torch.zeros(H2, W2)
    for i in range(H2):
        for j in range(W2):
            top, left = blank(i * S), blank(j * S)
            window = image[top : blank(top + F), left : blank(left + F)]
            out[i, j] = blank(window.max())
    return out


# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand, by loops, by PyTorch
#
# PyTorch has a `max_pool2d` of its own. It takes maps (N, C, H, W), and unless you give
# it a stride, it takes S = F. Do the three agree?

# %% slideshow={"slide_type": "-"}
images = example[None, None]  # (1, 1, 4, 4)
for S in (2, 1):
    by_loops = torch.as_tensor(max_pool2d(example, F=2, S=S))
    by_pytorch = functional.max_pool2d(images, kernel_size=2, stride=S)[0, 0]
    print("S =", S, by_loops.tolist())
    print("PyTorch agrees:", yes_no(torch.equal(by_loops, by_pytorch)))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When the last step does not fit
#
# **Predict:** take 5 pixels, windows of 2, and stride 2. How many outputs are there,
# and which pixel is left out?

# %% slideshow={"slide_type": "-"}
rows = []
for W1, F, S in [(5, 2, 2), (28, 2, 2), (55, 3, 2), (112, 3, 2)]:
    row = torch.zeros(1, 1, W1, W1)
    down = functional.max_pool2d(row, F, S).shape[-1]
    up = functional.max_pool2d(row, F, S, ceil_mode=True).shape[-1]
    rows.append([W1, F, S, (W1 - F) // S + 1, down, up])

# %% slideshow={"slide_type": "-"}
show_table(["W1", "F", "S", "formula", "PyTorch", "ceil_mode"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# As in lesson 03, PyTorch rounds down. Where the last step does not fit, as in the
# first and the last row, the last pixel is never seen. Only if you ask for
# `ceil_mode=True` does it round up, and then the last window hangs over the edge.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Average pooling
#
# Instead of the largest number, keep the mean of each window. Everybody is heard, and
# nobody stands out.
#
# ### Exercise 05.3: the mean of each window
#
# Take the same map again. Give all four means for stride 2, and for stride 1 only the
# one in the middle.

# %% slideshow={"slide_type": "-"}
answer("05.3", stride_2=blank([[4.5, 2.5], [4.25, 3]]), middle=blank(5.25))

# %% slideshow={"slide_type": "fragment"}
largest = functional.max_pool2d(images, 2)[0, 0]
mean = functional.avg_pool2d(images, 2)[0, 0]  # avg_pool2d: the mean of each window

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_grids(
    {"the map": example, "max": largest, "average": mean},
    alt="The 4×4 map; max pooled: 8 4 above 7 5; average pooled: 4.5 2.5 above 4.25 3.",
    side=46,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## On a feature map
#
# Find the vertical edges of the temple, and pool their strength with windows of 6×6.
#
# **Predict:** which of the two keeps thin lines bright, the maximum or the mean?

# %% slideshow={"slide_type": "-"}
grey = to_grey(photograph("monument"))
kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
edges = conv2d(grey, kernel).abs()
kept = max_pool2d(edges, F=6, S=6)
blended = functional.avg_pool2d(edges[None, None], 6)[0, 0]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_images(
    {"edges, 212×319": edges, "max, 35×53": kept, "average, 35×53": blended},
    alt="The vertical edges of a temple, thin bright lines on black; max pooled: "
    "coarse, and just as bright; average pooled: coarse, and much darker.",
    limits=(0, 700),
)

# %% slideshow={"slide_type": "-"}
kept = torch.as_tensor(kept)
same = yes_no(kept.max() == edges.max())
print(f"brightest: {edges.max():.1f}, pooled {kept.max():.1f} (the same: {same})")
near = yes_no((blended.mean() / edges.mean() - 1).abs() < 0.02)
print(f"mean: {edges.mean():.1f}, pooled {blended.mean():.1f} (within 2 %: {near})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The maximum asks whether there is an edge *anywhere* in the window. The mean asks how
# much of the window is edge.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with windows
#
# Point at an output, or move the slider. The largest number of a window wins it and is
# tinted; ×2 means that it wins two.
#
# **Find** a setting in which one number wins four windows, and one in which a third of
# the numbers are never seen. Which numbers does the average ignore?

# %% slideshow={"slide_type": "-"}
numbers = [
    [1, 4, 2, 1, 0, 3, 2],
    [5, 8, 3, 4, 1, 0, 1],
    [7, 6, 4, 5, 2, 9, 3],
    [1, 3, 1, 2, 6, 1, 0],
    [0, 2, 7, 1, 3, 2, 4],
    [3, 1, 0, 5, 2, 8, 1],
]

# %% slideshow={"slide_type": "subslide"}
pool_explorer(numbers)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What pooling forgets
#
# Take a vertical stroke, and the same stroke one pixel further right. No pixel is lit
# in both images.
#
# **Predict:** after max pooling with F = 2 and S = 2, how different are the two maps?

# %% slideshow={"slide_type": "-"}
stroke = torch.zeros(8, 8)
stroke[1:7, 2] = 9
shifted = stroke.roll(1, dims=1)  # one pixel to the right
pooled, pooled_shifted = max_pool2d(stroke, 2, 2), max_pool2d(shifted, 2, 2)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_grids(
    {
        "stroke": stroke,
        "pooled": pooled,
        "shifted": shifted,
        "pooled again": pooled_shifted,
    },
    alt="A stroke of six nines in column 2 of an 8×8 grid; pooled to 4×4 it is four "
    "nines in column 1. The stroke in column 3, pooled, gives the same four nines.",
    side=26,
    lit={
        "stroke": [(i, 2) for i in range(1, 7)],
        "shifted": [(i, 3) for i in range(1, 7)],
        "pooled": [(i, 1) for i in range(4)],
        "pooled again": [(i, 1) for i in range(4)],
    },
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Both strokes lie in the same windows, so the pooled maps are equal. What pooling
# forgets is *where in its window* something was.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured, and its limit
#
# How much does a shift change, compared with what was there before? 0 means that
# nothing changed, and 2 that everything went dark and just as much lit up elsewhere.
#
# **Predict:** what if the stroke moves one pixel further, from column 3 to column 4?


# %% slideshow={"slide_type": "-"}
def change(image, F):
    """Change of the pooled map when the image shifts right by one pixel."""
    before = torch.as_tensor(max_pool2d(image, F, F))
    after = torch.as_tensor(max_pool2d(image.roll(1, dims=1), F, F))
    return ((after - before).abs().sum() / before.abs().sum()).item()


# %% slideshow={"slide_type": "subslide"}
strokes = {f"column {c} to {c + 1}": stroke.roll(c - 2, dims=1) for c in (2, 3, 5)}
# diag: these eight numbers on the diagonal of an 8×8 image, zeros elsewhere.
strokes["a diagonal"] = torch.diag(torch.tensor([0.0, 9, 9, 9, 9, 9, 9, 0]))
rows = [[name, *(change(x, F) for F in (1, 2, 4))] for name, x in strokes.items()]
show_table(["stroke", "F = 1: the image", "F = 2", "F = 4"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# - A shift within a window goes unnoticed; a shift across a border between windows does
#   not.
# - Larger windows have fewer borders, and a vertical stroke crosses one only at every
#   F-th shift. But they also forget more.
# - Part of the diagonal crosses a border at every shift, so with F = 2 or 4 its change
#   lies between 0 and 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Each channel alone
#
# A convolution reaches through the whole depth of its input. Pooling does not: it pools
# each map by itself, so the depth stays the same.
#
# **Predict:** 6 maps of 28×28 go into `nn.MaxPool2d`, the layer for max pooling, with
# F = 2. What comes out? How many parameters does the layer have?

# %% slideshow={"slide_type": "-"}
maps = torch.randn(4, 6, 28, 28)  # (N, C, H, W)
pool = nn.MaxPool2d(kernel_size=2)
pooled = pool(maps)
print(tuple(maps.shape), "to", tuple(pooled.shape))
print("parameters:", sum(p.numel() for p in pool.parameters()))

# %% slideshow={"slide_type": "fragment"}
alone = [pool(maps[:, c : c + 1]) for c in range(6)]  # six times (4, 1, 14, 14)
same = torch.equal(torch.cat(alone, dim=1), pooled)
print("the same, one channel at a time:", yes_no(same))

# %% [markdown] slideshow={"slide_type": "fragment"}
# So W2 and H2 follow the formula with P = 0, D2 is D1, and there are no parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Global average pooling
#
# Let the window be the whole map, and only one number is left for each channel. It says
# how much of the channel's feature is in the image, wherever it may be.
#
# ### Exercise 05.4: global average pooling
#
# Turn maps (N, C, H, W) into numbers (N, C). Over which dimensions do you average?


# %% slideshow={"slide_type": "-"}
@exercise("05.4")
def global_average(maps):
    """One number for each channel of each image."""
    return maps.mean(dim=blank((2, 3)))


# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** which sizes of maps can it take?

# %% slideshow={"slide_type": "fragment"}
for H, W in [(28, 28), (5, 9), (1, 1)]:
    print((4, 6, H, W), "to", tuple(global_average(torch.randn(4, 6, H, W)).shape))

# %% [markdown] slideshow={"slide_type": "fragment"}
# It takes any size. A classifier that reads these C numbers does not mind how large the
# image was.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 05.5: two pairs
#
# The input is 32×32×3. It goes through a convolution with 8 filters, F = 5, then max
# pooling with F = 2 and S = 2, then a convolution with 16 filters, F = 5, and the same
# pooling again. P = 0 throughout. Give (W, H, D) after each layer, and the number of
# parameters of one pooling layer.

# %% slideshow={"slide_type": "-"}
answer(
    "05.5",
    conv1=blank((28, 28, 8)),
    pool1=blank((14, 14, 8)),
    conv2=blank((10, 10, 16)),
    pool2=blank((5, 5, 16)),
    pool_parameters=blank(0),
)

# %% slideshow={"slide_type": "fragment"}
x = torch.zeros(1, 3, 32, 32)
for layer in (nn.Conv2d(3, 8, 5), pool, nn.Conv2d(8, 16, 5), pool):
    x = layer(x)
    print(type(layer).__name__, tuple(x.shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who gets the gradient?
#
# Layers before a pooling layer learn from the gradient that comes back through it. Take
# the example, with stride 2.
#
# - Raise the 5 a little, and its window's maximum is still 8: gradient **0**.
# - Raise the 8, and the output rises just as much: gradient **1**.
#
# **Predict** all sixteen, for the sum of the four outputs.


# %% slideshow={"slide_type": "-"}
def gradient(pooling, S):
    """The gradient of the sum of all outputs, for each number of the example."""
    images = example[None, None].clone().requires_grad_()
    pooling(images, 2, stride=S).sum().backward()
    return images.grad[0, 0]


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
shared = gradient(functional.avg_pool2d, 2)
show_grids(
    {
        "the map": example,
        "max": gradient(functional.max_pool2d, 2),
        "average": [[Fraction(v) for v in row] for row in shared.tolist()],
    },
    alt="The map, and two grids of gradients. Max: 1 at the 8, the 4 of the last "
    "column, the 7 and the 5 of the last column, 0 elsewhere. Average: all 1/4.",
    side=44,
    lit={name: [(1, 1), (1, 3), (2, 0), (2, 3)] for name in ("the map", "max")},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# In max pooling the winner takes it all, and the other three in its window get nothing
# this time. Average pooling shares the gradient out, a quarter each.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 05.6: who gets the gradient?
#
# With stride 1 the outputs are 8 8 4 / 8 8 5 / 7 6 5. The windows overlap, and what a
# number gets from several of them adds up. At each of the five tinted numbers, what is
# the gradient of the sum of all nine outputs?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"the map": example},
    alt="The 4×4 map with five tinted numbers: 8 and the 3 to its right, 7 and 6 in "
    "the third row, and the 5 at the end of that row.",
    side=34,
    lit={"the map": [(1, 1), (1, 2), (2, 0), (2, 1), (2, 3)]},
)

# %% slideshow={"slide_type": "-"}
answer(
    "05.6", eight=blank(4), seven=blank(1), six=blank(1), five=blank(2), three=blank(0)
)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
shared = gradient(functional.avg_pool2d, 1)
show_grids(
    {
        "the map": example,
        "max, S = 1": gradient(functional.max_pool2d, 1),
        "average, S = 1": [[Fraction(v) for v in row] for row in shared.tolist()],
    },
    alt="Gradients with stride 1. Max: 4 at the 8, 1 at the 4 of the last column, 1 at "
    "the 7, 1 at the 6, 2 at the 5 of the last column, 0 elsewhere. Average: 1/4 in "
    "the corners, 1/2 along the edges, 1 in the middle.",
    side=44,
    lit={"max, S = 1": [(1, 1), (1, 3), (2, 0), (2, 1), (2, 3)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# You have seen such numbers before, as ×4 and ×2 in the explorer: they count the
# windows won. With the average, a number in the middle lies in four windows and gets a
# quarter from each.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And a tie?
#
# Suppose that the four numbers of a window are equal. **Predict:** who gets the
# gradient?

# %% slideshow={"slide_type": "-"}
tie = torch.ones(1, 1, 2, 2, requires_grad=True)
functional.max_pool2d(tie, 2).sum().backward()
print("max_pool2d:", tie.grad[0, 0].tolist())

tie = torch.ones(1, 1, 2, 2, requires_grad=True)
tie.amax(dim=(2, 3)).sum().backward()
print("amax:      ", tie.grad[0, 0].tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# Max pooling notes the place of a single winner in each window, the first that it
# meets. `amax`, the maximum over the dimensions given, shares the gradient among all
# that tie. Both are fair answers, since the maximum has a kink here: raise one of the
# four, and it rises; lower that one, and nothing happens. There is no single slope.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Or a convolution with stride 2?
#
# A convolution with stride 2 halves a map as well. What is the difference? Compare it
# with `nn.AvgPool2d`, the layer for average pooling.

# %% slideshow={"slide_type": "-"}
one_map = torch.randn(1, 1, 28, 28)
for layer in (nn.AvgPool2d(2), nn.Conv2d(1, 1, kernel_size=2, stride=2)):
    parameters = sum(p.numel() for p in layer.parameters())
    print(f"{type(layer).__name__:9}", tuple(layer(one_map).shape), parameters)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The convolution has four weights and a bias. **Predict:** can they be chosen so that
# it *is* average pooling? And max pooling?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 05.7: average pooling as a convolution
#
# For an input of depth C, take C filters, each as deep as the input. Which of their
# weights are not zero, and what are they?


# %% slideshow={"slide_type": "-"}
@exercise("05.7")
def average_by_convolution(images):
    """Average pooling, F = 2 and S = 2, by a convolution: (N, C, H, W)."""
    C = images.shape[1]
    weight = torch.zeros(C, C, 2, 2)  # (K, depth, F, F) with K = depth = C
    for c in range(C):
        weight[c, blank(c)] = blank(1 / 4)
    return functional.conv2d(images, weight, stride=blank(2))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Can it learn that?
#
# Start from random weights, and let gradient descent make the convolution imitate first
# average pooling, then max pooling, on random images. **Predict:** how far does it get
# with each?


# %% slideshow={"slide_type": "-"}
def imitate(pooling):
    """The weights that a convolution learns, and its mean squared error."""
    device = best_device()  # the GPU, if there is one: see lesson 06
    torch.manual_seed(0)
    images = torch.randn(500, 1, 8, 8).to(device)
    layer = nn.Conv2d(1, 1, 2, stride=2).to(device)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.2)
    for _ in range(200):
        error = (layer(images) - pooling(images, 2)).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return layer.weight.detach()[0, 0].cpu(), error.item()


# %% slideshow={"slide_type": "subslide"}
for pooling in (functional.avg_pool2d, functional.max_pool2d):
    weight, error = imitate(pooling)
    print(f"{pooling.__name__}: error {error:.2f}, weights near")
    print((weight * 20).round() / 20)  # round: to whole numbers, here of 20ths

# %% [markdown] slideshow={"slide_type": "fragment"}
# It learns the average, and the error vanishes. With the maximum it settles for the
# mean and a bias, and an error remains. Could any other weights remove it?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Max pooling is not linear
#
# A convolution without a bias is **linear**: the output for the sum of two images is
# the sum of their two outputs. Is the maximum of a sum the sum of the maxima? Let the
# computer look for a counterexample in windows a and b of zeros and ones.

# %% slideshow={"slide_type": "-"}
eights = [*product([0.0, 1.0], repeat=8)]  # all 256 rows of eight zeros and ones
pairs = torch.tensor(eights).view(256, 2, 2, 2)  # each: a window a and a window b
a, b = pairs[:, 0], pairs[:, 1]  # (256, 2, 2) each
for name, f in {"mean": torch.mean, "max": torch.amax}.items():
    differs = f(a + b, dim=(1, 2)) != f(a, dim=(1, 2)) + f(b, dim=(1, 2))
    print(name, differs.sum().item(), "counterexamples among", len(pairs))

# %% slideshow={"slide_type": "-"}
one, other = pairs[differs][0]  # the first of the pairs for which differs is True
for name, window in {"a": one, "b": other, "a + b": one + other}.items():
    print(f"{name:6}", window.tolist(), "max", window.max().item())

# %% [markdown] slideshow={"slide_type": "fragment"}
# One counterexample is enough: no weights turn a convolution into max pooling. A bias
# does not help either. Four zeros must give 0, so the bias would have to be 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which one, then?
#
# | | max | average | conv, stride 2 |
# |---|---|---|---|
# | parameters | 0 | 0 | F·F·D1·K + K |
# | depth | stays | stays | K |
# | mixes channels | no | no | yes |
# | linear | no | yes | yes, without the bias |
# | gradient | to the winner | shared | by weight |
#
# All three are in use: you will meet max pooling in AlexNet, global averages in
# GoogLeNet, and strides in ResNet.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Stride 1 by habit.** By default, a convolution's stride is 1, but pooling's is F.
# - **Pooling over channels.** The depth stays.
# - **Weights for pooling.** There are none.
# - **Starting the maximum at 0.** All numbers of a window may be negative.
# - **"Shifts do not matter."** That holds only within a window.
# - **One gradient for each winner.** Where windows overlap, gradients add up.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("05", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Pooling keeps each window's maximum or mean: ⌊(W1 − F)/S⌋ + 1 along each side, the
#   same depth, no parameters.
# - It forgets where in its window something was, but not in which window.
# - The gradient goes to the winner, or is shared out.
# - Average pooling is a convolution; max pooling is not.
#
# Next: {next}. Two rounds of convolution and pooling, and a network reads digits.
