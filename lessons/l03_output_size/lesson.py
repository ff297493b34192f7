# %% [markdown] slideshow={"slide_type": "slide"}
# # 03 Output size
#
# A network is a chain of layers, and each output must fit the next. One formula tells
# how. Afterwards you can
#
# - derive it from pictures of a grid;
# - compute the output of any convolution layer in your head;
# - say what happens when the stride does not divide.
#
# About 45 minutes. You need: lesson 02.

# %% [markdown] slideshow={"slide_type": "notes"}
# 40 minutes with the exercises, 20 without. Derive on the pictures, one quantity at a
# time; the formula should feel found, not given. The eight sizes make a good quiz.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn

from helpers.authoring import blank
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show_table
from lessons.l03_output_size.explorer import size_explorer
from lessons.l03_output_size.figures import show_positions

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The quantities
#
# | symbol | what it is |
# |---|---|
# | W1, H1, D1 | width, height and depth of the input |
# | F | spatial extent of a filter; its depth is the input's, D1 |
# | K | number of filters |
# | P | padding: zeros added on each side |
# | S | stride: pixels from one place to the next |
# | W2, H2, D2 | width, height and depth of the output: wanted |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where can the kernel stand?
#
# A 3×3 kernel, outlined, on 7×7 pixels. It cannot be centred on a corner: part of it
# would hang over the edge. The same goes for every pixel that is crossed out.
#
# **Predict:** how many places are left, and how many for a 5×5 kernel?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(7, 3, 0, 1)],
    alt="A 7×7 grid with a 3×3 kernel in its corner. The outermost ring of pixels is "
    "crossed out, the 5×5 pixels inside carry dots. Output: 5×5.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A larger kernel loses more

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_positions(
    [(7, 3, 0, 1), (7, 5, 0, 1)],
    alt="Beside the 3×3 kernel with its 5×5 output, a 5×5 kernel on 7×7 pixels: two "
    "rings are crossed out and the output is 3×3.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Along one side: the kernel's left edge can stand on pixel 0, 1, 2, …, and the last
# place is W1 − F. How many are those?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.1: no padding, no stride


# %% slideshow={"slide_type": "-"}
@exercise("03.1")
def places(W1, F):
    """Number of places for a kernel of extent F along W1 pixels."""
    return blank(W1 - F + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A deep network would run out of pixels
#
# A 32×32 image, and 5×5 kernels in layer after layer. **Predict:** how many layers
# until no kernel fits?

# %% slideshow={"slide_type": "-"}
W, sizes = 32, []
while W >= 5:
    W = places(W, 5)
    sizes.append(W)

print(len(sizes), "layers:", sizes)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Padding: add a border
#
# To keep the size, let the kernel stand on the border pixels too, and put zeros where
# it hangs over: **padding**, P pixels of it on each side.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_positions(
    [(7, 3, 1, 1)],
    alt="7×7 pixels with one ring of grey padding around them, 9×9 in all. Every one "
    "of the 49 pixels carries a dot. Output: 7×7.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The row is now W1 + 2P long, so **W2 = W1 − F + 2P + 1**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.2: padding that keeps the size
#
# For odd F and stride 1. (With an even F no P does it. Why?)


# %% slideshow={"slide_type": "-"}
@exercise("03.2")
def same_padding(F):
    """The P for which W2 = W1."""
    return blank((F - 1) // 2)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Per side, or in total?
#
# Here P counts one side, as in PyTorch. Some books count both sides together and write
# W1 − F + P + 1. Both are right; mixing them is not.
#
# **Predict:** what does `padding=2` make of 7 pixels with F = 3?

# %% slideshow={"slide_type": "-"}
row = torch.zeros(1, 1, 7, 7)  # (N, C, H, W)
layer = nn.Conv2d(1, 1, kernel_size=3, padding=2)
print(tuple(layer(row).shape))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Two zeros on *each* side: 7 − 3 + 4 + 1 = 9.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stride: skip places
#
# With stride S the kernel moves by S pixels. The output gets about S times smaller
# along each side.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_positions(
    [(7, 3, 1, 2)],
    alt="7×7 pixels with one ring of padding. Only every second pixel in every second "
    "row carries a dot. Output: 4×4.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first place costs nothing. After it, W1 − F + 2P pixels are left to move in, S at
# a time: **W2 = (W1 − F + 2P)/S + 1**. Here (7 − 3 + 2)/2 + 1 = 4.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When the stride does not divide
#
# 8 pixels, F = 3, S = 2: (8 − 3)/2 + 1 = 3.5. **Predict:** an error? 3? 4?

# %% slideshow={"slide_type": "-"}
row = torch.zeros(1, 1, 8, 8)
print(tuple(nn.Conv2d(1, 1, kernel_size=3, stride=2)(row).shape))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(8, 3, 0, 2)],
    alt="8×8 pixels, stride 2: the dots stand on columns 1, 3 and 5; a fourth place "
    "would hang over the edge. Output: 3×3.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Round down
#
# A place either fits or it does not, so the number of moves is rounded down:
#
# $$W_2 = \left\lfloor \frac{W_1 - F + 2P}{S} \right\rfloor + 1$$
#
# The last column of pixels is then never seen by the kernel. Some courses call such a
# layer invalid. PyTorch does not: it rounds down and says nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.3: the whole formula


# %% slideshow={"slide_type": "-"}
@exercise("03.3")
def output_size(W1, F, P=0, S=1):
    """Width of a feature map."""
    return blank((W1 - F + 2 * P) // S + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Against PyTorch
#
# Trust is good. Here is every combination that fits, up to 12 pixels.


# %% slideshow={"slide_type": "-"}
def by_pytorch(W1, F, P, S):
    layer = nn.Conv1d(1, 1, F, padding=P, stride=S)
    return layer(torch.zeros(1, 1, W1)).shape[-1]


combinations = [
    (W1, F, P, S)
    for W1 in range(1, 13)
    for F in range(1, 8)
    for P in range(4)
    for S in range(1, 5)
    if F <= W1 + 2 * P
]
agree = all(output_size(*c) == by_pytorch(*c) for c in combinations)
print(len(combinations), "combinations, all equal:", yes_no(agree))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# Striped pixels are never seen. **Find** a setting where a third of the image is never
# seen, and one where the output is larger than the input.

# %% slideshow={"slide_type": "subslide"}
size_explorer(W1=7, F=3, P=1, S=2)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Depth
#
# Each filter reaches through all of D1 and gives one map. K filters give K maps, one
# on top of the other: **D2 = K**, whatever D1 is.
#
# So a layer is told by K, F, S and P, and turns W1×H1×D1 into W2×H2×K. Height follows
# the same formula as width.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Eight sizes
#
# Paper and pencil first. Where nothing is said, P = 0 and S = 1.
#
# **03.4** 32×32×1, six filters of 5×5.

# %% slideshow={"slide_type": "-"}
answer("03.4", W2=blank(28), H2=blank(28), D2=blank(6))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.5** 227×227×3, 96 filters of 11×11, S = 4. (The first layer of AlexNet.)

# %% slideshow={"slide_type": "-"}
answer("03.5", W2=blank(55), H2=blank(55), D2=blank(96))

# %% [markdown] slideshow={"slide_type": "slide"}
# **03.6** 7×7×3, two filters of 3×3, P = 1, S = 2.

# %% slideshow={"slide_type": "-"}
answer("03.6", W2=blank(4), H2=blank(4), D2=blank(2))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.7** 224×224×3, 64 filters of 7×7, P = 3, S = 2. (The first layer of ResNet.)

# %% slideshow={"slide_type": "-"}
answer("03.7", W2=blank(112), H2=blank(112), D2=blank(64))

# %% [markdown] slideshow={"slide_type": "slide"}
# **03.8** Not square: 640 wide, 480 high, depth 3; 16 filters of 5×5, P = 2, S = 4.

# %% slideshow={"slide_type": "-"}
answer("03.8", W2=blank(160), H2=blank(120), D2=blank(16))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.9** 56×56×64, 32 filters of 1×1. (A kernel of one pixel? Lesson 09 lives on it.)

# %% slideshow={"slide_type": "-"}
answer("03.9", W2=blank(56), H2=blank(56), D2=blank(32))

# %% [markdown] slideshow={"slide_type": "slide"}
# Now backwards.
#
# **03.10** 17 pixels, F = 5, no padding, and 5 come out, none left over. Which stride?

# %% slideshow={"slide_type": "-"}
answer("03.10", S=blank(3))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.11** 32 pixels, F = 5, S = 1, and 32 come out. Which padding?

# %% slideshow={"slide_type": "-"}
answer("03.11", P=blank(2))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.12: build the layer
#
# In PyTorch: `nn.Conv2d(D1, K, …)`. Build the layer of 03.7.


# %% slideshow={"slide_type": "-"}
@exercise("03.12")
def first_layer():
    """64 filters of 7×7 that turn 224×224×3 into 112×112×64."""
    return nn.Conv2d(
        blank(3), blank(64), kernel_size=blank(7), stride=blank(2), padding=blank(3)
    )


# %% slideshow={"slide_type": "fragment"}
images = torch.zeros(5, 3, 224, 224)  # (N, C, H, W) with N = 5, C = D1
print(tuple(first_layer()(images).shape))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The lecture writes W×H×D, PyTorch (N, C, H, W): the batch first, then depth, then
# height before width.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One more quantity: dilation
#
# The taps of a kernel may stand apart. With dilation 2 every second pixel is left out:
# three taps reach over five pixels, with no more weights.
#
# The formula stays, with the extent that the kernel **covers** in place of F.

# %% slideshow={"slide_type": "-"}
layer = nn.Conv2d(1, 1, kernel_size=3, dilation=2)
print(tuple(layer(torch.zeros(1, 1, 7, 7)).shape), "like F = 5")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.13: dilation
#
# How many pixels does a kernel of F taps cover? Dilation 1 means neighbours.


# %% slideshow={"slide_type": "-"}
@exercise("03.13")
def extent(F, dilation):
    """Pixels from the first tap to the last, both included."""
    return blank(dilation * (F - 1) + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## From the first layers of real networks
#
# All by the function you wrote, for lessons to come.

# %% slideshow={"slide_type": "-"}
first_layers = [  # W1, F, P, S
    ("LeNet-5 (1998)", 32, 5, 0, 1),
    ("AlexNet (2012)", 227, 11, 0, 4),
    ("VGG-16 (2014)", 224, 3, 1, 1),
    ("ResNet-18 (2015)", 224, 7, 3, 2),
]
show_table(
    ["network", "W1", "F", "P", "S", "W2"],
    [[name, *q, output_size(*q)] for name, *q in first_layers],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **One short.** Moves are not places: add 1.
# - **Brackets.** `W1 - F + 2 * P / S + 1` divides only the padding.
# - **Padding counted once.** P is for each side.
# - **Not rounding down,** or rounding to the nearest.
# - **D2 = D1·K.** A filter takes in the whole depth: D2 = K.
# - **Depth of a filter.** It is not chosen: it is D1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - $W_2 = \lfloor (W_1 - F + 2P)/S \rfloor + 1$, the same for H2, and D2 = K.
# - P = (F − 1)/2 keeps the size at stride 1.
# - What does not fit is dropped in silence.
# - Dilation widens the kernel to dilation · (F − 1) + 1.
#
# Next: {next}. So far, people chose
# the kernels. Can a network choose its own?
