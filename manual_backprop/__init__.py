"""Backpropagation with every backward formula written by hand.

`functional` holds the operations, one file each with its derivation; `nn` the drop-in modules made of them;
`use_manual_gradients` runs an unmodified model on them; `derive` writes down the backward of a whole forward,
to be read and as code; `verify` says whether your own derivation is right and, if not, which line departs
and what is wrong with it; `record` keeps every number of a training step, as a table, a figure and a page.
"""

from manual_backprop import functional, nn
from manual_backprop.derive import derive
from manual_backprop.functional.operation import fused
from manual_backprop.record import record
from manual_backprop.takeover import use_manual_gradients
from manual_backprop.verify import verify

__all__ = [
    "__version__",
    "derive",
    "functional",
    "fused",
    "nn",
    "record",
    "use_manual_gradients",
    "verify",
]

__version__ = "0.1.0"
