"""The data to train on: MNIST, Fashion-MNIST, or a sample of MNIST that needs no download."""

from manual_backprop.training.data.dataset import Dataset, load, sample

__all__ = ["Dataset", "load", "sample"]
