"""What a run takes from PyTorch and the process is given back: its caller goes on as if it had not been."""

import os
import random
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from manual_backprop.training import Failure, Interrupted, TrainingConfig, resume, train
from manual_backprop.training.config import ENGINES, MODELS
from manual_backprop.training.device import CUBLAS_WORKSPACE, RandomNumbers
from manual_backprop.training.engines import build
from manual_backprop.training.run import network_of
from manual_backprop.training.run.loop import Trainer
from tests.training.conftest import sample_on
from tests.training.run.test_run import QUIET, StopAt

WAYS = [("mlp", "explicit"), *((model, engine) for model in MODELS for engine in ("functions", "autograd"))]
ways = pytest.mark.parametrize(("model", "engine"), WAYS)


def surroundings(device: torch.device) -> dict[str, Any]:
    """Whatever a call could change outside of what it returns and writes."""
    found: dict[str, Any] = {
        "torch's random numbers": torch.get_rng_state().tolist(),
        "the seed they began with": torch.initial_seed(),
        "python's random numbers": random.getstate(),
        "numpy's random numbers": str(numpy.random.get_state()),
        "precision of products": torch.backends.cuda.matmul.fp32_precision,
        "precision of convolutions": torch.backends.cudnn.conv.fp32_precision,
        "precision of recurrent networks": torch.backends.cudnn.rnn.fp32_precision,
        "precision by its oldest names": (
            torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
        ),
        "precision by its older name": torch.get_float32_matmul_precision(),
        "cuDNN": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "deterministic, warning only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "default type": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "environment": os.environ.get(CUBLAS_WORKSPACE),  # torch itself sets others
        "timeout": socket.getdefaulttimeout(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    }
    if device.type == "cuda":
        found["the device's random numbers"] = torch.cuda.get_rng_state().tolist()
        found["the seed they began with there"] = torch.cuda.initial_seed()
        found["device"] = torch.cuda.current_device()
    return found


@pytest.fixture(params=["as PyTorch sets them", "set by the caller"])
def callers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    torch.manual_seed(5)
    before = torch.get_float32_matmul_precision()
    if request.param == "set by the caller":
        torch.set_float32_matmul_precision("high")
        monkeypatch.setenv(CUBLAS_WORKSPACE, ":16:8")
    yield
    torch.set_float32_matmul_precision(before)


@ways
@pytest.mark.usefixtures("callers")
def test_an_engine_that_is_built_and_works_changes_nothing_outside(
    model: str, engine: str, device: torch.device
) -> None:
    before = surroundings(device)
    made = build(TrainingConfig(model=model, engine=engine), 784, 10, device)
    assert surroundings(device) == before
    images, labels = torch.zeros(3, 784, device=device), torch.zeros(3, dtype=torch.int64, device=device)
    made.logits(images)
    if model != "transformer":  # its dropout draws, as that of any module does
        made.step(images, labels)
        made.values(images, labels)
    assert surroundings(device) == before


@ways
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.usefixtures("callers", "few_digits")
def test_a_run_changes_nothing_outside(
    model: str,
    engine: str,
    deterministic: bool,
    device: torch.device,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Complete, stopped, resumed, failed, or looked at."""
    config = TrainingConfig(
        model=model,
        engine=engine,
        dataset="sample",
        epochs=1,
        batch_size=200,
        device=device.type,
        deterministic=deterministic,
    )
    before = surroundings(device)
    with monkeypatch.context() as patch:
        StopAt(1)(patch)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "run", QUIET)
    assert surroundings(device) == before
    resume(tmp_path / "run", {}, QUIET)
    assert surroundings(device) == before
    network_of(tmp_path / "run", None)
    assert surroundings(device) == before
    with pytest.raises(Failure, match="not empty"):
        train(config, tmp_path / "run", QUIET)
    assert surroundings(device) == before


def test_a_run_that_fails_in_a_step_changes_nothing_outside(tmp_path: Path) -> None:
    before = surroundings(torch.device("cpu"))
    with pytest.raises(Failure, match="step 2"):
        train(TrainingConfig(dataset="sample", lr=1e30, device="cpu"), tmp_path / "run", QUIET)
    assert surroundings(torch.device("cpu")) == before


@pytest.mark.parametrize("tf32", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_products_have_the_precision_of_the_engine_inside_and_of_the_caller_outside(
    engine: str, tf32: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting can be made, and read, without a CUDA device."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    made: Any = build(TrainingConfig(engine=engine), 784, 10, torch.device("cpu"))
    made.tf32 = tf32
    seen = []
    linear, addmm = torch.nn.functional.linear, torch.addmm

    def watched(product: Any) -> Any:
        def compute(*arguments: Any, **options: Any) -> Any:
            seen.append((matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision))
            return product(*arguments, **options)

        return compute

    monkeypatch.setattr(torch.nn.functional, "linear", watched(linear))
    monkeypatch.setattr(torch, "addmm", watched(addmm))
    images, labels = torch.zeros(3, 784), torch.zeros(3, dtype=torch.int64)
    for callers in ("tf32", "ieee", "none"):  # the last one is how PyTorch starts
        matmul.fp32_precision = callers
        for work in (lambda: made.step(images, labels), lambda: made.logits(images)):
            work()
            assert matmul.fp32_precision == callers
        made.values(images, labels)
        assert matmul.fp32_precision == callers
    assert len(seen) >= 12
    assert set(seen) == {("tf32" if tf32 else "ieee",) * 3}


def test_a_run_goes_on_drawing_where_it_was_and_so_does_its_caller(device: torch.device) -> None:
    def draw(count: int) -> list[float]:
        return torch.rand(count, device=device).tolist()

    torch.manual_seed(3)
    of_run = draw(4)
    torch.manual_seed(5)
    of_caller = draw(4)
    torch.manual_seed(5)
    run = RandomNumbers(3, device)
    drawn: dict[str, list[float]] = {"run": [], "caller": []}
    for _ in range(2):
        with run:
            drawn["run"] += draw(2)
        drawn["caller"] += draw(2)
    assert drawn == {"run": of_run, "caller": of_caller}


def test_another_try_of_a_step_changes_nothing_in_the_run() -> None:
    config = TrainingConfig(dataset="sample", model="transformer", batch_size=500)
    trainer = Trainer(config, sample_on(torch.device("cpu")))
    before = {name: value.clone() for name, value in trainer.parameters().items()}
    states = trainer.random.states["cpu"].clone()
    trainer.rehearse()
    assert all(torch.equal(value, before[name]) for name, value in trainer.parameters().items())
    assert torch.equal(trainer.random.states["cpu"], states)
    assert trainer.position == 0


class OneGenerator:
    """The functions of a device's module that a run draws from, on a generator of the CPU."""

    def __init__(self) -> None:
        self.generator = torch.Generator()
        self.get_rng_state, self.set_rng_state = self.generator.get_state, self.generator.set_state
        self.manual_seed = self.generator.manual_seed


def test_the_generator_of_mps_is_the_runs_inside_and_its_callers_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mps = OneGenerator()
    monkeypatch.setattr(torch, "get_device_module", lambda device: mps)
    callers = mps.get_rng_state()
    run = RandomNumbers(3, torch.device("mps"))
    assert torch.equal(mps.get_rng_state(), callers)
    with run:
        first = torch.rand(2, generator=mps.generator)
    assert set(run.states) == {"cpu", "mps"}  # what a checkpoint keeps
    assert torch.equal(mps.get_rng_state(), callers)
    with run:
        second = torch.rand(2, generator=mps.generator)
    assert torch.equal(torch.cat([first, second]), torch.rand(4, generator=torch.Generator().manual_seed(3)))
