"""The forwards that derive is held to, by subject."""

from tests.derive.forwards import arithmetic, images, layers, losses, networks, rules, sequences
from tests.derive.forwards.case import Case

FORWARDS: list[Case] = [
    *networks.CASES,
    *losses.CASES,
    *layers.CASES,
    *images.CASES,
    *sequences.CASES,
    *arithmetic.CASES,
    *rules.CASES,
]
