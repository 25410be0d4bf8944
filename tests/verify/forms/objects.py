"""Layers, losses and models as courses and books have them; `factor` spoils the last gradient of each."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class KeepsItsOutput:
    """Nothing is returned: the output is left in it, and so are all gradients."""

    factor = 1.0

    def __init__(self, inputs: int = 3, outputs: int = 7) -> None:
        self.weights = np.random.default_rng(0).standard_normal((inputs, outputs))
        self.biases = np.zeros((1, outputs))

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.dot(dvalues, self.weights.T)
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = self.factor * np.sum(dvalues, axis=0, keepdims=True)


class Callable:
    """The forward is the call."""

    factor = 1.0

    def __init__(self, inputs: int = 3, outputs: int = 7) -> None:
        self.W, self.b = np.ones((inputs, outputs)), np.zeros(outputs)

    def __call__(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad: Array) -> Array:
        self.grad_W, self.grad_b = self.x.T @ grad, self.factor * grad.sum(axis=0)
        return grad @ self.W.T


class Learns:
    """The backward changes the parameters at once."""

    factor = 1.0

    def __init__(self, inputs: int = 3, outputs: int = 7) -> None:
        self.weights = np.random.default_rng(0).standard_normal((inputs, outputs))
        self.bias = np.zeros(outputs)

    def forward(self, input: Array) -> Array:
        self.input = input
        return input @ self.weights + self.bias

    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        input_gradient = output_gradient @ self.weights.T
        self.weights -= learning_rate * (self.input.T @ output_gradient)
        self.bias = self.bias - learning_rate * self.factor * output_gradient.sum(axis=0)
        return input_gradient


class LearnsByItsRate:
    """The backward changes the parameters by the layer's learning rate."""

    factor = 1.0

    def __init__(self, input_size: int = 3, output_size: int = 7) -> None:
        self.weights, self.learning_rate = np.ones((input_size, output_size)), 0.1

    def forward_propagation(self, input_data: Array) -> Array:
        self.input = input_data
        return input_data @ self.weights

    def backward_propagation(self, output_error: Array) -> Array:
        input_error = output_error @ self.weights.T
        self.weights -= self.learning_rate * self.factor * self.input.T @ output_error
        return input_error


class LearnsByItself:
    """The backward changes the parameters by a rate of its own."""

    factor = 1.0

    def __init__(self, inputs: int = 3, outputs: int = 7) -> None:
        self.W, self.step = np.random.default_rng(0).standard_normal((inputs, outputs)), 0.1

    def forward_pass(self, X: Array, training: bool = True) -> Array:
        self.layer_input = X
        return X.dot(self.W)

    def backward_pass(self, accum_grad: Array) -> Array:
        W = self.W
        self.W = self.W - self.step * self.layer_input.T.dot(accum_grad)
        return self.factor * accum_grad.dot(W.T)


class TakesItsInput:
    """A backward that is given the input again, and the upstream gradient last."""

    factor = 1.0

    @staticmethod
    def forward(x: Array) -> Array:
        return np.tanh(x)

    @classmethod
    def backward(cls, x: Array, grad: Array) -> Array:
        return cls.factor * grad * (1 - np.tanh(x) ** 2)


class Slope:
    """An activation with its derivative."""

    factor = 1.0

    def __call__(self, x: Array) -> Array:
        return 1 / (1 + np.exp(-x))

    def gradient(self, x: Array) -> Array:
        return self.factor * self(x) * (1 - self(x))


class SquaredError:
    """A loss that is called, and whose backward takes nothing."""

    factor = 1.0

    def __call__(self, prediction: Array, target: Array) -> Any:
        self.difference = prediction - target
        return np.mean(self.difference**2)

    def backward(self) -> Array:
        return self.factor * 2 * self.difference / self.difference.size


class HalfSquaredError:
    """A loss with its gradient, the targets first."""

    factor = 1.0

    def loss(self, y: Array, y_pred: Array) -> Any:
        return 0.5 * np.sum((y - y_pred) ** 2)

    def gradient(self, y: Array, y_pred: Array) -> Array:
        return self.factor * -(y - y_pred)


