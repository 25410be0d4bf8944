"""Layers in NumPy with `forward` and `backward` that leave the gradients of parameters behind."""

import numpy as np

from tests.verify.gallery.derivation import NamedForm
from tests.verify.gallery.numpy_functions import Array

NUMPY_FORMS_LAYERS = NamedForm()
right, wrong = NUMPY_FORMS_LAYERS.right, NUMPY_FORMS_LAYERS.wrong
RNG = np.random.default_rng(3)


class Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b
        self.x = None
        self.dW = None
        self.db = None

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout: Array) -> Array:
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class AffineThatAdds(Affine):
    """Gradients are added to; whoever trains sets them to zero."""

    def __init__(self, W: Array, b: Array) -> None:
        super().__init__(W, b)
        self.dW, self.db = np.zeros_like(W), np.zeros_like(b)

    def backward(self, dout: Array) -> Array:
        self.dW += np.dot(self.x.T, dout)
        self.db += np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class Sigmoid:
    def forward(self, x: Array) -> Array:
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1.0 - self.out) * self.out


class Relu:
    def __init__(self) -> None:
        self.mask = None

    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Array) -> Array:
        dout[self.mask] = 0
        return dout


class Linear:
    """Parameters and gradients are dictionaries."""

    def __init__(self, in_features: int, out_features: int) -> None:
        self.params = {"W": RNG.standard_normal((out_features, in_features)), "b": np.zeros(out_features)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["W"].T + self.params["b"]

    def backward(self, dout: Array) -> Array:
        self.grads["W"] = dout.T @ self.x
        self.grads["b"] = dout.sum(axis=0)
        return dout @ self.params["W"]


class MatMul:
    """Parameters and gradients are lists, which a gradient is written into."""

    def __init__(self, W: Array) -> None:
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    def forward(self, x: Array) -> Array:
        (W,) = self.params
        self.x = x
        return np.dot(x, W)

    def backward(self, dout: Array) -> Array:
        (W,) = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        return np.dot(dout, W.T)


class LayerNorm:
    def __init__(self, features: int) -> None:
        self.gamma = 1 + 0.1 * RNG.standard_normal(features)
        self.beta = np.zeros(features)

    def forward(self, x: Array) -> Array:
        mu = x.mean(axis=1, keepdims=True)
        self.std = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        self.xhat = (x - mu) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout: Array) -> Array:
        self.dgamma = np.sum(dout * self.xhat, axis=0)
        self.dbeta = np.sum(dout, axis=0)
        g = dout * self.gamma
        inner = (g * self.xhat).mean(axis=1, keepdims=True)
        return (g - g.mean(axis=1, keepdims=True) - self.xhat * inner) / self.std


class Sequential:
    """A network whose layers keep their own gradients."""

    def __init__(self, *layers: Affine | Sigmoid | Relu) -> None:
        self.layers = list(layers)

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout: Array) -> Array:
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class Multiply:
    """Two inputs, no parameters."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return a * b

    def backward(self, dout: Array) -> tuple[Array, Array]:
        return dout * self.b, dout * self.a


def affine(*sizes: int) -> Affine:
    return Affine(RNG.standard_normal(sizes), RNG.standard_normal(sizes[-1]))


right("affine layer that leaves dW and db", ((5, 3),))(affine(3, 4))
right("affine layer that adds to its gradients", ((5, 3),))(
    AffineThatAdds(RNG.standard_normal((3, 4)), np.ones(4))
)
right("sigmoid layer that keeps its output", ((5, 3),))(Sigmoid())
right("relu layer that writes over the upstream", ((5, 3),))(Relu())
right("linear layer with dictionaries", ((5, 3),))(Linear(3, 4))
right("product layer with lists", ((5, 3),))(MatMul(RNG.standard_normal((3, 4))))
right("layer norm that leaves dgamma and dbeta", ((5, 7),))(LayerNorm(7))
right("network of layers", ((5, 3),))(Sequential(affine(3, 6), Sigmoid(), affine(6, 2)))
right("product of two inputs as a layer", ((5, 3), (5, 3)))(Multiply())
