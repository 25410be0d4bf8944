"""What is run of a user's file: all of it, or its definitions alone, as of a notebook."""

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from manual_backprop.derive.command_line.messages import NOT_RUN, told
from manual_backprop.derive.command_line.notebooks import code_of
from manual_backprop.derive.command_line.requests import CannotRead, CannotRun, names_in
from manual_backprop.derive.command_line.simple_statements import why_not
from manual_backprop.derive.command_line.user_files import definitions


@pytest.fixture(autouse=True)
def _path() -> Iterator[None]:
    before = sys.path[:]
    yield
    sys.path[:] = before


class Layer:
    def forward(self, x: Any) -> Any:
        return x


def helper() -> int:
    return 3


NAMES = {
    "np": np,
    "torch": torch,
    "Layer": Layer,
    "helper": helper,
    "x": np.ones(3),
    "params": {},
    "sys": sys,
}


@pytest.mark.parametrize(
    "statement",
    [
        "import json",
        "from numpy import zeros",
        "def f(x): return load()",
        "class A: pass",
        "eps = 1e-5",
        "a, b = 3, 4 * 2",
        "size: int = 3",
        "x += 1",
        "w = np.random.randn(3, 4) * 0.1",
        "w = np.zeros((3, 4)).reshape(4, 3)",
        "rng = np.random.default_rng(0)",
        "w = torch.randn(3, requires_grad=True)",
        "w = x.reshape(3, 1)",
        "net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())",
        "layer = Layer()",
        "f = lambda x: load(x)",
        "f = torch.nn.functional.relu",
        "params['W'] = np.zeros(3)",
        "rows = [np.full(2, n) for n in range(3)]",
        "text = 'a b'.split()",
        "np.random.seed(0)",
        "torch.manual_seed(0)",
        "torch.set_default_dtype(torch.float64)",
        "params.update(W=np.zeros(3))",
        "sys.path.append('..')",
        "device = 'cuda' if torch.cuda.is_available() else 'cpu'",
        "if x is None:\n    def f(x): return x\nelse:\n    scale = 2.0",
        "try:\n    import jax\nexcept ImportError:\n    jax = None",
    ],
)
def test_definitions_are_run(statement: str) -> None:
    (node,) = ast.parse(statement).body
    assert why_not(node, NAMES) == ""


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("data = load()", "it calls load()"),
        ("data = np.load('x.npy')", "it calls np.load()"),
        ("data = torch.load('x.pt')", "it calls torch.load()"),
        ("value = helper()", "it calls helper()"),
        ("y = other * 2", "it needs other"),
        ("other += 1", "it needs other"),
        ("other['W'] = 3", "it needs other"),
        ("optimizer = torch.optim.SGD([x], lr=0.1)", "it calls torch.optim.SGD()"),
        ("loader = torch.utils.data.DataLoader(x)", "it calls torch.utils.data.DataLoader()"),
        ("text = open('a').read()", "it calls open()"),
        ("train(x)", "it calls train()"),
        ("print(x)", "it calls print()"),
        ("x", "it gives nothing a name"),
        ("for i in range(3): x += i", "it is in a loop"),
        ("while True: pass", "it is in a loop"),
        ("with open('a') as file: text = 3", "it is in a with block"),
        ("assert x", "it is no definition"),
        ("if __name__ == '__main__':\n    y = 3", "it is run only where the file is the program"),
        ("if x is None:\n    y = load()", "it calls load()"),
        ("try:\n    y = load()\nexcept OSError:\n    y = None", "it calls load()"),
    ],
)
def test_what_trains_reads_or_shows_is_not_run(statement: str, reason: str) -> None:
    (node,) = ast.parse(statement).body
    assert why_not(node, NAMES) == reason


def notebook(path: Path, *cells: str, **more: Any) -> Path:
    """A notebook of these code cells, with a text before each."""
    written = [
        cell
        for text in cells
        for cell in (
            {"cell_type": "markdown", "source": ["# about it"]},
            {"cell_type": "code", "source": text.splitlines(keepends=True), "outputs": []},
        )
    ]
    path.write_text(json.dumps({"cells": written, "metadata": {}, "nbformat": 4, **more}), encoding="utf-8")
    return path


