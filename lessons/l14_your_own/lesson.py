# %% [markdown] slideshow={"slide_type": "slide"}
# # 14 Your own pictures
#
# A trained network, your photographs, and a question of your own. After this lesson you
# can
#
# - teach a network your own classes, and test it honestly;
# - see where it looks, and find where it fails;
# - read newer blocks as changes to ones you have built.
#
# About 95 minutes. You need: lessons 06, 11 and 12.

# %% [markdown] slideshow={"slide_type": "notes"}
# 95 minutes with the exercises, 45 without. Ask people beforehand to bring ten
# photographs of each of two things. Give the open part at the end half an hour, or a
# week. With `resnet18` in torch's cache the first part is far more fun.

# %% slideshow={"slide_type": "skip"}
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torchvision.models.convnext import CNBlock

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.data import Batches, load
from helpers.device import best_device
from helpers.display import yes_no
from helpers.drawing import BLUE, ORANGE
from helpers.exercises import answer, exercise, start
from helpers.networks import Bottleneck, ResidualBlock, cifar_resnet
from helpers.plots import show, show_images, show_table
from helpers.training import fit, triangle
from lessons.l14_your_own.explorer import cam_explorer
from lessons.l14_your_own.heat import laid_over
from lessons.l14_your_own.photographs import read_photographs
from lessons.l14_your_own.trained import Trained, find_trained
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Bring your photographs
#
# Make a folder `data/photographs`, and in it a subfolder for each class: `cat`, `dog`,
# or `my mug`, `her mug`. Four photographs of each will do, ten are better. JPEG and PNG
# files are read by `read_photographs`, which also turns them upright. They never leave
# this computer.

