"""The two languages that derivations are written in: their code, and what a sentence about it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
        add: how one adds to places that may be named twice.
        others: the names of functions and options that torch calls otherwise.
    """

    code: type[Expressions]
    paper: type[Expressions]
    dimension: str
    dimensions: str
    add: str
    others: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """A function or an option by its name in torch."""
        return self.others.get(name, name)

    def along(self, dims: Sequence[int]) -> str:
        """`dimension 0`, `axes 0 and 1`."""
        if len(dims) < 2:
            return f"{self.dimension} {dims[0]}" if dims else f"no {self.dimension}"
        return f"{self.dimensions} {', '.join(map(str, dims[:-1]))} and {dims[-1]}"


DIALECTS = {
    "torch": Dialect(TorchCode, PaperCode, "dimension", "dimensions", "+=, index_add_, scatter_add_"),
    "numpy": Dialect(
        NumpyCode,
        NumpyCode,
        "axis",
        "axes",
        "np.add.at, as += counts a place once",
        {
            "amax": "max",
            "amin": "min",
            "cat": "concatenate",
            "clamp": "clip",
            "correction": "ddof",
            "dim": "axis",
            "keepdim": "keepdims",
        },
    ),
}
