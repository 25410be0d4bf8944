"""Long work does not grow: ten thousand steps, and a hundred records.

By default a few of them are made, and the bytes in use are counted one by one: what would be kept from each
step shows at once. Each is measured in a process of its own, for pytest-xdist's workers have threads.

With MANUAL_BACKPROP_LONG set all of them are made, and the process is measured as the operating system sees
it; `pytest -rP` prints by how much it has grown. That takes some minutes.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.training import TrainingConfig
from manual_backprop.training.config import ENGINES
from manual_backprop.training.run.loop import Trainer
from manual_backprop.training.run.progress import Progress
from tests.training.conftest import sample_on
from tests.training.forked import alone

LONG = bool(os.environ.get("MANUAL_BACKPROP_LONG"))
MIB = 2**20
STEPS_OF_AN_EPOCH = 63
STEP_LIMIT = 420
"""Bytes: the norms that a run keeps of a step are 100; a graph would be 70,000."""
RECORD_LIMIT = 84_000
"""Bytes: a record is 100,000."""
BLOCK = 64
"""Bytes of a small Python object, about: Python takes them from pools of its own, and counts them only."""


class Allocated(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


C = ctypes.CDLL(None)
if hasattr(C, "mallinfo2"):
    C.mallinfo2.restype = Allocated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm"),
    pytest.mark.skipif(not hasattr(C, "mallinfo2"), reason="asks glibc how much is in use"),
]


def resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_use() -> int:
    """Bytes that malloc has given out, and what Python's small objects take."""
    gc.collect()
    found = C.mallinfo2()
    return int(found.uordblks + found.hblkhd) + BLOCK * sys.getallocatedblocks()


def grown(work: Callable[[], object], warm_up: int, times: int) -> int:
    """By how many bytes the process grows over `times` calls, after some that fill pools and caches."""
    measure = resident if LONG else in_use
    for _ in range(warm_up):
        work()
    before = measure()
    for _ in range(times):
        work()
    return measure() - before


def grown_by_tensors(times: int) -> int:
    kept = []
    return grown(lambda: kept.append(torch.zeros(1000)), warm_up=2, times=times)


def grown_by_epochs(engine: str, times: int) -> int:
    config = TrainingConfig(dataset="sample", engine=engine, epochs=1000, momentum=0.9, lr=0.01)
    trainer = Trainer(config, sample_on(torch.device("cpu")))
    with Progress(1, 0, lambda line: None) as progress:

        def epoch() -> None:
            trainer.train_epoch(lambda: False, progress)
            trainer.state_dict()
            if not LONG:
                trainer.gradient_norms.clear()  # what a run is meant to keep of its steps

        growth = grown(epoch, warm_up=20 if LONG else 2, times=times)
    assert trainer.step >= STEPS_OF_AN_EPOCH * times
    return growth


def grown_by_records(folder: Path, times: int) -> int:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    images, labels = torch.rand(16, 784), torch.randint(10, (16,))

    def make() -> None:
        recording = record(model, images, labels, loss=F.cross_entropy, lr=0.1)
        recording.page(folder / "step.html")
        recording.plot(folder / "step.png")

    return grown(make, warm_up=10 if LONG else 3, times=times)


@pytest.mark.skipif(LONG, reason="of the quick measure")
def test_what_is_kept_is_seen_to_the_byte() -> None:
    assert 10 * 4000 < alone(grown_by_tensors, 10) < 10 * 5000


@pytest.mark.parametrize("engine", ENGINES)
def test_ten_thousand_steps_do_not_grow_memory(engine: str) -> None:
    epochs = 159 if LONG else 6
    growth, steps = alone(grown_by_epochs, engine, epochs), epochs * STEPS_OF_AN_EPOCH
    print(f"{engine}: {growth / MIB:.2f} MiB in {steps:,} steps")
    assert growth < STEP_LIMIT * steps


def test_a_hundred_records_do_not_grow_memory(tmp_path: Path) -> None:
    times = 100 if LONG else 4
    growth = alone(grown_by_records, tmp_path, times)
    print(f"{growth / MIB:.2f} MiB in {times} records, with page and picture")
    assert growth < RECORD_LIMIT * times
