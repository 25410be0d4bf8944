"""The other name of the binary cross-entropy, and its mixtures of types."""

import torch
import torch.nn.functional as T

from manual_backprop.functional.losses.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits,
)
from manual_backprop.functional.operation import TWINS
from tests.functional.checks import assert_same
from tests.functional.samples import randn


def test_torchs_own_name_has_a_twin_too() -> None:
    f, x, t, p = (
        torch.binary_cross_entropy_with_logits,
        randn(5, 3),
        randn(5, 3, seed="t").sigmoid(),
        randn(3),
    )
    for reduction in range(3):
        assert_same("value", TWINS[f](x, t, None, p, reduction), f(x, t, None, p, reduction))


def test_the_type_is_that_of_input_and_target() -> None:
    x, t, p = randn(5, 3).float(), randn(5, 3, seed="t").sigmoid(), randn(3)
    for f in (binary_cross_entropy_with_logits, T.binary_cross_entropy_with_logits):
        assert f(x, t).dtype == torch.float64
        assert f(x, t.float(), pos_weight=p).dtype == torch.float32
