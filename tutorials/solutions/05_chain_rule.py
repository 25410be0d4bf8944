# %% [markdown]
# # Solutions: The chain rule, layer by layer

# %%
from manual_backprop.exercises import check

# %% [markdown]
# **5.1**
# Forward: $z^1 = 3$, $a^1 = 9$, $z^2 = 3$, $a^2 = 9$, $z^3 = 27$. The slope of the activation function is
# $f'(z) = 2z$, so it is 6 in both layers. Backward:
#
# $$\delta^3 = 1, \qquad \delta^2 = \delta^3 \, w^3 f'(z^2) = 3 \cdot 6 = 18, \qquad
#   \delta^1 = \delta^2 \, w^2 f'(z^1) = 18 \cdot \tfrac13 \cdot 6 = 36$$
#
# and the weight's gradient is $\delta^1 x = 36 \cdot 2$.

# %%
delta2 = 3 * (2 * 3)
delta1 = delta2 * (1 / 3) * (2 * 3)
assert check("5.1", delta1 * 2)

# %% [markdown]
# **5.2**
# Forward: $z_{jn} = \sum_i W_{ji} a_{in} + b_j$. Where is each variable used, and with which slope?
#
# - $W_{ji}$ in $z_{jn}$ for every $n$, with the slope $a_{in}$: $\sum_n \delta_{jn} a_{in}$. The index $n$ is
#   the column of $\delta$, and of $a$ too, so $a$ is transposed: $\delta a^\top$.
# - $b_j$ in $z_{jn}$ for every $n$, with the slope 1: $\sum_n \delta_{jn}$, a sum along each row.
# - $a_{in}$ in $z_{jn}$ for every $j$, with the slope $W_{ji}$: $\sum_j W_{ji} \delta_{jn}$. The index $j$ is
#   the row of $\delta$, and of $W$ too, so $W$ is transposed: $W^\top \delta$.
#
# Each is the transpose of the formula with rows: $(\delta W)^\top = W^\top \delta^\top$, and so on.


# %%
def columns_backward(grad_output, W, b, a):
    return grad_output @ a.T, grad_output.sum(1), W.T @ grad_output


assert check("5.2", columns_backward)

# %% [markdown]
# **5.3**
# Write $h = \sigma(z)$ with $z = x (W^1)^\top$, so that $y = x + h (W^2)^\top$. Call the upstream gradient
# $g = \partial L/\partial y$.
#
# - $x$ is used twice. As a summand of $y$ it gets $g$, unchanged.
# - The other summand is a linear layer with the error term $g$: $W^2$ gets $g^\top h$, and $h$ gets $g W^2$.
# - Through the sigmoid: $\delta = g W^2 \odot h \odot (1 - h)$.
# - The linear layer before it: $W^1$ gets $\delta^\top x$, and $x$ gets $\delta W^1$, its second share.
#
# The first share reaches $x$ without any factor, however small those of the block are. He, Zhang, Ren and Sun
# ("Deep residual learning for image recognition", CVPR 2016) made networks of 152 layers out of blocks with
# such a way around them.


# %%
def residual_backward(grad_output, x, W1, W2):
    h = (x @ W1.T).sigmoid()
    delta = grad_output @ W2 * (h * (1 - h))
    return grad_output + delta @ W1, delta.T @ x, grad_output.T @ h


assert check("5.3", residual_backward)
