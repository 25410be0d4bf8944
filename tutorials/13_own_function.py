# %% [markdown]
# # Writing your own autograd.Function
#
# Here is a `torch.autograd.Function` for $f(x) = x^3$. Its gradient $\partial L/\partial x = g \cdot 3x^2$,
# with $g$ for the upstream gradient `grad_output`, is right, and `gradcheck` says so. What is wrong with it?

# %%
import gc
import weakref

import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable
from torch.autograd.gradcheck import GradcheckError

from manual_backprop import functional as F
from manual_backprop import plots, verify
from manual_backprop.exercises import check, predict
from manual_backprop.functional.operation import Operation, function_of, keep, narrow, widen


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        slope = 3 * x**2
        ctx.save_for_backward(slope)  # computed once, used in backward
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (slope,) = ctx.saved_tensors
        return grad_output * slope


torch.manual_seed(0)
x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
print("gradcheck:", gradcheck(Cube.apply, x))

# %% [markdown]
# A Function is a contract. `forward` computes with plain tensors, and autograd does not look inside.
# `backward` gets $g = \partial L/\partial\text{out}$ and returns $\partial L/\partial\text{input}$. `ctx`,
# the context, carries from the one to the other what `backward` will need. Everything else that people do
# with a gradient rests on how this is written. This page goes through it, breaks each rule once to see what
# happens, and ends with a file to copy. That the formula itself is right is the matter of [Is my derivation
# right?](10_derivation.py)
#
# ## A second derivative
#
# Take $L = f(x)^2 = x^6$ at $x = 2$. The first derivative is $6x^5 = 192$ and the second is $30x^4 = 480$.
# Autograd is to compute the second one as the derivative of what it has computed for the first.
#
# **Predict:** what does it say the second derivative is, with the Function above?

# %%
predict("13a")

# %%
two = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
(first,) = torch.autograd.grad(Cube.apply(two) ** 2, two, create_graph=True)
(second,) = torch.autograd.grad(first, two)
print(f"first derivative:  {first.item():.0f}, expected 192")
print(f"second derivative: {second.item():.0f}, expected 480")
assert (first.item(), second.item()) == (192, 288)

# %% [markdown]
# No error, no warning, and a wrong number. With `create_graph=True`, autograd records what `backward`
# computes, in order to differentiate it once more. It knows how `grad_output` depends on $x$. But `slope`
# came out of `forward`, where nothing is recorded: for autograd it is a constant. In $g \cdot s$ with $s =
# 3x^2$ it finds only the first term of the product rule,
#
# $$\frac{d}{dx}(g s) = \frac{dg}{dx} s + g \frac{ds}{dx},
#   \qquad g = 2x^3: \quad 6x^2 \cdot 3x^2 + 2x^3 \cdot 6x = 288 + 192.$$
#
# In the picture of what autograd sees, no way leads from $x$ to $s$.

# %%
edges = [("x", "f"), ("f", "g = 2f"), ("g = 2f", "g s"), ("s", "g s")]
title = "What autograd records: no way leads from x to s"
plots.show(plots.graph(edges, title), "cube.png")

# %% [markdown]
# ### What to save
#
# Hence the first rule: **save inputs and outputs, never an intermediate.** Autograd knows how inputs and
# outputs depend on $x$. `gradgradcheck` is the test for it: `gradcheck`, put to the backward.


# %%
class CubeAgain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


for function in (Cube, CubeAgain):
    try:
        verdict = str(gradgradcheck(function.apply, x))
    except GradcheckError as complaint:
        verdict = str(complaint).splitlines()[0]
    print(f"{function.__name__:<10} {verdict}")

# %% [markdown]
# Sometimes the intermediate is costly and nobody will differentiate twice. Then say so:
# `once_differentiable` turns the wrong number into an error.


# %%
class CubeOnce(Cube):
    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (slope,) = ctx.saved_tensors
        return grad_output * slope


(first,) = torch.autograd.grad(CubeOnce.apply(two) ** 2, two, create_graph=True)
try:
    first.backward()
except RuntimeError as refusal:
    print(refusal)

# %% [markdown]
# ## The least that is enough
#
# What is kept lives from the forward pass to the backward pass, for every layer. So the question is not what
# is handy but what is needed. For the [sigmoid](reference/functional/activations/sigmoid.rst), $\sigma'(z) =
# a\,(1-a)$ needs the output $a$ alone, which the next layer keeps anyway. Autograd, given
# `1 / (1 + (-z).exp())`, does not know that formula. It sees the steps, a sign, an exponential, a sum and a
# reciprocal, and keeps for each of them what its backward needs.
#
# **Predict:** how many tensors does it keep?

