"""The table: one row for each operation, in a file of its name, with all that the tests know of it."""

from importlib import import_module
from pkgutil import iter_modules

from tests.functional.samples import Row

ROWS: tuple[Row, ...] = tuple(
    import_module(f"{__name__}.{module.name}").ROW for module in iter_modules(__path__)
)
