# %% [markdown]
# # Loss functions
#
# A network is shown a seven and answers: a seven with probability 0.001, a one with probability 0.99. How
# much should it learn from that?
#
# The network does not decide this. The **loss** does: the formula that makes one number of the answer and the
# truth, small for a good answer. Backpropagation begins with the derivative of that number, and everything
# that the network learns is a multiple of it. There are losses under which a mistake as bad as this one
# teaches next to nothing.

# %%
import math

import torch
from torch.testing import assert_close

from manual_backprop import functional as F
from manual_backprop import plots, verify
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

# %% [markdown]
# ## Two losses, and where they come from
#
# Both losses of this page come from one thought. Read the network's output as a statement about how probable
# each target is. Then the best weights are those under which the targets that really occurred are most
# probable: the weights of **maximum likelihood**. For independent examples, probabilities multiply. The
# logarithm (here always the natural one) makes a sum of the product, and a minus makes a minimum of the
# maximum, so each example $n$ contributes
#
# $$\ell_n = -\log\,(\text{the probability that the network gave to what happened}).$$
#
# **Squared error.** The network predicts a quantity $a$, and the target $t$ is taken to scatter around $a$ in
# a bell curve of width $s$: a value near $t$ is the less probable the further it is from $a$, in proportion
# to $e^{-(t-a)^2/2s^2}$. Then
#
# $$-\log e^{-(t-a)^2/2s^2} = \frac{1}{2s^2}\,(a - t)^2.$$
#
# The factor in front does not move the minimum, and is left out: $\ell = (a - t)^2$.
#
# **Cross-entropy.** The network says *yes* with probability $p$, and the target is 1 for yes, 0 for no. What
# happened had the probability $p$ if $t = 1$ and $1 - p$ if $t = 0$. Both cases in one formula:
#
# $$\ell = -\log\bigl(p^t (1-p)^{1-t}\bigr) = -t \log p - (1 - t)\log(1 - p).$$
#
# With $C$ classes instead of two, the network gives each class $k$ a probability $p_k$, and the target is
# **one-hot**: $t_k$ is 1 for the right class $y$ and 0 for all others. In the same way,
#
# $$\ell = -\sum_{k} t_k \log p_k = -\log p_y.$$
#
# Bishop, *Pattern Recognition and Machine Learning* (2006), derives both at length.
#
# The last layer of a network gives weighted sums $z$, which can be any numbers; for a classifier they are
# called **logits**. Probabilities are made of them by the sigmoid, $\sigma(z) = 1/(1 + e^{-z})$, for yes or
# no, and by the softmax for $C$ classes:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}.$$
#
# The sigmoid is the softmax of the two logits $(0, z)$, since $e^z/(e^0 + e^z) = 1/(1 + e^{-z})$. So one
# function, `F.cross_entropy`, serves both cases. It takes the logits and not the probabilities, for a reason
# that the section on logits of ±1000 gives.

# %%
z = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 3.0]])  # two examples, three classes
y = torch.tensor([0, 1])  # their right classes
t = torch.eye(3)[y]  # one-hot

p = z.exp() / z.exp().sum(1, keepdim=True)
squared_error = ((p - t) ** 2).sum(1)
cross_entropy = -(t * p.log()).sum(1)

assert_close(F.mse_loss(p, t, reduction="none").sum(1), squared_error)
assert_close(F.cross_entropy(z, y, reduction="none"), cross_entropy)
for n in range(2):
    print(f"example {n}: probability of the right class {p[n, y[n]]:.3f},", end=" ")
    print(f"squared error {squared_error[n]:.2f}, cross-entropy {cross_entropy[n]:.2f}")

# %% [markdown]
# ## What a mistake teaches
#
# What the loss tells the network is its slope at the logits, $\delta = \partial \ell / \partial z$. From
# there on, backpropagation only multiplies: the gradient of every weight in every layer has $\delta$ as a
# factor ([The chain rule, layer by layer](05_chain_rule.py)). Where $\delta$ is near zero, nothing is
# learned.
#
# The right answer is yes, $t = 1$. One network says $z = -2$, which is $\sigma(z) \approx 0.12$: rather no.
# Another says $z = -8$: no, and quite sure of it. It is further from the truth.
#
# **Predict:** which of the two has the larger $|\delta|$: under the squared error $(\sigma(z) - 1)^2$, and
# under the cross-entropy $-\log \sigma(z)$?

