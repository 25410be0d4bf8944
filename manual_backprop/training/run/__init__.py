"""A run and what it leaves: the loop, the checkpoint, and the folder with its tables and pictures."""

from manual_backprop.training.run.interruption import Interrupted
from manual_backprop.training.run.network import network_of
from manual_backprop.training.run.start import resume, train

__all__ = ["Interrupted", "network_of", "resume", "train"]
