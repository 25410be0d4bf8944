# %% [markdown]
# # The chain rule, layer by layer
#
# A weight in the first layer reaches the loss only through all that comes after it. How can its gradient be
# found, and why is a single walk back enough for all weights at once?
#
# We take a network with two hidden layers and do it three times: with one unit in each layer, where the
# gradient is a product of numbers; with several units, where it is a sum of such products; and with matrices,
# where the sum is hidden in a product, and a transpose has to stand in the right place. What you need is the
# chain rule of school, $f(g(x))' = f'(g(x))\, g'(x)$, and how a matrix product is computed.
#
# Layers are numbered by superscripts, which are not powers: $W^1$, $W^2$, $W^3$. What layer $l$ receives is
# $a^{l-1}$, its *weighted sum* is $z^l$, and an *activation function* $f$ makes of it what the next layer
# receives, $a^l = f(z^l)$. At the beginning, $a^0 = x$. ([A neuron, a layer, a network](02_network.py) has
# the forward pass in full.)

# %%
from itertools import product

import torch
from torch.nn.functional import cross_entropy, one_hot

from manual_backprop import derive, nn, plots, record, verify
from manual_backprop import functional as F
from manual_backprop.exercises import check, predict

torch.manual_seed(0)


def normal(*shape):
    """Random numbers in float64, where rounding is far below all that we compare."""
    return torch.randn(shape, dtype=torch.float64)


# %% [markdown]
# ## One unit a layer
#
# Every quantity is a single number here. As activation function we take the
# [sigmoid](reference/functional/activations/sigmoid.rst) $\sigma$, and as loss half the squared distance to a
# target $t$:
#
# $$z^1 = w^1 x, \quad a^1 = \sigma(z^1), \quad z^2 = w^2 a^1, \quad a^2 = \sigma(z^2), \quad
#   z^3 = w^3 a^2, \quad L = \tfrac12 (z^3 - t)^2$$
#
# (The biases come back later.) Each of these six steps is a function of one number that the step before made.
# So the chain rule of school gives $\partial L/\partial w^1$ as a product, with one factor for each step:
#
# $$\frac{\partial L}{\partial w^1}
#   = \frac{\partial L}{\partial z^3} \cdot \frac{\partial z^3}{\partial a^2}
#   \cdot \frac{\partial a^2}{\partial z^2} \cdot \frac{\partial z^2}{\partial a^1}
#   \cdot \frac{\partial a^1}{\partial z^1} \cdot \frac{\partial z^1}{\partial w^1}$$
#
# (Where a quantity depends on several others, $\partial$ is written instead of $\mathrm{d}$: the derivative
# with respect to one of them, while the others stay as they are.) The slope of the sigmoid is
# $\sigma'(z) = a (1 - a)$ with $a = \sigma(z)$; [Activations and vanishing gradients](08_activations.py)
# derives it.

# %%
x, t = 1.5, 1.0
w1 = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
w2 = torch.tensor(-1.2, dtype=torch.float64, requires_grad=True)
w3 = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)


def forward_scalars(w1, w2, w3):
    a1 = torch.sigmoid(w1 * x)
    a2 = torch.sigmoid(w2 * a1)
    z3 = w3 * a2
    return a1, a2, z3, (z3 - t) ** 2 / 2


with torch.no_grad():
    a1, a2, z3, _ = forward_scalars(w1, w2, w3)
    factors = {
        "∂L/∂z³   = z³ − t": z3 - t,
        "∂z³/∂a²  = w³": w3,
        "∂a²/∂z²  = a²(1 − a²)": a2 * (1 - a2),
        "∂z²/∂a¹  = w²": w2,
        "∂a¹/∂z¹  = a¹(1 − a¹)": a1 * (1 - a1),
        "∂z¹/∂w¹  = x": x,
    }
    so_far = 1
    for name, factor in factors.items():
        so_far = so_far * factor
        print(f"{name:24} {factor:8.4f}    product so far {so_far:9.5f}")

