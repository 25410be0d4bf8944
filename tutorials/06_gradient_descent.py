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
from torch import Tensor
from torch.testing import assert_close

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check
from manual_backprop.training.data import load

# %% [markdown]
# ## Why minus the gradient
#
# Let $w$ be all the weights in one long vector, $g = \partial L/\partial w$ the gradient there, and $d$ a
# small step. In one dimension, the slope predicts how a function changes: $L(w + d) \approx L(w) + L'(w)\,d$.
# With many weights, each contributes its own slope times its own change:
#
# $$L(w + d) \;\approx\; L(w) + \sum_i g_i d_i \;=\; L(w) + \|g\|\,\|d\| \cos\alpha,$$
#
# where $\alpha$ is the angle between $g$ and $d$. Of all steps of the same length, the one with
# $\cos\alpha = -1$ lowers this the most, and that one points along $-g$. So we take $d = -\eta g$, with a
# positive number $\eta$, the **learning rate**:
#
# $$w \leftarrow w - \eta\,\frac{\partial L}{\partial w},
#   \qquad
#   L(w - \eta g) \;\approx\; L(w) - \eta\,\|g\|^2.$$
#
# The minus is there because the gradient points uphill. The formula on the right is a promise: the loss will
# fall by $\eta \|g\|^2$. We test it on a network with 784 inputs, 32 ReLU units and 10 logits, and 4,000 real
# digits.

# %%
digits, _ = load("sample")
order = torch.randperm(4000, generator=torch.Generator().manual_seed(0))
images, labels = digits.train_images[order], digits.train_labels[order]

Parameters = list[Tensor]  # W¹, b¹, W², b²


def loss_of(w: Parameters, x: Tensor, y: Tensor) -> Tensor:
    W1, b1, W2, b2 = w
    return F.cross_entropy(F.linear(F.relu(F.linear(x, W1, b1)), W2, b2), y)


def gradient_of(w: Parameters, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    w = [p.detach().requires_grad_() for p in w]
    return torch.autograd.grad(loss_of(w, x, y), w)


torch.manual_seed(0)
W1, W2 = torch.randn(32, 784) / 28, torch.randn(10, 32) / 32**0.5
start = [W1, torch.zeros(32), W2, torch.zeros(10)]

# %% [markdown]
# **Predict:** for which of $\eta = 0.001, 0.01, 0.1, 1$ does the network keep the promise, at least to nine
# tenths?

# %% tags=["hide-output"]
g = gradient_of(start, images, labels)
squared_length = sum((part**2).sum() for part in g)
L = loss_of(start, images, labels)
for lr in (0.001, 0.01, 0.1, 1.0):
    moved = [p - lr * part for p, part in zip(start, g, strict=True)]
    fall = L - loss_of(moved, images, labels)
    print(f"η = {lr}: promised {lr * squared_length:.4f}, ", end="")
    print(f"got {fall:.4f}, {100 * fall / (lr * squared_length):.0f} % of it")

# %% [markdown]
# The smaller $\eta$, the better the promise is kept, and the less it is worth. On a long step the gradient
# changes on the way: the slope at the start says nothing about it. To see what happens then, we take a loss
# whose gradient is known everywhere.
#
# ## A valley that can be calculated
#
# Let $L(w) = \frac12 w^\mathsf{T} A w$ with a symmetric matrix $A$. In one dimension this is
# $\frac12 \lambda w^2$, a parabola, and its derivative is $\lambda w$. Here the gradient is $Aw$. The
# directions in which $A$ only stretches are its **eigenvectors** $u_i$, with $A u_i = \lambda_i u_i$. A
# symmetric matrix has a full set of them, at right angles to each other, so that $w = \sum_i c_i u_i$ with
# coordinates $c_i = u_i^\mathsf{T} w$. The eigenvalue $\lambda_i$ is the curvature in the direction $u_i$; we
# let all of them be positive. A step of descent is
#
# $$w - \eta A w = \sum_i c_i\,(u_i - \eta \lambda_i u_i) = \sum_i (1 - \eta\lambda_i)\,c_i\,u_i.$$
#
# Each direction goes its own way: every step multiplies its coordinate by $1 - \eta\lambda_i$. It shrinks if
# that number lies between $-1$ and $1$, which is $0 < \eta < 2/\lambda_i$. All of them shrink if the steepest
# does:
#
# $$0 < \eta < \frac{2}{\lambda_{\max}}.$$
#
# Between $1/\lambda_i$ and $2/\lambda_i$ the factor is negative: the step overshoots the bottom, and the
# coordinate changes its sign each time.


# %%
def descend(A: Tensor, w: Tensor, lr: float, steps: int, momentum: float = 0) -> Tensor:
    """The points that descent on ½ wᵀAw visits, (steps + 1, 2)."""
    path, v = [w], torch.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + A @ w  # momentum comes later; without it, v is the gradient
        w = w - lr * v
        path.append(w)
    return torch.stack(path)


eigenvalues = torch.tensor([1.0, 10.0], dtype=torch.float64)
U = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=torch.float64)  # columns u₁ and u₂
A = U @ torch.diag(eigenvalues) @ U.T
limit = 2 / 10  # 2/λ of the steeper direction
first = torch.tensor([0.7, 2.4], dtype=torch.float64)

