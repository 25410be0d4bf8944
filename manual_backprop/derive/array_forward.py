"""A forward in NumPy as what is derived."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import Untraceable
from manual_backprop.derive.code_names import is_user_file
from manual_backprop.derive.code_syntax import returned_by
from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.derive.deriving import Subject
from manual_backprop.derive.forms.arguments import Arguments, Slot, slots_in
from manual_backprop.derive.forms.forward import Forward
from manual_backprop.derive.forms.frameworks import is_value
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
        """Its output, without its cache; a list of them where there are several."""
        forward = Forward(self._run, "numpy", (self.forward,))
        if not torch.is_grad_enabled():
            return _one_or_several(forward.outputs(tensors)[0])
        try:
            return _one_or_several(forward.traced(tensors)[0])
        except Underivable:
            raise
        except Untraceable as error:
            raise Underivable(f"{_place(error)}torch has nothing for {error}") from error
        except Exception as error:  # on arrays it has run
            raise Underivable(f"{_place(error)}cannot be followed: {words_of(error)}") from error

    def _run(self, arrays: Sequence[Any]) -> tuple[list[Any], None]:
        args, keywords = self.arguments.filled(arrays)
        return outputs_of(self.forward(*args, **keywords), self.forward), None


def _one_or_several(outputs: list[Tensor]) -> Any:
    return outputs[0] if len(outputs) == 1 else outputs


def outputs_of(returned: Any, forward: Callable[..., Any]) -> list[Any]:
    """What a forward computes, of what it returns, without its cache."""
    if not isinstance(returned, tuple) or not returned:
        return [returned]
    *first, last = returned
    is_cache = not is_value(last) or returned_by(forward)[0][-1:] in ([name] for name in CACHES)
    is_cache = is_cache or (len(returned) == 2 and is_forward_name(getattr(forward, "__name__", "")))
    if is_cache and len(first) == 1 and not is_value(first[0]) and isinstance(first[0], tuple | list):
        return [*first[0]]
    return first if is_cache else [*returned]


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
    said, together = returned_by(forward)
    return Subject(
        ArrayForward(forward, arguments),
        arguments.names,
        frozenset(arguments.names[i] for i in arguments.kept),
        "numpy",
        getattr(forward, "__name__", ""),
        options,
        tuple(said),
        together,
    )


def _place(error: BaseException) -> str:
    """Where in someone's code an error was raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}: " if frames else ""
