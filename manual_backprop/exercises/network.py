"""The exercises of “A neuron, a layer, a network”."""

from manual_backprop.exercises.judges import Judge

EXERCISES: dict[str, Judge] = {}
