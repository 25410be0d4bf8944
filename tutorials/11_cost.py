# %% [markdown]
# # What a gradient costs
#
# A network has a million parameters. How does its loss change with each of them? There are a million answers
# to compute, and one evaluation of the network gives one number. How many evaluations does the whole
# gradient cost?

# %%
import time
import warnings
import weakref

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call, jvp
from torch.utils.checkpoint import checkpoint_sequential
from torch.utils.flop_counter import FlopCounterMode

from manual_backprop import functional as F
from manual_backprop import nn, plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

warnings.filterwarnings("ignore", message="`torch.jit.script`")  # PyTorch's own, in forward mode

torch.manual_seed(0)
digits, _ = load("sample")
rows = torch.randperm(4000)[:64]
x, y = digits.train_images[rows], digits.train_labels[rows]

model = torch.nn.Sequential(
    nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 200), nn.ReLU(), nn.Linear(200, 10)
)
parameters = dict(model.named_parameters())
P = sum(w.numel() for w in parameters.values())
print(f"{P:,} parameters, {len(x)} images")

# %% [markdown]
# Times are measured on the machine that runs this page. What is compared is run in turn, for a third of a
# second, and the shortest time of each is taken: whatever else the machine does can only add to it. What
# matters are the ratios, and whether they grow.


# %%
def seconds(*computes):
    """The shortest time of each of these calls, which take turns; the first round is left out."""
    rounds = []
    end = time.perf_counter() + 0.33
    while len(rounds) < 9 or time.perf_counter() < end:
        rounds.append([])
        for compute in computes:
            start = time.perf_counter()
            compute()
            rounds[-1].append(time.perf_counter() - start)
    return [min(times) for times in zip(*rounds[1:])]


def in_words(duration):
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1)):
        if duration >= 2 * size:
            return f"{duration / size:.0f} {unit}"
    return f"{1000 * duration:.1f} milliseconds"


# %% [markdown]
# ## Differences: two passes for an entry
#
# The definition of a derivative asks for nothing but the loss. For the parameter $w_k$ and a small $h$,
#
# $$\frac{\partial L}{\partial w_k} \approx \frac{L(w_k + h) - L(w_k - h)}{2h}.$$
#
# That is two forward passes for one entry of the gradient. We take the entry of one bias, that of the
# score of class 3, in float64, where the difference of two nearly equal losses still has enough digits.


# %%
def loss_with(values, images):
    return F.cross_entropy(functional_call(model, values, (images,)), y)


exact = {name: w.detach().double() for name, w in parameters.items()}
h = 1e-5


def moved(by):
    bias = exact["4.bias"].clone()
    bias[3] += by
    return loss_with(exact | {"4.bias": bias}, x.double())


by_differences = (moved(h) - moved(-h)) / (2 * h)
print(f"one entry: {by_differences:.6f}")

# %% [markdown]
# **Predict:** one forward pass of this network takes about a millisecond. How long do the differences for the
# whole gradient take?

# %%
predict("11a")


# %%
def one_pass():
    with torch.no_grad():
        return F.cross_entropy(model(x), y)


(pass_time,) = seconds(one_pass)
print(f"one forward pass, in float32: {in_words(pass_time)}")
print(f"two for each parameter, {2 * P:,} passes: {in_words(2 * P * pass_time)}")
assert 60 < 2 * P * pass_time < 86_400

# %% [markdown]
# One pass was measured; the rest is arithmetic, and nobody waits for it. This is the price of one gradient,
# for one update. The network of [Training on MNIST](09_training.py) made more than a thousand updates.
#
# ## Forward mode: one pass for an entry
#
# The differences can be had exactly. Give each number of the forward pass a companion, its derivative with
# respect to $w_k$, which is called its **tangent** and written $\dot z$. The rules of school calculus carry
# it along: from $z = x W^\top + b$ follows
#
# $$\dot z = \dot x\, W^\top + x\, \dot W^\top + \dot b,$$
#
# the product rule; and from $a = \max(0, z)$ follows $\dot a = \dot z \odot [z > 0]$. At the start every
# tangent is 0 but the one of $w_k$, which is 1. The tangent of the loss at the end is $\partial L / \partial
# w_k$.
#
# Each [operation of this package](reference/functional.md) has this rule beside its `backward`, as its `jvp`
# (the [linear layer](reference/functional/affine/linear.rst), for example); `torch.func.jvp` applies them in
# turn.