# %% slideshow={"slide_type": "-"}
photos = read_photographs()
print(*photos.notes, sep="\n")
print(f"{photos.title}: {len(photos.all)} pictures, {len(photos.classes)} classes")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
some = [[p for p in photos.all if p.label == k] for k in range(len(photos.classes))]
some = [group[:: max(1, len(group) // 3)][:3] for group in some]
figure, axes = plt.subplots(1, 6, figsize=(8.4, 1.9))
for ax, each in zip(axes.flat, [p for group in some[:2] for p in group] + [None] * 6):
    ax.axis("off")
    if each is not None:
        ax.imshow(each.pixels.permute(1, 2, 0).clamp(0, 255) / 255)
        ax.set_title(photos.classes[each.label], fontsize=11)
figure.suptitle(photos.title, fontsize=12)
show(figure, f"Up to three photographs of each of the first two classes, in a row: "
     f"{photos.title}.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Find a network that can see already
#
# `find_trained` takes the first network that it finds on this computer: torchvision's
# ResNet-18, its ResNet-50, or your own ResNet of lesson 12. It never downloads one; the
# line that is commented out does, once.

# %% slideshow={"slide_type": "-"}
# from torchvision import models; models.resnet18(weights="IMAGENET1K_V1")  # 45 MB
device = best_device()
known = find_trained(device)
print(known.title if known else "None was found, so we train a small one.")


# %% [markdown] slideshow={"slide_type": "subslide"}
# ## If there is none
#
# A ResNet-8 learns the drawn shapes of lesson 12 in a few seconds, at half their size.
# It is small, and it has never seen a photograph. It will still have something to tell
# us.


# %% slideshow={"slide_type": "-"}
def small():
    """A ResNet-8 that knows ten drawn shapes."""
    data = load("shapes", device, counts=(1600, 200))
    torch.manual_seed(0)
    network = cifar_resnet(8).to(device)
    batches = Batches(*data.train, 32, augment=True, pad_value=data.pad_value)
    test = Batches(*data.test, 100, shuffle=False)
    halved = nn.Sequential(nn.AvgPool2d(2), network)
    rates = triangle(1, 4)  # triangle: up for one epoch of 4, then down to 0
    row = fit(halved, batches, test, 4, None, rates, progress=False).rows[-1]
    good = yes_no(row.test_accuracy > 0.3)
    print(f"{data.title}: {row.test_accuracy:.0%} in the test (above 30 %: {good})")
    constants = data.mean[:, None, None], data.std[:, None, None]
    title = "ResNet-8 on drawn shapes (stand-in)"
    return Trained(network.eval(), title, data.classes, *constants, side=64)


# %% slideshow={"slide_type": "-"}
known = known or small()
print("From here on:", known.title)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does it say?
#
# Photographs come in all sizes, so we cut squares out of each: `photos.crops`. They
# must then be normalised. **Predict:** with the mean and standard deviation of your
# photographs, or with those that the network was trained with?

# %% slideshow={"slide_type": "fragment"}
crops = photos.crops(known.crops, known.side)  # some of each, always the same ones
mean, std = known.mean.to(device), known.std.to(device)


def prepared(pixels):
    """(N, 3, H, W), 0 to 255 → as this network was trained to see them."""
    return (pixels.to(device) / 255 - mean) / std


images, labels = prepared(crops.pixels), crops.labels.to(device)
photograph = crops.photograph.to(device)  # the number of each crop's photograph
print(tuple(images.shape), "from", len(photos.all), "photographs")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With the network's. Its weights were learned on inputs that were normalised in just
# this way. With other constants, everything would look paler or darker than anything it
# has ever seen.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"}
step = max(1, len(images) // 6)
with torch.no_grad():
    shares, guesses = known.network(images[::step][:6]).softmax(dim=1).max(dim=1)
words = [f"{known.classes[k].split(',')[0]}\n{s:.0%}" for k, s in zip(guesses, shares)]
show_images(
    {f"{i + 1}. {word}": crops.pixels[::step][i] for i, word in enumerate(words)},
    f"Six crops, each under the class that the network names and its probability "
    f"({photos.title}; {known.title}).",
    height=2.1,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The network answers with the classes it knows, whatever you show it. Yours may not be
# among them. So do we have to train a new one? **Predict:** which layers of the old one
# know something that you can use?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The backbone
#
# Only the last layer knows the names of classes. The layers before it are the backbone,
# as in lesson 13: they turn a picture into numbers that describe it, its **features**,
# and other tasks can build on them. Here global average pooling is part of the
# backbone, so each map gives one number.

# %% slideshow={"slide_type": "-"}
backbone = known.network[:-1]  # a Sequential can be sliced like a list
with torch.no_grad():
    features = torch.cat([backbone(some) for some in images.split(60)])  # (N, D)
print(known.title, "→", tuple(features.shape))

# %% [markdown] slideshow={"slide_type": "fragment"}
# On these features we train one dense layer for your classes. That is a **linear
# probe**: it asks what the features already tell us.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two thirds for training, one third for the test
#
# Each photograph gave several crops. Suppose we shuffle all of them, train with two
# thirds and test with the rest.
#
# **Predict:** what will the test tell us? And what would it tell us if the classes were
# *meaningless*, decided by the toss of a coin for each photograph?

# %% [markdown] slideshow={"slide_type": "fragment"}
# Crops of one photograph overlap. If some are in the training set, the test shows the
# network what it has seen before. That is cheating, even if nobody meant to.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.1: the honest split
#
# Whole photographs go into one set or the other: the photographs with the numbers 0,
# `every`, 2·`every`, … are for the test. `photograph` holds the number of each crop's
# photograph, such as 0 0 0 1 1 1 2 2 2.


# %% slideshow={"slide_type": "-"}
@exercise("14.1")
def halves(photograph, every):
    """Which crops are for training, and which for the test: (N,) twice, True or not."""
    test = blank(photograph) % blank(every) == blank(0)
    return blank(~test), blank(test)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training what may learn
#
# This is the loop of lesson 06, for those parameters whose `requires_grad` is True.
# Batch norm keeps the statistics that it has: a few crops would be a poor replacement.


# %% slideshow={"slide_type": "-"}
def learn(network, images, labels, lr, steps):
    """Train on random batches of 64; dropout and batch norm as in evaluation."""
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=lr, momentum=0.9)
    network.eval()
    torch.manual_seed(0)
    for _ in range(steps):
        some = torch.randint(len(images), (64,)).to(device)
        loss = functional.cross_entropy(network(images[some]), labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


# %% slideshow={"slide_type": "subslide"}
def accuracy(network, images, labels):
    """The share of the images that the network gets right."""
    with torch.no_grad():
        scores = torch.cat([network(some) for some in images.split(60)])
    return (scores.argmax(dim=1) == labels).float().mean().item()


# %% slideshow={"slide_type": "-"}
def rate(features):
    """A learning rate for a dense layer: the larger its inputs, the smaller."""
    return 2 / features.square().sum(dim=1).mean().item()


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Classes by the toss of a coin
#
# Ten times, a coin gives each photograph a class. Nothing can be learned about new
# photographs, so an honest test should find about half of them right. **Predict** the
# accuracy with shuffled crops, and with whole photographs kept together.

# %% slideshow={"slide_type": "-"}
train, test = (torch.as_tensor(half).to(device) for half in halves(photograph, 3))
torch.manual_seed(0)  # randperm: the numbers from 0 to N − 1 in random order
shuffled = (torch.randperm(len(images)) % 3 == 0).to(device)
found = {"crops shuffled": [], "whole photographs": []}
for toss in range(10):
    torch.manual_seed(toss)
    coin = torch.randint(2, (len(photos.all),)).to(device)[photograph]  # (N,)
    for name, held in zip(found, (shuffled, test)):
        dense = nn.Linear(features.shape[1], 2).to(device)
        learn(dense, features[~held], coin[~held], rate(features), 100)
        found[name].append(accuracy(dense, features[held], coin[held]))

# %% slideshow={"slide_type": "subslide"}
print(f"{photos.title}; {known.title}")
easy, honest = (sum(values) / 10 for values in found.values())
print(f"crops shuffled: {easy:.0%} right (above 65 %: {yes_no(easy > 0.65)})")
print(f"whole photographs: {honest:.0%} right (below 65 %: {yes_no(honest < 0.65)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first test praises a network for classes that do not exist. (With few photographs
# the second scatters around a half.) Split by what will be *new*: by photograph, by
# person, by day, by hospital.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.2: a probe
#
# Now we make one network of all this, from the picture to your classes. The old last
# layer goes, a new one comes, and only the new one learns: everything else is
# **frozen**.


# %% slideshow={"slide_type": "-"}
@exercise("14.2")
def probe_of(network, classes):
    """The network with a new last layer, which alone learns: a Sequential."""
    for parameter in network.parameters():
        parameter.requires_grad_(blank(False))
    D = network[-1].in_features  # numbers that the old last layer takes
    return nn.Sequential(*blank(network[:-1]), nn.Linear(blank(D), blank(classes)))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train the probe
#
# What is frozen gives the same features every time, so they need to be computed only
# once, and we have them. **Predict:** how many parameters learn, and what share of
# the test crops will the probe get right?

# %% slideshow={"slide_type": "-"}
count = len(photos.classes)
probe = probe_of(known.network, count).to(device)
learn(probe[-1], features[train], labels[train], rate(features), 150)
right = accuracy(probe, images[test], labels[test])
learning = sum(p.numel() for p in probe.parameters() if p.requires_grad)

# %% slideshow={"slide_type": "fragment"}
print(f"{photos.title}; {known.title}")
chance = labels[test].bincount().max().item() / len(labels[test])
print(f"{learning} parameters learned")
print(f"right in the test: {right:.0%} (more than by always naming the most frequent "
      f"class: {yes_no(right > chance)})")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# (The stand-ins are tiles of one photograph for each class. Neighbouring tiles are
# alike, so with them even this test is too kind: it says nothing about flowers in
# another garden.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fine-tuning
#
# The other way: let *all* layers go on learning, at a much smaller rate, so that what
# they know is bent and not broken. We begin with the probe. **Predict:** which is
# better with few photographs, and which with many?

# %% slideshow={"slide_type": "-"}
from copy import deepcopy  # a second network, so that the first stays as it is

tuned = deepcopy(probe)
for parameter in tuned.parameters():
    parameter.requires_grad_(True)
learn(tuned, images[train], labels[train], lr=0.002, steps=15)

# %% [markdown] slideshow={"slide_type": "fragment"}
# And a control: the same probe on a network that has learned *nothing*. **Predict** its
# accuracy.

# %% slideshow={"slide_type": "-"}
ignorant = deepcopy(probe)
torch.manual_seed(1)
for layer in ignorant[:-1].modules():
    if hasattr(layer, "reset_parameters"):  # PyTorch's random start
        layer.reset_parameters()
with torch.no_grad():
    random_features = torch.cat([ignorant[:-1](some) for some in images.split(60)])
learn(ignorant[-1], random_features[train], labels[train], rate(random_features), 150)

# %% slideshow={"slide_type": "subslide"}
print(f"{photos.title}; {known.title}")
ways = {"probe": probe, "fine-tuned": tuned, "probe, random network": ignorant}
for name, network in ways.items():
    right = accuracy(network, images[test], labels[test])
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad)
    print(f"{name}: {learning} parameters learned")
    print(f"  {right:.0%} right in the test (at least 30 %: {yes_no(right >= 0.3)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With few photographs the probe is usually better, for it has little to learn; with
# many, fine-tuning. If the random network does nearly as well, then your classes differ
# in something simple, such as their colours, and the task shows little of what the
# backbone knows. Differences of a few crops mean nothing: with other photographs in the
# test they may be reversed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does it look?
#
# The last maps are small, but each of their pixels still belongs to a place in the
# picture. How much would the score of a class grow if map k grew a little, on average
# over its places? That is a gradient:
#
# $$\alpha_k = \text{mean over places of } \frac{\partial\,\text{score}}
# {\partial A_k} \qquad \text{heat} = \text{ReLU}\Big(\sum_k \alpha_k A_k\Big)$$
#
# This is **Grad-CAM** ([Selvaraju and others 2017](https://arxiv.org/abs/1610.02391),
# section 3). **Predict:** why the ReLU?

# %% [markdown] slideshow={"slide_type": "fragment"}
# A place with a negative sum speaks *against* the class, probably for another one. We
# ask only what speaks for it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.3: Grad-CAM
#
# `maps` are the maps A of one picture, `slopes` the gradient of the score with respect
# to each of their numbers; both are (K, H, W).


# %% slideshow={"slide_type": "-"}
@exercise("14.3")
def grad_cam(maps, slopes):
    """How much each place speaks for the class: (H, W), nothing below 0."""
    weights = slopes.mean(dim=blank((1, 2)), keepdim=True)  # (K, 1, 1)
    weighted = blank(weights * maps)  # (K, H, W)
    return blank(weighted.sum(dim=0).relu())


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Maps and slopes
#
# The last three layers are the mean over the places, flatten, and dense. We stop before
# them, and ask for the gradient of one score with respect to the maps.


# %% slideshow={"slide_type": "-"}
def heat_of(network, image, k):
    """Grad-CAM of class k for one picture (3, H, W), as large as the picture."""
    with torch.no_grad():
        maps = network[:-3](image[None])  # (1, K, h, w)
    maps.requires_grad_()
    score = network[-3:](maps)[0, k]
    (slopes,) = torch.autograd.grad(score, maps)
    small = torch.as_tensor(grad_cam(maps[0].detach(), slopes[0])).to(device)
    # Interpolate: from few places to many, with soft transitions.
    large = functional.interpolate(small[None, None], image.shape[1:], mode="bilinear")
    return large[0, 0]


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two classes in one picture
#
# We put a crop of each of two classes side by side, neither of them from the training
# set. **Predict:** where is the heat for the first class, and where for the second?

# %% slideshow={"slide_type": "-"}
lefts, rights = (
    (test & (labels == k)).nonzero()[:, 0].cpu().flip(0)[::7] for k in (0, 1)
)
pairs = [torch.cat([crops.pixels[i], crops.pixels[j]], dim=2)
         for i, j in zip(lefts, rights)]  # fmt: skip
pictures = torch.stack(pairs[:6])  # (n, 3, side, 2·side)
inputs = prepared(pictures)
heats = torch.stack([torch.stack([heat_of(probe, image, k) for k in (0, 1)])
                     for image in inputs]).cpu()  # (n, 2, side, 2·side)  # fmt: skip

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
shown = {"both classes": pictures[0]}
for k in (0, 1):
    shown[f"what speaks for {photos.classes[k]}"] = laid_over(pictures[0], heats[0, k])
figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.1))
for ax, (title, picture) in zip(axes, shown.items()):
    ax.imshow(picture.permute(1, 2, 0).clamp(0, 255) / 255)
    ax.axis("off")
    ax.set_title(title, fontsize=11)
figure.suptitle(f"{photos.title}; {known.title}", fontsize=12)
show(figure, f"Two crops side by side, {photos.classes[0]} on the left and "
     f"{photos.classes[1]} on the right; then the same in grey, with what speaks for "
     f"the one class in orange, and with what speaks for the other.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the map tell the truth?
#
# A pretty picture is not evidence. First check: another class must give another map.
# How much of the heat for a class lies on its own half? **Predict** what a map that
# ignores the class would get.

# %% slideshow={"slide_type": "-"}
side = known.side
on_left = heats[..., :side].sum(dim=(2, 3)) / (heats.sum(dim=(2, 3)) + 1e-9)
own = torch.stack([on_left[:, 0], 1 - on_left[:, 1]]).mean().item()
print(f"{photos.title}; {known.title}")
print(f"on its own half: {own:.0%} of the heat (more than half: {yes_no(own > 0.5)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# A map that ignores the class would get half. For the second check ([Adebayo and others
# 2018](https://arxiv.org/abs/1810.03292)), replace the trained weights with random
# ones. If the map stays the same, it showed the picture's own edges, and nothing that
# was learned.

# %% slideshow={"slide_type": "fragment"}
# corrcoef: correlations of rows, 1 where two are the same, 0 where they are unrelated
blind = [heat_of(ignorant, image, 0).cpu() for image in inputs]
alike = [torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
         for a, b in zip(heats[:, 0], blind)]  # fmt: skip
mean_alike = sum(alike) / len(alike)
print(f"correlation with the random network's maps: {mean_alike:.2f}", end=" ")
print(f"(below 0.9: {yes_no(mean_alike < 0.9)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# **Find**
#
# - a picture in which the heat for a class lies where you would not look;
# - the first layer at which the two classes have different maps;
# - what the first layer's maps look at.

# %% slideshow={"slide_type": "subslide"}
cam_explorer(probe, pictures, inputs, photos.classes, f"{photos.title}; {known.title}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The map says *where*, and not *why*: heat on a dog's ear may be for its shape, its
# colour, or the sofa behind it. To learn why, change the picture and look again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where it fails
#
# We change the crops of the test set, which the probe has never seen: mirrored, turned,
# darkened, shrunk, as a negative. **Predict:** which of these does it survive? And will
# it be less sure where it is wrong?


# %% slideshow={"slide_type": "-"}
def shrunk(pixels):
    """A quarter as wide and as high, in the middle of a grey frame."""
    small = functional.avg_pool2d(pixels, 4)
    frame = [(pixels.shape[2] - small.shape[2]) // 2] * 4
    return functional.pad(small, frame, value=128)


changes = {
    "as they are": lambda pixels: pixels,
    "mirrored": lambda pixels: pixels.flip(3),
    "upside down": lambda pixels: pixels.flip(2),
    "turned by 90°": lambda pixels: pixels.rot90(1, (2, 3)),  # rot90 turns axes 2 and 3
    "darkened": lambda pixels: 0.3 * pixels,
    "shrunk": shrunk,
    "a negative": lambda pixels: 255 - pixels,
}

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.4: too sure?
#
# The highest probability is the network's **confidence**. If it can be trusted, then of
# the answers given with 80 % confidence, about 80 % are right. How far is the *mean*
# confidence above the accuracy?


# %% slideshow={"slide_type": "-"}
@exercise("14.4")
def too_sure(scores, labels):
    """Mean confidence minus accuracy: scores (N, classes), labels (N,)."""
    confidence, guesses = scores.softmax(dim=blank(1)).max(dim=blank(1))
    right = (guesses == blank(labels)).float()
    return blank(confidence.mean()) - blank(right.mean())


# %% slideshow={"slide_type": "subslide"}
measured = {}  # change: accuracy, and mean confidence minus accuracy
for name, change in changes.items():
    with torch.no_grad():
        scores = probe(prepared(change(crops.pixels[test.cpu()])))
    right = (scores.argmax(dim=1) == labels[test]).float().mean().item()
    measured[name] = right, float(too_sure(scores, labels[test]))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
figure, ax = plt.subplots(figsize=(8.4, 3.2))
for at, (right, gap) in enumerate(measured.values()):
    ax.barh(at - 0.2, 100 * right, 0.38, color=BLUE, label="right" * (at == 0))
    ax.barh(at + 0.2, 100 * (right + gap), 0.38, color=ORANGE,
            label="mean confidence" * (at == 0))  # fmt: skip
ax.set_yticks(range(len(measured)), list(measured))
ax.invert_yaxis()
ax.set(xlabel="%", xlim=(0, 100), title=f"{photos.title}; {known.title}")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, f"Two bars, accuracy and mean confidence, for test crops as they are, "
     f"mirrored, upside down, turned by 90 degrees, darkened, shrunk, and as a "
     f"negative ({photos.title}).")  # fmt: skip

# %% slideshow={"slide_type": "subslide"}
worst = min(right for right, _ in measured.values())
gap = max(gap for _, gap in measured.values())
fell = yes_no(worst < measured["as they are"][0])
print(f"least accurate: {worst:.0%} (less than for unchanged crops: {fell})")
print(f"too sure, by up to {gap:.0%} (more than 0: {yes_no(gap > 0)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The probe learned what your training photographs show, upright and in daylight. Where
# new pictures differ, the accuracy may fall while the confidence stays high. (On the
# stand-ins it seems to have learned that flowers are dark and monuments bright. Would
# you have noticed from the accuracy alone?)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Something that is no class at all
#
# Noise, a black picture, a page of stripes. **Predict:** what does the probe say, and
# how sure is it?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
stripes = 255.0 * (torch.arange(side) // 4 % 2).expand(3, side, side)
nothing = {
    "noise": 255 * torch.rand(3, side, side),
    "black": torch.zeros(3, side, side),
    "stripes": stripes,
}
with torch.no_grad():
    scores = probe(prepared(torch.stack([*nothing.values()])))
shares = scores.softmax(dim=1).max(dim=1).values.tolist()

# %% slideshow={"slide_type": "subslide"}
print(f"{photos.title}; {known.title}")
for name, share in zip(nothing, shares):
    least = 1 / count
    print(f"{name}: one of your classes, with {share:.0%}", end=" ")
    print(f"(at least one in {count}: {yes_no(share > least)})")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Softmax shares out 100 % among the classes it has, and "none of them" is not one.
# **Confidence is not knowledge.** Whoever uses a network must say which pictures it is
# meant for, and what happens to all others.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After 2015
#
# ResNet was not the last word. But most of what followed changes a block that you have
# built: it takes something away, adds something, or puts it in another order. Here are
# four such changes, all counted at one width: 256 channels on maps of 14×14.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1: depthwise convolution
#
# A 3×3 convolution looks at neighbours and mixes channels, both at once.
# [MobileNet](https://arxiv.org/abs/1704.04861) (Howard and others 2017) does one after
# the other. First each channel gets a 3×3 kernel of its own, a **depthwise**
# convolution; then 1×1 kernels mix the channels.
#
# **Predict:** lesson 07 had two `groups`. How many are there now?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.5: one after the other
#
# C1 channels come in, C2 go out, and the sides stay.


# %% slideshow={"slide_type": "-"}
@exercise("14.5")
class Separable(nn.Module):
    """(N, C1, H, W) → (N, C2, H, W)."""

    def __init__(self, C1, C2):
        super().__init__()
        common = {"kernel_size": 3, "padding": 1, "bias": False}
        self.depthwise = nn.Conv2d(C1, blank(C1), groups=blank(C1), **common)
        self.norm1 = nn.BatchNorm2d(C1)
        self.mix = nn.Conv2d(blank(C1), blank(C2), kernel_size=blank(1), bias=False)
        self.norm2 = nn.BatchNorm2d(C2)

    def forward(self, x):
        x = functional.relu(self.norm1(self.depthwise(x)))
        return functional.relu(blank(self.norm2(self.mix(x))))


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.6: what it saves
#
# From 256 to 256 channels, on maps of 14×14, without biases and batch norm. How many
# weights does a `standard` 3×3 convolution have? How many do the two convolutions of
# `Separable` have together, and how many multiply-adds do they need: what is their
# `work`?

# %% slideshow={"slide_type": "-"}
answer("14.6", standard=blank(589824), separable=blank(67840), work=blank(13296640))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nearly nine times less. The price: neighbours and channels can no longer be combined
# in one step. That cost MobileNet about one point of accuracy on ImageNet (table 4 of
# the paper).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2: squeeze and excite
#
# Whether a channel matters may depend on the *whole* picture.
# [Hu and others](https://arxiv.org/abs/1709.01507) (2018) **squeeze** each map to its
# mean, let two small dense layers decide how much each map counts, and **excite** it:
# it is multiplied by a number between 0 and 1.
#
# **Predict:** which function gives numbers between 0 and 1?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.7: squeeze and excite
#
# The first dense layer goes from C numbers to C // r, the second back. A ReLU comes
# between them, and a sigmoid after the second.


# %% slideshow={"slide_type": "-"}
@exercise("14.7")
class SqueezeExcite(nn.Module):
    """(N, C, H, W) → the same, each map multiplied by a number of its own."""

    def __init__(self, C, r=16):
        super().__init__()
        self.down = nn.Linear(C, blank(C // r))
        self.up = nn.Linear(blank(C // r), blank(C))

    def forward(self, x):
        s = x.mean(dim=blank((2, 3)))  # (N, C)
        s = blank(functional.relu(self.down(s)))
        s = blank(self.up(s).sigmoid())
        return blank(x * s[:, :, None, None])  # (N, C, 1, 1): for all places


# %% slideshow={"slide_type": "subslide"}
with torch.device("meta"):
    table = layer_table(SqueezeExcite(256), input_size=(256, 14, 14))
print(table.parameters, "parameters,", table.multiply_adds, "multiply-adds")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Hardly any work, because the dense layers see means, not maps. (The product at the
# end, one multiplication for each number, is not counted.) A network of such blocks won
# the last ILSVRC, in 2017.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3: ConvNeXt
#
# [Liu and others](https://arxiv.org/abs/2201.03545) (2022) turned the bottleneck inside
# out: a depthwise 7×7 comes first, and the middle is *wide*, with four times the
# channels. Layer norm replaces batch norm. Of three activations one is left, GELU, a
# ReLU with a soft bend. Such a network keeps up with transformers.
#
# **Predict:** where are most of its weights now?


# %% slideshow={"slide_type": "subslide"}
class ConvNeXtBlock(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.depthwise = nn.Conv2d(C, C, 7, padding=3, groups=C)
        self.norm = nn.LayerNorm(C)  # over the channels of each place
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)  # 1×1
        self.scale = nn.Parameter(1e-6 * torch.ones(C))  # the block begins as a copy

    def forward(self, x):
        # permute puts the channels last, where LayerNorm and Linear look for them.
        out = self.norm(self.depthwise(x).permute(0, 2, 3, 1))  # (N, H, W, C)
        out = self.down(functional.gelu(self.up(out)))  # gelu is GELU
        return x + (self.scale * out).permute(0, 3, 1, 2)


# %% slideshow={"slide_type": "-"}
theirs = sum(p.numel() for p in CNBlock(256, 1e-6, 0.0).parameters())
ours = {name: p.numel() for name, p in ConvNeXtBlock(256).named_parameters()}
print(sum(ours.values()), "parameters, torchvision's", theirs)
dense = ours["up.weight"] + ours["down.weight"]
print(f"in the two dense layers: {dense / theirs:.0%}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4: self-attention
#
# A convolution combines *neighbours*, with the same weights in every picture. In
# **self-attention** ([Vaswani and others 2017](https://arxiv.org/abs/1706.03762)) each
# place combines *all* places, with weights computed from the picture itself.
#
# Each place has a **query**, what it looks for, and a **key**, what it offers. Where
# one place's query and another's key point the same way, the **value** of that other
# place counts for a lot.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 14.8: attention
#
# The scores are dot products of each query with each key, divided by √D (D is how
# many numbers a query has) so that softmax is not too sure. Softmax turns each query's
# scores into weights; the output is the weighted mean of the values.


# %% slideshow={"slide_type": "-"}
@exercise("14.8")
def attention(queries, keys, values):
    """(N, D), (M, D) and (M, E) → (N, E): a mean of the values for each query."""
    D = queries.shape[1]
    scores = blank(queries @ keys.T) / blank(D**0.5)  # (N, M)
    weights = scores.softmax(dim=blank(1))
    return blank(weights @ values)


# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
Q, K, V = (torch.randn(196, 32) for _ in range(3))
# PyTorch has it as scaled_dot_product_attention, for batches of such matrices.
theirs = functional.scaled_dot_product_attention(Q[None], K[None], V[None])[0]
off = (torch.as_tensor(attention(Q, K, V)) - theirs).abs().max().item()
print(f"off by {off:.1e} (the same as PyTorch's: {yes_no(off < 1e-4)})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A picture as words
#
# [Dosovitskiy and others](https://arxiv.org/abs/2010.11929) (2021) cut a picture of
# 224×224 into **patches** of 16×16, and treat each as a word in a sentence: a *vision
# transformer*. **Predict:** how many words are there, and which layer of yours cuts and
# describes them in one go?

# %% slideshow={"slide_type": "fragment"}
patches = nn.Conv2d(3, 256, kernel_size=16, stride=16)
words = patches(torch.zeros(1, 3, 224, 224)).flatten(2).mT  # mT: the last axes swapped
print(tuple(words.shape), "words of 256 numbers")


# %% slideshow={"slide_type": "subslide"}
class AttentionBlock(nn.Module):
    """(N, C, H, W) → the same: each place combines all places, and x is added."""

    def __init__(self, C):
        super().__init__()
        self.norm, self.out = nn.LayerNorm(C), nn.Linear(C, C)
        self.three = nn.Linear(C, 3 * C)  # queries, keys and values

    def forward(self, x):
        words = x.flatten(2).mT  # (N, H·W, C)
        # chunk: three parts of equal size, along the last axis
        Q, K, V = self.three(self.norm(words)).chunk(3, dim=2)
        weights = (Q @ K.mT / Q.shape[2] ** 0.5).softmax(dim=2)  # (N, H·W, H·W)
        return x + self.out(weights @ V).mT.view_as(x)  # view_as: in the form of x


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Six blocks at one width
#
# All of them go from 256 channels to 256. **Predict:** which has the fewest parameters?
# And whose work grows most when the sides of the maps are four times as long?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
blocks = {
    "ResNet, two 3×3": ResidualBlock(256, 256), "bottleneck": Bottleneck(256, 64),
    "depthwise, then 1×1": Separable(256, 256),
    "bottleneck, squeeze-excite":
        nn.Sequential(Bottleneck(256, 64), SqueezeExcite(256)),
    "ConvNeXt": ConvNeXtBlock(256), "self-attention alone": AttentionBlock(256),
}  # fmt: skip
rows = []
for name, block in blocks.items():
    tables = [layer_table(block, input_size=(256, W, W)) for W in (14, 56)]
    small, large = (table.multiply_adds for table in tables)
    numbers = tables[0].parameters, f"{small / 1e6:.1f}", f"{large / 1e6:.0f}"
    rows.append([name, *numbers, f"{large / small:.0f} times"])
head = ["block", "parameters", "M multiply-adds, 14×14", "56×56", "grows"]
show_table(head, rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Sixteen times as many places cost a convolution sixteen times the work. Attention
# compares each place with every place, which makes 256 times as many pairs (its block,
# dense layers included, lies in between). That is why transformers cut pictures into
# patches first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your own question
#
# Now it is your turn, and nothing will check you but other people. Ask something that
# you can *measure* with what you have built, such as:
#
# - What do the photographs that your network gets wrong have in common?
# - How many photographs of a class are enough?
# - Does mirroring in training help with mugs? With letters?
# - Does it look at the dog or at the sofa?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What makes a good answer
#
# | | not yet | solid | convincing |
# |---|---|---|---|
# | question | "Does it work?" | can be measured | and predicted in writing beforehand |
# | data | whatever was there | says whose, and how many | and split by what is new |
# | measure | one number | a number with its control | and repeated, with its spread |
# | failures | none are shown | some are shown | and sorted, by what they share |
# | conclusion | "It is good" | follows from the number | and says what can refute it |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Write it down
#
# Double-click here.
#
# - *I ask whether …*
# - *I expect …, because …*
# - *I measured … on … photographs; the test set is new in that …*
# - *My control was …; it gave …*
# - *I found …; it fails for …*
# - *I would change my mind if …*
#
# Then swap pages with somebody, and place each other's answer in the table, row by row.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Crops of one photograph in both sets.** That is a memory test.
# - **Your own mean and standard deviation.** Use the network's.
# - **A high rate in fine-tuning.** What it knew is lost in a few steps.
# - **No control.** Try random weights, or classes by the toss of a coin.
# - **A heat map mistaken for an explanation.** It says where, not why.
# - **Confidence mistaken for knowledge.** The network cannot say "none of these".

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("14", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and the end
#
# - A backbone and one new layer learn your own classes from a few photographs.
# - Split by what will be new, or the test flatters you.
# - Grad-CAM: the maps, weighted by the mean of their gradients. It says where, not why.
# - New blocks are changes to old ones, and you can count them.
#
# The course began with one noisy sensor. It ends with your own photographs, and a
# question that nobody has answered yet.
