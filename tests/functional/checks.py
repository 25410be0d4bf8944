"""What an operation owes its users, one check each, from oracles that do not share a mistake.

A check takes the function under test, its row of the table and one sample, and raises if they disagree. The
function is an argument of its own so that the mutation tests can hand in a wrong one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest.mock import patch

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.autograd.graph import Node, saved_tensors_hooks

from tests.functional.samples import Row, Sample, transposed

Function = Callable[..., Any]  # of tensors; returns one tensor, or a tuple of them
Check = Callable[[Function, Row, Sample], None]

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def assert_same(
    what: str, actual: Tensor, expected: Tensor, roundings: float = 16, size: float = 0.0
) -> None:
    """Equal shape, equal dtype (nothing is broadcast or promoted), and values within a few roundings.

    The roundings are those of the largest number, or of `size` where what was added up was larger.
    """
    assert actual.shape == expected.shape, (
        f"{what}: expected shape {tuple(expected.shape)}, got {tuple(actual.shape)}"
    )
    assert actual.dtype == expected.dtype, f"{what}: expected {expected.dtype}, got {actual.dtype}"
    if not actual.is_floating_point():
        assert torch.equal(actual, expected), what
        return
    tolerance = roundings * torch.finfo(expected.dtype).eps
    finite = expected[expected.isfinite()]
    scale = finite.abs().max().item() if finite.numel() else 1.0
    torch.testing.assert_close(
        actual,
        expected,
        rtol=tolerance,
        atol=tolerance * max(scale, size),
        equal_nan=True,
        msg=lambda message: f"{what}: {message}",
    )


def outputs_of(
    function: Function, sample: Sample, inputs: Sequence[Tensor] | None = None
) -> tuple[Tensor, ...]:
    """The outputs, also of an operation that has several."""
    output = function(*(sample.inputs if inputs is None else inputs), **sample.options)
    return (output,) if isinstance(output, Tensor) else tuple(output)


def called(function: Function, sample: Sample, inputs: Sequence[Tensor] | None = None) -> tuple[Tensor, ...]:
    """The outputs that have derivatives, which integers, such as places, do not."""
    return tuple(out for out in outputs_of(function, sample, inputs) if out.is_floating_point())


def named(what: str, at: int, outputs: tuple[Any, ...]) -> str:
    return what if len(outputs) == 1 else f"{what} of output {at}"


def upstream_for(output: Tensor) -> Tensor:
    """A random upstream gradient, never one of ones.

    With ones, a softmax backward that returns zeros passes (its Jacobian maps a constant to 0), and so does
    any backward that ignores its upstream gradient altogether.
    """
    generator = torch.Generator().manual_seed(output.numel())
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output)


def upstreams_for(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(upstream_for(output) for output in outputs)


def gradients(
    function: Function, sample: Sample, upstream: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, ...]:
    leaves = sample.leaves()
    outputs = called(function, sample, leaves)
    return torch.autograd.grad(outputs, leaves, upstreams_for(outputs) if upstream is None else upstream)


def raw_backward(function: Function, sample: Sample, needed: tuple[int, ...] | None = None) -> list[Any]:
    """What `backward` itself returns, before the engine adds, casts and silently sums it into shape."""
    outputs = outputs_of(function, sample, sample.leaves(needed))
    node = outputs[0].grad_fn
    assert node is not None
    returned = node.apply(*(upstream_for(out) if out.is_floating_point() else None for out in outputs))
    returned = returned if isinstance(returned, tuple) else (returned,)
    return list(returned[: len(sample.inputs)])


def value_is_the_twins(
    function: Function, row: Row, sample: Sample, dtypes: tuple[torch.dtype, ...] = DTYPES
) -> None:
    for dtype in dtypes:
        cast = sample.to(dtype)
        actual, expected = (outputs_of(f, cast) for f in (function, row.twin))
        for i, pair in enumerate(zip(actual, expected, strict=True)):
            assert_same(named(f"value in {dtype}", i, actual), *pair)


def gradient_is_the_twins(
    function: Function, row: Row, sample: Sample, dtypes: tuple[torch.dtype, ...] = DTYPES
) -> None:
    for dtype in dtypes:
        cast = sample.to(dtype)
        for i, pair in enumerate(zip(gradients(function, cast), gradients(row.twin, cast), strict=True)):
            assert_same(f"gradient of input {i} in {dtype}", *pair)


def upstream_may_have_any_layout(function: Function, row: Row, sample: Sample) -> None:
    random = upstreams_for(called(row.twin, sample))
    layouts = {"reversed strides": tuple(map(transposed, random))}
    if all(v.numel() for v in random):
        layouts["stride 0"] = tuple(v.reshape(-1)[0].expand(v.shape) for v in random)
    for layout, upstream in layouts.items():
        pairs = zip(gradients(function, sample, upstream), gradients(row.twin, sample, upstream), strict=True)
        for i, pair in enumerate(pairs):
            largest = max((float(v.abs().max()) for v in upstream if v.numel()), default=0.0)
            what = f"gradient of input {i} from an upstream gradient with {layout}"
            assert_same(what, *pair, size=largest)  # a softmax makes nearly 0 of a constant one


def backward_returns_the_inputs_shape(function: Function, row: Row, sample: Sample) -> None:
    for dtype in (torch.float64, torch.bfloat16):
        cast = sample.to(dtype)
        for i, (returned, expected) in enumerate(
            zip(raw_backward(function, cast), gradients(row.twin, cast), strict=True)
        ):
            assert_same(f"what backward returns for input {i}", returned, expected)


def only_what_is_needed_is_computed(function: Function, row: Row, sample: Sample) -> None:
    expected = gradients(row.twin, sample)
    for needed in range(len(sample.inputs)):
        for i, returned in enumerate(raw_backward(function, sample, needed=(needed,))):
            if i == needed:
                assert_same(f"gradient of input {i} alone", returned, expected[i])
            else:
                assert returned is None, f"input {i} needs no gradient, but one was computed"


def derivation_says_the_same(function: Function, row: Row, sample: Sample) -> None:
    if not sample.smooth and "kink" not in sample.name:
        return
    upstreams = upstreams_for(called(function, sample))
    derived = row.derivation(
        upstreams[0] if len(upstreams) == 1 else upstreams, *sample.inputs, **sample.options
    )
    for i, pair in enumerate(zip(raw_backward(function, sample), derived, strict=True)):
        assert_same(f"gradient of input {i} against the index form of its derivation", *pair, roundings=64)


def adjoint_identity(function: Function, row: Row, sample: Sample) -> None:
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩: jvp and backward come from one Jacobian. And J u is the twin's."""
    if not sample.finite:
        return
    inputs = tuple(x.clone() for x in sample.inputs)
    directions = tuple(upstream_for(x) for x in inputs)

    def push(f: Function, moved: tuple[int, ...]) -> tuple[Tensor, ...]:
        with forward_ad.dual_level():
            duals = [
                forward_ad.make_dual(x, directions[i]) if i in moved else x for i, x in enumerate(inputs)
            ]
            return tuple(forward_ad.unpack_dual(out).tangent.clone() for out in called(f, sample, duals))

    every = tuple(range(len(inputs)))
    for moved in {*((i,) for i in every), every}:
        for at, pair in enumerate(zip(push(function, moved), push(row.twin, moved), strict=True)):
            assert_same(f"J u for inputs {moved}, output {at}", *pair)
    pushed = push(function, every)
    v = upstreams_for(pushed)
    pulled = gradients(function, sample, v)
    left = sum(
        ((a * b).sum() for a, b in zip(v, pushed, strict=True)), start=torch.zeros_like(pushed[0].sum())
    )
    right = sum(
        ((g * u).sum() for g, u in zip(pulled, directions, strict=True)), start=torch.zeros_like(left)
    )
    assert_same("⟨v, J u⟩ and ⟨Jᵀ v, u⟩", left.nan_to_num(), right.nan_to_num(), roundings=256)