loss = forward_scalars(w1, w2, w3)[-1]
by_autograd = torch.autograd.grad(loss, (w1, w2, w3))
torch.testing.assert_close(so_far, by_autograd[0])

# %% [markdown]
# The product is autograd's $\partial L/\partial w^1$. (In the names above, a² is the activation of layer 2,
# not a square.)
#
# Now write the three gradients below each other:
#
# $$\begin{aligned}
# \frac{\partial L}{\partial w^3} &= (z^3 - t) \cdot a^2 \\[1ex]
# \frac{\partial L}{\partial w^2} &= (z^3 - t) \cdot w^3 \sigma'(z^2) \cdot a^1 \\[1ex]
# \frac{\partial L}{\partial w^1} &= (z^3 - t) \cdot w^3 \sigma'(z^2) \cdot w^2 \sigma'(z^1) \cdot x
# \end{aligned}$$
#
# Each line begins as the one above does. What they share has a name, the *error term* of layer $l$:
#
# $$\delta^l = \frac{\partial L}{\partial z^l}$$
#
# With it, each line is two short steps. The weight's gradient is the error term behind it times the
# activation in front of it. And one error term makes the next:
#
# $$\frac{\partial L}{\partial w^l} = \delta^l a^{l-1}, \qquad
#   \delta^{l-1} = \delta^l \, w^l \, f'(z^{l-1})$$

# %%
with torch.no_grad():
    delta3 = z3 - t
    delta2 = delta3 * w3 * a2 * (1 - a2)
    delta1 = delta2 * w2 * a1 * (1 - a1)
    by_hand = (delta1 * x, delta2 * a1, delta3 * a2)
torch.testing.assert_close(by_hand, by_autograd)

# %% [markdown]
# This answers the second question of the start. The error terms are computed once, from the last to the
# first, and each is used for a weight and for the next error term. Nothing is multiplied twice.
#
# **Predict:** set $w^3 = 0$. Which of the three weights get the gradient zero?

# %%
predict("5a")

# %%
zero = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
loss = forward_scalars(w1, w2, zero)[-1]
gradients = torch.autograd.grad(loss, (w1, w2, zero))
for name, gradient in zip(("w¹", "w²", "w³"), gradients):
    print(f"∂L/∂{name}: {abs(gradient):.4f} in size")
assert gradients[0] == gradients[1] == 0
assert gradients[2] != 0

# %% [markdown]
# $w^3$ is a factor of $\delta^2$ and with it of all that lies before. It is not a factor of its own gradient,
# $\delta^3 a^2$: a weight that is zero can still learn, but it lets no error through.

# %% [markdown]
# ## Several units: a sum over the paths
#
# Now layer $l$ has several units. $W^l_{ji}$ is the weight *to* unit $j$ *from* unit $i$ of the layer before,
# and
#
# $$z^l_j = \sum_i W^l_{ji} a^{l-1}_i + b^l_j$$
#
# Two questions have to be asked of each variable: where is it used, and with which slope? Its gradient is the
# sum over these uses ([The computational graph](03_graph.py) says why).
#
# **A weight.** $W^l_{ji}$ is used in $z^l_j$ only, with the slope $a^{l-1}_i$. One use, one product:
#
# $$\frac{\partial L}{\partial W^l_{ji}} = \delta^l_j \, a^{l-1}_i, \qquad
#   \frac{\partial L}{\partial b^l_j} = \delta^l_j \cdot 1$$
#
# **An activation.** $a^{l-1}_i$ is used in *every* $z^l_j$, with the slope $W^l_{ji}$. Many uses, a sum:
#
# $$\frac{\partial L}{\partial a^{l-1}_i} = \sum_j \delta^l_j \, W^l_{ji}$$

# %%
uses = [("a₁", f"z{j}") for j in "₁₂₃"] + [(f"z{j}", "L") for j in "₁₂₃"]
title = "One activation reaches the loss through every unit of the next layer"
plots.show(plots.graph(uses, title), "chain_rule_uses.png")

