"""What derive writes of each forward is right, runs without this package, and is formatted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from manual_backprop.derive import Derivation, derive
from manual_backprop.derive.script import script_of
from manual_backprop.derive.writing.torch_code import TorchCode
from tests.derive.forwards import FORWARDS

DEPTHS = ("operation", "elementary")
DIALECTS = ("torch", "numpy", "function")
ROUNDING = 1e-9
OF_PYTORCH = {"mlp_hardsigmoid", "mlp_hardswish"}  # has 1/6 in float32
VAGUE = {"tmp", "reshape", "permute", "unsqueeze", "expand", "setitem", "stop_gradient", "arange"}
RUFF = [sys.executable, "-m", "ruff"]


class Answers:
    """All derivations, written as files into a folder, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.derivations: dict[tuple[str, str], Derivation] = {}
        for case in FORWARDS:
            for depth in DEPTHS:
                derivation = derive(case.forward, shapes=case.given, depth=depth)
                self.derivations[case.name, depth] = derivation
                for dialect in DIALECTS:
                    file = folder / f"{case.name}__{depth}_{dialect}.py"
                    file.write_text(derivation.source(dialect))
            np.savez(folder / f"{case.name}.npz", **numbers(derivation))
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        script = Path(__file__).with_name("run_sources.py")
        subprocess.run([sys.executable, str(script), str(folder)], check=True, cwd=folder, env=clean)
        self.off: dict[str, Any] = json.loads((folder / "answers.json").read_text())


def numbers(derivation: Derivation) -> dict[str, Any]:
    """The last point of a derivation's proof, and what autograd gives there."""
    proof = derivation.proof
    (output,), (upstream,), gradients = proof.expected[-1]
    return {
        "used": proof.used,
        "differentiable": proof.differentiable,
        "upstream": upstream.numpy(),
        "output": output.numpy(),
        **{f"input{i}": x.numpy() for i, x in enumerate(proof.points[-1])},
        **{f"gradient{i}": g.numpy() for i, g in zip(proof.differentiable, gradients, strict=True)},
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return Answers(tmp_path_factory.mktemp("sources"))


def ruff(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*RUFF, *arguments, "--isolated", "--quiet", str(folder)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_there_are_forwards_of_every_kind() -> None:
    names = [case.name for case in FORWARDS]
    assert len(set(names)) == len(names) >= 45


def test_each_source_gives_autograds_numbers_in_a_process_without_the_package(answers: Answers) -> None:
    assert len(answers.off) == len(FORWARDS) * len(DEPTHS) * len(DIALECTS)
    wrong = {
        file: off
        for file, off in answers.off.items()
        if isinstance(off, str) or off > (1e-7 if file.split("__")[0] in OF_PYTORCH else ROUNDING)
    }
    assert not wrong


def test_each_source_passes_ruff_and_is_formatted(answers: Answers) -> None:
    assert ruff(answers.folder, "check") == ""
    assert ruff(answers.folder, "format", "--check") == ""


def test_each_printed_form_has_a_line_for_each_gradient(answers: Answers) -> None:
    for (name, _), derivation in answers.derivations.items():
        printed = str(derivation)
        gradients = set(script_of(derivation.short, TorchCode).results) - {"None"}
        assert [g for g in gradients if f"{g} " not in printed] == [], name


def test_no_source_names_a_step_by_what_says_nothing(answers: Answers) -> None:
    vague = [
        (name, depth, line)
        for (name, depth), derivation in answers.derivations.items()
        for line in derivation.source().splitlines()
        if line.strip().split(" = ")[0].rstrip("0123456789").removeprefix("d") in VAGUE
    ]
    assert not vague


@pytest.mark.parametrize("dialect", ["torch", "numpy"])
def test_two_layers_with_cross_entropy_have_at_most_ten_lines_of_backward(dialect: str) -> None:
    forward = next(case for case in FORWARDS if case.name == "two_layers")
    source = derive(forward.forward, shapes=forward.given).source(dialect)
    backward = source[source.index("def backward") :].strip().splitlines()
    assert len(backward) - 1 <= 10 + 1  # the signature, and the line that unpacks the cache


def test_default_types_are_as_before() -> None:
    assert torch.get_default_dtype() == torch.float32
