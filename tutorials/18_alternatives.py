# %% [markdown]
# # Without backpropagation
#
# A network's loss can be measured. Why not change the weights at random, see whether the loss falls, and keep
# what helps? No backward pass, no stored activations, no derivatives.
#
# This page trains one small network in eight ways, of which one is backpropagation. It counts what each of
# them costs, measures the angle between its step and the gradient, and ends with all eight in one table.

# %%
import warnings

import torch
from torch.func import jvp

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

warnings.filterwarnings("ignore", message="`torch.jit.script`")  # PyTorch's own, in forward mode

# %% [markdown]
# ## The task
#
# 500 digits, reduced to 7×7 pixels and standardised, and a network 49-32-10 with
# [tanh](reference/functional/activations/tanh.rst). Its loss is half the squared distance between outputs and
# one-hot targets,
#
# $$L = \frac{1}{2N} \sum_{n=1}^{N} \lVert o_n - t_n \rVert^2,$$
#
# and each step uses all 500 digits, so that only the methods are random. All parameters
# stand in one vector $w$ of $P = 1930$ numbers.

# %%
digits, _ = load("sample")


def small(images):
    return F.avg_pool2d(images.reshape(-1, 1, 28, 28), 4).flatten(1)


rows = torch.randperm(len(digits.train_images), generator=torch.Generator().manual_seed(0))[:500]
x, x_test = small(digits.train_images[rows]), small(digits.test_images)
mean, spread = x.mean(0), (x - x.mean(0)).std()
x, x_test = (x - mean) / spread, (x_test - mean) / spread
t = torch.nn.functional.one_hot(digits.train_labels[rows], 10).float()
N = len(x)


def flat(*tensors):
    return torch.cat([each.flatten() for each in tensors])


def unpack(w):
    M = (len(w) - 10) // 60  # hidden units: w has 49 M + M + 10 M + 10 numbers
    W1, b1, W2, b2 = w.split([49 * M, M, 10 * M, 10])
    return W1.view(M, 49), b1, W2.view(10, M), b2


def initial(M=32):
    generator = torch.Generator().manual_seed(0)
    W1 = torch.randn(M, 49, generator=generator) / 49**0.5
    W2 = torch.randn(10, M, generator=generator) / M**0.5
    return flat(W1, torch.zeros(M), W2, torch.zeros(10))


def outputs(w, x):
    W1, b1, W2, b2 = unpack(w)
    return F.linear(F.tanh(F.linear(x, W1, b1)), W2, b2)


def loss(w, outputs=outputs):
    return F.mse_loss(outputs(w, x), t, reduction="sum") / (2 * N)


def backpropagation(w, outputs=outputs):
    w = w.clone().requires_grad_()
    return torch.autograd.grad(loss(w, outputs), w)[0]


# %% [markdown]
# A method is a function that takes $w$ and returns an estimate of the gradient. `train` makes 400 steps with
# it, $w \leftarrow w - \eta\,\hat g$, and notes the loss. Methods differ in the $\eta$ that they allow: each
# has a good one, found by trying several.


# %%
def angle(u, v):
    """Between two vectors, in degrees."""
    cosine = torch.nn.functional.cosine_similarity(u, v, dim=0)
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1))).item()


chance = torch.Generator().manual_seed(1)
runs = {}


def train(name, estimate, lr, evaluations, keeps, start=initial, outputs=outputs, steps=400):
    chance.manual_seed(1)
    w = start()
    off = angle(estimate(w), backpropagation(w, outputs))  # before the first step
    losses = [loss(w, outputs).item()]
    for _ in range(steps):
        w = w - lr * estimate(w)
        losses.append(loss(w, outputs).item())
    right = 100 * (outputs(w, x_test).argmax(1) == digits.test_labels).float().mean().item()
    runs[name] = {"losses": losses, "right": right, "angle": off, "evaluations": evaluations, "keeps": keeps}
    print(f"{name}: loss {losses[0]:.2f} → {losses[-1]:.2f}, {right:.0f} % of the test images right")


train("backpropagation", backpropagation, lr=0.4, evaluations=2, keeps="a¹")

