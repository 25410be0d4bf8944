# %% [markdown]
# # Solutions: Loss functions

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **4.1** The gradient of the sum is $N = 64$ times that of the mean, so $\eta$ has to be 64 times smaller:
# $\eta\,\partial L_{\text{mean}} = \frac{\eta}{N}\,\partial L_{\text{sum}}$.

# %%
assert check("4.1", 0.1 / 64)

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
# **4.3** Each row is shifted by its own maximum, before anything is exponentiated. The shifted logits then
# serve in both terms of $\ell = \log \sum_j e^{z_j - m} - (z_y - m)$, so that no large number is left.


# %%
def stable_cross_entropy(z, y):
    shifted = z - z.amax(1, keepdim=True)
    return (shifted.exp().sum(1).log() - shifted[range(len(y)), y]).mean()


assert check("4.3", stable_cross_entropy)
