"""What a report is made of: sections, of items, each with an outcome.

Nothing here needs PyTorch, so that the command can say what happened even where importing it fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PASSED, FAILED, LEFT_OUT, NOT_RUN = "passed", "failed", "left out", "not run"
STATUSES = (PASSED, FAILED, LEFT_OUT, NOT_RUN)


@dataclass(frozen=True)
class Settings:
    """What every item is told.

    Attributes:
        device: "cuda" or "cpu".
        quick: small sizes and few items, as on a machine without a GPU.
        data_dir: the folder of torchvision's MNIST; "" for none.
    """

    device: str
    quick: bool
    data_dir: str


Items = dict[str, Callable[[], Any]]
"""What is to be done, by name. Each returns what the page and the JSON file say of it."""


@dataclass(frozen=True)
class Section:
    """A part of the report, run in processes of its own.

    Attributes:
        name: for --only, and in the JSON file.
        title: of its part of the page.
        items: "module:function", so that whoever cannot import the module fails alone. It makes of the
            settings an `Items`, again in each process, and has to name the same ones each time.
        page: likewise, of a function that makes Markdown of the items' results, by name.
        seconds: its share of the time, in proportion to the others'.
        item_seconds: after which an item is taken to hang.
        workers: how many processes share the items, but for a CPU; 1 where time is measured.
        fresh: whether each item has a process of its own.
    """

    name: str
    title: str
    items: str
    page: str
    seconds: float
    item_seconds: float = 60.0
    workers: int = 1
    fresh: bool = False


def load(name: str) -> Callable[..., Any]:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


@dataclass
class Process:
    """What the items of one process know of it.

    Attributes:
        renew: set by an item after which another one needs a new process.
    """

    renew: bool = False


HERE = Process()


@dataclass
class Outcome:
    """What became of an item."""

    status: str
    seconds: float = 0.0
    result: Any = None
    reason: str = ""
    traceback: str = ""


class LeftOut(Exception):  # noqa: N818 - nothing is wrong
    """An item that cannot be done here, for a reason that is no mistake of this package."""


class Wrong(Exception):  # noqa: N818 - what was found is not what is due
    """An item that came to its end and found something wrong; `result` is reported nevertheless."""

    def __init__(self, reason: str, result: Any, traceback: str = "") -> None:
        super().__init__(reason)
        self.result, self.traceback = result, traceback


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Markdown; numbers with three digits that count."""
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return plain(str(value)).replace("|", "\\|")


def plain(text: str) -> str:
    """In a line, and with no mark that a page would take for HTML."""
    return text.replace("\n", " ").replace("<", "&lt;")
