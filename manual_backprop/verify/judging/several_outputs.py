"""A forward with several outputs: each output alone, and all of them together.

L is any function of all outputs, so that its gradient is linear in their upstream gradients: what is right
with that of one output, the others being zero, and this for each of them, is right for all.
"""

from collections.abc import Sequence
from dataclasses import replace

from manual_backprop.verify.findings import Diagnosis, Finding, Judgement
from manual_backprop.verify.forms.question import Asked
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.judging.upstreams_of_outputs import Alone, exchanged, not_used
from manual_backprop.verify.judging.upstreams_of_outputs import alone as of_one
from manual_backprop.verify.problem import Draw

WRONG = ("malformed", "wrong")


def of_each_output(question: Asked, draws: Sequence[Draw]) -> Judgement:
    """The verdict on each input: what is wrong with one output's upstream gradient, or with all of them.

    Raises:
        Malformed: the derivation cannot be run, or does not return one gradient for each input.
        Unjudged: it is not known what is right.
    """
    judged = [
        (name, judge(problem, question.draws_of(output, draws)))
        for output, (name, problem) in enumerate(question.alone)
    ]
    if all(finding.status == "right" for _, judgement in judged for finding in judgement.findings):
        together = judge(question.problem, draws)
        said = tuple(
            _with(finding, "Yours is right with each output's gradient alone.")
            for finding in together.findings
        )
        return replace(together, findings=said)
    ones = [
        of_one(name, problem, question.draws_of(output, draws))
        for output, (name, problem) in enumerate(question.alone)
    ]
    tolerance = max(finding.tolerance for _, judgement in judged for finding in judgement.findings)
    both = exchanged(ones, tolerance)
    findings = []
    for at, each in enumerate(zip(*[j.findings for _, j in judged], strict=True)):
        told = [_told(one, at, finding, both) for one, finding in zip(ones, each, strict=True)]
        findings.append(_worst([(one.name, finding) for one, finding in zip(ones, told, strict=True)]))
    first = next((j for _, j in judged if j.flaw or j.remark), judged[0][1])
    return replace(first, findings=tuple(findings), second_derivatives="")


def _told(one: Alone, at: int, finding: Finding, both: Diagnosis | None) -> Finding:
    """What is to be said of upstream gradients in place of other explanations."""
    said = both or not_used(one, at)
    return replace(finding, diagnoses=(said,)) if said and finding.status == "wrong" else finding


def _worst(each: Sequence[tuple[str, Finding]]) -> Finding:
    """Of the findings on one input with each output's gradient, the first that is wrong."""
    wrong = [(name, finding) for name, finding in each if finding.status in WRONG]
    named = [pair for pair in wrong if pair[1].diagnoses]
    if not wrong:
        return next((finding for _, finding in each if finding.status != "right"), each[0][1])
    name, finding = (named or wrong)[0]
    others = [other for other, _ in each if other not in [n for n, _ in wrong]]
    where = f"With the gradient of {name} alone"
    if others:
        where += f"; with that of {' or '.join(others)} alone it is right"
    return replace(finding, remark=f"{where}. {finding.remark}".strip())


def _with(finding: Finding, remark: str) -> Finding:
    if finding.status not in WRONG:
        return finding
    return replace(finding, remark=f"{remark} {finding.remark}".strip())
