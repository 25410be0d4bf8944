"""A recorded backward beside two others: PyTorch's, which is right, and one in a wrong order."""

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.record.call import Call, Value, norm
from manual_backprop.record.trace import Trace

FEW = 1000  # numbers in a graph that is also walked in the wrong order


def compare(call: Call) -> None:
    """The hand-written gradients beside those of PyTorch's own operation, on the same numbers."""
    upstream = [value.gradient for value in call.outputs]
    if call.twin is None or not call.gradients:
        return
    inputs = [value.tensor.detach() for value in call.inputs]
    for at in call.gradients:
        inputs[at].requires_grad_()
    with torch.enable_grad():
        outputs = [t for t in tree_leaves(call.by_twin(inputs)) if t.requires_grad]
    reached = [(out, g) for out, g in zip(outputs, upstream, strict=True) if g is not None]
    if not reached:
        return
    expected = torch.autograd.grad(
        [out for out, _ in reached],
        [inputs[at] for at in call.gradients],
        [g for _, g in reached],
        materialize_grads=True,
        allow_unused=True,
    )
    for (at, found), right in zip(call.gradients.items(), expected, strict=True):
        call.built_in[at] = float(right) if right.numel() == 1 else norm(right)
        call.ulps[at] = ulps_between(found, right)


def ulps_between(found: Tensor, right: Tensor) -> float:
    """The largest difference, in units in the last place of the largest entry."""
    if torch.equal(found, right):
        return 0.0
    largest = float(right.abs().max())
    unit = torch.finfo(right.dtype).eps * largest
    return float((found - right).abs().max()) / unit if unit else float("inf")


def may_be_walked_early(trace: Trace) -> bool:
    """Whether the graph is small, two ways through it meet, and each operation can be walked."""
    joins = any(len(v.uses) > 1 and v.kind == "intermediate" for v in trace.values.values())
    few = sum(v.tensor.numel() for v in trace.values.values()) <= FEW
    return joins and few and all(call.aliases and len(call.outputs) == 1 for call in trace.calls)


def visited_early(trace: Trace, loss: Tensor, learned: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gradients if each operation is visited once, with the first gradient that reaches it.

    That is the order of a depth-first walk from L which does not wait until all uses of a tensor have been
    visited: what arrives later is lost.
    """
    made_by = {id(value): call for call in trace.calls for value in call.outputs}
    arrived: dict[int, Tensor] = {}
    visited: set[int] = set()
    right = [(call, dict(call.gradients), call.output.gradient) for call in trace.calls]

    def visit(value: Value, gradient: Tensor) -> None:
        call = made_by.get(id(value))
        if call is None:
            arrived[id(value)] = arrived.get(id(value), torch.zeros_like(gradient)) + gradient
            return
        if id(call) in visited or call.result is None:
            return
        visited.add(id(call))
        aliases = list(call.aliases.items())
        passed = torch.autograd.grad(
            call.result, [alias for _, alias in aliases], gradient, retain_graph=True, allow_unused=True
        )
        for (at, _), part in zip(aliases, passed, strict=True):
            if part is not None:
                visit(call.inputs[at], part)

    visit(trace.values[id(loss)], torch.ones_like(loss))
    for call, gradients, upstream in right:  # the walk went past the same hooks
        call.gradients, call.output.gradient = gradients, upstream
    found = {}
    for name, leaf in learned.items():
        value = trace.values[id(leaf)]
        early = arrived.get(id(value))
        if early is not None and value.gradient is not None and not torch.equal(early, value.gradient):
            found[name] = early
    return found
