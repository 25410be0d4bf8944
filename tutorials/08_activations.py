# %% [markdown]
# # Activations and vanishing gradients
#
# Each further layer should let a network do more. But put sigmoid layer upon sigmoid layer, and at some depth
# the network stops learning. Where does the gradient go, and why does it pass through ReLU?
#
# ## Three activations and their slopes
#
# An activation $f$ makes $a = f(z)$ of the weighted sum $z$. On the way back the upstream gradient is
# multiplied with the slope $f'(z)$ (see [The chain rule, layer by layer](05_chain_rule.py)). Three are looked
# at here, [sigmoid](reference/functional/activations/sigmoid.rst),
# [tanh](reference/functional/activations/tanh.rst) and [ReLU](reference/functional/activations/relu.rst).
# Each has a slope that can be read off the *output* $a$, so that $z$ need not be kept.
#
# **Sigmoid.** $a = \sigma(z) = 1/u$ with $u = 1 + e^{-z}$ and $u' = -e^{-z}$. The derivative of $1/u$ is
# $-u'/u^2$:
#
# $$\sigma'(z) = \frac{e^{-z}}{u^2} = \frac1u \cdot \frac{u - 1}{u} = a\,(1 - a)$$
#
# **Hyperbolic tangent.** $a = s/c$ with $s = e^z - e^{-z}$ and $c = e^z + e^{-z}$. Each is the derivative of
# the other, and the quotient rule gives
#
# $$\tanh'(z) = \frac{c \cdot c - s \cdot s}{c^2} = 1 - a^2$$
#
# **ReLU.** $a = \max(0, z)$ has the slope 1 to the right of zero and 0 to the left of it. $a > 0$ exactly
# where $z > 0$, so the slope is $[a > 0]$: 1 if the condition in the brackets holds, and 0 if not.

# %%
from itertools import pairwise

import torch

from manual_backprop import functional as F
from manual_backprop import nn, plots, record, verify
from manual_backprop.exercises import check, predict
from manual_backprop.training.data import load

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}
SLOPES = {  # of the output a
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "ReLU": lambda a: (a > 0).to(a.dtype),
}

z = torch.linspace(-5, 5, 200, requires_grad=True)  # 0 is not among them
outputs, slopes = {}, {}
for name, activation in ACTIVATIONS.items():
    a = activation()(z)
    (by_autograd,) = torch.autograd.grad(a.sum(), z)
    torch.testing.assert_close(SLOPES[name](a), by_autograd)
    outputs[name] = z.tolist(), a.tolist()
    slopes[name] = z.tolist(), by_autograd.tolist()

figure = plots.curves(
    {"activation a = f(z)": outputs, "slope f′(z)": slopes},
    title="The sigmoid's slope is never above ¼ (ReLU goes on upwards)",
    xlabel="z",
    ylabel="",
    ylim=(-1.1, 1.6),
)
plots.show(figure, "activations.png")
print("largest slopes:", {name: round(max(ys), 2) for name, (_, ys) in slopes.items()})

# %% [markdown]
# The largest slope of the sigmoid is a square completed:
# $a(1 - a) = \tfrac14 - (a - \tfrac12)^2 \le \tfrac14$, with equality at $a = ½$, that is, $z = 0$. Far from
# zero, sigmoid and tanh are flat: they *saturate*.
#
# The form $a(1 - a)$ invites a mistake. $\sigma'(z) = \sigma(z)(1 - \sigma(z))$ is a statement about $z$.
# Whoever keeps $a$ and calls a function "derivative of the sigmoid" on it computes
# $\sigma(a)(1 - \sigma(a))$:


# %%
def derivative_of_sigmoid(z):
    return torch.sigmoid(z) * (1 - torch.sigmoid(z))


def backward(grad_output, z):
    a = torch.sigmoid(z)
    return grad_output * derivative_of_sigmoid(a)


print(verify(torch.sigmoid, backward, shapes=[(5, 3)]))

# %% [markdown]
# `functional/activations/sigmoid.py`, `tanh.py` and `relu.py` have the three derivations beside the code
# that trains.
#
# ## ReLU at zero
#
# At $z = 0$ the slope of ReLU jumps from 0 to 1, and there is no derivative. A program has to return
# something. `torch.relu(z)`, `torch.maximum(z, 0)`, with 0 as a tensor, and `z.clamp(min=0)` compute the same
# function, and `torch.relu` returns the slope 0.
#
# **Predict:** `torch.maximum` has two arguments, and treats both alike. Which slope with respect to $z$ does
# it return where the two are equal?

