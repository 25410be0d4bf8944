"""The page in a real browser: every control, and the product that it shows against the recorded gradient."""

import base64
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterator
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
from manual_backprop.record.page.html import SCRIPTS

SCRIPTS_FOLDER = files("manual_backprop.record.page") / "scripts"


@pytest.fixture(scope="module")
def recording() -> Recording:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    images, labels = torch.rand(6, 784), torch.arange(6)
    classes = ["</script><script>document.title='ran'</script>", *"123456789"]
    return record(model, images, labels, loss=F.cross_entropy, lr=0.1, classes=classes)


def small() -> Recording:
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    return record(model, torch.rand(7, 3), torch.arange(7) % 2, loss=F.cross_entropy)


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["light", "dark, a phone"])
def page(request: pytest.FixtureRequest, browser: Any, recording: Recording, tmp_path: Path) -> Iterator[Any]:
    scheme, width = request.param
    path = recording.page(tmp_path / "step.html")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    yield page
    assert said == []
    assert page.title() == "One training step"
    page.close()


def test_nothing_embedded_ends_the_script(recording: Recording) -> None:
    html = recording.html()
    assert len(html.encode()) < 3_000_000
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert embedded is not None
    data = json.loads(embedded[1])
    assert data["version"] == 2
    assert data["classes"] == recording.classes
    assert "default-src 'none'" in html


HOSTILE = [
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg/onload=document.title='ran'>",
    "<!--<script>",
    "]]>\"'`${document.title='ran'}",
    "{{script}}{{data}}",
    "javascript:document.title='ran'",
    "half a pair \ud800, \u2028 and \0",
]


def hostile_page(names: list[str]) -> str:
    """Of a step whose modules, parameters, input and classes have these names."""
    modules = [(name.replace(".", "") or str(i), nn.Linear(3, 3)) for i, name in enumerate(names)]
    model = torch.nn.Sequential(OrderedDict(modules))
    for name, module in modules:
        module.register_parameter(name, torch.nn.Parameter(torch.ones(3)))
    step = record(model, torch.rand(2, 3), torch.arange(2), loss=F.cross_entropy, classes=names)
    return step.html()


def embedded_in(html: str) -> Any:
    """The data, read as a browser reads them: JSON knows no NaN."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1], parse_constant=lambda name: pytest.fail(name))


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


def not_finite(number: float) -> Recording:
    return record(nn.Linear(3, 3), torch.full((2, 3), number), torch.arange(2), loss=F.cross_entropy)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 3e38])
def test_what_is_not_finite_is_still_data(number: float) -> None:
    assert embedded_in(not_finite(number).html())["version"] == 2


def test_what_is_not_finite_is_shown_in_a_browser(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(not_finite(float("nan")).page(tmp_path / "step.html").as_uri())
    assert "the loss goes from nan to nan" in page.locator("#summary").inner_text()
    page.keyboard.press("End")
    page.click("#back")
    assert "‖nan‖" in page.locator("#graph").inner_text()
    assert errors == []
    page.close()


def test_only_the_page_s_own_script_and_style_are_allowed(recording: Recording) -> None:
    html = recording.html()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', html)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert html.index(policy[0]) < html.index("<style>") < html.index("<script>")
    for kind in ("script", "style"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        due = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{due}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert not re.search(r"<[^>]* (on\w+|style|src|href)=", html.split("<script", 1)[0])


def test_the_frame_in_a_notebook_holds_the_page_as_an_attribute(recording: Recording) -> None:
    frame = recording._repr_html_()
    assert frame.count("<") == 2
    assert 'sandbox="allow-scripts" srcdoc="&lt;!doctype html&gt;' in frame


def test_no_name_runs_in_a_browser_and_nothing_injected_does(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "step.html"
    path.write_text(hostile_page(HOSTILE), encoding="utf-8")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    for _ in range(2 * len(HOSTILE) + 2):
        page.click("#next")
    assert errors == []
    assert page.title() == "One training step"
    assert page.locator("img, iframe, object, [onload], [onerror]").count() == 0
    assert page.locator("script").count() == 2
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<svg onload=\\"document.title = 'ran'\\"></svg>");
        }"""
    )
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert page.title() == "One training step"
    assert [error for error in errors if "127.0.0.1" in error] == []
    page.close()


