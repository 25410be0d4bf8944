"""Functions of torch that are no operations of this package, with their backward written out for `derive`."""

from typing import Any

from manual_backprop.derive.rules import elementwise, places, reductions
from manual_backprop.derive.rules.rule import Rule

RULES: dict[Any, Rule] = {
    function: rule
    for rules in (elementwise.RULES, reductions.RULES, places.RULES)
    for rule in rules
    for function in rule.functions
}


def rule_of(function: Any) -> Rule | None:
    """What is written of a function; None where nothing is."""
    try:
        return RULES.get(function)
    except TypeError:
        return None
