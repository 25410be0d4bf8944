# %% [markdown]
# # Gradient descent
#
# The gradient says how the loss changes with every weight. It holds at the point where you stand, and nowhere
# else. How far do you walk before you ask again?
#
# Too short a step, and training takes for ever. Too long a step, and it falls apart. This page finds the
# border between the two on a loss where it can be calculated, and then looks for it in a network.

# %%
import torch
from torch.testing import assert_close

from manual_backprop import functional as F
from manual_backprop import nn, plots, record
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

# %% [markdown]
# ## Why minus the gradient
#
# Let $w$ be all the weights in one long list, a *vector*, $g = \partial L/\partial w$ the gradient there, and
# $d$ a small step. With a single weight, the slope predicts how the loss changes:
# $L(w + d) \approx L(w) + L'(w)\,d$. With many, each contributes its own slope times its own change:
#
# $$L(w + d) \;\approx\; L(w) + \sum_i g_i d_i \;=\; L(w) + \|g\|\,\|d\| \cos\alpha.$$
#
# The sum is the scalar product of the two vectors. $\|g\|$ is the length of $g$, the root of the sum of its
# squares, and $\alpha$ the angle between $g$ and $d$. Of all steps of the same length, the one with
# $\cos\alpha = -1$ lowers this the most, and that one points along $-g$. So we take $d = -\eta g$, with a
# positive number $\eta$, the **learning rate**:
#
# $$w \leftarrow w - \eta\,\frac{\partial L}{\partial w},
#   \qquad
#   L(w - \eta g) \;\approx\; L(w) - \eta\,\|g\|^2.$$
#
# The minus is there because the gradient points uphill. The formula on the right is a promise: the loss will
# fall by $\eta \|g\|^2$. We test it on 4,000 real digits and a network with 784 inputs, 32 hidden units and
# 10 outputs: [`F.linear`](reference/functional/affine/linear.rst),
# [`F.relu`](reference/functional/activations/relu.rst), `F.linear`, and the loss is the
# [cross-entropy](reference/functional/losses/cross_entropy.rst).

# %%
digits, _ = load("sample")
order = torch.randperm(4000, generator=torch.Generator().manual_seed(0))
images, labels = digits.train_images[order], digits.train_labels[order]


def loss_of(w, x, y):
    W1, b1, W2, b2 = w
    return F.cross_entropy(F.linear(F.relu(F.linear(x, W1, b1)), W2, b2), y)


def gradient_of(w, x, y):
    w = [p.detach().requires_grad_() for p in w]
    return torch.autograd.grad(loss_of(w, x, y), w)


torch.manual_seed(0)
W1, W2 = torch.randn(32, 784) / 28, torch.randn(10, 32) / 32**0.5
start = [W1, torch.zeros(32), W2, torch.zeros(10)]

g = gradient_of(start, images, labels)
squared_length = sum((part**2).sum() for part in g)
L = loss_of(start, images, labels)
print(f"L = {L:.2f} at the start, and the square of the gradient's length is {squared_length:.1f}")

# %% [markdown]
# **Predict:** we try $\eta = 0.001$, 0.01, 0.1 and 1. For which of them is it certain, without any
# computation, that less than half of the promise is kept?

# %%
predict("6a")

# %%
for lr in (0.001, 0.01, 0.1, 1.0):
    moved = [p - lr * part for p, part in zip(start, g)]
    fall = L - loss_of(moved, images, labels)
    print(f"η = {lr}: promised {lr * squared_length:.4f}, ", end="")
    print(f"got {fall:.4f}, {100 * fall / (lr * squared_length):.0f} % of it")
assert 0.5 * 1.0 * squared_length > L
assert 0.5 * 0.1 * squared_length < L

