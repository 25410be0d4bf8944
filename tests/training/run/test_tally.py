"""Loss and correct answers are added up on the device: exactly, and without waiting for it."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from manual_backprop.training import TrainingConfig
from manual_backprop.training.config import LOSSES
from manual_backprop.training.data import Dataset
from manual_backprop.training.engines import engine
from manual_backprop.training.run import loop
from manual_backprop.training.run.progress import Progress
from manual_backprop.training.run.tally import Tally
from tests.functional.fake_cuda import Waits

N, C = 1009, 10
GENERATOR = torch.Generator().manual_seed(0)
LOGITS = 3 * torch.randn(N, C, generator=GENERATOR)
LABELS = torch.randint(0, C, (N,), generator=GENERATOR)


def tally(loss: str, *cuts: int) -> Tensor:
    """The sums over all examples, counted up to each cut in turn."""
    counted = Tally(loss, LOGITS.device)
    for start, end in zip((0, *cuts), (*cuts, N), strict=True):
        counted.add(LOGITS[start:end], LABELS[start:end])
    return counted.sums


def test_the_sums_are_those_of_the_examples() -> None:
    losses = {"cross_entropy": 0.0, "mse": 0.0}
    right = 0
    for z, y in zip(LOGITS.double().tolist(), LABELS.tolist(), strict=True):
        losses["cross_entropy"] += torch.tensor(z).double().logsumexp(0).item() - z[y]
        losses["mse"] += sum((each - (k == y)) ** 2 for k, each in enumerate(z)) / C
        right += z[y] == max(z)
    for loss, expected in losses.items():
        assert tally(loss).tolist() == [pytest.approx(expected, abs=N * 2**-33), right]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cuts", [(1,), (500,), (64, 128, 1008), tuple(range(1, N))], ids=len)
def test_the_sums_do_not_depend_on_how_the_examples_are_cut(loss: str, cuts: tuple[int, ...]) -> None:
    assert torch.equal(tally(loss, *cuts), tally(loss))


def test_an_epoch_on_a_gpu_waits_for_it_once_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RandomNumbers", lambda *_: nullcontext())
    monkeypatch.setattr(engine, "RandomNumbers", lambda *_: nullcontext())
    monkeypatch.setattr(loop, "may_be_replayed", lambda engine, device: False)
    monkeypatch.setattr(loop.Trainer, "_order", lambda trainer: torch.arange(N, device=trainer.device))
    silent = Progress(0, 0, lambda line: None, shown=False)
    monkeypatch.setattr(silent, "due", lambda examples: False)
    with FakeTensorMode(), torch.device("cuda"):
        images, labels = torch.empty(N, 784), torch.empty(N, dtype=torch.int64)
        data = Dataset("fake", ("a",) * C, images, labels, images[:7], labels[:7])
        trainer = loop.Trainer(TrainingConfig(engine="explicit"), data)
        with Waits() as waits, pytest.raises(DataDependentOutputException):  # no number is there to be read
            trainer.train_epoch(lambda: False, silent)
    assert waits.found == ["aten::_local_scalar_dense is read"]
    assert trainer.position == N
