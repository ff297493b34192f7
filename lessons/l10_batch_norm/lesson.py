# %% [markdown] slideshow={"slide_type": "slide"}
# # 10 Batch norm
#
# Deep networks became easier to train when every layer got numbers of one size.
# Afterwards you can
#
# - normalise, scale and shift, by hand and in code;
# - say what differs between training and use;
# - fold batch norm into a convolution;
# - tell batch, layer and instance norm apart.
#
# About 75 minutes. You need: lessons 04 to 06.

# %% [markdown] slideshow={"slide_type": "notes"}
# 75 minutes with the exercises, 40 without. The 4×2 table belongs on the board, and
# stays there. Show the bug of the forgotten `eval()` live: it is the one they will
# have. All networks together train for about five seconds.

# %% slideshow={"slide_type": "skip"}
import copy

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images, show_lines, show_table
from helpers.training import evaluate, fit
from lessons.l10_batch_norm.explorer import norm_explorer

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Trained here, used there
#
# A small network, three convolutions, learns the digits. `norm` is a place for later:
# `nn.Identity` does nothing.


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
# ## The same digits, otherwise lit
#
# **Predict:** which of these will the network still read?

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
    x = (images - digits.mean) / digits.std  # as the training images were
    accuracy = evaluate(network, [(x, digits.test.labels)]).accuracy
    good, poor = yes_no(accuracy > 0.75), yes_no(accuracy < 0.6)
    print(f"{name:15} {accuracy:.1%} (above 75 %: {good}, below 60 %: {poor})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Distribution shift
#
# Trained on one kind of numbers, used on another: the weights are right for numbers
# that no longer come.
#
# **Predict:** now normalise each set by *its own* mean and standard deviation. Which of
# the three is saved?

# %% slideshow={"slide_type": "fragment"}
for name, images in lit.items():
    x = (images - images.mean()) / images.std()
    accuracy = evaluate(network, [(x, digits.test.labels)]).accuracy
    good, poor = yes_no(accuracy > 0.75), yes_no(accuracy < 0.6)
    print(f"{name:15} {accuracy:.1%} (above 75 %: {good}, below 60 %: {poor})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Dim and foggy digits are the old ones, scaled and shifted: normalising undoes that.
# Inverted ones have another sign. No mean and no deviation repairs that, and nothing
# does between digits and photographs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Inside a network
#
# The third convolution never sees an image. It sees what the layers below make of it,
# and those *learn*: each step changes what it gets. The lecture calls this **internal
# covariate shift**.
#
# **Predict:** over three epochs, how do mean and spread of its input change?


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
# What it learned for the first numbers meets others at the last: it must follow.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Normalise, in every layer
#
# Inputs are normalised once. **Batch norm** does it in the middle of the network, anew
# for each batch: each feature gets the mean 0 and the variance 1 over the images that
# happen to be together.
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
# y = \gamma \hat x + \beta$$
#
# First μ and σ². ε is tiny, against division by zero; by hand, leave it out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.1: normalise by hand
#
# N = 4 images, D = 2 features. Give the two means, the two variances (divide by N), and
# what becomes of image 0.

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
# `correction=0` divides by N. PyTorch's `std` and `var` divide by N − 1 unless told
# otherwise: an estimate for more images than these. Here these are all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Scale and shift
#
# Perhaps the next layer would do better with another mean and variance than 0 and 1. So
# two numbers for each feature are *learned*: γ scales and β shifts.
#
# **Predict:** mean and deviation of γ·x̂ + β, for γ = 0.5 and β = 2? And which γ and β
# undo the normalising of the first column?

# %% slideshow={"slide_type": "fragment"}
y = 0.5 * normalised + 2
print("means     ", [round(v, 3) for v in y.mean(dim=0).tolist()])
print("deviations", [round(v, 3) for v in y.std(dim=0, correction=0).tolist()])
undone = 3 * normalised[:, 0] + 4
print("undone    ", [round(v, 3) for v in undone.tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The mean *is* β, the deviation *is* |γ|, whatever came in (if it varied at all). With
# γ = σ and β = μ the layer does nothing at all: it can choose to. In the beginning
# γ = 1 and β = 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.2: batch norm of (N, D)
#
# ε stands under the root. Without it, a feature that is the same in all images would
# become 0/0.


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
# **Predict:** a batch of (64, 16, 8, 8). How many means are there, of how many numbers
# each?

# %% slideshow={"slide_type": "fragment"}
maps = torch.randn(64, 16, 8, 8)  # (N, C, H, W)
means = maps.mean(dim=(0, 2, 3), keepdim=True)
print("means:", tuple(means.shape), "each of", maps.numel() // means.numel())

# %% [markdown] slideshow={"slide_type": "fragment"}
# `keepdim=True` leaves the averaged axes in place, one long: (1, C, 1, 1) is then
# stretched over (N, C, H, W). γ and β are only (C,): they would meet the last axis, W.

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
by_pytorch = nn.BatchNorm2d(16)(maps)  # its γ starts at 1, its β at 0
off = (torch.as_tensor(by_hand) - by_pytorch).abs().max().item()
print(f"off by {off:.1e} (as PyTorch: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it hold still?
#
# The same network, the same steps, with `nn.BatchNorm2d(16)` after each convolution.
#
# **Predict:** the two curves of before, now.

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
    print(f"{name:7} deviation {first:.2f}, then {last:.2f} (over half more: {more})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Higher learning rates
#
# Plain gradient descent, three epochs, three seeds each, with a small, a medium and a
# large step.
#
# **Predict:** who learns with a learning rate of 1?


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
    "Test accuracy, three runs each. With batch norm all nine are about 0.9. Without, "
    "they are below 0.3 at the learning rate 0.03, around 0.8 at 0.3, at 0.1 at 1.",
)

# %% slideshow={"slide_type": "subslide"}
for rate, low, high in ((0.03, 0.6, 0.8), (1.0, 0.5, 0.6)):
    best = max(accuracies["without", rate])
    worst = min(accuracies["with batch norm", rate])
    print(f"learning rate {rate}:")
    print(f"  without, the best: {best:.1%} (below {low:.0%}: {yes_no(best < low)})")
    print(f"  with, the worst: {worst:.1%} (above {high:.0%}: {yes_no(worst > high)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# What became of the network without? Look at its last maps, after training with rate 1.

# %% slideshow={"slide_type": "fragment"}
for name in norms:
    inside = trained[name, 1.0].eval()[:12](digits.test.images)  # (359, 16, 1, 1)
    zeros = (inside == 0).float().mean().item()
    print(f"{name:15} {zeros:.1%} are zero (more than half: {yes_no(zeros > 0.5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# A step too far, and ReLU gets only negative numbers: out come zeros, with gradient
# zero, for good. Batch norm centres what comes in, so some stay positive. At small
# rates much depends on how weights begin: lesson 11.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## But why does it help?
#
# "The inputs hold still" is the paper's reason (Ioffe and Szegedy 2015). Santurkar and
# others (2018) put it to the test: they shook the numbers *after* batch norm, at random
# in each step, so that nothing held still.
#
# **Predict:** does such a network learn?


# %% slideshow={"slide_type": "-"}
class Shaken(nn.BatchNorm2d):
    """Batch norm; then, in training, each channel scaled and shifted at random."""

    def forward(self, x):
        y = super().forward(x)
        if not self.training:
            return y
        scale, shift = 0.5 + torch.rand(16, 1, 1), 0.5 * torch.randn(16, 1, 1)
        return scale.to(x.device) * y + shift.to(x.device)


# %% slideshow={"slide_type": "fragment"}
for name, norm in {"plain": nn.Identity, "shaken": Shaken}.items():
    torch.manual_seed(0)
    accuracy = train(small_cnn(norm), rate=0.1)
    print(f"{name:6} {accuracy:.1%} (above 75 %: {yes_no(accuracy > 0.75)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It learns, and better here than the plain one: holding still is not all. Their reason:
# the loss gets smoother, so gradients hold for longer steps. It is still debated.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One image alone
#
# In use there may be a single image, and no batch to average over. So in training a
# layer keeps **running averages** of μ and σ², for later. After each batch, in PyTorch,
# with m = 0.1:
#
# running = (1 − m) · running + m · batch's
#
# It calls m `momentum`: the weight of the *new* batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.4: a running mean by hand
#
# The lecture describes another rule: add the new mean to the running one, and divide by
# two. Start at 0. Three batches come, with the means 10, 10 and 20.
#
# What is the running mean after each, by either rule? Two lists of three.

# %% slideshow={"slide_type": "-"}
answer("10.4", pytorch=blank([1, 1.9, 3.71]), halved=blank([5, 7.5, 13.75]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Add and divide by two?
#
# That is m = 0.5: faster, but half of it is always the last batch. **Predict:** batches
# of mean 10, give or take 1. How far off is the running mean, typically, in the end?

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
# Halving is a running average too, but a nervous one. A small m remembers longer, is
# calmer, and takes longer to forget that it began at 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.5: running averages
#
# One catch. A batch is *normalised* by the variance that divides by the count. For
# later use PyTorch keeps the estimate for all images, which divides by the count
# less 1: `correction=1`.


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
    print(f"{name:8} off by {off:.1e} (as PyTorch's: {yes_no(off < 1e-6)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two modes
#
# | | `network.train()` | `network.eval()` |
# |---|---|---|
# | normalises by | this batch | running averages |
# | running averages | move | stay |
# | an image's scores | depend on its company | do not |
#
# Unlike dropout, it is not random, but just as different.

# %% slideshow={"slide_type": "-"}
x = maps[:1]  # one image
mean, variance = (t.view(1, -1, 1, 1) for t in (layer.running_mean, layer.running_var))
by_hand = (x - mean) / torch.sqrt(variance + layer.eps)
off = (layer.eval()(x) - by_hand).abs().max().item()
print(f"off by {off:.1e} (eval uses running averages: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The forgotten eval()
#
# A network with batch norm, and a test without `evaluate`, which would switch for us.

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
# **Predict:** in training mode by mistake, what happens with batches of 36 mixed
# digits? With batches sorted by class? With one image at a time?

# %% slideshow={"slide_type": "subslide"}
mixed = torch.arange(len(digits.test.labels)).to(device)
by_class = digits.test.labels.argsort(stable=True)
rows = []
for order, size, name in [(mixed, 36, "36, mixed"), (by_class, 36, "36, by class"),
                          (mixed, 1, "1 at a time")]:  # fmt: skip
    both = [score(normed, order, size, training) for training in (False, True)]
    rows.append([name, *[f"{a:.1%} (above 80 %: {yes_no(a > 0.8)})" for a in both]])
show_table(["batches", "with eval()", "forgotten"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# With mixed batches nobody notices. Sorted by class, the batch's mean *is* what makes a
# 7 a 7, and it is subtracted. A test in the wrong mode also moves the running averages:
# hence the copy.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The forgotten train()
#
# The other way round: a test in the middle of training calls `eval()`, and nobody calls
# `train()` afterwards. **Predict:** what do the running averages do, and is that batch
# norm?

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
print("running means all 0:", yes_no((frozen[1].running_mean == 0).all()))
print("running variances all 1:", yes_no((frozen[1].running_var == 1).all()))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing was normalised: (x − 0)/1. No error, no warning, only a network that learns
# like one without. `fit` calls `train()` before each epoch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is learned?
#
# γ and β are **parameters**: the gradient moves them. The running averages are
# **buffers**: stored and saved with the network, but not learned.

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
# Nothing: whatever is added to a channel everywhere is in its mean, and is subtracted
# again. β does the work of the bias, so one writes `bias=False`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.6: what is learned, what is counted
#
# - `nn.BatchNorm2d(64)`: how many numbers does it learn? How many are running averages?
# - `nn.Conv2d(16, 32, kernel_size=3, bias=False)` and `nn.BatchNorm2d(32)`: how many
#   numbers does the pair learn?

# %% slideshow={"slide_type": "-"}
answer("10.6", learned=blank(128), running=blank(128), pair=blank(4672))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gone at test time
#
# In evaluation, μ and σ² are constants. With s = γ / √(σ² + ε), convolution and batch
# norm together are
#
# y = s · (w ∗ x + b − μ) + β
#
# **Predict:** that is a convolution again. Which weights and which bias does it have?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.7: fold batch norm into the convolution
#
# `weight` is (K, D1, F, F), all others are (K,).


# %% slideshow={"slide_type": "-"}
@exercise("10.7")
def fold(weight, bias, gamma, beta, mean, variance, eps=1e-5):
    """Weight and bias of the convolution that does the work of both."""
    scale = blank(gamma / torch.sqrt(variance + eps))  # (K,)
    new_weight = weight * blank(scale.view(-1, 1, 1, 1))
    new_bias = blank((bias - mean) * scale + beta)
    return new_weight, new_bias


# %% slideshow={"slide_type": "fragment"}
# On the CPU: unless told otherwise, an NVIDIA GPU rounds what it convolves (TF32).
conv, norm = copy.deepcopy(normed[:2]).cpu().eval()
images = digits.test.images.cpu()
learned = [p.detach() for p in (*conv.parameters(), *norm.parameters())]  # two of each
weight, bias = fold(*learned, norm.running_mean, norm.running_var)
weight, bias = torch.as_tensor(weight), torch.as_tensor(bias)
by_one = functional.conv2d(images, weight, bias, padding=1)
off = (by_one - norm(conv(images))).abs().max().item()
print(f"off by {off:.1e} (one for two: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# In use, batch norm after a convolution costs nothing. No layer norm can be folded away
# like this.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Before or after the ReLU?
#
# The paper puts batch norm before the non-linearity; its authors' code, so the lecture
# reports, after. The lecture finds after more natural. Let us measure: two epochs, four
# seeds each.


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
print(f"all within {width:.1%} (seeds differ twice as much as places: {more})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Here it does not matter: seeds differ more than places. Before is the custom, because
# it folds into the convolution, and because it is what ResNet did.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And before the first layer?
#
# A student asked in the lecture: does batch norm belong between input and first layer?
#
# Nothing below it learns, so images do not shift while we train. But their size matters
# there too: so they are normalised once, by mean and deviation of the *training* set,
# the same two numbers ever after.

# %% slideshow={"slide_type": "-"}
print("mean", [round(v, 2) for v in digits.mean.tolist()], end=", ")
print("deviation", [round(v, 2) for v in digits.std.tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who shares a mean?
#
# Other axes, other norms:
#
# - **layer norm**: over C, H, W (Ba and others 2016);
# - **instance norm**: over H, W (Ulyanov and others 2016);
# - **group norm**: channels in groups (Wu and He 2018).
#
# **Find** two numbers of groups that make group norm one of the others, and all axes
# that need running averages.

# %% slideshow={"slide_type": "subslide"}
norm_explorer()

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.8: how many means?
#
# A block of (N, C, H, W) = (8, 6, 5, 4). How many means are there in batch norm, layer
# norm, instance norm, and group norm with 2 groups?

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
# Each is one call of what you wrote. For group norm, split the channel axis in two.

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
    print(f"{name:15} off by {off:.1e} (as PyTorch: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last three never look at another image. So train and test are alike, and there are
# no running averages: transformers use layer norm. Instance norm made its name in style
# transfer: it takes an image's contrast away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Small batches
#
# Large images leave room for few of them at once. **Predict:** one digit, in training
# mode, fifty times, each time in other company. How much do its scores vary in
# batches of 2, 8, 32, 128?


# %% slideshow={"slide_type": "-"}
@torch.no_grad()
def variation(network, size):
    """Deviation of image 0's scores over fifty batches of that size."""
    network, images = copy.deepcopy(network).train(), digits.train.images
    scores = []
    for _ in range(50):
        others = torch.randint(1, len(images), (size - 1,)).to(device)
        scores.append(network(torch.cat([images[:1], images[others]]))[0])
    return torch.stack(scores).std(dim=0).mean().item()


# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
noise = {size: variation(normed, size) for size in (2, 8, 32, 128)}
falls = yes_no(noise[2] > noise[8] > noise[32] > noise[128])
print("noise", *[f"{v:.2f}" for v in noise.values()], f"(less and less: {falls})")
layer_normed = small_cnn(lambda channels: nn.GroupNorm(1, channels)).to(device)
none = variation(layer_normed, 8)
print(f"with layer norm {none:.2f} (none at all: {yes_no(none < 0.01)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# A little noise is welcome: like dropout, it keeps the network from learning images by
# heart. Too much drowns the signal: with few images at once, take group norm.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Dropout, again
#
# From lesson 06: in training each number is zeroed with probability p (0.5, say), and
# the rest divided by 1 − p. In evaluation nothing happens.
#
# In a map, neighbours say nearly the same: drop one, and the next one tells. So
# `nn.Dropout2d` drops **whole maps**.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(1)
dropped = nn.Dropout2d(p=0.5)(torch.ones(2, 4, 3, 3))
for n, image in enumerate(dropped):
    print(f"image {n}:", [sorted(set(m.flatten().tolist())) for m in image])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.10: dropout of whole maps
#
# `kept` is (N, C): 1 where a map is kept, 0 where it is dropped.


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
# Dropout keeps the mean. **Predict:** does it keep the variance? Numbers of mean 0 and
# variance 1, p = 0.5, then batch norm.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
pair = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(1))
for _ in range(100):
    pair(torch.randn(2000, 1))
x = torch.randn(20_000, 1)
print("deviation in training:  ", f"{pair(x).std().item():.1f}")
print("deviation in evaluation:", f"{pair.eval()(x).std().item():.1f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Half zeros, half doubled: variance 2. In use it is 1, and the running average does not
# fit. Put dropout after the last batch norm, or leave it out, as ResNet does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 10.11: a network with batch norm
#
# Convolution, batch norm, ReLU. In the brackets of batch norm stands its number of
# features: the channels that come *out of the convolution*.


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
# - **`eval()` forgotten.** Scores depend on the company.
# - **`train()` forgotten** after a test in between.
# - **The wrong axes.** One mean for each *channel*: over N, H, W.
# - **Features of the input.** Batch norm follows the convolution's output.
# - **γ of shape (C,)** meets W.
# - **A single number for each channel:** PyTorch refuses to train.
# - **`momentum`** is not the optimizer's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Batch norm: normalise each channel over N, H, W; γ and β are learned.
# - Training: the batch's numbers. Use: running averages, folded into the convolution.
# - Larger learning rates work; why is debated.
# - Layer, instance, group norm: other axes, no running averages.
#
# Next: {next}. Batch norm everywhere, and many more layers.
