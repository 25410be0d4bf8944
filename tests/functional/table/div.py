"""What `div` is held to."""

import torch

from manual_backprop.functional.arithmetic.div import div
from tests.functional.drawn import Drawn, of_two
from tests.functional.pairs import PAIRS, by_place, derivation_from, pair
from tests.functional.samples import Mutant, Row, Sample


def slopes(x: float, y: float, rounding_mode: str | None = None) -> tuple[float, float]:
    return (1 / y, -x / y**2) if rounding_mode is None else (0, 0)


X = "back_to(ctx.like[0], grad_output / conj(y)) if"
Y = "back_to(ctx.like[1], -grad_output * conj(x / y / y)) if"

ROW = Row(
    name="div",
    function=by_place(div),
    twin=by_place(torch.div),
    derivation=derivation_from(slopes),
    keeps=frozenset({"input 0", "input 1", "second"}),
    samples=(
        *PAIRS,
        Sample("rounded down", pair((5, 3), (3,)), {"rounding_mode": "floor"}, smooth=False),
        Sample("rounded towards zero", pair((5, 3), ())[:1], {"second": 2, "rounding_mode": "trunc"}),
    ),
    mutants=(
        Mutant("multiplied instead of divided", X, X.replace("/ conj", "* conj")),
        Mutant("the sign of the divisor's", Y, Y.replace("-grad_output", "grad_output")),
        Mutant("the square forgotten", Y, Y.replace("x / y / y", "x / y")),
        Mutant("the dividend forgotten", Y, Y.replace("x / y / y", "1 / y / y")),
        Mutant("upstream ignored", X, X.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("not summed over a broadcast", Y, "-grad_output * conj(x / y / y) if"),
        Mutant(
            "the quotient detached: second derivative lost",
            Y,
            Y.replace("conj(x / y / y)", "(x / y / y).detach()"),
        ),
        Mutant("rounded, with the slope of the quotient", "torch.zeros_like(", "torch.ones_like("),
        Mutant("tangent's sign", "-other_tangent", "other_tangent"),
    ),
    mistakes=(
        (lambda f: f.div(torch.zeros(5, 3), torch.zeros(5)), r"\(3\) must match.*\(5\)"),
        (lambda f: f.div(torch.zeros(5), "1"), "must be Tensor, not str"),
        (lambda f: f.div(torch.zeros(5), 2, rounding_mode="up"), "one of None, 'trunc', or 'floor'"),
    ),
    adapt=by_place,
    drawn=Drawn(of_two(rounding_mode=(None, "floor", "trunc", "up")), each_by_itself=True),
)
