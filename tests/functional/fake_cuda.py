"""CUDA tensors without a GPU: what a call would make a GPU wait for, or a CUDA graph refuse to capture.

FakeTensorMode computes shapes, types and devices and no numbers. Below it, `Waits` reads every kernel that is
asked for, and `Launches` counts them. PyTorch's engine starts a thread for each device, which needs a driver,
so `backward` goes through the graph itself, calling the same nodes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten
NO_KERNEL = {
    *(aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided),
    *(aten.detach, aten.alias, aten.lift_fresh, aten.set_, aten.is_same_size, aten._has_same_storage_numel),
}
COPIES = {aten._to_copy, aten.copy_, aten.copy, aten.where}
"""These move a number that lies on the CPU. Other kernels are given it with their arguments."""


class Waits(TorchDispatchMode):
    """Notes in `found` what a GPU waits for: numbers read, copies from and to the CPU, tensors made there."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, packet = func.name(), func.overloadpacket
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        if any(x.is_cuda for x in given) and self._reads(func, args):
            self.found.append(f"{name} is read")
        out = func(*args, **(kwargs or {}))
        made = [x for x in tree_leaves(out) if isinstance(x, Tensor)]
        on_cpu = [x for x in (*given, *made) if not x.is_cuda]
        if len(on_cpu) < len(given) + len(made) and (packet in COPIES or any(x.dim() for x in on_cpu)):
            self.found += [f"{name} copies"] if on_cpu else []
        elif any(not x.is_cuda for x in made) and not given:
            self.found.append(f"{name} makes a tensor on the CPU")
        return out

    def _reads(self, func: Any, args: Any) -> bool:
        """Whether the output depends on a number in more than its numbers."""
        if func.overloadpacket in (aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_):
            return any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1])
        return bool({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & {*func.tags})


class Launches(TorchDispatchMode):
    """Notes in `names` the kernels that a GPU launches: all that it is asked for but views and memory."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor)]
        computes = func.namespace == "aten" and not func.is_view and func.overloadpacket not in NO_KERNEL
        if computes and any(x.is_cuda for x in tensors):
            self.names.append(func.overloadpacket.__name__)
        return out


def on_cuda(value: Any) -> Any:
    """The tensors in it as fake ones, of the same layout; leaves that require a gradient are such again."""

    def fake(x: Tensor) -> Tensor:
        like = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="cuda")
        return like.requires_grad_(x.requires_grad)

    return tree_map_only(Tensor, fake, value)


def backward(outputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradients of the leaves, from upstream gradients of any numbers."""
    arrived: dict[Node, dict[int, Tensor]] = defaultdict(dict)
    found: dict[int, Tensor] = {}

    def send(node: Any, at: int, gradient: Tensor | None) -> None:
        if gradient is not None:
            due, there = node._input_metadata[at], arrived[node].get(at)
            if gradient.shape != tuple(due.shape):
                gradient = gradient.sum_to_size(tuple(due.shape))
            gradient = gradient.to(due.dtype)
            arrived[node][at] = gradient if there is None else there + gradient

    differentiable = [out for out in outputs if out.grad_fn is not None]
    for out in differentiable:
        send(out.grad_fn, out.output_nr, torch.empty_like(out))
    with torch.no_grad():
        for node in _from_the_end([out.grad_fn for out in differentiable]):
            if hasattr(node, "variable"):
                found[id(node.variable)] = arrived[node][0]
            elif node in arrived:
                parents = [edge for edge in node.next_functions if edge[0] is not None]
                for (parent, at), gradient in zip(parents, _call(node, arrived[node]), strict=True):
                    send(parent, at, gradient)
    return [found.get(id(leaf)) for leaf in leaves]


def _call(node: Any, arrived: dict[int, Tensor]) -> list[Tensor | None]:
    """The gradients that the node's own backward sends on; a Function gets zeros where nothing arrived."""
    by_hand = isinstance(node, torch.autograd.function.BackwardCFunction)
    gradients = []
    for at, meta in enumerate(node._input_metadata):
        zeros = by_hand and meta.dtype.is_floating_point and at not in arrived
        made = torch.empty(tuple(meta.shape), dtype=meta.dtype, device="cuda") if zeros else None
        gradients.append(arrived.get(at, made))
    if by_hand:  # one for each argument of its forward, whether it needs one or not
        returned = node.apply(*gradients)
        returned = returned if isinstance(returned, tuple) else (returned,)
        return [gradient for gradient, due in zip(returned, node.needs_input_grad, strict=True) if due]
    returned = node(*gradients)
    returned = returned if isinstance(returned, tuple) else (returned,)
    return [gradient for gradient, edge in zip(returned, node.next_functions, strict=True) if edge[0]]


def _from_the_end(roots: Sequence[Node | None]) -> list[Node]:
    """Every node after all of those that send to it."""
    order: list[Node] = []
    seen: set[Node] = set()

    def visit(node: Node | None) -> None:
        if node is not None and node not in seen:
            seen.add(node)
            for parent, _ in node.next_functions:
                visit(parent)
            order.append(node)

    for root in roots:
        visit(root)
    return order[::-1]


@contextmanager
def cuda_autocast(dtype: torch.dtype | None) -> Iterator[None]:
    """torch.autocast("cuda"), which turns itself off where there is no GPU."""
    before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    torch.set_autocast_enabled("cuda", dtype is not None)
    torch.set_autocast_dtype("cuda", dtype or before[1])
    try:
        yield
    finally:
        torch.set_autocast_enabled("cuda", before[0])
        torch.set_autocast_dtype("cuda", before[1])
        torch.clear_autocast_cache()


def waits(
    call: Callable[..., Any], given: Any, autocast: torch.dtype | None = None
) -> tuple[list[str], list[str], list[Any]]:
    """What a GPU waits for in a call on CUDA tensors like the given ones, and in its backward.

    Args:
        call: of what is given, one argument each.
        given: tensors, which are differentiated where they require a gradient, and whatever else.
        autocast: the type of torch.autocast, where it is on.

    Returns:
        What it waits for forward and backward, and the shape, type and device of each output and gradient.
    """
    forward, back = Waits(), Waits()
    with FakeTensorMode(allow_non_fake_inputs=True):
        arguments = on_cuda(given)
        leaves = [x for x in tree_leaves(arguments) if isinstance(x, Tensor) and x.requires_grad]
        try:
            with cuda_autocast(autocast) if autocast else nullcontext(), forward:
                returned = call(*arguments)
            outputs = [x for x in tree_leaves(returned) if isinstance(x, Tensor)]
            with back:
                gradients = backward(outputs, leaves)
        except (DataDependentOutputException, DynamicOutputShapeException):
            return forward.found, back.found, []  # what comes behind a number that is read, nobody knows
    described = [None if x is None else (tuple(x.shape), x.dtype, x.device) for x in (*outputs, *gradients)]
    return forward.found, back.found, described


def launches(call: Callable[..., Any], given: Any) -> list[str]:
    """The kernels that a call on CUDA tensors like the given ones and its backward launch, by name."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        arguments = on_cuda(given)
        leaves = [x for x in tree_leaves(arguments) if isinstance(x, Tensor) and x.requires_grad]
        with Launches() as launched:
            returned = call(*arguments)
            backward([x for x in tree_leaves(returned) if isinstance(x, Tensor)], leaves)
    return launched.names
