"""The report on a derivation of a file, with arguments that are given, or found."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from manual_backprop.derive.command_line.given import Named, arguments_of, fitting, parameters_of
from manual_backprop.derive.command_line.requests import CannotRead
from manual_backprop.verify import verify
from manual_backprop.verify.files.derivations import Derivation
from manual_backprop.verify.files.found import found_for, in_words, simpler
from manual_backprop.verify.files.layers import made_of_guesses
from manual_backprop.verify.forms.objects import called, is_object
from manual_backprop.verify.reporting.report import EXIT_CODES, Report

JUDGED_AS = re.compile(r"(?:Judged as|Not judged, since (?!no gradient is returned)).*?\.(?=\s|$)")


def report_on(
    derivation: Derivation, named: Named | None, *, several: bool, cache: bool | None
) -> tuple[Report, list[str]]:
    """The report, and of its remark, how it came about where that was not asked for word by word.

    Args:
        derivation: what is judged.
        named: the arguments of its forward, each with its name or None; None if they are to be found.
        several: whether the arguments are for other derivations too, so that they need not fit this one.
        cache: as `verify` has it.

    Raises:
        CannotRead: there is no forward; no arguments fit; it is no question for `verify`.
    """
    if derivation.forward is None and derivation.made is None:
        raise CannotRead(f"there is no forward for {derivation.name}: name it, --against NAME")
    refused: CannotRead | None = None
    for forward, made in _forwards(derivation):
        try:
            report, notes = _report(derivation, forward, named, several=several, cache=cache)
        except CannotRead as error:
            refused = refused or CannotRead(f"{made.rstrip('.')}: {error}" if made else str(error))
            continue
        counted = derivation.counted if report.exit_code == EXIT_CODES["wrong"] else ""
        said = [note for note in (made, *notes, counted) if note]
        of_the_form = JUDGED_AS.findall(report.remark)
        remark = " ".join(note for note in (report.remark, *said) if note)
        return replace(report, remark=remark), [*of_the_form, *said]
    raise refused or CannotRead(
        f"{derivation.name} could not be made with arguments that were found: name an object of it"
    )


def _forwards(derivation: Derivation) -> Iterator[tuple[Any, str]]:
    """The forward; of a class of layers, objects that can be made of it, and how each was made."""
    if derivation.forward is not None:
        yield derivation.forward, ""
        return
    assert derivation.made is not None
    for layer, words in made_of_guesses(derivation.made):
        yield layer, f"With {derivation.name}({words})." if words else ""


def _report(
    derivation: Derivation, forward: Any, named: Named | None, *, several: bool, cache: bool | None
) -> tuple[Report, list[str]]:
    notes = [derivation.remark] * bool(derivation.remark)
    backward, against = derivation.backward, derivation.against
    takes = called(forward) if is_object(forward) else forward
    given = None
    if named is not None:
        given = fitting(takes, named) if several else arguments_of(takes, named)
    if given is None:
        given, words = found_for(forward, backward, against, cache=cache)
        notes.append(f"With {words}, found by trying.")
    options = {"against": against, "shapes": given, "cache": cache}
    report = _verified(forward, backward, options)
    if named is None:
        report, words = _as_it_may_be_meant(forward, backward, options, report)
        notes[-1:] = [words] if words else notes[-1:]
    if report.status == "wrong" and derivation.of_output is not None:
        other = _verified(forward, derivation.of_output, options)
        if other:
            name = getattr(forward, "__name__", "forward")
            output = f"{name}({', '.join(parameters_of(forward))})"
            return other, [f"Judged as grad_output * {derivation.name}({output}).", *notes]
    return report, notes


def _as_it_may_be_meant(
    forward: Any, backward: Any, options: dict[str, Any], report: Report
) -> tuple[Report, str]:
    """The report on arguments that were found, or on simpler ones where a loss is right; and these in words.

    Raises:
        CannotRead: the derivation raises something, which may be due to the arguments.
    """
    if report.problem.startswith("your derivation raises ") and "NameError" not in report.problem:
        words = in_words(forward, options["shapes"])
        raise CannotRead(f"with {words}, found by trying, {report.problem}; give shapes that fit: --shapes")
    if report or report.evidence is None or not report.evidence.problem.is_loss:
        return report, ""
    are_numbers = any("got ()" in verdict.remark for verdict in report.verdicts)
    judged = [verdict.name for verdict in report.verdicts] if are_numbers else []
    for other in simpler(forward, options["shapes"], judged):
        better = _verified(forward, backward, {**options, "shapes": other})
        if better:
            return better, f"With {in_words(forward, other)}, found by trying."
    return report, ""


def _verified(forward: Any, backward: Any, options: dict[str, Any]) -> Report:
    try:
        return verify(forward, backward, **options)
    except (TypeError, ValueError) as error:
        if not str(error).startswith("verify: "):
            raise
        raise CannotRead(str(error)) from error  # a question that is none