# %%
predict("4a")


# %%
def output_deltas(z):
    """δ for the target 1: of (σ(z) − 1)² and of the cross-entropy."""
    z = z.clone().requires_grad_()
    squared = F.mse_loss(F.sigmoid(z), torch.ones_like(z), reduction="sum")
    logits = torch.stack([torch.zeros_like(z), z], 1)  # their softmax is the sigmoid
    yes = torch.ones(len(z), dtype=torch.long)
    cross = F.cross_entropy(logits, yes, reduction="sum")
    return torch.autograd.grad(squared, z)[0], torch.autograd.grad(cross, z)[0]


two = torch.tensor([-2.0, -8.0], dtype=torch.float64)
by_squared, by_cross = output_deltas(two)
for n in range(2):
    print(f"z = {two[n]:.0f}: δ = {by_squared[n]:.5f} by squared error,", end=" ")
    print(f"{by_cross[n]:.5f} by cross-entropy")
assert by_squared[0].abs() > 200 * by_squared[1].abs()
assert by_cross[0].abs() < by_cross[1].abs()

# %% [markdown]
# Under the cross-entropy the surer mistake has the somewhat larger $\delta$. Under the squared error it has
# one that is hundreds of times *smaller*. The derivation shows why. With $a = \sigma(z)$ we need
# $\sigma'(z) = a(1-a)$, which the page of `F.sigmoid` derives. For the squared error,
#
# $$\delta = \frac{d}{dz}(a - t)^2 = 2\,(a - t)\,\sigma'(z) = 2\,(a - t)\;a\,(1-a).$$
#
# The error $a - t$ is there, but behind it stands the factor $a(1-a)$, which is close to 0 wherever the
# sigmoid is flat: at the right answer, and just as much at the wrong one. For the cross-entropy, with
# $p = \sigma(z)$,
#
# $$\frac{d\ell}{dp} = -\frac{t}{p} + \frac{1-t}{1-p} = \frac{p - t}{p\,(1-p)},
#   \qquad
#   \delta = \frac{d\ell}{dp}\,\sigma'(z) = \frac{p-t}{p\,(1-p)}\;p\,(1-p) = p - t.$$
#
# The slope of the logarithm is steep exactly where the sigmoid is flat, and the two factors cancel. What is
# left is the error itself: *what was believed minus what is so*.

# %%
z = torch.linspace(-10, 10, 201, dtype=torch.float64)
a = torch.sigmoid(z)
by_squared, by_cross = output_deltas(z)
assert_close(by_squared, 2 * (a - 1) * a * (1 - a))
assert_close(by_cross, a - 1)

plots.show(
    plots.curves(
        {
            "squared error": (z.tolist(), by_squared.tolist()),
            "cross-entropy": (z.tolist(), by_cross.tolist()),
        },
        title="δ for the target 1: at a bad mistake (left), only cross-entropy pulls",
        xlabel="logit z (to the left: surer of the wrong answer)",
        ylabel="δ = ∂ℓ/∂z",
    ),
    "delta.png",
)

# %% [markdown]
# Under the squared error the pull is strongest at a moderate mistake. The size $2a(1-a)^2$ has the derivative
# $2(1-a)(1-3a)$, which is zero at $a = \frac13$, and there it is $\frac{8}{27}$, less than 0.3. A network
# that is surer of the wrong answer is pulled less.

# %%
strongest = by_squared.abs().argmax()
print(f"largest |δ|: {by_squared[strongest].abs():.3f}, at a = {a[strongest]:.2f}")
assert by_squared.abs().max() <= 8 / 27 < 0.3

