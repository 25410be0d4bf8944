"""The report as a page, in Markdown."""

import traceback
from collections.abc import Sequence
from typing import Any

from scripts.cuda.section import (
    FAILED,
    LEFT_OUT,
    NOT_RUN,
    PASSED,
    STATUSES,
    Outcome,
    Section,
    load,
    plain,
    table,
)

LAST_LINES = 40
WITHOUT_GPU = """
**Made without a GPU.** Everything ran on the CPU: few items, small sizes, in place of a CUDA graph an
imitation that repeats the same kernels from Python, and `torch.compile` with the backend aot_eager. The
figures below say that the report works, and nothing about a GPU.
"""
QUICK = "\n**Made with `--quick`**: few items and small sizes.\n"
HEAD = """# {title}

This page was written by `{command}` on {made}. It runs the tests that need a GPU, every operation beside
PyTorch's own, networks of others and training runs, and measures steps, epochs and operations. Each part runs
in processes of its own, so that one that fails stops no other. A cell that reads – was not measured.
{notice}"""
Results = dict[str, dict[str, Outcome]]


def page(report: dict[str, Any], sections: Sequence[Section], results: Results) -> tuple[str, list[str]]:
    """The page, and the names of the sections whose own part could not be written."""
    gpu = report["device"] == "cuda"
    notice = WITHOUT_GPU if not gpu else QUICK if report["quick"] else ""
    title = f"Report of a GPU: {report['name']}" if gpu else "Report of a GPU, made without one"
    parts = [HEAD.format(title=title, command=report["command"], made=report["made"], notice=notice)]
    parts += [summary(report, sections, results), failures(sections, results), absences(sections, results)]
    unwritten = []
    for section in sections:
        found = {
            name: outcome.result
            for name, outcome in results.get(section.name, {}).items()
            if outcome.result is not None
        }
        try:
            text = load(section.page)(found) if found else "Nothing was measured."
        except Exception:
            unwritten.append(section.name)
            text = f"This part could not be written:\n\n{fenced(traceback.format_exc())}"
        parts.append(f"## {section.title}\n\n{text}\n")
    return "\n".join(parts), unwritten


def summary(report: dict[str, Any], sections: Sequence[Section], results: Results) -> str:
    """How many items of each section passed."""
    rows = []
    for section in sections:
        outcomes = results.get(section.name, {}).values()
        counts = [sum(each.status == status for each in outcomes) for status in STATUSES]
        rows.append([section.title, *counts, report["seconds"].get(section.name)])
    return f"## In short\n\n{table(['', *STATUSES, 'seconds'], rows)}\n"


def failures(sections: Sequence[Section], results: Results) -> str:
    """Each with its reason and the end of its traceback, which the JSON file has as a whole."""
    parts = ["## What failed\n"]
    for section in sections:
        for name, outcome in results.get(section.name, {}).items():
            if outcome.status == FAILED:
                parts.append(f"### {section.title}: {name}\n\n{plain(outcome.reason)}\n")
                if outcome.traceback:
                    parts.append(fenced(outcome.traceback) + "\n")
    return "\n".join(parts if len(parts) > 1 else [*parts, "Nothing.\n"])


def absences(sections: Sequence[Section], results: Results) -> str:
    """What is not here, by reason."""
    by_reason: dict[tuple[str, str, str], list[str]] = {}
    for section in sections:
        for name, outcome in results.get(section.name, {}).items():
            if outcome.status in (LEFT_OUT, NOT_RUN):
                by_reason.setdefault((section.title, outcome.status, outcome.reason), []).append(name)
    lines = [
        f"- {title}, {status}: {'; '.join(names)} ({plain(reason)})"
        for (title, status, reason), names in by_reason.items()
    ]
    return "\n".join(["## What was left out or not run\n", *(lines or ["Nothing."]), ""])


def line(section: Section, outcomes: dict[str, Outcome], seconds: float) -> str:
    """What a user reads when a section has ended."""
    counts = {status: sum(each.status == status for each in outcomes.values()) for status in STATUSES}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == PASSED)
    return f"{section.name:<21} {told}  ({seconds:.0f} s)"


def fenced(text: str) -> str:
    """A block of code, whatever is in it."""
    lines = text.strip("\n").splitlines()
    shown = (
        [f"… {len(lines) - LAST_LINES} lines before", *lines[-LAST_LINES:]]
        if len(lines) > LAST_LINES
        else lines
    )
    return "\n".join(["~~~~~~text", *shown, "~~~~~~"])
