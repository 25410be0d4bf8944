# %% [markdown]
# # Beyond the multilayer perceptron
#
# A convolution slides the same 25 weights over a whole image. A recurrent network multiplies with the same
# matrix at every step of a sequence. In attention every place of a text looks at every other one. Which new
# rule does backpropagation need for each of them?
#
# What pages 1 to 11 have used is a single rule. The gradient of a value is a *sum over the places where it is
# used*: each use contributes the gradient that arrives there, times the slope with which the value enters
# ([The computational graph](03_graph.py)). A weight of a layer is used by every example of a batch, hence
# $\partial L/\partial W = \delta^\top a$, a sum over the examples ([The chain rule, layer by
# layer](05_chain_rule.py)). This page draws three more graphs and asks of each the same question: where is it
# used?

# %%
from math import inf, prod, sqrt

import torch

from manual_backprop import functional as F
from manual_backprop import nn, plots, use_manual_gradients, verify
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

torch.manual_seed(0)


def normal(*shape):
    """Random numbers in float64, where rounding is far below all that we compare."""
    return torch.randn(shape, dtype=torch.float64)


# %% [markdown]
# ## Convolution: one kernel, every place
#
# The *kernel* $w$ of a convolution is small. It is laid onto the input at every place $i$, where it makes one
# weighted sum of what lies under it. In one dimension, with the places $u$ of the kernel:
#
# $$z_i = \sum_u w_u\, x_{i+u}$$

# %%
places = ("z₁", "z₂", "z₃")
edges = [("w₁", z) for z in places] + [(z, "L") for z in places]
plots.show(plots.graph(edges, "One weight of the kernel is used at every place"), "kernel.png")

# %% [markdown]
# Where is $w_u$ used? In every $z_i$, with the slope $x_{i+u}$. Where is $x_h$ used? In those $z_i$ that have
# it under some $u$, that is $i + u = h$, with the slope $w_u$. With $\delta_i = \partial L/\partial z_i$:
#
# $$\frac{\partial L}{\partial w_u} = \sum_i \delta_i\, x_{i+u}, \qquad
#   \frac{\partial L}{\partial x_h} = \sum_u \delta_{h-u}\, w_u$$
#
# An image has rows and columns, $C$ channels come in and $M$ go out, and a batch has $N$ images. The formulas
# get more indices and no new idea. What lies under the kernel at one place, its *window*, is a row of $C
# \cdot 5 \cdot 5$ numbers, if the kernel has five rows and columns. The $M$ kernels are the rows of a matrix.
# So at one place, a convolution *is* a linear layer, and we already have its backward. It remains to add up
# over the places.


# %%
def backward_by_loop(delta, x, W):
    """Gradients of x (N, C, H, W), of W (M, C, KH, KW) and of b (M,), given δ (N, M, O, P)."""
    KH, KW = W.shape[2:]
    grad_x, grad_W, grad_b = torch.zeros_like(x), torch.zeros_like(W), W.new_zeros(len(W))
    for i in range(delta.shape[2]):
        for j in range(delta.shape[3]):
            at = (..., slice(i, i + KH), slice(j, j + KW))
            window, here = x[at].flatten(1), delta[:, :, i, j]  # a and δ of a linear layer
            grad_W += (here.T @ window).view_as(W)
            grad_b += here.sum(0)
            grad_x[at] += (here @ W.flatten(1)).view_as(grad_x[at])
    return grad_x, grad_W, grad_b


N, C, M, size, K = 3, 2, 5, 11, 3
x, W, b = normal(N, C, size, size), normal(M, C, K, K), normal(M)
delta = normal(N, M, size - K + 1, size - K + 1)
looped = backward_by_loop(delta, x, W)

for name, conv2d in (("this package's", F.conv2d), ("PyTorch's own", torch.nn.functional.conv2d)):
    leaves = [tensor.clone().requires_grad_() for tensor in (x, W, b)]
    gradients = torch.autograd.grad(conv2d(*leaves), leaves, delta)
    torch.testing.assert_close(gradients, looped)
    off = max(float((g - h).abs().max()) for g, h in zip(gradients, looped))
    print(f"largest difference from {name} gradients: {off:.0e}")

# %% [markdown]
# ### As one matrix product
#
# The loop adds up $\delta^\top a$ over the places. If all windows stand below each other in one matrix $X$, a
# row for each place of each image, the sum is inside the product, as it was over the examples before:
#
# $$z = X W^\top, \qquad \frac{\partial L}{\partial W} = \delta^\top X, \qquad
#   \frac{\partial L}{\partial X} = \delta\, W$$
#
# That is page 5, letter for letter. The copying is called *im2col*, image to columns (Chellapilla, Puri and
# Simard, "High performance convolutional neural networks for document processing", 2006). The numbers of $X$
# are copies of those of $x$; so on the way back each number of $\partial L/\partial X$ goes to where it was
# copied from, and is added up there. PyTorch calls the two ways `unfold` and `fold`.


