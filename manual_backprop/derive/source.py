"""A program as a file of its own."""

from collections.abc import Sequence

from manual_backprop.derive.program import Program
from manual_backprop.derive.script import WIDTH, Script, script_of
from manual_backprop.derive.writing.expressions import Expressions
from manual_backprop.derive.writing.numpy_code import NumpyCode
from manual_backprop.derive.writing.torch_code import TorchCode


def torch_source(program: Program) -> str:
    """The file in torch."""
    script = script_of(program, TorchCode)
    return _file(script, [*_forward(script), "", "", *_backward(script)], "import torch")


def numpy_source(program: Program) -> str:
    """The file in NumPy."""
    script = script_of(program, NumpyCode)
    return _file(script, [*_forward(script), "", "", *_backward(script)], "import numpy as np")


def function_source(program: Program) -> str:
    """The file as a torch.autograd.Function."""
    script = script_of(program, TorchCode)
    names = [script.names[n] for n in script.parameters]
    saved = [script.names[n] for n in script.cache]
    body = ["@staticmethod", *wrapped("def forward(", ["ctx", *names], "):")]
    body += [f"    {text}" for line in script.forward for text in line.code]
    body += _indent(wrapped("ctx.save_for_backward(", saved, ")"))
    body += [f"    return {_output(script)}", "", "@staticmethod", "@once_differentiable"]
    body += ["def backward(ctx, grad_output):"]
    body += _indent(_unpacked(saved, "ctx.saved_tensors")) if saved else []
    body += [f"    {text}" for line in script.backward for text in line.code]
    results = iter(script.results)
    given = [next(results) if n.differentiable else "None" for n in script.parameters]
    body += _indent(_returned(given))
    lines = ["class Derived(torch.autograd.Function):", *_indent(body)]
    header = "import torch"
    return _file(script, lines, header, "from torch.autograd.function import once_differentiable")


def _file(script: Script, body: Sequence[str], header: str, *more: str) -> str:
    imports = ["import math", ""] if "math" in script.imports else []
    imports.append(header)
    if "F" in script.imports:
        imports.append("import torch.nn.functional as F")
    helpers = [line for source in script.helpers for line in ("", "", *source.split("\n"))]
    return "\n".join([*imports, *more, *helpers, "", "", *body, ""])


def _forward(script: Script) -> list[str]:
    names = [script.names[n] for n in script.parameters]
    lines = wrapped("def forward(", names, "):")
    lines += [f"    {text}" for line in script.forward for text in line.code]
    lines += _indent(_tuple("cache = ", [script.names[n] for n in script.cache]))
    return [*lines, f"    return {_output(script)}, cache"]


def _backward(script: Script) -> list[str]:
    saved = [script.names[n] for n in script.cache]
    lines = ["def backward(grad_output, cache):"]
    lines += _indent(_unpacked(saved, "cache")) if saved else []
    lines += [f"    {text}" for line in script.backward for text in line.code]
    return [*lines, *_indent(_returned(script.results))]


def _output(script: Script) -> str:
    return script.names[script.program.output]


def _returned(results: list[str]) -> list[str]:
    if len(results) == 1:
        return [f"return {results[0]}"]
    flat = f"return {', '.join(results)}"
    return [flat] if len(flat) + 4 <= WIDTH else wrapped("return (", results, ")", trailing=True)


def _tuple(prefix: str, names: list[str]) -> list[str]:
    if not names:
        return [f"{prefix}()"]
    if len(names) == 1:
        return [f"{prefix}({names[0]},)"]
    flat = f"{prefix}({', '.join(names)})"
    return [flat] if len(flat) + 4 <= WIDTH else wrapped(f"{prefix}(", names, ")", trailing=True)


def _unpacked(names: list[str], whence: str) -> list[str]:
    if len(names) == 1:
        return [f"({names[0]},) = {whence}"]
    flat = f"{', '.join(names)} = {whence}"
    return [flat] if len(flat) + 4 <= WIDTH else wrapped("(", names, f") = {whence}", trailing=True)


def wrapped(start: str, parts: list[str], end: str, *, trailing: bool = False) -> list[str]:
    """A bracket in one line; or its inside in a line of its own; or each part in one."""
    flat = f"{start}{', '.join(parts)}{end}"
    if len(flat) + 4 <= WIDTH and not trailing:
        return [flat]
    inside = f"    {', '.join(parts)}"
    if len(inside) + 4 <= WIDTH and not trailing:
        return [start, inside, end]
    return [start, *(f"    {part}," for part in parts), end]


def _indent(lines: list[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


Dialect = type[Expressions]
