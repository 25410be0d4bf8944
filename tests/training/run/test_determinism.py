"""The same seed gives the same bits: whenever one looks, with dropout too, and what --deterministic adds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import nn
from manual_backprop.training import (
    Failure,
    Interrupted,
    TrainingConfig,
    resume,
    train,
)
from manual_backprop.training.config import ENGINES
from manual_backprop.training.device import deterministic
from manual_backprop.training.engines.explicit import ExplicitEngine
from manual_backprop.training.engines.graph import GraphEngine
from manual_backprop.training.run import checkpoint, loop, progress
from tests.training.run.same import assert_equal
from tests.training.run.test_run import StopAt

QUIET: Callable[[str], None] = lambda line: None  # noqa: E731
engines = pytest.mark.parametrize("engine", ENGINES)


def short(engine: str, **options: Any) -> TrainingConfig:
    return TrainingConfig(dataset="sample", hidden=(17,), epochs=2, device="cpu", engine=engine, **options)


def numbers(out: Path) -> dict[str, Any]:
    state = checkpoint.load(out / checkpoint.NAME)
    return {key: value for key, value in state.items() if key != "config"}


@engines
def test_how_often_the_progress_is_shown_changes_no_bit(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(progress, "REFRESH", seconds)
        train(short(engine), tmp_path / f"{seconds}", QUIET)
    assert_equal(numbers(tmp_path / "0.0"), numbers(tmp_path / f"{1e9}"))


@engines
def test_deterministic_holds_during_the_run_only_and_changes_no_bit_on_a_cpu(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    original = loop.Trainer.evaluate

    def evaluate(trainer: loop.Trainer) -> tuple[float, float]:
        held.append(torch.are_deterministic_algorithms_enabled())
        return original(trainer)

    monkeypatch.setattr(loop.Trainer, "evaluate", evaluate)
    for wanted in (False, True):
        train(short(engine, deterministic=wanted), tmp_path / str(wanted), QUIET)
        assert not torch.are_deterministic_algorithms_enabled()
    assert held == [False, False, True, True]
    assert_equal(numbers(tmp_path / "False"), numbers(tmp_path / "True"))


def test_an_operation_without_a_deterministic_algorithm_is_named() -> None:
    def scatter() -> None:
        torch.zeros(3).put_(torch.tensor([1]), torch.ones(1))

    def fail() -> None:
        raise RuntimeError("another error, not of deterministic algorithms")

    with deterministic(False, scatter):
        scatter()
    message = r"^--deterministic: put_ does not have a deterministic implementation"
    with pytest.raises(Failure, match=message), deterministic(True, scatter):
        scatter()
    for probe in (fail, lambda: None):  # whatever the error says
        with pytest.raises(RuntimeError, match="another error"), deterministic(True, probe):
            fail()
    assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


@engines
def test_a_run_with_such_an_operation_ends_with_its_name(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (GraphEngine, ExplicitEngine):
        step = kind.step

        def scatter_and_step(self: Any, *arguments: Any, step: Any = step) -> torch.Tensor:
            torch.zeros(3).put_(torch.tensor([1]), torch.ones(1))
            return step(self, *arguments)

        monkeypatch.setattr(kind, "step", scatter_and_step)
    train(short(engine), tmp_path / "run", QUIET)
    with pytest.raises(Failure, match=r"^--deterministic: put_ does not have"):
        train(short(engine, deterministic=True), tmp_path / "refused", QUIET)


@pytest.mark.parametrize("engine", ["functions", "autograd"])
def test_the_seed_covers_dropout_and_a_resumed_run_goes_on_drawing(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.draw

    def draw(*arguments: Any) -> Any:
        engine = original(*arguments)
        engine.model.append(nn.Dropout(0.2))  # type: ignore[attr-defined]
        return engine

    monkeypatch.setattr(loop, "draw", draw)
    for name in ("one", "two"):
        train(short(engine), tmp_path / name, QUIET)
        torch.manual_seed(5)  # what else draws numbers does not matter
    train(short(engine, seed=1), tmp_path / "other seed", QUIET)
    with monkeypatch.context() as patch:
        StopAt(40)(patch)
        with pytest.raises(Interrupted):
            train(short(engine), tmp_path / "stopped", QUIET)
    torch.manual_seed(123)
    resume(tmp_path / "stopped", {}, QUIET)
    for name in ("two", "stopped"):
        assert_equal(numbers(tmp_path / "one"), numbers(tmp_path / name))
    with pytest.raises(AssertionError):
        assert_equal(numbers(tmp_path / "one")["metrics"], numbers(tmp_path / "other seed")["metrics"])
