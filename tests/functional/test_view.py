"""Writing over views and parts: what changed, what did not, and whose gradient it is."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop import use_manual_gradients
from manual_backprop.functional.in_place._places import Places
from manual_backprop.functional.operation.torch_state import tree_leaves
from tests.functional.checks import assert_same
from tests.functional.samples import randn

Program = Callable[[Tensor, Tensor], Any]
PROGRAMS: dict[str, str] = {
    "a row of one number": "z[0] = 1.0",
    "a row": "z[0] = w",
    "a row through a copy of itself": "z[0] = z[1]",
    "a column": "z[:, 1] = w[:3]",
    "a part, broadcast": "z[1:, ::2] = w[0]",
    "with more dimensions than its place": "z[0] = w[None, None]",
    "in another type": "z[1] = w.float()",
    "rows by numbers": "z[torch.tensor([2, 0])] = w",
    "rows by a list": "z[[2, 0]] = w",
    "places by two tensors": "z[torch.tensor([2, 0]), torch.tensor([1, 3])] = w[:2]",
    "where a mask is true": "z[z > 0] = 0",
    "a number where a mask is true": "z[torch.tensor([[True], [False], [True]]).expand(3, 4)] = w[1]",
    "with … and None": "z[..., None, 0] = w[:3, None]",
    "nothing": "z[1:1] = w",
    "all": "z[:] = w",
    "all, by …": "z[...] = z + w",
    "a part times a vector": "z[:, 1:3] *= w[:2]",
    "a row plus itself": "z[0] += z[0]",
    "a row plus what is made of all": "z[0] += z[1].clone() * z.sum()",
    "rows by numbers, plus": "z[torch.tensor([2, 0])] += w",
    "twice": "z[0] *= w; z[:2] -= 1; z[0, 1] /= w[1]",
    "an element of the numbers in a row": "z.view(-1)[5] = w[2]",
    "all, in a row": "z.view(-1).mul_(2)",
    "transposed": "z.t().add_(1)",
    "transposed, with what is not": "z.T.mul_(z.clone().T)",
    "nothing to squeeze": "z.squeeze().mul_(w)",
    "unsqueezed": "z[None].mul_(w)",
    "expanded to its own shape": "z.expand(3, 4).mul_(w)",
    "permuted, and again": "z.permute(1, 0)[1:].t()[:, ::2].mul_(3)",
    "unflattened": "z.unflatten(1, (2, 2))[:, 0].add_(w[:2])",
    "every other, from behind": "z.flatten()[::3].zero_()",
    "narrowed": "z.narrow(1, 1, 2).copy_(w[:2])",
    "selected": "z.select(0, 1).fill_(w[0])",
    "a view of a view": "v = z[1:]; v[0] *= w; v[1] = 0",
    "a view is read after it": "v = z[0]; z *= 2; out = z, v",
    "a view is read before and after": "v = z[0]; u = v + w; v.add_(1); out = z, v, u",
    "a view is written, and another read": "v = z[0]; r = z[:, 1]; v.mul_(w); out = z, v, r",
    "views written by turns": "v, r = z[0], z[:, 1]; v.add_(w); r.mul_(2); v.add_(r[1] + 1); out = v, r, z",
    "a view of a view is read after the base is written": "v = z.t()[1:]; z[0] = w; out = v, z",
    "a view written, and then its base": "v = z[0]; v.add_(w); z.add_(v.clone()); out = v, z",
    "a view joined after": "v = z[0]; z[0] = w; out = torch.cat([v, z[1]]), torch.stack((v, v))",
    "expanded, and read after": "v = z[:, :1].expand(3, 7); z[:, 0] *= w[:3]; out = v, z",
    "expanded, and a part written": "v = z.expand(2, 3, 4); v[0] = w; v[1, 0] *= 2; out = v, z",
    "a vector expanded, and a row written": "v = z[0].expand(3, 4); v[1] = v.mean(); out = v, z",
    "relu in place on a view": "out = T.relu(z.flatten(1), inplace=True), z",
    "relu_ in place on a view": "v = z[1:]; v.relu_(); out = v, z",
    "leaky_relu in place on a view": "out = T.leaky_relu(z.t(), 0.2, inplace=True), z",
    "silu in place on a view": "out = T.silu(z.view(12), inplace=True), z",
    "hardswish in place on a view": "out = T.hardswish(z[:, 1:], inplace=True), z",
    "relu in place on the base": "v = z[0]; T.relu(z, inplace=True); out = v, z",
    "dropout in place on a view": "out = T.dropout(z.flatten(1), 0.5, True, True), z",
    "a view written by what has no twin": "v = z[0]; v.sigmoid_(); out = v, z",
    "a base written by what has no twin": "v = z[0]; z.sigmoid_(); out = v, z",
    "a view without twin": "v = z.diagonal(); v.mul_(w[:3]); out = v, z",
    "a view without twin, and one with": "v = z[1:].diagonal(); v.zero_(); out = v, z[1:] * w",
    "a buffer": "b = torch.zeros(3, 4).double(); b[0] = w; b[1] += w; b[:, 2] *= z[:, 2]; out = b",
    "a buffer by views": "b = torch.zeros(3, 4).double(); v = b[0]; v.copy_(w); v.mul_(w); out = v, b",
    "a buffer, in a loop": """
