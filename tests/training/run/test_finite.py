"""A number that is not finite stops the run and is traced to its layer; the state before is kept."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.training import Failure, TrainingConfig, resume
from manual_backprop.training.config import ENGINES
from manual_backprop.training.data import Dataset
from manual_backprop.training.run import checkpoint
from manual_backprop.training.run.folder import new_folder
from manual_backprop.training.run.loop import NotFinite, Trainer
from manual_backprop.training.run.start import _run
from manual_backprop.training.run.state import configuration
from tests.training.conftest import leave_undrawn, sample_on

SHORT = TrainingConfig(dataset="sample", hidden=(17,), epochs=2, batch_size=61, device="cpu")
QUIET: Callable[[str], None] = lambda line: None  # noqa: E731
engines = pytest.mark.parametrize("engine", ENGINES)
CPU = torch.device("cpu")


def trained(config: TrainingConfig, data: Dataset, out: Path) -> Trainer:
    trainer = Trainer(config, data)
    with new_folder(out) as folder:
        _run(trainer, folder, QUIET)
    return trainer


def scaled(data: Dataset, factor: float) -> Dataset:
    return replace(data, train_images=data.train_images * factor)


def with_pixel(data: Dataset, value: float) -> Dataset:
    """One pixel of example 2024, which a batch in the middle of the first epoch holds, has this value."""
    images = data.train_images.clone()
    images[2024, 400] = value
    return replace(data, train_images=images)


def step_with_example(config: TrainingConfig, data: Dataset, example: int) -> int:
    order = Trainer(config, data)._order()
    return int((order == example).nonzero()) // config.batch_size + 1


@engines
@pytest.mark.parametrize(
    ("options", "change", "step", "where"),
    [
        ({"lr": 1e30}, None, 2, r"the output of layer 2 \(Linear\)"),
        ({"lr": 1e38, "loss": "mse"}, None, 2, r"the output of layer 0 \(Linear\)"),
        ({}, partial(scaled, factor=1e30), 2, r"the output of layer 0 \(Linear\)"),
        ({"loss": "mse"}, partial(scaled, factor=1e30), 1, r"the gradient of 2.weight"),
        ({"lr": 1e15}, partial(scaled, factor=1e25), 1, r"0.weight after its update"),
        ({}, partial(with_pixel, value=float("nan")), None, "the images"),
        ({"dtype": "float64", "lr": 1e300}, None, 2, r"the output of layer 2 \(Linear\)"),
    ],
)
def test_the_step_and_the_layer_are_named_and_the_state_before_is_kept(
    options: dict[str, Any],
    change: Callable[[Dataset], Dataset] | None,
    step: int | None,
    where: str,
    engine: str,
    tmp_path: Path,
) -> None:
    config, out = replace(SHORT, engine=engine, **options), tmp_path / "run"
    data = sample_on(CPU, getattr(torch, config.dtype))
    data = change(data) if change else data
    step = step or step_with_example(config, data, 2024)
    message = rf"from step {step} on \(epoch 1\).* is in {where}: .* keeps the checkpoint of step {step - 1} "
    with pytest.raises(Failure, match=message):
        trained(config, data, out)

    kept = checkpoint.load(out / checkpoint.NAME)
    by_hand = Trainer(config, data)
    order = by_hand._order().split(config.batch_size)
    for batch in order[: step - 1]:
        by_hand.engine.step(data.train_images[batch], data.train_labels[batch])
    for name, parameter in by_hand.parameters().items():
        assert parameter.isfinite().all()
        assert torch.equal(kept["engine"]["model"][name], parameter), name

    again = Trainer(configuration(kept), data)
    again.load_state_dict(kept)
    logits = again.engine.step(*again.next_batch())
    finite = [logits, *again.parameters().values()]
    assert not all(bool(value.isfinite().all()) for value in finite)


@engines
def test_a_run_that_goes_wrong_in_a_later_epoch_keeps_its_rows(engine: str, tmp_path: Path) -> None:
    """A weight that is near the largest float32 grows over it."""
    config, out = replace(SHORT, engine=engine), tmp_path / "run"
    trained(replace(config, epochs=1), sample_on(CPU), out)
    good = checkpoint.load(out / checkpoint.NAME)
    good["engine"]["model"]["2.weight"][0] = 3.4e38
    checkpoint.save(out / checkpoint.NAME, good)
    with pytest.raises(
        Failure, match=r"from step 67 on \(epoch 2\).*layer 2 .*step 66 \(epoch 1\), before it"
    ):
        resume(out, {"epochs": 2}, QUIET)
    assert checkpoint.load(out / checkpoint.NAME)["metrics"] == good["metrics"]


def test_what_does_not_happen_again_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, raised = Trainer._sums, []

    def sums(trainer: Trainer) -> list[float]:
        if not raised:
            raised.append(1)
            raise NotFinite
        return original(trainer)

    monkeypatch.setattr(Trainer, "_sums", sums)
    with pytest.raises(Failure, match=r"in epoch 1, but not when .* repeated; .*checkpoint of step 0 "):
        trained(SHORT, sample_on(CPU), tmp_path / "run")


@engines
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_looking_at_the_values_makes_the_step(engine: str, activation: str) -> None:
    one, other = (Trainer(replace(SHORT, engine=engine, activation=activation), sample_on(CPU)) for _ in "ab")
    values = dict(one.engine.values(*one.next_batch()))
    other.engine.step(*other.next_batch())
    for name, parameter in one.parameters().items():
        assert torch.equal(parameter, other.parameters()[name])
        assert values[f"the gradient of {name}"].shape == parameter.shape
    norms = [
        torch.cat([values[f"the gradient of {layer}.{kind}"].flatten() for kind in ("weight", "bias")]).norm()
        for layer in (0, 2)
    ]
    torch.testing.assert_close(torch.stack(norms), one.engine.gradient_norms())


@pytest.mark.draws
@engines
@pytest.mark.parametrize(
    ("batch_size", "examples", "classes"),
    [(1, 7, 10), (64, 5, 10), (64, 1, 10), (61, 400, 1)],
    ids=["a batch of one", "an epoch shorter than a batch", "one example", "one class only"],
)
def test_extremes_of_data_and_batches_make_a_whole_run(
    batch_size: int,
    examples: int,
    classes: int,
    engine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine != "functions":  # the pictures are the same
        leave_undrawn(monkeypatch)
    data = sample_on(CPU)
    chosen = torch.nonzero(data.train_labels < classes).flatten()
    chosen = chosen[torch.linspace(0, len(chosen) - 1, examples).long()]
    tested = torch.nonzero(data.test_labels < classes).flatten()
    data = replace(
        data,
        train_images=data.train_images[chosen],
        train_labels=data.train_labels[chosen],
        test_images=data.test_images[tested],
        test_labels=data.test_labels[tested],
    )
    trainer = trained(replace(SHORT, engine=engine, batch_size=batch_size), data, tmp_path / "run")
    assert trainer.step == 2 * -(-examples // batch_size)
    assert all(value == value for row in trainer.metrics for value in row.values())
    assert len(list((tmp_path / "run").glob("*.png"))) == 4
    if classes == 1:
        assert trainer.metrics[-1]["test_accuracy"] == 1
