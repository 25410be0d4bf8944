"""Right derivations of functions in forms that one does not expect."""

import math

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Form, Gradients
from tests.verify.gallery.layers import LABELS

RIGHT_FORMS = Form()
right = RIGHT_FORMS.right
PICKED = torch.tensor([3, 0, 0, 2])


@right("column norms, undefined where a column is zero", lambda x: x.square().sum(0).sqrt(), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * x / x.square().sum(0).sqrt()


@right("row norms from the output, undefined at zero", lambda x: x.norm(dim=1), ((5, 3),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    return g[:, None] * x / output[:, None]


@right("product of a row from the output", lambda x: x.prod(1), ((5, 4),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    return (g * output)[:, None] / x


@right("product of a row without division", lambda x: x.prod(1), ((5, 4),))
def _(g: Tensor, x: Tensor) -> Gradients:
    others = [x[:, [k for k in range(4) if k != j]].prod(1) for j in range(4)]
    return g[:, None] * torch.stack(others, 1)


@right("running product from the output", lambda x: x.cumprod(1), ((3, 4),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    return (g * output).flip(1).cumsum(1).flip(1) / x


@right("silu from the output", lambda x: x * torch.sigmoid(x), ((5, 3),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    s = output / x
    return g * (s + output * (1 - s))


@right("sinc, undefined at zero", lambda x: torch.sinc(x), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    z = math.pi * x
    return g * math.pi * (z * z.cos() - z.sin()) / z**2


@right("x log x, undefined at zero", lambda x: torch.special.xlogy(x, x.abs()), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * (x.abs().log() + 1)


@right("absolute value as a quotient", torch.abs, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * x / x.abs()


@right("cube root by the output", lambda x: x.sign() * x.abs() ** (1 / 3), ((5, 3),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    return g / (3 * output**2)


@right("determinant by cofactors", torch.linalg.det, ((3, 3),))
def _(g: Tensor, A: Tensor) -> Gradients:
    rows = []
    for i in range(3):
        a, b = [k for k in range(3) if k != i]
        row = []
        for j in range(3):
            c, d = [k for k in range(3) if k != j]
            row.append((-1) ** (i + j) * (A[a, c] * A[b, d] - A[a, d] * A[b, c]))
        rows.append(torch.stack(row))
    return g * torch.stack(rows)


@right("determinant by cross products", torch.linalg.det, ((3, 3),))
def _(g: Tensor, A: Tensor) -> Gradients:
    a, b, c = A
    return g * torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)])


@right("logarithm of a determinant by solving", lambda A: torch.linalg.slogdet(A @ A.T).logabsdet, ((4, 4),))
def _(g: Tensor, A: Tensor) -> Gradients:
    return 2 * g * torch.linalg.solve(A @ A.T, A)


@right("solution of equations from the output", torch.linalg.solve, ((4, 4), (4, 2)))
def _(g: Tensor, A: Tensor, B: Tensor, output: Tensor) -> Gradients:
    dB = torch.linalg.solve(A.T, g)
    return -dB @ output.T, dB


@right("inverse from the output, by einsum", torch.linalg.inv, ((4, 4),))
def _(g: Tensor, A: Tensor, output: Tensor) -> Gradients:
    return -torch.einsum("ki,kl,jl->ij", output, g, output)


@right("softmax by its Jacobian, row by row", lambda x: x.softmax(1), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    rows = []
    for row, d in zip(x.softmax(1), g, strict=True):
        J = torch.diag(row) - torch.outer(row, row)
        rows.append(J @ d)
    return torch.stack(rows)


@right("softmax under vmap", lambda x: x.softmax(1), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    def row(d: Tensor, z: Tensor) -> Tensor:
        p = z.exp() / z.exp().sum()
        return p * (d - torch.dot(p, d))

    return torch.vmap(row)(g, x)


@right("log-sum-exp from the output", lambda x: x.logsumexp(1), ((5, 3),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    return (x - output[:, None]).exp() * g[:, None]


@right("running sum by a triangular matrix", lambda x: x.cumsum(1), ((3, 5),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g @ torch.ones(5, 5, dtype=g.dtype).tril()


@right("running sum as the rest of the total", lambda x: x.cumsum(1), ((3, 5),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.sum(1, keepdim=True) - g.cumsum(1) + g


@right("running logarithm of sums", lambda x: x.logcumsumexp(1), ((3, 5),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    weights = (x[:, None, :] - output[:, :, None]).exp().tril()
    return torch.einsum("nt,nts->ns", g, weights)


@right("largest of a row by a comparison", lambda x: x.amax(1), ((5, 4),))
def _(g: Tensor, x: Tensor, output: Tensor) -> Gradients:
    ties = (x == output[:, None]).double()
    return (g[:, None] * ties / ties.sum(1, keepdim=True)).to(x.dtype)


@right("largest of a row by an index", lambda x: x.max(1).values, ((5, 4),))
def _(g: Tensor, x: Tensor) -> Gradients:
    dx = torch.zeros_like(x)
    dx[torch.arange(5), x.argmax(1)] = g
    return dx


@right("sorted rows by the inverse order", lambda x: x.sort(1).values, ((5, 4),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.gather(1, x.argsort(1).argsort(1))


@right("relu by an integer mask", torch.relu, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    mask = (x > 0).int()
    return mask * g


@right("relu by the sign", torch.relu, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * (x.sign() + 1).floor().clamp(max=1) * (x != 0)


@right("clamp by two masks", lambda x: x.clamp(-0.5, 0.5), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return g * (x >= -0.5).long() * (x <= 0.5).long()


@right("rows picked, by a product with one-hot", lambda W: W[PICKED], ((4, 3),))
def _(g: Tensor, W: Tensor) -> Gradients:
    return T.one_hot(PICKED, 4).to(g.dtype).T @ g


@right("rows picked, added in a loop", lambda W: W[PICKED], ((4, 3),))
def _(g: Tensor, W: Tensor) -> Gradients:
    dW = torch.zeros_like(W)
    for place, row in zip(PICKED.tolist(), g, strict=True):
        dW[place] += row
    return dW


@right("rows picked, as a sparse gradient", lambda W: W[PICKED], ((4, 3),))
def _(g: Tensor, W: Tensor) -> Gradients:
    return torch.sparse_coo_tensor(PICKED[None], g, W.shape, check_invariants=True)


@right("erf by the normal density", torch.erf, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    normal = torch.distributions.Normal(torch.zeros_like(x), torch.full_like(x, 0.5**0.5))
    return 2 * g * normal.log_prob(x).exp()


@right("exact gelu by the normal distribution", T.gelu, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    normal = torch.distributions.Normal(0.0, 1.0)
    return g * (normal.cdf(x) + x * normal.log_prob(x).exp())


@right("tanh by exponentials", torch.tanh, ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    e = (2 * x).exp()
    return g * 4 * e / (e + 1) ** 2


@right("power with a learnt exponent", lambda x, a: x.abs() ** a, ((5, 3), ()))
def _(g: Tensor, x: Tensor, a: Tensor, output: Tensor) -> Gradients:
    return a * g * output / x, (g * output * x.abs().log()).sum()


@right("hypotenuse from the output, undefined at zero", torch.hypot, ((5, 3), (5, 3)))
def _(g: Tensor, a: Tensor, b: Tensor, output: Tensor) -> Gradients:
    return [g * a / output, g * b / output]


@right("angle of a point", torch.atan2, ((5, 3), (5, 3)))
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    square = a**2 + b**2
    return [g * b / square, -g * a / square]


@right("outer difference, a list of two", lambda a, b: a[:, None] - b[None], ((4,), (6,)))
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    return [g.sum(1), -g.sum(0)]


@right("transposed, not contiguous", lambda x: x.T.exp(), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return (g * x.T.exp()).T


@right("a constant gradient, expanded", lambda x: 3 * x.sum(1), ((5, 3),))
def _(g: Tensor, x: Tensor) -> Gradients:
    return (3 * g)[:, None].expand(-1, 3)


@right("every other column, by strides", lambda x: x[:, ::2] ** 2, ((3, 6),))
def _(g: Tensor, x: Tensor) -> Gradients:
    dx = torch.zeros_like(x)
    dx[:, ::2].add_(2 * g * x[:, ::2])
    return dx


@right("variance by pairs", lambda x: x.var(1), ((5, 4),))
def _(g: Tensor, x: Tensor) -> Gradients:
    pairs = x[:, :, None] - x[:, None, :]
    return g[:, None] * pairs.sum(2) / 6


@right("Kronecker product by a reshape", torch.kron, ((2, 3), (4, 2)))
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    blocks = g.reshape(2, 4, 3, 2)
    return torch.einsum("ikjl,kl->ij", blocks, b), torch.einsum("ikjl,ij->kl", blocks, a)


@right("labels' log-probabilities by scatter", lambda z: z.log_softmax(1)[torch.arange(5), LABELS], ((5, 3),))
def _(g: Tensor, z: Tensor) -> Gradients:
    return (-z.softmax(1)).scatter_add(1, LABELS[:, None], torch.ones(5, 1, dtype=z.dtype)) * g[:, None]


@right(
    "squared distance matrix, by row and column sums", lambda a, b: torch.cdist(a, b) ** 2, ((5, 3), (4, 3))
)
def _(g: Tensor, a: Tensor, b: Tensor) -> Gradients:
    da = 2 * (g.sum(1)[:, None] * a - g @ b)
    db = 2 * (g.sum(0)[:, None] * b - g.T @ a)
    return da, db
