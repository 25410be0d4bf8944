"""Layers in NumPy whose `backward` is wrong."""

import numpy as np

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_forms_layers import (
    Affine,
    LayerNorm,
    Linear,
    MatMul,
    Multiply,
    Relu,
    Sequential,
    Sigmoid,
    affine,
)
from tests.verify.gallery.numpy_functions import Array

NUMPY_FORMS_LAYERS_WRONG = NamedForm()
wrong = NUMPY_FORMS_LAYERS_WRONG.wrong
RNG = np.random.default_rng(4)


class AffineOfTheBatch(Affine):
    def backward(self, dout: Array) -> Array:
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=1)
        return np.dot(dout, self.W.T)


class AffineAveraged(Affine):
    def backward(self, dout: Array) -> Array:
        n = self.x.shape[0]
        self.dW = np.dot(self.x.T, dout) / n
        self.db = np.sum(dout, axis=0) / n
        return np.dot(dout, self.W.T)


class SigmoidOfItsInput(Sigmoid):
    def forward(self, x: Array) -> Array:
        self.x = x
        return 1 / (1 + np.exp(-x))

    def backward(self, dout: Array) -> Array:
        return dout * self.x * (1 - self.x)


class ReluInverted(Relu):
    def forward(self, x: Array) -> Array:
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


class LinearTransposed(Linear):
    def backward(self, dout: Array) -> Array:
        self.grads["W"] = self.x.T @ dout
        self.grads["b"] = dout.sum(axis=0)
        return dout @ self.params["W"]


class MatMulTransposed(MatMul):
    def backward(self, dout: Array) -> Array:
        (W,) = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        return np.dot(dout, W)


class LayerNormWithoutMean(LayerNorm):
    def backward(self, dout: Array) -> Array:
        self.dgamma = np.sum(dout * self.xhat, axis=0)
        self.dbeta = np.sum(dout, axis=0)
        g = dout * self.gamma
        inner = (g * self.xhat).mean(axis=1, keepdims=True)
        return (g - self.xhat * inner) / self.std


class LayerNormOfTheOutput(LayerNorm):
    def forward(self, x: Array) -> Array:
        self.out = super().forward(x)
        return self.out

    def backward(self, dout: Array) -> Array:
        self.dgamma = np.sum(dout * self.out, axis=0)
        self.dbeta = np.sum(dout, axis=0)
        g = dout * self.gamma
        inner = (g * self.xhat).mean(axis=1, keepdims=True)
        return (g - g.mean(axis=1, keepdims=True) - self.xhat * inner) / self.std


class MultiplySwapped(Multiply):
    def backward(self, dout: Array) -> tuple[Array, Array]:
        return dout * self.a, dout * self.b


class SequentialWithoutLast(Sequential):
    """The slope of the last activation is skipped."""

    def backward(self, dout: Array) -> Array:
        for layer in self.layers[-2::-1]:
            dout = layer.backward(dout)
        return dout


class Softmax:
    def forward(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.out = e / e.sum(axis=-1, keepdims=True)
        return self.out

    def backward(self, dout: Array) -> Array:
        dx = self.out * dout
        dx += self.out * np.sum(dx, axis=1, keepdims=True)
        return dx


class Dropout:
    """With its mask kept, scaled on the way out only."""

    def __init__(self, ratio: float = 0.4) -> None:
        self.ratio = ratio

    def forward(self, x: Array) -> Array:
        rng = np.random.default_rng(0)
        self.mask = rng.random(x.shape) > self.ratio
        return x * self.mask / (1 - self.ratio)

    def backward(self, dout: Array) -> Array:
        return dout * self.mask


wrong(
    "affine layer: db summed over the features",
    ((4, 3),),
    mistake=("wrong-dimension", "other-dimension"),
    bad=("b",),
    line="self.db = np.sum(dout, axis=1)",
)(AffineOfTheBatch(RNG.standard_normal((3, 4)), np.ones(4)))
wrong(
    "affine layer: its gradients averaged",
    ((5, 3),),
    mistake=("factor",),
    bad=("W", "b"),
    line="self.dW = np.dot(self.x.T, dout) / n",
)(AffineAveraged(RNG.standard_normal((3, 4)), np.ones(4)))
wrong(
    "sigmoid layer: x (1 - x)",
    ((5, 3),),
    mistake=("wrong-place", "other-tensor"),
    bad=("x",),
    line="return dout * self.x * (1 - self.x)",
)(SigmoidOfItsInput())
wrong(
    "relu layer: inverted",
    ((5, 3),),
    mistake=("mask-inverted",),
    bad=("x",),
    line="dout[self.mask] = 0",
)(ReluInverted())
wrong(
    "linear layer with dictionaries: W transposed",
    ((5, 3),),
    mistake=("transposed",),
    bad=("W",),
    line='self.grads["W"] = self.x.T @ dout',
)(LinearTransposed(3, 4))
wrong(
    "product layer with lists: W not transposed on the way back",
    ((5, 3),),
    mistake=("transposed", "jacobian-transposed"),
    bad=("x",),
    line="return np.dot(dout, W)",
)(MatMulTransposed(RNG.standard_normal((3, 3))))
wrong(
    "layer norm as a layer: the mean's way back forgotten",
    ((5, 7),),
    mistake=("left-out", "forgotten-use", "forgotten-path"),
    bad=("x",),
    line="return (g - self.xhat * inner) / self.std",
)(LayerNormWithoutMean(7))
wrong(
    "product of two inputs as a layer: exchanged",
    ((5, 3), (5, 3)),
    mistake=("swapped", "other-tensor"),
    bad=("a", "b"),
    line="return dout * self.a, dout * self.b",
)(MultiplySwapped())
wrong(
    "network of layers: the last activation skipped",
    ((5, 3),),
    mistake=("local-derivative", "left-out"),
    bad=("x", "layers[0].W", "layers[0].b"),
    line="for layer in self.layers[-2::-1]:",
)(SequentialWithoutLast(affine(3, 4), Sigmoid()))
wrong(
    "softmax layer: plus the correction",
    ((5, 3),),
    mistake=("term-sign", "sign"),
    bad=("x",),
    line="dx += self.out * np.sum(dx, axis=1, keepdims=True)",
)(Softmax())
wrong(
    "dropout layer: not scaled on the way back",
    ((5, 3),),
    mistake=("factor", "left-out", "forward-option", "local-derivative"),
    bad=("x",),
    line="return dout * self.mask",
)(Dropout())
