# %% [markdown] slideshow={"slide_type": "slide"}
# # 13 Which network?
#
# You know the networks. Now you compare them. After this lesson you can
#
# - say what a list of errors by year shows, and what it hides;
# - weigh accuracy against work, memory and time;
# - choose a network for a task, and defend your choice.
#
# About 95 minutes. You need: lessons 06 to 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 95 minutes with the exercises, 35 without. The closing figure deserves ten minutes:
# let people call out what to put on its axes. End with the three places in groups, and
# let each group defend its choice against the others.

# %% slideshow={"slide_type": "skip"}
import statistics
import time
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import nn
from torchvision import models

from helpers.authoring import blank
from helpers.counting import layer_table
from helpers.device import best_device
from helpers.drawing import BLACK, BLUE, GREY
from helpers.exercises import answer, exercise, start
from helpers.networks import alexnet, googlenet, resnet, vgg
from helpers.plots import show, show_grids, show_table
from lessons.l13_which_network.explorer import Network, network_explorer
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Six years of one contest
#
# The contest is called ILSVRC: 1.2 million images, a thousand classes. An entry may
# make five guesses for each image, and the **top-5 error** is the share of images for
# which none of the five is right.
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
    texts = ["16.4 (or 15.3)" if text == "16.4" else text for text in texts]
    rim = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.bar_label(bars, texts, padding=4, fontsize=11, bbox=rim)
    ax.set(xlabel=label, xlim=(0, 1.15 * max(values)))
axes[0].axvline(5, color=BLACK, linestyle="--", linewidth=1.2)
axes[0].set_title("dashed: a person, about 5", fontsize=11)
axes[0].invert_yaxis()
show(figure, "Bars of the top-5 error: 28.2 and 25.8 % without networks, then AlexNet "
     "16.4 (or 15.3), ZFNet 11.7, VGG 7.3, GoogLeNet 6.7, ResNet 3.57, below a dashed "
     "line at 5, a person. Beside them the layers: none, none, 8, 8, 19, 22, "
     "152.")  # fmt: skip

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.1: how much better?
#
# From 16.4 % to 11.7 % is 4.7 points. But of every 164 mistakes, 47 are gone: an
# improvement of 29 % **relative** to the error before.
#
# How many % was it from 2011 to 2012 (take 16.4), and how many from GoogLeNet to
# ResNet? Whole numbers will do.

# %% slideshow={"slide_type": "-"}
answer("13.1", in_2012=blank(36), in_2015=blank(47))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By year
#
# The last step is only 3 points, and yet it is the largest, relative to what was left.
# **Predict:** could the next step be 3 points again?

# %% slideshow={"slide_type": "-"}
best = {}
for year, error, _ in contest.values():
    best[year] = min(error, best.get(year, 100))
