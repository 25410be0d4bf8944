"""`manual-backprop derive`: what is written, what cannot be, and the exit codes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from manual_backprop.cli import main
from manual_backprop.derive import derive
from manual_backprop.derive.command_line.package_operations import OWN, own

pytestmark = pytest.mark.usefixtures("forked")
FILE = """
import torch
import torch.nn.functional as F

print("the file is run")

def forward(x, W, b, y):
    return F.cross_entropy(x @ W.T + b, y)

def singular(x):
    s = torch.relu(x)
    return torch.linalg.svdvals(s)

def reads(x):
    return x if x.sum() > 0 else -x

def fails(x):
    return x @ x

def fails_always(x):
    return x * missing

def own_function(x):
    return x.exp()

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(5, 4)
        self.fc2 = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))

class Sized(torch.nn.Module):
    def __init__(self, size):
        super().__init__()

class Exp(torch.autograd.Function):
    pass

net = Net()
with_loss = net, F.cross_entropy
number = 3
"""
SHAPES = "(6,5) (3,5) (3,) (6,)<3"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file, which the command runs in."""
    (tmp_path / "net.py").write_text(FILE)
    (tmp_path / "one.py").write_text("def model_backward(g, x): return g\ndef model(x): return x.exp()\n")
    functions = "def one(x): return x", "def two(x): return x", "def two_backward(g): return g"
    (tmp_path / "two.py").write_text("\n".join(functions))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["derive", *arguments]) == code
    captured = capsys.readouterr()
    if code:
        assert captured.out == ""
        assert captured.err.count("\n") - captured.err.count("the file is run\n") == 1
        return captured.err.replace("the file is run\n", "")
    return captured.out


def test_a_forward_in_a_file_is_printed_and_what_the_file_prints_is_no_part_of_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["derive", "net.py:forward", "--shapes", SHAPES]) == 0
    captured = capsys.readouterr()
    assert captured.err == "the file is run\n"
    assert captured.out.startswith("forward\n    z = x @ W.T + b")
    assert "dz = (softmax(z) - one_hot(y)) / 6" in captured.out
    assert captured.out.endswith("relative to the largest entry.\n")


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (["--torch"], "import torch\n"),
        (["--numpy"], "import numpy as np\n"),
        (["--function"], "import torch\n"),
        (["--latex"], "\\begin{align*}\n"),
        (["--markdown"], "**Forward**\n"),
        (["--elementary"], "forward\n    1  z = x @ W.T + b"),
        (["--elementary", "--latex"], "\\begin{align*}\n"),
    ],
)
def test_each_form_is_what_python_gives(
    options: list[str], start: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "net.py:forward", "--shapes", SHAPES, *options)
    assert text.startswith(start)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    written = said(capsys, "net.py:forward", "--shapes", SHAPES, *options, "--out", "written")
    assert written == "out: written\n"
    assert (here / "written").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("file", "start"),
    [("b.py", "import torch\n"), ("b.tex", "\\begin"), ("b.md", "**F"), ("b.txt", "forward")],
)
def test_a_file_has_the_form_that_its_suffix_says(
    file: str, start: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "net.py:Net", "--shapes", "(6,5)", "--out", file)
    assert (here / file).read_text(encoding="utf-8").startswith(start)


