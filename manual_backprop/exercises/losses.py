"""The exercises of “Loss functions”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
