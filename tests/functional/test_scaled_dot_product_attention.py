"""What the table does not say of attention: dropout, and what it is built from."""

import pytest
import torch
import torch.nn.functional as T

from manual_backprop.functional.attention import _blocks
from manual_backprop.functional.attention import scaled_dot_product_attention as attention_file
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


MANY: dict[str, dict[str, object]] = {
    "all keys": {},
    "causal": {"is_causal": True},
    "a boolean mask, with queries that see nothing": {
        "attn_mask": randn(2, 3, 7, 5) > torch.linspace(-1, 9, 7)[:, None]
    },
    "a mask to add": {"attn_mask": randn(7, 5)},
    "dropout": {"dropout_p": 0.4, "is_causal": True},
}


@pytest.mark.parametrize("leading", [(2, 3), (6,), (), (1, 2, 3)], ids=str)
@pytest.mark.parametrize("keys", [5, 7, 9])
@pytest.mark.parametrize("case", MANY)
def test_gradients_in_blocks_are_those_of_all_scores_at_once(
    case: str, keys: int, leading: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dict(MANY[case])
    mask = options.get("attn_mask")
    if isinstance(mask, torch.Tensor) and (keys != 5 or (mask.dim() > 2 and leading != (2, 3))):
        pytest.skip("of another size than the mask")
    inputs = [randn(*leading, 7, 4), randn(*leading, keys, 4), randn(*leading, keys, 3)]
    leaves = [x.requires_grad_() for x in inputs]
    upstream = randn(*leading, 7, 3, seed="upstream")

    def gradients() -> tuple[torch.Tensor, ...]:
        torch.manual_seed(0)
        return torch.autograd.grad(scaled_dot_product_attention(*leaves, **options), leaves, upstream)

    at_once = gradients()
    for rows in (1, 2):
        monkeypatch.setattr(_blocks, "BLOCK", 1)
        monkeypatch.setattr(_blocks, "ROWS", rows)
        for actual, due in zip(gradients(), at_once, strict=True):
            assert_same("gradient", actual, due, roundings=64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_gradients_in_blocks_are_summed_wide(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = [randn(1, 2, 9, 4).to(dtype).requires_grad_() for _ in range(3)]
    upstream = randn(1, 2, 9, 4, seed="upstream").to(dtype)
    at_once = torch.autograd.grad(scaled_dot_product_attention(*leaves, is_causal=True), leaves, upstream)
    monkeypatch.setattr(_blocks, "BLOCK", 1)
    monkeypatch.setattr(_blocks, "ROWS", 2)
    in_blocks = torch.autograd.grad(scaled_dot_product_attention(*leaves, is_causal=True), leaves, upstream)
    for actual, due in zip(in_blocks, at_once, strict=True):
        assert actual.dtype == dtype
        assert_same("gradient", actual, due)


@pytest.mark.parametrize("is_causal", [False, True])
def test_the_kernel_computes_what_is_written(is_causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = randn(2, 3, 7, 4), randn(2, 3, 5, 4), randn(2, 3, 5, 4)
    q[1, 2, 3] = 1e4
    if is_causal:  # a query that sees no key
        q[0, 0, 0], k[0, 0] = -torch.inf, k[0, 0].abs()
    by_kernel = scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    monkeypatch.setattr(attention_file, "has_kernel", lambda *_: False)
    as_written = scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    assert bool(as_written[0, 0, 0].any()) is not is_causal
    assert_same("O", by_kernel, as_written, roundings=64)
