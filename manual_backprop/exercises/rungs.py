"""The lines of “The ladder”: each is judged beside autograd's gradient, and the time it took is noted.

The lines are lambdas whose parameters are the names of what they use.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from manual_backprop.exercises.answers import numbers_in
from manual_backprop.exercises.judges import Judge
from manual_backprop.exercises.questions import Judgement

Line = Callable[..., Tensor]
Names = Mapping[str, Any]

N, D, M, C = 7, 2, 5, 3
LABELS = (0, 2, 1, 1, 0, 1, 1)
INPUTS = ("x", "W1", "b1", "gamma", "beta", "W2", "b2")
SHAPES = ((N, D), (M, D), (M,), (M,), (M,), (C, M), (C,))


def point() -> list[Tensor]:
    """The numbers that the page computes with: x, W1, b1, gamma, beta, W2, b2 in float64, and y."""
    generator = torch.Generator().manual_seed(14)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
    drawn[3] = 1 + drawn[3] / 4  # gamma starts at one, where its factor would not be missed
    return [*drawn, torch.tensor(LABELS)]


def network(
    x: Tensor, W1: Tensor, b1: Tensor, gamma: Tensor, beta: Tensor, W2: Tensor, b2: Tensor, y: Tensor
) -> dict[str, Tensor]:
    """Every value of the forward pass, by name."""
    z1 = x @ W1.T + b1
    mu = z1.mean(0)
    centred = z1 - mu
    var = (centred**2).mean(0)
    std = torch.sqrt(var + 1e-5)
    xhat = centred / std
    h = gamma * xhat + beta
    a = torch.tanh(h)
    z2 = a @ W2.T + b2
    m = z2.amax(1, keepdim=True)
    e = torch.exp(z2 - m)
    total = e.sum(1, keepdim=True)
    p = e / total
    logp = torch.log(p)
    target = one_hot(y, C)
    loss = -(target * logp).sum() / len(x)
    return locals()


@cache
def values() -> dict[str, Any]:
    """The forward's values, and autograd's gradient of each under the name with a d before it."""
    *inputs, y = point()
    with torch.enable_grad():
        all_values = network(*[*(x.requires_grad_() for x in inputs), y])
        loss = all_values.pop("loss")
        moving = {name: value for name, value in all_values.items() if value.requires_grad}
        gradients = torch.autograd.grad(loss, list(moving.values()))
    found = {name: value.detach() for name, value in all_values.items()}
    return found | {f"d{name}": gradient for name, gradient in zip(moving, gradients, strict=True)} | {"N": N}


def of(line: Line, names: Names) -> Tensor:
    """What a line gives for these values."""
    return line(*(names[name] for name in signature(line).parameters))


@dataclass
class Climb:
    """What the reader has done so far: the latest answers, and when each rung was judged right."""

    began: float = field(default_factory=time.monotonic)
    answers: dict[str, Tensor] = field(default_factory=dict)
    solved: dict[str, float] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    def note(self, number: str) -> None:
        """This rung is right, now if not before."""
        self.solved.setdefault(number, time.monotonic())

    def minutes(self) -> dict[str, float]:
        """How long each solved rung took, from the one that was solved before it."""
        times = [self.began, *self.solved.values()]
        return {
            number: (end - start) / 60
            for number, (start, end) in zip(self.solved, pairwise(times), strict=True)
        }


CLIMB = Climb()


def start() -> None:
    """Start the clock. What was solved before is forgotten."""
    CLIMB.began = time.monotonic()
    for noted in (CLIMB.answers, CLIMB.solved, CLIMB.skipped):
        noted.clear()


def gradient_of(name: str) -> Tensor:
    """Autograd's gradient of a value of the forward, such as "p"."""
    known = [each for each in values() if f"d{each}" in values()]
    if name not in known:
        raise ValueError(f"gradient_of: the name must be one of {', '.join(known)}, got {name!r}")
    gradient: Tensor = values()[f"d{name}"]
    return gradient.clone()


def skip(name: str) -> Tensor:
    """Autograd's gradient, `skip("dp")`, to go on without having derived it: no time is noted for it."""
    gradient = gradient_of(name.removeprefix("d"))
    CLIMB.skipped.add(name)
    return gradient


def minutes(*numbers: str) -> float | None:
    """The minutes that these rungs took together, such as "14.1" and "14.2"; None if one is not solved."""
    taken = CLIMB.minutes()
    return sum(taken[number] for number in numbers) if taken.keys() >= set(numbers) else None


def solved() -> int:
    """How many rungs have been solved in this run."""
    return len(CLIMB.solved)


def timed(number: str, judge: Judge) -> Judge:
    """The same judge, which notes when an answer is right."""

    def judged(answer: Any) -> Judgement:
        right, remark = judge(answer)
        if right:
            CLIMB.note(number)
        return right, remark

    return judged


