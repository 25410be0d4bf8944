import copy
import math
import re

import numpy as np
import pytest
import torch

from manual_backprop.derive.arrays.traced import as_tensor
from tests.derive.arrays.expressions import EXPRESSIONS
from tests.derive.arrays.numbers import assert_differentiates, draw, traced

SIZES = {"x": (3, 4), "y": (3, 4), "v": (4,), "u": (3,), "a": (4, 4), "t": (2, 3, 4), "p": (3, 4)}
CONSTANTS = {
    "i": np.array([2, 0, 1]),
    "m": np.array([[True, False, True, True], [False, True, False, False], [True, True, False, True]]),
    "REAL": np.cos(np.arange(12.0)).reshape(3, 4),
}


def function_of(expression):
    """The expression as a function of those inputs that it names, and their numbers."""
    names = {"np": np, "math": math, "copy": copy, **CONSTANTS}
    for name in ("special", "stats", "signal"):
        if f"{name}." in expression:
            names[name] = pytest.importorskip(f"scipy.{name}")
    used = [name for name in SIZES if re.search(rf"\b{name}\b", expression)]
    inputs = dict(zip(SIZES, draw(list(SIZES.values())), strict=True))
    inputs["p"] = 0.1 + 0.8 * np.random.default_rng(1).random((3, 4))
    return eval(f"lambda {', '.join(used)}: {expression}", names), [inputs[name] for name in used]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_it_has_numpys_values_and_derivatives(expression):
    assert_differentiates(*function_of(expression))


WIDER = {  # where NumPy makes float64 of a Python number first, which torch does not
    "np.diff(v, prepend=0)",
    "np.vander(v, 3)",
    "np.array(x.tolist())",
    "np.dot(2.0, x)",
    "np.polyval([1.0, 2.0, 3.0], x)",
    "special.beta(p, 2.0)",
}


@pytest.mark.parametrize("expression", [line for line in EXPRESSIONS if line not in WIDER])
def test_of_float32_it_has_numpys_dtype_and_values(expression):
    function, inputs = function_of(expression)
    inputs = [x.astype(np.float32) for x in inputs]
    expected = np.asarray(function(*(x.copy() for x in inputs)))
    result = as_tensor(traced(function, inputs)[0]).detach()
    assert result.dtype is as_tensor(expected).dtype
    torch.testing.assert_close(result, torch.tensor(expected.copy()), rtol=2e-4, atol=2e-4)