# %%
def backward_by_columns(delta, x, W):
    KH, KW = W.shape[2:]
    X = torch.nn.functional.unfold(x, (KH, KW)).transpose(1, 2)  # (N, places, C · KH · KW)
    deltas = delta.flatten(2).transpose(1, 2)  # (N, places, M)
    grad_W = deltas.flatten(0, 1).T @ X.flatten(0, 1)
    grad_X = deltas @ W.flatten(1)
    grad_x = torch.nn.functional.fold(grad_X.transpose(1, 2), x.shape[2:], (KH, KW))
    return grad_x, grad_W.view_as(W)


torch.testing.assert_close(backward_by_columns(delta, x, W), looped[:2])

# %% [markdown]
# ### As a convolution
#
# Look again at $\partial L/\partial x_h = \sum_u \delta_{h-u} w_u$. Where $z_i = \sum_u w_u x_{i+u}$ has a
# plus, this has a minus. So the way back to $x$ is a convolution too, of $\delta$, with the kernel
# flipped: its last weight stands first, in rows and in columns. $\delta$ is 0 where there is no place, so it
# gets $K - 1$ rows and columns of zeros on each side, and the result is larger than $\delta$: a *full*
# convolution. Forward a kernel leads from $C$ channels to $M$, back from $M$ to $C$; hence the transpose, of
# the channels alone.

# %%
framed = torch.nn.functional.pad(delta, (K - 1, K - 1, K - 1, K - 1))
turned = W.flip(2, 3).transpose(0, 1)
torch.testing.assert_close(F.conv2d(framed, turned), looped[0])

not_turned = F.conv2d(framed, W.transpose(0, 1))
assert not_turned.shape == looped[0].shape  # the shapes say nothing
print(f"without turning: off by {float((not_turned - looped[0]).norm() / looped[0].norm()):.0%}")

# %% [markdown]
# ### The gradient of a pixel
#
# Take an image of 7 × 7 pixels, one kernel of 3 × 3 weights that are all 1, and for $L$ the sum of all $z$.
#
# **Predict:** how large is the gradient of the pixel in the middle?

# %%
predict("12a")

# %%
pixels = torch.zeros(1, 1, 7, 7, requires_grad=True)
F.conv2d(pixels, torch.ones(1, 1, 3, 3)).sum().backward()
used = pixels.grad[0, 0]
numbers = [str(i + 1) for i in range(7)]
figure = plots.heat_map(
    used.tolist(),
    numbers,
    numbers,
    title="∂L/∂x counts the windows that see a pixel",
    label="∂L/∂x",
    form="{:.0f}",
)
plots.show(figure, "windows.png")
assert predict("12a", used[3, 3])
assert used.max() == 9
assert used.min() == used[0, 0] == 1

# %% [markdown]
# A pixel inside is used nine times, a corner once. A pixel at the edge has less of a say than the others;
# *padding*, a frame of zeros around the image, gives them more windows.
#
# ### A linear layer whose weights are tied
#
# A convolution is linear, so it is a matrix that acts on all pixels at once. For an image of 5 × 5 pixels and
# a kernel of 3 × 3, it has 9 rows, one for each place, and 25 columns, one for each pixel. To see it, we give
# the nine weights the numbers 1 to 9:

# %%
kernel = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
matrix = torch.func.jacrev(lambda x: F.conv2d(x.reshape(1, 1, 5, 5), kernel).flatten())(torch.zeros(25))
for place in matrix.int().tolist():
    print("".join(str(number or "·") for number in place))
print(f"{matrix.numel()} entries, {int((matrix == 0).sum())} of them zero")

# %% [markdown]
# Let every entry of this matrix be a weight of its own, as in a linear layer. Its gradient is then
# $\delta^\top a$. But nine of these weights are one and the same, so its gradient is the sum of theirs. The
# entries where no weight stands are zero by construction and do not learn.

# %%
x, delta = normal(1, 25), normal(1, 9)
of_each_entry = delta.T @ x  # (9, 25), as if nothing was tied
of_each_weight = torch.stack([of_each_entry[matrix == number].sum() for number in range(1, 10)])
w = normal(1, 1, 3, 3).requires_grad_()
(gradient,) = torch.autograd.grad(F.conv2d(x.view(1, 1, 5, 5), w), w, delta.view(1, 1, 3, 3))
torch.testing.assert_close(of_each_weight, gradient.flatten())

# %% [markdown]
# Weights that are tied are few. Eight kernels of 5 × 5 on a digit of 28 × 28 pixels make 8 × 24 × 24 numbers.
# A linear layer that makes as many numbers from the same pixels has a weight for each pair:

# %%
tied, full = 8 * 5 * 5, 28 * 28 * 8 * 24 * 24
print(f"{tied} weights in the kernels, {full:,} in the linear layer: {full / tied:,.0f} times as many")

# %% [markdown]
# `manual_backprop/functional/convolution/conv2d.py` derives all this with stride, dilation and groups.
#
# ### Pooling
#
# Between convolutions there is often a *max-pooling*: of each window, the largest number alone goes on. It is
# a copy of one input, so the whole gradient goes to that one and the others get nothing. Where windows
# overlap and one number is the largest of several, it is used several times, and the gradients are added:

