# %% [markdown]
# # A neuron, a layer, a network
#
# A digit that someone wrote is, for a computer, 784 numbers. How do they become a belief about which digit it
# is?
#
# By sums of products, twice, with one simple function in between. This page builds the whole of it, from one
# sum to a network with 101,770 numbers to learn, and then shows what happens if the simple function is left
# out.

# %%
from time import perf_counter

import torch

from manual_backprop import functional as F
from manual_backprop import nn, plots, record
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load, sample

# %% [markdown]
# ## One neuron: a weighted sum
#
# A neuron receives $D$ numbers $x_1, \dots, x_D$. It has a *weight* $w_i$ for each of them and a *bias* $b$,
# and computes
#
# $$z = w_1 x_1 + w_2 x_2 + \dots + w_D x_D + b = \sum_{i=1}^{D} w_i x_i + b$$
#
# A weight says how much an input counts, and in which direction; the bias shifts the result. Weights and
# biases are the *parameters*: what is learned. As a loop, the sum reads like this:

# %%
x = torch.tensor([2.0, -1.0, 0.5])  # D = 3
w = torch.tensor([0.5, 1.0, -2.0])
b = torch.tensor(0.25)

z = b.clone()
for i in range(3):
    z += w[i] * x[i]
    print(f"i = {i}: {w[i]:4.1f} · {x[i]:4.1f} = {w[i] * x[i]:4.1f}, so far {z:5.2f}")

# %% [markdown]
# Multiplying two lists of numbers entry by entry and adding up is the *dot product* $w \cdot x$. PyTorch
# writes it `@`:

# %%
torch.testing.assert_close(w @ x + b, z)

# %% [markdown]
# ## A layer: one matrix
#
# A *layer* is $M$ neurons that all receive the same $x$. Neuron $j$ has weights of its own. Write them into
# row $j$ of a matrix $W$, so that $W_{ji}$ is the weight from input $i$ to neuron $j$. There are $M$ rows and
# $D$ columns, and each neuron's sum is
#
# $$z_j = \sum_{i=1}^{D} W_{ji}\, x_i + b_j$$
#
# which is what the product of a matrix and a vector is defined to be: $z = W x + b$. Again the same numbers,
# in three ways:

# %%
torch.manual_seed(0)
D, M = 3, 2
W = torch.randn(M, D)
b = torch.randn(M)

loop = torch.zeros(M)
for j in range(M):
    for i in range(D):
        loop[j] += W[j, i] * x[i]
    loop[j] += b[j]
dots = torch.stack([W[j] @ x + b[j] for j in range(M)])
product = W @ x + b
torch.testing.assert_close(dots, loop)
torch.testing.assert_close(product, loop)
print("z =", [round(float(value), 4) for value in product])

# %% [markdown]
# ## A batch: why the transpose
#
# One rarely asks about one example. Take $N$ of them, a *batch*, and make each a **row** of a matrix $x$ of
# shape $(N, D)$. Now $x_{ni}$ is input $i$ of example $n$, and example $n$'s sum in neuron $j$ is
#
# $$z_{nj} = \sum_i x_{ni}\, W_{ji} + b_j$$
#
# A matrix product sums over the *inner* index: $(AB)_{nj} = \sum_i A_{ni} B_{ij}$, the last index of the
# first factor and the first of the second. Here $i$ is the last index of $x$, but it is the last of $W$ as
# well. So $W$ must be transposed, $(W^\top)_{ij} = W_{ji}$, and then
#
# $$z = x\, W^\top + b, \qquad (N, M) = (N, D)\,(D, M)$$
#
# The bias $b$ is added to each row. PyTorch could have stored $W$ the other way round and saved the
# ${}^\top$. With $(M, D)$, row $j$ is neuron $j$, which we will look at as a picture further down. The
# transpose costs nothing: it is another way to read the same memory.
#
# `F.linear` is this package's layer: the same formula, with the gradients that follow from it.

# %%
N = 5
batch = torch.randn(N, D)
z = batch @ W.T + b
for name, value in {"x": batch, "W": W, "Wᵀ": W.T, "z": z}.items():
    print(f"{name:2} {tuple(value.shape)}")
torch.testing.assert_close(z, torch.stack([W @ batch[n] + b for n in range(N)]))
torch.testing.assert_close(z, F.linear(batch, W, b))
assert W.T.data_ptr() == W.data_ptr()  # the same memory

# %% [markdown]
# Shapes catch mistakes: without the transpose, $(5, 3)$ times $(2, 3)$ is an error.
#
# **Predict:** let there be four examples, four inputs and four neurons, $N = D = M = 4$. What does `x @ W`
# give there?

