"""`pytest --verify-gradients layers.py`: a test for each derivation of a file."""

import json
import tomllib
from pathlib import Path

import pytest
import torch._dynamo.trace_rules  # noqa: F401 - kept when a run of pytester's ends: it cannot come twice

import manual_backprop.testing.collection  # noqa: F401 - likewise, since it takes long

pytest_plugins = "pytester"

PLUGIN = ("-p", "pytest_manual_backprop")
LAYERS = """
import torch

def double(x): return 2 * x
def double_backward(g, x): return 2 * g

def relu_forward(x): return torch.relu(x)
def relu_backward(g, x): return 2 * g * (x > 0)

def random(x): return torch.rand(3) * x
def random_backward(g, x): return g
"""
IDS = ["layers.py::double_backward", "layers.py::relu_backward", "layers.py::random_backward"]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    """With layers.py, and a test."""
    pytester.makepyfile(layers=LAYERS, test_other="def test_other(): pass")
    return pytester


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    words = (line.split() for line in result.outlines)
    return {line[0]: line[1] for line in words if len(line) > 1 and line[1] in ("PASSED", "FAILED", "ERROR")}


def test_each_derivation_is_a_test(folder: pytest.Pytester) -> None:
    result = folder.runpytest(*PLUGIN, "-v", "--verify-gradients", "layers.py")
    assert outcomes(result) == dict(zip(IDS, ("PASSED", "FAILED", "FAILED"), strict=True))
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failure_is_the_diagnosis_and_nothing_of_this_package(folder: pytest.Pytester) -> None:
    result = folder.runpytest(*PLUGIN, "--verify-gradients", "layers.py")
    result.stdout.fnmatch_lines(
        [
            "*_ relu_backward _*",
            "dx: *× 2*",
            "",
            "∂L/∂x *WRONG *",
            "*Right is what *",
            "*_ random_backward _*",
            "Could not be judged: the forward returns a different value each time: *",
            "FAILED layers.py::relu_backward - Failed: dx: *",
            "FAILED layers.py::random_backward - Failed: Could not be judged: the forward *",
        ]
    )
    result.stdout.no_fnmatch_line("*collection.py*")
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--verify-gradients=layers.py"], IDS),
        (["--verify-gradients", "layers.py", "test_other.py"], ["test_other.py::test_other", *IDS]),
        (["--verify-gradients", "layers.py", "layers.py::relu_backward"], [IDS[1]]),
        (["--verify-gradients", "layers.py::relu_backward"], [IDS[1]]),
        (
            ["--verify-gradients=layers.py:random_backward", "--verify-gradients=layers.py:double"],
            [IDS[2], IDS[0]],
        ),
        (["--verify-gradients", "layers.py", "-k", "relu"], [IDS[1]]),
        (
            ["--verify-gradients", "layers.py", "--verify-gradients", "more/others.py"],
            [*IDS, "more/others.py::f_grad"],
        ),
        (["layers.py"], []),
        ([], ["test_other.py::test_other"]),
    ],
)
def test_what_is_collected(folder: pytest.Pytester, arguments: list[str], expected: list[str]) -> None:
    folder.mkdir("more").joinpath("others.py").write_text("def f(x): return x\ndef f_grad(g, x): return g\n")
    result = folder.runpytest(*PLUGIN, "--collect-only", "-q", *arguments)
    assert [line for line in result.outlines if "::" in line] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["test_other.py::test_other", *IDS]),
        (["test_other.py"], ["test_other.py::test_other"]),
        (["layers.py"], IDS),
        (["layers.py::relu_backward"], [IDS[1]]),
    ],
)
def test_in_the_settings_a_file_is_one_of_testpaths(
    folder: pytest.Pytester, arguments: list[str], expected: list[str]
) -> None:
    folder.makeini("[pytest]\naddopts = --verify-gradients layers.py\ntestpaths = test_other.py")
    result = folder.runpytest(*PLUGIN, "--collect-only", "-q", *arguments)
    assert [line for line in result.outlines if "::" in line] == expected


