"""The exercises of “Loss functions”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import numbers_in, returned
from manual_backprop.exercises.judges import Judge, derivation
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question

TARGET = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]  # the page's labels


def _at_temperature(z: Tensor, T: Tensor) -> Tensor:
    """−log softmax(z / T) of the right class, (N,)."""
    return -(TARGET * (z / T).log_softmax(1)).sum(1)


def _error(g: Tensor, z: Tensor, T: Tensor) -> Tensor:
    """∂L/∂(z / T)."""
    return g[:, None] * ((z / T).softmax(1) - TARGET)


def _to_temperature(g: Tensor, z: Tensor, T: Tensor) -> Tensor:
    return -(_error(g, z, T) * z).sum().reshape(1) / T**2


def _of_class(values: Tensor, y: Tensor) -> Tensor:
    return values.gather(1, y[:, None]).squeeze(1)


def _others(z: Tensor, y: Tensor, instead: float = -torch.inf) -> Tensor:
    """The logits, with another one for each row's class y."""
    return z.scatter(1, y[:, None], instead)


def _not_this_class(z: Tensor, y: Tensor) -> Tensor:
    """−log(1 − p_y), computed with room to spare."""
    z = z.double()
    return torch.nn.functional.softplus(_of_class(z, y) - _others(z, y).logsumexp(1))