# %%
predict("2a")

# %%
x4, W4 = torch.randn(4, 4), torch.randn(4, 4)
right = x4 @ W4.T
wrong = x4 @ W4
print("shape:", tuple(wrong.shape))
agree = int(torch.isclose(right, wrong).sum())
print(f"entries that agree with x Wᵀ: {agree} of 16")
assert agree < 4

# %% [markdown]
# No error, the right shape, and other numbers. Shapes alone do not settle where a transpose belongs; the
# indices do. (This returns with gradients, in [The chain rule, layer by layer](05_chain_rule.py).)
#
# ### One product
#
# Why bother with matrices, if the loop gives the same? Because one large product is work that a machine does
# in bulk:

# %%
W = torch.randn(128, 784)
batch = torch.randn(64, 784)
batch @ W.T  # once before the clock runs: the first product of this size is slower
start = perf_counter()
one_by_one = torch.stack([torch.stack([row @ example for row in W]) for example in batch])
middle = perf_counter()
at_once = batch @ W.T
end = perf_counter()
torch.testing.assert_close(at_once, one_by_one, rtol=1e-3, atol=1e-3)
print(f"{64 * 128:,} dot products: {1e3 * (middle - start):.1f} ms one by one")
print(f"one matrix product:  {1e3 * (end - middle):.1f} ms")

# %% [markdown]
# (The tolerance is there because the two add up in a different order, and float32 rounds each sum.)
#
# ## The input: 784 pixels
#
# MNIST's digits are grey images of $28 \times 28$ pixels, each a whole number from 0 (paper) to 255 (ink).
# Here is one, with its numbers:

# %%
raw, labels = sample()[:2]
index = int(torch.nonzero(labels == 3)[0])
title = f"a {labels[index]}: 28 × 28 pixels from 0 to 255"
plots.show(plots.images(raw[index : index + 1], [title], numbers=True), "pixels.png")

# %% [markdown]
# The network takes them as one row of $28 \cdot 28 = 784$ numbers, one line of the image after the other.
# That neighbours in the image are neighbours is lost on it: in a weighted sum, the order of the terms makes
# no difference.
#
# Before that the pixels are *normalised*. Let $\mu$ be the mean of all pixels of all training images. The
# mean of the squares $(\text{pixel} - \mu)^2$ is the pixels' *variance*, and its root $s$ their *standard
# deviation*: how far from the mean they are, typically. With these two,
#
# $$x = \frac{\text{pixel} - \mu}{s}$$
#
# so that over the training set the numbers have mean 0 and standard deviation 1. The test images are shifted
# and scaled by the *same* two numbers: the network must not be told anything about them beforehand.

# %%
pixels = raw.flatten(1).float()  # (4000, 784)
mean, deviation = pixels.mean(), pixels.std()
normalised = (pixels - mean) / deviation
digits, _ = load("sample")
torch.testing.assert_close(normalised, digits.train_images)
print(f"pixels:     mean {mean:.1f}, standard deviation {deviation:.1f}")
print(f"normalised: paper {normalised.min():.2f}, ink {normalised.max():.2f}")
print(f"mean square of the pixels {(pixels**2).mean():.0f}")
print(f"mean square, normalised {(normalised**2).mean():.2f}")

# %% [markdown]
# ## The network: 784-128-10
#
# The *network* is two layers, one after the other. The superscript says which layer a thing belongs to; it is
# no power.
#
# $$z^1 = x\,(W^1)^\top + b^1, \qquad a^1 = \max(0, z^1), \qquad z^2 = a^1\,(W^2)^\top + b^2$$
#
# - The first layer has 128 neurons, each of which sees all 784 pixels. $z^1$ is called the *pre-activation*.
# - $a^1$ is the *activation*: the function $\max(0, z)$, called ReLU, is applied to each number by itself.
#   The 128 numbers in $a^1$ are the *hidden layer*: neither given nor asked for.
# - The second layer makes one number for each of the $C = 10$ digits, the *logits* or scores $z^2$. The
#   larger one is, the more the network takes it for that digit.
#
# So every shape is settled by the three numbers in "784-128-10", and so is the number of parameters:

# %%
torch.manual_seed(1)
model = torch.nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
W1, b1, W2, b2 = (parameter.detach() for parameter in model.parameters())

for name, parameter in {"W¹": W1, "b¹": b1, "W²": W2, "b²": b2}.items():
    print(f"{name} {tuple(parameter.shape)!s:11} {parameter.numel():7,} numbers")
