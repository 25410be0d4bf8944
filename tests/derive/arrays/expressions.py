"""Expressions of NumPy's, each a line, in x, y (3, 4), v (4,), u (3,), a (4, 4), t (2, 3, 4), p (3, 4).

p is in 0.1 … 0.9. Constants are i, an array of integers, m, a mask (3, 4), and REAL (3, 4).
"""

UFUNCS = """
x + y
x + v
2 - x
2 / p
x - 1.5
x * y / p
-x
+x
abs(x)
x ** 2
p ** 0.5
p ** y
2 ** x
2.5 ** x
x // 0.3
x % 0.7
np.mod(x, 0.7)
np.remainder(x, -0.7)
np.fmod(x, 0.7)
divmod(x, 0.7)[1]
x @ a
v @ a
a @ v
v @ v
t @ a
np.matmul(t, x.T)
np.add(x, y)
np.subtract(2, x)
np.multiply(x, v)
np.divide(x, p)
np.true_divide(x, p)
np.floor_divide(x, 0.3)
np.power(p, 3)
np.power(p, y)
np.float_power(p, 2)
np.negative(x)
np.positive(x)
np.reciprocal(p)
np.exp(x)
np.exp2(x)
np.expm1(x)
np.log(p)
np.log2(p)
np.log10(p)
np.log1p(p)
np.sqrt(p)
np.cbrt(p)
np.cbrt(x)
np.square(x)
np.abs(x)
np.absolute(x)
np.fabs(x)
np.sign(x)
np.sin(x)
np.cos(x)
np.tan(p)
np.arcsin(p)
np.arccos(p)
np.arctan(x)
np.arctan2(x, y)
np.arctan2(x, 0.5)
np.sinh(x)
np.cosh(x)
np.tanh(x)
np.arcsinh(x)
np.arccosh(p + 1)
np.arctanh(p)
np.deg2rad(x)
np.degrees(x)
np.floor(x)
np.ceil(x)
np.rint(x)
np.trunc(x)
np.fix(x)
np.sinc(x)
np.hypot(x, y)
np.logaddexp(x, y)
np.logaddexp(0, x)
np.logaddexp2(x, y)
np.heaviside(x, 0.5)
np.copysign(x, y)
np.maximum(x, y)
np.maximum(0, x)
np.maximum(x, 0.0)
np.maximum(x, 0.3)
np.maximum(0.3, x)
np.minimum(x, y)
np.minimum(x, 0)
np.minimum(1, x)
np.fmax(x, y)
np.fmin(x, 0.1)
np.maximum(0.1 * x, x)
x * (x > 0)
(x > 0) * x
(x > 0).astype(float) * x
np.where(x > 0, x, 0.01 * x)
np.where(x > 0, 1, -1) * y
np.where(x > y, x, y)
np.where(m, x, 0)
np.where(x < 0, 0.0, x)
np.select([x > 1, x > 0], [x, x ** 2], 0.1 * x)
np.piecewise(x, [x < 0, x >= 0], [lambda z: 0.1 * z, lambda z: z ** 2])
np.clip(x, -0.5, 0.5)
np.clip(x, 0, None)
np.clip(x, a_min=None, a_max=0.7)
np.clip(x, y, 2)
x.clip(-1, 1)
x.clip(min=0)
np.round(x, 1) + x
x.round() + x
np.nan_to_num(x)
np.real(x)
np.conj(x)
x.conj()
x.real * 2
1 - (x > 0)
(x > 0) + (y > 0) + x
(x > 0) / 3 * x
np.logical_and(x > 0, y > 0) * x
np.logical_or(x > 0, False) * x
np.logical_not(x > 0) * x
np.logical_xor(x > 0, y > 0) * x
((x > 0) & (y < 0)) * x
((x > 0) | (y < 0)) * x
((x > 0) ^ (y < 0)) * x
(~(x > 0)) * x
np.invert(x > 0) * x
(x >= 0) * (x <= 1) * (x != 2) * (x == x) * y
np.greater(x, 0) * x
np.less_equal(x, 0.2) * x
np.not_equal(x, 0.2) * x
np.isnan(x) + x
np.isfinite(x) * x
np.isclose(x, y) + x
np.divide(x, y, out=np.zeros_like(x), where=y > 0)
np.divide(x, y, where=m, out=np.ones((3, 4)))
np.exp(x, out=np.empty_like(x))
np.add(x, y, dtype=np.float64)
np.add(x, y, out=np.zeros((3, 4)))
np.float64(2) * x
x * np.float64(2)
np.float64(1) / p
np.sqrt(2) * x
x / np.sqrt(x.shape[1])
x * np.array(2.0)
x * np.ones((3, 4))
np.ones(4) - x
REAL * x
x * REAL
REAL - x
x @ REAL.T
REAL.T @ x
x.dot(REAL.T)
np.dot(REAL.T, x)
x + [1.0, 2.0, 3.0, 4.0]
[1.0, 2.0, 3.0, 4.0] * x
np.exp([x, y])
i * u
u / i[::-1].max()
u ** i
i ** 2 * u
np.arange(3) * u
u / (1 + np.arange(3))
np.arange(1, 4) / 2 * u
np.arange(3) // 2 + u
np.arange(0, 2, 0.5) * v
np.arange(3).astype(np.float64) + u
np.arange(3) ** 2 + u
np.full(3, 2) / 4 * u
np.full((3, 4), x.mean()) * y
"""

