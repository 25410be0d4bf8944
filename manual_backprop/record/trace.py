"""What happens in a forward and a backward pass: each operation, what goes in and out, and what comes back.

The forward pass is watched from two places: this package's operations say themselves when they are called
(`functional.operation.WATCH`), PyTorch's own are seen by a TorchFunctionMode. An operation is given an alias
of each of its inputs, so that the gradient which comes back through *this* use of a tensor is known apart
from what comes back through the others; their sum is the gradient of the tensor.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from manual_backprop.functional.operation import WATCH
from manual_backprop.record.formulas import TWINS, Formula, formula_of


@dataclass(eq=False)
class Value:
    """A tensor of the step.

    Attributes:
        symbol: as it is written, "W²".
        name: as the model has it, "2.weight"; "" for what has none.
        kind: "input", "parameter", "intermediate", "loss" or "constant".
        tensor: its numbers.
        gradient: ∂L/∂ of it; None where nothing comes back.
        uses: the operations that it goes into.
    """

    symbol: str
    name: str
    kind: str
    tensor: Tensor
    gradient: Tensor | None = None
    uses: list["Call"] = field(default_factory=list)

    @property
    def norm(self) -> float:
        """The Euclidean norm of its numbers."""
        return norm(self.tensor)

    @property
    def zeros(self) -> float:
        """The share of its numbers that are zero."""
        return share_of_zeros(self.tensor)

    @property
    def per_example(self) -> bool:
        """Whether its rows are examples."""
        return self.kind in ("input", "intermediate") and self.tensor.dim() >= 2

    def places(self) -> list[tuple["Call", int]]:
        """The operations that it goes into, each with its place among the inputs."""
        return [
            (call, at)
            for call in dict.fromkeys(self.uses)
            for at, used in enumerate(call.inputs)
            if used is self
        ]

    @property
    def gradient_symbol(self) -> str:
        """How ∂L/∂ of it is written: δ where it is a pre-activation."""
        return "δ" + self.symbol[1:] if self.symbol.startswith("z") else f"∂L/∂{self.symbol}"


@dataclass(eq=False)
class Call:
    """One operation.

    Attributes:
        place: where in the model, "0" or "loss"; "" for the model itself.
        operation: its name.
        by_hand: whether its backward is this package's.
        arguments: what it was given, tensors as Values.
        outputs: what came out.
        gradients: what came back to each input, by its place among `inputs`; to be summed over its uses.
        built_in: the same by PyTorch's own backward, where this package's has a twin.
        ulps: the largest difference of the two, in ulps of the largest entry.
    """

    place: str
    operation: str
    by_hand: bool
    arguments: tuple[Any, ...]
    outputs: list[Value] = field(default_factory=list)
    gradients: dict[int, Tensor] = field(default_factory=dict)
    built_in: dict[int, Tensor] = field(default_factory=dict)
    ulps: dict[int, float] = field(default_factory=dict)
    twin: Callable[..., Tensor] | None = None
    aliases: dict[int, Tensor] = field(default_factory=dict)
    result: Tensor | None = None

    @property
    def inputs(self) -> list[Value]:
        """The tensors among what it was given."""
        return [value for value in pytree.tree_leaves(self.arguments) if isinstance(value, Value)]

    @property
    def output(self) -> Value:
        """What came out, the first of it."""
        return self.outputs[0]

    @property
    def formula(self) -> Formula:
        """Its lines."""
        return formula_of(self.operation, len(self.inputs))

    def line(self) -> str:
        """The forward formula in this step's symbols."""
        return f"{self.output.symbol} = {self._fill(self.formula.forward)}"

    def backward_line(self, at: int) -> str:
        """The backward formula of input `at` in this step's symbols."""
        lines = self.formula.backward
        right = (
            self._fill(lines[at]) if at < len(lines) else f"{self.operation}′({self.output.gradient_symbol})"
        )
        return f"{self.inputs[at].gradient_symbol} = {right}"

    def local_derivative(self) -> Tensor | None:
        """∂out/∂in, number by number, of an elementwise function of one tensor."""
        slope = self.formula.slope
        return None if slope is None else slope(self.inputs[0].tensor, self.output.tensor)

    def _fill(self, template: str) -> str:
        operands = [a.symbol if isinstance(a, Value) else f"{a}" for a in self.arguments if a is not None]
        operands += ["…"] * 3
        if "sum" in self.arguments:  # the reduction
            template = (
                template.replace("/N", "")
                .replace("/n", "")
                .replace("meaned", "summed")
                .replace("mean of", "Σ")
            )
        upstream = "1" if self.output.kind == "loss" else self.output.gradient_symbol
        return template.format(*operands, out=self.output.symbol, g=upstream)


