# %% [markdown] slideshow={"slide_type": "slide"}
# # NN Brightness and contrast
#
# A photograph is too dark, or too flat. Two numbers mend both. After this lesson you
# can
#
# - say what adding to every pixel does, and what multiplying does;
# - bring any picture to the range from 0 to 1.
#
# About 15 minutes. You need: lesson 01.

# %% [markdown] slideshow={"slide_type": "notes"}
# 15 minutes with the exercises. What stands in a cell of this kind is for the lecturer:
# it is shown beside the slides, and students do not get it.

# %% slideshow={"slide_type": "skip"}
import torch

from helpers.authoring import blank
from helpers.exercises import answer, exercise, start
from helpers.plots import show_grids
from lessons.template.explorer import contrast_explorer
from lessons.look_back import look_back

start()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four pixels
#
# 0 is black, 255 is white, and these four are all rather dark.
#
# **Predict:** which of the two is brighter, and in which can you tell the pixels apart
# more easily: x + 50, or 2x?

# %% slideshow={"slide_type": "-"}
x = torch.tensor([[20.0, 40], [60, 80]])
show_grids(
    {"x": x, "x + 50": x + 50, "2x": 2 * x},
    alt="Four pixels: 20, 40, 60, 80. Plus 50: 70, 90, 110, 130. Doubled: 40, 80, 120, "
    "160.",
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Neither is brighter: the mean is 100 in both. Adding moves all pixels alike, so their
# differences stay 20. Multiplying stretches the differences too: that is **contrast**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Play with it
#
# **Find** the largest factor for which no pixel is cut off at 255.

# %% slideshow={"slide_type": "-"}
contrast_explorer()

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise NN.1: after 3x − 10
#
# What becomes of the darkest and of the brightest of the four?

# %% slideshow={"slide_type": "-"}
answer("NN.1", darkest=blank(50), brightest=blank(230))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise NN.2: from 0 to 1
#
# The darkest pixel becomes 0, the brightest 1, and the others stay in proportion.


# %% slideshow={"slide_type": "-"}
@exercise("NN.2")
def rescale(x):
    """The same picture with values from 0 to 1."""
    return blank((x - x.min()) / (x.max() - x.min()))


# %% slideshow={"slide_type": "fragment"}
print(rescale(x))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Common mistakes
#
# - **Dividing by the maximum only.** The darkest pixel then stays above 0.
# - **Dividing by 255.** That is the camera's range, not this picture's.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Look back
#
# Five quick questions about earlier lessons, taken where possible from exercises that
# you got wrong at first. Write one letter for each between the quotation marks, such
# as `"bacda"`, and run the cell again. A space leaves a question out.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
# Not compared by our tests: the questions depend on your own slips.
look_back("NN", "")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap, and where next
#
# - Adding changes brightness, multiplying changes contrast.
# - (x − min) / (max − min) runs from 0 to 1.
