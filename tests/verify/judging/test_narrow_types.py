"""A gradient that is right but for the precision of a narrower type is recognised as that."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manual_backprop import verify

NARROW = [torch.float32, torch.float16, torch.bfloat16]
DTYPES = [(wide, narrow) for wide in (torch.float64, torch.float32) for narrow in NARROW if wide != narrow]


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def inputs(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator).to(dtype) for shape in ((5, 3), (3, 7))]


def rounded_gradient(narrow: torch.dtype) -> Callable[..., tuple[Tensor, ...]]:
    return lambda g, x, w: ((g @ w.T).to(narrow).to(g), (x.T @ g).to(narrow).to(g))


def returned_in_it(narrow: torch.dtype) -> Callable[..., tuple[Tensor, ...]]:
    return lambda g, x, w: ((g @ w.T).to(narrow), (x.T @ g).to(narrow))


def computed_in_it(narrow: torch.dtype) -> Callable[..., tuple[Tensor, ...]]:
    return lambda g, x, w: tuple((a.to(narrow) @ b.to(narrow)).to(g.dtype) for a, b in ((g, w.T), (x.T, g)))


@pytest.mark.parametrize("make", [rounded_gradient, returned_in_it, computed_in_it])
@pytest.mark.parametrize(("wide", "narrow"), DTYPES)
def test_numbers_of_a_narrower_type_are_named_with_certainty(
    wide: torch.dtype, narrow: torch.dtype, make: Callable[[torch.dtype], Callable[..., tuple[Tensor, ...]]]
) -> None:
    for verdict in verify(torch.matmul, make(narrow), inputs=inputs(wide)).verdicts:
        assert verdict.status == "wrong"
        assert [(d.name, d.certain) for d in verdict.diagnoses] == [(name_of(narrow), True)]
        assert f"right to the precision of {name_of(narrow)}" in verdict.diagnoses[0].text


@pytest.mark.parametrize("narrow", NARROW)
def test_rounding_on_the_way_is_named(narrow: torch.dtype) -> None:
    (verdict,) = verify(torch.exp, lambda g, x: g * x.exp().to(narrow).to(g), shapes=[(5, 3)]).verdicts
    assert [d.name for d in verdict.diagnoses] == [name_of(narrow)]


@pytest.mark.parametrize("eps", [1e-6, 1e-4, 3e-3])
def test_a_small_mistake_is_not_taken_for_rounding(eps: float) -> None:
    def forward(x: Tensor) -> Tensor:
        return x / (x.square().sum(1, keepdim=True) + eps).sqrt()

    def backward(d: Tensor, x: Tensor) -> Tensor:
        r = x.square().sum(1, keepdim=True).rsqrt()
        return r * (d - x * r * (d * x * r).sum(1, keepdim=True))

    (verdict,) = verify(forward, backward, shapes=[(5, 3)]).verdicts
    assert verdict.status == "wrong"
    assert not {d.name for d in verdict.diagnoses} & {name_of(dtype) for dtype in NARROW}


def test_whole_numbers_are_not_taken_for_a_narrow_type() -> None:
    (verdict,) = verify(lambda x: 300 * x, lambda g, x: (300 * g).trunc(), shapes=[(5, 3)]).verdicts
    assert verdict.diagnoses[0].name == "truncated"
