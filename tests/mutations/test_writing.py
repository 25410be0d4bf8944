"""Wrong backwards of writing over views and places: each is rejected by a program that writes."""

from unittest.mock import patch

import pytest
import torch

from manual_backprop import use_manual_gradients
from manual_backprop.functional.in_place import _places, setitem, view
from manual_backprop.functional.operation import TWINS, function_of
from tests.functional.test_view import PROGRAMS, values_and_gradients
from tests.mutations.mutated import copied

MUTANTS = {
    "left with what was overwritten too": ("WriteView", "delta.index_fill(0, p, 0)", "delta.clone()"),
    "left with it, of all of a tensor": ("WriteView", "torch.zeros_like(grad_output)", "grad_output"),
    "taken from all of the old numbers": (
        "WriteView",
        "delta.index_fill(0, p, 0)",
        "torch.zeros_like(delta)",
    ),
    "what was written gets the first places": ("WriteView", "delta.index_select(0, p)", "delta[: len(p)]"),
    "from behind": ("WriteView", "delta.index_select(0, p)", "delta.index_select(0, p.flip(0))"),
    "sign": ("WriteView", "delta.index_select(0, p)", "-delta.index_select(0, p)"),
    "the last of several ways only": ("ReadView", "zeros.index_add(", "zeros.index_copy("),
    "put to the first places": ("ReadView", "index_add(0, p, delta)", "index_add(0, p.sort()[0], delta)"),
    "the order of memory for that of rows": (
        "Places",
        "numbers.copy_(torch.arange(numbers.numel(), device=device).reshape(self.shape))",
        "numbers.as_strided((numbers.numel(),), (1,)).copy_(torch.arange(numbers.numel()))",
    ),
    "without the offset": ("Places", "self.view_strides, self.offset)", "self.view_strides, 0)"),
    "all taken for all in order": ("Places", "return same and _in", "return same or _in"),
    "left with what an index overwrote": (
        "SetItem",
        "grad_input = _without(index, grad_output)",
        "grad_input = grad_output",
    ),
    "a mask the other way round": ("SetItem", "masked_fill(mask.", "masked_fill(~mask."),
    "rows are left": ("SetItem", "grad_input[index] = 0", "pass"),
    "the value gets half of it": (
        "SetItem",
        "back_to(ctx.like, part).to(",
        "(back_to(ctx.like, part) / 2).to(",
    ),
}
PLACE = {"WriteView": view, "ReadView": view, "Places": _places, "SetItem": setitem}


def is_right(program: str) -> bool:
    due = values_and_gradients(program)
    try:
        with use_manual_gradients():
            given = values_and_gradients(program)
    except (IndexError, RuntimeError):  # places that are not there
        return False
    return all(torch.allclose(a, b) for a, b in zip(given, due, strict=True))


@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_program_rejects(mistake: str) -> None:
    name, line, instead = MUTANTS[mistake]
    module, twins = PLACE[name], dict(TWINS)
    mutant = getattr(copied(module, line, instead), name)
    TWINS.update(twins)
    if name == "Places":
        method = "are_all" if "same" in line else "numbers"
        replaced = patch.object(_places.Places, method, vars(mutant)[method])
    elif name == "ReadView":
        replaced = patch.object(view, "_read_view", function_of(mutant))
    else:
        replaced = patch.object(getattr(module, name), "backward", mutant.backward)
    with replaced:
        assert not all(is_right(program) for program in PROGRAMS.values())


def test_without_a_mistake_every_program_is_right() -> None:
    assert all(is_right(program) for program in PROGRAMS.values())
