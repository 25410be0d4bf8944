# %% [markdown]
# # Is my derivation right?
#
# You have derived a backward on paper. Before it goes into a network, you want to know whether it is right
# and, if it is not, where the thought went wrong. We take the softmax, and a mistake that is easy to make.
#
# The softmax turns scores $z$ into probabilities: $p_i = e^{z_i} / \sum_j e^{z_j}$.

# %%
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from manual_backprop import verify


def forward(z: Tensor) -> Tensor:
    exponentials = z.exp()
    return exponentials / exponentials.sum(1, keepdim=True)


# %% [markdown]
# The quotient rule, applied to $p_i$, gives
#
# $$\frac{\partial p_i}{\partial z_i}
#   = \frac{e^{z_i} \sum_j e^{z_j} - e^{z_i} e^{z_i}}{(\sum_j e^{z_j})^2} = p_i (1 - p_i)$$
#
# just as for the sigmoid. So the backward multiplies the upstream gradient with it, element by element.
#
# **Before you run the next cell:** is this derivation right?


# %%
def first_try(grad_output: Tensor, z: Tensor) -> Tensor:
    p = z.softmax(1)
    return grad_output * p * (1 - p)


report = verify(forward, first_try, shapes=[(5, 3)])
print(report)

# %% [markdown]
# Every line of the algebra was right, and the gradient is wrong. The report says what is missing: only the
# diagonal of the Jacobian is there. Raising $z_i$ does not only raise $p_i$; since the probabilities add up
# to one, it lowers all the others: $\partial p_j / \partial z_i = -p_j p_i$ for $j \ne i$.
#
# `torch.autograd.gradcheck` notices the mistake too. This is what it says of it:


# %%
class FirstTry(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(z)
        return z.softmax(1)

    @staticmethod
    def backward(ctx, grad_output):  # type: ignore[no-untyped-def]
        return first_try(grad_output, *ctx.saved_tensors)


scores = torch.randn(1, 3, dtype=torch.float64, requires_grad=True)
try:
    torch.autograd.gradcheck(FirstTry.apply, (scores,))
except GradcheckError as error:
    print(error)

# %% [markdown]
# Both matrices are there, and whoever knows what to look for sees that one is diagonal.
#
# The pictures show where the difference is, how exact differences of values can be at best (left: too large a
# step is wrong by its square, too small a one by rounding, and the complex step has no such limit), and how
# far the error is above what rounding explains.

# %%
report.plot("softmax_first_try.png")

# %% [markdown]
# ## The derivation, completed
#
# The chain rule sums over every output that depends on $z_i$:
#
# $$\frac{\partial L}{\partial z_i} = \sum_j g_j \frac{\partial p_j}{\partial z_i}
#   = g_i p_i - p_i \sum_j g_j p_j = p_i \Bigl(g_i - \sum_j g_j p_j\Bigr)$$


# %%
def second_try(grad_output: Tensor, z: Tensor) -> Tensor:
    p = z.softmax(1)
    return p * (grad_output - (grad_output * p).sum(1, keepdim=True))


print(verify(forward, second_try, shapes=[(5, 3)]))

# %% [markdown]
# ## A false comfort
#
# Many tests call `.sum().backward()`: an upstream gradient of ones. For the softmax that gradient is zero,
# whatever $z$: the probabilities add up to one, and stay so. A backward that returns zeros passes such a
# test, and the report says that it would have.


# %%
def zeros(grad_output: Tensor, z: Tensor) -> Tensor:
    return torch.zeros_like(z)


print(verify(forward, zeros, shapes=[(5, 3)]))

# %% [markdown]
# ## Exercises
#
# Each of these is wrong. Say what is wrong with it before you ask `verify`.
#
# 1. For `z.log_softmax(1)`: `grad_output - grad_output.sum(1, keepdim=True)`.
# 2. For `x @ weight.T`, the gradient of `weight`: `x.T @ grad_output`.
# 3. For `torch.tanh(z)`: `grad_output * (1 - z**2)`.
