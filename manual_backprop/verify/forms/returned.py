"""What a forward returns: outputs, and a cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from manual_backprop.verify.forms.parameters import CACHES, parameters_of


class Misfit(Exception):  # noqa: N818 - an answer about what was given
    """A backward whose parameters do not fit what its forward takes and returns."""


@dataclass(frozen=True)
class Returned:
    """How a forward returns its outputs.

    Attributes:
        outputs: how many.
        cached: whether the last thing that it returns is for the backward.
        together: whether the outputs are a tuple or list of their own, beside the cache.
    """

    outputs: int
    cached: bool
    together: bool = False

    def split(self, returned: Any) -> tuple[list[Any], Any]:
        """The outputs, and the cache."""
        if not self.cached:
            return (list(returned) if isinstance(returned, tuple | list) else [returned]), None
        *first, cache = returned
        outputs = list(first[0]) if self.together else first
        return outputs, cache


def returned_by(
    returned: Any,
    backward: Callable[..., Any],
    names: Sequence[str],
    *,
    cache: bool | None,
    given: Sequence[Any],
    is_array: Callable[[Any], bool],
) -> Returned:
    """How a forward that has returned this returns its outputs.

    Args:
        returned: by the forward.
        backward: which is to take it.
        names: of the forward's arguments.
        cache: whether the forward returns one; None if that is to be found out.
        given: the forward's arguments.
        is_array: whether something is an array or a number.

    Raises:
        Misfit: a cache was announced, and there is none.
    """
    several = isinstance(returned, tuple | list) and len(returned) > 1
    if cache and not several:
        raise Misfit(f"cache=True: the forward must return (output, cache), got {type(returned).__name__}")
    if not several or cache is False:
        return Returned(len(returned) if isinstance(returned, tuple | list) else 1, cached=False)
    if cache is None and not _has_cache(returned, backward, names, given, is_array):
        return Returned(len(returned), cached=False)
    first = returned[0]
    together = len(returned) == 2 and isinstance(first, tuple | list) and not is_array(first)
    return Returned(len(first) if together else len(returned) - 1, cached=True, together=together)


def _has_cache(
    returned: Any,
    backward: Callable[..., Any],
    names: Sequence[str],
    given: Sequence[Any],
    is_array: Callable[[Any], bool],
) -> bool:
    if not is_array(returned[-1]):
        return True
    parameters = [p.name for p in parameters_of(backward)]
    if any(name.lower() in CACHES for name in parameters):
        return True
    without = len(parameters) in (len(returned) + len(names), 1 + len(names))
    with_cache = len(parameters) in (2, len(returned))
    if without and with_cache:
        return parameters[-1] not in names or any(returned[-1] is x for x in given)
    return with_cache
