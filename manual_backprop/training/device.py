"""What a run takes from the machine: the device, its random numbers, and whether sums have a fixed order."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from manual_backprop.training.config import Failure


def resolve_device(name: str) -> torch.device:
    """The device that --device names; for "auto" the quickest there is.

    Raises:
        Failure: there is no such device here.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        here = ", ".join(kind for kind, there in available.items() if there)
        raise Failure(f"--device {name}: PyTorch finds no such device here, only {here}")
    return torch.device(name)


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Of the generators that a step may draw from, on the CPU and on `device`."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Go on from what `random_states` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Have PyTorch use algorithms only that give the same bits every time, if `wanted`.

    On the CPU every run does, given the same machine, the same versions and the same number of threads (more
    threads add in another order). On CUDA some kernels add in the order in which threads happen to arrive:
    those are replaced, or refused where PyTorch has no other. Another GPU or another version of PyTorch may
    still round otherwise, and MPS promises nothing.

    Raises:
        Failure: an operation of the run has no deterministic algorithm on this device.

    Source: PyTorch's documentation, "Reproducibility"; NVIDIA's of cuBLAS, "Results Reproducibility".
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise Failure(f"--deterministic: {str(error).split('. ')[0]}") from error
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