c = descend(A, first, 0.9 * limit, 30) @ U  # the coordinates c₁ and c₂ at every step
factors = 1 - 0.9 * limit * eigenvalues
assert_close(c, c[0] * factors ** torch.arange(31)[:, None])

# %% [markdown]
# **Predict:** the limit is 0.2. We make 30 steps with 0.9, with 0.99 and with 1.01 times the limit. Which of
# the three comes close to the bottom, and how do the paths differ?

# %% tags=["hide-output"]
paths = {}
for share in (0.9, 0.99, 1.01):
    path = descend(A, first, share * limit, 30)
    paths[f"{share} of the limit"] = path
    distances = path.norm(dim=1)
    print(f"{share} of the limit: distance {distances[0]:.2f} → {distances[-1]:.2f}")

# %% [markdown]
# Two per cent of $\eta$ decide between approaching and leaving. All three jump across the valley, since the
# factor of the steep direction is $-0.8$, $-0.98$ and $-1.02$; only the last one jumps further every time. In
# the flat direction, meanwhile, all three make good progress.


# %%
def valley(x: float, y: float) -> float:
    w = torch.tensor([x, y], dtype=torch.float64)
    return float(0.5 * w @ A @ w)


plots.show(
    plots.landscape(
        valley,
        {name: path[:16].tolist() for name, path in reversed(paths.items())},
        span=(-2.6, 2.6, -2.0, 2.6),
        title="15 steps on ½ wᵀAw with λ = 1 and 10: across and across again",
        xlabel="w₁",
        ylabel="w₂",
    ),
    "valley.png",
)

# %%
distances = {}
for share in (0.5, 0.9, 0.99, 1.01):
    path = descend(A, first, share * limit, 100)
    distances[f"{share} of the limit"] = (range(101), path.norm(dim=1).tolist())
