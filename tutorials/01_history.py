# %% [markdown]
# # Where it came from
#
# Why can no network of one layer learn a certain table of four rows? Two layers can. Why did decades pass
# before they were taught to, and decades more before networks recognised photographs?
#
# The missing piece was the chain rule of school calculus, applied in the right order; this package writes it
# out for every operation. This page shows what it was needed for: first on the four rows, then in the order
# of the years.

# %%
from itertools import product

import torch

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check, predict

# %% [markdown]
# ## 1958: a neuron that learns
#
# Frank Rosenblatt's perceptron ("The perceptron: a probabilistic model for information storage and
# organization in the brain", 1958) learns from examples. In its simplest form one layer learns; what stands
# before it is wired at random and stays as it is. A neuron of that layer takes inputs $x_1, x_2, \dots$, has
# a *weight* $w_i$ for each and a *bias* $b$, and says 1 if the weighted sum is positive, else 0:
#
# $$z = w_1 x_1 + w_2 x_2 + b, \qquad a = \begin{cases} 1 & \text{if } z > 0 \\ 0 & \text{else} \end{cases}$$
#
# It learns from examples $x$ with a target $t$ by the *perceptron rule* (the error correction procedure of
# Rosenblatt's *Principles of Neurodynamics*, 1962): take the examples one by one; where the answer $a$ is
# right, do nothing; where it should have been 1, add the input to the weights; where it should have been 0,
# subtract it. The bias is treated as the weight of an input that is always 1. In one line, since $t - a$ is
# 0, 1 or $-1$:
#
# $$w \leftarrow w + (t - a)\,x, \qquad b \leftarrow b + (t - a)$$

# %%
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # the four rows
targets = {
    "AND": torch.tensor([0.0, 0.0, 0.0, 1.0]),
    "OR": torch.tensor([0.0, 1.0, 1.0, 1.0]),
    "XOR": torch.tensor([0.0, 1.0, 1.0, 0.0]),  # one or the other, not both
}


def perceptron_rule(t, rounds):
    """The mistakes in each round through the examples, and w₁, w₂ and b after it."""
    w, b = torch.zeros(2), torch.tensor(0.0)
    mistakes, states = [], []
    for _ in range(rounds):
        wrong = 0
        for n in range(4):
            a = float(w @ x[n] + b > 0)
            w = w + (t[n] - a) * x[n]
            b = b + (t[n] - a)
            wrong += int(a != t[n])
        mistakes.append(wrong)
        states.append((*w.tolist(), b.item()))
    return mistakes, states


for name in ("AND", "OR"):
    mistakes, states = perceptron_rule(targets[name], rounds=8)
    print(f"{name:3}: mistakes in each round {mistakes}")
    print(f"     ends with (w₁, w₂, b) = {states[-1]}")

# %% [markdown]
# Both are learned: a round without a mistake changes nothing, so no later round will. If *some* weights and
# bias get all examples right, the rule finds such ones after finitely many corrections, whatever the examples
# (the perceptron convergence theorem; a short proof: Novikoff, "On convergence proofs on perceptrons", 1962).
#
# XOR, exclusive or, is the table with $t = 1$ if exactly one of the inputs is 1.
#
# **Predict:** how many mistakes, of four, does the rule make on XOR in its hundredth round?

# %%
predict("1a")

# %%
mistakes, states = perceptron_rule(targets["XOR"], rounds=100)
print("mistakes in rounds 1 to 8:", mistakes[:8])
for n in range(5):
    print(f"after round {n + 1}: (w₁, w₂, b) = {states[n]}")
print(f"after round 100: {states[99]}, mistakes in it: {mistakes[99]}")
assert predict("1a", mistakes[99])
assert states[99] == states[2]
assert mistakes[2:] == [4] * 98

# %% [markdown]
# Every answer is wrong from the third round on. The four corrections of a round cancel, so each round ends
# where it began. What the rule does next depends on nothing but $w$ and $b$, so it runs through the same
# circle for ever.

# %%
rounds = range(1, 11)
plots.show(
    plots.curves(
        {name: (rounds, perceptron_rule(t, rounds=10)[0]) for name, t in targets.items()},
        title="AND and OR come to rest, XOR goes round in a circle",
        xlabel="round through the four examples",
        ylabel="mistakes (of 4)",
        markers=True,
    ),
    "perceptron_rule.png",
)

