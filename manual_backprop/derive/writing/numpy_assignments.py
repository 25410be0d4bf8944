"""What NumPy writes over, or adds to at some places: steps that are no expression."""

from collections.abc import Callable, Mapping
from typing import Any

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.torch_code import unexpanded


def _index_put(
    w: Any, name: str, base: Node, index: Any, values: Node, accumulate: bool = False
) -> list[str]:
    parts = [w.text(i) for i in index]
    places = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
    if accumulate:
        return [*w.started(name, base), f"np.add.at({name}, {places}, {w.text(values)})"]
    return [*w.started(name, base), f"{name}[{', '.join(parts)}] = {w.text(values)}"]


def _index_add(w: Any, name: str, base: Node, dim: int, index: Node, source: Node) -> list[str]:
    at = w.text(index)
    places = f"({'slice(None), ' * dim}{at})" if dim else at
    return [*w.started(name, base), f"np.add.at({name}, {places}, {w.text(source)})"]


def _scatter(w: Any, name: str, base: Node, dim: int, index: Node, source: Any) -> list[str]:
    return [
        *w.started(name, base),
        f"np.put_along_axis({name}, {w.text(index)}, {w.text(source)}, axis={dim})",
    ]


def _scatter_add(w: Any, name: str, base: Node, dim: int, index: Node, source: Node) -> list[str]:
    places = [
        w.text(index) if d == dim else f"np.arange({n}){_column(d, len(base.shape))}"
        for d, n in enumerate(index.shape)
    ]
    return [*w.started(name, base), f"np.add.at({name}, ({', '.join(places)}), {w.text(source)})"]


def _column(at: int, dims: int) -> str:
    rest = dims - at - 1
    return f"[{', '.join([':', *['None'] * rest])}]" if rest else ""


def _set(w: Any, name: str, base: Node, index: Any, value: Any) -> list[str]:
    return [*w.started(name, base), f"{name}[{w.index(index)}] = {w.text(unexpanded(value, w.names))}"]


STATEMENTS: Mapping[str, Callable[..., list[str]]] = {
    "setitem": _set,
    "index_put": _index_put,
    "index_add": _index_add,
    "scatter_add": _scatter_add,
    "scatter": _scatter,
}
