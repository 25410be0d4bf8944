"""`manual-backprop derive`: a forward in a file, or one of the package's own operations by name."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from manual_backprop.derive import Derivation, Disproved, Underivable, derive
from manual_backprop.derive.command_line import requests
from manual_backprop.derive.command_line.function_names import parsed
from manual_backprop.derive.command_line.given import arguments_of, found_for
from manual_backprop.derive.command_line.messages import words_of
from manual_backprop.derive.command_line.naming import Wanted, no_operation
from manual_backprop.derive.command_line.package_operations import OWN, own
from manual_backprop.derive.command_line.requests import Answer, CannotRead, CannotRun, names_in
from manual_backprop.derive.computation import is_computation, is_function_class

FORMS = ("torch", "numpy", "function", "latex", "markdown")


@dataclass(frozen=True)
class Request(requests.Request):
    """What was asked for on the command line.

    Attributes:
        form: "text", or one of FORMS.
        elementary: whether operations are taken apart.
    """

    form: str
    elementary: bool

    @property
    def wanted(self) -> Wanted:
        """A forward, or what is no backward."""
        return Wanted("forward", lambda name: parsed(name).role in ("forward", "plain"))

    def answer(self) -> Answer:
        """The derivation, in the form that was asked for.

        Raises:
            CannotRead: no such file, function, operation, or shapes.
            CannotRun: it cannot be written out.
        """
        try:
            derivation = self.derivation()
            if self.form == "text":
                text = str(derivation)
            elif self.form in ("latex", "markdown"):
                text = getattr(derivation, self.form)()
            else:
                text = derivation.source(self.form)
        except (Underivable, Disproved) as error:
            raise CannotRun(str(error)) from error
        return Answer(text.rstrip(), 0)

    def derivation(self) -> Derivation:
        """Of `file.py:function`, or of an operation with the shapes of its example."""
        if not self.in_file:
            if self.what not in OWN:
                raise CannotRead(no_operation(self.what, self.wanted))
            function, _, points = own(self.what)
            return self._derived(function, points)
        self.check()
        path, name = self.path, self.name
        found = names_in(path, definitions_alone=self.definitions_alone)
        forward = found.get(name)
        if isinstance(forward, type) and issubclass(forward, nn.Module):
            try:
                forward = forward()
            except TypeError as error:
                raise CannotRun(
                    f"{name} in {path} cannot be made without arguments ({words_of(error)}): name an instance"
                ) from error
        if is_function_class(forward):
            raise CannotRead(
                f"{name} in {path} is a torch.autograd.Function, with a backward of its own: name a forward"
            )
        found.require(path, name, of=lambda _: is_computation(forward))
        named = self.arguments()
        if named is not None:
            return self._derived(forward, arguments_of(forward, named))
        given, words = found_for(forward)
        print(f"With {words}, found by trying.")
        return self._derived(forward, given)

    def _derived(self, forward: Any, shapes: Any) -> Derivation:
        return derive(forward, shapes=shapes, depth="elementary" if self.elementary else "operation")