REDUCTIONS = """
np.sum(x)
np.sum(x, axis=0)
np.sum(x, 1)
np.sum(x, axis=-1, keepdims=True)
np.sum(t, axis=(0, 2))
np.sum(t, axis=(0, -1), keepdims=True)
np.sum(x, keepdims=True)
np.sum(x, axis=None)
np.sum(x, dtype=np.float64)
np.sum(x, where=m)
np.sum(x, axis=0, initial=2.0)
np.sum([x, y], axis=0)
np.sum([x, y])
sum(x)
sum([x, y, x])
x.sum()
x.sum(0)
x.sum(axis=1, keepdims=True)
t.sum(axis=(1, 2))
t.sum((0, 1))
np.sum(x > 0) * u
(x > 0).sum(axis=1) * u
np.mean(x)
np.mean(x, axis=0)
np.mean(t, axis=(0, 1), keepdims=True)
np.mean(x, where=m)
x.mean()
x.mean(1)
x.mean(-1, keepdims=True)
np.mean(x > 0) * u
np.mean(i) * u
np.var(x)
np.var(x, axis=0)
np.var(x, axis=1, ddof=1, keepdims=True)
np.var(t, axis=(0, 2))
x.var(axis=0)
x.var(0, ddof=1)
np.std(x, axis=0)
x.std(axis=-1, keepdims=True)
x.std()
np.std(x, ddof=1)
np.prod(x)
np.prod(x, axis=0)
np.prod(t, axis=(0, 2))
np.prod(x, axis=1, keepdims=True)
x.prod(axis=1)
np.prod(x.shape) * x
np.max(x)
np.max(x, axis=1)
np.max(x, axis=1, keepdims=True)
np.max(t, axis=(1, 2))
np.max(x, axis=1, initial=0.1)
np.max(x, keepdims=True)
np.amax(x, 0)
x.max()
x.max(axis=1, keepdims=True)
np.min(x)
np.min(x, axis=0)
np.amin(x, axis=1)
x.min(0)
max(x[0, 0], x[0, 1])
min(x[0, 0], x[0, 1])
np.argmax(x, axis=1) * u
np.argmax(x) * u
x.argmax(axis=0) * v
np.argmin(x, axis=1, keepdims=True) * x
np.any(x > 0, axis=1) * u
np.all(x > -1, axis=1) * u
(x > 0).any(axis=0) * v
(x > 0).all() * v
np.count_nonzero(x > 0) * u
np.count_nonzero(x > 0, axis=1) * u
np.ptp(x, axis=1)
np.average(x, axis=0)
np.average(x, axis=0, weights=u)
np.average(x, weights=p)
np.median(x, axis=1)
np.median(x, axis=0)
np.median(v)
np.quantile(v, 0.3)
np.percentile(x, 40, axis=1)
np.nansum(x, axis=0)
np.nanmean(x, axis=0)
np.nanmax(x, axis=1)
np.unique(i) * u
np.cumsum(x)
np.cumsum(x, axis=1)
x.cumsum(axis=0)
np.cumprod(x, axis=1)
np.cumprod(v)
np.diff(x)
np.diff(x, axis=0)
np.diff(v, n=2)
np.diff(v, prepend=0)
np.ediff1d(v)
np.gradient(v)
np.gradient(x, axis=1)
np.gradient(x, 0.5, axis=0)
np.trapezoid(v)
np.trapezoid(x, dx=0.5, axis=0)
np.cov(x)
np.cov(x, rowvar=False, bias=True)
np.corrcoef(x)
np.add.reduce(x)
np.add.reduce(x, axis=1, keepdims=True)
np.add.reduce(x, axis=None)
np.multiply.reduce(x, axis=1)
np.maximum.reduce(x, axis=1)
np.minimum.reduce(x)
np.maximum.reduce([x, y, x + y])
np.logaddexp.reduce(x, axis=1)
np.logical_and.reduce(x > -1) * v
np.add.accumulate(x, axis=1)
np.multiply.accumulate(v)
np.maximum.accumulate(x, axis=1)
np.minimum.accumulate(v)
np.add.outer(u, v)
np.subtract.outer(u, v)
np.multiply.outer(x, v)
np.maximum.outer(u, v)
np.logaddexp(x, y).max(axis=0)
"""

