"""Operations at the sizes of a language model's last layer, beside what the machine could do."""

from functools import partial

import torch

from manual_backprop.benchmark import compare, operation_table, operations
from scripts.benchmarks.section import Found, Section, Settings, over


def measure(settings: Settings) -> Found:
    """By the name of the operation."""
    return compare(
        operations(settings.device, large=not settings.short), max(settings.rounds // 8, 5), settings.device
    )


def table(found: Found) -> str:
    """Markdown."""
    return operation_table(operations(torch.device("meta"), large=True), found)


SECTION = Section(measure, table, partial(over, ours=("by hand",), theirs="built in"))
