"""A forward with several outputs: each output alone, and all of them together.

L is any function of all outputs, so that its gradient is linear in their upstream gradients: what is right
with that of one output, the others being zero, and this for each of them, is right for all.
"""

from collections.abc import Sequence
from dataclasses import replace

from manual_backprop.verify.findings import Finding, Judgement
from manual_backprop.verify.forms.asked import Asked
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.problem import Draw

WRONG = ("malformed", "wrong")


def of_each_output(question: Asked, draws: Sequence[Draw]) -> Judgement:
    """The verdict on each input: what is wrong with one output's upstream gradient, or with all of them.

    Raises:
        Malformed: the derivation cannot be run, or does not return one gradient for each input.
        Unjudged: it is not known what is right.
    """
    alone = [
        (name, judge(problem, question.draws_of(output, draws)))
        for output, (name, problem) in enumerate(question.alone)
    ]
    if all(finding.status == "right" for _, judgement in alone for finding in judgement.findings):
        together = judge(question.problem, draws)
        said = tuple(
            _with(finding, "Yours is right with each output's gradient alone.")
            for finding in together.findings
        )
        return replace(together, findings=said)
    findings = [_worst(each) for each in zip(*[[(n, f) for f in j.findings] for n, j in alone], strict=True)]
    first = next((j for _, j in alone if j.flaw or j.remark), alone[0][1])
    return replace(first, findings=tuple(findings), second_derivatives="")


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
