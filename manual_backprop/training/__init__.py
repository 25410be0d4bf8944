"""Training on MNIST: the data, the engines that make a step, the loop, and the folder that a run leaves."""

from manual_backprop.training.config import CannotWrite, Failure, TrainingConfig, UsageError
from manual_backprop.training.run import Interrupted, resume, train

__all__ = ["CannotWrite", "Failure", "Interrupted", "TrainingConfig", "UsageError", "resume", "train"]
