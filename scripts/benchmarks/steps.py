"""A training step of 784-128-10 by each engine, beside its matrix products alone."""

from functools import partial

from manual_backprop.benchmark import BATCHES, alternate, step_table, steps
from scripts.benchmarks.section import Found, Section, Settings, over


def measure(settings: Settings) -> Found:
    """By the size of the batch."""
    return {
        f"batch {count}": alternate(steps(count, settings.device), settings.rounds, 20, settings.device)
        for count in BATCHES
    }


def table(found: Found) -> str:
    """Markdown."""
    return "\n".join(step_table(int(what.split()[1]), timed) for what, timed in found.items())


SECTION = Section(measure, table, partial(over, ours=("functions", "explicit"), theirs="autograd"))
