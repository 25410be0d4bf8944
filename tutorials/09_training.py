# %% [markdown]
# # Training on MNIST
#
# A network with 101,770 parameters starts as noise. It is shown 4,000 handwritten digits, a few times each.
# How many of 1,000 digits that it has never seen will it read, and which ones will it get wrong?
#
# This page trains on a sample of MNIST: 5,000 of its 70,000 digits, so that everything here runs on any
# machine in seconds. What the full set changes stands at the end.

# %%
from collections import Counter
from csv import DictReader
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from manual_backprop import plots
from manual_backprop.exercises import check, predict
from manual_backprop.training import TrainingConfig, train
from manual_backprop.training.data import load, sample

digits, _ = load("sample")
images, labels = digits.train_images, digits.train_labels
print(f"{len(images):,} images to train on, {len(digits.test_images):,} to test on")
print(f"all training pixels: mean {images.mean():.3f}, standard deviation {images.std():.3f}")

pixels, classes, _, _ = sample()
some = torch.arange(200, 4000, 400)
plots.show(plots.images(pixels[some], [f"y = {y}" for y in classes[some]]), "digits.png")

# %% [markdown]
# An image is a row $x$ of $D = 784$ pixels, shifted and scaled so that all training pixels together have
# mean 0 and standard deviation 1; the test images are shifted and scaled by the same two numbers. Its label
# $y$ is one of $C = 10$ classes.
#
# ## One step, written out
#
# The network has one hidden layer of 128 units: a [linear layer](reference/functional/affine/linear.rst), a
# [ReLU](reference/functional/activations/relu.rst), and a second linear layer. For a batch of $N$ images, the
# rows of $x$:
#
# $$z^1 = x\,{W^1}^\top + b^1, \qquad a^1 = \max(0, z^1), \qquad z^2 = a^1\,{W^2}^\top + b^2,$$
#
# and the loss is the mean of the
# [cross-entropies](reference/functional/losses/cross_entropy.rst) ([Loss functions](04_losses.py)),
#
# $$L = -\frac1N \sum_n \log p_{n y_n}, \qquad
#   p_{nk} = \frac{e^{z^2_{nk}}}{\sum_j e^{z^2_{nj}}}.$$
#
# A step has four parts: forward, loss, backward, update. The backward consists of the formulas of
# [The chain rule, layer by layer](05_chain_rule.py), from the loss down. With $t$ for the one-hot labels,
# $\delta^l = \partial L/\partial z^l$, and $\odot$ for the product element by element:
#
# $$
# \begin{aligned}
# \delta^2 &= (p - t)/N &
#   \frac{\partial L}{\partial W^2} &= {\delta^2}^\top a^1 &
#   \frac{\partial L}{\partial b^2} &= \sum_n \delta^2_n \\
# \delta^1 &= \delta^2\, W^2 \odot [z^1 > 0] &
#   \frac{\partial L}{\partial W^1} &= {\delta^1}^\top x &
#   \frac{\partial L}{\partial b^1} &= \sum_n \delta^1_n
# \end{aligned}
# $$
#
# The bracket $[z^1 > 0]$ is 1 where the condition holds and 0 elsewhere: the slope of $\max(0, z)$. The
# mean's $1/N$ enters once, at the top, and every line below inherits it. The update moves each parameter
# against its gradient: $w \leftarrow w - \eta\,\partial L/\partial w$, with the learning rate $\eta$.


# %%
def forward(x, parameters):
    W1, b1, W2, b2 = parameters
    z1 = x @ W1.T + b1
    a1 = z1.clamp(min=0)
    z2 = a1 @ W2.T + b2
    return z1, a1, z2


def loss(z2, y):
    log_p = z2 - z2.logsumexp(1, keepdim=True)
    return -log_p.gather(1, y[:, None]).mean()


