"""Broadcasting of every kind, indexing, stacking, writing in place, and parts without a gradient."""

import torch
import torch.nn.functional as F

from tests.derive.forwards.case import Case, collector

CASES: list[Case] = []
case = collector(CASES)


@case((5, 3), (3,), (5, 1), ())
def broadcast_products(x, row, column, s):
    return s * x * row * column


@case((5, 1), (1, 3))
def broadcast_both(a, b):
    return a * b + a / (1 + b**2)


@case((2, 3, 4), (4,), (3, 1), (1, 3, 4))
def broadcast_sums(x, a, b, c):
    return x + a - b + c


@case((5,), (3,))
def outer(a, b):
    return (a[:, None] - b[None, :]) ** 2


@case((5, 4), (3, 4))
def pairwise_distances(x, y):
    d = x[:, None] - y
    return torch.sqrt((d**2).sum(-1))


@case((3, 4), (4,))
def matrix_vector(A, v):
    return A @ v


@case((2, 3, 4), (4, 5))
def batched_by_matrix(x, W):
    return x @ W


@case((2, 3, 4), (2, 4, 5))
def batched_by_batched(x, y):
    return torch.bmm(x, y)


@case((3, 4), (5, 4), (3, 5))
def bilinear(x, y, s):
    return torch.einsum("ik,jk,ij->", x, y, s)


@case((2, 3, 4), (2, 5, 4))
def batched_einsum(a, b):
    return torch.einsum("bik,bjk->bij", a, b)


@case((5, 6))
def slices(x):
    left, right = x[:, :3], x[:, 3:]
    return left * torch.sigmoid(right)


@case((6, 3))
def differences(x):
    return (x[1:] - x[:-1]).abs().mean()


@case((4, 3), (4, 3))
def stacked_and_joined(a, b):
    s = torch.stack([a * b, a + b])
    return torch.cat([s[0], s[1] * 2], dim=1)


@case((4, 3), torch.tensor([2, 0, 2]))
def rows_picked(x, i):
    return x[i] ** 3


@case((4, 3))
def element_of_a_matrix(x):
    return x[0, 1] * x[2].sum()


@case((4, 3), (3,))
def written_in_place(x, b):
    y = x * 2
    y[0] = b
    y += 1
    y.mul_(x)
    return y


@case((4, 3))
def relu_in_place(x):
    h = x * 3
    h = F.relu(h, inplace=True)
    return h * x


@case((4, 3))
def written_into_zeros(x):
    y = torch.zeros(4, 4, dtype=x.dtype)
    y[:, :3] = x.exp()
    y[:, 3] = x.sum(1)
    return y


@case((4, 3))
def stopped_gradient(x):
    m = x.detach().max(dim=1, keepdim=True).values
    e = torch.exp(x - m)
    return e / e.sum(1, keepdim=True)


@case((4, 3), (3, 3))
def straight_through(x, W):
    h = x @ W
    with torch.no_grad():
        rounded = torch.round(h)
    return (h + (rounded - h).detach()) * x.sum()


@case((4, 3), (4, 3))
def chosen_by_comparison(x, y):
    mask = (x > y) & (x > 0)
    return torch.where(mask, x * y, x - y)


@case((4, 3))
def clipped(x):
    return x.clamp(-0.5, 0.5) * x


@case((4, 3), (3, 3))
def triangle(x, A):
    L = torch.tril(A)
    return x @ L @ L.T


@case((4, 3))
def powers(x):
    y = x.abs()
    return y**2.5 + 2**x - 1 / (1 + y) + x.reciprocal()


@case((4, 3), ())
def temperature(x, t):
    return (x / t.exp()).log_softmax(1)


@case((2, 3, 4))
def axes_moved(x):
    return x.permute(2, 0, 1).reshape(4, 6) @ x.transpose(0, 1).flatten(1).T.reshape(6, 4)[:6]


@case((5, 3))
def standardised(x):
    return (x - x.mean(0)) / x.std(0)


@case((5, 3))
def entropy(z):
    p = torch.softmax(z, 1)
    return -(p * torch.log(p)).sum(1).mean()


@case((4, 4), (4,))
def used_three_times(A, x):
    h = A @ x
    return (h * h + A.T @ h) * x
