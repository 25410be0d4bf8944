"""The calls of torch functions that a forward makes, and the forward with some of them changed."""

import ast
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from enum import IntEnum
from io import StringIO
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from manual_backprop.derive.code_names import is_users, seen_from
from manual_backprop.derive.writing.dialects import Dialect
from manual_backprop.verify.problem import Draw, Problem

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]
Replacement = Callable[[Callable[..., Any], Arguments, Keywords], Any]
"""What stands in place of a call: takes the function and its arguments, and returns another result."""


class Kind(IntEnum):
    """Of a change, the plainest to say first."""

    OPTION = 0  # left out, torch's default, 0 or 1
    NUMBER = 1
    FUNCTION = 2
    PART = 3  # left out, which is differentiated too
    CONSTANT = 4  # a step that is not differentiated


Gradients = tuple[Tensor | None, ...]
LONGEST_EXPRESSION = 70
MODULES = ("torch", "F", "T", "functional", "np", "numpy", "scipy", "special")  # as code imports them


@dataclass(frozen=True, eq=False)
class Call:
    """One expression of the forward that calls a torch function, as often as it is run.

    Attributes:
        function: what is called.
        args, kwargs: of its first call.
        output: of its first call, the first of several.
        expression: its source text; "" where there is none.
        line: that it stands in.
        numbers: of its calls, among all calls of the forward.
        steady: the positions of the arguments that are the same tensor in each call.
        language: that the forward is written in.
    """

    function: Callable[..., Any]
    args: Arguments
    kwargs: Keywords
    output: Tensor
    expression: str
    line: int
    numbers: list[int]
    steady: set[int]
    language: Dialect

    @property
    def name(self) -> str:
        """Of the function: "add" for `a + b`."""
        return str(getattr(self.function, "__name__", "")).strip("_")

    @property
    def where(self) -> str:
        """The expression and its line."""
        return f"`{shortened(self.expression)}` (line {self.line})" if self.expression else self.name

    def operands(self) -> tuple[str, ...]:
        """The source of its operands or arguments, the tensor whose method it is first; () where unknown."""
        try:
            node: Any = ast.parse(self.expression).body[0]
        except (SyntaxError, IndexError):
            return ()
        node = node.value if isinstance(node, ast.Expr) else node
        if isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
        elif isinstance(node, ast.AugAssign):
            parts = [node.target, node.value]
        elif isinstance(node, ast.Call):
            own = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            of_module = own and getattr(own[0], "id", "") in MODULES
            parts = [*(() if of_module else own), *node.args]
        else:
            return ()
        return tuple(shortened(ast.get_source_segment(self.expression, part) or "") for part in parts)


@dataclass(frozen=True)
class OtherCall:
    """Something else in place of a call.

    Attributes:
        kind: of the change.
        words: what goes after "Yours is right for ".
        replacement: the call instead.
        name: of the mistake.
    """

    kind: Kind
    words: str
    replacement: Replacement
    name: str = "forward-option"


def shortened(expression: str) -> str:
    """An expression with its middle left out if it is long."""
    half = LONGEST_EXPRESSION // 2
    return expression if len(expression) <= 2 * half else f"{expression[:half]} … {expression[-half:]}"


def number(value: Any) -> str:
    """As one would write it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def calls_of(problem: Problem, draw: Draw) -> tuple[list[Call], int, int]:
    """What the forward calls at this point, how many calls there are, and how many numbers they make."""
    recorder = _Recorder(problem.language)
    inputs = [
        x.detach().clone().requires_grad_(i in problem.differentiable) for i, x in enumerate(draw.inputs)
    ]
    try:
        with _quietly(), recorder:
            problem.forward(*inputs)
    except Exception:  # it does not bear to be watched
        return [], 0, 0
    return list(recorder.found.values()), recorder.count, recorder.work


class _Recorder(TorchFunctionMode):
    """Writes down the calls that make a tensor from tensors."""

    def __init__(self, language: Dialect) -> None:
        super().__init__()
        self.language = language
        self.count = 0
        self.work = 0
        self.found: dict[Any, Call] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Arguments = (), kwargs: Keywords | None = None
    ) -> Any:
        number, kwargs = self.count, kwargs or {}
        self.count += 1
        output = func(*args, **kwargs)
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, Tensor) and any(isinstance(a, Tensor) for a in (*args, *kwargs.values())):
            self.work += first.numel()
            self._note(number, func, args, kwargs, first)
        return output

    def _note(self, number: int, func: Any, args: Arguments, kwargs: Keywords, output: Tensor) -> None:
        frame = sys._getframe(2)
        inside = set(_codes_inside(frame))
        seen = seen_from(frame, lambda code: code in inside and is_users(code))
        key: Any = number
        text, line = "", 0
        if seen.place is not None:
            user, instruction, _ = seen.evaluation
            key = user.f_code, instruction, func
            text, line = seen.place.text, seen.place.line
        new = Call(func, args, kwargs, output, text, line, [], set(range(len(args))), self.language)
        call = self.found.setdefault(key, new)
        call.numbers.append(number)
        call.steady.intersection_update(
            i for i, (a, b) in enumerate(zip(args, call.args, strict=False)) if a is b
        )


def _codes_inside(frame: FrameType | None) -> Iterator[CodeType]:
    """The code of the frames from here outwards, up to where the forward was called."""
    while frame is not None and frame.f_code is not calls_of.__code__:
        yield frame.f_code
        frame = frame.f_back


class _Changed(TorchFunctionMode):
    """Puts something else in place of some calls."""

    def __init__(self, replaced: Mapping[int, tuple[Any, Replacement]]) -> None:
        super().__init__()
        self.count = 0
        self.replaced = replaced

    def __torch_function__(
        self, func: Any, types: Any, args: Arguments = (), kwargs: Keywords | None = None
    ) -> Any:
        number, kwargs = self.count, kwargs or {}
        self.count += 1
        if number not in self.replaced:
            return func(*args, **kwargs)
        expected, replacement = self.replaced[number]
        if func != expected:
            raise RuntimeError("after a change, the forward takes another way")
        return replacement(func, args, kwargs)


def changed_gradients(
    problem: Problem, draw: Draw, replaced: Mapping[int, tuple[Any, Replacement]], order: Sequence[int]
) -> Gradients | None:
    """The gradients of the forward with other calls, and with its inputs in another order.

    Of a larger output, such as that of a convolution with a smaller stride, the beginning counts. None if the
    forward cannot be run, or returns something of another shape.
    """
    leaves = [
        x.detach().clone().requires_grad_(i in problem.differentiable) for i, x in enumerate(draw.inputs)
    ]
    wanted = [leaves[i] for i in problem.differentiable]
    try:
        with _quietly():
            inputs = [leaves[i] for i in order]
            with _Changed(replaced):
                output = problem.forward(*inputs)
            if output.dim() != draw.output.dim() or not output.requires_grad:
                return None
            begin = output[tuple(slice(size) for size in draw.output.shape)]
            found = torch.autograd.grad(begin, wanted, draw.upstream, allow_unused=True)
            return tuple(g.to_dense() if g is not None and g.is_sparse else g for g in found)
    except Exception:  # whatever the change leads to: it cannot be made
        return None


@contextmanager
def _quietly() -> Iterator[None]:
    """What a forward warns of or prints that nobody has written is nobody's concern."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        yield
