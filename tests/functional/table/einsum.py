"""What `einsum` is held to."""

from collections.abc import Callable
from functools import reduce
from itertools import product
from operator import or_

import torch
from torch import Tensor

from manual_backprop.functional.affine.einsum import einsum
from tests.functional.drawn import Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, randn, strided, transposed


def derivation(grad_output: Tensor, *operands: Tensor, equation: str) -> tuple[Tensor, ...]:
    """Steps 1 to 5, number by number: each product of the sum is a way by which each factor reaches L."""
    left, output = equation.split("->")
    terms = left.split(",")
    covered = [
        x.dim() - len(term) + 3 if "..." in term else 0 for term, x in zip(terms, operands, strict=True)
    ]
    labels = [term.replace("...", "XY"[2 - n :]) for term, n in zip(terms, covered, strict=True)]
    output = output.replace("...", "XY"[2 - max(covered) :])
    sizes: dict[str, int] = {}
    for named, x in zip(labels, operands, strict=True):
        for label, size in zip(named, x.shape, strict=True):
            sizes[label] = size if size != 1 else sizes.get(label, 1)
    grads = tuple(map(torch.zeros_like, operands))
    for values in product(*map(range, sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        g = grad_output[tuple(at[label] for label in output)]
        places = [
            tuple(at[label] * (size > 1) for label, size in zip(named, x.shape, strict=True))
            for named, x in zip(labels, operands, strict=True)
        ]
        for k, grad in enumerate(grads):
            others = [x[place] for x, place in zip(operands, places, strict=True)]
            others.pop(k)
            term = g
            for other in others:
                term = term * other
            grad[places[k]] += term
    return grads


def by_name(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *operands, equation: function(equation, *operands)


def sample(name: str, equation: str, *operands: Tensor, smooth: bool = True) -> Sample:
    return Sample(name, operands, {"equation": equation}, smooth)


EXCHANGED = "[(grad_output, output), *others]"
DIAGONAL = "torch.where(row == column, x, 0)"
EXPANDED = "zip(present, shape, strict=True)]).expand(shape)"

EQUATIONS = {
    "23 32": ("ij,jk->ik", "ij,jk", "ij,kl->jk", "ij,ji->", "ij,ji", "ab,ba->ba", "i...,...j", "ij,jk->ijk"),
    "03 32": ("ij,jk->ik", "ij,jk->k", "...j,jk"),
    "20 02": ("ij,jk->ik", "ij,ji"),
    "21 31": ("ij,kj->ik", "ij,kj->ikj", "ij,kl->"),
    "22": ("ii", "ii->i", "ij->", "ij->j", "ji", "...->...", "ij->ji"),
    "- 3": (",i", ",i->", "...,..."),
    "3 3": ("i,j", "i,i", "i,i->i", "i,j->j", "ij,j", "i"),
    "23 13 3": ("ij,ij,j->i", "ij,kj,j->ik", "...j,...j,j->..."),
    "222 22": ("iij,jk->ik", "nij,nj->ni", "ijk,kj", "iii,ij->j"),
}

ROW = Row(
    name="einsum",
    function=by_name(einsum),
    twin=by_name(torch.einsum),
    derivation=derivation,
    keeps=frozenset(f"input {at}" for at in range(4)),
    samples=(
        sample("matrix product", "ij,jk->ik", randn(5, 3), randn(3, 2)),
        sample("square, the product transposed", "ij,jk->ki", randn(3, 3), randn(3, 3, seed="B")),
        sample("batch of products", "nij,njk->nik", transposed(randn(2, 5, 3)), randn(2, 3, 7)),
        sample("attention scores", "nhd,mhd->nhm", randn(5, 2, 3), transposed(randn(7, 2, 3))),
        sample("outer product", "i,j->ij", randn(5), strided(randn(3))),
        sample("inner product of matrices", "ij,ij->", randn(5, 3), transposed(randn(5, 3, seed="B"))),
        sample("element by element", "ij,ij->ij", randn(5, 3), randn(5, 3, seed="B")),
        sample("trace", "ii->", randn(3, 3)),
        sample("first and last dimension equal", "iji->j", randn(3, 2, 3)),
        sample("three equal", "iii,ij->j", randn(3, 3, 3), randn(3, 2)),
        sample("diagonal · vector", "ii,i->i", randn(3, 3), randn(3)),
        sample("rows summed", "ij->i", transposed(randn(5, 3))),
        sample("a label of one operand alone", "ij,k->ik", randn(5, 3), randn(2)),
        sample("form of three", "ni,kij,nj->nk", randn(5, 3), randn(2, 3, 2), randn(5, 2)),
        sample("chain of four", "ab,bc,cd,de->ae", randn(2, 3), randn(3, 2), randn(2, 5), randn(5, 2)),
        sample("an ellipsis that broadcasts", "...ij,...jk->...ik", randn(2, 1, 5, 3), randn(3, 3, 2)),
        sample("an ellipsis summed", "...i,...->i", randn(2, 5, 3), randn(5)),
        sample("size 1 broadcast", "ij,jk->ik", randn(5, 1), randn(3, 2)),
        sample("a column and a row", "ij,ij->ij", randn(5, 1), randn(1, 3)),
        sample("a number", ",i->i", randn(), randn(5)),
        sample("expanded", "ij,jk->ik", randn(1, 3).expand(5, 3), randn(3, 1).expand(3, 2), smooth=False),
        sample("no examples", "ij,jk->ik", randn(0, 3), randn(3, 2)),
        sample("nothing to sum", "ij,jk->ik", randn(5, 0), randn(0, 2)),
    ),
    mutants=(
        Mutant("the other factors forgotten", EXCHANGED, "[(grad_output, output)]"),
        Mutant(
            "upstream ignored", EXCHANGED, EXCHANGED.replace("grad_output", "torch.ones_like(grad_output)")
        ),
        Mutant("sign", EXCHANGED, EXCHANGED.replace("grad_output", "-grad_output")),
        Mutant(
            "labels of the output reversed",
            EXCHANGED,
            EXCHANGED.replace("output)", "output[::-1])"),
        ),
        Mutant("factors detached: second derivative lost", "x.conj().to(", "x.detach().conj().to("),
        Mutant("gradients where none is needed", "if not needed:", "if False:"),
        Mutant("all around the diagonal", DIAGONAL, "x.clone()", file="_contraction"),
        Mutant("off the diagonal", DIAGONAL, DIAGONAL.replace("==", "!="), file="_contraction"),
        Mutant(
            "shared among the numbers of a sum",
            EXPANDED,
            f"{EXPANDED} / max(prod(shape) // max(x.numel(), 1), 1)",
            file="_contraction",
        ),
        Mutant("tangent of the first alone", "start=terms[0])", "start=terms[0]) if not at else terms[0]"),
    ),
    mistakes=(
        (
            lambda f: f.einsum("ij,jk->ik", torch.zeros(5, 3), torch.zeros(4, 2)),
            r"'j' in 'ij,jk->ik' has size 4 for operand 1 \(4, 2\).*with size 3",
        ),
        (lambda f: f.einsum("ii->i", torch.zeros(5, 3)), r"'i' is repeated.*\(5, 3\).*5 and 3"),
        (lambda f: f.einsum("ii->i", torch.zeros(1, 3)), "sizes 1 and 3"),
        (lambda f: f.einsum("ij,jk", torch.zeros(5, 3)), r"is of 2 operands, got 1: \[\(5, 3\)\]"),
        (lambda f: f.einsum("ij", torch.zeros(5, 3), torch.zeros(3)), "is of 1 operands, got 2"),
        (lambda f: f.einsum("ijk", torch.zeros(5, 3)), r"'ijk' in 'ijk' names 3 dimensions, got .*\(5, 3\)"),
        (lambda f: f.einsum("i", torch.zeros(5, 3)), r"names 1 dimension, got an operand \(5, 3\)"),
        (lambda f: f.einsum("...ijk", torch.zeros(5, 3)), r"'\.\.\.ijk'.*at least 3 dimensions, got"),
        (lambda f: f.einsum("ij->il", torch.zeros(5, 3)), "'l' in the output of 'ij->il' is a label of no"),
        (lambda f: f.einsum("ij->ii", torch.zeros(5, 3)), "'i' in the output of 'ij->ii' appears more than"),
        (lambda f: f.einsum("i1", torch.zeros(5, 3)), "expected letters.*got 'i1' in 'i1'"),
        (lambda f: f.einsum("i..", torch.zeros(5, 3)), r"got 'i\.\.'"),
        (lambda f: f.einsum("...i...", torch.zeros(5, 3)), r"at most one '\.\.\.'"),
        (lambda f: f.einsum("ij->->i", torch.zeros(5, 3)), "got '->i'|got 'i->'"),
        (lambda f: f.einsum("ij->i,", torch.zeros(5, 3)), "got 'i,'"),
        (lambda f: f.einsum("ij-i", torch.zeros(5, 3)), "got 'ij-i'"),
        (
            lambda f: f.einsum("...,...", torch.zeros(5, 3), torch.zeros(2)),
            r"under the ellipsis in '\.\.\.,\.\.\.' has size 2",
        ),
        (
            lambda f: f.einsum("ij,jk", torch.zeros(5, 3).double(), torch.zeros(3, 5)),
            "sum over j must be of one type, got torch.float64 and torch.float32",
        ),
        (lambda f: f.einsum("ij"), "an equation and at least one operand.*got 1 argument"),
        (lambda f: f.einsum(), "got 0 arguments"),
        (lambda f: f.einsum("ij", []), "got 1 argument"),
        (lambda f: f.einsum(3, torch.zeros(5, 3)), "equation must be a str, got int"),
        (lambda f: f.einsum("i,i", torch.zeros(3), [1.0]), "operand 1 must be a Tensor, got list"),
        (lambda f: f.einsum(torch.zeros(3), [52]), "from 0 to 51, got 52"),
        (lambda f: f.einsum(torch.zeros(3), [-1]), "from 0 to 51, got -1"),
        (lambda f: f.einsum(torch.zeros(3), ["i"]), "an int or an ellipsis, got 'i'"),
        (lambda f: f.einsum(torch.zeros(3), 0), "the list of its subscripts, got int"),
    ),
    adapt=by_name,
    rounds_on_the_way=True,
    drawn=Drawn(
        reduce(or_, (calls(of, always={"equation": each}) for of, each in EQUATIONS.items())),
        not_finite="whether 0 meets ∞ depends on the order of three factors",
    ),
)
