"""A layer whose methods were called once, and what that tells of its parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from manual_backprop.derive.forms.frameworks import converted, is_array
from manual_backprop.verify.forms import held
from manual_backprop.verify.forms.gradient_places import parameters_of_object
from manual_backprop.verify.forms.methods import Methods


@dataclass(frozen=True, slots=True)
class Kept:
    """What a layer's backward needs.

    Attributes:
        named: the layer after its forward, whose arrays are called as it calls them.
        outputs: of the forward.
        owned: its parameters before.
    """

    named: Any
    outputs: list[Any]
    owned: Sequence[Any]


@dataclass(frozen=True)
class Trial:
    """A layer whose methods were called once.

    Attributes:
        before: as it was, with arrays that it shares with `after`.
        between: after the forward, with arrays of its own.
        after: after the backward.
        outputs: of the forward.
        returned: by the backward.
    """

    before: Any
    between: Any
    after: Any
    outputs: list[Any]
    returned: Any

    def parameters(self, methods: Methods, inputs: int) -> tuple[list[held.Parameter], str]:
        """The parameters whose gradients are told, of a forward of so many inputs; what is said of others."""
        moved = held.changed(self.between, self.after)
        if methods.updates:
            return moved, ""
        kept = held.arrays_kept(self.before, self.after)
        by_name = isinstance(self.returned, Mapping)
        if by_name and (named := held.returned_for(kept, self.before, self.returned)):
            return named, ""
        if left := parameters_of_object(self.before, self.after):
            return left, ""
        if moved:
            names = ", ".join(p.name for p in moved)
            return [], f"Not judged, since {methods.backward} moves them by an unknown rate: {names}."
        if methods.takes_upstream:
            more = len(self.returned) - inputs if isinstance(self.returned, tuple | list) else 0
            return kept[:more], ""
        return held.returned_for(kept, self.before, self.returned), ""


def without_gradients(
    value: Any,
    trial: Trial,
    found: Sequence[held.Parameter],
    outputs_of: Callable[[Any], tuple[list[Any], dict[str, Any]]],
) -> str:
    """What is said of the arrays that the outputs depend on, and of which no gradient was found."""
    judged = {id(held.at(trial.before, p.path)) for p in found}
    others = {id(held.at(trial.before, p.path)): p for p in held.arrays_kept(trial.before, trial.after)}
    names = []
    for at, parameter in others.items():
        copy = held.with_arrays(value, {})
        array = held.at(copy, parameter.path)
        if at in judged or not is_array(array) or parameter.name in names:
            continue
        changed = held.with_arrays(copy, {id(array): 1.5 * array + 0.25})
        pairs = zip(outputs_of(changed)[0], trial.outputs, strict=True)
        if any(not torch.equal(converted(x), converted(y)) for x, y in pairs):
            names.append(parameter.name)
    return f"Not judged, since no gradient of theirs was found: {', '.join(names)}." if names else ""
