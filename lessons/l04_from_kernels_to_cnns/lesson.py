# %% [markdown] slideshow={"slide_type": "slide"}
# # 04 From kernels to CNNs
#
# So far people chose the kernels. Here they are learned. After this lesson you can
#
# - recover a kernel by gradient descent;
# - train a network from labels, and say what each line of the loop does;
# - count what a convolution saves over a dense layer;
# - compute receptive fields;
# - write a convolution as a matrix, and go back through it.
#
# About 90 minutes. You need: lesson 03.

# %% [markdown] slideshow={"slide_type": "notes"}
# 90 minutes with the exercises, 40 without. The negative control is worth a pause: ask
# how one would notice that nothing was learned. Do the single weight and the three
# scores on the board. Draw the receptive field there, too, before you show its picture.
# Then let the students play with the stride in the explorer.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.convolution import conv2d, output_size
from helpers.data import Batches, crop, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images, show_lines, show_table
from lessons.l04_from_kernels_to_cnns.explorer import field_explorer
from lessons.l04_from_kernels_to_cnns.explorer import draw_layers, windows
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who chooses the nine numbers?
#
# In lesson 02 somebody knew that a −8 with ones around it finds edges. Suppose nobody
# did. All we have is pictures, and what the unknown kernel made of them.
#
# **Predict:** can its nine numbers be found from that?

# %% slideshow={"slide_type": "-"}
device = best_device()  # the GPU, if there is one: lesson 06 explains `.to(device)`
edges = torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]]).to(device)
# A Generator started with manual_seed draws the same random numbers every time.
generator = torch.Generator().manual_seed(4)
images = torch.randn(20, 1, 8, 8, generator=generator).to(device)  # (N, C, H, W)
# [None, None] makes the kernel one filter of depth 1, (3, 3) → (1, 1, 3, 3).
wanted = functional.conv2d(images, edges[None, None])  # (20, 1, 6, 6)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Start somewhere, and measure the error
#
# Take any kernel, say nine zeros. Its outputs are wrong, but by how much? Square the
# differences, so that they cannot cancel each other, and take their mean.


# %% slideshow={"slide_type": "-"}
def error(kernel, wanted):
    """Mean squared difference between the kernel's outputs and the wanted ones."""
    outputs = functional.conv2d(images, kernel[None, None])
    return (outputs - wanted).square().mean()


