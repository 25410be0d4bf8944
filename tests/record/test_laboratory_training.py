"""Training in the page is torch.optim.SGD's, and every step of it can be gone back to, bit for bit."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from manual_backprop import nn, record
from manual_backprop.record.page.bundle import bundle
from tests.record.browsing import new_page, wait_until
from tests.record.networks import Network, by_torch, loss_of, network, networks

NETWORKS = networks()
STEPS = """(count) => Array.from({ length: count }, () => {
    document.getElementById("train-step").click();
    return step.step.loss;
})"""
# Every number of the step, as a text of its bits.
BITS = """() => JSON.stringify(step.step.values.map((value) => [value, value.gradient]
    .map((side) => side && [...new Uint32Array(side.numbers.slice().buffer)])))"""
WEIGHTS = "() => Object.fromEntries(step.step.values.map(({ name, numbers }) => [name, [...numbers]]))"


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens the page of a network with the panel "train"."""
    page, said = new_page(browser, viewport={"width": 1280, "height": 1600})

    def open_page(net: Network, **options: Any) -> Any:
        recording = record(net.model, net.x, net.y, loss=net.loss, lr=net.lr, panel="train", **options)
        page.goto(recording.page(tmp_path / "step.html").as_uri())
        return page

    yield open_page
    assert said == []
    page.close()


def go_to(page: Any, step: int) -> str:
    page.locator("#train-at").fill(str(step))
    return page.evaluate(BITS)


def set_rate(page: Any, lr: float) -> None:
    page.locator("#train-rate").fill(str(lr))
    page.locator("#train-rate").press("Enter")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hundred_steps_are_those_of_sgd(opened: Any, name: str) -> None:
    """With another η from the fiftieth on."""
    page, net = opened(NETWORKS[name]), NETWORKS[name].double()
    losses = page.evaluate(STEPS, 50)
    said = page.locator("#train-pytorch").inner_text()
    assert said.startswith("PyTorch, with the same 50 steps: L = ")
    set_rate(page, net.lr / 3)
    losses += page.evaluate(STEPS, 50)
    assert "different ones" in page.locator("#train-pytorch").inner_text()
    optimizer = torch.optim.SGD(net.model.parameters(), lr=net.lr)
    for at, loss in enumerate(losses):
        optimizer.param_groups[0]["lr"] = net.lr if at < 50 else net.lr / 3
        by_torch(net)
        optimizer.step()
        assert loss == pytest.approx(loss_of(net), rel=1e-4)
    weights = page.evaluate(WEIGHTS)
    for parameter, due in net.model.named_parameters():
        torch.testing.assert_close(
            torch.tensor(weights[parameter]).double(), due.detach().flatten(), rtol=1e-3, atol=1e-4
        )
    assert page.locator("#train-says").inner_text().startswith("After 100 steps of 100: L = ")


