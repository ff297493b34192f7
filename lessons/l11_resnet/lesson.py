# %% [markdown] slideshow={"slide_type": "slide"}
# # 11 ResNet
#
# More layers did harm, until a plus sign was added. After this lesson you can
#
# - say what goes wrong in deep plain networks, and measure it;
# - build a residual block, its shortcuts and its bottleneck;
# - train a deep network, and tell which tricks matter;
# - read a paper's experiments.
#
# About 100 minutes. You need: lessons 05, 09 and 10.

# %% [markdown] slideshow={"slide_type": "notes"}
# 100 minutes with the exercises, 45 without. All training together takes about six
# seconds. Let the audience vote before 20 meets 56 layers. Lesson 12 shows long runs on
# real photographs.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torchvision import models

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.data import load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import BLUE, ORANGE
from helpers.exercises import answer, exercise, start
from helpers.networks import ResidualBlock, resnet
from helpers.networks.weights import he_initialise
from helpers.plots import show, show_lines, show_table
from lessons.l11_resnet.explorer import gradient_explorer, gradient_norms
from lessons.l11_resnet.figures import draw_block, draw_way_back
from lessons.l11_resnet.recorded import recorded_data, recorded_errors
from lessons.look_back import look_back
from lessons.volumes import show_volumes

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The puzzle
#
# In 2015 He and others took plain networks of 3×3 convolutions with batch norm, and
# made them deeper: 20, 32, 44, 56 layers.
#
# **Predict:** what happens to the test error? And to the *training* error?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_table(
    ["plain networks, published", "result", "source"],
    [
        ["CIFAR-10: 20, 32, 44, 56 layers", "training error rises with depth",
         "figure 6, section 4.2"],
        ["CIFAR-10: 56 against 20", "error higher in training and test", "figure 1"],
        ["CIFAR-10: 110", "error above 60 %", "figure 6, caption"],
        ["ImageNet, top-1: 18 and 34", "27.94 % and 28.54 %", "table 2"],
    ],
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# Deeper is worse, and not only in the test: the error on the *training* images is
# higher, too, all the way through.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Our own copy of the figure
#
# The paper's figures 1 and 6 show training and test error by step, as curves without
# numbers. Here are the first three epochs of two runs that were recorded for lesson 12:
# 20 and 56 plain layers, by the same recipe.
#
# **Predict:** which network is ahead, in training and in the test?

# %% slideshow={"slide_type": "-"}
few = recorded_errors("plain20_lecture", epochs=3)
many = recorded_errors("plain56_lecture", epochs=3)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.9), sharey=True)
for ax, part in zip(axes, few):
    for errors, style, layers in ((few, "o-", 20), (many, "s--", 56)):
        ax.plot((1, 2, 3), errors[part], style, label=f"{layers} plain layers")
    ax.set(xlabel="epoch", title=f"{part} error", xticks=(1, 2, 3), ylim=(0, 100))
axes[0].set_ylabel("error in %")
axes[0].legend()
figure.suptitle(f"{recorded_data('plain20_lecture')}, recorded", fontsize=13)
show(
    figure,
    "Error in training and in the test over three epochs, recorded. In both panels the "
    "line of 56 layers lies far above that of 20, and falls more slowly.",
)

# %% slideshow={"slide_type": "-"}
for part in few:
    low, high = few[part][-1], many[part][-1]
    print(f"{part} error: 20 layers {low:.1f}%, 56 layers {high:.1f}%", end=" ")
    print(f"(higher with 56: {yes_no(high > low)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Three epochs are only a beginning; the paper trains for 64 000 steps, about 164 epochs
# of 50 000 images. Yet the order is the paper's. Is that **overfitting**, learning the
# training images by heart at the cost of new ones?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.1: overfitting or underfitting?
#
# Here are three large networks (made up). A small one gets 6 % wrong in training and
# 8 % in the test. Which of the three overfits? Which **underfits**, that is, does not
# even fit its training images well? Answer "over", "under" or "neither".

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["network", "training error", "test error"],
    [["A", "1 %", "15 %"], ["B", "13 %", "14 %"], ["C", "3 %", "5 %"]],
)

# %% slideshow={"slide_type": "-"}
answer("11.1", A=blank("over"), B=blank("under"), C=blank("neither"))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A deeper network can do no worse
#
# Here is a proof. Take a shallow network that works. Insert layers that only copy their
# input: now it is deep, and still computes the same. So good weights *exist*.
#
# **Predict:** which 3×3 kernel copies?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
shallow = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
copies = []
for _ in range(36):
    copy = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    # dirac_ writes a 1 in the middle, for the channel's own map, and 0 elsewhere.
    nn.init.dirac_(copy.weight)
    copies += [copy, nn.ReLU()]  # after one ReLU, another changes nothing

