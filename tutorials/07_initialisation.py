# %% [markdown]
# # Initialisation
#
# Gradient descent improves the weights that it is given. Which weights should it be given first? Zero looks
# like the fair choice: it favours nothing. Why does nobody start there?
#
# Two things can go wrong at the start. The units of a layer can be so alike that they never become different,
# and the numbers can shrink or grow from layer to layer until nothing is left of them. We take one after the
# other. What is used of backpropagation here is derived in [The chain rule, layer by
# layer](05_chain_rule.py).
#
# ## A network with its backward
#
# One hidden layer of $M$ units with the activation $f$, and $C$ classes at the end:
#
# $$z^1 = x\,W^{1\top} + b^1, \qquad a^1 = f(z^1), \qquad z^2 = a^1 W^{2\top} + b^2, \qquad
#   p = \mathrm{softmax}(z^2)$$
#
# The loss $L$ is the mean cross-entropy over $N$ examples, and $t$ holds the one-hot targets. With
# $\delta^l = \partial L/\partial z^l$ and $\odot$ for the product element by element, the way back is
#
# $$\delta^2 = \frac{p - t}{N}, \qquad \delta^1 = (\delta^2 W^2) \odot f'(z^1), \qquad
#   \frac{\partial L}{\partial W^l} = \delta^{l\top} a^{l-1}, \qquad
#   \frac{\partial L}{\partial b^l} = \sum_n \delta^l_n$$
#
# where $a^0 = x$. Everything below follows from these four equations. In code, each is one line. We look at
# three activations: [sigmoid](reference/functional/activations/sigmoid.rst),
# [tanh](reference/functional/activations/tanh.rst) and [ReLU](reference/functional/activations/relu.rst). The
# slope $f'$ is written as a function of the output $a$, as [Activations and vanishing
# gradients](08_activations.py) explains.

# %%
from itertools import pairwise

import torch

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

ACTIVATIONS = {  # f, and its slope as a function of the output
    "sigmoid": (torch.sigmoid, lambda a: a * (1 - a)),
    "tanh": (torch.tanh, lambda a: 1 - a**2),
    "ReLU": (torch.relu, lambda a: (a > 0).to(a.dtype)),
}


def gradients(parameters, activation):
    """The loss, and its gradient with respect to each parameter."""
    W1, b1, W2, b2 = parameters
    f, slope = ACTIVATIONS[activation]
    a1 = f(x @ W1.T + b1)
    p = torch.softmax(a1 @ W2.T + b2, 1)
    loss = -(t * p.log()).sum(1).mean()
    delta2 = (p - t) / len(x)
    delta1 = (delta2 @ W2) * slope(a1)
    return float(loss), (delta1.T @ x, delta1.sum(0), delta2.T @ a1, delta2.sum(0))


# %% [markdown]
# The examples are 200 of the real digits that come with the package, $D = 784$ pixels each. We compute in
# float64, so that what should be zero is zero to 16 digits. One comparison with autograd, through the
# package's own operations, shows that the lines above are right.

# %%
torch.manual_seed(0)
digits, _ = load("sample")
chosen = torch.randperm(len(digits.train_labels))[:200]
x, labels = digits.train_images[chosen].double(), digits.train_labels[chosen]
t = torch.nn.functional.one_hot(labels, 10).double()
D, M, C = 784, 16, 10

W1, b1, W2, b2 = (
    torch.randn(*shape).div(10).double().requires_grad_() for shape in ((M, D), (M,), (C, M), (C,))
)
F.cross_entropy(F.linear(F.tanh(F.linear(x, W1, b1)), W2, b2), labels).backward()
with torch.no_grad():
    _, ours = gradients((W1, b1, W2, b2), "tanh")
for gradient, parameter in zip(ours, (W1, b1, W2, b2)):
    torch.testing.assert_close(gradient, parameter.grad)
print("the four gradients equal autograd's")

# %% [markdown]
# ## Six ways to start
#
# All biases start at zero. The weights start as
#
# | name | $W^1$ | $W^2$ |
# |---|---|---|
# | all zero | 0 | 0 |
# | all equal | 0.01 everywhere | 0.01 everywhere |
# | only W² random, two kinds | 0.01 everywhere | two random columns, each in eight copies |
# | only W² random | 0.01 everywhere | random |
# | only W¹ random | random | 0 |
# | both random | random | random |


