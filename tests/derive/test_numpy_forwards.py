"""A forward in NumPy gets a backward in NumPy, cache and all, which runs where there is no torch."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from manual_backprop.derive import Derivation, derive
from tests.derive.numpy_forwards import NUMPY_FORWARDS
from tests.derive.numpy_forwards.case import Case
from tests.derive.test_forwards import VAGUE, ruff

DEPTHS = ("operation", "elementary")
ROUNDING = 1e-12
OF_DIFFERENCES = 1e-7
STEP = 1e-4
Array = np.ndarray[Any, Any]


def derived(case: Case, depth: Any = "operation") -> Derivation:
    return derive(case.forward, shapes=[*case.given, *case.options.values()], depth=depth)


class Answers:
    """All derivations, written as files into a folder, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.derivations: dict[str, Derivation] = {}
        for case in NUMPY_FORWARDS:
            for depth in DEPTHS:
                derivation = self.derivations[f"{case.name}__{depth}"] = derived(case, depth)
                (folder / f"{case.name}__{depth}.py").write_text(derivation.source())
            np.savez(
                folder / f"{case.name}.npz", **numbers(case, self.derivations[f"{case.name}__operation"])
            )
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        script = Path(__file__).with_name("run_numpy_sources.py")
        subprocess.run([sys.executable, str(script), str(folder)], check=True, cwd=folder, env=clean)
        self.off: dict[str, Any] = json.loads((folder / "answers.json").read_text())


def outputs_of(case: Case, inputs: Sequence[Array]) -> list[Array]:
    """What the user's own forward computes, without its cache."""
    returned = case.forward(*(x.copy() for x in inputs), *case.options.values())
    if not isinstance(returned, tuple):
        return [np.asarray(returned)]
    *values, _ = returned
    return [np.asarray(x) for x in (values[0] if isinstance(values[0], tuple) else values)]


def slope(case: Case, inputs: Sequence[Array], upstreams: Sequence[Array], at: int) -> Array:
    """∂⟨upstreams, outputs⟩/∂ of an input, by central differences."""

    def value(x: Array) -> float:
        moved = [x if i == at else y for i, y in enumerate(inputs)]
        return float(sum((v * y).sum() for v, y in zip(upstreams, outputs_of(case, moved), strict=True)))

    found = np.zeros_like(inputs[at])
    for place in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[place] = STEP
        coarse, fine = (
            (value(inputs[at] + h * step) - value(inputs[at] - h * step)) / (2 * h * STEP) for h in (1, 0.5)
        )
        found[place] = (4 * fine - coarse) / 3
    return found


def numbers(case: Case, derivation: Derivation) -> dict[str, Any]:
    """The inputs of a derivation's proof, and what the forward gives there."""
    proof = derivation.proof
    inputs = [x.numpy() for x in proof.points[0]]
    rng = np.random.default_rng(0)
    outputs = outputs_of(case, inputs)
    upstreams = [np.asarray(rng.standard_normal(x.shape)) for x in outputs]
    return {
        "forward": derivation.signature.forward,
        "backward": derivation.signature.backward,
        **{f"upstream{i}": v for i, v in enumerate(upstreams)},
        **{f"output{i}": x for i, x in enumerate(outputs)},
        **{f"input{n}": inputs[i] for n, i in enumerate(proof.used)},
        **{f"gradient{n}": slope(case, inputs, upstreams, i) for n, i in enumerate(proof.differentiable)},
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return Answers(tmp_path_factory.mktemp("numpy_sources"))


def test_there_are_forwards_of_every_kind() -> None:
    names = [case.name for case in NUMPY_FORWARDS]
    assert len(set(names)) == len(names) >= 50


def test_each_source_gives_the_forward_and_its_slopes_where_there_is_no_torch(answers: Answers) -> None:
    assert len(answers.off) == len(NUMPY_FORWARDS) * len(DEPTHS)
    wrong = {
        name: off
        for name, off in answers.off.items()
        if isinstance(off, str)
        or any(isinstance(x, str) for x in off)
        or off[0] > ROUNDING
        or off[1] > OF_DIFFERENCES
    }
    assert not wrong


def test_each_source_passes_ruff_and_is_formatted(answers: Answers) -> None:
    assert ruff(answers.folder, "check") == ""
    assert ruff(answers.folder, "format", "--check") == ""


def test_each_source_is_short_and_each_step_has_a_telling_name(answers: Answers) -> None:
    for name, derivation in answers.derivations.items():
        lines = derivation.source().splitlines()
        assert len(lines) <= 110, name
        names = {line.strip().split(" = ")[0].rstrip("0123456789").removeprefix("d") for line in lines}
        assert not names & VAGUE, name


def test_functions_are_called_as_the_forward_is_and_return_the_gradients_in_its_order(
    answers: Answers,
) -> None:
    for case in NUMPY_FORWARDS:
        source = answers.derivations[f"{case.name}__operation"].source()
        forward = case.name if "forward" in case.name else "forward"
        assert f"def {forward}(" in source
        assert re.search(rf"def {forward.replace('forward', 'backward')}\((d\w+, )+cache\):", source)
        returned = re.findall(r"^    return (d\w+(?:, d\w+)*)$", source, re.MULTILINE)[-1].split(", ")
        assert returned == [
            f"d{node.name}" for node in answers.derivations[f"{case.name}__operation"].program.differentiable
        ]


def test_what_is_printed_is_numpy(answers: Answers) -> None:
    for name, derivation in answers.derivations.items():
        for text in (str(derivation), derivation.markdown()):
            assert not re.search(r"torch|keepdim=|grad_output|dimension|\.clone\(|\.unsqueeze\(", text), name


def affine_forward(x, w, b):
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w, b)


AFFINE = """\
def affine_forward(x, w, b):
    out = x.reshape(5, 6) @ w + b
    cache = (x, w)
    return out, cache


def affine_backward(dout, cache):
    x, w = cache
    dx = (dout @ w.T).reshape(5, 2, 3)
    dw = x.reshape(5, 6).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""


def test_an_affine_layer_reads_as_in_its_course() -> None:
    assert derive(affine_forward, shapes=[(5, 2, 3), (6, 4), (4,)]).source() == AFFINE


def test_the_other_dialect_is_to_be_had() -> None:
    derivation = derive(affine_forward, shapes=[(5, 2, 3), (6, 4), (4,)])
    assert "def backward(grad_output, cache):" in derivation.source("torch")
    assert derivation.source("numpy") == derivation.source()
    assert "class Derived(torch.autograd.Function):" in derivation.source("function")
