"""The other networks train on hand-written backwards alone, with autograd's numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import record
from manual_backprop.functional.operation import TWINS, Operation, large
from manual_backprop.functional.operation.compiled import FUSED, compiled_backward
from manual_backprop.takeover import BuiltIn
from manual_backprop.training import Failure, Interrupted, TrainingConfig, UsageError, resume, train
from manual_backprop.training.config import MODELS
from manual_backprop.training.engines import build
from manual_backprop.training.engines.graph import GraphEngine
from manual_backprop.training.run import network_of
from tests.training.run.test_run import QUIET, StopAt, assert_same_run

OTHERS = [name for name in MODELS if name != "mlp"]
CPU = torch.device("cpu")
IMAGES, LABELS = torch.randn(5, 784, generator=torch.Generator().manual_seed(0)), torch.arange(5)


def made(model: str, engine: str, **options: Any) -> GraphEngine:
    engine = build(TrainingConfig(model=model, engine=engine, **options), 784, 10, CPU)
    assert isinstance(engine, GraphEngine)
    return engine


@pytest.mark.parametrize("model", OTHERS)
def test_the_hand_written_backwards_follow_autograd_step_for_step(model: str) -> None:
    logits = []
    for name in ("functions", "autograd"):
        engine = made(model, name, dtype="float64")
        torch.manual_seed(1)  # of dropout
        logits.append(torch.stack([engine.step(IMAGES.double(), LABELS).clone() for _ in range(10)]))
    torch.testing.assert_close(*logits, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(logits[0][0], logits[0][-1])


@pytest.mark.parametrize("model", OTHERS)
def test_without_its_twin_a_step_raises(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = made(model, "functions")
    monkeypatch.delitem(TWINS, torch.nn.functional.linear)
    with pytest.raises(BuiltIn, match="linear"):
        engine.step(IMAGES, LABELS)


def test_dropout_is_for_training_only() -> None:
    engine = made("transformer", "functions")
    assert torch.equal(engine.logits(IMAGES), engine.logits(IMAGES))
    assert engine.model.training


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("model", OTHERS)
def test_stopping_and_going_on_leaves_no_trace(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(model=model, dataset="sample", epochs=1, batch_size=50, momentum=0.5)
    train(config, tmp_path / "whole", QUIET)
    with monkeypatch.context() as stopping:
        StopAt(3)(stopping)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "stopped", QUIET)
    resume(tmp_path / "stopped", {}, QUIET)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_fused_steps_are_made_inside_fused_and_agree(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of tensors that are too small to gain are the same bits."""
    compiled: list[str] = []
    original = compiled_backward

    def noted(operation: type[Operation], *arguments: Any) -> Any:
        compiled.append(operation.__name__)
        return original(operation, *arguments)

    monkeypatch.setattr(large, "compiled_backward", noted)
    engines = [made(model, "functions", fused=fused) for fused in (False, True)]
    images, labels = IMAGES.repeat(10, 1), LABELS.repeat(10)
    logits = [torch.stack([engine.step(images, labels).clone() for _ in range(3)]) for engine in engines]
    assert ("ReLU" in compiled) is (model == "cnn")
    torch.testing.assert_close(*logits)
    assert compiled or torch.equal(*logits)
    assert not FUSED.get()


@pytest.mark.usefixtures("few_digits")
def test_a_fused_run_is_resumed_fused_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(model="cnn", dataset="sample", epochs=1, batch_size=50, momentum=0.5, fused=True)
    train(config, tmp_path / "whole", QUIET)
    with monkeypatch.context() as stopping:
        StopAt(3)(stopping)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "stopped", QUIET)
    resume(tmp_path / "stopped", {}, QUIET)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")
    written = json.loads((tmp_path / "stopped" / "config.json").read_text())
    assert written["configuration"]["fused"] is True
    with pytest.raises(UsageError, match="--fused cannot be changed with --resume"):
        resume(tmp_path / "stopped", {"fused": False}, QUIET)


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("model", OTHERS)
def test_a_step_of_it_can_be_recorded(model: str, tmp_path: Path) -> None:
    config = TrainingConfig(model=model, dataset="sample", epochs=1, batch_size=200)
    train(config, tmp_path / "run", QUIET)
    network, data, loss = network_of(tmp_path / "run", None)
    example = data.test_images[:1], data.test_labels[:1]
    recording = record(network, *example, loss=loss, classes=data.classes)
    with torch.no_grad():
        due = loss(network(example[0]), example[1]).item()
    assert recording.loss == pytest.approx(due)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "gan"}, "--model must be mlp, cnn, rnn or transformer, got gan"),
        ({"model": "cnn", "engine": "explicit"}, "--engine explicit is for --model mlp, not cnn"),
        ({"model": "rnn", "hidden": (64,)}, "--hidden is for --model mlp, not rnn"),
        ({"model": "rnn", "activation": "tanh"}, "--activation is for --model mlp, not rnn"),
        ({"fused": True, "engine": "autograd"}, "--fused is for --engine functions, not autograd"),
        ({"fused": True, "engine": "explicit"}, "--fused is for --engine functions, not explicit"),
        ({"fused": 1}, "--fused must be True or False, got 1"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainingConfig(**options)


def test_rows_and_columns_need_square_images() -> None:
    with pytest.raises(Failure, match="square images; these have 785 pixels"):
        build(TrainingConfig(model="cnn"), 785, 10, CPU)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "due"),
    [
        pytest.param(
            TrainingConfig(model="cnn", optimizer="adam", lr=0.002, batch_size=128, epochs=6), 99, id="cnn"
        ),
        pytest.param(TrainingConfig(model="rnn", optimizer="adam", lr=0.001, epochs=10), 97, id="rnn"),
    ],
)
def test_full_mnist_is_learned(config: TrainingConfig, due: float, full_mnist: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    config = replace(config, dataset="mnist", data_dir=str(full_mnist), device="cpu", target_accuracy=due)
    train(config, tmp_path / "run", lines.append)
    assert any(line.startswith(f"{due} % reached") for line in lines), lines