# %% [markdown]
# ### The same with a softmax
#
# Now each $z_i$ moves all the $p_k$. By the quotient rule, writing $[k = i]$ for 1 where $k = i$ and 0
# elsewhere,
#
# $$\frac{\partial p_k}{\partial z_i} = p_k\,([k = i] - p_i),$$
#
# and the chain rule sums over all the ways in which $z_i$ reaches $\ell$, that is, over $k$. For the
# cross-entropy:
#
# $$\frac{\partial \ell}{\partial z_i} = \sum_k \Bigl(-\frac{t_k}{p_k}\Bigr)\,p_k\,([k = i] - p_i)
#   = -t_i + p_i \sum_k t_k = p_i - t_i.$$
#
# Again $p_k$ cancels; the last step uses that $t$ adds up to 1. The page of `F.cross_entropy` has the same
# derivation. For the squared error nothing cancels:
#
# $$\frac{\partial \ell}{\partial z_i} = \sum_k 2\,(p_k - t_k)\,p_k\,([k = i] - p_i)
#   = 2\,p_i\,\Bigl((p_i - t_i) - \sum_k (p_k - t_k)\,p_k\Bigr).$$
#
# If the network is sure of the wrong class $j$, then $p_i \approx 0$ for every other class, the right one
# included, and for $j$ itself the bracket is about $1 - 1 = 0$. All of $\delta$ vanishes. `verify` confirms
# both formulas.

# %%
target = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]  # five examples, one-hot


def squared(z):
    return ((z.softmax(1) - target) ** 2).sum(1)


def squared_backward(grad_output, z):
    p = z.softmax(1)
    error = p - target
    return grad_output[:, None] * 2 * p * (error - (error * p).sum(1, keepdim=True))


def cross(z):
    return -(target * z.log_softmax(1)).sum(1)


def cross_backward(grad_output, z):
    return grad_output[:, None] * (z.softmax(1) - target)


for forward, backward in ((squared, squared_backward), (cross, cross_backward)):
    report = verify(forward, backward, shapes=[(5, 3)])
    assert report
    print(f"{forward.__name__}: {str(report).splitlines()[0]}")

# %% [markdown]
# ## The same network, trained with both
#
# Does it matter in practice? A network with 784 inputs, 32 sigmoid units and 10 logits learns 4,000 real
# digits, with plain gradient descent in batches of 100. The two losses have gradients of different size, so a
# comparison at a single learning rate $\eta$ would be unfair. Each loss gets three rates, and the best of
# them is drawn.

# %%
digits, _ = load("sample")
order = torch.randperm(4000, generator=torch.Generator().manual_seed(0))
images, labels = digits.train_images[order], digits.train_labels[order]
test_images, test_labels = digits.test_images, digits.test_labels


def logits_of(x, parameters):
    W1, b1, W2, b2 = parameters
    return F.linear(F.sigmoid(F.linear(x, W1, b1)), W2, b2)


def squared_loss(z, y):
    p = F.log_softmax(z, 1).exp()
    return F.mse_loss(p, torch.eye(10)[y], reduction="sum") / len(z)


def train(start, loss, lr, shift, epochs=4):
    """The weights after descent, with each digit d called (d + shift) mod 10; and the % right by epoch."""
    parameters = [w.clone().requires_grad_() for w in start]
    right = []
    for epoch in range(epochs + 1):
        with torch.no_grad():
            guess = logits_of(test_images, parameters).argmax(1)
        right.append(100 * (guess == (test_labels + shift) % 10).double().mean().item())
        for rows in torch.arange(4000).split(100) if epoch < epochs else ():
            L = loss(logits_of(images[rows], parameters), (labels[rows] + shift) % 10)
            gradients = torch.autograd.grad(L, parameters)
            with torch.no_grad():
                for w, gradient in zip(parameters, gradients):
                    w -= lr * gradient
    return [w.detach() for w in parameters], right


LOSSES = {"squared error": squared_loss, "cross-entropy": F.cross_entropy}


def best_of_three(start, shift):
    lines = {}
    for name, loss in LOSSES.items():
        runs = {lr: train(start, loss, lr, shift)[1] for lr in (0.1, 1.0, 3.0)}
        best = max(runs, key=lambda lr: runs[lr][-1])
        print(f"{name}: best with η = {best}, {runs[best][-1]:.0f} % right at the end")
        lines[name] = (range(5), runs[best])
    return lines


