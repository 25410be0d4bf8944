"""An epoch as it is trained, and what of it are steps.

A trainer picks the batches, makes the steps, counts what is right, takes norms of gradients and evaluates.
All but the steps is its own share. Beside it stand the same steps on batches that lie there, in a row.
"""

from functools import partial

import torch

from manual_backprop.benchmark.timing import Case, Timed
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.data import Dataset
from manual_backprop.training.data.dataset import DIGITS
from manual_backprop.training.engines import build
from manual_backprop.training.run.loop import Trainer
from manual_backprop.training.run.progress import Progress

EXAMPLES = 60_000, 10_000
"""As many as MNIST has, to train on and to test."""


def random_digits(device: torch.device, train: int = EXAMPLES[0], test: int = EXAMPLES[1]) -> Dataset:
    """Images and labels that have MNIST's sizes, and nothing to learn."""
    images = torch.randn(train + test, 784, device=device).split([train, test])
    labels = torch.randint(0, 10, (train + test,), device=device).split([train, test])
    return Dataset("random", DIGITS, images[0], labels[0], images[1], labels[1])


def epochs_as_trained(device: torch.device, data: Dataset, batch_size: int = 64) -> dict[str, Case]:
    """An epoch of 784-128-10 by each engine, with all that a run does until its checkpoint."""
    silent = Progress(0, 0, lambda line: None, shown=False)

    def epoch_of(engine: str) -> Case:
        config = TrainingConfig(engine=engine, batch_size=batch_size, device=device.type)
        return partial(Trainer(config, data).train_epoch, lambda: False, silent)

    return {name: epoch_of(name) for name in ENGINES}


def epochs_of_steps(device: torch.device, data: Dataset, batch_size: int = 64) -> dict[str, Case]:
    """The steps of such an epoch by each engine, and nothing else."""
    images, labels = data.train_images, data.train_labels
    batches = [*zip(images.split(batch_size), labels.split(batch_size), strict=True)]

    def steps_of(name: str) -> Case:
        engine = build(TrainingConfig(engine=name), images.shape[1], len(data.classes), device)

        def steps() -> None:
            for batch in batches:
                engine.step(*batch)

        return steps

    return {name: steps_of(name) for name in ENGINES}


def own_shares(as_trained: dict[str, Timed], of_steps: dict[str, Timed]) -> dict[str, float]:
    """What the trainer takes beyond the steps, by each engine: as a share of the steps."""
    return {name: timed.median / of_steps[name].median - 1 for name, timed in as_trained.items()}
