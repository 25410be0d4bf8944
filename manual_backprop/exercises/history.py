"""The exercises of “Where it came from”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