count = sum(parameter.numel() for parameter in model.parameters())
print(f"together       {count:7,}")
assert count == 128 * 784 + 128 + 10 * 128 + 10 == 101_770

# %% [markdown]
# $W^1$ is $128 \times 784$ and not $784 \times 128$: one row for each neuron. $b^1$ has 128 entries, one for
# each neuron too, whatever the number of inputs or examples.
#
# Feedforward is the three formulas, line by line. Take the 3 from above, as a batch of one:

# %%
x = normalised[index : index + 1]
z1 = x @ W1.T + b1
a1 = z1.clamp(min=0)
z2 = a1 @ W2.T + b2
for name, value in {"x": x, "z¹": z1, "a¹": a1, "z²": z2}.items():
    shape = str(tuple(value.shape))
    print(f"{name:2} {shape:9} from {value.min():5.2f} to {value.max():4.2f}")
torch.testing.assert_close(z2, model(x))

# %% [markdown]
# ## The output: a belief
#
# Logits may be any numbers. To read them as a belief, make them positive and divide by their sum. This is the
# *softmax*:
#
# $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{C} e^{z_j}}, \qquad p_k > 0, \qquad \sum_{k} p_k = 1$$
#
# The largest logit gets the largest share, and adding the same number to all logits changes nothing, since it
# multiplies numerator and denominator by the same factor. [Loss functions](04_losses.py) has more on it. The
# weights so far are random, so the belief should say little.


# %%
def softmax(z):
    exponentials = (z - z.max(1, keepdim=True).values).exp()  # the shift changes nothing
    return exponentials / exponentials.sum(1, keepdim=True)


def show_belief(images):
    with torch.no_grad():
        z1, z2 = model[0](images), model(images)
    p = softmax(z2)
    torch.testing.assert_close(p, z2.softmax(1))
    print(f"z¹ has a standard deviation of {z1.std():.1f}")
    print("belief about the 3:", ", ".join(f"{value:.2f}" for value in p[index]))
    largest = p.max(1).values.mean()
    print(f"largest of the ten, mean over all images: {largest:.2f}")
    return largest


largest = show_belief(normalised)
assert largest < 0.2

# %% [markdown]
# About a tenth for each digit.
#
# **Predict:** the same network is fed the pixels as they are, 0 to 255, without normalising. What does it
# believe?

# %%
predict("2b")

# %%
largest = show_belief(pixels)
with torch.no_grad():
    right = (model(pixels).argmax(1) == labels).float().mean()
print(f"the digit with the largest belief is right for {right:.0%} of the images")
assert largest > 0.8
assert right < 0.3

# %% [markdown]
# It knows nothing in either case, but with raw pixels it is nearly certain of it. That is a matter of size.
# `torch.nn.Linear` draws its first weights at random, independently, with mean 0 and variance $1/(3D)$. A
# random number that is multiplied by $x_i$ has its variance multiplied by $x_i^2$, and the variance of a sum
# of independent numbers is the sum of their variances. So (leaving aside the bias)
#
# $$\operatorname{Var} z_j = \sum_{i=1}^{D} \frac{1}{3D}\, x_i^2 = \frac{1}{3} \cdot \text{mean of } x_i^2$$
#
# Normalised inputs have $x_i^2 = 1$ on average, and $z^1$ is of the size of 1 whatever $D$. Raw pixels have
# thousands in its place. Logits that differ by tens make softmax all but 0 and 1: a loud wrong answer to
# begin with, and gradients that are as oversized as the inputs. More on sizes in
# [Initialisation](07_initialisation.py).
#
# ### The gradient of one neuron
#
# The shift by $\mu$ has a reason of its own. It shows in the gradient, which says of each weight whether to
# make it larger or smaller. For one example, the gradient of $W^1_{ji}$ is $\delta_j x_i$, with one number
# $\delta_j$ for the whole neuron ([The chain rule, layer by layer](05_chain_rule.py) derives it).
#
# **Predict:** an image of raw pixels, 0 to 255, and one neuron of the first layer with $\delta_j \ne 0$. What
# signs do the gradients of its 784 weights have?

# %%
predict("2c")


# %%
def signs_in_one_row(x):
    """How many entries of one row of ∂L/∂W¹ are positive, and how many negative."""
    loss = F.cross_entropy(model(x), torch.tensor([3]))
    (gradient,) = torch.autograd.grad(loss, [model[0].weight])
    row = gradient[gradient.norm(dim=1).argmax()]  # the neuron with the largest gradient
    return int((row > 0).sum()), int((row < 0).sum())


for name, images in {"normalised": normalised, "0 to 255": pixels}.items():
    positive, negative = signs_in_one_row(images[index : index + 1])
    print(f"{name}: {positive} entries of the row are positive, {negative} negative")
