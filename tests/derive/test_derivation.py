"""How a derivation reads: as text, as LaTeX, as Markdown."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from matplotlib.mathtext import MathTextParser
from torch import Tensor

from manual_backprop.derive import derive
from manual_backprop.derive.condensed import condensed, ranges
from manual_backprop.derive.script import script_of
from manual_backprop.derive.writing.paper_code import PaperCode
from tests.derive.forwards import FORWARDS

LABELS = torch.tensor([0, 2, 1, 1, 0, 2])
SOME = [
    case
    for case in FORWARDS
    if case.name
    in {
        "mlp_gelu_tanh", "mlp_hardswish", "mlp_leaky_relu", "tied_weights", "class_weights", "focal",
        "info_nce", "huber", "divergence", "layer_norm", "batch_norm_of_images", "causal_attention",
        "transformer_block", "convolutional_network", "written_in_place", "rnn", "powers", "rows_picked",
    }
]  # fmt: skip


def two_layers(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, y: Tensor) -> Tensor:
    a = torch.relu(x @ W1.T + b1)
    return F.cross_entropy(a @ W2.T + b2, y)


SHAPES: list[Any] = [(64, 784), (128, 784), (128,), (10, 128), (10,), "(64,)<10"]
PRINTED = """\
forward
    z1 = x @ W1.T + b1                     (64, 128)   z¹ = x W¹ᵀ + b¹                           ← 1
    a = relu(z1)                           (64, 128)   a = max(0, z¹)                            ← 2
    z2 = a @ W2.T + b2                     (64, 10)    z² = a W²ᵀ + b²                           ← 3
    loss = cross_entropy(z2, y)            ()          L = −mean log softmax(z²)[y]            ← 4–9

backward, from ∂L/∂L = 1 (L is loss, δ is ∂L/∂z)
    dz2 = (softmax(z2) - one_hot(y)) / 64  (64, 10)    δ² = (softmax(z²) − onehot(y)) / 64   ← 10–11
    dW2 = dz2.T @ a                        (10, 128)   ∂L/∂W² = δ²ᵀ a                           ← 12
    db2 = dz2.sum(0)                       (10,)       ∂L/∂b² = Σᵢ δ²ᵢ                          ← 13
                                                       # a sum: b2 was broadcast along dimension 0
    da = dz2 @ W2                          (64, 128)   ∂L/∂a = δ² W²                            ← 14
    dz1 = where(a > 0, da, 0)              (64, 128)   δ¹ = ∂L/∂a ⊙ 𝟙[a > 0]                    ← 15
    dx = dz1 @ W1                          (64, 784)   ∂L/∂x = δ¹ W¹                            ← 16
    dW1 = dz1.T @ x                        (128, 784)  ∂L/∂W¹ = δ¹ᵀ x                           ← 17
    db1 = dz1.sum(0)                       (128,)      ∂L/∂b¹ = Σᵢ δ¹ᵢ                          ← 18
                                                       # a sum: b1 was broadcast along dimension 0

