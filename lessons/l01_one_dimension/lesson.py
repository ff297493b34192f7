# %% [markdown] slideshow={"slide_type": "slide"}
# # 01 One dimension
#
# An aeroplane, a sensor that is never quite right, and one idea: slide a few weights
# along the readings. Afterwards you can
#
# - compute a convolution by hand, in a loop, and with PyTorch;
# - say what the weights do: less noise, or less delay;
# - tell convolution from cross-correlation.
#
# About 50 minutes. You need: Python lists and loops.

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
# A laser measures how far an aeroplane has flown, once a second. Every reading is off
# by some random amount. Here we know the truth, because we made it up.
#
# **Before you look:** could you draw the truth from the readings alone?

# %% slideshow={"slide_type": "-"}
seconds = torch.arange(60.0)
truth = 1 + 0.12 * seconds + 0.8 * torch.sin(seconds / 9)  # kilometres
readings = truth + 0.35 * torch.randn(60)  # what the sensor says

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
# One reading is off by 0.35 km or so. The mean of several is off by less, since their
# errors partly cancel.
#
# **Predict:** is the mean of the latest 25 readings better than the mean of the latest
# 5? Say why before you go on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.1: the mean of the latest n
#
# At time t the latest n readings end with x_t. Fill in where the window starts and
# where it stops. It has to work for n = 1 too.


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
# ## More is not always better
#
# How far is the mean from the truth, typically? (Root of the mean squared error.)


# %% slideshow={"slide_type": "-"}
def error(estimate):
    """Typical distance from the truth, in km."""
    difference = torch.as_tensor(estimate) - truth[-len(estimate) :]
    return difference.square().mean().sqrt().item()


