"""The checkpoint, from which all other files of a run can be made."""

import io
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from manual_backprop.training.config import Failure
from manual_backprop.training.run.files import write

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
        CannotWrite: the file cannot be written; a previous one stays as it was.
    """
    content = io.BytesIO()  # first: torch.save's own error for a full disk is unclear
    torch.save({"format": FORMAT, **state}, content)
    write(path, lambda file: file.write(content.getbuffer()))


def run_of(path: str | PathLike[str]) -> Path:
    """The folder of the run that is meant by it, or by its checkpoint."""
    path = Path(path)
    return path.parent if path.name == NAME and not path.is_dir() else path


def load(path: Path, option: str = "--resume") -> dict[str, Any]:
    """The state that `save` wrote, on the CPU. Loading does not execute code from the file.

    Args:
        path: of the file.
        option: where the user has named the run; for the error.

    Raises:
        Failure: no such file, not a checkpoint of this package, or one of a newer version.
    """
    require(path, option)
    try:
        _require_uncompressed(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # the reader raises all kinds of exceptions
        raise Failure(f"{path} is damaged, or not a checkpoint") from error
    found = state.get("format") if type(state) is dict else None
    if type(found) is int and FORMAT < found < 2**63:
        raise Failure(f"{path} has format {found}, from a newer version; this one reads up to {FORMAT}")
    if type(found) is not int or found != FORMAT:
        raise Failure(f"{path} is not a checkpoint of a training run")
    wrong = [key for key, kind in KEYS.items() if type(state.get(key)) is not kind]
    if wrong:
        raise Failure(f"{path} is not a checkpoint of a training run: it lacks {', '.join(wrong)}")
    return state


def _require_uncompressed(path: Path) -> None:
    """Raise a ValueError if records are compressed: loading might then take more memory than the file."""
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
    packed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
    if packed or sum(record.file_size for record in records) > path.stat().st_size:
        raise ValueError("a checkpoint is not compressed")


def require(path: Path, option: str = "--resume") -> None:
    """Raise a Failure if there is no such file."""
    if not path.is_file():
        raise Failure(f"there is no {path}: {option} takes the folder of a run")
