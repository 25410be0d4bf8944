"""How long steps, operations and an epoch take: python scripts/benchmark.py [--out FOLDER] [--check JSON].

manual_backprop/benchmark.py says how it is measured. Here, the operations have the sizes of a language
model's last layer, and beside the engines' epochs stands the loop that people would write otherwise, a
DataLoader that transforms image by image. With --check, the ratios are compared with those of an earlier
run: exit code 1 where one has grown by more than a quarter.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from manual_backprop.benchmark import SIZES, Case, Timed, alternate, as_json, ratios, run, worse
from manual_backprop.plots import COLOURS, new_figure
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.engines import build

IMAGES = 60_000


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


def epoch_table(timed: dict[str, Timed]) -> str:
    reference = timed["DataLoader loop"].median
    lines = ["\nOne epoch of 60,000 images, batch 64\n", "| | median | speed |", "|---|---|---|"]
    for name, case in timed.items():
        lines.append(f"| {name} | {case.median * 1e3:.0f} ms | {reference / case.median:.1f}× |")
    return "\n".join(lines)


def picture(by_batch: dict[int, dict[str, Timed]], path: Path) -> None:
    figure = new_figure(8, 3.2)
    axes = figure.subplots(1, len(by_batch))
    for ax, (count, timed) in zip(axes, by_batch.items(), strict=True):
        ax.bar(list(timed), [case.median * 1e6 for case in timed.values()], color=COLOURS[: len(timed)])
        ax.set_title(f"batch of {count}", loc="left", fontsize=9)
        ax.tick_params(axis="x", rotation=30, labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("median of a step, µs")
    figure.savefig(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=60, help="of each step (default: 60)")
    parser.add_argument("--epochs", type=int, default=3, help="of each engine; 0 for none (default: 3)")
    parser.add_argument("--out", type=Path, help="a folder for benchmark.json and benchmark.png")
    parser.add_argument("--check", type=Path, metavar="JSON", help="the benchmark.json of an earlier run")
    options = parser.parse_args()
    device = torch.device(options.device)
    by_batch, by_operation = run(device, options.rounds, large=True)
    content = as_json(device, by_batch, by_operation)
    if options.epochs:
        by_epoch = alternate(epochs(64, device), options.epochs, 1, device)
        print(epoch_table(by_epoch))
        content["epochs"] = {name: case.seconds for name, case in by_epoch.items()}
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "benchmark.json").write_text(json.dumps(content, indent=2) + "\n")
        picture(by_batch, options.out / "benchmark.png")
    if not options.check:
        return 0
    found = worse(ratios(by_batch, by_operation), json.loads(options.check.read_text())["ratios"])
    print("\n".join(found) or "no ratio has grown by more than a quarter")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
