# %% [markdown]
# # Is my derivation right?
#
# You have derived a backward on paper and written it as code. It runs, the shapes fit, and the network
# learns. Is it right?
#
# Take the [softmax](reference/functional/activations/softmax.rst). It turns the scores $z_1, \dots, z_C$ of
# one example into probabilities,
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}},$$
#
# and we want $\partial L/\partial z_i$ from the upstream gradient $g_i = \partial L/\partial p_i$, which the
# code calls `dp`. The quotient rule says
#
# $$\frac{\partial p_i}{\partial z_i}
#   = \frac{e^{z_i} \sum_j e^{z_j} - e^{z_i} e^{z_i}}{\bigl(\sum_j e^{z_j}\bigr)^2} = p_i (1 - p_i),$$
#
# just as for the sigmoid, and the chain rule multiplies by what comes from above: $g_i \, p_i (1 - p_i)$.
# Here it is in NumPy, as courses ask for it: the forward also returns a *cache*, in which it keeps what the
# backward will need.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.autograd.gradcheck import GradcheckError, gradcheck

from manual_backprop import derive, nn, plots, verify
from manual_backprop import functional as F
from manual_backprop.cli import main
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load


def softmax_forward(z):
    exponentials = np.exp(z)
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    cache = p
    return p, cache


def softmax_backward(dp, cache):
    p = cache
    return dp * p * (1 - p)


# %% [markdown]
# A single layer with it is to learn to read digits: scores $z = x W^\mathsf{T}$, probabilities $p$, and the
# cross-entropy $L = -\frac1N \sum_n \log p_{n, y_n}$ of the right classes $y_n$ ([Loss
# functions](04_losses.py)). Its gradient $\partial L/\partial p$ is $-1 / (N p)$ for the right class, and 0
# for the others. It makes thirty steps of gradient descent on a thousand images.

# %%
torch.manual_seed(0)
digits, _ = load("sample")
chosen = torch.randperm(len(digits.train_labels))[:1000]
x, y = digits.train_images[chosen].numpy(), digits.train_labels[chosen].numpy()
right_class = np.arange(1000), y

weight = np.zeros((10, 784))
losses = []
for _ in range(30):
    p, cache = softmax_forward(x @ weight.T)
    losses.append(-np.log(p[right_class]).mean())
    dp = np.zeros_like(p)
    dp[right_class] = -1 / (1000 * p[right_class])
    dz = softmax_backward(dp, cache)
    weight -= 0.1 * (dz.T @ x)  # w ← w − η ∂L/∂w

# %% [markdown]
# **Predict:** before training, one digit in ten is read right, by chance. How many per cent of a thousand new
# digits are read right after these thirty steps?

# %%
predict("10a")

# %%
right = (digits.test_images.numpy() @ weight.T).argmax(axis=1) == digits.test_labels.numpy()
print(f"loss: {losses[0]:.2f} at first, {losses[-1]:.2f} at the end")
print(f"test digits read right: {right.mean():.0%}")
assert losses[-1] < 0.5 * losses[0]
assert predict("10a", 100 * right.mean())

# %% [markdown]
# It learns, and well. And the gradient is wrong, as this page will show. Descent forgives much: any
# direction that points somewhat downhill lowers the loss. So **a falling loss does not prove a gradient
# right**. We need a witness that knows nothing of our derivation.
#
# ## A slope from values alone
#
# Such a witness is the function itself. The slope of $f$ at $x$ is how much $f$ rises for a small step $h$,
# divided by the step. Take the step to both sides, which is called the *central difference*:
#
# $$D(h) = \frac{f(x + h) - f(x - h)}{2h}.$$
#
# Taylor's formula tells what it misses. It continues the tangent: near $x$, a function is its value, plus
# slope times step, plus a term that bends like a parabola, and so on, each term a higher power of the step
# with a higher derivative. With $f', f'', f'''$ for the derivatives at $x$,
#
# $$f(x \pm h) = f(x) \pm h f' + \tfrac{h^2}{2} f'' \pm \tfrac{h^3}{6} f''' + \dots$$
#
# In the difference all the terms with the sign $+$ cancel, those in $f$ and $f''$ among them:
#
# $$D(h) = f' + \tfrac{h^2}{6} f''' + \dots$$
#
# The rest is the *truncation error*. A step to one side only, $(f(x + h) - f(x))/h$, would keep $\frac{h}{2}
# f''$, which is much more. So a tenth of the step is a hundredth of the error, and one would take $h$ as
# small as possible.
#
# **Predict:** $D(h)$ is computed in float64, for $e^x$ at $x = 1$. Which $h$ gives the best slope: $2^{-4}$,
# $2^{-17}$ or $2^{-50}$, which are about $6 \cdot 10^{-2}$, $8 \cdot 10^{-6}$ and $9 \cdot 10^{-16}$?