def test_a_file_of_tests_has_its_tests_too(folder: pytest.Pytester) -> None:
    folder.makepyfile(test_layers=LAYERS + "def test_double(): assert double(2) == 4")
    result = folder.runpytest(*PLUGIN, "-q", "--collect-only", "--verify-gradients", "test_layers.py")
    ids = [line for line in result.outlines if "::" in line]
    assert ids == ["test_layers.py::test_double", *(f"test_{each}" for each in IDS)]


def test_a_file_that_is_not_of_tests_is_run_once(folder: pytest.Pytester) -> None:
    folder.makepyfile(layers=f"{LAYERS}\nprint('run ' 'once')\ndef test_no(): assert False")
    result = folder.runpytest(*PLUGIN, "-s", "--verify-gradients", "layers.py")
    assert "\n".join(result.outlines).count("run once") == 1
    assert result.parseoutcomes() == {"failed": 2, "passed": 1}


def test_files_beside_it_can_be_imported(pytester: pytest.Pytester) -> None:
    layers = pytester.mkdir("source") / "layers.py"
    layers.with_name("its_helper.py").write_text("def f(x): return x * x\n")
    layers.write_text("from its_helper import f\ndef f_grad(g, x): return 2 * g * x\n")
    result = pytester.runpytest(*PLUGIN, "--verify-gradients", "source/layers.py")
    assert result.parseoutcomes() == {"passed": 1}


def test_a_notebook_may_be_given(pytester: pytest.Pytester) -> None:
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for source in ("def f(x): return x * x", "def f_grad(g, x): return 2 * g * x")
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    pytester.path.joinpath("homework.ipynb").write_text(json.dumps(notebook))
    result = pytester.runpytest(*PLUGIN, "-v", "--verify-gradients", "homework.ipynb")
    assert outcomes(result) == {"homework.ipynb::f_grad": "PASSED"}


def test_it_works_from_another_folder(folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.mkdir("below"))
    result = folder.runpytest(*PLUGIN, "--rootdir=..", "--verify-gradients", "../layers.py::double")
    assert result.parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def f(x): return x", "layers.py has no derivation: looked for NAME_forward and NAME_backward*"),
        ("def f(:", "*layers.py raises SyntaxError*"),
        ("import torch\n\ntorch.missing", "*layers.py raises AttributeError*line 3*"),
        ("raise SystemExit(3)", "*layers.py raises SystemExit*"),
    ],
    ids=["no derivation", "syntax", "raises", "leaves"],
)
def test_a_file_that_cannot_be_judged_is_an_error_in_a_line(
    pytester: pytest.Pytester, content: str, said: str
) -> None:
    pytester.makepyfile(layers=content)
    result = pytester.runpytest(*PLUGIN, "--verify-gradients", "layers.py")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*ERROR collecting layers.py*", f"*{said}"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("missing.py", "ERROR: file or directory not found: *missing.py"),
        (".", "ERROR: --verify-gradients .: it is a folder, name a file in it"),
    ],
)
def test_a_file_that_is_not_there_is_an_error_in_a_line(
    folder: pytest.Pytester, asked: str, said: str
) -> None:
    result = folder.runpytest(*PLUGIN, "--verify-gradients", asked)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


@pytest.mark.slow
def test_workers_judge_them_too_and_warnings_may_be_errors(folder: pytest.Pytester) -> None:
    result = folder.runpytest_subprocess(
        *PLUGIN, "-n", "2", "-W", "error", "-v", "--strict-config", "--verify-gradients", "layers.py"
    )
    assert result.parseoutcomes() == {"failed": 2, "passed": 1}
    result.stdout.fnmatch_lines(["dx: *× 2*", "FAILED layers.py::relu_backward - Failed: dx: *"])


def test_torch_is_imported_only_where_the_option_is_given(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_imports="""
        import sys

        def test_imports():
            assert "pytest_manual_backprop" in sys.modules
            assert not {"torch", "numpy", "manual_backprop"} & sys.modules.keys()
        """
    )
    assert pytester.runpytest_subprocess(*PLUGIN).parseoutcomes() == {"passed": 1}


def test_the_wheel_has_it_where_its_entry_point_says() -> None:
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())
    (plugin,) = project["project"]["entry-points"]["pytest11"].values()
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert [(root / source).is_file() for source, to in included.items() if to == f"{plugin}.py"] == [True]
