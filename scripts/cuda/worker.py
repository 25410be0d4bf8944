"""A process that does a section's items one after the other: python -m scripts.cuda.worker REQUEST.

Each line that it writes is JSON: the names of all items, that one has begun, or its outcome. Whoever reads
them knows what was done when the process is lost. It ends with the code `AGAIN` where what is left needs a
new process: an error on a GPU, such as a failed assertion in a kernel, spoils everything after it.
"""

import faulthandler
import gc
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.cuda.section import FAILED, HERE, LEFT_OUT, PASSED, LeftOut, Outcome, Settings, Wrong, load

AGAIN = 75
LONGEST = 300  # characters of a reason


def main(request: dict[str, Any]) -> int:
    """Do the items of a request: this worker's share, but for those that are done."""
    if hasattr(signal, "SIGUSR1"):  # asked for where an item hangs
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    settings = Settings(**request["settings"])
    items = load(request["items"])(settings)
    with Path(request["results"]).open("a", encoding="utf-8") as file:

        def write(line: dict[str, Any]) -> None:
            file.write(json.dumps(line, default=str) + "\n")
            file.flush()

        write({"names": list(items)})
        share = list(items)[request["worker"] :: request["workers"]]
        left = [name for name in share if name not in request["done"]]
        for name in left:
            write({"began": name})
            write({"item": name, **asdict(attempt(items[name], settings.device))})
            over = request["fresh"] or HERE.renew or not usable(settings.device)
            if over and name != left[-1]:
                return AGAIN
    return 0


def attempt(item: Callable[[], Any], device: str) -> Outcome:
    """What becomes of an item; what it has asked of a GPU is done before it is over."""
    started = time.perf_counter()
    try:
        result = item()
        wait(device)
        outcome = Outcome(PASSED, result=result)
    except LeftOut as reason:
        outcome = Outcome(LEFT_OUT, reason=str(reason))
    except Wrong as wrong:
        outcome = Outcome(FAILED, 0.0, wrong.result, str(wrong), wrong.traceback)
    except Exception as error:
        outcome = Outcome(FAILED, reason=said(error), traceback=traceback.format_exc())
    outcome.seconds = time.perf_counter() - started
    return outcome


def said(error: BaseException) -> str:
    """In a line, what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def wait(device: str) -> None:
    """Until the GPU has done what it was asked for, so that it is the item's own error that is raised."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def usable(device: str) -> bool:
    """Whether the next item finds the GPU as it should be, with its memory free."""
    try:
        gc.collect()
        if device == "cuda":
            import torch

            torch.cuda.empty_cache()
            wait(device)
    except RuntimeError:
        return False
    return True


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
