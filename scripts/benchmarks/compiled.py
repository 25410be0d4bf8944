"""Operations inside the user's own torch.compile: forward and backward by hand, over the built-in one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from manual_backprop.benchmark import alternate
from manual_backprop.benchmark.calls import calls
from scripts.benchmarks.section import Found, Section, Settings, over

SIZES = (512, 1024)
CHOSEN = (
    *("relu", "sigmoid", "tanh", "gelu", "silu", "leaky_relu", "elu", "hardswish", "softplus"),
    *("softmax", "log_softmax", "layer_norm", "rms_norm", "group_norm", "batch_norm"),
    *("linear", "conv2d", "avg_pool2d", "adaptive_avg_pool2d", "max_pool2d"),
    *("scaled_dot_product_attention", "cross_entropy", "mse_loss", "huber_loss", "kl_div"),
)


def measure(settings: Settings) -> Found:
    """By the name of the operation."""
    found = {}
    for name, call in calls(*SIZES).items():
        if name in CHOSEN:
            torch.compiler.reset()
            ours, theirs = replace(call, call=_compiled(call.call)).pair(name, settings.device)
            cases = {"by hand": ours, "built in": theirs}
            found[name] = alternate(cases, max(settings.rounds // 4, 5), 2, settings.device)
    return found


def _compiled(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, compiled with the function that it is given."""
    made: dict[Any, Callable[..., Any]] = {}

    def run(f: Callable[..., Any], *given: Any, **options: Any) -> Any:
        if f not in made:
            made[f] = torch.compile(lambda *inputs: call(f, *inputs, **options), fullgraph=True)
        return made[f](*given)

    return run


def table(found: Found) -> str:
    """Markdown."""
    rows, columns = SIZES
    lines = [
        f"\nInside torch.compile, {rows} × {columns}, over the built-in one's time\n",
        "| | |",
        "|---|---|",
    ]
    lines += [
        f"| {name} | {timed['by hand'].median / timed['built in'].median:.2f} |"
        for name, timed in found.items()
    ]
    return "\n".join(lines)


SECTION = Section(measure, table, partial(over, ours=("by hand",), theirs="built in"))
