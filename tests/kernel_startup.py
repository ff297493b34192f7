"""What the tests' kernels run before the first cell: conftest.py has PYTHONSTARTUP.

PyTorch's import makes a million objects that stay, and Python would look for garbage
among them again and again: a fifth of the import, a tenth of a short notebook.
"""

import gc

gc.set_threshold(100_000)
del gc
