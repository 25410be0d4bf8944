"""The code of an operation, as it stands in its file: its methods, and the functions that these call."""

import ast
from dataclasses import dataclass, field
from inspect import getsource
from pathlib import Path
from sys import modules
from types import ModuleType

import torch

METHODS = ("forward", "setup_context", "keep_with", "backward", "jvp")


@dataclass
class Part:
    """What is shown of one file."""

    module: ModuleType
    pieces: dict[int, str] = field(default_factory=dict)  # by the line at which each begins

    @property
    def file(self) -> str:
        """Its name."""
        return Path(str(self.module.__file__)).name

    @property
    def text(self) -> str:
        """The pieces, in the order of the file."""
        return "\n\n\n".join(self.pieces[line] for line in sorted(self.pieces))


def code(module: ModuleType) -> list[Part]:
    """The operation's methods and what they use of their own file, then of the subject's other files.

    Nothing where the file has no operation.
    """
    subject = module.__name__.rpartition(".")[0]
    parts: dict[str, Part] = {}
    wanted: list[tuple[ModuleType, str]] = [(module, each.__name__) for each in operations_in(module)]
    seen = set()
    while wanted:
        at, name = wanted.pop(0)
        if (at, name) in seen or (found := defined(at, name)) is None:
            continue
        seen.add((at, name))
        begin, text, nodes = found
        parts.setdefault(at.__name__, Part(at)).pieces[begin] = text
        for used in {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}:
            home = home_of(at, used)
            is_helper = home.startswith(f"{subject}._")
            if home == module.__name__ or is_helper:
                wanted.append((modules[home], used))
    return list(parts.values())


def operations_in(module: ModuleType) -> list[type]:
    """The classes of a file that have a forward and a backward."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, torch.autograd.Function)
        and value.__module__ == module.__name__
    ]


def home_of(module: ModuleType, name: str) -> str:
    """The module in which a name was defined that another uses; its own for a constant."""
    value = vars(module).get(name)
    if value is None:
        return ""
    home = getattr(value, "__module__", None)
    return module.__name__ if home is None or home not in modules else str(home)


def defined(module: ModuleType, name: str) -> tuple[int, str, list[ast.AST]] | None:
    """Where a name is defined at the top of a file, its text, and what that text uses.

    Of an operation's class the methods of its mathematics are shown; functions that users call, which have
    their own place on the page, are not.
    """
    source = getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            if name in names and "function_of(" not in lines[node.lineno - 1]:
                return node.lineno, lines_of(lines, node), [node]
        elif isinstance(node, ast.FunctionDef) and node.name == name:
            if any("public" in ast.unparse(decorator) for decorator in node.decorator_list):
                return None
            return node.lineno, lines_of(lines, node), [node]
        elif isinstance(node, ast.ClassDef) and node.name == name:
            inside = [
                each for each in node.body if isinstance(each, ast.FunctionDef) and each.name in METHODS
            ]
            if not any(value is vars(module)[name] for value in operations_in(module)):
                return node.lineno, lines_of(lines, node), [node]
            head = "\n".join(lines[node.lineno - 1 : node.body[0].end_lineno])
            text = "\n\n".join([head, *(lines_of(lines, each) for each in inside)])
            return node.lineno, text, [*inside, *node.bases]
    return None


def lines_of(lines: list[str], node: ast.stmt) -> str:
    """The lines of a definition, with its decorators."""
    begin = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return "\n".join(lines[begin - 1 : node.end_lineno])
