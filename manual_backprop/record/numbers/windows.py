"""Max pooling: the numbers of a window, of which the largest is taken."""

import torch

from manual_backprop.record.call import Call
from manual_backprop.record.numbers.places import Place
from manual_backprop.record.numbers.writing import Written, short

WINDOW = 12  # numbers of a window that are all written out


def forward(call: Call, place: Place) -> list[Written] | None:
    """max(…)."""
    if call.operation != "max_pool2d" or call.twin is None:
        return None
    kernel, stride, padding, dilation = call.arguments[1:5]
    image = call.inputs[0].tensor.detach().double()[place[:-2]]
    axes = [
        [at for k in range(size) if 0 <= (at := start * step - before + k * apart) < length]
        for start, size, step, before, apart, length in zip(
            place[-2:], kernel, stride, padding, dilation, image.shape, strict=True
        )
    ]
    window = image[torch.tensor(axes[0])][:, torch.tensor(axes[1])].flatten().sort(descending=True).values
    if not len(window):
        return None
    shown = [short(x) for x in window[:WINDOW].tolist()]
    more = [f"({len(window) - WINDOW} smaller ones)"] if len(window) > WINDOW else []
    return [Written(f"max({', '.join([*shown, *more])})", float(window[0]))]
