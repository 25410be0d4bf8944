# %% [markdown]
# # How a child learns, and how a network does
#
# A child who has been shown one giraffe recognises the next one. How many digits must a network be shown? And
# could anything in a brain do what `backward` does?
#
# The units of a network are called neurons, and its weights were once meant as synapses. This page measures
# where the two part: in the number of examples, in the way an error travels back, in how exact it has to be,
# and in what is forgotten. It ends each time at what is known of brains, which is less than one would like.

# %%
from math import sqrt

import torch

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

digits, _ = load("sample")
images, labels = digits.train_images, digits.train_labels


def initial(seed):
    generator = torch.Generator().manual_seed(seed)
    parameters = []
    for D, M in ((784, 128), (128, 10)):
        weight = torch.randn(M, D, generator=generator) * sqrt(2 / D)
        parameters += [weight.requires_grad_(), torch.zeros(M, requires_grad=True)]
    return parameters


def scores(x, parameters):
    W1, b1, W2, b2 = parameters
    return F.linear(F.relu(F.linear(x, W1, b1)), W2, b2)


def step(parameters, x, y, scores=scores, lr=0.1):
    loss = F.cross_entropy(scores(x, parameters), y)
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for w, gradient in zip(parameters, gradients):
            w -= lr * gradient


def percent_right(parameters, x=digits.test_images, y=digits.test_labels):
    with torch.no_grad():
        return 100 * (scores(x, parameters).argmax(1) == y).float().mean().item()


# %% [markdown]
# It is the network of [Training on MNIST](09_training.py), 784-128-10, with the same $\eta$ and batches.
# There it read about 92 % of the test images after it had gone through 4,000 training images twenty times.
#
# ## How many examples
#
# Now it gets a few images of each digit, and 200 updates, which is enough to read all of them without a
# mistake.
#
# **Predict:** from *one* image of each digit, ten in all, how many per cent of the test images will it read?
# Guessing gets 10.

# %%
predict("17a")


