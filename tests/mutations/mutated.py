"""An operation with one wrong line: the mistakes that people make."""

import sys
from inspect import getsource
from types import ModuleType
from unittest.mock import patch

from manual_backprop.functional.operation import PUBLIC, TWINS
from tests.functional.checks import Function
from tests.functional.modules import module_named
from tests.functional.samples import Mutant, Row


def mutated(row: Row, mutant: Mutant) -> Function:
    """The function from a copy of its module in which `mutant.line` reads `mutant.instead`.

    Raises:
        LookupError: the module does not hold the line exactly once, so the mutant says nothing.
    """
    twins, functions = dict(TWINS), dict(PUBLIC)
    if mutant.file:
        helper = module_named(mutant.file)
        with patch.dict(sys.modules, {helper.__name__: copied(helper, mutant.line, mutant.instead)}):
            copy = copied(module_named(row.name))
    else:
        copy = copied(module_named(row.name), mutant.line, mutant.instead)
    TWINS.update(twins)  # the copy has named itself the twin of torch's functions, and made itself public
    PUBLIC.update(functions)
    return row.adapt(getattr(copy, row.name))


def copied(original: ModuleType, line: str = "", instead: str = "") -> ModuleType:
    """The module once more, `line` in it replaced."""
    source = getsource(original)
    if line and source.count(line) != 1:
        raise LookupError(f"{original.__name__} holds {source.count(line)} times: {line}")
    copy = ModuleType(original.__name__)
    exec(compile(source.replace(line, instead) if line else source, f"<{line}>", "exec"), copy.__dict__)
    return copy
