# %% [markdown] slideshow={"slide_type": "slide"}
# # 11 ResNet
#
# More layers did harm, until a plus sign was added. Afterwards you can
#
# - say what goes wrong in deep plain networks, and measure it;
# - build a residual block, its shortcuts and its bottleneck;
# - start and train a deep network, and tell which tricks matter.
#
# About 90 minutes. You need: lessons 05, 09 and 10.

# %% [markdown] slideshow={"slide_type": "notes"}
# 85 minutes with the exercises, 45 without. All training together takes about six
# seconds. Let the audience vote before 20 against 56 layers. Lesson 12 shows long runs
# on real photographs.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torchvision import models

from helpers.authoring import blank
from helpers.data import load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import BLACK, BLUE, ORANGE, PALE_BLUE, PALE_ORANGE, Drawing
from helpers.exercises import answer, exercise, start
from helpers.networks import ResidualBlock, resnet
from helpers.networks.weights import he_initialise
from helpers.plots import show, show_lines, show_table
from lessons.l11_resnet.explorer import gradient_explorer, gradient_norms

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The puzzle
#
# In 2015 He and others took plain networks of 3×3 convolutions with batch norm, and
# made them deeper: 20, 32, 44, 56 layers.
#
# **Predict:** what happens to the *training* error?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_table(
    ["ImageNet, published", "18 layers", "34 layers"],
    [
        ["plain, top-1 error in %", 27.94, 28.54],
        ["residual, top-1 error in %", 27.88, 25.03],
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The deeper plain network is worse, and not in the test only: its error on the
# *training* images is higher, too, all the way through. On CIFAR-10 it is the same with
# 20 and 56 layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.1: overfitting or underfitting?
#
# Three large networks (made up). A small one has errors of 6 % in training and 8 % in
# the test. Which of the three does overfit, which underfit? Answer "over", "under" or
# "neither".

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
# Here is a proof. Take a shallow network that works. Put layers between its own that
# copy their input: now it is deep, and computes the same. So good weights *exist*.
#
# **Predict:** which 3×3 kernel copies?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
shallow = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
copies = []
for _ in range(36):
    copy = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    nn.init.dirac_(copy.weight)  # 1 in the middle, for its own channel; 0 elsewhere
    copies += [copy, nn.ReLU()]  # after a ReLU nothing is negative: it stays

# %% slideshow={"slide_type": "fragment"}
deep = nn.Sequential(*shallow, *copies)
x = torch.randn(2, 3, 7, 9)
off = (deep(x) - shallow(x)).abs().max().item()
print(f"off by {off:.1g} (37 layers, the same output: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# What shallow networks can do is part of what deep ones can. Training just does not
# *find* it. Why?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The way back
#
# Three layers of one neuron each: x₁ = σ(w₁x₀), x₂ = σ(w₂x₁), x₃ = σ(w₃x₂), with σ the
# **sigmoid** 1/(1 + e⁻ᶻ). How does x₃ change with x₀? By the chain rule
#
# $$\frac{\partial x_3}{\partial x_0} = \sigma'(w_3x_2)\,w_3 \cdot
# \sigma'(w_2x_1)\,w_2 \cdot \sigma'(w_1x_0)\,w_1$$
#
# A factor for each layer; and σ′ = σ·(1 − σ).

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
    "The sigmoid climbs from 0 to 1. Its slope is a low bell that peaks at 0 with a "
    "quarter, and is nearly 0 beyond 5 on both sides. ReLU's slope is 0, then 1.",
    "z",
    "",
)
print("largest slope of σ:", (s * (1 - s)).max().item())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.2: at most a quarter
#
# All weights are 1. At most how large is ∂x₃/∂x₀, after `three` sigmoids? And from how
# many `layers` on is it surely below a millionth?

# %% slideshow={"slide_type": "-"}
answer("11.2", three=blank(0.015625), layers=blank(10))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured
#
# Networks of 32 neurons a layer, weights as large as to keep the size of W·x that of x.
# What is left of the gradient, layer by layer, on its way back from the last?
#
# **Predict** the order of sigmoid, tanh and ReLU.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
left = {name: gradient_norms(30, name)[::-1] for name in ("ReLU", "tanh", "sigmoid")}
figure, ax = plt.subplots(figsize=(8.4, 2.6))
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
# A **vanishing gradient**: the first layers hardly learn. They stay at random.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The opposite
#
# Weights may also be large. ReLU's own slope is never above 1; the factors w are. With
# weights 2.5 times as large the gradient **explodes**:

# %% slideshow={"slide_type": "-"}
for scale in (1.0, 1.4, 2.5):
    norm = torch.tensor(gradient_norms(30, "ReLU", scale=scale)[0])
    print(f"scale {scale}: about 10 to the {round(norm.log10().item())}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# One step along such a gradient ruins all that was learned. A simple cure: **clip** it.
# When its norm is above 10, say, shrink it to 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.3: clip the gradients
#
# `gradients` is a list of tensors. Their common norm is the root of the sum of all
# squares. Where it is above `most`, all are shrunk by one factor, so that the direction
# stays.


# %% slideshow={"slide_type": "-"}
@exercise("11.3")
def clip(gradients, most):
    """The gradients, with a common norm of at most ``most``."""
    norm = sum(blank((g**2).sum()) for g in gradients) ** 0.5
    if norm > most:
        return [g * blank(most / norm) for g in gradients]
    return gradients


# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
layer = nn.Linear(5, 3)
for p in layer.parameters():
    p.grad = 20 * torch.randn(p.shape)
clipped = clip([p.grad.clone() for p in layer.parameters()], 10.0)
nn.utils.clip_grad_norm_(layer.parameters(), 10.0)
clipped = map(torch.as_tensor, clipped)
gaps = [(c - p.grad).abs().max().item() for c, p in zip(clipped, layer.parameters())]
print(f"off by {max(gaps):.1e} (as PyTorch does it: {yes_no(max(gaps) < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is that the answer to the puzzle?
#
# The networks of the puzzle have batch norm and ReLU after every convolution.
# **Predict:** does the gradient vanish in 56 such layers? Here they are narrow, for
# tiny images:

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
        *[ResidualBlock(16, 16, plain=plain) for _ in range(count)],
        *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)],
    )
    he_initialise(net)  # draws the starting weights; see below
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
# Not at all: with batch norm it rather grows. The authors looked at gradients, too, and
# think vanishing ones unlikely to be the cause. But good weights must be *found*. Is
# even copying hard?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Learning to copy
#
# Can two convolutions with a ReLU between them learn to put out what comes in?
# **Predict:** is it easier when x is added to what they put out?


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
# To copy, weights of an exact pattern must be found. To add *nothing*, zeros will do.
# So let the layers learn only what is to be changed, the **residual** F(x) = H(x) − x:
#
# $$H(x) = F(x) + x$$

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
drawing = Drawing(840, 168)
steps = ["conv 3×3", "batch norm", "ReLU", "conv 3×3", "batch norm"]
drawing.text(24, 118, "x", 20, bold=True)
for k, name in enumerate(steps):
    fill = PALE_BLUE if name.startswith("conv") else "#ffffff"
    drawing.arrow(36 + 122 * k, 118, 62 + 122 * k, 118, BLACK)
    drawing.rect(64 + 122 * k, 96, 92, 44, fill, BLACK)
    drawing.text(110 + 122 * k, 118, name, 14)
