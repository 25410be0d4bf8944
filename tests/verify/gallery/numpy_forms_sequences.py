"""Recurrent networks in NumPy that return their loss and its gradients, right and wrong."""

from typing import Any

import numpy as np

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import Array

NUMPY_FORMS_SEQUENCES = NamedForm()
right, wrong = NUMPY_FORMS_SEQUENCES.right, NUMPY_FORMS_SEQUENCES.wrong
Params = dict[str, Array]
Returned = tuple[Any, ...]

INPUTS = np.array([0, 3, 1, 3])
TARGETS = np.array([3, 1, 3, 2])
CHARACTERS = ({"Wxh": (6, 4), "Whh": (6, 6), "Why": (4, 6), "bh": (6, 1), "by": (4, 1)}, INPUTS, TARGETS)
IN_A_ROW = (INPUTS, TARGETS, (5, 1), (5, 4), (5, 5), (4, 5))


@right("characters, one at a time", CHARACTERS)
def characters(params: Params, inputs: Array, targets: Array) -> Returned:
    Wxh, Whh, Why, bh, by = (params[k] for k in ("Wxh", "Whh", "Why", "bh", "by"))
    xs, hs, ps = {}, {-1: np.zeros((6, 1))}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((4, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        scores = Why @ hs[t] + by
        ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby, dhnext = np.zeros_like(bh), np.zeros_like(by), np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dby += dy
        dh = Why.T @ dy + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += dhraw @ xs[t].T
        dWhh += dhraw @ hs[t - 1].T
        dhnext = Whh.T @ dhraw
    return loss, {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}


@right("characters, weights in a row", IN_A_ROW)
def in_a_row(inputs: Array, targets: Array, hprev: Array, Wxh: Array, Whh: Array, Why: Array) -> Returned:
    hs = [hprev]
    loss, dys = 0.0, []
    for i, target in zip(inputs, targets, strict=True):
        hs.append(np.tanh(Wxh[:, [i]] + np.dot(Whh, hs[-1])))
        y = np.dot(Why, hs[-1])
        p = np.exp(y - np.max(y)) / np.sum(np.exp(y - np.max(y)))
        loss -= np.log(p[target]).item()
        dy = p.copy()
        dy[target] -= 1
        dys.append(dy)
    dWxh, dWhh, dWhy = np.zeros(Wxh.shape), np.zeros(Whh.shape), np.zeros(Why.shape)
    dh = np.zeros_like(hprev)
    for t in range(len(inputs), 0, -1):
        dWhy += np.dot(dys[t - 1], hs[t].T)
        dz = (np.dot(Why.T, dys[t - 1]) + dh) * (1 - hs[t] ** 2)
        dWxh[:, inputs[t - 1]] += dz.ravel()
        dWhh += np.dot(dz, hs[t - 1].T)
        dh = np.dot(Whh.T, dz)
    return loss, {"hprev": dh, "Wxh": dWxh, "Whh": dWhh, "Why": dWhy}


@wrong(
    "characters: nothing comes back from the next step",
    CHARACTERS,
    mistake=("truncated-in-time", "left-out", "forgotten-use", "forgotten-path"),
    bad=("Wxh", "Whh", "bh"),
    line="dhraw = (1 - hs[t] * hs[t]) * (Why.T @ dy)",
)
def without_next(params: Params, inputs: Array, targets: Array) -> Returned:
    Wxh, Whh, Why, bh, by = (params[k] for k in ("Wxh", "Whh", "Why", "bh", "by"))
    xs, hs, ps = {}, {-1: np.zeros((6, 1))}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((4, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        scores = Why @ hs[t] + by
        ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(ps[t][targets[t], 0])
    grads = {k: np.zeros_like(p) for k, p in params.items()}
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dhraw = (1 - hs[t] * hs[t]) * (Why.T @ dy)
        grads["Why"] += dy @ hs[t].T
        grads["by"] += dy
        grads["bh"] += dhraw
        grads["Wxh"] += dhraw @ xs[t].T
        grads["Whh"] += dhraw @ hs[t - 1].T
    return loss, grads


@wrong(
    "characters: the recurrent weight from the step's own state",
    CHARACTERS,
    mistake=("other-tensor",),
    bad=("Whh",),
    line='grads["Whh"] += dhraw @ hs[t].T',
)
def own_state(params: Params, inputs: Array, targets: Array) -> Returned:
    Wxh, Whh, Why, bh, by = (params[k] for k in ("Wxh", "Whh", "Why", "bh", "by"))
    xs, hs, ps = {}, {-1: np.zeros((6, 1))}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((4, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        scores = Why @ hs[t] + by
        ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(ps[t][targets[t], 0])
    grads = {k: np.zeros_like(p) for k, p in params.items()}
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dhraw = (1 - hs[t] * hs[t]) * (Why.T @ dy + dhnext)
        grads["Why"] += dy @ hs[t].T
        grads["by"] += dy
        grads["bh"] += dhraw
        grads["Wxh"] += dhraw @ xs[t].T
        grads["Whh"] += dhraw @ hs[t].T
        dhnext = Whh.T @ dhraw
    return loss, grads


@wrong(
    "characters, weights in a row: assigned where one comes twice",
    IN_A_ROW,
    mistake=("assigned", "forgotten-use"),
    bad=("Wxh",),
    line="dWxh[:, inputs[t - 1]] = dz.ravel()",
)
def assigned(inputs: Array, targets: Array, hprev: Array, Wxh: Array, Whh: Array, Why: Array) -> Returned:
    hs = [hprev]
    loss, dys = 0.0, []
    for i, target in zip(inputs, targets, strict=True):
        hs.append(np.tanh(Wxh[:, [i]] + np.dot(Whh, hs[-1])))
        y = np.dot(Why, hs[-1])
        p = np.exp(y - np.max(y)) / np.sum(np.exp(y - np.max(y)))
        loss -= np.log(p[target]).item()
        dy = p.copy()
        dy[target] -= 1
        dys.append(dy)
    dWxh, dWhh, dWhy = np.zeros(Wxh.shape), np.zeros(Whh.shape), np.zeros(Why.shape)
    dh = np.zeros_like(hprev)
    for t in range(len(inputs), 0, -1):
        dWhy += np.dot(dys[t - 1], hs[t].T)
        dz = (np.dot(Why.T, dys[t - 1]) + dh) * (1 - hs[t] ** 2)
        dWxh[:, inputs[t - 1]] = dz.ravel()
        dWhh += np.dot(dz, hs[t - 1].T)
        dh = np.dot(Whh.T, dz)
    return loss, {"hprev": dh, "Wxh": dWxh, "Whh": dWhh, "Why": dWhy}


@wrong(
    "characters, weights in a row: the recurrent weight not transposed on the way back",
    IN_A_ROW,
    mistake=("transposed", "jacobian-transposed"),
    bad=("hprev", "Wxh", "Whh"),
    line="dh = np.dot(Whh, dz)",
)
def not_transposed(
    inputs: Array, targets: Array, hprev: Array, Wxh: Array, Whh: Array, Why: Array
) -> Returned:
    hs = [hprev]
    loss, dys = 0.0, []
    for i, target in zip(inputs, targets, strict=True):
        hs.append(np.tanh(Wxh[:, [i]] + np.dot(Whh, hs[-1])))
        y = np.dot(Why, hs[-1])
        p = np.exp(y - np.max(y)) / np.sum(np.exp(y - np.max(y)))
        loss -= np.log(p[target]).item()
        dy = p.copy()
        dy[target] -= 1
        dys.append(dy)
    dWxh, dWhh, dWhy = np.zeros(Wxh.shape), np.zeros(Whh.shape), np.zeros(Why.shape)
    dh = np.zeros_like(hprev)
    for t in range(len(inputs), 0, -1):
        dWhy += np.dot(dys[t - 1], hs[t].T)
        dz = (np.dot(Why.T, dys[t - 1]) + dh) * (1 - hs[t] ** 2)
        dWxh[:, inputs[t - 1]] += dz.ravel()
        dWhh += np.dot(dz, hs[t - 1].T)
        dh = np.dot(Whh, dz)
    return loss, {"hprev": dh, "Wxh": dWxh, "Whh": dWhh, "Why": dWhy}