b = torch.zeros(4, 4).double()
for i in range(4):
    b[i] = w * i + b[i - 1]
out = b""",
    "without a gradient, in between": """
v = z[0]
with torch.no_grad():
    z.mul_(2)
out = z + 0, v + 0""",
    "a part of a copy": "c = z.clone(); c[0] = w; out = c, z",
    "a transposed base": "y = (z * 1).t().contiguous().t(); y[0] = w; y.t()[1].mul_(2); out = y",
    "a base in another order": "y = z.t() * 2; y[1:, :2] *= w[:2]; v = y[0]; y += 1; out = y, v",
    "complex": "c = torch.complex(z, z); c[0] = w; c[1] *= 1j; out = torch.view_as_real(c)",
    "the real part": "c = torch.complex(z, z); c.real.mul_(w); out = torch.view_as_real(c)",
    "the conjugate": "c = torch.complex(z, z); c.conj()[0] *= 1j; c[:] = c.conj(); out = torch.abs(c)",
    "empty": "z[:0].mul_(w); z[:, 4:] = 0",
    "one number": "s = z.sum(); s[()] = w[0] + s; out = s",
}
BY_PYTORCH = {"no twin", "without twin", "real part", "conjugate", "complex"}


def run(program: str, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    """What the program leaves in `out`, or in z = 2x."""
    names: dict[str, Any] = {"torch": torch, "T": T, "w": w, "z": x * 2}
    torch.manual_seed(3)
    exec(program, names)
    out = names.get("out", names["z"])
    return (out,) if isinstance(out, Tensor) else tuple(out)


def loss_of(outputs: tuple[Tensor, ...]) -> Tensor:
    """A sum in which every number of every output has a slope of its own."""
    total: Any = 0
    for i, output in enumerate(outputs):
        slopes = torch.linspace(1 + i, 2 + i, output.numel(), dtype=output.dtype).reshape(output.shape)
        total = total + (output * output * slopes).sum()
    return total  # type: ignore[no-any-return]


def values_and_gradients(program: str) -> tuple[Tensor, ...]:
    x, w = randn(3, 4).requires_grad_(), randn(4).requires_grad_()
    outputs = run(program, x, w)
    gradients = torch.autograd.grad(loss_of(outputs), (x, w), allow_unused=True, materialize_grads=True)
    return (*(output.detach() for output in outputs), *gradients)


def is_by_hand(name: str) -> bool:
    return not any(words in name for words in BY_PYTORCH)


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_autograds(name: str) -> None:
    due = values_and_gradients(PROGRAMS[name])
    with use_manual_gradients(strict=is_by_hand(name)) as coverage:
        given = values_and_gradients(PROGRAMS[name])
    assert coverage or not is_by_hand(name), coverage
    for i, (actual, expected) in enumerate(zip(given, due, strict=True)):
        assert_same(f"{name}: number {i} of the outputs and gradients", actual, expected)


def second_gradients(program: str) -> tuple[Tensor, ...]:
    x, w = randn(3, 4).requires_grad_(), randn(4).requires_grad_()
    loss = loss_of(run(program, x, w))
    first = torch.autograd.grad(
        loss.pow(2), (x, w), create_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.autograd.grad(
        sum((g * g).sum() for g in first), (x, w), allow_unused=True, materialize_grads=True
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives_are_autograds(name: str) -> None:
    due = second_gradients(PROGRAMS[name])
    with use_manual_gradients():
        given = second_gradients(PROGRAMS[name])
    for actual, expected in zip(given, due, strict=True):
        assert_same(name, actual, expected, 2**10)


def batched(program: str) -> tuple[Tensor, ...]:
    x, w = randn(3, 4).requires_grad_(), randn(4).requires_grad_()
    out = run(program, x, w)[0]
    upstream = torch.view_as_real(randn(5, *out.shape, 2)) if out.is_complex() else randn(5, *out.shape)
    return torch.autograd.grad(
        out, (x, w), upstream, is_grads_batched=True, allow_unused=True, materialize_grads=True
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_many_upstream_gradients_at_once(name: str) -> None:
    try:
        due = batched(PROGRAMS[name])
    except RuntimeError as error:
        pytest.skip(f"PyTorch's own cannot: {error}")
    with use_manual_gradients():
        given = batched(PROGRAMS[name])
    for actual, expected in zip(given, due, strict=True):
        assert_same(name, actual, expected)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("transform", ["grad", "vmap", "jacfwd", "hessian"])
def test_inside_a_transform(name: str, transform: str) -> None:
    """There, in place on a view is PyTorch's own; what it is made of may be by hand."""
    functions: dict[str, Callable[[], Any]] = {
        "grad": lambda: torch.func.grad(lambda x, w: loss_of(run(PROGRAMS[name], x, w)), (0, 1)),
        "vmap": lambda: torch.func.vmap(lambda x, w: run(PROGRAMS[name], x, w), (0, None)),
        "jacfwd": lambda: torch.func.jacfwd(lambda x, w: run(PROGRAMS[name], x, w)[0], (0, 1)),
        "hessian": lambda: torch.func.hessian(lambda x, w: loss_of(run(PROGRAMS[name], x, w)), (0, 1)),
    }
    x, w = randn(2, 3, 4) if transform == "vmap" else randn(3, 4), randn(4)
    try:
        due = functions[transform]()(x, w)
    except RuntimeError as error:
        pytest.skip(f"PyTorch's own cannot: {error}")
    with use_manual_gradients():
        given = functions[transform]()(x, w)
    for actual, expected in zip(tree_leaves(given), tree_leaves(due), strict=True):
        assert_same(name, actual, expected, 2**10)


