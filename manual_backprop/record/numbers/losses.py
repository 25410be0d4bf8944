"""Losses that are a mean or a sum over numbers: the largest terms, and what the others come to."""

import torch

from manual_backprop.functional.operation.torch_state import tree_map
from manual_backprop.record.call import Call, Value
from manual_backprop.record.numbers.elementwise import in_signs, without_brackets
from manual_backprop.record.numbers.places import Place
from manual_backprop.record.numbers.rows import reduction
from manual_backprop.record.numbers.writing import Written, inside, summed

# A term, with {0} for the input, {1} for the target. Of two lines, the second holds for errors above {d}.
TERMS: dict[str, tuple[str, ...]] = {
    "mse_loss": ("({0} − {1})²",),
    "l1_loss": ("abs({0} − {1})",),
    "binary_cross_entropy_with_logits": ("(−{1} · log(σ({0})) − (1 − {1}) · log(1 − σ({0})))",),
    "kl_div": ("{1} · (log({1}) − {0})",),
    "huber_loss": ("({0} − {1})²/2", "{d} · (abs({0} − {1}) − {d}/2)"),
    "smooth_l1_loss": ("({0} − {1})²/(2 · {d})", "(abs({0} − {1}) − {d}/2)"),
}
WITH_A_FORMULA = ("mse_loss", "l1_loss", "binary_cross_entropy_with_logits")


def forward(call: Call, place: Place) -> list[Written] | None:
    """(term + term + …)/n."""
    if place or not is_plain(call):
        return None
    x, t = (value.tensor.detach().double().flatten() for value in call.inputs)
    lines, limit = TERMS[call.operation], _limit(call)
    values = _terms(call)

    def write(i: int) -> str:
        line = lines[-1 if abs(float(x[i] - t[i])) > limit else 0]
        return line.format(inside(float(x[i])), inside(float(t[i])), d=inside(limit))

    written = summed(values, write)
    if reduction(call) == "sum":
        return [written]
    given = call.inputs[0].tensor
    count = len(given) if reduction(call) == "batchmean" and given.dim() else len(x)
    return [Written(f"({written.text}) / {count}", written.value / count)]


def backward(call: Call, at: int, place: Place) -> list[Written] | None:
    """The formula, with its numbers, for the losses whose derivative is one formula."""
    upstream = call.output.gradient
    if call.operation not in WITH_A_FORMULA or not is_plain(call) or upstream is None:
        return None
    x, t = (float(value.tensor[place]) for value in call.inputs)
    count = call.inputs[0].tensor.numel()
    template = call.chosen(in_signs(call.formula.gradient(at))).replace("/n", f"/{count}")
    text = without_brackets(template.format(inside(x), inside(t), g=inside(float(upstream))))
    tensors = [torch.tensor(number, dtype=torch.float64) for number in (x, t)]
    tensors[at].requires_grad_()
    (slope,) = torch.autograd.grad(_with(call, tensors, "sum"), tensors[at])
    return [Written(text, float(slope) * float(upstream) / (count if reduction(call) == "mean" else 1))]


def is_plain(call: Call) -> bool:
    """Whether there are an input and a target of one shape, and no weights."""
    if call.operation not in TERMS or call.twin is None or len(call.inputs) != 2:
        return False
    x, t = (value.tensor for value in call.inputs)
    log_target = call.operation == "kl_div" and (call.arguments[-1] or not bool((t > 0).all()))
    return x.shape == t.shape and x.numel() > 0 and reduction(call) != "none" and not log_target


def _limit(call: Call) -> float:
    """The error from which on the loss is a straight line."""
    if call.operation == "huber_loss":
        return float(call.arguments[4])
    return float(call.arguments[5]) if call.operation == "smooth_l1_loss" else float("inf")


def _terms(call: Call) -> torch.Tensor:
    tensors = [value.tensor.detach().double() for value in call.inputs]
    return _with(call, tensors, "none").flatten()


def _with(call: Call, tensors: list[torch.Tensor], how: str) -> torch.Tensor:
    """The loss of other tensors, reduced in another way."""
    rest, twin = iter(tensors), call.twin
    assert twin is not None

    def argument(given: object) -> object:
        if isinstance(given, Value):
            return next(rest)
        return how if given in ("mean", "sum", "batchmean") else given

    result: torch.Tensor = twin(*tree_map(argument, call.arguments))
    return result