plots.show(
    plots.curves(
        distances,
        title="The same valley: the border between approaching and leaving is sharp",
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
# **Predict:** about how many steps does it take to come a hundred times closer to the bottom, with the best
# $\eta$, for $\kappa = 10$, 100 and 1000?


# %% tags=["hide-output"]
def steps_to_come_closer(kappa: float, lr: float, momentum: float = 0) -> int:
    """Steps until the distance from the bottom is a hundredth, with λ = 1 and κ."""
    curvatures = torch.tensor([1.0, kappa], dtype=torch.float64)
    w = torch.ones(2, dtype=torch.float64)
    v, steps = torch.zeros_like(w), 0
    while w.norm() > 2**0.5 / 100:
        v = momentum * v + curvatures * w
        w = w - lr * v
        steps += 1
    return steps


plain = {}
for kappa in (10, 100, 1000):
    plain[kappa] = steps_to_come_closer(kappa, 2 / (1 + kappa))
    print(f"κ = {kappa}: {plain[kappa]} steps")

# %% [markdown]
# Ten times the condition number, ten times the steps. Near any of its points, a smooth loss looks like such a
# quadratic, with a slope added; $A$ is then the matrix of its second derivatives. In a network that matrix
# differs from place to place, so no fixed limit for $\eta$ can be calculated once and for all, but the two
# facts remain: the steepest direction says how large $\eta$ may be, and the flattest how long you wait.
#
# ## The landscape of a small network
#
# The smallest network with a hidden layer has two weights: $a = w_2 \tanh(w_1 x)$. Its loss can be drawn. It
# learns to imitate a network of its own kind, with $w_1 = 1.5$ and $w_2 = 1.2$, from 21 points. Since $\tanh$
# is odd, the weights $-1.5$ and $-1.2$ do exactly the same: the landscape has two equally deep valleys.
#
# **Predict:** two starts, $(w_1, w_2) = (-1.6, 2)$ and $(-1, 2)$, not far from each other. With $\eta = 0.1$,
# do both end in the same valley?

# %% tags=["hide-output"]
x = torch.linspace(-2, 2, 21)
t = 1.2 * torch.tanh(1.5 * x)


def small_loss(w1: float | Tensor, w2: float | Tensor) -> Tensor:
    return F.mse_loss(w2 * F.tanh(w1 * x), t)


def small_descent(w: Tensor, lr: float, steps: int) -> list[list[float]]:
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

# %% [markdown]
# They part. Descent does not look for the nearest valley, nor for the deepest; it follows the slope under its
# feet. Between the two basins lies a pass at $(0, 0)$, a point where the gradient is zero and which is no
# minimum, and the ridge on both sides of it decides. Near the bottom, the steps become short by themselves,
# because the gradient does.

# %%
plots.show(
    plots.landscape(
        lambda w1, w2: float(small_loss(w1, w2)),
        small_paths,
        span=(-2.4, 2.4, -2.2, 2.4),
        title="The loss of a = w₂ tanh(w₁x): two valleys, two paths of 100 steps",
        xlabel="w₁",
        ylabel="w₂",
    ),
    "small_network.png",
)
origin = torch.zeros(2, requires_grad=True)
(g,) = torch.autograd.grad(small_loss(origin[0], origin[1]), origin)
assert g.tolist() == [0, 0]

# %% [markdown]
# ## From crawling to diverging
#
# Now the digits. An **epoch** is one pass over the 4,000 images, here in batches of 50, each followed by an
# update with the gradient of the mean loss of its batch.
#
# **Predict:** $\eta = 0.001$, 0.01, 0.1, 1 and 3, two epochs each. Which of them ends with the lowest loss?
# And what loss does a network have that gives every digit the same probability?


# %% tags=["hide-output"]
def train(
    lr: float, size: int = 50, epochs: int = 2, momentum: float = 0, looks: int = 20
) -> tuple[list[float], list[float], Parameters]:
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
    at_work = (F.linear(images, w[0], w[1]) > 0).float().mean()  # ReLUs that are not off
    print(f"η = {lr}: loss {losses[0]:.2f} → {losses[-1]:.2f},", end=" ")
    print(f"{100 * at_work:.0f} % of the ReLU outputs above 0")
print(f"all digits equally probable: log 10 = {torch.tensor(10.0).log():.2f}")

# %% [markdown]
# From 0.001 to 0.1, a larger $\eta$ is simply quicker. Then comes the border. Beyond it, the first steps
# throw the weights so far that the loss shoots up. It does not go to infinity, as it does in the quadratic.
# Instead, most of the ReLUs, or all of them, end up off for every image. No gradient passes a ReLU that is
# off, so that it stays off ([Activations and vanishing gradients](08_activations.py)). With none at work, the
# output no longer depends on the image, and the loss stays close to $\log 10$, that of a network that knows
# nothing. Since the useful values of $\eta$ span factors of ten, one looks for it on a logarithmic scale,
# from below.

# %%
plots.show(
    plots.curves(
        by_rate,
        title="One network, five learning rates: crawling, walking, and thrown off",
        xlabel="epochs (passes over the 4,000 images)",
        ylabel="loss on all images (nats)",
        log="y",
    ),
    "rates.png",
)
final = {name: losses[-1] for name, (_, losses) in by_rate.items()}
assert min(final, key=final.get) == "η = 0.1"
assert max(by_rate["η = 1.0"][1]) > 2 * by_rate["η = 1.0"][1][0]  # it shot up

# %% [markdown]
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
# $g - \mu g + \mu^2 g - \dots = g/(1 + \mu)$: about half of it. The same $\eta$ is large along the valley and
# small across.
#
# For the quadratic, Polyak, "Some methods of speeding up the convergence of iteration methods", *USSR
# Computational Mathematics and Mathematical Physics* 4 (1964), has the best choice,
#
# $$\eta = \Bigl(\frac{2}{\sqrt{\lambda_{\max}} + \sqrt{\lambda_{\min}}}\Bigr)^2,
#   \qquad
#   \mu = \Bigl(\frac{\sqrt{\kappa} - 1}{\sqrt{\kappa} + 1}\Bigr)^2,$$
#
# with which the distance shrinks, in the long run, as if $\sqrt\kappa$ stood in the place of $\kappa$.
#
# **Predict:** how many steps for $\kappa = 10$, 100 and 1000 now? Without momentum, the number of steps was
# about 2.3 times that of $\kappa$.

# %% tags=["hide-output"]
for kappa, before in plain.items():
    root = kappa**0.5
    mu = ((root - 1) / (root + 1)) ** 2
    steps = steps_to_come_closer(kappa, (2 / (root + 1)) ** 2, mu)
    print(f"κ = {kappa}: {steps} steps with μ = {mu:.2f}, {before} without momentum")

# %% [markdown]
# The worse the condition, the more momentum gains.

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
        title="κ = 100, each with its best choice: the root of κ against κ",
        xlabel="steps",
        ylabel="distance from the bottom",
        log="y",
    ),
    "momentum_quadratic.png",
)