class LogLossOfEach:
    """A loss of each example; its backward is that of their mean, and its argument has another's name."""

    factor = 1.0

    def forward(self, y_pred: Array, y_true: Array) -> Array:
        return -np.log(y_pred[range(len(y_pred)), y_true])

    def backward(self, dvalues: Array, y_true: Array) -> None:
        rows, classes = dvalues.shape
        self.dinputs = -self.factor * np.eye(classes)[y_true] / dvalues / rows


class SoftmaxLoss:
    """A last layer whose upstream gradient is 1, and is not used."""

    factor = 1.0

    def forward(self, x: Array, t: Array) -> Any:
        self.t, e = t, np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.sum(np.log(self.y[np.arange(len(t)), t])) / len(t)

    def backward(self, dout: float = 1) -> Array:
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return self.factor * dx / len(self.t)


class SoftmaxLossOfOutput:
    """A loss whose backward is called with the softmax that its forward keeps."""

    factor = 1.0

    def forward(self, inputs: Array, y_true: Array) -> Any:
        e = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(self.output[range(len(inputs)), y_true]))

    def backward(self, dvalues: Array, y_true: Array) -> None:
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(dvalues)), y_true] -= 1
        self.dinputs = self.factor * self.dinputs / len(dvalues)


class Regression:
    """A model with a bias that is a plain number, and gradients that have no names."""

    factor = 1.0

    def __init__(self, inputs: int = 3) -> None:
        self.w, self.b = np.zeros(inputs), 0.0

    def loss(self, X: Array, y: Array) -> Any:
        return 0.5 * np.mean((X @ self.w + self.b - y) ** 2)

    def gradient(self, X: Array, y: Array) -> Any:
        e = X @ self.w + self.b - y
        return X.T @ e / len(y), self.factor * np.mean(e)


class LeavesItsGradients:
    """A model whose backward runs the forward again, and returns nothing."""

    factor = 1.0

    def __init__(self, inputs: int = 3, outputs: int = 2) -> None:
        self.W, self.b = np.random.default_rng(0).standard_normal((inputs, outputs)), np.zeros(outputs)

    def forward(self, X: Array) -> Array:
        return np.tanh(X @ self.W + self.b)

    def compute_loss(self, X: Array, T: Array) -> Any:
        return 0.5 * np.sum((self.forward(X) - T) ** 2)

    def backward(self, X: Array, T: Array) -> None:
        out = self.forward(X)
        d = (out - T) * (1 - out**2)
        self.dW, self.db = X.T @ d, self.factor * d.sum(axis=0)


class Autoencoder:
    """A backward that takes the input of the loss, which is that of the forward too."""

    factor = 1.0

    def __init__(self, inputs: int = 3, hidden: int = 2) -> None:
        rng = np.random.default_rng(0)
        self.W1, self.W2 = rng.standard_normal((inputs, hidden)), rng.standard_normal((hidden, inputs))

    def forward(self, X: Array) -> Array:
        self.h = np.tanh(X @ self.W1)
        self.out = self.h @ self.W2
        return self.out

    def loss(self, X: Array) -> Any:
        return np.mean(np.sum((self.forward(X) - X) ** 2, axis=1))

    def backward(self, X: Array) -> Any:
        d = 2 * (self.out - X) / len(X)
        return X.T @ (d @ self.W2.T * (1 - self.h**2)), self.factor * self.h.T @ d


class Network:
    """Layers that share the arrays in `params`; the loss is one method, the gradients are another's."""

    factor = 1.0

    def __init__(self, inputs: int = 3, hidden: int = 4, classes: int = 5) -> None:
        rng = np.random.default_rng(0)
        self.params = {
            "W1": rng.standard_normal((inputs, hidden)),
            "W2": rng.standard_normal((hidden, classes)),
        }
        self.first, self.second = Product(self.params["W1"]), Product(self.params["W2"])
        self.last = SoftmaxLoss()

    def loss(self, x: Array, t: Array) -> Any:
        return self.last.forward(self.second.forward(self.first.forward(x)), t)

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        self.loss(x, t)
        self.first.backward(self.second.backward(self.last.backward()))
        return {"W1": self.first.dW, "W2": self.factor * self.second.dW}


class Product:
    """A layer of one matrix."""

    def __init__(self, W: Array) -> None:
        self.W = W

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W

    def backward(self, dout: Array) -> Array:
        self.dW = self.x.T @ dout
        return dout @ self.W.T
