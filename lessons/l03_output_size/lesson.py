# %% [markdown] slideshow={"slide_type": "slide"}
# # 03 Output size
#
# A convolutional network is a chain of layers. Each slides filters over what the layer
# before it puts out. How large is its own output? After this lesson you can
#
# - derive the formula from pictures of a grid;
# - compute any convolution layer's output size in your head;
# - say what happens when the last step of the kernel does not fit.
#
# About 50 minutes. You need: lesson 02.

# %% [markdown] slideshow={"slide_type": "notes"}
# 50 minutes with the exercises, 20 without. Derive the formula on the pictures, one
# quantity at a time; it should feel found, not given. The eight small layers make
# a good quiz.

# %% slideshow={"slide_type": "skip"}
import torch
from torch import nn

from helpers.authoring import blank
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_table
from lessons.depth import draw_filters
from lessons.l03_output_size.explorer import size_explorer
from lessons.l03_output_size.figures import draw_overhang, draw_steps, show_positions
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The quantities
#
# | symbol | what it is |
# |---|---|
# | W1, H1, D1 | width, height and depth of the input |
# | F | width and height of a filter; its depth is that of the input, D1 |
# | K | number of filters |
# | P | padding: zeros added on each side |
# | S | stride: pixels from one place of the filter to the next |
# | W2, H2, D2 | width, height and depth of the output: what we want to find |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where can the kernel stand?
#
# Lay a 3×3 kernel on 7×7 pixels. It cannot be centred on a corner pixel, since part of
# it would hang over the edge, and other pixels are ruled out for the same reason.
#
# **Predict:** on how many pixels can it be centred? And a 5×5 kernel?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(7, 3, 0, 1)],
    alt="A 7×7 grid with a 3×3 kernel in its corner. The outermost ring of pixels is "
    "crossed out, the 5×5 pixels inside carry dots. Output: 5×5.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The kernel, outlined here in its first place, can be centred on the dots but not on