class Trace(TorchFunctionMode):
    """Watches a forward pass: `with trace.watching(model): …`; what comes back, it notes by hooks."""

    def __init__(self, names: dict[str, Tensor], kinds: dict[str, str]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.values: dict[int, Value] = {}
        self.alive: list[Tensor] = []  # so that no id is used twice
        self.places: list[str] = [""]
        self.layer = 0
        self.busy = False
        for name, tensor in names.items():
            self._know(tensor, Value("", name, kinds[name], tensor.detach()))
            self.values[id(tensor)].symbol = "" if kinds[name] == "parameter" else name

    @contextmanager
    def watching(self, model: Any) -> Iterator[None]:
        """Record what is computed inside."""
        hooks = []
        for place, module in model.named_modules() if isinstance(model, nn.Module) else ():
            hooks.append(module.register_forward_pre_hook(lambda *_, place=place: self.places.append(place)))
            hooks.append(module.register_forward_hook(self._leave, always_call=True))
        token = WATCH.set(self._own)
        try:
            with self:
                yield
        finally:
            WATCH.reset(token)
            for hook in hooks:
                hook.remove()

    def _leave(self, *_: Any) -> None:
        self.places.pop()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.busy or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        given = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        versions = [t._version for t in given]
        name = _name(func)
        if not any(t.requires_grad for t in given) or name in NOT_OPERATIONS:
            return self._carry(func(*args, **kwargs), given)
        if name.endswith("_") or kwargs.get("inplace") is True:
            self._preserve(given)
            return self._seen(name.rstrip("_"), args, kwargs, func(*args, **kwargs), versions)
        arguments, aliases = self._aliased((args, kwargs))
        output = func(*arguments[0], **arguments[1])
        return self._seen(name, args, kwargs, output, versions, aliases)

    def _own(self, operation: Any, compute: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """In the place of one of this package's operations."""
        aliases: dict[int, Tensor] = {}
        name, twin = TWINS.get(operation.__name__, (operation.__name__.lower(), None))
        token, self.busy = WATCH.set(None), True
        try:
            if operation.__name__.endswith("InPlace"):
                self._preserve([t for t in inputs if isinstance(t, Tensor)])
                arguments = inputs
            else:
                arguments, aliases = self._aliased(inputs)
            output = compute(*arguments)
        finally:
            WATCH.reset(token)
            self.busy = False
        if torch.is_grad_enabled():
            self._seen(name, inputs, {}, output, [], aliases, twin=twin)
        return output

    def _aliased(self, arguments: Any) -> tuple[Any, dict[int, Tensor]]:
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

        return pytree.tree_map(alias, arguments), aliases

    def _seen(
        self,
        name: str,
        args: Any,
        kwargs: Any,
        output: Any,
        versions: list[int],
        aliases: dict[int, Tensor] | None = None,
        twin: Callable[..., Tensor] | None = None,
    ) -> Any:
        results = [t for t in pytree.tree_leaves(output) if isinstance(t, Tensor) and t.requires_grad]
        given = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        unchanged = [t for t, version in zip(given, versions, strict=False) if t._version == version]
        results = [t for t in results if not any(t is u for u in unchanged)]
        if not results:
            return output
        call = Call(self.places[-1], name, twin is not None, self._as_values((*args, *kwargs.values())))
        call.twin, call.aliases, call.result = twin, aliases or {}, results[0]
        for at, alias in call.aliases.items():
            alias.register_hook(partial(_note, call.gradients, at))
        for value in call.inputs:
            value.uses.append(call)
        self._name_parameters(call)
        for result in results:
            value = Value(self._symbol(name), "", "intermediate", result.detach())
            call.outputs.append(value)
            self._know(result, value)
            result.register_hook(partial(setattr, value, "gradient"))
        self.calls.append(call)
        return output

    def _as_values(self, arguments: Any) -> Any:
        def value_of(argument: Any) -> Any:
            if not isinstance(argument, Tensor):
                return argument
            if id(argument) not in self.values:
                self._know(argument, Value("c", "", "constant", argument.detach()))
            return self.values[id(argument)]

        return pytree.tree_map(value_of, arguments)

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

    def _know(self, tensor: Tensor, value: Value) -> None:
        self.values[id(tensor)] = value
        self.alive.append(tensor)

    def _symbol(self, operation: str) -> str:
        if operation.startswith("linear_") and "loss" not in operation and "entropy" not in operation:
            self.layer += 1
            return f"a{superscript(self.layer)}"
        if operation == "linear":
            self.layer += 1
            return f"z{superscript(self.layer)}"
        if operation in ("relu", "sigmoid", "tanh") and self.layer:
            return f"a{superscript(self.layer)}"
        return f"t{subscript(sum(v.symbol.startswith('t') for v in self.values.values()) + 1)}"

    def _name_parameters(self, call: Call) -> None:
        layer = superscript(self.layer + 1) if call.operation.startswith("linear") else ""
        for value in call.inputs:
            if value.kind == "parameter" and not value.symbol:
                role = value.name.rpartition(".")[2]
                letter = {"weight": "W", "bias": "b"}.get(role) if layer else None
                value.symbol = letter + layer if letter else value.name

    def finish(self, loss: Tensor) -> None:
        """The loss gets its symbol."""
        value = self.values[id(loss)]
        value.symbol, value.kind = "L", "loss"


def _note(gradients: dict[int, Tensor], at: int, gradient: Tensor) -> None:
    gradients[at] = gradient


NOT_OPERATIONS = {
    "requires_grad_",
    "__get__",
    "detach",
    "retain_grad",
    "register_hook",
    "backward",
    "__set__",
}


def _name(func: Any) -> str:
    """`add` for Tensor.__add__, `T` for the property of that name."""
    name = getattr(func, "__name__", str(func))
    if name == "__get__":
        attribute = getattr(getattr(func, "__self__", None), "__name__", name)
        return attribute if attribute in ("T", "mT", "H", "mH") else "__get__"
    return name.strip("_") if name.startswith("__") else name


def superscript(number: int) -> str:
    """12 → ¹²."""
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def subscript(number: int) -> str:
    """12 → ₁₂."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def norm(tensor: Tensor) -> float:
    """‖·‖₂ in float64, so that it neither overflows nor loses a small number."""
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) if tensor.is_floating_point() else 0.0


def matrix(tensor: Tensor) -> Tensor:
    """As rows and columns; a vector is one row."""
    return tensor.reshape(len(tensor), -1) if tensor.dim() > 1 and tensor.numel() else tensor.reshape(1, -1)


def share_of_zeros(tensor: Tensor) -> float:
    """The share of exact zeros, 0 for a tensor without numbers."""
    return float((tensor == 0).double().mean()) if tensor.numel() else 0.0
