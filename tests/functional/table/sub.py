"""What `sub` is held to."""

import torch

from manual_backprop.functional.arithmetic.sub import sub
from tests.functional.drawn import Drawn, of_two
from tests.functional.pairs import PAIRS, WITH_ALPHA, by_place, derivation_from
from tests.functional.samples import Mutant, Row

X = "back_to(ctx.like[0], grad_output) if"
Y = "back_to(ctx.like[1], -conj(ctx.alpha) * grad_output) if"

ROW = Row(
    name="sub",
    function=by_place(sub),
    twin=by_place(torch.sub),
    derivation=derivation_from(lambda x, y, alpha=1: (1, -alpha)),
    keeps=frozenset(),
    samples=(*PAIRS, WITH_ALPHA),
    mutants=(
        Mutant("the sign forgotten", Y, Y.replace("-conj", "conj")),
        Mutant("both signs reversed", X, "-" + X),
        Mutant("α forgotten", Y, Y.replace("-conj(ctx.alpha) *", "-")),
        Mutant("upstream ignored", X, X.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("not summed over a broadcast", Y, "-conj(ctx.alpha) * grad_output if"),
        Mutant("the gradient of the square", X, X.replace("grad_output", "2 * grad_output")),
        Mutant("detached", Y, Y.replace("grad_output", "grad_output.detach()")),
        Mutant("tangent's sign", "-ctx.alpha * other_tangent", "ctx.alpha * other_tangent"),
    ),
    mistakes=(
        (lambda f: f.sub(torch.zeros(5, 3), torch.zeros(5)), r"\(3\) must match.*\(5\)"),
        (lambda f: f.sub(torch.zeros(5), [1.0]), "must be Tensor, not list"),
        (lambda f: f.sub(torch.zeros(5), torch.ones(5) > 0), "bool tensor is not supported"),
        (lambda f: f.sub(torch.zeros(5), 1, alpha=2j), "alpha must not be a complex number"),
    ),
    adapt=by_place,
    drawn=Drawn(of_two(alpha=(2, -0.5, 0)), each_by_itself=True),
)