# %%
predict("8a")

# %%
relus = {
    "torch.relu(z)": torch.relu,
    "torch.maximum(z, 0)": lambda z: torch.maximum(z, torch.zeros(())),
    "z.clamp(min=0)": lambda z: z.clamp(min=0),
    "F.relu(z), ours": F.relu,
}
print("torch", torch.__version__)
for name, relu in relus.items():
    zero = torch.zeros((), requires_grad=True)
    (slope,) = torch.autograd.grad(relu(zero), zero)
    print(f"{name:20} slope at 0: {float(slope):g}")
    if "maximum" in name:
        assert predict("8a", slope)

# %% [markdown]
# One function, and more than one answer. All are defensible. A line through the corner of the graph that
# stays below it may have any slope from 0 to 1, and each of these is called a *subgradient*. `relu` takes the
# smallest, 0. `maximum` shares a tie evenly between its two arguments, ½ for each. `clamp` has had both ends,
# 1 in some versions, where it counts its bound as inside, and 0 in others ([issue
# 7002](https://github.com/pytorch/pytorch/issues/7002), [issue
# 184574](https://github.com/pytorch/pytorch/issues/184574)). So a hand-written backward that is compared with
# PyTorch's at such a point is compared with a convention.
#
# ### Does it matter?
#
# Hardly, as a weighted sum of real data is seldom exactly zero:

# %%
torch.manual_seed(0)
digits, _ = load("sample")
order = torch.randperm(len(digits.train_labels))[:2000]
x, labels = digits.train_images[order], digits.train_labels[order]
z = nn.Linear(784, 64)(x)
print(f"{int((z == 0).sum())} of {z.numel()} weighted sums are exactly zero")

# %% [markdown]
# ## What is multiplied on the way back
#
# With $\delta^l = \partial L/\partial z^l$, one layer of the way back is
#
# $$\delta^l = (\delta^{l+1} W^{l+1}) \odot f'(z^l)$$
#
# Written out over several layers this is a sum over paths: choose a unit in each layer, multiply what lies on
# the way through them, and add up over all choices. A path from layer $k + 1$ down to layer 1 contributes
#
# $$\delta^{k+1}_{j_{k+1}} \cdot \prod_{l=1}^{k} W^{l+1}_{j_{l+1} j_l} \cdot \prod_{l=1}^{k} f'(z^l_{j_l})$$
#
# a product of weights times a product of slopes, where $j_l$ is the unit that the path takes in layer $l$.
# For the sigmoid the second product is bounded: each factor is at most ¼, so that it is at most $0.25^k$. We
# measure the mean of this product over all paths and 200 digits, in networks of twelve layers with Xavier's
# variance (He's for ReLU; both are from [Initialisation](07_initialisation.py)). For one digit, the mean of
# the product over all choices of units is the product of each layer's mean, because every combination of
# units is a path.


# %%
def network(depth, width, activation, variance):
    """`depth` hidden layers of `width` units, and ten outputs. Biases are zero."""
    sizes = [784] + [width] * depth + [10]
    layers = []
    for D, M in pairwise(sizes):
        linear = nn.Linear(D, M)
        var = {"0.01": 0.01, "Xavier": 2 / (D + M), "He": 2 / D}[variance]
        torch.nn.init.normal_(linear.weight, std=var**0.5)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers[:-1])  # no activation at the end


torch.manual_seed(1)
passed = list(range(1, 13))
products = {}
for name in ACTIVATIONS:
    a, product, means = x[:200], torch.ones(200), []
    for layer in network(12, 64, name, "He" if name == "ReLU" else "Xavier")[:-1]:
        a = layer(a).detach()
        if not isinstance(layer, nn.Linear):
            product = product * SLOPES[name](a).mean(1)  # of each digit, over the units
            means.append(float(product.mean()))
    products[name] = passed, means
products["bound 0.25ᵏ"] = passed, [0.25**k for k in passed]
for mean, bound in zip(products["sigmoid"][1], products["bound 0.25ᵏ"][1]):
    assert mean <= bound
assert 1 / 4 < products["ReLU"][1][-1] / 0.5**12 < 4

