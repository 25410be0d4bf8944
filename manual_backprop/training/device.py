"""What a run borrows from PyTorch: the device, the random numbers, and determinism."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import torch
from torch import Tensor

from manual_backprop.training.config import Failure

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""The environment variable that cuBLAS reads when it is first used."""


def resolve_device(name: str) -> torch.device:
    """The device that --device names; for "auto" the fastest one available.

    Raises:
        Failure: PyTorch has no such device here.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        here = ", ".join(kind for kind, there in available.items() if there)
        raise Failure(f"--device {name} is not available here; available: {here}")
    return torch.device(name)


class RandomNumbers:
    """The random numbers of a run, apart from those of its caller.

    Initialisation and dropout draw from PyTorch's global generators. Inside `with`, these continue where the
    run left them; afterwards they are as the caller left them.

    Attributes:
        states: of the generators that a step may draw from, the CPU's and the device's, by device type.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self.states: dict[str, Tensor] = {}
        with self:
            self.seed(seed)

    def seed(self, seed: int) -> None:
        """Seed the generators; to be called inside `with`."""
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    def __enter__(self) -> None:
        self.callers = self._current()
        self._set(self.states)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.states = self._current()
        self._set(self.callers)

    def _current(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self.device.type != "cpu":
            states[self.device.type] = torch.get_device_module(self.device).get_rng_state()
        return states

    def _set(self, states: dict[str, Tensor]) -> None:
        for kind, state in states.items():
            if kind == "cpu":
                torch.set_rng_state(state)
            elif kind == self.device.type:  # not another machine's, which a checkpoint may hold
                torch.get_device_module(self.device).set_rng_state(state)


@contextmanager
def deterministic(wanted: bool, probe: Callable[[], object]) -> Iterator[None]:
    """Let PyTorch use only algorithms that give the same bits every time, if `wanted`.

    Args:
        wanted: whether to change anything at all.
        probe: work like that inside. After a RuntimeError it is tried with and without deterministic
            algorithms, to tell whether they are the cause.

    On the CPU every run does, given the same machine, the same versions and the same number of threads (more
    threads add in another order). On CUDA some kernels add in the order in which threads happen to arrive:
    those are replaced, or refused where PyTorch has no other. Another GPU or another version of
    PyTorch may still round differently, and MPS promises nothing.

    Raises:
        Failure: an operation has no deterministic algorithm on this device.

    Source: PyTorch's documentation, "Reproducibility"; NVIDIA's of cuBLAS, "Results Reproducibility".
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    unset = CUBLAS_WORKSPACE not in os.environ
    os.environ.setdefault(CUBLAS_WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        refused = _raises(probe)
        torch.use_deterministic_algorithms(False)
        if refused and not _raises(probe):
            raise Failure(f"--deterministic: {str(error).split('. ')[0]}") from error
        raise
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        if unset:
            del os.environ[CUBLAS_WORKSPACE]


def _raises(work: Callable[[], object]) -> bool:
    try:
        work()
    except RuntimeError:
        return True
    return False
