"""What hand-written gradients cost beside the built-in ones: python scripts/benchmark.py [--out FOLDER].

manual_backprop/benchmark says how it is measured. The sections, of which --only chooses:

- steps: a training step of 784-128-10 by each engine;
- last_layer: operations at the sizes of a language model's last layer, beside what the machine could do;
- operations: every operation at three sizes, as it is written and inside `fused()`;
- compiled: operations inside torch.compile;
- models: a training step of whole models, with `use_manual_gradients`; GPT2 where transformers is installed;
- training: an epoch as it is trained by each engine, and what of it are steps;
- epochs: an epoch of each engine, beside the loop that people would write otherwise, a DataLoader that
  transforms image by image.

With --check, the ratios are compared with those of an earlier run: exit code 1 where one has grown by more
than the factor of --tolerance, and has so again in a second and a third run, since a machine may be busy for
a moment.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from manual_backprop.benchmark import machine, worse  # noqa: E402
from manual_backprop.plots import COLOURS, new_figure  # noqa: E402
from manual_backprop.training.device import RandomNumbers  # noqa: E402
from scripts.benchmarks import compiled, epochs, every_operation, last_layer, models, steps, training  # noqa: E402
from scripts.benchmarks.section import Found, Settings  # noqa: E402

SECTIONS = {
    "steps": steps.SECTION,
    "last_layer": last_layer.SECTION,
    "operations": every_operation.SECTION,
    "compiled": compiled.SECTION,
    "models": models.SECTION,
    "training": training.SECTION,
    "epochs": epochs.SECTION,
}


RUNS = 3
"""In which a ratio has to have grown."""


def measured(names: list[str], settings: Settings) -> dict[str, Found]:
    """By section; each table is printed when it is there."""
    found = {}
    with RandomNumbers(0, settings.device):
        for name in names:
            found[name] = SECTIONS[name].measure(settings)
            print(SECTIONS[name].table(found[name]), flush=True)
    return found


def ratios_of(found: dict[str, Found]) -> dict[str, float]:
    """By section, what was done, and who did it."""
    return {
        f"{name}: {what}": ratio
        for name, section in found.items()
        for what, ratio in SECTIONS[name].ratios(section).items()
    }


def picture(by_batch: Found, path: Path) -> None:
    """The steps' medians, as bars."""
    figure = new_figure(8, 3.2)
    (axes,) = figure.subplots(1, len(by_batch), squeeze=False)
    for ax, (what, timed) in zip(axes, by_batch.items(), strict=True):
        ax.bar(list(timed), [case.median * 1e6 for case in timed.values()], color=COLOURS[: len(timed)])
        ax.set_title(what, loc="left", fontsize=9)
        ax.tick_params(axis="x", rotation=30, labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("median of a step, µs")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's choice)")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--rounds", type=int, default=60, help="of each step (default: 60)")
    parser.add_argument("--epochs", type=int, default=3, help="of each engine (default: 3)")
    parser.add_argument("--short", action="store_true", help="small sizes only")
    parser.add_argument("--out", type=Path, help="a folder for benchmark.json and benchmark.png")
    parser.add_argument("--check", type=Path, metavar="JSON", help="the benchmark.json of an earlier run")
    parser.add_argument("--tolerance", type=float, default=1.25, help="of --check (default: 1.25)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    settings = Settings(device, options.rounds, options.epochs, options.short)
    before = json.loads(options.check.read_text())["ratios"] if options.check else {}
    print(", ".join(f"{key} {value}" for key, value in machine(device).items()))
    found = measured(options.only, settings)
    ratios = ratios_of(found)
    grown = worse(ratios, before, options.tolerance)
    for _ in range(RUNS - 1):
        if grown:
            print("\n".join(["\nmeasured again:", *grown]))
            concerned = [name for name in options.only if any(line.startswith(name) for line in grown)]
            again = ratios_of(measured(concerned, settings))
            ratios |= {what: min(ratio, ratios[what]) for what, ratio in again.items()}
            grown = worse(ratios, before, options.tolerance)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        seconds = {
            f"{name}: {what}": {who: asdict(each) for who, each in timed.items()}
            for name, section in found.items()
            for what, timed in section.items()
        }
        content = {"machine": machine(device), "ratios": ratios, "measured": seconds}
        (options.out / "benchmark.json").write_text(json.dumps(content, indent=2) + "\n")
        if "steps" in found:
            picture(found["steps"], options.out / "benchmark.png")
    if options.check:
        print("\n".join(grown) or f"no ratio has grown by more than the factor {options.tolerance}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
