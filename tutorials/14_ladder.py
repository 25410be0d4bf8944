# %% [markdown]
# # The ladder
#
# The whole backward of batch normalisation is one line of three terms,
#
# $$\frac{\partial L}{\partial z} = \frac{1}{s} \Bigl( g - \operatorname{mean}(g)
#   - \hat x \odot \operatorname{mean}(g \odot \hat x) \Bigr), \qquad
#   g = \frac{\partial L}{\partial \hat x},$$
#
# and that of softmax with cross-entropy is shorter still. You can look them up. Could you find them, with
# nothing but the chain rule, a pencil and an hour?
#
# This page is an exercise book. It has a small network, taken apart until each step is one that you know from
# school. You climb back from the loss, one line at a time: 20 lines, or *rungs*, each judged as soon as you
# have written it. Then you condense what you found, on paper, until the two short formulas stand there. At
# the end you see what that has bought: how long your lines take, how long the short form takes, and how long
# PyTorch's own.
#
# Open the page as a notebook. In each cell, write your line in place of `...`. What you need is
# in [The chain rule, layer by layer](05_chain_rule.py). Andrej Karpathy climbs a similar ladder in his
# lecture "Building makemore Part 4: Becoming a Backprop Ninja" (2022).

# %%
import torch
import torch.nn.functional as torch_functional
from torch.nn.functional import one_hot

from manual_backprop import derive, plots
from manual_backprop.benchmark.timing import alternate
from manual_backprop.exercises import check, predict, rungs

# %% [markdown]
# ## The network
#
# $N = 7$ examples with $D = 2$ features go through a linear layer with $M = 5$ units, a batch norm, a tanh,
# and a linear layer with a score for each of $C = 3$ classes. The loss is the cross-entropy, the mean over
# the examples.
#
# **Batch norm** treats each unit, a column of $z^1$, by itself. It subtracts the column's mean $\mu$ over
# the $N$ examples, and divides by the root of its variance, the mean of the squares of what is left. What
# comes out, $\hat x$, has mean 0 and variance 1; $\gamma$ and $\beta$ give it another scale and place, which
# are learnt. The $10^{-5}$ keeps the root from being zero.
#
# **Cross-entropy** makes a probability of each score by the softmax, $p = e^{z} / \sum e^{z}$, and takes
# minus the logarithm of the right class's. `target` is one-hot, 1 at the right class and 0 elsewhere. The
# row's largest score $m$ is subtracted first, so that no exponential overflows.
#
# The numbers come from the package, so that it can judge you by the same ones.

# %%
x, W1, b1, gamma, beta, W2, b2, y = rungs.point()
N, C = len(x), 3

z1 = x @ W1.T + b1
mu = z1.mean(0)
centred = z1 - mu
var = (centred**2).mean(0)
std = torch.sqrt(var + 1e-5)
xhat = centred / std
h = gamma * xhat + beta
a = torch.tanh(h)
z2 = a @ W2.T + b2
m = z2.amax(1, keepdim=True)
e = torch.exp(z2 - m)
total = e.sum(1, keepdim=True)
p = e / total
logp = torch.log(p)
target = one_hot(y, C)
loss = -(target * logp).sum() / N

built_in = torch_functional.batch_norm(z1, None, None, gamma, beta, training=True)
torch.testing.assert_close(h, built_in)
torch.testing.assert_close(loss, torch_functional.cross_entropy(z2, y))
print(f"loss {loss:.4f}; z1 is {tuple(z1.shape)}, std {tuple(std.shape)}, total {tuple(total.shape)}")

# %% [markdown]
# ## The rules
#
# `dp` is $\partial L/\partial p$, and so for every name. Of each step, ask: *where is this value used, and
# with which slope?*
#
# 1. **Once:** the gradient of what it was used in, which you have from the rung before, times the slope.
# 2. **Several times:** the sum over the uses. In code this is a `+=`, or a `+`.
# 3. **Broadcast:** a value that serves a whole row or column is used once for each entry. So where forward
#    broadcasts, backward sums; and where forward sums, backward broadcasts, by itself.
# 4. **The shape** of `dp` is that of `p`, always.
#
# You may use all names of the forward, the gradients that you have found, and `N`. The slopes are those of
# school: of a product, a quotient, a square, a root, $e^u$, $\log u$. That of $\tanh$ is $1 - \tanh^2$.
#
# A wrong line is told what it is: a forgotten sum, a missing transpose, a way that was left out. If an
# earlier line was wrong, and only therefore a later one, you are told that too. If you are stuck,
# `dp = rungs.skip("dp")` puts autograd's numbers there, and you can go on.
#
# The next cell starts a clock. It notes when each rung is first judged right in this run of the notebook.

