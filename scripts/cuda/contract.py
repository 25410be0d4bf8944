"""Every operation of the tests' table on the device, beside PyTorch's own."""

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from scripts.cuda.measure import in_full_precision
from scripts.cuda.section import Items, Settings, Wrong, table
from scripts.cuda.worker import said, wait
from tests.functional import checks
from tests.functional.checks import DTYPES, assert_same, called, outputs_of, upstreams_for
from tests.functional.samples import Row, Sample
from tests.functional.table import ROWS

ROUNDINGS = 256
"""Of float64, by which a GPU may differ from a CPU: its exp is another one, and it adds in another order."""
ON_CPU, SECOND = "float64 against the CPU", "second derivatives"
TRACEBACKS = 3
Check = Callable[[Row, Sample], None]


def items(settings: Settings) -> Items:
    """A row each; with `quick` every twelfth."""
    chosen = ROWS[::12] if settings.quick else ROWS
    return {row.name: partial(judge, row, settings) for row in chosen}


def judge(row: Row, settings: Settings) -> dict[str, list[int]]:
    """How many samples passed each check, of how many.

    Raises:
        Wrong: with these numbers, where they differ.
    """
    samples = row.samples[:2] if settings.quick else row.samples
    counts: dict[str, list[int]] = {}
    reasons, tracebacks = [], []
    with in_full_precision(settings):
        for name, check in checks_on(settings.device).items():
            passed, fitting = 0, [each for each in samples if name != SECOND or twice_differentiable(each)]
            for sample in fitting:
                try:
                    check(row, sample)
                    wait(settings.device)
                    passed += 1
                except Exception as error:
                    wait(settings.device)  # raises where the GPU is lost: then nothing behind this counts
                    reasons.append(f"{name}: {sample.name}: {said(error)}")
                    tracebacks.append(f"{name}: {sample.name}\n{traceback.format_exc()}")
            counts[name] = [passed, len(fitting)]
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise Wrong(reasons[0] + more, counts, "\n".join(tracebacks[:TRACEBACKS]))
    return counts


def checks_on(device: str) -> dict[str, Check]:
    """The checks by name; on a CPU, the second derivatives are compared with differences of the first."""

    def in_type(dtype: torch.dtype) -> Check:
        def check(row: Row, sample: Sample) -> None:
            there = sample.on(device)
            for each in (checks.value_is_the_twins, checks.gradient_is_the_twins):
                each(row.function, row, there, (dtype,))

        return check

    found = {str(dtype).removeprefix("torch."): in_type(dtype) for dtype in DTYPES}
    if device == "cpu":
        return {**found, SECOND: lambda row, sample: checks.second_derivatives(row.function, row, sample)}
    return {
        **found,
        ON_CPU: partial(first_as_on_the_cpu, device),
        SECOND: partial(second_as_on_the_cpu, device),
    }


def first_as_on_the_cpu(device: str, row: Row, sample: Sample) -> None:
    """Values and gradients in float64."""
    pairs = []
    for each in (sample.on(device), sample):
        leaves = each.leaves()
        outputs = outputs_of(row.function, each, leaves)
        floating = tuple(out for out in outputs if out.is_floating_point())
        pairs.append([*outputs, *torch.autograd.grad(floating, leaves, upstreams_for(floating))])
    _compare("value or gradient", *pairs)


def second_as_on_the_cpu(device: str, row: Row, sample: Sample) -> None:
    """The derivatives of the gradients, in a random direction, by the inputs and by the upstream gradient.

    On the CPU, the tests compare them with differences. Here that would take a GPU's time for a kernel each.
    """
    pairs = [seconds(row.function, each) for each in (sample.on(device), sample)]
    _compare("second derivative", *pairs)


def twice_differentiable(sample: Sample) -> bool:
    """Whether a second derivative is there to be compared."""
    return sample.smooth and all(x.numel() for x in sample.inputs)


def seconds(function: Callable[..., Any], sample: Sample) -> list[Tensor]:
    """Zeros where a gradient does not depend on something."""
    leaves = sample.leaves()
    outputs = called(function, sample, leaves)
    upstreams = tuple(v.requires_grad_() for v in upstreams_for(outputs))
    gradients = torch.autograd.grad(outputs, leaves, upstreams, create_graph=True)
    differentiable = tuple(g for g in gradients if g.requires_grad)
    by = (*leaves, *upstreams)
    if not differentiable:
        return [torch.zeros_like(x) for x in by]
    found = torch.autograd.grad(differentiable, by, upstreams_for(differentiable), allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(by, found, strict=True)]


def _compare(what: str, actual: list[Tensor], due: list[Tensor]) -> None:
    """Each to the roundings of the largest of all: what is 0 may be what is left of a sum."""
    sizes = [b[b.isfinite()].abs().max().item() for b in due if b.isfinite().any()]
    for i, (a, b) in enumerate(zip(actual, due, strict=True)):
        assert_same(f"{what} {i}", a.detach().cpu(), b.detach(), ROUNDINGS, max(sizes, default=0.0))


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    names: list[str] = list(dict.fromkeys(name for counts in results.values() for name in counts or {}))
    rows = []
    for row, counts in results.items():
        cells = ((counts or {}).get(name) for name in names)
        told = [c and (f"{c[1]}" if c[0] == c[1] else f"**{c[0]} of {c[1]}**") for c in cells]
        rows.append([f"`{row}`", *told])
    of = {
        name: [sum(c) for c in zip(*(r[name] for r in results.values() if r), strict=True)] for name in names
    }
    rows.append(["all", *(f"{passed} of {every}" for passed, every in of.values())])
    return (
        "Samples of each row that passed, by type: value and gradient are those of PyTorch's own operation "
        "on the same device, to a few roundings of that type. float32 is not computed in TF32.\n\n"
        + table(["operation", *names], rows)
    )
