# %% [markdown]
# # Solutions: Writing your own autograd.Function

# %%

import torch
from torch.autograd import gradcheck, gradgradcheck

from manual_backprop.exercises import check

# %% [markdown]
# **13.1** The derivative is $-\sin z$. From the output alone one gets $\sin z = \pm\sqrt{1 - a^2}$, but not
# the sign: $\cos$ has the value $a$ at $z$ and at $-z$, with opposite slopes. So the input has to be kept,
# and nothing else does.

# %%
z = torch.tensor([-1.0, 1.0], requires_grad=True)
a = z.cos()
(slopes,) = torch.autograd.grad(a.sum(), z)
assert a[0] == a[1]
assert slopes[0] == -slopes[1]
assert check("13.1", "input")

# %% [markdown]
# **13.2** With $\delta^2 = \partial L/\partial z^2$ and $\delta^1 = \partial L/\partial z^1$, the four
# products are
#
# $$\frac{\partial L}{\partial W^2} = \delta^{2\mathsf{T}} a^1, \qquad
#   \frac{\partial L}{\partial a^1} = \delta^2 W^2, \qquad
#   \frac{\partial L}{\partial W^1} = \delta^{1\mathsf{T}} x, \qquad
#   \frac{\partial L}{\partial x} = \delta^1 W^1.$$
#
# $W^2$ and $x$ are not asked for. But $W^1$ is, and the gradient reaches it through $a^1$: the second and
# the third product remain. Freezing the *last* layers of a network saves only their own weight gradients;
# freezing the *first* ones saves the way back to them, too.

# %%
assert check("13.2", 2)

# %% [markdown]
# **13.3** With $s = \ln(1 + e^z)$ and $t = \tanh s$, the chain rule gives $ds/dz = e^z/(1 + e^z) = \sigma(z)$
# and $dt/ds = 1 - t^2$, and the product rule
#
# $$\frac{da}{dz} = t + z \, (1 - t^2) \, \sigma(z).$$
#
# $s$ and $t$ are intermediates: neither input nor output. Kept, they would be constants to autograd. So $z$
# is kept, and they are computed once more.


# %%
class Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * torch.nn.functional.softplus(z).tanh()

    @staticmethod
    def backward(ctx, grad_output):
        (z,) = ctx.saved_tensors
        t = torch.nn.functional.softplus(z).tanh()
        return grad_output * (t + z * (1 - t**2) * z.sigmoid())


z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
assert gradcheck(Mish.apply, z)
assert gradgradcheck(Mish.apply, z)
assert check("13.3", Mish)