# %%
rungs.start()

# %% [markdown]
# ## From the loss to the scores
#
# The walk starts at $\partial L/\partial L = 1$. The last step is
#
# `loss = -(target * logp).sum() / N`
#
# Each entry of `logp` is used once in it. With which slope?
#
# **14.1**

# %%
dlogp = ...
check("14.1", dlogp)

# %% [markdown]
# **Predict:** give the network the same seven examples twice, as a batch of 14. What becomes of the entries
# of $\partial L/\partial \text{logp}$, and of $\partial L/\partial W^2$?

# %%
predict("14a")

# %%
weight = W2.clone().requires_grad_()
for times in (1, 2):
    scores = a.repeat(times, 1) @ weight.T + b2
    log_probabilities = scores.log_softmax(1)
    mean_loss = torch_functional.nll_loss(log_probabilities, y.repeat(times))
    by_logp, by_weight = torch.autograd.grad(mean_loss, (log_probabilities, weight))
    print(f"batch of {len(scores):2}: dlogp[0, 0] = {by_logp[0, 0]:.4f}, dW2[0, 0] = {by_weight[0, 0]:.4f}")
    if times == 1:
        once = by_logp, by_weight
torch.testing.assert_close(by_logp[:N], once[0] / 2)
torch.testing.assert_close(by_weight, once[1])

# %% [markdown]
# ### The logarithm
#
# `logp = torch.log(p)`
#
# **14.2**

# %%
dp = ...
check("14.2", dp)

# %% [markdown]
# ### The quotient
#
# `p = e / total`
#
# Two values are used here. We take `total` first. It is one number for each row, $(N, 1)$, and divides every
# entry of its row. What is the slope of $u/v$ in $v$? It can be written with $p = u/v$ itself.
#
# **14.3**

# %%
dtotal = ...
check("14.3", dtotal)

# %% [markdown]
# ### The numerator, and the sum
#
# Now `e`. Go through the forward and find *every* line that has it: `p = e / total`, and
# `total = e.sum(1, keepdim=True)`. You have the gradient of either.
#
# **14.4**

# %%
de = ...
check("14.4", de)

# %% [markdown]
# ### The exponential
#
# `e = torch.exp(z2 - m)`
#
# Here are two values again, $z^2$ and the row's largest score $m$, which is made of $z^2$ itself. So there
# are two ways to $z^2$, one of them through $m$. Before you write any formula for the second one, think of
# what subtracting a number from a whole row does to $p$.
#
# **Predict:** what is $\partial L/\partial m$?

# %%
predict("14b")

# %%
gradient_of_m = rungs.gradient_of("m")
print(gradient_of_m.abs().max())
assert gradient_of_m.abs().max() < 1e-15

# %% [markdown]
# ### The scores
#
# Add up the way through `e` and what you know of the one through `m`.
#
# **14.5**

# %%
dz2 = ...
check("14.5", dz2)

# %% [markdown]
# ## Through the second layer
#
# `z2 = a @ W2.T + b2`
#
# Three values, three lines. If you doubt a transpose, write the entry: $z^2_{nk} = \sum_j a_{nj} W^2_{kj} +
# b^2_k$. Which index is summed, and where does it stand?
#
# **14.6**

# %%
dW2 = ...
check("14.6", dW2)

# %% [markdown]
# **14.7**

# %%
db2 = ...
check("14.7", db2)

# %% [markdown]
# **14.8**

# %%
da = ...
check("14.8", da)

# %% [markdown]
# ### The tanh
#
# `a = torch.tanh(h)`
#
# **14.9**

# %%
dh = ...
check("14.9", dh)

