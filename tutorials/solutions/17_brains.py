# %% [markdown]
# # Solutions: How a child learns, and how a network does

# %%
from manual_backprop.exercises import check

# %% [markdown]
# **17.1** Go through the gradients and look for a weight:
#
# $$\frac{\partial L}{\partial W^2} = {\delta^2}^\top a^1, \quad
#   \delta^1 = \delta^2\, W^2 \odot f'(z^1), \quad
#   \frac{\partial L}{\partial W^1} = {\delta^1}^\top x,$$
#
# and the gradients of the biases are sums of $\delta^2$ and $\delta^1$. Only $W^2$ occurs. $W^1$ would be
# needed for $\partial L/\partial x = \delta^1 W^1$, the gradient of the images.

# %%
answer = 10 * 128
assert check("17.1", answer)

# %% [markdown]
# **17.2** Backpropagation has $\delta^1 = \delta^2\, W^2 \odot (1 - (a^1)^2)$. What arrives from above,
# $\delta^2 W^2$, is replaced with $\delta^3 B^1$; the slope of the layer's own units stays, which they have
# at hand. Neither $a^2$ nor $B^2$ takes part: each layer could have its error as soon as the outputs are
# known.


# %%
def direct_delta1(delta3, a1, a2, B1, B2):
    return delta3 @ B1 * (1 - a1**2)


assert check("17.2", direct_delta1)

# %% [markdown]
# **17.3** Subtract the second update from the first: $G$ is in both and cancels,
#
# $$W - B \leftarrow (W - B) - \eta\lambda\,(W - B) = (1 - \eta\lambda)\,(W - B),$$
#
# and after $T$ updates the difference is $(1 - \eta\lambda)^T$ times what it was. It goes to zero whatever
# the changes $G$ are. With $\eta = 0.1$ and $\lambda = 0.01$ a hundredth is left after about 4,600 updates.


# %%
def still_apart(apart, lr, decay, steps):
    return (1 - lr * decay) ** steps * apart


assert check("17.3", still_apart)
