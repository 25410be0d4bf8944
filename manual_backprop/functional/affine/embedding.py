"""The embedding: a table with a row of numbers for each word, which is looked up.

Given   indices iₙ from 0 to V − 1, one for each place n in the text, a table W with V rows of D numbers,

            yₙⱼ = W[iₙ, j]

        and the upstream gradient δₙⱼ = ∂L/∂yₙⱼ.
Want    ∂L/∂W. An index is a whole number and has no gradient.

1.  A look-up is a linear layer. Let x be one-hot, xₙᵥ = [v = iₙ]; then all summands but one are 0:

        yₙⱼ = Σᵥ xₙᵥ Wᵥⱼ          that is, y = x W

2.  So its gradient is that of a linear layer, in which n, the place in the text, is summed over:

        ∂L/∂Wᵥⱼ = Σₙ xₙᵥ δₙⱼ = Σₙ [v = iₙ] δₙⱼ          that is, ∂L/∂W = xᵀ δ

3.  Neither product needs the ones and zeros. Forward copies row iₙ of W to place n of y, which is a *gather*.
    Backward goes the other way: it starts from zeros, and for each place n

        ∂L/∂W[iₙ] ← ∂L/∂W[iₙ] + δₙ

    That is a *scatter-add*. It adds because a word that stands at several places reaches L through all of
    them; a word that stands nowhere keeps the gradient 0.

Two options change the gradient and not y, so that it is no longer the derivative of y. δₙ is put to 0 where
iₙ is `padding_idx`, a row that therefore never learns. With `scale_grad_by_freq`, δₙ is divided by the number
of places that have the word iₙ.

The numerical trap: a frequent word is a long sum. In bfloat16, 256 + 1 is 256, and a sum of ones grows no
further. Half precision is added up in float32 here, and rounded once.

Shapes: input (*), weight (V, D), output (*, D).

Source: Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model", Journal of Machine
Learning Research 3 (2003), where the table is the matrix C.
"""

from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer, require_flags
from manual_backprop.functional.operation import (
    PLACES,
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)
from manual_backprop.functional.operation.torch_state import may_overwrite_own


class Embedding(Operation):
    """y = W[i], and ∂L/∂W the sum of δₙ over the places n of each word."""

    formula = Formula(
        "embedding", "choice", "{0}[{1}]", ("Σ of {g} over the places of each row", ""), reordered=True
    )

    @staticmethod
    def written(W: Tensor, i: Tensor, padding_idx: int, scale_grad_by_freq: bool) -> Any:
        def backward(g: Tensor) -> tuple[Tensor, None]:
            if padding_idx >= 0:
                g = torch.where((i == padding_idx)[..., None], 0, g)
            if scale_grad_by_freq:
                counts = T.one_hot(i.flatten(), len(W)).sum(0)
                g = g / counts[i][..., None]
            return torch.zeros_like(W).index_add(0, i.flatten(), g.reshape(i.numel(), W.shape[1])), None

        return W[i], backward

    @staticmethod
    def check(weight: Tensor, indices: Tensor, *_: Any) -> None:
        check_table(weight, indices)

    @staticmethod
    def forward(weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
        try:
            return torch.ops.aten.embedding(weight, indices)  # rows_of in one pass, and nothing else
        except IndexError:
            check_indices(weight, indices)  # which says more
            raise

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, bool], output: Tensor) -> None:
        weight, indices, ctx.padding_idx, ctx.scale_grad_by_freq = inputs
        keep(ctx, indices)  # y is linear in W, so of W nothing is needed but its shape
        ctx.shape, ctx.dtype = weight.shape, weight.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None, None]:
        (indices,) = ctx.saved_tensors
        V, D = ctx.shape
        i = indices.reshape(indices.numel())
        delta = widen(grad_output).reshape(indices.numel(), D)  # δ, (N, D)
        if ctx.padding_idx >= 0:
            delta = delta.masked_fill((i == ctx.padding_idx).unsqueeze(1), 0)
        if ctx.scale_grad_by_freq:
            places = delta.new_zeros(V).index_add(0, i, delta.new_ones(indices.numel()))
            delta = delta / places.index_select(0, i).unsqueeze(1)
        zeros = delta.new_zeros(V, D)
        add = zeros.index_add_ if may_overwrite_own(grad_output) else zeros.index_add
        grad_weight = add(0, i, delta)
        return narrow(grad_weight, ctx.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Any, weight_tangent: Tensor, *_: None) -> Tensor:
        (indices,) = ctx.saved_tensors
        return rows_of(weight_tangent, indices)  # the derivative of y, which neither option changes