# %% [markdown]
# ## Through batch norm
#
# `h = gamma * xhat + beta`
#
# $\gamma$ and $\beta$ have one number for each unit, and serve all examples.
#
# **14.10**

# %%
dgamma = ...
check("14.10", dgamma)

# %% [markdown]
# **14.11**

# %%
dbeta = ...
check("14.11", dbeta)

# %% [markdown]
# **14.12**

# %%
dxhat = ...
check("14.12", dxhat)

# %% [markdown]
# ### The quotient again
#
# `xhat = centred / std`
#
# You have climbed this rung before: a table is divided by something that is smaller than the table, along
# the row then, down the column now. First `std`.
#
# **14.13**

# %%
dstd = ...
check("14.13", dstd)

# %% [markdown]
# ### The root
#
# `std = torch.sqrt(var + 1e-5)`
#
# **14.14**

# %%
dvar = ...
check("14.14", dvar)

# %% [markdown]
# ### What is left of the mean
#
# `var = (centred**2).mean(0)`, and `xhat = centred / std`
#
# Where is `centred` used? In a mean over $N$, each summand has the slope $1/N$.
#
# **14.15**

# %%
dcentred = ...
check("14.15", dcentred)

# %% [markdown]
# ### The mean
#
# `centred = z1 - mu`
#
# **14.16**

# %%
dmu = ...
check("14.16", dmu)

# %% [markdown]
# ### The first weighted sum
#
# `centred = z1 - mu`, and `mu = z1.mean(0)`
#
# **14.17**

# %%
dz1 = ...
check("14.17", dz1)

# %% [markdown]
# ## Through the first layer
#
# `z1 = x @ W1.T + b1`
#
# **14.18**

# %%
dx = ...
check("14.18", dx)

# %% [markdown]
# **14.19**

# %%
dW1 = ...
check("14.19", dW1)

# %% [markdown]
# The bias $b^1$ adds one number to a whole column of $z^1$.
#
# **Predict:** what is $\partial L/\partial b^1$?

# %%
predict("14c")

# %%
print(f"largest entry: {rungs.gradient_of('b1').abs().max():.0e}")
for shift in (0.0, 1.0, 100.0):
    moved = torch_functional.batch_norm(z1 + shift, None, None, gamma, beta, training=True)
    print(f"b1 + {shift:5}: h changes by up to {(moved - h).abs().max():.0e}")
    assert (moved - h).abs().max() < 1e-11

# %% [markdown]
# ### The last rung
#
# **14.20**

# %%
db1 = ...
check("14.20", db1)

# %% [markdown]
# ## Shorter: cross-entropy
#
# Twenty lines, and each of them you could defend. Now take a sheet of paper, and put one into another.
#
# Start with the five lines of the loss. Put `dtotal` into `de`, `de` into `dz2`, and then $p$ wherever you
# see $e / \text{total}$. The product $\text{dp} \odot p$ is `dlogp`; so `dp` goes as well, and with it the
# division.
#
# **14.21** Write `dz2` with `dlogp` and `p` only, for any `dlogp` of shape $(N, C)$. This is the backward of
# the log-softmax.


# %%
def through_log_softmax(dlogp, p):
    return ...


check("14.21", through_log_softmax)

# %% [markdown]
# Now put in your line 14.1 for `dlogp`. What is the sum of each row of `target`?
#
# **14.22** Write the backward of `cross_entropy` in one line, with $p$ = `z2.softmax(1)`, `target` and `N`.
# It is given the gradient `grad_output` of whatever is made of the loss, and has to work if that is not 1.


# %%
def cross_entropy_backward(grad_output, z2):
    return ...


check("14.22", cross_entropy_backward)

# %% [markdown]
# ## Shorter: batch norm
#
# Between `dxhat` and `dz1` stand five lines, 14.13 to 14.17. The value $\hat x$ reaches `dz1` in three ways,
# and we take them one at a time, with $g$ for `dxhat` and $s$ for `std`. The first is
# `dxhat / std`, through `centred` directly: $g / s$.
#
# The second goes through the variance. It is the other summand of `dcentred`, `2 * dvar * centred / N`. Put
# in `dvar`, then `dstd`. Cancel the 2. Make $\hat x$ of a `centred` and a `std`, and a mean of a sum and an
# $N$.
#
# **14.23** Write that summand with `dxhat`, `xhat` and `std` only.


