# %% [markdown] slideshow={"slide_type": "slide"}
# # 13 Which network?
#
# You know the networks; now compare them. Afterwards you can
#
# - say what an error by year shows, and what it hides;
# - put accuracy against work, memory and time;
# - choose a network for a task, and defend the choice.
#
# About 60 minutes. You need: lessons 06 to 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 60 minutes with the exercises, 30 without. The map deserves ten: let people ask for
# axes. End with the three places in groups, each defending its choice against the
# others.

# %% slideshow={"slide_type": "skip"}
import statistics
import time
from functools import partial

import matplotlib.pyplot as plt
import torch
from torchvision import models

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.device import best_device
from helpers.drawing import BLACK, BLUE, GREY
from helpers.exercises import answer, exercise, start
from helpers.networks import alexnet, googlenet, resnet, vgg
from helpers.plots import show, show_grids, show_table
from lessons.l13_which_network.explorer import Network, network_explorer

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Six years of one contest
#
# ILSVRC: 1.2 million images, a thousand classes. Each entry may make five guesses an
# image; the **top-5 error** counts the images for which none is right.
#
# **Predict:** as the error fell from 28 % to 4 %, how did the depth grow?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
contest = {  # entry: year, top-5 error in %, layers (none was counted before 2012)
    "2010, no network": (2010, 28.2, 0),
    "2011, no network": (2011, 25.8, 0),
    "2012 AlexNet": (2012, 16.4, 8),
    "2013 ZFNet": (2013, 11.7, 8),
    "2014 VGG": (2014, 7.3, 19),
    "2014 GoogLeNet": (2014, 6.7, 22),
    "2015 ResNet": (2015, 3.57, 152),
}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.1), sharey=True)
colours = [BLUE if depth else GREY for _, _, depth in contest.values()]
for ax, column, label in ((axes[0], 1, "top-5 error in %"), (axes[1], 2, "layers")):
    values = [entry[column] for entry in contest.values()]
    bars = ax.barh(list(contest), values, color=colours)
    texts = [f"{v:g}" if v else "–" for v in values]
    rim = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.bar_label(bars, texts, padding=4, fontsize=11, bbox=rim)
    ax.set(xlabel=label, xlim=(0, 1.15 * max(values)))