# %%
x = torch.tensor([[[1.0, 5.0, 2.0, 3.0]]], requires_grad=True)  # one channel, one row
pooled = F.max_pool2d(x, (1, 2), stride=1)
(gradient,) = torch.autograd.grad(pooled, x, torch.tensor([[[10.0, 20.0, 30.0]]]))
print("largest of each window:", pooled.flatten().tolist())
print("gradient:              ", gradient.flatten().tolist())
assert gradient.flatten().tolist() == [0, 30, 0, 30]

# %% [markdown]
# `functional/convolution/max_pool2d.py` says what happens where two numbers are equally large.
#
# ## Recurrence: one matrix, every step
#
# A recurrent network reads a sequence $x_1, \dots, x_T$ and rewrites a *state* $h$ at each step, by the same
# $W$, $U$ and $b$ at every step:
#
# $$z_t = x_t W^\top + h_{t-1} U^\top + b, \qquad h_t = \tanh z_t$$
#
# There is a loop in this, and a graph has none. So we write down every step: *unrolled*, three steps are
# three layers that happen to have the same weights.

# %%
states = ("h₀", "h₁", "h₂", "h₃")
edges = [*zip(states, (*states[1:], "L")), *(("U", h) for h in states[1:])]
plots.show(plots.graph(edges, "Unrolled: U is used at every step"), "unrolled.png")

# %% [markdown]
# Where is $h_t$ used? By the next step, through $U$; and by the loss, if that looks at more than the last
# state. With $g_t$ for the gradient that comes straight from the loss, and $\delta_t = \partial L/\partial
# z_t$:
#
# $$\frac{\partial L}{\partial h_t} = g_t + \delta_{t+1} U, \qquad
#   \delta_t = \frac{\partial L}{\partial h_t} \odot (1 - h_t^2)$$
#
# Where is $U$ used? At every step, in a linear layer with the input $h_{t-1}$. And $W$ likewise, with the
# input $x_t$:
#
# $$\frac{\partial L}{\partial U} = \sum_t \delta_t^\top h_{t-1}, \qquad
#   \frac{\partial L}{\partial W} = \sum_t \delta_t^\top x_t, \qquad
#   \frac{\partial L}{\partial b} = \sum_t \sum_n \delta_{tn}$$
#
# So the backward is a loop over the steps in reverse, *backpropagation through time*. (The superscript that
# counted layers has become an index that counts steps.)


# %%
def states_of(x, h, W, U, b):
    """h₀ to h_T for x (T, N, D)."""
    states = [h]
    for x_t in x:
        states.append(torch.tanh(x_t @ W.T + states[-1] @ U.T + b))
    return states


def recurrent(x, h, W, U, b):
    return torch.stack(states_of(x, h, W, U, b)[1:])


def through_time(g, x, h, W, U, b):
    states = states_of(x, h, W, U, b)
    grad_x = torch.zeros_like(x)
    grad_W, grad_U, grad_b = torch.zeros_like(W), torch.zeros_like(U), torch.zeros_like(b)
    from_next = torch.zeros_like(h)  # δ_{t+1} U; after the last step there is none
    for t in reversed(range(len(x))):
        delta = (g[t] + from_next) * (1 - states[t + 1] ** 2)  # states[t + 1] is what step t has made
        grad_W += delta.T @ x[t]
        grad_U += delta.T @ states[t]
        grad_b += delta.sum(0)
        grad_x[t] = delta @ W
        from_next = delta @ U
    return grad_x, from_next, grad_W, grad_U, grad_b


T, N, D, H = 5, 2, 3, 7
shapes = [(T, N, D), (N, H), (H, D), (H, H), (H,)]
report = verify(recurrent, through_time, shapes=shapes)
print(report)
assert report

x, h, W, U, b = inputs = [normal(*shape) for shape in shapes]
g = normal(T, N, H)
leaves = [tensor.clone().requires_grad_() for tensor in inputs]
first, *weights = leaves[1][None], *leaves[2:], torch.zeros_like(b)  # PyTorch has two b, and adds them
output, _ = F.rnn_tanh(leaves[0], first, weights, True, 1, 0.0, True, False, False)
torch.testing.assert_close(through_time(g, *inputs), torch.autograd.grad(output, leaves, g))

# %% [markdown]
# `manual_backprop/functional/recurrent/rnn_tanh.py` is the same, with the products of all steps made at once.
#
# ### What each step contributes
#
# Let us give each of 20 steps a $U$ of its own, all equal, and let autograd differentiate with respect to
# each. Their gradients must add up to that of the one $U$. Our $U$ shortens every vector by a fifth, and the
# loss depends on the last state alone.
#
# **Predict:** which of the 20 summands is the largest?

# %%
predict("12b")

# %%
T = 20
x, g = normal(T, N, D), torch.zeros(T, N, H, dtype=torch.float64)
g[-1] = normal(N, H)
U = 0.8 * torch.linalg.qr(normal(H, H)).Q  # shortens every vector by a fifth
copies = [U.clone().requires_grad_() for _ in range(T)]
state = h
for x_t, own in zip(x, copies):
    state = torch.tanh(x_t @ W.T + state @ own.T + b)
