"""The exercises of “The chain rule, layer by layer”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