figure = plots.curves(
    products,
    title="The product of the slopes along a path, mean over all paths",
    xlabel="layers passed, k",
    ylabel="mean product of k slopes",
    log="y",
    markers=True,
)
plots.show(figure, "products.png")

# %% [markdown]
# The sigmoid stays below its bound. ReLU does not stay at 1: a path is open only if all its units are, and
# half of them are not, so about $0.5^k$ of the paths are left. But an open path has the product 1, whatever
# the size of the numbers on it. So weights of twice the variance make up for the closed paths, and cause no
# saturation.
#
# ### The weights in the product
#
# **Predict:** ten sigmoid units in a row, one per layer, each with the weight $w = 8$ and the bias $b = -4$.
# At the input $x = ½$ every $z$ is $8 \cdot ½ - 4 = 0$, and every slope ¼: the product of slopes is
# $0.25^{10}$, about one in a million. How large is the derivative of the last output with respect to $x$?

# %%
predict("8b")

# %%
for start in (0.5, 0.4):
    a = first = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    product = 1.0
    for _ in range(10):
        a = F.sigmoid(8 * a - 4)
        product *= (a * (1 - a)).item()
    (derivative,) = torch.autograd.grad(a, first)
    torch.testing.assert_close(derivative.item(), 8**10 * product)
    print(f"x = {start}: product of slopes {product:.1g}, derivative {derivative:.4g}")
    if start == 0.5:
        assert predict("8b", derivative)
    else:
        assert derivative < 1e-4

# %% [markdown]
# At ½ each layer multiplies with $w f' = 8 \cdot ¼ = 2$, and ten of them with $2^{10} = 1024$: the gradient
# explodes while the product of the slopes is as small as it was. At 0.4 the same weights drive the units into
# saturation, and the gradient vanishes. So the exact statement is: *the product of the slopes* is at most
# $0.25^k$. The gradient is that, times weights. To make up for the slopes, the weights of each layer would
# have to enlarge it four times or more, and such weights push most $z$ away from zero, where the slope is
# much smaller than ¼.
#
# Hochreiter ("Untersuchungen zu dynamischen neuronalen Netzen", 1991) and Bengio, Simard and Frasconi
# ("Learning long-term dependencies with gradient descent is difficult", 1994) analysed this for recurrent
# networks, where the same matrix is passed again and again.
#
# ## Depth, activation, initialisation
#
# Now the gradient of the [cross-entropy](reference/functional/losses/cross_entropy.rst) on 200 digits, in
# networks of 64 units per layer. Its size is $\|\partial L/\partial W\|$, the root of the sum of all squared
# entries. We measure that of the first layer relative to that of the last.
#
# **Predict:** sixteen ReLU layers with weights of variance 0.01, which is too small at this width: the
# signal's variance is multiplied by $\tfrac12 D\, \mathrm{Var}[w] = 0.32$ per layer. About how large is the
# ratio?

# %%
predict("8c")


# %%
def norms(depth, activation, variance):
    """The size of ∂L/∂W of the first layer and of the last."""
    torch.manual_seed(2)
    model = network(depth, 64, activation, variance).double()
    F.cross_entropy(model(x[:200].double()), labels[:200]).backward()
    return float(model[0].weight.grad.norm()), float(model[-1].weight.grad.norm())


columns = [(f, variance) for f in ACTIVATIONS for variance in ("0.01", "Xavier", "He")]
depths = (1, 2, 4, 8, 16)
table = {depth: [norms(depth, *column) for column in columns] for depth in depths}
names = [f"{depth} layer{'s' if depth > 1 else ''}" for depth in depths]
ratios = [[first / last for first, last in table[depth]] for depth in depths]
figure = plots.heat_map(
    [list(row) for row in zip(*ratios)],
    [f"{f}, {variance}" for f, variance in columns],
    names,
    title="‖∂L/∂W‖ of the first layer relative to the last",
    label="ratio",
    log=True,
)
plots.show(figure, "depth.png")
assert min(map(min, ratios)) in ratios[-1][:3]  # sixteen layers of sigmoids
assert all(0.1 < ratio < 10 for row in ratios for ratio in row[3:])  # tanh and ReLU

# %% [markdown]
# For sigmoids the ratio falls exponentially with the depth under each of the three starts, and sixteen layers
# of them leave next to nothing for the first. For tanh and ReLU it stays between about 1 and 5, *also with
# the variance that is too small*. Is 0.01 good for ReLU after all? A ratio hides what happens to both of its
# sides. This is the upper one alone:

# %%
figure = plots.heat_map(
    [[table[depth][at][0] for depth in depths] for at in range(len(columns))],
    [f"{f}, {variance}" for f, variance in columns],
    names,
    title="‖∂L/∂W‖ of the first layer",
    label="size of the gradient",
    log=True,
)
plots.show(figure, "first_layer.png")

# %% [markdown]
# With 0.01 the signal shrinks on its way forward, so that the last layer's $\delta^\top a$ is small because
# of $a$, and $\delta$ shrinks on its way back, so that the first layer's is small because of $\delta$. For
# ReLU without biases the two must even keep pace. Multiply the weights of *one* layer by a number $c > 0$:
# whichever layer it is, the output is multiplied by $c$. So the derivative of $L$ with respect to $c$, at
# $c = 1$, is the same for every layer, and by the chain rule it is
# $\sum_{ji} W_{ji}\, \partial L/\partial W_{ji}$:

# %%
model = network(8, 64, "ReLU", "0.01").double()
F.cross_entropy(model(x[:200].double()), labels[:200]).backward()
sums = torch.stack([(layer.weight * layer.weight.grad).sum() for layer in model[::2]])
torch.testing.assert_close(sums, sums[:1].expand_as(sums))
print(f"Σ W ⊙ ∂L/∂W in each of the {len(sums)} layers: {sums[0]:.2e}")

# %% [markdown]
# `record` says such things of a single step. Of six sigmoid layers it remarks:

# %%
torch.manual_seed(3)
model = network(6, 32, "sigmoid", "Xavier")
step = record(model, x[:50], labels[:50], loss=F.cross_entropy, panel="knob")
print("\n".join(step.remarks))

# %% [markdown]
# ### Turn a knob, leave a slope out
#
# Here is that step. Choose a weight of $W^1$, turn it from one end to the other, and see how many digits of
# the loss change. Then do so with one of $W^7$, the last layer. Under "Break it", forget $f'$:
# $\delta^l = \delta^{l+1} W^{l+1}$ does not vanish. It is wrong; does it learn?

# %%
plots.show(step, "deep_sigmoid.html")

# %%
moves = {}
for symbol, weight in {"W¹": model[0].weight, "W⁷": model[-1].weight}.items():
    gradient = step.value(symbol).gradient
    place = gradient.abs().argmax()  # of the weight that matters most
    moves[symbol] = []
    for change in (-0.5, 0.5):
        with torch.no_grad():
            before = weight.view(-1)[place].clone()
            weight.view(-1)[place] += change
            moves[symbol].append(float(F.cross_entropy(model(x[:50]), labels[:50])))
            weight.view(-1)[place] = before
    low, high = moves[symbol]
    print(f"‖∂L/∂{symbol}‖ = {gradient.norm():.1e}; a weight of it turned by −½: L = {low:.4f}", end="; ")
    print(f"by ½: L = {high:.4f}")
assert abs(moves["W¹"][1] - moves["W¹"][0]) < 0.001
assert abs(moves["W⁷"][1] - moves["W⁷"][0]) > 0.02

# %% [markdown]
# Along a weight of $W^1$, even the one with the largest gradient, the loss hardly moves. (The page draws its
# curve as high as there is room; read the numbers at the axis.)


# %%
class WithoutSlope(torch.nn.Module):
    """An activation whose slope is left out on the way back."""

    def __init__(self, activation):
        super().__init__()
        self.activation = activation

    def forward(self, z):
        return z + (self.activation(z) - z).detach()  # f(z), with the slope 1


def sixty_steps(activation, variance, without_slope):
    """The loss on 50 digits before and after, with η = 0.1."""
    torch.manual_seed(3)
    model = network(6, 32, activation, variance)
    if without_slope:
        model = torch.nn.Sequential(*(m if isinstance(m, nn.Linear) else WithoutSlope(m) for m in model))
    losses = []
    for _ in range(61):
        loss = F.cross_entropy(model(x[:50]), labels[:50])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients):
                parameter -= 0.1 * gradient
        losses.append(loss.item())
    return losses[0], losses[-1]


right = sixty_steps("sigmoid", "Xavier", without_slope=False)
wrong = sixty_steps("sigmoid", "Xavier", without_slope=True)
print(f"right: loss {right[0]:.2f} → {right[1]:.2f}, without slopes: {wrong[0]:.2f} → {wrong[1]:.2f}")
assert wrong[1] < 2.1 < right[1]