# %% [markdown]
# ## A random direction
#
# The plainest way to a gradient without a backward pass is to move one weight a little, measure the loss, and
# go on to the next. One step of descent would take 1,930 measurements. [What a gradient costs](11_cost.py)
# did it with *tangents*, exactly, but still in one pass for each weight.
#
# One pass with tangents gives the slope in *any* direction $v$, though, not only along a single weight: it is
# $g \cdot v = \sum_j g_j v_j$. So let $v$ be random: each of its numbers is 1 or $-1$ with equal chance,
# drawn independently. Take the slope, and multiply it by $v$ again:
#
# $$\hat g = (g \cdot v)\, v.$$
#
# This is the **forward gradient** (Baydin, Pearlmutter, Syme, Wood and Torr, "Gradients without
# backpropagation", 2022; there with normally distributed $v$). It is one number, measured, times a direction
# that knows nothing. What has it to do with $g$?
#
# The **expectation** $\mathrm E[\cdot]$ of a random number is its mean over infinitely many draws. That of a
# sum is the sum of the expectations. That of a product of *independent* numbers is the product of theirs.
# Here $\mathrm E[v_j] = 0$, so that $\mathrm E[v_j v_i] = 0$ for $j \ne i$, and $v_i v_i = 1$ always. Hence
#
# $$\mathrm E[\hat g_i] = \mathrm E\Bigl[\sum_j g_j v_j v_i\Bigr] = \sum_j g_j\, \mathrm E[v_j v_i] = g_i.$$
#
# On average it *is* the gradient. An estimate with this property is called **unbiased**.


# %%
def signs(*shape):
    return 2.0 * torch.randint(2, shape, generator=chance) - 1


def forward_gradient(w):
    v = signs(len(w))
    _, slope = jvp(loss, (w,), (v,))  # one pass, forward: the loss, and g · v
    return slope * v


w = initial()
g = backpropagation(w)
v = signs(len(w))
torch.testing.assert_close(jvp(loss, (w,), (v,))[1], g @ v, rtol=1e-3, atol=1e-4)

# %% [markdown]
# **Predict:** a single draw is not the average. In how many of 100 draws does a small step along $-\hat g$
# lead *uphill*?

# %%
predict("18a")

# %%
angles = [angle(forward_gradient(w), g) for _ in range(100)]
uphill = sum(each > 90 for each in angles)
print(f"{uphill} of 100 lead uphill; angles between ĝ and g from {min(angles):.1f}° to {max(angles):.1f}°")
assert predict("18a", uphill)

# %% [markdown]
# Along $-\hat g$ the slope is $-g \cdot \hat g = -(g \cdot v)^2$, which is never positive: if $v$ leads
# uphill, the measured slope is positive and turns it round. But nearly all of the estimate is at right angles
# to $g$. It goes downhill, but hardly.
#
# ### How far it is off
#
# All $v$ have the length $\sqrt P$, so $\lVert \hat g \rVert^2 = (g \cdot v)^2 P$. By the same rules
# $\mathrm E[(g \cdot v)^2] = \sum_i \sum_j g_i g_j\, \mathrm E[v_i v_j] = \lVert g \rVert^2$, and then
#
# $$\mathrm E\,\lVert \hat g - g \rVert^2
#   = \mathrm E\,\lVert \hat g \rVert^2 - 2\,g \cdot \mathrm E[\hat g] + \lVert g \rVert^2
#   = (P - 1)\,\lVert g \rVert^2.$$
#
# This is the **variance** of the estimate, and it grows with the number of parameters. With $P = 1930$, the
# noise $\hat g - g$ is about 44 times as long as the gradient in it. More draws help as larger batches do
# ([Gradient descent](06_gradient_descent.py)): in the mean of $k$ draws, $g$ stays and the noise shrinks by
# $\sqrt k$. What is left of it is about at right angles to $g$.
#
# **Predict:** of how many draws must one take the mean, until it lies at 45° to the gradient?

# %%
predict("18b")

# %%
total, draws, by_draws = torch.zeros_like(g), 0, {}
while draws < 6000:
    V = signs(100, len(w))  # a direction in each row
    total += V.T @ (V @ g)  # the slopes V g are known here, since g is
    draws += 100
    by_draws[draws] = angle(total, g)
