# %% [markdown]
# # Solutions: Without backpropagation

# %%
from manual_backprop.exercises import check

# %% [markdown]
# **18.1** The noise in the mean of $k$ draws is $\sqrt{(P-1)/k}$ times as long as the gradient and at right
# angles to it, so this is the tangent of the angle. The tangent of 60° is $\sqrt 3$, hence $(P-1)/k = 3$ and
# $k = (P-1)/3$.

# %%
answer = (1_000_000 - 1) / 3
assert check("18.1", answer)

# %% [markdown]
# **18.2** For each direction the slope, times the direction; then the mean.


# %%
def estimate(loss, w, V, epsilon):
    total = 0
    for v in V:
        slope = (loss(w + epsilon * v) - loss(w - epsilon * v)) / (2 * epsilon)
        total = total + slope * v
    return total / len(V)


assert check("18.2", estimate)

# %% [markdown]
# **18.3** At rest $o - w x + \beta\,(o - t) = 0$, so
#
# $$o_\beta = \frac{w x + \beta t}{1 + \beta}, \qquad
#   o_\beta - w x = \frac{\beta\,(t - w x)}{1 + \beta}.$$
#
# With $\partial E / \partial w = -o\,x$ the contrast is
#
# $$-\frac{x}{2\beta}\,(o_\beta - o_{-\beta})
#   = -\frac{x}{2\beta} \left( \frac{\beta}{1 + \beta} + \frac{\beta}{1 - \beta} \right) (t - w x)
#   = \frac{(w x - t)\,x}{1 - \beta^2}.$$
#
# The error is of the order $\beta^2$. With one sign the factor is $1/(1 + \beta)$, off by the order $\beta$.


# %%
def factor(beta):
    return 1 / (1 - beta**2)


assert check("18.3", factor)