assert 0 in (positive, negative)  # the raw pixels
assert positive + negative > 0

# %% [markdown]
# All of one sign, or 0 where the paper is blank. If no input is negative, one example can only push all
# weights of a neuron up together, or all down (LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998).
# With mean 0, both signs occur.
#
# ## What the weights become
#
# Training is the subject of [Gradient descent](06_gradient_descent.py) and [Training on
# MNIST](09_training.py); here it stands in a few lines, to see what a network with good weights says. Each
# step takes 64 images, computes the gradients of the loss with the hand-written backwards, and moves each
# parameter a little against its gradient.


# %%
def train(model, epochs=5, lr=0.1):
    """The share of the test images that is classified right after training."""
    torch.manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(4000).split(64):
            logits = model(digits.train_images[rows])
            loss = F.cross_entropy(logits, digits.train_labels[rows])
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(model.parameters(), gradients):
                    parameter -= lr * gradient
    with torch.no_grad():
        right = model(digits.test_images).argmax(1) == digits.test_labels
    return float(right.float().mean())


accuracy = train(model)
with torch.no_grad():
    p = softmax(model(digits.test_images))
print(f"{accuracy:.1%} of 1,000 test images right")

chosen = [50, 150, 250, 350, 450, 550, 650, 750, 850, 950]  # one of each digit
titles = [f"{int(p[n].argmax())} ({p[n].max():.0%})" for n in chosen]
tests = sample()[2]
plots.show(plots.images(tests[chosen], titles), "beliefs.png")

# %% [markdown]
# Ten test images with the network's first choice and its belief in it. And since a row of $W^1$ has one
# weight for each pixel, it can be drawn as an image. Where it is red, ink makes the neuron's sum larger;
# where it is blue, smaller:

# %%
with torch.no_grad():
    rows = model[0].weight  # W¹, as training left it
    strongest = rows.norm(dim=1).topk(10).indices
    pictures = rows[strongest].reshape(-1, 28, 28)
    titles = [f"row {int(j)} of W¹" for j in strongest]
    plots.show(plots.images(pictures, titles), "rows.png")

# %% [markdown]
# ## What if the ReLU is left out?
#
# The two layers do the work, one might think, and $\max(0, z)$ is decoration. Without it,
#
# $$z^2 = \bigl(x\,(W^1)^\top + b^1\bigr)\,(W^2)^\top + b^2
#   = x\,{\underbrace{(W^2 W^1)}_{10 \times 784}}^{\!\top} + \underbrace{b^1\,(W^2)^\top + b^2}_{10}$$
#
# because $(W^1)^\top (W^2)^\top = (W^2 W^1)^\top$. That is **one layer**, with the matrix $W^2 W^1$. The same
# holds for a hundred layers: the product of their matrices is one matrix.

# %%
torch.manual_seed(1)
linear = torch.nn.Sequential(nn.Linear(784, 128), nn.Linear(128, 10))
W1, b1, W2, b2 = (parameter.detach() for parameter in linear.parameters())
W, b = W2 @ W1, b1 @ W2.T + b2
with torch.no_grad():
    at_once = F.linear(normalised, W, b)
    torch.testing.assert_close(linear(normalised), at_once, rtol=1e-4, atol=1e-4)
print(f"two layers: {sum(p.numel() for p in linear.parameters()):,} parameters")
print(f"one layer:  {W.numel() + b.numel():,} parameters, and the same logits")

# %% [markdown]
# How much such a matrix can say is measured by its *rank*: the number of its rows that are independent, none
# of them a sum of multiples of the others. If a row is such a sum, its logit is the same sum of the other
# logits (but for the bias), for every image.
#
# **Predict:** the weights of both layers are random. With 1,000 hidden neurons, what is the rank of
# $W^2 W^1$?

# %%
predict("2d")

# %%
for hidden in (4, 10, 128, 1000):
    first, second = torch.randn(hidden, 784).double(), torch.randn(10, hidden).double()
    rank = int(torch.linalg.matrix_rank(second @ first))
    print(f"{hidden:4} hidden neurons: W²W¹ is 10 × 784, of rank {rank}")
assert predict("2d", rank)

# %% [markdown]
# The rank is at most 10, for there are no more rows. A narrow hidden layer makes it less: the rows of
# $W^2 W^1$ are sums of multiples of the rows of $W^1$, so no more of them are independent than there are
# hidden neurons. A wider hidden layer adds parameters and nothing else.
#
# ### Digits without ReLU
#
# The 784-128-10 network without ReLU is one layer, then: for each digit a weighted sum of the pixels. It gets
# the same training as the network with ReLU, which had about nine in ten of the test images right.
#
# **Predict:** how many of them does the network without ReLU get right?

