"""The exercises and predictions of “The ladder”."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, derivation, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question
from manual_backprop.exercises.rungs import LABELS, SHAPES, C, N, network, rung, timed

MEAN_FORGOTTEN = "z1 also reaches the loss through mu: the way through the mean is forgotten in your δ¹."
HAS_MEAN = (
    "the 1/N of the loss is in {} already. Here is a sum over the examples: one number serves them all."
)

# The lines that the program of `derive` prints, in its order.
LINES: tuple[tuple[str, Any, dict[str, Any], str], ...] = (
    (
        "dlogp",
        lambda target, N: -target / N,
        {
            "the loss has a minus in front of its sum.": lambda target, N: target / N,
            "the loss is a mean over N examples, and 1/N is a slope like any other.": lambda target: -target,
            "the mean over the examples divides by N, not by all N C entries: the classes are summed.": (
                lambda target, N: -target / (N * C)
            ),
            "this is the difference p − target, four lines too early. logp alone is asked about, as it "
            "stands in L = −Σ target ⊙ logp / N.": lambda p, target: p - target,
        },
        "Each entry of logp stands in the loss once, as −target · logp / N.",
    ),
    (
        "dp",
        lambda dlogp, p: dlogp / p,
        {
            "the slope of log p is 1/p: divide.": lambda dlogp, p: dlogp * p,
            "this is the slope alone. It has to be multiplied by dlogp, the gradient that arrives.": (
                lambda p: 1 / p
            ),
            "this is dlogp unchanged: log has a slope.": lambda dlogp: dlogp,
        },
        "Only the right class of each example has a gradient here: all others are zero in target.",
    ),
    (
        "dtotal",
        lambda dp, p, total: -(dp * p / total).sum(1, keepdim=True),
        {
            "e is forgotten, and a power: the slope of e / total in total is −e / total².": (
                lambda dp, total: -(dp / total).sum(1, keepdim=True)
            ),
            "e is forgotten: the slope of e / total in total is −e / total².": (
                lambda dp, total: -(dp / total**2).sum(1, keepdim=True)
            ),
            "the slope of 1/total is −1/total²: total is to be squared (e / total² is p / total).": (
                lambda dp, e, total: -(dp * e / total).sum(1, keepdim=True)
            ),
            "total is larger, p is smaller: the slope of e / total in total is negative.": (
                lambda dp, p, total: (dp * p / total).sum(1, keepdim=True)
            ),
            "one total serves all classes of its row, so its gradient is their sum, not their mean.": (
                lambda dp, p, total: -(dp * p / total).mean(1, keepdim=True)
            ),
        },
        "It is the same as −(dp ⊙ e / total²), summed over each row.",
    ),
    (
        "de",
        lambda dp, total, dtotal: dp / total + dtotal,
        {
            "= for +=: e is used twice, in p = e / total and in total. The second way is missing.": (
                lambda dp, total: dp / total
            ),
            "= for +=: this is the way through total alone. e is also the numerator of p.": (
                lambda dp, dtotal: dtotal + 0 * dp
            ),
            "the minus is in dtotal already: gradients of several ways are added.": (
                lambda dp, total, dtotal: dp / total - dtotal
            ),
            "total is the sum of e, whose slope is 1 in each of its terms, not e.": (
                lambda dp, total, dtotal, e: dp / total + dtotal * e
            ),
            "total is the sum of e, not its mean: each of its terms has the slope 1.": (
                lambda dp, total, dtotal: dp / total + dtotal / C
            ),
            "p = e / total: the slope of its numerator is 1 / total.": lambda dp, dtotal: dp + dtotal,
        },
        "Two ways, one sum.",
    ),
    (
        "dz2",
        lambda de, e: de * e,
        {
            "this is de unchanged. The slope of exp is exp itself, which is e.": lambda de: de,
            "the slope of exp is exp itself: multiply by e.": lambda de, e: de / e,
            "the slope of exp is exp itself, which is e and not p.": lambda de, p: de * p,
            "the exponential's own value is its slope: e, and not z2 − m, which it is taken of.": (
                lambda de, z2, m: de * (z2 - m)
            ),
        },
        "The way through m has been left out, or adds zero: the rows of de ⊙ e sum to zero.",
    ),
    (
        "dW2",
        lambda dz2, a: dz2.T @ a,
        {
            "the layer received a, not h: a weight's gradient is δ times what it was multiplied by.": (
                lambda dz2, h: dz2.T @ h
            ),
            HAS_MEAN.format("dz2"): lambda dz2, a, N: dz2.T @ a / N,
        },
        "The summed index is the example, the row of both, so the left factor is transposed.",
    ),
    (
        "db2",
        lambda dz2: dz2.sum(0),
        {HAS_MEAN.format("dz2"): lambda dz2: dz2.mean(0)},
        "One b2 was broadcast to all examples.",
    ),
    (
        "da",
        lambda dz2, W2: dz2 @ W2,
        {
            HAS_MEAN.format("dz2").split(" Here")[0] + " There is no sum over the examples here.": (
                lambda dz2, W2, N: dz2 @ W2 / N
            ),
            "this goes through tanh already; that is the next line.": lambda dz2, W2, a: (
                dz2 @ W2 * (1 - a**2)
            ),
        },
        "Forward W2 is transposed, on the way back it is not.",
    ),
    (
        "dh",
        lambda da, a: da * (1 - a**2),
        {
            "the slope of tanh is 1 − tanh²: a is to be squared.": lambda da, a: da * (1 - a),
            "a (1 − a) is the slope of the sigmoid. That of tanh is 1 − tanh².": (
                lambda da, a: da * a * (1 - a)
            ),
            "this is the slope alone. It has to be multiplied by da, the gradient that arrives.": (
                lambda a: 1 - a**2
            ),
            "1 − tanh² with a = tanh(h): the square is that of a, not of h.": lambda da, h: da * (1 - h**2),
            "a is tanh(h) already, and here tanh is taken twice.": lambda da, a: da * (1 - a.tanh() ** 2),
        },
        "The output alone gives the slope; h need not be kept.",
    ),
    (
        "dgamma",
        lambda dh, xhat: (dh * xhat).sum(0),
        {
            HAS_MEAN.format("dh"): lambda dh, xhat: (dh * xhat).mean(0),
            "h = gamma ⊙ xhat + beta: the slope in gamma is xhat, not h.": lambda dh, h: (dh * h).sum(0),
            "gamma multiplies xhat, which is centred and divided by std.": (
                lambda dh, centred: (dh * centred).sum(0)
            ),
        },
        "One gamma for all examples: a sum over them.",
    ),
    (
        "dbeta",
        lambda dh: dh.sum(0),
        {
            HAS_MEAN.format("dh"): lambda dh: dh.mean(0),
            "the slope of gamma ⊙ xhat + beta in beta is 1, not beta.": lambda dh, beta: (dh * beta).sum(0),
        },
        "As with any bias.",
    ),
    (
        "dxhat",
        lambda dh, gamma: dh * gamma,
        {
            "this is dh unchanged: xhat is multiplied by gamma.": lambda dh: dh,
            "forward multiplies by gamma, and backward does too: the slope of gamma ⊙ xhat is gamma.": (
                lambda dh, gamma: dh / gamma
            ),
            "the slope of gamma ⊙ xhat in xhat is gamma.": lambda dh, xhat: dh * xhat,
        },
        "",
    ),
    (
        "dstd",
        lambda dxhat, xhat, std: -(dxhat * xhat / std).sum(0),
        {
            "the slope of 1/std is −1/std²: std is to be squared (centred / std² is xhat / std).": (
                lambda dxhat, centred, std: -(dxhat * centred / std).sum(0)
            ),
            "centred is forgotten: the slope of centred / std in std is −centred / std².": (
                lambda dxhat, std: -(dxhat / std**2).sum(0)
            ),
            "std is larger, xhat is nearer to zero: the slope of centred / std in std has a minus.": (
                lambda dxhat, xhat, std: (dxhat * xhat / std).sum(0)
            ),
            "one std serves all examples of its column, so its gradient is their sum, not their mean.": (
                lambda dxhat, xhat, std: -(dxhat * xhat / std).mean(0)
            ),
        },
        "It is the same step as dtotal, down the column where that went along the row.",
    ),
    (
        "dvar",
        lambda dstd, std: dstd / (2 * std),
        {
            "the slope of √v is 1 / (2 √v): the root is in it, and std is that root.": (
                lambda dstd, var: dstd / (2 * var)
            ),
            "the slope of √v is 1 / (2 √v): divide by 2 std.": lambda dstd, std: dstd * 2 * std,
            "the ½ is missing: the slope of v^½ is ½ v^(−½).": lambda dstd, std: dstd / std,
            "in dstd / 2 * std Python multiplies by std. Both belong below the line: dstd / (2 * std).": (
                lambda dstd, std: dstd / 2 * std
            ),
            "nearly: the 10⁻⁵ stands under the root, which is std.": (
                lambda dstd, var: dstd / (2 * var.sqrt())
            ),
            "the exponent of v^½ decreases to −½, that is 1/√v, which is 1/std and not std.": (
                lambda dstd, std: dstd * std
            ),
        },
        "",
    ),
    (
        "dcentred",
        lambda dxhat, std, dvar, centred, N: dxhat / std + 2 * dvar * centred / N,
        {
            "= for +=: centred is used twice, in xhat and in var. The way through var is missing, or zero in "
            "yours: the mean of centred is zero.": lambda dxhat, std: dxhat / std,
            "= for +=: this is the way through var alone. xhat = centred / std is the other.": (
                lambda dvar, centred, N, dxhat: 2 * dvar * centred / N
            ),
            "1/(N − 1) for 1/N: this variance is the mean of the squares, as batch norm normalises with. The "
            "N − 1 belongs to torch.var's default, and to what is remembered for evaluation.": (
                lambda dxhat, std, dvar, centred, N: dxhat / std + 2 * dvar * centred / (N - 1)
            ),
            "1/N is left out: var is a mean, and each square has the slope 1/N in it.": (
                lambda dxhat, std, dvar, centred: dxhat / std + 2 * dvar * centred
            ),
            "the 2 is left out: the slope of a square is twice what is squared.": (
                lambda dxhat, std, dvar, centred, N: dxhat / std + dvar * centred / N
            ),
            "the slope of centred² is 2 centred: it is not the same for all examples.": (
                lambda dxhat, std, dvar, N: dxhat / std + 2 * dvar / N
            ),
            "xhat = centred / std: the slope of the numerator is 1/std.": (
                lambda dxhat, dvar, centred, N: dxhat + 2 * dvar * centred / N
            ),
            "gradients of several ways are added; a minus is in dstd already.": (
                lambda dxhat, std, dvar, centred, N: dxhat / std - 2 * dvar * centred / N
            ),
        },
        "Two ways, one sum: each example moves its own xhat, and everyone's variance.",
    ),
    (
        "dmu",
        lambda dcentred: -dcentred.sum(0),
        {
            "centred = z1 − mu: the slope in mu is −1.": lambda dcentred: dcentred.sum(0),
            "mu was subtracted from every row, so there is a sum. The 1/N of mu = mean(z1) is the next "
            "line's.": lambda dcentred: -dcentred.mean(0),
        },
        "The way through var adds nothing to this sum, since centred sums to zero: −Σ dxhat / std.",
    ),
    (
        "dz1",
        lambda dcentred, dmu, N: dcentred + dmu / N,
        {
            "= for +=: the mean's path is forgotten. z1 is used in centred = z1 − mu, and in mu.": (
                lambda dcentred: dcentred
            ),
            "1/N is left out: each row has the slope 1/N in the mean.": lambda dcentred, dmu: dcentred + dmu,
            "the minus of z1 − mu is in dmu already.": lambda dcentred, dmu, N: dcentred - dmu / N,
            "batch norm in evaluation mode: mean and variance were taken for constants.": (
                lambda dxhat, std: dxhat / std
            ),
        },
        "This was the hardest stretch of the ladder: δ¹, through all of batch norm.",
    ),
    (
        "dx",
        lambda dz1, W1: dz1 @ W1,
        {
            MEAN_FORGOTTEN: lambda dcentred, W1: dcentred @ W1,
            "batch norm is left out: W1 made z1, and not h.": lambda dh, W1: dh @ W1,
        },
        "",
    ),
    (
        "dW1",
        lambda dz1, x: dz1.T @ x,
        {
            MEAN_FORGOTTEN: lambda dcentred, x: dcentred.T @ x,
            "batch norm is left out: W1 made z1, and not h.": lambda dh, x: dh.T @ x,
            HAS_MEAN.format("dz1"): lambda dz1, x, N: dz1.T @ x / N,
        },
        "",
    ),
    (
        "db1",
        lambda dz1: dz1.sum(0),
        {
            MEAN_FORGOTTEN: lambda dcentred: dcentred.sum(0),
            "batch norm is left out: b1 is a summand of z1, and not of h.": lambda dh: dh.sum(0),
            "batch norm's mean and variance were taken for constants: in training they move too.": (
                lambda dxhat, std: (dxhat / std).sum(0)
            ),
        },
        "All five are zero to rounding.",
    ),
)


def _cross_entropy(z2: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(z2, torch.tensor(LABELS))


def _loss(x: Tensor, W1: Tensor, b1: Tensor, gamma: Tensor, beta: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    return network(x, W1, b1, gamma, beta, W2, b2, torch.tensor(LABELS))["loss"]


def _error(z2: Tensor) -> Tensor:
    target = torch.nn.functional.one_hot(torch.tensor(LABELS), C)
    return z2.softmax(1) - target


@cache
def _rows() -> list[tuple[Tensor, ...]]:
    """∂L/∂logp, of any loss, and p."""
    generator = torch.Generator().manual_seed(0)
    dlogp, z = (torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    return [(dlogp, z.softmax(1))]


@cache
def _columns() -> list[tuple[Tensor, ...]]:
    """∂L/∂x̂, x̂ and the standard deviation."""
    generator = torch.Generator().manual_seed(0)
    dxhat, z = (torch.randn(7, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    std = z.std(0, correction=0)
    return [(dxhat, (z - z.mean(0)) / std, std)]


def _stretch(dxhat: Tensor, xhat: Tensor) -> Tensor:
    return xhat * (dxhat * xhat).mean(0)


SHORT: dict[str, Judge] = {
    "14.21": same_numbers(
        lambda dlogp, p: dlogp - p * dlogp.sum(1, keepdim=True),
        _rows,
        {
            "the other way is missing: dp ⊙ e / total = dlogp is only the numerator's.": lambda dlogp, p: (
                dlogp
            ),
            "the way through total has a minus.": lambda dlogp, p: dlogp + p * dlogp.sum(1, keepdim=True),
            "the sum over the row is missing: all classes move the same total.": (
                lambda dlogp, p: dlogp - p * dlogp
            ),
            "dtotal · e is −(Σ dlogp) p, and not −Σ dlogp: each class has its own e.": (
                lambda dlogp, p: dlogp - dlogp.sum(1, keepdim=True)
            ),
            "that is the backward of softmax, ∂L/∂p being given. Here it is ∂L/∂logp: dp p is dlogp.": (
                lambda dlogp, p: p * (dlogp - (dlogp * p).sum(1, keepdim=True))
            ),
            "dp is dlogp / p: in the sum, p has cancelled already.": (
                lambda dlogp, p: dlogp - p * (dlogp * p).sum(1, keepdim=True)
            ),
            "a row's sum is asked for, not its mean.": lambda dlogp, p: (
                dlogp - p * dlogp.mean(1, keepdim=True)
            ),
            "this holds if the row's dlogp sums to 1. Here dlogp is that of any loss.": lambda dlogp, p: (
                dlogp - p
            ),
            "this holds if the row's dlogp sums to −1. Here dlogp is that of any loss.": lambda dlogp, p: (
                dlogp + p
            ),
            "the sum was taken over the examples (dimension 0). total is a row's sum: dimension 1.": (
                lambda dlogp, p: dlogp - p * dlogp.sum(0)
            ),
        },
    ),
    "14.22": derivation(
        _cross_entropy,
        (N, C),
        mistakes={
            "1/N is left out: the loss is a mean over the examples.": lambda g, z2: (g * _error(z2),),
            "the sign is wrong: where the right class is certain, p − target is zero; where it is not, its "
            "score has to rise, so its gradient is negative.": lambda g, z2: (-g * _error(z2) / N,),
            "grad_output is forgotten: it is 1 on this page, but not where the loss is scaled.": (
                lambda g, z2: (_error(z2) / N,)
            ),
            "divided by N C: the loss is a mean over the examples, and a sum over the classes.": (
                lambda g, z2: (g * _error(z2) / (N * C),)
            ),
            "this is the gradient by logp, of which the row's sum has been left out.": lambda g, z2: (
                g * (_error(z2) - z2.softmax(1)) / N,
            ),
            "target is forgotten.": lambda g, z2: (g * z2.softmax(1) / N,),
            "the softmax is taken down the columns; the classes are dimension 1.": lambda g, z2: (
                g * (z2.softmax(0) - z2.softmax(1) + _error(z2)) / N,
            ),
        },
    ),
    "14.23": same_numbers(
        lambda dxhat, xhat, std: -_stretch(dxhat, xhat) / std,
        _columns,
        {
            "the sign: dstd has a minus.": lambda dxhat, xhat, std: _stretch(dxhat, xhat) / std,
            "the 1/N of var makes a mean of the sum in dstd.": lambda dxhat, xhat, std: (
                -_stretch(dxhat, xhat) / std * len(xhat)
            ),
            "1/(N − 1) for 1/N: var is the mean of the squares here.": lambda dxhat, xhat, std: (
                -_stretch(dxhat, xhat) / std * len(xhat) / (len(xhat) - 1)
            ),
            "the 2 of the square and the ½ of the root cancel; here the ½ is still there.": (
                lambda dxhat, xhat, std: -_stretch(dxhat, xhat) / std / 2
            ),
            "the 2 of the square and the ½ of the root cancel; here the 2 is still there.": (
                lambda dxhat, xhat, std: -2 * _stretch(dxhat, xhat) / std
            ),
            "std is to be divided by once. In dstd / (2 std) · 2 centred stands std², but centred / std is "
            "xhat, which takes one of them.": lambda dxhat, xhat, std: -_stretch(dxhat, xhat) / std**2,
            "1/std is missing: dstd has one, dvar another, and centred / std takes only one of the two.": (
                lambda dxhat, xhat, std: -_stretch(dxhat, xhat)
            ),
            "centred is missing: this is the same for all examples of a column.": lambda dxhat, xhat, std: (
                -(dxhat * xhat).mean(0) / std + 0 * xhat
            ),
            "the mean is missing: all examples move the same var.": lambda dxhat, xhat, std: (
                -xhat * dxhat * xhat / std
            ),
        },
    ),
    "14.24": same_numbers(
        lambda dxhat, std: -dxhat.mean(0) / std,
        lambda: [(dxhat, std) for dxhat, _, std in _columns()],
        {
            "the sign: centred = z1 − mu.": lambda dxhat, std: dxhat.mean(0) / std,
            "that is dmu; a row of z1 has the slope 1/N in mu.": lambda dxhat, std: -dxhat.sum(0) / std,
            "1/std is missing.": lambda dxhat, std: -dxhat.mean(0),
            "1/(N − 1) for 1/N: mu is a plain mean.": lambda dxhat, std: (
                -dxhat.sum(0) / std / (len(dxhat) - 1)
            ),
        },
    ),
    "14.25": same_numbers(
        lambda dxhat, xhat, std: (dxhat - dxhat.mean(0) - _stretch(dxhat, xhat)) / std,
        _columns,
        {
            "mean and variance are taken for constants. That is batch norm in evaluation mode; in training "
            "both move with each example.": lambda dxhat, xhat, std: dxhat / std,
            "the mean's path is forgotten: add what 14.24 gives.": lambda dxhat, xhat, std: (
                (dxhat - _stretch(dxhat, xhat)) / std
            ),
            "the variance's path is forgotten: add what 14.23 gives.": lambda dxhat, xhat, std: (
                (dxhat - dxhat.mean(0)) / std
            ),
            "both paths have a minus.": lambda dxhat, xhat, std: (
                (dxhat + dxhat.mean(0) + _stretch(dxhat, xhat)) / std
            ),
            "1/(N − 1) for 1/N in the variance: batch norm normalises with the mean of the squares.": (
                lambda dxhat, xhat, std: (
                    (dxhat - dxhat.mean(0) - _stretch(dxhat, xhat) * len(xhat) / (len(xhat) - 1)) / std
                )
            ),
            "sums for means: 1/N of mu and of var is left out.": lambda dxhat, xhat, std: (
                (dxhat - (dxhat.mean(0) + _stretch(dxhat, xhat)) * len(xhat)) / std
            ),
            "only the first of the three terms is divided by std; all are.": lambda dxhat, xhat, std: (
                dxhat / std - dxhat.mean(0) - _stretch(dxhat, xhat)
            ),
            "1/std is missing.": lambda dxhat, xhat, std: dxhat - dxhat.mean(0) - _stretch(dxhat, xhat),
            "the last term lacks a factor xhat: var moves each example by its own centred.": (
                lambda dxhat, xhat, std: (dxhat - dxhat.mean(0) - (dxhat * xhat).mean(0)) / std
            ),
        },
    ),
    "14.26": derivation(_loss, *SHAPES),
}

EXERCISES: dict[str, Judge] = {
    f"14.{i}": rung(f"14.{i}", name, line, mistakes, because)
    for i, (name, line, mistakes, because) in enumerate(LINES, 1)
} | {number: timed(number, judge) for number, judge in SHORT.items()}

PREDICTIONS: dict[str, Question] = {
    "14a": Choice(
        "∂L/∂logp halves, ∂L/∂W2 stays",
        {
            "both stay": "The loss is a mean over 14 examples now: each entry of logp is in it with 1/14.",
            "∂L/∂logp halves, ∂L/∂W2 stays": "Each example counts half as much, and there are twice as many "
            "to be summed. This is why a learning rate need not be changed as soon as a batch grows.",
            "∂L/∂logp stays, ∂L/∂W2 doubles": "So it would be with a loss that is the sum over the examples.",
            "both halve": "The first does. But W2 is used by twice as many examples, and its gradient is the "
            "sum over them.",
        },
    ),
    "14b": Choice(
        "zero, in every row",
        {
            "the sum of the row's ∂L/∂z2, which is not zero": "It is minus the sum of that row's de ⊙ e. But "
            "what does p do if the same number is subtracted from all scores of the row?",
            "zero, in every row": "e and total both change by the same factor, which cancels in p. Where the "
            "value cannot change, the slope is zero.",
            "zero where the largest score is that of the right class": "That the right class has the largest "
            "score changes the loss. But p is the same whatever is subtracted from the whole row.",
        },
    ),
    "14c": Choice(
        "zero",
        {
            "the column sums of ∂L/∂h, as for beta": "beta is added after the normalisation, and b1 before "
            "it. What becomes of a number that is added to a whole column, when its mean is subtracted?",
            "zero": "Whatever b1 adds to a column, mu has it too, and z1 − mu is what it was. The loss does "
            "not depend on b1. This is why layers before a batch norm are made with bias=False.",
            "not zero, but small": "It would be small if mu took up only a part of what b1 adds. But mu "
            "grows by exactly b1.",
        },
    ),
    "14d": Number(
        13,
        "Cross-entropy is one line for five. Between dxhat and dz1 two stand for five: derive gives the mean "
        "of dxhat ⊙ xhat a line of its own. All else stays.",
        {
            20: "That is the long form. Two stretches of it have become short.",
            12: "Nearly: derive writes the mean of dxhat ⊙ xhat, which the formula has in it, in a line of "
            "its own.",
            8: "dW2, db2, da, dh, dgamma, dbeta, dxhat, dx, dW1 and db1 are as they were: ten lines.",
        },
        within=0.02,
    ),
    "14e": Choice(
        "nan for the ladder, (1, −1) for the short form",
        {
            "(1, −1) for both": "On paper they are equal. But the ladder divides by p, and p of the right "
            "class is e⁻²⁰⁰, which float32 rounds to 0.",
            "nan for the ladder, (1, −1) for the short form": "p = (1, 0): the ladder forms −1/0 = −inf and "
            "then inf · 0. In p − target nothing is divided by p.",
            "zero for both": "That is what a saturated squared error would give. p − target is largest "
            "where the network is certain and wrong.",
            "nan for both": "The short form does not divide by p and takes no logarithm: p is (1, 0), target "
            "(0, 1).",
        },
    ),
    "14f": Choice(
        "less than twice as fast as the ladder",
        {
            "less than twice as fast as the ladder": "From dxhat to dz1, nine operations on a whole "
            "table have become seven, and going through memory is what takes the time.",
            "three to five times as fast": "There are fewer lines, indeed. But one line can hold many "
            "operations, and the short form of batch norm has seven that go over the whole table.",
            "ten times as fast, or more": "That would need a tenth of the passes over the table. Count the "
            "operations with an (N, M) table in the line of three terms.",
        },
    ),
}
