"""Derivations of others: the wrong ones with the name of their mistake, and right ones in unusual forms."""

from tests.verify.gallery import (
    composed_functions,
    composed_losses,
    elementwise,
    products,
    reductions,
    right_operations,
    unnamed,
)

WRONG = (
    *products.WRONG,
    *elementwise.WRONG,
    *reductions.WRONG,
    *composed_functions.WRONG,
    *composed_losses.WRONG,
)
NO_NAME = unnamed.NO_NAME
RIGHT = right_operations.RIGHT
