"""What the functions of a file that derive writes are called, and what they are given."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manual_backprop.derive.names import identifier
from manual_backprop.derive.program import Program

OTHER_WAY = {"forward": "backward", "fwd": "bwd", "fprop": "bprop", "Forward": "Backward"}
WORD = re.compile(r"(?<![a-z])(forward|fwd|fprop)(?![a-z])|Forward(?![a-z])")


@dataclass(frozen=True)
class Signature:
    """How a file's two functions are called.

    Attributes:
        forward: the name of the first.
        backward: and of the second.
        upstreams: what the second calls the gradients that it is given, of each output.
        together: whether the outputs are returned as a tuple of their own, beside the cache.
        options: what the forward was given beside arrays, by name; the file has the values in it.
        every_name: whether each gradient that is returned is called d and its input's name, even where it is
            another tensor's too.
    """

    forward: str = "forward"
    backward: str = "backward"
    upstreams: tuple[str, ...] = ("grad_output",)
    together: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    every_name: bool = False


def in_general(program: Program) -> Signature:
    """`forward` and `backward(grad_output, cache)`; grad_output0, … where there are several outputs."""
    count = len(program.outputs)
    return Signature(
        upstreams=("grad_output",) if count == 1 else tuple(f"grad_output{i}" for i in range(count))
    )


def is_forward_name(name: str) -> bool:
    """Whether the name of a function says that it is a forward, as affine_forward does."""
    return name.isidentifier() and WORD.search(name) is not None


def course_signature(
    name: str, program: Program, names: Sequence[str], options: Mapping[str, Any], *, together: bool
) -> Signature:
    """As courses in NumPy have it: `affine_forward(x, w, b)` and `affine_backward(dout, cache)`.

    Args:
        name: of the function that was derived; one without the word forward is not kept.
        program: what was derived; the gradient of what it returns is called d and its name there.
        names: of what it returns, as far as it has any.
        options: what it was given beside arrays.
        together: whether it returns its outputs as a tuple beside the cache.
    """
    forward, backward = "forward", "backward"
    if is_forward_name(name):
        forward, backward = name, WORD.sub(lambda found: OTHER_WAY[found[0]], name)
    taken = {identifier(node.name) for node in program.inputs}
    upstreams: list[str] = []
    for at, node in enumerate(program.outputs):
        name = node.name if node.op != "input" else ""
        name = name or (names[at] if len(names) > at else "") or "out"
        upstream = f"d{identifier(name)}"
        while upstream in (*taken, *upstreams):
            upstream += "_"
        upstreams.append(upstream)
    return Signature(forward, backward, tuple(upstreams), together, dict(options), every_name=True)
