"""`use_manual_gradients`: unmodified models, autograd's gradients, and nothing built in left."""

import os
import threading
from typing import Any

import pytest
import torch
import torch.nn.functional as T
import torch.overrides
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from manual_backprop import use_manual_gradients
from manual_backprop.takeover import BuiltIn
from tests.models import COARSE, MODELS


def gradients(model: nn.Module, inputs: Tensor, labels: Tensor, step: Any = None) -> tuple[Tensor, ...]:
    """The loss and every parameter's gradient, dropout drawn from the same seed each time."""
    torch.manual_seed(1)
    model.zero_grad()
    loss = T.cross_entropy(model(inputs) if step is None else step(inputs), labels)
    loss.backward()
    return (loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None))


@pytest.mark.parametrize("name", MODELS)
def test_an_unmodified_model_has_autograds_gradients_by_hand(name: str) -> None:
    torch.manual_seed(0)
    build, draw = MODELS[name]
    model, (inputs, labels) = build().double(), draw()
    due = gradients(model, inputs, labels)
    with use_manual_gradients(strict=True) as coverage:
        given = gradients(model, inputs, labels)
    assert len(due) == len(given) == 1 + len(list(model.parameters()))
    for a, b in zip(given, due, strict=True):
        atol = COARSE.get(name, 1e-10) * float(b.abs().max()) + 1e-15
        torch.testing.assert_close(a, b, rtol=1e-8, atol=atol)
    assert coverage, coverage
    nodes = coverage.hand_written.total()
    assert str(coverage) == f"{nodes} nodes in the backward graph, {nodes} hand-written"


@pytest.fixture
def small() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    return model, torch.randn(2, 5), torch.tensor([2, 0])


class Cube(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.special.erfcx(x)  # of which there is no twin


def test_what_stays_built_in_is_named_with_its_place(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, y = small
    odd = nn.Sequential(model, Cube())
    with use_manual_gradients() as coverage:
        gradients(odd, x, y)
    assert not coverage
    (found,) = coverage.built_in
    assert found[0] == "SpecialErfcxBackward0"
    assert "erfcx in 1 (Cube)" in found[1]
    assert "test_takeover.py" in found[1]
    assert "4 hand-written" in str(coverage)
    with use_manual_gradients(strict=True), pytest.raises(BuiltIn, match=r"erfcx in 1 \(Cube\)"):
        odd(x)


def test_nothing_is_left_of_it_after_an_exception(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, _ = small
    before = torch.overrides._get_current_function_mode_stack()
    with pytest.raises(ZeroDivisionError), use_manual_gradients():
        raise ZeroDivisionError
    assert torch.overrides._get_current_function_mode_stack() == before
    assert model(x).grad_fn.name() == "AddmmBackward0"


def test_another_thread_is_not_concerned(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, _ = small
    names: list[str] = []
    with use_manual_gradients():
        thread = threading.Thread(target=lambda: names.append(model(x).grad_fn.name()))
        thread.start()
        thread.join()
        z = model(x)
        names.append(z.grad_fn.name())
    assert names == ["AddmmBackward0", "LinearBackward"]


def test_threads_at_once_have_a_coverage_each(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, _ = small
    counts: dict[int, int] = {}

    def run(layers: int) -> None:
        with use_manual_gradients() as coverage:
            for _ in range(20):
                z = x
                for _ in range(layers):
                    z = model[0](z[:, :5])
                torch.autograd.grad(z.sum(), model[0].weight)
        counts[layers] = coverage.hand_written["Linear"]

    threads = [threading.Thread(target=run, args=(layers,)) for layers in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {1: 1, 2: 2, 3: 3, 4: 4}


def test_what_needs_no_gradient_is_left_to_pytorch(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, _ = small
    with use_manual_gradients(strict=True), torch.no_grad():
        assert model(x).grad_fn is None


def test_functional_call_and_second_derivatives(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, y = small
    parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}

    def penalty() -> tuple[Tensor, ...]:
        loss = T.cross_entropy(torch.func.functional_call(model, parameters, (x,)), y)
        first = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
        return torch.autograd.grad(sum((g * g).sum() for g in first), list(parameters.values()))

    due = penalty()
    with use_manual_gradients() as coverage:
        given = penalty()
    for a, b in zip(given, due, strict=True):
        torch.testing.assert_close(a, b)
    assert coverage.hand_written["Linear"] == 2


def test_autocast(small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, y = small
    with torch.autocast("cpu", torch.bfloat16):
        due = gradients(model, x, y)
        with use_manual_gradients():
            assert model(x).dtype == torch.bfloat16
            given = gradients(model, x, y)
    for a, b in zip(given, due, strict=True):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing(use_reentrant: bool, small: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, y = small
    x.requires_grad_()
    due = gradients(model, x, y)
    calls: list[str] = []

    def step(inputs: Tensor) -> Tensor:
        z: Tensor = checkpoint(model, inputs, use_reentrant=use_reentrant)
        calls.append(z.grad_fn.name())
        return z

    with use_manual_gradients():
        given = gradients(model, x, y, step)
    for a, b in zip(given, due, strict=True):
        torch.testing.assert_close(a, b)
    assert calls == ["CheckpointFunctionBackward" if use_reentrant else "LinearBackward"]


def checkpointed_loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Square and of one size, so that other operations would save tensors of the same shapes."""
    return T.cross_entropy(checkpoint(model, x, use_reentrant=False), y)


def test_what_was_checkpointed_by_hand_is_not_computed_again_in_another_way() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 3))
    x, y = torch.randn(3, 3, requires_grad=True), torch.tensor([2, 0, 1])
    (due,) = torch.autograd.grad(checkpointed_loss(model, x, y), x)
    with use_manual_gradients():
        loss, other = checkpointed_loss(model, x, y), checkpointed_loss(model, x, y)
    with pytest.raises(RuntimeError, match=r"call backward\(\) inside the block"):
        loss.backward()
    with use_manual_gradients():
        torch.testing.assert_close(torch.autograd.grad(other, x)[0], due)


def test_what_was_checkpointed_and_is_built_in_is_computed_again_as_before() -> None:
    x = torch.randn(3, requires_grad=True)
    with use_manual_gradients():
        loss = checkpoint(lambda x: torch.special.erfcx(x), x, use_reentrant=False).sum()
    (due,) = torch.autograd.grad(torch.special.erfcx(x).sum(), x)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], due)


def test_what_was_checkpointed_before_the_block_is_computed_again_as_before(
    small: tuple[nn.Module, Tensor, Tensor],
) -> None:
    model, x, y = small
    x.requires_grad_()
    (due,) = torch.autograd.grad(checkpointed_loss(model, x, y), x)
    loss = checkpointed_loss(model, x, y)
    with use_manual_gradients():
        pass
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], due)


def test_distributed_data_parallel(small: tuple[nn.Module, Tensor, Tensor], tmp_path: Any) -> None:
    if not torch.distributed.is_available():
        pytest.skip("needs torch.distributed")
    model, x, y = small
    due = gradients(model, x, y)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        parallel = nn.parallel.DistributedDataParallel(model)
        with use_manual_gradients() as coverage:
            given = gradients(model, x, y, parallel)
    finally:
        torch.distributed.destroy_process_group()
    for a, b in zip(given, due, strict=True):
        torch.testing.assert_close(a, b)
    assert coverage


def test_before_a_backward_it_says_so() -> None:
    with use_manual_gradients() as coverage:
        pass
    assert str(coverage).startswith("no backward yet")
    assert not coverage