# %%
predict("13b")


# %%
def kept(function, *inputs):
    """What autograd keeps for the backward of a function, each tensor once."""
    found = {}

    def keeping(t):
        return found.setdefault(t.data_ptr(), t)

    with torch.autograd.graph.saved_tensors_hooks(keeping, lambda t: t):
        function(*inputs)
    return list(found.values())


def step_by_step(z):
    return 1 / (1 + (-z).exp())


z = torch.randn(100, 100, requires_grad=True)
for name, function in (("step by step", step_by_step), ("F.sigmoid", F.sigmoid)):
    tensors = kept(function, z)
    size = sum(t.nbytes for t in tensors) // 1000
    print(f"{name:<13} tensors kept: {len(tensors)}, {size} kB")
assert predict("13b", len(kept(step_by_step, z)))
assert len(kept(F.sigmoid, z)) == 1

# %% [markdown]
# `functional/activations/sigmoid.py` has the derivation. The same trick serves whenever the derivative
# can be written with the output: $\tanh' = 1 - a^2$, $(e^z)' = a$, $(1/z)' = -a^2$.
#
# ## Save it where autograd looks
#
# Tensors go through `ctx.save_for_backward`, not into an attribute such as `ctx.a`. Two sigmoids, which
# differ in that alone, show why.


# %%
class Saved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        a = z.sigmoid()
        ctx.save_for_backward(a)
        return a

    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return grad_output * a * (1 - a)


