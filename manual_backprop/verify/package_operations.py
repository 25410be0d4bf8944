"""The package's own operations by name: what each is judged with, and how it is called."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F

CLASSES = torch.tensor([0, 2, 1, 1, 0])
ROWS = torch.tensor([2, 0, 2])
HALF = torch.tensor([[True, False, True]])
YES_OR_NO = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.3]]).double()
POSITIVE = torch.tensor([[0.3, 2.0, 1.1], [0.7, 5.0, 0.1]]).double()
IMAGES = (2, 4, 5, 6)
RECURRENT = ((3, 2, 5), (1, 2, 4))
OWN: dict[str, tuple[Any, ...]] = {  # shapes and tensors, then options by name
    "abs": ((5, 3),),
    "adaptive_avg_pool2d": (IMAGES, {"output_size": (2, 4)}),
    "add": ((5, 3), (3,), {"alpha": 2}),
    "addmm": ((7,), (5, 3), (3, 7), {"beta": 0.5, "alpha": 2}),
    "avg_pool2d": (IMAGES, {"kernel_size": 3, "stride": 2, "padding": 1}),
    "baddbmm": ((2, 5, 7), (2, 5, 3), (2, 3, 7)),
    "batch_norm": ((5, 3), (3,), (3,)),
    "binary_cross_entropy_with_logits": ((2, 3), YES_OR_NO),
    "bmm": ((2, 5, 3), (2, 3, 7)),
    "broadcast_to": ((3,), {"size": (5, 3)}),
    "cat": ((2, 3), (5, 3)),
    "chunk": ((5, 3), {"chunks": 2}),
    "clone": ((5, 3),),
    "conv2d": (IMAGES, (6, 2, 3, 3), (6,), {"padding": 1, "groups": 2}),
    "cross_entropy": ((5, 3), CLASSES),
    "div": ((2, 3), POSITIVE),
    "dot": ((5,), (5,)),
    "dropout": ((5, 3),),
    "elu": ((5, 3),),
    "embedding": (ROWS, (4, 3)),
    "exp": ((5, 3),),
    "flatten": ((2, 3, 5), {"start_dim": 1}),
    "gelu": ((5, 3),),
    "group_norm": (IMAGES, (4,), (4,), {"num_groups": 2}),
    "hardsigmoid": ((5, 3),),
    "hardswish": ((5, 3),),
    "hardtanh": ((5, 3),),
    "huber_loss": ((5, 3), (5, 3)),
    "index_select": ((5, 3), {"dim": 0, "index": ROWS}),
    "kl_div": ((2, 3), POSITIVE, {"reduction": "batchmean"}),
    "l1_loss": ((5, 3), (5, 3)),
    "layer_norm": ((5, 3), (3,), (3,)),
    "leaky_relu": ((5, 3),),
    "linear": ((5, 3), (7, 3), (7,)),
    "linear_cross_entropy": ((5, 7), (3, 7), CLASSES),
    "linear_relu": ((5, 3), (7, 3), (7,)),
    "linear_sigmoid": ((5, 3), (7, 3), (7,)),
    "log": (POSITIVE,),
    "log_softmax": ((5, 3), {"dim": 1}),
    "lstm": (*RECURRENT, (1, 2, 4), (16, 5), (16, 4), (16,), (16,)),
    "masked_fill": ((5, 3), {"mask": HALF, "value": -1.0}),
    "matmul": ((2, 5, 3), (3, 7)),
    "max_pool2d": (IMAGES, {"kernel_size": 3, "stride": 2, "padding": 1}),
    "mean": ((5, 3), {"dim": 1}),
    "mm": ((5, 3), (3, 7)),
    "movedim": ((2, 3, 5), {"source": 0, "destination": 2}),
    "mse_loss": ((5, 3), (5, 3)),
    "mul": ((5, 3), (3,)),
    "multi_head_attention_forward": ((3, 2, 4), (3, 2, 4), (3, 2, 4), (12, 4), (12,), (4, 4), (4,)),
    "mv": ((5, 3), (3,)),
    "narrow": ((5, 3), {"dim": 0, "start": 1, "length": 2}),
    "neg": ((5, 3),),
    "nll_loss": ((5, 3), CLASSES),
    "permute": ((2, 3, 5), {"dims": (2, 0, 1)}),
    "pow": (POSITIVE, (2, 3)),
    "relu": ((5, 3),),
    "relu6": ((5, 3),),
    "reshape": ((5, 3), {"shape": (15,)}),
    "rms_norm": ((5, 3), (3,)),
    "rnn_relu": (*RECURRENT, (4, 5), (4, 4), (4,), (4,)),
    "rnn_tanh": (*RECURRENT, (4, 5), (4, 4), (4,), (4,)),
    "rsqrt": (POSITIVE,),
    "scaled_dot_product_attention": ((2, 3, 5), (2, 4, 5), (2, 4, 5)),
    "select": ((5, 3), {"dim": 1, "index": 2}),
    "sigmoid": ((5, 3),),
    "silu": ((5, 3),),
    "smooth_l1_loss": ((5, 3), (5, 3), {"beta": 0.5}),
    "softmax": ((5, 3), {"dim": 1}),
    "softplus": ((5, 3),),
    "split": ((5, 3), {"split_size_or_sections": 2}),
    "sqrt": (POSITIVE,),
    "square": ((5, 3),),
    "squeeze": ((5, 1, 3),),
    "stack": ((5, 3), (5, 3)),
    "std": ((5, 3), {"dim": 1}),
    "sub": ((5, 3), (3,)),
    "sum": ((5, 3), {"dim": 1}),
    "t": ((5, 3),),
    "tanh": ((5, 3),),
    "transpose": ((2, 3, 5), {"dim0": 0, "dim1": 2}),
    "unbind": ((5, 3),),
    "unflatten": ((6, 5), {"dim": 0, "sizes": (2, 3)}),
    "unsqueeze": ((5, 3), {"dim": 1}),
    "var": ((5, 3), {"dim": 1}),
    "where": (HALF, (5, 3), (5, 3)),
}

TWINS: dict[str, Any] = {
    "hardsigmoid": lambda x: T.relu6(x + 3) / 6,  # T.hardsigmoid's slope is a float32's 1/6
    "linear_relu": lambda x, W, b: T.relu(T.linear(x, W, b)),
    "linear_cross_entropy": lambda x, W, y: T.cross_entropy(T.linear(x, W), y),
    "linear_sigmoid": lambda x, W, b: T.sigmoid(T.linear(x, W, b)),
}


def _of_a_list(function: Any, *inputs: Tensor) -> Tensor:
    return function(inputs)


def _second_part(function: Any, *inputs: Tensor, **options: Any) -> Tensor:
    return function(*inputs, **options)[1]


def _with_one_mask(function: Any, input: Tensor) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return function(input)


def _recurrent(function: Any, input: Tensor, hx: Tensor, *params: Tensor) -> Tensor:
    return function(input, hx, params, True, 1, 0.0, False, False, False)[0]


def _lstm(function: Any, input: Tensor, h: Tensor, c: Tensor, *params: Tensor) -> Tensor:
    return function(input, (h, c), params, True, 1, 0.0, False, False, False)[0]


def _normalised(function: Any, input: Tensor, *parameters: Tensor) -> Tensor:
    return function(input, (3,), *parameters)


def _of_the_batch(function: Any, input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return function(input, None, None, weight, bias, training=True)


def _of_groups(function: Any, input: Tensor, weight: Tensor, bias: Tensor, num_groups: int) -> Tensor:
    return function(input, num_groups, weight, bias)


def _with_two_heads(function: Any, *inputs: Tensor) -> Tensor:
    query, key, value, in_weight, in_bias, out_weight, out_bias = inputs
    projected = (in_weight, in_bias, None, None, False, 0.0, out_weight, out_bias)
    return function(query, key, value, 4, 2, *projected)[0]


CALLS: dict[str, Callable[..., Tensor]] = {  # where the call is not function(*inputs, **options)
    "cat": _of_a_list,
    "stack": _of_a_list,
    "split": _second_part,
    "chunk": _second_part,
    "unbind": _second_part,
    "dropout": _with_one_mask,
    "rnn_tanh": _recurrent,
    "rnn_relu": _recurrent,
    "lstm": _lstm,
    "layer_norm": _normalised,
    "rms_norm": _normalised,
    "batch_norm": _of_the_batch,
    "group_norm": _of_groups,
    "multi_head_attention_forward": _with_two_heads,
}


def own(name: str) -> tuple[Callable[..., Tensor], Callable[..., Tensor], list[Any]]:
    """The operation and its twin, as functions of tensors alone, and what to judge them with."""
    points = [x for x in OWN[name] if not isinstance(x, dict)]
    options: dict[str, Any] = next((x for x in OWN[name] if isinstance(x, dict)), {})

    def called(function: Any) -> Callable[..., Tensor]:
        call = CALLS.get(name)

        def of_tensors(*inputs: Tensor) -> Tensor:
            return call(function, *inputs, **options) if call else function(*inputs, **options)

        return of_tensors

    twin = TWINS.get(name) or getattr(T, name, None) or getattr(torch, name)
    return called(getattr(F, name)), called(twin), points
