"""What `tracing()` replaces while it lasts, and what it leaves alone."""

import math
import sys
import types

import numpy
import numpy as np
import pytest
import torch
from numpy import zeros as nothing

from manual_backprop.derive.arrays.traced import TracedArray, Untraceable, as_tensor, tracing


def x():
    return TracedArray(torch.tensor([[1.0, -2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True))


def by_the_module():
    return np.zeros(3)


def by_its_full_name():
    return numpy.ones((2, 3))


def by_name():
    return nothing((2,))


def imported_inside():
    import numpy as inside

    return inside.empty(4)


def named_inside():
    from numpy import full

    return full((2,), 3.0)


class Layer:
    def build(self):
        return np.eye(2)


MAKERS = [by_the_module, by_its_full_name, by_name, imported_inside, named_inside, Layer().build]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_arrays_are_made_traced_inside_only(make):
    with tracing():
        assert type(make()) is TracedArray
    assert type(make()) is np.ndarray


def test_a_module_that_is_not_loaded_is_reached_by_its_functions():
    module = types.ModuleType("cell")
    exec("import numpy as np\nfrom numpy import ones\ndef f(): return np.zeros(2), ones(2)", vars(module))
    with tracing(module.f):
        assert [type(array) for array in module.f()] == [TracedArray, TracedArray]
    assert [type(array) for array in module.f()] == [np.ndarray, np.ndarray]


def test_it_is_restored_when_the_code_raises_and_only_by_the_outermost_block():
    before = dict(globals())

    def code():
        with tracing():
            pass
        assert type(np.zeros(2)) is TracedArray
        assert torch.zeros(1).dtype is torch.float64
        return 1 / 0

    with pytest.raises(ZeroDivisionError), tracing():
        code()
    assert {name: globals()[name] for name in before} == before
    assert torch.zeros(1).dtype is torch.float32
    assert np is numpy is sys.modules["numpy"]
    assert math is sys.modules["math"]


def test_numpys_own_code_makes_its_own_arrays():
    with tracing():
        np.random.seed(0)
        drawn = np.random.randn(2, 3)
        mask = np.random.default_rng(1).random((2, 3)) < 0.5
        assert type(drawn) is type(mask) is np.ndarray
        assert type(np.linalg.inv(drawn @ drawn.T)) is np.ndarray
        assert type(np.tril_indices(2)[0]) is np.ndarray


def test_scipys_functions_of_real_arrays_are_its_own():
    special = pytest.importorskip("scipy.special")
    with tracing():
        assert type(special.softmax(np.random.default_rng(0).random(3))) is np.ndarray
        assert isinstance(special.softmax(x()), TracedArray)


def test_a_traced_array_passes_for_numpys():
    array = x()
    assert isinstance(array, np.ndarray)
    assert isinstance(array[0, 0], float | np.floating)
    assert isinstance((array > 0)[0, 0], np.bool_)
    assert np.isscalar(array.sum())
    assert np.issubdtype(array.dtype, np.floating)
    assert array.dtype == np.float64
    assert (array.shape, array.ndim, array.size, len(array)) == ((2, 2), 2, 4, 2)
    assert (np.shape(array), np.ndim(array), np.size(array, 0)) == ((2, 2), 2, 2)
    assert f"{array[0, 0]:.2f} {array[1]}" == "1.00 [3. 4.]"
    assert repr(array) == repr(np.array([[1.0, -2.0], [3.0, 4.0]]))


def test_values_decide_where_python_asks_for_them():
    array = x()
    assert array.sum() == 6
    assert int(array[1, 1]) == 4
    assert [10, 20, 30][np.argmax(array[0])] == 10
    assert np.allclose(array, array + 1e-12)
    assert np.array_equal(array, array.copy())
    assert 3.0 in array
    assert max(array[0, 0], 0) == 1
    assert math.floor(array[0, 1] - 0.5) == -3
    assert [*range(np.argmin(array))] == [0]
    with pytest.raises(ValueError, match="ambiguous"):
        bool(array > 0)


@pytest.mark.parametrize(
    ("use", "named"),
    [
        (lambda a: np.random.rand(2).__setitem__(0, a[0, 0]), "float"),
        (lambda a: np.random.permutation(a), "NumPy's own code"),
        (lambda a: np.linalg.eigvals(a), "np.linalg.eigvals"),
        (lambda a: np.interp(a[0], [0, 1], [2, 3]), "np.interp"),
        (lambda a: np.add.reduceat(a[0], [0, 1]), "np.add.reduceat"),
        (lambda a: np.maximum.at(a, 0, 3), "np.maximum.at"),
        (lambda a: np.add(np.random.rand(2), a[0], out=np.random.rand(2)), "NumPy's own"),
        (lambda a: np.pad(a, 1, mode="linear_ramp"), "linear_ramp"),
        (lambda a: a.tobytes(), "ndarray.tobytes"),
        (lambda a: np.unique(a), "np.unique"),
        (lambda a: a.astype(str), "dtype"),
        (lambda a: np.nextafter(a, 1), "nextafter"),
    ],
)
def test_what_torch_has_nothing_for_is_named(use, named):
    with pytest.raises(Untraceable, match=named), tracing():
        use(x())


def test_what_an_array_has_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no attribute 'cuda'"):
        _ = x().cuda


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2.5, torch.float64),
        (3, torch.int64),
        (True, torch.bool),
        (np.float32(1.5), torch.float32),
        (np.arange(3), torch.int64),
        (np.ones((2, 2), np.float32)[::-1], torch.float32),
        (np.ones(3, ">f8"), torch.float64),
        (np.broadcast_to(1.0, (2, 3)), torch.float64),
    ],
)
def test_a_tensor_is_made_of_what_numpy_code_holds(value, dtype):
    tensor = as_tensor(value)
    assert tensor.dtype is dtype
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(value))


def test_the_tensor_that_an_array_is_made_of_is_never_overwritten():
    given = torch.zeros(3, dtype=torch.float64)
    array = TracedArray(given)
    array[0] = 1
    array += 1
    assert given.tolist() == [0, 0, 0]
    assert array.tensor.tolist() == [2, 1, 1]


def test_an_array_of_numpys_is_the_same_tensor_each_time():
    array = np.ones(3)
    with tracing():
        assert as_tensor(array) is as_tensor(array)
