"""Running a forward and writing down what it does.

The forward runs on the hand-written operations (`use_manual_gradients`), which say themselves when they are
called, with plain arguments. Of each, its `written` form is run beside it, on the same numbers: every torch
function that this calls is a primitive, and a node of the program.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from manual_backprop.derive.book import Book, Writing, constant_of
from manual_backprop.derive.built_in import gradient_of, part_of, tensors_of
from manual_backprop.derive.calls import (
    BY_MASK,
    COMPOSED,
    FACTORIES,
    NAMELESS,
    RANDOM,
    READS,
    RESULTS,
    codes_in,
    depends_on_inputs,
    is_from_package,
    is_mask,
)
from manual_backprop.derive.code_names import Seen, is_users, name_in, seen_from
from manual_backprop.derive.compositions import composition_of
from manual_backprop.derive.given_names import GivenNames
from manual_backprop.derive.overwriting import as_new, overwrites
from manual_backprop.derive.primitives import name_of
from manual_backprop.derive.program import Call, Node, Place
from manual_backprop.derive.rules import rule_of
from manual_backprop.functional.in_place.view import Alias
from manual_backprop.functional.operation import WATCH
from manual_backprop.functional.operation.torch_state import (
    is_view,
    tree_leaves,
    tree_map,
    without_torch_functions,
)
from manual_backprop.takeover import use_manual_gradients


class Underivable(Exception):  # noqa: N818 - an answer, not a bug
    """What cannot be written out, and where it stands."""


class TooLong(Underivable):
    """More steps than were asked for."""


class Trace(TorchFunctionMode):
    """Watches a forward: `with trace.watching(): …`."""

    def __init__(self, book: Book, *, elementary: bool, opaque: bool, most: int | None = None) -> None:
        super().__init__()
        self.most = most
        self.book = book
        self.elementary = elementary
        self.opaque = opaque
        self.takeover: Any = None
        self.calls: list[Call] = []
        self.open: list[Call] = []  # the calls that are being taken apart
        self.apart: set[CodeType] = set()  # the code that takes them apart
        self.count = 0
        self.names = GivenNames()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Write down what is computed inside."""
        self.takeover = use_manual_gradients()
        token = WATCH.set(self._own)
        try:
            with torch.enable_grad(), self, self.takeover:
                yield
        finally:
            WATCH.reset(token)

    def _look(self) -> Seen:
        readable = self.apart.__contains__ if self.open else is_users
        seen = seen_from(sys._getframe(2), readable)
        if self.open:
            return seen._replace(place=self.open[0].place)
        return seen._replace(ours=seen_from(sys._getframe(2), COMPOSED.__contains__).names)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What has no hand-written backward, or needs none."""
        kwargs = kwargs or {}
        name = name_of(func)
        if self.book.writing is not None:
            return func(*args, **kwargs)
        if getattr(func, "__name__", "") == "__get__" and name not in ("T", "mT", "H", "mH", "data"):
            return func(*args, **kwargs)
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        known = [self.book.known[id(x)] for x in given if id(x) in self.book.known]
        ours = is_from_package(sys._getframe(1), self.apart)
        if ours or (self.opaque and name not in RANDOM):
            pass  # it checks and prepares what it was given; or what holds at this point is enough
        elif name in READS and not self.open and any(depends_on_inputs(node) for node in known):
            raise Underivable(self._said(f"{name} reads a value, on which the steps depend"))
        elif name in RANDOM:
            raise Underivable(self._said(f"{name} draws random numbers: give them as an input"))
        elif name in ("getitem", "setitem") and any(
            is_mask(x) for x in tree_leaves(args[1]) if id(x) in self.book.known
        ):
            raise Underivable(self._said(BY_MASK))
        written = composition_of(func)
        if written is not None and any(x.requires_grad for x in given):
            return self._taken_apart(name, written, args, kwargs)
        rule = rule_of(func)
        if rule is not None and any(x.requires_grad for x in given) and torch.is_grad_enabled():
            arguments = rule.arguments(args, kwargs)
            if arguments is not None:
                return self._own(rule, rule.forward, arguments)
        if overwrites(func) and not ours and isinstance(args[0], Tensor):
            if not args[0].requires_grad:
                return self._plain_over(func, args, kwargs)
            if (new := as_new(func)) is not None:  # z.exp_() is z ← exp z
                with self, self.takeover:
                    return args[0].copy_(new(args[0].clone(), *args[1:], **kwargs))
        token = WATCH.set(None)
        try:
            output = func(*args, **kwargs)
        finally:
            WATCH.reset(token)
        made = [x for x in tree_leaves(output) if isinstance(x, Tensor)]
        if not made or (not known and (ours or name not in FACTORIES)):
            return output
        if (
            any(x.requires_grad for x in made)
            and torch.is_grad_enabled()
            and name not in ("detach", "detach_", "data")
        ):
            if all(any(x is y for y in given) for x in made) and not name.endswith("_"):
                return output  # requires_grad_ and its like
            self._opaque(func, name, args, kwargs, output)
        elif not all(any(x is y for y in given) for x in made):
            self._plain(func, args, kwargs, output)
        return output

    def _plain(self, func: Any, args: Any, kwargs: Any, output: Any) -> None:
        """A step through which no gradient flows."""
        seen = self._look()
        args, kwargs = tree_map(self._detached, (args, kwargs))
        with Writing(self.book, None, seen.place):
            result = func(*args, **kwargs)
        self.names.give(seen, self._pair(output, result))

    def _plain_over(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The same where a tensor is written over: it stands for another node from then on."""
        target, *rest = args
        seen = self._look()
        new = as_new(func)
        storage = target.untyped_storage().data_ptr()
        views = [t for t in self.book.alive if t is not target and t.untyped_storage().data_ptr() == storage]
        if new is None or any(id(t) in self.book.known for t in views):
            if self.opaque:  # what is written over counts from now on as a number of the code's own
                for t in (target, *views):
                    self.book.known.pop(id(t), None)
                with without_torch_functions():
                    return func(target, *rest, **kwargs)
            what = "a tensor" if new is None else "a view, or what has one"
            raise Underivable(self._said(f"{func.__name__} writes over {what}"))
        if id(target) not in self.book.known:
            self.book.know(target, Node("constant", value=target.detach().clone()))
        node = self._node(target)
        value = node.value.clone()
        self.book.know(value, node)
        given, named = rest, kwargs
        rest, kwargs = tree_map(self._detached, (rest, kwargs))
        with Writing(self.book, None, seen.place):
            made = new(value, *rest, **kwargs)
        self.book.know(target, self.book.node(made))
        with without_torch_functions():
            return func(target, *given, **named)

    def _detached(self, value: Any) -> Any:
        return self._node(value).value if isinstance(value, Tensor) else value

    def _pair(self, output: Any, result: Any) -> list[Node]:
        """The tensors that the forward goes on with are the nodes that were written down."""
        outputs = [x for x in tree_leaves(output) if isinstance(x, Tensor)]
        results = [x for x in tree_leaves(result) if isinstance(x, Tensor)]
        nodes = []
        for live, value in zip(outputs, results, strict=True):
            node = self.book.node(value)
            self.book.know(live, node)
            nodes.append(node)
        return nodes

    def _node(self, tensor: Tensor) -> Node:
        if id(tensor) not in self.book.known:
            name = name_in(sys._getframe(1), tensor)
            node = constant_of(tensor.detach(), name)
            self.book.know(tensor, node)
            self.book.know(node.value, node)
        return self.book.known[id(tensor)]

    def _opaque(self, func: Any, name: str, args: Any, kwargs: Any, output: Any) -> None:
        """A step whose backward is PyTorch's own."""
        if not self.opaque:
            raise Underivable(self._said(f"{name} has no hand-written backward"))
        seen = self._look()
        leaves = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        nodes = [self._node(x) for x in leaves]
        outputs = [x for x in tree_leaves(output) if isinstance(x, Tensor)]
        made = []
        for at, out in enumerate(outputs):
            target = part_of(func, args, kwargs, at)
            op = f"torch.{name}"  # its arguments are its tensors alone
            node = Node(op, tuple(nodes), value=out.detach().clone(), target=target, place=seen.place)
            node.differentiable = out.requires_grad
            self.book.nodes.append(node)
            self.book.know(out, node)
            made.append(node)
        call = self._call(name, "other", tuple(nodes), made, seen.place)
        call.backward = lambda *gs: self._opaque_backward(func, args, kwargs, nodes, made, gs)
        self.names.give(seen, made)

    def _opaque_backward(
        self, func: Any, args: Any, kwargs: Any, nodes: list[Node], made: list[Node], gs: tuple[Any, ...]
    ) -> list[Any]:
        results: list[Any] = []
        upstreams = [self.book.node(g) for g in gs if g is not None]
        which = [i for i, g in enumerate(gs) if g is not None]
        for at, node in enumerate(nodes):
            if not node.differentiable:
                results.append(None)
                continue
            target = gradient_of(func, args, kwargs, at, which)
            results.append(self.book.add(f"{name_of(func)}_backward", target, (*nodes, *upstreams)).value)
        return results

    def _own(self, operation: Any, compute: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """In the place of one of this package's operations."""
        if operation is Alias:
            with without_torch_functions():
                alias = compute(*inputs)
            self.book.know(alias, self._node(inputs[0]))
            return alias
        if not torch.is_grad_enabled():
            return compute(*inputs)
        name = operation.formula.name
        if name == "dropout":
            raise Underivable(
                self._said("dropout draws random numbers: give the mask as an input, or use .eval()")
            )
        if self.elementary and operation.elementary is not None:
            result = self._taken_apart(name, operation.elementary, inputs, {}, operation.formula.kind)
            if result is not NotImplemented and operation.overwrites:
                with self, self.takeover:
                    return inputs[0].copy_(result)
            if result is not NotImplemented:
                return result
        seen = self._look()
        token = WATCH.set(None)
        try:
            with without_torch_functions():
                nodes = tree_map(lambda x: self._node(x) if isinstance(x, Tensor) else x, inputs)
                values = tree_map(lambda x: x.value if isinstance(x, Node) else x, nodes)
                if operation.overwrites:
                    values = tree_map(lambda x: x.clone() if isinstance(x, Tensor) else x, values)
                    for node, value in zip(_nodes(nodes), tensors_of(values), strict=True):
                        node.value = value
                        self.book.know(value, node)
                output = compute(*inputs)
        finally:
            WATCH.reset(token)
        with torch.no_grad():
            self._write(operation, seen, nodes, values, output)
        if operation.overwrites:
            self._forget_views(inputs[0], output)
        return output

    def _write(self, operation: Any, seen: Seen, nodes: Any, values: Any, output: Any) -> None:
        name = operation.formula.name
        call = self._call(name, operation.formula.kind, tuple(nodes), [], seen.place)
        before = len(self.book.nodes)
        with Writing(self.book, call, seen.place):
            written = operation.written(*values)
        if written is NotImplemented:
            if not self.opaque:
                raise Underivable(self._said(f"{name} cannot be written out with these arguments"))
            self.calls.pop()
            self._opaque(operation.forward, name, nodes_values(nodes), {}, output)
            return
        result, call.backward = written
        call.outputs = self._pair(output, result)
        if not set(self.book.nodes[before:]).intersection(call.outputs):
            if all(self._is_known(node) for node in call.outputs):  # its uses are the earlier one's
                self.calls.remove(call)
                self.names.give(seen, call.outputs)
                return
            self.book.literal = True  # a step inside another call, to which no gradient is given
            with Writing(self.book, call, seen.place):
                result, call.backward = operation.written(*values)
            self.book.literal = False
            call.outputs = self._pair(output, result)
        if call.kind in NAMELESS:
            for node in call.outputs:
                if not node.given:
                    node.name = ""
        for node in self.book.nodes[before:]:
            node.differentiable = node.value.is_floating_point() if isinstance(node.value, Tensor) else False
        for node, live in zip(call.outputs, tensors_of(output), strict=True):
            node.differentiable = live.requires_grad
        self.names.give(seen, call.outputs)

    def _is_known(self, node: Node) -> bool:
        """Whether a gradient is gathered for a node: as for what is given, and for what a call returns."""
        of_a_call = any(node in call.outputs for call in self.calls[:-1])
        return of_a_call or not node.differentiable or node.op == "input"

    def _call(
        self, operation: str, kind: str, inputs: tuple[Any, ...], outputs: list[Node], place: Place | None
    ) -> Call:
        if self.most is not None and len(self.calls) >= self.most:
            raise TooLong(self._said(f"there are more than {self.most} steps"))
        if not self.open:
            self.count += 1
        number = self.open[0].number if self.open else self.count
        call = Call(
            number, operation, kind, inputs, outputs, None, place, tuple(c.operation for c in self.open)
        )
        self.calls.append(call)
        return call

    def _taken_apart(
        self, name: str, written: Callable[..., Any], args: Any, kwargs: Any, kind: str = "other"
    ) -> Any:
        """What an operation is made of, each step of which is seen by itself."""
        seen = self._look()
        if not self.open:
            self.count += 1
        number = self.open[0].number if self.open else self.count
        self.open.append(
            Call(number, name, "other", (), [], None, self.open[0].place if self.open else seen.place)
        )
        new = codes_in(written.__code__) - self.apart
        self.apart |= new
        try:
            with self, self.takeover:
                output = written(*args, **kwargs)
        finally:
            self.apart -= new
            self.open.pop()
        if output is NotImplemented:
            self.count -= not self.open
        else:
            made = [self._node(x) for x in tensors_of(output)]
            if len(made) == 1 and not made[0].name:
                made[0].name = RESULTS.get(name, RESULTS.get(kind, ""))
            self.names.give(seen, [node for node in made if not node.given or node.op != "input"])
        return output

    def _forget_views(self, overwritten: Tensor, output: Any) -> None:
        """Views of what was overwritten have other numbers now, and are read afresh."""
        storage = overwritten.untyped_storage().data_ptr()
        keep = {id(x) for x in tensors_of(output)} | {id(overwritten)}
        if id(overwritten) not in {id(x) for x in tensors_of(output)}:
            self.book.know(overwritten, self.book.known[id(tensors_of(output)[0])])
        with without_torch_functions():
            views = [t for t in self.book.alive if is_view(t) and t.requires_grad and id(t) not in keep]
            for tensor in views:
                if tensor.untyped_storage().data_ptr() == storage:
                    self.book.known.pop(id(tensor), None)

    def _said(self, reason: str) -> str:
        place = self._look().place
        return f"{place}: {reason}" if place else reason


def nodes_values(nodes: Any) -> Any:
    """The values in the place of nodes."""
    return tree_map(lambda x: x.value if isinstance(x, Node) else x, nodes)


def _nodes(value: Any) -> list[Node]:
    return [x for x in tree_leaves(value) if isinstance(x, Node)]
