"""One epoch over as many images as MNIST has: the loop that people would write otherwise, and each engine."""

from functools import partial

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from manual_backprop.benchmark import SIZES, Case, alternate
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.engines import build
from scripts.benchmarks.section import Found, Section, Settings, over

IMAGES, BATCH = 60_000, 64


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
    """The usual loop, and each engine on tensors, in batches of `count`."""
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


def measure(settings: Settings) -> Found:
    """One thing that is done, by each."""
    cases = epochs(BATCH, settings.device)
    return {f"batch {BATCH}": alternate(cases, settings.epochs, 1, settings.device)}


def table(found: Found) -> str:
    """Markdown."""
    lines = [f"\nOne epoch of {IMAGES:,} images\n", "| | | median | speed |", "|---|---|---|---|"]
    for what, timed in found.items():
        reference = timed["DataLoader loop"].median
        lines += [
            f"| {what} | {name} | {case.median * 1e3:.0f} ms | {reference / case.median:.1f}× |"
            for name, case in timed.items()
        ]
    return "\n".join(lines)


SECTION = Section(measure, table, partial(over, ours=("functions", "explicit"), theirs="autograd"))