# %% [markdown]
# On the digits the conditions are other ones: the gradient of a batch is not that of the whole, and no one
# knows $\kappa$.

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
        ylabel="loss on all images (nats)",
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
for whole, parts in zip(full, zip(*of_batches, strict=True), strict=True):
    assert_close(torch.stack(parts).mean(0), whole, rtol=1e-4, atol=1e-6)

# %% [markdown]
# How far is it off? We measure it for the gradient of $W^2$, where the formula
# $\partial \ell_n / \partial W^2 = \delta_n a_n^\mathsf{T}$ gives every $g_n$ at once: $a_n$ is the hidden
# layer's output and $\delta_n = p_n - t_n$ the error ([Loss functions](04_losses.py)). From 200 batches drawn
# at random we take the root of the mean squared distance from the full gradient, the *spread*.
#
# **Predict:** a batch of 16 instead of 4 means four times the work. By what factor does the spread fall?

# %% tags=["hide-output"]
a = F.relu(F.linear(images, start[0], start[1]))
p = F.log_softmax(F.linear(a, start[2], start[3]), 1).exp()
delta = p - torch.eye(10)[labels]
g_n = (delta[:, :, None] * a[:, None, :]).flatten(1)  # (4000, 320): one in each row
mean = g_n.mean(0)
assert_close(mean, full[2].flatten(), rtol=1e-4, atol=1e-6)

sizes = [1, 4, 16, 64, 256]
spread = []
for B in sizes:
    draws = torch.stack([g_n[torch.randint(4000, (B,))].mean(0) for _ in range(200)])
    spread.append((draws - mean).norm(dim=1).square().mean().sqrt().item())
    print(f"B = {B}: off by {spread[-1] / mean.norm():.2f} lengths of the full gradient")

# %% [markdown]
# By a factor of 2, the root of 4. The mean of $B$ independent draws has a variance $B$ times smaller than
# that of a single one, and the spread is the root of the variance. So it is $s/\sqrt B$, where $s$ is the
# spread of the single $g_n$ about their mean.

# %%
single = (g_n - mean).norm(dim=1).square().mean().sqrt().item()
expected = [single / B**0.5 for B in sizes]
plots.show(
    plots.curves(
        {"s/√B": (sizes, expected), "measured": (sizes, spread)},
        title="A batch's gradient is off by s/√B: a tenth for a hundred times the work",
        xlabel="batch size B (examples)",
        ylabel="distance from the full gradient",
        log="xy",
        markers=True,
    ),
    "spread.png",
)
assert_close(torch.tensor(spread), torch.tensor(expected), rtol=0.2, atol=0.0)

# %% [markdown]
# Half the error costs four times the work. This is a bad bargain, and it is why small batches get so far. In
# one pass over the data, the full gradient allows a single step, in exactly the right direction. Batches of
# 50 allow 80 steps, each in a direction that is roughly right. And at the next step one asks again, from a
# better place.
#
# **Predict:** one epoch, with batches of 4000, 400, 40 and 8, each with the best of three rates. Where does
# the loss end?

# %% tags=["hide-output"]
for B in (4000, 400, 40, 8):
    ends = {lr: train(lr, size=B, epochs=1, looks=1)[1][-1] for lr in (0.03, 0.1, 0.3)}
    best = min(ends, key=ends.get)
    print(f"B = {B}: number of steps {4000 // B}, loss {ends[best]:.2f} with η = {best}")

# %% [markdown]
# The fewer examples a step takes, the smaller is its best $\eta$ here: in a noisy direction one walks less
# far. That is one of two reasons why smaller is not always better. The other is time. In the
# [measurements](reference/measurements.md) of the three engines, a step with 1024 images takes about 5 to 14
# times as long as one with 64, for 16 times the images: a pass in small batches takes longer. [Training on
# MNIST](09_training.py) uses batches of 64, and [What a gradient costs](11_cost.py) counts the operations.
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
# **6.3** On the quadratic $\frac12 w^\mathsf{T} A w$ one can calculate, for a given $w$, the $\eta$ with
# which the very next step lowers the loss the most. Derive it, and return it as a tensor with one number. $A$
# is symmetric and has positive eigenvalues.


# %%
def best_rate(A, w):
    return ...


check("6.3", best_rate)