# %% [markdown]
# In sixty steps the wrong gradient learns a little, where the right one does not get below 2.2: it reaches
# the first layers, and a slope of the sigmoid, which is always positive, changes sizes more than signs. It is
# no cure. In the steps after that, its loss wanders up and down.
#
# With ReLU, the slope is the *mask* of the units that are on, and one may well forget it. Train both here.

# %%
torch.manual_seed(3)
step = record(network(6, 32, "ReLU", "He"), x[:50], labels[:50], loss=F.cross_entropy, panel="break")
plots.show(step, "deep_relu.html")

# %%
right = sixty_steps("ReLU", "He", without_slope=False)
wrong = sixty_steps("ReLU", "He", without_slope=True)
print(f"right: loss {right[0]:.2f} → {right[1]:.2f}, mask forgotten: {wrong[0]:.2f} → {wrong[1]:.2f}")
assert right[1] < 0.1
assert not wrong[1] < 10

# %% [markdown]
# Here it is ruin. A unit that is off has a say in no output, and is moved all the same, by a $\delta$ that is
# not its own; and as no path is closed, $\delta$ grows from layer to layer, since He's variance is made for
# half of them being closed.

# %% [markdown]
# ## What it does to learning
#
# Networks with one and with six hidden layers of 32 units learn the 2,000 digits for six epochs, in batches
# of 100. The deep sigmoid network is given a second chance with a learning rate $\eta$ that is ten times as
# large.


# %%
def train(model, lr, epochs, batch=100):
    """Plain gradient descent; returns the mean loss of each epoch."""
    losses = []
    for _ in range(epochs):
        total = 0.0
        for rows, targets in zip(x.split(batch), labels.split(batch)):
            model.zero_grad()
            loss = F.cross_entropy(model(rows), targets)
            loss.backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= lr * parameter.grad
            total += loss.item() * len(rows)
        losses.append(total / len(x))
    return losses


# %% [markdown]
# **Predict:** the deep sigmoid network, with the large $\eta$. A network that gives every class the
# probability 0.1 has the loss $\ln 10 \approx 2.30$. Where is this one after six epochs?

# %%
predict("8d")

# %%
runs = {
    "sigmoid, 1 layer": (1, "sigmoid", "Xavier", 0.1),
    "sigmoid, 6 layers": (6, "sigmoid", "Xavier", 0.1),
    "sigmoid, 6 layers, η = 1": (6, "sigmoid", "Xavier", 1.0),
    "ReLU, 1 layer": (1, "ReLU", "He", 0.1),
    "ReLU, 6 layers": (6, "ReLU", "He", 0.1),
}
learned = {}
for name, (depth, f, variance, lr) in runs.items():
    torch.manual_seed(4)
    model = network(depth, 32, f, variance)
    learned[name] = train(model, lr, epochs=6)
    with torch.no_grad():
        p = torch.softmax(model(x), 1)  # what it says of each digit
    spread = (p.amax(0) - p.amin(0)).max()
    print(f"{name:25} largest difference between two digits in a p: {spread:.2f}")
figure = plots.curves(
    {name: (list(range(1, 7)), losses) for name, losses in learned.items()},
    title="Mean loss of each epoch (η = 0.1 where nothing else is said)",
    xlabel="epoch",
    ylabel="cross-entropy",
    ylim=(0, 2.6),
    markers=True,
)
plots.show(figure, "learning.png")
assert learned["sigmoid, 6 layers"][-1] > 2.25
assert learned["sigmoid, 6 layers, η = 1"][-1] > 2.25
assert learned["ReLU, 1 layer"][-1] < learned["ReLU, 6 layers"][-1] < 1

# %% [markdown]
# In six epochs the deep sigmoid network has learned next to nothing: it says almost the same of every digit.
# The bias of the last layer gets a gradient, the layers before it hardly any, and a larger $\eta$ does not
# change their ratio. The deep ReLU network learns. On so few digits and in so few epochs it learns more
# slowly than one with a single layer: what is shown here is only that its depth does not stop it.
#
# Glorot, Bordes and Bengio ("Deep sparse rectifier neural networks", 2011) trained deep networks of ReLUs
# directly, when it was usual to train one layer after the other first. They also discuss a possible price:
# where the slope is 0, no gradient passes.
#
# ## Dead units
#
# A ReLU unit is **dead** on a set of examples if its $z \le 0$ for every one of them. Then its slope is zero
# for all, so $\delta_{nj} = 0$ for all examples $n$, and the row $j$ of
# $\partial L/\partial W = \delta^\top x$ is zero, as is its bias's gradient. It does nothing, and plain
# gradient descent does not move it.


