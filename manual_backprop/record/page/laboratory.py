"""The network of a step, as the page's script computes it: which tensors its layers join.

A multilayer perceptron of linear, relu, sigmoid and tanh, with softmax cross-entropy or squared error. The
page computes it anew when a number is changed, and trains it; PyTorch's losses go with it.
"""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.record.call import Call
from manual_backprop.record.numbers.losses import is_plain as is_plain_error
from manual_backprop.record.numbers.rows import is_plain as is_plain_entropy
from manual_backprop.record.numbers.rows import reduction
from manual_backprop.record.step import Step

ACTIVATIONS = ("relu", "sigmoid", "tanh")
PLAIN = {"cross_entropy": is_plain_entropy, "mse_loss": is_plain_error}


def network_of(step: Step) -> dict[str, Any] | None:
    """The layers, by the places of their tensors among the step's values; None for any other model."""
    *layers, loss = step.calls
    if not (layers and _is_chain(step) and all(map(_is_layer, layers)) and _is_loss(loss)):
        return None
    place = {id(value): i for i, value in enumerate(step.values)}
    return {
        "layers": [_layer(call, place) for call in layers],
        "loss": {
            "kind": loss.operation,
            "input": place[id(loss.inputs[0])],
            "target": place[id(loss.inputs[1])],
            "output": place[id(loss.output)],
            "mean": reduction(loss) == "mean",
        },
    }


def _layer(call: Call, place: dict[int, int]) -> dict[str, Any]:
    layer = {"kind": call.operation, "input": place[id(call.inputs[0])], "output": place[id(call.output)]}
    if call.operation == "linear":
        weight, *bias = call.inputs[1:]
        layer |= {"weight": place[id(weight)], "bias": place[id(bias[0])] if bias else None}
    return layer


def _is_chain(step: Step) -> bool:
    """Whether each operation goes on with what the one before made, and nothing is used twice."""
    before = [step.calls[0].inputs[0], *(call.output for call in step.calls[:-1])]
    goes_on = all(call.inputs[:1] == [value] for call, value in zip(step.calls, before, strict=True))
    used_once = all(len(value.uses) == 1 for call in step.calls for value in call.inputs)
    learned = {id(parameter.value) for parameter in step.parameters}
    weights = {id(value) for call in step.calls[:-1] for value in call.inputs[1:]}
    return goes_on and used_once and before[0].kind == "input" and learned <= weights


def _is_layer(call: Call) -> bool:
    tensors = [call.inputs[0].tensor, call.output.tensor]
    rows = all(tensor.dim() == 2 and tensor.dtype in (torch.float32, torch.float64) for tensor in tensors)
    if call.operation == "linear":
        return rows and call.output.gradient is not None
    return rows and call.operation in ACTIVATIONS and len(call.arguments) == 1


def _is_loss(call: Call) -> bool:
    is_plain = PLAIN.get(call.operation)
    return is_plain is not None and call.inputs[0].tensor.dim() == 2 and is_plain(call)


def losses_of_training(step: Step, count: int) -> list[float]:
    """L before so many steps of gradient descent on the same examples and after each, by PyTorch alone."""
    losses = []
    with torch.inference_mode(False), torch.enable_grad():
        # In copies: training changes them, and a tensor made in inference mode cannot be differentiated.
        tensors = {id(value): value.tensor.clone() for value in step.values}
        learned = [tensors[id(parameter.value)].requires_grad_() for parameter in step.parameters]
        for _ in range(count + 1):
            loss = _loss(step.calls, tensors)
            losses.append(float(loss.detach()))
            gradients = torch.autograd.grad(loss, learned)
            with torch.no_grad():
                for parameter, gradient in zip(learned, gradients, strict=True):
                    parameter.sub_(gradient, alpha=step.lr)
    return losses


def _loss(calls: list[Call], tensors: dict[int, Tensor]) -> Tensor:
    """The forward pass, by the operations' twins in PyTorch."""
    for call in calls:
        tensors[id(call.output)] = call.by_twin([tensors[id(value)] for value in call.inputs])
    return tensors[id(calls[-1].output)]
