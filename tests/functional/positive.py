"""What operations on positive numbers are called with."""

from dataclasses import replace

import torch

from tests.functional.samples import ELEMENTWISE, Sample

POSITIVE = (
    *(replace(s, inputs=(s.inputs[0].abs() + 0.1,)) if s.smooth else s for s in ELEMENTWISE),
    Sample("0", (torch.tensor([0.0, 1.0]).double(),), smooth=False),
)
