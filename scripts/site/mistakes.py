"""The mistakes that are made with an operation, and what `verify` says of each.

They are the wrong backwards of tests/functional/table. Each is made in a copy of the operation's file and
handed to `verify`, with the right operation to compare with.

.venv/bin/python scripts/site/mistakes.py FILE      judges all of them, in about a minute, and writes FILE
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from inspect import Parameter, getsource, signature
from multiprocessing import get_context
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import torch

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from manual_backprop.derive.computation import NamedInputs  # noqa: E402
from manual_backprop.verify import Report, verify  # noqa: E402
from manual_backprop.verify.reporting import report as reporting  # noqa: E402
from tests.functional.checks import Function  # noqa: E402
from tests.functional.modules import module_named  # noqa: E402
from tests.functional.samples import Mutant, Row, Sample  # noqa: E402
from tests.functional.table import ROWS  # noqa: E402
from tests.mutations.mutated import mutated  # noqa: E402
from tests.mutations.test_mutations import first_rejection  # noqa: E402

SECONDS = 4  # that one call of `verify` may take


@dataclass(frozen=True)
class Mistake:
    """One wrong backward, and what became of it.

    Attributes:
        words: what the mistake is.
        right: the lines that are changed, as they are.
        wrong: with the mistake.
        file: in which they stand.
        summary: what `verify` said, in a line.
        report: all that is worth reading of what it printed; "" where it found nothing wrong.
        sample: which call it was judged with.
        check: which check of the tests rejects it, where `verify` does not.
    """

    words: str
    right: str
    wrong: str
    file: str
    summary: str = ""
    report: str = ""
    sample: str = ""
    check: str = ""


def in_a_child(row: Row, wrong: Function, sample: Sample) -> tuple[str, str, str] | str:
    """What `verify` says: status, summary and report; or why nothing, when it hangs or ends the process.

    A forked child has the wrong function, which cannot be sent to another process.
    """
    ours, theirs = get_context("fork").Pipe(duplex=False)

    def judge() -> None:
        report = verified(row, wrong, sample)
        rejected = report.status in ("wrong", "malformed") or "WRONG" in report.second_derivatives
        if rejected:
            theirs.send(("wrong", summary(report), shortened(report)))
        else:
            theirs.send((report.status, report.problem or report.verdicts[0].remark, ""))

    child = get_context("fork").Process(target=judge)
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(SECONDS) else f"it gave no answer within {SECONDS} seconds"
    except EOFError:
        return "it ended without an answer"
    finally:
        child.kill()
        child.join()


def mistakes_of(row: Row) -> list[Mistake]:
    """All that the table has of an operation, in its order."""
    return [judged(row, mutant) for mutant in row.mutants]


def judged(row: Row, mutant: Mutant) -> Mistake:
    """What `verify` says on the first sample on which it finds something wrong, or else which check does."""
    wrong = mutated(row, mutant)
    module = module_named(mutant.file or row.name)
    file = Path(str(module.__file__)).name
    found = Mistake(mutant.mistake, *changed(getsource(module), mutant), file)
    problems, found_right = [], False
    for sample in sorted(row.samples, key=effort):
        if not sample.finite or not all(x.numel() for x in sample.inputs):
            continue
        answer = in_a_child(row, wrong, sample)
        if isinstance(answer, str):
            problems.append(answer)
            break
        status, said, report = answer
        if status == "wrong":
            return Mistake(**asdict(found) | {"summary": said, "report": report, "sample": sample.name})
        if status == "unjudged":
            problems.append(f"it cannot judge this: {said}")
        else:
            found_right = True
    check = first_rejection(wrong, row) or ""
    said = "it finds the gradients right" if found_right or not problems else problems[0]
    return Mistake(**asdict(found) | {"summary": said, "check": check})


def effort(sample: Sample) -> tuple[bool, bool]:
    """Smooth samples come first; of sequences, those of one step, for which `verify` takes seconds."""
    return not sample.smooth, "one step" not in sample.name


def verified(row: Row, wrong: Function, sample: Sample) -> Report:
    """`verify` of the wrong function against the right one, on a sample."""
    names = names_of(row, len(sample.inputs))
    forward, against = (partial(each, **sample.options) for each in (wrong, row.function))
    with torch.random.fork_rng(devices=[]):
        return verify(
            NamedInputs(forward, names) if names else forward, against=against, inputs=sample.inputs
        )


def names_of(row: Row, count: int) -> tuple[str, ...]:
    """What the inputs are called: in the signature of the function, or in that of its derivation."""
    for function, first in ((row.function, 0), (row.derivation, 1)):
        kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        names = [name for name, each in signature(function).parameters.items() if each.kind in kinds]
        if len(names) >= count + first:
            return tuple(names[first : count + first])
    return ()


def changed(source: str, mutant: Mutant) -> tuple[str, str]:
    """The whole lines that a mistake changes, before and after."""
    at = source.index(mutant.line)
    begin, end = source.rfind("\n", 0, at) + 1, source.find("\n", at + len(mutant.line))
    right = source[begin:end]
    return dedent(right), dedent(right.replace(mutant.line, mutant.instead))


def summary(report: Report) -> str:
    """The diagnosis in a line: of the first input that has one."""
    wrong = [verdict for verdict in report.verdicts if verdict.status in ("wrong", "malformed")]
    for verdict in wrong:
        for diagnosis in verdict.diagnoses:
            return ("" if diagnosis.certain else "Consistent with: ") + diagnosis.text
    for verdict in wrong:
        if verdict.departure or verdict.remark:
            return verdict.departure or verdict.remark
    if report.problem:
        return report.problem
    if "WRONG" in report.second_derivatives:
        return f"Second derivatives: {report.second_derivatives.partition('. ')[0]}."
    names = ", ".join(f"∂L/∂{verdict.name}" for verdict in wrong)
    return f"{names} is wrong; no known mistake explains it."


def shortened(report: Report) -> str:
    """What `verify` prints, each sentence on a line of its own, without how it was confirmed."""
    with patch.object(reporting, "WIDTH", 2000):
        lines = str(report).splitlines()
    kept = [line for line in lines if not line.startswith(("Rounding explains", "Right is what"))]
    kept = [line.partition("    largest error")[0] if "  right  " in line else line for line in kept]
    return "\n".join(line.replace(" " * 13, "    ", 1) if line.startswith(" ") else line for line in kept)


def judge_row(at: int) -> tuple[str, list[dict[str, str]]]:
    """Of the row of a number, for a row cannot be sent to a process."""
    torch.set_num_threads(1)
    return ROWS[at].name, [asdict(mistake) for mistake in mistakes_of(ROWS[at])]


def main() -> None:
    (file,) = map(Path, sys.argv[1:])
    longest_first = sorted(range(len(ROWS)), key=lambda at: -len(ROWS[at].mutants))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        found = dict(processes.map(judge_row, longest_first))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
