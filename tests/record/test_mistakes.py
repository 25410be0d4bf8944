"""The panel "Break it" in a real browser: each mistake, beside the same mistake written in torch."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.record.browsing import new_page
from tests.record.equations import number
from tests.record.mistaken import CASES, MISTAKES, STEPS

# The largest difference of a gradient and of the losses of a hundred steps, as a share of the largest number,
# is eight units in the last place of a float32: torch sums in float32, the page in float64 and rounds once.
ROUNDING = 1e-6
# Mistakes that make no difference, and a part of the reason that is said.
NO_DIFFERENCE = {
    "relu, cross-entropy": {"slope": "a > 0 exactly where z > 0"},
    "tanh, summed cross-entropy": {"mean": "The loss is a sum"},
    "relu, summed squared error": {"slope": "a > 0 exactly where z > 0", "mean": "The loss is a sum"},
    "as for digits": {"slope": "a > 0 exactly where z > 0"},
    "no hidden layer": {"slope": "No gradient passes", "mask": "No gradient passes"},
    "one example": {"mean": "1/N is 1", "overwrite": "a single example"},
    "one number": {
        "transpose": "a single row or a single column",
        "slope": "No gradient passes",
        "mask": "No gradient passes",
        "mean": "1/N is 1",
        "overwrite": "a single example",
    },
}
READ = """() => {
    const { networks, losses, mistake } = step.broken;
    const gradients = (network) => network.tensors.filter((t) => t.learned).map((t) => [...t.gradient]);
    return { mistake, losses, right: gradients(networks.right), wrong: gradients(networks.wrong) };
}"""


@pytest.fixture(scope="module", params=CASES)
def opened(
    request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any]]:
    """A case and its page; a run is made at once."""
    uri = CASES[request.param].page(tmp_path_factory.mktemp("page") / "step.html")
    page, said = new_page(browser, uri, reduced_motion="reduce")
    yield request.param, page
    assert said == []
    page.close()


def difference(mine: list[Tensor], due: list[Tensor]) -> float:
    """The largest over the tensors, each as a share of the tensor's largest number."""
    pairs = zip(mine, due, strict=True)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) for a, b in pairs)


def shaped(lists: list[list[float]], like: list[Tensor]) -> list[Tensor]:
    return [torch.tensor(numbers).reshape(p.shape) for numbers, p in zip(lists, like, strict=True)]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_same_one_in_torch(opened: tuple[str, Any], mistake: str) -> None:
    name, page = opened
    case, reason = CASES[name], NO_DIFFERENCE.get(name, {}).get(mistake)
    button = page.locator(f"#break-{mistake}")
    assert button.is_disabled() == (reason is not None)
    said = page.locator(f"#break-{mistake}-reason")
    if reason is not None:
        assert reason in said.inner_text()
        _, right = case.gradients(case.parameters())
        _, wrong = case.gradients(case.parameters(), mistake)
        assert all(torch.allclose(a, b, rtol=1e-6, atol=0) for a, b in zip(wrong, right, strict=True))
        return
    assert said.inner_text() == ""
    button.check()
    before, parameters = page.evaluate(READ), case.parameters()
    assert before["mistake"] == mistake
    first, losses = case.by_autograd()
    _, wrong = case.gradients(parameters, mistake)
    assert difference(wrong, first) > 1e-3
    assert difference(shaped(before["right"], parameters), first) < ROUNDING
    assert difference(shaped(before["wrong"], parameters), wrong) < ROUNDING
    page.click("#break-run")
    after = page.evaluate(READ)["losses"]
    for side, due in (("right", losses), ("wrong", case.losses(mistake))):
        assert len(after[side]) == STEPS + 1
        assert difference([torch.tensor(after[side])], [torch.tensor(due)]) < ROUNDING
    assert "100 steps" in page.locator("#break-says").inner_text()


def told(right: Tensor, wrong: Tensor) -> str:
    """Whether a gradient check tells, by the number where the two differ most."""
    at = (right - wrong).abs().argmax()
    a, b = float(right.flatten()[at]), float(wrong.flatten()[at])
    if a == b:
        return "no: the same"
    return "no: within 1 %" if abs(a - b) < 0.01 * max(abs(a), abs(b)) else "yes"


def test_only_what_the_mistake_reaches_is_told(opened: tuple[str, Any]) -> None:
    name, page = opened
    if len(NO_DIFFERENCE.get(name, {})) == len(MISTAKES):
        assert page.locator("#break-both").is_hidden()
        assert page.locator("#break-step").is_hidden()
        return
    case = CASES[name]
    for mistake in set(MISTAKES) - NO_DIFFERENCE.get(name, {}).keys():
        page.locator(f"#break-{mistake}").check()
        _, right = case.gradients(case.parameters())
        _, wrong = case.gradients(case.parameters(), mistake)
        rows = page.locator("#break-gradients tbody tr").all()
        assert len(rows) == len(right)
        for row, a, b in zip(rows, right, wrong, strict=True):
            cells = row.locator("td").all_inner_texts()
            assert cells[10] == told(a, b)
            assert number(cells[1]) == pytest.approx(float(a.norm()), rel=1e-3)
            assert number(cells[2]) == pytest.approx(float(b.norm()), rel=1e-3)
            cosine = float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))
            assert number(cells[5]) == pytest.approx(cosine, rel=1e-3, abs=1e-5)
            if not torch.equal(a, b):
                near = 0.01 * abs(number(cells[8]) - number(cells[7]))
                assert number(cells[9]) == pytest.approx(number(cells[7]), rel=0.01, abs=near)


def test_a_mean_left_out_is_longer_and_nothing_else(browser: Any, tmp_path: Path) -> None:
    case = CASES["relu, cross-entropy"]
    page, said = new_page(browser, case.page(tmp_path / "step.html"))
    page.locator("#break-mean").check()
    direction = page.locator("#break-direction")
    assert f"{case.examples} times as long as the right one, in the same direction" in direction.inner_text()
    page.locator("#break-overwrite").check()
    assert "° away from it" in direction.inner_text()
    assert said == []
    page.close()


def test_of_the_included_examples_the_last_counts(browser: Any, tmp_path: Path) -> None:
    case = CASES["relu, cross-entropy"]
    page, said = new_page(browser, case.page(tmp_path / "step.html"))
    page.locator("#break-overwrite").check()
    page.evaluate("""() => {
        const { wrong } = step.broken.networks;
        wrong.included.set([0, 0], wrong.included.length - 2);
        wrong.compute();
    }""")
    fewer = replace(case, examples=case.examples - 2)
    fewer.linears, fewer.x, fewer.y = case.linears, case.x[:-2], case.y[:-2]
    _, due = fewer.gradients(case.parameters(), "overwrite")
    assert difference(shaped(page.evaluate(READ)["wrong"], due), due) < ROUNDING
    assert said == []
    page.close()
