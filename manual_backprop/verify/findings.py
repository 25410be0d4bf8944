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
        status: "right", "wrong", "malformed" where it is no gradient of this input (its shape, its type), or
            "unjudged" where the input has no elements, or yours is not finite at a kink of the forward.
        relative: the largest error over the largest entry of the right gradient; where that is zero up to
            rounding, over the size of the terms that cancel in it.
        index: where the largest error is; `given` and `right` are the numbers there, `ulps` their distance in
            units of the last place.
        tolerance: the relative error that counts as rounding; `tolerance_from` says where that comes from.
        passes_with_ones: whether an upstream gradient of ones would have hidden the mistake.
        departure: the first line of the derivation that departs from the derived one, and what is due there;
            "" where that cannot be told.
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
    departure: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Judgement:
    """What was found about a derivation.

    Attributes:
        findings: one for each input that has a gradient, in order.
        flaw: what is wrong with the derivation as a whole though its numbers may be right, or "".
        remark: what else there is to say of it, or "".
        second_derivatives: what was found about those of a function that has a backward of its own, or "".
    """

    findings: tuple[Finding, ...]
    flaw: str = ""
    remark: str = ""
    second_derivatives: str = ""