# %%
predict("10b")


# %%
def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


one = torch.tensor(1.0, dtype=torch.float64)
slope = float(one.exp())  # the derivative of eˣ is eˣ
error = {}
for k in (4, 17, 50):
    error[k] = abs(float(central_difference(torch.exp, one, 2.0**-k)) / slope - 1)
    print(f"h = 2^-{k:<3} relative error {error[k]:.0e}")
assert error[17] < error[4] < error[50]

# %% [markdown]
# The smallest step is the worst: $x + h$ and $x - h$ are so close that their values agree in nearly all of
# their digits, and the difference has one or two digits left.
#
# ### How large a step?
#
# A computer keeps a number to a relative precision: float64 numbers around
# $f$ are $\varepsilon |f|$ apart or less, with $\varepsilon = 2^{-52}$, and a value is rounded to the
# nearest, so it is wrong by up to $\varepsilon |f| / 2$. Two such values make $\varepsilon |f|$, and the
# division by $2h$ makes it large: this is the *rounding error*. Together,
#
# $$E(h) = \frac{h^2}{6} |f'''| + \frac{\varepsilon |f|}{2h}.$$
#
# The first term grows with $h$, the second shrinks. Their sum is smallest where its derivative is zero:
#
# $$\frac{h}{3} |f'''| = \frac{\varepsilon |f|}{2 h^2}
#   \quad\Longrightarrow\quad h = \sqrt[3]{\frac{3 \varepsilon |f|}{2 |f'''|}} \approx \varepsilon^{1/3}
#   \quad\text{where } f''' \text{ is about as large as } f.$$
#
# There, both terms are near $\varepsilon^{2/3}$: of the 16 digits of float64, a central difference can give
# about ten, and of the 7 digits of float32 four or five. The picture has both, with $E(h)$ for comparison
# ($f''' = f$ for $e^x$).

# %%
steps = [2.0**-k for k in range(51, 0, -1)]


def errors(dtype):
    x = one.to(dtype)
    return [abs(float(central_difference(torch.exp, x, h)) / slope - 1) for h in steps]


def expected(epsilon):
    return [h**2 / 6 + epsilon / (2 * h) for h in steps]  # E(h) / |f|


panels = {}
for dtype in (torch.float64, torch.float32):
    name, epsilon = str(dtype).removeprefix("torch."), torch.finfo(dtype).eps
    found = errors(dtype)
    best = steps[found.index(min(found))]
    panels[name] = {"E(h)": (steps, expected(epsilon)), "measured": (steps, found)}
    predicted = (1.5 * epsilon) ** (1 / 3)
    print(f"{name}: the best h is {best:.0e}, (3ε/2)^(1/3) is {predicted:.0e}")

plots.show(
    plots.curves(
        panels,
        title="Central difference: rounding on the left, truncation on the right",
        xlabel="step size h",
        ylabel="relative error",
        log="xy",
    ),
    "differences.png",
)

# %% [markdown]
# Both curves are a V whose right side follows $h^2$. In float32 the V stands higher and further to the
# right. That has a consequence: `torch.autograd.gradcheck` takes $h = 10^{-6}$ unless it is told otherwise.

# %%
single = float(central_difference(torch.exp, one.float(), 1e-6))
print(f"h = 1e-6 in float32: slope {single:.3f}, right {slope:.3f}")
assert abs(single / slope - 1) > 0.005