summands = torch.autograd.grad(state, copies, g[-1])
torch.testing.assert_close(sum(summands), through_time(g, x, h, W, U, b)[3])

sizes = [float(summand.norm()) for summand in summands]
figure = plots.curves(
    {"δₜᵀ hₜ₋₁": (range(1, T + 1), sizes)},
    title="The size of the 20 summands of ∂L/∂U",
    xlabel="step t",
    ylabel="size of the summand",
    log="y",
    markers=True,
)
plots.show(figure, "summands.png")
assert max(sizes) == sizes[-1] > 1e3 * sizes[0]

# %% [markdown]
# The last one. With such a $U$ the network learns from what came just before, and next to nothing from how
# the sequence began.
#
# ### Fifty steps back
#
# From $h_t$ back to $h_{t-1}$ the gradient is multiplied element by element with the slopes $1 - h_t^2$,
# which are 1 at most, and then with $U$. The *spectral norm* $\|U\|_2$ is the largest factor by which $U$ can
# lengthen a vector. Hence over $k$ steps
#
# $$\Bigl\| \frac{\partial L}{\partial h_{t-k}} \Bigr\| \le \|U\|_2^k \,
#   \Bigl\| \frac{\partial L}{\partial h_t} \Bigr\|$$
#
# if only $h_t$ reaches the loss directly. Below 1, the gradient *must* vanish exponentially. Above 1 it *may*
# grow, and whether it does depends on the slopes (Pascanu, Mikolov and Bengio, "On the difficulty of training
# recurrent neural networks", 2013). We take $U = s\,Q$ with an *orthogonal* matrix $Q$: a rotation or a
# reflection, in as many dimensions as $h$ has. It changes no vector's length, so that $\|U\|_2 = s$.
#
# A remedy is the *LSTM* (Hochreiter and Schmidhuber, "Long short-term memory", 1997). It has a second state,
# the *cell* $c$, which is not multiplied by a matrix:
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot u_t$$
#
# $i_t$ and $u_t$ say what is added; the *forget gate* $f_t$ is a sigmoid of a linear layer, a number from 0
# to 1 for each unit. Where is $c_{t-1}$ used? In $c_t$, with the slope $f_t$ alone, if we leave aside the
# ways that lead through $h$. A gate that stays close to 1 lets the gradient pass. A large bias $b_f$ holds it
# there: $\sigma(3) \approx 0.95$.
#
# **Predict:** the gradient has the length 1 at the last of 50 states. About how long is it at the first cell
# of an LSTM with $b_f = 3$?

# %%
predict("12c")

# %%
T, N, D, H = 50, 16, 8, 32
torch.manual_seed(1)
x = normal(T, N, D)
W, Q = 0.1 * normal(H, D), torch.linalg.qr(normal(H, H)).Q
start = normal(N, H)
start /= start.norm()


def norms_rnn(s):
    """‖∂L/∂h_{T−k}‖ for k = 0, 1, …"""
    U = s * Q
    states = states_of(x, torch.zeros_like(start), W, U, torch.zeros(H, dtype=torch.float64))
    gradients = [start]
    for state in reversed(states[2:]):
        gradients.append(gradients[-1] * (1 - state**2) @ U)
    return [float(gradient.norm()) for gradient in gradients]


def norms_lstm(bias):
    """‖∂L/∂c_{T−k}‖ for k = 1, 2, …, by the hand-written backward of `F.lstm`."""
    torch.manual_seed(2)
    lstm = nn.LSTM(D, H).double()
    with torch.no_grad():
        lstm.bias_ih_l0[H : 2 * H] = bias  # the second quarter is the forget gate's
        lstm.bias_hh_l0[H : 2 * H] = 0
    state, cells = None, []
    for x_t in x:
        output, state = lstm(x_t[None], state)
        cells.append(state[1])
    gradients = torch.autograd.grad(output, cells[:-1], start[None])
    return [float(gradient.norm()) for gradient in reversed(gradients)]


recurrents = {s: norms_rnn(s) for s in (2.0, 1.2, 0.9, 0.5)}
lstms = {bias: norms_lstm(bias) for bias in (3.0, 1.0, 0.0)}
figure = plots.curves(
    {
        "RNN": {f"s = {s:g}": (range(T), norms) for s, norms in recurrents.items()},
        "LSTM, the cell": {f"b_f = {bias:g}": (range(1, T), norms) for bias, norms in lstms.items()},
    },
    title="How much of the gradient is left",
    xlabel="steps back",
    ylabel="length of the gradient",
    log="y",
)
plots.show(figure, "through_time.png")
for s, norms in recurrents.items():
    print(f"RNN,  s   = {s:<3g}: {norms[-1]:.0e}     bound s⁴⁹:     {s**49:.0e}")
    assert all(norm <= s**k * (1 + 1e-9) for k, norm in enumerate(norms))
for bias, norms in lstms.items():
    sigma = float(torch.tensor(bias).sigmoid())
    print(f"LSTM, b_f = {bias:<3g}: {norms[-1]:.0e}     σ(b_f)⁴⁸:     {sigma**48:.0e}")
