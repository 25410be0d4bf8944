"""What the table does not say of attention: dropout, and what it is built from."""

import pytest
import torch
import torch.nn.functional as T

from manual_backprop.functional.attention.scaled_dot_product_attention import (
    scaled_dot_product_attention,
    scores,
)
from tests.functional.checks import assert_same, upstream_for
from tests.functional.samples import randn

INPUTS = randn(2, 3, 5, 2), randn(2, 3, 7, 2), randn(2, 3, 7, 11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_dropout_drops_what_the_twin_drops_from_the_same_seed(p: float, dtype: torch.dtype) -> None:
    results = []
    for function in (scaled_dot_product_attention, T.scaled_dot_product_attention):
        leaves = [x.to(dtype).requires_grad_() for x in INPUTS]
        torch.manual_seed(0)
        output = function(*leaves, dropout_p=p, is_causal=True)
        results.append((output.detach(), *torch.autograd.grad(output, leaves, upstream_for(output))))
    for ours, twins in zip(*results, strict=True):
        # With p = 1 every weight is 0; the twin divides by 1 − p first, and its gradients are NaN.
        assert_same("attention with dropout", ours.nan_to_num(), twins.nan_to_num())


def test_gradients_under_dropout_are_those_of_the_weights_that_were_kept() -> None:
    def seeded(*inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        return scaled_dot_product_attention(*inputs, dropout_p=0.5)

    leaves = tuple(x[:1, :1].clone().requires_grad_() for x in INPUTS)
    torch.autograd.gradcheck(seeded, leaves, check_forward_ad=True)
    torch.autograd.gradgradcheck(seeded, leaves)


def test_scores_read_nothing_of_the_memory_that_they_are_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda x, shape: x.new_full(shape, torch.nan))
    Q, K, _ = INPUTS
    due = 0.3 * Q @ K.mT
    assert_same("λ Q Kᵀ", scores(Q, K, 0.3), due)
    assert_same("for each of a batch", torch.func.vmap(scores, (0, 0, None))(Q, K, 0.3), due)
    moved = torch.func.jvp(lambda Q: scores(Q, K, 0.3), (Q,), (Q,))[1]
    assert_same("its tangent", moved, due)
    assert_same("one K for all", scores(Q, K[0, 0], 0.3), 0.3 * Q @ K[0, 0].mT)