# %% [markdown]
# **A weighted sum.** $z^{l-1}_i$ is used in $a^{l-1}_i = f(z^{l-1}_i)$ only, with the slope
# $f'(z^{l-1}_i)$:
#
# $$\delta^{l-1}_i = \Bigl( \sum_j \delta^l_j \, W^l_{ji} \Bigr) f'(z^{l-1}_i)$$
#
# These are all the formulas of backpropagation. In code, with the sums as loops, for a layer from $D = 3$ to
# $M = 2$ units, and with an error term $\delta$ that we make up:

# %%
D, M = 3, 2
W = normal(M, D).requires_grad_()
z_before = normal(D).requires_grad_()
delta = normal(M)

a = torch.sigmoid(z_before)
z = W @ a
right_weight, right_z = torch.autograd.grad(z, (W, z_before), delta)  # delta is ∂L/∂z

grad_weight, delta_before = torch.zeros_like(W), torch.zeros_like(a)
with torch.no_grad():
    for i in range(D):
        for j in range(M):
            grad_weight[j, i] = delta[j] * a[i]
            delta_before[i] += delta[j] * W[j, i]
        delta_before[i] *= a[i] * (1 - a[i])
torch.testing.assert_close(grad_weight, right_weight)
torch.testing.assert_close(delta_before, right_z)

# %% [markdown]
# ## Matrices
#
# A table whose entry at row $j$ and column $i$ is $\delta_j a_i$ is called the *outer product* of $\delta$
# and $a$, written $\delta \otimes a$. It has the shape $(M, D)$, as $W$ has. The sum $\sum_j \delta_j W_{ji}$
# is the row vector $\delta$ times the matrix $W$. And $\odot$ multiplies element by element. So for one
# example:
#
# $$\frac{\partial L}{\partial W^l} = \delta^l \otimes a^{l-1}, \qquad
#   \delta^{l-1} = \delta^l W^l \odot f'(z^{l-1})$$

# %%
with torch.no_grad():
    torch.testing.assert_close(torch.outer(delta, a), grad_weight)
    torch.testing.assert_close(delta @ W * (a * (1 - a)), delta_before)

# %% [markdown]
# A batch has $N$ examples. Example $n$ is row $n$ of every table: $x$ is $(N, D)$, and $z^l$, $a^l$ and
# $\delta^l$ have $N$ rows too. In the forward pass all rows go through the same weights, as in
# [`F.linear`](reference/functional/affine/linear.rst): $z_{nj} = \sum_i a_{ni} W_{ji} + b_j$. Ask again where
# a variable is used:
#
# - $a_{ni}$ is used in the row $n$ of $z$ only. So each row of $\delta^{l-1}$ is computed from its own row of
#   $\delta^l$, and the formula stays as it is.
# - $W_{ji}$ and $b_j$ are used by *every* example. So now there is a sum over $n$:
#
# $$\frac{\partial L}{\partial W_{ji}} = \sum_n \delta_{nj} \, a_{ni}, \qquad
#   \frac{\partial L}{\partial b_j} = \sum_n \delta_{nj}$$
#
# The first is a sum of $N$ outer products, one for each example. It is also a matrix product. In
# $(PQ)_{ji} = \sum_n P_{jn} Q_{ni}$ the summed index is the column of the left factor and the row of the
# right one. In $\delta_{nj}$ it is the row, so $\delta$ has to be transposed:
#
# $$\boxed{\;\frac{\partial L}{\partial W^l} = (\delta^l)^\top a^{l-1}, \qquad
#   \frac{\partial L}{\partial b^l} = \sum_n \delta^l_n, \qquad
#   \delta^{l-1} = \delta^l W^l \odot f'(z^{l-1})\;}$$

# %%
N = 5
delta, a = normal(N, M), normal(N, D)
outer_products = [torch.outer(delta[n], a[n]) for n in range(N)]
torch.testing.assert_close(delta.T @ a, sum(outer_products))

