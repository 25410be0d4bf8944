"""Whatever a reader answers, what is wrong with it is said in a few words, and never a traceback."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

from manual_backprop.exercises import EXERCISES, check
from tests.hostile import FUNCTIONS, VALUES, raising

*_, LAST = EXERCISES
MOST_LINES = 12  # what `verify` says of a wrong derivation
RETURNED = {name: value for name, value in VALUES.items() if not isinstance(value, Tensor)}


def function_class(forward: Callable[..., Any] | None, backward: Callable[..., Any] | None) -> type:
    """A torch.autograd.Function for z tanh(ln(1 + eᶻ)) with another forward or backward."""

    class Answer(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Tensor) -> Any:
            return forward(z) if forward else z * torch.nn.functional.softplus(z).tanh()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            return backward(g) if backward else g

    return Answer


FORMS: dict[str, Callable[[Any], Any]] = {
    "value": lambda value: value,
    "returned": lambda value: lambda *_: value,
    "one for each": lambda value: lambda *given: [value] * (len(given) - 1),
    "forward": lambda value: function_class(lambda *_: value, None),
    "backward": lambda value: function_class(None, lambda *_: value),
}
ANSWERS: dict[str, dict[str, Any]] = {
    **{form: {name: make(value) for name, value in RETURNED.items()} for form, make in FORMS.items()},
    "value": VALUES,
    "function": FUNCTIONS,
    "as forward": {name: function_class(function, None) for name, function in FUNCTIONS.items()},
    "as backward": {name: function_class(None, function) for name, function in FUNCTIONS.items()},
}
ABOUT_CLASSES = {"forward", "backward", "as forward", "as backward"}
CASES = [
    (number, form)
    for number in EXERCISES
    for form in ANSWERS
    if (form not in ABOUT_CLASSES or number == "13.3")
]


@pytest.mark.parametrize(("number", "form"), CASES)
def test_any_answer_is_told_what_is_wrong_with_it(
    number: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, answer in ANSWERS[form].items():
        assert not check(number, answer), name
        lines = [line for line in capsys.readouterr().out.splitlines() if line != "printed"]
        assert lines[0].startswith(f"Exercise {number}: "), name
        assert len(lines) <= MOST_LINES, name
        assert "this answer cannot be judged" not in lines[0], name
        assert all(line.isprintable() for line in lines), name


@pytest.mark.parametrize("number", EXERCISES)
def test_ctrl_c_passes_through(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    stops = raising(KeyboardInterrupt())
    answer = function_class(stops, None) if number == "13.3" else stops
    try:
        check(number, answer)
    except KeyboardInterrupt:
        assert capsys.readouterr().out == ""
    else:  # nothing was called: a number or a word is asked for
        assert "asked for" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "answer", "says"),
    [
        ("16.2", lambda g, z: g * zz, "your derivation raises NameError: name 'zz' is not defined"),  # type: ignore[name-defined] # noqa: F821
        ("16.2", FUNCTIONS["SystemExit"], "your derivation raises SystemExit: bye"),
        ("16.2", lambda g, z: z.numpy(), "expected a Tensor, got ndarray"),
        ("16.2", lambda g: g, "takes 1 positional argument but 2 were given"),
        ("6.2", lambda *_: undefined, "it raised NameError: name 'undefined' is not defined"),  # type: ignore[name-defined] # noqa: F821
        ("6.2", FUNCTIONS["SystemExit"], "it raised SystemExit: bye"),
        ("8.2", lambda a: "0.5", "numbers are asked for, not '0.5'."),
        ("8.2", lambda a: (1 - a**2) ** 1.5 * (1 + 0j), "real numbers are asked for, not tensor("),
        ("8.2", lambda a: (x for x in a), "numbers are asked for, not <generator object"),
        ("1.3", lambda: one, "it raised NameError: name 'one' is not defined"),  # type: ignore[name-defined] # noqa: F821
        ("1.3", lambda: 4, "four tensors are asked for, W¹, b¹, W² and b², not 4."),
        ("2.3", lambda *_: "ab", "two tensors are asked for, W′ and b′, not 'ab'."),
        ("3.3", FUNCTIONS["SystemExit"], "it raised SystemExit: bye"),
        ("5.1", "72", "a number is asked for, not '72'."),
        ("5.1", float("nan"), "a finite number is asked for, not nan."),
        ("5.1", 10**400, "a finite number is asked for, not 1000"),
        ("5.1", True, "a number is asked for, not True."),
        ("5.1", torch.ones(2), "a number is asked for, not tensor([1., 1.])."),
        ("8.1", ["always"], "'sometimes' is asked for, not ['always']."),
        ("13.3", function_class(FUNCTIONS["NameError"], None), "it raised NameError: name 'undefined' is"),
        ("13.3", function_class(None, FUNCTIONS["SystemExit"]), "SystemExit: bye"),
    ],
)
def test_it_is_said_in_words(number: str, answer: Any, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not check(number, answer)
    assert says in " ".join(capsys.readouterr().out.split())


EQUAL: list[Any] = [
    *(72, 72.0, Fraction(144, 2), Decimal("72.00"), numpy.float32(72), numpy.int64(72), numpy.array([72])),
    *(torch.tensor(72), torch.tensor([[72.0]]), torch.tensor(72.0, requires_grad=True)),
]


@pytest.mark.parametrize("answer", EQUAL, ids=lambda answer: f"{type(answer).__name__} {answer}")
def test_a_number_of_any_kind_is_right_if_it_is_equal(answer: Any) -> None:
    assert check("5.1", answer)
    with torch.inference_mode():
        assert check("5.1", answer)


@pytest.mark.parametrize(
    "kind", [float, Fraction, Decimal, numpy.float64, torch.tensor, lambda x: numpy.array(x, numpy.float32)]
)
def test_a_function_may_return_a_number_of_any_kind(kind: Callable[[float], Any]) -> None:
    assert check("7.2", lambda D, s: kind(2 / (D * (1 + s**2))))


@pytest.mark.parametrize("wrap", [lambda x: torch.tensor([x]), lambda x: numpy.array([[x]]), lambda x: [x]])
def test_a_number_may_stand_alone_in_a_tensor_or_a_list(wrap: Callable[[float], Any]) -> None:
    assert check("7.2", lambda D, s: wrap(2 / (D * (1 + s**2))))
    assert not check("7.2", lambda D, s: wrap(2 / D))


def test_a_function_may_return_an_array_or_a_list() -> None:
    assert check("8.2", lambda a: (1 - a.numpy() ** 2) ** 1.5)
    assert check("8.2", lambda a: [Fraction((1 - float(x) ** 2) ** 1.5) for x in a])


@pytest.mark.parametrize("setting", [torch.no_grad, torch.inference_mode])
def test_it_is_judged_where_gradients_are_off(setting: Any) -> None:
    with setting():
        assert check("16.2", lambda g, f: (g + g.T) @ f)
        assert not check("16.2", lambda g, f: g @ f)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("5.4", "no exercise 5.4; did you mean 5.1 or 5.2 or 5.3?"),
        ("5", "no exercise 5; did you mean 5.1 or 5.2 or 5.3?"),
        ("5,1", "no exercise 5,1; did you mean 5.1 or 5.2 or 5.3?"),
        (13.4, "no exercise 13.4; did you mean 13.1 or 13.2 or 13.3?"),
        ("99.9", f"no exercise 99.9; they are 1.1 to {LAST}"),
        ("", f"they are 1.1 to {LAST}"),
        (None, f"no exercise None; they are 1.1 to {LAST}"),
    ],
)
def test_an_exercise_that_is_not_there_is_answered_with_what_was_meant(number: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace(".", r"\.").replace("?", r"\?")):
        check(number, 72)


@pytest.mark.parametrize("number", [5.1, "5.1", " 5.1 "])
def test_the_number_of_an_exercise_may_be_a_number(number: Any) -> None:
    assert check(number, 72)
