"""The names of PyTorch's own functions, as a TorchFunctionMode is given them, and what the names say."""

from typing import Any

COMPUTES_NOTHING = {
    *("requires_grad_", "__get__", "_is_view", "detach", "retain_grad"),
    *("register_hook", "backward", "set"),
}
AUGMENTED = {f"i{name}" for name in ("add", "sub", "mul", "div", "truediv", "pow", "matmul")}


def computes_nothing(name: str) -> bool:
    """Whether it only asks a tensor for something, or sets something on it."""
    return name in COMPUTES_NOTHING


def is_in_place(name: str, kwargs: dict[str, Any]) -> bool:
    """Whether it writes over its first argument."""
    by_name = name.endswith("_") and not computes_nothing(name)
    return by_name or name in AUGMENTED or name == "setitem" or kwargs.get("inplace") is True


def name_of_function(func: Any) -> str:
    """`add` for Tensor.__add__, `T` for the property of that name."""
    name = getattr(func, "__name__", str(func))
    if name == "__get__":
        attribute = getattr(getattr(func, "__self__", None), "__name__", name)
        return attribute if attribute in ("T", "mT", "H", "mH") else "__get__"
    return name.strip("_") if name.startswith("__") else name
