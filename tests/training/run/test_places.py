"""Folders given as text or as paths, and runs that are continued and looked at from another directory."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop.cli import main
from manual_backprop.training import Failure, TrainingConfig, UsageError, resume, train
from manual_backprop.training.data import load
from manual_backprop.training.run import checkpoint, network_of

QUIET: Callable[[str], None] = lambda line: None  # noqa: E731
OPTIONS: dict[str, Any] = {"hidden": (3,), "epochs": 1, "device": "cpu", "batch_size": 5}


class Place:
    """Something else that is a path, as a library may have it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("kind", [str, Path, Place])
def test_text_and_paths_are_taken_everywhere(
    kind: Any, write_mnist: Callable[..., Path], tmp_path: Path
) -> None:
    data, out = write_mnist().parents[1], tmp_path / "run"
    config = TrainingConfig(data_dir=kind(data), **OPTIONS)
    assert config.data_dir == str(data)
    assert train(config, kind(out), QUIET) == out
    assert resume(kind(out), {"epochs": 2, "data_dir": kind(data)}, QUIET) == out
    assert resume(kind(out / checkpoint.NAME), say=QUIET) == out
    for run in (out, out / checkpoint.NAME):
        assert network_of(kind(run), kind(data))[1].name == "mnist"
    assert load("mnist", kind(data))[0].name == "mnist"


def test_what_is_no_folder_is_told() -> None:
    with pytest.raises(UsageError, match="--data-dir must be a string, got 3"):
        TrainingConfig(data_dir=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--data-dir must be a string"):
        TrainingConfig(data_dir=b"data")  # type: ignore[arg-type]


@pytest.fixture
def moved(write_mnist: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose data were given relative to the directory, seen from another directory."""
    write_mnist()
    monkeypatch.chdir(tmp_path)
    train(TrainingConfig(data_dir="data", **OPTIONS), "run", QUIET)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_a_run_goes_on_and_is_looked_at_from_another_directory(moved: Path) -> None:
    assert main(["train", "--resume", "../run", "--epochs", "2"]) == 0
    assert main(["record", "--checkpoint", "../run/checkpoint.pt"]) == 0
    kept = json.loads((moved / "run" / "config.json").read_text())["configuration"]["data_dir"]
    assert kept == str(moved / "data")
    assert os.listdir() == []


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("command", ["train --resume", "record --checkpoint"])
def test_data_that_are_gone_are_told_with_where_they_were(
    command: str, moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(moved / "data", moved / "new")
    assert main([*command.split(), "../run"]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{moved}/data/MNIST/raw does not hold mnist" in said
    assert "no route to host" in said
    assert "name their folder with --data-dir" in said
    assert "--dataset" not in said  # which neither of them has
    assert main([*command.split(), "../run", "--data-dir", "../new"]) == 0


@pytest.mark.usefixtures("no_download")
def test_an_older_run_kept_its_folder_as_it_was_given(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = moved / "run" / checkpoint.NAME
    state = torch.load(file, weights_only=True)
    state["config"]["data_dir"] = "data"
    torch.save(state, file)
    for look in (lambda: resume("../run", {}, QUIET), lambda: network_of("../run")):
        with pytest.raises(
            Failure, match=r"elsewhere/data/MNIST/raw does .*data is looked for from the current"
        ):
            look()
    monkeypatch.chdir(moved)
    assert network_of("run")[1].name == "mnist"
    assert resume("run", {}, QUIET) == Path("run")


@pytest.mark.parametrize("changes", [{"lr": 0.2}, {"seed": 1, "out": "x"}, {"wings": 2}])
def test_what_a_run_keeps_is_not_changed_from_python_either(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"--{next(iter(changes))}.* cannot be changed with --resume"):
        resume(tmp_path, changes)


def test_a_directory_that_was_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(Failure, match="the current directory was removed"):
        train(TrainingConfig(dataset="sample", **OPTIONS), tmp_path / "run")
