# %% [markdown]
# # Solutions: Beyond the multilayer perceptron

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **12.1** Where is each number used?
#
# - $x_i$ in $z_{2i}$, $z_{2i+1}$ and so on, the places of its copy, with the slopes $w_u$: $\sum_u
#   \delta_{2i+u} w_u$.
# - $w_u$ by each $x_i$, in $z_{2i+u}$, with the slope $x_i$: $\sum_i \delta_{2i+u} x_i$.
#
# So the backward reads from $\delta$ where the forward has written. The gradient of $x$ is a convolution of
# $\delta$ with a stride of 2, and the kernel is not flipped. This operation and that convolution are each
# other's way back, which is why the name has "transpose" in it.


# %%
def upsampling_backward(grad_output, x, w):
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(w)
    for i in range(len(x)):
        window = grad_output[2 * i : 2 * i + len(w)]
        grad_x[i] = (window * w).sum()
        grad_w += window * x[i]
    return grad_x, grad_w


assert check("12.1", upsampling_backward)

# %% [markdown]
# **12.2** Write $a_t = \tanh z_t$ with $z_t = W x_t + U h_{t-1}$, so that $h_t = h_{t-1} + a_t$. Where is
# each variable used?
#
# - $h_t$ by the loss ($g_t$), as a summand of $h_{t+1}$ with the slope 1, and in $z_{t+1}$ with the slope
#   $U$: $\;\eta_t = g_t + \eta_{t+1} + \delta_{t+1} U$, where $\eta_t = \partial L/\partial h_t$.
# - $z_t$ in $a_t$ only: $\delta_t = \eta_t \odot (1 - a_t^2)$. The state is no longer a tanh, so $a_t$ is
#   $h_t - h_{t-1}$.
# - $W$ and $U$ at every step: $\sum_t \delta_t \otimes x_t$ and $\sum_t \delta_t \otimes h_{t-1}$.
# - $x_t$ in $z_t$ only: $\delta_t W$. And $h_0$ is a state as the others, without a $g_0$.
#
# $\eta_{t+1}$ arrives at $\eta_t$ without any factor. It is the way that an LSTM's cell has with $f = 1$, and
# exercise 5.3 had it in depth.


# %%
def adding_backward(grad_output, x, h0, W, U):
    states, activations = [h0], []
    for x_t in x:
        activations.append(torch.tanh(W @ x_t + U @ states[-1]))
        states.append(states[-1] + activations[-1])
    grad_x, grad_W, grad_U = torch.zeros_like(x), torch.zeros_like(W), torch.zeros_like(U)
    from_next = torch.zeros_like(h0)
    for t in reversed(range(len(x))):
        grad_h = grad_output[t] + from_next
        delta = grad_h * (1 - activations[t] ** 2)
        grad_x[t] = delta @ W
        grad_W += torch.outer(delta, x[t])
        grad_U += torch.outer(delta, states[t])
        from_next = grad_h + delta @ U
    return grad_x, from_next, grad_W, grad_U


assert check("12.2", adding_backward)

# %% [markdown]
# **12.3** Write $u = x W^\top$. It is used twice, as queries and as keys. The page has the gradient of each
# use; here they are added up, with $u$ in the place of both $q$ and $k$:
#
# $$\frac{\partial L}{\partial u} = \frac{1}{\sqrt E} \Bigl(\frac{\partial L}{\partial s}
#   + \Bigl(\frac{\partial L}{\partial s}\Bigr)^{\!\top}\Bigr)\, u$$
#
# From there on, $u$ and $v$ are two linear layers of $x$:
#
# $$\frac{\partial L}{\partial W} = \Bigl(\frac{\partial L}{\partial u}\Bigr)^{\!\top} x, \qquad
#   \frac{\partial L}{\partial V} = \Bigl(\frac{\partial L}{\partial v}\Bigr)^{\!\top} x, \qquad
#   \frac{\partial L}{\partial x} = \frac{\partial L}{\partial u} W + \frac{\partial L}{\partial v} V$$


# %%
def self_attention_backward(grad_output, x, W, V):
    u, v = x @ W.T, x @ V.T
    scale = u.shape[1] ** -0.5
    p = (scale * u @ u.T).softmax(1)
    grad_p = grad_output @ v.T
    grad_s = p * (grad_p - (grad_p * p).sum(1, keepdim=True))
    grad_u, grad_v = scale * (grad_s + grad_s.T) @ u, p.T @ grad_output
    return grad_u @ W + grad_v @ V, grad_u.T @ x, grad_v.T @ x


assert check("12.3", self_attention_backward)
