"""The derivations of the docstrings as mathematics: no sign is lost on the way."""

import importlib.util
from importlib import import_module
from pathlib import Path

import pytest

from tests.functional.modules import NAMES

SOURCE = Path(__file__).parent.parent.parent / "scripts" / "site" / "formulas.py"
spec = importlib.util.spec_from_file_location("formulas", SOURCE)
assert spec is not None
assert spec.loader is not None
formulas = importlib.util.module_from_spec(spec)
spec.loader.exec_module(formulas)


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("∂L/∂W = δᵀ x", r"\frac{\partial L}{\partial W} = \delta^{\top} x"),
        (
            "∂L/∂zᵢ = ∂L/∂aᵢ · σ′(zᵢ)",
            r"\frac{\partial L}{\partial z_{i}} = \frac{\partial L}{\partial a_{i}} \cdot \sigma'(z_{i})",
        ),
        ("σ′(z) = e⁻ᶻ / (1 + e⁻ᶻ)²", r"\sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^{2}}"),
        ("pₙₖ = e^zₙₖ / Σⱼ e^zₙⱼ", r"p_{nk} = \frac{e^{z_{nk}}}{\sum_{j} e^{z_{nj}}}"),
        ("tₖ = wₖ ((1 − ε) [k = y] + ε/C)", r"t_{k} = w_{k} ((1 - \varepsilon) [k = y] + \varepsilon/C)"),
        ("δˡ⁻¹ = δˡ Wˡ ⊙ f′(zˡ⁻¹)", r"\delta^{l-1} = \delta^{l} W^{l} \odot f'(z^{l-1})"),
        ("ż = ẋ Wᵀ + x Ẇᵀ + ḃ", r"\dot{z} = \dot{x} W^{\top} + x \dot{W}^{\top} + \dot{b}"),
        ("⟨v, J u⟩ = ⟨Jᵀ v, u⟩", r"\langle v, J u\rangle = \langle J^{\top} v, u\rangle"),
        ("a is the activation", r"a\text{ is the activation}"),
    ],
)
def test_a_formula_becomes_latex(formula: str, latex: str) -> None:
    assert formulas.to_latex(formula) == latex


def test_in_running_text_a_fraction_keeps_its_slash() -> None:
    assert formulas.to_latex("∂L/∂z", inline=True) == r"\partial L/\partial z"


@pytest.mark.parametrize("formula", ["(a", "a)", "x ☃ y"])
def test_half_a_formula_is_refused(formula: str) -> None:
    with pytest.raises(ValueError, match="no LaTeX"):
        formulas.to_latex(formula)


def test_words_stay_words_and_letters_become_mathematics() -> None:
    text = formulas.derivation("Title.\n\nWith N = M = D a transpose fits, and ∂L/∂W is `weight`'s.")
    assert text == (
        "Title.\n\nWith :math:`N = M = D` a transpose fits, and "
        + r":math:`\partial L/\partial W` is ``weight``'s."
        + "\n"
    )


def test_steps_are_numbered_and_equations_aligned() -> None:
    text = formulas.derivation("Title.\n\n1.  The rule:\n\n        a = b\n        c = d     why\n")
    assert "1. The rule:" in text
    assert r"a & = b \\" in text
    assert r"c & = d & &\text{why}" in text


@pytest.mark.parametrize("module", NAMES)
def test_every_derivation_of_the_package_can_be_shown(module: str) -> None:
    text = formulas.derivation(import_module(module).__doc__)
    assert not set(text) & set("∂δσΣᵀ")  # nothing that is mathematics is left as text
