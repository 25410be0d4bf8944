# %% [markdown]
# # Solutions: Training on MNIST

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **9.1** The gradient of a mean is the mean of the gradients: with $\ell_n$ for the cross-entropy of image
# $n$,
#
# $$\frac{\partial L}{\partial w} = \frac1N \sum_n \frac{\partial \ell_n}{\partial w}.$$
#
# Each image's share is $1/N$. In the last batch $N = 32$, in a full one $N = 64$, so an image of the last
# batch moves the weights twice as much. The shuffling sees to it that this falls on other images in each
# epoch.

# %%
answer = (1 / 32) / (1 / 64)
assert check("9.1", answer)

# %% [markdown]
# **9.2** Each weight stands in the penalty once, as $\frac\lambda2 w^2$, whose derivative is $\lambda w$. So
# the gradient of what is minimised is $\partial L/\partial W + \lambda W$, and
#
# $$W \leftarrow W - \eta \Bigl(\frac{\partial L}{\partial W} + \lambda W\Bigr)
#   = (1 - \eta\lambda)\, W - \eta\, \frac{\partial L}{\partial W}.$$
#
# The second form is where the name comes from: where $L$ does not care, a weight decays by the factor
# $1 - \eta\lambda$ in each step.


# %%
def decayed(W, grad, lr, decay):
    return W - lr * (grad + decay * W)


assert check("9.2", decayed)

# %% [markdown]
# PyTorch's optimiser means the same by its `weight_decay`.

# %%
w = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
w.grad = torch.tensor([0.1, 0.2, 0.3])
expected = decayed(w.detach().clone(), w.grad, lr=0.5, decay=0.01)
torch.optim.SGD([w], lr=0.5, weight_decay=0.01).step()
torch.testing.assert_close(w.detach(), expected)

# %% [markdown]
# **9.3** Three things change. The sum has no $1/N$. The slope of tanh is $1 - \tanh^2 z^1 = 1 - (a^1)^2$,
# where the bracket $[z^1 > 0]$ stood. And `grad_output`, which was 1, multiplies $\delta^2$; everything below
# is linear in $\delta^2$, so it arrives in every gradient. The fifth gradient, that of $x$, has the form of
# the one of $a^1$: $\delta^1 W^1$.

# %%
t = torch.nn.functional.one_hot(torch.tensor([2, 0, 1, 1, 0]), 3).double()


def backward_of_tanh(grad_output, x, W1, b1, W2, b2):
    a1 = torch.tanh(x @ W1.T + b1)
    p = (a1 @ W2.T + b2).softmax(1)
    delta2 = grad_output * (p - t)
    delta1 = delta2 @ W2 * (1 - a1**2)
    return delta1 @ W1, delta1.T @ x, delta1.sum(0), delta2.T @ a1, delta2.sum(0)


assert check("9.3", backward_of_tanh)
