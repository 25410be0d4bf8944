"""Which check rejected which mutant, filled by the tests and printed at the end of the run."""

REJECTED_BY: dict[str, str | None] = {}
