"""Files that are whole or not there, and the checkpoint, from which all of a run's files can be made."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from manual_backprop.training.config import Failure

FORMAT = 1
NAME = "checkpoint.pt"
KEYS: dict[str, type] = {
    "config": dict,
    "engine": dict,
    "epoch": int,
    "position": int,
    "step": int,
    "order_state": torch.Tensor,
    "random_states": dict,
    "sums": torch.Tensor,
    "metrics": list,
    "gradient_norms": list,
    "seconds": float,
}


def save(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run.

    Raises:
        Failure: the file cannot be written; the one before stays as it was.
    """
    write(path, lambda file: torch.save({"format": FORMAT, **state}, file))


def load(path: Path) -> dict[str, Any]:
    """The state that `save` wrote, on the CPU. Loading executes nothing that the file holds.

    Raises:
        Failure: no such file, no checkpoint of this package, or one of a newer version.
    """
    if not path.is_file():
        raise Failure(f"there is no {path}: --resume takes the folder of a run")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the reader fails with whatever it trips over
        raise Failure(f"{path} is damaged, or no checkpoint") from error
    found = state.get("format") if isinstance(state, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise Failure(f"{path} has format {found}, from a newer version; this one reads up to {FORMAT}")
    if found != FORMAT or any(not isinstance(state.get(key), kind) for key, kind in KEYS.items()):
        raise Failure(f"{path} is no checkpoint of a training run")
    return dict(state)


def write_text(path: Path, text: str) -> None:
    """Write a text file. Raises Failure like `save`."""
    write(path, lambda file: file.write(text.encode()))


def write(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """Fill a temporary file beside `path`, make sure that it is on the disk, and rename it.

    Raises:
        Failure: the file cannot be written; the one before stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise Failure(f"cannot write {path}: {error}") from error