torch.manual_seed(0)
W1, W2 = torch.randn(32, 784) / 28, torch.randn(10, 32) / 32**0.5
random_start = [W1, torch.zeros(32), W2, torch.zeros(10)]
from_random = best_of_three(random_start, shift=0)

# %% [markdown]
# From small random weights, with a good $\eta$ for each, there is little between them. Such a network is
# unsure of everything: its mistakes are not confident, and no factor vanishes. That is one reason why the
# squared error can seem to be fine.
#
# Now a network that is wrong and sure of it. We train one with the cross-entropy for five epochs, and then
# multiply its last layer by 3: its answers stay the same, and it becomes very sure of them. Then we rename
# the digits. A zero is called one from now on, a one is called two, and so on, and a nine is called zero. The
# network has everything that it takes to tell the digits apart; it only has to change its mind about the
# names.
#
# **Predict:** it is trained for four more epochs with the new names, under each loss with the best of the
# three rates. How many of the test images are right in the end? (At the start it is close to none.)

# %%
predict("4b")

# %%
(W1, b1, W2, b2), _ = train(random_start, F.cross_entropy, lr=1.0, shift=0, epochs=5)
confident = [W1, b1, 3 * W2, 3 * b2]
p = logits_of(images, confident).softmax(1)
print(f"average probability of the favoured class: {p.amax(1).mean():.2f}")

z = logits_of(images, confident).requires_grad_()
for name, loss in LOSSES.items():
    L = loss(z, (labels + 1) % 10) * len(z)  # a sum: δ of each example without the 1/N
    (delta,) = torch.autograd.grad(L, z)
    print(f"{name}: median length of δ {delta.norm(dim=1).median():.1e}")
from_confident = best_of_three(confident, shift=1)

# %% [markdown]
# (The median is the middle one of all lengths in order, a length the root of the sum of squares.)
#
# Under the cross-entropy the length of $\delta$ is close to $\sqrt 2$, as long as $p - t$ can get: one entry
# is about 1, another about $-1$. One epoch repairs most of the damage. Under the squared error the same
# mistakes have a $\delta$ that is smaller by orders of magnitude, and four epochs leave a large part of the
# digits under their old names. A larger $\eta$ does not make up for it: the best of the three is already the
# largest, and what one mistake would need is far too much for the next, whose factor has not vanished.

# %%
plots.show(
    plots.curves(
        {"from random weights": from_random, "sure of the wrong names": from_confident},
        title="The same network under both losses, each with its best η of three",
        xlabel="epochs (passes over the 4,000 images)",
        ylabel="test images right (%)",
        ylim=(0, 100),
        markers=True,
    ),
    "relearning.png",
)
last = {name: percent[-1] for name, (_, percent) in from_confident.items()}
assert 20 < last["squared error"] < last["cross-entropy"] - 10

# %% [markdown]
# That the cross-entropy makes learning faster was measured early: Solla, Levin and Fleisher, "Accelerated
# learning in layered neural networks" (1988).
#
# ### Where the squared error belongs
#
# None of this speaks against the squared error where the output is a quantity. With no sigmoid behind the
# last weighted sum, $a = z$ and $\delta = 2(z - t)$: the error itself, once more. Each loss belongs to its
# output.

# %% [markdown]
# ## Logits of ±1000
#
# Here is the cross-entropy of a softmax, written as the formulas stand above. PyTorch computes in float32
# unless told otherwise: a positive number is then at most about $3 \cdot 10^{38}$, which is $e^{88.7}$, and
# what is larger becomes `inf`. What is smaller than about $10^{-45}$, or $e^{-103}$, becomes 0. The logarithm
# of 0 is `-inf`, and `inf / inf` and `0 / 0` are `nan`, "not a number".


# %%
def naive(z, y):
    p = z.exp() / z.exp().sum(1, keepdim=True)
    return -p[range(len(y)), y].log()  # −log p_y of each example


