# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 Start here
#
# This lesson has two halves: how these pages work, and the tensors they compute with.
# After this lesson you can
#
# - say which processor your tensors live on;
# - fill in a blank, and read the card below it;
# - make a tensor, pick out a part, and predict its shape.
#
# About 40 minutes. You need: Python lists, loops and functions.

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 minutes for the first half, 10 for the second, 25 more with its exercises. Fill in
# the first two blanks live. Get the second one wrong before you get it right: the card
# is what people remember. In `lesson.py` every answer stands inside `blank(...)`;
# students get `____` in its place.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Running a cell
#
# A notebook is a column of cells. Click into one and press **Shift+Enter**: it runs,
# its result appears below, and the next cell is selected.
#
# The first cell of every lesson imports what the lesson needs. Its last line,
# `start()`, switches on the cards that will check your answers. Run it now.

# %% slideshow={"slide_type": "-"}
import torch

from helpers.authoring import blank
from helpers.device import best_device, describe_device
from helpers.exercises import answer, exercise, progress, start

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your machine
#
# PyTorch is the Python library that this course builds neural networks with. It keeps
# its numbers in *tensors*, and every tensor lives on one processor: the CPU, or a GPU,
# which trains such networks much faster. `best_device()` chooses the GPU when there is
# one.
#
# **Before you run it:** does this computer have a GPU that PyTorch can use?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
# Not compared by our tests: every machine has its own names and versions.
device = best_device()
# __version__ is PyTorch's version; describe_device puts the processor into words.
print("PyTorch", torch.__version__, "on", describe_device(device))
if device.type == "cpu":  # the type of a GPU is "cuda" or, on a Mac, "mps"
    print("A CPU is fine: every lesson runs, and says where it will take longer.")
else:
    print("Lessons that train a network use this GPU without being told.")

# %% slideshow={"slide_type": "fragment"}
readings = torch.ones(3, device=device)  # ones: here 1, 1, 1, kept on that device
print("1 + 1 + 1 =", readings.sum().item())  # sum adds; item gives a Python number

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A blank
#
# Four underscores stand for something you write. How many days are there in a week?
#
# Replace `____` with your answer and press Shift+Enter. `answer` checks it, and a card
# tells you at once whether it is right. Nothing can break, and you can try as often as
# you like.

# %% slideshow={"slide_type": "-"}
answer("00.1", days=blank(7))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A blank in a function
#
# Most blanks sit in the middle of code. The line `@exercise(…)` above a function runs
# *your* version on many inputs and shows a card, so any right way of writing it passes.
#
# **Predict:** what does `2 + 4 / 2` give? And what is halfway between 2 and 4?


# %% slideshow={"slide_type": "-"}
@exercise("00.2")
def midpoint(a, b):
    """The value halfway between a and b."""
    return blank((a + b) / 2)


# %% slideshow={"slide_type": "fragment"}
print(2 + 4 / 2, midpoint(2, 4))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Reading a card
#
# | mark | it says | what to do |
# |---|---|---|
# | ○ | a blank is still open | replace each `____`, run the cell |
# | ✓ | right, on every case tried | go on |
# | ✗ | the first case that fails: expected, got | read on: the card may say why |
#
# The dots after a title say how hard the exercise is: • is one step, •• needs a
# thought or two, and ••• puts several ideas together.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Go on, make it wrong
#
# Half of what you learn here comes from mistakes. Try some in `midpoint` above:
#
# - `a + b / 2`, then `(a + b) // 2`;
# - `while True: pass` on a line of its own, an endless loop;
# - a missing bracket.
#
# Whatever you write, the page survives and the cells below keep working: until your
# answer is right, they use the course's own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Hints
#
# Below ○ and ✗ you will find hints, one inside the other, and the solution at the very
# end. Open them with the mouse, or with Tab and Enter. You learn more from a hint if
# you have tried for five minutes first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How a lesson goes
#
# 1. A question, and a moment to **predict** the answer.
# 2. A small example you can check by hand.
# 3. The general form, in code.
# 4. Something to play with.
# 5. Blanks.
#
# The first step matters most: a prediction that fails is what you remember.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When something goes wrong
#
# - *A name is not defined:* an earlier cell was not run. Menu **Run → Run All Cells**
#   always works, with blanks filled in or not.
# - *Nothing happens:* a cell marked `[*]` is still running. Menu **Kernel →
#   Interrupt Kernel** stops it.
# - *Everything looks odd:* menu **Kernel → Restart Kernel and Run All Cells**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far you have come
#
# `progress()` shows how far you are, here and in any lesson: ○ not tried, ✗ not right
# yet, ✓ solved.

