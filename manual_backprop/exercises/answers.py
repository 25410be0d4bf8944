"""A reader's answer: what it is, what it returns, and what is said where it is of another kind or raises."""

import warnings
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import inf, isfinite
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.functional.operation.torch_state import tree_map

KINDS = (int, Real, Decimal)
LONGEST = 80  # characters of an answer that is shown


class Unanswered(Exception):  # noqa: N818 - not an error
    """The answer is still the `...` that stands in the tutorial."""


class Misfit(Exception):  # noqa: N818 - what the reader is told
    """The answer is of another kind than what is asked for, or raised."""


def returned(answer: Any, *arguments: Any) -> Any:
    """What the answer returns for copies of these arguments.

    Raises:
        Misfit: it is not a function, or it raised; what it raised is the cause.
        Unanswered: it returns `...`.
    """
    require_function(answer)
    try:
        given = answer(*(x.clone() if isinstance(x, Tensor) else x for x in arguments))
    except (Unanswered, Misfit):
        raise
    except (Exception, SystemExit) as error:  # whatever a reader's code trips over
        raise Misfit(f"it raised {words_of(error)}") from error
    if given is ...:
        raise Unanswered
    return given


def require_function(answer: Any) -> None:
    """Raise a Misfit where a function is asked for and something else was given."""
    if not callable(answer):
        raise Misfit(f"a function is asked for, not {shown(answer)}.")


def number_in(answer: Any) -> float:
    """A number of any kind: of Python, NumPy or PyTorch, a fraction, a decimal.

    Raises:
        Misfit: it is not a real number, or not finite.
    """
    try:
        value = answer.item() if hasattr(answer, "item") else answer
        number = None if isinstance(value, bool) or not isinstance(value, KINDS) else float(value)
    except OverflowError:
        number = inf
    except Exception:  # several numbers, or none
        number = None
    if number is None:
        raise Misfit(f"a number is asked for, not {shown(answer)}.")
    if not isfinite(number):
        raise Misfit(f"a finite number is asked for, not {shown(answer)}.")
    return number


def numbers_in(given: Any) -> Tensor:
    """Numbers of any kind, in a tensor, an array, a list or alone, as a float64 tensor.

    Raises:
        Misfit: they are not real numbers.
    """
    try:
        plain = tree_map(lambda x: float(x) if isinstance(x, Fraction | Decimal) else x, given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a list of tensors with gradients, an array that is read-only
            tensor = torch.as_tensor(plain).detach()
        if not tensor.is_complex():
            return tensor.to_dense().to("cpu", torch.float64)
    except Exception:  # PyTorch raises many kinds
        tensor = None
    kind = "numbers" if tensor is None else "real numbers"
    raise Misfit(f"{kind} are asked for, not {shown(given)}.")


def tensors_in(given: Any, count: int, asked: str) -> list[Tensor]:
    """So many tensors, of float64.

    Raises:
        Misfit: it is something else; says what is `asked` for.
    """
    try:
        parts = [numbers_in(part) for part in islice(given, count + 1)]
    except (Exception, SystemExit):  # what is iterated is the reader's
        parts = []
    if len(parts) != count:
        raise Misfit(f"{asked}, not {shown(given)}.")
    return parts


def shown(answer: Any) -> str:
    """An answer as it is written, in one line, shortened."""
    try:
        text = repr(answer)
    except Exception:  # what is the reader's may have a repr of its own
        text = f"this {type(answer).__name__}"
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
