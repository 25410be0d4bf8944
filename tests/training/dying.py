"""A training run whose last process dies in the midst of it.

torchrun --nproc-per-node 2 dying.py STEP train …        STEP is the one that it does not live to make
"""

import os
import sys
from typing import Any

from manual_backprop.cli import main
from manual_backprop.training.run.loop import Trainer

if __name__ == "__main__":
    last = int(sys.argv[1])
    advance = Trainer._advance

    def advance_or_die(trainer: Trainer, *arguments: Any) -> tuple[int, int]:
        if trainer.step == last - 1 and trainer.processes.rank == trainer.processes.size - 1:
            os._exit(9)
        return advance(trainer, *arguments)

    Trainer._advance = advance_or_die  # type: ignore[method-assign]
    sys.exit(main(sys.argv[2:]))
