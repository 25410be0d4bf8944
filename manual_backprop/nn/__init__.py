"""Drop-in modules: torch.nn's own classes, with forward and backward from `manual_backprop.functional`.

A module here *is* its torch.nn parent: same constructor, same initialisation, same state dict, same printed
form. Only the function that `forward` calls is another one. Each file says in `__all__` what it adds.
"""

from manual_backprop.nn import activations, attention, convolution, layers, losses, normalisation, recurrent
from manual_backprop.nn.activations import *
from manual_backprop.nn.attention import *
from manual_backprop.nn.convolution import *
from manual_backprop.nn.layers import *
from manual_backprop.nn.losses import *
from manual_backprop.nn.normalisation import *
from manual_backprop.nn.recurrent import *

__all__: list[str] = []
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += convolution.__all__
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += normalisation.__all__
__all__ += recurrent.__all__
