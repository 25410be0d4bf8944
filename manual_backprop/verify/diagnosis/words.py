"""What a step is called, and how a change of it is said."""

from collections.abc import Mapping
from typing import Any

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.dialects import Dialect
from manual_backprop.derive.writing.expressions import Unwritable

LONGEST = 60  # characters of a tensor's name in a sentence
BEGINNINGS = ("the ", "two ", "in ", "only ", "what ", "yours ", "dimensions ", "axes ", "line ")


class Words:
    """Names for steps, and sentences about them.

    Attributes:
        names: of steps.
        mends: whether the steps are the user's own, so that a change of them is what is due.
        language: of the steps.
        shorter: writes what is too long with further names.
    """

    def __init__(
        self,
        names: Mapping[Node, str],
        language: Dialect,
        *,
        mends: bool,
        otherwise: Mapping[Node, str] | None = None,
    ) -> None:
        self.names = names
        self.language = language
        self.writer = language.code(names)
        self.shorter = language.code({**(otherwise or {}), **names})
        self.mends = mends
        self._known: dict[Node, str] = {}

    def of(self, value: Any) -> str:
        """The name, or the expression if it is short."""
        if not isinstance(value, Node):
            return self._of(value)
        if value not in self._known:
            self._known[value] = self._of(value)
        return self._known[value]

    def _of(self, value: Any) -> str:
        if self.mends and isinstance(value, Node) and value.place is not None and value.place.text:
            text = value.name or value.place.text
        else:
            try:
                text = self.writer.text(value)
                text = text if len(text) <= LONGEST else self.shorter.text(value)
            except (Unwritable, TypeError, ValueError):  # a step of PyTorch's own, of whatever arguments
                text = "a step"
        text = text[1:-1] if text.startswith("(") and text.endswith(")") and _closes_last(text) else text
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

    def step(self, node: Node) -> str:
        """What a step computes, even if it has a name."""
        names = {other: name for other, name in self.names.items() if other is not node}
        return Words(names, self.language, mends=self.mends, otherwise=self.shorter.names).of(node)

    def stands_for(self, changed: str, original: str) -> str:
        """That something stands where something else is due."""
        stands, due = (original, changed) if self.mends else (changed, original)
        return f"{stands} stands where {due} is due"

    def left_out(self, what: str) -> str:
        """That something is missing from the steps; from the user's, what is too much."""
        return f"{what} is one too many" if self.mends else f"{what} is left out"

    def due(self, what: str, changed: str, original: str) -> str:
        """Of two ways: which was taken, and which is due."""
        taken, due = (original, changed) if self.mends else (changed, original)
        return f"{what} {taken}, due {due}"


def sentence(text: str) -> str:
    """With a capital letter, unless it begins with a name of the code."""
    return text[0].upper() + text[1:] if text.startswith(BEGINNINGS) else text


def _closes_last(text: str) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth = 0
    for i, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return i == len(text) - 1
    return False
