"""Any operation: its output as a sum over an input in which it is linear, and ∂L/∂in = Σ ∂L/∂out · ∂out/∂in.

The factors are a row (forward) or a column (backward) of the Jacobian of the operation's twin, which is
PyTorch's own way to the same value: for a linear layer, they are the weights.
"""

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from manual_backprop.functional.operation.torch_state import tree_leaves
from manual_backprop.record.call import Call
from manual_backprop.record.numbers.places import Place
from manual_backprop.record.numbers.writing import Written, inside, product, short, summed

LINEAR_KINDS = ("layer", "activated layer", "choice", "shape", "product")
LINEAR = (
    *("adaptive_avg_pool2d", "avg_pool2d", "sum", "mean", "nll_loss"),
    *("update", "overwrite", "copy", "scaled_dot_product_attention"),
)
# The arguments whose numbers are the terms of the sum, the others being factors; all, where none are named.
TERMS = {
    **dict.fromkeys(("linear", "conv2d", "linear_relu", "linear_sigmoid"), (0, 2)),
    **dict.fromkeys(("matmul", "matrix_vector", "dot", "embedding", "nll_loss"), (0,)),
    **dict.fromkeys(("addmm", "where"), (0, 1)),
    "scaled_dot_product_attention": (2,),
}
ACTIVATIONS = {"linear_relu": ("max(0, {})", torch.relu), "linear_sigmoid": ("σ({})", torch.sigmoid)}
ONE_BY_ONE = ("layer", "activated layer", "pooling")
MOST = 3_000_000  # numbers of a tensor that is differentiated once more for a caption


def forward(call: Call, place: Place) -> list[Written] | None:
    """Σ in · factor, where it is that."""
    kind, name = call.formula.kind, call.operation
    row = _one_by_one(call, 0)
    if not _is_small(call, row) or not (kind in LINEAR_KINDS or name in LINEAR):
        return None
    tensors = _given(call)
    if row:
        tensors[0], place = tensors[0][place[0] : place[0] + 1], (0, *place[1:])
    terms = [
        tensor.requires_grad_()
        for tensor, position in zip(tensors, call.positions, strict=True)
        if tensor.is_floating_point() and position in TERMS.get(name, (position,))
    ]
    before = torch.nn.functional.linear if name in ACTIVATIONS else None
    out = before(*tensors) if before else _outputs(call, tensors)[0]
    if not out.requires_grad:
        return None
    factors = torch.autograd.grad(out[place], terms, allow_unused=True)
    pairs = [(t.detach(), f) for t, f in zip(terms, factors, strict=True) if f is not None]
    written = _sum_of_products(*_where_any(pairs))
    if name not in ACTIVATIONS:
        return [written]
    text, function = ACTIVATIONS[name]
    return [Written(text.format(written.text), float(function(torch.tensor(written.value))))]


def backward(call: Call, at: int, place: Place) -> list[Written] | None:
    """Σ ∂L/∂out · ∂out/∂in."""
    row = _one_by_one(call, at)
    if not _is_small(call, row):
        return None
    upstream = [None if value.gradient is None else value.gradient.double() for value in call.outputs]
    tensors = _given(call)
    if row:
        n = slice(place[0], place[0] + 1)
        tensors[0], place = tensors[0][n], (0, *place[1:])
        upstream = [None if g is None else g[n] for g in upstream]
    tensors[at].requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):  # the only one that can be differentiated twice
        outputs = _outputs(call, tensors)
    pairs = [
        (g, _column(out, tensors[at], place))
        for g, out in zip(upstream, outputs, strict=False)
        if g is not None
    ]
    return [_sum_of_products(*_where_any([(g, c) for g, c in pairs if c is not None]))]


def _column(out: Tensor, given: Tensor, place: Place) -> Tensor | None:
    """∂out/∂given at a place, for all of out: the derivative, by v, of what a backward makes of v."""
    if not out.requires_grad:
        return None
    v = torch.zeros_like(out, requires_grad=True)
    (back,) = torch.autograd.grad(out, given, v, create_graph=True, retain_graph=True, allow_unused=True)
    if back is None or not back.requires_grad:
        return None
    (column,) = torch.autograd.grad(back[place], v, retain_graph=True, allow_unused=True)
    return column


def _is_small(call: Call, one: bool) -> bool:
    """Whether it can be differentiated in no time, perhaps of one example alone."""
    sizes = [value.tensor.numel() for value in (*call.inputs, *call.outputs)]
    examples = len(call.output.tensor) if one else 1
    return call.twin is not None and min(sizes) > 0 and max(sizes) <= MOST * examples


def _one_by_one(call: Call, at: int) -> bool:
    """Whether what came of an example depends on that example of input `at`, its first, alone."""
    tensors = [value.tensor for value in call.inputs]
    if at or call.formula.kind not in ONE_BY_ONE or not tensors[0].dim() == call.output.tensor.dim() > 1:
        return False
    bias_for_each = any(t.dim() > 1 for t in tensors[2:])
    return not bias_for_each and (call.operation != "conv2d" or tensors[0].dim() == 4)


def _given(call: Call) -> list[Tensor]:
    """What went in, in float64."""
    tensors = [value.tensor.detach() for value in call.inputs]
    return [t.double() if t.is_floating_point() else t for t in tensors]


def _outputs(call: Call, given: list[Tensor]) -> list[Tensor]:
    return [t for t in tree_leaves(call.by_twin(given)) if t.is_floating_point()]


def _where_any(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Values and factors, in a row each, without the factors that are 0."""
    if not pairs:
        return torch.zeros(0), torch.zeros(0)
    values = [value.broadcast_to(factor.shape)[factor != 0] for value, factor in pairs]
    return torch.cat(values), torch.cat([factor[factor != 0] for _, factor in pairs])


def _sum_of_products(values: Tensor, factors: Tensor) -> Written:
    """Σ value · factor; a factor that all share is written once."""
    if len(factors) and bool((factors == factors[0]).all()):
        return _shared_factor(values, float(factors[0]))

    def write(i: int) -> str:
        value, factor = float(values[i]), float(factors[i])
        return short(value) if factor == 1 else product(value, factor)

    return summed(values * factors, write)


def _shared_factor(values: Tensor, factor: float) -> Written:
    """f Σ value: Σ value / n where f is 1/n."""
    written = summed(values, lambda i: short(float(values[i])))
    if factor == 1:
        return written
    several, value, divisor = len(values) > 1, factor * written.value, 1 / factor
    text = f"({written.text})" if several else written.text
    if factor == -1:
        return Written(f"−{text if several else inside(float(values[0]))}", value)
    if abs(divisor) > 1 and abs(divisor - round(divisor)) < 1e-9 * abs(divisor):
        return Written(f"{text} / {inside(round(divisor))}", value)
    return Written(f"{text} · {inside(factor)}", value)
