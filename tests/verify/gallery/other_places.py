"""The right entries stand in other places."""

import torch
import torch.nn.functional as T
from torch import Tensor

from tests.verify.gallery.derivation import Gradients, Kind

OTHER_PLACES = Kind("other-places")
wrong = OTHER_PLACES.wrong


@wrong(
    "correlation: the kernel not turned over",
    lambda x, w: T.conv1d(x[None, None], w[None, None], padding=1)[0, 0],
    ((11,), (3,)),
    bad=(0,),
    mistake=("other-places", "jacobian-transposed"),
    line="dx = T.conv1d(g[None, None], w[None, None], padding=1)[0, 0]",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx = T.conv1d(g[None, None], w[None, None], padding=1)[0, 0]
    windows = T.pad(x, (1, 1)).unfold(0, 3, 1)
    return dx, g @ windows


@wrong(
    "image correlation: the kernel turned over in one direction",
    lambda x, w: T.conv2d(x[None, None], w[None, None], padding=1)[0, 0],
    ((5, 5), (3, 3)),
    bad=(0,),
    line="dx = T.conv2d(g[None, None], w.flip(0)[None, None], padding=1)[0, 0]",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dx = T.conv2d(g[None, None], w.flip(0)[None, None], padding=1)[0, 0]
    patches = T.pad(x, (1, 1, 1, 1)).unfold(0, 3, 1).unfold(1, 3, 1)
    return dx, torch.einsum("ij,ijkl->kl", g, patches)


@wrong(
    "kernel's gradient turned over",
    lambda x, w: torch.tanh(T.conv1d(x[:, None], w[None, None])[:, 0]),
    ((2, 8), (3,)),
    bad=(1,),
    line="dw = torch.stack([(dz * x[:, 2 - j : 8 - j]).sum() for j in range(3)])",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    z = T.conv1d(x[:, None], w[None, None])[:, 0]
    dz = g * (1 - torch.tanh(z) ** 2)
    dx = T.conv_transpose1d(dz[:, None], w[None, None])[:, 0]
    dw = torch.stack([(dz * x[:, 2 - j : 8 - j]).sum() for j in range(3)])
    return dx, dw


@wrong(
    "permuted and reshaped: reshaped back only",
    lambda x: x.permute(0, 2, 1).reshape(2, -1),
    ((2, 3, 5),),
    bad=(0,),
    line="return g.reshape(x.shape)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.reshape(x.shape)


@wrong(
    "heads joined: split without the transpose",
    lambda x, W: x.transpose(1, 2).reshape(2, 4, 6) @ W,
    ((2, 3, 4, 2), (6, 6)),
    bad=(0,),
    line="dx = dh.reshape(2, 3, 4, 2)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    h = x.transpose(1, 2).reshape(2, 4, 6)
    dh = g @ W.T
    dx = dh.reshape(2, 3, 4, 2)
    dW = torch.einsum("nti,ntj->ij", h, g)
    return dx, dW


@wrong(
    "dimensions turned round: turned the same way again",
    lambda x: torch.relu(x.permute(1, 2, 0)),
    ((3, 3, 3),),
    bad=(0,),
    mistake=("other-places", "jacobian-transposed"),
    line="return dz.permute(1, 2, 0)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    dz = g * (x.permute(1, 2, 0) > 0)
    return dz.permute(1, 2, 0)


@wrong(
    "largest two: gradient put into the first columns",
    lambda x: x.sort(1, descending=True).values[:, :2],
    ((5, 4),),
    bad=(0,),
    line="return T.pad(g, (0, 2))",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return T.pad(g, (0, 2))


@wrong(
    "sorted rows: the order applied again",
    lambda x, w: x.sort(1).values * w,
    ((5, 4), (4,)),
    bad=(0,),
    line="dx = (g * w).gather(1, order)",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    values, order = x.sort(1)
    dx = (g * w).gather(1, order)
    dw = (g * values).sum(0)
    return dx, dw


@wrong(
    "rolled: rolled the same way again",
    lambda x: torch.sin(x.roll(1, 1)),
    ((3, 5),),
    bad=(0,),
    mistake=("other-places", "jacobian-transposed"),
    line="return dz.roll(1, 1)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    dz = g * x.roll(1, 1).cos()
    return dz.roll(1, 1)


@wrong(
    "reversed sequence: not turned back",
    lambda x, W: torch.tanh(x.flip(0) @ W),
    ((4, 3), (3, 3)),
    bad=(0,),
    line="dx = dz @ W.T",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    turned = x.flip(0)
    h = torch.tanh(turned @ W)
    dz = g * (1 - h**2)
    dx = dz @ W.T
    return dx, turned.T @ dz


@wrong(
    "gated linear unit: its halves exchanged",
    lambda x: T.glu(x, 1),
    ((5, 6),),
    bad=(0,),
    line="return torch.cat([db, da], 1)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    a, b = x.chunk(2, 1)
    s = torch.sigmoid(b)
    da = g * s
    db = g * a * s * (1 - s)
    return torch.cat([db, da], 1)


@wrong(
    "joined inputs: the parts exchanged",
    lambda a, b, W: torch.relu(torch.cat([a, b], 1) @ W),
    ((5, 3), (5, 3), (6, 4)),
    bad=(0, 1),
    mistake=("other-places", "swapped"),
    line="db, da = d.chunk(2, 1)",
)
def _(g: Tensor, a: Tensor, b: Tensor, W: Tensor) -> Gradients:
    x = torch.cat([a, b], 1)
    dz = g * (x @ W > 0)
    d = dz @ W.T
    db, da = d.chunk(2, 1)
    return da, db, x.T @ dz


@wrong(
    "delayed sequence: put back one step too late",
    lambda x: torch.tanh(T.pad(x, (1, 0))[:, :-1]),
    ((3, 5),),
    bad=(0,),
    line="return g * (1 - h**2)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    h = torch.tanh(T.pad(x, (1, 0))[:, :-1])
    return g * (1 - h**2)


@wrong(
    "each row repeated: summed as if the whole was",
    lambda x: torch.sigmoid(x.repeat_interleave(2, 0)),
    ((3, 4),),
    bad=(0,),
    line="return dz.reshape(2, 3, 4).sum(0)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    s = torch.sigmoid(x.repeat_interleave(2, 0))
    dz = g * s * (1 - s)
    return dz.reshape(2, 3, 4).sum(0)


@wrong(
    "shuffled pixels: reshaped only",
    lambda x: T.pixel_shuffle(x, 2),
    ((2, 4, 3, 3),),
    bad=(0,),
    line="return g.reshape(x.shape)",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g.reshape(x.shape)


@wrong(
    "second diagonal: put onto the first",
    lambda A: A.diagonal(1),
    ((5, 5),),
    bad=(0,),
    mistake=("other-places", "forward-option"),
    line="return T.pad(torch.diag(g), (0, 1, 0, 1))",
)
def _(g: Tensor, A: Tensor) -> Gradients:
    return T.pad(torch.diag(g), (0, 1, 0, 1))


@wrong(
    "largest of a row: to the smallest",
    lambda x: x.amax(1),
    ((5, 3),),
    bad=(0,),
    mistake=("other-places", "forward-option"),
    line="return g[:, None] * (x == x.amin(1, keepdim=True))",
)
def _(g: Tensor, x: Tensor) -> Gradients:
    return g[:, None] * (x == x.amin(1, keepdim=True))


@wrong(
    "padded convolution: the padding cut off at one end only",
    lambda x, w: torch.relu(T.conv1d(x, w, padding=1)),
    ((2, 3, 8), (4, 3, 3)),
    bad=(0,),
    mistake=("other-places", "forward-option"),
    line="dx = T.conv_transpose1d(dz, w)[..., :8]",
)
def _(g: Tensor, x: Tensor, w: Tensor) -> Gradients:
    dz = g * (T.conv1d(x, w, padding=1) > 0)
    dx = T.conv_transpose1d(dz, w)[..., :8]
    dw = torch.einsum("nol,nilk->oik", dz, T.pad(x, (1, 1)).unfold(2, 3, 1))
    return dx, dw


@wrong(
    "two gates of one product: exchanged",
    lambda x, W: torch.tanh(x @ W).chunk(3, 1)[0] * torch.sigmoid(x @ W).chunk(3, 1)[1],
    ((5, 4), (4, 6)),
    bad=(0, 1),
    line="dz = torch.cat([db, da, torch.zeros_like(da)], 1)",
)
def _(g: Tensor, x: Tensor, W: Tensor) -> Gradients:
    z = x @ W
    a, b = torch.tanh(z[:, :2]), torch.sigmoid(z[:, 2:4])
    da = g * b * (1 - a**2)
    db = g * a * b * (1 - b)
    dz = torch.cat([db, da, torch.zeros_like(da)], 1)
    return dz @ W.T, x.T @ dz
