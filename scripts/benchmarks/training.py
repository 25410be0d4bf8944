"""Epochs as they are trained, by each engine, beside their steps alone."""

from functools import partial

from manual_backprop.benchmark import alternate
from manual_backprop.benchmark.epochs import epochs_as_trained, epochs_of_steps, own_shares, random_digits
from scripts.benchmarks.section import Found, Section, Settings, over

BATCHES = (64, 128)
TRAINED, STEPS = "as trained", "steps alone"


def measure(settings: Settings) -> Found:
    """By the size of the batch, with and without the trainer."""
    device = settings.device
    data = random_digits(device)
    found: Found = {}
    for count in BATCHES:
        cases = {
            **{(TRAINED, name): case for name, case in epochs_as_trained(device, data, count).items()},
            **{(STEPS, name): case for name, case in epochs_of_steps(device, data, count).items()},
        }
        flat = {f"{what}: {name}": case for (what, name), case in cases.items()}
        timed = alternate(flat, settings.epochs, 1, device)
        for what in (TRAINED, STEPS):
            found[f"batch {count}, {what}"] = {
                name: timed[f"{what}: {name}"] for kind, name in cases if kind == what
            }
    return found


def table(found: Found) -> str:
    """Markdown."""
    lines = ["\nAn epoch of 60,000 images as it is trained, evaluation included\n"]
    lines += ["| | | median | over autograd's | the trainer's own share |", "|---|---|---|---|---|"]
    for count in BATCHES:
        trained, steps = (found[f"batch {count}, {what}"] for what in (TRAINED, STEPS))
        shares = own_shares(trained, steps)
        for name, timed in trained.items():
            over = timed.median / trained["autograd"].median
            lines.append(
                f"| batch {count} | {name} | {timed.median * 1e3:.0f} ms | {over:.2f} | {shares[name]:.0%} |"
            )
    return "\n".join(lines)


SECTION = Section(measure, table, partial(over, ours=("functions", "explicit"), theirs="autograd"))
