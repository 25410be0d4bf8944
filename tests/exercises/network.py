"""Wrong answers to the exercises of “A neuron, a layer, a network”."""

from typing import Any

from torch import Tensor


def hidden(x: Tensor, w1: Tensor, b1: Tensor) -> Tensor:
    return (x @ w1.T + b1).relu()


WRONG: list[tuple[str, Any, str]] = [
    ("2.1", 266200, "where are the biases"),
    ("2.1", 267384, "not to an input"),
    ("2.1", 236510, "layer in the middle"),
    ("2.1", 1194, "each pair of neighbours"),
    ("2.2", lambda x, w1, b1, w2, b2: hidden(x, w1, b1) @ w2.T + b2, "softmax is missing"),
    ("2.2", lambda x, w1, b1, w2, b2: (hidden(x, w1, b1) @ w2.T + b2).softmax(0), "columns sum to 1"),
    ("2.2", lambda x, w1, b1, w2, b2: ((x @ w1.T + b1) @ w2.T + b2).softmax(1), "the two are one"),
    (
        "2.2",
        lambda x, w1, b1, w2, b2: hidden(hidden(x, w1, b1), w2, b2).softmax(1),
        "between the layers only",
    ),
    ("2.2", lambda x, w1, b1, w2, b2: ((x @ w1 + b1).relu() @ w2 + b2).softmax(1), "transposes are missing"),
    ("2.2", lambda x, w1, b1, w2, b2: ((x @ w1.T).relu() @ w2.T).softmax(1), "biases are missing"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, b), "add up to"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, b - mean / deviation), "through the weights"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, b + mean / deviation * w.sum(1)), "wrong sign"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, (b - mean * w.sum(1)) / deviation), "b is divided"),
    ("2.3", lambda w, b, mean, deviation: (w * deviation, b), "multiplied by s"),
    ("2.3", lambda w, b, mean, deviation: ((w - mean) / deviation, b), "W itself was normalised"),
    ("2.3", lambda w, b, mean, deviation: (w.T / deviation, b - mean / deviation * w.sum(1)), "shape"),
]
