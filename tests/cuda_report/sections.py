"""Sections for the tests of the report's runner: items that pass, raise, hang, and end their process."""

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from scripts.cuda.section import HERE, Items, LeftOut, Section, Settings, Wrong


def fail() -> NoReturn:
    raise ValueError("two lines:\nthe second")


def hang() -> None:
    time.sleep(600)


def leave_out() -> NoReturn:
    raise LeftOut("it cannot be had here")


def find_wrong() -> NoReturn:
    raise Wrong("3 are due", {"found": 2}, "where it was found")


def renew() -> int:
    HERE.renew = True
    return os.getpid()


def every_kind(settings: Settings) -> Items:
    return {
        "first": lambda: {"one": 1.5, "no number": float("nan")},
        "raises": fail,
        "is killed": partial(os.kill, os.getpid(), signal.SIGKILL),
        "exits": partial(os._exit, 3),
        "aborts": os.abort,
        "hangs": hang,
        "is left out": leave_out,
        "is wrong": find_wrong,
        "last": lambda: {"one": 2},
    }


def processes(settings: Settings) -> Items:
    return {"one": os.getpid, "two": renew, "three": os.getpid}


def two(settings: Settings) -> Items:
    return {"quick": lambda: 1, "slow": hang, "never": lambda: 2}


def at_work(settings: Settings) -> Items:
    """It writes a file, by which a test knows when to interrupt it."""

    def slow() -> None:
        Path(settings.data_dir, "began").touch()
        hang()

    return {"slow": slow}


def no_items(settings: Settings) -> Items:
    raise RuntimeError("there are no items")


def page(results: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {result}" for name, result in results.items())


def broken_page(results: dict[str, Any]) -> str:
    raise KeyError("no such column")


def section(items: str, **options: Any) -> Section:
    here = __name__
    return Section(items, f"About {items}", f"{here}:{items}", f"{here}:page", **{"seconds": 1.0, **options})
