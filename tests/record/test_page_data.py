"""What a page is made of: its data, which stay data whatever the names are, and what it allows to run."""

import base64
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.functional.operation import FORMULAS
from manual_backprop.record import Recording
from manual_backprop.record.page.bundle import bundle
from tests.record.pages import HOSTILE, digits, hostile_page, not_finite, small

SCRIPTS = Path(str(files("manual_backprop.record.page") / "scripts"))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return digits()


def embedded_in(html: str) -> Any:
    """The data, read as a browser reads them: JSON knows no NaN."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1], parse_constant=lambda name: pytest.fail(name))


def test_nothing_embedded_ends_the_script(recording: Recording) -> None:
    html = recording.html()
    assert len(html.encode()) < 3_000_000
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert embedded is not None
    data = json.loads(embedded[1])
    assert data["version"] == 4
    assert data["classes"] == recording.classes
    assert "default-src 'none'" in html


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text(name: str) -> None:
    harmless, html = hostile_page(["name"]), hostile_page([name])
    assert embedded_in(html)["classes"] == [name]
    assert html.encode().count(b"<") == harmless.encode().count(b"<")


@settings(deadline=None, derandomize=True, max_examples=40, database=None)
@given(names=st.lists(st.text(st.characters(exclude_categories=())), max_size=3, unique=True))
def test_any_name_is_read_back_as_it_was(names: list[str]) -> None:
    step = record(nn.Linear(3, 3), torch.rand(2, 3), torch.arange(2), loss=F.cross_entropy, classes=names)
    html = step.html()
    html.encode()
    assert embedded_in(html)["classes"] == names


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 3e38])
def test_what_is_not_finite_is_still_data(number: float) -> None:
    assert embedded_in(not_finite(number).html())["version"] == 4


def test_only_the_page_s_own_script_and_style_are_allowed(recording: Recording) -> None:
    html = recording.html()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', html)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert html.index(policy[0]) < html.index("<style>") < html.index('<script type="module">')
    for kind, opening in (("script", '<script type="module">'), ("style", "<style>")):
        (content,) = re.findall(rf"{opening}(.*?)</{kind}>", html, re.DOTALL)
        due = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{due}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert not re.search(r"<[^>]* (on\w+|style|src|href)=", html.split("<script", 1)[0])


def test_the_frame_in_a_notebook_holds_the_page_as_an_attribute(recording: Recording) -> None:
    frame = recording._repr_html_()
    assert frame.count("<") == 2
    assert 'sandbox="allow-scripts" srcdoc="&lt;!doctype html&gt;' in frame


def test_the_script_is_all_modules_each_of_them_once() -> None:
    script = bundle("main.js")
    for module in SCRIPTS.rglob("*.js"):
        first = module.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("// "), module
        assert script.count(first) == 1, module
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


def test_only_the_network_that_the_page_computes_knows_operations_by_name() -> None:
    others = [module for module in SCRIPTS.rglob("*.js") if module.parent.name != "network"]
    text = "".join(module.read_text(encoding="utf-8") for module in others)
    words = set(re.findall(r"""["'`](\w+)["'`]""", text))
    assert words & FORMULAS.keys() <= {"div", "update"}  # a tag, and the last position


def test_a_laboratory_has_no_lines_of_numbers_and_another_page_has_them() -> None:
    for activation, lines in ((nn.ReLU(), 0), (nn.GELU(), 7)):
        model = torch.nn.Sequential(nn.Linear(3, 5), activation, nn.Linear(5, 2))
        recording = record(model, torch.rand(7, 3), torch.arange(7) % 2, loss=F.cross_entropy)
        (step,) = embedded_in(recording.html())["steps"]
        assert (step["laboratory"] is None) == bool(lines)
        for numbers in (part["numbers"] for call in step["calls"] for part in (call, *call["backward"])):
            assert (numbers is None) == (lines == 0)
            assert lines == 0 or len(numbers["lines"]) == (lines if numbers["ofEach"] else 1)


def test_an_elementwise_gradient_is_the_product_with_the_slope() -> None:
    (relu,) = (
        call for call in embedded_in(small().html())["steps"][0]["calls"] if call["operation"] == "relu"
    )
    assert (relu["products"], relu["elementwise"]) == ("slope", True)
    assert relu["slope"]["symbol"] == "∂a¹/∂z¹"
    slopes = torch.frombuffer(bytearray(base64.b64decode(relu["slope"]["data"])), dtype=torch.float32)
    assert torch.equal(slopes, (small().value("z¹").tensor > 0).float().flatten())


class Last(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[0][-1]


def test_what_is_made_on_the_way_has_its_size_and_of_many_lines_some_are_shown() -> None:
    norm, many = (
        embedded_in(step.html())["steps"][0]["calls"][0]
        for step in (
            record(torch.nn.LayerNorm(2), torch.rand(4, 2), torch.arange(4) % 2, loss=F.cross_entropy),
            record(Last(), torch.rand(50, 4, 3), torch.arange(4) % 2, loss=F.cross_entropy),
        )
    )
    assert [line["text"].split(" = ")[0] for line in norm["code"]] == ["centred", "xhat", "t1"]
    assert [re.sub(r"[\d.]+‖", "…‖", line["made"]) for line in norm["code"]] == [
        *("(4,2) ‖…‖", "(4,2) ‖…‖", "(4,2)"),
    ]
    assert len(many["code"]) == 41
    assert re.fullmatch(r"… \d+ more …", many["code"][20]["text"])


def test_a_large_step_stays_a_small_page() -> None:
    model = torch.nn.Sequential(nn.Linear(1000, 1000), nn.ReLU(), nn.Linear(1000, 1000))
    step = record(model, torch.rand(300, 1000), torch.arange(300), loss=F.cross_entropy, steps=2)
    assert len(step.html()) < 3_000_000
