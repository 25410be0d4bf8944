"""Functions that are no operations of this package, and have a written backward for derive alone."""

import torch
import torch.nn.functional as F

from tests.derive.forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


@case((4, 3))
def waves(x):
    a = torch.sin(x) * torch.cos(2 * x)
    return a + torch.tan(x / 4) + torch.atan(x)


@case((4, 3))
def hyperbolic(x):
    return torch.sinh(x) - torch.cosh(0.5 * x)


@case((4, 3))
def other_bases(x):
    return torch.exp2(x) + torch.log2(x**2) * torch.log10(x**2)


@case((4, 3))
def error_function(x):
    return torch.erf(x)


@case((4, 3))
def steps(x):
    return x * torch.sign(x) + torch.floor(x) * x - torch.round(x)


@case((4, 3), (3,))
def larger_and_smaller(x, b):
    return torch.maximum(x, b) * torch.minimum(x, 2 * b)


@case((4, 3), (4, 1))
def log_of_two_exponentials(x, b):
    return torch.logaddexp(x, b)


@case(torch.tensor([[0.2, 0.0], [0.5, 0.3]]).double(), torch.tensor([[0.4, 0.2], [0.1, 0.3]]).double())
def entropy_of_shares(p, q):
    return torch.xlogy(p, q).sum()


@case((4, 3))
def largest_of_rows(x):
    return x.amax(1) + x.min(1).values


@case((4, 3))
def range_of_all(x):
    return x.max() - x.min()


@case((4, 3))
def softmax_less_the_largest(x):
    e = torch.exp(x - x.amax(1, keepdim=True))
    return e / e.sum(1, keepdim=True)


@case((4, 3))
def running_sums(x):
    return x.cumsum(0) * x.cumsum(1)


@case((2, 4, 3))
def bordered(x):
    p = F.pad(x, (1, 2, 0, 1), value=0.5)
    return p[:, 1:, :4] * p[:, :4, 2:]


@case((4, 3))
def turned_and_shifted(x):
    return x.flip(0) * torch.roll(x, 1, 1)


@case((4, 3))
def tiled(x):
    y = torch.tile(x, (2, 1, 2))
    return y * y


@case((4,), (3,))
def every_product(a, b):
    return torch.outer(a, b).tanh()


@case((4, 4))
def diagonal_summed(x):
    return torch.trace(x @ x)


@case((4, 3), (3, 3), torch.tensor([0, 2, 2]))
def added_at_places(x, v, i):
    return x.index_put((i,), v, accumulate=True) ** 2
