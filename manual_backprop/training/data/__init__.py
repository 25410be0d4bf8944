"""The data to train on: MNIST, Fashion-MNIST, or a sample of MNIST that needs no download."""

from manual_backprop.training.data.dataset import Dataset, Missing, load, sample

__all__ = ["Dataset", "Missing", "load", "sample"]