# %% [markdown]
# ## Where does the transpose come from?
#
# Learners ask this again and again. A common answer is "so that the shapes fit". Let us see how far that
# goes. We form *every* product of two factors out of $\delta$, $W$ and $a$, each as it is or transposed, in
# either order: 36 products. We keep those whose shape is that of $W$, and compare them with the right
# $\partial L/\partial W$.


# %%
def products_that_fit(N, D, M):
    """Those with the shape of W, and how far each is from ∂L/∂W, relative to its size."""
    a, W, delta = normal(N, D), normal(M, D).requires_grad_(), normal(N, M)
    (right,) = torch.autograd.grad(a @ W.T, W, delta)  # delta is ∂L/∂z
    W = W.detach()
    factors = {"δ": delta, "δᵀ": delta.T, "W": W, "Wᵀ": W.T, "a": a, "aᵀ": a.T}
    off = {}
    for P, Q in product(factors, repeat=2):
        left, right_factor = factors[P], factors[Q]
        if left.shape[1] == len(right_factor) and (len(left), right_factor.shape[1]) == W.shape:
            off[P, Q] = float((left @ right_factor - right).norm() / right.norm())
    return off


def count_right(off):
    return sum(difference < 1e-12 for difference in off.values())


# %% [markdown]
# **Predict:** let $N = 5$, $D = 3$ and $M = 2$. Then $\delta$ is $(5, 2)$, $a$ is $(5, 3)$ and $W$ is
# $(2, 3)$. How many of the 36 products have the shape of $W$?

# %%
predict("5b")

# %%
off = products_that_fit(N=5, D=3, M=2)
for (P, Q), difference in off.items():
    print(f"{P} {Q}: relative difference from ∂L/∂W {difference:.1g}")
assert predict("5b", len(off))
assert count_right(off) == 1

# %% [markdown]
# With three different numbers the shapes leave a single choice, and it is the right one. Next, as many units
# as examples.
#
# **Predict:** $N = 4$, $D = 3$, $M = 4$: now $\delta$ is $(4, 4)$, $a$ is $(4, 3)$ and $W$ is $(4, 3)$. How
# many products have the shape of $W$?

# %%
predict("5c")

# %%
for N, D, M in ((4, 3, 4), (4, 4, 4)):
    off = products_that_fit(N, D, M)
    print(f"N, D, M = {N}, {D}, {M}: {len(off):2} fit, {count_right(off)} is right")
    assert count_right(off) == 1
    if D == 3:
        assert predict("5c", len(off))

# %% [markdown]
# With $D = 4$ as well, all 36 products fit, and 35 of them are wrong:

# %%
letters = ["δ", "δᵀ", "W", "Wᵀ", "a", "aᵀ"]
figure = plots.heat_map(
    [[off[P, Q] for Q in letters] for P in letters],
    [f"{P} ·" for P in letters],
    [f"· {Q}" for Q in letters],
    title="All 36 products fit, one is right (N = D = M = 4)",
    label="relative difference from ∂L/∂W",
    form="{:.1f}",
)
plots.show(figure, "chain_rule_transpose.png")
assert len(off) == 36