@pytest.mark.parametrize("name", ["relu, cross-entropy", "deep, squared error", "float64"])
def test_what_is_gone_back_to_is_what_was_there(opened: Any, name: str) -> None:
    page = opened(NETWORKS[name])
    bits = [page.evaluate(BITS)]
    for at in range(45):
        if at == 25:
            set_rate(page, 0.01)
        page.evaluate(STEPS, 1)
        if at in (10, 19, 30):  # after step 11, after the kept step 20, and after step 31
            page.click("#tab-knob")
            page.locator("#knob-number").fill(str(at / 10))
            page.locator("#knob-number").press("Enter")
            page.click("#tab-train")
        bits.append(page.evaluate(BITS))
    assert len(set(bits)) == 46
    for step in (44, 0, 3, 11, 12, 20, 21, 31, 40, 45, 0, 45):
        assert go_to(page, step) == bits[step], step
    page.click("#train-back")
    assert page.evaluate(BITS) == bits[44]
    page.click("#train-start")
    assert page.evaluate(BITS) == bits[0]
    assert page.locator("#moved").inner_text() == "Every number is as PyTorch computed it."
    go_to(page, 7)
    page.evaluate(STEPS, 1)
    assert page.locator("#train-at").get_attribute("max") == "8"
    page.click("#restore")
    assert page.evaluate(BITS) == bits[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_all_as_recorded_is_pytorchs_numbers(opened: Any, name: str) -> None:
    net = NETWORKS[name]
    page = opened(net)
    page.evaluate(STEPS, 3)
    page.click("#restore")
    shown = json.loads(page.evaluate(BITS))
    for value, (numbers, gradient) in zip(net.recording().steps[0].values, shown, strict=True):
        assert numbers == bits_of(value.tensor), value.symbol
        if value.gradient is not None:
            assert gradient == bits_of(value.gradient), value.symbol


def bits_of(tensor: torch.Tensor) -> list[int]:
    return [each & 0xFFFFFFFF for each in tensor.float().flatten().view(torch.int32).tolist()]


LONG = """() => {
    %s
    const { Network } = modules["network/network.js"], { History } = modules["network/history.js"];
    const tensors = step.step.values.map(({ numbers, gradient, rect: [rows, columns], learned }) => (
        { numbers, gradient: gradient && gradient.numbers, rows, columns, learned }
    ));
    const network = new Network(step.step.laboratory, tensors, new Float32Array(6).fill(1));
    const history = new History(network), states = [String(history.sources())];
    for (let i = 1; i <= 4321; i++) {
        history.step(0.01);
        states.push(String(history.sources()));
    }
    const wrong = [4320, 77, 0, 1, 2021, 4321].filter((at) => {
        history.goTo(at);
        return String(history.sources()) !== states[at];
    });
    return [history.kept.size, wrong];
}"""


def test_a_long_run_keeps_few_states_and_goes_back_to_all(opened: Any) -> None:
    page = opened(NETWORKS["no activation"])
    history = bundle("network/history.js").removeprefix("const modules = {};")
    kept, wrong = page.evaluate(LONG % (bundle("network/network.js") + history))
    assert 50 <= kept <= 100
    assert wrong == []


def test_a_run_is_paused_rewound_and_goes_on_nowhere_else(opened: Any) -> None:
    page = opened(NETWORKS["relu, cross-entropy"])
    live = page.locator("[aria-live]")
    assert set(live.evaluate_all("all => all.map((each) => each.ariaLive)")) == {"polite"}
    page.click("#train-run")
    wait_until(page, "Number(document.getElementById('train-at').max) > 5")
    assert set(live.evaluate_all("all => all.map((each) => each.ariaLive)")) == {"off"}
    assert page.locator("#train-run").inner_text() == "pause"
    page.click("#train-run")
    assert set(live.evaluate_all("all => all.map((each) => each.ariaLive)")) == {"polite"}
    made = int(page.locator("#train-at").get_attribute("max"))
    assert page.locator("#train-says").inner_text().startswith(f"After {made} steps of {made}: ")
    page.click("#train-run")
    page.click("#tab-knob")
    wait_until(page, "!step.isRunning")
    page.click("#tab-train")
    assert page.locator("#train-run").inner_text() == "run"
    page.click("#train-start")
    assert page.locator("#train-says").inner_text().startswith("Before the first step: ")


@pytest.mark.parametrize("broken", ["NaN", "∞", "η"])
def test_what_is_not_finite_is_said_and_breaks_nothing(opened: Any, broken: str) -> None:
    net = network(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    if broken != "η":
        with torch.no_grad():
            net.model[0].weight[0, 0] = float({"NaN": "nan", "∞": "inf"}[broken])
    page = opened(net)
    set_rate(page, 1e30 if broken == "η" else 0.1)
    page.evaluate(STEPS, 30)
    assert "NaN" in page.locator("#train-says").inner_text()
    for tab in page.locator("[role=tab]:visible").all():
        tab.click()
    page.click("#tab-knob")
    assert "L = NaN" in page.locator("#knob-says").inner_text()
    page.click("#restore")
    page.click("#tab-check")
    says = page.locator("#check-says").inner_text()
    assert "of rounding" in says
    assert ("is NaN or infinite" in says) == (broken != "η")


def test_each_recorded_step_is_a_laboratory_of_its_own(opened: Any) -> None:
    net = NETWORKS["relu, cross-entropy"]
    before = copy.deepcopy(net.model.state_dict())
    page = opened(net, steps=3)
    net.model.load_state_dict(before)
    losses = {}
    for number in (1, 2, 3):
        page.locator("#step").fill(str(number))
        page.locator("#step").press("Enter")
        losses[number] = page.evaluate("step.step.loss")
        page.evaluate(STEPS, number)
    assert len(set(losses.values())) == 3
    for number in (1, 2, 3):
        page.locator("#step").fill(str(number))
        page.locator("#step").press("Enter")
        assert page.locator("#train-at").get_attribute("max") == str(number)
        assert f"After {number} step" in page.locator("#train-says").inner_text()
        go_to(page, 0)
        assert page.evaluate("step.step.loss") == pytest.approx(losses[number])
        if number < 3:  # the next recorded step is the step that the page makes
            assert page.evaluate(STEPS, 1)[0] == pytest.approx(losses[number + 1], rel=1e-5)
