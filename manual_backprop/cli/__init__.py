"""The command `manual-backprop`.

An error is one line on standard error. `--help` says what each exit code means: `EXIT_CODES` in options.py.
"""

import errno
import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from os import environ
from typing import Any, TextIO

from manual_backprop import benchmark, record
from manual_backprop.cli.example import least_sure, places_of, usual_size
from manual_backprop.cli.options import parser
from manual_backprop.cli.streams import can_show, discard, standard_streams
from manual_backprop.derive.command import FORMS
from manual_backprop.derive.command import Request as DeriveRequest
from manual_backprop.derive.command_line.isolated_process import answers_in_isolation
from manual_backprop.derive.command_line.requests import Answer, CannotRead, Request
from manual_backprop.training import (
    CannotWrite,
    Failure,
    Interrupted,
    TrainingConfig,
    UsageError,
    resume,
    train,
)
from manual_backprop.training.device import resolve_device
from manual_backprop.training.run import network_of
from manual_backprop.training.run.files import write_text
from manual_backprop.verify.command import Form, requests_for
from manual_backprop.verify.command import Request as VerifyRequest
from manual_backprop.verify.files.in_isolation import judged_in_isolation
from manual_backprop.verify.files.judged import Judged, exit_code_of, text_of

LONGEST_LINE = 2000  # characters of an error: what it quotes may have any length
LONGEST_LIMIT = 1_000_000
FORM_OF_A_FILE = {".py": "torch", ".tex": "latex", ".md": "markdown"}
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
INTERRUPTED, READER_GONE = 128 + 2, 128 + 13  # as the signals SIGINT and SIGPIPE would end it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (by default the process's own) and return its exit code."""
    with standard_streams():
        program = "manual-backprop"
        try:
            try:
                options = vars(parser().parse_args(arguments))
                program += f" {options['command']}"
                return COMMANDS[options.pop("command")](options)
            finally:
                sys.stdout.flush()
        except (UsageError, CannotRead) as error:
            return _say(f"{program}: error: {error}", error.exit_code)
        except Failure as error:
            return _say(f"{program}: {error}", error.exit_code)
        except Interrupted as stop:
            return _say(str(stop), stop.exit_code)
        except KeyboardInterrupt:
            return _say("Stopped.", INTERRUPTED)
        except BrokenPipeError:  # whoever reads the lines has gone, as `head` does; nothing is left to say
            discard(sys.stdout)
            discard(sys.stderr)
            return READER_GONE
        except Exception as error:
            if not isinstance(error, OSError) or error.errno not in DISK_FULL:
                traceback.print_exc()  # a mistake of this package: it is to be seen, and 1 would say "wrong"
                return Failure.exit_code
            discard(sys.stdout)
            return _say(f"{program}: cannot write standard output: {error.strerror}", CannotWrite.exit_code)