# %%
def through_variance(dxhat, xhat, std):
    return ...


check("14.23", through_variance)

# %% [markdown]
# The third goes through the mean, `dmu / N`. Put `dcentred` into `dmu`, with both of its summands. The sum of
# the second one down the column is easy, once you ask what the sum of $\hat x$ is.
#
# **14.24** Write `dmu / N` with `dxhat` and `std` only.


# %%
def through_mean(dxhat, std):
    return ...


check("14.24", through_mean)

# %% [markdown]
# **14.25** Add the three, and write `dz1` in one line. (It is the one that this page opens with. Is there any
# letter in it that you could not account for?)


# %%
def batch_norm_backward(dxhat, xhat, std):
    return ...


check("14.25", batch_norm_backward)

# %% [markdown]
# ### What the three terms do
#
# Take a column of $g$ and of $\hat x$ as arrows with $N$ components. $g - \operatorname{mean}(g)$ takes out
# of $g$ what points along $(1, \dots, 1)$: a number added to the whole column. $\hat x
# \operatorname{mean}(g \odot \hat x)$ is what points along $\hat x$: the column made larger as a whole.
# (The length of $\hat x$ is $\sqrt N$, and $\operatorname{mean}(\hat x^2) = 1$.) Batch norm undoes both
# changes, so the loss cannot depend on them, and the gradient has no part in these two directions. The two
# terms that are subtracted *are* the statement that shift and scale do not matter, and $1/s$ says
# that a column that is twice as wide moves $\hat x$ half as much.

# %%
gradient = rungs.gradient_of("z1")
print("sum down the column:           ", [f"{v:.0e}" for v in gradient.sum(0)])
print("sum of products with centred:  ", [f"{v:.0e}" for v in (gradient * centred).sum(0)])
print("for comparison, largest entry: ", [f"{v:.0e}" for v in gradient.abs().amax(0)])
assert (gradient.sum(0)).abs().max() < 1e-12
assert ((gradient * centred).sum(0)).abs().max() < 1e-4

# %% [markdown]
# (The second is not quite zero: the $10^{-5}$ under the root keeps the scale from cancelling altogether.)
#
# ## The whole backward
#
# **14.26** Put it together: a backward of the whole network, in the short form. First what it needs of the
# forward, then your lines. It returns the gradients of all seven in the order of its parameters. `verify`
# judges it, and names the line that departs.


# %%
def backward(grad_output, x, W1, b1, gamma, beta, W2, b2):
    return ...


check("14.26", backward)

# %% [markdown]
# ## The same by program
#
# `derive` climbs the same ladder by program, from the forward alone: in elementary steps, and in the short
# form, for which it is given batch norm and cross-entropy by their names.


# %%
def batch_norm(z1, gamma, beta):
    return torch_functional.batch_norm(z1, None, None, gamma, beta, training=True)


def batch_norm_in_steps(z1, gamma, beta):
    mu = z1.mean(0)
    centred = z1 - mu
    var = (centred**2).mean(0)
    std = torch.sqrt(var + 1e-5)
    xhat = centred / std
    return gamma * xhat + beta


def cross_entropy_in_steps(z2, y):
    m = z2.amax(1, keepdim=True)
    e = torch.exp(z2 - m)
    total = e.sum(1, keepdim=True)
    p = e / total
    logp = torch.log(p)
    target = one_hot(y, z2.shape[1])
    return -(target * logp).sum() / len(z2)


def network_in_steps(x, W1, b1, gamma, beta, W2, b2, y):
    z1 = x @ W1.T + b1
    h = batch_norm_in_steps(z1, gamma, beta)
    a = torch.tanh(h)
    z2 = a @ W2.T + b2
    return cross_entropy_in_steps(z2, y)


def network(x, W1, b1, gamma, beta, W2, b2, y):
    z1 = x @ W1.T + b1
    h = batch_norm(z1, gamma, beta)
    a = torch.tanh(h)
    z2 = a @ W2.T + b2
    return torch_functional.cross_entropy(z2, y)


