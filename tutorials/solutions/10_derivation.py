# %% [markdown]
# # Solutions: Is my derivation right?

# %%
import torch

from manual_backprop import verify
from manual_backprop.exercises import check

# %% [markdown]
# **10.1** Taylor's formula to the first term that is left, $f(x + h) = f + h f' + \frac{h^2}{2} f'' + \dots$,
# gives
#
# $$\frac{f(x + h) - f(x)}{h} = f' + \frac{h}{2} f'' + \dots$$
#
# Each value is wrong by up to $\varepsilon |f| / 2$, so their difference by up to $\varepsilon |f|$, divided
# by $h$. Together
#
# $$E(h) = \frac{h}{2} |f''| + \frac{\varepsilon |f|}{h}, \qquad
#   E'(h) = \frac{|f''|}{2} - \frac{\varepsilon |f|}{h^2} = 0, \qquad
#   h = \sqrt{\frac{2 \varepsilon |f|}{|f''|}}.$$
#
# For $e^x$, $f'' = f$. The error at that step is $\sqrt{2\varepsilon}$ too: half of the digits are lost.

# %%
epsilon = 2.0**-52
h = (2 * epsilon) ** 0.5
one = torch.tensor(1.0, dtype=torch.float64)
slope = ((one + h).exp() - one.exp()) / h
print(f"h = {h:.1e}, relative error {abs(float(slope / one.exp()) - 1):.0e}")
assert check("10.1", h)

# %% [markdown]
# **10.2** With ones, $g_i - p_i \sum_j g_j = 1 - C p_i$. Whatever equals that for ones will do. The plainest
# is a backward that ignores `grad_output`. Another puts the upstream gradient in the wrong place, $g_i - C
# p_i g_i$: the sum over $j$ is replaced by $C$ times one of its terms.


# %%
def ignores(grad_output, z):
    return 1 - z.shape[1] * z.softmax(1)


def misplaced(grad_output, z):
    return grad_output * (1 - z.shape[1] * z.softmax(1))


for backward in (ignores, misplaced):
    report = verify(lambda z: z.log_softmax(1), backward, shapes=[(5, 3)])
    assert report.verdicts[0].status == "wrong"
    assert report.verdicts[0].passes_with_ones
assert check("10.2", misplaced)

# %% [markdown]
# **10.3** Write $r = \lVert x \rVert$. Every output of a row depends on every input of it, through $r$. The
# chain rule gives $\partial r / \partial x_i = 2 x_i / (2 r) = x_i / r = y_i$, and the quotient rule
#
# $$\frac{\partial y_j}{\partial x_i} = \frac{[j = i]}{r} - \frac{x_j}{r^2} \frac{\partial r}{\partial x_i}
#   = \frac{[j = i] - y_j y_i}{r},$$
#
# where $[j = i]$ is 1 if $j = i$ and 0 if not. The sum over all outputs:
#
# $$\frac{\partial L}{\partial x_i} = \sum_j g_j \frac{\partial y_j}{\partial x_i}
#   = \frac{1}{r} \Bigl(g_i - y_i \sum_j g_j y_j\Bigr)$$
#
# The part of $g$ along $y$ is taken away: moving $x$ along itself does not change $y$.


# %%
def normalised_backward(grad_output, x):
    r = x.norm(dim=1, keepdim=True)
    y = x / r
    return (grad_output - y * (grad_output * y).sum(1, keepdim=True)) / r


assert check("10.3", normalised_backward)
