"""What is said of several derivations: a line for each, the reports of what is wrong, their number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from manual_backprop.verify.findings import Status
from manual_backprop.verify.reporting.report import EXIT_CODES, Report

WORDS: dict[Status, str] = {
    "right": "right",
    "wrong": "WRONG",
    "malformed": "WRONG",
    "unjudged": "could not be judged",
}
COLOURS = {"right": "\033[32m", "WRONG": "\033[31m"}
WORST_FIRST = (1, 2, 3, 0)
"""Exit codes: of several derivations, the first of these that one of them, or of their files, has."""


@dataclass(frozen=True)
class Judged:
    """A derivation and its report, in plain values, so that it can be handed from process to process.

    Attributes:
        name: of the derivation; with its file, where there are several.
        status: of the report.
        summary: what its line says after the status.
        text: the report, for a terminal.
        report: the report as JSON has it.
    """

    name: str
    status: Status
    summary: str
    text: str
    report: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """That of the report."""
        return EXIT_CODES[self.status]

    def line(self, width: int, *, coloured: bool) -> str:
        """The name, the status, and the first that is to be said."""
        word = WORDS[self.status]
        shown = f"{COLOURS[word]}{word}\033[0m" if coloured and word in COLOURS else word
        gap = ": " if self.status == "unjudged" else " " * 3
        return f"{self.name:<{width}}   {shown}{gap if self.summary else ''}{self.summary}"


def judged(name: str, report: Report, notes: Sequence[str] = (), *, coloured: bool = False) -> Judged:
    """A derivation and its report; notes of how it was judged are in its line unless it is wrong."""
    text = report.coloured() if coloured else str(report)
    first = summary(report)
    if report.status in ("right", "unjudged") and notes:
        first = " ".join([f"{first.rstrip('.')}."] * bool(first) + [*notes])
    return Judged(name, report.status, first, text, report.content())


def unjudged(name: str, reason: str) -> Judged:
    """A derivation of which nothing can be said."""
    return judged(name, Report("unjudged", problem=reason))


def summary(report: Report) -> str:
    """The first thing that is wrong, or why nothing could be judged; "" if all is right."""
    if report.problem:
        return report.problem
    for verdict in report.verdicts:
        if verdict.status == "right":
            continue
        if verdict.status in ("malformed", "unjudged"):
            return f"d{verdict.name}: {verdict.remark}"
        due = f"at {list(verdict.index)}: yours {verdict.given:.6g}, right {verdict.right:.6g}"
        return f"d{verdict.name}: {verdict.diagnoses[0].text if verdict.diagnoses else due}"
    return ""


def text_of(all_judged: Sequence[Judged], *, coloured: bool) -> str:
    """A line for each, then the reports of those that are wrong, then how many there are."""
    width = max(len(one.name) for one in all_judged)
    lines = [one.line(width, coloured=coloured) for one in all_judged]
    for one in all_judged:
        if one.exit_code == EXIT_CODES["wrong"]:
            lines += ["", f"{one.name}:", one.text]
    return "\n".join([*lines, "", _counts(all_judged)])


def _counts(all_judged: Sequence[Judged]) -> str:
    counts = Counter(WORDS[one.status] for one in all_judged)
    told = ", ".join(f"{counts[word]} {word}" for word in dict.fromkeys(WORDS.values()) if counts[word])
    number = len(all_judged)
    return f"{number} derivation{'s' if number != 1 else ''}: {told}."


def exit_code_of(codes: Sequence[int]) -> int:
    """The worst: 1 if one is wrong, else 2 if one is not there, else 3 if one could not be judged."""
    return next(code for code in WORST_FIRST if code in codes)
