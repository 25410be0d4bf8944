"""Every exercise has its place in a tutorial, a solution that is accepted, and wrong answers that are not."""

import importlib
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from manual_backprop.exercises import EXERCISES, check

HERE = Path(__file__).parent
TUTORIALS = HERE.parent.parent / "tutorials"
SOLUTIONS = sorted((TUTORIALS / "solutions").glob("*.py"))
PAGES = sorted(set(HERE.glob("[a-z]*.py")) - set(HERE.glob("test_*.py")))  # of wrong answers
WRONG: list[tuple[str, Any, str]] = [
    case for page in PAGES for case in importlib.import_module(f"tests.exercises.{page.stem}").WRONG
]


@pytest.mark.parametrize("solution", SOLUTIONS, ids=lambda path: path.stem)
def test_the_solutions_are_right(
    solution: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(solution), run_name="__main__")  # it asserts each check
    page = str(int(solution.stem[:2]))
    right = re.findall(r"Exercise ([\d.]+): right", capsys.readouterr().out)
    assert sorted(right) == sorted(number for number in EXERCISES if number.split(".")[0] == page)


@pytest.mark.parametrize(("number", "answer", "says"), WRONG, ids=[number for number, _, _ in WRONG])
def test_a_wrong_answer_is_told_what_it_is(
    number: str, answer: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check(number, answer)
    assert says in " ".join(capsys.readouterr().out.split())


def test_every_exercise_has_at_least_two_wrong_answers() -> None:
    tried = Counter(number for number, _, _ in WRONG)
    assert {number for number in EXERCISES if tried[number] < 2} == set()


def test_every_page_asks_its_exercises_in_order() -> None:
    for tutorial in TUTORIALS.glob("[0-9]*.py"):
        page = str(int(tutorial.stem[:2]))
        asked = re.findall(r'check\("([\d.]+)"', tutorial.read_text(encoding="utf-8"))
        assert asked == [f"{page}.{i + 1}" for i in range(len(asked))]
        assert asked == [number for number in EXERCISES if number.split(".")[0] == page]
        assert len(asked) >= 3


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("blank", [..., lambda *_: ...], ids=["dots", "function"])
def test_what_is_not_answered_is_not_called_wrong(
    number: str, blank: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check(number, blank)
    said = capsys.readouterr().out
    assert "not answered yet" in said or "asked for" in said


def test_an_exercise_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"no exercise 99\.9"):
        check("99.9", 1)
