"""Long work does not grow: ten thousand steps, and a hundred records."""

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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm"),
]
MIB = 2**20


def resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(work: Callable[[], object], warm_up: int, times: int) -> int:
    """By how many bytes the process grows over `times` calls, after some that fill pools and caches."""
    for _ in range(warm_up):
        work()
    before = resident()
    for _ in range(times):
        work()
    return resident() - before


@pytest.mark.parametrize("engine", ENGINES)
def test_ten_thousand_steps_do_not_grow_memory(engine: str) -> None:
    config = TrainingConfig(dataset="sample", engine=engine, epochs=1000, momentum=0.9, lr=0.01)
    trainer = Trainer(config, sample_on(torch.device("cpu")))
    with Progress(1, 0, lambda line: None) as progress:

        def epoch() -> None:
            trainer.train_epoch(lambda: False, progress)
            trainer.state_dict()

        growth = grown(epoch, warm_up=20, times=159)  # of 63 steps each
    print(f"{engine}: {growth / MIB:.2f} MiB in {159 * 63:,} steps")
    assert trainer.step >= 10_000
    assert growth < 4 * MIB  # the rows of 9,000 gradient norms are 1 MiB; a graph kept per step, 700 MiB


def test_a_hundred_records_do_not_grow_memory(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    images, labels = torch.rand(16, 784), torch.randint(10, (16,))

    def make() -> None:
        recording = record(model, images, labels, loss=F.cross_entropy, lr=0.1)
        recording.page(tmp_path / "step.html")
        recording.plot(tmp_path / "step.png")

    growth = grown(make, warm_up=10, times=100)
    print(f"{growth / MIB:.2f} MiB in 100 records, with page and picture")
    assert growth < 8 * MIB  # of 0.1 MiB each record, 10 MiB would be kept
