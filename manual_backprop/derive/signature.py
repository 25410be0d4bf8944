"""What the functions of a file that derive writes are called, and what they are given."""

import re
from collections.abc import Mapping
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
        upstream: what the second calls the gradient that it is given.
        options: what the forward was given beside arrays, by name; the file has the values in it.
        every_name: whether each gradient that is returned is called d and its input's name, even where it is
            another tensor's too.
    """

    forward: str = "forward"
    backward: str = "backward"
    upstream: str = "grad_output"
    options: Mapping[str, Any] = field(default_factory=dict)
    every_name: bool = False


def is_forward_name(name: str) -> bool:
    """Whether the name of a function says that it is a forward, as affine_forward does."""
    return name.isidentifier() and WORD.search(name) is not None


def course_signature(name: str, program: Program, options: Mapping[str, Any]) -> Signature:
    """As courses in NumPy have it: `affine_forward(x, w, b)` and `affine_backward(dout, cache)`.

    Args:
        name: of the function that was derived; one without the word forward is not kept.
        program: what was derived; the gradient of what it returns is called d and its name there.
        options: what it was given beside arrays.
    """
    forward, backward = "forward", "backward"
    if is_forward_name(name):
        forward, backward = name, WORD.sub(lambda found: OTHER_WAY[found[0]], name)
    returned = program.output.name if program.output.op != "input" else ""
    taken = {identifier(node.name) for node in program.inputs}
    upstream = f"d{identifier(returned or 'out')}"
    while upstream in taken:
        upstream += "_"
    return Signature(forward, backward, upstream, dict(options), every_name=True)
