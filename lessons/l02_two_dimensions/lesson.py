# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 Two dimensions
#
# A small square of weights, slid over a photograph, blurs it, sharpens it or finds its
# edges. After this lesson you can
#
# - compute a 2D convolution by hand, in loops, and by shift and add;
# - predict from nine numbers what a kernel does;
# - say how a filter treats colours.
#
# About 65 minutes. You need: lesson 01.

# %% [markdown] slideshow={"slide_type": "notes"}
# 65 minutes with the exercises, 30 without. Ask for predictions before each of the four
# kernels on the photograph; the kernel explorer is worth ten minutes of play.

# %% slideshow={"slide_type": "skip"}
import timeit

import torch
from torch.nn import functional

from helpers.authoring import blank
from helpers.data import photograph, to_grey
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images
from lessons.depth import draw_filters
from lessons.l02_two_dimensions.explorer import kernel_explorer, window_explorer
from lessons.l02_two_dimensions.figures import draw_windows
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With letters
#
# Lay the kernel on the top left corner of the input. Multiply each weight by the pixel
# beneath it, and add up the products: that is one output. Then move the kernel on by
# one pixel.

# %% slideshow={"slide_type": "-"}
letters = ["abcd", "efgh", "ijkl"]
weights = ["wx", "yz"]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"input": letters, "kernel": weights},
    alt="Input: three rows of four letters, a to l. Kernel: w x above y z. The window "
    "on a, b, e and f is tinted.",
    lit={"input": [(0, 0), (0, 1), (1, 0), (1, 1)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first output is $S_{00} = aw + bx + ey + fz$. How many outputs will there be?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.1: letters
#
# Write down $S_{01}$, the next output to the right, and $S_{10}$, the first one of the
# second row, in the form in which $S_{00}$ is written: `"aw + bx + ey + fz"`.

# %% slideshow={"slide_type": "-"}
answer("02.1", S_01=blank("bw + cx + fy + gz"), S_10=blank("ew + fx + iy + jz"))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All six
#
# The window has 2 places from top to bottom and 3 from left to right, so the output is
# 2×3. Each direction follows the rule from lesson 01, W1 − F + 1.

# %% slideshow={"slide_type": "-"}
for i in range(2):
    for j in range(3):
        terms = [letters[i + a][j + b] + weights[a][b] for a in (0, 1) for b in (0, 1)]
        print(f"S_{i}{j} =", " + ".join(terms))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three formulas for one idea
#
# Which neighbours of pixel (i, j) should the kernel see? Let I be the image and K the
# kernel, with m rows and n columns. The lecture gives three answers:
#
# 1. those before it: $\;S_{ij} = \sum_{a=0}^{m-1}\sum_{b=0}^{n-1}
#    I_{i-a,\,j-b}\,K_{a,b}$
# 2. those after it: $\;S_{ij} = \sum_{a=0}^{m-1}\sum_{b=0}^{n-1}
#    I_{i+a,\,j+b}\,K_{a,b}$
# 3. those all around it: $\;S_{ij} =
#    \sum_{a=\lfloor -m/2 \rfloor}^{\lfloor m/2 \rfloor}
#    \sum_{b=\lfloor -n/2 \rfloor}^{\lfloor n/2 \rfloor}
#    I_{i-a,\,j-b}\,K_{m/2+a,\;n/2+b}$
#
# Here ⌊x⌋ means x rounded down. The letters above used the second formula, and so does
# PyTorch.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Which pixels are those?
#
# Take a 3×3 kernel. By formula 1, its weights meet the pixels $I_{i-a,\,j-b}$, and a
# and b run over 0, 1 and 2.
#
# **Predict:** which nine pixels are they? Where among them is pixel (i, j)?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_windows(["before it"], kernel=True),
    alt="Beside the 3×3 kernel, whose a and b run from 0 to 2, a 5×5 piece of the "
    "image. Formula 1: the window is framed from row i−2 and column j−2 to pixel "
    "(i, j), marked by a dot, which is its lower right corner.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The window ends at pixel (i, j), the dot. **Predict** the windows of formulas 2 and 3.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_windows(["after it", "around it"]),
    alt="Formula 2: the window reaches from pixel (i, j), its upper left corner, to "
    "row i+2 and column j+2. Formula 3: from row i−1 and column j−1 to row i+1 and "
    "column j+1, with pixel (i, j) in the middle.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.2: the preceding neighbours
#
# Compute one output by formula 1. Which pixel does the weight $K_{a,b}$ meet? Fill in
# its row and its column.


# %% slideshow={"slide_type": "-"}
@exercise("02.2")
def at_preceding(I, K, i, j):
    """One output of true convolution, away from the border."""
    m, n = K.shape
    return sum(
        I[blank(i - a), blank(j - b)] * K[a, b] for a in range(m) for b in range(n)
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The third formula, by hand
#
# Try it on nine pixels, 1 to 9, and a 3×3 kernel. The pixel of interest is the 5. The
# indices m/2 and n/2 are meant to be rounded down: 3/2 becomes 1, the kernel's middle
# row or column. Both $a$ and $b$ take the values −1, 0 and 1. So the kernel's centre,
# v, meets the 5.

# %% slideshow={"slide_type": "-"}
pixels = ["123", "456", "789"]
taps = ["rst", "uvw", "xyz"]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"input": pixels, "kernel": taps},
    alt="Input: three rows of three numbers, 1 to 9. Kernel: three rows of letters, r "
    "to z. The middle of each, 5 and v, is tinted.",
    side=36,
    lit={"input": [(1, 1)], "kernel": [(1, 1)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** put a = 1 and b = 1 into the formula. Which pixel does it take, and which
# weight?

# %% slideshow={"slide_type": "subslide"}
# One product for each pair of a and b.
steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
terms = [pixels[1 - a][1 - b] + taps[1 + a][1 + b] for a, b in steps]
print("S_11 =", " + ".join(terms))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last step takes the first pixel, 1, and the last weight, z. So the kernel is
# rotated by half a turn before it is laid on the pixels, as in formula 1, but now it
# reaches out to every side.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One bright pixel
#
# To see what a formula does, show it a black picture with a single bright pixel.
#
# **Predict:** what will the output look like? A single bright pixel again? Nine?

# %% slideshow={"slide_type": "-"}
picture = torch.zeros(9, 9)  # all black
picture[4, 4] = 1
kernel = torch.arange(1.0, 10).view(3, 3)


# %% slideshow={"slide_type": "subslide"}
def everywhere(neighbour):
    """The output at each place; K[a, b] meets the pixel neighbour(i, j, a, b)."""
    out = torch.zeros(9, 9)
    for i in range(2, 7):
        for j in range(2, 7):
            for a in range(3):
                for b in range(3):
                    out[i, j] += picture[neighbour(i, j, a, b)] * kernel[a, b]
    return out[2:7, 2:7]


# %% slideshow={"slide_type": "-"}
# lambda: a function without a name, here from four numbers to a pixel's place
drawn = {
    "1 preceding": everywhere(lambda i, j, a, b: (i - a, j - b)),
    "2 succeeding": everywhere(lambda i, j, a, b: (i + a, j + b)),
    # Here a and b count the kernel's rows and columns from 0, and 1 is the middle.
    "3 centred": everywhere(lambda i, j, a, b: (i + 1 - a, j + 1 - b)),
}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_grids(
    {"kernel": kernel, "1 preceding": drawn["1 preceding"]},
    alt="The kernel 1 to 9, and what formula 1 draws for one bright pixel in the "
    "middle of 5×5 cells: the kernel upright, down and right of the pixel.",
    side=36,
    lit={"1 preceding": [(2, 2)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The tinted cell is where the bright pixel was. Formula 1 looks up and to the left, and
# so it draws down and to the right. **Predict:** what will the other two draw?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
others = {name: drawn[name] for name in ("2 succeeding", "3 centred")}
show_grids(
    others,
    alt="Succeeding draws the kernel turned by half a turn, up and left of the bright "
    "pixel; centred draws it upright, around the pixel.",
    side=36,
    lit={name: [(2, 2)] for name in others},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each formula draws the kernel in a different place, and one of them changes it as
# well. How?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.3: upright or turned?
#
# Does formula 1 draw the kernel `"upright"`, or `"turned"` by half a turn? And formula
# 2?

# %% slideshow={"slide_type": "-"}
answer("02.3", preceding=blank("upright"), succeeding=blank("turned"))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Laid on as it is written, a kernel comes out turned: places above and to the left of
# the bright pixel see it through the kernel's lower right weights. Formulas 1 and 3
# rotate the kernel first, so the two turns cancel. As in lesson 01, that is convolution
# in the strict sense, and formula 2 is cross-correlation. A network learns its kernels,
# so it can just as well use the simpler formula 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A trap in the third formula
#
# Above, $a$ ran over −1, 0 and 1. In the lecture, it runs from ⌊−m/2⌋ to ⌊m/2⌋.
#
# **Predict:** for m = 3, are these the same?

# %% slideshow={"slide_type": "fragment"}
m = 3
for first in (-m // 2, -(m // 2)):  # the lecture's ⌊−m/2⌋, and −⌊m/2⌋
    steps = range(first, m // 2 + 1)
    print("a =", [*steps], "needs the rows", [m // 2 + a for a in steps], "of K")

# %% [markdown] slideshow={"slide_type": "fragment"}
# ⌊−1.5⌋ is −2, so the lecture's sum starts one row too early: K has no row −1. What is
# meant is −⌊m/2⌋, and ⌊m/2⌋ + a as the index. (The formula is meant for kernels of odd
# size; an even one has no middle.)
#
# In Python the trap is silent: `K[-1]` is not an error but the last row.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.4: conv2d with loops
#
# Now compute every output by formula 2. Neither the image nor the kernel has to be
# square.


# %% slideshow={"slide_type": "-"}
@exercise("02.4")
def conv2d_loops(image, kernel):
    """Slide an m×n kernel over an H1×W1 image."""
    (H1, W1), (m, n) = image.shape, kernel.shape
    out = torch.zeros(blank(H1 - m + 1), blank(W1 - n + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = image[i : blank(i + m), j : blank(j + n)]
            out[i, j] = (window * kernel).sum()
    return out


# %% [markdown] slideshow={"slide_type": "slide"}
# ## See one window
#
# Point at a number in the output, or move the slider, and the window that it came from
# lights up. This kernel subtracts the window's left column from its right one.
#
# **Predict:** where is the output not zero?

# %% slideshow={"slide_type": "-"}
step = torch.tensor([[0.0, 0, 0, 9, 9, 9]] * 5)
right_minus_left = torch.tensor([[-1.0, 0, 1]] * 3)
output = torch.as_tensor(conv2d_loops(step, right_minus_left))

# %% slideshow={"slide_type": "subslide"}
window_explorer(step, right_minus_left, output)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Turn the loops inside out
#
# The loops compute one output at a time, and that is slow in Python. So follow one
# **tap** instead. A tap is one place in the kernel, together with its weight. Over all
# outputs, $K_{0,1}$ meets a whole piece of the image, *one column further right* than
# $K_{0,0}$.

# %% [markdown] slideshow={"slide_type": "fragment"}
# So multiply each tap's piece by its weight, and add up these products. For a 3×3
# kernel that takes nine steps, whatever the size of the picture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.5: shift and add
#
# Over all outputs, which piece of the image does the weight $K_{a,b}$ meet? It starts
# in row a and column b. Where does it stop?


# %% slideshow={"slide_type": "-"}
@exercise("02.5")
def conv2d(image, kernel):
    """The same as conv2d_loops: one addition for each tap of the kernel."""
    (H1, W1), (m, n) = image.shape, kernel.shape
    H2, W2 = H1 - m + 1, W1 - n + 1
    out = torch.zeros(H2, W2)
    for a in range(m):
        for b in range(n):
            out += kernel[a, b] * image[a : blank(a + H2), b : blank(b + W2)]
    return out


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much faster?
#
# To time both versions, we need a picture. `photograph` loads one in colour, here with
# 128×192 pixels, and `to_grey` turns it into grey values, one number for each pixel.
#
# **Predict:** is shift and add ten times faster? A thousand times?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
# Not compared by our tests: a time depends on the machine.
# timeit calls a function `number` times and returns how many seconds that took.
small, blur = to_grey(photograph("monument", height=128)), torch.ones(3, 3) / 9
loops = timeit.timeit(lambda: conv2d_loops(small, blur), number=1)
taps = timeit.timeit(lambda: conv2d(small, blur), number=50) / 50
print(f"loops {loops:.2f} s, shift and add {taps:.5f} s: {loops / taps:.0f}× as fast")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A photograph
#
# A grey picture is a matrix of numbers from 0, black, to 255, white. A colour picture
# is three such matrices: red, green and blue.

# %% slideshow={"slide_type": "-"}
monument = photograph("monument")  # (3, H, W), 0 to 255
grey = to_grey(monument)  # (H, W)
# min() and max(): the darkest and the brightest pixel
print("grey:", tuple(grey.shape), "from", int(grey.min()), "to", int(grey.max()))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_images(
    {"colour, (3, H, W)": monument, "grey, (H, W)": grey},
    alt="A Chinese temple with red columns behind a bridge and trees, in colour and in "
    "grey.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four kernels
#
# **Predict**, from the numbers alone: which one blurs? Which sharpens? Which leaves
# only edges? And what is wrong with the first?

# %% slideshow={"slide_type": "-"}
ones = torch.ones(3, 3)
blur = ones / 9
sharpen = torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
edges = torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]])

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"ones": ones, "blur": [["1/9"] * 3] * 3, "sharpen": sharpen, "edges": edges},
    alt="Four kernels of 3×3. Ones: all 1. Blur: all one ninth. Sharpen: 5 in the "
    "middle, −1 beside it, 0 in the corners. Edges: −8 in the middle, 1 around it.",
    side=50,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.6: a flat area
#
# Suppose that every pixel under the kernel is 100. What does each of the four give?

# %% slideshow={"slide_type": "-"}
answer("02.6", ones=blank(900), blur=blank(100), sharpen=blank(100), edges=blank(0))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Weights that add up to 1 leave a flat area as it is; weights that add up to 0 wipe it
# out. With a sum of 9, all but the darkest areas end up above 255, and a screen shows
# them as plain white.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Side by side
#
# The outputs of `edges` are positive and negative. Adding 128 turns zero into mid-grey,
# so that both can be seen.

# %% slideshow={"slide_type": "-"}
crop = grey[30:150, 70:250]
kernels = {"ones: clipped at 255": ones, "ones / 9": blur, "sharpen": sharpen}
answers = {name: conv2d(crop, kernel) for name, kernel in kernels.items()}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_images(
    {"original": crop, **answers, "edges + 128": 128 + conv2d(crop, edges)},
    alt="A part of the temple's roof five times: as it is; through ones, almost all "
    "white; through ones divided by nine, blurred; sharpened, with crisp tiles; and "
    "edges, grey with bright and dark outlines.",
    limits=(0, 255),
    columns=3,
    height=2.4,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with nine numbers
#
# Change any weight, and the picture follows at once. (Zeros are added around the
# photograph to keep its size, so some kernels draw a frame.) Try to find a kernel that
#
# - moves the picture by one pixel;
# - finds only vertical edges;
# - makes the photograph look embossed, like a relief.

# %% slideshow={"slide_type": "subslide"}
kernel_explorer(grey)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.7: write a kernel
#
# Write a kernel that computes, at each pixel, its right neighbour minus its left
# neighbour.

# %% slideshow={"slide_type": "-"}
answer(
    "02.7",
    kernel=[
        [0, 0, 0],
        [blank(-1), blank(0), blank(1)],
        [0, 0, 0],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Several filters, several maps
#
# The output of a filter that slides over an image is called a **feature map**. If the
# filter's weights add up to 0, the map's values are large where the image resembles the
# filter. K filters give K maps. (From here on, K is their number.) PyTorch's own
# `conv2d` applies them all at once; it takes images (N, C, H, W) and filters
# (K, C, F, F).

# %% slideshow={"slide_type": "-"}
vertical = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
three = torch.stack([vertical, vertical.T, edges])  # .T swaps rows and columns
bank = three[:, None]  # None adds an axis, here for C: (3, 1, 3, 3)
maps = functional.conv2d(grey[None, None], bank)  # (1, 1, H, W) → (1, 3, H2, W2)
print("filters", tuple(bank.shape), "maps", tuple(maps.shape))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
names = ["vertical edges", "horizontal edges", "all edges"]
show_images(
    dict(zip(names, maps[0])),
    alt="Three feature maps of the temple in orange and purple: one shows the columns, "
    "one the roof lines, one all outlines.",
    signed=True,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Purple is positive, orange is negative, and white is zero: an edge from dark to bright
# and one from bright to dark get opposite signs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Colours: a filter is a volume
#
# A colour picture has three channels: its **depth** is 3. **Predict:** does a filter on
# it give three maps, or one?

# %% [markdown] slideshow={"slide_type": "fragment"}
# One. A filter reaches through the whole depth of its input, so here it is a volume,
# F×F×3. It slides along height and width only, and what it finds in the three channels
# is added up. That is why a 3D input gives a 2D output.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_filters(W1=7, D1=3, F=3, K=1),
    alt="An input of 7×7×3: three channels, one behind the other. A filter of 3×3×3 "
    "lies in one corner and reaches through all three. It gives one number of a map "
    "of 5×5×1.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.8: a filter is a volume
#
# Turn an image (C, H, W) and a filter (C, m, n) into one map, for any number of
# channels C. (The `conv2d` in the code is the one you wrote, for a single channel.)


# %% slideshow={"slide_type": "-"}
@exercise("02.8")
def conv_volume(image, kernel):
    """One map from all channels of an image."""
    maps = [conv2d(image[c], kernel[c]) for c in range(blank(len(image)))]
    return blank(sum(maps))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A filter that sees red
#
# Red minus green, one pixel wide: that is a 1×1 filter of depth 3. It never sees a
# neighbouring pixel, so it can respond to colours, but not to edges or shapes.

# %% slideshow={"slide_type": "-"}
flower = photograph("flower")
red_minus_green = torch.tensor([1.0, -1, 0]).view(3, 1, 1)
seen = conv_volume(flower, red_minus_green)  # (H, W)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_images(
    {"flower": flower, "red − green": seen},
    alt="A flower, and the map of red minus green: the petals stand out, the leaves "
    "have the opposite sign.",
    signed=True,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.9: shapes
#
# Several images at once, stacked along the first axis, are called a **batch**. Here a
# batch of four colour images, 32×32 each, meets eight filters of 5×5. Give the shapes
# of images, filters and maps, with the axes in PyTorch's order.

# %% slideshow={"slide_type": "-"}
answer(
    "02.9",
    images=blank((4, 3, 32, 32)),
    weight=blank((8, 3, 5, 5)),
    maps=blank((4, 8, 28, 28)),
)

# %% slideshow={"slide_type": "fragment"}
images, filters = torch.zeros(4, 3, 32, 32), torch.zeros(8, 3, 5, 5)
print(tuple(functional.conv2d(images, filters).shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Rows and columns swapped.** Images are (H, W): row first.
# - **One map for each colour.** A filter adds up its channels, so it gives one map.
# - **Weights that add up to 9.** The picture turns white.
# - **Expecting PyTorch to flip the kernel.** It does not: it uses formula 2.
# - **Showing negative outputs as black.** That hides about half of the edges.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("02", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Lay the kernel on, multiply, add up, move on: that makes a feature map.
# - Nine numbers decide: blur, sharpen, or edges.
# - A filter is as deep as its input; K filters give K maps.
#
# Next: {next}. The output was always a little smaller
# than the input. Can we choose its size?