def central_differences(function: Function, row: Row, sample: Sample) -> None:
    if not sample.smooth or any(x.numel() == 0 for x in sample.inputs):
        return
    leaves = sample.leaves()
    torch.autograd.gradcheck(
        lambda *inputs: function(*inputs, **sample.options),
        leaves,
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=not row.is_view,  # which PyTorch does not know for a view
    )


def second_derivatives(function: Function, row: Row, sample: Sample) -> None:
    """The second derivatives: every entry of a row's smallest sample, a random projection of the others."""
    if not sample.smooth or any(x.numel() == 0 for x in sample.inputs):
        return
    torch.autograd.gradgradcheck(
        lambda *inputs: function(*inputs, **sample.options),
        sample.leaves(),
        check_fwd_over_rev=True,
        check_batched_grad=True,
        fast_mode=sample is not row.smallest,
    )


def func_transforms(function: Function, row: Row, sample: Sample) -> None:
    """jacrev, jacfwd, hessian, vmap and per-sample gradients of torch.func."""
    if not sample.smooth or any(x.numel() == 0 for x in sample.inputs):
        return
    every = tuple(range(len(sample.inputs)))

    def results(f: Function) -> Iterator[tuple[str, Any]]:
        def whole(*inputs: Tensor) -> tuple[Tensor, ...]:
            return called(f, sample, inputs)

        def squared(*inputs: Tensor) -> Tensor:
            return torch.stack([out.square().sum() for out in whole(*inputs)]).sum()

        yield "jacrev", sum(torch.func.jacrev(whole, every)(*sample.inputs), start=())
        yield "jacfwd", sum(torch.func.jacfwd(whole, every)(*sample.inputs), start=())
        if sum(x.numel() for x in sample.inputs) < 100:
            yield "hessian", sum(torch.func.hessian(squared, every)(*sample.inputs), start=())
        stacked = tuple(torch.stack((x, 2 * x, -x)) for x in sample.inputs)
        yield "vmap", torch.func.vmap(whole)(*stacked)
        yield "per-sample gradients", torch.func.vmap(torch.func.grad(squared, every))(*stacked)
        only_first = (0, *(None,) * (len(sample.inputs) - 1))
        last = (stacked[0], *sample.inputs[1:])
        yield "vmap over the first input", torch.func.vmap(torch.func.grad(squared, every), only_first)(*last)

    for (name, actual), (_, expected) in zip(results(function), results(row.twin), strict=True):
        for pair in zip(actual, expected, strict=True):
            assert_same(name, *pair, roundings=256)


