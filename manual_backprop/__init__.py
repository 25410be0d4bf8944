"""Backpropagation with every backward formula written by hand.

`functional` holds the operations, one file each with its derivation; `nn` the drop-in modules made of them.
"""

from manual_backprop import functional, nn

__all__ = ["__version__", "functional", "nn"]

__version__ = "0.1.0"
