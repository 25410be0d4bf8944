"""MNIST and Fashion-MNIST in torchvision's layout: four files, downloaded if they are missing.

Each may be there as it is, or as a .gz. The same numbers can be compressed in many ways, so an archive is
judged by what it holds: the published numbers, or it is another file.
"""

import contextlib
import gzip
import hashlib
import io
import os
import socket
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from manual_backprop.training.config import Failure
from manual_backprop.training.data import idx

TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
PARTS = {"training": "train", "test": "t10k"}
FILES = tuple(f"{part}-{kind}-ubyte" for part in PARTS.values() for kind in ("images-idx3", "labels-idx1"))
PUBLISHED = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
"""The SHA-256 of each of `FILES`, unpacked."""
LONGEST = 16 + 60_000 * 28 * 28  # bytes, of the training images
DOWNLOAD_TIMEOUT = 10  # seconds without a byte

Raw = tuple[Tensor, Tensor, Tensor, Tensor]  # training images and labels, test images and labels


class Unavailable(Exception):  # noqa: N818 - a reason to take the sample, not an error by itself
    """The data set is not here and cannot be downloaded."""


def from_files(name: str, data_dir: Path) -> Raw:
    """The data set as it is in its files, downloaded if they are not there."""
    folder = raw_folder(name, data_dir)
    missing = [file for file in FILES if not any(path.is_file() for path in _forms(folder / file))]
    if missing:
        _refuse_misplaced(name, data_dir, folder)
        _download(name, folder, missing)
    try:
        raw = (*_read(name, folder, "training"), *_read(name, folder, "test"))
        _require_sound(raw)
    except OSError as error:
        raise Failure(f"cannot read the files in {folder}: {error.strerror or error}") from error
    except ValueError as error:
        raise Failure(
            f"the files in {folder} are damaged ({error}): delete them, and they will be downloaded again"
        ) from error
    return raw


def raw_folder(name: str, data_dir: Path) -> Path:
    """Where torchvision keeps the four files."""
    return data_dir / TORCHVISION_CLASSES[name] / "raw"


def _forms(path: Path) -> tuple[Path, Path]:
    """The file, and the archive that may be there in its place."""
    return path, path.with_name(f"{path.name}.gz")


def _read(name: str, folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Images and labels; a ValueError says what is wrong, as far as the files' headers tell."""
    files = [folder / f"{PARTS[part]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    for path, dimensions in zip(files, (3, 1), strict=True):
        if path.is_file():
            idx.sizes_of(path, dimensions)  # of both, before one of them is read
    images, labels = (_numbers(name, path, d) for path, d in zip(files, (3, 1), strict=True))
    count, *size = images.shape
    if size != [28, 28]:
        raise ValueError(f"expected {part} images of shape (28, 28), got {tuple(size)}")
    if count != len(labels):
        raise ValueError(f"{count} {part} images, but {len(labels)} labels")
    return images, labels.long()


def _numbers(name: str, path: Path, dimensions: int) -> Tensor:
    path, archive = _forms(path)
    if path.is_file():
        return idx.read(path, dimensions)
    try:
        with gzip.open(archive) as file:
            content = file.read(LONGEST + 1)  # and no more, whatever it would unpack to
        numbers = idx.parse(path.name, content, dimensions)
        if hashlib.sha256(content).hexdigest() != PUBLISHED[name][FILES.index(path.name)]:
            raise ValueError(f"its numbers are not the published ones of {name}")
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise Failure(
            f"{archive} is damaged, or another file ({error}): delete it, and it will be downloaded again"
        ) from error
    return numbers


def _refuse_misplaced(name: str, data_dir: Path, folder: Path) -> None:
    """Files beside their right place are meant to be used: say so instead of downloading others."""
    others = {raw_folder(other, data_dir) for other in TORCHVISION_CLASSES} - {folder}
    for found in sorted(data_dir.rglob("*-ubyte*")) if data_dir.is_dir() else ():
        if found.name.removesuffix(".gz") in FILES and found.parent not in (folder, *others):
            raise Failure(f"found {found}, but {name} is read from {folder}: move the four files there")


def _torchvision_class(name: str) -> Any:
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        raise Unavailable(
            "torchvision cannot be imported (install torch and torchvision together, from the same index, "
            "in one command)"
        ) from error
    return getattr(datasets, TORCHVISION_CLASSES[name])


def _download(name: str, folder: Path, missing: list[str]) -> None:
    """Into a folder of its own first, so that nothing which is there is written over."""
    kind = _torchvision_class(name)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".download-", dir=folder) as new:
            with contextlib.redirect_stdout(io.StringIO()):  # torchvision prints each mirror that fails
                kind(new, train=True, download=True)
            for file in missing:
                os.replace(raw_folder(name, Path(new)) / file, folder / file)
    except Exception as error:  # any failure of a mirror, of the network, of the disk
        if len(missing) < len(FILES):
            lacks = f"{folder} lacks {', '.join(missing)}"
            raise Failure(f"{lacks}, and downloading failed ({_cause(error)})") from error
        raise Unavailable(
            f"{folder} does not hold {name}, and it could not be downloaded ({_cause(error)})"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _cause(error: BaseException) -> str:
    """In a line, what went wrong: of several mirrors, with the last one."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next(filter(None, reversed(lines)), type(error).__name__)


def _require_sound(raw: Raw) -> None:
    """Raise a ValueError that says what is wrong with data that were read."""
    for part, labels in (("training", raw[1]), ("test", raw[3])):
        if labels.max() > 9:
            raise ValueError(f"expected {part} labels from 0 to 9, got {labels.min()} to {labels.max()}")
    if raw[0].min() == raw[0].max():
        raise ValueError(f"every pixel of the training images is {raw[0].min()}")
