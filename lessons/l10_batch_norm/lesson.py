# %% [markdown] slideshow={"slide_type": "slide"}
# # 10 Batch norm
#
# Deep networks became easier to train once layers got inputs on a common scale. After
# this lesson you can
#
# - normalise, scale and shift, by hand and in code;
# - say how training and inference differ;
# - fold batch norm into a convolution;
# - tell batch, layer and instance norm apart.
#
# About 110 minutes, in two parts. You need: lessons 04 to 06.

# %% [markdown] slideshow={"slide_type": "notes"}
# 110 minutes with the exercises, 40 without. For two sittings, stop at "A good place to
# stop". Keep the 4×2 table on the board: part two turns it on its side. Show the
# forgotten `eval()` live, because that is the bug they will meet. All training together
# takes about five seconds.

# %% slideshow={"slide_type": "skip"}
import copy

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torchvision import models

from helpers.authoring import blank
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images, show_lines, show_table
from helpers.training import evaluate, fit
from lessons.l10_batch_norm.explorer import norm_explorer
from lessons.l10_batch_norm.figures import draw_sharing
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Part one: the layer itself
#
# - Why should the numbers *inside* a network be on a common scale?
# - How does batch norm put them there while the network trains?
# - At inference a single image may arrive, with no batch around it. What then?
#
# We start outside the network, with its images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trained here, used there
#
# A small network of three convolutions learns the digits. `norm` keeps a place free for
# later: `nn.Identity` only passes on what it gets.


# %% slideshow={"slide_type": "-"}
def small_cnn(norm=nn.Identity):
    """From (N, 1, 8, 8) to ten scores; `norm(channels)` follows each convolution."""
    layers = []
    for depth in (1, 16, 16):
        layers += [nn.Conv2d(depth, 16, kernel_size=3, padding=1), norm(16)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]  # 8 → 4 → 2 → 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 10))


# %% slideshow={"slide_type": "-"}
device = best_device()
digits = load("digits", device)
torch.manual_seed(0)
network = small_cnn().to(device)
optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
fit(network, Batches(*digits.train, 64), None, 4, optimizer, progress=False)
print(digits.title)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same digits, under different lighting
#
# **Predict:** which of these can the network still read?

# %% slideshow={"slide_type": "-"}
pixels = digits.test.images * digits.std + digits.mean  # black 0 to white 1
lit = {
    "as in training": pixels,
    "dim": 0.3 * pixels,
    "foggy": 0.3 * pixels + 0.6,
    "inverted": 1.0 - pixels,
}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_images(
    {name: images[5, 0] for name, images in lit.items()},
    alt="One handwritten digit four times: white on black; dark grey on black; nearly "
    "white on light grey; black on white (scikit-learn digits).",
    limits=(0, 1),
    height=1.9,
)