SHAPES = """
x.reshape(4, 3)
x.reshape((2, 6))
x.reshape(-1)
x.reshape(2, -1)
x.reshape([4, 3])
np.reshape(x, (6, 2))
np.reshape(x, -1)
x.reshape(4, 3, order="F")
np.reshape(t, (4, -1), order="F")
x.ravel()
np.ravel(x)
x.ravel(order="F")
x.flatten()
x.flatten("F")
x.T
v.T
t.T
np.transpose(x)
np.transpose(t, (2, 0, 1))
np.transpose(t, axes=(1, 0, 2))
t.transpose(0, 2, 1)
t.transpose((1, 2, 0))
t.transpose()
t.mT
np.swapaxes(t, 0, -1)
t.swapaxes(1, 2)
np.moveaxis(t, 0, -1)
np.moveaxis(t, (0, 1), (1, 2))
np.rollaxis(t, 2)
np.rollaxis(t, 0, 3)
np.squeeze(x[None])
np.squeeze(x[None, :, None], axis=0)
np.squeeze(x[None, :, None], axis=(0, 2))
x[:, None].squeeze()
x[:, None].squeeze(1)
np.expand_dims(x, 0)
np.expand_dims(x, axis=-1)
np.expand_dims(x, (0, 2))
np.atleast_1d(v)
np.atleast_2d(v)
np.atleast_3d(x)
np.atleast_2d(v.sum())
x[:, np.newaxis, :] - y[np.newaxis]
np.broadcast_to(v, (3, 4))
np.broadcast_arrays(x, v)[1] * x
np.concatenate([x, y])
np.concatenate((x, y), axis=1)
np.concatenate([x, np.ones((3, 1))], axis=-1)
np.concatenate([x, REAL], axis=0)
np.concatenate([REAL, x], axis=0)
np.concatenate([x, y], axis=None)
np.concatenate([t[0], t[1]])
np.concatenate(t, axis=1)
np.stack([x, y])
np.stack([x, y], axis=-1)
np.stack((x, y), 1)
np.vstack([x, y])
np.vstack([v, x])
np.hstack([x, y])
np.hstack((v, u))
np.hstack([np.ones((3, 1)), x])
np.dstack([x, y])
np.column_stack([u, u, x])
np.c_[x, u]
np.c_[np.ones(3), x]
np.r_[u, v]
np.append(u, v)
np.append(x, y, axis=1)
np.append(v, 1.0)
np.block([[x, x], [y, y]])
np.array([x, y])
np.array([x[0, 0], x[1, 1], 2.0])
np.array([[v[0], v[1]], [v[2], 0.0]])
np.array([row.sum() for row in x])
np.array([x.sum(), y.mean()]) * 2
np.array(x)
np.asarray(x) * 2
np.asarray([u, u])
np.array([x[0], [1.0, 2.0, 3.0, 4.0]])
np.array(list(x))
np.split(x, 2, axis=1)[1]
np.split(x, 3)[0]
np.split(x, [1, 3], axis=1)[1]
np.split(v, [1, -1])[1]
np.array_split(v, 3)[0]
np.hsplit(x, 2)[0]
np.hsplit(v, 4)[3]
np.vsplit(x, 3)[2]
np.dsplit(t, 2)[1]
np.tile(v, 3)
np.tile(v, (2, 1))
np.tile(x, (2, 1, 3))
np.repeat(v, 2)
np.repeat(x, 3, axis=1)
np.repeat(x, [1, 2, 0], axis=0)
np.repeat(x[:, None], 2, axis=1)
x.repeat(2, axis=0)
np.pad(x, 1)
np.pad(x, (1, 2))
np.pad(x, ((1, 0), (0, 2)))
np.pad(t, ((0, 0), (1, 1), (2, 2)), mode="constant")
np.pad(t, ((0, 0), (1, 1), (2, 2)), "constant", constant_values=1.5)
np.pad(x, 1, mode="edge")
np.pad(x, ((0, 0), (2, 1)), "reflect")
np.pad(v, 2, mode="wrap")
np.pad(v, 2, mode="symmetric")
np.roll(x, 1)
np.roll(x, -2, axis=1)
np.roll(x, (1, 2), axis=(0, 1))
np.flip(x)
np.flip(x, 0)
np.flip(x, axis=(0, 1))
np.flipud(x)
np.fliplr(x)
np.rot90(x)
np.rot90(t, 2, axes=(1, 2))
np.diag(v)
np.diag(a)
np.diag(a, 1)
np.diagflat(v)
np.diagonal(a)
a.diagonal(1)
np.diagonal(t, axis1=1, axis2=2)
np.trace(a)
a.trace()
np.trace(a, offset=1)
np.tril(a)
np.triu(a, 1)
np.tril(t, -1)
np.eye(4) * a
np.eye(3, 4) + x
np.eye(4, k=1) @ v
np.identity(4) @ v
np.eye(4)[i] @ v
np.zeros_like(x) + x
np.ones_like(x) * x
np.full_like(x, 2.0) * x
np.ones(x.shape, dtype=x.dtype) * x
np.zeros((3, 4), x.dtype) + x
np.ones_like(x, dtype=int) * x
np.linspace(0, 1, 4) * v
np.linspace(0, 1, 4, endpoint=False) * v
np.meshgrid(u, v)[0]
np.meshgrid(u, v, indexing="ij")[1]
np.delete(x, 1, axis=0)
np.delete(v, [0, 2])
np.insert(v, 1, 3.0)
np.vander(v, 3)
np.lib.stride_tricks.sliding_window_view(v, 2)
np.lib.stride_tricks.sliding_window_view(x, (2, 2))
np.lib.stride_tricks.sliding_window_view(x, 2, axis=1)
np.lib.stride_tricks.as_strided(v, shape=(3, 2), strides=(v.strides[0], v.strides[0]))
np.apply_along_axis(lambda r: r / r.sum(), 1, x)
np.vectorize(lambda z: z * z)(x)
copy.deepcopy(x) * 2
copy.copy(x) * 2
x.copy() + np.copy(y)
x.astype(np.float64) * 2
x.astype("float64", copy=False)
x.astype(float).T
"""

