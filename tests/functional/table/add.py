"""What `add` is held to."""

import torch

from manual_backprop.functional.arithmetic.add import add
from tests.functional.drawn import Drawn, of_two
from tests.functional.pairs import PAIRS, WITH_ALPHA, by_place, derivation_from
from tests.functional.samples import Mutant, Row

X = "back_to(ctx.like[0], grad_output) if"
Y = "back_to(ctx.like[1], scaled(grad_output, conj(ctx.alpha))) if"

ROW = Row(
    name="add",
    function=by_place(add),
    twin=by_place(torch.add),
    derivation=derivation_from(lambda x, y, alpha=1: (1, alpha)),
    keeps=frozenset(),
    samples=(*PAIRS, WITH_ALPHA),
    mutants=(
        Mutant("α forgotten", Y, "back_to(ctx.like[1], grad_output) if"),
        Mutant("α on the wrong summand", X, Y.replace("like[1]", "like[0]")),
        Mutant("sign", Y, "-" + Y),
        Mutant("upstream ignored", X, X.replace("grad_output", "torch.ones_like(grad_output)")),
        Mutant("not summed over a broadcast", Y, "scaled(grad_output, conj(ctx.alpha)) if"),
        Mutant("shared out between the summands", X, X.replace("grad_output", "grad_output / 2")),
        Mutant("detached", Y, Y.replace("scaled(grad_output,", "scaled(grad_output.detach(),")),
        Mutant(
            "tangent of x alone",
            "input_tangent, moved)",
            "input_tangent, None if moved is None else 0 * moved)",
        ),
        Mutant(
            "the product rule's slope", X, X.replace("grad_output", "grad_output * (2 + 0 * grad_output) / 3")
        ),
    ),
    mistakes=(
        (lambda f: f.add(torch.zeros(5, 3), torch.zeros(5)), r"\(3\) must match.*\(5\)"),
        (lambda f: f.add(torch.zeros(5), "1"), "must be Tensor, not str"),
        (lambda f: f.add(torch.zeros(5), 1, alpha=2j), "alpha must not be a complex number"),
        (lambda f: f.add(torch.zeros(5).long(), 1, alpha=0.5), "alpha must not be a floating point number"),
    ),
    adapt=by_place,
    drawn=Drawn(of_two(alpha=(2, -0.5, 0)), each_by_itself=True),
)