# %% [markdown]
# Shapes are a good test and a bad reason.
#
# ### The reason
#
# It is the index that is summed. A matrix product sums over the index *between* its factors: the
# column of the left one, the row of the right one. So whatever index the chain rule sums over has to come to
# stand there.
#
# | | sum | the summed index is | so |
# |---|---|---|---|
# | forward | $z_{nj} = \sum_i a_{ni} W_{ji}$ | the column of $a$, the **column** of $W$ | $z = a W^\top$ |
# | back to $a$ | $\sum_j \delta_{nj} W_{ji}$ | the column of $\delta$, the row of $W$ | $\delta W$ |
# | back to $W$ | $\sum_n \delta_{nj} a_{ni}$ | the **row** of $\delta$, the row of $a$ | $\delta^\top a$ |
#
# Forward, $W$ is transposed; on the way back to $a$ it is not. `functional/affine/linear.py` says the same in
# its own words, above the code that does it.
#
# In other texts you find $z = W a$ forward and $W^\top \delta$ back, as in Nielsen, "Neural Networks and Deep
# Learning" (2015), chapter 2. There an example is a *column*. The rule is the same: what is a row here is a
# column there, and a transpose turns every product around. Exercise 5.2 does it.
#
# ## The whole backward
#
# Now everything together, for a network that sorts $N = 5$ examples into $C = 2$ classes, with layers of 7,
# 5, 3 and 2 units. The loss is the [cross-entropy](reference/functional/losses/cross_entropy.rst) of a
# softmax, averaged over the examples. [Loss functions](04_losses.py) derives where the walk back starts: with
# $p$ the [softmax](reference/functional/activations/softmax.rst) of $z^3$, and the one-hot rows of the right
# classes (1 at the right class and 0 elsewhere),
#
# $$\delta^3 = \frac{p - \text{one-hot}}{N}$$
#
# The $1/N$ of the mean enters here, once. Every step of the walk after that is linear in $\delta$ and carries
# it along.

# %%
labels = torch.tensor([0, 1, 1, 0, 1])
shapes = [(5, 7), (5, 7), (5,), (3, 5), (3,), (2, 3), (2,)]
names = ["x", "W1", "b1", "W2", "b2", "W3", "b3"]


def forward(x, W1, b1, W2, b2, W3, b3, y):
    a1 = torch.sigmoid(x @ W1.T + b1)
    a2 = torch.sigmoid(a1 @ W2.T + b2)
    return cross_entropy(a2 @ W3.T + b3, y)


def backward(grad_output, x, W1, b1, W2, b2, W3, b3, y):
    a1 = torch.sigmoid(x @ W1.T + b1)  # forward again: what the way back needs
    a2 = torch.sigmoid(a1 @ W2.T + b2)
    p = torch.softmax(a2 @ W3.T + b3, 1)

    delta3 = grad_output * (p - one_hot(y, 2)) / len(x)
    delta2 = delta3 @ W3 * (a2 * (1 - a2))  # δ² = δ³ W³ ⊙ f′(z²)
    delta1 = delta2 @ W2 * (a1 * (1 - a1))  # δ¹ = δ² W² ⊙ f′(z¹)
    return (
        delta1 @ W1,  # no ⊙ f′: x is not an activation
        delta1.T @ x,
        delta1.sum(0),
        delta2.T @ a1,
        delta2.sum(0),
        delta3.T @ a2,
        delta3.sum(0),
    )


# %% [markdown]
# `grad_output` is the upstream gradient: the derivative, with respect to $L$, of what is computed from $L$.
# If nothing follows, it is 1. But a backward that ignores it is wrong as soon as the loss is scaled.
#
# Three ways to the same gradients: the formulas; autograd; and the definition of a derivative, with a small
# $h$ in place of the limit, for one number after the other:
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2h}$$


# %%
def numerical(inputs, at, h=1e-5):
    """Central differences for each number of `inputs[at]`: two forward passes each."""
    gradient = torch.empty_like(inputs[at])
    for i in range(gradient.numel()):
        losses = []
        for step in (h, -h):
            moved = [tensor.clone() for tensor in inputs]
            moved[at].view(-1)[i] += step
            losses.append(forward(*moved, labels))
        gradient.view(-1)[i] = (losses[0] - losses[1]) / (2 * h)
    return gradient


inputs = [normal(*shape) for shape in shapes]
manual = backward(torch.tensor(1.0, dtype=torch.float64), *inputs, labels)
leaves = [tensor.clone().requires_grad_() for tensor in inputs]
automatic = torch.autograd.grad(forward(*leaves, labels), leaves)

