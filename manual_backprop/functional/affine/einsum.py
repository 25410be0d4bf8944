"""Einstein's summation: products of tensors, summed, with a label for each dimension that says which.

Given   an equation such as `ij,jk->ik`. It labels the dimensions of each operand, here A and B, and those of
        the result Z. Each number of Z is a sum of products over the labels that Z lacks:

            zᵢₖ = Σⱼ aᵢⱼ bⱼₖ

        and the upstream gradient gᵢₖ = ∂L/∂zᵢₖ, which has the labels of Z.
Want    ∂L/∂A, ∂L/∂B, and so on for each operand.

1.  aᵢⱼ stands in as many products as there are values of the labels that A lacks, here k, each time with the
    slope bⱼₖ. The chain rule sums over the uses:

        ∂L/∂aᵢⱼ = Σₖ gᵢₖ · ∂zᵢₖ/∂aᵢⱼ = Σₖ gᵢₖ bⱼₖ

2.  That is a sum of products again, over the labels that A lacks. In the equation, A and Z have changed
    places, and all other operands stay: for `ij,jk->ik`, the gradient of A is `ik,jk->ij` with g in the place
    of A, and that of B is `ij,ik->jk` with g in the place of B.

3.  A label that A alone has and Z lacks, as j in zᵢ = Σⱼ aᵢⱼ: each of these numbers reaches L through zᵢ with
    slope 1, so that the gradient is repeated along j (sum.py):

        ∂L/∂aᵢⱼ = gᵢ

4.  A label twice in one operand, as in zᵢ = aᵢᵢ, picks a diagonal. The other numbers are not used, so that
    the gradient stands on the diagonal, and around it are zeros:

        ∂L/∂aᵢⱼ = gᵢ where i = j, and 0 elsewhere

5.  A dimension of size 1 where its label is larger elsewhere is one number used for all values of the label.
    Its gradient is the sum over them (broadcast_to.py).

With some equations it is a rule that has a name:

        product     `ij,jk->ik`        ∂L/∂A = g Bᵀ and ∂L/∂B = Aᵀ g (matmul.py)
        batch       `nij,njk->nik`     the same for each n
        outer       `i,j->ij`          ∂L/∂a = g b and ∂L/∂b = gᵀ a
        trace       `ii->`             ∂L/∂A = g I, with the identity matrix I
        scores      `nhd,mhd->nhm`     for q, `nhm,mhd->nhd` of g and k; for k, `nhd,nhm->mhd` of q and g

The last are the attention scores of n queries and m keys with h heads.

The trap of bookkeeping is the order of the factors. In the gradient of the last factor of `ab,bc,cd->ad`, the
product of g and the second has no label to sum over, and a number for each a, b, c and d; that of g and the
first has one for each b and d. So backward always takes next the factor that makes the smallest product.
Forward goes from left to right, as PyTorch does.

The numerical trap: 0 · ∞ is NaN. A gradient put on a diagonal by a product with the identity matrix would
have NaN beside every infinite number; step 4 is a choice (where.py). And in half precision each product of
two factors is rounded, so that the order of three can be seen in the last place.

Shapes: operands with as many dimensions as labels, `...` being any number of them, which are broadcast from
the right; output by its labels; each gradient has the shape of its operand.

Source: Laue, Mitterreiter and Giesen, "A simple and efficient tensor calculus", AAAI Conference on Artificial
Intelligence 34 (2020), whose rule for a product of two is step 2.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional.affine._contraction import contraction, smallest_first
from manual_backprop.functional.affine._einsum_written import written
from manual_backprop.functional.affine._subscripts import (
    equation_and_operands,
    explicit,
    in_letters,
    labels_of,
)
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    autocast,
    example,
    function_of,
    is_autocasting,
    public,
)
from manual_backprop.functional.shapes.broadcast_to import back_to, like
from manual_backprop.functional.shapes.permute import permute


class Einsum(Operation):
    """Z, a sum of products, and ∂L/∂A the sum of products in which A and Z have changed places."""

    formula = Formula(
        "einsum",
        "product",
        "Σ {this} {others} by {last}",
        ("Σ {g} {others} by the labels of {this}",),
        reordered=True,
    )
    views = True  # of a diagonal

    @staticmethod
    def written(*inputs: Any) -> Any:
        *operands, _, equation = inputs
        return written(in_letters(equation), *operands)

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *operands, lower, equation = inputs
        labels, output = labels_of(equation)
        shape = _shape_of_output(operands, labels, output)
        value = contraction(list(zip(operands, labels, strict=True)), output, shape, lower)
        diagonal = len(operands) == 1 and set(labels[0]) == set(output)  # which is a view of the operand
        if diagonal or torch.is_grad_enabled():
            return value
        # A new tensor that was permuted counts as a view, which autograd would not let be overwritten.
        return value.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *operands, ctx.lower, ctx.equation = inputs
        *needed, _, _ = ctx.needs_input_grad
        # Step 2: an operand is needed for the gradients of the others, and of itself nothing but its shape.
        ctx.save_for_backward(
            *(x if any(needed[:at] + needed[at + 1 :]) else None for at, x in enumerate(operands))
        )
        ctx.save_for_forward(*operands)
        ctx.like, ctx.shape = [like(x) for x in operands], output.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        labels, output = labels_of(ctx.equation)
        # As factors they have a type that holds δ too, and complex ones are conjugate; real ones stay.
        factors = [
            None if x is None else (x.conj().to(torch.promote_types(x.dtype, grad_output.dtype)), of_x)
            for x, of_x in zip(ctx.saved_tensors, labels, strict=True)
        ]
        grads: list[Tensor | None] = []
        for at, needed in enumerate(ctx.needs_input_grad[:-2]):
            if not needed:
                grads.append(None)
                continue
            others = [factor for factor in factors[:at] + factors[at + 1 :] if factor is not None]
            exchanged = smallest_first([(grad_output, output), *others], labels[at])
            shape, _ = ctx.like[at]
            grads.append(back_to(ctx.like[at], contraction(exchanged, labels[at], shape, ctx.lower)))
        return *grads, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        operands, (labels, output) = ctx.saved_tensors, labels_of(ctx.equation)
        terms = []  # the product rule: Z is linear in each of its operands
        for at, tangent in enumerate(tangents[:-2]):
            if tangent is not None:
                factors = [*operands[:at], tangent, *operands[at + 1 :]]
                factors = list(zip(factors, labels, strict=True))
                terms.append(contraction(factors, output, ctx.shape, ctx.lower))
        return sum(terms[1:], start=terms[0])


def _shape_of_output(operands: Sequence[Tensor], labels: list[str], output: str) -> tuple[int, ...]:
    sizes: dict[str, int] = {}
    for x, of_x in zip(operands, labels, strict=True):
        for label, size in zip(of_x, x.shape, strict=True):
            if size != 1 or label not in sizes:
                sizes[label] = size
    return tuple(sizes[label] for label in output)


_einsum = function_of(Einsum)


@public(
    torch.einsum,
    example=example((5, 2, 3), (7, 2, 3), call=lambda einsum, *operands: einsum("nhd,mhd->nhm", *operands)),
)
def einsum(*args: Any) -> Tensor:
    """Sums of products by an equation; as torch.einsum, with hand-written gradients.

    Args:
        args: an equation and its operands, as `einsum("nhd,mhd->nhm", q, k)`, or `einsum("nhd,mhd->nhm",
            [q, k])`; or each operand with the list of its subscripts, from 0 to 51, and at the end, if it is
            given, that of the output: `einsum(q, [0, 1, 2], k, [3, 1, 2], [0, 1, 3])`. `...` stands for any
            number of dimensions, which are broadcast. Without an output, it has these, and then the labels
            that stand once in the equation, in the order of the alphabet.

    Returns:
        Z, with a dimension for each label of the output. Of one operand whose numbers are not summed, it is
        a view.

    Raises:
        ValueError: too few arguments, or a subscript out of range.
        TypeError: the equation is not a str, or an operand not a Tensor.
        RuntimeError: no equation, or one that does not fit the operands; types that do not fit each other.
    """
    equation, operands = equation_and_operands(args)
    equation = explicit(equation, operands)
    labels, output = labels_of(equation)
    if len(operands) == 1 and sorted(labels[0]) == sorted(output):  # nothing is summed, no diagonal picked
        return permute(operands[0], tuple(map(labels[0].index, output)))
    device_type = operands[0].device.type
    if not is_autocasting(device_type):
        return _einsum(*operands, None, equation)
    lower = torch.get_autocast_dtype(device_type)
    with torch.autocast(device_type, enabled=False):
        if device_type == "cpu":  # there, the factors of a matrix product are cast, and no others
            return _einsum(*operands, lower, equation)
        return _einsum(*(autocast(operand, lower) for operand in operands), None, equation)