def rung(number: str, name: str, line: Line, mistakes: Mapping[str, Line], because: str = "") -> Judge:
    """The answer is the value of a line of the backward.

    Args:
        number: of the exercise.
        name: of the gradient, such as "dp".
        line: the right one.
        mistakes: wrong lines, by what to say of them.
        because: said of the right answer.
    """

    def judge(answer: Any) -> Judgement:
        given, right = numbers_in(answer), values()[name]
        if given.shape != right.shape:
            return False, f"not yet: {_of_shape(name, given, right)}"
        CLIMB.answers[name] = given
        if _close(given, right):
            if name in CLIMB.skipped:
                return True, "right: it is autograd's own."
            CLIMB.note(number)
            return True, f"right. {because}".strip()
        said = next(_remarks(name, given, line, mistakes), None) or _where(name, given, right)
        return False, f"not yet: {said}"

    return judge


def _remarks(name: str, given: Tensor, line: Line, mistakes: Mapping[str, Line]) -> Iterator[str]:
    """What may be said of an answer of the right shape, the best first."""
    true = values()
    for why, mistake in mistakes.items():
        if _same(given, of(mistake, true)):
            yield why
    for other, value in true.items():
        is_gradient = other.startswith("d") and other != name and value.abs().max() > 1e-9  # dm, db1 are zero
        if is_gradient and _same(given, value):
            yield f"this is {other}, and {name} is asked for."
    readers = true | CLIMB.answers
    wrong = [
        each
        for each in signature(line).parameters
        if each in CLIMB.answers and not _close(readers[each], true[each])
    ]
    if wrong:
        behind = " and ".join(wrong)
        if _same(given, of(line, readers)):
            yield f"this line is right, but it goes on from your {behind}, which is not. Mend that first."
        for why, mistake in mistakes.items():
            if _same(given, of(mistake, readers)):
                yield f"{why} (It also goes on from your {behind}, which is not right either.)"
    yield from _factors(given, true[name], true)


def _factors(given: Tensor, right: Tensor, names: Names) -> Iterator[str]:
    if _close(given, -right):
        yield "the sign is wrong, and all else is right."
    for factor, meaning in ((N, "N"), (1 / N, "1/N"), (2, "2"), (1 / 2, "1/2")):
        if _close(given * factor, right):
            yield f"a factor {meaning} is missing, and all else is right."
    for name, value in names.items():
        if isinstance(value, Tensor) and value.is_floating_point():
            if _same(given * value if _fits(value, given) else None, right):
                yield f"multiplied by {name}, it would be right. Where does that factor come from?"
            if _same(right * value if _fits(value, given) else None, given):
                yield f"divided by {name}, it would be right. Why does that factor not belong here?"


def _fits(value: Tensor, to: Tensor) -> bool:
    shape = to.shape
    return value.dim() <= len(shape) and all(
        n in (1, m) for n, m in zip(reversed(value.shape), reversed(shape), strict=False)
    )


def _of_shape(name: str, given: Tensor, right: Tensor) -> str:
    shape, due = tuple(given.shape), tuple(right.shape)
    if given.numel() == right.numel() and _close(given.reshape(due), right):
        return f"the numbers are right, but the shape is that of {name[1:]}, {due}, and not {shape}."
    if given.dim() == 2 and _same(given.T, right):
        return (
            f"this is the transpose of what is due. {name} has the shape of {name[1:]}, {due}: "
            "the other factor is the one to be transposed."
        )
    for dimension in range(given.dim()):
        for keep in (False, True):
            summed = given.sum(dimension, keepdim=keep)
            if _same(summed, right) or _same(-summed, right):
                sign = "" if _same(summed, right) else ", and its sign is wrong"
                return (
                    f"a sum over dimension {dimension} is missing{sign}: {name[1:]}, of shape {due}, was "
                    "broadcast there, and is used once for each entry."
                )
    return f"{name} has the shape of {name[1:]}, {due}, and not {shape}."


def _where(name: str, given: Tensor, right: Tensor) -> str:
    off = (given - right).abs().nan_to_num(nan=torch.inf)
    at = tuple(int(i) for i in torch.unravel_index(off.argmax(), off.shape))
    close = int(torch.isclose(given, right, rtol=1e-6, atol=1e-9).sum())
    some = f"{close} of {right.numel()} entries are right. " if close else ""
    place = f"{name}[{', '.join(map(str, at))}]"
    return (
        f"{some}{place} is {given[at]:.6g}, and autograd has {right[at]:.6g}. (If the line looks right to "
        "you, run the cell of the forward again: one of its names may hold something else by now.)"
    )


def _close(given: Tensor, other: Tensor) -> bool:
    return torch.allclose(given, other.to(given), rtol=1e-6, atol=1e-9)


def _same(given: Tensor | None, other: Tensor | None) -> bool:
    if given is None or other is None or given.shape != other.shape:
        return False
    return _close(given, other)
