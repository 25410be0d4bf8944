"""MNIST and Fashion-MNIST in torchvision's layout: four files, downloaded if they are missing."""

import contextlib
import io
import socket
import warnings
from pathlib import Path
from typing import Any

from torch import Tensor

from manual_backprop.training.config import Failure
from manual_backprop.training.data.idx import sizes_of

TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
PARTS = {"training": "train", "test": "t10k"}
FILES = tuple(f"{part}-{kind}-ubyte" for part in PARTS.values() for kind in ("images-idx3", "labels-idx1"))
DOWNLOAD_TIMEOUT = 10  # seconds without a byte

Raw = tuple[Tensor, Tensor, Tensor, Tensor]  # training images and labels, test images and labels


class Unavailable(Exception):  # noqa: N818 - a reason to take the sample, not an error by itself
    """The data set is not here and cannot be downloaded."""


def from_torchvision(name: str, data_dir: Path) -> Raw:
    """The data set as it is in its files, downloaded if they are not there."""
    kind = _torchvision_class(name)
    folder = raw_folder(name, data_dir)
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
    except Exception as error:  # torchvision's reader raises all kinds of exceptions
        reason = str(error).split("\n")[0] or type(error).__name__
        raise Failure(
            f"the files in {folder} are damaged ({reason}): delete them, and they will be downloaded again"
        ) from error
    return raw


def _files(folder: Path, part: str) -> tuple[Path, Path]:
    return folder / f"{PARTS[part]}-images-idx3-ubyte", folder / f"{PARTS[part]}-labels-idx1-ubyte"


def _require_promised(folder: Path, part: str) -> None:
    """Raise a ValueError that says what is wrong, as far as the files' headers tell."""
    images, labels = _files(folder, part)
    (count, *size), (labelled,) = sizes_of(images, 3), sizes_of(labels, 1)
    if size != [28, 28]:
        raise ValueError(f"expected {part} images of shape (28, 28), got {tuple(size)}")
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


def raw_folder(name: str, data_dir: Path) -> Path:
    """Where torchvision keeps the four files."""
    return data_dir / TORCHVISION_CLASSES[name] / "raw"


def _refuse_misplaced(name: str, data_dir: Path, folder: Path) -> None:
    """Files beside their right place are meant to be used: say so instead of downloading others."""
    others = {raw_folder(other, data_dir) for other in TORCHVISION_CLASSES} - {folder}
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
                "delete it, and it will be downloaded again"
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
                f"{raw_folder(name, data_dir)} lacks {', '.join(missing)}, and downloading failed"
            ) from error
        raise Unavailable(f"{name} could not be downloaded") from error
    finally:
        socket.setdefaulttimeout(before)


def _require_sound(raw: Raw) -> None:
    """Raise a ValueError that says what is wrong with data that were read."""
    for part, labels in (("training", raw[1]), ("test", raw[3])):
        if labels.max() > 9:
            raise ValueError(f"expected {part} labels from 0 to 9, got {labels.min()} to {labels.max()}")
    if raw[0].min() == raw[0].max():
        raise ValueError(f"every pixel of the training images is {raw[0].min()}")
