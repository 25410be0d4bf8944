"""How long a training step and an epoch take, engine by engine: python scripts/benchmark.py [--out FOLDER].

The engines alternate within one process, after a warm-up; medians are compared, never single runs. Beside
them stand the loop that people would write otherwise (a DataLoader that transforms image by image) and the
floor: the step's matrix products alone, each into a buffer that is there already.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from manual_backprop.plots import COLOURS, new_figure
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.engines import build

SIZES = (784, 128, 10)
IMAGES = 60_000
Case = Callable[[], Any]


def alternate(
    cases: dict[str, Case], rounds: int, repeats: int, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of each case, `rounds` of them, one case after the other in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 3):
        for name, case in cases.items():
            wait_for(device)
            started = time.perf_counter()
            for _ in range(repeats):
                case()
            wait_for(device)
            if number >= 3:  # the first ones warm up
                seconds[name].append((time.perf_counter() - started) / repeats)
    return seconds


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def floor(count: int, device: torch.device) -> Case:
    """The products that a step cannot do without: two forward, two for the weights, one back."""
    x, W, z = (torch.randn(shape, device=device) for shape in ((count, 784), (128, 784), (count, 128)))
    V, logits = torch.randn(10, 128, device=device), torch.randn(count, 10, device=device)
    grad_W, grad_V, delta = torch.empty_like(W), torch.empty_like(V), torch.empty_like(z)

    def products() -> None:
        torch.mm(x, W.T, out=z)
        torch.mm(z, V.T, out=logits)
        torch.mm(logits.T, z, out=grad_V)
        torch.mm(logits, V, out=delta)
        torch.mm(delta.T, x, out=grad_W)

    return products


def steps(count: int, device: torch.device) -> dict[str, Case]:
    """One step of each engine on the same batch."""
    images = torch.randn(count, SIZES[0], device=device)
    labels = torch.randint(0, SIZES[-1], (count,), device=device)
    engines = {name: build(TrainingConfig(engine=name), SIZES[0], SIZES[-1], device) for name in ENGINES}
    cases: dict[str, Case] = {
        name: lambda engine=engine: engine.step(images, labels) for name, engine in engines.items()
    }
    return {"floor": floor(count, device), **cases}


class TransformedImages(Dataset[tuple[Tensor, int]]):
    """As torchvision's MNIST gives them out: an image object, made a tensor and normalised one by one."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        self.pixels, self.labels = pixels, labels
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
        )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index].numpy())), int(self.labels[index])


def epochs(count: int, device: torch.device) -> dict[str, Case]:
    """One epoch over as many images as MNIST has: the usual loop, and each engine on tensors."""
    pixels = torch.randint(0, 256, (IMAGES, 28, 28), dtype=torch.uint8)
    targets = torch.randint(0, 10, (IMAGES,))
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
    ).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TransformedImages(pixels, targets), batch_size=count, shuffle=True)

    def usual_loop() -> None:
        for images, labels in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()

    images = (pixels.flatten(1).float() / 255).to(device)
    targets = targets.to(device)
    buffer = images.new_empty(count, SIZES[0])

    def epoch_of(name: str) -> Case:
        engine = build(TrainingConfig(engine=name), SIZES[0], SIZES[-1], device)

        def epoch() -> None:
            order = torch.randperm(IMAGES).to(device)
            for chosen, labels in zip(order.split(count), targets[order].split(count), strict=True):
                engine.step(torch.index_select(images, 0, chosen, out=buffer[: len(chosen)]), labels)

        return epoch

    return {"DataLoader loop": usual_loop, **{name: epoch_of(name) for name in ENGINES}}


def table(title: str, unit: float, name: str, results: dict[str, list[float]]) -> str:
    """Markdown: the median, the middle half, and how many times as quick as what is compared with."""
    reference = median(results["DataLoader loop" if "DataLoader loop" in results else "autograd"])
    lines = [f"\n{title}\n", f"| | median, {name} | middle half | speed |", "|---|---|---|---|"]
    for case, seconds in results.items():
        low, _, high = quantiles(seconds, n=4) if len(seconds) > 1 else (seconds[0],) * 3
        lines.append(
            f"| {case} | {median(seconds) * unit:.0f} | {low * unit:.0f} to {high * unit:.0f} "
            f"| {reference / median(seconds):.2f}× |"
        )
    return "\n".join(lines)


def picture(results: dict[str, dict[str, list[float]]], path: Path) -> None:
    figure = new_figure(8, 3.2)
    axes = figure.subplots(1, len(results))
    for ax, (title, cases) in zip(axes, results.items(), strict=True):
        values = [median(seconds) * 1e6 for seconds in cases.values()]
        ax.bar(list(cases), values, color=COLOURS[: len(cases)])
        ax.set_title(f"batch of {title}", loc="left", fontsize=9)
        ax.tick_params(axis="x", rotation=30, labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("median of a step, µs")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=60, help="of each case of a step (default: 60)")
    parser.add_argument("--epochs", type=int, default=3, help="of each engine; 0 for none (default: 3)")
    parser.add_argument("--out", type=Path, help="a folder for benchmark.json and benchmark.png")
    options = parser.parse_args()
    device = torch.device(options.device)
    where = torch.cuda.get_device_name() if device.type == "cuda" else cpu_name()
    machine = {
        "device": where,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    print(", ".join(f"{key} {value}" for key, value in machine.items()))

    by_batch = {}
    for count in (64, 128, 1024):
        by_batch[str(count)] = alternate(steps(count, device), options.rounds, 20, device)
        print(table(f"One step, 784-128-10, float32, batch {count}", 1e6, "µs", by_batch[str(count)]))
    by_epoch = {}
    if options.epochs:
        by_epoch = alternate(epochs(64, device), options.epochs, 1, device)
        print(table("One epoch of 60,000 images, batch 64", 1e3, "ms", by_epoch))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        content = {"machine": machine, "seconds_per_step": by_batch, "seconds_per_epoch": by_epoch}
        (options.out / "benchmark.json").write_text(json.dumps(content, indent=2) + "\n")
        picture(by_batch, options.out / "benchmark.png")


def cpu_name() -> str:
    names = [
        line.split(":")[1].strip()
        for line in (Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "").splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()} ({os.cpu_count()} cores)"


if __name__ == "__main__":
    main()
