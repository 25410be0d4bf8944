"""What hypothesis draws calls from: numbers of every kind, shapes with and without elements, options.

Numbers are drawn in float64 and cast to the type of the call. Each type's largest and smallest are among
them, so that a cast makes infinities and zeros of some.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

from tests.functional.samples import Sample, inf, nan

Numbers = SearchStrategy[float]
Shape = tuple[int, ...]
Calls = SearchStrategy[Sample]

TYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
one_of = st.sampled_from


@dataclass(frozen=True)
class Drawn:
    """How a call is drawn, and how close to its twin an operation has to come.

    Attributes:
        calls: the calls.
        each_by_itself: whether each number of the result comes from one number of each input, and is known to
            its own roundings. Others may be sums, known to roundings of their largest summand.
        not_finite: why, where the twin's number is not finite, ours may be another.
        finite_upstream: why it gets finite upstream gradients only.
        flat: why it is known to a rounding of 1, and its gradient to one of the upstream gradient: one is 0
            beside 0.
    """

    calls: Calls
    each_by_itself: bool = False
    not_finite: str = ""
    finite_upstream: str = ""
    flat: str = ""
    refusals: dict[tuple[type[Exception] | None, type[Exception] | None], str] = field(default_factory=dict)


ORDINARY: Numbers = st.floats(-4, 4, width=16)
FAR = (0.0, -0.0, 1e4, -1e4, 1e-30, -1e-30, 6e-8, 1e-40, -1e-45, 5e-324)
NEVER_FINITE = (inf, -inf, nan)
LARGEST = tuple(sign * torch.finfo(dtype).max for dtype in TYPES for sign in (1, -1))

FINITE = (ORDINARY, ORDINARY | one_of(FAR))
TO_ADD = (*FINITE, ORDINARY | one_of(NEVER_FINITE))
"""For what sums: of the largest numbers, the order of the sum would decide whether it is finite."""
ANY = (ORDINARY, ORDINARY | one_of((*FAR, *NEVER_FINITE, *LARGEST)))
NUMBERS = (ORDINARY, ORDINARY | one_of((*FAR, inf, -inf, *LARGEST)))
"""For what is NaN at NaN, where the twin is that or not, as NaN lies in the tensor."""
SHARES = (st.floats(0, 1, width=16), one_of((0.0, 1.0)))
POSITIVE = (st.floats(0.125, 4, width=16),)
ADDED_MASK = (ORDINARY, ORDINARY | st.just(-inf))


def shapes(text: str) -> SearchStrategy[tuple[Shape, ...]]:
    """Of "23 3 | - 03", either (2, 3) and (3,), or () and (0, 3)."""
    return one_of(
        [tuple(tuple(map(int, word.strip("-"))) for word in call.split()) for call in text.split("|")]
    )


def filled(shape: Shape, elements: SearchStrategy[Any], dtype: torch.dtype) -> SearchStrategy[Tensor]:
    n = prod(shape)
    return st.lists(elements, min_size=n, max_size=n).map(
        lambda drawn: torch.tensor(drawn, dtype=dtype).reshape(shape)
    )


def tensors(shape: Shape, numbers: tuple[Numbers, ...]) -> SearchStrategy[Tensor]:
    return one_of(numbers).flatmap(lambda elements: filled(shape, elements, torch.float64))


def bools(shape: Shape) -> SearchStrategy[Tensor]:
    return filled(shape, st.booleans(), torch.bool)


def integers(shape: Shape, values: tuple[int, ...]) -> SearchStrategy[Tensor]:
    return filled(shape, one_of(values), torch.int64)


def some_of(options: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """Each option left out, or one of its values."""
    return st.fixed_dictionaries({}, optional={name: one_of(values) for name, values in options.items()})


@st.composite
def calls(
    draw: DrawFn,
    of: str,
    numbers: tuple[Numbers, ...] = TO_ADD,
    with_tensors: Callable[..., SearchStrategy[dict[str, Any]]] = lambda *_: st.just({}),
    always: dict[str, Any] = {},  # noqa: B006
    **options: Any,
) -> Sample:
    """A call with tensors of the shapes `of`.

    Options are left out or one of the values that are given, those in `always` never left out. `with_tensors`
    are those that depend on the inputs.
    """
    inputs = tuple(draw(tensors(shape, numbers)) for shape in draw(shapes(of)))
    needed = draw(st.fixed_dictionaries({name: one_of(values) for name, values in always.items()}))
    return Sample("drawn", inputs, {**needed, **draw(some_of(options)), **draw(with_tensors(*inputs))})


JOINED = "23 13 | 23 23 | 3 3 3 | 0 23 | 03 23 | 23 | - - | 23 21"
LAYERS = (
    "23 23 | 23 23 2 | 3 23 2 | 223 23 | 11 11 1 | 03 23 2 | 20 20 2 | 20 20 | 23 03 0 | 23 22"
    "| 23 23 3 | 23 3 | 3 3"
)
IMAGES = "1143 | 2235 | 234 | 0144 | 1111 | 1033 | 33"
DIMS = (0, -1, 1, 2, (0,), (0, -1), (0, 1), (0, 2), (0, 0))
POOLING = {"stride": (1, 2, (1, 2), 0), "padding": (0, 1, (1, 0)), "ceil_mode": (True, False)}
KERNEL = {"kernel_size": (1, 2, 3, (2, 1), (1, 3))}
ONE = "- | 1 | 3 | 0 | 11 | 13 | 23 | 03 | 30 | 213 | 203"
TWO = "- - | 3 - | - 23 | 3 3 | 1 3 | 23 3 | 21 3 | 23 23 | 03 13 | 1 0 | 23 2 | 3 2 | 0 2"
REDUCTION = ("none", "mean", "sum")


def of_two(**options: Any) -> Calls:
    """Two tensors, or one and a number."""
    return calls(TWO, ANY, **options) | calls(
        ONE, ANY, always={"second": (2, -1, 0, 2.5, -0.0, 1e-30, 1e30, inf, nan)}, **options
    )


def mask_of(x: Tensor) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"mask": bools(tuple(x.shape)), "p": one_of((0.0, 0.3, 0.5))})


def condition_of(x: Tensor, y: Tensor) -> SearchStrategy[dict[str, Any]]:
    try:
        shape = tuple(torch.broadcast_shapes(x.shape, y.shape))
    except RuntimeError:
        shape = tuple(x.shape)
    return one_of((shape, shape[-1:], ())).flatmap(lambda s: st.fixed_dictionaries({"condition": bools(s)}))


def places_in(weight: Tensor) -> SearchStrategy[dict[str, Any]]:
    rows = len(weight)
    places = one_of(((), (3,), (2, 2), (0,))).flatmap(lambda s: integers(s, (0, 1, rows - 1, rows)))
    return st.fixed_dictionaries(
        {"input": places}, optional={"padding_idx": one_of((0, -1, 5)), "scale_grad_by_freq": st.booleans()}
    )


@st.composite
def yes_or_no(draw: DrawFn) -> Sample:
    """Logits, targets, and weights of the examples and of the answer yes."""
    of_x, of_t = draw(shapes("3 3 | 23 23 | - - | 03 03 | 3 2"))
    weight = tensors(of_x[-1:], POSITIVE)
    weights = draw(st.fixed_dictionaries({}, optional={"weight": weight, "pos_weight": weight}))
    x, t = draw(tensors(of_x, TO_ADD)), draw(tensors(of_t, (*SHARES, *FINITE)))
    return Sample("drawn", (x, t), {**weights, **draw(some_of({"reduction": REDUCTION}))})


@st.composite
def of_classes(draw: DrawFn, smoothed: bool = False, layer: bool = False) -> Sample:
    """Scores, or with `layer` x, W and perhaps b; their classes, and options."""
    N, C = draw(one_of(((2, 3), (1, 3), (0, 3), (3, 1))))
    D = draw(one_of((2, 0)))
    of_scores = [(((N, C),), (N,)), (((C,),), ()), (((N, C, 2),), (N, 2)), (((N, C),), (N + 1,))]
    of_layer = [(((N, D), (C, D)), (N,)), (((N, D), (C, D), (C,)), (N,)), (((D,), (C, D)), ())]
    inputs, target = draw(one_of(of_layer if layer else of_scores))
    options: dict[str, Any] = {"target": draw(integers(target, (0, C - 1, -100)))}
    if draw(st.booleans()):
        options["weight"] = draw(tensors((C,), POSITIVE))
    if smoothed:
        options["label_smoothing"] = draw(one_of((0.0, 0.3)))
    options |= draw(some_of({"reduction": (*REDUCTION, "avg"), "ignore_index": (0, 2)}))
    return Sample("drawn", tuple(draw(tensors(shape, TO_ADD)) for shape in inputs), options)


@st.composite
def features(draw: DrawFn, most: int) -> Sample:
    """Rows of features, with up to `most` parameters."""
    shape, of = draw(shapes("23 3 | 3 3 | 223 23 | 03 3 | 30 0 | 21 1 | 23 2 | 3 23"))
    parameters = [draw(tensors(of, FINITE)) for _ in range(draw(st.integers(0, most)))]
    options = {"shape": of, "eps": draw(one_of((1e-5, 1.0)))}
    return Sample("drawn", (draw(tensors(shape, TO_ADD)), *parameters), options)


@st.composite
def channels(draw: DrawFn, grouped: bool) -> Sample:
    (shape,) = draw(shapes("24 | 32 | 243 | 2213 | 04 | 14 | 123"))
    C = (shape[1],)
    parameters = [draw(tensors(C, FINITE)) for _ in range(draw(st.integers(0, 2)))]
    options: dict[str, Any] = {"eps": draw(one_of((1e-5, 1.0)))}
    if grouped:
        options["groups"] = draw(one_of((1, 2, 3, *C)))
    elif draw(st.booleans()):
        options |= {"mean": draw(tensors(C, FINITE)), "var": draw(tensors(C, POSITIVE))}
    return Sample("drawn", (draw(tensors(shape, TO_ADD)), *parameters), options)


@st.composite
def of_a_layer(draw: DrawFn, gates: int, states: int) -> Sample:
    T, N, D, H = draw(one_of(((2, 2, 1, 2), (1, 1, 1, 1), (3, 1, 2, 1), (2, 0, 1, 2))))
    batch_first = draw(st.booleans())
    of = [(N, T, D) if batch_first else (T, N, D), *[(1, N, H)] * states, (gates * H, D), (gates * H, H)]
    of += [(gates * H,)] * draw(one_of((0, 2)))
    return Sample("drawn", tuple(draw(tensors(shape, TO_ADD)) for shape in of), {"batch_first": batch_first})


@st.composite
def attended(draw: DrawFn, heads: tuple[Shape, ...], **options: Any) -> Sample:
    """Queries and keys, whose scores are finite, and any values; a mask, or none."""
    L, S, E, V = draw(one_of(((2, 3, 2, 1), (1, 1, 1, 2), (3, 3, 1, 2), (0, 2, 2, 2))))
    lead = draw(one_of(heads))
    given = draw(some_of(options))
    of_values = FINITE if "average" in options else TO_ADD
    inputs = [
        draw(tensors((*lead, *s), n)) for s, n in (((L, E), FINITE), ((S, E), FINITE), ((S, V), of_values))
    ]
    kind = draw(one_of(("none", "added", "chosen")))
    if kind == "added":
        inputs.append(draw(tensors((*(1,) * ("average" in options) * 2, L, S), ADDED_MASK)))
    elif kind == "chosen" and "average" not in options:
        given["attn_mask"] = draw(bools((L, S)))
    return Sample("drawn", tuple(inputs), given)
