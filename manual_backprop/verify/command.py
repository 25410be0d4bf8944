"""`manual-backprop verify`: a derivation in a file, or one of the package's own operations by name."""

from dataclasses import dataclass
from typing import Literal

from manual_backprop.derive.command_line import requests
from manual_backprop.derive.command_line.naming import Wanted, no_function, no_operation, split_name
from manual_backprop.derive.command_line.package_operations import OWN, own
from manual_backprop.derive.command_line.requests import Answer, CannotRead, names_in
from manual_backprop.derive.computation import is_function_class
from manual_backprop.verify import verify
from manual_backprop.verify.reporting.report import Report

CANNOT_WRITE = 4
"""The exit code where the pictures cannot be written, and the derivation is right."""


Form = Literal["text", "coloured", "json"]


@dataclass(frozen=True)
class Request(requests.Request):
    """What was asked for on the command line.

    Attributes:
        against: the name of the forward, in the same file.
        form: of the report.
        plot: where to save the pictures.
    """

    against: str
    form: Form
    plot: str | None

    @property
    def wanted(self) -> Wanted:
        """A backward, or what is no forward."""
        return Wanted("backward", lambda name: name != "forward")

    def answer(self) -> Answer:
        """The report that was asked for, and its pictures.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
        """
        report = self.report()
        text = {"text": report.__str__, "coloured": report.coloured, "json": report.to_json}[self.form]()
        error = ""
        if self.plot is not None:
            try:
                report.plot(self.plot)
            except (OSError, ValueError) as trouble:
                error = f"--plot {self.plot}: {trouble}"
        return Answer(text, CANNOT_WRITE if error and report else report.exit_code, error)

    def report(self) -> Report:
        """On `file.py:function`, against another function of the same file, or on an operation's name.

        The function is a backward, or a torch.autograd.Function that has one.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
        """
        if ":" not in self.what:
            if self.what not in OWN:
                raise CannotRead(no_operation(self.what, self.wanted))
            return verify_own(self.what)
        self.check()
        path, name = split_name(self.what)
        found = names_in(path)
        for wanted in (name, self.against):
            if not callable(found.get(wanted)):
                other = " (--against takes another name)" if wanted != name else ""
                raise CannotRead(no_function(path, wanted, found) + other)
        judged, reference = found[name], found[self.against]
        if is_function_class(judged):
            return verify(judged, against=reference, shapes=self.sizes())
        return verify(reference, judged, shapes=self.sizes())


def verify_own(name: str) -> Report:
    """The report on one of this package's operations, against torch.nn.functional's."""
    function, twin, points = own(name)
    return verify(function, against=twin, shapes=points)
