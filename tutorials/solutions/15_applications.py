# %% [markdown]
# # Solutions: What it is used for

# %%
from math import exp, pi

import torch

from manual_backprop.exercises import check

# %% [markdown]
# **15.1** $\ln n = 1.5$, so $n = e^{1.5} = 4.48$: as uncertain as a choice among four or five characters.

# %%
assert check("15.1", exp(1.5))

# %% [markdown]
# **15.2** With $u = x C^\top$ and $s = x S^\top$, two linear layers without a bias, $p = u^2 + s^2$. So
# $\partial L/\partial u = 2u \odot g$ and $\partial L/\partial s = 2s \odot g$, with $g = \partial L/\partial
# p$, and $x$ is used in both:
#
# $$\frac{\partial L}{\partial x} = (2u \odot g)\,C + (2s \odot g)\,S$$

# %%
angle = 2 * pi * torch.arange(5)[:, None] * torch.arange(8).double() / 8
cosine, sine = angle.cos(), angle.sin()


def power_backward(grad_output, x):
    u, s = x @ cosine.T, x @ sine.T
    return (2 * u * grad_output) @ cosine + (2 * s * grad_output) @ sine


assert check("15.2", power_backward)

# %% [markdown]
# **15.3** With $a = \tanh(w_j t_i)$, the slope by $t$ is $w_j (1 - a^2)$. Once more: that of $1 - a^2$ is
# $-2a \cdot w_j (1 - a^2)$, so the second derivative is $-2 w_j^2\, a (1 - a^2)$. The residual is then linear
# in $v$ and in $k$:
#
# $$r_i = \sum_j v_j B_{ij} + k \sum_j v_j a_{ij}, \qquad B_{ij} = -2 w_j^2\, a_{ij} (1 - a_{ij}^2)$$
#
# $$\frac{\partial L}{\partial v_j} = \sum_i g_i (B_{ij} + k\, a_{ij}), \qquad
#   \frac{\partial L}{\partial k} = \sum_i g_i\, x(t_i)$$

# %%
t, w = torch.linspace(0.1, 2, 6).double(), torch.linspace(0.5, 2, 4).double()


def residual_backward(grad_output, v, k):
    a = (t[:, None] * w).tanh()
    B = -2 * w**2 * a * (1 - a**2)
    return grad_output @ (B + k * a), grad_output @ (a @ v)


assert check("15.3", residual_backward)
