"""What hand-written gradients cost in time and memory, beside the built-in ones and the machine's limits.

What is said is a ratio. The floor of an operation is the time that its floating-point operations take at the
measured rate of a matrix product, or that its bytes take at the measured bandwidth of a copy, whichever is
longer.
"""

import torch

from manual_backprop.benchmark.cases import SIZES, Compared, operations, products, steps
from manual_backprop.benchmark.every import SIZES_OF_CALLS, every_operation, every_table, ratios_of
from manual_backprop.benchmark.tables import as_json, operation_table, ratios, step_table, worse
from manual_backprop.benchmark.timing import Case, Timed, alternate, machine, peak_bytes, rates
from manual_backprop.training.device import RandomNumbers

__all__ = [
    "BATCHES",
    "SIZES",
    "SIZES_OF_CALLS",
    "Case",
    "Timed",
    "alternate",
    "as_json",
    "compare",
    "every_operation",
    "every_table",
    "machine",
    "operation_table",
    "operations",
    "peak_bytes",
    "products",
    "ratios",
    "ratios_of",
    "run",
    "step_table",
    "steps",
    "worse",
]

BATCHES = (64, 128, 1024)


def compare(cases: dict[str, Compared], rounds: int, device: torch.device) -> dict[str, dict[str, Timed]]:
    """Time and peak memory of each operation, by hand and built in, and its floor."""
    flop_rate, bandwidth = rates(device)
    results = {}
    for name, case in cases.items():
        pair = {"by hand": case.by_hand, "built in": case.built_in}
        timed = alternate(pair, rounds, 1, device)
        for which, run in pair.items():
            timed[which].peak_bytes = peak_bytes(run, device)
        timed["floor"] = Timed([max(case.flops / flop_rate, case.bytes / bandwidth)])
        results[name] = timed
    return results


def run(
    device: torch.device, rounds: int, large: bool
) -> tuple[dict[int, dict[str, Timed]], dict[str, dict[str, Timed]]]:
    """Measure and print steps and operations; the caller's random state stays as it was."""
    with RandomNumbers(0, device):
        print(", ".join(f"{key} {value}" for key, value in machine(device).items()))
        by_batch = {}
        for count in BATCHES:
            by_batch[count] = alternate(steps(count, device), rounds, 20, device)
            print(step_table(count, by_batch[count]), flush=True)
        cases = operations(device, large)
        by_operation = compare(cases, max(rounds // 8, 5), device)
        print(operation_table(cases, by_operation))
        return by_batch, by_operation
