"""An operation with one wrong line: the mistakes that people make."""

from inspect import getsource
from types import ModuleType

from manual_backprop.functional.operation import PUBLIC, TWINS
from tests.functional.checks import Function
from tests.functional.modules import module_named
from tests.functional.samples import Mutant, Row


def mutated(row: Row, mutant: Mutant) -> Function:
    """The function from a copy of its module in which `mutant.line` reads `mutant.instead`.

    Raises:
        LookupError: the module does not hold the line exactly once, so the mutant says nothing.
    """
    original = module_named(row.name)
    source = getsource(original)
    if source.count(mutant.line) != 1:
        raise LookupError(f"{row.name} holds {source.count(mutant.line)} times: {mutant.line}")
    copy = ModuleType(original.__name__)
    code = compile(source.replace(mutant.line, mutant.instead), f"<{mutant.mistake}>", "exec")
    twins, functions = dict(TWINS), dict(PUBLIC)
    exec(code, copy.__dict__)
    TWINS.update(twins)  # the copy has named itself the twin of torch's functions, and made itself public
    PUBLIC.update(functions)
    return row.adapt(getattr(copy, row.name))
