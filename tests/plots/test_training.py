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


@pytest.mark.parametrize("count", [1, 2, 5, 14, 15, 40])
def test_the_running_median_ends_where_its_window_does(count: int) -> None:
    norms = [
        2.0 ** (i % 2) for i in range(count)
    ]  # a window of an even number would always have the smaller one
    figure = plots.gradient_norms([[i, norms[i]] for i in range(count)], steps_per_epoch=1)
    dots, line = figure.axes[0].lines
    xs, ys = line.get_xdata(), line.get_ydata()
    half = int(xs[0])
    assert len(dots.get_xdata()) == count
    assert list(xs) == list(range(half, count - half))
    due = [sorted(norms[x - half : x + half + 1])[half] for x in range(half, count - half)]
    assert list(ys) == due
    assert half == (7 if count >= 45 else min(15, max(count // 3, 1)) // 2)


def test_curves_say_how_training_is_averaged() -> None:
    assert any("averaged while learning" in text for text in texts(plots.training_curves(metrics(2))))


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
    assert titles == ["truly one: 10%\ntaken for zero: 90%", "truly zero: 40%\ntaken for one: 60%"]


def test_worst_mistakes_are_in_the_order_of_the_number_that_the_title_names() -> None:
    probabilities = torch.tensor([[0.04, 0.36, 0.6], [0.05, 0.05, 0.9], [0.00001, 0.5, 0.49999]])
    figure = plots.worst_mistakes(torch.rand(3, 28, 28), probabilities, torch.zeros(3).long(), tuple("abc"))
    shares = [axes.get_title().splitlines()[0] for axes in figure.axes if axes.get_title()]
    assert shares == ["truly a: below 0.01%", "truly a: 4%", "truly a: 5%"]
    assert any("true class with the least probability" in text for text in texts(figure))


def test_no_mistake_at_all_is_said() -> None:
    labels = torch.arange(10)
    certain = torch.eye(10)
    assert "No test image was classified wrong" in texts(
        plots.worst_mistakes(torch.rand(10, 28, 28), certain, labels, DIGITS)
    )
    assert "0 of 10 test images classified wrong (0.00%)" in texts(
        plots.confusion_matrix(labels, labels, DIGITS)
    )
