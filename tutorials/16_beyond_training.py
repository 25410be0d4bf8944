# %% [markdown]
# # Gradients beyond training
#
# Training asks how the loss changes with each weight. The chain rule leads on to whatever else the loss was
# computed from. What does one learn, or make, with the gradient with respect to a *pixel*, a whole *picture*,
# or the *throttle of a rocket*?
#
# The code hardly differs from that of training: let the input require a gradient, and leave the weights as
# they are.

# %%
import torch

from manual_backprop import functional as F
from manual_backprop import plots
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import sample

images, labels, test_images, test_labels = sample()
x, test_x = images.reshape(-1, 784) / 255, test_images.reshape(-1, 784) / 255  # from 0 to 1

# %% [markdown]
# First we need a network. It is the one of [Training on MNIST](09_training.py), 784-128-10, trained on 4,000
# digits by the hand-written backwards of `F.linear`, `F.relu` and `F.cross_entropy`:

# %%
torch.manual_seed(0)
W1, b1 = torch.randn(128, 784) * (2 / 784) ** 0.5, torch.zeros(128)
W2, b2 = torch.randn(10, 128) * (2 / 128) ** 0.5, torch.zeros(10)
parameters = [W1, b1, W2, b2]


def logits(x):
    return F.linear(F.relu(F.linear(x, W1, b1)), W2, b2)


def share_right(x, y):
    return float((logits(x).argmax(1) == y).float().mean())


for parameter in parameters:
    parameter.requires_grad_()
for _ in range(10):
    for rows in torch.randperm(len(x)).split(50):
        loss = F.cross_entropy(logits(x[rows]), labels[rows])
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.data -= 0.2 * gradient
for parameter in parameters:
    parameter.requires_grad_(False)  # from here on it stays as it is

print(f"of 1,000 digits that it has not seen it reads {share_right(test_x, test_labels):.1%}")

# %% [markdown]
# ## Which pixels does it look at?
#
# Let $z_k$ be the logit, the score, of the class that the network decides for. $\partial z_k/\partial x_i$
# says how much that score changes when pixel $i$ does. Arranged as an image, these 784 slopes are a *saliency
# map* (Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2013). The way there is one
# step longer than in training: from $\delta^1$ on to the input,
#
# $$\frac{\partial z_k}{\partial x} = \delta^1\, W^1, \qquad
#   \delta^1 = W^2_k \odot [z^1 > 0]$$
#
# where $W^2_k$ is row $k$ of $W^2$.
#
# **Predict:** take the 50 pixels of each digit whose slopes are largest, without regard to sign. Where are
# they?

# %%
predict("16a")

# %%
pixels = test_x.clone().requires_grad_()
z = logits(pixels)
believed = z.argmax(1)
(slopes,) = torch.autograd.grad(z.gather(1, believed[:, None]).sum(), pixels)

by_formula = (W2[believed] * (F.linear(test_x, W1, b1) > 0)) @ W1
torch.testing.assert_close(slopes, by_formula, rtol=1e-4, atol=1e-5)

largest = slopes.abs().topk(50, dim=1).indices
empty = (test_x.gather(1, largest) == 0).float().mean()
print(f"of these 50 pixels {empty:.0%} are empty; of all pixels {(test_x == 0).float().mean():.0%} are")
assert 0.2 < empty < 0.8

shown = [30, 350, 750]
plots.show(
    plots.images(
        torch.cat([slopes[shown].reshape(-1, 28, 28), (slopes * test_x)[shown].reshape(-1, 28, 28)]),
        [f"slopes of z_{int(k)}" for k in believed[shown]] + ["slope × pixel"] * 3,
        columns=3,
    ),
    "saliency.png",
)

# %% [markdown]
# Both on the strokes and beside them. Where it is red, more ink raises the score, and where it is blue it
# lowers it. A slope says what *would* change, and ink where there is none would change much: a 3 with its
# left side closed is an 8. The second row multiplies each slope by its pixel. For a network of linear
# layers and ReLU without biases these products add up to $z_k$ exactly, so they divide the score among the
# pixels that are there.
#
# ### Is the map right?
#
# A map is a claim, so it is tested: delete the 25 pixels that it names, and look how many digits are still
# read.

