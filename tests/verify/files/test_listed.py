"""`manual-backprop verify layers.py`: a line for each, the reports of what is wrong."""

import json
import re
from pathlib import Path

import pytest

from manual_backprop.cli import main

pytestmark = pytest.mark.usefixtures("forked")
RIGHT = """
import torch

def double(x): return 2 * x
def double_backward(g, x): return 2 * g

def cos(x): return torch.cos(x)
def cos_prime(x): return -torch.sin(x)

def sin(x): return torch.sin(x)
def sin_prime(z): return torch.cos(z)

def sigmoid(x): return torch.sigmoid(x)
def sigmoid_derivative(a): return a * (1 - a)
"""
WRONG = """
import torch

def relu(x): return torch.relu(x)

def relu_backward(dout, x):
    return dout * (x > 1)

def cube_forward(x): return x ** 3
def cube_backward(dout, x): return 3 * x ** 2 * dout

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0]

class Fourth(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.set_materialize_grads(False)
        return x ** 4

    @staticmethod
    def backward(ctx, g):
        return g * 4 * ctx.saved_tensors[0] ** 3

def exp(x): return torch.exp(x)
def exp_backward(dout, x):
    return dout * missing

def lost_backward(g, x): return g
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines_of(text: str) -> dict[str, str]:
    """What is said of each derivation in the lines at the top."""
    return dict(re.split(r"   +", line, maxsplit=1) for line in text.partition("\n\n")[0].splitlines())


def test_a_file_of_right_ones_is_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "right.py", "--shapes", "(5,3)"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert lines_of(captured.out) == {
        "double_backward": "right",
        "cos_prime": "right   Judged as grad_output * cos_prime(x).",
        "sin_prime": "right   Judged as grad_output * sin_prime(x).",
        "sigmoid_derivative": "right   Judged as grad_output * sigmoid_derivative(sigmoid(x)).",
    }
    assert captured.out.endswith("\n\n4 derivations: 4 right.\n")


def test_of_what_is_wrong_there_is_the_report_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "wrong.py", "--shapes", "(5,3)"]) == 1
    text = capsys.readouterr().out
    said = lines_of(text)
    assert said["relu_backward"] == "WRONG   dx: The mask compares x with 1, due with 0."
    assert said["cube_backward"] == "right"
    assert said["Cube"].startswith("WRONG   dx: ")
    assert said["Fourth"].startswith("right   Judged against what its own forward computes, since")
    assert said["exp_backward"] == (
        "WRONG   your derivation raises NameError: name 'missing' is not defined "
        "(wrong.py:35, in exp_backward: return dout * missing)"
    )
    assert said["lost_backward"].startswith("could not be judged: there is no forward for lost_backward")
    assert "\nrelu_backward:\n∂L/∂x        WRONG    at [" in text
    assert "\nfourth:\n" not in text.lower()
    assert text.endswith("\n6 derivations: 2 right, 3 WRONG, 1 could not be judged.\n")


def test_json_is_a_list_of_names_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "wrong.py", "--shapes", "(5,3)", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    statuses = {one["name"]: one["report"]["status"] for one in found}
    assert statuses == {
        "relu_backward": "wrong", "cube_backward": "right", "Cube": "wrong", "Fourth": "right",
        "exp_backward": "malformed", "lost_backward": "unjudged",
    }  # fmt: skip
    assert found[0]["report"]["verdicts"][0]["diagnoses"]


def test_several_names_files_and_operations(capsys: pytest.CaptureFixture[str]) -> None:
    named = ["right.py:double_backward", "right.py:cos", "wrong.py:cube_forward", "relu"]
    assert main(["verify", *named, "--shapes", "(5,3)"]) == 0
    assert [*lines_of(capsys.readouterr().out)] == [
        "right.py:double_backward", "right.py:cos_prime", "wrong.py:cube_backward", "relu",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("named", "code", "says"),
    [
        (["right.py", "nowhere.py"], 2, "cannot read nowhere.py: there is no such file"),
        (["right.py", "right.py:nothing"], 0, ""),  # all of it are judged
        (["right.py:double_backward", "right.py:cosine"], 2, "right.py has no function cosine; did you mean"),
        (["wrong.py:lost_backward"], 2, "wrong.py has no forward for lost_backward: name it, --against NAME"),
        (["right.py:double_backward", "liner"], 2, "there is no operation liner; did you mean linear?"),
    ],
)
def test_what_is_not_there_is_a_line_and_the_others_are_judged(
    named: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *named, "--shapes", "(5,3)"]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == bool(says)
    assert says in error


def test_one_that_hangs_or_crashes_does_not_take_the_others_along(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "hangs.py").write_text(
        "import os\nprint('run')\ndef a(x): return x\ndef a_backward(g, x): return g\n"
        "def b(x): return x\ndef b_backward(g, x): os._exit(7)\n"
        "def c(x): return x\ndef c_backward(g, x):\n    while True: pass\n"
        "def d(x): return x\ndef d_backward(g, x): return 2 * g\n"
    )
    assert main(["verify", "hangs.py", "--shapes", "(5,3)", "--time-limit", "6"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("run\n")
    said = lines_of(text.removeprefix("run\n"))
    assert said["a_backward"] == "right"
    assert said["b_backward"] == ("could not be judged: hangs.py ends the process that runs it (exit code 7)")
    assert said["c_backward"] == (
        "could not be judged: hangs.py, line 9, in c_backward: still running after 6 s (--time-limit)"
    )
    assert said["d_backward"].startswith("WRONG   dx: ")


def test_a_picture_is_of_one_derivation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "right.py", "--shapes", "(5,3)", "--plot", "a.png"]) == 2
    assert "--plot is for one derivation" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["wrong.py:relu_backward", "wrong.py:relu", "wrong.py:Cube"])
def test_one_that_is_named_finds_its_forward(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", name, "--shapes", "(5,3)"]) == 1
    assert capsys.readouterr().out.startswith("∂L/∂x        WRONG    at [")