← n: the lines of depth="elementary" that a line condenses.
"""


def test_two_layers_with_their_loss_are_printed_as_on_paper() -> None:
    text, _, proof = str(derive(two_layers, shapes=SHAPES)).rpartition("Proved: ")
    assert text == PRINTED
    assert re.fullmatch(
        r"3 draws in float64, largest difference from autograd \de-1[567], relative to the largest entry\.",
        proof,
    )


def test_the_elementary_form_is_numbered_as_the_short_one_says() -> None:
    text = str(derive(two_layers, shapes=SHAPES, depth="elementary"))
    assert "←" not in text
    lines = re.findall(r"^ +(\d+)  (\w+) = ", text, re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, 19))
    names = [name for _, name in lines]
    assert (names[0], names[2], names[8], names[10]) == ("z1", "z2", "loss", "dz2")


def residual(x: Tensor, b: Tensor, unused: Tensor) -> Tensor:
    return x + b


def lower(L: Tensor, x: Tensor) -> Tensor:
    return (L @ x).sum()


def detached(x: Tensor) -> Tensor:
    return x + (x.exp() - x).detach()


def normalised(xhat: Tensor, W_q: Tensor, eps: Tensor, mu: Tensor) -> Tensor:
    return (xhat - mu) @ W_q + eps


def differences(x: Tensor) -> Tensor:
    return (x[1:] - x[:-1]).abs()


def scaled(x: Tensor, W: Tensor, W2: Tensor) -> Tensor:
    return x @ W @ W2 / 2**0.5


def constants(x: Tensor) -> Tensor:
    return (x - 1e-6).square() / (x + 2)


def choice(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 3 * x)


def maximum(x: Tensor) -> Tensor:
    return (x - x.detach().amax(1, keepdim=True)).exp().mean((0, 1))


def all_at_once(x: Tensor, b: Tensor) -> Tensor:
    return torch.relu(x + b[:, None, None]).sum((0, 2, 3))


def recurrence(x: Tensor) -> Tensor:
    h = x[0] * 0
    for step in x:
        h = torch.tanh(h + step)
    return h


@pytest.mark.parametrize(
    ("forward", "shapes", "said"),
    [
        (residual, [(2, 3), (2, 3), (4,)], ["dx = grad_output", "db = grad_output", "∂L/∂b = ∂L/∂output"]),
        (residual, [(2, 3), (2, 3), (4,)], ["dunused = 0", "output does not depend on unused"]),
        (residual, [(2, 3), (1, 3), (4,)], ["∂L/∂b = Σᵢ (∂L/∂output)ᵢ", "b was broadcast along dimension 0"]),
        (lower, [(2, 3), (3,)], ["ℓ = Σ (L x)", "from ∂ℓ/∂ℓ = 1 (ℓ is loss", "∂ℓ/∂L = "]),
        (detached, [(2, 3)], ["x + stop(exp(x) − x)"]),
        (normalised, [(2, 3), (3, 4), (4,), (3,)], ["x̂ − μ", " W_q + ε", "∂L/∂x̂ = ", "∂L/∂μ = −Σᵢ ("]),
        (differences, [(4, 3)], ["x[1:] − x[:−1]", "at [:−1], else 0", "+=: x is used twice"]),
        (scaled, [(2, 3), (3, 4), (4, 5)], ["/ √2", "/ sqrt(2)", "x W", "W₂"]),
        (constants, [(2, 3)], ["x − 10⁻⁶", "² / (x + 2)"]),
        (choice, [(2, 3)], ["x where ", "else 3 x"]),
        (maximum, [(2, 3)], ["maxⱼ xᵢⱼ", "mean "]),
        (all_at_once, [(2, 3, 4, 5), (3,)], ["Σᵢₖₗ ", "b was broadcast along dimensions 0, 2 and 3"]),
        (recurrence, [(3, 2)], ["tanh(", "x[2]", "∂L/∂x = "]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_forward(
    forward: Callable[..., Tensor], shapes: list[Any], said: list[str]
) -> None:
    text = unicodedata.normalize("NFD", str(derive(forward, shapes=shapes)))
    for words in said:
        assert unicodedata.normalize("NFD", words) in text, text


@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
def test_both_depths_fit_a_page_and_every_elementary_line_is_condensed_once(case: Any) -> None:
    short, long = (derive(case.forward, shapes=case.given, depth=d) for d in ("operation", "elementary"))
    for line in (*str(short).splitlines(), *str(long).splitlines()):
        assert sum(not unicodedata.combining(c) for c in line) <= 100, line
    scripts = script_of(short.short, PaperCode), script_of(long.short, PaperCode)
    taken = [number for numbers in condensed(*scripts).values() for number in numbers]
    assert sorted(taken) == list(range(1, len(scripts[1].forward) + len(scripts[1].backward) + 1))


def test_numbers_of_lines_are_written_as_ranges() -> None:
    assert ranges([3, 4, 5, 8, 10, 11]) == "3–5, 8, 10–11"
    assert ranges([]) == ""


@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
@pytest.mark.parametrize("depth", ["operation", "elementary"])
def test_latex_and_markdown_are_well_formed(case: Any, depth: Any) -> None:
    derivation = derive(case.forward, shapes=case.given, depth=depth)
    latex = derivation.latex()
    start, *rows, end = latex.split("\n")
    assert (start, end) == (r"\begin{align*}", r"\end{align*}")
    assert latex.isascii()
    for row in rows:
        equation = re.sub(r" \\\\(\[1ex\])?$", "", row)
        assert equation.count(" &= ") == 1
        assert equation.count("{") == equation.count("}") + equation.count(r"\{") - equation.count(r"\}")
        assert equation.count(r"\left") == equation.count(r"\right")
        if r"\begin" not in equation:  # mathtext has no environments
            MathTextParser("path").parse(f"${equation.replace('&= ', '= ')}$")
    tables = [t for t in derivation.markdown().split("\n\n") if t.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
        assert len(table.splitlines()) > 2
    assert derivation._repr_markdown_() == derivation.markdown()


def test_latex_of_two_layers() -> None:
    lines = derive(two_layers, shapes=SHAPES).latex().splitlines()
    assert lines[1] == r"z^{(1)} &= x W^{(1)\top} + b^{(1)} \\"
    assert lines[4] == r"L &= -\operatorname{mean} \log \operatorname{softmax}(z^{(2)})[y] \\[1ex]"
    assert lines[6] == (
        r"\delta^{(2)} &= \frac{\operatorname{softmax}(z^{(2)}) - \operatorname{onehot}(y)}{64} \\"
    )
    assert lines[7] == r"\frac{\partial L}{\partial W^{(2)}} &= \delta^{(2)\top} a \\"
    assert lines[8] == r"\frac{\partial L}{\partial b^{(2)}} &= \sum_{i} \delta^{(2)}_{i} \\"


def test_the_proof_counts_what_it_found() -> None:
    derivation = derive(lambda x: x.exp() / 3, shapes=(3,))
    assert 0 <= derivation.proof.difference < 1e-14
    derivation.proof.difference = 3.4e-16
    assert "largest difference from autograd 3e-16," in str(derivation)
