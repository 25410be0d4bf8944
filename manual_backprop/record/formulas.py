"""The lines of the operations in a step; each operation says its own (functional/operation/formula.py)."""

from manual_backprop.functional.operation import FORMULAS, Formula, bare

TO = Formula("to", "other", "{0} in another type", ("{g}, in the type of {0}",))


def formula_of(operation: str, by_hand: bool) -> Formula:
    """The formula of an operation, or of PyTorch's function of that name, which may have it too."""
    known = TO if operation == "to" else FORMULAS.get(operation)
    return bare(operation) if known is None or (known.reordered and not by_hand) else known


def kind_of(operation: str) -> str:
    """What an operation is for, by its name."""
    return FORMULAS[operation].kind if operation in FORMULAS else "other"
