# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 Start here
#
# Ten minutes that make the other lessons easy. Afterwards you can
#
# - say which processor your tensors live on, and what that means for you;
# - fill in a blank, run its cell, and read the card that appears;
# - find your way through the course and see how far you have come.

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 minutes. Open the unsolved notebook beside the slides and fill in the two blanks
# live, the second one wrongly first: the card is what people remember.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Running a cell
#
# A notebook is a column of cells. Click into one and press **Shift+Enter**: it runs,
# its result appears below, and the next cell is selected.
#
# The first cell of every lesson imports what the lesson needs. Run it now.

# %% slideshow={"slide_type": "-"}
import torch

from helpers.authoring import blank
from helpers.device import best_device, describe_device
from helpers.exercises import answer, exercise, progress, start

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your machine
#
# **Before you run it:** has this computer a GPU that PyTorch can use?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
# Not compared by CI: every machine prints its own names and versions.
device = best_device()
print("PyTorch", torch.__version__, "on", describe_device(device))
if device.type == "cpu":
    print("A CPU is fine: every lesson runs. Long trainings are slower, and say so.")
else:
    print("Lessons that train a network use this GPU without being told.")

# %% slideshow={"slide_type": "fragment"}
readings = torch.ones(3, device=device)  # three numbers, kept on that device
print("1 + 1 + 1 =", readings.sum().item())

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A blank
#
# Four underscores stand for something you write. How many days has a week?
#
# Replace `____` by your answer and press Shift+Enter. The card tells at once whether it
# is right. Nothing can break, and you can try as often as you like.

# %% slideshow={"slide_type": "-"}
answer("00.1", days=blank(7))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A blank in a function
#
# Most blanks sit in the middle of code. The card below it is made by running *your*
# function on many inputs, so any right way of writing it passes.
#
# **Predict:** what does `2 + 4 / 2` give?


# %% slideshow={"slide_type": "-"}
@exercise("00.2")
def midpoint(a, b):
    """The value halfway between a and b."""
    return blank((a + b) / 2)


# %% slideshow={"slide_type": "fragment"}
midpoint(2, 4)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Reading a card
#
# | mark | it says | what to do |
# |---|---|---|
# | ○ | a blank is still open | replace each `____`, run the cell |
# | ✓ | right, on every case tried | go on |
# | ✗ | the first case that fails: expected, got | read on: mistakes have names |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Go on, make it wrong
#
# Mistakes are half of what these pages teach. Try some in the cell above:
#
# - `a + b / 2`, then `(a + b) // 2`;
# - `while True: pass` on a line of its own, an endless loop;
# - a bracket missing.
#
# Whatever you write, the page survives and the cells below keep working: until your
# answer is right, they use the course's own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Hints
#
# Under ○ and ✗ stand hints, one inside the other, and last the solution. Open them with
# the mouse, or with Tab and Enter. A hint taken after five minutes of trying teaches
# more than one taken at once.

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
#   always works, filled in or not.
# - *Nothing happens:* a cell marked `[*]` still runs. Menu **Kernel → Interrupt**.
# - *Everything is odd:* menu **Kernel → Restart Kernel and Run All Cells**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far you have come
#
# `progress()` shows it, here and in any lesson: ○ not tried, ✗ not yet, ✓ solved.

# %% slideshow={"slide_type": "-"}
progress()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Shift+Enter runs a cell; a card answers each blank, and names mistakes.
# - The course follows a lecture. Where a number of it does not compute, you see what
#   was lectured, what we compute, and why.
#
# Next: {next}. An aeroplane, and a sensor that lies
# a little.
