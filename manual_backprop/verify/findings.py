"""What judging finds: plain data, which `reporting/` puts into words and pictures."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["right", "wrong", "malformed", "unjudged"]


@dataclass(frozen=True)
class Diagnosis:
    """A mistake that explains a wrong gradient.

    Attributes:
        name: a stable identifier, such as "sign" or "transposed".
        text: one sentence for the reader.
        residual: what it leaves unexplained, relative to the largest entry, on the worst draw.
        certain: whether nothing else that is as simple explains it too.
    """

    name: str
    text: str
    residual: float
    certain: bool


@dataclass(frozen=True)
class Finding:
    """What was found about the gradient with respect to one input.

    Attributes:
        name: of the input.
        status: "right", "wrong", or "malformed" where it is no gradient of this input (its shape, its type).
        relative: the largest error over the largest entry of the right gradient.
        index: where the largest error is; `given` and `right` are the numbers there, `ulps` their distance in
            units of the last place.
        tolerance: the relative error that counts as rounding; `tolerance_from` says where that comes from.
        passes_with_ones: whether an upstream gradient of ones would have hidden the mistake.
        diagnoses: explanations, the simplest first.
        remark: anything else that there is to say.
    """

    name: str
    status: Status
    relative: float = 0.0
    index: tuple[int, ...] = ()
    given: float = 0.0
    right: float = 0.0
    ulps: float = 0.0
    tolerance: float = 0.0
    tolerance_from: str = ""
    passes_with_ones: bool = False
    diagnoses: tuple[Diagnosis, ...] = ()
    remark: str = ""
