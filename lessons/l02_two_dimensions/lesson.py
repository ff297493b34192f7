# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 Two dimensions
#
# A small square of weights, slid over a photograph, blurs it, sharpens it or finds its
# edges. Afterwards you can
#
# - compute a 2D convolution by hand, in loops, and by shift and add;
# - predict from nine numbers what a kernel does;
# - say how a filter treats colours.
#
# About 60 minutes. You need: lesson 01.

# %% [markdown] slideshow={"slide_type": "notes"}
# 55 minutes with the exercises, 30 without. Ask for predictions before each of the four
# kernels on the photograph; the kernel explorer is worth ten minutes of play.

# %% slideshow={"slide_type": "skip"}
import timeit

import torch
from torch.nn import functional

from helpers.authoring import blank
from helpers.data import photograph, to_grey
from helpers.exercises import answer, exercise, start
from helpers.plots import show_grids, show_images
from lessons.l02_two_dimensions.explorer import kernel_explorer, window_explorer

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With letters
#
# The kernel lies on the input's top left corner. Multiply what lies on top of each
# other, and add. That is one output. Then move on by one pixel.

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
# First output: $S_{00} = aw + bx + ey + fz$. How many outputs will there be?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.1: letters
#
# Write the next output to the right, $S_{01}$, and the first one of the second row,
# $S_{10}$, the way $S_{00}$ is written: `"aw + bx + ey + fz"`.

# %% slideshow={"slide_type": "-"}
answer("02.1", S_01=blank("bw + cx + fy + gz"), S_10=blank("ew + fx + iy + jz"))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All six
#
# The window fits at 2 places down and 3 across, so the output is 2×3: each direction
# follows the rule of lesson 01, W1 − F + 1.

# %% slideshow={"slide_type": "-"}
for i in range(2):
    for j in range(3):
        terms = [letters[i + a][j + b] + weights[a][b] for a in (0, 1) for b in (0, 1)]
        print(f"S_{i}{j} =", " + ".join(terms))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three formulas for one idea
#
# Which neighbours of pixel (i, j) should the kernel see? For a kernel of m×n:
#
# 1. those before it: $\;S_{ij} = \sum_{a=0}^{m-1}\sum_{b=0}^{n-1}
#    I_{i-a,\,j-b}\,K_{a,b}$
# 2. those after it: $\;S_{ij} = \sum_{a=0}^{m-1}\sum_{b=0}^{n-1}
#    I_{i+a,\,j+b}\,K_{a,b}$
# 3. those around it: the kernel is centred on the pixel of interest.
#
# The letters above used the second. So does PyTorch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.2: the preceding neighbours
#
# One output of formula 1. Fill in the pixel that the weight $K_{a,b}$ meets.


# %% slideshow={"slide_type": "-"}
@exercise("02.2")
def at_preceding(I, K, i, j):
    """One output of true convolution, away from the border."""
    m, n = K.shape
    return sum(
        I[blank(i - a), blank(j - b)] * K[a, b] for a in range(m) for b in range(n)
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## One bright pixel
#
# To see what a formula does, show it a black picture with a single bright pixel.
#
# **Predict:** what will the output look like? A single bright pixel again? Nine?

# %% slideshow={"slide_type": "-"}
picture = torch.zeros(9, 9)
picture[4, 4] = 1
kernel = torch.arange(1.0, 10).view(3, 3)


# %% slideshow={"slide_type": "-"}
def everywhere(neighbour):
    """The output at each place; K[a, b] meets the pixel neighbour(i, j, a, b)."""
    out = torch.zeros(9, 9)
    for i in range(2, 7):
        for j in range(2, 7):
            for a in range(3):
                for b in range(3):
                    out[i, j] += picture[neighbour(i, j, a, b)] * kernel[a, b]
    return out[2:7, 2:7]


# %% slideshow={"slide_type": "subslide"}
drawn = {
    "1 preceding": everywhere(lambda i, j, a, b: (i - a, j - b)),
    "2 succeeding": everywhere(lambda i, j, a, b: (i + a, j + b)),
    "3 centred": everywhere(lambda i, j, a, b: (i + 1 - a, j + 1 - b)),
}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"kernel": kernel, **drawn},
    alt="The kernel 1 to 9, and what each formula makes of one bright pixel in the "
    "middle of 5×5: preceding draws the kernel upright, down and right of the pixel; "
    "succeeding draws it turned by half a turn, up and left of it; centred draws it "
    "upright, around it.",
    side=34,
    lit={name: [(2, 2)] for name in drawn},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The tinted cell is where the bright pixel was. Formulas 1 and 3 draw the same thing in
# different places. Formula 2 turns it round.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.3: upright or turned?
#
# Which formula reproduces the kernel `"upright"`, which `"turned"` by half a turn?

# %% slideshow={"slide_type": "-"}
answer("02.3", preceding=blank("upright"), succeeding=blank("turned"))

# %% [markdown] slideshow={"slide_type": "fragment"}
# As in lesson 01: formula 1 is convolution in the strict sense, formula 2 is
# cross-correlation. A network learns its kernels, so it may use the simpler one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A trap in the third formula
#
# The lecture lets a run from ⌊−m/2⌋ to ⌊m/2⌋. For m = 3 that starts at ⌊−1.5⌋ = −2,
# one row too early: the kernel has no row for it. What is meant is −⌊m/2⌋.
#
# Python has the same trap.