rows = [
    [str(year), error, round(before - error, 2), f"{(before - error) / before:.0%}"]
    for (year, error), before in zip(list(best.items())[1:], best.values())
]
show_table(["year", "best error in %", "points gained", "relative"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Hardly: of the 3.57 % that was left, it would have had to remove 84 %.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 16 % of what?
#
# The lecture says that ResNet won ImageNet detection by 16 % and localisation by 27 %.
# Are those points, or relative? Detection gets a score, the mean average precision
# (mAP), where more is better; for localisation it is an error.

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
# Both are relative, and so were the 11 % in COCO detection and the 12 % in COCO
# segmentation. A "%" says little until you know of what.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Top-1, top-5, top-k
#
# Here are five images, five classes and their scores in %. With one guess, you name the
# class with the highest score; with k guesses, the k highest. The right class is
# tinted.

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
# What are the top-1 accuracy, the top-3 accuracy and the top-2 *error*, each in % of
# the five images?

# %% slideshow={"slide_type": "-"}
answer("13.2", top_1=blank(20), top_3=blank(80), top_2_error=blank(40))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.3: top-k accuracy
#
# Why five guesses? An image may show several things, and only one of them is its label.
# A network that ranks one of the others first should not count as wrong.
#
# `scores` is (N, classes), `labels` is (N,). `topk` finds the k highest scores; their
# order does not matter here. `None` in the brackets adds an axis of length 1, as in
# lesson 00: when `v` is (N,), `v[:, None]` is (N, 1).


# %% slideshow={"slide_type": "-"}
@exercise("13.3")
def top_k_accuracy(scores, labels, k):
    """Images, in %, whose label is among the k highest scores."""
    guesses = scores.topk(blank(k), dim=blank(1)).indices  # (N, k)
    hits = (guesses == blank(labels[:, None])).any(dim=blank(1))  # (N,)
    return blank(100 * hits.float().mean())


# %% slideshow={"slide_type": "fragment"}
# float32: real numbers of 32 bits; without it, whole numbers would stay whole
scores = torch.tensor(list(scored.values()), dtype=torch.float32)
labels = torch.tensor([classes.index(name) for name in scored])
print([round(float(top_k_accuracy(scores, labels, k))) for k in range(1, 6)])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the bars hide
#
# A contest entry is rarely one network: its authors average several of them, over
# several views of each image. **Predict:** is one network alone, with one view, better
# or worse than its bar?


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
# ## 16.4 or 15.3?
#
# The lecture has 16.4 % for 2012. The abstract of AlexNet's own paper has 15.3 %, the
# number that won. **Predict:** which of the two is wrong?

# %% slideshow={"slide_type": "fragment"}
alexnets = [  # Krizhevsky and others 2012, table 2: networks, trained on, top-5 error
    ("one", "the contest's images", "18.2, validation"),
    ("five, averaged", "the contest's images", "16.4"),
    ("seven, averaged", "two of them on all of ImageNet first", "15.3"),
]
show_table(["networks", "trained on", "top-5 error in %"], alexnets)
for error in (16.4, 15.3):
    print(f"{error} %: {(25.8 - error) / 25.8:.0%} better than the 25.8 % of 2011")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Neither. For 15.3 %, two more networks were added, which had first been trained on the
# whole ImageNet of autumn 2011, 15 million images in 22 000 classes (section 6 of the
# paper). With the contest's images alone the error is 16.4 %, and the other bars, too,
# stand for entries that used no other images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More to be careful about
#
# - torchvision trained most of these networks again, with a simple recipe of its own.
# - The 11.7 % of 2013 is the entry of Clarifai, Zeiler's company; the paper's ZFNets
#   reach 14.8 %.
# - "A person" was a single one, who had practised for it: 5.1 % on 1500 images. One
#   lecture calls ResNet superhuman. That is true of this test, not of seeing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Same network, another recipe
#
# torchvision has two sets of weights for ResNet-50: the same layers, trained twice.
# **Predict:** how many points can the training alone be worth?

# %% slideshow={"slide_type": "-"}
for weights in models.ResNet50_Weights:  # each has a name, and what is known of it
    accuracy = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    print(weights.name, f"{accuracy:.1f} % top-1")
print(f"ResNet-152, first weights: {published('resnet152')[0]:.1f} %")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nearly five. That is more than ResNet-152 gains over ResNet-50 with its hundred
# additional layers. To compare *networks*, we take the first weights of each. Even so
# their recipes differ, those of the later networks most of all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Collect the networks
#
# We take eleven networks of the lectures, sized as in torchvision, and three that came
# **later**. DenseNet concatenates where ResNet adds. MobileNet-V2 and EfficientNet-B0
# convolve each channel by itself, then mix the channels with 1×1 kernels.

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
print(len(makers), "networks; the three later ones:", ", ".join(list(makers)[-3:]))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Count them
#
# The accuracy is *published*. Work and memory are *counted*, with the table you know
# from lesson 06, for one image of 224×224 and in evaluation mode.

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
# ## At the top: Inception-v4
#
# The lecture's last figure has one more network, above all the others: Inception-v4, of
# 2016, with modules as in lesson 09, and many more of them. torchvision does not have
# it, so its numbers are quoted.
#
# **Predict:** does it have more parameters than ResNet-152? Does it do more work?

# %% slideshow={"slide_type": "subslide"}
quoted = {
    "Inception-v4": Network(
        year=2016,
        depth=76,
        top1=80.0,  # and top5: Szegedy and others 2017, table 1, one crop of 299×299
        top5=95.0,
        multiply_adds=12_253_974_624,  # counted for 299×299, from the library timm
        parameters=42_679_816,  # the lecture reads 30 to 35 million off the dot
        activations=65_363_176,
    )
}

# %% slideshow={"slide_type": "fragment"}
for name, n in {**quoted, "ResNet-152": networks["ResNet-152"]}.items():
    print(f"{name}: {n.top1:.1f} %", end=", ")
    print(f"{n.parameters / 1e6:.1f} M parameters, {n.multiply_adds / 1e9:.1f} G")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Fewer parameters (M stands for a million), and a little more work (G: a thousand
# million multiply-adds), for its images are larger: 299×299 pixels are 1.8 times as
# many as 224×224. On images of 224×224 its work would be 6.1 G. (timm is a library of
# networks; its own card for this one says
# [42.7 M and 12.3 G](https://huggingface.co/timm/inception_v4.tf_in1k).)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The closing figure
#
# This is the lecture's last figure: accuracy against work, and the area of a dot shows
# the parameters. All counts but Inception-v4's are ours. Point at a dot, or choose it
# under "show", to read its numbers.
#
# **Find** the network with the most parameters. Then change the axes: what grew over
# the years, and what did not?

# %% slideshow={"slide_type": "subslide"}
network_explorer({**networks, **quoted}, show="Inception-v4")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.4: read the map
#
# Of the fourteen that we counted, which has the most parameters, which needs the most
# work (multiply-adds), and which puts out the most numbers (activations)? Write names
# as on the map, in quotes.

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
# These are top-1 accuracies in %. Papers often average over ten crops of an image, or
# over several sizes; torchvision takes one centre crop.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
claims = [  # network, lectured, published in its paper, why
    ("AlexNet", "below 55", 59.3, "paper: ten crops averaged; figure: one"),
    ("VGG-19", "in the 70s", 74.5, "paper: trained on several sizes"),
    ("ResNet-18", "about 70", 72.1, "paper: ten crops"),
    ("ResNet-152", "about 77", 78.6, "paper: ten crops"),
    ("Inception-v4", "80", 80.0, "paper: one crop; not among torchvision's"),
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
# They agree to within a few points. But a few points are all that separates one ResNet
# from the next, so compare only what was measured in the same way.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lecture's figure, checked: size
#
# As before, M is a million (of parameters), and G a thousand million (of
# multiply-adds).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
most = {
    quantity: max(networks, key=lambda name: getattr(networks[name], quantity))
    for quantity in ("parameters", "multiply_adds")
}
size = {name: f"{network.parameters / 1e6:.1f} M" for name, network in networks.items()}
v4 = f"{quoted['Inception-v4'].parameters / 1e6:.1f} M"
largest = f"{most['parameters']}, {size[most['parameters']]}"
work = f"{networks[most['multiply_adds']].multiply_adds / 1e9:.1f} G"
show_table(
    ["claim", "lectured", "computed", "why"],
    [
        ["the largest", "AlexNet", largest, f"a slip: AlexNet has {size['AlexNet']}"],
        ["the largest, corrected", "VGG", largest, "three dense layers: 124 M"],
        ["the most work", "VGG", f"{most['multiply_adds']}, {work}", "wide maps"],
        ["VGG below AlexNet", "yes", f"no: VGG-16 {size['VGG-16']}", "the same slip"],
        ["GoogLeNet below AlexNet", "yes", f"yes: {size['GoogLeNet']}", "global mean"],
        ["ResNet below AlexNet", "yes", f"yes: {size['ResNet-152']} at 152", "barely"],
        ["Inception-v4", "30 to 35 M", f"{v4} (quoted)", "read off a dot's size"],
    ],
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who is dominated?
#
# A network is **dominated** when another one does no more work, is no less accurate,
# and is better in at least one of the two. As far as these two numbers go, there is no
# reason to take it.

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
# Which of these six are dominated? Accuracies that are equal in the table count as
# equal. Answer with a set of names: `{"AlexNet", …}`.

# %% slideshow={"slide_type": "-"}
answer("13.5", dominated=blank({"ResNet-18", "VGG-16"}))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.6: the front
#
# With ResNet-18 it was close: its 69.758 % and GoogLeNet's 69.778 % are 10 images of
# 50 000 apart. Train both again, and it may be the other way round.
#
# The networks that nothing dominates form the **Pareto front**. `networks` maps each
# name to (work, accuracy). Two that are equal in both do not dominate each other.


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
# ## Three fronts
#
# **Predict:** how many of the lectures' eleven are on the front? And how many of all,
# once the three later ones join, and then Inception-v4?

# %% slideshow={"slide_type": "-"}
costs = {name: (n.multiply_adds, n.top1) for name, n in networks.items()}
lectured = {name: costs[name] for name in costs if networks[name].year <= 2015}
more = costs | {name: (n.multiply_adds, n.top1) for name, n in quoted.items()}
groups = {"the lectures'": lectured, "all fourteen": costs, "with Inception-v4": more}
for title, group in groups.items():
    print(title, "→", ", ".join(sorted(pareto_front(group), key=group.get)))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Three of fourteen are left, and in the end Inception-v4 joins them: the most accurate
# is never dominated. Every VGG is dominated. The VGGs live on because a plain chain of
# layers can be cut anywhere, and its maps reused. A front is about two numbers, not
# about all that matters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Accuracy per operation?
#
# **Predict:** which network gives the most accuracy for each G? Does that make it the
# best?

# %% slideshow={"slide_type": "-"}
ranked = sorted(networks, key=lambda name: costs[name][1] / costs[name][0])
rows = [
    [name, f"{costs[name][1]:.1f}", f"{costs[name][1] / costs[name][0] * 1e9:.0f}"]
    for name in reversed(ranked)
]
show_table(["network", "top-1, %", "points per G"], [*rows[:3], ["…"] * 3, *rows[-2:]])

# %% [markdown] slideshow={"slide_type": "fragment"}
# AlexNet comes third, and is the least accurate of all. Blind guessing would come
# first: 0.1 % right for no work at all. A ratio forgets how much accuracy you *need*.
# It is better to ask what the next G brings.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.7: what the last points cost
#
# How many points of accuracy does each additional G bring, from ResNet-18 to 34 and
# from ResNet-50 to 152? Two significant digits will do.

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
# At the end, a G brings less than a sixth of what it brought at the start. Is that
# worth it? For a medical scan, perhaps; for a filter on a phone, hardly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Memory: at inference, and in training
#
# At inference, memory holds the weights and, at least, the maps of the layer that puts
# out most; other maps go once the next layer has used them. In training **everything**
# stays until the gradients are there:
#
# - for each parameter: weight, gradient, momentum;
# - for each image of the batch: all activations.
#
# **Predict:** what fills the memory in training, VGG's weights or its maps?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.8: memory for training
#
# Give the memory in bytes; a number in float32 takes 4. `activations` is for one image.


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
show_table(["network", "weights", "inference, at least", "training, batch 64"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# At inference VGG-16 needs the most memory, for its weights. In training its maps fill
# far more than its weights do, and ResNet-152 needs the most, for its maps.
# MobileNet-V2 has 14 MB of weights, and takes 5 GB to train.
#
# (These are estimates: frameworks do without some maps, keep others twice, and need
# room to work in.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Operations are not seconds
#
# A processor can multiply only what has arrived from memory. Imagine one that does
# 100 G multiply-adds a second, and meanwhile fetches 10 GB of weights a second: the
# slower of the two decides.
#
# **Predict:** AlexNet has 0.7 G of work for an image, ResNet-18 has 1.8 G. Which is
# faster?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.9: compute or fetch?
#
# How many milliseconds does one image take on that processor, with weights in float32?
# AlexNet has 0.7 G of work and 61 M parameters, ResNet-18 has 1.8 G and 12 M.

# %% slideshow={"slide_type": "-"}
answer("13.9", alexnet=blank(24.4), resnet18=blank(18))

# %% [markdown] slideshow={"slide_type": "fragment"}
# On this imagined processor AlexNet is slower, with less than half the work. Its dense
# layers use each weight only **once** for an image; a convolution uses its weights at
# every place. With 32 images at a time, one fetch serves them all, and AlexNet is ahead
# again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured, on this computer
#
# Now we time one image, with weights of zero, which take as long as any others.
# **Predict:** do the times come in the same order as the operations? And is the time
# for each G the same?


# %% slideshow={"slide_type": "-"}
device = best_device()


def milliseconds(name):
    """Time of one image through a network on this device: the median of three."""
    with torch.device("meta"):
        network = makers[name][-1]()
    network = network.to_empty(device=device).eval()  # to_empty: room, no numbers yet
    times, image = [], torch.zeros(1, 3, 224, 224).to(device)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.zero_()  # zero_: makes them all 0, where they are
        for _ in range(4):  # the first is slower
            begin = time.perf_counter()
            network(image).cpu()  # waits until a GPU has done it
            times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times[1:])  # median: the middle one, after sorting


# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
# Not compared: times depend on the machine, and on what else it is doing.
rows = []
for name in ("MobileNet-V2", "AlexNet", "ResNet-18", "VGG-11"):
    taken, work = milliseconds(name), networks[name].multiply_adds / 1e9
    rows.append([name, f"{work:.1f}", f"{taken:.0f}", f"{taken / work:.0f}"])
show_table(["network", "G", "milliseconds", "milliseconds for each G"], rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Not every G takes the same time: expect the thin layers of MobileNet-V2 and the dense
# ones of AlexNet to take the longest for each G. On a GPU, one image at a time,
# **depth** counts, because layers wait for each other, however small they are. So
# measure where your network will run.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Choose within a budget
#
# A task sets limits: so much work for each image, so much room for the weights. Among
# the networks that fit, take the most accurate.
#
# **Predict:** is that always the largest one that fits?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.10: choose
#
# `networks` maps names to (work, parameters, accuracy). A network that needs exactly
# the limit fits. When nothing fits, return None.


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
# These are the lectures' eleven, with room for any of them. At 5 G the largest that
# fits would be AlexNet, and it is not chosen. A dominated network never is, so no VGG
# appears.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 13.11: three places
#
# | place | work available | images | room for weights |
# |---|---|---|---|
# | phone | 12 G a second | 30 a second | 20 MB, 4 bytes each |
# | server | 100 G a second | 10 a second | 1 GB, 4 bytes each |
# | microcontroller | 0.1 G a second | 1 a second | 1 MB, 1 byte each |
#
# Name the most accurate of the fourteen that fits each place, or `"none"`. Use the map,
# or `choose(offers, …)`, which gives None where nothing fits.

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
# Then read it to someone who would take another one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take it ready-made?
#
# You will rarely build these networks again: torchvision has them, and one line makes
# one. The practical session said so at its end, and added that you should still know
# how they are built. **Predict:** what for?

# %% slideshow={"slide_type": "-"}
with torch.device("meta"):
    ready = models.resnet50()
print(f"one line: {sum(p.numel() for p in ready.parameters()):,} parameters")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Take ready-made what others have tested: layers, whole networks, trained weights, the
# loading of data. Understand what you will have to change or to doubt: shapes in and
# out, how inputs were normalised, what `eval()` changes, what a number was measured on.
# And what nobody has built yet, you will have to build yourself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## ResNet-50 as a backbone
#
# To find objects, or to describe a picture, people often start from a trained ResNet-50
# without its last layers. What is left is called a **backbone**: it turns an image into
# maps of features. A small **head** for the task goes on top.
#
# **Predict:** if it is cut before global average pooling, what comes out for 224×224
# pixels?

# %% slideshow={"slide_type": "fragment"}
with torch.device("meta"):
    layers = list(ready.children())  # children: its parts, from first to last
    backbone, head = nn.Sequential(*layers[:-2]), nn.Linear(2048, 10)
    for side in (224, 448):
        print(side, "→", tuple(backbone(torch.empty(1, 3, side, side)).shape))
for name, part in (("backbone", backbone), ("head for ten classes", head)):
    print(f"{name}: {sum(p.numel() for p in part.parameters()):,} parameters")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Out come 2048 maps of 7×7. The sides are halved five times, 224/32 = 7, and the last
# bottlenecks widen 512 channels to four times as many. A larger image gives larger
# maps, for a backbone has no dense layer. Only the small head has to be new.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Points mistaken for %.** Say of what.
# - **An entry mistaken for a network.** Contests average many.
# - **Recipes compared as networks.** Training alone is worth points.
# - **Parameters mistaken for work,** or for memory in training.
# - **Operations mistaken for seconds.** Measure.
# - **The largest that fits.** It may be dominated.
# - **Accuracy on ImageNet mistaken for yours.** Test on your own images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you have built
#
# - A weighted mean for a noisy sensor, then slid over an image.
# - Output sizes, pooling, gradients: a network by hand.
# - LeNet-5 to ResNet, each counted to the last weight.
# - Batch norm, shortcuts, a trained network of your own.
# - About a hundred answers, and some errors found in the lecture.
#
# So far, all of it was about other people's pictures.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("13", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# Of what, measured how, at what cost: ask that of every number. Papers that you can
# read now:
#
# - *Deep residual learning* (He, 2015): you know most of it.
# - *MobileNetV2* (Sandler, 2018): work well spent.
# - *U-Net* (Ronneberger, 2015): a class for each pixel.
# - *MCUNet* (Lin, 2020): for the microcontroller.
#
# Next: {next}, and what came after 2015.