# %% [markdown]
# In float64 that step stands near the bottom of the V; in float32, far up its left side, and the witness
# itself is wrong in the first digits. **Check derivations in float64.** The formula is the same in both; in
# float32, a check that fails says nothing.
#
# ## A slope without a difference
#
# The rounding error came from subtracting two numbers that are almost equal. There is a way without: take
# the step into the imaginary direction, $x + ih$ with $i^2 = -1$. Taylor's formula then gives
#
# $$f(x + ih) = f + i h f' - \tfrac{h^2}{2} f'' - i \tfrac{h^3}{6} f''' + \dots$$
#
# and $f'$ stands in the imaginary part, apart from $f$:
#
# $$\frac{\operatorname{Im} f(x + ih)}{h} = f' - \tfrac{h^2}{6} f''' + \dots$$
#
# Nothing is subtracted, so $h$ can be so small that the truncation error is nothing at all (Squire and
# Trapp, "Using complex variables to estimate derivatives of real functions", 1998).


# %%
def complex_step(f, x, h=1e-30):
    return f(x + 1j * h).imag / h


relative = abs(float(complex_step(torch.exp, one)) / slope - 1)
print(f"relative error of the complex step: {relative:.0e}")
assert relative < 1e-15

# %% [markdown]
# It is right to the last digit or two, and no step had to be chosen with care. But it needs a function for
# which Taylor's formula holds with a complex step: an *analytic* one. Sums, products, quotients, $e^x$ and
# what is composed of them are. An absolute value and a comparison are not, nor is a conjugate, which turns $x
# + ih$ into $x - ih$. Take $f(x) = x \cdot \bar x$, with a bar for the conjugate. It is $x^2$ for every real
# $x$, and its slope at $x = 1$ is 2. What does the complex step say?


# %%
def square(x):
    return x * x.conj()


print(f"central difference: {float(central_difference(square, one, 1e-5)):.6f}")
print(f"complex step:       {float(complex_step(square, one)):.6f}")
try:
    complex_step(torch.relu, one)
except RuntimeError as refusal:
    print(f"ReLU: {refusal}")

# %% [markdown]
# $(x + ih)(x - ih) = x^2 + h^2$ has no imaginary part: the witness says 0, and is wrong without noticing.
# That is why one witness is not enough.
#
# ## Where there is no slope
#
# $\operatorname{relu}(x) = \max(0, x)$ rises with slope 1 to the right of zero and with slope 0 to the left.
# At zero it has a kink.
#
# **Predict:** what do the central difference and PyTorch's autograd say of its slope at $x = 0$?

# %%
predict("10c")


# %%
def relu(x):
    return np.maximum(x, 0)


def relu_backward(dout, x):
    return dout * (x > 0)


h = 1e-6
print(f"from the left:      {(relu(0) - relu(-h)) / h:.2f}")
print(f"from the right:     {(relu(h) - relu(0)) / h:.2f}")
print(f"central difference: {central_difference(relu, 0, h):.2f}")
print(f"central, x = 2e-7:  {central_difference(relu, 2e-7, h):.2f}")
zero = torch.zeros(1)
for name, f in (("relu", torch.relu), ("maximum", lambda x: torch.maximum(x, zero))):
    leaf = zero.clone().requires_grad_()
    print(f"autograd, {name + ':':<9} {float(torch.autograd.grad(f(leaf), leaf)[0]):.2f}")
assert central_difference(relu, 0, h) == 0.5

# %% [markdown]
# The central difference takes the mean of both sides, ½, for every step size, and PyTorch's
# [ReLU](reference/functional/activations/relu.rst) takes 0, while its `maximum`, the same function, takes ½.
# None is wrong: there is no derivative at zero. Every line through the kink with a slope from 0 to 1 stays
# below the function, and each of these slopes is called a *subgradient* ([Activations and vanishing
# gradients](08_activations.py)). The line for $x = 2 \cdot 10^{-7}$ shows that even a point *near* the kink
# will do: the step reaches across it.
#
# ### What a checker should say there
#
# A check that fails at a kink accuses the witness, not the formula. `verify`, this package's checker,
# compares the slopes from the left and from the right, and says so instead of giving a verdict:

# %%
print(verify(relu, relu_backward, inputs=[np.zeros(1)]))

# %% [markdown]
# The slopes that it names are 0 and 1 times a factor. `verify` never asks for the slope of an output alone:
# it multiplies the output by a random upstream gradient, moves the input in a random direction, and looks at
# the number that comes out. Where it draws the inputs itself it keeps them away from zero.
#
# ## From a slope to a verdict
#
# Differences for each input number in turn give the matrix of all $\partial p_i / \partial z_j$, the
# *Jacobian* $J$. The backward gives the same matrix from one upstream gradient for each output: 1 there, 0
# elsewhere. [`verify`](reference/verify.rst) takes our forward and our backward as they are, with the cache,
# and does more than to compare the two: it says in a sentence what is wrong.

# %%
report = verify(softmax_forward, softmax_backward, shapes=[(5, 3)])
plots.show(report, "softmax.png")
assert not report

# %% [markdown]
# Every line of our algebra was true, and yet the gradient is wrong: we forgot a question. Raising $z_i$ does
# not only raise $p_i$; since the probabilities add up to one, it lowers all the others. These derivatives
# are the off-diagonal entries of the Jacobian.
#
# The name of a mistake is found backwards. For each mistake that people make, `verify` computes the gradient
# that it would lead to; if ours is that one to rounding, on several random draws, the mistake is named, and
# if none fits, the report says so. (The *residual* is the difference that is left between the two. An *ulp*,
# unit in the last place, is the distance from a number to the next one that the format has.) The last line
# tells who vouches for the right gradient. Autograd's is taken, with PyTorch's functions in the place of
# NumPy's, but only if the witnesses agree with it: central differences always, and the complex step and the
# adjoint identity (below) where they apply. The pictures show where the difference is, the V of this very
# forward, and how far the error is above what rounding explains.
#
# ## The derivation, completed
#
# For $j \ne i$ only the denominator of $p_j = e^{z_j} / \sum_k e^{z_k}$ depends on $z_i$:
#
# $$\frac{\partial p_j}{\partial z_i} = -\frac{e^{z_j} e^{z_i}}{\bigl(\sum_k e^{z_k}\bigr)^2} = -p_j p_i.$$
#
# The chain rule sums over every output through which $z_i$ reaches $L$:
#
# $$\frac{\partial L}{\partial z_i} = \sum_j g_j \frac{\partial p_j}{\partial z_i}
#   = g_i p_i - p_i \sum_j g_j p_j = p_i \Bigl(g_i - \sum_j g_j p_j\Bigr)$$


# %%
def softmax_backward_completed(dp, cache):
    p = cache
    return p * (dp - (dp * p).sum(axis=1, keepdims=True))


report = verify(softmax_forward, softmax_backward_completed, shapes=[(5, 3)])
print(report)
assert report

# %% [markdown]
# ## The same in PyTorch
#
# The rest of this page is in PyTorch, where `axis` is called `dim`. A backward without a cache is given the
# inputs again. Here are our softmax and both backwards, with `grad_output` for the upstream gradient.


# %%
def softmax(z):
    exponentials = z.exp()
    return exponentials / exponentials.sum(1, keepdim=True)


def first_try(grad_output, z):
    p = softmax(z)
    return grad_output * p * (1 - p)


def second_try(grad_output, z):
    p = softmax(z)
    return p * (grad_output - (grad_output * p).sum(1, keepdim=True))


assert not verify(softmax, first_try, shapes=[(5, 3)])
assert verify(softmax, second_try, shapes=[(5, 3)])

# %% [markdown]
# A `torch.autograd.Function` makes forward and backward into one operation; its `ctx` is the cache. PyTorch's
# own check of it is `gradcheck`, which compares the two Jacobians. Here is what it says of our first try, for
# a single example with three scores:


# %%
class FirstTry(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return softmax(z)

    @staticmethod
    def backward(ctx, grad_output):
        return first_try(grad_output, *ctx.saved_tensors)


scores = torch.randn(1, 3, dtype=torch.float64, requires_grad=True)
try:
    gradcheck(FirstTry.apply, (scores,))
except GradcheckError as complaint:
    print(complaint)

# %% [markdown]
# Whoever knows what to look for sees it there too: our matrix is zero off its diagonal.
#
# ## An upstream gradient of ones
#
# Many tests reduce the output with `.sum()` and call `backward()`. The upstream gradient is then one
# everywhere. Here is a third backward for the softmax, which returns zeros, and a backward for tanh, which
# forgets `grad_output`:


# %%
def zeros(grad_output, z):
    return torch.zeros_like(z)


def forgets(grad_output, z):
    return 1 - z.tanh() ** 2


# %% [markdown]
# **Predict:** which of the two passes a test with ones?

# %%
predict("10d")

# %%
z = torch.randn(5, 3, dtype=torch.float64)
for forward, backward in ((softmax, zeros), (torch.tanh, forgets)):
    leaf = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad(forward(leaf).sum(), leaf)
    torch.testing.assert_close(backward(torch.ones_like(z), z), expected)  # it passes
    print(verify(forward, backward, shapes=[(5, 3)]), end="\n\n")

# %% [markdown]
# Both pass, and both are wrong. The softmax's probabilities add up to one whatever $z$ is, so their sum has
# the gradient zero: put $g_j = 1$ into the formula, and $p_i (1 - \sum_j p_j) = 0$. And whatever forgets to
# multiply by the upstream gradient is right when that is one. It will also do when it stands last in a
# network, and ruin everything when it stands in the middle. **Test with a random upstream gradient.**
# `verify` does, and tells when ones would have hidden what it found.
#
# ## Squares hide a transpose
#
# Take the linear layer $z = x W^\mathsf{T}$, whose weight gradient is $\delta^\mathsf{T} x$ with the
# upstream gradient $\delta$ ([The chain rule, layer by layer](05_chain_rule.py)), and write the transpose on
# the wrong factor.


# %%
def wrong_factor(grad_output, x, weight):
    return grad_output @ weight, x.T @ grad_output


def linear(x, weight):
    return x @ weight.T


for n, d, m in ((3, 3, 3), (5, 3, 7)):
    x, weight = torch.randn(n, d), torch.randn(m, d)
    _, grad_weight = wrong_factor(torch.randn(n, m), x, weight)
    fits = "fits" if grad_weight.shape == weight.shape else "does not fit"
    print(f"N = {n}, D = {d}, M = {m}: {tuple(grad_weight.shape)} for {tuple(weight.shape)} {fits}")

print(verify(linear, wrong_factor, shapes=[(3, 3), (3, 3)]).verdicts[1])

# %% [markdown]
# With squares the mistake runs; its numbers alone give it away. With three different sizes it cannot be
# returned. The best sizes are different **primes**: then no product of some sizes equals a product of
# others, and even a `reshape` cannot make a wrong thing fit by accident.
#
# ## A test without a step size
#
# A backward computes $J^\mathsf{T} v$, the upstream gradient $v$ pulled back through the Jacobian. The other
# direction is $J u$: how the output changes when the input moves along $u$. It is called *forward mode*, and
# can be derived by itself. For the softmax, with $\dot z$ for the movement $u$ of the input and $\dot p$ for
# that of the output,
#
# $$\dot p_j = \sum_i \frac{\partial p_j}{\partial z_i} \dot z_i
#   = p_j \Bigl(\dot z_j - \sum_i p_i \dot z_i\Bigr).$$
#
# Write $\langle a, b \rangle$ for the sum of the products of all entries. Then, since it is the same sum in
# another order,
#
# $$\langle v, J u \rangle = \sum_{j, i} v_j J_{ji} u_i = \langle J^\mathsf{T} v, u \rangle.$$
#
# This is the *adjoint identity*. Draw $v$ and $u$ at random: two numbers that must agree to rounding. No
# step size is chosen, all entries of the Jacobian take part, and it costs two passes, however large the
# model.


# %%
def pushed_forward(z, u):
    p = softmax(z)
    return p * (u - (p * u).sum(1, keepdim=True))


z, u, v = (torch.randn(5, 3, dtype=torch.float64) for _ in range(3))
forward_slope = (v * pushed_forward(z, u)).sum()
torch.testing.assert_close(pushed_forward(z, u), torch.func.jvp(softmax, (z,), (u,))[1])
for backward in (first_try, second_try):
    difference = (backward(v, z) * u).sum() - forward_slope
    print(f"{backward.__name__}: ⟨v, J u⟩ and ⟨Jᵀ v, u⟩ differ by {difference.abs():.0e}")
    assert (difference.abs() < 1e-14) == (backward is second_try)

# %% [markdown]
# What it proves is that both directions come from *the same* Jacobian. If both share a mistake, they agree.
# So this, too, is one witness among others.
#
# ## A whole model
#
# `verify(model, against=…)` compares a model that uses its own backwards with one that does not, and judges
# the gradient of its input and of every parameter. The loss can come along as the second of a pair. Here are
# two layers from this package's [`nn`](reference/nn.rst) with its
# [cross-entropy](reference/functional/losses/cross_entropy.rst).

# %%
ours = torch.nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 7)).double()
theirs = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 7))
theirs.double()
labels = torch.tensor([6, 2])
with_loss, reference = (ours, F.cross_entropy), (theirs, torch.nn.functional.cross_entropy)
report = verify(with_loss, against=reference, shapes=[(2, 3), labels])
print(report)
assert report