# %% slideshow={"slide_type": "-"}
progress()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Halfway
#
# That is how these pages work, and this is a good place to stop for today.
#
# The second half is about tensors. If you have used them before, go straight to the
# five exercises, 00.3 to 00.7. If all five cards say ✓, you are ready for {next}.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Tensors in ten minutes
#
# Reading takes ten minutes; the exercises take longer. A **tensor** is a block of
# numbers: a row, a table, a stack of tables. A photograph is one.
#
# Once a second, a laser measures how far an aeroplane has flown, in kilometres.
# `torch.tensor` turns a Python list of its readings into a tensor.

# %% slideshow={"slide_type": "-"}
x = torch.tensor([1.0, 1.1, 1.2, 1.4, 1.7])  # five readings
print(x)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without typing every number
#
# **Predict:** is 5 among the numbers of `torch.arange(5)`? How many rows does
# `torch.ones(2, 3)` have?

# %% slideshow={"slide_type": "fragment"}
print(torch.arange(5))  # arange counts from 0 and stops before 5
print(torch.zeros(3))  # zeros: three times 0
print(torch.ones(2, 3))  # ones: two rows of three

# %% [markdown] slideshow={"slide_type": "fragment"}
# `arange(5)` holds whole numbers, `arange(5.0)` numbers with a decimal point. Nearly
# all numbers in this course have a decimal point, partly because `mean` refuses whole
# numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every tensor has a shape
#
# Two aeroplanes, with three readings each, make a table, one row for each aeroplane.
#
# **Predict:** is its shape (2, 3) or (3, 2)?

# %% slideshow={"slide_type": "fragment"}
flights = torch.tensor([[1.0, 1.1, 1.2], [2.0, 2.2, 2.4]])
print(flights.shape)  # shape: how many along each direction
print(x.shape)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Rows first, then columns. Each direction is called an **axis**, and axes are counted
# from 0: axis 0 goes down, from row to row, and axis 1 across, from column to column.
# What PyTorch prints as `torch.Size([2, 3])` is the tuple `(2, 3)`. `x` has a single
# axis, so its shape has one entry: `(5,)`. In Python, it is the comma that makes a
# tuple.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 00.3: read a shape
#
# Write each shape as a tuple. What is the shape of four readings along a single axis?
# And of a table for four aeroplanes with sixty readings each, one aeroplane in each
# row? Which number comes last in `torch.arange(60)`?

# %% slideshow={"slide_type": "-"}
answer("00.3", row=blank((4,)), table=blank((4, 60)), last=blank(59))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Arithmetic, number by number
#
# `[1, 2] * 2` repeats a Python list: it gives `[1, 2, 1, 2]`.
#
# **Predict:** what does a tensor do?

# %% slideshow={"slide_type": "fragment"}
measured = torch.tensor([1.0, 1.1, 1.2])
truth = torch.tensor([1.0, 1.2, 1.4])
print(measured * 2)
print(measured - truth)  # first minus first, second minus second, …

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Functions, number by number
#
# `abs`, `square` and `sqrt` treat each number by itself, too.
#
# **Predict:** a number is squared, then its square root is taken. Do you get the number
# back?

# %% slideshow={"slide_type": "fragment"}
off = measured - truth  # 0, −0.1, −0.2
print(off.square())  # square: each number times itself
print(off.square().sqrt())  # sqrt: square root; the sign is gone
print(off.abs())  # abs: without the sign

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One number, one row
#
# **Predict:** what are `x[0]`, `x[-1]` and `flights[1]`?

# %% slideshow={"slide_type": "fragment"}
print(x[0], x[-1])  # places are counted from 0; −1 is the last
print(flights[1])  # a whole row
print(flights[1, 0])  # row 1, column 0
print(flights[:, 0])  # the colon takes every row: this is all of column 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Slices
#
# `x[start:stop]` picks several neighbours.
#
# **Predict:** how many readings are in `x[1:4]`, and which?

# %% slideshow={"slide_type": "fragment"}
print(x[1:4])  # places 1, 2 and 3
print(x[:2], x[2:])  # places 0 and 1; place 2 and all that follow
print(x[-2:])  # the last two

# %% [markdown] slideshow={"slide_type": "fragment"}
# A slice stops *before* its second number. So `x[1:4]` holds 4 − 1 = 3 readings, and
# `x[:2]` and `x[2:]` share none.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Reversed
#
# `[::-1]` reverses a Python list by going through it in steps of −1.
#
# **Predict:** does it work for a tensor, too?

# %% slideshow={"slide_type": "fragment"}
try:
    print(x[::-1])
except ValueError as problem:
    print("PyTorch refuses:", problem)
print(x.flip(0))  # flip reverses a tensor along an axis, here axis 0

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 00.4: the latest readings
#
# Return the latest n readings, the newest first. The readings in `x` are in order of
# time, so n = 2 gives 1.7, 1.4.


