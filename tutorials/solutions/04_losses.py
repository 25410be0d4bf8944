# %% [markdown]
# # Solutions: Loss functions

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **4.1** The mean of 64 examples with 10 outputs each divides by 640. On average over the batches it is what
# the mean over all examples is, whatever the size of the batch. The sum over 16 examples is 160 times a mean,
# so $\eta$ has to be 160 times smaller.

# %%
assert check("4.1", 0.1 / 160)

# %% [markdown]
# **4.2** Let $u = z/T$. The derivation of the page gives the slope at $u$, with the upstream gradient $g_n$:
# $e_{nk} = g_n (p_{nk} - t_{nk})$, where $p$ is the softmax of $u$. Then, by the chain rule,
#
# $$\frac{\partial u_{nk}}{\partial z_{nk}} = \frac1T
#   \quad\Rightarrow\quad \frac{\partial L}{\partial z} = \frac{e}{T},$$
#
# $$\frac{\partial u_{nk}}{\partial T} = -\frac{z_{nk}}{T^2}
#   \quad\Rightarrow\quad \frac{\partial L}{\partial T} = -\frac{1}{T^2} \sum_{n,k} e_{nk}\,z_{nk}.$$
#
# The one $T$ reaches the loss through every logit of every example, so the sum runs over both.

# %%
temperature_target = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]


def temperature_backward(grad_output, z, T):
    error = grad_output[:, None] * ((z / T).softmax(1) - temperature_target)
    return error / T, -(error * z).sum().reshape(1) / T**2


assert check("4.2", temperature_backward)

# %% [markdown]
# **4.3** $1 - p_y$ is the sum of the other probabilities. With $s = \log \sum_{j \ne y} e^{z_j}$,
#
# $$-\log(1 - p_y) = -\log \frac{e^s}{e^s + e^{z_y}} = \log(1 + e^{d}), \qquad d = z_y - s.$$
#
# Two exponentials can overflow or vanish. In $s$, the *others* are shifted by their own largest logit $m$, so
# that one of them is $e^0$; and as it is $d$ that is needed, $m$ is taken from $z_y$ first, which leaves no
# large number to be rounded. In $\log(1 + e^d) = \log(e^0 + e^d)$, a log-sum-exp of two terms, the shift is
# $\max(d, 0)$.


# %%
def not_this_class(z, y):
    rows = range(len(y))
    others = z.clone()
    others[rows, y] = -torch.inf  # e^−inf = 0: no longer in the sum, nor in the maximum
    m = others.amax(1)
    d = (z[rows, y] - m) - (others - m[:, None]).exp().sum(1).log()
    return d.clamp(min=0) + (1 + (-d.abs()).exp()).log()


assert check("4.3", not_this_class)