assert recurrents[0.5][-1] < 1e-15
assert recurrents[2.0][-1] > 100
assert lstms[0.0][-1] < 1e-8
assert predict("12c", lstms[3.0][-1])

# %% [markdown]
# At $s = 1.2$ the bound grows and the gradient shrinks nevertheless: the slopes take away more than $U$ adds.
# At $s = 2$ the gradient explodes. A remedy for that is to *clip* it: where the gradient of all parameters
# together is longer than some number, it is shortened to that length (Pascanu and others, as above).
#
# The LSTM whose $b_f$ is 0 forgets about half at every step, and its gradient vanishes too. With a bias of 1,
# which Jozefowicz, Zaremba and Sutskever advise ("An empirical exploration of recurrent network
# architectures", 2015), or of 3, much more is left. $\sigma(b_f)^{48}$ is a rough guide only, since the
# gates move with the input and the ways through $h$ are added.
#
# The forget gate was added by Gers, Schmidhuber and Cummins ("Learning to forget: continual prediction with
# LSTM", 2000). `functional/recurrent/lstm.py` has the derivation for all four gates.
#
# ### Words
#
# If the sequence is a text, a word is a number, and its *embedding* is the row of that number in a table,
# which is learned. Where is a row used? Wherever its word stands, each time with the slope 1. So its gradient
# is the sum of what arrives at these places; a word that does not occur gets none:

# %%
table, text = normal(4, 3).requires_grad_(), torch.tensor([2, 0, 2, 2, 1])
delta = normal(5, 3)
(gradient,) = torch.autograd.grad(F.embedding(text, table), table, delta)
torch.testing.assert_close(gradient[2], delta[0] + delta[2] + delta[3])
assert not gradient[3].any()

one_hot = torch.nn.functional.one_hot(text, 4).double()
torch.testing.assert_close(gradient, one_hot.T @ delta)  # aᵀδ: a linear layer whose input is one-hot

# %% [markdown]
# `manual_backprop/functional/affine/embedding.py` adds the rows without ever making the ones and zeros.
#
# ## Attention: every place, every other place
#
# An RNN has to carry what it read through all the steps in between. *Attention* (Vaswani and others,
# "Attention is all you need", 2017) takes it from where it stands. Every place $i$ asks with a
# *query* $q_i$. Every place $j$ offers a *key* $k_j$ and a *value* $v_j$. The scalar product of query and key
# is a score, a softmax makes weights of the scores, and the output is the weighted mean of the values. With
# $E$ numbers in a query:
#
# $$s_{ij} = \frac{1}{\sqrt E} \sum_e q_{ie} k_{je}, \qquad
#   p_{ij} = \frac{e^{s_{ij}}}{\sum_l e^{s_{il}}}, \qquad
#   o_i = \sum_j p_{ij} v_j$$

# %%
edges = [("q₁", "s₁₁"), ("q₁", "s₁₂"), ("k₁", "s₁₁"), ("k₂", "s₁₂")]
edges += [(s, p) for s in ("s₁₁", "s₁₂") for p in ("p₁₁", "p₁₂")]
edges += [("p₁₁", "o₁"), ("p₁₂", "o₁"), ("v₁", "o₁"), ("v₂", "o₁")]
plots.show(plots.graph(edges, "One query of attention over two places"), "attention.png")

# %% [markdown]
# There are three steps, and two of them are products of matrices, $s = q k^\top / \sqrt E$ and $o = p v$.
# Their backward is page 5's, with $g = \partial L/\partial o$: where is $v_j$ used? By every query $i$, with
# the slope $p_{ij}$.
#
# $$\frac{\partial L}{\partial v} = p^\top g, \qquad \frac{\partial L}{\partial p} = g v^\top, \qquad
#   \frac{\partial L}{\partial q} = \frac{1}{\sqrt E} \frac{\partial L}{\partial s} k, \qquad
#   \frac{\partial L}{\partial k} = \frac{1}{\sqrt E} \Bigl(\frac{\partial L}{\partial s}\Bigr)^{\!\top} q$$
#
# ### The softmax, without its Jacobian
#
# What is left is the way from $p$ to $s$, within one row $i$, which we leave out. $s_j$ is used in every
# $p_l$, because the sum in the denominator has it. By the quotient rule the slope is $\partial p_l/\partial
# s_j = p_l ([l = j] - p_j)$, the bracket being 1 if $l = j$ and 0 if not. The sum over the uses, with $r_l =
# \partial L/\partial p_l$:
#
# $$\frac{\partial L}{\partial s_j} = \sum_l r_l\, p_l ([l = j] - p_j)
#   = p_j \Bigl( r_j - \sum_l r_l\, p_l \Bigr)$$
#
# The slopes make a table of $S \times S$ numbers for each query, if there are $S$ keys. The right-hand side
# needs one number for each query, the sum.

