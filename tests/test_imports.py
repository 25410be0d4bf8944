"""Who imports whom: one way, from the command line down to the operations, and never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "manual_backprop"
LEVELS = (  # a room imports from its own level only what is in itself
    {"functional"},
    {"nn", "plots", "takeover"},
    {"derive"},
    {"record", "verify"},
    {"exercises", "testing", "training"},
    {"benchmark"},
    {"cli"},
    {"__main__"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in (ROOT / PACKAGE).rglob("*.py")}


def imported_by(name: str) -> Iterator[str]:
    """The files of the package that a file imports, also inside a function."""
    for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inside & FILES.keys() or {node.module}


GRAPH = {name: set(imported_by(name)) for name in FILES}


def room_of(name: str) -> str:
    return [*name.split("."), ""][1]


def test_every_room_has_its_level() -> None:
    assert {room_of(name) for name in FILES} - {""} == set(LEVEL)


def test_no_file_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(GRAPH).prepare()  # raises CycleError, with the circle


@pytest.mark.parametrize("name", sorted(set(FILES) - {PACKAGE}))
def test_imports_go_one_way(name: str) -> None:
    back = [
        other
        for other in GRAPH[name]
        if other != PACKAGE
        and room_of(other) != room_of(name)
        and LEVEL[room_of(other)] >= LEVEL[room_of(name)]
    ]
    assert back == []
