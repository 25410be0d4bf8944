"""What is written in place shows in every view, as in NumPy, and autograd knows."""

import copy

import numpy as np
import pytest

from tests.derive.arrays.numbers import assert_differentiates, draw, traced


def augmented(x, y):
    x = x * 1
    x += y
    x -= 2
    x *= x
    x /= 3
    x **= 2
    return x


def written_to_what_a_backward_needs(x, y):
    a = np.exp(x)
    b = a * y
    a[0] = y[1]
    a *= b
    return a + b


def the_input_itself(x, y):
    x[1] = y[0]
    x *= y
    return x


def rows(x, y):
    out = np.zeros_like(x)
    for row, other in zip(out, x, strict=True):
        row += other**2
        row[0] = 1
    return out * y


def row_of_a_view(x, y):
    out = x * y
    view = out[1:]
    view[0, 1:] *= 3
    view[1] = out[0]
    return out + view.sum()


def view_seen_after_a_write(x, y):
    out = x * 2
    first = out[0]
    out[0] += y[0]
    return out * first


def of_another_shape(x, y):
    out = x * y
    flat = out.reshape(-1)
    flat[3] = 0
    flat[::5] *= y[0, 0]
    out.T[0] += 1
    out.swapaxes(0, 1)[2, 1:] = x[1:, 0]
    np.ravel(out)[1] = 5
    out.reshape(2, 6)[1] *= 2
    return out


def reversed_rows(x, y):
    out = x * y
    out[::-1][0] = y[0]
    out[:, ::-1] *= np.arange(4)
    out[::-1, 1] = x[:, 0]
    return out


def new_axes(x, y):
    out = np.zeros((3, 1, 4))
    out[:, 0] = x
    out.squeeze()[1] += y[1]
    np.expand_dims(out, 0)[0, 2] *= 2
    return out


def splits(x, y):
    out = x * y
    left, right = np.split(out, 2, axis=1)
    left *= 2
    right[:] = left + 1
    return out


def scalars_do_not_change(x, y):
    out = x * y
    number = out[0, 0]
    number += 1
    kept = out[0, 1]
    out[0, 1] = 7
    total = out.sum()
    before = total
    total += 1
    return out + number + kept + total * before


def swapped(x, y):
    out = x + y
    kept = out[0].copy()
    out[0] = out[1]
    out[1] = kept
    out[[0, 1]] = out[[1, 0]]
    out[1:] = out[:-1]
    return out * np.arange(3)[:, None]


def masks(x, y):
    out = x * y
    out[x > 0] = 0
    out[x < -1] *= 0.1
    out[y > 0] += x[y > 0]
    out[(x < 0) & (y < 0)] = y[(x < 0) & (y < 0)]
    out[np.abs(x) > 1, None] = 0.5
    return out


def masks_that_keep_out_infinite_slopes(x, y):
    a = np.maximum(x, 0)
    out = np.zeros_like(a)
    out[a > 0] = np.sqrt(a[a > 0]) + np.log(a[a > 0]) * y[a > 0]
    picked = y[y < 0]
    picked *= 2
    picked -= picked.mean()
    out[y < 0] = picked / 3
    return out + np.exp(x[x < 0]).sum()


def places(x, y):
    out = x * y
    out[np.arange(3), [1, 0, 2]] -= 1
    out[:, [0, 2]] = y[:, :2]
    out[[0, 2], 1:3] += 2
    out[2, [1, 3]] *= x[0, 0]
    out[..., -1] = 4
    out[...] = out * 2
    out[:] += 1
    return out


def at(x, y):
    out = np.zeros((3, 4))
    np.add.at(out, [0, 0, 2], x)
    np.add.at(out, (np.array([0, 1, 0]), np.array([3, 3, 3])), y[:, 0])
    np.add.at(out, (slice(None), 1), y[0, 0])
    np.add.at(out, (slice(0, 2), [0, 0]), 1.5)
    np.subtract.at(out, 1, y[1])
    return out


def by_functions(x, y):
    out = np.zeros_like(x)
    np.copyto(out, x)
    np.put_along_axis(out, np.argmax(y, axis=1)[:, None], y[:, :1], axis=1)
    np.fill_diagonal(out, x[1, 1])
    np.putmask(out, y > 1, 2.0)
    np.multiply(out, y, out=out)
    np.add(out[0], 1, out=out[0])
    np.exp(out, out=out)
    np.sum(x, axis=0, out=out[1])
    out.fill(2) if x.size == 0 else None
    return out


def copies(x, y):
    a = x.copy()
    b, c, d = a.astype(float), copy.deepcopy(a), np.array(a)
    e, f = a.flatten(), np.copy(a)
    a[0] = 0
    b[1] *= 2
    c += 1
    d[:, 0] = y[:, 0]
    e[0] = 3
    f *= 3
    return x + a + b + c + d + e.reshape(x.shape) + f


def the_same_object(x, y):
    a = np.asarray(x * y)
    b = a
    b += 1
    b[0] = 0
    c = np.asarray(a)
    c[1] = 2
    return a


class Momentum:
    def __init__(self, like):
        self.v = np.zeros_like(like)
        self.cache = {"n": 0}

    def step(self, x, dx):
        self.v *= 0.9
        self.v += dx
        self.cache["n"] += 1
        return x - 0.1 * self.v / (1 - 0.9 ** self.cache["n"])


def an_object(x, y):
    rule = Momentum(x)
    for _ in range(3):
        x = rule.step(x, x * y)
    return x


def integers(x, y):
    counts = np.zeros(4, dtype=int)
    counts[1] += 2.0 if x.shape[0] == 3 else 0
    counts[[0, 2]] = [1, 5]
    counts[3] = 2.9
    return x * counts + y * (counts // 2)


def dot_with_out(x, y):
    out = np.empty((3, 3))
    np.dot(x, y.T, out=out)
    out[0, 0] = 1
    return out


FORWARDS = [value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__]


@pytest.mark.parametrize("function", [f for f in FORWARDS if f is not Momentum], ids=lambda f: f.__name__)
def test_it_has_numpys_values_and_derivatives(function):
    assert_differentiates(function, draw([(3, 4), (3, 4)]))


def test_what_is_written_keeps_the_dtype_of_what_it_is_written_to():
    def code(x):
        out = np.zeros((2, 3), dtype=np.float32)
        out[0] = x[0]
        out += np.float64(0.5)
        out[1, x[0] > 0] = x[0][x[0] > 0]
        np.add.at(out, [0, 0], x[1])
        return out

    x = np.cos(np.arange(6.0)).reshape(2, 3)
    result, _ = traced(code, [x])
    assert result.dtype == code(x).dtype == np.float32
    np.testing.assert_allclose(result.tensor.detach().numpy(), code(x), rtol=1e-6)
