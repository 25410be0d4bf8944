"""Every operation, as it is written and inside `fused()`: time and peak memory."""

from manual_backprop.benchmark import SIZES_OF_CALLS, every_operation, every_table, ratios_of
from scripts.benchmarks.section import Found, Section, Settings

SEPARATOR = ", "


def measure(settings: Settings) -> Found:
    """By the operation and the sizes."""
    sizes = SIZES_OF_CALLS[:1] if settings.short else SIZES_OF_CALLS
    rounds = max(settings.rounds // 4, 5)
    return {
        f"{name}{SEPARATOR}{rows} × {columns}": timed
        for rows, columns in sizes
        for name, timed in every_operation((rows, columns), rounds, settings.device).items()
    }


def table(found: Found) -> str:
    """Markdown."""
    by_sizes: dict[str, Found] = {}
    for what, timed in found.items():
        name, sizes = what.split(SEPARATOR)
        by_sizes.setdefault(sizes, {})[name] = timed
    return every_table(by_sizes)


def ratios(found: Found) -> dict[str, float]:
    """Times and memory over the built-in one's."""
    return {
        f"{what}, {column}": ratio
        for what, timed in found.items()
        for column, ratio in ratios_of(timed).items()
    }


SECTION = Section(measure, table, ratios)