axes[0].axvline(5, color=BLACK, linestyle="--", linewidth=1.2)
axes[0].set_title("dashed: a person, about 5", fontsize=11)
axes[0].invert_yaxis()
show(figure, "Bars of the top-5 error: 28.2 and 25.8 % without networks, then AlexNet "
     "16.4, ZFNet 11.7, VGG 7.3, GoogLeNet 6.7, ResNet 3.57, below a dashed line at 5, "
     "a person. Beside them their layers: none, none, 8, 8, 19, 22, 152.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.1: how much better?
#
# From 16.4 to 11.7 are 4.7 points. But 4.7 of 16.4 mistakes are gone: an improvement of
# 29 %, **relative** to the error before.
#
# How many % were it from 2011 to 2012, and from GoogLeNet to ResNet? Whole numbers will
# do.

# %% slideshow={"slide_type": "-"}
answer("13.1", in_2012=blank(36), in_2015=blank(47))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By year
#
# The last step is only 3 points, and yet, relative to what was left, the largest.
# **Predict:** could the next one be 3 points, too?

# %% slideshow={"slide_type": "-"}
best = {}
for year, error, _ in contest.values():
    best[year] = min(error, best.get(year, 100))
rows = [
    [str(year), error, round(before - error, 2), f"{(before - error) / before:.0%}"]
    for (year, error), before in zip(list(best.items())[1:], best.values())
]
show_table(["year", "best error in %", "points gained", "relative"], rows)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 16 % of what?
#
# The lecture says that ResNet won ImageNet detection by 16 %, localisation by 27 %.
# Points, or relative? Detection is scored (more is better), localisation an error.

# %% slideshow={"slide_type": "-"}
won = [  # task, second place, ResNet, lectured
    ("detection, mAP", 53.6, 62.1, "16 %"),
    ("localisation, error", 12.3, 9.0, "27 %"),
]
rows = []
for task, second, first, said in won:
    gain = abs(first - second)
    relative = f"{gain / second:.0%}"
    rows.append([task, second, f"{first:.1f}", round(gain, 1), relative, said])
show_table(["task", "second", "ResNet", "points", "relative", "lectured"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Relative, both. So were 11 % in COCO detection and 12 % in COCO segmentation. A "%"
# without "of what" says little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Top-1, top-5, top-k
#
# Five images, five classes, scores in %. A guess is the class with the highest score;
# with k guesses, the k highest. The right class is tinted.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
scored = {"car": (20, 50, 5, 15, 10), "cat": (5, 10, 30, 40, 15),
          "fox": (45, 25, 5, 10, 15), "dog": (30, 5, 28, 15, 22),
          "bus": (20, 60, 10, 6, 4)}  # fmt: skip
classes = ["bus", "car", "cat", "dog", "fox"]
rows = [[name, *map(str, row)] for name, row in scored.items()]
at = [(i + 1, classes.index(name) + 1) for i, name in enumerate(scored)]
title = "it is a … (down), score of … (across)"
show_grids(
    {title: [["", *classes], *rows]},
    alt="Scores of five images for bus, car, cat, dog, fox. A car: 20 50 5 15 10. A "
    "cat: 5 10 30 40 15. A fox: 45 25 5 10 15. A dog: 30 5 28 15 22. A bus: 20 60 10 "
    "6 4.",
    side=36,
    lit={title: at},
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# ### Exercise 13.2: top-k by hand
#
# In % of the five images: the top-1 accuracy, the top-3 accuracy, and the top-2
# *error*.

# %% slideshow={"slide_type": "-"}
answer("13.2", top_1=blank(20), top_3=blank(80), top_2_error=blank(40))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.3: top-k accuracy
#
# Why five guesses? An image may show several things, and only one is its label. Who
# names another of them first should not be wrong.
#
# `scores` is (N, classes), `labels` (N,). The order of the k guesses does not matter.


# %% slideshow={"slide_type": "-"}
@exercise("13.3")
def top_k_accuracy(scores, labels, k):
    """Images, in %, whose label is among the k highest scores."""
    guesses = scores.topk(blank(k), dim=blank(1)).indices  # (N, k)
    hits = (guesses == blank(labels[:, None])).any(dim=blank(1))  # (N,)
    return blank(100 * hits.float().mean())


# %% slideshow={"slide_type": "fragment"}
scores = torch.tensor(list(scored.values()), dtype=torch.float32)
labels = torch.tensor([classes.index(name) for name in scored])
print([round(float(top_k_accuracy(scores, labels, k))) for k in range(1, 6)])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the bars hide
#
# A contest entry is rarely one network. **Predict:** one network alone, one view of
# each image: better or worse than its bar?


# %% slideshow={"slide_type": "-"}
def published(key):
    """Top-1 and top-5 accuracy in %, as torchvision measured its first weights."""
    meta = models.get_model_weights(key).IMAGENET1K_V1.meta
    return [meta["_metrics"]["ImageNet-1K"][name] for name in ("acc@1", "acc@5")]


entries = [  # contest entry, torchvision's network, what was averaged
    ("2012 AlexNet", "alexnet", "five networks"),
    ("2014 VGG", "vgg19", "seven networks"),
    ("2014 GoogLeNet", "googlenet", "seven networks, 144 views"),
    ("2015 ResNet", "resnet152", "six networks, many sizes"),
]

# %% slideshow={"slide_type": "subslide"}
show_table(
    ["entry", "lectured", "torchvision, one network", "why: the entry averaged"],
    [
        [name, contest[name][1], f"{100 - published(key)[1]:.1f}", why]
        for name, key, why in entries
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More to be careful about
#
# - torchvision trained most of these again, by a simple recipe of its own.
# - 2013's 11.7 % is the entry of Clarifai, Zeiler's company; the paper's ZFNets reach
#   14.8 %.
# - "A person" was one, after training on the task: 5.1 % on 1500 images. "Superhuman",
#   as one lecture says, is true of this test, not of seeing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Same network, another recipe
#
# torchvision has two sets of weights for ResNet-50: the same layers, trained twice.
# **Predict:** how much can training alone be worth?

# %% slideshow={"slide_type": "-"}
for weights in models.ResNet50_Weights:
    accuracy = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    print(weights.name, f"{accuracy:.1f} % top-1")
print(f"ResNet-152, first weights: {published('resnet152')[0]:.1f} %")

# %% [markdown] slideshow={"slide_type": "fragment"}
# More than a hundred further layers. To compare *networks*, we take the first weights
# of each; they still differ in recipe, the later networks' most of all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Collect the networks
#
# Our own, with torchvision's counts of weights, and three that came **after the
# lecture**: DenseNet concatenates what ResNet adds; MobileNet-V2 and EfficientNet-B0
# convolve each channel by itself, and mix channels by 1×1.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
makers = {  # name: year, depth, torchvision's name, how to make it
    "AlexNet": (2012, 8, "alexnet", partial(alexnet, "torchvision")),
    "GoogLeNet": (2014, 22, "googlenet", partial(googlenet, False, "torchvision")),
    **{f"VGG-{d}": (2014, d, f"vgg{d}", partial(vgg, d)) for d in (11, 13, 16, 19)},
    **{f"ResNet-{d}": (2015, d, f"resnet{d}", partial(resnet, d))
       for d in (18, 34, 50, 101, 152)},
    "DenseNet-121": (2016, 121, "densenet121", models.densenet121),
    "MobileNet-V2": (2018, 53, "mobilenet_v2", models.mobilenet_v2),
    "EfficientNet-B0": (2019, 82, "efficientnet_b0", models.efficientnet_b0),
}  # fmt: skip
print(len(makers), "networks; later than the lecture:", ", ".join(list(makers)[-3:]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Count them
#
# Accuracy is *published*, work and memory are *counted*, by the table you know from
# lesson 06, for one image of 224×224, in evaluation.

# %% slideshow={"slide_type": "-"}
tables, networks = {}, {}
for name, (year, depth, key, make) in makers.items():
    with torch.device("meta"):  # shapes only
        table = tables[name] = layer_table(make().eval(), input_size=(3, 224, 224))
    counts = table.multiply_adds, table.parameters, table.activations
    networks[name] = Network(year, depth, *published(key), *counts)

for quantity, value in networks["ResNet-50"]._asdict().items():
    print(f"{quantity:<13} {value}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The closing figure
#
# Accuracy against work, the area of a dot for the parameters: the lecture's last
# figure, with our counts. Point at a dot, or choose below "show", to read its numbers.
#
# **Find** the network with the most parameters. Then change the axes: what grew by
# year, what did not?

# %% slideshow={"slide_type": "subslide"}
network_explorer(networks, show="ResNet-50")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.4: read the map
#
# Of all fourteen: which has the most parameters, which works most (multiply-adds), and
# which puts out the most numbers (activations)? Names as on the map, in quotes.

# %% slideshow={"slide_type": "-"}
answer(
    "13.4",
    most_parameters=blank("VGG-19"),
    most_work=blank("VGG-19"),
    most_activations=blank("ResNet-152"),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lecture's figure, checked: accuracy
#
# Top-1 accuracy in %. Papers often average ten crops of an image, or several sizes;
# torchvision takes one.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
claims = [  # network, lectured, published in its paper, why
    ("AlexNet", "below 55", 59.3, "paper: ten crops averaged; figure: one"),
    ("VGG-19", "in the 70s", 74.5, "paper: trained on several sizes"),
    ("ResNet-18", "about 70", 72.1, "paper: ten crops"),
    ("ResNet-152", "about 77", 78.6, "paper: ten crops"),
    ("Inception-v4", "80", 80.0, "2016; not among torchvision's networks"),
]
measured = {name: f"{network.top1:.1f}" for name, network in networks.items()}
show_table(
    ["network", "lectured", "published", "torchvision", "why"],
    [
        [name, said, f"{paper:.1f}", measured.get(name, "–"), why]
        for name, said, paper, why in claims
    ],
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# They agree to a few points. But a few points are all that one ResNet has over the
# next: compare only what was measured alike.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lecture's figure, checked: size
#
# Millions of parameters (M), thousand millions of multiply-adds (G).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
most = {
    quantity: max(networks, key=lambda name: getattr(networks[name], quantity))
    for quantity in ("parameters", "multiply_adds")
}
size = {name: f"{network.parameters / 1e6:.1f} M" for name, network in networks.items()}
largest = f"{most['parameters']}, {size[most['parameters']]}"
work = f"{networks[most['multiply_adds']].multiply_adds / 1e9:.1f} G"
show_table(
    ["claim", "lectured", "computed", "why"],
    [
        ["the largest", "AlexNet", largest, f"a slip: AlexNet has {size['AlexNet']}"],
        ["the largest, corrected", "VGG", largest, "three dense layers: 124 M"],
        ["the most work", "VGG", f"{most['multiply_adds']}, {work}", "wide maps"],
        ["VGG below AlexNet", "yes", f"no: VGG-16 {size['VGG-16']}", "the same slip"],
        ["GoogLeNet below it", "yes", f"yes: {size['GoogLeNet']}", "one dense layer"],
        ["ResNet below it", "yes", f"yes: {size['ResNet-152']} at 152", "a close call"],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who is dominated?
#
# A network is **dominated** when another does no more work, is no less accurate, and is
# better in one of the two. There is no reason to take it, as far as these two numbers
# go.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
some = ["AlexNet", "GoogLeNet", "ResNet-18", "ResNet-34", "ResNet-50", "VGG-16"]
show_table(
    ["network", "multiply-adds, G", "top-1 accuracy, %"],
    [[name, f"{networks[name].multiply_adds / 1e9:.2f}", f"{networks[name].top1:.1f}"]
     for name in some],
)  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# ### Exercise 13.5: dominated, by hand
#
# Of these six, which are? Equal accuracy in the table counts as equal. A set of names:
# `{"AlexNet", …}`.

# %% slideshow={"slide_type": "-"}
answer("13.5", dominated=blank({"ResNet-18", "VGG-16"}))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.6: the front
#
# ResNet-18 by a hair: 69.758 against GoogLeNet's 69.778 are 10 images of 50 000. Train
# both again, and it may be the other way round.
#
# Those that nobody dominates form the **Pareto front**. `networks` maps each name to
# (work, accuracy). Two that are equal in both do not dominate each other.


# %% slideshow={"slide_type": "-"}
@exercise("13.6")
def pareto_front(networks):
    """Names of the networks that no other dominates."""
    front = []
    for name, (work, accuracy) in networks.items():
        beaten = any(
            blank(w <= work and a >= accuracy and (w, a) != (work, accuracy))
            for w, a in networks.values()
        )
        if blank(not beaten):
            front.append(name)
    return front


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two fronts
#
# **Predict:** how many of the lecture's eleven are on it? And once the three later ones
# join?

# %% slideshow={"slide_type": "-"}
costs = {name: (n.multiply_adds, n.top1) for name, n in networks.items()}
lectured = {name: costs[name] for name in costs if networks[name].year <= 2015}
for title, group in (("the lecture's", lectured), ("all fourteen", costs)):
    print(title, "→", ", ".join(sorted(pareto_front(group), key=group.get)))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Three of fourteen are left. Every VGG is dominated; it lives on because its maps are
# simple to reuse. A front is about two numbers, not about all that matters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Accuracy per operation?
#
# **Predict:** which network gives the most accuracy for each G? Is it the best?

# %% slideshow={"slide_type": "-"}
ranked = sorted(networks, key=lambda name: costs[name][1] / costs[name][0])
rows = [
    [name, f"{costs[name][1]:.1f}", f"{costs[name][1] / costs[name][0] * 1e9:.0f}"]
    for name in reversed(ranked)
]
show_table(["network", "top-1, %", "points per G"], [*rows[:3], ["…"] * 3, *rows[-2:]])

# %% [markdown] slideshow={"slide_type": "fragment"}
# AlexNet is third, and the least accurate of all. Guessing blindly would be first:
# 0.1 % right for no work at all. A ratio forgets how much accuracy you *need*. Better
# ask what the next G brings.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.7: what the last points cost
#
# Points of accuracy gained for each additional G: from ResNet-18 to 34, and from
# ResNet-50 to 152. To two digits.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
show_table(
    ["network", "multiply-adds, G", "top-1 accuracy, %"],
    [[name, f"{costs[name][0] / 1e9:.2f}", f"{costs[name][1]:.2f}"]
     for name in networks if name.startswith("ResNet")],
)  # fmt: skip

# %% slideshow={"slide_type": "-"}
answer("13.7", from_18_to_34=blank(1.9), from_50_to_152=blank(0.29))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Diminishing returns

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
names = [name for name in networks if name.startswith("ResNet")]
work = [costs[name][0] / 1e9 for name in names]
accuracy = [costs[name][1] for name in names]
figure, ax = plt.subplots(figsize=(8.4, 3.3))
ax.plot(work, accuracy, "o-", color=BLUE, markersize=7)
for x, y, name in zip(work, accuracy, names):
    ax.annotate(name, (x, y), (8, -14), textcoords="offset points", fontsize=12)
ax.set(xlabel="multiply-adds, G", ylabel="top-1 accuracy, %", xlim=(0, 13.5))
ax.set_ylim(68.5, 79.5)
show(figure, "A curve through ResNet-18, 34, 50, 101 and 152: steep at first, from 70 "
     "to 76 % within 2.3 G, then flat, 78 % at 11.5 G.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "fragment"}
# The same G brings six times less at the end. Worth it? For a medical scan perhaps; for
# a filter on a phone hardly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Memory: in use, and in training
#
# In use, the weights stay, and at least the largest map: others go once the next layer
# has them. In training **everything** stays until the gradients are there:
#
# - for each parameter: weight, gradient, momentum;
# - for each image of the batch: all activations.
#
# **Predict:** what fills the memory, VGG's weights or its maps?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.8: memory for training
#
# In bytes; a float32 has 4. `activations` is for one image.


# %% slideshow={"slide_type": "-"}
@exercise("13.8")
def training_memory(parameters, activations, batch):
    """Bytes that a step of SGD with momentum needs, in float32."""
    return blank(4 * (3 * parameters + batch * activations))


# %% slideshow={"slide_type": "subslide"}
rows = []
for name in ("AlexNet", "VGG-16", "ResNet-50", "ResNet-152", "MobileNet-V2"):
    n = networks[name]
    widest = max(layer.activations for layer in tables[name].rows)
    step = training_memory(n.parameters, n.activations, batch=64)
    use = 4 * (n.parameters + widest)
    rows.append([name, f"{4 * n.parameters / 1e6:.0f} MB", f"{use / 1e6:.0f} MB",
                 f"{step / 1e9:.1f} GB"])  # fmt: skip
show_table(["network", "weights", "in use, at least", "training, batch 64"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# In use VGG-16 is the heaviest, by its weights; in training ResNet-152, by its maps.
# MobileNet-V2 needs 14 MB of weights, and 5 GB to train.
#
# (About: frameworks save some maps, keep others twice, and need room to work in.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Operations are not seconds
#
# A processor can multiply only what has arrived. Ours, made up, does 100 G
# multiply-adds a second, and fetches 10 GB of weights a second from its memory, both at
# once: the slower one decides.
#
# **Predict:** AlexNet has 0.7 G of work for an image, ResNet-18 has 1.8 G. Which is
# faster?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.9: compute or fetch?
#
# Milliseconds for one image, weights in float32. AlexNet: 0.7 G, 61 M parameters.
# ResNet-18: 1.8 G, 12 M parameters.

# %% slideshow={"slide_type": "-"}
answer("13.9", alexnet=blank(24.4), resnet18=blank(18))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Less than half the work, and slower: AlexNet's dense layers use each weight **once**
# an image, a convolution uses its own at every place. With 32 images at a time, one
# fetch serves all, and AlexNet is ahead again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured, on this computer
#
# One image, weights of zero (they take as long as others). **Predict:** is the order of
# the times that of the operations? And the time for each G?


# %% slideshow={"slide_type": "-"}
device = best_device()


def milliseconds(name):
    """Time of one image through a network on this device: the median of three."""
    with torch.device("meta"):
        network = makers[name][-1]()
    network = network.to_empty(device=device).eval()
    times, image = [], torch.zeros(1, 3, 224, 224).to(device)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.zero_()
        for _ in range(4):  # the first is slower
            begin = time.perf_counter()
            network(image).cpu()  # waits until a GPU has done it
            times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times[1:])


# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
# Not compared: times depend on the machine, and on what else it is doing.
rows = []
for name in ("MobileNet-V2", "AlexNet", "ResNet-18", "VGG-11"):
    taken, work = milliseconds(name), networks[name].multiply_adds / 1e9
    rows.append([name, f"{work:.1f}", f"{taken:.0f}", f"{taken / work:.0f}"])
show_table(["network", "G", "milliseconds", "milliseconds for each G"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A G is not a G: expect the thin layers of MobileNet-V2 and the dense ones of AlexNet
# to take longest for each. On a GPU, one image at a time, **depth** counts: layers wait
# for each other, however small. So measure where it will run.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Choose within a budget
#
# A task gives limits: work for each image, room for the weights. Among those that fit,
# take the most accurate.
#
# **Predict:** is it always the largest that fits?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.10: choose
#
# `networks` maps names to (work, parameters, accuracy). What uses exactly the limit
# fits. When nothing fits: None.


# %% slideshow={"slide_type": "-"}
@exercise("13.10")
def choose(networks, most_work, most_parameters):
    """Name of the most accurate network within the budget, or None."""
    fits = {
        name: accuracy
        for name, (work, parameters, accuracy) in networks.items()
        if blank(work <= most_work and parameters <= most_parameters)
    }
    return blank(max(fits, key=fits.get)) if fits else None


# %% slideshow={"slide_type": "subslide"}
offers = {name: (n.multiply_adds, n.parameters, n.top1) for name, n in networks.items()}
eleven = {name: offers[name] for name in lectured}
for limit in (1e9, 2e9, 5e9, 1e10, 2e10):
    print(f"{limit / 1e9:g} G:", choose(eleven, limit, most_parameters=2e8))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The lecture's eleven, with room for any of them. At 5 G the largest that fits would be
# AlexNet. What is dominated is never chosen: no VGG appears.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.11: three places
#
# | place | work there is | images | room for weights |
# |---|---|---|---|
# | phone | 12 G a second | 30 a second | 20 MB, 4 bytes each |
# | server | 100 G a second | 10 a second | 1 GB, 4 bytes each |
# | microcontroller | 0.1 G a second | 1 a second | 1 MB, 1 byte each |
#
# The most accurate of the fourteen for each, or `"none"`. Use the map, or
# `choose(offers, …)`, which gives None where nothing fits.

# %% slideshow={"slide_type": "-"}
answer(
    "13.11",
    phone=blank("MobileNet-V2"),
    server=blank("EfficientNet-B0"),
    microcontroller=blank("none"),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Defend it
#
# Choose one place, and write (double-click here):
#
# - *I take … because …*
# - *The next best was …; it fails by …*
# - *I did not count …* (time, training, the recipe, your own images)
# - *I would change my mind if …*
#
# Then read it to someone who would take another.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Points taken for %.** Say of what.
# - **An entry taken for a network.** Contests average many.
# - **Recipes compared as networks.** Training alone is worth points.
# - **Parameters taken for work,** or for memory in training.
# - **Operations taken for seconds.** Measure.
# - **The largest that fits.** It may be dominated.
# - **Accuracy on ImageNet taken for yours.** Test on your own images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you built
#
# - A weighted mean of a noisy sensor, slid over an image.
# - The output size, pooling, gradients: a network by hand.
# - LeNet-5 to ResNet, each counted to the last weight.
# - Batch norm, shortcuts, a trained network of your own.
# - About a hundred answers, and some errors of the lecture that you found yourself.
#
# Well done.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# Of what, how measured, at which cost: ask these of every number. Then read a paper:
#
# - *Deep residual learning* (He, 2015): you know most of it.
# - *MobileNetV2* (Sandler, 2018): work well spent.
# - *U-Net* (Ronneberger, 2015): a class for each pixel.
# - *A ConvNet for the 2020s* (Liu, 2022).
# - *MCUNet* (Lin, 2020): for the microcontroller.
