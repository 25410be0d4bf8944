"""What a type checker is told of the package where it is installed from a wheel."""

import importlib.util
from pathlib import Path

import pytest

from manual_backprop import functional

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[2]


def test_the_stub_has_every_function_and_no_other() -> None:
    spec = importlib.util.spec_from_file_location("stub", ROOT / "scripts" / "stub.py")
    assert spec is not None
    assert spec.loader is not None
    stub = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stub)
    lines = list(stub.imports(ROOT))
    assert sorted(line.split()[-1] for line in lines) == functional.__all__
    namespace: dict[str, object] = {}
    exec("".join(lines), namespace)
    assert all(namespace[name] is getattr(functional, name) for name in functional.__all__)
