# %% [markdown]
# # Solutions: A neuron, a layer, a network

# %%
from itertools import pairwise

import torch

from manual_backprop import functional as F
from manual_backprop.exercises import check

# %% [markdown]
# **2.1** Each layer from $D$ to $M$ has $M \cdot D$ weights, one for each pair, and $M$ biases, one for each
# of its outputs:

# %%
sizes = [784, 300, 100, 10]
count = sum(m * d + m for d, m in pairwise(sizes))
print(f"{count:,} parameters")
assert check("2.1", count)

# %% [markdown]
# **2.2** The three formulas of the page, and the softmax. The examples are the rows, so each row is a belief,
# and softmax runs over the classes, dimension 1. There is no ReLU on the logits: they may be negative, and
# softmax makes them positive.


# %%
def network(x, W1, b1, W2, b2):
    z1 = x @ W1.T + b1
    a1 = z1.clamp(min=0)
    z2 = a1 @ W2.T + b2
    return torch.softmax(z2, 1)


assert check("2.2", network)

# %% [markdown]
# **2.3** Put the normalisation into the weighted sum, and sort by what depends on the pixels $q_i$:
#
# $$z_j = \sum_i W_{ji} \frac{q_i - \mu}{s} + b_j
#   = \sum_i \underbrace{\frac{W_{ji}}{s}}_{W'_{ji}} q_i
#   + \underbrace{b_j - \frac{\mu}{s} \sum_i W_{ji}}_{b'_j}$$
#
# Normalising is itself a linear layer (each output depends on one input), and two of those without anything
# in between are one.


# %%
def fold(W, b, mean, deviation):
    return W / deviation, b - mean / deviation * W.sum(1)


assert check("2.3", fold)

torch.manual_seed(0)
W, b = torch.randn(128, 784).double(), torch.randn(128).double()
pixels = torch.randint(256, (5, 784)).double()
z = F.linear((pixels - 33) / 78, W, b)
torch.testing.assert_close(F.linear(pixels, *fold(W, b, 33.0, 78.0)), z)
