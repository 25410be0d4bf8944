"""The tutorials' exercises: `check("5.1", answer)` says whether an answer is right and, if not, what it is.

Here are the questions' judges only. The questions stand at the end of each tutorial, the solutions in
tutorials/solutions.
"""

from typing import Any

from manual_backprop.exercises.activations import EXERCISES as ACTIVATIONS
from manual_backprop.exercises.beyond import EXERCISES as BEYOND
from manual_backprop.exercises.chain_rule import EXERCISES as CHAIN_RULE
from manual_backprop.exercises.cost import EXERCISES as COST
from manual_backprop.exercises.derivation import EXERCISES as DERIVATION
from manual_backprop.exercises.descent import EXERCISES as DESCENT
from manual_backprop.exercises.graph import EXERCISES as GRAPH
from manual_backprop.exercises.history import EXERCISES as HISTORY
from manual_backprop.exercises.initialisation import EXERCISES as INITIALISATION
from manual_backprop.exercises.judges import Misfit, Unanswered
from manual_backprop.exercises.losses import EXERCISES as LOSSES
from manual_backprop.exercises.network import EXERCISES as NETWORK
from manual_backprop.exercises.own_function import EXERCISES as OWN_FUNCTION
from manual_backprop.exercises.training import EXERCISES as TRAINING

__all__ = ["EXERCISES", "check"]

EXERCISES = (
    HISTORY
    | NETWORK
    | GRAPH
    | LOSSES
    | CHAIN_RULE
    | DESCENT
    | INITIALISATION
    | ACTIVATIONS
    | TRAINING
    | DERIVATION
    | COST
    | BEYOND
    | OWN_FUNCTION
)


class Outcome:
    """Whether an answer is right; silent in a notebook, since it has been printed."""

    def __init__(self, right: bool) -> None:
        self.right = right

    def __bool__(self) -> bool:
        return self.right

    def _ipython_display_(self) -> None:
        pass


def check(number: str, answer: Any) -> Outcome:
    """Judge an answer and print the judgement.

    Args:
        number: of the exercise, such as "5.1".
        answer: what the exercise asks for: a function, a number, or a word. `...`, or a function that
            returns it, is not answered yet.

    Returns:
        Whether the answer is right, as something true or false.

    Raises:
        ValueError: there is no such exercise.
    """
    if number not in EXERCISES:
        raise ValueError(f"no exercise {number}; there are {', '.join(EXERCISES)}")
    try:
        if answer is ...:
            raise Unanswered
        right, remark = EXERCISES[number](answer)
    except Unanswered:
        right, remark = False, "not answered yet."
    except Misfit as reason:
        right, remark = False, str(reason)
    print(f"Exercise {number}: {remark}")
    return Outcome(right)