def rows_of(weight: Tensor, indices: Tensor) -> Tensor:
    """W[i], (*, D): row iₙ at place n."""
    if indices.dim():
        return weight[indices]
    return weight.index_select(0, indices.reshape(1))[0].clone()  # W[i] would be a view of W


def check_table(weight: Tensor, indices: Tensor) -> None:
    """Raise unless `weight` is a table, and the indices are integers."""
    if weight.dim() != 2:
        raise RuntimeError(f"embedding: expected weight (V, D), got {tuple(weight.shape)}")
    if indices.dtype not in (torch.int32, torch.int64):
        raise RuntimeError(f"embedding: expected indices in int64 or int32, got {indices.dtype}")


def check_indices(weight: Tensor, indices: Tensor) -> None:
    """Raise an IndexError unless the indices are rows of the table, where that can be seen."""
    if indices.device.type != "cpu" or indices.numel() == 0 or torch.compiler.is_compiling():
        return  # to look at them costs a wait on a GPU, which reports a wrong one later, by itself
    try:
        lowest, highest = (int(bound) for bound in indices.aminmax())
    except RuntimeError:
        return  # inside vmap no value can be looked at
    rows = weight.shape[0]
    if lowest < 0 or highest >= rows:
        wrong = lowest if lowest < 0 else highest
        raise IndexError(f"embedding: index {wrong} is out of range for {rows} rows, 0 to {rows - 1}")


_embedding = function_of(Embedding)


@public(T.embedding, example=example(PLACES, (4, 3)))
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """W[i], the rows of a table; as torch.nn.functional.embedding, with a hand-written gradient.

    Args:
        input: i, of any shape (*), int64 or int32.
        weight: W, (V, D).
        padding_idx: a row that gets no gradient; a negative one counts from the end.
        max_norm: first, in `weight` itself, scale each row that is looked up and longer than this down to it.
        norm_type: the p of the norm that `max_norm` measures with.
        scale_grad_by_freq: divide each word's gradient by the number of its places.
        sparse: a sparse gradient, which holds δ and i, not yet added up. It is PyTorch's own.

    Returns:
        y, (*, D).

    Raises:
        TypeError: an argument is not a Tensor, an integer or a bool, as it must be.
        RuntimeError: `weight` is no table, or `input` holds no integers.
        IndexError: an index that is no row (on a CPU; a GPU reports it later, by itself).
        AssertionError: `padding_idx` is no row.
    """
    require_tensor("embedding", input=input, weight=weight)
    require_flags("embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    if padding_idx is not None:
        padding_idx = integer("embedding", "padding_idx", padding_idx)
    rows = len(weight) if weight.dim() else 0
    if padding_idx is not None and not -rows <= padding_idx < rows and padding_idx != 0:
        raise AssertionError(f"embedding: padding_idx must be from {-rows} to {rows - 1}, got {padding_idx}")
    if max_norm is not None:
        check_table(weight, input)
        check_indices(weight, input)
        with torch.no_grad():
            torch.embedding_renorm_(weight, input.contiguous(), max_norm, norm_type)
    none = -1  # as PyTorch says that there is no such row
    row = none if padding_idx is None else padding_idx + rows * (padding_idx < 0)
    return looked_up(weight, input, row, scale_grad_by_freq, sparse)


@twin_of(torch.embedding)
def looked_up(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """W[i], with the arguments of torch.embedding, to which a negative `padding_idx` is none."""
    require_tensor("embedding", weight=weight, indices=indices)
    if sparse:
        return torch.embedding(weight, indices, padding_idx, scale_grad_by_freq, sparse)
    return _embedding(weight, indices, padding_idx, scale_grad_by_freq)
