"""What stands in for an exercise that later ones build on, where it was not solved.

In a notebook the name of an exercise that is wrong or open is bound to the right
answer, so that those below can be solved all the same. Handed-in work is graded where
there are no answers; there, what the course's helpers have does the same.
"""

STAND_INS = {
    "01.3": """
from torch.nn import functional

def conv1d(x, w):
    return functional.conv1d(x[None, None], w[None, None])[0, 0]
""",
    "02.5": "from helpers.convolution import conv2d",
    "09.2": """
from torch import nn

def conv(D, K, F, S=1):
    from helpers.networks.inception import conv_relu
    return conv_relu(D, K, F, stride=S, padding=F // 2)
""",
    "09.6": """
def Inception(D, k1, r3, k3, r5, k5, pool):
    from helpers.networks.inception import Inception
    return Inception(D, k1, k3, k5, reduce3=r3, reduce5=r5, pool=pool)
""",
    "12.5": "from helpers.networks import ResidualBlock as Block",
    "12.6": """
from torch import nn

def get_layers(block, C1, C2, n, stride):
    sizes = [(C1, C2, stride)] + (n - 1) * [(C2, C2, 1)]
    return nn.Sequential(*(block(*size) for size in sizes))
""",
}