show_table(
    ["mean of the latest", "typical error (km)"],
    [[n, f"{error(moving_average(readings, n)):.2f}"] for n in (1, 3, 5, 7, 15, 25)],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# First the error falls: noise cancels. Then it grows: a mean over 25 seconds tells
# where the aeroplane *was*, about 12 seconds ago. It is late.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trust the recent ones more
#
# An old reading still says something, only less. So give each its own weight, large
# for the newest, small for the oldest:
#
# $$s_t = \sum_{a=0}^{6} x_{t-a}\, w_{-a}$$
#
# $x$ is the **input**, $w$ the **filter** (or kernel); sliding $w$ along $x$ to get
# every $s_t$ is their **convolution**. In practice the sum
# stops after a small window, here seven readings.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By hand
#
# The lecture's numbers: twelve readings, seven weights.

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
# Give $s_6$ to three decimals, and how many outputs there are for all twelve readings.

# %% slideshow={"slide_type": "-"}
answer("01.2", s_6=blank(1.811), outputs=blank(6))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With a loop
#
# The formula, word for word. The list holds $w_{-6}$ first, so $w_{-a}$ has the index
# 6 − a.

# %% slideshow={"slide_type": "-"}
computed = []
for t in range(6, 12):
    s_t = sum(x[t - a] * w[6 - a] for a in range(7))
    computed.append(s_t.item())

print([f"{s:.3f}" for s in computed])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is the lecture right?
#
# The lecture prints its own six outputs. Beside ours:

# %% slideshow={"slide_type": "-"}
lectured = [1.80, 1.96, 2.11, 2.16, 2.28, 2.42]
show_table(
    ["output", "lectured", "computed", "difference"],
    [
        [f"s_{t}", f"{said:.2f}", f"{s:.3f}", f"{s - said:.3f}"]
        for t, said, s in zip(range(6, 12), lectured, computed)
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# 1.967 and 2.112 were cut, not rounded, and 1.811 was even cut to 1.8. The last three
# are not what these x and w give.
#
# You can see that without computing: in $s_9$ the two newest readings alone
# contribute 0.5 · 2.40 + 0.4 · 2.20 = 2.08, and the other 0.10 of weight adds at least
# 0.10 · 1.40. So $s_9$ cannot be 2.16.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Watch it slide
#
# Press play, or step. The window moves by one, seven products are added, one output
# falls out.

# %% slideshow={"slide_type": "-"}
sliding_window(x, w)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.3: conv1d
#
# For any signal and any filter. The list of weights lies over the window as it is
# written: the first weight meets the oldest reading.


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
print(f"five weights of 1/5: off by {off:.1e} (the mean: {yes_no(off < 1e-5)})")

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
# Noise or delay: you pay with one for the other. Move the sliders, try the presets.
# **Find** weights that beat the lecture's on this flight.

# %% slideshow={"slide_type": "-"}
weight_chooser(readings, truth)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.5: how late?
#
# The reading under $w_0$ is 0 seconds old, the one under $w_{-1}$ is 1 second old.
# How many seconds late is the output
#
# - if all the weight is on the oldest reading, $w_{-6}$;
# - if all seven weights are equal?

# %% slideshow={"slide_type": "-"}
answer("01.5", oldest_only=blank(6), mean_of_7=blank(3))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Convolution, or correlation?
#
# Textbooks number the filter from 0: $s_t = \sum_a x_{t-a}\, w_a$. Now $w_0$, the
# *first* of the list, meets $x_t$, the *last* of the window: the filter lies **turned
# round**. That is convolution in the strict sense.
#
# Laid on as written, it is **cross-correlation**. Our `conv1d` and PyTorch's do that.
# The lecture's $w_{-6} … w_0$, written oldest first, needs no turning.

# %% slideshow={"slide_type": "subslide"}
step = torch.tensor([0.0, 0, 0, 1, 1, 1])
difference = torch.tensor([-1.0, 1])
print("as written: ", conv1d(step, difference).tolist())
print("turned round:", conv1d(step, difference.flip(0)).tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# Newer minus older, or older minus newer: the sign depends on the flip.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.6: true convolution
#
# Make `conv1d` compute $s_t = \sum_a x_{t-a}\, w_a$, where `w[0]` belongs to the newest
# reading.


# %% slideshow={"slide_type": "-"}
@exercise("01.6")
def convolve(x, w):
    """Convolution in the strict sense."""
    return conv1d(x, blank(w.flip(0)))


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.7: does the flip matter?
#
# For which filters do the two differ? Write `True` where they do.
#
# mean (⅓, ⅓, ⅓) · peak (1, 2, 1) · difference (−1, 0, 1) · the lecture's w

# %% slideshow={"slide_type": "-"}
answer(
    "01.7",
    mean=blank(False),
    peak=blank(False),
    difference=blank(True),
    lecture=blank(True),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Why does nobody mind? A network *learns* its filters. Whether it learns w or w turned
# round is all the same to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## PyTorch has it
#
# `torch.nn.functional.conv1d` does many signals, many channels and many filters at
# once, so it wants more axes: signals (N, C, W), filters (K, C, F). Ours is one signal
# with one channel.

# %% slideshow={"slide_type": "-"}
signal = x.view(1, 1, 12)  # (N, C, W)
weight = w.view(1, 1, 7)  # (K, C, F)
output = functional.conv1d(signal, weight)  # (N, K, W2)
print(output.shape, [f"{s:.3f}" for s in output.flatten().tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 01.8: shapes
#
# Eight aeroplanes, each with one sensor and 100 readings, and one filter of seven
# weights for all of them. Give the three shapes as tuples.

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
# - **One output short.** `range(W1 - F)` forgets the first position: it is W1 − F + 1.
# - **Looking ahead.** `x[t : t + n]` uses readings that do not exist yet.
# - **Weights that do not add up to 1.** The output is scaled, and nobody notices.
# - **Expecting a flip.** NumPy's `convolve` flips the filter, PyTorch's `conv1d` does
#   not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Slide a few weights along the input; at each place, multiply and add.
# - W1 readings and F weights give W1 − F + 1 outputs.
# - Spread weights cancel noise and come late.
# - As written: cross-correlation. Turned round: convolution.
#
# Next: {next}. A photograph is a signal with two
# directions.