def test_a_notebook_is_its_definitions(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "notes.ipynb",
        "%matplotlib inline\nimport numpy as np\n!pip install nothing\nimport a_module_that_is_not_there\n",
        "%%time\ndef f(x):\n    return x * eps\n",
        "%%bash\nrm -r nothing\n",
        "eps = load()\nW = np.ones(3)\nfor n in range(10**15):\n    last = n\n",
        "def broken(:\n",
        "np.ones(3).sum(\n    axis=0)\nopen('ran', 'w')\n",
        "g = lambda x: last\n? np.ones\nnp.ones??\n",
    )
    found = definitions(path)
    assert found.names["W"].tolist() == [1, 1, 1]
    assert [line.removeprefix(str(tmp_path)) for line in found.errors] == [
        "/notes.ipynb, cell 1 raises ModuleNotFoundError: No module named 'a_module_that_is_not_there' "
        "(line 4: import a_module_that_is_not_there)",
        "/notes.ipynb, cell 5 raises SyntaxError: invalid syntax (notes.ipynb, cell 5, line 1)",
    ]
    assert not Path("ran").exists()
    with pytest.raises(NameError) as caught:
        found.names["f"](3)
    assert told(caught.value) == (
        "NameError: name 'eps' is not defined; cell 4 that assigns it was not run, since it calls load() "
        "(notes.ipynb, cell 2, line 3, in f: return x * eps)"
    )
    with pytest.raises(NameError, match="last"):
        found.names["g"](3)
    assert found.names[NOT_RUN]["last"] == "cell 4 that assigns it was not run, since it is in a loop"
    assert inspect.getsource(found.names["f"]) == "def f(x):\n    return x * eps\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no json", "raises NoNotebook: it is no notebook (JSONDecodeError)"),
        ("{}", "raises NoNotebook: it is no notebook (KeyError)"),
        ("[]", "raises NoNotebook: it is no notebook (AttributeError)"),
        (
            '{"cells": [], "metadata": {"language_info": {"name": "R"}}}',
            "raises NoNotebook: it is a notebook of r, not of Python",
        ),
    ],
)
def test_what_is_no_notebook_is_told_in_a_line(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(content)
    with pytest.raises(CannotRun) as caught:
        names_in(tmp_path / "a.ipynb")
    assert str(caught.value).endswith(says)


def test_a_notebook_of_the_older_format_is_read(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "input": "x = 3"}]
    (tmp_path / "a.ipynb").write_text(json.dumps({"worksheets": [{"cells": cells}]}), encoding="utf-8-sig")
    assert [code.text for code in code_of(tmp_path / "a.ipynb")] == ["x = 3"]


def test_a_name_that_was_not_run_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    path = notebook(tmp_path / "notes.ipynb", "rate = load()\ndef f(x): return x\n", "def g(:\n    pass")
    found = names_in(path)
    assert found.require(path, "f", of=callable) is found["f"]
    for name, says in (
        ("rate", "has no rate: cell 1 that assigns it was not run, since it calls load()"),
        ("g", "has no g: cell 2 raises SyntaxError: invalid syntax"),
        ("h", "has no function h; it has f"),
    ):
        with pytest.raises(CannotRead, match=says.replace("(", r"\(").replace(")", r"\)")):
            found.require(path, name, of=callable)


def test_a_file_that_fails_gives_its_definitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layers.py"
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "def f(x: Unknown): return x\ndata = open('nowhere')\n@dataclass\nclass A:\n    n: int\n"
    )
    found = names_in(path)
    assert capsys.readouterr().out == ""
    assert found.require(path, "f", of=callable)(3) == 3
    says = f"{path} raises FileNotFoundError: [Errno 2] No such file or directory: 'nowhere' "
    assert (
        capsys.readouterr().out == f"{says}(line 4: data = open('nowhere')): only its definitions are run\n"
    )
    assert found["A"](3).n == 3
    with pytest.raises(
        CannotRun, match="has no data: line 4 that assigns it was not run, since it calls open"
    ):
        found.require(path, "data", of=callable)
    with pytest.raises(CannotRun, match="raises FileNotFoundError"):
        found.require(path, "g", of=callable)


def test_modules_beside_a_file_are_imported_and_none_replaces_one_of_python(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("def f(x): return x\n")
    (tmp_path / "json.py").write_text("raise AssertionError\n")
    (tmp_path / "layers.py").write_text("import json.decoder\nfrom beside_it import f\n")
    assert names_in(tmp_path / "layers.py")["f"](3) == 3