# %% [markdown]
# | logits $z$ | right class $y$ | on paper, the network is | and its loss |
# |---|---|---|---|
# | 1000, 0 | 0 | right, and very sure | $0$, to more than 400 decimal places |
# | 0, −1000 | 1 | wrong, and very sure | $1000$ |
# | −1000, −1000 | 0 | undecided | $\log 2 \approx 0.69$ |
#
# **Predict:** what does `naive` give for these three?

# %%
predict("4c")

# %%
extreme = torch.tensor([[1000.0, 0.0], [0.0, -1000.0], [-1000.0, -1000.0]])
right_class = torch.tensor([0, 1, 0])
losses = naive(extreme, right_class)
for row, loss in zip(extreme.tolist(), losses):
    print(f"logits {row}: {loss}")
assert losses[0].isnan()
assert losses[1].isinf()
assert losses[2].isnan()

# %% [markdown]
# Not one is right. $e^{1000}$ becomes `inf`, and `inf / inf` is `nan`. $e^{-1000}$ becomes 0, and $-\log 0$
# is `inf`. In the third example all terms are 0, and `0 / 0` is `nan`. One such example is enough to ruin a
# network: the gradient of a weight sums over the batch, and a sum with a `nan` in it is `nan`.

# %%
x = torch.randn(3, 4)
x[0] *= 10_000  # one example with huge logits, two ordinary ones
W = torch.randn(2, 4, requires_grad=True)
(gradient,) = torch.autograd.grad(naive(F.linear(x, W), right_class).mean(), W)
print("∂L/∂W:", gradient.tolist())
assert gradient.isnan().all()

# %% [markdown]
# ### The shift
#
# The logarithm of the softmax is
#
# $$\log p_y = z_y - \log \sum_j e^{z_j}.$$
#
# The last term is called *log-sum-exp*. Take the largest logit $m = \max_j z_j$ out of the sum:
#
# $$\log \sum_j e^{z_j} = \log\Bigl(e^m \sum_j e^{z_j - m}\Bigr) = m + \log \sum_j e^{z_j - m}.$$
#
# No exponent is above 0 now, so nothing overflows. And one exponent, that of the largest logit, is exactly 0.
# The sum therefore contains a 1, its $C$ terms are at most 1 each, and so it lies between 1 and $C$:
#
# $$m \;\le\; \log \sum_j e^{z_j} \;\le\; m + \log C.$$
#
# Log-sum-exp is a maximum with its corner rounded off, never below the maximum and never more than $\log C$
# above it. The logarithm that is computed is one of a number between 1 and $C$: it never meets 0. A term that
# underflows to 0 is too small to change that sum.


# %%
def logsumexp(z):
    m = z.amax(1, keepdim=True)
    return (m + (z - m).exp().sum(1, keepdim=True).log()).squeeze(1)


losses = F.cross_entropy(extreme, right_class, reduction="none")
for row, value, loss in zip(extreme.tolist(), logsumexp(extreme), losses):
    print(f"logits {row}: log-sum-exp {value:.4f}, loss {loss:z.4f}")
assert_close(losses, torch.tensor([0.0, 1000.0, math.log(2)]))

torch.manual_seed(0)
C = 10
z = 1000 * torch.randn(10_000, C)
largest, lse = z.amax(1), logsumexp(z)
assert (lse >= largest).all()
assert (lse <= largest + math.log(C) + 1e-3).all()  # 1e-3 for rounding

# %% [markdown]
# ### How exact is it?
#
# A float32 operation gets its result right up to a relative error of about $\epsilon \approx 10^{-7}$
# (`torch.finfo(torch.float32).eps`; a rounding is at most half of that). The difference $x = z_j - m$ is
# off by $\epsilon |x|$ at most. The exponential turns this into an error of $e^x \epsilon |x|$, and $|x|
# e^x$ is never more than $1/e$ for $x \le 0$. So each of the $C$ terms is off by a small multiple of
# $\epsilon$, and the sum by a small multiple of $C\epsilon$. The logarithm does not enlarge that, since its
# slope $1/s$ is at most 1 for a sum $s \ge 1$. Adding $m$ rounds once more. For $C = 10$ the parts add up
# to less than $\epsilon\,(2C + |\text{log-sum-exp}|)$. Blanchard, Higham and Higham, "Accurately computing
# the log-sum-exp and softmax functions" (2021), work it out for this formula and for others.

