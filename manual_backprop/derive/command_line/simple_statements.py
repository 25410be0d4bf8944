"""Which statements only define: what can be run without training, reading data, drawing or installing."""

import ast
import builtins
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
LIBRARIES = {
    "numpy", "torch", "jax", "jaxlib", "scipy", "math", "cmath", "random", "functools", "itertools",
    "collections", "operator", "dataclasses", "typing", "enum", "types", "fractions", "decimal",
    "string", "copy", "builtins", "_functools", "_collections", "_operator", "_random", "pathlib",
    "posixpath", "ntpath", "genericpath", "manual_backprop",
}  # fmt: skip
BUILT_IN = {
    "int", "float", "str", "bool", "list", "tuple", "dict", "set", "frozenset", "range", "len", "min",
    "max", "abs", "sum", "sorted", "zip", "enumerate", "round", "map", "filter", "pow", "divmod",
    "reversed", "isinstance", "type", "slice", "complex", "object", "any", "all", "getattr", "hasattr",
    "bytes", "iter", "next",
}  # fmt: skip
READS_OR_WRITES = {
    "load", "loadtxt", "genfromtxt", "fromfile", "from_file", "memmap", "save", "savez", "savetxt",
    "tofile", "open", "open_memmap", "read_text", "read_bytes", "write_text", "write_bytes", "compile",
    "backward", "step", "urlopen", "loadmat", "savemat", "mkdir", "unlink", "sleep",
}  # fmt: skip
OTHER_ROOMS = (
    "torch.utils.data", "torch.hub", "torch.distributed", "torch.multiprocessing", "torch.profiler",
    "torch.jit", "torch.optim", "scipy.io", "scipy.optimize",
)  # fmt: skip
SETTINGS = {
    "seed", "manual_seed", "set_default_dtype", "set_default_device", "set_printoptions", "seterr",
    "set_num_threads", "set_grad_enabled", "use_deterministic_algorithms", "manual_seed_all", "update",
}  # fmt: skip


def is_needed(statement: ast.stmt) -> bool:
    """Whether it gives names something; the others may be left out without a word."""
    return isinstance(statement, DEFINITIONS) or bool([*names_given(statement)])


def why_not(statement: ast.stmt, names: Mapping[str, Any]) -> str:
    """Why a statement is not run: "it calls load()"; "" if it only defines.

    Args:
        statement: of the top level.
        names: what is defined so far.
    """
    if isinstance(statement, DEFINITIONS | ast.Pass):
        return ""
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets: list[ast.expr] = (
            [*statement.targets] if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            targets = [ast.Name(statement.target.id, ast.Load())]  # it has to be there
        parts = [*targets, *([statement.value] if statement.value else ())]
        return next(filter(None, (_why_not(part, names) for part in parts)), "")
    if isinstance(statement, ast.If):
        if _is_main(statement.test):
            return "it is run only where the file is the program"
        inner = [*statement.body, *statement.orelse]
        return _why_not(statement.test, names) or next(filter(None, (why_not(s, names) for s in inner)), "")
    if isinstance(statement, ast.Try):
        handled = [s for handler in statement.handlers for s in handler.body]
        inner = [*statement.body, *handled, *statement.orelse, *statement.finalbody]
        return next(filter(None, (why_not(s, names) for s in inner)), "")
    if isinstance(statement, ast.Expr):
        value = statement.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            of_path = ast.unparse(value.func) in ("sys.path.append", "sys.path.insert")
            if of_path or value.func.attr in SETTINGS:
                return "" if of_path else _why_not(value, names)
        called = _called(value)
        return f"it calls {called}()" if called else "it gives nothing a name"
    kinds = {ast.For: "in a loop", ast.While: "in a loop", ast.With: "in a with block"}
    return f"it is {kinds.get(type(statement), 'no definition')}"


def names_given(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of the top level defines or assigns."""
    inner: list[ast.AST] = [statement]
    while inner:
        node = inner.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        inner += ast.iter_child_nodes(node)


def _why_not(value: ast.expr, names: Mapping[str, Any]) -> str:
    """Why an expression is not evaluated."""
    bound = {n.id for n in ast.walk(value) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    inner: list[ast.AST] = [value]
    while inner:
        node = inner.pop(0)
        if isinstance(node, ast.Lambda):
            inner += node.args.defaults
            continue
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            return "it waits"
        if isinstance(node, ast.Call) and not _is_simple(node.func, names):
            return f"it calls {_called(node)}()"
        if isinstance(node, ast.Name) and node.id not in bound and not _is_known(node.id, names):
            return f"it needs {node.id}"
        inner += ast.iter_child_nodes(node)
    return ""


def _is_known(name: str, names: Mapping[str, Any]) -> bool:
    return name in names or hasattr(builtins, name)


def _is_simple(function: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether a function that is called makes numbers, arrays, or other values, and does nothing else."""
    if isinstance(function, ast.Name):
        if function.id not in names:
            return function.id in BUILT_IN
        return _makes_values(names[function.id])
    if isinstance(function, ast.Attribute):
        if function.attr in READS_OR_WRITES:
            return False
        owner = _value_of(function.value, names)
        if owner is _UNKNOWN:  # a method of what is computed on the way; that is looked at by itself
            return not isinstance(function.value, ast.Name | ast.Attribute)
        if isinstance(owner, ModuleType | type):
            return _makes_values(getattr(owner, function.attr, None))
        return _room(type(owner)) in LIBRARIES
    return isinstance(function, ast.Lambda | ast.Call)


def _makes_values(function: Any) -> bool:
    if isinstance(function, type) and any(
        hasattr(function, name) for name in ("forward", "loss", "_asdict", "__dataclass_fields__")
    ):
        return not _module(function).startswith(OTHER_ROOMS)
    name = getattr(function, "__name__", "")
    if name in READS_OR_WRITES or _module(function).startswith(OTHER_ROOMS):
        return False
    return _room(function) in LIBRARIES


def _module(value: Any) -> str:
    module = getattr(value, "__module__", None)
    if isinstance(module, str):
        return module
    owner = getattr(value, "__self__", None)  # of what is written in C: np.random.randn, torch.zeros
    if isinstance(owner, ModuleType):
        return owner.__name__
    return (owner if isinstance(owner, type) else type(value if owner is None else owner)).__module__


def _room(value: Any) -> str:
    return _module(value).partition(".")[0]


_UNKNOWN = object()


def _value_of(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What a name, or an attribute of one, stands for, without running anything."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id, _UNKNOWN)
    if isinstance(node, ast.Attribute):
        owner = _value_of(node.value, names)
        if isinstance(owner, ModuleType | type):
            return getattr(owner, node.attr, _UNKNOWN)
    return _UNKNOWN


def _called(node: ast.expr) -> str:
    """The name of the function that an expression calls first."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            return ast.unparse(part.func)
    return ""


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(test))