# %% [markdown]
# ## The rule's fault, or the neuron's?
#
# Write $z_{00}, z_{01}, z_{10}, z_{11}$ for the weighted sums of the four rows. Whatever the weights and
# the bias,
#
# $$z_{00} + z_{11} = (b) + (w_1 + w_2 + b) = (w_2 + b) + (w_1 + b) = z_{01} + z_{10}$$
#
# XOR asks for $z_{00} \le 0$ and $z_{11} \le 0$, so the left side must not be positive, and for $z_{01} > 0$
# and $z_{10} > 0$, so the right side must be. Both sides are equal: **no weights and no bias exist.** The
# points where $z = 0$ form a straight line in the plane, with the answers 1 on one side of it; that is why
# one says that XOR is *not linearly separable*.
#
# ## Does a smoother neuron help?
#
# The step from 0 to 1 gives no hint which way to go: its slope is 0 wherever it has one. Replace it with the
# sigmoid $\sigma(z) = 1 / (1 + e^{-z})$, which rises smoothly from 0 to 1, and read $a = \sigma(z)$ as the
# neuron's belief that the target is 1. As the *loss* of an example take $-\log a$ if $t = 1$ and
# $-\log(1 - a)$ if $t = 0$: nothing for a sure and right answer, much for a sure and wrong one. With the
# definition of $\sigma$, both cases are
#
# $$\ell(z, t) = \log(1 + e^{z}) - t z, \qquad
#   \frac{\partial \ell}{\partial z} = \frac{e^z}{1 + e^z} - t = \sigma(z) - t = a - t$$
#
# (for the third step, divide numerator and denominator by $e^z$). The derivative is the error of the belief.
# $L$ is the mean of the losses over the $N = 4$ examples. *Gradient descent* takes small steps downhill,
# $w \leftarrow w - \eta\, \partial L/\partial w$, with a small number $\eta$, the *learning rate*; [Gradient
# descent](06_gradient_descent.py) is a page of its own. Since $z = w_1 x_1 + w_2 x_2 + b$, the chain rule
# says $\partial \ell/\partial w_i = (a - t)\, x_i$. Up to the factor $\eta$ the step is the perceptron rule,
# $w + (t - a)\,x$, with a belief in place of a yes or no. This is *logistic regression*.
#
# **Predict:** what are the four beliefs, for the rows 00, 01, 10 and 11 of XOR, after thousands of steps?

# %%
predict("1b")

# %%
t = targets["XOR"]
torch.manual_seed(0)
w, b = torch.randn(2), torch.randn(())
lr = 0.5


def beliefs(x):
    return torch.sigmoid(x @ w + b)


for step in range(5001):
    a = beliefs(x)
    if step in (0, 10, 100, 1000, 5000):
        loss = -(t * a.log() + (1 - t) * (1 - a).log()).mean()
        print(f"step {step:4}: loss {loss:.4f}, beliefs {[round(float(p), 3) for p in a]}")
    delta = (a - t) / 4  # ∂L/∂z, with the 1/N of the mean
    w = w - lr * x.T @ delta
    b = b - lr * delta.sum()
torch.testing.assert_close(a, torch.full((4,), 0.5), rtol=0, atol=1e-3)

# %% [markdown]
# One half, four times: it learned to say that it does not know, at a loss of $\log 2 \approx 0.693$. Nothing
# went wrong. No weights of one neuron do better, and the reason is again $z_{00} + z_{11} = z_{01} + z_{10}$.
# Call both sides $2m$. The curve $s(z) = \log(1 + e^z)$ bends upwards, since its slope $\sigma(z)$ grows with
# $z$. So its mean at two points is at least its value in the middle between them. And $\ell = s(z)$ for
# $t = 0$, $\ell = s(z) - z = s(-z)$ for $t = 1$, so
#
# $$4L = s(z_{00}) + s(z_{11}) + s(-z_{01}) + s(-z_{10}) \;\ge\; 2 s(m) + 2 s(-m) \;\ge\; 4 s(0) = 4 \log 2$$
#
# where the last step takes the middle between $m$ and $-m$. Both are equalities only if all four $z$ are 0.
#
# ## Two layers, made by hand
#
# XOR is "one or the other" and "not both". So it takes a neuron that computes OR, one that computes NAND (not
# AND), and a third that computes the AND of the two. The first two form a *hidden layer*. In matrices, one
# row of $W$ for each neuron:

# %%
W1 = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
b1 = torch.tensor([-0.5, 1.5])  # OR and NAND
W2 = torch.tensor([[1.0, 1.0]])
b2 = torch.tensor([-1.5])  # AND


def hidden_by_hand(x):
    return (x @ W1.T + b1 > 0).float()


def by_hand(x):
    return (hidden_by_hand(x) @ W2.T + b2 > 0).float()


print("x₁ x₂   OR NAND   XOR")
for row, hidden, out in zip(x, hidden_by_hand(x), by_hand(x)):
    print(f" {row[0]:.0f}  {row[1]:.0f}    {hidden[0]:.0f}  {hidden[1]:.0f}      {out.item():.0f}")
assert torch.equal(by_hand(x).flatten(), t)

models = {"one layer, trained": beliefs, "two layers, by hand": by_hand}
plots.show(plots.decision_regions(models, x, t), "one_and_two_layers.png")

# %% [markdown]
# One layer has the same belief everywhere. Two have a strip between two lines, which no single line can cut
# out. That networks of threshold neurons can compute such functions was no news: McCulloch and Pitts built
# logic out of them in "A logical calculus of the ideas immanent in nervous activity" (1943). But how does a
# hidden layer *learn*? The perceptron rule does not say: the table has what the last neuron should answer,
# but not what the hidden ones should.
#
# ## 1969: what Minsky and Papert showed
#
# *Perceptrons*, by Marvin Minsky and Seymour Papert, is often cited for XOR. It proves more than that, and
# less than is often said of it. Their perceptron, like Rosenblatt's, has *features* between the input and the
# one neuron that learns: functions $\varphi$ of the input, each as complicated as one likes but fixed in
# advance. The question is how many of the inputs each feature has to look at; the least such number is the
# *order* of the problem. One feature that sees both inputs is enough for XOR:
#
# $$z = x_1 + x_2 - 2\,x_1 x_2 - \tfrac12$$
#
# So XOR has order 2: features of one input each, which is $0$ or $1$, say no more than the input itself and a
# constant, and these are not enough, as we saw. *Parity* is XOR for more inputs: whether an odd number of
# them is 1.
#
# **Predict:** what is the order of parity with five inputs? As many features as one likes are allowed.

# %%
predict("1c")

# %% [markdown]
# It is five: at least one feature must look at *everything*. They proved it for any number $D$ of inputs.
# Here is a short argument. Write $s(x) = 1$ where parity is odd and $s(x) = -1$ where it is even. A neuron
# that gets it right, with its sums shifted a little so that none is 0, has $s(x)\, z(x) > 0$ for every $x$,
# so $\sum_x s(x)\, z(x) > 0$ over all $2^D$ inputs. But take a feature that does not look at input $i$. Flip
# $x_i$: the feature stays, the parity changes. So the inputs fall into pairs that cancel in
# $\sum_x s(x)\, \varphi(x)$, which is 0. If every feature ignores some input, then $z$, a weighted sum of
# them (and of 1, which ignores all), gives 0 too: a contradiction. For $D = 2$, with the features $x_1$ and
# $x_2$, this is the proof above.

# %%
D = 5
everything = torch.tensor(list(product([0, 1], repeat=D)))  # all 32 inputs
sign = 2 * (everything.sum(1) % 2) - 1
torch.manual_seed(0)
for ignored in range(D):
    seen = everything[:, [i for i in range(D) if i != ignored]]
    case = (seen * 2 ** torch.arange(D - 1)).sum(1)  # 0 to 15: all that it can see
    feature = torch.randint(-9, 10, (2 ** (D - 1),))[case]  # any function of them
    total = int((sign * feature).sum())
    print(f"a random feature that ignores input {ignored + 1}: Σ s φ = {total}")
    assert total == 0
print(f"parity itself, which sees all five:        Σ s φ = {int((sign * sign).sum())}")
assert predict("1c", D)