# %% slideshow={"slide_type": "subslide"}
for name, images in lit.items():
    x = (images - digits.mean) / digits.std  # normalised as the training images were
    accuracy = evaluate(network, [(x, digits.test.labels)]).accuracy
    good, poor = yes_no(accuracy > 0.75), yes_no(accuracy < 0.6)
    print(f"{name:15} {accuracy:.1%} (above 75 %: {good}, below 60 %: {poor})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Distribution shift
#
# The network learned from one kind of numbers and is now fed another. Its weights suit
# numbers that no longer arrive: that is a **distribution shift**.
#
# **Predict:** now normalise each set by *its own* mean and standard deviation. Which of
# the other three does that rescue?

# %% slideshow={"slide_type": "fragment"}
for name, images in lit.items():
    x = (images - images.mean()) / images.std()
    accuracy = evaluate(network, [(x, digits.test.labels)]).accuracy
    good, poor = yes_no(accuracy > 0.75), yes_no(accuracy < 0.6)
    print(f"{name:15} {accuracy:.1%} (above 75 %: {good}, below 60 %: {poor})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Dim and foggy digits are the old ones, scaled and shifted, and normalising undoes
# exactly that. Inverted digits have the opposite sign, which no mean or deviation
# repairs. Nor does normalising help a network that learned digits and is shown
# photographs, the lecture's own example.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Inside a network
#
# The third convolution sees what the layers below make of an image, and those *learn*:
# every step changes its input. The lecture calls this **internal distribution shift**,
# the paper on batch norm **internal covariate shift** (Ioffe and Szegedy 2015).
#
# **Predict:** over three epochs, how do the mean and spread of its input change?


# %% slideshow={"slide_type": "-"}
def track(network, rate=0.1):
    """Mean and deviation of the third convolution's input, step by step."""
    network.to(device)
    optimizer, seen = torch.optim.SGD(network.parameters(), lr=rate), []
    batches = Batches(*digits.train, batch_size=64)
    for images, labels in [pair for _ in range(3) for pair in batches]:
        inside = network[:8](images)  # (N, 16, 2, 2)
        loss = functional.cross_entropy(network[8:](inside), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append((inside.mean().item(), inside.std().item()))
    return torch.tensor(seen).T  # (2, steps)


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
mean, deviation = track(small_cnn())

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_lines(
    range(1, len(mean) + 1),
    {"mean": mean, "standard deviation": deviation},
    "Mean and standard deviation of a layer's input over 69 steps of training: both "
    "stay below 0.4 for thirty steps, and then climb to about 1.2 and 0.8.",
    xlabel="step",
    ylabel="input of convolution 3",
)

# %% slideshow={"slide_type": "-"}
first, last = deviation[0].item(), deviation[-1].item()
more = yes_no(last > 2 * first)
print(f"spread {first:.2f}, then {last:.2f} (more than doubled: {more})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# What the layer learned about its early inputs no longer fits the late ones: it has to
# keep catching up.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Normalise, in every layer
#
# Images are normalised once. **Batch norm** normalises in the middle of the network,
# anew for each batch: every feature gets mean 0 and variance 1 over the images that
# happen to be together.
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
# y = \gamma \hat x + \beta$$
#
# μ and σ² are a feature's mean and variance. ε is tiny and prevents division by zero;
# by hand, leave it out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.1: normalise by hand
#
# N = 4 images, D = 2 features. Give the two means, the two variances (divide by N), and
# the two numbers that image 0 becomes.

# %% slideshow={"slide_type": "-"}
batch = torch.tensor([[9.0, 10], [1, 30], [3, 30], [3, 10]])  # (N, D)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"4 images (down), 2 features (across)": batch},
    alt="Four rows of two numbers: 9 10, 1 30, 3 30 and 3 10. The first column is "
    "tinted: these four share a mean.",
    lit={"4 images (down), 2 features (across)": [(i, 0) for i in range(4)]},
)

# %% slideshow={"slide_type": "-"}
answer(
    "10.1",
    means=blank([4, 20]),
    variances=blank([9, 100]),
    image_0=blank([1.67, -1]),
)

# %% slideshow={"slide_type": "subslide"}
normalised = (batch - batch.mean(dim=0)) / batch.std(dim=0, correction=0)
for row in normalised.tolist():
    print("  ".join(f"{value + 0.0:5.2f}" for value in row))

# %% [markdown] slideshow={"slide_type": "fragment"}
# `correction=0` divides by N. By default, PyTorch's `std` and `var` divide by N − 1,
# which estimates the variance of a larger set from a sample. Here we want that of these
# four images and no others.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Scale and shift
#
# Perhaps the next layer would do better with a mean and variance other than 0 and 1. So
# two numbers are *learned* for each feature: γ scales and β shifts.
#
# **Predict:** the mean and deviation of γ·x̂ + β for γ = 0.5 and β = 2. And which γ and
# β undo the normalising of the first column?

# %% slideshow={"slide_type": "fragment"}
y = 0.5 * normalised + 2
print("means     ", [round(v, 3) for v in y.mean(dim=0).tolist()])
print("deviations", [round(v, 3) for v in y.std(dim=0, correction=0).tolist()])
undone = 3 * normalised[:, 0] + 4
print("undone    ", [round(v, 3) for v in undone.tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The mean *is* β and the deviation *is* |γ|, whatever came in (as long as it varied at
# all). With γ = σ and β = μ the layer changes nothing, and it is free to learn just
# that. At the start, γ = 1 and β = 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.2: batch norm of (N, D)
#
# ε stands under the root. Without it, a feature that is the same in all images would
# give 0/0.


# %% slideshow={"slide_type": "-"}
@exercise("10.2")
def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalise each feature over the batch, then scale and shift: (N, D)."""
    mean = blank(x.mean(dim=0))  # (D,)
    variance = blank(x.var(dim=0, correction=0))  # (D,)
    normalised = (x - mean) / (blank(torch.sqrt(variance + eps)))
    return blank(gamma) * normalised + blank(beta)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## And for feature maps?
#
# A map is *one* feature, looked for at many places: the same filter made all of its
# numbers. So they share one mean, over all images *and* all places.
#
# **Predict:** for a batch of (64, 16, 8, 8), how many means are there, and of how many
# numbers each?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_sharing(["batch norm"]),
    alt="Batch norm: three images, each with four channels of 3×3 numbers. Channel 1 "
    "is framed in all three images: its numbers share a mean.",
)

# %% slideshow={"slide_type": "fragment"}
maps = torch.randn(64, 16, 8, 8)  # (N, C, H, W)
means = maps.mean(dim=(0, 2, 3), keepdim=True)
print("means:", tuple(means.shape), "each of", maps.numel() // means.numel())

# %% [markdown] slideshow={"slide_type": "fragment"}
# `keepdim=True` leaves the averaged axes in place, each of length 1. So the means, of
# shape (1, C, 1, 1), can be stretched over (N, C, H, W). γ and β are only (C,): left
# like that, they would line up with the last axis, W.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.3: batch norm of (N, C, H, W)
#
# `t.view(1, -1, 1, 1)` gives a tensor (C,) the shape (1, C, 1, 1).


# %% slideshow={"slide_type": "-"}
@exercise("10.3")
def batch_norm2d(images, gamma, beta, eps=1e-5):
    """Normalise each channel over images and places, then scale and shift."""
    axes = blank((0, 2, 3))
    mean = images.mean(dim=axes, keepdim=True)
    variance = images.var(dim=axes, correction=0, keepdim=True)
    normalised = (images - mean) / torch.sqrt(variance + eps)
    return blank(gamma.view(1, -1, 1, 1)) * normalised + blank(beta.view(1, -1, 1, 1))


# %% slideshow={"slide_type": "fragment"}
by_hand = batch_norm2d(maps, gamma=torch.ones(16), beta=torch.zeros(16))
# nn.BatchNorm2d(16) is PyTorch's own, for 16 channels. It starts with γ = 1 and β = 0.
by_pytorch = nn.BatchNorm2d(16)(maps)
off = (torch.as_tensor(by_hand) - by_pytorch).abs().max().item()
print(f"off by {off:.1e} (agrees with PyTorch: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it hold still?
#
# Take the same network and the same steps, but with `nn.BatchNorm2d(16)` after each
# convolution.
#
# **Predict:** what will the two curves of the third convolution's input look like?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
mean_bn, deviation_bn = track(small_cnn(nn.BatchNorm2d))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.8), sharey=True)
pairs = {"mean": (mean, mean_bn), "standard deviation": (deviation, deviation_bn)}
for ax, (name, lines) in zip(axes, pairs.items()):
    for values, style, label in zip(lines, ("-", "--"), ("without", "with")):
        ax.plot(range(1, len(mean) + 1), values, style, label=f"{label} batch norm")
    ax.set(xlabel="step", title=name, ylim=(0, 1.4))
axes[0].set_ylabel("input of convolution 3")
axes[1].legend()
show(
    figure,
    "Mean and deviation of a layer's input over 69 steps. Without batch norm both grow "
    "more than threefold; with it the mean stays near 1, the deviation near 0.75.",
)

# %% slideshow={"slide_type": "subslide"}
growth = {"without": deviation, "with": deviation_bn}
for name, values in growth.items():
    first, last = values[0].item(), values[-1].item()
    more = yes_no(last > 1.5 * first)
    print(f"{name:7} deviation {first:.2f}, then {last:.2f} (up by over half: {more})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With batch norm the input nearly holds still: γ and β alone set the mean and deviation
# of what leaves batch norm, and they change slowly. (Then ReLU and pooling, which cut
# off what is negative and keep what is largest, turn a mean of 0 into about 1.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Higher learning rates
#
# We train both networks by plain gradient descent, for three epochs from three seeds
# each, with small, medium and large steps.
#
# **Predict:** does either network learn at a rate of 1?


# %% slideshow={"slide_type": "-"}
def train(network, rate, epochs=3, seed=0):
    """Gradient descent, no momentum; returns the test accuracy."""
    network.to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    batches = Batches(*digits.train, batch_size=64, seed=seed)
    for images, labels in [pair for _ in range(epochs) for pair in batches]:
        loss = functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return evaluate(network, [digits.test]).accuracy


# %% slideshow={"slide_type": "subslide"}
norms = {"without": nn.Identity, "with batch norm": nn.BatchNorm2d}
accuracies, trained = {}, {}
for name, norm in norms.items():
    for rate in (0.03, 0.3, 1.0):
        for seed in range(3):
            torch.manual_seed(seed)
            trained[name, rate] = small_cnn(norm)  # the last seed's stays
            result = train(trained[name, rate], rate, seed=seed)
            accuracies.setdefault((name, rate), []).append(result)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
figure, ax = plt.subplots(figsize=(8.4, 2.8))
for k, (name, marker) in enumerate(zip(norms, "xo")):
    for place, rate in enumerate((0.03, 0.3, 1.0)):
        values = accuracies[name, rate]
        at = [place + 0.12 * (2 * k - 1)] * len(values)
        ax.plot(at, values, marker, color=f"C{k}", markersize=8)
    ax.plot([], [], marker, color=f"C{k}", label=name)
ax.set_xticks(range(3), ["0.03", "0.3", "1"])
ax.set(xlabel="learning rate", ylabel="test accuracy", ylim=(0, 1.02))
ax.set_title(digits.title)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(
    figure,
    "Test accuracy, three runs each. With batch norm all nine are about 0.9. Without "
    "it they are below 0.3 at a learning rate of 0.03, around 0.8 at 0.3, and about "
    "0.1 at a rate of 1.",
)

# %% slideshow={"slide_type": "subslide"}
for rate, low, high in ((0.03, 0.6, 0.8), (1.0, 0.5, 0.6)):
    best = max(accuracies["without", rate])
    worst = min(accuracies["with batch norm", rate])
    print(f"learning rate {rate}:")
    print(f"  without, the best: {best:.1%} (below {low:.0%}: {yes_no(best < low)})")
    print(f"  with, the worst: {worst:.1%} (above {high:.0%}: {yes_no(worst > high)})")

# %% [markdown] slideshow={"slide_type": "subslide"}
# What happened to the network without batch norm? Look at its last maps, after training
# at a rate of 1.

# %% slideshow={"slide_type": "fragment"}
for name in norms:
    maps_of = trained[name, 1.0].eval()[:12]  # the first twelve layers
    inside = maps_of(digits.test.images)  # (359, 16, 1, 1)
    zeros = (inside == 0).float().mean().item()
    print(f"{name:15} {zeros:.1%} are zero (more than half: {yes_no(zeros > 0.5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# One step too far, and a ReLU gets only negative numbers. Then its output is all
# zeros, its gradient is zero too, and it never recovers. Batch norm centres what comes
# in, so some of it stays positive. At small rates much depends on the starting weights:
# lesson 11 looks at them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## But why does it help?
#
# "The inputs hold still" is the paper's explanation (Ioffe and Szegedy 2015). Santurkar
# and others (2018) tested it: they shook the numbers *after* batch norm, at random in
# every step, so that nothing held still.
#
# **Predict:** does such a network learn?


# %% slideshow={"slide_type": "-"}
class Shaken(nn.BatchNorm2d):
    """Batch norm; then, in training, each channel scaled and shifted at random."""

    def forward(self, x):
        y = super().forward(x)  # what nn.BatchNorm2d computes in its forward
        if not self.training:
            return y
        scale = 0.5 + torch.rand(16, 1, 1)  # rand: evenly from 0 to 1
        shift = 0.5 * torch.randn(16, 1, 1)
        return scale.to(x.device) * y + shift.to(x.device)


# %% slideshow={"slide_type": "subslide"}
for name, norm in {"plain": nn.Identity, "shaken": Shaken}.items():
    torch.manual_seed(0)
    accuracy = train(small_cnn(norm), rate=0.1)
    print(f"{name:6} {accuracy:.1%} (above 75 %: {yes_no(accuracy > 0.75)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It learns, and here better than the plain one, so holding still cannot be the whole
# reason. Santurkar and others explain it differently: batch norm makes the loss
# smoother, so that a gradient stays valid over a longer step. The question is still
# debated.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One image alone
#
# At inference there may be a single image, and no batch to average over. So in training
# a layer keeps **running averages** of μ and σ². In PyTorch, after each batch, with
# m = 0.1:
#
# running = (1 − m) · running + m · this batch's
#
# PyTorch calls m `momentum`: it is the weight of the *new* batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.4: a running mean by hand
#
# The lecture describes another rule: add the new mean to the running one, and divide by
# two. Both rules start at 0. Three batches arrive, with the means 10, 10 and 20.
#
# What is the running mean after each, by PyTorch's rule and by halving? Give two lists
# of three.

# %% slideshow={"slide_type": "-"}
answer("10.4", pytorch=blank([1, 1.9, 3.71]), halved=blank([5, 7.5, 13.75]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Add and divide by two?
#
# That is PyTorch's rule with m = 0.5. It adapts faster, but half of the average always
# comes from the last batch alone. **Predict:** the batches' means are 10 ± 1. How far
# off is the running mean, typically, after 100 of them?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
means = 10 + torch.randn(100, 5000)  # 100 batches, in 5000 repetitions
rows = []
for name, m in (("lectured: halve", 0.5), ("PyTorch", 0.1)):
    running, after_10 = torch.zeros(5000), 0
    for step, new in enumerate(means, 1):
        running = (1 - m) * running + m * new
        after_10 = running.mean().item() if step == 10 else after_10
    row = [name, m, f"{after_10:.1f}", f"{running.std().item():.2f}"]
    rows.append([*row, f"{(m / (2 - m)) ** 0.5:.2f}"])

# %% slideshow={"slide_type": "fragment"}
show_table(["rule", "m", "after 10", "noise, after 100", "√(m / (2 − m))"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Halving is a running average too, but a nervous one. A small m remembers more batches
# and is calmer, but it also takes longer to forget that it began at 0. The last column
# is the theory: one batch's deviation, here 1, shrinks by that factor.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.5: running averages
#
# There is one catch. A batch is *normalised* with the variance in which the sum of
# squares is divided by the count. What PyTorch *stores* is an estimate for all images,
# with the sum divided by the count less one: `correction=1`.


# %% slideshow={"slide_type": "-"}
@exercise("10.5")
def running_averages(batches, momentum=0.1):
    """Means and variances, (C,) each, after a list of batches (N, C, H, W)."""
    C = batches[0].shape[1]
    mean, variance = torch.zeros(C), torch.ones(C)
    for x in batches:
        new_mean = x.mean(dim=blank((0, 2, 3)))
        new_variance = x.var(dim=blank((0, 2, 3)), correction=blank(1))
        mean = (blank(1 - momentum)) * mean + blank(momentum) * new_mean
        variance = blank((1 - momentum) * variance + momentum * new_variance)
    return mean, variance


# %% slideshow={"slide_type": "subslide"}
layer = nn.BatchNorm2d(16)
parts = maps.split(8)  # eight batches of (8, 16, 8, 8)
for part in parts:
    layer(part)
mean, variance = map(torch.as_tensor, running_averages(parts))
gaps = {"mean": mean - layer.running_mean, "variance": variance - layer.running_var}
for name, gap in gaps.items():
    off = gap.abs().max().item()
    print(f"{name:8} off by {off:.1e} (agrees with PyTorch's: {yes_no(off < 1e-6)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two modes
#
# | | `network.train()` | `network.eval()` |
# |---|---|---|
# | normalises by | this batch | running averages |
# | running averages | move | stay |
# | an image's scores | depend on the rest of the batch | do not |
#
# Like dropout, batch norm acts differently in the two modes. Unlike dropout, it draws
# no random numbers.

# %% slideshow={"slide_type": "-"}
x = maps[:1]  # one image
mean, variance = (t.view(1, -1, 1, 1) for t in (layer.running_mean, layer.running_var))
by_hand = (x - mean) / torch.sqrt(variance + layer.eps)
off = (layer.eval()(x) - by_hand).abs().max().item()
print(f"off by {off:.1e} (eval uses running averages: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The forgotten eval()
#
# Here is a network with batch norm, to be tested without `evaluate`, which would switch
# modes for us.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
normed = small_cnn(nn.BatchNorm2d)
accuracy = train(normed, rate=0.3)
print(f"test accuracy {accuracy:.1%} (above 85 %: {yes_no(accuracy > 0.85)})")


# %% slideshow={"slide_type": "-"}
def score(network, order, size, training):
    """Accuracy on the test digits in that order, in batches of that size."""
    network = copy.deepcopy(network).train(training)  # the original stays as it is
    with torch.no_grad():  # no gradients: faster
        parts = digits.test.images[order].split(size)
        guesses = torch.cat([network(part).argmax(dim=1) for part in parts])
    return (guesses == digits.test.labels[order]).float().mean().item()


# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** the network is in training mode by mistake. What happens with batches of
# 36 mixed digits? With batches sorted by class? With one image at a time?

# %% slideshow={"slide_type": "subslide"}
mixed = torch.arange(len(digits.test.labels)).to(device)
# argsort: the places of the labels, from the smallest label up: all 0s, all 1s, …
by_class = digits.test.labels.argsort(stable=True)
rows = []
for order, size, name in [(mixed, 36, "36, mixed"), (by_class, 36, "36, by class"),
                          (mixed, 1, "1 at a time")]:  # fmt: skip
    both = [score(normed, order, size, training) for training in (False, True)]
    rows.append([name, *[f"{a:.1%} (above 80 %: {yes_no(a > 0.8)})" for a in both]])
show_table(["batches", "with eval()", "forgotten"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# With mixed batches nobody notices. With sorted ones, the batch's mean *is* what makes
# a 7 a 7, and it is subtracted. One image at a time is normalised by itself, so what
# sets it apart is lost, too. A test in the wrong mode also moves the running averages,
# which is why `score` tests a copy.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The forgotten train()
#
# The other way round: a test before the first epoch calls `eval()`, and nobody calls
# `train()` afterwards. **Predict:** what do the running averages do, and is anything
# normalised?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
frozen = small_cnn(nn.BatchNorm2d).to(device).eval()
optimizer = torch.optim.SGD(frozen.parameters(), lr=0.1)
for images, labels in Batches(*digits.train, batch_size=64):
    loss = functional.cross_entropy(frozen(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% slideshow={"slide_type": "fragment"}
# all(): whether something is true of every number
print("running means all 0:", yes_no((frozen[1].running_mean == 0).all()))
print("running variances all 1:", yes_no((frozen[1].running_var == 1).all()))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing was normalised: (x − 0)/1 is x. There was no error and no warning, only a
# network that learns as if it had no batch norm. `fit` calls `train()` before each
# epoch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A good place to stop
#
# Part one taught:
#
# - numbers inside a network drift as it learns;
# - batch norm normalises each channel over N, H, W; γ scales, β shifts;
# - training uses the batch's mean and variance, inference running averages.
#
# Part two puts the layer among others: convolution, ReLU, dropout, and norms that
# average over other axes.

# %% [markdown] slideshow={"slide_type": "notes"}
# The first sitting ends here. To go on another day, use *Run All Above Selected Cell*
# on the next slide: it takes a few seconds, and brings all names back.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Part two: neighbours and relatives
#
# **Recall**, before you go on:
#
# - 64 images, 16 channels of 8×8: how many means does batch norm take, of how many
#   numbers each?
# - One image alone, at inference: what is it normalised by?
#
# (After a break, choose *Run All Above Selected Cell* here.)

# %% [markdown] slideshow={"slide_type": "fragment"}
# 16 means, one for each channel, of 64 · 8 · 8 = 4096 numbers. A single image is
# normalised by the running averages.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is learned?
#
# γ and β are **parameters**: the gradient moves them. The running averages are
# **buffers**: they are saved with the network, but not learned. `named_parameters()`
# and `named_buffers()` list both kinds with their names.

# %% slideshow={"slide_type": "-"}
layer = nn.BatchNorm2d(16)
print("parameters:", {name: tuple(p.shape) for name, p in layer.named_parameters()})
print("buffers:   ", {name: tuple(b.shape) for name, b in layer.named_buffers()})

# %% [markdown] slideshow={"slide_type": "fragment"}
# PyTorch calls γ `weight` and β `bias`; the last buffer only counts batches.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bias for nothing
#
# **Predict:** a convolution, then batch norm. Change the convolution's bias. What
# changes after batch norm?

# %% slideshow={"slide_type": "-"}
conv, norm = nn.Conv2d(16, 16, kernel_size=3), nn.BatchNorm2d(16)
before = norm(conv(maps))
with torch.no_grad():
    conv.bias += 100 * torch.randn(16)
off = (norm(conv(maps)) - before).abs().max().item()
print(f"changed by {off:.1e} (no more than rounding: {yes_no(off < 0.01)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing changes. Whatever is added to all of a channel is part of its mean, and is
# subtracted again. β does the work of a bias, so one writes `bias=False`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.6: what is learned, what is counted
#
# - `nn.BatchNorm2d(64)`: how many numbers does it learn, and how many running averages
#   does it keep?
# - `nn.Conv2d(16, 32, kernel_size=3, bias=False)` and `nn.BatchNorm2d(32)`: how many
#   numbers does the pair learn?

# %% slideshow={"slide_type": "-"}
answer("10.6", learned=blank(128), running=blank(128), pair=blank(4672))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gone at inference
#
# In evaluation, μ and σ² are constants. With s = γ / √(σ² + ε), convolution and batch
# norm together are
#
# y = s · (w ∗ x + b − μ) + β
#
# **Predict:** that is a convolution again. What are its weights, and what is its bias?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.7: fold batch norm into the convolution
#
# `weight` is (K, D1, F, F), and all the others are (K,).


# %% slideshow={"slide_type": "-"}
@exercise("10.7")
def fold(weight, bias, gamma, beta, mean, variance, eps=1e-5):
    """Weight and bias of the convolution that does the work of both."""
    scale = blank(gamma / torch.sqrt(variance + eps))  # (K,)
    new_weight = weight * blank(scale.view(-1, 1, 1, 1))
    new_bias = blank((bias - mean) * scale + beta)
    return new_weight, new_bias


# %% slideshow={"slide_type": "subslide"}
# On the CPU: unless told otherwise, an NVIDIA GPU rounds the numbers it convolves to
# about three decimal digits (a format called TF32).
conv, norm = copy.deepcopy(normed[:2]).cpu().eval()
images = digits.test.images.cpu()
learned = [p.detach() for p in (*conv.parameters(), *norm.parameters())]  # two of each
weight, bias = fold(*learned, norm.running_mean, norm.running_var)
weight, bias = torch.as_tensor(weight), torch.as_tensor(bias)
by_one = functional.conv2d(images, weight, bias, padding=1)
off = (by_one - norm(conv(images))).abs().max().item()
print(f"off by {off:.1e} (one does the work of two: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So at inference, batch norm after a convolution costs nothing. Layer norm (see below)
# cannot be folded away like this, because it needs each new image's own mean.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Before or after the ReLU?
#
# The paper puts batch norm before the nonlinearity. Its authors' code, the lecture
# reports, puts it after, which the lecturer finds more natural. Let us measure: two
# epochs, four seeds each.


# %% slideshow={"slide_type": "-"}
def norm_after():
    """`small_cnn` with batch norm after each ReLU."""
    layers = list(small_cnn(nn.BatchNorm2d))
    for k in (1, 5, 9):
        layers[k], layers[k + 1] = layers[k + 1], layers[k]
    return nn.Sequential(*layers)


# %% slideshow={"slide_type": "-"}
results = {"before": [], "after": []}
for seed in range(4):
    for name, values in results.items():
        torch.manual_seed(seed)
        made = norm_after() if name == "after" else small_cnn(nn.BatchNorm2d)
        values.append(train(made, rate=0.1, epochs=2, seed=seed))
before, after = (torch.tensor(values) for values in results.values())

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(8.4, 2.3))
for k, values in enumerate(results.values()):
    ax.plot(values, [k] * 4, "ox"[k], color=f"C{k}", markersize=9)
ax.set_yticks([0, 1], [f"{name} ReLU" for name in results])
ax.set(xlabel="test accuracy", xlim=(0.7, 1), ylim=(-0.6, 1.6))
ax.set_title(digits.title)
show(
    figure,
    "Test accuracy of four runs with batch norm before and four with batch norm after "
    "the ReLU: two rows of marks around 0.93 that overlap.",
)

# %% slideshow={"slide_type": "-"}
runs = torch.cat([before, after])
width, gap = runs.max() - runs.min(), (after.mean() - before.mean()).abs()
more = yes_no(width > 2 * gap)
print(f"worst run {runs.min():.1%} (above 75 %: {yes_no(runs.min() > 0.75)})")
print(f"mean before {before.mean():.1%}, after {after.mean():.1%};", end=" ")
print(f"eight runs within {width:.1%} (over twice the means' gap: {more})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Here it does not matter: the seed makes more of a difference than the place. By
# custom, batch norm goes before the ReLU, because there it folds into the convolution,
# and because that is what ResNet did.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And before the first layer?
#
# A student asked in the lecture: does batch norm belong between the input and the first
# layer?
#
# Nothing below it learns, so images do not shift while we train. Their scale matters
# all the same, so they are normalised once and for all, by the mean and deviation of
# the *training* set.

# %% slideshow={"slide_type": "-"}
print("mean", [round(v, 2) for v in digits.mean.tolist()], end=", ")
print("deviation", [round(v, 2) for v in digits.std.tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rows instead of columns
#
# In a table (N, D) batch norm averages down a column, over the images. **Layer norm**
# averages along a row, over one image's features (Ba and others 2016).
#
# Turn the table of exercise 10.1 on its side: 2 images, 4 features. **Predict**, by
# hand: what does layer norm make of the first row?

# %% slideshow={"slide_type": "-"}
table = batch.T  # (2, 4)
mean = table.mean(dim=1, keepdim=True)  # (2, 1): one for each row
rows = (table - mean) / table.std(dim=1, correction=0, keepdim=True)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"2 images (down), 4 features (across)": table},
    alt="Two rows of four numbers: 9 1 3 3 and 10 30 30 10. The first row is tinted: "
    "these four share a mean.",
    lit={"2 images (down), 4 features (across)": [(0, j) for j in range(4)]},
)

# %% slideshow={"slide_type": "subslide"}
for row in rows.tolist():
    print("  ".join(f"{value:5.2f}" for value in row))
# layer_norm: over the last axes; (4,) says how long they are
by_pytorch = functional.layer_norm(table, (4,))
alone = functional.layer_norm(table[:1], (4,))  # the first image, without the second
print("agrees with PyTorch:", yes_no((rows - by_pytorch).abs().max() < 1e-5))
print("the same for image 0 alone:", yes_no((rows[0] - alone).abs().max() < 1e-5))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The numbers of exercise 10.1, as expected: (9 − 4)/3 = 1.67, and so on. One image is
# enough, and it gets the same result whatever else is in its batch. So layer norm needs
# no running averages, and training and inference agree.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who shares a mean?
#
# Maps offer more axes: batch norm averages over N, H, W, and layer norm over C, H, W.
#
# **Predict:** with which others does a number in image 0, channel 1 share its mean in
# each?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_sharing(["batch norm", "layer norm"]),
    alt="Three images with four channels each, twice; a dot marks a number of image 0, "
    "channel 1. Batch norm: channel 1 is framed in all images. Layer norm: all four "
    "channels of image 0 are.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Instance norm** averages over H, W (Ulyanov and others 2016), **group norm** over
# H, W and a group of channels (Wu and He 2018). **Predict** again.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_sharing(["instance norm", "group norm"]),
    alt="The same block twice. Instance norm: only channel 1 of image 0 is framed. "
    "Group norm, with two channels in a group: channels 0 and 1 of image 0 are.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Find** two numbers of groups that give another norm, and the axis that needs running
# averages.

# %% slideshow={"slide_type": "-"}
norm_explorer()

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.8: how many means?
#
# A block has (N, C, H, W) = (8, 6, 5, 4). How many means are there in batch norm, in
# layer norm, in instance norm, and in group norm with 2 groups?

# %% slideshow={"slide_type": "-"}
answer("10.8", batch=blank(6), layer=blank(8), instance=blank(48), group=blank(16))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.9: normalise over any axes


# %% slideshow={"slide_type": "-"}
@exercise("10.9")
def normalise(x, axes, eps=1e-5):
    """Mean 0 and variance 1 over those axes; no γ, no β."""
    mean = blank(x.mean(dim=axes, keepdim=True))
    variance = blank(x.var(dim=axes, correction=0, keepdim=True))
    return (x - mean) / torch.sqrt(variance + eps)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## All of them, by axes
#
# Each is one call of what you wrote; for group norm, split the channel axis in two.
# PyTorch has `functional.instance_norm` and `nn.GroupNorm(groups, channels)`.

# %% slideshow={"slide_type": "-"}
x = torch.randn(8, 6, 5, 4)
grouped = torch.as_tensor(normalise(x.view(8, 2, 3, 5, 4), (2, 3, 4))).view(x.shape)
pairs = {
    "batch": (normalise(x, (0, 2, 3)), nn.BatchNorm2d(6)(x)),
    "layer": (normalise(x, (1, 2, 3)), functional.layer_norm(x, (6, 5, 4))),
    "instance": (normalise(x, (2, 3)), functional.instance_norm(x)),
    "group, 2 groups": (grouped, nn.GroupNorm(2, 6)(x)),
}

# %% slideshow={"slide_type": "-"}
for name, (ours, theirs) in pairs.items():
    off = (torch.as_tensor(ours) - theirs).abs().max().item()
    print(f"{name:15} off by {off:.1e} (agrees with PyTorch: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last three never look at another image, so they need no running averages. That is
# one reason why transformers, the family behind language models, use layer norm (over C
# alone, at each place by itself). Instance norm made its name in style transfer
# (repainting a photograph in a painter's style), because it takes away an image's
# own contrast.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Small batches
#
# When images are large, only a few fit into memory at once. **Predict:** one digit goes
# through the network fifty times, in training mode, each time in a different batch. How
# much do its scores vary in batches of 2, 8, 32 and 128?


# %% slideshow={"slide_type": "-"}
@torch.no_grad()
def variation(network, size):
    """Deviation of image 0's scores over fifty batches of that size."""
    network, images = copy.deepcopy(network).train(), digits.train.images
    scores = []
    for _ in range(50):
        # randint: random whole numbers, here the places of the other images
        others = torch.randint(1, len(images), (size - 1,)).to(device)
        scores.append(network(torch.cat([images[:1], images[others]]))[0])
    return torch.stack(scores).std(dim=0).mean().item()


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
noise = {size: variation(normed, size) for size in (2, 8, 32, 128)}
falls = yes_no(noise[2] > noise[8] > noise[32] > noise[128])
print("noise", *[f"{v:.2f}" for v in noise.values()], f"(less and less: {falls})")
# One group of all channels: that is layer norm.
layer_normed = small_cnn(lambda channels: nn.GroupNorm(1, channels)).to(device)
none = variation(layer_normed, 8)
print(f"with layer norm {none:.2f} (none at all: {yes_no(none < 0.01)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# A little noise is welcome: like dropout, it keeps the network from learning images by
# heart. Too much drowns the signal. With two images on each GPU, ResNet-50's ImageNet
# error was 34.7 % with batch norm and 24.1 % with group norm (Wu and He 2018, section
# 4.1).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is batch norm still used?
#
# A student asked this too, and the lecturer left it open. Count the layers in four of
# torchvision's networks. ViT is a transformer, of the family behind language models;
# the others are convolutional.
#
# **Predict:** which of the four have no batch norm?

# %% slideshow={"slide_type": "-"}
kinds = nn.BatchNorm2d, nn.LayerNorm  # LayerNorm: layer norm, with γ and β
found = []
for name in ("resnet50", "efficientnet_b0", "vit_b_16", "convnext_tiny"):
    with torch.device("meta"):  # no memory
        layers = list(models.get_model(name).modules())
    found.append([name, *[sum(isinstance(m, kind) for m in layers) for kind in kinds]])

# %% slideshow={"slide_type": "subslide"}
show_table(["network", "batch norms", "layer norms"], found)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Most convolutional networks still use it, though tiny batches make it noisy.
# Transformers do not, and ConvNeXt adopted layer norm from them, over C alone at each
# place (Liu and others 2022, section 2.6). Normaliser-free networks do without: scaled
# weights and gradients of limited length (lesson 11) keep the numbers in check (Brock
# and others 2021).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Dropout, again
#
# From lesson 06: in training each number is set to zero with probability p (0.5, say),
# and the rest are divided by 1 − p. In evaluation nothing happens.
#
# In a map, neighbours are nearly equal: drop one, and the next one gives it away. So
# `nn.Dropout2d` drops **whole maps**.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(1)
dropped = nn.Dropout2d(p=0.5)(torch.ones(2, 4, 3, 3))
for n, image in enumerate(dropped):
    print(f"image {n}:", [sorted(set(m.flatten().tolist())) for m in image])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.10: dropout of whole maps
#
# `kept` is (N, C): 1 where a map is kept, 0 where it is dropped. Each `None` in
# `kept[:, :, None]` adds an axis of length 1.


# %% slideshow={"slide_type": "-"}
@exercise("10.10")
def dropout2d(x, kept, p, training):
    """Zero whole maps in training; the mean stays."""
    if not training:
        return blank(x)
    return x * blank(kept[:, :, None, None]) / (blank(1 - p))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Dropout before batch norm?
#
# Dropout keeps the mean. **Predict:** does it keep the variance? Take numbers of mean 0
# and variance 1, drop half of them, then apply `nn.BatchNorm1d`, the batch norm for
# (N, D).

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
pair = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(1))
for _ in range(100):
    pair(torch.randn(2000, 1))
x = torch.randn(20_000, 1)
print("deviation in training:  ", f"{pair(x).std().item():.1f}")
print("deviation in evaluation:", f"{pair.eval()(x).std().item():.1f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Half are zeros and half are doubled, so in training the variance is 2. At inference it
# is 1, and the running average does not fit. Put dropout after the last batch norm, or
# leave it out, as ResNet does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.11: a network with batch norm
#
# Convolution, batch norm, ReLU. Batch norm is told its number of features: the channels
# that come *out of the convolution*.


# %% slideshow={"slide_type": "-"}
@exercise("10.11")
def conv_net():
    """From (N, 1, 8, 8) to ten scores, (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1, bias=blank(False)),  # (N, 16, 8, 8)
        nn.BatchNorm2d(blank(16)),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 4, 4)
        nn.Conv2d(blank(16), blank(32), kernel_size=3, padding=1, bias=blank(False)),
        blank(nn.BatchNorm2d(32)),  # (N, 32, 4, 4)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 32, 2, 2)
        nn.Flatten(),
        nn.Linear(blank(32 * 2 * 2), 10),
    )


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
accuracy = train(conv_net(), rate=0.3)
print(digits.title)
print(f"test accuracy {accuracy:.1%} (above 90 %: {yes_no(accuracy > 0.9)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **`eval()` forgotten:** scores depend on the batch.
# - **`train()` forgotten** after a test: the averages stand still.
# - **The wrong axes.** Each *channel* has one mean, over N, H, W.
# - **Input channels counted.** The convolution's *output* counts.
# - **γ of shape (C,)** lines up with W.
# - **One image, maps of 1×1:** no spread, and in training PyTorch raises an error.
# - **`momentum`** is not the optimiser's momentum.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("10", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Batch norm normalises each channel over N, H, W; γ and β are learned.
# - Training uses the batch's numbers; inference uses running averages, which fold into
#   the convolution.
# - Larger learning rates work; why is still debated.
# - Layer, instance, group norm: other axes, no running averages.
#
# Next: {next}. Batch norm everywhere, and many more layers.
