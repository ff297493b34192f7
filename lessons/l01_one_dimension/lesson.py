# %% [markdown] slideshow={"slide_type": "slide"}
# # 01 One dimension
#
# An aeroplane, a sensor that is never quite right, and one idea: slide a few weights
# along the readings. After this lesson you can
#
# - compute a convolution by hand, in a loop, and with PyTorch;
# - say which weights give less noise, and which give less delay;
# - tell convolution from cross-correlation.
#
# About 45 minutes. You need: lesson 00.

# %% [markdown] slideshow={"slide_type": "notes"}
# 45 minutes with the exercises, 25 without. The sensor story carries everything; take
# time over the by-hand example, and let the room find the lecture's wrong numbers.

# %% slideshow={"slide_type": "skip"}
import torch
from torch.nn import functional

from helpers.authoring import blank
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show_lines, show_table
from lessons.l01_one_dimension.explorer import sliding_window, weight_chooser

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A sensor that lies a little
#
# Once a second, a laser measures how far an aeroplane has flown. Every reading is off
# by some random amount. Here we know the truth, because we made it up.
#
# **Before you look:** could you draw the truth from the readings alone?

# %% slideshow={"slide_type": "-"}
seconds = torch.arange(60.0)  # 0, 1, … 59
# The true positions in kilometres; sin takes the sine of each number.
truth = 1 + 0.12 * seconds + 0.8 * torch.sin(seconds / 9)
# What the sensor says: randn draws random numbers, typically about 1 in size.
readings = truth + 0.35 * torch.randn(60)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_lines(
    seconds,
    {"truth": truth, "readings": readings},
    alt="A smooth rising curve, the truth, and sixty readings scattered around it by "
    "about a third of a kilometre.",
    xlabel="time t (s)",
    ylabel="position (km)",
    dots=["readings"],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Average a few
#
# One reading is typically off by 0.35 km. When several readings are averaged, their
# errors partly cancel.
#
# **Predict:** is the mean of the latest 25 readings better than the mean of the latest
# 5? Say why before you go on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.1: the mean of the latest n
#
# At time t the latest n readings end with x_t. We call them the **window**. Fill in
# where the slice starts and where it stops. Your answer has to work for n = 1 too.


# %% slideshow={"slide_type": "-"}
@exercise("01.1")
def moving_average(x, n):
    """Mean of the latest n readings, at every time that has n of them."""
    means = []
    for t in range(n - 1, len(x)):
        window = x[blank(t - n + 1) : blank(t + 1)]
        means.append(window.mean())
    return torch.stack(means)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far from the truth?
#
# How far is the mean from the truth, typically? As in exercise 00.6, we take the root
# of the mean squared error, or **RMS error** (root mean square).


# %% slideshow={"slide_type": "-"}
def error(estimate):
    """Typical distance from the truth, in km."""
    # as_tensor turns a list into a tensor, and leaves a tensor as it is. There is no
    # estimate for the first seconds, so the first true positions are left out.
    difference = torch.as_tensor(estimate) - truth[-len(estimate) :]
    return difference.square().mean().sqrt().item()


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is more always better?
#
# **Predict:** which n comes closest, 1, 3, 5, 7, 15 or 25?

# %% slideshow={"slide_type": "fragment"}
# show_table takes the titles of the columns, then the rows.
show_table(
    ["mean of the latest", "typical error (km)"],
    [[n, f"{error(moving_average(readings, n)):.2f}"] for n in (1, 3, 5, 7, 15, 25)],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# First the error falls, because noise cancels. Then it grows: a mean over 25 seconds
# tells you where the aeroplane *was*, about 12 seconds ago. It comes late.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trust the recent ones more
#
# An old reading still says something, only less. So give each its own weight, large
# for new ones, small for old ones:
#
# $$s_t = (x * w)_t = \sum_{a=0}^{6} x_{t-a}\, w_{-a}$$
#
# $x$ is the **input**, $w$ the **filter** (or kernel), $s$ the **output**. The
# subscript of a weight says when its reading was taken: $w_0$ now, $w_{-6}$ six seconds
# ago. Sliding $w$ along $x$ to get every $s_t$ is their **convolution**, $x * w$. The
# sum could go back for ever; in practice it stops after a few readings, here seven.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand
#
# The lecture has an example of its own, with twelve readings and seven weights.

# %% slideshow={"slide_type": "-"}
x = torch.tensor(
    [1.00, 1.10, 1.20, 1.40, 1.70, 1.80, 1.90, 2.10, 2.20, 2.40, 2.50, 2.70]
)  # x_0 ... x_11
w = torch.tensor([0.01, 0.01, 0.02, 0.02, 0.04, 0.40, 0.50])  # w_-6 ... w_0

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["", *[f"x_{i}" for i in range(7)]],
    [
        ["reading", *[f"{v:.2f}" for v in x[:7].tolist()]],
        ["weight", *[f"{v:.2f}" for v in w.tolist()]],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The newest reading, x_6, stands above w_0 = 0.50. Take a pencil: what is s_6?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.2: the first output
#
# Give $s_6$ to three decimals. How many outputs do all twelve readings give?

# %% slideshow={"slide_type": "-"}
answer("01.2", s_6=blank(1.811), outputs=blank(6))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With a loop
#
# This is the formula, symbol by symbol. The list of weights begins with $w_{-6}$, so
# $w_{-a}$ stands at place 6 − a.

# %% slideshow={"slide_type": "-"}
computed = []
for t in range(6, 12):
    s_t = sum(x[t - a] * w[6 - a] for a in range(7))
    computed.append(s_t.item())

print([f"{s:.3f}" for s in computed])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is the lecture right?
#
# The lecture prints six outputs of its own. Do they agree with ours?

# %% slideshow={"slide_type": "-"}
printed = [1.80, 1.96, 2.11, 2.16, 2.28, 2.42]
show_table(
    ["output", "lecture", "computed", "difference"],
    [
        [f"s_{t}", f"{said:.2f}", f"{s:.3f}", f"{s - said:.3f}"]
        for t, said, s in zip(range(6, 12), printed, computed)
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first three look like ours, cut off instead of rounded: 1.967 became 1.96 and not
# 1.97. From 1.811 only 1.8 was kept, and printed as 1.80. (2.112 is 2.11 either way.)
#
# The last three are not what these x and w give.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without a computer
#
# The lecture says $s_9$ = 2.16. Can you see by mental arithmetic that this is too
# small?

# %% [markdown] slideshow={"slide_type": "fragment"}
# Its two newest readings alone give 0.5 · 2.40 + 0.4 · 2.20 = 2.08. The five others are
# all at least 1.40, and their weights add up to 0.10. So $s_9$ is at least
# 2.08 + 0.14 = 2.22.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Watch it slide
#
# Press play, or step. At each step the window moves on by one reading, seven products
# are added, and one output comes out.

# %% slideshow={"slide_type": "-"}
sliding_window(x, w)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.3: conv1d
#
# Now write it for any signal and any filter. The weights lie over the window as they
# are written: the first weight meets the oldest reading. At how many places does the
# window fit, and where does it stop?


# %% slideshow={"slide_type": "-"}
@exercise("01.3")
def conv1d(x, w):
    """Slide the filter w along the signal x; nothing is flipped."""
    outputs = []
    for i in range(blank(len(x) - len(w) + 1)):
        window = x[i : blank(i + len(w))]
        outputs.append((window * w).sum())
    return torch.stack(outputs)


# %% slideshow={"slide_type": "fragment"}
print([f"{s:.3f}" for s in conv1d(x, w).tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A mean is a convolution too
#
# **Predict:** which filter turns `conv1d` into the mean of the latest five?

# %% slideshow={"slide_type": "fragment"}
fifth = torch.ones(5) / 5
means = torch.as_tensor(moving_average(readings, 5))
off = (torch.as_tensor(conv1d(readings, fifth)) - means).abs().max().item()
# yes_no turns True into yes, and False into no.
print(f"largest difference: {off:.1e} (only rounding: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.4: weights that add up to one
#
# If the aeroplane stands still at 3 km, the output should be 3 km. That holds when the
# weights add up to 1. Scale any weights so that they do.


# %% slideshow={"slide_type": "-"}
@exercise("01.4")
def normalise(w):
    """The same proportions, with the sum 1."""
    return blank(w / w.sum())


# %% slideshow={"slide_type": "fragment"}
print(f"the lecture's weights add up to {w.sum():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Choose the weights
#
# Less noise or less delay: you pay for one with the other. Move the sliders and try
# the presets. Can you **find** weights that beat the lecture's on this flight?

# %% slideshow={"slide_type": "-"}
weight_chooser(readings, truth)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.5: how late?
#
# The reading that meets $w_0$ is 0 seconds old, the one that meets $w_{-1}$ is 1 second
# old. How many seconds late is the output
#
# - if all the weight is on the oldest reading, $w_{-6}$;
# - if all seven weights are equal?

# %% slideshow={"slide_type": "-"}
answer("01.5", oldest_only=blank(6), mean_of_7=blank(3))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Convolution, or correlation?
#
# Textbooks number the filter from 0: $s_t = \sum_a x_{t-a}\, w_a$. Now $w_0$, the
# *first* in the list, meets $x_t$, the *last* in the window: the filter is
# **reversed**. That is convolution in the strict sense.
#
# Laid on as it is written, it gives **cross-correlation**, which is what our `conv1d`
# and PyTorch's compute. The lecture's weights, oldest first, need no reversing.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### As written, and reversed
#
# A signal steps from 0 to 1, and the filter is (−1, 1).
#
# **Predict:** what comes out at the step, with the filter as written, and reversed?

# %% slideshow={"slide_type": "fragment"}
step = torch.tensor([0.0, 0, 0, 1, 1, 1])
difference = torch.tensor([-1.0, 1])
print("as written:", conv1d(step, difference).tolist())
print("reversed:  ", conv1d(step, difference.flip(0)).tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# Newer minus older, or older minus newer: the flip decides the sign.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.6: true convolution
#
# Make `conv1d` compute $s_t = \sum_a x_{t-a}\, w_a$, where `w[0]` belongs to the
# newest reading.


# %% slideshow={"slide_type": "-"}
@exercise("01.6")
def convolve(x, w):
    """Convolution in the strict sense."""
    return conv1d(x, blank(w.flip(0)))


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.7: does the flip matter?
#
# For which filters do convolution and cross-correlation give different outputs? Write
# `True` where they do.
#
# mean (⅓, ⅓, ⅓); peak (1, 2, 1); difference (−1, 0, 1); the lecture's w

# %% slideshow={"slide_type": "-"}
answer(
    "01.7",
    mean=blank(False),
    peak=blank(False),
    difference=blank(True),
    lecture=blank(True),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Why does nobody mind that PyTorch does not flip the filter? A neural network *learns*
# its filters, and whether it learns w or w reversed makes no difference to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## PyTorch has it
#
# `torch.nn.functional.conv1d` slides K filters along N signals at once, so it wants
# more axes: (N, C, W) for signals of width W, (K, C, F) for filters of extent F.
#
# C counts the **channels**, the numbers that arrive together at each moment. One sensor
# is one channel. So what shapes do our `x` and `w` need?

# %% slideshow={"slide_type": "-"}
signal = x.view(1, 1, 12)  # (N, C, W)
weight = w.view(1, 1, 7)  # (K, C, F)
output = functional.conv1d(signal, weight)  # (N, K, W2): W2 outputs each
print(output.shape, [f"{s:.3f}" for s in output.flatten().tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.8: shapes
#
# Eight aeroplanes have one sensor each, which gives 100 readings, and all share one
# filter of seven weights. Write the shapes of signal, weight and output as tuples.

# %% slideshow={"slide_type": "-"}
answer(
    "01.8",
    signal=blank((8, 1, 100)),
    weight=blank((1, 1, 7)),
    output=blank((8, 1, 94)),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **One output short.** With W1 readings and F weights there are W1 − F + 1 places;
#   `range(W1 - F)` leaves out the last one.
# - **Looking ahead.** `x[t : t + n]` uses readings that do not exist yet.
# - **Weights that do not add up to 1.** The output is scaled, and nobody notices.
# - **Expecting a flip.** NumPy's `convolve` flips the filter; PyTorch's `conv1d` does
#   not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Slide weights along the input; at each place, multiply and add.
# - W1 readings and F weights give W1 − F + 1 outputs.
# - Weights spread over many readings cancel noise, but their output comes late.
# - A filter laid on as written gives cross-correlation; reversed, convolution.
#
# Next: {next}. A photograph is a signal with two
# directions.
