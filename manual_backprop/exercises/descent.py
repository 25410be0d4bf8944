"""The exercises of “Gradient descent”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
