"""Operations with hand-written backwards, under the names and signatures of torch.nn.functional and torch.

Each folder is a subject, each file in it an operation with its derivation. What a file says is `public`
(operation/registry.py) is handed on from here; there is no list to keep.
"""

from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any

from manual_backprop.functional.operation import PUBLIC

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)

globals().update({name: public.function for name, public in PUBLIC.items()})
__all__ = sorted(PUBLIC)
