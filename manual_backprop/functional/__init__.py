"""Operations with hand-written backwards, under the names and signatures of torch.nn.functional."""

from manual_backprop.functional.cross_entropy import cross_entropy
from manual_backprop.functional.cross_entropy_in_place import cross_entropy_
from manual_backprop.functional.linear import linear
from manual_backprop.functional.linear_cross_entropy import linear_cross_entropy
from manual_backprop.functional.linear_relu import linear_relu
from manual_backprop.functional.linear_sigmoid import linear_sigmoid
from manual_backprop.functional.log_softmax import log_softmax
from manual_backprop.functional.mse_loss import mse_loss
from manual_backprop.functional.nll_loss import nll_loss
from manual_backprop.functional.relu import relu
from manual_backprop.functional.sigmoid import sigmoid
from manual_backprop.functional.tanh import tanh

__all__ = [
    "cross_entropy",
    "cross_entropy_",
    "linear",
    "linear_cross_entropy",
    "linear_relu",
    "linear_sigmoid",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "tanh",
]
