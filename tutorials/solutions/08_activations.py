# %% [markdown]
# # Solutions: Activations and vanishing gradients
#
# **8.1**
# Its own weights and its bias get the gradient zero, as in the first layer. But its inputs are the
# activations of the first hidden layer, and these change while the first layer learns through units that are
# alive. So it may be woken up, by accident: nothing in the gradient is aimed at it. Here is a case of either
# kind. There is one input, $x = 1$, one unit in the first layer with $a^1 = 0.5$, and two in the second:
# $z_1 = a^1$, and $z_2 = a^1 - 1$, which is dead. The output is the sum of both activations, and the loss its
# squared distance from a target; the weights of the second layer stay at 1. With the target 3 the first layer
# grows until $z_2 > 0$; with the target 0 it shrinks, and the unit stays dead.

# %%
import torch

from manual_backprop import functional as F
from manual_backprop.exercises import check

for target in (3.0, 0.0):
    w = torch.tensor(0.5, requires_grad=True)
    bias = torch.tensor([0.0, -1.0], requires_grad=True)
    for number in range(20):
        z = F.relu(w) + bias
        if number == 0:
            print(f"target {target:g}: z₂ = {z[1].item():.2f} at the start,", end=" ")
        grad_w, grad_bias = torch.autograd.grad((F.relu(z).sum() - target) ** 2, (w, bias))
        with torch.no_grad():
            w -= 0.05 * grad_w
            bias -= 0.05 * grad_bias
    print(f"{z[1].item():.2f} after 20 steps")
    assert (z[1].item() > 0) == (target == 3)

assert check("8.1", "sometimes")

# %% [markdown]
# **8.2**
# By the quotient rule, with the derivative $z/\sqrt{1 + z^2}$ of the root,
#
# $$\frac{\mathrm{d}a}{\mathrm{d}z} = \frac{\sqrt{1 + z^2} - z \cdot z/\sqrt{1 + z^2}}{1 + z^2}
#   = \frac{(1 + z^2) - z^2}{(1 + z^2)^{3/2}} = \frac{1}{(1 + z^2)^{3/2}}$$
#
# From $a^2 = z^2/(1 + z^2)$ follows $1 - a^2 = 1/(1 + z^2)$. So the slope is $(1 - a^2)^{3/2}$. Tanh's is
# $1 - a^2$: this activation saturates more slowly as a function of $z$, though its slope falls faster as a
# function of $a$.


# %%
def slope_of_output(a):
    return (1 - a**2) ** 1.5


assert check("8.2", slope_of_output)

# %% [markdown]
# **8.3**
# With $g$ for the upstream gradient, $\partial a_{nj}/\partial z_{nj}$ is 1 where $z_{nj} > 0$ and $s_j$
# elsewhere. The slope $s_j$ is in the output $j$ of every example, so the chain rule sums over $n$; where
# $z_{nj} > 0$ it does not occur, and elsewhere $\partial (s_j z_{nj})/\partial s_j = z_{nj}$:
#
# $$\frac{\partial L}{\partial s_j} = \sum_n g_{nj}\, z_{nj}\, [z_{nj} \le 0]$$


# %%
def prelu_backward(grad_output, z, s):
    grad_z = torch.where(z > 0, grad_output, s * grad_output)
    grad_s = torch.where(z > 0, 0, grad_output * z).sum(0)
    return grad_z, grad_s


assert check("8.3", prelu_backward)
