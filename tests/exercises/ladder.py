"""Wrong answers to the exercises of “The ladder”, and words of what is said of them."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.rungs import LABELS, values

v = SimpleNamespace(**values())
N, C = 7, 3
TARGET = torch.eye(C, dtype=torch.float64)[list(LABELS)]


def error(z2: Tensor) -> Tensor:
    return z2.softmax(1) - TARGET


def stretch(dxhat: Tensor, xhat: Tensor) -> Tensor:
    return xhat * (dxhat * xhat).mean(0)


def whole(
    grad_output: Any,
    inputs: tuple[Tensor, ...],
    *,
    scaled: bool = True,
    mean_path: bool = True,
    slope: bool = True,
    bias: bool = True,
) -> tuple[Tensor, ...]:
    """The whole backward, with a mistake or without."""
    x, W1, b1, gamma, beta, W2, b2 = inputs
    z1 = x @ W1.T + b1
    std = torch.sqrt(z1.var(0, correction=0) + 1e-5)
    xhat = (z1 - z1.mean(0)) / std
    a = torch.tanh(gamma * xhat + beta)
    z2 = a @ W2.T + b2
    dz2 = (grad_output if scaled else 1) * error(z2) / N
    dh = dz2 @ W2 * (1 - a**2 if slope else 1)
    dxhat = dh * gamma
    dz1 = (dxhat - (dxhat.mean(0) if mean_path else 0) - stretch(dxhat, xhat)) / std
    dbeta = dh.sum(0) if bias else dh.mean(0)
    return dz1 @ W1, dz1.T @ x, dz1.sum(0), (dh * xhat).sum(0), dbeta, dz2.T @ a, dz2.sum(0)


WRONG: list[tuple[str, Any, str]] = [
    ("14.1", v.target / N, "has a minus in front"),
    ("14.1", -v.target, "is a mean over N examples"),
    ("14.1", -v.target / (N * C), "not by all N C entries"),
    ("14.1", v.p - v.target, "four lines too early"),
    ("14.1", v.dz2, "this is dz2, and dlogp is asked for"),
    ("14.1", -torch.tensor(LABELS) / N, "dlogp has the shape of logp, (7, 3), and not (7,)"),
    ("14.2", v.dlogp * v.p, "the slope of log p is 1/p: divide"),
    ("14.2", 1 / v.p, "this is the slope alone"),
    ("14.2", v.dlogp, "log has a slope"),
    ("14.2", -v.dp, "the sign is wrong, and all else is right"),
    ("14.2", v.dp * N, "a factor 1/N is missing"),
    ("14.3", -(v.dp * v.p / v.total), "a sum over dimension 1 is missing"),
    ("14.3", v.dp * v.p / v.total, "a sum over dimension 1 is missing, and its sign is wrong"),
    ("14.3", -(v.dp * v.p / v.total).sum(1), "the numbers are right, but the shape is that of total, (7, 1)"),
    ("14.3", -(v.dp * v.e / v.total).sum(1, keepdim=True), "total is to be squared"),
    ("14.3", -(v.dp / v.total**2).sum(1, keepdim=True), "e is forgotten"),
    ("14.3", -v.dtotal, "the slope of e / total in total is negative"),
    ("14.3", v.dtotal / C, "their sum, not their mean"),
    ("14.4", v.dp / v.total, "= for +=: e is used twice"),
    ("14.4", v.dtotal.expand(N, C), "this is the way through total alone"),
    ("14.4", v.dp / v.total - v.dtotal, "the minus is in dtotal already"),
    ("14.4", v.dp / v.total + v.dtotal * v.e, "whose slope is 1"),
    ("14.4", v.dp / v.total + v.dtotal / C, "not its mean"),
    ("14.4", v.dp + v.dtotal, "the slope of its numerator is 1 / total"),
    ("14.5", v.de, "The slope of exp is exp itself"),
    ("14.5", v.de / v.e, "multiply by e"),
    ("14.5", v.de * v.p, "which is e and not p"),
    ("14.5", v.de * v.e * v.std.mean(), "and autograd has"),
    ("14.6", v.a.T @ v.dz2, "this is the transpose of what is due"),
    ("14.6", v.dz2.T @ v.h, "the layer received a, not h"),
    ("14.6", v.dz2.T @ v.a / N, "the 1/N of the loss is in dz2 already"),
    ("14.7", v.dz2, "a sum over dimension 0 is missing"),
    ("14.7", v.dz2.mean(0), "the 1/N of the loss is in dz2 already"),
    ("14.7", v.dz2.sum(1), "db2 has the shape of b2, (3,), and not (7,)"),
    ("14.8", v.W2.T @ v.dz2.T, "this is the transpose of what is due"),
    ("14.8", v.dz2 @ v.W2 / N, "There is no sum over the examples here"),
    ("14.8", v.dh, "goes through tanh already"),
    ("14.9", v.da * (1 - v.a), "a is to be squared"),
    ("14.9", v.da * v.a * (1 - v.a), "is the slope of the sigmoid"),
    ("14.9", 1 - v.a**2, "this is the slope alone"),
    ("14.9", v.da * (1 - v.a.tanh() ** 2), "here tanh is taken twice"),
    ("14.9", v.da, "this is da, and dh is asked for"),
    ("14.10", v.dh * v.xhat, "a sum over dimension 0 is missing"),
    ("14.10", (v.dh * v.xhat).mean(0), "the 1/N of the loss is in dh already"),
    ("14.10", v.dh.sum(0), "this is dbeta, and dgamma is asked for"),
    ("14.10", (v.dh * v.h).sum(0), "the slope in gamma is xhat, not h"),
    ("14.11", v.dh, "a sum over dimension 0 is missing"),
    ("14.11", v.dh.mean(0), "the 1/N of the loss is in dh already"),
    ("14.11", (v.dh * v.beta).sum(0), "is 1, not beta"),
    ("14.12", v.dh, "this is dh unchanged"),
    ("14.12", v.dh / v.gamma, "forward multiplies by gamma"),
    ("14.12", (v.dh * v.gamma).sum(0), "dxhat has the shape of xhat, (7, 5), and not (5,)"),
    ("14.12", v.dxhat * v.std, "divided by std, it would be right"),
    ("14.12", v.dh * v.gamma / v.std, "multiplied by std, it would be right"),
    ("14.13", -(v.dxhat * v.xhat / v.std), "a sum over dimension 0 is missing"),
    ("14.13", (v.dxhat * v.xhat / v.std).sum(0), "has a minus"),
    ("14.13", -(v.dxhat * v.centred / v.std).sum(0), "std is to be squared"),
    ("14.13", -(v.dxhat / v.std**2).sum(0), "centred is forgotten"),
    ("14.13", -(v.dxhat * v.xhat / v.std).mean(0), "not their mean"),
    ("14.13", -(v.dxhat * v.xhat).sum(0), "std is to be squared"),
    ("14.14", v.dstd / (2 * v.var), "std is that root"),
    ("14.14", v.dstd / v.std, "the ½ is missing"),
    ("14.14", v.dstd / 2 * v.std, "Python multiplies by std"),
    ("14.14", v.dstd / (2 * v.var.sqrt()), "nearly: the 10⁻⁵ stands under the root"),
    ("14.14", v.dvar[None], "the numbers are right, but the shape"),
    ("14.15", v.dxhat / v.std, "The way through var is missing"),
    ("14.15", 2 * v.dvar * v.centred / N, "this is the way through var alone"),
    ("14.15", v.dxhat / v.std + 2 * v.dvar * v.centred / (N - 1), "1/(N − 1) for 1/N"),
    ("14.15", v.dxhat / v.std + 2 * v.dvar * v.centred, "1/N is left out"),
    ("14.15", v.dxhat / v.std + v.dvar * v.centred / N, "the 2 is left out"),
    ("14.15", v.dxhat / v.std - 2 * v.dvar * v.centred / N, "a minus is in dstd already"),
    ("14.16", v.dcentred.sum(0), "the slope in mu is −1"),
    ("14.16", -v.dcentred, "a sum over dimension 0 is missing"),
    ("14.16", -v.dcentred.mean(0), "is the next line's"),
    ("14.17", v.dcentred, "the mean's path is forgotten"),
    ("14.17", v.dcentred + v.dmu, "1/N is left out"),
    ("14.17", v.dcentred - v.dmu / N, "is in dmu already"),
    ("14.17", v.dxhat / v.std, "evaluation mode"),
    ("14.18", v.dcentred @ v.W1, "the way through the mean is forgotten"),
    ("14.18", v.dh @ v.W1, "batch norm is left out"),
    ("14.19", v.x.T @ v.dz1, "this is the transpose of what is due"),
    ("14.19", v.dcentred.T @ v.x, "the way through the mean is forgotten"),
    ("14.19", v.dh.T @ v.x, "batch norm is left out"),
    ("14.20", v.dcentred.sum(0), "the way through the mean is forgotten"),
    ("14.20", v.dh.sum(0), "batch norm is left out"),
    ("14.20", v.dz1, "a sum over dimension 0 is missing"),
    ("14.21", lambda dlogp, p: dlogp, "the other way is missing"),
    ("14.21", lambda dlogp, p: dlogp - p, "sums to 1"),
    ("14.21", lambda dlogp, p: dlogp + p, "sums to −1"),
    ("14.21", lambda dlogp, p: dlogp - p * dlogp, "the sum over the row is missing"),
    ("14.21", lambda dlogp, p: p * (dlogp - (dlogp * p).sum(1, keepdim=True)), "the backward of softmax"),
    ("14.21", lambda dlogp, p: dlogp + p * dlogp.sum(1, keepdim=True), "has a minus"),
    ("14.22", lambda g, z2: g * error(z2), "1/N is left out"),
    ("14.22", lambda g, z2: error(z2) / N, "grad_output is forgotten"),
    ("14.22", lambda g, z2: -g * error(z2) / N, "the sign is wrong"),
    ("14.22", lambda g, z2: g * error(z2) / (N * C), "divided by N C"),
    ("14.22", lambda g, z2: g * z2.softmax(1) / N, "target is forgotten"),
    ("14.22", lambda g, z2: -g * TARGET / N, "the row's sum has been left out"),
    ("14.22", lambda g, z2: g * (z2.softmax(0) - TARGET) / N, "down the columns"),
    ("14.23", lambda d, xhat, std: stretch(d, xhat) / std, "dstd has a minus"),
    ("14.23", lambda d, xhat, std: -stretch(d, xhat) / std * N, "makes a mean of the sum"),
    ("14.23", lambda d, xhat, std: -stretch(d, xhat) / std * N / (N - 1), "1/(N − 1) for 1/N"),
    ("14.23", lambda d, xhat, std: -stretch(d, xhat), "1/std is missing"),
    (
        "14.24",
        lambda d, std: -d.mean(0, keepdim=True) / std,
        "the numbers are right, but expected a result of",
    ),
    ("14.24", lambda d, std: d.mean(0) / std, "the sign"),
    ("14.24", lambda d, std: -d.sum(0) / std, "that is dmu"),
    ("14.25", lambda d, xhat, std: d / std, "evaluation mode"),
    ("14.25", lambda d, xhat, std: (d - stretch(d, xhat)) / std, "the mean's path is forgotten"),
    ("14.25", lambda d, xhat, std: (d - d.mean(0)) / std, "the variance's path is forgotten"),
    ("14.25", lambda d, xhat, std: d / std - d.mean(0) - stretch(d, xhat), "only the first of the three"),
    ("14.25", lambda d, xhat, std: d - d.mean(0) - stretch(d, xhat), "1/std is missing"),
    (
        "14.25",
        lambda d, xhat, std: (d - d.mean(0) - stretch(d, xhat) * N / (N - 1)) / std,
        "1/(N − 1) for 1/N in the variance",
    ),
    ("14.26", lambda g, *inputs: whole(g, inputs, scaled=False), "grad_output is not"),
    ("14.26", lambda g, *inputs: whole(g, inputs, mean_path=False), "due is dz1 - dz1.sum(0) / 7"),
    ("14.26", lambda g, *inputs: whole(g, inputs, slope=False), "the local derivative is missing"),
    ("14.26", lambda g, *inputs: whole(g, inputs, bias=False), "one over the size of x"),
    ("14.26", lambda g, *inputs: whole(g, inputs)[:6], "returns 6 gradients for 7 inputs"),
]
