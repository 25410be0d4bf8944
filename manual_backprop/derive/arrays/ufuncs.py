"""NumPy's and SciPy's ufuncs: the torch function of each, by its name, and what their methods are."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive.arrays.tensors import DTYPES, numpy_dtype

Function = Callable[..., Any]


def _maximum(a: Any, b: Any) -> Tensor:
    if _is_zero(a) and isinstance(b, Tensor):
        return torch.relu(b)
    if _is_zero(b):
        return torch.relu(a)
    return _bounded(torch.maximum, torch.clamp_min, a, b)


def _minimum(a: Any, b: Any) -> Tensor:
    return _bounded(torch.minimum, torch.clamp_max, a, b)


def _bounded(of_two: Function, by_number: Function, a: Any, b: Any) -> Any:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return of_two(a, b)
    return by_number(a, b) if isinstance(a, Tensor) else by_number(b, a)


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Tensor) and value == 0


def _cbrt(x: Tensor) -> Tensor:
    return torch.sign(x) * torch.abs(x) ** (1 / 3)


def _tensors(function: Function) -> Function:
    """The function, which takes no plain numbers."""

    def of_tensors(*given: Any) -> Any:
        like = next(x for x in given if isinstance(x, Tensor))
        return function(*(x if isinstance(x, Tensor) else torch.full_like(like, x) for x in given))

    return of_tensors


def _heaviside(x: Tensor, at_zero: Any) -> Tensor:
    return torch.where(x == 0, at_zero, (x > 0).to(x.dtype))


def _floor_divide(a: Any, b: Any) -> Any:
    """a // b, which is constant but for its steps: torch has no derivative of it."""
    parts = [x.detach() if isinstance(x, Tensor) and x.requires_grad else x for x in (a, b)]
    return operator.floordiv(*parts)


def _gamma(x: Tensor) -> Tensor:
    sign = 1 - 2 * torch.remainder(torch.floor(x), 2) * (x < 0)
    return sign * torch.exp(torch.lgamma(x))


def _log_beta(a: Any, b: Any) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def _huber(delta: Any, r: Tensor) -> Tensor:
    return torch.where(torch.abs(r) <= delta, r**2 / 2, delta * (torch.abs(r) - delta / 2))


def _ldexp(x: Any, exponent: Any) -> Any:
    return x * 2.0**exponent


UFUNCS: dict[str, Function] = {
    **{name: getattr(torch, name) for name in (
        "exp", "log", "sqrt", "square", "sin", "cos", "tan", "sinh", "cosh", "tanh", "expm1", "log1p", "log2",
        "log10", "exp2", "sign", "floor", "ceil", "trunc", "reciprocal", "isnan", "isinf",
        "isfinite", "signbit", "logical_not", "deg2rad", "rad2deg", "positive")},
    **{f"arc{name}": getattr(torch, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "negative": operator.neg,
    "absolute": torch.abs,
    "fabs": torch.abs,
    "conjugate": torch.conj,
    "rint": torch.round,
    "cbrt": _cbrt,
    "degrees": torch.rad2deg,
    "radians": torch.deg2rad,
    "invert": operator.invert,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "floor_divide": _floor_divide,
    "remainder": operator.mod,
    "fmod": torch.fmod,
    "power": operator.pow,
    "float_power": torch.float_power,
    "matmul": operator.matmul,
    "vecdot": lambda a, b: (a * b).sum(-1),
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _tensors(torch.fmax),
    "fmin": _tensors(torch.fmin),
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "logical_and": _tensors(torch.logical_and),
    "logical_or": _tensors(torch.logical_or),
    "logical_xor": _tensors(torch.logical_xor),
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "left_shift": operator.lshift,
    "right_shift": operator.rshift,
    "logaddexp": _tensors(torch.logaddexp),
    "logaddexp2": _tensors(torch.logaddexp2),
    "arctan2": _tensors(torch.atan2),
    "hypot": _tensors(torch.hypot),
    "copysign": _tensors(torch.copysign),
    "heaviside": _heaviside,
    "ldexp": _ldexp,
    "gcd": _tensors(torch.gcd),
    "lcm": _tensors(torch.lcm),
    "divmod": lambda a, b: (_floor_divide(a, b), a % b),
    # scipy.special
    "expit": torch.sigmoid,
    "logit": torch.logit,
    "log_expit": F.logsigmoid,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "erfinv": torch.erfinv,
    "erfcx": torch.special.erfcx,
    "ndtr": torch.special.ndtr,
    "ndtri": torch.special.ndtri,
    "log_ndtr": torch.special.log_ndtr,
    "gammaln": torch.lgamma,
    "loggamma": torch.lgamma,
    "psi": torch.digamma,
    "digamma": torch.digamma,
    "entr": torch.special.entr,
    "xlogy": torch.xlogy,
    "xlog1py": torch.special.xlog1py,
    "rel_entr": lambda p, q: torch.xlogy(p, p) - torch.xlogy(p, q),
    "kl_div": lambda p, q: torch.xlogy(p, p) - torch.xlogy(p, q) - p + q,
    "i0": torch.special.i0,
    "i1": torch.special.i1,
    "i0e": torch.special.i0e,
    "i1e": torch.special.i1e,
    "gamma": _gamma,
    "betaln": _tensors(_log_beta),
    "beta": _tensors(lambda a, b: torch.exp(_log_beta(a, b))),
    "huber": _huber,
    "pseudo_huber": lambda delta, r: delta**2 * (torch.sqrt(1 + (r / delta) ** 2) - 1),
    "boxcox": lambda x, power: (x**power - 1) / power,
    "exprel": lambda x: torch.expm1(x) / x,
    "softplus": F.softplus,
}  # fmt: skip
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
               "logical_and", "logical_or", "logical_xor"}  # fmt: skip


def matched(name: str, given: tuple[Any, ...], values: list[Any]) -> list[Any]:
    """The values, cast where torch would compute in another dtype than NumPy does.

    Args:
        name: of the ufunc.
        given: what it was called with.
        values: these as tensors and Python's numbers.
    """
    if name in COMPARISONS or len(values) != 2:
        return values
    kinds = [
        numpy_dtype(v) if isinstance(v, Tensor) else _kind(g) for g, v in zip(given, values, strict=True)
    ]
    if name != "subtract" and kinds.count(kinds[0]) == len(kinds):
        return values
    want = DTYPES.get(np.result_type(*kinds))
    strict = name == "matmul" or (name == "subtract" and np.dtype(bool) in kinds)
    if want is None or (not strict and torch.result_type(*values) == want):
        return values
    return [v.to(want) if isinstance(v, Tensor) and v.dtype != want else v for v in values]


def _kind(value: Any) -> Any:
    return (
        value
        if isinstance(value, bool | int | float | complex) and not isinstance(value, np.generic)
        else (np.asarray(value).dtype)
    )
