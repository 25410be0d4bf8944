"""Where each file of the package's operations is."""

from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from manual_backprop import functional

NAMES = tuple(module.name for module in walk_packages(functional.__path__, f"{functional.__name__}."))


def module_named(name: str) -> ModuleType:
    """The module of an operation, such as `activations.relu` for "relu"."""
    (found,) = (module for module in NAMES if module.endswith(f".{name}"))
    return import_module(found)