class Attribute(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.a = z.sigmoid()
        return ctx.a

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.a * (1 - ctx.a)


# %% [markdown]
# The slope of $\sigma$ at 0 is ¼. Now somebody adds 1 to the output, in place, before the backward.
#
# **Predict:** what do the two say of the slope?

# %%
predict("13c")

# %%
for function in (Attribute, Saved):
    z = torch.zeros(1, requires_grad=True)
    a = function.apply(z)
    with torch.no_grad():
        a.add_(1)
    try:
        (grad,) = torch.autograd.grad(a, z)
        print(f"{function.__name__}: {float(grad):.2f}, expected 0.25")
        assert grad == -0.75
    except RuntimeError as refusal:
        print(f"{function.__name__}: {str(refusal).split(':')[0]}")
        assert function is Saved

# %% [markdown]
# `save_for_backward` notes the version of a tensor, a counter of its changes in place, and compares it in
# the backward. An attribute is just a name for memory in which something else stands now: $1.5 \cdot (1 -
# 1.5)$.
#
# ### Who keeps whom
#
# The second reason is memory. The output knows its node in the graph, the node knows `ctx`, and `ctx.a` *is*
# the output: a circle of references, which Python does not free when the last name is gone, but whenever its
# garbage collector comes by.

# %%
gc.collect()
gc.disable()
for function in (Attribute, Saved):
    a = function.apply(torch.zeros(1, requires_grad=True))
    alive = weakref.ref(a)
    del a
    leaks = alive() is not None
    print(f"{function.__name__:<10} {'leaks' if leaks else 'is freed at once'}")
    assert leaks == (function is Attribute)
gc.enable()

# %% [markdown]
# An operation that overwrites its *input* has to say so with `ctx.mark_dirty`, as `ReLUInPlace` in
# `functional/activations/relu.py` does. Numbers, shapes and flags may stand in attributes. Tensors that
# are neither input nor output should not be kept at all, as we saw.
#
# ## Compute what is asked for
#
# The first layer's $x$ is data. Nobody wants $\partial L/\partial x$, and yet a careless backward computes
# it. `ctx.needs_input_grad` says for each input whether its gradient is wanted. For the linear layer $z = x
# W^\mathsf{T}$ with $\delta = \partial L/\partial z$ ([The chain rule, layer by layer](05_chain_rule.py)),
# we count the matrix products.


# %%
class Linear(torch.autograd.Function):
    products = 0

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight.T

    @staticmethod
    def backward(ctx, delta):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = delta @ weight
            Linear.products += 1
        if ctx.needs_input_grad[1]:
            grad_weight = delta.T @ x
            Linear.products += 1
        return grad_x, grad_weight


for wanted in ((False, True), (True, False), (True, True)):
    x, weight = torch.randn(5, 3), torch.randn(7, 3)
    Linear.products = 0
    z = Linear.apply(x.requires_grad_(wanted[0]), weight.requires_grad_(wanted[1]))
    z.sum().backward()
    print(f"needs_input_grad = {wanted}: {Linear.products} of 2 products")

# %% [markdown]
# In the first layer that saves one of the two products of the backward.
# `functional/affine/linear.py` goes one step further and does not even *keep* $W$ if $\partial
# L/\partial x$ is not wanted.
#
# ## Return exactly the input's shape
#
# A bias $b$ of shape $(M,)$ is added to each of $N$ rows, so its gradient is the sum over the rows. This
# backward forgets the sum.


# %%
class AddBias(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, bias):
        return z + bias

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output, grad_output  # (N, M) for a bias (M,)


# %% [markdown]
# **Predict:** what does `gradcheck` say of it?

# %%
predict("13d")

# %%
z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
bias = torch.randn(3, dtype=torch.float64, requires_grad=True)
print("gradcheck:", gradcheck(AddBias.apply, (z, bias)))  # it raises an error where it finds one


def add_bias(z, bias):
    return z + bias


def unsummed(grad_output, z, bias):
    return grad_output, grad_output


print(verify(add_bias, unsummed, shapes=[(5, 3), (3,)]).verdicts[1])

# %% [markdown]
# Autograd's engine sums a gradient that is too large down to the input's shape where it can, so the result
# is right by luck, and the memory is spent. `verify`, given the backward as a function, calls it without the
# engine in between, and sees its shape.
#
# ## Take the upstream gradient as it comes
#
# `grad_output` is not yours. It may be someone else's tensor, too.
#
# **Predict:** $y = 2x + x$ has the slope 3. Here $2x$ is a Function whose backward doubles `grad_output` in
# place, to save memory. Which slope comes out?

# %%
predict("13e")


# %%
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.mul_(2)


x = torch.ones(1, requires_grad=True)
upstream = torch.ones(1)
(grad,) = torch.autograd.grad(Double.apply(x) + x, x, upstream)
print(f"gradient: {float(grad):.0f}, expected 3")
print(f"upstream gradient: 1 before, {float(upstream):.0f} after")
assert predict("13e", grad)

# %% [markdown]
# A sum hands the same `grad_output` to both of its terms, and so one of them has changed the other's. The
# rule: **read it, never write to it.**
#
# ### Its layout
#
# Nor may a backward count on its layout. Below, the sum over the rows
# is differentiated by *expanding* one row of numbers to five, without copying them, and `.view` cannot
# flatten such a tensor.


# %%
class Flat(Saved):
    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return (grad_output.view(-1) * (a * (1 - a)).view(-1)).view(a.shape)


z = torch.randn(5, 3, requires_grad=True)
try:
    torch.autograd.grad(Flat.apply(z).sum(0), z, torch.randn(3))
except RuntimeError as refusal:
    print(str(refusal).split(" (")[0])

# %% [markdown]
# `reshape` copies where it must. Better still, write the formula so that no flattening is needed. And as
# autograd may hand over a transposed, expanded or empty tensor, test with each.
#
# ## The other ways in
#
# A gradient is not always asked for by `backward`. *Forward mode* pushes a tangent, the movement $u$ of the
# input, through to the output, $J u$ where backward computes $J^\mathsf{T} g$ ($J$ is the matrix of all
# $\partial\text{out}_j/\partial\text{in}_i$). `torch.func` has both, and `vmap`, which turns a function of
# one example into one of many. What does our cube, right as it is, say to them?

# %%
x = torch.randn(5, dtype=torch.float64)
ways = {
    "jvp": lambda f: torch.func.jvp(f, (x,), (torch.ones_like(x),))[1],
    "grad": lambda f: torch.func.grad(lambda x: f(x).sum())(x),
    "vmap": lambda f: torch.func.vmap(torch.func.grad(f))(x),
}


def try_all(f):
    for name, way in ways.items():
        try:
            torch.testing.assert_close(way(f), 3 * x**2)
            print(f"{name:<5} right")
        except RuntimeError as refusal:
            print(f"{name:<5} {str(refusal)[:70]} …")


try_all(CubeAgain.apply)

# %% [markdown]
# Three additions cure it:
#
# - `forward` without `ctx`, and a `setup_context` that does the saving. It computes nothing.
# - `jvp(ctx, tangent)`, which is $J u$ written as a formula. What it needs is saved with `save_for_forward`.
# - `generate_vmap_rule = True`, with which PyTorch maps `forward` and `backward` themselves, so that they
#   must be made of functions that can be mapped. Otherwise a `vmap` method does it. Give one or the other,
#   never both.


# %%
class CubeForAll(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2

    @staticmethod
    def jvp(ctx, tangent):
        (x,) = ctx.saved_tensors
        return tangent * 3 * x**2


try_all(CubeForAll.apply)

# %% [markdown]
# Two formulas of one Jacobian can disagree. That they do not is checked by the *adjoint identity* $\langle
# g, J u \rangle = \langle J^\mathsf{T} g, u \rangle$ ([Is my derivation right?](10_derivation.py)).
#
# ## The compiler
#
# `torch.compile` can follow a Function, unless it has its own `jvp`.

# %%
compiled = torch.compile(CubeForAll.apply, backend="eager", fullgraph=True)
try:
    compiled(x.clone().requires_grad_())
except Exception as refusal:
    print(type(refusal).__name__, "-", str(refusal).splitlines()[0])

# %% [markdown]
# So forward mode and the compiler want different classes of the same formulas.
# `functional/operation/forms.py` solves this once for all operations: `function_of` makes three classes of
# the four methods, one without `jvp` for the compiler, one with it for `torch.func`, and a quick one for the
# plain case. At each call it asks PyTorch what is at work, and picks one.
#
# ## Autocast
#
# Under `torch.autocast`, matrix products are made in a shorter type, also those inside a `forward`. What was
# saved is still in the longer one, and in the backward the two meet.

# %%
x, weight = torch.randn(5, 3), torch.randn(7, 3, requires_grad=True)
for name, linear in (("ours above", Linear.apply), ("F.linear", F.linear)):
    with torch.autocast("cpu", torch.bfloat16):
        z = linear(x, weight)
    try:
        (grad_weight,) = torch.autograd.grad(z.sum(), weight)
        print(f"{name:<11} z is {z.dtype}, ∂L/∂W is {grad_weight.dtype}")
    except RuntimeError as refusal:
        print(f"{name:<11} z is {z.dtype}, then:\n  {refusal}")

# %% [markdown]
# The cure is to cast before the Function is applied, so that it sees one type only and the casts are
# differentiated by autograd. `function_of` does it where an operation says so with `autocast_dtype`.
#
# ## The file to copy
#
# All of this together, for an operation that this package does not have: the *squareplus* (Jonathan Barron,
# "Squareplus: a softplus-like algebraic rectifier", 2021), a ReLU without the kink, made without an
# exponential.


# %%
class Squareplus(Operation):
    """a = (z + √(z² + 4)) / 2, elementwise.

    Given   a and the upstream gradient ∂L/∂a.
    Want    ∂L/∂z.

    1.  Each output depends on one input only:      ∂L/∂z = ∂L/∂a · da/dz
    2.  With r = √(z² + 4), dr/dz = z/r, so         da/dz = (1 + z/r) / 2 = a / r
    3.  From the output: a (r − z)/2 = 1, so        r = a + 1/a and da/dz = 1 / (1 + a⁻²)

    The numerical trap: for z far below 0, z + r is the difference of two large numbers that are almost equal.
    2 / (r − z), which is the same by step 3, adds them.

    Shapes: input, output and gradient (*), all alike.
    """

    @staticmethod
    def check(input):
        if not input.is_floating_point():
            raise NotImplementedError(f"squareplus: expected floating-point numbers, got {input.dtype}")

    @staticmethod
    def forward(input):
        z = widen(input)  # half precision is computed in float32 and rounded once
        r = torch.hypot(z, torch.full_like(z, 2))  # √(z² + 4), where z² would overflow, too
        a = torch.where(z > 0, (z + r) / 2, 2 / (r - z))
        return narrow(a, input.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        keep(ctx, output)  # step 3: the derivative needs a only, which the next layer keeps anyway

    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return grad_output / (1 + a**-2)

    @staticmethod
    def jvp(ctx, input_tangent):
        (a,) = ctx.saved_tensors
        return input_tangent / (1 + a**-2)


_squareplus = function_of(Squareplus)


def squareplus(input):
    """(z + √(z² + 4)) / 2, elementwise, with a hand-written gradient."""
    return _squareplus(input)


# %% [markdown]
# `Operation` is a `torch.autograd.Function` with `generate_vmap_rule = True`, and `keep` saves for both
# directions. Now every promise is checked.


# %%
def written_out(z):
    return (z + (z**2 + 4).sqrt()) / 2


report = verify(squareplus, against=written_out, shapes=[(5, 3)])
print(report)
assert report

z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
assert gradcheck(squareplus, z, check_forward_ad=True)
assert gradgradcheck(squareplus, z)

point, u = z.detach(), torch.randn(5, 3, dtype=torch.float64)
slope = (1 + point / (point**2 + 4).sqrt()) / 2
value, tangent = torch.func.jvp(squareplus, (point,), (u,))
torch.testing.assert_close(value, written_out(point))
torch.testing.assert_close(tangent, u * slope)

each = torch.func.vmap(torch.func.hessian(lambda row: squareplus(row).sum()))(point)
torch.testing.assert_close(each, torch.diag_embed(2 / (point**2 + 4) ** 1.5))

compiled = torch.compile(squareplus, backend="eager", fullgraph=True)
torch.testing.assert_close(torch.autograd.grad(compiled(z).sum(), z)[0], slope)

extreme = torch.tensor([-1e4, 0.0, 1e4], requires_grad=True)
values = squareplus(extreme)
(grad,) = torch.autograd.grad(values.sum(), extreme)
print("squareplus of -10000, 0, 10000:", values.tolist())
print("and its slopes:                ", grad.tolist())
print("the formula as it is written:  ", written_out(extreme).tolist())
torch.testing.assert_close(values, torch.tensor([1e-4, 1, 1e4]))
torch.testing.assert_close(grad, torch.tensor([1e-8, 0.5, 1]))
assert len(kept(squareplus, z)) == 1

# %% [markdown]
# ## The checklist
#
# 1. Derive it on paper, elementwise indices first. Name the numerical trap.
# 2. `forward` computes, `setup_context` saves and computes nothing.
# 3. Save inputs and outputs only, as few as the formula needs, with `save_for_backward`.
# 4. `backward` starts from `grad_output` and is made of differentiable functions; else it is
#    `once_differentiable`.
# 5. Return for each input exactly its shape and type, `None` for what is not a tensor, and nothing that
#    `needs_input_grad` does not ask for.
# 6. Read `grad_output`, do not write to it, and never `.view` it.
# 7. Write `jvp` from the same Jacobian, and hold the two together with the adjoint identity.
# 8. `generate_vmap_rule = True`, or a `vmap` method.
# 9. Raise before anything is computed, saying what was given and what was expected. Cast for autocast
#    outside, and compute half precision in float32.
# 10. Test in float64 with random upstream gradients of every layout and sizes that are different primes:
#    first and second derivatives, forward mode, `vmap`, the compiler, no elements, the kink, extreme values.
#    Then break the backward on purpose and see the tests fail.
#
# `CONTRIBUTING.md`, "How to add an operation", says where each of these goes in this package.
#
# ## Exercises
#
# **13.1** For $a = \cos z$, elementwise, what is the least that backward needs to have kept: the `"input"`,
# the `"output"`, `"both"` or `"neither"`?

# %%
answer = ...
check("13.1", answer)

# %% [markdown]
# **13.2** A network has two linear layers with a ReLU between them, $z^1 = x W^{1\mathsf{T}}$, $a^1 =
# \operatorname{relu}(z^1)$, $z^2 = a^1 W^{2\mathsf{T}}$. Of $x$, $W^1$ and $W^2$, only $W^1$ is to be
# trained. How many matrix products does the backward need, if it heeds `needs_input_grad`?

# %%
answer = ...
check("13.2", answer)

# %% [markdown]
# **13.3** Write the *mish*, $a = z \tanh(\ln(1 + e^z))$ (Diganta Misra, "Mish: a self regularized
# non-monotonic activation function", 2019), as a `torch.autograd.Function`. Its first and second derivatives
# are to be right, whatever the layout of the upstream gradient, which is to be left as it was. PyTorch has
# $\ln(1 + e^z)$ as `torch.nn.functional.softplus`.


# %%
class Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return ...

    @staticmethod
    def backward(ctx, grad_output):
        return ...


check("13.3", Mish)
