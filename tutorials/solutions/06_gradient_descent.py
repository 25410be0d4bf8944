# %% [markdown]
# # Solutions: Gradient descent

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **6.1** The derivatives are $6 w_1$ and $w_2$, so the curvatures are 6 and 1. In the form
# $\frac12 w^\top A w$, the matrix $A$ has the diagonal $(6, 1)$. The steep direction sets the limit:
# $\eta < 2/6$.

# %%
assert check("6.1", 2 / 6)

# %% [markdown]
# **6.2** The gradient is asked for at the present $w$, $v$ is brought up to date, and then $w$ moves.


# %%
def descent_with_momentum(gradient, w, lr, momentum, steps):
    v = torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + gradient(w)
        w = w - lr * v
    return w


assert check("6.2", descent_with_momentum)

# %% [markdown]
# **6.3** With $g = Aw$, and $A^\top = A$, the loss after the step is
#
# $$L(w - \eta g) = \tfrac12 (w - \eta g)^\top A\,(w - \eta g)
#   = \tfrac12 w^\top A w - \eta\, g^\top g + \tfrac12 \eta^2\, g^\top A g.$$
#
# The middle term is the promise of the page's first section, $\eta \|g\|^2$. The last one is what the
# curvature takes back. It is a parabola in $\eta$, and its derivative $-g^\top g + \eta\, g^\top A g$ is zero
# at
#
# $$\eta = \frac{g^\top g}{g^\top A g}.$$
#
# If $g$ is the eigenvector of $\lambda$, this is $1/\lambda$. At twice this $\eta$ the loss is back at
# $L(w)$.


# %%
def best_rate(A, w):
    g = A @ w
    return (g @ g) / (g @ A @ g)


assert check("6.3", best_rate)
