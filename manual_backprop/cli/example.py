"""Which test image `record` shows: one from which there is something to learn."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.training.data import Dataset

MOST = 100  # images among which it is chosen


def least_sure(
    model: Callable[[Tensor], Tensor], loss: Callable[..., Tensor], data: Dataset, label: int | None
) -> tuple[tuple[Any, Any], str]:
    """Of the first hundred test images, of all classes or of one, the one with the highest loss.

    Where the set is sorted by class, as the sample is, those are of one class: then it is every n-th image.

    Returns:
        The image and its label, in a batch of one, and a sentence that says which image it is, and why it is
        that one.
    """
    labels = data.test_labels
    places = torch.arange(len(labels)) if label is None else (labels == label).nonzero()[:, 0]
    among = f"the first {min(len(places), MOST)} test images"
    apart = len(places) // MOST
    if label is not None:
        among += f" of class {data.classes[label]}"
    elif apart > 1 and len(labels[:MOST].unique()) < len(labels.unique()):
        places, among = places[::apart], f"{MOST} test images, each {apart} from the next"
    places = places[:MOST]
    examples = [(data.test_images[at : at + 1], labels[at : at + 1]) for at in places.tolist()]
    with torch.no_grad():
        losses = torch.stack([loss(model(image), of_class) for image, of_class in examples])
    chosen = int(losses.nan_to_num(nan=torch.inf).argmax())
    name = data.classes[int(labels[places[chosen]])]
    about = (
        f"Test image {int(places[chosen])} of {data.name}, counted from 0, of class {name}: of {among}, "
        "it has the highest loss, so there is most to learn from it."
    )
    return examples[chosen], about
