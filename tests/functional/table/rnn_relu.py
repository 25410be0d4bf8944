"""What `rnn_relu` is held to."""

from functools import partial

import torch

from manual_backprop.functional.recurrent.rnn_relu import rnn_relu
from tests.functional.drawn import Drawn, of_a_layer
from tests.functional.recurrent import mistakes, one_layer, recurrent, twin
from tests.functional.samples import Mutant, Row
from tests.functional.table.rnn_tanh import backpropagation_through_time

MASKED = "return grad.masked_fill(h <= 0, 0)"

ROW = Row(
    name="rnn_relu",
    function=one_layer(1)(rnn_relu),
    twin=one_layer(1)(twin(torch.rnn_relu, lambda z: (z.relu(),))),
    derivation=partial(backpropagation_through_time, relu=True),
    keeps=frozenset({"input 0", "input 1", "input 2", "input 3", "output 0"}),
    samples=recurrent(gates=1, states=1),
    mutants=(
        Mutant("mask inverted", MASKED, "return grad.masked_fill(h > 0, 0)"),
        Mutant("no mask", MASKED, "return grad"),
        Mutant("the slope of tanh", MASKED, "return grad * (1 - h * h)"),
        Mutant("the output instead of the slope", MASKED, "return grad * h"),
        Mutant("mask of the upstream's sign", MASKED, "return grad.clamp(min=0)"),
        Mutant("upstream ignored", MASKED, MASKED.replace("grad.", "torch.ones_like(grad).")),
        Mutant("a slope to the left", MASKED, "return grad.where(h > 0, 0.01 * grad)"),
        Mutant(
            "upstream detached: second derivative lost", MASKED, MASKED.replace("grad.", "grad.detach().")
        ),
    ),
    mistakes=mistakes("rnn_relu", gates=1, states=1),
    adapt=one_layer(1),
    rounds_on_the_way=True,
    drawn=Drawn(of_a_layer(1, 1)),
)
