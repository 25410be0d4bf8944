"""Modules of torch.nn are written out, with their options; what has no hand-written backward is named."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from manual_backprop.derive.backward import program_of
from manual_backprop.derive.program import Program
from manual_backprop.derive.trace import Underivable
from tests.functional.checks import assert_same, upstream_for
from tests.functional.samples import labels, randn


class Part(nn.Module):
    """One output of a module that has several."""

    def __init__(self, module: nn.Module, at: int = 0) -> None:
        super().__init__()
        self.module, self.at = module, at

    def forward(self, *inputs: Tensor) -> Any:
        return self.module(*inputs)[self.at]


class SelfAttention(Part):
    """Attention of x to itself."""

    def __init__(self, at: int = 0, masks: dict[str, Tensor] | None = None, **options: Any) -> None:
        super().__init__(nn.MultiheadAttention(4, 2, **options), at)
        self.masks = masks or {}

    def forward(self, *inputs: Tensor) -> Any:
        (x,) = inputs
        return self.module(x, x, x, need_weights=self.at > 0, **self.masks)[self.at]


class LastState(nn.Module):
    """A classifier of sequences, by the last state of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.output = nn.LSTM(3, 2, batch_first=True), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Any:
        _, (h, _) = self.lstm(x)
        return self.output(h[-1])


image, sequence, batch = randn(2, 3, 6, 6), randn(4, 2, 3), randn(2, 3, 4)
later = torch.ones(3, 3, dtype=torch.bool).triu(1)
padding = torch.tensor([[False, False, True], [False, False, False]])
layer: dict[str, Any] = {"d_model": 4, "nhead": 2, "dim_feedforward": 5, "dropout": 0.0, "batch_first": True}
MODULES: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {
    "convolution": (nn.Conv2d(3, 4, 3, padding=1), (image,)),
    "convolution by group": (nn.Conv2d(3, 6, 3, stride=2, groups=3, bias=False), (image,)),
    "batch norm": (nn.BatchNorm2d(3), (image,)),
    "batch norm in evaluation": (nn.BatchNorm2d(3).eval(), (image,)),
    "group norm": (nn.GroupNorm(3, 3), (image,)),
    "layer norm": (nn.LayerNorm((6, 6)), (image,)),
    "RMS norm": (nn.RMSNorm(6), (image,)),
    "max pooling": (nn.MaxPool2d(3, 2, 1), (image,)),
    "average pooling": (nn.AvgPool2d(2), (image,)),
    "adaptive pooling": (nn.AdaptiveAvgPool2d(1), (image,)),
    "embedding": (nn.Embedding(7, 3, padding_idx=0), (labels(2, 5, classes=7),)),
    "RNN": (Part(nn.RNN(3, 2)), (sequence,)),
    "RNN of rectified units": (Part(nn.RNN(3, 2, nonlinearity="relu", bidirectional=True)), (sequence,)),
    "LSTM": (Part(nn.LSTM(3, 2)), (sequence,)),
    "LSTM of two layers both ways": (Part(nn.LSTM(3, 2, 2, bidirectional=True)), (sequence,)),
    "LSTM with a projection": (Part(nn.LSTM(3, 4, proj_size=2)), (sequence,)),
    "last state of an LSTM": (LastState(), (sequence,)),
    "attention": (SelfAttention(), (batch,)),
    "attention's weights": (SelfAttention(1), (batch,)),
    "attention to what was before": (SelfAttention(masks={"attn_mask": later}), (randn(3, 2, 4),)),
    "attention with padding": (
        SelfAttention(masks={"key_padding_mask": padding}, batch_first=True),
        (batch,),
    ),
    "attention with a key more": (SelfAttention(add_bias_kv=True, add_zero_attn=True), (batch,)),
    "encoder layer": (nn.TransformerEncoderLayer(**layer), (batch,)),
    "encoder layer, norms first": (nn.TransformerEncoderLayer(**layer, norm_first=True), (batch,)),
    "encoder layer in evaluation": (nn.TransformerEncoderLayer(**layer).eval(), (batch,)),
    "decoder layer": (nn.TransformerDecoderLayer(**layer), (batch, randn(2, 3, 4, seed="memory"))),
}
WITHOUT: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {
    "conv1d": (nn.Conv1d(3, 4, 3), (randn(2, 3, 6),)),
    "conv_transpose2d": (nn.ConvTranspose2d(3, 4, 3), (image,)),
    "gru": (Part(nn.GRU(3, 2)), (sequence,)),
    "lstm_cell": (Part(nn.LSTMCell(3, 2)), (randn(2, 3),)),
    "instance_norm": (nn.InstanceNorm2d(3), (image,)),
}


def with_parameters(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, list[str], list[Tensor]]:
    """The module as a function of its inputs and its parameters, their names, and their values."""
    module = module.double()
    parameters = {name: randn(*x.shape, seed=name) for name, x in module.named_parameters()}

    def function(*values: Tensor) -> Any:
        held = dict(zip(parameters, values[len(inputs) :], strict=True))
        buffers = {name: x.clone() for name, x in module.named_buffers()}
        return functional_call(module, {**held, **buffers}, values[: len(inputs)])

    names = [*(f"x{i}" for i in range(len(inputs))), *parameters]
    return function, names, [*inputs, *parameters.values()]


def derived(function: Any, names: list[str], values: list[Tensor], elementary: bool = False) -> Program:
    differentiable = [i for i, x in enumerate(values) if x.is_floating_point()]
    upstream = upstream_for(function(*values).detach())
    return program_of(function, names, values, differentiable, upstream, elementary=elementary)


@pytest.mark.parametrize("elementary", [False, True], ids=["operation", "elementary"])
@pytest.mark.parametrize("name", MODULES)
def test_value_and_gradients_are_autograds(name: str, elementary: bool) -> None:
    function, names, values = with_parameters(*MODULES[name])
    program = derived(function, names, values, elementary)
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in values]
    output = function(*leaves)
    assert_same("value", program.output.value, output.detach(), roundings=64)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    due = torch.autograd.grad(output, wanted, upstream_for(output.detach()), materialize_grads=True)
    for node, gradient in zip(program.differentiable, due, strict=True):
        found = program.gradients.get(node)
        value = torch.zeros_like(gradient) if found is None else found.value
        assert_same(f"gradient of {node.name}", value, gradient, roundings=256)


@pytest.mark.parametrize("name", WITHOUT)
def test_without_a_hand_written_backward(name: str) -> None:
    with pytest.raises(Underivable, match=f"{name} has no hand-written backward"):
        derived(*with_parameters(*WITHOUT[name]))