def backward(x, y, parameters, z1, a1, z2):
    _, _, W2, _ = parameters
    p = z2.softmax(1)
    t = torch.nn.functional.one_hot(y, 10)
    delta2 = (p - t) / len(x)
    grad_W2 = delta2.T @ a1
    grad_b2 = delta2.sum(0)
    delta1 = delta2 @ W2 * (z1 > 0)
    grad_W1 = delta1.T @ x
    grad_b1 = delta1.sum(0)
    return [grad_W1, grad_b1, grad_W2, grad_b2]


def step(x, y, parameters, lr):
    z1, a1, z2 = forward(x, parameters)
    before = loss(z2, y)
    gradients = backward(x, y, parameters, z1, a1, z2)
    for w, gradient in zip(parameters, gradients):
        w -= lr * gradient
    return before


# %% [markdown]
# Of the parameters the backward needs only $W^2$, to get from one layer to the one before. All four
# gradients are computed before the first parameter is changed: $\delta^1$ needs the $W^2$ that the forward
# pass has used. And the backward never asks for the number `before`. The loss is computed to be watched;
# what steers the parameters is its gradient.
#
# The weights start as random numbers from the normal distribution, the bell curve around 0, whose standard
# deviation is $\sqrt{2/D}$: that is about how large they are, $D$ being the number of inputs of their layer.
# The biases start as zeros. [Initialisation](07_initialisation.py) says why.


