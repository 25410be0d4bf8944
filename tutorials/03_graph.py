# %% [markdown]
# # The computational graph
#
# How can a program find the derivative of an expression that it has never seen?
#
# It does not look at the expression as a whole. Whoever computes an expression does so in small steps, and
# the derivative of each step is known from school. What is left is bookkeeping: which step used what. That
# record is the *computational graph*, and two mistakes in walking it are made again and again. This page
# makes both of them, and then the walk that is right.

# %%
import copy
import math
import random
from collections import Counter

import torch

from manual_backprop import functional as F
from manual_backprop import nn, plots, record
from manual_backprop.exercises import check, predict

# %% [markdown]
# ## Two steps by hand
#
# Take $z = x + y$ and $q = 2z$, at $x = 1$, $y = 3$. We want $\partial q/\partial x$ and
# $\partial q/\partial y$: by how much $q$ changes for each unit that $x$, or $y$, changes. (The sign
# $\partial$ says that the others are held fixed meanwhile.)
#
# First the values, from the inputs to the result:

# %%
x, y = 1.0, 3.0
z = x + y
q = 2 * z
print(f"z = {z:g}, q = {q:g}")

# %% [markdown]
# Each step has a *local slope* for each of its inputs, which knows nothing of the rest:
#
# $$\frac{\partial z}{\partial x} = 1, \qquad \frac{\partial z}{\partial y} = 1, \qquad
#   \frac{\partial q}{\partial z} = 2$$
#
# Then the gradients, from the result to the inputs. "The gradient of $z$" is short for
# $\partial q/\partial z$, the derivative of the *result* with respect to $z$. The result's own gradient is
# $\partial q/\partial q = 1$: that is where the walk starts. One step back is the chain rule of school: the
# gradient of what came out, times the local slope.

# %%
grad_q = 1.0
grad_z = grad_q * 2  # ∂q/∂z = 2
grad_x = grad_z * 1  # ∂z/∂x = 1
grad_y = grad_z * 1  # ∂z/∂y = 1
print(f"∂q/∂z = {grad_z:g}, ∂q/∂x = {grad_x:g}, ∂q/∂y = {grad_y:g}")

# %% [markdown]
# A sum hands the gradient it receives to both its inputs, unchanged. A product by 2 doubles it.
#
# As a picture: each value is a node, and an arrow leads from a value to what was computed from it. Values
# flow along the arrows, gradients against them.

# %%
arrows = [("x", "z = x + y"), ("y", "z = x + y"), ("z = x + y", "q = 2z")]
plots.show(plots.graph(arrows, "Two steps, three arrows"), "graph_two_steps.png")

# %% [markdown]
# ## A program that keeps the record
#
# To do this for any expression, let each number remember what it was computed from, and with which local
# slopes. Python lets a class say what `+` and `*` mean, so the record is kept while the expression is
# computed:


