"""Several processes that train one network: which one this is, and what they exchange.

Each process holds the whole network and makes every step with its own share of the batch. A loss that is a
mean over N examples is a sum over the shares, divided by N, and so is its gradient:

    ∂L/∂w = 1/N Σₙ ∂ℓₙ/∂w = Σ over processes ( 1/N Σ over its share ∂ℓₙ/∂w )

The sum over processes is an all-reduce: each gives its term, all get the sum. So every process takes the same
step from the same parameters, and the network stays the same in all of them.

torchrun starts the processes and tells each one its rank in environment variables. They communicate by gloo
on CPUs, and by NCCL on CUDA devices.

Source: PyTorch's documentation, "torchrun (Elastic Launch)" and "Distributed communication package".
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from manual_backprop.training.config import Failure


@dataclass
class Processes:
    """One of the processes of a run.

    All that they exchange goes through here. An exchange fails only if one of them has gone, and that is what
    the user is told.

    Attributes:
        rank: which one this is, from 0; only the first one writes files and prints.
        size: how many there are.
        failures: of the sums over processes within a backward of DistributedDataParallel.
    """

    rank: int = 0
    size: int = 1
    failures: list[RuntimeError] = field(default_factory=list)

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.size > 1

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of the rows of a batch; a small batch may leave some without any."""
        return batch[self.rank :: self.size]

    def add_up(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.several:
            with _together():
                dist.all_reduce(tensor)
        return tensor

    def start_adding_up(self, tensor: Tensor) -> Any:
        """As `add_up`, in the background, until `finish_adding_up`."""
        with _together():
            return dist.all_reduce(tensor, async_op=True)

    def finish_adding_up(self, work: Any) -> None:
        """Wait for what `start_adding_up` returned."""
        with _together():
            work.wait()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if not self.several:
            return flag
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        return bool(self.add_up(torch.tensor(int(flag), device=device)) > 0)

    def from_the_first(self, value: Any) -> Any:
        """The value of the first process."""
        if not self.several:
            return value
        box = [value]
        with _together():
            dist.broadcast_object_list(box)
        return box[0]

    def distribute(self, model: torch.nn.Module) -> torch.nn.Module:
        """A network whose backward, inside `averaging`, leaves the mean gradient over all processes."""
        if not self.several:
            return model
        from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

        def note(future: torch.futures.Future[Tensor]) -> Tensor:
            try:
                return future.value()
            except RuntimeError as error:
                self.failures.append(error)
                raise

        def noted_allreduce(state: None, bucket: dist.GradBucket) -> torch.futures.Future[Tensor]:  # type: ignore[name-defined]
            return default_hooks.allreduce_hook(None, bucket).then(note)  # type: ignore[arg-type]  # the whole group

        with _together():
            distributed = DistributedDataParallel(model)
        distributed.register_comm_hook(None, noted_allreduce)
        return distributed

    @contextmanager
    def averaging(self) -> Iterator[None]:
        """For the backward of a network that `distribute` has returned."""
        try:
            yield
        except RuntimeError as error:
            if not self.failures:
                raise
            raise _gone(self.failures[0]) from error


ALONE = Processes()


@contextmanager
def _together() -> Iterator[None]:
    """An exchange: a RuntimeError then means that one of the processes has gone."""
    try:
        yield
    except RuntimeError as error:
        raise _gone(error) from error


def _gone(error: RuntimeError) -> Failure:
    return Failure(f"lost contact with another process of this run: {str(error).splitlines()[0]}")


def told(name: str, default: int) -> int:
    """The number that torchrun has put into the environment variable `name`.

    Raises:
        Failure: it is not a number.
    """
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise Failure(f"{name}, which torchrun sets, must be a number, got {value!r}") from None


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """This process among those that torchrun has started; the only one where it has not.

    Raises:
        Failure: they are more than the devices, cannot reach each other, or one of them has gone.
    """
    size = told("WORLD_SIZE", 1)
    if size == 1:
        yield ALONE
        return
    before = None
    if device.type == "cuda":
        rank = told("LOCAL_RANK", told("RANK", 0))
        here, count = told("LOCAL_WORLD_SIZE", rank + 1), torch.cuda.device_count()
        if here > count:
            raise Failure(
                f"{here} processes on this machine need a CUDA device each, and it has {count}: "
                f"start torchrun with --nproc-per-node={count}, or train with --device cpu"
            )
        before = torch.cuda.current_device()
        torch.cuda.set_device(rank)
    elif device.type != "cpu":
        raise Failure(f"{size} processes cannot share a run on --device {device.type}: take cpu or cuda")
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise Failure(f"the processes cannot reach each other: {error}") from error
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
        if before is not None:
            torch.cuda.set_device(before)
