"""Attention with several heads is a composition: all that the contract says but that it is one operation."""

from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.attention.multi_head_attention_forward import multi_head_attention_forward
from tests.functional.checks import (
    Check,
    autocast_is_the_twins,
    central_differences,
    compiles_without_a_break,
    func_transforms,
    gradient_is_the_twins,
    graph,
    second_derivatives,
    upstream_for,
    upstream_may_have_any_layout,
    value_is_the_twins,
)
from tests.functional.samples import Row, Sample, randn

L, S, N, E, n = 3, 5, 2, 2, 2
query, key, value = randn(L, N, E), randn(S, N, E), randn(S, N, E, seed="v")
weight, bias = randn(3 * E, E), randn(3 * E)
output_weight, output_bias = randn(E, E), randn(E)
PADDED = torch.arange(S).expand(N, S) >= torch.tensor([[5], [3]])
LATER = torch.ones(L, S).triu(1).bool()
FLOATS = {"query": query, "key": key, "value": value, "in_proj_weight": weight, "in_proj_bias": bias}
FLOATS |= {"out_proj_weight": output_weight, "out_proj_bias": output_bias}
SEPARATE = {"key": randn(S, N, 3), "value": randn(S, N, 5), "q_proj_weight": randn(E, E)}
SEPARATE |= {"k_proj_weight": randn(E, 3), "v_proj_weight": randn(E, 5)}
ADDED = {"bias_k": randn(1, 1, E, seed="bk"), "bias_v": randn(1, 1, E, seed="bv")}
ONE = {"query": query[:, 0], "key": key[:, 0], "value": value[:, 0]}


def sample(name: str, floats: dict[str, Tensor] | None = None, **options: Any) -> Sample:
    """A call whose floating-point tensors are differentiated, but for those that are set to None."""
    given = {k: v for k, v in (FLOATS | (floats or {})).items() if v is not None}
    return Sample(name, tuple(given.values()), {"names": tuple(given), **options})


def called_with(function: Any) -> Any:
    """The inputs by their names, and everything that torch.nn.functional wants and a sample leaves out."""

    def call(
        *inputs: Tensor, names: tuple[str, ...], one: bool = False, **options: Any
    ) -> tuple[Tensor, ...]:
        given = dict(zip(names, inputs, strict=True))
        if one:
            given |= dict.fromkeys(("key", "value"), given["query"])
        missing = dict.fromkeys(("in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj_bias"))
        rest = {"embed_dim_to_check": E, "num_heads": n, "add_zero_attn": False, "dropout_p": 0.0}
        outputs = function(**(missing | rest | given | options))
        return tuple(x for x in outputs if x is not None)

    return call


SAMPLES = (
    sample("weights"),
    sample("no weights", need_weights=False),
    sample("weights of each head", average_attn_weights=False),
    sample("no biases", {"in_proj_bias": None, "out_proj_bias": None}, need_weights=False),
    sample("self-attention", {"key": None, "value": None}, one=True),
    sample("padding", key_padding_mask=PADDED),
    sample("padding and a mask, no weights", key_padding_mask=PADDED, attn_mask=LATER, need_weights=False),
    sample("a mask to add, differentiated", {"attn_mask": randn(L, S)}),
    sample(
        "masks to add for each head and each example, differentiated",
        {"attn_mask": randn(N * n, L, S), "key_padding_mask": randn(N, S)},
        need_weights=False,
    ),
    sample("causal, no weights", attn_mask=LATER, is_causal=True, need_weights=False),
    sample("one more key, and zeros", ADDED, add_zero_attn=True, attn_mask=LATER, key_padding_mask=PADDED),
    sample("weights by themselves", SEPARATE | {"in_proj_weight": None}, use_separate_proj_weight=True),
    sample("one example", ONE, key_padding_mask=PADDED[1]),
    sample("one example, no weights", ONE, attn_mask=LATER, need_weights=False),
    sample("evaluation", dropout_p=0.5, training=False),
)
ROW = Row(
    name="multi_head_attention_forward",
    function=called_with(multi_head_attention_forward),
    twin=called_with(T.multi_head_attention_forward),
    derivation=lambda *_: (),
    keeps=frozenset(),
    samples=SAMPLES,
    mutants=(),
    is_view=True,  # that the last of its operations does not make, but others on the way
    rounds_on_the_way=True,
)
HELD_TO = (
    value_is_the_twins,
    gradient_is_the_twins,
    upstream_may_have_any_layout,
    autocast_is_the_twins,
    compiles_without_a_break,
)
SLOW = (central_differences, second_derivatives, func_transforms)