# %% [markdown]
# The smaller $\eta$, the better the promise is kept, and the less it is worth. With $\eta = 1$ it was 11.3,
# and a cross-entropy is never negative: from 2.62 it cannot fall further than to 0.
#
# ## A valley that can be calculated
#
# On a long step the gradient changes on the way, and the slope at the start does not know of it. To see what
# happens then, we take a loss whose gradient is known everywhere.
#
# With one weight it is the parabola $L(w) = \frac12 \lambda w^2$. Its slope is $\lambda w$, and the number
# $\lambda$ is its *curvature*: the larger it is, the narrower is the parabola. A step of descent is
# $w - \eta\lambda w = (1 - \eta\lambda)\,w$, so it multiplies $w$ by a number.
#
# With two weights we take a valley with a parabola in each of two directions, a flat one and a steep one. If
# the directions are those of the axes, this is $\frac12(\lambda_1 w_1^2 + \lambda_2 w_2^2)$. In general the
# valley is turned, and then it is written with a matrix $A$ that is symmetric ($A_{12} = A_{21}$):
#
# $$L(w) = \tfrac12 w^\top A w = \tfrac12 \left( A_{11} w_1^2 + 2 A_{12} w_1 w_2 + A_{22} w_2^2 \right),
#   \qquad \frac{\partial L}{\partial w} = A w.$$
#
# (The derivative with respect to $w_1$ is $A_{11} w_1 + A_{12} w_2$, the first row of $A$ times $w$.)
#
# How is such a valley turned? A matrix usually gives a vector another direction. Where it only stretches, $A
# u = \lambda u$, the vector $u$ is called an **eigenvector** and the number $\lambda$ its **eigenvalue**. A
# symmetric matrix has as many of them as it has rows, at right angles to each other, so that they are as good
# as axes: $w = c_1 u_1 + c_2 u_2$, with coordinates $c_i$. In these axes the valley is not turned, and
# $\lambda_i$ is the curvature in the direction of $u_i$. We let both be positive. A step of descent is
#
# $$w - \eta A w = \sum_i c_i\,(u_i - \eta \lambda_i u_i) = \sum_i (1 - \eta\lambda_i)\,c_i\,u_i.$$
#
# Each direction goes its own way: every step multiplies its coordinate by $1 - \eta\lambda_i$. The coordinate
# shrinks if that number lies between $-1$ and $1$, which is $0 < \eta < 2/\lambda_i$. All of them shrink if
# that of the steepest direction does:
#
# $$0 < \eta < \frac{2}{\lambda_{\max}}.$$
#
# Between $1/\lambda_i$ and $2/\lambda_i$ the factor is negative: the step overshoots the bottom, and the
# coordinate changes its sign each time.


# %%
def descend(A, w, lr, steps, momentum=0):
    """The points that descent on ½ wᵀAw visits, (steps + 1, 2)."""
    path, v = [w], torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + A @ w  # momentum comes later; without it, v is the gradient
        w = w - lr * v
        path.append(w)
    return torch.stack(path)


eigenvalues = torch.tensor([1.0, 10.0], dtype=torch.float64)  # λ₁, flat, and λ₂, steep
U = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=torch.float64)  # columns u₁ and u₂
A = U @ torch.diag(eigenvalues) @ U.T
limit = 2 / 10  # 2/λ of the steep direction
first = torch.tensor([0.7, 2.4], dtype=torch.float64)

c = descend(A, first, 0.9 * limit, 30) @ U  # the coordinates c₁ and c₂ at every step
factors = 1 - 0.9 * limit * eigenvalues
assert_close(c, c[0] * factors ** torch.arange(31)[:, None])

print(f"at the start, c₁ = {c[0, 0]:.1f} and c₂ = {c[0, 1]:.1f}")

# %% [markdown]
# **Predict:** the curvatures are 1 and 10, so the limit is 0.2. We make 30 steps with 1.01 times the limit.
# What becomes of $c_1$, the coordinate in the *flat* direction?

# %%
predict("6b")

# %%
for share in (0.9, 0.99, 1.01):
    path = descend(A, first, share * limit, 30)
    c = path @ U
    print(f"{share} of the limit: c₁ = {c[-1, 0]:7.4f}, c₂ = {c[-1, 1]:7.4f},", end=" ")
    print(f"distance from the bottom {path[0].norm():.2f} → {path[-1].norm():.2f}")
assert abs(c[-1, 0]) < 0.01
assert c[-1].norm() > c[0].norm()

# %% [markdown]
# With 1.01 of the limit the factor of the flat direction is $1 - 0.202 = 0.798$, and $c_1$ is as good as gone
# after 30 steps. What grows is $c_2$, whose factor is $1 - 2.02 = -1.02$. With 0.9 and 0.99 of the limit, it
# is $-0.8$ and $-0.98$: $c_2$ changes its sign at every step too, but it shrinks. So two per cent of $\eta$
# decide between approaching and leaving.