# %%
direction = {name: torch.zeros_like(w) for name, w in exact.items()}
direction["4.bias"][3] = 1
_, by_forward_mode = jvp(
    lambda values: loss_with(values, x.double()),
    (exact,),
    (direction,),
)
print(f"one entry: {by_forward_mode:.6f}")
torch.testing.assert_close(by_forward_mode, by_differences, rtol=1e-6, atol=1e-9)

values = {name: w.detach() for name, w in parameters.items()}
tangents = {name: t.float() for name, t in direction.items()}


def with_tangents():
    return jvp(lambda values: loss_with(values, x), (values,), (tangents,))


(tangent_time,) = seconds(with_tangents)
print(f"one pass with tangents: {in_words(tangent_time)}")
print(f"one for each parameter: {in_words(P * tangent_time)}")

# %% [markdown]
# Exact, and no cheaper: a pass answers for one direction in which the parameters move, and there are a
# million. Both methods ask, a million times, "if this parameter moves, what happens to everything after
# it?"
#
# ## Backpropagation
#
# Asked from the other end: "by how much does the loss move with each of the numbers before it?" One pass
# backward answers for every parameter, with the formulas of [The chain rule, layer by
# layer](05_chain_rule.py).
#
# **Predict:** count multiplications and additions. How many times as many as the forward pass do forward and
# backward take together, for all 987,210 entries of the gradient?

# %%
predict("11b")


# %%
def gradient():
    return torch.autograd.grad(F.cross_entropy(model(x), y), list(parameters.values()))


entry = gradient()[-1][3]
print(f"one entry: {entry:.6f}, and {P - 1:,} others at once")
torch.testing.assert_close(entry.double(), by_differences, rtol=1e-3, atol=1e-6)

pass_time, gradient_time = seconds(one_pass, gradient)
print(f"forward and backward: {in_words(gradient_time)}")
print(f"the time of {gradient_time / pass_time:.1f} forward passes")

# %% [markdown]
# That is the time. PyTorch can also count the operations that the matrix products take:

# %%
with FlopCounterMode(display=False) as forward_count:
    loss = F.cross_entropy(model(x), y)
with FlopCounterMode(display=False) as backward_count:
    loss.backward()

forward_flops, backward_flops = forward_count.get_total_flops(), backward_count.get_total_flops()
print(f"forward {forward_flops / 1e6:.0f} million, backward {backward_flops / 1e6:.0f} million")
ratio = (forward_flops + backward_flops) / forward_flops
print(f"together {ratio:.2f} times the forward")
assert predict("11b", ratio)

# %% [markdown]
# The multiplications and additions can also be counted by hand. A linear layer from $D$ inputs to $M$
# outputs, on $N$ examples, computes $NM$ sums of $D$ products:
#
# $$
# \begin{aligned}
# z &= x W^\top & NM \text{ sums of } D \text{ products} && 2NDM \text{ operations} \\[1.5ex]
# \frac{\partial L}{\partial W} &= \delta^\top x & MD \text{ sums of } N \text{ products} && 2NDM \\[1.5ex]
# \frac{\partial L}{\partial x} &= \delta\, W & ND \text{ sums of } M \text{ products} && 2NDM
# \end{aligned}
# $$
#
# ($\delta = \partial L/\partial z$; [The chain rule, layer by layer](05_chain_rule.py) derives the two lower
# lines.) The three products have the same three numbers in another order. So the backward costs $4NDM$,
# twice the forward, and both together three times the forward. Activations, biases and the loss add some
# operations for each number of $z$, where the products have $2D$ for each; they hardly count.
#
# The first layer is cheaper: images do not learn, and $\partial L/\partial x$ is not computed for them. In
# this network it has most of the weights, so the ratio is nearer to two than to three. PyTorch has counted
# the same:

# %%
sizes = ((784, 1000), (1000, 200), (200, 10))
N = len(x)
assert forward_flops == sum(2 * N * D * M for D, M in sizes)
assert backward_flops == sum(4 * N * D * M for D, M in sizes) - 2 * N * 784 * 1000

# %% [markdown]
# The time that was measured may be a larger multiple than this count. A million entries of a gradient have
# to be written to memory, too, and each operation has to be called.
#
# ## From hundreds of parameters to millions
#
# Take networks of four equally wide layers, from 8 units to 1024: from about 300 parameters to four million.
# For each of them, the time of a forward and a backward pass is divided by the time of a forward pass.
#
# **Predict:** how does this ratio change from the smallest network to the largest?

# %%
predict("11c")


# %%
def chain(width, depth):
    """Layers of `width` units, and how many parameters they have."""
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    return torch.nn.Sequential(*layers[:-1]), depth * (width * width + width)


def times_of(width, depth):
    """The number of parameters; the time of a forward, with tangents, and with a backward."""
    net, count = chain(width, depth)
    weights = {name: w.detach() for name, w in net.named_parameters()}
    tangents = {name: torch.ones_like(w) for name, w in weights.items()}
    inputs, targets = torch.randn(64, width), torch.zeros(64, dtype=torch.int64)

    def loss_of(values):
        return F.cross_entropy(functional_call(net, values, (inputs,)), targets)

    def forward():
        with torch.no_grad():
            return F.cross_entropy(net(inputs), targets)

    def gradient():
        return torch.autograd.grad(F.cross_entropy(net(inputs), targets), list(net.parameters()))

    def with_tangents():
        return jvp(loss_of, (weights,), (tangents,))

    forward_time, tangent_time, gradient_time = seconds(forward, with_tangents, gradient)
    return count, forward_time, tangent_time, gradient_time


by_width = [times_of(width, depth=4) for width in (8, 16, 32, 64, 128, 256, 512, 1024)]
counts = [count for count, *_ in by_width]
plots.show(
    plots.curves(
        {
            "differences": (counts, [2 * count * f for count, f, _, _ in by_width]),
            "forward mode": (counts, [count * t for count, _, t, _ in by_width]),
            "backpropagation": (counts, [g for *_, g in by_width]),
            "one forward pass": (counts, [f for _, f, _, _ in by_width]),
        },
        title="The time of a whole gradient, by three methods",
        xlabel="number of parameters",
        ylabel="time (s)",
        log="xy",
        markers=True,
    ),
    "prices.png",
)

# %% [markdown]
# The upper two lines, in which the time of one entry was multiplied by the number of entries, rise twice: a
# larger network takes longer, and there are more entries to ask for. The line of backpropagation keeps its
# distance from that of the forward pass. Here is that distance, and the same for networks of 128 units that
# get deeper instead of wider:

# %%
by_depth = [times_of(128, depth) for depth in (1, 2, 4, 8, 16, 32, 64)]
highest = max(g / f for _, f, _, g in by_width + by_depth)
plots.show(
    plots.curves(
        {
            name: {
                "measured": ([c for c, *_ in table], [g / f for _, f, _, g in table]),
                "counted": ([c for c, *_ in table], [3 - 1 / depth for depth in depths]),
            }
            for name, table, depths in (
                ("four layers, 8 to 1024 units", by_width, [4] * 8),
                ("128 units, 1 to 64 layers", by_depth, [1, 2, 4, 8, 16, 32, 64]),
            )
        },
        title="Forward and backward together, in forward passes",
        xlabel="number of parameters",
        ylabel="ratio of times",
        log="x",
        ylim=(0, 1.1 * max(highest, 3)),
        markers=True,
    ),
    "ratios.png",
)
assert highest < 20  # where the number of parameters grows 15,000-fold