def outcome(program: str, **others: Any) -> str:
    """The type of error that a program ends with."""
    names = {"torch": torch, "T": T, "w": randn(4).requires_grad_(), "z": randn(3, 4).requires_grad_() * 2}
    try:
        exec(program, names | others)
    except Exception as error:
        return type(error).__name__
    return "no error"


REFUSED = (
    "w[0] = 1",
    "w[:2].mul_(2)",
    "w.view(2, 2).zero_()",
    "T.relu(w[None], inplace=True)",
    "z[5] = 1",
    "z[0] = w[:3]",
    "z[0] = torch.zeros(2, 4)",
    "z[0] = 'a'",
    "z[0, 0, 0] = 1",
    "z[0].add_(w[:3])",
    "z.expand(2, 3, 4).mul_(2)",
    "a, b, c = z; a.mul_(2)",
    "z.split(2)[0].mul_(2)",
    "z.chunk(2)[1].zero_()",
    "T.relu(z.unbind()[0], inplace=True)",
    "v = z.split(2)[0]; z.mul_(2); v.sum().backward()",
    "v = z[0]; u = v * v; v.add_(1); u.sum().backward()",
    "u = z.sin() * z; z[0] = 1; u.sum().backward()",
    "i = torch.tensor([0]); y = z[i]; i += 1; y.sum().backward()",
    "i = torch.tensor([0]); y = z[:, i]; i += 1; y.sum().backward()",
    "i = torch.tensor([0]); z[i] = w; i += 1; z.sum().backward()",
    "m = z > 0; z[m] = 0; m.logical_not_(); z.sum().backward()",
    """
with torch.no_grad():
    v = z[0]
v.mul_(w)""",
)


@pytest.mark.parametrize("program", REFUSED)
def test_what_autograd_refuses_is_refused_in_the_same_way(program: str) -> None:
    due = outcome(program)
    assert due != "no error"
    with use_manual_gradients():
        given = outcome(program)
    assert given == due


def test_a_part_that_may_be_read_no_more_can_still_be_asked_for_its_shape() -> None:
    z = randn(4, 3).requires_grad_() * 2
    with use_manual_gradients():
        part = z.split(2)[0]
        z.mul_(2)
        assert part.shape == (2, 3)
        assert part.detach().sum() == z.detach()[:2].sum()
        with pytest.raises(RuntimeError, match="view"):
            part.sum()


def test_integers_and_what_needs_no_gradient_are_written_as_ever() -> None:
    counts, plain = torch.zeros(3).long(), torch.zeros(3)
    w = randn(3).requires_grad_()
    with use_manual_gradients(strict=True):
        counts[0] = 3
        plain[1] = 2.5
        counts[1:] = w[1:].detach().long()
    assert not plain.requires_grad
    assert counts[0] == 3
    assert plain[1] == 2.5


VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "reshape": lambda z: F.reshape(z, (12,)),
    "flatten": F.flatten,
    "t": F.t,
    "permute": lambda z: F.permute(z, (1, 0)),
    "select": lambda z: F.select(z, 0, 1),
    "narrow": lambda z: F.narrow(z, 1, 1, 2),
    "unsqueeze": lambda z: F.unsqueeze(z, 0),
    "squeeze": F.squeeze,
    "broadcast_to": lambda z: F.broadcast_to(z, (3, 4)),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_view_by_hand_may_be_overwritten_where_nothing_is_taken_over(name: str, escaped: bool) -> None:
    """PyTorch's own nodes do it then, also for a view that was made inside a block."""

    def gradient(view: Callable[[Tensor], Tensor]) -> Tensor:
        x = randn(3, 4).requires_grad_()
        z = x * 2
        v = view(z)
        v.mul_(v.detach() + 1)
        return torch.autograd.grad(loss_of((z, v)), x)[0]

    due = gradient(lambda z: getattr(torch, name)(z, *ARGUMENTS.get(name, ())))
    if escaped:

        def view(z: Tensor) -> Tensor:
            with use_manual_gradients():
                return getattr(torch, name)(z, *ARGUMENTS.get(name, ()))  # type: ignore[no-any-return]

        assert_same(name, gradient(view), due)
    else:
        assert_same(name, gradient(VIEWS[name]), due)


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "reshape": ((12,),),
    "permute": ((1, 0),),
    "select": (0, 1),
    "narrow": (1, 1, 2),
    "unsqueeze": (0,),
    "broadcast_to": ((3, 4),),
}


def test_what_is_written_over_a_view_takes_no_memory_of_its_own() -> None:
    z = randn(3, 4).requires_grad_() * 1
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        a = F.relu(F.flatten(z), inplace=True)
    assert a.data_ptr() == z.data_ptr()
    assert [t.data_ptr() for t in kept] == [z.data_ptr()]


class Wrong(torch.autograd.Function):
    """δ goes to what was written, and is left with what was overwritten too: the trap."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, written: Tensor, places: Places) -> Tensor:
        ctx.mark_dirty(input)
        ctx.places = places
        return input

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, Tensor, None]:
        p = ctx.places.numbers(grad_output.device)
        part = grad_output.flatten()[p].reshape(ctx.places.view_shape)
        return grad_output, part, None


def test_a_gradient_that_stays_with_the_overwritten_numbers_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manual_backprop.functional.in_place.view._write_view", Wrong.apply)
    due = values_and_gradients("z[0].mul_(w)")
    with use_manual_gradients():
        given = values_and_gradients("z[0].mul_(w)")
    assert not torch.allclose(given[-2], due[-2])


LAYOUTS = (lambda x: x, lambda x: x.t().contiguous().t(), lambda x: x.repeat(2, 2)[::2, ::2])


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[1:],
        lambda x: x.t(),
        lambda x: x.t()[1:, ::2],
        lambda x: x[:, 1],
        lambda x: x[1, 2:],
        lambda x: x.expand(2, 3, 4),
        lambda x: x,
        lambda x: x[:0],
        lambda x: x.diagonal(),
        lambda x: x.unfold(1, 2, 1),
    ],
)
@pytest.mark.parametrize(
    "layout", [lambda x: x, lambda x: x.t().contiguous().t(), lambda x: x.repeat(2, 2)[::2, ::2]]
)
def test_the_places_of_a_view_are_what_it_shows(view: Any, layout: Any) -> None:
    x = layout(torch.arange(12.0).reshape(3, 4)).detach()
    shown = view(x).detach()
    places = Places(
        x.shape, x.stride(), shown.shape, shown.stride(), shown.storage_offset() - x.storage_offset()
    )
    assert torch.equal(x.flatten()[places.numbers(x.device)], shown.flatten())
    if places.are_all:
        assert torch.equal(x.flatten(), shown.flatten())


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_in_other_types(name: str) -> None:
    def gradient() -> Tensor:
        x = randn(3, 4).to(getattr(torch, name)).requires_grad_()
        z = x * 2
        z[0] = x[1].double()
        z[:, 1] *= x[:, 2]
        return torch.autograd.grad(z.float().square().sum(), x)[0]

    due = gradient()
    with use_manual_gradients(strict=True):
        given = gradient()
    assert_same(name, given, due)