# %%
def dead(model):
    """Which units of the first layer are dead, over the whole set."""
    with torch.no_grad():
        return (model[0](x) <= 0).all(0)


# %% [markdown]
# There are two ways to make them on purpose. One is a bias that is very negative. The other is a step that is
# too large: it can move a unit's weights and bias so far that $z \le 0$ for all examples at once.
#
# **Predict:** a hidden layer of 64 units with He's variance. Without a bias, the $z$ of a unit are spread
# about zero, with a standard deviation of about 1.4 ($\mathrm{Var}[z] \approx 2$). At which bias is a
# large part of the units dead on the 2,000 digits, but not all of them?

# %%
predict("8e")

# %%
torch.manual_seed(5)
model = network(1, 64, "ReLU", "He")
with torch.no_grad():
    largest = model[0](x).amax(0)  # of each unit, over the digits
print(f"largest z of a unit without a bias: from {largest.min():.1f} to {largest.max():.1f}", end=", ")
print(f"the median is {largest.median():.1f}")
dead_at = {}
for bias in (0, -1, -2, -4, -8, -16):
    torch.nn.init.constant_(model[0].bias, bias)
    dead_at[bias] = int(dead(model).sum())
    print(f"bias {bias:3}: {dead_at[bias]:2} of 64 units dead")
assert dead_at[-1] < 5
assert 15 < dead_at[-4] < 60
assert dead_at[-16] == 64

# %% [markdown]
# A unit is dead if its largest $z$ is not above zero. Of 2,000 numbers with this deviation the largest lies
# around three deviations, here near 4, in some units below and in others above. At $-16$ no unit has a digit
# that reaches so far.
#
# ### Steps that are too large

# %%
counts = {}
for lr in (0.1, 0.5, 2.0):
    torch.manual_seed(5)
    model = network(1, 64, "ReLU", "He")
    count = [int(dead(model).sum())]
    for number in range(4):
        rows = slice(100 * number, 100 * number + 100)
        model.zero_grad()
        F.cross_entropy(model(x[rows]), labels[rows]).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= lr * parameter.grad
        count.append(int(dead(model).sum()))
    counts[f"η = {lr:g}"] = list(range(5)), count
figure = plots.curves(
    counts,
    title="Dead units after each of the first four steps",
    xlabel="step",
    ylabel="dead units, of 64",
    markers=True,
)
plots.show(figure, "dead.png")
assert counts["η = 0.1"][1][-1] == 0
assert counts["η = 2"][1][-1] > 10

# %% [markdown]
# At a large $\eta$ it does not take many steps.
#
# A dead unit of the first layer stays dead: its gradient is zero, its inputs are always the same examples,
# and so nothing about it ever changes. We start with a bias of $-4$ and look.


# %%
def with_dead_units():
    torch.manual_seed(5)
    model = network(1, 64, "ReLU", "He")
    torch.nn.init.constant_(model[0].bias, -4)
    return model


model = with_dead_units()
start, before = dead(model), model[0].weight.detach().clone()
F.cross_entropy(model(x), labels).backward()
assert model[0].weight.grad[start].norm() == 0  # exactly, and so for the bias
assert model[0].bias.grad[start].norm() == 0
train(model, 0.1, epochs=5)
assert torch.equal(model[0].weight[start], before[start])  # not one bit has changed
assert bool(dead(model)[start].all())
print(f"dead at first: {int(start.sum())}, after five epochs: {int(dead(model).sum())}")
print("\n".join(record(model, x[:100], labels[:100], loss=F.cross_entropy).remarks))

# %% [markdown]
# `record` knows only the 100 examples that it was given, so it may count a unit that wakes up for one of the
# others.