# %% slideshow={"slide_type": "-"}
m = 3
print("-m // 2   =", -m // 2)
print("-(m // 2) =", -(m // 2))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.4: conv2d with loops
#
# Formula 2 for all outputs. Mind that neither the image nor the kernel need be square.


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
# Point at a number of the output, or move the slider: the window it came from lights
# up. The kernel takes the left column from the right one.
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
# The loops visit every pixel: slow in Python. But look at one weight, say $K_{0,1}$: it
# meets the whole image, *shifted by one column*.
#
# So multiply the shifted image by $K_{0,1}$, and add up such images for all nine
# weights. Nine steps, whatever the size of the picture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.5: shift and add
#
# Which piece of the image does the weight $K_{a,b}$ meet, over all outputs?


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
# **Predict:** ten times? A thousand? The picture has 128×192 pixels.

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
# Not compared by CI: a time depends on the machine.
small, blur = to_grey(photograph("monument", height=128)), torch.ones(3, 3) / 9
loops = timeit.timeit(lambda: conv2d_loops(small, blur), number=1)
taps = timeit.timeit(lambda: conv2d(small, blur), number=50) / 50
print(f"loops {loops:.2f} s, shift and add {taps:.5f} s: {loops / taps:.0f} times")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A photograph
#
# A grey picture is a matrix: 0 is black, 255 is white.

# %% slideshow={"slide_type": "-"}
monument = photograph("monument")  # (3, H, W), 0 to 255
grey = to_grey(monument)  # (H, W)
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
# All pixels around here are 100. What does each kernel give?

# %% slideshow={"slide_type": "-"}
answer("02.6", ones=blank(900), blur=blank(100), sharpen=blank(100), edges=blank(0))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Weights that add up to 1 keep flat areas as they are; a sum of 0 wipes them out. A sum
# of 9 sends everything beyond 255, where a screen shows plain white.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Side by side

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

# %% [markdown] slideshow={"slide_type": "notes"}
# In the last picture 128 is added, so that zero is mid-grey and both signs are seen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with nine numbers
#
# Change any weight: the picture answers at once. (Zeros around the photograph keep its
# size, so some kernels draw a frame.) Try to make a kernel that
#
# - moves the picture by one pixel;
# - finds only vertical edges;
# - makes the photograph look engraved.

# %% slideshow={"slide_type": "subslide"}
kernel_explorer(grey)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.7: write a kernel
#
# At each pixel: its right neighbour minus its left neighbour.

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
# What a filter makes of an image is a **feature map**: it is bright where the image
# looks like the filter. K filters give K maps. PyTorch takes them all at once, as a
# tensor (K, depth, F, F).

# %% slideshow={"slide_type": "-"}
vertical = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bank = torch.stack([vertical, vertical.T, edges])[:, None]  # (3, 1, 3, 3)
maps = functional.conv2d(grey[None, None], bank)  # (1, 3, H2, W2)
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
# Purple is positive, orange negative, white is zero: dark to bright, and bright to
# dark, are different edges.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Colours: a filter is a volume
#
# A colour picture has depth 3. **Predict:** does a filter on it give three maps, or
# one?
#
# One. A filter reaches through the whole depth of its input: it is a volume, 3×F×F. It
# slides along height and width only, and the three channels' answers are added. 3D in,
# 2D out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.8: a filter is a volume
#
# Image (C, H, W) and filter (C, m, n): one map. Any number of channels.


# %% slideshow={"slide_type": "-"}
@exercise("02.8")
def conv_volume(image, kernel):
    """One map from all channels of an image."""
    maps = [conv2d(image[c], kernel[c]) for c in range(blank(len(image)))]
    return blank(sum(maps))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A filter that sees red
#
# Red minus green, one pixel wide: a 1×1 filter with depth 3. It answers to colour and
# nothing else.

# %% slideshow={"slide_type": "-"}
flower = photograph("flower")
red_minus_green = torch.tensor([1.0, -1, 0]).view(3, 1, 1)
seen = conv_volume(flower, red_minus_green)  # (H, W)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_images(
    {"flower": flower, "red − green": seen},
    alt="A flower, and the map of red minus green: the petals stand out, the leaves "
    "are of the opposite sign.",
    signed=True,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 02.9: shapes
#
# A batch of four colour images of 32×32, and eight filters of 5×5. Give the shapes of
# images, filters and maps the PyTorch way.

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
# - **One map for each colour.** A filter adds its channels: K filters, K maps.
# - **Weights that add up to 9.** The picture is white.
# - **Looking for a flip in PyTorch.** There is none: formula 2.
# - **Negative outputs shown as black.** Half of all edges are negative.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Lay the kernel on, multiply, add, move on: that makes a feature map.
# - Nine numbers decide: blur, sharpen, or edges.
# - A filter is as deep as its input; K filters give K maps.
#
# Next: {next}. The output was always a little smaller
# than the input. Can we choose?
