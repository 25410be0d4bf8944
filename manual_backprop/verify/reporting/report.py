"""What `verify` answers: a text for a terminal of 80 columns, JSON, a notebook's cell."""

import json
from dataclasses import asdict, dataclass, field, replace
from html import escape
from os import PathLike
from textwrap import fill
from typing import TYPE_CHECKING, Any, overload

from manual_backprop.plots.svg import inline
from manual_backprop.verify.findings import Finding, Status
from manual_backprop.verify.problem import Draw, Problem
from manual_backprop.verify.reporting.pictures import picture
from manual_backprop.verify.settings import with_gradients

if TYPE_CHECKING:  # matplotlib is imported when a picture is drawn
    from matplotlib.figure import Figure

EXIT_CODES: dict[Status, int] = {"right": 0, "wrong": 1, "malformed": 1, "unjudged": 3}
WIDTH = 80


class Verdict(Finding):  # noqa: D101 - it has the docstring of Finding
    __doc__ = Finding.__doc__

    def __str__(self) -> str:
        head = f"∂L/∂{self.name}"
        if self.status == "right":
            lines = [f"{head:<12} right    largest error {self.ulps:.0f} ulp ({self.relative:.0e} relative)"]
            lines += [self.remark] * bool(self.remark)
        elif self.status == "unjudged":
            lines = [f"{head:<12} could not be judged: {self.remark}"]
        elif self.status == "malformed":
            lines = [f"{head:<12} WRONG    {self.remark}"]
        else:
            lines = [
                f"{head:<12} WRONG    at {list(self.index)}: yours {self.given:.6g}, right {self.right:.6g}"
            ]
            if self.remark:
                lines.append(self.remark)
        if self.departure:
            lines.append(f"{self.departure[0].upper()}{self.departure[1:]}.")
        for diagnosis in self.diagnoses:
            lead = "" if diagnosis.certain else "Consistent with: "
            lines.append(f"{lead}{diagnosis.text} (residual {diagnosis.residual:.0e})")
        if self.status == "wrong" and not self.diagnoses:
            lines.append("No known mistake explains it.")
        if self.passes_with_ones:
            lines.append("An upstream gradient of ones would have hidden this.")
        first, *rest = lines
        wrapped = [fill(line, WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13) for line in rest]
        return "\n".join([fill(first, WIDTH, subsequent_indent=" " * 22), *wrapped])


@dataclass(frozen=True)
class Evidence:
    """What pictures are made of: the derivation, and one point at which it was judged."""

    problem: Problem
    draw: Draw


@dataclass(frozen=True)
class Report:
    """The answer of `verify`; truthy if every gradient is right.

    Attributes:
        status: "right" if all verdicts are; "unjudged" if the oracles could not agree on what is right, or
            no numbers were compared.
        verdicts: one for each input that has a gradient, in order.
        oracles: what the right gradient was found and confirmed with.
        problem: why nothing could be judged, or what is wrong with the derivation as a whole.
        remark: what else there is to say of the derivation as a whole.
        second_derivatives: of a function judged with `against`: "right", "not judged, …" or "WRONG …"; they
            do not change the status.
        evidence: what `plot` draws; not part of the JSON.
    """

    status: Status
    verdicts: tuple[Verdict, ...] = ()
    oracles: tuple[str, ...] = ()
    problem: str = ""
    remark: str = ""
    second_derivatives: str = ""
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.status == "right"

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 3 could not be judged."""
        return EXIT_CODES[self.status]

    def content(self) -> dict[str, Any]:
        """What `to_json` writes: the values of the dataclasses, by the names of their fields."""
        content = asdict(replace(self, evidence=None))
        del content["evidence"]
        return content

    def to_json(self) -> str:
        """The report as JSON, with the names of the dataclasses' fields."""
        return json.dumps(self.content(), indent=2, ensure_ascii=False)

    @overload
    def plot(self) -> "Figure": ...

    @overload
    def plot(self, path: str | PathLike[str]) -> None: ...

    def plot(self, path: str | PathLike[str] | None = None) -> "Figure | None":
        """Draw right, given and difference; error against step size; a bar for each input.

        Args:
            path: of the file to save the pictures in. Without one, they are returned as a Figure, which a
                notebook shows.

        Raises:
            OSError: the file cannot be written.
            ValueError: nothing was judged, so there is nothing to plot; or the file's extension is not an
                image format that matplotlib can write.
        """
        if self.evidence is None:
            raise ValueError(f"nothing was judged, so there is nothing to plot: {self.problem}")
        evidence = self.evidence
        figure = with_gradients(lambda: picture(self.verdicts, evidence.problem, evidence.draw))
        if path is None:
            return figure
        figure.savefig(path)
        return None

    def coloured(self) -> str:
        """The text with its verdicts in colour, for a terminal."""
        return (
            str(self).replace("WRONG", "\033[31mWRONG\033[0m").replace(" right  ", " \033[32mright\033[0m  ")
        )

    def _repr_html_(self) -> str:
        """In a notebook: the text with its verdicts in colour, and the pictures below it."""
        text = escape(str(self))
        for word, colour in (("WRONG", "#D55E00"), (" right  ", "#009E73")):
            text = text.replace(word, f'<b style="color:{colour}">{word}</b>')
        parts = [f"<pre>{text}</pre>"]
        if self.evidence is not None:
            parts.append(inline(self.plot()))
        return "".join(parts)

    def __str__(self) -> str:
        lines = [str(verdict) for verdict in self.verdicts]
        if self.problem:
            lead = "Could not be judged: " if self.status == "unjudged" else "WRONG: " * bool(self.verdicts)
            lines.insert(0, fill(lead + self.problem, WIDTH))
        if self.remark:
            lines.append(fill(self.remark, WIDTH))
        if self.second_derivatives:
            lines.append(fill(f"Second derivatives: {self.second_derivatives}.", WIDTH))
        limits = dict.fromkeys(v.tolerance_from for v in self.verdicts if v.tolerance_from)
        if limits:
            lines.append(fill(f"Rounding explains an error of up to {', '.join(limits)}.", WIDTH))
        if self.oracles:
            lines.append(fill(f"Right is what {', '.join(self.oracles)} agree on.", WIDTH))
        return "\n".join(lines)

    __repr__ = __str__  # so that a failing `assert verify(…)` shows the diagnosis