# %%
exact = z.double().logsumexp(1)
epsilon = torch.finfo(torch.float32).eps
error = (lse.double() - exact).abs()
assert (error <= epsilon * (2 * C + exact.abs())).all()
print(f"largest error: {error.max():.1e}, in values up to {exact.max():.0f}")

# %% [markdown]
# The part $|\text{log-sum-exp}|$ of that bound is harmless in log-sum-exp itself and not in the loss, where
# $z_y$ is subtracted again: two large numbers, each rounded, and a small difference. Leave $m$ out of both
# instead:
#
# $$\ell = \log \sum_j e^{z_j - m} - (z_y - m).$$
#
# This is what `F.log_softmax` does, and why a loss should be given the logits.

# %%
z = 10_000 + torch.randn(1000, C)
y = torch.randint(C, (1000,))
exact = F.cross_entropy(z.double(), y, reduction="none")
ways = {
    "log-sum-exp minus z_y": logsumexp(z) - z[range(1000), y],
    "m left out of both": F.cross_entropy(z, y, reduction="none"),
}
for name, loss in ways.items():
    print(f"{name}: largest error {(loss - exact).abs().max():.0e}")

# %% [markdown]
# ## Mean, sum or none
#
# A batch of $N$ examples has $N$ losses, and descent needs one number $L$. The argument `reduction` says how
# it is made:
#
# | `reduction` | $L$ | $\partial L/\partial \ell_n$ | $\delta_n = \partial L/\partial z_n$, cross-entropy |
# |---|---|---|---|
# | `"sum"` | $\sum_n \ell_n$ | $1$ | $p_n - t_n$ |
# | `"mean"` | $\frac1N \sum_n \ell_n$ | $\frac1N$ | $\frac1N (p_n - t_n)$ |
# | `"none"` | all $\ell_n$, unreduced | what comes from above, $g_n$ | $g_n (p_n - t_n)$ |
#
# This is the only place at which $1/N$ enters. It is a factor of $\delta$, so that every gradient in the
# network carries it once, and no formula further back mentions $N$ again.

# %%
N = 8
z = torch.randn(N, 10, dtype=torch.float64, requires_grad=True)
y = torch.randint(10, (N,))
error = z.detach().softmax(1) - torch.eye(10, dtype=torch.float64)[y]  # p − t

(by_sum,) = torch.autograd.grad(F.cross_entropy(z, y, reduction="sum"), z)
(by_mean,) = torch.autograd.grad(F.cross_entropy(z, y, reduction="mean"), z)
assert_close(by_sum, error)
assert_close(by_mean, error / N)
assert_close(by_sum, N * by_mean)

losses = F.cross_entropy(z, y, reduction="none")  # (N,)
g = torch.full((N,), 1 / N, dtype=torch.float64)  # from above: one number for each example
(by_none,) = torch.autograd.grad(losses, z, grad_outputs=g)
assert_close(by_none, by_mean)

# %% [markdown]
# So a step with the sum and $\eta$ is the step with the mean and $N\eta$. Whoever changes one for the other
# has to divide or multiply $\eta$ by $N$. Which one is better to live with?
#
# **Predict:** we put four copies of a batch one below the other. Nothing new has been said. What happens to
# the gradient of the weights under each reduction?

# %%
predict("4d")

# %%
x = torch.randn(N, 5, dtype=torch.float64)
W = torch.randn(10, 5, dtype=torch.float64, requires_grad=True)
for reduction in ("mean", "sum"):
    lengths = []
    for copies in (1, 4):
        z_again = F.linear(x.repeat(copies, 1), W)
        L = F.cross_entropy(z_again, y.repeat(copies), reduction=reduction)
        lengths.append(torch.autograd.grad(L, W)[0].norm().item())
    print(f"{reduction}: length of ∂L/∂W {lengths[0]:.3f}, with four copies {lengths[1]:.3f}")
    assert math.isclose(lengths[1], {"mean": 1, "sum": 4}[reduction] * lengths[0])