# %% [markdown]
# Now our first softmax, whose forward is right and whose backward is wrong, takes the place of the tanh.
#
# **Predict:** again, five gradients are judged: of the input, $W^1$, $b^1$, $W^2$ and $b^2$. Which are
# wrong?

# %%
predict("10e")


# %%
class Softmax(torch.nn.Module):
    def forward(self, z):
        return FirstTry.apply(z)


ours[1], theirs[1] = Softmax(), torch.nn.Softmax(dim=1)
report = verify(ours, against=theirs, shapes=[(2, 3)])
print(report)
assert [verdict.status for verdict in report.verdicts] == ["wrong"] * 3 + ["right"] * 2

# %% [markdown]
# A wrong backward spoils what comes after it *on the way back*: everything before it in the network. $W^2$
# and $b^2$ lie between it and the output, and are right. So look for the last wrong one in the list: the
# mistake is just after it. Here, `verify` even names the step.
#
# ## The line that departs
#
# In a derivation of many lines we want to know which of them is wrong. Here is a network with two hidden
# layers and a squared error, in plain PyTorch, and a backward that someone wrote for it. It runs, and each
# gradient has the right shape.


# %%
def network(x, W1, b1, W2, b2, W3, b3, t):
    a1 = torch.tanh(x @ W1.T + b1)
    a2 = torch.tanh(a1 @ W2.T + b2)
    z3 = a2 @ W3.T + b3
    return ((z3 - t) ** 2).sum(1).mean()


def network_backward(grad_output, x, W1, b1, W2, b2, W3, b3, t):
    a1 = torch.tanh(x @ W1.T + b1)
    a2 = torch.tanh(a1 @ W2.T + b2)
    z3 = a2 @ W3.T + b3

    delta3 = grad_output * 2 * (z3 - t) / len(x)
    delta2 = delta3 @ W3 * (1 - a1**2)
    delta1 = delta2 @ W2 * (1 - a1**2)
    dW3, dW2, dW1 = delta3.T @ a2, delta2.T @ a1, delta1.T @ x
    db3, db2, db1 = delta3.sum(0), delta2.sum(0), delta1.sum(0)
    return delta1 @ W1, dW1, db1, dW2, db2, dW3, db3, -delta3


# %% [markdown]
# **Predict:** one line of it is wrong. Which one?

# %%
predict("10f")

# %%
shapes = "(3,7) (5,7) (5,) (5,5) (5,) (2,5) (2,) (3,2)"
report = verify(network, network_backward, shapes=shapes)
print(report)
assert [verdict.status for verdict in report.verdicts] == ["wrong"] * 5 + ["right"] * 3

