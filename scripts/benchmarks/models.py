"""A training step of real models, by hand and built in: forward, loss and backward."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from statistics import median

import torch
import torch.nn.functional as T
import torchvision
from torch import Tensor, nn

from manual_backprop import use_manual_gradients
from manual_backprop.benchmark import Case, alternate
from scripts.benchmarks.section import Found, Section, Settings, over

COLUMNS = ("eager", "fused")


def models(device: torch.device) -> Iterator[tuple[str, nn.Module, Callable[[], Tensor]]]:
    """The name of each, the model, and what computes its loss."""
    images = torch.randn(8, 3, 64, 64, device=device)
    classes = torch.randint(0, 10, (8,), device=device)

    def of_images(model: nn.Module) -> tuple[nn.Module, Callable[[], Tensor]]:
        model = model.to(device)
        return model, lambda: T.cross_entropy(model(images), classes)

    yield "resnet18", *of_images(torchvision.models.resnet18(num_classes=10))
    yield "mobilenet_v3_small", *of_images(torchvision.models.mobilenet_v3_small(num_classes=10))
    yield "vit_b_16, 4 layers of 256", *of_images(_vision_transformer())
    if find_spec("transformers"):
        yield "GPT2, 4 layers of 256", *_gpt2(device)
    yield "transformer encoder, 4 layers of 256", *_encoder(device)
    yield "LSTM, 2 layers of 256", *_lstm(device)


def _vision_transformer() -> nn.Module:
    return torchvision.models.VisionTransformer(64, 8, 4, 8, 256, 1024, num_classes=10)


def _gpt2(device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    from transformers import GPT2Config, GPT2LMHeadModel

    size = {"n_layer": 4, "n_embd": 256, "n_head": 8, "n_positions": 128, "vocab_size": 2000}
    model = GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0)).to(device)
    tokens = torch.randint(0, 2000, (4, 128), device=device)
    return model, lambda: model(tokens, labels=tokens).loss


def _encoder(device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True)
    body = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    model = nn.Sequential(body, nn.Linear(256, 10)).to(device)
    tokens, classes = torch.randn(8, 64, 256, device=device), torch.randint(0, 10, (8,), device=device)
    return model, lambda: T.cross_entropy(model(tokens).mean(1), classes)


def _lstm(device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    body, head = nn.LSTM(128, 256, 2, batch_first=True), nn.Linear(256, 10)
    model = nn.ModuleList([body, head]).to(device)
    tokens, classes = torch.randn(16, 64, 128, device=device), torch.randint(0, 10, (16,), device=device)
    return model, lambda: T.cross_entropy(head(body(tokens)[0][:, -1]), classes)


def cases_of(model: nn.Module, loss: Callable[[], Tensor]) -> dict[str, Case]:
    """A step on the hand-written backwards, as they are and compiled, and on the built-in ones."""

    def step() -> None:
        model.zero_grad()
        loss().backward()

    def by_hand() -> None:
        with use_manual_gradients():
            step()

    def by_hand_fused() -> None:
        with use_manual_gradients(fused=True):
            step()

    return {"eager": by_hand, "fused": by_hand_fused, "built in": step}


def measure(settings: Settings) -> Found:
    """By the name of the model."""
    rounds = max(settings.rounds // 6, 3)
    return {
        name: alternate(cases_of(model, loss), rounds, 1, settings.device)
        for name, model, loss in models(settings.device)
    }


def table(found: Found) -> str:
    """Markdown."""
    lines = ["\nA training step of whole models, over the built-in one's time\n"]
    lines += ["| | built in | eager | fused |", "|---|---|---|---|"]
    by_column: dict[str, list[float]] = {column: [] for column in COLUMNS}
    for name, timed in found.items():
        built_in = timed["built in"].median
        for column in COLUMNS:
            by_column[column].append(timed[column].median / built_in)
        ours = " | ".join(f"{by_column[column][-1]:.2f}" for column in COLUMNS)
        lines.append(f"| {name} | {built_in * 1e3:.0f} ms | {ours} |")
    medians = " | ".join(f"{median(by_column[column]):.2f}" for column in COLUMNS)
    return "\n".join([*lines, f"| **median** | | {medians} |"])


SECTION = Section(measure, table, partial(over, ours=COLUMNS, theirs="built in"))
