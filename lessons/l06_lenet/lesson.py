# %% [markdown] slideshow={"slide_type": "slide"}
# # 06 LeNet
#
# A whole network at last, and a famous one: LeNet-5 read the digits on cheques in 1998.
# After this lesson you can
#
# - count a network's weights and multiplications by hand;
# - build it, train it on a CPU or a GPU, and look inside;
# - say what momentum does to a step, and dropout to a layer.
#
# About 105 minutes. You need: lessons 03 to 05.

# %% [markdown] slideshow={"slide_type": "notes"}
# 105 minutes with the exercises, 40 without. The table by hand is worth its time: give
# each part of the audience one row. Training takes a few seconds with the stand-in for
# MNIST, and some four minutes with MNIST itself on two cores: run those cells
# beforehand.

# %% slideshow={"slide_type": "skip"}
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from helpers.authoring import blank
from helpers.convolution import output_size
from helpers.counting import layer_table
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import BLACK, PALE_BLUE, PALE_GREEN, Drawing
from helpers.exercises import answer, exercise, start
from helpers.plots import show, show_grids, show_images, show_table
from helpers.training import divide_at, evaluate, fit
from lessons.l06_lenet.explorer import map_explorer
from lessons.look_back import look_back
from lessons.volumes import show_volumes

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From 32×32 pixels to ten scores
#
# Convolve, pool, convolve, pool: the maps get smaller, and there are more of them. What
# is left goes through three dense layers, and the digit with the highest score is the
# answer.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
stages = [  # name, maps, side; a dense layer has no side
    ("input", 1, 32), ("C1", 6, 28), ("S2", 6, 14), ("C3", 16, 10), ("S4", 16, 5),
    ("C5", 120, 0), ("F6", 84, 0), ("output", 10, 0),
]  # fmt: skip
drawing, x = Drawing(840, 202), 12
for name, maps, side in stages:
    depth, size = (min(maps, 8), 2.6 * side) if side else (1, 0)
    for k in reversed(range(depth)):
        drawing.rect(x + 3 * k, 88 - size / 2 - 3 * k, size, size, PALE_BLUE, BLACK)
    if not side:
        drawing.rect(x + 14, 88 - maps / 2, 12, maps, PALE_GREEN, BLACK)
    width = max(size + 3 * depth, 44)
    drawing.text(x + width / 2, 168, name, 15, bold=True)
    drawing.text(x + width / 2, 189, f"{maps}×{side}×{side}" if side else str(maps), 13)
    x += width + 40
    if name != "output":
        drawing.arrow(x - 34, 88, x - 8, 88, BLACK)