# %%
predict("2e")

# %%
without = train(linear)
print(f"test digits right, with ReLU:    {accuracy:.1%}")
print(f"test digits right, without ReLU: {without:.1%}")
assert accuracy - 0.06 < without < accuracy

# %% [markdown]
# Digits are a kind task: most can be told apart by one weighted sum for each class. What the ReLU is worth is
# the difference of the two numbers.
#
# ### XOR without ReLU
#
# XOR, from [Where it came from](01_history.py), is 1 if exactly one of two inputs is 1, and no single layer
# computes it. We train a 2-8-2 network on its four rows, with ReLU and without.


# %%
def learn_xor(model):
    """The belief in 1 for the inputs 00, 01, 10 and 11, after training on them."""
    inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for _ in range(500):
        loss = F.cross_entropy(model(inputs), torch.tensor([0, 1, 1, 0]))
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients):
                parameter -= 0.5 * gradient
    with torch.no_grad():
        return softmax(model(inputs))[:, 1]


torch.manual_seed(2)
with_relu = torch.nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
without_relu = torch.nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 2))
for name, small in {"with ReLU": with_relu, "without ReLU": without_relu}.items():
    beliefs = learn_xor(small)
    print(f"{name:12}: {[round(float(value), 2) for value in beliefs]}")
torch.testing.assert_close(beliefs, torch.full((4,), 0.5), rtol=0, atol=1e-3)

# %% [markdown]
# With ReLU the answers 0, 1, 1, 0; without it one half for everything, as with a single layer, since it is
# one. Here the collapse is complete. Other bends do as well as ReLU: [Activations and vanishing
# gradients](08_activations.py) compares them.
#
# ## Draw a digit
#
# `record` makes one training step and keeps every number of it: here with the network that was trained above,
# and its ten test images. Walk through it: forward as on this page, then backward, which the next pages
# explain.
#
# Under "Draw", clear the sheet and draw a digit, large and in the middle, as MNIST's are.
# What does the network believe? What does it believe of the empty sheet? Draw the same digit once more, a
# little off the middle. And look which weights a step would change: to each row of $W^1$ your drawing is
# added, times one number, as with the gradient of one neuron above.

# %%
step = record(
    model,
    digits.test_images[chosen],
    digits.test_labels[chosen],
    loss=F.cross_entropy,
    about="Ten test images, one of each digit, in 784-128-10 after five epochs.",
    panel="draw",
)
plots.show(step, "step.html")

# %%
with torch.no_grad():
    blank = softmax(model(digits.test_images[:1] * 0 + normalised.min()))
    moved = digits.test_images.reshape(-1, 28, 28).roll(-4, dims=2).flatten(1)  # 4 pixels to the left
    p = softmax(model(moved))
right = (p.argmax(1) == digits.test_labels).float().mean()
largest = p.max(1).values.mean()
print("belief about a blank sheet:", ", ".join(f"{value:.2f}" for value in blank[0]))
print(f"test digits right, moved by four pixels: {right:.0%}", end="; ")
print(f"largest of the ten, mean: {largest:.2f}")
assert blank.max() > 0.2
assert right < 0.4 < 0.6 < largest

# %% [markdown]
# A blank sheet is 784 times $-0.42$, and there are the biases: for this network that is an input like any
# other, and it has an opinion about it. And a weight belongs to a pixel, wherever the digit is. Four pixels
# aside, most digits are taken for others, with hardly less confidence. Networks whose weights move over the
# image are in [Beyond the multilayer perceptron](12_beyond.py).
#
# ## Exercises
#
# **2.1** How many parameters does the network 784-300-100-10 have?

# %%
answer = ...
check("2.1", answer)

# %% [markdown]
# **2.2** Write the whole network as one function: from a batch `x` of $N$ images and the parameters, with
# ReLU between the layers, to the beliefs: a matrix of shape $(N, C)$ whose rows sum to 1. `torch.softmax(z,
# dim)` is allowed.


# %%
def answer(x, W1, b1, W2, b2):
    return ...


check("2.2", answer)

# %% [markdown]
# **2.3** You have a layer $W$, $b$ that was trained on normalised images, $x = (\text{pixel} - \mu)/s$. The
# program that is to use it hands you raw pixels and will not normalise. Derive a layer $W'$, $b'$ that makes
# of the raw pixels the same $z$, and return both.


# %%
def answer(W, b, mean, deviation):
    return ...


check("2.3", answer)
