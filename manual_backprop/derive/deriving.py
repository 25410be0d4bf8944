"""From a forward as a function of tensors to its derivation, proved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.backward import program_of, require_fixed_sizes, require_tensor
from manual_backprop.derive.derivation import Derivation
from manual_backprop.derive.numbers import doubles, drawn, near
from manual_backprop.derive.proof import DRAWS, Proof
from manual_backprop.derive.signature import Signature, course_signature


@dataclass(frozen=True)
class Subject:
    """What is derived.

    Attributes:
        function: of the tensors; it returns one.
        names: of these.
        constant: the names of those without a gradient, though they hold real numbers.
        dialect: "torch" or "numpy", in which the code behind the function is written.
        name: of the user's function.
        options: what it is given beside arrays, by name.
    """

    function: Callable[..., Any]
    names: Sequence[str]
    constant: frozenset[str] = frozenset()
    dialect: str = "torch"
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def derived(subject: Subject, given: Sequence[Any], *, elementary: bool, seed: int) -> Derivation:
    """The backward of a forward, proved.

    Args:
        subject: what is derived.
        given: a shape for each input, or the input.
        elementary: whether operations are taken apart.
        seed: of the random numbers.

    Raises:
        Underivable: a step cannot be written out.
        Disproved: the code does not give autograd's gradients.
    """
    given = [_double(x) for x in given]
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=[]), doubles():
        point = drawn(subject.function, given, seed)
        differentiable = [
            i
            for i, (name, x) in enumerate(zip(subject.names, point, strict=True))
            if x.is_floating_point() and name not in subject.constant
        ]
        derivation = _derivation(subject, given, point, differentiable, elementary, seed)
    derivation.source()
    return derivation


def _derivation(
    subject: Subject,
    given: Sequence[Any],
    point: tuple[Tensor, ...],
    differentiable: list[int],
    elementary: bool,
    seed: int,
) -> Derivation:
    with torch.no_grad():
        output = subject.function(*(x.clone() for x in point))
    require_tensor(output)
    upstream = torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=output.dtype)

    def program(of: Any, taken_apart: bool) -> Any:
        return program_of(subject.function, subject.names, point, differentiable, of, elementary=taken_apart)

    whole = program(upstream, elementary)
    require_fixed_sizes(whole)
    short = whole if output.dim() else program(None, elementary)
    long = None if elementary else program(upstream if output.dim() else None, True)
    generator = torch.Generator("cpu").manual_seed(seed + 1)
    others = [
        tuple(near(x, generator) if isinstance(g, Tensor) else x for g, x in zip(given, more, strict=True))
        for more in (drawn(subject.function, given, seed + n) for n in range(1, DRAWS))
    ]
    used = [i for i, node in enumerate(whole.inputs) if node in whole.parameters]
    proof = Proof(subject.function, [point, *others], differentiable, used)
    signature = Signature()
    if subject.dialect == "numpy":
        signature = course_signature(subject.name, whole, subject.options)
    return Derivation(whole, short, long, proof, subject.dialect, signature)


def _double(x: Any) -> Any:
    return x.detach().double() if isinstance(x, Tensor) and x.is_floating_point() else x
