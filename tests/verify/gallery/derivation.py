"""What an entry of the gallery is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Shapes = tuple[Any, ...]
Gradients = Any
"""What a backward returns: a tensor, or a tuple or list of them, one for each input."""
Backward = Callable[..., Gradients]
XY: Shapes = ((5, 3), (5, 3))
X: Shapes = ((5, 3),)
MATMUL: Shapes = ((5, 3), (3, 7))
LINEAR: Shapes = ((5, 3), (7, 3), (7,))
LEFT_OUT_NAMES = ("left-out", "local-derivative", "forgotten-use", "forgotten-path")


@dataclass(frozen=True, eq=False)
class Derivation:
    """`backward` for `forward`; where it is wrong, the mistake that is to be named.

    Attributes:
        title: what it is, in words.
        forward: the function.
        backward: its derivation.
        shapes: of the inputs; a tensor stands for itself.
        mistake: the name of the first diagnosis for input `at`, or the names that would do.
        at: the input whose diagnosis is looked at.
        bad: all inputs whose gradient is wrong.
        line: a part of the first line of `backward` that departs from the right one.
        words: what the text of the diagnosis has to contain.
    """

    title: str
    forward: Callable[..., Tensor]
    backward: Backward
    shapes: Shapes
    mistake: str | tuple[str, ...] = ""
    at: int = 0
    bad: tuple[int, ...] = ()
    line: str = ""
    words: tuple[str, ...] = ()

    @property
    def mistakes(self) -> tuple[str, ...]:
        return (self.mistake,) if isinstance(self.mistake, str) else self.mistake


def wrong(
    title: str,
    mistake: str | tuple[str, ...],
    forward: Any,
    backward: Any,
    shapes: Shapes = X,
    at: int = 0,
    bad: tuple[int, ...] = (),
) -> Derivation:
    return Derivation(title, forward, backward, shapes, mistake, at, bad or (at,))


def right(title: str, forward: Any, backward: Any, shapes: Shapes = X) -> Derivation:
    return Derivation(title, forward, backward, shapes)


@dataclass(frozen=True)
class Kind:
    """Derivations that are wrong in the same way, each the function below its `wrong`.

    Attributes:
        name: of the diagnosis that they are to get.
        also: names that say the same in other words.
        derivations: all of them.
    """

    name: str
    also: tuple[str, ...] = ()
    derivations: list[Derivation] = field(default_factory=list)

    def wrong(
        self,
        title: str,
        forward: Callable[..., Tensor],
        shapes: Shapes,
        *,
        bad: tuple[int, ...],
        mistake: str | tuple[str, ...] = "",
        line: str = "",
        words: tuple[str, ...] = (),
    ) -> Callable[[Backward], None]:
        def add(backward: Backward) -> None:
            mistakes = mistake or (self.name, *self.also)
            self.derivations.append(
                Derivation(title, forward, backward, shapes, mistakes, bad[0], bad, line, words)
            )

        return add


@dataclass(frozen=True)
class Form:
    """Right derivations in forms that have something in common, each the function below its `right`."""

    derivations: list[Derivation] = field(default_factory=list)

    def right(self, title: str, forward: Callable[..., Tensor], shapes: Shapes) -> Callable[[Backward], None]:
        def add(backward: Backward) -> None:
            self.derivations.append(Derivation(title, forward, backward, shapes))

        return add


Arguments = tuple[Any, ...] | dict[str, Any]


@dataclass(frozen=True, eq=False)
class NamedDerivation:
    """A derivation in the form that people have it in: its gradients are known by the names of its inputs.

    Attributes:
        title: what it is, in words.
        forward: the function; the loss, layer or model itself where it gives its own gradients.
        backward: its derivation; None where `forward` gives the gradients.
        arguments: as `verify(shapes=)` takes them, in order or by keyword: a tuple of ints is the shape of
            float64 numbers; arrays of integers and masks, options and flags stand for themselves.
        mistake: the name of the first diagnosis for the first of `bad`, or the names that would do.
        bad: the names of all inputs whose gradient is wrong.
        line: a part of the first line that departs from the right derivation.
        words: what the text of the diagnosis has to contain.
        against: the same function, whose gradient by autograd is right, where `forward` is a
            torch.autograd.Function.
    """

    title: str
    forward: Any
    backward: Callable[..., Any] | None
    arguments: Arguments
    mistake: str | tuple[str, ...] = ""
    bad: tuple[str, ...] = ()
    line: str = ""
    words: tuple[str, ...] = ()
    against: Callable[..., Any] | None = None

    @property
    def mistakes(self) -> tuple[str, ...]:
        return (self.mistake,) if isinstance(self.mistake, str) else self.mistake


@dataclass(frozen=True)
class NamedForm:
    """Derivations in one form, right or wrong, each the function or class below its `right` or `wrong`.

    `forward` is left out where what stands below gives its own gradients: a loss, a layer, a model.
    """

    derivations: list[NamedDerivation] = field(default_factory=list)

    def right(
        self, title: str, arguments: Arguments, forward: Any = None, against: Any = None
    ) -> Callable[[Callable[..., Any]], None]:
        return self.wrong(title, arguments, forward, mistake="", bad=(), against=against)

    def wrong(
        self,
        title: str,
        arguments: Arguments,
        forward: Any = None,
        *,
        mistake: str | tuple[str, ...],
        bad: tuple[str, ...],
        line: str = "",
        words: tuple[str, ...] = (),
        against: Any = None,
    ) -> Callable[[Callable[..., Any]], None]:
        def add(written: Callable[..., Any]) -> None:
            whole, backward = (written, None) if forward is None else (forward, written)
            self.derivations.append(
                NamedDerivation(title, whole, backward, arguments, mistake, bad, line, words, against)
            )

        return add
