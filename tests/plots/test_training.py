"""The pictures show the numbers that they were given."""

import pytest
import torch
from matplotlib.figure import Figure

from manual_backprop import plots

DIGITS = tuple("0123456789")


def metrics(epochs: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": i + 1,
            "train_loss": 1 / (i + 1),
            "train_accuracy": 1 - 0.1 / (i + 1),
            "test_loss": 1.1 / (i + 1),
            "test_accuracy": 1 - 0.2 / (i + 1),
        }
        for i in range(epochs)
    ]


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.parametrize("epochs", [1, 10])
def test_curves_show_every_epoch_of_both_sets(epochs: int) -> None:
    figure = plots.training_curves(metrics(epochs))
    loss, accuracy = figure.axes
    assert [len(line.get_xdata()) for line in loss.lines] == [epochs, epochs]
    assert accuracy.lines[1].get_ydata()[-1] == pytest.approx(100 * (1 - 0.2 / epochs))
    assert {"training", "test", "loss (nats per image)", "images classified right (%)"} <= set(texts(figure))


@pytest.mark.parametrize("layers", [1, 2, 9])
def test_gradient_norms_show_every_layer_and_survive_a_gradient_of_zero(layers: int) -> None:
    rows = [
        [step, *(0.0 if step == 3 else 1.0 / (layer + 1) for layer in range(layers))] for step in range(40)
    ]
    figure = plots.gradient_norms(rows, steps_per_epoch=10)
    assert {f"layer {i + 1}" for i in range(layers)} <= set(texts(figure))


def test_confusion_matrix_counts_true_rows_and_predicted_columns() -> None:
    labels, predicted = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 1, 2, 0, 0])
    figure = plots.confusion_matrix(predicted, labels, ("a", "b", "c"))
    written = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in figure.axes[0].texts}
    assert written == {(0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 2): "1", (2, 0): "2"}
    assert "3 of 6 test images classified wrong (50.00%)" in texts(figure)


def test_worst_mistakes_come_worst_first_and_never_an_image_that_is_right() -> None:
    labels = torch.tensor([0, 1, 0, 1])
    probabilities = torch.tensor([[0.4, 0.6], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    figure = plots.worst_mistakes(torch.rand(4, 28, 28), probabilities, labels, ("zero", "one"))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["zero: 90%\ntruly one: 0.1", "one: 60%\ntruly zero: 0.4"]


def test_no_mistake_at_all_is_said() -> None:
    labels = torch.arange(10)
    certain = torch.eye(10)
    assert "No test image was classified wrong" in texts(
        plots.worst_mistakes(torch.rand(10, 28, 28), certain, labels, DIGITS)
    )
    assert "0 of 10 test images classified wrong (0.00%)" in texts(
        plots.confusion_matrix(labels, labels, DIGITS)
    )