# %%
S = 1000
p, r = normal(S).softmax(0), normal(S)
jacobian = torch.diag(p) - torch.outer(p, p)
without = p * (r - (r * p).sum())
torch.testing.assert_close(jacobian @ r, without)
print(f"{jacobian.numel():,} slopes, or a sum: {jacobian.nbytes:,} bytes, or {(r * p).sum().nbytes}")

# %% [markdown]
# So `manual_backprop/functional/activations/softmax.py` never builds that table, the *Jacobian*. All of
# attention:


# %%
def attention(q, k, v):
    return (q @ k.T / sqrt(q.shape[1])).softmax(1) @ v


def attention_backward(g, q, k, v):
    scale = 1 / sqrt(q.shape[1])
    p = (scale * q @ k.T).softmax(1)
    grad_p = g @ v.T
    grad_s = p * (grad_p - (grad_p * p).sum(1, keepdim=True))
    return scale * grad_s @ k, scale * grad_s.T @ q, p.T @ g


report = verify(attention, attention_backward, shapes=[(5, 3), (7, 3), (7, 2)])
print(report)
assert report

q, k, v = inputs = [normal(5, 3), normal(7, 3), normal(7, 2)]
g = normal(5, 2)
for function in (F.scaled_dot_product_attention, torch.nn.functional.scaled_dot_product_attention):
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    gradients = torch.autograd.grad(function(*leaves), leaves, g)
    torch.testing.assert_close(gradients, attention_backward(g, *inputs))

# %% [markdown]
# ### Why divide by $\sqrt E$?
#
# The *variance* of random numbers with the mean 0 is the mean of their squares; its root says how large they
# are. Where random numbers are independent of each other, the variances of summands add up. If all entries of
# $q$ and $k$ are independent with mean 0 and variance 1, each product has variance 1, and the sum of $E$ of
# them has variance $E$. Large scores make one $p_j$ nearly 1 and the others nearly 0. Then
# $p_j (r_j - \sum_l r_l p_l)$ is nearly 0 for every $j$: where $p_j$ is small, because of the first factor,
# and where it is 1, because the sum is $r_j$ itself. It is the saturation of [Activations and vanishing
# gradients](08_activations.py) once more.
#
# **Predict:** 64 keys, and no division by $\sqrt E$. How does the gradient with respect to the scores change
# when $E$ goes from 4 to 1024?

# %%
predict("12d")

# %%
widths = (4, 16, 64, 256, 1024)
left = {"divided by √E": [], "not divided": []}
for E in widths:
    q, k, r = normal(400, E), normal(64, E), normal(400, 64)
    for name, scale in (("divided by √E", 1 / sqrt(E)), ("not divided", 1.0)):
        s = scale * q @ k.T
        p = s.softmax(1)
        grad_s = p * (r - (r * p).sum(1, keepdim=True))
        left[name].append(float(grad_s.norm(dim=1).median()))
        print(f"E = {E:4}, {name:13}: variance of s {float(s.var()):7.2f}, ‖∂L/∂s‖ {left[name][-1]:.5f}")
figure = plots.curves(
    {name: (widths, norms) for name, norms in left.items()},
    title="The gradient that a softmax passes on to its scores",
    xlabel="E, numbers in a query",
    ylabel="‖∂L/∂s‖, median over the queries",
    log="xy",
    markers=True,
)
plots.show(figure, "scale.png")
assert left["not divided"][-1] < left["not divided"][0] / 500
assert 0.5 < left["divided by √E"][-1] / left["divided by √E"][0] < 2

# %% [markdown]
# It shrinks more than a thousandfold. The variance of the scores is $E$ without the division and 1 with it,
# and with it the gradient keeps its size.

# %%
times = left["divided by √E"][-1] / left["not divided"][-1]
print(f"E = 1024, not divided: half of the queries get less than 1/{times:,.0f} of the usual gradient")

# %% [markdown]
# ### A mask
#
# A network that is to guess the next word must not see it. The *causal mask* sets $s_{ij} = -\infty$ for $j >
# i$, so that $p_{ij} = e^{-\infty} = 0$.
#
# **Predict:** six places, and a loss that looks at output $o_3$ alone. Which values and keys get a gradient?

# %%
predict("12e")

# %%
S, E = 6, 4
q, k, v = (normal(S, E).requires_grad_() for _ in range(3))
output = F.scaled_dot_product_attention(q, k, v, is_causal=True)
of_values, of_keys = [], []
for i in range(S):
    g = torch.zeros_like(output)
    g[i] = normal(E)
    _, grad_k, grad_v = torch.autograd.grad(output, (q, k, v), g, retain_graph=True)
    of_values.append(grad_v.norm(dim=1))
    of_keys.append(grad_k.norm(dim=1))
    assert not grad_v[i + 1 :].any()  # exactly zero
    assert not grad_k[i + 1 :].any()
