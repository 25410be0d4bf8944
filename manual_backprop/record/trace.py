"""What happens in a forward and a backward pass: each operation, what goes in and out, and what comes back.

The model runs on the hand-written backwards (takeover). The forward pass is watched from two places: this
package's operations say themselves when they are called (`functional.operation.WATCH`); what has no
hand-written backward is left to PyTorch, and a TorchFunctionMode sees it. An operation is given an alias of
each of its inputs, so that the gradient which comes back through *this* use of a tensor is known apart from
what comes back through the others; their sum is the gradient of the tensor. What writes over its input has
to be given the input itself: there, the node of the graph is asked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from manual_backprop.functional.in_place.view import Alias
from manual_backprop.functional.operation import WATCH
from manual_backprop.functional.operation.torch_state import tree_leaves, tree_map, without_torch_functions
from manual_backprop.record.call import Call, Value
from manual_backprop.record.formulas import kind_of
from manual_backprop.record.symbols import Symbols
from manual_backprop.record.torch_functions import computes_nothing, is_in_place, name_of_function
from manual_backprop.record.twins import twin_for
from manual_backprop.takeover import use_manual_gradients


class Trace(TorchFunctionMode):
    """Watches a forward pass: `with trace.watching(model): …`; what comes back, it notes by hooks."""

    def __init__(self, names: dict[str, Tensor], kinds: dict[str, str]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.values: dict[int, Value] = {}
        self.alive: list[Tensor] = []  # so that no id is used twice
        self.places: list[str] = [""]
        self.symbols = Symbols()
        self.stand_ins: set[int] = set()  # by id: what is overwritten in the place of a view
        for name, tensor in names.items():
            kind = kinds[name]
            numbers = tensor.detach().clone() if kind == "constant" else tensor.detach()  # a step changes it
            symbol = "" if kind == "parameter" else name
            self._know(tensor, Value(symbol, name, kind, numbers))

    @contextmanager
    def watching(self, model: Any) -> Iterator[None]:
        """Record what is computed inside, on the hand-written backwards."""
        hooks = []
        for place, module in model.named_modules() if isinstance(model, nn.Module) else ():
            hooks.append(module.register_forward_pre_hook(lambda *_, place=place: self.places.append(place)))
            hooks.append(module.register_forward_hook(self._leave, always_call=True))
        token = WATCH.set(self._own)
        try:
            with self, use_manual_gradients():
                yield
        finally:
            WATCH.reset(token)
            for hook in hooks:
                hook.remove()

    def _leave(self, *_: Any) -> None:
        self.places.pop()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One of PyTorch's own operations."""
        kwargs = kwargs or {}
        if not torch.is_grad_enabled():
            return func(*args, **kwargs)
        given = _tensors((args, kwargs))
        name = name_of_function(func)
        in_place = is_in_place(name, kwargs)
        if in_place:
            self._preserve(given[:1])
        if not any(t.requires_grad for t in given) or computes_nothing(name):
            return self._carry(func(*args, **kwargs), given)
        call = Call(self.places[-1], name, False, self._as_values((*args, *kwargs.values())))
        if in_place:
            call.operation = name.rstrip("_")
            output = func(*args, **kwargs)
            self._seen(call, [given[0], *self._sharing(given[0])])
            return output
        arguments, call.aliases = _aliased((args, kwargs))
        output = func(*arguments[0], **arguments[1])
        made = [t for t in _tensors(output) if not any(t is u for u in given)]
        self._seen(call, made)
        return output

    def _own(self, operation: Any, compute: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """In the place of one of this package's operations."""
        token = WATCH.set(None)
        try:
            with without_torch_functions():
                if operation is Alias:
                    return self._alias(compute(*inputs), *inputs)
                record = self._own_in_place if operation.overwrites else self._own_elsewhere
                return record(operation, compute, inputs)
        finally:
            WATCH.reset(token)

    def _alias(self, alias: Tensor, view: Tensor) -> Tensor:
        """A view under another name is the same value, and no step."""
        self._as_values(view)
        self._know(alias, self.values[id(view)])
        self.stand_ins.add(id(alias))
        return alias

    def _own_elsewhere(self, operation: Any, compute: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """An operation that leaves its inputs as they are is given aliases of them."""
        call = self._own_call(operation, inputs)
        arguments, call.aliases = _aliased(inputs)
        output = compute(*arguments)
        if torch.is_grad_enabled():
            self._seen(call, _tensors(output))
        return output

    def _own_in_place(self, operation: Any, compute: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """An operation that writes over its first input gets that input; its node tells what comes back."""
        self._preserve(_tensors(inputs[0]))
        call = self._own_call(operation, inputs)
        output = compute(*inputs)
        if torch.is_grad_enabled():
            if id(inputs[0]) not in self.stand_ins:
                for view in self._sharing(inputs[0]):
                    self.values.pop(id(view), None)  # it has other numbers now, and is read afresh
            self._seen(call, _tensors(output))
            if call.result is not None and call.result.grad_fn is not None:
                call.result.grad_fn.register_hook(partial(_note_all, call.gradients))
        return output

    def _own_call(self, operation: Any, inputs: tuple[Any, ...]) -> Call:
        call = Call(self.places[-1], operation.formula.name, True, self._as_values(inputs))
        call.rule, call.twin = operation, twin_for(operation)
        return call

    def _seen(self, call: Call, outputs: list[Tensor]) -> None:
        """Note what came out, if a gradient can come back through it."""
        results = [t for t in outputs if t.requires_grad]
        if not results:
            return
        call.result = results[0]
        for at, alias in call.aliases.items():
            alias.register_hook(partial(_note, call.gradients, at))
        for value in call.inputs:
            value.uses.append(call)
        self.symbols.name_parameters(call)
        for result in results:
            after_the_first = kind_of(call.operation) == "recurrent layer" and result is not results[0]
            symbol = self.symbols.other() if after_the_first else self.symbols.of_output(call.operation)
            value = Value(symbol, "", "intermediate", result.detach())
            call.outputs.append(value)
            self._know(result, value)
            result.grad_fn  # noqa: B018 - a view that was overwritten gets a new one, if asked, for the hook
            result.register_hook(partial(setattr, value, "gradient"))
        self.calls.append(call)

    def _as_values(self, arguments: Any) -> Any:
        def value_of(argument: Any) -> Any:
            if not isinstance(argument, Tensor):
                return argument
            if id(argument) not in self.values:
                kind = "intermediate" if argument.requires_grad else "constant"
                symbol = self.symbols.other() if argument.requires_grad else "c"
                self._know(argument, Value(symbol, "", kind, argument.detach()))
            return self.values[id(argument)]

        return tree_map(value_of, arguments)

    def _carry(self, output: Any, given: list[Tensor]) -> Any:
        """What is made of an input without a gradient, as `images.flatten(1)` is, is that input still."""
        origin = next((self.values[id(t)] for t in given if id(t) in self.values), None)
        new = isinstance(output, Tensor) and id(output) not in self.values and not output.requires_grad
        if new and origin is not None and output.numel() == origin.tensor.numel():
            self._know(output, Value(origin.symbol, origin.name, origin.kind, output.detach()))
        return output

    def _preserve(self, tensors: list[Tensor]) -> None:
        """Keep the numbers of what is about to be overwritten."""
        storages = {t.untyped_storage().data_ptr() for t in tensors}
        for value in self.values.values():
            if value.tensor.untyped_storage().data_ptr() in storages:
                value.tensor = value.tensor.clone()

    def _sharing(self, overwritten: Tensor) -> list[Tensor]:
        """The tensors that changed with it: what it is a view of, and the other views of that."""
        storage = overwritten.untyped_storage().data_ptr()
        known = {id(t): t for t in self.alive if t is not overwritten and t.requires_grad}
        return [t for t in known.values() if t.untyped_storage().data_ptr() == storage]

    def _know(self, tensor: Tensor, value: Value) -> None:
        self.values[id(tensor)] = value
        self.alive.append(tensor)

    def finish(self, loss: Tensor) -> None:
        """The loss gets its symbol."""
        value = self._as_values(loss)
        value.symbol, value.kind = "L", "loss"


def _tensors(value: Any) -> list[Tensor]:
    return [t for t in tree_leaves(value) if isinstance(t, Tensor)]


def _aliased(arguments: Any) -> tuple[Any, dict[int, Tensor]]:
    aliases: dict[int, Tensor] = {}
    position = -1

    def alias(value: Any) -> Any:
        nonlocal position
        if not isinstance(value, Tensor):
            return value
        position += 1
        if not value.requires_grad:
            return value
        aliases[position] = value.view_as(value)
        return aliases[position]

    return tree_map(alias, arguments), aliases


def _note(gradients: dict[int, Tensor], at: int, gradient: Tensor) -> None:
    gradients[at] = gradient


def _note_all(gradients: dict[int, Tensor], found: tuple[Tensor | None, ...], _: Any) -> None:
    gradients.update({at: gradient for at, gradient in enumerate(found) if gradient is not None})