# %% slideshow={"slide_type": "fragment"}
deep = nn.Sequential(*shallow, *copies)
x = torch.randn(2, 3, 7, 9)
off = (deep(x) - shallow(x)).abs().max().item()
print(f"off by {off:.1g} (37 layers, the same output: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Whatever a shallow network can do, a deep one can do, too. Training just does not
# *find* the weights. Before we ask why: does the proof always hold?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the proof needs
#
# Every inserted layer must be *able* to copy. It needs as many output channels as input
# channels, stride 1, and a nonlinearity that lets the copy through, as ReLU does.
#
# The lecture's counterexample: 128 maps, and then a layer with a single filter.
# **Predict:** can different inputs come out of it as the same map?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
single = nn.Conv2d(128, 1, kernel_size=1)  # one filter: 128 weights and a bias
w = single.weight.detach().flatten()  # (128,)
one = torch.randn(1, 128, 4, 4)
other = one.clone()
other[:, 0] += 100 * w[1]  # the output changes by w[0] · 100 w[1] …
other[:, 1] -= 100 * w[0]  # … and by −w[1] · 100 w[0]: nothing, together

# %% slideshow={"slide_type": "fragment"}
apart = (one - other).abs().max().item()
off = (single(one) - single(other)).abs().max().item()
print(f"maps that differ by up to {apart:.1f} (by more than 1: {yes_no(apart > 1)})")
print(f"come out alike, off by {off:.1e} (only rounding: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# No layer above can tell the two apart again. Where a layer is narrower than its input,
# a copy may be impossible, and the proof fails. That does harm only if the difference
# mattered: at the very end, ten numbers are enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The way back
#
# So why is a good solution not found? Take three layers of one neuron each, with σ the
# **sigmoid** 1/(1 + e⁻ᶻ), `torch.sigmoid`: x₁ = σ(w₁x₀), x₂ = σ(w₂x₁), x₃ = σ(w₃x₂).
# How does x₃ change with x₀? By the chain rule
#
# $$\frac{\partial x_3}{\partial x_0} = \sigma'(w_3x_2)\,w_3 \cdot
# \sigma'(w_2x_1)\,w_2 \cdot \sigma'(w_1x_0)\,w_1$$
#
# There is one factor for each layer, and σ′ = σ·(1 − σ).

# %% slideshow={"slide_type": "fragment"}
x0 = torch.tensor(0.5, requires_grad=True)
x, slope = x0, 1.0
for w in (1.0, -2.0, 1.5):
    x = torch.sigmoid(w * x)
    slope = slope * x * (1 - x) * w
x.backward()
print(f"by hand {slope.item():.4f}, by PyTorch {x0.grad.item():.4f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How steep is a sigmoid?
#
# **Predict:** what is the largest slope of σ, and where?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
z = torch.linspace(-6, 6, 121)
s = z.sigmoid()
show_lines(
    z,
    {"σ": s, "slope of σ": s * (1 - s), "slope of ReLU": (z > 0).float()},
    "The sigmoid climbs from 0 to 1. Its slope is a low bell whose peak, a quarter, is "
    "at 0, and which is nearly 0 beyond 5 on both sides. ReLU's slope is 0, then 1.",
    "z",
    "",
)
print("largest slope of σ:", (s * (1 - s)).max().item())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.2: at most a quarter
#
# All weights are 1. How large can ∂x₃/∂x₀ be at most, after `three` sigmoids? And how
# many `layers` does it take until it is certainly below a millionth?

# %% slideshow={"slide_type": "-"}
answer("11.2", three=blank(0.015625), layers=blank(10))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much is left?
#
# Take deep networks with 32 neurons in each layer, and weights that keep W·x about as
# large as x. How much of the gradient is left, layer by layer, on its way back from the
# last?
#
# **Predict** the order of sigmoid, tanh and ReLU.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
left = {name: gradient_norms(30, name)[::-1] for name in ("ReLU", "tanh", "sigmoid")}
figure, ax = plt.subplots(figsize=(8.4, 2.4))
for (name, norms), style in zip(left.items(), ("-", "--", "-.")):
    ax.semilogy(norms, style, label=name)
ax.set(xlabel="layers on the way back", ylabel="gradient's norm")
ax.legend()
show(
    figure,
    "Over 30 layers back, on a logarithmic scale: tanh stays near 1, ReLU falls "
    "slowly, to a hundred-thousandth or so, sigmoid steeply, below 10 to the −18.",
)

# %% slideshow={"slide_type": "-"}
for name, norms in left.items():
    small = yes_no(norms[-1] < 1e-6)
    print(f"{name:7} {norms[-1]:.1e} left after 30 layers (below a millionth: {small})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The sigmoid network has a **vanishing gradient**: its first layers hardly learn.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The opposite
#
# Weights may also be large. ReLU's own slope is 0 or 1, never more; it is the factors w
# that can make the product grow. With weights 2.5 times as large the gradient
# **explodes**:

# %% slideshow={"slide_type": "-"}
for scale in (1.0, 1.4, 2.5):
    norm = torch.tensor(gradient_norms(30, "ReLU", scale=scale)[0])
    power = round(norm.log10().item())  # log10: which power of ten
    print(f"scale {scale}: about 10 to the {power}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# A single step along such a gradient ruins everything learned so far. There is a simple
# cure, **clipping**: when the gradient's norm is above 10, say, shrink it to 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.3: clip the gradients
#
# `gradients` is a list of tensors. Their common norm is the root of the sum of all
# squares. If it is above `most`, all of them are shrunk by one factor, so that the
# direction stays the same.


# %% slideshow={"slide_type": "-"}
@exercise("11.3")
def clip(gradients, most):
    """The gradients, with a common norm of at most ``most``."""
    norm = sum(blank((g**2).sum()) for g in gradients) ** 0.5
    if norm > most:
        return [g * blank(most / norm) for g in gradients]
    return gradients


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
layer = nn.Linear(5, 3)
for p in layer.parameters():
    p.grad = 20 * torch.randn(p.shape)
clipped = clip([p.grad.clone() for p in layer.parameters()], 10.0)
# nn.utils has tools for training; clip_grad_norm_ clips every .grad in place.
nn.utils.clip_grad_norm_(layer.parameters(), 10.0)
clipped = map(torch.as_tensor, clipped)
gaps = [(c - p.grad).abs().max().item() for c, p in zip(clipped, layer.parameters())]
print(f"off by {max(gaps):.1e} (as PyTorch does it: {yes_no(max(gaps) < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is that the answer to the puzzle?
#
# The networks of the puzzle have batch norm and ReLU after every convolution.
# **Predict:** does the gradient vanish in 56 such layers? We take narrow ones, for tiny
# images:

# %% slideshow={"slide_type": "-"}
device = best_device()
digits = load("digits", device)  # 8×8 pixels
images, labels = digits.train
print(digits.title, tuple(images.shape))


# %% slideshow={"slide_type": "-"}
def network(depth, plain=False, seed=0):
    """(N, 1, 8, 8) → (N, 10): a convolution, blocks of two, a dense layer."""
    torch.manual_seed(seed)
    count = (depth - 2) // 2
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False),  # (N, 16, 4, 4)
        *[nn.BatchNorm2d(16), nn.ReLU()],
        # ResidualBlock: two 3×3 convolutions; plain=True leaves its shortcut out
        *[ResidualBlock(16, 16, plain=plain) for _ in range(count)],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)],
    )
    he_initialise(net)  # he_initialise draws starting weights: see the bag of tricks
    return net


# %% slideshow={"slide_type": "subslide"}
def first_gradient(net):
    """Norm of the loss's gradient for the first convolution's weights."""
    net.to(device)
    functional.cross_entropy(net(images[:64]), labels[:64]).backward()
    return net[0].weight.grad.norm().item()


# %% slideshow={"slide_type": "-"}
of20, of56 = (first_gradient(network(depth, plain=True)) for depth in (20, 56))
print(f"gradient with 20 plain layers {of20:.1f}, with 56 {of56:.1f}", end=" ")
print(f"(vanished: {yes_no(of56 < of20)})")
print(f"{of56 / of20:.0f} times as large (more than 10: {yes_no(of56 > 10 * of20)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Not at all: with batch norm it grows instead. The authors checked their gradients,
# too, and think it unlikely that vanishing is the cause (section 4.1). So perhaps good
# weights are just hard to *find*. Is even copying hard to learn?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Learning to copy
#
# Can two convolutions with a ReLU between them learn to output exactly what comes in?
# **Predict:** is it easier when x is added to their output?


# %% slideshow={"slide_type": "-"}
def copying_error(shortcut, steps=100):
    """Mean squared error after learning to copy."""
    torch.manual_seed(0)
    conv1, conv2 = (nn.Conv2d(8, 8, 3, padding=1) for _ in "ab")
    both = nn.Sequential(conv1, nn.ReLU(), conv2).to(device)
    optimizer = torch.optim.SGD(both.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        x = torch.randn(8, 8, 8, 8).relu().to(device)  # as after a ReLU: not negative
        error = ((both(x) + shortcut * x - x) ** 2).mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return error.item()


# %% slideshow={"slide_type": "fragment"}
plain, residual = copying_error(0), copying_error(1)
print(f"error without shortcut {plain:.3f} (above 0.05: {yes_no(plain > 0.05)})")
print(f"with it {residual:.1e} (100 times smaller: {yes_no(residual < plain / 100)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## F(x) + x
#
# Here is a plain block of two convolutions. To copy x, that is, for H(x) = x, training
# must find one exact pattern of weights.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show(
    draw_block(shortcut=False),
    alt="A plain block: x goes through convolution, batch norm, ReLU, convolution and "
    "batch norm, which is H(x). A ReLU follows.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** x is added after the first five boxes. What must these compute for x to
# come out again?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_block(shortcut=True),
    alt="A residual block: there are two ways through it. One leads through the same "
    "five boxes, now called F(x). The other, the shortcut, bypasses them and brings x "
    "as it is. Both meet at a plus, and a ReLU follows.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# To add *nothing*, zeros will do. So let the layers learn only what should change, the
# **residual** $F(x) = H(x) - x$. Then $H(x) = F(x) + x$.

# %% [markdown] slideshow={"slide_type": "fragment"}
# Why does the shortcut span two layers? Around one linear layer alone, the block would
# be Wx + x = (W + I)x, with I the identity matrix: just another linear layer. With the
# nonlinearity inside, as in f(Wx + b) + x, even one layer makes sense.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not leave them out?
#
# If extra layers do best by doing nothing, why have them? Because nobody knows the best
# depth beforehand: you choose 100 layers, and perhaps 50 would do. A residual block can
# switch itself off.
#
# **Predict:** set the last γ of a residual and of a plain block to 0. What is the
# output of each?

# %% slideshow={"slide_type": "-"}
x = torch.randn(4, 8, 6, 6).relu()  # as after a ReLU: not negative
for kind in ("plain", "residual"):
    block = ResidualBlock(8, 8, plain=kind == "plain")
    nn.init.zeros_(block.norm2.weight)  # γ of the last batch norm; its β starts at 0
    out = block(x)
    print(f"{kind:8} zeros only: {yes_no((out == 0).all())},", end=" ")
    print(f"x unchanged: {yes_no((out == x).all())}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With F = 0, a residual block does no harm, and a plain one destroys everything. The
# authors measured F: the more layers a ResNet has, the less each of them changes
# (section 4.2, figure 7).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.4: the gradient of a sum
#
# Three blocks stand in a row, and each F has the slope ½. What is the slope of three
# `plain` ones, x → F(x)? Of three `residual` ones, x → x + F(x)? In how many different
# ways (`paths`) can one walk through the residual ones?

# %% slideshow={"slide_type": "-"}
answer("11.4", plain=blank(0.125), residual=blank(3.375), paths=blank(8))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each residual block has the slope 1 + F′. However small F′ is, the 1 stays: a path on
# which nothing gets lost.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show(
    draw_way_back(),
    alt="The way back, from right to left: a gradient g reaches the plus and takes "
    "both ways. Through F(x) it becomes g times F prime, through the shortcut g times "
    "1. Together they are g times the sum of F prime and 1.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the gradient pass through the shortcut?
#
# A student asked this. Here is the strictest test: all weights of F are zero, so
# nothing can come back through F.

# %% slideshow={"slide_type": "-"}
conv = nn.Conv2d(2, 2, 3, padding=1)
nn.init.zeros_(conv.weight)
x = torch.randn(1, 2, 4, 4, requires_grad=True)
for name, out in (("F(x)    ", conv(x)), ("F(x) + x", conv(x) + x)):
    gradient = torch.autograd.grad(out.sum(), x)[0]
    print(name, "gradient for each pixel:", gradient.unique().tolist())

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# Here is the whole way back. **Find**
#
# - the scale at which ReLU's gradient neither vanishes nor explodes;
# - what shortcuts do for 50 sigmoids;
# - what shortcuts do *not* cure.

# %% slideshow={"slide_type": "subslide"}
gradient_explorer(depth=20)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The slopes 1 + F′ multiply from block to block, so gradients may still explode. Batch
# norm at the end of F keeps that in check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.5: the residual block
#
# Build the block in the drawing: D channels in, D out, height and width kept. There are
# no biases, because batch norm has its own.


# %% slideshow={"slide_type": "-"}
@exercise("11.5")
class Block(nn.Module):
    """H(x) = relu(F(x) + x): (N, D, H, W) → (N, D, H, W)."""

    def __init__(self, D):
        super().__init__()
        self.conv1 = nn.Conv2d(D, D, 3, padding=blank(1), bias=False)
        self.norm1 = nn.BatchNorm2d(blank(D))
        self.conv2 = nn.Conv2d(D, D, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(D)

    def forward(self, x):
        out = blank(functional.relu(self.norm1(self.conv1(x))))
        out = blank(self.norm2(self.conv2(out)))
        return blank(functional.relu(out + x))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Plain against residual
#
# The same 20 or 56 layers, the same starting weights, the same 40 steps on the same
# batches, with and without shortcuts.
#
# **Predict** the order of the four losses at the end.


# %% slideshow={"slide_type": "-"}
def learn(net, steps=40, size=32, lr=0.02, momentum=0.9, decay=1e-4, divide=None):
    """Loss of each step, on random batches."""
    torch.manual_seed(1)
    net.to(device)
    options = {"lr": lr, "momentum": momentum, "weight_decay": decay}
    optimizer = torch.optim.SGD(net.parameters(), **options)
    losses = []
    for step in range(steps):
        if step == divide:
            optimizer.param_groups[0]["lr"] /= 10
        some = torch.randint(len(images), (size,)).to(device)
        loss = functional.cross_entropy(net(images[some]), labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% slideshow={"slide_type": "subslide"}
runs = {
    (depth, kind): learn(network(depth, plain=kind == "plain"))
    for kind in ("plain", "residual")
    for depth in (20, 56)
}


# %% slideshow={"slide_type": "-"}
end = {run: sum(losses[-10:]) / 10 for run, losses in runs.items()}
few, many = end[20, "plain"], end[56, "plain"]
print(f"plain, 20 layers {few:.2f}, 56 layers {many:.2f}", end=" ")
print(f"(56 learn less: {yes_no(many > few)})")
for depth in (20, 56):
    plain, residual = end[depth, "plain"], end[depth, "residual"]
    print(f"{depth} layers: plain {plain:.2f}, residual {residual:.2f}", end=" ")
    print(f"(lower by over 0.5: {yes_no(plain - residual > 0.5)})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(8.4, 3.6))
for (depth, kind), losses in runs.items():
    mean = torch.tensor(losses).unfold(0, 5, 1).mean(dim=1)  # over 5 steps
    colour, style = (ORANGE if kind == "plain" else BLUE), ("-" if depth == 56 else ":")
    steps = range(5, len(losses) + 1)
    ax.plot(steps, mean, style, color=colour, label=f"{kind}, {depth} layers")
ax.set(xlabel="step", ylabel="training loss", title=digits.title, ylim=(0, None))
ax.legend()
show(
    figure,
    "Training loss over 40 steps on scikit-learn digits, a stand-in. Plain with 56 "
    "layers stays at 2.3, where it began; plain with 20 falls a little; both residual "
    "networks fall below 1.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# A few seconds of training on tiny digits are a hint, not a proof. The paper trained on
# ImageNet (table 2):

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["ImageNet, published", "18 layers", "34 layers"],
    [
        ["plain, top-1 error in %", 27.94, 28.54],
        ["residual, top-1 error in %", 27.88, 25.03],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# With 18 layers the shortcuts hardly matter. With 34 they turn the deeper network from
# the worse into the better one. Lesson 12 shows long runs on photographs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From stage to stage
#
# A ResNet has stages. Each but the first begins with a block that halves the sides
# (stride 2) and doubles the channels, so F(x) and x no longer fit. Two remedies for x:
#
# - **A**, for CIFAR-10 and the ImageNet table just shown: every second pixel, zeros in
#   new channels;
# - **B**, for deeper networks on ImageNet: a 1×1 convolution with stride 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.6: a shortcut that shrinks and widens
#
# Build remedy A, which learns nothing. `functional.pad` counts from the last axis:
# (left, right, above, below, channels before, channels after).


# %% slideshow={"slide_type": "-"}
@exercise("11.6")
def shortcut(x, channels, stride):
    """(N, C, H, W) → (N, channels, ⌈H/stride⌉, ⌈W/stride⌉)."""
    x = x[:, :, :: blank(stride), :: blank(stride)]
    return functional.pad(x, (0, 0, 0, 0, blank(0), blank(channels - x.shape[1])))


# %% [markdown] slideshow={"slide_type": "fragment"}
# And remedy B? **Predict:** how many parameters does it have, from 64 to 128 channels?

# %% slideshow={"slide_type": "fragment"}
b = nn.Conv2d(64, 128, kernel_size=1, stride=2, bias=False)
x = torch.randn(1, 64, 56, 56)
a = torch.as_tensor(shortcut(x, 128, 2))
print(tuple(a.shape), tuple(b(x).shape), b.weight.numel())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.7: two wide layers, or a bottleneck
#
# With 50 layers or more, blocks are **bottlenecks**. On 28×28×256, a 1×1 reduces to 64
# channels, a 3×3 works on those, and another 1×1 restores 256.
#
# Count the weights (no biases, no norms) of two `wide` 3×3 layers from 256 to 256, and
# of the `bottleneck`. What is its `work`, in multiply-adds?

# %% slideshow={"slide_type": "-"}
answer("11.7", wide=blank(1179648), bottleneck=blank(69632), work=blank(54591488))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The bottleneck has a seventeenth of the weights and of the work: three layers for less
# than the price of one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.8: a bottleneck with its shortcut
#
# D1 channels come in and 4·D go out. The 3×3 has the stride, and the shortcut is remedy
# B with batch norm.


# %% slideshow={"slide_type": "-"}
@exercise("11.8")
class Bottleneck(nn.Module):
    def __init__(self, D1, D, stride):
        super().__init__()
        step, norm = {"stride": stride, "bias": False}, nn.BatchNorm2d
        self.down = nn.Sequential(nn.Conv2d(D1, D, 1, bias=False), norm(D))
        self.conv = nn.Sequential(nn.Conv2d(D, D, 3, padding=1, **step), norm(D))
        self.up = nn.Sequential(
            nn.Conv2d(D, blank(4 * D), kernel_size=blank(1), bias=False), norm(4 * D)
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(blank(D1), blank(4 * D), 1, **step), norm(4 * D)
        )

    def forward(self, x):
        out = functional.relu(self.conv(functional.relu(self.down(x))))
        return functional.relu(blank(self.up(out)) + blank(self.shortcut(x)))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole network
#
# A 7×7 convolution and max pooling bring 224×224 down to 56×56. Four stages of blocks
# follow, with 64, 128, 256 and 512 channels (four times as many after a bottleneck),
# then global average pooling and one dense layer.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### ResNet-34 to scale
#
# This one has 34 layers; ×3 means three blocks. **Predict:** from stage to stage, do
# the parameters grow? Does the work?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    table = layer_table(resnet(34), input_size=(3, 224, 224))
stages = ["stage 1", "stage 2", "stage 3", "stage 4"]
show_volumes(
    "ResNet-34",
    table,
    image=(3, 224, 224),
    names=["7×7", "pool", *stages, "mean", "dense"],
    blocks=r"stage\d_\d",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The parameters do. A block's work stays about the same, for half the side goes with
# twice the channels (lesson 08). Stage 3 does most of it because it has most blocks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.9: how deep is it?
#
# Depth counts the layers with weights along the longest path, but none in shortcuts.
# `blocks` says how many blocks each stage has, such as `[3, 4, 6, 3]`; each block has
# `layers` convolutions in a row.


# %% slideshow={"slide_type": "-"}
@exercise("11.9")
def depth(blocks, layers):
    """2 or 3 layers a block, and what stands outside the blocks."""
    return blank(layers) * blank(sum(blocks)) + blank(2)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five ResNets
#
# The lecture names 34, 50, 101 and 152 layers. `resnet(depth)` is our own, from
# `helpers`. **Predict:** how many more parameters do 50 layers have than 34?

# %% slideshow={"slide_type": "-"}
plans = [([2, 2, 2, 2], 2), ([3, 4, 6, 3], 2), ([3, 4, 6, 3], 3),
         ([3, 4, 23, 3], 3), ([3, 8, 36, 3], 3)]  # fmt: skip


# %% slideshow={"slide_type": "-"}
rows = []
for blocks, layers in plans:
    deep = depth(blocks, layers)
    with torch.device("meta"):  # no memory
        ours = sum(p.numel() for p in resnet(deep).parameters())
    # torchvision's own record of its trained weights; nothing is downloaded
    theirs = models.get_model_weights(f"resnet{deep}").DEFAULT.meta["num_params"]
    rows.append([str(blocks), layers, deep, ours, theirs])

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
head = ["blocks", "layers in each", "depth", "parameters", "torchvision"]
show_table(head, rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Even 152 layers have less than half of VGG-16's 138 million parameters, because there
# are no large dense layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same as torchvision's
#
# Ours is in `helpers/networks/resnet.py`. `state_dict()` gives a network's weights by
# name, and `load_state_dict` takes them in. With torchvision's weights (random ones
# here, because trained ones need a download) ours must give the same scores.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
theirs = models.resnet18().eval()
ours = resnet(18)
ours.load_state_dict(theirs.state_dict())
x = torch.randn(2, 3, 64, 64)  # any size: global average pooling
with torch.no_grad():
    off = (ours.eval()(x) - theirs(x)).abs().max().item()
print(f"off by {off:.1g} (the same scores: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bag of tricks: the start
#
# In the explorer, the gradient kept its size at one scale only. The numbers on their
# way forward do the same. An output adds up F·F·D1 products, and ReLU then sets about
# half of the outputs to zero. **Kaiming He's start** (lesson 08's `kaiming_normal_`; in
# the lecture, "Xavier/2") makes up for both: weights of variance 2/(F·F·D1).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.10: He's start
#
# What is the *standard deviation* of the weights of an F×F convolution on D1 channels?


# %% slideshow={"slide_type": "-"}
@exercise("11.10")
def he(F, D1):
    """Keeps the size of numbers from layer to layer, with ReLU."""
    return blank((2 / (F * F * D1)) ** 0.5)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Twenty layers from three starts
#
# Twenty 3×3 convolutions on 64 channels, each with a ReLU, without batch norm. How
# large are the numbers after each layer?
#
# **Predict:** with half of He's variance, how large are they after the last?


# %% slideshow={"slide_type": "-"}
def sizes(deviation, layers=20):
    """Root mean square after each layer."""
    torch.manual_seed(0)
    x, found = torch.randn(4, 64, 8, 8), []
    for _ in range(layers):
        x = functional.pad(x, (1, 1, 1, 1), mode="circular")  # no darker border
        x = functional.conv2d(x, deviation * torch.randn(64, 64, 3, 3)).relu()
        found.append(x.square().mean().sqrt().item())
    return found


# %% slideshow={"slide_type": "subslide"}
starts = {"He": sizes(he(3, 64)), "half its variance": sizes(he(3, 64) / 2**0.5),
          "0.01": sizes(0.01)}  # fmt: skip
for name, found in starts.items():
    gone, kept = yes_no(found[-1] < 1e-3), yes_no(0.2 < found[-1] < 5)
    print(f"{name}: {found[-1]:.1g} after 20 layers", end=" ")
    print(f"(below a thousandth: {gone}, within a factor of 5: {kept})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
figure, ax = plt.subplots(figsize=(8.4, 2.9))
for (name, found), style in zip(starts.items(), ("-", "--", "-.")):
    ax.semilogy(range(1, 21), found, style, label=name)
ax.set(xlabel="layer", ylabel="root mean square")
ax.set_xticks(range(2, 21, 2))
ax.legend()
show(
    figure,
    "Numbers' size after each of 20 layers, logarithmic. With He's start it stays near "
    "1; with half the variance it falls to a few ten-thousandths; with 0.01 below 10 "
    "to the −15.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bag of tricks: the rest
#
# - batch norm after every convolution; no dropout
# - SGD, momentum 0.9, batches of 256
# - learning rate 0.1, divided by 10 when the error stops falling
# - **weight decay** 1e-4: each step also shrinks each weight by the fraction learning
#   rate × decay
#
# **Predict:** which of these make a difference within 40 steps?


# %% slideshow={"slide_type": "-"}
def changed(kind, make, net):
    """The network with each layer of a kind replaced."""
    for module in list(net.modules()):
        # named_children(): the layers directly inside, each with its name
        for name, child in list(module.named_children()):
            if isinstance(child, kind):
                setattr(module, name, make(child))
    return net


# %% slideshow={"slide_type": "subslide"}
no_norm = changed(nn.BatchNorm2d, lambda norm: nn.Identity(), network(20))
own_start = changed(nn.Conv2d, lambda c: c.reset_parameters() or c, network(20))
drop = changed(nn.Linear, lambda last: nn.Sequential(nn.Dropout(), last), network(20))


# %% slideshow={"slide_type": "-"}
without = {
    "all as above (lr 0.02, batch 32)": runs[20, "residual"],
    "no batch norm": learn(no_norm),
    "PyTorch's start, not He's": learn(own_start),
    "no momentum": learn(network(20), momentum=0),
    "no weight decay": learn(network(20), decay=0),
    "learning rate 1": learn(network(20), lr=1),
    "divided by 10 at step 30": learn(network(20), divide=30),
    "batches of 256, same image count": learn(network(20), steps=5, size=256),
    "with dropout": learn(drop),
}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
last = {name: sum(losses[-5:]) / 5 for name, losses in without.items()}
show_table(
    [f"20 residual layers, {digits.name} (stand-in)", "loss at the end"],
    [[name, f"{v:.2f} (above 1.2: {yes_no(v > 1.2)})"] for name, v in last.items()],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Batch norm, momentum and a learning rate well below 1 make a difference at once.
# *Here* these make none: He's start, because after batch norm PyTorch's own does no
# worse; weight decay and dividing the rate, which pay off only in long runs. Dropout
# and large batches (fewer steps) slow this short run down.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much is 1e-4?
#
# The lecture gives the decay as 1e-5, the paper as 1e-4. Suppose that no gradient pulls
# on a weight for 100 000 steps, at a learning rate of 0.1. **Predict:** how much of it
# is left, with each decay?

# %% slideshow={"slide_type": "fragment"}
for decay in (1e-4, 1e-5):
    print(f"decay {decay:g}: {(1 - 0.1 * decay) ** 100_000:.0%} of it is left")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nine, or 0.9?
#
# With momentum m, a step is m times the step before, plus the new gradient. The
# lecture's transcript says "nine". **Predict:** the gradient is 1, twenty times in a
# row. How long is the last step with m = 0.9, and how long with m = 9?

# %% slideshow={"slide_type": "fragment"}
lengths = {}
for m in (0.9, 9):
    step = 0.0
    for _ in range(20):
        step = m * step + 1
    lengths[m] = step
    print(f"momentum {m}: the last step is {step:.2g} times the gradient")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With 0.9 a step never exceeds 1/(1 − 0.9) = 10 gradients. With m = 1 or more it grows
# without end. So 0.9 was meant, and the paper says so.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How to read an experimental section
#
# The lecture advises: find the settings there, or you will not reproduce the result.
# Five questions:
#
# 1. What is compared?
# 2. What is held fixed?
# 3. How many runs are behind a number?
# 4. On which images were the settings chosen?
# 5. What was done differently just once?
#
# **Predict** the answers for ResNet on CIFAR-10.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_table(
    ["question", "He and others 2015, section 4.2 (CIFAR-10)"],
    [
        ["compared", "plain and residual, 20 to 110 layers; residual with 1202"],
        ["fixed", "width and parameters of each pair; batches of 128; 64 000 steps;"],
        ["", "rate 0.1, ÷ 10 after 32 000 and 48 000; momentum 0.9; decay 1e-4"],
        ["runs", "five for residual 110; for the others, no number is stated"],
        ["chosen on", "45 000 images to train, 5000 to validate; not the test set"],
        ["just once", "110 layers: rate 0.01 for the first 400 steps or so"],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Only the schedule is said to come from that split. All numbers in table 6 are errors
# on the test set.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Best of five
#
# Table 6 gives one number for each depth, and two for 110 layers: the best of five
# runs, 6.43 %, and their mean and deviation, 6.61 ± 0.16.
#
# **Predict:** draw five runs from a bell curve with that mean and deviation. How good
# is the best of them, on average?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["residual layers", "20", "32", "44", "56", "110", "1202"],
    [["test error in %", 8.75, 7.51, 7.17, 6.97, "6.43 (6.61 ± 0.16)", 7.93]],
)

# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
runs_of_five = 6.61 + 0.16 * torch.randn(100_000, 5)
best = runs_of_five.min(dim=1).values.mean()
print(f"the best of five is {best:.2f} on average")
differ = (runs_of_five[:, 0] - runs_of_five[:, 1]).abs() > 0.2
print(f"two runs differ by over 0.2 in {differ.float().mean():.0%} of all pairs")

# %% [markdown] slideshow={"slide_type": "fragment"}
# So 6.43 is about what luck makes of five tries; expect 6.6 from a single run of your
# own. If the other depths vary as much, 44 against 56 layers, 0.2 apart, may be chance.
# A gap of over 2 points, as from 20 to 110 layers, is not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two names, one loss
#
# Softmax turns scores into probabilities, $p_k = e^{s_k} / \sum_j e^{s_j}$. The
# **cross-entropy** to the truth q is $-\sum_k q_k \log p_k$. The truth is certain: q is
# 1 for the right class y, and 0 for all others. One term remains,
#
# $$-\log p_y = \log \sum_j e^{s_j} - s_y$$
#
# and that is the **negative log-likelihood** of the label.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.11: cross-entropy from scores
#
# `exp()` raises e to each number, and `log()` undoes it. But e¹⁰⁰⁰ is infinite on a
# computer. Subtracting one number from all scores of an image changes no probability,
# so subtract the largest.


# %% slideshow={"slide_type": "-"}
@exercise("11.11")
def cross_entropy(scores, labels):
    """Mean of −log p_y over a batch: scores (N, C), labels (N,)."""
    scores = scores - blank(scores.max(dim=1, keepdim=True).values)
    right = scores[torch.arange(len(labels)), blank(labels)]
    return (blank(scores.exp().sum(dim=1).log()) - right).mean()


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
scores, truth = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
# log_softmax: log p of each class. nll_loss: the mean of minus the labels' log p.
for loss in (
    functional.cross_entropy(scores, truth),
    functional.nll_loss(functional.log_softmax(scores, dim=1), truth),
    cross_entropy(scores, truth),
):
    print(f"{float(loss):.3f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Lectured, computed, published

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
kept = [f"{(1 - 0.1 * d) ** 100_000:.0%} kept" for d in (1e-5, 1e-4)]
z = torch.linspace(-9, 9, 19, requires_grad=True)
slopes = torch.autograd.grad(z.relu().sum(), z)[0].unique().tolist()
slopes = " or ".join(f"{value:g}" for value in slopes)
worse = "loss stays above 1" if last["learning rate 1"] > 1 else "learns"
grows = "grows" if of56 > of20 else "vanishes"
show_table(
    ["", "lectured", "computed", "published", "why"],
    [
        ["weight decay", "1e-5", f"{kept[0]}; 1e-4: {kept[1]}", "1e-4", "misquoted"],
        ["learning rate", "1", worse, "0.1", "slip of the tongue"],
        ["momentum", "9", f"20 steps: {lengths[9]:.0e}", "0.9", "slip of the tongue"],
        ["slope of ReLU", "1 or more", slopes, "", "only weights exceed 1"],
        ["gradient, plain nets", "vanishes", f"{grows}, 56 layers",
         "unlikely to vanish", "batch norm, He's start"],
        ["clipping at 10", "each at 10", "one factor for all", "by norm",
         "direction stays"],
    ],
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What it won in 2015
#
# ResNet came first in five tracks: ImageNet classification (3.57 % top-5 error, six
# networks together), detection and localisation, COCO detection and segmentation.
#
# The lectures say it beat the second by 16, 27, 11 and 12 % in the last four.
# **Predict:** per cent of what?

# %% slideshow={"slide_type": "fragment"}
# ImageNet detection; mean average precision is a score from 0 to 100 (the best).
first, second = 62.07, 53.57
print(f"{first - second:.1f} points, or {first / second - 1:.0%} of the second's")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **ReLU before the addition.** F could only add, never take away.
# - **Shortcut forgotten, or added twice.** Each block adds x once.
# - **No projection.** Different shapes cannot be added.
# - **A bias before batch norm.** It is subtracted again.
# - **"It overfits."** Look at the training error first.
# - **Clipping each number** changes the direction.
# - **exp of large scores** is infinite.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("11", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Deep plain networks train badly: good weights exist, but are not found.
# - F(x) + x: copying is free, and gradients have a path of slope 1.
# - Shortcuts across stages, bottlenecks, depths up to 152.
# - Batch norm, He's start, momentum.
#
# Next: {next}. There you train one. Sources: He and others 2015,
# [ResNet](https://arxiv.org/abs/1512.03385) and
# [the start](https://arxiv.org/abs/1502.01852).
