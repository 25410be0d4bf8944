"""Replayed steps are the steps: the same rows and parameters, whoever asks for them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.training import Failure, Interrupted, TrainingConfig, resume, train
from manual_backprop.training.config import ENGINES
from manual_backprop.training.engines import build
from manual_backprop.training.run import checkpoint, loop
from manual_backprop.training.run.folder import new_folder
from manual_backprop.training.run.loop import Trainer, may_be_replayed
from manual_backprop.training.run.start import _run
from tests.training.conftest import sample_on
from tests.training.run.kernels import Kernels, captured
from tests.training.run.same import assert_equal
from tests.training.run.test_run import StopAt

QUIET: Callable[[str], None] = lambda line: None  # noqa: E731
OPTIONS: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.9, "lr": 0.01},
    "decay": {"weight_decay": 0.01},
    "momentum and decay": {"momentum": 0.9, "lr": 0.01, "weight_decay": 0.01},
    "squared error": {"loss": "mse"},
    "sigmoid": {"activation": "sigmoid"},
    "tanh, three layers": {"activation": "tanh", "hidden": (31, 17)},
    "no hidden layer": {"hidden": ()},
    "float64": {"dtype": "float64"},
    "bfloat16": {"precision": "bfloat16"},
    "adam": {"optimizer": "adam", "lr": 0.001},
    "adam and decay": {"optimizer": "adam", "lr": 0.001, "weight_decay": 0.01},
}
engines = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Kernels]:
    """The graphs that are captured from here on, on a CPU too."""
    found: list[Kernels] = []

    def cuda_graph(steps: Callable[[], None]) -> Callable[[], None]:
        found.append(captured(steps))
        return found[-1].repeat

    monkeypatch.setattr(loop, "cuda_graph", cuda_graph)
    return found


def run(folder: Path, replayed: bool, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Path:
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: replayed)
    return train(TrainingConfig(dataset="sample", device="cpu", **{"epochs": 3, **options}), folder, QUIET)


def assert_the_same_run(one: Path, other: Path) -> None:
    for table in ("metrics.csv", "gradient_norms.csv"):
        assert (one / table).read_bytes() == (other / table).read_bytes(), table
    assert_equal(*(checkpoint.load(out / checkpoint.NAME)["engine"] for out in (one, other)))


def test_the_imitation_of_a_graph_repeats_kernels_and_no_python() -> None:
    place, total, calls = torch.tensor(2.0), torch.tensor(0.0), []

    def step() -> None:
        calls.append("call")
        total.add_(place * len(calls))

    kernels = captured(step)
    assert total == 2 * 1 + 2 * 2
    place.fill_(10.0)
    kernels.repeat()
    assert total == 2 * 1 + 2 * 2 + 10 * 2
    assert len(calls) == 2


@engines
@pytest.mark.parametrize("batch_size", [64, 61, 50, 16])
def test_a_run_of_replayed_steps_is_the_run(
    batch_size: int, engine: str, tmp_path: Path, graphs: list[Kernels], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without an incomplete last batch; the norms of its gradients too."""
    monkeypatch.setattr(loop, "NORMS_PER_EPOCH", 10)
    one, other = (
        run(tmp_path / str(replayed), replayed, monkeypatch, batch_size=batch_size, engine=engine)
        for replayed in (False, True)
    )
    assert [kernels.repeated > 20 for kernels in graphs] == [True]
    assert_the_same_run(one, other)