needed = next(k for k, off in by_draws.items() if off < 45)
for k in (100, 1000, 2000, 6000):
    print(f"mean of {k} draws: {by_draws[k]:.0f}°, by the formula below", end=" ")
    print(f"{torch.rad2deg(torch.atan(torch.tensor((1929 / k) ** 0.5))):.0f}°")
assert predict("18b", needed)

# %% [markdown]
# At 45° the noise is as long as the gradient: $\sqrt{(P-1)/k} = 1$, so $k = P - 1$. In general the angle
# $\alpha$ has $\tan\alpha = \sqrt{(P-1)/k}$, noise over gradient. With one pass more than at 45° one gets the
# gradient *exactly*, weight by weight. Random directions are no cheaper way to a good gradient; what they
# offer is a bad one at once.
#
# ### What it is good for
#
# A step may be bad, if it costs little. But the larger the network, the less of it is gradient, and the noise
# moves $w$ too: with a large $\eta$, the curvature of the loss in all these other directions costs more than
# the gradient gains. $\eta$ has to be about a hundred times smaller than for backpropagation.

# %%
for M in (2, 8, 32, 128):
    wide = initial(M)
    true = backpropagation(wide)
    off = sum(angle(forward_gradient(wide), true) for _ in range(30)) / 30
    print(f"{len(wide):4} parameters: one draw lies at {off:.1f}° to the gradient, the mean of 30")

train("forward gradient", forward_gradient, lr=0.003, evaluations=2, keeps="v")

# %% [markdown]
# ## Without any derivative
#
# The slope along $v$ can also be measured, with two losses and a small $\varepsilon$:
#
# $$\frac{L(w + \varepsilon v) - L(w - \varepsilon v)}{2\varepsilon} \approx g \cdot v.$$
#
# With this in place of the exact slope it is called **SPSA**, simultaneous perturbation stochastic
# approximation (Spall, "Multivariate stochastic approximation using a simultaneous perturbation gradient
# approximation", 1992). Nothing is differentiated, so the network may be a machine of which one knows only
# what comes out.


# %%
def spsa(w, epsilon=0.01):
    v = signs(len(w))
    slope = (loss(w + epsilon * v) - loss(w - epsilon * v)) / (2 * epsilon)
    return slope * v


# %% [markdown]
# **Predict:** the same random directions, the same $\eta$, 400 steps: how does the loss that SPSA reaches
# compare with that of the forward gradient, which has the exact slopes?

# %%
predict("18c")

# %%
train("SPSA", spsa, lr=0.003, evaluations=2, keeps="a seed")
exact, measured = runs["forward gradient"]["losses"][-1], runs["SPSA"]["losses"][-1]
print(f"{exact:.3f} with exact slopes, {measured:.3f} with measured ones")
assert abs(measured / exact - 1) < 0.1

# %% [markdown]
# What is wrong with these estimates is the direction. A slope that is off by a thousandth changes nothing
# about it.
#
# ### Memory
#
# Such a step keeps nothing. $w$ is changed in place to $w + \varepsilon v$, to $w - \varepsilon v$, and back,
# and $v$ need not be stored either: the seed of the random numbers makes it again. Training takes no more
# memory than using the network. Malladi and others ("Fine-tuning language models with just forward passes",
# 2023) fine-tuned language models in this way, with 30 billion parameters on a GPU on which they could
# fine-tune 2.7 billion by backpropagation. By the section above it should be hopeless. They explain it by a
# loss which, after pre-training, is curved in few directions, so that the noise does less harm than the
# number of parameters says.
#
# ### Many directions
#
# The mean over several $v$ is known as **evolution strategies** (Salimans, Ho, Chen, Sidor and Sutskever,
# "Evolution strategies as a scalable alternative to reinforcement learning", 2017, with normally distributed
# $v$). Each pair of losses may be measured on a computer of its own, and if all know the seeds, only the
# losses have to be sent.


# %%
def evolution_strategies(w, pairs=20):
    return sum(spsa(w) for _ in range(pairs)) / pairs


