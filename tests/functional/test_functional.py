"""The functions as PyTorch's users meet them: names, signatures, types, deprecated arguments, odd tensors."""

import inspect
import shutil
import sys
import threading
import warnings

import pytest
import torch
import torch.nn.functional as T
from torch._jit_internal import boolean_dispatched

import manual_backprop.functional as F
from manual_backprop.training.engines.precision import float32_products
from tests.functional.checks import assert_same, gradient_is_the_twins, gradients
from tests.functional.samples import Row, labels, randn
from tests.functional.table import ROWS

FUSED = {"linear_relu", "linear_sigmoid", "linear_cross_entropy", "cross_entropy_"}
TWIN_OF = {name: getattr(T, name, None) or getattr(torch, name, None) for name in set(F.__all__) - FUSED}
IN_PYTHON = sorted(name for name, twin in TWIN_OF.items() if inspect.isfunction(twin))


@pytest.mark.parametrize("name", IN_PYTHON)
def test_signature_is_the_twins(name: str) -> None:
    twin = boolean_dispatched.get(TWIN_OF[name], {"if_false": TWIN_OF[name]})["if_false"]  # of two in one
    ours, twins = (inspect.signature(f).parameters.values() for f in (getattr(F, name), twin))
    assert [(p.name, p.default, p.kind) for p in ours] == [(p.name, p.default, p.kind) for p in twins]


def test_every_name_is_one_of_torch_or_of_a_fusion() -> None:
    assert [name for name, twin in TWIN_OF.items() if twin is None] == []


@pytest.mark.parametrize(
    "flags", [{"size_average": False}, {"size_average": True}, {"reduce": False}, {"reduce": True}]
)
@pytest.mark.parametrize("name", ["nll_loss", "cross_entropy"])
def test_deprecated_flags_mean_what_they_meant(name: str, flags: dict[str, bool]) -> None:
    x, y = randn(5, 3), labels(5, classes=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(T, name)(x, y, **flags)
    with pytest.warns(UserWarning, match="deprecated, use reduction="):
        assert_same(str(flags), getattr(F, name)(x, y, **flags), expected)


@pytest.mark.parametrize("shape", [(), (3,), (5, 3), (2, 3, 5), (2, 3, 5, 7)])
def test_log_softmax_without_a_dimension_warns_and_takes_the_twins(shape: tuple[int, ...]) -> None:
    x = randn(*shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = T.log_softmax(x)
    with pytest.warns(UserWarning, match="deprecated") as caught:
        actual = F.log_softmax(x)
    assert_same("value", actual, expected)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["nll_loss", "cross_entropy"])
def test_one_example_may_have_its_target_in_a_list_of_one(name: str) -> None:
    """The twin computes the value but fails in its backward."""
    x, loss = randn(3), getattr(F, name)
    assert_same("value", loss(x, torch.tensor([1])), getattr(T, name)(x, torch.tensor([1])))
    for_list, for_number = (torch.func.grad(loss)(x, torch.tensor(y)) for y in ([1], 1))
    assert_same("gradient", for_list, for_number)


def test_ignored_classes_may_be_out_of_range() -> None:
    x, y = randn(5, 3), torch.tensor([7, 0, 7, 1, 2])
    assert_same("value", F.cross_entropy(x, y, ignore_index=7), T.cross_entropy(x, y, ignore_index=7))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_sigmoid_promotes_integers(dtype: torch.dtype) -> None:
    z = torch.tensor([0, 1, 1]).to(dtype)
    assert_same("value", F.sigmoid(z), torch.sigmoid(z))


def test_linear_multiplies_integers() -> None:
    x, W, b = torch.arange(15).reshape(5, 3), torch.arange(21).reshape(7, 3), torch.arange(7)
    assert_same("value", F.linear(x, W, b), T.linear(x, W, b))


@pytest.mark.parametrize(
    ("name", "shapes"), [("linear", [(5, 3), (7, 3), (7,)]), ("sigmoid", [(5, 3)])], ids=["linear", "sigmoid"]
)
def test_complex_gradients_are_the_twins(name: str, shapes: list[tuple[int, ...]]) -> None:
    def pulled(f: object) -> tuple[torch.Tensor, ...]:
        inputs = [torch.complex(randn(*s), randn(*s, seed="i")).requires_grad_() for s in shapes]
        output = getattr(f, name)(*inputs)
        upstream = torch.complex(randn(*output.shape, seed="v"), randn(*output.shape, seed="vi"))
        return torch.autograd.grad(output, inputs, upstream)

    for actual, expected in zip(pulled(F), pulled(T), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-13, atol=1e-13)


def test_probabilities_may_have_another_precision_than_scores() -> None:
    z, q, w = randn(5, 3).float(), randn(5, 3).softmax(1), randn(3).abs().bfloat16()
    results = []
    for f in (F, T):
        leaves = [x.detach().requires_grad_() for x in (z, q, w)]
        loss = f.cross_entropy(*leaves)
        results.append((loss.detach(), *torch.autograd.grad(loss, leaves)))
    for ours, twins in zip(*results, strict=True):
        assert ours.dtype == twins.dtype
        torch.testing.assert_close(ours, twins, rtol=1e-2, atol=1e-6)


def test_a_network_of_all_four_trains_like_the_twins() -> None:
    x, y, W1, W2 = randn(5, 3), labels(5, classes=11), randn(7, 3), randn(11, 7)

    def loss(f: object, W1: torch.Tensor, W2: torch.Tensor) -> torch.Tensor:
        hidden = f.relu(f.linear(f.sigmoid(x), W1))  # type: ignore[attr-defined]
        return f.cross_entropy(f.linear(hidden, W2), y)  # type: ignore[attr-defined]

    ours, twins = (torch.func.grad(loss, (1, 2))(f, W1, W2) for f in (F, T))
    for actual, expected in zip(ours, twins, strict=True):
        assert_same("gradient", actual, expected)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("c++"), reason="torch.compile needs a C++ compiler here"
)
def test_inductor_compiles_a_network_of_all_four() -> None:
    torch.compiler.reset()
    y = labels(5, classes=11)

    def loss(x: torch.Tensor, W1: torch.Tensor, b1: torch.Tensor, W2: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(F.linear(F.sigmoid(x), W1, b1))
        return F.cross_entropy(F.linear(hidden, W2), y, label_smoothing=0.1)

    inputs = [x.requires_grad_() for x in (randn(5, 3), randn(7, 3), randn(7), randn(11, 7))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the compiler says of itself is not ours to answer for
        compiled = torch.autograd.grad(torch.compile(loss, fullgraph=True)(*inputs), inputs)
    for actual, expected in zip(compiled, torch.autograd.grad(loss(*inputs), inputs), strict=True):
        assert_same("gradient", actual, expected, roundings=64)


def test_operations_may_be_called_from_several_threads() -> None:
    row = next(row for row in ROWS if row.name == "cross_entropy")
    expected = gradients(row.twin, row.samples[0])[0]
    results: list[torch.Tensor] = []
    threads = [
        threading.Thread(target=lambda: results.append(gradients(row.function, row.samples[0])[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for result in results:
        assert_same("gradient", result, expected)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_gradients_on_cuda_are_the_twins(row: Row) -> None:
    with float32_products("ieee"):  # cuDNN takes TF32 for float32 of itself
        for sample in row.samples:
            gradient_is_the_twins(row.function, row, sample.on("cuda"))
