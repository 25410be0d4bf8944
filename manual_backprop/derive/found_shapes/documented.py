"""Shapes that a function's documentation states: in its docstring, its comments and its annotations."""

import inspect
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from manual_backprop.derive.found_shapes.guesses import Dim, Dims

GROUP = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
ENTRY = re.compile(
    r"^\s*(?:[-*•]\s*)?(?::?param\s+)?[`'\"]*(\w+)[`'\"]*\s*(?:\(([^()]*)\)\s*)?(?:--|[:=–—-])(.*)"
)
INTEGERS = re.compile(r"\b(integers?|ints?|labels?|indices|index|class (?:numbers|ids))\b|0 <=", re.I)
PREDICTED = re.compile(r"\b(?:probabilit|predict|score|logit|activation)", re.I)  # of labels, but no labels
MEASURED = re.compile(r"^(?:size|number|num|dimension|dim|length|batch|hidden|input|output|feature)\b[\w ]*$")
SYMBOL = re.compile(r"^[^\W\d]\w{0,11}$")
TIMES = re.compile(r"^(?:(\d+)\s*[*·×]?\s*([^\W\d]\w*)|([^\W\d]\w*)\s*[*·×]\s*(\d+))$")
NO_SYMBOLS = {
    *("optional", "array", "tensor", "float", "int", "numpy", "ndarray", "required", "default", "dict"),
    *("str", "bool", "list", "tuple", "vector", "matrix", "scalar", "None", "True", "False"),
}


@dataclass(frozen=True)
class Stated:
    """What is stated of a parameter: its dimensions, and whether it is of integers."""

    dims: Dims | None
    integer: bool = False
    truth: bool = False


def documentation_of(function: Callable[..., Any]) -> str:
    """A function's docstring and comments."""
    try:
        source = inspect.getsource(function)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
        comments = [token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT]
    except (OSError, TypeError, tokenize.TokenError, SyntaxError):
        comments = []
    return "\n".join([inspect.getdoc(function) or "", *comments])


def stated_in(text: str, name: str) -> Stated | None:
    """What a docstring or a comment states of a name."""
    for body in _entries(text, name):
        dims = next(_shapes_in(body), None)
        if dims is not None:
            return Stated(dims, bool(INTEGERS.search(body) and not PREDICTED.search(body)))
    inline = re.compile(
        rf"(?<![\w.]){re.escape(name)}['\"`]*\s*(?:[:=∈]|--|is|has|of|in)?\s*"
        r"((?:of |has )?(?:shape)?\s*[(\[].*)"
    )
    for found in inline.finditer(text):
        dims = next(_shapes_in(found[1], first=True), None)
        if dims is not None:
            return Stated(dims)
    return None


def stated_by(annotation: Any) -> Stated | None:
    """What an annotation states: Float[Tensor, "N D"], of jaxtyping, or Annotated[Tensor, "N D"]."""
    kind = str(getattr(annotation, "__name__", annotation))
    text = getattr(annotation, "dim_str", None)
    if text is None:
        text = next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, str)), None)
    if (
        text is None
        and isinstance(annotation, str)
        and (quoted := re.search(r"\[.*['\"](.*)['\"]\s*\]", annotation))
    ):
        text = quoted[1]
    if text is None:
        return None
    parts = [part.strip("#*") for part in text.strip("()").replace(",", " ").split()]
    dims = [_dim(part) for part in parts if part not in ("", "...")]
    if any(dim is None for dim in dims):
        return None
    known = tuple(dim for dim in dims if dim is not None)
    return Stated(known, bool(re.match(r"U?Int|Long", kind)), kind.startswith("Bool"))


def _entries(text: str, name: str) -> Iterator[str]:
    lines, body = text.splitlines(), None
    for line in [*lines, f"{name}:"]:
        entry = ENTRY.match(line)
        if entry is None:
            if body is not None:
                body += " " + line
            continue
        if body is not None:
            yield body
        body = (
            f"({entry[2]}) {entry[3]}"
            if entry[1] == name and entry[2]
            else entry[3]
            if entry[1] == name
            else None
        )


def _shapes_in(text: str, first: bool = False) -> Iterator[Dims]:
    for found in GROUP.finditer(text):
        before = text[: found.start()].rstrip()
        named = bool(re.search(r"\b(shape|size)(?: is)?:?$", before))
        parts = [part.strip() for part in found[1].split(",")]
        if len(parts) == 1 and not named and not (first and SYMBOL.match(parts[0]) and len(parts[0]) < 3):
            continue
        if parts == [""]:
            if named:
                yield ()
            continue
        dims = [_dim(part) for part in parts if part not in ("", "...", "…")]
        if dims and all(dim is not None for dim in dims):
            yield tuple(dim for dim in dims if dim is not None)
        if first:
            return


def _dim(text: str) -> Dim | None:
    if text.isdigit():
        return int(text), ""
    if times := TIMES.match(text):
        return (int(times[1]), times[2]) if times[1] else (int(times[4]), times[3])
    if text in NO_SYMBOLS:
        return None
    if SYMBOL.match(text):
        return 1, text
    phrase = re.sub(r"\b(the|of) ", "", text)
    return (1, phrase) if MEASURED.match(text) else None
