"""The forwards in NumPy that derive is held to, by subject: as courses have them, with a cache or without."""

from tests.derive.numpy_forwards import activations, images, layers, losses, sequences
from tests.derive.numpy_forwards.case import Case

NUMPY_FORWARDS: list[Case] = [
    *activations.CASES,
    *layers.CASES,
    *losses.CASES,
    *sequences.CASES,
    *images.CASES,
]