# %%
def valley(w1, w2):
    w = torch.tensor([w1, w2], dtype=torch.float64)
    return float(0.5 * w @ A @ w)


paths = {f"{share} of the limit": descend(A, first, share * limit, 15) for share in (0.9, 1.01)}
plots.show(
    plots.landscape(
        valley,
        {name: path.tolist() for name, path in paths.items()},
        span=(-2.6, 2.6, -2.2, 3.4),
        title="15 steps: both jump across the valley",
        xlabel="w₁",
        ylabel="w₂",
    ),
    "valley.png",
)

# %%
distances = {}
for share in (0.9, 1.01, 0.99):
    path = descend(A, first, share * limit, 100)
    distances[f"{share} of the limit"] = (range(101), path.norm(dim=1).tolist())
plots.show(
    plots.curves(
        distances,
        title="The border between approaching and leaving is sharp",
        xlabel="steps",
        ylabel="distance from the bottom",
        log="y",
    ),
    "limit.png",
)

# %% [markdown]
# ### The condition number
#
# So $\eta$ may not be larger than the *steepest* direction allows. The *flattest* one then has to live with
# it: its factor is $1 - \eta\lambda_{\min}$, close to 1 if $\lambda_{\min}$ is small. The best $\eta$ makes
# the two extreme factors equally bad, $1 - \eta\lambda_{\min} = -(1 - \eta\lambda_{\max})$, hence
#
# $$\eta = \frac{2}{\lambda_{\min} + \lambda_{\max}}
#   \quad\text{with the factor}\quad
#   \frac{\lambda_{\max} - \lambda_{\min}}{\lambda_{\max} + \lambda_{\min}} = \frac{\kappa - 1}{\kappa + 1},
#   \qquad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}.$$
#
# $\kappa$ is the **condition number**: how much steeper the steepest direction is than the flattest. In a
# round valley, $\kappa = 1$, one step reaches the bottom.
#
# We count the steps until the distance from the bottom is a hundredth of what it was.


# %%
def steps_to_come_closer(kappa, lr, momentum=0):
    """Steps until the distance from the bottom is a hundredth, with λ = 1 and κ."""
    curvatures = torch.tensor([1.0, kappa], dtype=torch.float64)
    w = torch.ones(2, dtype=torch.float64)
    v, steps = torch.zeros_like(w), 0
    while w.norm() > 2**0.5 / 100:
        v = momentum * v + curvatures * w
        w = w - lr * v
        steps += 1
    return steps


plain = {10: steps_to_come_closer(10, 2 / 11)}
print(f"κ = 10: {plain[10]} steps with the best η")

# %% [markdown]
# **Predict:** and with $\kappa = 1000$, and the $\eta$ that is best then? About how many steps?

# %%
predict("6c")

# %%
for kappa in (100, 1000):
    plain[kappa] = steps_to_come_closer(kappa, 2 / (1 + kappa))
    print(f"κ = {kappa}: {plain[kappa]} steps")
assert predict("6c", plain[1000])

# %% [markdown]
# Ten times the condition number, ten times the steps. For a large $\kappa$ the factor is about
# $1 - 2/\kappa$, so that each step covers the share $2/\kappa$ of the way that is left.
#
# ### In a network
#
# Near any of its points, a smooth loss is nearly such a $\frac12 w^\top A w$, with a slope added; $A$ is then
# the matrix of its second derivatives. (Some of its eigenvalues may be negative: there the loss curves
# downwards.) In a network that matrix differs from place to place, so no limit for $\eta$ can be calculated
# once and for all. But the two facts remain: the steepest direction says how large $\eta$ may be, and the
# flattest how long you wait.
#
# ## The landscape of a small network
#
# The smallest network with a hidden layer has two weights: $a = w_2 \tanh(w_1 x)$, with
# [tanh](reference/functional/activations/tanh.rst) as activation function. Its loss, the [mean squared
# error](reference/functional/losses/mse_loss.rst), can be drawn. It learns to imitate a network of its own
# kind, with $w_1 = 1.5$ and $w_2 = 1.2$, from 21 points. Since $\tanh(-z) = -\tanh z$, the weights $-1.5$ and
# $-1.2$ do exactly the same: the landscape has two equally deep valleys. We start at two points that are not
# far from each other.

