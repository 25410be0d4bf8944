"""What `softmax` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.activations.softmax import softmax
from tests.functional.classified import softmax as probabilities
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, indices
from tests.functional.table.log_softmax import LOG_SOFTMAX


def derivation(grad_output: Tensor, z: Tensor, dim: int, dtype: torch.dtype | None = None) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    rows, upstream, out = (t.movedim(dim, -1) if t.dim() else t.reshape(1) for t in (z, grad_output, grad))
    for row in indices(rows[..., 0]) if rows.shape[-1] else ():
        p = probabilities(rows[row])
        for i in range(len(p)):
            for k in range(len(p)):
                out[row][i] += upstream[row][k] * p[k] * ((k == i) - p[i])  # Σₖ gₖ pₖ ([k = i] − pᵢ)
    return (grad,)


STEP_3 = "return torch.addcmul(pg, p, pg.sum(dim, keepdim=True), value=-1, out=out)"
BACK = "times_jacobian(widen(p), widen(grad_output), ctx.dim, in_place)"

ROW = Row(
    name="softmax",
    function=softmax,
    twin=T.softmax,
    derivation=derivation,
    keeps=frozenset({"output"}),
    samples=LOG_SOFTMAX,
    mutants=(
        Mutant("only the diagonal of the Jacobian", STEP_3, "return p * (1 - p) * g"),
        Mutant("zeros, which ones would not show", STEP_3, "return 0 * p * g"),
        Mutant("log-softmax's gradient", STEP_3, "return g - p * g.sum(dim, keepdim=True)"),
        Mutant("plus for minus", STEP_3, STEP_3.replace("value=-1", "value=1")),
        Mutant("the factor p forgotten", STEP_3, "return g - (g * p).sum(dim, keepdim=True)"),
        Mutant("p forgotten in the sum", STEP_3, STEP_3.replace("pg.sum", "g.sum")),
        Mutant("summed over everything", STEP_3, STEP_3.replace(".sum(dim, keepdim=True)", ".sum()")),
        Mutant("upstream ignored", BACK, BACK.replace("grad_output", "torch.ones_like(p)")),
        Mutant("p detached: second derivative lost", BACK, BACK.replace("widen(p)", "widen(p.detach())")),
    ),
    mistakes=(
        (lambda f: f.softmax(torch.zeros(5, 3), 2), r"from -2 to 1 for input \(5, 3\), got 2"),
        (lambda f: f.softmax(torch.zeros(5, 3), -3), "got -3"),
        (lambda f: f.softmax(torch.zeros(5, 3), 0.5), "dim must be an integer, got 0.5"),
        (lambda f: f.softmax(torch.zeros(5, 3).long(), 1), "got torch.int64"),
        (lambda f: f.softmax(torch.zeros(5, 3), 1, dtype=torch.long), "got torch.int64"),
        (lambda f: f.softmax(torch.zeros(5, 3) + 0j, 1), "got torch.complex64"),
    ),
    drawn=Drawn(calls(ONE, ANY, always={"dim": (0, -1, 1, 2)}, dtype=(None, torch.float64))),
)
