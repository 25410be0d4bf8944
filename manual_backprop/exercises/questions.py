"""Questions that are answered with a word or a number, each of whose answers is told something."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from manual_backprop.exercises.answers import Misfit, number_in, shown

Judgement = tuple[bool, str]


@dataclass(frozen=True)
class Choice:
    """The answer is one of a few; it may be given by its place in the list, from 1."""

    right: str
    remarks: Mapping[str, str]
    """What is said of each answer, in the order in which they are shown."""

    def __post_init__(self) -> None:
        if self.right not in self.remarks:
            raise ValueError(f"right must be one of {list(self.remarks)}, got {self.right!r}")

    def __call__(self, answer: Any) -> Judgement:
        """Whether an answer is right, and what to say of it."""
        given = self._option(answer)
        if given is None:
            words = ", ".join(map(repr, self.remarks))
            return False, f"one of {words} is asked for, not {shown(answer)}."
        if given == self.right:
            return True, f"right. {self.remarks[given]}"
        return False, f"not {given!r}: {self.remarks[given]}"

    def _option(self, answer: Any) -> str | None:
        options = list(self.remarks)
        if isinstance(answer, str):
            words = " ".join(answer.lower().split())
            return next((option for option in options if option.lower() == words), None)
        try:
            place = number_in(answer)
        except Misfit:
            return None
        return options[int(place) - 1] if place in range(1, len(options) + 1) else None


@dataclass(frozen=True)
class Number:
    """The answer is a number."""

    right: float | Callable[[], float]
    """It, or what computes it."""
    because: str = ""
    """Said of the right answer, and of wrong ones that have no remark."""
    mistakes: Mapping[float, str] = field(default_factory=dict)
    """What to say of numbers that come from a mistake."""
    within: float = 1e-3
    """How far off an answer may be, relative to the number."""

    def __call__(self, answer: Any) -> Judgement:
        """Whether an answer is right, and what to say of it."""
        given, right = number_in(answer), self.number()
        if self._close(given, right):
            return True, f"right. {self.because}".strip()
        near = [wrong for wrong in self.mistakes if self._close(given, wrong)]
        if near:
            return False, f"not {given:g}: {self.mistakes[min(near, key=lambda wrong: abs(given - wrong))]}"
        return False, f"{given:g} is too {'large' if given > right else 'small'}. {self.because}".strip()

    def number(self) -> float:
        """The right answer."""
        return float(self.right() if callable(self.right) else self.right)

    def _close(self, given: float, wanted: float) -> bool:
        return isclose(given, wanted, rel_tol=self.within, abs_tol=1e-12)


Question = Choice | Number