train("evolution strategies", evolution_strategies, lr=0.05, evaluations=40, keeps="20 seeds")

# %% [markdown]
# ## Fewer numbers to guess
#
# A weight acts on the loss only through its unit. If $\delta$ is known, the gradient of all weights follows,
# $\partial L / \partial W = \delta^\top a$. So it is enough to guess $\delta$: move the *pre-activations*
# $z$, not the weights. For one image these are $32 + 10 = 42$ numbers and not 1,930. Every image gets its
# own random $v_n$, and one pass with tangents gives the slopes of all images.


# %%
def from_deltas(delta1, delta2, a1):
    """The gradient of all parameters, from the error terms."""
    return flat(delta1.T @ x, delta1.sum(0), delta2.T @ a1, delta2.sum(0))


def activity_perturbation(w):
    W1, b1, W2, b2 = unpack(w)
    z1 = F.linear(x, W1, b1)
    z2 = F.linear(F.tanh(z1), W2, b2)
    v1, v2 = signs(*z1.shape), signs(*z2.shape)

    def losses(z1, moved):  # of each image
        z2 = F.linear(F.tanh(z1), W2, b2) + moved
        return (z2 - t).square().sum(1) / (2 * N)

    _, slopes = jvp(losses, (z1, torch.zeros_like(z2)), (v1, v2))
    return from_deltas(slopes[:, None] * v1, slopes[:, None] * v2, F.tanh(z1))


# %% [markdown]
# For a single image, by the formula above, the noise is about $\sqrt{41} = 6.4$ times as long as the
# gradient, an angle of about 81°.
#
# **Predict:** the estimate is the mean over 500 images, each with its own $v_n$. Its angle to the gradient at
# the start?

# %%
predict("18d")

# %%
of_batch = sum(angle(activity_perturbation(w), g) for _ in range(10)) / 10
print(f"{of_batch:.0f}°, the mean of ten draws")
assert 40 < of_batch < 70
train("activity perturbation", activity_perturbation, lr=0.1, evaluations=2, keeps="a¹, a seed")

# %% [markdown]
# The images' noises are independent and cancel in part; their gradients have something in common, which adds
# up. In one draw for all weights, the batch does not help: there is one $v$, and its noise is the same for
# all. Ren, Kornblith, Liao and Hinton ("Scaling forward gradient with local losses", 2022) perturb
# activations too, and cut the network into many small pieces with a loss each, so that there is even less to
# guess.
#
# ## Another way back
#
# The methods so far send back one number, the loss or a slope. Those that follow send back as much as
# backpropagation does, but not by $W^2$ transposed.
#
# ### Fixed random weights
#
# Feedback alignment, from [How a child learns, and how a network does](17_brains.py): in
# $\delta^1 = \delta^2\, W^2 \odot f'(z^1)$, a random matrix $B$ takes the place of $W^2$.

# %%
B = torch.randn(10, 32, generator=torch.Generator().manual_seed(9)) / 32**0.5


def feedback_alignment(w):
    W1, b1, W2, b2 = unpack(w)
    a1 = F.tanh(F.linear(x, W1, b1))
    delta2 = (F.linear(a1, W2, b2) - t) / N
    delta1 = delta2 @ B * (1 - a1**2)
    return from_deltas(delta1, delta2, a1)


train("feedback alignment", feedback_alignment, lr=0.3, evaluations=2, keeps="a¹, B")

# %% [markdown]
# ### Targets
#
# Do not tell the hidden layer how wrong it was; tell it what it should have been. The outputs $o$ should have
# been a little nearer to their targets, $\hat o = o - \tau\,(o - t)$. A second network $q$ learns the way
# from outputs back to hidden activations: it is shown noisy $a^1$, and is to reconstruct them from the
# outputs that they lead to. Then the target of the hidden layer would be $q(\hat o)$. But ten outputs do not
# determine 32 activations, so even $q(o)$ is not $a^1$. What $q$ gets wrong at $o$ is subtracted:
#
# $$\hat a^1 = a^1 + q(\hat o) - q(o).$$
#
# This is **difference target propagation** (Lee, Zhang, Fischer and Bengio, 2015). Each layer has then a loss
# of its own, $\lVert a^1 - \hat a^1 \rVert^2 / 2$, and needs no error from elsewhere.