# %%
def initial(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    parameters = []
    for D, M in ((784, 128), (128, 10)):
        weight = torch.randn(M, D, generator=generator, dtype=dtype) * sqrt(2 / D)
        parameters += [weight, torch.zeros(M, dtype=dtype)]
    return parameters


count = sum(w.numel() for w in initial(0))
assert count == 784 * 128 + 128 + 128 * 10 + 10 == 101_770
print(f"{count:,} parameters")

# %% [markdown]
# Before these lines are trusted with 101,770 numbers, they are compared with autograd: once, in float64,
# where rounding is so small that nothing hides behind it.

# %%
torch.manual_seed(0)
rows = torch.randperm(len(images))[:64]
x, y = images[rows].double(), labels[rows]

ours = initial(0, torch.float64)
by_hand = backward(x, y, ours, *forward(x, ours))

theirs = [w.clone().requires_grad_() for w in ours]
W1, b1, W2, b2 = theirs
z2 = torch.nn.functional.linear(torch.relu(torch.nn.functional.linear(x, W1, b1)), W2, b2)
torch.nn.functional.cross_entropy(z2, y).backward()

for name, w, gradient in zip(("W1", "b1", "W2", "b2"), theirs, by_hand):
    torch.testing.assert_close(gradient, w.grad, rtol=1e-10, atol=1e-14)
    difference = (gradient - w.grad).abs().max()
    print(f"{name}: largest difference from autograd {difference:.0e}")

# %% [markdown]
# From here to the package's trainer, no autograd is at work.
#
# ## Twenty epochs
#
# An **epoch** goes once through the training images, in batches. The images lie in memory sorted by class,
# first all zeros, then all ones; so the order is shuffled anew in every epoch.


# %%
def train_epoch(parameters, lr, order):
    for rows in order.split(64):
        step(images[rows], labels[rows], parameters, lr)


def score(parameters, x, y):
    """The loss, and the share of images whose right class has the largest score."""
    *_, z2 = forward(x, parameters)
    return loss(z2, y).item(), (z2.argmax(1) == y).float().mean().item()


def train_by_hand(epochs, lr):
    parameters = initial(seed=0)
    generator = torch.Generator().manual_seed(1)
    rows = []
    for epoch in range(1, epochs + 1):
        train_epoch(parameters, lr, torch.randperm(len(images), generator=generator))
        row = {"epoch": epoch}
        row["train_loss"], row["train_accuracy"] = score(parameters, images, labels)
        row["test_loss"], row["test_accuracy"] = score(parameters, digits.test_images, digits.test_labels)
        rows.append(row)
    return parameters, rows


# %% [markdown]
# With batches of 64, an epoch of 4,000 images is 63 updates: 62 full batches and one of the last 32 images.
#
# **Predict:** guessing gets 10 % of the test images right. How many per cent does the network get right after
# one epoch, having seen each training image once?

# %%
predict("9a")


# %%
def tell(row):
    print(f"epoch {row['epoch']}:")
    print(f"    training images right {row['train_accuracy']:.1%}")
    print(f"    test images right     {row['test_accuracy']:.1%}")


parameters, history = train_by_hand(epochs=20, lr=0.1)
tell(history[0])
assert predict("9a", 100 * history[0]["test_accuracy"])

# %% [markdown]
# **Predict:** and how many per cent after 20 epochs?

# %%
predict("9b")

# %%
for epoch in (2, 5, 10, 20):
    tell(history[epoch - 1])
assert predict("9b", 100 * history[-1]["test_accuracy"])
assert history[-1]["train_accuracy"] > 0.99

# %% [markdown]
# Most of what there is to gain is gained in the first epoch. The rest of the training is spent on the images
# that are hard.
#
# ### Without shuffling
#
# If the order is not shuffled, each batch holds one class, or two.
#
# **Predict:** a new network makes one epoch through the images as they lie, all zeros first and all nines
# last. What does it say of the test images afterwards?

# %%
predict("9c")

# %%
unshuffled = initial(seed=0)
train_epoch(unshuffled, lr=0.1, order=torch.arange(len(images)))
*_, z2 = forward(digits.test_images, unshuffled)
says_nine = (z2.argmax(1) == 9).float().mean()
print(f"It says 9 to {says_nine:.0%} of the test images, a tenth of which are nines.")
assert says_nine > 0.5

# %% [markdown]
# The last six updates saw nothing but nines, and each made every image look more like a nine. Gradient
# descent on batches rests on a batch being a fair sample of the whole: only then does its gradient point, on
# average, where the gradient over all images points.
#
# ## Training loss and test loss
#
# Back to the shuffled run. By its end the training images are read without a mistake, or nearly.
#
# **Predict:** over the 20 epochs the training loss falls towards 0. What does the test loss do?

# %%
predict("9d")

# %%
epochs = [row["epoch"] for row in history]


def over_epochs(quantity, scale=1):
    """Of the training images and of the test images, to be drawn."""
    return {
        name: (epochs, [scale * row[f"{part}_{quantity}"] for row in history])
        for name, part in (("training", "train"), ("test", "test"))
    }


figure = plots.curves(
    over_epochs("loss"), title="The loss after each epoch", xlabel="epoch", ylabel="mean cross-entropy"
)
plots.show(figure, "losses.png")

last = history[-1]
best = min(history, key=lambda row: row["test_loss"])
print(f"smallest test loss: {best['test_loss']:.3f}, after epoch {best['epoch']}")
print(f"after the last epoch: test loss {last['test_loss']:.3f}, training loss {last['train_loss']:.3f}")
assert last["test_loss"] > 10 * last["train_loss"]
assert best["test_loss"] <= last["test_loss"] < 0.75 * history[0]["test_loss"]  # it levels off

# %% [markdown]
# The test loss levels off early, and creeps up if anything, while the training loss falls on. This is
# **overfitting**: the network has 25 times as many parameters as it has images to learn, and once it has
# what the images have in common, it goes on to learn each one by heart. What it learns then is of no use for
# others.
#
# The test *accuracy* hardly suffers.

# %%
figure = plots.curves(
    over_epochs("accuracy", scale=100),
    title="The accuracy after each epoch",
    xlabel="epoch",
    ylabel="images classified right (%)",
)
plots.show(figure, "accuracies.png")

spread = sqrt(last["test_accuracy"] * (1 - last["test_accuracy"]) / len(digits.test_labels))
print(f"a test accuracy from 1,000 images is uncertain by about {spread:.1%}")
assert last["test_accuracy"] < last["train_accuracy"] - 0.03

# %% [markdown]
# It wavers from epoch to epoch by about as much as the printed line says. That is a *standard deviation*:
# draw 1,000 images, each of which is read right with probability $q$; the share that is read right differs
# from $q$ by chance, typically by $\sqrt{q(1-q)/1000}$. A difference between two networks that is smaller
# than this may be chance.
#
# ### Fewer images
#
# The same network is trained on fewer images, with 400 updates each time, which is enough to learn a hundred
# images without a mistake.
#
# **Predict:** how many per cent of the 1,000 test images does it then read, if it has seen a hundred training
# images, about ten of each class?

# %%
predict("9e")

# %%
fewer = torch.randperm(len(images), generator=torch.Generator().manual_seed(2))
on_training, on_test = [], []
sizes = (100, 400, 1000, 4000)
for size in sizes:
    part = fewer[:size]
    few = initial(seed=0)
    generator = torch.Generator().manual_seed(3)
    for _ in range(400):
        rows = part[torch.randint(size, (64,), generator=generator)]
        step(images[rows], labels[rows], few, lr=0.1)
    on_training.append(100 * score(few, images[part], labels[part])[1])
    on_test.append(100 * score(few, digits.test_images, digits.test_labels)[1])
assert on_training[0] == 100
assert on_test == sorted(on_test)
assert predict("9e", on_test[0])

plots.show(
    plots.curves(
        {"training images": (sizes, on_training), "test images": (sizes, on_test)},
        title="400 updates, on few images and on many",
        xlabel="training images",
        ylabel="images classified right (%)",
        log="x",
        markers=True,
    ),
    "sizes.png",
)

# %% [markdown]
# What was learned from a hundred images serves for most test images, not for all. Each step to more images
# takes away a part of the mistakes that were left, and the line has not levelled off at 4,000: what helps
# against overfitting is more images.
#
# ## What it gets wrong
#
# The network after 20 epochs, on the 1,000 test images. Row by row, the true class; column by column, what
# the network took it for:

# %%
*_, z2 = forward(digits.test_images, parameters)
predicted, probabilities = z2.argmax(1), z2.softmax(1)
confusion = plots.confusion_matrix(predicted, digits.test_labels, digits.classes)
plots.show(confusion, "confusion.png")

wrong = predicted != digits.test_labels
pairs = Counter(zip(digits.test_labels[wrong].tolist(), predicted[wrong].tolist()))
for (true, guess), times in pairs.most_common(3):
    print(f"a {true} taken for a {guess}: {times} times")

# %% [markdown]
# The mistakes are not spread evenly. They gather where two classes share their strokes.
#
# The worst mistakes are those in which the true class was given the smallest probability:

# %%
_, _, test_pixels, _ = sample()
worst = plots.worst_mistakes(test_pixels, probabilities, digits.test_labels, digits.classes, count=10)
plots.show(worst, "worst.png")

# %% [markdown]
# Look at each and decide what you would have said. Above each stands the network's answer with its
# probability: it can be wrong and sure of it. Once every training image is read right, the loss still falls
# with every probability that is driven closer to 1, and nothing in it asks for doubt about images that are
# not there.
#
# ## The learning rate
#
# One number had to be chosen: $\eta = 0.1$. [Gradient descent](06_gradient_descent.py) shows on a bowl what
# too small and too large an $\eta$ do. On the digits, three epochs each, from the same initial parameters:

# %%
rates = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
after = {1: [], 3: []}
for lr in rates:
    _, rows = train_by_hand(epochs=3, lr=lr)
    for epoch, accuracies in after.items():
        accuracies.append(100 * rows[epoch - 1]["test_accuracy"])

plots.show(
    plots.curves(
        {f"after epoch {epoch}": (rates, found) for epoch, found in after.items()},
        title="Too small an η is slow, too large an η is useless",
        xlabel="learning rate η",
        ylabel="test images classified right (%)",
        log="x",
        ylim=(0, 100),
        markers=True,
    ),
    "rates.png",
)
good = [lr for lr, accuracy in zip(rates, after[3]) if accuracy > 85]
print("above 85 % after three epochs: η =", ", ".join(f"{lr:g}" for lr in good))
assert 0.1 in good
assert after[3][0] < after[3][4]
assert after[3][-1] < 50

# %% [markdown]
# On the left the two lines are far apart: a small $\eta$ goes the right way, and time makes up for it. At
# the far right time makes up for nothing. In between there is room: $\eta$ need not be exact, only of the
# right order of magnitude, and trying it in steps of about three is enough.
#
# A caution. Whoever tries nine values and reports the best test accuracy has used the test images to choose,
# and the number is a little too good. To choose fairly, set some training images aside (a *validation set*),
# choose by those, and look at the test images once, at the end.
#
# ## The same with the package
#
# [`manual_backprop.training`](reference/training.rst) has this loop with everything around it: a progress
# bar, a run folder, checkpoints, and a choice of three engines that make the step.
#
# * `functions`: this package's operations; autograd calls their hand-written backwards in order.
# * `autograd`: PyTorch's own backwards.
# * `explicit`: no autograd, but a loop over the layers in reverse.
#   `manual_backprop/training/engines/explicit.py` is the `backward` above for any number of layers, with
#   every tensor allocated once.
#
# **Predict:** three engines, the same seed, 126 updates in float64, whose numbers have 16 digits. In how many
# of them will the weights of the three agree at the end?

# %%
predict("9f")

# %%
weights, metrics, lines = {}, {}, []
with TemporaryDirectory() as folder:
    for engine in ("functions", "autograd", "explicit"):
        config = TrainingConfig(dataset="sample", device="cpu", dtype="float64", epochs=2, engine=engine)
        run = train(config, Path(folder) / engine, say=lines.append)
        state = torch.load(run / "checkpoint.pt", weights_only=True)
        weights[engine] = state["engine"]["model"]["0.weight"]
        with (run / "metrics.csv").open(encoding="utf-8") as table:
            metrics[engine] = [float(row["test_accuracy"]) for row in DictReader(table)]
    files = sorted(path.name for path in run.iterdir())

for engine, W in weights.items():
    difference = (W - weights["autograd"]).abs().max()
    right = f"{metrics[engine][-1]:.1%} of the test images right"
    print(f"{engine:9}  {right}, W¹ differs from autograd's by at most {difference:.0e}")
    torch.testing.assert_close(W, weights["autograd"], rtol=0, atol=1e-10)
    assert metrics[engine] == metrics["autograd"]

# %% [markdown]
# In all but the last two or so. The three differ in who calls which formula when, and in nothing that is
# computed, except for the order in which some sums are rounded. A test of the package holds the three
# trajectories together in the same way.
#
# ### What a run leaves
#
# `train` prints a line for each epoch, which `say=lines.append` has collected here instead, and leaves a
# folder:

# %%
print(lines[0])
print(*files, sep="\n")

# %% [markdown]
# `config.json` has the configuration with the seed, and the versions that the numbers may depend on; the
# tables and pictures are those of this page. The same from a shell, and a run that was interrupted taken up
# again:
#
# ```sh
# manual-backprop train --dataset sample --epochs 20 --out runs/sample
# manual-backprop train --resume runs/sample
# ```
#
# The trainer's training accuracy counts each image when it is learned from, before the update; this page
# counted all of them at the end of the epoch. The first needs no extra pass, and is lower while a network
# learns quickly.
#
# ## On a GPU
#
# Nothing in `forward`, `loss` and `backward` says where it computes. PyTorch computes where the tensors are,
# so moving the tensors moves the computation:

# %%
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

there = [w.to(device) for w in initial(seed=0)]
x, y = images[:64].to(device), labels[:64].to(device)
here = initial(seed=0)
loss_there = step(x, y, there, lr=0.1)
loss_here = step(images[:64], labels[:64], here, lr=0.1)
print(f"loss computed on {device.type}: {loss_there.item():.4f}, on cpu: {loss_here.item():.4f}")
for w_there, w_here in zip(there, here):
    torch.testing.assert_close(w_there.cpu(), w_here, rtol=1e-3, atol=1e-4)

# %% [markdown]
# What moves: the parameters and the images with their labels, once, before the first step. The gradients,
# activations and errors are made on the device from them and never leave it. All operands of an operation
# must lie on one device, or PyTorch raises an error.
#
# What doesn't: the Python loop, which asks the GPU for one operation after the other and does not wait for
# the results, and the numbers that are printed or compared in Python. Each `.item()` waits until the GPU has
# computed the number, and fetches it; so a loop that prints the loss at every step waits at every step. The
# trainer reads the loss for its progress bar a few times a second. It also draws the initial parameters on
# the CPU, so that every device starts from the same numbers. Later ones agree to rounding only: a GPU adds
# up in another order.
#
# For the trainer, the device is an option; without it, the trainer takes a GPU where PyTorch finds one:
#
# ```sh
# manual-backprop train --dataset sample --device cpu
# manual-backprop train --dataset sample --device cuda
# ```
#
# Whether a GPU is quicker depends on the sizes: a step of this network on 64 images consists of some thirty
# small operations, and each has to be asked for by Python, whatever computes it. To see what holds on your
# machine, run both, or `manual-backprop bench`.
#
# ## All 60,000 images
#
# ```sh
# manual-backprop train
# ```
#
# trains the same network, 784-128-10 with $\eta = 0.1$ and batches of 64, on the full training set and tests
# it on MNIST's 10,000 test images. It downloads MNIST the first time and, where it cannot, says so and takes
# the sample. The [measurements](reference/measurements.md) say what comes out: 95.78 % of the test images
# right after one epoch, 97.83 % after four, 97.93 % after ten. In the picture of test accuracy against
# training images, these would stand to the right of the last point, at fifteen times as many images, and
# above it.
#
# ## Exercises
#
# **9.1** Each epoch on this page ends with a batch of $4000 - 62 \cdot 64 = 32$ images, and $L$ is the mean
# over a batch. Take one image of that last batch and one of a full batch whose own cross-entropies have the
# same gradient. How many times as far as the second does the first move the weights?

# %%
answer = ...
check("9.1", answer)

# %% [markdown]
# **9.2** A remedy for overfitting is *weight decay*: minimise $L + \frac{\lambda}{2} \lVert W \rVert^2$,
# where $\lVert W \rVert^2$ is the sum of the squares of all weights. Write the update of $W$ with learning
# rate `lr` and $\lambda$ = `decay`, given `grad` = $\partial L/\partial W$. Return the new $W$.


# %%
def decayed(W, grad, lr, decay):
    return ...


check("9.2", decayed)

# %% [markdown]
# **9.3** The same network with $a^1 = \tanh(z^1)$, whose slope is in [Activations and vanishing
# gradients](08_activations.py), and with the *sum* of the cross-entropies in place of their mean. Derive the
# gradients of $x$ (which this page did not need, since images do not learn), $W^1$, $b^1$, $W^2$ and $b^2$,
# and return them in this order. `t` holds the one-hot labels. `grad_output` is $\partial
# L'/\partial L$ for an $L'$ that is computed from $L$: a number, and not always 1.

# %%
t = torch.nn.functional.one_hot(torch.tensor([2, 0, 1, 1, 0]), 3).double()


def backward_of_tanh(grad_output, x, W1, b1, W2, b2):
    return ...


check("9.3", backward_of_tanh)