# %%
x = torch.linspace(-2, 2, 21)
t = 1.2 * torch.tanh(1.5 * x)


def small_loss(w1, w2):
    return F.mse_loss(w2 * F.tanh(w1 * x), t)


def small_descent(w, lr, steps):
    path = [w.tolist()]
    for _ in range(steps):
        w.requires_grad_()
        (g,) = torch.autograd.grad(small_loss(w[0], w[1]), w)
        w = (w - lr * g).detach()
        path.append(w.tolist())
    return path


small_paths = {
    "from (−1.6, 2)": small_descent(torch.tensor([-1.6, 2.0]), 0.1, 100),
    "from (−1, 2)": small_descent(torch.tensor([-1.0, 2.0]), 0.1, 100),
}
for name, path in small_paths.items():
    print(f"{name} to ({path[-1][0]:.2f}, {path[-1][1]:.2f})")
plots.show(
    plots.landscape(
        lambda w1, w2: float(small_loss(w1, w2)),
        small_paths,
        span=(-2.4, 2.4, -2.2, 2.4),
        title="The loss of a = w₂ tanh(w₁x), two paths of 100 steps",
        xlabel="w₁",
        ylabel="w₂",
    ),
    "small_network.png",
)
origin = torch.zeros(2, requires_grad=True)
(g,) = torch.autograd.grad(small_loss(origin[0], origin[1]), origin)
assert g.tolist() == [0, 0]

# %% [markdown]
# They part, and end in different valleys. Descent does not look for the nearest valley, nor for the deepest;
# it follows the slope under its feet. Both weights of one sign are needed, and both paths start with
# different ones: which weight reaches zero first decides. Between the valleys lies $(0, 0)$, a *saddle
# point*: the gradient is zero there, and yet it is no minimum, since the loss falls on two sides. Near the
# bottom the steps become short by themselves, because the gradient does.
#
# ## From crawling to diverging
#
# Now the digits. An **epoch** is one pass over the 4,000 images, here in batches of 50, each followed by an
# update with the gradient of the mean loss of its batch.
#
# A network that gives each of the ten digits the probability $\frac1{10}$ has the loss
# $-\ln \frac1{10} = \ln 10 \approx 2.30$. It knows nothing.
#
# **Predict:** $\eta = 0.001$, 0.01, 0.1, 1 and 3, two epochs each. Which of them ends with the lowest loss?

# %%
predict("6d")