def test_the_script_knows_no_operation_by_name() -> None:
    scripts = {name: (SCRIPTS_FOLDER / f"{name}.js").read_text("utf-8") for name in SCRIPTS}
    assert {f"{name}.js" for name in scripts} == {path.name for path in SCRIPTS_FOLDER.iterdir()}
    words = {word for text in scripts.values() for word in re.findall(r"""["'`](\w+)["'`]""", text)}
    assert words & FORMULAS.keys() <= {"div", "update"}  # a tag, and the last position


def test_an_elementwise_gradient_is_the_product_with_the_slope() -> None:
    (relu,) = (
        call for call in embedded_in(small().html())["steps"][0]["calls"] if call["operation"] == "relu"
    )
    assert (relu["products"], relu["elementwise"], relu["template"]) == ("slope", True, "max(0, {0})")
    assert relu["slope"]["symbol"] == "∂a¹/∂z¹"
    slopes = torch.frombuffer(bytearray(base64.b64decode(relu["slope"]["data"])), dtype=torch.float32)
    assert torch.equal(slopes, (small().value("z¹").tensor > 0).float().flatten())


def test_a_large_step_stays_a_small_page() -> None:
    model = torch.nn.Sequential(nn.Linear(1000, 1000), nn.ReLU(), nn.Linear(1000, 1000))
    step = record(model, torch.rand(300, 1000), torch.arange(300), loss=F.cross_entropy, steps=2)
    assert len(step.html()) < 3_000_000


def test_forward_and_backward_by_every_control(page: Any) -> None:
    said = page.locator("#say")
    assert "Forward, operation 1 of 4: linear" in said.inner_text()
    page.keyboard.press("ArrowRight")
    assert "a¹ = max(0, z¹)" in said.inner_text()
    page.click("#next")
    page.click("#next")
    page.click("#next")
    assert "Backward, operation 4 of 4" in said.inner_text()
    page.keyboard.press("End")
    assert "w ← w − η ∂L/∂w" in said.inner_text()
    assert page.locator("#next").is_disabled()
    page.click("#back")
    assert "∂L/∂W¹ = δ¹ᵀ x" in said.inner_text()
    page.locator("#position").fill("5")
    assert "Backward, operation 3 of 4" in said.inner_text()
    page.click("#first")
    assert "Forward, operation 1 of 4" in said.inner_text()


def test_the_product_is_the_gradient(page: Any, recording: Recording) -> None:
    page.select_option("#tensor", label="W¹ (128, 784)")
    page.locator("#row").fill("17")
    page.locator("#column").fill("300")
    page.locator("#column").press("Enter")
    outputs = page.locator("#path output")
    due = float(recording.value("W¹").gradient[17, 300])
    first = outputs.first
    assert first.get_attribute("data-name") == "∂L/∂W¹[17,300]"
    assert float(first.get_attribute("data-product")) == pytest.approx(due, rel=1e-5, abs=1e-9)
    for output in outputs.all():
        product, recorded = (float(output.get_attribute(f"data-{name}")) for name in ("product", "recorded"))
        assert product == pytest.approx(recorded, rel=1e-4, abs=1e-9)
    assert page.locator("#graph path.lit").count() > 1


def test_a_click_on_a_unit_says_where_its_gradient_comes_from(page: Any) -> None:
    page.locator("canvas[aria-label^='a¹']").click(position={"x": 3, "y": 3})
    assert "∂L/∂a¹[0,0] = the sum of 10 products" in page.locator("#path").inner_text()
    page.locator("#example").fill("3")
    page.locator("#example").press("Enter")
    assert "Example 3 is of class 2" in page.locator("#summary").inner_text()


def test_the_losses_of_other_learning_rates_are_the_recorded_ones(page: Any, recording: Recording) -> None:
    for at in (0, 5, len(recording.lrs) - 1):
        page.locator("#rate").fill(str(at))
        shown = float(re.search(r"to ([\d.e+-]+?)\.( |$)", page.locator("#rate-says").inner_text())[1])  # type: ignore[index]
        assert shown == pytest.approx(recording.losses[at], rel=1e-3)
    assert page.locator("#moves tr").count() == 5


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_sideways(browser: Any, recording: Recording, width: int, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(recording.page(tmp_path / "step.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
