"""The exercises of “Activations and vanishing gradients”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
