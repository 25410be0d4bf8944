"""Which test images `record` shows: one from which there is something to learn, and others beside it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from manual_backprop.training.data import Dataset

MOST = 100  # images among which it is chosen
IN_A_PAGE = 32  # images of the page of a multilayer perceptron, which can be trained there
PERCEPTRON = (nn.Linear, nn.ReLU, nn.Sigmoid, nn.Tanh)


def least_sure(
    model: Callable[[Tensor], Tensor],
    loss: Callable[..., Tensor],
    data: Dataset,
    label: int | None,
    size: int = 1,
) -> tuple[tuple[Any, Any], str]:
    """Of the first hundred test images, of all classes or of one, the one with the highest loss; and others.

    Where the set is sorted by class, as the sample is, those are of one class: then it is every n-th image.

    Args:
        model: what makes the logits.
        loss: of logits and labels.
        data: whose test images are looked at.
        label: the class; None for all.
        size: of the batch.

    Returns:
        The batch, its images and labels, and a sentence that says which images they are, and why the first is
        that one.
    """
    labels = data.test_labels
    of_label = f" of class {data.classes[label]}" if label is not None else ""
    every = places_of(data, label)
    places, among = every, f"the first {min(len(every), MOST)} test images{of_label}"
    apart = len(every) // MOST
    if label is None and apart > 1 and len(labels[:MOST].unique()) < len(labels.unique()):
        places, among = every[::apart], f"{MOST} test images, each {apart} from the next"
    places = places[:MOST]
    with torch.no_grad():
        losses = torch.stack(
            [loss(model(data.test_images[at : at + 1]), labels[at : at + 1]) for at in places.tolist()]
        )
    first = places[losses.nan_to_num(nan=torch.inf).argmax()]
    name = data.classes[int(labels[first])]
    about = (
        f"Test image {int(first)} of {data.name}, counted from 0, of class {name}: of {among}, "
        "it has the highest loss, so there is most to learn from it."
    )
    if size > 1:
        about += f" The others are the first test images{of_label or ' of each class, in turn'}."
    batch = with_others(first, every[every != first], labels)[:size]
    return (data.test_images[batch], labels[batch]), about


def with_others(first: Tensor, others: Tensor, labels: Tensor) -> Tensor:
    """Where a batch is: an image, then the first other one of each class, the second of each, and so on."""
    seen = nn.functional.one_hot(labels[others]).cumsum(0)
    turn = seen.gather(1, labels[others][:, None])[:, 0]
    return torch.cat([first[None], others[turn.argsort(stable=True)]])


def places_of(data: Dataset, label: int | None) -> Tensor:
    """Where the test images of a class are, or all of them."""
    labels = data.test_labels
    return torch.arange(len(labels)) if label is None else (labels == label).nonzero()[:, 0]


def usual_size(model: nn.Module, page: bool) -> int:
    """Of the batch. A multilayer perceptron can be trained in its page, for which one image is too few."""
    return IN_A_PAGE if page and all(isinstance(layer, PERCEPTRON) for layer in model.children()) else 1