# %% slideshow={"slide_type": "-"}
zeros = torch.zeros_like(edges)  # zeros_like: same shape, same device, all zeros
wrong = error(zeros, wanted)
print(f"the right kernel: {error(edges, wanted):.1f}")
print(f"zeros: {wrong:.1f} (above 50: {yes_no(wrong > 50)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One weight, by hand
#
# What does an error do when a weight grows a little? Try it with a single weight:
# w = 1, which ought to turn 2 into 6. Its squared error is (2w − 6)² = 16.
#
# **Predict:** let w grow by 0.01. Does the error rise or fall? By how much for each
# unit that w grows?


# %% slideshow={"slide_type": "-"}
def squared_error(w):
    return (2 * w - 6) ** 2


# %% slideshow={"slide_type": "fragment"}
change = squared_error(1.01) - squared_error(1.0)
print(f"{change:.4f}, that is {change / 0.01:.2f} for each unit")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It falls. The smaller the step, the closer that number comes to −16, the slope at
# w = 1. This slope is called the **gradient**. If it is negative, the error falls as w
# grows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## PyTorch takes notes
#
# With `requires_grad=True`, PyTorch notes down whatever is computed from w. `backward`
# then works through the notes from the end, the error, back to w, and leaves the slope
# in `w.grad`.
#
# **Predict:** go from w to w − 0.1 · gradient. What is the error there?

# %% slideshow={"slide_type": "-"}
w = torch.tensor(1.0, requires_grad=True)
squared_error(w).backward()
print("gradient:", w.grad.item())

# %% slideshow={"slide_type": "fragment"}
moved_w = 1 - 0.1 * w.grad.item()
print(f"w = {moved_w:.1f}: error {squared_error(moved_w):.2f} instead of 16")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which way is down?
#
# A kernel has nine weights, so its gradient is nine numbers. Each says what the error
# does when that weight grows a little: it grows as well (+), or it shrinks (−).
#
# **Predict** the nine signs for a kernel of zeros, knowing where we want to go.

# %% slideshow={"slide_type": "-"}
kernel = zeros.clone().requires_grad_()  # clone copies; requires_grad_: take notes
error(kernel, wanted).backward()
signs = kernel.grad.sign()  # sign: −1, 0 or 1
print(signs.cpu())  # cpu: a copy in the CPU's memory, which prints alike everywhere

# %% [markdown] slideshow={"slide_type": "fragment"}
# If the centre grew, so would the error: the centre must shrink, and the others must
# grow. That is the way to −8 with ones around it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.1: one step downhill
#
# Move every weight a little so that the error gets smaller. The rate says how little.


# %% slideshow={"slide_type": "-"}
@exercise("04.1")
def step(kernel, gradient, rate):
    """The kernel after one step of gradient descent."""
    return blank(kernel - rate * gradient)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A hundred steps
#
# The way down bends, so ask for the gradient again after every step.


# %% slideshow={"slide_type": "-"}
def learn(wanted, steps=100, rate=0.1):
    """All kernels on the way from zeros, the first and the last included."""
    kernels = [zeros]
    for _ in range(steps):
        kernel = kernels[-1].clone().requires_grad_()
        error(kernel, wanted).backward()
        # detach: the same numbers, without the notes
        kernels.append(step(kernel.detach(), kernel.grad, rate))
    return kernels


# %% slideshow={"slide_type": "-"}
kernels = learn(wanted)
off = (kernels[-1] - edges).abs().max().item()
print(f"largest error of a weight {off:.1e} (below 0.01: {yes_no(off < 0.01)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Watch it converge

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {
        f"{k} step{'s' * (k != 1)}": [[f"{v + 0.0:.1f}" for v in row] for row in rows]
        for k, rows in ((k, kernels[k].tolist()) for k in (0, 1, 4, 16, 100))
    },
    alt="The kernel at five moments. All zeros at first; after 1 step the centre is "
    "negative and the rest slightly positive; after 4 and 16 steps it comes ever "
    "closer; after 100 steps it is 1 everywhere and −8 in the centre.",
    side=48,
    lit={f"{k} step{'s' * (k != 1)}": [(1, 1)] for k in (0, 1, 4, 16, 100)},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nobody told it that edges are the point. The pictures and their outputs were enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Or was it bound to work?
#
# A check that cannot fail proves nothing. So give each picture the output of *another*
# picture, and learn again.
#
# **Predict:** what happens to the error?

# %% slideshow={"slide_type": "-"}
mixed_up = wanted.roll(1, dims=0)  # roll: all outputs move on by one picture
fooled = learn(mixed_up)
for name, kernel, goal in (
    ("its own outputs", kernels[-1], wanted),
    ("mixed up", fooled[-1], mixed_up),
):
    left = error(kernel, goal) / error(zeros, goal)
    much, none = yes_no(left > 0.9), yes_no(left < 1e-6)
    print(f"{name}: {left:.2g} of the error left (above 0.9: {much}, all gone: {none})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_lines(
    range(41),
    {
        "each picture its own output": [error(k, wanted).item() for k in kernels[:41]],
        "outputs mixed up": [error(k, mixed_up).item() for k in fooled[:41]],
    },
    alt="Error over 40 steps: with the right outputs it falls to zero within 20 steps; "
    "with outputs mixed up it stays almost where it began.",
    xlabel="step",
    ylabel="mean squared error",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# No kernel turns these pictures into those outputs. There is nothing to find, and
# nothing is found.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gradients add up
#
# The gradient of our single weight was −16, and it is still there, in `w.grad`.
#
# **Predict:** what will be there after `backward` is called once more?

# %% slideshow={"slide_type": "fragment"}
squared_error(w).backward()
print("gradient:", w.grad.item())

# %% [markdown] slideshow={"slide_type": "fragment"}
# `backward` *adds* to what is there. In `learn` nobody noticed, because every step made
# a new kernel. A network keeps its weights, so before each step the old gradients must
# be forgotten.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Let an optimizer take the steps
#
# Networks are trained by this same loop, so PyTorch has its parts ready. `SGD`, from
# `torch.optim`, is an **optimizer**: it holds the weights and the learning rate, `lr`.
# Its `zero_grad` forgets the gradients of all the weights, and its `step` does what
# yours does, to each of them.
#
# **Predict:** does it find the same kernel?

# %% slideshow={"slide_type": "-"}
kernel = zeros.clone().requires_grad_()
optimizer = torch.optim.SGD([kernel], lr=0.1)
for _ in range(100):
    optimizer.zero_grad()
    error(kernel, wanted).backward()
    optimizer.step()  # changes `kernel` itself: kernel - 0.1 * kernel.grad

# %% slideshow={"slide_type": "fragment"}
off = (kernel - kernels[-1]).abs().max().item()
print(f"they differ by {off:.1e} (the same kernel: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A harder task: name the digit
#
# Usually nobody has the wanted *maps*. What people have is pictures, and a **label**
# for each: what it shows. Here are handwritten digits, each moved by up to two pixels
# on a black square of 12×12.

# %% slideshow={"slide_type": "-"}
data = load("digits", device)  # load gives data.train to learn from, and data.test


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def moved(split, seed):
    """The split's digits, each somewhere on 12×12 pixels."""
    black = data.pad_value  # one number for each channel
    centred = functional.pad(split.images, [2, 2, 2, 2], value=black.item())
    generator = torch.Generator().manual_seed(seed)
    top, left = torch.randint(5, (2, len(centred)), generator=generator).to(device)
    return crop(centred, top, left, black, padding=2)


# %% slideshow={"slide_type": "-"}
train_images, test_images = moved(data.train, 1), moved(data.test, 2)
train_labels, test_labels = data.train.labels, data.test.labels  # (N,), from 0 to 9
print(tuple(train_images.shape), tuple(test_images.shape))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
show_images(
    {str(c): train_images[train_labels == c][0, 0] for c in range(10)},
    alt="Ten handwritten digits of only a few pixels, each in a different place on a "
    "black square, with its class above it.",
    columns=5,
    height=1.9,
)
print(data.title)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A score for each class
#
# A classifier gives each of the ten classes a **score**, and the highest one wins. The
# simplest classifier takes, for each class, a weighted sum of all 144 pixels and adds
# one more number, the **bias**.
#
# - `nn.Flatten` turns each picture into one row of 144 numbers.
# - `nn.Linear(144, 10)` makes ten weighted sums of them.
# - `nn.Sequential` hands the output of each layer to the next.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)  # the weights start at random, the same every time
network = nn.Sequential(nn.Flatten(), nn.Linear(144, 10)).to(device)
print(tuple(network(test_images).shape))  # (N, 10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How often is it right?
#
# **Predict:** this network has learned nothing yet. How often is it right?


# %% slideshow={"slide_type": "-"}
def accuracy(network, images, labels):
    """The share of the images for which the right class has the highest score."""
    guesses = network(images).argmax(dim=1)  # (N,); argmax: where the largest stands
    return (guesses == labels).float().mean().item()  # float: right is 1, wrong is 0


# %% slideshow={"slide_type": "fragment"}
untrained = accuracy(network, test_images, test_labels)
print(f"test accuracy {untrained:.1%} (above 20 %: {yes_no(untrained > 0.2)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# About as often as a guess, one time in ten.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From scores to probabilities
#
# A score may be any number. **Softmax** turns scores into probabilities: raise e to the
# power of each, then divide these powers by their sum, so that they add up to 1.
#
# **Predict:** three classes with scores 2, 1 and 0. Does the last one get anything?

# %% slideshow={"slide_type": "-"}
scores = torch.tensor([2.0, 1, 0])
powers = scores.exp()  # exp: e to the power of each
probabilities = powers / powers.sum()

# %% slideshow={"slide_type": "fragment"}
for name, numbers in {"powers": powers, "probabilities": probabilities}.items():
    print(name, [round(v, 2) for v in numbers.tolist()])

# %% [markdown] slideshow={"slide_type": "fragment"}
# By hand: 7.39 + 2.72 + 1 = 11.11, and 7.39/11.11 = 0.67. Each power is e times as
# large as the next. None is ever 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How wrong is a guess?
#
# The **cross-entropy** is −log of the probability that the *right* class got. It is 0
# if that class got a probability of 1, and the less the class got, the larger it is.
#
# **Predict:** is it worse if class 1 was the right one, or class 2?

# %% slideshow={"slide_type": "fragment"}
for label in range(3):
    cost = -probabilities[label].log()  # log: the natural logarithm
    print(f"if class {label} is right: {cost:.2f}")

# %% slideshow={"slide_type": "fragment"}
# cross_entropy takes scores (N, classes) and labels (N,); it does the softmax itself.
cost = functional.cross_entropy(scores[None], torch.tensor([2]))
print(f"by PyTorch, if class 2 is right: {cost:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not count the mistakes?
#
# That is what we care about, after all. **Predict:** a weight grows a little. How does
# the number of mistakes change? How does the cross-entropy?

# %% slideshow={"slide_type": "fragment"}
for first in (2.0, 2.01):
    scores = torch.tensor([[first, 1, 0]])
    cost = functional.cross_entropy(scores, torch.tensor([2]))
    mistakes = int(scores.argmax() != 2)
    print(f"first score {first}: {mistakes} mistake, cross-entropy {cost:.3f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The number of mistakes nearly always stays the same, so its slope is 0 and shows no
# way down. The cross-entropy feels the smallest change.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A few pictures at a time
#
# The error to bring down, called the **loss**, is the mean cross-entropy. Must each
# step look at all 1438 pictures? No. Take 64 of them, a **mini-batch**, then the next
# 64, until all have had their turn: that is one **epoch**.
#
# `Batches` shuffles the pictures and deals them out. As chance decides which pictures
# share a batch, this is **stochastic** gradient descent, the S of SGD.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loop that trains a network
#
# Only `parameters()` is new here: it lists a network's weights and biases.


# %% slideshow={"slide_type": "-"}
def train(network, images, labels, epochs=24, batch_size=64):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2)
    batches = Batches(images, labels, batch_size)
    for _ in range(epochs):
        for some, their_labels in batches:
            loss = functional.cross_entropy(network(some), their_labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


# %% [markdown] slideshow={"slide_type": "slide"}
# ## One good step, or 23 rough ones?
#
# Train for one epoch, twice from the same start: first in a single step, with a
# gradient from all 1438 pictures; then in 23 steps, each with a gradient from at most
# 64. Both look at every picture once.
#
# **Predict:** after which of the two is the loss lower?

# %% slideshow={"slide_type": "-"}
losses = []
for size in (1438, 64):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 10)).to(device)
    train(network, train_images, train_labels, epochs=1, batch_size=size)
    losses.append(functional.cross_entropy(network(train_images), train_labels).item())

# %% slideshow={"slide_type": "fragment"}
single, many = losses
lower = yes_no(many < single - 0.05)
print(f"one step {single:.2f}, 23 steps {many:.2f} (lower: {lower})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# 64 pictures show the way down well enough, and a step takes about a 22nd of the work.
# So the same work buys 23 steps instead of one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Raw pixels
#
# First the classifier that we have: weighted sums of pixels.
#
# **Predict:** guessing is right one time in ten. How often is this classifier right,
# once it is trained?


# %% slideshow={"slide_type": "-"}
def tested(network):
    """Train it, and return its accuracy on digits it has not seen."""
    train(network.to(device), train_images, train_labels)
    return accuracy(network, test_images, test_labels)


# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
pixels = tested(nn.Sequential(nn.Flatten(), nn.Linear(144, 10)))
above = f"above 20 %: {yes_no(pixels > 0.2)}, above 50 %: {yes_no(pixels > 0.5)}"
print(f"test accuracy {pixels:.1%} ({above})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Better than guessing, and still poor. A pixel that belongs to the 3 today belongs to
# nothing once the 3 has moved.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. Hand-made features
#
# So describe the picture first: where are its edges, and which way do they run? Three
# kernels from lesson 02 and their negatives give six maps, and the same kind of
# classifier gets these instead of pixels.

# %% slideshow={"slide_type": "-"}
vertical = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
three = torch.stack([vertical, vertical.T, edges.cpu()])  # (3, 3, 3)
six = torch.cat([three, -three])[:, None] / 8  # cat joins; [:, None]: (6, 1, 3, 3)


# %% slideshow={"slide_type": "-"}
def hand_made():
    """Six kernels that stay as they are."""
    layer = nn.Conv2d(1, 6, kernel_size=3, bias=False)  # 12×12 → 10×10
    # A layer keeps its weights as an nn.Parameter; these are not to be learned.
    layer.weight = nn.Parameter(six, requires_grad=False)
    return layer


# %% slideshow={"slide_type": "subslide"}
def classifier():
    """A score for each class from six maps of 10×10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(6 * 10 * 10, 10))


# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
linear = tested(nn.Sequential(hand_made(), classifier()))
better = yes_no(linear > pixels + 0.1)
print(f"edges {linear:.1%}, pixels {pixels:.1%} (better by over 10 points: {better})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# No better at all. **Why?** A map is a weighted sum of pixels, and a score is a
# weighted sum of maps. So a score is still a weighted sum of pixels: for all our
# edges, nothing has changed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A bend in between
#
# A map should say "an edge is here", or nothing. **ReLU** does that: it keeps what is
# positive and turns the rest to zero. It comes as a function, `functional.relu`, and as
# a layer, `nn.ReLU`. (Hence the negative kernels: an edge from bright to dark, which is
# lost in one map, is kept in the other.)

# %% slideshow={"slide_type": "-"}
print(functional.relu(torch.tensor([-3.0, -1, 0, 2])).tolist())

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
by_hand = tested(nn.Sequential(hand_made(), nn.ReLU(), classifier()))
better = yes_no(by_hand > pixels + 0.1)
print(f"edges {by_hand:.1%}, pixels {pixels:.1%} (better by over 10 points: {better})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# For years this was the art: features designed by hand, followed by a plain classifier.
# (Two famous ones, SIFT and HOG, describe which way edges run around a point.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. Learned kernels
#
# Why stop there? The loss depends on the kernels just as it depends on the
# classifier's weights, so let both go downhill. Again there are six kernels of 3×3, but
# this time nobody chose them.
#
# **Predict:** better or worse than ours?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(1, 6, kernel_size=3), nn.ReLU(), classifier())
learned = tested(network)
better = yes_no(learned > by_hand)
print(f"learned {learned:.1%}, hand-made {by_hand:.1%} (learned is better: {better})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_images(
    {f"kernel {k + 1}": weight for k, weight in enumerate(network[0].weight[:, 0])},
    alt="The six learned kernels in orange and purple: positive weights on one side, "
    "negative ones on another, like edge detectors, only less tidy.",
    signed=True,
    height=1.7,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. Layers of kernels
#
# Maps are pictures too, with depth 6. So convolve them again: corners from edges,
# shapes from corners. **Several layers of learned kernels, then a classifier, all
# learned together: that is a CNN, a convolutional neural network.**

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
cnn = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=3),  # 12×12 → 10×10×6
    nn.ReLU(),
    nn.Conv2d(6, 12, kernel_size=3),  # → 8×8×12
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(12 * 8 * 8, 10),
)

# %% slideshow={"slide_type": "-"}
layered = tested(cnn)
better = yes_no(layered > learned)
print(f"two layers {layered:.1%}, one {learned:.1%} (two are better: {better})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
rungs = ["raw pixels", "edges, no ReLU", "edges", "learned kernels", "two layers"]
reached = [pixels, linear, by_hand, learned, layered]
figure, ax = plt.subplots(figsize=(8.4, 3.0))
ax.bar_label(ax.barh(rungs, reached), fmt="{:.0%}", padding=4)
ax.invert_yaxis()
ax.grid(axis="y", visible=False)
ax.set(xlabel="test accuracy", xlim=(0, 1), title=f"{data.title}, moved")
show(
    figure,
    alt="Test accuracy in five bars: raw pixels and edges without ReLU are lowest and "
    "about equal, then hand-made edges, learned kernels and, highest, two layers.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is this not just a neural network?
#
# It is one, with most of its connections cut. Take a digit of 4×4 pixels. In a
# **dense** layer, such as `nn.Linear`, all sixteen pixels feed every output.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
numbers = [[str(4 * i + j + 1) for j in range(4)] for i in range(4)]
everything = [(i, j) for i in range(4) for j in range(4)]
maps = [[f"h{i}{j}".translate(str.maketrans("123", "₁₂₃")) for j in (1, 2, 3)]
        for i in (1, 2, 3)]  # fmt: skip
show_grids(
    {"dense": numbers, "its output": maps},
    alt="Dense: pixels 1 to 16 in a 4×4 grid, all of them tinted, and nine outputs in "
    "a 3×3 grid from h 11 to h 33, with h 11 tinted.",
    side=33,
    lit={"dense": everything, "its output": [(0, 0)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** now a 2×2 kernel makes the outputs. How many pixels feed h₁₁?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_grids(
    {"2×2 kernel": numbers, "its output": maps},
    alt="2×2 kernel: only the pixels 1, 2, 5 and 6 are tinted; again h 11 is tinted in "
    "the output.",
    side=33,
    lit={"2×2 kernel": [(0, 0), (0, 1), (1, 0), (1, 1)], "its output": [(0, 0)]},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Only four. Neighbouring pixels make a stroke; pixels far apart rarely do. Leaving out
# the connections to all the others is called **sparse connectivity**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.2: who feeds h₂₃?
#
# The same pixels and the same kernel; h₂₃ is in the second row and the third column of
# the output. Write a set, such as `{1, 2, 5, 6}` for h₁₁.

# %% slideshow={"slide_type": "-"}
answer("04.2", pixels=blank({7, 8, 11, 12}))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every line is a weight
#
# Sixteen pixels below, nine outputs above, all joined to all, as in a dense layer:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
x = [str(k + 1) for k in range(16)]
h = [name for row in maps for name in row]
dense = [(k, i) for i in range(9) for k in range(16)]
show(
    draw_layers([x, h], [dense], unit=0, gap=96),
    alt="Dense: each of the nine outputs is joined to all sixteen pixels by 144 lines; "
    "the sixteen of h 11 are lit.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict:** which of these lines are left when every output sees only its window of
# 2×2 pixels?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
sparse = [
    (4 * (i + a) + j + b, 3 * i + j)
    for i in range(3)
    for j in range(3)
    for a in (0, 1)
    for b in (0, 1)
]
show(
    draw_layers([x, h], [sparse], unit=0, gap=96),
    alt="Convolution: each output is joined to four pixels only, 36 lines in all; h 11 "
    "to pixels 1, 2, 5 and 6, which are lit.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.3: count the weights
#
# From 4×4 pixels to 3×3 outputs, without biases: how many weights do these have?
#
# - `dense`: a dense layer;
# - `local`: windows of 2×2, each place with a kernel of its own;
# - `shared`: windows of 2×2, with one kernel for all places.

# %% slideshow={"slide_type": "-"}
answer("04.3", dense=blank(144), local=blank(36), shared=blank(4))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In larger pictures
#
# Now a 5×5 kernel makes one map. **Predict:** how many weights does each of the three
# need for 224×224 pixels?

# %% slideshow={"slide_type": "-"}
rows = []
for W1 in (4, 28, 224):
    F = 2 if W1 == 4 else 5
    W2 = output_size(W1, F)  # output_size: your formula from lesson 03
    rows.append([f"{W1}×{W1}", F, W1**2 * W2**2, W2**2 * F**2, F**2])
show_table(["pixels", "F", "dense", "local", "shared"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A dense layer's number of weights grows with the fourth power of the width. A shared
# kernel's does not grow at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is something lost?
#
# Take five pixels in a row, $x_1$ to $x_5$, and a kernel of 3. No output of layer 1
# sees both $x_1$ and $x_5$.
#
# **Predict:** can the two ever meet?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
five = windows(5, F=3, P=1, W1=5)
show(
    draw_layers(
        [[f"{name}{n}" for n in "₁₂₃₄₅"] for name in "xhg"],
        [five, five],
        unit=2,
        width=560,
    ),
    alt="Three rows of five dots, x below, h above it, g on top; each dot sees up to "
    "three below it. From g 3 the lit lines lead to h 2, h 3 and h 4, and from these "
    "to all of x 1 to x 5.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Yes, in layer 2: $g_3$ sees $h_2$, $h_3$ and $h_4$, and through them all five. What an
# output sees of the input is its **receptive field**.
#
# (After Goodfellow et al. 2016, figure 9.4.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.4: receptive fields by hand
#
# Count along one side, with stride 1. How many pixels does one output see after three
# layers of F = 3? After two of F = 5? And how many layers of F = 3 does it take to see
# 11?

# %% slideshow={"slide_type": "-"}
answer("04.4", three_of_3=blank(7), two_of_5=blank(9), layers_for_11=blank(5))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Strides make long steps
#
# After a layer of stride 2, neighbouring values are two pixels apart, so one step in
# the next layer is two pixels long. After another stride of 2 it is four.
#
# For example, F = 5 with S = 2 sees 1 + 4·1 = 5 pixels. F = 3 after it adds two steps
# of two pixels: 5 + 2·2 = 9.

# %% [markdown] slideshow={"slide_type": "fragment"}
# So keep two numbers: the field so far, and the length of a step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.5: the receptive field of any stack


# %% slideshow={"slide_type": "-"}
@exercise("04.5")
def receptive_field(layers):
    """Pixels from the first to the last one seen; layers (F, S), from the input on."""
    field, step = 1, 1
    for F, S in layers:
        field += blank((F - 1) * step)
        step *= blank(S)
    return field


# %% slideshow={"slide_type": "fragment"}
print("three of F = 3:", receptive_field([(3, 1)] * 3))
print("the same, stride 2:", receptive_field([(3, 2)] * 3))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# Each row is a layer, and each dot stands above the middle of what it sees. **Find**
# the smallest number of layers with which one output sees all 31 inputs, and a setting
# in which some input is seen by nobody.

# %% slideshow={"slide_type": "subslide"}
field_explorer(depth=2, F=3, S=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# All 31 inputs: four layers of F = 3 with S = 2. An input that nobody sees: any S above
# F skips some, and where the last step does not fit, the last inputs are left out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One kernel for all places?
#
# A stroke on the left looks like a stroke on the right. Why learn to see it twice?
# **Weight sharing** means one kernel, used everywhere.
#
# Here is a test. Which way does the stroke run: does it rise or fall? It is 3 pixels
# wide, so it fits at six places along a row. Training shows it at the left three only.


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def strokes(count, columns, seed):
    """Noise with a rising (1) or falling (0) stroke of 3×3 in one of the columns."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.15 * torch.randn(count, 1, 8, 8, generator=generator)
    labels = torch.randint(2, (count,), generator=generator)
    falling = torch.eye(3)
    for image, label in zip(images, labels):
        i = torch.randint(6, (), generator=generator)
        j = torch.randint(*columns, (), generator=generator)
        image[0, i : i + 3, j : j + 3] += falling.flip(1) if label else falling
    return images.to(device), labels.to(device)


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
left, right = strokes(500, (0, 3), seed=1), strokes(500, (3, 6), seed=2)
examples = {}
for title, (pictures, labels) in {"train": left, "test": right}.items():
    for k in range(3):
        way = "rising" if labels[k] else "falling"
        examples[f"{title} {k + 1}: {way}"] = pictures[k, 0]
show_images(
    examples,
    alt="Three training pictures of 8×8 pixels with a short diagonal stroke on the "
    "left, and three test pictures with one further right, in weak noise.",
    columns=3,
    height=2.0,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same network, with and without sharing
#
# Each class has a map, and its score is the sum of that map, after ReLU. Only the
# weights differ: a kernel for each of the 36 places, or one for all.
#
# PyTorch has no layer with a kernel for each place, so we write one, as a Python
# `class`, a blueprint for networks. `__init__` runs when one is built, an
# `nn.Parameter` is learned, and `forward` says what is computed.


# %% slideshow={"slide_type": "-"}
class Strokes(nn.Module):
    def __init__(self, kernels):
        super().__init__()  # let PyTorch's nn.Module prepare it first
        self.weight = nn.Parameter(0.3 * torch.randn(2, kernels, 9))

    def forward(self, images):  # (N, 1, 8, 8)
        # unfold cuts out every 3×3 window, (N, 9, 36); transpose swaps axes 1 and 2
        pieces = functional.unfold(images, 3).transpose(1, 2)  # (N, 36, 9)
        # [:, None]: the same pieces for both classes, (N, 1, 36, 9)
        maps = (pieces[:, None] * self.weight).sum(dim=-1)  # (N, 2, 36)
        return functional.relu(maps).sum(dim=-1)  # (N, 2)


# %% slideshow={"slide_type": "subslide"}
torch.manual_seed(0)
shared = train(Strokes(1).to(device), *left)
own = train(Strokes(36).to(device), *left)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which one copes on the right?
#
# **Predict** for each network: how often is its answer correct on the left, where it
# was trained, and how often on the right?

# %% slideshow={"slide_type": "-"}
again = strokes(500, (0, 3), seed=3)  # new pictures, old places
for name, network in {"shared": shared, "own kernels": own}.items():
    weights = network.weight.numel()  # numel: the number of elements
    here, there = accuracy(network, *again), accuracy(network, *right)
    print(f"{name} ({weights} weights):", end=" ")
    print(f"left {here:.1%} (above 90 %: {yes_no(here > 0.9)})", end=", ")
    much = f"above 70 %: {yes_no(there > 0.7)}, above 90 %: {yes_no(there > 0.9)}"
    print(f"right {there:.1%} ({much})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Both know the left. On the right, the network with its own kernel for each place is
# hardly better than a guess, as its kernels there have never met a whole stroke. To a
# shared kernel the right side is nothing new, and its network has a 36th of the
# weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Shift equivariance
#
# This has a name. Move the picture and then convolve it, or convolve it and then move
# the map: if both give the same, the layer is **equivariant** to shifts.


# %% slideshow={"slide_type": "-"}
def shift(image):
    """One pixel to the right: the last column falls out, zeros come in."""
    return functional.pad(image, [1, -1])  # pad: one column added left, one cut right


# %% slideshow={"slide_type": "-"}
digit = data.test.images[0, 0] - data.pad_value  # so that black becomes 0
digit = functional.pad(digit, [3] * 4)  # three more on all four sides
for padding in (0, 1):
    moved_first = conv2d(shift(digit), edges, padding)
    moved_last = shift(conv2d(digit, edges, padding))
    off = (moved_first - moved_last).abs().max().item()
    print(f"padding {padding}: off by {off:.1e} (the same: {yes_no(off < 1e-5)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Except at the border
#
# That digit has black all round it. **Predict:** what if something is lit right up to
# the border, and the border is padded with zeros? Here every pixel is 1.

# %% slideshow={"slide_type": "-"}
ones = torch.ones(5, 5).to(device)
moved_first = conv2d(shift(ones), edges, padding=1)
moved_last = shift(conv2d(ones, edges, padding=1))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
different = (moved_first != moved_last).nonzero().tolist()
show_grids(
    {"shift, convolve": moved_first, "convolve, shift": moved_last},
    alt="Two grids of 5×5 outputs. They are equal but for the first and the last "
    "column, which are tinted.",
    lit={
        name: [(i, j) for i, j in different]
        for name in ("shift, convolve", "convolve, shift")
    },
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# They differ at both borders. On the right, the column that was pushed out can no
# longer be seen. On the left, a column of zeros has come in: into the picture in one
# case, into the map in the other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.6: does the output move along?
#
# A digit in the middle of black moves right by one pixel. Does the output move right by
# one pixel too, and stay the same otherwise? Answer `True` or `False`:
#
# - `relu`: a shared 3×3 kernel, followed by ReLU;
# - `two_layers`: two such layers;
# - `own_kernels`: a kernel of its own at each place;
# - `stride_2`: a shared kernel with stride 2.

# %% slideshow={"slide_type": "-"}
answer(
    "04.6",
    relu=blank(True),
    two_layers=blank(True),
    own_kernels=blank(False),
    stride_2=blank(False),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How is it trained?
#
# Going back from the error to every weight, as `backward` does, is called
# **back-propagation**. It was made for dense layers, each of which multiplies a vector
# by a matrix. Can a convolution be written like that, too? Flatten the input to nine
# numbers, b to j, and the output to four:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {
        "input": ["bcd", "efg", "hij"],
        "kernel": ["wx", "yz"],
        "output": ["ℓm", "no"],
        "input, flattened": ["bcdefghij"],
    },
    alt="Input: three rows of letters b c d, e f g, h i j. Kernel: w x above y z. "
    "Output: ℓ m above n o. The flattened input is one row, b to j.",
    side=36,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# ℓ = bw + cx + ey + fz. Written as a row of nine weights, one for each of b to j, this
# is `wx0yz0000`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.7: rows of the matrix
#
# Write the rows of m and n in the same way, in quotes: `"wx0yz0000"`.

# %% slideshow={"slide_type": "-"}
answer(
    "04.7",
    row_m=blank("0wx0yz000"),
    row_n=blank("000wx0yz0"),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.8: build the matrix
#
# The matrix has one row for each output and one column for each pixel. Outputs and
# pixels are both counted row by row.


# %% slideshow={"slide_type": "-"}
@exercise("04.8")
def conv_matrix(kernel, H1, W1):
    """The matrix that convolves a flattened image."""
    m, n = kernel.shape
    H2, W2 = H1 - m + 1, W1 - n + 1
    matrix = torch.zeros(H2 * W2, H1 * W1)
    for i in range(H2):
        for j in range(W2):
            for a in range(m):
                for b in range(n):
                    row, column = i * blank(W2) + j, blank((i + a) * W1 + j + b)
                    matrix[row, column] = kernel[a, b]
    return matrix


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four by nine

# %% slideshow={"slide_type": "-"}
small = torch.tensor([[1.0, 2], [3, 4]])
matrix = torch.as_tensor(conv_matrix(small, 3, 3))  # (4, 9)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_grids(
    {"kernel": small, "matrix": matrix},
    alt="The kernel 1 2, 3 4, and its matrix of four rows and nine columns. The "
    "weights, tinted, are the only entries that are not zero: four in each row, moved "
    "right by 0, 1, 3 and 4 columns.",
    lit={"matrix": matrix.nonzero().tolist()},
)

# %% slideshow={"slide_type": "fragment"}
image = torch.arange(9.0).view(3, 3)
outputs = (matrix @ image.flatten()).view(2, 2)  # @: matrix times vector
same = torch.equal(outputs, conv2d(image, small))  # equal: every number is the same
print("the same as conv2d:", yes_no(same))
print("zeros:", (matrix == 0).sum().item(), "of", matrix.numel())

# %% [markdown] slideshow={"slide_type": "fragment"}
# So it is a dense layer. Most of its weights are zero (sparse), and each of the others
# comes four times (shared).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 04.9: back through the matrix
#
# From the layers above comes g, which says how the error grows with each output. Pixel
# k reaches output r through the weight M[r, k]. How does the error grow with each
# pixel?


# %% slideshow={"slide_type": "-"}
@exercise("04.9")
def input_gradient(matrix, g):
    """The gradient of the inputs, from g, that of the outputs M·x."""
    return blank(matrix.T @ g)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Against autograd
#
# PyTorch has never heard of our matrix. Does its **autograd**, the machinery behind
# `backward`, go back the same way?

# %% slideshow={"slide_type": "-"}
x, w = image.clone().requires_grad_(), small.clone().requires_grad_()
g = torch.tensor([[1.0, -2], [0.5, 3]])  # say this came from above: start from it
functional.conv2d(x[None, None], w[None, None])[0, 0].backward(g)

ours = torch.as_tensor(input_gradient(matrix, g.flatten())).view(3, 3)
print("pixels' gradients equal:", yes_no(torch.equal(ours, x.grad)))
print("weights' gradients equal:", yes_no(torch.equal(conv2d(image, g), w.grad)))

# %% [markdown] slideshow={"slide_type": "fragment"}
# A shared weight collects the gradients from all its places, and their sum is a
# convolution again, of the image with g. Nothing new is needed: **back-propagation
# applies unchanged**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Going uphill.** The gradient points up, so subtract it.
# - **No ReLU.** One linear layer after another is still a single linear layer.
# - **Counting places as weights.** A shared kernel counts once.
# - **A receptive field of 3 + 3.** After two layers of F = 3 it is 5: windows overlap.
# - **Counting a layer's own stride.** It widens only what comes after it.
# - **Equivariant taken for invariant.** The map moves along; it does not stay the same.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("04", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Kernels are learned as any other weight is: gradient, step, and again.
# - With labels, the loss is the cross-entropy, and each step looks at a mini-batch.
# - A convolution is a dense layer, sparse and with shared weights.
# - Depth and stride widen the receptive field.
# - Move the picture, and the map moves along.
#
# Next: {next}. The map moves along, but a 3 is a 3 wherever it
# stands.
