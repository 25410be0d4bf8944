"""The training loop: epochs of steps, with all numbers of the run in a state to be saved at any step."""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict
from math import ceil, isfinite
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.data import Dataset
from manual_backprop.training.device import RandomNumbers
from manual_backprop.training.engines.engine import Engine, build, draw
from manual_backprop.training.processes import ALONE, Processes
from manual_backprop.training.run.progress import Progress
from manual_backprop.training.run.replay import ReplayedSteps, cuda_graph
from manual_backprop.training.run.tally import Tally

NORMS_PER_EPOCH = 50
EVALUATION_CHUNK = 1_000
KEPT = ("epoch", "position", "step", "order_state", "metrics", "gradient_norms", "seconds")
"""The attributes of a Trainer that its state holds, besides the engine, the random numbers and the sums."""
Advance = tuple[int, int, Callable[[], Tensor]]
"""How many steps were made, on how many examples, and who tells the gradient norms of the last one."""
Batch = tuple[Tensor, Tensor, Tensor]
"""The examples of a step, (n,), their labels, and where their logits go, (n, C)."""


class NotFinite(Exception):  # noqa: N818 - the run then looks for the step
    """The loss or a parameter is NaN or infinite, since some step of this epoch."""


class Trainer:
    """One run: the engine, its place in the data, and what has been measured so far.

    Attributes:
        epoch: the current epoch, from 0; `config.epochs` at the end of a complete run.
        position: examples of this epoch that are done.
        step: steps since the start.
        metrics: one row for each complete epoch; losses (of a cross-entropy in nats), accuracies from 0 to 1.
        gradient_norms: rows of a step's number and ‖∂L/∂(W, b)‖ of each layer.
        seconds: of training, evaluation and `capture_seconds` excluded.
        capture_seconds: taken by the capture of a CUDA graph.
    """

    def __init__(self, config: TrainingConfig, data: Dataset, processes: Processes = ALONE) -> None:
        self.config, self.data, self.processes = config, data, processes
        self.device = data.train_images.device
        self.random = RandomNumbers(config.seed, self.device)
        with self.random:
            self.engine = draw(config, data.train_images.shape[1], len(data.classes), self.device, processes)
        self.tally = Tally(config.loss, self.device)  # over this epoch
        self.batch = torch.empty_like(data.train_images[: config.batch_size])
        self.scores = data.train_images.new_empty(len(data.train_images), len(data.classes))  # logits
        self.order = torch.Generator().manual_seed(config.seed)
        self.order_state = self.order.get_state()  # as it was when this epoch's order was drawn
        self.epoch = self.position = self.step = 0
        self.metrics: list[dict[str, float]] = []
        self.gradient_norms: list[list[float]] = []
        self.seconds = 0.0
        self.replayed: ReplayedSteps | None = None
        self.to_be_captured = not processes.several and may_be_replayed(self.engine, self.device)
        self.capture_seconds = 0.0

    @property
    def complete(self) -> bool:
        """Whether all epochs are done, or `config.target_accuracy` is reached."""
        return self.epoch >= self.config.epochs or self.reached

    @property
    def reached(self) -> bool:
        """Whether the last epoch reached a test accuracy of `config.target_accuracy` per cent."""
        target = self.config.target_accuracy
        return target is not None and bool(self.metrics) and self.metrics[-1]["test_accuracy"] >= target / 100

    def train_epoch(self, stop: Callable[[], bool], progress: Progress, one_by_one: bool = False) -> bool:
        """Make the rest of this epoch's steps, then evaluate; False if `stop` ended it before.

        Args:
            stop: whether to stop, called after every step; with several processes, which have to agree, only
                a few dozen times in an epoch.
            progress: what the user sees.
            one_by_one: look at the numbers after every step, and replay none.

        Raises:
            NotFinite: with `one_by_one`, because of the last step.
        """
        examples = len(self.data.train_images)
        order = self._order()
        labels = self.data.train_labels[order]
        whole = order, labels, self.scores
        batches = [*zip(*(tensor.split(self.config.batch_size) for tensor in whole), strict=True)]
        steps = ceil(examples / self.config.batch_size)
        every = max(steps // NORMS_PER_EPOCH, 1)
        alone = not self.processes.several
        if self.to_be_captured:
            self._capture(every, progress)
        counted, norms = self.position, []
        started = time.perf_counter()
        with self.random:
            while self.position < examples:
                until = None if one_by_one else -self.step % every + 1
                made, done, norms_of_the_last = self._advance(order, labels, batches, until)
                self.position += done
                self.step += made
                if (self.step - 1) % every == 0:
                    norms.append((self.step - 1, norms_of_the_last()))
                if (progress.due(done) and alone) or one_by_one:
                    counted = self._add_up(counted, labels)
                    progress.show(self.epoch, self.position, self._sums())
                if (alone or one_by_one or self.step % every == 0) and self.processes.any(stop()):
                    break
        self._add_up(counted, labels)
        sums = self._sums()
        if norms:
            numbers = torch.stack([norm for _, norm in norms]).tolist()
            self.gradient_norms += [[step, *row] for (step, _), row in zip(norms, numbers, strict=True)]
        self.seconds += time.perf_counter() - started
        if self.position < examples:
            return False
        self._end_epoch(*sums)
        return True

    def _order(self) -> Tensor:
        """This epoch's order of the training set, (N,)."""
        self.order.set_state(self.order_state)
        on_cuda = self.device.type == "cuda"  # which then copies without being waited for
        order = torch.randperm(len(self.data.train_images), generator=self.order, pin_memory=on_cuda)
        return order.to(self.device, non_blocking=on_cuda)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Images and labels of the next step."""
        chosen = self._order()[self.position : self.position + self.config.batch_size]
        return self.data.train_images[chosen], self.data.train_labels[chosen]

    def rehearse(self) -> None:
        """Make the next step and evaluate with another engine; nothing changes here."""
        engine = build(self.config, self.data.train_images.shape[1], len(self.data.classes), self.device)
        engine.step(*self.next_batch())
        engine.logits(self.data.test_images[:EVALUATION_CHUNK])

    def parameters(self) -> dict[str, Tensor]:
        """All that the network learns, by name."""
        parameters: dict[str, Tensor] = self.engine.state_dict()["model"]
        return parameters

    def _advance(self, order: Tensor, labels: Tensor, batches: list[Batch], until: int | None) -> Advance:
        """Make one step, or replay `until` of them if captured."""
        replayed = self.replayed
        if replayed is not None and replayed.count == until:
            part = slice(self.position, self.position + replayed.examples)
            if part.stop <= len(order):
                self.scores[part] = replayed(order[part], labels[part])
                return until, replayed.examples, replayed.norms.clone
        chosen, classes, scores = batches[self.position // self.config.batch_size]
        count = len(chosen)
        if not self.processes.several:
            images = torch.index_select(self.data.train_images, 0, chosen, out=self.batch[:count])
            scores.copy_(self.engine.step(images, classes))
            return 1, count, self.engine.gradient_norms
        self.random.seed(self._seed_of_this_step())
        images = self.data.train_images[self.processes.share(chosen)]
        scores.zero_()  # to which the other processes add theirs
        self.processes.share(scores).copy_(self.engine.step(images, self.processes.share(classes), count))
        return 1, count, self.engine.gradient_norms

    def _seed_of_this_step(self) -> int:
        """Of dropout: each process has its own, and a resumed run the same as an uninterrupted one."""
        run = self.config.seed * 1_000_003 + self.step
        return (run * self.processes.size + self.processes.rank) % 2**63

    def _capture(self, count: int, progress: Progress) -> None:
        """Capture `count` steps, or say why that cannot be; the parameters stay as they were."""
        started = time.perf_counter()
        before = deepcopy(self.engine.state_dict())
        classes, batch_size = len(self.data.classes), len(self.batch)
        images = self.data.train_images
        try:
            self.replayed = ReplayedSteps(self.engine, images, classes, batch_size, count, cuda_graph)
        except RuntimeError as error:
            progress.say(f"Steps are made one by one; capturing them failed: {str(error).splitlines()[0]}")
        self.to_be_captured = False
        self.engine.load_state_dict(before)
        self.capture_seconds = time.perf_counter() - started

    def _add_up(self, start: int, labels: Tensor) -> int:
        """Count the examples from `start` on; return the end of these."""
        part = slice(start, self.position)
        self.tally.add(self.processes.add_up(self.scores[part]), labels[part])
        return self.position

    def _sums(self) -> list[float]:
        """Loss and number right so far in this epoch, for which the device is waited for.

        Raises:
            NotFinite: the loss or a parameter is not finite.
        """
        finite = torch.stack([parameter.isfinite().all() for parameter in self.parameters().values()]).all()
        loss, right, all_finite = torch.cat([self.tally.sums, finite[None]]).tolist()
        if not (all_finite and isfinite(loss)):
            raise NotFinite
        return [loss, right]

    def _end_epoch(self, loss: float, right: float) -> None:
        train_loss, train_accuracy = (each / len(self.data.train_images) for each in (loss, right))
        test_loss, test_accuracy = self.evaluate()
        self.epoch += 1
        self.metrics.append(
            {
                "epoch": self.epoch,
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "test_loss": test_loss,
                "test_accuracy": test_accuracy,
            }
        )
        self.order_state, self.position = self.order.get_state(), 0
        self.tally.sums.zero_()

    def test_logits(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits (n, C) and labels (n,) of the test set, chunk by chunk."""
        chunks = zip(
            torch.split(self.data.test_images, EVALUATION_CHUNK),
            torch.split(self.data.test_labels, EVALUATION_CHUNK),
            strict=True,
        )
        return ((self.engine.logits(images), labels) for images, labels in chunks)

    def evaluate(self) -> tuple[float, float]:
        """Mean loss and accuracy on the test set, in the first process."""
        tally = Tally(self.config.loss, self.device)
        for logits, labels in self.test_logits():
            tally.add(logits, labels)
        loss, accuracy = (tally.sums / len(self.data.test_labels)).tolist()
        return self.processes.from_the_first((loss, accuracy))

    def state_dict(self) -> dict[str, Any]:
        """All that the run's numbers depend on from here, and all that has been measured."""
        return {
            "config": asdict(self.config),
            "engine": self.engine.state_dict(),
            "random_states": self.random.states,
            "sums": self.tally.sums.cpu().double(),
            **{name: getattr(self, name) for name in KEPT},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`, which is not changed, as if never stopped.

        A state that was read from a file has been checked there, by `state.require_fit`.
        """
        state = deepcopy(state)
        self.engine.load_state_dict(state["engine"])
        given = state["random_states"]
        self.random.states = {kind: given.get(kind, own) for kind, own in self.random.states.items()}
        self.tally.sums.copy_(state["sums"])
        for name in KEPT:
            setattr(self, name, state[name])


def may_be_replayed(engine: Engine, device: torch.device) -> bool:
    """Whether steps can be captured in a CUDA graph."""
    return device.type == "cuda" and engine.repeatable