# %% [markdown]
# Whether a drawn figure is *connected* has no bound on its order either: it grows with the size of the
# picture. That is another theorem of the book.
#
# ### What they did not show
#
# They did not show that networks whose hidden layers *learn* are just as limited. Of those, the book has only
# a judgement, and says that it is one: the authors expected nothing of an extension to many layers, and left
# it to research to confirm or to reject that. The network by hand above is a proof that two layers represent
# XOR. The problem was learning.
#
# ## 1970 to 1986: the chain rule, backwards
#
# If every neuron is smooth, the loss is a smooth function of *all* weights, hidden ones too, and each has a
# derivative that says which way to change it. What is needed is a cheap way to get all derivatives at once:
# apply the chain rule from the loss backwards, layer by layer, and use each intermediate result for
# everything before it. That is backpropagation, and it was found more than once. Optimal control, which asks
# how best to steer an aircraft or a rocket, had such backward sweeps by 1960 (Kelley, "Gradient theory of
# optimal flight paths"), and gradient descent for hidden neurons had been proposed by 1967 (Amari, "A theory
# of adaptive pattern classifiers").
#
# - **Seppo Linnainmaa**'s master's thesis (Helsinki, 1970) has the method for arbitrary chains of operations,
#   to estimate how rounding errors accumulate. It does not speak of neural networks.
# - **Paul Werbos**'s thesis (*Beyond Regression: New Tools for Prediction and Analysis in the Behavioral
#   Sciences*, Harvard, 1974) uses such derivatives to fit models of many steps to data; in 1982 he published
#   their use for neural networks ("Applications of advances in nonlinear sensitivity analysis").
# - **David Rumelhart, Geoffrey Hinton and Ronald Williams** ("Learning representations by back-propagating
#   errors", 1986) showed what comes of it: hidden neurons that learn to stand for features of the task. They
#   name David Parker and Yann LeCun, who had found similar procedures independently.
#
# ## Let the hidden layer learn
#
# As in the paper of 1986: sigmoids everywhere, the squared distance from the target as the loss, all examples
# in each step. `F.linear`, `F.sigmoid` and `F.mse_loss` are this package's own, each with its gradients
# written by hand, and these are what `torch.autograd.grad` calls below.


# %%
def network(x, W1, b1, W2, b2):
    a1 = F.sigmoid(F.linear(x, W1, b1))
    return F.sigmoid(F.linear(a1, W2, b2)).squeeze(1)


def train(seed, hidden, lr=5.0):
    """The parameters after 1,000 steps from random ones, and the outputs for the rows."""
    torch.manual_seed(seed)
    shapes = [(hidden, 2), (hidden,), (1, hidden), (1,)]
    parameters = [torch.randn(shape).requires_grad_() for shape in shapes]
    for _ in range(1000):
        loss = F.mse_loss(network(x, *parameters), t)
        gradients = torch.autograd.grad(loss, parameters)  # by the hand-written backwards
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= lr * gradient
    return parameters, network(x, *parameters).detach()


def learned(outputs):
    return bool(((outputs - t).abs() < 0.25).all())


# %% [markdown]
# The network starts from random weights. A different start is a different run.
#
# **Predict:** the network by hand has two hidden neurons, so two are enough. Of ten starts with two hidden
# neurons, how many learn XOR in 1,000 steps?

# %%
predict("1d")

# %%
runs = [train(seed, hidden=2) for seed in range(10)]
for seed, (_, outputs) in enumerate(runs):
    result = "learned" if learned(outputs) else "stuck"
    print(f"start {seed}: {[round(float(a), 2) for a in outputs]}  {result}")
with_two = sum(learned(outputs) for _, outputs in runs)
print(f"{with_two} of 10 starts learned XOR")
assert 5 < with_two < 10

# %% [markdown]
# The rows are 00, 01, 10 and 11, so the right outputs are 0, 1, 1, 0. Most starts learn it, some do not:
# those give two of the rows nearly the same answer, near one half. To call it stuck is to say that 1,000
# steps did not get it there, no more. A *local minimum* would be worse: weights from which no small step
# leads down. Whether this loss has any was a question of its own (Hamey, "XOR has no local minima: a case
# study in neural network error surface analysis", 1998). But without any, too, a slope may be so gentle that
# the way down takes very long.

