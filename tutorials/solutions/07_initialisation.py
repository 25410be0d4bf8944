# %% [markdown]
# # Solutions: Initialisation
#
# **7.1**
# Twins have the same row of $W^1$, the same bias and the same column of $W^2$. The twelve units fall into
# three groups of four twins, and twins stay twins: no more than three distinct rows. Units of different
# groups have different columns, so they get different $\delta^1$, and their rows differ after the first step:
# no fewer than three either.

# %%
import torch

from manual_backprop.exercises import check

assert check("7.1", 3)

# %% [markdown]
# **7.2**
# $z$ is as often positive as negative, with the same squares. The positive half of the squares is passed on
# as it is, the negative half is multiplied with $s^2$:
#
# $$\mathrm{E}[a^2] = \tfrac12\, \mathrm{Var}[z] + \tfrac12\, s^2\, \mathrm{Var}[z]
#   = \tfrac12 (1 + s^2)\, \mathrm{Var}[z]$$
#
# The next layer has $\mathrm{Var}[z'] = D\, \mathrm{Var}[w]\, \mathrm{E}[a^2]$. It is to be
# $\mathrm{Var}[z]$, so $D\, \mathrm{Var}[w] \cdot \tfrac12 (1 + s^2) = 1$. With $s = 0$ this is He's $2/D$,
# and with $s = 1$, where there is no activation left, $1/D$.


# %%
def variance(D, s):
    return 2 / (D * (1 + s**2))


assert check("7.2", variance)

# %% [markdown]
# **7.3**
# In indices, with $g$ for the upstream gradient: $z_{nc} = \sum_j a_n W_{cj} = a_n S_c$, where
# $S_c = \sum_j W_{cj}$ and $a_n = \tanh(\sum_i x_{ni} w_i)$. The chain rule sums over everything that a
# variable reaches:
#
# $$\frac{\partial L}{\partial W_{cj}} = \sum_n g_{nc}\, a_n, \qquad
#   \frac{\partial L}{\partial a_n} = \sum_c g_{nc} S_c, \qquad
#   \delta_n = \frac{\partial L}{\partial a_n} (1 - a_n^2)$$
#
# $$\frac{\partial L}{\partial w_i} = \sum_n \delta_n x_{ni}, \qquad
#   \frac{\partial L}{\partial x_{ni}} = \delta_n w_i$$
#
# The index $j$ does not occur on the right of the first equation: all columns of $\partial L/\partial W$ are
# equal. And the gradient of the shared row is the sum of what the $M$ units would get, which is why $S_c$ is
# a sum.


# %%
def backward_of_twins(grad_output, x, w, W):
    a = torch.tanh(x @ w)
    delta = (grad_output @ W.sum(1)) * (1 - a**2)
    return delta[:, None] * w, delta @ x, (a @ grad_output)[:, None].expand_as(W)


assert check("7.3", backward_of_twins)
