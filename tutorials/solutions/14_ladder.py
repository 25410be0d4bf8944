# %% [markdown]
# # Solutions: The ladder
#
# Each line is the one that `derive` prints for the network in steps; the last cell holds them to it. First
# the forward, as on the page.

# %%
import torch
from torch.nn.functional import one_hot

from manual_backprop import derive, plots
from manual_backprop.exercises import check, rungs

x, W1, b1, gamma, beta, W2, b2, y = rungs.point()
N, C = len(x), 3


def network(x, W1, b1, gamma, beta, W2, b2, y):
    z1 = x @ W1.T + b1
    mu = z1.mean(0)
    centred = z1 - mu
    var = (centred**2).mean(0)
    std = torch.sqrt(var + 1e-5)
    xhat = centred / std
    h = gamma * xhat + beta
    a = torch.tanh(h)
    z2 = a @ W2.T + b2
    m = z2.amax(1, keepdim=True)
    e = torch.exp(z2 - m)
    total = e.sum(1, keepdim=True)
    p = e / total
    logp = torch.log(p)
    target = one_hot(y, C)
    loss = -(target * logp).sum() / N
    return loss, (z1, centred, std, xhat, a, z2, e, total, p, target)


_, (z1, centred, std, xhat, a, z2, e, total, p, target) = network(x, W1, b1, gamma, beta, W2, b2, y)

# %% [markdown]
# ## The loss
#
# **14.1** $L = -\frac1N \sum_{nk} t_{nk} \log p_{nk}$. The entry $\log p_{nk}$ is in it once, with the slope
# $-t_{nk}/N$.

# %%
dlogp = -target / N
assert check("14.1", dlogp)

# %% [markdown]
# **14.2** The slope of $\log p$ is $1/p$.

# %%
dp = dlogp / p
assert check("14.2", dp)

# %% [markdown]
# **14.3** $p_{nk} = e_{nk} / T_n$ with $T$ for `total`. The slope in $T_n$ is $-e_{nk}/T_n^2 =
# -p_{nk}/T_n$. One $T_n$ serves all classes $k$ of its row, so there is a sum over $k$:
#
# $$\frac{\partial L}{\partial T_n} = -\sum_k \frac{\partial L}{\partial p_{nk}} \frac{p_{nk}}{T_n}$$

# %%
dtotal = -(dp * p / total).sum(1, keepdim=True)
assert check("14.3", dtotal)

# %% [markdown]
# **14.4** $e_{nk}$ is used in $p_{nk}$, with the slope $1/T_n$, and in $T_n$, with the slope 1. `dtotal`,
# of shape $(N, 1)$, is broadcast along the row: where forward sums, backward broadcasts.

# %%
de = dp / total + dtotal
assert check("14.4", de)

# %% [markdown]
# **14.5** The slope of $e^u$ is $e^u$. The way through $m$ is left out: subtracting anything from a whole
# row does not change $p$. In numbers: $\partial L/\partial m_n = -\sum_k (\text{de} \odot e)_{nk}$, and
#
# $$\sum_k \Bigl(\frac{\text{dp}_{nk}}{T_n} + \text{dtotal}_n\Bigr) e_{nk}
#   = \sum_k \text{dp}_{nk}\, p_{nk} + \text{dtotal}_n T_n = 0.$$

# %%
dz2 = de * e
assert check("14.5", dz2)

# %% [markdown]
# ## The second layer
#
# $z_{nk} = \sum_j a_{nj} W_{kj} + b_k$. The weight $W_{kj}$ is used by every example, with the slope
# $a_{nj}$: $\sum_n \delta_{nk} a_{nj}$, where $n$ is the row of both, so the left factor is transposed. The
# bias is used by every example with the slope 1. And $a_{nj}$ is used in every $z_{nk}$ of its row:
# $\sum_k \delta_{nk} W_{kj}$, with no transpose.
#
# **14.6**

# %%
dW2 = dz2.T @ a
assert check("14.6", dW2)
# %% [markdown]
# **14.7**

# %%
db2 = dz2.sum(0)
assert check("14.7", db2)
# %% [markdown]
# **14.8**

