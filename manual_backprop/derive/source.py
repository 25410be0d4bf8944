"""A program as a file of its own."""

import ast
from collections.abc import Sequence

from manual_backprop.derive.program import Program
from manual_backprop.derive.script import Line, Script, script_of
from manual_backprop.derive.signature import Signature, in_general
from manual_backprop.derive.writing.expressions import Expressions
from manual_backprop.derive.writing.layout import WIDTH, laid_out
from manual_backprop.derive.writing.torch_code import TorchCode

IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "once_differentiable": "from torch.autograd.function import once_differentiable",
}
STANDARD = ("math",)


def source_of(program: Program, code: type[Expressions], signature: Signature) -> str:
    """The file in torch or in NumPy: a forward and a backward."""
    names = zip(program.upstreams, signature.upstreams, strict=True)
    script = script_of(program, code, dict(names))
    return _file(script, [*_forward(script, signature), "", "", *_backward(script, signature)])


def function_source(program: Program) -> str:
    """The file as a torch.autograd.Function."""
    upstreams = in_general(program).upstreams
    script = script_of(program, TorchCode, dict(zip(program.upstreams, upstreams, strict=True)))
    names = [script.names[n] for n in script.parameters]
    saved = [script.names[n] for n in script.cache]
    results = iter(script.results)
    given = [next(results) if n.differentiable else "None" for n in script.parameters]
    kept = laid_out(f"ctx.save_for_backward({', '.join(saved)})", 8) if saved else []
    body = [
        "@staticmethod",
        *laid_out(f"def forward({', '.join(['ctx', *names])}):", 4),
        *_indent([*_code(script.forward, 8), *kept, f"return {_outputs(script)}"]),
        "",
        "@staticmethod",
        "@once_differentiable",
        f"def backward(ctx, {', '.join(upstreams)}):",
        *_indent(
            [*_unpacked(saved, "ctx.saved_tensors", 8), *_code(script.backward, 8), *_returned(given, 8)]
        ),
    ]
    return _file(script, ["class Derived(torch.autograd.Function):", *_indent(body)])


def _file(script: Script, body: Sequence[str]) -> str:
    """With the helpers, and the imports of what both use."""
    helpers = [line for source in script.helpers for line in (*source.split("\n"), "", "")]
    code = "\n".join([*helpers, *body, ""])
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    standard = [line for name, line in IMPORTS.items() if name in used and name in STANDARD]
    others = [line for name, line in IMPORTS.items() if name in used and name not in STANDARD]
    imports = [*standard, *([""] if standard and others else []), *others]
    return "\n".join([*imports, "", "", code]) if imports else code


def _forward(script: Script, signature: Signature) -> list[str]:
    names = [script.names[n] for n in script.parameters]
    cache = [script.names[n] for n in script.cache]
    return [
        *laid_out(f"def {signature.forward}({', '.join(names)}):", 0),
        *_indent([*_options(signature), *_code(script.forward, 4), *laid_out(f"cache = {_tuple(cache)}", 4)]),
        f"    return {f'({_outputs(script)})' if signature.together else _outputs(script)}, cache",
    ]


def _options(signature: Signature) -> list[str]:
    """What the forward was derived for."""
    return [f"# with {name} = {value!r}" for name, value in signature.options.items()]


def _backward(script: Script, signature: Signature) -> list[str]:
    cache = [script.names[n] for n in script.cache]
    aliases, results = _named(script) if signature.every_name else ([], script.results)
    return [
        f"def {signature.backward}({', '.join(signature.upstreams)}, cache):",
        *_indent([*_unpacked(cache, "cache", 4), *_code(script.backward, 4), *aliases]),
        *_indent(_returned(results, 4)),
    ]


def _named(script: Script) -> tuple[list[str], list[str]]:
    """Lines that give each gradient its input's name, and what is returned then."""
    taken = {*script.names.values(), *script.results}
    lines, results = [], []
    for node, result in zip(script.program.differentiable, script.results, strict=True):
        name = f"d{script.names[node]}"
        if result != name and name not in taken and node in script.program.gradients:
            lines.append(f"{name} = {result}")
            result = name
        results.append(result)
    return lines, results


def _code(lines: Sequence[Line], depth: int) -> list[str]:
    return [part for line in lines for text in line.code for part in _laid_out(text, depth)]


def _laid_out(text: str, depth: int) -> list[str]:
    """A line, which may stand in a loop."""
    bare = text.lstrip(" ")
    inside = text[: len(text) - len(bare)]
    return [inside + part for part in laid_out(bare, depth + len(inside))]


def _outputs(script: Script) -> str:
    return ", ".join(script.names[node] for node in script.program.outputs)


def _returned(results: list[str], depth: int) -> list[str]:
    flat = f"return {', '.join(results)}"
    return [flat] if len(flat) + depth <= WIDTH else laid_out(f"return ({', '.join(results)})", depth)


def _tuple(names: list[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def _unpacked(names: list[str], whence: str, depth: int) -> list[str]:
    """The names of what was kept; nothing where nothing was."""
    if not names:
        return []
    if len(names) == 1:
        return [f"({names[0]},) = {whence}"]
    flat = f"{', '.join(names)} = {whence}"
    if len(flat) + depth <= WIDTH:
        return [flat]
    return ["(", *(f"    {name}," for name in names), f") = {whence}"]


def _indent(lines: list[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]