drawing.arrow(646, 118, 672, 118, BLACK)
drawing.rect(674, 104, 28, 28, PALE_ORANGE, BLACK)
drawing.text(688, 118, "+", 20, bold=True)
drawing.arrow(704, 118, 722, 118, BLACK)
drawing.rect(724, 96, 60, 44, "#ffffff", BLACK)
drawing.text(754, 118, "ReLU", 14)
drawing.arrow(786, 118, 814, 118, BLACK)
drawing.line([(48, 118), (48, 40), (688, 40)], ORANGE, 2)
drawing.arrow(688, 40, 688, 102, ORANGE)
drawing.text(368, 22, "shortcut: x as it is", 15)
drawing.text(354, 158, "F(x)", 15, bold=True)
show(drawing, "A residual block: x goes through convolution, batch norm, ReLU, "
     "convolution, batch norm, which is F(x). A line passes all five by; both meet in "
     "a plus, then comes a ReLU.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# Why around two layers? Around a linear one alone, Wx + x = (W + 1)x, would again be
# one linear layer. Three work as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.4: the gradient of a sum
#
# Three blocks in a row; each F has the slope ½. What is the slope of three `plain`
# ones, x → F(x)? Of three `residual` ones, x → x + F(x)? In how many different ways
# (`paths`) can one walk through these?

# %% slideshow={"slide_type": "-"}
answer("11.4", plain=blank(0.125), residual=blank(3.375), paths=blank(8))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each block has the slope 1 + F′. However small F′ is, there is the 1: a path on which
# nothing gets lost.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the gradient pass through the shortcut?
#
# The strictest test: all weights of F are zero, so that nothing can come through F.

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
# Here the whole way back. **Find**
#
# - the scale at which ReLU neither vanishes nor explodes;
# - what shortcuts do for 50 sigmoids;
# - what shortcuts do *not* cure.

# %% slideshow={"slide_type": "subslide"}
gradient_explorer(depth=20)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Sums grow from block to block, so gradients may still explode. Batch norm at the end
# of F keeps that in check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.5: the residual block
#
# As in the drawing. D channels in, D out, sides kept; no biases, for batch norm has its
# own.


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
# The same 20 or 56 layers, the same weights to start with, the same 40 steps on the
# same batches; with and without shortcuts.
#
# **Predict** the order of the four.


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
    ax.plot(range(5, 41), mean, style, color=colour, label=f"{kind}, {depth} layers")
ax.set(xlabel="step", ylabel="training loss", title=digits.title, ylim=(0, None))
ax.legend()
show(
    figure,
    "Training loss over 40 steps on scikit-learn digits, a stand-in. Plain with 56 "
    "layers stays at 2.2, where it began; plain with 20 falls a little; both residual "
    "networks fall below 1.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Seconds of training on tiny digits: a beginning, no proof. Lesson 12 shows long runs
# on real photographs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From stage to stage
#
# A ResNet has stages. From the second on, the first block of each halves the sides
# (stride 2) and doubles the channels. There F(x) and x do not fit. Two remedies:
#
# - **A**, for CIFAR-10: every second pixel of x, and zeros for new channels;
# - **B**, for ImageNet: a 1×1 convolution with stride 2.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.6: a shortcut that shrinks and widens
#
# Remedy A, which learns nothing. `functional.pad` counts from the last axis: (left,
# right, above, below, channels before, channels behind).


# %% slideshow={"slide_type": "-"}
@exercise("11.6")
def shortcut(x, channels, stride):
    """(N, C, H, W) → (N, channels, ⌈H/stride⌉, ⌈W/stride⌉)."""
    x = x[:, :, :: blank(stride), :: blank(stride)]
    return functional.pad(x, (0, 0, 0, 0, blank(0), blank(channels - x.shape[1])))


# %% [markdown] slideshow={"slide_type": "fragment"}
# Or B. **Predict** its parameters, from 64 to 128 channels.

# %% slideshow={"slide_type": "fragment"}
b = nn.Conv2d(64, 128, kernel_size=1, stride=2, bias=False)
x = torch.randn(1, 64, 56, 56)
a = torch.as_tensor(shortcut(x, 128, 2))
print(tuple(a.shape), tuple(b(x).shape), b.weight.numel())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.7: two wide layers, or a bottleneck
#
# From 50 layers on, blocks have a **bottleneck**: from 28×28×256 by 1×1 down to 64
# channels, 3×3 on those, by 1×1 up to 256.
#
# Count the weights (convolutions only, no biases) of two `wide` 3×3 layers from 256 to
# 256, and of the `bottleneck`; and its `work`, in multiply-adds.

# %% slideshow={"slide_type": "-"}
answer("11.7", wide=blank(1179648), bottleneck=blank(69632), work=blank(54591488))

# %% [markdown] slideshow={"slide_type": "fragment"}
# A seventeenth, in weights as in work: three layers for less than the price of one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.8: a bottleneck with its shortcut
#
# D1 channels come in, 4·D go out. The 3×3 has the stride; the shortcut is remedy B with
# batch norm.


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
# A 7×7 convolution and a max pool, from 224×224 to 56×56; four stages of blocks with
# 64, 128, 256, 512 channels (four times that behind a bottleneck); global average
# pooling; one dense layer.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
stages = [
    ("input", "3", "224×224"), ("7×7, pool", "64", "56×56"),
    ("stage 1", "64", "56×56"), ("stage 2", "128", "28×28"),
    ("stage 3", "256", "14×14"), ("stage 4", "512", "7×7"),
    ("mean", "512", ""), ("dense", "1000", ""),
]  # fmt: skip
drawing = Drawing(840, 120)
for k, (name, channels, size) in enumerate(stages):
    fill = PALE_BLUE if name.startswith("stage") else "#ffffff"
    drawing.rect(6 + 105 * k, 12, 84, 40, fill, BLACK)
    drawing.text(48 + 105 * k, 32, name, 14)
    drawing.text(48 + 105 * k, 72, channels, 15, bold=True)
    drawing.text(48 + 105 * k, 96, size, 14)
    if k < 7:
        drawing.arrow(91 + 105 * k, 32, 109 + 105 * k, 32, BLACK)
show(drawing, "ResNet with blocks of two: input 3×224×224; 7×7 and pool, 64×56×56; "
     "stage 1, 64×56×56; stage 2, 128×28×28; stage 3, 256×14×14; stage 4, 512×7×7; "
     "mean, 512; dense, 1000.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.9: how deep is it?
#
# Depth counts the layers with weights on the longest path, without those of shortcuts.
# `blocks` lists the blocks of each stage, such as `[3, 4, 6, 3]`; each has `layers`
# convolutions in a row.


# %% slideshow={"slide_type": "-"}
@exercise("11.9")
def depth(blocks, layers):
    """2 or 3 layers a block, and what stands outside the blocks."""
    return blank(layers) * blank(sum(blocks)) + blank(2)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five ResNets
#
# Lectured: 34, 50, 101, 152 layers. **Predict:** how many parameters more has 50 than
# 34?

# %% slideshow={"slide_type": "-"}
plans = [([2, 2, 2, 2], 2), ([3, 4, 6, 3], 2), ([3, 4, 6, 3], 3),
         ([3, 4, 23, 3], 3), ([3, 8, 36, 3], 3)]  # fmt: skip


# %% slideshow={"slide_type": "-"}
rows = []
for blocks, layers in plans:
    deep = depth(blocks, layers)
    with torch.device("meta"):  # no memory
        ours = sum(p.numel() for p in resnet(deep).parameters())
    theirs = models.get_model_weights(f"resnet{deep}").DEFAULT.meta["num_params"]
    rows.append([str(blocks), layers, deep, ours, theirs])

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
head = ["blocks", "layers in each", "depth", "parameters", "torchvision"]
show_table(head, rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# 152 layers have fewer than half of VGG-16's 138 million: no large dense layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same as torchvision's
#
# Ours stands in `helpers/networks/resnet.py`, on a page. It takes torchvision's weights
# (random ones here, for the trained need a download), and says the same.

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
# The gradient kept its size at one scale only. It is the same on the way forward: an
# output adds up F·F·D1 products, and ReLU sets half of them to zero. **He's start** (in
# the lecture: "Xavier/2") makes up for both: weights of variance 2/(F·F·D1).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.10: He's start
#
# The *standard deviation* of the weights of an F×F convolution on D1 channels.


# %% slideshow={"slide_type": "-"}
@exercise("11.10")
def he(F, D1):
    """Keeps the size of numbers from layer to layer, with ReLU."""
    return blank((2 / (F * F * D1)) ** 0.5)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured
#
# Twenty layers of 3×3 convolutions on 64 channels and ReLU, no batch norm. How large
# are the numbers behind each?


# %% slideshow={"slide_type": "-"}
def sizes(deviation, layers=20):
    """Root mean square behind each layer."""
    torch.manual_seed(0)
    x, found = torch.randn(4, 64, 8, 8), []
    for _ in range(layers):
        x = functional.pad(x, (1, 1, 1, 1), mode="circular")  # no darker border
        x = functional.conv2d(x, deviation * torch.randn(64, 64, 3, 3)).relu()
        found.append(x.square().mean().sqrt().item())
    return found


# %% slideshow={"slide_type": "fragment"}
starts = {"He": sizes(he(3, 64)), "half its variance": sizes(he(3, 64) / 2**0.5),
          "0.01": sizes(0.01)}  # fmt: skip
for name, found in starts.items():
    gone, kept = yes_no(found[-1] < 1e-3), yes_no(0.2 < found[-1] < 5)
    print(f"{name}: {found[-1]:.1g} behind 20 layers", end=" ")
    print(f"(below a thousandth: {gone}, within a factor of 5: {kept})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(8.4, 2.9))
for (name, found), style in zip(starts.items(), ("-", "--", "-.")):
    ax.semilogy(range(1, 21), found, style, label=name)
ax.set(xlabel="layer", ylabel="root mean square")
ax.set_xticks(range(2, 21, 2))
ax.legend()
show(
    figure,
    "Size of the numbers behind 20 layers, logarithmic. With He's start it stays near "
    "1; with half the variance it falls to a few ten-thousandths; with 0.01 below 10 "
    "to the −15.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bag of tricks: the rest
#
# - batch norm after every convolution; no dropout
# - SGD, momentum 0.9, batches of 256
# - learning rate 0.1, divided by 10 when the error stops falling
# - **weight decay** 1e-4: each step also shrinks each weight by learning rate × decay
#
# **Predict:** which do you miss within 40 steps?


# %% slideshow={"slide_type": "-"}
def changed(kind, make, net):
    """The network with each layer of a kind replaced."""
    for module in list(net.modules()):
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
    "batches of 256, as many images": learn(network(20), steps=5, size=256),
    "with dropout": learn(drop),
}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
last = {name: sum(losses[-5:]) / 5 for name, losses in without.items()}
show_table(
    [f"20 residual layers, {digits.name} (stand-in)", "loss at the end"],
    [[name, f"{v:.2f} (above 1.2: {yes_no(v > 1.2)})"] for name, v in last.items()],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Missed at once: batch norm, momentum, a learning rate well below 1. Not missed *here*:
# He's start, for with batch norm PyTorch's does no worse; weight decay and the
# division, which need long runs. Dropout and large batches (fewer steps) slow this
# short run.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much is 1e-4?
#
# The lecture says a decay of 1e-5. A weight that no gradient pulls at, after 100 000
# steps with learning rate 0.1:

# %% slideshow={"slide_type": "-"}
for decay in (1e-4, 1e-5):
    print(f"decay {decay:g}: {(1 - 0.1 * decay) ** 100_000:.0%} of it is left")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two names, one loss
#
# Softmax makes probabilities of scores, $p_k = e^{s_k} / \sum_j e^{s_j}$. The
# **cross-entropy** to the truth q is $-\sum_k q_k \log p_k$. The truth is sure: q is 1
# for the right class y, and 0 for the others. One term remains,
#
# $$-\log p_y = \log \sum_j e^{s_j} - s_y$$
#
# and that is the **negative log-likelihood** of the label.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 11.11: cross-entropy from scores
#
# e¹⁰⁰⁰ is infinite on a computer. Taking one number off all scores of an image changes
# no probability: take off the largest.


# %% slideshow={"slide_type": "-"}
@exercise("11.11")
def cross_entropy(scores, labels):
    """Mean of −log p_y over a batch: scores (N, C), labels (N,)."""
    scores = scores - blank(scores.max(dim=1, keepdim=True).values)
    right = scores[torch.arange(len(labels)), blank(labels)]
    return (blank(scores.exp().sum(dim=1).log()) - right).mean()


# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
scores, truth = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
for loss in (
    functional.cross_entropy(scores, truth),
    functional.nll_loss(functional.log_softmax(scores, dim=1), truth),
    cross_entropy(scores, truth),
):
    print(f"{float(loss):.3f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What was said, and what computes

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
kept = [f"{(1 - 0.1 * d) ** 100_000:.0%} kept" for d in (1e-5, 1e-4)]
slope = torch.linspace(-9, 9, 19, requires_grad=True)
steepest = torch.autograd.grad(slope.relu().sum(), slope)[0].max().item()
worse = "loss stays above 1" if last["learning rate 1"] > 1 else "learns"
grows = "grows" if of56 > of20 else "vanishes"
show_table(
    ["", "lectured", "computed", "published", "why"],
    [
        ["weight decay", "1e-5", f"{kept[0]}; 1e-4: {kept[1]}", "1e-4", "misquoted"],
        ["learning rate", "1", worse, "0.1", "slip of the tongue"],
        ["momentum", "9", "above 1, steps grow", "0.9", "slip of the tongue"],
        ["slope of ReLU", "1 or more", f"at most {steepest:g}", "", "weights explode"],
        ["plain nets fail", "vanishing", f"{grows}, 56 layers", "unlikely",
         "batch norm, He"],
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
# Lectured: better than the second by 16, 27, 11 and 12 % in the last four.
# **Predict:** percent of what?

# %% slideshow={"slide_type": "fragment"}
first, second = 62.07, 53.57  # mean average precision, ImageNet detection
print(f"points: {first - second:.1f}, of the second's: {first / second - 1:.0%}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **ReLU before the addition.** F could only add, never take away.
# - **Shortcut forgotten, or added twice.** Once a block.
# - **No projection.** Other channels or sides cannot be added.
# - **A bias before batch norm.** Subtracted again.
# - **"It overfits."** Look at the training error first.
# - **Clipping each number.** That turns the gradient.
# - **exp of large scores.** Infinite.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Deep plain networks train badly: good weights exist, and are not found.
# - F(x) + x: copying is free, and gradients have a path of slope 1.
# - Shortcuts across stages, bottlenecks, depths up to 152.
# - Batch norm, He's start, momentum.
#
# Next: {next}. You train one. Sources: He and others 2015,
# [ResNet](https://arxiv.org/abs/1512.03385) and
# [the start](https://arxiv.org/abs/1502.01852).
