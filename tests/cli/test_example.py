"""`record` shows an image from which there is something to learn, and says which it is."""

import re

import pytest
import torch
from torch import Tensor

from manual_backprop.cli import main
from manual_backprop.cli.example import least_sure
from manual_backprop.training.data import Dataset

CLASSES = ("cat", "dog")


def dataset(labels: Tensor, images: Tensor) -> Dataset:
    return Dataset("set", CLASSES, images, labels, images, labels)


def logits(images: Tensor) -> Tensor:
    """The first pixel says dog, by so much."""
    return torch.stack([-images[:, 0], images[:, 0]], 1)


def images_of(sure: list[float]) -> Tensor:
    return torch.tensor(sure)[:, None]


@pytest.mark.parametrize(("label", "due"), [(None, 2), (0, 2), (1, 1)])
def test_it_is_the_one_with_the_highest_loss(label: int | None, due: int) -> None:
    data = dataset(torch.tensor([0, 1, 0, 1]), images_of([-9.0, 0.5, 3.0, 8.0]))
    (image, of_class), about = least_sure(logits, torch.nn.functional.cross_entropy, data, label)
    assert float(image) == float(data.test_images[due])
    assert of_class.tolist() == [int(data.test_labels[due])]
    assert f"Test image {due} of set, counted from 0, of class {CLASSES[int(of_class)]}" in about


def test_it_is_among_the_first_hundred() -> None:
    labels = torch.arange(300) % 2
    data = dataset(labels, images_of([9.0 if i == 150 else 0.01 * i for i in range(300)]))
    (image, _), about = least_sure(logits, torch.nn.functional.cross_entropy, data, None)
    assert float(image) == pytest.approx(0.98)
    assert "of the first 100 test images, it has the highest loss" in about


def test_of_a_set_that_is_sorted_by_class_all_classes_are_looked_at() -> None:
    labels = torch.tensor([0] * 250 + [1] * 250)
    data = dataset(labels, images_of([-5.0] * 250 + [0.0 if i == 50 else 5.0 for i in range(250)]))
    (_, of_class), about = least_sure(logits, torch.nn.functional.cross_entropy, data, None)
    assert of_class.tolist() == [1]
    assert (
        "Test image 300 of set, counted from 0, of class dog: of 100 test images, each 5 from the next"
        in about
    )


def test_a_loss_that_is_not_a_number_comes_first() -> None:
    data = dataset(torch.tensor([0, 1]), images_of([9.0, float("nan")]))
    assert "Test image 1 " in least_sure(logits, torch.nn.functional.cross_entropy, data, None)[1]


def test_the_others_are_of_every_class_even_where_few_are_asked_for() -> None:
    labels = torch.arange(400) // 200  # sorted by class
    data = dataset(labels, images_of([0.001 * i for i in range(400)]))
    loss = torch.nn.functional.cross_entropy
    (image, _), _ = least_sure(logits, loss, data, None)
    (images, of_classes), about = least_sure(logits, loss, data, None, 5)
    assert torch.equal(images[:1], image)
    assert len(images.unique()) == 5
    assert of_classes[1:].tolist() == [0, 1, 0, 1]
    assert about.endswith(" The others are the first test images of each class, in turn.")


def test_the_others_are_of_the_class_that_is_asked_for() -> None:
    labels = torch.arange(8) % 2
    data = dataset(labels, images_of([0.1 * i for i in range(8)]))
    (images, of_classes), about = least_sure(logits, torch.nn.functional.cross_entropy, data, 1, 4)
    assert of_classes.tolist() == [1, 1, 1, 1]
    assert len(images.unique()) == 4
    assert about.endswith(" The others are the first test images of class dog.")


@pytest.mark.usefixtures("sample_read_once")
def test_record_says_which_image_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("MANUAL_BACKPROP_MNIST", raising=False)
    monkeypatch.chdir(str(tmp_path))
    assert main(["record"]) == 0
    said = capsys.readouterr().out
    assert re.match(r"Test image \d+ of \S+, counted from 0, of class \d: ", said)
    loss = re.search(r"^L = (\S+),", said, re.MULTILINE)
    assert loss is not None
    assert float(loss[1]) > 1
