"""The tests are tested: the contract rejects every wrong backward of the list, and the score says so."""

from collections.abc import Callable

import pytest
import torch

from tests.functional.checks import CONTRACT, Check, Function
from tests.functional.samples import Mutant, Row, Sample, randn
from tests.functional.table import ROWS
from tests.mutations.mutated import mutated

MUTANTS = [
    pytest.param(row, mutant, id=f"{row.name}: {mutant.mistake}".encode("ascii", "backslashreplace").decode())
    for row in ROWS
    for mutant in row.mutants
]


def rejects(check: Check, function: Function, row: Row, sample: Sample) -> bool:
    """Only a verdict counts: a mutant that fails to run at all (a NameError, say) has not been tested."""
    try:
        check(function, row, sample)
    except (AssertionError, RuntimeError):  # gradcheck's error is a RuntimeError
        return True
    return False


def first_rejection(function: Function, row: Row) -> str | None:
    for check in CONTRACT:
        if any(rejects(check, function, row, sample) for sample in row.samples):
            return check.__name__
    return None


@pytest.mark.parametrize(("row", "mutant"), MUTANTS)
def test_the_contract_rejects(
    row: Row, mutant: Mutant, record_property: Callable[[str, object], None]
) -> None:
    check = first_rejection(mutated(row, mutant), row)
    record_property("rejected by", check)
    assert check, f"no check rejects {mutant}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_operation_has_at_least_six_mutants(row: Row) -> None:
    assert len({mutant.mistake for mutant in row.mutants}) >= 6


def test_a_copy_without_a_mistake_passes() -> None:
    """What rejects a mutant is its mistake, not its being a copy."""
    row = next(row for row in ROWS if row.name == "sigmoid")
    copy = mutated(row, Mutant("none", "a * (1 - a)).conj()", "a * (1 - a)).conj()"))
    assert first_rejection(copy, row) is None


def test_a_mutant_whose_line_is_gone_is_an_error() -> None:
    with pytest.raises(LookupError, match="0 times"):
        mutated(ROWS[0], Mutant("none", "no such line", ""))


def test_ones_as_upstream_would_let_a_softmax_backward_of_zeros_pass() -> None:
    """Why the checks draw a random upstream gradient: ∂L/∂z = p ⊙ (g − Σ p g) is 0 for every constant g."""
    z = randn(5, 3).requires_grad_()
    p = z.softmax(1)
    (from_ones,) = torch.autograd.grad(p, z, torch.ones_like(p), retain_graph=True)
    (from_random,) = torch.autograd.grad(p, z, randn(5, 3, seed="upstream"))
    assert from_ones.abs().max() < 1e-15
    assert from_random.abs().max() > 1e-2