def _ordinary(z: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(z.double(), y, reduction="none")


def _one_minus(z: Tensor, y: Tensor) -> Tensor:
    return -(1 - _of_class(z.softmax(1), y)).log()


def _vanishing(z: Tensor, y: Tensor) -> Tensor:
    """The others are shifted by the maximum of all."""
    shifted = z - z.amax(1, keepdim=True)
    return shifted.exp().sum(1).log() - _others(shifted, y).exp().sum(1).log()


def _unshifted(z: Tensor, y: Tensor) -> Tensor:
    return z.exp().sum(1).log() - _others(z, y).exp().sum(1).log()


def _unshifted_others(z: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.softplus(_of_class(z, y) - _others(z, y).exp().sum(1).log())


def _one_maximum(z: Tensor, y: Tensor) -> Tensor:
    return _unshifted(z - z.max(), y)


def _one_maximum_of_others(z: Tensor, y: Tensor) -> Tensor:
    return _unshifted_others(z - _others(z, y).max(), y)


def _distance(z: Tensor, y: Tensor) -> Tensor:
    """z_y − log Σ e^z over the others, with no large number in between."""
    others = _others(z, y)
    m = others.amax(1)
    return (_of_class(z, y) - m) - (others - m[:, None]).exp().sum(1).log()


def _overflowing(z: Tensor, y: Tensor) -> Tensor:
    return (1 + _distance(z, y).exp()).log()


def _half_shifted(z: Tensor, y: Tensor) -> Tensor:
    others = _others(z, y)
    shifted = others - others.amax(1, keepdim=True)
    return torch.nn.functional.softplus(_of_class(z, y) - shifted.exp().sum(1).log())


def _large_numbers(z: Tensor, y: Tensor) -> Tensor:
    return z.logsumexp(1) - _others(z, y).logsumexp(1)


def _large_distance(z: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.softplus(_of_class(z, y) - _others(z, y).logsumexp(1))


def _zero_instead(z: Tensor, y: Tensor) -> Tensor:
    z = z.double()
    return z.logsumexp(1) - _others(z, y, 0.0).logsumexp(1)


def _largest_other(z: Tensor, y: Tensor) -> Tensor:
    z = z.double()
    return torch.nn.functional.softplus(_of_class(z, y) - _others(z, y).amax(1))


STABLE_MISTAKES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "that is minus the right one: the logarithm of a probability is negative.": (
        lambda z, y: -_not_this_class(z, y)
    ),
    "that is −log p_y, the ordinary cross-entropy. Asked for is −log(1 − p_y).": _ordinary,
    "that is 1 − p_y; asked for is −log(1 − p_y).": lambda z, y: (-_not_this_class(z, y)).exp(),
    "leaving out class y does not mean to put 0 in its place: 0 is a logit like others, and e⁰ = 1 is added "
    "to the sum.": _zero_instead,
    "only the largest of the other logits is there. All of them belong to the sum.": _largest_other,
    "in float32 the others are lost where p_y is near 1: 1 − p_y, or Σ e^z − e^(z_y), becomes 0. Sum over "
    "the others alone.": _one_minus,
    "one maximum was taken for all rows. In a row far below it every exponential is 0, and so is their sum: "
    "each row needs its own.": _one_maximum,
    "one maximum was taken for the others in all rows. In a row far below it every exponential is 0, and so "
    "is their sum: each row needs its own.": _one_maximum_of_others,
    "log(1 + e^d) overflows where d is above 88: that, too, is a log-sum-exp, of 0 and d.": _overflowing,
    "m was subtracted inside the sum of the others only. What is taken out there has to be taken from z_y "
    "too.": _half_shifted,
    "an exponential overflowed, or all of a sum vanished: above about 88, e^z is inf in float32, and below "
    "about −103 it is 0. Shift by a maximum first.": _unshifted,
    "all exponentials of the others vanished, or one overflowed: above about 88, e^z is inf in float32, and "
    "below about −103 it is 0. Shift them by their maximum first.": _unshifted_others,
    "where z_y is far above the others, all of their exponentials are 0, and so is their sum. Shift the "
    "others by a maximum of their own.": _vanishing,
    "right until the logits are large: the two log-sum-exp are rounded at the size of m, and their "
    "difference keeps that error. Subtract the maxima from each other before you add the logarithms.": (
        _large_numbers
    ),
    "right until the logits are large: m + log Σ is rounded at the size of m, and its difference from z_y "
    "keeps that error. Subtract m from z_y first.": _large_distance,
}


def _logits() -> list[tuple[Tensor, Tensor]]:
    """Float32 logits that each trap in turn catches, and classes."""
    generator = torch.Generator().manual_seed(0)
    plain = torch.randn(7, 5, generator=generator)
    y = torch.randint(5, (7,), generator=generator)
    sure = torch.tensor([[30.0, 0.0, 1.0], [0.0, 31.0, 2.0]])  # 1 − p_y is 0 in float32
    rows = torch.tensor([[1000.0, 999.0, 998.0], [0.0, 1.0, 2.0]])  # with maxima that are far apart
    between = torch.tensor([[0.0, -92.0, -93.0], [-93.0, 0.0, -95.0]])  # e⁹² is inf, e⁻⁹² is not 0
    large = torch.tensor([[95.0, 94.0, 20.0], [20.0, 95.0, 95.5]])
    far = torch.tensor([[1000.0, 0.0, 0.0], [-1000.0, -2000.0, -1500.0]])
    high = 1e6 + torch.tensor([[0.0, 1.0, 2.0], [2.0, 0.5, 1.0], [0.125, 0.25, 2.0]])
    return [
        (plain, y),
        (sure, torch.tensor([0, 1])),
        (rows, torch.tensor([1, 1])),
        (between, torch.tensor([0, 1])),
        (large, torch.tensor([0, 1])),
        (far, torch.tensor([0, 0])),
        (high, torch.tensor([0, 1, 2])),
    ]


def _stable(answer: Any) -> Judgement:
    mistakes = STABLE_MISTAKES
    for z, y in _logits():
        given = numbers_in(returned(answer, z, y))
        expected = _not_this_class(z, y)
        if given.shape != expected.shape:
            return False, f"expected a result of shape {tuple(expected.shape)}, got {tuple(given.shape)}."
        wrong = ~torch.isclose(given, expected, rtol=1e-4)
        as_if = {why: mistake(z, y).to(given) for why, mistake in mistakes.items()}
        if not wrong.any():  # then a mistake that is wrong here was not made
            mistakes = {
                why: mistakes[why] for why in as_if if torch.allclose(as_if[why], expected, rtol=1e-4)
            }
            continue
        n = int(wrong.int().argmax())
        logits = ", ".join(f"{logit:.6g}" for logit in z[n].tolist())
        on = f"for the logits {logits} and y = {y[n]}, expected {expected[n]:.6g}, got {given[n]:.6g}."
        for why, numbers in as_if.items():
            if torch.allclose(given, numbers, rtol=1e-4, equal_nan=True):
                return False, f"not yet: {on}\n{why}"
        if mistakes is not STABLE_MISTAKES and given[n].isfinite() and given[n] < expected[n]:
            on += "\nIs a small number added in the logarithm, or a bound set? It hides the `inf`."
        return False, f"not yet: {on}"
    return True, "right."


PREDICTIONS: dict[str, Question] = {
    "4a": Choice(
        right="squared error: the one with z = −2; cross-entropy: the one with z = −8",
        remarks={
            "both losses: the one with z = −8, which is further off": "The loss is larger there, but δ is "
            "its slope. The sigmoid is flat at −8, and (σ(z) − 1)² hardly changes with z.",
            "both losses: the one with z = −2": "So it is under the squared error. But at z = −8, −log σ(z) "
            "is nearly −z, a line with the slope −1, and at −2 it is less steep.",
            "squared error: the one with z = −2; cross-entropy: the one with z = −8": "At −8 the sigmoid is "
            "flat, and so is its squared error. But −log σ(z) is nearly −z there, and keeps its slope.",
            "squared error: the one with z = −8; cross-entropy: the one with z = −2": "It is the other way "
            "round. At −8 the sigmoid is flat, and so is its squared error; but −log σ(z) is nearly −z "
            "there, and has the slope −1.",
        },
    ),
    "4b": Choice(
        right="cross-entropy about 90 %, squared error far fewer",
        remarks={
            "both about 90 %": "A larger η would have to make up for the small δ. But the largest of the "
            "three is 30 times the smallest, and most δ have shrunk by far more than that.",
            "cross-entropy about 90 %, squared error far fewer": "Its mistakes are confident, so that under "
            "the squared error most of them have a δ near zero.",
            "cross-entropy about 90 %, squared error none": "Most δ are near zero, but not all: the digits "
            "of which it is less sure teach something, and what they change makes it less sure of others.",
            "both fewer than half": "Under the cross-entropy δ is p − t, and is largest where the network is "
            "sure and wrong. It only has to change its mind about the names.",
        },
    ),
    "4c": Choice(
        right="nan, inf, nan",
        remarks={
            "0, 1000, 0.69": "That is so on paper. In float32, e^1000 is `inf` and e^−1000 is 0.",
            "0, inf, 0.69": "The second one is. But in the first p_y is `inf / inf`, and in the third every "
            "exponential is 0.",
            "inf, inf, inf": "The second one is. In the first and the third p_y is `inf / inf` and `0 / 0`, "
            "which are `nan`.",
            "nan, inf, nan": "p_y is `inf / inf`, 0 and `0 / 0`.",
            "nan, inf, 0.69": "In the third, both exponentials are 0, so that p_y is `0 / 0`.",
        },
    ),
    "4d": Choice(
        right="mean: as before; sum: four times as long",
        remarks={
            "both as before": "Each copy adds its own gradient to a sum. Only the mean divides by the number "
            "of examples.",
            "mean: as before; sum: four times as long": "Four equal gradients are added; the mean divides by "
            "four times as many examples.",
            "mean: a quarter; sum: as before": "The mean does divide by four times as many examples. But it "
            "also adds four times as many gradients.",
            "both four times as long": "So it is with the sum. The mean then divides by four times as many "
            "examples.",
        },
    ),
    "4e": Number(
        1,
        because="The 5 stands above and below, and cancels.",
        mistakes={
            5: "Each loss above is multiplied by 5. But so is each 1 that is counted below.",
            0.2: "The divisor is multiplied by 5. But so is each loss above.",
            50: "There are 10 classes, but each example has the weight of its own class only.",
            0: "A factor of 0 would leave no loss at all. The 5 stands above and below.",
        },
        within=0.01,
    ),
}

EXERCISES: dict[str, Judge] = {
    "4.1": Number(
        lambda: 0.1 / 160,
        mistakes={
            0.1: "the gradient of the sum is a multiple of that of the mean, and so would every step be.",
            1.5625e-4: "640 is what the mean over the old batches divides by. The sum is now over 16 "
            "examples.",
            6.25e-3: "you divided by N. The mean of mse_loss divides by the number of all entries, N times "
            "10.",
            1.5625e-3: "you divided by the old N. The sum is now over 16 examples, with 10 entries each.",
            1e-2: "that is the number of outputs. The sum is also over the examples.",
            0.025: "that is the ratio of the batches. Going from the mean to the sum changes far more.",
            0.4: "that is the ratio of the batches. Going from the mean to the sum changes far more, and "
            "makes η smaller.",
            3.90625e-5: "with smaller batches there is less to sum: divide by 16 · 10, whatever the old "
            "batch was.",
            16.0: "you multiplied by 160. The sum's gradient is already 160 times longer.",
            64.0: "you multiplied by 640. The sum's gradient is longer, so that η is to be smaller.",
        },
    ),
    "4.2": derivation(
        _at_temperature,
        (5, 3),
        torch.tensor([1.7], dtype=torch.float64),
        mistakes={
            "the slope of z/T with respect to z, 1/T, is missing.": lambda g, z, T: (
                _error(g, z, T),
                _to_temperature(g, z, T) * T**2,
            ),
            "∂L/∂T has the wrong sign: the slopes are −z/T² and, of ℓ at z/T, p − t.": lambda g, z, T: (
                _error(g, z, T) / T,
                -_to_temperature(g, z, T),
            ),
            "the slope of z/T with respect to T is −z/T²; you divided by T only once.": lambda g, z, T: (
                _error(g, z, T) / T,
                _to_temperature(g, z, T) * T,
            ),
            "the slope of z/T with respect to z is 1/T; you multiplied by T.": lambda g, z, T: (
                _error(g, z, T) * T,
                _to_temperature(g, z, T),
            ),
            "t is missing: the slope of the cross-entropy at its logits is p − t.": lambda g, z, T: (
                g[:, None] * (z / T).softmax(1) / T,
                -(g[:, None] * (z / T).softmax(1) * z).sum().reshape(1) / T**2,
            ),
            "the softmax is that of z/T, not of z.": lambda g, z, T: (
                _error(g, z, torch.ones_like(T)) / T,
                -(_error(g, z, torch.ones_like(T)) * z).sum().reshape(1) / T**2,
            ),
        },
    ),
    "4.3": _stable,
}