# %% [markdown]
# Under the mean, the gradient stays what it was; under the sum it is four times as long. That is why the mean
# is the usual choice: $\eta$ keeps its meaning when the size of the batch changes, and the last, smaller
# batch of an epoch makes a step like the others.
#
# ### The mean over what?
#
# There are two traps. This is the first: `F.cross_entropy` has one loss for each example and divides by $N$.
# `F.mse_loss` has one for each *number* and divides by $NC$, so that with 10 outputs the mean's gradient is
# $\frac1{10N}$ of the sum's, and not $\frac1N$ as in the table.

# %%
p, t = torch.rand(N, 10), torch.rand(N, 10)
assert_close(F.mse_loss(p, t), F.mse_loss(p, t, reduction="sum") / (N * 10))

# %% [markdown]
# ### Weights, and examples to ignore
#
# The second trap is that class weights and ignored examples change the divisor. With weights $w_k$ for the
# classes,
#
# $$L = \frac{\sum_n w_{y_n} \ell_n}{\sum_n w_{y_n}},$$
#
# and an example whose target is `ignore_index` (by default −100) appears neither above nor below.
#
# **Predict:** every class is given the weight 5. By which factor is the mean loss multiplied?

# %%
predict("4e")

# %%
plain = F.cross_entropy(z, y)
weighted = F.cross_entropy(z, y, weight=torch.full((10,), 5.0, dtype=torch.float64))
print(f"without weights {plain.item():.4f}, with them {weighted.item():.4f}")
assert predict("4e", weighted / plain)

# %% [markdown]
# It is the same, and so is the gradient: the 5 stands above and below. In the mean, weights say how the
# classes count against each other, not how much they count.
#
# ### A mean of means
#
# With ignored examples the divisor is the number of those that are left. So the mean over a batch is not
# the mean of the means over its parts, unless the parts have equal divisors; add up sums, and divide once.

# %%
y_some = y.clone()
y_some[:3] = -100  # of the first four, one is left; of the last four, all
halves = [F.cross_entropy(z[rows], y_some[rows]) for rows in (slice(0, 4), slice(4, 8))]
assert_close(halves[0], losses[3])  # divided by 1, not by 4
assert_close(F.cross_entropy(z, y_some), losses[3:].sum() / 5)
print(f"mean over all: {F.cross_entropy(z, y_some).item():.3f};", end=" ")
print(f"mean of the means of the halves: {(sum(halves) / 2).item():.3f}")

# %% [markdown]
# What to do with the gradient, once it is there, is the subject of [Gradient
# descent](06_gradient_descent.py).
#
# ## Exercises
#
# **4.1** A network with 10 outputs is trained with `F.mse_loss(a, t)`, in batches of 64, with $\eta = 0.1$.
# Someone changes the loss to `F.mse_loss(a, t, reduction="sum")` and the batches to 16 examples. With which
# $\eta$ is a step, on average over the batches, the same as before?

# %%
answer = ...
check("4.1", answer)

# %% [markdown]
# **4.2** A classifier that is too sure of itself can be softened by a *temperature* $T > 0$: its logits are
# divided by $T$ before the softmax, and $T$ is learned like a weight. Derive the backward of
# `F.cross_entropy(z / T, y, reduction="none")`, with respect to $z$, of shape (N, C), and to $T$, of shape
# (1,). The labels are fixed: `temperature_target` is one-hot, (N, C).

# %%
temperature_target = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]


def temperature_backward(grad_output, z, T):  # grad_output: (N,)
    return ...  # ∂L/∂z, ∂L/∂T


check("4.2", temperature_backward)

# %% [markdown]
# **4.3** Sometimes one knows only what an example is *not*: not of class $y$. What happened then had the
# probability $1 - p_y$, and the loss is $-\log(1 - p_y)$. Write it for logits `z`, (N, C), float32, and
# classes `y`, (N,), one loss for each example, with nothing but `exp`, `log`, sums, maxima, indexing and
# arithmetic. It has to be right to four digits for logits up to a million in size, also where $p_y$ is so
# close to 1 that float32 cannot tell them apart.


# %%
def not_this_class(z, y):
    return ...


check("4.3", not_this_class)