print("             first number of each gradient        largest difference from autograd")
print("           manual     numerical      autograd        manual     numerical")
for at, name in enumerate(names):
    differences = numerical(inputs, at)
    firsts = [g.flatten()[0] for g in (manual[at], differences, automatic[at])]
    numbers = " ".join(f"{first:13.9f}" for first in firsts)
    off = (manual[at] - automatic[at]).abs().max()
    off_numerical = (differences - automatic[at]).abs().max()
    print(f"{name:4}{numbers}   {off:11.0e} {off_numerical:13.0e}")
    assert off < 1e-14
    assert off_numerical < 1e-9

# %% [markdown]
# The formulas agree with autograd to rounding. The differences agree to nine decimal places or more, which is
# what they can do ([Is my derivation right?](10_derivation.py) says why). They need the forward alone, so a
# mistake in a formula cannot be repeated in them.
#
# `verify` makes these comparisons and some more, on several random inputs and with a random `grad_output`.
# Among the shapes, the labels stand as they are. (An *ulp* in its report is the distance from one number of
# float64 to the next. The other terms are explained in the page just mentioned.)

# %%
report = verify(forward, backward, shapes=[*shapes, labels])
print(report)
assert report

# %% [markdown]
# ### One factor forgotten
#
# **Predict:** leave out the factor $f'(z^2)$ in $\delta^2$. Which of the seven gradients become wrong?

# %%
predict("5d")


# %%
def without_a_slope(grad_output, x, W1, b1, W2, b2, W3, b3, y):
    a1 = torch.sigmoid(x @ W1.T + b1)
    a2 = torch.sigmoid(a1 @ W2.T + b2)
    p = torch.softmax(a2 @ W3.T + b3, 1)
    delta3 = grad_output * (p - one_hot(y, 2)) / len(x)
    delta2 = delta3 @ W3  # f′(z²) forgotten
    delta1 = delta2 @ W2 * (a1 * (1 - a1))
    return (
        delta1 @ W1,
        delta1.T @ x,
        delta1.sum(0),
        delta2.T @ a1,
        delta2.sum(0),
        delta3.T @ a2,
        delta3.sum(0),
    )


wrong = without_a_slope(torch.tensor(1.0, dtype=torch.float64), *inputs, labels)
for name, mine, right in zip(names, wrong, automatic):
    difference = float((mine - right).norm() / right.norm())
    verdict = "right" if difference < 1e-12 else "WRONG"
    print(f"∂L/∂{name:3} relative error {difference:5.1g}   {verdict}")
    assert (verdict == "right") == (name in ("W3", "b3"))

# %% [markdown]
# Everything that $\delta^2$ reaches: both gradients of layer 2, both of layer 1, and that of $x$. The last
# layer has its gradients from $\delta^3$ and is right. When a network of your own has a mistake, look for the
# last layer whose gradient is wrong: all layers before it may be innocent. Here that is layer 2.
#
# `verify` looks for the line of the code in the same way:

# %%
report = verify(forward, without_a_slope, shapes=[*shapes, labels])
print(report.verdicts[names.index("W2")])

# %% [markdown]
# It follows the code step by step, and knows the right gradient of each step. What we called `delta2` is
# such a gradient, though another one: $\delta^3 W^3$ is $\partial L/\partial a^2$. So the first line that
# departs is the one that takes it for $\delta^2$, and the report says what is due there.

# %% [markdown]
# ## Every link of the chain
#
# We found the backward by asking each variable where it is used, and with which slope. A program can ask
# that too. `derive` takes the forward alone and writes down both walks in the forward's own names, a line for
# each step. With `depth="elementary"` the loss is taken apart into arithmetic as well, so that no link of the
# chain hides in another. What the code calls `dz2` is $\partial L/\partial z^2$, our $\delta^2$; the formulas
# write $\delta^{(2)}$, so that nobody takes the number of a layer for a power.

# %%
chain = derive(forward, shapes=[*shapes, labels], depth="elementary")
plots.show(chain, "chain_rule_elementary.md")
assert "dlogp = -target / 5" in str(chain)

