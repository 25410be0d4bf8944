"""What a test that failed says of a derivation."""

from manual_backprop.verify.files.judged import Judged, judged
from manual_backprop.verify.reporting.report import Report


def message_of(report: Report) -> str:
    """The first thing that is wrong, which the list of failed tests shows, and the report."""
    return with_summary(judged("", report))


def with_summary(one: Judged) -> str:
    """The same of a derivation in a file."""
    if not one.report["verdicts"]:  # the report is one sentence
        return one.text
    return f"{one.summary}\n\n{one.text}"
