"""How fast the page of a recorded step is, in a real browser: python scripts/page_speed.py.

The network is 784-128-10, on 32 digits of the sample. Printed are the page's size, the time until everything
is drawn, and what a frame of training in the page and a turn of a knob cost; by the clock, medians.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from manual_backprop import functional as F  # noqa: E402
from manual_backprop import nn, record  # noqa: E402
from manual_backprop.training.data import load  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LOADS, FRAMES, TURNS = 5, 150, 50

TRAINING = """async (count) => {
    const request = requestAnimationFrame, script = [], begins = [];
    window.requestAnimationFrame = (run) => request((time) => {
        begins.push(time);
        const start = performance.now();
        run(time);
        script.push(performance.now() - start);
    });
    document.getElementById("train-run").click();
    while (script.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    document.getElementById("train-run").click();
    window.requestAnimationFrame = request;
    return { script, apart: begins.slice(1).map((time, i) => time - begins[i]) };
}"""
TURNING = """(count) => {
    const slider = document.getElementById("knob-slider"), { min, max } = slider, times = [];
    for (let i = 0; i < count; i++) {
        slider.value = Number(min) + ((Number(max) - min) * i) / count;
        const start = performance.now();
        slider.dispatchEvent(new Event("input"));
        times.push(performance.now() - start);
    }
    return { script: times, apart: [] };
}"""
WORK = (("train", "a frame of training", TRAINING, FRAMES), ("knob", "a turn of a knob", TURNING, TURNS))
DRAWN = """() => new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
})"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = _page(Path(folder))
        print(f"page: {path.stat().st_size / 1e6:.2f} MB")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _report("until everything is drawn", [_load(browser, path) for _ in range(LOADS)])
        page = browser.new_page(viewport={"width": 1280, "height": 2000})
        for panel, what, script, count in WORK:
            page.goto(f"{path.as_uri()}#{panel}")
            page.reload()
            _report_work(page, what, script, count)
        browser.close()


def _page(folder: Path) -> Path:
    torch.manual_seed(0)
    data, _ = load("sample", folder, torch.device("cpu"), torch.float32)
    model = torch.nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    images, labels = data.train_images[::100][:32], data.train_labels[::100][:32]
    return record(model, images, labels, loss=F.cross_entropy).page(folder / "step.html")


def _load(browser: Any, path: Path) -> float:
    page = browser.new_page()
    page.goto(path.as_uri())
    ready = float(page.evaluate(DRAWN))
    page.close()
    return ready


def _report_work(page: Any, what: str, script: str, count: int) -> None:
    """The processor's time, which other programs on a busy machine do not lengthen, and the clock's."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _busy(session)
    times = page.evaluate(script, count)
    in_script, in_all = (
        1000 * (after - start) / count for after, start in zip(_busy(session), before, strict=True)
    )
    print(f"{what}: {in_script:.1f} ms of the processor in script, {in_all:.1f} ms with layout and painting")
    _report(f"{what}, script by the clock", times["script"])
    if times["apart"]:
        print(f"{what}: {1000 / statistics.median(times['apart']):.0f} frames a second")


def _busy(session: Any) -> tuple[float, float]:
    """Seconds of the page's thread: in script, and in all that it does."""
    metrics = {
        each["name"]: float(each["value"]) for each in session.send("Performance.getMetrics")["metrics"]
    }
    return metrics["ScriptDuration"], metrics["TaskDuration"]


def _report(what: str, times: list[float]) -> None:
    print(f"{what}: {statistics.median(times):.1f} ms (at most {max(times):.1f})")


if __name__ == "__main__":
    main()