# %%
da = dz2 @ W2
assert check("14.8", da)

# %% [markdown]
# **14.9** The slope of $\tanh$ is $1 - \tanh^2$, and $\tanh h$ is $a$.

# %%
dh = da * (1 - a**2)
assert check("14.9", dh)

# %% [markdown]
# ## Batch norm
#
# $h_{nj} = \gamma_j \hat x_{nj} + \beta_j$. What serves all examples has a sum over them.
#
# **14.10**

# %%
dgamma = (dh * xhat).sum(0)
assert check("14.10", dgamma)
# %% [markdown]
# **14.11**

# %%
dbeta = dh.sum(0)
assert check("14.11", dbeta)
# %% [markdown]
# **14.12**

# %%
dxhat = dh * gamma
assert check("14.12", dxhat)

# %% [markdown]
# **14.13** As 14.3: the slope of $c/s$ in $s$ is $-c/s^2 = -\hat x/s$, and one $s_j$ serves all examples of
# its column.

# %%
dstd = -(dxhat * xhat / std).sum(0)
assert check("14.13", dstd)

# %% [markdown]
# **14.14** The slope of $\sqrt u$ is $1/(2\sqrt u)$, and $\sqrt u$ is $s$ itself.

# %%
dvar = dstd / (2 * std)
assert check("14.14", dvar)

# %% [markdown]
# **14.15** $c_{nj}$ (`centred`) is used in $\hat x_{nj}$, with the slope $1/s_j$, and in the variance
# $\frac1N \sum_n c_{nj}^2$, with the slope $2 c_{nj}/N$.

# %%
dcentred = dxhat / std + 2 * dvar * centred / N
assert check("14.15", dcentred)

# %% [markdown]
# **14.16** $\mu_j$ is subtracted from every row: minus the sum.

# %%
dmu = -dcentred.sum(0)
assert check("14.16", dmu)

# %% [markdown]
# **14.17** $z_{nj}$ is used in $c_{nj}$, with the slope 1, and in $\mu_j$, with the slope $1/N$.

# %%
dz1 = dcentred + dmu / N
assert check("14.17", dz1)

# %% [markdown]
# ## The first layer
#
# As in the second layer.
#
# **14.18**

# %%
dx = dz1 @ W1
assert check("14.18", dx)
# %% [markdown]
# **14.19**

# %%
dW1 = dz1.T @ x
assert check("14.19", dW1)
# %% [markdown]
# **14.20**

# %%
db1 = dz1.sum(0)
assert check("14.20", db1)

# %% [markdown]
# ## The short forms
#
# **14.21** With $\ell$ for $\log p$, so that `dp` is $\frac{\partial L}{\partial \ell} / p$:
#
# $$\frac{\partial L}{\partial T_n} = -\sum_k \frac{\partial L}{\partial p_{nk}} \frac{p_{nk}}{T_n}
#   = -\frac{1}{T_n} \sum_k \frac{\partial L}{\partial \ell_{nk}}$$
#
# $$\frac{\partial L}{\partial z_{ni}}
#   = \Bigl(\frac{\partial L}{\partial p_{ni}} \frac{1}{T_n} + \frac{\partial L}{\partial T_n}\Bigr) e_{ni}
#   = \frac{\partial L}{\partial p_{ni}}\, p_{ni} + \frac{\partial L}{\partial T_n}\, T_n\, p_{ni}
#   = \frac{\partial L}{\partial \ell_{ni}} - p_{ni} \sum_k \frac{\partial L}{\partial \ell_{nk}}$$


# %%
def through_log_softmax(dlogp, p):
    return dlogp - p * dlogp.sum(1, keepdim=True)


assert check("14.21", through_log_softmax)

# %% [markdown]
# **14.22** $\partial L/\partial \ell = -t/N$, and each row of $t$ has a single 1. So the sum is $-1/N$, and
#
# $$\frac{\partial L}{\partial z} = -\frac{t}{N} + \frac{p}{N} = \frac{p - t}{N}.$$


# %%
def cross_entropy_backward(grad_output, z2):
    return grad_output * (z2.softmax(1) - target) / N


