"""What `derive` answers: the backward of a forward, to be read, and to be run."""

import torch

from manual_backprop.derive import notes
from manual_backprop.derive.printed import printed
from manual_backprop.derive.program import Program
from manual_backprop.derive.proof import Proof, module_of
from manual_backprop.derive.rows import Shown, shown
from manual_backprop.derive.script import given_constants
from manual_backprop.derive.signature import Signature, in_general
from manual_backprop.derive.source import function_source, source_of
from manual_backprop.derive.trace import Underivable
from manual_backprop.derive.writing.dialects import DIALECTS
from manual_backprop.derive.writing.expressions import Unwritable
from manual_backprop.derive.writing.latex import LatexSigns
from manual_backprop.derive.writing.signs import Signs


class Derivation:
    """A forward and its backward as named steps; print it to read it.

    Attributes:
        program: the steps, with ∂L/∂output as the backward is given it.
        short: the same where the output is the loss itself, with ∂L/∂output = 1.
        long: the same in elementary steps; None where these are elementary.
        proof: what its code has to give.
        dialect: "torch" or "numpy", in which the forward is written, and so is what is printed.
        signature: how the functions of its file are called in that dialect.
    """

    def __init__(
        self,
        program: Program,
        short: Program,
        long: Program | None,
        proof: Proof,
        dialect: str,
        signature: Signature,
    ) -> None:
        self.program = program
        self.short = short
        self.long = long
        self.proof = proof
        self.dialect = dialect
        self.signature = signature
        self.sources: dict[str, str] = {}

    def source(self, dialect: str | None = None) -> str:
        """A file of its own: `forward`, which returns output and cache, and `backward(grad_output, cache)`.

        Of a forward in NumPy such as affine_forward, they are called `affine_forward` and
        `affine_backward(dout, cache)`.

        Args:
            dialect: "torch", "numpy", or "function" for a torch.autograd.Function; without one, that of the
                forward.

        It has been run and compared with autograd.

        Raises:
            ValueError: the dialect is another one.
            Underivable: NumPy has no words for a step, which is named with its line in the forward.
            Disproved: it does not give autograd's gradients, which is a defect of this package.
        """
        dialect = self.dialect if dialect is None else dialect
        known = (*DIALECTS, "function")
        if dialect not in known:
            raise ValueError(f"derive: source must be one of {', '.join(known)}, got {dialect!r}")
        if dialect not in self.sources:
            signature = self.signature if dialect == self.dialect else in_general(self.program)
            try:
                if dialect == "function":
                    source = function_source(self.program)
                else:
                    source = source_of(self.program, DIALECTS[dialect].code, signature)
            except Unwritable as error:
                raise Underivable(str(error)) from None
            constants = [n.value for n in given_constants(self.program)]
            self.proof.of(source, dialect, (signature.forward, signature.backward), constants)
            self.sources[dialect] = source
        return self.sources[dialect]

    def function(self) -> type[torch.autograd.Function]:
        """The same as a torch.autograd.Function, to `apply`."""
        found: type[torch.autograd.Function] = module_of(self.source("function"))["Derived"]
        return found

    def latex(self) -> str:
        """The formulas as an align* environment of LaTeX: the forward, and below it the backward."""
        return notes.latex(self._shown(LatexSigns))

    def markdown(self) -> str:
        """Tables in Markdown: each step as code, with its shape, and as mathematics."""
        return notes.markdown(self._shown(LatexSigns), self._proved())

    def _shown(self, signs: type[Signs]) -> Shown:
        upstreams = zip(self.short.upstreams, self.signature.upstreams, strict=True)
        names = {node: name for node, name in upstreams if node.op == "upstream"}
        dialect = DIALECTS[self.dialect]
        return shown(self.short, self.long, signs, dialect, names, numbered=self.long is None)

    def _proved(self) -> str:
        difference = f"{self.proof.difference:.0e}" if self.proof.difference else "0"
        return (
            f"Proved: {len(self.proof.points)} draws in float64, "
            f"largest difference from autograd {difference}, relative to the largest entry."
        )

    def __str__(self) -> str:
        return printed(self._shown(Signs), self._proved())

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown()
