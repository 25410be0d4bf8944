"""A region that holds exactly the wrong entries: an inequality, or what an integer input says of them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from manual_backprop.functional.operation import broadcasts
from manual_backprop.verify.diagnosis.wrong_gradient import WrongGradient

FEWEST = 3  # entries on either side of a boundary that is to be believed


def region(wrong: WrongGradient, masks: Sequence[Tensor]) -> tuple[str, str] | None:
    """A diagnosis' name and where the masks, one for each draw, are true; None if no region is known."""
    marked = torch.cat([mask.flatten() for mask in masks])
    if not FEWEST <= int(marked.sum()) <= len(marked) - FEWEST:
        return None
    for place in _inequalities(wrong, marked):
        return "region", place
    for place in _of_integer_inputs(wrong, masks):
        return "some-rows", place
    return None


def _inequalities(wrong: WrongGradient, marked: Tensor) -> Iterator[str]:
    """Bounds on an input, on the output or on grad_output, or on their sizes."""
    for name, values in _tensors(wrong):
        if not broadcasts(values[0].shape, wrong.shape):
            continue
        flat = torch.cat([value.expand(wrong.shape).double().flatten() for value in values])
        for what, t in ((name, flat), (f"|{name}|", flat.abs())):
            inside, outside = t[marked], t[~marked]
            if inside.min() > outside.max():
                yield f"where {what} > {_between(float(outside.max()), float(inside.min()))}"
            if inside.max() < outside.min():
                yield f"where {what} < {_between(float(inside.max()), float(outside.min()))}"


def _tensors(wrong: WrongGradient) -> Iterator[tuple[str, list[Tensor]]]:
    """What may bound a region, with its values on every draw."""
    output, *inputs = zip(*(wrong.problem.tensors(draw) for draw in wrong.draws), strict=True)
    for same in (*inputs, output):
        yield same[0][0], [tensor for _, tensor in same]
    yield wrong.problem.upstream, [draw.upstream for draw in wrong.draws]


def _between(low: float, high: float) -> str:
    """The boundary, as well as two numbers on either side of it tell."""
    return "0" if low < 0 < high else f"a number from {low:.3g} to {high:.3g}"


def _of_integer_inputs(wrong: WrongGradient, masks: Sequence[Tensor]) -> Iterator[str]:
    """Rows of certain classes, or the entries that an input of classes points to."""
    for name, classes in zip(wrong.problem.names, wrong.draws[0].inputs, strict=True):
        if classes.is_floating_point() or classes.shape != wrong.shape[:1]:
            continue
        chosen = _classes_of_rows(classes, masks)
        if chosen:
            yield f"in the rows where {name} is {' or '.join(map(str, chosen))}"
        if _are_at(classes, masks):
            yield f"at the entries that {name} points to"


def _classes_of_rows(classes: Tensor, masks: Sequence[Tensor]) -> list[int]:
    """The classes whose rows are wrong, while no row of another class is; none if there are no such."""
    rows = [mask.flatten(1).any(1) if mask.dim() > 1 else mask for mask in masks]
    if not all(torch.equal(row, rows[0]) for row in rows):
        return []
    inside, outside = set(classes[rows[0]].tolist()), set(classes[~rows[0]].tolist())
    return sorted(inside) if outside and not inside & outside else []


def _are_at(classes: Tensor, masks: Sequence[Tensor]) -> bool:
    """Whether the masks are true at one entry in each row only, that of its class, in half of the rows."""
    shape = masks[0].shape
    if len(shape) != 2 or int(classes.min()) < 0 or int(classes.max()) >= shape[1]:
        return False
    pointed = torch.nn.functional.one_hot(classes, shape[1]).bool()
    wrong = sum(int(mask.sum()) for mask in masks)
    return not any((mask & ~pointed).any() for mask in masks) and 2 * wrong >= len(masks) * int(pointed.sum())