# %% [markdown]
# Read the backward from top to bottom, beside the forward from bottom to top. Then each gradient is made of
# what the lines above it have. A layer takes four lines: two for its parameters, `dW2` and `db2`; one through
# the weights, `da1`, which is $\delta^2 W^2$; and one through the activation function, `dz1`, which is
# $\odot f'(z^1)$. The sum in `db2` has its reason beside it: one $b^2$ was broadcast to all examples, so it
# is used by all of them.
#
# New are the first lines, where the walk starts. `target` holds the one-hot rows. To keep $e^z$ finite, the
# forward has the largest score of each row subtracted; that changes no probability, and no gradient passes
# through it.
#
# **Predict:** in the line of `dz3` stands the sum of each row of `dlogp`, and `dlogp` is $-\text{target}/5$.
# What is this sum, whatever the labels are?

# %%
predict("5e")

# %%
dlogp = -one_hot(labels, 2).double() / 5
print("the sum of each row of dlogp:", dlogp.sum(1).tolist())
torch.testing.assert_close(dlogp.sum(1), dlogp[0].sum().expand(5))
assert predict("5e", dlogp[0].sum())

# %% [markdown]
# A one-hot row has a single 1, so the sum is always $-\frac15$. And `e / total` is the softmax $p$. So
# $\delta^3 = -\frac{\text{one-hot}}{5} + \frac{p}{5}$, the formula that we started from. Whoever knows it
# writes one line for the two.
#
# ### The short form
#
# This is what `derive` writes by default:

# %%
short = derive(forward, shapes=[*shapes, labels])
plots.show(short, "chain_rule_short.md")

# %% [markdown]
# The last column says which lines of the long form a line condenses: of the loss, six and two; each other
# link is the same in both. Before it is shown, a derivation is run on several random inputs and compared with
# autograd; the last line says how large the difference was.
#
# The code column is Python. `short.source()` is the whole file, with nothing in it but PyTorch, and
# `short.function()` makes a `torch.autograd.Function` of it. Beside ours:

# %%
print(short.source())
derived = short.function().apply(*leaves, labels)
torch.testing.assert_close(torch.autograd.grad(derived, leaves), manual)

# %% [markdown]
# ## Every number of one step
#
# Here is a smaller network, 2-3-2-2, with two examples, and one step of gradient descent on it. Walk forward,
# then back. For each gradient the page shows the products that it is the sum of. Look for a $\delta$ that
# comes from several units, and for a weight whose gradient has one summand for each example.
#
# Then turn a knob: choose a weight and move it. The curve is the loss along this one weight, and the gradient
# is the slope of its tangent, wherever you stop. Compare a weight of $W^3$ with one of $W^1$.
#
# Last, break it: take $f'$ at the activation, then forget it altogether, and let right and wrong train side
# by side. If you did not know, could you tell from the losses which of the two is right?

# %%
layers = (nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 2))
model = torch.nn.Sequential(*layers).double()
two_examples = torch.tensor([[1.0, -0.5], [0.3, 0.8]], dtype=torch.float64)
two_labels = torch.tensor([0, 1])
step = record(model, two_examples, two_labels, loss=F.cross_entropy, lr=2.0, panel="knob")
plots.show(step, "chain_rule.html")

# %%
losses = {}
for name, formulas in {"right": backward, "f′(z²) forgotten": without_a_slope}.items():
    parameters = [parameter.detach().clone() for parameter in model.parameters()]
    for _ in range(100):
        one = torch.tensor(1.0, dtype=torch.float64)
        _, *gradients = formulas(one, two_examples, *parameters, two_labels)
        parameters = [w - 2.0 * g for w, g in zip(parameters, gradients)]
    losses[name] = forward(two_examples, *parameters, two_labels)
    print(f"{name:16} loss {step.loss:.3f}, after a hundred steps {losses[name]:.3f}")
assert max(losses.values()) < 0.1 * step.loss

# %% [markdown]
# One could not. Both learn the two examples, and the wrong one does not even take longer. A wrong gradient
# often points roughly downhill (the page says at which angle to the right one), and then a falling loss
# proves nothing. The gradient's numbers, beside autograd's or beside measured slopes, do.

