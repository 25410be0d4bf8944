# %% [markdown]
# # Solutions: The computational graph

# %%
from manual_backprop.exercises import check

# %% [markdown]
# **3.1** Forward: $b = 100$, $c = 110$, $L = 11000$. Backward, each node after all its uses:
#
# - $L$ starts with 1. It is the product $c \cdot b$, so it hands $b = 100$ to $c$, and $c = 110$ to $b$.
# - $c$ has one use and is complete: 100. As a sum it hands 100 to $b$ and 100 to $a$.
# - $b$ is complete now: $110 + 100 = 210$. It is the product $a \cdot a$, so each of its two arrows from $a$
#   carries $210 \cdot 10 = 2100$.
# - $a$ collects $100 + 2100 + 2100 = 4300$.
#
# To check: $L = (a^2 + a) a^2 = a^4 + a^3$ has the derivative $4a^3 + 3a^2 = 4000 + 300$.

# %%
grad_c, grad_b = 100.0, 110.0
grad_a = grad_c
grad_b += grad_c
grad_a += grad_b * 10.0
grad_a += grad_b * 10.0
assert check("3.1", grad_a)

# %% [markdown]
# **3.2** $x_{ni}$ is used in $z_{ni}$, with the slope 1, and through the mean in $z_{mi}$ of *every*
# example $m$, its own included, with the slope $-1/N$. The sum over uses:
#
# $$\frac{\partial L}{\partial x_{ni}}
#   = \frac{\partial L}{\partial z_{ni}} - \frac{1}{N} \sum_m \frac{\partial L}{\partial z_{mi}}$$
#
# The gradient is centred as well. That makes sense: a number added to a whole column of $x$ changes nothing
# in $z$, so the gradients in a column have to add up to zero.


# %%
def centre_backward(grad_output, x):
    return grad_output - grad_output.mean(0)


assert check("3.2", centre_backward)

# %% [markdown]
# **3.3** We do it as PyTorch's engine does: first count how many arrows lead from each node to its users,
# then visit a node when that many have been followed. Whatever is complete waits in a list, which replaces
# the recursion. Each node is looked up twice, once to count and once to visit. This way to sort is due to
# A. B. Kahn ("Topological sorting of large networks", 1962).


# %%
def backward_order(result, inputs):
    outstanding = {result: 0}  # uses of a node that have not reported
    found = [result]
    for user in found:  # grows as we go, and so holds what the result depends on
        for used in inputs[user]:
            if used not in outstanding:
                outstanding[used] = 0
                found.append(used)
            outstanding[used] += 1

    order = []
    complete = [result]
    while complete:
        user = complete.pop()
        order.append(user)
        for used in inputs[user]:
            outstanding[used] -= 1
            if outstanding[used] == 0:
                complete.append(used)
    return order


assert check("3.3", backward_order)
