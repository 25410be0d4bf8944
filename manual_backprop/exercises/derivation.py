"""The exercises of “Is my derivation right?”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
