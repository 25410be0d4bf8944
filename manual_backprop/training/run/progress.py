"""What a user sees during training: a bar on a terminal and in a notebook, and a line for every epoch."""

import sys
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tqdm import tqdm

REFRESH = 0.25  # seconds: reading a number from a GPU waits for the GPU, so it is done seldom


class Progress:
    """The bar and the lines of one run; a context manager that removes the bar at the end."""

    def __init__(self, total: int, done: int, say: Callable[[str], None], shown: bool = True) -> None:
        self.say = say
        kind, options = _bar()
        options |= {"total": total, "initial": done, "unit": " images", "unit_scale": True, "leave": False}
        self.bar: tqdm[Any] = kind(**options) if shown else tqdm(disable=True)
        self.unseen = 0
        self.refreshed = time.perf_counter()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()

    def due(self, examples: int) -> bool:
        """Count a step of so many examples; whether it is time to look at the numbers again."""
        self.unseen += examples
        return time.perf_counter() - self.refreshed > REFRESH

    def show(self, epoch: int, examples: int, sums: list[float]) -> None:
        """Show the running loss and accuracy of `epoch` (from 0), from their sums over `examples`."""
        loss, accuracy = (each / examples for each in sums)
        self.bar.set_description(f"epoch {epoch + 1}", refresh=False)
        self.bar.set_postfix_str(f"loss {loss:.4f}, {accuracy:.2%} right", refresh=False)
        self.bar.update(self.unseen)
        self.unseen = 0
        self.refreshed = time.perf_counter()

    def end_epoch(self, row: dict[str, float], epochs: int, examples_per_second: float) -> None:
        """Print the line of a complete epoch."""
        line = (
            f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}   loss {row['train_loss']:.4f}   "
            f"training {row['train_accuracy']:7.2%}   test {row['test_accuracy']:7.2%}   "
            f"{examples_per_second:9,.0f} images/s"
        )
        self.bar.clear()
        self.say(line)
        self.bar.update(self.unseen)
        self.unseen = 0


def _bar() -> tuple[Any, dict[str, Any]]:
    """The bar that fits where this runs, and its options: nothing is shown in a file or a pipe."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:  # a notebook's shell has one, IPython's in a terminal has not
        terminal = sys.stderr is not None and sys.stderr.isatty()
        return tqdm, {} if terminal else {"disable": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that without ipywidgets it is text
        from tqdm.auto import tqdm as of_notebook
    return of_notebook, {"file": sys.stdout}  # with the lines, which it then does not interrupt
