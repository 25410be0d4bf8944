"""What the named tensors of a derivation are called in mathematics: W¹ for W1, x̂ for xhat, δ² for dz2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from manual_backprop.derive.program import Node
from manual_backprop.derive.script import Script

LAYERED = ("W", "b", "z", "a", "h")  # whose number is that of a layer, and stands above
NO_GRADIENTS = ("dot", "dist", "denom", "diff", "diag", "div", "double", "down", "delta")
"""How names of the backward begin that are no gradients; the others with a d before them are."""
GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "eps": "ε",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "lam": "λ",
    "lambd": "λ",
    "mu": "μ",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "psi": "ψ",
    "omega": "ω",
}


@dataclass(frozen=True)
class Symbol:
    """A name, parted.

    Attributes:
        base: the letter or the word.
        index: what stands below: a number, a letter.
        hat: whether it wears a hat.
        layer: the number that stands above.
        gradient: whether ∂L/∂ of it is meant.
    """

    base: str
    index: str = ""
    hat: bool = False
    layer: str = ""
    gradient: bool = False

    @property
    def is_delta(self) -> bool:
        """Whether it is the gradient of a pre-activation, which is called δ."""
        return self.gradient and self.base == "z" and not self.hat


def letter_of_loss(script: Script) -> str:
    """L; ℓ where the code calls something else L."""
    others = {name for node, name in script.names.items() if node not in script.program.outputs}
    return "ℓ" if "L" in others else "L"


def symbols_of(script: Script) -> dict[Node, Symbol]:
    """The symbol of each node that has a name."""
    names = set(script.names.values())
    layered = {base for base in LAYERED if base not in names or base == "z"}
    symbols = {node: _parted(name, layered) for node, name in script.names.items()}
    outputs = script.program.outputs
    if len(outputs) == 1 and not outputs[0].shape:
        symbols[outputs[0]] = Symbol(letter_of_loss(script))
    owners = dict(_owners(script))
    for line in script.backward:
        if line.node in owners:
            symbol = replace(symbols[owners[line.node]], gradient=True)
            if symbol not in symbols.values():  # as of what is written over later, under the same name
                symbols[line.node] = symbol
        elif _is_gradient(line.name, names):
            symbols[line.node] = replace(_parted(line.name[1:], layered), gradient=True)
    for node, upstream in zip(outputs, script.program.upstreams, strict=True):
        if upstream.op == "upstream":
            symbols[upstream] = replace(symbols[node], gradient=True)
    return symbols


def _is_gradient(name: str, names: set[str]) -> bool:
    """Whether d and the rest of a name mean a gradient; dx1 is a share of one where there is x alone."""
    if len(name) < 2 or name[0] != "d" or name.startswith(NO_GRADIENTS):
        return False
    return name[1:] in names or name[1:].rstrip("0123456789") not in names


def _owners(script: Script) -> Iterator[tuple[Node, Node]]:
    """Each gradient with a line of its own, and what it is the gradient of."""
    lines = {line.node: line.name for line in script.backward}
    for node, gradient in script.program.gradients.items():
        name = script.names.get(node)
        if name and re.fullmatch(rf"d{re.escape(name)}(_?\d+)?", lines.get(gradient, "")):
            yield gradient, node


def _parted(name: str, layered: set[str]) -> Symbol:
    found = re.fullmatch(r"(\D+?)_?(\d+)", name)
    base, number = (found[1], found[2]) if found else (name, "")
    layer = number if base in layered else ""
    letter = re.fullmatch(r"([A-Za-z])_([A-Za-z]+)|([A-Z])([a-su-z])", base)
    if letter and not number:
        first, index = (part for part in letter.groups() if part)
        return Symbol(first, index)
    hat = len(base) > 3 and base.endswith("hat")
    base = base.removesuffix("hat").rstrip("_") if hat else base
    return Symbol(GREEK.get(base, base), "" if layer else number, hat, layer)