def autocast_is_the_twins(function: Function, row: Row, sample: Sample) -> None:
    if not sample.finite:
        return
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        cast = sample.to(dtype)
        results = []
        for f in (function, row.twin):
            leaves = cast.leaves()
            with torch.autocast("cpu", torch.bfloat16):
                outputs = called(f, cast, leaves)
            results.append((*outputs, *torch.autograd.grad(outputs, leaves, upstreams_for(outputs))))
        for actual, due in zip(*results, strict=True):
            coarse = row.rounds_on_the_way and due.dtype == torch.float32
            roundings = 16 * torch.finfo(torch.bfloat16).eps / torch.finfo(due.dtype).eps if coarse else 16
            assert_same(f"{dtype} under autocast", actual.detach(), due.detach(), roundings)


def graph_is_hand_written(function: Function, row: Row, sample: Sample) -> None:
    """From the outputs back to the leaves there is one node of our own and nothing built in."""
    outputs = called(function, sample, sample.leaves())
    nodes = {
        node
        for output in outputs
        for node in graph(output.grad_fn)
        if not node.name().startswith("torch::autograd::Accumulate")
    }
    assert len(nodes) == 1, [node.name() for node in nodes]
    (node,) = nodes
    assert isinstance(node, torch.autograd.function.BackwardCFunction), node.name()


def graph(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield node
        for parent, _ in node.next_functions:
            yield from graph(parent)


def keeps_what_it_says(function: Function, row: Row, sample: Sample) -> None:
    """Kept for backward: inputs or the output, those that the row names, and no other byte."""
    kept: list[Tensor] = []
    leaves = sample.leaves()
    with saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        outputs = outputs_of(function, sample, leaves)
    known = {
        **{"output" if len(outputs) == 1 else f"output {i}": out for i, out in enumerate(outputs)},
        **{f"input {i}": leaf for i, leaf in enumerate(leaves)},
        **sample.options,
    }
    for tensor in kept:
        names = [name for name, value in known.items() if _holds(value, tensor)]
        assert tensor.numel() == 0 or row.keeps.intersection(names), f"keeps {tuple(tensor.shape)}: {names}"


def _holds(value: Any, tensor: Tensor) -> bool:
    """Whether it is that tensor, has it among its parts, or is a list that was made into it."""
    if isinstance(value, Tensor):
        return value.data_ptr() == tensor.data_ptr()
    if isinstance(value, tuple):
        return any(_holds(part, tensor) for part in value)
    return isinstance(value, list) and value == tensor.tolist()


def output_may_be_overwritten(function: Function, row: Row, sample: Sample) -> None:
    """As by a ReLU in place behind it; to overwrite a view is to overwrite what it shows."""
    if row.is_view:
        return
    leaves = sample.leaves()
    for output in called(function, sample, leaves):
        if not any(name.startswith("output") for name in row.keeps):
            output.mul_(2)
        output.detach().add_(0)
        assert output.numel() == 0 or all(output.data_ptr() != leaf.data_ptr() for leaf in leaves)
    for leaf, x in zip(leaves, sample.inputs, strict=True):
        torch.testing.assert_close(leaf.detach(), x, rtol=0, atol=0, equal_nan=True)


@patch("torch._dynamo.guards.profile_guard_manager", lambda *_: 0.0)  # it empties the caches
def compiles_without_a_break(function: Function, row: Row, sample: Sample) -> None:
    """Value and gradient come from one compiled call, since tracing takes the time.

    Where nothing requires a gradient, another form of the operation runs: it is compiled for one sample of a
    row.
    """
    if not sample.finite or any(x.numel() == 0 for x in sample.inputs):
        return
    torch.compiler.reset()
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    leaves, own = sample.leaves(), sample.leaves()
    outputs, expected = called(compiled, sample, leaves), called(function, sample, own)
    for pair in zip(outputs, expected, strict=True):
        assert_same("value", *(out.detach() for out in pair))
    upstreams = upstreams_for(expected)
    grads = torch.autograd.grad(outputs, leaves, upstreams), torch.autograd.grad(expected, own, upstreams)
    for pair in zip(*grads, strict=True):
        assert_same("gradient", *pair)
    if sample is row.smallest:
        for pair in zip(called(compiled, sample), called(function, sample), strict=True):
            assert_same("value without a gradient", *pair)


CONTRACT: tuple[Check, ...] = (
    value_is_the_twins,
    gradient_is_the_twins,
    upstream_may_have_any_layout,
    backward_returns_the_inputs_shape,
    only_what_is_needed_is_computed,
    derivation_says_the_same,
    adjoint_identity,
    central_differences,
    second_derivatives,
    func_transforms,
    autocast_is_the_twins,
    graph_is_hand_written,
    keeps_what_it_says,
    output_may_be_overwritten,
    compiles_without_a_break,
)