# %% [markdown]
# The counted line is $3 - 1/\text{depth}$: three times the forward, less the first layer's $\partial
# L/\partial x$. (A busy machine scatters the measured points.) Where the products are large (the right end
# of the upper picture), the time is mostly theirs, and the count is a fair guide. Where they are small, it
# need not be: a product of 64×8 by 8×8 numbers takes a processor less time than Python takes to ask for it,
# so what is measured there is calls and the bookkeeping of autograd. But these come once for each operation
# too. Their ratio is a constant as well, if another one.
#
# ### A theorem
#
# Nothing in this counting depends on the number of parameters, only on each step's backward costing a fixed
# multiple of the step itself. An addition, a multiplication or a division has such a backward too. Baur and
# Strassen proved it in 1983: a function computed by arithmetic operations and its whole gradient together
# cost at most a constant times the function alone, however many variables there are. Griewank and Walther's
# book has the same for whole programs.
#
# ## One input, many results
#
# Count passes. A function of $n$ numbers with $m$ results has $n \cdot m$ derivatives. A forward pass with
# tangents gives all $m$ for one of the $n$ inputs; a backward pass gives all $n$ for one of the $m$ results.
# A loss has $m = 1$, which is why training goes backward. Now turn it around: one input, many results. How
# do all scores of all 64 images change if the images get brighter, that is, with $s$ in $z(s) =
# \text{model}(s\,x)$?
#
# **Predict:** 640 scores, one $s$. How many passes does each mode need for all derivatives?

# %%
predict("11d")


# %%
def scores(s):
    return model(s * x).flatten()


s = torch.tensor(1.0)
_, forward_answer = jvp(scores, (s,), (torch.ones(()),))

s.requires_grad_()
results = scores(s)
backward_answer = torch.stack(
    [torch.autograd.grad(result, s, retain_graph=True)[0] for result in results[:10]]
)
torch.testing.assert_close(backward_answer, forward_answer[:10], rtol=1e-3, atol=1e-4)

one_tangent, one_backward = seconds(
    lambda: jvp(scores, (torch.tensor(1.0),), (torch.ones(()),)),
    lambda: torch.autograd.grad(results[0], s, retain_graph=True),
)
print(f"forward, one pass: {in_words(one_tangent)}")
print(f"backward, {len(results)} passes: {in_words(len(results) * one_backward)}")

# %% [markdown]
# One against 640, and the ten that were computed both ways agree: a forward pass follows $s$ into all
# scores, a backward pass follows one score back to $s$. The rule is to start where there are fewer.
#
# ## The bill comes in memory
#
# Differences and forward mode keep nothing: a number is used by the next operation and forgotten. The
# backward pass begins where the forward has ended, and asks for numbers from all the way back.
# `saved_tensors_hooks` sees each tensor that is kept for it.

# %%
kept = {}  # the bytes of each piece of memory, by its address


def note(tensor):
    storage = tensor.untyped_storage()
    new = storage.data_ptr() not in kept
    print(f"   keeps {tuple(tensor.shape)!s:12} {'' if new else '(kept already)'}")
    kept[storage.data_ptr()] = storage.nbytes()
    return tensor


a = x
with saved_tensors_hooks(note, lambda tensor: tensor):
    for layer in model:
        print(layer)
        a = layer(a)
    print("cross_entropy")
    loss = F.cross_entropy(a, y)

weights = {w.untyped_storage().data_ptr() for w in model.parameters()}
activations = sum(size for place, size in kept.items() if place not in weights)
print(f"kept besides the weights: {activations / 2**20:.2f} MiB")

# %% [markdown]
# A linear layer keeps its input for $\partial L/\partial W = \delta^\top x$ and its weights for $\partial
# L/\partial x = \delta\, W$; the first one does not need the latter. ReLU keeps its output, whose zeros say
# where the slope is 0. That output is the next layer's input, so it lies in memory once. The cross-entropy
# keeps the scores and the labels. What remains are the activations of each layer, one number for each
# example and unit:

