"""Each prediction has its place in a tutorial, and something to say of every answer."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from manual_backprop.exercises import EXERCISES, PREDICTIONS, check, predict
from manual_backprop.exercises.form import Form
from manual_backprop.exercises.questions import Choice, Number, Question

TUTORIALS = sorted((Path(__file__).parent.parent.parent / "tutorials").glob("[0-9]*.py"))
CELL = re.compile(r"^# %%(.*)\n", re.MULTILINE)
ASKED = re.compile(r'predict\("(\w+)"\)')


def cells_of(tutorial: Path) -> list[str]:
    """The text of each cell, markdown without its comment signs."""
    text = tutorial.read_text(encoding="utf-8")
    return [re.sub("^# ?", "", cell, flags=re.MULTILINE).strip() for cell in CELL.split(text)[2::2]]


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_each_question_is_followed_by_its_form_and_nothing_else(tutorial: Path) -> None:
    cells = cells_of(tutorial)
    asked = []
    for cell, following in pairwise(cells):
        if "**Predict:**" in cell:
            assert cell.count("**Predict:**") == 1
            form = ASKED.fullmatch(following)
            assert form, following
            asked.append(form[1])
    page = str(int(tutorial.stem[:2]))
    assert asked == [number for number in PREDICTIONS if re.fullmatch(rf"{page}[a-z]", number)]
    assert asked == [f"{page}{'abcdefghijkl'[i]}" for i in range(len(asked))]
    assert asked


@pytest.mark.parametrize("number", [n for n, q in PREDICTIONS.items() if isinstance(q, Number)])
def test_the_page_holds_the_number_that_it_measures(number: str) -> None:
    page = next(path for path in TUTORIALS if int(path.stem[:2]) == int(number[:-1]))
    assert f'assert predict("{number}", ' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", PREDICTIONS)
def test_every_answer_is_told_something(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    question = PREDICTIONS[number]
    if isinstance(question, Choice):
        answers = {option: option == question.right for option in question.remarks}
        told = list(question.remarks.values())
    else:
        answers = {question.number(): True, **dict.fromkeys(question.mistakes, False)}
        told = [question.because, *question.mistakes.values()]
        assert not predict(number, 1e9)
        assert "too large" in capsys.readouterr().out
    for (answer, right), remark in zip(answers.items(), told, strict=True):
        assert bool(predict(number, answer)) is right
        assert remark in " ".join(capsys.readouterr().out.split())
    assert min(map(len, told)) > 20


NONE_OR_FOUR = Choice("four", {"none": "A line would separate them.", "four": "No line does."})
ABOUT_FOUR = Number(4, "Each row is wrong.", {3: "One more."}, within=0.1)


@pytest.mark.parametrize("answer", ["four", " Four ", 2, 2.0])
def test_a_choice_is_made_by_its_words_or_its_place(answer: object) -> None:
    assert NONE_OR_FOUR(answer) == (True, "right. No line does.")


@pytest.mark.parametrize("answer", ["five", 0, 3, None, [1, 2]])
def test_what_is_no_choice_is_told_the_choices(answer: object) -> None:
    right, said = NONE_OR_FOUR(answer)
    assert not right
    assert "one of 'none', 'four' is asked for" in said


@pytest.mark.parametrize(
    ("answer", "right", "said"),
    [
        (4, True, "right. Each row is wrong."),
        (4.3, True, "right. Each row is wrong."),
        (3, False, "not 3: One more."),
        (7, False, "7 is too large. Each row is wrong."),
        (-7, False, "-7 is too small. Each row is wrong."),
    ],
)
def test_a_number_may_be_near(answer: float, right: bool, said: str) -> None:
    assert ABOUT_FOUR(answer) == (right, said)


def test_the_right_answer_is_one_of_the_choices() -> None:
    with pytest.raises(ValueError, match="right must be one of"):
        Choice("five", {"four": "…"})


def test_a_prediction_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no prediction 1z; did you mean 1a"):
        predict("1z")


@pytest.mark.parametrize("question", [NONE_OR_FOUR, ABOUT_FOUR], ids=["choice", "number"])
def test_a_form_stands_alone_and_as_text_does_not_tell(question: Question) -> None:
    form = Form("Prediction 1a", question, 'predict("1a", …)')
    page = form._repr_html_()
    assert "http" not in page
    assert "No line does." in page or "Each row is wrong." in page
    assert "not answered yet" in repr(form)
    assert "No line does." not in repr(form)


def test_exercises_with_a_short_answer_are_forms_too(capsys: pytest.CaptureFixture[str]) -> None:
    number = next(n for n, judge in EXERCISES.items() if isinstance(judge, Choice))
    assert not check(number, ...)
    assert "one of these, or its number" in capsys.readouterr().out