# %%
good = next(parameters for parameters, outputs in runs if learned(outputs))
bad = next(parameters for parameters, outputs in runs if not learned(outputs))
models = {
    "learned": lambda x: network(x, *good),
    "stuck": lambda x: network(x, *bad),
}
plots.show(plots.decision_regions(models, x, t), "learned_and_stuck.png")

# %% [markdown]
# The start that learned has found a strip of its own, with smooth borders.
#
# ### Four hidden neurons
#
# Two hidden neurons have nine numbers to learn, four have 17, for a task that two neurons can do.
#
# **Predict:** how many of the same ten starts learn XOR with four hidden neurons?

# %%
predict("1e")

# %%
with_four = sum(learned(train(seed, hidden=4)[1]) for seed in range(10))
print(f"2 hidden neurons: {with_two} of 10 starts learned XOR")
print(f"4 hidden neurons: {with_four} of 10 starts learned XOR")
assert with_four > with_two

# %% [markdown]
# Here, more hidden neurons than the task needs made it easier to learn: with more weights there are more
# directions in which the loss may fall. The paper of 1986 says the same of its own failures: they occurred in
# networks with just enough connections, and a few more helped. Ten starts are few, and a different learning
# rate or other initial weights give other counts ([Initialisation](07_initialisation.py) shows how much these
# matter).
#
# ## Why it waited again
#
# In their review, LeCun, Bengio and Hinton ("Deep learning", 2015) tell what followed. In the late 1990s most
# of machine learning turned away from neural networks; it was widely thought that plain gradient descent
# would be trapped in poor local minima. Then, by their account and the papers that they cite, came three
# things.
#
# - **A way to start.** Hinton, Osindero and Teh ("A fast learning algorithm for deep belief nets", 2006)
#   learned a deep network one layer at a time, the lower ones without labels. This helped to revive the
#   interest in depth. It was not backpropagation, and later, says the review, it turned out to be needed for
#   small data sets only.
# - **Data.** ImageNet's contest had 1.2 million labelled photographs of 1,000 classes.
# - **Computing power.** Krizhevsky, Sutskever and Hinton ("ImageNet classification with deep convolutional
#   neural networks", 2012) trained 60 million parameters on graphics processors. A
#   variant of their network won the contest of 2012: for 15.3 % of the test images the right class was not
#   among its five best guesses. The second-best entry missed 26.2 %.
#
# The gradients of 2012 were computed by the rule of 1986. They are what the other pages of these tutorials
# are about, on a task of a size in between: digits that people wrote. They start with [A neuron, a layer, a
# network](02_network.py).
#
# ## Exercises
#
# **1.1** There are 16 tables like AND, OR and XOR: one for each choice of four targets. How many of them can
# a single neuron with a threshold compute?

# %%
answer = ...
check("1.1", answer)

# %% [markdown]
# **1.2** Is the perceptron rule a gradient descent too? Let $s_n = 2 t_n - 1$, which is 1 for the target 1
# and $-1$ for the target 0, and take the loss $\ell_n = \max(0, -s_n z_n)$: nothing for a right answer,
# $|z_n|$ for a wrong one. The targets are those of XOR, $t = (0, 1, 1, 0)$, which are `t` on this page.
# Something is computed from the four losses; `grad_output` is the derivative of its result with respect to
# each $\ell_n$. Return the derivative with respect to each $z_n$. (At $z_n = 0$ the loss has a corner: there
# any slope will do.)


# %%
def answer(grad_output, z):
    return ...


check("1.2", answer)


# %% [markdown]
# **1.3** Make a network of threshold neurons by hand that computes the parity of *three* inputs: 1 if one or
# three of them are 1. Give $W^1$ (one row of three weights for each hidden neuron, as many as you like),
# $b^1$, $W^2$ (one row) and $b^2$ (one number). A neuron says 1 where its weighted sum is positive. A hint:
# let each hidden neuron say whether *at least so many* of the inputs are 1.

# %%
W1, b1, W2, b2 = ..., ..., ..., ...
check("1.3", (W1, b1, W2, b2))