# %%
class TargetPropagation:
    """The way back q(o) = tanh(o Vᵀ + c) learns along with the network."""

    def __init__(self):
        self.V = torch.randn(32, 10, generator=torch.Generator().manual_seed(10)) / 10**0.5
        self.c = torch.zeros(32)

    def q(self, o):
        return F.tanh(F.linear(o, self.V, self.c))

    def learn_the_way_back(self, a1, W2, b2, lr=0.1):
        noisy = a1 + 0.1 * torch.randn(a1.shape, generator=chance)
        o = F.linear(noisy, W2, b2)
        again = self.q(o)
        delta = (again - noisy) * (1 - again**2) / N
        self.V -= lr * delta.T @ o
        self.c -= lr * delta.sum(0)

    def __call__(self, w, tau=0.5):
        W1, b1, W2, b2 = unpack(w)
        a1 = F.tanh(F.linear(x, W1, b1))
        o = F.linear(a1, W2, b2)
        self.learn_the_way_back(a1, W2, b2)
        target = a1 + self.q(o - tau * (o - t)) - self.q(o)
        delta1 = (a1 - target) * (1 - a1**2) / (tau * N)  # divided by τ, to be of the size of a gradient
        return from_deltas(delta1, (o - t) / N, a1)


train("target propagation", TargetPropagation(), lr=0.3, evaluations=5, keeps="a¹, V, c")

# %% [markdown]
# For a small $\tau$, $\hat a^1 - a^1$ is $-\tau\,(o - t)$ times the derivative of $q$, which stands where
# backpropagation has $W^2$. Since $q$ leads back, its derivative is like an *inverse* of the way forward, not
# its transpose. So these are not gradients, and not meant to be: they are related to the steps of Gauss and
# Newton (Meulemans, Carzaniga, Suykens, Sacramento and Grewe, "A theoretical framework for target
# propagation", 2020).
#
# ### A network that comes to rest
#
# Let the connections between hidden units and outputs work in both directions, with the same $W^2$. There is
# no forward and no backward then: hidden units $h$ and outputs $o$ act on each other until nothing moves. A
# state of rest is one where the derivatives of an *energy* are zero:
#
# $$E(h, o) = \sum_i G(h_i) + \tfrac12 \lVert o \rVert^2 - h \cdot z^1 - o \cdot (W^2 h + b^2),
#   \qquad z^1 = W^1 x + b^1,$$
#
# where $G$ is the function with the derivative $\tanh^{-1}$. The derivatives with respect to $h$ and $o$ are
# zero where $h = \tanh(z^1 + {W^2}^\top o)$ and $o = W^2 h + b^2$: the layers as we know them, except that
# the hidden units also receive the outputs.
#
# Now the outputs are pulled towards the targets a little, or *nudged*: to $E$ is added $\beta$ times the
# loss of the example, $C = \frac12 \lVert o - t \rVert^2$. It only changes $o$ at rest, to
# $o = (W^2 h + b^2 + \beta t)/(1 + \beta)$, and with it, by way of $W^2$, $h$.


# %%
def rest(w, beta=0.0, x=x, state=None, steps=20):
    """h and o after so many steps towards rest; from an earlier state, if there is one."""
    W1, b1, W2, b2 = unpack(w)
    z1 = F.linear(x, W1, b1)
    h, o = state or (torch.zeros(len(x), len(b1)), torch.zeros(len(x), 10))
    for _ in range(steps):
        h = F.tanh(z1 + o @ W2)
        o = F.linear(h, W2, b2)
        if beta:
            o = (o + beta * t) / (1 + beta)
    return h, o


def rest_outputs(w, x):
    return rest(w, x=x)[1]


def energy_gradient(h, o):
    """∂E/∂w with h and o held, the mean over the images; it is local: products of neighbours."""
    return -flat(h.T @ x, h.sum(0), o.T @ h, o.sum(0)) / N


def equilibrium_propagation(w, beta=0.1, steps=20):
    free = rest(w, steps=steps)
    pulled = rest(w, beta, state=free, steps=steps)
    pushed = rest(w, -beta, state=free, steps=steps)
    return (energy_gradient(*pulled) - energy_gradient(*pushed)) / (2 * beta)


