"""The tutorials' predictions and exercises: `predict("5a")` asks, `check("5.1", answer)` judges an answer.

Here are only the answers and what is said of them, so that no page tells them too early. The questions stand
in the tutorials, the exercises' solutions in tutorials/solutions.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import takewhile
from textwrap import fill
from types import ModuleType
from typing import Any, TypeVar

from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.exercises import (
    activations,
    alternatives,
    applications,
    beyond,
    beyond_training,
    brains,
    chain_rule,
    cost,
    derivation,
    descent,
    graph,
    history,
    initialisation,
    ladder,
    losses,
    network,
    own_function,
    training,
)
from manual_backprop.exercises.answers import Misfit, Unanswered
from manual_backprop.exercises.form import Form
from manual_backprop.exercises.judges import Judge
from manual_backprop.exercises.questions import Judgement, Question
from manual_backprop.verify.settings import with_gradients

__all__ = ["EXERCISES", "PREDICTIONS", "check", "predict"]

T = TypeVar("T")
WIDTH = 88  # of a remark, in characters

PAGES: tuple[ModuleType, ...] = (
    history,
    network,
    graph,
    losses,
    chain_rule,
    descent,
    initialisation,
    activations,
    training,
    derivation,
    cost,
    beyond,
    own_function,
    ladder,
    applications,
    beyond_training,
    brains,
    alternatives,
)
EXERCISES: dict[str, Judge] = {number: judge for page in PAGES for number, judge in page.EXERCISES.items()}
PREDICTIONS: dict[str, Question] = {
    number: question for page in PAGES for number, question in getattr(page, "PREDICTIONS", {}).items()
}


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
    return _outcome(
        f"Exercise {number}", _named(number, EXERCISES, "exercise"), answer, f'check("{number}", …)'
    )


def predict(number: str, answer: Any = ...) -> Outcome:
    """Ask a tutorial's question about what comes next; with an answer, print what is said of it.

    Args:
        number: of the prediction, such as "5a".
        answer: a number, or one of the words that are shown, or its place among them. Left out, the question
            is shown: in a notebook as a form, which may be answered there.

    Returns:
        Whether the answer is right, as something true or false.

    Raises:
        ValueError: there is no such prediction.
    """
    number = str(number).strip()
    question = _named(number, PREDICTIONS, "prediction")
    return _outcome(f"Prediction {number}", question, answer, f'predict("{number}", …)')


def _outcome(name: str, judge: Judge, answer: Any, call: str) -> Outcome:
    if answer is ... and isinstance(judge, Question):
        Form(name, judge, call).show()
        return Outcome(False)
    right, remark = with_gradients(lambda: _judgement(judge, answer))
    said = f"{name}: {remark}"
    print(fill(said, WIDTH) if isinstance(judge, Question) else said)
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


def _named(number: str, among: Mapping[str, T], kind: str) -> T:
    if number in among:
        return among[number]
    near = [each for each in among if _page_of(each) == _page_of(number)]
    near = near or get_close_matches(number, among, 1)
    first, *_, last = among
    meant = f"did you mean {' or '.join(near)}?" if near else f"they are {first} to {last}"
    raise ValueError(f"no {kind} {number}; {meant}")


def _page_of(number: str) -> str:
    return "".join(takewhile(str.isdigit, number))
