"""What is to be judged, whatever form it was given in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from manual_backprop.derive.forms.forward import Forward
from manual_backprop.verify.problem import Draw, Problem


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be judged.

    Attributes:
        problem: with all outputs, one behind the other where there are several.
        points: of each input, a tensor or the shape of numbers to draw.
        whole: where there are several outputs, the forward with all of them; `alone`, each by its name.
        remark: what is to be said of inputs that are not judged.
    """

    problem: Problem
    points: tuple[Any, ...]
    whole: Forward | None = None
    alone: tuple[tuple[str, Problem], ...] = ()
    remark: str = ""

    def draws_of(self, output: int, draws: Sequence[Draw]) -> list[Draw]:
        """The draws with one output as the value, and its part of the upstream gradient."""
        assert self.whole is not None
        found = []
        for draw in draws:
            outputs = self.whole.outputs(draw.inputs)[0]
            part = self.whole.parts(draw.upstream, outputs)[output]
            found.append(Draw(draw.inputs, part, outputs[output]))
        return found
