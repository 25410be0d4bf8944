"""Wrong backwards of embeddings and of an affine layer of sequences in NumPy."""

import numpy as np

from tests.verify.gallery.derivation import Gradients, NamedForm
from tests.verify.gallery.numpy_layers import Array, Cache
from tests.verify.gallery.numpy_sequences import (
    EMBEDDING,
    TEMPORAL,
    temporal_affine_forward,
    word_embedding_forward,
)

NUMPY_WRONG_WORDS = NamedForm()
wrong = NUMPY_WRONG_WORDS.wrong


@wrong(
    "words: vectors of a word overwrite each other",
    EMBEDDING,
    word_embedding_forward,
    mistake="assigned",
    bad=("W",),
    line="dW[x] = dout",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, shape = cache
    dW = np.zeros(shape)
    dW[x] = dout
    return dW


@wrong(
    "words: added once where a word comes twice",
    EMBEDDING,
    word_embedding_forward,
    mistake="assigned",
    bad=("W",),
    line="dW[x] += dout",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, shape = cache
    dW = np.zeros(shape)
    dW[x] += dout
    return dW


@wrong(
    "words: put into the rows in order",
    EMBEDDING,
    word_embedding_forward,
    mistake="other-places",
    bad=("W",),
    line="np.add.at(dW, np.sort(x, axis=None), dout.reshape(-1, dout.shape[2]))",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, (V, D) = cache
    dW = np.zeros((V, D))
    np.add.at(dW, np.sort(x, axis=None), dout.reshape(-1, dout.shape[2]))
    return dW


@wrong(
    "layer of sequences: the bias not summed over time",
    TEMPORAL,
    temporal_affine_forward,
    mistake=("not-summed", "wrong-dimension", "other-dimension"),
    bad=("b",),
    line="db = dout.sum(axis=0)",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, out = cache
    N, T, D = x.shape
    M = b.shape[0]
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)
    dw = dout.reshape(N * T, M).T.dot(x.reshape(N * T, D)).T
    db = dout.sum(axis=0)
    return dx, dw, db


@wrong(
    "layer of sequences: reshaped where it is to be transposed",
    TEMPORAL,
    temporal_affine_forward,
    mistake=("other-places", "transposed"),
    bad=("w",),
    line="dw = x.reshape(D, N * T).dot(dout.reshape(N * T, M))",
)
def _(dout: Array, cache: Cache) -> Gradients:
    x, w, b, out = cache
    N, T, D = x.shape
    M = b.shape[0]
    dx = dout.reshape(N * T, M).dot(w.T).reshape(N, T, D)
    dw = x.reshape(D, N * T).dot(dout.reshape(N * T, M))
    return dx, dw, dout.sum(axis=(0, 1))
