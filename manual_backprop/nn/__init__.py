"""Drop-in modules: torch.nn's own classes, with forward and backward from `manual_backprop.functional`.

A module here *is* its torch.nn parent: same constructor, same initialisation, same state dict, same printed
form. Only the function that `forward` calls is another one.
"""

from manual_backprop.nn.activations import LogSoftmax, ReLU, Sigmoid, Tanh
from manual_backprop.nn.layers import Linear
from manual_backprop.nn.losses import CrossEntropyLoss, MSELoss, NLLLoss

__all__ = ["CrossEntropyLoss", "Linear", "LogSoftmax", "MSELoss", "NLLLoss", "ReLU", "Sigmoid", "Tanh"]
