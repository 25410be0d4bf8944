"""How long a step takes with each engine, made by Python and replayed."""

from functools import partial
from typing import Any

import torch

from manual_backprop.benchmark import steps
from manual_backprop.training.config import ENGINES
from scripts.cuda.measure import Replays, alternate, milliseconds
from scripts.cuda.section import Items, Settings, Wrong, table

BATCHES = (64, 128, 1024)


def items(settings: Settings) -> Items:
    """A batch size each."""
    batches = BATCHES[:1] if settings.quick else BATCHES
    return {f"batch {count}": partial(step, count, settings) for count in batches}


def step(count: int, settings: Settings) -> dict[str, Any]:
    """Milliseconds of a step of each engine, made by Python and replayed.

    Raises:
        Wrong: a step cannot be captured.
    """
    device, rounds = torch.device(settings.device), 3 if settings.quick else 40
    timed = alternate(steps(count, device), rounds, settings)
    replays = Replays(settings)
    for name, case in steps(count, device).items():
        replays.add(name, case)
    again = alternate(replays.cases, rounds, settings)
    found = {
        name: {
            "eager": milliseconds(each),
            "replayed": milliseconds(again.get(name)),
            "reason": replays.reasons.get(name),
        }
        for name, each in timed.items()
    }
    wrong = [f"{name}: {replays.reasons[name]}" for name in ENGINES if name in replays.reasons]
    if wrong:
        tracebacks = (f"{name}\n{text}" for name, text in replays.tracebacks.items())
        raise Wrong("; ".join(wrong), found, "\n".join(tracebacks))
    return found


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [batch, name, of["eager"], of["replayed"], found["autograd"]["eager"] / of["eager"], of["reason"]]
        for batch, found in results.items()
        for name, of in (found or {}).items()
    ]
    head = ["", "engine", "ms", "replayed, ms", "autograd's ms : these", "why not replayed"]
    return "A step of 784-128-10 in float32, with plain gradient descent: medians.\n\n" + table(head, rows)
