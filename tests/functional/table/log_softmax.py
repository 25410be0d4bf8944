"""What `log_softmax` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.classified import five_scores, softmax
from tests.functional.drawn import ANY, ONE, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, transposed


def log_softmax(grad_output: Tensor, z: Tensor, dim: int, dtype: torch.dtype | None = None) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    rows, upstream, out = (t.movedim(dim, -1) if t.dim() else t.reshape(1) for t in (z, grad_output, grad))
    for row in indices(rows[..., 0]) if rows.shape[-1] else ():
        p = softmax(rows[row])
        for i in range(len(p)):
            for k in range(len(p)):
                out[row][i] += upstream[row][k] * ((k == i) - p[i])  # Σₖ gₖ ([k = i] − pᵢ)
    return (grad,)


LOG_SOFTMAX = (
    Sample("over the last dimension", (randn(5, 3),), {"dim": 1}),
    Sample("over the first", (randn(5, 3),), {"dim": 0}),
    Sample("over a middle one, reversed strides", (transposed(randn(2, 5, 3)),), {"dim": -2}),
    Sample("one number", (randn(),), {"dim": 0}),
    Sample("no examples", (randn(0, 3),), {"dim": 1}),
    Sample("no classes", (randn(3, 0),), {"dim": 1}),
    Sample("computed in float64", (randn(5, 3),), {"dim": 1, "dtype": torch.float64}),
    Sample("scores of ±1e4", (1e4 * randn(5, 3).sign(),), {"dim": 1}, smooth=False),
    Sample("−∞: an impossible class", (torch.tensor([[-inf, 0.0, 1.0]]).double(),), {"dim": 1}, smooth=False),
    Sample(
        "+∞ and NaN",
        (torch.tensor([[inf, 0.0], [nan, 1.0]]).double(),),
        {"dim": 1},
        smooth=False,
        finite=False,
    ),
)


GRAD_LOG = "grad_input = torch.addcmul(g, p, g.sum(ctx.dim, keepdim=True), value=-1, out=out)"

ROW = Row(
    name="log_softmax",
    function=F.log_softmax,
    twin=T.log_softmax,
    derivation=log_softmax,
    keeps=frozenset({"output"}),
    samples=LOG_SOFTMAX,
    mutants=(
        Mutant("only the identity: −p Σ g forgotten", GRAD_LOG, "grad_input = g"),
        Mutant("plus for minus", GRAD_LOG, GRAD_LOG.replace("value=-1", "value=1")),
        Mutant("only the diagonal of the Jacobian", GRAD_LOG, "grad_input = g * (1 - p)"),
        Mutant("log p for p", GRAD_LOG, GRAD_LOG.replace("p, g", "y, g")),
        Mutant(
            "summed over everything", GRAD_LOG, GRAD_LOG.replace("g.sum(ctx.dim, keepdim=True)", "g.sum()")
        ),
        Mutant(
            "averaged over the classes",
            GRAD_LOG,
            GRAD_LOG.replace(
                "g.sum(ctx.dim, keepdim=True)",
                "g.nan_to_num().sum(ctx.dim, keepdim=True) / max(y.numel(), 1)",
            ),
        ),
        Mutant("upstream ignored", GRAD_LOG, GRAD_LOG.replace("(g,", "(torch.ones_like(g),")),
        Mutant(
            "the softmax's own gradient",
            GRAD_LOG,
            "grad_input = p * (g - (p * g).sum(ctx.dim, keepdim=True))",
        ),
    ),
    mistakes=(
        (lambda f: f.log_softmax(five_scores, 2), r"from -2 to 1 for input \(5, 3\), got 2"),
        (lambda f: f.log_softmax(five_scores, -3), r"got -3"),
        (lambda f: f.log_softmax(five_scores, 0.5), "dim must be an integer, got 0.5"),
        (lambda f: f.log_softmax(five_scores.long(), 1), "got torch.int64"),
        (lambda f: f.log_softmax(five_scores, 1, dtype=torch.long), "got torch.int64"),
        (lambda f: f.log_softmax(five_scores + 0j, 1), "got torch.complex64"),
    ),
    drawn=Drawn(calls(ONE, ANY, always={"dim": (0, -1, 1, 2)}, dtype=(None, torch.float64))),
)
