"""What PyTorch is set to while a derivation is judged, whatever the caller has set."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from typing import TypeVar

import torch
from torch import Tensor

from manual_backprop.functional.operation.torch_state import is_transformed

R = TypeVar("R")


def with_gradients(work: Callable[[], R]) -> R:
    """What `work` returns, which is run with gradients, without autocast, and on random numbers of its own.

    So it is also inside `torch.no_grad`, `torch.inference_mode`, `torch.autocast` and a function that
    torch.func transforms. All that was set is as before afterwards, the random state too.
    """
    if not is_transformed():
        with _gradients():
            return work()

    def elsewhere() -> R:
        with torch.device(device), _gradients():
            return work()

    device = torch.get_default_device()
    with ThreadPoolExecutor(1) as thread:  # a transform belongs to its thread, and another one has none
        return thread.submit(copy_context().run, elsewhere).result()


@contextmanager
def _gradients() -> Iterator[None]:
    kinds = [kind for kind in ("cpu", "cuda", "xpu", "mps") if torch.is_autocast_enabled(kind)]
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in kinds:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.random.fork_rng(devices=cuda))
        yield


def untransformed(tensor: Tensor) -> Tensor:
    """The tensor itself, of one that a transform of torch.func has made.

    Raises:
        ValueError: `torch.func.vmap` has made it, and it stands for several.
    """
    plain: Tensor = torch.func.debug_unwrap(tensor)
    if plain.shape != tensor.shape:
        raise ValueError("verify: an input is one of many at once, made by torch.func.vmap; give one of them")
    return plain
