"""The front page's laboratory: 784-128-10 after an epoch on real digits, recorded when the site is built."""

import sys
from pathlib import Path

import torch
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))

from readme_picture import trained, undecided

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.cli.example import IN_A_PAGE, with_others
from manual_backprop.training.data import load

ABOUT = (
    "784-128-10 after one epoch on the sample of MNIST. The first digit is the test image about which it is "
    "most undecided; the others are the first test images of each class, in turn."
)


def write(app: Sphinx) -> None:
    """As laboratory.html, which the front page shows in a frame."""
    data, _ = load("sample", Path(), torch.device("cpu"), torch.float32)
    model = torch.nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    parameters = trained(data)
    for parameter, value in zip(model.parameters(), parameters, strict=True):
        parameter.data.copy_(value)
    first = undecided(data, *parameters)
    others = torch.arange(len(data.test_labels))
    batch = with_others(first, others[others != first], data.test_labels)[:IN_A_PAGE]
    images, labels = data.test_images[batch], data.test_labels[batch]
    step = record(
        model,
        images,
        labels,
        loss=F.cross_entropy,
        lr=0.1,
        classes=data.classes,
        about=ABOUT,
        panel="draw",
    )
    Path(app.outdir).mkdir(parents=True, exist_ok=True)
    step.page(Path(app.outdir) / "laboratory.html")