# %%
numbers = N * (784 + 1000 + 200 + 10)
assert activations == 4 * numbers + 8 * N  # a float32 has 4 bytes, a label 8
print(f"{N} × (784 + 1000 + 200 + 10) = {numbers:,} numbers")

# %% [markdown]
# It grows with the batch and with the depth. The weights are there anyway, whatever the batch; in a deep
# network on large images, the activations are what fills the memory.
#
# ## Trading memory for time
#
# What is forgotten can be computed again. Take a chain of $T$ layers (the letter $L$ is the loss), all of one
# size, and count in activations of one layer. Cut the chain into segments of $k$ layers. Going forward, keep
# only the input of each segment. Going backward, segment by segment from the end, run the segment forward
# once more, this time keeping what its $k$ layers compute; go back through it; forget it. This is the method
# of Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost" (2016). Here it is by hand,
# for layers $a \leftarrow \max(0, a W^\top)$, with a meter that measures the bytes of the activations that
# are alive.


# %%
class Meter:
    """Adds up the bytes of the tensors it has been given, and takes them off when a tensor dies."""

    def __init__(self):
        self.now = self.peak = 0

    def __call__(self, tensor):
        self.now += tensor.nbytes
        self.peak = max(self.peak, self.now)
        weakref.finalize(tensor, self.forget, tensor.nbytes)
        return tensor

    def forget(self, size):
        self.now -= size


def forward(a, W):
    return (a @ W.T).clamp(min=0)


def backward(grad, a_before, a, W):
    delta = grad * (a > 0)
    return delta @ W, delta.T @ a_before


def gradients(x, Ws, k, meter):
    """∂L/∂W of each layer, for L = ½ Σ a² at the end; segments of k layers."""
    starts = range(0, len(Ws), k)
    inputs, a = [], x
    for layer, W in enumerate(Ws):
        if layer in starts:
            inputs.append(a)
        a = meter(forward(a, W))
    grad = a  # the derivative of ½ Σ a²
    grads = []
    for start in reversed(starts):
        kept = [inputs.pop()]
        for W in Ws[start : start + k]:
            kept.append(meter(forward(kept[-1], W)))
        for W in reversed(Ws[start : start + k]):
            a = kept.pop()
            grad, grad_W = backward(grad, kept[-1], a, W)
            grads.append(grad_W)
    return grads[::-1]


def gradients_keeping_all(x, Ws, meter):
    kept = [x]
    for W in Ws:
        kept.append(meter(forward(kept[-1], W)))
    grad = kept[-1]
    grads = []
    for W in reversed(Ws):
        a = kept.pop()
        grad, grad_W = backward(grad, kept[-1], a, W)
        grads.append(grad_W)
    return grads[::-1]


T, width = 64, 128
Ws = [torch.randn(width, width) * (2 / width) ** 0.5 for _ in range(T)]
signal = torch.randn(256, width)
one = signal.nbytes  # the activations of one layer

meter = Meter()
right = gradients_keeping_all(signal, Ws, meter)
print(f"everything kept: {meter.peak / one:.0f} activations, {meter.peak / 2**20:.1f} MiB")
assert meter.peak == T * one

# %% [markdown]
# At the worst moment, in the last segment, the inputs of all segments are kept, and so are the layers of the
# last one.
#
# **Predict:** with $T = 64$, which $k$ needs the least memory?

# %%
predict("11e")

