"""The tutorials' exercises: `check("5.1", answer)` says whether an answer is right and, if not, what it is.

Here are the questions' judges only. The questions stand at the end of each tutorial, the solutions in
tutorials/solutions.
"""

from difflib import get_close_matches
from typing import Any

from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.exercises.activations import EXERCISES as ACTIVATIONS
from manual_backprop.exercises.answers import Misfit, Unanswered
from manual_backprop.exercises.beyond import EXERCISES as BEYOND
from manual_backprop.exercises.chain_rule import EXERCISES as CHAIN_RULE
from manual_backprop.exercises.cost import EXERCISES as COST
from manual_backprop.exercises.derivation import EXERCISES as DERIVATION
from manual_backprop.exercises.descent import EXERCISES as DESCENT
from manual_backprop.exercises.graph import EXERCISES as GRAPH
from manual_backprop.exercises.history import EXERCISES as HISTORY
from manual_backprop.exercises.initialisation import EXERCISES as INITIALISATION
from manual_backprop.exercises.judges import Judge, Judgement
from manual_backprop.exercises.losses import EXERCISES as LOSSES
from manual_backprop.exercises.network import EXERCISES as NETWORK
from manual_backprop.exercises.own_function import EXERCISES as OWN_FUNCTION
from manual_backprop.exercises.training import EXERCISES as TRAINING
from manual_backprop.verify.settings import with_gradients

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


def check(number: str | float, answer: Any) -> Outcome:
    """Judge an answer and print the judgement. Whatever the answer is or raises, that is said and not raised.

    Args:
        number: of the exercise, such as "5.1".
        answer: what the exercise asks for: a function, a number, or a word. `...`, or a function that
            returns it, is not answered yet.

    Returns:
        Whether the answer is right, as something true or false.

    Raises:
        ValueError: there is no such exercise.
    """
    number = str(number).strip()
    judge = _judge_of(number)
    right, remark = with_gradients(lambda: _judgement(judge, answer))
    print(f"Exercise {number}: {remark}")
    return Outcome(right)


def _judgement(judge: Judge, answer: Any) -> Judgement:
    try:
        if answer is ...:
            raise Unanswered
        return judge(answer)
    except Unanswered:
        return False, "not answered yet."
    except Misfit as reason:
        return False, str(reason)
    except (Exception, SystemExit) as error:  # an answer so strange that the judge itself stumbles
        return False, f"this answer cannot be judged: {words_of(error)}"


def _judge_of(number: str) -> Judge:
    if number in EXERCISES:
        return EXERCISES[number]
    page = f"{number.partition('.')[0]}."
    near = [other for other in EXERCISES if other.startswith(page)] or get_close_matches(number, EXERCISES, 1)
    first, *_, last = EXERCISES
    meant = f"did you mean {' or '.join(near)}?" if near else f"they are {first} to {last}"
    raise ValueError(f"no exercise {number}; {meant}")
