"""Broken and hostile run folders: told in one line, within the memory of their size, left as they are."""

import copy
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_backprop.cli import main
from manual_backprop.training import Failure, TrainingConfig, resume, train
from manual_backprop.training.config import UsageError
from manual_backprop.training.run import checkpoint
from manual_backprop.training.run.loop import Trainer
from manual_backprop.training.run.progress import Progress
from manual_backprop.training.run.state import configuration, require_fit
from tests.training.conftest import assert_told_in_one_line, sample_on, snapshot

CPU = torch.device("cpu")
FUZZ = settings(deadline=None, derandomize=True, max_examples=150, database=None)
State = dict[str, Any]


MOMENTUM = TrainingConfig(dataset="sample", hidden=(3,), epochs=1, batch_size=500, momentum=0.5, device="cpu")
RUNS = {
    "functions": MOMENTUM,
    "explicit": TrainingConfig(
        dataset="sample",
        hidden=(3,),
        epochs=1,
        batch_size=500,
        optimizer="adam",
        engine="explicit",
        device="cpu",
    ),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {name: train(config, folder / name, lambda line: None) for name, config in RUNS.items()}


@pytest.fixture
def run(runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs["functions"], tmp_path / "run"))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.6, 0.9, 0.99, 0.9999])
def test_a_truncated_checkpoint_is_damaged(
    share: float, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run / checkpoint.NAME
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    for arguments in (("train", "--resume", str(run)), ("record", "--checkpoint", str(run))):
        assert "is damaged, or not a checkpoint" in assert_told_in_one_line(run, capsys, *arguments)


class Hostile:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def hostile(file: Path) -> dict[str, Hostile]:
    return {
        "a command": Hostile(os.system, f"touch {file}"),
        "a method": Hostile(Path.touch, file),
        "code": Hostile(eval, f"open({str(file)!r}, 'w')"),
        "100 GB": Hostile(bytearray, 10**11),
    }


@pytest.mark.parametrize("how", hostile(Path()))
@pytest.mark.parametrize("legacy", [False, True], ids=["archive", "old format"])
def test_a_checkpoint_with_code_in_it_executes_nothing(
    how: str, legacy: bool, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run.parent / "executed"
    content = {"format": 1, "config": hostile(file)[how]}
    torch.save(content, run / checkpoint.NAME, _use_new_zipfile_serialization=not legacy)
    said = assert_told_in_one_line(run, capsys, "train", "--resume", str(run))
    assert checkpoint.NAME in said
    assert not file.exists()


def test_a_compressed_checkpoint_is_not_unpacked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run / checkpoint.NAME
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    assert "is damaged" in assert_told_in_one_line(run, capsys, "train", "--resume", str(run))


def put(*path_and_value: Any) -> Callable[[State], None]:
    *path, last, value = path_and_value

    def change(state: State) -> None:
        part: Any = state
        for key in path:
            part = part[key]
        part[last] = value

    return change


def drop(*path: Any) -> Callable[[State], None]:
    def change(state: State) -> None:
        part: Any = state
        for key in path[:-1]:
            part = part[key]
        del part[path[-1]]

    return change


WEIGHT = ("engine", "model", "0.weight")
CHANGES: dict[str, tuple[Callable[[State], None], str]] = {
    "a newer version": (put("format", 2), "format 2, from a newer version"),
    "no version": (drop("format"), "not a checkpoint of a training run"),
    "a version that is no number": (put("format", True), "not a checkpoint of a training run"),
    "no step": (drop("step"), "lacks step"),
    "a step in words": (put("step", "8"), "lacks step"),
    "a step that is true": (put("step", True), "lacks step"),
    "another step": (put("step", 9), "step 9 does not fit position 0 of epoch 1"),
    "a position beyond the data": (put("position", 5000), "position 5000 of epoch 1"),
    "a position within a batch": (put("position", 3), "position 3 of epoch 1"),
    "no seconds": (put("seconds", 0.0), "its seconds must be finite and above 0, got 0.0"),
    "seconds without end": (put("seconds", float("nan")), "its seconds must be finite and above 0, got nan"),
    "no option": (drop("config", "lr"), ""),
    "an option more": (put("config", "wings", 2), "configuration is of another version"),
    "an option of a wrong type": (put("config", "epochs", "3"), "--epochs must be an integer, got 3"),
    "half an epoch": (put("config", "epochs", 1.5), "--epochs must be an integer"),
    "a folder that is a number": (put("config", "data_dir", 3), "--data-dir must be a string"),
    "an option out of range": (put("config", "lr", -1.0), "--lr must be a finite number above 0"),
    "hidden layers of text": (put("config", "hidden", "ab"), "--hidden must be positive integers"),
    "no hidden layers": (put("config", "hidden", None), "configuration is of another version"),
    "a network of another size": (
        put("config", "hidden", (4,)),
        "(4, 784), got torch.float32 of shape (3, 784)",
    ),
    "a network beyond memory": (put("config", "hidden", (10**9, 10**9)), "expected the parameters"),
    "another type of number": (
        put("config", "dtype", "float64"),
        "0.weight must be torch.float64",
    ),
    "another engine": (put("config", "engine", "explicit"), "updates is missing"),
    "another optimiser": (put("config", "momentum", 0.0), "optimiser has the state of other parameters"),
    "no parameters": (drop("engine", "model"), "model is missing"),
    "a parameter less": (drop(*WEIGHT), "expected the parameters"),
    "a parameter more": (put("engine", "model", "9.weight", torch.ones(1)), "expected the parameters"),
    "a parameter that is none": (put(*WEIGHT, 3.0), "0.weight must be a dense CPU tensor, got float"),
    "a complex parameter": (
        put(*WEIGHT, torch.ones(3, 784) + 0j),
        "got torch.complex64",
    ),
    "one number for all": (put(*WEIGHT, torch.ones(1).expand(3, 784)), "more elements than the file"),
    "no memory": (put("engine", "optimizer", "state", {}), "has the state of other parameters"),
    "memory of another shape": (
        put("engine", "optimizer", "state", 0, {"momentum_buffer": torch.ones(1)}),
        "the optimiser's state must be torch.float32",
    ),
    "memory of another rule": (
        put("engine", "optimizer", "state", 0, {"exp_avg": 1}),
        "must be a dense CPU tensor, got",
    ),
    "another generator": (
        put("order_state", torch.zeros(3, dtype=torch.uint8)),
        "order_state is not the state",
    ),
    "no generator": (put("random_states", {}), "cpu is not the state of a random generator"),
    "a generator out of bounds": (
        put("order_state", torch.full((5056,), 255, dtype=torch.uint8)),
        "not the state",
    ),
    "no metrics": (put("metrics", []), "expected metrics of 1 epochs, got 0"),
    "metrics of a wrong type": (put("metrics", 0, "test_loss", "small"), "is not a number"),
    "metrics more": (put("metrics", 0, "wings", 2.0), "expected the metrics"),
    "an accuracy of 200 per cent": (put("metrics", 0, "test_accuracy", 2.0), "not between 0 and 1"),
    "norms of other layers": (put("gradient_norms", [[0, 1.0]]), "not one number for each layer"),
    "norms of other steps": (put("gradient_norms", [[99, 1.0, 1.0]]), "not those of its steps"),
    "sums of another type": (
        put("sums", torch.zeros(2)),
        "sums must be torch.float64 of shape (2,)",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_checkpoint_that_does_not_fit_is_told(
    what: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, says = CHANGES[what]
    state = {"format": checkpoint.FORMAT, **checkpoint.load(run / checkpoint.NAME)}
    change(state)
    torch.save(state, run / checkpoint.NAME)
    if not says:  # it has a default
        resume(run, {}, lambda line: None)
        return
    assert says in assert_told_in_one_line(run, capsys, "train", "--resume", str(run))


def test_a_checkpoint_of_other_data_is_told(
    run: Path, write_mnist: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = checkpoint.load(run / checkpoint.NAME)
    state["config"] |= {"dataset": "mnist", "data_dir": str(write_mnist().parents[1])}
    checkpoint.save(run / checkpoint.NAME, state)
    said = assert_told_in_one_line(run, capsys, "train", "--resume", str(run))
    assert "does not fit the network and the data" in said


def test_record_needs_only_parameters_that_fit(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = checkpoint.load(run / checkpoint.NAME)
    state["engine"]["model"]["0.weight"] = torch.ones(1).expand(3, 784)
    checkpoint.save(run / checkpoint.NAME, state)
    assert "more elements than the file" in assert_told_in_one_line(
        run, capsys, "record", "--checkpoint", str(run)
    )


def go_on(path: Path) -> None:
    """As `resume` does, without its pictures: up to the next step."""
    state = checkpoint.load(path)
    config = configuration(state, epochs=3, device="cpu")
    data = sample_on(CPU, getattr(torch, config.dtype))
    require_fit(state, config, data, parameters_only=False)
    trainer = Trainer(config, data)
    trainer.load_state_dict(state)
    if not trainer.complete:
        trainer.train_epoch(lambda: True, Progress(1, 0, lambda line: None))


@FUZZ
@given(data=st.data(), kind=st.sampled_from(list(RUNS)))
def test_a_checkpoint_with_other_bytes_goes_on_or_is_refused(
    data: st.DataObject, kind: str, runs: dict[str, Path]
) -> None:
    content = bytearray((runs[kind] / checkpoint.NAME).read_bytes())
    near = st.integers(0, 3000) | st.integers(len(content) - 3000, len(content) - 1)  # pickle, directory
    for at in data.draw(st.lists(near | st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path = runs[kind].parent / "changed.pt"
    path.write_bytes(content)
    try:
        go_on(path)
    except (Failure, UsageError):
        return


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([torch.ones(()), torch.ones(3, dtype=torch.int64), torch.zeros(2, 0)]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


@FUZZ
@given(data=st.data(), kind=st.sampled_from(list(RUNS)), value=VALUES)
def test_a_checkpoint_with_another_value_anywhere_goes_on_or_is_refused(
    data: st.DataObject, kind: str, value: Any, runs: dict[str, Path]
) -> None:
    state: Any = copy.deepcopy(checkpoint.load(runs[kind] / checkpoint.NAME))
    part = state
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = data.draw(st.sampled_from(keys))
        inner = part[key]
        if not isinstance(part, tuple) and (
            not isinstance(inner, dict | list | tuple) or not inner or data.draw(st.booleans())
        ):
            part[key] = value
            break
        if not isinstance(inner, dict | list | tuple) or not inner:
            break
        part = inner
    path = runs[kind].parent / "other.pt"
    checkpoint.save(path, state)
    try:
        go_on(path)
    except (Failure, UsageError):
        return


# The other files of a run folder


@pytest.mark.draws
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"configuration": {"epochs": "x", "wings": 2}}', b"\xff" * 99]
)
def test_what_stands_in_the_other_files_does_not_matter(content: bytes, run: Path) -> None:
    """A run goes on from its checkpoint alone, and its other files are made anew from that."""
    names = ("config.json", "metrics.csv", "gradient_norms.csv")
    due = {name: (run / name).read_bytes() for name in names}
    for name in (*names, "summary.json", "curves.png"):
        (run / name).write_bytes(content)
    resume(run, {}, lambda line: None)
    assert {name: (run / name).read_bytes() for name in names} == due
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_in_the_place_of_a_file_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "config.json").unlink()
    (run / "config.json").mkdir()
    before = snapshot(run)
    assert main(["train", "--resume", str(run)]) == 4
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"cannot write {run / 'config.json'}" in said
    assert snapshot(run) == before


def test_nothing_is_written_through_a_link_in_a_run_folder(run: Path) -> None:
    precious = run.parent / "precious"
    precious.write_text("precious")
    for name in ("config.json", f".metrics.csv.{os.getpid()}"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(precious)
    resume(run, {}, lambda line: None)
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    "options",
    [["--batch-size", "9" * 20], ["--hidden", "9" * 20], ["--hidden", "9" * 13], ["--epochs", "9" * 20]],
)
def test_sizes_beyond_all_bounds_are_told(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["train", "--dataset", "sample", "--out", str(tmp_path / "run"), *options])
    assert code in (2, 3)
    assert capsys.readouterr().err.count("\n") == 1
