"""Many training steps in one: captured in a CUDA graph once, and replayed from then on.

A step is a few dozen kernels of a few microseconds each, which is less than Python takes to launch them, and
less still than it takes to call the hand-written backwards. A graph is launched once. What it reads and
writes has to be at the same address each time, so the indices of the chosen examples, their labels and the
logits have buffers here, filled before a replay and read after it; parameters and the optimiser's state are
only ever changed in place. Nothing in it may wait for the GPU or depend on a number that Python keeps: Adam's
t is on the device, and a network with dropout, whose random numbers are drawn anew in each step, is left out.

A graph repeats kernels, and no Python. What the engine remembers of its last step in Python, such as the
inputs of its layers, is that of a step that was not replayed, and gradient norms made of it would be those of
no step at all. So they are taken in the graph, behind its last step.

Source: PyTorch's documentation, "CUDA semantics", section "CUDA Graphs".
"""

from collections.abc import Callable

import torch
from torch import Tensor

from manual_backprop.training.engines import Engine

Replay = Callable[[], None]


class ReplayedSteps:
    """`count` steps on full batches at a time.

    Args:
        engine: makes a step.
        images: of the whole training set, (N, D).
        classes: C.
        batch_size: examples in a step.
        count: steps in a replay.
        capture: turns a function into one that repeats its work without Python.

    Attributes:
        norms: the engine's `gradient_norms` of the last step, (layers,); the next replay writes over them.
    """

    norms: Tensor

    def __init__(
        self,
        engine: Engine,
        images: Tensor,
        classes: int,
        batch_size: int,
        count: int,
        capture: Callable[[Replay], Replay],
    ) -> None:
        self.count, self.examples = count, batch_size * count
        self.chosen = torch.zeros(self.examples, dtype=torch.int64, device=images.device)
        self.labels = torch.zeros_like(self.chosen)
        self.scores = images.new_empty(self.examples, classes)
        batch = images.new_empty(batch_size, images.shape[1])

        def steps() -> None:
            parts = (torch.split(buffer, batch_size) for buffer in (self.chosen, self.labels, self.scores))
            for chosen, labels, scores in zip(*parts, strict=True):
                scores.copy_(engine.step(torch.index_select(images, 0, chosen, out=batch), labels))
            self.norms = engine.gradient_norms()

        self.replay = capture(steps)

    def __call__(self, chosen: Tensor, labels: Tensor) -> Tensor:
        """Make the steps on these examples, (count × batch,); returns the logits, (count × batch, C)."""
        self.chosen.copy_(chosen)
        self.labels.copy_(labels)
        self.replay()
        return self.scores


def cuda_graph(steps: Replay) -> Replay:
    """Capture `steps` in a CUDA graph, after a warm-up on a separate stream, as PyTorch requires."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(stream):
            steps()
    finally:  # also where they fail: what follows may use the same memory
        torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        steps()
    return graph.replay
