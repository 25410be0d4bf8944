# %% [markdown]
# # Solutions: Gradients beyond training

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **16.1** Each pixel moves by $\varepsilon$ in the direction of its weight's sign, and contributes
# $\varepsilon |w_i|$: together $784 \cdot 0.1 \cdot 0.01 = 0.784$.

# %%
assert check("16.1", 784 * 0.1 * 0.01)

# %% [markdown]
# **16.2** With $g = \partial L/\partial G$ and $G_{cd} = \sum_p f_{cp} f_{dp}$,
#
# $$\frac{\partial G_{cd}}{\partial f_{ep}} = [c = e]\, f_{dp} + [d = e]\, f_{cp}
#   \quad\Rightarrow\quad
#   \frac{\partial L}{\partial f_{ep}} = \sum_d g_{ed} f_{dp} + \sum_c g_{ce} f_{cp},$$
#
# which is $(g + g^{\top}) f$. Where $g$ is symmetric, as it is for a mean of squares, that is $2 g f$.


# %%
def gram_backward(grad_output, f):
    return (grad_output + grad_output.T) @ f


assert check("16.2", gram_backward)

# %% [markdown]
# **16.3** Both are used twice in a step: $x$ in the new $x$ and, through $\sin x$, in the new $v$; $v$ in the
# new $x$ and in the next step. Back through one step, in the reverse order of its two lines:
#
# $$\frac{\partial L}{\partial v_{t+1}} \mathrel{+}= h\,\frac{\partial L}{\partial x_{t+1}}, \qquad
#   \frac{\partial L}{\partial x_t} = \frac{\partial L}{\partial x_{t+1}}
#     - h \cos x_t\, \frac{\partial L}{\partial v_{t+1}}, \qquad
#   \frac{\partial L}{\partial v_t} = \frac{\partial L}{\partial v_{t+1}}.$$


# %%
def pendulum_backward(grad_output, x, v):
    h, angles = 0.1, []
    for _ in range(3):
        angles.append(x)
        v = v - h * x.sin()
        x = x + h * v
    grad_x, grad_v = grad_output, torch.zeros_like(grad_output)
    for angle in reversed(angles):
        grad_v = grad_v + h * grad_x
        grad_x = grad_x - h * angle.cos() * grad_v
    return grad_x, grad_v


assert check("16.3", pendulum_backward)