# %% [markdown]
# Why should the *contrast* between two states be a gradient of the loss? Write $s = (h, o)$, and $s_\beta$
# for the state of rest, which depends on $w$ and $\beta$. Look at what the nudged energy is there,
#
# $$\Phi(w, \beta) = E(w, s_\beta) + \beta\, C(s_\beta).$$
#
# $w$ and $\beta$ act on $\Phi$ directly, and by moving $s_\beta$. The second way contributes nothing: at
# rest, the derivative with respect to $s$ is zero. So
#
# $$\frac{\partial \Phi}{\partial \beta} = C(s_\beta), \qquad
#   \frac{\partial \Phi}{\partial w} = \frac{\partial E}{\partial w}(s_\beta).$$
#
# Differentiate the left one with respect to $w$ and the right one with respect to $\beta$. The order of two
# derivatives does not matter, so the results are the same:
#
# $$\frac{\partial}{\partial w} C(s_\beta)
#   = \frac{\partial}{\partial \beta} \frac{\partial E}{\partial w}(s_\beta).$$
#
# At $\beta = 0$ the left side is the gradient of the loss. The right side is what the contrast measures:
#
# $$\frac{\partial L}{\partial w} = \lim_{\beta \to 0} \frac{1}{2\beta}
#   \left( \frac{\partial E}{\partial w}(s_\beta) - \frac{\partial E}{\partial w}(s_{-\beta}) \right).$$
#
# This is **equilibrium propagation** (Scellier and Bengio, "Equilibrium propagation: bridging the gap between
# energy-based models and backpropagation", 2017). There the contrast is between $\beta$ and 0; both signs,
# *symmetric nudging*, are due to Laborieux and others ("Scaling equilibrium propagation to deep ConvNets by
# drastically reducing its gradient estimator bias", 2021).
#
# The state comes to rest if going round once, $o$ to $h$ to $o$, makes a change smaller. It multiplies it by
# at most $\lVert W^2 \rVert^2$, where $\lVert W^2 \rVert$ is the most by which $W^2$ stretches a vector. It
# is larger than 1 at our start, so $W^2$ is halved. The true gradient, to compare with, is backpropagation's
# through all steps of `rest`.


# %%
def halved():
    w = initial()
    unpack(w)[2].mul_(0.5)  # the W² that unpack gives is a view of w
    return w


w_rest = halved()
before, after = (torch.linalg.matrix_norm(unpack(each)[2], 2).item() for each in (w, w_rest))
print(f"‖W²‖ = {before:.2f} at the start, {after:.2f} halved")
assert after < 1 < before

true = backpropagation(w_rest, lambda w, x: rest(w, x=x, steps=60)[1])
free = rest(w_rest, steps=60)
with_one_sign = {}
for beta in (0.1, 0.05):
    pulled = rest(w_rest, beta, state=free, steps=60)
    contrast = (energy_gradient(*pulled) - energy_gradient(*free)) / beta
    with_one_sign[beta] = ((contrast - true).norm() / true.norm()).item()
    print(f"β = {beta}, one sign: off by {100 * with_one_sign[beta]:.1f} % of the gradient's length")

# %% [markdown]
# **Predict:** with one sign, halving $\beta$ about halves the error. By what factor does the error fall with
# both signs, if $\beta$ goes from 0.1 to 0.05?

# %%
predict("18e")

# %%
with_both = {}
for beta in (0.1, 0.05, 0.025):
    contrast = equilibrium_propagation(w_rest, beta, steps=60)
    with_both[beta] = ((contrast - true).norm() / true.norm()).item()
    print(f"β = {beta}, both signs: off by {100 * with_both[beta]:.2f} %, {angle(contrast, true):.2f}°")
assert predict("18e", with_both[0.1] / with_both[0.05])

train(
    "equilibrium propagation",
    equilibrium_propagation,
    lr=0.15,
    evaluations=60,
    keeps="two states (h, o)",
    start=halved,
    outputs=rest_outputs,
)