def _say(line: str, exit_code: int) -> int:
    line = "".join(c if c.isprintable() else " " for c in line)
    try:
        print(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…", file=sys.stderr)
    except OSError:  # nobody is there to read it
        discard(sys.stderr)
    return exit_code


def _train(options: dict[str, Any]) -> int:
    folder = options.pop("resume", None)
    if folder is None:
        out = options.pop("out", None)
        train(TrainingConfig(**options), out)
        return 0
    resume(folder, options)
    return 0


def _verify(options: dict[str, Any]) -> int:
    colour = sys.stdout.isatty() and "NO_COLOR" not in environ
    form: Form = "json" if options["json"] else "coloured" if colour else "text"
    named = options["derivation"]
    asked = requests_for(
        named, **{name: options[name] for name in ("shapes", "against", "plot", "cache")}, form=form
    )
    if any(request.listed for request in asked):
        return _verify_several(asked, options["time_limit"], form)
    (request,) = asked
    answer = _answer_to(request, options["time_limit"], sys.stderr if form == "json" else sys.stdout)
    if answer.report:
        print(_as_json_in_ascii(answer.report) if form == "json" else answer.report)
    if answer.error:
        return _say(f"manual-backprop verify: error: {answer.error}", answer.exit_code)
    return answer.exit_code


def _verify_several(asked: Sequence[VerifyRequest], limit: float, form: Form) -> int:
    """A line for each derivation, and an error for each file that cannot be judged."""
    _require_limit(limit)
    if asked[0].plot is not None:
        raise UsageError("--plot is for one derivation: name it, file.py:function")
    judged: list[Judged] = []
    errors: list[CannotRead] = []
    for request in asked:
        try:
            of_file, printed = judged_in_isolation(request, limit)
        except CannotRead as error:
            errors.append(error)
            continue
        if printed:
            print(printed, file=sys.stderr if form == "json" else sys.stdout)
        prefix = f"{request.path}:" if request.in_file and len(asked) > 1 else ""
        judged += [replace(one, name=prefix + one.name) for one in of_file]
    if form == "json":
        listed = [{"name": one.name, "report": one.report} for one in judged]
        print(_as_json_in_ascii(json.dumps(listed, indent=2, ensure_ascii=False)))
    elif judged:
        print(text_of(judged, coloured=form == "coloured"))
    for unread in errors:
        _say(f"manual-backprop verify: error: {unread}", unread.exit_code)
    return exit_code_of([*(one.exit_code for one in judged), *(unread.exit_code for unread in errors)])


def _derive(options: dict[str, Any]) -> int:
    out = options["out"]
    if out is not None and not out.parent.is_dir():  # before seconds are spent
        raise CannotWrite(f"--out {out}: there is no folder {out.parent}")
    if out is not None and out.is_dir():
        raise CannotWrite(f"--out {out}: it is a folder")
    form = next((form for form in FORMS if options[form]), None)
    if form is None:
        form = "text" if out is None else FORM_OF_A_FILE.get(out.suffix, "text")
    request = DeriveRequest(options["forward"], options["shapes"], form, options["elementary"])
    answer = _answer_to(request, options["time_limit"], sys.stderr)
    if answer.error:
        return _say(f"manual-backprop derive: error: {answer.error}", answer.exit_code)
    if out is None:
        print(answer.report)
        return answer.exit_code
    write_text(out, answer.report + "\n")
    print(f"out: {out}")
    return answer.exit_code


def _answer_to(request: Request, limit: float, log: TextIO) -> Answer:
    """The answer; of a file from a process of its own, and what the file prints in `log`."""
    _require_limit(limit)
    if not request.in_file:
        return request.answer()
    (answer, *_), printed = answers_in_isolation(request, limit)
    if printed:
        print(printed, file=log)
    return answer


def _require_limit(limit: float) -> None:
    if not 0 < limit <= LONGEST_LIMIT:
        raise UsageError(f"--time-limit must be above 0 and at most {LONGEST_LIMIT}, got {limit:g}")


def _as_json_in_ascii(report: str) -> str:
    """With the escapes of JSON, where standard output has an encoding that needs them."""
    return report if can_show(report, sys.stdout) else json.dumps(json.loads(report), indent=2)


def _record(options: dict[str, Any]) -> int:
    if not (isfinite(options["lr"]) and options["lr"] > 0):
        raise UsageError(f"--lr must be a number above 0, got {options['lr']}")
    if options["steps"] < 1:
        raise UsageError(f"--steps must be at least 1, got {options['steps']}")
    model, data, loss = network_of(options["checkpoint"], options["data_dir"])
    label = options["digit"]
    if label is not None and not 0 <= label < len(data.classes):
        raise UsageError(f"--digit must be from 0 to {len(data.classes) - 1}, got {label}")
    size, there_are = options["examples"], len(places_of(data, label))
    if size is None:
        size = min(usual_size(model, page=options["page"] is not None), there_are)
    if not 1 <= size <= there_are:
        of_class = "" if label is None else f" of class {data.classes[label]}"
        raise UsageError(f"--examples must be from 1 to {there_are}, the test images{of_class}, got {size}")
    batch, about = least_sure(model, loss, data, label, size)
    lr, steps = options["lr"], options["steps"]
    recording = record(model, *batch, loss=loss, lr=lr, steps=steps, classes=data.classes, about=about)
    said, unwritten = [str(recording)], []
    for option, write in (("page", recording.page), ("plot", recording.plot)):
        if options[option] is not None:
            try:
                said.append(f"{option}: {write(options[option])}")
            except (OSError, ValueError) as error:
                unwritten.append(f"--{option} {options[option]}: {error}")
    print(*said, sep="\n")  # when the files are there, as whoever reads it may go
    if unwritten:
        raise CannotWrite("; ".join(unwritten))
    return 0


def _bench(options: dict[str, Any]) -> int:
    device = resolve_device(TrainingConfig(device=options["device"]).device)
    if options["rounds"] < 1:
        raise UsageError(f"--rounds must be at least 1, got {options['rounds']}")
    out = options["json"]
    if out is not None and not out.parent.is_dir():  # before minutes are spent
        raise CannotWrite(f"--json {out}: there is no folder {out.parent}")
    results = benchmark.run(device, options["rounds"], large=False)
    if out is not None:
        write_text(out, json.dumps(benchmark.as_json(device, *results), indent=2) + "\n")
    return 0


COMMANDS = {"train": _train, "verify": _verify, "derive": _derive, "record": _record, "bench": _bench}