def test_code_that_is_written_runs_without_the_package(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "net.py:forward", "--shapes", SHAPES, "--numpy", "--out", "b.py")
    program = (
        "import sys, numpy as np, b\n"
        "x, W, c, y = np.ones((6, 5)), np.zeros((3, 5)), np.zeros(3), np.array([0, 1, 2, 0, 1, 2])\n"
        "loss, cache = b.forward(x, W, c, y)\n"
        "print(round(float(loss), 6), [g.shape for g in b.backward(1.0, cache)], 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1.098612 [(6, 5), (3, 5), (3,)] False\n"


@pytest.mark.parametrize(
    ("what", "shapes", "line"),
    [
        ("net.py::forward", SHAPES, "dW = dz.T @ x"),
        ("net.py:Net", "(6,5)", "dfc1_weight = dz1.T @ x"),
        ("net.py:net", "(6,5)", "dfc1_weight = dz1.T @ x"),
        ("net.py:with_loss", "(6,5) (6,)<3", "dz2 = (softmax(z2) - one_hot(target)) / 6"),
        ("./net.py:own_function", "(3,)", "dx = grad_output * "),
    ],
)
def test_functions_modules_their_classes_and_modules_with_a_loss(
    what: str, shapes: str, line: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line in said(capsys, what, "--shapes", shapes)


@pytest.mark.parametrize(
    ("what", "shapes", "code", "words"),
    [
        ("net", None, 2, "name the function: net.py:forward"),
        ("two.py", None, 2, "name the function: two.py:one (two.py has one, two, two_backward)"),
        ("net.py:forwrd", "(3,)", 2, "net.py has no function forwrd; did you mean forward?"),
        ("net.py:number", "(3,)", 2, "number in net.py is no function, but int"),
        ("net.py:fails_always", None, 2, "no shapes were found that fit: the forward raises NameError: "),
        ("net.py:forward", "(3", 2, "invalid --shapes: expected a list of shapes such as"),
        ("net.py:forward", "(3,)<0", 2, "invalid --shapes: expected a list of shapes such as"),
        ("nothing.py:f", "(3,)", 2, "cannot read nothing.py: there is no such file"),
        (".", None, 2, ". is a folder; name a file and its function: ./net.py:forward"),
        ("layernorm", None, 2, "there is no operation layernorm; did you mean layer_norm?"),
        ("net.py:Exp", "(3,)", 2, "Exp in net.py is a torch.autograd.Function, with a backward of its own"),
        ("net.py:Sized", "(3,)", 3, "Sized in net.py cannot be made without arguments (TypeError: "),
        ("net.py:singular", "(3,3)", 3, "net.py:12: torch.linalg.svdvals(s): linalg_svdvals has no"),
        ("net.py:reads", "(3,3)", 3, "net.py:15: x.sum() > 0: bool reads a value, on which the steps depend"),
        ("net.py:fails", "(3,2)", 3, "net.py raises RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        ("net.py:fails", "(3,2)", 3, "(line 18, in fails: return x @ x)"),
        ("net.py:forward", "(3,3)", 3, "missing 3 required positional arguments: 'W', 'b', and 'y'"),
    ],
)  # fmt: skip
def test_what_cannot_be_derived_is_one_line(
    what: str, shapes: str | None, code: int, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [] if shapes is None else ["--shapes", shapes]
    error = said(capsys, what, *options, code=code)
    assert error.startswith("manual-backprop derive: error: ")
    assert words in error


def test_a_file_with_one_forward_needs_no_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "dx = grad_output * " in said(capsys, "one.py", "--shapes", "(3,)")
    assert "dW = dz.T @ x" in said(capsys, "net.py", "--shapes", SHAPES)  # the one that is called forward


def test_a_file_that_goes_on_for_ever_is_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "d.py"
    file.write_text("def forward(x):\n    while True: pass\n")
    error = said(capsys, f"{file}:forward", "--shapes", "(3,)", "--time-limit", "4", code=3)
    assert re.search(r"d\.py(, line 2, in forward)?: still running after 4 s \(--time-limit\)", error)


@pytest.mark.parametrize("name", ["linear", "cross_entropy", "layer_norm", "conv2d", "lstm", "sigmoid"])
def test_an_operation_of_the_package_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, name)
    function, _, points = own(name)
    assert text == f"{derive(function, shapes=points)}\n"
    assert name in OWN
    for given in function.names[:1]:
        assert f"d{re.sub(r'[^0-9A-Za-z]+', '_', given).strip('_')} = " in text