assert check("14.22", cross_entropy_backward)

# %% [markdown]
# **14.23** With $g$ for `dxhat`, $s$ for `std` and $c$ for `centred`, and $c/s = \hat x$:
#
# $$\frac{2}{N} \frac{\partial L}{\partial \text{var}}\, c
#   = \frac{2}{N} \cdot \frac{1}{2s} \Bigl(-\sum_n g_n \frac{\hat x_n}{s}\Bigr)\, c
#   = -\frac{1}{s} \cdot \frac{c}{s} \cdot \frac1N \sum_n g_n \hat x_n
#   = -\frac{1}{s}\, \hat x \operatorname{mean}(g \odot \hat x)$$


# %%
def through_variance(dxhat, xhat, std):
    return -xhat * (dxhat * xhat).mean(0) / std


assert check("14.23", through_variance)

# %% [markdown]
# **14.24** The second summand of `dcentred` is a multiple of $\hat x$, whose sum down the column is zero.
# The first one leaves
#
# $$\frac1N \frac{\partial L}{\partial \mu} = -\frac1N \sum_n \frac{g_n}{s}
#   = -\frac{1}{s} \operatorname{mean}(g).$$


# %%
def through_mean(dxhat, std):
    return -dxhat.mean(0) / std


assert check("14.24", through_mean)

# %% [markdown]
# **14.25** The three ways together:
#
# $$\frac{\partial L}{\partial z} = \frac{g}{s} - \frac{\operatorname{mean}(g)}{s}
#   - \frac{\hat x \operatorname{mean}(g \odot \hat x)}{s}$$


# %%
def batch_norm_backward(dxhat, xhat, std):
    return (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / std


assert check("14.25", batch_norm_backward)
torch.testing.assert_close(batch_norm_backward(dxhat, xhat, std), dz1)

# %% [markdown]
# **14.26**


# %%
def backward(grad_output, x, W1, b1, gamma, beta, W2, b2):
    z1 = x @ W1.T + b1
    centred = z1 - z1.mean(0)
    std = torch.sqrt((centred**2).mean(0) + 1e-5)
    xhat = centred / std
    a = torch.tanh(gamma * xhat + beta)
    z2 = a @ W2.T + b2

    dz2 = grad_output * (z2.softmax(1) - target) / N
    dW2, db2 = dz2.T @ a, dz2.sum(0)
    dh = dz2 @ W2 * (1 - a**2)
    dgamma, dbeta = (dh * xhat).sum(0), dh.sum(0)
    dxhat = dh * gamma
    dz1 = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / std
    return dz1 @ W1, dz1.T @ x, dz1.sum(0), dgamma, dbeta, dW2, db2


assert check("14.26", backward)

# %% [markdown]
# ## Line by line
#
# What `derive` prints for the network, with 7 for $N$:

# %%
shapes = [(7, 2), (5, 2), (5,), (5,), (5,), (3, 5), (3,), y]


def loss_of(x, W1, b1, gamma, beta, W2, b2, y):
    return network(x, W1, b1, gamma, beta, W2, b2, y)[0]


derivation = derive(loss_of, shapes=shapes, depth="elementary")
for line in """
    dlogp = -target / 7
    dp = dlogp / p
    dtotal = -(dp * p / total).sum(1, keepdim=True)
    de = dp / total + dtotal
    dz2 = de * e
    dW2 = dz2.T @ a
    db2 = dz2.sum(0)
    da = dz2 @ W2
    dh = da * (1 - a**2)
    dgamma = (dh * xhat).sum(0)
    dbeta = dh.sum(0)
    dxhat = dh * gamma
    dstd = -(dxhat * xhat / std).sum(0)
    dvar = dstd / (2 * std)
    dcentred = dxhat / std + 2 * dvar * centred / 7
    dmu = -dcentred.sum(0)
    dz1 = dcentred + dmu / 7
    dx = dz1 @ W1
    dW1 = dz1.T @ x
    db1 = dz1.sum(0)
""".strip().splitlines():
    assert line.strip() in str(derivation), line
plots.show(derivation, "ladder.md")
