"""What `conv2d` is held to."""

import warnings
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution.conv2d import conv2d
from tests.functional.drawn import Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, inf, nan, randn, strided, transposed


def twin(*inputs: Tensor, **options: Any) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same'")  # of a copy that it makes
        return T.conv2d(*inputs, **options)


def derivation(
    grad_output: Tensor,
    x: Tensor,
    W: Tensor,
    b: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[Tensor, ...]:
    """Every product in z, and where its two factors came from."""
    (s, t), (d, e) = (v if isinstance(v, tuple) else (v, v) for v in (stride, dilation))
    rows, columns = W.shape[-2:]
    named = {"same": (d * (rows - 1) // 2, e * (columns - 1) // 2), "valid": (0, 0)}
    padding = named[padding] if isinstance(padding, str) else padding
    p, q = padding if isinstance(padding, tuple) else (padding, padding)
    images, deltas = (t if t.dim() == 4 else t[None] for t in (x, grad_output))
    grad_x, grad_W = torch.zeros_like(images), torch.zeros_like(W)
    of_group = W.shape[1]
    for n, m, i, j in indices(deltas):
        first = m // (W.shape[0] // groups) * of_group  # the first channel of m's group
        for k, u, v in indices(W[m]):
            at = (n, first + k, i * s + u * d - p, j * t + v * e - q)
            if 0 <= at[2] < images.shape[2] and 0 <= at[3] < images.shape[3]:
                grad_x[at] += deltas[n, m, i, j] * W[m, k, u, v]
                grad_W[m, k, u, v] += deltas[n, m, i, j] * images[at]
    gradients = (grad_x.reshape(x.shape), grad_W)
    return gradients if b is None else (*gradients, torch.einsum("nmij->m", deltas))


odd = torch.tensor([inf, 1.0, -inf, 2.0, nan, 3.0, -1e4, 0.0, 1e4]).double().reshape(1, 1, 3, 3)

CONV2D = (
    Sample("a kernel and a bias", (randn(2, 1, 5, 3), randn(3, 1, 2, 3), randn(3))),
    Sample("more channels than a few", (randn(2, 5, 3, 4), randn(3, 5, 2, 3), randn(3))),
    Sample(
        "every option, rows left over",
        (randn(1, 2, 7, 5), randn(3, 2, 2, 3)),
        {"stride": (2, 3), "padding": (1, 2), "dilation": (3, 1)},
    ),
    Sample(
        "every option, more channels",
        (randn(1, 5, 6, 4), randn(2, 5, 3, 2)),
        {"stride": (3, 2), "padding": 1, "dilation": (1, 2)},
    ),
    Sample("same, an even kernel", (randn(1, 2, 3, 5), randn(3, 2, 2, 4), randn(3)), {"padding": "same"}),
    Sample("same, more channels", (randn(2, 5, 4, 2), randn(2, 5, 2, 3)), {"padding": "same", "dilation": 3}),
    Sample("valid", (randn(1, 2, 3, 5), randn(3, 2, 2, 3)), {"padding": "valid"}),
    Sample("two groups", (randn(2, 4, 3, 2), randn(6, 2, 2, 1), randn(6)), {"groups": 2}),
    Sample("two groups of more channels", (randn(1, 10, 3, 3), randn(4, 5, 2, 2)), {"groups": 2}),
    Sample("each channel by itself", (randn(2, 3, 4, 3), randn(6, 1, 2, 3)), {"groups": 3, "stride": 2}),
    Sample("one image without a batch dimension", (randn(2, 3, 5), randn(3, 2, 2, 2), randn(3))),
    Sample(
        "reversed strides", (transposed(randn(2, 5, 3, 4)), transposed(randn(3, 5, 2, 2)), strided(randn(3)))
    ),
    Sample("expanded input", (randn(1, 5, 3, 4).expand(2, 5, 3, 4), randn(3, 5, 2, 2)), smooth=False),
    Sample("no examples", (randn(0, 5, 3, 4), randn(3, 5, 2, 2), randn(3))),
    Sample("infinities and NaN", (odd, randn(2, 1, 2, 2)), smooth=False, finite=False),
)


INPUT = "delta, weight.conj(), ctx.size, at.stride, at.padding, at.dilation, at.groups"
WEIGHT = "grad_weight = way(deltas, _extended(x, at), at)"
SEEN = "windows(padded, at.kernel, at.stride, at.dilation)"
SLID = "torch.conv2d(turned, delta.transpose(0, 1), None, at.dilation, at.padding, at.stride, G)"
TURNED = "x.reshape(N, G, of_group, H, W).permute(2, 1, 0, 3, 4)"
GROUPED = "widen(delta[some]).transpose(0, 1).reshape(at.groups, M // at.groups, X.shape[-1])"
BIAS = "delta.sum((-2, -1) if delta.dim() == 3 else (0, -2, -1))"
zeros = torch.zeros

CONVOLVED = (
    "1143 2123 2 | 2235 1232 | 243 2211 2 | 0144 1133 | 1111 1111 | 1233 2122 | 1233 2322 | 1122 1133 1"
)

ROW = Row(
    name="conv2d",
    function=conv2d,
    twin=twin,
    derivation=derivation,
    keeps=frozenset({"input 0", "input 1"}),
    samples=CONV2D,
    mutants=(
        Mutant("the kernel flipped once too often", INPUT, INPUT.replace("conj()", "conj().flip(-2, -1)")),
        Mutant("dropped minus in ∂L/∂x", INPUT, "-" + INPUT),
        Mutant("∂L/∂W flipped", WEIGHT, WEIGHT + ".flip(-2, -1)"),
        Mutant(
            "the odd row of same on the other side",
            WEIGHT,
            WEIGHT.replace("_extended(x, at)", "_extended(x, at).roll(at.more, (-2, -1))"),
        ),
        Mutant("∂L/∂W averaged over the batch", WEIGHT, f"{WEIGHT} / max(len(x), 1)"),
        Mutant(
            "stride and dilation not exchanged",
            SLID,
            "torch.conv2d(turned, delta.transpose(0, 1), None, at.stride, at.padding, at.dilation, G)",
        ),
        Mutant(
            "groups of examples interleaved",
            TURNED,
            "x.reshape(N, of_group, G, H, W).permute(1, 2, 0, 3, 4)",
        ),
        Mutant("stride and dilation exchanged", SEEN, "windows(padded, at.kernel, at.dilation, at.stride)"),
        Mutant(
            "groups interleaved",
            GROUPED,
            "widen(delta[some]).transpose(0, 1).reshape(-1, at.groups, X.shape[-1]).transpose(0, 1)",
        ),
        Mutant("upstream ignored in ∂L/∂W", WEIGHT, WEIGHT.replace("deltas", "torch.ones_like(deltas)")),
        Mutant("bias gradient averaged over places", BIAS, BIAS.replace("sum", "mean")),
        Mutant("x detached: second derivative lost", "(input.conj(), delta)", "(input.detach(), delta)"),
        Mutant(
            "columns in another order", "seen.permute(1, 4, 5, 0, 2, 3)", "seen.permute(1, 5, 4, 0, 2, 3)"
        ),
        Mutant("tangent without the bias", "terms.append(bias_tangent[", "terms.append(0 * bias_tangent["),
    ),
    mistakes=(
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 4, 3, 3)), r"\(2, 3, 5, 5\).*\(7, 4, 3, 3\)"),
        (lambda f: f.conv2d(zeros(2, 4, 5, 5), zeros(3, 2, 3, 3), groups=2), "groups=2.*3, 2, 3, 3"),
        (lambda f: f.conv2d(zeros(5, 5), zeros(7, 4, 3, 3)), r"input \(5, 5\)"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(3, 3, 3)), r"weight \(3, 3, 3\)"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(0, 3, 3, 3)), r"weight \(0, 3, 3, 3\)"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 2), zeros(7, 3, 3, 3)), r"must fit.*\(2, 3, 5, 2\)"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), zeros(3)), r"bias \(7,\), got \(3,\)"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5).double(), zeros(7, 3, 3, 3)), "input is torch.float64"),
        (
            lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), zeros(7).double()),
            "bias is torch.float64",
        ),
        (lambda f: f.conv2d([1.0], zeros(7, 3, 3, 3)), "input must be a Tensor, got list"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), 1.0), "bias must be a Tensor, got float"),
        (
            lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), stride=0),
            r"stride must be at least 1, got \(0",
        ),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), stride=1.5), "stride must be .*1.5"),
        (
            lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), stride=(1, 2, 3)),
            r"stride must .*\(1, 2, 3\)",
        ),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), padding=-1), "padding must be at least 0"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), padding="full"), "got 'full'"),
        (
            lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), None, 2, "same"),
            r"stride of 1, not \(2, 2\)",
        ),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), dilation=0), "dilation must be at least 1"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), groups=0), "groups must be at least 1"),
        (lambda f: f.conv2d(zeros(2, 3, 5, 5), zeros(7, 3, 3, 3), groups=1.0), "groups must be an integer"),
    ),
    drawn=Drawn(
        calls(
            CONVOLVED,
            stride=(1, 2, (1, 2), 0),
            padding=(0, 1, (1, 0), "same", "valid"),
            dilation=(1, 2),
            groups=(1, 2),
        ),
        finite_upstream="0 of the padding times ∞ is a summand here, and left out by the twin",
    ),
)
