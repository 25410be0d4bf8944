"""Symbols for what appears in a step: zˡ, aˡ and hˡ by layer, Wˡ and bˡ for parameters, tᵢ for the rest."""

import re

from manual_backprop.record.call import Call, subscript, superscript
from manual_backprop.record.formulas import kind_of

LAYERS = ("layer", "activated layer", "recurrent layer")
LETTERS = {
    "weight": "W",
    "bias": "b",
    **{"in_proj_weight": "W", "in_proj_bias": "b"},
    **{"weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "c"},
}


class Symbols:
    """Counts the layers of a forward pass and gives out symbols in their order."""

    def __init__(self) -> None:
        self.layer = 0
        self.activated = 0  # the last layer that has its aˡ
        self.others = 0

    def of_output(self, operation: str) -> str:
        """The symbol of the next operation's output."""
        kind = kind_of(operation)
        if kind in LAYERS:
            self.layer += 1
        if kind == "recurrent layer":
            return f"h{superscript(self.layer)}"
        if kind == "layer":
            return f"z{superscript(self.layer)}"
        if kind in ("activation", "activated layer") and self.activated < self.layer:
            self.activated = self.layer
            return f"a{superscript(self.layer)}"
        return self.other()

    def other(self) -> str:
        """A symbol for what is neither a pre-activation nor an activation."""
        self.others += 1
        return f"t{subscript(self.others)}"

    def name_parameters(self, call: Call) -> None:
        """Give symbols to the parameters of a call whose output has none yet."""
        layer = superscript(self.layer + 1) if kind_of(call.operation) in LAYERS else ""
        for value in call.inputs:
            if value.kind == "parameter" and not value.symbol:
                role = re.sub(r"_l\d+(_reverse)?$", "", value.name.rpartition(".")[2])
                letter = LETTERS.get(role) if layer else None
                value.symbol = letter + layer if letter else value.name