INDEXING = """
x[0]
x[-1]
x[1, 2]
x[1][2]
x[:, 1]
x[1:, :2]
x[..., 0]
t[..., 0, :]
t[0, ..., 1]
x[:, None]
x[None, ..., None]
x[::2, ::3]
x[::-1]
x[:, ::-1]
x[::-1, ::-2]
x[2:0:-1]
t[:, ::-1, 1]
x[i]
x[:, i]
x[i, i]
x[[0, 2]]
x[[0, 2], [1, 3]]
x[(0, 1)]
x[np.arange(3), [1, 0, 3]]
x[np.arange(3), np.argmax(x, axis=1)]
x[range(2)]
t[0, :, i]
t[:, 0, i]
t[i - 1, 1]
t[0, i]
t[:, i, i]
t[i[:2] % 2, :, [0, 1]]
x[m]
x[x > 0]
x[~m]
x[m].sum() + x[0, 0]
x[:, m[0]]
x[m[:, 0]]
t[:, m]
x[m[:, 0], 1]
x[np.array([True, False, True])]
x[np.where(m)]
x[np.nonzero(m)]
x[np.ix_([0, 2], [1, 3])]
x[np.tril_indices(3)]
x[np.triu_indices(3, 1)]
x[np.unravel_index(np.argmax(x), x.shape)]
x[np.int64(1)]
x[np.int64(1), np.int32(2)]
x[slice(0, 2)]
x[:, np.newaxis, :, np.newaxis]
x.take(i, axis=1)
np.take(x, i, axis=0)
np.take(x, [0, 5])
np.take_along_axis(x, np.argsort(x, axis=1), axis=1)
np.take_along_axis(x, i[:, None], axis=1)
np.compress([True, False, True], x, axis=0)
np.extract(m, x)
np.sort(x, axis=1)
np.sort(x)
np.sort(x, axis=None)
np.argsort(x, axis=0) * x
x.argsort() * x
np.argsort(-v)[:2] * v[:2]
np.argpartition(v, 2)[2:].size * v
np.partition(v, 2)[2]
np.searchsorted(np.array([0.0, 1.0]), v) * v
np.bincount(i, weights=u)
np.bincount(i, minlength=5)[:4] * v
x.item(3) * v
x.item(1, 2) * v
v.sum().item() * v
x.flat[3] * v
np.array(x.tolist())
x[0, 0] ** 2 + np.sin(x[1, 1])
"""

