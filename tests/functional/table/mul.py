"""What `mul` is held to."""

import torch

from manual_backprop.functional.arithmetic.mul import mul
from tests.functional.drawn import Drawn, of_two
from tests.functional.pairs import PAIRS, by_place, derivation_from
from tests.functional.samples import Mutant, Row

X = "back_to(ctx.like[0], grad_output * conj(y)) if"
Y = "back_to(ctx.like[1], grad_output * conj(x)) if"

ROW = Row(
    name="mul",
    function=by_place(mul),
    twin=by_place(torch.mul),
    derivation=derivation_from(lambda x, y: (y, x)),
    keeps=frozenset({"input 0", "input 1", "second"}),
    samples=PAIRS,
    mutants=(
        Mutant("its own factor instead of the other", Y, Y.replace("conj(x)", "conj(y)")),
        Mutant("the sum's slope", X, X.replace(" * conj(y)", "")),
        Mutant("sign", Y, "-" + Y),
        Mutant("upstream ignored", X, X.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("not summed over a broadcast", Y, "grad_output * conj(x) if"),
        Mutant("divided instead of multiplied", X, X.replace("* conj", "/ conj")),
        Mutant("the square's slope", X, X.replace("grad_output", "2 * grad_output")),
        Mutant(
            "the factor detached: second derivative lost",
            X,
            X.replace("conj(y)", "(y.detach() if isinstance(y, Tensor) else y)"),
        ),
        Mutant("tangent without the factor", "else input_tangent * y", "else input_tangent"),
    ),
    mistakes=(
        (lambda f: f.mul(torch.zeros(5, 3), torch.zeros(5)), r"\(3\) must match.*\(5\)"),
        (lambda f: f.mul(torch.zeros(5), None), "must be Tensor, not NoneType"),
    ),
    adapt=by_place,
    drawn=Drawn(of_two(), each_by_itself=True),
)