# %%
class Node:
    def __init__(self, value, inputs=(), slopes=()):
        self.value = value
        self.inputs = inputs  # the nodes that it was computed from
        self.slopes = slopes  # ∂self/∂input, one for each of them
        self.gradient = 0.0  # ∂(result)/∂self, once the walk is over

    def __add__(self, other):
        return Node(self.value + other.value, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Node(self.value * other.value, (self, other), (other.value, self.value))

    def tanh(self):
        t = math.tanh(self.value)
        return Node(t, (self,), (1 - t * t,))


# %% [markdown]
# The slopes of a product are each other's factor, since $(uv)' = v$ with respect to $u$. And
# $\tanh z = (e^z - e^{-z})/(e^z + e^{-z})$, which squashes any number to one between $-1$ and 1, has
# $\tanh' = 1 - \tanh^2$, by the quotient rule.
#
# What remains is the way back. It seems to write itself: give a node its gradient, multiply it by each
# local slope, and do the same with each input.


# %%
def first_walk(node, gradient):
    node.gradient = gradient
    for input, slope in zip(node.inputs, node.slopes):
        first_walk(input, gradient * slope)


x, y, two = Node(1.0), Node(3.0), Node(2.0)
q = two * (x + y)
first_walk(q, 1.0)
assert (x.gradient, y.gradient) == (2.0, 2.0)

# %% [markdown]
# That agrees with what we did by hand. Now an expression that is as small, and different:
#
# $$b = a + a, \qquad c = b + b$$

# %%
arrows = [("a", "b"), ("a", "b"), ("b", "c"), ("b", "c")]
texts = {"b": "b = a + a", "c": "c = b + b"}
plots.show(plots.graph(arrows, "Each value is used twice", texts), "graph_twice.png")

# %% [markdown]
# By algebra $b = 2a$ and $c = 4a$, so $\partial c/\partial a = 4$.
#
# **Predict:** which gradient does `first_walk` leave in $a$?

# %%
predict("3a")

# %%
a = Node(3.0)
b = a + a
c = b + b
first_walk(c, 1.0)
print(f"∂c/∂a = {a.gradient:g}, and 4 is right")
assert predict("3a", a.gradient)

# %% [markdown]
# Every gradient that arrives replaces the one that was there. Four arrive at $a$, each of them 1, and the
# last one stays. That is the first mistake: `=` where `+=` is needed.
#
# ## One value, several uses
#
# Why do gradients add up? Give the two uses of $b$ names of their own: $c = u + v$, where $u = b$ and
# $v = b$. If $b$ grows by a small $h$, then both $u$ and $v$ grow by $h$, and to first order in $h$
#
# $$c(u + h, v + h) - c(u, v) \approx h \frac{\partial c}{\partial u} + h \frac{\partial c}{\partial v}$$
#
# The change that goes through $u$ and the one that goes through $v$ add up, because both happen. You know a
# case of this from school: the product rule. For $p = u v$ with $u = v = a$ it says $p' = v + u = 2a$: one
# summand for each use of $a$.
#
# In general, a value $v$ may be used by many nodes $u$, and each use contributes:
#
# $$\frac{\partial L}{\partial v}
#   = \sum_{u \text{ uses } v} \frac{\partial L}{\partial u} \, \frac{\partial u}{\partial v}$$
#
# This is the chain rule for several variables. ($L$ is the result at the end, later the *loss*. A node that
# uses $v$ twice stands in the sum twice.) So `=` becomes `+=`, and a node passes on what it has collected:


# %%
def second_walk(node, gradient):
    node.gradient += gradient
    for input, slope in zip(node.inputs, node.slopes):
        second_walk(input, node.gradient * slope)


# %% [markdown]
# **Predict:** what does $a$ get now? (Every `Node` starts with the gradient 0.)

# %%
predict("3b")

# %%
a = Node(3.0)
b = a + a
c = b + b
second_walk(c, 1.0)
print(f"∂c/∂a = {a.gradient:g}, and 4 is right")
assert predict("3b", a.gradient)

# %% [markdown]
# Too much this time. Follow the walk: $c$ hands 1 to $b$. Then $b$, which has 1, passes 1 on to $a$, twice:
# that makes 2. Back in $c$, the second use hands 1 to $b$, which now has 2, and passes **2** on, twice. The
# first 1 has been passed on two times: $2 + 4 = 6$.
#
# ## When a node may be left
#
# A natural repair is to visit each node only once. The first gradient that reaches it is then passed on, and
# what arrives later is not:


# %%
def first_only(node, gradient, visited):
    node.gradient += gradient
    if node in visited:
        return
    visited.add(node)
    for input, slope in zip(node.inputs, node.slopes):
        first_only(input, node.gradient * slope, visited)


a = Node(3.0)
b = a + a
c = b + b
first_only(c, 1.0, set())
print(f"∂c/∂b = {b.gradient:g}, as it should be; ∂c/∂a = {a.gradient:g}, and 4 is right")

# %% [markdown]
# Here $b$ ends with the right gradient, and has passed on only half of it. The last two walks make the same
# mistake, the second one of this page: they leave $b$ **before all its uses have reported**.
#
# `record`, which keeps every number of a step, knows this mistake. Besides the right gradients it works out
# what each input would get if operations were visited too early, where that makes a difference:


# %%
def doubled_twice(a):
    b = a + a
    return b + b


step = record(doubled_twice, 3.0)
print(f"right: {step.value('a').gradient:g}, too early: {step.early['a']:g}")
plots.show(step, "graph_step.html")

# %% [markdown]
# Here $t_1$ is what we call $b$, and $L$ is $c$. Under "Where the gradient comes from" stand the summands:
# two uses of $a$, each of which contributes 2, and two uses of $t_1$, each of which contributes 1.
#
# ## A walk that need not wait
#
# There is a walk that is right without waiting: pass on only the *new* piece, `gradient`, and never what has
# been collected. It counts every path from the result to an input once, and the chain rule, multiplied out,
# is just that: a sum over all paths of the product of the slopes along each.


# %%
def every_path(node, gradient):
    """Returns how many visits it made."""
    node.gradient += gradient
    visits = 1
    for input, slope in zip(node.inputs, node.slopes):
        visits += every_path(input, gradient * slope)
    return visits


def doubled(node, times):
    for _ in range(times):
        node = node + node
    return node


a = Node(3.0)
visits = every_path(doubled(a, 2), 1.0)
assert a.gradient == 4
print(f"2 additions, 3 nodes: {visits} visits")

# %% [markdown]
# **Predict:** ten additions, eleven nodes: how many visits, about?

# %%
predict("3c")

# %%
counts = {}
for times in (10, 16):
    a = Node(3.0)
    counts[times] = every_path(doubled(a, times), 1.0)
    assert a.gradient == 2**times
    print(f"{times} additions, {times + 1} nodes: {counts[times]:,} visits")
assert predict("3c", counts[10])

# %% [markdown]
# Each addition doubles the number of paths. In a network every unit of a layer is used by every unit of the
# next, so that the paths multiply from layer to layer, and nobody can afford to walk them all.
#
# ## The order in which nothing is missing
#
# Factored out, the sum over all paths is cheap: first add up what arrives at a node, then multiply by the
# slopes, once. For that, every node must be visited after *all* the nodes that use it. A list of the nodes
# in which each one stands after everything that it was computed from is called a *topological order*.
# (There is always one: the order in which the values were computed.) Read backwards, it has each node after
# all its uses, which is what we need.
#
# To find it from the result alone: a node may enter the list when its inputs have.


# %%
def topological_order(result):
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for input in node.inputs:
            visit(input)
        order.append(node)  # all that it was computed from stands there already

    visit(result)
    return order


def backward(result):
    result.gradient = 1.0
    for node in reversed(topological_order(result)):  # all uses of the node have reported
        for input, slope in zip(node.inputs, node.slopes):
            input.gradient += node.gradient * slope


a = Node(3.0)
b = a + a
c = b + b
backward(c)
print(f"∂c/∂b = {b.gradient:g}, ∂c/∂a = {a.gradient:g}")
assert a.gradient == 4.0

a = Node(3.0)
deep = doubled(a, 500)  # 501 nodes, 2⁵⁰⁰ paths
backward(deep)
assert a.gradient == 2.0**500

# %% [markdown]
# Each node is visited once and each arrow followed once, so the way back costs about as much as the way
# forth. That is why backpropagation can be afforded; [What a gradient costs](11_cost.py) measures it.
#
# ## Against autograd, on an expression that nobody chose
#
# One example proves little. So we let chance write the expression: 30 steps, each of which takes any two
# values that are there and adds, multiplies or squashes them. A `Node` and a tensor understand the same
# operations, so one function writes the expression for both.


# %%
def random_expression(leaves, seed):
    chance = random.Random(seed)
    values = list(leaves)
    for _ in range(30):
        u, v = chance.choices(values, k=2)
        kind = chance.randrange(3)
        values.append(u + v if kind == 0 else u * v if kind == 1 else (u * v).tanh())
    result = values[0]
    for value in values[1:]:
        result = result + value.tanh()
    return result


starts = [0.5, -1.2, 0.8]


def largest_error(walk, seed):
    """Of the gradients by this walk, relative to autograd's largest."""
    leaves = [Node(start) for start in starts]
    walk(random_expression(leaves, seed))
    tensors = [torch.tensor(s, dtype=torch.float64, requires_grad=True) for s in starts]
    right = torch.stack(torch.autograd.grad(random_expression(tensors, seed), tensors))
    ours = torch.tensor([leaf.gradient for leaf in leaves], dtype=torch.float64)
    return float((ours - right).abs().max() / right.abs().max())


walks = {
    "= instead of +=": lambda result: first_walk(result, 1.0),
    "too early, once": lambda result: first_only(result, 1.0, set()),
    "in order": backward,
}
for name, walk in walks.items():
    errors = [largest_error(walk, seed) for seed in range(20)]
    print(f"{name:16} relative errors: {min(errors):.0e} to {max(errors):.0e}")
    assert max(errors) < 1e-12 if walk is backward else min(errors) > 0.01

# %% [markdown]
# These are the smallest and the largest of 20 expressions. The walk in order agrees with autograd to rounding
# on all of them. The other two are wrong on every single one.
#
# ## The next step of training
#
# A step of training changes the weights a little and runs everything again. The nodes in the middle are
# computed anew each time. The ones that stay are those that nothing computed, above all the weights: the
# *leaves* of the graph. Here is one, whose square is computed twice; the derivative of $w^2$ at $w = 3$ is 6.

# %%
weight = Node(3.0)
backward(weight * weight)
print(f"once: gradient {weight.gradient:g}")

# %% [markdown]
# **Predict:** we run `backward(weight * weight)` once more, with the same weight. What is its gradient then?

# %%
predict("3d")

# %%
backward(weight * weight)
print(f"twice: gradient {weight.gradient:g}, and 6 is right")
assert predict("3d", weight.gradient)

# %% [markdown]
# `+=` has a price: it adds to whatever is there, even if that is left over from before. A node in the middle
# is new and starts at 0, a leaf is not.
#
# So the gradients of the leaves have to be set to zero before each step. PyTorch adds up in the same way and
# leaves the zeroing to you: that is what `optimizer.zero_grad()`, or `w.grad = None`, is for. It can be
# useful not to, since a gradient can so be collected over several batches.

# %%
w = torch.tensor(3.0, requires_grad=True)
for turn in (1, 2):
    (w * w).backward()
    print(f"turn {turn}: w.grad = {w.grad:g}")
w.grad = None
(w * w).backward()
print(f"zeroed: w.grad = {w.grad:g}")

# %% [markdown]
# ## The same graph in PyTorch
#
# A tensor that was computed has a `grad_fn`: the node that knows how to go one step back. Its
# `next_functions` are the nodes of its inputs. For $b = a + a$, $c = b + b$:

# %%
a = torch.tensor(3.0, requires_grad=True)
b = a + a
c = b + b
print("c.grad_fn:             ", c.grad_fn.name())
print("its next_functions:    ", [node.name() for node, _ in c.grad_fn.next_functions])
print("those of b.grad_fn:    ", [node.name() for node, _ in b.grad_fn.next_functions])
(to_b, _), (also_to_b, _) = c.grad_fn.next_functions
assert to_b is also_to_b is b.grad_fn

# %% [markdown]
# Both arrows of $c$ lead to the same node. At the end of each way stands an `AccumulateGrad`: it belongs to a
# leaf and does the `+=` into its `.grad`. PyTorch's engine finds the order in another way than ours. It first
# counts, for each node, how many arrows lead to it, and visits the node when that many gradients have
# arrived (in the source, `torch/csrc/autograd/engine.cpp`, the counts are called `dependencies`).
#
# Now a whole network. This walks the graph from any result and collects its arrows. As above, we let an arrow
# lead from what is used to what uses it:


# %%
def graph_of(result):
    """Autograd's nodes, and the arrows between them."""
    nodes, arrows = [result.grad_fn], []
    for node in nodes:  # the list grows as we go
        for used, _ in node.next_functions:
            if used is None:  # an input that needs no gradient
                continue
            arrows.append((str(id(used)), str(id(node))))
            if used not in nodes:
                nodes.append(used)
    return nodes, arrows


def kind_of(node):
    return node.name().removeprefix("torch::autograd::")


def draw(result, names, title, path):
    """`names` are those of the leaves."""
    nodes, arrows = graph_of(result)
    texts = {}
    for node in nodes:
        text = kind_of(node).replace("Backward", "\nBackward")
        if hasattr(node, "variable"):  # an AccumulateGrad: the leaf that it belongs to
            text += "\n" + names[node.variable]
        texts[str(id(node))] = text
    plots.show(plots.graph(arrows, title, texts), path)


def perceptron(hidden, kind):
    """Four inputs, one hidden layer with ReLU, three classes."""
    return torch.nn.Sequential(kind.Linear(4, hidden), kind.ReLU(), kind.Linear(hidden, 3))


def named(model):
    return {parameter: name for name, parameter in model.named_parameters()}


torch.manual_seed(0)
images, labels = torch.randn(5, 4), torch.randint(3, (5,))
model = perceptron(8, torch.nn)
loss = torch.nn.functional.cross_entropy(model(images), labels)
nodes, _ = graph_of(loss)
for kind, count in Counter(map(kind_of, nodes)).most_common():
    print(f"{count} × {kind}")
draw(loss, named(model), "PyTorch's own operations in a 4-8-3 network", "graph_mlp.png")

# %% [markdown]
# `AddmmBackward0` is the linear layer (*add* the bias to a *m*atrix *m*ultiplication), `TBackward0` the
# transpose of its weight, and the cross-entropy is two nodes, log-softmax and the negative log-likelihood.
# The images have no node, since nothing wants their gradient.
#
# With this package's modules the same network has one node for each operation, named after the class whose
# `backward` you can read:

# %%
model = perceptron(8, nn)
loss = F.cross_entropy(model(images), labels)
draw(loss, named(model), "The same network with hand-written operations", "graph_ours.png")
nodes, _ = graph_of(loss)
print(f"8 hidden units, 5 examples: {len(nodes)} nodes")

# %% [markdown]
# **Predict:** we take 1000 hidden units and 500 examples. How many nodes has the graph then?

# %%
predict("3e")

# %%
more_images, more_labels = torch.randn(500, 4), torch.randint(3, (500,))
wide = perceptron(1000, nn)
nodes_of_wide, _ = graph_of(F.cross_entropy(wide(more_images), more_labels))
print(f"1000 hidden units, 500 examples: {len(nodes_of_wide)} nodes")
assert len(nodes_of_wide) == len(nodes)

# %% [markdown]
# The graph of tensors does not grow with the width of a layer or with the number of examples. A node stands
# for a whole matrix, and its backward is one formula for all numbers in it. Where such formulas come from is
# told in [The chain rule, layer by layer](05_chain_rule.py).
#
# ## A leaf with several uses
#
# Nothing forbids to use one weight in several places. A recurrent network applies the same layer at each
# step; here three times:


# %%
def recurrent(x, *weights):
    a = x
    for W in weights:
        a = F.tanh(F.linear(a, W))
    return F.mse_loss(a, torch.zeros_like(a))


x = torch.randn(5, 4, dtype=torch.float64)
W = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
loss = recurrent(x, W, W, W)
draw(loss, {W: "W"}, "One weight, three uses", "graph_tied.png")

# %% [markdown]
# There is one `AccumulateGrad`, and three arrows leave it. By the sum over uses, the gradient of $W$ is the
# sum of the gradients of three separate weights that happen to be equal:

# %%
copies = [W.detach().clone().requires_grad_() for _ in range(3)]
parts = torch.autograd.grad(recurrent(x, *copies), copies)
(whole,) = torch.autograd.grad(loss, W)
torch.testing.assert_close(whole, parts[0] + parts[1] + parts[2])
for layer, part in enumerate(parts, 1):
    print(f"use {layer}: length of its part {part.norm():.2f}")
print(f"sum: length of the gradient {whole.norm():.2f}")

# %% [markdown]
# (The length is the root of the sum of all squares, `norm` in PyTorch. Lengths do not add up, since the
# three parts do not point in the same direction.) The same sum is at work when a bias is used by every
# example of a batch, and when a weight is: that is the sum over $n$ which you meet in every gradient of a
# layer.
#
# ### One weight, five examples
#
# Here is one step of the 4-8-3 network from above. Under "Turn a knob" choose a weight: its gradient stands
# there as the sum that it is, with a summand for each of the five examples. Then, under "Break it", choose
# `=` for `+=`, so that only the last example's summand stays, and let right and wrong train side by side for
# a hundred steps. Which of the five examples has the broken network learned?

# %%
step = record(model, images, labels, loss=F.cross_entropy, lr=0.5, panel="break")
plots.show(step, "break.html")

# %%
broken = copy.deepcopy(model)
for _ in range(100):
    last = F.cross_entropy(broken(images[-1:]), labels[-1:]) / 5  # the last summand of the mean
    gradients = torch.autograd.grad(last, list(broken.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(broken.parameters(), gradients):
            parameter -= 0.5 * gradient
with torch.no_grad():
    logits = broken(images)
    loss = F.cross_entropy(logits, labels)
believed = logits.softmax(1)[range(5), labels]
print(f"loss of the five: {step.loss:.2f} before, {loss:.2f} after a hundred steps")
print("belief in each one's own class:", [round(float(value), 2) for value in believed])
assert loss > step.loss
assert believed[-1] > 0.9
assert believed[labels == 1].max() < 0.5

# %% [markdown]
# The last one, which is of class 2. The two of class 1, the first and the fourth, are lost, and the loss of
# all five has gone up. In a batch of one there is a single summand, and the mistake does not show. So a
# gradient of one's own should be tried with several examples.
#
# ## Exercises
#
# **3.1** Let $b = a \cdot a$, $c = b + a$ and $L = c \cdot b$, at $a = 10$. Draw the graph, write the local
# slopes at its arrows, and walk it by hand. What is $\partial L/\partial a$?

# %%
answer = ...
check("3.1", answer)

# %% [markdown]
# **3.2** "Centring" takes the mean over the examples from each number:
# $z_{ni} = x_{ni} - \frac{1}{N} \sum_m x_{mi}$, in code `x - x.mean(0)`. Each $x_{ni}$ is used in more than
# one place. In which? Write the backward: `grad_output` is $\partial L/\partial z$, $(N, D)$, and what you
# return is $\partial L/\partial x$.


# %%
def centre_backward(grad_output, x):
    return ...


check("3.2", centre_backward)

# %% [markdown]
# **3.3** Our `topological_order` has a flaw: it calls itself for every input, and Python does not allow that
# more than about 1000 deep. Write one that works on a chain of any length, without recursion, and that looks
# each node's inputs up only once or a few times. You get the result's name, and a dictionary that has for
# each node the names of its inputs, as `{"c": ("b", "b"), "b": ("a", "a"), "a": ()}`. Return the names in
# the order of the *backward* walk, the result first. (There may be nodes in the dictionary that the result
# does not depend on; they are not visited.)


# %%
def backward_order(result, inputs):
    return ...


check("3.3", backward_order)
