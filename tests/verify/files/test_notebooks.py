"""Derivations in notebooks, and in files that train as they are run, are judged by their definitions."""

import json
from pathlib import Path

import pytest

from manual_backprop.cli import main
from tests.derive.command_line.test_user_files import notebook
from tests.verify.files.test_listed import lines_of

pytestmark = pytest.mark.usefixtures("forked")
RELU = "def relu(x):\n    return torch.relu(x)\n\ndef relu_backward(dout, x):\n    return dout * (x > 1)\n"
CUBE = "def cube(x): return x ** 3\ndef cube_backward(dout, x): return 3 * x ** 2 * dout\n"
RATE = "def scaled(x): return x * 2\ndef scaled_backward(dout, x): return dout * rate\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_notebook_is_judged_cell_by_cell(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["import torch\n%load_ext x", RELU, CUBE, "rate = load()\nwhile True: pass", RATE, "1 / 0\n)"]
    notebook(here / "notes.ipynb", *cells)
    assert main(["verify", "notes.ipynb", "--shapes", "(5,3)"]) == 1
    first, _, text = capsys.readouterr().out.partition("\n")
    assert first == "notes.ipynb, cell 6 raises SyntaxError: unmatched ')' (notes.ipynb, cell 6, line 2)"
    assert lines_of(text) == {
        "relu_backward": "WRONG   dx: The mask compares x with 1, due with 0.",
        "cube_backward": "right",
        "scaled_backward": "could not be judged: your derivation raises NameError: name 'rate' is not "
        "defined; cell 4 that assigns it was not run, since it calls load() "
        "(notes.ipynb, cell 5, line 2, in scaled_backward: "
        "def scaled_backward(dout, x): return dout * rate)",
    }
    assert "Line 5: return dout * (x > 1); due is" in text
    assert "Lines are counted in notes.ipynb, cell 2." in text


def test_what_derive_cannot_follow_is_told_with_its_cell(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook(here / "notes.ipynb", "import torch", "\ndef f(x):\n    return torch.linalg.svdvals(x)")
    assert main(["derive", "notes.ipynb:f", "--shapes", "(3,3)"]) == 3
    says = "notes.ipynb, cell 2, line 3: torch.linalg.svdvals(x): linalg_svdvals has no"
    assert says in capsys.readouterr().err


def test_one_of_a_notebook_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook(here / "notes.ipynb", "import torch", RELU, CUBE)
    assert main(["verify", "notes.ipynb:cube_backward", "--shapes", "(5,3)", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "right"
    assert main(["derive", "notes.ipynb:cube", "--shapes", "(5,3)"]) == 0
    assert "dx = " in capsys.readouterr().out
    assert main(["verify", "notes.ipynb:cub_backward", "--shapes", "(5,3)"]) == 2
    assert "notes.ipynb has no function cub_backward; did you mean cube_backward?" in capsys.readouterr().err
    assert main(["derive", "notes.ipynb", "--shapes", "(5,3)"]) == 2
    assert "name the function: notes.ipynb:relu (notes.ipynb has relu, relu_" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("at_the_end", "says"),
    [
        (
            "open('nowhere')\n",
            "raises FileNotFoundError: [Errno 2] No such file or directory: 'nowhere' (line 4",
        ),
        ("import sys\nsys.exit(3)\n", "raises SystemExit: 3 (line 5: sys.exit(3))"),
        ("def train():\n    while True: pass\ntrain()\n", ", line 5, in train: still running after 6 s"),
    ],
)
@pytest.mark.parametrize("name", ["", ":cube_backward"])
def test_a_file_that_fails_or_trains_is_judged_by_its_definitions(
    at_the_end: str, says: str, name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "layers.py").write_text(f"import torch\n{CUBE}{at_the_end}")
    assert main(["verify", f"layers.py{name}", "--shapes", "(5,3)", "--time-limit", "6"]) == 0
    captured = capsys.readouterr()
    first, _, text = captured.out.partition("\n")
    assert captured.err == ""
    assert says in first
    assert first.endswith(": only its definitions are run")
    assert "right" in text
