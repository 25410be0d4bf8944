# %% [markdown]
# # Solutions: What a gradient costs

# %%
import warnings

import torch
from torch.func import jvp

from manual_backprop.exercises import check

warnings.filterwarnings("ignore", message="`torch.jit.script`")  # PyTorch's own, in forward mode

# %% [markdown]
# **11.1** The forward makes two products, of $2N \cdot 784 \cdot 128$ and $2N \cdot 128 \cdot 10$ operations.
# Going back, the second layer makes two of its size, for $W^2$ and for $a^1$. The first makes one, for $W^1$:
# nobody asks for the gradient of the images. With $2N$ cancelled,
#
# $$\frac{2 \cdot 784 \cdot 128 + 3 \cdot 128 \cdot 10}{784 \cdot 128 + 128 \cdot 10} \approx 2.013.$$
#
# Nearly all of this network's products are in its first layer, so the gradient costs about two forward
# passes in all, not three.

# %%
first, second = 784 * 128, 128 * 10
answer = (2 * first + 3 * second) / (first + second)
assert check("11.1", answer)

# %% [markdown]
# **11.2** The product rule gives $\dot z = \dot x\, W^\top + x\, \dot W^\top$, and the chain rule multiplies
# with the slope of the sine at $z$:
#
# $$\dot a = \dot z \odot \cos z, \qquad z = x W^\top.$$
#
# It is the same slope as in the backward. Forward mode and backward multiply with the same Jacobian, from
# its two sides.


# %%
def tangent(x, W, x_dot, W_dot):
    z_dot = x_dot @ W.T + x @ W_dot.T
    return z_dot * torch.cos(x @ W.T)


assert check("11.2", tangent)

# %%
torch.manual_seed(0)
x, W, x_dot, W_dot = (torch.randn(size, dtype=torch.float64) for size in ((5, 3), (7, 3)) * 2)
_, expected = jvp(lambda x, W: torch.sin(x @ W.T), (x, W), (x_dot, W_dot))
torch.testing.assert_close(tangent(x, W, x_dot, W_dot), expected)

# %% [markdown]
# **11.3** At the worst moment, in the last small segment of the last large one, there are $p$ inputs of large
# segments, $q$ inputs of small ones and $r$ layers: $p + q + r$ activations, with $pqr = T$. Hold $r$ fast:
# $p$ and $q$ have a given product, and as on the page their sum is least where $p = q$. The same goes for
# every two of the three, so all are equal:
#
# $$p = q = r = \sqrt[3]{T} = 8, \qquad p + q + r = 3 \sqrt[3]{T} = 24.$$
#
# One kind of segment needs $2\sqrt{512} \approx 45$, no segments 512. The price is another recomputation:
# each layer is computed three times going forward, $3 + 2 = 5$ in place of 3.

# %%
T = 512
p, q, r = min(
    ((p, q, T // (p * q)) for p in range(1, T + 1) for q in range(1, T + 1) if T % (p * q) == 0), key=sum
)
print(f"p = {p}, q = {q}, r = {r}")
answer = p + q + r
assert check("11.3", answer)
