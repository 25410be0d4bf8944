"""Runs the contract over every operation, and writes what held into the README's table.

.venv/bin/python scripts/capability_table.py            prints the table
.venv/bin/python scripts/capability_table.py --write    puts it into the README
.venv/bin/python scripts/capability_table.py --check    exits with 1 where the README says something else
"""

import argparse
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.functional import checks  # noqa: E402
from tests.functional.checks import Check, Function, called  # noqa: E402
from tests.functional.modules import module_named  # noqa: E402
from tests.functional.samples import Row, Sample  # noqa: E402
from tests.functional.table import ROWS  # noqa: E402

FULL, HALF = (torch.float64, torch.float32), (torch.bfloat16, torch.float16)
COLUMNS: dict[str, tuple[Check, ...]] = {
    "first": (
        partial(checks.value_is_the_twins, dtypes=FULL),
        partial(checks.gradient_is_the_twins, dtypes=FULL),
        checks.upstream_may_have_any_layout,
        checks.backward_returns_the_inputs_shape,
        checks.only_what_is_needed_is_computed,
        checks.derivation_says_the_same,
        checks.central_differences,
        checks.graph_is_hand_written,
        checks.keeps_what_it_says,
        checks.output_may_be_overwritten,
    ),
    "second": (checks.second_derivatives,),
    "forward mode": (checks.adjoint_identity,),
    "vmap": (checks.func_transforms,),
    "compile": (checks.compiles_without_a_break,),
    "autocast": (checks.autocast_is_the_twins,),
    "half": (
        partial(checks.value_is_the_twins, dtypes=HALF),
        partial(checks.gradient_is_the_twins, dtypes=HALF),
    ),
}
ON_CUDA: tuple[Check, ...] = (checks.value_is_the_twins, checks.gradient_is_the_twins)
BEGIN, END = "<!-- capabilities -->", "<!-- end of capabilities -->"


def holds(row: Row, column: tuple[Check, ...], prepared: Callable[[Sample], Sample]) -> bool:
    """Whether every check of a column passes on every sample."""
    try:
        for sample in row.samples:
            for check in column:
                check(row.function, row, prepared(sample))
    except Exception as error:  # whatever it is, the promise is not kept
        print(f"{row.name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        return False
    return True


def bytes_kept(function: Function, sample: Sample) -> int:
    """What one call keeps for its backward, each piece of memory counted once."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        called(function, sample, sample.leaves())
    return sum(kept.values())


def line(row: Row) -> str:
    """The operation's line of the table."""
    cells = ["yes" if holds(row, column, lambda sample: sample) else "no" for column in COLUMNS.values()]
    if torch.cuda.is_available():
        cells.append("yes" if holds(row, ON_CUDA, lambda sample: sample.on("cuda")) else "no")
    first = row.samples[0].to(torch.float32)
    kept = f"{bytes_kept(row.function, first)} : {bytes_kept(row.twin, first)}"
    path = module_named(row.name).__name__.replace(".", "/")
    link = f"[`{row.name}`]({path}.py)"
    return f"| {' | '.join([link, *cells, kept])} |"


def table() -> str:
    """The whole table, in Markdown."""
    names = ["operation", *COLUMNS, *(["CUDA"] if torch.cuda.is_available() else []), "bytes kept"]
    lines = [line(row) for row in tqdm(ROWS, unit="operation")]
    return "\n".join([f"| {' | '.join(names)} |", "|" + "---|" * len(names), *lines])


def comparable(text: str) -> list[list[str]]:
    """The cells, without what depends on the machine: CUDA, and the bytes that the built-in keeps."""
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.strip().splitlines()]
    at = rows[0].index("CUDA") if "CUDA" in rows[0] else None
    return [[cell.split(" : ")[0] for i, cell in enumerate(row) if i != at] for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--check", action="store_true", help="compare it with the README's")
    options = parser.parse_args()
    text, readme = table(), ROOT / "README.md"
    print(text)
    before = readme.read_text(encoding="utf-8")
    found = re.search(f"{BEGIN}\n(.*?)\n{END}", before, re.DOTALL)
    if found is None:
        print(f"README.md has no place for the table: {BEGIN} … {END}", file=sys.stderr)
        return 1
    if options.write:
        readme.write_text(f"{before[: found.start(1)]}\n{text}\n{before[found.end(1) :]}", encoding="utf-8")
    if options.check and comparable(found[1]) != comparable(text):
        print("README.md says something else: scripts/capability_table.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
