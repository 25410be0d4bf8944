# %% [markdown]
# # Solutions: Beyond the multilayer perceptron

# %%
import torch

from manual_backprop.exercises import check

# %% [markdown]
# **12.1** Window $i$ is a linear layer with one output: it reads $x_{2i}, x_{2i+1}, \dots$ and makes $z_i$.
#
# - $w_u$ is used by every window $i$, with the slope $x_{2i+u}$: $\sum_i \delta_i x_{2i+u}$.
# - $x_h$ is used by each window that has it at some $u$, with the slope $w_u$: $\sum \delta_i w_u$ over all
#   $i$ and $u$ with $2i + u = h$.
#
# The second sum is awkward to write with $h$ in front, and easy window by window: window $i$ adds $\delta_i
# w$ to the places that it has read. Numbers that no window reads, here the last one, keep the gradient 0. The
# flipped kernel appears only when the sum is written as a convolution of $\delta$.


# %%
def convolution_backward(grad_output, x, w):
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(w)
    for i, delta in enumerate(grad_output):
        window = slice(2 * i, 2 * i + len(w))
        grad_x[window] += delta * w
        grad_w += delta * x[window]
    return grad_x, grad_w


assert check("12.1", convolution_backward)

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
# **12.3** The page has the gradients of $q$, $k$ and $v$. Each of the three is a linear layer of $x$:
#
# $$\frac{\partial L}{\partial W_q} = \Bigl(\frac{\partial L}{\partial q}\Bigr)^{\!\top} x, \quad
#   \frac{\partial L}{\partial W_k} = \Bigl(\frac{\partial L}{\partial k}\Bigr)^{\!\top} x, \quad
#   \frac{\partial L}{\partial W_v} = \Bigl(\frac{\partial L}{\partial v}\Bigr)^{\!\top} x$$
#
# and $x$, which all three use, gets a sum of three shares:
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial q} W_q + \frac{\partial L}{\partial k} W_k
#   + \frac{\partial L}{\partial v} W_v$$


# %%
def self_attention_backward(grad_output, x, Wq, Wk, Wv):
    q, k, v = x @ Wq.T, x @ Wk.T, x @ Wv.T
    scale = q.shape[1] ** -0.5
    p = (scale * q @ k.T).softmax(1)
    grad_p = grad_output @ v.T
    grad_s = p * (grad_p - (grad_p * p).sum(1, keepdim=True))
    grad_q, grad_k, grad_v = scale * grad_s @ k, scale * grad_s.T @ q, p.T @ grad_output
    return grad_q @ Wq + grad_k @ Wk + grad_v @ Wv, grad_q.T @ x, grad_k.T @ x, grad_v.T @ x


assert check("12.3", self_attention_backward)