# %% [markdown]
# ## Any number of layers
#
# Nothing in the formulas depends on which layer it is. So the backward of a network of any depth is a loop
# over the layers in reverse. Lists in Python count from 0, so `weights[layer]` leads from
# `activations[layer]` to the next one, and `activations[0]` is $x$. `delta` is that of the last layer.


# %%
def backpropagate(weights, activations, delta):
    """∂L/∂W and ∂L/∂b of each layer."""
    gradients = []
    for layer in reversed(range(len(weights))):
        a = activations[layer]
        gradients.append((delta.T @ a, delta.sum(0)))
        if layer > 0:
            delta = delta @ weights[layer] * (a * (1 - a))
    return gradients[::-1]


x, W1, b1, W2, b2, W3, b3 = inputs
a1 = torch.sigmoid(x @ W1.T + b1)
a2 = torch.sigmoid(a1 @ W2.T + b2)
p = torch.softmax(a2 @ W3.T + b3, 1)
delta3 = (p - one_hot(labels, 2)) / len(x)
gradients = backpropagate([W1, W2, W3], [x, a1, a2], delta3)
torch.testing.assert_close([g for pair in gradients for g in pair], list(automatic[1:]))

# %% [markdown]
# Note the order inside the loop: the next $\delta$ is computed with the *old* $W^l$. Whoever updates a weight
# in the loop has to do it after that.
#
# `manual_backprop/training/engines/explicit.py` is this loop in earnest: it learns MNIST with it, writes into
# buffers that it allocates once, and updates as it goes. One more liberty it takes is to leave the $1/N$ out
# of $\delta$ and to put it into the update. One step of it, beside one of ours:

# %%
from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.engines.explicit import ExplicitEngine

lr = 0.5
config = TrainingConfig(hidden=(5, 3), activation="sigmoid", lr=lr, dtype="float64")
engine = ExplicitEngine(config, [7, 5, 3, 2], torch.device("cpu"))
for layer, (W, b) in enumerate(((W1, b1), (W2, b2), (W3, b3))):
    engine.weights[layer].copy_(W)
    engine.biases[layer].copy_(b)
engine.step(x, labels)

for layer, (W, (grad_weight, _)) in enumerate(zip((W1, W2, W3), gradients)):
    torch.testing.assert_close(engine.weights[layer], W - lr * grad_weight)
print("the same weights after the step")

# %% [markdown]
# Next: [Gradient descent](06_gradient_descent.py), on how far to walk once the gradient is known.

# %% [markdown]
# ## Exercises
#
# **5.1** One unit a layer, and $f(z) = z^2$ as activation function, so that you can do it on paper (here the
# 2 is a power): $z^1 = w^1 x$, $a^1 = f(z^1)$, $z^2 = w^2 a^1$, $a^2 = f(z^2)$, $L = z^3 = w^3 a^2$, at
# $x = 2$, $w^1 = \tfrac32$, $w^2 = \tfrac13$, $w^3 = 3$. What is $\partial L/\partial w^1$?

# %%
answer = ...
check("5.1", answer)

# %% [markdown]
# **5.2** In a book, an example is a column: $a$ is $(D, N)$, $W$ is $(M, D)$, $b$ is $(M)$, and $z = W a + b$
# is $(M, N)$, in code `W @ a + b[:, None]`. Write the backward in this notation. `grad_output` is $\delta$,
# $(M, N)$; return the gradients of `W`, `b` and `a`.


# %%
def columns_backward(grad_output, W, b, a):
    return ...


check("5.2", columns_backward)

# %% [markdown]
# **5.3** A *residual* block adds what it makes to what it received:
# $y = x + \sigma(x (W^1)^\top) (W^2)^\top$. Write its backward: the gradients of `x`, `W1` and `W2`.


# %%
def residual_backward(grad_output, x, W1, W2):
    return ...


check("5.3", residual_backward)