show(drawing, "LeNet-5 as a row of stages: input 1×32×32, C1 6×28×28, S2 6×14×14, C3 "
     "16×10×10, S4 16×5×5, then dense layers of 120, 84 and 10.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# C stands for a convolution, S for pooling ("subsampling"), F for a dense layer
# ("fully connected"). C5 is dense as well: a convolution whose kernel covers all of S4
# is just that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.1: C1 by hand
#
# The input is 32×32×1, and C1 has K = 6 filters with F = 5, S = 1 and P = 0. How wide
# is the output? How many weights are learned, and how many biases?

# %% slideshow={"slide_type": "-"}
answer("06.1", W2=blank(28), weights=blank(150), biases=blank(6))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The lecture says 150 parameters, because it counts only weights. With its biases,
# PyTorch's layer has 156.

# %% slideshow={"slide_type": "fragment"}
c1 = nn.Conv2d(1, 6, kernel_size=5)
print([(tuple(p.shape), p.numel()) for p in c1.parameters()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.2: parameters of a convolution
#
# Count the weights and biases of K filters of F×F, on an input of depth D1. Notice what
# does *not* matter: the size of the image.


# %% slideshow={"slide_type": "-"}
@exercise("06.2")
def conv_parameters(D1, K, F):
    """What a convolution layer learns, biases included."""
    return blank(K * (F * F * D1 + 1))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pooling, and its stride
#
# S2 takes the mean of each 2×2 window. As we build it, it learns nothing: 0 parameters.
# The lecture's slide says F = 2, S = 1, and an output of 14×14.
#
# **Predict:** can that be?

# %% slideshow={"slide_type": "-"}
show_table(
    ["", "lectured", "computed", "why"],
    [
        ["stride of S2, S4", "1", "2", "windows side by side: half the width"],
        ["S2 from 28, S = 1", "14", output_size(28, F=2, S=1), "2×2 fits 27 times"],
        ["S2 from 28, S = 2", "", output_size(28, F=2, S=2), "every second place"],
        ["C1", "150", conv_parameters(1, 6, 5), "the lecture leaves biases out"],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pooling in 1998
#
# The paper's S2 does learn. A unit adds up its four inputs, multiplies the sum by a
# **trainable coefficient**, adds a **trainable bias**, and bends the result. All units
# of a map share the same two numbers.
#
# **Predict:** how many parameters does that make in S2, which has 6 maps? And in S4,
# which has 16?
#
# (LeCun et al. 1998, section II.B.)

# %% slideshow={"slide_type": "-"}
window, coefficient, bias = torch.tensor([1.0, 4, 5, 8]), 1 / 4, 0
print(f"one unit: {coefficient * window.sum() + bias}, the mean of the four")

# %% slideshow={"slide_type": "fragment"}
pooling_1998 = {name: 2 * maps for name, maps in (("S2", 6), ("S4", 16))}
print("parameters:", pooling_1998)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Our S2 is theirs with the coefficient held at 1/4 and the bias at 0, and without the
# bend.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.3: the rest of the table
#
# Now weights and biases together. C5 takes S4, which is 16×5×5, flattened. A dense
# layer has one weight for each pair of an input and an output, and one bias for each
# output.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["layer", "input", "output", "in the lecture: weights only"],
    [
        ["C3", "6×14×14", "16×10×10", 2400],
        ["C5", "16×5×5", "120", 48000],
        ["F6", "120", "84", 10080],
        ["output", "84", "10", 840],
    ],
)

# %% slideshow={"slide_type": "-"}
answer("06.3", C3=blank(2416), C5=blank(48120), F6=blank(10164), output=blank(850))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## C3 in 1998
#
# The paper's C3 has 1516 parameters, not 2416, because its maps do not see all of S2.
# That saved work, and it forced the maps to differ. A dot means that this map of C3
# (column) sees that map of S2 (row).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
steps = [(0, 1, 2)] * 6 + [(0, 1, 2, 3)] * 6 + [(0, 1, 3, 4)] * 3 + [range(6)]
connections = [sorted((k + s) % 6 for s in step) for k, step in enumerate(steps)]
dots = [["●" if m in seen else "" for seen in connections] for m in range(6)]
tinted = [(m, k) for k, seen in enumerate(connections) for m in seen]
show_grids(
    {"6 maps of S2 (down), 16 of C3 (across)": dots},
    alt="Six rows, sixteen columns. Columns 0 to 5 have three dots in a column, "
    "6 to 11 have four, 12 to 14 have two pairs with a gap, the last has all six.",
    side=30,
    lit={"6 maps of S2 (down), 16 of C3 (across)": tinted},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Six maps see 3 neighbours, six see 4, three see two pairs, and one sees all 6.
# Neighbours go round in a ring: after map 5 comes map 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.4: C3 as in 1998
#
# `table` lists, for each map of C3, which maps of S2 it sees, such as `[0, 1, 2]`. A
# map has one kernel of F×F for each map that it sees, and one bias in all.


# %% slideshow={"slide_type": "-"}
@exercise("06.4")
def partly_connected(table, F):
    """Parameters of a convolution whose maps see only some of the input's."""
    return sum(blank(F * F * len(seen) + 1) for seen in table)


# %% slideshow={"slide_type": "fragment"}
print("by the table:", partly_connected(connections, F=5))
print("by hand:     ", 6 * (25 * 3 + 1) + 9 * (25 * 4 + 1) + 1 * (25 * 6 + 1))
print("all see all: ", partly_connected([range(6)] * 16, F=5))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole network of 1998
#
# **Predict:** with its own S2, C3 and S4, does it have more parameters than ours, or
# fewer?

# %% slideshow={"slide_type": "fragment"}
c3 = partly_connected(connections, F=5)
by_layer = {"C1": 156, "C3": c3, "C5": 48120, "F6": 10164, **pooling_1998}
print("1998:", by_layer, "together", sum(by_layer.values()))
print("ours:", 156 + 2416 + 48120 + 10164 + 850)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Exactly the 60 000 of the paper. Its output layer adds nothing: it compares F6 with
# ten patterns that were drawn by hand and, at least at first, kept fixed.
#
# (LeCun et al. 1998, section II.B.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Parameters are not work
#
# A filter uses its weights again at every place where it stands. A dense layer uses
# each of its weights once for an image. So count the multiplications. Each of them
# comes with an addition, hence the name **multiply-adds**.
#
# **Predict:** which takes more work, C1 with its 150 weights, or C5 with 48 000?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.5: multiply-adds
#
# How many does one image take in C1, whose output is 6×28×28? And in C5, which has 400
# inputs and 120 outputs?

# %% slideshow={"slide_type": "-"}
answer("06.5", C1=blank(117600), C5=blank(48000))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Build it
#
# As in lesson 04, `nn.Sequential` hands the output of each layer to the next, and
# `nn.Flatten` makes one row of each image, here 16×5×5 → 400.
#
# One layer is new: `nn.Tanh` squeezes each number into −1 … 1. It is the bend here,
# as ReLU was there: without one between them, two linear layers are no more than one.
#
# **Predict:** what does it make of −9, −1, 0, 1 and 9?

# %% slideshow={"slide_type": "fragment"}
print([round(v, 2) for v in nn.Tanh()(torch.tensor([-9.0, -1, 0, 1, 9])).tolist()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.6: build LeNet-5
#
# Any network that does the same job is right, whatever its layers are called. The check
# gives your network the weights of its own LeNet-5; the scores must then be the same.


# %% slideshow={"slide_type": "-"}
@exercise("06.6")
def lenet5():
    """From (N, 1, 32, 32) to ten scores, (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(blank(1), blank(6), kernel_size=blank(5)),  # (N, 6, 28, 28)
        nn.Tanh(),
        nn.AvgPool2d(blank(2)),  # (N, 6, 14, 14); the stride is the window
        nn.Conv2d(blank(6), blank(16), kernel_size=blank(5)),  # (N, 16, 10, 10)
        nn.Tanh(),
        nn.AvgPool2d(2),  # (N, 16, 5, 5)
        nn.Flatten(),
        nn.Linear(blank(16 * 5 * 5), blank(120)),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(blank(84), blank(10)),
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The table, by code
#
# `layer_table` sends an image without contents through a network, and notes the output
# and the cost of each layer. Does it agree with what you counted by hand?

# %% slideshow={"slide_type": "-"}
table = layer_table(lenet5(), input_size=(1, 32, 32))
table.counted().show()  # without layers that cost nothing
print("parameters:", table.parameters)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Layers are numbered from 0. Those that are missing are tanh, pooling and flattening:
# they are layers, too, but with nothing to count.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who has the parameters, and who does the work?
#
# **Predict:** what part of the parameters do the two convolutions have? What part of
# the work do they do?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_volumes(
    "LeNet-5",
    table,
    image=(1, 32, 32),
    names=["C1", "S2", "C3", "S4", "C5", "F6", "output"],
)

# %% slideshow={"slide_type": "subslide"}
convolutions = [row for row in table.rows if row.type == "Conv2d"]
parameters = sum(row.parameters for row in convolutions) / table.parameters
work = sum(row.multiply_adds for row in convolutions) / table.multiply_adds
print(f"convolutions: {parameters:.1%} of the parameters, {work:.1%} of the work")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The digits
#
# LeNet-5 learned from MNIST, which has 60 000 digits to learn from and 10 000 to test
# with. If you have downloaded it (type `make data` in a terminal, in the course's
# folder), here it is. If not, the smaller digits of lesson 04 **stand in** for it.

# %% slideshow={"slide_type": "-"}
device = best_device()  # the GPU, if there is one, else the CPU
digits = load("mnist", device, size=32)
print(digits.title)
for name, part in (("to learn from", digits.train), ("for testing  ", digits.test)):
    print(name, tuple(part.images.shape))  # (N, C, H, W)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
firsts = [int((digits.train.labels == k).nonzero()[0]) for k in range(10)]
show_images(
    {str(k): digits.train.images[i, 0] for k, i in enumerate(firsts)},
    alt=f"Ten handwritten digits, white on black, 0 to 9: {digits.title}.",
    columns=10,
    height=1.3,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two memories
#
# A GPU has a memory of its own and computes only with what lies there. The same goes
# for the CPU. `load` has put the digits on `device`, but networks are built on the CPU.
#
# **Predict:** if `device` is a GPU, which line fails?
#
# 1. `network = lenet5()`
# 2. `images = digits.train.images[:64]`
# 3. `scores = network(images)`

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last one, because the images are on the GPU and the weights are not. You can see
# this on any computer, with the device "meta", whose tensors have a shape but no
# numbers:

# %% slideshow={"slide_type": "fragment"} tags=["nbval-ignore-output"]
# Not compared: the words of the error change from one PyTorch to the next.
try:
    lenet5().to("meta")(torch.zeros(1, 1, 32, 32))  # the image is on the CPU
except RuntimeError as error:
    print(error)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three messages
#
# On an NVIDIA GPU, which PyTorch calls "cuda", such errors read like this.
# **Predict** for each: what was left on the CPU?
#
# 1. `Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be
#    the same`
# 2. `Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be
#    the same`
# 3. `Expected all tensors to be on the same device, but got target is on cpu, different
#    from other tensors on cuda:0`

# %% [markdown] slideshow={"slide_type": "fragment"}
# 1: the images. 2: the network, to which the weights belong. 3: the labels, which the
# loss calls `target`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three things to move
#
# The network has to be moved once. Images and labels have to be moved batch by batch,
# unless the whole data set lies on the device already, as it does here. `.to(device)`
# moves all three.
#
# **Predict:** after these lines, what lies on "meta"?

# %% slideshow={"slide_type": "-"}
network, image = lenet5(), torch.zeros(1, 1, 32, 32)
for each in (network, image):
    each.to("meta")

# %% slideshow={"slide_type": "fragment"}
# is_meta: does it lie there?
print("the network:", yes_no(network[0].weight.is_meta))
print("the image:", yes_no(image.is_meta))

# %% [markdown] slideshow={"slide_type": "fragment"}
# `to` moves the network itself. Of a tensor it makes a copy, and you have to give that
# a name: `images = images.to(device)`. What is there already is not copied again, so
# the same lines work on a computer without a GPU.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How wrong is it?
#
# As in lesson 04: softmax turns the ten scores into probabilities, and the
# **cross-entropy** is −log of the one that the right digit got. It is near 0 when the
# network is sure and right, and large when it is sure and wrong.
#
# **Predict:** what is it before any learning, when the network has no reason yet to
# prefer one of the ten digits?

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
network = lenet5().to(device)
scores = network(digits.train.images[:100])  # (100, 10)
loss = functional.cross_entropy(scores, digits.train.labels[:100])
print(f"loss {loss.item():.1f}, and -log(1/10) = {-torch.tensor(0.1).log():.1f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step
#
# Take a batch of images, and move every weight a little, so that the loss gets smaller.
# You have met the three parts in lesson 04:
#
# - `loss.backward` computes the gradient of each weight, and *adds* it to what is
#   there;
# - `optimizer.zero_grad` forgets the gradients;
# - `optimizer.step` moves each weight against its gradient.
#
# **Predict:** which orders work, and why do the others fail?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.7: one step


# %% slideshow={"slide_type": "-"}
@exercise("06.7")
def learn(network, images, labels, optimizer):
    """One step on one batch; returns the loss."""
    loss = functional.cross_entropy(blank(network(images)), labels)
    blank(optimizer.zero_grad)()
    blank(loss.backward)()
    blank(optimizer.step)()
    return loss.item()


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many steps
#
# One pass through all batches is an **epoch**. How many epochs now, how many more
# later, and how large a batch? That depends on the data. Change the numbers as you
# like.

# %% slideshow={"slide_type": "-"}
first, more, size = (3, 10, 32) if digits.stand_in else (1, 10, 64)

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
network = lenet5().to(device)  # the same start on every device: built, then moved
optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
train = Batches(*digits.train, batch_size=size)
start = time.perf_counter()
for _ in range(first):
    losses = [learn(network, images, labels, optimizer) for images, labels in train]
seconds = (time.perf_counter() - start) / first
print(f"{len(train)} steps in an epoch, which took about {seconds:.1f} s")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Move first, then make the optimizer, which holds on to the parameters that it was
# given. On some devices, moving makes new parameters, and the optimizer would go on
# changing the old ones: no error, and a loss that stays at 2.3.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## How often is it right?
#
# On digits that the network has never seen, how often does the right class get the
# highest score?

# %% slideshow={"slide_type": "-"}
with torch.no_grad():  # no_grad: take no notes; only learning needs gradients
    guesses = network(digits.test.images).argmax(dim=1)  # (N,)
accuracy = (guesses == digits.test.labels).float().mean().item()
lower = yes_no(losses[-1] < 2)
print(f"the last loss {losses[-1]:.2f} (the first was 2.3, now below 2: {lower})")
print(f"test accuracy {accuracy:.1%} (above 75 %: {yes_no(accuracy > 0.75)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A hundred times as fast?
#
# A large GPU multiplies and adds perhaps a hundred times as fast as a laptop's CPU.
#
# **Predict:** does it train LeNet-5 a hundred times as fast?

# %% slideshow={"slide_type": "fragment"}
# 64 images: once forwards, and once backwards, at twice the work of going forwards.
work = (1 + 2) * 64 * table.multiply_adds
computing = work / 5e12  # seconds, at 5 trillion multiply-adds a second
starting = 50 * 5e-6  # some 50 commands, at 5 millionths of a second each
print(f"one step: computing {1e6 * computing:.0f} µs, starting {1e6 * starting:.0f} µs")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Far from it. Each layer is a command to the GPU, and every command takes some time to
# start, however little there is to do. LeNet-5 is so small that the GPU mostly waits
# for the next command. Larger networks and larger batches gain more.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## What else makes it wait
#
# - **Copies.** Numbers travel far more slowly between the two memories than within
#   one. If there is room, move a data set once, as a whole.
# - **Looking.** The CPU gives its commands without waiting for the GPU. But `.item()`
#   and `print` need a result, and wait for it.
#
# `learn` calls `.item()` after each step. Does it have to?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Momentum
#
# A ball that rolls downhill does not stop and think at every point: it keeps most of
# its speed. With **momentum** 0.9, each step is nine tenths of the step before, plus
# the new gradient times the rate.
#
# **Predict:** how long do the steps become if the gradient is always 1? And if it is 1
# and −1 in turn?


# %% slideshow={"slide_type": "-"}
def steps_downhill(gradients, rate=0.1, momentum=0.9):
    taken, last = [], 0
    for gradient in gradients:
        last = momentum * last + rate * gradient
        taken.append(round(last, 2))
    return taken


# %% slideshow={"slide_type": "fragment"}
print("always 1:     ", steps_downhill([1, 1, 1, 1, 1, 1]))
print("1, −1 in turn:", steps_downhill([1, -1, 1, -1, 1, -1]))
print("after 100 ones:", steps_downhill([1] * 100)[-1])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Where gradients agree, the steps grow, up to ten times as long: 0.1/(1 − 0.9) = 1.
# Where they contradict each other, nothing builds up. `torch.optim.SGD` does this for
# every weight if you add `momentum=0.9`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same loop, ready-made
#
# - `fit` is the loop, with a history of the loss. On a GPU it reads the loss only every
#   fifty steps.
# - `divide_at` makes a schedule: after the epochs that it names, the learning rate is
#   divided by ten. Long steps find the valley, short ones its floor.
# - `evaluate` tests a network: loss and accuracy over all batches.

# %% slideshow={"slide_type": "-"}
test = Batches(*digits.test, batch_size=1000, shuffle=False)
optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
schedule = divide_at(round(0.6 * more), round(0.8 * more))
print(f"{more} epochs: about {more * seconds:.0f} s")

# %% slideshow={"slide_type": "-"}
bar = not digits.stand_in  # a progress bar, where it takes longer
history = fit(network, train, test, more, optimizer, schedule, progress=bar)
learned, accuracy = history.rows[-1].train_accuracy, evaluate(network, test).accuracy
better = yes_no(learned > accuracy)
print(f"test accuracy {accuracy:.2%} (above 95 %: {yes_no(accuracy > 0.95)})")
print(f"in training {learned:.2%} (better than on the test images: {better})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
history.plot(
    "Loss and accuracy, epoch by epoch. In training the loss falls to nearly 0 and the "
    "accuracy climbs to nearly 100 %; on the test images they end a little behind, the "
    f"accuracy above 95 %. Data: {digits.title}.",
    title=digits.title,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Training accuracy ends near 100 %, and test accuracy a little below it: the network
# has begun to learn its training images by heart. On MNIST, the LeNet-5 of 1998 reached
# 99.05 % on the test images (LeCun et al. 1998, section III.B).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Look inside: the kernels
#
# Nobody chose the kernels of C1. They began at random, and many small steps made them
# what they are. **Predict:** do they look like the edge detectors of lesson 02?

# %% slideshow={"slide_type": "-"}
kernels = network[0].weight[:, 0]  # (6, 5, 5)
print("steps:", len(train) * (first + more))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
show_images(
    {f"kernel {k}": kernel for k, kernel in enumerate(kernels)},
    alt="Six kernels of 5×5, orange below zero, purple above: most have an orange and "
    f"a purple region side by side, none is tidy. Trained on {digits.title}.",
    signed=True,
    height=1.7,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Roughly, yes: most weigh one side against another, as an edge detector does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Look inside: the maps
#
# Choose a digit and a layer, numbered as in the table. **Find** a map of layer 0 that
# shows only upper edges, and the layer after which you no longer recognise the digit.
# Then look at some digits that the network misreads:

# %% slideshow={"slide_type": "-"}
with torch.no_grad():
    guesses = network(digits.test.images).argmax(dim=1)  # (N,)
# nonzero: the numbers of the images for which it is True
misread = (guesses != digits.test.labels).nonzero().flatten().tolist()
few = yes_no(len(misread) < 0.1 * len(guesses))
print(f"misread: {len(misread)}, such as images {misread[:3]} (below 10 %: {few})")

# %% slideshow={"slide_type": "subslide"}
map_explorer(network, digits.test.images, digits.test.labels, image=7)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.8: what is taken for what?
#
# A **confusion matrix** counts how often each digit got each guess. The row is what the
# digit is, the column what the network says, so correct predictions lie on the
# diagonal. Counts are whole numbers: `torch.int64`.


# %% slideshow={"slide_type": "-"}
@exercise("06.8")
def confusion(labels, guesses, classes):
    """How often each label got each guess, (classes, classes)."""
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    for label, guess in zip(labels, guesses):
        counts[blank(label), blank(guess)] += 1
    return counts


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is taken for what
#
# **Predict** two digits that are easily confused.

# %% slideshow={"slide_type": "-"}
# .cpu(): your function may use NumPy, or look at one number after another.
counts = confusion(digits.test.labels.cpu(), guesses.cpu(), classes=10)
counts = torch.as_tensor(counts)
right = (counts.trace() / counts.sum()).item()  # trace: the sum of the diagonal
print("test images:", int(counts.sum()))
print(f"on the diagonal: {right:.1%} (above 95 %: {yes_no(right > 0.95)})")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(8.4, 4.2))
wrong = counts.clone().fill_diagonal_(0)
ax.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(6, int(wrong.max())))
for i in range(10):
    for j in range(10):
        text = str(int(counts[i, j])) if counts[i, j] else "·"
        ax.text(j, i, text, ha="center", va="center", fontsize=11)
ax.set(xticks=range(10), yticks=range(10), xlabel="the network says", ylabel="it is a")
ax.set_title(digits.title)
ax.grid(False)
show(
    figure,
    "Confusion matrix of the ten digits: about a tenth of the test images on each "
    "place of the diagonal, a few beside it, tinted, and dots for zero. "
    f"Data: {digits.title}.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Dropout
#
# A network with many weights and few images can learn the images by heart. **Dropout**
# makes that hard: in training, it sets each number that passes through it to zero with
# probability p, and draws anew every time. No later layer can rely on any one of them.
#
# **Predict:** ten thousand ones go through `nn.Dropout(p=0.2)`. What comes out, and
# what is its mean?

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
layer, ones = nn.Dropout(p=0.2), torch.ones(10_000)
for training, name in ((True, "training  "), (False, "evaluation")):
    out = layer.train(training)(ones)  # train(False): no longer in training
    # unique: every value that occurs, once
    values = [round(v, 2) for v in out.unique().tolist()]
    print(name, values, "mean", round(out.mean().item(), 1))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why 1.25?
#
# One in five is gone. If the others stayed 1, the mean would be 0.8 in training. In
# evaluation, where nothing is dropped, it would be 1, and the next layer would meet
# numbers that it never learned from. So what is kept is divided by 1 − p, which makes
# 1/0.8 = 1.25.
#
# `network.train()` switches all layers of a network to training, and `network.eval()`
# to evaluation; `fit` and `evaluate` do so for you.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.9: dropout
#
# `kept` is 1 where a number is kept, and 0 where it is dropped.


# %% slideshow={"slide_type": "-"}
@exercise("06.9")
def dropout(x, kept, p, training):
    """Zero what is not kept, in training only; the mean stays."""
    if training:
        return x * blank(kept) / (blank(1 - p))
    return blank(x)


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.10: shapes, the PyTorch way
#
# Write the shapes as PyTorch does, such as `(128, 10)`.
#
# 1. `nn.Conv2d(3, 1, kernel_size=5)` on one image of 32×32×3: the shape of its weight,
#    and that of its output.
# 2. `nn.Conv2d(8, 16, 3, stride=2, padding=1)` on a batch of 128 inputs of 28×28×8: the
#    shape of its output, and what `nn.Flatten()` makes of that.

# %% slideshow={"slide_type": "-"}
answer(
    "06.10",
    weight=blank((1, 3, 5, 5)),
    one_image=blank((1, 1, 28, 28)),
    batch=blank((128, 16, 14, 14)),
    flat=blank((128, 3136)),
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The batch axis
#
# The first axis is the **batch axis**: N images go in and N results come out, and none
# of them knows of the others. Even a single image needs this axis.

# %% slideshow={"slide_type": "fragment"}
image = digits.test.images[0]  # (1, 32, 32): one channel, and no batch axis
# [None] puts a new axis of size 1 in front.
print(tuple(image[None].shape), "→", tuple(network(image[None]).shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network of the practice session
#
# In the lecture's practice session, a network like the next one came before a ResNet
# (lesson 12). It is LeNet's plan, a generation later: ReLU, which is max(0, x),
# replaces tanh, the maximum replaces the mean, there is dropout, and only one dense
# layer is left. The input is MNIST's own 28×28 pixels.
#
# Work out each shape first, and then fill in the blanks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.11: the simple CNN


# %% slideshow={"slide_type": "-"}
@exercise("06.11")
def simple_cnn():
    """From (N, 1, 28, 28) to ten scores, (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=5),  # (N, 16, 24, 24)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 12, 12)
        nn.Conv2d(blank(16), blank(32), kernel_size=blank(5)),  # (N, 32, 8, 8)
        nn.ReLU(),
        nn.MaxPool2d(blank(2)),  # (N, 32, 4, 4)
        nn.Flatten(),
        nn.Dropout(p=blank(0.5)),  # half of them
        nn.Linear(blank(32 * 4 * 4), blank(10)),
    )


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The two networks, compared
#
# **Predict:** which of the two has more parameters, and which does more work?

# %% slideshow={"slide_type": "-"}
other = layer_table(simple_cnn(), input_size=(1, 28, 28))
show_table(
    ["network", "parameters", "multiply-adds"],
    [
        ["LeNet-5", table.parameters, table.multiply_adds],
        ["simple CNN", other.parameters, other.multiply_adds],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 06.12: accuracy, on a device
#
# In the practice session, PyTorch's `DataLoader` read batch after batch into the CPU's
# memory, as a data set may be too large for that of the GPU. So each batch has to be
# moved.
#
# The network may lie anywhere at first, but you must compute on `device`. The last
# batch may be smaller than the others, and dropout must not drop anything.


# %% slideshow={"slide_type": "-"}
@exercise("06.12")
def accuracy_of(network, batches, device):
    """Part of all images whose highest score is the right one: a plain number."""
    blank(network.to(device))  # where?
    blank(network.eval())  # in which mode?
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in batches:
            images, labels = blank(images.to(device)), blank(labels.to(device))
            guesses = network(images).argmax(dim=1)  # (N,)
            right += (guesses == labels).sum().item()
            count += blank(len(labels))
    return right / count


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train it
#
# The images have 28×28 pixels now. The students trained for 20 epochs, and their
# network had batch norm (lesson 10) as well. On a CPU, fewer epochs will do.

# %% slideshow={"slide_type": "-"}
smaller = load("mnist", device)
epochs = 4 if smaller.stand_in else 8 if device.type == "cpu" else 20  # or as you like
more_work = other.multiply_adds / table.multiply_adds  # as a multiple of LeNet-5's
print(f"{epochs} epochs: about {epochs * more_work * seconds:.0f} s")

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
cnn = simple_cnn().to(device)
optimizer = torch.optim.SGD(cnn.parameters(), lr=0.02, momentum=0.9)
train = Batches(*smaller.train, batch_size=size)
schedule = divide_at(round(0.6 * epochs), round(0.8 * epochs))
history = fit(cnn, train, None, epochs, optimizer, schedule, progress=bar)
learned = history.rows[-1].train_accuracy
print(f"in training {learned:.2%} (above 80 %: {yes_no(learned > 0.8)})")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Test it
#
# Use your own function, with batches on the CPU. **Predict:** is the network right
# more often in training, or on the test images?

# %% slideshow={"slide_type": "-"}
test = Batches(*(part.cpu() for part in smaller.test), batch_size=100, shuffle=False)
accuracy = float(accuracy_of(cnn, test, device))
print(f"{smaller.title}:")
print(f"test accuracy {accuracy:.2%} (above 90 %: {yes_no(accuracy > 0.9)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Often it is better on the test images, because in training dropout hides half of the
# features.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Biases forgotten.** Each filter has one.
# - **The depth forgotten.** C3's filters are 6×5×5.
# - **Parameters taken for work.** Shared weights work at every place.
# - **`zero_grad` forgotten.** Gradients add up.
# - **Softmax before `cross_entropy`.** The loss applies it already.
# - **`eval()` forgotten.** Dropout goes on dropping.
# - **A batch left on the CPU.** `to` returns a copy.
# - **No batch axis.** One image is (1, C, H, W).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("06", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - LeNet-5: convolve, pool, convolve, pool, three dense layers; 61 706 parameters.
# - The parameters sit in the dense layers, the work in the convolutions.
# - Learning: forget, compute gradients, step, with everything on one device.
# - Momentum keeps part of the step before.
# - Dropout sets numbers to zero in training only, and keeps their mean.
#
# Next: {next}. The same plan in 2012, a
# thousand times larger.