# %%
def train(lr, size=50, epochs=2, momentum=0, looks=20):
    """Epochs and loss on all images, `looks` times an epoch; and the last weights."""
    w = [p.clone() for p in start]
    v = [torch.zeros_like(p) for p in w]
    batches = torch.arange(4000).split(size)
    seen, losses = [0.0], [float(loss_of(w, images, labels))]
    for step in range(1, epochs * len(batches) + 1):
        rows = batches[(step - 1) % len(batches)]
        g = gradient_of(w, images[rows], labels[rows])
        for i in range(len(w)):
            v[i] = momentum * v[i] + g[i]  # v ← μ v + g, of which more below
            w[i] = w[i] - lr * v[i]  # w ← w − η v
        if step % max(len(batches) // looks, 1) == 0:
            seen.append(step / len(batches))
            losses.append(float(loss_of(w, images, labels)))
    return seen, losses, w


by_rate = {}
for lr in (0.001, 0.01, 0.1, 1.0, 3.0):
    epochs, losses, w = train(lr)
    by_rate[f"η = {lr}"] = (epochs, losses)
    on = F.linear(images, w[0], w[1]) > 0  # (4000, 32): where a ReLU lets something through
    print(f"η = {lr}: loss {losses[-1]:.2f}, {int(on.any(0).sum())} of 32 units on for some image,", end=" ")
    print(f"{100 * on.any(1).float().mean():.0f} % of the images have a unit that is on")
plots.show(
    plots.curves(
        by_rate,
        title="One network, five learning rates",
        xlabel="epochs (passes over the 4,000 images)",
        ylabel="loss on all images",
        log="y",
    ),
    "rates.png",
)
final = {name: losses[-1] for name, (_, losses) in by_rate.items()}
assert min(final, key=final.get) == "η = 0.1"
assert max(by_rate["η = 1.0"][1]) > 2 * by_rate["η = 1.0"][1][0]  # it shot up
assert final["η = 1.0"] > 1.5
assert abs(final["η = 3.0"] - 2.30) < 0.1

# %% [markdown]
# From 0.001 to 0.1, a larger $\eta$ is simply quicker. Then comes the border. Beyond it, the first steps
# throw the weights so far that the loss shoots up. It does not go to infinity, as it does in the valley
# above. Instead, most of the ReLUs end up off for every image. No gradient passes a ReLU that is off, so
# it stays off ([Activations and vanishing gradients](08_activations.py)). With $\eta = 1$ a few units are
# left, for a part of the images; from these the network still learns a little, and its loss ends somewhat
# below $\ln 10$. With $\eta = 3$ hardly any image has a unit that is on. Then the output no longer depends on
# the image, and the loss is $\ln 10$, give or take a few hundredths.
#
# Since the useful values of $\eta$ span factors of ten, one looks for it on a logarithmic scale, from below.
#
# ### Choose it yourself
#
# This is the same network at the same start, with 64 of the digits, to be trained in the page. Let it run for
# a hundred steps with $\eta = 0.001$, rewind, and do the same with 0.1, with 0.5 and with 3. With one of them
# the loss falls for a step or two and then jumps; with one it ends where nothing moves any more. There,
# rewind step by step, to see when it happened.

# %%
network = torch.nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
with torch.no_grad():
    for parameter, value in zip(network.parameters(), start):
        parameter.copy_(value)
step = record(network, images[:64], labels[:64], loss=F.cross_entropy, lr=0.1, panel="train")
plots.show(step, "train.html")

# %%
after = {}
for lr in (0.001, 0.1, 0.5, 3.0):
    w, losses = start, []
    for _ in range(100):
        losses.append(float(loss_of(w, images[:64], labels[:64])))
        w = [p - lr * part for p, part in zip(w, gradient_of(w, images[:64], labels[:64]))]
    after[lr] = float(loss_of(w, images[:64], labels[:64]))
    print(f"η = {lr}: loss {losses[0]:.2f}, {losses[1]:.2f}, {losses[2]:.2f}, …, {after[lr]:.2f}", end="; ")
    print(f"at most {max(losses):.2f}")
shares = labels[:64].bincount() / 64
entropy = -(shares * shares.log()).sum()
print(f"−Σ s ln s of the shares s of the ten digits among the 64: {entropy:.2f}")
assert after[0.1] < 0.05 < 1 < after[0.001] < losses[0]
assert abs(after[3.0] - entropy) < 0.05
assert F.linear(images[:64], w[0], w[1]).max() <= 0  # with η = 3

# %% [markdown]
# With $\eta = 3$ the second step already throws the loss into the hundreds. It comes down to 2.24 and stays:
# all ReLUs are off for all 64, and only the last bias still learns. It learns how often each digit occurs
# among them, its share $s$, and to believe just that of every image has the loss $-\sum s \ln s$. That is a
# little less than $\ln 10$, since the ten do not occur equally often.
#
# ## Momentum
#
# In a narrow valley the gradient points mostly *across*, this way at one step and that way at the next, while
# its small part *along* the valley has the same sign every time. So it is worthwhile to remember.
# **Momentum** adds up the gradients, with older ones fading, and walks along the sum:
#
# $$v \leftarrow \mu v + g, \qquad w \leftarrow w - \eta v, \qquad 0 \le \mu < 1.$$
#
# If $g$ is always the same, $v$ becomes $g + \mu g + \mu^2 g + \dots = g/(1 - \mu)$: with $\mu = 0.9$, ten
# times the gradient. If it changes its sign at every step, $v$ becomes
# $g - \mu g + \mu^2 g - \dots = g/(1 + \mu)$: about half of it. (Both are geometric series.) The same $\eta$
# is large along the valley and small across.
#
# For the valley above the best choice is known (Polyak, "Some methods of speeding up the convergence of
# iteration methods", 1964):
#
# $$\eta = \Bigl(\frac{2}{\sqrt{\lambda_{\max}} + \sqrt{\lambda_{\min}}}\Bigr)^2,
#   \qquad
#   \mu = \Bigl(\frac{\sqrt{\kappa} - 1}{\sqrt{\kappa} + 1}\Bigr)^2,$$
#
# with which the distance shrinks, in the long run, as if $\sqrt\kappa$ stood in the place of $\kappa$.

# %%
for kappa, before in plain.items():
    root = kappa**0.5
    mu = ((root - 1) / (root + 1)) ** 2
    steps = steps_to_come_closer(kappa, (2 / (root + 1)) ** 2, mu)
    print(f"κ = {kappa}: {steps} steps with μ = {mu:.2f}, {before} without momentum")

# %% [markdown]
# The larger $\kappa$ is, the more momentum gains.

# %%
root = 100**0.5
flat_and_steep = torch.diag(torch.tensor([1.0, 100.0], dtype=torch.float64))  # κ = 100
ones = torch.ones(2, dtype=torch.float64)
plain_path = descend(flat_and_steep, ones, 2 / 101, 200)
mu = ((root - 1) / (root + 1)) ** 2
momentum_path = descend(flat_and_steep, ones, (2 / (root + 1)) ** 2, 200, mu)
plots.show(
    plots.curves(
        {
            "without momentum": (range(201), plain_path.norm(dim=1).tolist()),
            "with momentum": (range(201), momentum_path.norm(dim=1).tolist()),
        },
        title="κ = 100, each with its best choice",
        xlabel="steps",
        ylabel="distance from the bottom",
        log="y",
    ),
    "momentum_quadratic.png",
)

# %% [markdown]
# On the digits things are different: the gradient of a batch is not that of the whole, and no one knows
# $\kappa$.

# %%
by_momentum = {
    "η = 0.01": by_rate["η = 0.01"],
    "η = 0.1": by_rate["η = 0.1"],
    "η = 0.01, μ = 0.9": train(0.01, momentum=0.9)[:2],
}
plots.show(
    plots.curves(
        by_momentum,
        title="With μ = 0.9, the small η learns like one ten times larger",
        xlabel="epochs (passes over the 4,000 images)",
        ylabel="loss on all images",
        log="y",
    ),
    "momentum.png",
)

# %% [markdown]
# Compare like with like: $\mu = 0.9$ makes the steps up to ten times longer, and most of what is seen here is
# that. Whoever switches momentum on and leaves $\eta$ as it was has changed two things at once.
# `manual_backprop/training/engines/updates.py` has the rule as it stands above, as has `torch.optim.SGD`.
#
# ## A batch for the whole
#
# The loss is a mean over all $N$ examples, and so is its gradient:
#
# $$\frac{\partial L}{\partial w} = \frac1N \sum_{n=1}^{N} g_n,
#   \qquad g_n = \frac{\partial \ell_n}{\partial w}.$$
#
# A batch of $B$ examples gives the mean of $B$ of these $g_n$. Cut the data into batches of equal size, leave
# $w$ where it is, and the mean of the batches' gradients is the full gradient: the same numbers are added up,
# in another grouping. A batch drawn at random therefore has, on average, the right gradient. It is off by
# chance only.

# %%
full = gradient_of(start, images, labels)
batches = torch.arange(4000).split(50)
of_batches = [gradient_of(start, images[rows], labels[rows]) for rows in batches]
for whole, parts in zip(full, zip(*of_batches)):
    assert_close(torch.stack(parts).mean(0), whole, rtol=1e-4, atol=1e-6)

# %% [markdown]
# How far is it off? We measure it for the gradient of $W^2$, where the formula $\partial \ell_n / \partial
# W^2 = \delta_n \otimes a_n$ gives every $g_n$ at once: $a_n$ is the hidden layer's output, $\delta_n = p_n -
# t_n$ the error term ([Loss functions](04_losses.py)), and $\otimes$ the table of all products of the one
# with the other ([The chain rule](05_chain_rule.py)). For each batch size we draw 200 batches, and take the
# root of the mean squared distance from the full gradient, the *spread*.
#
# **Predict:** a batch of 16 instead of 4 means four times the work. By what factor does the spread fall?

# %%
predict("6e")

# %%
a = F.relu(F.linear(images, start[0], start[1]))
p = F.log_softmax(F.linear(a, start[2], start[3]), 1).exp()
delta = p - torch.eye(10)[labels]
g_n = (delta[:, :, None] * a[:, None, :]).flatten(1)  # (4000, 320): one in each row
mean = g_n.mean(0)
assert_close(mean, full[2].flatten(), rtol=1e-4, atol=1e-6)

s = (g_n - mean).norm(dim=1).square().mean().sqrt()  # the spread of single examples
spread = {}
for B in (1, 4, 16, 64, 256):
    draws = torch.stack([g_n[torch.randint(4000, (B,))].mean(0) for _ in range(200)])
    spread[B] = (draws - mean).norm(dim=1).square().mean().sqrt()
    print(f"B = {B:3}: spread {spread[B]:.3f}, s/√B {s / B**0.5:.3f};", end=" ")
    print(f"the full gradient's length is {mean.norm():.3f}")
    assert_close(spread[B], s / B**0.5, rtol=0.2, atol=0.0)
assert predict("6e", spread[4] / spread[16])

# %% [markdown]
# A batch is off by $\frac1B \sum_n d_n$, where $d_n = g_n - \partial L/\partial w$ is what each of its
# examples is off by. Squared, this is $\frac{1}{B^2}$ times a sum of the $B$ squares $\|d_n\|^2$ and of mixed
# terms $2\,d_n \cdot d_m$. The examples are drawn independently, so the mixed terms are as often positive as
# negative, and zero on average. What is left is $\frac{1}{B^2} \cdot B s^2 = s^2/B$, with $s^2$ the mean of
# $\|d_n\|^2$. Its root is $s/\sqrt B$. So half the error costs four times the work.
#
# ## How large a batch?
#
# In one pass over the data, the full gradient allows a single step, in exactly the right direction. Batches
# of 8 allow 500, each in a direction that is roughly right.
#
# **Predict:** one epoch, with batches of 4000, 400, 40 and 8, each with the best of three $\eta$. Which of
# them ends with the lowest loss?

# %%
predict("6f")

# %%
lowest = {}
for B in (4000, 400, 40, 8):
    ends = {lr: train(lr, size=B, epochs=1, looks=1)[1][-1] for lr in (0.03, 0.1, 0.3)}
    best = min(ends, key=ends.get)
    lowest[B] = ends[best]
    print(f"B = {B}: number of steps {4000 // B}, loss {lowest[B]:.2f} with η = {best}")
assert lowest[8] < lowest[40] < lowest[400] < lowest[4000]

# %% [markdown]
# Many rough steps get further than a few exact ones, since after each of them one asks again, from a better
# place. But with few examples a step, the best of the three $\eta$ is a smaller one: in a noisy direction one
# walks less far. That is one of two reasons why smaller is not always better. The other is time. In the
# [measurements](reference/measurements.md) of the three engines, a step with 1024 images takes about 5 to 14
# times as long as one with 64, for 16 times the images: a pass in small batches takes longer. [Training on
# MNIST](09_training.py) uses batches of 64, and [What a gradient costs](11_cost.py) counts the operations.
#
# Next: [Initialisation](07_initialisation.py), on where to start the descent.
#
# ## Exercises
#
# **6.1** For $L(w) = 3 w_1^2 + \frac12 w_2^2$, below which $\eta$ does gradient descent converge?

# %%
answer = ...
check("6.1", answer)

# %% [markdown]
# **6.2** Write descent with momentum: `gradient` is a function that gives $\partial L/\partial w$ at any $w$.
# Start with $v = 0$ and return $w$ after so many steps.


# %%
def descent_with_momentum(gradient, w, lr, momentum, steps):
    return ...


check("6.2", descent_with_momentum)

# %% [markdown]
# **6.3** On $L(w) = \frac12 w^\top A w$ one can calculate, for a given $w$, the $\eta$ with which the very
# next step lowers the loss the most. Derive it. $A$ is a symmetric matrix and has positive eigenvalues.


# %%
def best_rate(A, w):
    return ...


check("6.3", best_rate)
