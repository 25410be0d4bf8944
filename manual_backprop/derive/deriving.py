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
from manual_backprop.derive.signature import course_signature, in_general


@dataclass(frozen=True)
class Subject:
    """What is derived.

    Attributes:
        function: of the tensors; it returns one, or a list.
        names: of these.
        constant: the names of those without a gradient, though they hold real numbers.
        dialect: "torch" or "numpy", in which the code behind the function is written.
        name: of the user's function.
        options: what it is given beside arrays, by name.
        outputs: what the user's function calls the things that it returns, "" for what has no name.
        together: whether the user's function returns these as a tuple of their own, beside the cache.
    """

    function: Callable[..., Any]
    names: Sequence[str]
    constant: frozenset[str] = frozenset()
    dialect: str = "torch"
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    together: bool = False


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
    several = isinstance(output, list)
    outputs = output if several else [output]
    for one in outputs:
        require_tensor(one)
    generator = torch.Generator().manual_seed(seed)
    upstreams = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in outputs]
    upstream: Any = upstreams if several else upstreams[0]
    is_loss = not several and not output.dim()

    def program(of: Any, taken_apart: bool) -> Any:
        return program_of(
            subject.function,
            subject.names,
            point,
            differentiable,
            of,
            elementary=taken_apart,
            patterns=subject.dialect == "numpy",
        )

    whole = program(upstream, elementary)
    require_fixed_sizes(whole)
    short = program(None, elementary) if is_loss else whole
    long = None if elementary else program(None if is_loss else upstream, True)
    generator = torch.Generator("cpu").manual_seed(seed + 1)
    others = [
        tuple(near(x, generator) if isinstance(g, Tensor) else x for g, x in zip(given, more, strict=True))
        for more in (drawn(subject.function, given, seed + n) for n in range(1, DRAWS))
    ]
    used = [i for i, node in enumerate(whole.inputs) if node in whole.parameters]
    proof = Proof(subject.function, [point, *others], differentiable, used)
    signature = in_general(whole)
    if subject.dialect == "numpy":
        signature = course_signature(
            subject.name, whole, subject.outputs, subject.options, together=subject.together
        )
    return Derivation(whole, short, long, proof, subject.dialect, signature)


def _double(x: Any) -> Any:
    return x.detach().double() if isinstance(x, Tensor) and x.is_floating_point() else x
