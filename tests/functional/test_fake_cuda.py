"""On a GPU no operation waits where PyTorch's own does not, and each may be captured in a CUDA graph."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop import use_manual_gradients
from manual_backprop.functional.operation import PUBLIC, TWINS
from tests.functional.fake_cuda import waits
from tests.functional.outcomes import Twins
from tests.functional.samples import Row, Sample, randn
from tests.functional.table import ROWS

NAMES = {row.name for row in ROWS}
OTHERS = sorted(name for name, public in PUBLIC.items() if public.example and name not in NAMES)
UNKNOWN_TO_FAKE_TENSORS = {"lstm", "rnn_relu", "rnn_tanh"}  # cuDNN's are asked for

x, y = randn(5, 3).float().requires_grad_(), randn(5, 3, seed="y").float().requires_grad_()
ON_CPU = torch.tensor(2.0)
MASK = x.detach() > 0
WRITES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "fill_, a number": (torch.Tensor.fill_, (0.5,)),
    "fill_, a number in a tensor": (torch.Tensor.fill_, (randn().float().requires_grad_(),)),
    "zero_": (torch.Tensor.zero_, ()),
    "copy_": (torch.Tensor.copy_, (y,)),
    "add_, a number": (torch.Tensor.add_, (2.0,)),
    "sub_": (torch.Tensor.sub_, (y,)),
    "mul_": (torch.Tensor.mul_, (y,)),
    "div_, a number": (torch.Tensor.div_, (2.0,)),
}


def changed(change: Callable[..., Any]) -> Callable[..., Tensor]:
    """What a tensor is after `change`."""

    def result(x: Tensor, *others: Tensor) -> Tensor:
        z = x * 1
        change(z, *others)
        return z * z

    return result


CHOICES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "masked_fill, a number": (torch.masked_fill, (MASK, 0.0)),
    "masked_fill, minus infinity": (torch.masked_fill, (MASK, float("-inf"))),
    "where, a number": (lambda x, c, t: torch.where(c, x, t), (MASK, 0.0)),
    "x[[0, 2, 0]]": (torch.Tensor.__getitem__, ([0, 2, 0],)),
    "x[[0, 1], [2, 2]]": (torch.Tensor.__getitem__, (([0, 1], [2, 2]),)),
    "x[:, [2, 0]]": (torch.Tensor.__getitem__, ((slice(None), [2, 0]),)),
    "x[mask]": (torch.Tensor.__getitem__, (MASK,)),
    "index_select": (torch.index_select, (0, torch.tensor([2, 0, 2]))),
    "x[0] = 0": (changed(lambda z: z.__setitem__(0, 0.0)), ()),
    "x[0] = y": (changed(lambda z, y: z.__setitem__(0, y)), (y[0].detach().requires_grad_(),)),
    "x[[0, 2]] = y": (changed(lambda z, y: z.__setitem__([0, 2], y[:2])), (y,)),
    "x[mask] = 0": (changed(lambda z, mask: z.__setitem__(mask, 0.0)), (MASK,)),
    "x[0] *= 2": (changed(lambda z: z[0].mul_(2)), ()),
    "x[:, 1:] += y": (changed(lambda z, y: z[:, 1:].add_(y[:, 1:])), (y,)),
    "a ReLU in place after a flatten": (changed(lambda z: torch.nn.functional.relu(z.flatten(), True)), ()),
    "a view read after its base is written": (lambda x: ((z := x * 1)[0], z.mul_(2))[0] * 1, ()),
    "a number to the power of x": (lambda x, base: torch.pow(base, x), (2.0,)),
}


def of_sample(function: Callable[..., Any], sample: Sample) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The call of a sample, and what it is given: the options first."""
    cast = sample.to(torch.float32)
    inputs = [x.detach().requires_grad_() for x in cast.inputs]
    return lambda options, *inputs: function(*inputs, **options), (cast.options, *inputs)