@engines
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.usefixtures("few_digits")
def test_a_run_with_this_option_is_the_run(
    name: str, engine: str, tmp_path: Path, graphs: list[Kernels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "NORMS_PER_EPOCH", 10)
    options = {"batch_size": 15, "hidden": (17,), "engine": engine, **OPTIONS[name]}
    one, other = (run(tmp_path / str(r), r, monkeypatch, **options) for r in (False, True))
    assert [kernels.repeated > 20 for kernels in graphs] == [True]
    assert_the_same_run(one, other)


@pytest.mark.parametrize("model", ["cnn", "rnn"])
@pytest.mark.parametrize("engine", ["functions", "autograd"])
@pytest.mark.usefixtures("few_digits")
def test_a_run_of_another_network_is_the_run(
    engine: str, model: str, tmp_path: Path, graphs: list[Kernels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "NORMS_PER_EPOCH", 10)
    options = {"batch_size": 15, "model": model, "engine": engine, "epochs": 2}
    one, other = (run(tmp_path / str(r), r, monkeypatch, **options) for r in (False, True))
    assert [kernels.repeated > 10 for kernels in graphs] == [True]
    assert_the_same_run(one, other)


@engines
@pytest.mark.parametrize("rule", ["momentum", "adam"])
@pytest.mark.parametrize("stop", [1, 7, 12, 30])
@pytest.mark.usefixtures("few_digits")
def test_a_run_that_is_resumed_goes_on_as_it_was(
    stop: int,
    rule: str,
    engine: str,
    tmp_path: Path,
    graphs: list[Kernels],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It captures a graph of its own; the steps up to the next norm are made one by one."""
    monkeypatch.setattr(loop, "NORMS_PER_EPOCH", 10)
    options = {"batch_size": 15, "hidden": (17,), "engine": engine, **OPTIONS[rule]}
    one = run(tmp_path / "one", False, monkeypatch, **options)
    with monkeypatch.context() as patch:
        StopAt(stop)(patch)
        with pytest.raises(Interrupted):
            run(tmp_path / "stopped", True, monkeypatch, **options)
    resume(tmp_path / "stopped", {}, QUIET)
    assert len(graphs) == 2
    assert graphs[1].repeated
    assert_the_same_run(one, tmp_path / "stopped")


@engines
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_a_run_that_fails_in_its_first_step_can_be_resumed(
    rule: str, engine: str, tmp_path: Path, graphs: list[Kernels], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The capture has given the optimiser a state before the first step, which is that of a fresh one."""
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: True)
    config = TrainingConfig(
        dataset="sample", device="cpu", epochs=1, engine=engine, hidden=(17,), **OPTIONS[rule]
    )
    data = sample_on(torch.device("cpu"))
    with new_folder(tmp_path / "run") as folder, pytest.raises(Failure, match="from step 1 on"):
        _run(Trainer(config, replace(data, train_images=data.train_images * float("inf"))), folder, QUIET)
    assert len(graphs) == 1
    resume(tmp_path / "run", {}, QUIET)
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: False)
    assert_the_same_run(tmp_path / "run", train(config, tmp_path / "other", QUIET))


@pytest.mark.usefixtures("few_digits")
def test_steps_that_cannot_be_captured_are_made_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The capture may have made some of them before it failed, which are taken back."""

    def fail(steps: Callable[[], None]) -> Callable[[], None]:
        steps()
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(loop, "cuda_graph", fail)
    options = {"batch_size": 15, "engine": "functions", **OPTIONS["adam"]}
    one = run(tmp_path / "one", False, monkeypatch, **options)
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: True)
    said: list[str] = []
    config = TrainingConfig(dataset="sample", device="cpu", epochs=3, **options)
    other = train(config, tmp_path / "other", said.append)
    assert [line for line in said if "capturing" in line] == [
        "Steps are made one by one; capturing them failed: operation not permitted when stream is capturing"
    ]
    assert_the_same_run(one, other)


@pytest.mark.parametrize(
    ("options", "device", "may"),
    [
        ({"engine": "explicit"}, "cuda", True),
        ({"engine": "explicit"}, "cpu", False),
        ({"engine": "functions"}, "cuda", True),
        ({"engine": "autograd", "model": "cnn"}, "cuda", True),
        ({"engine": "functions", "model": "transformer"}, "cuda", False),
        ({"engine": "explicit", "optimizer": "adam"}, "cuda", True),
    ],
)
def test_what_may_be_replayed(options: dict[str, Any], device: str, may: bool) -> None:
    """On CUDA, whatever draws no random numbers, as dropout does."""
    engine = build(TrainingConfig(**options), 784, 10, torch.device("cpu"))
    assert may_be_replayed(engine, torch.device(device)) is may


@engines
@pytest.mark.parametrize("rule", ["a plain step", "momentum", "adam"])
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_graph_makes_the_steps(
    rule: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = OPTIONS.get(rule, {})
    config = TrainingConfig(dataset="sample", engine=engine, epochs=2, device="cuda", **options)
    said: list[str] = []
    graph = train(config, tmp_path / "graph", said.append)
    assert not [line for line in said if "one by one" in line]
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: False)
    steps = train(config, tmp_path / "steps", QUIET)
    replayed, stepped = (checkpoint.load(out / checkpoint.NAME) for out in (graph, steps))
    for name, parameter in replayed["engine"]["model"].items():
        torch.testing.assert_close(parameter, stepped["engine"]["model"][name], msg=name)
    torch.testing.assert_close(
        *(torch.tensor(state["gradient_norms"]) for state in (replayed, stepped)), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("model", ["cnn", "rnn"])
@pytest.mark.parametrize("engine", ["functions", "autograd"])
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_graph_trains_another_network(
    engine: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As single steps do, though not to the last digit: some of PyTorch's kernels add in any order."""
    config = TrainingConfig(dataset="sample", engine=engine, model=model, epochs=2, lr=0.05, device="cuda")
    said: list[str] = []
    graph = train(config, tmp_path / "graph", said.append)
    assert not [line for line in said if "one by one" in line]
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: False)
    steps = train(config, tmp_path / "steps", QUIET)
    replayed, stepped = (
        [row["train_loss"] for row in checkpoint.load(out / checkpoint.NAME)["metrics"]]
        for out in (graph, steps)
    )
    assert replayed == pytest.approx(stepped, rel=0.02)