PRODUCTS = """
np.dot(x, a)
np.dot(v, v)
np.dot(x, v)
np.dot(t, a)
np.dot(a, t.transpose(0, 2, 1))
np.dot(2.0, x)
x.dot(v)
x.dot(a).dot(v)
np.vdot(x, y)
np.inner(x, y)
np.inner(v, v)
np.outer(u, v)
np.outer(x, v)
np.einsum("ij,ij->i", x, y)
np.einsum("ij,jk", x, a)
np.einsum("bij,jk->bik", t, a)
np.einsum("ii", a)
np.einsum("i,j->ij", u, v)
np.einsum("bij,bij->", t, t)
np.einsum("ij,jk,kl->il", x, a, a, optimize=True)
np.einsum("...j,j->...", t, v)
np.einsum(x, [0, 1], v, [1], [0])
np.tensordot(x, a, axes=1)
np.tensordot(t, x, axes=([1, 2], [0, 1]))
np.tensordot(t, x, axes=((2,), (1,)))
np.tensordot(t, a, axes=(2, 0))
np.tensordot(u, v, axes=0)
np.kron(x, np.ones((1, 2)))
np.kron(u, v)
np.cross(u, u[::-1])
np.linalg.norm(x)
np.linalg.norm(v)
np.linalg.norm(x, axis=1)
np.linalg.norm(x, axis=1, keepdims=True)
np.linalg.norm(x, ord=1, axis=1)
np.linalg.norm(x, 2, axis=0)
np.linalg.norm(x, np.inf, axis=1)
np.linalg.norm(v, 1)
np.linalg.norm(v, 3)
np.linalg.norm(x, "fro")
np.linalg.norm(a, "nuc")
np.linalg.norm(x, 1)
np.linalg.norm(a, 2)
np.linalg.norm(t)
np.linalg.inv(a)
np.linalg.pinv(x)
np.linalg.det(a)
np.linalg.slogdet(a)[1]
np.linalg.slogdet(a).logabsdet
np.linalg.solve(a, v)
np.linalg.solve(a, x.T)
np.linalg.cholesky(a @ a.T + np.eye(4))
np.linalg.qr(a)[1] ** 2
np.linalg.svd(x)[1]
np.linalg.svd(x, compute_uv=False)
np.linalg.eigh(a + a.T)[0]
np.linalg.eigvalsh(a + a.T)
np.linalg.matrix_power(a, 3)
np.linalg.multi_dot([x, a, v])
np.linalg.matrix_rank(a) * v
np.convolve(v, u)
np.convolve(v, u, mode="same")
np.convolve(v, u, "valid")
np.correlate(v, u, "full")
np.correlate(v, u)
np.correlate(v, u, "same")
np.correlate(v, v[:2], mode="same")
np.convolve(v, v[:2], "same")
stats.norm.sf(x)
np.polyval([1.0, 2.0, 3.0], x)
np.abs(np.fft.fft(v))
np.fft.ifft(np.fft.fft(v)).real
np.fft.rfft(v).imag
np.fft.fft2(x).real
"""