# %%
scores = {
    "slope × pixel": slopes * test_x,
    "size of the slope": slopes.abs(),
    "brightest pixels": test_x,
    "pixels at random": torch.rand_like(test_x),
}
for name, score in scores.items():
    kept = torch.ones_like(test_x).scatter(1, score.topk(25, dim=1).indices, 0)
    still = share_right(test_x * kept, test_labels)
    print(f"{name:18} deleted: {still:.1%} are still read")
    assert (still < 0.4) == (name == "slope × pixel")

# %% [markdown]
# Without the 25 pixels whose slope × pixel is largest, of 784, the network misreads most digits. Deleting the
# 25 largest slopes does far less, since many of those pixels are empty already, and 25 pixels at random do
# hardly any harm. Such tests are needed, because a map can look right and say little: some methods draw much
# the same picture for a network whose weights are random (Adebayo and others, "Sanity checks for saliency
# maps", 2018).
#
# ## A small push in the worst direction
#
# Now use the slopes of the *loss*. To make it larger, move every pixel a little in the direction of its
# slope. If no pixel may move by more than $\varepsilon$, the largest change, as far as the slopes tell, is
#
# $$x' = x + \varepsilon\,\operatorname{sign}\frac{\partial L}{\partial x}, \qquad
#   L(x') - L(x) \approx \varepsilon \sum_i \Big|\frac{\partial L}{\partial x_i}\Big|$$
#
# (Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", 2014). Each pixel
# contributes a little, and there are 784 of them. Pixels go from 0 to 1; with $\varepsilon = 0.1$ a person
# sees a faint grey veil.
#
# **Predict:** without a push the network reads a share of 0.93 of the digits. What share, from 0 to 1, does
# it still read with $\varepsilon = 0.1$?

# %%
predict("16b")


# %%
def pushed(x, y, size):
    x = x.clone().requires_grad_()
    loss = F.cross_entropy(logits(x), y, reduction="sum")
    (slope,) = torch.autograd.grad(loss, x)
    return (x.detach() + size * slope.sign()).clamp(0, 1)


by_gradient, at_random = [], []
sizes = [0, 0.02, 0.05, 0.1, 0.2, 0.3]
for size in sizes:
    by_gradient.append(share_right(pushed(test_x, test_labels, size), test_labels))
    noise = size * torch.randn_like(test_x).sign()
    at_random.append(share_right((test_x + noise).clamp(0, 1), test_labels))
    print(f"ε = {size:4}: signs of the gradient {by_gradient[-1]:5.1%}, random signs {at_random[-1]:5.1%}")
assert predict("16b", by_gradient[3])

plots.show(
    plots.curves(
        {"random signs": (sizes, at_random), "signs of the gradient": (sizes, by_gradient)},
        title="The same size of change in every pixel",
        xlabel="ε",
        ylabel="share that is read",
        markers=True,
    ),
    "adversarial.png",
)
changed = pushed(test_x[shown], test_labels[shown], 0.1)
plots.show(
    plots.images(
        torch.cat([test_x[shown], changed]).reshape(-1, 28, 28),
        [f"read as {int(k)}" for k in torch.cat([believed[shown], logits(changed).argmax(1)])],
        columns=3,
    ),
    "pushed.png",
)

# %% [markdown]
# Changes of the same size with random signs hardly matter: most of their contributions cancel. A sum of 784
# random signs is about $\sqrt{784} = 28$ in size, not 784. The gradient's signs make all contributions point
# the same way. The more inputs, the smaller the push that suffices. Training on pushed examples helps, and is
# how such networks are hardened (Madry and others, "Towards deep learning models resistant to adversarial
# attacks", 2017).
#
# ## A picture made by descent
#
# One can also go downhill in the *picture*. Say what is wanted of it as a loss, start from noise, and let the
# pixels take the steps that weights take in training. Gatys, Ecker and Bethge ("A neural algorithm of
# artistic style", 2015) took for the *style* of a picture which features occur together: if $f$, of shape
# $(C, P)$, holds $C$ features at $P$ places, the *Gram matrix*
#
# $$G = \tfrac1P\, f f^{\top}, \qquad G_{cd} = \tfrac1P \sum_p f_{cp} f_{dp}$$
#
# says how strongly features $c$ and $d$ occur at the same place, on average over the places. Our features are
# one convolution and a ReLU, `F.conv2d` and `F.relu`, with 32 filters that are *random*: nothing here is
# trained. (That this is enough for textures: Ustyuzhaninov, Brendel, Gatys and Bethge, "Texture synthesis
# using shallow convolutional networks with random filters", 2016.)
#
# The style is to be that of slanted black and white stripes. A second picture, a handwritten zero, comes in
# later.

