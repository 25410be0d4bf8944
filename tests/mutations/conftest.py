"""Prints the mutation score where pytest prints its summary."""

import pytest

from tests.mutations.score import REJECTED_BY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if REJECTED_BY:
        rejected = sum(check is not None for check in REJECTED_BY.values())
        share = rejected / len(REJECTED_BY)
        terminalreporter.write_line(
            f"mutation score: {rejected} of {len(REJECTED_BY)} wrong backwards rejected = {share:.0%}"
        )
