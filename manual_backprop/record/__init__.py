"""One real training step, every number of it: as a table, as a figure, as a page to walk through.

    step = record(model, images, labels, loss=F.cross_entropy, lr=0.1)
    print(step)
    step.plot("step.png")
    step.page("step.html")

The model stays as it was.
"""

from collections.abc import Callable, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any, overload

from torch import Tensor

from manual_backprop.record.call import Call, Value
from manual_backprop.record.problem import steps_of
from manual_backprop.record.step import Parameter, Step
from manual_backprop.record.table import table

if TYPE_CHECKING:  # matplotlib is imported when a picture is drawn
    from matplotlib.figure import Figure

PANELS = ("knob", "rate", "draw", "train", "break", "check", "remarks")  # of the page
ROWS = 40  # of each list in the table, with those of code, unless asked otherwise

__all__ = ["Call", "Parameter", "Recording", "Step", "Value", "record"]


def record(
    model: Callable[..., Any],
    *inputs: Any,
    loss: Callable[..., Tensor] | None = None,
    lr: float = 0.1,
    steps: int = 1,
    classes: Sequence[str] | None = None,
    about: str = "",
    panel: str = "knob",
) -> "Recording":
    """Make a step of gradient descent, keep every number of it, and leave the model as it was.

    The model runs on the hand-written backwards, as in `use_manual_gradients`, whether it is made of this
    package's modules or of torch.nn's. Each backward is compared with PyTorch's own. Operations without a
    hand-written backward are recorded too. There are gradients inside `torch.no_grad` and
    `torch.inference_mode` as well.

    Args:
        model: a module, or a function of tensors.
        inputs: what the model is given; with a loss, the target comes last. Floats become float64 tensors
            that require a gradient.
        loss: of the model's output and the target; None where the model returns the loss itself.
        lr: the learning rate η.
        steps: how many steps, one after the other, on the same examples.
        classes: what the outputs are called on the page.
        about: what the examples are, in a sentence, which stands above the table and on the page.
        panel: which of the page's panels is open at first: "knob", "rate", "draw", "train", "break", "check"
            or "remarks".

    Raises:
        TypeError: model or loss cannot be called, or there is no target for the loss.
        ValueError: the loss is not a single number, or does not depend on anything that requires a gradient;
            lr or steps is out of range; there is no such panel; a tensor has no numbers, being on the meta
            device.
    """
    if panel not in PANELS:
        raise ValueError(f"record: panel must be one of {', '.join(PANELS)}, got {panel!r}")
    return Recording(steps_of(model, inputs, loss, lr, steps), classes, about, panel)


class Recording:
    """What `record` kept: one step, or several.

    Attributes:
        steps: in their order.
        about: what the examples are, in a sentence.
        panel: which of the page's panels is open at first.
    """

    def __init__(
        self, steps: list[Step], classes: Sequence[str] | None = None, about: str = "", panel: str = "knob"
    ) -> None:
        self.steps = steps
        self.about = about
        self.panel = panel
        self.classes = None if classes is None else list(classes)

    def __getattr__(self, name: str) -> Any:
        """What a step has, of the first one: `calls`, `parameters`, `loss`, `value("W¹")` and so on."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.steps[0], name)

    def table(self, width: int | None = None, rows: int | None = ROWS) -> str:
        """As text.

        Args:
            width: in characters; that of the terminal, between 80 and 120, unless given.
            rows: of each list at most so many, those of code included, the first and the last; None for all.
        """
        width = min(max(get_terminal_size().columns, 80), 120) if width is None else width
        parts = [table(step, width, rows) for step in self.steps]
        if len(parts) > 1:
            parts = [f"step {number}\n{part}" for number, part in enumerate(parts, 1)]
        about = ["\n".join(wrap(self.about, width))] if self.about else []
        return "\n\n".join([*about, *parts])

    def __str__(self) -> str:
        return self.table()

    @overload
    def plot(self) -> "Figure": ...

    @overload
    def plot(self, path: str | PathLike[str]) -> Path: ...

    def plot(self, path: str | PathLike[str] | None = None) -> "Figure | Path":
        """Draw activations, δ and gradients of the first step.

        Args:
            path: of the file to save the picture in, which is returned. Without one, the Figure itself is
                returned, which a notebook shows.

        Raises:
            OSError: the file cannot be written.
            ValueError: the file's extension is not an image format that matplotlib can write.
        """
        from manual_backprop.record.figure import figure

        drawn = figure(self.steps[0])
        if path is None:
            return drawn
        drawn.savefig(path)
        return Path(path)

    def html(self) -> str:
        """The page, whole: one file without any other."""
        from manual_backprop.record.page import page

        return page(self.steps, self.classes, self.about, self.panel)

    def page(self, path: str | PathLike[str]) -> Path:
        """Write the page; returns the path.

        Raises:
            OSError: the file cannot be written.
        """
        Path(path).write_text(self.html(), encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        """In a notebook: the page, in a frame of its own."""
        frame = 'width="100%" height="960" style="border:0" title="a recorded training step"'
        return f'<iframe {frame} sandbox="allow-scripts" srcdoc="{escape(self.html())}"></iframe>'
