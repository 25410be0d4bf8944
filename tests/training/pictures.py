"""The data of a run's pictures in their place: drawing takes ten times as long as a short run."""

from typing import Any

import torch

NAMES = ("training_curves", "gradient_norms", "confusion_matrix", "worst_mistakes")
"""The functions of manual_backprop.plots that draw what a run leaves."""


class PictureData:
    """What a picture is drawn from, written as it is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.data = [*arguments, options]

    def savefig(self, file: Any, format: str) -> None:
        for part in self.data:
            file.write(part.numpy().tobytes() if isinstance(part, torch.Tensor) else repr(part).encode())
