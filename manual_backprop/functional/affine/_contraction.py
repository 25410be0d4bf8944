"""A sum of products over labelled dimensions, computed: two factors at a time, by a matrix product.

Of two factors, each label is in one of five places:

    batch     in both, and in what comes out
    rows      in the first alone, and in what comes out
    columns   in the second alone, and in what comes out
    inner     in both, and nowhere else: summed over
    alone     in one of them, and nowhere else: summed over before they are multiplied

So the factors are (batch, rows, inner) and (batch, inner, columns), and with the dimensions of each group
counted as one this is a batch of matrix products. Without an inner label it is a product element by element.

A dimension of size 1 is broadcast wherever its label is larger, so of several factors it is left out.
"""

from math import prod

import torch
from torch import Tensor

from manual_backprop.functional.affine._subscripts import occurrences
from manual_backprop.functional.operation import autocast

Factor = tuple[Tensor, str]
"""A tensor, and a label for each of its dimensions."""


def contraction(
    factors: list[Factor], output: str, shape: tuple[int, ...], lower: torch.dtype | None
) -> Tensor:
    """The product of the factors, from left to right, summed over every label that `output` lacks.

    Args:
        factors: what is multiplied.
        output: the labels of what comes out. Along one that no factor has, the numbers are repeated; one that
            stands there twice has them on its diagonal, and zeros elsewhere.
        shape: of what comes out. A label that has size 1 there is summed over.
        lower: the type that torch.autocast gives to a matrix product; None without it.
    """
    product, *rest = [_diagonal(*factor) for factor in factors]
    wanted = set(output)
    if rest:
        product, *rest = [_without_ones(*factor) for factor in (product, *rest)]
        wanted = {label for label, size in zip(output, shape, strict=True) if size != 1}
    for at, factor in enumerate(rest):
        later = {label for _, labels in rest[at + 1 :] for label in labels}
        product = _product(product, factor, wanted | later, lower)
    return _placed(*_summed(*product, wanted), output, shape)


def smallest_first(factors: list[Factor], output: str) -> list[Factor]:
    """The first factor, and then always the one that makes the smallest product with what there is so far.

    Two factors without a common label have a product of each number of the one with each of the other.
    """
    ordered, left = list(factors[:1]), list(factors[1:])
    so_far = ordered[0][1]
    sizes: dict[str, int] = {}
    for x, labels in factors:
        sizes |= {label: size for label, size in zip(labels, x.shape, strict=True) if size != 1}

    def labels_after(at: int) -> str:
        needed = "".join([output, *(labels for i, (_, labels) in enumerate(left) if i != at)])
        return "".join(label for label in dict.fromkeys(so_far + left[at][1]) if label in needed)

    while left:
        numbers = [prod([sizes.get(label, 1) for label in labels_after(at)]) for at in range(len(left))]
        smallest = numbers.index(min(numbers))
        so_far = labels_after(smallest)
        ordered.append(left.pop(smallest))
    return ordered


def _product(x: Factor, y: Factor, wanted: set[str], lower: torch.dtype | None) -> Factor:
    """Two factors as one."""
    a, of_a = _summed(*x, wanted.union(y[1]))
    b, of_b = _summed(*y, wanted.union(x[1]))
    batch = [label for label in of_a if label in of_b and label in wanted]
    inner = [label for label in of_a if label in of_b and label not in wanted]
    rows = [label for label in of_a if label not in of_b]
    columns = [label for label in of_b if label not in of_a]
    labels = "".join(batch + rows + columns)
    a = _permuted(a, [of_a.index(label) for label in batch + rows + inner])
    b = _permuted(b, [of_b.index(label) for label in batch + inner + columns])
    K, N = len(batch), len(rows)  # how many dimensions
    shared, of_rows, of_columns = a.shape[:K], a.shape[K : K + N], b.shape[K + len(inner) :]
    if not inner:
        a = a.reshape([*shared, *of_rows, *[1] * len(columns)])
        return a * b.reshape([*shared, *[1] * N, *of_columns]), labels
    if lower is not None:
        a, b = autocast(a, lower), autocast(b, lower)
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"einsum: two operands with a sum over {', '.join(inner)} must be of one type, "
            f"got {a.dtype} and {b.dtype}"
        )
    summands = prod(a.shape[K + N :])
    a = a.reshape([prod(shared), prod(of_rows), summands])
    b = b.reshape([prod(shared), summands, prod(of_columns)])
    return torch.bmm(a, b).reshape([*shared, *of_rows, *of_columns]), labels


def _permuted(x: Tensor, order: list[int]) -> Tensor:
    """The dimensions in that order, which they mostly have."""
    return x if order == sorted(order) else x.permute(order)


def _summed(x: Tensor, labels: str, wanted: set[str]) -> Factor:
    """Summed over the labels that are not wanted."""
    dims = [d for d, label in enumerate(labels) if label not in wanted]
    if not dims:
        return x, labels
    return x.sum(dims), "".join(label for label in labels if label in wanted)


def _diagonal(x: Tensor, labels: str) -> Factor:
    """The numbers whose places are equal wherever the labels are."""
    for first, again in reversed(list(occurrences(labels))):
        x = x.diagonal(0, first, again).movedim(-1, first)
        labels = labels[:again] + labels[again + 1 :]
    return x, labels


def _without_ones(x: Tensor, labels: str) -> Factor:
    if 1 not in x.shape:
        return x, labels
    sizes = [(label, size) for label, size in zip(labels, x.shape, strict=True) if size != 1]
    return x.reshape([size for _, size in sizes]), "".join(label for label, _ in sizes)


def _placed(x: Tensor, labels: str, output: str, shape: tuple[int, ...]) -> Tensor:
    """Brought to the labels and the shape of the output: `_diagonal` and `_summed` backwards."""
    x = _permuted(x, [labels.index(label) for label in dict.fromkeys(output) if label in labels])
    if x.shape == shape:
        return x
    again = {later: first for first, later in occurrences(output)}
    present = [label in labels and at not in again for at, label in enumerate(output)]
    x = x.reshape([size if here else 1 for here, size in zip(present, shape, strict=True)]).expand(shape)
    for later, first in again.items():
        places = torch.arange(shape[first], device=x.device)
        row, column = (
            places.reshape([-1 if d == at else 1 for d in range(x.dim())]) for at in (first, later)
        )
        x = torch.where(row == column, x, 0)
    return x
