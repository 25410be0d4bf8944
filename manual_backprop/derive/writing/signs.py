"""The signs of mathematics in Unicode; latex.py has those of LaTeX."""

from math import isclose, isfinite, pi

from manual_backprop.derive.writing.grammar import CALL, COMPARE, POWER, PRODUCT, SIGN, Written
from manual_backprop.derive.writing.symbols import Symbol

MOST_UNDER_ROOT = 10_000
SUBSCRIPTS = str.maketrans("0123456789ijklmnxaehopstuvr", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₓₐₑₕₒₚₛₜᵤᵥᵣ")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Signs:
    """`δ² = (softmax(z²) − onehot(y)) / 64`.

    Attributes:
        top: how tightly what stands alone above a line of fraction has to hold together.
        bottom: and below.
        loss: the letter of the loss.
    """

    top, bottom = PRODUCT, SIGN

    def __init__(self, loss: str = "L") -> None:
        self.loss = loss

    def symbol(self, symbol: Symbol) -> Written:
        """A name."""
        if symbol.is_delta:
            return f"δ{symbol.layer.translate(SUPERSCRIPTS)}{self.low(symbol.index)}", CALL
        text = (
            f"{symbol.base}\u0302"
            if symbol.hat and len(symbol.base) == 1
            else symbol.base + "hat" * symbol.hat
        )
        text += symbol.layer.translate(SUPERSCRIPTS) + self.low(symbol.index)
        if symbol.gradient:
            return self.partial(text)
        return text, POWER if symbol.layer else CALL

    def partial(self, name: str) -> Written:
        """∂L/∂ of a name, where L is the letter of the loss."""
        return f"∂{self.loss}/∂{name}", SIGN

    def low(self, index: str) -> str:
        """An index below."""
        low = index.translate(SUBSCRIPTS)
        known = not index or index.isdigit() or (len(index) == 1 and low != index)
        return low if known else f"_{index}"

    def sign(self, sign: str) -> str:
        """A sign of operation or relation."""
        return sign

    def number(self, value: float) -> str:
        """A number; powers of ten as such."""
        if (under := under_root(value)) is not None:
            return self.root(under)
        mantissa, _, exponent = f"{value:.12g}".partition("e")
        if not exponent:
            return {"inf": "∞", "-inf": "−∞"}.get(mantissa, mantissa.replace("-", "−"))
        power = self.raised("10", str(int(exponent)))
        return power if mantissa == "1" else f"{mantissa.replace('-', '−')} · {power}"

    def beside(self, left: str, right: str) -> str:
        """Two factors without a sign between them."""
        return f"{left} {right}"

    def raised(self, base: str, exponent: str) -> str:
        """A power."""
        high = exponent.translate(SUPERSCRIPTS)
        return f"{base}{high}" if not set(high) & set(exponent) else f"{base}^{exponent}"

    def transposed(self, x: str) -> str:
        """xᵀ."""
        return f"{x}ᵀ"

    def subscripted(self, x: str, letters: str) -> str:
        """x with the indices of its entries."""
        return x + letters.translate(SUBSCRIPTS)

    def operator(self, name: str, letters: str) -> str:
        """Σ, mean or max over indices."""
        return name + letters.translate(SUBSCRIPTS)

    def fraction(self, top: str, bottom: str, *, is_sum: bool = False, several: bool = False) -> str:
        """A quotient; whether the top is a sum, and whether the bottom has several factors."""
        return f"{top} / {self.brackets(bottom) if several else bottom}"

    def root(self, x: str) -> str:
        """√x."""
        return f"√{x}" if len(x) == 1 or x.isdigit() else f"√({x})"

    def brackets(self, text: str) -> str:
        """(text)."""
        return f"({text})"

    def function(self, name: str) -> str:
        """The name of a function."""
        return name

    def word(self, text: str) -> str:
        """A word between formulas."""
        return text

    def indicator(self, condition: str) -> str:
        """1 where the condition holds, else 0."""
        return f"𝟙[{condition}]"

    def absolute(self, x: str) -> str:
        """|x|."""
        return f"|{x}|"

    def cases(self, value: str, condition: str, otherwise: str) -> Written:
        """One value where the condition holds, else another."""
        return f"{value} where {condition}, else {otherwise}", COMPARE


def under_root(value: float) -> str | None:
    """What a number is the root of: 2, 2π."""
    if not isinstance(value, float) or value <= 0 or not isfinite(value) or value == int(value):
        return None
    for unit, name in ((1.0, ""), (pi, "π"), (1 / pi, "/π")):
        times = round(value**2 / unit)
        if 0 < times < MOST_UNDER_ROOT and isclose(value**2, times * unit, rel_tol=1e-14):
            return f"{times}{name}".replace("1π", "π") if times == 1 else f"{times}{name}"
    return None
