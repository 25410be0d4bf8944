"""Models that know nothing of this package are recorded as they are: torchvision's, torch.nn's, a GPT."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

from manual_backprop import record
from manual_backprop.record import Recording, problem
from tests.models import COARSE, MODELS
from tests.record.browsing import new_page
from tests.record.equations import check, check_lines


@dataclass
class Recorded:
    """A model's recorded step, and what autograd says of the same step."""

    name: str
    model: nn.Module
    before: dict[str, Tensor]
    loss: Tensor
    gradients: dict[str, Tensor]
    recording: Recording


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if name == "vit_b_16" else ()) for name in MODELS],
)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    torch.manual_seed(0)
    build, draw = MODELS[request.param]
    model, (inputs, labels) = build().double(), draw()
    with torch.random.fork_rng():
        loss = T.cross_entropy(model(inputs), labels)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(problem, "RANGE", [0.25, 4.0])  # each learning rate is one more forward pass
        recording = record(model, inputs, labels, loss=T.cross_entropy)
    return Recorded(request.param, model, before, loss.detach(), gradients, recording)


def test_every_gradient_is_autograds_and_by_hand(recorded: Recorded) -> None:
    step = recorded.recording.steps[0]
    assert step.loss == pytest.approx(float(recorded.loss), rel=1e-10)
    assert {parameter.value.name for parameter in step.parameters} == set(recorded.gradients)
    for parameter in step.parameters:
        due = recorded.gradients[parameter.value.name]
        atol = COARSE.get(recorded.name, 1e-10) * float(due.abs().max()) + 1e-15
        torch.testing.assert_close(parameter.gradient, due, rtol=1e-8, atol=atol, msg=parameter.value.name)
    assert [call.operation for call in step.calls if not call.by_hand] == []


def test_every_use_of_a_tensor_has_its_gradient_and_they_add_up(recorded: Recorded) -> None:
    for value in recorded.recording.values:
        parts = [call.gradients[at] for call, at in value.places() if at in call.gradients]
        if value.gradient is not None and value.kind != "loss":
            torch.testing.assert_close(sum(parts), value.gradient, rtol=1e-9, atol=1e-13)


def test_the_model_stays_as_it_was(recorded: Recorded) -> None:
    for name, tensor in recorded.model.state_dict().items():
        assert torch.equal(tensor, recorded.before[name]), name


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_a_few_screens(recorded: Recorded, width: int) -> None:
    lines = recorded.recording.table(width).splitlines()
    assert len(lines) < 250
    assert max(map(len, lines)) <= width
    calls, whole = recorded.recording.calls, recorded.recording.table(width, rows=None)
    assert "more …" not in whole
    assert len(re.findall(r"^\d+ ", whole, re.MULTILINE)) >= 2 * len(calls) - 2


def test_no_equation_is_false(recorded: Recorded) -> None:
    # A gradient of a batch norm may be 0 but for rounding, of which nothing can be worked out.
    assert check_lines(recorded.recording, example=1) <= {"lstm", "rnn_tanh", "batch_norm"}


def test_the_page_is_small_and_opens(recorded: Recorded, browser: Any, tmp_path: Path) -> None:
    path = recorded.recording.page(tmp_path / "step.html")
    assert path.stat().st_size < 4_000_000
    embedded = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert embedded is not None
    calls = len(json.loads(embedded[1])["steps"][0]["calls"])
    page, said = new_page(browser, path.as_uri())
    assert f"Forward, operation 1 of {calls}" in page.locator("#say").inner_text()
    for output in page.locator("#path output").all():
        product, due = (float(output.get_attribute(f"data-{name}")) for name in ("product", "recorded"))
        assert product == pytest.approx(due, rel=1e-4, abs=1e-9)
    for line in page.locator("#path li").all_inner_texts():
        if " = " in line:
            check(line)
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    assert f"Backward, operation 1 of {calls}" in page.locator("#say").inner_text()
    assert len(page.locator("#summary").inner_text()) < 1000
    assert said == []
    page.close()


def test_the_figure_is_drawn(recorded: Recorded, tmp_path: Path) -> None:
    assert recorded.recording.plot(tmp_path / "step.png").stat().st_size > 10_000


SCRIPT = r"""
import re, torch, torchvision
from torch.nn.functional import cross_entropy
from manual_backprop import record
from manual_backprop.record import problem

def peak():  # in KiB; getrusage's includes that of the process that started this one
    return int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1])

record(torch.nn.Linear(2, 2), torch.rand(2, 2), torch.tensor([0, 1]), loss=cross_entropy).html()
model, images = torchvision.models.resnet18(num_classes=10), torch.rand(8, 3, 224, 224)
before = peak()
problem.RANGE = problem.RANGE[:1]  # all learning rates need the same memory, one after the other
record(model, images, torch.arange(8), loss=cross_entropy)
print((peak() - before) / 2**20)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_resnet18_on_eight_large_images_takes_less_than_2_gib() -> None:
    pytest.importorskip("torchvision")
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert 0.1 < float(run.stdout) < 2