SPECIAL = """
special.expit(x)
special.logit(p)
special.log_expit(x)
special.erf(x)
special.erfc(x)
special.erfinv(p)
special.ndtr(x)
special.log_ndtr(x)
special.gammaln(p)
special.digamma(p)
special.psi(p)
special.gamma(p)
special.xlogy(p, p)
special.xlogy(x, p)
special.xlog1py(x, p)
special.entr(p)
special.rel_entr(p, 0.5)
special.kl_div(p, 1 - p)
special.softmax(x, axis=1)
special.softmax(x)
special.softmax(v)
special.log_softmax(x, axis=-1)
special.logsumexp(x, axis=1)
special.logsumexp(x)
special.logsumexp(x, axis=1, keepdims=True)
special.logsumexp(x, axis=0, b=p)
special.expm1(x)
special.log1p(p)
special.i0(x)
special.huber(1.0, x)
special.pseudo_huber(1.0, x)
special.boxcox(p, 0.5)
special.exprel(x)
special.cbrt(p)
special.exp2(x)
special.beta(p, 2.0)
special.betaln(p, 1 + p)
special.comb(4, 2) * x
stats.norm.cdf(x) * x
stats.norm.pdf(x, 0.5, 2)
stats.norm.logpdf(x)
stats.norm.logcdf(x, scale=2.0)
signal.correlate2d(x, a[:2, :3], mode="valid")
signal.convolve2d(x, a[:3, :2], "full")
signal.convolve2d(x, a[:3, :2], mode="same")
signal.correlate2d(x, a[:2, :2], mode="same")
signal.convolve(v, u)
math.exp(x[0, 0]) + x
math.sqrt(p[0, 0]) * x
math.log(p[0, 0]) * x
math.tanh(x[0, 0]) * x
math.pow(p[0, 0], 2) * x
math.erf(x[0, 0]) * x
math.floor(x[0, 0]) * x
math.sqrt(2) * x
"""

EXPRESSIONS = [
    line
    for group in (UFUNCS, REDUCTIONS, SHAPES, INDEXING, PRODUCTS, SPECIAL)
    for line in group.strip().splitlines()
]