# %% [markdown]
# As in the central difference of [Is my derivation right?](10_derivation.py), the terms of first order in
# $\beta$ cancel between the two signs, and the next are those of $\beta^2$.
#
# ## Side by side
#
# An *evaluation* is one pass through the network. A backward pass, the tangents, each use of $q$, and each
# step towards rest count as one. The angle is that between estimate and gradient before the first step, and
# `kept` is what has to be held for the step besides the weights and the layer at work.

# %%
print(f"{'':24}  loss  test %  evaluations  angle  kept")
for name, run in sorted(runs.items(), key=lambda item: item[1]["losses"][-1]):
    print(f"{name:24} {run['losses'][-1]:5.3f}  {run['right']:5.0f}  {run['evaluations']:11}", end="  ")
    print(f"{run['angle']:4.0f}°  {run['keeps']}")

plots.show(
    plots.curves(
        {name: (range(1, 401), run["losses"][1:]) for name, run in runs.items()},
        title="One network, eight methods",
        xlabel="steps",
        ylabel="loss",
        log="xy",
    ),
    "alternatives.png",
)
end = {name: run["losses"][-1] for name, run in runs.items()}
print(f"after 800 evaluations: SPSA {end['SPSA']:.2f},", end=" ")
print(f"evolution strategies {runs['evolution strategies']['losses'][20]:.2f}")
guessing = min(end["forward gradient"], end["SPSA"])
assert max(end["target propagation"], end["feedback alignment"]) < 1.4 * end["backpropagation"]
assert end["backpropagation"] < end["activity perturbation"] < end["evolution strategies"] * 1.2 < guessing

# %% [markdown]
# Evolution strategies go far in a step, for twenty times the price: after the same number of evaluations they
# are about where SPSA is.
#
# Among the estimates made of noise, a smaller angle goes with a lower loss. For the others it says little:
# target propagation starts at a large angle and yet reaches about the loss of backpropagation. What is not
# gradient in its step is not noise either.
#
# ## Why backpropagation stays
#
# It costs a small multiple of a forward pass, *whatever the number of parameters* ([What a gradient
# costs](11_cost.py)), and gives every derivative exactly. What asks for one number and guesses the rest pays
# with a factor that grows with the parameters, or with the units. What sends back more needs a way for it:
# weights of its own, or a network that comes to rest two or three times a step.
#
# Yet there are reasons to look elsewhere: no memory for activations; a loss that has no derivative; a machine
# whose inside is not known exactly, where the two forward passes of SPSA or the two states of equilibrium
# propagation still measure what is there; or the question what a brain could do. Hinton's forward-forward
# algorithm ("The forward-forward algorithm: some preliminary investigations", 2022) was proposed for such
# reasons: two forward passes, one with real and one with made-up data, and a loss for each layer, which is to
# tell them apart.
#
# All of this was one small network. That the order is the same on a large one is not shown here, and Bartunov
# and others, whom the [page on brains](17_brains.py) quotes, found that feedback alignment and target
# propagation fall behind on larger tasks.
#
# ## Exercises
#
# **18.1** A network has a million parameters. Of about how many draws of the forward gradient must one take
# the mean, for an angle of 60° to the gradient?

# %%
answer = ...
check("18.1", answer)

# %% [markdown]
# **18.2** Write evolution strategies for directions that are given: `V` has a direction in each of its $k$
# rows, and `loss` gives the loss of a vector $w$. Return the estimate of the gradient, from two losses for
# each direction.


# %%
def estimate(loss, w, V, epsilon):
    return ...


check("18.2", estimate)

# %% [markdown]
# **18.3** Equilibrium propagation with one linear unit: $E = \frac12 o^2 - o\,w x$ and
# $C = \frac12 (o - t)^2$. Derive the state of rest $o_\beta$ of $E + \beta C$, and then the contrast with
# both signs,
#
# $$\frac{1}{2\beta} \left( \frac{\partial E}{\partial w}(o_\beta) -
#   \frac{\partial E}{\partial w}(o_{-\beta}) \right).$$
#
# It is the gradient $(w x - t)\,x$ times a factor. Return the factor.


# %%
def factor(beta):
    return ...


check("18.3", factor)
