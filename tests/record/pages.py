"""Recorded steps whose pages are tested."""

from collections import OrderedDict

import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record import Recording


def digits() -> Recording:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    images, labels = torch.rand(6, 784), torch.arange(6)
    classes = ["</script><script>document.title='ran'</script>", *"123456789"]
    return record(model, images, labels, loss=F.cross_entropy, lr=0.1, classes=classes)


def small() -> Recording:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    return record(model, torch.rand(7, 3), torch.arange(7) % 2, loss=F.cross_entropy)


HOSTILE = [
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg/onload=document.title='ran'>",
    "<!--<script>",
    "]]>\"'`${document.title='ran'}",
    "{{script}}{{data}}",
    "javascript:document.title='ran'",
    "half a pair \ud800, \u2028 and \0",
]


def hostile_page(names: list[str]) -> str:
    """Of a step whose modules, parameters, input and classes have these names."""
    modules = [(name.replace(".", "") or str(i), nn.Linear(3, 3)) for i, name in enumerate(names)]
    model = torch.nn.Sequential(OrderedDict(modules))
    for name, module in modules:
        module.register_parameter(name, torch.nn.Parameter(torch.ones(3)))
    step = record(model, torch.rand(2, 3), torch.arange(2), loss=F.cross_entropy, classes=names)
    return step.html()


def not_finite(number: float) -> Recording:
    return record(nn.Linear(3, 3), torch.full((2, 3), number), torch.arange(2), loss=F.cross_entropy)