# %%
def starts():
    torch.manual_seed(1)
    random1, random2 = 0.05 * torch.randn(M, D).double(), 0.3 * torch.randn(C, M).double()
    equal1, equal2 = torch.full_like(random1, 0.01), torch.full_like(random2, 0.01)
    weights = {
        "all zero": (0 * random1, 0 * random2),
        "all equal": (equal1, equal2),
        "only W² random, two kinds": (equal1, random2[:, :2].repeat(1, M // 2)),
        "only W² random": (equal1, random2),
        "only W¹ random": (random1, 0 * random2),
        "both random": (random1, random2),
    }
    zeros = torch.zeros(M).double(), torch.zeros(C).double()
    return {name: (W1, zeros[0], W2, zeros[1]) for name, (W1, W2) in weights.items()}


# %% [markdown]
# ### All zero
#
# **Predict:** all parameters are zero, and the activation is tanh. Which of $\partial L/\partial W^1$,
# $\partial L/\partial W^2$ and $\partial L/\partial b^2$ are zero? The four equations are enough to tell.

# %%
predict("7a")

# %%
for activation in ACTIVATIONS:
    _, (W1_grad, b1_grad, W2_grad, b2_grad) = gradients(starts()["all zero"], activation)
    print(f"{activation:7}: the size of ∂L/∂W¹ is {W1_grad.norm():.2f},", end=" ")
    print(f"of ∂L/∂W² {W2_grad.norm():.2f}, of ∂L/∂b² {b2_grad.norm():.2f}")
    assert W1_grad.norm() == b1_grad.norm() == 0
    torch.testing.assert_close(b2_grad, 1 / C - t.mean(0))  # not zero: classes differ in size
    assert b2_grad.norm() > 0
    assert (W2_grad.norm() > 0) == (activation == "sigmoid")

# %% [markdown]
# The size of a gradient is the root of the sum of its squared entries. $W^2 = 0$, so $\delta^1 = (\delta^2
# W^2) \odot f' = 0$: nothing reaches the hidden layer, and $\partial L/\partial W^1 = 0$ for each of the
# three. For $W^2$ the activation decides, since $\partial L/\partial W^2 = \delta^{2\top} a^1$ and $a^1 =
# f(0)$. The hyperbolic tangent and ReLU have $f(0) = 0$, so this gradient is zero too. Only $b^2$ can learn,
# and it moves neither $W^1$ nor $W^2$ away from zero: the same argument holds at the next step, and at all
# that follow. The sigmoid has $\sigma(0) = \tfrac12$, so $W^2$ moves at the first step, and from the second
# step on $W^1$ moves as well. (The first step depends on how many examples each class has: with all zeros
# each $p_{nc}$ is $1/C$, and $\sum_n \delta^2_{nc}$ is $1/C$ less the share of class $c$. With exactly as
# many examples of each class, not even $b^2$ would move.)
#
# ### All equal
#
# **Predict:** now all weights are 0.01, the biases are still zero, and the activation is the sigmoid. Which
# of the gradients of $W^1$ and $W^2$ are zero?

# %%
predict("7b")

# %%
for at, weight in ((0, "W¹"), (2, "W²")):
    sizes = []
    for start in starts().values():
        norms = [float(gradients(start, activation)[1][at].norm()) for activation in ACTIVATIONS]
        sizes.append([norm if norm > 1e-12 else 0.0 for norm in norms])  # 1e-18 is a rounded 0
    figure = plots.heat_map(
        sizes,
        list(starts()),
        ["σ", "tanh", "ReLU"],
        title=f"The size of ∂L/∂{weight} at the first step",
        label="size of the gradient",
        log=True,
    )
    plots.show(figure, f"first_gradients_{at}.png")
    if weight == "W¹":
        assert sizes[1] == [0, 0, 0]
    else:
        assert min(sizes[1]) > 0

# %% [markdown]
# $\partial L/\partial W^1$ is zero, with each activation. (A 0 in a cell is zero up to rounding.) With
# $W^2_{cj} = w$ everywhere,
#
# $$\sum_c \delta^2_{nc} W^2_{cj} = \frac{w}{N} \sum_c (p_{nc} - t_{nc}) = \frac{w}{N} (1 - 1) = 0$$
#
# because the probabilities sum to one and so do the targets: what the classes ask of a hidden unit cancels.
# This belongs to the [softmax](reference/functional/activations/softmax.rst) with
# [cross-entropy](reference/functional/losses/cross_entropy.rst), and it lasts one step: then the rows of
# $W^2$ differ.
#
# With only $W^1$ random, $\partial L/\partial W^1 = 0$ again, from $W^2 = 0$, but $W^2$ learns, and then the
# rest follows. A zero gradient at the first step is no disaster. So what is the disaster?
#
# ## After one step
#
# We let "all equal" make one step, with a sigmoid, and look at the next gradient of $W^1$.
#
# **Predict:** which entries of the new $\partial L/\partial W^1$ are equal to each other? Row $j$ belongs to
# hidden unit $j$, and column $i$ to input $i$.

# %%
predict("7c")


# %%
def step(parameters, activation):
    loss, slopes = gradients(parameters, activation)
    return loss, tuple(w - 0.3 * g for w, g in zip(parameters, slopes))


_, second = step(starts()["all equal"], "sigmoid")
_, (W1_grad, *_) = gradients(second, "sigmoid")
figure = plots.images(W1_grad[:2].reshape(2, 28, 28), ["∂L/∂W¹, row 1", "row 2"])
plots.show(figure, "rows_of_the_gradient.png")
print(f"entries of row 1: from {W1_grad[0].min():.4f} (blue) to {W1_grad[0].max():.4f} (red)")
print(f"largest difference between two rows: {(W1_grad - W1_grad[0]).abs().max():.1g}")
assert (W1_grad - W1_grad[0]).abs().max() < 1e-12
assert W1_grad[0].max() - W1_grad[0].min() > 1e-4

# %% [markdown]
# The *rows* are equal, one for each hidden unit. (A row is drawn as an image here, each entry at the place of
# its pixel: red is positive, blue negative. The border is even because its pixels are the same in all
# images.) Within a row the entries differ, because each is scaled with its own input: $\partial L/\partial
# W^1_{ji} = \sum_n \delta^1_{nj} x_{ni}$, where $i$ stands in $x$. Each unit learns something, and it is the
# same thing that the others learn.
#
# ### The proof
#
# Say that two hidden units $j$ and $k$ are *twins* if they have the same row of $W^1$, the same bias in $b^1$
# and the same column of $W^2$.
#
# **Claim.** Twins stay twins at every step of gradient descent.
#
# **Proof** by induction over the steps. They are twins at the start; let them be twins after some number of
# steps. Then, for every example $n$:
#
# 1. $z^1_{nj} = \sum_i x_{ni} W^1_{ji} + b^1_j = z^1_{nk}$, so $a^1_{nj} = a^1_{nk}$ and
#    $f'(z^1_{nj}) = f'(z^1_{nk})$.
# 2. $\delta^1_{nj} = \bigl(\sum_c \delta^2_{nc} W^2_{cj}\bigr) f'(z^1_{nj}) = \delta^1_{nk}$, as the columns
#    of $W^2$ are the same.
# 3. So the gradients are the same: of the rows, $\sum_n \delta^1_{nj} x_{ni}$; of the biases,
#    $\sum_n \delta^1_{nj}$; of the columns, $\sum_n \delta^2_{nc} a^1_{nj}$.
# 4. The update $w - \eta\, \partial L/\partial w$ takes the same away from the same. They are twins after the
#    step. ∎
#
# No property of the activation, of the loss or of the data was used. A unit's parameters only have to be
# treated as its twin's are, so momentum, or a step size for each weight that is computed from its gradients,
# does not help either. ([Dropout](reference/functional/activations/dropout.rst), which switches units off at
# random, would.)
#
# ## How many units are left?
#
# We count the distinct rows of $(W^1, b^1)$, which say what a unit computes. Two rows count as one if they
# differ by less than a thousandth of the largest entry: rounding makes twins differ a little. The six starts
# make 20 steps each with $\eta = 0.3$.


# %%
def distinct_rows(parameters):
    rows = torch.cat([parameters[0], parameters[1][:, None]], 1)
    tolerance = 1e-3 * rows.abs().max()
    same = (rows[:, None] - rows).abs().amax(2) <= tolerance  # (M, M): j equals k
    return sum(not bool(same[j, :j].any()) for j in range(M))  # equal to none before it


STEPS = 20
counts = {name: {} for name in ACTIVATIONS}
losses = {name: [] for name in starts()}
for activation in ACTIVATIONS:
    for name, parameters in starts().items():
        count = []
        for number in range(STEPS + 1):
            if number <= 5 or number == STEPS:
                count.append(distinct_rows(parameters))
            loss, parameters = step(parameters, activation)
        counts[activation][name] = count
        losses[name].append(loss)

# %% [markdown]
# **Predict:** $W^1$ starts with 0.01 everywhere, and $W^2$ at random. How many of the 16 units are distinct
# after 20 steps?

# %%
predict("7d")

# %%
figure = plots.curves(
    {
        name: (list(range(6)), count[:6])
        for name, count in counts["sigmoid"].items()
        if name != "only W¹ random"  # 16 from the start, as for both random
    },
    title="Distinct units at the first steps (sigmoid)",
    xlabel="step",
    ylabel="distinct hidden units, of 16",
    ylim=(0, 17),
    markers=True,
)
plots.show(figure, "distinct_units.png")
print("distinct units after", STEPS, "steps")
for name in starts():
    print(f"  {name:26}", {f: counts[f][name][-1] for f in ACTIVATIONS})
    assert all(counts[f][name] == counts["sigmoid"][name] for f in ACTIVATIONS)
assert predict("7d", counts["sigmoid"]["only W² random"][-1])

# %% [markdown]
# With random columns line 2 of the proof fails: the columns differ, hence the $\delta^1$, hence the rows
# after one step. One random matrix is enough. Two kinds of columns make two kinds of rows, and never more.
# The starts "all zero" and "all equal" keep one unit, with each activation.
#
# ### What twins are worth
#
# Sixteen twins are worth one unit. They all have the output $a$, so that the next layer computes
#
# $$z^2_c = \sum_{j=1}^{16} W^2_{cj}\, a + b^2_c = \bigl(16\, W^2_{c1}\bigr)\, a + b^2_c$$
#
# which is what one unit with a larger weight would do. The losses show what it costs; giving each class the
# probability 0.1 costs $\ln 10 \approx 2.3$.

# %%
figure = plots.heat_map(
    list(losses.values()),
    list(losses),
    ["σ", "tanh", "ReLU"],
    title=f"Loss after {STEPS} steps",
    label="cross-entropy",
    form="{:.2f}",
)
plots.show(figure, "losses.png")
for twins in ("all zero", "all equal"):
    assert min(losses[twins]) > max(losses["both random"])
random_starts = ("only W¹ random", "only W² random", "both random")
assert max(random_starts, key=lambda name: losses[name][-1]) == "only W² random"  # ReLU

# %% [markdown]
# To have no twins is not enough for a good start. With constant $W^1$ and random $W^2$ all units start with
# the same $z$, and ReLU units are then on or off for the same examples. With ReLU this start is slower than
# "only W¹ random" and "both random".
#
# Rumelhart, Hinton and Williams ("Learning internal representations by error propagation", 1986) describe the
# symmetry in an early paper on backpropagation, and start with small random weights.
#
# In arithmetic with rounding, a program may add the numbers of two twins in different orders. Such
# differences start at $10^{-16}$, and further steps can make them larger. They are why `distinct_rows` has a
# tolerance. Biases may start at zero, as they do everywhere on this page: that the weights are random
# is enough.
#
# ## How large?
#
# Random, then. How large should the weights be? Three terms of statistics help to say it. The *expectation*
# $\mathrm{E}[w]$ is the mean over very many draws of $w$. The *variance* is the mean squared distance from
# it, $\mathrm{Var}[w] = \mathrm{E}[(w - \mathrm{E}[w])^2] = \mathrm{E}[w^2] - \mathrm{E}[w]^2$, and its root
# is the *standard deviation*, the usual distance: a variance of 0.01 is a deviation of 0.1. Two draws are
# *independent* if one says nothing about the other.
#
# Two rules are all we need. The expectation of a sum is the sum of the expectations, always. The expectation
# of a product is the product of the expectations, if the factors are independent.
#
# Let every weight be drawn with mean 0 and variance $\mathrm{Var}[w]$, independently of all the others.
#
# **Forward.** A unit of a layer with $D$ inputs computes $z_j = \sum_i W_{ji} a_i$. The $a_i$ come from the
# layers before, so they are independent of these weights, and
#
# $$\mathrm{E}[z_j] = \sum_i \mathrm{E}[W_{ji}]\, \mathrm{E}[a_i] = 0$$
#
# $$\mathrm{E}[z_j^2] = \sum_i \sum_k \mathrm{E}[W_{ji} W_{jk}]\, \mathrm{E}[a_i a_k]
#   = \sum_i \mathrm{E}[W_{ji}^2]\, \mathrm{E}[a_i^2]$$
#
# For $i \ne k$ the two weights are independent and $\mathrm{E}[W_{ji} W_{jk}] = 0 \cdot 0$: the double sum
# collapses. Nothing had to be assumed about the inputs among each other. With $\mathrm{E}[a^2]$ for the mean
# over the $D$ inputs,
#
# $$\boxed{\mathrm{Var}[z] = D\, \mathrm{Var}[w]\, \mathrm{E}[a^2]}$$
#
# Note $\mathrm{E}[a^2]$, and not $\mathrm{Var}[a]$: the outputs of a sigmoid or a ReLU do not have mean 0.
# For ReLU the square is easy to find. $z$ is as often positive as negative, with the same squares, and one
# half of them is set to zero: $\mathrm{E}[a^2] = \tfrac12\, \mathrm{Var}[z]$. From layer to layer, then, with
# superscripts for the layers,
#
# $$\mathrm{Var}[z^{l+1}] = \tfrac12\, D\, \mathrm{Var}[w] \cdot \mathrm{Var}[z^l] \qquad \text{(ReLU)}$$
#
# For tanh, as long as $z$ is small, $a \approx z$ and the ½ is missing.
#
# **Backward.** The gradient that reaches input $i$ of a layer with $M$ units is a sum too:
# $\partial L/\partial a_i = \sum_j \delta_j W_{ji}$, over the *outputs*. If $\delta$ is independent of $W$,
# the same argument gives $M\, \mathrm{Var}[w]\, \mathrm{E}[\delta^2]$, and the slope of the activation comes
# in:
#
# $$\boxed{\mathrm{Var}[\delta^{l-1}] = M\, \mathrm{Var}[w]\, \mathrm{E}[\delta^2]\, \mathrm{E}[f'(z)^2]}$$
#
# with $W$ and $\delta$ those of layer $l$. The slope of ReLU is 1 for one half of the $z$ and 0 for the
# other, so $\mathrm{E}[f'^2] = \tfrac12$; for tanh it is close to 1 near zero, and for the sigmoid at most
# $1/16$. Here something *was* assumed, twice: that $\delta$ does not depend on $W$, though the forward pass
# went through $W$, and that slope and gradient are independent. So it has to be measured.
#
# The factor has to be 1 in each layer, or else it is there to the power of the number of layers. Forward this
# asks for $\mathrm{Var}[w] = 1/D$, backward for $1/M$. The usual choices:
#
# | name | $\mathrm{Var}[w]$ | reason |
# |---|---|---|
# | Xavier, also Glorot | $2/(D + M)$ | 1 over the mean of $D$ and $M$, for $f' \approx 1$ |
# | He, also Kaiming | $2/D$ | makes up for ReLU's ½ |
#
# The first is from Glorot and Bengio ("Understanding the difficulty of training deep feedforward neural
# networks", 2010), the second from He, Zhang, Ren and Sun ("Delving deep into rectifiers", 2015). Both fix
# the variance, and leave open how the numbers are spread. Numbers that are uniform between $-r$ and $r$ have
# the variance $\int_{-r}^{r} u^2\, \mathrm{d}u / 2r = r^2/3$, so Xavier asks for $r = \sqrt{6/(D + M)}$.
# `torch.nn.init` agrees:

# %%
weight = torch.empty(400, 600)
torch.nn.init.xavier_uniform_(weight)
print(f"Xavier: variance {weight.var():.6f}, 2/(D + M) = {2 / (600 + 400):.6f}")
torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
print(f"He:     variance {weight.var():.6f}, 2/D       = {2 / 600:.6f}")
weight = torch.nn.Linear(600, 400).weight
print(f"torch.nn.Linear's own: variance times D = {600 * weight.var():.3f}")

# %% [markdown]
# What `torch.nn.Linear` draws by itself is a third of $1/D$, and a sixth of what He's formula asks for.
#
# ## A fixed variance
#
# **Predict:** a network has ten ReLU layers of 400 units each, and weights of variance 0.01. How many times
# larger is $\mathrm{Var}[z^{10}]$ than $\mathrm{Var}[z^1]$? (Within a factor of two counts as right.)

# %%
predict("7e")

# %%
torch.manual_seed(2)
for width in (25, 100, 400):
    ratios = []
    for _ in range(10):  # ten networks, since a narrow one varies much
        a = torch.randn(20, width)
        z_layers = []
        for _ in range(10):
            z_layers.append(a @ (0.1 * torch.randn(width, width)).T)
            a = z_layers[-1].relu()
        ratios.append(float(z_layers[-1].var() / z_layers[0].var()))
    ratio = sum(ratios) / len(ratios)
    expected = (0.5 * width * 0.01) ** 9
    print(f"width {width:3}: measured {ratio:.3g}, (½ D Var[w])⁹ = {expected:.3g}")
    assert expected / 4 < ratio < 4 * expected
assert predict("7e", ratio)

# %% [markdown]
# Nine times the same factor: two for a width of 400, a half for 100, an eighth for 25. A variance that suits
# one width ruins another, and this is why $D$ has to stand in the formula.
#
# ## Ten layers, measured
#
# Now with the digits, ten layers of 256 units, and each of the starts below. At the top we put in a random
# upstream gradient $\delta^{10}$ of variance 1, so that no loss disturbs the picture, and let it run
# backward.

# %%
WIDTHS = [784] + [256] * 10
VARIANCES = {
    "0.0001": lambda D, M: 0.0001,
    "0.01": lambda D, M: 0.01,
    "nn.Linear": lambda D, M: 1 / (3 * D),
    "Xavier": lambda D, M: 2 / (D + M),
    "He": lambda D, M: 2 / D,
}


def signals(activation, start):
    """z, a and δ of each layer, the first layer first."""
    torch.manual_seed(3)
    f, slope = ACTIVATIONS[activation]
    variance = VARIANCES[start]
    weights = [variance(D, M) ** 0.5 * torch.randn(M, D) for D, M in pairwise(WIDTHS)]
    z = []
    a = [x.float()]
    for W in weights:
        z.append(a[-1] @ W.T)
        a.append(f(z[-1]))
    delta = [torch.randn_like(z[-1])]
    for W, below in zip(weights[:0:-1], a[-2:0:-1]):
        delta.append((delta[-1] @ W) * slope(below))
    return z, a[1:], delta[::-1]


measured = {(f, start): signals(f, start) for f in ACTIVATIONS for start in VARIANCES}

# %% [markdown]
# First, whether the boxed formulas hold. For He and ReLU, each layer's variance is computed from the layer
# beside it.

# %%
z, a, delta = measured["ReLU", "He"]
print("layer   Var[z]   D Var[w] E[a²]   Var[δ]   M Var[w] E[δ²] ½")
for layer in range(1, 9):  # its z comes from below, its δ from above
    D = M = 256
    from_below = D * (2 / D) * float(a[layer - 1].square().mean())
    from_above = M * (2 / D) * float(delta[layer + 1].square().mean()) / 2
    line = float(z[layer].var()), from_below, float(delta[layer].var()), from_above
    print("{:5}   {:6.2f}   {:14.2f}   {:6.2f}   {:17.2f}".format(layer + 1, *line))
    assert 2 / 3 < line[0] / line[1] < 3 / 2
    assert 2 / 3 < line[2] / line[3] < 3 / 2

# %% [markdown]
# They hold as well as an average over 256 units can. Now all starts.
#
# **Predict:** on the way back $\delta$ should keep its variance. With which activation does none of the five
# starts achieve that?

# %%
predict("7f")

# %%
layers, passed = list(range(1, 11)), list(range(10))
forward = {name: {} for name in ACTIVATIONS}
backward = {name: {} for name in ACTIVATIONS}
for activation in ACTIVATIONS:
    for start in VARIANCES:
        z, a, delta = measured[activation, start]
        forward[activation][start] = layers, [float(values.var()) for values in z]
        backward[activation][start] = passed, [float(d.var()) for d in reversed(delta)]
figure = plots.curves(
    forward,
    title="Forward: the variance of z, for each variance of the weights",
    xlabel="layer",
    ylabel="Var[z]",
    log="y",
)
plots.show(figure, "forward_variance.png")
figure = plots.curves(
    backward,
    title="Backward: the variance of δ, from layer 10 back to layer 1",
    xlabel="layers passed",
    ylabel="Var[δ]",
    log="y",
)
plots.show(figure, "backward_variance.png")
kept = {f: max(ys[-1] for _, ys in backward[f].values()) for f in ACTIVATIONS}
assert kept["sigmoid"] < 0.01
assert min(kept["tanh"], kept["ReLU"]) > 0.1

# %% [markdown]
# With ReLU only He is level, in both directions. Xavier halves the variance in each layer, 0.01 is a little
# too much for this width, and of the other two next to nothing is left. With tanh a variance that is too
# large does no harm to $z$ forward, since $|a| \le 1$ stops it, but it is not free: the histograms below show
# where the activations went.
#
# The sigmoid keeps its $z$ at a level of its own with every start, because its outputs lie around ½ whatever
# comes in. Backward it loses most of the variance in every layer, with each of them. A larger variance does
# not mend this. With the slope at its largest, ¼, backward would ask for $\mathrm{Var}[w] = 16/M$. But
# outputs around ½ have $\mathrm{E}[a^2] \ge \tfrac14$, so with as many inputs as outputs $\mathrm{Var}[z]$
# would be 4 or more, and already at $z = 2$ the slope is about 0.1 only.
#
# ### Where the activations go
#
# For tanh, the values of $a$ themselves, with weights that are too small, too large and about right:

# %%
for start in ("0.0001", "0.01", "Xavier"):
    _, a, _ = measured["tanh", start]
    figure = plots.histograms(
        {f"layer {layer}": a[layer - 1] for layer in (1, 4, 7, 10)},
        title=f"tanh, variance of the weights: {start}",
        xlabel="activation a",
    )
    plots.show(figure, f"tanh_{start}.png")

# %% [markdown]
# With 0.0001 all activations end at zero: every example looks alike to the last layer, and
# $\partial L/\partial W = \delta^\top a$ is next to nothing. With 0.01 many stand at −1 and 1, where the
# slope $1 - a^2$ is close to zero. With Xavier they keep a width that lies between the two.
#
# ## In short
#
# - Start weights at random: twins stay twins. Biases may be zero.
# - Give them the variance $2/D$ before a ReLU, $2/(D + M)$ before a tanh.
# - Both formulas are one line of probability, and one line of code measures whether they hold in your
#   network.
#
# Next: [Activations and vanishing gradients](08_activations.py), on what a deep network does to the gradient.
#
# ## Exercises
#
# **7.1** A network with sigmoid units and cross-entropy has 12 hidden units. All rows of $W^1$ are equal, all
# of $b^1$ is zero. The columns of $W^2$ are random, but they come in three kinds, four equal columns of each.
# How many distinct rows does $W^1$ have after 20 steps?

# %%
answer = ...
check("7.1", answer)

# %% [markdown]
# **7.2** A *leaky* ReLU passes positive $z$ as they are and multiplies negative ones with a small number $s$,
# the slope. Which $\mathrm{Var}[w]$ keeps $\mathrm{Var}[z]$ from layer to layer, for layers with $D$ inputs?
# Check for yourself that $s = 0$ gives He's number.


# %%
def variance(D, s):
    return ...


check("7.2", variance)

# %% [markdown]
# **7.3** Build the twins in: one row $w$, of shape $(D,)$, is shared by all $M$ hidden units, and $W$, of
# shape $(C, M)$, is the layer on top. Derive the gradients of $x$, $w$ and $W$. What do you notice about the
# columns of $\partial L/\partial W$?


# %%
def forward_of_twins(x, w, W):
    a = torch.tanh(x @ w)  # (N,), the one activation that all units have
    return a[:, None].expand(-1, W.shape[1]) @ W.T


def backward_of_twins(grad_output, x, w, W):
    return ...


check("7.3", backward_of_twins)
