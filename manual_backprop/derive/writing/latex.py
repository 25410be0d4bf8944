r"""The same mathematics in LaTeX: W^{(1)}, \frac{\partial L}{\partial a}, \odot."""

import re
import unicodedata
from collections.abc import Sequence

from manual_backprop.derive.writing.grammar import CALL, POWER, SIGN, SUM, Written
from manual_backprop.derive.writing.signs import Signs
from manual_backprop.derive.writing.symbols import Symbol

SIGNS = {
    "−": "-",
    "⊙": r"\odot",
    "≥": r"\geq",
    "≤": r"\leq",
    "≠": r"\neq",
    "∧": r"\wedge",
    "∨": r"\vee",
    "¬": r"\neg ",
    "⋆": r"\star",
    "⋆ᵀ": r"\star^{\top}",
}
KNOWN = {"exp", "log", "sin", "cos", "tanh", "max", "min"}  # functions that LaTeX has
SPECIAL = str.maketrans({c: rf"\{c}" for c in "_#$%&{}"})


class LatexSigns(Signs):
    r"""`\delta^{(2)} = \frac{\operatorname{softmax}(z^{(2)}) - \operatorname{onehot}(y)}{64}`."""

    top = bottom = SUM

    def symbol(self, symbol: Symbol) -> Written:
        """A name."""
        base = r"\delta" if symbol.is_delta else letters(symbol.base)
        text = rf"\hat{{{base}}}" if symbol.hat else base
        if symbol.layer:
            text += f"^{{({symbol.layer})}}"
        if symbol.index:
            text += f"_{{{symbol.index if len(symbol.index) == 1 else letters(symbol.index)}}}"
        if symbol.gradient and not symbol.is_delta:
            return self.partial(text)
        return text, POWER if symbol.layer else CALL

    def partial(self, name: str) -> Written:
        r"""\frac{\partial L}{\partial name}."""
        return rf"\frac{{\partial {letters(self.loss)}}}{{\partial {name}}}", SIGN

    def sign(self, sign: str) -> str:
        """A sign of operation or relation."""
        return SIGNS.get(sign, sign)

    def number(self, value: float) -> str:
        """A number; powers of ten as such."""
        text = super().number(value)
        return text.replace("∞", r"\infty").replace("−", "-").replace("·", r"\cdot")

    def beside(self, left: str, right: str) -> str:
        """Two factors without a sign between them; words with a space."""
        return rf"{left} \, {right}" if r"\mathrm" in left + right else f"{left} {right}"

    def raised(self, base: str, exponent: str) -> str:
        """A power."""
        return f"{base}^{{{exponent}}}"

    def transposed(self, x: str) -> str:
        r"""x^{\top}; beside the number of a layer, if there is one."""
        layer = re.fullmatch(r"([^{}]+|\\hat\{.*?\})\^\{\((\d+)\)\}", x)
        return rf"{layer[1]}^{{({layer[2]})\top}}" if layer else rf"{x}^{{\top}}"

    def subscripted(self, x: str, letters: str) -> str:
        """x with the indices of its entries, behind an index that it has."""
        low = re.fullmatch(r"(.*)_\{([^{}]*)\}", x)
        return f"{low[1]}_{{{low[2]},{letters}}}" if low else f"{x}_{{{letters}}}"

    def operator(self, name: str, letters: str) -> str:
        """A sum, mean or max over indices."""
        text = {"Σ": r"\sum", "max": r"\max"}.get(name, rf"\operatorname{{{name}}}")
        return f"{text}_{{{letters}}}" if letters else text

    def fraction(self, top: str, bottom: str, *, is_sum: bool = False, several: bool = False) -> str:
        """A quotient; with a slash where a derivative is divided by one thing."""
        if r"\frac" in top and not is_sum and not several and r"\frac" not in bottom and " " not in bottom:
            return f"{top} / {bottom}"
        return rf"\frac{{{top}}}{{{bottom}}}"

    def root(self, x: str) -> str:
        """A root."""
        return rf"\sqrt{{{x}}}".replace("π", r"\pi")

    def brackets(self, text: str) -> str:
        """Brackets that are as high as what they hold."""
        return rf"\left({text}\right)" if re.search(r"\\(frac|sum|sqrt|begin)", text) else f"({text})"

    def function(self, name: str) -> str:
        """The name of a function."""
        if name == "σ":
            return r"\sigma"
        words = [word.translate(SPECIAL) for word in name.split()]
        return " ".join(rf"\{word}" if word in KNOWN else rf"\operatorname{{{word}}}" for word in words)

    def word(self, text: str) -> str:
        """A word between formulas."""
        return rf"\text{{ {text} }}"

    def indicator(self, condition: str) -> str:
        """1 where the condition holds, else 0."""
        return rf"\mathbf{{1}}[{condition}]"

    def absolute(self, x: str) -> str:
        r"""\vert x \vert, as a | would end a cell of a table."""
        return rf"\left\vert {x} \right\vert"

    def cases(self, value: str, condition: str, otherwise: str) -> Written:
        """One value where the condition holds, else another."""
        rows = rf"{value} & \text{{where }} {condition} \\ {otherwise} & \text{{else}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}", CALL


def letters(name: str) -> str:
    """A name: one letter as it is, Greek by its command, a word upright."""
    if len(name) > 1:
        return rf"\mathrm{{{name.translate(SPECIAL)}}}"
    if name == "ℓ":
        return r"\ell"
    greek = re.fullmatch(r"GREEK SMALL LETTER (\w+)", unicodedata.name(name, ""))
    return "\\" + greek[1].lower().replace("lamda", "lambda") if greek else name.translate(SPECIAL)


def aligned(groups: Sequence[Sequence[tuple[str, str]]], environment: str) -> str:
    """Groups of equations below each other, their signs of equality too."""
    ends = r" \\"
    blocks = [f"{ends}\n".join(f"{left} &= {right}" for left, right in rows) for rows in groups if rows]
    return f"\\begin{{{environment}}}\n" + f"{ends}[1ex]\n".join(blocks) + f"\n\\end{{{environment}}}"
