"""Code to be read rather than run: that of torch, its functions called as on paper."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import CALL, Expressions, Written
from manual_backprop.derive.writing.signs import under_root
from manual_backprop.derive.writing.torch_code import TorchCode

HOME = re.compile(r"^(torch|F|math)\.(?=\w)")


class PaperCode(TorchCode):
    """`(softmax(z2) - one_hot(y)) / 64`."""

    def forms(self) -> Mapping[str, Callable[..., Any]]:
        """As torch writes them; a softmax is over the last dimension if it does not say which."""
        return FORMS

    def expression(self, node: Node) -> Written:
        """Without the module that a function is from."""
        if node.op == "expand" and (node.args[0].op == "number" or not isinstance(node.args[0], Node)):
            return self.full(node), CALL
        text, strength = super().expression(node)
        return HOME.sub("", text), strength

    def full(self, node: Node) -> str:
        """A number in every place."""
        number = node.args[0].value.item()
        names = {0: "zeros", 1: "ones"}
        shape = ", ".join(map(str, node.shape))
        return f"{names[number]}({shape})" if number in names else f"full(({shape}), {self.number(number)})"

    def _becomes_real(self, value: Node) -> bool:
        """On paper numbers have no type."""
        return False

    def dtype(self, dtype: torch.dtype) -> str:
        """A type of numbers."""
        return str(dtype).removeprefix("torch.")

    def number(self, value: float) -> str:
        """A number, in as many digits as it needs; a root as such."""
        under = under_root(value)
        if under is not None:
            return f"sqrt({under.replace('/π', ' / pi').replace('π', ' * pi').removeprefix(' * ')})"
        return super().number(value).replace(f"{self.module}.", "")


def _over_the_last(name: str) -> Callable[..., str]:
    def write(w: Expressions, x: Any, dim: int) -> str:
        return w.call(name, x) if dim == len(x.shape) - 1 else w.call(name, x, dim)

    return write


FORMS: dict[str, Callable[..., Any]] = {
    **TorchCode.forms(TorchCode({})),
    "softmax": _over_the_last("softmax"),
    "log_softmax": _over_the_last("log_softmax"),
    "one_hot": lambda w, y, *_: w.call("one_hot", y),
}
