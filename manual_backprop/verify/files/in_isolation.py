"""The derivations of a file, judged in a process of its own; where one ends it, the rest in another."""

import json
from dataclasses import replace

from manual_backprop.derive.command_line.isolated_process import answers_in_isolation
from manual_backprop.derive.command_line.requests import CannotRead
from manual_backprop.verify.command import Request
from manual_backprop.verify.files.judged import Judged, unjudged


def judged_in_isolation(request: Request, time_limit: float) -> tuple[list[Judged], str]:
    """What is said of each derivation that a listed request is about, and what the file printed.

    After a derivation that ends the process, or runs for longer than `time_limit` seconds, the rest is judged
    in another process.

    Raises:
        CannotRead: no such file or function; the file fails, or has no derivation.
    """
    judged: list[Judged] = []
    printed = ""
    while True:
        if request.in_file:
            answers, shown = answers_in_isolation(request, time_limit)
        else:
            answers, shown = [*request.answers()], ""
        printed = printed or shown
        names, *said = answers
        if names.error and judged:  # what could be run before cannot now
            return [*judged, *(unjudged(name, names.error) for name in request.only)], printed
        if names.error:
            error = CannotRead(names.error)
            error.exit_code = names.exit_code
            raise error
        left = [str(name) for name in json.loads(names.report)]
        for answer in said:
            name = left.pop(0)
            one = unjudged(name, answer.error) if answer.error else Judged(**json.loads(answer.report))
            judged.append(one)
        if not left:
            return judged, printed
        request = replace(request, only=left)
