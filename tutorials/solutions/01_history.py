# %% [markdown]
# # Solutions: Where it came from

# %%
from itertools import product

import torch

from manual_backprop.exercises import check

# %% [markdown]
# **1.1** XOR cannot be computed, and neither can its opposite, $t = (1, 0, 0, 1)$: it would need $z_{00} > 0$
# and $z_{11} > 0$, but $z_{01} \le 0$ and $z_{10} \le 0$, and again the sums
# $z_{00} + z_{11} = z_{01} + z_{10}$ would have different signs. All others can. Searching a few weights is
# enough to find them:

# %%
rows = list(product((0, 1), repeat=2))
tables = {
    tuple(w1 * x1 + w2 * x2 + b > 0 for x1, x2 in rows)
    for w1, w2, b in product((-1, 0, 1), (-1, 0, 1), (-1.5, -0.5, 0.5, 1.5))
}
print(f"{len(tables)} tables")
assert (False, True, True, False) not in tables
assert (True, False, False, True) not in tables
assert check("1.1", len(tables))

# %% [markdown]
# **1.2** Where the answer is right, $-s_n z_n < 0$: the loss is 0 around this $z_n$, and so is its slope.
# Where it is wrong, the loss is $-s_n z_n$, with the slope $-s_n$. Each loss depends on its own $z_n$ only,
# so the chain rule has one term: the upstream derivative times this slope.
#
# With the neuron's answer $a_n$, 1 if $z_n > 0$ and else 0, the slope is $a_n - t_n$: 0 where it is right, 1
# where it says 1 and should not, $-1$ where it says 0 and should not. A step of gradient descent on one
# example, with $\eta = 1$, is $w \leftarrow w - (a_n - t_n)\,x_n$. That is the perceptron rule.


# %%
def gradient(grad_output, z):
    t = torch.tensor([0.0, 1.0, 1.0, 0.0])
    s = 2 * t - 1
    return grad_output * -s * (s * z < 0)


assert check("1.2", gradient)

# %% [markdown]
# **1.3** Three hidden neurons say whether at least one, two, three inputs are 1: all have the weights 1, 1,
# 1, and thresholds in between, at ½, 1½ and 2½. The more inputs are 1, the more of the three speak:
#
# | inputs that are 1 | hidden | first − second + third |
# |---|---|---|
# | 0 | 0, 0, 0 | 0 |
# | 1 | 1, 0, 0 | 1 |
# | 2 | 1, 1, 0 | 0 |
# | 3 | 1, 1, 1 | 1 |
#
# So the last neuron takes them with the weights 1, −1, 1, and a threshold of ½. The same works for $D$ inputs
# with $D$ hidden neurons.

# %%
W1 = torch.ones(3, 3)
b1 = torch.tensor([-0.5, -1.5, -2.5])
W2 = torch.tensor([[1.0, -1.0, 1.0]])
b2 = torch.tensor([-0.5])
assert check("1.3", (W1, b1, W2, b2))
