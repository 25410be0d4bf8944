"""A build hook: the wheel gets the types of `manual_backprop.functional`.

That module finds its functions when it is imported, which a type checker does not do. In the wheel, a stub
lists them; in the source tree there is none, so that a new operation is one file.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STUB = "manual_backprop/functional/__init__.pyi"


class Stub(BuildHookInterface[Any]):
    """Called by hatchling; see `tool.hatch.build` in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the stub to a folder of its own, and put it into the wheel from there."""
        if version == "editable":
            return
        stub = Path(mkdtemp()) / "__init__.pyi"
        stub.write_text("".join(imports(Path(self.root))), encoding="utf-8")
        build_data["force_include"][str(stub)] = STUB


def imports(root: Path) -> Iterator[str]:
    """A line for each function that its file says is `public`."""
    for path in sorted((root / STUB).parent.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(map(is_public, node.decorator_list)):
                yield f"from {module} import {node.name} as {node.name}\n"


def is_public(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "public"
    )