# %% [markdown]
# **Predict:** the elementary backward has 20 lines, yours. How many has the short one that `derive` writes?

# %%
predict("14d")

# %%
shapes = [(7, 2), (5, 2), (5,), (5,), (5,), (3, 5), (3,), y]
in_steps = derive(network_in_steps, shapes=shapes, depth="elementary")
plots.show(in_steps, "ladder_in_steps.md")

# %% [markdown]
# Line by line: your names are its names. What it calls 17 to 36 are the rungs 14.1 to 14.20. The short form:
# (Its arrows count the lines that `derive` makes of the built-in names, which are fewer than ours.)

# %%
short = derive(network, shapes=shapes)
plots.show(short, "ladder_short.md")


def lines_of(derivation):
    body = derivation.source().partition("def backward")[2].splitlines()
    return [line for line in body if " = " in line and not line.endswith("= cache")]


assert len(lines_of(in_steps)) == 20
assert predict("14d", len(lines_of(short)))

# %% [markdown]
# ## What has it bought? Large scores
#
# On paper the two forms are equal. Take one example in float32, the scores $(200, 0)$, and let the second
# class be the right one: the network is certain, and wrong.
#
# **Predict:** what is $\partial L/\partial z^2$ by either form?

# %%
predict("14e")


# %%
def programs(in_steps, by_name, shapes):
    """The forward and backward that derive writes, in steps and in short form."""
    written = []
    for forward in (in_steps, by_name):
        program = {}
        exec(derive(forward, shapes=shapes).source(), program)
        written.append((program["forward"], program["backward"]))
    return written


scores, label = torch.tensor([[200.0, 0.0]]), torch.tensor([1])
found = []
for forward, derived_backward in programs(
    cross_entropy_in_steps, torch_functional.cross_entropy, [(1, 2), label]
):
    _, cache = forward(scores, label)
    found.append(derived_backward(torch.tensor(1.0), cache))
    print(found[-1])
assert found[0].isnan().all()
torch.testing.assert_close(found[1], torch.tensor([[1.0, -1.0]]))

# %% [markdown]
# The forward in steps has the same weakness: $\log p = -\infty$. The built-in loss takes the
# logarithm on paper as well, $\log p = z - m - \log \text{total}$ ([Loss functions](04_losses.py)). So this
# is a first reason to condense: what cancels on paper need not be computed, and cannot overflow.
#
# ## What has it bought? Time
#
# A second reason may be speed. We take larger tables, in float32: 256 examples with 1,000 units for batch
# norm, with 1,000 classes for the cross-entropy, and a whole network of 784, 1,000 and 10 units. Three
# backwards of each take turns, after a warm-up, and the medians of their times are compared: the ladder, the
# short form, and PyTorch's own, which autograd calls. That is a *fused* kernel: one program that goes over
# the tables once or twice, where the formulas go over them with each operation.
#
# **Predict:** how fast is the short form of batch norm's backward, compared with the ladder?

# %%
predict("14f")

# %%
N, D, M, C = 256, 784, 1000, 10
generator = torch.Generator().manual_seed(0)


def normal(*shape):
    size = shape[-1] ** -0.5 if len(shape) == 2 and shape[0] != N else 1.0  # weights keep z at about 1
    return size * torch.randn(shape, generator=generator)


def timed(in_steps, by_name, shapes):
    """The median seconds of a backward: in steps, in short form, and PyTorch's own."""
    inputs = [normal(*shape) if isinstance(shape, tuple) else shape for shape in shapes]
    leaves = [t.requires_grad_() if t.is_floating_point() else t for t in (i.clone() for i in inputs)]
    moving = [leaf for leaf in leaves if leaf.requires_grad]
    output = by_name(*leaves)
    upstream = torch.ones(()) if not output.dim() else normal(*output.shape)
    cases, answers = {}, []
    for name, (forward, derived_backward) in zip(("in steps", "short"), programs(in_steps, by_name, shapes)):
        _, cache = forward(*inputs)
        cases[name] = lambda backward=derived_backward, cache=cache: backward(upstream, cache)
    cases["PyTorch's own"] = lambda: torch.autograd.grad(output, moving, upstream, retain_graph=True)
    for case in cases.values():
        gradients = case()
        answers.append(gradients if isinstance(gradients, tuple) else (gradients,))
    for others in answers[:2]:
        torch.testing.assert_close(others, answers[2], rtol=1e-3, atol=1e-4)
    return [each.median for each in alternate(cases, 21, 1, torch.device("cpu")).values()]


