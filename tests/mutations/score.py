"""Which check rejected which mutant, filled by the tests and printed at the end of the run."""

from tests.mutations.mutants import Mutant

REJECTED_BY: dict[Mutant, str | None] = {}