# %%
lengths = (1, 2, 4, 8, 16, 32, 64)
peaks = []
for k in lengths:
    meter = Meter()
    grads = gradients(signal, Ws, k, meter)
    for ours, expected in zip(grads, right):
        torch.testing.assert_close(ours, expected)
    assert meter.peak == (T // k + k) * one
    peaks.append(meter.peak / one)
assert min(peaks) == 16 == 2 * T**0.5
assert predict("11e", lengths[peaks.index(min(peaks))])

plots.show(
    plots.curves(
        {
            "measured, equal to T/k + k": (lengths, peaks),
            "everything kept": (lengths, [T] * len(lengths)),
        },
        title="64 layers in segments of k: what is kept at the worst moment",
        xlabel="k, layers in a segment",
        ylabel="activations alive",
        log="x",
        ylim=(0, 70),
        markers=True,
    ),
    "segments.png",
)

# %% [markdown]
# There are $T/k$ inputs and $k$ layers,
#
# $$m(k) = \frac{T}{k} + k.$$
#
# Short segments: many inputs to keep. Long ones: much to keep inside. The least is where the derivative is
# zero:
#
# $$m'(k) = -\frac{T}{k^2} + 1 = 0 \quad\Rightarrow\quad k = \sqrt T, \qquad m = 2\sqrt T.$$
#
# Here that is 16 activations in place of 64, a quarter of the memory, and the gradients are equal. (At $k =
# 1$ every layer's input is kept, and at $k = 64$ all are kept at the second attempt: nothing is saved at
# either end.) The advantage grows with the depth: the part that is needed is $2\sqrt T / T = 2/\sqrt T$. For
# a thousand layers it is about a sixteenth.
#
# ### The price
#
# Every layer is computed twice going forward. In units of a forward pass, that makes $1 + 1 + 2 = 4$ in place
# of $1 + 2 = 3$: a third more, for any $T$. Measured:

# %%
ignore = Meter().__call__
all_kept, segmented = seconds(
    lambda: gradients_keeping_all(signal, Ws, ignore),
    lambda: gradients(signal, Ws, 8, ignore),
)
print(f"in segments of 8: {segmented / all_kept:.2f} times the time of keeping everything")

# %% [markdown]
# It may come out below that: to ask for memory takes time as well, and segments ask for less of it.
#
# PyTorch has the same as `torch.utils.checkpoint`. It works with any operation that autograd knows, this
# package's included:

# %%
deep, _ = chain(width=64, depth=16)
inputs = torch.randn(32, 64)


def gradient_of(output):
    return torch.autograd.grad(output.square().sum(), list(deep.parameters()))


plain = gradient_of(deep(inputs))
with_checkpoints = gradient_of(checkpoint_sequential(deep, 4, inputs, use_reentrant=False))
for ours, expected in zip(with_checkpoints, plain):
    torch.testing.assert_close(ours, expected)
print(f"{len(plain)} gradients, with and without checkpoints: equal")

# %% [markdown]
# Segments can themselves be cut into segments (exercise 11.3). Carried on, the memory grows like the
# logarithm of the depth only, at the price of more and more passes: Griewank (1992), and Chen and his
# coauthors for networks.
#
# ## Sources
#
# * Walter Baur and Volker Strassen, "The complexity of partial derivatives" (1983).
# * Andreas Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
#   differentiation" (1992).
# * Andreas Griewank and Andrea Walther, "Evaluating Derivatives", second edition (2008).
# * Tianqi Chen, Bing Xu, Chiyuan Zhang and Carlos Guestrin, "Training deep nets with sublinear memory cost",
#   arXiv:1604.06174 (2016).
#
# ## Exercises
#
# **11.1** The network 784-128-10 with ReLU, on images that do not learn: how many times as many
# multiplications and additions as the forward pass do forward and backward take together? Count the matrix
# products only, and give three digits after the point.

# %%
answer = ...
check("11.1", answer)

# %% [markdown]
# **11.2** Write the forward mode of $a = \sin(x W^\top)$ where both $x$ and $W$ move: given $x$, $W$ and
# their tangents $\dot x$ and $\dot W$, return $\dot a$.


# %%
def tangent(x, W, x_dot, W_dot):
    return ...


check("11.2", tangent)

# %% [markdown]
# **11.3** Cut a chain of $T = 512$ layers into $p$ large segments, each of these into $q$ small ones of $r$
# layers each, so that $pqr = T$. Going forward, keep the inputs of the large segments. Going backward,
# recompute a large segment and keep the inputs of its small ones; then recompute a small one and keep its
# layers. How many activations are kept at the worst moment, for the best choice of $p$, $q$ and $r$?

# %%
answer = ...
check("11.3", answer)
