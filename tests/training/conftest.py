"""Small data, so that a run takes a moment; the devices there are; and the full MNIST where it is at hand."""

import os
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from manual_backprop import plots
from manual_backprop.cli import main
from manual_backprop.training.data import Dataset, dataset, load, mnist, sample
from manual_backprop.training.data.mnist import FILES
from tests.training.pictures import NAMES, PictureData

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.cuda,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ],
    ),
]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.param)


@cache
def sample_on(device: torch.device, dtype: torch.dtype = torch.float32) -> Dataset:
    data, notice = load("sample", Path("unused"), device, dtype)
    assert notice is None
    return data


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def assert_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = snapshot(folder)
    capsys.readouterr()
    assert main([*arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 2100
    assert snapshot(folder) == before
    return captured.err


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that are not marked `draws` write what a picture is drawn from in its place."""
    if request.node.get_closest_marker("draws") is None:
        leave_undrawn(monkeypatch)


def leave_undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setattr(plots, name, PictureData)


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the sample."""
    few = tuple(tensor[::10] for tensor in sample())
    monkeypatch.setattr(dataset, "sample", lambda: few)


@pytest.fixture
def full_mnist() -> Path:
    folder = os.environ.get("MANUAL_BACKPROP_MNIST")
    if not folder:
        pytest.skip("set MANUAL_BACKPROP_MNIST to a folder that torchvision.datasets.MNIST reads")
    return Path(folder)


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is not there, at once."""

    def unreachable(*_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("socket.create_connection", unreachable)
    monkeypatch.setattr(mnist, "DOWNLOAD_TIMEOUT", 1)


@pytest.fixture
def write_mnist(tmp_path: Path) -> Callable[..., Path]:
    """Writes the four IDX files of a small MNIST, or of something close to it."""

    def write(
        images: int = 20, labels: int = 20, size: int = 28, label: int = 3, kind: str = "MNIST"
    ) -> Path:
        folder = tmp_path / "data" / kind / "raw"
        folder.mkdir(parents=True)
        pixels = bytes(i % 251 for i in range(images * size * size))
        for name in FILES:
            if "images" in name:
                content = struct.pack(">4i", 0x803, images, size, size) + pixels
            else:
                content = struct.pack(">2i", 0x801, labels) + bytes([label]) * labels
            (folder / name).write_bytes(content)
        return folder

    return write
