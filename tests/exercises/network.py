"""Wrong answers to the exercises of “A neuron, a layer, a network”."""

from typing import Any

from torch import Tensor


def hidden(x: Tensor, w1: Tensor, b1: Tensor) -> Tensor:
    return (x @ w1.T + b1).relu()


def before_softmax(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    return hidden(x, w1, b1) @ w2.T + b2


WRONG: list[tuple[str, Any, str]] = [
    ("2.1", 266200, "where are the biases"),
    ("2.1", 267384, "not to an input"),
    ("2.1", 236510, "layer in the middle"),
    ("2.1", 1194, "each pair of neighbours"),
    ("2.1", 267394, "have no biases"),
    ("2.1", 266600, "the last layer has biases"),
    ("2.1", 101770, "of this page"),
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
    ("2.2", lambda *of: before_softmax(*of).exp(), "divide each row by its sum"),
    ("2.2", lambda *of: before_softmax(*of).log_softmax(1), "logarithms of the beliefs"),
    ("2.2", lambda *of: before_softmax(*of).flatten().softmax(0).reshape(len(of[0]), -1), "all entries"),
    ("2.2", lambda *of: before_softmax(*of).sigmoid(), "sigmoid of each logit"),
    (
        "2.2",
        lambda x, w1, b1, w2, b2: ((x @ w1.T + b1).sigmoid() @ w2.T + b2).softmax(1),
        "in place of the ReLU",
    ),
    ("2.2", lambda x, w1, b1, w2, b2: (hidden(x, w1, b1) @ w2.T).softmax(1), "second bias is missing"),
    ("2.2", lambda *of: before_softmax(*of).softmax(1).T, "the transpose"),
    ("2.2", lambda x, w1, b1, w2, b2: (hidden(x, w1, b1) @ w2 + b2).softmax(1), "second transpose"),
    ("2.2", lambda *of: before_softmax(*of).argmax(1), "expected a result of shape"),
    ("2.3", lambda w, b, mean, deviation: (w - mean / deviation, b), "μ is taken from W"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, b / deviation), "never multiplied by a pixel"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, -mean / deviation * w.sum(1)), "b is missing"),
    ("2.3", lambda w, b, mean, deviation: (w / deviation, b - mean / deviation * w.sum()), "of all neurons"),
    (
        "2.3",
        lambda w, b, mean, deviation: (w / deviation, b - mean / deviation * (w / deviation).sum(1)),
        "divided by s twice",
    ),
]
