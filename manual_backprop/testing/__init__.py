"""A derivation as a test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from manual_backprop.derive.computation import Computation
from manual_backprop.testing.messages import message_of
from manual_backprop.verify import verify

__all__ = ["assert_gradients"]


def assert_gradients(
    forward: Computation | Any,
    backward: Callable[..., Any] | None = None,
    *,
    against: Computation | None = None,
    inputs: Sequence[Any] | Mapping[str, Any] | Tensor | None = None,
    shapes: Sequence[Any] | Mapping[str, Any] | str | None = None,
    cache: bool | None = None,
    seed: int = 0,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert that a derivation is right, as `verify` judges it.

    Args:
        forward: what is computed, in any of the forms that `verify` takes, as are the arguments up to `seed`.
        backward: what was derived.
        against: in place of `backward`, the same computation without a backward of its own.
        inputs: what to judge on.
        shapes: or their shapes.
        cache: whether the last thing that the forward returns is for the backward alone.
        seed: of the random numbers.
        msg: what the AssertionError says instead, or a function that is given what it would say, and returns
            what it says, as `torch.testing.assert_close` has it.

    Raises:
        AssertionError: a gradient is wrong; the message begins with what is wrong with it, and has the whole
            report. Also where nothing could be judged, since a test that has judged nothing must not pass.
        TypeError: as `verify` raises it.
        ValueError: likewise.
    """
    __tracebackhide__ = True
    report = verify(forward, backward, against=against, inputs=inputs, shapes=shapes, cache=cache, seed=seed)
    if report:
        return
    if isinstance(msg, str):
        raise AssertionError(msg)
    said = message_of(report)
    raise AssertionError(said if msg is None else msg(said))
