"""A forward in NumPy as what is derived."""

import ast
import inspect
import textwrap
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray, tracing
from manual_backprop.derive.arrays.values import Untraceable
from manual_backprop.derive.code_names import is_user_file
from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.derive.deriving import Subject
from manual_backprop.derive.forms.arguments import Arguments, Slot, slots_in
from manual_backprop.derive.forms.frameworks import converted, is_array, own_array, running
from manual_backprop.derive.signature import is_forward_name
from manual_backprop.derive.trace import Underivable

CACHES = ("cache", "caches", "ctx", "context", "saved", "memory")


@dataclass(frozen=True)
class ArrayForward:
    """A function of tensors that runs code in NumPy: on traced arrays where gradients are wanted.

    Attributes:
        forward: someone's.
        arguments: of its call.
    """

    forward: Callable[..., Any]
    arguments: Arguments

    def __call__(self, *tensors: Tensor) -> Any:
        """Its output, without its cache."""
        if not torch.is_grad_enabled():
            return self._run([own_array("numpy", x, shared=False) for x in tensors])
        try:
            with tracing(self.forward):
                return self._run([TracedArray(x) for x in tensors])
        except Underivable:
            raise
        except Untraceable as error:
            raise Underivable(f"{_place(error)}torch has nothing for {error}") from error
        except Exception as error:  # on arrays it has run
            raise Underivable(f"{_place(error)}cannot be followed: {words_of(error)}") from error

    def _run(self, arrays: Sequence[Any]) -> Any:
        args, keywords = self.arguments.filled(arrays)
        with running(0):
            returned = self.forward(*args, **keywords)
        return converted(value_of(returned, self.forward))


def value_of(returned: Any, forward: Callable[..., Any]) -> Any:
    """What a forward computes, of what it returns: a cache beside it is left out."""
    if not isinstance(returned, tuple) or len(returned) != 2 or not is_value(returned[0]):
        return returned
    value, other = returned
    names = names_returned(forward)
    is_cache = not is_value(other) or names[-1:] in ([name] for name in CACHES)
    return value if is_cache or is_forward_name(getattr(forward, "__name__", "")) else returned


def is_value(value: Any) -> bool:
    """Whether it is an array or a number."""
    return is_array(value) or (isinstance(converted(value), Tensor) and not isinstance(value, bool))


def array_subject(forward: Any, arguments: Arguments, names: Sequence[str]) -> Subject:
    """What is derived.

    Args:
        forward: in NumPy.
        arguments: of its call.
        names: of all of them, flags too.
    """
    values = [*arguments.positional, *arguments.keywords.values()]
    given = dict(zip([*names[: len(arguments.positional)], *arguments.keywords], values, strict=False))
    options = {
        name: value
        for name, value in given.items()
        if not isinstance(value, Slot) and not any(True for _ in slots_in(value))
    }
    constant = frozenset(arguments.names[i] for i in arguments.kept)
    return Subject(
        ArrayForward(forward, arguments),
        arguments.names,
        constant,
        "numpy",
        getattr(forward, "__name__", ""),
        options,
    )


def names_returned(function: Callable[..., Any]) -> list[str]:
    """What a function calls the things that it returns, by its last `return`; [] if it does not say."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return []
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    if not returns:
        return []
    last = max(returns, key=lambda value: value.lineno)
    parts = last.elts if isinstance(last, ast.Tuple) else [last]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def _place(error: BaseException) -> str:
    """Where in someone's code an error was raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}: " if frames else ""
