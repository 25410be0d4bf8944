"""The command `manual-backprop`.

Exit codes: 0 success, 1 failure, 2 an invalid option, 128 + n stopped by signal n. An error is one line on
standard error.
"""

import json
import os
import sys
from collections.abc import Sequence
from math import isfinite
from typing import Any

from manual_backprop import benchmark, record
from manual_backprop.cli.example import least_sure
from manual_backprop.cli.options import parser
from manual_backprop.training import Failure, Interrupted, TrainingConfig, UsageError, resume, train
from manual_backprop.training.device import resolve_device
from manual_backprop.training.run import network_of
from manual_backprop.verify.command import CannotRead, Form, Request, answer_to
from manual_backprop.verify.isolated_process import answer_in_isolation

LONGEST_LINE = 2000  # characters of an error: what it quotes may have any length
WITH_RESUME = ("epochs", "target_accuracy", "device", "data_dir")
LONGEST_LIMIT = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (by default the process's own) and return its exit code."""
    options = vars(parser().parse_args(arguments))
    command = options.pop("command")
    try:
        exit_code = {"train": _train, "verify": _verify, "record": _record, "bench": _bench}[command](options)
        sys.stdout.flush()
        return exit_code
    except (UsageError, CannotRead) as error:
        return _say(f"manual-backprop {command}: error: {error}", 2)
    except Failure as error:
        return _say(f"manual-backprop {command}: {error}", 1)
    except Interrupted as stop:
        return _say(str(stop), stop.exit_code)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    except BrokenPipeError:  # whoever reads the lines has gone, as `head` does; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _say(line: str, exit_code: int) -> int:
    line = "".join(c if c.isprintable() else " " for c in line)
    print(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…", file=sys.stderr)
    return exit_code


def _train(options: dict[str, Any]) -> int:
    folder = options.pop("resume", None)
    if folder is None:
        out = options.pop("out", None)
        train(TrainingConfig(**options), out)
        return 0
    fixed = [f"--{name.replace('_', '-')}" for name in options if name not in WITH_RESUME]
    if fixed:
        raise UsageError(f"{', '.join(fixed)} cannot be changed with --resume: the run keeps its own")
    resume(folder, options)
    return 0


def _verify(options: dict[str, Any]) -> int:
    limit = options["time_limit"]
    if not 0 < limit <= LONGEST_LIMIT:
        raise UsageError(f"--time-limit must be above 0 and at most {LONGEST_LIMIT}, got {limit:g}")
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    form: Form = "json" if options["json"] else "coloured" if colour else "text"
    request = Request(options["derivation"], options["against"], options["shapes"], form, options["plot"])
    if ":" in request.derivation:
        answer, printed = answer_in_isolation(request, limit)
        if printed:
            print(printed, file=sys.stderr if form == "json" else sys.stdout)
    else:
        answer = answer_to(request)
    if answer.report:
        print(answer.report)
    if answer.error:
        raise CannotRead(answer.error)
    return answer.exit_code


def _record(options: dict[str, Any]) -> int:
    if not (isfinite(options["lr"]) and options["lr"] > 0):
        raise UsageError(f"--lr must be a number above 0, got {options['lr']}")
    if options["steps"] < 1:
        raise UsageError(f"--steps must be at least 1, got {options['steps']}")
    model, data, loss = network_of(options["checkpoint"], options["data_dir"])
    label = options["digit"]
    if label is not None and not 0 <= label < len(data.classes):
        raise UsageError(f"--digit must be from 0 to {len(data.classes) - 1}, got {label}")
    example, about = least_sure(model, loss, data, label)
    lr, steps = options["lr"], options["steps"]
    recording = record(model, *example, loss=loss, lr=lr, steps=steps, classes=data.classes, about=about)
    print(recording)
    for option, write in (("page", recording.page), ("plot", recording.plot)):
        if options[option] is not None:
            try:
                print(f"{option}: {write(options[option])}")
            except (OSError, ValueError) as error:
                raise Failure(f"--{option} {options[option]}: {error}") from error
    return 0


def _bench(options: dict[str, Any]) -> int:
    device = resolve_device(options["device"])
    if options["rounds"] < 1:
        raise UsageError(f"--rounds must be at least 1, got {options['rounds']}")
    if options["json"] is not None and not options["json"].parent.is_dir():  # before minutes are spent
        raise UsageError(f"--json {options['json']}: there is no folder {options['json'].parent}")
    results = benchmark.run(device, options["rounds"], large=False)
    if options["json"] is not None:
        options["json"].write_text(json.dumps(benchmark.as_json(device, *results), indent=2) + "\n")
    return 0