# %%
size = 56
generator = torch.Generator().manual_seed(0)
filters = torch.randn(32, 1, 7, 7, generator=generator) / 7


def features(picture):
    return F.relu(F.conv2d(picture, filters, padding=3)).reshape(32, -1)


def gram(f):
    return F.matmul(f, f.T) / f.shape[1]


row, column = torch.arange(size)[:, None], torch.arange(size)
stripes = ((row + column) % 6 < 3).float().reshape(1, 1, size, size)
digit = images[200:201, None].float() / 255
digit = torch.nn.functional.interpolate(digit, size=(size, size), mode="bilinear")


def paint(content_weight):
    """From noise to the style of the stripes and, with a weight, the content of the digit."""
    picture = torch.rand(1, 1, size, size, generator=generator).requires_grad_()
    optimiser = torch.optim.LBFGS([picture], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        f = features(picture)
        style = F.mse_loss(gram(f), gram(features(stripes)))
        content = F.mse_loss(f, features(digit))
        total = 1000 * style + content_weight * content
        optimiser.zero_grad()
        total.backward()
        return total

    before = loss().item()
    optimiser.step(loss)
    print(f"content weighted with {content_weight:2}: loss {before:.2f} → {loss().item():.4f}")
    return picture.detach().clamp(0, 1)


# %% [markdown]
# (`LBFGS` is gradient descent with a memory: it estimates the curvature from the last gradients, and needs
# fewer steps.)
#
# **Predict:** the loss asks only that the Gram matrix be that of the stripes. What picture does the descent
# end at?

# %%
predict("16c")

# %%
texture = paint(content_weight=0)
agreement = float(torch.corrcoef(torch.stack([texture.flatten(), stripes.flatten()]))[0, 1])
print(f"correlation with the stripes, pixel by pixel: {agreement:.2f}")
assert abs(agreement) < 0.8

both = paint(content_weight=30)
plots.show(
    plots.images(
        torch.cat([stripes, digit, texture, both])[:, 0],
        ["the stripes", "the digit", "style alone", "style and content"],
        columns=2,
    ),
    "style.png",
)

# %% [markdown]
# Stripes with the slant of the given ones and mostly their width, but in other places, and with flaws where
# two patches of stripes meet: $G$ does not hold the places. For the last picture a second term was added to
# the loss, which asks that the features themselves be the digit's. The result is a compromise: a zero drawn
# in stripes. The loss says what is wanted; nobody programmed how to draw it.
#
# ## A landing
#
# What if a program is not a network at all? A lander falls from 10 metres and drifts sideways at 3 m/s. At
# each of 100 steps of 0.05 s we choose a thrust, two numbers, so that there are 200 to choose. It is to end
# at the place 0 with the velocity 0, and to use little fuel. The simulation is a loop of additions and
# products, so it has a backward, and with `use_manual_gradients` it is that of this package's operations.

# %%
from manual_backprop import use_manual_gradients

STEPS, TIME = 100, 0.05
gravity = torch.tensor([0.0, -1.62]).double()  # the Moon's, in m/s²


def fly(thrusts):
    """The places at all steps, and the last velocity."""
    place, velocity = torch.tensor([[0.0, 10.0], [3.0, 0.0]]).double()
    path = [place]
    for thrust in thrusts:
        velocity = velocity + TIME * (thrust + gravity)
        place = place + TIME * velocity
        path.append(place)
    return torch.stack(path), velocity


def cost(thrusts):
    path, velocity = fly(thrusts)
    return path[-1].square().sum() + velocity.square().sum() + 0.001 * thrusts.square().sum()


# %% [markdown]
# Without a backward one would try: change one thrust by a little, fly again, and see by how much the cost
# changes.
#
# **Predict:** how many flights does it take to get all 200 slopes in this way, once?

# %%
predict("16d")

# %%
thrusts = torch.zeros(STEPS, 2).double()
flights = 1 + thrusts.numel()
assert predict("16d", flights)

with use_manual_gradients():
    thrusts.requires_grad_()
    (slope,) = torch.autograd.grad(cost(thrusts), thrusts)  # one flight there, and one sweep back

with torch.no_grad():
    step = 1e-6 * torch.eye(STEPS * 2).reshape(-1, STEPS, 2)
    some = [0, 77, 199]  # three of the 200 slopes, by differences
    by_differences = [float(cost(thrusts + step[i]) - cost(thrusts)) / 1e-6 for i in some]
for i, value in zip(some, by_differences):
    print(f"slope {i:3}: {slope.flatten()[i]:8.4f} by the backward, {value:8.4f} by differences")
torch.testing.assert_close(slope.flatten()[some], torch.tensor(by_differences).double(), rtol=1e-4, atol=1e-4)

# %% [markdown]
# The backward needs one flight and one sweep back, whatever the number of thrusts
# ([What a gradient costs](11_cost.py)). In optimal control this sweep was known before it was used for
# networks ([Where it came from](01_history.py)); what travels backward there is called the *costate*.
#
# ### Descend
#
# With all slopes at hand, gradient descent finds a landing:

# %%
optimiser = torch.optim.LBFGS([thrusts], max_iter=50, line_search_fn="strong_wolfe")


def total():
    optimiser.zero_grad()
    value = cost(thrusts)
    value.backward()
    return value


with use_manual_gradients():
    optimiser.step(total)
with torch.no_grad():
    path, velocity = fly(thrusts)
print(f"ends {path[-1].norm():.2f} m from the place, at {velocity.norm():.2f} m/s")
assert path[-1].norm() < 0.2
assert velocity.norm() < 0.2

with torch.no_grad():
    fall, _ = fly(torch.zeros_like(thrusts))
plots.show(
    plots.curves(
        {"no thrust": fall.T.tolist(), "after descent": path.T.tolist()},
        title="Two flights of five seconds (no ground is simulated)",
        xlabel="sideways (m)",
        ylabel="height (m)",
    ),
    "landing.png",
)

# %% [markdown]
# ## Where a gradient tells nothing
#
# A derivative speaks about *small* changes. Take the simplest simulation that mixes,
# $x_{t+1} = 3.9\,x_t (1 - x_t)$, from $x_0 = 0.3$. All $x_t$ stay between 0 and 1. By the chain rule,
#
# $$\frac{\partial x_T}{\partial x_0} = \prod_t 3.9\,(1 - 2 x_t)$$
#
# **Predict:** how large is this derivative after 100 steps?

# %%
predict("16e")

# %%
start = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
value = start
for t in range(1, 101):
    value = 3.9 * value * (1 - value)
    if t in (1, 10, 30, 100):
        (derivative,) = torch.autograd.grad(value, start, retain_graph=True)
        print(f"after {t:3} steps: x = {value:.3f}, ∂x/∂x₀ = {derivative:.1e}")
assert abs(derivative) > 1e15

# %% [markdown]
# Each factor is up to 3.9 in size, and the product grows as if each were about 1.6. The derivative is right,
# and of no use: a change of $10^{-20}$ in the start would move the end by about 1, which is all the room
# there is. For recurrent networks this is the [exploding gradient](08_activations.py). In simulations that
# mix like this, weather among them, one takes gradients over short times only.
#
# ## Exercises
#
# **16.1** A neuron without a bias has 784 weights, each $+0.01$ or $-0.01$. Every pixel may move by at most
# $\varepsilon = 0.1$. By how much can $z$ grow at most?

# %%
answer = ...
check("16.1", answer)

# %% [markdown]
# **16.2** The style needs the backward of $G = f f^{\top}$, with $f$ of shape $(C, P)$. You get
# `grad_output`, $\partial L/\partial G$, of shape $(C, C)$, which need not be symmetric. Write
# $\partial L/\partial f$. (Each $f_{cp}$ is used in a row and in a column of $G$.)


# %%
def gram_backward(grad_output, f):
    return ...


check("16.2", gram_backward)

# %% [markdown]
# **16.3** A pendulum takes three steps of $h = 0.1$. From the angles `x` and velocities `v` of $N$ pendulums,
# each step makes
#
# $$v \leftarrow v - h \sin x, \qquad x \leftarrow x + h\,v \quad \text{(with the new } v\text{)}$$
#
# and the last angles are the output. Write the backward: from `grad_output`, $\partial L/\partial x_3$, to
# $\partial L/\partial x_0$ and $\partial L/\partial v_0$. Run the steps forward and keep what you need, then
# go back through them.


# %%
def pendulum_backward(grad_output, x, v):
    return ...


check("16.3", pendulum_backward)