@pytest.mark.parametrize("check", HELD_TO, ids=lambda check: check.__name__)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_it_keeps_the_contract(check: Check, sample: Sample) -> None:
    check(ROW.function, ROW, sample)


@pytest.mark.parametrize("check", SLOW, ids=lambda check: check.__name__)
@pytest.mark.parametrize("sample", [SAMPLES[0], SAMPLES[2]], ids=lambda sample: sample.name)
def test_it_is_differentiable_in_all_ways(check: Check, sample: Sample) -> None:
    check(ROW.function, ROW, sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_nothing_built_in_is_left_in_the_graph(sample: Sample) -> None:
    for output in ROW.function(*sample.leaves(), **sample.options):
        for node in graph(output.grad_fn):
            own = isinstance(node, torch.autograd.function.BackwardCFunction)
            assert own or "AccumulateGrad" in node.name(), node.name()


def test_keys_and_values_may_be_given_as_they_are() -> None:
    static = {name: randn(N * n, S, E // n, seed=name) for name in ("static_k", "static_v")}
    results = []
    for function in (ROW.function, ROW.twin):
        given = sample("", static)
        leaves = given.leaves()
        outputs = function(*leaves, **given.options)
        upstream = [upstream_for(output) for output in outputs]
        results.append((*outputs, *torch.autograd.grad(outputs, leaves[-2:], upstream)))
    for ours, twins in zip(*results, strict=True):
        torch.testing.assert_close(ours, twins, rtol=1e-13, atol=1e-13)


def test_dropout_drops_what_the_twin_drops_from_the_same_seed() -> None:
    for given in SAMPLES[:2]:
        results = []
        for function in (ROW.function, ROW.twin):
            torch.manual_seed(0)
            results.append(function(*given.inputs, **given.options, dropout_p=0.5))
        torch.testing.assert_close(*results, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_query_that_sees_nothing_is_treated_as_the_twin_treats_it(need_weights: bool) -> None:
    hidden = LATER.clone()
    hidden[1] = True
    given = sample("", attn_mask=hidden, need_weights=need_weights)
    for check in (value_is_the_twins, gradient_is_the_twins):
        check(ROW.function, ROW, given)


@pytest.mark.parametrize(
    ("floats", "options", "message"),
    [
        ({"query": query[0, 0]}, {}, r"\(2,\), \(5, 2, 2\)"),
        ({"key": key[:, 0]}, {}, r"\(3, 2, 2\), \(5, 2\)"),
        ({"value": value[:3]}, {}, r"\(5, 2, 2\) and \(3, 2, 2\)"),
        ({}, {"embed_dim_to_check": 7}, r"\(L, N, 7\).*got \(3, 2, 2\)"),
        ({}, {"num_heads": 3}, "multiple of 3 heads"),
        ({"in_proj_weight": None}, {}, "missing"),
        ({"in_proj_weight": None}, {"use_separate_proj_weight": True}, "missing"),
        ({"bias_k": ADDED["bias_k"]}, {}, "together"),
        (ADDED | {"static_k": randn(N * n, S, 1)}, {}, "static keys"),
        ({"static_k": randn(3, S, 1)}, {}, r"\(4, S, 1\), got \(3, 5, 1\)"),
        (
            SEPARATE | {"k_proj_weight": randn(E, 7)},
            {"use_separate_proj_weight": True},
            r"\(2, 3\).*got \(2, 7\)",
        ),
        ({}, {"attn_mask": LATER[:2]}, r"attn_mask \(3, 5\) or \(4, 3, 5\), got \(2, 5\)"),
        ({}, {"attn_mask": LATER[0]}, r"got \(5,\)"),
        ({}, {"attn_mask": LATER.long()}, "got torch.int64"),
        ({}, {"key_padding_mask": PADDED[:1]}, r"key_padding_mask \(2, 5\), got \(1, 5\)"),
        ({}, {"key_padding_mask": PADDED[0]}, r"got \(5,\)"),
        ({}, {"is_causal": True}, "which is missing"),
    ],
)
def test_mistakes_raise_as_the_twin_does(floats: Any, options: dict[str, Any], message: str) -> None:
    given = sample("", floats, **options)
    with pytest.raises(Exception) as due:  # noqa: PT011
        ROW.twin(*given.inputs, **given.options)
    with pytest.raises(due.type, match=message):
        ROW.function(*given.inputs, **given.options)
