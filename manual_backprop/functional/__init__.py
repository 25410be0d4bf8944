"""Operations with hand-written backwards, under the names and signatures of torch.nn.functional."""

from manual_backprop.functional.cross_entropy import cross_entropy
from manual_backprop.functional.linear import linear
from manual_backprop.functional.log_softmax import log_softmax
from manual_backprop.functional.nll_loss import nll_loss
from manual_backprop.functional.relu import relu
from manual_backprop.functional.sigmoid import sigmoid

__all__ = ["cross_entropy", "linear", "log_softmax", "nll_loss", "relu", "sigmoid"]
