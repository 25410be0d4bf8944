"""Replayed steps are the steps: the same rows and parameters, whoever asks for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from manual_backprop.training import TrainingConfig, train
from manual_backprop.training.run import checkpoint, loop
from manual_backprop.training.run.loop import may_be_replayed


@pytest.mark.parametrize("batch_size", [64, 61])
def test_a_run_of_replayed_steps_is_the_run(
    batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU, with a graph that is made of Python after all."""
    replays = []

    def captured(steps: Callable[[], None]) -> Callable[[], None]:
        steps()  # the warm-up

        def replay() -> None:
            replays.append(1)
            steps()

        return replay

    config = TrainingConfig(
        dataset="sample", engine="explicit", epochs=3, batch_size=batch_size, device="cpu"
    )
    monkeypatch.setattr(loop, "NORMS_PER_EPOCH", 10)
    one_by_one = train(config, tmp_path / "one", lambda line: None)
    monkeypatch.setattr(loop, "cuda_graph", captured)
    monkeypatch.setattr(loop, "may_be_replayed", lambda config, device: True)
    replayed = train(config, tmp_path / "other", lambda line: None)
    assert len(replays) > 20
    for table in ("metrics.csv", "gradient_norms.csv"):
        assert (one_by_one / table).read_bytes() == (replayed / table).read_bytes()
    states = [checkpoint.load(run / checkpoint.NAME)["engine"]["model"] for run in (one_by_one, replayed)]
    for name, parameter in states[0].items():
        assert torch.equal(parameter, states[1][name]), name


@pytest.mark.parametrize(
    ("options", "device", "may"),
    [
        ({"engine": "explicit"}, "cuda", True),
        ({"engine": "explicit"}, "cpu", False),
        ({"engine": "functions"}, "cuda", False),
        ({"engine": "explicit", "optimizer": "adam"}, "cuda", False),
    ],
)
def test_what_may_be_replayed(options: dict[str, str], device: str, may: bool) -> None:
    assert may_be_replayed(TrainingConfig(**options), torch.device(device)) is may  # type: ignore[arg-type]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_graph_makes_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainingConfig(dataset="sample", engine="explicit", epochs=2, device="cuda")
    graph = train(config, tmp_path / "graph", lambda line: None)
    monkeypatch.setattr(loop, "may_be_replayed", lambda config, device: False)
    steps = train(config, tmp_path / "steps", lambda line: None)
    graphs, stepped = (checkpoint.load(run / checkpoint.NAME)["engine"]["model"] for run in (graph, steps))
    for name, parameter in graphs.items():
        torch.testing.assert_close(parameter, stepped[name], msg=name)