# %% slideshow={"slide_type": "-"}
@exercise("00.4")
def latest(x, n):
    """The latest n readings, newest first."""
    return blank(x[len(x) - n :].flip(0))


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 00.5: how far in each second?
#
# From reading to reading, the aeroplane flies some distance. Readings of 1.0, 1.1 and
# 1.3 give the distances 0.1 and 0.2, and flying back counts as negative. Two slices and
# one subtraction will do for any number of readings.


# %% slideshow={"slide_type": "-"}
@exercise("00.5")
def distances(x):
    """How far the aeroplane flies between neighbouring readings."""
    return blank(x[1:] - x[:-1])


# %% [markdown] slideshow={"slide_type": "slide"}
# ## All of them, or along an axis
#
# `flights` has the rows 1.0, 1.1, 1.2 and 2.0, 2.2, 2.4.
#
# **Predict:** does `flights.sum()` give one number, two, or three? And
# `flights.sum(0)`? And `flights.mean(1)`?

# %% slideshow={"slide_type": "fragment"}
print(flights.sum())  # sum of all
print(flights.sum(0))  # along axis 0, down each column
print(flights.mean(1))  # mean along axis 1, of each row
print(flights.max())  # max: the largest of all
print(flights.max(1).values)  # of each row; .indices would say where it stands

# %% [markdown] slideshow={"slide_type": "fragment"}
# The axis you name is the one that disappears: (2, 3) becomes (3,) without axis 0, and
# (2,) without axis 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 00.6: the typical error of each aeroplane
#
# `measured` and `truth` are tables of the same shape, with one row for each aeroplane
# and one column for each second. By how much is a row of readings off, typically? Take
# the differences, square them, take the mean over each row, and then the square root.


# %% slideshow={"slide_type": "-"}
@exercise("00.6")
def typical_error(measured, truth):
    """Root of the mean squared error, one for each aeroplane."""
    return blank((measured - truth).square().mean(1).sqrt())


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Back to Python
#
# `.item()` turns a tensor with a single number into a Python number; `.tolist()` turns
# any tensor into a list.
#
# **Predict:** we put 1.1 in. Does 1.1 come out?

# %% slideshow={"slide_type": "fragment"}
print(x[1].item())
print(x[:2].tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# PyTorch keeps about seven digits of each number, and what follows is left over from
# rounding. That is why lessons print `f"{value:.2f}"`, which shows two decimals.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many tensors into one
#
# A loop often leaves you with a list of tensors. `torch.stack` puts them into one,
# along a new axis 0.
#
# **Predict:** `x` has five readings. What is the shape of `torch.stack([x, x, x])`?

# %% slideshow={"slide_type": "fragment"}
print(torch.stack([x, x, x]).shape)
means = []
for flight in flights:  # a loop goes along axis 0, row by row
    means.append(flight.mean())
print(torch.stack(means))  # two single numbers give a row of two

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same numbers in another shape
#
# `view` arranges the same numbers in another shape.
#
# **Predict:** 0 to 5 go into two rows of three. Where does the 3 stand?

# %% slideshow={"slide_type": "fragment"}
six = torch.arange(6)
table = six.view(2, 3)  # view fills row by row
print(table)
print(six.view(3, -1).shape)  # −1: as many as are needed, here 2
print(table.flatten())  # flatten: back to a single axis

# %% [markdown] slideshow={"slide_type": "slide"}
# ## An axis of length 1
#
# PyTorch often wants many signals at once, each of them a row of readings, stacked
# along axis 0. What if you have only one? `None` in the brackets adds an axis of length
# 1 in that place.
#
# **Predict:** what is the shape of `x[:, None]`?

# %% slideshow={"slide_type": "fragment"}
print(x[None].shape)  # (1, 5): one signal of five readings
print(x[:, None].shape)  # (5, 1): a column
print(x[None, None].shape)  # (1, 1, 5)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 00.7: shapes in your head
#
# `t = torch.arange(12)` holds 0, 1, … 11. Which number is `t.view(3, 4)[1, 0]`? Then
# give, as tuples, the shapes of `t.view(3, 4).flatten()`, `t[None]`, `t[:, None]` and
# `torch.stack([t, t, t])`.

# %% slideshow={"slide_type": "-"}
answer(
    "00.7",
    element=blank(4),
    flattened=blank((12,)),
    in_front=blank((1, 12)),
    behind=blank((12, 1)),
    stacked=blank((3, 12)),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Shift+Enter runs a cell, and a card judges your answer.
# - Tensors compute number by number. A slice stops before its second number. The axis
#   you sum along disappears.
# - The course follows a lecture. Where our numbers differ from the lecture's, you see
#   both, and why they differ.
#
# Next: {next}. An aeroplane, and a sensor that lies
# a little.