# %%
def learned_from(count, seed, updates=200):
    """Per cent of the test images right, after learning from so many images of each digit."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(labels), generator=generator)
    chosen = torch.cat([shuffled[labels[shuffled] == digit][:count] for digit in range(10)])
    parameters = initial(seed)
    for _ in range(updates):
        rows = chosen[torch.randint(len(chosen), (64,), generator=generator)]
        step(parameters, images[rows], labels[rows])
    return percent_right(parameters)


counts = (1, 3, 10, 30, 100, 400)
found = {count: [learned_from(count, seed) for seed in range(5)] for count in counts}
means = [sum(found[count]) / 5 for count in counts]
for count, mean in zip(counts, means):
    draws = ", ".join(f"{percent:.0f}" for percent in found[count])
    print(f"{count:3} of each digit: {mean:4.1f} % right, the mean of five draws ({draws})")
assert predict("17a", means[0])
assert means == sorted(means)

plots.show(
    plots.curves(
        {"test images": ([10 * count for count in counts], means)},
        title="Ten times as many images remove more than half of the mistakes",
        xlabel="training images",
        ylabel="images classified right (%)",
        log="x",
        ylim=(0, 100),
        markers=True,
    ),
    "examples.png",
)

# %% [markdown]
# One example is worth something: more than three times as much as guessing. To get nine out of ten right
# takes about a hundred of each.
#
# ### The child
#
# People do better. Shown a single character of an alphabet that is new to them, they pick out another drawing
# of it among twenty (Lake, Salakhutdinov and Tenenbaum, "Human-level concept learning through probabilistic
# program induction", *Science* 350, 2015). Two-year-olds can match a new word to a new object at the first
# hearing (Spiegel and Halberda, "Rapid fast-mapping abilities in 2-year-olds", 2011), although whether they
# still know it a few minutes later depends on how they are taught (Horst and Samuelson, "Fast mapping but
# poor retention by 24-month-old infants", 2008).
#
# The comparison is not fair, though. The network above started from noise: it has never seen a stroke, an
# edge, or that a thing which is moved stays the same thing. A child of two has looked about for thousands of
# hours, and has a brain that evolution has shaped. What has been learned before helps to learn the next
# thing, in networks too, where it is called *transfer*. So the question is not only how many examples one
# learns from, but what one brings along. Lake, Ullman, Tenenbaum and Gershman ("Building machines that learn
# and think like people", 2017) set out what children bring.
#
# ## What is alike, and what is not
#
# | | the network | the brain |
# |---|---|---|
# | a unit | a weighted sum, then a function | many inputs, summed and more, along a branched tree |
# | what it sends | a number | mostly short pulses, all of about the same size |
# | what learning changes | weights | synapses, for the most part; also which ones there are |
# | what changes it | its share in one loss, $\delta_j a_i$ | the activity of both cells; signals to many |
# | the way back | the same weights, transposed | synapses transmit one way; others lead back |
# | when | forward, then backward, then the update | no known stop in between |
# | what travels back | an exact number with a sign, one for each unit | not known |
#
# The last four rows are the reasons that Francis Crick gave, among others, why the brain is unlikely to run
# backpropagation as it stands ("The recent excitement about neural networks", *Nature* 337, 1989). Two of
# them can be put to the test here: give the network what a brain could have, and see whether it still learns.
#
# ## A way back of its own
#
# The backward of the two layers is, with $\delta^2 = (p - t)/N$ and the slope $f'$ of the hidden units,
#
# $$\delta^1 = \delta^2\, W^2 \odot f'(z^1), \qquad
#   \frac{\partial L}{\partial W^2} = {\delta^2}^\top a^1, \qquad
#   \frac{\partial L}{\partial W^1} = {\delta^1}^\top x.$$
#
# Look at what each weight needs. $\delta_j a_i$ is a product of what is at its two ends; a synapse could have
# that at hand. But $\delta^1$ is computed with $W^2$, the weights of *other* synapses, which transmit from
# hidden units to outputs. To send errors back, there have to be connections from the outputs to the hidden
# units, and they would need the same strengths, one by one, and would have to be changed whenever those
# change. No mechanism is known that does it: this is the **weight transport** problem (Grossberg,
# "Competitive learning: from interactive activation to adaptive resonance", *Cognitive Science* 11, 1987).
#
# Suppose that the way back has weights $B$ of its own: random numbers, which know nothing of $W^2$ and never
# change,
#
# $$\delta^1 = \delta^2\, B \odot f'(z^1).$$
#
# As an operation, it is a linear layer with a backward that is wrong on purpose.


# %%
class FeedbackLinear(torch.autograd.Function):
    """z = x Wᵀ + b, whose backward has a fixed B where W belongs."""

    @staticmethod
    def forward(ctx, x, W, b, B):
        ctx.save_for_backward(x, B)
        return F.linear(x, W, b)

    @staticmethod
    def backward(ctx, delta):
        x, B = ctx.saved_tensors
        return delta @ B, delta.T @ x, delta.sum(0), None  # the true one: delta @ W


def scores_with(B):
    def feedback_scores(x, parameters):
        W1, b1, W2, b2 = parameters
        return FeedbackLinear.apply(F.relu(F.linear(x, W1, b1)), W2, b2, B)

    return feedback_scores


# %% [markdown]
# Two runs to compare it with: backpropagation, and $B = 0$, which sends nothing back, so that $W^1$ stays the
# random numbers that it started as and only the last layer learns.


# %%
def train(scores, epochs=10, look=lambda x, y, parameters: None):
    """The test accuracy before and after each epoch; `look` is called at every update."""
    parameters = initial(seed=0)
    generator = torch.Generator().manual_seed(1)
    curve = [percent_right(parameters)]
    for _ in range(epochs):
        for rows in torch.randperm(len(images), generator=generator).split(64):
            look(images[rows], labels[rows], parameters)
            step(parameters, images[rows], labels[rows], scores)
        curve.append(percent_right(parameters))
    return curve


curves = {"backpropagation": train(scores), "last layer only": train(scores_with(torch.zeros(10, 128)))}
final = {name: sum(curve[-3:]) / 3 for name, curve in curves.items()}  # a single epoch's wavers
for name, percent in final.items():
    print(f"{name}: {percent:.0f} % of the test images right, the mean of the last three of ten epochs")

# %% [markdown]
# **Predict:** what does the network with the random way back reach?

# %%
predict("17b")


# %%
def angle(u, v):
    """Between two tensors, taken as vectors, in degrees."""
    cosine = torch.nn.functional.cosine_similarity(u.flatten(), v.flatten(), dim=0)
    return torch.rad2deg(torch.acos(cosine)).item()


B = torch.randn(10, 128, generator=torch.Generator().manual_seed(5)) * sqrt(2 / 128)
angles = []


def compare(x, y, parameters):
    """The angle between what is sent back and what should be."""
    W1, b1, W2, b2 = parameters
    with torch.no_grad():
        z1 = F.linear(x, W1, b1)
        delta2 = F.linear(F.relu(z1), W2, b2).softmax(1) - torch.nn.functional.one_hot(y, 10)
        slope = z1 > 0
        angles.append(angle(delta2 @ W2 * slope, delta2 @ B * slope))


curves["random way back"] = train(scores_with(B), look=compare)
final["random way back"] = sum(curves["random way back"][-3:]) / 3
plots.show(
    plots.curves(
        {name: (range(len(curve)), curve) for name, curve in curves.items()},
        title="784-128-10 on 4,000 digits, with three ways back",
        xlabel="epoch",
        ylabel="test images classified right (%)",
        ylim=(0, 100),
        markers=True,
    ),
    "feedback_alignment.png",
)
print(f"random way back: {final['random way back']:.0f} %")
assert final["random way back"] > final["last layer only"] + 3
assert final["random way back"] > final["backpropagation"] - 5

# %% [markdown]
# It learns nearly as well as with the right $\delta^1$, and more slowly at first. This is **feedback
# alignment** (Lillicrap, Cownden, Tweed and Akerman, "Random synaptic feedback weights support error
# backpropagation for deep learning", *Nature Communications* 7, 2016).
#
# ### The angle
#
# Whether a step along a wrong $\delta^1$ goes downhill is decided by its angle to the true one: downhill
# below 90°, uphill above. The cosine of the angle between two vectors $u$ and $v$ is
# $u \cdot v / (\lVert u \rVert \lVert v \rVert)$. For random vectors of many entries, the products in
# $u \cdot v$ are as often positive as negative and nearly cancel: the angle is close to 90°, and so it is
# here before the first update.
#
# **Predict:** $B$ stays as it is, and nothing tells the network about the angle. What becomes of it during
# the ten epochs?

# %%
predict("17c")

# %%
updates = range(0, len(angles), 10)
plots.show(
    plots.curves(
        {"angle": (updates, [angles[i] for i in updates])},
        title="Between the δ¹ that is sent back and the true one",
        xlabel="update",
        ylabel="angle (degrees)",
        ylim=(0, 120),
    ),
    "angle.png",
)
late = sum(angles[-63:]) / 63
print(f"before the first update {angles[0]:.0f}°, in the last epoch {late:.0f}°")
assert 80 < angles[0] < 100
assert 45 < late < 75

# %% [markdown]
# The way back does not learn; the way *forward* turns until the way back is of use. Why it does can be seen
# in two steps. Take hidden units without a function, $a^1 = z^1$, no biases, and $W^1 = W^2 = 0$ at the
# start. In the first step $a^1 = 0$, so $W^2$ stays 0, and
#
# $$W^1 = -\eta\, (\delta^2 B)^\top x.$$
#
# In the second step the hidden units are $a^1 = x {W^1}^\top = -\eta\, x x^\top \delta^2 B$: the error, sent
# through $B$, has become part of the activation. The outputs are still 0, so $\delta^2$ is the same, and the
# step of $W^2$ is
#
# $$W^2 = -\eta\, {\delta^2}^\top a^1 = \eta^2\, S B, \qquad S = {\delta^2}^\top x\, x^\top \delta^2.$$
#
# $S$ is a square matrix of the form $A^\top A$, for which $v S v^\top = \lVert A v^\top \rVert^2$ is never
# negative: it stretches and squeezes a vector, but never turns it by more than 90°. So $\delta^2 S$ lies at
# no more than 90° to $\delta^2$. The ten rows of a random $B$ with 128 columns are nearly at right angles to
# each other and of one length, so multiplying by $B$ hardly changes an angle: $\delta^2 W^2$, which is
# $\eta^2\, \delta^2 S B$, comes to lie at less than 90° to $\delta^2 B$.

# %%
x, y = images[:500:5], labels[:500:5]
W1, W2 = torch.zeros(128, 784, requires_grad=True), torch.zeros(10, 128, requires_grad=True)
delta2 = (torch.full((len(x), 10), 0.1) - torch.nn.functional.one_hot(y, 10)) / len(x)  # p is 1/10 everywhere
for _ in range(2):
    z2 = FeedbackLinear.apply(F.linear(x, W1), W2, torch.zeros(10), B)
    gradients = torch.autograd.grad(F.cross_entropy(z2, y), (W1, W2))
    with torch.no_grad():
        for w, gradient in zip((W1, W2), gradients):
            w -= 0.1 * gradient
A = x.T @ delta2
torch.testing.assert_close(W2.detach(), 0.1**2 * A.T @ A @ B)
print(f"from zero, after two steps: δ² W² lies at {angle(delta2 @ W2, delta2 @ B):.0f}° to δ² B")

# %% [markdown]
# ### What it is good for
#
# The way back may even skip layers. *Direct* feedback alignment sends $\delta$ from the output to every layer
# through a random matrix each (Nøkland, "Direct feedback alignment provides learning in deep neural
# networks", 2016; exercise 17.2).
#
# On larger tasks the gap opens. Bartunov, Santoro, Richards, Marris, Hinton and Lillicrap ("Assessing the
# scalability of biologically-motivated deep learning algorithms and architectures", 2018) trained with
# feedback alignment and relatives on MNIST, CIFAR-10 and ImageNet: many do well on the first, and all of them
# worse than backpropagation on the other two. If the way back learns as well, it is another matter: by a rule
# that needs no transport either, $B$ can be brought to follow $W$ (Kolen and Pollack, "Backpropagation
# without weight transport", 1994; exercise 17.3), and with it Akrout, Wilson, Humphreys, Lillicrap and Tweed
# ("Deep learning without weight transport", 2019) come close to backpropagation on ImageNet.
#
# ## How exact must an error be?
#
# Backpropagation sends an exact number to each unit. Cells are noisy, a pulse has no fine shades, and the
# rate of pulses is never below zero. What does the network lose if the errors $\delta^2 W^2$ that reach its
# hidden units are spoiled? Three ways:
#
# 1. *noise*: to each error a random number is added, three times as large as the errors typically are;
# 2. *sign*: of each error only the sign is kept, and all errors of one image are made the same size;
# 3. *size*: of each error only the size is kept, without its sign.


# %%
class Spoiled(torch.autograd.Function):
    """Nothing forward; backward, what `spoil` makes of the error."""

    @staticmethod
    def forward(ctx, a, spoil):
        ctx.spoil = spoil
        return a.clone()

    @staticmethod
    def backward(ctx, error):
        return ctx.spoil(error), None


def with_spoiled(spoil):
    def spoiled_scores(x, parameters):
        W1, b1, W2, b2 = parameters
        return F.linear(Spoiled.apply(F.relu(F.linear(x, W1, b1)), spoil), W2, b2)

    return spoiled_scores


noise = torch.Generator().manual_seed(7)
WAYS = {
    "noise": lambda error: error + 3 * error.std() * torch.randn(error.shape, generator=noise),
    "sign": lambda error: error.sign() * error.abs().mean(1, keepdim=True),
    "size": lambda error: error.abs(),
}

# %% [markdown]
# **Predict:** which of the three does the most harm?

# %%
predict("17d")

# %%
spoiled = {name: sum(train(with_spoiled(spoil), epochs=6)[-3:]) / 3 for name, spoil in WAYS.items()}
print("test images right, the mean of the last three of six epochs:")
for name in ("backpropagation", "last layer only"):
    print(f"{name}: {sum(curves[name][4:7]) / 3:.0f} %")
for name, percent in spoiled.items():
    print(f"{name}: {percent:.0f} %")
assert spoiled["noise"] > 85
assert spoiled["sign"] > 75
assert spoiled["size"] < 50

# %% [markdown]
# Without its sign, an error is worse than none: every hidden unit is told the same thing, whether it should
# have said more or less. With the sign alone it reads about as many as if nothing had been sent: that an
# image is nearly right, or that one unit matters more than another, is part of what an error says. Noise
# three times as large as the errors costs less. It is drawn anew for every image and every step, so it
# cancels in the sum over a batch and over the updates, while the errors add up. Gradient descent asks for
# errors that are right *on average*.
#
# So a brain need not be exact. It would need a sign, though, for each cell or group of cells, and it must
# come from something that is not negative: from two cells that stand for "too much" and "too little", from a
# rate above or below its usual value, or from the difference between two moments.
#
# ## What is known of brains
#
# - Synapses change with the activity of the two cells that they join. Hebb proposed it (*The Organization of
#   Behavior*, 1949); in many synapses the order of the pulses within some tens of milliseconds decides
#   between stronger and weaker (a history: Markram, Gerstner and Sjöström, "A history of
#   spike-timing-dependent plasticity", 2011).
# - Many dopamine cells report the difference between a reward and the reward that was expected (Schultz,
#   Dayan and Montague, "A neural substrate of prediction and reward", *Science* 275, 1997). That is an error
#   with a sign; but it is *one* number, or a few, sent to very many cells, not one for each.
# - In the cortex, connections back from later areas to earlier ones are found everywhere.
#
# Whether these connections carry errors, and whether anything in the brain approximates a gradient, is **not
# known**. Reviews that argue that it may: Whittington and Bogacz, "Theories of error back-propagation in the
# brain", *Trends in Cognitive Sciences* 23, 2019; and Lillicrap, Santoro, Marris, Akerman and Hinton,
# "Backpropagation and the brain", *Nature Reviews Neuroscience* 21, 2020. The second proposes that
# connections back change the activity of earlier cells, and that the *difference* between two activities
# takes the place of $\delta$: no separate errors, and no separate phase with another kind of signal. Two
# algorithms of that kind, target propagation (Lee, Zhang, Fischer and Bengio, "Difference target
# propagation", 2015) and equilibrium propagation (Scellier and Bengio, "Equilibrium propagation: bridging the
# gap between energy-based models and backpropagation", 2017), train networks; [Without
# backpropagation](18_alternatives.py) runs both. They show that something like it *can* work, not that it
# does.
#
# ## First 0 to 4, then 5 to 9
#
# The network now learns only the digits 0 to 4, for ten epochs, and then only 5 to 9, for three.

# %%
old, new = labels < 5, labels >= 5
test_old, test_new = digits.test_labels < 5, digits.test_labels >= 5
parameters = initial(seed=0)
generator = torch.Generator().manual_seed(1)
for _ in range(10):
    for rows in torch.where(old)[0][torch.randperm(int(old.sum()), generator=generator)].split(64):
        step(parameters, images[rows], labels[rows])
of_five = percent_right(parameters, digits.test_images[test_old], digits.test_labels[test_old])
print(f"of the test images of 0 to 4 it reads {of_five:.0f} %")

# %% [markdown]
# **Predict:** how many of these test images, zeros to fours, does it still read after three epochs of 5 to 9?

# %%
predict("17e")


# %%
def learn_the_new(parameters, rehearsed):
    """Test accuracies on old and new digits, by update; `rehearsed` old images are kept and shown again."""
    parameters = [w.detach().clone().requires_grad_() for w in parameters]
    generator = torch.Generator().manual_seed(2)
    kept = torch.where(old)[0][torch.randperm(int(old.sum()), generator=generator)[:rehearsed]]
    updates, on_old, on_new = [], [], []
    for epoch in range(3):
        batches = torch.where(new)[0][torch.randperm(int(new.sum()), generator=generator)].split(64)
        for i, rows in enumerate(batches):
            if i % 4 == 0:
                updates.append(epoch * len(batches) + i)
                for found, part in ((on_old, test_old), (on_new, test_new)):
                    found.append(
                        percent_right(parameters, digits.test_images[part], digits.test_labels[part])
                    )
            if rehearsed:
                rows = torch.cat([rows, kept[torch.randint(rehearsed, (32,), generator=generator)]])
            step(parameters, images[rows], labels[rows])
    return updates, on_old, on_new


updates, plain_old, plain_new = learn_the_new(parameters, rehearsed=0)
_, kept_old, kept_new = learn_the_new(parameters, rehearsed=100)
plots.show(
    plots.curves(
        {
            "0 to 4": (updates, plain_old),
            "5 to 9": (updates, plain_new),
            "0 to 4, with 100 kept": (updates, kept_old),
            "5 to 9, with 100 kept": (updates, kept_new),
        },
        title="While it learns 5 to 9",
        xlabel="update",
        ylabel="test images classified right (%)",
        ylim=(0, 100),
    ),
    "forgetting.png",
)
print(f"0 to 4: {plain_old[0]:.0f} % before, {plain_old[-1]:.0f} % after")
print(f"with a hundred old images shown again: {kept_old[-1]:.0f} % after")
assert plain_old[0] > 90
assert plain_old[-1] < 10
assert kept_old[-1] > 60

# %% [markdown]
# A child that learns to read does not forget how to walk; here most of it is gone within twenty updates. This
# is **catastrophic forgetting** (McCloskey and Cohen, "Catastrophic interference in
# connectionist networks: the sequential learning problem", 1989). Nothing in the loss of a batch of fives
# speaks of zeros, so nothing holds the weights that zeros need, and all digits share the same weights. The
# last batches on page 9, all nines, did the same in small.
#
# What helps is to mix: with a hundred old images that are shown again and again among the new ones, most of
# the old digits stay. That is one idea of what the hippocampus does for the cortex: it learns an episode at
# once and replays it, so that the cortex can learn slowly and mixed (McClelland, McNaughton and O'Reilly,
# "Why there are complementary learning systems in the hippocampus and neocortex", *Psychological Review* 102,
# 1995). The paper came to it by just this failure of networks. Another remedy holds back those weights that
# mattered for the old task (Kirkpatrick and others, "Overcoming catastrophic forgetting in neural networks",
# 2017).
#
# ## Exercises
#
# **17.1** In a network 784-128-10, how many weights must stand, as copies, on the way back, if it is to
# compute every gradient of the weights and biases exactly? The images do not learn. Count numbers, not
# matrices.

# %%
answer = ...
check("17.1", answer)

# %% [markdown]
# **17.2** Direct feedback alignment in a network with two hidden layers of tanh units, $a^1 = \tanh z^1$,
# $a^2 = \tanh z^2$, and the outputs $z^3$. The outputs' error $\delta^3$ reaches each hidden layer by a
# random matrix of its own, $B^1$ of shape $(C, M_1)$ and $B^2$ of shape $(C, M_2)$. Return the error term
# $\delta^1$ of the *first* hidden layer.


# %%
def direct_delta1(delta3, a1, a2, B1, B2):
    return ...


check("17.2", direct_delta1)

# %% [markdown]
# **17.3** Kolen and Pollack's way back learns. At each update $W$ and $B$ get the same change
# $G = \delta^\top a$, which both have at hand, since they join the same two layers, and both decay:
#
# $$W \leftarrow W - \eta\, (G + \lambda W), \qquad B \leftarrow B - \eta\, (G + \lambda B)$$
#
# $G$ is another one each time. Return $W - B$ after `steps` updates, given `apart` $= W - B$ before the
# first.


# %%
def still_apart(apart, lr, decay, steps):
    return ...


check("17.3", still_apart)
