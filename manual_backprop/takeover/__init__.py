"""`use_manual_gradients`: a model runs on the hand-written backwards, and not a line of it is changed.

    with use_manual_gradients() as coverage:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
    print(coverage)

How: a `torch.overrides.TorchFunctionMode`, PyTorch's own way to see every call of its functions. A call that
builds a graph goes to the function's hand-written twin if it has one; any other goes to PyTorch as it was. A
mode belongs to the thread that entered it, and nothing of it is left on exit.

A function that torch has written in Python, such as `multi_head_attention_forward`, asks first whether it is
overridden, and is not asked again inside. A copy that does not ask is run in its place, so that what it calls
is seen too.
"""

from manual_backprop.takeover.coverage import Coverage
from manual_backprop.takeover.mode import BuiltIn, Takeover

__all__ = ["BuiltIn", "Coverage", "use_manual_gradients"]


def use_manual_gradients(*, strict: bool = False, fused: bool = False) -> Takeover:
    """Inside the `with` block, every torch function that has a hand-written twin uses it.

    Autocast, writing in place, torch.func, torch.utils.checkpoint (with the backward inside the block too)
    and DistributedDataParallel work as ever. Left to PyTorch is what needs no gradient, and what no operation
    handles: sparse, nested and quantised tensors, subclasses with functions of their own, and views under
    `torch.func.grad` and its relatives, where no Function can make one.

    Args:
        strict: raise at the first call that would have a built-in backward, and at a `backward()` through one
            from before the block, or from differentiating a hand-written backward once more.
        fused: compile the backwards where that pays, as `manual_backprop.fused()` does.

    Returns:
        What the `with` statement takes; it hands out the `Coverage`.

    Raises:
        BuiltIn: with `strict`, inside the block.
        RuntimeError: in a `backward()` after the block, where torch.utils.checkpoint (not the reentrant form)
            would compute a part of the model again that was computed by hand.
    """
    return Takeover(strict, fused)
