"""A training step of networks that know nothing of this package, in float64: by hand, and by autograd."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from manual_backprop import use_manual_gradients
from scripts.cuda.measure import largest
from scripts.cuda.section import Items, Settings, Wrong, table
from tests.models import COARSE, LARGER, MODELS
from tests.takeover.test_networks import gradients

PARTLY = {"swin_v2_t"}
"""Which have some built-in backward left."""
TOLERANCE = 1e-8  # in parts of the largest gradient; a batch norm of few examples makes rounding larger


def items(settings: Settings) -> Items:
    """A network each."""
    every = {**MODELS, **LARGER}
    chosen = ("TransformerEncoder", "GPT") if settings.quick else tuple(every)
    return {name: partial(step, name, *every[name], settings) for name in chosen}


def step(
    name: str,
    build: Callable[[], nn.Module],
    draw: Callable[[], tuple[Tensor, Tensor]],
    settings: Settings,
) -> dict[str, float]:
    """How far the loss and the gradients by hand are from autograd's, and how many backwards are by hand."""
    torch.manual_seed(0)
    model = without_dropout(build().double()).to(settings.device)
    inputs, labels = (x.to(settings.device) for x in draw())
    due = gradients(model, inputs, labels)
    with use_manual_gradients(strict=name not in PARTLY) as coverage:
        given = gradients(model, inputs, labels)
    scale = largest(float(g.abs().max()) for g in due)  # a bias before a batch norm has the gradient 0
    error = largest(float((a - b).abs().max()) for a, b in zip(given, due, strict=True)) / scale
    found = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "by hand": coverage.hand_written.total(),
        "built in": coverage.built_in.total(),
        "error": error,
        "allowed": max(COARSE.get(name, 0.0), TOLERANCE),
    }
    if not error <= found["allowed"]:
        raise Wrong(f"{name}: an error of {error:.1e} of the largest gradient", found)
    return found


def without_dropout(model: nn.Module) -> nn.Module:
    """On a GPU, PyTorch's dropout draws another mask from the same seed than the one made by hand.

    And an embedding takes its indices to the device, since a network may make them on the CPU.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
        elif isinstance(module, nn.Embedding):
            module.register_forward_pre_hook(lambda m, given: (given[0].to(m.weight.device),))
    return model


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    head = ["network", "parameters", "by hand", "built in", "error", "allowed"]
    rows = [[name, *found.values()] for name, found in results.items() if found]
    return (
        "One step in float64, without dropout. *By hand* and *built in* count the backwards. The error is "
        "the largest of the loss and any gradient, in parts of the largest gradient.\n\n" + table(head, rows)
    )
