"""The two languages that derivations are written in: what is code there, and what a sentence about it says."""

from collections.abc import Sequence
from dataclasses import dataclass

from manual_backprop.derive.writing.expressions import Expressions
from manual_backprop.derive.writing.numpy_code import NumpyCode
from manual_backprop.derive.writing.paper_code import PaperCode
from manual_backprop.derive.writing.torch_code import TorchCode


@dataclass(frozen=True)
class Dialect:
    """A language of arrays.

    Attributes:
        code: writes code that runs.
        paper: writes code to be read beside its mathematics.
        dimension: what a dimension is called.
        dimensions: and several.
        keepdim: the option of a sum that keeps a dimension.
    """

    code: type[Expressions]
    paper: type[Expressions]
    dimension: str
    dimensions: str
    keepdim: str

    def along(self, dims: Sequence[int]) -> str:
        """`dimension 0`, `axes 0 and 1`."""
        if len(dims) == 1:
            return f"{self.dimension} {dims[0]}"
        return f"{self.dimensions} {', '.join(map(str, dims[:-1]))} and {dims[-1]}"


DIALECTS = {
    "torch": Dialect(TorchCode, PaperCode, "dimension", "dimensions", "keepdim"),
    "numpy": Dialect(NumpyCode, NumpyCode, "axis", "axes", "keepdims"),
}