figure = plots.heat_map(
    torch.stack(of_values).tolist(),
    [f"o{j}" for j in "₁₂₃₄₅₆"],
    [f"v{j}" for j in "₁₂₃₄₅₆"],
    title="‖∂L/∂vⱼ‖ if L looks at one output",
    label="length of the gradient",
)
plots.show(figure, "causal.png")
print("L looks at o₃:  ‖∂L/∂vⱼ‖ =", " ".join(f"{norm:.2f}" for norm in of_values[2].tolist()))
print("                ‖∂L/∂kⱼ‖ =", " ".join(f"{norm:.2f}" for norm in of_keys[2].tolist()))
print("L looks at o₁:  ‖∂L/∂kⱼ‖ =", " ".join(f"{norm:.2f}" for norm in of_keys[0].tolist()))

# %% [markdown]
# $v_1$ to $v_3$ and $k_1$ to $k_3$ get one; what the others get is exactly zero. Both formulas have $p_{ij}$
# as a factor, and zero times anything finite is zero. The first place is special: it sees itself alone, so
# $p_{11} = 1$ whatever the score is, and its key gets no gradient from $o_1$ either.
# `functional/attention/scaled_dot_product_attention.py` adds other masks, dropout and several heads.
#
# ## The digits again
#
# Do they learn? We take the 5,000 digits of [Training on MNIST](09_training.py) and three networks, written
# with PyTorch's own modules:
#
# * the *MLP* of that page, 784-128-10;
# * a *CNN*: two convolutions, each followed by ReLU and a max-pooling, and one linear layer;
# * an *RNN*, which reads an image row by row, 28 steps of 28 pixels, and classifies by its last state. Its
#   gradients are clipped to the length 1.

# %%
digits, _ = load("sample")
images, labels = digits.train_images.view(-1, 1, 28, 28), digits.train_labels
test_images, test_labels = digits.test_images.view(-1, 1, 28, 28), digits.test_labels


def mlp():
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(784, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 10),
    )


def cnn():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5),  # (8, 24, 24)
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),  # (8, 12, 12)
        torch.nn.Conv2d(8, 16, 3),  # (16, 10, 10)
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),  # (16, 5, 5)
        torch.nn.Flatten(),
        torch.nn.Linear(16 * 5 * 5, 10),
    )


class RowByRow(torch.nn.Module):
    """The rows of an image as the steps of a sequence."""

    def __init__(self, orthogonal):
        super().__init__()
        self.rnn = torch.nn.RNN(28, 128, batch_first=True)
        self.out = torch.nn.Linear(128, 10)
        if orthogonal:
            torch.nn.init.orthogonal_(self.rnn.weight_hh_l0)  # U, with s = 1

    def forward(self, images):
        _, last = self.rnn(images.squeeze(1))
        return self.out(last.squeeze(0))


def train(model, longest, epochs=5, lr=0.1):
    """Gradient descent with gradients clipped to the length `longest`; the mean loss of each epoch."""
    generator = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(images), generator=generator).split(64):
            model.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), longest)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= lr * parameter.grad
            total += loss.item() * len(rows)
        losses.append(total / len(images))
    return losses


# %% [markdown]
# [`use_manual_gradients`](reference/use_manual_gradients.md) puts the hand-written operations in the place of
# PyTorch's, and says what the graph of the last backward was made of. With `strict=True` the first operation
# without one is an error. The RNN is trained twice: with the small random numbers that PyTorch gives its $U$
# at the start, and with an orthogonal $U$.
#
# **Predict:** the MLP has about 100,000 parameters, the CNN a nineteenth of them. Which of the two reads more
# of the 1,000 test images after five epochs?

# %%
predict("12f")

# %%
makers = {
    "MLP": mlp,
    "CNN": cnn,
    "RNN": lambda: RowByRow(orthogonal=False),
    "RNN, U orthogonal": lambda: RowByRow(orthogonal=True),
}
models, history, accuracy = {}, {}, {}
for name, maker in makers.items():
    torch.manual_seed(0)
    model = models[name] = maker()
    with use_manual_gradients(strict=True) as coverage:
        history[name] = train(model, longest=1.0 if name.startswith("RNN") else inf)
    assert coverage  # there was a graph, and all of it is hand-written
    with torch.no_grad():
        accuracy[name] = float((model(test_images).argmax(1) == test_labels).double().mean())
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{name}: {count:,} parameters, {accuracy[name]:.1%} of the test images right")
    print(f"    {coverage}: {', '.join(sorted(coverage.hand_written))}")
assert accuracy["CNN"] > accuracy["MLP"] > accuracy["RNN, U orthogonal"] > accuracy["RNN"] + 0.03

figure = plots.curves(
    {name: (range(1, 6), losses) for name, losses in history.items()},
    title="Five epochs with hand-written gradients",
    xlabel="epoch",
    ylabel="mean cross-entropy",
    markers=True,
)
plots.show(figure, "digits.png")

# %% [markdown]
# Nothing built in is left in any of the graphs. The CNN reads more of the digits than the MLP. What a kernel
# has learned at one place holds at every other, where the MLP has weights of its own for each. (Differences
# of about one per cent may be chance, as [Training on MNIST](09_training.py) says.)
#
# ### Few weights, many uses
#
# Few weights are not little work, if each is used at many places:

# %%
uses = [(models["CNN"][0], 24 * 24), (models["CNN"][3], 10 * 10), (models["CNN"][7], 1)]
of_cnn = sum(prod(layer.weight.shape) * places for layer, places in uses)
print(f"multiplications for one image: MLP {784 * 128 + 128 * 10:,}, CNN {of_cnn:,}")

# %% [markdown]
# ### The first row
#
# The RNN whose $U$ starts orthogonal reads far more of the digits than the other. For both, the first row of
# an image is 27 steps away from the last state. How much of the gradient reaches it before anything is
# learned?

# %%
reached = {}
for orthogonal in (False, True):
    torch.manual_seed(0)
    model = RowByRow(orthogonal)
    rows = images[::40].clone().requires_grad_()
    F.cross_entropy(model(rows), labels[::40]).backward()
    by_row = rows.grad.square().sum((0, 1, 3)).sqrt()
    reached[orthogonal] = float(by_row[0] / by_row[-1])
    U = model.rnn.weight_hh_l0.detach()
    s, usual = float(torch.linalg.matrix_norm(U, 2)), float(U.norm() / sqrt(len(U)))
    print(f"U multiplies lengths by at most {s:.2f}, on average by {usual:.2f} (root mean square);")
    print(f"    the first row gets {reached[orthogonal]:.0e} times the gradient of the last")
assert reached[True] > 100 * reached[False]

# %% [markdown]
# PyTorch's $U$ lengthens some vectors and shortens the average one to little more than half, at each of 27
# steps. An orthogonal $U$ shortens none, and only the slopes take away from the gradient.
#
# These are the eight kernels of the CNN's first layer, red for positive weights and blue for negative ones:

# %%
kernels = models["CNN"][0].weight.detach()[:, 0]
plots.show(plots.images(kernels, [f"kernel {m}" for m in range(1, 9)], columns=4), "kernels.png")

# %% [markdown]
# Some are positive on one side and negative on the other: such a kernel makes a large number where a stroke
# has its edge.
#
# ## In short
#
# | what is used several times | where | its gradient |
# |---|---|---|
# | a weight of a linear layer | by every example | $\sum_n \delta_{nj} a_{ni}$ |
# | a weight of a kernel | by every example at every place | $\sum_n \sum_i \delta_{ni}\, x_{n,i+u}$ |
# | a pixel | by every window that sees it | $\sum_u \delta_{h-u}\, w_u$ |
# | $U$ of an RNN | at every step | $\sum_t \delta_t^\top h_{t-1}$ |
# | a state $h_t$ | by the loss and the next step | $g_t + \delta_{t+1} U$ |
# | a row of an embedding | wherever its word stands | $\sum_n \delta_n$ over these places |
# | a score $s_j$ | by every $p_l$ of its row | $p_j (r_j - \sum_l r_l p_l)$ |
# | a key | by every query | $\sum_i \frac{\partial L}{\partial s_{ij}} q_i / \sqrt E$ |
# | a value | by every query | $\sum_i p_{ij}\, g_i$ |
#
# So the answer to the question at the start is: none.
#
# ## Exercises
#
# **12.1** A convolution that makes its input *longer*: each $x_i$ lays a copy of the kernel, times $x_i$,
# into the output, two places further on each time. Where copies overlap, they are added up:
#
# $$z_h = \sum_{i,u:\; 2i + u = h} x_i\, w_u.$$
#
# (PyTorch calls it `conv_transpose1d`, here with a stride of 2. In two dimensions it makes images larger.)
# Derive the gradients of $x$ and of $w$. `check` takes 5 numbers $x$ and a kernel of 3, which makes 11
# numbers $z$.


# %%
def upsampling(x, w):
    last = len(x) - 1
    copies = [torch.nn.functional.pad(x[i] * w, (2 * i, 2 * (last - i))) for i in range(len(x))]
    return torch.stack(copies).sum(0)


def upsampling_backward(grad_output, x, w):
    return ...  # the gradients of x and w


check("12.1", upsampling_backward)

# %% [markdown]
# **12.2** A recurrent network that *adds* to its state: $h_t = h_{t-1} + \tanh(W x_t + U h_{t-1})$, for one
# sequence, with $x_t$ and $h_t$ as vectors. All states go to the loss; row $t$ of `grad_output` is $g_t$.
# Derive the gradients of $x$, $h_0$, $W$ and $U$.


# %%
def adding(x, h0, W, U):
    states = [h0]
    for x_t in x:
        states.append(states[-1] + torch.tanh(W @ x_t + U @ states[-1]))
    return torch.stack(states[1:])


def adding_backward(grad_output, x, h0, W, U):
    return ...  # the gradients of x, h0, W and U


check("12.2", adding_backward)

# %% [markdown]
# **12.3** In *self-attention*, queries, keys and values are linear layers of the same $x$. Here queries and
# keys even share their weights: $q = k = x W^\top$ and $v = x V^\top$. Derive the gradients of $x$, $W$ and
# $V$.


# %%
def self_attention(x, W, V):
    return attention(x @ W.T, x @ W.T, x @ V.T)


def self_attention_backward(grad_output, x, W, V):
    return ...  # the gradients of x, W and V


check("12.3", self_attention_backward)