# %% [markdown]
# ## Two ways back
#
# **Reset the bias.** The dead unit has weights that are as good as any, only $z = x \cdot w + b$ is too low
# everywhere. With $b_j = 0$ it is alive again: above, no unit was dead at this bias. No gradient will do
# this, so it has to be done by hand.
#
# **Leave a slope.** A *leaky* ReLU passes $s z$ instead of 0 for negative $z$, with a small number $s$:
#
# $$a = \begin{cases} z & z > 0 \\ s z & z \le 0 \end{cases} \qquad
#   \frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} \cdot
#   \begin{cases} 1 & z > 0 \\ s & z \le 0 \end{cases}$$
#
# No unit is without a gradient any more. (It was introduced by Maas, Hannun and Ng, "Rectifier nonlinearities
# improve neural network acoustic models", 2013.) It is
# [`F.leaky_relu`](reference/functional/activations/leaky_relu.rst), and here with $s = 0.1$:

# %%
leaky = nn.LeakyReLU(0.1)


def leaky_relu_backward(grad_output, z):
    return torch.where(z > 0, grad_output, 0.1 * grad_output)


assert verify(leaky, leaky_relu_backward, shapes=[(5, 3)])

# %% [markdown]
# **Predict:** after five epochs of training, with which of the two are fewer units left whose $z \le 0$ for
# every digit?

# %%
predict("8f")

# %%
left = {"as it is": [], "bias reset to 0": [], "leaky": []}
losses = {}
for name in left:
    model = with_dead_units()
    if name == "bias reset to 0":
        with torch.no_grad():
            model[0].bias[dead(model)] = 0
    if name == "leaky":
        model[1] = leaky
    for _ in range(6):
        left[name].append(int(dead(model).sum()))
        losses[name] = train(model, 0.1, epochs=1)[0]
    if name == "leaky":
        F.cross_entropy(model(x), labels).backward()
        assert (model[0].weight.grad.norm(dim=1) > 0).all()
figure = plots.curves(
    {name: (list(range(6)), count) for name, count in left.items()},
    title="Units with z ≤ 0 for all 2,000 digits",
    xlabel="epochs of training",
    ylabel="units, of 64",
    markers=True,
)
plots.show(figure, "revived.png")
print("loss in the last epoch:", {name: round(loss, 3) for name, loss in losses.items()})
assert left["bias reset to 0"][-1] < left["leaky"][-1] < left["as it is"][-1] / 2

# %% [markdown]
# The reset works at once, because it does not depend on a gradient. The leaky slope works by and by: every
# unit gets a gradient, as the assertion in the loop checks, and most of them move until some digit makes
# their $z$ positive. Some do not. Gradient descent lowers the loss, and for that a unit need not come to
# life; and with $s$ in place of 1 it moves slowly. Such a unit still takes part, with the slope $s$. What
# does not help is to wait, and neither does a smaller $\eta$: zero times anything is zero. It does help to
# prevent it, with He's variance, biases that start at zero, and an $\eta$ that the first steps can bear.
#
# ## In short
#
# - The slopes are $a(1 - a)$, $1 - a^2$ and $[a > 0]$; at zero, ReLU's is a convention.
# - The product of $k$ sigmoid slopes is at most $0.25^k$. The gradient contains the weights as well, but
#   those that would make up for it saturate the units.
# - An open ReLU path has the slope 1. The price is units that can die, which is seen by counting over the
#   whole set.
#
# Next: [Training on MNIST](09_training.py), where all of this comes together.
#
# ## Exercises
#
# **8.1** A ReLU unit in the *second* hidden layer is dead on the whole training set. Can ordinary gradient
# descent on this set bring it back? Answer "never", "sometimes" or "always".

# %%
answer = ...
check("8.1", answer)

# %% [markdown]
# **8.2** The activation $a = z/\sqrt{1 + z^2}$ looks like tanh and needs no exponential. Write its slope
# $\mathrm{d}a/\mathrm{d}z$ as a function of the output $a$ alone.


# %%
def slope_of_output(a):
    return ...


check("8.2", slope_of_output)

# %% [markdown]
# **8.3** Let the slope of a leaky ReLU be learned, one number $s_j$ for each of the $M$ units ("PReLU", in
# the paper by He and others that [Initialisation](07_initialisation.py) cites). $z$ has the shape $(N, M)$
# and $s$ the shape $(M,)$. Derive the gradients of $z$ and of $s$.


# %%
def prelu(z, s):
    return torch.where(z > 0, z, s * z)


def prelu_backward(grad_output, z, s):
    return ...


check("8.3", prelu_backward)
