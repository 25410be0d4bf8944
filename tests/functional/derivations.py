"""The derivations in the docstrings, executed: the index form of each gradient as a slow loop or einsum.

Each function takes the upstream gradient and the arguments of the operation and returns the gradients of its
differentiable inputs. Nothing here is shared with the package, so text and code cannot drift apart unseen.
"""

import math
from itertools import product
from typing import Any

import torch
from torch import Tensor


def indices(tensor: Tensor) -> Any:
    return product(*(range(size) for size in tensor.shape))


def linear(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    delta = grad_output if W.dim() == 2 else grad_output.unsqueeze(-1)
    W2 = W if W.dim() == 2 else W.unsqueeze(0)
    grad_x = torch.einsum("...j,ji->...i", delta, W2)  # Σⱼ δₙⱼ Wⱼᵢ
    grad_W = torch.einsum("...j,...i->ji", delta, x).reshape(W.shape)  # Σₙ δₙⱼ xₙᵢ
    if b is None:
        return grad_x, grad_W
    grad_b = torch.zeros_like(b)
    used = torch.arange(b.numel()).reshape(b.shape).expand(delta.shape)  # which number of b went where
    for at in indices(delta):
        grad_b.view(-1)[used[at]] += delta[at]  # Σₙ δₙⱼ
    return grad_x, grad_W, grad_b


def sigmoid(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        u = 1 + math.exp(-z[at])
        grad[at] = grad_output[at] * math.exp(-z[at]) / u**2  # ∂L/∂aᵢ · e⁻ᶻ / (1 + e⁻ᶻ)²
    return (grad,)


def relu(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        grad[at] = grad_output[at] if z[at] > 0 else 0.0
    return (grad,)


def tanh(grad_output: Tensor, z: Tensor) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    for at in indices(z):
        s, c = math.exp(z[at]) - math.exp(-z[at]), math.exp(z[at]) + math.exp(-z[at])
        grad[at] = grad_output[at] * (c * c - s * s) / c**2
    return (grad,)


def linear_relu(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    return linear(*relu(grad_output, weighted_sums(x, W, b)), x, W, b)


def linear_sigmoid(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    return linear(*sigmoid(grad_output, weighted_sums(x, W, b)), x, W, b)


def linear_cross_entropy(
    grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None, **options: Any
) -> tuple[Tensor, ...]:
    (delta,) = cross_entropy(grad_output, weighted_sums(x, W, b), **options)
    return linear(delta, x, W, b)


def weighted_sums(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """zₙⱼ = Σᵢ xₙᵢ Wⱼᵢ + bⱼ."""
    return torch.einsum("...i,ji->...j" if W.dim() == 2 else "...i,i->...", x, W) + (0 if b is None else b)


def mse_loss(
    grad_output: Tensor, x: Tensor, t: Tensor, w: Tensor | None = None, reduction: str = "mean"
) -> tuple[Tensor, ...]:
    grad_x, grad_w = torch.zeros_like(x), torch.zeros_like(x)
    weights = torch.ones_like(x) if w is None else w
    S = float(sum(weights[at] for at in indices(x))) if reduction == "mean" else 1.0
    out = sum(float(weights[at] * (x[at] - t[at]) ** 2) for at in indices(x)) / S
    for at in indices(x):
        g = float(grad_output[at] if reduction == "none" else grad_output) / S
        grad_x[at] = 2 * g * weights[at] * (x[at] - t[at])
        grad_w[at] = g * ((x[at] - t[at]) ** 2 - (out if reduction == "mean" else 0))
    return (grad_x, -grad_x) if w is None else (grad_x, -grad_x, grad_w)


def log_softmax(grad_output: Tensor, z: Tensor, dim: int, dtype: torch.dtype | None = None) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    rows, upstream, out = (t.movedim(dim, -1) if t.dim() else t.reshape(1) for t in (z, grad_output, grad))
    for row in indices(rows[..., 0]) if rows.shape[-1] else ():
        p = softmax(rows[row])
        for i in range(len(p)):
            for k in range(len(p)):
                out[row][i] += upstream[row][k] * ((k == i) - p[i])  # Σₖ gₖ ([k = i] − pᵢ)
    return (grad,)


def softmax(z: Tensor) -> list[float]:
    exponentials = [math.exp(score) for score in z.tolist()]
    return [e / sum(exponentials) for e in exponentials]


def example_gradients(
    grad_output: Tensor, counts: dict[tuple[int, ...], float], reduction: str
) -> dict[tuple[int, ...], float]:
    """gₙ = ∂L/∂ℓₙ for each example, `counts` being what each adds to the divisor of the mean."""
    if reduction == "none":
        return {n: float(grad_output[n]) for n in counts}
    divisor = sum(counts.values()) if reduction == "mean" else 1.0
    return dict.fromkeys(counts, float(grad_output) / divisor if divisor else math.nan)


def examples(scores: Tensor) -> tuple[Tensor, list[tuple[int, ...]]]:
    """Scores with the classes moved last, and the index of each example."""
    rows = scores.movedim(1, -1) if scores.dim() > 1 else scores
    return rows, list(indices(rows[..., 0]))


def nll_loss(
    grad_output: Tensor,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Tensor]:
    grad = torch.zeros_like(x)
    out, at = examples(grad)
    y = {n: int(target.reshape(out.shape[:-1])[n]) for n in at}
    w = {n: 1.0 if weight is None else float(weight[y[n]]) for n in at if y[n] != ignore_index}
    for n, g in example_gradients(grad_output, w, reduction).items():
        out[n][y[n]] = -g * w[n]  # −gₙ w_{yₙ} [k = yₙ]
    return (grad,)


def cross_entropy(
    grad_output: Tensor,
    z: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Tensor]:
    grad = torch.zeros_like(z)
    (rows, at), (out, _) = examples(z), examples(grad)
    classes = range(rows.shape[-1])
    w = [1.0] * len(classes) if weight is None else weight.tolist()
    y = {n: int(target.reshape(rows.shape[:-1])[n]) for n in at}
    counts = {n: w[y[n]] for n in at if y[n] != ignore_index}
    for n, g in example_gradients(grad_output, counts, reduction).items():
        p = softmax(rows[n])
        t = [w[k] * ((1 - label_smoothing) * (k == y[n]) + label_smoothing / len(classes)) for k in classes]
        for i in classes:
            out[n][i] = g * -sum(t[k] * ((k == i) - p[i]) for k in classes)  # −Σₖ tₖ ([k = i] − pᵢ)
    return (grad,)


def cross_entropy_probabilities(
    grad_output: Tensor,
    z: Tensor,
    q: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Tensor, ...]:
    grad_z, grad_q = torch.zeros_like(z), torch.zeros_like(q)
    grad_w = torch.zeros(z.shape[1 if z.dim() > 1 else 0], dtype=z.dtype)
    (rows, at), (beliefs, _), (out_z, _), (out_q, _) = (examples(tensor) for tensor in (z, q, grad_z, grad_q))
    classes = range(rows.shape[-1])
    w = [1.0] * len(classes) if weight is None else weight.tolist()
    for n, g in example_gradients(grad_output, dict.fromkeys(at, 1.0), reduction).items():
        p = softmax(rows[n])
        smoothed = [(1 - label_smoothing) * float(b) + label_smoothing / len(classes) for b in beliefs[n]]
        for i in classes:
            out_z[n][i] = g * -sum(w[k] * smoothed[k] * ((k == i) - p[i]) for k in classes)
            out_q[n][i] = -g * (1 - label_smoothing) * w[i] * math.log(p[i])
            grad_w[i] += -g * smoothed[i] * math.log(p[i])
    return (grad_z, grad_q) if weight is None else (grad_z, grad_q, grad_w)
