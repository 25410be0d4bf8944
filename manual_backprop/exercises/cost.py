"""The exercises of “What a gradient costs”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
