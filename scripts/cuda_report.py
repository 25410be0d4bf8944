"""Runs everything on a GPU and says what it found: python scripts/cuda_report.py [--out FOLDER].

After each section it writes cuda_report.json and cuda_report.md: what passed, what failed with its traceback,
what was not run, and every figure. Where there is no GPU it runs on the CPU, with small sizes, and says so.
It needs neither a network nor an installed package. The exit code is 1 if something failed, else 0.
"""

import argparse
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exc
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.cuda.page import Results, line, page  # noqa: E402
from scripts.cuda.runner import environment, run  # noqa: E402
from scripts.cuda.section import FAILED, NOT_RUN, Outcome, Section, Settings  # noqa: E402
from scripts.cuda.sections import SECTIONS  # noqa: E402

NO_TIME = 5.0  # seconds: less is not enough to start a section
ASK = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


def main(arguments: list[str] | None = None, sections: tuple[Section, ...] = SECTIONS) -> int:
    options = parser(sections).parse_args(arguments)
    name, trouble = ("", "") if options.device == "cpu" else gpu()
    device = options.device or ("cuda" if name else "cpu")
    if device == "cuda" and not name:
        print(f"cuda_report: --device cuda: PyTorch finds no GPU here{trouble}", file=sys.stderr)
        return 2
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    quick = options.quick or device == "cpu"
    data = options.data_dir or os.environ.get("MANUAL_BACKPROP_MNIST")
    settings = Settings(device, quick, str(Path(data).absolute()) if data else "")
    given = sys.argv[1:] if arguments is None else arguments
    report: dict[str, Any] = {
        "command": shlex.join(["python", "scripts/cuda_report.py", *given]),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": device,
        "name": name,
        "quick": quick,
        "minutes": options.minutes,
        "seconds": {},
    }
    print(name if device == "cuda" else f"no GPU{trouble}: on the CPU, with small sizes", flush=True)
    chosen = [section for section in sections if not options.only or section.name in options.only]
    results: Results = {
        section.name: {"(all)": Outcome(NOT_RUN, reason="not reached, or not asked for")}
        for section in sections
    }
    failed = measure(chosen, settings, options.minutes * 60, report, results, (sections, out))
    print(f"{out / 'cuda_report.md'}: {'something failed' if failed else 'nothing failed'}")
    return 1 if failed else 0


def parser(sections: tuple[Section, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "cuda_report", help="default: build/cuda_report"
    )
    parser.add_argument(
        "--minutes", type=minutes, default=9.0, help="for everything; shared out (default: 9)"
    )
    parser.add_argument("--data-dir", help="of torchvision's MNIST (default: MANUAL_BACKPROP_MNIST)")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda where there is one")
    parser.add_argument("--quick", action="store_true", help="few items and small sizes; always so on a CPU")
    names = [section.name for section in sections]
    parser.add_argument("--only", nargs="+", choices=names, metavar="SECTION", help=", ".join(names))
    return parser


def minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 24 * 60:
        raise argparse.ArgumentTypeError(f"expected a number above 0, up to a day's 1440, got {text!r}")
    return value


def gpu() -> tuple[str, str]:
    """The GPU's name, "" for none; and what kept PyTorch from saying so, if anything did."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", ASK],
            env=environment(1),
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        return "", f" ({lines[-1] if lines else error})"
    except subprocess.TimeoutExpired as error:
        return "", f" ({error})"
    return told.stdout.strip(), ""


def measure(
    chosen: list[Section],
    settings: Settings,
    seconds: float,
    report: dict[str, Any],
    results: Results,
    written: tuple[tuple[Section, ...], Path],
) -> bool:
    """Run the sections and write the report after each; whether something failed."""
    started = time.monotonic()
    failed = write(report, results, *written)
    with TemporaryDirectory(prefix="cuda_report-") as folder, stop_signals() as signals:
        for at, section in enumerate(chosen):
            left = seconds - (time.monotonic() - started)
            share = left * section.seconds / sum(each.seconds for each in chosen[at:])
            began = time.monotonic()
            if left < NO_TIME or signals:
                reason = "the report was stopped" if signals else "no time was left"
                results[section.name] = {"(all)": Outcome(NOT_RUN, reason=reason)}
            else:
                try:
                    found = run(section, settings, share, Path(folder), lambda: bool(signals))
                except Exception as error:  # a mistake of the report itself is no reason to end it
                    found = {"(all)": Outcome(FAILED, reason=str(error), traceback=format_exc())}
                results[section.name] = found
            report["seconds"][section.name] = time.monotonic() - began
            failed = write(report, results, *written)
            print(line(section, results[section.name], report["seconds"][section.name]), flush=True)
    return failed


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Those of Ctrl-C and `kill` that have arrived: the report is then written, and ends."""
    signals: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, frame: signals.append(number)) for kind in kinds}
    try:
        yield signals
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def write(report: dict[str, Any], results: Results, sections: tuple[Section, ...], out: Path) -> bool:
    """Both files; whether something has failed, a part of the page included."""
    text, unwritten = page(report, sections, results)
    statuses = [outcome.status for outcomes in results.values() for outcome in outcomes.values()]
    parts = {
        section.name: {
            "title": section.title,
            "items": {name: asdict(outcome) for name, outcome in results[section.name].items()},
        }
        for section in sections
    }
    content = {**report, "unwritten": unwritten, "sections": parts}
    for name, written in (
        ("cuda_report.json", json.dumps(finite(content), indent=1)),
        ("cuda_report.md", text),
    ):
        part = out / f"{name}.part"
        part.write_text(f"{written.rstrip()}\n", encoding="utf-8")
        part.replace(out / name)
    return FAILED in statuses or bool(unwritten)


def finite(value: Any) -> Any:
    """As JSON can hold it: a number that is not finite is text."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
