"""The last layer of a language model with its loss: as one operation, and as the two that it stands for."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop.benchmark import peak_bytes
from scripts.cuda.measure import Case, alternate, far, in_full_precision, largest, milliseconds
from scripts.cuda.section import Items, Settings, Wrong, table
from scripts.cuda.worker import said, wait

SIZES = ((4096, 256, 32768), (8192, 1024, 131072))
SMALL = ((64, 32, 512), (128, 64, 1024))
FAR = {"float32": 5e-3, "bfloat16": 5e-2}
"""How far loss and gradients may be from those of the two steps, in parts of the largest number."""
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def losses() -> dict[str, Loss]:
    """By hand, in two steps of PyTorch's own, and in one, if this PyTorch has it."""
    found: dict[str, Loss] = {
        "by hand": F.linear_cross_entropy,
        "two steps": lambda x, W, y: T.cross_entropy(T.linear(x, W), y),
    }
    if own := getattr(T, "linear_cross_entropy", None):
        found["built in"] = own
    return found


def items(settings: Settings) -> Items:
    """Each size in each type."""
    return {
        f"{N} × {D} → {C}, {dtype}": partial(measured, (N, D, C), dtype, settings)
        for N, D, C in (SMALL if settings.quick else SIZES)
        for dtype in FAR
    }


def measured(sizes: tuple[int, int, int], dtype: str, settings: Settings) -> dict[str, Any]:
    """Milliseconds forward and backward, peak bytes, and how far each is from the two steps."""
    device = torch.device(settings.device)
    N, D, C = sizes
    torch.manual_seed(0)
    options: dict[str, Any] = {"device": device, "dtype": getattr(torch, dtype)}
    x = torch.randn(N, D, **options).requires_grad_()
    W = (torch.randn(C, D, **options) / D**0.5).requires_grad_()
    y = torch.randint(C, (N,), device=device)

    def step(loss: Loss) -> list[Tensor]:
        value = loss(x, W, y)
        return [value.detach(), *torch.autograd.grad(value, (x, W))]

    cases: dict[str, Case] = {}
    values: dict[str, list[Tensor]] = {}
    found: dict[str, dict[str, Any]] = {}
    with in_full_precision(settings):
        for name, loss in losses().items():
            try:
                values[name] = [each.cpu() for each in step(loss)]
                wait(settings.device)
                cases[name] = partial(step, loss)
                found[name] = {"peak bytes": peak_bytes(cases[name], device)}
            except torch.OutOfMemoryError as error:  # of the built-in ones, say so; of ours, it is a failure
                if name == "by hand":
                    raise
                found[name] = {"reason": said(error)}
        timed = alternate(cases, 1 if settings.quick else 10, settings)
    for name, each in timed.items():
        found[name]["ms"] = milliseconds(each)
        if "two steps" in values:
            pairs = zip(values[name], values["two steps"], strict=True)
            found[name]["off"] = largest(far(a, b) for a, b in pairs)
    off = found["by hand"].get("off", 0.0)
    if not off <= FAR[dtype]:
        raise Wrong(f"loss or gradient is {off:.1e} of the largest number off", found)
    return found


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for size, found in results.items():
        for name, of in (found or {}).items():
            peak = of.get("peak bytes")
            off = of.get("off")
            rows.append(
                [size, name, of.get("ms"), None if peak is None else peak / 2**20, off, of.get("reason")]
            )
    allowed = " and ".join(f"{far:g} in {dtype}" for dtype, far in FAR.items())
    return (
        "`linear_cross_entropy` forward and backward: by hand, as `F.linear` and `F.cross_entropy`, and "
        "PyTorch's own where this version has it. *Off*: the largest difference of loss or gradients from "
        f"the two steps, in parts of the largest number; {allowed} is allowed.\n\n"
        + table(["N × D → C", "", "ms", "peak, MiB", "off", "remark"], rows)
    )
