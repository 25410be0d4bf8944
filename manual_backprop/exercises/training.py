"""The exercises of “Training on MNIST”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