# the crosses.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A larger kernel fits in fewer places

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_positions(
    [(7, 3, 0, 1), (7, 5, 0, 1)],
    alt="Beside the 3×3 kernel with its 5×5 output, a 5×5 kernel on 7×7 pixels: two "
    "rings are crossed out and the output is 3×3.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Now look along one side only. The kernel's left edge can stand on pixel 0, 1, 2 and so
# on, up to pixel W1 − F. How many places is that?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.1: no padding, stride 1
#
# Count the places of the kernel along one side, for any W1 and F.


# %% slideshow={"slide_type": "-"}
@exercise("03.1")
def places(W1, F):
    """Number of places for a kernel of extent F along W1 pixels."""
    return blank(W1 - F + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A deep network would run out of pixels
#
# Start from a 32×32 image, and apply a 5×5 kernel in layer after layer.
#
# **Predict:** after how many layers is there no room left for the kernel?

# %% slideshow={"slide_type": "-"}
W, sizes = 32, []
while W >= 5:
    W = places(W, 5)
    sizes.append(W)

print(len(sizes), "layers:", sizes)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Padding: add a border
#
# To keep the size, let the 3×3 kernel be centred on the border pixels too. There it
# hangs over the edge.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show(
    draw_overhang(7, 3),
    alt="A 3×3 kernel centred on the corner pixel of rows of seven. Five of its nine "
    "cells hang over the edge and hold question marks.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Zeros go there: this is **padding**, P pixels wide on each side. **Predict** the size
# of the output.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(7, 3, 1, 1)],
    alt="7×7 pixels with one ring of grey padding around them, 9×9 in all, with a zero "
    "in each cell of the ring. Every one of the 49 pixels carries a dot. Output: 7×7.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each row is now W1 + 2P pixels long, so **W2 = W1 − F + 2P + 1**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.2: padding that keeps the size
#
# Let F be odd, and the stride 1. Which padding keeps the size? (For an even F there is
# no such P. Why not?)


# %% slideshow={"slide_type": "-"}
@exercise("03.2")
def same_padding(F):
    """The P for which W2 = W1."""
    return blank((F - 1) // 2)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Per side, or in total?
#
# In this course P is the padding on one side, as in PyTorch. Some books let P count
# both sides together and write W1 − F + P + 1. Both conventions work, as long as nobody
# mixes them.
#
# **Predict:** with F = 3 and `padding=2`, what size comes out of 7×7 pixels?

# %% slideshow={"slide_type": "-"}
image = torch.zeros(1, 1, 7, 7)  # (N, C, H, W)
# nn.Conv2d: a convolution layer, here from depth 1 to one map. It has its own weights.
layer = nn.Conv2d(1, 1, kernel_size=3, padding=2)
print(tuple(layer(image).shape))

# %% [markdown] slideshow={"slide_type": "fragment"}
# There are two zeros on *each* side, so the width is 7 − 3 + 4 + 1 = 9.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stride: skip places
#
# With **stride** S the kernel moves on by S pixels at a time, here along a padded row:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show(
    draw_steps(7, 3, 1, 2, places=2),
    alt="A row of 9 pixels, the first and the last of them zeros of the padding. "
    "Below, the kernel's first place on pixels 1 to 3, and after a step of S = 2 its "
    "second place on pixels 3 to 5.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** how many places are there along this row? And on all 7×7 pixels?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(7, 3, 1, 2)],
    alt="7×7 pixels with one ring of padding. Only every second pixel in every second "
    "row carries a dot. Output: 4×4.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first place needs no move. From there, W1 − F + 2P pixels are left to move
# through, S at a time, so **W2 = (W1 − F + 2P)/S + 1**. Here that is
# (7 − 3 + 2)/2 + 1 = 4, in general about W1/S.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When the last step does not fit
#
# Take 8×8 pixels, F = 3, S = 2 and no padding. Now the formula gives
# (8 − 3)/2 + 1 = 3.5.
#
# **Predict:** will PyTorch give 3 or 4, or stop with an error?

# %% slideshow={"slide_type": "-"}
image = torch.zeros(1, 1, 8, 8)
print(tuple(nn.Conv2d(1, 1, kernel_size=3, stride=2)(image).shape))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_positions(
    [(8, 3, 0, 2)],
    alt="8×8 pixels, stride 2: the dots stand on columns 1, 3 and 5; a fourth place "
    "would hang over the edge. Output: 3×3.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Round down
#
# The kernel either fits in a place or it does not, so the number of moves is rounded
# down:
#
# $$W_2 = \left\lfloor \frac{W_1 - F + 2P}{S} \right\rfloor + 1$$
#
# In the last example, the kernel never sees the last column or the last row of pixels.
# Some courses call such a layer invalid. PyTorch does not: it rounds down and says
# nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.3: the whole formula
#
# Put it together: padding, stride, and rounding down.


# %% slideshow={"slide_type": "-"}
@exercise("03.3")
def output_size(W1, F, P=0, S=1):
    """Width of a feature map."""
    return blank((W1 - F + 2 * P) // S + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Against PyTorch
#
# Does the formula always agree with PyTorch? Compare the two on every combination that
# fits, up to 12 pixels. (`nn.Conv1d` is the layer for a single row of pixels.)


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
# The kernel never sees the striped pixels. **Find** a setting in which it misses a
# third of the columns, and one in which the output is larger than the input.

# %% slideshow={"slide_type": "subslide"}
size_explorer(W1=7, F=3, P=1, S=2)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Depth
#
# The height follows the same formula as the width. And the depth? **Predict** D2 for K
# filters on an input of depth D1.

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each filter reaches through the whole depth D1 and gives one map. K filters give K
# maps, one behind the other, so **D2 = K**, whatever D1 is.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_filters(W1=7, D1=3, F=3, K=4),
    alt="An input of 7×7×3, four filters of 3×3×3 each, and what they give: four maps, "
    "one behind the other, each in its filter's colour, together 5×5×4.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# For a given input, four numbers specify a layer: K, F, S and P. It turns W1×H1×D1
# into W2×H2×K.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Eight small layers
#
# Six of these exercises ask for the size of a layer's output. The last two give it, and
# ask for the stride or the padding. Try paper and pencil first. Unless an exercise says
# otherwise, P = 0 and S = 1.
#
# **03.4** Input 32×32×1; six filters of 5×5.

# %% slideshow={"slide_type": "-"}
answer("03.4", W2=blank(28), H2=blank(28), D2=blank(6))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.5** Input 227×227×3; 96 filters of 11×11, S = 4. (The first layer of AlexNet,
# a well-known network that you will meet later.)

# %% slideshow={"slide_type": "-"}
answer("03.5", W2=blank(55), H2=blank(55), D2=blank(96))

# %% [markdown] slideshow={"slide_type": "slide"}
# **03.6** Input 7×7×3; two filters of 3×3, P = 1, S = 2.

# %% slideshow={"slide_type": "-"}
answer("03.6", W2=blank(4), H2=blank(4), D2=blank(2))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.7** Input 224×224×3; 64 filters of 7×7, P = 3, S = 2. (The first layer of a
# ResNet, another of those networks.)

# %% slideshow={"slide_type": "-"}
answer("03.7", W2=blank(112), H2=blank(112), D2=blank(64))

# %% [markdown] slideshow={"slide_type": "slide"}
# **03.8** An input that is not square: 640 wide, 480 high and 3 deep; 16 filters of
# 5×5, P = 2, S = 4.

# %% slideshow={"slide_type": "-"}
answer("03.8", W2=blank(160), H2=blank(120), D2=blank(16))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.9** Input 56×56×64; 32 filters of 1×1. (Filters of a single pixel? Lesson 09 is
# built on them.)

# %% slideshow={"slide_type": "-"}
answer("03.9", W2=blank(56), H2=blank(56), D2=blank(32))

# %% [markdown] slideshow={"slide_type": "slide"}
# Now work backwards, along one side.
#
# **03.10** With F = 5 and no padding, 17 pixels turn into 5, and no pixel is left over.
# What was the stride?

# %% slideshow={"slide_type": "-"}
answer("03.10", S=blank(3))

# %% [markdown] slideshow={"slide_type": "-"}
# **03.11** With F = 5 and S = 1, 32 pixels stay 32. What was the padding?

# %% slideshow={"slide_type": "-"}
answer("03.11", P=blank(2))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.12: build the layer
#
# PyTorch asks for a layer's quantities in the order `nn.Conv2d(D1, K, …)`. Build the
# layer of exercise 03.7.


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
# The lecture writes W×H×D. PyTorch writes (N, C, H, W): the batch comes first, then the
# depth, and the height comes before the width.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One more quantity: dilation
#
# The taps of a kernel need not be neighbours. **Dilation** is the step from one tap to
# the next: with dilation 2, every second pixel is left out, and three taps cover five
# pixels without any extra weights.
#
# The formula stays the same, except that F is now the width that the kernel *covers*.

# %% slideshow={"slide_type": "-"}
layer = nn.Conv2d(1, 1, kernel_size=3, dilation=2)
print(tuple(layer(torch.zeros(1, 1, 7, 7)).shape), "as with F = 5")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 03.13: dilation
#
# How many pixels does a kernel with F taps cover along one side? With dilation 1, the
# taps are neighbours.


# %% slideshow={"slide_type": "-"}
@exercise("03.13")
def extent(F, dilation):
    """Pixels from the first tap to the last, both included."""
    return blank(dilation * (F - 1) + 1)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first layers of real networks
#
# The last column comes from the function that you wrote. You will meet all four
# networks in later lessons.

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
# - **One short.** There is one more place than there are moves.
# - **Brackets forgotten.** `W1 - F + 2 * P / S + 1` divides only the padding.
# - **Padding counted once.** P is the padding on *each* side.
# - **Rounding up, or to the nearest.** A window that does not fit does not count.
# - **D2 = D1·K.** Each filter takes in the whole depth, so D2 = K.
# - **Choosing a filter's depth.** It is always D1.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("03", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - $W_2 = \lfloor (W_1 - F + 2P)/S \rfloor + 1$, likewise for H2, and D2 = K.
# - P = (F − 1)/2 keeps the size at stride 1, for odd F.
# - Pixels that no window reaches are ignored without a word.
# - With dilation, a kernel covers dilation · (F − 1) + 1 pixels.
#
# Next: {next}. So far, people chose
# the kernels. Can a network choose its own?
