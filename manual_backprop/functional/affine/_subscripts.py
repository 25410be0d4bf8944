"""How einsum is told what to multiply: an equation or lists of subscripts, read to one label a dimension.

`explicit` writes out what an equation leaves to be understood. A label is one character; the dimensions under
an ellipsis, which have no letters, get Greek ones, from the right, so that they are broadcast as usual. With
the shapes (2, 5, 3) and (3, 7), `i...,...j` is `iαβ,βj->αβij`.
"""

import re
from collections.abc import Iterator, Sequence
from string import ascii_letters
from typing import Any

from torch import Tensor

LETTERS = "".join(sorted(ascii_letters))  # A to Z are the subscripts 0 to 25, a to z those from 26 to 51
TERM = re.compile(r"[A-Za-z ]*(?:\.\.\.[A-Za-z ]*)?")


def equation_and_operands(args: tuple[Any, ...]) -> tuple[str, tuple[Tensor, ...]]:
    """The equation and the operands of a call in any of its three forms.

    Raises:
        ValueError: too few arguments, or a subscript out of range.
        TypeError: the equation is not a str, or an operand not a Tensor.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum: expected an equation and at least one operand, or an operand and its subscripts, "
            f"got {len(args)} argument{'s' * (len(args) != 1)}"
        )
    equation, *operands = args
    if isinstance(equation, Tensor):
        *pairs, output = args if len(args) % 2 else (*args, None)
        equation = ",".join(map(_letters, pairs[1::2]))
        equation += "" if output is None else f"->{_letters(output)}"
        operands = pairs[::2]
    if not isinstance(equation, str):
        raise TypeError(f"einsum: equation must be a str, got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        return equation_and_operands((equation, *operands[0]))
    for at, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise TypeError(f"einsum: operand {at} must be a Tensor, got {type(operand).__name__}")
    return equation, tuple(operands)


def _letters(subscripts: Any) -> str:
    """[0, 27, ...] → "Ab..."."""
    if isinstance(subscripts, Tensor) or not isinstance(subscripts, Sequence):
        raise TypeError(
            f"einsum: after an operand comes the list of its subscripts, got {type(subscripts).__name__}"
        )
    return "".join(map(_letter, subscripts))


def _letter(subscript: Any) -> str:
    if subscript is Ellipsis:
        return "..."
    if not isinstance(subscript, int):
        raise TypeError(f"einsum: a subscript must be an int or an ellipsis, got {subscript!r}")
    if not 0 <= subscript < len(LETTERS):
        raise ValueError(f"einsum: a subscript must be from 0 to {len(LETTERS) - 1}, got {subscript}")
    return LETTERS[subscript]


def explicit(equation: str, operands: Sequence[Tensor]) -> str:
    """The equation with a label for every dimension, and with its output.

    Raises:
        RuntimeError: it is no equation, or does not fit the operands.
    """
    left, arrow, right = equation.partition("->")
    terms = [_term(term, equation) for term in left.split(",")]
    given = [tuple(operand.shape) for operand in operands]
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum: {equation!r} is of {len(terms)} operands, got {len(operands)}: {given}")
    covered = [
        len(shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, shape in zip(terms, given, strict=True)
    ]
    most = max(0, *covered)
    greek = "".join(chr(ord("α") + k) for k in range(most))
    labels = [
        term.replace("...", greek[most - n :] if n > 0 else "")
        for term, n in zip(terms, covered, strict=True)
    ]
    for term, named, shape in zip(terms, labels, given, strict=True):
        if len(named) != len(shape):
            least = "at least " if "..." in term else ""
            dimensions = f"{len(named)} dimension{'s' * (len(named) != 1)}"
            raise RuntimeError(
                f"einsum: {term!r} in {equation!r} names {least}{dimensions}, got an operand {shape}"
            )
    _require_one_size_each(equation, labels, given)
    if arrow:
        output = _term(right, equation).replace("...", greek)
        for label in output:
            if output.count(label) > 1 or not any(label in named for named in labels):
                fault = "appears more than once" if output.count(label) > 1 else "is a label of no operand"
                raise RuntimeError(f"einsum: {label!r} in the output of {equation!r} {fault}")
    else:  # the labels that appear once, in the order of the alphabet
        output = greek + "".join(label for label in LETTERS if left.count(label) == 1)
    return f"{','.join(labels)}->{output}"


def _term(term: str, equation: str) -> str:
    if TERM.fullmatch(term) is None:
        raise RuntimeError(
            f"einsum: expected letters and at most one '...' for each operand and the output, got {term!r} "
            f"in {equation!r}"
        )
    return term.replace(" ", "")


def _require_one_size_each(equation: str, labels: list[str], shapes: list[tuple[int, ...]]) -> None:
    """A label has one size; an operand may have 1 in its place, but not once this and once that."""
    sizes: dict[str, int] = {}
    for at, (named, shape) in enumerate(zip(labels, shapes, strict=True)):
        own: dict[str, int] = {}
        for label, size in zip(named, shape, strict=True):
            due = own.setdefault(label, size)
            if size != due:
                raise RuntimeError(
                    f"einsum: {label!r} is repeated in {equation!r} for operand {at} {shape}, with sizes "
                    f"{due} and {size}"
                )
            if size != 1 and sizes.setdefault(label, size) != size:
                which = repr(label) if label in LETTERS else "a dimension under the ellipsis"
                raise RuntimeError(
                    f"einsum: {which} in {equation!r} has size {size} for operand {at} {shape}, which does "
                    f"not broadcast with size {sizes[label]}"
                )


def labels_of(equation: str) -> tuple[list[str], str]:
    """The labels of each operand, and those of the output, of an explicit equation."""
    left, _, output = equation.partition("->")
    return left.split(","), output


def in_letters(equation: str) -> str:
    """With letters that are free in the place of the Greek ones, as torch.einsum reads it."""
    free = (letter for letter in reversed(LETTERS) if letter not in equation)
    others = [label for label in dict.fromkeys(equation) if label.isalpha() and label not in LETTERS]
    return equation.translate({ord(label): next(free) for label in others})


def occurrences(labels: str) -> Iterator[tuple[int, int]]:
    """Of each label that is repeated, its first place, and each further one."""
    for at, label in enumerate(labels):
        if labels.index(label) < at:
            yield labels.index(label), at
