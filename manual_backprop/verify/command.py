"""`manual-backprop verify`: derivations in files, or the package's own operations by name."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from manual_backprop.derive.command_line import requests
from manual_backprop.derive.command_line.function_names import LOOKED_FOR
from manual_backprop.derive.command_line.naming import Wanted, no_operation, split_name
from manual_backprop.derive.command_line.package_operations import OWN, own
from manual_backprop.derive.command_line.requests import Answer, CannotRead, CannotRun, Names, names_in
from manual_backprop.verify import verify
from manual_backprop.verify.files.derivations import Derivation, derivation_named, derivations_in
from manual_backprop.verify.files.judged import Judged, judged, unjudged
from manual_backprop.verify.files.judging import report_on
from manual_backprop.verify.reporting.report import Report

CANNOT_WRITE = 4
"""The exit code where the pictures cannot be written, and the derivation is right."""


Form = Literal["text", "coloured", "json"]


@dataclass(frozen=True)
class Request(requests.Request):
    """What was asked for on the command line.

    Attributes:
        against: the name of the forward, in the same file; None if it is to be found.
        form: of the report.
        plot: where to save the pictures.
        cache: whether the forward returns a cache too; None if that is to be seen.
        listed: whether there may be several derivations: the answers are their names, then each `Judged`,
            in JSON.
        only: the names of those that are meant; () for all that the file has.
    """

    against: str | None = None
    form: Form = "text"
    plot: str | None = None
    cache: bool | None = None
    listed: bool = False
    only: Sequence[str] = ()
    whole_file: ClassVar[bool] = True

    @property
    def wanted(self) -> Wanted:
        """A backward, or what is no forward."""
        return Wanted("backward", lambda name: name != "forward")

    def answers(self) -> Iterator[Answer]:
        """One report; or, where there may be several, the names and what is said of each."""
        if not self.listed:
            yield self.answer()
            return
        if not self.in_file:
            yield Answer(json.dumps([self.what]))
            yield Answer(json.dumps(asdict(self._own())))
            return
        derivations = self.derivations()
        yield Answer(json.dumps([derivation.name for derivation in derivations]))
        for derivation in derivations:
            yield Answer(json.dumps(asdict(self.judge(derivation))))

    def derivations(self) -> list[Derivation]:
        """Those of the file that are meant.

        Raises:
            CannotRead: the file fails, has none, or none of a name.
        """
        found = names_in(self.path, definitions_alone=self.definitions_alone)
        derivations = [self._named(name, found) for name in self.only] or derivations_in(found)
        if not derivations and found.error:
            raise CannotRun(found.error)
        if not derivations:
            raise CannotRead(f"{self.path} has no derivation: looked for {LOOKED_FOR}")
        found.tell()
        return derivations

    def answer(self) -> Answer:
        """The report that was asked for, and its pictures.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
        """
        report, notes = self.report()
        one = judged(self.what, report, notes, coloured=self.form == "coloured")
        error = ""
        if self.plot is not None:
            try:
                report.plot(self.plot)
            except (OSError, ValueError) as trouble:
                error = f"--plot {self.plot}: {trouble}"
        text = report.to_json() if self.form == "json" else one.text
        return Answer(text, CANNOT_WRITE if error and report else report.exit_code, error)

    def _own(self) -> Judged:
        report, notes = self.report()
        return judged(self.what, report, notes, coloured=self.form == "coloured")

    def report(self) -> tuple[Report, list[str]]:
        """On what is named in a file, or on an operation's name; and how it was judged.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
        """
        if not self.in_file:
            if self.what not in OWN:
                raise CannotRead(no_operation(self.what, self.wanted))
            return verify_own(self.what), []
        self.check()
        found = names_in(self.path, definitions_alone=self.definitions_alone)
        return self._report_on(self._named(self.name, found))

    def _named(self, name: str, found: Names) -> Derivation:
        found.require(self.path, name, of=_can_be_judged)
        if self.against is not None:
            try:
                found.require(self.path, self.against, of=_can_be_judged)
            except CannotRead as error:
                error.args = (f"{error} (--against takes another name)",)
                raise
        derivation = derivation_named(name, self.against, found)
        if derivation is None:
            raise CannotRead(f"{self.path} has no forward for {name}: name it, --against NAME")
        return derivation

    def judge(self, derivation: Derivation) -> Judged:
        """What is said of one of them."""
        try:
            report, notes = self._report_on(derivation)
        except CannotRead as error:
            return unjudged(derivation.name, str(error))
        return judged(derivation.name, report, notes, coloured=self.form == "coloured")

    def _report_on(self, derivation: Derivation) -> tuple[Report, list[str]]:
        several = self.listed and len(self.only) != 1
        return report_on(derivation, self.arguments(), several=several, cache=self.cache)


def _can_be_judged(value: Any) -> bool:
    return (
        callable(value)
        or callable(getattr(value, "backward", None))
        or callable(getattr(value, "loss", None))
    )


def verify_own(name: str) -> Report:
    """The report on one of this package's operations, against torch.nn.functional's."""
    function, twin, points = own(name)
    return verify(function, against=twin, shapes=points)


def requests_for(named: Sequence[str], **options: Any) -> list[Request]:
    """A request for each file, in order, with the names that are asked for of it; one for each operation."""
    listed = len(named) > 1 or (Request(named[0], None).in_file and not split_name(named[0])[1])
    if not listed:
        return [Request(named[0], **options)]
    files: dict[str, list[str] | None] = {}
    for what in named:
        path, name = split_name(what)
        in_file = Request(what, None).in_file
        key = str(path) if in_file and path != Path() else what
        if not in_file or not name:
            files[key] = None
        elif (names := files.setdefault(key, [])) is not None:
            names.append(name)
    return [
        Request(what, **options, listed=True, only=tuple(dict.fromkeys(names or ())))
        for what, names in files.items()
    ]
