"""The exercises of “Writing your own autograd.Function”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