def more_than(ours: tuple[list[str], ...], twins: tuple[list[str], ...]) -> list[str]:
    """What is waited for in a call and its backward more often than the twin does in its own."""
    return [what for a, b in zip(ours, twins, strict=True) for what in {*a} if a.count(what) > b.count(what)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_sample_of_the_table_waits(row: Row) -> None:
    found = {}
    for sample in row.samples:
        *ours, _ = waits(*of_sample(row.function, sample))
        if any(ours):
            *twins, _ = waits(*of_sample(row.twin, sample))
            found[sample.name] = more_than(tuple(ours), tuple(twins))
    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("autocast", [None, torch.float16], ids=["", "autocast"])
@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name not in UNKNOWN_TO_FAKE_TENSORS], ids=lambda row: row.name
)
def test_values_and_gradients_are_where_the_twins_are(row: Row, autocast: torch.dtype | None) -> None:
    """Shapes, types and devices, also those that autocast gives on CUDA."""
    ours, twins = (waits(*of_sample(f, row.smallest), autocast) for f in (row.function, row.twin))
    assert ours == twins


@pytest.mark.parametrize("autocast", [None, torch.float16], ids=["", "autocast"])
@pytest.mark.parametrize("average", [True, False], ids=["the mean of the heads' weights", "each head's"])
def test_attention_and_its_weights_are_in_the_twins_types(
    average: bool, autocast: torch.dtype | None
) -> None:
    shapes = ((3, 2, 4), (12, 4), (12,), (4, 4), (4,))
    given = [randn(*shape).float().requires_grad_() for shape in shapes]

    def call(f: Any, x: Tensor, *weights: Tensor) -> Any:
        W, b, *out = weights
        return f.multi_head_attention_forward(
            x, x, x, 4, 2, W, b, None, None, False, 0.0, *out, average_attn_weights=average
        )

    ours, twins = (waits(partial(call, f), given, autocast) for f in (F, Twins()))
    assert ours == twins


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore")
def test_no_example_of_another_function_waits(name: str) -> None:
    public = PUBLIC[name]
    assert public.example
    given = [
        torch.randn(each) if isinstance(each, tuple) else each.float() if each.is_floating_point() else each
        for each in public.example.inputs
    ]
    leaves = [each.requires_grad_() if each.is_floating_point() else each for each in given]
    call = public.example.call
    found = waits(lambda options, *x: call(public.function, *x, **options), (public.example.options, *leaves))
    assert found[:2] == ([], [])


@pytest.mark.parametrize("name", WRITES)
def test_no_write_waits(name: str) -> None:
    twin, arguments = WRITES[name]
    results = [waits(lambda x, *a, f=f: f(x * 1, *a), (x, *arguments)) for f in (TWINS[twin], twin)]
    assert results[0] == results[1]


@pytest.mark.parametrize("name", CHOICES)
def test_no_choice_waits_more_often_than_the_twin(name: str) -> None:
    twin, arguments = CHOICES[name]

    def ours(*given: Tensor) -> Any:
        with use_manual_gradients():
            return twin(*given)

    *found, described = waits(ours, (x, *arguments))
    *due, like = waits(twin, (x, *arguments))
    assert more_than(tuple(found), tuple(due)) == []
    assert described == like


def test_a_wait_is_seen() -> None:
    """Each kind of it, so that an empty list means something."""
    kinds = {
        "_local_scalar_dense is read": lambda x: x * float(x.detach().sum()),
        "index.Tensor is read": lambda x: x[x > 0],
        "copies": lambda x: torch.where(x > 0, x, torch.tensor(0.0)),
        "_to_copy copies": lambda x: x + torch.as_tensor(0.0, device=x.device),
        "index.Tensor copies": lambda x: x[torch.tensor([0, 2])],
        "makes a tensor on the CPU": lambda x: x * torch.ones(()),
    }
    for kind, call in kinds.items():
        assert kind in waits(call, (x,))[0][0]
