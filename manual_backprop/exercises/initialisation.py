"""The exercises of “Initialisation”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
