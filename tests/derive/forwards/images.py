"""Convolution and pooling."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.derive.forwards.case import Case, collector, labels

CASES: list[Case] = []
case = collector(CASES)


@case((2, 3, 6, 7), (4, 3, 3, 2), (4,))
def convolution(x, W, b):
    return F.conv2d(x, W, b)


@case((2, 4, 7, 8), (6, 2, 3, 3))
def convolution_with_options(x, W):
    return torch.relu(F.conv2d(x, W, stride=2, padding=(1, 2), dilation=2, groups=2))


@case((2, 1, 8, 8), (3, 1, 3, 3), (3,), (3, 27), (3,), labels(1, 2))
def convolutional_network(x, K, b, W, c, y):
    a = torch.relu(F.conv2d(x, K, b))
    pooled = F.max_pool2d(a, 2)
    return F.cross_entropy(pooled.flatten(1) @ W.T + c, y)


@case((2, 3, 6, 6))
def overlapping_max_pooling(x):
    return F.max_pool2d(x, 3, stride=2, padding=1)


@case((2, 3, 6, 6))
def average_pooling(x):
    return F.avg_pool2d(x, 2)


@case((2, 3, 5, 5))
def overlapping_average_pooling(x):
    return F.avg_pool2d(x, 3, stride=2, padding=1)


@case((2, 3, 5, 4), (3, 2))
def global_average_pooling(x, W):
    return F.adaptive_avg_pool2d(x, 1).flatten(1) @ W


@case((2, 3, 5, 7))
def uneven_adaptive_pooling(x):
    return F.adaptive_avg_pool2d(x, (2, 3))


torch.manual_seed(0)
CASES += [
    Case(
        "convolutional_module",
        (
            nn.Sequential(
                nn.Conv2d(1, 2, 3, padding=1),
                nn.BatchNorm2d(2),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(18, 3),
            ),
            nn.CrossEntropyLoss(),
        ),
        ((2, 1, 6, 6), labels(1, 2)),
    ),
]
