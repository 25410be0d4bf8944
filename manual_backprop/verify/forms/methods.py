"""How the methods of a layer are called, and what its backward returns: gradients, or a derivative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from manual_backprop.derive.forms.frameworks import converted, is_number
from manual_backprop.verify.forms import held
from manual_backprop.verify.forms.gradient_places import gradients_left
from manual_backprop.verify.forms.parameters import RATES, parameters_of
from manual_backprop.verify.forms.returned import Misfit, Returned
from manual_backprop.verify.forms.signature import Parameter, bound, call, takes_no_upstream
from manual_backprop.verify.forms.slopes import times

Meaning = Literal["gradients", "of a loss", "of a mean", "derivative"]


@dataclass(frozen=True)
class Methods:
    """The methods of a layer.

    Attributes:
        forward: the name of the forward.
        backward: the name of the backward.
        parameters: what the backward is given.
        meaning: what the backward computes: gradients from upstream gradients; those of the forward's output,
            a loss; those of the mean of its outputs; or a derivative, to be multiplied by upstream gradients.
        of_output: whether the backward of a loss is given what the forward has left in the layer.
        own_rate: the layer's attribute by which the backward moves the parameters; "" if there is none.
    """

    forward: str
    backward: str
    parameters: tuple[Parameter, ...] = ()
    meaning: Meaning = "gradients"
    own_rate: str = ""
    of_output: bool = False

    @property
    def takes_upstream(self) -> bool:
        """Whether the backward is given upstream gradients."""
        return self.meaning == "gradients"

    @property
    def updates(self) -> bool:
        """Whether the backward changes the parameters, by a learning rate that it is given or has."""
        return bool(self.own_rate) or any(p.source == "rate" for p in self.parameters)

    @property
    def remark(self) -> str:
        """What is to be said of what is judged."""
        if self.meaning == "derivative":
            return f"Judged as grad_output * {self.backward}({', '.join(p.which for p in self.parameters)})."
        if self.meaning == "of a mean":
            return f"Judged as the gradient of the mean of what {self.forward} returns."
        if self.updates:
            return f"Gradients of parameters are told by how far {self.backward} moves them."
        return ""

    def outputs(self, layer: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """What the forward returns, or leaves in the layer."""
        returned = getattr(layer, self.forward)(*args, **keywords)
        if returned is None:
            returned = held.output_left(layer)
        return list(returned) if isinstance(returned, tuple | list) else [returned]

    def values(self, outputs: Sequence[Any]) -> list[Any]:
        """What is derived, of the outputs."""
        return [outputs[0].mean()] if self.meaning == "of a mean" else list(outputs)

    def returned(
        self, layer: Any, upstreams: Sequence[Any], arguments: Mapping[str, Any], outputs: Sequence[Any]
    ) -> Any:
        """What the backward returns; where that is nothing, the gradients of inputs that it leaves."""
        if self.of_output:
            outputs = [held.output_left(layer)]
        returned = call(getattr(layer, self.backward), self.parameters, upstreams, arguments, outputs, None)
        if returned is None:
            returned = gradients_left(layer, list(arguments))
        return returned

    def gradients(self, returned: Any, upstreams: Sequence[Any]) -> Any:
        """The gradients, of what the backward returns."""
        return times(upstreams[0], returned) if self.meaning == "derivative" else returned


def ways_to_call(
    layer: Any, methods: tuple[str, str], names: Sequence[str], arrays: Sequence[str], outputs: Sequence[Any]
) -> list[Methods]:
    """The ways to call a backward, the most plausible first.

    Args:
        layer: after its forward.
        methods: the names of forward and backward.
        names: of the forward's arguments.
        arrays: those of them that hold arrays.
        outputs: of the forward.

    Raises:
        Misfit: it does not take what there is.
    """
    backward = getattr(layer, methods[1])
    count = len(outputs)
    is_one = count == 1 and is_number(outputs[0])
    found, misfits = [], []
    for as_a_loss in dict.fromkeys((is_one, count == 1)):
        try:
            found.append(bound(backward, Returned(count, cached=False), names, arrays, is_number=as_a_loss))
        except Misfit as misfit:
            misfits.append(misfit)
    needed = [p for p in parameters_of(backward) if p.default is p.empty and p.name not in RATES]
    without: Meaning = "of a loss" if is_one else "derivative"
    ways = [
        Methods(*methods, tuple(each), without if takes_no_upstream(each) else "gradients") for each in found
    ]
    if count == 1 and len(needed) == len(names):  # the first may be called as the gradient that it becomes
        first, *others = (Parameter("argument", name) for name in names)
        if is_one and held.output_left(layer) is not None:
            ways.append(Methods(*methods, (Parameter("output"), *others), without, of_output=True))
        ways.append(Methods(*methods, (first, *others), without))
    if not ways:
        raise misfits[0]
    return ways


def as_found(methods: Methods, returned: Any, outputs: Sequence[Any]) -> Methods:
    """With what it means that a backward without upstream gradient has returned this.

    It is a derivative if it has the output's shape; or else, of a loss of each example, the gradient of the
    mean.

    Raises:
        Misfit: it is neither.
    """
    if methods.meaning != "derivative":
        return methods
    number, output = converted(returned), converted(outputs[0])
    if isinstance(number, Tensor) and number.shape == output.shape:
        return methods
    if output.dim() > 1:
        raise Misfit(
            f"{methods.backward} takes no upstream gradient: {methods.forward} must return a loss, got an "
            f"array of shape {tuple(output.shape)}"
        )
    return replace(methods, meaning="of a mean")
