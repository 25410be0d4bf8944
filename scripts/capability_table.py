"""Runs the contract over every operation and says which of its promises each one keeps.

.venv/bin/python scripts/capability_table.py                 prints the table; it takes some minutes
.venv/bin/python scripts/capability_table.py --write FILE    writes the site's page about it, too
.venv/bin/python scripts/capability_table.py --check         exits with 1 where README.md says something else
"""

import argparse
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from manual_backprop import functional  # noqa: E402
from tests.functional import checks  # noqa: E402
from tests.functional.checks import Check, Function, called  # noqa: E402
from tests.functional.modules import module_named  # noqa: E402
from tests.functional.samples import Row, Sample  # noqa: E402
from tests.functional.table import ROWS  # noqa: E402

FULL, HALF = (torch.float64, torch.float32), (torch.bfloat16, torch.float16)
PROMISES: dict[str, tuple[Check, ...]] = {
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
    "torch.func": (checks.func_transforms,),
    "compile": (checks.compiles_without_a_break,),
    "autocast": (checks.autocast_is_the_twins,),
    "half": (
        partial(checks.value_is_the_twins, dtypes=HALF),
        partial(checks.gradient_is_the_twins, dtypes=HALF),
    ),
}
ON_CUDA: tuple[Check, ...] = (checks.value_is_the_twins, checks.gradient_is_the_twins)

PAGE = """# Capabilities

What each operation keeps of its promises. A promise is a group of checks in `tests/functional/checks.py`. It
is kept where every check passes on every sample that `tests/functional/table` has of the operation.

- *first*: value and gradient are PyTorch's, in float64 and float32, with upstream gradients of any layout;
  the gradient agrees with central differences and with the index form of the derivation; nothing built in is
  left in the graph
- *second*: the derivatives of the backward
- *forward mode*: `jvp`
- *torch.func*: `vmap`, `jacrev`, `jacfwd`, `hessian` and per-sample gradients
- *compile*: `torch.compile(fullgraph=True)`
- *autocast*: the types that PyTorch's operation has under `torch.autocast`
- *half*: bfloat16 and float16
- *bytes kept*: what one small call keeps for its backward, by hand : built in

{left_out}`python scripts/capability_table.py` makes this table; this one was made with torch {version}.

{table}
"""
LEFT_OUT = "Not measured here, since the tests' table has no row for it: {names}.\n\n"

STATED = re.compile(r"More than (\d+) operations keep all (\d+) promises.*? Exceptions?: ([^.]*)\.")
STALE = 0.9  # a figure of README.md may fall this far behind before it has to be raised


@dataclass(frozen=True)
class Capabilities:
    """What was measured of one operation."""

    name: str
    kept: dict[str, bool]
    bytes_kept: tuple[int, int]  # by hand, built in

    def line(self) -> str:
        """Its line of the table."""
        _, _, path = module_named(self.name).__name__.partition(".")
        link = f"[`{self.name}`]({path.replace('.', '/')}.rst)"
        held = ["yes" if kept else "no" for kept in self.kept.values()]
        by_hand, built_in = self.bytes_kept
        return f"| {' | '.join([link, *held, f'{by_hand} : {built_in}'])} |"


def capabilities_of(at: int) -> Capabilities:
    """Run every check on every sample of a row: of its number, for a row cannot be sent to a process."""
    row = ROWS[at]
    kept = {name: holds(row, promise, lambda sample: sample) for name, promise in PROMISES.items()}
    if torch.cuda.is_available():
        kept["CUDA"] = holds(row, ON_CUDA, lambda sample: sample.on("cuda"))
    first = row.samples[0].to(torch.float32)
    return Capabilities(row.name, kept, (bytes_kept(row.function, first), bytes_kept(row.twin, first)))


def holds(row: Row, promise: tuple[Check, ...], prepared: Callable[[Sample], Sample]) -> bool:
    """Whether every check of a promise passes on every sample."""
    for sample in row.samples:
        for check in promise:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", UserWarning)
                    check(row.function, row, prepared(sample))
            except Exception as error:  # whatever it is, the promise is not kept
                name = getattr(check, "func", check).__name__
                print(f"{row.name}: {sample.name}: {name}: {type(error).__name__}: {error}", file=sys.stderr)
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


def table(measured: list[Capabilities]) -> str:
    """The whole table, in Markdown."""
    names = ["operation", *measured[0].kept, "bytes kept"]
    head = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return "\n".join([*head, *(each.line() for each in measured)])


def not_in_the_table() -> set[str]:
    """Public functions with a backward of their own that the tests' table has no row for."""
    rows = {module_named(row.name).__name__ for row in ROWS}
    return {
        name
        for name in functional.__all__
        if (module := getattr(functional, name).__module__) not in rows
        and any(
            isinstance(value, type)
            and issubclass(value, torch.autograd.Function)
            and value.__module__ == module
            for value in vars(sys.modules[module]).values()
        )
    }


def falsehoods(readme: str, keeping_all: int, exceptions: Iterable[str]) -> list[str]:
    """What README.md's sentence about the operations says wrongly; nothing where it is true."""
    sentence = STATED.search(" ".join(readme.split()))
    if sentence is None:
        return ["nothing that reads: More than N operations keep all M promises …. Exceptions: `…`, …."]
    found = []
    if not is_lower_bound(int(sentence[1]), keeping_all):
        found.append(f"more than {sentence[1]} operations; {keeping_all} keep all promises")
    if int(sentence[2]) != len(PROMISES):
        found.append(f"{sentence[2]} promises; there are {len(PROMISES)}")
    if set(named := re.findall(r"`(\w+)`", sentence[3])) != set(exceptions):
        found.append(f"exceptions {sorted(named)}; they are {sorted(exceptions)}")
    return found


def is_lower_bound(stated: int, actual: int) -> bool:
    """Whether "more than `stated`" is true, and not so old that it says too little."""
    return STALE * actual <= stated < actual


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the site's page to FILE")
    parser.add_argument("--check", action="store_true", help="compare README.md with what was measured")
    options = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        found = processes.map(capabilities_of, range(len(ROWS)))
        measured = list(tqdm(found, total=len(ROWS), unit="operation"))
    print(table(measured))
    not_measured = not_in_the_table()
    if options.write:
        names = ", ".join(f"`{name}`" for name in sorted(not_measured))
        left_out = LEFT_OUT.format(names=names) if names else ""
        page = PAGE.format(left_out=left_out, version=torch.__version__, table=table(measured))
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(page, encoding="utf-8")
    if options.check:
        failing = {each.name for each in measured if not all(each.kept.values())}
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        false = falsehoods(readme, len(measured) - len(failing), failing | not_measured)
        for each in false:
            print(f"README.md says: {each}", file=sys.stderr)
        return 1 if false else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
