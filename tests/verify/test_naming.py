"""What is named on the command line and is not there: one line says what was meant."""

import re
from pathlib import Path

import pytest

from manual_backprop.cli import main

pytestmark = pytest.mark.usefixtures("forked")
DERIVATION = """
import torch
from torch import relu

def forward(x):
    return 2 * x

def backward(grad_output, x):
    return 2 * grad_output

relu_backward = lambda g, x: g * (x > 0)
number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of several kinds, which the command runs in."""
    (tmp_path / "package").mkdir()
    for name in ("d.py", "package/module.py"):
        (tmp_path / name).write_text(DERIVATION)
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "runs.py").write_text("open('ran', 'w')\ndef my_backward(g, x): pass\n")
    (tmp_path / "broken.py").write_text("x = 1\ndef f(:\n")
    (tmp_path / "binary.py").write_bytes(b"\0\xff")
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\ndef é(g, x): pass\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


HAS = "(d.py has forward, backward, relu_backward)"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("d", f"name the function: d.py:backward {HAS}"),
        ("package.module", "name the function: package/module.py:backward"),
        ("latin.py", "latin.py has no derivation: looked for NAME_forward and NAME_backward, NAME and NAME_"),
        ("empty.py", "empty.py has no derivation: looked for NAME_forward and NAME_backward"),
        ("latin", "name the function: latin.py:é (latin.py has é)"),
        ("runs", "name the function: runs.py:my_backward (runs.py has my_backward)"),
        ("package", "package is a folder; name a file and its function: package/module.py:backward"),
        ("package:backward", "cannot read package: it is a folder"),
        ("d.py:bakward", "d.py has no function bakward; did you mean backward?"),
        ("d.py:zzz", "d.py has no function zzz; it has forward, backward, relu_backward"),
        ("d.py:number", "number in d.py is no function, but int"),
        ("empty.py:backward", "empty.py has no function backward; it has no function"),
        ("d:backward", "cannot read d: there is no such file; did you mean d.py?"),
        ("package.module:backward", "there is no such file; did you mean package/module.py?"),
        ("package/modul.py:f", "there is no such file; did you mean package/module.py?"),
        ("nofile_at_all.py", "cannot read nofile_at_all.py: there is no such file"),
        ("nofile_at_all.py:f", "cannot read nofile_at_all.py: there is no such file"),
        ("nowhere/nofile.py:f", "cannot read nowhere/nofile.py: there is no such file"),
        (r"C:\d.py", r"cannot read C:\d.py: there is no such file"),
        (r"C:\d.py:backward", r"cannot read C:\d.py: there is no such file"),
        ("liner", "there is no operation liner; did you mean linear?"),
        ("Linear", "there is no operation Linear; did you mean linear?"),
        ("torch.nn.functional.linear", "did you mean linear?"),
        ("F.relu", "there is no operation F.relu; did you mean relu?"),
        ("layernorm", "there is no operation layernorm; did you mean layer_norm?"),
        ("xyzzyq", "'xyzzyq' is neither file.py:function nor an operation of this package: abs, "),
        ("", "'' is neither file.py:function nor an operation"),
        (":backward", "':backward' is neither file.py:function nor an operation"),
        ("x" * 300, "is neither file.py:function nor an operation"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_what_was_meant(
    named: str, says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", named, "--shapes", "(5,3)"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err
    assert not (here / "ran").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("broken.py:f", "broken.py raises SyntaxError: invalid syntax (broken.py, line 2)"),
        ("broken.py", "broken.py raises SyntaxError: invalid syntax (broken.py, line 2)"),
        ("binary.py", "binary.py raises "),  # a SyntaxError, or before Python 3.11.4 a ValueError
    ],
)
def test_a_file_that_is_no_python_cannot_be_judged(
    named: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", named, "--shapes", "(5,3)"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err


@pytest.mark.usefixtures("here")
def test_what_is_missing_is_asked_for_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    for named, says in (
        ("nofile.py:f", "cannot read nofile.py"),
        ("d", "name the function"),
        ("d.py:number", "number in d.py is no function"),
    ):
        assert main(["verify", named]) == 2
        assert says in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_the_name_of_the_forward_is_answered_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "d.py:backward", "--against", "forwards", "--shapes", "(5,3)"]) == 2
    says = "d.py has no function forwards; did you mean forward? (--against takes another name)\n"
    assert capsys.readouterr().err.endswith(says)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("named", ["d.py:backward", "d.py::backward", "package/module.py:backward"])
def test_a_function_of_a_file_is_judged(named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", named, "--shapes", "(5,3)"]) == 0
    assert re.match(r"∂L/∂x +right", capsys.readouterr().out)