labels, digits = torch.randint(1000, (N,)), torch.randint(C, (N,))
measured = {
    "cross-entropy": timed(cross_entropy_in_steps, torch_functional.cross_entropy, [(N, 1000), labels]),
    "batch norm": timed(batch_norm_in_steps, batch_norm, [(N, M), (M,), (M,)]),
    "whole network": timed(
        network_in_steps, network, [(N, D), (M, D), (M,), (M,), (M,), (C, M), (C,), digits]
    ),
}
print("milliseconds      in steps    short  PyTorch's own    steps/short  short/PyTorch")
for part, (ladder, condensed, fused) in measured.items():
    times = f"{1000 * ladder:9.2f} {1000 * condensed:8.2f} {1000 * fused:14.2f}"
    print(f"{part:16} {times} {ladder / condensed:14.2f} {condensed / fused:14.2f}")
assert measured["batch norm"][0] < 3 * measured["batch norm"][1]

# %% [markdown]
# The short form has a fraction of the lines and most of the time. From `dxhat` to `dz1`, the ladder has nine
# operations on a whole $(N, M)$ table, and the short form seven; each reads a table and most of them
# write one. The kernel does the same sums while the numbers are at hand. In the whole network all
# this is a small part beside the matrix products, which are the same in all three.
#
# So the pencil does not do much for the clock by itself. It shows what there is to compute: the kernel that
# is fast computes *the short formula*, and whoever wrote it had to climb the ladder first.
# [The cost of a gradient](11_cost.py) has more on what a backward costs.
#
# ## Your time
#
# Beside the speed-up, what you paid for it. (A rung that is filled in already when its cell is first run, as
# in a notebook that is opened again, takes no time.)


# %%
def numbered(first, last):
    return [f"14.{i}" for i in range(first, last + 1)]


def in_minutes(numbers):
    taken = rungs.minutes(*numbers)
    return "   –" if taken is None else f"{taken:4.0f}"


parts = {
    "cross-entropy": (numbered(1, 5), numbered(21, 22)),
    "batch norm": (numbered(10, 17), numbered(23, 25)),
    "whole network": (numbered(1, 20), numbered(21, 26)),
}
print("                 minutes: in steps   to condense    times as fast: short   fused")
for part, (ladder, condensed, fused) in measured.items():
    steps, shorter = map(in_minutes, parts[part])
    print(f"{part:16} {steps:>18} {shorter:>13} {ladder / condensed:>23.1f} {ladder / fused:>7.1f}")
print(
    f"{rungs.solved()} of 26 rungs have been solved."
    if rungs.solved()
    else "No rung has been solved in this run."
)
if (paid := rungs.minutes(*parts["batch norm"][1])) and measured["batch norm"][0] > measured["batch norm"][1]:
    saved = measured["batch norm"][0] - measured["batch norm"][1]
    print(f"Condensing batch norm has paid for itself after {60 * paid / saved:,.0f} backward passes.")

# %% [markdown]
# Each rung has its line in the [solutions](solutions/14_ladder.py), with the steps on paper. The real test
# is tomorrow, with an empty sheet: layer norm, say, which is this with rows for columns, or the same network
# with a ReLU. `derive` and `verify` will tell you.
#
# ## Sources
#
# * Sergey Ioffe and Christian Szegedy, "Batch normalization: accelerating deep network training by reducing
#   internal covariate shift", ICML (2015). It gives the backward in the steps of the ladder.
# * Frederik Kratzert, "Understanding the backward pass through Batch Normalization Layer" (2016): the same
#   steps, drawn as a graph.
# * Andrej Karpathy, "Building makemore Part 4: Becoming a Backprop Ninja" (2022). His variance divides by
#   $N - 1$.