# %% [markdown]
# Five gradients are wrong, because of one line. The report quotes it: `delta3 @ W3` is right, but the slope
# after it is that of the layer below. $\delta^2$ needs $\tanh'(z^2) = 1 - (a^2)^2$, the square of what layer
# 2 made. Two hidden layers of the same size hide the mistake from the shapes.
#
# To find the line, `verify` derives the right backward from the forward, step by step. Then it follows ours
# in the same way, and looks for each of our values among the right ones, be it transposed, negated or scaled.
# The first line whose value is not found there has departed. Names and order are ours to choose.
#
# ## The lines that are due
#
# The right lines can be had without a mistake, too. [`derive`](reference/derive.rst) takes the forward alone.
# [The chain rule, layer by layer](05_chain_rule.py) says how to read what it shows:

# %%
derivation = derive(network, shapes=shapes)
plots.show(derivation, "network.md")

# %% [markdown]
# What is due is the line of `dz2`, with `a2`. As the last line says, the derivation was itself compared with
# autograd before it was shown.
#
# It is also code. `derivation.source()` is a file that imports PyTorch alone, with a `forward` that keeps
# what the `backward` needs. Asked with a forward in NumPy, `derive` answers in NumPy, cache and all:

# %%
print(derive(softmax_forward, shapes=[(5, 3)]).source())

# %% [markdown]
# And it can be judged as ours was. `derivation.function()` is a `torch.autograd.Function`:

# %%
report = verify(derivation.function(), against=network, shapes=shapes)
print(report)
assert report

# %% [markdown]
# ## From the command line
#
# A file is judged without writing any more code: each pair in it that is named as ours are here, with shapes
# that are found by trying, or given with `--shapes "(5,3)"`. And the right backward of a forward is derived:
#
# ```sh
# manual-backprop verify layers.py
# manual-backprop derive layers.py:sigmoid_forward
# ```
#
# The exit code of `verify` is 0 for right, 1 for wrong, and 3 where the witnesses disagree, so that a script
# can ask too. In a test of your own, `assert_gradients` from `manual_backprop.testing` takes what `verify`
# takes, and fails with its report; `pytest --verify-gradients layers.py` makes a test of each pair of a file.
# The next cell does what the commands do from Python.

# %%
content = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)

def sigmoid_forward(x):
    return 1 / (1 + np.exp(-x)), x

def sigmoid_backward(dout, x):
    return dout * x * (1 - x)
"""
with TemporaryDirectory() as folder:
    file = Path(folder) / "layers.py"
    file.write_text(content)
    exit_code = main(["verify", str(file)])
    print(f"exit code {exit_code}\n")
    main(["derive", f"{file}:sigmoid_forward", "--shapes", "(5,3)"])
assert exit_code == 1

# %% [markdown]
# ## In short
#
# - Random inputs in float64, away from kinks; a random upstream gradient; sizes that are different primes.
# - A central difference has a best step, near $\varepsilon^{1/3}$, and even there half the digits or fewer
#   are lost. The complex step and the adjoint identity lose none, where they apply.
# - Before blaming the formula, ask whether the witness is right: the kink, the precision, the step.
#
# ## Exercises
#
# **10.1** A step to one side, $(f(x + h) - f(x))/h$, also has a best step. Bound its truncation error and
# its rounding error as above, add them, and find the $h$ for which the sum is smallest, for $f(x) = e^x$ in
# float64 ($\varepsilon = 2^{-52}$).

# %%
answer = ...
check("10.1", answer)

# %% [markdown]
# **10.2** For once, derive something wrong. Write a backward of `z.log_softmax(1)` (of shape $(N, C)$) that
# is wrong, but that a test with an upstream gradient of ones would accept. With $g$ for the upstream
# gradient, the right one is $g_i - p_i \sum_j g_j$.


# %%
def fools_ones(grad_output, z):
    return ...


check("10.2", fools_ones)

# %% [markdown]
# **10.3** Derive the backward of $y_i = x_i / \lVert x \rVert$ with $\lVert x \rVert = \sqrt{\sum_j x_j^2}$,
# which gives each row of $x$ the length one. Then write it for `x` of shape $(N, D)$. Judge it on paper
# first: which outputs depend on $x_i$?


# %%
def normalised_backward(grad_output, x):
    return ...


check("10.3", normalised_backward)
